/* Tests of delivery: what a client logs arrives once, in its order, whatever the server does. */
#include "world.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_BATCH "/api/2.0/mlflow/runs/log-batch"

static struct world world;

static void
set_up (void)
{
  world_begin (&world, false);
}

static void
tear_down (void)
{
  world_end (&world);
}

static struct tally_counters
counters (void)
{
  struct tally_counters counters;

  tally_counters (world.client, &counters);
  return counters;
}

/* The log of a run has these lines and "tag mlflow.source.…", in this order. */
static void
check_log (const struct tally_run *run, const char *const *lines)
{
  json_t *object = fake_mlflow_run (world.fake, tally_run_id (run));
  const json_t *line;
  size_t i;
  size_t at = 0;

  json_array_foreach (json_object_get (object, "log"), i, line)
  {
    if (NULL != strstr (json_string_value (line), "mlflow.source"))
      continue;
    ck_assert_ptr_nonnull (lines[at]);
    ck_assert_str_eq (lines[at++], json_string_value (line));
  }
  ck_assert_ptr_null (lines[at]);
  json_decref (object);
}

START_TEST (keeps_the_order_of_a_run)
{
  static const char *const lines[] = { "point loss", "param depth",   "tag stage", "status FINISHED",
                                       "point late", "status FAILED", NULL };
  struct tally_run *run = world_run (&world, "first");

  tally_log_metric (run, "loss", 0.5, 1, NULL);
  tally_log_param (run, "depth", "8", NULL);
  tally_set_tag (run, "stage", "trial", NULL);
  tally_run_end (run, TALLY_STATUS_FINISHED, NULL);
  tally_log_metric (run, "late", 0.5, 1, NULL);
  tally_run_end (run, TALLY_STATUS_FAILED, NULL);
  world_flush (&world);
  check_log (run, lines);
  ck_assert_str_eq ("FAILED", world_text (&world, tally_run_id (run), "info", "status"));
  ck_assert_str_eq ("LOCAL", world_text (&world, tally_run_id (run), "tags", "mlflow.source.type"));
  ck_assert_str_ne ("", world_text (&world, tally_run_id (run), "tags", "mlflow.source.name"));
  ck_assert_uint_eq (counters ().logged, counters ().sent);
  tally_run_free (run);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  ck_assert_uint_eq (0, world_streams (&world));
}
END_TEST

START_TEST (sends_numbers_as_mlflow_does)
{
  struct tally_run *run = world_run (&world, NULL);
  json_t *object;
  json_t *expected;

  tally_log_metric_at (run, "a", (double)NAN, -5, 1, NULL);
  tally_log_metric_at (run, "b", (double)INFINITY, INT64_MAX, 2, NULL);
  tally_log_metric_at (run, "c", -(double)INFINITY, INT64_MIN, 3, NULL);
  tally_log_metric_at (run, "d é/x", 0.1, 0, 4, NULL);
  world_flush (&world);
  object = fake_mlflow_run (world.fake, tally_run_id (run));
  expected = json_pack ("[[ssii],[ssIi],[ssIi],[sfii]]", "a", "NaN", -5, 1, "b", "Infinity", (json_int_t)INT64_MAX, 2,
                        "c", "-Infinity", (json_int_t)INT64_MIN, 3, "d é/x", 0.1, 0, 4);
  ck_assert (json_equal (expected, json_object_get (object, "points")));
  json_decref (expected);
  json_decref (object);
  tally_run_free (run);
}
END_TEST

/* Most requests go wrong, each in another way. */
static enum fake_fault
mostly_wrong (void *payload, const struct http_request *request)
{
  static const enum fake_fault faults[] = { FAULT_DROP_AFTER,     FAULT_BUSY,        FAULT_NONE,  FAULT_HTML,
                                            FAULT_DROP_AFTER,     FAULT_NONE,        FAULT_ERROR, FAULT_GARBAGE,
                                            FAULT_NONE,           FAULT_DROP_BEFORE, FAULT_NONE,  FAULT_NONE,
                                            FAULT_UNAUTHENTICATED };
  unsigned *count = payload;

  (void)request;
  return faults[(*count)++ % (sizeof (faults) / sizeof (faults[0]))];
}

