/* Loading columns of metrics: series, the tail, and counts of points. */
#include "search/run_load_private.h"

#include "base/stats.h"
#include "ingest/pack.h"
#include "ingest/view.h"

#include <stdlib.h>

/* Runs whose series are asked for in one statement: a quarter of a MiB of identifiers. */
#define SERIES_RUNS 16384
/* Runs whose points are counted at once, each in every column that counts. */
#define COUNT_RUNS 128

enum err_code
run_load_no_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

bool
ids_add (struct ids *ids, const struct uuid *run_id)
{
  if (ids->count == ids->capacity)
  {
    size_t capacity = ids->capacity * 2 + 16;
    struct uuid *items = realloc (ids->items, capacity * sizeof (items[0]));

    if (NULL == items)
      return false;
    ids->items = items;
    ids->capacity = capacity;
  }
  ids->items[ids->count++] = *run_id;
  return true;
}

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

void
ids_settle (struct ids *ids)
{
  size_t distinct = 0;

  if (ids->count > 1)
    qsort (ids->items, ids->count, sizeof (ids->items[0]), compare_ids);
  for (size_t i = 0; i < ids->count; i++)
    if (0 == distinct || 0 != compare_ids (&ids->items[distinct - 1], &ids->items[i]))
      ids->items[distinct++] = ids->items[i];
  ids->count = distinct;
}

bool
run_load_counts (const struct run_table *table)
{
  for (size_t i = 0; i < table->metric_count; i++)
    if (SEARCH_COUNT == table->metrics[i]->column.part)
      return true;
  return false;
}

/* --- points ------------------------------------------------------------------------------------------------------ */

/* Give a point to the columns of its key; those that are complete already too, when only others were asked for. */
static void
add_point (struct run_table *table, size_t row, const struct metric_point *point)
{
  for (size_t i = run_table_first_metric (table, point->key_id);
       i < table->metric_count && point->key_id == table->metrics[i]->column.key_id; i++)
    if (SEARCH_COUNT != table->metrics[i]->column.part)
      metric_column_add (&table->metrics[i]->column, row, point);
}

/* A row of the tail. One that cannot be read hides nothing else. */
static enum err_code
add_tail (struct following *following, const struct store_changed *changed, bool is_new, struct err *err)
{
  struct run_table *table = following->table;
  size_t row = run_table_row (table, &changed->run_id);
  struct pack_reader reader;
  struct metric_point point;
  struct metric_context belongs;

  if (RUN_NO_ROW == row)
    return run_load_no_memory (err);
  if (run_load_counts (table) && ! ids_add (&following->counted, &changed->run_id))
    return run_load_no_memory (err);
  if (is_new)
    run_table_touch (table, row);
  if (0 == table->metric_count)
    return ERR_OK;
  pack_open (&reader, changed->points);
  while (pack_next (&reader, &point, &belongs))
    add_point (table, row, &point);
  return ERR_OK;
}

enum err_code
run_load_new_tail (void *context, const struct store_changed *changed, struct err *err)
{
  return add_tail (context, changed, true, err);
}

enum err_code
run_load_whole_tail (void *context, const struct store_changed *changed, struct err *err)
{
  return add_tail (context, changed, false, err);
}

struct series_call
{
  struct run_table *table;
  const size_t *rows; /* of the runs that were asked for */
  bool complete; /* which columns are read */
};

static enum err_code
series_row (void *context, const struct store_run_series *series, struct err *err)
{
  const struct series_call *call = context;
  struct run_table *table = call->table;
  size_t row = call->rows[series->place];
  const struct metric_point latest = { .timestamp_ms = series->latest_timestamp_ms,
                                       .step = series->latest_step,
                                       .value = series->latest_value };
  const struct metric_point first = { .timestamp_ms = series->first_timestamp_ms,
                                      .step = series->first_step,
                                      .value = series->first_value };
  const struct metric_point min = { .value = series->min_value };
  const struct metric_point max = { .value = series->max_value };
  const struct metric_point *points[] = {
    [SEARCH_LATEST] = &latest, [SEARCH_FIRST] = &first, [SEARCH_MIN] = &min, [SEARCH_MAX] = &max
  };

  (void)err;
  stats_add (&stats.search_rows_read, 1);
  for (size_t i = run_table_first_metric (table, (uint32_t)series->key_id);
       i < table->metric_count && (uint32_t)series->key_id == table->metrics[i]->column.key_id; i++)
  {
    struct metric_column *column = &table->metrics[i]->column;

    /* Of others only the latest may have been asked for. */
    if (call->complete != table->metrics[i]->complete)
      continue;
    if (SEARCH_COUNT == column->part)
      metric_column_set (column, row, (double)series->point_count);
    else
      metric_column_add (column, row, points[column->part]);
  }
  return ERR_OK;
}

