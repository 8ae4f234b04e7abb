/* Versions of registered models: read, describe, stages, tags, delete. */
#include "api/model_version.h"

#include "api/model_version_document.h"
#include "api/registry.h"
#include "registry/version.h"
#include "store/registered_model.h"

/* What all of these name a version by, and what some of them say of it. */
struct version_request
{
  struct slice name;
  struct slice version;
  struct slice description;
  struct slice stage;
  struct optional_int64 archives;
  struct slice reason;
  struct slice run_url;
  struct optional_int64 force;
  struct slice key;
  struct slice value;
};

#define NAMED_VERSION                                                                                                  \
  {                                                                                                                    \
    .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct version_request, name)   \
  },                                                                                                                   \
  {                                                                                                                    \
    .name = "version", .type = FIELD_STRING, .flags = FIELD_REQUIRED,                                                  \
    .offset = offsetof (struct version_request, version)                                                               \
  }

static const struct field version_fields[] = { NAMED_VERSION };
static const struct schema version_schema = SCHEMA (version_fields, struct version_request);

/* A name that no model can have, or what is no number, is a mistake; others may merely not be there. */
static enum err_code
check_named (int64_t *number, const struct version_request *request, struct api_call *call, struct err *err)
{
  enum err_code code = api_registry_check_name (request->name, "name", call->arena, err);

  return ERR_OK == code ? api_registry_version (number, request->name, request->version, err) : code;
}

/* Read the arguments and begin a change of the version that they name. */
static enum err_code
begin (struct registry_change *change, struct registry_actor *actor, struct registry_version *version,
       struct version_request *request, struct api_call *call, const struct schema *schema, struct err *err)
{
  enum err_code code = api_decode (request, call, schema, err);

  *version = (struct registry_version){ .name = request->name };
  if (ERR_OK == code)
    code = check_named (&version->number, request, call, err);
  if (ERR_OK == code)
    api_registry_begin (change, actor, call);
  return code;
}

/* Which of the two is not there. */
static enum err_code
refuse_unknown (struct api_call *call, struct slice name, int64_t number, struct err *err)
{
  struct store_registered_model model;
  struct result result = { NULL };
  enum err_code code =
      store_registered_model_get (&model, &result, call->connection, call->pass->workspace_id, name, err);

  result_free (&result);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return api_registry_no_model (err, name);
  return ERR_OK == code ? api_registry_no_version (err, name, number) : code;
}

/* Read the version that the arguments name; `result` is freed by the caller. */
static enum err_code
read_version (struct store_model_version *version, struct result *result, struct api_call *call, struct err *err)
{
  struct version_request request;
  int64_t number = 0;
  enum err_code code = api_decode (&request, call, &version_schema, err);

  if (ERR_OK == code)
    code = check_named (&number, &request, call, err);
  if (ERR_OK != code)
    return code;
  code =
      store_model_version_get (version, result, call->connection, call->pass->workspace_id, request.name, number, err);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? refuse_unknown (call, request.name, number, err) : code;
}

enum err_code
api_model_version_get (struct api_call *call, struct err *err)
{
  struct store_model_version version;
  struct result result = { NULL };
  enum err_code code = read_version (&version, &result, call, err);

  if (ERR_OK == code)
    code = model_version_reply (call, &version, err);
  result_free (&result);
  return code;
}

enum err_code
api_model_version_download_uri (struct api_call *call, struct err *err)
{
  struct store_model_version version;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = read_version (&version, &result, call, err);

  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_member_string (&w, "artifact_uri",
                              NULL == version.storage_location.data ? version.source : version.storage_location);
    code = api_reply_end (&w, call, err);
  }
  result_free (&result);
  return code;
}

static const struct field update_fields[] = {
  NAMED_VERSION,
  { .name = "description", .type = FIELD_STRING, .offset = offsetof (struct version_request, description) },
};
static const struct schema update_schema = SCHEMA (update_fields, struct version_request);

/* Make the change and answer with the version as it is then. */
static enum err_code
run_and_reply (struct registry_change *change, registry_work *work, struct registry_version *version,
               struct api_call *call, struct err *err)
{
  enum err_code code = api_registry_run (change, call, work, version, err);

  if (ERR_OK == code)
    code = model_version_reply (call, &version->row, err);
  return code;
}

