/* Tests of filters in SQL: over experiments of all kinds, PostgreSQL finds what a plain evaluation of the tree finds.
 */
#include "database.h"

#include "base/token.h"
#include "search/experiment_search.h"

#include <check.h>
#include <stdlib.h>

#define EXPERIMENTS 120
#define NOW_MS INT64_C (1700000000000)

/* Names, times and tags that tie, are absent, and are hostile now and then. */
static void
set_up (void)
{
  static const char *const names[] = { "alpha", "Beta",  "\xC3\x89t\xC3\xA9", "100%",
                                       "a_b",   "it''s", "back\\slash",       "x y" };
  static const char *const values[] = {
    "1", "0.5", "-3e2", "nan", "inf", "", "word", "WORD", "1e400", "\xC3\xA9", "a%b"
  };

  database_open_migrated ();
  for (unsigned i = 0; i < EXPERIMENTS; i++)
  {
    uint64_t random = database_random () >> 16;
    const char *value = values[(random >> 8) % 11];
    int64_t id = database_experiment (arena_printf (database.arena, "e%u", i));

    database_run ("UPDATE experiment SET name = '%s %u', created_at_ms = %lld, updated_at_ms = %lld, tags = '%s',"
                  " deleted_at_ms = nullif(%d, 0) WHERE experiment_id = %lld",
                  names[random % 8], i, (long long)(NOW_MS + (int64_t)(random >> 16 & 7) - 4),
                  (long long)(random >> 20 & 3) - 1,
                  0 == (random >> 24 & 3) ? "{}"
                                          : arena_printf (database.arena, "{\"a b\": \"%s\", \"n\": \"%u\"}", value,
                                                          (unsigned)(random >> 28 & 3)),
                  0 == (random >> 32 & 7), (long long)id);
  }
}

/* --- the plain evaluation ---------------------------------------------------------------------------------------- */

/* The value as text or number; false when it is missing. */
static bool
get_value (struct slice *text, int64_t *number, const struct store_experiment *experiment,
           const struct search_field *field)
{
  json_t *tags;
  const json_t *tag;

  if (SEARCH_ATTRIBUTE == field->entity)
  {
    *text = experiment->name;
    *number = EXPERIMENT_ATTRIBUTE_ID == field->attribute->number        ? experiment->experiment_id
              : EXPERIMENT_ATTRIBUTE_CREATED == field->attribute->number ? experiment->created_at_ms
                                                                         : experiment->updated_at_ms;
    return true;
  }
  tags = json_loadb (experiment->tags.data, experiment->tags.len, 0, NULL);
  tag = json_object_getn (tags, field->key.data, field->key.len);
  *text = (struct slice){ NULL, 0 };
  if (NULL != tag)
  {
    text->len = json_string_length (tag);
    text->data = arena_copy (database.arena, json_string_value (tag), text->len);
  }
  json_decref (tags);
  return NULL != text->data;
}

static bool
inside (const struct filter_node *node, struct slice text, int64_t number, double value)
{
  bool matches = false;

  switch (node->test)
  {
  case FILTER_INT_RANGE:
    return number >= node->least && number <= node->most;
  case FILTER_DOUBLE_RANGE:
    return value >= node->low && value <= node->high;
  case FILTER_IS_NAN:
    return value != value;
  case FILTER_PATTERN:
    ck_assert_int_eq (search_pattern_match (&matches, node->pattern, text, NULL), ERR_OK);
    return matches;
  default:
    for (size_t i = 0; i < node->count; i++)
      matches = matches
                || (FILTER_INT_LIST == node->test      ? node->ints[i] == number
                    : FILTER_DOUBLE_LIST == node->test ? node->doubles[i] == value
                                                       : slice_equal (node->texts[i], text));
    return matches;
  }
}

static bool
passes (const struct filter *filter, const struct filter_node *node, const struct store_experiment *experiment)
{
  const struct search_field *field = &filter->fields[node->field];
  struct slice text;
  int64_t number = 0;
  double value = 0;
  bool present;

  if (FILTER_TEST != node->kind)
  {
    for (const struct filter_node *child = node->first; NULL != child; child = child->next)
      if (passes (filter, child, experiment) == (FILTER_OR == node->kind))
        return FILTER_OR == node->kind;
    return FILTER_AND == node->kind;
  }
  present = get_value (&text, &number, experiment, field);
  if (field->as_number)
    present = present && search_number (&value, text);
  if (FILTER_EXISTS == node->test)
    return present != node->negated;
  return present && inside (node, text, number, value) != node->negated;
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static struct experiment_page
find (const struct experiment_search *search)
{
  struct experiment_page page;
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == experiment_search (&page, database.connection, search, database.arena, &err), "%.*s: %s %s",
                 SLICE_ARG (search->filter), err.message, err.cause);
  return page;
}

