/* MLflow's routes for users. Source: mlflow/server/auth/__init__.py and entities.py of MLflow 3.11. */
#include "api/mlflow_user.h"

#include "api/account.h"
#include "api/principal.h"
#include "base/number.h"
#include "store/access_grant.h"
#include "store/access_words.h"
#include "store/account.h"

struct user_request
{
  struct slice username;
  struct slice password;
  struct optional_int64 is_admin;
};

#define USERNAME                                                                                                       \
  {                                                                                                                    \
    .name = "username", .type = FIELD_STRING, .flags = FIELD_REQUIRED,                                                 \
    .offset = offsetof (struct user_request, username)                                                                 \
  }
#define PASSWORD                                                                                                       \
  {                                                                                                                    \
    .name = "password", .type = FIELD_STRING, .flags = FIELD_SECRET | FIELD_REQUIRED,                                  \
    .offset = offsetof (struct user_request, password)                                                                 \
  }

static const struct field name_fields[] = { USERNAME };
static const struct field password_fields[] = { USERNAME, PASSWORD };
static const struct field admin_fields[] = {
  USERNAME,
  { .name = "is_admin",
    .type = FIELD_BOOL,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct user_request, is_admin) },
};

static const struct schema name_schema = SCHEMA (name_fields, struct user_request);
static const struct schema password_schema = SCHEMA (password_fields, struct user_request);
static const struct schema admin_schema = SCHEMA (admin_fields, struct user_request);

/* --- the document of a user, with empty lists: its clients look into all of them --------------------------------- */

struct listing
{
  struct json_write *w;
  const struct result *grants;
  int64_t account_id;
};

/* Those grants that are about experiments, or about registered models. */
static enum err_code
write_permissions (const struct listing *listing, const char *name, bool of_models, struct err *err)
{
  struct json_write *w = listing->w;
  char id[NUMBER_INT64_BYTES];
  struct store_grant grant;
  enum err_code code = ERR_OK;

  json_write_key (w, name);
  json_write_array (w);
  for (size_t i = 0; ERR_OK == code && i < result_count (listing->grants); i++)
  {
    code = result_row (&grant, listing->grants, i, store_grant_columns, STORE_GRANT_COLUMNS, err);
    if (ERR_OK != code || (of_models ? NULL == grant.model_name.data : ! grant.experiment_id.present))
      continue;
    json_write_object (w);
    if (of_models)
    {
      json_write_member_string (w, "workspace", grant.workspace);
      json_write_member_string (w, "name", grant.model_name);
    }
    else
    {
      number_format_int64 (id, grant.experiment_id.value);
      json_write_member_text (w, "experiment_id", id);
    }
    json_write_member_int64 (w, "user_id", listing->account_id);
    json_write_member_text (w, "permission", store_level_names[grant.level]);
    json_write_object_end (w);
  }
  json_write_array_end (w);
  return code;
}

