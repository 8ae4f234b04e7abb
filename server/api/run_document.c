/* Runs as JSON documents. */
#include "api/run_document.h"

#include "base/id_index.h"
#include "base/number.h"
#include "ingest/metric_flush.h"
#include "store/dataset.h"

#include <stdlib.h>

/* What the rows of a stream are rendered into. */
struct renderer
{
  struct api_call *call;
  struct run_extras *extras;
  struct id_index runs;
};

/* Open the next item of a list of run `index`; the items of a list follow each other, because rows are ordered so. */
static void
open_item (struct json_write *w, struct renderer *renderer, struct document_range *ranges, size_t index)
{
  struct buffer *out = &renderer->extras->rendered;

  if (ranges[index].end == ranges[index].start)
    ranges[index].start = out->len;
  else
    buffer_byte (out, ',');
  json_write_init (w, out);
  json_write_object (w);
}

static void
close_item (struct json_write *w, struct renderer *renderer, struct document_range *ranges, size_t index)
{
  json_write_object_end (w);
  ranges[index].end = renderer->extras->rendered.len;
}

static enum err_code
check_rendered (const struct renderer *renderer, struct err *err)
{
  if (renderer->extras->rendered.out_of_memory)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (renderer->extras->rendered.failed)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The answer would be larger than %lld bytes (max-response-bytes); ask for less at a time.",
                    (long long)renderer->call->service->config->max_response_bytes);
  return ERR_OK;
}

static enum err_code
render_dataset (void *context, const struct uuid *run_id, const struct store_dataset *dataset, struct err *err)
{
  struct renderer *renderer = context;
  struct json_write w;
  size_t index;

  (void)id_index_find (&index, &renderer->runs, run_id);
  open_item (&w, renderer, renderer->extras->datasets, index);
  api_write_pairs (&w, "tags", dataset->tags, renderer->call->arena);
  json_write_key (&w, "dataset");
  json_write_object (&w);
  json_write_member_string (&w, "name", dataset->name);
  json_write_member_string (&w, "digest", dataset->digest);
  json_write_member_string (&w, "source_type", dataset->source_type);
  json_write_member_string (&w, "source", dataset->source);
  if (NULL != dataset->schema.data)
    json_write_member_string (&w, "schema", dataset->schema);
  if (NULL != dataset->profile.data)
    json_write_member_string (&w, "profile", dataset->profile);
  json_write_object_end (&w);
  close_item (&w, renderer, renderer->extras->datasets, index);
  return check_rendered (renderer, err);
}

static enum err_code
render_model (void *context, const struct uuid *run_id, bool is_output, const struct store_model_link *model,
              struct err *err)
{
  struct renderer *renderer = context;
  struct document_range *ranges = is_output ? renderer->extras->output_models : renderer->extras->input_models;
  struct json_write w;
  size_t index;

  (void)id_index_find (&index, &renderer->runs, run_id);
  open_item (&w, renderer, ranges, index);
  json_write_member_string (&w, "model_id", model->model_id);
  if (is_output)
    json_write_member_int64 (&w, "step", model->step);
  close_item (&w, renderer, ranges, index);
  return check_rendered (renderer, err);
}

/* The latest points that are shown. */
static enum err_code
load_latest (struct run_extras *extras, struct api_call *call, const struct uuid *run_ids, size_t count,
             const struct run_projection *projection, struct err *err)
{
  struct metric_keys *keys = call->service->metrics->keys;
  int64_t *key_ids = NULL;
  size_t key_count = 0;
  enum err_code code = ERR_OK;

  if (! projection->everything && ! projection->metrics)
  {
    key_ids = arena_array (call->arena, projection->metric_count, sizeof (int64_t));
    if (NULL == key_ids)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    for (size_t i = 0; ERR_OK == code && i < projection->metric_count; i++)
    {
      bool found = false;
      uint32_t key_id;

      code = metric_keys_find (&found, &key_id, keys, call->connection, projection->metric_keys[i], err);
      if (found)
        key_ids[key_count++] = key_id;
    }
    if (ERR_OK != code || 0 == key_count)
      return code;
    qsort (key_ids, key_count, sizeof (key_ids[0]), number_compare_int64_items);
  }
  return series_latest (&extras->latest, &extras->latest_count, keys, call->connection, run_ids, count, key_ids,
                        key_count, call->arena, err);
}

const struct run_projection run_projection_everything = { .everything = true };

