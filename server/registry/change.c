/* One change of the registry: the transaction, and its entries in the ledger. */
#include "registry/change.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "store/ledger.h"

/* Most bytes of one entry: four times what a body may hold. All of it came in one, with its escapes, but for what was
   there before. */
#define CONTENT_MAX_BYTES ((size_t)4 * 1024 * 1024)

struct registry_noted
{
  struct registry_noted *next;
  struct registry_note note;
  bool forced;
};

/* A copy that outlives what it was read from. */
static struct slice
keep (const struct registry_change *change, struct slice text)
{
  return (struct slice){ arena_string (change->arena, text), text.len };
}

void
registry_note (struct registry_change *change, const struct registry_note *note)
{
  struct registry_noted *noted = arena_alloc (change->arena, sizeof (*noted));

  /* Without memory the arena says so, and the frame refuses. */
  if (NULL == noted)
    return;
  *noted = (struct registry_noted){ .next = change->noted, .note = *note, .forced = change->forced };
  /* They may be of a row that is freed before the frame writes them. */
  noted->note.model = keep (change, note->model);
  noted->note.alias = keep (change, note->alias);
  change->noted = noted;
  change->noted_count++;
}

void
registry_write_text (struct json_write *w, const char *name, struct slice text)
{
  json_write_key (w, name);
  if (NULL == text.data)
    json_write_null (w);
  else
    json_write_string (w, text);
}

void
registry_object_begin (struct registry_object *object)
{
  buffer_init (&object->buffer, CONTENT_MAX_BYTES);
  json_write_init (&object->w, &object->buffer);
  json_write_object (&object->w);
}

struct slice
registry_object_end (struct registry_object *object, const struct registry_change *change)
{
  struct slice text = { NULL, 0 };

  json_write_object_end (&object->w);
  if (object->buffer.failed)
    arena_fail (change->arena);
  else
    text = (struct slice){ arena_copy (change->arena, object->buffer.data, object->buffer.len), object->buffer.len };
  buffer_free (&object->buffer);
  return text;
}

static void
write_value (struct json_write *w, const char *name, struct slice value)
{
  json_write_key (w, name);
  if (NULL == value.data)
    json_write_null (w);
  else
    json_write_raw (w, value);
}

/* The text of one entry, in the arena. */
static struct slice
content_of (const struct registry_change *change, const struct registry_noted *noted)
{
  const struct registry_actor *actor = change->actor;
  const struct registry_note *note = &noted->note;
  struct registry_object object;
  struct json_write *w = &object.w;

  registry_object_begin (&object);
  json_write_member_text (w, "action", note->action);
  json_write_member_int64 (w, "workspace_id", change->workspace_id);
  if (0 != note->registered_model_id)
    json_write_member_int64 (w, "registered_model_id", note->registered_model_id);
  json_write_member_string (w, "model", note->model);
  if (0 != note->version)
    json_write_member_int64 (w, "version", note->version);
  if (NULL != note->alias.data)
    json_write_member_string (w, "alias", note->alias);
  json_write_member_string (w, "actor", actor->name);
  json_write_member_bool (w, "claimed", 0 == actor->account_id);
  if (0 != actor->account_id)
    json_write_member_int64 (w, "account_id", actor->account_id);
  json_write_member_string (w, "method", actor->method);
  json_write_member_string (w, "address", actor->address);
  json_write_member_string (w, "client", actor->client);
  registry_write_text (w, "run_url", change->run_url);
  registry_write_text (w, "reason", change->reason);
  json_write_member_bool (w, "forced", noted->forced);
  write_value (w, "before", note->before);
  write_value (w, "after", note->after);
  return registry_object_end (&object, change);
}

static enum err_code
commit_notes (struct registry_change *change, struct err *err)
{
  struct slice *contents = arena_array (change->arena, change->noted_count, sizeof (*contents));
  const struct registry_noted *noted = change->noted;

  for (size_t i = change->noted_count; NULL != contents && i > 0; i--, noted = noted->next)
    contents[i - 1] = content_of (change, noted);
  if (arena_overflowed (change->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return store_ledger_commit (change->connection, contents, change->noted_count, change->now_ms, change->arena, err);
}

struct frame
{
  struct registry_change *change;
  registry_work *work;
  void *context;
};

static enum err_code
frame_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct frame *frame = context;
  struct registry_change *change = frame->change;
  enum err_code code;

  (void)connection;
  change->noted = NULL;
  change->noted_count = 0;
  change->forced = false;
  change->model = (struct slice){ NULL, 0 };
  change->missing = (struct slice){ NULL, 0 };
  change->current = (struct slice){ NULL, 0 };
  change->now_ms = (int64_t)clock_wall_ms ();
  code = frame->work (change, frame->context, err);
  return ERR_OK == code && change->noted_count > 0 ? commit_notes (change, err) : code;
}

enum err_code
registry_change_run (struct registry_change *change, registry_work *work, void *context, struct err *err)
{
  struct frame frame = { change, work, context };

  return store_transaction (change->connection, STORE_WRITE, frame_work, &frame, err);
}

enum err_code
registry_hold_model (struct store_registered_model *model, struct registry_change *change, struct slice name,
                     struct err *err)
{
  struct result result = { NULL };
  enum err_code code =
      store_registered_model_hold (model, &result, change->connection, change->workspace_id, name, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set (err, code, "Registered Model with name=%.*s not found", SLICE_ARG (name));
  if (ERR_OK == code)
  {
    model->name = keep (change, model->name);
    model->description = keep (change, model->description);
    model->tags = keep (change, model->tags);
    change->model = model->name;
    if (arena_overflowed (change->arena))
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}

struct slice
registry_text_member (const struct registry_change *change, const char *key, struct slice text)
{
  struct registry_object object;

  registry_object_begin (&object);
  registry_write_text (&object.w, key, text);
  return registry_object_end (&object, change);
}

struct slice
registry_number_member (const struct registry_change *change, const char *key, int64_t number)
{
  char *text = arena_printf (change->arena, "{\"%s\":%lld}", key, (long long)number);

  return slice_of (text);
}
