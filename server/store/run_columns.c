/* Columns of runs, and what changed since a snapshot.

   DESIGN
   A row is found by (experiment_id, changed), which an index has. That every row version which a snapshot does not show
   was written by a transaction that is not part of it, and so has a number which that snapshot does not know as done,
   is what makes the answer exact; docs/search.md has the proof. */
#include "store/run_columns.h"

#include "base/buffer.h"

enum
{
  CHANGES,
  TAIL_SINCE,
  TAIL_ALL,
  LIST,
  SERIES,
  SERIES_LATEST
};

/* Rows of `table` that e, a row of `seen`, does not have. Two index scans: of an OR the planner may think that walking
   through the whole experiment is cheaper. Each has two bounds, also where one number is meant and where the upper one
   holds for every number: of a range the planner expects little, of one bound a third of the table, and of an equal
   number as many rows as one transaction has written at most. OFFSET 0 keeps it from joining the open transactions
   with all rows of the experiment. */
#define SINCE(columns, table)                                                                                          \
  "(SELECT " columns " FROM " table " WHERE experiment_id = e.experiment_id AND changed >= e.newest::xid8"             \
  " AND changed <= '18446744073709551615'::xid8"                                                                       \
  " UNION ALL SELECT s.* FROM unnest(e.open::xid8[]) AS o (id), LATERAL (SELECT " columns " FROM " table               \
  " WHERE experiment_id = e.experiment_id AND changed >= o.id AND changed <= o.id OFFSET 0) AS s)"
#define NO_RUN "'00000000-0000-0000-0000-000000000000'::uuid"
/* Arrays stand in queries of their own, here and elsewhere, because the planner must not see how long they are: it
   would think a plan for those at hand cheaper than one for any, and plan anew each time, which takes longer than the
   rest. */
#define SEEN "unnest((SELECT $1::int8[]), (SELECT $2::text[]), (SELECT $3::text[])) AS e (experiment_id, newest, open)"

/* One index scan for each run, whatever the planner thinks of how many there are. */
#define SERIES_OF_RUNS(more_columns)                                                                                   \
  "SELECT w.place, s.* FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS w (run_id, place),"                         \
  " LATERAL (SELECT key_id, latest_step, latest_timestamp_ms, latest_value" more_columns " FROM metric_series"         \
  "  WHERE run_id = w.run_id AND key_id = ANY ($2::int8[]::int4[]) AND context_id = 0 OFFSET 0) AS s"

static const struct statement statements[] = {
  [CHANGES] = { "run_changes",
                "SELECT 0::int2 AS kind, 0::int8 AS experiment_id, " NO_RUN " AS run_id, NULL::bytea AS points,"
                " pg_current_snapshot()::text AS snapshot"
                " UNION ALL SELECT c.kind, e.experiment_id, c.run_id, c.points, NULL FROM " SEEN ", LATERAL ("
                "SELECT 1::int2 AS kind, run_id, NULL::bytea AS points FROM " SINCE (
                    "run_id",
                    "run") " AS r"
                           " UNION ALL (SELECT 2::int2, run_id, points FROM " SINCE (
                               "run_id, points",
                               "metric_tail") " AS t"
                                              "  LIMIT (SELECT $4::int8))"
                                              " UNION ALL SELECT 3::int2, run_id, NULL FROM " SINCE (
                                                  "run_id",
                                                  "metric_folded") " AS f"
                                                                   " UNION ALL SELECT 4::int2, " NO_RUN
                                                                   ", NULL FROM " SINCE ("experiment_id",
                                                                                         "run_purged") " AS p"
                                                                                                       ") AS c",
                4 },
  [TAIL_SINCE] = { "run_tail_since",
                   "SELECT t.run_id, t.points FROM"
                   " (SELECT $1::int8 AS experiment_id, $2::text AS newest, $3::text AS open) AS e, LATERAL " SINCE (
                       "run_id, points", "metric_tail") " AS t",
                   3 },
  [TAIL_ALL] = { "run_tail_all", "SELECT run_id, points FROM metric_tail WHERE experiment_id = $1::int8", 1 },
  [LIST] = { "run_list", "SELECT run_id FROM run WHERE experiment_id = $1::int8", 1 },
  [SERIES] = { "run_columns_series",
               SERIES_OF_RUNS (", first_step, first_timestamp_ms, first_value, min_value, max_value, point_count"), 2 },
  [SERIES_LATEST] = { "run_columns_latest", SERIES_OF_RUNS (""), 2 },
};

