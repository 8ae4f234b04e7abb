/* Texts of runs, coded by a dictionary. */
#include "search/text_column.h"

#include "base/arena.h"
#include "base/hash.h"

#include <stdlib.h>

/* Slots of the first hash table and values of the first dictionary. */
#define FIRST_VALUES 32
/* Values beyond the runs before a dictionary counts as stale: tags that show progress change all the time, and small
   tables are not worth a look. */
#define STALE_VALUES 4096

void
text_column_free (struct text_column *column)
{
  free (column->codes);
  free (column->values);
  free (column->slots);
  arena_free (column->pool);
}

bool
text_column_reserve (struct text_column *column, size_t capacity)
{
  uint32_t *codes;

  if (capacity <= column->capacity)
    return true;
  codes = realloc (column->codes, capacity * sizeof (codes[0]));
  if (NULL == codes)
    return false;
  memset (codes + column->capacity, 0, (capacity - column->capacity) * sizeof (codes[0]));
  column->codes = codes;
  column->capacity = capacity;
  return true;
}

/* The slot that holds a value, or the free one where it belongs. */
static size_t
slot_of (const struct text_column *column, struct slice value)
{
  uint64_t hash = hash_bytes (HASH_START, value.data, value.len);
  size_t slot = (size_t)(hash ^ (hash >> 32)) & (column->slot_count - 1);

  while (0 != column->slots[slot] && ! slice_equal (column->values[column->slots[slot] - 1], value))
    slot = (slot + 1) & (column->slot_count - 1);
  return slot;
}

static bool
grow (struct text_column *column)
{
  size_t capacity = 0 == column->value_capacity ? FIRST_VALUES : column->value_capacity * 2;
  struct slice *values = realloc (column->values, capacity * sizeof (values[0]));
  uint32_t *slots;

  if (NULL == values)
    return false;
  column->values = values;
  slots = calloc (capacity * 2, sizeof (slots[0]));
  if (NULL == slots)
    return false;
  free (column->slots);
  column->slots = slots;
  column->slot_count = capacity * 2;
  column->value_capacity = capacity;
  for (size_t i = 0; i < column->value_count; i++)
    slots[slot_of (column, values[i])] = (uint32_t)i + 1;
  return true;
}

bool
text_column_set (struct text_column *column, size_t row, struct slice value)
{
  size_t slot;

  if (NULL == value.data)
  {
    column->codes[row] = TEXT_MISSING;
    return true;
  }
  if (column->value_count == column->value_capacity && ! grow (column))
    return false;
  slot = slot_of (column, value);
  if (0 == column->slots[slot])
  {
    char *copy;

    if (NULL == column->pool && NULL == (column->pool = arena_new (SIZE_MAX / 2)))
      return false;
    copy = arena_copy (column->pool, value.data, value.len);
    if (NULL == copy)
      return false;
    column->values[column->value_count] = (struct slice){ copy, value.len };
    column->slots[slot] = (uint32_t)++column->value_count;
  }
  column->codes[row] = column->slots[slot];
  return true;
}

uint32_t
text_column_code (const struct text_column *column, struct slice value)
{
  return 0 == column->slot_count ? TEXT_MISSING : column->slots[slot_of (column, value)];
}

size_t
text_column_bytes (const struct text_column *column)
{
  return column->capacity * sizeof (column->codes[0]) + column->value_capacity * sizeof (column->values[0])
         + column->slot_count * sizeof (column->slots[0])
         + (NULL == column->pool ? 0 : arena_used_bytes (column->pool));
}

bool
text_column_is_stale (const struct text_column *column, size_t rows)
{
  return column->value_count > 2 * rows + STALE_VALUES;
}
