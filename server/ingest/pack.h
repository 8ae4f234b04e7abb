/* The packed form of metric points in metric_tail.points.

   Format, version 1: one byte 1, then points until the end. A point is
     varint  head = zigzag (key_id - previous key_id) * 2 + has_context
     varint  zigzag (step - previous step)                both wrap around at 64 bits,
     varint  zigzag (timestamp_ms - previous timestamp)   the first point's previous values are 0
     8 bytes value, little-endian IEEE 754
     and with has_context three strings, each a varint length and its bytes:
             model id (empty: none), data set name (empty: none), data set digest
   varint is base 128, least significant group first, as in protocol buffers. */
#ifndef INGEST_PACK_H
#define INGEST_PACK_H

#include "base/buffer.h"
#include "ingest/point.h"

#include <stdbool.h>

struct pack_writer
{
  struct buffer *out;
  uint32_t key_id;
  int64_t step;
  int64_t timestamp_ms;
};

/* Begin a packed value at the end of `out`. */
void pack_start (struct pack_writer *writer, struct buffer *out);

/* Append one point, whose key_id is set; `context` may be NULL. Failure stays in the buffer. */
void pack_point (struct pack_writer *writer, const struct metric_point *point, const struct metric_context *context);

struct pack_reader
{
  const unsigned char *next;
  const unsigned char *end;
  uint32_t key_id;
  int64_t step;
  int64_t timestamp_ms;
  bool failed;
};

/* Begin to read; an unknown version fails at once. */
void pack_open (struct pack_reader *reader, struct slice packed);

/* The next point and its context, whose texts are borrowed from the packed bytes; false at the end or when the bytes
   are damaged, then reader->failed is set. */
bool pack_next (struct pack_reader *reader, struct metric_point *point, struct metric_context *context);

#endif
