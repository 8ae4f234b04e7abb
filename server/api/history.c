/* Reading the history of metrics: whole, of many runs, and sampled for charts. */
#include "api/metric.h"

#include "api/json.h"
#include "api/run.h"
#include "base/token.h"
#include "ingest/series.h"

#include <inttypes.h>
#include <stdlib.h>

/* MLflow's limits: runs of one bulk request, points of one bulk answer, points of one sample and of one run in it. */
#define BULK_RUNS_MAX 100
#define BULK_POINTS_MAX 25000
#define SAMPLE_MAX 2500
#define SAMPLE_RUN_POINTS_MAX 25000
/* Points that one answer may be made from; 32 bytes each in memory. */
#define LOAD_POINTS_MAX ((size_t)10 * 1000 * 1000)
/* Bytes of one point in JSON at the least, to stop before the answer's limit. */
#define POINT_RESERVE_BYTES ((size_t)1024)
/* Points of one piece of a streamed history: a few megabytes of JSON, made within some ten milliseconds. */
#define PIECE_POINTS ((size_t)25000)

#define SEE_API " See the API docs for more information about request parameters."

static void
write_point (struct json_write *w, struct slice key, const struct metric_point *point, const char *run_id)
{
  json_write_object (w);
  json_write_member_string (w, "key", key);
  json_write_member_double (w, "value", point->value);
  json_write_member_int64 (w, "timestamp", point->timestamp_ms);
  json_write_member_int64 (w, "step", point->step);
  if (NULL != run_id)
    json_write_member_text (w, "run_id", run_id);
  json_write_object_end (w);
}

/* A place in a history: its pages continue behind a point, so that points logged meanwhile shift nothing. */
static struct slice
make_token (const struct metric_point *point, struct arena *arena)
{
  uint64_t bits;

  memcpy (&bits, &point->value, sizeof (bits));
  return token_make (arena_printf (arena, "{\"after\":[%" PRId64 ",%" PRId64 ",\"%016" PRIx64 "\"]}",
                                   point->timestamp_ms, point->step, bits),
                     arena);
}

/* What a token says: a point to continue behind, or points to skip (the form of MLflow's own server). */
struct history_position
{
  bool has_point;
  struct metric_point point;
  uint64_t skip;
};

static enum err_code
read_token (struct history_position *position, struct slice token, struct arena *arena, struct err *err)
{
  json_t *tree;
  const json_t *after;
  const char *bits;
  enum err_code code = ERR_OK;

  *position = (struct history_position){ .skip = 0 };
  if (0 == token.len)
    return ERR_OK;
  tree = token_open (token, arena);
  after = json_object_get (tree, "after");
  bits = json_string_value (json_array_get (after, 2));
  if (3 == json_array_size (after) && json_is_integer (json_array_get (after, 0))
      && json_is_integer (json_array_get (after, 1)) && NULL != bits && 16 == strspn (bits, "0123456789abcdef"))
  {
    uint64_t value = strtoull (bits, NULL, 16);

    position->has_point = true;
    position->point.timestamp_ms = json_integer_value (json_array_get (after, 0));
    position->point.step = json_integer_value (json_array_get (after, 1));
    memcpy (&position->point.value, &value, sizeof (value));
  }
  else if (json_is_integer (json_object_get (tree, "offset"))
           && json_integer_value (json_object_get (tree, "offset")) >= 0)
    position->skip = (uint64_t)json_integer_value (json_object_get (tree, "offset"));
  else
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid page token, it could not be decoded; start again without one.");
  json_decref (tree);
  return code;
}

/* Index of the first point of the page. */
static size_t
find_start (const struct series *series, const struct history_position *position)
{
  size_t low = 0;
  size_t high = series->count;

  if (! position->has_point)
    return position->skip < series->count ? (size_t)position->skip : series->count;
  while (low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (metric_point_compare_time (&series->points[middle], &position->point) <= 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct history_request
{
  struct slice run_id;
  struct slice metric_key;
  struct slice page_token;
  struct optional_int64 max_results;
};

static const struct field history_fields[] = {
  RUN_ID_FIELD (struct history_request),
  { .name = "metric_key",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct history_request, metric_key) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct history_request, page_token) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct history_request, max_results) },
};

static const struct schema history_schema = SCHEMA (history_fields, struct history_request);

/* Write points from `start`; the page also ends where the answer would become too large. */
static enum err_code
reply_history (struct api_call *call, const struct series *series, size_t start, size_t most, struct slice key,
               struct err *err)
{
  size_t limit = (size_t)call->service->config->max_response_bytes;
  size_t left = series->count - start;
  size_t end = start + (left < most ? left : most);
  struct json_write w;
  size_t i = start;

