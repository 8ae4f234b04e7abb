/* What a registered model was at a place in the ledger, by playing its entries.

   DESIGN
   Entries say what changed and not what is, so each is applied to a JSON object that holds what the ones before it
   made. One table names for each action what it does. Only what belongs to the page is played: the model itself, its
   gates and the versions of the page, one after the other. */
#include "registry/state.h"

#include "base/json_tree.h"

/* What entries are played on. */
struct scene
{
  json_t *object; /* the model or version that they are about; borrowed; NULL while it is not there */
  json_t *list; /* where versions or gates go; borrowed */
  bool out_of_memory;
};

/* One entry, read. */
struct played
{
  int64_t at_ms;
  int64_t entry;
  const json_t *content;
  json_t *before; /* borrowed, from content; NULL: null */
  json_t *after;
};

typedef void play (struct scene *scene, const struct played *played);

static void
put (struct scene *scene, json_t *object, const char *key, json_t *value)
{
  if (0 != json_object_set_new (object, key, value))
    scene->out_of_memory = true;
}

/* Set members of the object to what the entry says. */
static void
play_members (struct scene *scene, const struct played *played)
{
  if (0 != json_object_update (scene->object, played->after))
    scene->out_of_memory = true;
}

static void
play_tag (struct scene *scene, const struct played *played)
{
  json_t *tags = json_object_get (scene->object, "tags");
  json_t *value = json_object_get (played->after, "value");
  const char *key = json_string_value (json_object_get (NULL == played->after ? played->before : played->after, "key"));

  if (NULL == key)
    return;
  if (NULL == value || json_is_null (value))
    (void)json_object_del (tags, key);
  else if (0 != json_object_set (tags, key, value))
    scene->out_of_memory = true;
}

/* Of a model or a version: it begins with what the entry says. */
static void
begin (struct scene *scene, const struct played *played)
{
  play_members (scene, played);
  put (scene, scene->object, "created_at", json_integer (played->at_ms));
  if (! json_is_object (json_object_get (scene->object, "tags")))
    put (scene, scene->object, "tags", json_object ());
}

static void
play_model_create (struct scene *scene, const struct played *played)
{
  (void)json_object_clear (scene->object);
  begin (scene, played);
}

static void
play_delete (struct scene *scene, const struct played *played)
{
  (void)played;
  (void)json_object_clear (scene->object);
}

static void
play_version_create (struct scene *scene, const struct played *played)
{
  scene->object = json_object ();
  if (NULL == scene->object || 0 != json_array_append_new (scene->list, scene->object))
  {
    scene->out_of_memory = true;
    return;
  }
  if (0 != json_object_set (scene->object, "version", json_object_get (played->content, "version")))
    scene->out_of_memory = true;
  put (scene, scene->object, "stage", json_string ("None"));
  put (scene, scene->object, "aliases", json_array ());
  put (scene, scene->object, "checks", json_object ());
  put (scene, scene->object, "approvals", json_object ());
  begin (scene, played);
}

/* Who did it and when, beside what the entry says. */
static json_t *
signed_copy (struct scene *scene, const struct played *played)
{
  json_t *copy = NULL == played->after ? json_object () : json_copy (played->after);

  if (NULL == copy || 0 != json_object_set (copy, "actor", json_object_get (played->content, "actor")))
    scene->out_of_memory = true;
  put (scene, copy, "created_at", json_integer (played->at_ms));
  return copy;
}

static void
play_check (struct scene *scene, const struct played *played)
{
  const char *name = json_string_value (json_object_get (played->after, "name"));

  if (NULL != name)
    put (scene, json_object_get (scene->object, "checks"), name, signed_copy (scene, played));
}

static void
play_approval (struct scene *scene, const struct played *played)
{
  json_t *approvals = json_object_get (scene->object, "approvals");
  const char *actor = json_string_value (json_object_get (played->content, "actor"));

  if (NULL == played->after)
    (void)json_object_del (approvals, actor);
  else
    put (scene, approvals, actor, signed_copy (scene, played));
}

/* Whether a gate of the list is the one that an entry is about. */
static bool
is_same_gate (const json_t *gate, const struct played *played)
{
  const json_t *said = NULL == played->after ? played->before : played->after;

  return 1 == json_equal (json_object_get (gate, "model_pattern"), json_object_get (played->content, "model"))
         && json_equal (json_object_get (gate, "alias"), json_object_get (said, "alias"))
                == (NULL != json_object_get (said, "alias"))
         && json_equal (json_object_get (gate, "stage"), json_object_get (said, "stage"))
                == (NULL != json_object_get (said, "stage"));
}

