/* Reading metrics back: the latest point of every key, and the points of one key. */
#ifndef INGEST_SERIES_H
#define INGEST_SERIES_H

#include "ingest/keys.h"
#include "ingest/point.h"
#include "store/connection.h"

/* The latest point of one key of one run. */
struct latest_point
{
  size_t run; /* index into the run ids that were asked for */
  struct slice key;
  struct metric_point point;
};

/* Latest points, by (step, timestamp, value), of all keys of some runs, ordered by run (as asked) and then by key.
   The result lives in the arena. Errors: those of the database; INVALID_PARAMETER_VALUE when it does not fit. */
enum err_code series_latest (struct latest_point **latest, size_t *count, struct metric_keys *keys,
                             struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
                             struct arena *arena, struct err *err);

/* All distinct points of one key of one run. */
struct series
{
  struct metric_point *points; /* owned */
  size_t count;
  size_t capacity;
};

typedef int (*series_order) (const struct metric_point *a, const struct metric_point *b);

/* The points of one key of some runs, `series[i]` for `run_ids[i]` (distinct), each sorted by `order`, a point that was
   logged more than once kept once. The caller frees with series_free, also after a failure; unknown runs and keys give
   empty series. Errors: those of the database; INVALID_PARAMETER_VALUE above `max_points` in all. */
enum err_code series_load (struct series *series, struct metric_keys *keys, struct store_connection *connection,
                           const struct uuid *run_ids, size_t run_count, struct slice key, series_order order,
                           size_t max_points, struct arena *arena, struct err *err);

void series_free (struct series *series, size_t count);

#endif
