/* Removing runs with their metrics and artifacts, and logged models with theirs.

   Names of artifacts are removed here, their contents by garbage collection. It waits from when a content was last
   used; removing a name of what was deleted long ago is no use of it, so its time has passed already. */
#include "store/purge.h"

#include "store/artifact_uri.h"
#include "store/series.h"

/* For the URIs of a page of what is measured. */
#define ARENA_BYTES ((size_t)8 * 1024 * 1024)
/* Runs or models whose artifacts are counted by one statement. */
#define MEASURE_ROWS 500

enum
{
  MEASURE,
  MEASURE_RUNS,
  MEASURE_MODELS,
  MEASURE_ARTIFACTS,
  LIST,
  UNLINK_DATASETS,
  UNLINK_MODELS,
  TAKE,
  NOTE,
  FOLD_LOCK,
  STEP_TAIL,
  STEP_CHUNK,
  STEP_SERIES,
  STEP_ARTIFACT,
  FINISH,
  MODEL_LIST,
  MODEL_LOCK,
  MODEL_STEP,
  MODEL_FINISH
};

/* Some rows of a run by their places: a condition on the run alone would remove all at once. Only of a run that was
   taken away: another may have been restored after it was listed. */
#define STEP(table)                                                                                                    \
  "DELETE FROM " table " WHERE ctid = ANY (ARRAY (SELECT ctid FROM " table                                             \
  " WHERE run_id = (SELECT run_id FROM run_purge WHERE run_id = $1::uuid) LIMIT $2::int8))"
#define GOING "(SELECT run_id FROM run WHERE deleted_at_ms < $1::int8 UNION ALL SELECT run_id FROM run_purge) AS g"

/* Some names below a directory, the same way: no name lies between '/' and '0'. */
#define STEP_NAMES(directory)                                                                                          \
  "DELETE FROM artifact WHERE ctid = ANY (ARRAY (SELECT ctid FROM artifact WHERE workspace_id = 1"                     \
  " AND path > " directory " || '/' AND path < " directory " || '0' LIMIT $2::int8))"
#define RUN_DIRECTORY "(SELECT artifact_directory FROM run_purge WHERE run_id = $1::uuid)"

