/* Params and tags of runs, one at a time, and the history of logged models that is kept in a tag. */
#include "api/json.h"
#include "api/names.h"
#include "api/run.h"
#include "base/json_tree.h"
#include "ingest/metric_flush.h"
#include "store/run.h"

#include <stdlib.h>

/* Tag in which the models of a run are recorded. */
#define MODEL_HISTORY_TAG "mlflow.log-model.history"

struct pair_request
{
  struct slice run_id;
  struct slice key;
  struct slice value;
};

static const struct field pair_fields[] = {
  RUN_ID_FIELD (struct pair_request),
  { .name = "key",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED | FIELD_NUL,
    .offset = offsetof (struct pair_request, key) },
  { .name = "value", .type = FIELD_STRING, .offset = offsetof (struct pair_request, value) },
};

static const struct schema pair_schema = SCHEMA (pair_fields, struct pair_request);
/* delete-tag takes the first two only. */
static const struct schema delete_schema = { pair_fields, 2, sizeof (struct pair_request) };

/* What came out when a param is there already. */
struct present_param
{
  struct arena *arena;
  struct slice value;
  bool present;
};

static void
note_param (void *context, struct slice key, struct slice value)
{
  struct present_param *param = context;

  (void)key;
  param->value = (struct slice){ arena_string (param->arena, value), value.len };
  param->present = true;
}

/* The param was not added: because the run is not active, or because the key is there, with this value or another. */
static enum err_code
judge_param (struct api_call *call, const struct pair_request *request, const struct uuid *run_id, struct err *err)
{
  struct present_param param = { .arena = call->arena };
  bool exists;
  bool deleted;
  enum err_code code = store_run_state (&exists, &deleted, call->connection, run_id, err);

  if (ERR_OK == code && (! exists || deleted))
    return metric_run_refused (err, run_id, deleted);
  if (ERR_OK == code)
    code = store_run_params (call->connection, run_id, &request->key, 1, note_param, &param, call->arena, err);
  if (ERR_OK != code || (param.present && slice_equal (param.value, request->value)))
    return code;
  if (! param.present)
    return err_set (err, ERR_RESOURCE_CONFLICT, "The run was just changed by another request; try again.");
  return err_set (
      err, ERR_INVALID_PARAMETER_VALUE,
      "Changing param values is not allowed. Param with key='%.*s' was already logged with value='%.*s' for "
      "run ID='%.*s'. Attempted logging new value '%.*s'.",
      SLICE_ARG (request->key), SLICE_ARG (param.value), SLICE_ARG (request->run_id), SLICE_ARG (request->value));
}

enum err_code
api_param_log (struct api_call *call, struct err *err)
{
  struct pair_request request;
  struct uuid run_id;
  bool changed;
  enum err_code code = api_decode (&request, call, &pair_schema, err);

  if (ERR_OK == code)
    code = names_check_key (request.key, "key", call->arena, err);
  if (ERR_OK == code)
    code = names_check_length (request.key, "Param key", KEY_MAX, err);
  if (ERR_OK == code)
    code = api_run_limit_value (&request.value, call, "Param value", PARAM_VALUE_MAX, err);
  if (ERR_OK == code)
    code = api_run_id (&run_id, request.run_id, err);
  if (ERR_OK == code)
    code = store_run_add_param (&changed, call->connection, &run_id, request.key, request.value, err);
  return ERR_OK != code || changed ? code : judge_param (call, &request, &run_id, err);
}

enum err_code
api_run_set_tag (struct api_call *call, struct err *err)
{
  struct pair_request request;
  struct key_value pair;
  struct slice name = { NULL, 0 };
  struct slice tags;
  struct uuid run_id;
  bool changed = true;
  enum err_code code = api_decode (&request, call, &pair_schema, err);

  if (ERR_OK == code)
    code = names_check_key (request.key, "key", call->arena, err);
  if (ERR_OK == code)
    code = names_check_length (request.key, "key", KEY_MAX, err);
  if (ERR_OK == code)
    code = api_run_limit_value (&request.value, call, "value", RUN_TAG_VALUE_MAX, err);
  if (ERR_OK == code)
    code = api_run_id (&run_id, request.run_id, err);
  if (ERR_OK != code)
    return code;
  pair = (struct key_value){ request.key, request.value };
  tags = api_pairs_object (&pair, 1, 0, call->arena);
  /* Absent pairs would change nothing and be acknowledged. */
  if (NULL == tags.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (slice_is (request.key, RUN_NAME_TAG))
  {
    /* An empty name changes nothing, but the run has to be there. */
    name = request.value;
    if (0 == name.len)
      name.data = tags.data = NULL;
  }
  code = store_run_merge (&changed, call->connection, &run_id, (struct slice){ NULL, 0 },
                          NULL == tags.data ? (struct slice){ NULL, 0 } : tags, name, err);
  return ERR_OK != code || changed ? code : api_run_not_active (call, &run_id, err);
}

enum err_code
api_run_delete_tag (struct api_call *call, struct err *err)
{
  struct pair_request request;
  struct uuid run_id;
  bool changed;
  bool exists;
  bool deleted;
  enum err_code code = api_decode (&request, call, &delete_schema, err);

  if (ERR_OK == code)
    code = api_run_id (&run_id, request.run_id, err);
  if (ERR_OK == code)
    code = store_run_delete_tag (&changed, call->connection, &run_id, request.key, err);
  if (ERR_OK != code || changed)
    return code;
  code = store_run_state (&exists, &deleted, call->connection, &run_id, err);
  if (ERR_OK != code)
    return code;
  if (! exists || deleted)
    return metric_run_refused (err, &run_id, deleted);
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No tag with name: %.*s in run with id %.*s",
                  SLICE_ARG (request.key), SLICE_ARG (request.run_id));
}

