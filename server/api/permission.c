/* MLflow's routes for permissions of users on experiments and registered models. Source: mlflow/server/auth/__init__.py
   and sqlalchemy_store.py of MLflow 3.11. */
#include "api/permission.h"

#include "api/grant.h"
#include "api/names.h"
#include "api/principal.h"
#include "api/route.h"
#include "base/number.h"
#include "store/access_words.h"

#include <inttypes.h>

/* Longest name of a registered model: the check of its column. */
#define MODEL_NAME_MAX 256

struct permission_request
{
  struct slice experiment_id;
  struct slice name;
  struct slice username;
  struct slice permission;
};

#define REQUIRED(member)                                                                                               \
  {                                                                                                                    \
    .name = #member, .type = FIELD_STRING, .flags = FIELD_REQUIRED,                                                    \
    .offset = offsetof (struct permission_request, member)                                                             \
  }

/* Those of create and update; get and delete take the first two. */
static const struct field experiment_fields[] = { REQUIRED (experiment_id), REQUIRED (username),
                                                  REQUIRED (permission) };
static const struct field model_fields[] = { REQUIRED (name), REQUIRED (username), REQUIRED (permission) };

struct permission
{
  struct permission_request request;
  struct store_grant_object object;
  struct store_grant_holder holder;
  enum access_level level;
};

static bool
is_of_model (const struct api_call *call)
{
  return OBJECT_REGISTERED_MODEL == call->route->object;
}

static enum err_code
read_permission (struct permission *permission, struct api_call *call, bool with_level, struct err *err)
{
  const struct schema schema = { is_of_model (call) ? model_fields : experiment_fields, with_level ? 3 : 2,
                                 sizeof (struct permission_request) };
  struct permission_request *request = &permission->request;
  enum err_code code = api_decode (request, call, &schema, err);

  permission->object = (struct store_grant_object){ .experiment_id = -1, .workspace_id = call->pass->workspace_id };
  if (ERR_OK == code && is_of_model (call))
  {
    code = names_check_length (request->name, "name", MODEL_NAME_MAX, err);
    permission->object.model_name = request->name;
  }
  else if (ERR_OK == code)
    code = names_experiment_id (&permission->object.experiment_id, request->experiment_id, err);
  permission->holder = (struct store_grant_holder){ .username = request->username };
  if (ERR_OK == code && with_level)
    code = principal_level (&permission->level, request->permission, err);
  return code;
}

/* "Experiment permission with experiment_id=12 and username=ann not found", or that it exists already. */
static enum err_code
judge_found (enum store_grant_found found, const struct permission *permission, const struct api_call *call,
             struct err *err)
{
  const struct permission_request *request = &permission->request;
  struct slice workspace = call->pass->workspace;

  switch (found)
  {
  case STORE_GRANT_NO_HOLDER:
    return principal_no_user (err, request->username);
  case STORE_GRANT_NO_OBJECT:
    return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%.*s exists",
                    SLICE_ARG (request->experiment_id));
  case STORE_GRANT_EXISTS:
    return is_of_model (call) ? err_set (
               err, ERR_RESOURCE_ALREADY_EXISTS,
               "Registered model permission with workspace=%.*s, name=%.*s and username=%.*s already exists.",
               SLICE_ARG (workspace), SLICE_ARG (request->name), SLICE_ARG (request->username))
                              : err_set (err, ERR_RESOURCE_ALREADY_EXISTS,
                                         "Experiment permission (experiment_id=%.*s, username=%.*s) already exists.",
                                         SLICE_ARG (request->experiment_id), SLICE_ARG (request->username));
  case STORE_GRANT_MISSING:
    return is_of_model (call)
               ? err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                          "Registered model permission with workspace=%.*s, name=%.*s and username=%.*s not found",
                          SLICE_ARG (workspace), SLICE_ARG (request->name), SLICE_ARG (request->username))
               : err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                          "Experiment permission with experiment_id=%.*s and username=%.*s not found",
                          SLICE_ARG (request->experiment_id), SLICE_ARG (request->username));
  case STORE_GRANT_DONE:
  default:
    return ERR_OK;
  }
}

