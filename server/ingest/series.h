/* The latest points of runs: what lists and pages of runs show. */
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

/* Latest points, by (step, timestamp, value), of all keys of some runs, or of some keys (distinct, sorted) when
   `key_ids` is given, ordered by run (as asked) and then by key.
   The result lives in the arena. Errors: those of the database; INVALID_PARAMETER_VALUE when it does not fit. */
enum err_code series_latest (struct latest_point **latest, size_t *count, struct metric_keys *keys,
                             struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
                             const int64_t *key_ids, size_t key_count, struct arena *arena, struct err *err);

#endif
