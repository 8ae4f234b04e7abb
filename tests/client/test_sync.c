/* Tests of syncing: what killed, offline and hasty clients left arrives, once. */
#include "folder.h"
#include "outbox.h"
#include "streams.h"
#include "world.h"

#include "base/clock.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world world;
static struct tally_sync_result result;

static void
set_up (void)
{
  world_begin (&world, false);
  world_set (&world, "mode", "offline");
}

static void
tear_down (void)
{
  world_end (&world);
}

static enum tally_code
sync_all (bool all_servers)
{
  enum tally_code code;

  world_open (&world);
  code = tally_sync (&result, world.client, all_servers, NULL, NULL, &world.err);
  world_close (&world, 0, TALLY_OK);
  return code;
}

START_TEST (offline_runs_arrive_once)
{
  struct tally_run *run = world_run (&world, "later");
  struct tally_run *child;

  ck_assert_int_eq (TALLY_OK, tally_run_start_nested (&child, run, NULL, NULL));
  world_log (run, "loss", 3000);
  world_log (child, "loss", 10);
  ck_assert_int_eq (TALLY_OK, outbox_add_bytes (world.client->outbox, &run->key, "data", 4, "file", &world.err));
  tally_run_end (run, TALLY_STATUS_FINISHED, NULL);
  world_close (&world, 0, TALLY_ERROR_PENDING);
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (1, result.streams);
  ck_assert_uint_eq (1, result.finished);
  ck_assert_uint_eq (0, result.waiting + result.busy + result.rejected + result.torn_bytes);
  ck_assert_uint_ge (result.points, 3000 + 10);
  ck_assert_uint_eq (2, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (3000, world_count (&world, run, "points"));
  ck_assert_str_eq ("FINISHED", world_text (&world, tally_run_id (run), "info", "status"));
  ck_assert_uint_eq (0, world_streams (&world));
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (0, result.streams);
  ck_assert_uint_eq (2, fake_mlflow_runs (world.fake));
  tally_run_free (run);
  tally_run_free (child);
}
END_TEST

/* Log in another process, which dies without closing; the run's id comes through the pipe. While it is made there are
   no other threads: see CHILDREN_CANNOT_ALLOCATE in world.h. */
static void
log_and_die (const char *experiment, unsigned points, char id[TALLY_RUN_ID_BYTES])
{
  int ends[2];
  int status;
  pid_t child;

  ck_assert_int_eq (0, pipe (ends));
  fake_mlflow_go_down (world.fake);
  child = fork ();
  if (0 == child)
  {
    struct tally_run *run = world_run (&world, experiment);

    world_log (run, "loss", points);
    if (TALLY_OK != tally_persist (world.client, PATIENCE_MS, NULL))
      _exit (2);
    if (TALLY_RUN_ID_BYTES != write (ends[1], tally_run_id (run), TALLY_RUN_ID_BYTES))
      _exit (1);
    kill (getpid (), SIGKILL);
  }
  ck_assert_int_eq (child, waitpid (child, &status, 0));
  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (TALLY_RUN_ID_BYTES, read (ends[0], id, TALLY_RUN_ID_BYTES));
  close (ends[0]);
  close (ends[1]);
  fake_mlflow_come_up (world.fake);
}

static size_t
points_of (const char *id)
{
  json_t *run = fake_mlflow_run (world.fake, id);
  size_t count = json_array_size (json_object_get (run, "points"));

  json_decref (run);
  return count;
}

START_TEST (killed_processes_lose_nothing)
{
  char ids[3][TALLY_RUN_ID_BYTES];

  for (unsigned i = 0; i < 3; i++)
    log_and_die ("killed", 1000 + i, ids[i]);
  ck_assert_uint_eq (3, world_streams (&world));
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (3, result.finished);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_uint_eq (1000 + i, points_of (ids[i]));
  ck_assert_uint_eq (3, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (0, world_streams (&world));
}
END_TEST

/* A stream with a damaged segment is never finished: what can be sent is, and its folder stays. */
START_TEST (damaged_streams_are_kept)
{
  char id[TALLY_RUN_ID_BYTES];
  char *stream;
  char *data;
  size_t bytes;

  log_and_die ("damaged", 1000, id);
  stream = streams_find (world.folder);
  data = folder_read (stream, "1.segment", &bytes);
  /* In the first frame, behind the head of the segment (36 bytes) and its own. */
  data[36 + 12] ^= 1;
  folder_write (stream, "1.segment", data, bytes);
  for (unsigned i = 0; i < 2; i++)
  {
    ck_assert_int_eq (TALLY_OK, sync_all (false));
    ck_assert_uint_eq (1, result.streams);
    ck_assert_uint_eq (0, result.finished);
    ck_assert_uint_eq (1, result.kept);
    ck_assert_uint_eq (0, result.waiting);
    ck_assert_uint_eq (0 == i ? bytes - 36 : 0, result.damaged_bytes);
    ck_assert (folder_has (stream, "1.damaged"));
  }
  free (data);
  free (stream);
}
END_TEST

/* The answer to the creation of a run is lost, and the server with it. */
static enum fake_fault
die_after_creation (void *payload, const struct http_request *request)
{
  atomic_bool *dead = payload;

  if (*dead)
    return FAULT_DROP_BEFORE;
  *dead = NULL != strstr (request->path, "runs/create");
  return *dead ? FAULT_DROP_AFTER : FAULT_NONE;
}

START_TEST (a_lost_creation_is_found_again)
{
  atomic_bool dead = false;
  struct tally_run *run = world_run (&world, "lost");

  world_log (run, "loss", 5);
  world_close (&world, 0, TALLY_ERROR_PENDING);
  fake_mlflow_plan (world.fake, die_after_creation, &dead);
  world_set (&world, "request-timeout-ms", "500");
  /* On a busy machine its patience may end before the run is created. */
  while (! dead)
    ck_assert_int_eq (TALLY_ERROR_PENDING, sync_all (false));
  world_set (&world, "request-timeout-ms", "60000");
  ck_assert_uint_eq (1, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (8, result.waiting);
  ck_assert_uint_eq (1, world_streams (&world));
  fake_mlflow_plan (world.fake, NULL, NULL);
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (1, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (5, points_of (tally_run_id (run)));
  tally_run_free (run);
}
END_TEST

START_TEST (a_run_may_come_from_another_stream)
{
  struct tally_client *first;
  struct tally_run *run;
  struct tally_run *rank;

  /* The stream that logs is older than the one that starts the run; names sort by chance, so both ways happen. */
  run = world_run (&world, "ranks");
  first = world.client;
  world.client = NULL;
  world_open (&world);
  ck_assert_int_eq (TALLY_OK, tally_run_resume (&rank, world.client, tally_run_id (run), false, &world.err));
  world_log (rank, "loss", 7);
  world_close (&world, 0, TALLY_ERROR_PENDING);
  ck_assert_int_eq (TALLY_ERROR_PENDING, tally_close (first, 0, NULL));
  ck_assert_uint_eq (2, world_streams (&world));
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (2, result.streams);
  ck_assert_uint_eq (2, result.finished);
  ck_assert_uint_eq (7, points_of (tally_run_id (run)));
  ck_assert_uint_eq (1, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (0, world_streams (&world));
  tally_run_free (run);
  tally_run_free (rank);
}
END_TEST

START_TEST (what_nobody_knows_is_kept_and_tried_again)
{
  static const char id[] = "00112233445566778899aabbccddeeff";
  struct tally_run *run;

  world_open (&world);
  ck_assert_int_eq (TALLY_OK, tally_run_resume (&run, world.client, id, false, &world.err));
  world_log (run, "loss", 20);
  ck_assert_int_eq (TALLY_OK, outbox_add_bytes (world.client->outbox, &run->key, "data", 4, "file", &world.err));
  world_close (&world, 0, TALLY_ERROR_PENDING);
  sync_all (false);
  ck_assert_uint_eq (1, result.streams);
  ck_assert_uint_eq (0, result.finished);
  /* The resumption, its points and the file. */
  ck_assert_uint_eq (22, result.rejected);
  ck_assert_uint_eq (1, world_streams (&world));
  fake_mlflow_add_run (world.fake, id);
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (1, result.finished);
  ck_assert_uint_eq (20, points_of (id));
  ck_assert_uint_eq (0, world_streams (&world));
  tally_run_free (run);
}
END_TEST

START_TEST (living_processes_are_left_alone)
{
  struct tally_run *run = world_run (&world, NULL);
  struct tally_client *living = world.client;

  world_log (run, "loss", 5);
  ck_assert_int_eq (TALLY_OK, tally_persist (living, PATIENCE_MS, &world.err));
  world.client = NULL;
  ck_assert_int_eq (TALLY_OK, sync_all (true));
  ck_assert_uint_eq (1, result.streams);
  ck_assert_uint_eq (1, result.busy);
  ck_assert_uint_eq (0, result.points);
  ck_assert_uint_eq (0, fake_mlflow_runs (world.fake));
  tally_run_free (run);
  ck_assert_int_eq (TALLY_ERROR_PENDING, tally_close (living, 0, NULL));
}
END_TEST

START_TEST (other_servers_are_other_peoples_business)
{
  struct tally_run *run = world_run (&world, NULL);

  world_log (run, "loss", 5);
  world_close (&world, 0, TALLY_ERROR_PENDING);
  world_set (&world, "server", "http://127.0.0.1:1");
  world_set (&world, "token", "secret");
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (0, result.points);
  ck_assert_uint_eq (0, fake_mlflow_runs (world.fake));
  ck_assert_int_eq (TALLY_OK, sync_all (true));
  ck_assert_uint_eq (1, result.finished);
  ck_assert_uint_eq (5, points_of (tally_run_id (run)));
  tally_run_free (run);
}
END_TEST

START_TEST (a_server_that_is_away_is_waited_for_once)
{
  int64_t begin_us;

  for (unsigned i = 0; i < 10; i++)
  {
    tally_run_free (world_run (&world, NULL));
    world_close (&world, 0, TALLY_ERROR_PENDING);
  }
  fake_mlflow_go_down (world.fake);
  world_set (&world, "request-timeout-ms", "2000");
  begin_us = (int64_t)clock_monotonic_us ();
  ck_assert_int_eq (TALLY_ERROR_PENDING, sync_all (false));
  /* Each in its turn would take 20 s. */
  ck_assert_int_lt ((int64_t)clock_monotonic_us () - begin_us, 18000000);
  ck_assert_uint_eq (10, result.streams);
  ck_assert_uint_eq (30, result.waiting);
  world_set (&world, "request-timeout-ms", "60000");
  fake_mlflow_come_up (world.fake);
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (10, result.finished);
  ck_assert_uint_eq (10, fake_mlflow_runs (world.fake));
}
END_TEST

START_TEST (a_server_that_is_away_leaves_all_where_it_is)
{
  struct tally_run *run = world_run (&world, NULL);

  world_log (run, "loss", 5);
  world_close (&world, 0, TALLY_ERROR_PENDING);
  fake_mlflow_go_down (world.fake);
  world_set (&world, "request-timeout-ms", "500");
  ck_assert_int_eq (TALLY_ERROR_PENDING, sync_all (false));
  ck_assert_uint_eq (8, result.waiting);
  ck_assert_ptr_nonnull (strstr (world.err.message, "Failed to connect"));
  world_set (&world, "request-timeout-ms", "60000");
  fake_mlflow_come_up (world.fake);
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (5, points_of (tally_run_id (run)));
  tally_run_free (run);
}
END_TEST

static bool
stop_at_once (void *payload, const struct tally_sync_result *so_far, const char *stream)
{
  (void)so_far;
  (void)stream;
  ++*(unsigned *)payload;
  return false;
}

START_TEST (the_callback_can_stop_it)
{
  unsigned calls = 0;
  struct tally_run *run = world_run (&world, NULL);

  world_close (&world, 0, TALLY_ERROR_PENDING);
  world_open (&world);
  ck_assert_int_eq (TALLY_ERROR_CANCELLED, tally_sync (&result, world.client, false, stop_at_once, &calls, &world.err));
  ck_assert_uint_eq (1, calls);
  ck_assert_uint_eq (0, fake_mlflow_runs (world.fake));
  tally_run_free (run);
}
END_TEST

Suite *sync_suite (void);

/* A server that fails at one key, or at all that is logged. */
static enum fake_fault
fails_at (void *payload, const struct http_request *request)
{
  const char *text = payload;

  return NULL != strstr (request->path, "runs/log-batch") && NULL != strstr (request->body, text) ? FAULT_ERROR
                                                                                                  : FAULT_NONE;
}

START_TEST (what_makes_the_server_fail_does_not_hold_up_the_rest)
{
  static const struct
  {
    const char *text;
    enum tally_code code;
    uint64_t rejected;
    size_t points;
  } cases[] = { { "poison", TALLY_OK, 1, 300 }, { "run_id", TALLY_ERROR_PENDING, 0, 0 } };
  struct tally_run *run;
  enum tally_code code;

  /* Time to try again, also on a busy machine: a quarter of it until the batch is to blame. */
  world_set (&world, "request-timeout-ms", "4000");
  run = world_run (&world, NULL);
  world_log (run, "loss", 200);
  tally_log_metric (run, "poison", 1, 1, NULL);
  world_log (run, "later", 100);
  world_close (&world, 0, TALLY_ERROR_PENDING);
  fake_mlflow_plan (world.fake, fails_at, (void *)(uintptr_t)cases[_i].text);
  code = sync_all (false);
  ck_assert_msg (cases[_i].code == code, "%d: %s", code, world.err.message);
  ck_assert_uint_eq (cases[_i].rejected, result.rejected);
  ck_assert_uint_eq (cases[_i].points, world_count (&world, run, "points"));
  ck_assert_uint_eq (1, world_streams (&world));
  /* Mended: what was kept arrives. */
  world_set (&world, "request-timeout-ms", "60000");
  fake_mlflow_plan (world.fake, NULL, NULL);
  ck_assert_int_eq (TALLY_OK, sync_all (false));
  ck_assert_uint_eq (301, world_count (&world, run, "points"));
  ck_assert_uint_eq (0, world_streams (&world));
  tally_run_free (run);
}
END_TEST

Suite *
sync_suite (void)
{
  Suite *suite = suite_create ("sync");
  TCase *tests = tcase_create ("sync");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, offline_runs_arrive_once);
  tcase_add_test (tests, killed_processes_lose_nothing);
  tcase_add_test (tests, damaged_streams_are_kept);
  tcase_add_test (tests, a_lost_creation_is_found_again);
  /* Often enough for both orders. */
  tcase_add_loop_test (tests, a_run_may_come_from_another_stream, 0, 6);
  tcase_add_test (tests, what_nobody_knows_is_kept_and_tried_again);
  tcase_add_loop_test (tests, what_makes_the_server_fail_does_not_hold_up_the_rest, 0, 2);
  tcase_add_test (tests, living_processes_are_left_alone);
  tcase_add_test (tests, other_servers_are_other_peoples_business);
  tcase_add_test (tests, a_server_that_is_away_is_waited_for_once);
  tcase_add_test (tests, a_server_that_is_away_leaves_all_where_it_is);
  tcase_add_test (tests, the_callback_can_stop_it);
  suite_add_tcase (suite, tests);
  return suite;
}
