/* Segments: written by the writer's thread, to the disk while it takes them, else to memory; removed by the sender's.
 */
#include "spool_inside.h"

#include "error.h"
#include "fixed.h"

#include "base/clock.h"
#include "base/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Pause before a disk that refused is tried again. */
#define RETRY_MS 1000

#define NO_DISK "There is no spool on disk."

void
segment_name (char name[SEGMENT_NAME_BYTES], uint64_t number)
{
  snprintf (name, SEGMENT_NAME_BYTES, "%" PRIu64 ".segment", number);
}

void
segment_head_write (unsigned char head[SEGMENT_HEAD_BYTES], const struct segment *segment)
{
  memset (head, 0, SEGMENT_HEAD_BYTES);
  memcpy (head, SEGMENT_MAGIC, 8);
  fixed32_put (head + 8, SPOOL_FORMAT);
  fixed64_put (head + 16, segment->number);
  fixed64_put (head + 24, segment->first_entry);
  fixed32_put (head + 32, crc32c (head, 32));
}

bool
segment_head_read (uint64_t *number, uint64_t *first_entry, uint32_t *format, const void *head)
{
  const unsigned char *bytes = head;

  *format = 0;
  if (0 != memcmp (bytes, SEGMENT_MAGIC, 8) || fixed32_get (bytes + 32) != crc32c (bytes, 32))
    return false;
  *format = fixed32_get (bytes + 8);
  *number = fixed64_get (bytes + 16);
  *first_entry = fixed64_get (bytes + 24);
  return SPOOL_FORMAT == *format;
}

/* --- the list --- */

static struct segment *
segment_new (uint64_t number, uint64_t first_entry)
{
  struct segment *segment = calloc (1, sizeof (*segment));

  if (NULL == segment)
    return NULL;
  segment->number = number;
  segment->first_entry = first_entry;
  segment->last_entry = first_entry - 1;
  return segment;
}

static void
link_segment (struct spool *spool, struct segment *segment)
{
  if (NULL == spool->last_segment)
    spool->first = segment;
  else
    spool->last_segment->next = segment;
  spool->last_segment = segment;
}

struct segment *
segment_add (struct spool *spool, uint64_t number, uint64_t first_entry)
{
  struct segment *segment = segment_new (number, first_entry);

  if (NULL != segment)
    link_segment (spool, segment);
  return segment;
}

/* Nothing more goes into the last segment. */
static void
close_segment (struct spool *spool)
{
  pthread_mutex_lock (&spool->lock);
  if (NULL != spool->last_segment)
    spool->last_segment->closed = true;
  pthread_mutex_unlock (&spool->lock);
  if (spool->writer.file < 0)
    return;
  if (FSYNC_NONE != spool->fsync && 0 != fdatasync (spool->writer.file))
    spool->writer.force_failed = true;
  close (spool->writer.file);
  spool->writer.file = -1;
}

/* The last segment, when it is open and lies where it is wanted; else NULL, and it is closed. */
static struct segment *
current (struct spool *spool, bool in_memory)
{
  struct segment *segment;
  bool usable;

  pthread_mutex_lock (&spool->lock);
  segment = spool->last_segment;
  usable = NULL != segment && ! segment->closed && ! segment->damaged && in_memory == (NULL != segment->memory);
  pthread_mutex_unlock (&spool->lock);
  if (usable)
    return segment;
  close_segment (spool);
  return NULL;
}

/* Segments in memory that the disk has not. */
static struct segment *
first_in_memory (struct spool *spool)
{
  struct segment *segment;

  pthread_mutex_lock (&spool->lock);
  segment = spool->first;
  while (NULL != segment && NULL == segment->memory)
    segment = segment->next;
  if (NULL != segment)
  {
    segment->writing = true;
    segment->closed = true;
  }
  pthread_mutex_unlock (&spool->lock);
  return segment;
}

