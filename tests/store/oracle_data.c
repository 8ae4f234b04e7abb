/* Random runs, and random changes to them by the program's own statements. */
#include "oracle.h"

#include "base/clock.h"
#include "ingest/fold.h"
#include "ingest/metric_flush.h"
#include "store/dataset.h"
#include "store/experiment.h"
#include "store/purge.h"
#include "store/run.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Far above the names here. */
#define DICTIONARY_BYTES ((size_t)1024 * 1024)
/* Most points of one request, and what is needed for it. */
#define POINTS_MAX 24
#define REQUEST_BYTES ((size_t)1024 * 1024)

/* "x.min", and "x" whose least value it may mean. */
#define DOUBTFUL 2
#define DOUBTED 1

const char *const oracle_metrics[ORACLE_METRICS] = { "loss", "x",   "x.min",    "x.count", "val/acc",
                                                     "a b",  "min", "\xC3\xA9", "never" };
const char *const oracle_params[ORACLE_PARAMS] = { "lr", "opt", "p 1", "a.b", "\xD0\xBA\xD0\xBB", "never" };
const char *const oracle_tags[ORACLE_TAGS] = { "t", "T", "x y", "mlflow.note", "never" };

struct oracle oracle;

void
oracle_run_sql (struct store_connection *connection, const char *sql)
{
  struct err err = { 0 };

  store_start_request (connection, 0);
  ck_assert_msg (ERR_OK == store_script (connection, sql, &err), "%s: %s: %s", sql, err.message, err.cause);
}

void
oracle_put_text (struct buffer *sql, struct slice text)
{
  buffer_byte (sql, '\'');
  for (size_t i = 0; i < text.len; i++)
  {
    if ('\'' == text.data[i])
      buffer_byte (sql, '\'');
    buffer_byte (sql, text.data[i]);
  }
  buffer_byte (sql, '\'');
}

void
oracle_put_regex (struct buffer *sql, struct slice pattern)
{
  buffer_byte (sql, '\'');
  for (size_t i = 0; i < pattern.len; i++)
    if ('.' == pattern.data[i])
      buffer_text (sql, "[^\n]");
    else
      buffer_byte (sql, pattern.data[i]);
  buffer_byte (sql, '\'');
}

void
oracle_put_uuid (struct buffer *sql, const struct uuid *id)
{
  char text[UUID_TEXT_BYTES];

  uuid_format (text, id);
  buffer_printf (sql, "'%s'::uuid", text);
}

void
oracle_put_double (struct buffer *sql, double value)
{
  if (isnan (value))
    buffer_text (sql, "'NaN'::float8");
  else if (isinf (value))
    buffer_printf (sql, "'%sInfinity'::float8", value < 0 ? "-" : "");
  else
    buffer_printf (sql, "'%.17g'::float8", value);
}

/* --- choosing ---------------------------------------------------------------------------------------------------- */

/* A run that may be changed; NULL when there is none at the first tries. */
static struct oracle_run *
some_run (bool deleted)
{
  for (size_t tries = 0; oracle.run_count > 0 && tries < 20; tries++)
  {
    struct oracle_run *run = &oracle.runs[oracle_below (oracle.run_count)];

    if (! run->locked && deleted == run->deleted)
      return run;
  }
  return NULL;
}

static struct slice
json_text (json_t *json)
{
  char *text = json_dumps (json, JSON_COMPACT);
  struct slice copy = { arena_copy (database.arena, text, strlen (text)), strlen (text) };

  free (text);
  json_decref (json);
  return copy;
}

static void
set_member (json_t *object, const char *key, struct slice value)
{
  ck_assert_int_eq (json_object_set_new (object, key, json_stringn (value.data, value.len)), 0);
}

static struct slice
some_params (void)
{
  json_t *object = json_object ();

  for (size_t i = 0; i + 1 < ORACLE_PARAMS; i++)
    if (! oracle_once_in (3))
      set_member (object, oracle_params[i], oracle_stored_text ());
  return json_text (object);
}