static const struct statement statements[] = {
  [MEASURE] = { "purge_measure",
                "SELECT (SELECT count(*) FROM run WHERE deleted_at_ms < $1::int8), (SELECT count(*) FROM run_purge),"
                " (SELECT count(*) FROM logged_model WHERE deleted_at_ms < $1::int8),"
                " (SELECT count(*) FROM " GOING " JOIN metric_tail t ON t.run_id = g.run_id),"
                " (SELECT count(*) FROM " GOING " JOIN metric_series s ON s.run_id = g.run_id),"
                " (SELECT count(*) FROM " GOING " JOIN metric_chunk c ON c.run_id = g.run_id),"
                " (SELECT coalesce(sum(s.point_count), 0)::int8 FROM " GOING
                "  JOIN metric_series s ON s.run_id = g.run_id WHERE s.context_id = 0)",
                1 },
  [MEASURE_RUNS] = { "purge_measure_runs",
                     "SELECT replace(run_id::text, '-', ''), artifact_uri FROM run WHERE deleted_at_ms < $1::int8"
                     " AND run_id > CASE WHEN $2::text = '' THEN '00000000000000000000000000000000' ELSE $2::text END"
                     "::uuid ORDER BY run_id LIMIT $3::int8",
                     3 },
  [MEASURE_MODELS] = { "purge_measure_models",
                       "SELECT model_id, artifact_uri FROM logged_model WHERE deleted_at_ms < $1::int8"
                       " AND model_id > $2::text ORDER BY model_id LIMIT $3::int8",
                       3 },
  [MEASURE_ARTIFACTS] = { "purge_measure_artifacts",
                          "SELECT coalesce(sum(b.files), 0)::int8, coalesce(sum(b.bytes), 0)::int8"
                          " FROM unnest($1::text[]) AS d(directory), LATERAL (SELECT count(*) AS files,"
                          "  sum(size_bytes) AS bytes FROM artifact WHERE workspace_id = 1"
                          "  AND path > d.directory COLLATE \"C\" || '/' AND path < d.directory COLLATE \"C\" || '0') "
                          "AS b",
                          1 },
  [LIST] = { "purge_list",
             "(SELECT run_id FROM run_purge LIMIT $2::int8) UNION ALL"
             " (SELECT run_id FROM run WHERE deleted_at_ms < $1::int8 LIMIT $2::int8) LIMIT $2::int8",
             2 },
  [UNLINK_DATASETS] = { "purge_unlink_datasets", "DELETE FROM run_dataset WHERE run_id = $1::uuid", 1 },
  [UNLINK_MODELS] = { "purge_unlink_models", "DELETE FROM run_model WHERE run_id = $1::uuid", 1 },
  /* Locked first, so that it cannot be restored in between. */
  [TAKE] = { "purge_lock",
             "SELECT artifact_uri FROM run WHERE run_id = $1::uuid AND deleted_at_ms < $2::int8 FOR UPDATE", 2 },
  [NOTE] = { "purge_take",
             "WITH taken AS (DELETE FROM run WHERE run_id = $1::uuid RETURNING run_id, experiment_id),"
             " noted AS (INSERT INTO run_purged (experiment_id) SELECT experiment_id FROM taken"
             "  ON CONFLICT (experiment_id) DO UPDATE SET changed = excluded.changed),"
             " gone AS (INSERT INTO run_gone (run_id, experiment_id) SELECT run_id, experiment_id FROM taken"
             "  ON CONFLICT (run_id) DO NOTHING)"
             " INSERT INTO run_purge (run_id, started_at_ms, artifact_directory)"
             "  SELECT run_id, $2::int8, $3::text FROM taken",
             3 },
  /* A fold that began while the run existed ends first: what it wrote is removed too. */
  [FOLD_LOCK] = { "purge_fold_lock", "SELECT pg_advisory_xact_lock($1::int8)", 1 },
  [STEP_TAIL] = { "purge_step_tail", STEP ("metric_tail"), 2 },
  [STEP_CHUNK] = { "purge_step_chunk", STEP ("metric_chunk"), 2 },
  [STEP_SERIES] = { "purge_step_series", STEP ("metric_series"), 2 },
  [STEP_ARTIFACT] = { "purge_step_artifact", STEP_NAMES (RUN_DIRECTORY), 2 },
  [FINISH] = { "purge_finish",
               "WITH forgotten AS (DELETE FROM metric_folded WHERE run_id = $1::uuid),"
               " unlinked AS (DELETE FROM metric_context_run WHERE run_id = $1::uuid)"
               " DELETE FROM run_purge WHERE run_id = $1::uuid",
               1 },
  [MODEL_LIST] = { "purge_model_list",
                   "SELECT model_id FROM logged_model WHERE deleted_at_ms < $1::int8 AND model_id > $2::text"
                   " ORDER BY model_id LIMIT $3::int8",
                   3 },
  [MODEL_LOCK] = { "purge_model_lock",
                   "SELECT artifact_uri FROM logged_model WHERE model_id = $1::text AND deleted_at_ms < $2::int8"
                   " FOR UPDATE",
                   2 },
  [MODEL_STEP] = { "purge_model_step", STEP_NAMES ("$1::text"), 2 },
  [MODEL_FINISH] = { "purge_model_finish", "DELETE FROM logged_model WHERE model_id = $1::text", 1 },
};

const struct statement_table store_purge_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

/* The directory of what has the name `id`, which a path of its own must have as a segment: none is so wrong that a
   removal takes more than what belongs to it. Absent when there is none. */
static enum err_code
directory_of (struct slice *directory, struct slice uri, struct slice id, struct arena *arena, struct err *err)
{
  enum err_code code = store_artifact_directory (directory, uri, arena, err);
  bool own = false;

  for (size_t at = 0; ERR_OK == code && ! own && at + id.len <= directory->len; at++)
    own = 0 == memcmp (directory->data + at, id.data, id.len) && (0 == at || '/' == directory->data[at - 1])
          && (at + id.len == directory->len || '/' == directory->data[at + id.len]);
  if (! own)
    *directory = (struct slice){ NULL, 0 };
  return code;
}

/* --- measuring ---------------------------------------------------------------------------------------------------- */

static enum err_code
count_artifacts (struct store_purge_size *size, struct store_connection *connection, const struct slice *directories,
                 size_t count, struct arena *arena, struct err *err)
{
  struct counts
  {
    int64_t artifacts;
    int64_t bytes;
  } counts = { 0, 0 };
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct counts, artifacts) },
                                           { COLUMN_INT64, offsetof (struct counts, bytes) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  parameter_text_array (&parameters, directories, count);
  code = store_query (&result, connection, &statements[MEASURE_ARTIFACTS], &parameters, err);
  if (ERR_OK == code)
    code = result_row (&counts, &result, 0, columns, COLUMN_COUNT (columns), err);
  size->artifacts += counts.artifacts;
  size->artifact_bytes += counts.bytes;
  result_free (&result);
  return code;
}

/* Count the artifacts of one page of runs or models behind `last`, which becomes the last of the page; absent when it
   was the last page. */
