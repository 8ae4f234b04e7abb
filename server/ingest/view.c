/* Reading series: chunks by their bounds, and recent points and the tail merged. */
#include "ingest/view.h"

#include "base/id_index.h"
#include "base/log.h"
#include "base/stats.h"
#include "ingest/pack.h"
#include "store/metric.h"

#include <stdlib.h>

/* Chunks whose points are asked for at once. */
#define FETCH_CHUNKS 256

enum err_code
views_too_much (struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The metrics of these runs do not fit into one answer; ask for fewer runs.");
}

/* A growing list in the arena. */
struct list
{
  void *items;
  size_t count;
  size_t capacity;
};

/* Room for `more` items at the end; NULL when the arena is full. */
static void *
list_room (struct list *list, size_t more, size_t size, struct arena *arena)
{
  if (list->count + more > list->capacity)
  {
    size_t capacity = list->capacity * 2 + more + 8;
    void *grown = arena_array (arena, capacity, size);

    if (NULL == grown)
      return NULL;
    if (list->count > 0)
      memcpy (grown, list->items, list->count * size);
    list->items = grown;
    list->capacity = capacity;
  }
  list->count += more;
  return (char *)list->items + (list->count - more) * size;
}

struct loading
{
  struct views *views;
  struct id_index runs;
  struct list *recent; /* of each view: struct metric_point */
  struct list *tail;
  struct list chunks; /* struct view_chunk */
  size_t last_key; /* found last: a tail repeats its keys in turn */
};

static void
report_damage (const struct views *views, size_t view, const char *what)
{
  char run_id[UUID_TEXT_BYTES];

  uuid_format (run_id, &views->run_ids[view / views->key_count]);
  stats_add (&stats.metric_damaged, 1);
  log_line (EVENT_metric_damaged, LOG_TEXT ("run_id", run_id),
            LOG_SLICE ("key", NULL == views->key_names ? slice_of ("") : views->key_names[view % views->key_count]),
            LOG_NUMBER ("key_id", views->key_ids[view % views->key_count]), LOG_TEXT ("what", what));
}

static enum err_code
chunk_row (void *context, size_t view, const struct store_chunk *row, struct err *err)
{
  struct loading *loading = context;
  struct arena *arena = loading->views->arena;
  struct view_chunk *chunk = list_room (&loading->chunks, 1, sizeof (struct view_chunk), arena);

  if (NULL == chunk)
    return views_too_much (err);
  *chunk = (struct view_chunk){ .view = view, .row = *row };
  chunk->row.place = (struct slice){ arena_string (arena, row->place), row->place.len };
  chunk->row.summary = (struct slice){ arena_string (arena, row->summary), row->summary.len };
  return arena_overflowed (arena) ? views_too_much (err) : ERR_OK;
}

static enum err_code
series_row (void *context, size_t view, const struct store_series *series, struct err *err)
{
  struct loading *loading = context;
  struct views *views = loading->views;
  const uint32_t key_id = views->key_ids[view % views->key_count];
  struct view *one = &views->views[view];
  struct metric_point *points;
  size_t count;

  one->points = (uint64_t)series->point_count;
  one->first_step = series->first_step;
  one->last_step = series->latest_step;
  one->min_timestamp_ms = series->min_timestamp_ms;
  one->max_timestamp_ms = series->max_timestamp_ms;
  if (NULL != series->recent.data)
  {
    if (! chunk_decode (views->scratch, &count, key_id, series->recent))
    {
      views->damaged++;
      one->points = (uint64_t)series->chunk_points;
      report_damage (views, view, "the recent points of a series");
      return ERR_OK;
    }
    points = list_room (&loading->recent[view], count, sizeof (*points), views->arena);
    if (NULL == points)
      return views_too_much (err);
    memcpy (points, views->scratch, count * sizeof (*points));
  }
  else if (1 == series->point_count && 0 == series->chunk_points)
  {
    points = list_room (&loading->recent[view], 1, sizeof (*points), views->arena);
    if (NULL == points)
      return views_too_much (err);
    *points = (struct metric_point){ .timestamp_ms = series->latest_timestamp_ms,
                                     .step = series->latest_step,
                                     .value = series->latest_value,
                                     .key_id = key_id };
  }
  return ERR_OK;
}

/* The number of a key within these views; their count when it is not wanted. */
static size_t
find_key (struct loading *loading, uint32_t key_id)
{
  const struct views *views = loading->views;

  for (size_t tried = 0; tried < views->key_count; tried++)
  {
    size_t key = (loading->last_key + 1 + tried) % views->key_count;

    if (views->key_ids[key] == key_id)
    {
      loading->last_key = key;
      return key;
    }
  }
  return views->key_count;
}

