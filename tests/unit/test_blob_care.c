/* Tests of the artifact store in a directory: a full disk, many threads, what a crash leaves, listing, uploads in
 * parts. */
#include "blobs.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a full disk -------------------------------------------------------------------------------------------------- */

/* Write until the store is full; the error must be that of a full blobs.store, and everything of it gone afterwards. */
static void
fill_store (void)
{
  char *bytes = blobs_make_bytes ((size_t)256 * 1024, 3);
  struct blob_writer *writer = blobs_start ();
  struct digest digest;
  int64_t size_bytes;
  struct err err = { 0 };
  enum err_code code = ERR_OK;

  for (unsigned i = 0; ERR_OK == code && i < 64; i++)
    code = blob_write (writer, (struct slice){ bytes, (size_t)256 * 1024 }, &err);
  ck_assert_int_eq (code, ERR_INSUFFICIENT_STORAGE);
  ck_assert_uint_gt (strlen (err.cause), 0);
  /* It is broken for good: what is missing in the middle cannot be made up for. */
  err_clear (&err);
  ck_assert_int_eq (blob_write (writer, SLICE ("more"), &err), ERR_INTERNAL_ERROR);
  err_clear (&err);
  ck_assert_int_eq (blob_write_end (&digest, &size_bytes, writer, &err), ERR_INTERNAL_ERROR);
  blob_writer_free (writer);
  ck_assert_uint_eq (blobs_files ("tmp"), 0);
  free (bytes);
}

START_TEST (refuses_beyond_a_limit_of_the_system)
{
  struct rlimit before;
  struct rlimit limit;
  struct digest digest;

  (void)signal (SIGXFSZ, SIG_IGN);
  ck_assert_int_eq (getrlimit (RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 1000 * 1000;
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
  fill_store ();
  digest = blobs_put (SLICE ("small ones go on"));
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &before), 0);
  ck_assert (blobs_intact (&digest, 16));
}
END_TEST

/* Only root may mount; others have the test above. */
START_TEST (refuses_when_the_disk_is_full)
{
  struct digest digest;

  if (0 != geteuid () || 0 != unshare (CLONE_NEWNS) || 0 != mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)
      || 0 != mount ("tally-test", blobs.scratch, "tmpfs", 0, "size=2m"))
    return;
  fill_store ();
  digest = blobs_put (SLICE ("there is room again"));
  ck_assert (blobs_intact (&digest, 19));
  (void)umount2 (blobs.scratch, MNT_DETACH);
}
END_TEST

/* --- many at once ------------------------------------------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS 25

/* Write the same few contents again and again, and read them. */
static void *
write_and_read (void *context)
{
  (void)context;
  for (unsigned round = 0; round < ROUNDS; round++)
  {
    char text[32];
    struct slice bytes;
    struct digest digest;

    snprintf (text, sizeof (text), "content %u", round % 5);
    bytes = slice_of (text);
    digest = blobs_put (bytes);
    /* Nobody removes, so it is there for ever, whoever replaces it. */
    ck_assert (blobs_has (&digest, (int64_t)bytes.len));
    ck_assert (blobs_intact (&digest, (int64_t)bytes.len));
  }
  return NULL;
}

START_TEST (serves_many_threads)
{
  pthread_t threads[THREADS];

  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, write_and_read, NULL), 0);
  for (size_t i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  ck_assert_uint_eq (blobs_files ("sha256"), 5);
  ck_assert_uint_eq (blobs_files ("tmp"), 0);
}
END_TEST

/* --- sweeping and listing ----------------------------------------------------------------------------------------- */

