/* The values that a field has among runs: for menus of filters. */
#include "search/run_group.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* Texts with how often they occur: a dictionary over all tables. */
struct counting
{
  struct text_column texts; /* one row for each distinct text, so that its dictionary numbers them */
  int64_t *counts; /* by number - 1 */
  size_t capacity;
};

static bool
count_text (struct counting *counting, struct slice text, int64_t count)
{
  uint32_t code;

  if (! text_column_reserve (&counting->texts, 1) || ! text_column_set (&counting->texts, 0, text))
    return false;
  code = text_column_code (&counting->texts, text);
  if (code > counting->capacity)
  {
    size_t capacity = counting->capacity * 2 + 64;
    int64_t *counts = realloc (counting->counts, capacity * sizeof (counts[0]));

    if (NULL == counts)
      return false;
    memset (counts + counting->capacity, 0, (capacity - counting->capacity) * sizeof (counts[0]));
    counting->counts = counts;
    counting->capacity = capacity;
  }
  counting->counts[code - 1] += count;
  return true;
}

/* Each text of a JSON array once. */
static bool
count_texts (struct counting *counting, struct slice array, int64_t count)
{
  json_t *json = json_loadb (array.data, array.len, 0, NULL);
  bool fine = true;

  for (size_t i = 0; fine && i < json_array_size (json); i++)
  {
    const json_t *text = json_array_get (json, i);
    /* They are sorted. */
    if (0 == i || 0 != strcmp (json_string_value (text), json_string_value (json_array_get (json, i - 1))))
      fine = count_text (counting, (struct slice){ json_string_value (text), json_string_length (text) }, count);
  }
  json_decref (json);
  return fine;
}

/* Count the codes of one table, then their texts. */
static bool
count_column (struct counting *counting, struct run_distinct *distinct, const struct run_cells *cells,
              const struct row_set *rows)
{
  int64_t *counts = calloc (cells->text->value_count + 1, sizeof (counts[0]));
  bool fine = NULL != counts;

  if (fine)
    ROW_SET_EACH (rows, row) counts[cells->text->codes[row]]++;
  for (size_t i = 0; fine && i < cells->text->value_count; i++)
  {
    if (0 == counts[i + 1])
      continue;
    distinct->count += counts[i + 1];
    fine = RUN_CELLS_TEXTS == cells->kind ? count_texts (counting, cells->text->values[i], counts[i + 1])
                                          : count_text (counting, cells->text->values[i], counts[i + 1]);
  }
  if (fine)
    distinct->missing += counts[TEXT_MISSING];
  free (counts);
  return fine;
}

static bool
count_values (struct counting *counting, struct run_distinct *distinct, const struct run_cells *cells,
              const struct row_set *rows)
{
  bool fine = true;

  ROW_SET_EACH (rows, row)
  {
    struct run_value value;
    double number;

    run_cells_get (&value, cells, row);
    number = SEARCH_INT64 == value.type ? (double)value.integer : value.number;
    distinct->missing += RUN_VALUE_MISSING == value.rank;
    distinct->count += RUN_VALUE_MISSING != value.rank;
    distinct->nan += RUN_VALUE_NAN == value.rank;
    if (RUN_VALUE_PRESENT != value.rank)
      continue;
    if (SEARCH_TEXT == value.type)
      fine = fine && count_text (counting, value.text, 1);
    else if (isnan (distinct->min))
      distinct->min = distinct->max = number;
    else
    {
      distinct->min = number < distinct->min ? number : distinct->min;
      distinct->max = number > distinct->max ? number : distinct->max;
    }
  }
  return fine;
}

static int
compare_values (const void *a, const void *b)
{
  const struct run_distinct_value *left = a;
  const struct run_distinct_value *right = b;

  if (left->count != right->count)
    return left->count > right->count ? -1 : 1;
  return slice_compare (left->text, right->text);
}

/* Copy the most frequent values out. */
static bool
take_values (struct run_distinct *distinct, const struct counting *counting, struct arena *arena)
{
  size_t total = counting->texts.value_count;
  struct run_distinct_value *values = arena_array (arena, total, sizeof (values[0]));

  if (NULL == values)
    return false;
  for (size_t i = 0; i < total; i++)
    values[i] = (struct run_distinct_value){ counting->texts.values[i], counting->counts[i] };
  if (total > 1)
    qsort (values, total, sizeof (values[0]), compare_values);
  distinct->total_values = (int64_t)total;
  distinct->value_count = total < RUN_DISTINCT_VALUES_MAX ? total : RUN_DISTINCT_VALUES_MAX;
  distinct->values = values;
  for (size_t i = 0; i < distinct->value_count; i++)
    values[i].text.data = arena_string (arena, values[i].text);
  return ! arena_overflowed (arena);
}

static bool
describe (struct run_distinct *distinct, size_t field, const struct run_matches *matches, struct arena *arena)
{
  struct counting counting = { .capacity = 0 };
  bool fine = true;

  *distinct = (struct run_distinct){ .min = NAN, .max = NAN };
  for (size_t table = 0; fine && table < matches->count; table++)
  {
    const struct run_cells *cells = &matches->cells[table][field];

    if (RUN_CELLS_TEXT == cells->kind || RUN_CELLS_TEXTS == cells->kind)
      fine = count_column (&counting, distinct, cells, &matches->rows[table]);
    else
      fine = count_values (&counting, distinct, cells, &matches->rows[table]);
  }
  fine = fine && take_values (distinct, &counting, arena);
  text_column_free (&counting.texts);
  free (counting.counts);
  return fine;
}

enum err_code
run_distinct (struct run_group_result *result, const struct run_group_query *query, const struct run_matches *matches,
              const struct run_fields *fields, struct arena *arena, struct err *err)
{
  result->distinct = arena_array (arena, query->distinct_count, sizeof (result->distinct[0]));
  for (size_t i = 0; i < query->distinct_count; i++)
  {
    if (NULL == result->distinct || ! describe (&result->distinct[i], query->distinct[i], matches, arena))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "The values of parameter 'distinct' do not fit into one answer; narrow the search by a filter.");
    result->distinct[i].is_number = SEARCH_TEXT != fields->items[query->distinct[i]].field.type;
  }
  return ERR_OK;
}