static void
play_gate (struct scene *scene, const struct played *played)
{
  json_t *gate;

  for (size_t i = json_array_size (scene->list); i > 0; i--)
    if (is_same_gate (json_array_get (scene->list, i - 1), played))
      (void)json_array_remove (scene->list, i - 1);
  if (NULL == played->after)
    return;
  gate = signed_copy (scene, played);
  if (NULL == gate || 0 != json_object_set (gate, "model_pattern", json_object_get (played->content, "model"))
      || 0 != json_array_append_new (scene->list, gate))
    scene->out_of_memory = true;
}

struct action
{
  const char *name;
  bool needs_object; /* it is about something that an entry before has made */
  play *play;
};

static const struct action actions[] = {
  { "model.create", false, play_model_create }, { "model.rename", true, play_members },
  { "model.describe", true, play_members },     { "model.tag", true, play_tag },
  { "model.delete", true, play_delete },        { "version.create", false, play_version_create },
  { "version.describe", true, play_members },   { "version.stage", true, play_members },
  { "version.delete", true, play_delete },      { "version.tag", true, play_tag },
  { "check.post", true, play_check },           { "approval.give", true, play_approval },
  { "approval.withdraw", true, play_approval }, { "gate.set", false, play_gate },
  { "gate.delete", false, play_gate },
};

static json_t *
member_or_null (const json_t *content, const char *name)
{
  json_t *value = json_object_get (content, name);

  return json_is_object (value) ? value : NULL;
}

