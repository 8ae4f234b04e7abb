/* Logging metrics, params and tags of a run, all or none. */
#include "api/metric.h"

#include "api/gate.h"
#include "api/json.h"
#include "api/metric_request.h"
#include "api/names.h"
#include "api/run.h"
#include "base/stats.h"
#include "ingest/metric_flush.h"
#include "store/metric.h"
#include "store/run.h"

#include <stdlib.h>

/* Packed points of one request; its JSON is smaller than this. */
#define PACKED_MAX_BYTES ((size_t)1024 * 1024 * 1024)
/* Conflicting params that one message lists. */
#define CONFLICTS_SHOWN 10

struct batch_request
{
  struct slice run_id;
  struct objects metrics; /* struct metric_request */
  struct objects params; /* struct key_value */
  struct objects tags; /* struct key_value */
};

static const struct field batch_fields[] = {
  RUN_ID_FIELD (struct batch_request),
  { .name = "metrics",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct batch_request, metrics),
    .schema = &metric_request_schema },
  { .name = "params",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct batch_request, params),
    .schema = &key_value_required_schema },
  { .name = "tags",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct batch_request, tags),
    .schema = &key_value_required_schema },
};

static const struct schema batch_schema = SCHEMA (batch_fields, struct batch_request);

enum api_next
api_batch_log (struct api_call *call)
{
  const struct config *config = call->service->config;
  size_t max_metrics =
      (size_t)(config->max_metrics_per_batch < config->max_items_per_batch ? config->max_metrics_per_batch
                                                                           : config->max_items_per_batch);
  struct metric_write *write = arena_alloc (call->arena, sizeof (*write));

  if (NULL == write
      || ! metric_scan_batch (write, call->body, max_metrics, (unsigned)config->max_json_depth, call->arena))
    return API_WORK;
  if (metric_needs_worker (call, write) || ! gate_admit_run (call, &write->run_id))
    return API_WORK;
  return api_commit (call, call->service->metric_committer, write);
}

/* What messages about too long keys and values call them; NULL: by their path. */
struct pair_names
{
  const char *key;
  const char *value;
};

static enum err_code
check_pairs (struct key_value *pairs, size_t count, const char *list, const struct pair_names *names, size_t value_max,
             const struct api_call *call, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    char path[64];
    char value_path[64];

    snprintf (path, sizeof (path), "%s[%zu].key", list, i);
    snprintf (value_path, sizeof (value_path), "%s[%zu].value", list, i);
    code = names_check_key (pairs[i].key, path, call->arena, err);
    if (ERR_OK == code)
      code = names_check_length (pairs[i].key, NULL == names->key ? path : names->key, KEY_MAX, err);
    if (ERR_OK == code)
      code =
          api_run_limit_value (&pairs[i].value, call, NULL == names->value ? value_path : names->value, value_max, err);
  }
  return code;
}

static enum err_code
check_count (size_t count, int64_t max, const char *what, struct err *err)
{
  if (count <= (size_t)max)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "A batch logging request can contain at most %lld %s. Got %zu %s. Please split up %s across multiple "
                  "requests and try again.",
                  (long long)max, what, count, what, what);
}

static enum err_code
check_counts (const struct batch_request *request, const struct config *config, struct err *err)
{
  size_t total = request->metrics.count + request->params.count + request->tags.count;
  enum err_code code = check_count (request->metrics.count, config->max_metrics_per_batch, "metrics", err);

  if (ERR_OK == code)
    code = check_count (request->params.count, config->max_params_per_batch, "params", err);
  if (ERR_OK == code)
    code = check_count (request->tags.count, config->max_tags_per_batch, "tags", err);
  if (ERR_OK == code)
    code = check_count (total, config->max_items_per_batch, "metrics, params, and tags", err);
  return code;
}

static enum err_code
check_duplicates (const struct key_value *params, size_t count, struct arena *arena, struct err *err)
{
  struct slice *keys = arena_array (arena, count, sizeof (struct slice));
  char *list = NULL;

  if (NULL == keys)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
    keys[i] = params[i].key;
  qsort (keys, count, sizeof (keys[0]), slice_compare_items);
  for (size_t i = 1; i < count; i++)
    if (slice_equal (keys[i - 1], keys[i]))
      list =
          arena_printf (arena, "%s%s'%.*s'", NULL == list ? "" : list, NULL == list ? "" : ", ", SLICE_ARG (keys[i]));
  if (NULL == list)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Duplicate parameter keys have been submitted: [%s]. Please ensure the request contains only one "
                  "param value per param key.",
                  list);
}

struct batch_call
{
  struct api_call *call;
  struct uuid run_id;
  const struct key_value *params;
  size_t param_count;
  const struct key_value *tags;
  size_t tag_count;
  struct slice packed; /* metric points; absent for none */
  struct metric_link *links; /* of the run with the contexts of its points */
  size_t link_count;
  struct store_context_links missing_links; /* those to be written */
  char *conflicts; /* for the message; NULL for none */
  size_t conflict_count;
};

