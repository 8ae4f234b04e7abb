/* The folder of a stream: made, locked, taken over and removed. */
#include "spool_inside.h"

#include "error.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/json_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder is made with the first of these in front of its name and removed with the second, since programs that look
   for streams pass over both. */
#define NEW_PREFIX ".new-"
#define OLD_PREFIX ".old-"

/* Longest name of a host in a folder's name; POSIX allows 255, but such a name would fill the folder's. */
#define HOST_BYTES 65

/* stream.json has a URL, a workspace and some numbers. */
#define STREAM_MAX_BYTES 65536

/* --- who owns a stream --- */

struct owner
{
  char host[HOST_BYTES];
  int64_t process;
  /* Tells processes of one number apart: what the kernel gave the program when it began, of which a check sum tells
     nobody anything. Children have the same, and another number. */
  uint32_t instance;
};

static void
owner_of_this (struct owner *owner)
{
  const void *random = (const void *)getauxval (AT_RANDOM); /* 16 bytes: getauxval(3) */

  memset (owner, 0, sizeof (*owner));
  if (0 != gethostname (owner->host, sizeof (owner->host)) || '\0' == owner->host[0])
    memcpy (owner->host, "host", sizeof ("host"));
  owner->host[HOST_BYTES - 1] = '\0';
  for (char *c = owner->host; '\0' != *c; c++)
    if (! ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || '.' == *c))
      *c = '-';
  owner->process = getpid ();
  owner->instance = NULL == random ? 0 : crc32c (random, 16);
}

/* --- locks --- */

enum lock_answer
{
  LOCK_TAKEN,
  LOCK_BUSY,
  LOCK_NONE /* the file system has none, as some of clusters */
};

/* A lock that the process gets anew is of the open file: it also keeps others of the same process out. The lock of a
   process's own stream is of the process, so that children do not keep it when the process is killed; no other file
   of the same name may be opened and closed in the process then, which `owner` prevents. */
static enum lock_answer
lock (int file, bool of_process)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int answer = of_process ? -1 : fcntl (file, F_OFD_SETLK, &whole);

  if (of_process || (answer < 0 && EINVAL == errno))
    answer = fcntl (file, F_SETLK, &whole);
  if (0 == answer)
    return LOCK_TAKEN;
  return EAGAIN == errno || EACCES == errno || EINTR == errno ? LOCK_BUSY : LOCK_NONE;
}

/* --- making --- */

/* Make a folder with its parents. */
static bool
make_folders (const char *path)
{
  char *copy = strdup (path);
  bool ok = NULL != copy;

  for (char *at = copy; ok && NULL != at;)
  {
    at = strchr (at + 1, '/');
    if (NULL != at)
      *at = '\0';
    ok = 0 == mkdir (copy, 0700) || EEXIST == errno || (NULL != at && (EROFS == errno || EACCES == errno));
    if (NULL != at)
      *at = '/';
  }
  free (copy);
  return ok;
}

