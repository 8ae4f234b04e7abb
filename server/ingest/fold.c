/* Folding: from rows of the tail to series and chunks. */
#include "ingest/fold_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "store/context.h"
#include "store/metric.h"

#include <math.h>
#include <stdlib.h>

/* Memory for the intake of one fold (the points of FOLD_BYTES, and keys), and as much again for each of its parts. */
#define ARENA_BYTES ((size_t)512 * 1024 * 1024)
/* Series of one part, and new points of it if they are several: with the chunks that they merge with they take some
   hundred megabytes at the worst, however many series the fold has. */
#define PART_ITEMS ((size_t)256)
#define PART_POINTS ((size_t)65536)
/* The columns of the largest fold; sent in parts above. */
#define BYTES_MAX ((size_t)1024 * 1024 * 1024)
/* A chunk is merged with what comes behind it while it is at most so many times as large. */
#define END_RATIO 2

enum err_code
fold_out_of_memory (struct err *err)
{
  return err_set_cause (err, ERR_INTERNAL_ERROR, "out of memory in a fold", "internal error");
}

void *
fold_grow (struct fold *fold, void *items, size_t count, size_t *capacity, size_t size)
{
  size_t more = 0 == *capacity ? 16 : *capacity * 2;
  void *grown;

  if (count < *capacity)
    return items;
  grown = arena_array (fold->arena, more, size);
  if (NULL == grown)
    return NULL;
  if (count > 0)
    memcpy (grown, items, count * size);
  *capacity = more;
  return grown;
}

void
fold_note_damage (struct fold *fold, uint32_t run, uint32_t key_id, const char *what)
{
  stats_add (&stats.metric_damaged, 1);
  if (fold->damage_count < FOLD_DAMAGES_MAX)
    fold->damages[fold->damage_count++] = (struct fold_damage){ run, key_id, what };
}

/* --- what is there ----------------------------------------------------------------------------------------------- */

bool
fold_keys (struct store_series_keys *keys, struct fold *fold, const size_t *items, size_t count)
{
  struct uuid *run_ids = arena_array (fold->arena, count, sizeof (struct uuid));
  int64_t *key_ids = arena_array (fold->arena, count, sizeof (int64_t));
  int64_t *context_ids = arena_array (fold->arena, count, sizeof (int64_t));

  if (NULL == run_ids || NULL == key_ids || NULL == context_ids)
    return false;
  for (size_t i = 0; i < count; i++)
  {
    const struct fold_item *item = &fold->items[items[i]];

    run_ids[i] = fold->runs[item->run].run_id;
    key_ids[i] = item->key_id;
    context_ids[i] = 0 == item->context ? 0 : fold->contexts[item->context - 1].context_id;
  }
  *keys = (struct store_series_keys){ run_ids, key_ids, context_ids, count };
  return true;
}

static struct metric_point
latest_of (const struct store_series *series)
{
  return (struct metric_point){ .timestamp_ms = series->latest_timestamp_ms,
                                .step = series->latest_step,
                                .value = series->latest_value };
}

static enum err_code
series_row (void *context, size_t number, const struct store_series *series, struct err *err)
{
  struct fold *fold = context;
  struct fold_item *item = &fold->items[fold->part_start + number];
  struct metric_point *points = fold->scratch;
  size_t count = 0;

  item->exists = true;
  item->series = *series;
  item->series.recent = (struct slice){ NULL, 0 };
  if (NULL == series->recent.data && 1 == series->point_count && 0 == series->chunk_points)
  {
    points[0] = latest_of (series);
    count = 1;
  }
  else if (NULL != series->recent.data && ! chunk_decode (points, &count, item->key_id, series->recent))
  {
    fold_note_damage (fold, item->run, item->key_id, "the recent points of a series, now in metric_damaged");
    count = 0;
    item->series.recent =
        (struct slice){ arena_copy (fold->arena, series->recent.data, series->recent.len), series->recent.len };
  }
  item->recent_count = count;
  item->recent_lost = NULL != item->series.recent.data;
  if (count > 0)
    item->recent = (void *)arena_copy (fold->arena, (const char *)points, count * sizeof (points[0]));
  item->series.point_count = series->chunk_points + (int64_t)count;
  return arena_overflowed (fold->arena) ? fold_out_of_memory (err) : ERR_OK;
}