static enum err_code
play_row (const struct result *result, void *context, struct err *err)
{
  struct scene *scene = context;
  struct store_ledger_entry entry;
  struct played played;
  json_t *content;
  const char *name;
  enum err_code code = result_row (&entry, result, 0, store_ledger_columns, STORE_LEDGER_COLUMNS, err);

  if (ERR_OK != code)
    return code;
  content = json_tree_load (&scene->out_of_memory, entry.content, 0, NULL);
  played = (struct played){ .at_ms = entry.at_ms,
                            .entry = entry.entry,
                            .content = content,
                            .before = member_or_null (content, "before"),
                            .after = member_or_null (content, "after") };
  name = json_string_value (json_object_get (content, "action"));
  for (size_t i = 0; NULL != name && i < sizeof (actions) / sizeof (actions[0]); i++)
    if (0 == strcmp (name, actions[i].name) && (! actions[i].needs_object || NULL != scene->object))
      actions[i].play (scene, &played);
  json_decref (content);
  return scene->out_of_memory ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

/* --- aliases ------------------------------------------------------------------------------------------------------ */

/* Put an alias on the version of the page that it points at, if it is there. */
static void
mark_version (struct registry_state *state, const struct store_ledger_alias *alias, bool *out_of_memory)
{
  size_t count = json_array_size (state->versions);

  for (size_t i = 0; i < count; i++)
  {
    json_t *version = json_array_get (state->versions, i);

    if (json_integer_value (json_object_get (version, "version")) == alias->version
        && 0
               != json_array_append_new (json_object_get (version, "aliases"),
                                         json_stringn (alias->alias.data, alias->alias.len)))
      *out_of_memory = true;
  }
}

static json_t *
alias_object (const struct store_ledger_alias *alias)
{
  json_t *content = json_tree_load (NULL, alias->content, 0, NULL);
  json_t *object = json_pack ("{s:s%, s:I, s:I, s:I, s:O*}", "alias", alias->alias.data, alias->alias.len, "version",
                              (json_int_t)alias->version, "entry", (json_int_t)alias->entry, "since",
                              (json_int_t)alias->at_ms, "actor", json_object_get (content, "actor"));

  json_decref (content);
  return object;
}

static enum err_code
read_aliases (struct registry_state *state, struct store_connection *connection,
              const struct registry_state_query *query, struct err *err)
{
  struct result result = { NULL };
  struct store_ledger_alias alias;
  json_t *list = json_array ();
  bool out_of_memory = 0 != json_object_set_new (state->model, "aliases", list);
  enum err_code code = store_ledger_aliases (&result, connection, query->registered_model_id, query->entry, err);

  for (size_t i = 0; ERR_OK == code && ! out_of_memory && i < result_count (&result); i++)
  {
    code = result_row (&alias, &result, i, store_ledger_alias_columns, STORE_LEDGER_ALIAS_COLUMNS, err);
    if (ERR_OK != code)
      break;
    out_of_memory = 0 != json_array_append_new (list, alias_object (&alias));
    mark_version (state, &alias, &out_of_memory);
  }
  result_free (&result);
  return out_of_memory ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : code;
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

/* The numbers of the page's versions, which may have gaps; none: *lowest is above *highest. */
static enum err_code
page_bounds (int64_t *lowest, int64_t *highest, int64_t *next, struct store_connection *connection,
             const struct registry_state_query *query, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  size_t count;
  enum err_code code = store_ledger_versions (&result, connection, query->registered_model_id, query->before,
                                              query->entry, query->most + 1, err);

  *lowest = 1;
  *highest = *next = 0;
  count = ERR_OK == code ? result_count (&result) : 0;
  if (count > 0)
    code = result_row (highest, &result, 0, columns, 1, err);
  if (ERR_OK == code && count > (size_t)query->most)
    count = (size_t)query->most;
  if (ERR_OK == code && count > 0)
    code = result_row (lowest, &result, count - 1, columns, 1, err);
  if (ERR_OK == code && result_count (&result) > count)
    *next = *lowest;
  result_free (&result);
  return code;
}

/* Versions between those of the page were deleted by then, and are thrown away; checks and approvals become lists. */
static void
finish_versions (json_t *versions, bool *out_of_memory)
{
  static const char *const maps[] = { "checks", "approvals" };

  for (size_t i = json_array_size (versions); i > 0; i--)
  {
    json_t *version = json_array_get (versions, i - 1);

    if (0 == json_object_size (version))
      (void)json_array_remove (versions, i - 1);
    for (size_t k = 0; k < sizeof (maps) / sizeof (maps[0]) && 0 != json_object_size (version); k++)
    {
      json_t *list = json_array ();
      const char *key;
      json_t *value;

      json_object_foreach (json_object_get (version, maps[k]), key,
                           value) if (0 != json_array_append (list, value)) *out_of_memory = true;
      if (0 != json_object_set_new (version, maps[k], list))
        *out_of_memory = true;
    }
  }
}

static enum err_code
read_versions (struct registry_state *state, struct store_connection *connection,
               const struct registry_state_query *query, struct err *err)
{
  struct scene scene = { .list = state->versions };
  int64_t lowest;
  int64_t highest;
  enum err_code code = page_bounds (&lowest, &highest, &state->next_before, connection, query, err);

  if (ERR_OK == code && lowest <= highest)
    code = store_ledger_of_versions (connection, query->registered_model_id, lowest, highest, query->entry, play_row,
                                     &scene, err);
  if (ERR_OK == code)
    finish_versions (state->versions, &scene.out_of_memory);
  return scene.out_of_memory ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : code;
}

static enum err_code
read_gates (struct registry_state *state, struct store_connection *connection, const struct registry_state_query *query,
            struct err *err)
{
  const json_t *name = json_object_get (state->model, "name");
  struct scene scene = { .list = state->gates };

  return store_ledger_of_gates (connection, query->workspace_id,
                                (struct slice){ json_string_value (name), json_string_length (name) }, query->entry,
                                play_row, &scene, err);
}

void
registry_state_free (struct registry_state *state)
{
  json_decref (state->model);
  json_decref (state->versions);
  json_decref (state->gates);
  *state = (struct registry_state){ .model = NULL };
}

enum err_code
registry_state_read (struct registry_state *state, struct store_connection *connection,
                     const struct registry_state_query *query, struct err *err)
{
  struct scene scene;
  enum err_code code;

  *state = (struct registry_state){ json_object (), json_array (), json_array (), 0 };
  if (NULL == state->model || NULL == state->versions || NULL == state->gates)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  scene = (struct scene){ .object = state->model };
  code = store_ledger_of_model (connection, query->registered_model_id, query->entry, play_row, &scene, err);
  if (ERR_OK == code && 0 == json_object_size (state->model))
    return ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK == code)
    code = read_versions (state, connection, query, err);
  if (ERR_OK == code)
    code = read_aliases (state, connection, query, err);
  return ERR_OK == code ? read_gates (state, connection, query, err) : code;
}
