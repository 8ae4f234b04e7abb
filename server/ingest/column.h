/* A column of 64-bit integers in few bytes: one of the parts of a chunk.

   DESIGN: a column that only counts up (or stays) is a start and a stride. Any other is cut into blocks of
   COLUMN_BLOCK numbers, or of the differences of neighbours where those take less. A block is stored as what each
   number lies above the least (or below the greatest) of its block, in as many bits as pays for most; the few that
   need more keep their upper bits apart, with their places. All arithmetic wraps around at 64 bits.

   Format of a column of `count` numbers, whose count is known from elsewhere:
     1 byte  mode: 0 stride, 1 numbers, 2 differences
     modes 0 and 2: varint zigzag (first number)
     mode 0 and count > 1: varint zigzag (stride)
     mode 1: blocks of the `count` numbers; mode 2: blocks of the `count` - 1 differences from the number before
   A block of n numbers (COLUMN_BLOCK, the last one the rest):
     1 byte  0xFF: n numbers of 8 bytes follow, and nothing else
             else the width in bits (0 to 63), + 0x40 with exceptions, + 0x80 when counted down from the greatest
     varint  zigzag (base - base of the block before): the least, or the greatest; the first base is less 0
     with exceptions: 1 byte their number e, 1 byte the width of their upper bits
     ceil (n * width / 8) bytes: the lower bits of |number - base|, from the lowest bit of the first byte up
     with exceptions: e bytes of places in the block, ceil (e * upper width / 8) bytes of upper bits */
#ifndef INGEST_COLUMN_H
#define INGEST_COLUMN_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers in a block: a place fits a byte, and a base is worth little next to so many. */
#define COLUMN_BLOCK ((size_t)128)
/* The longest column, so that a plan has a known size. */
#define COLUMN_MAX ((size_t)4096)

/* How a block is going to be stored. */
struct column_block
{
  uint64_t base; /* as stored; the complement of the greatest when `down` */
  uint8_t width;
  uint8_t exceptions;
  uint8_t upper_width;
  bool down;
};

/* How a column is going to be stored, and the bytes that takes. */
struct column_plan
{
  size_t bytes;
  uint8_t mode;
  struct column_block blocks[COLUMN_MAX / COLUMN_BLOCK];
};

/* Find the shortest form for 1 to COLUMN_MAX numbers. Cannot fail. Thread-safe, as are all functions here. */
void column_plan (struct column_plan *plan, const uint64_t *numbers, size_t count);

/* Append the numbers that `plan` was made for: plan->bytes bytes. False when the buffer failed. */
bool column_write (struct buffer *out, const struct column_plan *plan, const uint64_t *numbers, size_t count);

/* Read a column of 1 to COLUMN_MAX numbers at `*next`, which is moved behind it. False when damaged, with `numbers`
   undefined. Nothing at or behind `end` is read. */
bool column_read (uint64_t *numbers, size_t count, const unsigned char **next, const unsigned char *end);

#endif
