/* Tests of order_by, its page tokens, and the views of a search. */
#include "base/hash.h"
#include "base/token.h"
#include "search/order.h"

#include <check.h>
#include <stdlib.h>

/* Far above what one order needs. */
#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

static const struct search_attribute by_start = { NULL, "started_at_ms",     SEARCH_INT64, false,
                                                  true, RUN_ATTRIBUTE_START, false };
static const struct search_attribute by_id = { NULL, "run_id", SEARCH_UUID, false, false, RUN_ATTRIBUTE_ID, false };

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

/* What a clause means, as "sql[key].part direction"; a part in doubt as "sql[key]|[part_key].part". */
static const char *
describe (const struct search_key *key)
{
  static const char *const names[] = { NULL, "metrics", "params", "tags" };
  const struct search_field *field = &key->field;
  const char *direction = key->descending ? "down" : "up";
  const char *text;

  if (SEARCH_ATTRIBUTE == field->entity)
    return arena_printf (arena, "%s %s", field->attribute->sql, direction);
  text = arena_printf (arena, "%s%s[%.*s]", field->as_number ? "#" : "", names[field->entity], SLICE_ARG (field->key));
  if (SEARCH_LATEST != field->part)
    text = arena_printf (arena, "%s.%s", text, search_part_names[field->part]);
  if (NULL != field->part_key.data)
    text = arena_printf (arena, "%s|[%.*s].%s", text, SLICE_ARG (field->part_key), search_part_names[field->key_part]);
  return arena_printf (arena, "%s %s", text, direction);
}