/* The keys of the columns that are complete, or of those that are not. */
static size_t
keys_of (int64_t *key_ids, const struct run_table *table, bool complete)
{
  size_t count = 0;

  for (size_t i = 0; i < table->metric_count; i++)
    if (complete == table->metrics[i]->complete
        && (0 == count || key_ids[count - 1] != (int64_t)table->metrics[i]->column.key_id))
      key_ids[count++] = table->metrics[i]->column.key_id;
  return count;
}

/* Whether no more than latest points are wanted of them. */
static bool
wants_latest_only (const struct run_table *table, bool complete)
{
  for (size_t i = 0; i < table->metric_count; i++)
    if (complete == table->metrics[i]->complete && SEARCH_LATEST != table->metrics[i]->column.part)
      return false;
  return true;
}

enum err_code
run_load_series (struct loading *loading, struct run_table *table, struct ids *runs, bool complete, struct err *err)
{
  const struct arena_mark mark = arena_mark (loading->arena);
  int64_t *key_ids = arena_array (loading->arena, table->metric_count, sizeof (int64_t));
  size_t *rows = arena_array (loading->arena, SERIES_RUNS, sizeof (size_t));
  struct series_call call = { table, rows, complete };
  size_t key_count = NULL == key_ids ? 0 : keys_of (key_ids, table, complete);
  bool latest_only = wants_latest_only (table, complete);
  enum err_code code = ERR_OK;

  if (NULL == key_ids || NULL == rows)
    return run_load_no_memory (err);
  ids_settle (runs);
  for (size_t start = 0; ERR_OK == code && key_count > 0 && start < runs->count; start += SERIES_RUNS)
  {
    const struct arena_mark part_mark = arena_mark (loading->arena);
    size_t part = runs->count - start < SERIES_RUNS ? runs->count - start : SERIES_RUNS;

    for (size_t i = 0; i < part; i++)
      rows[i] = run_table_find (table, &runs->items[start + i]);
    code = store_run_series (loading->connection, runs->items + start, part, key_ids, key_count, latest_only,
                             series_row, &call, loading->arena, err);
    arena_rewind (loading->arena, &part_mark);
  }
  arena_rewind (loading->arena, &mark);
  return code;
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

static enum err_code
count_part (struct loading *loading, struct run_table *table, const struct uuid *run_ids, size_t run_count,
            const uint32_t *key_ids, size_t key_count, struct err *err)
{
  const struct views_options options = { .range = STORE_CHUNK_RANGE_ALL };
  struct arena *arena = arena_new (VIEWS_ARENA_BYTES);
  struct views views;
  enum err_code code;

  if (NULL == arena)
    return run_load_no_memory (err);
  code = views_load (&views, loading->connection, run_ids, run_count, key_ids, key_count, &options, arena, err);
  for (size_t run = 0; ERR_OK == code && run < run_count; run++)
    for (size_t key = 0; key < key_count; key++)
    {
      uint64_t points = views.views[run * key_count + key].points;
      struct run_metric *metric = run_table_metric (table, key_ids[key], SEARCH_COUNT);

      if (points > 0 && NULL != metric)
        metric_column_set (&metric->column, run_table_find (table, &run_ids[run]), (double)points);
    }
  arena_free (arena);
  return code;
}

enum err_code
run_load_counted (struct loading *loading, struct run_table *table, struct ids *runs, struct err *err)
{
  uint32_t *key_ids = arena_array (loading->arena, table->metric_count, sizeof (uint32_t));
  size_t key_count = 0;
  enum err_code code = ERR_OK;

  if (NULL == key_ids)
    return run_load_no_memory (err);
  for (size_t i = 0; i < table->metric_count; i++)
    if (SEARCH_COUNT == table->metrics[i]->column.part)
      key_ids[key_count++] = table->metrics[i]->column.key_id;
  ids_settle (runs);
  for (size_t start = 0; ERR_OK == code && key_count > 0 && start < runs->count; start += COUNT_RUNS)
    code = count_part (loading, table, runs->items + start,
                       runs->count - start < COUNT_RUNS ? runs->count - start : COUNT_RUNS, key_ids, key_count, err);
  return code;
}
