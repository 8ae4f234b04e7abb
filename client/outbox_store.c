/* Entries of the outbox as files: written whole or not at all, read back after a crash. */
#include "outbox_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that are copied at a time, where the kernel does not do it. */
#define COPY_BYTES (1u << 20)

struct outbox_entry *
outbox_entry_new (const char *name)
{
  struct outbox_entry *entry = calloc (1, sizeof (*entry) + strlen (name) + 1);

  if (NULL != entry)
    memcpy (entry->name, name, strlen (name) + 1);
  return entry;
}

/* <folder>/<kind>-<number>.<what> */
static char *
path_of (const char *folder, const char *kind, uint64_t number, const char *what)
{
  char *path;

  return asprintf (&path, "%s/%s-%llu.%s", folder, kind, (unsigned long long)number, what) < 0 ? NULL : path;
}

char *
outbox_data_path (const char *folder, uint64_t number)
{
  return path_of (folder, "outbox", number, "data");
}

char *
outbox_upload_path (const char *folder, uint64_t number)
{
  return path_of (folder, "outbox", number, "upload");
}

/* --- writing --- */

static enum tally_code
open_data (int *file, char **path, const char *folder, uint64_t number, struct tally_error *err)
{
  *path = outbox_data_path (folder, number);
  if (NULL == *path)
    return error_memory (err);
  *file = open (*path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  return *file < 0 ? error_file (err, errno, "%s", *path) : TALLY_OK;
}

static bool
write_all (int file, const void *data, size_t bytes)
{
  const char *at = data;

  while (bytes > 0)
  {
    ssize_t written = write (file, at, bytes);

    if (written < 0 && EINTR == errno)
      continue;
    if (written <= 0)
      return false;
    at += written;
    bytes -= (size_t)written;
  }
  return true;
}

/* Close a file that was written; half a one is removed. */
static enum tally_code
close_data (int file, char *path, bool ok, bool force, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;

  if (file >= 0 && ok && force && 0 != fsync (file))
    ok = false;
  if (file >= 0 && ! ok)
    code = error_file (err, errno, "%s", path);
  if (file >= 0 && 0 != close (file) && ok)
    code = error_file (err, errno, "%s", path);
  if (TALLY_OK != code)
    unlink (path);
  free (path);
  return code;
}

enum tally_code
outbox_store_bytes (const char *folder, uint64_t number, const void *data, size_t bytes, bool force,
                    struct tally_error *err)
{
  char *path = NULL;
  int file = -1;
  enum tally_code code = open_data (&file, &path, folder, number, err);

  if (TALLY_OK == code)
    return close_data (file, path, write_all (file, data, bytes), force, err);
  free (path);
  return code;
}

/* By reading and writing: what every file system can. */
static bool
copy_by_hand (int to, int from)
{
  char *room = malloc (COPY_BYTES);
  ssize_t got = -1;
  bool ok = NULL != room;

  while (ok && 0 != (got = read (from, room, COPY_BYTES)))
    ok = got > 0 ? write_all (to, room, (size_t)got) : EINTR == errno;
  if (NULL == room)
    errno = ENOMEM;
  free (room);
  return ok;
}

/* A clone costs nothing; then the kernel; then by hand, from where the kernel stopped. */
static bool
copy (int to, int from)
{
  ssize_t copied;

  if (0 == ioctl (to, FICLONE, from))
    return true;
  do
    copied = copy_file_range (from, NULL, to, NULL, COPY_BYTES * 64, 0);
  while (copied > 0 || (copied < 0 && EINTR == errno));
  return copy_by_hand (to, from);
}

enum tally_code
outbox_store_file (uint64_t *bytes, const char *folder, uint64_t number, const char *path, bool force,
                   struct tally_error *err)
{
  struct stat status;
  char *to_path = NULL;
  int to = -1;
  int from = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  enum tally_code code = TALLY_OK;

  if (from < 0 || 0 != fstat (from, &status))
    code = error_file (err, errno, "%s", path);
  else if (! S_ISREG (status.st_mode))
    code = error_set (err, TALLY_ERROR_FILE, "%s is no regular file.", path);
  if (TALLY_OK == code)
    code = open_data (&to, &to_path, folder, number, err);
  if (TALLY_OK == code)
  {
    bool ok = copy (to, from);

    /* What was copied counts: the file may grow meanwhile. */
    if (ok && 0 == fstat (to, &status))
      *bytes = (uint64_t)status.st_size;
    code = close_data (to, to_path, ok, force, err);
    to_path = NULL;
  }
  free (to_path);
  if (from >= 0)
    close (from);
  return code;
}

static json_t *
entry_json (const struct outbox_entry *entry)
{
  char run[TALLY_RUN_ID_BYTES];

  run_key_format (run, &entry->run);
  if (entry->is_end)
    return json_pack ("{ss,ss,si,sI}", "kind", "end", "run", run, "status", (int)entry->status, "end_ms",
                      (json_int_t)entry->end_ms);
  return json_pack ("{ss,ss,ss,sI}", "kind", "file", "run", run, "name", entry->name, "bytes",
                    (json_int_t)entry->bytes);
}

enum tally_code
outbox_store_entry (const char *folder, const struct outbox_entry *entry, bool force, struct tally_error *err)
{
  json_t *object = entry_json (entry);
  char *text = NULL == object ? NULL : json_dumps (object, JSON_COMPACT);
  char *begun = path_of (folder, "outbox", entry->number, "new");
  char *path = path_of (folder, "outbox", entry->number, "json");
  enum tally_code code = TALLY_OK;
  bool ok;
  int file;

  if (NULL == text || NULL == begun || NULL == path)
    code = error_memory (err);
  if (TALLY_OK == code)
  {
    file = open (begun, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = file >= 0 && write_all (file, text, strlen (text)) && (! force || 0 == fsync (file));
    if (! ok)
      code = error_file (err, errno, "%s", begun);
    if (file >= 0)
      close (file);
    if (ok && 0 != rename (begun, path))
      code = error_file (err, errno, "%s", path);
    if (TALLY_OK != code)
      unlink (begun);
  }
  json_decref (object);
  free (text);
  free (begun);
  free (path);
  return code;
}

/* --- reading --- */

static struct outbox_entry *
read_entry (const char *folder, uint64_t number)
{
  char *path = path_of (folder, "outbox", number, "json");
  json_t *object = NULL == path ? NULL : json_load_file (path, 0, NULL);
  const char *kind = json_string_value (json_object_get (object, "kind"));
  const char *run = json_string_value (json_object_get (object, "run"));
  const char *name = json_string_value (json_object_get (object, "name"));
  struct outbox_entry *entry = NULL;

  if (NULL != kind && NULL != run && (0 == strcmp (kind, "end") || NULL != name))
    entry = outbox_entry_new (NULL == name ? "" : name);
  if (NULL != entry && ! run_key_parse (&entry->run, run))
  {
    free (entry);
    entry = NULL;
  }
  if (NULL != entry)
  {
    entry->number = number;
    entry->stored = true;
    entry->is_end = 0 == strcmp (kind, "end");
    entry->status = (enum tally_status)json_integer_value (json_object_get (object, "status"));
    entry->end_ms = json_integer_value (json_object_get (object, "end_ms"));
    entry->bytes = (uint64_t)json_integer_value (json_object_get (object, "bytes"));
  }
  json_decref (object);
  free (path);
  return entry;
}

/* The number in "<kind>-<number>.<what>"; 0 for other names. */
static uint64_t
number_of (const char *name, const char *kind, const char **what)
{
  size_t len = strlen (kind);
  char *end;
  uint64_t number;

  if (0 != strncmp (name, kind, len) || '-' != name[len] || name[len + 1] < '0' || name[len + 1] > '9')
    return 0;
  number = strtoull (name + len + 1, &end, 10);
  *what = end;
  return number;
}

static void
insert_sorted (struct outbox_entry **entries, struct outbox_entry *entry)
{
  while (NULL != *entries && (*entries)->number < entry->number)
    entries = &(*entries)->next;
  entry->next = *entries;
  *entries = entry;
}

/* Data that no entry names: its process was killed before the entry was one. */
static void
remove_orphan (const char *folder, const char *name, uint64_t number)
{
  char *entry = path_of (folder, "outbox", number, "json");
  char *path = NULL;

  if (NULL != entry && 0 != access (entry, F_OK) && asprintf (&path, "%s/%s", folder, name) >= 0)
    unlink (path);
  free (path);
  free (entry);
}

enum tally_code
outbox_store_list (struct outbox_entry **entries, uint64_t *next_number, const char *folder, struct tally_error *err)
{
  DIR *stream = opendir (folder);
  const struct dirent *file;

  *entries = NULL;
  *next_number = 1;
  if (NULL == stream)
    return error_file (err, errno, "%s", folder);
  while (NULL != (file = readdir (stream)))
  {
    const char *what = "";
    uint64_t number = number_of (file->d_name, "outbox", &what);
    struct outbox_entry *entry = NULL;

    if (0 == number)
      continue;
    if (number >= *next_number)
      *next_number = number + 1;
    if (0 == strcmp (what, ".json"))
      entry = read_entry (folder, number);
    else
      remove_orphan (folder, file->d_name, number);
    if (NULL != entry)
      insert_sorted (entries, entry);
  }
  closedir (stream);
  return TALLY_OK;
}

/* --- done --- */

void
outbox_store_remove (const char *folder, const struct outbox_entry *entry)
{
  char *path = path_of (folder, "outbox", entry->number, "json");
  char *data = outbox_data_path (folder, entry->number);
  char *upload = outbox_upload_path (folder, entry->number);

  /* The entry first: data without one is removed by whoever finds it. */
  if (NULL != path)
    unlink (path);
  if (NULL != data && ! entry->is_end)
    unlink (data);
  if (NULL != upload && ! entry->is_end)
    unlink (upload);
  free (path);
  free (data);
  free (upload);
}

static void
rename_kind (const char *folder, uint64_t number, const char *what, const char *from_kind, const char *to_kind)
{
  char *from = path_of (folder, from_kind, number, what);
  char *to = path_of (folder, to_kind, number, what);

  if (NULL != from && NULL != to)
    rename (from, to);
  free (from);
  free (to);
}

void
outbox_store_reject (const char *folder, const struct outbox_entry *entry, const struct tally_error *why)
{
  char *path = path_of (folder, "rejected", entry->number, "reason");
  FILE *file = NULL == path ? NULL : fopen (path, "we");

  if (NULL != file)
  {
    fprintf (file, "%s: %s\n", tally_code_name (why->code), why->message);
    fclose (file);
  }
  rename_kind (folder, entry->number, "json", "outbox", "rejected");
  rename_kind (folder, entry->number, "data", "outbox", "rejected");
  free (path);
}

static void
retry_one (const char *folder, uint64_t number)
{
  char *reason = path_of (folder, "rejected", number, "reason");

  /* The data first: without an entry it is passed over. */
  rename_kind (folder, number, "data", "rejected", "outbox");
  rename_kind (folder, number, "json", "rejected", "outbox");
  if (NULL != reason)
    unlink (reason);
  free (reason);
}

void
outbox_store_retry (const char *folder)
{
  DIR *stream = opendir (folder);
  const struct dirent *file;
  const char *what;

  while (NULL != stream && NULL != (file = readdir (stream)))
  {
    uint64_t number = number_of (file->d_name, "rejected", &what);

    if (0 != number && 0 == strcmp (what, ".json"))
      retry_one (folder, number);
  }
  if (NULL != stream)
    closedir (stream);
}
