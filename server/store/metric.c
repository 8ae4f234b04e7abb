/* Metric names and packed points: one statement for a whole group, joined with the runs.

   DESIGN
   The insert gives back which runs got their row. Only when some are missing, which hardly ever happens, a second
   statement asks why. What was refused is known from the first alone, so that a run which is deleted or restored
   between the two is neither acknowledged without its points nor the other way round. */
#include "store/metric.h"

enum
{
  KEY_RESOLVE,
  KEY_FIND,
  KEY_NAMES,
  TAIL_APPEND,
  TAIL_APPEND_LINKED,
  TAIL_REFUSED,
  TAIL_READ
};

/* The limit is the length of the arrays and leaves nothing out. It is there for the planner: of arrays that it does not
   see it expects ten items, thinks a plan for any arrays dearer than one for the few at hand, and plans anew each time,
   which takes longer than the rest. Of a limit that it does not see it expects a tenth. */
#define APPEND                                                                                                         \
  "INSERT INTO metric_tail (run_id, points, experiment_id) SELECT u.run_id, u.points, r.experiment_id FROM"            \
  " (SELECT unnest($1::uuid[]) AS run_id, unnest($2::bytea[]) AS points LIMIT $3::int8) AS u"                          \
  " JOIN run r ON r.run_id = u.run_id WHERE r.deleted_at_ms IS NULL RETURNING run_id"

static const struct statement statements[] = {
  [KEY_RESOLVE] = { "metric_key_resolve",
                    "WITH wanted AS (SELECT unnest($1::text[]) AS name),"
                    " made AS (INSERT INTO metric_key (name)"
                    "  SELECT w.name FROM wanted w"
                    "  WHERE NOT EXISTS (SELECT FROM metric_key k WHERE k.name = w.name) ORDER BY w.name COLLATE \"C\""
                    "  ON CONFLICT (name) DO NOTHING RETURNING key_id, name)"
                    " SELECT key_id, name FROM made"
                    " UNION ALL SELECT k.key_id, k.name FROM metric_key k JOIN wanted w ON k.name = w.name",
                    1 },
  [KEY_FIND] = { "metric_key_find", "SELECT key_id FROM metric_key WHERE name = $1::text", 1 },
  [KEY_NAMES] = { "metric_key_names",
                  "SELECT k.key_id, k.name FROM metric_key k JOIN unnest((SELECT $1::int8[])) AS wanted (key_id)"
                  " ON k.key_id = wanted.key_id::int4",
                  1 },
  [TAIL_APPEND] = { "metric_tail_append", APPEND, 3 },
  [TAIL_APPEND_LINKED] = { "metric_tail_append_linked",
                           "WITH appended AS (" APPEND "), linked AS (INSERT INTO metric_context_run"
                           "  (context_id, run_id) SELECT l.context_id::int4, l.run_id"
                           "  FROM unnest($4::int8[], $5::uuid[]) AS l (context_id, run_id)"
                           "  JOIN appended a ON a.run_id = l.run_id ORDER BY 1, 2 ON CONFLICT DO NOTHING)"
                           " SELECT run_id FROM appended",
                           5 },
  [TAIL_REFUSED] = { "metric_tail_refused",
                     "SELECT u.run_id, r.run_id IS NOT NULL FROM unnest($1::uuid[]) AS u (run_id)"
                     " LEFT JOIN run r ON r.run_id = u.run_id",
                     1 },
  /* One index scan for each run, whatever is thought of how many rows it has; an order over all runs would tempt the
     planner to walk the whole index. */
  [TAIL_READ] = { "metric_tail_read",
                  "SELECT t.run_id, t.points FROM unnest((SELECT $1::uuid[])) AS w (run_id),"
                  " LATERAL (SELECT run_id, points FROM metric_tail WHERE run_id = w.run_id ORDER BY tail_id) AS t",
                  1 },
};

const struct statement_table store_metric_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

struct key_row
{
  int32_t key_id;
  struct slice name;
};

static const struct column key_columns[] = { { COLUMN_INT32, offsetof (struct key_row, key_id) },
                                             { COLUMN_TEXT, offsetof (struct key_row, name) } };

static enum err_code
read_keys (struct store_connection *connection, const struct statement *statement, const struct parameters *parameters,
           store_metric_key_row row, void *context, struct err *err)
{
  struct result result = { NULL };
  struct key_row key;
  enum err_code code = store_query (&result, connection, statement, parameters, err);

  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    code = result_row (&key, &result, i, key_columns, COLUMN_COUNT (key_columns), err);
    if (ERR_OK == code)
      code = row (context, key.key_id, key.name, err);
  }
  result_free (&result);
  return code;
}

enum err_code
store_metric_key_resolve (struct store_connection *connection, const struct slice *names, size_t count,
                          store_metric_key_row row, void *context, struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_text_array (&parameters, names, count);
  return read_keys (connection, &statements[KEY_RESOLVE], &parameters, row, context, err);
}