const struct statement_table store_run_columns_statements = { statements,
                                                              sizeof (statements) / sizeof (statements[0]) };

struct change_row
{
  int16_t kind;
  int64_t experiment_id;
  struct uuid run_id;
  struct slice points;
  struct slice snapshot;
};

/* "xmin:xmax:xip,xip" as the two things that tell whether a transaction was part of it. */
static enum err_code
read_snapshot (struct store_changed *changed, struct slice snapshot, struct arena *arena, struct err *err)
{
  const char *first = NULL == snapshot.data ? NULL : memchr (snapshot.data, ':', snapshot.len);
  const char *end = snapshot.data + snapshot.len;
  const char *second = NULL == first ? NULL : memchr (first + 1, ':', (size_t)(end - first - 1));

  if (NULL == second)
    return err_set_cause (err, ERR_INTERNAL_ERROR, "a snapshot has another form than expected", "internal error");
  changed->newest = (struct slice){ first + 1, (size_t)(second - first - 1) };
  changed->open = slice_of (arena_printf (arena, "{%.*s}", (int)(end - second - 1), second + 1));
  return NULL == changed->open.data ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

static enum err_code
bind_seen (struct parameters *parameters, const struct store_seen *seen, size_t count, struct arena *arena,
           struct err *err)
{
  int64_t *experiment_ids = arena_array (arena, count, sizeof (int64_t));
  struct slice *newest = arena_array (arena, count, sizeof (struct slice));
  struct slice *open = arena_array (arena, count, sizeof (struct slice));

  if (NULL == experiment_ids || NULL == newest || NULL == open)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    experiment_ids[i] = seen[i].experiment_id;
    newest[i] = seen[i].newest;
    open[i] = seen[i].open;
  }
  parameter_int64_array (parameters, experiment_ids, count);
  parameter_text_array (parameters, newest, count);
  parameter_text_array (parameters, open, count);
  return ERR_OK;
}

enum err_code
store_run_changes (struct store_connection *connection, const struct store_seen *seen, size_t count,
                   store_changed_row row, void *context, struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT16, offsetof (struct change_row, kind) },
                                           { COLUMN_INT64, offsetof (struct change_row, experiment_id) },
                                           { COLUMN_UUID, offsetof (struct change_row, run_id) },
                                           { COLUMN_BYTES, offsetof (struct change_row, points) },
                                           { COLUMN_TEXT, offsetof (struct change_row, snapshot) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  code = bind_seen (&parameters, seen, count, arena, err);
  parameter_int64 (&parameters, STORE_CHANGED_POINTS_MAX);
  if (ERR_OK == code)
    code = store_query (&result, connection, &statements[CHANGES], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct change_row change;
    struct store_changed changed = { .open = { NULL, 0 } };

    code = result_row (&change, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code && STORE_CHANGED_SNAPSHOT == change.kind)
      code = read_snapshot (&changed, change.snapshot, arena, err);
    if (ERR_OK != code)
      break;
    changed.kind = (enum store_changed_kind)change.kind;
    changed.experiment_id = change.experiment_id;
    changed.run_id = change.run_id;
    changed.points = change.points;
    code = row (context, &changed, err);
  }
  result_free (&result);
  return code;
}

struct reader
{
  int64_t experiment_id;
  store_changed_row changed;
  store_run_id_row id;
  store_run_texts_row texts;
  store_run_series_row series;
  size_t text_count;
  bool latest_only;
  void *context;
};

