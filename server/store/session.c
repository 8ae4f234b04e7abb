/* Logins of browsers in PostgreSQL. */
#include "store/session.h"

enum
{
  CREATE,
  REPLACE,
  DELETE,
  REMOVE_EXPIRED
};

static const struct statement statements[] = {
  /* The row of the account is locked: whoever disables it ends its sessions before or after this one is made. */
  [CREATE] = { "session_create",
               "WITH owner AS (UPDATE account SET last_login_at_ms = $3::int8 WHERE account_id = $2::int8"
               "  AND disabled_at_ms IS NULL RETURNING account_id)"
               " INSERT INTO login_session (sha256, account_id, created_at_ms, expires_at_ms, address)"
               " SELECT $1::bytea, account_id, $3::int8, $4::int8, $5::text FROM owner RETURNING created_at_ms",
               5 },
  [REPLACE] = { "session_replace",
                "WITH gone AS (DELETE FROM login_session WHERE sha256 = $1::bytea RETURNING account_id)"
                " UPDATE access_version SET version = version + 1 WHERE EXISTS (SELECT FROM gone)",
                1 },
  [DELETE] = { "session_delete", "DELETE FROM login_session WHERE sha256 = $1::bytea", 1 },
  /* As many as come in hours at the rate that passwords can be checked at; others may be at it. */
  [REMOVE_EXPIRED] = { "session_remove_expired",
                       "DELETE FROM login_session WHERE sha256 IN (SELECT sha256 FROM login_session"
                       "  WHERE expires_at_ms <= $1::int8 ORDER BY expires_at_ms LIMIT 1000 FOR UPDATE SKIP LOCKED)",
                       1 },
};

const struct statement_table store_session_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

struct session_call
{
  const struct store_new_session *fresh;
  const struct digest *sha256;
  int64_t now_ms;
  const struct store_audit *entry;
};

static enum err_code
create_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct session_call *call = context;
  const struct store_new_session *fresh = call->fresh;
  struct result result = { NULL };
  struct parameters parameters;
  struct pipeline pipeline;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (&fresh->sha256));
  parameter_int64 (&parameters, fresh->account_id);
  parameter_int64 (&parameters, call->now_ms);
  parameter_int64 (&parameters, fresh->expires_at_ms);
  parameter_text (&parameters, NULL == fresh->address.data ? SLICE ("") : fresh->address);
  code = store_query (&result, connection, &statements[CREATE], &parameters, err);
  if (ERR_OK == code && 0 == result_count (&result))
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  result_free (&result);
  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, NULL);
  if (NULL != fresh->replaced)
    parameter_text (pipeline_add (NULL, &pipeline, &statements[REPLACE]), digest_slice (fresh->replaced));
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[REMOVE_EXPIRED]), call->now_ms);
  store_audit_queue (&pipeline, call->entry);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_session_create (struct store_connection *connection, const struct store_new_session *fresh, int64_t now_ms,
                      const struct store_audit *entry, struct err *err)
{
  struct session_call call = { .fresh = fresh, .now_ms = now_ms, .entry = entry };

  return store_transaction (connection, STORE_WRITE, create_work, &call, err);
}

static enum err_code
delete_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct session_call *call = context;
  struct parameters parameters;
  struct pipeline pipeline;
  bool changed = false;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (call->sha256));
  code = store_change (&changed, connection, &statements[DELETE], &parameters, err);
  if (ERR_OK != code)
    return code;
  if (! changed)
    return ERR_RESOURCE_DOES_NOT_EXIST;
  pipeline_init (&pipeline, connection, NULL);
  store_audit_queue (&pipeline, call->entry);
  store_access_queue_changed (&pipeline);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_session_delete (struct store_connection *connection, const struct digest *sha256, const struct store_audit *entry,
                      struct err *err)
{
  struct session_call call = { .sha256 = sha256, .entry = entry };

  return store_transaction (connection, STORE_WRITE, delete_work, &call, err);
}
