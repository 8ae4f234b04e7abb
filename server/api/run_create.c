/* Starting a run: decoded where it is read, committed together with others. A repetition, told by the id that the
   client chose, is answered by a worker with the run that is there. */
#include "api/experiment.h"
#include "api/gate.h"
#include "api/names.h"
#include "api/run.h"
#include "api/run_document.h"
#include "ingest/metric_flush.h"

#include <stdlib.h>

/* Longest name of a run in characters; the tag that carries it has this limit in MLflow. */
#define RUN_NAME_MAX RUN_TAG_VALUE_MAX
/* Arrays of one group of new runs. */
#define GROUP_ARENA_BYTES ((size_t)256 * 1024 * 1024)

struct create_request
{
  struct slice experiment_id;
  struct optional_int64 start_time;
  struct slice run_name;
  struct slice user_id;
  struct slice run_id;
  struct objects tags;
};

static const struct field create_fields[] = {
  { .name = "experiment_id", .type = FIELD_STRING, .offset = offsetof (struct create_request, experiment_id) },
  { .name = "start_time", .type = FIELD_INT64, .offset = offsetof (struct create_request, start_time) },
  { .name = "run_name", .type = FIELD_STRING, .offset = offsetof (struct create_request, run_name) },
  { .name = "user_id", .type = FIELD_STRING, .offset = offsetof (struct create_request, user_id) },
  { .name = "run_id", .type = FIELD_STRING, .offset = offsetof (struct create_request, run_id) },
  { .name = "tags",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct create_request, tags),
    .schema = &key_value_schema },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

/* The name: argument, else tag, else a random one. */
static enum err_code
choose_name (struct slice *name, struct slice argument, struct slice tag, struct arena *arena, struct err *err)
{
  char *text;

  if (slice_filled (argument) && slice_filled (tag) && ! slice_equal (argument, tag))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                    "(run_name='%.*s', mlflow.runName='%.*s').",
                    SLICE_ARG (argument), SLICE_ARG (tag));
  *name = slice_filled (argument) ? argument : tag;
  if (slice_filled (*name))
    return ERR_OK;
  text = arena_alloc (arena, 64);
  if (NULL == text)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  id_run_name (text, 64);
  *name = slice_of (text);
  return ERR_OK;
}

static enum err_code
check_tags (struct key_value *tags, size_t count, const struct api_call *call, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    if (NULL != tags[i].key.data && NULL != memchr (tags[i].key.data, '\0', tags[i].key.len))
      code = names_check_key (tags[i].key, "key", call->arena, err);
    if (ERR_OK == code)
      code = names_check_length (tags[i].key, "key", KEY_MAX, err);
    if (ERR_OK == code)
      code = api_run_limit_value (&tags[i].value, call, "value", RUN_TAG_VALUE_MAX, err);
  }
  return code;
}

/* The id: the client's, else a random one. */
static enum err_code
choose_id (struct store_new_run *run, struct slice given, const struct api_call *call, struct err *err)
{
  run->given = slice_filled (given);
  if (! run->given)
    return uuid_random (&run->run_id) ? ERR_OK : err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (uuid_parse_given (&run->run_id, given))
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid value %s for parameter 'run_id' supplied: it must be a UUID, 32 hexadecimal digits.",
                  api_python_string (given, call->arena));
}

/* The request as a row to be written. */
static enum err_code
prepare (struct store_new_run **out, struct api_call *call, struct err *err)
{
  struct create_request request;
  struct store_new_run *run = arena_alloc (call->arena, sizeof (*run));
  struct key_value *tags;
  struct key_value *given;
  struct slice tag_name = { NULL, 0 };
  size_t count;
  enum err_code code = api_decode (&request, call, &create_schema, err);

  if (ERR_OK != code)
    return code;
  count = request.tags.count;
  given = request.tags.items;
  tags = arena_array (call->arena, count + 1, sizeof (struct key_value));
  if (NULL == run || NULL == tags)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = names_experiment_id (&run->experiment_id, request.experiment_id, err);
  if (ERR_OK == code)
    code = check_tags (given, count, call, err);
  if (ERR_OK == code)
    code = api_run_limit_value (&request.run_name, call, "run_name", RUN_NAME_MAX, err);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    tags[i] = given[i];
    if (slice_is (given[i].key, RUN_NAME_TAG))
      tag_name = given[i].value;
  }
  if (ERR_OK == code)
    code = choose_name (&run->name, request.run_name, tag_name, call->arena, err);
  if (ERR_OK == code)
    code = choose_id (run, request.run_id, call, err);
  if (ERR_OK != code)
    return code;
  tags[count] = (struct key_value){ SLICE (RUN_NAME_TAG), run->name };
  run->tags = api_pairs_object (tags, count + 1, 0, call->arena);
  run->user_id = NULL == request.user_id.data ? SLICE ("") : request.user_id;
  run->started_at_ms = request.start_time.value;
  run->arena = call->arena;
  if (NULL == run->tags.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  *out = run;
  return ERR_OK;
}

