/* Runs in PostgreSQL. */
#include "store/run.h"

enum
{
  GET,
  READ,
  STARTS,
  STATE,
  STATE_LOCK,
  MARK_DELETED,
  MARK_RESTORED,
  UPDATE,
  MERGE,
  DELETE_TAG,
  ADD_PARAM,
  PARAMS,
  TAG_LOCK
};

/* Deleted and running are decided in the statement that writes, so that no check can be out of date. */
#define CHANGED "changed = pg_current_xact_id()"
#define ACTIVE " WHERE run_id = $1::uuid AND deleted_at_ms IS NULL"

static const struct statement statements[] = {
  [GET] = { "run_get", "SELECT " STORE_RUN_SELECT " FROM run WHERE run_id = $1::uuid", 1 },
  [READ] = { "run_read",
             "SELECT " STORE_RUN_SELECT " FROM unnest((SELECT $1::uuid[])) AS w (wanted),"
             " LATERAL (SELECT * FROM run WHERE run_id = w.wanted OFFSET 0) AS r",
             1 },
  [STARTS] = { "run_starts",
               "SELECT w.item, r.started_at_ms FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS w (run_id, item)"
               " JOIN run r ON r.run_id = w.run_id",
               1 },
  [STATE] = { "run_state", "SELECT deleted_at_ms IS NOT NULL FROM run WHERE run_id = $1::uuid", 1 },
  [STATE_LOCK] = { "run_state_lock",
                   "SELECT deleted_at_ms IS NOT NULL FROM run WHERE run_id = $1::uuid FOR NO KEY UPDATE", 1 },
  [MARK_DELETED] = { "run_delete",
                     "UPDATE run SET deleted_at_ms = coalesce(deleted_at_ms, $2::int8), " CHANGED
                     " WHERE run_id = $1::uuid",
                     2 },
  [MARK_RESTORED] = { "run_restore", "UPDATE run SET deleted_at_ms = NULL, " CHANGED " WHERE run_id = $1::uuid", 1 },
  [UPDATE] = { "run_update",
               "UPDATE run SET name = coalesce($2::text, name), status = coalesce($3::int8, status)::int2,"
               " ended_at_ms = coalesce($4::int8, ended_at_ms),"
               " tags = CASE WHEN $2::text IS NULL THEN tags"
               "  ELSE tags || jsonb_build_object('mlflow.runName', $2::text) END, " CHANGED ACTIVE
               " RETURNING " STORE_RUN_SELECT,
               4 },
  [MERGE] = { "run_merge",
              "UPDATE run SET params = CASE WHEN $2::text IS NULL THEN params ELSE params || $2::text::jsonb END,"
              " tags = CASE WHEN $3::text IS NULL THEN tags ELSE tags || $3::text::jsonb END,"
              " name = coalesce($4::text, name), " CHANGED ACTIVE,
              4 },
  [DELETE_TAG] = { "run_delete_tag", "UPDATE run SET tags = tags - $2::text, " CHANGED ACTIVE " AND tags ? $2::text",
                   2 },
  [ADD_PARAM] = { "run_add_param",
                  "UPDATE run SET params = params || jsonb_build_object($2::text, $3::text), " CHANGED ACTIVE
                  " AND NOT params ? $2::text",
                  3 },
  [PARAMS] = { "run_params",
               "SELECT p.key, p.value FROM run, jsonb_each_text(params) AS p"
               " WHERE run_id = $1::uuid AND p.key = ANY ($2::text[])",
               2 },
  [TAG_LOCK] = { "run_tag_lock",
                 "SELECT deleted_at_ms IS NOT NULL, tags ->> $2::text FROM run WHERE run_id = $1::uuid"
                 " FOR NO KEY UPDATE",
                 2 },
};

const struct statement_table store_run_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const char *const run_status_names[RUN_STATUS_COUNT] = { NULL, "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED" };

