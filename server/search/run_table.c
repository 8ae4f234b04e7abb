/* Rows and columns of the runs of one experiment. */
#include "search/run_table.h"

#include <stdlib.h>

/* Rows of a new table, and slots of its hash table, which is kept at most half full. */
#define FIRST_ROWS 64

/* Enlarge the array that the pointer at `place`, of any type, points to. */
static bool
enlarge (void *place, size_t count, size_t size)
{
  void *array;

  memcpy (&array, place, sizeof (array));
  array = realloc (array, count * size);
  if (NULL == array)
    return false;
  memcpy (place, &array, sizeof (array));
  return true;
}

struct run_table *
run_table_new (int64_t experiment_id)
{
  struct run_table *table = calloc (1, sizeof (*table));

  if (NULL != table)
    table->experiment_id = experiment_id;
  return table;
}

/* --- documents --------------------------------------------------------------------------------------------------- */

void
run_document_release (struct run_document *document)
{
  if (1 == atomic_fetch_sub_explicit (&document->references, 1, memory_order_acq_rel))
    free (document);
}

static size_t
document_bytes (const struct run_document *document)
{
  return sizeof (*document) + document->len;
}

static void
drop_document (struct run_table *table, struct run_document *document)
{
  lru_remove (&table->used_documents, &document->use);
  table->documents[document->row] = NULL;
  table->document_bytes -= document_bytes (document);
  run_document_release (document);
}

struct run_document *
run_table_document (struct run_table *table, size_t row)
{
  struct run_document *document = NULL == table->documents ? NULL : table->documents[row];

  if (NULL == document)
    return NULL;
  lru_remove (&table->used_documents, &document->use);
  lru_add (&table->used_documents, &document->use);
  (void)atomic_fetch_add_explicit (&document->references, 1, memory_order_relaxed);
  return document;
}