/* How many of all experiments pass, after both ways agreed on each. */
static size_t
check_filter (const char *text, enum search_view view)
{
  struct experiment_search search = { .workspace_id = 1, .view = view, .now_ms = NOW_MS, .max_results = 1000 };
  struct experiment_page all = find (&search);
  struct experiment_page found;
  struct filter filter;
  size_t next = 0;

  search.filter = slice_of (text);
  found = find (&search);
  ck_assert_int_eq (filter_parse (&filter, search.filter, &search_experiments, NOW_MS, database.arena, NULL), ERR_OK);
  for (size_t i = 0; i < all.count; i++)
  {
    bool expected = NULL == filter.root || passes (&filter, filter.root, &all.experiments[i]);
    bool is_next = next < found.count && found.experiments[next].experiment_id == all.experiments[i].experiment_id;

    ck_assert_msg (expected == is_next, "%s: '%.*s' with tags %.*s %s", text, SLICE_ARG (all.experiments[i].name),
                   SLICE_ARG (all.experiments[i].tags), expected ? "is missing" : "is found");
    next += is_next;
  }
  ck_assert_uint_eq (next, found.count);
  result_free (&all.result);
  result_free (&found.result);
  return next;
}

static const char *const filters[] = {
  "",
  "AND",
  "name = 'alpha 0'",
  "name != 'alpha 0'",
  "name LIKE 'alpha%'",
  "name NOT LIKE 'a\\_b%'",
  "name LIKE '_t_ %'",
  "name LIKE '100\\%%'",
  "name LIKE 'back\\\\%'",
  "name ILIKE 'BETA%' OR name ILIKE '\xC3\xA9T\xC3\x89%'",
  "name NOT ILIKE 'A%'",
  "name ~ '^[A-Z].* [0-9]+$'",
  "name !~ '\\d'",
  "name ~* 'ALPHA|\xC3\x89'",
  "name IN ('alpha 0', \"it's 1\", 'x y 2') OR name LIKE 'it%s%'",
  "name NOT IN ('alpha 0')",
  "name IS NULL",
  "name IS NOT NULL",
  "experiment_id = 5",
  "experiment_id IN ('5', '7', '999999')",
  "experiment_id NOT IN (1, 2.5)",
  "experiment_id IN (2.5)",
  "experiment_id NOT IN (2.5)",
  "experiment_id > 20 AND experiment_id <= 30.5",
  "creation_time >= now()",
  "creation_time < '2023-11-14T22:13:20Z'",
  "creation_time BETWEEN 1699999999998 AND now() + 1ms",
  "NOT creation_time BETWEEN 1699999999998 AND now() + 1ms",
  "last_update_time = 0 OR last_update_time = 1.5",
  "last_update_time != 1.5",
  "tags.`a b` = 'word'",
  "tags.`a b` != 'word'",
  "NOT tags.`a b` = 'word'",
  "tags.`a b` IS NULL",
  "tags.`a b` IS NOT NULL AND tags.n != '0'",
  "tags.nothing IS NULL",
  "tags.nothing != 'x'",
  "tags.nothing ~ 'x' OR tags.nothing !~ 'x'",
  "tags.`a b` = ''",
  "tags.`a b` LIKE 'a\\%b'",
  "tags.`a b` NOT LIKE '%o%'",
  "tags.`a b` ILIKE 'w%' AND tags.`a b` !~ 'W'",
  "tags.`a b` NOT IN ('word', '1')",
  "number(tags.`a b`) > 0",
  "number(tags.`a b`) <= 0.5",
  "NOT number(tags.`a b`) <= 0.5",
  "number(tags.`a b`) = NaN",
  "number(tags.`a b`) != NaN",
  "number(tags.`a b`) IN (1, 0.5, NaN)",
  "number(tags.`a b`) NOT IN (1, 0.5, NaN)",
  "number(tags.`a b`) IS NULL",
  "number(tags.`a b`) IS NOT NULL",
  "number(tags.`a b`) BETWEEN -Infinity AND Infinity",
  "(name LIKE 'a%' OR tags.n = '1') AND NOT (creation_time > now() OR tags.`a b` ~ '^\\w+$')",
  "tags.`a' OR true --` = 'x'",
  "name = '''; DROP TABLE experiment; --'",
};

START_TEST (finds_what_the_tree_says)
{
  for (size_t i = 0; i < sizeof (filters) / sizeof (filters[0]); i++)
  {
    size_t all = check_filter (filters[i], VIEW_ALL);

    ck_assert_uint_eq (check_filter (filters[i], VIEW_ACTIVE_ONLY) + check_filter (filters[i], VIEW_DELETED_ONLY), all);
  }
}
END_TEST

