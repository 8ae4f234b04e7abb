/* Series and chunks in PostgreSQL: what readers and the fold ask of metric_series and metric_chunk. */
#include "store/series.h"

enum
{
  SERIES_READ,
  SERIES_READ_RECENT,
  SERIES_LATEST,
  SERIES_LATEST_KEYS,
  SERIES_WRITE,
  CHUNK_BOUNDS,
  CHUNK_SUMMARIES,
  CHUNK_ENDS,
  CHUNK_POINTS,
  CHUNK_INSERT,
  CHUNK_DELETE,
  OF_CONTEXTS,
  OF_CONTEXTS_KEYS
};

/* Each wanted series is one index scan of its own (LATERAL), whatever the planner thinks of how many rows it has. */
#define WANTED                                                                                                         \
  " FROM unnest((SELECT $1::uuid[]), (SELECT $2::int8[]), (SELECT $3::int8[])) WITH ORDINALITY AS w (run_id, key_id, " \
  "context_id, item),"                                                                                                 \
  " LATERAL "
#define WANTED_MATCH " WHERE run_id = w.run_id AND key_id = w.key_id::int4 AND context_id = w.context_id::int4"

#define SERIES_COLUMNS                                                                                                 \
  "latest_step, latest_timestamp_ms, latest_value, first_step, first_timestamp_ms, first_value, min_timestamp_ms,"     \
  " max_timestamp_ms, point_count, nan_count, min_value, max_value, chunk_points, stray_points, chunk_end_step,"       \
  " chunk_end_timestamp_ms"
#define CHUNK_COLUMNS                                                                                                  \
  "ctid::text AS place, first_step, first_timestamp_ms, last_step, last_timestamp_ms, min_timestamp_ms,"               \
  " max_timestamp_ms, min_value, max_value, point_count::int8 AS point_count, stray"
#define CHUNK_ORDER "first_step, first_timestamp_ms, chunk_id"
#define CHUNK_WITHIN                                                                                                   \
  " AND last_step >= $4::int8 AND first_step <= $5::int8 AND max_timestamp_ms >= $6::int8"                             \
  " AND min_timestamp_ms <= $7::int8 ORDER BY " CHUNK_ORDER ") AS c"
#define EXCLUDED(column) #column " = excluded." #column

/* A run with the latest points of its series, one array for each member. */
#define LATEST_OF_RUNS                                                                                                 \
  "SELECT w.run_id, s.* FROM unnest((SELECT $1::uuid[])) AS w (run_id), LATERAL (SELECT array_agg(key_id) AS key_ids," \
  " array_agg(latest_step), array_agg(latest_timestamp_ms), array_agg(latest_value) FROM metric_series"                \
  " WHERE run_id = w.run_id AND context_id = 0"
#define LATEST_OF_RUNS_END ") AS s WHERE s.key_ids IS NOT NULL"

/* All series of each wanted context; the second condition is that of the index. */
#define OF_CONTEXTS_SELECT                                                                                             \
  "SELECT s.* FROM unnest((SELECT $1::int8[])) AS w (context_id),"                                                     \
  " LATERAL (SELECT run_id, key_id, context_id, " SERIES_COLUMNS ", recent FROM metric_series"                         \
  "  WHERE context_id = w.context_id::int4 AND context_id <> 0 OFFSET 0) AS s"

