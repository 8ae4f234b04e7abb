/* Tests of logging: from the call to the spool, with a client that is offline. */
#include "folder.h"
#include "opened.h"
#include "streams.h"
#include "world.h"

#include "tally.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;
static struct tally_client *client;
static struct tally_run *run;
static struct tally_error err;

/* Events that were told. */
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned told[TALLY_EVENT_SPOOL_RECOVERED + 1];

static void
on_event (void *payload, enum tally_event event, const struct tally_error *why)
{
  ck_assert_ptr_eq (payload, told);
  ck_assert_ptr_nonnull (why);
  ck_assert_str_ne (why->message, "");
  pthread_mutex_lock (&told_lock);
  told[event]++;
  pthread_mutex_unlock (&told_lock);
}

static unsigned
count_told (enum tally_event event)
{
  unsigned count;

  pthread_mutex_lock (&told_lock);
  count = told[event];
  pthread_mutex_unlock (&told_lock);
  return count;
}

static void
await_told (enum tally_event event)
{
  while (0 == count_told (event))
    usleep (10000);
}

static void
open_with (const char *where, const char *option, const char *value)
{
  client = opened ("mode", "offline", "spool", where, option, value, NULL);
  tally_on_event (client, on_event, told);
  ck_assert_msg (TALLY_OK == tally_run_start (&run, client, "experiment", "name", &err), "%s", err.message);
}

static void
set_up (void)
{
  folder = folder_new ();
}

static void
tear_down (void)
{
  folder_remove_all (folder);
}

static void
close_all (void)
{
  tally_run_free (run);
  ck_assert_int_eq (tally_close (client, 0, &err), TALLY_ERROR_PENDING);
}

/* The spool as another process finds it. */
static struct spool *
take_over (void)
{
  static const char stream[] = "{\"format\":1,\"server\":\"http://server\",\"host\":\"other\",\"process\":1}";
  char *path = streams_find (folder);
  uint64_t torn;

  folder_write (path, "stream.json", stream, sizeof (stream) - 1);
  free (path);
  return streams_adopt (folder, &torn);
}

/* The next record of this kind. */
static const struct record *
next_of (struct spool *spool, enum record_kind kind)
{
  const struct record *record;

  do
    ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  while (NULL != record && kind != record->kind);
  ck_assert_ptr_nonnull (record);
  return record;
}

START_TEST (logs_everything)
{
  struct tally_value values[] = { { "a", 1.5 }, { "b", -INFINITY } };
  struct tally_pair params[] = { { "lr", "0.1" }, { "empty", "" } };
  double series[] = { 5, 6, 7 };
  struct tally_dataset dataset = { .name = "mnist", .digest = "0123", .source = "/data", .schema = "{\"a\":1}" };
  static const struct
  {
    const char *key;
    int64_t step;
    double value;
  } expect[7] = { { "loss", -7, NAN }, { "loss", 8, 2 }, { "a", 9, 1.5 }, { "b", 9, -INFINITY },
                  { "s", 0, 5 },       { "s", 1, 6 },    { "s", 2, 7 } };
  const struct record *record;
  struct spool *spool;
  size_t points = 0;

  open_with (folder, NULL, NULL);
  ck_assert_int_eq (tally_log_params (run, params, 2, &err), TALLY_OK);
  ck_assert_int_eq (tally_set_tag (run, "tag", "größe", &err), TALLY_OK);
  ck_assert_int_eq (tally_log_dataset (run, &dataset, "training", &err), TALLY_OK);
  ck_assert_int_eq (tally_log_metric (run, "loss", NAN, -7, &err), TALLY_OK);
  ck_assert_int_eq (tally_log_metric_at (run, "loss", 2, 8, 0, &err), TALLY_OK);
  ck_assert_int_eq (tally_log_metrics (run, values, 2, 9, &err), TALLY_OK);
  ck_assert_int_eq (tally_log_series (run, "s", 3, series, NULL, NULL, &err), TALLY_OK);
  ck_assert_int_eq (tally_log_metrics (run, NULL, 0, 9, &err), TALLY_OK);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  close_all ();

  spool = take_over ();
  record = next_of (spool, RECORD_PARAM);
  ck_assert (slice_is (record->pair.key, "lr") && slice_is (record->pair.value, "0.1"));
  record = next_of (spool, RECORD_PARAM);
  ck_assert (slice_is (record->pair.key, "empty") && 0 == record->pair.value.len);
  record = next_of (spool, RECORD_TAG);
  ck_assert (slice_is (record->pair.value, "größe"));
  record = next_of (spool, RECORD_DATASET);
  ck_assert_msg (slice_is (record->dataset.json,
                           "{\"tags\":[{\"key\":\"mlflow.data.context\",\"value\":\"training\"}],\"dataset\":{\"name\":"
                           "\"mnist\",\"digest\":\"0123\",\"source_type\":\"local\",\"source\":\"{\\\"uri\\\":"
                           "\\\"/data\\\"}\",\"schema\":\"{\\\"a\\\":1}\"}}"),
                 "%.*s", SLICE_ARG (record->dataset.json));
  /* The writer takes what is there when it comes by, so that points that were logged in turn may be in several records.
   */
  while (7 > points)
  {
    record = next_of (spool, RECORD_POINTS);
    for (size_t i = 0; i < record->points.count; i++, points++)
    {
      const struct record_point *point = &record->points.items[i];

      ck_assert_uint_lt (points, 7);
      ck_assert_msg (slice_is (point->key, expect[points].key), "point %zu: %.*s", points, SLICE_ARG (point->key));
      ck_assert_int_eq (point->step, expect[points].step);
      ck_assert (isnan (expect[points].value) ? isnan (point->value) : point->value == expect[points].value);
      if (1 == points)
        ck_assert_int_eq (point->timestamp_ms, 0);
      else
        ck_assert_int_gt (point->timestamp_ms, 1700000000000);
    }
  }
  spool_close (spool, true);
}
END_TEST

