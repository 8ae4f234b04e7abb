/* Reading the points of logged models.

   DESIGN
   Links of contexts and runs say where points of a model can be: in the series of its contexts, and in the tail of the
   runs. A series with chunks stays as it is until somebody needs every point of it. */
#include "ingest/model_points_private.h"

#include "base/hash.h"
#include "ingest/chunk.h"
#include "ingest/pack.h"
#include "ingest/points.h"
#include "ingest/view.h"
#include "store/context.h"
#include "store/metric.h"

#include <stdlib.h>

/* Slots of a hash table at first; it doubles when half full. */
#define FIRST_SLOTS 256

/* Places by hash: slots hold an index plus one, 0 is free. */
struct places
{
  size_t *slots;
  size_t slot_count;
  size_t count;
};

struct loading
{
  struct model_points *points;
  const struct model_selection *selection;
  size_t context_capacity;
  size_t model_capacity;
  size_t series_capacity;
  struct places by_texts; /* contexts by run and texts, as the tail has them */
  struct places by_id; /* contexts by run and number, as series have them */
  struct places by_key; /* series by context and key */
  size_t *capacities; /* of the points of each series */
  struct metric_point *scratch;
};

static uint64_t
hash_texts (const struct uuid *run_id, struct slice model_id, struct slice name, struct slice digest)
{
  uint64_t hash = hash_bytes (HASH_START, run_id, sizeof (*run_id));

  hash = hash_bytes (hash_bytes (hash, model_id.data, model_id.len), "\xFF", 1);
  hash = hash_bytes (hash_bytes (hash, name.data, name.len), "\xFF", 1);
  return hash_bytes (hash, digest.data, digest.len);
}

static uint64_t
hash_number (const struct uuid *run_id, int32_t context_id)
{
  return hash_bytes (hash_bytes (HASH_START, run_id, sizeof (*run_id)), &context_id, sizeof (context_id));
}

static uint64_t
hash_key (size_t context, uint32_t key_id)
{
  return ((uint64_t)context * 31 + key_id) * 0x9E3779B97F4A7C15u;
}

typedef uint64_t (*hash_item) (const struct loading *loading, size_t item);

static uint64_t
context_texts (const struct loading *loading, size_t item)
{
  const struct model_context *context = &loading->points->contexts[item];

  return hash_texts (&context->run_id, loading->points->model_ids[context->model], context->dataset_name,
                     context->dataset_digest);
}

static uint64_t
context_number (const struct loading *loading, size_t item)
{
  const struct model_context *context = &loading->points->contexts[item];

  return hash_number (&context->run_id, context->context_id);
}

static uint64_t
series_key (const struct loading *loading, size_t item)
{
  return hash_key (loading->points->series[item].context, loading->points->series[item].key_id);
}

static size_t
first_slot (const struct places *places, uint64_t hash)
{
  return (size_t)(hash ^ hash >> 32) & (places->slot_count - 1);
}

static void
put_place (struct places *places, uint64_t hash, size_t item)
{
  size_t slot = first_slot (places, hash);

  while (0 != places->slots[slot])
    slot = (slot + 1) & (places->slot_count - 1);
  places->slots[slot] = item + 1;
}

/* Add an item, which the table does not hold. False when the arena is full. */
static bool
add_place (struct places *places, const struct loading *loading, hash_item hash, size_t item)
{
  if (places->count * 2 >= places->slot_count)
  {
    struct places larger = { NULL, 0 == places->slot_count ? FIRST_SLOTS : places->slot_count * 2, places->count };

    larger.slots = arena_array (loading->points->arena, larger.slot_count, sizeof (size_t));
    if (NULL == larger.slots)
      return false;
    for (size_t i = 0; i < places->slot_count; i++)
      if (0 != places->slots[i])
        put_place (&larger, hash (loading, places->slots[i] - 1), places->slots[i] - 1);
    *places = larger;
  }
  put_place (places, hash (loading, item), item);
  places->count++;
  return true;
}