START_TEST (arrives_once_whatever_goes_wrong)
{
  struct tally_run *runs[4];
  unsigned requests = (unsigned)_i / 2;

  world_end (&world);
  world_begin (&world, 0 == _i % 2);
  fake_mlflow_plan (world.fake, mostly_wrong, &requests);
  for (unsigned i = 0; i < 3; i++)
    runs[i] = world_run (&world, i < 2 ? "one" : "two");
  ck_assert_int_eq (TALLY_OK, tally_run_start_nested (&runs[3], runs[0], "child", NULL));
  for (unsigned i = 0; i < 4; i++)
  {
    world_log (runs[i], "loss", 2500);
    tally_log_param (runs[i], "p", "1", NULL);
    tally_run_end (runs[i], TALLY_STATUS_FINISHED, NULL);
  }
  world_flush (&world);
  ck_assert_uint_eq (4, fake_mlflow_runs (world.fake));
  for (unsigned i = 0; i < 4; i++)
  {
    ck_assert_uint_eq (2500, world_count (&world, runs[i], "points"));
    ck_assert_str_eq ("FINISHED", world_text (&world, tally_run_id (runs[i]), "info", "status"));
    tally_run_free (runs[i]);
  }
  ck_assert_uint_eq (0, counters ().rejected);
  ck_assert_uint_gt (counters ().retries, 5);
  ck_assert_uint_gt (counters ().requests, counters ().retries);
  ck_assert_uint_ge (world.events[TALLY_EVENT_UNREACHABLE], 1);
  ck_assert_uint_eq (world.events[TALLY_EVENT_UNREACHABLE], world.events[TALLY_EVENT_RECOVERED]);
}
END_TEST

START_TEST (children_name_their_parent)
{
  struct tally_run *run = world_run (&world, "family");
  struct tally_run *child;
  char id[TALLY_RUN_ID_BYTES];

  ck_assert_int_eq (TALLY_OK, tally_run_start_nested (&child, run, "child", NULL));
  ck_assert_int_eq (TALLY_OK, tally_run_server_id (id, run, PATIENCE_MS, &world.err));
  ck_assert_str_ne (id, tally_run_id (run));
  world_flush (&world);
  ck_assert_str_eq (id, world_text (&world, tally_run_id (child), "tags", "mlflow.parentRunId"));
  ck_assert_str_eq (world_text (&world, tally_run_id (run), "info", "experiment_id"),
                    world_text (&world, tally_run_id (child), "info", "experiment_id"));
  ck_assert_str_eq ("child", world_text (&world, tally_run_id (child), "info", "run_name"));
  tally_run_free (child);
  tally_run_free (run);
}
END_TEST

START_TEST (only_the_bad_points_are_given_up)
{
  struct tally_run *run;

  /* All is there before anything is sent: how much of it a request holds is no matter of who is faster. */
  fake_mlflow_hold (world.fake);
  run = world_run (&world, NULL);
  world_log (run, "good", 600);
  tally_log_metric (run, "bad", 1, 1, NULL);
  world_log (run, "better", 600);
  tally_log_metric (run, "bad", 2, 2, NULL);
  tally_log_param (run, "p", "1", NULL);
  world_log (run, "best", 600);
  tally_run_end (run, TALLY_STATUS_FINISHED, NULL);
  ck_assert_int_eq (TALLY_OK, tally_persist (world.client, PATIENCE_MS, &world.err));
  fake_mlflow_go_on (world.fake);
  world_flush (&world);
  ck_assert_uint_eq (1800, world_count (&world, run, "points"));
  ck_assert_str_eq ("1", world_text (&world, tally_run_id (run), "params", "p"));
  ck_assert_str_eq ("FINISHED", world_text (&world, tally_run_id (run), "info", "status"));
  ck_assert_uint_eq (2, counters ().rejected);
  ck_assert_uint_eq (2, world.events[TALLY_EVENT_REJECTED]);
  ck_assert_uint_eq (0, world.events[TALLY_EVENT_UNREACHABLE]);
  /* 1,805 entries are two batches; finding one of 1,000 takes ten halvings. */
  ck_assert_uint_lt (fake_mlflow_requests (world.fake, LOG_BATCH), 50);
  tally_run_free (run);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  /* What was refused is kept. */
  ck_assert_uint_eq (1, world_streams (&world));
}
END_TEST