static enum err_code
read_tail (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct store_changed, run_id) },
                                           { COLUMN_BYTES, offsetof (struct store_changed, points) } };
  const struct reader *reader = context;
  struct store_changed changed = { .kind = STORE_CHANGED_POINTS, .experiment_id = reader->experiment_id };
  enum err_code code = result_row (&changed, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->changed (reader->context, &changed, err) : code;
}

enum err_code
store_run_tail_since (struct store_connection *connection, const struct store_seen *seen, store_changed_row row,
                      void *context, struct err *err)
{
  struct reader reader = { .experiment_id = seen->experiment_id, .changed = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, seen->experiment_id);
  parameter_text (&parameters, seen->newest);
  parameter_text (&parameters, seen->open);
  return store_stream (connection, &statements[TAIL_SINCE], &parameters, read_tail, &reader, err);
}

enum err_code
store_run_tail_all (struct store_connection *connection, int64_t experiment_id, store_changed_row row, void *context,
                    struct err *err)
{
  struct reader reader = { .experiment_id = experiment_id, .changed = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, experiment_id);
  return store_stream (connection, &statements[TAIL_ALL], &parameters, read_tail, &reader, err);
}

static enum err_code
read_id (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, 0 } };
  const struct reader *reader = context;
  struct uuid run_id;
  enum err_code code = result_row (&run_id, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->id (reader->context, &run_id, err) : code;
}

enum err_code
store_run_list (struct store_connection *connection, int64_t experiment_id, store_run_id_row row, void *context,
                struct err *err)
{
  struct reader reader = { .id = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, experiment_id);
  return store_stream (connection, &statements[LIST], &parameters, read_id, &reader, err);
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

/* One JSON array of a member of all data sets of the run; NULL without any. */
#define DATASETS(member)                                                                                               \
  "(SELECT json_agg(x.value)::text FROM (SELECT " member " AS value FROM run_dataset l"                                \
  " JOIN dataset d ON d.dataset_id = l.dataset_id WHERE l.run_id = r.run_id ORDER BY 1) AS x WHERE x.value IS NOT "    \
  "NULL)"

/* The expression of each text; `has_key`: it ends with the key, a parameter. */
static const struct
{
  const char *sql;
  bool has_key;
} text_sources[STORE_TEXT_SOURCES] = {
  [STORE_TEXT_NAME] = { "r.name", false },
  [STORE_TEXT_USER] = { "r.user_id", false },
  [STORE_TEXT_ARTIFACT_URI] = { "r.artifact_uri", false },
  [STORE_TEXT_PARAM] = { "r.params ->> ", true },
  [STORE_TEXT_TAG] = { "r.tags ->> ", true },
  [STORE_TEXT_DATASET_NAME] = { DATASETS ("d.name"), false },
  [STORE_TEXT_DATASET_DIGEST] = { DATASETS ("d.digest"), false },
  [STORE_TEXT_DATASET_CONTEXT] = { DATASETS ("l.tags ->> 'mlflow.data.context'"), false },
};

/* Longest statement: the fixed part, and for each text an expression of at most some 250 bytes. */
#define SQL_MAX_BYTES ((size_t)32 * 1024)

static enum err_code
read_texts (const struct result *result, void *context, struct err *err)
{
  static const struct column fixed[] = { { COLUMN_UUID, offsetof (struct store_run_texts, run_id) },
                                         { COLUMN_INT64, offsetof (struct store_run_texts, started_at_ms) },
                                         { COLUMN_INT64_OPTIONAL, offsetof (struct store_run_texts, ended_at_ms) },
                                         { COLUMN_INT16, offsetof (struct store_run_texts, status) },
                                         { COLUMN_BOOL, offsetof (struct store_run_texts, deleted) } };
  const struct reader *reader = context;
  struct column columns[COLUMN_COUNT (fixed) + STORE_TEXTS_MAX];
  struct store_run_texts run;
  enum err_code code;

  memcpy (columns, fixed, sizeof (fixed));
  for (size_t i = 0; i < reader->text_count; i++)
    columns[COLUMN_COUNT (fixed) + i] =
        (struct column){ COLUMN_TEXT, offsetof (struct store_run_texts, texts) + i * sizeof (struct slice) };
  code = result_row (&run, result, 0, columns, COLUMN_COUNT (fixed) + reader->text_count, err);
  return ERR_OK == code ? reader->texts (reader->context, &run, err) : code;
}

enum err_code
store_run_texts (struct store_connection *connection, int64_t experiment_id, const struct uuid *run_ids,
                 size_t run_count, const struct store_text *texts, size_t text_count, store_run_texts_row row,
                 void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .texts = row, .context = context, .text_count = text_count };
  struct statement statement = { NULL, NULL, 0 };
  struct parameters parameters;
  struct buffer sql;
  enum err_code code;

