/* The packed form of metric points in metric_tail.points.

   Format, version 2: one byte 2, then points until the last four bytes, then the CRC-32C of everything before them,
   little-endian. A point is
     varint  head = zigzag (key_id - previous key_id) * 4 + is_single * 2 + has_context
     varint  zigzag (step - previous step)                both wrap around at 64 bits,
     varint  zigzag (timestamp_ms - previous timestamp)   the first point's previous values are 0
     value   little-endian IEEE 754: 4 bytes with is_single, which is set when they hold every bit of it; else 8
     and with has_context three strings, each a varint length and its bytes:
             model id (empty: none), data set name (empty: none), data set digest
   Varints are those of ingest/varint.h.

   Version 1, which is still read: one byte 1, then points until the end, without check sum; head is
   zigzag (key_id - previous key_id) * 2 + has_context, and every value has 8 bytes. */
#ifndef INGEST_PACK_H
#define INGEST_PACK_H

#include "base/buffer.h"
#include "ingest/point.h"

#include <stdbool.h>

struct pack_writer
{
  struct buffer *out;
  size_t start; /* where in `out` the packed value begins */
  uint32_t key_id;
  int64_t step;
  int64_t timestamp_ms;
};

/* Begin a packed value at the end of `out`. */
void pack_start (struct pack_writer *writer, struct buffer *out);

/* Append one point, whose key_id is set; `context` may be NULL. Failure stays in the buffer. */
void pack_point (struct pack_writer *writer, const struct metric_point *point, const struct metric_context *context);

/* Close the packed value with its check sum; nothing can be added to it afterwards. Failure stays in the buffer. */
void pack_finish (struct pack_writer *writer);

struct pack_reader
{
  const unsigned char *next;
  const unsigned char *end;
  uint32_t key_id;
  int64_t step;
  int64_t timestamp_ms;
  unsigned version;
  bool failed;
};

/* Begin to read; an unknown version, a wrong check sum and damage of version 1 that shows fail at once. */
void pack_open (struct pack_reader *reader, struct slice packed);

/* The next point and its context, whose texts are borrowed from the packed bytes; false at the end or when the bytes
   are damaged, then reader->failed is set. */
bool pack_next (struct pack_reader *reader, struct metric_point *point, struct metric_context *context);

#endif