/* The filters above are worth something: what they find differs. */
START_TEST (finds_some_and_not_others)
{
  ck_assert_uint_eq (check_filter ("", VIEW_ALL), EXPERIMENTS + 1);
  ck_assert_uint_gt (check_filter ("name ILIKE '\xC3\xA9T\xC3\x89%'", VIEW_ALL), 0);
  ck_assert_uint_gt (check_filter ("name ~ '^Beta \\d+$'", VIEW_ALL), 0);
  ck_assert_uint_gt (check_filter ("number(tags.`a b`) = NaN", VIEW_ALL), 0);
  ck_assert_uint_gt (check_filter ("number(tags.`a b`) = Infinity", VIEW_ALL), 0);
  ck_assert_uint_gt (check_filter ("number(tags.`a b`) IS NULL AND tags.`a b` IS NOT NULL", VIEW_ALL), 0);
  ck_assert_uint_gt (check_filter ("creation_time > now() AND creation_time < now() + 1d", VIEW_ALL), 0);
  ck_assert_uint_eq (check_filter ("name = 'alpha 0' AND name != 'alpha 0'", VIEW_ALL), 0);
}
END_TEST

/* `before`, then `count` times `repeated`. */
static const char *
make_filter (const char *before, const char *repeated, size_t count)
{
  char *text = arena_alloc (database.arena, strlen (before) + strlen (repeated) * count + 1);
  char *at = stpcpy (text, before);

  for (size_t i = 0; i < count; i++)
    at = stpcpy (at, repeated);
  return text;
}

START_TEST (takes_the_largest_filters)
{
  ck_assert_uint_gt (check_filter (make_filter ("name = 'x'", " OR tags.n = '1'", 999), VIEW_ALL), 0);
  ck_assert_uint_gt (
      check_filter (arena_printf (database.arena, "%s)", make_filter ("experiment_id NOT IN (1", ",2", 9999)),
                    VIEW_ALL),
      0);
}
END_TEST

START_TEST (goes_through_pages_of_one_filter_only)
{
  struct experiment_search search = { .workspace_id = 1,
                                      .view = VIEW_ALL,
                                      .filter = SLICE ("tags.n != '1' AND name ~ 'a'"),
                                      .now_ms = NOW_MS,
                                      .max_results = 1000 };
  struct experiment_page whole = find (&search);
  struct experiment_page page;
  struct err err = { 0 };
  size_t seen = 0;

  ck_assert_uint_gt (whole.count, 10);
  search.max_results = 4;
  do
  {
    page = find (&search);
    for (size_t i = 0; i < page.count; i++)
      ck_assert_int_eq (page.experiments[i].experiment_id, whole.experiments[seen++].experiment_id);
    result_free (&page.result);
    if (NULL != page.next_token.data)
      search.page_token = page.next_token;
  } while (NULL != page.next_token.data);
  ck_assert_uint_eq (seen, whole.count);
  search.filter = SLICE ("tags.n != '1' AND name ~ 'b'");
  ck_assert_int_eq (experiment_search (&page, database.connection, &search, database.arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "Invalid page token, it belongs to another search; start again without one.");
  result_free (&whole.result);
}
END_TEST

START_TEST (says_when_a_pattern_costs_too_much)
{
  struct experiment_search search = {
    .workspace_id = 1, .view = VIEW_ALL, .filter = SLICE ("tags.t ~ '^(a+)+$'"), .now_ms = NOW_MS, .max_results = 1000
  };
  struct experiment_page page;
  struct err err = { 0 };

  database_run (
      "UPDATE experiment SET tags = jsonb_build_object('t', repeat('a', 1999) || '!') WHERE experiment_id = 1");
  ck_assert_int_eq (experiment_search (&page, database.connection, &search, database.arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_msg (NULL != strstr (err.message, "costs too much on a text of 2000 bytes"), "%s", err.message);
  /* The connection is of use afterwards. */
  search.filter = SLICE ("tags.t ~ '^a+!$'");
  page = find (&search);
  ck_assert_uint_eq (page.count, 1);
  result_free (&page.result);
}
END_TEST

Suite *search_filter_suite (void);

Suite *
search_filter_suite (void)
{
  Suite *suite = suite_create ("search_filter");
  TCase *all = tcase_create ("experiments");

  tcase_add_checked_fixture (all, set_up, database_close);
  tcase_set_timeout (all, 120);
  tcase_add_test (all, finds_what_the_tree_says);
  tcase_add_test (all, finds_some_and_not_others);
  tcase_add_test (all, takes_the_largest_filters);
  tcase_add_test (all, goes_through_pages_of_one_filter_only);
  tcase_add_test (all, says_when_a_pattern_costs_too_much);
  suite_add_tcase (suite, all);
  return suite;
}
