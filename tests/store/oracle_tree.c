/* The tree of a parsed filter as SQL, by what its header says of it. */
#include "oracle.h"

#include <check.h>
#include <math.h>
#include <strings.h>

enum pattern_kind
{
  PATTERN_LIKE,
  PATTERN_ILIKE,
  PATTERN_REGEX,
  PATTERN_REGEX_FOLDED
};

/* Which kind a pattern is: its text is a part of the filter's, behind a quote and the operator. */
static enum pattern_kind
pattern_kind (const struct search_pattern *pattern)
{
  const char *end = search_pattern_text (pattern).data - 1; /* the quote */

  while (NULL != strchr (" \t\r\n", end[-1]))
    end--;
  if ('*' == end[-1])
    return PATTERN_REGEX_FOLDED;
  if ('~' == end[-1])
    return PATTERN_REGEX;
  ck_assert_int_eq (strncasecmp (end - 4, "like", 4), 0);
  return 'i' == (end[-5] | 0x20) ? PATTERN_ILIKE : PATTERN_LIKE;
}

static void
put_pattern (struct buffer *sql, const struct search_pattern *pattern, const char *value)
{
  static const char *const before[] = { [PATTERN_LIKE] = "%s LIKE ",
                                        [PATTERN_ILIKE] = "lower(%s COLLATE \"C.utf8\") LIKE lower(",
                                        [PATTERN_REGEX] = "%s COLLATE \"C.utf8\" ~ ",
                                        [PATTERN_REGEX_FOLDED] = "%s COLLATE \"C.utf8\" ~* " };
  enum pattern_kind kind = pattern_kind (pattern);

  buffer_printf (sql, before[kind], value);
  if (PATTERN_LIKE == kind || PATTERN_ILIKE == kind)
    oracle_put_text (sql, search_pattern_text (pattern));
  else
    oracle_put_regex (sql, search_pattern_text (pattern));
  if (PATTERN_ILIKE == kind)
    buffer_text (sql, " COLLATE \"C.utf8\")");
}

/* The items of a list; without any, nothing is in it. */
static void
put_list (struct buffer *sql, const struct filter_node *node, const char *value)
{
  buffer_printf (sql, 0 == node->count ? "false" : "%s IN (", value);
  for (size_t i = 0; i < node->count; i++)
  {
    buffer_text (sql, 0 == i ? "" : ", ");
    if (FILTER_INT_LIST == node->test)
      buffer_printf (sql, "'%lld'::int8", (long long)node->ints[i]);
    else if (FILTER_DOUBLE_LIST == node->test)
      oracle_put_double (sql, node->doubles[i]);
    else
      oracle_put_text (sql, node->texts[i]);
  }
  buffer_text (sql, 0 == node->count ? "" : ")");
}

/* A test of a value that is there, not negated. */
static void
put_test (struct buffer *sql, const struct filter_node *node, const char *value)
{
  switch (node->test)
  {
  case FILTER_INT_RANGE:
    buffer_printf (sql, "%s BETWEEN '%lld'::int8 AND '%lld'::int8", value, (long long)node->least,
                   (long long)node->most);
    break;
  case FILTER_DOUBLE_RANGE:
    if (isnan (node->low) || isnan (node->high))
    {
      buffer_text (sql, "false");
      break;
    }
    buffer_printf (sql, "%s <> 'NaN' AND %s BETWEEN ", value, value);
    oracle_put_double (sql, node->low);
    buffer_text (sql, " AND ");
    oracle_put_double (sql, node->high);
    break;
  case FILTER_IS_NAN:
    buffer_printf (sql, "%s = 'NaN'", value);
    break;
  case FILTER_PATTERN:
    put_pattern (sql, node->pattern, value);
    break;
  default:
    put_list (sql, node, value);
    break;
  }
}

static void
put_leaf (struct buffer *sql, const struct filter *filter, const struct filter_node *node)
{
  const struct search_field *field = &filter->fields[node->field];
  bool several = SEARCH_DATASET == field->entity;
  bool exists = FILTER_EXISTS == node->test;
  struct buffer value;

  buffer_init (&value, ORACLE_FILTER_BYTES);
  oracle_field_sql (&value, field);
  if (several)
  {
    /* Whether any data set has a value that passes. */
    buffer_printf (sql, "%s (SELECT FROM unnest(%s) AS d (v) WHERE v IS NOT NULL AND %s(",
                   exists && node->negated ? "NOT EXISTS" : "EXISTS", value.data,
                   ! exists && node->negated ? "NOT " : "");
    if (exists)
      buffer_text (sql, "true");
    else
      put_test (sql, node, "v");
    buffer_text (sql, "))");
  }
  else if (exists)
    buffer_printf (sql, node->negated ? "%s IS NULL" : "%s IS NOT NULL", value.data);
  else
  {
    buffer_printf (sql, "%s IS NOT NULL AND %s(", value.data, node->negated ? "NOT " : "");
    put_test (sql, node, value.data);
    buffer_byte (sql, ')');
  }
  buffer_free (&value);
}

static void
put_node (struct buffer *sql, const struct filter *filter, const struct filter_node *node)
{
  buffer_byte (sql, '(');
  if (FILTER_TEST == node->kind)
    put_leaf (sql, filter, node);
  for (const struct filter_node *child = FILTER_TEST == node->kind ? NULL : node->first; NULL != child;
       child = child->next)
  {
    if (child != node->first)
      buffer_text (sql, FILTER_AND == node->kind ? " AND " : " OR ");
    put_node (sql, filter, child);
  }
  buffer_byte (sql, ')');
}

void
oracle_tree_sql (struct buffer *sql, const struct filter *filter)
{
  if (NULL == filter->root)
    buffer_text (sql, "true");
  else
    put_node (sql, filter, filter->root);
  ck_assert (! sql->failed);
}
