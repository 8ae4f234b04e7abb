/* Reading the history of metrics: all of one run, and of many runs. */
#include "api/history.h"

#include "api/metric.h"
#include "api/run.h"
#include "base/token.h"
#include "ingest/metric_flush.h"
#include "ingest/selection.h"

#include <inttypes.h>
#include <stdlib.h>

/* MLflow's limit of points of one bulk answer. */
#define BULK_POINTS_MAX 25000
/* Bytes of one point in JSON at the least, to stop before the answer's limit. */
#define POINT_RESERVE_BYTES ((size_t)1024)
/* The least that a point takes in JSON, so that no page is looked for that could not be answered. */
#define POINT_LEAST_BYTES ((size_t)48)
/* Points of one piece of a streamed history: a few megabytes of JSON, made within some ten milliseconds. */
#define PIECE_POINTS ((size_t)25000)

void
history_write_point (struct json_write *w, struct slice key, const struct metric_point *point, const char *run_id)
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

/* A page or a piece on its way. */
struct history_call
{
  struct api_call *call;
  struct uuid run_id;
  struct slice metric_key;
  uint32_t key_id;
  struct history_position position;
  size_t most; /* points of the page */
  struct selection selection;
};

static enum err_code
history_work (struct store_connection *connection, void *context, struct err *err)
{
  struct history_call *history = context;
  struct views_options options = { .key_names = &history->metric_key, .range = STORE_CHUNK_RANGE_ALL };
  struct arena *arena = arena_new (VIEWS_ARENA_BYTES);
  struct views views;
  enum err_code code;

  if (NULL == arena)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  selection_free (&history->selection);
  history->selection =
      (struct selection){ .order = metric_point_compare_time, .limit = (size_t)history->position.skip + history->most };
  if (history->position.has_point)
  {
    history->selection.after = &history->position.point;
    options.range.min_timestamp_ms = history->position.point.timestamp_ms;
  }
  code = views_load (&views, connection, &history->run_id, 1, &history->key_id, 1, &options, arena, err);
  if (ERR_OK == code)
    code = selection_run (&history->selection, &views, 0, err);
  arena_free (arena);
  return code;
}

/* Write the page; it also ends where the answer would become too large. */
static enum err_code
reply_history (struct history_call *history, struct err *err)
{
  struct api_call *call = history->call;
  const struct selection *selection = &history->selection;
  size_t limit = (size_t)call->service->config->max_response_bytes;
  size_t start = (size_t)history->position.skip;
  struct json_write w;
  size_t i = start;

  api_reply_start (&w, call);
  if (start < selection->count)
  {
    json_write_key (&w, "metrics");
    json_write_array (&w);
    for (; i < selection->count && (i == start || call->reply.len + POINT_RESERVE_BYTES * 4 < limit); i++)
      history_write_point (&w, history->metric_key, &selection->points[i], NULL);
    json_write_array_end (&w);
  }
  if (i > start && (i < selection->count || selection->more))
    json_write_member_string (&w, "next_page_token", make_token (&selection->points[i - 1], call->arena));
  return api_reply_end (&w, call, err);
}

/* A whole history that is streamed. */
struct history_stream
{
  struct uuid run_id;
  struct slice metric_key;
  uint32_t key_id;
  struct history_position position; /* where the next piece begins */
  bool begun;
};

static api_handle next_piece;

/* Write a piece; after the last one `more` is cleared. */
static enum err_code
reply_piece (struct api_call *call, const struct history_call *piece, struct err *err)
{
  struct history_stream *stream = call->more_context;
  const struct selection *selection = &piece->selection;
  size_t limit = (size_t)call->service->config->max_response_bytes;
  size_t start = (size_t)piece->position.skip;
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
  for (; i < selection->count && (i == start || call->reply.len + POINT_RESERVE_BYTES * 4 < limit); i++)
    history_write_point (&w, stream->metric_key, &selection->points[i], NULL);
  call->more = NULL;
  if (i >= selection->count && ! selection->more)
  {
    json_write_array_end (&w);
    return api_reply_end (&w, call, err);
  }
  stream->position = (struct history_position){ .has_point = true, .point = selection->points[i - 1] };
  call->more = next_piece;
  return api_reply_check (call, err);
}

/* Points logged between two pieces come in when they belong behind what was sent; nothing is missing or twice, because
   each piece begins behind the last point of the one before. */
static enum err_code
next_piece (struct api_call *call, struct err *err)
{
  struct history_stream *stream = call->more_context;
  struct history_call piece = {
    .call = call, .run_id = stream->run_id, .key_id = stream->key_id, .position = stream->position, .most = PIECE_POINTS
  };
  enum err_code code = store_transaction (call->connection, STORE_SNAPSHOT, history_work, &piece, err);

  /* Nothing at all is {}. */
  if (ERR_OK == code && (stream->begun || piece.selection.count > (size_t)piece.position.skip))
    code = reply_piece (call, &piece, err);
  selection_free (&piece.selection);
  return code;
}

static enum err_code
stream_history (const struct history_call *history, struct err *err)
{
  struct history_stream *stream = arena_alloc (history->call->arena, sizeof (*stream));

  if (NULL == stream)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  *stream = (struct history_stream){ .run_id = history->run_id,
                                     .metric_key = history->metric_key,
                                     .key_id = history->key_id,
                                     .position = history->position };
  history->call->more_context = stream;
  return next_piece (history->call, err);
}

