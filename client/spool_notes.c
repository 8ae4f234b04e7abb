/* Notes of a stream: what senders must know after a restart. A log of changes, rewritten when it has grown. */
#include "spool_inside.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTES_NAME "notes"
#define NOTES_NEW_NAME "notes.new"
#define NOTES_DAMAGED_NAME "notes.damaged"

/* First byte of a payload. Kinds of later versions are passed over. */
#define NOTE_ACK 1 /* entry (varint) */
#define NOTE_VALUE 2 /* length of the key (varint), key, value */
#define NOTE_PASS 3 /* entry, how many are left behind before it (varints), the runs that they are of */

/* Rewritten from this size on, when this many times longer than it must be. */
#define REWRITE_BYTES 65536
#define REWRITE_FACTOR 4

/* Most of `notes` that is read or written: a million runs. */
#define NOTES_MAX_BYTES ((size_t)256 << 20)

/* --- in memory --- */

/* Room for one more value beside its key; also for the value that it may replace. */
static bool
grow (struct spool_notes *notes)
{
  uint32_t room = 0 == notes->room ? 16 : 2 * notes->room;
  char **values;

  if (notes->keys.count == notes->room)
  {
    values = realloc (notes->values, room * sizeof (*values));
    if (NULL == values)
      return false;
    notes->values = values;
    notes->room = room;
  }
  values = realloc (notes->old_values, (notes->old_count + (size_t)1) * sizeof (*values));
  if (NULL == values)
    return false;
  notes->old_values = values;
  return true;
}

static bool
set_value (struct spool_notes *notes, struct slice key, struct slice value)
{
  uint32_t index = dictionary_find (&notes->keys, key);
  char *copy;

  if (! grow (notes))
    return false;
  copy = strndup (slice_filled (value) ? value.data : "", value.len);
  if (NULL == copy)
    return false;
  /* A file may hold a NUL. */
  value.len = strlen (copy);
  if (DICTIONARY_NONE == index)
    index = dictionary_add (&notes->keys, key);
  else
  {
    notes->live_bytes -= strlen (notes->values[index]);
    notes->live_bytes -= FRAME_HEAD_BYTES + key.len;
    notes->old_values[notes->old_count++] = notes->values[index];
  }
  if (DICTIONARY_NONE == index)
  {
    free (copy);
    return false;
  }
  notes->values[index] = copy;
  notes->live_bytes += FRAME_HEAD_BYTES + key.len + value.len;
  return true;
}

void
notes_free (struct spool *spool)
{
  struct spool_notes *notes = &spool->notes;

  if (notes->file >= 0)
    close (notes->file);
  for (uint32_t i = 0; i < notes->keys.count; i++)
    free (notes->values[i]);
  for (uint32_t i = 0; i < notes->old_count; i++)
    free (notes->old_values[i]);
  free (notes->values);
  free (notes->old_values);
  dictionary_clear (&notes->keys);
}

/* --- on disk --- */

static bool
put_ack (struct buffer *out, uint64_t entry)
{
  size_t begin = frame_begin (out);

  buffer_byte (out, NOTE_ACK);
  varint_put (out, entry);
  return frame_end (out, begin);
}

static bool
put_pass (struct buffer *out, const struct spool_notes *notes)
{
  size_t begin = frame_begin (out);

  buffer_byte (out, NOTE_PASS);
  varint_put (out, notes->passed);
  varint_put (out, notes->left_entries);
  buffer_append (out, notes->left, notes->left_count * sizeof (notes->left[0]));
  return frame_end (out, begin);
}

static bool
put_note (struct buffer *out, struct slice key, struct slice value)
{
  size_t begin = frame_begin (out);

  buffer_byte (out, NOTE_VALUE);
  varint_put (out, key.len);
  buffer_append (out, key.data, key.len);
  buffer_append (out, value.data, value.len);
  return frame_end (out, begin);
}

