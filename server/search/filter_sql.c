/* Filters as conditions of SQL.

   DESIGN
   The tests are numbered as a walk through the tree meets them. First each gets its texts and integers, those of
   patterns by reading the distinct values of their fields; then a second walk writes the condition, in which a test
   names its part of the two arrays. A test that is negated and found by values lists what passes with the negation, so
   that a row which changes between the two statements is judged by a value that was judged. */
#include "search/filter_sql.h"

#include "base/clock.h"

#include <assert.h>

/* Longest time that one search may spend on matching values: a regular expression may take milliseconds for each. */
#define MATCHING_MAX_US UINT64_C (5000000)

/* A condition: at most 1,000 tests of about 150 bytes, and parentheses. */
#define CONDITION_MAX_BYTES ((size_t)512 * 1024)

struct text_list
{
  struct slice *items;
  size_t count;
  size_t capacity;
};

/* One test and where its values are. */
struct planned
{
  const struct filter_node *node;
  bool by_values; /* its texts are the values that pass */
  bool by_rows; /* its text is the JSON object of the rows that pass */
  struct slice rows;
  struct text_list passing;
  size_t first_text; /* counted from 1, as arrays in SQL are */
  size_t text_count;
  size_t first_int;
  size_t int_count;
};

struct plan
{
  const struct filter *filter;
  const struct filter_table *table;
  struct arena *arena;
  struct planned *tests;
  size_t count;
  size_t written; /* tests that the second walk has met */
  size_t field; /* whose values are being read */
  uint64_t deadline_us; /* of matching */
  struct filter_sql *out;
};

