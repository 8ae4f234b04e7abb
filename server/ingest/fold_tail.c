/* The fold's intake: rows of the tail, taken out and dealt out to the series of their points. */
#include "ingest/fold_private.h"

#include "base/clock.h"
#include "ingest/pack.h"

#include <stdlib.h>

/* Packed bytes that one fold takes: some hundred thousand points, so that it ends within a fraction of a second. */
#define FOLD_BYTES ((size_t)2 * 1024 * 1024)
/* Rows of one run that one fold looks at. */
#define FOLD_ROWS 2048
/* Slots of the first hash table of series; it doubles when half full. */
#define FIRST_SLOTS 256

/* Points as they come, with the number of their item in key_id. */
struct intake
{
  struct fold *fold;
  struct metric_point *points; /* owned */
  size_t count;
  size_t capacity;
  struct slice *places;
  size_t place_count;
  size_t place_capacity;
  size_t packed_bytes;
  struct
  {
    uint32_t run;
    struct slice points;
  } * damaged;
  size_t damaged_count;
  size_t damaged_capacity;
};

static enum err_code
list_row (void *context, const struct store_tail_place *row, struct err *err)
{
  struct intake *intake = context;
  struct fold *fold = intake->fold;

  if (intake->place_count > 0 && intake->packed_bytes + (size_t)row->packed_bytes > FOLD_BYTES)
  {
    fold->result->more = true;
    return ERR_OK;
  }
  intake->packed_bytes += (size_t)row->packed_bytes;
  intake->places =
      fold_grow (fold, intake->places, intake->place_count, &intake->place_capacity, sizeof (struct slice));
  if (NULL == intake->places)
    return fold_out_of_memory (err);
  intake->places[intake->place_count++] = (struct slice){ arena_string (fold->arena, row->place), row->place.len };
  return arena_overflowed (fold->arena) ? fold_out_of_memory (err) : ERR_OK;
}

static size_t
find_slot (const struct fold *fold, uint32_t run, uint32_t key_id, uint32_t context)
{
  size_t mask = fold->slot_count - 1;
  size_t slot = (((size_t)run * 31 + context) * 0x9E3779B97F4A7C15u + key_id) * (size_t)0x9E3779B97F4A7C15u >> 20;

  for (slot &= mask; 0 != fold->slots[slot]; slot = (slot + 1) & mask)
  {
    const struct fold_item *item = &fold->items[fold->slots[slot] - 1];

    if (item->run == run && item->key_id == key_id && item->context == context)
      break;
  }
  return slot;
}

static bool
grow_slots (struct fold *fold)
{
  size_t count = 0 == fold->slot_count ? FIRST_SLOTS : fold->slot_count * 2;
  size_t *slots = arena_array (fold->arena, count, sizeof (size_t));

  if (NULL == slots)
    return false;
  fold->slots = slots;
  fold->slot_count = count;
  for (size_t i = 0; i < fold->item_count; i++)
    slots[find_slot (fold, fold->items[i].run, fold->items[i].key_id, fold->items[i].context)] = i + 1;
  return true;
}

/* The number of a series, made when it is new; SIZE_MAX when memory is out. */
static size_t
find_item (struct fold *fold, uint32_t run, uint32_t key_id, uint32_t context)
{
  size_t slot;

  if (fold->item_count * 2 >= fold->slot_count && ! grow_slots (fold))
    return SIZE_MAX;
  slot = find_slot (fold, run, key_id, context);
  if (0 != fold->slots[slot])
    return fold->slots[slot] - 1;
  fold->items = fold_grow (fold, fold->items, fold->item_count, &fold->item_capacity, sizeof (struct fold_item));
  if (NULL == fold->items)
    return SIZE_MAX;
  fold->items[fold->item_count] = (struct fold_item){ .run = run, .key_id = key_id, .context = context };
  fold->slots[slot] = ++fold->item_count;
  return fold->item_count - 1;
}

/* The number of a context within this fold, from 1; 0 when memory is out. There are few, and neighbours share one. */
static uint32_t
find_context (struct fold *fold, const struct metric_context *texts)
{
  struct fold_context *made;

  for (size_t i = fold->context_count; i > 0; i--)
  {
    const struct metric_context *known = &fold->contexts[i - 1].texts;

    if (slice_equal (known->model_id, texts->model_id) && slice_equal (known->dataset_name, texts->dataset_name)
        && slice_equal (known->dataset_digest, texts->dataset_digest))
      return (uint32_t)i;
  }
  fold->contexts =
      fold_grow (fold, fold->contexts, fold->context_count, &fold->context_capacity, sizeof (struct fold_context));
  if (NULL == fold->contexts)
    return 0;
  made = &fold->contexts[fold->context_count];
  made->texts.model_id = (struct slice){ arena_string (fold->arena, texts->model_id), texts->model_id.len };
  made->texts.dataset_name = (struct slice){ arena_string (fold->arena, texts->dataset_name), texts->dataset_name.len };
  made->texts.dataset_digest =
      (struct slice){ arena_string (fold->arena, texts->dataset_digest), texts->dataset_digest.len };
  return arena_overflowed (fold->arena) ? 0 : (uint32_t)++fold->context_count;
}

