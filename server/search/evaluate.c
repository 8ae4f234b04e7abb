/* Evaluation of filters.

   DESIGN
   Tests work on sets of rows, 64 at a time, and only where a row is still in question: AND hands the survivors of one
   test to the next, OR those that no alternative has let through yet. A text is tested once for each distinct value,
   not for each row. */
#include "search/evaluate.h"

#include "base/clock.h"
#include "base/number.h"
#include "store/run.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* Time that the patterns of one search may take: a hundred times what a common one needs for 100,000 values. */
#define PATTERN_BUDGET_US 2000000
/* Texts between two looks at the clock. */
#define PATTERN_TEXTS 256

struct evaluation
{
  const struct filter *filter;
  const size_t *fields;
  const struct run_cells *cells;
  const struct run_table *table;
  size_t word_count;
  struct arena *arena;
  uint64_t deadline_us;
  unsigned texts; /* matched since the last look at the clock */
  enum err_code code; /* of patterns */
  struct err *err;
};

/* Let `out` be the rows of `in` for which a condition on `row` holds. Columns have room for whole words. */
#define TEST_ROWS(condition)                                                                                           \
  for (size_t word = 0; word < e->word_count; word++)                                                                  \
  {                                                                                                                    \
    uint64_t bits = 0;                                                                                                 \
                                                                                                                       \
    if (0 != in[word])                                                                                                 \
      for (size_t bit = 0; bit < 64; bit++)                                                                            \
      {                                                                                                                \
        const size_t row = word * 64 + bit;                                                                            \
                                                                                                                       \
        (void)row;                                                                                                     \
        bits |= (uint64_t)(condition) << bit;                                                                          \
      }                                                                                                                \
    out[word] = bits & in[word];                                                                                       \
  }

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static bool
in_ints (const struct filter_node *node, int64_t value)
{
  return node->count > 0
         && NULL != bsearch (&value, node->ints, node->count, sizeof (node->ints[0]), number_compare_int64_items);
}

/* Whether a number that is there passes. */
static bool
number_passes (const struct filter_node *node, double value)
{
  bool passes;

  switch (node->test)
  {
  case FILTER_DOUBLE_RANGE:
    passes = value >= node->low && value <= node->high;
    break;
  case FILTER_DOUBLE_LIST:
    passes =
        ! isnan (value) && node->count > 0
        && NULL != bsearch (&value, node->doubles, node->count, sizeof (node->doubles[0]), number_compare_double_items);
    break;
  case FILTER_IS_NAN:
    passes = isnan (value);
    break;
  default:
    passes = true;
    break;
  }
  return passes != node->negated;
}

/* A test of integers that are there where `present` says so, everywhere when it is NULL. */
static void
test_ints (const struct evaluation *e, const struct filter_node *node, const int64_t *values, const uint8_t *present,
           const uint64_t *in, uint64_t *out)
{
  const bool negated = node->negated;

  if (FILTER_EXISTS == node->test)
  {
    TEST_ROWS ((NULL == present || present[row]) != negated)
    return;
  }
  if (FILTER_INT_RANGE == node->test)
    TEST_ROWS ((values[row] >= node->least && values[row] <= node->most) != negated)
  else
    TEST_ROWS (in_ints (node, values[row]) != negated)
  if (NULL != present)
  {
    in = out;
    TEST_ROWS (present[row])
  }
}

