/* Tests of what folding costs: how often a point is written anew, and that wide runs and backlogs are folded at all. */
#include "engine.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Keys of a wide run. */
#define WIDE_KEYS 10000
/* Points of each of them in one round; five rounds fill what the row of a series keeps. */
#define WIDE_POINTS 26
#define WIDE_ROUNDS 16

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

/* Write the same number of points of each of many keys, all in step. */
static void
log_wide (size_t round)
{
  static struct metric_entry entries[WIDE_KEYS * WIDE_POINTS];
  static char names[WIDE_KEYS][24];
  struct metric_write write = { engine.runs[0], entries, WIDE_KEYS * WIDE_POINTS };
  struct err err = { 0 };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;
  struct metric_sink sink = { engine.daemons[0].keys, NULL };
  size_t at = 0;

  for (size_t i = 0; i < WIDE_POINTS; i++)
    for (size_t key = 0; key < WIDE_KEYS; key++)
    {
      size_t step = round * WIDE_POINTS + i;

      snprintf (names[key], sizeof (names[key]), "layer/%zu", key);
      entries[at++] = (struct metric_entry){
        .key = slice_of (names[key]),
        .point = { .step = (int64_t)step, .timestamp_ms = (int64_t)step * 1000, .value = (double)(key % 100) }
      };
    }
  store_start_request (engine.daemons[0].connection, 0);
  ck_assert_msg (ERR_OK == metric_flush (engine.daemons[0].connection, &items, 1, &sink, &err), "%s: %s", err.message,
                 err.cause);
}

/* All series become full in the same fold, and what they merge with does so too. */
START_TEST (of_a_wide_run_fits_into_memory)
{
  size_t written = 0;

  for (size_t round = 0; round < WIDE_ROUNDS; round++)
  {
    struct fold_result result;

    log_wide (round);
    result = engine_fold (&engine.daemons[0]);
    ck_assert (! result.more);
    ck_assert_uint_eq (result.keys[0], WIDE_KEYS);
    ck_assert_uint_eq (result.added, WIDE_KEYS * WIDE_POINTS);
    written += result.chunk_points;
  }
  ck_assert_int_eq (
      database_number ("SELECT count(*) FROM metric_series WHERE point_count = %d", WIDE_ROUNDS * WIDE_POINTS),
      WIDE_KEYS);
  ck_assert_int_eq (database_number ("SELECT count(DISTINCT key_id) FROM metric_chunk"), WIDE_KEYS);
  /* Measured: 1.9. */
  ck_assert_uint_le (written, (size_t)WIDE_ROUNDS * WIDE_POINTS * WIDE_KEYS * 4);
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
