/* Registered models in PostgreSQL. */
#include "store/registered_model.h"

#include "store/audit.h"
#include "store/model_version.h"
#include "store/pipeline.h"

enum
{
  GET,
  GET_WHOLE,
  HOLD,
  CREATE,
  RENAME,
  MOVE_GRANTS,
  DROP_GRANTS,
  DESCRIBE,
  SET_TAG,
  DELETE_TAG,
  COUNT_VERSIONS,
  DELETE,
  LATEST,
  SURVEY,
  ALL,
  MOVE_ALL,
  MOVE_ALL_GRANTS
};

#define FROM_NAME " FROM registered_model WHERE workspace_id = $1::int8 AND name = $2::text"
#define OF_NAME "SELECT " STORE_REGISTERED_MODEL_SELECT FROM_NAME
#define OF_ID " WHERE registered_model_id = $1::int8"

static const struct statement statements[] = {
  [GET] = { "registered_model_get", OF_NAME, 2 },
  [GET_WHOLE] = { "registered_model_get_whole",
                  "SELECT " STORE_REGISTERED_MODEL_SELECT ", " STORE_REGISTERED_MODEL_ALIASES FROM_NAME, 2 },
  [HOLD] = { "registered_model_hold", OF_NAME " FOR UPDATE", 2 },
  /* What was granted about the name before there was such a model was granted on purpose, and stays. */
  [CREATE] = { "registered_model_create",
               "WITH home AS MATERIALIZED (SELECT workspace_id FROM workspace"
               "  WHERE workspace_id = $1::int8 AND name IS NOT NULL FOR KEY SHARE),"
               " made AS (INSERT INTO registered_model (workspace_id, name, description, created_at_ms, updated_at_ms,"
               "   tags)"
               "  SELECT workspace_id, $2::text, $3::text, $4::int8, $4::int8, $5::text::jsonb FROM home"
               "  ON CONFLICT (workspace_id, name) DO NOTHING RETURNING registered_model_id, workspace_id, name),"
               " granted AS (INSERT INTO access_grant (workspace_id, model_name, account_id, level)"
               "  SELECT m.workspace_id, m.name, a.account_id, 4 FROM made AS m"
               "  JOIN account AS a ON a.account_id = $6::int8 ON CONFLICT DO NOTHING)"
               " SELECT m.registered_model_id FROM home AS h LEFT JOIN made AS m ON true",
               6 },
  [RENAME] = { "registered_model_rename", "UPDATE registered_model SET name = $2::text, updated_at_ms = $3::int8" OF_ID,
               3 },
  [MOVE_GRANTS] = { "registered_model_move_grants",
                    "UPDATE access_grant AS g SET model_name = $3::text"
                    " WHERE g.workspace_id = $1::int8 AND g.model_name = $2::text"
                    " AND NOT EXISTS (SELECT FROM access_grant AS o"
                    "  WHERE o.workspace_id = $1::int8 AND o.model_name = $3::text"
                    "  AND (o.account_id = g.account_id OR o.group_id = g.group_id))",
                    3 },
  [DROP_GRANTS] = { "registered_model_drop_grants",
                    "DELETE FROM access_grant WHERE workspace_id = $1::int8 AND model_name = $2::text", 2 },
  [DESCRIBE] = { "registered_model_describe",
                 "UPDATE registered_model SET description = $2::text, updated_at_ms = $3::int8" OF_ID, 3 },
  [SET_TAG] = { "registered_model_set_tag",
                "UPDATE registered_model SET tags = tags || jsonb_build_object($2::text, $3::text)" OF_ID, 3 },
  [DELETE_TAG] = { "registered_model_delete_tag", "UPDATE registered_model SET tags = tags - $2::text" OF_ID, 2 },
  [COUNT_VERSIONS] = { "registered_model_count_versions",
                       "SELECT count(*) FROM model_version" OF_ID " AND deleted_at_ms IS NULL", 1 },
  [DELETE] = { "registered_model_delete", "DELETE FROM registered_model" OF_ID, 1 },
  /* One step down the index by stage for each of them, however many versions there are. Only that index gives what the
     range and the order ask for; PostgreSQL else goes through all versions, from the last one on, to find that none is
     in a stage. */
  [LATEST] = { "registered_model_latest",
               "SELECT " STORE_MODEL_VERSION_SELECT " FROM unnest($1::int8[]) AS i (registered_model_id)"
               " JOIN registered_model AS m ON m.registered_model_id = i.registered_model_id"
               " CROSS JOIN generate_series(0, 3) AS s (stage), LATERAL (SELECT * FROM model_version AS x"
               "  WHERE x.registered_model_id = m.registered_model_id AND x.deleted_at_ms IS NULL"
               "  AND x.stage BETWEEN s.stage::int2 AND s.stage::int2 ORDER BY x.stage, x.version DESC LIMIT 1) AS v"
               " ORDER BY m.registered_model_id, v.version DESC",
               1 },
  [SURVEY] = { "registered_model_survey",
               "SELECT (SELECT count(*) FROM registered_model WHERE workspace_id = $1::int8),"
               " (SELECT count(*) FROM promotion_gate WHERE workspace_id = $1::int8),"
               " (SELECT coalesce(string_agg(quote_literal(name), ', ' ORDER BY name), '')"
               "  FROM (SELECT m.name FROM registered_model AS m JOIN registered_model AS d"
               "   ON d.workspace_id = 1 AND d.name = m.name WHERE m.workspace_id = $1::int8"
               "   ORDER BY m.name LIMIT 10) AS both_have)",
               1 },
  [ALL] = { "registered_model_all",
            "SELECT " STORE_REGISTERED_MODEL_SELECT
            " FROM registered_model WHERE workspace_id = $1::int8 ORDER BY name FOR UPDATE",
            1 },
  [MOVE_ALL] = { "registered_model_move_all",
                 "UPDATE registered_model SET workspace_id = 1 WHERE workspace_id = $1::int8", 1 },
  /* Of models that have moved just now. */
  [MOVE_ALL_GRANTS] = { "registered_model_move_all_grants",
                        "UPDATE access_grant AS g SET workspace_id = 1 WHERE g.workspace_id = $1::int8"
                        " AND EXISTS (SELECT FROM registered_model AS m"
                        "  WHERE m.workspace_id = 1 AND m.name = g.model_name)"
                        " AND NOT EXISTS (SELECT FROM access_grant AS o"
                        "  WHERE o.workspace_id = 1 AND o.model_name = g.model_name"
                        "  AND (o.account_id = g.account_id OR o.group_id = g.group_id))",
                        1 },
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

enum err_code
store_registered_model_get_whole (struct store_registered_model *model, struct slice *aliases, struct result *result,
                                  struct store_connection *connection, int64_t workspace_id, struct slice name,
                                  struct err *err)
{
  struct whole
  {
    struct store_registered_model model;
    struct slice aliases;
  } whole = { .aliases = { NULL, 0 } };
  struct column columns[STORE_REGISTERED_MODEL_COLUMNS + 1];
  struct parameters parameters;
  enum err_code code;

  memcpy (columns, store_registered_model_columns, sizeof (store_registered_model_columns));
  columns[STORE_REGISTERED_MODEL_COLUMNS] = (struct column){ COLUMN_JSON, offsetof (struct whole, aliases) };
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  code = store_query_one (&whole, result, connection, &statements[GET_WHOLE], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  *model = whole.model;
  *aliases = whole.aliases;
  return code;
}

enum err_code
store_registered_model_create (int64_t *registered_model_id, struct store_connection *connection,
                               const struct store_new_registered_model *fresh, int64_t now_ms, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64_OPTIONAL, 0 } };
  struct optional_int64 made = { .present = false };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, fresh->workspace_id);
  parameter_text (&parameters, fresh->name);
  parameter_text (&parameters, fresh->description);
  parameter_int64 (&parameters, now_ms);
  parameter_text (&parameters, fresh->tags);
  parameter_int64 (&parameters, fresh->account_id);
  code = store_query_one (&made, &result, connection, &statements[CREATE], &parameters, columns, COLUMN_COUNT (columns),
                          err);
  result_free (&result);
  *registered_model_id = made.value;
  return ERR_OK == code && ! made.present ? ERR_RESOURCE_ALREADY_EXISTS : code;
}

