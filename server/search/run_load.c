/* Loading tables of runs, and following what changes.

   DESIGN
   Everything that is told of metrics may be told twice (search/metric_column.h), so a row of the tail, a fold that
   takes it away and the row of the series it ends in may be seen in any mixture. A load that fails half-way leaves the
   snapshot of the table where it was: the next one reads the same changes again. */
#include "search/run_load_private.h"

#include "base/stats.h"

#include <stdlib.h>

/* --- runs -------------------------------------------------------------------------------------------------------- */

/* Runs that are read between two looks at how much memory they take. */
#define CHECKED_RUNS 4096

/* Refuse a search whose columns take more memory than they may. */
static enum err_code
check_memory (const struct loading *loading, struct err *err)
{
  size_t bytes = 0;

  for (size_t i = 0; i < loading->count; i++)
    bytes += run_table_bytes (loading->followed[i].table);
  if (bytes <= loading->max_bytes)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The fields that this search names take more than %zu bytes of memory for these runs, which "
                  "search-memory-bytes allows; name fewer fields, or fewer experiments.",
                  loading->max_bytes);
}

struct texts_call
{
  const struct loading *loading;
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
    return run_load_no_memory (err);
  if (0 == row % CHECKED_RUNS && ERR_OK != check_memory (call->loading, err))
    return ERR_INVALID_PARAMETER_VALUE;
  run_table_set (call->table, row, run);
  stats_add (&stats.search_rows_read, 1);
  for (size_t i = 0; i < call->text_count; i++)
    if (! text_column_set (&call->texts[i]->column, row, run->texts[i]))
      return run_load_no_memory (err);
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
    struct texts_call call = { .loading = loading, .table = table };
    struct store_text texts[STORE_TEXTS_MAX];

    for (; next < table->text_count && call.text_count < STORE_TEXTS_MAX; next++)
      if (complete == table->texts[next]->complete)
      {
        texts[call.text_count] = (struct store_text){ table->texts[next]->source, table->texts[next]->key };
        call.texts[call.text_count++] = table->texts[next];
      }
    code =
        store_run_texts (loading->connection, table->experiment_id, NULL == runs ? NULL : runs->items,
                         NULL == runs ? 0 : runs->count, texts, call.text_count, texts_row, &call, loading->arena, err);
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
    return run_load_no_memory (err);
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
  return low < loading->count && experiment_id == loading->followed[low].table->experiment_id ? &loading->followed[low]
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
    return NULL == loading->newest.data || NULL == loading->open.data ? run_load_no_memory (err) : ERR_OK;
  }
  if (NULL == following)
    return ERR_OK;
  if (STORE_CHANGED_POINTS == changed->kind)
  {
    following->tail_rows++;
    return run_load_new_tail (following, changed, err);
  }
  if (STORE_CHANGED_PURGED == changed->kind)
  {
    following->purged = true;
    return ERR_OK;
  }
  row = run_table_row (following->table, &changed->run_id);
  if (RUN_NO_ROW == row)
    return run_load_no_memory (err);
  run_table_touch (following->table, row);
  if (STORE_CHANGED_RUN == changed->kind)
    fine = ids_add (&following->changed, &changed->run_id);
  else
    fine = ids_add (&following->folded, &changed->run_id)
           && (! run_load_counts (following->table) || ids_add (&following->counted, &changed->run_id));
  return fine ? ERR_OK : run_load_no_memory (err);
}

/* Ask what changed in the tables that were read before; gives the snapshot in any case. */
static enum err_code
ask_changes (struct loading *loading, struct err *err)
{
  struct store_seen *seen = arena_array (loading->arena, loading->count, sizeof (struct store_seen));
  size_t count = 0;

  if (NULL == seen)
    return run_load_no_memory (err);
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
    code = store_run_tail_since (loading->connection, &seen, run_load_new_tail, following, err);
  ids_settle (&following->changed);
  if (ERR_OK == code && following->changed.count > 0)
    code = read_texts (loading, table, &following->changed, true, err);
  if (ERR_OK == code && following->folded.count > 0)
    code = run_load_series (loading, table, &following->folded, true, err);
  if (ERR_OK == code && following->counted.count > 0)
    code = run_load_counted (loading, table, &following->counted, err);
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
        code = run_load_no_memory (err);
    if (ERR_OK == code)
      code = run_load_series (loading, table, &all, false, err);
    free (all.items);
    if (ERR_OK == code)
      code = store_run_tail_all (loading->connection, table->experiment_id, run_load_whole_tail, following, err);
    if (ERR_OK == code && following->counted.count > 0)
      code = run_load_counted (loading, table, &following->counted, err);
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
    return run_load_no_memory (err);
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
run_load (struct run_table *const *tables, size_t count, const struct run_needs *needs, size_t max_bytes,
          struct store_connection *connection, struct arena *arena, struct err *err)
{
  struct loading loading = { .count = count, .max_bytes = max_bytes, .connection = connection, .arena = arena };
  uint64_t server;
  enum err_code code = store_server (&server, connection, err);

  loading.followed = arena_array (arena, count, sizeof (struct following));
  if (ERR_OK == code && NULL == loading.followed)
    code = run_load_no_memory (err);
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
      code = run_load_no_memory (err);
    if (ERR_OK == code && (texts || metrics))
      code = check_memory (&loading, err);
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
    /* A table that was never read whole must not look like one that was. Columns are dropped when it is given back, not
       before: this search reads them, those that became stale just now too. */
    if (ERR_OK != code && NULL == tables[i]->newest)
      run_table_clear (tables[i]);
  }
  return code;
}
