/* Directories of the store in a directory: opened from the root down, made durable, gone through. */
#include "blob/local_private.h"

#include "base/hex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
/* Only the daemon's user: contents are as private as the database. */
#define DIRECTORY_MODE 0700

static const char *const place_names[LOCAL_PLACES] = { "sha256", "tmp", "parts" };

enum err_code
local_error (struct err *err, int number, enum local_place place, const char *directory, const char *name)
{
  char system_text[128]; /* longer than any of glibc */
  char cause[sizeof (err->cause)];
  enum err_code code;

  snprintf (cause, sizeof (cause), "artifact store, %s%s%s%s%s: %s", place_names[place], NULL == directory ? "" : "/",
            NULL == directory ? "" : directory, NULL == name ? "" : "/", NULL == name ? "" : name,
            strerror_r (number, system_text, sizeof (system_text)));
  switch (number)
  {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    code = err_set_cause (err, ERR_INSUFFICIENT_STORAGE, cause, "the artifact store has no space left");
    break;
  case EMFILE:
  case ENFILE:
  case ENOMEM:
    code = err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, cause, "the artifact store is busy; try again");
    if (NULL != err)
      err->retry_after_s = 1;
    break;
  default:
    code = err_set_cause (err, ERR_INTERNAL_ERROR, cause, "the artifact store failed");
  }
  return code;
}

void
local_close (int fd)
{
  if (fd >= 0)
    (void)close (fd);
}

void
local_path (char fan[3], char rest[LOCAL_REST_BYTES], const struct digest *digest)
{
  char text[DIGEST_TEXT_BYTES];

  digest_format (text, digest);
  memcpy (fan, text, 2);
  fan[2] = '\0';
  memcpy (rest, text + 2, LOCAL_REST_BYTES);
}

/* Make a directory and those above it that are missing, each durably. False with errno set. */
static bool
make_path (const char *path)
{
  char *copy = strdup (path);
  size_t length = NULL == copy ? 0 : strlen (copy);
  bool made = NULL != copy;

  for (size_t i = 1; made && i <= length; i++)
  {
    char *slash;
    int above = -1;

    if (('/' != copy[i] && '\0' != copy[i]) || '/' == copy[i - 1])
      continue;
    copy[i] = '\0';
    if (0 == mkdir (copy, DIRECTORY_MODE))
    {
      slash = strrchr (copy, '/');
      if (NULL != slash)
        *slash = '\0';
      above = open (NULL == slash ? "." : slash == copy ? "/" : copy, OPEN_FLAGS);
      made = above >= 0 && 0 == fsync (above);
      if (NULL != slash)
        *slash = '/';
      local_close (above);
    }
    else
      made = EEXIST == errno;
    if (i < length)
      copy[i] = '/';
  }
  free (copy);
  return made;
}

/* Open a directory below an open one. With `durable` it is made when it is missing, and its name is on disk when this
   returns; that somebody else has made it says nothing of the disk, so each process looks once for itself. -1 with
   errno set. */
static int
enter (int above, const char *name, _Atomic bool *durable)
{
  bool made = false;
  int fd = openat (above, name, OPEN_FLAGS | O_NOFOLLOW);

  if (NULL == durable)
    return fd;
  if (fd < 0 && ENOENT == errno)
  {
    made = 0 == mkdirat (above, name, DIRECTORY_MODE);
    if (made || EEXIST == errno)
      fd = openat (above, name, OPEN_FLAGS | O_NOFOLLOW);
  }
  if (fd >= 0 && (made || ! atomic_load (durable)))
  {
    if (0 == fsync (above))
      atomic_store (durable, true);
    else
    {
      int number = errno;

      (void)close (fd);
      fd = -1;
      errno = number;
    }
  }
  return fd;
}

static int
fan_of (const char *directory)
{
  return hex_value (directory[0]) * 16 + hex_value (directory[1]);
}

enum err_code
local_enter (int *fd, struct local_store *store, enum local_place place, const char *directory, bool make,
             struct err *err)
{
  _Atomic bool upload_durable = false;
  int root;
  int top = -1;
  int number = 0;

  *fd = -1;
  root = open (store->root, OPEN_FLAGS);
  if (root < 0 && ENOENT == errno && make && make_path (store->root))
    root = open (store->root, OPEN_FLAGS);
  if (root >= 0)
    top = enter (root, place_names[place], make ? &store->place_durable[place] : NULL);
  if (top >= 0 && NULL != directory)
  {
    _Atomic bool *durable = LOCAL_CONTENTS == place ? &store->fan_durable[fan_of (directory)] : &upload_durable;

    *fd = enter (top, directory, make ? durable : NULL);
  }
  else
    *fd = top;
  if (*fd < 0)
    number = errno;
  if (*fd != top)
    local_close (top);
  local_close (root);
  if (0 == number || (ENOENT == number && ! make))
    return ERR_OK;
  return local_error (err, number, place, directory, NULL);
}

enum err_code
local_entries (int fd, enum local_place place, const char *directory, local_entry entry, void *context, struct err *err)
{
  DIR *stream = fdopendir (fd);
  const struct dirent *found = NULL;
  int number = errno;

  if (NULL == stream)
  {
    (void)close (fd);
    return local_error (err, number, place, directory, NULL);
  }
  do
  {
    errno = 0;
    found = readdir (stream);
    number = errno;
  } while (NULL != found && ('.' == found->d_name[0] || entry (context, found->d_name)));
  (void)closedir (stream);
  return NULL == found && 0 != number ? local_error (err, number, place, directory, NULL) : ERR_OK;
}

bool
local_read_all (int fd, char *bytes, size_t count, int64_t offset)
{
  size_t done = 0;

  while (done < count)
  {
    ssize_t got = pread (fd, bytes + done, count - done, offset + (int64_t)done);

    if (got > 0)
      done += (size_t)got;
    else if (0 == got)
    {
      errno = 0;
      return false;
    }
    else if (EINTR != errno)
      return false;
  }
  return true;
}