  api_reply_start (&w, call);
  if (start < end)
  {
    json_write_key (&w, "metrics");
    json_write_array (&w);
    for (; i < end && (i == start || call->reply.len + POINT_RESERVE_BYTES * 4 < limit); i++)
      write_point (&w, key, &series->points[i], NULL);
    json_write_array_end (&w);
  }
  if (i > start && i < series->count)
    json_write_member_string (&w, "next_page_token", make_token (&series->points[i - 1], call->arena));
  return api_reply_end (&w, call, err);
}

/* A whole history that is streamed. */
struct history_stream
{
  struct uuid run_id;
  struct slice metric_key;
  struct history_position position; /* where the next piece begins */
  bool begun;
};

static api_handle next_piece;

/* Write the piece that begins at `start`. */
static enum err_code
reply_piece (struct api_call *call, const struct series *series, size_t start, struct err *err)
{
  struct history_stream *stream = call->more_context;
  size_t limit = (size_t)call->service->config->max_response_bytes;
  size_t left = series->count - start;
  size_t end = start + (left < PIECE_POINTS ? left : PIECE_POINTS);
  struct json_write w;
  size_t i = start;

  json_write_init (&w, &call->reply);
  if (! stream->begun)
  {
    json_write_object (&w);
    json_write_key (&w, "metrics");
    json_write_array (&w);
  }
  w.comma = stream->begun;
  stream->begun = true;
  for (; i < end && (i == start || call->reply.len + POINT_RESERVE_BYTES * 4 < limit); i++)
    write_point (&w, stream->metric_key, &series->points[i], NULL);
  call->more = NULL;
  if (i == series->count)
  {
    json_write_array_end (&w);
    return api_reply_end (&w, call, err);
  }
  stream->position.has_point = true;
  stream->position.point = series->points[i - 1];
  call->more = next_piece;
  return api_reply_check (call, err);
}

/* Points logged between two pieces come in when they belong behind what was sent; nothing is missing or twice, because
   each piece begins behind the last point of the one before. */
static enum err_code
next_piece (struct api_call *call, struct err *err)
{
  struct history_stream *stream = call->more_context;
  struct series series = { .count = 0 };
  enum err_code code = series_load (&series, call->service->metric_keys, call->connection, &stream->run_id, 1,
                                    stream->metric_key, metric_point_compare_time, LOAD_POINTS_MAX, call->arena, err);

  if (ERR_OK == code)
  {
    size_t start = find_start (&series, &stream->position);

    /* Nothing at all is {}. */
    if (stream->begun || start < series.count)
      code = reply_piece (call, &series, start, err);
  }
  series_free (&series, 1);
  return code;
}

static enum err_code
stream_history (struct api_call *call, const struct uuid *run_id, struct slice metric_key,
                const struct history_position *position, struct err *err)
{
  struct history_stream *stream = arena_alloc (call->arena, sizeof (*stream));

  if (NULL == stream)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  *stream = (struct history_stream){ .run_id = *run_id, .metric_key = metric_key, .position = *position };
  call->more_context = stream;
  return next_piece (call, err);
}

enum err_code
api_metric_history (struct api_call *call, struct err *err)
{
  struct history_request request;
  struct history_position position;
  struct series series = { .count = 0 };
  struct uuid run_id;
  enum err_code code = api_decode (&request, call, &history_schema, err);

  if (ERR_OK == code && request.max_results.present && request.max_results.value <= 0)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be a positive integer.",
                    request.max_results.value);
  if (ERR_OK == code)
    code = read_token (&position, request.page_token, call->arena, err);
  if (ERR_OK != code || ! uuid_parse (&run_id, request.run_id))
    return code;
  if (! request.max_results.present)
    return stream_history (call, &run_id, request.metric_key, &position, err);
  code = series_load (&series, call->service->metric_keys, call->connection, &run_id, 1, request.metric_key,
                      metric_point_compare_time, LOAD_POINTS_MAX, call->arena, err);
  if (ERR_OK == code)
    code = reply_history (call, &series, find_start (&series, &position), (size_t)request.max_results.value,
                          request.metric_key, err);
  series_free (&series, 1);
  return code;
}

/* The runs of a bulk request. Texts are kept, because the answer names the runs as they were asked for. */
struct bulk
{
  struct uuid ids[BULK_RUNS_MAX];
  size_t count; /* distinct ids that may exist */
  size_t asked[BULK_RUNS_MAX]; /* for each asked run the index of its id; SIZE_MAX: cannot exist */
  struct series series[BULK_RUNS_MAX];
};

