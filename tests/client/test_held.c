/* Tests of runs that nobody knows yet: others go on, and nothing is lost, sent twice or out of order. */
#include "delivery.h"
#include "folder.h"
#include "streams.h"
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct world world;
static char *folder;

static void
set_up (void)
{
  world_begin (&world, false);
  world_open (&world);
  folder = folder_new ();
}

static void
tear_down (void)
{
  world_end (&world);
  folder_remove_all (folder);
}

static struct tally_run *
resume (const char *id)
{
  struct tally_run *run;

  ck_assert_msg (TALLY_OK == tally_run_resume (&run, world.client, id, false, &world.err), "%s", world.err.message);
  return run;
}

static void
wait_for_points (const struct tally_run *run, size_t count)
{
  for (unsigned waited_ms = 0; world_count (&world, run, "points") < count; waited_ms += 10)
  {
    ck_assert_uint_lt (waited_ms, PATIENCE_MS);
    usleep (10000);
  }
}

/* All that came for the run, in order: points of the steps `first` to `last`, once. */
static void
check_points (const struct tally_run *run, int64_t first, int64_t last)
{
  json_t *object = fake_mlflow_run (world.fake, tally_run_id (run));
  const json_t *line;
  const json_t *point;
  size_t points = 0;
  size_t i;

  json_array_foreach (json_object_get (object, "log"), i, line) points +=
      0 == strncmp (json_string_value (line), "point", 5) ? 1 : 0;
  ck_assert_msg (points == (size_t)(last + 1 - first), "%s: %zu points of %lld", tally_run_id (run), points,
                 (long long)(last + 1 - first));
  json_array_foreach (json_object_get (object, "points"), i, point)
      ck_assert_int_eq (json_integer_value (json_array_get (point, 2)), first + (int64_t)i);
  ck_assert_uint_eq (i, points);
  ck_assert_uint_eq (json_array_size (json_object_get (object, "again")), 0);
  json_decref (object);
}

static void
log_steps (struct tally_run *run, int64_t first, int64_t last)
{
  for (int64_t step = first; step <= last; step++)
    ck_assert_int_eq (TALLY_OK, tally_log_metric_at (run, "loss", 0.5, step, 1000 + step, NULL));
}

START_TEST (other_runs_go_on)
{
  static const char id[] = "00000000000000000000000000abcdef";
  struct tally_run *unknown = resume (id);
  struct tally_run *known;
  struct tally_counters counters;

  log_steps (unknown, 1, 100);
  known = world_run (&world, "x");
  log_steps (known, 1, 3000);
  wait_for_points (known, 3000);
  /* Windows later too, with what comes in between. */
  for (int64_t step = 101; step <= 6000; step++)
  {
    log_steps (unknown, step, step);
    log_steps (known, 2900 + step, 2900 + step);
  }
  wait_for_points (known, 8900);
  /* It says what it waits for, when that was what it tried last. */
  do
    ck_assert_int_eq (TALLY_ERROR_TIMEOUT, tally_flush (world.client, 100, &world.err));
  while (NULL == strstr (world.err.message, id));
  fake_mlflow_add_run (world.fake, id);
  log_steps (unknown, 6001, 6100);
  world_flush (&world);
  check_points (unknown, 1, 6100);
  check_points (known, 1, 8900);
  tally_counters (world.client, &counters);
  ck_assert_uint_eq (counters.rejected, 0);
  ck_assert_uint_eq (counters.sent, counters.logged);
  ck_assert_uint_eq (world.events[TALLY_EVENT_UNREACHABLE], 0);
  tally_run_free (unknown);
  tally_run_free (known);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  ck_assert_uint_eq (world_streams (&world), 0);
}
END_TEST