static bool
has_memory (struct spool *spool)
{
  struct segment *segment;

  pthread_mutex_lock (&spool->lock);
  segment = spool->first;
  while (NULL != segment && NULL == segment->memory)
    segment = segment->next;
  pthread_mutex_unlock (&spool->lock);
  return NULL != segment;
}

/* --- writing --- */

static bool
disk_failed (struct spool *spool, int number, const char *what)
{
  error_file (&spool->writer.failure, number, "%s: %s", spool->folder, what);
  spool->writer.retry_at_ms = clock_monotonic_ms () + RETRY_MS;
  return false;
}

static bool
fits_disk (struct spool *spool, uint64_t bytes)
{
  uint64_t used = spool_disk_bytes (spool);

  if (0 == used || used + bytes <= spool->max_bytes)
    return true;
  error_set (&spool->writer.failure, TALLY_ERROR_FILE, "%s: the spool has %" PRIu64 " bytes, the limit of spool-bytes.",
             spool->folder, used);
  spool->writer.retry_at_ms = clock_monotonic_ms () + RETRY_MS;
  return false;
}

static int
make_file (const struct spool *spool, const struct segment *segment)
{
  char name[SEGMENT_NAME_BYTES];

  segment_name (name, segment->number);
  return openat (spool->folder_file, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
}

static void
unlink_segment (const struct spool *spool, const struct segment *segment)
{
  char name[SEGMENT_NAME_BYTES];

  segment_name (name, segment->number);
  unlinkat (spool->folder_file, name, 0);
}

/* Most entries of one frame. */
static bool
encode_record (struct spool_writer *writer, const struct record *record)
{
  struct record part = *record;
  bool points = RECORD_POINTS == record->kind;
  size_t left = points ? record->points.count : 1;

  while (left > 0)
  {
    size_t begin = frame_begin (&writer->out);

    if (points)
      part.points.count = left < RECORD_MAX_POINTS ? left : RECORD_MAX_POINTS;
    if (! record_encode (&writer->out, &writer->context, &part) || ! frame_end (&writer->out, begin))
      return false;
    left -= points ? part.points.count : 1;
    if (points)
      part.points.items += part.points.count;
  }
  return true;
}

/* Fill `out`, with the head of a new segment. Failing, the segment's context is of no more use. */
static bool
encode (struct spool *spool, const struct segment *fresh, const struct record *records, size_t count)
{
  struct spool_writer *writer = &spool->writer;
  unsigned char head[SEGMENT_HEAD_BYTES];

  buffer_clear (&writer->out);
  if (NULL != fresh)
  {
    record_context_clear (&writer->context);
    segment_head_write (head, fresh);
    buffer_append (&writer->out, head, sizeof (head));
  }
  for (size_t i = 0; i < count; i++)
    if (! encode_record (writer, &records[i]))
      return false;
  return ! writer->out.failed;
}

static uint64_t
count_entries (const struct record *records, size_t count)
{
  uint64_t entries = 0;

  for (size_t i = 0; i < count; i++)
    entries += record_entries (&records[i]);
  return entries;
}

/* Show the reader what was appended. */
static void
publish (struct spool *spool, struct segment *segment, bool fresh, uint64_t entries)
{
  pthread_mutex_lock (&spool->lock);
  if (fresh)
    link_segment (spool, segment);
  segment->bytes += spool->writer.out.len;
  segment->last_entry += entries;
  atomic_store (&spool->last, segment->last_entry);
  pthread_mutex_unlock (&spool->lock);
}

/* The memory of a large write is not kept. */
static void
shrink (struct spool_writer *writer)
{
  if (writer->out.capacity > 4 * SEGMENT_MEMORY_BYTES)
    buffer_free (&writer->out);
}

/* False: the disk did not take it, and is as before. */
static bool
append_to_disk (struct spool *spool, const struct record *records, size_t count)
{
  struct spool_writer *writer = &spool->writer;
  struct segment *segment = current (spool, false);
  bool fresh = NULL == segment;
  bool ok = true;

  if (fresh)
  {
    segment = segment_new (spool->next_number, spool_last (spool) + 1);
    if (NULL == segment)
      return disk_failed (spool, ENOMEM, "");
    spool->next_number++;
    writer->file = make_file (spool, segment);
    if (writer->file < 0)
    {
      free (segment);
      return disk_failed (spool, errno, "cannot make a segment");
    }
    writer->folder_unforced = true;
  }
  if (! encode (spool, fresh ? segment : NULL, records, count))
    ok = disk_failed (spool, ENOMEM, "");
  else if (! fits_disk (spool, writer->out.len))
    ok = false;
  else if (! frame_write (writer->file, writer->out.data, writer->out.len, segment->bytes))
    ok = disk_failed (spool, errno, "cannot write a segment");
  if (ok)
  {
    atomic_fetch_add (&spool->disk_bytes, writer->out.len);
    publish (spool, segment, fresh, count_entries (records, count));
  }
  else if (fresh)
    unlink_segment (spool, segment);
  else if (0 != ftruncate (writer->file, (off_t)segment->bytes))
    writer->force_failed = true; /* a torn end, which readers leave out */
  if (! ok || segment->bytes >= spool->segment_bytes)
    close_segment (spool);
  if (! ok && fresh)
    free (segment);
  return ok;
}

/* False: no room. */
static bool
append_to_memory (struct spool *spool, const struct record *records, size_t count)
{
  struct spool_writer *writer = &spool->writer;
  struct segment *segment = current (spool, true);
  bool fresh = NULL == segment;
  uint64_t used = spool_memory_bytes (spool);
  char *memory = NULL;

  if (fresh)
  {
    segment = segment_new (spool->next_number, spool_last (spool) + 1);
    if (NULL == segment)
      return false;
    spool->next_number++;
  }
  if (encode (spool, fresh ? segment : NULL, records, count)
      && (0 == used || used + writer->out.len <= spool->max_memory_bytes))
  {
    /* The reader copies from it under the lock. */
    pthread_mutex_lock (&spool->lock);
    memory = realloc (segment->memory, segment->bytes + writer->out.len);
    if (NULL != memory)
    {
      memcpy (memory + segment->bytes, writer->out.data, writer->out.len);
      segment->memory = memory;
    }
    pthread_mutex_unlock (&spool->lock);
  }
  if (NULL != memory)
  {
    atomic_fetch_add (&spool->memory_bytes, writer->out.len);
    publish (spool, segment, fresh, count_entries (records, count));
  }
  if (NULL == memory || segment->bytes >= spool->segment_memory_bytes)
    close_segment (spool);
  if (NULL == memory && fresh)
    free (segment);
  return NULL != memory;
}

/* Write one segment out of memory. */
static bool
save_segment (struct spool *spool, struct segment *segment)
{
  int file = -1;
  bool ok = fits_disk (spool, segment->bytes);

  if (ok)
  {
    file = make_file (spool, segment);
    spool->writer.folder_unforced = true;
    ok = file >= 0 && frame_write (file, segment->memory, segment->bytes, 0)
         && (FSYNC_NONE == spool->fsync || 0 == fdatasync (file));
    if (! ok)
      disk_failed (spool, errno, "cannot write a segment");
    if (file >= 0 && 0 != close (file) && ok)
      ok = disk_failed (spool, errno, "cannot write a segment");
    if (file >= 0 && ! ok)
      unlink_segment (spool, segment);
  }
  pthread_mutex_lock (&spool->lock);
  segment->writing = false;
  if (ok)
  {
    free (segment->memory);
    segment->memory = NULL;
    atomic_fetch_sub (&spool->memory_bytes, segment->bytes);
    atomic_fetch_add (&spool->disk_bytes, segment->bytes);
  }
  pthread_mutex_unlock (&spool->lock);
  return ok;
}

bool
segments_save (struct spool *spool)
{
  struct segment *segment;

  if (NULL == spool->folder)
    return false;
  while (NULL != (segment = first_in_memory (spool)))
    if (! save_segment (spool, segment))
      return false;
  return true;
}

enum tally_code
spool_append (struct spool *spool, const struct record *records, size_t count, struct tally_error *err)
{
  struct spool_writer *writer = &spool->writer;
  bool disk = NULL != spool->folder;

  /* What is in memory comes first. */
  if (disk && has_memory (spool))
    disk = clock_monotonic_ms () >= writer->retry_at_ms && segments_save (spool);
  disk = disk && append_to_disk (spool, records, count);
  if (! disk && ! append_to_memory (spool, records, count))
    return error_set (err, TALLY_ERROR_FULL, "The memory of %" PRIu64 " bytes is full. %s", spool->max_memory_bytes,
                      writer->failure.message);
  shrink (writer);
  if (disk)
    return TALLY_OK;
  if (NULL == spool->folder)
    return error_set (err, TALLY_ERROR_FILE, NO_DISK);
  if (NULL != err)
    *err = writer->failure;
  return writer->failure.code;
}

enum tally_code
spool_settle (struct spool *spool, struct tally_error *err)
{
  struct spool_writer *writer = &spool->writer;

  if (NULL == spool->folder)
    return error_set (err, TALLY_ERROR_FILE, NO_DISK);
  if (! has_memory (spool) || (clock_monotonic_ms () >= writer->retry_at_ms && segments_save (spool)))
    return TALLY_OK;
  if (NULL != err)
    *err = writer->failure;
  return writer->failure.code;
}

enum tally_code
spool_save (struct spool *spool, struct tally_error *err)
{
  spool->writer.retry_at_ms = 0;
  return spool_settle (spool, err);
}

enum tally_code
spool_force (struct spool *spool, struct tally_error *err)
{
  struct spool_writer *writer = &spool->writer;
  bool failed = writer->force_failed;
  enum tally_code code = spool_settle (spool, err);

  if (TALLY_OK != code)
    return code;
  writer->force_failed = false;
  if (failed || (writer->file >= 0 && 0 != fdatasync (writer->file)))
    return error_file (err, failed ? EIO : errno, "%s: cannot force a segment to the disk", spool->folder);
  /* Not every file system can force a folder. */
  if (writer->folder_unforced && 0 != fsync (spool->folder_file) && EINVAL != errno)
    return error_file (err, errno, "%s: cannot force the folder to the disk", spool->folder);
  writer->folder_unforced = false;
  return TALLY_OK;
}

/* --- removing --- */

static void
remove_segment (struct spool *spool, struct segment *segment)
{
  char name[SEGMENT_NAME_BYTES];
  char kept[SEGMENT_NAME_BYTES];

  segment_name (name, segment->number);
  if (NULL != segment->memory)
    atomic_fetch_sub (&spool->memory_bytes, segment->bytes);
  else
  {
    atomic_fetch_sub (&spool->disk_bytes, segment->bytes);
    snprintf (kept, sizeof (kept), "%" PRIu64 ".damaged", segment->number);
    /* What cannot be removed is found acknowledged by the next one that takes the stream over. */
    if (segment->damaged || segment->kept)
      renameat (spool->folder_file, name, spool->folder_file, kept);
    else
      unlinkat (spool->folder_file, name, 0);
  }
  free (segment->memory);
  free (segment);
}

/* Take one segment out of the list, or NULL. */
static struct segment *
take_done (struct spool *spool)
{
  struct segment *segment;

  pthread_mutex_lock (&spool->lock);
  segment = spool->first;
  if (NULL != segment && (! segment->closed || segment->writing || segment->last_entry > spool_acked (spool)))
    segment = NULL;
  if (NULL != segment)
  {
    spool->first = segment->next;
    if (NULL == spool->first)
      spool->last_segment = NULL;
  }
  pthread_mutex_unlock (&spool->lock);
  return segment;
}

void
segments_sweep (struct spool *spool)
{
  struct segment *segment;

  while (NULL != (segment = take_done (spool)))
  {
    if (segment == spool->reader.segment)
      reader_leave (spool);
    remove_segment (spool, segment);
  }
}
