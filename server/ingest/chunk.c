/* Packing and unpacking of the points of a chunk. */
#include "ingest/chunk.h"

#include "ingest/column.h"
#include "ingest/seal.h"
#include "ingest/value_column.h"
#include "ingest/varint.h"

#include <assert.h>

#define VERSION 1

static_assert (CHUNK_MAX_POINTS <= COLUMN_MAX, "a chunk is one column of each kind");

static bool
write_column (struct buffer *out, const uint64_t *numbers, size_t count)
{
  struct column_plan plan;

  column_plan (&plan, numbers, count);
  return column_write (out, &plan, numbers, count);
}

bool
chunk_encode (struct buffer *out, const struct metric_point *points, size_t count)
{
  unsigned char head[1 + VARINT_MAX_BYTES] = { VERSION };
  uint64_t numbers[CHUNK_MAX_POINTS];
  size_t start = out->len;

  assert (count > 0 && count <= CHUNK_MAX_POINTS);
  buffer_append (out, head, 1 + varint_put (head + 1, count));
  for (size_t i = 0; i < count; i++)
    numbers[i] = (uint64_t)points[i].step;
  write_column (out, numbers, count);
  for (size_t i = 0; i < count; i++)
    numbers[i] = (uint64_t)points[i].timestamp_ms;
  write_column (out, numbers, count);
  return value_column_write (out, points, count, numbers) && seal_append (out, start);
}

/* Distinct and in order. Steps alone tell that nearly always. */
static bool
in_order (const struct metric_point *points, size_t count)
{
  for (size_t i = 1; i < count; i++)
    if (points[i - 1].step >= points[i].step && metric_point_compare_step (&points[i - 1], &points[i]) >= 0)
      return false;
  return true;
}

bool
chunk_decode (struct metric_point *points, size_t *count, uint32_t key_id, struct slice data)
{
  const unsigned char *next = (const unsigned char *)data.data;
  const unsigned char *end;
  uint64_t numbers[CHUNK_MAX_POINTS];
  uint64_t n;

  if (! seal_holds (data))
    return false;
  end = next + data.len - SEAL_BYTES;
  if (next == end || VERSION != *next++ || ! varint_get (&n, &next, end) || 0 == n || n > CHUNK_MAX_POINTS)
    return false;
  if (! column_read (numbers, (size_t)n, &next, end))
    return false;
  for (size_t i = 0; i < n; i++)
  {
    points[i].step = (int64_t)numbers[i];
    points[i].key_id = key_id;
  }
  if (! column_read (numbers, (size_t)n, &next, end))
    return false;
  for (size_t i = 0; i < n; i++)
    points[i].timestamp_ms = (int64_t)numbers[i];
  if (! value_column_read (points, (size_t)n, &next, end, numbers) || next != end)
    return false;
  *count = (size_t)n;
  return in_order (points, *count);
}