/* Write all notes anew and put them in place of the old file. */
static bool
rewrite (struct spool *spool)
{
  struct spool_notes *notes = &spool->notes;
  struct buffer out;
  int file = -1;
  bool ok;

  buffer_init (&out, NOTES_MAX_BYTES);
  ok = put_ack (&out, spool_acked (spool)) && (notes->passed <= spool_acked (spool) || put_pass (&out, notes));
  for (uint32_t i = 0; i < notes->keys.count && ok; i++)
    ok = put_note (&out, notes->keys.texts[i], slice_of (notes->values[i]));
  if (ok)
    file = openat (spool->folder_file, NOTES_NEW_NAME, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  else
    errno = ENOMEM;
  /* Before the new file takes the place of the old one it must be whole, also on the disk. */
  ok = file >= 0 && frame_write (file, out.data, out.len, 0) && 0 == fdatasync (file)
       && 0 == renameat (spool->folder_file, NOTES_NEW_NAME, spool->folder_file, NOTES_NAME);
  notes->rewrite = ! ok;
  if (ok)
  {
    if (notes->file >= 0)
      close (notes->file);
    notes->file = file;
    notes->bytes = out.len;
  }
  else if (file >= 0)
    close (file);
  buffer_free (&out);
  return ok;
}

/* Append a frame, or rewrite the file. */
static bool
append (struct spool *spool, const struct buffer *frame)
{
  struct spool_notes *notes = &spool->notes;

  if (notes->file < 0 || notes->rewrite
      || (notes->bytes > REWRITE_BYTES && notes->bytes > REWRITE_FACTOR * notes->live_bytes))
    return rewrite (spool);
  if (! frame_write (notes->file, frame->data, frame->len, notes->bytes))
  {
    notes->rewrite = true;
    return false;
  }
  notes->bytes += frame->len;
  return true;
}

void
notes_ack (struct spool *spool)
{
  struct buffer frame;

  if (NULL == spool->folder)
    return;
  buffer_init (&frame, NOTES_MAX_BYTES);
  pthread_mutex_lock (&spool->notes.lock);
  if (put_ack (&frame, spool_acked (spool)))
    append (spool, &frame);
  pthread_mutex_unlock (&spool->notes.lock);
  buffer_free (&frame);
}

void
notes_pass (struct spool *spool, uint64_t entry, uint64_t left_entries, const struct run_key *left, size_t count)
{
  struct spool_notes *notes = &spool->notes;
  struct buffer frame;

  /* What was noted before reaches further: all that comes up to there is of runs that it leaves behind. */
  if (entry < notes->passed)
    return;
  buffer_init (&frame, NOTES_MAX_BYTES);
  pthread_mutex_lock (&notes->lock);
  notes->passed = entry;
  notes->left_entries = left_entries;
  memcpy (notes->left, left, count * sizeof (*left));
  notes->left_count = count;
  if (NULL != spool->folder && put_pass (&frame, notes))
    append (spool, &frame);
  pthread_mutex_unlock (&notes->lock);
  buffer_free (&frame);
}

enum tally_code
spool_note (struct spool *spool, const char *key, const char *value, bool durable, struct tally_error *err)
{
  struct spool_notes *notes = &spool->notes;
  enum tally_code code = TALLY_OK;
  struct buffer frame;

  buffer_init (&frame, NOTES_MAX_BYTES);
  pthread_mutex_lock (&notes->lock);
  if (! set_value (notes, slice_of (key), slice_of (value)) || ! put_note (&frame, slice_of (key), slice_of (value)))
    code = error_memory (err);
  else if (NULL != spool->folder && (! append (spool, &frame) || (durable && 0 != fdatasync (notes->file))))
    code = error_file (err, errno, "%s: cannot write the notes", spool->folder);
  pthread_mutex_unlock (&notes->lock);
  buffer_free (&frame);
  return code;
}

const char *
spool_noted (const struct spool *spool, const char *key)
{
  /* The lock is all that is changed. */
  struct spool_notes *notes = &((struct spool *)(uintptr_t)spool)->notes;
  const char *value;
  uint32_t index;

  pthread_mutex_lock (&notes->lock);
  index = dictionary_find (&notes->keys, slice_of (key));
  value = DICTIONARY_NONE == index ? NULL : notes->values[index];
  pthread_mutex_unlock (&notes->lock);
  return value;
}

/* --- reading --- */

static enum frame_verdict
take_pass (struct spool_notes *notes, uint64_t entry, struct slice runs)
{
  uint64_t left_entries;
  bool ok = varint_get (&left_entries, &runs);
  size_t count = runs.len / sizeof (notes->left[0]);

  if (! ok || left_entries > entry || 0 != runs.len % sizeof (notes->left[0]) || 0 == count || count > SPOOL_MAX_LEFT)
    return FRAME_DAMAGED;
  notes->passed = entry;
  notes->left_entries = left_entries;
  notes->left_count = count;
  memcpy (notes->left, runs.data, runs.len);
  return FRAME_GOOD;
}

static enum frame_verdict
take (struct spool *spool, struct slice payload)
{
  char kind = payload.data[0];
  uint64_t number;
  struct slice rest = { payload.data + 1, payload.len - 1 };

  if (NOTE_ACK != kind && NOTE_VALUE != kind && NOTE_PASS != kind)
    return FRAME_GOOD;
  if (! varint_get (&number, &rest) || (NOTE_VALUE == kind && number > rest.len))
    return FRAME_DAMAGED;
  if (NOTE_VALUE == kind)
    return set_value (&spool->notes, (struct slice){ rest.data, number },
                      (struct slice){ rest.data + number, rest.len - number })
               ? FRAME_GOOD
               : FRAME_NO_MEMORY;
  if (NOTE_PASS == kind)
    return take_pass (&spool->notes, number, rest);
  if (number > spool_acked (spool))
    atomic_store (&spool->acked, number);
  return FRAME_GOOD;
}

enum tally_code
notes_open (struct spool *spool, uint64_t *torn_bytes, struct tally_error *err)
{
  struct spool_notes *notes = &spool->notes;
  enum frame_verdict verdict = FRAME_GOOD;
  struct frame_reader reader;
  struct slice payload;
  struct stat status;

  notes->file = openat (spool->folder_file, NOTES_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (notes->file < 0)
    return ENOENT == errno ? TALLY_OK : error_file (err, errno, "%s/%s", spool->folder, NOTES_NAME);
  if (0 != fstat (notes->file, &status))
    return error_file (err, errno, "%s/%s", spool->folder, NOTES_NAME);
  frame_reader_init (&reader, frame_from_file, &notes->file);
  while (FRAME_GOOD == verdict)
  {
    notes->bytes = reader.offset;
    verdict = frame_next (&payload, &reader, (uint64_t)status.st_size);
    if (FRAME_GOOD == verdict)
      verdict = take (spool, payload);
  }
  frame_reader_free (&reader);
  if (FRAME_NO_MEMORY == verdict)
    return error_memory (err);
  if (FRAME_FAILED == verdict)
    return error_file (err, errno, "%s/%s", spool->folder, NOTES_NAME);
  if (FRAME_TORN == verdict)
  {
    *torn_bytes += (uint64_t)status.st_size - notes->bytes;
    /* When it cannot be cut it is written anew. */
    notes->rewrite = 0 != ftruncate (notes->file, (off_t)notes->bytes);
  }
  if (FRAME_DAMAGED == verdict)
  {
    /* Notes behind the damage are lost: senders then ask the server again. */
    atomic_fetch_add (&spool->damaged_bytes, (uint64_t)status.st_size - notes->bytes);
    renameat (spool->folder_file, NOTES_NAME, spool->folder_file, NOTES_DAMAGED_NAME);
    notes->rewrite = true;
  }
  return TALLY_OK;
}
