/* Logged models: create, read, finalize, delete, tags, params. */
#include "api/logged_model.h"

#include "api/experiment.h"
#include "api/gate.h"
#include "api/logged_model_document.h"
#include "api/names.h"
#include "base/clock.h"
#include "base/id.h"
#include "ingest/contexts.h"

#include <inttypes.h>
#include <stdlib.h>

/* Limits in characters. Names, types and keys: the columns of MLflow's database
   (mlflow/store/tracking/dbmodels/models.py). Values have none there; this is what it allows tags of registered
   models. */
#define NAME_MAX_CHARACTERS 500
#define TYPE_MAX_CHARACTERS 500
#define PAIR_KEY_MAX 255
#define PAIR_VALUE_MAX 100000
#define SOURCE_RUN_MAX MODEL_ID_MAX

/* Keys of params and tags: any text, as in MLflow. */
static const struct field pair_fields[] = {
  { .name = "key", .type = FIELD_STRING, .flags = FIELD_EMPTY, .offset = offsetof (struct key_value, key) },
  { .name = "value", .type = FIELD_STRING, .offset = offsetof (struct key_value, value) },
};

static const struct schema pair_schema = SCHEMA (pair_fields, struct key_value);

static enum err_code
check_pairs (struct key_value *pairs, size_t count, const char *list, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    char path[64];

    if (NULL == pairs[i].key.data)
      pairs[i].key = SLICE ("");
    if (NULL == pairs[i].value.data)
      pairs[i].value = SLICE ("");
    snprintf (path, sizeof (path), "%s[%zu].key", list, i);
    code = names_check_length (pairs[i].key, path, PAIR_KEY_MAX, err);
    snprintf (path, sizeof (path), "%s[%zu].value", list, i);
    if (ERR_OK == code)
      code = names_check_length (pairs[i].value, path, PAIR_VALUE_MAX, err);
  }
  return code;
}

/* A param is written once, also within a request. */
static enum err_code
check_params (struct objects *params, struct arena *arena, struct err *err)
{
  struct key_value *pairs = params->items;
  struct slice *keys = arena_array (arena, params->count, sizeof (struct slice));
  enum err_code code = check_pairs (pairs, params->count, "params", err);

  if (ERR_OK != code)
    return code;
  if (NULL == keys)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < params->count; i++)
    keys[i] = pairs[i].key;
  qsort (keys, params->count, sizeof (keys[0]), slice_compare_items);
  for (size_t i = 1; i < params->count; i++)
    if (slice_equal (keys[i - 1], keys[i]))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Duplicate parameter keys have been submitted: [%s]. Please ensure the request contains only one "
                      "param value per param key.",
                      api_python_repr (keys[i], arena));
  return ERR_OK;
}

struct create_request
{
  struct slice experiment_id;
  struct slice name;
  struct slice model_type;
  struct slice source_run_id;
  struct objects params;
  struct objects tags;
};

static const struct field create_fields[] = {
  { .name = "experiment_id",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct create_request, experiment_id) },
  { .name = "name", .type = FIELD_STRING, .offset = offsetof (struct create_request, name) },
  { .name = "model_type", .type = FIELD_STRING, .offset = offsetof (struct create_request, model_type) },
  { .name = "source_run_id", .type = FIELD_STRING, .offset = offsetof (struct create_request, source_run_id) },
  { .name = "params",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct create_request, params),
    .schema = &pair_schema },
  { .name = "tags", .type = FIELD_OBJECTS, .offset = offsetof (struct create_request, tags), .schema = &pair_schema },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

/* Characters that would be something else in a models:/ URI. */
static enum err_code
check_name (struct slice name, struct arena *arena, struct err *err)
{
  for (size_t i = 0; i < name.len; i++)
    if (NULL != memchr ("/:.%\"'", name.data[i], 6))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Invalid model name (%s) provided. Model name must be a non-empty string and cannot contain the "
                      "following characters: ('/', ':', '.', '%%', '\"', \"'\")",
                      api_python_repr (name, arena));
  return names_check_length (name, "name", NAME_MAX_CHARACTERS, err);
}

