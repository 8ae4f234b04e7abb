/* The fast reading of metric bodies against the thorough one: what the fast one takes, the other takes too, with the
   same run, keys, times, steps, values, models and data sets.
   The input is a byte that picks log-metric or log-batch, then the body. */
#include "defaults.h"
#include "fuzz.h"

#include "api/json.h"
#include "api/metric_request.h"
#include "api/run.h"

#include <math.h>
#include <string.h>

/* Far above what the largest input needs on either way. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define MAX_METRICS ((size_t)default_config.max_metrics_per_batch)

struct single
{
  struct slice run_id;
  struct metric_request metric;
};

struct batch
{
  struct slice run_id;
  struct objects metrics;
  struct objects params;
  struct objects tags;
};

/* The request of log-metric: the members of a metric beside the run. */
static struct schema
single_schema (void)
{
  static struct field fields[16] = { RUN_ID_FIELD (struct single) };
  size_t count = metric_request_schema.count;

  REQUIRE (count + 1 <= sizeof (fields) / sizeof (fields[0]));
  for (size_t i = 0; i < count; i++)
  {
    fields[i + 1] = metric_request_schema.fields[i];
    fields[i + 1].offset += offsetof (struct single, metric);
  }
  return (struct schema){ fields, count + 1, sizeof (struct single) };
}

static const struct field batch_fields[] = {
  RUN_ID_FIELD (struct batch),
  { .name = "metrics",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct batch, metrics),
    .schema = &metric_request_schema },
  { .name = "params",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct batch, params),
    .schema = &key_value_required_schema },
  { .name = "tags",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct batch, tags),
    .schema = &key_value_required_schema },
};

static const struct schema batch_schema = SCHEMA (batch_fields, struct batch);

static void
check_context (const struct metric_context *fast, const struct metric_context *thorough)
{
  REQUIRE ((NULL == fast) == (NULL == thorough));
  if (NULL == fast)
    return;
  REQUIRE (slice_equal (fast->model_id, thorough->model_id));
  REQUIRE (slice_equal (fast->dataset_name, thorough->dataset_name));
  REQUIRE (slice_equal (fast->dataset_digest, thorough->dataset_digest));
}

static void
check_metric (const struct metric_entry *fast, const struct metric_request *request, struct arena *arena)
{
  struct metric_entry entry;
  struct err err = { 0 };

  REQUIRE (ERR_OK == metric_request_entry (&entry, request, "name", "timestamp", arena, &err));
  REQUIRE (slice_equal (fast->key, entry.key));
  REQUIRE (fast->point.timestamp_ms == entry.point.timestamp_ms);
  REQUIRE (fast->point.step == entry.point.step);
  REQUIRE (0 == memcmp (&fast->point.value, &entry.point.value, sizeof (double))
           || (isnan (fast->point.value) && isnan (entry.point.value)));
  REQUIRE (0 == fast->point.key_id);
  check_context (fast->context, entry.context);
}

static void
check_run (const struct metric_write *fast, struct slice run_id)
{
  struct uuid id;
  struct err err = { 0 };

  REQUIRE (ERR_OK == api_run_id (&id, run_id, &err));
  REQUIRE (0 == memcmp (&fast->run_id, &id, sizeof (id)));
}

/* Decode the thorough way, and say why when that refuses. */
static void
decode (void *request, struct api_call *call, const struct schema *schema)
{
  struct err err = { 0 };

  if (ERR_OK != api_decode (request, call, schema, &err))
    fprintf (stderr, "%s\nin %.*s\n", err.message, SLICE_ARG (call->body));
  REQUIRE (ERR_OK == err.code);
}

static void
check_single (struct api_call *call)
{
  struct schema schema = single_schema ();
  struct metric_write fast;
  struct single request;

  if (! metric_scan_single (&fast, call->body, call->arena))
    return;
  REQUIRE (1 == fast.count);
  decode (&request, call, &schema);
  check_run (&fast, request.run_id);
  check_metric (&fast.entries[0], &request.metric, call->arena);
}

static void
check_batch (struct api_call *call)
{
  struct metric_write fast;
  struct batch request;
  struct err err = { 0 };

  if (! metric_scan_batch (&fast, call->body, MAX_METRICS, (unsigned)default_config.max_json_depth, call->arena))
    return;
  decode (&request, call, &batch_schema);
  REQUIRE (0 == request.params.count && 0 == request.tags.count);
  REQUIRE (fast.count == request.metrics.count && fast.count > 0 && fast.count <= MAX_METRICS);
  REQUIRE (ERR_OK == api_run_check_shape (request.run_id, call->arena, &err));
  check_run (&fast, request.run_id);
  for (size_t i = 0; i < fast.count; i++)
    check_metric (&fast.entries[i], (const struct metric_request *)request.metrics.items + i, call->arena);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const struct api_service service = { .config = &default_config };
  struct api_call call = { .service = &service };

  if (0 == size)
    return 0;
  call.arena = arena_new (ARENA_BYTES);
  REQUIRE (NULL != call.arena);
  call.body = (struct slice){ (const char *)data + 1, size - 1 };
  if (0 == data[0] % 2)
    check_single (&call);
  else
    check_batch (&call);
  json_decref (call.arguments);
  arena_free (call.arena);
  return 0;
}
