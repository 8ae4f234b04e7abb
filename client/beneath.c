/* Beneath: each folder on the way is opened by itself, without following links. */
#include "beneath.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands between a file's name and the random digits of its part. */
#define PART_MARK ".tally-part-"
#define RANDOM_DIGITS 16

static enum tally_code
make_parents (char *path, struct tally_error *err)
{
  for (char *slash = strchr (path + 1, '/'); NULL != slash; slash = strchr (slash + 1, '/'))
  {
    *slash = '\0';
    if (0 != mkdir (path, 0777) && EEXIST != errno)
      return error_file (err, errno, "%s", path);
    *slash = '/';
  }
  if (0 != mkdir (path, 0777) && EEXIST != errno)
    return error_file (err, errno, "%s", path);
  return TALLY_OK;
}

enum tally_code
beneath_open (int *folder, const char *path, struct tally_error *err)
{
  char *copy;
  enum tally_code code;

  *folder = open (path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (*folder >= 0)
    return TALLY_OK;
  if (ENOENT != errno || '\0' == path[0])
    return error_file (err, errno, "%s", path);
  copy = strdup (path);
  code = NULL == copy ? error_memory (err) : make_parents (copy, err);
  free (copy);
  if (TALLY_OK == code)
    *folder = open (path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  return TALLY_OK == code && *folder < 0 ? error_file (err, errno, "%s", path) : code;
}

/* Open a folder of this name, made when there is none. */
static enum tally_code
step (int *folder, const char *name, const char *whole, struct tally_error *err)
{
  int inner = -1;

  if (0 == mkdirat (*folder, name, 0777) || EEXIST == errno)
    inner = openat (*folder, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
  if (inner < 0 && (ELOOP == errno || ENOTDIR == errno))
    return error_set (err, TALLY_ERROR_PROTOCOL, "%s: a link or file is where a folder has to be.", whole);
  if (inner < 0)
    return error_file (err, errno, "%s", whole);
  close (*folder);
  *folder = inner;
  return TALLY_OK;
}

/* Open the folder that holds `name`. */
static enum tally_code
open_holder (int *folder, const char **base, int top, const char *name, struct tally_error *err)
{
  char part[NAME_MAX + 1];
  enum tally_code code = TALLY_OK;
  const char *rest = name;

  *folder = fcntl (top, F_DUPFD_CLOEXEC, 0);
  if (*folder < 0)
    return error_file (err, errno, "%s", name);
  for (const char *slash = strchr (rest, '/'); TALLY_OK == code && NULL != slash; slash = strchr (rest, '/'))
  {
    size_t length = (size_t)(slash - rest);

    if (length > NAME_MAX)
      code = error_file (err, ENAMETOOLONG, "%s", name);
    else
    {
      memcpy (part, rest, length);
      part[length] = '\0';
      code = step (folder, part, name, err);
    }
    rest = slash + 1;
  }
  *base = rest;
  if (TALLY_OK == code)
    return TALLY_OK;
  close (*folder);
  *folder = -1;
  return code;
}

static enum tally_code
open_part (struct beneath_file *file, const char *name, struct tally_error *err)
{
  uint64_t random;
  size_t room = sizeof (file->part) - sizeof (PART_MARK) - RANDOM_DIGITS;

  if (sizeof (random) != getrandom (&random, sizeof (random), 0))
    return error_file (err, errno, "No random number");
  snprintf (file->part, sizeof (file->part), "%.*s%s%016llx", (int)room, file->base, PART_MARK,
            (unsigned long long)random);
  file->file = openat (file->folder, file->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  return file->file < 0 ? error_file (err, errno, "%s", name) : TALLY_OK;
}

enum tally_code
beneath_begin (struct beneath_file *file, int top, const char *name, bool overwrite, struct tally_error *err)
{
  struct stat status;
  enum tally_code code;

  *file = (struct beneath_file){ .folder = -1, .file = -1 };
  code = open_holder (&file->folder, &file->base, top, name, err);
  if (TALLY_OK == code && ! overwrite && 0 == fstatat (file->folder, file->base, &status, AT_SYMLINK_NOFOLLOW))
    code = error_set (err, TALLY_ERROR_EXISTS, "%s is there already.", name);
  if (TALLY_OK == code)
    code = open_part (file, name, err);
  if (TALLY_OK != code && file->folder >= 0)
    close (file->folder);
  return code;
}

/* Rename, but not over what is there. */
static int
rename_new (struct beneath_file *file)
{
  int failed = renameat2 (file->folder, file->part, file->folder, file->base, RENAME_NOREPLACE);

  /* File systems without it (NFS): a link cannot replace either. */
  if (0 != failed && (EINVAL == errno || ENOSYS == errno))
  {
    failed = linkat (file->folder, file->part, file->folder, file->base, 0);
    if (0 == failed)
      unlinkat (file->folder, file->part, 0);
  }
  return failed;
}

static void
close_both (struct beneath_file *file)
{
  if (file->file >= 0)
    close (file->file);
  if (file->folder >= 0)
    close (file->folder);
  file->file = file->folder = -1;
}

enum tally_code
beneath_finish (struct beneath_file *file, bool overwrite, struct tally_error *err)
{
  int closed = close (file->file);
  int number = errno;
  enum tally_code code = TALLY_OK;

  file->file = -1;
  if (0 != closed)
    code = error_file (err, number, "%s", file->base);
  else if (0 != (overwrite ? renameat (file->folder, file->part, file->folder, file->base) : rename_new (file)))
    code = EEXIST == errno ? error_set (err, TALLY_ERROR_EXISTS, "%s is there already.", file->base)
                           : error_file (err, errno, "%s", file->base);
  if (TALLY_OK != code)
    unlinkat (file->folder, file->part, 0);
  close_both (file);
  return code;
}

void
beneath_drop (struct beneath_file *file)
{
  unlinkat (file->folder, file->part, 0);
  close_both (file);
}
