/* An artifact store in a directory of its own, and what tests do with it. */
#include "blobs.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of a range that is read at once. */
#define READ_MAX_BYTES ((size_t)64 * 1024 * 1024)

struct blobs blobs;

static struct config config;

void
blobs_open (void)
{
  const char *temporary = getenv ("TMPDIR");
  struct err err = { 0 };

  snprintf (blobs.scratch, sizeof (blobs.scratch), "%s/tally-blob.XXXXXX", NULL == temporary ? "/tmp" : temporary);
  ck_assert_ptr_nonnull (mkdtemp (blobs.scratch));
  snprintf (blobs.root, sizeof (blobs.root), "%.400s/deep/store", blobs.scratch);
  config = (struct config){ .artifact_store = blobs.root, .upload_ttl_s = BLOBS_UPLOAD_TTL_S };
  ck_assert_int_eq (blob_store_open (&blobs.store, &config, &err), ERR_OK);
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
blobs_close (void)
{
  blob_store_close (blobs.store);
  (void)nftw (blobs.scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path below the store. */
const char *
blobs_path (const char *format, const char *name)
{
  static char path[2 * BLOBS_PATH_BYTES];
  char below[BLOBS_PATH_BYTES];

  snprintf (below, sizeof (below), format, name);
  snprintf (path, sizeof (path), "%s/%s", blobs.root, below);
  return path;
}

/* Where a content is. */
const char *
blobs_content_path (const struct digest *digest)
{
  static char path[2 * BLOBS_PATH_BYTES];
  char text[DIGEST_TEXT_BYTES];

  digest_format (text, digest);
  snprintf (path, sizeof (path), "%s/sha256/%.2s/%s", blobs.root, text, text + 2);
  return path;
}

static size_t counted;

static int
count_file (const char *path, const struct stat *file, int type, struct FTW *walk)
{
  (void)path;
  (void)file;
  (void)walk;
  counted += FTW_F == type || FTW_SL == type;
  return 0;
}

/* How many files are in a directory of the store. */
size_t
blobs_files_at (const char *path)
{
  counted = 0;
  (void)nftw (path, count_file, 16, FTW_PHYS);
  return counted;
}

size_t
blobs_files (const char *place)
{
  return blobs_files_at (blobs_path ("%s", place));
}

struct blob_writer *
blobs_start (void)
{
  struct blob_writer *writer = NULL;
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == blob_write_start (&writer, blobs.store, &err), "%s: %s", err.message, err.cause);
  return writer;
}

void
blobs_add (struct blob_writer *writer, struct slice bytes)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == blob_write (writer, bytes, &err), "%s: %s", err.message, err.cause);
}

void
blobs_finish (struct digest *digest, struct blob_writer *writer)
{
  int64_t size_bytes;
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == blob_write_end (digest, &size_bytes, writer, &err), "%s: %s", err.message, err.cause);
}

void
blobs_publish (struct blob_writer *writer)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == blob_publish (writer, &err), "%s: %s", err.message, err.cause);
}

/* Write and publish a content. */
struct digest
blobs_put (struct slice bytes)
{
  struct blob_writer *writer = blobs_start ();
  struct digest digest;

  blobs_add (writer, bytes);
  blobs_finish (&digest, writer);
  blobs_publish (writer);
  blob_writer_free (writer);
  return digest;
}

enum err_code
blobs_open_error (const struct digest *digest, int64_t size_bytes, struct err *err)
{
  int fd = -1;
  enum err_code code = blob_open_file (&fd, blobs.store, digest, size_bytes, err);

  if (fd >= 0)
    close (fd);
  ck_assert ((ERR_OK == code) == (fd >= 0));
  return code;
}

bool
blobs_has (const struct digest *digest, int64_t size_bytes)
{
  struct err err = { 0 };

  return ERR_OK == blobs_open_error (digest, size_bytes, &err);
}

bool
blobs_intact (const struct digest *digest, int64_t size_bytes)
{
  struct err err = { 0 };
  bool intact;

  ck_assert_msg (ERR_OK == blob_verify (&intact, blobs.store, digest, size_bytes, &err), "%s: %s", err.message,
                 err.cause);
  return intact;
}

void
blobs_check_read (const struct digest *digest, int64_t offset, struct slice expected)
{
  struct buffer out;
  struct err err = { 0 };

  buffer_init (&out, READ_MAX_BYTES);
  ck_assert (buffer_text (&out, ">"));
  ck_assert_msg (ERR_OK == blob_read (&out, blobs.store, digest, offset, expected.len, &err), "%s: %s", err.message,
                 err.cause);
  ck_assert_uint_eq (out.len, 1 + expected.len);
  if (expected.len > 0)
    ck_assert_mem_eq (out.data + 1, expected.data, expected.len);
  buffer_free (&out);
}

/* Bytes that differ from each other and from other seeds. */
char *
blobs_make_bytes (size_t count, uint64_t seed)
{
  char *bytes = malloc (count);
  uint64_t state = seed * UINT64_C (0x9E3779B97F4A7C15) + 1;

  ck_assert_ptr_nonnull (bytes);
  for (size_t i = 0; i < count; i++)
  {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    bytes[i] = (char)(state >> 56);
  }
  return bytes;
}

void
blobs_make_old (const char *path, int64_t age_s)
{
  struct timespec times[2];

  clock_gettime (CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= age_s;
  times[1] = times[0];
  ck_assert_int_eq (utimensat (AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

void
blobs_write_file (const char *path, const char *text)
{
  FILE *file = fopen (path, "w");

  ck_assert_ptr_nonnull (file);
  fputs (text, file);
  fclose (file);
}

bool
blobs_note_finding (void *context, int64_t size_bytes)
{
  struct blobs_findings *findings = context;

  findings->count++;
  findings->bytes += size_bytes;
  return findings->count != findings->most;
}

struct blobs_findings
blobs_sweep (int64_t older_than_s, bool dry_run)
{
  struct blobs_findings findings = { 0, 0, 0 };
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == blob_sweep (blobs.store, older_than_s, dry_run, blobs_note_finding, &findings, &err),
                 "%s: %s", err.message, err.cause);
  return findings;
}
