/* Which versions of a registered model stand for it: aliases, and the newest of each stage. */
#include "api/model_version_document.h"
#include "api/registered_model.h"
#include "api/registry.h"
#include "registry/alias.h"

struct alias_request
{
  struct slice name;
  struct slice alias;
  struct slice version;
};

static const struct field alias_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct alias_request, name) },
  { .name = "alias", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct alias_request, alias) },
  { .name = "version",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct alias_request, version) },
};

static const struct schema set_schema = SCHEMA (alias_fields, struct alias_request);
/* The others take the first two only. */
static const struct schema alias_schema = { alias_fields, 2, sizeof (struct alias_request) };

static enum err_code
decode_alias (struct alias_request *request, struct api_call *call, const struct schema *schema, struct err *err)
{
  enum err_code code = api_decode (request, call, schema, err);

  if (ERR_OK == code)
    code = api_registry_check_name (request->name, "name", call->arena, err);
  return ERR_OK == code ? api_registry_check_alias_text (request->alias, err) : code;
}

static enum err_code
run (struct api_call *call, const struct alias_request *request, int64_t version, registry_work *work, struct err *err)
{
  struct registry_alias_change wanted = { request->name, request->alias, version };
  struct registry_change change;
  struct registry_actor actor;

  api_registry_begin (&change, &actor, call);
  return api_registry_run (&change, call, work, &wanted, err);
}

enum err_code
api_registered_model_set_alias (struct api_call *call, struct err *err)
{
  struct alias_request request;
  int64_t version = 0;
  enum err_code code = decode_alias (&request, call, &set_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_alias (request.alias, err);
  if (ERR_OK == code)
    code = api_registry_version (&version, request.name, request.version, err);
  return ERR_OK == code ? run (call, &request, version, registry_alias_set, err) : code;
}

enum err_code
api_registered_model_delete_alias (struct api_call *call, struct err *err)
{
  struct alias_request request;
  enum err_code code = decode_alias (&request, call, &alias_schema, err);

  return ERR_OK == code ? run (call, &request, 0, registry_alias_delete, err) : code;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The newest version of each stage, the highest number first. Errors: RESOURCE_DOES_NOT_EXIST for an unknown model. */
static enum err_code
read_latest (struct result *result, struct api_call *call, struct slice name, struct err *err)
{
  struct store_registered_model model;
  struct result found = { NULL };
  enum err_code code =
      store_registered_model_get (&model, &found, call->connection, call->pass->workspace_id, name, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = api_registry_no_model (err, name);
  if (ERR_OK == code)
    code = store_registered_model_latest (result, call->connection, &model.registered_model_id, 1, call->arena, err);
  result_free (&found);
  return code;
}

/* What no alias can be called: the version with the highest number. */
static enum err_code
reply_latest (struct api_call *call, struct slice name, struct err *err)
{
  struct store_model_version version;
  struct result result = { NULL };
  enum err_code code = read_latest (&result, call, name, err);

  if (ERR_OK == code)
  {
    code = result_one (&version, &result, store_model_version_columns, STORE_MODEL_VERSION_COLUMNS, err);
    if (ERR_RESOURCE_DOES_NOT_EXIST == code)
      code = err_set (err, code, "Latest version not found for model %.*s.", SLICE_ARG (name));
  }
  if (ERR_OK == code)
    code = model_version_reply (call, &version, err);
  result_free (&result);
  return code;
}

/* MLflow tells an unknown model from an unknown alias. */
static enum err_code
no_alias (struct api_call *call, const struct alias_request *request, struct err *err)
{
  struct store_registered_model model;
  struct result result = { NULL };
  enum err_code code =
      store_registered_model_get (&model, &result, call->connection, call->pass->workspace_id, request->name, err);

  result_free (&result);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return api_registry_no_model (err, request->name);
  if (ERR_OK != code)
    return code;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Registered model alias %.*s not found.",
                  SLICE_ARG (request->alias));
}

enum err_code
api_registered_model_get_by_alias (struct api_call *call, struct err *err)
{
  struct alias_request request;
  struct store_model_version version;
  struct result result = { NULL };
  enum err_code code = decode_alias (&request, call, &alias_schema, err);

  if (ERR_OK != code)
    return code;
  if (api_registry_is_latest (request.alias))
    return reply_latest (call, request.name, err);
  code = store_model_version_of_alias (&version, &result, call->connection, call->pass->workspace_id, request.name,
                                       request.alias, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = no_alias (call, &request, err);
  else if (ERR_OK == code)
    code = model_version_reply (call, &version, err);
  result_free (&result);
  return code;
}

struct latest_request
{
  struct slice name;
  struct slices stages;
};

static const struct field latest_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct latest_request, name) },
  { .name = "stages", .type = FIELD_STRINGS, .offset = offsetof (struct latest_request, stages) },
};

static const struct schema latest_schema = SCHEMA (latest_fields, struct latest_request);

/* Which stages are asked for; without any, all are. */
static enum err_code
read_stages (bool wanted[MODEL_STAGE_COUNT], const struct slices *stages, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; i < MODEL_STAGE_COUNT; i++)
    wanted[i] = 0 == stages->count;
  for (size_t i = 0; ERR_OK == code && i < stages->count; i++)
  {
    int16_t stage = 0;

    code = api_registry_stage (&stage, stages->items[i], err);
    wanted[stage] = true;
  }
  return code;
}

static enum err_code
write_latest (struct api_call *call, const struct result *result, const bool wanted[MODEL_STAGE_COUNT], struct err *err)
{
  struct store_model_version version;
  struct json_write w;
  bool any = false;
  enum err_code code = ERR_OK;

  api_reply_start (&w, call);
  for (size_t i = 0; ERR_OK == code && i < result_count (result); i++)
  {
    code = result_row (&version, result, i, store_model_version_columns, STORE_MODEL_VERSION_COLUMNS, err);
    if (ERR_OK != code || ! wanted[version.stage])
      continue;
    if (! any)
    {
      json_write_key (&w, "model_versions");
      json_write_array (&w);
    }
    any = true;
    model_version_write (&w, &version, call->arena);
  }
  if (any)
    json_write_array_end (&w);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

enum err_code
api_registered_model_latest_versions (struct api_call *call, struct err *err)
{
  struct latest_request request;
  bool wanted[MODEL_STAGE_COUNT];
  struct result result = { NULL };
  enum err_code code = api_decode (&request, call, &latest_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_name (request.name, "name", call->arena, err);
  if (ERR_OK == code)
    code = read_latest (&result, call, request.name, err);
  if (ERR_OK == code)
    code = read_stages (wanted, &request.stages, err);
  if (ERR_OK == code)
    code = write_latest (call, &result, wanted, err);
  result_free (&result);
  return code;
}