static struct slice
some_tags (struct slice name)
{
  json_t *object = json_object ();

  for (size_t i = 0; i + 1 < ORACLE_TAGS; i++)
    if (oracle_once_in (2))
      set_member (object, oracle_tags[i], oracle_stored_text ());
  if (NULL != name.data)
    set_member (object, "mlflow.runName", name);
  return json_text (object);
}

/* --- runs -------------------------------------------------------------------------------------------------------- */

static struct store_run_change
some_change (void)
{
  struct store_run_change change = { .name = { NULL, 0 } };

  if (oracle_once_in (3))
    change.name = oracle_stored_text ();
  if (oracle_once_in (2))
    change.status = (struct optional_int64){ true, 1 + (int64_t)oracle_below (5) };
  if (oracle_once_in (2))
    change.ended_at_ms = (struct optional_int64){ true, oracle_time_ms () };
  return change;
}

static void
update_run (const struct uuid *run_id)
{
  const struct store_run_change change = some_change ();
  struct result result = { NULL };
  struct store_run run;
  struct err err = { 0 };
  bool changed;

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_run_update (&changed, &run, &result, database.connection, run_id, &change, &err),
                 "%s: %s", err.message, err.cause);
  ck_assert (changed);
  result_free (&result);
}

static void
merge_texts (const struct uuid *run_id)
{
  struct err err = { 0 };
  bool changed;

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_run_merge (&changed, database.connection, run_id, some_params (),
                                         some_tags ((struct slice){ NULL, 0 }), (struct slice){ NULL, 0 }, &err),
                 "%s: %s", err.message, err.cause);
  ck_assert (changed);
}

static void
delete_tag (const struct uuid *run_id)
{
  struct err err = { 0 };
  bool changed;

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_run_delete_tag (&changed, database.connection, run_id,
                                              slice_of (oracle_tags[oracle_below (ORACLE_TAGS - 1)]), &err),
                 "%s: %s", err.message, err.cause);
}

static void
link_datasets (const struct uuid *run_id)
{
  static const struct slice contexts[] = { SLICE ("{}"), SLICE ("{\"mlflow.data.context\": \"train\"}"),
                                           SLICE ("{\"mlflow.data.context\": \"eval\"}"),
                                           SLICE ("{\"mlflow.data.context\": \"\"}"),
                                           SLICE ("{\"mlflow.data.context\": \"a\\\"b\\\\\"}") };
  static const struct slice digests[] = { SLICE ("1"), SLICE ("abc"), SLICE ("\xC3\xA9") };
  struct store_dataset datasets[3] = { 0 };
  size_t count = 1 + oracle_below (3);
  struct err err = { 0 };
  bool changed;

  for (size_t i = 0; i < count; i++)
  {
    do
      datasets[i].name = oracle_stored_text ();
    while (0 == datasets[i].name.len);
    datasets[i].digest = digests[oracle_below (3)];
    datasets[i].source_type = SLICE ("local");
    datasets[i].source = SLICE ("{}");
    datasets[i].tags = contexts[oracle_below (5)];
    /* Those of one request are distinct. */
    for (size_t j = 0; j < i; j++)
      if (slice_equal (datasets[i].name, datasets[j].name) && slice_equal (datasets[i].digest, datasets[j].digest))
      {
        count = i;
        break;
      }
  }
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_run_link (&changed, database.connection, run_id, datasets, count, NULL, 0, false,
                                        database.arena, &err),
                 "%s: %s", err.message, err.cause);
  ck_assert (changed);
}

static struct uuid
some_id (void)
{
  struct uuid id;

  for (size_t i = 0; i < sizeof (id.bytes); i++)
    id.bytes[i] = (unsigned char)(oracle_random () >> 24);
  return id;
}

