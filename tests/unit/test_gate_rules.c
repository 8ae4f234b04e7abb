/* Tests of the rules of gates: windows of freezes, and what is read as what. */
#include "registry/rules.h"

#include "base/buffer.h"
#include "base/instant.h"

#include <check.h>

static struct arena *arena;

static void
make_arena (void)
{
  arena = arena_new ((size_t)1024 * 1024);
}

static void
free_arena (void)
{
  arena_free (arena);
}

static void
parse (struct rules *rules, const char *text)
{
  struct err err = { .code = ERR_OK };

  ck_assert_msg (ERR_OK == rules_parse (rules, slice_of (text), arena, &err), "%s: %s", text, err.message);
}

static int64_t
at (const char *text)
{
  int64_t ms = 0;

  ck_assert (instant_parse_rfc3339 (slice_of (text), &ms));
  return ms;
}

struct window
{
  const char *freeze;
  const char *now;
  const char *until; /* NULL: it is not frozen */
};

/* 2026-11-27 is a Friday. */
static const struct window windows[] = {
  { "{\"from\":\"2026-12-20T00:00:00Z\",\"to\":\"2026-12-21T00:00:00Z\"}", "2026-12-19T23:59:59.999Z", NULL },
  { "{\"from\":\"2026-12-20T00:00:00Z\",\"to\":\"2026-12-21T00:00:00Z\"}", "2026-12-20T00:00:00Z",
    "2026-12-21T00:00:00Z" },
  { "{\"from\":\"2026-12-20T00:00:00Z\",\"to\":\"2026-12-21T00:00:00Z\"}", "2026-12-21T00:00:00Z", NULL },
  { "{\"from\":\"2026-12-20T00:00:00+02:00\",\"to\":\"2026-12-21T00:00:00Z\"}", "2026-12-19T22:00:00Z",
    "2026-12-21T00:00:00Z" },
  { "{\"days\":[\"fri\"],\"from\":\"16:00\",\"to\":\"24:00\"}", "2026-11-27T15:59:59.999Z", NULL },
  { "{\"days\":[\"fri\"],\"from\":\"16:00\",\"to\":\"24:00\"}", "2026-11-27T16:00:00Z", "2026-11-28T00:00:00Z" },
  { "{\"days\":[\"fri\"],\"from\":\"16:00\",\"to\":\"24:00\"}", "2026-11-27T23:59:59.999Z", "2026-11-28T00:00:00Z" },
  { "{\"days\":[\"fri\"],\"from\":\"16:00\",\"to\":\"24:00\"}", "2026-11-28T00:00:00Z", NULL },
  { "{\"days\":[\"fri\"],\"from\":\"16:00\",\"to\":\"24:00\"}", "2026-11-26T17:00:00Z", NULL },
  { "{\"days\":[\"sun\",\"mon\"]}", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z" },
  { "{\"days\":[\"sun\",\"mon\"]}", "2026-11-30T12:00:00Z", "2026-12-01T00:00:00Z" },
  { "{\"days\":[\"sun\",\"mon\"]}", "2026-12-01T00:00:00Z", NULL },
  { "{\"days\":[\"thu\"],\"to\":\"00:01\"}", "1970-01-01T00:00:59.999Z", "1970-01-01T00:01:00Z" },
  { "{\"days\":[\"thu\"],\"to\":\"00:01\"}", "1970-01-01T00:01:00Z", NULL },
};

START_TEST (freezes)
{
  const struct window *window = &windows[_i];
  struct rules rules;

  parse (&rules, arena_printf (arena, "{\"freeze\":[%s]}", window->freeze));
  ck_assert_int_eq (rules_frozen_until (&rules, at (window->now)), NULL == window->until ? 0 : at (window->until));
}
END_TEST

START_TEST (the_last_freeze_counts)
{
  struct rules rules;

  parse (&rules,
         "{\"freeze\":[{\"days\":[\"fri\"]},{\"from\":\"2026-11-20T00:00:00Z\",\"to\":\"2026-12-24T00:00:00Z\"},"
         "{\"days\":[\"fri\"],\"from\":\"08:00\",\"to\":\"09:00\"}]}");
  ck_assert_int_eq (rules_frozen_until (&rules, at ("2026-11-27T08:30:00Z")), at ("2026-12-24T00:00:00Z"));
}
END_TEST

START_TEST (reads_all)
{
  struct rules rules;

  parse (&rules, "{\"checks\":[\"a\",{\"name\":\"b\",\"by\":{\"groups\":[\"g\"]}}],"
                 "\"metrics\":[{\"key\":\"m\",\"at_most\":1e300},{\"key\":\"m\",\"no_worse_than\":\"p\",\"epsilon\":1,"
                 "\"higher_is_better\":false,\"dataset_name\":\"d\"}],\"tags\":[{\"key\":\"t\",\"value\":\"\"}],"
                 "\"approvals\":{\"count\":2,\"users\":[\"u\"]},\"soak\":{\"alias\":\"s\",\"min_s\":60},\"movers\":{"
                 "\"users\":[\"x\"]}}");
  ck_assert_uint_eq (rules.check_count, 2);
  ck_assert (slice_is (rules.checks[0].name, "a") && NULL == rules.checks[0].by);
  ck_assert (slice_is (rules.checks[1].name, "b") && slice_is (rules.checks[1].by->groups.items[0], "g"));
  ck_assert (RULE_AT_MOST == rules.metrics[0].comparison && 1e300 == rules.metrics[0].bound);
  ck_assert (RULE_NO_WORSE_THAN == rules.metrics[1].comparison && 1 == rules.metrics[1].epsilon);
  ck_assert (rules.metrics[1].lower_is_better && slice_is (rules.metrics[1].dataset_name, "d"));
  ck_assert (NULL == rules.metrics[1].dataset_digest.data);
  /* An empty value is a value; none is none. */
  ck_assert (NULL != rules.tags[0].value.data && 0 == rules.tags[0].value.len);
  ck_assert (2 == rules.approvals->count && slice_is (rules.approvals->people.users.items[0], "u"));
  ck_assert (60 == rules.soak->min_s && slice_is (rules.soak->alias, "s"));
  ck_assert (slice_is (rules.movers->users.items[0], "x") && 0 == rules.freeze_count);
}
END_TEST

START_TEST (limits)
{
  struct buffer text;
  struct rules rules;
  struct err err = { .code = ERR_OK };

  for (size_t count = RULES_MAX; count <= RULES_MAX + 1; count++)
  {
    buffer_init (&text, SIZE_MAX);
    (void)buffer_printf (&text, "{\"checks\":[\"c\"");
    for (size_t i = 1; i < count; i++)
      (void)buffer_printf (&text, ",\"c\"");
    (void)buffer_printf (&text, "]}");
    ck_assert_int_eq (rules_parse (&rules, (struct slice){ text.data, text.len }, arena, &err),
                      count <= RULES_MAX ? ERR_OK : ERR_INVALID_PARAMETER_VALUE);
    buffer_free (&text);
  }
  ck_assert_str_eq (err.message, "rules.checks: there may be at most 50 items.");
}
END_TEST

Suite *gate_rules_suite (void);

Suite *
gate_rules_suite (void)
{
  Suite *suite = suite_create ("gate_rules");
  TCase *tests = tcase_create ("rules");

  tcase_add_checked_fixture (tests, make_arena, free_arena);
  tcase_add_loop_test (tests, freezes, 0, sizeof (windows) / sizeof (windows[0]));
  tcase_add_test (tests, the_last_freeze_counts);
  tcase_add_test (tests, reads_all);
  tcase_add_test (tests, limits);
  suite_add_tcase (suite, tests);
  return suite;
}
