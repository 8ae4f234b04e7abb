/* Tests of clients as handles: deadlines, being offline, fork, and what is told of them. */
#include "world.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world world;

static void
set_up (void)
{
  world_begin (&world, true);
}

static void
tear_down (void)
{
  world_end (&world);
}

static unsigned
threads (void)
{
  DIR *folder = opendir ("/proc/self/task");
  unsigned count = 0;

  while (NULL != readdir (folder))
    count++;
  closedir (folder);
  return count;
}

START_TEST (has_no_threads_without_runs)
{
  struct tally_reply *reply = NULL;
  unsigned before = threads ();

  world_open (&world);
  ck_assert_int_eq (TALLY_OK, tally_request (&reply, world.client, "GET",
                                             "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default", NULL,
                                             &world.err));
  ck_assert_int_eq (200, tally_reply_status (reply));
  ck_assert_ptr_nonnull (strstr (tally_reply_body (reply, NULL), "Default"));
  tally_reply_free (reply);
  /* That of the server's connection is the one more. */
  ck_assert_uint_le (threads (), before + 1);
  ck_assert_int_eq (TALLY_OK, tally_flush (world.client, 0, &world.err));
  ck_assert_int_eq (TALLY_OK, tally_persist (world.client, 0, &world.err));
  world_close (&world, 0, TALLY_OK);
  ck_assert_uint_eq (0, world_streams (&world));
}
END_TEST

