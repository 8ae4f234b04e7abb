/* Tests of garbage collection of the artifact store: what goes, what stays, how it ends and goes on, and that beside
   writers of the same contents nothing that has a name is ever lost. */
#include "contents.h"
#include "database.h"

#include "artifact/gc.h"
#include "artifact/link.h"
#include "artifact/sweeper.h"
#include "base/clock.h"
#include "store/blob.h"
#include "store/upload.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOUR_S 3600

/* A report that ends the collection after so many steps. */
struct patience
{
  size_t steps;
  size_t most;
};

static bool
count_step (void *context, const struct gc_progress *progress)
{
  struct patience *patience = context;

  (void)progress;
  return ++patience->steps < patience->most;
}

static struct gc_progress
collect (int64_t grace_s, bool dry_run, size_t most_steps)
{
  const struct gc_options options = { .blobs = contents.blobs, .grace_s = grace_s, .dry_run = dry_run };
  struct patience patience = { 0, most_steps };
  struct gc_progress progress = { .uploads = 0 };
  struct err err = { 0 };
  enum err_code code = artifact_gc_sweep (&progress, database.connection, &options, count_step, &patience, &err);

  if (ERR_OK == code && patience.steps < most_steps)
    code = artifact_gc_collect (&progress, database.connection, &options, count_step, &patience, &err);
  ck_assert_msg (ERR_OK == code, "%s: %s", err.message, err.cause);
  return progress;
}

/* --- what goes ---------------------------------------------------------------------------------------------------- */

START_TEST (removes_what_has_no_name)
{
  struct gc_progress progress;

  contents_put ("a", "kept");
  contents_put ("b", "deleted");
  contents_put ("c", "replaced");
  contents_put ("c", "replacing");
  contents_delete ("b");
  /* The time of grace counts from the last use. */
  ck_assert_uint_eq (collect (HOUR_S, false, SIZE_MAX).contents, 0);
  database_run ("UPDATE blob SET used_at_ms = used_at_ms - 7200000");
  contents_put ("d", "used again");
  progress = collect (HOUR_S, true, SIZE_MAX);
  ck_assert_uint_eq (progress.contents, 2);
  ck_assert_int_eq (progress.content_bytes, 7 + 8);
  ck_assert_uint_eq (progress.strays, 0);
  ck_assert_uint_eq (contents_files ("sha256"), 5);
  progress = collect (HOUR_S, false, SIZE_MAX);
  ck_assert_uint_eq (progress.contents, 2);
  ck_assert_int_eq (progress.content_bytes, 7 + 8);
  ck_assert_uint_ge (progress.looked, 5);
  ck_assert (contents_intact ("kept") && contents_intact ("replacing") && contents_intact ("used again"));
  ck_assert_uint_eq (contents_files ("sha256"), 3);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM blob"), 3);
  ck_assert_uint_eq (collect (0, false, SIZE_MAX).contents, 0);
}
END_TEST

START_TEST (removes_what_has_no_row)
{
  struct digest old = contents_put_stray ("published by a writer that died");
  struct gc_progress progress;

  (void)contents_put_stray ("published just now");
  contents_put ("a", "kept");
  contents_make_old (&old, 2 * HOUR_S);
  progress = collect (HOUR_S, true, SIZE_MAX);
  ck_assert_uint_eq (progress.strays, 1);
  ck_assert_uint_eq (contents_files ("sha256"), 3);
  progress = collect (HOUR_S, false, SIZE_MAX);
  ck_assert_uint_eq (progress.strays, 1);
  ck_assert_int_eq (progress.stray_bytes, 31);
  ck_assert_uint_eq (progress.contents, 0);
  ck_assert_uint_eq (contents_files ("sha256"), 2);
  ck_assert (contents_intact ("kept") && contents_intact ("published just now"));
  ck_assert_int_eq (database_number ("SELECT count(*) FROM blob"), 1);
}
END_TEST

/* A collection that dies between row and bytes leaves a stray for the next. */
START_TEST (goes_on_after_a_crash)
{
  struct store_blob blob;
  size_t count = 1;
  struct err err = { 0 };

  contents_put ("a", "half removed");
  contents_delete ("a");
  ck_assert (digest_of (&blob.digest, SLICE ("half removed")));
  ck_assert_int_eq (store_blob_forget (&blob, &count, database.connection, clock_wall_ms () + 1, database.arena, &err),
                    ERR_OK);
  ck_assert_uint_eq (count, 1);
  ck_assert_int_eq (blob.size_bytes, 12);
  ck_assert (contents_intact ("half removed"));
  ck_assert_uint_eq (collect (0, false, SIZE_MAX).strays, 1);
  ck_assert (! contents_intact ("half removed"));
}
END_TEST

