/* Sorting and merging arrays of metric points. */
#include "ingest/points.h"

#include <stdlib.h>
#include <string.h>

static int
compare_time (const void *a, const void *b)
{
  return metric_point_compare_time (a, b);
}

static int
compare_step (const void *a, const void *b)
{
  return metric_point_compare_step (a, b);
}

size_t
points_settle (struct metric_point *points, size_t count, metric_order order)
{
  size_t kept = 0;
  size_t i = 1;

  while (i < count && order (&points[i - 1], &points[i]) < 0)
    i++;
  if (i >= count)
    return count;
  qsort (points, count, sizeof (points[0]), metric_point_compare_time == order ? compare_time : compare_step);
  for (i = 0; i < count; i++)
    if (0 == kept || 0 != order (&points[kept - 1], &points[i]))
      points[kept++] = points[i];
  return kept;
}

size_t
points_merge (struct metric_point *out, const struct metric_point *a, size_t a_count, const struct metric_point *b,
              size_t b_count)
{
  size_t i = 0;
  size_t j = 0;
  size_t count = 0;

  /* Mostly one follows the other. */
  if (a_count > 0 && b_count > 0 && metric_point_compare_step (&a[a_count - 1], &b[0]) < 0)
  {
    memcpy (out, a, a_count * sizeof (a[0]));
    memcpy (out + a_count, b, b_count * sizeof (b[0]));
    return a_count + b_count;
  }
  while (i < a_count && j < b_count)
  {
    int order = metric_point_compare_step (&a[i], &b[j]);

    out[count++] = order <= 0 ? a[i] : b[j];
    i += order <= 0;
    j += order >= 0;
  }
  if (i < a_count)
    memcpy (out + count, a + i, (a_count - i) * sizeof (a[0]));
  count += a_count - i;
  if (j < b_count)
    memcpy (out + count, b + j, (b_count - j) * sizeof (b[0]));
  return count + (b_count - j);
}

size_t
points_subtract (struct metric_point *points, size_t count, const struct metric_point *known, size_t known_count)
{
  size_t kept = 0;
  size_t j = 0;

  if (0 == count || 0 == known_count || metric_point_compare_step (&known[known_count - 1], &points[0]) < 0)
    return count;
  for (size_t i = 0; i < count; i++)
  {
    while (j < known_count && metric_point_compare_step (&known[j], &points[i]) < 0)
      j++;
    if (j == known_count || 0 != metric_point_compare_step (&known[j], &points[i]))
      points[kept++] = points[i];
  }
  return kept;
}

/* Index of the first point whose place compares with (step, timestamp) to at least `least`. */
static size_t
first_place (const struct metric_point *points, size_t count, int64_t step, int64_t timestamp_ms, int least)
{
  size_t low = 0;
  size_t high = count;

  while (low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (place_compare (points[middle].step, points[middle].timestamp_ms, step, timestamp_ms) < least)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

size_t
points_after (const struct metric_point *points, size_t count, int64_t step, int64_t timestamp_ms)
{
  return first_place (points, count, step, timestamp_ms, 1);
}

size_t
points_from (const struct metric_point *points, size_t count, int64_t step, int64_t timestamp_ms)
{
  return first_place (points, count, step, timestamp_ms, 0);
}

void
points_widen (struct points_bounds *bounds, const struct metric_point *points, size_t count)
{
  for (size_t i = 0; i < count; i++)
  {
    const struct metric_point *point = &points[i];

    if (point->timestamp_ms < bounds->min_timestamp_ms)
      bounds->min_timestamp_ms = point->timestamp_ms;
    if (point->timestamp_ms > bounds->max_timestamp_ms)
      bounds->max_timestamp_ms = point->timestamp_ms;
    if (isnan (point->value))
    {
      bounds->nan_count++;
      continue;
    }
    if (! (bounds->min_value <= point->value))
      bounds->min_value = point->value;
    if (! (bounds->max_value >= point->value))
      bounds->max_value = point->value;
  }
}
