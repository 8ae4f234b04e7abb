/* Comparisons to tests: sorted lists, ranges with both ends inclusive, patterns. */
#include "search/filter_private.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>

static enum err_code
find_field (size_t *out, struct filter_parser *parser, const struct search_field *field)
{
  struct filter *filter = parser->filter;

  for (*out = 0; *out < filter->field_count; ++*out)
    if (search_field_same (&filter->fields[*out], field))
      return ERR_OK;
  if (filter->field_count == parser->field_capacity)
  {
    size_t larger = 0 == parser->field_capacity ? 4 : parser->field_capacity * 2;
    struct search_field *grown = arena_array (parser->arena, larger, sizeof (*grown));

    if (NULL == grown)
      return filter_no_memory (parser);
    if (filter->field_count > 0)
      memcpy (grown, filter->fields, filter->field_count * sizeof (*grown));
    filter->fields = grown;
    parser->field_capacity = larger;
  }
  filter->fields[filter->field_count++] = *field;
  return ERR_OK;
}

enum err_code
filter_new_test (struct filter_node **out, struct filter_parser *parser, const struct search_field *field,
                 enum filter_test_kind test, bool negated)
{
  struct filter_node *node = arena_alloc (parser->arena, sizeof (*node));

  *out = node;
  if (NULL == node)
    return filter_no_memory (parser);
  node->kind = FILTER_TEST;
  node->test = test;
  node->negated = negated;
  return find_field (&node->field, parser, field);
}

/* Keep one of each of a sorted array. */
static size_t
drop_repeats (void *items, size_t count, size_t size, int (*compare) (const void *, const void *))
{
  char *bytes = items;
  size_t kept = 0;

  for (size_t i = 0; i < count; i++)
    if (0 == kept || 0 != compare (bytes + (kept - 1) * size, bytes + i * size))
    {
      memmove (bytes + kept * size, bytes + i * size, size);
      kept++;
    }
  return kept;
}

enum err_code
filter_test_texts (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
                   bool negated)
{
  struct slice *texts = arena_array (parser->arena, comparison->count, sizeof (*texts));
  enum err_code code = filter_new_test (out, parser, &comparison->field, FILTER_TEXT_LIST, negated);

  if (ERR_OK != code)
    return code;
  if (NULL == texts)
    return filter_no_memory (parser);
  for (size_t i = 0; i < comparison->count; i++)
    texts[i] = comparison->values[i].text;
  qsort (texts, comparison->count, sizeof (*texts), slice_compare_items);
  (*out)->texts = texts;
  (*out)->count = drop_repeats (texts, comparison->count, sizeof (*texts), slice_compare_items);
  return ERR_OK;
}

enum err_code
filter_test_pattern (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
                     bool negated)
{
  bool like = OP_LIKE == comparison->operation || OP_ILIKE == comparison->operation;
  bool folded = OP_ILIKE == comparison->operation || OP_REGEX_FOLDED == comparison->operation;
  const struct filter_value *value = &comparison->values[0];
  struct search_pattern *pattern;
  struct err why = { 0 };
  enum err_code code = filter_new_test (out, parser, &comparison->field, FILTER_PATTERN, negated);

  if (ERR_OK != code)
    return code;
  if (parser->patterns++ == FILTER_MAX_PATTERNS)
    return filter_fail (parser, value->raw, NULL, "The filter has more than %d patterns; at most %d are allowed",
                        FILTER_MAX_PATTERNS, FILTER_MAX_PATTERNS);
  code = (like ? search_pattern_like : search_pattern_regex) (&pattern, value->text, folded, parser->arena, &why);
  if (ERR_INTERNAL_ERROR == code)
    return filter_no_memory (parser);
  if (ERR_OK != code)
    return filter_fail (parser, value->raw, NULL, "%s", why.message);
  (*out)->pattern = pattern;
  return ERR_OK;
}

/* The integers from the first one that satisfies >= to the last one that satisfies <=, for = both of the value. */
struct int_range
{
  int64_t least;
  int64_t most;
};

static struct int_range
int_range (enum filter_operation operation, const struct filter_number *number)
{
  static const struct int_range nothing = { INT64_MAX, INT64_MIN };
  static const struct int_range everything = { INT64_MIN, INT64_MAX };
  bool upwards = OP_GREATER == operation || OP_GREATER_EQUAL == operation;
  int64_t floor = number->floor;

  if (isnan (number->value))
    return nothing;
  if (0 != number->beyond)
    return OP_EQUAL != operation && (number->beyond < 0) == upwards ? everything : nothing;
  switch (operation)
  {
  case OP_GREATER:
  case OP_GREATER_EQUAL:
    if (number->exact && OP_GREATER_EQUAL == operation)
      return (struct int_range){ floor, INT64_MAX };
    return INT64_MAX == floor ? nothing : (struct int_range){ floor + 1, INT64_MAX };
  case OP_LESS:
    if (number->exact)
      return INT64_MIN == floor ? nothing : (struct int_range){ INT64_MIN, floor - 1 };
    return (struct int_range){ INT64_MIN, floor };
  case OP_LESS_EQUAL:
    return (struct int_range){ INT64_MIN, floor };
  default:
    return number->exact ? (struct int_range){ floor, floor } : nothing;
  }
}

