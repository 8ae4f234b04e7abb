/* Care of the store in a directory: sweeping what was left over, listing what is there. */
#include "blob/local_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The list of a fan grows from so many entries on. */
#define FIRST_ENTRIES 64

/* Seconds since a file was last written; 0 for what is to come, when a clock was set back. */
static int64_t
age_of (const struct stat *file)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return now.tv_sec > file->st_mtim.tv_sec ? now.tv_sec - file->st_mtim.tv_sec : 0;
}

/* --- sweeping ----------------------------------------------------------------------------------------------------- */

struct sweep
{
  struct local_store *store;
  int directory; /* the one that is gone through */
  int64_t older_than_s;
  bool dry_run;
  blob_found found;
  void *context;
  bool going;
  struct err *err;
  enum err_code code;
};

/* A writer that lives holds the lock of its file. */
static bool
is_being_written (int directory, const char *name)
{
  int fd = openat (directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  bool locked = fd >= 0 && 0 != flock (fd, LOCK_EX | LOCK_NB) && EWOULDBLOCK == errno;

  local_close (fd);
  return locked;
}

static bool
sweep_temporary (void *context, const char *name)
{
  struct sweep *sweep = context;
  struct uuid id;
  struct stat file;

  if (uuid_parse (&id, slice_of (name)) && 0 == fstatat (sweep->directory, name, &file, AT_SYMLINK_NOFOLLOW)
      && (S_ISREG (file.st_mode) || S_ISLNK (file.st_mode)) && age_of (&file) >= sweep->older_than_s
      && ! (S_ISREG (file.st_mode) && is_being_written (sweep->directory, name))
      && (sweep->dry_run || 0 == unlinkat (sweep->directory, name, 0)))
    sweep->going = sweep->found (sweep->context, S_ISREG (file.st_mode) ? file.st_size : 0);
  return sweep->going;
}

/* Where sizes of parts are added up. */
struct measure
{
  int directory;
  int64_t bytes;
};

static bool
measure_part (void *context, const char *name)
{
  struct measure *measure = context;
  struct stat file;

  if (0 == fstatat (measure->directory, name, &file, AT_SYMLINK_NOFOLLOW) && S_ISREG (file.st_mode))
    measure->bytes += file.st_size;
  return true;
}

static bool
sweep_upload (void *context, const char *name)
{
  struct sweep *sweep = context;
  struct measure measure = { -1, 0 };
  struct uuid id;
  struct stat file;

  /* Each part that came has changed the directory. */
  if (! uuid_parse (&id, slice_of (name)) || 0 != fstatat (sweep->directory, name, &file, AT_SYMLINK_NOFOLLOW)
      || ! S_ISDIR (file.st_mode) || age_of (&file) < sweep->older_than_s
      || age_of (&file) < sweep->store->upload_ttl_s)
    return true;
  sweep->code = local_enter (&measure.directory, sweep->store, LOCAL_PARTS, name, false, sweep->err);
  if (ERR_OK == sweep->code && measure.directory >= 0)
    sweep->code = local_entries (measure.directory, LOCAL_PARTS, name, measure_part, &measure, sweep->err);
  if (ERR_OK == sweep->code && ! sweep->dry_run)
    sweep->code = local_upload_drop (&sweep->store->common, &id, "", sweep->err);
  sweep->going = ERR_OK == sweep->code && sweep->found (sweep->context, measure.bytes);
  return sweep->going;
}

enum err_code
local_sweep (struct blob_store *store, int64_t older_than_s, bool dry_run, blob_found found, void *context,
             struct err *err)
{
  static const struct
  {
    enum local_place place;
    local_entry entry;
  } places[] = { { LOCAL_TEMPORARY, sweep_temporary }, { LOCAL_PARTS, sweep_upload } };
  struct sweep sweep = { .store = local_store_of (store),
                         .older_than_s = older_than_s,
                         .dry_run = dry_run,
                         .found = found,
                         .context = context,
                         .going = true,
                         .err = err };
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && sweep.going && i < sizeof (places) / sizeof (places[0]); i++)
  {
    code = local_enter (&sweep.directory, sweep.store, places[i].place, NULL, false, err);
    if (ERR_OK == code && sweep.directory >= 0)
      code = local_entries (sweep.directory, places[i].place, NULL, places[i].entry, &sweep, err);
    if (ERR_OK == code)
      code = sweep.code;
  }
  return code;
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

/* The contents of one fan. */
struct fan
{
  char name[3];
  struct digest *digests;
  size_t count;
  size_t capacity;
  bool out_of_memory;
};

static bool
note_content (void *context, const char *name)
{
  struct fan *fan = context;
  char text[DIGEST_TEXT_BYTES];
  struct digest digest;

  if (LOCAL_REST_BYTES - 1 != strlen (name))
    return true;
  snprintf (text, sizeof (text), "%s%s", fan->name, name);
  if (! digest_parse (&digest, slice_of (text)))
    return true;
  if (fan->count == fan->capacity)
  {
    size_t capacity = 0 == fan->capacity ? FIRST_ENTRIES : 2 * fan->capacity;
    struct digest *grown = reallocarray (fan->digests, capacity, sizeof (*grown));

    fan->out_of_memory = NULL == grown;
    if (fan->out_of_memory)
      return false;
    fan->digests = grown;
    fan->capacity = capacity;
  }
  fan->digests[fan->count++] = digest;
  return true;
}

static int
compare_digests (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct digest));
}

