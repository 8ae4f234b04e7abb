/* Late points: those that belong before the end of the chunks of their series. */
#include "ingest/fold_private.h"

#include <stdlib.h>

/* A chunk is written anew when at least one in so many of its points would be new. */
#define REWRITE_RATIO 8
/* Strays are merged when they are one in so many of all points in chunks, ... */
#define STRAY_RATIO 8
/* ... and always when there are so many: they are in memory at once (16 MiB). */
#define STRAYS_MAX ((int64_t)512 * 1024)
/* Late points that may wait in the row of the series; the rest of it is for those behind the chunks. */
#define KEPT_MAX (FOLD_RECENT_MAX / 2)
/* Chunks whose points are asked for at once. */
#define FETCH_CHUNKS 64

/* One series with late points. */
struct late
{
  struct fold *fold;
  size_t number;
  struct fold_item *item;
  struct store_chunk *chunks; /* all of them, by their first points; places are copies */
  size_t chunk_count;
  size_t chunk_capacity;
  struct metric_point *points; /* late ones, in order */
  size_t count;
  struct metric_point *strays; /* owned; collected when they are merged */
  size_t stray_count;
  size_t stray_capacity;
  const size_t *fetched; /* the chunks that were asked for */
};

static enum err_code
bounds_row (void *context, size_t index, const struct store_chunk *chunk, struct err *err)
{
  struct late *late = context;
  struct fold *fold = late->fold;

  (void)index;
  late->chunks = fold_grow (fold, late->chunks, late->chunk_count, &late->chunk_capacity, sizeof (struct store_chunk));
  if (NULL == late->chunks)
    return fold_out_of_memory (err);
  late->chunks[late->chunk_count] = *chunk;
  late->chunks[late->chunk_count++].place =
      (struct slice){ arena_string (fold->arena, chunk->place), chunk->place.len };
  return arena_overflowed (fold->arena) ? fold_out_of_memory (err) : ERR_OK;
}

/* Points of an array that may be in a chunk: from `*start`, up to the result. */
static size_t
within (size_t *start, const struct metric_point *points, size_t count, const struct store_chunk *chunk)
{
  *start = points_from (points, count, chunk->first_step, chunk->first_timestamp_ms);
  return points_after (points, count, chunk->last_step, chunk->last_timestamp_ms);
}

/* Ask for the points of some chunks, some at a time. */
static enum err_code
fetch (struct late *late, const size_t *wanted, size_t count, store_chunk_points_row row, struct err *err)
{
  struct slice places[FETCH_CHUNKS];
  enum err_code code = ERR_OK;

  for (size_t start = 0; ERR_OK == code && start < count; start += FETCH_CHUNKS)
  {
    size_t part = count - start < FETCH_CHUNKS ? count - start : FETCH_CHUNKS;

    for (size_t i = 0; i < part; i++)
      places[i] = late->chunks[wanted[start + i]].place;
    late->fetched = wanted + start;
    code = store_chunk_points (late->fold->connection, places, part, row, late, late->fold->arena, err);
  }
  return code;
}

static bool
decode (struct late *late, size_t *count, struct slice points)
{
  if (chunk_decode (late->fold->scratch, count, late->item->key_id, points))
    return true;
  fold_note_damage (late->fold, late->item->run, late->item->key_id, "a chunk");
  return false;
}

/* Mark the points that a chunk has already, by a key that no item has. */
#define KNOWN UINT32_MAX

static enum err_code
known_row (void *context, size_t index, struct slice points, struct err *err)
{
  struct late *late = context;
  struct fold_item *item = late->item;
  const struct metric_point *known = late->fold->scratch;
  size_t count;
  size_t start;
  size_t end;

  (void)err;
  end = within (&start, item->points, item->count, &late->chunks[late->fetched[index]]);
  if (! decode (late, &count, points))
    return ERR_OK;
  for (size_t i = start, j = 0; i < end; i++)
  {
    while (j < count && metric_point_compare_step (&known[j], &item->points[i]) < 0)
      j++;
    if (j < count && 0 == metric_point_compare_step (&known[j], &item->points[i]))
      item->points[i].key_id = KNOWN;
  }
  return ERR_OK;
}

/* Drop new points that are in a chunk. */
static enum err_code
drop_known (struct late *late, struct err *err)
{
  struct fold_item *item = late->item;
  size_t *wanted = arena_array (late->fold->arena, late->chunk_count, sizeof (size_t));
  size_t count = 0;
  size_t kept = 0;
  enum err_code code;

  if (NULL == wanted)
    return fold_out_of_memory (err);
  for (size_t i = 0; i < late->chunk_count; i++)
  {
    size_t start;

    if (within (&start, item->points, item->count, &late->chunks[i]) > start)
      wanted[count++] = i;
  }
  code = fetch (late, wanted, count, known_row, err);
  for (size_t i = 0; i < item->count; i++)
    if (KNOWN != item->points[i].key_id)
      item->points[kept++] = item->points[i];
  item->count = kept;
  return code;
}

