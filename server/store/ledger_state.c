/* Reading from the ledger in PostgreSQL what the registry was at a time.

   DESIGN
   Nothing here reads the tables of the present, except to tell which model a name means. Aliases are found with one
   step of an index for each of them, however often they moved; versions come in pages. */
#include "store/ledger_state.h"

enum
{
  PLACE_AT,
  PLACE_OF,
  IDENTIFY,
  IDENTIFY_DELETED,
  ALIASES,
  ALIAS,
  VERSIONS,
  OF_MODEL,
  OF_VERSIONS,
  OF_GATES
};

#define ENTRY "SELECT entry, at_ms, content, previous_sha256, sha256 FROM ledger"

/* The last word on alias x.alias of model $1 after entry $2. Compared as a row, so that it is one step of the index,
   and not a walk through the newest entries of all models. */
#define LAST_OF_ALIAS                                                                                                  \
  " LATERAL (SELECT registered_model_id, alias AS found, entry, at_ms, content,"                                       \
  "   (content::jsonb #>> '{after,version}')::int8 AS version FROM ledger"                                             \
  "  WHERE alias IS NOT NULL AND (registered_model_id, alias, entry) <= ($1::int8, x.alias, $2::int8)"                 \
  "  ORDER BY registered_model_id DESC, alias DESC, entry DESC LIMIT 1) AS l"                                          \
  " WHERE l.registered_model_id = $1::int8 AND l.found = x.alias AND l.version IS NOT NULL"

static const struct statement statements[] = {
  [PLACE_AT] = { "ledger_place_at",
                 "SELECT entry, at_ms FROM ledger WHERE at_ms <= $1::int8 ORDER BY at_ms DESC, entry DESC LIMIT 1", 1 },
  [PLACE_OF] = { "ledger_place_of", "SELECT entry, at_ms FROM ledger WHERE entry = $1::int8", 1 },
  [IDENTIFY] = { "ledger_identify",
                 "SELECT m.registered_model_id, true FROM registered_model AS m"
                 " WHERE m.workspace_id = $1::int8 AND m.name = $2::text"
                 " AND (SELECT min(l.entry) FROM ledger AS l WHERE l.registered_model_id = m.registered_model_id)"
                 "  <= $3::int8",
                 3 },
  [IDENTIFY_DELETED] = { "ledger_identify_deleted",
                         "SELECT l.registered_model_id, false FROM ledger AS l"
                         " WHERE l.workspace_id = $1::int8 AND l.model_name = $2::text"
                         " AND l.registered_model_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM registered_model AS m"
                         "  WHERE m.registered_model_id = l.registered_model_id)"
                         " AND (SELECT min(f.entry) FROM ledger AS f"
                         "  WHERE f.registered_model_id = l.registered_model_id) <= $3::int8"
                         " ORDER BY l.entry DESC LIMIT 1",
                         3 },
  [ALIASES] = { "ledger_aliases",
                "WITH RECURSIVE x (alias) AS ("
                "(SELECT alias FROM ledger WHERE registered_model_id = $1::int8 AND alias IS NOT NULL"
                "  ORDER BY alias LIMIT 1)"
                " UNION ALL SELECT (SELECT l.alias FROM ledger AS l WHERE l.registered_model_id = $1::int8"
                "  AND l.alias IS NOT NULL AND l.alias > x.alias ORDER BY l.alias LIMIT 1)"
                "  FROM x WHERE x.alias IS NOT NULL)"
                " SELECT x.alias, l.version, l.entry, l.at_ms, l.content"
                " FROM (SELECT alias FROM x WHERE alias IS NOT NULL) AS x," LAST_OF_ALIAS " ORDER BY x.alias",
                2 },
  [ALIAS] = { "ledger_alias",
              "SELECT x.alias, l.version, l.entry, l.at_ms, l.content"
              " FROM (SELECT $3::text COLLATE \"C\" AS alias) AS x," LAST_OF_ALIAS,
              3 },
  [VERSIONS] = { "ledger_versions",
                 "SELECT version FROM (SELECT DISTINCT ON (version) version, action FROM ledger"
                 "  WHERE registered_model_id = $1::int8 AND version IS NOT NULL AND version < $2::int8"
                 "  AND entry <= $3::int8 AND action IN ('version.create', 'version.delete')"
                 "  ORDER BY version DESC, entry DESC) AS l WHERE action = 'version.create' LIMIT $4::int8",
                 4 },
  [OF_MODEL] = { "ledger_of_model",
                 ENTRY " WHERE registered_model_id = $1::int8 AND version IS NULL AND alias IS NULL"
                       " AND entry <= $2::int8 ORDER BY entry",
                 2 },
  [OF_VERSIONS] = { "ledger_of_versions",
                    ENTRY " WHERE registered_model_id = $1::int8 AND version IS NOT NULL"
                          " AND version BETWEEN $2::int8 AND $3::int8 AND alias IS NULL AND entry <= $4::int8"
                          " ORDER BY version DESC, entry",
                    4 },
  /* Patterns are few; those that do not bind are left out here. */
  [OF_GATES] = { "ledger_of_gates",
                 ENTRY " WHERE workspace_id = $1::int8 AND registered_model_id IS NULL AND entry <= $3::int8"
                       " AND $2::text LIKE replace(replace(replace(replace(model_name, '\\', '\\\\'), '%', '\\%'),"
                       "  '_', '\\_'), '*', '%') ORDER BY entry",
                 3 },
};

