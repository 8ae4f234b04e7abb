/* Removing runs and their metrics. */
#include "store/purge.h"

#include "store/series.h"

enum
{
  MEASURE,
  LIST,
  UNLINK_DATASETS,
  UNLINK_MODELS,
  TAKE,
  NOTE,
  FOLD_LOCK,
  STEP_TAIL,
  STEP_CHUNK,
  STEP_SERIES,
  FINISH
};

/* Some rows of a run by their places: a condition on the run alone would remove all at once. Only of a run that was
   taken away: another may have been restored after it was listed. */
#define STEP(table)                                                                                                    \
  "DELETE FROM " table " WHERE ctid = ANY (ARRAY (SELECT ctid FROM " table                                             \
  " WHERE run_id = (SELECT run_id FROM run_purge WHERE run_id = $1::uuid) LIMIT $2::int8))"
#define GOING "(SELECT run_id FROM run WHERE deleted_at_ms < $1::int8 UNION ALL SELECT run_id FROM run_purge) AS g"

static const struct statement statements[] = {
  [MEASURE] = { "purge_measure",
                "SELECT (SELECT count(*) FROM run WHERE deleted_at_ms < $1::int8), (SELECT count(*) FROM run_purge),"
                " (SELECT count(*) FROM " GOING " JOIN metric_tail t ON t.run_id = g.run_id),"
                " (SELECT count(*) FROM " GOING " JOIN metric_series s ON s.run_id = g.run_id),"
                " (SELECT count(*) FROM " GOING " JOIN metric_chunk c ON c.run_id = g.run_id),"
                " (SELECT coalesce(sum(s.point_count), 0)::int8 FROM " GOING
                "  JOIN metric_series s ON s.run_id = g.run_id WHERE s.context_id = 0)",
                1 },
  [LIST] = { "purge_list",
             "(SELECT run_id FROM run_purge LIMIT $2::int8) UNION ALL"
             " (SELECT run_id FROM run WHERE deleted_at_ms < $1::int8 LIMIT $2::int8) LIMIT $2::int8",
             2 },
  [UNLINK_DATASETS] = { "purge_unlink_datasets", "DELETE FROM run_dataset WHERE run_id = $1::uuid", 1 },
  [UNLINK_MODELS] = { "purge_unlink_models", "DELETE FROM run_model WHERE run_id = $1::uuid", 1 },
  /* Locked first, so that it cannot be restored in between. */
  [TAKE] = { "purge_lock", "SELECT run_id FROM run WHERE run_id = $1::uuid AND deleted_at_ms < $2::int8 FOR UPDATE",
             2 },
  [NOTE] = { "purge_take",
             "WITH taken AS (DELETE FROM run WHERE run_id = $1::uuid RETURNING run_id, experiment_id),"
             " noted AS (INSERT INTO run_purged (experiment_id) SELECT experiment_id FROM taken"
             "  ON CONFLICT (experiment_id) DO UPDATE SET changed = excluded.changed)"
             " INSERT INTO run_purge (run_id, started_at_ms) SELECT run_id, $2::int8 FROM taken",
             2 },
  /* A fold that began while the run existed ends first: what it wrote is removed too. */
  [FOLD_LOCK] = { "purge_fold_lock", "SELECT pg_advisory_xact_lock($1::int8)", 1 },
  [STEP_TAIL] = { "purge_step_tail", STEP ("metric_tail"), 2 },
  [STEP_CHUNK] = { "purge_step_chunk", STEP ("metric_chunk"), 2 },
  [STEP_SERIES] = { "purge_step_series", STEP ("metric_series"), 2 },
  [FINISH] = { "purge_finish",
               "WITH forgotten AS (DELETE FROM metric_folded WHERE run_id = $1::uuid),"
               " unlinked AS (DELETE FROM metric_context_run WHERE run_id = $1::uuid)"
               " DELETE FROM run_purge WHERE run_id = $1::uuid",
               1 },
};

const struct statement_table store_purge_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