enum err_code
api_model_version_update (struct api_call *call, struct err *err)
{
  struct version_request request;
  struct registry_change change;
  struct registry_actor actor;
  struct registry_version version;
  enum err_code code = begin (&change, &actor, &version, &request, call, &update_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_description (request.description, err);
  version.description = request.description;
  if (ERR_OK == code)
    code = run_and_reply (&change, registry_version_describe, &version, call, err);
  result_free (&version.result);
  return code;
}

enum err_code
api_model_version_delete (struct api_call *call, struct err *err)
{
  struct version_request request;
  struct registry_change change;
  struct registry_actor actor;
  struct registry_version version;
  enum err_code code = begin (&change, &actor, &version, &request, call, &version_schema, err);

  if (ERR_OK == code)
    code = api_registry_run (&change, call, registry_version_delete, &version, err);
  result_free (&version.result);
  return code;
}

static const struct field stage_fields[] = {
  NAMED_VERSION,
  { .name = "stage",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct version_request, stage) },
  { .name = "archive_existing_versions",
    .type = FIELD_BOOL,
    .flags = FIELD_SPELLED,
    .offset = offsetof (struct version_request, archives) },
  /* Not MLflow's: as of a promotion, which a gate refuses alike. */
  { .name = "reason", .type = FIELD_STRING, .flags = FIELD_EMPTY, .offset = offsetof (struct version_request, reason) },
  { .name = "run_url",
    .type = FIELD_STRING,
    .flags = FIELD_EMPTY,
    .offset = offsetof (struct version_request, run_url) },
  { .name = "force", .type = FIELD_BOOL, .offset = offsetof (struct version_request, force) },
};
static const struct schema stage_schema = SCHEMA (stage_fields, struct version_request);

static enum err_code
check_stage (struct registry_version *version, const struct version_request *request, struct err *err)
{
  enum err_code code = api_registry_stage (&version->stage, request->stage, err);

  version->archives = 0 != request->archives.value;
  return ERR_OK == code && version->archives ? api_registry_check_archives (version->stage, request->stage, err) : code;
}

/* What MLflow answers, and for whoever forces also whether anything was overridden, as a promotion tells it. */
static enum err_code
reply_moved (struct api_call *call, const struct registry_version *version, const struct registry_change *change,
             struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  json_write_key (&w, "model_version");
  model_version_write (&w, &version->row, call->arena);
  if (change->forces)
    json_write_member_bool (&w, "forced", change->forced);
  return api_reply_end (&w, call, err);
}

enum err_code
api_model_version_transition_stage (struct api_call *call, struct err *err)
{
  struct version_request request;
  struct registry_change change;
  struct registry_actor actor;
  struct registry_version version;
  enum err_code code = begin (&change, &actor, &version, &request, call, &stage_schema, err);

  if (ERR_OK == code)
    code = check_stage (&version, &request, err);
  if (ERR_OK == code)
    code = api_registry_explain (&change, request.reason, request.run_url, request.force, err);
  if (ERR_OK == code)
    code = api_registry_run (&change, call, registry_version_move, &version, err);
  if (ERR_OK == code)
    code = reply_moved (call, &version, &change, err);
  result_free (&version.result);
  return code;
}

static const struct field tag_fields[] = {
  NAMED_VERSION,
  { .name = "key",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED | FIELD_NUL,
    .offset = offsetof (struct version_request, key) },
  { .name = "value", .type = FIELD_STRING, .offset = offsetof (struct version_request, value) },
};
static const struct schema tag_schema = SCHEMA (tag_fields, struct version_request);

enum err_code
api_model_version_set_tag (struct api_call *call, struct err *err)
{
  struct version_request request;
  struct registry_change change;
  struct registry_actor actor;
  struct registry_version version;
  enum err_code code = begin (&change, &actor, &version, &request, call, &tag_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_tag (request.key, request.value, call->arena, err);
  version.key = request.key;
  version.value = NULL == request.value.data ? SLICE ("") : request.value;
  if (ERR_OK == code)
    code = api_registry_run (&change, call, registry_version_tag, &version, err);
  result_free (&version.result);
  return code;
}

enum err_code
api_model_version_delete_tag (struct api_call *call, struct err *err)
{
  struct version_request request;
  struct registry_change change;
  struct registry_actor actor;
  struct registry_version version;
  enum err_code code = begin (&change, &actor, &version, &request, call, &tag_schema, err);

  if (ERR_OK == code)
    code = api_registry_check_tag (request.key, SLICE (""), call->arena, err);
  version.key = request.key;
  if (ERR_OK == code)
    code = api_registry_run (&change, call, registry_version_tag, &version, err);
  result_free (&version.result);
  return code;
}