START_TEST (params_do_not_change)
{
  struct tally_run *run = world_run (&world, NULL);

  tally_log_param (run, "p", "1", NULL);
  tally_log_param (run, "p", "2", NULL);
  tally_log_param (run, "q", "3", NULL);
  world_flush (&world);
  ck_assert_str_eq ("1", world_text (&world, tally_run_id (run), "params", "p"));
  ck_assert_str_eq ("3", world_text (&world, tally_run_id (run), "params", "q"));
  ck_assert_uint_eq (1, counters ().rejected);
  tally_run_free (run);
}
END_TEST

START_TEST (too_large_batches_are_halved)
{
  struct tally_run *run = world_run (&world, NULL);

  fake_mlflow_limit (world.fake, 100);
  world_log (run, "loss", 1000);
  world_flush (&world);
  ck_assert_uint_eq (1000, world_count (&world, run, "points"));
  ck_assert_uint_eq (0, counters ().rejected);
  tally_run_free (run);
}
END_TEST

START_TEST (many_params_and_tags)
{
  static char value[6001];
  struct tally_run *run = world_run (&world, NULL);
  json_t *object;

  memset (value, '"', sizeof (value) - 1);
  for (unsigned i = 0; i < 350; i++)
  {
    char key[32];

    snprintf (key, sizeof (key), "key %u", i);
    ck_assert_int_eq (TALLY_OK, tally_log_param (run, key, value, NULL));
    ck_assert_int_eq (TALLY_OK, tally_set_tag (run, key, value, NULL));
  }
  world_flush (&world);
  ck_assert_uint_eq (0, counters ().rejected);
  object = fake_mlflow_run (world.fake, tally_run_id (run));
  ck_assert_uint_eq (350, json_object_size (json_object_get (object, "params")));
  ck_assert_uint_ge (json_object_size (json_object_get (object, "tags")), 350);
  json_decref (object);
  tally_run_free (run);
}
END_TEST

START_TEST (runs_that_take_turns_share_no_requests)
{
  struct tally_run *runs[8];

  for (unsigned i = 0; i < 8; i++)
    runs[i] = world_run (&world, NULL);
  world_flush (&world);
  fake_mlflow_go_down (world.fake);
  for (unsigned step = 0; step < 500; step++)
    for (unsigned i = 0; i < 8; i++)
      tally_log_metric_at (runs[i], "loss", step, step, step, NULL);
  ck_assert_int_eq (TALLY_OK, tally_persist (world.client, PATIENCE_MS, &world.err));
  fake_mlflow_come_up (world.fake);
  world_flush (&world);
  for (unsigned i = 0; i < 8; i++)
  {
    ck_assert_uint_eq (500, world_count (&world, runs[i], "points"));
    tally_run_free (runs[i]);
  }
  ck_assert_uint_lt (fake_mlflow_requests (world.fake, LOG_BATCH), 60);
}
END_TEST

START_TEST (a_deleted_run_costs_few_requests)
{
  struct tally_run *run = world_run (&world, NULL);
  struct tally_run *other = world_run (&world, NULL);

  world_flush (&world);
  fake_mlflow_delete_run (world.fake, tally_run_id (run));
  fake_mlflow_hold (world.fake);
  world_log (run, "loss", 3000);
  world_log (other, "loss", 10);
  ck_assert_int_eq (TALLY_OK, tally_persist (world.client, PATIENCE_MS, &world.err));
  fake_mlflow_go_on (world.fake);
  world_flush (&world);
  ck_assert_uint_eq (3000, counters ().rejected);
  ck_assert_uint_eq (10, world_count (&world, other, "points"));
  ck_assert_uint_lt (counters ().requests, 40);
  tally_run_free (run);
  tally_run_free (other);
}
END_TEST

START_TEST (a_deleted_experiment_refuses_the_run)
{
  struct tally_run *run;
  struct tally_run *other;
  char id[TALLY_RUN_ID_BYTES];

  fake_mlflow_delete_experiment (world.fake, "Default");
  run = world_run (&world, NULL);
  other = world_run (&world, "another");
  world_log (run, "loss", 10);
  world_log (other, "loss", 10);
  tally_run_end (run, TALLY_STATUS_FINISHED, NULL);
  world_flush (&world);
  ck_assert_uint_eq (1, fake_mlflow_runs (world.fake));
  ck_assert_uint_eq (10, world_count (&world, other, "points"));
  /* The run, its two tags, its points and its end. */
  ck_assert_uint_eq (14, counters ().rejected);
  ck_assert_int_eq (TALLY_ERROR_REFUSED, tally_run_server_id (id, run, PATIENCE_MS, &world.err));
  ck_assert_ptr_nonnull (strstr (world.err.message, "'Default' is deleted"));
  tally_run_free (run);
  tally_run_free (other);
}
END_TEST