static void
collect_runs (struct bulk *bulk, const struct slices *run_ids)
{
  for (size_t i = 0; i < run_ids->count; i++)
  {
    struct uuid id;
    size_t at = 0;

    bulk->asked[i] = SIZE_MAX;
    if (! uuid_parse (&id, run_ids->items[i]))
      continue;
    while (at < bulk->count && 0 != memcmp (&bulk->ids[at], &id, sizeof (id)))
      at++;
    if (at == bulk->count)
      bulk->ids[bulk->count++] = id;
    bulk->asked[i] = at;
  }
}

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

struct bulk_request
{
  struct slices run_id;
  struct slice metric_key;
  struct optional_int64 max_results;
};

static const struct field bulk_fields[] = {
  { .name = "run_id", .type = FIELD_STRINGS, .offset = offsetof (struct bulk_request, run_id) },
  { .name = "metric_key", .type = FIELD_STRING, .offset = offsetof (struct bulk_request, metric_key) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct bulk_request, max_results) },
};

static const struct schema bulk_schema = SCHEMA (bulk_fields, struct bulk_request);

static enum err_code
check_bulk (const struct bulk_request *request, struct err *err)
{
  if (0 == request->run_id.count)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "GetMetricHistoryBulk request must specify at least one run_id.");
  if (request->run_id.count > BULK_RUNS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %zu run_ids.",
                    BULK_RUNS_MAX, request->run_id.count);
  if (! slice_filled (request->metric_key))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "GetMetricHistoryBulk request must specify a metric_key.");
  if (request->max_results.present && request->max_results.value < 0)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must not be negative.",
                    request->max_results.value);
  return ERR_OK;
}

enum err_code
api_metric_history_bulk (struct api_call *call, struct err *err)
{
  struct bulk *bulk = arena_alloc (call->arena, sizeof (*bulk));
  struct bulk_request request;
  struct json_write w;
  int64_t left = BULK_POINTS_MAX;
  enum err_code code = api_decode (&request, call, &bulk_schema, err);

  if (NULL == bulk)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = check_bulk (&request, err);
  if (ERR_OK != code)
    return code;
  if (request.max_results.present && request.max_results.value < left)
    left = request.max_results.value;
  collect_runs (bulk, &request.run_id);
  qsort (bulk->ids, bulk->count, sizeof (bulk->ids[0]), compare_ids);
  code = series_load (bulk->series, call->service->metric_keys, call->connection, bulk->ids, bulk->count,
                      request.metric_key, metric_point_compare_time, LOAD_POINTS_MAX, call->arena, err);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "metrics");
    json_write_array (&w);
    for (size_t i = 0; i < bulk->count; i++)
    {
      char run_id[UUID_TEXT_BYTES];

      uuid_format (run_id, &bulk->ids[i]);
      for (size_t j = 0; j < bulk->series[i].count && left > 0; j++, left--)
        write_point (&w, request.metric_key, &bulk->series[i].points[j], run_id);
    }
    json_write_array_end (&w);
    code = api_reply_end (&w, call, err);
  }
  series_free (bulk->series, bulk->count);
  return code;
}

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
  if (request->run_ids.count > BULK_RUNS_MAX)
    return err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %zu run_ids." SEE_API,
        BULK_RUNS_MAX, request->run_ids.count);
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

static int
compare_int64 (const void *a, const void *b)
{
  const int64_t *left = a;
  const int64_t *right = b;

  return (*left > *right) - (*left < *right);
}

static size_t
sort_distinct (int64_t *values, size_t count)
{
  size_t kept = 0;

  qsort (values, count, sizeof (values[0]), compare_int64);
  for (size_t i = 0; i < count; i++)
    if (0 == kept || values[kept - 1] != values[i])
      values[kept++] = values[i];
  return kept;
}

/* The steps that a sample keeps, the same for all runs. */
struct sample
{
  int64_t *all; /* owned: distinct steps of all runs within the range */
  size_t all_count;
  int64_t steps[SAMPLE_MAX + 1 + 2 * BULK_RUNS_MAX];
  size_t count;
  int64_t start;
  int64_t end;
};

static bool
in_range (const struct sample *sample, int64_t step)
{
  return step >= sample->start && step <= sample->end;
}

