/* Grants: what accounts and groups may do with experiments, registered models and workspaces. Source:
 * docs/api/grant.md. */
#include "api/grant.h"

#include "api/names.h"
#include "api/object.h"
#include "api/principal.h"
#include "store/access.h"
#include "store/access_words.h"

#include <inttypes.h>

/* A list without max_results has room for what a person looks through. */
#define LIST_RESULTS 1000
#define MODEL_NAME_MAX 256

struct slice
grant_object_name (const struct store_grant_object *object, struct arena *arena)
{
  if (object->experiment_id >= 0)
    return slice_of (arena_printf (arena, "experiment:%" PRId64, object->experiment_id));
  if (NULL != object->model_name.data)
    return slice_of (arena_printf (arena, "registered-model:%.*s", SLICE_ARG (object->model_name)));
  return slice_of (arena_printf (arena, "workspace:%.*s", SLICE_ARG (object->workspace)));
}

enum err_code
grant_check_given (struct api_call *call, enum access_level level, unsigned actions, struct slice object,
                   struct err *err)
{
  struct access_rights has = call->pass->rights;

  if (0 != (actions & ~has.actions))
    return principal_refuse (
        call, object, err, "nobody grants an action (%s) that he does not have himself.",
        access_action_name ((enum access_action) (actions & ~has.actions & -(actions & ~has.actions))));
  /* MANAGE brings all of them but force. */
  if (level > has.level
      || (ACCESS_MANAGE == level && 0 != (ACCESS_ALL_ACTIONS & ~(unsigned)ACCESS_FORCE & ~has.actions)))
    return principal_refuse (call, object, err, "nobody grants more than he has himself.");
  return ERR_OK;
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

struct grant_request
{
  struct slice experiment_id;
  struct slice registered_model;
  struct slice workspace;
  struct slice username;
  struct slice group;
  struct slice permission;
  struct slices actions;
  struct optional_int64 max_results;
  struct slice page_token;
};

#define TEXT(member)                                                                                                   \
  {                                                                                                                    \
    .name = #member, .type = FIELD_STRING, .offset = offsetof (struct grant_request, member)                           \
  }

static const struct field grant_fields[] = {
  TEXT (experiment_id),
  TEXT (registered_model),
  TEXT (workspace),
  TEXT (username),
  TEXT (group),
  TEXT (permission),
  { .name = "actions", .type = FIELD_STRINGS, .offset = offsetof (struct grant_request, actions) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct grant_request, max_results) },
  TEXT (page_token),
};

static const struct schema grant_schema = SCHEMA (grant_fields, struct grant_request);

static int
count_objects (const struct grant_request *request)
{
  return (NULL != request->experiment_id.data) + (NULL != request->registered_model.data)
         + (NULL != request->workspace.data);
}

static int
count_holders (const struct grant_request *request)
{
  return (NULL != request->username.data) + (NULL != request->group.data);
}

/* The object of a request that names exactly one. */
static enum err_code
read_object (struct store_grant_object *object, struct api_call *call, const struct grant_request *request,
             struct err *err)
{
  enum err_code code = ERR_OK;

  *object = (struct store_grant_object){ .experiment_id = -1, .workspace_id = call->pass->workspace_id };
  if (NULL != request->experiment_id.data)
    return names_experiment_id (&object->experiment_id, request->experiment_id, err);
  if (NULL != request->registered_model.data)
  {
    object->model_name = request->registered_model;
    if (0 == object->model_name.len)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Registered model name cannot be empty.");
    return names_check_length (object->model_name, "registered_model", MODEL_NAME_MAX, err);
  }
  object->workspace = request->workspace;
  code = store_access_workspace (&object->workspace_id, call->connection, request->workspace, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "Workspace '%.*s' not found", SLICE_ARG (request->workspace));
  return code;
}

/* What set and delete have in common. */
static enum err_code
read_grant (struct grant_request *request, struct store_grant_object *object, struct store_grant_holder *holder,
            struct api_call *call, struct err *err)
{
  enum err_code code = api_decode (request, call, &grant_schema, err);