START_TEST (answers_of_errors_are_kept)
{
  struct tally_reply *reply = NULL;
  size_t bytes = 0;

  world_open (&world);
  ck_assert_int_eq (TALLY_ERROR_UNSUPPORTED, tally_request (&reply, world.client, "GET", "/nothing", NULL, &world.err));
  ck_assert_int_eq (404, tally_reply_status (reply));
  ck_assert_uint_gt (strlen (tally_reply_body (reply, &bytes)), 0);
  ck_assert_uint_eq (strlen (tally_reply_body (reply, NULL)), bytes);
  tally_reply_free (reply);
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_request (&reply, world.client, "GET x", "/y", NULL, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_request (&reply, world.client, "GET", "y", NULL, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_request (&reply, world.client, "GET", "/y\r\nX: 1", NULL, &world.err));
  ck_assert_ptr_null (reply);
}
END_TEST

START_TEST (null_is_an_error_and_nothing_to_free)
{
  struct tally_run *run = NULL;
  struct tally_counters counters;
  char id[TALLY_RUN_ID_BYTES];

  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_open (NULL, world.options, &world.err));
  ck_assert_int_eq (TALLY_OK, tally_close (NULL, 0, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_flush (NULL, 0, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_start (&run, NULL, NULL, NULL, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_end (NULL, TALLY_STATUS_FINISHED, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_server_id (id, NULL, 0, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_log_metric (NULL, "a", 1, 1, &world.err));
  tally_counters (NULL, &counters);
  ck_assert_uint_eq (0, counters.logged);
  tally_on_event (NULL, NULL, NULL);
  tally_run_free (NULL);
  tally_reply_free (NULL);
  world_open (&world);
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_start (NULL, world.client, NULL, NULL, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_resume (&run, world.client, "123", false, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_resume (&run, world.client, NULL, false, &world.err));
  ck_assert_ptr_null (run);
}
END_TEST

START_TEST (runs_outlive_their_client)
{
  struct tally_run *run = world_run (&world, NULL);
  struct tally_run *child = NULL;

  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_end (run, TALLY_STATUS_RUNNING, &world.err));
  world_close (&world, PATIENCE_MS, TALLY_OK);
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_log_metric (run, "a", 1, 1, &world.err));
  ck_assert_int_eq (TALLY_ERROR_ARGUMENT, tally_run_start_nested (&child, run, NULL, &world.err));
  ck_assert_uint_eq (32, strlen (tally_run_id (run)));
  tally_run_free (run);
}
END_TEST

static enum fake_fault
silent (void *payload, const struct http_request *request)
{
  (void)payload;
  (void)request;
  return FAULT_SILENCE;
}

/* Neither its request, which it gives ten minutes, nor its pauses are what it waits for: the test would not end. */
START_TEST (closes_in_time_although_the_server_is_silent)
{
  struct tally_run *run;

  world_set (&world, "request-timeout-ms", "600000");
  fake_mlflow_plan (world.fake, silent, NULL);
  run = world_run (&world, NULL);
  world_log (run, "loss", 1234);
  world_close (&world, 300, TALLY_ERROR_PENDING);
  /* 1,234 points, the run and two tags of it. */
  ck_assert_ptr_nonnull (strstr (world.err.message, "1237 "));
  ck_assert_ptr_nonnull (strstr (world.err.message, world.folder));
  ck_assert_ptr_nonnull (strstr (world.err.message, "`tally sync`"));
  ck_assert_uint_eq (1, world_streams (&world));
  tally_run_free (run);
}
END_TEST

START_TEST (waits_no_longer_than_it_may)
{
  struct tally_run *run;
  char id[TALLY_RUN_ID_BYTES];

  world_set (&world, "retry-max-ms", "600000");
  fake_mlflow_go_down (world.fake);
  run = world_run (&world, NULL);
  ck_assert_int_eq (TALLY_ERROR_TIMEOUT, tally_flush (world.client, 200, &world.err));
  ck_assert_int_eq (TALLY_ERROR_TIMEOUT, tally_run_server_id (id, run, 200, &world.err));
  ck_assert_int_eq (TALLY_OK, tally_persist (world.client, PATIENCE_MS, &world.err));
  tally_run_free (run);
  world_close (&world, 0, TALLY_ERROR_PENDING);
}
END_TEST

START_TEST (a_long_pause_ends_for_those_who_wait)
{
  struct tally_run *run;

  world_set (&world, "retry-max-ms", "600000");
  fake_mlflow_go_down (world.fake);
  run = world_run (&world, NULL);
  /* Fourteen failures make a pause that is most likely longer than a flush has patience. */
  world_try (&world, 14);
  fake_mlflow_come_up (world.fake);
  world_flush (&world);
  tally_run_free (run);
}
END_TEST

START_TEST (offline_sends_nothing)
{
  struct tally_run *run;
  struct tally_counters counters;
  char id[TALLY_RUN_ID_BYTES];

  world_set (&world, "mode", "offline");
  run = world_run (&world, "later");
  world_log (run, "loss", 10);
  ck_assert_int_eq (TALLY_ERROR_PENDING, tally_flush (world.client, 60000, &world.err));
  ck_assert_int_eq (TALLY_ERROR_PENDING, tally_run_server_id (id, run, 60000, &world.err));
  ck_assert_int_eq (TALLY_OK, tally_persist (world.client, PATIENCE_MS, &world.err));
  tally_counters (world.client, &counters);
  ck_assert_uint_eq (13, counters.logged);
  ck_assert_uint_eq (13, counters.spooled);
  ck_assert_uint_eq (0, counters.sent);
  ck_assert_uint_eq (0, counters.requests);
  ck_assert_uint_gt (counters.spool_bytes, 0);
  tally_run_free (run);
  world_close (&world, 60000, TALLY_ERROR_PENDING);
  ck_assert_uint_eq (0, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (1, world_streams (&world));
}
END_TEST

/* What a child does with the parent's handles: every call says FORKED, and nothing of the parent's is touched. */
static int
use_in_child (struct tally_run *run)
{
  struct tally_run *other = NULL;
  struct tally_reply *reply = NULL;
  struct tally_client *client = NULL;
  char id[TALLY_RUN_ID_BYTES];
  bool forked;

  forked = TALLY_ERROR_FORKED == tally_log_metric (run, "loss", 1, 99, NULL)
           && TALLY_ERROR_FORKED == tally_log_param (run, "p", "1", NULL)
           && TALLY_ERROR_FORKED == tally_run_end (run, TALLY_STATUS_FAILED, NULL)
           && TALLY_ERROR_FORKED == tally_run_start_nested (&other, run, NULL, NULL)
           && TALLY_ERROR_FORKED == tally_run_start (&other, world.client, NULL, NULL, NULL)
           && TALLY_ERROR_FORKED == tally_flush (world.client, 0, NULL)
           && TALLY_ERROR_FORKED == tally_persist (world.client, 0, NULL)
           && TALLY_ERROR_FORKED == tally_run_server_id (id, run, 0, NULL)
           && TALLY_ERROR_FORKED == tally_request (&reply, world.client, "GET", "/health", NULL, NULL)
           && TALLY_ERROR_FORKED == tally_sync (NULL, world.client, false, NULL, NULL, NULL)
           && TALLY_ERROR_FORKED == tally_close (world.client, 0, NULL);
  tally_run_free (run);
  if (! forked)
    return 1;
#ifdef CHILDREN_CANNOT_ALLOCATE
  return 0;
#endif
  /* A client of its own works. */
  if (TALLY_OK != tally_open (&client, world.options, NULL)
      || TALLY_OK != tally_run_start (&other, client, "child", NULL, NULL)
      || TALLY_OK != tally_log_metric (other, "loss", 1, 1, NULL))
    return 2;
  tally_run_free (other);
  return TALLY_OK == tally_close (client, PATIENCE_MS, NULL) ? 0 : 3;
}

START_TEST (children_need_a_client_of_their_own)
{
  struct tally_run *run = world_run (&world, "parent");
  int status = -1;
  pid_t child;

  world_log (run, "loss", 100);
  child = fork ();
  if (0 == child)
    _exit (use_in_child (run));
  ck_assert_int_eq (child, waitpid (child, &status, 0));
  ck_assert_int_eq (0, WEXITSTATUS (status));
  ck_assert (WIFEXITED (status));
  world_log (run, "more", 100);
  tally_run_end (run, TALLY_STATUS_FINISHED, NULL);
  world_flush (&world);
  ck_assert_uint_eq (200, world_count (&world, run, "points"));
  ck_assert_str_eq ("FINISHED", world_text (&world, tally_run_id (run), "info", "status"));
#ifndef CHILDREN_CANNOT_ALLOCATE
  ck_assert_uint_eq (2, fake_mlflow_runs (world.fake));
#endif
  tally_run_free (run);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  ck_assert_uint_eq (0, world_streams (&world));
}
END_TEST

START_TEST (the_given_run_is_resumed_once)
{
  static const char id[] = "0123456789abcdef0123456789abcdef";
  struct tally_run *given;
  struct tally_run *own;

  fake_mlflow_add_run (world.fake, id);
  world_set (&world, "run-id", id);
  given = world_run (&world, NULL);
  own = world_run (&world, NULL);
  ck_assert_str_eq (id, tally_run_id (given));
  ck_assert_str_ne (id, tally_run_id (own));
  world_log (given, "loss", 3);
  world_flush (&world);
  ck_assert_uint_eq (3, world_count (&world, given, "points"));
  ck_assert_uint_eq (2, fake_mlflow_runs (world.fake));
  tally_run_free (given);
  tally_run_free (own);
}
END_TEST

START_TEST (goes_on_without_a_disk)
{
  struct tally_run *run;

  world_set (&world, "spool", "/proc/no/such/folder");
  run = world_run (&world, NULL);
  world_log (run, "loss", 1000);
  world_flush (&world);
  ck_assert_uint_eq (1, world.events[TALLY_EVENT_SPOOL_FAILED]);
  ck_assert_uint_eq (1000, world_count (&world, run, "points"));
  fake_mlflow_go_down (world.fake);
  world_log (run, "more", 10);
  tally_run_free (run);
  world_close (&world, 100, TALLY_ERROR_PENDING);
  ck_assert_ptr_nonnull (strstr (world.err.message, "could not be written"));
}
END_TEST

START_TEST (many_clients_open_and_close)
{
  for (unsigned i = 0; i < 50; i++)
  {
    struct tally_run *run = world_run (&world, NULL);

    world_log (run, "loss", i);
    tally_run_free (run);
    world_close (&world, PATIENCE_MS, TALLY_OK);
  }
  ck_assert_uint_eq (50, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (0, world_streams (&world));
}
END_TEST

Suite *handle_suite (void);

Suite *
handle_suite (void)
{
  Suite *suite = suite_create ("handle");
  TCase *tests = tcase_create ("handle");
  TCase *forks = tcase_create ("fork");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, has_no_threads_without_runs);
  tcase_add_test (tests, answers_of_errors_are_kept);
  tcase_add_test (tests, null_is_an_error_and_nothing_to_free);
  tcase_add_test (tests, runs_outlive_their_client);
  tcase_add_test (tests, closes_in_time_although_the_server_is_silent);
  tcase_add_test (tests, waits_no_longer_than_it_may);
  tcase_add_test (tests, a_long_pause_ends_for_those_who_wait);
  tcase_add_test (tests, offline_sends_nothing);
  tcase_add_test (tests, the_given_run_is_resumed_once);
  tcase_add_test (tests, goes_on_without_a_disk);
  tcase_add_test (tests, many_clients_open_and_close);
  suite_add_tcase (suite, tests);
  tcase_add_checked_fixture (forks, set_up, tear_down);
  tcase_add_test (forks, children_need_a_client_of_their_own);
  suite_add_tcase (suite, forks);
  return suite;
}
