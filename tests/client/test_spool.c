/* Tests of the spool: life of a stream, acknowledgement, going back, notes, what was rejected, limits, threads. */
#include "folder.h"
#include "streams.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

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

static mode_t
mode_of (const char *path)
{
  struct stat status;

  ck_assert_int_eq (stat (path, &status), 0);
  return status.st_mode & 0777;
}

START_TEST (lives_and_goes)
{
  char *parents;
  char *path;
  struct spool *spool;

  ck_assert_int_gt (asprintf (&parents, "%s/a/b/", folder), 0);
  spool = streams_create (parents);
  path = streams_find (parents);
  ck_assert_str_eq (path + strlen (parents) + 1, strrchr (spool_folder (spool), '/') + 1);
  ck_assert_int_eq (mode_of (parents), 0700);
  ck_assert_int_eq (mode_of (path), 0700);
  ck_assert_int_eq (streams_append (spool, 3, NULL), TALLY_OK);
  ck_assert_str_eq (folder_names (path), "1.segment\nlock\nstream.json\n");
  ck_assert_int_eq (streams_append (spool, 4, NULL), TALLY_OK);
  ck_assert_uint_eq (spool_last (spool), 7);
  ck_assert_uint_gt (spool_disk_bytes (spool), 36 + 7 * 10);
  ck_assert_uint_eq (streams_read (spool, 0), 7);
  ck_assert_int_eq (spool_ack (spool, 7, NULL), TALLY_OK);
  ck_assert_int_eq (spool_ack (spool, 8, NULL), TALLY_ERROR_ARGUMENT);
  ck_assert_uint_eq (spool_acked (spool), 7);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (parents), "");
  free (path);
  free (parents);
}
END_TEST

START_TEST (keeps_files_to_itself)
{
  static const char *const names[] = { "1.segment", "lock", "stream.json", "notes" };
  struct spool *spool = streams_create (folder);

  umask (0);
  ck_assert_int_eq (streams_append (spool, 3, NULL), TALLY_OK);
  ck_assert_int_eq (spool_note (spool, "a", "b", true, NULL), TALLY_OK);
  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
  {
    char *path;

    ck_assert_int_gt (asprintf (&path, "%s/%s", spool_folder (spool), names[i]), 0);
    ck_assert_int_eq (mode_of (path), 0600);
    free (path);
  }
  spool_close (spool, false);
}
END_TEST

START_TEST (stays_while_something_waits)
{
  struct spool *spool = streams_create (folder);

  ck_assert_int_eq (streams_append (spool, 30, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 0), 30);
  ck_assert_int_eq (spool_ack (spool, 20, NULL), TALLY_OK);
  spool_close (spool, false);
  free (streams_find (folder));
}
END_TEST

START_TEST (keeps_what_is_not_acknowledged)
{
  struct spool *spool = streams_create (folder);
  const struct record *first;
  const struct record *second;

  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  ck_assert_int_eq (spool_next (&first, spool, NULL), TALLY_OK);
  ck_assert_int_eq (spool_next (&second, spool, NULL), TALLY_OK);
  /* Those of earlier calls stay valid, also when a part is acknowledged. */
  ck_assert_int_eq (spool_ack (spool, 4, NULL), TALLY_OK);
  ck_assert_int_eq (first->points.items[4].step, 5);
  ck_assert_int_eq (second->points.items[9].step, 20);
  ck_assert_int_eq (spool_ack (spool, 20, NULL), TALLY_OK);
  /* In the middle of a record: the rest comes, and only that. */
  ck_assert_int_eq (spool_ack (spool, 24, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 24), 30);
  ck_assert_int_eq (streams_append (spool, 5, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 30), 35);
  ck_assert_int_eq (spool_ack (spool, 35, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 35), 35);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
}
END_TEST

START_TEST (splits_records_for_one_request)
{
  struct spool *spool = streams_create (folder);
  const struct record *record;

  ck_assert_int_eq (streams_append (spool, 2500, NULL), TALLY_OK);
  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_uint_eq (record->points.count, RECORD_MAX_POINTS);
  ck_assert_uint_eq (streams_read (spool, RECORD_MAX_POINTS), 2500);
  spool_close (spool, false);
}
END_TEST

