/* Aliases of registered models in PostgreSQL. */
#include "store/model_alias.h"

enum
{
  HOLDER,
  SET,
  DELETE,
  LIST
};

#define OF_ALIAS "registered_model_id = $1::int8 AND alias = $2::text"

static const struct statement statements[] = {
  [HOLDER] = { "model_alias_holder", "SELECT version FROM model_alias WHERE " OF_ALIAS, 2 },
  /* An alias that stays where it is keeps the time since when it is there. */
  [SET] = { "model_alias_set",
            "WITH written AS (INSERT INTO model_alias AS a (registered_model_id, alias, version, moved_at_ms)"
            "  SELECT registered_model_id, $2::text, version, $4::int8 FROM model_version"
            "  WHERE registered_model_id = $1::int8 AND version = $3::int8 AND deleted_at_ms IS NULL"
            "  ON CONFLICT (registered_model_id, alias) DO UPDATE SET version = excluded.version,"
            "   moved_at_ms = excluded.moved_at_ms WHERE a.version <> excluded.version)"
            " SELECT coalesce((SELECT version FROM model_alias WHERE " OF_ALIAS "), 0) FROM model_version"
            " WHERE registered_model_id = $1::int8 AND version = $3::int8 AND deleted_at_ms IS NULL",
            4 },
  [DELETE] = { "model_alias_delete", "DELETE FROM model_alias WHERE " OF_ALIAS " RETURNING version", 2 },
  [LIST] = { "model_alias_list",
             "SELECT alias, version FROM model_alias WHERE registered_model_id = $1::int8"
             " AND ($2::int8 = 0 OR version = $2::int8) ORDER BY alias",
             2 },
};

const struct statement_table store_model_alias_statements = { statements,
                                                              sizeof (statements) / sizeof (statements[0]) };

const struct column store_model_alias_columns[STORE_MODEL_ALIAS_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_model_alias, alias) },
  { COLUMN_INT64, offsetof (struct store_model_alias, version) },
};

/* Run a statement that gives the number of a version, or no row. */
static enum err_code
read_version (int64_t *version, struct store_connection *connection, const struct statement *statement,
              const struct parameters *parameters, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  enum err_code code;

  *version = 0;
  code = store_query_one (version, &result, connection, statement, parameters, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

static void
alias_parameters (struct parameters *parameters, int64_t registered_model_id, struct slice alias)
{
  parameters_init (parameters, NULL);
  parameter_int64 (parameters, registered_model_id);
  parameter_text (parameters, alias);
}

enum err_code
store_model_alias_holder (int64_t *version, struct store_connection *connection, int64_t registered_model_id,
                          struct slice alias, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  alias_parameters (&parameters, registered_model_id, alias);
  code = read_version (version, connection, &statements[HOLDER], &parameters, err);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

enum err_code
store_model_alias_set (int64_t *previous, struct store_connection *connection, int64_t registered_model_id,
                       struct slice alias, int64_t version, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  alias_parameters (&parameters, registered_model_id, alias);
  parameter_int64 (&parameters, version);
  parameter_int64 (&parameters, now_ms);
  return read_version (previous, connection, &statements[SET], &parameters, err);
}

enum err_code
store_model_alias_delete (int64_t *previous, struct store_connection *connection, int64_t registered_model_id,
                          struct slice alias, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  alias_parameters (&parameters, registered_model_id, alias);
  code = read_version (previous, connection, &statements[DELETE], &parameters, err);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

enum err_code
store_model_alias_list (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                        int64_t version, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, version);
  return store_query (result, connection, &statements[LIST], &parameters, err);
}