static enum err_code
reply (struct api_call *call, const struct store_new_run *made, struct err *err)
{
  const struct store_run run = {
    .run_id = made->run_id,
    .experiment_id = made->experiment_id,
    .name = made->name,
    .user_id = made->user_id,
    .status = RUN_RUNNING,
    .started_at_ms = made->started_at_ms,
    .artifact_uri = made->artifact_uri,
    .params = SLICE ("{}"),
    .tags = made->tags,
  };
  struct json_write w;
  size_t next_latest = 0;

  api_reply_start (&w, call);
  json_write_key (&w, "run");
  run_document_write (&w, &run, NULL, 0, &next_latest, &run_projection_everything, call->arena);
  return api_reply_end (&w, call, err);
}

/* Why a run was not made. */
static enum err_code
refused (struct err *err, const struct store_new_run *run)
{
  char text[UUID_TEXT_BYTES];

  switch (run->found)
  {
  case RUN_FOUND_ACTIVE:
    return ERR_OK;
  case RUN_FOUND_DELETED:
    return metric_run_refused (err, &run->run_id, true);
  case RUN_FOUND_ELSEWHERE:
    /* Of the other run nothing is told: the caller may not be one who may see it. */
    uuid_format (text, &run->run_id);
    return err_set (err, ERR_RESOURCE_ALREADY_EXISTS, "Run with id=%s already exists.", text);
  case RUN_FOUND_NONE:
  default:
    return api_experiment_refused (err, run->experiment_id, run->experiment_exists);
  }
}

static enum err_code
finish (struct api_call *call, struct err *err)
{
  const struct store_new_run *run = call->commit.payload;

  if (run->made)
    return reply (call, run, err);
  /* Found: to read it needs the database. */
  call->handle_next = true;
  return ERR_OK;
}

enum err_code
api_run_flush (struct store_connection *connection, struct commit_item *const *items, size_t count, void *context,
               struct err *err)
{
  struct arena *arena = arena_new (GROUP_ARENA_BYTES);
  struct store_new_run **runs = NULL == arena ? NULL : arena_array (arena, count, sizeof (struct store_new_run *));
  bool made = false; /* some, of a group that failed */
  enum err_code code;

  (void)context;
  if (NULL == runs)
  {
    arena_free (arena);
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  for (size_t i = 0; i < count; i++)
    runs[i] = items[i]->payload;
  code = store_run_create (connection, runs, count, arena, err);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
    if (! runs[i]->made)
      (void)refused (items[i]->err, runs[i]);
  /* Made runs stay made when it cannot be found out why others were not: only those fail. */
  for (size_t i = 0; ERR_OK != code && i < count; i++)
    if (runs[i]->made)
      made = true;
  for (size_t i = 0; made && i < count; i++)
    if (! runs[i]->made)
      *items[i]->err = *err;
  arena_free (arena);
  return made ? ERR_OK : code;
}

enum api_next
api_run_create (struct api_call *call)
{
  struct store_new_run *run;

  if (call->body.len > API_ADMIT_MAX_BYTES)
    return API_WORK;
  if (ERR_OK != prepare (&run, call, &call->err))
    return API_DONE;
  if (! gate_admit_experiment (call, run->experiment_id))
    return API_WORK;
  call->finish = finish;
  return api_commit (call, call->service->run_committer, run);
}

enum err_code
api_run_create_slow (struct api_call *call, struct err *err)
{
  struct store_new_run *run;
  enum err_code code = prepare (&run, call, err);

  if (ERR_OK == code)
    code = store_run_create (call->connection, &run, 1, call->arena, err);
  if (ERR_OK == code && ! run->made)
    code = refused (err, run);
  if (ERR_OK != code)
    return code;
  return run->made ? reply (call, run, err) : api_run_reply (call, &run->run_id, err);
}