const struct column store_run_columns[STORE_RUN_COLUMNS] = {
  { COLUMN_UUID, offsetof (struct store_run, run_id) },
  { COLUMN_INT64, offsetof (struct store_run, experiment_id) },
  { COLUMN_TEXT, offsetof (struct store_run, name) },
  { COLUMN_TEXT, offsetof (struct store_run, user_id) },
  { COLUMN_INT16, offsetof (struct store_run, status) },
  { COLUMN_INT64, offsetof (struct store_run, started_at_ms) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_run, ended_at_ms) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_run, deleted_at_ms) },
  { COLUMN_TEXT, offsetof (struct store_run, artifact_uri) },
  { COLUMN_JSON, offsetof (struct store_run, params) },
  { COLUMN_JSON, offsetof (struct store_run, tags) },
};

enum err_code
store_run_get (struct store_run *run, struct result *result, struct store_connection *connection,
               const struct uuid *run_id, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  return store_query_one (run, result, connection, &statements[GET], &parameters, store_run_columns, STORE_RUN_COLUMNS,
                          err);
}

enum err_code
store_run_read (struct store_run **runs, size_t *run_count, struct result *result, struct store_connection *connection,
                const struct uuid *run_ids, size_t count, struct arena *arena, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  code = store_query (result, connection, &statements[READ], &parameters, err);
  *run_count = result_count (result);
  *runs = arena_array (arena, *run_count, sizeof (struct store_run));
  if (NULL == *runs)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < *run_count; i++)
    code = result_row (&(*runs)[i], result, i, store_run_columns, STORE_RUN_COLUMNS, err);
  return code;
}

