/* Reading the audit trail in PostgreSQL. */
#include "store/audit_list.h"

enum
{
  LIST
};

static const struct statement statements[] = {
  [LIST] = { "audit_list",
             "SELECT audit_id, at_ms, actor, coalesce(account_id, 0), coalesce(token_id, 0), method, address, action,"
             " object, refused, detail, times FROM audit"
             " WHERE audit_id < $7::int8 AND ($1::text IS NULL OR actor = $1::text)"
             " AND ($2::text IS NULL OR action = $2::text) AND ($3::text IS NULL OR object = $3::text)"
             " AND ($4::bool IS NULL OR refused = $4::bool) AND ($5::int8 IS NULL OR at_ms >= $5::int8)"
             " AND ($6::int8 IS NULL OR at_ms < $6::int8) ORDER BY audit_id DESC LIMIT $8::int8",
             8 },
};

const struct statement_table store_audit_list_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const struct column store_audit_columns[STORE_AUDIT_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_audit, audit_id) },
  { COLUMN_INT64, offsetof (struct store_audit, at_ms) },
  { COLUMN_TEXT, offsetof (struct store_audit, actor) },
  { COLUMN_INT64, offsetof (struct store_audit, account_id) },
  { COLUMN_INT64, offsetof (struct store_audit, token_id) },
  { COLUMN_INT16, offsetof (struct store_audit, method) },
  { COLUMN_TEXT, offsetof (struct store_audit, address) },
  { COLUMN_TEXT, offsetof (struct store_audit, action) },
  { COLUMN_TEXT, offsetof (struct store_audit, object) },
  { COLUMN_BOOL, offsetof (struct store_audit, refused) },
  { COLUMN_JSON, offsetof (struct store_audit, detail) },
  { COLUMN_INT64, offsetof (struct store_audit, times) },
};

static void
optional_number (struct parameters *parameters, const struct optional_int64 *value)
{
  if (value->present)
    parameter_int64 (parameters, value->value);
  else
    parameter_null (parameters);
}

enum err_code
store_audit_list (struct result *result, struct store_connection *connection, const struct store_audit_filter *filter,
                  int64_t before, int64_t limit, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, filter->actor);
  parameter_text (&parameters, filter->action);
  parameter_text (&parameters, filter->object);
  if (filter->refused.present)
    parameter_bool (&parameters, 0 != filter->refused.value);
  else
    parameter_null (&parameters);
  optional_number (&parameters, &filter->from_ms);
  optional_number (&parameters, &filter->to_ms);
  parameter_int64 (&parameters, before);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[LIST], &parameters, err);
}