static enum err_code
check_create (struct store_new_logged_model *fresh, struct create_request *request, struct arena *arena,
              struct err *err)
{
  enum err_code code = names_experiment_id (&fresh->experiment_id, request->experiment_id, err);

  if (ERR_OK == code)
    code = check_name (request->name, arena, err);
  if (ERR_OK == code)
    code = names_check_length (request->model_type, "model_type", TYPE_MAX_CHARACTERS, err);
  if (ERR_OK == code)
    code = names_check_length (request->source_run_id, "source_run_id", SOURCE_RUN_MAX, err);
  if (ERR_OK == code)
    code = check_params (&request->params, arena, err);
  if (ERR_OK == code)
    code = check_pairs (request->tags.items, request->tags.count, "tags", err);
  return code;
}

/* Who says that a run made the model may read that run. A client may name one that is not here. */
static enum err_code
require_source (struct api_call *call, struct slice source_run_id, struct err *err)
{
  struct uuid run_id;
  int64_t experiment_id = -1;
  enum err_code code;

  if (gate_owns_all (call) || ! uuid_parse (&run_id, source_run_id))
    return ERR_OK;
  code = store_access_experiments_of_runs (&experiment_id, call->connection, &run_id, 1, call->arena, err);
  return ERR_OK != code || experiment_id < 0 ? code : gate_require_runs (call, &run_id, 1, PERMISSION_READ, err);
}

static struct slice
or_empty (struct slice text)
{
  return NULL == text.data ? SLICE ("") : text;
}

/* A new identifier and, where the client gave none, a name. */
static enum err_code
name_model (struct store_new_logged_model *fresh, struct slice name, struct arena *arena, struct err *err)
{
  struct uuid random;
  char hex[UUID_TEXT_BYTES];
  char *text = arena_alloc (arena, 64);
  const char *model_id;

  if (NULL == text || ! uuid_random (&random))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  uuid_format (hex, &random);
  id_run_name (text, 64);
  model_id = arena_printf (arena, "m-%s", hex);
  fresh->model_id = slice_of (model_id);
  fresh->name = slice_filled (name) ? name : slice_of (text);
  return NULL == model_id ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

/* Answer with one model. */
static enum err_code
reply_model (struct api_call *call, const struct store_logged_model *model, const struct model_metrics *metrics,
             struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  json_write_key (&w, "model");
  logged_model_write (&w, model, metrics, call->arena);
  return api_reply_end (&w, call, err);
}

enum err_code
api_logged_model_create (struct api_call *call, struct err *err)
{
  struct create_request request;
  struct store_new_logged_model fresh = { .experiment_id = 0 };
  struct store_logged_model model;
  struct result result = { NULL };
  bool made = false;
  enum err_code code = api_decode (&request, call, &create_schema, err);

  if (ERR_OK == code)
    code = check_create (&fresh, &request, call->arena, err);
  if (ERR_OK == code)
    code = require_source (call, request.source_run_id, err);
  if (ERR_OK == code)
    code = name_model (&fresh, request.name, call->arena, err);
  if (ERR_OK != code)
    return code;
  fresh.model_type = or_empty (request.model_type);
  fresh.source_run_id = or_empty (request.source_run_id);
  fresh.params = api_pairs_object (request.params.items, request.params.count, 0, call->arena);
  fresh.tags = api_pairs_object (request.tags.items, request.tags.count, 0, call->arena);
  if (NULL == fresh.params.data || NULL == fresh.tags.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_logged_model_create (&made, &model, &result, call->connection, &fresh, clock_wall_ms (), err);
  if (ERR_OK == code && ! made)
    code = api_experiment_not_active (call, fresh.experiment_id, err);
  else if (ERR_OK == code)
    code = reply_model (call, &model, NULL, err);
  result_free (&result);
  return code;
}

/* A model and its points, in one snapshot. */
struct get_call
{
  struct api_call *call;
  struct slice model_id;
  bool deleted_too;
};

static enum err_code
get_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct get_call *get = context;
  struct api_call *call = get->call;
  struct store_logged_model model;
  struct model_metrics metrics;
  struct result result = { NULL };
  enum err_code code = store_logged_model_get (&model, &result, connection, get->model_id, err);

  buffer_clear (&call->reply);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code || (ERR_OK == code && model.deleted_at_ms.present && ! get->deleted_too))
    code = metric_model_unknown (err, get->model_id);
  if (ERR_OK == code)
    code = model_metrics_load (&metrics, call, &model, 1, err);
  if (ERR_OK == code)
    code = reply_model (call, &model, &metrics, err);
  result_free (&result);
  return code;
}