/* The next item that may be the one, from `slot` on, which begins at first_slot; SIZE_MAX when there is none. */
static size_t
next_place (const struct places *places, size_t *slot)
{
  size_t item;

  if (0 == places->slot_count || 0 == places->slots[*slot])
    return SIZE_MAX;
  item = places->slots[*slot] - 1;
  *slot = (*slot + 1) & (places->slot_count - 1);
  return item;
}

/* --- contexts ---------------------------------------------------------------------------------------------------- */

static enum err_code
take_context (void *context, const struct store_context_run *row, struct err *err)
{
  struct loading *loading = context;
  struct model_points *points = loading->points;
  struct arena *arena = points->arena;
  const struct model_context *last = points->context_count > 0 ? &points->contexts[points->context_count - 1] : NULL;
  struct model_context *made;

  if (0 == points->model_count || ! slice_equal (points->model_ids[points->model_count - 1], row->model_id))
  {
    points->model_ids = model_points_grow (points->model_ids, points->model_count, &loading->model_capacity,
                                           sizeof (points->model_ids[0]), arena);
    if (NULL == points->model_ids)
      return views_too_much (err);
    points->model_ids[points->model_count++] = (struct slice){ arena_string (arena, row->model_id), row->model_id.len };
  }
  points->contexts = model_points_grow (points->contexts, points->context_count, &loading->context_capacity,
                                        sizeof (points->contexts[0]), arena);
  if (NULL == points->contexts)
    return views_too_much (err);
  made = &points->contexts[points->context_count++];
  *made =
      (struct model_context){ .model = points->model_count - 1, .context_id = row->context_id, .run_id = row->run_id };
  if (NULL != last && last->context_id == row->context_id)
  {
    made->dataset_name = made[-1].dataset_name;
    made->dataset_digest = made[-1].dataset_digest;
  }
  else
  {
    made->dataset_name = (struct slice){ arena_string (arena, row->dataset_name), row->dataset_name.len };
    made->dataset_digest = (struct slice){ arena_string (arena, row->dataset_digest), row->dataset_digest.len };
  }
  return arena_overflowed (arena) ? views_too_much (err) : ERR_OK;
}

/* The context of a point in the tail; SIZE_MAX when it is of another model. */
static size_t
find_context (const struct loading *loading, const struct uuid *run_id, const struct metric_context *texts)
{
  const struct model_points *points = loading->points;
  size_t slot;
  size_t item;

  if (0 == loading->by_texts.slot_count)
    return SIZE_MAX;
  slot =
      first_slot (&loading->by_texts, hash_texts (run_id, texts->model_id, texts->dataset_name, texts->dataset_digest));
  while (SIZE_MAX != (item = next_place (&loading->by_texts, &slot)))
  {
    const struct model_context *context = &points->contexts[item];

    if (0 == memcmp (&context->run_id, run_id, sizeof (*run_id))
        && slice_equal (points->model_ids[context->model], texts->model_id)
        && slice_equal (context->dataset_name, texts->dataset_name)
        && slice_equal (context->dataset_digest, texts->dataset_digest))
      break;
  }
  return item;
}

/* The context of a series; SIZE_MAX when its run is gone. */
static size_t
find_number (const struct loading *loading, const struct store_series_place *place)
{
  size_t slot;
  size_t item;

  if (0 == loading->by_id.slot_count)
    return SIZE_MAX;
  slot = first_slot (&loading->by_id, hash_number (&place->run_id, place->context_id));
  while (SIZE_MAX != (item = next_place (&loading->by_id, &slot)))
  {
    const struct model_context *context = &loading->points->contexts[item];

    if (context->context_id == place->context_id
        && 0 == memcmp (&context->run_id, &place->run_id, sizeof (place->run_id)))
      break;
  }
  return item;
}

/* --- points ------------------------------------------------------------------------------------------------------ */