START_TEST (reads_clauses)
{
  static const struct
  {
    const char *clause;
    const char *meaning;
  } cases[] = {
    { "run_name", "name up" },
    { "run_name ASC", "name up" },
    { "run_name asc", "name up" },
    { "run_name DESC", "name down" },
    { "run_name dEsC", "name down" },
    { "  run_name \t DESC  ", "name down" },
    { "run_name\nDESC", "name down" },
    { "attributes.run_name", "name up" },
    { "attribute.run_name", "name up" },
    { "attr.run_name DESC", "name down" },
    { "run.run_name", "name up" },
    { "`run_name`", "name up" },
    { "\"run_name\" DESC", "name down" },
    { "attributes.`run_name`", "name up" },
    { "run name", "name up" },
    { "run name DESC", "name down" },
    { "`run name` DESC", "name down" },
    { "start_time desc", "started_at_ms down" },
    { "end_time", "ended_at_ms up" },
    { "run_id", "run_id up" },
    { "params.a", "params[a] up" },
    { "param.a", "params[a] up" },
    { "parameter.a", "params[a] up" },
    { "parameters.a DESC", "params[a] down" },
    { "tag.a", "tags[a] up" },
    { "tags.a", "tags[a] up" },
    { "tags.mlflow.user", "tags[mlflow.user] up" },
    { "params.`batch size` ASC", "params[batch size] up" },
    { "params.\"batch size\"", "params[batch size] up" },
    { "tags.`a DESC` DESC", "tags[a DESC] down" },
    { "tags.`a, b`", "tags[a, b] up" },
    { "tags.`say \"x\"`", "tags[say \"x\"] up" },
    { "tags.\"back`tick\"", "tags[back`tick] up" },
    { "tags.`a.b`", "tags[a.b] up" },
    { "tags.'; DROP", NULL },
    { "tags.\xC3\xA9", "tags[\xC3\xA9] up" },
    { "tags.`$1`", "tags[$1] up" },
    { "tags.$1", NULL },
    { "params.`a'b`", "params[a'b] up" },
    { "params.a'b", NULL },
    { "metrics.a-b", NULL },
    { "metrics.a/b DESC", NULL },
    { "metrics.a DESC DESC", NULL },
    { "metrics.a;", NULL },
    { "metrics.a -- x", NULL },
    { "(metrics.a)", NULL },
    { "5", NULL },
    { "number(params.a) FOO", NULL },
    { "metrics.`\xFF`", NULL },
    { "tags.'a'", "tags[a] up" },
    { "`tags`.a", "tags[a] up" },
    { "metrics.loss", "metrics[loss] up" },
    { "metric.`val/loss` DESC", "metrics[val/loss] down" },
    { "metrics.loss.min", "metrics[loss.min]|[loss].min up" },
    { "metrics.a.b.count DESC", "metrics[a.b.count]|[a.b].count down" },
    { "metrics.`loss`.min", "metrics[loss].min up" },
    { "metrics.\"a b\".first DESC", "metrics[a b].first down" },
    { "metrics.`loss.min`", "metrics[loss.min] up" },
    { "metrics.loss.median", "metrics[loss.median] up" },
    { "metrics.min", "metrics[min] up" },
    { "params.a.min", "params[a.min] up" },
    { "number(params.lr) DESC", "#params[lr] down" },
    { "NUMBER ( tags.`a b` )", "#tags[a b] up" },
    { "number(metrics.a)", NULL },
    { "number(start_time)", NULL },
    { "number()", NULL },
    { "number(params.a", NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice clause = slice_of (cases[i].clause);
    struct search_order order;
    struct err err = { 0 };
    enum err_code code = search_order_parse (&order, &clause, 1, &search_runs, arena, &err);

    ck_assert_msg ((ERR_OK == code) == (NULL != cases[i].meaning), "%s: %s", cases[i].clause, err.message);
    if (ERR_OK != code)
      continue;
    ck_assert_uint_eq (order.count, 1);
    ck_assert_str_eq (describe (&order.keys[0]), cases[i].meaning);
  }
}
END_TEST

#define VALID                                                                                                          \
  "'run_id', 'run_name', 'run name', 'Run name', 'Run Name', 'user_id', 'status', 'artifact_uri', 'start_time', "      \
  "'created', 'Created', 'end_time'"
#define ENTITIES "['metric', 'parameter', 'tag', 'attribute', 'dataset']"
#define TAG_ENTITIES "('attribute', 'tag', 'tags')"

START_TEST (explains_what_is_wrong)
{
  static const struct
  {
    const char *clause;
    bool of_runs;
    enum err_code code;
    const char *message;
  } cases[] = {
    { "", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause ''. Could not be parsed." },
    { "  ", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause '  '. Could not be parsed." },
    { "params.", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause 'params.'. Could not be parsed." },
    { "params.``", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause 'params.``'. Could not be parsed." },
    { "`", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause '`'. Could not be parsed." },
    { "params.`a", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause 'params.`a'. Could not be parsed." },
    { "params.a`", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause 'params.a`'. Could not be parsed." },
    { "params.`a\"", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause 'params.`a\"'. Could not be parsed." },
    { "params.`a`b`", true, ERR_INVALID_PARAMETER_VALUE,
      "Invalid order_by clause 'params.`a`b`'. Could not be parsed." },
    { "name,start_time", true, ERR_INVALID_PARAMETER_VALUE,
      "Invalid order_by clause 'name,start_time'. Could not be parsed." },
    { "name ACS", true, ERR_INVALID_PARAMETER_VALUE, "Invalid ordering key in order_by clause 'name ACS'." },
    { "name; DROP TABLE run", true, ERR_INVALID_PARAMETER_VALUE,
      "Invalid order_by clause 'name; DROP TABLE run'. Could not be parsed." },
    { "NAME", true, ERR_INVALID_PARAMETER_VALUE,
      "Invalid attribute key 'NAME' specified. Valid keys are '{" VALID "}'" },
    { "hidden", true, ERR_INVALID_PARAMETER_VALUE,
      "Invalid attribute key 'hidden' specified. Valid keys are '{" VALID "}'" },
    { "attributes.x DESC", true, ERR_INVALID_PARAMETER_VALUE,
      "Invalid attribute key 'x' specified. Valid keys are '{" VALID "}'" },
    { "foo.bar", true, ERR_INVALID_PARAMETER_VALUE, "Invalid entity type 'foo'. Valid values are " ENTITIES },
    { "Params.a", true, ERR_INVALID_PARAMETER_VALUE, "Invalid entity type 'Params'. Valid values are " ENTITIES },
    { ".a", true, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by clause '.a'. Could not be parsed." },
    { "dataset.name", true, ERR_INVALID_PARAMETER_VALUE, "Invalid identifier type 'dataset'" },
    { "number(metrics.loss)", true, ERR_INVALID_PARAMETER_VALUE,
      "number() reads params and tags only, such as number(params.lr)." },
    { "number(status) DESC", true, ERR_INVALID_PARAMETER_VALUE,
      "number() reads params and tags only, such as number(params.lr)." },
    { "tags.a", false, ERR_INVALID_PARAMETER_VALUE, "Invalid order_by entity: tag" },
    { "params.a", false, ERR_INVALID_PARAMETER_VALUE,
      "Invalid entity type 'params'. Valid entity types are " TAG_ENTITIES },
    { "attr.name", false, ERR_INVALID_PARAMETER_VALUE,
      "Invalid entity type 'attr'. Valid entity types are " TAG_ENTITIES },
    { "start_time", false, ERR_INVALID_PARAMETER_VALUE,
      "Invalid attribute key 'start_time' specified. Valid keys are '{'name', 'experiment_id', 'creation_time', "
      "'last_update_time'}'" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice clause = slice_of (cases[i].clause);
    struct search_order order;
    struct err err = { 0 };
    enum err_code code =
        search_order_parse (&order, &clause, 1, cases[i].of_runs ? &search_runs : &search_experiments, arena, &err);

    ck_assert_msg (code == cases[i].code, "%s: %s", cases[i].clause, err_name (code));
    ck_assert_str_eq (err.message, cases[i].message);
  }
}
END_TEST

START_TEST (refuses_the_same_key_twice)
{
  static const struct
  {
    const char *clauses[3];
    const char *message; /* NULL: accepted */
  } cases[] = {
    { { "run_name", "run_name DESC" }, "`order_by` contains duplicate fields: ['run_name', 'run_name DESC']" },
    { { "run_name", "start_time", "attributes.run_name" },
      "`order_by` contains duplicate fields: ['run_name', 'start_time', 'attributes.run_name']" },
    { { "run_name", "run name" }, "`order_by` contains duplicate fields: ['run_name', 'run name']" },
    { { "params.a", "param.`a`" }, "`order_by` contains duplicate fields: ['params.a', 'param.`a`']" },
    { { "metrics.a", "metric.`a`" }, "`order_by` contains duplicate fields: ['metrics.a', 'metric.`a`']" },
    { { "params.a", "params.b" }, NULL },
    { { "params.a", "number(params.a)" }, NULL },
    { { "metrics.a", "metrics.`a`.min", "metrics.`a`.max" }, NULL },
    { { "params.a", "tags.a" }, NULL },
    { { "params.run_name", "run_name", "tags.run_name" }, NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice clauses[3];
    size_t count = 0;
    struct search_order order;
    struct err err = { 0 };

    for (; count < 3 && NULL != cases[i].clauses[count]; count++)
      clauses[count] = slice_of (cases[i].clauses[count]);
    ck_assert_int_eq (search_order_parse (&order, clauses, count, &search_runs, arena, &err),
                      NULL == cases[i].message ? ERR_OK : ERR_INVALID_PARAMETER_VALUE);
    ck_assert_str_eq (err.message, NULL == cases[i].message ? "" : cases[i].message);
    if (NULL == cases[i].message)
      ck_assert_uint_eq (order.count, count);
  }
}
END_TEST

START_TEST (leaves_room_for_tie_breakers)
{
  struct slice clauses[SEARCH_ORDER_MAX + 1];
  struct search_order order;
  struct err err = { 0 };

  for (size_t i = 0; i < SEARCH_ORDER_MAX + 1; i++)
    clauses[i] = slice_of (arena_printf (arena, "params.p%zu", i));
  ck_assert_int_eq (search_order_parse (&order, clauses, SEARCH_ORDER_MAX - 2, &search_runs, arena, &err), ERR_OK);
  search_order_add (&order, &by_start, true);
  search_order_add (&order, &by_id, false);
  ck_assert_uint_eq (order.count, SEARCH_ORDER_MAX);
  ck_assert_str_eq (describe (&order.keys[SEARCH_ORDER_MAX - 1]), "run_id up");
  ck_assert_int_eq (search_order_parse (&order, clauses, SEARCH_ORDER_MAX - 1, &search_runs, arena, &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "order_by has 11 clauses; at most 10 are allowed.");
}
END_TEST

START_TEST (adds_only_what_is_missing)
{
  const struct slice clauses[] = { { "start_time", 10 }, { "params.run_id", 13 } };
  struct search_order order;

  ck_assert_int_eq (search_order_parse (&order, clauses, 2, &search_runs, arena, NULL), ERR_OK);
  search_order_add (&order, &by_start, true);
  ck_assert_uint_eq (order.count, 2);
  ck_assert_str_eq (describe (&order.keys[0]), "started_at_ms up");
  search_order_add (&order, &by_id, true);
  ck_assert_uint_eq (order.count, 3);
  ck_assert_str_eq (describe (&order.keys[2]), "run_id down");
}
END_TEST

/* --- tokens ------------------------------------------------------------------------------------------------------ */

#define HASH UINT64_C (0x0123456789ABCDEF)
#define ID "01234567-89ab-cdef-0123-456789abcdef"

/* start_time, end_time, params.a, run_id. */
static struct search_order
make_order (void)
{
  const struct slice clauses[] = { { "start_time", 10 }, { "end_time", 8 }, { "params.a", 8 }, { "run_id", 6 } };
  struct search_order order;

  ck_assert_int_eq (search_order_parse (&order, clauses, 4, &search_runs, arena, NULL), ERR_OK);
  return order;
}

START_TEST (reads_its_own_tokens)
{
  struct search_order order = make_order ();
  struct search_position position;
  struct slice token;

  token = search_token_make (SLICE ("[\"-5\", null, \"x\\\"\\u00e9\", \"" ID "\"]"), HASH, arena);
  ck_assert_ptr_nonnull (token.data);
  ck_assert_int_eq (search_token_parse (&position, token, &order, HASH, arena, NULL), ERR_OK);
  ck_assert (position.present && position.has_values);
  ck_assert_int_eq (position.offset, 0);
  ck_assert (slice_is (position.values[0], "-5"));
  ck_assert_ptr_null (position.values[1].data);
  ck_assert (slice_is (position.values[2], "x\"\xC3\xA9"));
  ck_assert (slice_is (position.values[3], ID));
}
END_TEST

START_TEST (takes_no_token_for_the_first_page)
{
  struct search_order order = make_order ();
  struct search_position position;

  ck_assert_int_eq (search_token_parse (&position, (struct slice){ NULL, 0 }, &order, HASH, arena, NULL), ERR_OK);
  ck_assert (! position.present && ! position.has_values && 0 == position.offset);
  ck_assert_int_eq (search_token_parse (&position, SLICE (""), &order, HASH, arena, NULL), ERR_OK);
  ck_assert (! position.present && ! position.has_values && 0 == position.offset);
}
END_TEST

#define OURS(after) "{\"after\":" after ",\"search\":\"0123456789abcdef\"}"
#define DAMAGED "Invalid page token, it is damaged; start again without one."
#define ANOTHER "Invalid page token, it belongs to another search; start again without one."
#define UNREADABLE "Invalid page token, it could not be decoded; start again without one."

START_TEST (judges_tokens)
{
  static const struct
  {
    const char *json;
    const char *message; /* NULL: accepted */
    int64_t offset;
  } cases[] = {
    { OURS ("[\"1\",\"2\",\"3\",\"" ID "\"]"), NULL, 0 },
    { OURS ("[\"1\",null,null,\"" ID "\"]"), NULL, 0 },
    { OURS ("[\"-9223372036854775808\",null,\"\",\"" ID "\"]"), NULL, 0 },
    /* The form of MLflow's own server. */
    { "{\"offset\": 0}", NULL, 0 },
    { "{\"offset\": 100}", NULL, 100 },
    { "{\"offset\": 9223372036854775807}", NULL, INT64_MAX },
    { "{\"offset\": -1}", DAMAGED, 0 },
    { "{\"offset\": \"5\"}", DAMAGED, 0 },
    { "{\"offset\": 5.0}", DAMAGED, 0 },
    { "{\"offset\": null}", DAMAGED, 0 },
    /* Another order, another search. */
    { OURS ("[]"), ANOTHER, 0 },
    { OURS ("[\"1\",\"2\",\"3\"]"), ANOTHER, 0 },
    { OURS ("[\"1\",\"2\",\"3\",\"" ID "\",\"5\"]"), ANOTHER, 0 },
    { "{\"after\":[\"1\",\"2\",\"3\",\"" ID "\"],\"search\":\"0123456789abcdee\"}", ANOTHER, 0 },
    { "{\"after\":[\"1\",\"2\",\"3\",\"" ID "\"],\"search\":\"0123456789ABCDEF\"}", ANOTHER, 0 },
    { "{\"after\":[\"1\",\"2\",\"3\",\"" ID "\"],\"search\":\"\"}", ANOTHER, 0 },
    { "{\"after\":[\"1\",\"2\",\"3\",\"" ID "\"],\"search\":\"0123456789abcdef\\u0000\"}", NULL, 0 },
    /* Values that their columns cannot hold. */
    { OURS ("[null,\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[1,\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"\",\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"1x\",\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"1.5\",\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"1\\u0000\",\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"9223372036854775808\",\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"99999999999999999999\",\"2\",\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",[],\"3\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",\"a\\u0000b\",\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",{},\"" ID "\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",\"3\",null]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",\"3\",\"\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",\"3\",\"0123456789abcdef0123456789abcdef\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",\"3\",\"------------------------------------\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",\"3\",\"0123456789ab-cdef-0123-456789abcdef-\"]"), DAMAGED, 0 },
    { OURS ("[\"1\",\"2\",\"3\",\"01234567-89ab-cdef-0123-456789abcdeg\"]"), DAMAGED, 0 },
    /* Other objects. */
    { "{}", DAMAGED, 0 },
    { OURS ("{}"), DAMAGED, 0 },
    { OURS ("null"), DAMAGED, 0 },
    { "{\"search\":\"0123456789abcdef\"}", DAMAGED, 0 },
    { "{\"after\":[\"1\",\"2\",\"3\",\"" ID "\"]}", DAMAGED, 0 },
    { "{\"after\":[\"1\",\"2\",\"3\",\"" ID "\"],\"search\":5}", DAMAGED, 0 },
    { "[]", UNREADABLE, 0 },
    { "no JSON", UNREADABLE, 0 },
  };
  struct search_order order = make_order ();

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct search_position position;
    struct err err = { 0 };
    enum err_code code = search_token_parse (&position, token_make (cases[i].json, arena), &order, HASH, arena, &err);

    ck_assert_msg (code == (NULL == cases[i].message ? ERR_OK : ERR_INVALID_PARAMETER_VALUE), "%s", cases[i].json);
    ck_assert_msg (0 == strcmp (err.message, NULL == cases[i].message ? "" : cases[i].message), "%s: %s", cases[i].json,
                   err.message);
    if (ERR_OK == code)
      ck_assert_int_eq (position.offset, cases[i].offset);
  }
}
END_TEST

START_TEST (refuses_text_that_is_no_token)
{
  static const char *const cases[] = { "x", "xxxx", "====", "not a token", "e30", "\xFF\xFF\xFF\xFF" };
  struct search_order order = make_order ();

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct search_position position;
    struct err err = { 0 };

    ck_assert_int_eq (search_token_parse (&position, slice_of (cases[i]), &order, HASH, arena, &err),
                      ERR_INVALID_PARAMETER_VALUE);
    ck_assert_str_eq (err.message, UNREADABLE);
  }
}
END_TEST

START_TEST (hashes_parts_apart)
{
  static const char *const texts[][3] = { { "ab", "c", "" }, { "a", "bc", "" }, { "abc", "", "" },
                                          { "", "abc", "" }, { "", "", "abc" }, { "ab", "", "c" } };
  uint64_t hashes[6];

  for (size_t i = 0; i < 6; i++)
  {
    hashes[i] = HASH_START;
    for (size_t k = 0; k < 3; k++)
      hashes[i] = search_hash (hashes[i], slice_of (texts[i][k]));
    for (size_t k = 0; k < i; k++)
      ck_assert_uint_ne (hashes[i], hashes[k]);
  }
  ck_assert_uint_eq (search_hash (HASH_START, SLICE ("a")), search_hash (HASH_START, SLICE ("a")));
}
END_TEST

START_TEST (knows_the_views)
{
  static const struct
  {
    enum search_view view;
    int number; /* of the protocol */
    const char *name;
    const char *sql;
  } cases[] = {
    { VIEW_ACTIVE_ONLY, 1, "ACTIVE_ONLY", " AND deleted_at_ms IS NULL" },
    { VIEW_DELETED_ONLY, 2, "DELETED_ONLY", " AND deleted_at_ms IS NOT NULL" },
    { VIEW_ALL, 3, "ALL", "" },
  };

  ck_assert_ptr_null (search_view_names[0]);
  ck_assert_uint_eq (VIEW_COUNT, 1 + sizeof (cases) / sizeof (cases[0]));
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_int_eq ((int)cases[i].view, cases[i].number);
    ck_assert_str_eq (search_view_names[cases[i].view], cases[i].name);
    ck_assert_str_eq (search_view_sql (cases[i].view), cases[i].sql);
  }
}
END_TEST

Suite *order_suite (void);

Suite *
order_suite (void)
{
  Suite *suite = suite_create ("order");
  TCase *clauses = tcase_create ("clauses");
  TCase *tokens = tcase_create ("tokens");

  tcase_add_checked_fixture (clauses, set_up, tear_down);
  tcase_add_test (clauses, reads_clauses);
  tcase_add_test (clauses, explains_what_is_wrong);
  tcase_add_test (clauses, refuses_the_same_key_twice);
  tcase_add_test (clauses, leaves_room_for_tie_breakers);
  tcase_add_test (clauses, adds_only_what_is_missing);
  tcase_add_test (clauses, knows_the_views);
  suite_add_tcase (suite, clauses);
  tcase_add_checked_fixture (tokens, set_up, tear_down);
  tcase_add_test (tokens, reads_its_own_tokens);
  tcase_add_test (tokens, takes_no_token_for_the_first_page);
  tcase_add_test (tokens, judges_tokens);
  tcase_add_test (tokens, refuses_text_that_is_no_token);
  tcase_add_test (tokens, hashes_parts_apart);
  suite_add_tcase (suite, tokens);
  return suite;
}
