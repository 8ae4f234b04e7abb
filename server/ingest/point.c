/* Orders of metric points. */
#include "ingest/point.h"

#include <math.h>

static int
compare_int64 (int64_t a, int64_t b)
{
  return (a > b) - (a < b);
}

int
metric_value_compare (double a, double b)
{
  if (isnan (a) || isnan (b))
    return (isnan (b) != 0) - (isnan (a) != 0);
  if (a < b || a > b)
    return a < b ? -1 : 1;
  /* Equal numbers differ at most in the sign of zero. */
  return (signbit (b) != 0) - (signbit (a) != 0);
}

int
metric_point_compare_time (const struct metric_point *a, const struct metric_point *b)
{
  int order = compare_int64 (a->timestamp_ms, b->timestamp_ms);

  if (0 == order)
    order = compare_int64 (a->step, b->step);
  return 0 == order ? metric_value_compare (a->value, b->value) : order;
}

int
metric_point_compare_step (const struct metric_point *a, const struct metric_point *b)
{
  int order = compare_int64 (a->step, b->step);

  if (0 == order)
    order = compare_int64 (a->timestamp_ms, b->timestamp_ms);
  return 0 == order ? metric_value_compare (a->value, b->value) : order;
}
