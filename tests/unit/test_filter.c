/* Tests of what filters say beyond MLflow's language, of their limits and of hostile ones. */
#include "filter_print.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* The ceiling of a request. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
/* 2023-11-14 22:13:20 UTC. */
#define NOW_MS INT64_C (1700000000000)

#define RUNS &search_runs
#define EXPERIMENTS &search_experiments
#define MODELS &search_registered_models
#define VERSIONS &search_model_versions
#define LOGGED &search_logged_models

static struct arena *arena;

static void
set_up (void)
{
  arena = arena_new (ARENA_BYTES);
  ck_assert_ptr_nonnull (arena);
}

static void
tear_down (void)
{
  arena_free (arena);
}

struct expectation
{
  const struct search_resource *resource;
  const char *filter;
  const char *expected; /* what it means, or "!" and the beginning of why it is refused */
};

static void
check_case (const struct expectation *item)
{
  struct filter filter;
  struct err err = { 0 };
  enum err_code code = filter_parse (&filter, slice_of (item->filter), item->resource, NOW_MS, arena, &err);

  if ('!' == item->expected[0])
  {
    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == code, "%s: accepted", item->filter);
    ck_assert_msg (0 == strncmp (err.message, item->expected + 1, strlen (item->expected + 1)), "%s: %s", item->filter,
                   err.message);
    return;
  }
  ck_assert_msg (ERR_OK == code, "%s: %s", item->filter, err.message);
  ck_assert_str_eq (filter_print (&filter, item->resource, arena), item->expected);
}

#define CHECK_CASES(cases)                                                                                             \
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)                                                      \
  check_case (&cases[i])