START_TEST (sweeps_what_a_crash_left)
{
  struct digest digest = blobs_put (SLICE ("published"));
  char name[] = "0123456789abcdef0123456789abcdef";
  struct blobs_findings findings;

  blobs_make_old (blobs_content_path (&digest), 10 * BLOBS_HOUR_S);
  blobs_write_file (blobs_path ("tmp/%s", name), "left over");
  blobs_write_file (blobs_path ("tmp/%s", "somebody's notes"), "not ours");
  blobs_make_old (blobs_path ("tmp/%s", "somebody's notes"), 10 * BLOBS_HOUR_S);
  /* Too young. */
  ck_assert_uint_eq (blobs_sweep (BLOBS_HOUR_S, false).count, 0);
  blobs_make_old (blobs_path ("tmp/%s", name), 2 * BLOBS_HOUR_S);
  findings = blobs_sweep (BLOBS_HOUR_S, true);
  ck_assert_uint_eq (findings.count, 1);
  ck_assert_int_eq (findings.bytes, 9);
  ck_assert_uint_eq (blobs_files ("tmp"), 2);
  findings = blobs_sweep (BLOBS_HOUR_S, false);
  ck_assert_uint_eq (findings.count, 1);
  ck_assert_int_eq (findings.bytes, 9);
  ck_assert_uint_eq (blobs_files ("tmp"), 1);
  ck_assert (blobs_has (&digest, 9));
}
END_TEST

/* A writer that waits for a slow client is no leftover, however old its file is. */
START_TEST (sweeps_no_writer_that_lives)
{
  struct blob_writer *writer = blobs_start ();
  struct digest digest;

  blobs_add (writer, SLICE ("slow"));
  ck_assert_uint_eq (blobs_sweep (0, true).count, 0);
  ck_assert_uint_eq (blobs_sweep (0, false).count, 0);
  blobs_add (writer, SLICE ("ly"));
  blobs_finish (&digest, writer);
  blobs_publish (writer);
  blob_writer_free (writer);
  ck_assert (blobs_intact (&digest, 6));
}
END_TEST

START_TEST (ends_a_sweep_when_told)
{
  struct blobs_findings findings = { 0, 0, 2 };
  struct err err = { 0 };

  (void)blobs_put (SLICE ("make the store"));
  for (unsigned i = 0; i < 5; i++)
  {
    char name[UUID_TEXT_BYTES];

    snprintf (name, sizeof (name), "%032x", i);
    blobs_write_file (blobs_path ("tmp/%s", name), "x");
  }
  ck_assert_int_eq (blob_sweep (blobs.store, 0, false, blobs_note_finding, &findings, &err), ERR_OK);
  ck_assert_uint_eq (findings.count, 2);
  ck_assert_uint_eq (blobs_files ("tmp"), 3);
}
END_TEST

#define LISTED 300

struct listing
{
  struct digest digests[LISTED + 8];
  size_t count;
  size_t most;
  int64_t bytes;
  int64_t oldest_s;
};

static bool
note_listed (void *context, const struct digest *digest, int64_t size_bytes, int64_t age_s)
{
  struct listing *listing = context;

  ck_assert_uint_lt (listing->count, sizeof (listing->digests) / sizeof (listing->digests[0]));
  listing->digests[listing->count++] = *digest;
  listing->bytes += size_bytes;
  listing->oldest_s = age_s > listing->oldest_s ? age_s : listing->oldest_s;
  return listing->count != listing->most;
}

START_TEST (lists_in_order_and_resumes)
{
  static struct listing all;
  static struct listing pieces;
  struct digest after;
  struct err err = { 0 };
  bool first = true;
  size_t before;

  all = (struct listing){ .count = 0 };
  pieces = (struct listing){ .count = 0 };
  for (unsigned i = 0; i < LISTED; i++)
  {
    char text[16];
    struct digest digest;

    snprintf (text, sizeof (text), "%04u", i);
    digest = blobs_put (slice_of (text));
    if (7 == i)
      blobs_make_old (blobs_content_path (&digest), 3 * BLOBS_HOUR_S);
  }
  blobs_write_file (blobs_path ("sha256/%s", "notes"), "not ours");
  ck_assert_int_eq (mkdir (blobs_path ("sha256/%s", "zz"), 0700), 0);
  ck_assert_int_eq (blob_list (blobs.store, NULL, note_listed, &all, &err), ERR_OK);
  ck_assert_uint_eq (all.count, LISTED);
  ck_assert_int_eq (all.bytes, 4 * LISTED);
  ck_assert_int_ge (all.oldest_s, 3 * BLOBS_HOUR_S);
  for (size_t i = 1; i < LISTED; i++)
    ck_assert_int_lt (memcmp (&all.digests[i - 1], &all.digests[i], sizeof (struct digest)), 0);
  do
  {
    before = pieces.count;
    pieces.most = before + 7;
    ck_assert_int_eq (blob_list (blobs.store, first ? NULL : &after, note_listed, &pieces, &err), ERR_OK);
    if (pieces.count > 0)
      after = pieces.digests[pieces.count - 1];
    first = false;
  } while (pieces.count > before);
  ck_assert_uint_eq (pieces.count, LISTED);
  ck_assert_mem_eq (pieces.digests, all.digests, sizeof (struct digest) * LISTED);
}
END_TEST

