/* What accounts may do in all of a workspace, as MLflow's clients ask for it. Grants to groups, and the protected
   actions, are told and changed below /api/tally/v1/grants. */
#include "api/workspace.h"

#include "access/access.h"
#include "api/gate.h"
#include "api/json.h"
#include "api/principal.h"
#include "store/access_grant.h"
#include "store/workspace.h"

#define HTTP_NO_CONTENT 204

static enum err_code
unknown_user (struct err *err, struct slice username)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "User with username=%.*s not found", SLICE_ARG (username));
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void
write_permission (struct json_write *w, const struct store_workspace_grant *grant)
{
  json_write_object (w);
  json_write_member_string (w, "workspace", grant->workspace);
  json_write_member_int64 (w, "user_id", grant->account_id);
  json_write_member_text (w, "permission", access_level_name ((enum access_level)grant->level));
  json_write_member_bool (w, "can_use", grant->level >= ACCESS_USE);
  json_write_object_end (w);
}

/* Answer with the grants of a workspace or of an account; clients want the list also when it is empty. */
static enum err_code
reply_permissions (struct api_call *call, struct slice workspace, struct slice username, struct err *err)
{
  struct store_workspace_grant *grants = NULL;
  struct result result = { NULL };
  struct json_write w;
  size_t count = 0;
  enum err_code code =
      store_workspace_grants (&grants, &count, &result, call->connection, workspace, username, call->arena, err);

  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "permissions");
    json_write_array (&w);
    for (size_t i = 0; i < count; i++)
      write_permission (&w, &grants[i]);
    json_write_array_end (&w);
    code = api_reply_end (&w, call, err);
  }
  else if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = NULL == workspace.data ? unknown_user (err, username) : api_workspace_unknown (err, workspace);
  result_free (&result);
  return code;
}

enum err_code
api_workspace_permission_list (struct api_call *call, struct err *err)
{
  enum err_code code = api_workspace_check_on (call, err);

  return ERR_OK == code ? reply_permissions (call, call->path_values[0], (struct slice){ NULL, 0 }, err) : code;
}

struct permission_request
{
  struct slice username;
  struct slice permission;
};

static const struct field permission_fields[] = {
  { .name = "username",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct permission_request, username) },
  { .name = "permission",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct permission_request, permission) },
};

static const struct schema permission_schema = SCHEMA (permission_fields, struct permission_request);
/* Where the permission itself is not asked for. */
static const struct schema username_schema = { permission_fields, 1, sizeof (struct permission_request) };

enum err_code
api_workspace_permissions_of_account (struct api_call *call, struct err *err)
{
  struct permission_request request;
  enum err_code code = api_workspace_check_on (call, err);

  if (ERR_OK == code)
    code = api_decode (&request, call, &username_schema, err);
  if (ERR_OK == code && ! call->pass->who.is_admin && ! slice_equal (request.username, call->pass->who.username))
    code = err_set (err, ERR_PERMISSION_DENIED,
                    "Permission denied: only administrators may see what another account may do.");
  return ERR_OK == code ? reply_permissions (call, (struct slice){ NULL, 0 }, request.username, err) : code;
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

/* The workspace of the path as the object of a grant. */
static enum err_code
find_object (struct store_grant_object *object, struct api_call *call, struct err *err)
{
  struct store_workspace workspace;
  struct result result = { NULL };
  enum err_code code =
      store_workspace_get (&workspace, &result, call->connection, call->path_values[0], 0, ACCESS_NO_PERMISSIONS, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = api_workspace_unknown (err, call->path_values[0]);
  *object = (struct store_grant_object){ .experiment_id = -1,
                                         .workspace_id = ERR_OK == code ? workspace.workspace_id : 0,
                                         .workspace = call->path_values[0] };
  result_free (&result);
  return code;
}

enum err_code
api_workspace_permission_set (struct api_call *call, struct err *err)
{
  struct store_workspace_grant grant = { .workspace = call->path_values[0] };
  struct store_audit who;
  struct store_grant_object object;
  struct store_grant_holder holder = { { NULL, 0 }, { NULL, 0 } };
  struct permission_request request;
  enum store_grant_found found = STORE_GRANT_DONE;
  enum access_level level = ACCESS_NO_PERMISSIONS;
  struct json_write w;
  enum err_code code = api_workspace_check_on (call, err);

  if (ERR_OK == code)
    code = principal_who (&who, call, err);
  if (ERR_OK == code)
    code = api_decode (&request, call, &permission_schema, err);
  if (ERR_OK == code && ! access_level_parse (&level, request.permission))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid permission '%.*s'. Valid permissions are: ('READ', 'USE', 'EDIT', 'MANAGE', "
                    "'NO_PERMISSIONS')",
                    SLICE_ARG (request.permission));
  if (ERR_OK == code)
    code = find_object (&object, call, err);
  if (ERR_OK != code)
    return code;
  holder.username = request.username;
  grant.level = (int16_t)level;
  /* Protected actions stay, but none is left to whom nothing is. */
  code = store_access_grant_set (&found, &grant.account_id, call->connection, &object, &holder, grant.level,
                                 ACCESS_NO_PERMISSIONS == level ? 0 : -1, STORE_GRANT_SET, &who, call->arena, err);
  if (ERR_OK == code && STORE_GRANT_DONE != found)
    code = unknown_user (err, request.username);
  if (ERR_OK != code)
    return code;
  access_changed (call->service->access);
  api_reply_start (&w, call);
  json_write_key (&w, "permission");
  write_permission (&w, &grant);
  return api_reply_end (&w, call, err);
}

enum err_code
api_workspace_permission_delete (struct api_call *call, struct err *err)
{
  struct store_audit who;
  struct store_grant_object object;
  struct store_grant_holder holder = { { NULL, 0 }, { NULL, 0 } };
  struct permission_request request;
  enum store_grant_found found = STORE_GRANT_DONE;
  enum err_code code = api_workspace_check_on (call, err);

  /* MLflow's client names the account in the query; its server takes a body too. */
  call->arguments_in_query = 0 == call->body.len;
  if (ERR_OK == code)
    code = principal_who (&who, call, err);
  if (ERR_OK == code)
    code = api_decode (&request, call, &username_schema, err);
  if (ERR_OK == code)
    code = find_object (&object, call, err);
  if (ERR_OK != code)
    return code;
  holder.username = request.username;
  code = store_access_grant_delete (&found, call->connection, &object, &holder, &who, call->arena, err);
  if (ERR_OK == code && STORE_GRANT_NO_HOLDER == found)
    code = unknown_user (err, request.username);
  else if (ERR_OK == code && STORE_GRANT_DONE != found)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                    "Workspace permission does not exist for workspace='%.*s', username='%.*s'",
                    SLICE_ARG (call->path_values[0]), SLICE_ARG (request.username));
  if (ERR_OK != code)
    return code;
  access_changed (call->service->access);
  call->status = HTTP_NO_CONTENT;
  return ERR_OK;
}
