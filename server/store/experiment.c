/* Experiments in PostgreSQL. */
#include "store/experiment.h"

#include "store/pipeline.h"

enum
{
  CREATE,
  GET,
  GET_BY_NAME,
  MARK_DELETED,
  MARK_RUNS_DELETED,
  MARK_RESTORED,
  MARK_RUNS_RESTORED,
  RENAME,
  SET_TAG,
  DELETE_TAG
};

static const struct statement statements[] = {
  /* Its workspace is held, so that it is not deleted meanwhile (workspace.c). Whoever made it may do everything. */
  [CREATE] = { "experiment_create",
               "WITH home AS MATERIALIZED (SELECT workspace_id, name, default_artifact_root FROM workspace"
               "  WHERE workspace_id = $6::int8 AND name IS NOT NULL FOR KEY SHARE),"
               " root AS (SELECT h.workspace_id, coalesce(rtrim(r.path, '/') || '/', $3::text || CASE"
               "   WHEN h.workspace_id = 1 THEN '' ELSE 'workspaces/' || h.name || '/' END) AS path,"
               "   coalesce(substr(h.default_artifact_root, length(r.path) + 1), '') AS query"
               "  FROM home AS h, LATERAL (SELECT split_part(h.default_artifact_root, '?', 1) AS path) AS r),"
               " fresh AS (SELECT nextval(pg_get_serial_sequence('experiment', 'experiment_id')) AS id, r.*"
               "  FROM root AS r WHERE NOT EXISTS (SELECT FROM experiment AS e"
               "   WHERE e.workspace_id = r.workspace_id AND e.name = $1::text)),"
               " made AS (INSERT INTO experiment (experiment_id, workspace_id, name, artifact_location, created_at_ms,"
               "   updated_at_ms, tags)"
               "  SELECT id, workspace_id, $1::text, coalesce($2::text, path || id::text || query), $4::int8,"
               "   $4::int8, $5::text::jsonb FROM fresh"
               "  ON CONFLICT (workspace_id, name) DO NOTHING RETURNING experiment_id, workspace_id),"
               " granted AS (INSERT INTO access_grant (workspace_id, experiment_id, account_id, level)"
               "  SELECT m.workspace_id, m.experiment_id, a.account_id, 4 FROM made AS m"
               "  JOIN account AS a ON a.account_id = $7::int8)"
               " SELECT m.experiment_id FROM home AS h LEFT JOIN made AS m ON true",
               7 },
  [GET] = { "experiment_get", "SELECT " STORE_EXPERIMENT_SELECT " FROM experiment WHERE experiment_id = $1::int8", 1 },
  [GET_BY_NAME] = { "experiment_get_by_name",
                    "SELECT " STORE_EXPERIMENT_SELECT " FROM experiment WHERE workspace_id = $2::int8"
                    " AND name = $1::text",
                    2 },
  /* Two statements each, in this order: the first waits for runs that are just being made in the experiment, the
     second, with a snapshot of its own, then sees them. */
  [MARK_DELETED] = { "experiment_delete",
                     "UPDATE experiment SET deleted_at_ms = $2::int8, updated_at_ms = $2::int8"
                     " WHERE experiment_id = $1::int8 AND deleted_at_ms IS NULL",
                     2 },
  [MARK_RUNS_DELETED] = { "experiment_delete_runs",
                          "UPDATE run SET deleted_at_ms = $2::int8, changed = pg_current_xact_id()"
                          " WHERE experiment_id = $1::int8 AND deleted_at_ms IS NULL",
                          2 },
  [MARK_RESTORED] = { "experiment_restore",
                      "UPDATE experiment SET deleted_at_ms = NULL, updated_at_ms = $2::int8"
                      " WHERE experiment_id = $1::int8 AND deleted_at_ms IS NOT NULL",
                      2 },
  [MARK_RUNS_RESTORED] = { "experiment_restore_runs",
                           "UPDATE run SET deleted_at_ms = NULL, changed = pg_current_xact_id()"
                           " WHERE experiment_id = $1::int8 AND deleted_at_ms IS NOT NULL",
                           1 },
  [RENAME] = { "experiment_rename",
               "UPDATE experiment SET name = $2::text, updated_at_ms = $3::int8"
               " WHERE experiment_id = $1::int8 AND deleted_at_ms IS NULL",
               3 },
  [SET_TAG] = { "experiment_set_tag",
                "UPDATE experiment SET tags = tags || jsonb_build_object($2::text, $3::text)"
                " WHERE experiment_id = $1::int8 AND deleted_at_ms IS NULL",
                3 },
  [DELETE_TAG] = { "experiment_delete_tag",
                   "UPDATE experiment SET tags = tags - $2::text"
                   " WHERE experiment_id = $1::int8 AND deleted_at_ms IS NULL AND tags ? $2::text",
                   2 },
};

