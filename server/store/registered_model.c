/* Registered models in PostgreSQL. */
#include "store/registered_model.h"

enum
{
  GET,
  HOLD
};

#define OF_NAME                                                                                                        \
  "SELECT " STORE_REGISTERED_MODEL_SELECT " FROM registered_model WHERE workspace_id = $1::int8 AND name = $2::text"

static const struct statement statements[] = {
  [GET] = { "registered_model_get", OF_NAME, 2 },
  [HOLD] = { "registered_model_hold", OF_NAME " FOR UPDATE", 2 },
};

const struct statement_table store_registered_model_statements = { statements,
                                                                   sizeof (statements) / sizeof (statements[0]) };

const struct column store_registered_model_columns[STORE_REGISTERED_MODEL_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_registered_model, registered_model_id) },
  { COLUMN_INT64, offsetof (struct store_registered_model, workspace_id) },
  { COLUMN_TEXT, offsetof (struct store_registered_model, name) },
  { COLUMN_TEXT, offsetof (struct store_registered_model, description) },
  { COLUMN_INT64, offsetof (struct store_registered_model, created_at_ms) },
  { COLUMN_INT64, offsetof (struct store_registered_model, updated_at_ms) },
  { COLUMN_INT64, offsetof (struct store_registered_model, last_version) },
  { COLUMN_JSON, offsetof (struct store_registered_model, tags) },
  { COLUMN_BOOL, offsetof (struct store_registered_model, is_prompt) },
};

static enum err_code
read_one (struct store_registered_model *model, struct result *result, struct store_connection *connection,
          const struct statement *statement, int64_t workspace_id, struct slice name, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  return store_query_one (model, result, connection, statement, &parameters, store_registered_model_columns,
                          STORE_REGISTERED_MODEL_COLUMNS, err);
}

enum err_code
store_registered_model_get (struct store_registered_model *model, struct result *result,
                            struct store_connection *connection, int64_t workspace_id, struct slice name,
                            struct err *err)
{
  return read_one (model, result, connection, &statements[GET], workspace_id, name, err);
}

enum err_code
store_registered_model_hold (struct store_registered_model *model, struct result *result,
                             struct store_connection *connection, int64_t workspace_id, struct slice name,
                             struct err *err)
{
  return read_one (model, result, connection, &statements[HOLD], workspace_id, name, err);
}
