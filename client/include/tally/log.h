/* Logging to a run: metrics, params and tags. None of these waits for disk or network. */
#ifndef TALLY_LOG_H
#define TALLY_LOG_H

#include "tally/run.h"

TALLY_BEGIN

/* Errors of all: ARGUMENT for what no server takes, which the message names: keys are 1 to 250 letters, digits and
   _ - . space : /, and proper relative paths ("train/loss"); values are UTF-8 of at most 6,000 characters for params
   and 8,000 for tags; times are not before 1970. FULL; FORKED. All or nothing each. Any thread; what one thread logs
   keeps its order. */

/* One point of a metric now. `value` may be NaN or infinite. */
TALLY_API enum tally_code tally_log_metric (struct tally_run *run, const char *key, double value, int64_t step,
                                            struct tally_error *err);

/* One point at a time of the caller's. */
TALLY_API enum tally_code tally_log_metric_at (struct tally_run *run, const char *key, double value, int64_t step,
                                               int64_t timestamp_ms, struct tally_error *err);

struct tally_value
{
  const char *key;
  double value;
};

/* Several metrics of one step, now. */
TALLY_API enum tally_code tally_log_metrics (struct tally_run *run, const struct tally_value *values, size_t count,
                                             int64_t step, struct tally_error *err);

/* Many points of one metric: arrays of `count`. `steps` NULL: 0, 1, 2, …; `timestamps_ms` NULL: now. */
TALLY_API enum tally_code tally_log_series (struct tally_run *run, const char *key, size_t count, const double *values,
                                            const int64_t *steps, const int64_t *timestamps_ms,
                                            struct tally_error *err);

struct tally_pair
{
  const char *key;
  const char *value;
};

/* Params: set once; the server refuses another value later. */
TALLY_API enum tally_code tally_log_param (struct tally_run *run, const char *key, const char *value,
                                           struct tally_error *err);
TALLY_API enum tally_code tally_log_params (struct tally_run *run, const struct tally_pair *params, size_t count,
                                            struct tally_error *err);

/* Tags: the last value counts. */
TALLY_API enum tally_code tally_set_tag (struct tally_run *run, const char *key, const char *value,
                                         struct tally_error *err);
TALLY_API enum tally_code tally_set_tags (struct tally_run *run, const struct tally_pair *tags, size_t count,
                                          struct tally_error *err);

TALLY_END

#endif
