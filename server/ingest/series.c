/* Latest points: those of the rows of series, and what the tail has beyond them. */
#include "ingest/series.h"

#include "base/id_index.h"
#include "base/number.h"
#include "ingest/pack.h"
#include "store/metric.h"
#include "store/series.h"

#include <stdlib.h>

/* Slots of the first hash table of latest points; it doubles when half full. */
#define FIRST_SLOTS 256

static enum err_code
misplaced (struct err *err)
{
  return err_set_cause (err, ERR_INTERNAL_ERROR, "points came of a run that was not asked for", "internal error");
}

static enum err_code
too_much (struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The metrics of these runs do not fit into one answer; ask for fewer runs.");
}

struct latest_table
{
  struct id_index runs;
  struct latest_point *points;
  size_t *slots; /* index into points plus one; 0 is free */
  size_t slot_count;
  size_t count;
  const int64_t *key_ids; /* NULL: all keys are wanted */
  size_t key_count;
  struct arena *arena;
};

static size_t
slot_of (const struct latest_table *table, size_t run, uint32_t key_id)
{
  size_t slot = ((run * 31 + key_id) * (size_t)0x9E3779B97F4A7C15u) >> 20;

  for (slot &= table->slot_count - 1; 0 != table->slots[slot]; slot = (slot + 1) & (table->slot_count - 1))
  {
    const struct latest_point *point = &table->points[table->slots[slot] - 1];

    if (point->run == run && point->point.key_id == key_id)
      break;
  }
  return slot;
}

static bool
grow_table (struct latest_table *table)
{
  size_t slot_count = 0 == table->slot_count ? FIRST_SLOTS : table->slot_count * 2;
  struct latest_point *points = arena_array (table->arena, slot_count / 2, sizeof (struct latest_point));
  size_t *slots = arena_array (table->arena, slot_count, sizeof (size_t));

  if (NULL == points || NULL == slots)
    return false;
  if (table->count > 0)
    memcpy (points, table->points, table->count * sizeof (points[0]));
  table->points = points;
  table->slots = slots;
  table->slot_count = slot_count;
  for (size_t i = 0; i < table->count; i++)
    slots[slot_of (table, points[i].run, points[i].point.key_id)] = i + 1;
  return true;
}

static enum err_code
add_point (struct latest_table *table, size_t run, const struct metric_point *point, struct err *err)
{
  size_t slot;

  if (table->count * 2 >= table->slot_count && ! grow_table (table))
    return too_much (err);
  slot = slot_of (table, run, point->key_id);
  if (0 == table->slots[slot])
  {
    table->points[table->count] = (struct latest_point){ .run = run, .point = *point };
    table->slots[slot] = ++table->count;
  }
  else if (metric_point_compare_step (point, &table->points[table->slots[slot] - 1].point) > 0)
    table->points[table->slots[slot] - 1].point = *point;
  return ERR_OK;
}

static bool
is_wanted (const struct latest_table *table, uint32_t key_id)
{
  int64_t key = key_id;

  return NULL == table->key_ids
         || (table->key_count > 0
             && NULL != bsearch (&key, table->key_ids, table->key_count, sizeof (key), number_compare_int64_items));
}

/* A row of the tail that cannot be read hides nothing else. */
static enum err_code
tail_row (void *context, const struct uuid *run_id, struct slice packed, struct err *err)
{
  struct latest_table *table = context;
  struct pack_reader reader;
  struct metric_point point;
  struct metric_context belongs;
  size_t run;
  enum err_code code = ERR_OK;

  if (! id_index_find (&run, &table->runs, run_id))
    return misplaced (err);
  pack_open (&reader, packed);
  while (ERR_OK == code && pack_next (&reader, &point, &belongs))
    if (is_wanted (table, point.key_id))
      code = add_point (table, run, &point, err);
  return code;
}

static enum err_code
series_row (void *context, const struct store_latest *latest, struct err *err)
{
  struct latest_table *table = context;
  const struct metric_point point = { .timestamp_ms = latest->timestamp_ms,
                                      .step = latest->step,
                                      .value = latest->value,
                                      .key_id = (uint32_t)latest->key_id };
  size_t run;

  if (! id_index_find (&run, &table->runs, &latest->run_id))
    return misplaced (err);
  return add_point (table, run, &point, err);
}

static int
compare_key_id (const void *a, const void *b)
{
  const uint32_t *left = a;
  const uint32_t *right = b;

  return (*left > *right) - (*left < *right);
}

static int
compare_latest (const void *a, const void *b)
{
  const struct latest_point *left = a;
  const struct latest_point *right = b;

  if (left->run != right->run)
    return left->run < right->run ? -1 : 1;
  return slice_compare (left->key, right->key);
}

/* Fill in the names of all keys that occur. */
static enum err_code
name_latest (struct latest_table *table, struct metric_keys *keys, struct store_connection *connection, struct err *err)
{
  uint32_t *key_ids = arena_array (table->arena, table->count, sizeof (uint32_t));
  struct slice *names = arena_array (table->arena, table->count, sizeof (struct slice));
  size_t distinct = 0;
  enum err_code code;

  if (NULL == key_ids || NULL == names)
    return too_much (err);
  for (size_t i = 0; i < table->count; i++)
    key_ids[i] = table->points[i].point.key_id;
  qsort (key_ids, table->count, sizeof (key_ids[0]), compare_key_id);
  for (size_t i = 0; i < table->count; i++)
    if (0 == distinct || key_ids[distinct - 1] != key_ids[i])
      key_ids[distinct++] = key_ids[i];
  code = metric_keys_names (names, keys, connection, key_ids, distinct, table->arena, err);
  if (ERR_OK == code && arena_overflowed (table->arena))
    return too_much (err);
  for (size_t i = 0; ERR_OK == code && i < table->count; i++)
  {
    const uint32_t *found =
        bsearch (&table->points[i].point.key_id, key_ids, distinct, sizeof (key_ids[0]), compare_key_id);

    table->points[i].key = names[found - key_ids];
  }
  return code;
}

enum err_code
series_latest (struct latest_point **latest, size_t *count, struct metric_keys *keys,
               struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
               const int64_t *key_ids, size_t key_count, struct arena *arena, struct err *err)
{
  struct latest_table table = { .key_ids = key_ids, .key_count = key_count, .arena = arena };
  enum err_code code = ERR_OK;

  *latest = NULL;
  *count = 0;
  if (0 == run_count)
    return ERR_OK;
  if (! id_index_build (&table.runs, run_ids, run_count, arena))
    return too_much (err);
  /* The tail first: a fold in between, outside of a snapshot, shows points twice, which is harmless, and hides none. */
  code = store_metric_tail (connection, run_ids, run_count, tail_row, &table, arena, err);
  if (ERR_OK == code)
    code = store_series_latest (connection, run_ids, run_count, key_ids, key_count, series_row, &table, arena, err);
  if (ERR_OK == code && table.count > 0)
    code = name_latest (&table, keys, connection, err);
  if (ERR_OK != code)
    return code;
  if (table.count > 0)
    qsort (table.points, table.count, sizeof (table.points[0]), compare_latest);
  *latest = table.points;
  *count = table.count;
  return ERR_OK;
}