  if (ERR_OK == code && 1 != count_objects (request))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Exactly one of experiment_id, registered_model and workspace must be given.");
  if (ERR_OK == code && 1 != count_holders (request))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Exactly one of username and group must be given.");
  if (ERR_OK == code)
    code = read_object (object, call, request, err);
  *holder = (struct store_grant_holder){ request->username, request->group };
  return code;
}

/* What the store says beside an error of its own. */
static enum err_code
judge_found (enum store_grant_found found, const struct store_grant_object *object,
             const struct store_grant_holder *holder, struct arena *arena, struct err *err)
{
  if (STORE_GRANT_NO_OBJECT == found)
    return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%" PRId64 " exists",
                    object->experiment_id);
  if (STORE_GRANT_NO_HOLDER == found)
    return NULL != holder->group.data ? principal_no_group (err, holder->group)
                                      : principal_no_user (err, holder->username);
  if (STORE_GRANT_MISSING == found)
    return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No grant on %.*s to %s %.*s",
                    SLICE_ARG (grant_object_name (object, arena)),
                    NULL != holder->group.data ? "the group" : "the user",
                    SLICE_ARG (NULL != holder->group.data ? holder->group : holder->username));
  return ERR_OK;
}

/* --- documents --------------------------------------------------------------------------------------------------- */

static void
write_grant (struct json_write *w, const struct store_grant *grant, struct arena *arena)
{
  const struct store_grant_object object = { .experiment_id =
                                                 grant->experiment_id.present ? grant->experiment_id.value : -1,
                                             .workspace_id = grant->workspace_id,
                                             .model_name = grant->model_name,
                                             .workspace = grant->workspace };

  json_write_object (w);
  json_write_member_string (w, "object", grant_object_name (&object, arena));
  json_write_member_string (w, "title",
                            grant->experiment_id.present     ? grant->experiment
                            : NULL != grant->model_name.data ? grant->model_name
                                                             : grant->workspace);
  json_write_member_string (w, "workspace", grant->workspace);
  if (NULL != grant->group.data)
    json_write_member_string (w, "group", grant->group);
  else
    json_write_member_string (w, "username", grant->username);
  store_write_rights (w, grant->level, grant->actions);
  json_write_object_end (w);
}

/* {"grant": what it is now}. */
static enum err_code
reply_grant (struct api_call *call, const struct store_grant_object *object, const struct store_grant_holder *holder,
             struct err *err)
{
  enum store_grant_found found;
  struct store_grant grant;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = store_access_grant_get (&found, &grant, &result, call->connection, object, holder, err);

  /* It may be gone again. */
  if (ERR_OK == code)
    code = judge_found (found, object, holder, call->arena, err);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "grant");
    write_grant (&w, &grant, call->arena);
    code = api_reply_end (&w, call, err);
  }
  result_free (&result);
  return code;
}

/* --- routes ------------------------------------------------------------------------------------------------------ */

enum err_code
api_grant_set (struct api_call *call, struct err *err)
{
  struct store_audit who;
  enum store_grant_found found = STORE_GRANT_DONE;
  struct grant_request request;
  struct store_grant_object object;
  struct store_grant_holder holder;
  enum access_level level;
  unsigned actions;
  int64_t account_id;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = read_grant (&request, &object, &holder, call, err);
  if (ERR_OK == code && NULL == request.permission.data)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Missing value for required parameter 'permission'. See the API docs for more information about "
                    "request parameters.");
  if (ERR_OK == code)
    code = principal_level (&level, request.permission, err);
  if (ERR_OK == code)
    code = principal_actions (&actions, &request.actions, err);
  if (ERR_OK == code)
    code = grant_check_given (call, level, actions, grant_object_name (&object, call->arena), err);
  if (ERR_OK == code)
    code = store_access_grant_set (&found, &account_id, call->connection, &object, &holder, (int16_t)level,
                                   (int16_t)actions, STORE_GRANT_SET, &who, call->arena, err);
  if (ERR_OK == code)
    code = judge_found (found, &object, &holder, call->arena, err);
  if (ERR_OK != code)
    return code;
  access_changed (call->service->access);
  return reply_grant (call, &object, &holder, err);
}

