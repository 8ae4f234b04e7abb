/* Logging one metric point. */
#include "api/metric.h"

#include "api/gate.h"
#include "api/metric_request.h"
#include "api/names.h"
#include "api/run.h"
#include "base/number.h"
#include "ingest/pack.h"
#include "store/metric.h"

#include <inttypes.h>
#include <math.h>

/* The fields of a metric, in a struct that holds a struct metric_request at `base`. */
#define METRIC_FIELD(member, form, needs, base)                                                                        \
  {                                                                                                                    \
    .name = #member, .type = form, .flags = needs, .offset = (base) + offsetof (struct metric_request, member)         \
  }
#define METRIC_FIELDS(base)                                                                                            \
  METRIC_FIELD (key, FIELD_STRING, FIELD_REQUIRED | FIELD_NUL, base),                                                  \
      METRIC_FIELD (value, FIELD_DOUBLE, FIELD_REQUIRED, base),                                                        \
      METRIC_FIELD (timestamp, FIELD_INT64, FIELD_REQUIRED, base), METRIC_FIELD (step, FIELD_INT64, 0, base),          \
      METRIC_FIELD (model_id, FIELD_STRING, 0, base), METRIC_FIELD (dataset_name, FIELD_STRING, 0, base),              \
      METRIC_FIELD (dataset_digest, FIELD_STRING, 0, base)

static const struct field metric_fields[] = { METRIC_FIELDS (0) };

const struct schema metric_request_schema = SCHEMA (metric_fields, struct metric_request);

struct log_request
{
  struct slice run_id;
  struct metric_request metric;
};

static const struct field log_fields[] = { RUN_ID_FIELD (struct log_request),
                                           METRIC_FIELDS (offsetof (struct log_request, metric)) };

static const struct schema log_schema = SCHEMA (log_fields, struct log_request);

/* The value as Python prints a float. */
static const char *
python_float (char text[NUMBER_DOUBLE_BYTES], double value)
{
  if (isnan (value))
    return "nan";
  if (isinf (value))
    return value > 0 ? "inf" : "-inf";
  number_format_double (text, value);
  return text;
}

static enum err_code
check_context (const struct metric_request *request, struct err *err)
{
  enum err_code code = names_check_length (request->model_id, "model_id", MODEL_ID_MAX, err);

  if (ERR_OK == code)
    code = names_check_length (request->dataset_name, "dataset_name", DATASET_NAME_MAX, err);
  if (ERR_OK == code)
    code = names_check_length (request->dataset_digest, "dataset_digest", DATASET_DIGEST_MAX, err);
  if (ERR_OK == code && slice_filled (request->dataset_name) != slice_filled (request->dataset_digest))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Both dataset_name and dataset_digest must be provided if one is provided");
  return code;
}

enum err_code
metric_request_entry (struct metric_entry *entry, const struct metric_request *request, const char *name_parameter,
                      const char *timestamp_parameter, struct arena *arena, struct err *err)
{
  char value[NUMBER_DOUBLE_BYTES];
  enum err_code code = names_check_key (request->key, name_parameter, arena, err);

  if (ERR_OK == code && request->timestamp.value < 0)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64
                    " for parameter '%s' supplied: metric '%.*s' (value=%s). Timestamp must be a nonnegative long "
                    "(64-bit integer) ",
                    request->timestamp.value, timestamp_parameter, SLICE_ARG (request->key),
                    python_float (value, request->value.value));
  if (ERR_OK == code)
    code = names_check_length (request->key, "Metric name", KEY_MAX, err);
  if (ERR_OK == code)
    code = check_context (request, err);
  if (ERR_OK != code)
    return code;
  *entry = (struct metric_entry){
    .point = { .timestamp_ms = request->timestamp.value, .step = request->step.value, .value = request->value.value },
    .key = request->key,
  };
  if (slice_filled (request->model_id) || slice_filled (request->dataset_name))
  {
    struct metric_context *context = arena_alloc (arena, sizeof (*context));

    if (NULL == context)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    *context = (struct metric_context){ request->model_id, request->dataset_name, request->dataset_digest };
    entry->context = context;
  }
  return ERR_OK;
}

/* --- points of models --------------------------------------------------------------------------------------------- */

bool
metric_needs_worker (const struct api_call *call, const struct metric_write *write)
{
  return ! gate_owns_all (call) && metric_links_wanted (write) > 0;
}

enum err_code
metric_require_models (struct api_call *call, const struct metric_link *links, size_t count, struct err *err)
{
  struct slice *model_ids = arena_array (call->arena, count, sizeof (struct slice));

  if (NULL == model_ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
    model_ids[i] = links[i].context->model_id;
  return gate_require_models (call, model_ids, count, PERMISSION_EDIT, err);
}

/* --- log-metric --------------------------------------------------------------------------------------------------- */

enum api_next
api_metric_log (struct api_call *call)
{
  struct metric_write *write;

  if (call->body.len > API_ADMIT_MAX_BYTES)
    return API_WORK;
  write = arena_alloc (call->arena, sizeof (*write));
  if (NULL == write || ! metric_scan_single (write, call->body, call->arena))
    return API_WORK;
  if (metric_needs_worker (call, write) || ! gate_admit_run (call, &write->run_id))
    return API_WORK;
  return api_commit (call, call->service->metric_committer, write);
}

enum err_code
api_metric_log_slow (struct api_call *call, struct err *err)
{
  struct log_request request;
  struct metric_entry entry;
  struct metric_write write = { .entries = &entry, .count = 1 };
  struct commit_item item = { .err = err, .payload = &write };
  struct commit_item *items = &item;
  struct metric_link link;
  size_t link_count = 0;
  enum err_code code = api_decode (&request, call, &log_schema, err);

  if (ERR_OK == code)
    code = metric_request_entry (&entry, &request.metric, "name", "timestamp", call->arena, err);
  if (ERR_OK == code)
    code = api_run_id (&write.run_id, request.run_id, err);
  if (ERR_OK == code)
  {
    metric_links_add (&link, &link_count, &write);
    code = metric_require_models (call, &link, link_count, err);
  }
  if (ERR_OK == code)
    code = metric_flush (call->connection, &items, 1, call->service->metrics, err);
  return ERR_OK == code ? err->code : code;
}