static const struct statement statements[] = {
  [SERIES_READ] = { "series_read",
                    "SELECT w.item, s.*, NULL::bytea" WANTED "(SELECT " SERIES_COLUMNS
                    " FROM metric_series" WANTED_MATCH ") AS s",
                    3 },
  [SERIES_READ_RECENT] = { "series_read_recent",
                           "SELECT w.item, s.*" WANTED "(SELECT " SERIES_COLUMNS
                           ", recent FROM metric_series" WANTED_MATCH ") AS s",
                           3 },
  [SERIES_LATEST] = { "series_latest", LATEST_OF_RUNS LATEST_OF_RUNS_END, 1 },
  [SERIES_LATEST_KEYS] = { "series_latest_keys",
                           LATEST_OF_RUNS " AND key_id = ANY ($2::int8[]::int4[])" LATEST_OF_RUNS_END, 2 },
  [SERIES_WRITE] = { "series_write",
                     "INSERT INTO metric_series AS old (run_id, key_id, context_id, " SERIES_COLUMNS ", recent)"
                     " SELECT run_id, key_id::int4, context_id::int4, a1, a2, v1, b1, b2, v2, c1, c2, n1, n2,"
                     "  nullif(v3, 'NaN'), nullif(v4, 'NaN'), n3, n4, CASE WHEN n3 > 0 THEN e1 END,"
                     "  CASE WHEN n3 > 0 THEN e2 END, recent"
                     " FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::float8[],"
                     "  $7::int8[], $8::int8[], $9::float8[], $10::int8[], $11::int8[], $12::int8[], $13::int8[],"
                     "  $14::float8[], $15::float8[], $16::int8[], $17::int8[], $18::int8[], $19::int8[],"
                     "  $20::bytea[]) AS u (run_id, key_id, context_id, a1, a2, v1, b1, b2, v2, c1, c2, n1, n2, v3,"
                     "  v4, n3, n4, e1, e2, recent)"
                     " ON CONFLICT (run_id, key_id, context_id) DO UPDATE SET " EXCLUDED (latest_step) ", " EXCLUDED (
                         latest_timestamp_ms) ", " EXCLUDED (latest_value) ", " EXCLUDED (first_step) ", " EXCLUDED (first_timestamp_ms) ", " EXCLUDED (first_value) ", " EXCLUDED (min_timestamp_ms) ", " EXCLUDED (max_timestamp_ms) ", " EXCLUDED (point_count) ", " EXCLUDED (nan_count) ", " EXCLUDED (min_value) ", " EXCLUDED (max_value) ", " EXCLUDED (chunk_points) ", " EXCLUDED (stray_points) ", " EXCLUDED (chunk_end_step) ", " EXCLUDED (chunk_end_timestamp_ms) ", " EXCLUDED (recent) ", changed = pg_current_xact_id()",
                     20 },
  [CHUNK_BOUNDS] = { "chunk_bounds",
                     "SELECT w.item, c.*, NULL::bytea, NULL::bytea" WANTED "(SELECT " CHUNK_COLUMNS
                     " FROM metric_chunk" WANTED_MATCH CHUNK_WITHIN,
                     7 },
  [CHUNK_SUMMARIES] = { "chunk_summaries",
                        "SELECT w.item, c.*, NULL::bytea" WANTED "(SELECT " CHUNK_COLUMNS
                        ", summary FROM metric_chunk" WANTED_MATCH CHUNK_WITHIN,
                        7 },
  /* Four: each merge at least doubles what is merged, so more than that are rarely wanted at once. */
  [CHUNK_ENDS] = { "chunk_ends",
                   "SELECT w.item, c.place, c.first_step, c.first_timestamp_ms, c.last_step, c.last_timestamp_ms,"
                   "  c.min_timestamp_ms, c.max_timestamp_ms, c.min_value, c.max_value, c.point_count, c.stray,"
                   "  NULL::bytea, CASE WHEN c.point_count <= w.most_points THEN c.points END"
                   " FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[]) WITH ORDINALITY"
                   "  AS w (run_id, key_id, context_id, most_points, item),"
                   " LATERAL (SELECT " CHUNK_COLUMNS ", points FROM metric_chunk" WANTED_MATCH " AND NOT stray"
                   "  ORDER BY first_step DESC, first_timestamp_ms DESC, chunk_id DESC LIMIT 4) AS c",
                   4 },
  [CHUNK_POINTS] = { "chunk_points", "SELECT ctid::text, points FROM metric_chunk WHERE ctid = ANY ($1::text[]::tid[])",
                     1 },
  [CHUNK_INSERT] = { "chunk_insert",
                     "INSERT INTO metric_chunk (run_id, key_id, context_id, first_step, first_timestamp_ms, last_step,"
                     " last_timestamp_ms, min_timestamp_ms, max_timestamp_ms, min_value, max_value, point_count, stray,"
                     " summary, points)"
                     " SELECT run_id, key_id::int4, context_id::int4, a, b, c, d, e, f, nullif(g, 'NaN'),"
                     "  nullif(h, 'NaN'), n::int4, stray <> 0, summary, points"
                     " FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[],"
                     "  $8::int8[], $9::int8[], $10::float8[], $11::float8[], $12::int8[], $13::int8[], $14::bytea[],"
                     "  $15::bytea[]) AS u (run_id, key_id, context_id, a, b, c, d, e, f, g, h, n, stray, summary,"
                     "  points)",
                     15 },
  [CHUNK_DELETE] = { "chunk_delete", "DELETE FROM metric_chunk WHERE ctid = ANY ($1::text[]::tid[])", 1 },
  [OF_CONTEXTS] = { "series_of_contexts", OF_CONTEXTS_SELECT, 1 },
  [OF_CONTEXTS_KEYS] = { "series_of_contexts_keys", OF_CONTEXTS_SELECT " WHERE s.key_id = ANY ($2::int8[]::int4[])",
                         2 },
};

