/* Uploads in parts to the store in a directory.

   DESIGN. A part is a file: its bytes, then their SHA-256, which is its etag. So a part and its etag are replaced by
   one rename, and listing reads 32 bytes of each. Completing copies the parts into one temporary file, hashing it; they
   stay until the upload is dropped, so that whatever fails behind it costs nobody a second upload. */
#include "blob/local_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRAILER_BYTES ((int64_t)sizeof (struct digest))
/* Digits of BLOB_PARTS_MAX and NUL, with room for any int. */
#define NUMBER_BYTES 12

static enum err_code
no_upload (struct err *err, const char *upload)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No upload '%s' exists", upload);
}

/* Open the directory of an upload. Errors: RESOURCE_DOES_NOT_EXIST. */
static enum err_code
enter_upload (int *fd, char upload[UUID_TEXT_BYTES], struct blob_store *store, const struct uuid *upload_id,
              struct err *err)
{
  enum err_code code;

  uuid_format (upload, upload_id);
  code = local_enter (fd, local_store_of (store), LOCAL_PARTS, upload, false, err);
  return ERR_OK == code && *fd < 0 ? no_upload (err, upload) : code;
}

enum err_code
local_upload_start (char *name, struct blob_store *store, const struct uuid *upload_id, struct err *err)
{
  char upload[UUID_TEXT_BYTES];
  int fd = -1;
  enum err_code code;

  (void)name;
  uuid_format (upload, upload_id);
  code = local_enter (&fd, local_store_of (store), LOCAL_PARTS, upload, true, err);
  local_close (fd);
  return code;
}

enum err_code
local_part_start (struct blob_writer **writer, struct blob_store *store, const struct uuid *upload_id, int number,
                  struct err *err)
{
  struct local_writer *made = NULL;
  char upload[UUID_TEXT_BYTES];
  int fd = -1;
  enum err_code code = enter_upload (&fd, upload, store, upload_id, err);

  local_close (fd);
  if (ERR_OK == code)
    code = local_writer_start (&made, local_store_of (store), err);
  if (ERR_OK != code)
    return code;
  made->upload_id = *upload_id;
  made->number = number;
  *writer = &made->common;
  return ERR_OK;
}

enum err_code
local_part_publish (struct local_writer *writer, struct err *err)
{
  char upload[UUID_TEXT_BYTES];
  char name[NUMBER_BYTES];
  int fd = -1;
  enum err_code code = enter_upload (&fd, upload, writer->common.store, &writer->upload_id, err);

  snprintf (name, sizeof (name), "%d", writer->number);
  if (ERR_OK == code)
    code = local_writer_move (writer, fd, upload, name, LOCAL_PARTS, err);
  local_close (fd);
  return code;
}

/* --- reading parts ------------------------------------------------------------------------------------------------ */

/* Open a part and read what is known of it; -1 and no error when it is not there. */
static enum err_code
open_part (int *fd, struct blob_part *part, int directory, const char *upload, int number, struct err *err)
{
  char name[NUMBER_BYTES];
  struct digest digest;
  struct stat file;
  enum err_code code = ERR_OK;

  snprintf (name, sizeof (name), "%d", number);
  *fd = openat (directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (*fd < 0)
    return ENOENT == errno ? ERR_OK : local_error (err, errno, LOCAL_PARTS, upload, name);
  if (0 != fstat (*fd, &file))
    code = local_error (err, errno, LOCAL_PARTS, upload, name);
  else if (! S_ISREG (file.st_mode) || file.st_size < TRAILER_BYTES)
    code = local_error (err, EINVAL, LOCAL_PARTS, upload, name);
  else if (! local_read_all (*fd, (char *)digest.bytes, sizeof (digest.bytes), file.st_size - TRAILER_BYTES))
    code = local_error (err, 0 == errno ? EIO : errno, LOCAL_PARTS, upload, name);
  if (ERR_OK != code)
  {
    (void)close (*fd);
    *fd = -1;
    return code;
  }
  *part = (struct blob_part){ .number = number, .size_bytes = file.st_size - TRAILER_BYTES };
  digest_format (part->etag, &digest);
  return ERR_OK;
}

/* Which parts a directory has. */
struct presence
{
  bool there[BLOB_PARTS_MAX + 1];
  size_t count;
};

static bool
note_part (void *context, const char *name)
{
  struct presence *presence = context;
  char plain[NUMBER_BYTES];
  int number = atoi (name);

  snprintf (plain, sizeof (plain), "%d", number);
  if (number >= 1 && number <= BLOB_PARTS_MAX && 0 == strcmp (plain, name) && ! presence->there[number])
  {
    presence->there[number] = true;
    presence->count++;
  }
  return true;
}

enum err_code
local_part_list (struct blob_part **parts, size_t *count, struct blob_store *store, const struct uuid *upload_id,
                 const char *name, struct err *err)
{
  struct presence *presence = calloc (1, sizeof (*presence));
  char upload[UUID_TEXT_BYTES];
  int directory = -1;
  int listing = -1;
  enum err_code code = enter_upload (&directory, upload, store, upload_id, err);

  (void)name;
  if (ERR_OK != code)
    goto out;
  listing = fcntl (directory, F_DUPFD_CLOEXEC, 0);
  if (NULL == presence || listing < 0)
  {
    local_close (listing);
    code = local_error (err, NULL == presence ? ENOMEM : errno, LOCAL_PARTS, upload, NULL);
    goto out;
  }
  code = local_entries (listing, LOCAL_PARTS, upload, note_part, presence, err);
  if (ERR_OK != code || 0 == presence->count)
    goto out;
  *parts = calloc (presence->count, sizeof (**parts));
  if (NULL == *parts)
    code = local_error (err, ENOMEM, LOCAL_PARTS, upload, NULL);
  for (int number = 1; ERR_OK == code && number <= BLOB_PARTS_MAX; number++)
  {
    int fd = -1;

    if (presence->there[number])
      code = open_part (&fd, &(*parts)[*count], directory, upload, number, err);
    *count += fd >= 0;
    local_close (fd);
  }

out:
  local_close (directory);
  free (presence);
  return code;
}

/* --- completing --------------------------------------------------------------------------------------------------- */

/* Open a part that a client wants to have in its content. */
static enum err_code
open_wanted (int *fd, struct blob_part *found, int directory, const char *upload, const struct blob_part *wanted,
             struct err *err)
{
  enum err_code code = open_part (fd, found, directory, upload, wanted->number, err);

  if (ERR_OK == code && *fd < 0)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "part %d of the upload was not sent", wanted->number);
  else if (ERR_OK == code && 0 != strcmp (found->etag, wanted->etag))
  {
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "part %d of the upload has the etag '%s', not '%s'",
                    wanted->number, found->etag, wanted->etag);
    (void)close (*fd);
    *fd = -1;
  }
  return code;
}

