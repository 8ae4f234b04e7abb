/* The store in a directory: writing, publishing and reading contents.

   DESIGN. A content is a temporary file until all of it is on disk; then it is renamed to its digest, and the directory
   is written too. A reader therefore sees whole contents only, and a crash leaves a temporary file, which is swept.
   Every file is opened through descriptors of the directories above it, none through a symbolic link, so that what
   somebody has put into the store leads nowhere else. Who writes a temporary file holds its lock (flock), which tells a
   sweep of any process that it is not left over.

   A large content starts its way to the disk while it comes: what is to be waited for at its end stays small, and so
   does what stands before the writes of others, PostgreSQL's among them. */
#include "blob/local_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writing to disk begins with each so many bytes: large enough for the disk, and most contents are smaller. */
#define START_BYTES ((int64_t)8 * 1024 * 1024)
/* So many may be on their way; then the writer waits. A disk of 2 GB/s is kept busy for 30 ms by them. */
#define UNDER_WAY_BYTES ((int64_t)64 * 1024 * 1024)
/* Only the daemon's user. */
#define FILE_MODE 0600

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void
local_store_close (struct blob_store *common)
{
  struct local_store *store = local_store_of (common);

  free (store->root);
  free (store);
}

static enum err_code
local_store_open (struct blob_store **common, const struct config *config, const char *location, struct err *err)
{
  struct local_store *store = calloc (1, sizeof (*store));

  if (NULL != store)
  {
    store->root = strdup (location);
    store->upload_ttl_s = config->upload_ttl_s;
  }
  if (NULL == store || NULL == store->root)
  {
    free (store);
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  *common = &store->common;
  return ERR_OK;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static struct local_writer *
local_writer_of (struct blob_writer *writer)
{
  return (struct local_writer *)writer;
}

enum err_code
local_writer_start (struct local_writer **out, struct local_store *store, struct err *err)
{
  struct local_writer *writer = calloc (1, sizeof (*writer));
  struct uuid name;
  int directory = -1;
  enum err_code code = ERR_OK;

  if (NULL == writer || ! uuid_random (&name))
  {
    free (writer);
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  uuid_format (writer->name, &name);
  code = local_enter (&directory, store, LOCAL_TEMPORARY, NULL, true, err);
  if (ERR_OK == code)
  {
    writer->fd = openat (directory, writer->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (writer->fd < 0)
      code = local_error (err, errno, LOCAL_TEMPORARY, NULL, writer->name);
  }
  local_close (directory);
  if (ERR_OK != code)
  {
    free (writer);
    return code;
  }
  /* A file system without locks leaves the age of the file as the only sign of life. */
  (void)flock (writer->fd, LOCK_EX | LOCK_NB);
  writer->named = true;
  *out = writer;
  return ERR_OK;
}

static enum err_code
local_write_start (struct blob_writer **writer, struct blob_store *store, struct err *err)
{
  struct local_writer *made = NULL;
  enum err_code code = local_writer_start (&made, local_store_of (store), err);

  if (ERR_OK == code)
    *writer = &made->common;
  return code;
}

static enum err_code
write_all (struct local_writer *writer, struct slice bytes, struct err *err)
{
  size_t done = 0;

  while (done < bytes.len)
  {
    ssize_t count = write (writer->fd, bytes.data + done, bytes.len - done);

    if (count >= 0)
      done += (size_t)count;
    else if (EINTR != errno)
      return local_error (err, errno, LOCAL_TEMPORARY, NULL, writer->name);
  }
  writer->written_bytes += (int64_t)bytes.len;
  return ERR_OK;
}

static enum err_code
local_write (struct blob_writer *common, struct slice bytes, struct err *err)
{
  struct local_writer *writer = local_writer_of (common);
  enum err_code code = write_all (writer, bytes, err);

  /* Hints: what fails here fails in fdatasync too. */
  while (ERR_OK == code && writer->written_bytes - writer->started_bytes >= START_BYTES)
  {
    (void)sync_file_range (writer->fd, writer->started_bytes, START_BYTES, SYNC_FILE_RANGE_WRITE);
    writer->started_bytes += START_BYTES;
    if (writer->started_bytes >= UNDER_WAY_BYTES)
      (void)sync_file_range (writer->fd, writer->started_bytes - UNDER_WAY_BYTES, START_BYTES,
                             SYNC_FILE_RANGE_WAIT_BEFORE);
  }
  return code;
}

static enum err_code
local_write_end (struct blob_writer *common, struct err *err)
{
  struct local_writer *writer = local_writer_of (common);
  const struct slice trailer = { (const char *)common->digest.bytes, sizeof (common->digest.bytes) };
  enum err_code code = writer->number > 0 ? write_all (writer, trailer, err) : ERR_OK;

  if (ERR_OK == code && 0 != fdatasync (writer->fd))
    code = local_error (err, errno, LOCAL_TEMPORARY, NULL, writer->name);
  return code;
}

enum err_code
local_writer_move (struct local_writer *writer, int directory_fd, const char *directory, const char *name,
                   enum local_place place, struct err *err)
{
  struct stat file;
  int temporary = -1;
  enum err_code code;

  if (! writer->published)
  {
    code = local_enter (&temporary, local_store_of (writer->common.store), LOCAL_TEMPORARY, NULL, false, err);
    /* The age of a content counts from here; a file system that keeps no times has no ages either. */
    (void)futimens (writer->fd, NULL);
    if (ERR_OK == code && 0 != renameat (temporary, writer->name, directory_fd, name))
      code = local_error (err, errno, place, directory, name);
    local_close (temporary);
    if (ERR_OK != code)
      return code;
    writer->named = false;
    writer->published = true;
  }
  else if (0 != fstatat (directory_fd, name, &file, AT_SYMLINK_NOFOLLOW))
  {
    code = ENOENT == errno ? err_set (err, ERR_TEMPORARILY_UNAVAILABLE,
                                      "the content was removed while its name was being written; send it again")
                           : local_error (err, errno, place, directory, name);
    if (NULL != err && ERR_TEMPORARILY_UNAVAILABLE == code)
      err->retry_after_s = 1;
    return code;
  }
  if (0 != fsync (directory_fd))
    return local_error (err, errno, place, directory, NULL);
  return ERR_OK;
}

static enum err_code
local_publish (struct blob_writer *common, struct err *err)
{
  struct local_writer *writer = local_writer_of (common);
  char fan[3];
  char rest[LOCAL_REST_BYTES];
  int directory = -1;
  enum err_code code;

  if (writer->number > 0)
    return local_part_publish (writer, err);
  local_path (fan, rest, &common->digest);
  code = local_enter (&directory, local_store_of (common->store), LOCAL_CONTENTS, fan, true, err);
  if (ERR_OK == code)
    code = local_writer_move (writer, directory, fan, rest, LOCAL_CONTENTS, err);
  local_close (directory);
  return code;
}

static void
local_writer_free (struct blob_writer *common)
{
  struct local_writer *writer = local_writer_of (common);
  int directory = -1;

  if (writer->named
      && ERR_OK == local_enter (&directory, local_store_of (common->store), LOCAL_TEMPORARY, NULL, false, NULL)
      && directory >= 0)
    (void)unlinkat (directory, writer->name, 0);
  local_close (directory);
  local_close (writer->fd);
  free (writer);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Open a content; -1 when it is gone or no plain file. Nothing that stands there instead can make this wait. */
static enum err_code
open_content (int *fd, struct stat *file, struct local_store *store, const struct digest *digest, struct err *err)
{
  char fan[3];
  char rest[LOCAL_REST_BYTES];
  int directory = -1;
  enum err_code code;

  *fd = -1;
  local_path (fan, rest, digest);
  code = local_enter (&directory, store, LOCAL_CONTENTS, fan, false, err);
  if (ERR_OK != code || directory < 0)
    return code;
  *fd = openat (directory, rest, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (*fd < 0)
  {
    /* A symbolic link, a socket or a device without a driver: no content. */
    if (ENOENT != errno && ELOOP != errno && ENXIO != errno)
      code = local_error (err, errno, LOCAL_CONTENTS, fan, rest);
  }
  else if (0 != fstat (*fd, file))
    code = local_error (err, errno, LOCAL_CONTENTS, fan, rest);
  if (*fd >= 0 && (ERR_OK != code || ! S_ISREG (file->st_mode)))
  {
    (void)close (*fd);
    *fd = -1;
  }
  local_close (directory);
  return code;
}

static enum err_code
local_open_file (int *fd, struct blob_store *store, const struct digest *digest, int64_t size_bytes, struct err *err)
{
  char text[DIGEST_TEXT_BYTES];
  char cause[sizeof (err->cause)];
  struct stat file;
  enum err_code code = open_content (fd, &file, local_store_of (store), digest, err);

  if (ERR_OK != code || (*fd >= 0 && size_bytes == file.st_size))
    return code;
  digest_format (text, digest);
  if (*fd < 0)
    snprintf (cause, sizeof (cause), "artifact store, sha256 %s: not there, or no plain file", text);
  else
    snprintf (cause, sizeof (cause), "artifact store, sha256 %s: %lld bytes instead of %lld", text,
              (long long)file.st_size, (long long)size_bytes);
  local_close (*fd);
  *fd = -1;
  return err_set_cause (err, ERR_INTERNAL_ERROR, cause, "the content of this artifact is missing or damaged");
}

static enum err_code
local_read (struct buffer *out, struct blob_store *store, const struct digest *digest, int64_t offset, size_t bytes,
            struct err *err)
{
  char fan[3];
  char rest[LOCAL_REST_BYTES];
  struct stat file;
  int fd = -1;
  enum err_code code = open_content (&fd, &file, local_store_of (store), digest, err);

  local_path (fan, rest, digest);
  if (ERR_OK != code)
    return code;
  if (fd < 0)
    code = local_error (err, ENOENT, LOCAL_CONTENTS, fan, rest);
  else if (! buffer_reserve (out, bytes))
    code = err_set (err, ERR_INTERNAL_ERROR, "%zu bytes of an artifact do not fit into memory", bytes);
  else if (! local_read_all (fd, out->data + out->len, bytes, offset))
    code = 0 == errno
               ? err_set_cause (err, ERR_INTERNAL_ERROR, "artifact store: a content is shorter than its row says",
                                "the content of this artifact is damaged")
               : local_error (err, errno, LOCAL_CONTENTS, fan, rest);
  else
  {
    out->len += bytes;
    out->data[out->len] = '\0';
  }
  local_close (fd);
  return code;
}

static enum err_code
local_verify (bool *intact, struct blob_store *store, const struct digest *digest, int64_t size_bytes, struct err *err)
{
  struct digest_stream *hash = NULL;
  struct digest found;
  struct stat file;
  char fan[3];
  char rest[LOCAL_REST_BYTES];
  char *bytes = NULL;
  int64_t offset = 0;
  int fd = -1;
  enum err_code code = open_content (&fd, &file, local_store_of (store), digest, err);

  if (ERR_OK != code || fd < 0 || file.st_size != size_bytes)
    goto out;
  local_path (fan, rest, digest);
  (void)posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  hash = digest_start ();
  bytes = malloc (LOCAL_READ_BYTES);
  if (NULL == hash || NULL == bytes)
  {
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    goto out;
  }
  while (offset < size_bytes)
  {
    size_t count = size_bytes - offset < (int64_t)LOCAL_READ_BYTES ? (size_t)(size_bytes - offset) : LOCAL_READ_BYTES;

    if (! local_read_all (fd, bytes, count, offset))
    {
      /* Shorter than a moment ago: damaged, and no failure of the store. */
      if (0 != errno)
        code = local_error (err, errno, LOCAL_CONTENTS, fan, rest);
      goto out;
    }
    if (! digest_add (hash, (struct slice){ bytes, count }))
    {
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
      goto out;
    }
    offset += (int64_t)count;
  }
  *intact = digest_end (&found, hash) && digest_equal (&found, digest);

out:
  free (bytes);
  digest_free (hash);
  local_close (fd);
  return code;
}

static enum err_code
local_remove (struct blob_store *store, const struct digest *digest, struct err *err)
{
  char fan[3];
  char rest[LOCAL_REST_BYTES];
  int directory = -1;
  enum err_code code;

  local_path (fan, rest, digest);
  code = local_enter (&directory, local_store_of (store), LOCAL_CONTENTS, fan, false, err);
  if (ERR_OK == code && directory >= 0 && 0 != unlinkat (directory, rest, 0) && ENOENT != errno)
    code = local_error (err, errno, LOCAL_CONTENTS, fan, rest);
  local_close (directory);
  return code;
}

const struct blob_backend blob_local = {
  .open = local_store_open,
  .close = local_store_close,
  .write_start = local_write_start,
  .write = local_write,
  .write_end = local_write_end,
  .publish = local_publish,
  .writer_free = local_writer_free,
  .open_file = local_open_file,
  .read = local_read,
  .verify = local_verify,
  .upload_start = local_upload_start,
  .part_start = local_part_start,
  .part_list = local_part_list,
  .upload_complete = local_upload_complete,
  .upload_drop = local_upload_drop,
  .sweep = local_sweep,
  .list = local_list,
  .remove = local_remove,
};