/* What is not there has no permissions: MLflow does not look for the experiment. */
static enum store_grant_found
without_object (enum store_grant_found found)
{
  return STORE_GRANT_NO_OBJECT == found ? STORE_GRANT_MISSING : found;
}

static enum err_code
reply_permission (struct api_call *call, const struct permission *permission, int64_t account_id, int16_t level,
                  struct err *err)
{
  char id[NUMBER_INT64_BYTES];
  struct json_write w;

  api_reply_start (&w, call);
  json_write_key (&w, is_of_model (call) ? "registered_model_permission" : "experiment_permission");
  json_write_object (&w);
  if (is_of_model (call))
  {
    json_write_member_string (&w, "workspace", call->pass->workspace);
    json_write_member_string (&w, "name", permission->request.name);
  }
  else
  {
    number_format_int64 (id, permission->object.experiment_id);
    json_write_member_text (&w, "experiment_id", id);
  }
  json_write_member_int64 (&w, "user_id", account_id);
  json_write_member_text (&w, "permission", store_level_names[level]);
  json_write_object_end (&w);
  return api_reply_end (&w, call, err);
}

/* Create and update. */
static enum err_code
set_permission (struct permission *permission, int64_t *account_id, struct api_call *call, enum store_grant_mode mode,
                struct err *err)
{
  struct store_audit who;
  enum store_grant_found found = STORE_GRANT_DONE;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = read_permission (permission, call, true, err);
  if (ERR_OK == code)
    code = grant_check_given (call, permission->level, 0, grant_object_name (&permission->object, call->arena), err);
  if (ERR_OK == code)
    code = store_access_grant_set (&found, account_id, call->connection, &permission->object, &permission->holder,
                                   (int16_t)permission->level, -1, mode, &who, call->arena, err);
  if (ERR_OK == code)
    code = judge_found (STORE_GRANT_UPDATE == mode ? without_object (found) : found, permission, call, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return code;
}

enum err_code
api_permission_create (struct api_call *call, struct err *err)
{
  struct permission permission;
  int64_t account_id = 0;
  enum err_code code = set_permission (&permission, &account_id, call, STORE_GRANT_CREATE, err);

  return ERR_OK == code ? reply_permission (call, &permission, account_id, (int16_t)permission.level, err) : code;
}

enum err_code
api_permission_update (struct api_call *call, struct err *err)
{
  struct permission permission;
  int64_t account_id;

  return set_permission (&permission, &account_id, call, STORE_GRANT_UPDATE, err);
}

enum err_code
api_permission_get (struct api_call *call, struct err *err)
{
  enum store_grant_found found = STORE_GRANT_DONE;
  struct permission permission;
  struct store_grant grant;
  struct result result = { NULL };
  enum err_code code = read_permission (&permission, call, false, err);

  if (ERR_OK == code)
    code =
        store_access_grant_get (&found, &grant, &result, call->connection, &permission.object, &permission.holder, err);
  if (ERR_OK == code)
    code = judge_found (found, &permission, call, err);
  if (ERR_OK == code)
    code = reply_permission (call, &permission, grant.account_id.value, grant.level, err);
  result_free (&result);
  return code;
}

enum err_code
api_permission_delete (struct api_call *call, struct err *err)
{
  struct store_audit who;
  enum store_grant_found found = STORE_GRANT_DONE;
  struct permission permission;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = read_permission (&permission, call, false, err);
  if (ERR_OK == code)
    code = store_access_grant_delete (&found, call->connection, &permission.object, &permission.holder, &who,
                                      call->arena, err);
  if (ERR_OK == code)
    code = judge_found (without_object (found), &permission, call, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return code;
}