static enum err_code
no_memory (struct arena *arena, struct err *err)
{
  if (arena_out_of_memory (arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The filter passes too many different values; use = or LIKE, or make its pattern narrower.");
}

static const struct search_field *
field_of (const struct plan *plan, const struct filter_node *node)
{
  return &plan->filter->fields[node->field];
}

/* The column of keys and texts that a field is in; NULL: it is an expression of its own. */
static const char *
object_of (const struct search_field *field)
{
  if (SEARCH_TAG == field->entity)
    return "tags";
  return SEARCH_PARAM == field->entity ? "params" : NULL;
}

static size_t
count_tests (const struct filter_node *node)
{
  size_t count = 0;

  if (FILTER_TEST == node->kind)
    return 1;
  for (const struct filter_node *child = node->first; NULL != child; child = child->next)
    count += count_tests (child);
  return count;
}

static void
plan_tests (struct plan *plan, const struct filter_node *node)
{
  struct planned *test;

  for (const struct filter_node *child = node->first; NULL != child; child = child->next)
    plan_tests (plan, child);
  if (FILTER_TEST != node->kind)
    return;
  test = &plan->tests[plan->count++];
  test->node = node;
  test->by_rows = SEARCH_METRIC == field_of (plan, node)->entity;
  test->by_values =
      field_of (plan, node)->as_number || (FILTER_PATTERN == node->test && ! search_pattern_in_sql (node->pattern));
}

/* --- values that pass -------------------------------------------------------------------------------------------- */

static bool
passes_number (const struct filter_node *node, struct slice text)
{
  double value;

  /* No number is a missing one: it can only fail to exist. */
  if (! search_number (&value, text))
    return FILTER_EXISTS == node->test && node->negated;
  switch (node->test)
  {
  case FILTER_EXISTS:
    return ! node->negated;
  case FILTER_IS_NAN:
    return (value != value) != node->negated;
  case FILTER_DOUBLE_RANGE:
    return (value >= node->low && value <= node->high) != node->negated;
  default:
    for (size_t i = 0; i < node->count; i++)
      if (node->doubles[i] == value)
        return ! node->negated;
    return node->negated;
  }
}

static enum err_code
add_passing (struct text_list *list, struct slice text, struct arena *arena, struct err *err)
{
  if (list->count == list->capacity)
  {
    size_t larger = 0 == list->capacity ? 16 : list->capacity * 2;
    struct slice *grown = arena_array (arena, larger, sizeof (*grown));

    if (NULL == grown)
      return no_memory (arena, err);
    if (list->count > 0)
      memcpy (grown, list->items, list->count * sizeof (*grown));
    list->items = grown;
    list->capacity = larger;
  }
  list->items[list->count].data = arena_string (arena, text);
  list->items[list->count].len = text.len;
  return NULL == list->items[list->count++].data ? no_memory (arena, err) : ERR_OK;
}

/* One of the values of plan->field: every test of it that it passes gets it. */
static enum err_code
judge_value (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct plan *plan = context;
  struct slice text;
  enum err_code code = result_row (&text, result, 0, columns, COLUMN_COUNT (columns), err);

  if (ERR_OK == code && clock_monotonic_us () > plan->deadline_us)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The patterns of the filter took more than %d s; make them simpler or fewer.",
                    (int)(MATCHING_MAX_US / 1000000));
  for (size_t i = 0; ERR_OK == code && i < plan->count; i++)
  {
    struct planned *test = &plan->tests[i];
    bool passes;

    if (! test->by_values || test->node->field != plan->field)
      continue;
    if (field_of (plan, test->node)->as_number)
      passes = passes_number (test->node, text);
    else
    {
      code = search_pattern_match (&passes, test->node->pattern, text, err);
      passes = passes != test->node->negated;
    }
    if (ERR_OK == code && passes)
      code = add_passing (&test->passing, text, plan->arena, err);
  }
  return code;
}

static enum err_code
read_values (struct plan *plan, struct store_connection *connection, struct err *err)
{
  const struct search_field *field = &plan->filter->fields[plan->field];
  struct statement statement = { NULL, NULL, 0 };
  struct parameters parameters;
  struct buffer sql;
  enum err_code code;

  buffer_init (&sql, CONDITION_MAX_BYTES);
  parameters_init (&parameters, plan->arena);
  if (NULL != plan->table->owners)
    parameter_int64_array (&parameters, plan->table->owners, plan->table->owner_count);
  for (size_t i = 0; i < plan->table->number_count; i++)
    parameter_int64 (&parameters, plan->table->numbers[i]);
  buffer_text (&sql, "SELECT DISTINCT value FROM (SELECT ");
  if (NULL != object_of (field))
  {
    parameter_text (&parameters, field->key);
    buffer_printf (&sql, "%s ->> $%u::text", object_of (field), parameters.count);
  }
  else
    buffer_text (&sql, field->attribute->sql);
  buffer_printf (&sql, " AS value FROM %s WHERE %s) AS found WHERE value IS NOT NULL", plan->table->name,
                 plan->table->condition);
  statement.sql = sql.data;
  statement.parameters = parameters.count;
  code = sql.failed ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                    : store_stream (connection, &statement, &parameters, judge_value, plan, err);
  buffer_free (&sql);
  return code;
}

static enum err_code
find_rows (struct plan *plan, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < plan->count; i++)
    if (plan->tests[i].by_rows)
      code = plan->table->find_rows (&plan->tests[i].rows, plan->tests[i].node, field_of (plan, plan->tests[i].node),
                                     plan->table->context, err);
  return code;
}

static enum err_code
find_values (struct plan *plan, struct store_connection *connection, struct err *err)
{
  for (plan->field = 0; plan->field < plan->filter->field_count; plan->field++)
  {
    bool wanted = false;
    enum err_code code;

    for (size_t i = 0; i < plan->count; i++)
      wanted = wanted || (plan->tests[i].by_values && plan->tests[i].node->field == plan->field);
    code = wanted ? read_values (plan, connection, err) : ERR_OK;
    if (ERR_OK != code)
      return code;
  }
  return ERR_OK;
}

/* --- arrays ------------------------------------------------------------------------------------------------------ */

/* The key of a param or tag is the first of its texts. */
static size_t
key_texts (const struct plan *plan, const struct filter_node *node)
{
  return NULL != object_of (field_of (plan, node));
}

