/* The filter of a search as a tree: what MLflow's grammar and Tally's additions mean, without their syntax. */
#ifndef SEARCH_FILTER_H
#define SEARCH_FILTER_H

#include "search/field.h"
#include "search/pattern.h"

enum filter_kind
{
  FILTER_AND,
  FILTER_OR,
  FILTER_TEST
};

enum filter_test_kind
{
  FILTER_EXISTS, /* the value is there; the only test that missing values can pass, when negated */
  FILTER_INT_RANGE,
  FILTER_INT_LIST,
  FILTER_DOUBLE_RANGE,
  FILTER_DOUBLE_LIST,
  FILTER_IS_NAN,
  FILTER_TEXT_LIST, /* of texts, and of UUIDs as 32 hexadecimal digits in lower case */
  FILTER_PATTERN
};

/* Three-valued logic as in SQL: a test on a value that is missing passes never, negated or not, except FILTER_EXISTS.
   NOT was pushed down into the tests. NaN is in no range and in no list. A run passes a test on a data set when any of
   its data sets does, with the negation applied to each; FILTER_EXISTS asks whether any data set has the value, and its
   negation whether none has. */
struct filter_node
{
  enum filter_kind kind;
  struct filter_node *first; /* of AND and OR: at least two children */
  struct filter_node *next; /* sibling */
  /* Tests only. */
  enum filter_test_kind test;
  bool negated;
  size_t field; /* index into the filter's fields */
  int64_t least, most; /* both inclusive; least > most: nothing is inside */
  double low, high; /* both inclusive; NaN as a bound: nothing is inside */
  const int64_t *ints; /* lists: sorted, distinct, `count` of them, possibly 0 */
  const double *doubles; /* no NaN; -0.0 does not occur */
  const struct slice *texts; /* by bytes */
  size_t count;
  const struct search_pattern *pattern;
};

struct filter
{
  struct filter_node *root; /* NULL: everything passes */
  struct search_field *fields; /* distinct */
  size_t field_count;
};

/* Limits. All but the last keep the work of one filter within milliseconds whatever it says; each has its message. */
#define FILTER_MAX_BYTES 262144 /* twice the longest lists that the dashboard sends: 1,000 runs by identifier */
#define FILTER_MAX_DEPTH 100 /* levels of parentheses and NOT; the parser recurses no deeper */
#define FILTER_MAX_TESTS 1000 /* comparisons */
#define FILTER_MAX_ITEMS 10000 /* items of all lists together */
#define FILTER_MAX_PATTERNS 64

/* Parse the filter of a search; the empty and the absent one pass everything. `now_ms` is what now() stands for.
   Everything lives in the arena or in `text`. Errors: INVALID_PARAMETER_VALUE, beginning with MLflow's text where
   MLflow refuses the filter too; INTERNAL_ERROR (memory). */
enum err_code filter_parse (struct filter *filter, struct slice text, const struct search_resource *resource,
                            int64_t now_ms, struct arena *arena, struct err *err);

#endif