enum err_code
api_grant_delete (struct api_call *call, struct err *err)
{
  struct store_audit who;
  enum store_grant_found found = STORE_GRANT_DONE;
  struct grant_request request;
  struct store_grant_object object;
  struct store_grant_holder holder;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = read_grant (&request, &object, &holder, call, err);
  if (ERR_OK == code)
    code = store_access_grant_delete (&found, call->connection, &object, &holder, &who, call->arena, err);
  if (ERR_OK == code)
    code = judge_found (found, &object, &holder, call->arena, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return code;
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

/* Grants of an object: for who may manage it. */
static enum err_code
list_object (struct result *result, struct api_call *call, const struct grant_request *request,
             const struct principal_page *page, struct err *err)
{
  struct store_grant_object object;
  enum err_code code = read_object (&object, call, request, err);

  if (ERR_OK != code)
    return code;
  if (object.experiment_id >= 0)
    code = gate_require_experiments (call, &object.experiment_id, 1, PERMISSION_MANAGE, err);
  else if (NULL != object.model_name.data)
    code = gate_require_model_name (call, object.model_name, PERMISSION_MANAGE, err);
  else
    code = gate_require_workspace (call, object.workspace, PERMISSION_MANAGE, err);
  if (ERR_OK == code)
    code = store_access_grant_of_object (result, call->connection, &object, page->after_number, page->most + 1, err);
  return code;
}

/* Whether a user or group is there, for an empty list; and for a group whether the caller is in it. */
static enum err_code
check_holder (struct api_call *call, const struct store_grant_holder *holder, struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  bool exists;
  bool is_member;
  enum err_code code;

  if (NULL == holder->group.data && ! who->is_admin && ! slice_equal (holder->username, who->username))
    return principal_refuse (call, (struct slice){ NULL, 0 }, err, "grants to others are for administrators.");
  code = store_access_grant_holder (&exists, &is_member, call->connection, holder, who->account_id, err);
  if (ERR_OK != code)
    return code;
  if (NULL != holder->group.data && ! is_member && ! who->is_admin)
    return principal_refuse (call, (struct slice){ NULL, 0 }, err,
                             "grants to a group are for its members and administrators.");
  if (! exists)
    return NULL != holder->group.data ? principal_no_group (err, holder->group)
                                      : principal_no_user (err, holder->username);
  return ERR_OK;
}

/* Grants to somebody: for himself and for administrators. */
static enum err_code
list_holder (struct result *result, struct api_call *call, const struct grant_request *request,
             const struct principal_page *page, struct err *err)
{
  const struct store_grant_holder holder = { request->username, request->group };
  const struct access_identity *who = &call->pass->who;
  enum err_code code = check_holder (call, &holder, err);

  if (ERR_OK == code)
    code =
        store_access_grant_of_holder (result, call->connection, &holder, who->has_all_objects ? 0 : who->account_id,
                                      access_fallback (call->service->access), page->after_number, page->most + 1, err);
  return code;
}

enum err_code
api_grant_list (struct api_call *call, struct err *err)
{
  struct optional_int64 most = { true, LIST_RESULTS };
  struct grant_request request;
  struct principal_page page;
  struct store_grant grant;
  struct result result = { NULL };
  struct json_write w;
  size_t count;
  enum err_code code = api_decode (&request, call, &grant_schema, err);

  if (ERR_OK == code && 1 != count_objects (&request) + count_holders (&request))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Exactly one of experiment_id, registered_model, workspace, username and group must be given.");
  if (ERR_OK == code)
    code = principal_page_read (&page, request.max_results.present ? &request.max_results : &most, request.page_token,
                                true, call->arena, err);
  if (ERR_OK == code && 1 == count_objects (&request))
    code = list_object (&result, call, &request, &page, err);
  else if (ERR_OK == code)
    code = list_holder (&result, call, &request, &page, err);
  count = ERR_OK == code ? result_count (&result) : 0;
  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "grants");
    json_write_array (&w);
  }
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)page.most; i++)
  {
    code = result_row (&grant, &result, i, store_grant_columns, STORE_GRANT_COLUMNS, err);
    if (ERR_OK == code)
      write_grant (&w, &grant, call->arena);
  }
  if (count > 0)
    json_write_array_end (&w);
  if (ERR_OK == code && count > (size_t)page.most)
    principal_page_write_number (&w, grant.grant_id, call->arena);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}