static void
make_run (void)
{
  struct slice name = oracle_stored_text ();
  /* Mostly in the first one, which so has more than are counted at once. */
  size_t experiment = oracle_once_in (2) ? 0 : oracle_below (ORACLE_EXPERIMENTS);
  struct store_new_run run = { .run_id = some_id (),
                               .experiment_id = oracle.experiments[experiment],
                               .name = name,
                               .user_id = oracle_stored_text (),
                               .started_at_ms = oracle_time_ms (),
                               .tags = some_tags (name),
                               .arena = database.arena };
  struct store_new_run *runs[] = { &run };
  struct err err = { 0 };

  if (oracle.run_count + 8 > ORACLE_RUNS_USUAL)
    return;
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_run_create (database.connection, runs, 1, database.arena, &err), "%s: %s", err.message,
                 err.cause);
  if (! run.made)
    return;
  update_run (&run.run_id);
  merge_texts (&run.run_id);
  if (oracle_once_in (2))
    link_datasets (&run.run_id);
}

static void
set_deleted (struct oracle_run *run, bool deleted)
{
  struct err err = { 0 };
  bool found;

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_run_set_deleted (&found, database.connection, &run->id, deleted, 5, &err), "%s: %s",
                 err.message, err.cause);
  ck_assert (found);
  run->deleted = deleted;
}

/* Delete or restore an experiment with all its runs. */
static void
turn_experiment (void)
{
  size_t experiment = oracle_below (ORACLE_EXPERIMENTS);
  bool deleted = ! oracle.experiment_deleted[experiment];
  struct err err = { 0 };

  for (size_t i = 0; i < oracle.run_count; i++)
    if (oracle.runs[i].locked)
      return;
  store_start_request (database.connection, 0);
  ck_assert_msg (
      ERR_OK == store_experiment_set_deleted (database.connection, oracle.experiments[experiment], deleted, 5, &err),
      "%s: %s", err.message, err.cause);
  oracle.experiment_deleted[experiment] = deleted;
  oracle_read_runs ();
}

static void
purge_run (const struct uuid *run_id)
{
  struct err err = { 0 };
  struct store_purge_rows removed;
  bool finished;
  bool begun;

  if (oracle_is_purging ())
    return;
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_purge_begin (&begun, database.connection, run_id, INT64_MAX, 5, &err), "%s: %s",
                 err.message, err.cause);
  ck_assert (begun);
  for (bool more = oracle_once_in (2); more; more = removed.metrics > 0)
    ck_assert_msg (
        ERR_OK
            == store_purge_step (&removed, &finished, database.connection, run_id, 1 + (int64_t)oracle_below (5), &err),
        "%s: %s", err.message, err.cause);
}

/* --- metrics ----------------------------------------------------------------------------------------------------- */

static double
some_value (void)
{
  static const double values[] = { 0.0,     -0.0,   1.0,      -1.0,      0.1,   0.5,    0.1 + 0.2, 5.0,
                                   NAN,     NAN,    INFINITY, -INFINITY, 1e308, -1e308, 1.7e308,   5e-324,
                                   -5e-324, 1e-300, 1e16,     0x1p53,    3.25,  2.0,    3.0,       4.0 };

  return oracle_once_in (4) ? (double)(oracle_random () >> 11) * 0x1p-53
                            : values[oracle_below (sizeof (values) / sizeof (values[0]))];
}

void
oracle_make_points (struct oracle_point *points, size_t count)
{
  static const int64_t extremes[] = { INT64_MIN, INT64_MAX, -1, INT64_MAX - 1 };

  for (size_t i = 0; i < count; i++)
  {
    size_t metric = oracle_below (ORACLE_METRICS - 1);

    /* Only turn_doubt gives a run a metric whose name looks like the part of another. */
    if (DOUBTFUL == metric)
      metric = DOUBTED;
    if (i > 0 && oracle_once_in (3))
      metric = points[i - 1].metric;
    points[i].metric = metric;
    points[i].point.key_id = 0;
    points[i].point.step = oracle_once_in (20) ? extremes[oracle_below (4)] : (int64_t)oracle_below (12);
    points[i].point.timestamp_ms = oracle_once_in (20) ? extremes[oracle_below (4)] : (int64_t)oracle_below (3);
    points[i].point.value = some_value ();
    if (i > 0 && oracle_once_in (8))
      points[i] = points[oracle_below (i)];
  }
}