enum err_code
store_metric_key_find (int32_t *key_id, struct store_connection *connection, struct slice name, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT32, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, name);
  code = store_query_one (key_id, &result, connection, &statements[KEY_FIND], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

enum err_code
store_metric_key_names (struct store_connection *connection, const int64_t *key_ids, size_t count,
                        store_metric_key_row row, void *context, struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, key_ids, count);
  return read_keys (connection, &statements[KEY_NAMES], &parameters, row, context, err);
}

static const struct statement *
append_statement (const struct store_context_links *links)
{
  return &statements[NULL != links && links->count > 0 ? TAIL_APPEND_LINKED : TAIL_APPEND];
}

static void
bind_append (struct parameters *parameters, const struct uuid *run_ids, const struct slice *packed, size_t count,
             const struct store_context_links *links)
{
  parameter_uuid_array (parameters, run_ids, count);
  parameter_bytea_array (parameters, packed, count);
  parameter_int64 (parameters, (int64_t)count);
  if (NULL == links || 0 == links->count)
    return;
  parameter_int64_array (parameters, links->context_ids, links->count);
  parameter_uuid_array (parameters, links->run_ids, links->count);
}

void
store_metric_queue_append (struct result *result, struct pipeline *pipeline, const struct uuid *run_ids,
                           const struct slice *packed, size_t count, const struct store_context_links *links)
{
  bind_append (pipeline_add (result, pipeline, append_statement (links)), run_ids, packed, count, links);
}

/* The runs of `run_ids` that an append did not give back, into `missing`. */
static enum err_code
find_missing (struct uuid *missing, size_t *missing_count, const struct result *appended, const struct uuid *run_ids,
              size_t count, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, 0 } };
  size_t rows = result_count (appended);
  size_t at = 0;

  *missing_count = 0;
  for (size_t i = 0; i < count; i++)
  {
    bool found = false;

    /* Rows mostly come back in the order in which they were sent: go round from the place of the last one. */
    for (size_t tried = 0; ! found && tried < rows; tried++, at = (at + 1) % rows)
    {
      struct uuid run_id;
      enum err_code code = result_row (&run_id, appended, at, columns, COLUMN_COUNT (columns), err);

      if (ERR_OK != code)
        return code;
      found = 0 == memcmp (&run_id, &run_ids[i], sizeof (run_id));
    }
    if (! found)
      missing[(*missing_count)++] = run_ids[i];
  }
  return ERR_OK;
}

/* Tell of the runs that got nothing, and why. */
static enum err_code
tell_refused (struct store_connection *connection, const struct result *appended, const struct uuid *run_ids,
              size_t count, store_metric_refused refused, void *context, struct arena *arena, struct err *err)
{
  struct refused_row
  {
    struct uuid run_id;
    bool exists;
  } row;
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct refused_row, run_id) },
                                           { COLUMN_BOOL, offsetof (struct refused_row, exists) } };
  struct uuid *missing = arena_array (arena, count, sizeof (missing[0]));
  struct result result = { NULL };
  struct parameters parameters;
  size_t missing_count;
  enum err_code code;

  if (NULL == missing)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = find_missing (missing, &missing_count, appended, run_ids, count, err);
  if (ERR_OK != code)
    return code;
  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, missing, missing_count);
  code = store_query (&result, connection, &statements[TAIL_REFUSED], &parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    code = result_row (&row, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      refused (context, &row.run_id, row.exists);
  }
  result_free (&result);
  return code;
}

enum err_code
store_metric_append (struct store_connection *connection, const struct uuid *run_ids, const struct slice *packed,
                     size_t count, const struct store_context_links *links, store_metric_refused refused, void *context,
                     struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  bind_append (&parameters, run_ids, packed, count, links);
  code = store_query (&result, connection, append_statement (links), &parameters, err);
  if (ERR_OK == code && result_count (&result) < count)
    code = tell_refused (connection, &result, run_ids, count, refused, context, arena, err);
  result_free (&result);
  return code;
}

struct tail_row
{
  struct uuid run_id;
  struct slice points;
};

struct tail_reader
{
  store_metric_tail_row row;
  void *context;
};

static enum err_code
read_tail_row (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_UUID, offsetof (struct tail_row, run_id) },
                                           { COLUMN_BYTES, offsetof (struct tail_row, points) } };
  const struct tail_reader *reader = context;
  struct tail_row row;
  enum err_code code = result_row (&row, result, 0, columns, COLUMN_COUNT (columns), err);

  return ERR_OK == code ? reader->row (reader->context, &row.run_id, row.points, err) : code;
}

enum err_code
store_metric_tail (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                   store_metric_tail_row row, void *context, struct arena *arena, struct err *err)
{
  struct tail_reader reader = { row, context };
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  return store_stream (connection, &statements[TAIL_READ], &parameters, read_tail_row, &reader, err);
}
