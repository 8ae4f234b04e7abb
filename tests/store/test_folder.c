/* Tests of the threads that fold: when they do, what they find by themselves, and that nothing stops them for good. */
#include "engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "ingest/folder.h"

#include <check.h>
#include <pthread.h>
#include <unistd.h>

/* Longer than any test here waits. */
#define NEVER_MS 3600000
/* What must not happen is given this time to happen. */
#define QUIET_US 400000
/* What must happen has this time. */
#define PATIENCE_US 60000000
/* How many times as old as its setting says few points become before they are folded. */
#define AGE_FACTOR 15
/* Time that a run that ended gets for its last points to come. */
#define END_GRACE_US 1000000

static struct folder *folder;

static void
set_up (void)
{
  engine_open ();
  folder = NULL;
}

static void
tear_down (void)
{
  folder_stop (folder);
  folder_free (folder);
  engine_close ();
}

/* Wait until a query gives this number. It sees anew each time because it runs outside of transactions. */
static void
await (const char *sql, int64_t number)
{
  uint64_t start_us = clock_monotonic_us ();
  int64_t seen;

  while ((seen = database_number ("%s", sql)) != number)
  {
    ck_assert_msg (clock_monotonic_us () - start_us < PATIENCE_US, "%s: still %lld", sql, (long long)seen);
    usleep (10000);
  }
}

/* Wait until the folder has noted so many folds; the rows of one are gone a moment earlier. */
static void
check_folds (int64_t folds)
{
  uint64_t start_us = clock_monotonic_us ();

  while (stats_get (&stats.fold_runs) < folds)
  {
    ck_assert_uint_lt (clock_monotonic_us () - start_us, PATIENCE_US);
    usleep (1000);
  }
  ck_assert_int_eq (stats_get (&stats.fold_runs), folds);
}

static struct folder *
start (struct engine_daemon *daemon, int64_t points, int64_t rows, int64_t age_ms, int64_t sweep_ms)
{
  struct folder *started;

  daemon->config.fold_threads = 1;
  daemon->config.fold_points = points;
  daemon->config.fold_rows = rows;
  daemon->config.fold_age_ms = age_ms;
  daemon->config.fold_sweep_ms = sweep_ms;
  started = folder_start (daemon->store, &daemon->config);
  ck_assert_ptr_nonnull (started);
  /* It looks through the tail at once, which must be over before there is anything. */
  await ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
         " AND pid <> pg_backend_pid() AND query LIKE '%sum(octet_length(points))%'",
         1);
  return started;
}

/* Rows of so many points each, through a daemon that is not the one that folds; whoever is told is told by the test. */
static void
log_rows (size_t run, size_t key, size_t rows, size_t points)
{
  for (size_t i = 0; i < rows; i++)
    engine_log (run, key, 0, ENGINE_ASCENDING, points);
}

static int64_t
tail_rows (void)
{
  return database_number ("SELECT count(*) FROM metric_tail");
}

static void
check_folded (void)
{
  await ("SELECT count(*) FROM metric_tail", 0);
}

static void
check_left (int64_t rows)
{
  usleep (QUIET_US);
  ck_assert_int_eq (tail_rows (), rows);
}

START_TEST (folds_enough_points)
{
  folder = start (&engine.daemons[0], 100, 1000, NEVER_MS, NEVER_MS);
  log_rows (0, 0, 9, 11);
  folder_note (folder, &engine.runs[0], 9, 99);
  log_rows (1, 0, 1, 50);
  folder_note (folder, &engine.runs[1], 1, 50);
  check_left (10);
  log_rows (0, 0, 1, 1);
  folder_note (folder, &engine.runs[0], 1, 1);
  /* The other run stays. */
  await ("SELECT count(*) FROM metric_tail", 1);
  check_left (1);
  log_rows (1, 0, 1, 50);
  folder_note (folder, &engine.runs[1], 1, 50);
  check_folded ();
  engine_check_stored ();
}
END_TEST

START_TEST (folds_enough_rows)
{
  folder = start (&engine.daemons[0], 1000, 5, NEVER_MS, NEVER_MS);
  log_rows (0, 0, 4, 1);
  folder_note (folder, &engine.runs[0], 4, 4);
  check_left (4);
  log_rows (0, 0, 1, 1);
  folder_note (folder, &engine.runs[0], 1, 1);
  check_folded ();
  engine_check_stored ();
}
END_TEST

START_TEST (folds_old_points)
{
  uint64_t start_us;

  folder = start (&engine.daemons[0], 1000, 1000, 200, NEVER_MS);
  log_rows (0, 0, 16, 1);
  folder_note (folder, &engine.runs[0], 16, 16);
  check_folded ();
  /* Very few wait fifteen times as long. */
  log_rows (0, 0, 3, 1);
  start_us = clock_monotonic_us ();
  folder_note (folder, &engine.runs[0], 3, 3);
  check_folded ();
  ck_assert_uint_ge (clock_monotonic_us () - start_us, AGE_FACTOR * 200000);
  engine_check_stored ();
}
END_TEST