/* The age counts from the publishing, not from the first byte. */
START_TEST (counts_the_age_from_the_publishing)
{
  static struct listing listing;
  struct blob_writer *writer = blobs_start ();
  struct digest digest;
  struct err err = { 0 };
  char name[BLOBS_PATH_BYTES] = "";
  FILE *found;

  blobs_add (writer, SLICE ("slow"));
  blobs_finish (&digest, writer);
  snprintf (name, sizeof (name), "ls %s", blobs_path ("%s", "tmp"));
  found = popen (name, "r");
  ck_assert_ptr_nonnull (found);
  ck_assert_ptr_nonnull (fgets (name, sizeof (name), found));
  pclose (found);
  name[strcspn (name, "\n")] = '\0';
  blobs_make_old (blobs_path ("tmp/%s", name), 50 * BLOBS_HOUR_S);
  blobs_publish (writer);
  blob_writer_free (writer);
  listing = (struct listing){ .count = 0 };
  ck_assert_int_eq (blob_list (blobs.store, NULL, note_listed, &listing, &err), ERR_OK);
  ck_assert_uint_eq (listing.count, 1);
  ck_assert_int_lt (listing.oldest_s, BLOBS_HOUR_S);
}
END_TEST

/* --- parts -------------------------------------------------------------------------------------------------------- */

static struct uuid
begin_upload (void)
{
  struct uuid upload_id;
  char name[BLOB_UPLOAD_NAME_BYTES];
  struct buffer url;
  struct err err = { 0 };

  ck_assert (uuid_random (&upload_id));
  ck_assert_int_eq (blob_upload_start (name, blobs.store, &upload_id, &err), ERR_OK);
  ck_assert_str_eq (name, "");
  buffer_init (&url, 4096);
  ck_assert_int_eq (blob_part_url (&url, blobs.store, &upload_id, name, 1, 60, &err), ERR_OK);
  ck_assert_uint_eq (url.len, 0);
  ck_assert_str_eq (url.data, "");
  buffer_free (&url);
  return upload_id;
}

static struct blob_part
put_part (const struct uuid *upload_id, int number, struct slice bytes)
{
  struct blob_part part = { .number = number };
  struct blob_writer *writer;
  struct digest digest;
  struct digest expected;
  struct err err = { 0 };

  ck_assert_int_eq (blob_part_start (&writer, blobs.store, upload_id, number, &err), ERR_OK);
  blobs_add (writer, bytes);
  ck_assert_int_eq (blob_write_end (&digest, &part.size_bytes, writer, &err), ERR_OK);
  ck_assert (digest_of (&expected, bytes));
  ck_assert (digest_equal (&digest, &expected));
  ck_assert_int_eq (part.size_bytes, (int64_t)bytes.len);
  blobs_publish (writer);
  blobs_publish (writer);
  blob_writer_free (writer);
  digest_format (part.etag, &digest);
  return part;
}

static enum err_code
complete (struct digest *digest, const struct uuid *upload_id, const struct blob_part *parts, size_t count,
          struct err *err)
{
  struct blob_writer *writer = NULL;
  int64_t size_bytes = -1;
  enum err_code code =
      blob_upload_complete (&writer, digest, &size_bytes, blobs.store, upload_id, "", parts, count, err);