/* A child whose parent is not there is not there either, and comes behind it. */
START_TEST (children_wait_for_their_parent)
{
  static const char id[] = "00000000000000000000000000abcdef";
  struct tally_run *parent = resume (id);
  struct tally_run *child;
  struct tally_run *other;

  ck_assert_int_eq (TALLY_OK, tally_run_start_nested (&child, parent, "child", NULL));
  log_steps (child, 1, 50);
  other = world_run (&world, "x");
  log_steps (other, 1, 50);
  wait_for_points (other, 50);
  ck_assert_uint_eq (fake_mlflow_runs (world.fake), 1);
  fake_mlflow_add_run (world.fake, id);
  world_flush (&world);
  check_points (child, 1, 50);
  ck_assert_str_eq (id, world_text (&world, tally_run_id (child), "tags", "mlflow.parentRunId"));
  tally_run_free (child);
  tally_run_free (parent);
  tally_run_free (other);
}
END_TEST

/* The files of others go on too, and those of the run keep their order: the last of a name is what stays. */
START_TEST (other_files_go_on)
{
  static const char id[] = "00000000000000000000000000abcdef";
  struct tally_run *unknown = resume (id);
  struct tally_run *known = world_run (&world, "x");
  char path[128];
  char known_id[TALLY_RUN_ID_BYTES];

  for (unsigned i = 0; i < 3; i++)
    ck_assert_int_eq (TALLY_OK, tally_log_artifact_bytes (unknown, "a.txt", &"abc"[i], 1, &world.err));
  ck_assert_int_eq (TALLY_OK, tally_log_artifact_bytes (known, "b.txt", "b", 1, &world.err));
  ck_assert_int_eq (TALLY_OK, tally_log_artifact_bytes (unknown, "a.txt", "d", 1, &world.err));
  ck_assert_int_eq (TALLY_OK, tally_run_server_id (known_id, known, PATIENCE_MS, &world.err));
  snprintf (path, sizeof (path), "/0/%s/artifacts/b.txt", known_id);
  for (unsigned waited_ms = 0; NULL == fake_mlflow_artifact (world.fake, path); waited_ms += 10)
  {
    ck_assert_uint_lt (waited_ms, PATIENCE_MS);
    usleep (10000);
  }
  fake_mlflow_add_run (world.fake, id);
  world_flush (&world);
  snprintf (path, sizeof (path), "/0/%s/artifacts/a.txt", id);
  ck_assert_str_eq ("d", fake_mlflow_artifact (world.fake, path));
  tally_run_free (unknown);
  tally_run_free (known);
}
END_TEST

/* Closed meanwhile, then synced: `appears` or never. */
static void
close_and_sync (bool appears)
{
  static const char id[] = "00000000000000000000000000abcdef";
  struct tally_run *unknown = resume (id);
  struct tally_run *known = world_run (&world, "x");
  struct tally_sync_result result;
  struct tally_counters counters;
  char known_id[TALLY_RUN_ID_BYTES];

  log_steps (unknown, 1, 1500);
  log_steps (known, 1, 3000);
  /* All but the unknown one's beginning and points: the client knows, too, that they arrived. */
  do
    tally_counters (world.client, &counters);
  while (counters.sent < counters.logged - 1501 && 0 == usleep (10000));
  log_steps (unknown, 1501, 1600);
  strcpy (known_id, tally_run_id (known));
  world_close (&world, 200, TALLY_ERROR_PENDING);
  tally_run_free (unknown);
  tally_run_free (known);
  if (appears)
    fake_mlflow_add_run (world.fake, id);
  world_open (&world);
  ck_assert_int_eq (TALLY_OK, tally_sync (&result, world.client, false, NULL, NULL, &world.err));
  unknown = resume (id);
  known = resume (known_id);
  ck_assert_uint_eq (result.streams, 1);
  ck_assert_uint_eq (result.finished, appears ? 1 : 0);
  ck_assert_uint_eq (result.rejected, appears ? 0 : 1601);
  check_points (known, 1, 3000);
  if (appears)
    check_points (unknown, 1, 1600);
  /* What is sent is that of the unknown run only: its beginning and its points. */
  ck_assert_uint_eq (result.points, appears ? 1601 : 0);
  tally_run_free (unknown);
  tally_run_free (known);
}