static bool
write_stream (const struct spool *spool, const struct owner *owner)
{
  struct json_write json;
  struct buffer out;
  int file = openat (spool->folder_file, STREAM_NAME, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  bool ok;

  buffer_init (&out, STREAM_MAX_BYTES);
  json_write_init (&json, &out);
  json_write_object (&json);
  json_write_member_int64 (&json, "format", SPOOL_FORMAT);
  json_write_member_text (&json, "server", spool->server);
  if (NULL != spool->workspace)
    json_write_member_text (&json, "workspace", spool->workspace);
  json_write_member_int64 (&json, "created_ms", clock_wall_ms ());
  json_write_member_text (&json, "host", owner->host);
  json_write_member_int64 (&json, "process", owner->process);
  json_write_member_int64 (&json, "instance", owner->instance);
  json_write_member_text (&json, "version", tally_version ());
  json_write_object_end (&json);
  buffer_byte (&out, '\n');
  ok = file >= 0 && ! out.failed && frame_write (file, out.data, out.len, 0)
       && (FSYNC_NONE == spool->fsync || 0 == fdatasync (file));
  if (file >= 0)
    close (file);
  buffer_free (&out);
  return ok;
}

/* Fill the folder that was made under a preliminary name, and give it its own. */
static enum tally_code
make_stream (struct spool *spool, const char *made, const struct owner *owner, struct tally_error *err)
{
  spool->folder_file = open (made, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (spool->folder_file >= 0)
    spool->lock_file = openat (spool->folder_file, LOCK_NAME, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (spool->lock_file < 0)
    return error_file (err, errno, "%s", made);
  if (LOCK_BUSY == lock (spool->lock_file, true))
    return error_file (err, EAGAIN, "%s/" LOCK_NAME, made);
  if (! write_stream (spool, owner) || 0 != rename (made, spool->folder))
    return error_file (err, errno, "%s", spool->folder);
  return TALLY_OK;
}

/* Take away what make_stream left. */
static void
unmake (struct spool *spool, const char *made)
{
  if (spool->folder_file >= 0)
  {
    unlinkat (spool->folder_file, STREAM_NAME, 0);
    unlinkat (spool->folder_file, LOCK_NAME, 0);
  }
  rmdir (made);
}

/* The stream's folder and the one that it is made as; absolute, because the program may change its folder. */
static enum tally_code
name_stream (struct spool *spool, char **made, const char *folder, const struct owner *owner, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;
  struct run_key random;
  char *base = NULL;

  if (! run_key_new (&random))
    memset (&random, 0, sizeof (random)); /* host and process remain */
  if (! make_folders (folder) || NULL == (base = realpath (folder, NULL)))
    return error_file (err, errno, "%s", folder);
  if (asprintf (&spool->folder, "%s/%s-%" PRId64 "-%02x%02x%02x%02x", base, owner->host, owner->process,
                random.bytes[0], random.bytes[1], random.bytes[2], random.bytes[3])
      < 0)
  {
    spool->folder = NULL;
    code = error_memory (err);
  }
  else if (asprintf (made, "%s/" NEW_PREFIX "%s", base, strrchr (spool->folder, '/') + 1) < 0)
  {
    *made = NULL;
    code = error_memory (err);
  }
  free (base);
  return code;
}

enum tally_code
spool_create (struct spool **spool, const struct spool_settings *settings, struct tally_error *err)
{
  struct spool *created = spool_new (settings);
  struct owner owner;
  char *made = NULL;
  enum tally_code code;

  *spool = NULL;
  owner_of_this (&owner);
  code = NULL == created ? error_memory (err) : name_stream (created, &made, settings->folder, &owner, err);
  if (TALLY_OK == code && 0 != mkdir (made, 0700))
    code = error_file (err, errno, "%s", made);
  else if (TALLY_OK == code)
  {
    code = make_stream (created, made, &owner, err);
    if (TALLY_OK != code)
      unmake (created, made);
  }
  if (TALLY_OK == code)
  {
    created->writer.folder_unforced = true;
    *spool = created;
  }
  else
    spool_free (created);
  free (made);
  return code;
}

/* --- taking over --- */

static enum tally_code
no_stream (const struct spool *spool, const char *why, struct tally_error *err)
{
  return error_set (err, TALLY_ERROR_PROTOCOL, "%s is no stream of a spool: %s.", spool->folder, why);
}

static char *
text_of (const json_t *object, const char *name)
{
  const char *text = json_string_value (json_object_get (object, name));

  return NULL == text ? NULL : strdup (text);
}

static enum tally_code
take_stream (struct spool *spool, struct owner *owner, const json_t *object, struct tally_error *err)
{
  const char *host = json_string_value (json_object_get (object, "host"));
  json_int_t format = json_integer_value (json_object_get (object, "format"));

  if (format > SPOOL_FORMAT)
    return error_set (err, TALLY_ERROR_PROTOCOL, "%s was written by a newer version.", spool->folder);
  if (format < 1 || NULL == json_string_value (json_object_get (object, "server")))
    return no_stream (spool, STREAM_NAME " lacks its members", err);
  memset (owner, 0, sizeof (*owner));
  if (NULL != host)
    strncpy (owner->host, host, HOST_BYTES - 1);
  owner->process = json_integer_value (json_object_get (object, "process"));
  owner->instance = (uint32_t)json_integer_value (json_object_get (object, "instance"));
  free (spool->server);
  free (spool->workspace);
  spool->server = text_of (object, "server");
  spool->workspace = text_of (object, "workspace");
  return NULL == spool->server ? error_memory (err) : TALLY_OK;
}

static enum tally_code
read_stream (struct spool *spool, struct owner *owner, struct tally_error *err)
{
  int file = openat (spool->folder_file, STREAM_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  char *text = malloc (STREAM_MAX_BYTES);
  enum tally_code code;
  ssize_t bytes = -1;
  json_t *object = NULL;

  if (NULL != text && file >= 0)
    bytes = frame_from_file (&file, text, STREAM_MAX_BYTES, 0);
  if (bytes > 0)
    object = json_loadb (text, (size_t)bytes, JSON_REJECT_DUPLICATES, NULL);
  if (NULL == text)
    code = error_memory (err);
  else if (file < 0 && ENOENT != errno)
    code = error_file (err, errno, "%s/" STREAM_NAME, spool->folder);
  else if (! json_is_object (object))
    code = no_stream (spool, "there is no " STREAM_NAME " that can be read", err);
  else
    code = take_stream (spool, owner, object, err);
  json_decref (object);
  free (text);
  if (file >= 0)
    close (file);
  return code;
}

static enum tally_code
busy (const struct spool *spool, const struct owner *owner, struct tally_error *err)
{
  return error_set (err, TALLY_ERROR_BUSY, "%s is in use by process %lld on %s.", spool->folder,
                    (long long)owner->process, owner->host);
}

/* Without locks only a process of this host can be known to be gone. */
static bool
is_gone (const struct owner *owner, const struct owner *self)
{
  return 0 == strcmp (owner->host, self->host) && owner->process > 0 && 0 != kill ((pid_t)owner->process, 0)
         && ESRCH == errno;
}

static enum tally_code
take_lock (struct spool *spool, const struct owner *owner, struct tally_error *err)
{
  struct owner self;
  struct stat status;
  enum lock_answer answer;

  owner_of_this (&self);
  /* Even opening the file would let go of this process's lock, if it still has it. */
  if (owner->process == self.process && owner->instance == self.instance && 0 == strcmp (owner->host, self.host)
      && 0 != faccessat (spool->folder_file, LEFT_NAME, F_OK, 0))
    return busy (spool, owner, err);
  spool->lock_file = openat (spool->folder_file, LOCK_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (spool->lock_file < 0)
    return ENOENT == errno ? no_stream (spool, "it has no lock", err)
                           : error_file (err, errno, "%s/" LOCK_NAME, spool->folder);
  answer = lock (spool->lock_file, false);
  if (LOCK_BUSY == answer || (LOCK_NONE == answer && ! is_gone (owner, &self)))
    return busy (spool, owner, err);
  /* Who had it may have removed all meanwhile. */
  if (0 != fstat (spool->lock_file, &status) || 0 == status.st_nlink
      || 0 != fstatat (spool->folder_file, STREAM_NAME, &status, AT_SYMLINK_NOFOLLOW))
    return no_stream (spool, "it was removed", err);
  return TALLY_OK;
}

enum tally_code
spool_adopt (struct spool **spool, const char *stream_folder, const struct spool_settings *settings,
             uint64_t *torn_bytes, struct tally_error *err)
{
  struct spool *taken = spool_new (settings);
  enum tally_code code = TALLY_OK;
  struct owner owner;

  *spool = NULL;
  *torn_bytes = 0;
  if (NULL != taken)
    taken->folder = strdup (stream_folder);
  if (NULL == taken || NULL == taken->folder)
  {
    spool_free (taken);
    return error_memory (err);
  }
  taken->folder_file = open (stream_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (taken->folder_file < 0)
    code = error_file (err, errno, "%s", stream_folder);
  if (TALLY_OK == code)
    code = read_stream (taken, &owner, err);
  if (TALLY_OK == code)
    code = take_lock (taken, &owner, err);
  if (TALLY_OK == code)
    code = notes_open (taken, torn_bytes, err);
  if (TALLY_OK == code)
    code = segments_recover (taken, torn_bytes, err);
  if (TALLY_OK != code)
  {
    spool_free (taken);
    return code;
  }
  rejected_look (taken);
  segments_sweep (taken);
  *spool = taken;
  return TALLY_OK;
}

/* --- letting go --- */

void
folder_leave (const struct spool *spool)
{
  int file = openat (spool->folder_file, LEFT_NAME, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

  if (file >= 0)
    close (file);
}

static bool
is_own_name (const char *name)
{
  static const char *const names[] = { ".", "..", LOCK_NAME, LEFT_NAME, STREAM_NAME, "notes", "notes.new" };
  const char *dot = strrchr (name, '.');

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    if (0 == strcmp (names[i], name))
      return true;
  return NULL != dot && 0 == strcmp (dot, ".segment");
}

/* Call `each` for every name; false when one of the calls said so or the folder cannot be read. */
static bool
walk (const struct spool *spool, bool (*each) (const struct spool *spool, const char *name))
{
  int file = openat (spool->folder_file, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = file < 0 ? NULL : fdopendir (file);
  const struct dirent *entry;
  bool ok = NULL != folder;

  if (NULL == folder && file >= 0)
    close (file);
  while (ok && NULL != (entry = readdir (folder)))
    ok = each (spool, entry->d_name);
  if (NULL != folder)
    closedir (folder);
  return ok;
}

static bool
check_name (const struct spool *spool, const char *name)
{
  (void)spool;
  return is_own_name (name);
}

/* Names of the folder itself and of the lock, which goes last, stay. */
static bool
remove_name (const struct spool *spool, const char *name)
{
  if (0 != strcmp (name, LOCK_NAME) && 0 != strcmp (name, ".") && 0 != strcmp (name, ".."))
    unlinkat (spool->folder_file, name, 0);
  return true;
}

bool
folder_is_ours (const struct spool *spool)
{
  return walk (spool, check_name);
}

/* Take the stream out of sight at once, as it came: who is killed while removing it leaves no half of one, which nobody
   could read any more. */
static void
hide (struct spool *spool)
{
  const char *slash = strrchr (spool->folder, '/');
  char *hidden = NULL;

  if (NULL == slash
      || asprintf (&hidden, "%.*s/" OLD_PREFIX "%s", (int)(slash - spool->folder), spool->folder, slash + 1) < 0)
    return;
  if (0 != rename (spool->folder, hidden))
  {
    free (hidden);
    return;
  }
  free (spool->folder);
  spool->folder = hidden;
}

void
folder_remove (struct spool *spool)
{
  reader_leave (spool);
  if (spool->writer.file >= 0)
    close (spool->writer.file);
  spool->writer.file = -1;
  if (spool->notes.file >= 0)
    close (spool->notes.file);
  spool->notes.file = -1;
  hide (spool);
  walk (spool, remove_name);
  unlinkat (spool->folder_file, LOCK_NAME, 0);
  /* Over NFS the lock keeps another name as long as it is open. */
  if (0 != rmdir (spool->folder))
  {
    close (spool->lock_file);
    spool->lock_file = -1;
    rmdir (spool->folder);
  }
}