START_TEST (ends_and_goes_on)
{
  struct gc_progress progress;
  uint64_t removed = 0;
  unsigned rounds = 0;

  for (unsigned i = 0; i < 200; i++)
  {
    char text[32];

    snprintf (text, sizeof (text), "content %u", i);
    contents_put ("the same name", text);
  }
  database_run ("UPDATE blob SET used_at_ms = 1");
  do
  {
    progress = collect (HOUR_S, false, 2);
    removed += progress.contents;
    ck_assert_uint_le (progress.contents, (uint64_t)2 * STORE_BLOB_REMOVE_MAX);
    rounds++;
  } while (progress.contents > 0);
  ck_assert_uint_eq (removed, 199);
  ck_assert_uint_gt (rounds, 3);
  ck_assert (contents_intact ("content 199"));
  ck_assert_uint_eq (contents_files ("sha256"), 1);
}
END_TEST

/* Removing mostly everything means that the store is not that of the database. */
START_TEST (doubts_a_store_of_strangers)
{
  struct gc_options options = { .blobs = contents.blobs, .grace_s = HOUR_S };
  struct patience patience = { 0, SIZE_MAX };
  struct gc_progress progress = { .uploads = 0 };
  struct err err = { 0 };

  for (unsigned i = 0; i < 150; i++)
  {
    char text[32];
    struct digest digest;

    snprintf (text, sizeof (text), "content %u", i);
    digest = contents_put_stray (text);
    contents_make_old (&digest, 2 * HOUR_S);
  }
  ck_assert_int_eq (artifact_gc_collect (&progress, database.connection, &options, count_step, &patience, &err),
                    ERR_RESOURCE_CONFLICT);
  ck_assert_ptr_nonnull (strstr (err.message, "150 of 150"));
  ck_assert_uint_eq (contents_files ("sha256"), 150);
  options.all_strays = true;
  err_clear (&err);
  ck_assert_int_eq (artifact_gc_collect (&progress, database.connection, &options, count_step, &patience, &err),
                    ERR_OK);
  ck_assert_uint_eq (progress.strays, 150);
  ck_assert_uint_eq (contents_files ("sha256"), 0);
}
END_TEST

/* --- uploads and leftovers ---------------------------------------------------------------------------------------- */

static struct uuid
begin_upload (int64_t expires_at_ms)
{
  struct store_upload upload = { .path = SLICE ("a/b"),
                                 .store_upload = SLICE (""),
                                 .part_count = 1,
                                 .created_at_ms = 1,
                                 .expires_at_ms = expires_at_ms };
  struct blob_writer *writer = NULL;
  struct digest digest;
  int64_t size_bytes;
  char name[BLOB_UPLOAD_NAME_BYTES];
  struct err err = { 0 };

  ck_assert (uuid_random (&upload.upload_id));
  ck_assert_int_eq (blob_upload_start (name, contents.blobs, &upload.upload_id, &err), ERR_OK);
  ck_assert_int_eq (store_upload_add (database.connection, &upload, &err), ERR_OK);
  writer = contents_write (&digest, &size_bytes, &upload.upload_id, "a part");
  ck_assert_int_eq (blob_publish (writer, &err), ERR_OK);
  blob_writer_free (writer);
  return upload.upload_id;
}

static void
leave_behind (const char *name)
{
  char path[2 * CONTENTS_PATH_BYTES];
  int fd;

  contents_put ("makes the store", "makes the store");
  snprintf (path, sizeof (path), "%s/tmp/%s", contents.root, name);
  fd = open (path, O_WRONLY | O_CREAT, 0600);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, "half", 4), 4);
  close (fd);
}

