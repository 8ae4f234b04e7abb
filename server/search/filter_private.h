/* What the parts of the parser of filters share. */
#ifndef SEARCH_FILTER_PRIVATE_H
#define SEARCH_FILTER_PRIVATE_H

#include "search/filter.h"
#include "search/lex.h"

#include <stdbool.h>

struct filter_parser
{
  struct slice whole;
  struct slice rest; /* behind `token` */
  struct token token; /* the one to be looked at */
  const struct search_resource *resource;
  int64_t now_ms;
  struct arena *arena;
  struct err *err;
  struct filter *filter;
  size_t field_capacity;
  size_t depth;
  size_t tests;
  size_t items;
  size_t patterns;
  bool extended; /* OR, NOT or parentheses were seen */
  struct token stray; /* an AND too many or too few, as MLflow allows; absent text: none */
};

/* Go on to the next token. */
void filter_advance (struct filter_parser *parser);

/* One comparison at the current token, negated or not. */
enum err_code filter_parse_test (struct filter_node **out, struct filter_parser *parser, bool negated);

/* Whether the current token may begin a comparison. */
bool filter_at_identifier (const struct filter_parser *parser);

/* Children to one node: none gives NULL, one itself; children of the same kind give theirs. */
struct filter_list
{
  struct filter_node *first;
  struct filter_node *last;
};
void filter_append (struct filter_list *list, struct filter_node *node);
enum err_code filter_join (struct filter_node **out, struct filter_parser *parser, enum filter_kind kind,
                           const struct filter_list *list);

/* --- values ------------------------------------------------------------------------------------------------------ */

/* A number as an integer and as a double. */
struct filter_number
{
  double value; /* infinite when it is too large */
  int64_t floor; /* the largest integer that is not above it; not when `beyond` */
  bool exact; /* it is that integer */
  int beyond; /* -1 and 1: outside int64, on that side */
};

/* One value as it was written. */
struct filter_value
{
  struct slice raw; /* with quotes and sign, for messages */
  struct slice text; /* of quoted ones; otherwise absent */
  bool symbol; /* quoted otherwise: a word, or in backticks */
  bool is_number;
  struct filter_number number;
};

/* Read a decimal number, an optional minus in front, or NaN and Infinity in any case. */
bool filter_number_read (struct filter_number *out, struct slice text, struct arena *arena);

struct filter_number filter_number_of (int64_t value);

/* Take one value at the current token: a string, a number, a word. `is_time` allows sums of times and durations.
   Errors: as filter_syntax when there is none. */
enum err_code filter_take_value (struct filter_value *out, struct filter_parser *parser, bool is_time);

/* Take a list in parentheses, which the current token opens, by the rules of Python. `raw` is all of it. */
enum err_code filter_take_list (struct filter_value **out, size_t *count, struct slice *raw,
                                struct filter_parser *parser);

/* --- comparisons ------------------------------------------------------------------------------------------------- */

enum filter_operation
{
  OP_EQUAL,
  OP_GREATER,
  OP_GREATER_EQUAL,
  OP_LESS,
  OP_LESS_EQUAL,
  OP_LIKE,
  OP_ILIKE,
  OP_REGEX,
  OP_REGEX_FOLDED,
  OP_IN,
  OP_BETWEEN,
  OP_EXISTS,
  OP_UNKNOWN
};

/* What one comparison says before its values are judged. */
struct filter_comparison
{
  struct slice identifier;
  bool number; /* number(identifier) */
  struct search_field field;
  enum filter_operation operation;
  struct slice comparator; /* as it was written */
  bool negated;
  struct filter_value *values; /* one, two for BETWEEN, none for IS NULL */
  size_t count;
  struct slice list; /* of IN: as it was written */
};

/* A test of a field that is not like any other test yet. The others below fill one in from values that fit. */
enum err_code filter_new_test (struct filter_node **out, struct filter_parser *parser, const struct search_field *field,
                               enum filter_test_kind test, bool negated);
enum err_code filter_test_texts (struct filter_node **out, struct filter_parser *parser,
                                 const struct filter_comparison *comparison, bool negated);
enum err_code filter_test_pattern (struct filter_node **out, struct filter_parser *parser,
                                   const struct filter_comparison *comparison, bool negated);
enum err_code filter_test_int (struct filter_node **out, struct filter_parser *parser,
                               const struct filter_comparison *comparison, bool negated);
enum err_code filter_test_double (struct filter_node **out, struct filter_parser *parser,
                                  const struct filter_comparison *comparison, bool negated);

/* --- errors ------------------------------------------------------------------------------------------------------ */

/* Fail with MLflow's text, and behind it the place of `at` and what was expected there. */
enum err_code filter_fail (struct filter_parser *parser, struct slice at, const char *expected, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

/* Fail with what MLflow says about a filter that is not a list of comparisons, at the current token. */
enum err_code filter_syntax (struct filter_parser *parser, const char *expected);

/* Take the parenthesis that `open` begins, whole; false when it has no end. */
bool filter_take_parenthesis (struct slice *text, struct slice *rest, struct slice open);

/* For lack of memory. */
enum err_code filter_no_memory (struct filter_parser *parser);

/* A text as Python's repr writes it, cut when it is long. */
const char *filter_repr (struct slice text, struct arena *arena);

#endif
