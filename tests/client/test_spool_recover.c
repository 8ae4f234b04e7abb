/* Tests of taking streams over: after kill -9, with torn and damaged files, while somebody has them, on a full disk. */
#include "folder.h"
#include "streams.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* --- kill -9 --- */

static void
leave_some (const char *where)
{
  struct spool *spool = streams_create (where);

  ck_assert_int_eq (streams_append (spool, 100, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 0), 100);
  ck_assert_int_eq (spool_ack (spool, 30, NULL), TALLY_OK);
  for (unsigned i = 0; i < 20; i++)
    ck_assert_int_eq (streams_append (spool, 5, NULL), TALLY_OK);
}

START_TEST (survives_the_death_of_the_process)
{
  struct spool *spool;
  uint64_t torn = 7;

  streams_in_child (leave_some, folder);
  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (torn, 0);
  ck_assert_uint_eq (spool_acked (spool), 30);
  ck_assert_uint_eq (spool_last (spool), 200);
  ck_assert_uint_eq (streams_read (spool, 30), 200);
  /* It can be written again, and left and taken again. */
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 200), 210);
  ck_assert_int_eq (spool_ack (spool, 150, NULL), TALLY_OK);
  spool_close (spool, false);
  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (streams_read (spool, 150), 210);
  ck_assert_int_eq (spool_ack (spool, 210, NULL), TALLY_OK);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (folder), "");
}
END_TEST

START_TEST (begins_without_segments)
{
  struct spool *spool = streams_create (folder);
  struct spool_settings settings = streams_settings (folder);
  char *path = streams_find (folder);
  uint64_t torn;

  spool_close (spool, true);
  /* What has the marks of this process is not taken, as long as it lives. */
  ck_assert_int_eq (spool_adopt (&spool, path, &settings, &torn, NULL), TALLY_ERROR_BUSY);
  free (path);
}
END_TEST

/* --- torn --- */

/* Three records in one segment; the last begins at `*last`. */
static char *
make_segment (size_t *bytes, size_t *last, char **path)
{
  struct spool *spool = streams_create (folder);
  char *data;

  *path = strdup (spool_folder (spool));
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  ck_assert_int_eq (streams_append (spool, 1, NULL), TALLY_OK);
  *last = spool_disk_bytes (spool);
  ck_assert_int_eq (streams_append (spool, 9, NULL), TALLY_OK);
  data = folder_read (*path, "1.segment", bytes);
  ck_assert_uint_eq (*bytes, spool_disk_bytes (spool));
  spool_close (spool, true);
  return data;
}

/* The stream as another process's, so that this one may take it over. */
static void
disown (const char *path)
{
  static const char stream[] = "{\"format\":1,\"server\":\"http://server\",\"host\":\"other\",\"process\":1}";

  folder_write (path, "stream.json", stream, sizeof (stream) - 1);
}

static void
remove_segment (const char *path, unsigned number)
{
  char name[512];

  snprintf (name, sizeof (name), "%s/%u.segment", path, number);
  unlink (name);
}

START_TEST (cuts_torn_ends_off)
{
  size_t bytes;
  size_t last;
  char *path;
  char *data = make_segment (&bytes, &last, &path);

  for (size_t end = 0; end < bytes; end++)
  {
    size_t whole = end >= last ? last : 0;
    struct spool *spool;
    uint64_t torn;

    if (end < last && end > 36)
      continue;
    disown (path);
    folder_write (path, "1.segment", data, end);
    spool = streams_adopt (folder, &torn);
    /* A head alone is whole. */
    ck_assert_uint_eq (torn, 36 == end ? 0 : end - whole);
    ck_assert_uint_eq (spool_last (spool), whole > 0 ? 11 : 0);
    ck_assert_uint_eq (streams_read (spool, 0), whole > 0 ? 11 : 0);
    ck_assert_uint_eq (spool_damaged_bytes (spool), 0);
    /* What follows goes into another segment, and both are read. */
    ck_assert_int_eq (streams_append (spool, 4, NULL), TALLY_OK);
    spool_close (spool, false);
    spool = streams_adopt (folder, &torn);
    ck_assert_uint_eq (torn, 0);
    ck_assert_uint_eq (streams_read (spool, 0), (whole > 0 ? 11 : 0) + 4);
    spool_close (spool, true);
    for (unsigned number = 1; number < 4; number++)
      remove_segment (path, number);
  }
  free (data);
  free (path);
}
END_TEST

