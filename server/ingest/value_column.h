/* The values of a chunk as an integer column, bit for bit.

   DESIGN: two ways turn doubles into integers that lie near each other, and the one that takes fewer bytes is used.
   As floats: the bits of the double without as many of its lowest as are 0 nearly everywhere (29 for what was a 4-byte
   float, 45 for a bfloat16), the sign taken out so that the integers have the order of the doubles. As decimals: k of
   value = k / 10^p, for what was rounded to p digits or counts something (p = 0). Values that do not fit are
   exceptions, kept whole in two columns of their own.

   Format:
     1 byte  the number of bits left out (0 to 52), or 0x40 + p (0 to 22); + 0x80 with exceptions
     column  the integers; in the place of an exception anything, which is replaced
     with exceptions: varint their number, column of their places (ascending), column of the bits of their doubles
   A float becomes (bits without sign) >> left out, and of that the complement when the sign is set. */
#ifndef INGEST_VALUE_COLUMN_H
#define INGEST_VALUE_COLUMN_H

#include "base/buffer.h"
#include "ingest/point.h"

#include <stdbool.h>

/* Append the values of 1 to COLUMN_MAX points. `scratch` has room for `count` numbers. False when the buffer failed.
   Thread-safe, as is the other. */
bool value_column_write (struct buffer *out, const struct metric_point *points, size_t count, uint64_t *scratch);

/* Read the values of 1 to COLUMN_MAX points at `*next`, which is moved behind them, into their `value`. `scratch` has
   room for `count` numbers. False when damaged. */
bool value_column_read (struct metric_point *points, size_t count, const unsigned char **next, const unsigned char *end,
                        uint64_t *scratch);

#endif
