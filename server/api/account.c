/* Accounts: users of /api/tally/v1. Source: docs/api/user.md. */
#include "api/account.h"

#include "access/password.h"
#include "api/principal.h"
#include "base/clock.h"
#include "store/account.h"

#include <inttypes.h>

/* Quotas: the limits of the settings quota-requests-per-s and quota-bytes-per-day. */
#define REQUESTS_PER_S_MAX 1000000
#define BYTES_PER_DAY_MAX INT64_C (9007199254740992)

/* --- deeds ------------------------------------------------------------------------------------------------------- */

enum err_code
account_create (int64_t *account_id, struct api_call *call, struct slice username, struct slice password, bool is_admin,
                bool is_service, struct err *err)
{
  struct store_new_account fresh = { .username = username, .is_admin = is_admin, .is_service = is_service };
  struct store_audit who;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = access_check_username (username, err);
  if (ERR_OK == code && is_service && NULL != password.data)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "A service account has tokens and no password: leave 'password' or 'is_service' out.");
  if (ERR_OK == code && NULL != password.data)
    code = password_check_strength (password, username, err);
  if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK == code && NULL != password.data)
    code = password_hash (&fresh.password, password, call->arena, err);
  if (ERR_OK == code)
    code = store_account_create (account_id, call->connection, &fresh, clock_wall_ms (), &who, call->arena, err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
    (void)err_set (err, code, "User (username=%.*s) already exists.", SLICE_ARG (username));
  return code;
}

enum err_code
account_update (struct api_call *call, struct slice username, struct store_account_change *change,
                struct slice password, struct err *err)
{
  struct store_audit who;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code && NULL != password.data)
    code = password_check_strength (password, username, err);
  if (ERR_OK == code && NULL != password.data)
    code = password_hash (&change->password, password, call->arena, err);
  if (ERR_OK == code)
    code = store_account_update (call->connection, username, change, clock_wall_ms (), &who, call->arena, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? principal_no_user (err, username) : code;
}

enum err_code
account_delete (struct api_call *call, struct slice username, struct err *err)
{
  struct store_audit who;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK == code)
    code = store_account_delete (call->connection, username, &who, call->arena, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? principal_no_user (err, username) : code;
}

/* --- documents --------------------------------------------------------------------------------------------------- */

static void
write_account (struct json_write *w, const struct store_account *account)
{
  json_write_object (w);
  json_write_member_string (w, "username", account->username);
  json_write_member_bool (w, "is_admin", account->is_admin);
  json_write_member_bool (w, "is_service", account->is_service);
  json_write_member_bool (w, "disabled", account->disabled_at_ms.present);
  json_write_member_string (w, "login", account->login);
  if (! slice_is (account->groups, "[]"))
  {
    json_write_key (w, "groups");
    json_write_compact (w, account->groups);
  }
  principal_write_optional (w, "requests_per_s", &account->requests_per_s);
  principal_write_optional (w, "bytes_per_day", &account->bytes_per_day);
  json_write_member_int64 (w, "created_at_ms", account->created_at_ms);
  principal_write_optional (w, "last_login_at_ms", &account->last_login_at_ms);
  json_write_object_end (w);
}

/* {"user": what it is now}. */
static enum err_code
reply_account (struct api_call *call, struct slice username, struct err *err)
{
  struct store_account account;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = store_account_get (&account, &result, call->connection, username, err);

  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "user");
    write_account (&w, &account);
    code = api_reply_end (&w, call, err);
  }
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? principal_no_user (err, username) : code;
}

/* --- routes ------------------------------------------------------------------------------------------------------ */

enum err_code
api_account_list (struct api_call *call, struct err *err)
{
  struct principal_page page;
  struct slice search;
  struct store_account account;
  struct result result = { NULL };
  struct json_write w;
  size_t count;
  enum err_code code = principal_list_read (&search, &page, call, err);

  if (ERR_OK == code)
    code = store_account_list (&result, call->connection, search, page.after, page.most + 1, err);
  count = ERR_OK == code ? result_count (&result) : 0;
  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "users");
    json_write_array (&w);
  }
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)page.most; i++)
  {
    code = result_row (&account, &result, i, store_account_columns, STORE_ACCOUNT_COLUMNS, err);
    if (ERR_OK == code)
      write_account (&w, &account);
  }
  if (count > 0)
    json_write_array_end (&w);
  if (ERR_OK == code && count > (size_t)page.most)
    principal_page_write (&w, account.username, call->arena);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}

