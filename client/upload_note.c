/* Notes of uploads in parts, as JSON. */
#include "upload_note.h"

#include "answer.h"
#include "json_read.h"
#include "small_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longest note: an id of an upload has at most about a KiB, place and name a few. */
#define NOTE_MAX_BYTES 65536

static json_int_t
nanoseconds (struct timespec time)
{
  return (json_int_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* What of a note must be the same for its upload to go on; NULL: no memory, or the file cannot be looked at. */
static json_t *
subject (const char *place, const char *name, const struct transfer_source *source)
{
  struct stat status;

  if (0 != fstat (source->file, &status))
    return NULL;
  return json_pack ("{s:s, s:s, s:I, s:I, s:I, s:I}", "place", place, "name", name, "bytes", (json_int_t)source->bytes,
                    "file_bytes", (json_int_t)status.st_size, "modified_ns", nanoseconds (status.st_mtim), "changed_ns",
                    nanoseconds (status.st_ctim));
}

void
upload_note_write (const char *path, const char *id, uint64_t part_bytes, const char *place, const char *name,
                   const struct transfer_source *source)
{
  json_t *note = json_pack ("{s:s, s:I, s:o}", "upload_id", id, "part_bytes", (json_int_t)part_bytes, "of",
                            subject (place, name, source));
  int file = NULL == note ? -1 : open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  /* Half a note is none: it is no JSON. */
  if (file >= 0)
  {
    json_dumpfd (note, file, JSON_COMPACT);
    close (file);
  }
  json_decref (note);
}

json_t *
upload_note_read (const char **id, uint64_t *part_bytes, bool *fits, const char *path, const char *place,
                  const char *name, const struct transfer_source *source)
{
  json_t *now = subject (place, name, source);
  json_t *note = NULL;
  struct buffer text;
  bool out_of_memory;

  buffer_init (&text, NOTE_MAX_BYTES);
  if (small_file_read (&text, path))
    note = json_read (&out_of_memory, buffer_slice (&text));
  buffer_free (&text);
  *id = json_string_value (json_object_get (note, "upload_id"));
  *part_bytes = (uint64_t)answer_int64 (note, "part_bytes");
  *fits = NULL != now && json_equal (now, json_object_get (note, "of")) && answer_int64 (note, "part_bytes") > 0;
  json_decref (now);
  if (NULL != *id)
    return note;
  json_decref (note);
  return NULL;
}

void
upload_note_remove (const char *path)
{
  unlink (path);
}