START_TEST (goes_beyond_mlflow)
{
  /* MLflow refuses each of these, or accepts what it cannot answer. */
  static const struct expectation cases[] = {
    { RUNS, "params.a NOT LIKE 'x'", "NOT params.a:~'x'" },
    { RUNS, "params.a = 'x' OR params.b = 'y'", "OR(params.a:{'x'}, params.b:{'y'})" },
    { RUNS, "(params.a = 'x')", "params.a:{'x'}" },
    { RUNS, "params.a = 'x' /* c */ AND params.b = 'y'", "!Invalid clause(s) in filter string: '/* c */'" },
    { RUNS, "metrics.a BETWEEN 1 AND 2", "metrics.a:[1.0,2.0]" },
    { RUNS, "params.a ~ 'x'", "params.a:~'x'" },
    { RUNS, "params.a !~ 'x'", "NOT params.a:~'x'" },
    { RUNS, "params.a = N'x'",
      "!Parameter value is either not quoted or unidentified quote types used for string value N. Use either single or "
      "double quotes" },
    { RUNS, "metrics.a > 0x10", "!Expected numeric value type for metric. Found 0x10" },
    { RUNS, "metrics.a > NaN", "metrics.a:nothing" },
    { RUNS, "type = 'x'", "!Invalid attribute key 'type' specified. Valid keys are '" },
    { RUNS, "timestamp > 5", "!Invalid attribute key 'timestamp' specified. Valid keys are '" },
    { RUNS, "status IN ('a')", "status:{'a'}" },
    { RUNS, "params.a IN ('a')", "params.a:{'a'}" },
    { RUNS, "run_id = ('a')", "!Expected a quoted string value for attributes. Got value ('a')" },
    { RUNS, "status IS NULL", "NOT status:exists" },
    { RUNS, "metrics.a IS NULL", "NOT metrics.a:exists" },
    { RUNS, "params.a = 'x' && params.b = 'y'", "!Invalid clause(s) in filter string: '&', '&'" },
    { RUNS, "params.a = \"x\" as foo", "!Invalid clause(s) in filter string: 'params.a = \"x\" as', 'foo'" },
    { RUNS, "NOT params.a = 'x'", "NOT params.a:{'x'}" },
    { RUNS, "params.a = 'x' AND NOT params.b = 'y'", "AND(params.a:{'x'}, NOT params.b:{'y'})" },
    { RUNS, "params.a IS NOT  NULL", "params.a:exists" },
    { RUNS, "start_time BETWEEN 1 AND 2", "start_time:[1,2]" },
    { EXPERIMENTS, "name like 'x'", "name:~'x'" },
    { EXPERIMENTS, "name IN ('x')", "name:{'x'}" },
    { EXPERIMENTS, "name IS NULL", "NOT name:exists" },
    { EXPERIMENTS, "creation_time > 5.5", "creation_time:[6,max]" },
    { EXPERIMENTS, "experiment_id = 1", "experiment_id:1" },
    { EXPERIMENTS, "experiment_id > '1'", "experiment_id:[2,max]" },
    { EXPERIMENTS, "name = 'x' OR name = 'y'", "OR(name:{'x'}, name:{'y'})" },
    { MODELS, "tags.a IS NULL", "NOT tags.a:exists" },
    { MODELS, "`name` = 'x'", "name:{'x'}" },
    { VERSIONS, "source_path IN ('x')", "source_path:{'x'}" },
    { LOGGED, "metrics.a > 'x'", "!Expected numeric value type for metric. Found 'x'" },
    { LOGGED, "foo = 'x'", "!Invalid attribute key 'foo' specified. Valid keys are '" },
    { LOGGED, "name = 'x' OR name = 'y'", "OR(name:{'x'}, name:{'y'})" },
    { LOGGED, "tags.a IS NULL", "NOT tags.a:exists" },
    { RUNS, "metrics.a > 1e+3", "metrics.a:[1000.0000000000001,Infinity]" },
    { RUNS, "metrics.a = 5, metrics.b = 6", "!Invalid clause(s) in filter string: ','" },
    { RUNS, "status = true",
      "!Parameter value is either not quoted or unidentified quote types used for string value true. Use either single "
      "or double quotes" },
    { RUNS, "dataset.name IS NULL", "NOT dataset.name:exists" },
    { RUNS, "run_id IN (('a'))",
      "!While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list" },
    { RUNS, "end_time IS NULL", "NOT end_time:exists" },
    { RUNS, "metrics.in > 5", "metrics.in:[5.000000000000001,Infinity]" },
    { RUNS, "params.a = 'x' LIMIT 5", "!Invalid clause(s) in filter string: 'params.a = 'x' LIMIT', '5'" },
    { RUNS, "params.a = 'x' ORDER BY a", "!Invalid clause(s) in filter string: 'params.a = 'x' ORDER', 'BY', 'a'" },
    { RUNS, "metrics.a > 5 UNION SELECT 1",
      "!Invalid clause(s) in filter string: 'metrics.a > 5 UNION', 'SELECT', '1'" },
    { EXPERIMENTS, "experiment_id IN (1)", "experiment_id:{1}" },
    { MODELS, "name != 'x' OR name = 'y'", "OR(NOT name:{'x'}, name:{'y'})" },
    { MODELS, "name > 'x'", "!Invalid comparator for attribute: >" },
    { MODELS, "tags.a > 'x'", "!Invalid comparator for tag: >" },
    { VERSIONS, "version_number = 'x'", "!Invalid value for numeric attribute 'version_number': 'x'" },
    { VERSIONS, "version_number LIKE '5'", "!Invalid comparator for attribute version_number: LIKE" },
  };

  CHECK_CASES (cases);
}
END_TEST