static enum err_code
copy_part (struct blob_writer *writer, int fd, const struct blob_part *part, const char *upload, char *bytes,
           struct err *err)
{
  char name[NUMBER_BYTES];
  enum err_code code = ERR_OK;

  snprintf (name, sizeof (name), "%d", part->number);
  (void)posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  for (int64_t offset = 0; ERR_OK == code && offset < part->size_bytes;)
  {
    int64_t left = part->size_bytes - offset;
    size_t count = left < (int64_t)LOCAL_READ_BYTES ? (size_t)left : LOCAL_READ_BYTES;

    code = local_read_all (fd, bytes, count, offset)
               ? blob_write (writer, (struct slice){ bytes, count }, err)
               : local_error (err, 0 == errno ? EIO : errno, LOCAL_PARTS, upload, name);
    offset += (int64_t)count;
  }
  return code;
}

enum err_code
local_upload_complete (struct blob_writer **writer, struct blob_store *store, const struct uuid *upload_id,
                       const char *name, const struct blob_part *parts, size_t count, struct err *err)
{
  char upload[UUID_TEXT_BYTES];
  struct blob_part found;
  struct digest digest;
  int64_t size_bytes;
  char *bytes = NULL;
  int directory = -1;
  int fd = -1;
  enum err_code code = enter_upload (&directory, upload, store, upload_id, err);

  (void)name;
  /* All are looked at before the first is copied: a mistake is told at once. */
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = open_wanted (&fd, &found, directory, upload, &parts[i], err);
    local_close (fd);
  }
  if (ERR_OK != code)
    goto out;
  code = blob_write_start (writer, store, err);
  if (ERR_OK != code)
    goto out;
  bytes = malloc (LOCAL_READ_BYTES);
  if (NULL == bytes)
    code = local_error (err, ENOMEM, LOCAL_PARTS, upload, NULL);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = open_wanted (&fd, &found, directory, upload, &parts[i], err);
    if (ERR_OK == code)
      code = copy_part (*writer, fd, &found, upload, bytes, err);
    local_close (fd);
  }
  if (ERR_OK == code)
    code = blob_write_end (&digest, &size_bytes, *writer, err);

out:
  if (ERR_OK != code)
  {
    blob_writer_free (*writer);
    *writer = NULL;
  }
  free (bytes);
  local_close (directory);
  return code;
}

/* --- dropping ----------------------------------------------------------------------------------------------------- */

static bool
remove_part (void *context, const char *name)
{
  const int *directory = context;

  (void)unlinkat (*directory, name, 0);
  return true;
}

enum err_code
local_upload_drop (struct blob_store *store, const struct uuid *upload_id, const char *name, struct err *err)
{
  char upload[UUID_TEXT_BYTES];
  int above = -1;
  int directory = -1;
  enum err_code code;

  (void)name;
  uuid_format (upload, upload_id);
  code = local_enter (&above, local_store_of (store), LOCAL_PARTS, NULL, false, err);
  if (ERR_OK != code || above < 0)
    return code;
  code = local_enter (&directory, local_store_of (store), LOCAL_PARTS, upload, false, err);
  if (ERR_OK == code && directory >= 0)
  {
    code = local_entries (directory, LOCAL_PARTS, upload, remove_part, &directory, err);
    /* Not empty: a part has come meanwhile, and goes with the next sweep. */
    if (ERR_OK == code && 0 != unlinkat (above, upload, AT_REMOVEDIR) && ENOENT != errno && ENOTEMPTY != errno)
      code = local_error (err, errno, LOCAL_PARTS, upload, NULL);
  }
  local_close (above);
  return code;
}