static void
note_points (const struct uuid *run_id, const struct oracle_point *points, size_t count)
{
  struct buffer sql;

  buffer_init (&sql, ORACLE_SQL_BYTES);
  buffer_text (&sql, "INSERT INTO oracle_point VALUES ");
  for (size_t i = 0; i < count; i++)
  {
    buffer_text (&sql, i > 0 ? ", (" : "(");
    oracle_put_uuid (&sql, run_id);
    buffer_printf (&sql, ", %zu, '%lld', '%lld', ", points[i].metric, (long long)points[i].point.step,
                   (long long)points[i].point.timestamp_ms);
    oracle_put_double (&sql, points[i].point.value);
    buffer_byte (&sql, ')');
  }
  ck_assert (! sql.failed);
  oracle_run_sql (database.connection, sql.data);
  buffer_free (&sql);
}

static void
write_points (const struct uuid *run_id, const struct oracle_point *points, size_t count)
{
  static const struct metric_context context = { SLICE ("m-1"), SLICE ("train"), SLICE ("1") };
  struct metric_entry entries[POINTS_MAX];
  struct err err = { 0 };
  struct metric_write write = { *run_id, entries, count };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;
  struct metric_sink sink = { oracle.keys, NULL, NULL };

  for (size_t i = 0; i < count; i++)
    entries[i] = (struct metric_entry){ .point = points[i].point,
                                        .key = slice_of (oracle_metrics[points[i].metric]),
                                        .context = oracle_once_in (6) ? &context : NULL };
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == metric_flush (database.connection, &items, 1, &sink, &err) && ERR_OK == err.code, "%s: %s",
                 err.message, err.cause);
  note_points (run_id, points, count);
}

static void
log_points (const struct uuid *run_id)
{
  struct oracle_point points[POINTS_MAX];
  size_t count = 1 + oracle_below (oracle_once_in (3) ? POINTS_MAX : 4);

  oracle_make_points (points, count);
  write_points (run_id, points, count);
}

/* Give one run the metric x.min, or remove the one that has it for good: then x.min means the least value of x again.
 */
static void
turn_doubt (void)
{
  static struct uuid run_id;
  static bool exists;
  struct oracle_point points[2];
  struct oracle_run *run = some_run (false);

  if (exists)
  {
    for (size_t i = 0; i < oracle.run_count; i++)
      if (0 == memcmp (&oracle.runs[i].id, &run_id, sizeof (run_id)))
      {
        if (oracle.runs[i].locked || oracle_is_purging ())
          return;
        set_deleted (&oracle.runs[i], true);
        purge_run (&run_id);
      }
    exists = false;
    oracle_read_runs ();
  }
  else if (NULL != run)
  {
    oracle_make_points (points, 2);
    points[0].metric = points[1].metric = DOUBTFUL;
    write_points (&run->id, points, 2);
    run_id = run->id;
    exists = true;
  }
}

static void
fold (void)
{
  struct fold_result result;
  struct uuid run_ids[FOLD_RUNS_MAX];
  struct err err = { 0 };
  size_t most = oracle_once_in (3) ? FOLD_RUNS_MAX : 4;
  size_t count = 0;
  size_t start = 0 == oracle.run_count ? 0 : oracle_below (oracle.run_count);

  for (size_t i = 0; i < oracle.run_count && count < most; i++)
    run_ids[count++] = oracle.runs[(start + i) % oracle.run_count].id;
  if (0 == count)
    return;
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == fold_runs (&result, database.connection, run_ids, count, &err), "%s: %s", err.message,
                 err.cause);
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