START_TEST (joins_comparisons)
{
  static const struct expectation cases[] = {
    { RUNS, "metrics.a = 1 OR metrics.b = 2 AND metrics.c = 3",
      "OR(metrics.a:1.0, AND(metrics.b:2.0, metrics.c:3.0))" },
    { RUNS, "(metrics.a = 1 OR metrics.b = 2) AND metrics.c = 3",
      "AND(OR(metrics.a:1.0, metrics.b:2.0), metrics.c:3.0)" },
    { RUNS, "metrics.a = 1 and (metrics.b = 2 and (metrics.c = 3))",
      "AND(metrics.a:1.0, metrics.b:2.0, metrics.c:3.0)" },
    { RUNS, "NOT (metrics.a = 1 OR metrics.b = 2)", "AND(NOT metrics.a:1.0, NOT metrics.b:2.0)" },
    { RUNS, "not (metrics.a = 1 and not (metrics.b = 2 or metrics.c = 3))",
      "OR(NOT metrics.a:1.0, metrics.b:2.0, metrics.c:3.0)" },
    { RUNS, "NOT NOT metrics.a = 1", "metrics.a:1.0" },
    { RUNS, "NOT metrics.a != 1", "metrics.a:1.0" },
    { RUNS, "NOT params.a IS NULL", "params.a:exists" },
    { RUNS, "NOT(params.a NOT IN ('x'))", "params.a:{'x'}" },
    { RUNS, "((((metrics.a = 1))))", "metrics.a:1.0" },
    { RUNS, "metrics.a = 1 OR metrics.a = 2 OR metrics.a = 1", "OR(metrics.a:1.0, metrics.a:2.0, metrics.a:1.0)" },
    /* An AND too many or too few is for those who need nothing more than MLflow has. */
    { RUNS, "metrics.a = 1 metrics.b = 2 OR metrics.c = 3", "!Invalid clause(s) in filter string: 'OR'" },
    { RUNS, "metrics.a = 1 OR AND metrics.c = 3", "!Invalid clause(s) in filter string: 'OR'" },
    { RUNS, "(metrics.a = 1 AND)", "!Invalid clause(s) in filter string: '(metrics.a = 1 AND)'" },
    { RUNS, "metrics.a = 1 NOT metrics.b = 2", "!Invalid clause(s) in filter string: 'NOT'" },
    { RUNS, "(metrics.a = 1)(metrics.b = 2)", "!Invalid clause(s) in filter string: " },
    { RUNS, "NOT", "!Invalid clause(s) in filter string: 'NOT'" },
    { RUNS, "NOT AND metrics.a = 1", "!Invalid clause(s) in filter string: 'NOT'" },
    { RUNS, "NOT metrics.a", "!Invalid clause(s) in filter string: 'NOT', 'metrics.a'" },
  };

  CHECK_CASES (cases);
}
END_TEST

START_TEST (compares_numbers)
{
  static const struct expectation cases[] = {
    { RUNS, "metrics.a > 0", "metrics.a:[5e-324,Infinity]" },
    { RUNS, "metrics.a < 0", "metrics.a:[-Infinity,-5e-324]" },
    { RUNS, "metrics.a <= -1.5", "metrics.a:[-Infinity,-1.5]" },
    { RUNS, "metrics.a = -0.0", "metrics.a:0.0" },
    { RUNS, "metrics.a = NaN", "metrics.a:nan" },
    { RUNS, "metrics.a != nan", "NOT metrics.a:nan" },
    { RUNS, "NOT metrics.a > NaN", "NOT metrics.a:nothing" },
    { RUNS, "metrics.a = Infinity", "metrics.a:Infinity" },
    { RUNS, "metrics.a >= -Infinity", "metrics.a:[-Infinity,Infinity]" },
    { RUNS, "metrics.a > infinity", "metrics.a:nothing" },
    { RUNS, "metrics.a < -inf", "metrics.a:nothing" },
    { RUNS, "metrics.a > - Infinity", "!Invalid clause(s) in filter string: " },
    { RUNS, "metrics.a IN (3, 1, 2.0, 1, -0.0)", "metrics.a:{0.0,1.0,2.0,3.0}" },
    { RUNS, "metrics.a NOT IN (1,)", "NOT metrics.a:{1.0}" },
    { RUNS, "metrics.a IN (1, NaN, -Infinity)", "OR(metrics.a:{-Infinity,1.0}, metrics.a:nan)" },
    { RUNS, "metrics.a NOT IN (1, NaN)", "AND(NOT metrics.a:{1.0}, NOT metrics.a:nan)" },
    { RUNS, "metrics.a IN ('x')", "!Expected numeric value type for metric. Found 'x'" },
    { RUNS, "metrics.a BETWEEN -1 AND Infinity", "metrics.a:[-1.0,Infinity]" },
    { RUNS, "metrics.a NOT BETWEEN 2 AND 1", "NOT metrics.a:nothing" },
    { RUNS, "metrics.a BETWEEN 1 AND 2 AND metrics.b = 3", "AND(metrics.a:[1.0,2.0], metrics.b:3.0)" },
    { RUNS, "metrics.a BETWEEN 1", "!Invalid clause(s) in filter string: 'metrics.a', 'BETWEEN', '1'" },
    { RUNS, "metrics.a BETWEEN 1 AND", "!Invalid clause(s) in filter string: 'metrics.a', 'BETWEEN', '1'" },
    { RUNS, "start_time > 1.5", "start_time:[2,max]" },
    { RUNS, "start_time >= 1.5", "start_time:[2,max]" },
    { RUNS, "start_time < 1.5", "start_time:[min,1]" },
    { RUNS, "start_time <= -1.5", "start_time:[min,-2]" },
    { RUNS, "start_time = 1.5", "start_time:nothing" },
    { RUNS, "start_time != 1.5", "NOT start_time:nothing" },
    { RUNS, "start_time > -0.5", "start_time:[0,max]" },
    { RUNS, "start_time > 9007199254740993.5", "start_time:[9007199254740994,max]" },
    { RUNS, "start_time > 9007199254740993e-1", "start_time:[900719925474100,max]" },
    { RUNS, "start_time > 1e-400", "start_time:[1,max]" },
    { RUNS, "start_time < 0.000001e2", "start_time:[min,0]" },
    { RUNS, "start_time >= 9223372036854775807", "start_time:max" },
    { RUNS, "start_time > 9223372036854775807", "start_time:nothing" },
    { RUNS, "start_time > 9223372036854775806.5", "start_time:max" },
    { RUNS, "start_time <= 9223372036854775808", "start_time:[min,max]" },
    { RUNS, "start_time < -9223372036854775808", "start_time:nothing" },
    { RUNS, "start_time > -1e30", "start_time:[min,max]" },
    { RUNS, "start_time = 1e400", "start_time:nothing" },
    { RUNS, "start_time < NaN", "start_time:nothing" },
    { RUNS, "start_time > -Infinity", "start_time:[min,max]" },
    { RUNS, "start_time IN (2, 1.5, 1e0, 2)", "start_time:{1,2}" },
    { RUNS, "start_time BETWEEN 1.5 AND 3.5", "start_time:[2,3]" },
    { RUNS, "start_time BETWEEN NaN AND Infinity", "start_time:nothing" },
    { RUNS, "start_time BETWEEN 3 AND 1e30", "start_time:[3,max]" },
    { VERSIONS, "version_number IN (1, '2', 3)", "version_number:{1,2,3}" },
    { RUNS, "number(params.lr) > 0.1", "#params.lr:[0.10000000000000002,Infinity]" },
    { RUNS, "Number ( tags.`a b` ) BETWEEN 1 AND 2", "#tags.a b:[1.0,2.0]" },
    { RUNS, "number(params.lr) IS NOT NULL", "#params.lr:exists" },
    { RUNS, "number(params.lr) = 'x'", "!Expected numeric value type for number(). Found 'x'" },
    { RUNS, "number(params.lr) LIKE 'x'", "!Expected numeric value type for number(). Found 'x'" },
    { RUNS, "number(metrics.a) > 1", "!number() reads params and tags only" },
    { RUNS, "number(params.lr > 1", "!Invalid clause(s) in filter string: " },
    { RUNS, "number(5) > 1", "!Invalid " },
    { RUNS, "number > 1", "!Invalid attribute key 'number'" },
  };

  CHECK_CASES (cases);
}
END_TEST

