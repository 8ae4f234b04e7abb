/* Tests of the artifact store in a directory: what is written is read back, nothing half is ever seen, damage is told,
   and nothing leads out of it. */
#include "blobs.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Larger than what the writer starts on its way to the disk at once, and no multiple of it. */
#define LARGE_BYTES ((size_t)20 * 1024 * 1024 + 12345)

static unsigned
mode_of (const char *path)
{
  struct stat file;

  ck_assert_msg (0 == lstat (path, &file), "%s", path);
  return file.st_mode & 07777;
}

/* --- writing and reading ------------------------------------------------------------------------------------------ */

START_TEST (makes_nothing_before_the_first_write)
{
  struct blobs_findings none = blobs_sweep (0, false);
  struct digest digest;

  ck_assert (digest_of (&digest, SLICE ("x")));
  ck_assert (! blobs_has (&digest, 1));
  ck_assert_uint_eq (none.count, 0);
  ck_assert_int_ne (access (blobs.root, F_OK), 0);
}
END_TEST

START_TEST (names_a_content_by_its_digest)
{
  struct blob_writer *writer = blobs_start ();
  struct digest digest;
  struct digest expected;
  int64_t size_bytes;
  struct err err = { 0 };

  blobs_add (writer, SLICE ("hello "));
  blobs_add (writer, SLICE (""));
  blobs_add (writer, SLICE ("world"));
  ck_assert_int_eq (blob_write_end (&digest, &size_bytes, writer, &err), ERR_OK);
  ck_assert_int_eq (size_bytes, 11);
  ck_assert (digest_of (&expected, SLICE ("hello world")));
  ck_assert (digest_equal (&digest, &expected));
  /* Not yet: nobody can see it. */
  ck_assert (! blobs_has (&digest, 11));
  ck_assert_uint_eq (blobs_files ("tmp"), 1);
  blobs_publish (writer);
  ck_assert (blobs_has (&digest, 11));
  ck_assert_uint_eq (blobs_files ("tmp"), 0);
  /* Again, as when a transaction is tried again. */
  blobs_publish (writer);
  blob_writer_free (writer);
  ck_assert (blobs_intact (&digest, 11));
  blobs_check_read (&digest, 0, SLICE ("hello world"));
  blobs_check_read (&digest, 6, SLICE ("wor"));
  blobs_check_read (&digest, 11, SLICE (""));
  ck_assert_uint_eq (blobs_files ("sha256"), 1);
}
END_TEST

START_TEST (keeps_an_empty_content)
{
  struct blob_writer *writer = blobs_start ();
  struct digest expected;
  struct digest digest;

  blobs_finish (&digest, writer);
  blobs_publish (writer);
  blob_writer_free (writer);
  ck_assert (digest_of (&expected, SLICE ("")));
  ck_assert (digest_equal (&digest, &expected));
  ck_assert (blobs_has (&digest, 0));
  ck_assert (blobs_intact (&digest, 0));
  blobs_check_read (&digest, 0, SLICE (""));
}
END_TEST

START_TEST (keeps_a_large_content)
{
  static const size_t pieces[] = { 1, 4096, 262144, 262143, 9000000 };
  char *bytes = blobs_make_bytes (LARGE_BYTES, 1);
  struct blob_writer *writer = blobs_start ();
  struct digest expected;
  struct digest digest;
  size_t done = 0;
  int fd = -1;
  struct err err = { 0 };
  char last[7];

  for (size_t i = 0; done < LARGE_BYTES; i++)
  {
    size_t piece = pieces[i % (sizeof (pieces) / sizeof (pieces[0]))];

    piece = piece < LARGE_BYTES - done ? piece : LARGE_BYTES - done;
    blobs_add (writer, (struct slice){ bytes + done, piece });
    done += piece;
  }
  blobs_finish (&digest, writer);
  blobs_publish (writer);
  blob_writer_free (writer);
  ck_assert (digest_of (&expected, (struct slice){ bytes, LARGE_BYTES }));
  ck_assert (digest_equal (&digest, &expected));
  ck_assert (blobs_intact (&digest, (int64_t)LARGE_BYTES));
  blobs_check_read (&digest, 0, (struct slice){ bytes, LARGE_BYTES - 1 });
  ck_assert_int_eq (blob_open_file (&fd, blobs.store, &digest, (int64_t)LARGE_BYTES, &err), ERR_OK);
  ck_assert_int_eq (pread (fd, last, sizeof (last), (off_t)(LARGE_BYTES - sizeof (last))), sizeof (last));
  ck_assert_mem_eq (last, bytes + LARGE_BYTES - sizeof (last), sizeof (last));
  ck_assert (0 != (fcntl (fd, F_GETFD) & FD_CLOEXEC));
  close (fd);
  free (bytes);
}
END_TEST