static enum err_code
tail_row (void *context, const struct uuid *run_id, struct slice packed, struct err *err)
{
  struct loading *loading = context;
  struct views *views = loading->views;
  struct pack_reader reader;
  struct metric_point point;
  struct metric_context belongs;
  size_t run;

  if (! id_index_find (&run, &loading->runs, run_id))
    return err_set_cause (err, ERR_INTERNAL_ERROR, "a row of the tail belongs elsewhere", "internal error");
  pack_open (&reader, packed);
  while (pack_next (&reader, &point, &belongs))
  {
    size_t key = find_key (loading, point.key_id);
    struct metric_point *slot;

    if (key == views->key_count)
      continue;
    slot = list_room (&loading->tail[run * views->key_count + key], 1, sizeof (*slot), views->arena);
    if (NULL == slot)
      return views_too_much (err);
    *slot = point;
  }
  if (reader.failed)
  {
    views->damaged++;
    report_damage (views, run * views->key_count, "a row of the tail");
  }
  return ERR_OK;
}

/* All pairs of run and key, run by run. */
static bool
all_keys (struct store_series_keys *keys, const struct views *views)
{
  size_t count = views->run_count * views->key_count;
  struct uuid *run_ids = arena_array (views->arena, count, sizeof (struct uuid));
  int64_t *key_ids = arena_array (views->arena, count, sizeof (int64_t));
  int64_t *context_ids = arena_array (views->arena, count, sizeof (int64_t));

  if (NULL == run_ids || NULL == key_ids || NULL == context_ids)
    return false;
  for (size_t i = 0; i < count; i++)
  {
    run_ids[i] = views->run_ids[i / views->key_count];
    key_ids[i] = views->key_ids[i % views->key_count];
  }
  *keys = (struct store_series_keys){ run_ids, key_ids, context_ids, count };
  return true;
}

/* Divide the chunks, which come view by view, among the views. */
static void
deal_out_chunks (struct loading *loading)
{
  struct view_chunk *chunks = loading->chunks.items;

  for (size_t i = 0; i < loading->chunks.count; i++)
  {
    struct view *view = &loading->views->views[chunks[i].view];

    if (0 == view->chunk_count)
      view->chunks = &chunks[i];
    view->chunk_count++;
  }
}

/* Let the young points count for the bounds. */
static void
widen (struct view *view)
{
  bool any = view->points > 0;

  for (size_t i = 0; i < view->young_count; i++)
  {
    const struct metric_point *point = &view->young[i];

    if (! any || point->step < view->first_step)
      view->first_step = point->step;
    if (! any || point->step > view->last_step)
      view->last_step = point->step;
    if (! any || point->timestamp_ms < view->min_timestamp_ms)
      view->min_timestamp_ms = point->timestamp_ms;
    if (! any || point->timestamp_ms > view->max_timestamp_ms)
      view->max_timestamp_ms = point->timestamp_ms;
    any = true;
  }
}

/* Let the points of the tail that are not recent ones be the young points for now. */
static void
settle_tail (struct loading *loading)
{
  struct views *views = loading->views;

  for (size_t i = 0; i < views->run_count * views->key_count; i++)
  {
    struct view *view = &views->views[i];
    struct list *tail = &loading->tail[i];
    const struct list *recent = &loading->recent[i];

    view->young = tail->items;
    view->young_count = points_settle (view->young, tail->count, metric_point_compare_step);
    view->young_count = points_subtract (view->young, view->young_count, recent->items, recent->count);
    widen (view);
    view->points += view->young_count;
  }
}

/* Put the recent points among the young ones. */
static enum err_code
merge_recent (struct loading *loading, struct err *err)
{
  struct views *views = loading->views;

  for (size_t i = 0; i < views->run_count * views->key_count; i++)
  {
    struct view *view = &views->views[i];
    const struct list *recent = &loading->recent[i];
    struct metric_point *all;

    if (0 == recent->count)
      continue;
    if (0 == view->young_count)
    {
      view->young = recent->items;
      view->young_count = recent->count;
      continue;
    }
    all = arena_array (views->arena, recent->count + view->young_count, sizeof (struct metric_point));
    if (NULL == all)
      return views_too_much (err);
    view->young_count = points_merge (all, recent->items, recent->count, view->young, view->young_count);
    view->young = all;
  }
  return ERR_OK;
}

/* Drop from the points of the tail what a chunk has: a repeated point may be in both. */
static enum err_code
subtract_chunk (void *context, struct view_chunk *chunk, const struct metric_point *points, size_t count,
                struct err *err)
{
  struct views *views = context;
  struct view *view = &views->views[chunk->view];
  size_t before = view->young_count;

