/* An artifact store beside the database of a test. */
#include "contents.h"

#include "artifact/link.h"
#include "base/clock.h"
#include "database.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct contents contents;

static struct config config;

void
contents_open (void)
{
  const char *temporary = getenv ("TMPDIR");
  struct err err = { 0 };

  database_open_migrated ();
  snprintf (contents.root, sizeof (contents.root), "%s/tally-gc.XXXXXX", NULL == temporary ? "/tmp" : temporary);
  ck_assert_ptr_nonnull (mkdtemp (contents.root));
  config = (struct config){ .artifact_store = contents.root, .upload_ttl_s = 600 };
  ck_assert_int_eq (blob_store_open (&contents.blobs, &config, &err), ERR_OK);
}

static int
remove_entry (const char *path, const struct stat *file, int type, struct FTW *walk)
{
  (void)file;
  (void)type;
  (void)walk;
  return remove (path);
}

void
contents_close (void)
{
  blob_store_close (contents.blobs);
  (void)nftw (contents.root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  database_close ();
}

static size_t counted;

static int
count_file (const char *path, const struct stat *file, int type, struct FTW *walk)
{
  (void)path;
  (void)file;
  (void)walk;
  counted += FTW_F == type;
  return 0;
}

size_t
contents_files (const char *place)
{
  char path[2 * CONTENTS_PATH_BYTES];

  counted = 0;
  snprintf (path, sizeof (path), "%s/%s", contents.root, place);
  (void)nftw (path, count_file, 16, FTW_PHYS);
  return counted;
}

struct blob_writer *
contents_write (struct digest *digest, int64_t *size_bytes, const struct uuid *upload_id, const char *text)
{
  struct blob_writer *writer = NULL;
  struct err err = { 0 };

  ck_assert_int_eq (NULL == upload_id ? blob_write_start (&writer, contents.blobs, &err)
                                      : blob_part_start (&writer, contents.blobs, upload_id, 1, &err),
                    ERR_OK);
  ck_assert_int_eq (blob_write (writer, slice_of (text), &err), ERR_OK);
  ck_assert_int_eq (blob_write_end (digest, size_bytes, writer, &err), ERR_OK);
  return writer;
}

struct digest
contents_put_stray (const char *text)
{
  struct digest digest;
  int64_t size_bytes;
  struct blob_writer *writer = contents_write (&digest, &size_bytes, NULL, text);
  struct err err = { 0 };

  ck_assert_int_eq (blob_publish (writer, &err), ERR_OK);
  blob_writer_free (writer);
  return digest;
}

enum err_code
contents_link (struct store_connection *connection, const char *path, const char *text, struct err *err)
{
  struct digest digest;
  int64_t size_bytes;
  struct blob_writer *writer = contents_write (&digest, &size_bytes, NULL, text);
  enum err_code code;

  store_start_request (connection, 0);
  code = artifact_link (connection, writer, slice_of (path), &digest, size_bytes, err);
  blob_writer_free (writer);
  return code;
}

void
contents_put (const char *path, const char *text)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == contents_link (database.connection, path, text, &err), "%s: %s", err.message, err.cause);
}

void
contents_delete (const char *path)
{
  struct err err = { 0 };
  int64_t count;

  ck_assert_int_eq (store_artifact_delete (&count, database.connection, slice_of (path), 1, &err), ERR_OK);
  ck_assert_int_eq (count, 1);
}

bool
contents_intact (const char *text)
{
  struct digest digest;
  struct err err = { 0 };
  bool intact;

  ck_assert (digest_of (&digest, slice_of (text)));
  ck_assert_int_eq (blob_verify (&intact, contents.blobs, &digest, (int64_t)strlen (text), &err), ERR_OK);
  return intact;
}

void
contents_make_old (const struct digest *digest, int64_t age_s)
{
  char text[DIGEST_TEXT_BYTES];
  char path[2 * CONTENTS_PATH_BYTES];
  struct timespec times[2] = { { .tv_sec = clock_wall_ms () / 1000 - age_s }, { .tv_sec = 0 } };

  times[1] = times[0];
  digest_format (text, digest);
  snprintf (path, sizeof (path), "%s/sha256/%.2s/%s", contents.root, text, text + 2);
  ck_assert_int_eq (utimensat (AT_FDCWD, path, times, 0), 0);
}