void
run_table_keep_document (struct run_table *table, size_t row, uint32_t version, struct slice bytes)
{
  struct run_document *document;

  if (row >= table->count || version != table->versions[row] || RUN_STATE_GONE == table->state[row])
    return;
  if (NULL == table->documents)
    table->documents = calloc (table->capacity, sizeof (struct run_document *));
  if (NULL == table->documents || NULL != table->documents[row])
    return;
  document = malloc (sizeof (*document) + bytes.len);
  if (NULL == document)
    return;
  document->references = 1;
  document->row = (uint32_t)row;
  document->len = bytes.len;
  memcpy (document->bytes, bytes.data, bytes.len);
  lru_add (&table->used_documents, &document->use);
  table->documents[row] = document;
  table->document_bytes += document_bytes (document);
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

static void
free_text (struct run_text *text)
{
  text_column_free (&text->column);
  free ((char *)text->key.data);
  free (text);
}

static void
free_metric (struct run_metric *metric)
{
  metric_column_free (&metric->column);
  free (metric);
}

struct run_text *
run_table_text (struct run_table *table, enum store_text_source source, struct slice key)
{
  struct run_text *text;
  char *copy;

  for (size_t i = 0; i < table->text_count; i++)
    if (source == table->texts[i]->source && slice_equal (key, table->texts[i]->key))
      return table->texts[i];
  text = calloc (1, sizeof (*text));
  copy = malloc (key.len + 1);
  if (NULL == text || NULL == copy || ! enlarge (&table->texts, table->text_count + 1, sizeof (table->texts[0])))
  {
    free (text);
    free (copy);
    return NULL;
  }
  if (key.len > 0)
    memcpy (copy, key.data, key.len);
  text->source = source;
  text->key = (struct slice){ copy, key.len };
  table->texts[table->text_count++] = text;
  if (! text_column_reserve (&text->column, table->capacity))
    return NULL;
  return text;
}

size_t
run_table_first_metric (const struct run_table *table, uint32_t key_id)
{
  size_t low = 0;
  size_t high = table->metric_count;

  while (low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (table->metrics[middle]->column.key_id < key_id)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct run_metric *
run_table_metric (struct run_table *table, uint32_t key_id, enum search_part part)
{
  size_t place = run_table_first_metric (table, key_id);
  struct run_metric *metric;

  for (; place < table->metric_count && key_id == table->metrics[place]->column.key_id; place++)
    if (part == table->metrics[place]->column.part)
      return table->metrics[place];
  metric = calloc (1, sizeof (*metric));
  if (NULL == metric)
    return NULL;
  metric->column.key_id = key_id;
  metric->column.part = part;
  if (! metric_column_reserve (&metric->column, table->capacity)
      || ! enlarge (&table->metrics, table->metric_count + 1, sizeof (table->metrics[0])))
  {
    free_metric (metric);
    return NULL;
  }
  memmove (table->metrics + place + 1, table->metrics + place,
           (table->metric_count - place) * sizeof (table->metrics[0]));
  table->metrics[place] = metric;
  table->metric_count++;
  return metric;
}

static void
drop_text (struct run_table *table, size_t index)
{
  free_text (table->texts[index]);
  table->texts[index] = table->texts[--table->text_count];
}

static void
drop_metric (struct run_table *table, size_t index)
{
  free_metric (table->metrics[index]);
  table->metric_count--;
  memmove (table->metrics + index, table->metrics + index + 1,
           (table->metric_count - index) * sizeof (table->metrics[0]));
}

void
run_table_tidy (struct run_table *table)
{
  for (size_t i = table->text_count; i-- > 0;)
    if (! table->texts[i]->complete || text_column_is_stale (&table->texts[i]->column, table->count))
      drop_text (table, i);
  for (size_t i = table->metric_count; i-- > 0;)
    if (! table->metrics[i]->complete)
      drop_metric (table, i);
}

bool
run_table_shrink (struct run_table *table, size_t max_bytes)
{
  while (run_table_bytes (table) > max_bytes && NULL != table->used_documents.oldest)
    drop_document (table, (struct run_document *)table->used_documents.oldest);
  while (run_table_bytes (table) > max_bytes && table->text_count + table->metric_count > 0)
  {
    size_t text = 0;
    size_t metric = 0;

    for (size_t i = 1; i < table->text_count; i++)
      if (table->texts[i]->used < table->texts[text]->used)
        text = i;
    for (size_t i = 1; i < table->metric_count; i++)
      if (table->metrics[i]->used < table->metrics[metric]->used)
        metric = i;
    if (0 == table->metric_count || (table->text_count > 0 && table->texts[text]->used <= table->metrics[metric]->used))
      drop_text (table, text);
    else
      drop_metric (table, metric);
  }
  return run_table_bytes (table) <= max_bytes;
}

size_t
run_table_bytes (const struct run_table *table)
{
  size_t row_bytes = sizeof (table->ids[0]) + sizeof (table->started_at_ms[0]) + sizeof (table->ended_at_ms[0])
                     + sizeof (table->ended[0]) + sizeof (table->status[0]) + sizeof (table->state[0])
                     + sizeof (table->versions[0]) + (NULL == table->documents ? 0 : sizeof (table->documents[0]));
  size_t bytes = sizeof (*table) + table->capacity * row_bytes + table->slot_count * sizeof (table->slots[0])
                 + table->document_bytes;

  for (size_t i = 0; i < table->text_count; i++)
    bytes += sizeof (*table->texts[i]) + text_column_bytes (&table->texts[i]->column);
  for (size_t i = 0; i < table->metric_count; i++)
    bytes += sizeof (*table->metrics[i]) + metric_column_bytes (&table->metrics[i]->column);
  return bytes;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Run ids are random, so any eight of their bytes are a hash. */
static size_t
slot_of (const struct run_table *table, const struct uuid *run_id)
{
  uint64_t hash;
  size_t slot;

  memcpy (&hash, run_id->bytes + sizeof (run_id->bytes) - sizeof (hash), sizeof (hash));
  slot = (size_t)((hash * UINT64_C (0x9E3779B97F4A7C15)) >> 32) & (table->slot_count - 1);
  while (0 != table->slots[slot] && 0 != memcmp (&table->ids[table->slots[slot] - 1], run_id, sizeof (*run_id)))
    slot = (slot + 1) & (table->slot_count - 1);
  return slot;
}

size_t
run_table_find (const struct run_table *table, const struct uuid *run_id)
{
  uint32_t found = 0 == table->slot_count ? 0 : table->slots[slot_of (table, run_id)];

  return 0 == found ? RUN_NO_ROW : found - 1;
}

static bool
grow (struct run_table *table)
{
  size_t capacity = 0 == table->capacity ? FIRST_ROWS : table->capacity * 2;
  bool fine = capacity <= UINT32_MAX / 4 && enlarge (&table->ids, capacity, sizeof (table->ids[0]))
              && enlarge (&table->started_at_ms, capacity, sizeof (table->started_at_ms[0]))
              && enlarge (&table->ended_at_ms, capacity, sizeof (table->ended_at_ms[0]))
              && enlarge (&table->ended, capacity, sizeof (table->ended[0]))
              && enlarge (&table->status, capacity, sizeof (table->status[0]))
              && enlarge (&table->state, capacity, sizeof (table->state[0]))
              && enlarge (&table->versions, capacity, sizeof (table->versions[0]));
  uint32_t *slots;

  if (fine && NULL != table->documents)
  {
    fine = enlarge (&table->documents, capacity, sizeof (table->documents[0]));
    if (fine)
      memset (table->documents + table->capacity, 0, (capacity - table->capacity) * sizeof (table->documents[0]));
  }
  for (size_t i = 0; i < table->text_count && fine; i++)
    fine = text_column_reserve (&table->texts[i]->column, capacity);
  for (size_t i = 0; i < table->metric_count && fine; i++)
    fine = metric_column_reserve (&table->metrics[i]->column, capacity);
  slots = fine ? calloc (capacity * 2, sizeof (slots[0])) : NULL;
  if (NULL == slots)
    return false;
  free (table->slots);
  table->slots = slots;
  table->slot_count = capacity * 2;
  table->capacity = capacity;
  for (size_t row = 0; row < table->count; row++)
    slots[slot_of (table, &table->ids[row])] = (uint32_t)row + 1;
  return true;
}

size_t
run_table_row (struct run_table *table, const struct uuid *run_id)
{
  size_t row = run_table_find (table, run_id);

  if (RUN_NO_ROW != row)
    return row;
  if (table->count == table->capacity && ! grow (table))
    return RUN_NO_ROW;
  row = table->count++;
  table->ids[row] = *run_id;
  table->started_at_ms[row] = 0;
  table->ended_at_ms[row] = 0;
  table->ended[row] = 0;
  table->status[row] = 0;
  table->state[row] = RUN_STATE_GONE;
  table->versions[row] = 0;
  table->slots[slot_of (table, run_id)] = (uint32_t)row + 1;
  table->gone++;
  return row;
}

void
run_table_set (struct run_table *table, size_t row, const struct store_run_texts *run)
{
  table->gone -= RUN_STATE_GONE == table->state[row];
  table->started_at_ms[row] = run->started_at_ms;
  table->ended_at_ms[row] = run->ended_at_ms.value;
  table->ended[row] = run->ended_at_ms.present;
  table->status[row] = (uint8_t)run->status;
  table->state[row] = run->deleted ? RUN_STATE_DELETED : RUN_STATE_ACTIVE;
}

void
run_table_remove (struct run_table *table, size_t row)
{
  table->gone += RUN_STATE_GONE != table->state[row];
  table->state[row] = RUN_STATE_GONE;
  run_table_touch (table, row);
}

void
run_table_touch (struct run_table *table, size_t row)
{
  table->versions[row]++;
  if (NULL != table->documents && NULL != table->documents[row])
    drop_document (table, table->documents[row]);
}

void
run_table_clear (struct run_table *table)
{
  while (NULL != table->used_documents.oldest)
    drop_document (table, (struct run_document *)table->used_documents.oldest);
  while (table->text_count > 0)
    drop_text (table, table->text_count - 1);
  while (table->metric_count > 0)
    drop_metric (table, table->metric_count - 1);
  free (table->newest);
  free (table->open);
  table->newest = NULL;
  table->open = NULL;
  table->count = 0;
  table->gone = 0;
  if (table->slot_count > 0)
    memset (table->slots, 0, table->slot_count * sizeof (table->slots[0]));
}

void
run_table_free (struct run_table *table)
{
  if (NULL == table)
    return;
  run_table_clear (table);
  free (table->ids);
  free (table->started_at_ms);
  free (table->ended_at_ms);
  free (table->ended);
  free (table->status);
  free (table->state);
  free (table->versions);
  free (table->documents);
  free (table->slots);
  free (table->texts);
  free (table->metrics);
  free (table);
}
