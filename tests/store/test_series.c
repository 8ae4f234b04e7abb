/* Tests of what goes into series, from the flush of a group to reading it back, and of the latest points. */
#include "engine.h"

#include "ingest/selection.h"
#include "ingest/series.h"

#include <check.h>
#include <stdlib.h>

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

static struct metric_sink
sink (void)
{
  return (struct metric_sink){ engine.daemons[0].keys, NULL, NULL };
}

/* With the points in the tail, and with them folded. */
static void
maybe_fold (int loop)
{
  if (loop > 0)
    engine_fold_all ();
}

START_TEST (finds_the_latest_of_many_keys)
{
  struct metric_entry *entries = arena_array (database.arena, 2000, sizeof (*entries));
  struct metric_write write = { .run_id = engine.runs[1], .entries = entries, .count = 2000 };
  struct metric_sink to = sink ();
  struct err err = { 0 };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;
  struct latest_point *latest;
  size_t count;

  for (size_t i = 0; i < 2000; i++)
    entries[i] = (struct metric_entry){ .key = slice_of (arena_printf (database.arena, "system/gpu_%zu", i % 1000)),
                                        .point = { .step = (int64_t)(i / 1000), .value = (double)i } };
  store_start_request (database.connection, 0);
  ck_assert_int_eq (metric_flush (database.connection, &items, 1, &to, &err), ERR_OK);
  maybe_fold (_i);
  ck_assert_int_eq (series_latest (&latest, &count, to.keys, database.connection, engine.runs, ENGINE_RUNS, NULL, 0,
                                   database.arena, &err),
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

static void
check_nothing (const struct uuid *run_id, uint32_t key_id)
{
  const struct views_options options = { .range = STORE_CHUNK_RANGE_ALL };
  struct selection selection = { .order = metric_point_compare_time, .limit = 10 };
  struct views views;
  struct err err = { 0 };

  ck_assert_int_eq (views_load (&views, database.connection, run_id, 1, &key_id, 1, &options, database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (views.views[0].points, 0);
  ck_assert_int_eq (selection_run (&selection, &views, 0, &err), ERR_OK);
  ck_assert_uint_eq (selection.count, 0);
  ck_assert (! selection.more);
  selection_free (&selection);
}

START_TEST (gives_nothing_for_unknown_runs_and_keys)
{
  struct uuid unknown;
  struct latest_point *latest;
  struct err err = { 0 };
  size_t count = 9;

  engine_log (0, 0, 0, ENGINE_ASCENDING, 30);
  maybe_fold (_i);
  ck_assert (uuid_random (&unknown));
  check_nothing (&unknown, engine.key_ids[0]);
  check_nothing (&engine.runs[1], engine.key_ids[0]);
  check_nothing (&engine.runs[0], engine.key_ids[1]);
  check_nothing (&engine.runs[0], 0);
  ck_assert_int_eq (series_latest (&latest, &count, engine.daemons[0].keys, database.connection, &unknown, 1, NULL, 0,
                                   database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (count, 0);
  ck_assert_int_eq (series_latest (&latest, &count, engine.daemons[0].keys, database.connection, NULL, 0, NULL, 0,
                                   database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (count, 0);
}
END_TEST

/* Offsets of page tokens are added to the limit: whatever a client says must do no harm. */
START_TEST (takes_any_limit)
{
  static const size_t limits[] = { 1, SIZE_MAX / 4, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 5000, SIZE_MAX };
  const struct views_options options = { .range = STORE_CHUNK_RANGE_ALL };
  struct views views;
  struct err err = { 0 };
  size_t expected;

  for (unsigned i = 0; i < 4; i++)
    engine_log (0, 0, 0, ENGINE_ASCENDING, ENGINE_BATCH);
  maybe_fold (_i);
  (void)engine_points (&expected, 0, 0, 0);
  ck_assert_uint_gt (expected, 2 * CHUNK_MAX_POINTS);
  for (size_t i = 0; i < sizeof (limits) / sizeof (limits[0]); i++)
  {
    struct selection selection = { .order = metric_point_compare_time, .limit = limits[i] };

    ck_assert_int_eq (
        views_load (&views, database.connection, engine.runs, 1, engine.key_ids, 1, &options, database.arena, &err),
        ERR_OK);
    ck_assert_int_eq (selection_run (&selection, &views, 0, &err), ERR_OK);
    ck_assert_uint_eq (selection.count, limits[i] < expected ? limits[i] : expected);
    selection_free (&selection);
  }
}
END_TEST

/* --- groups with runs that refuse --------------------------------------------------------------------------------- */

START_TEST (writes_to_active_runs_only)
{
  /* Which run each request of the group is for: 0 active, 1 deleted, 2 unknown, 3 another active one. */
  static const size_t kinds[] = { 0, 1, 2, 0, 3, 1, 0 };
  static const size_t counts[ENGINE_RUNS] = { 3, 0, 1 };
  struct uuid targets[] = { engine.runs[0], engine.runs[1], { { 1, 2, 3 } }, engine.runs[2] };
  const struct views_options options = { .range = STORE_CHUNK_RANGE_ALL };
  struct metric_entry entries[7];
  struct metric_write writes[7];
  struct commit_item items[7];
  struct commit_item *pointers[7];
  struct err errs[7];
  struct metric_sink to = sink ();
  struct views views;
  struct err err = { 0 };
  char text[UUID_TEXT_BYTES];

  memset (errs, 0, sizeof (errs));
  uuid_format (text, &engine.runs[1]);
  database_run ("UPDATE run SET deleted_at_ms = 1 WHERE run_id = '%s'", text);
  for (size_t i = 0; i < 7; i++)
  {
    entries[i] = (struct metric_entry){ .key = SLICE ("loss"), .point = { .step = (int64_t)i, .value = 1 } };
    writes[i] = (struct metric_write){ targets[kinds[i]], &entries[i], 1 };
    items[i] = (struct commit_item){ .err = &errs[i], .payload = &writes[i] };
    pointers[i] = &items[i];
  }
  store_start_request (database.connection, 0);
  ck_assert_int_eq (metric_flush (database.connection, pointers, 7, &to, &err), ERR_OK);
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
  maybe_fold (_i);
  ck_assert_int_eq (views_load (&views, database.connection, engine.runs, ENGINE_RUNS, engine.key_ids, 1, &options,
                                database.arena, &err),
                    ERR_OK);
  for (size_t i = 0; i < ENGINE_RUNS; i++)
  {
    ck_assert_uint_eq (views.views[i].points, counts[i]);
    ck_assert_uint_eq (views.views[i].young_count, counts[i]);
  }
  ck_assert_int_eq (views.views[0].young[2].step, 6);
}
END_TEST

START_TEST (keeps_contexts)
{
  struct metric_context context = { SLICE ("m-1"), SLICE ("train"), SLICE ("abc") };
  struct metric_entry entry = { .key = SLICE ("loss"), .point = { 5, 6, 7, 0 }, .context = &context };
  struct metric_write write = { engine.runs[0], &entry, 1 };
  struct metric_sink to = sink ();
  struct err err = { 0 };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;

  store_start_request (database.connection, 0);
  ck_assert_int_eq (metric_flush (database.connection, &items, 1, &to, &err), ERR_OK);
  ck_assert_int_eq (
      database_number ("SELECT position('\\x6d2d3105747261696e03616263' in points)::int8 FROM metric_tail") > 0, 1);
  engine_fold_all ();
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_series s JOIN metric_context c USING (context_id)"
                                     " WHERE c.model_id = 'm-1' AND c.dataset_name = 'train'"
                                     " AND c.dataset_digest = 'abc' AND s.latest_value = 7 AND s.latest_step = 6"
                                     " AND s.latest_timestamp_ms = 5 AND s.point_count = 1 AND s.recent IS NULL"),
                    1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_series WHERE context_id = 0 AND point_count = 1"), 1);
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
  tcase_add_loop_test (reading, finds_the_latest_of_many_keys, 0, 2);
  tcase_add_loop_test (reading, gives_nothing_for_unknown_runs_and_keys, 0, 2);
  tcase_add_loop_test (reading, takes_any_limit, 0, 2);
  suite_add_tcase (suite, reading);
  tcase_add_checked_fixture (writing, set_up, tear_down);
  tcase_set_timeout (writing, 120);
  tcase_add_loop_test (writing, writes_to_active_runs_only, 0, 2);
  tcase_add_test (writing, keeps_contexts);
  suite_add_tcase (suite, writing);
  return suite;
}