static void
note_conflict (void *context, struct slice key, struct slice value)
{
  struct batch_call *batch = context;
  struct arena *arena = batch->call->arena;

  for (size_t i = 0; i < batch->param_count; i++)
  {
    if (! slice_equal (batch->params[i].key, key) || slice_equal (batch->params[i].value, value))
      continue;
    if (batch->conflict_count++ < CONFLICTS_SHOWN)
      batch->conflicts = arena_printf (arena, "%s%s{'key': %s, 'old_value': %s, 'new_value': %s}",
                                       NULL == batch->conflicts ? "" : batch->conflicts,
                                       NULL == batch->conflicts ? "" : ", ", api_python_repr (key, arena),
                                       api_python_repr (value, arena), api_python_repr (batch->params[i].value, arena));
  }
}

static enum err_code
refuse_conflicts (const struct batch_call *batch, struct err *err)
{
  char run_id[UUID_TEXT_BYTES];

  uuid_format (run_id, &batch->run_id);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Changing param values is not allowed. Params were already logged='[%s]' for run ID='%s'.",
                  NULL == batch->conflicts ? "" : batch->conflicts, run_id);
}

/* The keys of the params as an array; NULL when memory is out. */
static const struct slice *
param_keys (const struct batch_call *batch)
{
  struct slice *keys = arena_array (batch->call->arena, batch->param_count, sizeof (struct slice));

  for (size_t i = 0; NULL != keys && i < batch->param_count; i++)
    keys[i] = batch->params[i].key;
  return keys;
}

static enum err_code
queue_merge (struct pipeline *pipeline, const struct batch_call *batch, struct err *err)
{
  struct arena *arena = batch->call->arena;
  struct slice params = { NULL, 0 };
  struct slice tags = { NULL, 0 };
  struct slice name = { NULL, 0 };

  if (0 == batch->param_count + batch->tag_count)
    return ERR_OK;
  if (batch->param_count > 0)
    params = api_pairs_object (batch->params, batch->param_count, 0, arena);
  if (batch->tag_count > 0)
    tags = api_pairs_object (batch->tags, batch->tag_count, 0, arena);
  if (arena_overflowed (arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < batch->tag_count; i++)
    if (slice_is (batch->tags[i].key, RUN_NAME_TAG) && slice_filled (batch->tags[i].value))
      name = batch->tags[i].value;
  store_run_queue_merge (pipeline, &batch->run_id, params, tags, name);
  return ERR_OK;
}

/* The last statements and the commit. */
static enum err_code
write_and_commit (struct result *appended, struct pipeline *pipeline, const struct batch_call *batch, struct err *err)
{
  enum err_code code = queue_merge (pipeline, batch, err);

  if (ERR_OK == code && NULL != batch->packed.data)
    store_metric_queue_append (appended, pipeline, &batch->run_id, &batch->packed, 1, &batch->missing_links);
  return ERR_OK == code ? pipeline_commit (pipeline, err) : code;
}

/* Lock, read the params, decide, write: two round trips. Without params there is nothing to decide, because each
   statement writes to active runs only, and one is enough. */
static enum err_code
batch_work (struct store_connection *connection, void *context, struct err *err)
{
  struct batch_call *batch = context;
  struct result state = { NULL };
  struct result present = { NULL };
  struct result appended = { NULL };
  struct pipeline pipeline;
  bool exists = false;
  bool deleted = false;
  enum err_code code = ERR_OK;

  batch->conflicts = NULL;
  batch->conflict_count = 0;
  pipeline_init (&pipeline, connection, batch->call->arena);
  /* The lock keeps the run as it is, and its params, until the commit. */
  store_run_queue_lock (&state, &pipeline, &batch->run_id);
  if (batch->param_count > 0)
  {
    const struct slice *keys = param_keys (batch);

    if (NULL == keys)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    store_run_queue_params (&present, &pipeline, &batch->run_id, keys, batch->param_count);
    code = pipeline_run (&pipeline, err);
  }
  else
    code = write_and_commit (&appended, &pipeline, batch, err);
  if (ERR_OK == code)
    code = store_run_read_lock (&exists, &deleted, &state, err);
  if (ERR_OK == code && (! exists || deleted))
    code = metric_run_refused (err, &batch->run_id, deleted);
  if (ERR_OK == code && batch->param_count > 0)
  {
    code = store_run_read_params (&present, note_conflict, batch, err);
    if (ERR_OK == code && batch->conflict_count > 0)
      code = refuse_conflicts (batch, err);
    pipeline_init (&pipeline, connection, batch->call->arena);
    if (ERR_OK == code)
      code = write_and_commit (&appended, &pipeline, batch, err);
  }
  if (ERR_OK == code && NULL != batch->packed.data && 1 != result_count (&appended))
    code = err_set_cause (err, ERR_INTERNAL_ERROR, "a locked run refused its metrics", "internal error");
  result_free (&state);
  result_free (&present);
  result_free (&appended);
  return code;
}

/* All metrics of the request as entries. */
static enum err_code
read_metrics (struct metric_write *write, const struct batch_request *request, struct arena *arena, struct err *err)
{
  const struct metric_request *metrics = request->metrics.items;
  enum err_code code = ERR_OK;

  write->count = request->metrics.count;
  write->entries = arena_array (arena, write->count, sizeof (struct metric_entry));
  if (NULL == write->entries)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < write->count; i++)
  {
    char name[64];
    char timestamp[64];

    snprintf (name, sizeof (name), "metrics[%zu].name", i);
    snprintf (timestamp, sizeof (timestamp), "metrics[%zu].timestamp", i);
    code = metric_request_entry (&write->entries[i], &metrics[i], name, timestamp, arena, err);
  }
  return code;
}