static enum err_code
resolve_contexts (struct fold *fold, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < fold->context_count; i++)
  {
    struct fold_context *belongs = &fold->contexts[i];

    code = store_context_resolve (&belongs->context_id, fold->connection, belongs->texts.model_id,
                                  belongs->texts.dataset_name, belongs->texts.dataset_digest, err);
  }
  return code;
}

/* Points that were logged before there were links of runs and contexts get theirs here, at the latest. */
static enum err_code
link_contexts (struct fold *fold, struct err *err)
{
  struct uuid *run_ids = arena_array (fold->arena, fold->item_count, sizeof (struct uuid));
  int64_t *context_ids = arena_array (fold->arena, fold->item_count, sizeof (int64_t));
  struct store_context_links links = { run_ids, context_ids, 0 };

  if (NULL == run_ids || NULL == context_ids)
    return fold_out_of_memory (err);
  for (size_t i = 0; i < fold->item_count; i++)
  {
    const struct fold_item *item = &fold->items[i];

    if (0 == item->context || ! slice_filled (fold->contexts[item->context - 1].texts.model_id))
      continue;
    run_ids[links.count] = fold->runs[item->run].run_id;
    context_ids[links.count++] = fold->contexts[item->context - 1].context_id;
  }
  return 0 == links.count ? ERR_OK : store_context_link (fold->connection, &links, fold->arena, err);
}

static enum err_code
read_series (struct fold *fold, struct err *err)
{
  size_t count = fold->part_end - fold->part_start;
  size_t *all = arena_array (fold->arena, count, sizeof (size_t));
  struct store_series_keys keys;
  enum err_code code;

  for (size_t i = 0; i < count && NULL != all; i++)
    all[i] = fold->part_start + i;
  if (NULL == all || ! fold_keys (&keys, fold, all, count))
    return fold_out_of_memory (err);
  code = store_series_read (fold->connection, &keys, true, series_row, fold, fold->arena, err);
  for (size_t i = fold->part_start; ERR_OK == code && i < fold->part_end; i++)
  {
    struct fold_item *item = &fold->items[i];

    if (! item->recent_lost)
      continue;
    code = store_fold_damaged (fold->connection, &fold->runs[item->run].run_id, item->series.recent, clock_wall_ms (),
                               err);
    item->series.recent = (struct slice){ NULL, 0 };
  }
  return code;
}

/* --- merging ----------------------------------------------------------------------------------------------------- */

bool
fold_is_late (const struct fold_item *item, const struct metric_point *point)
{
  const struct store_series *series = &item->series;

  return item->exists && series->chunk_points > 0
         && place_compare (point->step, point->timestamp_ms, series->chunk_end_step.value,
                           series->chunk_end_timestamp_ms.value)
                <= 0;
}

/* The statistics of a series without points. */
static const struct store_series no_points = { .first_step = INT64_MAX,
                                               .first_timestamp_ms = INT64_MAX,
                                               .first_value = INFINITY,
                                               .latest_step = INT64_MIN,
                                               .latest_timestamp_ms = INT64_MIN,
                                               .latest_value = NAN,
                                               .min_timestamp_ms = INT64_MAX,
                                               .max_timestamp_ms = INT64_MIN,
                                               .min_value = NAN,
                                               .max_value = NAN };

void
fold_count (struct fold_item *item, const struct metric_point *points, size_t count)
{
  struct store_series *series = &item->series;
  struct points_bounds bounds;
  struct metric_point first;
  struct metric_point latest;

  if (0 == count)
    return;
  if (0 == series->point_count && ! item->exists)
    *series = no_points;
  bounds = (struct points_bounds){ series->min_timestamp_ms, series->max_timestamp_ms, series->min_value,
                                   series->max_value, series->nan_count };
  points_widen (&bounds, points, count);
  series->min_timestamp_ms = bounds.min_timestamp_ms;
  series->max_timestamp_ms = bounds.max_timestamp_ms;
  series->min_value = bounds.min_value;
  series->max_value = bounds.max_value;
  series->nan_count = bounds.nan_count;
  series->point_count += (int64_t)count;
  first = (struct metric_point){ .step = series->first_step,
                                 .timestamp_ms = series->first_timestamp_ms,
                                 .value = series->first_value };
  latest = latest_of (series);
  if (metric_point_compare_step (&points[0], &first) <= 0)
  {
    series->first_step = points[0].step;
    series->first_timestamp_ms = points[0].timestamp_ms;
    series->first_value = points[0].value;
  }
  if (metric_point_compare_step (&points[count - 1], &latest) >= 0)
  {
    series->latest_step = points[count - 1].step;
    series->latest_timestamp_ms = points[count - 1].timestamp_ms;
    series->latest_value = points[count - 1].value;
  }
}

