/* What is told of the points of a chunk, block by block, without unpacking them. */
#include "ingest/chunk.h"

#include "ingest/seal.h"
#include "ingest/varint.h"

#include <assert.h>
#include <math.h>

#define VERSION 1

#define FLAG_STRIDE 1U
#define FLAG_ASCEND 2U
#define FLAG_NAN 4U
#define FLAG_SINGLE 8U
#define LEAST_SHIFT 4
#define GREATEST_SHIFT 6

enum place
{
  PLACE_ELSEWHERE,
  PLACE_FIRST,
  PLACE_LAST,
  PLACE_NOWHERE
};

/* The longest block: flags, number of NaN, ten varints at most, four values. */
#define BLOCK_MAX_BYTES (1 + 11 * VARINT_MAX_BYTES + 4 * sizeof (double))

/* --- summing up -------------------------------------------------------------------------------------------------- */

/* Where least and greatest are within the block; they are unset when all are NaN. */
struct extremes
{
  size_t least;
  size_t greatest;
};

static struct metric_point
bare (const struct metric_point *point)
{
  struct metric_point copy = *point;

  copy.key_id = 0;
  return copy;
}

static int64_t
find_stride (const struct metric_point *points, size_t n)
{
  int64_t stride;

  if (1 == n)
    return 0;
  /* Negative when it passes what an int64 holds. */
  stride = difference (points[1].step, points[0].step);
  for (size_t i = 1; i < n && stride > 0; i++)
    if (difference (points[i].step, points[i - 1].step) != stride)
      return 0;
  return stride > 0 ? stride : 0;
}