/* The series of a metric of a context, made when it is new; NULL when the arena is full. */
static struct model_series *
find_series (struct loading *loading, size_t context, uint32_t key_id)
{
  struct model_points *points = loading->points;
  size_t slot = 0 == loading->by_key.slot_count ? 0 : first_slot (&loading->by_key, hash_key (context, key_id));
  size_t before = loading->series_capacity;
  size_t item;

  while (SIZE_MAX != (item = next_place (&loading->by_key, &slot)))
    if (points->series[item].context == context && points->series[item].key_id == key_id)
      return &points->series[item];
  item = points->series_count;
  points->series =
      model_points_grow (points->series, item, &loading->series_capacity, sizeof (points->series[0]), points->arena);
  if (NULL != points->series)
    loading->capacities =
        model_points_grow (loading->capacities, item, &before, sizeof (loading->capacities[0]), points->arena);
  if (NULL == points->series || NULL == loading->capacities)
    return NULL;
  points->series[item] = (struct model_series){ .context = context, .key_id = key_id, .whole = true };
  points->series_count++;
  return add_place (&loading->by_key, loading, series_key, item) ? &points->series[item] : NULL;
}

static enum err_code
add_points (struct loading *loading, struct model_series *series, const struct metric_point *added, size_t count,
            struct err *err)
{
  size_t *capacity = &loading->capacities[series - loading->points->series];

  if (series->count + count > *capacity)
  {
    size_t larger = 2 * *capacity + count;
    struct metric_point *grown = arena_array (loading->points->arena, larger, sizeof (*grown));

    if (NULL == grown)
      return views_too_much (err);
    if (series->count > 0)
      memcpy (grown, series->points, series->count * sizeof (*grown));
    series->points = grown;
    *capacity = larger;
  }
  if (count > 0)
    memcpy (series->points + series->count, added, count * sizeof (*added));
  series->count += count;
  return ERR_OK;
}

static bool
is_wanted (const struct model_selection *selection, uint32_t key_id)
{
  bool wanted = NULL == selection->key_ids;

  for (size_t i = 0; i < selection->key_count && ! wanted; i++)
    wanted = selection->key_ids[i] == (int64_t)key_id;
  return wanted;
}

static enum err_code
tail_row (void *context, const struct uuid *run_id, struct slice packed, struct err *err)
{
  struct loading *loading = context;
  struct pack_reader reader;
  struct metric_point point;
  struct metric_context belongs;
  enum err_code code = ERR_OK;

  pack_open (&reader, packed);
  while (ERR_OK == code && pack_next (&reader, &point, &belongs))
  {
    size_t found = NULL == belongs.model_id.data || ! is_wanted (loading->selection, point.key_id)
                       ? SIZE_MAX
                       : find_context (loading, run_id, &belongs);
    struct model_series *series;

    if (SIZE_MAX == found)
      continue;
    series = find_series (loading, found, point.key_id);
    code = NULL == series ? views_too_much (err) : add_points (loading, series, &point, 1, err);
  }
  if (reader.failed)
    model_points_damaged (run_id, 0, "a row of the tail");
  return code;
}