struct model_request
{
  struct slice run_id;
  struct slice model_json;
};

static const struct field model_fields[] = {
  RUN_ID_FIELD (struct model_request),
  { .name = "model_json",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct model_request, model_json) },
};

static const struct schema model_schema = SCHEMA (model_fields, struct model_request);

static enum err_code
read_model (json_t **model, struct api_call *call, struct slice text, struct err *err)
{
  static const char *const mandatory[] = { "artifact_path", "flavors", "utc_time_created", "run_id" };
  bool out_of_memory;
  char *missing = NULL;

  *model = json_tree_load (&out_of_memory, text, 0, NULL);
  if (out_of_memory)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (! json_is_object (*model))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Malformed model info. \n %.*s \n is not a valid JSON.",
                    SLICE_ARG (text));
  for (size_t i = 0; i < sizeof (mandatory) / sizeof (mandatory[0]); i++)
    if (NULL == json_object_get (*model, mandatory[i]))
      missing = arena_printf (call->arena, "%s%s'%s'", NULL == missing ? "" : missing, NULL == missing ? "" : ", ",
                              mandatory[i]);
  if (NULL != missing)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Model json is missing mandatory fields: {%s}", missing);
  return ERR_OK;
}

/* What of a model is kept in the history: who, where, when, and its flavors without their settings. */
static json_t *
history_item (const json_t *model)
{
  json_t *item = json_object ();
  json_t *flavors = json_deep_copy (json_object_get (model, "flavors"));
  json_t *uuid = json_object_get (model, "model_uuid");
  const char *name;
  json_t *flavor;

  if (json_is_object (flavors))
    json_object_foreach (flavors, name, flavor) if (json_is_object (flavor)) (void) json_object_del (flavor, "config");
  if (0 != json_object_set (item, "run_id", json_object_get (model, "run_id"))
      || 0 != json_object_set (item, "artifact_path", json_object_get (model, "artifact_path"))
      || 0 != json_object_set (item, "utc_time_created", json_object_get (model, "utc_time_created"))
      || 0 != json_object_set_new (item, "model_uuid", NULL == uuid ? json_null () : json_incref (uuid))
      || 0 != json_object_set (item, "flavors", flavors))
  {
    json_decref (item);
    item = NULL;
  }
  json_decref (flavors);
  return item;
}

struct history_call
{
  struct api_call *call;
  struct uuid run_id;
  json_t *item;
};

static enum err_code
append_history (struct store_connection *connection, void *context, struct err *err)
{
  struct history_call *history = context;
  struct arena *arena = history->call->arena;
  struct key_value pair = { SLICE (MODEL_HISTORY_TAG), { NULL, 0 } };
  struct slice value;
  struct slice none = { NULL, 0 };
  struct slice tags;
  json_t *list = NULL;
  char *text = NULL;
  bool out_of_memory = false;
  struct pipeline pipeline;
  bool exists;
  bool deleted;
  enum err_code code =
      store_run_tag_locked (&exists, &deleted, &value, connection, &history->run_id, pair.key, arena, err);

  if (ERR_OK == code && (! exists || deleted))
    code = metric_run_refused (err, &history->run_id, deleted);
  if (ERR_OK != code)
    return code;
  if (slice_filled (value))
    list = json_tree_load (&out_of_memory, value, 0, NULL);
  /* Beginning anew would lose what is there. */
  if (out_of_memory)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (! json_is_array (list))
  {
    /* Somebody set the tag to something else by hand: begin anew. */
    json_decref (list);
    list = json_array ();
  }
  if (0 == json_array_append (list, history->item))
    text = json_dumps (list, 0);
  json_decref (list);
  if (NULL == text)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  pair.value = slice_of (text);
  tags = api_pairs_object (&pair, 1, 0, arena);
  free (text);
  if (NULL == tags.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  pipeline_init (&pipeline, connection, NULL);
  store_run_queue_merge (&pipeline, &history->run_id, none, tags, none);
  return pipeline_commit (&pipeline, err);
}

enum err_code
api_run_log_model (struct api_call *call, struct err *err)
{
  struct model_request request;
  struct history_call history = { .call = call };
  json_t *model = NULL;
  enum err_code code = api_decode (&request, call, &model_schema, err);

  if (ERR_OK == code)
    code = read_model (&model, call, request.model_json, err);
  if (ERR_OK == code)
    code = api_run_id (&history.run_id, request.run_id, err);
  if (ERR_OK == code)
  {
    history.item = history_item (model);
    if (NULL == history.item)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    else
      code = store_transaction (call->connection, STORE_WRITE, append_history, &history, err);
  }
  json_decref (history.item);
  json_decref (model);
  return code;
}
