/* Documents of pages of runs. */
#include "api/run_documents.h"

#include <stdlib.h>

/* Most items of the list `fields`: a table with more columns is asked for by whole groups. */
#define FIELDS_MAX 1000

/* --- which fields ------------------------------------------------------------------------------------------------ */

/* Keys of one kind that are shown. */
struct key_list
{
  struct slice *keys;
  size_t count;
};

static void
settle_keys (const struct slice **keys, size_t *count, const struct key_list *list)
{
  size_t distinct = 0;

  if (list->count > 1)
    qsort (list->keys, list->count, sizeof (list->keys[0]), slice_compare_items);
  for (size_t i = 0; i < list->count; i++)
    if (0 == distinct || ! slice_equal (list->keys[i], list->keys[distinct - 1]))
      list->keys[distinct++] = list->keys[i];
  *keys = list->keys;
  *count = distinct;
}

static bool
is_group (struct run_projection *projection, struct slice text)
{
  const struct
  {
    const char *name;
    bool *shown;
  } groups[] = { { "metrics", &projection->metrics }, { "params", &projection->params },
                 { "tags", &projection->tags },       { "inputs", &projection->inputs },
                 { "outputs", &projection->outputs }, { "info", NULL } };

  for (size_t i = 0; i < sizeof (groups) / sizeof (groups[0]); i++)
    if (slice_is (text, groups[i].name))
    {
      if (NULL != groups[i].shown)
        *groups[i].shown = true;
      return true;
    }
  return false;
}

enum err_code
run_projection_parse (struct run_projection *projection, const struct slice *fields, size_t count, struct arena *arena,
                      struct err *err)
{
  struct key_list lists[SEARCH_ENTITY_COUNT] = { { NULL, 0 } };
  enum err_code code;

  *projection = (struct run_projection){ .everything = 0 == count };
  if (count > FIELDS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter 'fields' has %zu items; at most %d are allowed.",
                    count, FIELDS_MAX);
  for (size_t i = 0; i < SEARCH_ENTITY_COUNT; i++)
  {
    lists[i].keys = arena_array (arena, count, sizeof (struct slice));
    if (NULL == lists[i].keys)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  for (size_t i = 0; i < count; i++)
  {
    struct search_field field;

    if (is_group (projection, fields[i]))
      continue;
    code = search_field_parse (&field, fields[i], &search_runs, SEARCH_CAN_FILTER, arena, err);
    if (ERR_OK != code)
      return code;
    if (field.as_number || (SEARCH_METRIC == field.entity && SEARCH_LATEST != field.part))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Parameter 'fields' has '%.*s'; it may name metrics, params, tags and attributes as they are.",
                      SLICE_ARG (fields[i]));
    projection->inputs = projection->inputs || SEARCH_DATASET == field.entity;
    if (NULL != field.key.data)
      lists[field.entity].keys[lists[field.entity].count++] = field.key;
  }
  settle_keys (&projection->metric_keys, &projection->metric_count, &lists[SEARCH_METRIC]);
  settle_keys (&projection->param_keys, &projection->param_count, &lists[SEARCH_PARAM]);
  settle_keys (&projection->tag_keys, &projection->tag_count, &lists[SEARCH_TAG]);
  return ERR_OK;
}

/* --- documents --------------------------------------------------------------------------------------------------- */

static enum err_code
too_large (const struct api_call *call, const struct run_documents *documents, struct err *err)
{
  if (documents->rendered.out_of_memory || arena_out_of_memory (call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The answer would be larger than %lld bytes (max-response-bytes); ask for less at a time.",
                  (long long)call->service->config->max_response_bytes);
}

/* Render runs that were read; `places[i]` is the place of runs[i] among the items. */
static enum err_code
render (struct run_documents *documents, struct api_call *call, const struct store_run *runs, const size_t *places,
        size_t count, const struct run_projection *projection, struct err *err)
{
  struct document_range *ranges = arena_array (call->arena, count, sizeof (struct document_range));
  struct run_extras extras = { .latest_count = 0 };
  size_t next_latest = 0;
  enum err_code code;

  if (NULL == ranges)
    return too_large (call, documents, err);
  code = run_extras_load (&extras, call, runs, count, projection, err);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    const struct arena_mark mark = arena_mark (call->arena);
    struct json_write w;

    json_write_init (&w, &documents->rendered);
    ranges[i].start = documents->rendered.len;
    run_document_write (&w, &runs[i], &extras, i, &next_latest, projection, call->arena);
    ranges[i].end = documents->rendered.len;
    if (documents->rendered.failed || arena_overflowed (call->arena))
      code = too_large (call, documents, err);
    else
      arena_rewind (call->arena, &mark);
  }
  for (size_t i = 0; ERR_OK == code && i < count; i++)
    documents->json[places[i]] =
        (struct slice){ documents->rendered.data + ranges[i].start, ranges[i].end - ranges[i].start };
  run_extras_free (&extras);
  return code;
}

enum err_code
run_documents_load (struct run_documents *documents, struct api_call *call, struct run_item *items, size_t count,
                    const struct run_projection *projection, struct err *err)
{
  struct uuid *run_ids = arena_array (call->arena, count, sizeof (struct uuid));
  size_t *places = arena_array (call->arena, count, sizeof (size_t));
  struct slice *read = arena_array (call->arena, count, sizeof (struct slice));
  struct result result = { NULL };
  struct store_run *runs = NULL;
  size_t missing = 0;
  size_t run_count = 0;
  enum err_code code = ERR_OK;

  *documents = (struct run_documents){ .json = arena_array (call->arena, count, sizeof (struct slice)) };
  buffer_init (&documents->rendered, (size_t)call->service->config->max_response_bytes);
  if (NULL == run_ids || NULL == places || NULL == read || NULL == documents->json)
    return too_large (call, documents, err);
  for (size_t i = 0; i < count; i++)
  {
    if (NULL != items[i].document && projection->everything)
      documents->json[i] = (struct slice){ items[i].document->bytes, items[i].document->len };
    else
    {
      places[missing] = i;
      run_ids[missing++] = items[i].run_id;
    }
  }
  if (0 == missing)
    return ERR_OK;
  code = store_run_read (&runs, &run_count, &result, call->connection, run_ids, missing, call->arena, err);
  /* Those that exist come in the order they were asked for. */
  for (size_t i = 0, found = 0; ERR_OK == code && i < missing && found < run_count; i++)
    if (0 == memcmp (&run_ids[i], &runs[found].run_id, sizeof (run_ids[i])))
      places[found++] = places[i];
  if (ERR_OK == code)
    code = render (documents, call, runs, places, run_count, projection, err);
  result_free (&result);
  if (ERR_OK != code || ! projection->everything)
    return code;
  for (size_t i = 0; i < run_count; i++)
    read[places[i]] = documents->json[places[i]];
  run_items_keep (items, read, count, call->service->searcher.memory, call->deadline_us, call->arena);
  return ERR_OK;
}

void
run_documents_free (struct run_documents *documents)
{
  buffer_free (&documents->rendered);
}