  ck_assert ((ERR_OK == code) == (NULL != writer));
  if (ERR_OK == code)
  {
    blobs_publish (writer);
    ck_assert (blobs_intact (digest, size_bytes));
  }
  blob_writer_free (writer);
  return code;
}

START_TEST (puts_parts_together)
{
  char *bytes = blobs_make_bytes ((size_t)3 * 1000 * 1000, 9);
  struct uuid upload_id = begin_upload ();
  struct blob_part sent[3];
  struct blob_part *parts = NULL;
  struct digest digest;
  struct digest expected;
  size_t count = 0;
  struct err err = { 0 };

  /* In any order. */
  sent[2] = put_part (&upload_id, 10000, (struct slice){ bytes + 2000000, 1000000 });
  sent[0] = put_part (&upload_id, 1, (struct slice){ bytes, 1300000 });
  sent[1] = put_part (&upload_id, 2, (struct slice){ bytes + 1300000, 700000 });
  ck_assert_int_eq (blob_part_list (&parts, &count, blobs.store, &upload_id, "", &err), ERR_OK);
  ck_assert_uint_eq (count, 3);
  for (size_t i = 0; i < 3; i++)
  {
    ck_assert_int_eq (parts[i].number, sent[i].number);
    ck_assert_int_eq (parts[i].size_bytes, sent[i].size_bytes);
    ck_assert_str_eq (parts[i].etag, sent[i].etag);
  }
  /* Parts are no contents. */
  ck_assert_uint_eq (blobs_files ("sha256"), 0);
  ck_assert_int_eq (complete (&digest, &upload_id, parts, count, &err), ERR_OK);
  ck_assert (digest_of (&expected, (struct slice){ bytes, 3000000 }));
  ck_assert (digest_equal (&digest, &expected));
  /* What followed has failed, say: it can be tried again. */
  ck_assert_int_eq (complete (&digest, &upload_id, parts, count, &err), ERR_OK);
  ck_assert_int_eq (blob_upload_drop (blobs.store, &upload_id, "", &err), ERR_OK);
  ck_assert_uint_eq (blobs_files ("parts"), 0);
  ck_assert_uint_eq (blobs_files ("tmp"), 0);
  ck_assert (blobs_intact (&digest, 3000000));
  ck_assert_int_eq (blob_upload_drop (blobs.store, &upload_id, "", &err), ERR_OK);
  free (parts);
  free (bytes);
}
END_TEST

START_TEST (replaces_a_part)
{
  struct uuid upload_id = begin_upload ();
  struct blob_part parts[2];
  struct blob_part *listed = NULL;
  struct digest digest;
  struct digest expected;
  size_t count;
  struct err err = { 0 };

  (void)put_part (&upload_id, 1, SLICE ("a mistake"));
  parts[0] = put_part (&upload_id, 1, SLICE ("right "));
  parts[1] = put_part (&upload_id, 2, SLICE (""));
  ck_assert_int_eq (blob_part_list (&listed, &count, blobs.store, &upload_id, "", &err), ERR_OK);
  ck_assert_uint_eq (count, 2);
  ck_assert_int_eq (listed[0].size_bytes, 6);
  ck_assert_int_eq (listed[1].size_bytes, 0);
  free (listed);
  ck_assert_int_eq (complete (&digest, &upload_id, parts, 2, &err), ERR_OK);
  ck_assert (digest_of (&expected, SLICE ("right ")));
  ck_assert (digest_equal (&digest, &expected));
}
END_TEST

