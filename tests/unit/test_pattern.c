/* Tests of patterns: LIKE, ILIKE, regular expressions, and what hostile ones may cost. */
#include "search/pattern.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The ceiling of a request. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

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

enum kind
{
  LIKE,
  ILIKE,
  REGEX,
  REGEX_FOLDED
};

static enum err_code
make (struct search_pattern **out, enum kind kind, struct slice text, struct err *err)
{
  bool folded = ILIKE == kind || REGEX_FOLDED == kind;

  return LIKE == kind || ILIKE == kind ? search_pattern_like (out, text, folded, arena, err)
                                       : search_pattern_regex (out, text, folded, arena, err);
}

static bool
matches (enum kind kind, const char *pattern_text, const char *text)
{
  struct search_pattern *pattern;
  struct err err = { 0 };
  bool result = false;

  ck_assert_msg (ERR_OK == make (&pattern, kind, slice_of (pattern_text), &err), "%s: %s", pattern_text, err.message);
  ck_assert_msg (ERR_OK == search_pattern_match (&result, pattern, slice_of (text), &err), "%s: %s", pattern_text,
                 err.message);
  ck_assert (slice_is (search_pattern_text (pattern), pattern_text));
  return result;
}

START_TEST (matches_as_it_says)
{
  static const struct
  {
    enum kind kind;
    const char *pattern;
    const char *text;
    bool expected;
  } cases[] = {
    { LIKE, "", "", true },
    { LIKE, "", "a", false },
    { LIKE, "a", "a", true },
    { LIKE, "a", "A", false },
    { LIKE, "a", "ab", false },
    { LIKE, "%", "", true },
    { LIKE, "%", "anything\nat all", true },
    { LIKE, "a%", "a", true },
    { LIKE, "a%", "ba", false },
    { LIKE, "%a", "ba", true },
    { LIKE, "%a", "ab", false },
    { LIKE, "%a%", "bab", true },
    { LIKE, "%ab%ab%", "abab", true },
    { LIKE, "%ab%ab%", "abaab", true },
    { LIKE, "%ab%ab%", "aba", false },
    { LIKE, "a%b%c", "abbbc", true },
    { LIKE, "a%b%c", "abbbcd", false },
    { LIKE, "%%%a%%%", "xay", true },
    { LIKE, "_", "", false },
    { LIKE, "_", "a", true },
    { LIKE, "_", "ab", false },
    { LIKE, "_", "\xC3\xA9", true },
    { LIKE, "__", "\xC3\xA9", false },
    { LIKE, "_%_", "\xF0\x9F\x98\x80", false },
    { LIKE, "_%_", "\xF0\x9F\x98\x80x", true },
    { LIKE, "\\%", "%", true },
    { LIKE, "\\%", "a", false },
    { LIKE, "\\_x", "_x", true },
    { LIKE, "\\_x", "ax", false },
    { LIKE, "\\\\", "\\", true },
    { LIKE, "\\a", "a", true },
    { LIKE, "100\\%%", "100% sure", true },
    { LIKE, "%aaaaab", "aaaaaaaaaaaaaab", true },
    { ILIKE, "ABC", "abc", true },
    { ILIKE, "abc", "ABC", true },
    { ILIKE, "\xC3\x89%", "\xC3\xA9t\xC3\xA9", true },
    { ILIKE, "\xD0\xBF%", "\xD0\x9F\xD1\x80\xD0\xB8", true },
    { ILIKE, "\\A_", "ax", true },
    { ILIKE, "a", "b", false },
    { ILIKE, "[", "{", false },
    { REGEX, "", "", true },
    { REGEX, "", "a", true },
    { REGEX, "b", "abc", true },
    { REGEX, "B", "abc", false },
    { REGEX, "^b", "abc", false },
    { REGEX, "^a.c$", "abc", true },
    { REGEX, "^.$", "\xC3\xA9", true },
    { REGEX, "^\\w+$", "\xC3\xA9t\xC3\xA9", true },
    { REGEX, "^[0-9]{3}$", "123", true },
    { REGEX, "a|b", "xb", true },
    { REGEX, "^(a+)\\1$", "aaaa", true },
    { REGEX, "^(a+)\\1$", "aaa", false },
    { REGEX, "(?i)ABC", "abc", true },
    { REGEX, "^a", "b\na", false },
    { REGEX, "(?m)^a", "b\na", true },
    { REGEX_FOLDED, "ABC", "xabcx", true },
    { REGEX_FOLDED, "\xC3\x89", "\xC3\xA9", true },
    { REGEX_FOLDED, "x", "abc", false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_msg (matches (cases[i].kind, cases[i].pattern, cases[i].text) == cases[i].expected, "%zu: %s on %s", i,
                   cases[i].pattern, cases[i].text);
}
END_TEST

START_TEST (takes_the_absent_text_for_empty)
{
  struct search_pattern *pattern;
  bool result = false;

  for (enum kind kind = LIKE; kind <= REGEX_FOLDED; kind++)
  {
    ck_assert_int_eq (make (&pattern, kind, SLICE (""), NULL), ERR_OK);
    ck_assert_int_eq (search_pattern_match (&result, pattern, (struct slice){ NULL, 0 }, NULL), ERR_OK);
    ck_assert (result);
  }
}
END_TEST

START_TEST (refuses_what_is_no_pattern)
{
  static const struct
  {
    enum kind kind;
    const char *pattern;
    const char *message;
  } cases[] = {
    { LIKE, "a\\", "LIKE pattern must not end with escape character" },
    { ILIKE, "\xFF", "A pattern is not valid UTF-8." },
    { REGEX, "\xFF", "A pattern is not valid UTF-8." },
    { REGEX, "a(b", "Invalid regular expression, at byte 4: missing closing parenthesis" },
    { REGEX, "[b", "Invalid regular expression, at byte 3: missing terminating ] for character class" },
    { REGEX, "*", "Invalid regular expression, at byte 1: quantifier does not follow a repeatable item" },
    { REGEX, "\\C", "Invalid regular expression, at byte 3: using \\C is disabled by the application" },
    { REGEX, "(?<=a+)b", "Invalid regular expression, at byte 1: lookbehind assertion is not fixed length" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct search_pattern *pattern;
    struct err err = { 0 };

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == make (&pattern, cases[i].kind, slice_of (cases[i].pattern), &err),
                   "%s", cases[i].pattern);
    ck_assert_str_eq (err.message, cases[i].message);
  }
}
END_TEST

/* A text of `count` times `repeated`. */
static struct slice
repeat (const char *repeated, size_t count)
{
  size_t one = strlen (repeated);
  char *text = arena_alloc (arena, one * count + 1);

  for (size_t i = 0; i < count; i++)
    memcpy (text + i * one, repeated, one);
  return (struct slice){ text, one * count };
}

START_TEST (bounds_what_it_costs)
{
  struct slice text = repeat ("a", 8000);
  struct search_pattern *pattern;
  struct err err = { 0 };
  bool result = true;

  ck_assert_int_eq (make (&pattern, REGEX, SLICE ("^(a+)+$b"), NULL), ERR_OK);
  ck_assert_int_eq (search_pattern_match (&result, pattern, text, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message,
                    "The regular expression '^(a+)+$b' costs too much on a text of 8000 bytes; make it simpler.");
  /* The matcher is as good as new afterwards. */
  ck_assert_int_eq (search_pattern_match (&result, pattern, SLICE ("aa"), NULL), ERR_OK);
  ck_assert (! result);
  /* LIKE takes text times pattern steps, and fails at the very end here. */
  ck_assert_int_eq (make (&pattern, LIKE, repeat ("%a", 2047), NULL), ERR_OK);
  ck_assert_int_eq (search_pattern_match (&result, pattern, repeat ("ab", 4000), NULL), ERR_OK);
  ck_assert (! result);
  ck_assert_int_eq (make (&pattern, REGEX, repeat ("(", 4000), &err), ERR_INVALID_PARAMETER_VALUE);
  err_clear (&err);
  ck_assert_int_eq (make (&pattern, REGEX, SLICE ("((((a{1000}){1000}){1000}){1000})"), &err),
                    ERR_INVALID_PARAMETER_VALUE);
  err_clear (&err);
  ck_assert_int_eq (make (&pattern, LIKE, repeat ("a", SEARCH_PATTERN_MAX_BYTES + 1), &err),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "A pattern has 4097 bytes; at most 4096 are allowed.");
}
END_TEST

static void *
match_often (void *context)
{
  const struct search_pattern *pattern = context;

  for (unsigned i = 0; i < 1000; i++)
  {
    bool result = false;

    ck_assert_int_eq (search_pattern_match (&result, pattern, SLICE ("xxabyy"), NULL), ERR_OK);
    ck_assert (result);
  }
  return NULL;
}

START_TEST (serves_several_threads)
{
  pthread_t threads[4];
  struct search_pattern *pattern;

  ck_assert_int_eq (make (&pattern, REGEX_FOLDED, SLICE ("(A|b)+"), NULL), ERR_OK);
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, match_often, pattern), 0);
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
}
END_TEST

Suite *pattern_suite (void);

Suite *
pattern_suite (void)
{
  Suite *suite = suite_create ("pattern");
  TCase *all = tcase_create ("patterns");

  tcase_add_checked_fixture (all, set_up, tear_down);
  tcase_add_test (all, matches_as_it_says);
  tcase_add_test (all, takes_the_absent_text_for_empty);
  tcase_add_test (all, refuses_what_is_no_pattern);
  tcase_add_test (all, bounds_what_it_costs);
  tcase_add_test (all, serves_several_threads);
  suite_add_tcase (suite, all);
  return suite;
}