static void
queue_grants (struct pipeline *pipeline, int statement, const struct store_registered_model *model)
{
  struct parameters *parameters = pipeline_add (NULL, pipeline, &statements[statement]);

  parameter_int64 (parameters, model->workspace_id);
  parameter_text (parameters, model->name);
}

enum err_code
store_registered_model_rename (struct store_connection *connection, const struct store_registered_model *model,
                               struct slice new_name, int64_t now_ms, struct err *err)
{
  struct pipeline pipeline;
  struct parameters *parameters;

  pipeline_init (&pipeline, connection, NULL);
  parameters = pipeline_add (NULL, &pipeline, &statements[RENAME]);
  parameter_int64 (parameters, model->registered_model_id);
  parameter_text (parameters, new_name);
  parameter_int64 (parameters, now_ms);
  queue_grants (&pipeline, MOVE_GRANTS, model);
  parameter_text (&pipeline.parameters[pipeline.count - 1], new_name);
  queue_grants (&pipeline, DROP_GRANTS, model);
  store_access_queue_changed (&pipeline);
  return pipeline_run (&pipeline, err);
}

enum err_code
store_registered_model_describe (struct store_connection *connection, int64_t registered_model_id,
                                 struct slice description, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_text (&parameters, description);
  parameter_int64 (&parameters, now_ms);
  return store_execute (NULL, connection, &statements[DESCRIBE], &parameters, err);
}