static enum err_code
test_of_ints (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
              bool negated)
{
  int64_t *ints = arena_array (parser->arena, comparison->count, sizeof (*ints));
  enum err_code code = filter_new_test (out, parser, &comparison->field, FILTER_INT_LIST, negated);
  size_t count = 0;

  if (ERR_OK != code)
    return code;
  if (NULL == ints)
    return filter_no_memory (parser);
  for (size_t i = 0; i < comparison->count; i++)
    if (comparison->values[i].number.exact)
      ints[count++] = comparison->values[i].number.floor;
  qsort (ints, count, sizeof (*ints), number_compare_int64_items);
  (*out)->ints = ints;
  (*out)->count = drop_repeats (ints, count, sizeof (*ints), number_compare_int64_items);
  return ERR_OK;
}

enum err_code
filter_test_int (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
                 bool negated)
{
  const struct filter_value *values = comparison->values;
  struct int_range range;
  enum err_code code;

  if (OP_IN == comparison->operation)
    return test_of_ints (out, parser, comparison, negated);
  if (OP_BETWEEN == comparison->operation)
  {
    struct int_range other = int_range (OP_LESS_EQUAL, &values[1].number);

    range = int_range (OP_GREATER_EQUAL, &values[0].number);
    range.least = range.least > other.least ? range.least : other.least;
    range.most = range.most < other.most ? range.most : other.most;
  }
  else
    range = int_range (comparison->operation, &values[0].number);
  code = filter_new_test (out, parser, &comparison->field, FILTER_INT_RANGE, negated);
  if (ERR_OK != code)
    return code;
  (*out)->least = range.least;
  (*out)->most = range.most;
  return ERR_OK;
}

/* A list with NaN in it is a list or NaN. */
static enum err_code
test_of_doubles (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
                 bool negated)
{
  double *doubles = arena_array (parser->arena, comparison->count, sizeof (*doubles));
  struct filter_list list = { NULL, NULL };
  struct filter_node *node;
  enum err_code code = filter_new_test (&node, parser, &comparison->field, FILTER_DOUBLE_LIST, negated);
  size_t count = 0;

  if (ERR_OK != code)
    return code;
  if (NULL == doubles)
    return filter_no_memory (parser);
  for (size_t i = 0; i < comparison->count; i++)
    if (! isnan (comparison->values[i].number.value))
      /* Adding zero makes -0.0 into 0.0. */
      doubles[count++] = comparison->values[i].number.value + 0.0;
  qsort (doubles, count, sizeof (*doubles), number_compare_double_items);
  node->doubles = doubles;
  node->count = drop_repeats (doubles, count, sizeof (*doubles), number_compare_double_items);
  filter_append (&list, node);
  if (count < comparison->count)
  {
    code = filter_new_test (&node, parser, &comparison->field, FILTER_IS_NAN, negated);
    if (ERR_OK != code)
      return code;
    filter_append (&list, node);
  }
  return filter_join (out, parser, negated ? FILTER_AND : FILTER_OR, &list);
}

static void
double_range (double *low, double *high, enum filter_operation operation, double value)
{
  /* Adding zero makes -0.0 into 0.0. */
  *low = *high = value = value + 0.0;
  switch (operation)
  {
  case OP_GREATER:
    *low = INFINITY == value ? NAN : nextafter (value, INFINITY);
    *high = INFINITY;
    break;
  case OP_GREATER_EQUAL:
    *high = INFINITY;
    break;
  case OP_LESS:
    *low = -INFINITY;
    *high = -INFINITY == value ? NAN : nextafter (value, -INFINITY);
    break;
  case OP_LESS_EQUAL:
    *low = -INFINITY;
    break;
  default:
    break;
  }
}

enum err_code
filter_test_double (struct filter_node **out, struct filter_parser *parser, const struct filter_comparison *comparison,
                    bool negated)
{
  const struct filter_value *values = comparison->values;
  enum err_code code;

  if (OP_IN == comparison->operation)
    return test_of_doubles (out, parser, comparison, negated);
  if (OP_EQUAL == comparison->operation && isnan (values[0].number.value))
    return filter_new_test (out, parser, &comparison->field, FILTER_IS_NAN, negated);
  code = filter_new_test (out, parser, &comparison->field, FILTER_DOUBLE_RANGE, negated);
  if (ERR_OK != code)
    return code;
  double_range (&(*out)->low, &(*out)->high, comparison->operation, values[0].number.value);
  if (OP_BETWEEN == comparison->operation)
    (*out)->high = values[1].number.value;
  return ERR_OK;
}