void
oracle_change (void)
{
  size_t what = oracle_below (120);
  struct oracle_run *run = some_run (false);
  struct oracle_run *gone = some_run (true);

  if (what < 10)
    make_run ();
  else if (what < 45 && NULL != run)
    log_points (&run->id);
  else if (what < 55)
    fold ();
  else if (what < 63 && NULL != run)
    update_run (&run->id);
  else if (what < 71 && NULL != run)
    merge_texts (&run->id);
  else if (what < 75 && NULL != run)
    delete_tag (&run->id);
  else if (what < 79 && NULL != run)
    link_datasets (&run->id);
  else if (what < 86 && NULL != run)
    set_deleted (run, true);
  else if (what < 89 && NULL != gone)
    set_deleted (gone, false);
  else if (what < 94 && NULL != gone)
  {
    purge_run (&gone->id);
    oracle_read_runs ();
  }
  else if (what < 95 && oracle_once_in (3))
    turn_experiment ();
  else if (what < 96)
    turn_doubt ();
  else if (what < 97)
  {
    if (oracle_once_in (2))
      oracle_burst ();
  }
  else if (what < 115)
    oracle_turn_transaction ();
  else if (NULL != run)
    log_points (&run->id);
}

void
oracle_fill (size_t runs, bool folds)
{
  for (size_t i = 0; i < runs; i++)
    make_run ();
  oracle_read_runs ();
  for (size_t i = 0; i < 2 * runs; i++)
  {
    struct oracle_run *run = some_run (false);

    log_points (&run->id);
    if (folds && oracle_once_in (20))
      fold ();
    if (oracle_once_in (20))
      set_deleted (run, true);
  }
}

void
oracle_multiply (size_t runs)
{
  struct buffer sql;

  buffer_init (&sql, ORACLE_SQL_BYTES);
  buffer_printf (&sql,
                 "CREATE TEMP TABLE copied AS SELECT md5(i || ' %llu')::uuid AS copy_id, r.*"
                 " FROM (SELECT *, row_number() OVER (ORDER BY run_id) AS place, count(*) OVER () AS runs FROM run"
                 "  WHERE run_id IN (SELECT run_id FROM metric_tail)) AS r"
                 " JOIN generate_series(1, %zu) AS i ON 1 + i %% r.runs = r.place;",
                 (unsigned long long)oracle_random (), runs);
  buffer_text (&sql,
               "INSERT INTO run (run_id, experiment_id, name, user_id, status, started_at_ms, ended_at_ms,"
               "  deleted_at_ms, artifact_uri, params, tags)"
               " SELECT copy_id, experiment_id, name, user_id, status, started_at_ms, ended_at_ms, deleted_at_ms,"
               "  artifact_uri, params, tags FROM copied;"
               "INSERT INTO metric_tail (run_id, experiment_id, points)"
               " SELECT c.copy_id, c.experiment_id, t.points FROM copied AS c JOIN metric_tail AS t USING (run_id);"
               "INSERT INTO oracle_point SELECT c.copy_id, o.metric, o.step, o.timestamp_ms, o.value"
               " FROM copied AS c JOIN oracle_point AS o USING (run_id); DROP TABLE copied; ANALYZE");
  ck_assert (! sql.failed);
  oracle_run_sql (database.connection, sql.data);
  buffer_free (&sql);
  oracle_read_runs ();
}

void
oracle_open (uint64_t seed)
{
  static const char *const names[ORACLE_EXPERIMENTS] = { "first", "second", "third" };

  oracle_seed (seed);
  oracle = (struct oracle){ .now_ms = INT64_C (1767225600000) };
  oracle.keys = metric_keys_new (DICTIONARY_BYTES);
  ck_assert_ptr_nonnull (oracle.keys);
  for (size_t i = 0; i < ORACLE_EXPERIMENTS; i++)
    oracle.experiments[i] = database_experiment (names[i]);
  database_make_model (oracle.experiments[0], "m-1");
  oracle_make_flat ();
}

void
oracle_close (void)
{
  oracle_end_transactions ();
  metric_keys_free (oracle.keys);
}
