/* Versions of registered models and their aliases in PostgreSQL. */
#include "store/model_version.h"

enum
{
  GET,
  OF_ALIAS,
  LATEST,
  LATEST_OF_STAGE,
  PAGE
};

#define OF_MODEL                                                                                                       \
  "SELECT " STORE_MODEL_VERSION_SELECT " FROM registered_model AS m"                                                   \
  " JOIN model_version AS v ON v.registered_model_id = m.registered_model_id AND v.deleted_at_ms IS NULL"

/* The model is found first, so that its versions come in the order of their index and one of them is read. Of a stage:
   a range, and an order that only the index by stage gives; PostgreSQL else may go through all versions from the last
   one on. */
#define NEWEST(condition, order)                                                                                       \
  "SELECT " STORE_MODEL_VERSION_SELECT " FROM (SELECT * FROM model_version WHERE registered_model_id ="                \
  "   (SELECT registered_model_id FROM registered_model WHERE workspace_id = $1::int8 AND name = $2::text)"            \
  "   AND deleted_at_ms IS NULL" condition " ORDER BY " order "version DESC LIMIT 1) AS v"                             \
  " JOIN registered_model AS m ON m.registered_model_id = v.registered_model_id"

static const struct statement statements[] = {
  [GET] = { "model_version_get",
            OF_MODEL " WHERE m.workspace_id = $1::int8 AND m.name = $2::text AND v.version = $3::int8", 3 },
  [OF_ALIAS] = { "model_version_of_alias",
                 OF_MODEL " JOIN model_alias AS x ON x.registered_model_id = v.registered_model_id"
                          "  AND x.version = v.version"
                          " WHERE m.workspace_id = $1::int8 AND m.name = $2::text AND x.alias = $3::text",
                 3 },
  [LATEST] = { "model_version_latest", NEWEST ("", ""), 2 },
  [LATEST_OF_STAGE] = { "model_version_latest_of_stage",
                        NEWEST (" AND stage BETWEEN $3::int8::int2 AND $3::int8::int2", "stage, "), 3 },
  [PAGE] = { "model_version_page",
             "SELECT " STORE_MODEL_VERSION_SELECT " FROM registered_model AS m"
             " JOIN model_version AS v ON v.registered_model_id = m.registered_model_id AND v.deleted_at_ms IS NULL"
             " WHERE m.registered_model_id = $1::int8 AND v.version < $2::int8 ORDER BY v.version DESC LIMIT $3::int8",
             3 },
};

const struct statement_table store_model_version_statements = { statements,
                                                                sizeof (statements) / sizeof (statements[0]) };

const char *const model_stage_names[MODEL_STAGE_COUNT] = { "None", "Staging", "Production", "Archived" };

const char *const model_version_status_names[MODEL_VERSION_STATUS_COUNT] = {
  [MODEL_VERSION_PENDING] = "PENDING_REGISTRATION",
  [MODEL_VERSION_FAILED] = "FAILED_REGISTRATION",
  [MODEL_VERSION_READY] = "READY",
};

const struct column store_model_version_columns[STORE_MODEL_VERSION_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_model_version, registered_model_id) },
  { COLUMN_TEXT, offsetof (struct store_model_version, name) },
  { COLUMN_INT64, offsetof (struct store_model_version, version) },
  { COLUMN_INT64, offsetof (struct store_model_version, created_at_ms) },
  { COLUMN_INT64, offsetof (struct store_model_version, updated_at_ms) },
  { COLUMN_INT16, offsetof (struct store_model_version, stage) },
  { COLUMN_TEXT, offsetof (struct store_model_version, user_id) },
  { COLUMN_TEXT, offsetof (struct store_model_version, description) },
  { COLUMN_TEXT, offsetof (struct store_model_version, source) },
  { COLUMN_TEXT, offsetof (struct store_model_version, storage_location) },
  { COLUMN_TEXT, offsetof (struct store_model_version, run_id) },
  { COLUMN_TEXT, offsetof (struct store_model_version, model_id) },
  { COLUMN_TEXT, offsetof (struct store_model_version, run_link) },
  { COLUMN_INT16, offsetof (struct store_model_version, status) },
  { COLUMN_TEXT, offsetof (struct store_model_version, status_message) },
  { COLUMN_JSON, offsetof (struct store_model_version, tags) },
  { COLUMN_JSON, offsetof (struct store_model_version, aliases) },
};

enum err_code
store_model_version_get (struct store_model_version *version, struct result *result,
                         struct store_connection *connection, int64_t workspace_id, struct slice name, int64_t number,
                         struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  parameter_int64 (&parameters, number);
  return store_query_one (version, result, connection, &statements[GET], &parameters, store_model_version_columns,
                          STORE_MODEL_VERSION_COLUMNS, err);
}

enum err_code
store_model_version_of_alias (struct store_model_version *version, struct result *result,
                              struct store_connection *connection, int64_t workspace_id, struct slice name,
                              struct slice alias, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  parameter_text (&parameters, alias);
  return store_query_one (version, result, connection, &statements[OF_ALIAS], &parameters, store_model_version_columns,
                          STORE_MODEL_VERSION_COLUMNS, err);
}

enum err_code
store_model_version_latest (struct store_model_version *version, struct result *result,
                            struct store_connection *connection, int64_t workspace_id, struct slice name,
                            const int16_t *stage, struct err *err)
{
  const struct statement *statement = &statements[NULL == stage ? LATEST : LATEST_OF_STAGE];
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  if (NULL != stage)
    parameter_int64 (&parameters, *stage);
  return store_query_one (version, result, connection, statement, &parameters, store_model_version_columns,
                          STORE_MODEL_VERSION_COLUMNS, err);
}

enum err_code
store_model_version_page (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                          int64_t before, int64_t most, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, before);
  parameter_int64 (&parameters, most);
  return store_query (result, connection, &statements[PAGE], &parameters, err);
}
