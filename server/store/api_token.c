/* API tokens in PostgreSQL. */
#include "store/api_token.h"

#include "base/number.h"
#include "store/access_words.h"
#include "store/audit_detail.h"
#include "store/pipeline.h"

enum
{
  CREATE,
  LOCK,
  DELETE,
  GET,
  LIST
};

#define SELECT                                                                                                         \
  "SELECT t.token_id, a.username, t.name, t.hint, t.level, t.actions, t.is_admin, t.created_at_ms, t.expires_at_ms,"   \
  " t.last_used_at_ms FROM api_token AS t JOIN account AS a ON a.account_id = t.account_id"

static const struct statement statements[] = {
  [CREATE] = { "api_token_create",
               "INSERT INTO api_token (account_id, name, sha256, hint, level, actions, is_admin, created_at_ms,"
               "  expires_at_ms)"
               " SELECT a.account_id, $2::text, $3::bytea, $4::text, $5::int8::int2, $6::int8::int2, $7::bool, "
               "$8::int8,"
               "  $9::int8 FROM account AS a WHERE a.username = $1::text RETURNING token_id",
               9 },
  [LOCK] = { "api_token_lock",
             SELECT " WHERE t.token_id = $1::int8 AND ($2::int8 = 0 OR t.account_id = $2::int8) FOR UPDATE OF t", 2 },
  [DELETE] = { "api_token_delete", "DELETE FROM api_token WHERE token_id = $1::int8", 1 },
  [GET] = { "api_token_get", SELECT " WHERE t.token_id = $1::int8 AND ($2::int8 = 0 OR t.account_id = $2::int8)", 2 },
  [LIST] = { "api_token_list", SELECT " WHERE ($1::text IS NULL OR a.username = $1::text) ORDER BY t.token_id", 1 },
};

const struct statement_table store_api_token_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const struct column store_api_token_columns[STORE_API_TOKEN_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_api_token, token_id) },
  { COLUMN_TEXT, offsetof (struct store_api_token, username) },
  { COLUMN_TEXT, offsetof (struct store_api_token, name) },
  { COLUMN_TEXT, offsetof (struct store_api_token, hint) },
  { COLUMN_INT16, offsetof (struct store_api_token, level) },
  { COLUMN_INT16, offsetof (struct store_api_token, actions) },
  { COLUMN_BOOL, offsetof (struct store_api_token, is_admin) },
  { COLUMN_INT64, offsetof (struct store_api_token, created_at_ms) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_api_token, expires_at_ms) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_api_token, last_used_at_ms) },
};

/* {"user", "before" or "after": what it is}. */
static struct slice
describe (const struct store_api_token *token, const char *when, struct arena *arena)
{
  struct audit_detail detail;

  audit_detail_begin (&detail);
  json_write_member_string (&detail.w, "user", token->username);
  json_write_key (&detail.w, when);
  json_write_object (&detail.w);
  json_write_member_string (&detail.w, "name", token->name);
  json_write_member_string (&detail.w, "hint", token->hint);
  store_write_rights (&detail.w, token->level, token->actions);
  json_write_member_bool (&detail.w, "is_admin", token->is_admin);
  if (token->expires_at_ms.present)
    json_write_member_int64 (&detail.w, "expires_at_ms", token->expires_at_ms.value);
  json_write_object_end (&detail.w);
  return audit_detail_end (&detail, arena);
}

/* The entry about a token. */
static enum err_code
make_entry (struct store_audit *entry, const struct store_audit *who, const char *action,
            const struct store_api_token *token, const char *when, struct arena *arena, struct err *err)
{
  char id[NUMBER_INT64_BYTES];
  size_t length = number_format_int64 (id, token->token_id);

  return audit_entry (entry, who, action, "token", (struct slice){ id, length }, describe (token, when, arena), arena,
                      err);
}

struct create
{
  struct store_api_token *token;
  const struct store_new_api_token *fresh;
  int64_t now_ms;
  const struct store_audit *who;
  struct arena *arena;
};