enum err_code
store_purge_measure (struct store_purge_size *size, struct store_connection *connection, int64_t before_ms,
                     struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct store_purge_size, runs) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, unfinished) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, tail_rows) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, series) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, chunks) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, points) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, before_ms);
  code = store_query (&result, connection, &statements[MEASURE], &parameters, err);
  if (ERR_OK == code)
    code = result_row (size, &result, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

enum err_code
store_purge_list (struct uuid *run_ids, size_t *count, struct store_connection *connection, int64_t before_ms,
                  size_t most, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *count = 0;
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, before_ms);
  parameter_int64 (&parameters, (int64_t)most);
  code = store_query (&result, connection, &statements[LIST], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result) && i < most; i++)
    code = result_row (&run_ids[(*count)++], &result, i, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

struct begin_call
{
  const struct uuid *run_id;
  int64_t before_ms;
  int64_t now_ms;
  bool begun;
};

static enum err_code
begin_work (struct store_connection *connection, void *context, struct err *err)
{
  static const int unlinks[] = { UNLINK_DATASETS, UNLINK_MODELS };
  struct begin_call *call = context;
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  call->begun = false;
  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, call->run_id);
  parameter_int64 (&parameters, call->before_ms);
  code = store_query (&result, connection, &statements[TAKE], &parameters, err);
  call->begun = ERR_OK == code && result_count (&result) > 0;
  result_free (&result);
  if (! call->begun)
    return code;
  for (size_t i = 0; ERR_OK == code && i < sizeof (unlinks) / sizeof (unlinks[0]); i++)
  {
    parameters_init (&parameters, NULL);
    parameter_uuid (&parameters, call->run_id);
    code = store_execute (NULL, connection, &statements[unlinks[i]], &parameters, err);
  }
  if (ERR_OK != code)
    return code;
  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, call->run_id);
  parameter_int64 (&parameters, call->now_ms);
  return store_execute (NULL, connection, &statements[NOTE], &parameters, err);
}

enum err_code
store_purge_begin (bool *begun, struct store_connection *connection, const struct uuid *run_id, int64_t before_ms,
                   int64_t now_ms, struct err *err)
{
  struct begin_call call = { run_id, before_ms, now_ms, false };
  enum err_code code = store_transaction (connection, STORE_WRITE, begin_work, &call, err);

  *begun = call.begun;
  return code;
}

struct step_call
{
  const struct uuid *run_id;
  int64_t most;
  uint64_t removed;
  bool finished;
};

static enum err_code
step_work (struct store_connection *connection, void *context, struct err *err)
{
  static const int steps[] = { STEP_TAIL, STEP_CHUNK, STEP_SERIES };
  struct step_call *call = context;
  struct parameters parameters;
  enum err_code code;

  call->removed = 0;
  call->finished = false;
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, store_fold_number (call->run_id));
  code = store_execute (NULL, connection, &statements[FOLD_LOCK], &parameters, err);
  for (size_t i = 0; ERR_OK == code && call->removed < (uint64_t)call->most && i < sizeof (steps) / sizeof (steps[0]);
       i++)
  {
    uint64_t removed;

    parameters_init (&parameters, NULL);
    parameter_uuid (&parameters, call->run_id);
    parameter_int64 (&parameters, call->most - (int64_t)call->removed);
    code = store_execute (&removed, connection, &statements[steps[i]], &parameters, err);
    call->removed += removed;
  }
  if (ERR_OK != code || call->removed > 0)
    return code;
  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, call->run_id);
  return store_change (&call->finished, connection, &statements[FINISH], &parameters, err);
}

enum err_code
store_purge_step (uint64_t *removed, bool *finished, struct store_connection *connection, const struct uuid *run_id,
                  int64_t most, struct err *err)
{
  struct step_call call = { run_id, most, 0, false };
  enum err_code code = store_transaction (connection, STORE_WRITE, step_work, &call, err);

  *removed = call.removed;
  *finished = call.finished;
  return code;
}
