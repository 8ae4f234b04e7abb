/* Purging, run by run and step by step. */
#include "ingest/purge.h"

#include "base/clock.h"

/* Runs that are looked up at once. */
#define LIST_RUNS 256
/* Rows of one step: some milliseconds of work, also when each has long values. */
#define STEP_ROWS 2000
/* For an identifier and a directory. */
#define ARENA_BYTES ((size_t)1024 * 1024)
/* Longer than the identifier of any logged model. */
#define MODEL_ID_BYTES 64
/* Time for one step in PostgreSQL. */
#define STEP_BUDGET_US 60000000

/* Remove one run and its metrics; `going` becomes false when the report wants to end. */
static enum err_code
purge_run (bool *going, struct purge_progress *progress, struct store_connection *connection, const struct uuid *run_id,
           int64_t before_ms, purge_report report, void *context, struct err *err)
{
  struct store_purge_rows removed = { 1, 0 };
  bool finished;
  bool begun;
  enum err_code code;

  store_start_request (connection, clock_monotonic_us () + STEP_BUDGET_US);
  /* Not begun now: it was begun before; or it was restored, then the step does nothing. */
  code = store_purge_begin (&begun, connection, run_id, before_ms, clock_wall_ms (), err);
  while (ERR_OK == code && *going && removed.metrics + removed.artifacts > 0)
  {
    store_start_request (connection, clock_monotonic_us () + STEP_BUDGET_US);
    code = store_purge_step (&removed, &finished, connection, run_id, STEP_ROWS, err);
    progress->rows += removed.metrics;
    progress->artifacts += removed.artifacts;
    progress->runs += finished;
    *going = report (context, progress);
  }
  return code;
}

enum err_code
purge_runs (struct purge_progress *progress, struct store_connection *connection, int64_t before_ms,
            purge_report report, void *context, struct err *err)
{
  struct uuid run_ids[LIST_RUNS];
  size_t count = 0;
  bool going = true;
  enum err_code code = ERR_OK;

  *progress = (struct purge_progress){ .runs = 0 };
  do
  {
    store_start_request (connection, clock_monotonic_us () + STEP_BUDGET_US);
    code = store_purge_list (run_ids, &count, connection, before_ms, LIST_RUNS, err);
    for (size_t i = 0; ERR_OK == code && going && i < count; i++)
      code = purge_run (&going, progress, connection, &run_ids[i], before_ms, report, context, err);
  } while (ERR_OK == code && going && count > 0);
  return code;
}

enum err_code
purge_models (struct purge_progress *progress, struct store_connection *connection, int64_t before_ms,
              purge_report report, void *context, struct err *err)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  struct slice model_id = SLICE ("");
  char after[MODEL_ID_BYTES];
  bool going = true;
  enum err_code code = NULL == arena ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;

  while (ERR_OK == code && going && NULL != model_id.data)
  {
    uint64_t removed = 1;
    bool finished;

    if (model_id.len > sizeof (after))
    {
      code = err_set_cause (err, ERR_INTERNAL_ERROR, "an identifier is too long", "internal error");
      break;
    }
    memcpy (after, model_id.data, model_id.len);
    arena_reset (arena);
    store_start_request (connection, clock_monotonic_us () + STEP_BUDGET_US);
    code = store_purge_model_next (&model_id, connection, before_ms, (struct slice){ after, model_id.len }, arena, err);
    while (ERR_OK == code && going && NULL != model_id.data && removed > 0)
    {
      store_start_request (connection, clock_monotonic_us () + STEP_BUDGET_US);
      code = store_purge_model_step (&removed, &finished, connection, model_id, before_ms, STEP_ROWS, arena, err);
      progress->artifacts += removed;
      progress->models += finished;
      going = report (context, progress);
    }
  }
  arena_free (arena);
  return code;
}
