/* Workspaces: list, make, read, change, delete. */
#include "api/workspace.h"

#include "access/access.h"
#include "api/gate_judge.h"
#include "api/json.h"
#include "api/location.h"
#include "api/names.h"
#include "api/registry.h"
#include "base/clock.h"
#include "registry/workspace.h"

/* Length of a name and the words that are none: MLflow's (mlflow/store/workspace/abstract_store.py). */
#define NAME_MIN 2
#define NAME_MAX 63
/* Characters; MLflow has no limit. */
#define DESCRIPTION_MAX 5000

#define HTTP_CREATED 201
#define HTTP_NO_CONTENT 204

enum err_code
api_workspace_check_on (const struct api_call *call, struct err *err)
{
  if (access_has_workspaces (call->service->access))
    return ERR_OK;
  return err_set (err, ERR_ENDPOINT_NOT_FOUND,
                  "Workspaces are off on this server; the setting workspaces turns them on.");
}

enum err_code
api_workspace_unknown (struct err *err, struct slice name)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Workspace '%.*s' not found", SLICE_ARG (name));
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static bool
is_name_byte (char byte)
{
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || '-' == byte;
}

static enum err_code
check_name (struct slice name, struct err *err)
{
  static const char *const reserved[] = { "workspaces", "api", "ajax-api", "static-files" };
  bool valid = name.len > 0 && '-' != name.data[0] && '-' != name.data[name.len - 1];

  for (size_t i = 0; i < name.len; i++)
    valid = valid && is_name_byte (name.data[i]);
  if (name.len < NAME_MIN || name.len > NAME_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Workspace name '%.*s' must be between %d and %d characters.",
                    SLICE_ARG (name), NAME_MIN, NAME_MAX);
  if (! valid)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Workspace name '%.*s' must match the pattern ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ (lowercase "
                    "alphanumeric with optional internal hyphens).",
                    SLICE_ARG (name));
  for (size_t i = 0; i < sizeof (reserved) / sizeof (reserved[0]); i++)
    if (slice_is (name, reserved[i]))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Workspace name '%.*s' is reserved and cannot be used.",
                      SLICE_ARG (name));
  return ERR_OK;
}

static enum err_code
refuse_default (struct slice name, const char *what, struct err *err)
{
  if (! slice_is (name, STORE_WORKSPACE_DEFAULT_NAME))
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The '%s' workspace is reserved and cannot be %s",
                  STORE_WORKSPACE_DEFAULT_NAME, what);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void
write_workspace (struct json_write *w, const struct store_workspace *workspace)
{
  json_write_object (w);
  json_write_member_string (w, "name", workspace->name);
  if (NULL != workspace->description.data)
    json_write_member_string (w, "description", workspace->description);
  if (NULL != workspace->default_artifact_root.data)
    json_write_member_string (w, "default_artifact_root", workspace->default_artifact_root);
  json_write_object_end (w);
}

static enum err_code
reply_workspace (struct api_call *call, const struct store_workspace *workspace, struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  json_write_key (&w, "workspace");
  write_workspace (&w, workspace);
  return api_reply_end (&w, call, err);
}

enum err_code
api_workspace_list (struct api_call *call, struct err *err)
{
  struct store_workspace *workspaces = NULL;
  struct result result = { NULL };
  struct json_write w;
  size_t count = 0;
  int16_t fallback;
  int64_t account_id = gate_visible_account (call, &fallback);
  enum err_code code = api_workspace_check_on (call, err);

  if (ERR_OK == code)
    code =
        store_workspace_list (&workspaces, &count, &result, call->connection, account_id, fallback, call->arena, err);
  if (ERR_OK != code)
    goto out;
  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "workspaces");
    json_write_array (&w);
    for (size_t i = 0; i < count; i++)
      write_workspace (&w, &workspaces[i]);
    json_write_array_end (&w);
  }
  code = api_reply_end (&w, call, err);
out:
  result_free (&result);
  return code;
}

enum err_code
api_workspace_get (struct api_call *call, struct err *err)
{
  struct slice name = call->path_values[0];
  struct store_workspace workspace;
  struct result result = { NULL };
  int16_t fallback;
  int64_t account_id = gate_visible_account (call, &fallback);
  enum err_code code = api_workspace_check_on (call, err);

  if (ERR_OK == code)
    code = check_name (name, err);
  if (ERR_OK != code)
    return code;
  code = store_workspace_get (&workspace, &result, call->connection, name, account_id, fallback, err);
  if (ERR_OK == code)
    code = reply_workspace (call, &workspace, err);
  else if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = api_workspace_unknown (err, name);
  result_free (&result);
  return code;
}

/* --- making and changing ------------------------------------------------------------------------------------------ */

struct archival_request
{
  struct slice location;
  struct slice retention;
};

static const struct field archival_fields[] = {
  { .name = "location", .type = FIELD_STRING, .offset = offsetof (struct archival_request, location) },
  { .name = "retention", .type = FIELD_STRING, .offset = offsetof (struct archival_request, retention) },
};

static const struct schema archival_schema = SCHEMA (archival_fields, struct archival_request);

struct workspace_request
{
  struct slice name;
  struct slice description;
  struct slice default_artifact_root;
  struct archival_request *trace_archival_config;
};

static const struct field workspace_fields[] = {
  { .name = "description", .type = FIELD_STRING, .offset = offsetof (struct workspace_request, description) },
  { .name = "default_artifact_root",
    .type = FIELD_STRING,
    .offset = offsetof (struct workspace_request, default_artifact_root) },
  { .name = "trace_archival_config",
    .type = FIELD_OBJECT,
    .offset = offsetof (struct workspace_request, trace_archival_config),
    .schema = &archival_schema },
  { .name = "name",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct workspace_request, name) },
};