START_TEST (takes_zeros_at_the_end_for_torn)
{
  static const char zeros[300000];
  size_t bytes;
  size_t last;
  char *path;
  char *data = make_segment (&bytes, &last, &path);
  char *longer = calloc (1, bytes + sizeof (zeros));
  struct spool *spool;
  uint64_t torn;

  memcpy (longer, data, bytes);
  disown (path);
  folder_write (path, "1.segment", longer, bytes + sizeof (zeros));
  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (torn, sizeof (zeros));
  ck_assert_uint_eq (streams_read (spool, 0), 20);
  spool_close (spool, true);
  free (longer);
  free (data);
  free (path);
}
END_TEST

/* --- damaged --- */

/* Whatever bit of a segment changes: what is read is right and in order; what is not is counted. */
START_TEST (never_reads_something_wrong)
{
  size_t bytes;
  size_t last;
  char *path;
  char *data = make_segment (&bytes, &last, &path);

  for (size_t bit = 0; bit < 8 * bytes; bit++)
  {
    struct spool *spool;
    uint64_t torn;
    uint64_t read;

    disown (path);
    data[bit / 8] ^= (char)(1 << bit % 8);
    folder_write (path, "1.segment", data, bytes);
    data[bit / 8] ^= (char)(1 << bit % 8);
    spool = streams_adopt (folder, &torn);
    read = streams_read (spool, 0);
    ck_assert (0 == read || 10 == read || 11 == read);
    ck_assert_uint_gt (torn + spool_damaged_bytes (spool), 0);
    spool_close (spool, true);
  }
  free (data);
  free (path);
}
END_TEST

START_TEST (skips_a_damaged_middle_and_keeps_it)
{
  struct spool *spool = streams_create (folder);
  char *path = strdup (spool_folder (spool));
  char *data;
  size_t bytes;
  uint64_t torn;
  uint64_t first_bytes;
  const struct record *record;

  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  first_bytes = spool_disk_bytes (spool);
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  spool_close (spool, true);
  disown (path);
  spool = streams_adopt (folder, &torn);
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  spool_close (spool, true);

  data = folder_read (path, "1.segment", &bytes);
  data[first_bytes + 20] ^= 1;
  folder_write (path, "1.segment", data, bytes);
  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (torn, 0);
  ck_assert_uint_eq (spool_last (spool), 40);
  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_uint_eq (record->entry, 10);
  ck_assert_uint_eq (streams_read (spool, 30), 40);
  ck_assert_uint_eq (spool_damaged_bytes (spool), bytes - first_bytes);
  ck_assert_int_eq (spool_ack (spool, 40, NULL), TALLY_OK);
  spool_close (spool, false);
  ck_assert_str_eq (folder_names (path), "1.damaged\nleft\nlock\nnotes\nstream.json\n");
  free (data);
  free (path);
}
END_TEST

/* The end of a stream that is lost does not keep it waiting for ever. */
START_TEST (passes_over_damage_while_it_is_written)
{
  struct spool *spool = streams_create (folder);
  char *path = strdup (spool_folder (spool));
  size_t bytes;
  char *data;
  const struct record *record;

  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  data = folder_read (path, "1.segment", &bytes);
  data[bytes - 1] ^= 1;
  folder_write (path, "1.segment", data, bytes);
  ck_assert_int_eq (spool_next (&record, spool, NULL), TALLY_OK);
  ck_assert_ptr_null (record);
  ck_assert_uint_eq (spool_damaged_bytes (spool), bytes - 36);
  ck_assert_uint_eq (spool_acked (spool), 10);
  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, 10), 20);
  ck_assert_int_eq (spool_ack (spool, 20, NULL), TALLY_OK);
  spool_close (spool, false);
  ck_assert (folder_has (path, "1.damaged"));
  free (data);
  free (path);
}
END_TEST

