/* Where the artifacts of runs and logged models are, in PostgreSQL. */
#include "store/artifact_root.h"

enum
{
  OF_RUN,
  OF_MODEL
};

static const struct statement statements[] = {
  [OF_RUN] = { "artifact_root_of_run", "SELECT artifact_uri FROM run WHERE run_id = $1::uuid", 1 },
  [OF_MODEL] = { "artifact_root_of_model",
                 "SELECT artifact_uri FROM logged_model WHERE model_id = $1::text AND deleted_at_ms IS NULL", 1 },
};

const struct statement_table store_artifact_root_statements = { statements,
                                                                sizeof (statements) / sizeof (statements[0]) };

static enum err_code
get (struct slice *uri, struct store_connection *connection, const struct statement *statement,
     const struct parameters *parameters, struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct result result = { NULL };
  enum err_code code = store_query (&result, connection, statement, parameters, err);

  if (ERR_OK == code && 0 == result_count (&result))
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK == code)
    code = result_row (uri, &result, 0, columns, COLUMN_COUNT (columns), err);
  if (ERR_OK == code)
  {
    uri->data = arena_string (arena, *uri);
    if (NULL == uri->data)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}

enum err_code
store_artifact_root_of_run (struct slice *uri, struct store_connection *connection, const struct uuid *run_id,
                            struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  return get (uri, connection, &statements[OF_RUN], &parameters, arena, err);
}

enum err_code
store_artifact_root_of_model (struct slice *uri, struct store_connection *connection, struct slice model_id,
                              struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, model_id);
  return get (uri, connection, &statements[OF_MODEL], &parameters, arena, err);
}
