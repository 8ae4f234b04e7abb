/* Tests of request targets taken apart: forms, segments, pairs, percent-encoding. */
#include "base/url.h"

#include <check.h>
#include <stdlib.h>

START_TEST (splits_targets)
{
  static const struct
  {
    const char *target;
    const char *path; /* NULL: refused */
    const char *query;
  } cases[] = {
    { "/", "/", NULL },
    { "/api/2.0/mlflow/runs/get?run_id=a", "/api/2.0/mlflow/runs/get", "run_id=a" },
    { "/a?", "/a", "" },
    { "/a?b?c", "/a", "b?c" },
    { "//double", "//double", NULL },
    { "/%2e%2e/é", "/%2e%2e/é", NULL },
    { "http://host/a?b", "/a", "b" },
    { "HTTPS://host:5000/a", "/a", NULL },
    { "http://host", "/", NULL },
    { "http://host?q", "/", "q" },
    { "http://user@host/", "/", NULL },
    { "", NULL, NULL },
    { "*", NULL, NULL },
    { "a/b", NULL, NULL },
    { "?a", NULL, NULL },
    { "http://", NULL, NULL },
    { "http:///a", NULL, NULL },
    { "http://?a", NULL, NULL },
    { "ftp://host/", NULL, NULL },
    { "/a#b", NULL, NULL },
    { "/a?b#c", NULL, NULL },
    { "/a b", NULL, NULL },
    { "/a\n", NULL, NULL },
    { "/a\x7f", NULL, NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice path;
    struct slice query;
    bool fine = url_split (slice_of (cases[i].target), &path, &query);

    ck_assert_msg (fine == (NULL != cases[i].path), "%s", cases[i].target);
    if (! fine)
      continue;
    ck_assert_msg (slice_is (path, cases[i].path), "%s", cases[i].target);
    ck_assert_msg ((NULL == query.data) == (NULL == cases[i].query), "%s", cases[i].target);
    ck_assert_msg (slice_equal (query, slice_of (cases[i].query)), "%s", cases[i].target);
  }
  {
    struct slice path;
    struct slice query;

    ck_assert (! url_split ((struct slice){ NULL, 0 }, &path, &query));
    ck_assert (! url_split ((struct slice){ "/a\0b", 4 }, &path, &query));
  }
}
END_TEST

START_TEST (walks_segments)
{
  static const struct
  {
    const char *path;
    const char *segments[5];
  } cases[] = {
    { "", { NULL } },
    { "/", { "" } },
    { "/a", { "a" } },
    { "/a/", { "a", "" } },
    { "/a//b", { "a", "", "b" } },
    { "//", { "", "" } },
    { "/a/b%2Fc/d", { "a", "b%2Fc", "d" } },
    { "a/b", { "a", "b" } },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice rest = slice_of (cases[i].path);
    struct slice segment;

    for (size_t k = 0; NULL != cases[i].segments[k]; k++)
    {
      ck_assert_msg (url_segment_next (&rest, &segment), "%s", cases[i].path);
      ck_assert_msg (slice_is (segment, cases[i].segments[k]), "%s", cases[i].path);
      ck_assert_ptr_nonnull (segment.data);
    }
    ck_assert_msg (! url_segment_next (&rest, &segment), "%s", cases[i].path);
  }
}
END_TEST

START_TEST (walks_pairs)
{
  struct slice rest = SLICE ("a=1&&b=&c&=d&e=f=g&");
  static const char *const expected[][2] = { { "a", "1" }, { "b", "" }, { "c", NULL }, { "", "d" }, { "e", "f=g" } };
  struct slice name;
  struct slice value;

  for (size_t i = 0; i < sizeof (expected) / sizeof (expected[0]); i++)
  {
    ck_assert (url_query_next (&rest, &name, &value));
    ck_assert (slice_is (name, expected[i][0]));
    ck_assert ((NULL == value.data) == (NULL == expected[i][1]));
    ck_assert (slice_equal (value, slice_of (expected[i][1])));
  }
  ck_assert (! url_query_next (&rest, &name, &value));
  rest = (struct slice){ NULL, 0 };
  ck_assert (! url_query_next (&rest, &name, &value));
}
END_TEST

START_TEST (decodes)
{
  static const struct
  {
    const char *text;
    const char *decoded; /* NULL: refused */
    const char *form; /* with "+" as space */
  } cases[] = {
    { "", "", "" },
    { "plain-text_1.2~", "plain-text_1.2~", "plain-text_1.2~" },
    { "a%2Fb", "a/b", "a/b" },
    { "a+b%2Bc", "a+b+c", "a b+c" },
    { "%C3%A9é", "éé", "éé" },
    { "%f0%9D%84%9e", "𝄞", "𝄞" },
    { "%2525", "%25", "%25" },
    { "%25", "%", "%" },
    { "%", NULL, NULL },
    { "%4", NULL, NULL },
    { "a%", NULL, NULL },
    { "%4g", NULL, NULL },
    { "%g4", NULL, NULL },
    { "%+1", NULL, NULL },
    { "% 1", NULL, NULL },
    { "%00", NULL, NULL },
    { "a%00b", NULL, NULL },
    { "%C3", NULL, NULL },
    { "%C3x", NULL, NULL },
    { "%C0%AF", NULL, NULL },
    { "%ED%A0%80", NULL, NULL },
    { "\xff", NULL, NULL },
  };
  struct arena *arena = arena_new (4096);

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    for (int plus = 0; plus < 2; plus++)
    {
      struct slice out = SLICE ("untouched");
      const char *expected = plus ? cases[i].form : cases[i].decoded;
      bool fine = url_decode (&out, slice_of (cases[i].text), plus, arena);

      ck_assert_msg (fine == (NULL != expected), "%s", cases[i].text);
      ck_assert_msg (slice_is (out, fine ? expected : "untouched"), "%s", cases[i].text);
      if (fine && 0 == strcmp (cases[i].text, expected))
        ck_assert_ptr_eq (out.data, cases[i].text);
    }
  ck_assert (! arena_overflowed (arena));
  arena_free (arena);
}
END_TEST

START_TEST (decodes_the_absent_and_the_too_large)
{
  struct arena *arena = arena_new (16);
  struct slice out;

  ck_assert (url_decode (&out, (struct slice){ NULL, 0 }, true, arena));
  ck_assert_ptr_null (out.data);
  ck_assert (! url_decode (&out,
                           SLICE ("a"
                                  "\0"
                                  "b"),
                           true, arena));
  ck_assert (! arena_overflowed (arena));
  ck_assert (! url_decode (&out, SLICE ("%41%41%41%41%41%41%41%41"), true, arena));
  ck_assert (arena_overflowed (arena));
  arena_free (arena);
}
END_TEST

START_TEST (encodes)
{
  struct buffer out;

  buffer_init (&out, 100);
  ck_assert (url_encode (&out, SLICE ("az AZ09-._~/?é%+")));
  ck_assert (slice_is (buffer_slice (&out), "az%20AZ09-._~%2F%3F%C3%A9%25%2B"));
  buffer_free (&out);
  buffer_init (&out, 5);
  ck_assert (! url_encode (&out, SLICE ("abc/")));
  buffer_free (&out);
}
END_TEST

Suite *url_suite (void);

Suite *
url_suite (void)
{
  Suite *suite = suite_create ("url");
  TCase *tests = tcase_create ("url");

  tcase_add_test (tests, splits_targets);
  tcase_add_test (tests, walks_segments);
  tcase_add_test (tests, walks_pairs);
  tcase_add_test (tests, decodes);
  tcase_add_test (tests, decodes_the_absent_and_the_too_large);
  tcase_add_test (tests, encodes);
  suite_add_tcase (suite, tests);
  return suite;
}