/* Whether any point that is not in chunks is late, so that the slow way is needed. */
static bool
has_late (const struct fold_item *item)
{
  return (item->count > 0 && fold_is_late (item, &item->points[0]))
         || (item->recent_count > 0 && fold_is_late (item, &item->recent[0]));
}

static enum err_code
merge_item (struct fold *fold, size_t number, struct err *err)
{
  struct fold_item *item = &fold->items[number];

  if (has_late (item))
    return fold_late (fold, number, err);
  item->count = points_subtract (item->points, item->count, item->recent, item->recent_count);
  item->open = arena_array (fold->arena, item->recent_count + item->count, sizeof (struct metric_point));
  if (NULL == item->open)
    return fold_out_of_memory (err);
  item->open_count = points_merge (item->open, item->recent, item->recent_count, item->points, item->count);
  fold_count (item, item->points, item->count);
  return ERR_OK;
}

/* More points are open than the row of the series may keep. */
static bool
needs_chunk (const struct fold_item *item)
{
  return item->count > 0 && item->kept_count + item->open_count > FOLD_RECENT_MAX;
}

struct ends
{
  struct fold *fold;
  const size_t *items;
};

/* A chunk before what is open: merge the two when it is small. */
static enum err_code
end_row (void *context, size_t index, const struct store_chunk *chunk, struct err *err)
{
  const struct ends *ends = context;
  struct fold *fold = ends->fold;
  struct fold_item *item = &fold->items[ends->items[index]];
  struct metric_point *points = fold->scratch;
  struct metric_point *merged;
  size_t count;

  if (! item->ends_open)
    return ERR_OK;
  item->ends_open = NULL != chunk->points.data && (size_t)chunk->point_count <= END_RATIO * item->open_count;
  if (! item->ends_open)
    return ERR_OK;
  if (! chunk_decode (points, &count, item->key_id, chunk->points))
  {
    fold_note_damage (fold, item->run, item->key_id, "a chunk");
    item->ends_open = false;
    return ERR_OK;
  }
  merged = arena_array (fold->arena, count + item->open_count, sizeof (struct metric_point));
  if (NULL == merged)
    return fold_out_of_memory (err);
  item->open_count = points_merge (merged, points, count, item->open, item->open_count);
  item->open = merged;
  item->series.chunk_points -= chunk->point_count;
  return fold_doom (fold, chunk, err);
}

static enum err_code
merge_ends (struct fold *fold, struct err *err)
{
  size_t *items = arena_array (fold->arena, fold->part_end - fold->part_start, sizeof (size_t));
  int64_t *most = arena_array (fold->arena, fold->part_end - fold->part_start, sizeof (int64_t));
  struct ends ends = { fold, items };
  struct store_series_keys keys;
  size_t count = 0;

  if (NULL == items || NULL == most)
    return fold_out_of_memory (err);
  for (size_t i = fold->part_start; i < fold->part_end; i++)
  {
    struct fold_item *item = &fold->items[i];

    if (! needs_chunk (item) || 0 == item->series.chunk_points)
      continue;
    item->ends_open = true;
    /* Once the last is merged the one before may be larger. A full chunk never is merged. */
    most[count] = (int64_t)(2 * END_RATIO * item->open_count);
    if (most[count] > CHUNK_MAX_POINTS - 1)
      most[count] = CHUNK_MAX_POINTS - 1;
    items[count++] = i;
  }
  if (0 == count)
    return ERR_OK;
  if (! fold_keys (&keys, fold, items, count))
    return fold_out_of_memory (err);
  return store_chunk_ends (fold->connection, &keys, most, end_row, &ends, fold->arena, err);
}