START_TEST (knows_parts_of_metrics)
{
  static const struct expectation cases[] = {
    { RUNS, "metrics.x.min > 1e9", "metrics.x.min|x@min:[1000000000.0000001,Infinity]" },
    { RUNS, "metrics.x.y.max = 1", "metrics.x.y.max|x.y@max:1.0" },
    { RUNS, "metrics.`x`.min = 1", "metrics.x@min:1.0" },
    { RUNS, "metrics.\"x y\".count >= 2", "metrics.x y@count:[2.0,Infinity]" },
    { RUNS, "metrics.`x`.first = 1", "metrics.x@first:1.0" },
    { RUNS, "metrics.`x.min` = 1", "metrics.x.min:1.0" },
    { RUNS, "metrics.x.mean = 1", "metrics.x.mean:1.0" },
    { RUNS, "metrics.min = 1", "metrics.min:1.0" },
    { RUNS, "params.x.min = '1'", "params.x.min:{'1'}" },
    { LOGGED, "metrics.x.min = 1", "metrics.x.min|x@min:1.0" },
  };

  CHECK_CASES (cases);
}
END_TEST

START_TEST (compares_texts)
{
  static const struct expectation cases[] = {
    { RUNS, "params.a IN ('b', \"a\", 'b')", "params.a:{'a','b'}" },
    { RUNS, "params.a NOT IN ('b')", "NOT params.a:{'b'}" },
    { RUNS, "params.a IN ('it\\'s', 'a' \"b\", '\\x41\\u00e9\\101\\U0001F600\\q')",
      "params.a:{'A\xC3\xA9"
      "A\xF0\x9F\x98\x80\\q','ab','it's'}" },
    { RUNS, "params.a IN ('\\x00')", "!While parsing a list in the query" },
    { RUNS, "params.a IN ('\\ud800')", "!While parsing a list in the query" },
    { RUNS, "params.a IN ('\\N{BULLET}')", "!While parsing a list in the query" },
    { RUNS, "params.a IN ('a", "!While parsing a list in the query" },
    { RUNS, "params.a IN ('a\n')", "!While parsing a list in the query" },
    { RUNS, "params.a NOT ILIKE 'x'", "NOT params.a:~'x'" },
    { RUNS, "params.a ~* 'x'", "params.a:~'x'" },
    { RUNS, "params.a !~* 'x'", "NOT params.a:~'x'" },
    { RUNS, "status ~ '^F'", "status:~'^F'" },
    { RUNS, "dataset.name ~ 'x' OR datasets.digest NOT LIKE 'y'", "OR(dataset.name:~'x', NOT dataset.digest:~'y')" },
    { RUNS, "params.a ~ '('", "!Invalid regular expression, at byte 2: missing closing parenthesis" },
    { RUNS, "params.a LIKE 'x\\'", "!LIKE pattern must not end with escape character" },
    { RUNS, "params.a BETWEEN 'a' AND 'b'",
      "!Invalid clause(s) in filter string: 'params.a', 'BETWEEN', ''a'', ''b''" },
    { RUNS, "params.a NOT = 'b'", "!Invalid clause(s) in filter string: 'params.a', 'NOT', '=', ''b''" },
    { LOGGED, "params.a = 5", "params.a:{'5'}" },
    { LOGGED, "name = \"x\"", "name:{'x'}" },
  };

  CHECK_CASES (cases);
}
END_TEST