START_TEST (refuses_parts_that_are_not_there)
{
  struct uuid upload_id = begin_upload ();
  struct uuid unknown;
  struct blob_writer *writer = NULL;
  struct blob_part *listed = NULL;
  struct blob_part parts[3];
  struct digest digest;
  size_t count = 0;
  struct err err = { 0 };

  parts[0] = put_part (&upload_id, 1, SLICE ("one"));
  parts[1] = put_part (&upload_id, 2, SLICE ("two"));
  parts[2] = parts[1];
  parts[2].number = 3;
  ck_assert_int_eq (complete (&digest, &upload_id, parts, 3, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "part 3"));
  err_clear (&err);
  parts[1].etag[0] = 'x';
  ck_assert_int_eq (complete (&digest, &upload_id, parts, 2, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_ptr_nonnull (strstr (err.message, "part 2"));
  ck_assert_uint_eq (blobs_files ("sha256"), 0);
  ck_assert_uint_eq (blobs_files ("tmp"), 0);
  ck_assert (uuid_random (&unknown));
  err_clear (&err);
  ck_assert_int_eq (complete (&digest, &unknown, parts, 1, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  err_clear (&err);
  ck_assert_int_eq (blob_part_list (&listed, &count, blobs.store, &unknown, "", &err), ERR_RESOURCE_DOES_NOT_EXIST);
  err_clear (&err);
  ck_assert_int_eq (blob_part_start (&writer, blobs.store, &unknown, 1, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  /* Dropped between start and publish. */
  err_clear (&err);
  ck_assert_int_eq (blob_part_start (&writer, blobs.store, &upload_id, 4, &err), ERR_OK);
  blobs_finish (&digest, writer);
  ck_assert_int_eq (blob_upload_drop (blobs.store, &upload_id, "", &err), ERR_OK);
  ck_assert_int_eq (blob_publish (writer, &err), ERR_RESOURCE_DOES_NOT_EXIST);
  blob_writer_free (writer);
  ck_assert_uint_eq (blobs_files (""), 0);
}
END_TEST

START_TEST (sweeps_old_uploads)
{
  struct uuid old = begin_upload ();
  struct uuid young = begin_upload ();
  char text[UUID_TEXT_BYTES];
  struct blobs_findings findings;

  (void)put_part (&old, 1, SLICE ("1234567890"));
  (void)put_part (&young, 1, SLICE ("1234567890"));
  uuid_format (text, &old);
  blobs_make_old (blobs_path ("parts/%s", text), 2 * BLOBS_HOUR_S);
  findings = blobs_sweep (BLOBS_HOUR_S, true);
  ck_assert_uint_eq (findings.count, 1);
  ck_assert_uint_eq (blobs_files ("parts"), 2);
  /* The time of an upload holds, however impatient the sweep is. */
  ck_assert_uint_eq (blobs_sweep (0, true).count, 1);
  findings = blobs_sweep (BLOBS_HOUR_S, false);
  ck_assert_uint_eq (findings.count, 1);
  ck_assert_int_eq (findings.bytes, 10 + 32);
  ck_assert_uint_eq (blobs_files ("parts"), 1);
  ck_assert_int_ne (access (blobs_path ("parts/%s", text), F_OK), 0);
}
END_TEST

Suite *blob_care_suite (void);

Suite *
blob_care_suite (void)
{
  Suite *suite = suite_create ("blob_care");
  TCase *blob_case = tcase_create ("blob_care");

  tcase_add_checked_fixture (blob_case, blobs_open, blobs_close);
  tcase_set_timeout (blob_case, 60);
  tcase_add_test (blob_case, refuses_beyond_a_limit_of_the_system);
  tcase_add_test (blob_case, refuses_when_the_disk_is_full);
  tcase_add_test (blob_case, serves_many_threads);
  tcase_add_test (blob_case, sweeps_what_a_crash_left);
  tcase_add_test (blob_case, sweeps_no_writer_that_lives);
  tcase_add_test (blob_case, ends_a_sweep_when_told);
  tcase_add_test (blob_case, lists_in_order_and_resumes);
  tcase_add_test (blob_case, counts_the_age_from_the_publishing);
  tcase_add_test (blob_case, puts_parts_together);
  tcase_add_test (blob_case, replaces_a_part);
  tcase_add_test (blob_case, refuses_parts_that_are_not_there);
  tcase_add_test (blob_case, sweeps_old_uploads);
  suite_add_tcase (suite, blob_case);
  return suite;
}
