/* Frames: length, check sum and payload, as all files of a stream are made of; and reading them without trust. */
#ifndef CLIENT_SPOOL_FRAME_H
#define CLIENT_SPOOL_FRAME_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdint.h>
#include <sys/types.h>

/* Before each payload: its length and the CRC-32C of that length and the payload, 4 bytes each. */
#define FRAME_HEAD_BYTES ((size_t)8)

/* Longest payload: the longest record is a data set with a profile of 16 MiB (MLflow's limit). */
#define FRAME_MAX_BYTES ((size_t)32 << 20)

/* Begin a frame; its payload is then appended to `out`. Returns where it begins. */
size_t frame_begin (struct buffer *out);
/* End it. False when the buffer has failed or the payload is empty or too long. */
bool frame_end (struct buffer *out, size_t begin);

enum frame_verdict
{
  FRAME_GOOD,
  FRAME_NONE, /* the end */
  FRAME_TORN, /* what a write leaves that was cut off: less than a frame, or zeros, up to the end */
  FRAME_DAMAGED, /* anything else that is no frame */
  FRAME_FAILED, /* the file cannot be read: errno */
  FRAME_NO_MEMORY
};

/* Up to `bytes` at `offset`; 0: the end; negative: errno tells why not. */
typedef ssize_t frame_source (void *payload, void *into, size_t bytes, uint64_t offset);

struct frame_reader
{
  frame_source *source;
  void *payload;
  uint64_t offset; /* of the next frame */
  struct buffer buffer; /* what was read, from `buffer_offset` on */
  uint64_t buffer_offset;
};

void frame_reader_init (struct frame_reader *reader, frame_source *source, void *payload);
void frame_reader_free (struct frame_reader *reader);

/* Go to another place, perhaps of another file. */
void frame_reader_seek (struct frame_reader *reader, uint64_t offset);

/* The payload of the next frame of a file that ends at `end`; borrowed until the next call. `offset` moves behind a
   good one only. */
enum frame_verdict frame_next (struct slice *payload, struct frame_reader *reader, uint64_t end);

/* `bytes` at the reader's place, without a frame around them, as frame_next. TORN when the file ends before. */
enum frame_verdict frame_raw (struct slice *raw, struct frame_reader *reader, size_t bytes, uint64_t end);

/* frame_source of a file; `payload` is an int. */
ssize_t frame_from_file (void *payload, void *into, size_t bytes, uint64_t offset);

/* Write all at this place; on failure errno tells why and less may have been written. */
bool frame_write (int file, const void *data, size_t bytes, uint64_t offset);

#endif