/* Tell of the contents of an open fan, in order; `going` becomes false when the caller has enough. */
static enum err_code
list_fan (bool *going, struct fan *fan, int directory, const struct digest *after, blob_listed listed, void *context,
          struct err *err)
{
  int listing = fcntl (directory, F_DUPFD_CLOEXEC, 0);
  enum err_code code;

  if (listing < 0)
    return local_error (err, errno, LOCAL_CONTENTS, fan->name, NULL);
  fan->count = 0;
  code = local_entries (listing, LOCAL_CONTENTS, fan->name, note_content, fan, err);
  if (ERR_OK == code && fan->out_of_memory)
    code = local_error (err, ENOMEM, LOCAL_CONTENTS, fan->name, NULL);
  if (ERR_OK == code && fan->count > 0)
    qsort (fan->digests, fan->count, sizeof (*fan->digests), compare_digests);
  for (size_t i = 0; ERR_OK == code && *going && i < fan->count; i++)
  {
    char name[3];
    char rest[LOCAL_REST_BYTES];
    struct stat file;

    if (NULL != after && compare_digests (&fan->digests[i], after) <= 0)
      continue;
    local_path (name, rest, &fan->digests[i]);
    if (0 == fstatat (directory, rest, &file, AT_SYMLINK_NOFOLLOW))
    {
      if (S_ISREG (file.st_mode))
        *going = listed (context, &fan->digests[i], file.st_size, age_of (&file));
    }
    else if (ENOENT != errno)
      code = local_error (err, errno, LOCAL_CONTENTS, name, rest);
  }
  return code;
}

enum err_code
local_list (struct blob_store *store, const struct digest *after, blob_listed listed, void *context, struct err *err)
{
  struct fan fan = { .digests = NULL };
  bool going = true;
  enum err_code code = ERR_OK;

  for (int number = NULL == after ? 0 : after->bytes[0]; ERR_OK == code && going && number < LOCAL_FANS; number++)
  {
    int directory = -1;

    snprintf (fan.name, sizeof (fan.name), "%02x", (unsigned)number & 0xFF);
    code = local_enter (&directory, local_store_of (store), LOCAL_CONTENTS, fan.name, false, err);
    if (ERR_OK == code && directory >= 0)
      code = list_fan (&going, &fan, directory, after, listed, context, err);
    local_close (directory);
  }
  free (fan.digests);
  return code;
}
