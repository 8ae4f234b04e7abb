/* What the rows of the metric engine hold, compared with what they say of themselves and with what was logged. */
#include "engine.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Memory of one reading. */
#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

static int
by_step (const void *a, const void *b)
{
  return metric_point_compare_step (a, b);
}

/* One series as its rows say. */
struct stored
{
  struct arena *arena;
  struct store_connection *connection;
  size_t run;
  size_t key;
  size_t context;
  int64_t context_id;
  bool found;
  struct store_series row;
  struct store_chunk *chunks;
  size_t chunk_count;
  struct slice *packed;
  struct metric_point *points;
  size_t count;
};

static enum err_code
take_series (void *context, size_t item, const struct store_series *series, struct err *err)
{
  struct stored *stored = context;

  (void)item;
  (void)err;
  stored->found = true;
  stored->row = *series;
  stored->row.recent = (struct slice){ arena_string (stored->arena, series->recent), series->recent.len };
  return ERR_OK;
}

static enum err_code
take_chunk (void *context, size_t item, const struct store_chunk *chunk, struct err *err)
{
  struct stored *stored = context;
  struct store_chunk *grown = arena_array (stored->arena, stored->chunk_count + 1, sizeof (*grown));

  (void)item;
  (void)err;
  ck_assert_ptr_nonnull (grown);
  if (stored->chunk_count > 0)
    memcpy (grown, stored->chunks, stored->chunk_count * sizeof (*grown));
  stored->chunks = grown;
  stored->chunks[stored->chunk_count] = *chunk;
  stored->chunks[stored->chunk_count].place =
      (struct slice){ arena_string (stored->arena, chunk->place), chunk->place.len };
  stored->chunks[stored->chunk_count++].summary =
      (struct slice){ arena_string (stored->arena, chunk->summary), chunk->summary.len };
  return ERR_OK;
}

static enum err_code
take_points (void *context, size_t index, struct slice points, struct err *err)
{
  struct stored *stored = context;

  (void)err;
  stored->packed[index] = (struct slice){ arena_string (stored->arena, points), points.len };
  return ERR_OK;
}

/* The columns of a chunk agree with its points. */
static void
check_chunk (const struct store_chunk *row, const struct metric_point *points, size_t count)
{
  struct chunk_block blocks[CHUNK_BLOCKS_MAX];
  int64_t min_ms = INT64_MAX;
  int64_t max_ms = INT64_MIN;
  double min = NAN;
  double max = NAN;
  size_t block_count;
  size_t summed = 0;

  ck_assert_uint_eq (count, (size_t)row->point_count);
  ck_assert_uint_le (count, CHUNK_MAX_POINTS);
  for (size_t i = 0; i < count; i++)
  {
    min_ms = points[i].timestamp_ms < min_ms ? points[i].timestamp_ms : min_ms;
    max_ms = points[i].timestamp_ms > max_ms ? points[i].timestamp_ms : max_ms;
    min = fmin (min, points[i].value);
    max = fmax (max, points[i].value);
  }
  ck_assert_int_eq (row->first_step, points[0].step);
  ck_assert_int_eq (row->first_timestamp_ms, points[0].timestamp_ms);
  ck_assert_int_eq (row->last_step, points[count - 1].step);
  ck_assert_int_eq (row->last_timestamp_ms, points[count - 1].timestamp_ms);
  ck_assert_int_eq (row->min_timestamp_ms, min_ms);
  ck_assert_int_eq (row->max_timestamp_ms, max_ms);
  ck_assert (isnan (min) ? isnan (row->min_value) : row->min_value <= min && row->min_value >= min);
  ck_assert (isnan (max) ? isnan (row->max_value) : row->max_value <= max && row->max_value >= max);
  ck_assert (chunk_summary_decode (blocks, &block_count, row->summary));
  for (size_t i = 0; i < block_count; i++)
    summed += blocks[i].count;
  ck_assert_uint_eq (summed, count);
}

/* The row of a series agrees with the points that it and its chunks hold. */
static void
check_series_row (const struct stored *stored, size_t recent_count, size_t stray_count)
{
  const struct store_series *row = &stored->row;
  const struct metric_point *points = stored->points;
  size_t count = stored->count;
  size_t nan_count = 0;
  int64_t min_ms = INT64_MAX;
  int64_t max_ms = INT64_MIN;
  double min = NAN;
  double max = NAN;

  for (size_t i = 0; i < count; i++)
  {
    nan_count += isnan (points[i].value) != 0;
    min_ms = points[i].timestamp_ms < min_ms ? points[i].timestamp_ms : min_ms;
    max_ms = points[i].timestamp_ms > max_ms ? points[i].timestamp_ms : max_ms;
    min = fmin (min, points[i].value);
    max = fmax (max, points[i].value);
  }
  ck_assert_uint_eq ((size_t)row->point_count, count);
  ck_assert_uint_eq ((size_t)row->chunk_points, count - recent_count);
  ck_assert_uint_eq ((size_t)row->stray_points, stray_count);
  ck_assert_uint_le (recent_count, FOLD_RECENT_MAX);
  ck_assert_uint_eq ((size_t)row->nan_count, nan_count);
  ck_assert_int_eq (row->min_timestamp_ms, min_ms);
  ck_assert_int_eq (row->max_timestamp_ms, max_ms);
  ck_assert (isnan (min) ? isnan (row->min_value) : row->min_value <= min && row->min_value >= min);
  ck_assert (isnan (max) ? isnan (row->max_value) : row->max_value <= max && row->max_value >= max);
  ck_assert (engine_same (&points[0],
                          &(struct metric_point){ row->first_timestamp_ms, row->first_step, row->first_value, 0 }));
  ck_assert (engine_same (&points[count - 1],
                          &(struct metric_point){ row->latest_timestamp_ms, row->latest_step, row->latest_value, 0 }));
  ck_assert_int_eq (row->chunk_end_step.present, stored->chunk_count > 0);
  ck_assert_int_eq (row->chunk_end_timestamp_ms.present, stored->chunk_count > 0);
  for (size_t i = 0, any = 0; i < stored->chunk_count; i++)
  {
    const struct store_chunk *chunk = &stored->chunks[i];
    int order = place_compare (chunk->last_step, chunk->last_timestamp_ms, row->chunk_end_step.value,
                               row->chunk_end_timestamp_ms.value);

    ck_assert_int_le (order, 0);
    any += 0 == order;
    ck_assert (any > 0 || i + 1 < stored->chunk_count);
  }
}

