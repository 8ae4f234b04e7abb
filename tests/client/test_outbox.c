/* Tests of the outbox: files that are sent in the background, before the end of their run. */
#include "outbox.h"
#include "outbox_store.h"
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static enum tally_code
add (const struct tally_run *run, const char *name, const char *text)
{
  return outbox_add_bytes (world.client->outbox, &run->key, text, strlen (text), name, &world.err);
}

static const char *
artifact (const struct tally_run *run, const char *name)
{
  char path[256];

  snprintf (path, sizeof (path), "/0/%s/artifacts/%s", tally_run_id (run), name);
  return fake_mlflow_artifact (world.fake, path);
}

/* A file with a text, in the spool's folder. */
static char *
make_file (const char *text)
{
  char *path = NULL;
  FILE *file;

  ck_assert_int_gt (asprintf (&path, "%s.file", world.folder), 0);
  file = fopen (path, "w");
  ck_assert_ptr_nonnull (file);
  fputs (text, file);
  ck_assert_int_eq (0, fclose (file));
  return path;
}

START_TEST (files_arrive_as_they_were)
{
  struct tally_run *run = world_run (&world, NULL);
  char *path = make_file ("as it was");

  ck_assert_int_eq (TALLY_OK, outbox_add_file (world.client->outbox, &run->key, path, "a b/ü.txt", &world.err));
  free (make_file ("as it is now"));
  ck_assert_int_eq (TALLY_OK, add (run, "empty", ""));
  unlink (path);
  world_flush (&world);
  ck_assert_str_eq ("as it was", artifact (run, "a%20b/%C3%BC.txt"));
  ck_assert_str_eq ("", artifact (run, "empty"));
  free (path);
  tally_run_free (run);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  ck_assert_uint_eq (0, world_streams (&world));
}
END_TEST

START_TEST (refuses_what_is_no_file)
{
  struct tally_run *run = world_run (&world, NULL);

  ck_assert_int_eq (TALLY_ERROR_FILE,
                    outbox_add_file (world.client->outbox, &run->key, "/does/not/exist", "x", &world.err));
  ck_assert_ptr_nonnull (strstr (world.err.message, "/does/not/exist"));
  ck_assert_int_eq (TALLY_ERROR_FILE, outbox_add_file (world.client->outbox, &run->key, "/tmp", "x", &world.err));
  ck_assert_int_eq (TALLY_ERROR_FILE, outbox_add_file (world.client->outbox, &run->key, "/dev/null", "x", &world.err));
  ck_assert_uint_eq (0, outbox_count (world.client->outbox));
  tally_run_free (run);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  ck_assert_uint_eq (0, world_streams (&world));
}
END_TEST

/* Artifacts find no room for a while. */
static enum fake_fault
no_artifacts (void *payload, const struct http_request *request)
{
  (void)payload;
  return NULL != strstr (request->path, "mlflow-artifacts") ? FAULT_BUSY : FAULT_NONE;
}

START_TEST (a_run_ends_behind_its_files)
{
  struct tally_run *run;

  /* A transfer has its own patience; what it cannot do is told afterwards. */
  world_set (&world, "request-timeout-ms", "1000");
  run = world_run (&world, NULL);
  fake_mlflow_plan (world.fake, no_artifacts, NULL);
  ck_assert_int_eq (TALLY_OK, add (run, "model", "weights"));
  world_log (run, "loss", 10);
  tally_run_end (run, TALLY_STATUS_FINISHED, NULL);
  world_await (&world, TALLY_EVENT_UNREACHABLE);
  /* The points do not wait for the file, the end does. */
  while (world_count (&world, run, "points") < 10 || outbox_count (world.client->outbox) < 2)
    usleep (10000);
  ck_assert_int_eq (TALLY_ERROR_TIMEOUT, tally_flush (world.client, 1, &world.err));
  ck_assert_str_eq ("RUNNING", world_text (&world, tally_run_id (run), "info", "status"));
  ck_assert_uint_eq (2, outbox_count (world.client->outbox));
  fake_mlflow_plan (world.fake, NULL, NULL);
  world_flush (&world);
  ck_assert_str_eq ("weights", artifact (run, "model"));
  ck_assert_str_eq ("FINISHED", world_text (&world, tally_run_id (run), "info", "status"));
  ck_assert_uint_eq (world.events[TALLY_EVENT_UNREACHABLE], world.events[TALLY_EVENT_RECOVERED]);
  tally_run_free (run);
}
END_TEST

START_TEST (files_of_a_refused_run_are_kept)
{
  struct tally_run *run;

  fake_mlflow_delete_experiment (world.fake, "Default");
  run = world_run (&world, NULL);
  ck_assert_int_eq (TALLY_OK, add (run, "model", "weights"));
  world_flush (&world);
  ck_assert_uint_eq (0, outbox_count (world.client->outbox));
  ck_assert_ptr_null (artifact (run, "model"));
  tally_run_free (run);
  world_close (&world, PATIENCE_MS, TALLY_OK);
  ck_assert_uint_eq (1, world_streams (&world));
}
END_TEST