const struct statement_table store_ledger_state_statements = { statements,
                                                               sizeof (statements) / sizeof (statements[0]) };

const struct column store_ledger_alias_columns[STORE_LEDGER_ALIAS_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_ledger_alias, alias) },
  { COLUMN_INT64, offsetof (struct store_ledger_alias, version) },
  { COLUMN_INT64, offsetof (struct store_ledger_alias, entry) },
  { COLUMN_INT64, offsetof (struct store_ledger_alias, at_ms) },
  { COLUMN_TEXT, offsetof (struct store_ledger_alias, content) },
};

static enum err_code
read_place (struct store_ledger_place *place, struct store_connection *connection, int which, int64_t number,
            struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct store_ledger_place, entry) },
                                           { COLUMN_INT64, offsetof (struct store_ledger_place, at_ms) } };
  struct parameters parameters;
  struct result result = { NULL };
  enum err_code code;

  *place = (struct store_ledger_place){ 0, 0 };
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, number);
  code = store_query_one (place, &result, connection, &statements[which], &parameters, columns, COLUMN_COUNT (columns),
                          err);
  result_free (&result);
  return code;
}

enum err_code
store_ledger_place_at (struct store_ledger_place *place, struct store_connection *connection, int64_t at_ms,
                       struct err *err)
{
  enum err_code code = read_place (place, connection, PLACE_AT, at_ms, err);

  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

enum err_code
store_ledger_place_of (struct store_ledger_place *place, struct store_connection *connection, int64_t entry,
                       struct err *err)
{
  return read_place (place, connection, PLACE_OF, entry, err);
}

enum err_code
store_ledger_identify (struct store_ledger_identity *identity, struct store_connection *connection,
                       int64_t workspace_id, struct slice name, int64_t entry, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64,
                                             offsetof (struct store_ledger_identity, registered_model_id) },
                                           { COLUMN_BOOL, offsetof (struct store_ledger_identity, is_there) } };
  struct parameters parameters;
  enum err_code code = ERR_RESOURCE_DOES_NOT_EXIST;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  parameter_int64 (&parameters, entry);
  for (int which = IDENTIFY; ERR_RESOURCE_DOES_NOT_EXIST == code && which <= IDENTIFY_DELETED; which++)
  {
    struct result result = { NULL };

    code = store_query_one (identity, &result, connection, &statements[which], &parameters, columns,
                            COLUMN_COUNT (columns), err);
    result_free (&result);
  }
  return code;
}

enum err_code
store_ledger_aliases (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                      int64_t entry, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, entry);
  return store_query (result, connection, &statements[ALIASES], &parameters, err);
}

enum err_code
store_ledger_alias (struct store_ledger_alias *alias, struct result *result, struct store_connection *connection,
                    int64_t registered_model_id, struct slice name, int64_t entry, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, entry);
  parameter_text (&parameters, name);
  return store_query_one (alias, result, connection, &statements[ALIAS], &parameters, store_ledger_alias_columns,
                          STORE_LEDGER_ALIAS_COLUMNS, err);
}

enum err_code
store_ledger_versions (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                       int64_t before, int64_t entry, int64_t limit, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, before);
  parameter_int64 (&parameters, entry);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[VERSIONS], &parameters, err);
}

enum err_code
store_ledger_of_model (struct store_connection *connection, int64_t registered_model_id, int64_t entry, store_row row,
                       void *context, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, entry);
  return store_stream (connection, &statements[OF_MODEL], &parameters, row, context, err);
}

enum err_code
store_ledger_of_versions (struct store_connection *connection, int64_t registered_model_id, int64_t lowest,
                          int64_t highest, int64_t entry, store_row row, void *context, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, lowest);
  parameter_int64 (&parameters, highest);
  parameter_int64 (&parameters, entry);
  return store_stream (connection, &statements[OF_VERSIONS], &parameters, row, context, err);
}

enum err_code
store_ledger_of_gates (struct store_connection *connection, int64_t workspace_id, struct slice model, int64_t entry,
                       store_row row, void *context, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, model);
  parameter_int64 (&parameters, entry);
  return store_stream (connection, &statements[OF_GATES], &parameters, row, context, err);
}