const struct statement_table store_series_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

static void
put_keys (struct parameters *parameters, const struct store_series_keys *keys, struct arena *arena)
{
  parameters_init (parameters, arena);
  parameter_uuid_array (parameters, keys->run_ids, keys->count);
  parameter_int64_array (parameters, keys->key_ids, keys->count);
  parameter_int64_array (parameters, keys->context_ids, keys->count);
}

struct series_row
{
  int64_t item; /* counted from 1 */
  struct store_series_place place; /* of those that are not asked for by their keys */
  struct store_series series;
};

#define SERIES_COLUMN(type, member)                                                                                    \
  {                                                                                                                    \
    type, offsetof (struct series_row, series.member)                                                                  \
  }
#define SERIES_MEMBERS                                                                                                 \
  SERIES_COLUMN (COLUMN_INT64, latest_step), SERIES_COLUMN (COLUMN_INT64, latest_timestamp_ms),                        \
      SERIES_COLUMN (COLUMN_DOUBLE, latest_value), SERIES_COLUMN (COLUMN_INT64, first_step),                           \
      SERIES_COLUMN (COLUMN_INT64, first_timestamp_ms), SERIES_COLUMN (COLUMN_DOUBLE, first_value),                    \
      SERIES_COLUMN (COLUMN_INT64, min_timestamp_ms), SERIES_COLUMN (COLUMN_INT64, max_timestamp_ms),                  \
      SERIES_COLUMN (COLUMN_INT64, point_count), SERIES_COLUMN (COLUMN_INT64, nan_count),                              \
      SERIES_COLUMN (COLUMN_DOUBLE, min_value), SERIES_COLUMN (COLUMN_DOUBLE, max_value),                              \
      SERIES_COLUMN (COLUMN_INT64, chunk_points), SERIES_COLUMN (COLUMN_INT64, stray_points),                          \
      SERIES_COLUMN (COLUMN_INT64_OPTIONAL, chunk_end_step),                                                           \
      SERIES_COLUMN (COLUMN_INT64_OPTIONAL, chunk_end_timestamp_ms), SERIES_COLUMN (COLUMN_BYTES, recent)

static const struct column series_columns[] = {
  { COLUMN_INT64, offsetof (struct series_row, item) },
  SERIES_MEMBERS,
};

/* Who gets the rows of a stream, whatever their kind. */
struct reader
{
  store_series_row series;
  store_placed_series_row placed;
  store_chunk_row chunk;
  store_latest_row latest;
  store_chunk_points_row points;
  const struct slice *places;
  size_t count;
  size_t next;
  void *context;
};

static enum err_code
read_series (const struct result *result, void *context, struct err *err)
{
  const struct reader *reader = context;
  struct series_row row;
  enum err_code code = result_row (&row, result, 0, series_columns, COLUMN_COUNT (series_columns), err);

  return ERR_OK == code ? reader->series (reader->context, (size_t)row.item - 1, &row.series, err) : code;
}

enum err_code
store_series_read (struct store_connection *connection, const struct store_series_keys *keys, bool with_recent,
                   store_series_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .series = row, .context = context };
  struct parameters parameters;

  put_keys (&parameters, keys, arena);
  return store_stream (connection, &statements[with_recent ? SERIES_READ_RECENT : SERIES_READ], &parameters,
                       read_series, &reader, err);
}

