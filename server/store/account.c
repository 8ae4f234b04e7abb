/* Accounts in PostgreSQL.

   DESIGN
   A change reads the row under a lock, decides, and writes it together with the audit trail: two round trips. Changes
   that may take an administrator away first lock the rows of all enabled ones, in order, so that of two who demote each
   other the second sees what the first did. */
#include "store/account.h"

#include "store/audit_detail.h"
#include "store/pipeline.h"

enum
{
  CREATE,
  LOCK_ADMINS,
  LOCK,
  UPDATE,
  SET_PASSWORD,
  END_SESSIONS,
  DELETE,
  REHASH,
  GET,
  LIST
};

#define SELECT                                                                                                         \
  "SELECT a.account_id, a.username, a.is_admin, a.is_service, a.disabled_at_ms,"                                       \
  " CASE WHEN a.password IS NOT NULL THEN 'password' WHEN a.issuer = '" STORE_ISSUER_PROXY "' THEN 'proxy'"            \
  "  WHEN a.issuer IS NOT NULL THEN 'oidc' ELSE 'none' END,"                                                           \
  " a.requests_per_s, a.bytes_per_day, a.created_at_ms, a.last_login_at_ms,"                                           \
  " coalesce((SELECT jsonb_agg(g.name ORDER BY g.name) FROM account_group_member AS m"                                 \
  "  JOIN account_group AS g ON g.group_id = m.group_id WHERE m.account_id = a.account_id), '[]'::jsonb)"              \
  " FROM account AS a"

static const struct statement statements[] = {
  [CREATE] = { "account_create",
               "INSERT INTO account (username, is_admin, is_service, password, issuer, subject, created_at_ms)"
               " VALUES ($1::text, $2::bool, $3::bool, $4::text, $5::text, $6::text, $7::int8)"
               " ON CONFLICT DO NOTHING RETURNING account_id",
               7 },
  [LOCK_ADMINS] = { "account_lock_admins",
                    "SELECT account_id FROM account WHERE is_admin AND disabled_at_ms IS NULL"
                    " ORDER BY account_id FOR NO KEY UPDATE",
                    0 },
  [LOCK] = { "account_lock", SELECT " WHERE a.username = $1::text FOR NO KEY UPDATE OF a", 1 },
  /* A quota of -1 is none. */
  [UPDATE] = { "account_update",
               "UPDATE account SET is_admin = coalesce($2::bool, is_admin),"
               " disabled_at_ms = CASE WHEN $3::bool IS NULL THEN disabled_at_ms"
               "  WHEN $3::bool THEN coalesce(disabled_at_ms, $6::int8) END,"
               " requests_per_s = CASE WHEN $4::int8 IS NULL THEN requests_per_s ELSE nullif($4::int8, -1) END,"
               " bytes_per_day = CASE WHEN $5::int8 IS NULL THEN bytes_per_day ELSE nullif($5::int8, -1) END"
               " WHERE account_id = $1::int8",
               6 },
  [SET_PASSWORD] = { "account_set_password", "UPDATE account SET password = $2::text WHERE account_id = $1::int8", 2 },
  [END_SESSIONS] = { "account_end_sessions",
                     "DELETE FROM login_session WHERE account_id = $1::int8 AND sha256 IS DISTINCT FROM $2::bytea", 2 },
  [DELETE] = { "account_delete", "DELETE FROM account WHERE account_id = $1::int8", 1 },
  [REHASH] = { "account_rehash",
               "UPDATE account SET password = $3::text WHERE account_id = $1::int8 AND password = $2::text", 3 },
  [GET] = { "account_get", SELECT " WHERE a.username = $1::text", 1 },
  [LIST] = { "account_list",
             SELECT " WHERE a.username > coalesce($2::text, '')"
                    " AND ($1::text IS NULL OR position(lower($1::text) IN lower(a.username)) > 0)"
                    " ORDER BY a.username LIMIT $3::int8",
             3 },
};