/* A limit of the disk makes segments small. */
static struct spool *
create_limited (uint64_t bytes)
{
  struct spool_settings settings = streams_settings (folder);
  struct spool *spool;

  settings.max_bytes = bytes;
  settings.memory_bytes = 20000;
  ck_assert_int_eq (spool_create (&spool, &settings, NULL), TALLY_OK);
  return spool;
}

START_TEST (removes_segments_that_are_done)
{
  struct spool *spool = create_limited (16000);
  uint64_t most = 0;

  for (uint64_t entry = 0; entry < 20000; entry += 100)
  {
    ck_assert_int_eq (streams_append (spool, 100, NULL), TALLY_OK);
    ck_assert_uint_eq (streams_read (spool, entry), entry + 100);
    ck_assert_int_eq (spool_ack (spool, entry + 50, NULL), TALLY_OK);
    most = spool_disk_bytes (spool) > most ? spool_disk_bytes (spool) : most;
  }
  ck_assert_uint_lt (most, 2 * 16000 / 8 + 2000);
  ck_assert_ptr_null (strstr (folder_names (spool_folder (spool)), "\n1.segment"));
  ck_assert_int_eq (spool_ack (spool, 20000, NULL), TALLY_OK);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
}
END_TEST

START_TEST (keeps_the_limit_of_the_disk)
{
  struct spool *spool = create_limited (10000);
  uint64_t entry = 0;
  enum tally_code code;
  struct tally_error err;
  unsigned in_memory = 0;

  while (TALLY_ERROR_FULL != (code = streams_append (spool, 20, &err)))
  {
    in_memory += TALLY_ERROR_FILE == code;
    ck_assert_uint_le (spool_disk_bytes (spool), 10000);
    ck_assert_uint_le (spool_memory_bytes (spool), 20000);
  }
  ck_assert_uint_gt (in_memory, 10);
  ck_assert_ptr_nonnull (strstr (err.message, "spool-bytes"));
  ck_assert_uint_gt (spool_disk_bytes (spool), 9000);
  ck_assert_uint_gt (spool_memory_bytes (spool), 19000);
  entry = spool_last (spool);
  ck_assert_uint_eq (streams_read (spool, 0), entry);
  ck_assert_int_eq (spool_ack (spool, entry - 1, NULL), TALLY_OK);
  /* Room again: the order is kept, and after a while the disk is used. */
  while (TALLY_OK != (code = streams_append (spool, 20, &err)))
  {
    ck_assert_int_eq (code, TALLY_ERROR_FILE);
    usleep (200000);
  }
  ck_assert_uint_eq (spool_memory_bytes (spool), 0);
  ck_assert_uint_eq (streams_read (spool, entry), spool_last (spool));
  spool_close (spool, false);
}
END_TEST

START_TEST (works_without_a_disk)
{
  struct spool_settings settings = streams_settings (folder);
  struct spool *spool;
  struct tally_error err;

  ck_assert_int_eq (spool_create_in_memory (&spool, &settings, NULL), TALLY_OK);
  ck_assert_ptr_null (spool_folder (spool));
  ck_assert_int_eq (streams_append (spool, 300, &err), TALLY_ERROR_FILE);
  ck_assert_int_eq (spool_force (spool, &err), TALLY_ERROR_FILE);
  ck_assert_uint_eq (streams_read (spool, 0), 300);
  ck_assert_int_eq (spool_note (spool, "k", "v", true, NULL), TALLY_OK);
  ck_assert_str_eq (spool_noted (spool, "k"), "v");
  ck_assert_int_eq (spool_ack (spool, 300, NULL), TALLY_OK);
  ck_assert_int_eq (streams_append (spool, 100, &err), TALLY_ERROR_FILE);
  ck_assert_uint_eq (streams_read (spool, 300), 400);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
}
END_TEST

