/* Changes of versions of registered models in PostgreSQL. */
#include "store/model_version_change.h"

enum
{
  CREATE,
  DESCRIBE,
  SET_STAGE,
  IN_STAGE,
  MOVE,
  SET_TAG,
  DELETE_TAG,
  DELETE
};

#define THE_VERSION " WHERE registered_model_id = $1::int8 AND version = $2::int8 AND deleted_at_ms IS NULL"
#define OF_STAGE " WHERE registered_model_id = $1::int8 AND stage = $2::int8::int2 AND deleted_at_ms IS NULL"
#define TOUCHED_MODEL(now)                                                                                             \
  "m AS (UPDATE registered_model SET updated_at_ms = " now " WHERE registered_model_id = $1::int8 RETURNING *)"

static const struct statement statements[] = {
  [CREATE] = { "model_version_create",
               "WITH m AS (UPDATE registered_model SET last_version = last_version + 1, updated_at_ms = $10::int8"
               "  WHERE registered_model_id = $1::int8 RETURNING *),"
               " v AS (INSERT INTO model_version (registered_model_id, version, created_at_ms, updated_at_ms, user_id,"
               "   description, source, storage_location, run_id, model_id, run_link, tags)"
               "  SELECT registered_model_id, last_version, $10::int8, $10::int8, $2::text, $3::text, $4::text,"
               "   $5::text, $6::text, $7::text, $8::text, $9::text::jsonb FROM m RETURNING *)"
               " SELECT " STORE_MODEL_VERSION_SELECT " FROM v, m",
               10 },
  [DESCRIBE] = { "model_version_describe",
                 "WITH v AS (UPDATE model_version SET description = $3::text, updated_at_ms = $4::int8" THE_VERSION
                 "  RETURNING *)"
                 " SELECT " STORE_MODEL_VERSION_SELECT " FROM v JOIN registered_model AS m USING (registered_model_id)",
                 4 },
  [SET_STAGE] = { "model_version_set_stage",
                  "WITH v AS (UPDATE model_version SET stage = $3::int8::int2, updated_at_ms = $4::int8" THE_VERSION
                  "  RETURNING *), " TOUCHED_MODEL ("$4::int8") " SELECT " STORE_MODEL_VERSION_SELECT " FROM v, m",
                  4 },
  [IN_STAGE] = { "model_versions_in_stage",
                 "SELECT version FROM model_version" OF_STAGE " AND version <> $3::int8 ORDER BY version", 3 },
  [MOVE] = { "model_versions_move",
             "WITH " TOUCHED_MODEL (
                 "$5::int8") " UPDATE model_version SET stage = $4::int8::int2, updated_at_ms = $5::int8" OF_STAGE
                             " AND version <> $3::int8",
             5 },
  [SET_TAG] = { "model_version_set_tag",
                "UPDATE model_version SET tags = tags || jsonb_build_object($3::text, $4::text)" THE_VERSION, 4 },
  [DELETE_TAG] = { "model_version_delete_tag", "UPDATE model_version SET tags = tags - $3::text" THE_VERSION, 3 },
  [DELETE] = { "model_version_delete",
               "WITH a AS (DELETE FROM model_alias WHERE registered_model_id = $1::int8 AND version = $2::int8),"
               " c AS (DELETE FROM check_result WHERE registered_model_id = $1::int8 AND version = $2::int8),"
               " p AS (DELETE FROM approval WHERE registered_model_id = $1::int8 AND version = $2::int8),"
               " " TOUCHED_MODEL ("$3::int8") " UPDATE model_version SET deleted_at_ms = $3::int8, updated_at_ms = "
                                              "$3::int8, stage = 0, user_id = '',"
                                              "  description = NULL, source = '', storage_location = NULL, run_id = "
                                              "'', model_id = '', run_link = '',"
                                              "  status_message = NULL, tags = '{}'" THE_VERSION,
               3 },
};

