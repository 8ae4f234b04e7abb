/* One number of a metric of every run of a table: the latest value, or another that is kept of a series.

   Whatever is told of a series may be told again and in any order: points, and rows of metric_series that hold points
   which were told before. The latest of two points is the latest of all, whichever came first. */
#ifndef SEARCH_METRIC_COLUMN_H
#define SEARCH_METRIC_COLUMN_H

#include "ingest/point.h"
#include "search/field.h"

#include <string.h>

/* Set up zeroed but for what it is about; free with metric_column_free. Not thread-safe. */
struct metric_column
{
  uint32_t key_id;
  enum search_part part;
  double *values; /* of each row; METRIC_MISSING */
  int64_t *steps; /* where the value stands: of SEARCH_LATEST and SEARCH_FIRST */
  int64_t *timestamps_ms;
  size_t capacity; /* rows there is room for */
};

/* A NaN that no arithmetic gives: the run has no such metric. */
#define METRIC_MISSING_BITS UINT64_C (0x7FF8746C6C790001)

static inline bool
metric_is_missing (double value)
{
  uint64_t bits;

  memcpy (&bits, &value, sizeof (bits));
  return METRIC_MISSING_BITS == bits;
}

static inline double
metric_missing (void)
{
  const uint64_t bits = METRIC_MISSING_BITS;
  double value;

  memcpy (&value, &bits, sizeof (value));
  return value;
}

void metric_column_free (struct metric_column *column);

/* Make room for rows, new ones without a value. False without memory. */
bool metric_column_reserve (struct metric_column *column, size_t capacity);

/* A point of a run; not for SEARCH_COUNT, which cannot tell a point from one that it has counted. */
void metric_column_add (struct metric_column *column, size_t row, const struct metric_point *point);

/* Set what SEARCH_COUNT says of a run. */
void metric_column_set (struct metric_column *column, size_t row, double value);

size_t metric_column_bytes (const struct metric_column *column);

#endif