static const struct schema create_schema = SCHEMA (workspace_fields, struct workspace_request);
/* A change takes all but the name, which stands in the path. */
static const struct schema update_schema = { workspace_fields, 3, sizeof (struct workspace_request) };

/* Check everything but the name. */
static enum err_code
check_request (struct workspace_request *request, struct slice name, struct api_call *call, struct err *err)
{
  const struct archival_request *archival = request->trace_archival_config;
  enum err_code code = names_check_length (request->description, "description", DESCRIPTION_MAX, err);

  if (ERR_OK == code)
    code = location_check_root (&request->default_artifact_root, call->arena, err);
  if (ERR_OK == code)
    code = location_require (call, request->default_artifact_root, name, err);
  if (ERR_OK == code && NULL != archival && (slice_filled (archival->location) || slice_filled (archival->retention)))
    code = err_set (err, ERR_NOT_IMPLEMENTED, "This server archives no traces; leave trace_archival_config out.");
  return code;
}

enum err_code
api_workspace_create (struct api_call *call, struct err *err)
{
  struct workspace_request request;
  struct store_workspace workspace;
  struct store_audit who = gate_audit_entry (call, "workspace.create", (struct slice){ NULL, 0 });
  enum err_code code = api_workspace_check_on (call, err);

  if (ERR_OK == code)
    code = api_decode (&request, call, &create_schema, err);
  if (ERR_OK == code)
    code = refuse_default (request.name, "created", err);
  if (ERR_OK == code)
    code = check_name (request.name, err);
  if (ERR_OK == code)
    code = check_request (&request, request.name, call, err);
  if (ERR_OK != code)
    return code;
  workspace = (struct store_workspace){
    .name = request.name,
    .description = request.description,
    .default_artifact_root =
        request.default_artifact_root.len > 0 ? request.default_artifact_root : (struct slice){ NULL, 0 },
  };
  code = store_workspace_create (call->connection, &workspace, clock_wall_ms (), &who, call->arena, err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
    return err_set (err, code, "Workspace '%.*s' already exists.", SLICE_ARG (request.name));
  if (ERR_OK != code)
    return code;
  call->status = HTTP_CREATED;
  return reply_workspace (call, &workspace, err);
}

enum err_code
api_workspace_update (struct api_call *call, struct err *err)
{
  struct slice name = call->path_values[0];
  struct workspace_request request;
  struct store_workspace_change change;
  struct store_workspace workspace;
  struct store_audit who = gate_audit_entry (call, "workspace.update", (struct slice){ NULL, 0 });
  struct result result = { NULL };
  enum err_code code = api_workspace_check_on (call, err);

  if (ERR_OK == code)
    code = check_name (name, err);
  if (ERR_OK == code)
    code = api_decode (&request, call, &update_schema, err);
  if (ERR_OK == code && NULL == request.description.data && NULL == request.default_artifact_root.data
      && NULL == request.trace_archival_config)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Workspace update must have at least one key");
  if (ERR_OK == code)
    code = check_request (&request, name, call, err);
  if (ERR_OK != code)
    return code;
  change = (struct store_workspace_change){ name, request.description, request.default_artifact_root };
  code = store_workspace_update (&workspace, &result, call->connection, &change, &who, call->arena, err);
  if (ERR_OK == code)
    code = reply_workspace (call, &workspace, err);
  else if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = api_workspace_unknown (err, name);
  result_free (&result);
  return code;
}

/* --- deleting ----------------------------------------------------------------------------------------------------- */

static enum err_code
read_mode (enum store_workspace_mode *mode, struct slice text, struct arena *arena, struct err *err)
{
  *mode = STORE_WORKSPACE_RESTRICT;
  if (NULL == text.data)
    return ERR_OK;
  for (int i = 0; i < STORE_WORKSPACE_MODE_COUNT; i++)
    if (slice_is (text, store_workspace_mode_names[i]))
    {
      *mode = (enum store_workspace_mode)i;
      return ERR_OK;
    }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid deletion mode %s. Must be one of: SET_DEFAULT, CASCADE, RESTRICT",
                  api_python_repr (text, arena));
}

enum err_code
api_workspace_delete (struct api_call *call, struct err *err)
{
  static const struct field fields[] = { { .name = "mode", .type = FIELD_STRING, .offset = 0 } };
  static const struct schema schema = SCHEMA (fields, struct slice);
  struct store_audit who = gate_audit_entry (call, "workspace.delete", (struct slice){ NULL, 0 });
  struct registry_workspace wanted = { .name = call->path_values[0], .who = &who };
  struct slice object = slice_of (arena_printf (call->arena, "workspace:%.*s", SLICE_ARG (wanted.name)));
  struct registry_change change;
  struct registry_actor actor;
  struct slice text;
  enum err_code code = api_workspace_check_on (call, err);

  call->arguments_in_query = true;
  if (ERR_OK == code && ERR_OK != (code = refuse_default (wanted.name, "deleted", err)))
    gate_note_refusal (call, err, object);
  if (ERR_OK == code)
    code = check_name (wanted.name, err);
  if (ERR_OK == code)
    code = api_decode (&text, call, &schema, err);
  if (ERR_OK == code)
    code = read_mode (&wanted.mode, text, call->arena, err);
  if (ERR_OK != code)
    return code;
  api_registry_begin (&change, &actor, call);
  change.object = object;
  code = api_registry_run (&change, call, registry_workspace_delete, &wanted, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return api_workspace_unknown (err, wanted.name);
  if (ERR_OK != code)
    return code;
  access_changed (call->service->access);
  call->status = HTTP_NO_CONTENT;
  return ERR_OK;
}