START_TEST (compares_times)
{
  static const struct expectation cases[] = {
    { RUNS, "start_time = '1970-01-01'", "start_time:0" },
    { RUNS, "start_time >= '2026-01-31 12:30'", "start_time:[1769862600000,max]" },
    { RUNS, "start_time < \"2026-01-31T12:30:15.25+02:00\"", "start_time:[min,1769855415249]" },
    { RUNS, "end_time <= '2026-01-31T12:30:15Z'", "end_time:[min,1769862615000]" },
    { RUNS, "created > now()", "start_time:[1700000000001,max]" },
    { RUNS, "start_time > NOW ( ) - 7d", "start_time:[1699395200001,max]" },
    { RUNS, "start_time >= now()-1d12h + 30m", "start_time:[1699872200000,max]" },
    { RUNS, "start_time >= '1970-01-02' + 12h", "start_time:[129600000,max]" },
    { RUNS, "start_time BETWEEN now() - 1w AND now()", "start_time:[1699395200000,1700000000000]" },
    { RUNS, "start_time IN ('1970-01-01', 5)", "start_time:{0,5}" },
    { EXPERIMENTS, "creation_time > now() - 5ms", "creation_time:[1699999999996,max]" },
    { LOGGED, "creation_timestamp = '1970-01-01'", "creation_time:0" },
    { RUNS, "start_time > '2026-02-29'",
      "!Expected numeric value type for numeric attribute: start_time. Found '2026-02-29'" },
    { RUNS, "start_time > now() - 7", "!Invalid clause(s) in filter string: " },
    { RUNS, "start_time > now() - 1.5h", "!Invalid clause(s) in filter string: " },
    { RUNS, "start_time > now() - 7x", "!Invalid clause(s) in filter string: " },
    { RUNS, "start_time > 5 - 7d", "!Invalid clause(s) in filter string: " },
    { RUNS, "start_time > now", "!Expected numeric value type for numeric attribute: start_time. Found now" },
    { RUNS, "metrics.a > now()", "!Expected numeric value type for metric. Found now" },
    { RUNS, "metrics.a > '2026-01-01'", "!Expected numeric value type for metric. Found '2026-01-01'" },
    { EXPERIMENTS, "experiment_id = '2026-01-01'", "!Invalid experiment ID '2026-01-01'." },
  };

  CHECK_CASES (cases);
}
END_TEST