const struct statement_table store_account_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const struct column store_account_columns[STORE_ACCOUNT_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_account, account_id) },
  { COLUMN_TEXT, offsetof (struct store_account, username) },
  { COLUMN_BOOL, offsetof (struct store_account, is_admin) },
  { COLUMN_BOOL, offsetof (struct store_account, is_service) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_account, disabled_at_ms) },
  { COLUMN_TEXT, offsetof (struct store_account, login) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_account, requests_per_s) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_account, bytes_per_day) },
  { COLUMN_INT64, offsetof (struct store_account, created_at_ms) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_account, last_login_at_ms) },
  { COLUMN_JSON, offsetof (struct store_account, groups) },
};

/* --- making ------------------------------------------------------------------------------------------------------ */

struct create
{
  const struct store_new_account *fresh;
  int64_t now_ms;
  const struct store_audit *who;
  struct arena *arena;
  int64_t account_id;
};

static struct slice
describe_fresh (const struct store_new_account *fresh, struct arena *arena)
{
  struct audit_detail detail;

  audit_detail_begin (&detail);
  json_write_key (&detail.w, "after");
  json_write_object (&detail.w);
  json_write_member_bool (&detail.w, "is_admin", fresh->is_admin);
  json_write_member_bool (&detail.w, "is_service", fresh->is_service);
  if (NULL != fresh->issuer.data)
    json_write_member_string (&detail.w, "issuer", fresh->issuer);
  json_write_object_end (&detail.w);
  return audit_detail_end (&detail, arena);
}

static enum err_code
create_work (struct store_connection *connection, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct create *call = context;
  struct result result = { NULL };
  struct parameters parameters;
  struct store_audit entry;
  struct pipeline pipeline;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, call->fresh->username);
  parameter_bool (&parameters, call->fresh->is_admin);
  parameter_bool (&parameters, call->fresh->is_service);
  parameter_text (&parameters, call->fresh->password);
  parameter_text (&parameters, call->fresh->issuer);
  parameter_text (&parameters, call->fresh->subject);
  parameter_int64 (&parameters, call->now_ms);
  code = store_query (&result, connection, &statements[CREATE], &parameters, err);
  if (ERR_OK == code && 0 == result_count (&result))
    code = ERR_RESOURCE_ALREADY_EXISTS;
  if (ERR_OK == code)
    code = result_row (&call->account_id, &result, 0, columns, COLUMN_COUNT (columns), err);
  if (ERR_OK == code)
    code = audit_entry (&entry, call->who, "user.create", "user", call->fresh->username,
                        describe_fresh (call->fresh, call->arena), call->arena, err);
  if (ERR_OK == code)
  {
    pipeline_init (&pipeline, connection, call->arena);
    store_audit_queue (&pipeline, &entry);
    code = pipeline_commit (&pipeline, err);
  }
  result_free (&result);
  return code;
}

enum err_code
store_account_create (int64_t *account_id, struct store_connection *connection, const struct store_new_account *fresh,
                      int64_t now_ms, const struct store_audit *who, struct arena *arena, struct err *err)
{
  struct create call = { fresh, now_ms, who, arena, 0 };
  enum err_code code = store_transaction (connection, STORE_WRITE, create_work, &call, err);

  *account_id = call.account_id;
  return code;
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

/* Lock the enabled administrators and then the account. `is_last` receives whether it is the only one of them.
   `result` holds the account's texts. */
static enum err_code
lock (struct store_account *account, bool *is_last, struct result *result, struct store_connection *connection,
      struct slice username, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result admins = { NULL };
  struct pipeline pipeline;
  struct parameters *parameters;
  int64_t admin = 0;
  enum err_code code;

  pipeline_init (&pipeline, connection, NULL);
  (void)pipeline_add (&admins, &pipeline, &statements[LOCK_ADMINS]);
  parameters = pipeline_add (result, &pipeline, &statements[LOCK]);
  parameter_text (parameters, username);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code)
    code = result_one (account, result, store_account_columns, STORE_ACCOUNT_COLUMNS, err);
  if (ERR_OK == code && 1 == result_count (&admins))
    code = result_row (&admin, &admins, 0, columns, COLUMN_COUNT (columns), err);
  *is_last = ERR_OK == code && admin == account->account_id;
  result_free (&admins);
  return code;
}