static void
count_values (struct plan *plan)
{
  struct filter_sql *out = plan->out;

  for (size_t i = 0; i < plan->count; i++)
  {
    struct planned *test = &plan->tests[i];

    if (test->by_rows)
      test->text_count = 1;
    else if (test->by_values)
      test->text_count = test->passing.count;
    else if (FILTER_TEXT_LIST == test->node->test)
      test->text_count = test->node->count;
    else if (FILTER_PATTERN == test->node->test)
      test->text_count = 1;
    else if (FILTER_INT_LIST == test->node->test)
      test->int_count = test->node->count;
    else if (FILTER_INT_RANGE == test->node->test)
      test->int_count = 2;
    test->first_text = out->text_count + 1;
    test->first_int = out->int_count + 1;
    out->text_count += key_texts (plan, test->node) + test->text_count;
    out->int_count += test->int_count;
  }
}

static void
copy_values (const struct plan *plan, struct slice *texts, int64_t *ints)
{
  for (size_t i = 0; i < plan->count; i++)
  {
    const struct planned *test = &plan->tests[i];
    const struct filter_node *node = test->node;
    struct slice pattern;
    const struct slice *values = node->texts;

    if (key_texts (plan, node) > 0)
      *texts++ = field_of (plan, node)->key;
    if (test->by_rows)
      values = &test->rows;
    else if (test->by_values)
      values = test->passing.items;
    else if (FILTER_PATTERN == node->test)
    {
      pattern = search_pattern_text (node->pattern);
      values = &pattern;
    }
    if (test->text_count > 0)
      memcpy (texts, values, test->text_count * sizeof (*texts));
    texts += test->text_count;
    if (FILTER_INT_RANGE == node->test && 0 != test->int_count)
    {
      *ints++ = node->least;
      *ints++ = node->most;
    }
    else if (test->int_count > 0)
    {
      memcpy (ints, node->ints, test->int_count * sizeof (*ints));
      ints += test->int_count;
    }
  }
}

/* --- the condition ----------------------------------------------------------------------------------------------- */

static void
put_field (struct buffer *sql, const struct plan *plan, const struct planned *test)
{
  const struct search_field *field = field_of (plan, test->node);

  if (NULL != object_of (field))
    buffer_printf (sql, "(%s ->> ($%u::text[])[%zu])", object_of (field), plan->out->first_parameter, test->first_text);
  else
    buffer_printf (sql, "(%s)", field->attribute->sql);
}

static void
put_texts (struct buffer *sql, const struct plan *plan, const struct planned *test)
{
  size_t first = test->first_text + key_texts (plan, test->node);

  buffer_printf (sql, " = ANY (($%u::text[])[%zu:%zu])", plan->out->first_parameter, first,
                 first + test->text_count - 1);
}

/* Behind the field: what is true of the values that pass without the negation. */
static void
put_comparison (struct buffer *sql, const struct plan *plan, const struct planned *test)
{
  unsigned ints = plan->out->first_parameter + 1;

  switch (test->node->test)
  {
  case FILTER_INT_RANGE:
    buffer_printf (sql, " BETWEEN ($%u::int8[])[%zu] AND ($%u::int8[])[%zu]", ints, test->first_int, ints,
                   test->first_int + 1);
    break;
  case FILTER_INT_LIST:
    buffer_printf (sql, " = ANY (($%u::int8[])[%zu:%zu])", ints, test->first_int,
                   test->first_int + test->int_count - 1);
    break;
  case FILTER_PATTERN:
    buffer_printf (sql, " LIKE ($%u::text[])[%zu]", plan->out->first_parameter,
                   test->first_text + key_texts (plan, test->node));
    break;
  default:
    put_texts (sql, plan, test);
    break;
  }
}