START_TEST (keeps_the_same_content_once)
{
  struct digest first = blobs_put (SLICE ("the same"));
  struct digest second = blobs_put (SLICE ("the same"));

  ck_assert (digest_equal (&first, &second));
  ck_assert_uint_eq (blobs_files ("sha256"), 1);
  ck_assert_uint_eq (blobs_files ("tmp"), 0);
}
END_TEST

START_TEST (forgets_what_is_not_published)
{
  struct blob_writer *writer = blobs_start ();
  struct digest digest;

  blobs_add (writer, SLICE ("half"));
  blob_writer_free (writer);
  ck_assert_uint_eq (blobs_files ("tmp"), 0);
  writer = blobs_start ();
  blobs_add (writer, SLICE ("whole"));
  blobs_finish (&digest, writer);
  blob_writer_free (writer);
  ck_assert_uint_eq (blobs_files (""), 0);
  blob_writer_free (NULL);
}
END_TEST

START_TEST (lets_nobody_else_in)
{
  struct digest digest = blobs_put (SLICE ("secret"));
  struct blob_writer *writer = blobs_start ();
  char text[DIGEST_TEXT_BYTES];
  char fan[16];

  digest_format (text, &digest);
  snprintf (fan, sizeof (fan), "sha256/%.2s", text);
  ck_assert_uint_eq (mode_of (blobs.root), 0700);
  ck_assert_uint_eq (mode_of (blobs_path ("%s", "tmp")), 0700);
  ck_assert_uint_eq (mode_of (blobs_path ("%s", "sha256")), 0700);
  ck_assert_uint_eq (mode_of (blobs_path ("%s", fan)), 0700);
  ck_assert_uint_eq (mode_of (blobs_content_path (&digest)), 0600);
  blob_writer_free (writer);
}
END_TEST