START_TEST (cannot_be_made_in_a_file)
{
  struct spool_settings settings;
  struct tally_error err;
  struct spool *spool;
  char *file;

  folder_write (folder, "file", "x", 1);
  ck_assert_int_gt (asprintf (&file, "%s/file/below", folder), 0);
  settings = streams_settings (file);
  ck_assert_int_eq (spool_create (&spool, &settings, &err), TALLY_ERROR_FILE);
  ck_assert_ptr_null (spool);
  ck_assert_ptr_nonnull (strstr (err.message, file));
  free (file);
}
END_TEST

static void
leave_notes (const char *where)
{
  struct spool *spool = streams_create (where);
  char value[32];

  ck_assert_int_eq (streams_append (spool, 50, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 0), 50);
  for (unsigned i = 0; i < 5000; i++)
  {
    snprintf (value, sizeof (value), "value %u", i);
    ck_assert_int_eq (spool_note (spool, 0 == i % 2 ? "even" : "odd", value, 0 == i, NULL), TALLY_OK);
  }
  ck_assert_int_eq (spool_note (spool, "empty", "", false, NULL), TALLY_OK);
  for (uint64_t entry = 1; entry <= 40; entry++)
    ck_assert_int_eq (spool_ack (spool, entry, NULL), TALLY_OK);
}

START_TEST (remembers_notes)
{
  struct spool *spool;
  char *path;
  char *notes;
  size_t bytes;
  uint64_t torn;

  streams_in_child (leave_notes, folder);
  path = streams_find (folder);
  notes = folder_read (path, "notes", &bytes);
  /* 5,000 of them, each more than 20 bytes, were rewritten on the way. */
  ck_assert_uint_lt (bytes, 5000 * 20);
  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (torn, 0);
  ck_assert_str_eq (spool_noted (spool, "even"), "value 4998");
  ck_assert_str_eq (spool_noted (spool, "odd"), "value 4999");
  ck_assert_str_eq (spool_noted (spool, "empty"), "");
  ck_assert_ptr_null (spool_noted (spool, "none"));
  ck_assert_str_eq (spool_server (spool), "http://server");
  ck_assert_ptr_null (spool_workspace (spool));
  ck_assert_uint_eq (spool_acked (spool), 40);
  ck_assert_uint_eq (streams_read (spool, 40), 50);
  ck_assert_int_eq (spool_ack (spool, 50, NULL), TALLY_OK);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
  free (notes);
  free (path);
}
END_TEST

/* --- what was rejected --- */

static const struct run_key other_run = { { 0xab, 0xcd } };

static void
reject_all (struct spool *spool)
{
  struct record_point points[] = { { .key = SLICE ("nan"), .value = NAN, .step = 3, .timestamp_ms = 4 },
                                   { .key = SLICE ("infinite"), .value = -INFINITY, .step = -3, .timestamp_ms = 5 },
                                   { .key = SLICE ("third"), .value = 1.0 / 3, .dataset_name = SLICE ("d") } };
  struct record records[] = {
    { .kind = RECORD_POINTS, .run = other_run, .points = { points, 3 } },
    { .kind = RECORD_PARAM, .run = other_run, .pair = { SLICE ("key"), SLICE ("\"quoted\"\n") } },
    { .kind = RECORD_RUN, .run = other_run, .time_ms = 99, .start = { .name = SLICE ("n") } },
    { .kind = RECORD_END, .run = other_run, .end = { TALLY_STATUS_KILLED } }
  };
  struct tally_error why = { .code = TALLY_ERROR_REFUSED, .http_status = 400, .message = "No.\nReally." };

  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq (spool_reject (spool, &records[i], &why, NULL), TALLY_OK);
}

