/* A sample of the history of a metric, at the same steps for all runs. */
#include "api/history.h"

#include "api/metric.h"
#include "base/number.h"
#include "ingest/metric_flush.h"
#include "ingest/selection.h"
#include "ingest/steps.h"

#include <inttypes.h>
#include <stdlib.h>

/* MLflow's limits: steps of one sample, and points of one run at them. */
#define SAMPLE_MAX 2500
#define SAMPLE_RUN_POINTS_MAX 25000

#define SEE_API " See the API docs for more information about request parameters."

struct interval_request
{
  struct slices run_ids;
  struct slice metric_key;
  struct optional_int64 start_step;
  struct optional_int64 end_step;
  struct optional_int64 max_results;
};

static const struct field interval_fields[] = {
  { .name = "run_ids",
    .type = FIELD_STRINGS,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct interval_request, run_ids) },
  { .name = "metric_key", .type = FIELD_STRING, .offset = offsetof (struct interval_request, metric_key) },
  { .name = "start_step", .type = FIELD_INT64, .offset = offsetof (struct interval_request, start_step) },
  { .name = "end_step", .type = FIELD_INT64, .offset = offsetof (struct interval_request, end_step) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct interval_request, max_results) },
};

static const struct schema interval_schema = SCHEMA (interval_fields, struct interval_request);

static enum err_code
check_interval (const struct interval_request *request, struct err *err)
{
  if (request->run_ids.count > HISTORY_RUNS_MAX)
    return err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %zu run_ids." SEE_API,
        HISTORY_RUNS_MAX, request->run_ids.count);
  if (! slice_filled (request->metric_key))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Missing value for required parameter 'metric_key'." SEE_API);
  if (request->max_results.present && (request->max_results.value < 1 || request->max_results.value > SAMPLE_MAX))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results must be between 1 and %d." SEE_API, SAMPLE_MAX);
  if (request->start_step.present != request->end_step.present)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "If either start step or end step are specified, both must be specified.");
  if (request->start_step.present && request->start_step.value > request->end_step.value)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "end_step must be greater than start_step. Found start_step=%" PRId64 " and end_step=%" PRId64 ".",
                    request->start_step.value, request->end_step.value);
  return ERR_OK;
}

/* A sample on its way: the steps that it keeps, the same for all runs. */
struct sample
{
  struct api_call *call;
  const struct interval_request *request;
  struct history_runs runs;
  uint32_t key_id;
  int64_t start;
  int64_t end;
  int64_t steps[SAMPLE_MAX + 1 + 2 * HISTORY_RUNS_MAX];
  size_t count;
  struct selection points[HISTORY_RUNS_MAX];
};

static size_t
sort_distinct (int64_t *values, size_t count)
{
  size_t kept = 0;

  qsort (values, count, sizeof (values[0]), number_compare_int64_items);
  for (size_t i = 0; i < count; i++)
    if (0 == kept || values[kept - 1] != values[i])
      values[kept++] = values[i];
  return kept;
}

static void
keep_step (struct sample *sample, int64_t step)
{
  if (step >= sample->start && step <= sample->end)
    sample->steps[sample->count++] = step;
}

/* Evenly spaced steps, the last one, and the first and last of each run. */
static void
choose_steps (struct sample *sample, const struct steps *steps, const struct views *views)
{
  const struct interval_request *request = sample->request;
  uint64_t most = request->max_results.present ? (uint64_t)request->max_results.value : SAMPLE_MAX;
  uint64_t all = steps_count (steps);

  sample->count = 0;
  if (all <= most)
    for (uint64_t i = 0; i < all; i++)
      keep_step (sample, steps_at (steps, i));
  else
  {
    double interval = (double)all / (double)most;

    for (uint64_t i = 0; i < most; i++)
      keep_step (sample, steps_at (steps, (uint64_t)((double)i * interval)));
    keep_step (sample, steps_at (steps, all - 1));
  }
  for (size_t i = 0; i < views->run_count; i++)
    if (views->views[i].points > 0)
    {
      keep_step (sample, views->views[i].first_step);
      keep_step (sample, views->views[i].last_step);
    }
  sample->count = sort_distinct (sample->steps, sample->count);
}