const struct statement_table store_experiment_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const struct column store_experiment_columns[STORE_EXPERIMENT_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_experiment, experiment_id) },
  { COLUMN_TEXT, offsetof (struct store_experiment, name) },
  { COLUMN_TEXT, offsetof (struct store_experiment, artifact_location) },
  { COLUMN_INT64, offsetof (struct store_experiment, created_at_ms) },
  { COLUMN_INT64, offsetof (struct store_experiment, updated_at_ms) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_experiment, deleted_at_ms) },
  { COLUMN_JSON, offsetof (struct store_experiment, tags) },
};

enum err_code
store_experiment_create (int64_t *experiment_id, struct store_connection *connection,
                         const struct store_new_experiment *fresh, int64_t now_ms, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64_OPTIONAL, 0 } };
  struct optional_int64 made = { .present = false };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, fresh->name);
  parameter_text (&parameters, fresh->location);
  parameter_text (&parameters, fresh->root);
  parameter_int64 (&parameters, now_ms);
  parameter_text (&parameters, fresh->tags);
  parameter_int64 (&parameters, fresh->workspace_id);
  parameter_int64 (&parameters, fresh->account_id);
  code = store_query_one (&made, &result, connection, &statements[CREATE], &parameters, columns, COLUMN_COUNT (columns),
                          err);
  if (ERR_OK == code && ! made.present)
    code = ERR_RESOURCE_ALREADY_EXISTS;
  *experiment_id = made.value;
  result_free (&result);
  return code;
}

static enum err_code
get_one (struct store_experiment *experiment, struct result *result, struct store_connection *connection,
         const struct statement *statement, const struct parameters *parameters, struct err *err)
{
  return store_query_one (experiment, result, connection, statement, parameters, store_experiment_columns,
                          STORE_EXPERIMENT_COLUMNS, err);
}

enum err_code
store_experiment_get (struct store_experiment *experiment, struct result *result, struct store_connection *connection,
                      int64_t experiment_id, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, experiment_id);
  return get_one (experiment, result, connection, &statements[GET], &parameters, err);
}

enum err_code
store_experiment_get_by_name (struct store_experiment *experiment, struct result *result,
                              struct store_connection *connection, int64_t workspace_id, struct slice name,
                              struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, name);
  parameter_int64 (&parameters, workspace_id);
  return get_one (experiment, result, connection, &statements[GET_BY_NAME], &parameters, err);
}

struct set_deleted
{
  int64_t experiment_id;
  int64_t now_ms;
  bool deleted;
};

static enum err_code
set_deleted_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct set_deleted *call = context;
  struct parameters parameters;
  struct parameters *runs;
  struct pipeline pipeline;
  uint64_t affected = 0;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, call->experiment_id);
  parameter_int64 (&parameters, call->now_ms);
  code = store_execute (&affected, connection, &statements[call->deleted ? MARK_DELETED : MARK_RESTORED], &parameters,
                        err);
  if (ERR_OK != code)
    return code;
  if (0 == affected)
    return ERR_RESOURCE_DOES_NOT_EXIST;
  pipeline_init (&pipeline, connection, NULL);
  runs = pipeline_add (NULL, &pipeline, &statements[call->deleted ? MARK_RUNS_DELETED : MARK_RUNS_RESTORED]);
  parameter_int64 (runs, call->experiment_id);
  if (call->deleted)
    parameter_int64 (runs, call->now_ms);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_experiment_set_deleted (struct store_connection *connection, int64_t experiment_id, bool deleted, int64_t now_ms,
                              struct err *err)
{
  struct set_deleted call = { experiment_id, now_ms, deleted };

  return store_transaction (connection, STORE_WRITE, set_deleted_work, &call, err);
}

enum err_code
store_experiment_rename (bool *changed, struct store_connection *connection, int64_t experiment_id, struct slice name,
                         int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, experiment_id);
  parameter_text (&parameters, name);
  parameter_int64 (&parameters, now_ms);
  return store_change (changed, connection, &statements[RENAME], &parameters, err);
}

enum err_code
store_experiment_set_tag (bool *changed, struct store_connection *connection, int64_t experiment_id, struct slice key,
                          struct slice value, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, experiment_id);
  parameter_text (&parameters, key);
  parameter_text (&parameters, value);
  return store_change (changed, connection, &statements[SET_TAG], &parameters, err);
}

enum err_code
store_experiment_delete_tag (bool *changed, struct store_connection *connection, int64_t experiment_id,
                             struct slice key, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, experiment_id);
  parameter_text (&parameters, key);
  return store_change (changed, connection, &statements[DELETE_TAG], &parameters, err);
}
