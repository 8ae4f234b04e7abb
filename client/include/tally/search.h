/* Finding experiments and runs, and reading what they logged; these calls wait for the server. */
#ifndef TALLY_SEARCH_H
#define TALLY_SEARCH_H

#include "tally/experiment.h"
#include "tally/run.h"

TALLY_BEGIN

enum tally_view
{
  TALLY_VIEW_ACTIVE = 0,
  TALLY_VIEW_DELETED = 1,
  TALLY_VIEW_ALL = 2
};

/* One point of a metric. */
struct tally_point
{
  const char *key;
  double value;
  int64_t step;
  int64_t timestamp_ms;
};

/* A run as the server has it. Arrays are sorted as the server sorts them (by key). */
struct tally_run_data
{
  const char *run_id;
  const char *name;
  const char *experiment_id;
  const char *user;
  const char *artifact_uri;
  enum tally_status status;
  bool deleted;
  int64_t start_ms; /* 0 when not set */
  int64_t end_ms; /* 0 while it runs */
  const struct tally_point *metrics; /* the latest of each */
  size_t metric_count;
  const struct tally_pair *params;
  size_t param_count;
  const struct tally_pair *tags;
  size_t tag_count;
};

/* One run by the id that the server uses. Free with tally_run_data_free. */
TALLY_API enum tally_code tally_run_get (struct tally_run_data **run, struct tally_client *client, const char *run_id,
                                         struct tally_error *err);
TALLY_API void tally_run_data_free (struct tally_run_data *run);

/* Delete and restore a run by its id. */
TALLY_API enum tally_code tally_run_delete (struct tally_client *client, const char *run_id, struct tally_error *err);
TALLY_API enum tally_code tally_run_restore (struct tally_client *client, const char *run_id, struct tally_error *err);

/* A search: fetches page after page as it is walked. */
struct tally_search;

/* Runs of experiments (ids; NULL with 0: all active experiments) that meet `filter` (MLflow's language, Tally's on a
   Tally server; NULL: all), ordered by `order_by` ("metrics.loss ASC, start_time DESC"; NULL: newest first), at most
   `max_results` in all (0: no limit). Nothing is asked yet. Free with tally_search_free. */
TALLY_API enum tally_code tally_search_runs (struct tally_search **search, struct tally_client *client,
                                             const char *const *experiment_ids, size_t experiment_count,
                                             const char *filter, const char *order_by, enum tally_view view,
                                             size_t max_results, struct tally_error *err);

/* The next run, valid until the next call; NULL behind the last. Errors: of any request; the same page is asked again
   by the next call. */
TALLY_API enum tally_code tally_search_next_run (const struct tally_run_data **run, struct tally_search *search,
                                                 struct tally_error *err);

/* Experiments, in the same way. */
TALLY_API enum tally_code tally_search_experiments (struct tally_search **search, struct tally_client *client,
                                                    const char *filter, const char *order_by, enum tally_view view,
                                                    size_t max_results, struct tally_error *err);
TALLY_API enum tally_code tally_search_next_experiment (const struct tally_experiment **experiment,
                                                        struct tally_search *search, struct tally_error *err);

/* All points of one metric of a run, in the server's order. */
TALLY_API enum tally_code tally_metric_history (struct tally_search **search, struct tally_client *client,
                                                const char *run_id, const char *key, struct tally_error *err);
TALLY_API enum tally_code tally_search_next_point (const struct tally_point **point, struct tally_search *search,
                                                   struct tally_error *err);

TALLY_API void tally_search_free (struct tally_search *search);

TALLY_END

#endif
