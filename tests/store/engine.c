/* Two daemons and the list of what was logged through them. */
#include "engine.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Far above the names here. */
#define DICTIONARY_BYTES ((size_t)1024 * 1024)
/* Points of one request. */
#define REQUEST_BYTES ((size_t)8 * 1024 * 1024)
#define FIRST_TIMESTAMP_MS INT64_C (1700000000000)

struct engine engine;

static const char *const key_names[ENGINE_KEYS] = { "loss", "val/accuracy", "\xC3\xA9tat" };

static const struct metric_context contexts[ENGINE_CONTEXTS] = {
  { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
  { { "m-1", 3 }, { NULL, 0 }, { NULL, 0 } },
  { { "m-2", 3 }, { "train", 5 }, { "abc", 3 } },
};

const char *
engine_key (size_t key)
{
  return key_names[key];
}

void
engine_daemon_open (struct engine_daemon *daemon)
{
  daemon->config = database.config;
  daemon->store = store_new (&daemon->config);
  ck_assert_ptr_nonnull (daemon->store);
  daemon->connection = store_connection_new (daemon->store);
  daemon->keys = metric_keys_new (DICTIONARY_BYTES);
  ck_assert (NULL != daemon->connection && NULL != daemon->keys);
}

void
engine_daemon_close (struct engine_daemon *daemon)
{
  metric_keys_free (daemon->keys);
  store_connection_free (daemon->connection);
  store_free (daemon->store);
}

void
engine_open (void)
{
  int64_t experiment;

  database_open_migrated ();
  experiment = database_experiment ("engine");
  database_make_model (experiment, "m-1");
  database_make_model (experiment, "m-2");
  for (size_t i = 0; i < ENGINE_RUNS; i++)
    engine.runs[i] = database_make_run (experiment);
  for (size_t i = 0; i < ENGINE_DAEMONS; i++)
    engine_daemon_open (&engine.daemons[i]);
  for (size_t key = 0; key < ENGINE_KEYS; key++)
    engine.key_ids[key] = (uint32_t)database_number (
        "INSERT INTO metric_key (name) VALUES ('%s') RETURNING key_id::int8", key_names[key]);
}

void
engine_close (void)
{
  for (size_t i = 0; i < ENGINE_DAEMONS; i++)
    engine_daemon_close (&engine.daemons[i]);
  for (size_t run = 0; run < ENGINE_RUNS; run++)
    for (size_t key = 0; key < ENGINE_KEYS; key++)
      for (size_t context = 0; context < ENGINE_CONTEXTS; context++)
        free (engine.series[run][key][context].points);
  database_close ();
}

/* --- points ------------------------------------------------------------------------------------------------------ */

static double
random_value (void)
{
  static const double values[] = { 0.0, -0.0, 1.5, -1.5, INFINITY, -INFINITY, NAN, 5e-324 };
  uint64_t random = database_random ();

  switch (random & 3)
  {
  case 0:
    return values[random >> 8 & 7];
  case 1:
    return (double)(float)((double)(random >> 40) / 1e6);
  case 2:
    return (double)(random >> 50) / 100;
  default:
    return (double)(random >> 11) * 0x1p-53;
  }
}

static int64_t
random_extreme (void)
{
  static const int64_t extremes[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
  uint64_t random = database_random ();

  return 0 == (random & 7) ? (int64_t)database_random () : extremes[(random >> 8) % 7];
}

static void
make_ascending (struct metric_point *points, size_t count, size_t run, size_t key)
{
  static const int64_t strides[] = { 1, 1, 1, 10, 7, 2500 };
  int64_t stride = strides[database_random () % 6];
  int64_t *next = &engine.next_step[run][key];

  for (size_t i = 0; i < count; i++)
  {
    points[i].step = *next;
    points[i].timestamp_ms = FIRST_TIMESTAMP_MS + *next * 250 + (int64_t)(database_random () % 400);
    points[i].value = random_value ();
    /* Now and then a hole, and steps that have several points. */
    if (0 != database_random () % 50)
      *next += stride;
    if (0 == database_random () % 400)
      *next += (int64_t)(database_random () % 100);
  }
}

void
engine_make (struct metric_point *points, size_t count, enum engine_shape shape, size_t run, size_t key)
{
  const struct engine_series *series = &engine.series[run][key][0];
  int64_t next = engine.next_step[run][key];

  if (ENGINE_ASCENDING == shape || ENGINE_REVERSED == shape)
    make_ascending (points, count, run, key);
  for (size_t i = 0; i < count; i++)
  {
    uint64_t random = database_random ();

    points[i].key_id = 0;
    if (ENGINE_ASCENDING == shape || ENGINE_REVERSED == shape)
      continue;
    points[i].value = random_value ();
    points[i].step = (int64_t)(random >> 20) % (next + 1);
    points[i].timestamp_ms = FIRST_TIMESTAMP_MS + points[i].step * 250 + (int64_t)(random & 511);
    if (ENGINE_REPEATED == shape && series->count > 0)
      points[i] = series->points[random % series->count];
    if (ENGINE_TIED == shape)
    {
      points[i].step = (int64_t)(random >> 8 & 15);
      points[i].timestamp_ms = (int64_t)(random >> 16 & 7);
    }
    if (ENGINE_STEPLESS == shape)
    {
      points[i].step = 0;
      points[i].timestamp_ms = FIRST_TIMESTAMP_MS + (int64_t)(random >> 20) % 100000;
    }
    if (ENGINE_TIMELESS == shape)
    {
      points[i].step = (int64_t)(random >> 20) % 100000 - 5;
      points[i].timestamp_ms = 0;
    }
    if (ENGINE_EXTREME == shape)
    {
      points[i].step = random_extreme ();
      points[i].timestamp_ms = random_extreme ();
    }
  }
  for (size_t i = 0; ENGINE_REVERSED == shape && i < count / 2; i++)
  {
    struct metric_point point = points[i];

    points[i] = points[count - 1 - i];
    points[count - 1 - i] = point;
  }
}

bool
engine_same (const struct metric_point *a, const struct metric_point *b)
{
  if (a->step != b->step || a->timestamp_ms != b->timestamp_ms)
    return false;
  return (isnan (a->value) && isnan (b->value)) || 0 == memcmp (&a->value, &b->value, sizeof (a->value));
}

/* --- logging ------------------------------------------------------------------------------------------------------ */

enum err_code
engine_write (struct engine_daemon *daemon, size_t run, size_t key, size_t context, const struct metric_point *points,
              size_t count, struct err *err)
{
  struct arena *arena = arena_new (REQUEST_BYTES);
  struct metric_entry *entries = arena_array (arena, count, sizeof (*entries));
  struct metric_write write = { engine.runs[run], entries, count };
  struct commit_item item = { .err = err, .payload = &write };
  struct commit_item *items = &item;
  struct metric_sink sink = { daemon->keys, NULL, NULL };
  enum err_code code;

  for (size_t i = 0; i < count; i++)
    entries[i] = (struct metric_entry){ .point = points[i],
                                        .key = slice_of (key_names[key]),
                                        .context = 0 == context ? NULL : &contexts[context] };
  store_start_request (daemon->connection, 0);
  code = metric_flush (daemon->connection, &items, 1, &sink, err);
  (void)store_end_request (daemon->connection);
  arena_free (arena);
  return ERR_OK == code ? err->code : code;
}

static void
append (struct engine_series *series, const struct metric_point *points, size_t count)
{
  if (series->count + count > series->capacity)
  {
    series->capacity = series->capacity * 2 + count;
    series->points = reallocarray (series->points, series->capacity, sizeof (*points));
    ck_assert_ptr_nonnull (series->points);
  }
  memcpy (series->points + series->count, points, count * sizeof (*points));
  series->count += count;
}

void
engine_note (size_t run, size_t key, size_t context, const struct metric_point *points, size_t count)
{
  append (&engine.series[run][key][0], points, count);
  if (context > 0)
    append (&engine.series[run][key][context], points, count);
}

void
engine_log (size_t run, size_t key, size_t context, enum engine_shape shape, size_t count)
{
  static struct metric_point points[ENGINE_BATCH];
  struct engine_daemon *daemon = &engine.daemons[database_random () % ENGINE_DAEMONS];
  struct err err = { 0 };

  ck_assert_uint_le (count, ENGINE_BATCH);
  engine_make (points, count, shape, run, key);
  ck_assert_msg (ERR_OK == engine_write (daemon, run, key, context, points, count, &err), "%s: %s", err.message,
                 err.cause);
  engine_note (run, key, context, points, count);
}

static int
by_step (const void *a, const void *b)
{
  return metric_point_compare_step (a, b);
}

static int
by_time (const void *a, const void *b)
{
  return metric_point_compare_time (a, b);
}

const struct metric_point *
engine_points (size_t *count, size_t run, size_t key, size_t context)
{
  struct engine_series *series = &engine.series[run][key][context];

  if (series->settled < series->count)
  {
    size_t kept = 0;

    qsort (series->points, series->count, sizeof (series->points[0]), by_step);
    for (size_t i = 0; i < series->count; i++)
      if (0 == kept || 0 != by_step (&series->points[kept - 1], &series->points[i]))
        series->points[kept++] = series->points[i];
    series->count = kept;
    series->settled = kept;
  }
  *count = series->count;
  return series->points;
}

struct metric_point *
engine_points_by_time (size_t *count, size_t run, size_t key)
{
  const struct metric_point *points = engine_points (count, run, key, 0);
  struct metric_point *copy = calloc (*count + 1, sizeof (*copy));

  ck_assert_ptr_nonnull (copy);
  if (*count > 0)
    memcpy (copy, points, *count * sizeof (*copy));
  qsort (copy, *count, sizeof (*copy), by_time);
  return copy;
}

void
engine_assert_same (const struct metric_point *got, size_t got_count, const struct metric_point *expected, size_t count,
                    const char *what)
{
  ck_assert_msg (got_count == count, "%s: %zu points, not %zu", what, got_count, count);
  for (size_t i = 0; i < count; i++)
    ck_assert_msg (engine_same (&got[i], &expected[i]),
                   "%s, point %zu of %zu: step %lld, timestamp %lld, value %a, not %lld, %lld, %a", what, i, count,
                   (long long)got[i].step, (long long)got[i].timestamp_ms, got[i].value, (long long)expected[i].step,
                   (long long)expected[i].timestamp_ms, expected[i].value);
}

/* --- folding and reading ------------------------------------------------------------------------------------------ */

struct fold_result
engine_fold (struct engine_daemon *daemon)
{
  struct fold_result result = { .rows = 0 };
  struct err err = { 0 };

  store_start_request (daemon->connection, 0);
  ck_assert_msg (ERR_OK == fold_runs (&result, daemon->connection, engine.runs, ENGINE_RUNS, &err), "%s: %s",
                 err.message, err.cause);
  (void)store_end_request (daemon->connection);
  return result;
}

void
engine_fold_all (void)
{
  for (unsigned tries = 0; database_number ("SELECT count(*) FROM metric_tail") > 0; tries++)
  {
    ck_assert_uint_lt (tries, 1000);
    (void)engine_fold (&engine.daemons[tries % ENGINE_DAEMONS]);
  }
}

void
engine_read (store_work work, void *context)
{
  struct engine_daemon *daemon = &engine.daemons[database_random () % ENGINE_DAEMONS];
  struct err err = { 0 };

  store_start_request (daemon->connection, 0);
  ck_assert_msg (ERR_OK == store_transaction (daemon->connection, STORE_SNAPSHOT, work, context, &err), "%s: %s",
                 err.message, err.cause);
  (void)store_end_request (daemon->connection);
}
