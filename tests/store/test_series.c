/* Tests of metric points from the flush of a group to reading them back, against a plain list of what was logged. */
#include "database.h"

#include "ingest/metric_flush.h"
#include "ingest/series.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Far above the names here. */
#define DICTIONARY_BYTES ((size_t)1024 * 1024)

#define RUNS 5
#define KEYS 4
/* One run and one key that nothing is logged to. */
#define SILENT_RUN (RUNS - 1)
#define SILENT_KEY (KEYS - 1)

static const char *const key_names[KEYS] = { "loss", "val/accuracy", "\xC3\xA9tat", "silent" };

static struct metric_keys *keys;
static struct uuid runs[RUNS];

/* Everything that was logged. */
struct logged
{
  size_t run;
  size_t key;
  struct metric_point point;
};

static struct logged logged[20000];
static size_t logged_count;

static void
set_up (void)
{
  int64_t experiment;

  database_open_migrated ();
  keys = metric_keys_new (DICTIONARY_BYTES);
  ck_assert_ptr_nonnull (keys);
  experiment = database_experiment ("series");
  for (size_t i = 0; i < RUNS; i++)
    runs[i] = database_make_run (experiment);
}

static void
tear_down (void)
{
  metric_keys_free (keys);
  database_close ();
}

/* Few different members, so that points tie and repeat. */
static struct metric_point
random_point (void)
{
  static const double values[] = { 0.0, -0.0, 1.5, -1.5, INFINITY, -INFINITY, NAN, 5e-324 };
  static const int64_t extremes[] = { INT64_MIN, INT64_MAX, 0, -1 };
  uint64_t random = database_random ();
  struct metric_point point = { .timestamp_ms = (int64_t)(random >> 8 & 15),
                                .step = (int64_t)(random >> 12 & 31) - 8,
                                .value = values[random >> 20 & 7] };

  if (0 == (random & 15))
    point.step = extremes[random >> 24 & 3];
  if (1 == (random & 15))
    point.timestamp_ms = INT64_MAX;
  if (2 == (random & 3))
    point.value = (double)(random >> 32);
  return point;
}

/* One group of requests, each for one run. */
static void
log_group (size_t requests, size_t points_max)
{
  struct metric_write *writes = arena_array (database.arena, requests, sizeof (*writes));
  struct commit_item *items = arena_array (database.arena, requests, sizeof (*items));
  struct commit_item **pointers = arena_array (database.arena, requests, sizeof (*pointers));
  struct err *errs = arena_array (database.arena, requests, sizeof (*errs));
  struct err err = { 0 };

  ck_assert (NULL != writes && NULL != items && NULL != pointers && NULL != errs);
  for (size_t i = 0; i < requests; i++)
  {
    size_t run = database_random () % SILENT_RUN;

    writes[i].run_id = runs[run];
    writes[i].count = 1 + database_random () % points_max;
    writes[i].entries = arena_array (database.arena, writes[i].count, sizeof (struct metric_entry));
    for (size_t k = 0; k < writes[i].count; k++)
    {
      size_t key = database_random () % SILENT_KEY;

      writes[i].entries[k].key = slice_of (key_names[key]);
      writes[i].entries[k].point = random_point ();
      ck_assert_uint_lt (logged_count, sizeof (logged) / sizeof (logged[0]));
      logged[logged_count++] = (struct logged){ run, key, writes[i].entries[k].point };
    }
    items[i] = (struct commit_item){ .err = &errs[i], .payload = &writes[i] };
    pointers[i] = &items[i];
  }
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == metric_flush (database.connection, pointers, requests, keys, &err), "%s: %s", err.message,
                 err.cause);
  for (size_t i = 0; i < requests; i++)
    ck_assert_int_eq (errs[i].code, ERR_OK);
}

static void
log_everything (void)
{
  for (unsigned group = 0; group < 40; group++)
    log_group (1 + database_random () % 12, 20);
}

/* Reference order, written out: members compared in turn. */
static int
compare_members (int64_t a1, int64_t b1, int64_t a2, int64_t b2, double a3, double b3)
{
  if (a1 != b1)
    return a1 < b1 ? -1 : 1;
  if (a2 != b2)
    return a2 < b2 ? -1 : 1;
  if (isnan (a3) || isnan (b3))
    return isnan (a3) && isnan (b3) ? 0 : isnan (a3) ? -1 : 1;
  if (a3 != b3)
    return a3 < b3 ? -1 : 1;
  return (signbit (a3) ? 0 : 1) - (signbit (b3) ? 0 : 1);
}