static void
test_metric (const struct evaluation *e, const struct filter_node *node, const double *values, const uint64_t *in,
             uint64_t *out)
{
  const bool negated = node->negated;
  const double low = node->low;
  const double high = node->high;

  if (FILTER_EXISTS == node->test)
    TEST_ROWS (! metric_is_missing (values[row]) != negated)
  else if (FILTER_DOUBLE_RANGE == node->test && ! negated)
    TEST_ROWS ((values[row] >= low) & (values[row] <= high)) /* missing is a NaN, which is in no range */
  else
    TEST_ROWS (! metric_is_missing (values[row]) && number_passes (node, values[row]))
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static bool
text_is_in (const struct filter_node *node, struct slice text)
{
  return node->count > 0
         && NULL != bsearch (&text, node->texts, node->count, sizeof (node->texts[0]), slice_compare_items);
}

/* Whether a text that is there passes. After a failure of a pattern nothing does. */
static bool
text_passes (struct evaluation *e, const struct filter_node *node, struct slice text)
{
  bool matches = false;

  if (ERR_OK != e->code)
    return false;
  if (FILTER_TEXT_LIST == node->test)
    matches = text_is_in (node, text);
  else if (FILTER_PATTERN == node->test)
  {
    e->code = search_pattern_match (&matches, node->pattern, text, e->err);
    if (ERR_OK == e->code && ++e->texts >= PATTERN_TEXTS)
    {
      e->texts = 0;
      if (clock_monotonic_us () > e->deadline_us)
        e->code = err_set (e->err, ERR_INVALID_PARAMETER_VALUE,
                           "The patterns of the filter take longer than %d ms over the values of these runs; use "
                           "simpler ones, or narrow the search by other conditions in front of them.",
                           PATTERN_BUDGET_US / 1000);
    }
    if (ERR_OK != e->code)
      return false;
  }
  else
    matches = true;
  return matches != node->negated;
}

/* Whether any text of a JSON array passes. */
static bool
texts_pass (struct evaluation *e, const struct filter_node *node, struct slice array)
{
  json_t *json;
  bool passes = false;

  if (FILTER_EXISTS == node->test)
    return ! node->negated;
  json = json_loadb (array.data, array.len, 0, NULL);
  for (size_t i = 0; ! passes && i < json_array_size (json); i++)
  {
    const json_t *text = json_array_get (json, i);

    passes = text_passes (e, node, (struct slice){ json_string_value (text), json_string_length (text) });
  }
  json_decref (json);
  return passes;
}

static bool
value_passes (struct evaluation *e, const struct filter_node *node, enum run_cells_kind kind, struct slice text)
{
  double number;

  if (RUN_CELLS_TEXTS == kind)
    return texts_pass (e, node, text);
  if (RUN_CELLS_TEXT_NUMBER == kind)
    return search_number (&number, text) ? number_passes (node, number) : FILTER_EXISTS == node->test && node->negated;
  return text_passes (e, node, text);
}

/* What is known of a value so far. */
enum verdict
{
  VERDICT_NONE,
  VERDICT_FAILS,
  VERDICT_PASSES
};

/* A test of coded texts: `verdicts` has one for each code, and learns. */
static void
test_codes (struct evaluation *e, const struct filter_node *node, enum run_cells_kind kind,
            const struct text_column *text, uint8_t *verdicts, const uint64_t *in, uint64_t *out)
{
  const struct row_set rows = { (uint64_t *)in, e->word_count };

  memset (out, 0, e->word_count * sizeof (out[0]));
  ROW_SET_EACH (&rows, row)
  {
    uint32_t code = text->codes[row];

    if (VERDICT_NONE == verdicts[code])
      verdicts[code] = value_passes (e, node, kind, text->values[code - 1]) ? VERDICT_PASSES : VERDICT_FAILS;
    out[row / 64] |= (uint64_t)(VERDICT_PASSES == verdicts[code]) << row % 64;
  }
}

static void
test_text (struct evaluation *e, const struct filter_node *node, const struct run_cells *cells, const uint64_t *in,
           uint64_t *out)
{
  const struct text_column *text = cells->text;
  bool missing_passes = FILTER_EXISTS == node->test && node->negated;
  uint8_t *verdicts = arena_alloc (e->arena, text->value_count + 1);

  if (NULL == verdicts)
  {
    e->code = err_set (e->err, ERR_INTERNAL_ERROR, "out of memory");
    return;
  }
  verdicts[TEXT_MISSING] = missing_passes ? VERDICT_PASSES : VERDICT_FAILS;
  /* A list is looked up in the dictionary instead of the dictionary in the list. */
  if (FILTER_TEXT_LIST == node->test && RUN_CELLS_TEXT == cells->kind)
  {
    memset (verdicts + 1, node->negated ? VERDICT_PASSES : VERDICT_FAILS, text->value_count);
    for (size_t i = 0; i < node->count; i++)
    {
      uint32_t code = text_column_code (text, node->texts[i]);

      if (TEXT_MISSING != code)
        verdicts[code] = node->negated ? VERDICT_FAILS : VERDICT_PASSES;
    }
    TEST_ROWS (VERDICT_PASSES == verdicts[text->codes[row]])
    return;
  }
  test_codes (e, node, cells->kind, text, verdicts, in, out);
}

static void
test_status (struct evaluation *e, const struct filter_node *node, const uint64_t *in, uint64_t *out)
{
  const uint8_t *status = e->table->status;
  bool passes[UINT8_MAX + 1] = { false };

  for (int i = 1; i < RUN_STATUS_COUNT; i++)
    passes[i] = text_passes (e, node, slice_of (run_status_names[i]));
  TEST_ROWS (passes[status[row]])
}

static void
test_id (struct evaluation *e, const struct filter_node *node, const uint64_t *in, uint64_t *out)
{
  const struct row_set rows = { (uint64_t *)in, e->word_count };

  memset (out, 0, e->word_count * sizeof (out[0]));
  if (FILTER_TEXT_LIST == node->test && ! node->negated)
  {
    for (size_t i = 0; i < node->count; i++)
    {
      struct uuid id;
      size_t row = uuid_parse (&id, node->texts[i]) ? run_table_find (e->table, &id) : RUN_NO_ROW;

      if (RUN_NO_ROW != row)
        out[row / 64] |= in[row / 64] & (uint64_t)1 << row % 64;
    }
    return;
  }
  ROW_SET_EACH (&rows, row)
  {
    char text[UUID_TEXT_BYTES];

    uuid_format (text, &e->table->ids[row]);
    out[row / 64] |= (uint64_t)text_passes (e, node, slice_of (text)) << row % 64;
  }
}

/* --- the tree ---------------------------------------------------------------------------------------------------- */

static void
test_node (struct evaluation *e, const struct filter_node *node, const uint64_t *in, uint64_t *out)
{
  const struct run_cells *cells = &e->cells[e->fields[node->field]];
  const struct arena_mark mark = arena_mark (e->arena);

  switch (cells->kind)
  {
  case RUN_CELLS_ID:
    test_id (e, node, in, out);
    break;
  case RUN_CELLS_STATUS:
    test_status (e, node, in, out);
    break;
  case RUN_CELLS_START:
    test_ints (e, node, e->table->started_at_ms, NULL, in, out);
    break;
  case RUN_CELLS_END:
    test_ints (e, node, e->table->ended_at_ms, e->table->ended, in, out);
    break;
  case RUN_CELLS_TEXT:
  case RUN_CELLS_TEXTS:
  case RUN_CELLS_TEXT_NUMBER:
    test_text (e, node, cells, in, out);
    break;
  case RUN_CELLS_METRIC:
    test_metric (e, node, cells->metric->values, in, out);
    break;
  case RUN_CELLS_NONE:
  default:
    TEST_ROWS (FILTER_EXISTS == node->test && node->negated)
    break;
  }
  arena_rewind (e->arena, &mark);
}

/* Let `out` be the rows of `in` that pass. As deep as the filter is, which its parser bounds. */
static void
evaluate_node (struct evaluation *e, const struct filter_node *node, const uint64_t *in, uint64_t *out)
{
  const struct arena_mark mark = arena_mark (e->arena);
  size_t bytes = e->word_count * sizeof (uint64_t);
  uint64_t *left; /* rows in question */
  uint64_t *passed;

  if (FILTER_TEST == node->kind)
  {
    test_node (e, node, in, out);
    return;
  }
  left = arena_alloc (e->arena, bytes);
  passed = arena_alloc (e->arena, bytes);
  if (NULL == left || NULL == passed)
  {
    e->code = err_set (e->err, ERR_INTERNAL_ERROR, "out of memory");
    return;
  }
  memcpy (left, in, bytes);
  memset (out, 0, bytes);
  for (const struct filter_node *child = node->first; NULL != child && ERR_OK == e->code; child = child->next)
  {
    evaluate_node (e, child, left, passed);
    for (size_t i = 0; i < e->word_count; i++)
    {
      out[i] |= passed[i];
      left[i] = FILTER_AND == node->kind ? passed[i] : left[i] & ~passed[i];
    }
  }
  if (FILTER_AND == node->kind)
    memcpy (out, left, bytes);
  arena_rewind (e->arena, &mark);
}

/* The rows of runs that a view shows. */
static void
show_rows (uint64_t *shown, const struct run_table *table, enum search_view view)
{
  /* What is not gone is the one or the other. */
  bool active = VIEW_DELETED_ONLY != view;
  bool deleted = VIEW_ACTIVE_ONLY != view;

  for (size_t start = 0; start < table->count; start += 64)
  {
    size_t end = table->count - start < 64 ? table->count : start + 64;
    uint64_t bits = 0;

    for (size_t row = start; row < end; row++)
      bits |= (uint64_t)((active & (RUN_STATE_ACTIVE == table->state[row]))
                         | (deleted & (RUN_STATE_DELETED == table->state[row])))
              << (row - start);
    shown[start / 64] = bits;
  }
}

enum err_code
evaluate (struct row_set *rows, const struct filter *filter, const size_t *fields, const struct run_cells *cells,
          const struct run_table *table, enum search_view view, struct arena *arena, struct err *err)
{
  struct evaluation evaluation = { .filter = filter,
                                   .fields = fields,
                                   .cells = cells,
                                   .table = table,
                                   .word_count = (table->count + 63) / 64,
                                   .arena = arena,
                                   .deadline_us = clock_monotonic_us () + PATTERN_BUDGET_US,
                                   .err = err };
  uint64_t *shown = arena_array (arena, evaluation.word_count, sizeof (uint64_t));
  uint64_t *passed = arena_array (arena, evaluation.word_count, sizeof (uint64_t));

  if (NULL == shown || NULL == passed)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  show_rows (shown, table, view);
  *rows = (struct row_set){ shown, evaluation.word_count };
  if (NULL == filter->root)
    return ERR_OK;
  evaluate_node (&evaluation, filter->root, shown, passed);
  rows->words = passed;
  return evaluation.code;
}

size_t
row_set_count (const struct row_set *set)
{
  size_t count = 0;

  for (size_t i = 0; i < set->word_count; i++)
    count += (size_t)__builtin_popcountll (set->words[i]);
  return count;
}
