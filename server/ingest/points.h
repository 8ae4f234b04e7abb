/* Arrays of metric points in the order of charts: sorting, merging, and telling what is new. */
#ifndef INGEST_POINTS_H
#define INGEST_POINTS_H

#include "ingest/point.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* A total order of points, as metric_point_compare_step and metric_point_compare_time are. */
typedef int (*metric_order) (const struct metric_point *a, const struct metric_point *b);

/* Sort in place and drop the second of equal points; returns how many are left. Points that are in order already cost
   one look. */
size_t points_settle (struct metric_point *points, size_t count, metric_order order);

/* Merge two arrays that are sorted and distinct by metric_point_compare_step into `out`, which has room for both and is
   neither of them; a point of both is taken once. Returns how many there are. */
size_t points_merge (struct metric_point *out, const struct metric_point *a, size_t a_count,
                     const struct metric_point *b, size_t b_count);

/* Drop from `points` what `known` has; both are sorted and distinct. Returns how many are left. */
size_t points_subtract (struct metric_point *points, size_t count, const struct metric_point *known,
                        size_t known_count);

/* Index of the first point that comes after the place (step, timestamp). */
size_t points_after (const struct metric_point *points, size_t count, int64_t step, int64_t timestamp_ms);

/* Index of the first point that is not before the place (step, timestamp). */
size_t points_from (const struct metric_point *points, size_t count, int64_t step, int64_t timestamp_ms);

/* What the points of a set lie between. */
struct points_bounds
{
  int64_t min_timestamp_ms;
  int64_t max_timestamp_ms;
  double min_value; /* NaN left out; NaN when all are */
  double max_value;
  int64_t nan_count;
};

/* The bounds of no points. */
#define POINTS_BOUNDS_NONE ((struct points_bounds){ INT64_MAX, INT64_MIN, NAN, NAN, 0 })

/* Let bounds hold some more points. */
void points_widen (struct points_bounds *bounds, const struct metric_point *points, size_t count);

/* Order of places: step, then timestamp. Negative, zero or positive as in strcmp. */
static inline int
place_compare (int64_t a_step, int64_t a_timestamp_ms, int64_t b_step, int64_t b_timestamp_ms)
{
  if (a_step != b_step)
    return a_step < b_step ? -1 : 1;
  return (a_timestamp_ms > b_timestamp_ms) - (a_timestamp_ms < b_timestamp_ms);
}

#endif