static void
check_series (struct stored *stored)
{
  static struct metric_point points[CHUNK_MAX_POINTS];
  const int64_t key_id = engine.key_ids[stored->key];
  const struct store_series_keys keys = { &engine.runs[stored->run], &key_id, &stored->context_id, 1 };
  const struct store_chunk_range range = STORE_CHUNK_RANGE_ALL;
  const struct store_chunk *before = NULL;
  struct slice *places;
  size_t recent_count = 0;
  size_t stray_count = 0;
  size_t room = CHUNK_MAX_POINTS;
  size_t kept = 0;
  struct err err = { 0 };

  ck_assert_int_eq (store_series_read (stored->connection, &keys, true, take_series, stored, stored->arena, &err),
                    ERR_OK);
  ck_assert_int_eq (
      store_chunk_bounds (stored->connection, &keys, &range, true, take_chunk, stored, stored->arena, &err), ERR_OK);
  if (! stored->found)
  {
    ck_assert_uint_eq (stored->chunk_count, 0);
    return;
  }
  places = arena_array (stored->arena, stored->chunk_count, sizeof (*places));
  stored->packed = arena_array (stored->arena, stored->chunk_count, sizeof (*places));
  for (size_t i = 0; i < stored->chunk_count; i++)
  {
    places[i] = stored->chunks[i].place;
    room += (size_t)stored->chunks[i].point_count;
  }
  if (stored->chunk_count > 0)
    ck_assert_int_eq (
        store_chunk_points (stored->connection, places, stored->chunk_count, take_points, stored, stored->arena, &err),
        ERR_OK);
  stored->points = arena_array (stored->arena, room, sizeof (*points));
  ck_assert_ptr_nonnull (stored->points);
  for (size_t i = 0; i < stored->chunk_count; i++)
  {
    const struct store_chunk *chunk = &stored->chunks[i];
    size_t count;

    ck_assert (chunk_decode (points, &count, (uint32_t)key_id, stored->packed[i]));
    check_chunk (chunk, points, count);
    memcpy (stored->points + stored->count, points, count * sizeof (*points));
    stored->count += count;
    stray_count += chunk->stray ? count : 0;
    if (chunk->stray)
      continue;
    ck_assert (
        NULL == before
        || place_compare (before->last_step, before->last_timestamp_ms, chunk->first_step, chunk->first_timestamp_ms)
               <= 0);
    before = chunk;
  }
  if (NULL != stored->row.recent.data)
    ck_assert (chunk_decode (stored->points + stored->count, &recent_count, (uint32_t)key_id, stored->row.recent));
  else if (0 == stored->count)
  {
    stored->points[stored->count] =
        (struct metric_point){ stored->row.latest_timestamp_ms, stored->row.latest_step, stored->row.latest_value, 0 };
    recent_count = 1;
  }
  stored->count += recent_count;
  qsort (stored->points, stored->count, sizeof (*points), by_step);
  for (size_t i = 0; i < stored->count; i++)
    kept += 0 == i || 0 != by_step (&stored->points[i - 1], &stored->points[i]);
  ck_assert_msg (kept == stored->count, "%zu of %zu points are there twice", stored->count - kept, stored->count);
  check_series_row (stored, recent_count, stray_count);
}

static int64_t
context_id_of (size_t context)
{
  if (0 == context)
    return 0;
  return database_number ("SELECT coalesce(max(context_id), -1)::int8 FROM metric_context WHERE model_id = 'm-%zu'",
                          context);
}

static enum err_code
work_stored (struct store_connection *connection, void *context, struct err *err)
{
  struct stored *stored = context;

  (void)err;
  stored->connection = connection;
  check_series (stored);
  return ERR_OK;
}

void
engine_check_stored (void)
{
  bool whole = 0 == database_number ("SELECT count(*) FROM metric_tail");

  for (size_t run = 0; run < ENGINE_RUNS; run++)
    for (size_t key = 0; key < ENGINE_KEYS; key++)
      for (size_t context = 0; context < ENGINE_CONTEXTS; context++)
      {
        size_t count;
        const struct metric_point *expected = engine_points (&count, run, key, context);
        struct stored stored = { .arena = arena_new (ARENA_BYTES),
                                 .run = run,
                                 .key = key,
                                 .context = context,
                                 .context_id = context_id_of (context) };

        engine_read (work_stored, &stored);
        if (whole)
          engine_assert_same (stored.points, stored.count, expected, count, "what is stored");
        ck_assert_uint_le (stored.count, count);
        arena_free (stored.arena);
      }
}