static void
check_retried (struct spool *spool)
{
  const struct record *record;

  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_uint_eq (record->points.count, 3);
  ck_assert (isnan (record->points.items[0].value) && -INFINITY == record->points.items[1].value);
  ck_assert_int_eq (record->points.items[1].step, -3);
  ck_assert_double_eq (record->points.items[2].value, 1.0 / 3);
  ck_assert (slice_is (record->points.items[2].dataset_name, "d"));
  ck_assert_mem_eq (&record->run, &other_run, sizeof (other_run));
  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert (slice_is (record->pair.value, "\"quoted\"\n"));
  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_int_eq (record->time_ms, 99);
  ck_assert (slice_is (record->start.name, "n") && NULL == record->start.experiment.data);
  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_int_eq (record->end.status, TALLY_STATUS_KILLED);
  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_ptr_null (record);
}

static void
leave_rejected (const char *where)
{
  struct spool *spool = streams_create (where);

  ck_assert_int_eq (streams_append (spool, 5, NULL), TALLY_OK);
  reject_all (spool);
  ck_assert (spool_has_rejected (spool));
  ck_assert_int_eq (spool_ack (spool, 5, NULL), TALLY_OK);
  spool_close (spool, false);
}

START_TEST (keeps_what_was_rejected)
{
  struct spool *spool;
  uint64_t count;
  char *path;
  char *lines;
  size_t bytes;

  streams_in_child (leave_rejected, folder);
  path = streams_find (folder);
  lines = folder_read (path, "rejected", &bytes);
  ck_assert_ptr_nonnull (strstr (lines, "\"reason\": \"No.\\nReally.\"")
                             ?: strstr (lines, "\"reason\":\"No.\\nReally.\""));
  spool = streams_adopt (folder, &count);
  ck_assert (spool_has_rejected (spool));
  ck_assert_int_eq (spool_retry_rejected (spool, &count, NULL), TALLY_OK);
  ck_assert_uint_eq (count, 6);
  ck_assert (! spool_has_rejected (spool));
  check_retried (spool);
  ck_assert_int_eq (spool_ack (spool, spool_last (spool), NULL), TALLY_OK);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
  free (lines);
  free (path);
}
END_TEST

/* --- threads --- */

enum
{
  ROUNDS = 3000
};

static void *
append_all (void *payload)
{
  struct spool *spool = payload;

  for (unsigned i = 0; i < ROUNDS; i++)
    while (TALLY_ERROR_FULL == streams_append (spool, 1 + i % 50, NULL))
      usleep (1000);
  return NULL;
}

START_TEST (is_read_while_it_is_written)
{
  /* Small segments; with a limit that is met now and then, when it is small. */
  struct spool *spool = create_limited (0 == _i ? 1000000 : 20000);
  uint64_t total = 0;
  uint64_t read = 0;
  pthread_t thread;

  for (unsigned i = 0; i < ROUNDS; i++)
    total += 1 + i % 50;
  ck_assert_int_eq (pthread_create (&thread, NULL, append_all, spool), 0);
  while (spool_acked (spool) < total)
  {
    read = streams_read (spool, read);
    ck_assert_int_eq (spool_ack (spool, (spool_acked (spool) + read + 1) / 2, NULL), TALLY_OK);
  }
  pthread_join (thread, NULL);
  ck_assert_uint_eq (spool_last (spool), total);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
}
END_TEST

Suite *spool_suite (void);

Suite *
spool_suite (void)
{
  Suite *suite = suite_create ("spool");
  TCase *tcase = tcase_create ("spool");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, lives_and_goes);
  tcase_add_test (tcase, keeps_files_to_itself);
  tcase_add_test (tcase, stays_while_something_waits);
  tcase_add_test (tcase, keeps_what_is_not_acknowledged);
  tcase_add_test (tcase, splits_records_for_one_request);
  tcase_add_test (tcase, removes_segments_that_are_done);
  tcase_add_test (tcase, keeps_the_limit_of_the_disk);
  tcase_add_test (tcase, works_without_a_disk);
  tcase_add_test (tcase, cannot_be_made_in_a_file);
  tcase_add_test (tcase, remembers_notes);
  tcase_add_test (tcase, keeps_what_was_rejected);
  tcase_add_loop_test (tcase, is_read_while_it_is_written, 0, 2);
  suite_add_tcase (suite, tcase);
  return suite;
}