enum err_code
store_run_starts (int64_t *started_at_ms, struct store_connection *connection, const struct uuid *run_ids, size_t count,
                  struct arena *arena, struct err *err)
{
  struct start_row
  {
    int64_t item; /* counted from 1 */
    int64_t started_at_ms;
  } row;
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct start_row, item) },
                                           { COLUMN_INT64, offsetof (struct start_row, started_at_ms) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  memset (started_at_ms, 0, count * sizeof (started_at_ms[0]));
  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  code = store_query (&result, connection, &statements[STARTS], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    code = result_row (&row, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      started_at_ms[row.item - 1] = row.started_at_ms;
  }
  result_free (&result);
  return code;
}

enum err_code
store_run_read_lock (bool *exists, bool *deleted, const struct result *result, struct err *err)
{
  static const struct column columns[] = { { COLUMN_BOOL, 0 } };

  *deleted = false;
  *exists = result_count (result) > 0;
  return *exists ? result_row (deleted, result, 0, columns, COLUMN_COUNT (columns), err) : ERR_OK;
}

enum err_code
store_run_state (bool *exists, bool *deleted, struct store_connection *connection, const struct uuid *run_id,
                 struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *exists = false;
  *deleted = false;
  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  code = store_query (&result, connection, &statements[STATE], &parameters, err);
  if (ERR_OK == code)
    code = store_run_read_lock (exists, deleted, &result, err);
  result_free (&result);
  return code;
}

void
store_run_queue_lock (struct result *result, struct pipeline *pipeline, const struct uuid *run_id)
{
  parameter_uuid (pipeline_add (result, pipeline, &statements[STATE_LOCK]), run_id);
}

enum err_code
store_run_set_deleted (bool *found, struct store_connection *connection, const struct uuid *run_id, bool deleted,
                       int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  if (deleted)
    parameter_int64 (&parameters, now_ms);
  return store_change (found, connection, &statements[deleted ? MARK_DELETED : MARK_RESTORED], &parameters, err);
}

static void
parameter_optional (struct parameters *parameters, struct optional_int64 value)
{
  if (value.present)
    parameter_int64 (parameters, value.value);
  else
    parameter_null (parameters);
}

enum err_code
store_run_update (bool *changed, struct store_run *run, struct result *result, struct store_connection *connection,
                  const struct uuid *run_id, const struct store_run_change *change, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  parameter_text (&parameters, change->name);
  parameter_optional (&parameters, change->status);
  parameter_optional (&parameters, change->ended_at_ms);
  code = store_query (result, connection, &statements[UPDATE], &parameters, err);
  *changed = ERR_OK == code && result_count (result) > 0;
  return *changed ? result_row (run, result, 0, store_run_columns, STORE_RUN_COLUMNS, err) : code;
}

static void
bind_merge (struct parameters *parameters, const struct uuid *run_id, struct slice params, struct slice tags,
            struct slice name)
{
  parameter_uuid (parameters, run_id);
  parameter_text (parameters, params);
  parameter_text (parameters, tags);
  parameter_text (parameters, name);
}

void
store_run_queue_merge (struct pipeline *pipeline, const struct uuid *run_id, struct slice params, struct slice tags,
                       struct slice name)
{
  bind_merge (pipeline_add (NULL, pipeline, &statements[MERGE]), run_id, params, tags, name);
}

enum err_code
store_run_merge (bool *changed, struct store_connection *connection, const struct uuid *run_id, struct slice params,
                 struct slice tags, struct slice name, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  bind_merge (&parameters, run_id, params, tags, name);
  return store_change (changed, connection, &statements[MERGE], &parameters, err);
}

enum err_code
store_run_delete_tag (bool *changed, struct store_connection *connection, const struct uuid *run_id, struct slice key,
                      struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  parameter_text (&parameters, key);
  return store_change (changed, connection, &statements[DELETE_TAG], &parameters, err);
}

enum err_code
store_run_add_param (bool *changed, struct store_connection *connection, const struct uuid *run_id, struct slice key,
                     struct slice value, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  parameter_text (&parameters, key);
  parameter_text (&parameters, value);
  return store_change (changed, connection, &statements[ADD_PARAM], &parameters, err);
}

enum err_code
store_run_read_params (const struct result *result, store_run_param_row row, void *context, struct err *err)
{
  struct param_row
  {
    struct slice key;
    struct slice value;
  } param;
  static const struct column columns[] = { { COLUMN_TEXT, offsetof (struct param_row, key) },
                                           { COLUMN_TEXT, offsetof (struct param_row, value) } };
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < result_count (result); i++)
  {
    code = result_row (&param, result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      row (context, param.key, param.value);
  }
  return code;
}

static void
bind_params (struct parameters *parameters, const struct uuid *run_id, const struct slice *keys, size_t count)
{
  parameter_uuid (parameters, run_id);
  parameter_text_array (parameters, keys, count);
}

void
store_run_queue_params (struct result *result, struct pipeline *pipeline, const struct uuid *run_id,
                        const struct slice *keys, size_t count)
{
  bind_params (pipeline_add (result, pipeline, &statements[PARAMS]), run_id, keys, count);
}

enum err_code
store_run_params (struct store_connection *connection, const struct uuid *run_id, const struct slice *keys,
                  size_t count, store_run_param_row row, void *context, struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  bind_params (&parameters, run_id, keys, count);
  code = store_query (&result, connection, &statements[PARAMS], &parameters, err);
  if (ERR_OK == code)
    code = store_run_read_params (&result, row, context, err);
  result_free (&result);
  return code;
}

enum err_code
store_run_tag_locked (bool *exists, bool *deleted, struct slice *value, struct store_connection *connection,
                      const struct uuid *run_id, struct slice key, struct arena *arena, struct err *err)
{
  struct tag_row
  {
    bool deleted;
    struct slice value;
  } row = { false, { NULL, 0 } };
  static const struct column columns[] = { { COLUMN_BOOL, offsetof (struct tag_row, deleted) },
                                           { COLUMN_TEXT, offsetof (struct tag_row, value) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  parameter_text (&parameters, key);
  code = store_query (&result, connection, &statements[TAG_LOCK], &parameters, err);
  *exists = ERR_OK == code && result_count (&result) > 0;
  if (*exists)
    code = result_row (&row, &result, 0, columns, COLUMN_COUNT (columns), err);
  *deleted = row.deleted;
  *value = (struct slice){ arena_string (arena, row.value), row.value.len };
  if (ERR_OK == code && NULL != row.value.data && NULL == value->data)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  result_free (&result);
  return code;
}
