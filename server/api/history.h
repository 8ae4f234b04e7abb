/* What the answers with metric points share. */
#ifndef API_HISTORY_H
#define API_HISTORY_H

#include "api/decode.h"
#include "api/json.h"
#include "base/id.h"
#include "ingest/point.h"

/* MLflow's limit of runs of one bulk request. */
#define HISTORY_RUNS_MAX 100

/* The runs of a bulk request. */
struct history_runs
{
  struct uuid ids[HISTORY_RUNS_MAX];
  size_t count; /* distinct ids that may exist */
  size_t asked[HISTORY_RUNS_MAX]; /* for each asked run the index of its id; SIZE_MAX: cannot exist */
};

/* Collect runs from their texts, at most HISTORY_RUNS_MAX; `ids` in the order of their first mention. */
void history_collect_runs (struct history_runs *runs, const struct slices *run_ids);

/* Write one point as an item of a list; `run_id` NULL leaves it out. */
void history_write_point (struct json_write *w, struct slice key, const struct metric_point *point, const char *run_id);

#endif
