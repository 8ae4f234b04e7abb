/* One metric point, as it is logged and as it is read back. */
#ifndef INGEST_POINT_H
#define INGEST_POINT_H

#include "base/slice.h"

#include <stdint.h>

struct metric_point
{
  int64_t timestamp_ms;
  int64_t step;
  double value;
  uint32_t key_id; /* metric_key.key_id; 0 until resolved */
};

/* What else a point may belong to; absent slices where there is none. */
struct metric_context
{
  struct slice model_id; /* the logged model it was measured for */
  struct slice dataset_name; /* with dataset_digest, the data set it was measured on */
  struct slice dataset_digest;
};

/* A point on its way in: with its name, not yet a number. */
struct metric_entry
{
  struct metric_point point;
  struct slice key;
  const struct metric_context *context; /* NULL for none */
};

/* Total order of values: NaN before all numbers (so that a number wins over NaN as the latest of equal step and time),
   then by size, with -0 before 0. Negative, zero or positive as in strcmp. */
int metric_value_compare (double a, double b);

/* Order of history: timestamp, step, value. */
int metric_point_compare_time (const struct metric_point *a, const struct metric_point *b);

/* Order of charts and of "latest": step, timestamp, value. */
int metric_point_compare_step (const struct metric_point *a, const struct metric_point *b);

#endif