START_TEST (drops_what_was_broken_off)
{
  struct blob_writer *writer = NULL;
  struct gc_progress progress;
  struct err err = { 0 };

  (void)begin_upload (clock_wall_ms () - 1);
  (void)begin_upload (clock_wall_ms () + 1000000);
  /* Not broken off: forgotten without a word. */
  database_run ("INSERT INTO artifact_upload SELECT gen_random_uuid(), 1, 'c', '', 1, 1, 1, sha256('c')");
  leave_behind ("0123456789abcdef0123456789abcdef");
  ck_assert_int_eq (blob_write_start (&writer, contents.blobs, &err), ERR_OK);
  progress = collect (0, true, SIZE_MAX);
  ck_assert_uint_eq (progress.uploads, 1);
  ck_assert_uint_eq (progress.leftovers, 1);
  ck_assert_uint_eq (contents_files ("parts"), 2);
  progress = collect (0, false, SIZE_MAX);
  ck_assert_uint_eq (progress.uploads, 1);
  ck_assert_uint_eq (progress.leftovers, 1);
  ck_assert_int_eq (progress.leftover_bytes, 4);
  ck_assert_uint_eq (contents_files ("parts"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM artifact_upload"), 1);
  /* The writer that lives is not touched. */
  ck_assert_uint_eq (contents_files ("tmp"), 1);
  blob_writer_free (writer);
}
END_TEST

START_TEST (drops_many_uploads)
{
  for (unsigned i = 0; i < 150; i++)
    (void)begin_upload (1);
  ck_assert_uint_eq (collect (0, false, 1).uploads, 1);
  ck_assert_uint_eq (collect (0, false, SIZE_MAX).uploads, 149);
  ck_assert_uint_eq (contents_files ("parts"), 0);
}
END_TEST

/* The daemon's thread. */
START_TEST (sweeps_by_itself)
{
  const struct sweeper_options options = { .store = database.store, .blobs = contents.blobs, .interval_us = 1000 };
  struct sweeper_options later = options;
  struct sweeper *sweeper;

  (void)begin_upload (1);
  leave_behind ("0123456789abcdef0123456789abcdef");
  later.first_us = (uint64_t)3600 * 1000000;
  sweeper = sweeper_start (&later);
  ck_assert_ptr_nonnull (sweeper);
  sweeper_stop (sweeper);
  ck_assert_uint_eq (contents_files ("tmp"), 1);
  sweeper = sweeper_start (&options);
  ck_assert_ptr_nonnull (sweeper);
  for (unsigned i = 0; i < 6000 && contents_files ("tmp") + contents_files ("parts") > 0; i++)
    usleep (10000);
  sweeper_stop (sweeper);
  ck_assert_uint_eq (contents_files ("tmp") + contents_files ("parts"), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM artifact_upload"), 0);
  /* Contents are not its work. */
  (void)contents_put_stray ("a stray");
  ck_assert_uint_eq (contents_files ("sha256"), 2);
}
END_TEST

/* --- beside writers ----------------------------------------------------------------------------------------------- */

/* What a transaction holds while others look. */
struct held
{
  const char *text;
  struct blob_writer *writer;
  struct digest digest;
  int64_t size_bytes;
  struct gc_progress progress;
};

/* Between publishing and commit: a collection sees the bytes and no name. */
static enum err_code
collect_meanwhile (struct store_connection *connection, void *context, struct err *err)
{
  struct held *held = context;
  enum err_code code = store_blob_hold (connection, &held->digest, held->size_bytes, 1, err);

  if (ERR_OK == code)
    code = blob_publish (held->writer, err);
  if (ERR_OK == code)
  {
    const struct gc_options options = { .blobs = contents.blobs, .grace_s = 0 };
    struct patience patience = { 0, SIZE_MAX };
    struct store_connection *other = database_connect ();

    /* A row that is held and old. For one that is new the collection waits, so threads test that. */
    ck_assert_int_eq (artifact_gc_collect (&held->progress, other, &options, count_step, &patience, err), ERR_OK);
    store_connection_free (other);
  }
  if (ERR_OK == code)
    code = store_artifact_put (connection, SLICE ("named at last"), &held->digest, held->size_bytes, 1, err);
  return code;
}

START_TEST (passes_over_what_is_held)
{
  struct held held = { .text = "held" };
  struct err err = { 0 };

  contents_put ("a", held.text);
  contents_delete ("a");
  database_run ("UPDATE blob SET used_at_ms = 1");
  held.writer = contents_write (&held.digest, &held.size_bytes, NULL, held.text);
  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_transaction (database.connection, STORE_WRITE, collect_meanwhile, &held, &err), ERR_OK);
  blob_writer_free (held.writer);
  ck_assert_uint_eq (held.progress.contents, 0);
  ck_assert (contents_intact (held.text));
  ck_assert_uint_eq (collect (0, false, SIZE_MAX).contents, 0);
  ck_assert (contents_intact (held.text));
}
END_TEST

#define WRITERS 4
#define COLLECTORS 2
#define CONTENTS 5
#define ROUNDS 120
/* As many as that while the collectors have not had their turn. */
#define MOST_ROUNDS (100 * ROUNDS)
/* Contents removed beside the writers; otherwise nothing was tested. */
#define LEAST_REMOVED 10

static struct
{
  _Atomic bool stopping;
  _Atomic size_t removed;
  _Atomic size_t sent_again;
} race;

/* Give names of its own to contents that others write too, and take them away; whatever has a name is there. */
static void *
write_names (void *context)
{
  struct store_connection *connection = database_connect ();
  uint64_t state = (uint64_t)(uintptr_t)context * UINT64_C (0x9E3779B97F4A7C15) + 1;
  char names[2][32];
  unsigned has[2] = { 0, 0 }; /* content + 1 */

  for (unsigned i = 0; i < 2; i++)
    snprintf (names[i], sizeof (names[i]), "writer-%zu/%u", (size_t)context, i);
  for (unsigned round = 0; round < ROUNDS || (round < MOST_ROUNDS && atomic_load (&race.removed) <= LEAST_REMOVED);
       round++)
  {
    char text[32];
    unsigned at;
    struct err err = { 0 };

    state = state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    at = (unsigned)(state >> 40) % 2;
    store_start_request (connection, 0);
    if (0 == (state >> 50) % 3)
    {
      int64_t count;

      ck_assert_int_eq (store_artifact_delete (&count, connection, slice_of (names[at]), clock_wall_ms (), &err),
                        ERR_OK);
      ck_assert_int_eq (count, has[at] > 0);
      has[at] = 0;
    }
    else
    {
      unsigned content = (unsigned)(state >> 33) % CONTENTS;
      enum err_code code;

      snprintf (text, sizeof (text), "content %u", content);
      while (ERR_TEMPORARILY_UNAVAILABLE == (code = contents_link (connection, names[at], text, &err)))
      {
        atomic_fetch_add (&race.sent_again, 1);
        err_clear (&err);
      }
      ck_assert_msg (ERR_OK == code, "%s: %s", err.message, err.cause);
      has[at] = content + 1;
    }
    for (unsigned i = 0; i < 2; i++)
      if (has[i] > 0)
      {
        snprintf (text, sizeof (text), "content %u", has[i] - 1);
        ck_assert_msg (contents_intact (text), "%s is gone, round %u", text, round);
      }
  }
  store_connection_free (connection);
  return NULL;
}

static void *
collect_all (void *context)
{
  const struct gc_options options = { .blobs = contents.blobs, .grace_s = 0, .all_strays = true };
  struct store_connection *connection = database_connect ();

  (void)context;
  while (! atomic_load (&race.stopping))
  {
    struct patience patience = { 0, SIZE_MAX };
    struct gc_progress progress = { .uploads = 0 };
    struct err err = { 0 };

    ck_assert_msg (ERR_OK == artifact_gc_collect (&progress, connection, &options, count_step, &patience, &err),
                   "%s: %s", err.message, err.cause);
    atomic_fetch_add (&race.removed, progress.contents + progress.strays);
  }
  store_connection_free (connection);
  return NULL;
}

START_TEST (loses_nothing_that_has_a_name)
{
  pthread_t writers[WRITERS];
  pthread_t collectors[COLLECTORS];

  for (size_t i = 0; i < COLLECTORS; i++)
    ck_assert_int_eq (pthread_create (&collectors[i], NULL, collect_all, NULL), 0);
  for (size_t i = 0; i < WRITERS; i++)
    ck_assert_int_eq (pthread_create (&writers[i], NULL, write_names, (void *)(i + 1)), 0);
  for (size_t i = 0; i < WRITERS; i++)
    ck_assert_int_eq (pthread_join (writers[i], NULL), 0);
  atomic_store (&race.stopping, true);
  for (size_t i = 0; i < COLLECTORS; i++)
    ck_assert_int_eq (pthread_join (collectors[i], NULL), 0);
  ck_assert_uint_gt (atomic_load (&race.removed), LEAST_REMOVED);
  /* Only what was used in this very millisecond stays. */
  usleep (2000);
  (void)collect (0, false, SIZE_MAX);
  ck_assert_int_eq ((int64_t)contents_files ("sha256"),
                    database_number ("SELECT count(DISTINCT sha256) FROM artifact"));
  ck_assert_int_eq ((int64_t)contents_files ("sha256"), database_number ("SELECT count(*) FROM blob"));
  ck_assert_uint_eq (contents_files ("tmp"), 0);
}
END_TEST

Suite *blob_gc_suite (void);

Suite *
blob_gc_suite (void)
{
  Suite *suite = suite_create ("blob_gc");
  TCase *gc_case = tcase_create ("blob_gc");

  tcase_add_checked_fixture (gc_case, contents_open, contents_close);
  tcase_set_timeout (gc_case, 120);
  tcase_add_test (gc_case, removes_what_has_no_name);
  tcase_add_test (gc_case, removes_what_has_no_row);
  tcase_add_test (gc_case, goes_on_after_a_crash);
  tcase_add_test (gc_case, ends_and_goes_on);
  tcase_add_test (gc_case, doubts_a_store_of_strangers);
  tcase_add_test (gc_case, drops_what_was_broken_off);
  tcase_add_test (gc_case, drops_many_uploads);
  tcase_add_test (gc_case, sweeps_by_itself);
  tcase_add_test (gc_case, passes_over_what_is_held);
  tcase_add_test (gc_case, loses_nothing_that_has_a_name);
  suite_add_tcase (suite, gc_case);
  return suite;
}