/* Names become numbers before the transaction, because numbers stay even when it fails. */
static enum err_code
pack (struct buffer *packed, struct api_call *call, struct metric_write *write, struct err *err)
{
  struct metric_entry **entries = arena_array (call->arena, write->count, sizeof (entries[0]));
  enum err_code code;

  if (NULL == entries)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < write->count; i++)
    entries[i] = &write->entries[i];
  code = metric_keys_resolve (call->service->metrics->keys, call->connection, entries, write->count, call->arena, err);
  if (ERR_OK == code && ! metric_write_pack (packed, write))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return code;
}

/* Points of models are linked with the run. */
static enum err_code
link_models (struct batch_call *batch, const struct metric_write *write, struct err *err)
{
  struct api_call *call = batch->call;
  size_t wanted = metric_links_wanted (write);
  size_t at = 0;
  enum err_code code;

  if (0 == wanted)
    return ERR_OK;
  batch->links = arena_array (call->arena, wanted, sizeof (batch->links[0]));
  if (NULL == batch->links)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  metric_links_add (batch->links, &batch->link_count, write);
  code = metric_require_models (call, batch->links, batch->link_count, err);
  if (ERR_OK == code)
    code = metric_contexts_resolve (call->service->metrics->contexts, call->connection, batch->links, batch->link_count,
                                    call->arena, err);
  if (ERR_OK == code)
    code = metric_links_check (batch->links, &at, write, err);
  if (ERR_OK != code)
    return code;
  batch->missing_links = metric_links_new (batch->links, batch->link_count, call->arena);
  return arena_overflowed (call->arena) ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

static enum err_code
check_request (struct metric_write *write, struct batch_request *request, const struct api_call *call, struct err *err)
{
  static const struct pair_names param_names = { "Param key", "Param value" };
  static const struct pair_names tag_names = { NULL, NULL };
  enum err_code code = api_run_check_shape (request->run_id, call->arena, err);

  if (ERR_OK == code)
    code = read_metrics (write, request, call->arena, err);
  if (ERR_OK == code)
    code =
        check_pairs (request->params.items, request->params.count, "params", &param_names, PARAM_VALUE_MAX, call, err);
  if (ERR_OK == code)
    code = check_pairs (request->tags.items, request->tags.count, "tags", &tag_names, RUN_TAG_VALUE_MAX, call, err);
  if (ERR_OK == code)
    code = check_counts (request, call->service->config, err);
  if (ERR_OK == code)
    code = check_duplicates (request->params.items, request->params.count, call->arena, err);
  if (ERR_OK == code)
    code = api_run_id (&write->run_id, request->run_id, err);
  return code;
}

enum err_code
api_batch_log_slow (struct api_call *call, struct err *err)
{
  struct batch_request request;
  struct metric_write write = { .count = 0 };
  struct batch_call batch = { .call = call };
  struct buffer packed;
  enum err_code code;

  buffer_init (&packed, PACKED_MAX_BYTES);
  code = api_decode (&request, call, &batch_schema, err);
  if (ERR_OK == code)
    code = check_request (&write, &request, call, err);
  if (ERR_OK == code && write.count > 0)
    code = link_models (&batch, &write, err);
  if (ERR_OK == code && write.count > 0)
    code = pack (&packed, call, &write, err);
  if (ERR_OK == code)
  {
    batch.run_id = write.run_id;
    batch.params = request.params.items;
    batch.param_count = request.params.count;
    batch.tags = request.tags.items;
    batch.tag_count = request.tags.count;
    batch.packed = buffer_slice (&packed);
    code = store_transaction (call->connection, STORE_WRITE, batch_work, &batch, err);
  }
  if (ERR_OK == code && write.count > 0)
  {
    stats_add (&stats.metric_points, (int64_t)write.count);
    folder_note (call->service->metrics->folder, &write.run_id, 1, write.count);
    for (size_t i = 0; i < batch.link_count; i++)
      if (0 != batch.links[i].context_id)
        metric_contexts_remember (call->service->metrics->contexts, &batch.links[i]);
  }
  buffer_free (&packed);
  return code;
}