/* Without a range: from 0 to the largest step of any run. */
static void
choose_range (struct sample *sample, const struct interval_request *request, const struct bulk *bulk)
{
  sample->start = request->start_step.value;
  sample->end = request->end_step.value;
  if (request->start_step.present)
    return;
  sample->end = -1;
  for (size_t i = 0; i < bulk->count; i++)
    if (bulk->series[i].count > 0 && bulk->series[i].points[bulk->series[i].count - 1].step > sample->end)
      sample->end = bulk->series[i].points[bulk->series[i].count - 1].step;
}

static enum err_code
collect_steps (struct sample *sample, const struct bulk *bulk, struct err *err)
{
  size_t total = 0;

  for (size_t i = 0; i < bulk->count; i++)
    total += bulk->series[i].count;
  sample->all = reallocarray (NULL, total + 1, sizeof (int64_t));
  if (NULL == sample->all)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < bulk->count; i++)
    for (size_t j = 0; j < bulk->series[i].count; j++)
    {
      int64_t step = bulk->series[i].points[j].step;

      /* A series is sorted by step: equal ones follow each other. */
      if (in_range (sample, step) && (0 == j || bulk->series[i].points[j - 1].step != step))
        sample->all[sample->all_count++] = step;
    }
  sample->all_count = sort_distinct (sample->all, sample->all_count);
  return ERR_OK;
}

/* Evenly spaced steps, the last one, and the first and last of each run. */
static void
choose_steps (struct sample *sample, const struct bulk *bulk, size_t most)
{
  if (sample->all_count <= most)
  {
    memcpy (sample->steps, sample->all, sample->all_count * sizeof (sample->all[0]));
    sample->count = sample->all_count;
  }
  else
  {
    double interval = (double)sample->all_count / (double)most;

    for (size_t i = 0; i < most; i++)
      sample->steps[sample->count++] = sample->all[(size_t)((double)i * interval)];
    sample->steps[sample->count++] = sample->all[sample->all_count - 1];
  }
  for (size_t i = 0; i < bulk->count; i++)
  {
    const struct series *series = &bulk->series[i];

    if (series->count > 0 && in_range (sample, series->points[0].step))
      sample->steps[sample->count++] = series->points[0].step;
    if (series->count > 0 && in_range (sample, series->points[series->count - 1].step))
      sample->steps[sample->count++] = series->points[series->count - 1].step;
  }
  sample->count = sort_distinct (sample->steps, sample->count);
}

static void
write_sampled (struct json_write *w, struct slice key, const struct series *series, const struct sample *sample,
               struct slice run_id_text, struct arena *arena)
{
  const char *run_id = arena_string (arena, run_id_text);
  size_t next = 0;
  size_t written = 0;

  for (size_t i = 0; i < series->count && written < SAMPLE_RUN_POINTS_MAX && NULL != run_id; i++)
  {
    while (next < sample->count && sample->steps[next] < series->points[i].step)
      next++;
    if (next == sample->count)
      break;
    if (sample->steps[next] != series->points[i].step)
      continue;
    write_point (w, key, &series->points[i], run_id);
    written++;
  }
}

enum err_code
api_metric_history_interval (struct api_call *call, struct err *err)
{
  struct bulk *bulk = arena_alloc (call->arena, sizeof (*bulk));
  struct sample *sample = arena_alloc (call->arena, sizeof (*sample));
  struct interval_request request;
  struct json_write w;
  enum err_code code = api_decode (&request, call, &interval_schema, err);

  if (NULL == bulk || NULL == sample)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = check_interval (&request, err);
  if (ERR_OK != code)
    return code;
  collect_runs (bulk, &request.run_ids);
  code = series_load (bulk->series, call->service->metric_keys, call->connection, bulk->ids, bulk->count,
                      request.metric_key, metric_point_compare_step, LOAD_POINTS_MAX, call->arena, err);
  if (ERR_OK == code)
  {
    choose_range (sample, &request, bulk);
    code = collect_steps (sample, bulk, err);
  }
  if (ERR_OK == code)
  {
    choose_steps (sample, bulk, request.max_results.present ? (size_t)request.max_results.value : SAMPLE_MAX);
    api_reply_start (&w, call);
    if (sample->count > 0)
    {
      json_write_key (&w, "metrics");
      json_write_array (&w);
      for (size_t i = 0; i < request.run_ids.count; i++)
        if (SIZE_MAX != bulk->asked[i])
          write_sampled (&w, request.metric_key, &bulk->series[bulk->asked[i]], sample, request.run_ids.items[i],
                         call->arena);
      json_write_array_end (&w);
    }
    code = api_reply_end (&w, call, err);
  }
  free (sample->all);
  series_free (bulk->series, bulk->count);
  return code;
}
