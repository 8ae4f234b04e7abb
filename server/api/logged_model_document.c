/* Logged models as JSON documents. */
#include "api/logged_model_document.h"

#include "base/number.h"
#include "ingest/metric_flush.h"
#include "ingest/view.h"

#include <stdlib.h>

static int
compare_numbers (const void *a, const void *b)
{
  const uint32_t *left = a;
  const uint32_t *right = b;

  return (*left > *right) - (*left < *right);
}

static int
compare_metrics (const void *a, const void *b)
{
  const struct model_metric *left = a;
  const struct model_metric *right = b;
  int order;

  if (left->model != right->model)
    return left->model < right->model ? -1 : 1;
  order = slice_compare (left->key, right->key);
  if (0 == order)
    order = (left->point->timestamp_ms > right->point->timestamp_ms)
            - (left->point->timestamp_ms < right->point->timestamp_ms);
  if (0 == order)
    order = (left->point->step > right->point->step) - (left->point->step < right->point->step);
  if (0 == order)
    order = memcmp (&left->context->run_id, &right->context->run_id, sizeof (left->context->run_id));
  if (0 == order)
    order = slice_compare (left->context->dataset_name, right->context->dataset_name);
  if (0 == order)
    order = slice_compare (left->context->dataset_digest, right->context->dataset_digest);
  return 0 != order ? order : metric_value_compare (left->point->value, right->point->value);
}

/* The distinct keys of the series, sorted, and their names. */
static enum err_code
name_keys (uint32_t **key_ids, struct slice **names, size_t *count, struct api_call *call,
           const struct model_points *points, struct err *err)
{
  uint32_t *found = arena_array (call->arena, points->series_count, sizeof (found[0]));

  *key_ids = found;
  *names = arena_array (call->arena, points->series_count, sizeof ((*names)[0]));
  *count = 0;
  if (NULL == found || NULL == *names)
    return views_too_much (err);
  for (size_t i = 0; i < points->series_count; i++)
    found[i] = points->series[i].key_id;
  qsort (found, points->series_count, sizeof (found[0]), compare_numbers);
  for (size_t i = 0; i < points->series_count; i++)
    if (0 == *count || found[*count - 1] != found[i])
      found[(*count)++] = found[i];
  return metric_keys_names (*names, call->service->metrics->keys, call->connection, found, *count, call->arena, err);
}

static enum err_code
list_metrics (struct model_metrics *metrics, struct api_call *call, struct err *err)
{
  const struct model_points *points = &metrics->points;
  struct slice *names;
  uint32_t *key_ids;
  size_t key_count;
  size_t total = 0;
  enum err_code code = name_keys (&key_ids, &names, &key_count, call, points, err);

  for (size_t i = 0; i < points->series_count; i++)
    total += points->series[i].count;
  if (ERR_OK == code)
    metrics->metrics = arena_array (call->arena, total, sizeof (metrics->metrics[0]));
  if (ERR_OK != code || arena_overflowed (call->arena))
    return ERR_OK == code ? views_too_much (err) : code;
  for (size_t i = 0; i < points->series_count; i++)
  {
    const struct model_series *series = &points->series[i];
    const struct model_context *context = &points->contexts[series->context];
    const uint32_t *key = bsearch (&series->key_id, key_ids, key_count, sizeof (key_ids[0]), compare_numbers);

    for (size_t j = 0; j < series->count; j++)
      metrics->metrics[metrics->count++] =
          (struct model_metric){ context->model, names[key - key_ids], &series->points[j], context };
  }
  qsort (metrics->metrics, metrics->count, sizeof (metrics->metrics[0]), compare_metrics);
  return ERR_OK;
}

