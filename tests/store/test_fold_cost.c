/* Tests of what folding costs: how often a point is written anew, and that wide runs and backlogs are folded at all. */
#include "engine.h"

#include "ingest/pack.h"
#include "store/metric.h"

#include <check.h>
#include <stdlib.h>

/* Keys of a wide run: what they keep takes more than the memory of a fold when it is unpacked at once. */
#define WIDE_KEYS 80000

static void
set_up (void)
{
  engine_open ();
}

static void
tear_down (void)
{
  engine_close ();
}

/* One point for each fold. */
START_TEST (of_a_trickle_stays_in_proportion)
{
  const size_t points = 5000;
  size_t written = 0;

  for (size_t i = 0; i < points; i++)
  {
    engine_log (0, 0, 0, ENGINE_ASCENDING, 1);
    written += engine_fold (&engine.daemons[0]).chunk_points;
  }
  engine_check_stored ();
  /* Each point is in chunks once at least, and goes from chunk to chunk as in a binary counter, log2 (4096 / 128)
     times; measured: 2.3. */
  ck_assert_uint_ge (written, points - FOLD_RECENT_MAX);
  ck_assert_msg (written <= points * 6, "%zu points written for %zu", written, points);
}
END_TEST

/* Few late points for each fold of a long series, and some at its end. */
START_TEST (of_late_points_stays_in_proportion)
{
  const size_t rounds = 1200;
  size_t written = 0;
  size_t before;
  size_t after;

  for (unsigned i = 0; i < 8; i++)
    engine_log (0, 0, 0, ENGINE_ASCENDING, ENGINE_BATCH);
  engine_fold_all ();
  (void)engine_points (&before, 0, 0, 0);
  for (size_t i = 0; i < rounds; i++)
  {
    engine_log (0, 0, 0, ENGINE_LATE, 1 + database_random () % 20);
    engine_log (0, 0, 0, ENGINE_ASCENDING, 1);
    written += engine_fold (&engine.daemons[0]).chunk_points;
  }
  (void)engine_points (&after, 0, 0, 0);
  engine_check_stored ();
  /* Strays are written once, and with eight times as many others when they are merged; measured: 7.4. */
  ck_assert_msg (written <= (after - before) * 16, "%zu points written for %zu", written, after - before);
}
END_TEST

/* Every point at a random place of a series that begins empty. */
START_TEST (of_points_in_no_order_stays_in_proportion)
{
  const size_t rounds = 1500;
  size_t written = 0;
  size_t count;

  engine.next_step[0][0] = 1000000;
  for (size_t i = 0; i < rounds; i++)
  {
    engine_log (0, 0, 0, ENGINE_LATE, 10);
    written += engine_fold (&engine.daemons[0]).chunk_points;
  }
  (void)engine_points (&count, 0, 0, 0);
  engine_check_stored ();
  /* Measured: 7.7. */
  ck_assert_msg (written <= count * 24, "%zu points written for %zu", written, count);
}
END_TEST

/* --- wide runs ---------------------------------------------------------------------------------------------------- */

/* The key_id of the first of many keys. */
#define FIRST_KEY 1000

/* Give as many series as there are keys the row of another. */
static void
copy_series (void)
{
  database_run ("INSERT INTO metric_series (run_id, key_id, latest_step, latest_timestamp_ms, latest_value, first_step,"
                " first_timestamp_ms, first_value, min_timestamp_ms, max_timestamp_ms, point_count, nan_count,"
                " min_value, max_value, chunk_points, stray_points, chunk_end_step, chunk_end_timestamp_ms, recent)"
                " SELECT run_id, key, latest_step, latest_timestamp_ms, latest_value, first_step, first_timestamp_ms,"
                " first_value, min_timestamp_ms, max_timestamp_ms, point_count, nan_count, min_value, max_value,"
                " chunk_points, stray_points, chunk_end_step, chunk_end_timestamp_ms, recent"
                " FROM metric_series, generate_series(%d, %d) AS k (key)",
                FIRST_KEY, FIRST_KEY + WIDE_KEYS - 1);
}