static enum err_code
create_work (struct store_connection *connection, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct create *call = context;
  const struct store_new_api_token *fresh = call->fresh;
  struct store_api_token *token = call->token;
  struct result result = { NULL };
  struct parameters parameters;
  struct store_audit entry;
  struct pipeline pipeline;
  enum err_code code;

  *token = (struct store_api_token){ .username = fresh->username,
                                     .name = fresh->name,
                                     .hint = fresh->hint,
                                     .level = fresh->level,
                                     .actions = fresh->actions,
                                     .is_admin = fresh->is_admin,
                                     .created_at_ms = call->now_ms,
                                     .expires_at_ms = fresh->expires_at_ms };
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, fresh->username);
  parameter_text (&parameters, fresh->name);
  parameter_text (&parameters, digest_slice (fresh->sha256));
  parameter_text (&parameters, fresh->hint);
  parameter_int64 (&parameters, fresh->level);
  parameter_int64 (&parameters, fresh->actions);
  parameter_bool (&parameters, fresh->is_admin);
  parameter_int64 (&parameters, call->now_ms);
  if (fresh->expires_at_ms.present)
    parameter_int64 (&parameters, fresh->expires_at_ms.value);
  else
    parameter_null (&parameters);
  code = store_query_one (&token->token_id, &result, connection, &statements[CREATE], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  result_free (&result);
  if (ERR_OK == code)
    code = make_entry (&entry, call->who, "token.create", token, "after", call->arena, err);
  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, call->arena);
  store_audit_queue (&pipeline, &entry);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_api_token_create (struct store_api_token *token, struct store_connection *connection,
                        const struct store_new_api_token *fresh, int64_t now_ms, const struct store_audit *who,
                        struct arena *arena, struct err *err)
{
  struct create call = { token, fresh, now_ms, who, arena };

  return store_transaction (connection, STORE_WRITE, create_work, &call, err);
}

struct removal
{
  int64_t token_id;
  int64_t account_id;
  const struct store_audit *who;
  struct arena *arena;
};

static enum err_code
delete_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct removal *call = context;
  struct store_api_token token;
  struct result result = { NULL };
  struct parameters parameters;
  struct store_audit entry;
  struct pipeline pipeline;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, call->token_id);
  parameter_int64 (&parameters, call->account_id);
  code = store_query_one (&token, &result, connection, &statements[LOCK], &parameters, store_api_token_columns,
                          STORE_API_TOKEN_COLUMNS, err);
  if (ERR_OK == code)
    code = make_entry (&entry, call->who, "token.delete", &token, "before", call->arena, err);
  if (ERR_OK == code)
  {
    pipeline_init (&pipeline, connection, call->arena);
    parameter_int64 (pipeline_add (NULL, &pipeline, &statements[DELETE]), call->token_id);
    store_audit_queue (&pipeline, &entry);
    store_access_queue_changed (&pipeline);
    code = pipeline_commit (&pipeline, err);
  }
  result_free (&result);
  return code;
}

enum err_code
store_api_token_delete (struct store_connection *connection, int64_t token_id, int64_t account_id,
                        const struct store_audit *who, struct arena *arena, struct err *err)
{
  struct removal call = { token_id, account_id, who, arena };

  return store_transaction (connection, STORE_WRITE, delete_work, &call, err);
}

enum err_code
store_api_token_get (struct store_api_token *token, struct result *result, struct store_connection *connection,
                     int64_t token_id, int64_t account_id, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, token_id);
  parameter_int64 (&parameters, account_id);
  code = store_query_one (token, result, connection, &statements[GET], &parameters, store_api_token_columns,
                          STORE_API_TOKEN_COLUMNS, err);
  return code;
}

enum err_code
store_api_token_list (struct result *result, struct store_connection *connection, struct slice username,
                      struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, username);
  return store_query (result, connection, &statements[LIST], &parameters, err);
}