START_TEST (reads_notes_up_to_damage)
{
  struct spool *spool = streams_create (folder);
  char *path = strdup (spool_folder (spool));
  size_t bytes;
  char *data;
  uint64_t torn;

  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  for (unsigned i = 0; i < 3; i++)
  {
    char key[8];

    snprintf (key, sizeof (key), "key %u", i);
    ck_assert_int_eq (spool_note (spool, key, key, false, NULL), TALLY_OK);
  }
  spool_close (spool, true);
  data = folder_read (path, "notes", &bytes);
  for (size_t bit = 0; bit < 8 * bytes; bit++)
  {
    unsigned known = 0;

    disown (path);
    data[bit / 8] ^= (char)(1 << bit % 8);
    folder_write (path, "notes", data, bytes);
    data[bit / 8] ^= (char)(1 << bit % 8);
    spool = streams_adopt (folder, &torn);
    for (unsigned i = 0; i < 3; i++)
    {
      char key[8];

      snprintf (key, sizeof (key), "key %u", i);
      if (NULL == spool_noted (spool, key))
        continue;
      ck_assert_str_eq (spool_noted (spool, key), key);
      known++;
    }
    ck_assert_uint_lt (known, 3);
    ck_assert_uint_gt (torn + spool_damaged_bytes (spool), 0);
    /* New notes are kept all the same. */
    ck_assert_int_eq (spool_note (spool, "new", "note", false, NULL), TALLY_OK);
    spool_close (spool, true);
    spool = streams_adopt (folder, &torn);
    ck_assert_str_eq (spool_noted (spool, "new"), "note");
    ck_assert_uint_eq (torn, 0);
    spool_close (spool, true);
  }
  free (data);
  free (path);
}
END_TEST

/* --- somebody has it --- */

static void
wait_with_stream (const char *where)
{
  struct spool *spool = streams_create (where);

  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  folder_write (where, "ready", "", 0);
  pause ();
}

/* A child that does this, and says so with a file in the folder, before it waits to be killed. */
static pid_t
start_child (void (*work) (const char *where))
{
  pid_t child = fork ();
  char *ready;

  if (0 == child)
  {
    work (folder);
    _exit (1);
  }
  ck_assert_int_gt (asprintf (&ready, "%s/ready", folder), 0);
  while (0 != access (ready, F_OK))
    usleep (1000);
  unlink (ready);
  free (ready);
  return child;
}

START_TEST (leaves_streams_of_living_processes_alone)
{
  struct spool_settings settings = streams_settings (folder);
  struct tally_error err;
  struct spool *spool;
  struct spool *again;
  uint64_t torn;
  pid_t child = start_child (wait_with_stream);
  char *path = streams_find (folder);

  for (unsigned i = 0; i < 3; i++)
  {
    ck_assert_int_eq (spool_adopt (&spool, path, &settings, &torn, &err), TALLY_ERROR_BUSY);
    ck_assert_ptr_null (spool);
    ck_assert_ptr_nonnull (strstr (err.message, "in use by process"));
  }
  kill (child, SIGKILL);
  ck_assert_int_eq (waitpid (child, NULL, 0), child);
  ck_assert_int_eq (spool_adopt (&spool, path, &settings, &torn, &err), TALLY_OK);
  /* Also another thread of this process must not have it twice. */
  ck_assert_int_eq (spool_adopt (&again, path, &settings, &torn, &err), TALLY_ERROR_BUSY);
  ck_assert_uint_eq (streams_read (spool, 0), 10);
  ck_assert_int_eq (spool_adopt (&again, path, &settings, &torn, &err), TALLY_ERROR_BUSY);
  spool_close (spool, false);
  free (path);
}
END_TEST

/* A process that uses its stream looks at its own folder, as tally_sync does, and still has it afterwards. */
static void
look_at_own (const char *where)
{
  struct spool_settings settings = streams_settings (where);
  struct spool *spool = streams_create (where);
  struct spool *other;
  uint64_t torn;

  ck_assert_int_eq (spool_adopt (&other, spool_folder (spool), &settings, &torn, NULL), TALLY_ERROR_BUSY);
  folder_write (where, "ready", "", 0);
  pause ();
}

