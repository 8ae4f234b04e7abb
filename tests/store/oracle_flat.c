/* The flat table: one row for each run, with all that a search can name, made by SQL from what clients sent. */
#include "oracle.h"

#include <check.h>
#include <stdio.h>

#define COUNT(array) (sizeof (array) / sizeof ((array)[0]))

/* The values of enum search_part, by aggregates over the points of a series: s.point has each distinct one once. Of
   points with the same step and time the greatest value is the latest and the least the first, with NaN below all
   numbers. */
static const char *const parts[] = {
  [SEARCH_LATEST] = "(array_agg(value ORDER BY step DESC, timestamp_ms DESC, value = 'NaN', value DESC))[1]",
  [SEARCH_MIN] = "coalesce(min(value) FILTER (WHERE value <> 'NaN'), 'NaN')",
  [SEARCH_MAX] = "coalesce(max(value) FILTER (WHERE value <> 'NaN'), 'NaN')",
  [SEARCH_FIRST] = "(array_agg(value ORDER BY step, timestamp_ms, value <> 'NaN', value))[1]",
  [SEARCH_COUNT] = "count(*)::float8",
};

/* number(...): decimal numbers however large or small, and the names of what is none. Beyond half a step above the
   greatest double is infinity, and up to half of the least one is zero. */
static const char number_sql[] = "CREATE FUNCTION oracle_number (t text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$"
                                 " SELECT CASE WHEN s ~* '^[+-]?(inf|infinity)$'"
                                 "  THEN CASE WHEN s LIKE '-%' THEN '-Infinity'::float8 ELSE 'Infinity'::float8 END"
                                 " WHEN s ~* '^[+-]?nan$' THEN 'NaN'::float8"
                                 " WHEN s ~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$' THEN"
                                 "  CASE WHEN s::numeric >= 1.7976931348623158079e308 THEN 'Infinity'::float8"
                                 "  WHEN s::numeric <= -1.7976931348623158079e308 THEN '-Infinity'::float8"
                                 "  WHEN abs(s::numeric) <= 2.4703282292062327e-324 THEN 0"
                                 "  ELSE s::float8 END END FROM (SELECT btrim(t, E' \\t\\r\\n') AS s) AS x $$";

/* A number of any size as a double. */
static const char double_sql[] = "CREATE FUNCTION oracle_double (n numeric) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$"
                                 " SELECT CASE WHEN n = 'NaN' THEN 'NaN' WHEN abs(n) >= 1.7976931348623158079e308"
                                 "  THEN CASE WHEN n < 0 THEN '-Infinity'::float8 ELSE 'Infinity'::float8 END"
                                 " WHEN abs(n) <= 2.4703282292062327e-324 THEN 0 ELSE n::float8 END $$";

static void
put_texts_columns (struct buffer *sql, char prefix, size_t count)
{
  for (size_t i = 0; i < count; i++)
    buffer_printf (sql, ", %c%zu text COLLATE \"C\", %cn%zu float8", prefix, i, prefix, i);
}

void
oracle_make_flat (void)
{
  struct buffer sql;

  buffer_init (&sql, ORACLE_SQL_BYTES);
  buffer_text (&sql,
               "SET TimeZone = 'UTC'; SET client_min_messages = warning; SET jit = off; SET synchronous_commit = off;"
               " CREATE UNLOGGED TABLE oracle_point (run_id uuid, metric int, step int8, timestamp_ms int8,"
               "  value float8);");
  buffer_text (&sql, number_sql);
  buffer_text (&sql, "; ");
  buffer_text (&sql, double_sql);
  buffer_text (&sql, "; CREATE UNLOGGED TABLE oracle_run (run_id uuid, experiment_id int8, hex text COLLATE \"C\","
                     " name text COLLATE \"C\", user_id text COLLATE \"C\", status text COLLATE \"C\","
                     " uri text COLLATE \"C\", started int8, ended int8, deleted boolean,"
                     " ds_name text[] COLLATE \"C\", ds_digest text[] COLLATE \"C\", ds_context text[] COLLATE \"C\"");
  put_texts_columns (&sql, 'p', ORACLE_PARAMS);
  put_texts_columns (&sql, 't', ORACLE_TAGS);
  for (size_t metric = 0; metric < ORACLE_METRICS; metric++)
    for (size_t part = 0; part < COUNT (parts); part++)
      buffer_printf (&sql, ", m%zu_%zu float8", metric, part);
  buffer_byte (&sql, ')');
  ck_assert (! sql.failed);
  oracle_run_sql (database.connection, sql.data);
  buffer_free (&sql);
}