struct get_request
{
  struct optional_int64 allow_deleted;
};

static const struct field get_fields[] = {
  { .name = "allow_deleted", .type = FIELD_BOOL, .offset = offsetof (struct get_request, allow_deleted) },
};

static const struct schema get_schema = SCHEMA (get_fields, struct get_request);

enum err_code
api_logged_model_get (struct api_call *call, struct err *err)
{
  struct get_request request;
  struct get_call get = { .call = call, .model_id = call->path_values[0] };
  enum err_code code = api_decode (&request, call, &get_schema, err);

  get.deleted_too = 0 != request.allow_deleted.value;
  return ERR_OK == code ? store_transaction (call->connection, STORE_SNAPSHOT, get_work, &get, err) : code;
}

struct finalize_request
{
  struct slice model_id;
  struct optional_int64 status;
};

static const struct field finalize_fields[] = {
  { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct finalize_request, model_id) },
  { .name = "status",
    .type = FIELD_ENUM,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct finalize_request, status),
    .names = logged_model_status_names,
    .name_count = LOGGED_MODEL_STATUS_COUNT },
};

static const struct schema finalize_schema = SCHEMA (finalize_fields, struct finalize_request);

/* The body may name the model again. */
static enum err_code
check_model_id (const struct api_call *call, struct slice model_id, struct err *err)
{
  if (! slice_filled (model_id) || slice_equal (model_id, call->path_values[0]))
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "model_id '%.*s' of the body is not the model of the path, '%.*s'.",
                  SLICE_ARG (model_id), SLICE_ARG (call->path_values[0]));
}

enum err_code
api_logged_model_finalize (struct api_call *call, struct err *err)
{
  struct finalize_request request;
  struct slice model_id = call->path_values[0];
  struct store_logged_model model;
  struct get_call get = { .call = call, .model_id = model_id, .deleted_too = true };
  struct result result = { NULL };
  bool found = false;
  enum err_code code = api_decode (&request, call, &finalize_schema, err);

  if (ERR_OK == code)
    code = check_model_id (call, request.model_id, err);
  if (ERR_OK == code)
    code = store_logged_model_set_status (&found, &model, &result, call->connection, model_id,
                                          (enum logged_model_status)request.status.value, clock_wall_ms (), err);
  result_free (&result);
  if (ERR_OK == code && ! found)
    code = metric_model_unknown (err, model_id);
  return ERR_OK == code ? store_transaction (call->connection, STORE_SNAPSHOT, get_work, &get, err) : code;
}

enum err_code
api_logged_model_delete (struct api_call *call, struct err *err)
{
  bool found;
  enum err_code code =
      store_logged_model_delete (&found, call->connection, call->path_values[0], clock_wall_ms (), err);

  return ERR_OK != code || found ? code : metric_model_unknown (err, call->path_values[0]);
}

struct pairs_request
{
  struct slice model_id;
  struct objects pairs;
};

static const struct field tags_fields[] = {
  { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct pairs_request, model_id) },
  { .name = "tags", .type = FIELD_OBJECTS, .offset = offsetof (struct pairs_request, pairs), .schema = &pair_schema },
};