START_TEST (says_when_a_content_was_removed_between_two_publishes)
{
  struct blob_writer *writer = blobs_start ();
  struct digest digest;
  struct err err = { 0 };

  blobs_add (writer, SLICE ("gone"));
  blobs_finish (&digest, writer);
  blobs_publish (writer);
  ck_assert_int_eq (blob_remove (blobs.store, &digest, &err), ERR_OK);
  ck_assert (! blobs_has (&digest, 4));
  ck_assert_int_eq (blob_publish (writer, &err), ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_gt (err.retry_after_s, 0);
  blob_writer_free (writer);
  /* Not there is no error. */
  err_clear (&err);
  ck_assert_int_eq (blob_remove (blobs.store, &digest, &err), ERR_OK);
}
END_TEST

START_TEST (tells_damage)
{
  struct digest digest = blobs_put (SLICE ("damage me"));
  struct digest never;
  struct buffer out;
  struct err err = { 0 };

  buffer_init (&out, 64);
  ck_assert_int_eq (blobs_open_error (&digest, 8, &err), ERR_INTERNAL_ERROR);
  ck_assert_ptr_nonnull (strstr (err.cause, "9 bytes instead of 8"));
  ck_assert (! blobs_intact (&digest, 8));
  /* The same size, other bytes. */
  blobs_write_file (blobs_content_path (&digest), "Damage me");
  ck_assert (blobs_has (&digest, 9));
  ck_assert (! blobs_intact (&digest, 9));
  /* Shorter than a range that is asked for. */
  ck_assert_int_eq (truncate (blobs_content_path (&digest), 3), 0);
  err_clear (&err);
  ck_assert_int_eq (blob_read (&out, blobs.store, &digest, 0, 9, &err), ERR_INTERNAL_ERROR);
  ck_assert_uint_gt (strlen (err.cause), 0);
  ck_assert_uint_eq (out.len, 0);
  /* Sending it again mends it. */
  (void)blobs_put (SLICE ("damage me"));
  ck_assert (blobs_intact (&digest, 9));
  ck_assert (digest_of (&never, SLICE ("never written")));
  ck_assert (! blobs_intact (&never, 13));
  err_clear (&err);
  ck_assert_int_eq (blobs_open_error (&never, 13, &err), ERR_INTERNAL_ERROR);
  ck_assert_uint_gt (strlen (err.cause), 0);
  err_clear (&err);
  ck_assert_int_eq (blob_read (&out, blobs.store, &never, 0, 1, &err), ERR_INTERNAL_ERROR);
  buffer_free (&out);
}
END_TEST

START_TEST (takes_directories_only)
{
  static const char *const wrong[] = { "ftp://host/x", "s3x://bucket", "file:///tmp", "s3://" };
  static const char *const right[] = { "plain", "/absolute", "a/b://c", "../above" };

  for (size_t i = 0; i < sizeof (wrong) / sizeof (wrong[0]); i++)
  {
    char text[64];
    struct config other = { .artifact_store = text };
    struct blob_store *opened = NULL;
    struct err err = { 0 };

    snprintf (text, sizeof (text), "%s", wrong[i]);
    ck_assert_int_eq (blob_store_open (&opened, &other, &err), ERR_INVALID_PARAMETER_VALUE);
    ck_assert_ptr_nonnull (strstr (err.message, "artifact-store"));
    ck_assert_ptr_null (opened);
  }
  for (size_t i = 0; i < sizeof (right) / sizeof (right[0]); i++)
  {
    char text[64];
    struct config other = { .artifact_store = text };
    struct blob_store *opened = NULL;
    struct err err = { 0 };

    snprintf (text, sizeof (text), "%s", right[i]);
    ck_assert_int_eq (blob_store_open (&opened, &other, &err), ERR_OK);
    blob_store_close (opened);
  }
}
END_TEST

/* An empty setting means a directory in the current one. */
START_TEST (has_a_default)
{
  char empty[] = "";
  struct config other = { .artifact_store = empty };
  struct blob_store *kept = blobs.store;
  char before[BLOBS_PATH_BYTES];
  char path[2 * BLOBS_PATH_BYTES];
  struct err err = { 0 };

  ck_assert_ptr_nonnull (getcwd (before, sizeof (before)));
  ck_assert_int_eq (chdir (blobs.scratch), 0);
  ck_assert_int_eq (blob_store_open (&blobs.store, &other, &err), ERR_OK);
  (void)blobs_put (SLICE ("here"));
  snprintf (path, sizeof (path), "%s/tally-artifacts/sha256", blobs.scratch);
  ck_assert_int_eq (access (path, F_OK), 0);
  blob_store_close (blobs.store);
  blobs.store = kept;
  ck_assert_int_eq (chdir (before), 0);
}
END_TEST

/* --- what somebody has put there ---------------------------------------------------------------------------------- */

/* A directory outside of the blobs.store, with a file, that nothing here may reach. */
static void
make_outside (char outside[BLOBS_PATH_BYTES])
{
  char path[2 * BLOBS_PATH_BYTES];

  snprintf (outside, BLOBS_PATH_BYTES, "%.400s/outside", blobs.scratch);
  ck_assert_int_eq (mkdir (outside, 0700), 0);
  snprintf (path, sizeof (path), "%s/kept", outside);
  blobs_write_file (path, "kept");
}

static void
check_outside (const char *outside)
{
  char path[2 * BLOBS_PATH_BYTES];

  ck_assert_uint_eq (blobs_files_at (outside), 1);
  snprintf (path, sizeof (path), "%s/kept", outside);
  ck_assert_int_eq (access (path, F_OK), 0);
}

START_TEST (follows_no_link_at_a_content)
{
  struct digest digest = blobs_put (SLICE ("kept"));
  char outside[BLOBS_PATH_BYTES];
  char target[2 * BLOBS_PATH_BYTES];
  struct stat file;
  struct err err = { 0 };

  make_outside (outside);
  snprintf (target, sizeof (target), "%s/kept", outside);
  ck_assert_int_eq (unlink (blobs_content_path (&digest)), 0);
  ck_assert_int_eq (symlink (target, blobs_content_path (&digest)), 0);
  ck_assert_int_eq (blobs_open_error (&digest, 4, &err), ERR_INTERNAL_ERROR);
  ck_assert (! blobs_intact (&digest, 4));
  /* Written again, it replaces the link, not what it points to. */
  (void)blobs_put (SLICE ("kept"));
  ck_assert_int_eq (lstat (blobs_content_path (&digest), &file), 0);
  ck_assert (S_ISREG (file.st_mode));
  /* Removing removes the link only. */
  ck_assert_int_eq (unlink (blobs_content_path (&digest)), 0);
  ck_assert_int_eq (symlink (target, blobs_content_path (&digest)), 0);
  err_clear (&err);
  ck_assert_int_eq (blob_remove (blobs.store, &digest, &err), ERR_OK);
  check_outside (outside);
}
END_TEST

START_TEST (waits_for_no_pipe_at_a_content)
{
  struct digest digest = blobs_put (SLICE ("kept"));
  struct err err = { 0 };

  ck_assert_int_eq (unlink (blobs_content_path (&digest)), 0);
  ck_assert_int_eq (mkfifo (blobs_content_path (&digest), 0600), 0);
  ck_assert_int_eq (blobs_open_error (&digest, 4, &err), ERR_INTERNAL_ERROR);
  ck_assert (! blobs_intact (&digest, 4));
}
END_TEST

/* Directories of the store that are links instead. */
START_TEST (follows_no_link_at_a_directory)
{
  struct digest digest;
  char outside[BLOBS_PATH_BYTES];
  char text[DIGEST_TEXT_BYTES];
  struct blob_writer *writer;
  struct err err = { 0 };

  make_outside (outside);
  ck_assert (digest_of (&digest, SLICE ("planted")));
  digest_format (text, &digest);
  text[2] = '\0';
  writer = blobs_start ();
  blobs_add (writer, SLICE ("planted"));
  blobs_finish (&digest, writer);
  ck_assert_int_eq (mkdir (blobs_path ("%s", "sha256"), 0700), 0);
  ck_assert_int_eq (symlink (outside, blobs_path ("sha256/%s", text)), 0);
  ck_assert_int_eq (blob_publish (writer, &err), ERR_INTERNAL_ERROR);
  ck_assert_uint_gt (strlen (err.cause), 0);
  ck_assert (! blobs_has (&digest, 7));
  err_clear (&err);
  ck_assert_int_ne (blob_remove (blobs.store, &digest, &err), ERR_OK);
  ck_assert_int_eq (unlink (blobs_path ("sha256/%s", text)), 0);
  ck_assert_int_eq (rmdir (blobs_path ("%s", "sha256")), 0);
  ck_assert_int_eq (symlink (outside, blobs_path ("%s", "sha256")), 0);
  err_clear (&err);
  ck_assert_int_eq (blob_publish (writer, &err), ERR_INTERNAL_ERROR);
  ck_assert_int_eq (unlink (blobs_path ("%s", "sha256")), 0);
  /* The writer has lost nothing. */
  blobs_publish (writer);
  blob_writer_free (writer);
  ck_assert (blobs_has (&digest, 7));
  check_outside (outside);
}
END_TEST

START_TEST (follows_no_link_at_tmp)
{
  struct blob_writer *writer = NULL;
  char outside[BLOBS_PATH_BYTES];
  struct blobs_findings findings = { 0, 0, 0 };
  struct err err = { 0 };

  (void)blobs_put (SLICE ("make the store"));
  make_outside (outside);
  ck_assert_int_eq (rmdir (blobs_path ("%s", "tmp")), 0);
  ck_assert_int_eq (symlink (outside, blobs_path ("%s", "tmp")), 0);
  ck_assert_int_eq (blob_write_start (&writer, blobs.store, &err), ERR_INTERNAL_ERROR);
  ck_assert_ptr_null (writer);
  ck_assert_ptr_nonnull (strstr (err.cause, "tmp"));
  err_clear (&err);
  ck_assert_int_eq (blob_sweep (blobs.store, 0, false, blobs_note_finding, &findings, &err), ERR_INTERNAL_ERROR);
  check_outside (outside);
}
END_TEST

START_TEST (follows_no_link_at_parts)
{
  struct uuid upload_id;
  char text[UUID_TEXT_BYTES];
  char outside[BLOBS_PATH_BYTES];
  char name[BLOB_UPLOAD_NAME_BYTES];
  struct blob_writer *writer = NULL;
  struct blob_part *parts = NULL;
  size_t count;
  struct err err = { 0 };

  make_outside (outside);
  ck_assert (uuid_random (&upload_id));
  uuid_format (text, &upload_id);
  ck_assert_int_eq (blob_upload_start (name, blobs.store, &upload_id, &err), ERR_OK);
  ck_assert_int_eq (rmdir (blobs_path ("parts/%s", text)), 0);
  ck_assert_int_eq (symlink (outside, blobs_path ("parts/%s", text)), 0);
  ck_assert_int_eq (blob_part_start (&writer, blobs.store, &upload_id, 1, &err), ERR_INTERNAL_ERROR);
  err_clear (&err);
  ck_assert_int_eq (blob_part_list (&parts, &count, blobs.store, &upload_id, name, &err), ERR_INTERNAL_ERROR);
  err_clear (&err);
  ck_assert_int_eq (blob_upload_drop (blobs.store, &upload_id, name, &err), ERR_INTERNAL_ERROR);
  ck_assert_uint_eq (blobs_sweep (0, false).count, 0);
  check_outside (outside);
}
END_TEST

Suite *blob_local_suite (void);

Suite *
blob_local_suite (void)
{
  Suite *suite = suite_create ("blob_local");
  TCase *blob_case = tcase_create ("blob_local");

  tcase_add_checked_fixture (blob_case, blobs_open, blobs_close);
  tcase_set_timeout (blob_case, 60);
  tcase_add_test (blob_case, makes_nothing_before_the_first_write);
  tcase_add_test (blob_case, names_a_content_by_its_digest);
  tcase_add_test (blob_case, keeps_an_empty_content);
  tcase_add_test (blob_case, keeps_a_large_content);
  tcase_add_test (blob_case, keeps_the_same_content_once);
  tcase_add_test (blob_case, forgets_what_is_not_published);
  tcase_add_test (blob_case, lets_nobody_else_in);
  tcase_add_test (blob_case, says_when_a_content_was_removed_between_two_publishes);
  tcase_add_test (blob_case, tells_damage);
  tcase_add_test (blob_case, takes_directories_only);
  tcase_add_test (blob_case, has_a_default);
  tcase_add_test (blob_case, follows_no_link_at_a_content);
  tcase_add_test (blob_case, waits_for_no_pipe_at_a_content);
  tcase_add_test (blob_case, follows_no_link_at_a_directory);
  tcase_add_test (blob_case, follows_no_link_at_tmp);
  tcase_add_test (blob_case, follows_no_link_at_parts);
  suite_add_tcase (suite, blob_case);
  return suite;
}