static enum err_code
stray_row (void *context, size_t index, struct slice points, struct err *err)
{
  struct late *late = context;
  const struct store_chunk *chunk = &late->chunks[late->fetched[index]];
  size_t count;

  if (! decode (late, &count, points))
    return ERR_OK;
  if (late->stray_count + count > late->stray_capacity)
  {
    size_t capacity = 2 * late->stray_capacity + count;
    struct metric_point *grown = reallocarray (late->strays, capacity, sizeof (struct metric_point));

    if (NULL == grown)
      return fold_out_of_memory (err);
    late->strays = grown;
    late->stray_capacity = capacity;
  }
  memcpy (late->strays + late->stray_count, late->fold->scratch, count * sizeof (struct metric_point));
  late->stray_count += count;
  late->item->series.chunk_points -= chunk->point_count;
  late->item->series.stray_points -= chunk->point_count;
  return fold_doom (late->fold, chunk, err);
}

/* Take all strays among the late points. */
static enum err_code
take_strays (struct late *late, struct err *err)
{
  struct arena *arena = late->fold->arena;
  size_t *wanted = arena_array (arena, late->chunk_count, sizeof (size_t));
  size_t count = 0;
  struct metric_point *all;
  enum err_code code;

  if (NULL == wanted)
    return fold_out_of_memory (err);
  for (size_t i = 0; i < late->chunk_count; i++)
    if (late->chunks[i].stray)
      wanted[count++] = i;
  code = fetch (late, wanted, count, stray_row, err);
  if (ERR_OK != code || 0 == late->stray_count)
    return code;
  late->stray_count = points_settle (late->strays, late->stray_count, metric_point_compare_step);
  all = arena_array (arena, late->count + late->stray_count, sizeof (struct metric_point));
  if (NULL == all)
    return fold_out_of_memory (err);
  late->count = points_merge (all, late->points, late->count, late->strays, late->stray_count);
  late->points = all;
  return ERR_OK;
}

/* The chunks that are no strays, by their first points, and where the late points of each begin: those from its first
   point to the first of the next; the first chunk also has those before it. */
struct homes
{
  size_t *chunks;
  size_t *starts; /* one more than chunks */
  size_t count;
};

static bool
find_homes (struct homes *homes, const struct late *late)
{
  homes->chunks = arena_array (late->fold->arena, late->chunk_count, sizeof (size_t));
  homes->starts = arena_array (late->fold->arena, late->chunk_count + 1, sizeof (size_t));
  homes->count = 0;
  if (NULL == homes->chunks || NULL == homes->starts)
    return false;
  for (size_t i = 0; i < late->chunk_count; i++)
  {
    const struct store_chunk *chunk = &late->chunks[i];

    if (chunk->stray)
      continue;
    homes->starts[homes->count] =
        0 == homes->count ? 0 : points_from (late->points, late->count, chunk->first_step, chunk->first_timestamp_ms);
    homes->chunks[homes->count++] = i;
  }
  homes->starts[homes->count] = late->count;
  return true;
}

/* A fetch that writes chunks anew. */
struct rewrite
{
  struct late *late;
  const struct homes *homes;
  const size_t *wanted; /* indexes into homes */
};

/* Write a chunk anew with the late points that belong to it. */
static enum err_code
rewrite_chunk (struct late *late, const struct homes *homes, size_t home, struct slice packed, struct err *err)
{
  struct fold *fold = late->fold;
  const struct store_chunk *chunk = &late->chunks[homes->chunks[home]];
  size_t start = homes->starts[home];
  size_t length = homes->starts[home + 1] - start;
  struct metric_point *merged;
  size_t count;
  enum err_code code;

  if (! decode (late, &count, packed))
  {
    /* It stays as it is; what belongs to it becomes a chunk beside it. */
    return fold_emit (fold, late->number, late->points + start, length, true, true, err);
  }
  merged = malloc ((count + length) * sizeof (struct metric_point));
  if (NULL == merged)
    return fold_out_of_memory (err);
  count = points_merge (merged, fold->scratch, count, late->points + start, length);
  late->item->series.chunk_points -= chunk->point_count;
  code = fold_doom (fold, chunk, err);
  if (ERR_OK == code)
    code = fold_emit (fold, late->number, merged, count, false, true, err);
  free (merged);
  return code;
}

static enum err_code
rewrite_row (void *context, size_t index, struct slice points, struct err *err)
{
  const struct rewrite *rewrite = context;

  return rewrite_chunk (rewrite->late, rewrite->homes, rewrite->wanted[index], points, err);
}