enum err_code
api_metric_history (struct api_call *call, struct err *err)
{
  struct history_request request;
  struct history_call history = { .call = call };
  size_t most = (size_t)call->service->config->max_response_bytes / POINT_LEAST_BYTES;
  bool found = false;
  enum err_code code = api_decode (&request, call, &history_schema, err);

  if (ERR_OK == code && request.max_results.present && request.max_results.value <= 0)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be a positive integer.",
                    request.max_results.value);
  if (ERR_OK == code)
    code = read_token (&history.position, request.page_token, call->arena, err);
  if (ERR_OK == code && uuid_parse (&history.run_id, request.run_id))
    code = metric_keys_find (&found, &history.key_id, call->service->metrics->keys, call->connection,
                             request.metric_key, err);
  if (ERR_OK != code || ! found)
    return code;
  history.metric_key = request.metric_key;
  if (! request.max_results.present)
    return stream_history (&history, err);
  history.most = (uint64_t)request.max_results.value < most ? (size_t)request.max_results.value : most;
  code = store_transaction (call->connection, STORE_SNAPSHOT, history_work, &history, err);
  if (ERR_OK == code)
    code = reply_history (&history, err);
  selection_free (&history.selection);
  return code;
}

void
history_collect_runs (struct history_runs *runs, const struct slices *run_ids)
{
  runs->count = 0;
  for (size_t i = 0; i < run_ids->count; i++)
  {
    struct uuid id;
    size_t at = 0;

    runs->asked[i] = SIZE_MAX;
    if (! uuid_parse (&id, run_ids->items[i]))
      continue;
    while (at < runs->count && 0 != memcmp (&runs->ids[at], &id, sizeof (id)))
      at++;
    if (at == runs->count)
      runs->ids[runs->count++] = id;
    runs->asked[i] = at;
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
  if (request->run_id.count > HISTORY_RUNS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %zu run_ids.",
                    HISTORY_RUNS_MAX, request->run_id.count);
  if (! slice_filled (request->metric_key))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "GetMetricHistoryBulk request must specify a metric_key.");
  if (request->max_results.present && request->max_results.value < 0)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must not be negative.",
                    request->max_results.value);
  return ERR_OK;
}

/* A bulk answer on its way. */
struct bulk_call
{
  struct api_call *call;
  struct history_runs runs; /* sorted */
  struct slice key;
  uint32_t key_id;
  size_t left; /* points that may still be written */
  struct json_write w;
};

static enum err_code
bulk_work (struct store_connection *connection, void *context, struct err *err)
{
  struct bulk_call *bulk = context;
  const struct views_options options = { .key_names = &bulk->key, .range = STORE_CHUNK_RANGE_ALL };
  struct arena *arena = arena_new (VIEWS_ARENA_BYTES);
  struct views views;
  enum err_code code;

  if (NULL == arena)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = views_load (&views, connection, bulk->runs.ids, bulk->runs.count, &bulk->key_id, 1, &options, arena, err);

  for (size_t i = 0; ERR_OK == code && i < bulk->runs.count && bulk->left > 0; i++)
  {
    struct selection selection = { .order = metric_point_compare_time, .limit = bulk->left };
    char run_id[UUID_TEXT_BYTES];

    uuid_format (run_id, &bulk->runs.ids[i]);
    code = selection_run (&selection, &views, i, err);
    for (size_t j = 0; ERR_OK == code && j < selection.count; j++)
      history_write_point (&bulk->w, bulk->key, &selection.points[j], run_id);
    bulk->left -= ERR_OK == code ? selection.count : 0;
    selection_free (&selection);
  }
  arena_free (arena);
  return code;
}

enum err_code
api_metric_history_bulk (struct api_call *call, struct err *err)
{
  struct bulk_call *bulk = arena_alloc (call->arena, sizeof (*bulk));
  struct bulk_request request;
  bool found = false;
  enum err_code code = api_decode (&request, call, &bulk_schema, err);

  if (NULL == bulk)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = check_bulk (&request, err);
  if (ERR_OK != code)
    return code;
  bulk->call = call;
  bulk->key = request.metric_key;
  bulk->left = BULK_POINTS_MAX;
  if (request.max_results.present && request.max_results.value < BULK_POINTS_MAX)
    bulk->left = (size_t)request.max_results.value;
  history_collect_runs (&bulk->runs, &request.run_id);
  qsort (bulk->runs.ids, bulk->runs.count, sizeof (bulk->runs.ids[0]), compare_ids);
  code =
      metric_keys_find (&found, &bulk->key_id, call->service->metrics->keys, call->connection, request.metric_key, err);
  if (ERR_OK != code)
    return code;
  api_reply_start (&bulk->w, call);
  json_write_key (&bulk->w, "metrics");
  json_write_array (&bulk->w);
  /* Reads only: it cannot meet a conflict, after which it would run, and write, again. */
  if (found && bulk->runs.count > 0)
    code = store_transaction (call->connection, STORE_SNAPSHOT, bulk_work, bulk, err);
  json_write_array_end (&bulk->w);
  return ERR_OK == code ? api_reply_end (&bulk->w, call, err) : code;
}
