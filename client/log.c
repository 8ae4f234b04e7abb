/* Logging to a run: what is logged is checked and put into the ring. */
#include "error.h"
#include "handle.h"
#include "name.h"

#include "base/clock.h"

/* Most things of one call: keeps sums of their lengths far from overflow; more memory than any ring has. */
#define CALL_MAX_COUNT ((size_t)1 << 30)

static enum tally_code
check_count (const void *items, size_t count, const char *what, struct tally_error *err)
{
  if (NULL == items && count > 0)
    return error_set (err, TALLY_ERROR_ARGUMENT, "%s must not be NULL.", what);
  if (count > CALL_MAX_COUNT)
    return error_set (err, TALLY_ERROR_ARGUMENT, "%zu are too many in one call; at most %zu are allowed.", count,
                      CALL_MAX_COUNT);
  return TALLY_OK;
}

enum tally_code
tally_log_metric (struct tally_run *run, const char *key, double value, int64_t step, struct tally_error *err)
{
  return tally_log_metric_at (run, key, value, step, clock_wall_ms (), err);
}

enum tally_code
tally_log_metric_at (struct tally_run *run, const char *key, double value, int64_t step, int64_t timestamp_ms,
                     struct tally_error *err)
{
  struct slice name;
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code)
    code = name_check (&name, key, "metric", err);
  if (TALLY_OK != code)
    return code;
  if (timestamp_ms < 0)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The time %lld of '%s' is before 1970.", (long long)timestamp_ms, key);
  return ring_put_point (run->client->ring, &run->key, name, value, step, timestamp_ms)
             ? TALLY_OK
             : ring_refuse (run->client->ring, 0, err);
}

enum tally_code
tally_log_metrics (struct tally_run *run, const struct tally_value *values, size_t count, int64_t step,
                   struct tally_error *err)
{
  size_t bytes = 0;
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code)
    code = check_count (values, count, "values", err);
  for (size_t i = 0; i < count && TALLY_OK == code; i++)
  {
    struct slice name;

    code = name_check (&name, values[i].key, "metric", err);
    bytes += name.len + sizeof (double);
  }
  if (TALLY_OK != code)
    return code;
  return ring_put_values (run->client->ring, &run->key, values, count, step, clock_wall_ms ())
             ? TALLY_OK
             : ring_refuse (run->client->ring, bytes, err);
}

enum tally_code
tally_log_series (struct tally_run *run, const char *key, size_t count, const double *values, const int64_t *steps,
                  const int64_t *timestamps_ms, struct tally_error *err)
{
  struct ring_series series = { .values = values, .steps = steps, .timestamps_ms = timestamps_ms, .count = count };
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code)
    code = name_check (&series.key, key, "metric", err);
  if (TALLY_OK == code)
    code = check_count (values, count, "values", err);
  if (TALLY_OK != code)
    return code;
  for (size_t i = 0; NULL != timestamps_ms && i < count; i++)
    if (timestamps_ms[i] < 0)
      return error_set (err, TALLY_ERROR_ARGUMENT, "The time %lld of '%s' at index %zu is before 1970.",
                        (long long)timestamps_ms[i], key, i);
  series.timestamp_ms = clock_wall_ms ();
  return ring_put_series (run->client->ring, &run->key, &series)
             ? TALLY_OK
             : ring_refuse (run->client->ring, count * sizeof (double), err);
}

enum tally_code
tally_log_model_metric (struct tally_run *run, const char *model_id, const char *key, double value, int64_t step,
                        const char *dataset_name, const char *dataset_digest, struct tally_error *err)
{
  struct record_point point = { .value = value, .step = step, .timestamp_ms = clock_wall_ms () };
  struct record record = { .kind = RECORD_POINTS, .points = { .items = &point, .count = 1 } };
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code)
    code = name_check (&point.model_id, model_id, "model id", err);
  if (TALLY_OK == code)
    code = name_check (&point.key, key, "metric", err);
  if (TALLY_OK == code && (NULL == dataset_name) != (NULL == dataset_digest))
    code = error_set (err, TALLY_ERROR_ARGUMENT, "A data set has both a name and a digest.");
  if (TALLY_OK == code && NULL != dataset_name)
    code = name_check_value (&point.dataset_name, dataset_name, DATASET_NAME_MAX, "data set", (struct slice){ NULL, 0 },
                             err);
  if (TALLY_OK == code && NULL != dataset_name)
    code = name_check_value (&point.dataset_digest, dataset_digest, DATASET_DIGEST_MAX, "digest",
                             (struct slice){ NULL, 0 }, err);
  if (TALLY_OK != code)
    return code;
  record.run = run->key;
  record.time_ms = point.timestamp_ms;
  return ring_put (run->client->ring, &record) ? TALLY_OK : ring_refuse (run->client->ring, point.key.len, err);
}

/* What params and tags differ in. */
struct pair_rule
{
  enum record_kind kind;
  const char *what;
  const char *value;
  size_t max_characters;
};

static const struct pair_rule param_rule = { RECORD_PARAM, "param", "value of param", PARAM_VALUE_MAX };
static const struct pair_rule tag_rule = { RECORD_TAG, "tag", "value of tag", RUN_TAG_VALUE_MAX };

static enum tally_code
log_pairs (struct tally_run *run, const struct pair_rule *rule, const struct tally_pair *pairs, size_t count,
           struct tally_error *err)
{
  size_t bytes = 0;
  enum tally_code code = run_check (run, err);

  if (TALLY_OK == code)
    code = check_count (pairs, count, "pairs", err);
  for (size_t i = 0; i < count && TALLY_OK == code; i++)
  {
    struct slice key;
    struct slice value = { NULL, 0 };

    code = name_check (&key, pairs[i].key, rule->what, err);
    if (TALLY_OK == code)
      code = name_check_value (&value, pairs[i].value, rule->max_characters, rule->value, key, err);
    bytes += key.len + value.len;
  }
  if (TALLY_OK != code)
    return code;
  return ring_put_pairs (run->client->ring, rule->kind, &run->key, pairs, count, clock_wall_ms ())
             ? TALLY_OK
             : ring_refuse (run->client->ring, bytes, err);
}

enum tally_code
tally_log_param (struct tally_run *run, const char *key, const char *value, struct tally_error *err)
{
  return log_pairs (run, &param_rule, &(struct tally_pair){ key, value }, 1, err);
}

enum tally_code
tally_log_params (struct tally_run *run, const struct tally_pair *params, size_t count, struct tally_error *err)
{
  return log_pairs (run, &param_rule, params, count, err);
}

enum tally_code
tally_set_tag (struct tally_run *run, const char *key, const char *value, struct tally_error *err)
{
  return log_pairs (run, &tag_rule, &(struct tally_pair){ key, value }, 1, err);
}

enum tally_code
tally_set_tags (struct tally_run *run, const struct tally_pair *tags, size_t count, struct tally_error *err)
{
  return log_pairs (run, &tag_rule, tags, count, err);
}