static void
put_test (struct buffer *sql, const struct plan *plan, const struct planned *test)
{
  const struct filter_node *node = test->node;

  if (test->by_rows)
  {
    /* The object is a constant to the planner, which reads it once. */
    buffer_printf (sql, "(%s(($%u::text[])[%zu])::jsonb ? %s)",
                   FILTER_EXISTS == node->test && node->negated ? "NOT " : "", plan->out->first_parameter,
                   test->first_text, plan->table->id);
    return;
  }
  buffer_byte (sql, '(');
  put_field (sql, plan, test);
  if (test->by_values)
  {
    put_texts (sql, plan, test);
    if (FILTER_EXISTS == node->test && node->negated)
    {
      buffer_text (sql, " OR ");
      put_field (sql, plan, test);
      buffer_text (sql, " IS NULL");
    }
  }
  else if (FILTER_EXISTS == node->test)
    buffer_text (sql, node->negated ? " IS NULL" : " IS NOT NULL");
  else if (node->negated)
  {
    /* NULL is not among no values at all, but it is no value that differs from them either. */
    buffer_text (sql, " IS NOT NULL AND NOT ");
    put_field (sql, plan, test);
    put_comparison (sql, plan, test);
  }
  else
    put_comparison (sql, plan, test);
  buffer_byte (sql, ')');
}

static void
put_node (struct buffer *sql, struct plan *plan, const struct filter_node *node)
{
  if (FILTER_TEST == node->kind)
  {
    put_test (sql, plan, &plan->tests[plan->written++]);
    return;
  }
  buffer_byte (sql, '(');
  for (const struct filter_node *child = node->first; NULL != child; child = child->next)
  {
    if (child != node->first)
      buffer_text (sql, FILTER_AND == node->kind ? " AND " : " OR ");
    put_node (sql, plan, child);
  }
  buffer_byte (sql, ')');
}

enum err_code
filter_sql_make (struct filter_sql *out, const struct filter *filter, const struct filter_table *table,
                 unsigned first_parameter, struct store_connection *connection, struct arena *arena, struct err *err)
{
  struct plan plan = {
    .filter = filter, .table = table, .arena = arena, .deadline_us = clock_monotonic_us () + MATCHING_MAX_US, .out = out
  };
  struct slice *texts;
  int64_t *ints;
  struct buffer sql;
  enum err_code code;

  *out = (struct filter_sql){ .first_parameter = first_parameter };
  if (NULL == filter->root)
    return ERR_OK;
  for (size_t i = 0; i < filter->field_count; i++)
    assert (NULL != object_of (&filter->fields[i])
            || (SEARCH_METRIC == filter->fields[i].entity && NULL != table->find_rows)
            || (SEARCH_ATTRIBUTE == filter->fields[i].entity && NULL != filter->fields[i].attribute->sql
                && SEARCH_UUID != filter->fields[i].type));
  plan.tests = arena_array (arena, count_tests (filter->root), sizeof (*plan.tests));
  if (NULL == plan.tests)
    return no_memory (arena, err);
  plan_tests (&plan, filter->root);
  code = find_values (&plan, connection, err);
  if (ERR_OK == code)
    code = find_rows (&plan, err);
  if (ERR_OK != code)
    return code;
  count_values (&plan);
  texts = arena_array (arena, out->text_count, sizeof (*texts));
  ints = arena_array (arena, out->int_count, sizeof (*ints));
  if (NULL == texts || NULL == ints)
    return no_memory (arena, err);
  copy_values (&plan, texts, ints);
  out->texts = texts;
  out->ints = ints;
  buffer_init (&sql, CONDITION_MAX_BYTES);
  /* A parameter that is named nowhere would have no type. */
  buffer_printf (&sql, "$%u::text[] IS NOT NULL AND $%u::int8[] IS NOT NULL AND ", first_parameter,
                 first_parameter + 1);
  put_node (&sql, &plan, filter->root);
  out->condition = sql.failed ? NULL : arena_copy (arena, sql.data, sql.len);
  buffer_free (&sql);
  return NULL == out->condition ? no_memory (arena, err) : ERR_OK;
}

void
filter_sql_parameters (struct parameters *parameters, const struct filter_sql *filter)
{
  if (NULL == filter->condition)
    return;
  assert (parameters->count + 1 == filter->first_parameter);
  parameter_text_array (parameters, filter->texts, filter->text_count);
  parameter_int64_array (parameters, filter->ints, filter->int_count);
}