enum err_code
store_registered_model_tag (struct store_connection *connection, int64_t registered_model_id, struct slice key,
                            struct slice value, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_text (&parameters, key);
  if (NULL != value.data)
    parameter_text (&parameters, value);
  return store_execute (NULL, connection, &statements[NULL == value.data ? DELETE_TAG : SET_TAG], &parameters, err);
}

enum err_code
store_registered_model_delete (int64_t *versions, struct store_connection *connection,
                               const struct store_registered_model *model, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  struct pipeline pipeline;
  enum err_code code;

  pipeline_init (&pipeline, connection, NULL);
  parameter_int64 (pipeline_add (&result, &pipeline, &statements[COUNT_VERSIONS]), model->registered_model_id);
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[DELETE]), model->registered_model_id);
  queue_grants (&pipeline, DROP_GRANTS, model);
  store_access_queue_changed (&pipeline);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code)
    code = result_one (versions, &result, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

enum err_code
store_registered_model_latest (struct result *result, struct store_connection *connection,
                               const int64_t *registered_model_ids, size_t count, struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, registered_model_ids, count);
  return store_query (result, connection, &statements[LATEST], &parameters, err);
}

enum err_code
store_registered_model_survey (struct store_workspace_registry *survey, struct result *result,
                               struct store_connection *connection, int64_t workspace_id, struct err *err)
{
  static const struct column columns[] = {
    { COLUMN_INT64, offsetof (struct store_workspace_registry, models) },
    { COLUMN_INT64, offsetof (struct store_workspace_registry, gates) },
    { COLUMN_TEXT, offsetof (struct store_workspace_registry, names) },
  };
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  return store_query_one (survey, result, connection, &statements[SURVEY], &parameters, columns, COLUMN_COUNT (columns),
                          err);
}

enum err_code
store_registered_model_all (struct result *result, struct store_connection *connection, int64_t workspace_id,
                            struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  return store_query (result, connection, &statements[ALL], &parameters, err);
}

enum err_code
store_registered_model_move_all (struct store_connection *connection, int64_t workspace_id, struct err *err)
{
  struct pipeline pipeline;

  pipeline_init (&pipeline, connection, NULL);
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[MOVE_ALL]), workspace_id);
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[MOVE_ALL_GRANTS]), workspace_id);
  return pipeline_run (&pipeline, err);
}