static const struct schema tags_schema = SCHEMA (tags_fields, struct pairs_request);

enum err_code
api_logged_model_set_tags (struct api_call *call, struct err *err)
{
  struct pairs_request request;
  struct slice tags;
  bool found;
  enum err_code code = api_decode (&request, call, &tags_schema, err);

  if (ERR_OK == code)
    code = check_model_id (call, request.model_id, err);
  if (ERR_OK == code)
    code = check_pairs (request.pairs.items, request.pairs.count, "tags", err);
  if (ERR_OK != code)
    return code;
  tags = api_pairs_object (request.pairs.items, request.pairs.count, 0, call->arena);
  if (NULL == tags.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_logged_model_set_tags (&found, call->connection, call->path_values[0], tags, err);
  return ERR_OK != code || found ? code : metric_model_unknown (err, call->path_values[0]);
}

enum err_code
api_logged_model_delete_tag (struct api_call *call, struct err *err)
{
  struct slice model_id = call->path_values[0];
  struct store_logged_model model;
  struct result result = { NULL };
  bool found;
  enum err_code code = store_logged_model_delete_tag (&found, call->connection, model_id, call->path_values[1], err);

  if (ERR_OK != code || found)
    return code;
  code = store_logged_model_get (&model, &result, call->connection, model_id, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = metric_model_unknown (err, model_id);
  else if (ERR_OK == code)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No tag with key %s found for model with ID %s.",
                    api_python_repr (call->path_values[1], call->arena), api_python_repr (model_id, call->arena));
  result_free (&result);
  return code;
}

static const struct field params_fields[] = {
  { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct pairs_request, model_id) },
  { .name = "params", .type = FIELD_OBJECTS, .offset = offsetof (struct pairs_request, pairs), .schema = &pair_schema },
};

static const struct schema params_schema = SCHEMA (params_fields, struct pairs_request);

/* Why params were not added: no such model, or one of them has another value. */
static enum err_code
refuse_params (struct api_call *call, const struct key_value *pairs, size_t count, struct err *err)
{
  struct slice model_id = call->path_values[0];
  struct store_logged_model model;
  struct result result = { NULL };
  json_t *params = NULL;
  enum err_code code = store_logged_model_get (&model, &result, call->connection, model_id, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = metric_model_unknown (err, model_id);
  if (ERR_OK != code)
    goto out;
  params = json_loadb (model.params.data, model.params.len, 0, NULL);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    const json_t *old = json_object_getn (params, pairs[i].key.data, pairs[i].key.len);
    const struct slice value = { json_string_value (old), json_string_length (old) };

    if (NULL != value.data && ! slice_equal (value, pairs[i].value))
      code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Changing param values is not allowed. Param with key=%s was already logged with value=%s for "
                      "model ID=%s. Attempted logging new value %s.",
                      api_python_repr (pairs[i].key, call->arena), api_python_repr (value, call->arena),
                      api_python_repr (model_id, call->arena), api_python_repr (pairs[i].value, call->arena));
  }
  if (ERR_OK == code)
    code = err_set (err, ERR_RESOURCE_CONFLICT, "The model was just changed by another request; try again.");
out:
  json_decref (params);
  result_free (&result);
  return code;
}

enum err_code
api_logged_model_log_params (struct api_call *call, struct err *err)
{
  struct pairs_request request;
  struct slice params;
  bool found;
  enum err_code code = api_decode (&request, call, &params_schema, err);

  if (ERR_OK == code)
    code = check_model_id (call, request.model_id, err);
  if (ERR_OK == code)
    code = check_params (&request.pairs, call->arena, err);
  if (ERR_OK != code)
    return code;
  params = api_pairs_object (request.pairs.items, request.pairs.count, 0, call->arena);
  if (NULL == params.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_logged_model_add_params (&found, call->connection, call->path_values[0], params, err);
  return ERR_OK != code || found ? code : refuse_params (call, request.pairs.items, request.pairs.count, err);
}