/* Make chunks of what is open; what is too little for one stays open. */
static enum err_code
cut (struct fold *fold, size_t number, struct err *err)
{
  struct fold_item *item = &fold->items[number];
  size_t rest = item->open_count % CHUNK_MAX_POINTS;
  size_t whole = item->open_count - rest;
  enum err_code code;

  if (! needs_chunk (item))
    return ERR_OK;
  if (rest + item->kept_count > FOLD_RECENT_MAX)
    whole = item->open_count;
  code = fold_emit (fold, number, item->open, whole, false, false, err);
  item->open += whole;
  item->open_count -= whole;
  return code;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* What stays in the row: late points that wait, and those behind the chunks. */
static bool
pack_recent (struct slice *recent, struct fold *fold, struct fold_item *item)
{
  struct store_series *series = &item->series;
  const struct metric_point latest = latest_of (series);
  size_t count = item->kept_count + item->open_count;
  struct metric_point *points = arena_array (fold->arena, count, sizeof (struct metric_point));
  struct buffer packed;

  *recent = (struct slice){ NULL, 0 };
  if (NULL == points)
    return false;
  count = points_merge (points, item->kept, item->kept_count, item->open, item->open_count);
  series->point_count = series->chunk_points + (int64_t)count;
  /* Only after damage that lost some. */
  if (series->nan_count > series->point_count)
    series->nan_count = series->point_count;
  /* A lone point is the latest, unless damage has lost the one that was. */
  if (0 == count || (1 == count && 0 == series->chunk_points && 0 == metric_point_compare_step (&points[0], &latest)))
    return true;
  buffer_init (&packed, BYTES_MAX);
  if (chunk_encode (&packed, points, count))
    *recent = (struct slice){ arena_copy (fold->arena, packed.data, packed.len), packed.len };
  buffer_free (&packed);
  return NULL != recent->data;
}

static enum err_code
write_series (struct fold *fold, struct err *err)
{
  size_t *items = arena_array (fold->arena, fold->part_end - fold->part_start, sizeof (size_t));
  struct store_series *rows =
      arena_array (fold->arena, fold->part_end - fold->part_start, sizeof (struct store_series));
  struct store_series_keys keys;
  size_t count = 0;

  if (NULL == items || NULL == rows)
    return fold_out_of_memory (err);
  for (size_t i = fold->part_start; i < fold->part_end; i++)
  {
    struct fold_item *item = &fold->items[i];

    /* All of its points were there already; a row whose recent points were damaged is written all the same. */
    if (0 == item->count && ! (item->recent_lost && item->series.chunk_points > 0))
      continue;
    if (! pack_recent (&item->series.recent, fold, item))
      return fold_out_of_memory (err);
    if (0 == item->context)
      fold->result->added += item->count;
    rows[count] = item->series;
    items[count++] = i;
  }
  if (0 == count)
    return ERR_OK;
  if (! fold_keys (&keys, fold, items, count))
    return fold_out_of_memory (err);
  return store_series_write (fold->connection, &keys, rows, fold->arena, err);
}

/* What one try of the transaction works on. */
struct attempt
{
  struct fold_result *result;
  const struct uuid *run_ids;
  size_t count;
};

static void
count_keys (const struct fold *fold, const struct attempt *attempt)
{
  for (size_t i = 0; i < attempt->count; i++)
    for (size_t j = 0; j < fold->run_count; j++)
      if (0 == memcmp (&attempt->run_ids[i], &fold->runs[j].run_id, sizeof (struct uuid)))
        for (size_t k = 0; k < fold->item_count; k++)
          attempt->result->keys[i] += fold->items[k].run == j;
}

/* Merge some series with what is there. */
static enum err_code
fold_part (struct fold *fold, struct err *err)
{
  enum err_code code = read_series (fold, err);

  for (size_t i = fold->part_start; ERR_OK == code && i < fold->part_end; i++)
    code = merge_item (fold, i, err);
  /* The chunks at the end are read from the database: what was decided of them so far must be there. */
  if (ERR_OK == code && fold->chunk_count + fold->doomed_count > 0)
    code = fold_flush (fold, err);
  if (ERR_OK == code)
    code = merge_ends (fold, err);
  for (size_t i = fold->part_start; ERR_OK == code && i < fold->part_end; i++)
  {
    code = cut (fold, i, err);
    if (ERR_OK == code)
      code = fold_flush_if_large (fold, err);
  }
  if (ERR_OK == code)
    code = fold_flush (fold, err);
  return ERR_OK == code ? write_series (fold, err) : code;
}

/* Merge all series, some at a time, each part in memory of its own. */
static enum err_code
fold_parts (struct fold *fold, struct err *err)
{
  struct arena *intake = fold->arena;
  enum err_code code = ERR_OK;

  fold->arena = arena_new (ARENA_BYTES);
  for (size_t end = 0; ERR_OK == code && NULL != fold->arena && end < fold->item_count;)
  {
    size_t points = fold->items[end].count;

    fold->part_start = end++;
    while (end < fold->item_count && end - fold->part_start < PART_ITEMS
           && points + fold->items[end].count <= PART_POINTS)
      points += fold->items[end++].count;
    fold->part_end = end;
    code = fold_part (fold, err);
    fold->chunk_capacity = 0;
    fold->doomed_capacity = 0;
    arena_reset (fold->arena);
  }
  if (NULL == fold->arena)
    code = fold_out_of_memory (err);
  arena_free (fold->arena);
  fold->arena = intake;
  return code;
}

static enum err_code
take_name (void *context, int32_t key_id, struct slice name, struct err *err)
{
  struct buffer *text = context;

  (void)key_id;
  (void)err;
  buffer_append (text, name.data, name.len);
  return ERR_OK;
}

/* Log what could not be read. Not knowing a name is no failure. */
static void
report_damage (struct fold *fold)
{
  for (size_t i = 0; i < fold->damage_count; i++)
  {
    const struct fold_damage *damage = &fold->damages[i];
    const int64_t key_id = damage->key_id;
    char run_id[UUID_TEXT_BYTES];
    struct buffer name;

    buffer_init (&name, ERR_MESSAGE_BYTES);
    if (0 != key_id)
      (void)store_metric_key_names (fold->connection, &key_id, 1, take_name, &name, fold->arena, NULL);
    uuid_format (run_id, &fold->runs[damage->run].run_id);
    log_line (EVENT_metric_damaged, LOG_TEXT ("run_id", run_id),
              LOG_SLICE ("key", NULL == name.data ? slice_of ("") : buffer_slice (&name)),
              LOG_NUMBER ("key_id", key_id), LOG_TEXT ("what", damage->what));
    buffer_free (&name);
  }
}

static enum err_code
fold_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct attempt *attempt = context;
  struct store_fold_run locked[FOLD_RUNS_MAX];
  struct fold fold = {
    .connection = connection, .arena = arena_new (ARENA_BYTES), .runs = locked, .result = attempt->result
  };
  enum err_code code = ERR_INTERNAL_ERROR;

  *attempt->result = (struct fold_result){ .rows = 0 };
  buffer_init (&fold.bytes, BYTES_MAX);
  if (NULL == fold.arena || NULL == (fold.scratch = arena_array (fold.arena, CHUNK_MAX_POINTS, sizeof (*fold.scratch))))
    goto out;
  code = store_fold_lock (locked, &fold.run_count, connection, attempt->run_ids, attempt->count, fold.arena, err);
  attempt->result->busy = fold.run_count < attempt->count;
  if (ERR_OK == code && fold.run_count > 0)
    code = fold_read_tail (&fold, err);
  if (ERR_OK == code)
    code = resolve_contexts (&fold, err);
  if (ERR_OK == code && fold.context_count > 0)
    code = link_contexts (&fold, err);
  if (ERR_OK == code && fold.item_count > 0)
  {
    code = fold_parts (&fold, err);
    count_keys (&fold, attempt);
  }
  if (ERR_OK == code)
    report_damage (&fold);

out:
  if (ERR_INTERNAL_ERROR == code)
    (void)fold_out_of_memory (err); /* unless there is a better reason already */
  buffer_free (&fold.bytes);
  arena_free (fold.arena);
  return code;
}

enum err_code
fold_runs (struct fold_result *result, struct store_connection *connection, const struct uuid *run_ids, size_t count,
           struct err *err)
{
  struct attempt attempt = { result, run_ids, count < FOLD_RUNS_MAX ? count : FOLD_RUNS_MAX };

  return store_transaction (connection, STORE_WRITE, fold_work, &attempt, err);
}
