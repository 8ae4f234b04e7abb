/* Loading tables of runs, and following what changes.

   DESIGN
   Everything that is told of metrics may be told twice (search/metric_column.h), so a row of the tail, a fold that
   takes it away and the row of the series it ends in may be seen in any mixture. A load that fails half-way leaves the
   snapshot of the table where it was: the next one reads the same changes again. */
#include "search/run_load.h"

#include "base/stats.h"
#include "ingest/pack.h"
#include "ingest/view.h"

#include <stdlib.h>

/* Runs whose series are asked for in one statement: a quarter of a MiB of identifiers. */
#define SERIES_RUNS 16384
/* Runs whose points are counted at once, each in every column that counts. */
#define COUNT_RUNS 128

/* Run ids that were heard of. */
struct ids
{
  struct uuid *items;
  size_t count;
  size_t capacity;
};

/* One table while it is brought up to date. */
struct following
{
  struct run_table *table;
  struct ids changed; /* rows of run to read */
  struct ids folded; /* series to read */
  struct ids counted; /* points to count */
  size_t tail_rows;
  bool purged;
};

struct loading
{
  struct following *followed;
  size_t count;
  struct store_connection *connection;
  struct arena *arena;
  struct slice newest;
  struct slice open;
};

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

static bool
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

/* Sort, and drop what was heard twice. */
static void
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

static bool
counts_points (const struct run_table *table)
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
    return out_of_memory (err);
  if (counts_points (table) && ! ids_add (&following->counted, &changed->run_id))
    return out_of_memory (err);
  if (is_new)
    run_table_touch (table, row);
  if (0 == table->metric_count)
    return ERR_OK;
  pack_open (&reader, changed->points);
  while (pack_next (&reader, &point, &belongs))
    add_point (table, row, &point);
  return ERR_OK;
}

static enum err_code
new_tail (void *context, const struct store_changed *changed, struct err *err)
{
  return add_tail (context, changed, true, err);
}

static enum err_code
whole_tail (void *context, const struct store_changed *changed, struct err *err)
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