static int
by_time (const void *left, const void *right)
{
  const struct metric_point *a = left;
  const struct metric_point *b = right;

  return compare_members (a->timestamp_ms, b->timestamp_ms, a->step, b->step, a->value, b->value);
}

static int
by_step (const void *left, const void *right)
{
  const struct metric_point *a = left;
  const struct metric_point *b = right;

  return compare_members (a->step, b->step, a->timestamp_ms, b->timestamp_ms, a->value, b->value);
}

static bool
same_point (const struct metric_point *a, const struct metric_point *b)
{
  return 0 == by_time (a, b);
}

/* The points of a run and key, sorted, each once. */
static struct metric_point *
expected_series (size_t *count, size_t run, size_t key, int (*compare) (const void *, const void *))
{
  struct metric_point *points = arena_array (database.arena, logged_count + 1, sizeof (*points));
  size_t found = 0;

  ck_assert_ptr_nonnull (points);
  for (size_t i = 0; i < logged_count; i++)
    if (logged[i].run == run && logged[i].key == key)
      points[found++] = logged[i].point;
  qsort (points, found, sizeof (*points), compare);
  *count = 0;
  for (size_t i = 0; i < found; i++)
    if (0 == *count || ! same_point (&points[*count - 1], &points[i]))
      points[(*count)++] = points[i];
  return points;
}

START_TEST (loads_what_was_logged)
{
  static const size_t orders_of_runs[][RUNS] = { { 0, 1, 2, 3, 4 }, { 4, 2, 0, 3, 1 } };
  struct
  {
    series_order order;
    int (*compare) (const void *, const void *);
  } orders[] = { { metric_point_compare_time, by_time }, { metric_point_compare_step, by_step } };

  log_everything ();
  for (size_t key = 0; key < KEYS; key++)
  {
    const size_t *places = orders_of_runs[key % 2];
    struct uuid ids[RUNS];
    struct series series[RUNS];
    struct err err = { 0 };

    for (size_t i = 0; i < RUNS; i++)
      ids[i] = runs[places[i]];
    ck_assert_msg (ERR_OK
                       == series_load (series, keys, database.connection, ids, RUNS, slice_of (key_names[key]),
                                       orders[_i].order, 1000000, database.arena, &err),
                   "%s: %s", err.message, err.cause);
    for (size_t i = 0; i < RUNS; i++)
    {
      size_t count;
      struct metric_point *expected = expected_series (&count, places[i], key, orders[_i].compare);

      ck_assert_msg (series[i].count == count, "run %zu, key %zu: %zu points, not %zu", places[i], key, series[i].count,
                     count);
      for (size_t k = 0; k < count; k++)
        ck_assert_msg (same_point (&series[i].points[k], &expected[k]), "run %zu, key %zu, point %zu", places[i], key,
                       k);
      /* The test must not pass by comparing nothing with nothing. */
      ck_assert_int_eq (count > 0, SILENT_RUN != places[i] && SILENT_KEY != key);
    }
    series_free (series, RUNS);
  }
}
END_TEST

START_TEST (finds_the_latest_points)
{
  const size_t places[] = { 3, 4, 0, 2, 1 };
  /* Keys in the order of their bytes. */
  const size_t sorted_keys[] = { 0, 1, 2 };
  struct uuid ids[RUNS];
  struct latest_point *latest;
  struct err err = { 0 };
  size_t count;
  size_t at = 0;

  log_everything ();
  for (size_t i = 0; i < RUNS; i++)
    ids[i] = runs[places[i]];
  ck_assert_msg (ERR_OK == series_latest (&latest, &count, keys, database.connection, ids, RUNS, database.arena, &err),
                 "%s: %s", err.message, err.cause);
  for (size_t i = 0; i < RUNS; i++)
    for (size_t k = 0; k < 3; k++)
    {
      size_t points;
      struct metric_point *expected = expected_series (&points, places[i], sorted_keys[k], by_step);

      if (0 == points)
        continue;
      ck_assert_uint_lt (at, count);
      ck_assert_uint_eq (latest[at].run, i);
      ck_assert (slice_is (latest[at].key, key_names[sorted_keys[k]]));
      ck_assert_msg (same_point (&latest[at].point, &expected[points - 1]), "run %zu, key %zu", places[i], k);
      at++;
    }
  ck_assert_uint_eq (at, count);
  ck_assert_uint_eq (count, (RUNS - 1) * (KEYS - 1));
}
END_TEST

