/* Tests of the sampler's thread and of the captures, on a client that is offline: what they refuse, that a short job
   has a sample, that stopping does not wait for the next one, and what they do in a child process. */
#include "folder.h"
#include "opened.h"

#include "tally.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Room for a command with two paths of the folder. */
#define PATH_BYTES 8192

static struct tally_client *client;
static struct tally_run *run;
static char *folder;

static void
open_client (void)
{
  struct tally_error err;

  folder = folder_new ();
  client = opened ("mode", "offline", "spool", folder, NULL);
  ck_assert_msg (TALLY_OK == tally_run_start (&run, client, "e", NULL, &err), "%s", err.message);
}

static void
close_client (void)
{
  tally_run_free (run);
  ck_assert_int_eq (tally_close (client, 1000, NULL), TALLY_ERROR_PENDING);
  folder_remove_all (folder);
}

static uint64_t
logged (void)
{
  struct tally_counters counters;

  tally_counters (client, &counters);
  return counters.logged;
}

START_TEST (refuses_wrong_arguments)
{
  static const struct
  {
    unsigned interval_ms;
    int64_t process;
  } cases[] = { { 1, 0 }, { 99, 0 }, { 3600001, 0 }, { 100, -1 } };
  struct tally_system *system_metrics = NULL;
  struct tally_error err;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_int_eq (tally_system_start (&system_metrics, run, cases[i].interval_ms, cases[i].process, &err),
                      TALLY_ERROR_ARGUMENT);
    ck_assert_ptr_null (system_metrics);
    ck_assert_ptr_nonnull (strstr (err.message, cases[i].process < 0 ? "process" : "interval_ms"));
  }
  ck_assert_int_eq (tally_system_start (&system_metrics, NULL, 0, 0, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_system_start (NULL, run, 0, 0, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_capture_environment (NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_capture_git (NULL, NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_capture_git (run, "/", &err), TALLY_ERROR_NOT_FOUND);
  ck_assert_int_eq (tally_capture_git (run, "/no such folder", &err), TALLY_ERROR_NOT_FOUND);
  tally_system_stop (NULL);
}
END_TEST

/* With an interval of an hour there is one sample, the last, and stopping does not wait: this would not end. */
START_TEST (samples_a_short_job)
{
  struct tally_system *system_metrics;
  uint64_t before = logged ();

  ck_assert_int_eq (tally_system_start (&system_metrics, run, 3600000, 0, NULL), TALLY_OK);
  usleep (300000);
  ck_assert_uint_eq (logged (), before);
  tally_system_stop (system_metrics);
  ck_assert_uint_gt (logged (), before + 5);
}
END_TEST

START_TEST (samples_again_and_again)
{
  struct tally_system *system_metrics;
  uint64_t before = logged ();
  uint64_t least = before + (uint64_t)3 * 5;

  ck_assert_int_eq (tally_system_start (&system_metrics, run, 100, getpid (), NULL), TALLY_OK);
  while (logged () < least)
    usleep (10000);
  tally_system_stop (system_metrics);
}
END_TEST

START_TEST (captures_tags)
{
  char make[PATH_BYTES];
  uint64_t before = logged ();
  struct tally_error err;

  ck_assert_msg (TALLY_OK == tally_capture_environment (run, &err), "%s", err.message);
  ck_assert_uint_ge (logged (), before + 8);
  before = logged ();
  (void)snprintf (make, sizeof (make), "mkdir -p '%s/w/.git' && echo 'ref: refs/heads/main' > '%s/w/.git/HEAD'", folder,
                  folder);
  ck_assert_int_eq (system (make), 0);
  (void)snprintf (make, sizeof (make), "%s/w", folder);
  ck_assert_msg (TALLY_OK == tally_capture_git (run, make, &err), "%s", err.message);
  ck_assert_uint_eq (logged (), before + 1);
}
END_TEST

/* A child has no sampler thread: stopping only frees, and everything else says whose the handles are. */
START_TEST (is_of_the_parent)
{
  struct tally_system *system_metrics;
  struct tally_system *other = NULL;
  pid_t child;
  int status;

  ck_assert_int_eq (tally_system_start (&system_metrics, run, 100, 0, NULL), TALLY_OK);
  child = fork ();
  ck_assert_int_ge (child, 0);
  if (0 == child)
  {
    bool ok = TALLY_ERROR_FORKED == tally_system_start (&other, run, 100, 0, NULL)
              && TALLY_ERROR_FORKED == tally_capture_environment (run, NULL)
              && TALLY_ERROR_FORKED == tally_capture_git (run, NULL, NULL);

    tally_system_stop (system_metrics);
    _exit (ok ? 0 : 1);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert (WIFEXITED (status) && 0 == WEXITSTATUS (status));
  tally_system_stop (system_metrics);
}
END_TEST

Suite *capture_suite (void);

Suite *
capture_suite (void)
{
  Suite *suite = suite_create ("capture");
  TCase *capturing = tcase_create ("capturing");

  tcase_add_checked_fixture (capturing, open_client, close_client);
  tcase_add_test (capturing, refuses_wrong_arguments);
  tcase_add_test (capturing, samples_a_short_job);
  tcase_add_test (capturing, samples_again_and_again);
  tcase_add_test (capturing, captures_tags);
  tcase_add_test (capturing, is_of_the_parent);
  suite_add_tcase (suite, capturing);
  return suite;
}