START_TEST (the_rest_is_synced_once)
{
  close_and_sync (true);
}
END_TEST

START_TEST (what_nobody_knows_is_kept)
{
  close_and_sync (false);
}
END_TEST

/* More than there is room for: then all wait, and nothing is lost. */
START_TEST (too_many_runs)
{
  struct tally_run *runs[SPOOL_MAX_LEFT + 20];
  struct tally_run *known = world_run (&world, "x");
  const unsigned count = SPOOL_MAX_LEFT + 20;

  for (unsigned i = 0; i < count; i++)
  {
    char id[TALLY_RUN_ID_BYTES];

    snprintf (id, sizeof (id), "abcdef000000000000000000%08x", i);
    runs[i] = resume (id);
    log_steps (runs[i], 1, 10);
  }
  log_steps (known, 1, 10);
  ck_assert_int_eq (TALLY_ERROR_TIMEOUT, tally_flush (world.client, 500, &world.err));
  for (unsigned i = 0; i < count; i++)
    fake_mlflow_add_run (world.fake, tally_run_id (runs[count - 1 - i]));
  world_flush (&world);
  for (unsigned i = 0; i < count; i++)
  {
    check_points (runs[i], 1, 10);
    tally_run_free (runs[i]);
  }
  check_points (known, 1, 10);
  tally_run_free (known);
}
END_TEST

/* --- delivery and the spool --- */

static const struct run_key first_run = { { 1 } };
static const struct run_key second_run = { { 2 } };

static void
append (struct spool *spool, const struct run_key *run, size_t count)
{
  struct record_point points[10];
  struct record record = { .kind = RECORD_POINTS, .run = *run, .points = { points, count } };

  for (size_t i = 0; i < count; i++)
    points[i] = (struct record_point){ .key = SLICE ("loss"), .step = (int64_t)i };
  ck_assert_int_eq (spool_append (spool, &record, 1, NULL), TALLY_OK);
}

/* The next record has this last entry; 0: there is none. */
static void
check_next (struct spool *spool, uint64_t entry)
{
  const struct record *record;

  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_uint_eq (NULL == record ? 0 : record->entry, entry);
}

