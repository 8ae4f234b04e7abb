/* One text of every run of a table, such as a param: a number for each distinct value, and the values once. */
#ifndef SEARCH_TEXT_COLUMN_H
#define SEARCH_TEXT_COLUMN_H

#include "base/slice.h"

#include <stdint.h>

/* The number of a run that has no value. */
#define TEXT_MISSING 0

/* Set up zeroed but for what it is about; free with text_column_free. Not thread-safe. */
struct text_column
{
  uint32_t *codes; /* of each row: 1 + index into values, or TEXT_MISSING */
  size_t capacity; /* rows there is room for */
  struct slice *values;
  size_t value_count;
  size_t value_capacity;
  uint32_t *slots; /* hash table of codes; 0 is free */
  size_t slot_count;
  struct arena *pool; /* the bytes of the values */
};

void text_column_free (struct text_column *column);

/* Make room for rows, new ones without a value. False without memory. */
bool text_column_reserve (struct text_column *column, size_t capacity);

/* Set the value of a row there is room for; the absent slice takes it away. False without memory. */
bool text_column_set (struct text_column *column, size_t row, struct slice value);

/* The number of a value, TEXT_MISSING when no run ever had it. */
uint32_t text_column_code (const struct text_column *column, struct slice value);

/* The value of a row; absent when it has none. */
static inline struct slice
text_column_get (const struct text_column *column, size_t row)
{
  uint32_t code = column->codes[row];

  return TEXT_MISSING == code ? (struct slice){ NULL, 0 } : column->values[code - 1];
}

size_t text_column_bytes (const struct text_column *column);

/* True when most values are of no run any more, so that it is worth loading anew. */
bool text_column_is_stale (const struct text_column *column, size_t rows);

#endif