/* One more point of each key, behind the others. */
static void
log_wide (int64_t step)
{
  struct buffer packed;
  struct pack_writer writer;
  struct slice points;
  struct err err = { 0 };

  buffer_init (&packed, (size_t)64 * 1024 * 1024);
  pack_start (&writer, &packed);
  for (uint32_t key = 0; key < WIDE_KEYS; key++)
    pack_point (&writer,
                &(struct metric_point){ .step = step, .timestamp_ms = step, .value = 1, .key_id = FIRST_KEY + key },
                NULL);
  pack_finish (&writer);
  points = buffer_slice (&packed);
  store_start_request (database.connection, 0);
  ck_assert_int_eq (
      store_metric_append (database.connection, engine.runs, &points, 1, NULL, NULL, NULL, database.arena, &err),
      ERR_OK);
  buffer_free (&packed);
}

/* All series become full in the same fold. */
START_TEST (of_a_wide_run_fits_into_memory)
{
  struct fold_result result;

  engine_log (0, 0, 0, ENGINE_ASCENDING, FOLD_RECENT_MAX);
  engine_fold_all ();
  ck_assert_int_eq (database_number ("SELECT point_count FROM metric_series"), FOLD_RECENT_MAX);
  copy_series ();
  log_wide (1000000);
  result = engine_fold (&engine.daemons[0]);
  ck_assert (! result.more);
  ck_assert_uint_eq (result.keys[0], WIDE_KEYS);
  ck_assert_uint_eq (result.added, WIDE_KEYS);
  ck_assert_uint_eq (result.chunks, WIDE_KEYS);
  ck_assert_uint_eq (result.chunk_points, (size_t)WIDE_KEYS * (FOLD_RECENT_MAX + 1));
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_series WHERE recent IS NULL AND latest_step = 1000000"
                                     " AND point_count = %d AND chunk_points = %d",
                                     FOLD_RECENT_MAX + 1, FOLD_RECENT_MAX + 1),
                    WIDE_KEYS);
  ck_assert_int_eq (
      database_number ("SELECT count(DISTINCT key_id) FROM metric_chunk WHERE point_count = %d", FOLD_RECENT_MAX + 1),
      WIDE_KEYS);
}
END_TEST

/* A tail of many rows and bytes is taken in several folds. */
START_TEST (of_a_backlog_is_divided)
{
  struct fold_result result = { .more = true };
  size_t rows = 0;
  unsigned folds = 0;

  for (unsigned i = 0; i < 2100; i++)
    engine_log (i % ENGINE_RUNS, 0, 0, ENGINE_ASCENDING, 1);
  for (unsigned i = 0; i < 130; i++)
    engine_log (0, 1, i % ENGINE_CONTEXTS, ENGINE_ASCENDING, ENGINE_BATCH);
  for (; result.more; folds++)
  {
    ck_assert_uint_lt (folds, 50);
    result = engine_fold (&engine.daemons[folds % ENGINE_DAEMONS]);
    rows += result.rows;
  }
  ck_assert_uint_gt (folds, 1);
  ck_assert_uint_eq (rows, 2230);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_tail"), 0);
  engine_check_stored ();
}
END_TEST

Suite *fold_cost_suite (void);

Suite *
fold_cost_suite (void)
{
  Suite *suite = suite_create ("fold cost");
  TCase *cost = tcase_create ("cost");

  tcase_add_checked_fixture (cost, set_up, tear_down);
  tcase_set_timeout (cost, 500);
  tcase_add_test (cost, of_a_trickle_stays_in_proportion);
  tcase_add_test (cost, of_late_points_stays_in_proportion);
  tcase_add_test (cost, of_points_in_no_order_stays_in_proportion);
  tcase_add_test (cost, of_a_wide_run_fits_into_memory);
  tcase_add_test (cost, of_a_backlog_is_divided);
  suite_add_tcase (suite, cost);
  return suite;
}