START_TEST (folds_a_run_that_has_ended)
{
  uint64_t start_us;

  folder = start (&engine.daemons[0], 1000, 1000, NEVER_MS, NEVER_MS);
  log_rows (0, 0, 3, 1);
  folder_note (folder, &engine.runs[0], 3, 3);
  check_left (3);
  start_us = clock_monotonic_us ();
  folder_note_end (folder, &engine.runs[0]);
  check_folded ();
  ck_assert_uint_ge (clock_monotonic_us () - start_us, END_GRACE_US);
  /* A run whose points another daemon wrote. */
  log_rows (1, 0, 2, 1);
  folder_note_end (folder, &engine.runs[1]);
  check_folded ();
  check_folds (2);
  /* It goes on after its end: nothing of it is due yet. */
  log_rows (1, 0, 2, 1);
  folder_note (folder, &engine.runs[1], 2, 2);
  sleep (2);
  check_left (2);
  engine_check_stored ();
}
END_TEST

START_TEST (waits_for_several_points_of_each_key)
{
  folder = start (&engine.daemons[0], 10, 1000, NEVER_MS, NEVER_MS);
  for (size_t key = 0; key < ENGINE_KEYS; key++)
    log_rows (0, key, 1, 4);
  folder_note (folder, &engine.runs[0], 3, 12);
  check_folded ();
  check_folds (1);
  /* Eight for each of three. */
  log_rows (0, 0, 2, 10);
  folder_note (folder, &engine.runs[0], 2, 20);
  check_left (2);
  log_rows (0, 1, 1, 4);
  folder_note (folder, &engine.runs[0], 1, 4);
  check_folded ();
  engine_check_stored ();
}
END_TEST

/* What is left of a run when a fold has taken as much as it takes is folded next, however many keys it has. */
START_TEST (folds_what_a_fold_has_left)
{
  folder = start (&engine.daemons[0], 1, 1000000, NEVER_MS, NEVER_MS);
  for (size_t i = 0; i < 700; i++)
    for (size_t key = 0; key < ENGINE_KEYS; key++)
      log_rows (0, key, 1, 1);
  folder_note (folder, &engine.runs[0], 2100, 2100);
  check_folded ();
  engine_check_stored ();
}
END_TEST

START_TEST (finds_what_nobody_told_of)
{
  log_rows (0, 0, 3, 20);
  folder = start (&engine.daemons[0], 10, 1000, NEVER_MS, 300);
  check_folded ();
  log_rows (1, 1, 3, 20);
  check_folded ();
  engine_check_stored ();
}
END_TEST

START_TEST (is_told_by_who_writes)
{
  struct metric_entry entry = { .key = SLICE ("loss"), .point = { .step = 1, .value = 2 } };
  struct metric_write write = { engine.runs[0], &entry, 1 };
  struct err err = { 0 };
  struct commit_item item = { .err = &err, .payload = &write };
  struct commit_item *items = &item;
  struct metric_sink sink = { engine.daemons[1].keys, NULL, NULL };

  folder = start (&engine.daemons[0], 1, 1000, NEVER_MS, NEVER_MS);
  sink.folder = folder;
  store_start_request (engine.daemons[1].connection, 0);
  ck_assert_int_eq (metric_flush (engine.daemons[1].connection, &items, 1, &sink, &err), ERR_OK);
  engine_note (0, 0, 0, &entry.point, 1);
  check_folded ();
  engine_check_stored ();
}
END_TEST

/* Let nobody connect to the database of the test, or all again; from another database, because it cannot be said of the
   own one. */
static void
allow_connections (bool allowed)
{
  const char *url = database.config.database_url;
  const char *name = strstr (url, "///");
  const char *end = NULL == name ? NULL : strchr (name, '?');
  struct config config = database.config;
  struct store *store = store_new (&config);
  struct store_connection *connection = store_connection_new (store);
  struct err err = { 0 };

  ck_assert_msg (NULL != end, "%s is not as the test needs it", url);
  config.database_url = arena_printf (database.arena, "postgresql:///postgres%s", end);
  store_start_request (connection, 0);
  ck_assert_msg (ERR_OK
                     == store_script (connection,
                                      arena_printf (database.arena, "ALTER DATABASE \"%.*s\" ALLOW_CONNECTIONS %s",
                                                    (int)(end - name - 3), name + 3, allowed ? "true" : "false"),
                                      &err),
                 "%s", err.cause);
  store_connection_free (connection);
  store_free (store);
}

START_TEST (goes_on_when_the_database_is_back)
{
  int64_t failures = stats_get (&stats.fold_failures);

  /* The loss is logged, as it should be. */
  ck_assert (log_configure ("logfmt", "error"));
  folder = start (&engine.daemons[0], 1000, 1000, 50, NEVER_MS);
  log_rows (0, 0, 20, 1);
  allow_connections (false);
  database_terminate_others ();
  folder_note (folder, &engine.runs[0], 20, 20);
  for (uint64_t start_us = clock_monotonic_us (); stats_get (&stats.fold_failures) < failures + 3;)
  {
    ck_assert_uint_lt (clock_monotonic_us () - start_us, PATIENCE_US);
    usleep (10000);
  }
  ck_assert_int_eq (tail_rows (), 20);
  allow_connections (true);
  check_folded ();
}
END_TEST