static enum err_code
last_admin (struct err *err, struct slice username)
{
  return err_set (err, ERR_RESOURCE_CONFLICT,
                  "'%.*s' is the last administrator who is not disabled: make another one first.",
                  SLICE_ARG (username));
}

/* One side of a change: members that the change names, as they are before or after it. */
static void
describe_flag (struct json_write *w, const char *name, const struct optional_int64 *changed, bool before, bool is_after)
{
  if (changed->present)
    json_write_member_bool (w, name, is_after ? 0 != changed->value : before);
}

static void
describe_quota (struct json_write *w, const char *name, const struct optional_int64 *changed,
                const struct optional_int64 *before, bool is_after)
{
  int64_t value = before->present ? before->value : -1;

  if (is_after)
    value = changed->value;
  if (changed->present && value >= 0)
    json_write_member_int64 (w, name, value);
}

static struct slice
describe_change (const struct store_account_change *change, const struct store_account *account, struct arena *arena)
{
  struct audit_detail detail;

  audit_detail_begin (&detail);
  for (int is_after = 0; is_after <= 1; is_after++)
  {
    json_write_key (&detail.w, is_after ? "after" : "before");
    json_write_object (&detail.w);
    describe_flag (&detail.w, "is_admin", &change->is_admin, account->is_admin, is_after);
    describe_flag (&detail.w, "disabled", &change->disabled, account->disabled_at_ms.present, is_after);
    describe_quota (&detail.w, "requests_per_s", &change->requests_per_s, &account->requests_per_s, is_after);
    describe_quota (&detail.w, "bytes_per_day", &change->bytes_per_day, &account->bytes_per_day, is_after);
    json_write_object_end (&detail.w);
  }
  return audit_detail_end (&detail, arena);
}

struct update
{
  struct slice username;
  const struct store_account_change *change;
  int64_t now_ms;
  const struct store_audit *who;
  struct arena *arena;
};

static void
optional_bool (struct parameters *parameters, const struct optional_int64 *value)
{
  if (value->present)
    parameter_bool (parameters, 0 != value->value);
  else
    parameter_null (parameters);
}

static void
optional_int64 (struct parameters *parameters, const struct optional_int64 *value)
{
  if (value->present)
    parameter_int64 (parameters, value->value);
  else
    parameter_null (parameters);
}

static void
queue_end_sessions (struct pipeline *pipeline, int64_t account_id, const struct digest *kept)
{
  struct parameters *parameters = pipeline_add (NULL, pipeline, &statements[END_SESSIONS]);

  parameter_int64 (parameters, account_id);
  parameter_text (parameters, NULL == kept ? (struct slice){ NULL, 0 } : digest_slice (kept));
}

static bool
changes_row (const struct store_account_change *change)
{
  return change->is_admin.present || change->disabled.present || change->requests_per_s.present
         || change->bytes_per_day.present;
}

static enum err_code
write_update (struct store_connection *connection, const struct update *call, const struct store_account *account,
              struct err *err)
{
  const struct store_account_change *change = call->change;
  bool disables = change->disabled.present && 0 != change->disabled.value;
  struct store_audit entries[2];
  struct parameters *parameters;
  struct pipeline pipeline;
  enum err_code code = ERR_OK;

  pipeline_init (&pipeline, connection, call->arena);
  if (changes_row (change))
  {
    parameters = pipeline_add (NULL, &pipeline, &statements[UPDATE]);
    parameter_int64 (parameters, account->account_id);
    optional_bool (parameters, &change->is_admin);
    optional_bool (parameters, &change->disabled);
    optional_int64 (parameters, &change->requests_per_s);
    optional_int64 (parameters, &change->bytes_per_day);
    parameter_int64 (parameters, call->now_ms);
    code = audit_entry (&entries[0], call->who, "user.update", "user", call->username,
                        describe_change (change, account, call->arena), call->arena, err);
    if (ERR_OK == code)
      store_audit_queue (&pipeline, &entries[0]);
  }
  if (ERR_OK == code && NULL != change->password.data)
  {
    parameters = pipeline_add (NULL, &pipeline, &statements[SET_PASSWORD]);
    parameter_int64 (parameters, account->account_id);
    parameter_text (parameters, change->password);
    code =
        audit_entry (&entries[1], call->who, "user.password", "user", call->username, SLICE ("{}"), call->arena, err);
    if (ERR_OK == code)
      store_audit_queue (&pipeline, &entries[1]);
  }
  if (ERR_OK == code && (disables || NULL != change->password.data))
    queue_end_sessions (&pipeline, account->account_id, disables ? NULL : change->kept_session);
  if (ERR_OK != code || 0 == pipeline.count)
    return code;
  store_access_queue_changed (&pipeline);
  return pipeline_commit (&pipeline, err);
}