enum err_code
run_extras_load (struct run_extras *extras, struct api_call *call, const struct store_run *runs, size_t count,
                 const struct run_projection *projection, struct err *err)
{
  struct uuid *run_ids = arena_array (call->arena, count, sizeof (struct uuid));
  struct renderer renderer = { .call = call, .extras = extras };
  enum err_code code;

  *extras = (struct run_extras){ .latest_count = 0 };
  buffer_init (&extras->rendered, (size_t)call->service->config->max_response_bytes);
  extras->datasets = arena_array (call->arena, count, sizeof (struct document_range));
  extras->input_models = arena_array (call->arena, count, sizeof (struct document_range));
  extras->output_models = arena_array (call->arena, count, sizeof (struct document_range));
  for (size_t i = 0; i < count && NULL != run_ids; i++)
    run_ids[i] = runs[i].run_id;
  if (NULL == run_ids || ! id_index_build (&renderer.runs, run_ids, count, call->arena))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "max_results is too large for one answer; ask for fewer.");
  if (0 == count)
    return ERR_OK;
  code = load_latest (extras, call, run_ids, count, projection, err);
  if (ERR_OK == code && (projection->everything || projection->inputs))
    code = store_run_datasets (call->connection, run_ids, count, render_dataset, &renderer, call->arena, err);
  if (ERR_OK == code && (projection->everything || projection->inputs || projection->outputs))
    code = store_run_models (call->connection, run_ids, count, render_model, &renderer, call->arena, err);
  return code;
}

void
run_extras_free (struct run_extras *extras)
{
  buffer_free (&extras->rendered);
}

void
run_info_write (struct json_write *w, const struct store_run *run)
{
  char run_id[UUID_TEXT_BYTES];
  char experiment_id[NUMBER_INT64_BYTES];

  uuid_format (run_id, &run->run_id);
  number_format_int64 (experiment_id, run->experiment_id);
  json_write_object (w);
  json_write_member_text (w, "run_uuid", run_id);
  json_write_member_text (w, "run_id", run_id);
  json_write_member_string (w, "run_name", run->name);
  json_write_member_text (w, "experiment_id", experiment_id);
  json_write_member_string (w, "user_id", run->user_id);
  json_write_member_text (w, "status", run_status_names[run->status]);
  json_write_member_int64 (w, "start_time", run->started_at_ms);
  /* MLflow does not show an end of 0, and its clients read a missing one as "none". */
  if (run->ended_at_ms.present && 0 != run->ended_at_ms.value)
    json_write_member_int64 (w, "end_time", run->ended_at_ms.value);
  json_write_member_string (w, "artifact_uri", run->artifact_uri);
  json_write_member_text (w, "lifecycle_stage", run->deleted_at_ms.present ? "deleted" : "active");
  json_write_object_end (w);
}

static void
write_latest (struct json_write *w, const struct run_extras *extras, size_t index, size_t *next)
{
  bool any = false;

  for (; *next < extras->latest_count && extras->latest[*next].run == index; (*next)++)
  {
    const struct latest_point *latest = &extras->latest[*next];

    if (! any)
    {
      json_write_key (w, "metrics");
      json_write_array (w);
      any = true;
    }
    json_write_object (w);
    json_write_member_string (w, "key", latest->key);
    json_write_member_double (w, "value", latest->point.value);
    json_write_member_int64 (w, "timestamp", latest->point.timestamp_ms);
    json_write_member_int64 (w, "step", latest->point.step);
    json_write_object_end (w);
  }
  if (any)
    json_write_array_end (w);
}

static void
write_range (struct json_write *w, const char *name, const struct run_extras *extras, struct document_range range)
{
  if (range.start == range.end)
    return;
  json_write_key (w, name);
  json_write_array (w);
  json_write_raw (w, (struct slice){ extras->rendered.data + range.start, range.end - range.start });
  json_write_array_end (w);
}

static void
write_pairs (struct json_write *w, const char *name, struct slice object, bool all, const struct slice *keys,
             size_t key_count, struct arena *arena)
{
  if (all)
    api_write_pairs (w, name, object, arena);
  else if (key_count > 0)
    api_write_some_pairs (w, name, object, keys, key_count, arena);
}

void
run_document_write (struct json_write *w, const struct store_run *run, const struct run_extras *extras, size_t index,
                    size_t *next_latest, const struct run_projection *projection, struct arena *arena)
{
  bool all = projection->everything;

  json_write_object (w);
  json_write_key (w, "info");
  run_info_write (w, run);
  json_write_key (w, "data");
  json_write_object (w);
  if (NULL != extras)
    write_latest (w, extras, index, next_latest);
  write_pairs (w, "params", run->params, all || projection->params, projection->param_keys, projection->param_count,
               arena);
  write_pairs (w, "tags", run->tags, all || projection->tags, projection->tag_keys, projection->tag_count, arena);
  json_write_object_end (w);
  json_write_key (w, "inputs");
  json_write_object (w);
  if (NULL != extras && (all || projection->inputs))
  {
    write_range (w, "dataset_inputs", extras, extras->datasets[index]);
    write_range (w, "model_inputs", extras, extras->input_models[index]);
  }
  json_write_object_end (w);
  if (NULL != extras)
  {
    json_write_key (w, "outputs");
    json_write_object (w);
    if (all || projection->outputs)
      write_range (w, "model_outputs", extras, extras->output_models[index]);
    json_write_object_end (w);
  }
  json_write_object_end (w);
}
