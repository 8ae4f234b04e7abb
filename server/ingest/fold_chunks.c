/* The chunks that a fold writes and deletes: collected, and sent in parts. */
#include "ingest/fold_private.h"

/* Chunks are sent when their columns take so much. */
#define FLUSH_BYTES ((size_t)4 * 1024 * 1024)

enum err_code
fold_doom (struct fold *fold, const struct store_chunk *chunk, struct err *err)
{
  fold->doomed = fold_grow (fold, fold->doomed, fold->doomed_count, &fold->doomed_capacity, sizeof (struct slice));
  if (NULL == fold->doomed)
    return fold_out_of_memory (err);
  fold->doomed[fold->doomed_count++] = (struct slice){ arena_string (fold->arena, chunk->place), chunk->place.len };
  return arena_overflowed (fold->arena) ? fold_out_of_memory (err) : ERR_OK;
}

/* A chunk of some points: its bounds, and its columns at the end of `bytes`. */
static bool
make_chunk (struct fold_chunk *chunk, struct buffer *bytes, const struct metric_point *points, size_t count)
{
  struct points_bounds bounds = POINTS_BOUNDS_NONE;

  points_widen (&bounds, points, count);
  chunk->row = (struct store_chunk){ .first_step = points[0].step,
                                     .first_timestamp_ms = points[0].timestamp_ms,
                                     .last_step = points[count - 1].step,
                                     .last_timestamp_ms = points[count - 1].timestamp_ms,
                                     .min_timestamp_ms = bounds.min_timestamp_ms,
                                     .max_timestamp_ms = bounds.max_timestamp_ms,
                                     .min_value = bounds.min_value,
                                     .max_value = bounds.max_value,
                                     .point_count = (int64_t)count };
  chunk->summary_start = bytes->len;
  if (! chunk_summary_encode (bytes, points, count))
    return false;
  chunk->summary_end = bytes->len;
  if (! chunk_encode (bytes, points, count))
    return false;
  chunk->points_end = bytes->len;
  return true;
}

enum err_code
fold_emit (struct fold *fold, size_t number, const struct metric_point *points, size_t count, bool stray, bool even,
           struct err *err)
{
  struct store_series *series = &fold->items[number].series;
  size_t pieces = (count + CHUNK_MAX_POINTS - 1) / CHUNK_MAX_POINTS;
  size_t size = even && pieces > 0 ? (count + pieces - 1) / pieces : CHUNK_MAX_POINTS;

  if (0 == count)
    return ERR_OK;
  if (0 == series->chunk_points
      || place_compare (points[count - 1].step, points[count - 1].timestamp_ms, series->chunk_end_step.value,
                        series->chunk_end_timestamp_ms.value)
             > 0)
  {
    series->chunk_end_step = (struct optional_int64){ true, points[count - 1].step };
    series->chunk_end_timestamp_ms = (struct optional_int64){ true, points[count - 1].timestamp_ms };
  }
  for (size_t start = 0; start < count; start += size)
  {
    size_t length = count - start < size ? count - start : size;
    struct fold_chunk *chunk;

    fold->chunks = fold_grow (fold, fold->chunks, fold->chunk_count, &fold->chunk_capacity, sizeof (struct fold_chunk));
    if (NULL == fold->chunks)
      return fold_out_of_memory (err);
    chunk = &fold->chunks[fold->chunk_count];
    if (! make_chunk (chunk, &fold->bytes, points + start, length))
      return fold_out_of_memory (err);
    chunk->item = number;
    chunk->row.stray = stray;
    fold->chunk_count++;
    fold->result->chunks++;
    fold->result->chunk_points += length;
    series->chunk_points += (int64_t)length;
    series->stray_points += stray ? (int64_t)length : 0;
  }
  return ERR_OK;
}

enum err_code
fold_flush_if_large (struct fold *fold, struct err *err)
{
  return fold->bytes.len < FLUSH_BYTES ? ERR_OK : fold_flush (fold, err);
}

enum err_code
fold_flush (struct fold *fold, struct err *err)
{
  struct store_series_keys keys;
  size_t *items = arena_array (fold->arena, fold->chunk_count, sizeof (size_t));
  struct store_chunk *rows = arena_array (fold->arena, fold->chunk_count, sizeof (struct store_chunk));
  enum err_code code = ERR_OK;

  if (NULL == items || NULL == rows)
    return fold_out_of_memory (err);
  if (fold->doomed_count > 0)
    code = store_chunk_delete (fold->connection, fold->doomed, fold->doomed_count, fold->arena, err);
  fold->doomed_count = 0;
  if (ERR_OK != code || 0 == fold->chunk_count)
    return code;
  for (size_t i = 0; i < fold->chunk_count; i++)
  {
    const struct fold_chunk *chunk = &fold->chunks[i];
    const char *data = fold->bytes.data;

    items[i] = chunk->item;
    rows[i] = chunk->row;
    rows[i].summary = (struct slice){ data + chunk->summary_start, chunk->summary_end - chunk->summary_start };
    rows[i].points = (struct slice){ data + chunk->summary_end, chunk->points_end - chunk->summary_end };
  }
  if (! fold_keys (&keys, fold, items, fold->chunk_count))
    return fold_out_of_memory (err);
  code = store_chunk_insert (fold->connection, &keys, rows, fold->arena, err);
  fold->chunk_count = 0;
  buffer_clear (&fold->bytes);
  return code;
}