START_TEST (does_not_lose_its_own_lock)
{
  struct spool_settings settings = streams_settings (folder);
  struct spool *spool;
  uint64_t torn;
  pid_t child = start_child (look_at_own);
  char *path = streams_find (folder);

  ck_assert_int_eq (spool_adopt (&spool, path, &settings, &torn, NULL), TALLY_ERROR_BUSY);
  kill (child, SIGKILL);
  ck_assert_int_eq (waitpid (child, NULL, 0), child);
  free (path);
}
END_TEST

/* A child that lives on does not hold the stream of its parent. */
static void
leave_a_child (const char *where)
{
  struct spool *spool = streams_create (where);
  pid_t child;
  char text[32];

  ck_assert_int_eq (streams_append (spool, 10, NULL), TALLY_OK);
  child = fork ();
  if (0 == child)
  {
    sleep (60);
    _exit (0);
  }
  snprintf (text, sizeof (text), "%d", (int)child);
  folder_write (where, "child", text, strlen (text));
}

START_TEST (is_free_although_a_child_lives)
{
  struct spool *spool;
  uint64_t torn;
  size_t bytes;
  char *child;
  char *path;

  streams_in_child (leave_a_child, folder);
  child = folder_read (folder, "child", &bytes);
  ck_assert_int_gt (asprintf (&path, "%s/child", folder), 0);
  unlink (path);
  spool = streams_adopt (folder, &torn);
  ck_assert_uint_eq (streams_read (spool, 0), 10);
  spool_close (spool, false);
  ck_assert_int_eq (kill ((pid_t)atoi (child), SIGKILL), 0);
  free (child);
  free (path);
}
END_TEST

START_TEST (refuses_what_is_no_stream)
{
  static const char newer[] = "{\"format\":2,\"server\":\"http://server\"}";
  static const char lacking[] = "{\"format\":1}";
  struct spool_settings settings = streams_settings (folder);
  struct tally_error err;
  struct spool *spool;
  uint64_t torn;

  ck_assert_int_eq (spool_adopt (&spool, folder, &settings, &torn, &err), TALLY_ERROR_PROTOCOL);
  folder_write (folder, "stream.json", "[", 1);
  ck_assert_int_eq (spool_adopt (&spool, folder, &settings, &torn, &err), TALLY_ERROR_PROTOCOL);
  folder_write (folder, "stream.json", lacking, sizeof (lacking) - 1);
  ck_assert_int_eq (spool_adopt (&spool, folder, &settings, &torn, &err), TALLY_ERROR_PROTOCOL);
  folder_write (folder, "stream.json", newer, sizeof (newer) - 1);
  ck_assert_int_eq (spool_adopt (&spool, folder, &settings, &torn, &err), TALLY_ERROR_PROTOCOL);
  ck_assert_ptr_nonnull (strstr (err.message, "newer"));
  disown (folder);
  ck_assert_int_eq (spool_adopt (&spool, folder, &settings, &torn, &err), TALLY_ERROR_PROTOCOL);
  ck_assert_ptr_nonnull (strstr (err.message, "lock"));
  ck_assert_int_eq (spool_adopt (&spool, "/nowhere/at/all", &settings, &torn, &err), TALLY_ERROR_FILE);
}
END_TEST

/* --- a disk that is full: files may not grow beyond a limit, as if that were all there is --- */