START_TEST (keeps_many_keys_of_a_run_apart)
{
  struct metric_entry *entries = arena_array (database.arena, 2000, sizeof (*entries));
  struct metric_write write = { .run_id = runs[1], .entries = entries, .count = 2000 };
  struct err err = { 0 };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;
  struct latest_point *latest;
  size_t count;

  for (size_t i = 0; i < 2000; i++)
    entries[i] = (struct metric_entry){ .key = slice_of (arena_printf (database.arena, "system/gpu_%zu", i % 1000)),
                                        .point = { .step = (int64_t)(i / 1000), .value = (double)i } };
  store_start_request (database.connection, 0);
  ck_assert_int_eq (metric_flush (database.connection, &items, 1, keys, &err), ERR_OK);
  ck_assert_int_eq (series_latest (&latest, &count, keys, database.connection, runs, RUNS, database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (count, 1000);
  for (size_t i = 0; i < count; i++)
  {
    ck_assert_uint_eq (latest[i].run, 1);
    ck_assert_int_eq (latest[i].point.step, 1);
    ck_assert (
        slice_is (latest[i].key, arena_printf (database.arena, "system/gpu_%d", (int)latest[i].point.value - 1000)));
    ck_assert (0 == i || memcmp (latest[i - 1].key.data, latest[i].key.data, latest[i].key.len) < 0
               || latest[i - 1].key.len < latest[i].key.len);
  }
}
END_TEST

START_TEST (gives_nothing_for_unknown_runs_and_keys)
{
  struct uuid unknown[2];
  struct series series[2];
  struct latest_point *latest;
  struct err err = { 0 };
  size_t count = 9;

  log_group (3, 3);
  ck_assert (uuid_random (&unknown[0]) && uuid_random (&unknown[1]));
  ck_assert_int_eq (series_load (series, keys, database.connection, unknown, 2, SLICE ("loss"),
                                 metric_point_compare_time, 10, database.arena, &err),
                    ERR_OK);
  ck_assert (0 == series[0].count && 0 == series[1].count);
  ck_assert_int_eq (series_load (series, keys, database.connection, runs, 2, SLICE ("never logged"),
                                 metric_point_compare_time, 10, database.arena, &err),
                    ERR_OK);
  ck_assert (0 == series[0].count && 0 == series[1].count);
  ck_assert_int_eq (series_latest (&latest, &count, keys, database.connection, unknown, 2, database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (count, 0);
  ck_assert_int_eq (series_latest (&latest, &count, keys, database.connection, NULL, 0, database.arena, &err), ERR_OK);
  ck_assert_uint_eq (count, 0);
}
END_TEST

START_TEST (refuses_more_points_than_fit)
{
  struct series series[RUNS];
  struct err err = { 0 };
  size_t total = 0;

  log_everything ();
  for (size_t i = 0; i < logged_count; i++)
    total += 0 == logged[i].key;
  ck_assert_uint_gt (total, 100);
  ck_assert_int_eq (series_load (series, keys, database.connection, runs, RUNS, SLICE ("loss"),
                                 metric_point_compare_time, total - 1, database.arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  series_free (series, RUNS);
  err = (struct err){ 0 };
  ck_assert_int_eq (series_load (series, keys, database.connection, runs, RUNS, SLICE ("loss"),
                                 metric_point_compare_time, total, database.arena, &err),
                    ERR_OK);
  series_free (series, RUNS);
  ck_assert_uint_eq (series[0].count, 0);
}
END_TEST

START_TEST (does_not_take_damage_for_an_end)
{
  static const char *const damages[] = { "\\x", "\\x02", "\\x0104", "\\x0100000000000000000000000000" };
  char run[UUID_TEXT_BYTES];
  struct series series;
  struct latest_point *latest;
  struct err err = { 0 };
  size_t count;

  log_group (3, 3);
  uuid_format (run, &runs[0]);
  database_run ("INSERT INTO metric_tail (run_id, points) VALUES ('%s', '%s')", run, damages[_i]);
  ck_assert_int_eq (series_load (&series, keys, database.connection, runs, 1, SLICE ("loss"), metric_point_compare_time,
                                 1000, database.arena, &err),
                    ERR_INTERNAL_ERROR);
  series_free (&series, 1);
  err = (struct err){ 0 };
  ck_assert_int_eq (series_latest (&latest, &count, keys, database.connection, runs, 1, database.arena, &err),
                    ERR_INTERNAL_ERROR);
}
END_TEST

/* --- groups with runs that refuse --------------------------------------------------------------------------------- */

START_TEST (writes_to_active_runs_only)
{
  /* Which run each request of the group is for: 0 active, 1 deleted, 2 unknown, 3 another active one. */
  static const size_t kinds[] = { 0, 1, 2, 0, 3, 1, 0 };
  struct uuid targets[] = { runs[0], runs[1], { { 1, 2, 3 } }, runs[2] };
  struct metric_entry entries[7];
  struct metric_write writes[7];
  struct commit_item items[7];
  struct commit_item *pointers[7];
  struct err errs[7];
  struct series series[3];
  struct err err = { 0 };
  char text[UUID_TEXT_BYTES];

  memset (errs, 0, sizeof (errs));
  uuid_format (text, &runs[1]);
  database_run ("UPDATE run SET deleted_at_ms = 1 WHERE run_id = '%s'", text);
  for (size_t i = 0; i < 7; i++)
  {
    entries[i] = (struct metric_entry){ .key = SLICE ("loss"), .point = { .step = (int64_t)i, .value = 1 } };
    writes[i] = (struct metric_write){ targets[kinds[i]], &entries[i], 1 };
    items[i] = (struct commit_item){ .err = &errs[i], .payload = &writes[i] };
    pointers[i] = &items[i];
  }
  store_start_request (database.connection, 0);
  ck_assert_int_eq (metric_flush (database.connection, pointers, 7, keys, &err), ERR_OK);
  for (size_t i = 0; i < 7; i++)
  {
    uuid_format (text, &targets[kinds[i]]);
    ck_assert_msg (errs[i].code
                       == (1 == kinds[i]   ? ERR_INVALID_PARAMETER_VALUE
                           : 2 == kinds[i] ? ERR_RESOURCE_DOES_NOT_EXIST
                                           : ERR_OK),
                   "request %zu: %s", i, errs[i].message);
    if (1 == kinds[i])
      ck_assert_str_eq (
          errs[i].message,
          arena_printf (database.arena, "The run %s must be in the 'active' state. Current state is deleted.", text));
    if (2 == kinds[i])
      ck_assert_str_eq (errs[i].message, arena_printf (database.arena, "Run with id=%s not found", text));
  }
  /* One row for each run that got something. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_tail"), 2);
  ck_assert_int_eq (series_load (series, keys, database.connection, runs, 3, SLICE ("loss"), metric_point_compare_step,
                                 100, database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (series[0].count, 3);
  ck_assert_uint_eq (series[1].count, 0);
  ck_assert_uint_eq (series[2].count, 1);
  ck_assert_int_eq (series[0].points[2].step, 6);
  series_free (series, 3);
}
END_TEST

START_TEST (keeps_contexts)
{
  struct metric_context context = { SLICE ("m-1"), SLICE ("train"), SLICE ("abc") };
  struct metric_entry entry = { .key = SLICE ("loss"), .point = { 5, 6, 7, 0 }, .context = &context };
  struct metric_write write = { runs[0], &entry, 1 };
  struct err err = { 0 };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;
  struct series series;

  store_start_request (database.connection, 0);
  ck_assert_int_eq (metric_flush (database.connection, &items, 1, keys, &err), ERR_OK);
  ck_assert_int_eq (
      database_number ("SELECT position('\\x6d2d3105747261696e03616263' in points)::int8 FROM metric_tail") > 0, 1);
  ck_assert_int_eq (series_load (&series, keys, database.connection, runs, 1, SLICE ("loss"), metric_point_compare_step,
                                 100, database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (series.count, 1);
  ck_assert_int_eq (series.points[0].timestamp_ms, 5);
  series_free (&series, 1);
}
END_TEST

Suite *series_suite (void);

Suite *
series_suite (void)
{
  Suite *suite = suite_create ("series");
  TCase *reading = tcase_create ("reading");
  TCase *writing = tcase_create ("writing");

  tcase_add_checked_fixture (reading, set_up, tear_down);
  tcase_set_timeout (reading, 120);
  tcase_add_loop_test (reading, loads_what_was_logged, 0, 2);
  tcase_add_test (reading, finds_the_latest_points);
  tcase_add_test (reading, keeps_many_keys_of_a_run_apart);
  tcase_add_test (reading, gives_nothing_for_unknown_runs_and_keys);
  tcase_add_test (reading, refuses_more_points_than_fit);
  tcase_add_loop_test (reading, does_not_take_damage_for_an_end, 0, 4);
  suite_add_tcase (suite, reading);
  tcase_add_checked_fixture (writing, set_up, tear_down);
  tcase_set_timeout (writing, 120);
  tcase_add_test (writing, writes_to_active_runs_only);
  tcase_add_test (writing, keeps_contexts);
  suite_add_tcase (suite, writing);
  return suite;
}
