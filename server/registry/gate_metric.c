/* The value of a metric that counts for a version. */
#include "registry/gate_metric.h"

#include "ingest/model_points.h"
#include "ingest/points.h"
#include "ingest/series.h"

#include <math.h>

/* The latest point of a series: its row knows it, and so do the points that no fold has seen. */
static bool
latest_of (struct metric_point *latest, const struct model_series *series)
{
  bool found = series->is_folded;

  if (found)
    *latest = (struct metric_point){ .timestamp_ms = series->row.latest_timestamp_ms,
                                     .step = series->row.latest_step,
                                     .value = series->row.latest_value };
  for (size_t i = 0; i < series->count; i++)
    if (! found || metric_point_compare_step (&series->points[i], latest) > 0)
    {
      *latest = series->points[i];
      found = true;
    }
  return found;
}

static bool
is_wanted (const struct model_context *context, const struct rule_metric *rule)
{
  return (NULL == rule->dataset_name.data || slice_equal (context->dataset_name, rule->dataset_name))
         && (NULL == rule->dataset_digest.data || slice_equal (context->dataset_digest, rule->dataset_digest));
}

/* Contexts, tail and series are read in this order: a fold in between shows points twice, and hides none. */
static enum err_code
value_of_model (double *value, struct registry_change *change, struct slice model_id, int64_t key_id,
                const struct rule_metric *rule, struct err *err)
{
  const struct model_selection selection = {
    .model_ids = &model_id, .model_count = 1, .key_ids = &key_id, .key_count = 1
  };
  struct metric_point newest = { .value = NAN };
  bool found = false;
  struct model_points points;
  enum err_code code = model_points_load (&points, change->connection, &selection, change->arena, err);

  for (size_t i = 0; ERR_OK == code && i < points.series_count; i++)
  {
    struct metric_point latest;

    if (! is_wanted (&points.contexts[points.series[i].context], rule) || ! latest_of (&latest, &points.series[i]))
      continue;
    if (! found || metric_point_compare_time (&latest, &newest) > 0)
      newest = latest;
    found = true;
  }
  *value = newest.value;
  return code;
}

static enum err_code
value_of_run (double *value, struct registry_change *change, struct slice text, int64_t key_id, struct err *err)
{
  struct latest_point *latest;
  size_t count;
  struct uuid run_id;
  enum err_code code;

  /* Clients name what run they like. */
  if (! uuid_parse (&run_id, text))
    return ERR_OK;
  code = series_latest (&latest, &count, change->metric_keys, change->connection, &run_id, 1, &key_id, 1, change->arena,
                        err);
  if (ERR_OK == code && count > 0)
    *value = latest[0].point.value;
  return code;
}

enum err_code
gate_metric_value (double *value, struct registry_change *change, const struct store_gate_version *version,
                   const struct rule_metric *rule, struct err *err)
{
  bool found;
  uint32_t key_id;
  enum err_code code = metric_keys_find (&found, &key_id, change->metric_keys, change->connection, rule->key, err);

  *value = NAN;
  if (ERR_OK != code || ! found)
    return code;
  if (slice_filled (version->model_id))
    return value_of_model (value, change, version->model_id, key_id, rule, err);
  /* Which data set a point of a run was measured on is known for logged models only. */
  if (! slice_filled (version->run_id) || NULL != rule->dataset_name.data || NULL != rule->dataset_digest.data)
    return ERR_OK;
  return value_of_run (value, change, version->run_id, key_id, err);
}