  parameters_init (&parameters, arena);
  if (NULL == run_ids)
    parameter_int64 (&parameters, experiment_id);
  else
    parameter_uuid_array (&parameters, run_ids, run_count);
  buffer_init (&sql, SQL_MAX_BYTES);
  buffer_text (&sql, "SELECT r.run_id, r.started_at_ms, r.ended_at_ms, r.status, r.deleted_at_ms IS NOT NULL");
  for (size_t i = 0; i < text_count; i++)
  {
    buffer_printf (&sql, ", %s", text_sources[texts[i].source].sql);
    if (! text_sources[texts[i].source].has_key)
      continue;
    parameter_text (&parameters, texts[i].key);
    buffer_printf (&sql, "$%u::text", parameters.count);
  }
  buffer_text (&sql, NULL == run_ids ? " FROM run r WHERE r.experiment_id = $1::int8"
                                     : " FROM unnest($1::uuid[]) AS w (run_id),"
                                       " LATERAL (SELECT * FROM run WHERE run_id = w.run_id OFFSET 0) AS r");
  statement.sql = sql.data;
  statement.parameters = parameters.count;
  if (sql.failed)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  else
    code = store_stream (connection, &statement, &parameters, read_texts, &reader, err);
  buffer_free (&sql);
  return code;
}

/* --- series ------------------------------------------------------------------------------------------------------ */

/* Columns up to the value of the latest point. */
#define LATEST_COLUMNS 5

static enum err_code
read_series (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = {
    { COLUMN_INT64, offsetof (struct store_run_series, place) },
    { COLUMN_INT32, offsetof (struct store_run_series, key_id) },
    { COLUMN_INT64, offsetof (struct store_run_series, latest_step) },
    { COLUMN_INT64, offsetof (struct store_run_series, latest_timestamp_ms) },
    { COLUMN_DOUBLE, offsetof (struct store_run_series, latest_value) },
    { COLUMN_INT64, offsetof (struct store_run_series, first_step) },
    { COLUMN_INT64, offsetof (struct store_run_series, first_timestamp_ms) },
    { COLUMN_DOUBLE, offsetof (struct store_run_series, first_value) },
    { COLUMN_DOUBLE, offsetof (struct store_run_series, min_value) },
    { COLUMN_DOUBLE, offsetof (struct store_run_series, max_value) },
    { COLUMN_INT64, offsetof (struct store_run_series, point_count) },
  };
  const struct reader *reader = context;
  struct store_run_series series;
  enum err_code code =
      result_row (&series, result, 0, columns, reader->latest_only ? LATEST_COLUMNS : COLUMN_COUNT (columns), err);

  series.place--; /* WITH ORDINALITY counts from 1 */
  return ERR_OK == code ? reader->series (reader->context, &series, err) : code;
}

enum err_code
store_run_series (struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
                  const int64_t *key_ids, size_t key_count, bool latest_only, store_run_series_row row, void *context,
                  struct arena *arena, struct err *err)
{
  struct reader reader = { .series = row, .latest_only = latest_only, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, run_count);
  parameter_int64_array (&parameters, key_ids, key_count);
  return store_stream (connection, &statements[latest_only ? SERIES_LATEST : SERIES], &parameters, read_series, &reader,
                       err);
}