enum err_code
model_metrics_load (struct model_metrics *metrics, struct api_call *call, const struct store_logged_model *models,
                    size_t count, struct err *err)
{
  struct slice *model_ids = arena_array (call->arena, count, sizeof (model_ids[0]));
  const struct model_selection selection = { .model_ids = model_ids, .model_count = count };
  enum err_code code;

  *metrics = (struct model_metrics){ .count = 0 };
  if (NULL == model_ids)
    return views_too_much (err);
  for (size_t i = 0; i < count; i++)
    model_ids[i] = models[i].model_id;
  if (0 == count)
    return ERR_OK;
  code = model_points_load (&metrics->points, call->connection, &selection, call->arena, err);
  if (ERR_OK == code)
    code = model_points_complete (&metrics->points, NULL, err);
  return ERR_OK == code && metrics->points.series_count > 0 ? list_metrics (metrics, call, err) : code;
}

/* The first point that is not of a model before `model`. */
static size_t
find_first (const struct model_metrics *metrics, size_t model)
{
  size_t low = 0;
  size_t high = metrics->count;

  while (low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (metrics->metrics[middle].model < model)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void
write_metrics (struct json_write *w, struct slice model_id, const struct model_metrics *metrics)
{
  const struct slice *found = 0 == metrics->count
                                  ? NULL
                                  : bsearch (&model_id, metrics->points.model_ids, metrics->points.model_count,
                                             sizeof (model_id), slice_compare_items);
  size_t model = NULL == found ? 0 : (size_t)(found - metrics->points.model_ids);
  size_t first = NULL == found ? metrics->count : find_first (metrics, model);

  if (first == metrics->count || metrics->metrics[first].model != model)
    return;
  json_write_key (w, "metrics");
  json_write_array (w);
  for (size_t i = first; i < metrics->count && metrics->metrics[i].model == model; i++)
  {
    const struct model_metric *metric = &metrics->metrics[i];
    char run_id[UUID_TEXT_BYTES];

    uuid_format (run_id, &metric->context->run_id);
    json_write_object (w);
    json_write_member_string (w, "key", metric->key);
    json_write_member_double (w, "value", metric->point->value);
    json_write_member_int64 (w, "timestamp", metric->point->timestamp_ms);
    json_write_member_int64 (w, "step", metric->point->step);
    if (slice_filled (metric->context->dataset_name))
    {
      json_write_member_string (w, "dataset_name", metric->context->dataset_name);
      json_write_member_string (w, "dataset_digest", metric->context->dataset_digest);
    }
    json_write_member_string (w, "model_id", model_id);
    json_write_member_text (w, "run_id", run_id);
    json_write_object_end (w);
  }
  json_write_array_end (w);
}

void
logged_model_write (struct json_write *w, const struct store_logged_model *model, const struct model_metrics *metrics,
                    struct arena *arena)
{
  char experiment_id[NUMBER_INT64_BYTES];

  number_format_int64 (experiment_id, model->experiment_id);
  json_write_object (w);
  json_write_key (w, "info");
  json_write_object (w);
  json_write_member_string (w, "model_id", model->model_id);
  json_write_member_text (w, "experiment_id", experiment_id);
  json_write_member_string (w, "name", model->name);
  json_write_member_int64 (w, "creation_timestamp_ms", model->created_at_ms);
  json_write_member_int64 (w, "last_updated_timestamp_ms", model->updated_at_ms);
  json_write_member_string (w, "artifact_uri", model->artifact_uri);
  json_write_member_text (w, "status", logged_model_status_names[model->status]);
  json_write_member_string (w, "model_type", model->model_type);
  json_write_member_string (w, "source_run_id", model->source_run_id);
  if (slice_filled (model->status_message))
    json_write_member_string (w, "status_message", model->status_message);
  api_write_pairs (w, "tags", model->tags, arena);
  json_write_object_end (w);
  json_write_key (w, "data");
  json_write_object (w);
  api_write_pairs (w, "params", model->params, arena);
  if (NULL != metrics)
    write_metrics (w, model->model_id, metrics);
  json_write_object_end (w);
  json_write_object_end (w);
}