/* Read the series of some runs into the columns that are complete, or into those that are not. */
static enum err_code
read_series (struct loading *loading, struct run_table *table, struct ids *runs, bool complete, struct err *err)
{
  const struct arena_mark mark = arena_mark (loading->arena);
  int64_t *key_ids = arena_array (loading->arena, table->metric_count, sizeof (int64_t));
  size_t *rows = arena_array (loading->arena, SERIES_RUNS, sizeof (size_t));
  struct series_call call = { table, rows, complete };
  size_t key_count = NULL == key_ids ? 0 : keys_of (key_ids, table, complete);
  bool latest_only = wants_latest_only (table, complete);
  enum err_code code = ERR_OK;

  if (NULL == key_ids || NULL == rows)
    return out_of_memory (err);
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
    return out_of_memory (err);
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

/* How many points the series of some runs have, in every column that counts. */
static enum err_code
count_points (struct loading *loading, struct run_table *table, struct ids *runs, struct err *err)
{
  uint32_t *key_ids = arena_array (loading->arena, table->metric_count, sizeof (uint32_t));
  size_t key_count = 0;
  enum err_code code = ERR_OK;

  if (NULL == key_ids)
    return out_of_memory (err);
  for (size_t i = 0; i < table->metric_count; i++)
    if (SEARCH_COUNT == table->metrics[i]->column.part)
      key_ids[key_count++] = table->metrics[i]->column.key_id;
  ids_settle (runs);
  for (size_t start = 0; ERR_OK == code && key_count > 0 && start < runs->count; start += COUNT_RUNS)
    code = count_part (loading, table, runs->items + start,
                       runs->count - start < COUNT_RUNS ? runs->count - start : COUNT_RUNS, key_ids, key_count, err);
  return code;
}

/* --- runs -------------------------------------------------------------------------------------------------------- */

struct texts_call
{
  struct run_table *table;
  struct run_text *texts[STORE_TEXTS_MAX];
  size_t text_count;
};

static enum err_code
texts_row (void *context, const struct store_run_texts *run, struct err *err)
{
  const struct texts_call *call = context;
  size_t row = run_table_row (call->table, &run->run_id);

  if (RUN_NO_ROW == row)
    return out_of_memory (err);
  run_table_set (call->table, row, run);
  stats_add (&stats.search_rows_read, 1);
  for (size_t i = 0; i < call->text_count; i++)
    if (! text_column_set (&call->texts[i]->column, row, run->texts[i]))
      return out_of_memory (err);
  return ERR_OK;
}

/* Read rows of runs, all or some, with the texts of the columns that are complete, or of those that are not. */
static enum err_code
read_texts (struct loading *loading, struct run_table *table, const struct ids *runs, bool complete, struct err *err)
{
  size_t next = 0;
  enum err_code code = ERR_OK;

  do
  {
    const struct arena_mark mark = arena_mark (loading->arena);
    struct texts_call call = { .table = table };
    struct store_text texts[STORE_TEXTS_MAX];

    for (; next < table->text_count && call.text_count < STORE_TEXTS_MAX; next++)
      if (complete == table->texts[next]->complete)
      {
        texts[call.text_count] = (struct store_text){ table->texts[next]->source, table->texts[next]->key };
        call.texts[call.text_count++] = table->texts[next];
      }
    code = store_run_texts (loading->connection, table->experiment_id, NULL == runs ? NULL : runs->items,
                            NULL == runs ? 0 : runs->count, texts, call.text_count, texts_row, &call, loading->arena,
                            err);
    arena_rewind (loading->arena, &mark);
  } while (ERR_OK == code && next < table->text_count);
  return code;
}

struct purge_call
{
  struct run_table *table;
  uint8_t *exists; /* of each row */
};

static enum err_code
exists_row (void *context, const struct uuid *run_id, struct err *err)
{
  const struct purge_call *call = context;
  size_t row = run_table_find (call->table, run_id);

  (void)err;
  if (RUN_NO_ROW != row)
    call->exists[row] = 1;
  return ERR_OK;
}

/* Runs were removed for good: look which are left. */
static enum err_code
drop_purged (struct loading *loading, struct run_table *table, struct err *err)
{
  struct purge_call call = { table, calloc (table->count + 1, 1) };
  enum err_code code;

  if (NULL == call.exists)
    return out_of_memory (err);
  code = store_run_list (loading->connection, table->experiment_id, exists_row, &call, err);
  for (size_t row = 0; ERR_OK == code && row < table->count; row++)
    if (! call.exists[row] && RUN_STATE_GONE != table->state[row])
      run_table_remove (table, row);
  free (call.exists);
  return code;
}

/* --- following --------------------------------------------------------------------------------------------------- */

static struct following *
find_followed (struct loading *loading, int64_t experiment_id)
{
  size_t low = 0;
  size_t high = loading->count;

  while (low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (loading->followed[middle].table->experiment_id < experiment_id)
      low = middle + 1;
    else
      high = middle;
  }
  return low < loading->count && experiment_id == loading->followed[low].table->experiment_id
             ? &loading->followed[low]
             : NULL;
}

static enum err_code
changed_row (void *context, const struct store_changed *changed, struct err *err)
{
  struct loading *loading = context;
  struct following *following = find_followed (loading, changed->experiment_id);
  size_t row = 0;
  bool fine;

  if (STORE_CHANGED_SNAPSHOT == changed->kind)
  {
    loading->newest = (struct slice){ arena_string (loading->arena, changed->newest), changed->newest.len };
    loading->open = (struct slice){ arena_string (loading->arena, changed->open), changed->open.len };
    return NULL == loading->newest.data || NULL == loading->open.data ? out_of_memory (err) : ERR_OK;
  }
  if (NULL == following)
    return ERR_OK;
  if (STORE_CHANGED_POINTS == changed->kind)
  {
    following->tail_rows++;
    return new_tail (following, changed, err);
  }
  if (STORE_CHANGED_PURGED == changed->kind)
  {
    following->purged = true;
    return ERR_OK;
  }
  row = run_table_row (following->table, &changed->run_id);
  if (RUN_NO_ROW == row)
    return out_of_memory (err);
  run_table_touch (following->table, row);
  if (STORE_CHANGED_RUN == changed->kind)
    fine = ids_add (&following->changed, &changed->run_id);
  else
    fine = ids_add (&following->folded, &changed->run_id)
           && (! counts_points (following->table) || ids_add (&following->counted, &changed->run_id));
  return fine ? ERR_OK : out_of_memory (err);
}

/* Ask what changed in the tables that were read before; gives the snapshot in any case. */
static enum err_code
ask_changes (struct loading *loading, struct err *err)
{
  struct store_seen *seen = arena_array (loading->arena, loading->count, sizeof (struct store_seen));
  size_t count = 0;

  if (NULL == seen)
    return out_of_memory (err);
  for (size_t i = 0; i < loading->count; i++)
  {
    const struct run_table *table = loading->followed[i].table;

    if (NULL != table->newest)
      seen[count++] = (struct store_seen){ table->experiment_id, slice_of (table->newest), slice_of (table->open) };
  }
  return store_run_changes (loading->connection, seen, count, changed_row, loading, loading->arena, err);
}

/* Bring one table that was read before up to the snapshot. */
static enum err_code
follow (struct loading *loading, struct following *following, struct err *err)
{
  struct run_table *table = following->table;
  const struct store_seen seen = { table->experiment_id, slice_of (table->newest), slice_of (table->open) };
  enum err_code code = ERR_OK;

  if (following->tail_rows >= STORE_CHANGED_POINTS_MAX)
    code = store_run_tail_since (loading->connection, &seen, new_tail, following, err);
  ids_settle (&following->changed);
  if (ERR_OK == code && following->changed.count > 0)
    code = read_texts (loading, table, &following->changed, true, err);
  if (ERR_OK == code && following->folded.count > 0)
    code = read_series (loading, table, &following->folded, true, err);
  if (ERR_OK == code && following->counted.count > 0)
    code = count_points (loading, table, &following->counted, err);
  following->counted.count = 0;
  if (ERR_OK == code && following->purged)
    code = drop_purged (loading, table, err);
  return code;
}

/* Make the columns that a search names; `missing` tells whether any has to be read. */
static bool
make_columns (bool *missing_texts, bool *missing_metrics, struct run_table *table, const struct run_needs *needs)
{
  *missing_texts = NULL == table->newest;
  *missing_metrics = false;
  table->clock++;
  for (size_t i = 0; i < needs->text_count; i++)
  {
    struct run_text *text = run_table_text (table, needs->texts[i].source, needs->texts[i].key);

    if (NULL == text)
      return false;
    text->used = table->clock;
    *missing_texts = *missing_texts || ! text->complete;
  }
  for (size_t i = 0; i < needs->metric_count; i++)
  {
    struct run_metric *metric = run_table_metric (table, needs->metrics[i].key_id, needs->metrics[i].part);

    if (NULL == metric)
      return false;
    metric->used = table->clock;
    *missing_metrics = *missing_metrics || ! metric->complete;
  }
  return true;
}

/* Read the columns that were made and not read yet, and all runs when the table is new. */
static enum err_code
read_columns (struct loading *loading, struct following *following, bool texts, bool metrics, struct err *err)
{
  struct run_table *table = following->table;
  struct ids all = { NULL, 0, 0 };
  enum err_code code = ERR_OK;

  if (texts)
    code = read_texts (loading, table, NULL, false, err);
  if (ERR_OK == code && metrics)
  {
    for (size_t row = 0; ERR_OK == code && row < table->count; row++)
      if (RUN_STATE_GONE != table->state[row] && ! ids_add (&all, &table->ids[row]))
        code = out_of_memory (err);
    if (ERR_OK == code)
      code = read_series (loading, table, &all, false, err);
    free (all.items);
    if (ERR_OK == code)
      code = store_run_tail_all (loading->connection, table->experiment_id, whole_tail, following, err);
    if (ERR_OK == code && following->counted.count > 0)
      code = count_points (loading, table, &following->counted, err);
  }
  return code;
}

static enum err_code
set_snapshot (struct run_table *table, const struct loading *loading, uint64_t server, struct err *err)
{
  char *newest = strdup (loading->newest.data);
  char *open = strdup (loading->open.data);

  if (NULL == newest || NULL == open)
  {
    free (newest);
    free (open);
    return out_of_memory (err);
  }
  free (table->newest);
  free (table->open);
  table->newest = newest;
  table->open = open;
  table->server = server;
  for (size_t i = 0; i < table->text_count; i++)
    table->texts[i]->complete = true;
  for (size_t i = 0; i < table->metric_count; i++)
    table->metrics[i]->complete = true;
  return ERR_OK;
}

enum err_code
run_load (struct run_table *const *tables, size_t count, const struct run_needs *needs,
          struct store_connection *connection, struct arena *arena, struct err *err)
{
  struct loading loading = { .count = count, .connection = connection, .arena = arena };
  uint64_t server;
  enum err_code code = store_server (&server, connection, err);

  loading.followed = arena_array (arena, count, sizeof (struct following));
  if (ERR_OK == code && NULL == loading.followed)
    code = out_of_memory (err);
  if (ERR_OK != code)
    return code;
  for (size_t i = 0; i < count; i++)
  {
    loading.followed[i].table = tables[i];
    /* Numbers of transactions of another run of the server say nothing here. */
    if (NULL != tables[i]->newest && server != tables[i]->server)
      run_table_clear (tables[i]);
    run_table_tidy (tables[i]);
  }
  code = ask_changes (&loading, err);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    struct following *following = &loading.followed[i];
    bool texts;
    bool metrics;

    if (NULL != following->table->newest)
      code = follow (&loading, following, err);
    if (ERR_OK == code && ! make_columns (&texts, &metrics, following->table, needs))
      code = out_of_memory (err);
    if (ERR_OK == code && (texts || metrics))
      code = read_columns (&loading, following, texts, metrics, err);
    if (ERR_OK == code)
      code = set_snapshot (following->table, &loading, server, err);
  }
  for (size_t i = 0; i < count; i++)
  {
    free (loading.followed[i].changed.items);
    free (loading.followed[i].folded.items);
    free (loading.followed[i].counted.items);
    /* A table that was never read whole must not look like one that was. */
    if (ERR_OK != code && NULL == tables[i]->newest)
      run_table_clear (tables[i]);
    run_table_tidy (tables[i]);
  }
  return code;
}