static void
put_texts (struct buffer *sql, const char *column, const char *const *keys, size_t count)
{
  for (size_t i = 0; i < count; i++)
  {
    buffer_printf (sql, ", %s ->> ", column);
    oracle_put_text (sql, slice_of (keys[i]));
    buffer_printf (sql, ", oracle_number(%s ->> ", column);
    oracle_put_text (sql, slice_of (keys[i]));
    buffer_byte (sql, ')');
  }
}

static void
put_datasets (struct buffer *sql, const char *member)
{
  buffer_printf (sql,
                 ", ARRAY (SELECT %s FROM run_dataset AS l JOIN dataset AS d USING (dataset_id)"
                 " WHERE l.run_id = r.run_id)",
                 member);
}

void
oracle_fill_flat (void)
{
  struct buffer sql;

  buffer_init (&sql, ORACLE_SQL_BYTES);
  buffer_text (&sql, "TRUNCATE oracle_run; INSERT INTO oracle_run SELECT r.run_id, r.experiment_id,"
                     " replace(r.run_id::text, '-', ''), r.name, r.user_id,"
                     " CASE r.status WHEN 1 THEN 'RUNNING' WHEN 2 THEN 'SCHEDULED' WHEN 3 THEN 'FINISHED'"
                     "  WHEN 4 THEN 'FAILED' ELSE 'KILLED' END,"
                     " r.artifact_uri, r.started_at_ms, r.ended_at_ms, r.deleted_at_ms IS NOT NULL");
  put_datasets (&sql, "d.name");
  put_datasets (&sql, "d.digest");
  put_datasets (&sql, "l.tags ->> 'mlflow.data.context'");
  put_texts (&sql, "r.params", oracle_params, ORACLE_PARAMS);
  put_texts (&sql, "r.tags", oracle_tags, ORACLE_TAGS);
  for (size_t metric = 0; metric < ORACLE_METRICS; metric++)
    for (size_t part = 0; part < COUNT (parts); part++)
      buffer_printf (&sql, ", max(s.v%zu) FILTER (WHERE s.metric = %zu)", part, metric);
  buffer_text (&sql, " FROM run AS r LEFT JOIN (SELECT run_id, metric");
  for (size_t part = 0; part < COUNT (parts); part++)
    buffer_printf (&sql, ", %s AS v%zu", parts[part], part);
  buffer_text (&sql, " FROM (SELECT DISTINCT ON (run_id, metric, step, timestamp_ms, bits) *"
                     "  FROM (SELECT *, float8send(value) AS bits FROM oracle_point) AS o) AS point"
                     " GROUP BY run_id, metric) AS s ON s.run_id = r.run_id GROUP BY r.run_id");
  ck_assert (! sql.failed);
  oracle_run_sql (database.connection, sql.data);
  buffer_free (&sql);
}

void
oracle_read_runs (void)
{
  static const struct statement statement = {
    NULL, "SELECT run_id, experiment_id, deleted_at_ms IS NOT NULL FROM run ORDER BY run_id", 0
  };
  static const struct column columns[] = { { COLUMN_UUID, 0 }, { COLUMN_INT64, 16 }, { COLUMN_BOOL, 24 } };
  struct result result = { NULL };
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_query (&result, database.connection, &statement, NULL, &err), "%s: %s", err.message,
                 err.cause);
  oracle.run_count = result_count (&result);
  ck_assert_uint_le (oracle.run_count, ORACLE_RUNS_MAX);
  for (size_t i = 0; i < oracle.run_count; i++)
  {
    struct
    {
      struct uuid id;
      int64_t experiment_id;
      bool deleted;
    } row;

    ck_assert_int_eq (result_row (&row, &result, i, columns, COLUMN_COUNT (columns), &err), ERR_OK);
    oracle.runs[i] = (struct oracle_run){ .id = row.id, .deleted = row.deleted };
    oracle.runs[i].locked = oracle_is_locked (&row.id);
    while (oracle.experiments[oracle.runs[i].experiment] != row.experiment_id)
      oracle.runs[i].experiment++;
  }
  result_free (&result);
}