/* Write some chunks anew, some at a time: what is written goes out between two questions. */
static enum err_code
rewrite_chunks (struct late *late, const struct homes *homes, const size_t *wanted, size_t count, struct err *err)
{
  struct slice places[FETCH_CHUNKS];
  enum err_code code = ERR_OK;

  for (size_t start = 0; ERR_OK == code && start < count; start += FETCH_CHUNKS)
  {
    size_t part = count - start < FETCH_CHUNKS ? count - start : FETCH_CHUNKS;
    struct rewrite rewrite = { late, homes, wanted + start };

    for (size_t i = 0; i < part; i++)
      places[i] = late->chunks[homes->chunks[wanted[start + i]]].place;
    code = store_chunk_points (late->fold->connection, places, part, rewrite_row, &rewrite, late->fold->arena, err);
    if (ERR_OK == code)
      code = fold_flush_if_large (late->fold, err);
  }
  return code;
}

/* Settle the late points: many for one chunk go into it, the others are left in late->points. */
static enum err_code
place_late (struct late *late, bool all, struct err *err)
{
  struct homes homes;
  size_t *wanted = arena_array (late->fold->arena, late->chunk_count, sizeof (size_t));
  size_t count = 0;
  size_t kept = 0;
  enum err_code code;

  if (NULL == wanted || ! find_homes (&homes, late))
    return fold_out_of_memory (err);
  if (0 == homes.count)
  {
    /* Every chunk was a stray and has been taken. */
    code = all ? fold_emit (late->fold, late->number, late->points, late->count, false, true, err) : ERR_OK;
    late->count = all ? 0 : late->count;
    return code;
  }
  for (size_t i = 0; i < homes.count; i++)
  {
    size_t length = homes.starts[i + 1] - homes.starts[i];

    if (length > 0 && (all || length * REWRITE_RATIO >= (size_t)late->chunks[homes.chunks[i]].point_count))
      wanted[count++] = i;
  }
  code = rewrite_chunks (late, &homes, wanted, count, err);
  for (size_t i = 0, next = 0; i < homes.count; i++)
  {
    size_t length = homes.starts[i + 1] - homes.starts[i];

    if (next < count && wanted[next] == i)
    {
      next++;
      continue;
    }
    memmove (late->points + kept, late->points + homes.starts[i], length * sizeof (struct metric_point));
    kept += length;
  }
  late->count = kept;
  return code;
}

static enum err_code
read_bounds (struct late *late, struct err *err)
{
  const struct store_chunk_range range = STORE_CHUNK_RANGE_ALL;
  struct store_series_keys keys;

  if (! fold_keys (&keys, late->fold, &late->number, 1))
    return fold_out_of_memory (err);
  return store_chunk_bounds (late->fold->connection, &keys, &range, false, bounds_row, late, late->fold->arena, err);
}

static bool
strays_are_many (const struct late *late)
{
  const struct store_series *series = &late->item->series;
  int64_t strays = series->stray_points + (int64_t)late->count;

  return strays >= STRAYS_MAX || strays * STRAY_RATIO >= series->chunk_points;
}

/* Divide new and recent points into late ones and those behind the chunks. */
static enum err_code
divide (struct late *late, struct err *err)
{
  struct fold_item *item = late->item;
  struct metric_point *all =
      arena_array (late->fold->arena, item->recent_count + item->count, sizeof (struct metric_point));
  size_t count;

  if (NULL == all)
    return fold_out_of_memory (err);
  count = points_merge (all, item->recent, item->recent_count, item->points, item->count);
  late->points = all;
  late->count = points_after (all, count, item->series.chunk_end_step.value, item->series.chunk_end_timestamp_ms.value);
  item->open = all + late->count;
  item->open_count = count - late->count;
  return ERR_OK;
}

static enum err_code
settle_late (struct late *late, struct err *err)
{
  struct fold_item *item = late->item;
  bool all = strays_are_many (late);
  enum err_code code = ERR_OK;

  if (all && item->series.stray_points > 0)
    code = take_strays (late, err);
  if (ERR_OK == code)
    code = place_late (late, all, err);
  if (ERR_OK == code && late->count > KEPT_MAX)
  {
    code = fold_emit (late->fold, late->number, late->points, late->count, true, true, err);
    late->count = 0;
  }
  return code;
}

enum err_code
fold_late (struct fold *fold, size_t number, struct err *err)
{
  struct late late = { .fold = fold, .number = number, .item = &fold->items[number] };
  struct fold_item *item = late.item;
  enum err_code code = read_bounds (&late, err);

  if (ERR_OK == code)
    code = drop_known (&late, err);
  if (ERR_OK == code)
  {
    item->count = points_subtract (item->points, item->count, item->recent, item->recent_count);
    fold_count (item, item->points, item->count);
    code = divide (&late, err);
  }
  if (ERR_OK == code && item->count > 0 && late.count + item->open_count > FOLD_RECENT_MAX)
    code = settle_late (&late, err);
  item->kept = late.points;
  item->kept_count = late.count;
  free (late.strays);
  return code;
}
