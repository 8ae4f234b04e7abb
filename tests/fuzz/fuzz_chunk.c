/* Chunks and their summaries: any bytes are read without harm, what was read packs to the same again, and any points
   come back bit for bit.

   The first byte of an input says what the others are: 0 a chunk, 1 a summary (both get the check sum that belongs to
   them, which chance does not find), else points. Points: 10 bytes each while they last, one of how the step goes on,
   one of how the time does, 8 of value; or with an odd first byte, 1 byte of value each. */
#include "fuzz.h"

#include "ingest/chunk.h"
#include "ingest/seal.h"

#include <math.h>
#include <string.h>

/* Above the longest chunk: three columns of 8 bytes a number, all values exceptions. */
#define PACKED_MAX_BYTES ((size_t)256 * 1024)

static bool
same (const struct metric_point *a, const struct metric_point *b)
{
  return a->step == b->step && a->timestamp_ms == b->timestamp_ms
         && 0 == memcmp (&a->value, &b->value, sizeof (a->value));
}

static void
encode (struct buffer *out, const struct metric_point *points, size_t count)
{
  buffer_init (out, PACKED_MAX_BYTES);
  REQUIRE (chunk_encode (out, points, count));
}

/* Points packed and unpacked are the same points. */
static void
check_points (const struct metric_point *points, size_t count)
{
  static struct metric_point back[CHUNK_MAX_POINTS];
  struct buffer out;
  size_t got;

  encode (&out, points, count);
  REQUIRE (chunk_decode (back, &got, 7, buffer_slice (&out)));
  REQUIRE (got == count);
  for (size_t i = 0; i < count; i++)
    REQUIRE (same (&points[i], &back[i]) && 7 == back[i].key_id);
  buffer_free (&out);
}

/* The summary of points is one of them. */
static void
check_summary_of (const struct metric_point *points, size_t count)
{
  struct chunk_block blocks[CHUNK_BLOCKS_MAX];
  struct buffer out;
  size_t got;
  size_t start = 0;

  buffer_init (&out, PACKED_MAX_BYTES);
  REQUIRE (chunk_summary_encode (&out, points, count));
  REQUIRE (chunk_summary_decode (blocks, &got, buffer_slice (&out)));
  buffer_free (&out);
  for (size_t b = 0; b < got; start += blocks[b++].count)
  {
    size_t nans = 0;

    REQUIRE (start + blocks[b].count <= count);
    REQUIRE (same (&blocks[b].first, &points[start]));
    REQUIRE (same (&blocks[b].last, &points[start + blocks[b].count - 1]));
    for (size_t i = start; i < start + blocks[b].count; i++)
    {
      REQUIRE (points[i].timestamp_ms >= blocks[b].min_timestamp_ms);
      REQUIRE (points[i].timestamp_ms <= blocks[b].max_timestamp_ms);
      if (isnan (points[i].value))
        nans++;
      else
      {
        REQUIRE (metric_value_compare (blocks[b].least.value, points[i].value) <= 0);
        REQUIRE (metric_value_compare (blocks[b].greatest.value, points[i].value) >= 0);
      }
      if (i > start && blocks[b].stride > 0)
        REQUIRE ((__int128)points[i].step - points[i - 1].step == blocks[b].stride);
      if (i > start && blocks[b].times_ascend)
        REQUIRE (points[i].timestamp_ms >= points[i - 1].timestamp_ms);
    }
    REQUIRE (blocks[b].nan_count == nans);
  }
  REQUIRE (start == count);
}

static int
compare (const void *a, const void *b)
{
  return metric_point_compare_step (a, b);
}

/* How step or time go on is told by a byte: mostly a little, in either direction, at times very far. */
static int64_t
go_on (int64_t from, uint8_t by)
{
  if (by < 128)
    return add_wrapping (from, by);
  if (by < 192)
    return add_wrapping (from, 160 - (int64_t)by);
  return add_wrapping (from, (int64_t)(UINT64_C (1) << (by - 192)));
}