static void
limit_files (rlim_t bytes)
{
  struct rlimit limit;

  ck_assert_int_eq (getrlimit (RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

START_TEST (goes_on_in_memory_while_the_disk_is_full)
{
  struct spool *spool = streams_create (folder);
  char *path = strdup (spool_folder (spool));
  struct tally_error err;
  uint64_t on_disk;
  uint64_t torn;

  signal (SIGXFSZ, SIG_IGN);
  limit_files (4000);
  while (TALLY_OK == streams_append (spool, 20, &err))
    ck_assert_uint_le (spool_disk_bytes (spool), 4000);
  ck_assert_int_eq (err.code, TALLY_ERROR_FILE);
  on_disk = spool_disk_bytes (spool);
  ck_assert_uint_gt (on_disk, 3000);
  ck_assert_uint_gt (spool_memory_bytes (spool), 200);
  for (unsigned i = 0; i < 100; i++)
    ck_assert_int_eq (streams_append (spool, 20, &err), TALLY_ERROR_FILE);
  ck_assert_int_eq (spool_force (spool, &err), TALLY_ERROR_FILE);
  torn = streams_read (spool, 0);
  ck_assert_uint_eq (torn, spool_last (spool));
  while (TALLY_ERROR_FILE == streams_append (spool, 500, &err))
    ;
  ck_assert_int_eq (err.code, TALLY_ERROR_FULL);
  ck_assert_uint_le (spool_memory_bytes (spool), 1 << 20);

  limit_files (RLIM_INFINITY);
  usleep (1100000);
  ck_assert_int_eq (spool_settle (spool, &err), TALLY_OK);
  ck_assert_uint_eq (spool_memory_bytes (spool), 0);
  ck_assert_uint_gt (spool_disk_bytes (spool), on_disk + 900000);
  ck_assert_int_eq (streams_append (spool, 20, &err), TALLY_OK);
  ck_assert_uint_eq (streams_read (spool, torn), spool_last (spool));
  torn = spool_last (spool);
  spool_close (spool, true);
  /* All of it is on the disk now. */
  disown (path);
  spool = streams_adopt (folder, &on_disk);
  ck_assert_uint_eq (on_disk, 0);
  ck_assert_uint_eq (spool_last (spool), torn);
  ck_assert_uint_eq (streams_read (spool, 0), torn);
  spool_close (spool, true);
  free (path);
}
END_TEST

START_TEST (needs_no_disk_for_notes)
{
  struct spool *spool = streams_create (folder);
  struct tally_error err;
  uint64_t torn;
  char *path;

  ck_assert_int_eq (streams_append (spool, 20, &err), TALLY_OK);
  signal (SIGXFSZ, SIG_IGN);
  limit_files (0);
  ck_assert_int_eq (spool_note (spool, "key", "value", true, &err), TALLY_ERROR_FILE);
  ck_assert_str_eq (spool_noted (spool, "key"), "value");
  ck_assert_int_eq (spool_ack (spool, 10, &err), TALLY_OK);
  limit_files (RLIM_INFINITY);
  ck_assert_int_eq (spool_note (spool, "other", "value", true, &err), TALLY_OK);
  path = strdup (spool_folder (spool));
  spool_close (spool, true);
  disown (path);
  spool = streams_adopt (folder, &torn);
  ck_assert_str_eq (spool_noted (spool, "key"), "value");
  ck_assert_uint_eq (spool_acked (spool), 10);
  spool_close (spool, true);
  free (path);
}
END_TEST

Suite *spool_recover_suite (void);

Suite *
spool_recover_suite (void)
{
  Suite *suite = suite_create ("spool_recover");
  TCase *tcase = tcase_create ("spool_recover");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, survives_the_death_of_the_process);
  tcase_add_test (tcase, begins_without_segments);
  tcase_add_test (tcase, cuts_torn_ends_off);
  tcase_add_test (tcase, takes_zeros_at_the_end_for_torn);
  tcase_add_test (tcase, never_reads_something_wrong);
  tcase_add_test (tcase, skips_a_damaged_middle_and_keeps_it);
  tcase_add_test (tcase, passes_over_damage_while_it_is_written);
  tcase_add_test (tcase, reads_notes_up_to_damage);
  tcase_add_test (tcase, leaves_streams_of_living_processes_alone);
  tcase_add_test (tcase, does_not_lose_its_own_lock);
  tcase_add_test (tcase, is_free_although_a_child_lives);
  tcase_add_test (tcase, refuses_what_is_no_stream);
  tcase_add_test (tcase, goes_on_in_memory_while_the_disk_is_full);
  tcase_add_test (tcase, needs_no_disk_for_notes);
  suite_add_tcase (suite, tcase);
  return suite;
}
