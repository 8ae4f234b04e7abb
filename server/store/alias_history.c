/* The way of an alias through versions, as the ledger tells it. */
#include "store/alias_history.h"

#include "store/promotion_gate.h"

enum
{
  STEPS,
  AT,
  PASSED
};

#define OF_ALIAS                                                                                                       \
  " FROM ledger AS l WHERE l.registered_model_id = $1::int8 AND l.alias = $2::text AND l.action LIKE 'alias.%'"
#define VERSION_OF(side) "coalesce((l.content::jsonb #>> '{" side ",version}')::int8, 0)"

static const struct statement statements[] = {
  [STEPS] = { "alias_history_steps",
              "SELECT s.entry, s.before, s.after, s.is_rollback,"
              " EXISTS (SELECT FROM model_version AS v WHERE v.registered_model_id = $1::int8 AND v.version = s.before"
              "  AND v.deleted_at_ms IS NULL)"
              " FROM (SELECT l.entry, " VERSION_OF ("before") " AS before, " VERSION_OF (
                  "after") " AS after,"
                           " l.action = 'alias.rollback' AS is_rollback" OF_ALIAS
                           " AND l.entry < $3::int8 ORDER BY l.entry DESC LIMIT $4::int8) AS s ORDER BY s.entry DESC",
              4 },
  [AT] = { "alias_history_at",
           "SELECT " VERSION_OF ("after") OF_ALIAS " AND l.at_ms <= $3::int8 ORDER BY l.entry DESC LIMIT 1", 3 },
  [PASSED] = { "alias_history_passed",
               "SELECT EXISTS (SELECT" OF_ALIAS " AND l.version = $3::int8 AND " VERSION_OF (
                   "after") " = $3::int8 AND l.content::jsonb ->> 'forced' = 'false'"
                            " AND NOT EXISTS (SELECT FROM promotion_gate AS g WHERE g.workspace_id = l.workspace_id"
                            "  AND g.alias = l.alias AND " STORE_GATE_BINDS (
                                "g", "$4::text") "  AND NOT EXISTS (SELECT FROM promotion_gate AS o WHERE "
                                                 "o.workspace_id = g.workspace_id"
                                                 "   AND o.alias = g.alias AND o.rules::jsonb = g.rules::jsonb"
                                                 "   AND " STORE_GATE_BINDS ("o", "l.model_name") ")))",
               4 },
};

const struct statement_table store_alias_history_statements = { statements,
                                                                sizeof (statements) / sizeof (statements[0]) };

const struct column store_alias_step_columns[STORE_ALIAS_STEP_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_alias_step, entry) },
  { COLUMN_INT64, offsetof (struct store_alias_step, before) },
  { COLUMN_INT64, offsetof (struct store_alias_step, after) },
  { COLUMN_BOOL, offsetof (struct store_alias_step, is_rollback) },
  { COLUMN_BOOL, offsetof (struct store_alias_step, before_exists) },
};

static void
alias_parameters (struct parameters *parameters, int64_t registered_model_id, struct slice alias)
{
  parameters_init (parameters, NULL);
  parameter_int64 (parameters, registered_model_id);
  parameter_text (parameters, alias);
}

enum err_code
store_alias_steps (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                   struct slice alias, int64_t before_entry, int64_t most, struct err *err)
{
  struct parameters parameters;

  alias_parameters (&parameters, registered_model_id, alias);
  parameter_int64 (&parameters, before_entry);
  parameter_int64 (&parameters, most);
  return store_query (result, connection, &statements[STEPS], &parameters, err);
}

enum err_code
store_alias_at (int64_t *version, struct store_connection *connection, int64_t registered_model_id, struct slice alias,
                int64_t at_ms, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct parameters parameters;
  struct result result = { NULL };
  enum err_code code;

  *version = 0;
  alias_parameters (&parameters, registered_model_id, alias);
  parameter_int64 (&parameters, at_ms);
  code = store_query_one (version, &result, connection, &statements[AT], &parameters, columns, COLUMN_COUNT (columns),
                          err);
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

enum err_code
store_alias_passed (bool *passed, struct store_connection *connection, int64_t registered_model_id, struct slice alias,
                    int64_t version, struct slice model, struct err *err)
{
  static const struct column columns[] = { { COLUMN_BOOL, 0 } };
  struct parameters parameters;
  struct result result = { NULL };
  enum err_code code;

  alias_parameters (&parameters, registered_model_id, alias);
  parameter_int64 (&parameters, version);
  parameter_text (&parameters, model);
  code = store_query_one (passed, &result, connection, &statements[PASSED], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}