static void
run_points (const uint8_t *data, size_t size, bool small)
{
  static struct metric_point points[CHUNK_MAX_POINTS];
  struct metric_point point = { 0, 0, 0, 1 };
  size_t bytes = small ? 1 : 2 + sizeof (uint64_t);
  size_t count = 0;
  size_t kept = 0;

  for (; size >= bytes && count < CHUNK_MAX_POINTS; size -= bytes, data += bytes)
  {
    if (small)
    {
      point.step++;
      point.timestamp_ms += 100 + data[0] % 8;
      /* A number, or what stands out among numbers. */
      point.value = data[0] < 250 ? (double)data[0] / 100 : double_of_bits (UINT64_MAX << (4 * (data[0] - 244)));
    }
    else
    {
      point.step = go_on (point.step, data[0]);
      point.timestamp_ms = go_on (point.timestamp_ms, data[1]);
      point.value = double_of_bits (get_fixed64 (data + 2));
    }
    points[count++] = point;
  }
  if (0 == count)
    return;
  qsort (points, count, sizeof (points[0]), compare);
  for (size_t i = 0; i < count; i++)
    if (0 == kept || 0 != compare (&points[kept - 1], &points[i]))
      points[kept++] = points[i];
  check_points (points, kept);
  check_summary_of (points, kept);
}

static void
run_chunk (struct slice data)
{
  static struct metric_point points[CHUNK_MAX_POINTS];
  size_t count;

  if (! chunk_decode (points, &count, 7, data))
    return;
  REQUIRE (count > 0 && count <= CHUNK_MAX_POINTS);
  for (size_t i = 1; i < count; i++)
    REQUIRE (metric_point_compare_step (&points[i - 1], &points[i]) < 0);
  check_points (points, count);
  check_summary_of (points, count);
}

static void
run_summary (struct slice data)
{
  struct chunk_block blocks[CHUNK_BLOCKS_MAX];
  size_t count;

  if (! chunk_summary_decode (blocks, &count, data))
    return;
  REQUIRE (count > 0 && count <= CHUNK_BLOCKS_MAX);
  for (size_t i = 0; i < count; i++)
  {
    const struct chunk_block *block = &blocks[i];

    REQUIRE (block->count > 0 && block->count <= CHUNK_BLOCK_POINTS && block->nan_count <= block->count);
    REQUIRE (i + 1 == count || CHUNK_BLOCK_POINTS == block->count);
    REQUIRE (block->count > 1 ? metric_point_compare_step (&block->first, &block->last) < 0
                              : same (&block->first, &block->last));
    REQUIRE (block->stride >= 0 && block->min_timestamp_ms <= block->max_timestamp_ms);
    REQUIRE (0 == block->stride
             || (__int128)block->first.step + (__int128)block->stride * (block->count - 1) == block->last.step);
    if (block->nan_count < block->count)
      REQUIRE (metric_value_compare (block->least.value, block->greatest.value) <= 0
               && metric_point_compare_step (&block->first, &block->least) <= 0
               && metric_point_compare_step (&block->greatest, &block->last) <= 0);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  unsigned kind;
  unsigned char *sealed;

  if (0 == size)
    return 0;
  kind = *data++;
  size--;
  if (kind > 1)
  {
    run_points (data, size, kind % 2 != 0);
    return 0;
  }
  sealed = malloc (size + SEAL_BYTES);
  REQUIRE (NULL != sealed);
  memcpy (sealed, data, size);
  put_fixed32 (sealed + size, crc32c (sealed, size));
  if (0 == kind)
    run_chunk ((struct slice){ (const char *)sealed, size + SEAL_BYTES });
  else
    run_summary ((struct slice){ (const char *)sealed, size + SEAL_BYTES });
  free (sealed);
  return 0;
}