static enum err_code
measure_page (struct store_purge_size *size, struct slice *last, struct store_connection *connection, int statement,
              int64_t before_ms, struct arena *arena, struct err *err)
{
  struct owner
  {
    struct slice id;
    struct slice uri;
  } owner;
  static const struct column columns[] = { { COLUMN_TEXT, offsetof (struct owner, id) },
                                           { COLUMN_TEXT, offsetof (struct owner, uri) } };
  struct slice directories[MEASURE_ROWS];
  struct result result = { NULL };
  struct parameters parameters;
  struct slice directory;
  size_t count = 0;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, before_ms);
  parameter_text (&parameters, *last);
  parameter_int64 (&parameters, MEASURE_ROWS);
  *last = (struct slice){ NULL, 0 };
  code = store_query (&result, connection, &statements[statement], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result) && i < MEASURE_ROWS; i++)
  {
    code = result_row (&owner, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      code = directory_of (&directory, owner.uri, owner.id, arena, err);
    if (ERR_OK == code && slice_filled (directory))
      directories[count++] = directory;
    if (ERR_OK == code && MEASURE_ROWS == i + 1)
      *last = (struct slice){ arena_string (arena, owner.id), owner.id.len };
  }
  result_free (&result);
  if (ERR_OK == code && count > 0)
    code = count_artifacts (size, connection, directories, count, arena, err);
  return code;
}

static enum err_code
measure_artifacts (struct store_purge_size *size, struct store_connection *connection, int64_t before_ms,
                   struct err *err)
{
  static const int pages[] = { MEASURE_RUNS, MEASURE_MODELS };
  char id[64]; /* longer than any */
  struct arena *arena = arena_new (ARENA_BYTES);
  enum err_code code = NULL == arena ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < sizeof (pages) / sizeof (pages[0]); i++)
  {
    struct slice last = SLICE ("");

    while (ERR_OK == code && NULL != last.data)
    {
      arena_reset (arena);
      code = measure_page (size, &last, connection, pages[i], before_ms, arena, err);
      if (NULL != last.data && last.len > sizeof (id))
        code = err_set_cause (err, ERR_INTERNAL_ERROR, "an identifier is too long", "internal error");
      else if (NULL != last.data)
        last.data = memcpy (id, last.data, last.len);
    }
  }
  arena_free (arena);
  return code;
}

enum err_code
store_purge_measure (struct store_purge_size *size, struct store_connection *connection, int64_t before_ms,
                     struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct store_purge_size, runs) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, unfinished) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, models) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, tail_rows) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, series) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, chunks) },
                                           { COLUMN_INT64, offsetof (struct store_purge_size, points) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *size = (struct store_purge_size){ .runs = 0 };
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, before_ms);
  code = store_query (&result, connection, &statements[MEASURE], &parameters, err);
  if (ERR_OK == code)
    code = result_row (size, &result, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  if (ERR_OK == code)
    code = measure_artifacts (size, connection, before_ms, err);
  return code;
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

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
  struct arena *arena;
  bool begun;
};

/* Lock a run that is to go; `*found` is false when it is not deleted any more, or not long enough. */
static enum err_code
lock_run (bool *found, struct slice *directory, const struct begin_call *call, struct store_connection *connection,
          struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  char text[UUID_TEXT_BYTES];
  struct result result = { NULL };
  struct parameters parameters;
  struct slice uri;
  enum err_code code;

  uuid_format (text, call->run_id);
  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, call->run_id);
  parameter_int64 (&parameters, call->before_ms);
  code = store_query (&result, connection, &statements[TAKE], &parameters, err);
  *found = ERR_OK == code && result_count (&result) > 0;
  if (*found)
    code = result_row (&uri, &result, 0, columns, COLUMN_COUNT (columns), err);
  if (*found && ERR_OK == code)
    code = directory_of (directory, uri, slice_of (text), call->arena, err);
  result_free (&result);
  return code;
}

static enum err_code
begin_work (struct store_connection *connection, void *context, struct err *err)
{
  static const int unlinks[] = { UNLINK_DATASETS, UNLINK_MODELS };
  struct begin_call *call = context;
  struct slice directory;
  struct parameters parameters;
  enum err_code code;

  arena_reset (call->arena);
  code = lock_run (&call->begun, &directory, call, connection, err);
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
  parameter_text (&parameters, directory);
  return store_execute (NULL, connection, &statements[NOTE], &parameters, err);
}

enum err_code
store_purge_begin (bool *begun, struct store_connection *connection, const struct uuid *run_id, int64_t before_ms,
                   int64_t now_ms, struct err *err)
{
  struct begin_call call = { run_id, before_ms, now_ms, arena_new (ARENA_BYTES), false };
  enum err_code code;

  *begun = false;
  if (NULL == call.arena)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_transaction (connection, STORE_WRITE, begin_work, &call, err);
  *begun = ERR_OK == code && call.begun;
  arena_free (call.arena);
  return code;
}

