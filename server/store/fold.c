/* The fold's side of metric_tail: locking runs, and taking their rows out. */
#include "store/series.h"

enum
{
  LOCK,
  LIST,
  TAKE,
  NOTE,
  DAMAGED,
  BACKLOG
};

static const struct statement statements[] = {
  /* A lock on a number that is made from the run, because a lock on its row would hold up whoever writes to it. Two
     runs with the same number only take turns. The transaction that holds it does not wait for the disk when it
     commits: a fold that is lost with the server is done again. */
  [LOCK] = { "fold_lock",
             "SELECT w.run_id, r.run_id IS NOT NULL FROM set_config('synchronous_commit', 'off', true),"
             " unnest($1::uuid[], $2::int8[]) AS w (run_id, number) LEFT JOIN run r ON r.run_id = w.run_id"
             " WHERE pg_try_advisory_xact_lock(w.number)",
             2 },
  [LIST] = { "fold_list",
             "SELECT w.run_id, t.place, t.packed_bytes FROM unnest($1::uuid[]) AS w (run_id),"
             " LATERAL (SELECT ctid::text AS place, octet_length(points) AS packed_bytes FROM metric_tail"
             "  WHERE run_id = w.run_id ORDER BY tail_id LIMIT $2::int8) AS t",
             2 },
  /* Rows of the tail are never updated, so they stay in their places. */
  [TAKE] = { "fold_take", "DELETE FROM metric_tail WHERE ctid = ANY ($1::text[]::tid[]) RETURNING run_id, points", 1 },
  /* Of a run that is being removed nothing is noted: what remembers it would stay for good. */
  [NOTE] = { "fold_note",
             "INSERT INTO metric_folded (run_id, experiment_id)"
             " SELECT r.run_id, r.experiment_id FROM unnest($1::uuid[]) AS w (run_id) JOIN run r ON r.run_id = w.run_id"
             " ON CONFLICT (run_id) DO UPDATE SET changed = excluded.changed",
             1 },
  [DAMAGED] = { "fold_damaged",
                "INSERT INTO metric_damaged (run_id, found_at_ms, points) VALUES ($1::uuid, $2::int8, $3::bytea)", 3 },
  [BACKLOG] = { "fold_backlog",
                "SELECT run_id, count(*), sum(octet_length(points))::int8 FROM metric_tail GROUP BY run_id", 0 },
};

const struct statement_table store_fold_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

int64_t
store_fold_number (const struct uuid *run_id)
{
  int64_t number;

  memcpy (&number, run_id->bytes, sizeof (number));
  return number;
}

enum err_code
store_fold_lock (struct store_fold_run *locked, size_t *locked_count, struct store_connection *connection,
                 const struct uuid *run_ids, size_t count, struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct store_fold_run, run_id) },
                                           { COLUMN_BOOL, offsetof (struct store_fold_run, exists) } };
  int64_t *numbers = arena_array (arena, count, sizeof (int64_t));
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *locked_count = 0;
  if (NULL == numbers)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
    numbers[i] = store_fold_number (&run_ids[i]);
  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  parameter_int64_array (&parameters, numbers, count);
  code = store_query (&result, connection, &statements[LOCK], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
    code = result_row (&locked[(*locked_count)++], &result, i, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

struct reader
{
  store_tail_place_row place;
  store_fold_row fold;
  store_backlog_row backlog;
  void *context;
};

static enum err_code
read_place (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct store_tail_place, run_id) },
                                           { COLUMN_TEXT, offsetof (struct store_tail_place, place) },
                                           { COLUMN_INT32, offsetof (struct store_tail_place, packed_bytes) } };
  const struct reader *reader = context;
  struct store_tail_place row;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->place (reader->context, &row, err) : code;
}

enum err_code
store_fold_list (struct store_connection *connection, const struct uuid *run_ids, size_t count, int64_t rows_max,
                 store_tail_place_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .place = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  parameter_int64 (&parameters, rows_max);
  return store_stream (connection, &statements[LIST], &parameters, read_place, &reader, err);
}

static enum err_code
read_taken (const struct result *result, void *context, struct err *err)
{
  struct taken_row
  {
    struct uuid run_id;
    struct slice points;
  } row;
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct taken_row, run_id) },
                                           { COLUMN_BYTES, offsetof (struct taken_row, points) } };
  const struct reader *reader = context;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->fold (reader->context, &row.run_id, row.points, err) : code;
}

enum err_code
store_fold_take (struct store_connection *connection, const struct slice *places, size_t count, store_fold_row row,
                 void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .fold = row, .context = context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_text_array (&parameters, places, count);
  return store_stream (connection, &statements[TAKE], &parameters, read_taken, &reader, err);
}

enum err_code
store_fold_note (struct store_connection *connection, const struct uuid *run_ids, size_t count, struct arena *arena,
                 struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  return store_execute (NULL, connection, &statements[NOTE], &parameters, err);
}

enum err_code
store_fold_damaged (struct store_connection *connection, const struct uuid *run_id, struct slice points, int64_t now_ms,
                    struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_uuid (&parameters, run_id);
  parameter_int64 (&parameters, now_ms);
  parameter_text (&parameters, points);
  return store_execute (NULL, connection, &statements[DAMAGED], &parameters, err);
}

static enum err_code
read_backlog (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct store_tail_backlog, run_id) },
                                           { COLUMN_INT64, offsetof (struct store_tail_backlog, rows) },
                                           { COLUMN_INT64, offsetof (struct store_tail_backlog, packed_bytes) } };
  const struct reader *reader = context;
  struct store_tail_backlog row;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->backlog (reader->context, &row, err) : code;
}

enum err_code
store_tail_backlog (struct store_connection *connection, store_backlog_row row, void *context, struct err *err)
{
  struct reader reader = { .backlog = row, .context = context };

  return store_stream (connection, &statements[BACKLOG], NULL, read_backlog, &reader, err);
}