static void
sum_up (struct chunk_block *block, struct extremes *extremes, const struct metric_point *points, size_t n)
{
  bool any = false;

  *extremes = (struct extremes){ 0, 0 };
  *block = (struct chunk_block){ .first = bare (&points[0]),
                                 .last = bare (&points[n - 1]),
                                 .count = (uint32_t)n,
                                 .min_timestamp_ms = points[0].timestamp_ms,
                                 .max_timestamp_ms = points[0].timestamp_ms,
                                 .times_ascend = true,
                                 .stride = find_stride (points, n) };
  for (size_t i = 0; i < n; i++)
  {
    int64_t timestamp = points[i].timestamp_ms;

    if (timestamp < block->min_timestamp_ms)
      block->min_timestamp_ms = timestamp;
    if (timestamp > block->max_timestamp_ms)
      block->max_timestamp_ms = timestamp;
    if (i > 0 && timestamp < points[i - 1].timestamp_ms)
      block->times_ascend = false;
    if (isnan (points[i].value))
    {
      block->nan_count++;
      continue;
    }
    if (! any || metric_value_compare (points[i].value, points[extremes->least].value) < 0)
      extremes->least = i;
    if (! any || metric_value_compare (points[i].value, points[extremes->greatest].value) > 0)
      extremes->greatest = i;
    any = true;
  }
  if (any)
  {
    block->least = bare (&points[extremes->least]);
    block->greatest = bare (&points[extremes->greatest]);
  }
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static enum place
place_of (const struct chunk_block *block, size_t index)
{
  if (block->nan_count == block->count)
    return PLACE_NOWHERE;
  if (0 == index)
    return PLACE_FIRST;
  return index == block->count - 1 ? PLACE_LAST : PLACE_ELSEWHERE;
}

static unsigned char *
put_difference (unsigned char *at, int64_t a, int64_t b)
{
  return at + varint_put (at, zigzag (difference (a, b)));
}

static unsigned char *
put_point (unsigned char *at, const struct chunk_block *block, const struct metric_point *point, size_t index)
{
  at = put_difference (at, point->timestamp_ms, block->first.timestamp_ms);
  if (block->stride > 0)
    return at + varint_put (at, index);
  return put_difference (at, point->step, block->first.step);
}

/* Write the values, all of them short when each can be; tells whether that was so. */
static bool
put_values (unsigned char **at, const double *values, size_t count)
{
  uint32_t singles[4];
  bool all = true;

  for (size_t i = 0; i < count && all; i++)
    all = double_as_single (&singles[i], values[i]);
  for (size_t i = 0; i < count; i++)
  {
    if (all)
      put_fixed32 (*at, singles[i]);
    else
      put_fixed64 (*at, double_bits (values[i]));
    *at += all ? sizeof (singles[0]) : sizeof (values[0]);
  }
  return all;
}

/* Write a block whose neighbour before is `previous` (zeroed for the first); returns where it ends. */
static unsigned char *
put_block (unsigned char *at, const struct chunk_block *block, const struct extremes *extremes,
           const struct chunk_block *previous)
{
  unsigned char *flags = at++;
  enum place least = place_of (block, extremes->least);
  enum place greatest = place_of (block, extremes->greatest);
  unsigned told = (block->stride > 0 ? FLAG_STRIDE : 0) | (block->times_ascend ? FLAG_ASCEND : 0)
                  | (block->nan_count > 0 ? FLAG_NAN : 0) | (unsigned)least << LEAST_SHIFT
                  | (unsigned)greatest << GREATEST_SHIFT;
  double values[4] = { block->first.value };
  size_t count = 1;

  if (block->nan_count > 0)
    at += varint_put (at, block->nan_count);
  at = put_difference (at, block->first.step, previous->last.step);
  at = put_difference (at, block->first.timestamp_ms, previous->last.timestamp_ms);
  if (block->count > 1)
  {
    if (block->stride > 0)
      at += varint_put (at, (uint64_t)block->stride);
    else
      at = put_difference (at, block->last.step, block->first.step);
    at = put_difference (at, block->last.timestamp_ms, block->first.timestamp_ms);
    if (! block->times_ascend)
    {
      at += varint_put (at, (uint64_t)difference (block->first.timestamp_ms, block->min_timestamp_ms));
      at += varint_put (at, (uint64_t)difference (block->max_timestamp_ms, block->first.timestamp_ms));
    }
    values[count++] = block->last.value;
  }
  if (PLACE_ELSEWHERE == least)
  {
    at = put_point (at, block, &block->least, extremes->least);
    values[count++] = block->least.value;
  }
  if (PLACE_ELSEWHERE == greatest)
  {
    at = put_point (at, block, &block->greatest, extremes->greatest);
    values[count++] = block->greatest.value;
  }
  if (put_values (&at, values, count))
    told |= FLAG_SINGLE;
  *flags = (unsigned char)told;
  return at;
}

bool
chunk_summary_encode (struct buffer *out, const struct metric_point *points, size_t count)
{
  unsigned char head[1 + VARINT_MAX_BYTES] = { VERSION };
  struct chunk_block previous = { .count = 0 };
  size_t start = out->len;

  assert (count > 0 && count <= CHUNK_MAX_POINTS);
  buffer_append (out, head, 1 + varint_put (head + 1, count));
  for (size_t at = 0; at < count; at += CHUNK_BLOCK_POINTS)
  {
    size_t n = count - at < CHUNK_BLOCK_POINTS ? count - at : CHUNK_BLOCK_POINTS;
    unsigned char bytes[BLOCK_MAX_BYTES];
    struct chunk_block block;
    struct extremes extremes;

    sum_up (&block, &extremes, points + at, n);
    buffer_append (out, bytes, (size_t)(put_block (bytes, &block, &extremes, &previous) - bytes));
    previous = block;
  }
  return seal_append (out, start);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

struct reader
{
  const unsigned char *next;
  const unsigned char *end;
};

/* What was written by put_difference (a, b), which gives a back. */
static bool
take_difference (int64_t *a, int64_t b, struct reader *reader)
{
  int64_t step;

  if (! varint_get_signed (&step, &reader->next, reader->end))
    return false;
  *a = add_wrapping (b, step);
  return true;
}

static bool
take_steps (struct chunk_block *block, struct reader *reader, bool strided)
{
  uint64_t stride;
  __int128 last;

  if (! strided)
    return take_difference (&block->last.step, block->first.step, reader);
  if (! varint_get (&stride, &reader->next, reader->end) || 0 == stride || stride > INT64_MAX)
    return false;
  /* From below 0 to above it, all strides together may pass what an int64 holds; where they lead to may not. */
  last = (__int128)block->first.step + (__int128)stride * (block->count - 1);
  if (last > INT64_MAX)
    return false;
  block->stride = (int64_t)stride;
  block->last.step = (int64_t)last;
  return true;
}

static bool
take_times (struct chunk_block *block, struct reader *reader)
{
  uint64_t before;
  uint64_t after;

  if (! take_difference (&block->last.timestamp_ms, block->first.timestamp_ms, reader))
    return false;
  block->min_timestamp_ms = block->first.timestamp_ms;
  block->max_timestamp_ms = block->last.timestamp_ms;
  if (block->times_ascend)
    return true;
  if (! varint_get (&before, &reader->next, reader->end) || ! varint_get (&after, &reader->next, reader->end))
    return false;
  block->min_timestamp_ms = (int64_t)((uint64_t)block->first.timestamp_ms - before);
  block->max_timestamp_ms = (int64_t)((uint64_t)block->first.timestamp_ms + after);
  return true;
}

static bool
take_point (struct metric_point *point, const struct chunk_block *block, struct reader *reader)
{
  uint64_t index;

  if (! take_difference (&point->timestamp_ms, block->first.timestamp_ms, reader))
    return false;
  if (0 == block->stride)
    return take_difference (&point->step, block->first.step, reader);
  if (! varint_get (&index, &reader->next, reader->end) || index >= block->count)
    return false;
  point->step = (int64_t)((uint64_t)block->first.step + index * (uint64_t)block->stride);
  return true;
}

static bool
take_value (double *value, struct reader *reader, bool single)
{
  size_t bytes = single ? sizeof (uint32_t) : sizeof (uint64_t);

  if ((size_t)(reader->end - reader->next) < bytes)
    return false;
  *value = single ? double_of_single (get_fixed32 (reader->next)) : double_of_bits (get_fixed64 (reader->next));
  reader->next += bytes;
  return true;
}

/* The point that is least or greatest, once first and last are known. */
static void
place_point (struct metric_point *point, const struct chunk_block *block, enum place place)
{
  if (PLACE_FIRST == place)
    *point = block->first;
  else if (PLACE_LAST == place)
    *point = block->last;
}

/* True when the numbers of a block do not contradict each other. */
static bool
is_sound (const struct chunk_block *block)
{
  bool all_nan = block->nan_count == block->count;

  if (block->count > 1 && metric_point_compare_step (&block->first, &block->last) >= 0)
    return false;
  if (block->min_timestamp_ms > block->first.timestamp_ms || block->min_timestamp_ms > block->last.timestamp_ms
      || block->max_timestamp_ms < block->first.timestamp_ms || block->max_timestamp_ms < block->last.timestamp_ms)
    return false;
  return all_nan || metric_value_compare (block->least.value, block->greatest.value) <= 0;
}

/* Inside the block by its order and its times, and a number. */
static bool
is_inside (const struct metric_point *point, const struct chunk_block *block)
{
  return metric_point_compare_step (&block->first, point) <= 0 && metric_point_compare_step (point, &block->last) <= 0
         && point->timestamp_ms >= block->min_timestamp_ms && point->timestamp_ms <= block->max_timestamp_ms
         && ! isnan (point->value);
}

static bool
take_block (struct chunk_block *block, struct reader *reader, uint32_t n, const struct chunk_block *previous)
{
  unsigned flags;
  enum place least;
  enum place greatest;
  uint64_t nan_count = 0;
  bool single;

  if (reader->next == reader->end)
    return false;
  flags = *reader->next++;
  least = flags >> LEAST_SHIFT & 3;
  greatest = flags >> GREATEST_SHIFT & 3;
  single = (flags & FLAG_SINGLE) != 0;
  *block = (struct chunk_block){ .count = n, .times_ascend = (flags & FLAG_ASCEND) != 0 };
  if ((flags & FLAG_NAN) != 0 && (! varint_get (&nan_count, &reader->next, reader->end) || nan_count > n))
    return false;
  block->nan_count = (uint32_t)nan_count;
  if ((nan_count == n) != (PLACE_NOWHERE == least) || (nan_count == n) != (PLACE_NOWHERE == greatest))
    return false;
  if (! take_difference (&block->first.step, previous->last.step, reader)
      || ! take_difference (&block->first.timestamp_ms, previous->last.timestamp_ms, reader))
    return false;
  if (n > 1)
  {
    if (! take_steps (block, reader, (flags & FLAG_STRIDE) != 0) || ! take_times (block, reader))
      return false;
  }
  else
  {
    block->last = block->first;
    block->min_timestamp_ms = block->max_timestamp_ms = block->first.timestamp_ms;
  }
  if (PLACE_ELSEWHERE == least && ! take_point (&block->least, block, reader))
    return false;
  if (PLACE_ELSEWHERE == greatest && ! take_point (&block->greatest, block, reader))
    return false;
  if (! take_value (&block->first.value, reader, single))
    return false;
  block->last.value = block->first.value;
  if (n > 1 && ! take_value (&block->last.value, reader, single))
    return false;
  if (PLACE_ELSEWHERE == least && ! take_value (&block->least.value, reader, single))
    return false;
  if (PLACE_ELSEWHERE == greatest && ! take_value (&block->greatest.value, reader, single))
    return false;
  place_point (&block->least, block, least);
  place_point (&block->greatest, block, greatest);
  return is_sound (block)
         && (nan_count == n || (is_inside (&block->least, block) && is_inside (&block->greatest, block)));
}

bool
chunk_summary_decode (struct chunk_block *blocks, size_t *count, struct slice data)
{
  struct reader reader = { (const unsigned char *)data.data, NULL };
  struct chunk_block before = { .count = 0 };
  const struct chunk_block *previous = &before;
  uint64_t points;

  if (! seal_holds (data))
    return false;
  reader.end = reader.next + data.len - SEAL_BYTES;
  if (reader.next == reader.end || VERSION != *reader.next++ || ! varint_get (&points, &reader.next, reader.end)
      || 0 == points || points > CHUNK_MAX_POINTS)
    return false;
  *count = 0;
  for (size_t left = (size_t)points; left > 0; (*count)++)
  {
    size_t n = left < CHUNK_BLOCK_POINTS ? left : CHUNK_BLOCK_POINTS;

    if (! take_block (&blocks[*count], &reader, (uint32_t)n, previous))
      return false;
    previous = &blocks[*count];
    left -= n;
  }
  return reader.next == reader.end;
}
