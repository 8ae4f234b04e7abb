/* The points of logged models that are in chunks. */
#include "ingest/model_points_private.h"

#include "base/log.h"
#include "base/stats.h"
#include "ingest/chunk.h"
#include "ingest/points.h"
#include "ingest/view.h"

/* Chunks whose points are asked for at once. */
#define FETCH_CHUNKS 256

void *
model_points_grow (void *items, size_t count, size_t *capacity, size_t size, struct arena *arena)
{
  void *grown;

  if (count < *capacity)
    return items;
  *capacity = *capacity * 2 + 16;
  grown = arena_array (arena, *capacity, size);
  if (NULL != grown && count > 0)
    memcpy (grown, items, count * size);
  return grown;
}

void
model_points_damaged (const struct uuid *run_id, uint32_t key_id, const char *what)
{
  char text[UUID_TEXT_BYTES];

  uuid_format (text, run_id);
  stats_add (&stats.metric_damaged, 1);
  log_line (EVENT_metric_damaged, LOG_TEXT ("run_id", text), LOG_TEXT ("key", ""), LOG_NUMBER ("key_id", key_id),
            LOG_TEXT ("what", what));
}

struct chunk_place
{
  size_t item; /* of the series that are made whole */
  struct slice place;
};

struct completing
{
  struct model_points *points;
  size_t *series; /* of each item */
  struct metric_point **ends; /* of each item: where the next points go */
  struct chunk_place *chunks;
  size_t chunk_count;
  size_t chunk_capacity;
  size_t *totals; /* of each item: points in chunks */
  const struct chunk_place *asked; /* of the fetch under way */
  struct metric_point *scratch;
};

static enum err_code
bounds_row (void *context, size_t item, const struct store_chunk *chunk, struct err *err)
{
  struct completing *completing = context;
  struct arena *arena = completing->points->arena;
  struct chunk_place *made;

  completing->chunks = model_points_grow (completing->chunks, completing->chunk_count, &completing->chunk_capacity,
                                          sizeof (completing->chunks[0]), arena);
  if (NULL == completing->chunks)
    return views_too_much (err);
  made = &completing->chunks[completing->chunk_count++];
  *made = (struct chunk_place){ item, { arena_string (arena, chunk->place), chunk->place.len } };
  completing->totals[item] += (size_t)chunk->point_count;
  return arena_overflowed (arena) ? views_too_much (err) : ERR_OK;
}

static enum err_code
points_row (void *context, size_t index, struct slice packed, struct err *err)
{
  struct completing *completing = context;
  const struct chunk_place *chunk = &completing->asked[index];
  struct model_series *series = &completing->points->series[completing->series[chunk->item]];
  size_t count;

  if (! chunk_decode (completing->scratch, &count, series->key_id, packed) || count > completing->totals[chunk->item])
  {
    model_points_damaged (&completing->points->contexts[series->context].run_id, series->key_id, "a chunk");
    return ERR_OK;
  }
  (void)err;
  memcpy (completing->ends[chunk->item], completing->scratch, count * sizeof (struct metric_point));
  completing->ends[chunk->item] += count;
  completing->totals[chunk->item] -= count;
  return ERR_OK;
}

/* Room for the points of chunks, behind those that are there. */
static enum err_code
make_room (struct completing *completing, size_t count, struct err *err)
{
  for (size_t i = 0; i < count; i++)
  {
    struct model_series *series = &completing->points->series[completing->series[i]];
    struct metric_point *all =
        arena_array (completing->points->arena, series->count + completing->totals[i], sizeof (*all));

    if (NULL == all)
      return views_too_much (err);
    if (series->count > 0)
      memcpy (all, series->points, series->count * sizeof (*all));
    series->points = all;
    completing->ends[i] = all + series->count;
  }
  return ERR_OK;
}

static enum err_code
fetch (struct completing *completing, struct err *err)
{
  struct model_points *points = completing->points;
  struct slice places[FETCH_CHUNKS];
  enum err_code code = ERR_OK;

  for (size_t start = 0; ERR_OK == code && start < completing->chunk_count; start += FETCH_CHUNKS)
  {
    size_t part = completing->chunk_count - start < FETCH_CHUNKS ? completing->chunk_count - start : FETCH_CHUNKS;

    for (size_t i = 0; i < part; i++)
      places[i] = completing->chunks[start + i].place;
    completing->asked = completing->chunks + start;
    code = store_chunk_points (points->connection, places, part, points_row, completing, points->arena, err);
  }
  return code;
}

enum err_code
model_points_complete (struct model_points *points, const bool *wanted, struct err *err)
{
  const struct store_chunk_range range = STORE_CHUNK_RANGE_ALL;
  struct arena *arena = points->arena;
  size_t most = points->series_count;
  struct uuid *run_ids = arena_array (arena, most, sizeof (struct uuid));
  int64_t *key_ids = arena_array (arena, most, sizeof (int64_t));
  int64_t *context_ids = arena_array (arena, most, sizeof (int64_t));
  struct store_series_keys keys = { run_ids, key_ids, context_ids, 0 };
  struct completing completing = { .points = points,
                                   .series = arena_array (arena, most, sizeof (size_t)),
                                   .ends = arena_array (arena, most, sizeof (struct metric_point *)),
                                   .totals = arena_array (arena, most, sizeof (size_t)),
                                   .scratch = arena_array (arena, CHUNK_MAX_POINTS, sizeof (struct metric_point)) };
  enum err_code code;

  if (arena_overflowed (arena))
    return views_too_much (err);
  for (size_t i = 0; i < points->series_count; i++)
  {
    const struct model_series *series = &points->series[i];

    if (series->whole || (NULL != wanted && ! wanted[i]))
      continue;
    run_ids[keys.count] = points->contexts[series->context].run_id;
    key_ids[keys.count] = series->key_id;
    context_ids[keys.count] = points->contexts[series->context].context_id;
    completing.series[keys.count++] = i;
  }
  if (0 == keys.count)
    return ERR_OK;
  code = store_chunk_bounds (points->connection, &keys, &range, false, bounds_row, &completing, arena, err);
  if (ERR_OK == code)
    code = make_room (&completing, keys.count, err);
  if (ERR_OK == code)
    code = fetch (&completing, err);
  for (size_t i = 0; ERR_OK == code && i < keys.count; i++)
  {
    struct model_series *series = &points->series[completing.series[i]];

    series->count =
        points_settle (series->points, (size_t)(completing.ends[i] - series->points), metric_point_compare_step);
    series->whole = true;
  }
  return code;
}
