/* Inventories of local folders. */
#include "inventory.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scan
{
  struct inventory *inventory;
  char *top; /* resolved path of the folder, for links */
  char name[ARTIFACT_NAME_MAX_BYTES + 1]; /* of what is looked at, relative */
  struct tally_error *err;
};

static enum tally_code scan_folder (struct scan *scan, int folder, size_t length);

/* Whether a link leads to a regular file below the folder; then its size. */
static bool
link_inside (struct scan *scan, int folder, const char *entry, struct stat *status)
{
  char own[64];
  char *resolved;
  size_t length = strlen (scan->top);
  int file = openat (folder, entry, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_PATH);
  bool inside = false;

  if (file < 0)
    return false;
  snprintf (own, sizeof (own), "/proc/self/fd/%d", file);
  resolved = realpath (own, NULL);
  if (NULL != resolved && 0 == fstat (file, status) && S_ISREG (status->st_mode))
    inside =
        0 == strncmp (resolved, scan->top, length) && ('/' == resolved[length] || (1 == length && '/' == scan->top[0]));
  free (resolved);
  close (file);
  return inside;
}

static enum tally_code
add (struct scan *scan, const struct stat *status)
{
  struct inventory_file file = { scan->name, (uint64_t)status->st_size, true, "" };

  return inventory_add (scan->inventory, &file, scan->err);
}

static enum tally_code
enter (struct scan *scan, int folder, const char *entry, size_t length)
{
  int inner = openat (folder, entry, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);

  if (inner < 0)
    return error_file (scan->err, errno, "%s", scan->name);
  return scan_folder (scan, inner, length);
}

static enum tally_code
scan_entry (struct scan *scan, int folder, const char *entry, size_t length)
{
  struct stat status;
  int printed = snprintf (scan->name + length, sizeof (scan->name) - length, "%s%s", 0 == length ? "" : "/", entry);

  if (printed < 0 || (size_t)printed >= sizeof (scan->name) - length || ! artifact_name_valid (scan->name))
    return error_set (scan->err, TALLY_ERROR_FILE, "'%.300s' below the folder has a name that no server takes.",
                      scan->name);
  if (0 != fstatat (folder, entry, &status, AT_SYMLINK_NOFOLLOW))
    return ENOENT == errno ? TALLY_OK : error_file (scan->err, errno, "%s", scan->name);
  if (S_ISDIR (status.st_mode))
    return enter (scan, folder, entry, length + (size_t)printed);
  if (S_ISREG (status.st_mode) || (S_ISLNK (status.st_mode) && link_inside (scan, folder, entry, &status)))
    return add (scan, &status);
  return TALLY_OK;
}

/* Takes over `folder`. `length` is that of its name in scan->name. */
static enum tally_code
scan_folder (struct scan *scan, int folder, size_t length)
{
  DIR *directory = fdopendir (folder);
  enum tally_code code = TALLY_OK;
  const struct dirent *entry;

  if (NULL == directory)
  {
    int number = errno;

    close (folder);
    return error_file (scan->err, number, "%.*s", (int)length, scan->name);
  }
  while (TALLY_OK == code)
  {
    errno = 0;
    entry = readdir (directory);
    if (NULL == entry)
    {
      if (0 != errno)
        code = error_file (scan->err, errno, "%.*s", (int)length, scan->name);
      break;
    }
    if (0 != strcmp (entry->d_name, ".") && 0 != strcmp (entry->d_name, ".."))
      code = scan_entry (scan, dirfd (directory), entry->d_name, length);
  }
  closedir (directory);
  return code;
}

enum tally_code
inventory_scan (struct inventory *inventory, const char *folder, struct tally_error *err)
{
  struct scan scan = { .inventory = inventory, .err = err };
  int top = open (folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  enum tally_code code;

  if (top < 0)
    return error_file (err, errno, "%s", folder);
  scan.top = realpath (folder, NULL);
  if (NULL == scan.top)
  {
    code = error_file (err, errno, "%s", folder);
    close (top);
  }
  else
    code = scan_folder (&scan, top, 0);
  free (scan.top);
  if (TALLY_OK == code)
    inventory_sort (inventory);
  return code;
}