static bool
take_in (struct intake *intake, const struct metric_point *point, size_t item)
{
  if (SIZE_MAX == item)
    return false;
  if (intake->count == intake->capacity)
  {
    size_t capacity = 0 == intake->capacity ? 4096 : intake->capacity * 2;
    struct metric_point *grown = reallocarray (intake->points, capacity, sizeof (struct metric_point));

    if (NULL == grown)
      return false;
    intake->points = grown;
    intake->capacity = capacity;
  }
  intake->points[intake->count] = *point;
  intake->points[intake->count++].key_id = (uint32_t)item;
  return true;
}

static enum err_code
put_aside (struct intake *intake, uint32_t run, struct slice packed, struct err *err)
{
  struct fold *fold = intake->fold;

  intake->damaged =
      fold_grow (fold, intake->damaged, intake->damaged_count, &intake->damaged_capacity, sizeof (intake->damaged[0]));
  if (NULL == intake->damaged)
    return fold_out_of_memory (err);
  intake->damaged[intake->damaged_count].run = run;
  intake->damaged[intake->damaged_count++].points =
      (struct slice){ arena_copy (fold->arena, packed.data, packed.len), packed.len };
  return arena_overflowed (fold->arena) ? fold_out_of_memory (err) : ERR_OK;
}

static enum err_code
take_row (void *context, const struct uuid *run_id, struct slice packed, struct err *err)
{
  struct intake *intake = context;
  struct fold *fold = intake->fold;
  size_t before = intake->count;
  struct pack_reader reader;
  struct metric_point point;
  struct metric_context belongs;
  uint32_t run = 0;

  while (run < fold->run_count && 0 != memcmp (&fold->runs[run].run_id, run_id, sizeof (*run_id)))
    run++;
  if (run == fold->run_count)
    return err_set_cause (err, ERR_INTERNAL_ERROR, "a row of the tail belongs elsewhere", "internal error");
  fold->result->rows++;
  /* Nobody will ask for the points of a run that was removed for good. */
  if (! fold->runs[run].exists)
    return ERR_OK;
  pack_open (&reader, packed);
  while (pack_next (&reader, &point, &belongs))
  {
    uint32_t number = 0;

    if (! take_in (intake, &point, find_item (fold, run, point.key_id, 0)))
      return fold_out_of_memory (err);
    if (NULL == belongs.model_id.data && NULL == belongs.dataset_name.data)
      continue;
    number = find_context (fold, &belongs);
    if (0 == number || ! take_in (intake, &point, find_item (fold, run, point.key_id, number)))
      return fold_out_of_memory (err);
  }
  if (! reader.failed)
    return ERR_OK;
  intake->count = before;
  return put_aside (intake, run, packed, err);
}

/* Give each item its points, in order and distinct. */
static enum err_code
deal_out (struct intake *intake, struct err *err)
{
  struct fold *fold = intake->fold;
  struct metric_point *dealt = arena_array (fold->arena, intake->count, sizeof (struct metric_point));
  size_t *ends = arena_array (fold->arena, fold->item_count + 1, sizeof (size_t));
  size_t start = 0;

  if (NULL == dealt || NULL == ends)
    return fold_out_of_memory (err);
  for (size_t i = 0; i < intake->count; i++)
    ends[intake->points[i].key_id + 1]++;
  for (size_t i = 0; i < fold->item_count; i++)
    ends[i + 1] += ends[i];
  for (size_t i = 0; i < intake->count; i++)
    dealt[ends[intake->points[i].key_id]++] = intake->points[i];
  for (size_t i = 0; i < fold->item_count; i++)
  {
    struct fold_item *item = &fold->items[i];

    item->points = dealt + start;
    item->count = points_settle (item->points, ends[i] - start, metric_point_compare_step);
    start = ends[i];
    if (0 == item->context)
      fold->result->points += item->count;
  }
  return ERR_OK;
}

static enum err_code
keep_damaged (struct intake *intake, struct err *err)
{
  struct fold *fold = intake->fold;
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < intake->damaged_count; i++)
  {
    uint32_t run = intake->damaged[i].run;

    fold_note_damage (fold, run, 0, "a row of the tail, now in metric_damaged");
    code = store_fold_damaged (fold->connection, &fold->runs[run].run_id, intake->damaged[i].points, clock_wall_ms (),
                               err);
  }
  return code;
}

enum err_code
fold_read_tail (struct fold *fold, struct err *err)
{
  struct intake intake = { .fold = fold };
  struct uuid run_ids[FOLD_RUNS_MAX];
  enum err_code code;

  for (size_t i = 0; i < fold->run_count; i++)
    run_ids[i] = fold->runs[i].run_id;
  code = store_fold_list (fold->connection, run_ids, fold->run_count, FOLD_ROWS, list_row, &intake, fold->arena, err);
  if (ERR_OK == code && intake.place_count > 0)
    code = store_fold_take (fold->connection, intake.places, intake.place_count, take_row, &intake, fold->arena, err);
  if (ERR_OK == code && intake.place_count > 0)
    code = store_fold_note (fold->connection, run_ids, fold->run_count, fold->arena, err);
  /* Whether exactly so many rows were all is not worth a question: the next fold finds nothing then. */
  fold->result->more = fold->result->more || intake.place_count >= FOLD_ROWS;
  if (ERR_OK == code)
    code = keep_damaged (&intake, err);
  if (ERR_OK == code)
    code = deal_out (&intake, err);
  free (intake.points);
  return code;
}