  (void)err;
  view->young_count = points_subtract (view->young, view->young_count, points, count);
  view->points -= before - view->young_count;
  return ERR_OK;
}

static enum err_code
drop_known (struct views *views, size_t chunk_count, struct err *err)
{
  struct view_chunk **wanted = arena_array (views->arena, chunk_count, sizeof (wanted[0]));
  size_t count = 0;

  if (NULL == wanted)
    return views_too_much (err);
  for (size_t i = 0; i < views->run_count * views->key_count; i++)
  {
    const struct view *view = &views->views[i];

    for (size_t j = 0; j < view->chunk_count && view->young_count > 0; j++)
    {
      const struct store_chunk *row = &view->chunks[j].row;

      if (points_from (view->young, view->young_count, row->first_step, row->first_timestamp_ms)
          < points_after (view->young, view->young_count, row->last_step, row->last_timestamp_ms))
        wanted[count++] = &view->chunks[j];
    }
  }
  return views_fetch (views, wanted, count, subtract_chunk, views, err);
}

enum err_code
views_load (struct views *views, struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
            const uint32_t *key_ids, size_t key_count, const struct views_options *options, struct arena *arena,
            struct err *err)
{
  size_t count = run_count * key_count;
  struct loading loading = { .views = views };
  struct store_series_keys keys;
  enum err_code code;

  *views = (struct views){ .connection = connection,
                           .arena = arena,
                           .run_ids = run_ids,
                           .run_count = run_count,
                           .key_ids = key_ids,
                           .key_names = options->key_names,
                           .key_count = key_count };
  views->views = arena_array (arena, count, sizeof (struct view));
  views->scratch = arena_array (arena, CHUNK_MAX_POINTS, sizeof (struct metric_point));
  loading.recent = arena_array (arena, count, sizeof (struct list));
  loading.tail = arena_array (arena, count, sizeof (struct list));
  if (NULL == views->views || NULL == views->scratch || NULL == loading.recent || NULL == loading.tail
      || ! id_index_build (&loading.runs, run_ids, run_count, arena) || ! all_keys (&keys, views))
    return views_too_much (err);
  if (0 == count)
    return ERR_OK;
  code = store_metric_tail (connection, run_ids, run_count, tail_row, &loading, arena, err);
  if (ERR_OK == code)
    code = store_series_read (connection, &keys, true, series_row, &loading, arena, err);
  if (ERR_OK == code)
    code =
        store_chunk_bounds (connection, &keys, &options->range, options->with_summary, chunk_row, &loading, arena, err);
  if (ERR_OK != code)
    return code;
  deal_out_chunks (&loading);
  settle_tail (&loading);
  code = drop_known (views, loading.chunks.count, err);
  return ERR_OK == code ? merge_recent (&loading, err) : code;
}

struct fetching
{
  struct views *views;
  struct view_chunk *const *chunks;
  views_chunk_points take;
  void *context;
};

static enum err_code
points_row (void *context, size_t index, struct slice packed, struct err *err)
{
  const struct fetching *fetching = context;
  struct views *views = fetching->views;
  struct view_chunk *chunk = fetching->chunks[index];
  size_t count;

  if (chunk_decode (views->scratch, &count, views->key_ids[chunk->view % views->key_count], packed))
    return fetching->take (fetching->context, chunk, views->scratch, count, err);
  if (! chunk->damaged)
  {
    views->damaged++;
    report_damage (views, chunk->view, "a chunk");
  }
  chunk->damaged = true;
  return ERR_OK;
}

enum err_code
views_fetch (struct views *views, struct view_chunk *const *chunks, size_t count, views_chunk_points take,
             void *context, struct err *err)
{
  struct slice places[FETCH_CHUNKS];
  struct fetching fetching = { views, chunks, take, context };
  enum err_code code = ERR_OK;

  for (size_t start = 0; ERR_OK == code && start < count; start += FETCH_CHUNKS)
  {
    size_t part = count - start < FETCH_CHUNKS ? count - start : FETCH_CHUNKS;

    for (size_t i = 0; i < part; i++)
      places[i] = chunks[start + i]->row.place;
    fetching.chunks = chunks + start;
    code = store_chunk_points (views->connection, places, part, points_row, &fetching, views->arena, err);
  }
  return code;
}

bool
views_summary (struct chunk_block *blocks, size_t *count, const struct views *views, const struct view_chunk *chunk)
{
  if (chunk_summary_decode (blocks, count, chunk->row.summary))
    return true;
  report_damage (views, chunk->view, "the summary of a chunk");
  return false;
}