static void *
stop (void *context)
{
  folder_stop (context);
  return NULL;
}

START_TEST (ends_the_fold_under_way)
{
  struct folder *stopped = start (&engine.daemons[0], 10, 1000, NEVER_MS, NEVER_MS);
  pthread_t thread;

  log_rows (0, 0, 1, 10);
  database_run ("BEGIN; LOCK TABLE metric_series IN EXCLUSIVE MODE");
  folder_note (stopped, &engine.runs[0], 1, 10);
  await ("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'metric_series'::regclass", 1);
  ck_assert_int_eq (pthread_create (&thread, NULL, stop, stopped), 0);
  usleep (QUIET_US);
  ck_assert_int_eq (tail_rows (), 1);
  ck_assert_int_ne (pthread_tryjoin_np (thread, NULL), 0);
  database_run ("COMMIT");
  ck_assert_int_eq (pthread_join (thread, NULL), 0);
  ck_assert_int_eq (tail_rows (), 0);
  /* Whoever still writes may tell. */
  folder_note (stopped, &engine.runs[0], 1, 10);
  folder_note_end (stopped, &engine.runs[1]);
  folder_free (stopped);
  engine_check_stored ();
}
END_TEST

START_TEST (does_nothing_without_threads)
{
  engine.daemons[0].config.fold_threads = 0;
  engine.daemons[0].config.fold_points = 1;
  engine.daemons[0].config.fold_rows = 1;
  folder = folder_start (engine.daemons[0].store, &engine.daemons[0].config);
  ck_assert_ptr_nonnull (folder);
  log_rows (0, 0, 3, 3);
  folder_note (folder, &engine.runs[0], 3, 9);
  folder_note_end (folder, &engine.runs[0]);
  folder_note (NULL, &engine.runs[0], 3, 9);
  folder_note_end (NULL, &engine.runs[0]);
  check_left (3);
}
END_TEST

/* Two daemons with several threads each fold the same runs while points are written. */
START_TEST (shares_with_another_daemon)
{
  struct engine_daemon others[2];
  struct folder *folders[2];
  uint64_t give_up_us;

  for (size_t i = 0; i < 2; i++)
  {
    engine_daemon_open (&others[i]);
    others[i].config.fold_threads = 3;
    others[i].config.fold_points = 50;
    others[i].config.fold_rows = 4;
    others[i].config.fold_age_ms = 20;
    others[i].config.fold_sweep_ms = 50;
    folders[i] = folder_start (others[i].store, &others[i].config);
    ck_assert_ptr_nonnull (folders[i]);
  }
  give_up_us = clock_monotonic_us () + PATIENCE_US;
  for (unsigned round = 0;
       round < 300 || (stats_get (&stats.fold_runs) <= ENGINE_RUNS && clock_monotonic_us () < give_up_us); round++)
  {
    size_t run = database_random () % ENGINE_RUNS;
    size_t count = 1 + database_random () % 40;

    engine_log (run, database_random () % ENGINE_KEYS, database_random () % ENGINE_CONTEXTS,
                0 == round % 4 ? ENGINE_LATE : ENGINE_ASCENDING, count);
    folder_note (folders[round % 2], &engine.runs[run], 1, count);
    if (0 == round % 40)
      engine_check_views ();
  }
  for (size_t run = 0; run < ENGINE_RUNS; run++)
    folder_note_end (folders[0], &engine.runs[run]);
  check_folded ();
  for (size_t i = 0; i < 2; i++)
  {
    folder_stop (folders[i]);
    folder_free (folders[i]);
    engine_daemon_close (&others[i]);
  }
  engine_check_all ();
  engine_check_stored ();
  ck_assert_int_gt (stats_get (&stats.fold_runs), ENGINE_RUNS);
  ck_assert_int_gt (stats_get (&stats.fold_points), 0);
  ck_assert_int_eq (stats_get (&stats.fold_failures), 0);
}
END_TEST

Suite *folder_suite (void);

Suite *
folder_suite (void)
{
  Suite *suite = suite_create ("folder");
  TCase *folding = tcase_create ("folding");

  tcase_add_checked_fixture (folding, set_up, tear_down);
  tcase_set_timeout (folding, 120);
  tcase_add_test (folding, folds_enough_points);
  tcase_add_test (folding, folds_enough_rows);
  tcase_add_test (folding, folds_old_points);
  tcase_add_test (folding, folds_a_run_that_has_ended);
  tcase_add_test (folding, waits_for_several_points_of_each_key);
  tcase_add_test (folding, folds_what_a_fold_has_left);
  tcase_add_test (folding, finds_what_nobody_told_of);
  tcase_add_test (folding, is_told_by_who_writes);
  tcase_add_test (folding, goes_on_when_the_database_is_back);
  tcase_add_test (folding, ends_the_fold_under_way);
  tcase_add_test (folding, does_nothing_without_threads);
  tcase_add_test (folding, shares_with_another_daemon);
  suite_add_tcase (suite, folding);
  return suite;
}
