/* Folders of tests. */
#include "folder.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
folder_new (void)
{
  const char *base = getenv ("TMPDIR");
  char *path;

  /* In memory, where there is such a folder: some tests force thousands of files to the disk. */
  if (NULL == base)
    base = 0 == access ("/dev/shm", W_OK) ? "/dev/shm" : "/tmp";
  ck_assert_int_gt (asprintf (&path, "%s/tally-test-XXXXXX", base), 0);
  ck_assert_ptr_nonnull (mkdtemp (path));
  return path;
}

static int
remove_one (const char *path, const struct stat *status, int type, struct FTW *walk)
{
  (void)status;
  (void)type;
  (void)walk;
  return remove (path);
}

void
folder_remove_all (char *path)
{
  ck_assert_int_eq (nftw (path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
  free (path);
}

const char *
folder_names (const char *path)
{
  static char names[4096];
  struct dirent **list;
  int count = scandir (path, &list, NULL, alphasort);

  names[0] = '\0';
  ck_assert_msg (count >= 0, "%s", path);
  for (int i = 0; i < count; i++)
  {
    if (0 != strcmp (list[i]->d_name, ".") && 0 != strcmp (list[i]->d_name, ".."))
    {
      strncat (names, list[i]->d_name, sizeof (names) - strlen (names) - 2);
      strcat (names, "\n");
    }
    free (list[i]);
  }
  free (list);
  return names;
}

static char *
join (const char *folder, const char *name)
{
  char *path;

  ck_assert_int_gt (asprintf (&path, "%s/%s", folder, name), 0);
  return path;
}

char *
folder_read (const char *folder, const char *name, size_t *bytes)
{
  char *path = join (folder, name);
  FILE *file = fopen (path, "rb");
  char *data;
  struct stat status;

  ck_assert_msg (NULL != file, "%s", path);
  ck_assert_int_eq (fstat (fileno (file), &status), 0);
  data = malloc ((size_t)status.st_size + 1);
  ck_assert_ptr_nonnull (data);
  *bytes = fread (data, 1, (size_t)status.st_size, file);
  ck_assert_uint_eq (*bytes, (size_t)status.st_size);
  data[*bytes] = '\0';
  fclose (file);
  free (path);
  return data;
}

void
folder_write (const char *folder, const char *name, const void *data, size_t bytes)
{
  char *path = join (folder, name);
  int file = open (path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

  ck_assert_msg (file >= 0, "%s", path);
  ck_assert_int_eq (write (file, data, bytes), (ssize_t)bytes);
  close (file);
  free (path);
}

bool
folder_has (const char *folder, const char *name)
{
  char *path = join (folder, name);
  bool has = 0 == access (path, F_OK);

  free (path);
  return has;
}