static enum err_code
update_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct update *call = context;
  const struct store_account_change *change = call->change;
  struct store_account account;
  struct result result = { NULL };
  bool is_last;
  enum err_code code = lock (&account, &is_last, &result, connection, call->username, err);

  if (ERR_OK == code && is_last
      && ((change->is_admin.present && 0 == change->is_admin.value)
          || (change->disabled.present && 0 != change->disabled.value)))
    code = last_admin (err, call->username);
  if (ERR_OK == code && account.is_service && NULL != change->password.data)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "'%.*s' is a service account, which has tokens and no password.",
                    SLICE_ARG (call->username));
  if (ERR_OK == code)
    code = write_update (connection, call, &account, err);
  result_free (&result);
  return code;
}

enum err_code
store_account_update (struct store_connection *connection, struct slice username,
                      const struct store_account_change *change, int64_t now_ms, const struct store_audit *who,
                      struct arena *arena, struct err *err)
{
  struct update call = { username, change, now_ms, who, arena };

  return store_transaction (connection, STORE_WRITE, update_work, &call, err);
}

static struct slice
describe_gone (const struct store_account *account, struct arena *arena)
{
  struct audit_detail detail;

  audit_detail_begin (&detail);
  json_write_key (&detail.w, "before");
  json_write_object (&detail.w);
  json_write_member_bool (&detail.w, "is_admin", account->is_admin);
  json_write_member_bool (&detail.w, "is_service", account->is_service);
  json_write_member_bool (&detail.w, "disabled", account->disabled_at_ms.present);
  json_write_object_end (&detail.w);
  return audit_detail_end (&detail, arena);
}

static enum err_code
delete_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct update *call = context;
  struct store_account account;
  struct store_audit entry;
  struct result result = { NULL };
  struct pipeline pipeline;
  bool is_last;
  enum err_code code = lock (&account, &is_last, &result, connection, call->username, err);

  if (ERR_OK == code && is_last)
    code = last_admin (err, call->username);
  if (ERR_OK == code)
    code = audit_entry (&entry, call->who, "user.delete", "user", call->username, describe_gone (&account, call->arena),
                        call->arena, err);
  if (ERR_OK == code)
  {
    pipeline_init (&pipeline, connection, call->arena);
    parameter_int64 (pipeline_add (NULL, &pipeline, &statements[DELETE]), account.account_id);
    store_audit_queue (&pipeline, &entry);
    store_access_queue_changed (&pipeline);
    code = pipeline_commit (&pipeline, err);
  }
  result_free (&result);
  return code;
}

enum err_code
store_account_delete (struct store_connection *connection, struct slice username, const struct store_audit *who,
                      struct arena *arena, struct err *err)
{
  struct update call = { username, NULL, 0, who, arena };

  return store_transaction (connection, STORE_WRITE, delete_work, &call, err);
}

enum err_code
store_account_rehash (bool *changed, struct store_connection *connection, int64_t account_id, struct slice old_text,
                      struct slice new_text, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, account_id);
  parameter_text (&parameters, old_text);
  parameter_text (&parameters, new_text);
  return store_change (changed, connection, &statements[REHASH], &parameters, err);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

enum err_code
store_account_get (struct store_account *account, struct result *result, struct store_connection *connection,
                   struct slice username, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, username);
  code = store_query_one (account, result, connection, &statements[GET], &parameters, store_account_columns,
                          STORE_ACCOUNT_COLUMNS, err);
  return code;
}

enum err_code
store_account_list (struct result *result, struct store_connection *connection, struct slice search, struct slice after,
                    int64_t limit, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, search);
  parameter_text (&parameters, after);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[LIST], &parameters, err);
}