struct step_call
{
  const struct uuid *run_id;
  int64_t most;
  struct store_purge_rows removed;
  bool finished;
};

static enum err_code
step_work (struct store_connection *connection, void *context, struct err *err)
{
  static const int steps[] = { STEP_TAIL, STEP_CHUNK, STEP_SERIES, STEP_ARTIFACT };
  struct step_call *call = context;
  struct parameters parameters;
  int64_t left = call->most;
  enum err_code code;

  call->removed = (struct store_purge_rows){ 0, 0 };
  call->finished = false;
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, store_fold_number (call->run_id));
  code = store_execute (NULL, connection, &statements[FOLD_LOCK], &parameters, err);
  for (size_t i = 0; ERR_OK == code && left > 0 && i < sizeof (steps) / sizeof (steps[0]); i++)
  {
    uint64_t removed;

    parameters_init (&parameters, NULL);
    parameter_uuid (&parameters, call->run_id);
    parameter_int64 (&parameters, left);
    code = store_execute (&removed, connection, &statements[steps[i]], &parameters, err);
    if (ERR_OK != code)
      break;
    left -= (int64_t)removed;
    *(STEP_ARTIFACT == steps[i] ? &call->removed.artifacts : &call->removed.metrics) += removed;
  }
  if (ERR_OK != code || left < call->most)
    return code;
  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, call->run_id);
  return store_change (&call->finished, connection, &statements[FINISH], &parameters, err);
}

enum err_code
store_purge_step (struct store_purge_rows *removed, bool *finished, struct store_connection *connection,
                  const struct uuid *run_id, int64_t most, struct err *err)
{
  struct step_call call = { run_id, most, { 0, 0 }, false };
  enum err_code code = store_transaction (connection, STORE_WRITE, step_work, &call, err);

  *removed = call.removed;
  *finished = call.finished;
  return code;
}

/* --- logged models ------------------------------------------------------------------------------------------------ */

enum err_code
store_purge_model_next (struct slice *model_id, struct store_connection *connection, int64_t before_ms,
                        struct slice after, struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *model_id = (struct slice){ NULL, 0 };
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, before_ms);
  parameter_text (&parameters, after);
  parameter_int64 (&parameters, 1);
  code = store_query (&result, connection, &statements[MODEL_LIST], &parameters, err);
  if (ERR_OK == code && result_count (&result) > 0)
  {
    code = result_row (model_id, &result, 0, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      model_id->data = arena_string (arena, *model_id);
    if (ERR_OK == code && NULL == model_id->data)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}

struct model_call
{
  struct slice model_id;
  int64_t before_ms;
  int64_t most;
  struct arena *arena;
  uint64_t removed;
  bool finished;
};

static enum err_code
model_work (struct store_connection *connection, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct model_call *call = context;
  struct arena_mark mark = arena_mark (call->arena);
  struct result result = { NULL };
  struct parameters parameters;
  struct slice directory = { NULL, 0 };
  struct slice uri;
  bool found;
  enum err_code code;

  call->removed = 0;
  call->finished = false;
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, call->model_id);
  parameter_int64 (&parameters, call->before_ms);
  code = store_query (&result, connection, &statements[MODEL_LOCK], &parameters, err);
  found = ERR_OK == code && result_count (&result) > 0;
  if (found)
    code = result_row (&uri, &result, 0, columns, COLUMN_COUNT (columns), err);
  if (found && ERR_OK == code)
    code = directory_of (&directory, uri, call->model_id, call->arena, err);
  result_free (&result);
  if (ERR_OK == code && slice_filled (directory))
  {
    parameters_init (&parameters, NULL);
    parameter_text (&parameters, directory);
    parameter_int64 (&parameters, call->most);
    code = store_execute (&call->removed, connection, &statements[MODEL_STEP], &parameters, err);
  }
  if (ERR_OK == code && found && 0 == call->removed)
  {
    parameters_init (&parameters, NULL);
    parameter_text (&parameters, call->model_id);
    code = store_change (&call->finished, connection, &statements[MODEL_FINISH], &parameters, err);
  }
  arena_rewind (call->arena, &mark);
  return code;
}

enum err_code
store_purge_model_step (uint64_t *removed, bool *finished, struct store_connection *connection, struct slice model_id,
                        int64_t before_ms, int64_t most, struct arena *arena, struct err *err)
{
  struct model_call call = { model_id, before_ms, most, arena, 0, false };
  enum err_code code = store_transaction (connection, STORE_WRITE, model_work, &call, err);

  *removed = call.removed;
  *finished = call.finished;
  return code;
}