START_TEST (resumes_runs_of_others)
{
  static const char id[] = "00000000000000000000000000abcdef";
  struct tally_run *run;
  struct tally_run *again;

  fake_mlflow_add_run (world.fake, id);
  world_open (&world);
  ck_assert_int_eq (TALLY_OK, tally_run_resume (&run, world.client, id, true, &world.err));
  world_log (run, "loss", 10);
  tally_run_end (run, TALLY_STATUS_KILLED, NULL);
  world_flush (&world);
  ck_assert_uint_eq (10, world_count (&world, run, "points"));
  ck_assert_str_eq ("KILLED", world_text (&world, id, "info", "status"));
  tally_run_free (run);
  /* And one of its own, from another client, by the id made here. */
  run = world_run (&world, "x");
  world_log (run, "loss", 1);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  world_open (&world);
  ck_assert_int_eq (TALLY_OK, tally_run_resume (&again, world.client, tally_run_id (run), false, &world.err));
  world_log (again, "loss", 2);
  world_flush (&world);
  ck_assert_uint_eq (2, world_count (&world, again, "points"));
  ck_assert_uint_eq (2, fake_mlflow_runs (world.fake));
  tally_run_free (run);
  tally_run_free (again);
}
END_TEST

START_TEST (tells_once_that_the_server_is_away)
{
  struct tally_run *run;

  fake_mlflow_go_down (world.fake);
  run = world_run (&world, NULL);
  world_log (run, "loss", 100);
  world_try (&world, 3);
  ck_assert_ptr_nonnull (strstr (world.err.message, "Failed to connect"));
  world_await (&world, TALLY_EVENT_UNREACHABLE);
  fake_mlflow_come_up (world.fake);
  world_flush (&world);
  ck_assert_uint_eq (1, world.events[TALLY_EVENT_UNREACHABLE]);
  ck_assert_uint_eq (1, world.events[TALLY_EVENT_RECOVERED]);
  ck_assert_uint_eq (100, world_count (&world, run, "points"));
  tally_run_free (run);
}
END_TEST

START_TEST (data_sets_are_sent)
{
  struct tally_dataset dataset = { .name = "digits", .digest = "abc", .source = "digits.csv" };
  struct tally_run *run = world_run (&world, NULL);
  json_t *object;
  const json_t *sent;

  ck_assert_int_eq (TALLY_OK, tally_log_dataset (run, &dataset, "training", &world.err));
  world_flush (&world);
  object = fake_mlflow_run (world.fake, tally_run_id (run));
  sent = json_object_get (json_array_get (json_object_get (object, "datasets"), 0), "dataset");
  ck_assert_str_eq ("digits", json_string_value (json_object_get (sent, "name")));
  ck_assert_str_eq ("abc", json_string_value (json_object_get (sent, "digest")));
  json_decref (object);
  tally_run_free (run);
}
END_TEST

Suite *delivery_suite (void);

Suite *
delivery_suite (void)
{
  Suite *suite = suite_create ("delivery");
  TCase *tests = tcase_create ("delivery");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, keeps_the_order_of_a_run);
  tcase_add_test (tests, sends_numbers_as_mlflow_does);
  /* Twice as often as there are kinds of faults: each begins with another, with both kinds of servers. */
  tcase_add_loop_test (tests, arrives_once_whatever_goes_wrong, 0, 26);
  tcase_add_test (tests, children_name_their_parent);
  tcase_add_test (tests, only_the_bad_points_are_given_up);
  tcase_add_test (tests, params_do_not_change);
  tcase_add_test (tests, too_large_batches_are_halved);
  tcase_add_test (tests, many_params_and_tags);
  tcase_add_test (tests, runs_that_take_turns_share_no_requests);
  tcase_add_test (tests, a_deleted_run_costs_few_requests);
  tcase_add_test (tests, a_deleted_experiment_refuses_the_run);
  tcase_add_test (tests, resumes_runs_of_others);
  tcase_add_test (tests, tells_once_that_the_server_is_away);
  tcase_add_test (tests, data_sets_are_sent);
  suite_add_tcase (suite, tests);
  return suite;
}
