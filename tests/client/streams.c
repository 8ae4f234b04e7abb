/* Spools of tests. */
#include "streams.h"

#include "folder.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct run_key run = { { 9, 8, 7 } };

struct spool_settings
streams_settings (const char *folder)
{
  return (struct spool_settings){ .folder = folder, .server = "http://server", .memory_bytes = (uint64_t)1 << 20 };
}

struct spool *
streams_create (const char *folder)
{
  struct spool_settings settings = streams_settings (folder);
  struct tally_error err;
  struct spool *spool;

  ck_assert_msg (TALLY_OK == spool_create (&spool, &settings, &err), "%s", err.message);
  return spool;
}

char *
streams_find (const char *folder)
{
  const char *names = folder_names (folder);
  char *path;

  ck_assert_msg (NULL != strchr (names, '\n') && strchr (names, '\n') == strrchr (names, '\n'), "%s", names);
  ck_assert_int_gt (asprintf (&path, "%s/%.*s", folder, (int)strcspn (names, "\n"), names), 0);
  return path;
}

struct spool *
streams_adopt (const char *folder, uint64_t *torn_bytes)
{
  struct spool_settings settings = streams_settings (folder);
  char *path = streams_find (folder);
  struct tally_error err;
  struct spool *spool;

  ck_assert_msg (TALLY_OK == spool_adopt (&spool, path, &settings, torn_bytes, &err), "%s", err.message);
  free (path);
  return spool;
}

enum tally_code
streams_append (struct spool *spool, size_t count, struct tally_error *err)
{
  struct record_point *points = calloc (count, sizeof (*points));
  struct record record = { .kind = RECORD_POINTS, .run = run, .points = { points, count } };
  enum tally_code code;

  ck_assert_ptr_nonnull (points);
  for (size_t i = 0; i < count; i++)
  {
    int64_t entry = (int64_t)(spool_last (spool) + i + 1);

    points[i] = (struct record_point){ .key = 0 == entry % 7 ? SLICE ("seventh") : SLICE ("loss"),
                                       .value = (double)entry + 0.1,
                                       .step = entry,
                                       .timestamp_ms = 1000 * entry };
  }
  code = spool_append (spool, &record, 1, err);
  free (points);
  return code;
}

static void
check_record (const struct record *record, uint64_t entry)
{
  ck_assert_int_eq (record->kind, RECORD_POINTS);
  ck_assert_mem_eq (&record->run, &run, sizeof (run));
  for (size_t i = 0; i < record->points.count; i++, entry++)
  {
    const struct record_point *point = &record->points.items[i];

    ck_assert_int_eq (point->step, (int64_t)entry);
    ck_assert_double_eq (point->value, (double)entry + 0.1);
    ck_assert_int_eq (point->timestamp_ms, (int64_t)(1000 * entry));
    ck_assert (slice_is (point->key, 0 == entry % 7 ? "seventh" : "loss"));
  }
}

uint64_t
streams_read (struct spool *spool, uint64_t entry)
{
  const struct record *record;
  struct tally_error err;

  for (;;)
  {
    ck_assert_msg (TALLY_OK == spool_next (&record, spool, &err), "%s", err.message);
    if (NULL == record)
      return entry;
    ck_assert_uint_eq (record->entry, entry + record->points.count);
    check_record (record, entry + 1);
    entry = record->entry;
  }
}

void
streams_in_child (void (*work) (const char *folder), const char *folder)
{
  pid_t child = fork ();
  int status;

  ck_assert_int_ge (child, 0);
  if (0 == child)
  {
    work (folder);
    kill (getpid (), SIGKILL);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_msg (WIFSIGNALED (status) && SIGKILL == WTERMSIG (status), "the child failed");
}