static enum err_code
reply_user (struct api_call *call, struct slice username, struct err *err)
{
  const struct store_grant_holder holder = { .username = username };
  struct store_account account;
  struct result accounts = { NULL };
  struct result grants = { NULL };
  struct listing listing = { .grants = &grants };
  struct json_write w;
  enum err_code code = store_account_get (&account, &accounts, call->connection, username, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = principal_no_user (err, username);
  if (ERR_OK == code)
    code = store_access_grant_of_holder (&grants, call->connection, &holder, 0, 0, 0, INT64_MAX, err);
  if (ERR_OK != code)
    goto out;
  listing.w = &w;
  listing.account_id = account.account_id;
  api_reply_start (&w, call);
  json_write_key (&w, "user");
  json_write_object (&w);
  json_write_member_int64 (&w, "id", account.account_id);
  json_write_member_string (&w, "username", account.username);
  json_write_member_bool (&w, "is_admin", account.is_admin);
  code = write_permissions (&listing, "experiment_permissions", false, err);
  if (ERR_OK == code)
    code = write_permissions (&listing, "registered_model_permissions", true, err);
  /* There are no scorers here. */
  json_write_key (&w, "scorer_permissions");
  json_write_array (&w);
  json_write_array_end (&w);
  json_write_object_end (&w);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
out:
  result_free (&accounts);
  result_free (&grants);
  return code;
}

/* --- routes ------------------------------------------------------------------------------------------------------ */

enum err_code
api_mlflow_user_create (struct api_call *call, struct err *err)
{
  struct user_request request;
  int64_t account_id;
  enum err_code code = api_decode (&request, call, &password_schema, err);

  if (ERR_OK == code)
    code = account_create (&account_id, call, request.username, request.password, false, false, err);
  return ERR_OK == code ? reply_user (call, request.username, err) : code;
}

/* A user is for himself and for administrators. */
static enum err_code
check_own (struct api_call *call, struct slice username, struct err *err)
{
  const struct access_identity *who = &call->pass->who;

  if (who->is_admin || slice_equal (username, who->username))
    return ERR_OK;
  return principal_refuse (call, (struct slice){ NULL, 0 }, err, "other users are for administrators.");
}

enum err_code
api_mlflow_user_get (struct api_call *call, struct err *err)
{
  struct user_request request;
  enum err_code code = api_decode (&request, call, &name_schema, err);

  if (ERR_OK == code)
    code = check_own (call, request.username, err);
  return ERR_OK == code ? reply_user (call, request.username, err) : code;
}

enum err_code
api_mlflow_user_list (struct api_call *call, struct err *err)
{
  struct store_account account;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = store_account_list (&result, call->connection, (struct slice){ NULL, 0 },
                                           (struct slice){ NULL, 0 }, INT64_MAX, err);
  size_t count = ERR_OK == code ? result_count (&result) : 0;

  api_reply_start (&w, call);
  json_write_key (&w, "users");
  json_write_array (&w);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = result_row (&account, &result, i, store_account_columns, STORE_ACCOUNT_COLUMNS, err);
    if (ERR_OK != code)
      break;
    json_write_object (&w);
    json_write_member_int64 (&w, "id", account.account_id);
    json_write_member_string (&w, "username", account.username);
    json_write_object_end (&w);
  }
  json_write_array_end (&w);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}

enum err_code
api_mlflow_user_update_password (struct api_call *call, struct err *err)
{
  struct store_account_change change = { .kept_session = NULL };
  struct user_request request;
  enum err_code code = api_decode (&request, call, &password_schema, err);

  if (ERR_OK == code)
    code = check_own (call, request.username, err);
  /* Of somebody else it is an administrator's deed, of oneself it would outlive the credential. */
  if (ERR_OK == code && slice_equal (request.username, call->pass->who.username))
    code = principal_require_lasting (call, err);
  else if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK == code)
    code = account_update (call, request.username, &change, request.password, err);
  return code;
}

enum err_code
api_mlflow_user_update_admin (struct api_call *call, struct err *err)
{
  struct user_request request;
  struct store_account_change change;
  enum err_code code = api_decode (&request, call, &admin_schema, err);

  if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK != code)
    return code;
  change = (struct store_account_change){ .is_admin = request.is_admin };
  return account_update (call, request.username, &change, (struct slice){ NULL, 0 }, err);
}

enum err_code
api_mlflow_user_delete (struct api_call *call, struct err *err)
{
  struct user_request request;
  enum err_code code = api_decode (&request, call, &name_schema, err);

  return ERR_OK == code ? account_delete (call, request.username, err) : code;
}

enum err_code
api_mlflow_signup (struct api_call *call, struct err *err)
{
  const char *prefix = call->service->config->static_prefix;
  size_t length = strlen (prefix);
  const char *location;

  while (length > 0 && '/' == prefix[length - 1])
    length--;
  location = arena_printf (call->arena, "%.*s/#/access/users", (int)length, prefix);
  if (NULL == location)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  api_header (call, "Location", slice_of (location));
  call->status = 302;
  return ERR_OK;
}