START_TEST (names_the_place)
{
  static const struct expectation cases[] = {
    { RUNS, "metrics.a > 'x'",
      "!Expected numeric value type for metric. Found 'x'. At character 13: expected a number, found 'x'." },
    { RUNS, "params.\xC3\xA9 = 'x' params.b",
      "!Invalid clause(s) in filter string: 'params.\xC3\xA9 = 'x' params.b'. At character 24: expected a comparison "
      "operator, found the end." },
    { RUNS, "params.val-acc = 'x'",
      "!Invalid comparison clause. Expected 'Identifier' found 'params.val-acc'. At character "
      "11: expected a comparison operator, found -." },
  };

  CHECK_CASES (cases);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------------ */

/* `before`, then `count` times `repeated`, then `after`. */
static struct slice
make_text (const char *before, const char *repeated, size_t count, const char *after)
{
  size_t one = strlen (repeated);
  size_t len = strlen (before) + one * count + strlen (after);
  char *text = arena_alloc (arena, len + 1);
  char *at = stpcpy (text, before);

  for (size_t i = 0; i < count; i++, at += one)
    memcpy (at, repeated, one);
  strcpy (at, after);
  return (struct slice){ text, len };
}

START_TEST (keeps_its_limits)
{
  struct
  {
    struct slice text;
    const char *message; /* NULL: accepted */
  } const cases[] = {
    { make_text ("", "(", 100, "metrics.a = 1"), "Invalid clause(s) in filter string: '('" },
    { make_text ("", "NOT ", 100, "metrics.a = 1"), NULL },
    { make_text ("", "NOT ", 101, "metrics.a = 1"),
      "The filter has more than 100 levels of parentheses and NOT; at most 100 are allowed. At character 401." },
    { make_text ("", "(", 101, "metrics.a = 1"), "The filter has more than 100 levels of parentheses and NOT" },
    { make_text ("", "(", 10000, ""), "The filter has more than 100 levels of parentheses and NOT" },
    { make_text ("", "NOT (", 10000, ""), "The filter has more than 100 levels of parentheses and NOT" },
    { make_text ("metrics.a = 1", " AND metrics.a = 1", 999, ""), NULL },
    { make_text ("metrics.a = 1", " AND metrics.a = 1", 1000, ""),
      "The filter has more than 1000 comparisons; at most 1000 are allowed. At character 18001." },
    { make_text ("metrics.a IN (1", ",2", 9999, ")"), NULL },
    { make_text ("metrics.a IN (1", ",2", 10000, ")"),
      "The lists of the filter have more than 10000 items; at most 10000 are allowed. At character 20015." },
    { make_text ("params.a ~ 'x'", " OR params.a LIKE 'x'", 63, ""), NULL },
    { make_text ("params.a ~ 'x'", " OR params.a LIKE 'x'", 64, ""),
      "The filter has more than 64 patterns; at most 64" },
    { make_text ("params.a LIKE '", "%x", 2048, "'"), NULL },
    { make_text ("params.a LIKE '", "%x", 2048, "x'"), "A pattern has 4097 bytes; at most 4096 are allowed." },
    { make_text ("params.a = '", "x", 262131, "'"), NULL },
    { make_text ("params.a = '", "x", 262132, "'"), "The filter has 262145 bytes; at most 262144 are allowed." },
    { make_text ("", "(", 1024 * 1024, ""), "The filter has 1048576 bytes; at most 262144 are allowed." },
    { make_text ("a ", "(", 262000, ""), "Invalid clause(s) in filter string: 'a', '(', '('" },
    { make_text ("a ", "/* ", 87000, ""), "Invalid clause(s) in filter string: 'a', '/* /* " },
    { make_text ("a ", "'a\"` ", 52000, ""), "Invalid clause(s) in filter string: 'a', " },
    { make_text ("", "'", 262143, ""), "Invalid clause(s) in filter string: " },
    { make_text ("", "`", 262143, ""), "Invalid clause(s) in filter string: " },
    { make_text ("", "/*", 131072, ""), "Invalid clause(s) in filter string: " },
    { make_text ("params.a IN ('", "\\'", 131000, ""), "While parsing a list in the query" },
    { make_text ("params.a IN (", "'' ", 80000, ")"), NULL },
    { make_text ("a", ".a", 131000, " = 'x'"), "Invalid entity type 'a'. Valid values are" },
    { make_text ("params.a = ", "-", 100000, "1"), "Invalid clause(s) in filter string: " },
    { make_text ("metrics.a = 1", "0", 200000, ""), NULL },
    { make_text ("start_time = 0.", "0", 200000, "1"), NULL },
    { make_text ("start_time > 1e", "9", 200000, ""), NULL },
    { make_text ("start_time > 1e-", "9", 200000, ""), NULL },
    { make_text ("", "AND ", 65536, ""), NULL },
    { SLICE ("params.a = '\xFF'"), "The filter is not valid UTF-8." },
    { SLICE ("params.a = '\0'"), "The filter holds a NUL character." },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct filter filter;
    struct err err = { 0 };
    enum err_code code = filter_parse (&filter, cases[i].text, RUNS, NOW_MS, arena, &err);

    ck_assert_msg ((ERR_OK == code) == (NULL == cases[i].message), "case %zu, %.40s: %s", i, cases[i].text.data,
                   err.message);
    if (NULL != cases[i].message)
      ck_assert_msg (0 == strncmp (err.message, cases[i].message, strlen (cases[i].message)), "case %zu: %s", i,
                     err.message);
    ck_assert_uint_lt (strlen (err.message), ERR_MESSAGE_BYTES);
  }
}
END_TEST

START_TEST (passes_everything_without_a_filter)
{
  struct filter filter = { .field_count = 5 };

  ck_assert_int_eq (filter_parse (&filter, (struct slice){ NULL, 0 }, RUNS, NOW_MS, arena, NULL), ERR_OK);
  ck_assert_ptr_null (filter.root);
  ck_assert_uint_eq (filter.field_count, 0);
}
END_TEST

START_TEST (says_when_memory_is_not_enough)
{
  struct slice text = make_text ("metrics.a = 1", " AND metrics.a = 1", 999, "");
  struct arena *small = arena_new (4096);
  struct filter filter;
  struct err err = { 0 };

  ck_assert_int_eq (filter_parse (&filter, text, RUNS, NOW_MS, small, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "The filter is too large; ask for less at a time.");
  arena_free (small);
}
END_TEST

START_TEST (names_each_field_once)
{
  struct filter filter;

  ck_assert_int_eq (filter_parse (&filter,
                                  SLICE ("params.a = 'x' OR param.`a` = 'y' OR created > 1 AND start_time < 5 OR "
                                         "number(params.a) > 5 OR metrics.a.min > 1 OR metrics.`a`.min > 1 OR "
                                         "metrics.`a.min` > 1 OR tags.a IS NULL"),
                                  RUNS, NOW_MS, arena, NULL),
                    ERR_OK);
  ck_assert_uint_eq (filter.field_count, 7);
}
END_TEST

START_TEST (reads_numbers_of_texts)
{
  static const struct
  {
    const char *text;
    double value;
  } cases[] = {
    { "1", 1 },          { " -2.5e3 \n", -2500 },    { "+.5", 0.5 },        { "1e-400", 0 },
    { "inf", INFINITY }, { "-Infinity", -INFINITY }, { "1e400", INFINITY }, { "-1e999", -INFINITY },
  };
  static const char *const refused[] = { "", " ", "x", "1x", "0x10", "1,5", "--1", "infinit", "1 2", "e5", "+" };
  double value;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_msg (search_number (&value, slice_of (cases[i].text)), "%s", cases[i].text);
    ck_assert_double_eq (value, cases[i].value);
  }
  ck_assert (search_number (&value, SLICE ("NaN")) && isnan (value));
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
    ck_assert_msg (! search_number (&value, slice_of (refused[i])), "%s", refused[i]);
}
END_TEST

Suite *filter_suite (void);

Suite *
filter_suite (void)
{
  Suite *suite = suite_create ("filter");
  TCase *language = tcase_create ("language");
  TCase *limits = tcase_create ("limits");

  tcase_add_checked_fixture (language, set_up, tear_down);
  tcase_add_test (language, goes_beyond_mlflow);
  tcase_add_test (language, joins_comparisons);
  tcase_add_test (language, compares_numbers);
  tcase_add_test (language, knows_parts_of_metrics);
  tcase_add_test (language, compares_texts);
  tcase_add_test (language, compares_times);
  tcase_add_test (language, names_the_place);
  tcase_add_test (language, passes_everything_without_a_filter);
  tcase_add_test (language, names_each_field_once);
  tcase_add_test (language, reads_numbers_of_texts);
  suite_add_tcase (suite, language);
  tcase_add_checked_fixture (limits, set_up, tear_down);
  tcase_add_test (limits, keeps_its_limits);
  tcase_add_test (limits, says_when_memory_is_not_enough);
  suite_add_tcase (suite, limits);
  return suite;
}