START_TEST (closing_tells_of_files)
{
  struct tally_run *run = world_run (&world, NULL);

  fake_mlflow_plan (world.fake, no_artifacts, NULL);
  ck_assert_int_eq (TALLY_OK, add (run, "model", "weights"));
  tally_run_free (run);
  world_close (&world, 200, TALLY_ERROR_PENDING);
  ck_assert_ptr_nonnull (strstr (world.err.message, "1 file"));
  ck_assert_uint_eq (1, world_streams (&world));
}
END_TEST

START_TEST (the_spool_has_a_limit)
{
  struct tally_run *run;

  world_set (&world, "spool-bytes", "100000");
  world_set (&world, "mode", "offline");
  run = world_run (&world, NULL);
  ck_assert_int_eq (TALLY_OK, add (run, "small", "weights"));
  {
    char *large = calloc (1, 200001);

    memset (large, 'x', 200000);
    ck_assert_int_eq (TALLY_ERROR_FULL, add (run, "large", large));
    free (large);
  }
  ck_assert_uint_eq (1, outbox_count (world.client->outbox));
  tally_run_free (run);
  world_close (&world, 0, TALLY_ERROR_PENDING);
}
END_TEST

/* --- the store --- */

static struct outbox_entry *
store (uint64_t number, const char *name)
{
  struct outbox_entry *entry = outbox_entry_new (name);

  entry->number = number;
  entry->is_end = '\0' == name[0];
  entry->status = TALLY_STATUS_KILLED;
  entry->end_ms = 1700000000000;
  memset (entry->run.bytes, (int)number, sizeof (entry->run.bytes));
  if (! entry->is_end)
    ck_assert_int_eq (TALLY_OK, outbox_store_bytes (world.folder, number, "data", 4, true, &world.err));
  entry->bytes = entry->is_end ? 0 : 4;
  ck_assert_int_eq (TALLY_OK, outbox_store_entry (world.folder, entry, true, &world.err));
  return entry;
}

static bool
is_there (const char *name)
{
  char path[128];

  snprintf (path, sizeof (path), "%s/%s", world.folder, name);
  return 0 == access (path, F_OK);
}

static void
list_and_free (const uint64_t *numbers, size_t count, uint64_t next)
{
  struct outbox_entry *entries;
  uint64_t next_number;

  ck_assert_int_eq (TALLY_OK, outbox_store_list (&entries, &next_number, world.folder, &world.err));
  ck_assert_uint_eq (next, next_number);
  for (size_t i = 0; i < count; i++)
  {
    struct outbox_entry *entry = entries;

    ck_assert_ptr_nonnull (entry);
    ck_assert_uint_eq (numbers[i], entry->number);
    ck_assert_uint_eq (numbers[i], entry->run.bytes[7]);
    if (entry->is_end)
      ck_assert (TALLY_STATUS_KILLED == entry->status && 1700000000000 == entry->end_ms);
    else
      ck_assert (4 == entry->bytes && 0 == strcmp ("a/\"b\"", entry->name));
    entries = entry->next;
    free (entry);
  }
  ck_assert_ptr_null (entries);
}

START_TEST (entries_survive)
{
  static const uint64_t all[] = { 2, 9, 10 };
  static const uint64_t rest[] = { 10 };
  struct outbox_entry *ten = store (10, "a/\"b\"");
  struct outbox_entry *two = store (2, "a/\"b\"");
  struct outbox_entry *nine = store (9, "");
  struct tally_error why = { .code = TALLY_ERROR_REFUSED, .message = "no" };

  /* Half an entry, data of none, and files that are something else. */
  ck_assert_int_eq (TALLY_OK, outbox_store_bytes (world.folder, 11, "x", 1, false, &world.err));
  list_and_free (all, 3, 12);
  ck_assert (! is_there ("outbox-11.data"));
  outbox_store_remove (world.folder, nine);
  outbox_store_reject (world.folder, two, &why);
  ck_assert (! is_there ("outbox-2.json") && ! is_there ("outbox-2.data"));
  ck_assert (is_there ("rejected-2.json") && is_there ("rejected-2.data") && is_there ("rejected-2.reason"));
  list_and_free (rest, 1, 11);
  outbox_store_retry (world.folder);
  list_and_free ((const uint64_t[]){ 2, 10 }, 2, 11);
  ck_assert (! is_there ("rejected-2.reason"));
  free (ten);
  free (two);
  free (nine);
}
END_TEST

Suite *outbox_suite (void);

Suite *
outbox_suite (void)
{
  Suite *suite = suite_create ("outbox");
  TCase *tests = tcase_create ("outbox");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, files_arrive_as_they_were);
  tcase_add_test (tests, refuses_what_is_no_file);
  tcase_add_test (tests, a_run_ends_behind_its_files);
  tcase_add_test (tests, files_of_a_refused_run_are_kept);
  tcase_add_test (tests, closing_tells_of_files);
  tcase_add_test (tests, the_spool_has_a_limit);
  tcase_add_test (tests, entries_survive);
  suite_add_tcase (suite, tests);
  return suite;
}