static enum err_code
series_row (void *context, const struct store_series_place *place, const struct store_series *row, struct err *err)
{
  struct loading *loading = context;
  const struct metric_point latest = { .timestamp_ms = row->latest_timestamp_ms,
                                       .step = row->latest_step,
                                       .value = row->latest_value,
                                       .key_id = (uint32_t)place->key_id };
  size_t found = find_number (loading, place);
  size_t count;
  struct model_series *series;

  if (SIZE_MAX == found)
    return ERR_OK;
  series = find_series (loading, found, (uint32_t)place->key_id);
  if (NULL == series)
    return views_too_much (err);
  series->is_folded = true;
  series->row = *row;
  series->row.recent = (struct slice){ NULL, 0 };
  series->whole = 0 == row->chunk_points;
  if (NULL == row->recent.data)
    return 1 == row->point_count && series->whole ? add_points (loading, series, &latest, 1, err) : ERR_OK;
  if (chunk_decode (loading->scratch, &count, (uint32_t)place->key_id, row->recent))
    return add_points (loading, series, loading->scratch, count, err);
  model_points_damaged (&place->run_id, (uint32_t)place->key_id, "the recent points of a series");
  return ERR_OK;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

static enum err_code
read_contexts (struct loading *loading, struct err *err)
{
  const struct model_selection *selection = loading->selection;
  struct model_points *points = loading->points;
  bool fine = true;
  enum err_code code =
      NULL == selection->model_ids
          ? store_context_runs_of_experiments (points->connection, selection->experiment_ids,
                                               selection->experiment_count, take_context, loading, points->arena, err)
          : store_context_runs_of_models (points->connection, selection->model_ids, selection->model_count,
                                          take_context, loading, points->arena, err);

  for (size_t i = 0; ERR_OK == code && fine && i < points->context_count; i++)
    fine = add_place (&loading->by_texts, loading, context_texts, i)
           && add_place (&loading->by_id, loading, context_number, i);
  return ERR_OK != code || fine ? code : views_too_much (err);
}

static int
compare_runs (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

static enum err_code
read_tail (struct loading *loading, struct err *err)
{
  struct model_points *points = loading->points;
  struct uuid *run_ids = arena_array (points->arena, points->context_count, sizeof (struct uuid));
  size_t count = 0;

  if (NULL == run_ids)
    return views_too_much (err);
  for (size_t i = 0; i < points->context_count; i++)
    run_ids[i] = points->contexts[i].run_id;
  qsort (run_ids, points->context_count, sizeof (run_ids[0]), compare_runs);
  for (size_t i = 0; i < points->context_count; i++)
    if (0 == count || 0 != compare_runs (&run_ids[count - 1], &run_ids[i]))
      run_ids[count++] = run_ids[i];
  return store_metric_tail (points->connection, run_ids, count, tail_row, loading, points->arena, err);
}

static enum err_code
read_series (struct loading *loading, struct err *err)
{
  const struct model_selection *selection = loading->selection;
  struct model_points *points = loading->points;
  int64_t *context_ids = arena_array (points->arena, points->context_count, sizeof (int64_t));
  size_t count = 0;

  if (NULL == context_ids)
    return views_too_much (err);
  /* Those of one number follow each other. */
  for (size_t i = 0; i < points->context_count; i++)
    if (0 == count || context_ids[count - 1] != points->contexts[i].context_id)
      context_ids[count++] = points->contexts[i].context_id;
  return store_series_of_contexts (points->connection, context_ids, count, selection->key_ids, selection->key_count,
                                   series_row, loading, points->arena, err);
}

/* Contexts are in order of their models, so this is the order of models too. */
static int
compare_series (const void *a, const void *b)
{
  const struct model_series *left = a;
  const struct model_series *right = b;

  if (left->context != right->context)
    return left->context < right->context ? -1 : 1;
  return (left->key_id > right->key_id) - (left->key_id < right->key_id);
}

enum err_code
model_points_load (struct model_points *points, struct store_connection *connection,
                   const struct model_selection *selection, struct arena *arena, struct err *err)
{
  struct loading loading = { .points = points, .selection = selection };
  enum err_code code;

  *points = (struct model_points){ .connection = connection, .arena = arena };
  loading.scratch = arena_array (arena, CHUNK_MAX_POINTS, sizeof (struct metric_point));
  if (NULL == loading.scratch)
    return views_too_much (err);
  code = read_contexts (&loading, err);
  if (ERR_OK != code || 0 == points->context_count || (NULL != selection->key_ids && 0 == selection->key_count))
    return code;
  code = read_tail (&loading, err);
  if (ERR_OK == code)
    code = read_series (&loading, err);
  if (ERR_OK != code)
    return code;
  for (size_t i = 0; i < points->series_count; i++)
    points->series[i].count =
        points_settle (points->series[i].points, points->series[i].count, metric_point_compare_step);
  if (points->series_count > 0)
    qsort (points->series, points->series_count, sizeof (points->series[0]), compare_series);
  return ERR_OK;
}