struct create_request
{
  struct slice username;
  struct slice password;
  struct optional_int64 is_admin;
  struct optional_int64 is_service;
};

static const struct field create_fields[] = {
  { .name = "username",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct create_request, username) },
  { .name = "password",
    .type = FIELD_STRING,
    .flags = FIELD_SECRET,
    .offset = offsetof (struct create_request, password) },
  { .name = "is_admin", .type = FIELD_BOOL, .offset = offsetof (struct create_request, is_admin) },
  { .name = "is_service", .type = FIELD_BOOL, .offset = offsetof (struct create_request, is_service) },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

enum err_code
api_account_create (struct api_call *call, struct err *err)
{
  struct create_request request;
  int64_t account_id;
  enum err_code code = api_decode (&request, call, &create_schema, err);

  if (ERR_OK == code)
    code = account_create (&account_id, call, request.username, request.password, 0 != request.is_admin.value,
                           0 != request.is_service.value, err);
  return ERR_OK == code ? reply_account (call, request.username, err) : code;
}

enum err_code
api_account_get (struct api_call *call, struct err *err)
{
  return reply_account (call, call->path_values[0], err);
}

struct update_request
{
  struct optional_int64 is_admin;
  struct optional_int64 disabled;
  struct optional_int64 requests_per_s;
  struct optional_int64 bytes_per_day;
  struct slice password;
};

static const struct field update_fields[] = {
  { .name = "is_admin", .type = FIELD_BOOL, .offset = offsetof (struct update_request, is_admin) },
  { .name = "disabled", .type = FIELD_BOOL, .offset = offsetof (struct update_request, disabled) },
  { .name = "requests_per_s", .type = FIELD_INT64, .offset = offsetof (struct update_request, requests_per_s) },
  { .name = "bytes_per_day", .type = FIELD_INT64, .offset = offsetof (struct update_request, bytes_per_day) },
  { .name = "password",
    .type = FIELD_STRING,
    .flags = FIELD_SECRET,
    .offset = offsetof (struct update_request, password) },
};

static const struct schema update_schema = SCHEMA (update_fields, struct update_request);

/* A quota is a number from 0, or null for that of the server, which the store wants as -1. */
static enum err_code
read_quota (struct optional_int64 *quota, const struct api_call *call, const char *name, int64_t max, struct err *err)
{
  if (quota->present && (quota->value < 0 || quota->value > max))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter '%s' supplied: it must be from 0 to %" PRId64
                    ", or null for the setting of the server.",
                    quota->value, name, max);
  if (json_is_null (json_object_get (call->arguments, name)))
    *quota = (struct optional_int64){ true, -1 };
  return ERR_OK;
}

enum err_code
api_account_update (struct api_call *call, struct err *err)
{
  struct update_request request;
  struct store_account_change change;
  enum err_code code = api_decode (&request, call, &update_schema, err);

  if (ERR_OK == code)
    code = read_quota (&request.requests_per_s, call, "requests_per_s", REQUESTS_PER_S_MAX, err);
  if (ERR_OK == code)
    code = read_quota (&request.bytes_per_day, call, "bytes_per_day", BYTES_PER_DAY_MAX, err);
  if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK != code)
    return code;
  change = (struct store_account_change){ .is_admin = request.is_admin,
                                          .disabled = request.disabled,
                                          .requests_per_s = request.requests_per_s,
                                          .bytes_per_day = request.bytes_per_day };
  code = account_update (call, call->path_values[0], &change, request.password, err);
  return ERR_OK == code ? reply_account (call, call->path_values[0], err) : code;
}

enum err_code
api_account_delete (struct api_call *call, struct err *err)
{
  return account_delete (call, call->path_values[0], err);
}