static enum err_code
read_of_context (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct series_row, place.run_id) },
                                           { COLUMN_INT32, offsetof (struct series_row, place.key_id) },
                                           { COLUMN_INT32, offsetof (struct series_row, place.context_id) },
                                           SERIES_MEMBERS };
  const struct reader *reader = context;
  struct series_row row;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->placed (reader->context, &row.place, &row.series, err) : code;
}

enum err_code
store_series_of_contexts (struct store_connection *connection, const int64_t *context_ids, size_t count,
                          const int64_t *key_ids, size_t key_count, store_placed_series_row row, void *context,
                          struct arena *arena, struct err *err)
{
  struct reader reader = { .placed = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, context_ids, count);
  if (NULL != key_ids)
    parameter_int64_array (&parameters, key_ids, key_count);
  return store_stream (connection, &statements[NULL == key_ids ? OF_CONTEXTS : OF_CONTEXTS_KEYS], &parameters,
                       read_of_context, &reader, err);
}

static enum err_code
read_latest (const struct result *result, void *context, struct err *err)
{
  struct latest_row
  {
    struct uuid run_id;
    struct result_array key_ids;
    struct result_array steps;
    struct result_array timestamps_ms;
    struct result_array values;
  } row;
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct latest_row, run_id) },
                                           { COLUMN_INT32_ARRAY, offsetof (struct latest_row, key_ids) },
                                           { COLUMN_INT64_ARRAY, offsetof (struct latest_row, steps) },
                                           { COLUMN_INT64_ARRAY, offsetof (struct latest_row, timestamps_ms) },
                                           { COLUMN_DOUBLE_ARRAY, offsetof (struct latest_row, values) } };
  const struct reader *reader = context;
  struct store_latest latest;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  if (ERR_OK != code)
    return code;
  latest.run_id = row.run_id;
  for (size_t i = 0; ERR_OK == code && i < row.key_ids.count; i++)
  {
    latest.key_id = result_array_int32 (&row.key_ids, i);
    latest.step = result_array_int64 (&row.steps, i);
    latest.timestamp_ms = result_array_int64 (&row.timestamps_ms, i);
    latest.value = result_array_double (&row.values, i);
    code = reader->latest (reader->context, &latest, err);
  }
  return code;
}

enum err_code
store_series_latest (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                     const int64_t *key_ids, size_t key_count, store_latest_row row, void *context, struct arena *arena,
                     struct err *err)
{
  struct reader reader = { .latest = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  if (NULL != key_ids)
    parameter_int64_array (&parameters, key_ids, key_count);
  return store_stream (connection, &statements[NULL == key_ids ? SERIES_LATEST : SERIES_LATEST_KEYS], &parameters,
                       read_latest, &reader, err);
}

struct chunk_row
{
  int64_t item; /* counted from 1 */
  struct store_chunk chunk;
};

#define CHUNK_COLUMN(type, member)                                                                                     \
  {                                                                                                                    \
    type, offsetof (struct chunk_row, chunk.member)                                                                    \
  }

static const struct column chunk_columns[] = {
  { COLUMN_INT64, offsetof (struct chunk_row, item) },
  CHUNK_COLUMN (COLUMN_TEXT, place),
  CHUNK_COLUMN (COLUMN_INT64, first_step),
  CHUNK_COLUMN (COLUMN_INT64, first_timestamp_ms),
  CHUNK_COLUMN (COLUMN_INT64, last_step),
  CHUNK_COLUMN (COLUMN_INT64, last_timestamp_ms),
  CHUNK_COLUMN (COLUMN_INT64, min_timestamp_ms),
  CHUNK_COLUMN (COLUMN_INT64, max_timestamp_ms),
  CHUNK_COLUMN (COLUMN_DOUBLE, min_value),
  CHUNK_COLUMN (COLUMN_DOUBLE, max_value),
  CHUNK_COLUMN (COLUMN_INT64, point_count),
  CHUNK_COLUMN (COLUMN_BOOL, stray),
  CHUNK_COLUMN (COLUMN_BYTES, summary),
  CHUNK_COLUMN (COLUMN_BYTES, points),
};

static enum err_code
read_chunk (const struct result *result, void *context, struct err *err)
{
  const struct reader *reader = context;
  struct chunk_row row;
  enum err_code code = result_row (&row, result, 0, chunk_columns, COLUMN_COUNT (chunk_columns), err);

  return ERR_OK == code ? reader->chunk (reader->context, (size_t)row.item - 1, &row.chunk, err) : code;
}

enum err_code
store_chunk_bounds (struct store_connection *connection, const struct store_series_keys *keys,
                    const struct store_chunk_range *range, bool with_summary, store_chunk_row row, void *context,
                    struct arena *arena, struct err *err)
{
  struct reader reader = { .chunk = row, .context = context };
  struct parameters parameters;

