/* The packed form of up to 4096 points of one series (metric_chunk.points, metric_series.recent), and what is told of
   such points without them (metric_chunk.summary).

   Format of a chunk, version 1:
     1 byte  version
     varint  number of points
     column  steps              columns as in ingest/column.h
     column  timestamps
     values                     as in ingest/value_column.h
     4 bytes CRC-32C of everything before, little-endian

   Format of a summary, version 1: 1 byte version, varint number of points, a block for every CHUNK_BLOCK_POINTS of
   them, 4 bytes CRC-32C as above. A block, in which (a, b) is varint zigzag (a - b) with wrap-around at 64 bits: 1 byte
   flags: 1 constant stride, 2 timestamps ascend, 4 has NaN, 8 values are 4-byte floats,
             + 16 * where the least is + 64 * where the greatest is (0 elsewhere, 1 first, 2 last, 3 nowhere: all NaN)
     with NaN: varint their number
     (first step, last step of the block before, or 0), (first timestamp, last timestamp of the block before, or 0)
     with more than one point:
       with stride: varint stride, else (last step, first step)
       (last timestamp, first timestamp)
       unless timestamps ascend: varint first - least timestamp, varint greatest - first timestamp
     for least and greatest, where elsewhere:
       (timestamp, first timestamp); with stride: varint place in the block, else (step, first step)
     values: first, last with more than one point, least and greatest where elsewhere; 4 or 8 bytes each, little-endian
 */
#ifndef INGEST_CHUNK_H
#define INGEST_CHUNK_H

#include "base/buffer.h"
#include "ingest/point.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many points compress as well as more would, and are unpacked in some 20 microseconds. */
#define CHUNK_MAX_POINTS 4096
/* Points that the summary describes together: fine enough for charts of the usual width, and the summary of 4-byte
   floats takes a twenty-fifth of what the points take. */
#define CHUNK_BLOCK_POINTS 256
#define CHUNK_BLOCKS_MAX (CHUNK_MAX_POINTS / CHUNK_BLOCK_POINTS)

/* Append the packed form of 1 to CHUNK_MAX_POINTS points.

   points: sorted by metric_point_compare_step, no two equal by it; their key_id is left out. Every bit of their values
   comes back. False when the buffer failed. Takes 40 KiB of stack. Thread-safe, as are all functions here. */
bool chunk_encode (struct buffer *out, const struct metric_point *points, size_t count);

/* Unpack a chunk.

   points: room for CHUNK_MAX_POINTS; key_id of each becomes `key_id`
   False when `data` is not exactly one undamaged chunk; `points` and `*count` are then undefined. Takes 50 KiB of
   stack. */
bool chunk_decode (struct metric_point *points, size_t *count, uint32_t key_id, struct slice data);

/* A run of up to CHUNK_BLOCK_POINTS neighbouring points of a chunk; the key_id of its points is 0. */
struct chunk_block
{
  struct metric_point first; /* by step, timestamp, value */
  struct metric_point last;
  struct metric_point least; /* by value, NaN left out; of equal values the first in order. Zeroed when all are NaN */
  struct metric_point greatest;
  uint32_t count;
  uint32_t nan_count;
  int64_t min_timestamp_ms;
  int64_t max_timestamp_ms;
  bool times_ascend; /* no timestamp is before that of the point before, within the block */
  int64_t stride; /* above 0: every step is the one before plus this; else 0, also for a block of one point */
};

/* Append the summary of 1 to CHUNK_MAX_POINTS points, sorted as for chunk_encode. False when the buffer failed. */
bool chunk_summary_encode (struct buffer *out, const struct metric_point *points, size_t count);

/* Read a summary.

   blocks: room for CHUNK_BLOCKS_MAX; `*count` becomes the number of them
   False when `data` is not exactly one undamaged summary; `blocks` and `*count` are then undefined. */
bool chunk_summary_decode (struct chunk_block *blocks, size_t *count, struct slice data);

#endif