const struct statement_table store_model_version_change_statements = { statements,
                                                                       sizeof (statements) / sizeof (statements[0]) };

const struct column store_model_version_number_column = { COLUMN_INT64, 0 };

enum err_code
store_model_version_create (struct store_model_version *version, struct result *result,
                            struct store_connection *connection, int64_t registered_model_id,
                            const struct store_new_model_version *fresh, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_text (&parameters, fresh->user_id);
  parameter_text (&parameters, fresh->description);
  parameter_text (&parameters, fresh->source);
  parameter_text (&parameters, fresh->storage_location);
  parameter_text (&parameters, fresh->run_id);
  parameter_text (&parameters, fresh->model_id);
  parameter_text (&parameters, fresh->run_link);
  parameter_text (&parameters, fresh->tags);
  parameter_int64 (&parameters, now_ms);
  return store_query_one (version, result, connection, &statements[CREATE], &parameters, store_model_version_columns,
                          STORE_MODEL_VERSION_COLUMNS, err);
}

static void
name_version (struct parameters *parameters, int64_t registered_model_id, int64_t number)
{
  parameters_init (parameters, NULL);
  parameter_int64 (parameters, registered_model_id);
  parameter_int64 (parameters, number);
}

enum err_code
store_model_version_describe (struct store_model_version *version, struct result *result,
                              struct store_connection *connection, int64_t registered_model_id, int64_t number,
                              struct slice description, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  name_version (&parameters, registered_model_id, number);
  parameter_text (&parameters, description);
  parameter_int64 (&parameters, now_ms);
  return store_query_one (version, result, connection, &statements[DESCRIBE], &parameters, store_model_version_columns,
                          STORE_MODEL_VERSION_COLUMNS, err);
}

enum err_code
store_model_version_set_stage (struct store_model_version *version, struct result *result,
                               struct store_connection *connection, int64_t registered_model_id, int64_t number,
                               int16_t stage, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  name_version (&parameters, registered_model_id, number);
  parameter_int64 (&parameters, stage);
  parameter_int64 (&parameters, now_ms);
  return store_query_one (version, result, connection, &statements[SET_STAGE], &parameters, store_model_version_columns,
                          STORE_MODEL_VERSION_COLUMNS, err);
}

enum err_code
store_model_versions_in_stage (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                               int16_t stage, int64_t without, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, stage);
  parameter_int64 (&parameters, without);
  return store_query (result, connection, &statements[IN_STAGE], &parameters, err);
}

enum err_code
store_model_versions_move (struct store_connection *connection, int64_t registered_model_id, int16_t from, int16_t to,
                           int64_t without, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, from);
  parameter_int64 (&parameters, without);
  parameter_int64 (&parameters, to);
  parameter_int64 (&parameters, now_ms);
  return store_execute (NULL, connection, &statements[MOVE], &parameters, err);
}

enum err_code
store_model_version_set_tag (struct store_connection *connection, int64_t registered_model_id, int64_t number,
                             struct slice key, struct slice value, struct err *err)
{
  struct parameters parameters;

  name_version (&parameters, registered_model_id, number);
  parameter_text (&parameters, key);
  parameter_text (&parameters, value);
  return store_execute (NULL, connection, &statements[SET_TAG], &parameters, err);
}

enum err_code
store_model_version_delete_tag (struct store_connection *connection, int64_t registered_model_id, int64_t number,
                                struct slice key, struct err *err)
{
  struct parameters parameters;

  name_version (&parameters, registered_model_id, number);
  parameter_text (&parameters, key);
  return store_execute (NULL, connection, &statements[DELETE_TAG], &parameters, err);
}

enum err_code
store_model_version_delete (struct store_connection *connection, int64_t registered_model_id, int64_t number,
                            int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  name_version (&parameters, registered_model_id, number);
  parameter_int64 (&parameters, now_ms);
  return store_execute (NULL, connection, &statements[DELETE], &parameters, err);
}