  put_keys (&parameters, keys, arena);
  parameter_int64 (&parameters, range->min_step);
  parameter_int64 (&parameters, range->max_step);
  parameter_int64 (&parameters, range->min_timestamp_ms);
  parameter_int64 (&parameters, range->max_timestamp_ms);
  return store_stream (connection, &statements[with_summary ? CHUNK_SUMMARIES : CHUNK_BOUNDS], &parameters, read_chunk,
                       &reader, err);
}

enum err_code
store_chunk_ends (struct store_connection *connection, const struct store_series_keys *keys, const int64_t *most_points,
                  store_chunk_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .chunk = row, .context = context };
  struct parameters parameters;

  put_keys (&parameters, keys, arena);
  parameter_int64_array (&parameters, most_points, keys->count);
  return store_stream (connection, &statements[CHUNK_ENDS], &parameters, read_chunk, &reader, err);
}

static enum err_code
read_points (const struct result *result, void *context, struct err *err)
{
  struct points_row
  {
    struct slice place;
    struct slice points;
  } row;
  static const struct column columns[] = { { COLUMN_TEXT, offsetof (struct points_row, place) },
                                           { COLUMN_BYTES, offsetof (struct points_row, points) } };
  struct reader *reader = context;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  if (ERR_OK != code)
    return code;
  /* Rows come in the order of their places, which is mostly that of the question: go on from the last one. */
  for (size_t tried = 0; tried < reader->count; tried++)
  {
    size_t index = (reader->next + tried) % reader->count;

    if (slice_equal (reader->places[index], row.place))
    {
      reader->next = index + 1;
      return reader->points (reader->context, index, row.points, err);
    }
  }
  return err_set_cause (err, ERR_INTERNAL_ERROR, "a chunk came from elsewhere", "internal error");
}

enum err_code
store_chunk_points (struct store_connection *connection, const struct slice *places, size_t count,
                    store_chunk_points_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .points = row, .places = places, .count = count, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_text_array (&parameters, places, count);
  return store_stream (connection, &statements[CHUNK_POINTS], &parameters, read_points, &reader, err);
}

enum err_code
store_chunk_delete (struct store_connection *connection, const struct slice *places, size_t count, struct arena *arena,
                    struct err *err)
{
  struct parameters parameters;
  uint64_t deleted = 0;
  enum err_code code;

  parameters_init (&parameters, arena);
  parameter_text_array (&parameters, places, count);
  code = store_execute (&deleted, connection, &statements[CHUNK_DELETE], &parameters, err);
  if (ERR_OK == code && deleted != count)
    code = err_set_cause (err, ERR_INTERNAL_ERROR, "chunks changed under their lock", "internal error");
  return code;
}

/* One column of an array of structs, gathered for a parameter. */
static const int64_t *
gather_int64 (const void *items, size_t count, size_t size, size_t offset, struct arena *arena)
{
  int64_t *column = arena_array (arena, count, sizeof (int64_t));

  for (size_t i = 0; i < count && NULL != column; i++)
    memcpy (&column[i], (const char *)items + i * size + offset, sizeof (int64_t));
  return column;
}

static const struct slice *
gather_slices (const void *items, size_t count, size_t size, size_t offset, struct arena *arena)
{
  struct slice *column = arena_array (arena, count, sizeof (struct slice));

  for (size_t i = 0; i < count && NULL != column; i++)
    memcpy (&column[i], (const char *)items + i * size + offset, sizeof (struct slice));
  return column;
}

