/* Frames of the files of a stream. */
#include "spool_frame.h"

#include "fixed.h"

#include "base/crc32c.h"

#include <errno.h>
#include <unistd.h>

/* Read at a time: some thousand points. */
#define READ_BYTES ((size_t)128 << 10)

/* Of a frame whose length is written already. */
static uint32_t
sum_of (const char *frame, size_t len)
{
  return crc32c (frame + FRAME_HEAD_BYTES, len) ^ crc32c (frame, sizeof (uint32_t));
}

size_t
frame_begin (struct buffer *out)
{
  static const char head[FRAME_HEAD_BYTES];
  size_t begin = out->len;

  buffer_append (out, head, sizeof (head));
  return begin;
}

bool
frame_end (struct buffer *out, size_t begin)
{
  size_t len = out->len - begin - FRAME_HEAD_BYTES;
  char *head;

  if (out->failed || 0 == len || len > FRAME_MAX_BYTES)
    return false;
  head = out->data + begin;
  fixed32_put (head, (uint32_t)len);
  fixed32_put (head + 4, sum_of (out->data + begin, len));
  return true;
}

void
frame_reader_init (struct frame_reader *reader, frame_source *source, void *payload)
{
  *reader = (struct frame_reader){ .source = source, .payload = payload };
  buffer_init (&reader->buffer, FRAME_HEAD_BYTES + FRAME_MAX_BYTES + READ_BYTES);
}

void
frame_reader_free (struct frame_reader *reader)
{
  buffer_free (&reader->buffer);
}

void
frame_reader_seek (struct frame_reader *reader, uint64_t offset)
{
  reader->offset = offset;
  reader->buffer_offset = offset;
  buffer_clear (&reader->buffer);
}

/* Drop what is behind the reader. */
static void
compact (struct frame_reader *reader)
{
  size_t passed = (size_t)(reader->offset - reader->buffer_offset);

  if (0 == passed)
    return;
  memmove (reader->buffer.data, reader->buffer.data + passed, reader->buffer.len - passed);
  reader->buffer.len -= passed;
  reader->buffer_offset = reader->offset;
}

/* Have `bytes` in the buffer, of which the file has enough. */
static enum frame_verdict
fill (struct frame_reader *reader, size_t bytes, uint64_t end)
{
  uint64_t left = end - reader->offset;
  size_t wanted = left < READ_BYTES ? (size_t)left : READ_BYTES;

  if (reader->buffer.len - (size_t)(reader->offset - reader->buffer_offset) >= bytes)
    return FRAME_GOOD;
  compact (reader);
  wanted = wanted < bytes ? bytes : wanted;
  if (! buffer_reserve (&reader->buffer, wanted - reader->buffer.len))
  {
    buffer_clear (&reader->buffer);
    return FRAME_NO_MEMORY;
  }
  while (reader->buffer.len < wanted)
  {
    ssize_t got = reader->source (reader->payload, reader->buffer.data + reader->buffer.len,
                                  wanted - reader->buffer.len, reader->offset + reader->buffer.len);

    if (got < 0)
      return FRAME_FAILED;
    if (0 == got)
      break;
    reader->buffer.len += (size_t)got;
  }
  return reader->buffer.len >= bytes ? FRAME_GOOD : FRAME_TORN;
}

static const char *
here (const struct frame_reader *reader)
{
  return reader->buffer.data + (reader->offset - reader->buffer_offset);
}

enum frame_verdict
frame_raw (struct slice *raw, struct frame_reader *reader, size_t bytes, uint64_t end)
{
  enum frame_verdict verdict = end - reader->offset < bytes ? FRAME_TORN : fill (reader, bytes, end);

  if (FRAME_GOOD != verdict)
    return verdict;
  *raw = (struct slice){ here (reader), bytes };
  reader->offset += bytes;
  return FRAME_GOOD;
}

/* Nothing but zeros up to the end: a file whose length reached the disk before its content. */
static enum frame_verdict
torn_or_damaged (const struct frame_reader *reader, uint64_t end)
{
  struct frame_reader rest = *reader;
  enum frame_verdict verdict = FRAME_TORN;

  buffer_init (&rest.buffer, 2 * READ_BYTES);
  frame_reader_seek (&rest, reader->offset);
  while (FRAME_TORN == verdict && rest.offset < end)
  {
    size_t bytes = end - rest.offset < READ_BYTES ? (size_t)(end - rest.offset) : READ_BYTES;
    struct slice raw;

    verdict = frame_raw (&raw, &rest, bytes, end);
    if (FRAME_GOOD != verdict)
      break;
    verdict = '\0' == raw.data[0] && 0 == memcmp (raw.data, raw.data + 1, raw.len - 1) ? FRAME_TORN : FRAME_DAMAGED;
  }
  buffer_free (&rest.buffer);
  return verdict;
}

enum frame_verdict
frame_next (struct slice *payload, struct frame_reader *reader, uint64_t end)
{
  uint64_t left = end - reader->offset;
  enum frame_verdict verdict;
  uint32_t len;

  if (0 == left)
    return FRAME_NONE;
  if (left < FRAME_HEAD_BYTES)
    return FRAME_TORN;
  verdict = fill (reader, FRAME_HEAD_BYTES, end);
  if (FRAME_GOOD != verdict)
    return verdict;
  len = fixed32_get (here (reader));
  if (0 == len || len > FRAME_MAX_BYTES)
    return torn_or_damaged (reader, end);
  if (len > left - FRAME_HEAD_BYTES)
    return FRAME_TORN;
  verdict = fill (reader, FRAME_HEAD_BYTES + len, end);
  if (FRAME_GOOD != verdict)
    return verdict;
  if (fixed32_get (here (reader) + 4) != sum_of (here (reader), len))
    return FRAME_HEAD_BYTES + len == left ? FRAME_TORN : torn_or_damaged (reader, end);
  *payload = (struct slice){ here (reader) + FRAME_HEAD_BYTES, len };
  reader->offset += FRAME_HEAD_BYTES + len;
  return FRAME_GOOD;
}

ssize_t
frame_from_file (void *payload, void *into, size_t bytes, uint64_t offset)
{
  const int *file = payload;
  ssize_t got;

  do
    got = pread (*file, into, bytes, (off_t)offset);
  while (got < 0 && EINTR == errno);
  return got;
}

bool
frame_write (int file, const void *data, size_t bytes, uint64_t offset)
{
  size_t done = 0;

  while (done < bytes)
  {
    ssize_t put = pwrite (file, (const char *)data + done, bytes - done, (off_t)(offset + done));

    if (put > 0)
      done += (size_t)put;
    else if (0 == put || EINTR != errno)
    {
      errno = 0 == put ? ENOSPC : errno;
      return false;
    }
  }
  return true;
}