START_TEST (refuses_what_no_server_takes)
{
  struct tally_value values[] = { { "fine", 1 }, { "not,fine", 1 } };
  struct tally_pair pairs[] = { { "fine", "x" }, { "bad", NULL } };
  struct tally_dataset dataset = { .name = "n" };
  double value = 0;
  int64_t before = -1;
  struct tally_counters counters;
  uint64_t logged;
  char *text = calloc (1, 8002);

  open_with (folder, NULL, NULL);
  tally_counters (client, &counters);
  logged = counters.logged;
  memset (text, 'x', 6001);
  ck_assert_int_eq (tally_log_metric (run, "a//b", 1, 1, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_ptr_nonnull (strstr (err.message, "a//b"));
  ck_assert_int_eq (tally_log_metric (NULL, "a", 1, 1, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_metric (run, NULL, 1, 1, NULL), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_metric_at (run, "a", 1, 1, -1, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_metrics (run, values, 2, 1, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_metrics (run, NULL, 2, 1, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_series (run, "a", 1, &value, NULL, &before, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_series (run, "a", SIZE_MAX / 2, &value, NULL, NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_param (run, "p", text, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_ptr_nonnull (strstr (err.message, "6001 characters; at most 6000"));
  ck_assert_int_eq (tally_set_tags (run, pairs, 2, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_log_dataset (run, &dataset, NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_ptr_nonnull (strstr (err.message, "digest"));
  dataset.digest = "0123456789012345678901234567890123456";
  ck_assert_int_eq (tally_log_dataset (run, &dataset, NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_ptr_nonnull (strstr (err.message, "37 characters; at most 36"));
  dataset.source_type = dataset.digest;
  dataset.digest = "1";
  ck_assert_int_eq (tally_log_dataset (run, &dataset, NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_str_eq (err.message, "The source_type of a data set has 37 characters; at most 36 are allowed.");
  tally_counters (client, &counters);
  ck_assert_uint_eq (counters.logged, logged);
  /* Tags may be longer than params. */
  ck_assert_int_eq (tally_set_tag (run, "p", text, &err), TALLY_OK);
  free (text);
  close_all ();
}
END_TEST

START_TEST (persists_as_the_option_says)
{
  static const char *const policies[] = { "none", "interval", "each" };
  struct tally_counters counters;

  open_with (folder, "fsync", policies[_i]);
  for (int64_t i = 0; i < 100; i++)
  {
    ck_assert_int_eq (tally_log_metric (run, "loss", 1, i, &err), TALLY_OK);
    if (0 == i % 20)
      ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  }
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  tally_counters (client, &counters);
  ck_assert_uint_eq (counters.spooled, counters.logged);
  ck_assert_uint_eq (counters.dropped, 0);
  ck_assert_uint_gt (counters.spool_bytes, 100);
  close_all ();
}
END_TEST

static void
limit_files (rlim_t bytes)
{
  struct rlimit limit;

  ck_assert_int_eq (getrlimit (RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

START_TEST (tells_that_the_disk_is_full_and_that_it_is_not)
{
  int64_t step = 0;

  signal (SIGXFSZ, SIG_IGN);
  open_with (folder, "memory-bytes", "65536");
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  limit_files (2000);
  /* The ring is full before the disk is, when the writer comes late. */
  for (; 0 == count_told (TALLY_EVENT_SPOOL_FAILED); usleep (10000))
    while (TALLY_OK == tally_log_metric (run, "loss", 0.1, step, &err))
      step++;
  while (TALLY_OK == tally_log_metric (run, "loss", 0.1, step, &err))
    step++;
  ck_assert_int_eq (err.code, TALLY_ERROR_FULL);
  ck_assert_uint_eq (count_told (TALLY_EVENT_SPOOL_FAILED), 1);
  await_told (TALLY_EVENT_DROPPED);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_ERROR_FILE);

  limit_files (RLIM_INFINITY);
  await_told (TALLY_EVENT_SPOOL_RECOVERED);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  ck_assert_int_eq (tally_log_metric (run, "loss", 0.1, step++, &err), TALLY_OK);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  close_all ();
  {
    /* What was taken is there, in order, and nothing else. */
    struct spool *spool = take_over ();
    int64_t next = 0;
    const struct record *record;

    while (TALLY_OK == spool_next (&record, spool, NULL) && NULL != record)
      for (size_t i = 0; RECORD_POINTS == record->kind && i < record->points.count; i++)
        ck_assert_int_eq (record->points.items[i].step, next++);
    ck_assert_int_eq (next, step);
    spool_close (spool, true);
  }
}
END_TEST

/* Closing tries the disk once more, and says when it did not help. */
START_TEST (says_what_is_lost)
{
  uint64_t expected = 2003; /* with the run and its tags */
  struct spool *spool;

  signal (SIGXFSZ, SIG_IGN);
  open_with (folder, NULL, NULL);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  limit_files (2000);
  for (int64_t step = 0; step < 2000; step++)
    ck_assert_int_eq (tally_log_metric (run, "loss", 0.1 * (double)step, step, &err), TALLY_OK);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_ERROR_FILE);
  if (0 == _i)
    limit_files (RLIM_INFINITY);
  close_all ();
  ck_assert_int_eq (NULL == strstr (err.message, "lost"), 0 == _i);
  spool = take_over ();
  if (0 == _i)
    ck_assert_uint_eq (spool_last (spool), expected);
  else
    ck_assert_uint_lt (spool_last (spool), expected);
  spool_close (spool, true);
}
END_TEST

START_TEST (goes_on_without_a_spool)
{
  struct tally_counters counters;
  char *file;

  folder_write (folder, "file", "x", 1);
  ck_assert_int_gt (asprintf (&file, "%s/file", folder), 0);
  open_with (file, NULL, NULL);
  ck_assert_int_eq (tally_log_metric (run, "loss", 1, 1, &err), TALLY_OK);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_ERROR_FILE);
  ck_assert_uint_eq (count_told (TALLY_EVENT_SPOOL_FAILED), 1);
  tally_counters (client, &counters);
  ck_assert_uint_gt (counters.memory_bytes, 0);
  ck_assert_uint_eq (counters.spool_bytes, 0);
  close_all ();
  free (file);
}
END_TEST

/* --- threads, children and kill -9 --- */

enum
{
  THREADS = 8,
  POINTS = 20000
};

static void *
log_many (void *payload)
{
  const char *key = payload;

  for (int64_t i = 0; i < POINTS; i++)
    ck_assert_int_eq (tally_log_metric (run, key, (double)i, i, NULL), TALLY_OK);
  return NULL;
}

START_TEST (takes_all_of_many_threads)
{
  static char keys[THREADS][4] = { "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7" };
  pthread_t threads[THREADS];
  int64_t next[THREADS] = { 0 };
  const struct record *record;
  struct spool *spool;

  open_with (folder, NULL, NULL);
  for (unsigned i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, log_many, keys[i]), 0);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
  close_all ();
  spool = take_over ();
  while (TALLY_OK == spool_next (&record, spool, NULL) && NULL != record)
    for (size_t i = 0; RECORD_POINTS == record->kind && i < record->points.count; i++)
    {
      unsigned thread = (unsigned)(record->points.items[i].key.data[1] - '0');

      ck_assert_int_eq (record->points.items[i].step, next[thread]++);
    }
  for (unsigned i = 0; i < THREADS; i++)
    ck_assert_int_eq (next[i], POINTS);
  spool_close (spool, true);
}
END_TEST

START_TEST (says_so_in_a_child)
{
  int status;
  pid_t child;

  open_with (folder, NULL, NULL);
  ck_assert_int_eq (tally_log_metric (run, "loss", 1, 1, &err), TALLY_OK);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  child = fork ();
  if (0 == child)
  {
    bool ok = TALLY_ERROR_FORKED == tally_log_metric (run, "loss", 1, 1, &err)
              && TALLY_ERROR_FORKED == tally_persist (client, 0, &err);

    tally_run_free (run);
    ok = TALLY_ERROR_FORKED == tally_close (client, 0, &err) && ok;
    _exit (ok ? 0 : 1);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (status, 0);
  /* The parent's stream is untouched. */
  ck_assert_int_eq (tally_log_metric (run, "loss", 1, 2, &err), TALLY_OK);
  ck_assert_int_eq (tally_persist (client, PATIENCE_MS, &err), TALLY_OK);
  free (streams_find (folder));
  close_all ();
}
END_TEST

/* Log, and tell how much is persisted, until killed. */
static void
log_until_killed (const char *where, int out)
{
  open_with (where, NULL, NULL);
  for (int64_t i = 0;; i++)
  {
    ck_assert_int_eq (tally_log_metric (run, "loss", (double)i, i, NULL), TALLY_OK);
    if (0 != i % 1000)
      continue;
    ck_assert_int_eq (tally_persist (client, PATIENCE_MS, NULL), TALLY_OK);
    ck_assert_int_eq (write (out, &i, sizeof (i)), sizeof (i));
  }
}

START_TEST (loses_nothing_that_was_persisted)
{
  const struct record *record;
  struct spool *spool;
  int64_t told_step = -1;
  int64_t step;
  int64_t next = 0;
  int ends[2];
  uint64_t torn;
  pid_t child;

  ck_assert_int_eq (pipe (ends), 0);
  child = fork ();
  if (0 == child)
  {
    log_until_killed (folder, ends[1]);
    _exit (1);
  }
  close (ends[1]);
  for (int i = 0; i < 5 + 3 * _i; i++)
    ck_assert_int_eq (read (ends[0], &told_step, sizeof (told_step)), sizeof (told_step));
  usleep ((useconds_t)_i * 700);
  kill (child, SIGKILL);
  ck_assert_int_eq (waitpid (child, NULL, 0), child);
  while (sizeof (step) == read (ends[0], &step, sizeof (step)))
    told_step = step;
  close (ends[0]);
  spool = streams_adopt (folder, &torn);
  while (TALLY_OK == spool_next (&record, spool, NULL) && NULL != record)
    for (size_t i = 0; RECORD_POINTS == record->kind && i < record->points.count; i++)
      ck_assert_int_eq (record->points.items[i].step, next++);
  ck_assert_int_gt (next, told_step);
  ck_assert_uint_eq (spool_damaged_bytes (spool), 0);
  spool_close (spool, true);
}
END_TEST

Suite *log_suite (void);

Suite *
log_suite (void)
{
  Suite *suite = suite_create ("log");
  TCase *tcase = tcase_create ("log");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, logs_everything);
  tcase_add_test (tcase, refuses_what_no_server_takes);
  tcase_add_loop_test (tcase, persists_as_the_option_says, 0, 3);
  tcase_add_test (tcase, tells_that_the_disk_is_full_and_that_it_is_not);
  tcase_add_loop_test (tcase, says_what_is_lost, 0, 2);
  tcase_add_test (tcase, goes_on_without_a_spool);
  tcase_add_test (tcase, takes_all_of_many_threads);
  tcase_add_test (tcase, says_so_in_a_child);
  tcase_add_loop_test (tcase, loses_nothing_that_was_persisted, 0, 10);
  suite_add_tcase (suite, tcase);
  return suite;
}