/* Without a range: from 0 to the largest step of any run. */
static void
choose_range (struct sample *sample, const struct views *views)
{
  sample->start = sample->request->start_step.value;
  sample->end = sample->request->end_step.value;
  if (sample->request->start_step.present)
    return;
  sample->end = -1;
  for (size_t i = 0; i < views->run_count; i++)
    if (views->views[i].points > 0 && views->views[i].last_step > sample->end)
      sample->end = views->views[i].last_step;
}

static void
free_points (struct sample *sample)
{
  for (size_t i = 0; i < HISTORY_RUNS_MAX; i++)
    selection_free (&sample->points[i]);
}

/* Choose the steps, and collect the points at them. */
static enum err_code
sample_views (struct sample *sample, struct views *views, struct err *err)
{
  struct steps *steps;
  enum err_code code;

  choose_range (sample, views);
  code = steps_collect (&steps, views, sample->start, sample->end, err);
  if (ERR_OK != code)
    return code;
  choose_steps (sample, steps, views);
  for (size_t i = 0; ERR_OK == code && i < sample->runs.count; i++)
  {
    sample->points[i] = (struct selection){ .order = metric_point_compare_step,
                                            .steps = sample->steps,
                                            .step_count = sample->count,
                                            .limit = SAMPLE_RUN_POINTS_MAX };
    code = selection_run (&sample->points[i], views, i, err);
  }
  return code;
}

static enum err_code
interval_work (struct store_connection *connection, void *context, struct err *err)
{
  struct sample *sample = context;
  const struct interval_request *request = sample->request;
  struct views_options options = { .key_names = &request->metric_key,
                                   .range = STORE_CHUNK_RANGE_ALL,
                                   .with_summary = true };
  struct arena *arena = arena_new (VIEWS_ARENA_BYTES);
  struct views views;
  enum err_code code;

  if (NULL == arena)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  free_points (sample);
  options.range.min_step = request->start_step.present ? request->start_step.value : 0;
  options.range.max_step = request->end_step.present ? request->end_step.value : INT64_MAX;
  code =
      views_load (&views, connection, sample->runs.ids, sample->runs.count, &sample->key_id, 1, &options, arena, err);
  if (ERR_OK == code)
    code = sample_views (sample, &views, err);
  arena_free (arena);
  return code;
}

static enum err_code
reply_sample (struct sample *sample, struct err *err)
{
  const struct interval_request *request = sample->request;
  struct api_call *call = sample->call;
  struct json_write w;

  api_reply_start (&w, call);
  if (sample->count > 0)
  {
    json_write_key (&w, "metrics");
    json_write_array (&w);
    for (size_t i = 0; i < request->run_ids.count; i++)
    {
      const char *run_id = arena_string (call->arena, request->run_ids.items[i]);
      const struct selection *points =
          SIZE_MAX == sample->runs.asked[i] ? NULL : &sample->points[sample->runs.asked[i]];

      for (size_t j = 0; NULL != points && NULL != run_id && j < points->count; j++)
        history_write_point (&w, request->metric_key, &points->points[j], run_id);
    }
    json_write_array_end (&w);
  }
  return api_reply_end (&w, call, err);
}

enum err_code
api_metric_history_interval (struct api_call *call, struct err *err)
{
  struct sample *sample = arena_alloc (call->arena, sizeof (*sample));
  struct interval_request request;
  bool found = false;
  enum err_code code = api_decode (&request, call, &interval_schema, err);

  if (NULL == sample)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = check_interval (&request, err);
  if (ERR_OK != code)
    return code;
  sample->call = call;
  sample->request = &request;
  history_collect_runs (&sample->runs, &request.run_ids);
  code = metric_keys_find (&found, &sample->key_id, call->service->metrics->keys, call->connection, request.metric_key,
                           err);
  if (ERR_OK == code && found && sample->runs.count > 0)
    code = store_transaction (call->connection, STORE_SNAPSHOT, interval_work, sample, err);
  if (ERR_OK == code)
    code = reply_sample (sample, err);
  free_points (sample);
  return code;
}