/* Doubles are eight bytes as well; only their type on the wire differs. */
static void
put_column (struct parameters *parameters, bool is_double, const void *items, size_t count, size_t size, size_t offset)
{
  const int64_t *column = gather_int64 (items, count, size, offset, parameters->arena);

  if (NULL == column)
    parameters->failed = true;
  else if (is_double)
    parameter_double_array (parameters, (const double *)(const void *)column, count);
  else
    parameter_int64_array (parameters, column, count);
}

static void
put_bytes (struct parameters *parameters, const void *items, size_t count, size_t size, size_t offset)
{
  const struct slice *column = gather_slices (items, count, size, offset, parameters->arena);

  if (NULL == column)
    parameters->failed = true;
  else
    parameter_bytea_array (parameters, column, count);
}

enum err_code
store_chunk_insert (struct store_connection *connection, const struct store_series_keys *keys,
                    const struct store_chunk *chunks, struct arena *arena, struct err *err)
{
  static const struct
  {
    bool is_double;
    size_t offset;
  } columns[] = {
    { false, offsetof (struct store_chunk, first_step) },
    { false, offsetof (struct store_chunk, first_timestamp_ms) },
    { false, offsetof (struct store_chunk, last_step) },
    { false, offsetof (struct store_chunk, last_timestamp_ms) },
    { false, offsetof (struct store_chunk, min_timestamp_ms) },
    { false, offsetof (struct store_chunk, max_timestamp_ms) },
    { true, offsetof (struct store_chunk, min_value) },
    { true, offsetof (struct store_chunk, max_value) },
    { false, offsetof (struct store_chunk, point_count) },
  };
  int64_t *strays = arena_array (arena, keys->count, sizeof (int64_t));
  struct parameters parameters;

  if (NULL == strays)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < keys->count; i++)
    strays[i] = chunks[i].stray;
  put_keys (&parameters, keys, arena);
  for (size_t i = 0; i < sizeof (columns) / sizeof (columns[0]); i++)
    put_column (&parameters, columns[i].is_double, chunks, keys->count, sizeof (chunks[0]), columns[i].offset);
  parameter_int64_array (&parameters, strays, keys->count);
  put_bytes (&parameters, chunks, keys->count, sizeof (chunks[0]), offsetof (struct store_chunk, summary));
  put_bytes (&parameters, chunks, keys->count, sizeof (chunks[0]), offsetof (struct store_chunk, points));
  return store_execute (NULL, connection, &statements[CHUNK_INSERT], &parameters, err);
}

enum err_code
store_series_write (struct store_connection *connection, const struct store_series_keys *keys,
                    const struct store_series *series, struct arena *arena, struct err *err)
{
  static const struct
  {
    bool is_double;
    size_t offset;
  } columns[] = {
    { false, offsetof (struct store_series, latest_step) },
    { false, offsetof (struct store_series, latest_timestamp_ms) },
    { true, offsetof (struct store_series, latest_value) },
    { false, offsetof (struct store_series, first_step) },
    { false, offsetof (struct store_series, first_timestamp_ms) },
    { true, offsetof (struct store_series, first_value) },
    { false, offsetof (struct store_series, min_timestamp_ms) },
    { false, offsetof (struct store_series, max_timestamp_ms) },
    { false, offsetof (struct store_series, point_count) },
    { false, offsetof (struct store_series, nan_count) },
    { true, offsetof (struct store_series, min_value) },
    { true, offsetof (struct store_series, max_value) },
    { false, offsetof (struct store_series, chunk_points) },
    { false, offsetof (struct store_series, stray_points) },
    { false, offsetof (struct store_series, chunk_end_step.value) },
    { false, offsetof (struct store_series, chunk_end_timestamp_ms.value) },
  };
  struct parameters parameters;

  put_keys (&parameters, keys, arena);
  for (size_t i = 0; i < sizeof (columns) / sizeof (columns[0]); i++)
    put_column (&parameters, columns[i].is_double, series, keys->count, sizeof (series[0]), columns[i].offset);
  put_bytes (&parameters, series, keys->count, sizeof (series[0]), offsetof (struct store_series, recent));
  return store_execute (NULL, connection, &statements[SERIES_WRITE], &parameters, err);
}