START_TEST (passes_over_what_is_done)
{
  struct spool *spool = streams_create (folder);
  uint64_t torn = 0;

  append (spool, &second_run, 10);
  append (spool, &first_run, 10);
  append (spool, &second_run, 10);
  append (spool, &first_run, 10);
  append (spool, &second_run, 10);
  for (uint64_t entry = 10; entry <= 40; entry += 10)
    check_next (spool, entry);
  ck_assert_int_eq (spool_pass (spool, 60, &first_run, 1, NULL), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (spool_pass (spool, 40, &first_run, 1, NULL), TALLY_OK);
  /* Nothing of the first run is acknowledged. */
  ck_assert_uint_eq (spool_acked (spool), 10);
  ck_assert_uint_eq (spool_waiting (spool), 10 + 10 + 10);
  check_next (spool, 50);
  /* Notes that are written anew keep it. */
  for (unsigned i = 0; i < 10000; i++)
    ck_assert_int_eq (spool_note (spool, "key", 0 == i % 2 ? "a" : "b", false, NULL), TALLY_OK);
  spool_close (spool, false);

  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (torn, 0);
  ck_assert_uint_eq (spool_waiting (spool), 10 + 10 + 10);
  check_next (spool, 20);
  /* Nearer than what was passed: that stays. */
  ck_assert_int_eq (spool_pass (spool, 20, &first_run, 1, NULL), TALLY_OK);
  spool_close (spool, false);

  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (spool_acked (spool), 10);
  check_next (spool, 20);
  check_next (spool, 40);
  check_next (spool, 50);
  check_next (spool, 0);
  ck_assert_int_eq (spool_pass (spool, 40, NULL, 0, NULL), TALLY_OK);
  ck_assert_uint_eq (spool_acked (spool), 40);
  ck_assert_uint_eq (spool_waiting (spool), 10);
  ck_assert_int_eq (spool_ack (spool, 50, NULL), TALLY_OK);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
}
END_TEST

/* Of which runs records were refused. */
struct refusals
{
  const struct delivery *delivery;
  unsigned of_first;
  unsigned of_others;
};

static void
on_rejected (void *payload, const struct record *record, const struct tally_error *why)
{
  struct refusals *refusals = payload;

  ck_assert_int_eq (why->code, TALLY_ERROR_NOT_FOUND);
  /* All of the other one was sent before. */
  ck_assert_uint_eq (delivery_sent (refusals->delivery), 21);
  if (0 == memcmp (&record->run, &first_run, sizeof (first_run)))
    refusals->of_first++;
  else
    refusals->of_others++;
}

/* Send all of a stream; the server does not know the first run, and never will. */
static void
deliver (struct delivery_settings *settings)
{
  struct delivery *delivery;
  bool more = true;
  unsigned waited_ms = 0;
  struct refusals *refusals = settings->payload;

  ck_assert_int_eq (TALLY_OK, delivery_new (&delivery, settings, NULL));
  refusals->delivery = delivery;
  while (more)
  {
    enum tally_code code = delivery_step (&more, delivery, &world.err);

    if (TALLY_OK == code)
      continue;
    ck_assert_msg (TALLY_ERROR_NOT_FOUND == code && world.err.retryable, "%s", world.err.message);
    ck_assert_uint_eq (refusals->of_first, 0);
    ck_assert_uint_lt (waited_ms += 10, PATIENCE_MS);
    usleep (10000);
  }
  delivery_free (delivery);
}

START_TEST (gives_up_in_the_end)
{
  struct record start = { .kind = RECORD_RUN, .run = second_run, .start = { .experiment = SLICE ("x") } };
  struct spool *spool = streams_create (folder);
  atomic_uint_fast64_t requests = 0;
  struct refusals refusals = { 0 };
  struct delivery_settings settings = { .spool = spool,
                                        .batch_points = 1000,
                                        .request_timeout_ms = PATIENCE_MS,
                                        .unknown_run_ms = 2000, /* for the others, on a busy machine */
                                        .requests = &requests,
                                        .rejected = on_rejected,
                                        .payload = &refusals };

  append (spool, &first_run, 10);
  ck_assert_int_eq (TALLY_OK, spool_append (spool, &start, 1, NULL));
  append (spool, &second_run, 10);
  append (spool, &first_run, 10);
  append (spool, &second_run, 10);
  ck_assert_int_eq (TALLY_OK,
                    transport_new (&settings.transport, world.options, fake_mlflow_url (world.fake), NULL, &world.err));
  ck_assert_int_eq (TALLY_OK, run_table_new (&settings.runs, NULL));
  deliver (&settings);
  ck_assert_uint_eq (refusals.of_first, 20);
  ck_assert_uint_eq (refusals.of_others, 0);
  ck_assert_uint_eq (spool_acked (spool), 41);
  ck_assert (spool_has_rejected (spool));
  run_table_free (settings.runs, false);
  transport_free (settings.transport, false);
  spool_close (spool, false);
}
END_TEST

Suite *held_suite (void);

Suite *
held_suite (void)
{
  Suite *suite = suite_create ("held");
  TCase *tests = tcase_create ("held");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, other_runs_go_on);
  tcase_add_test (tests, children_wait_for_their_parent);
  tcase_add_test (tests, other_files_go_on);
  tcase_add_test (tests, the_rest_is_synced_once);
  tcase_add_test (tests, what_nobody_knows_is_kept);
  tcase_add_test (tests, too_many_runs);
  tcase_add_test (tests, passes_over_what_is_done);
  tcase_add_test (tests, gives_up_in_the_end);
  suite_add_tcase (suite, tests);
  return suite;
}
