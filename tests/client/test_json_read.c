/* Tests of reading JSON: the trees are jansson's own, and what has no place in an answer is refused. */
#include "json_read.h"

#include <check.h>
#include <string.h>

static const char *const good[] = {
  "{}",
  "[]",
  "null",
  "[1, -9223372036854775808, 0.1, 1e300, true, false, null, \"\"]",
  "{\"a\": {\"b\": [[], {}, \"\\u00fc\\n\\ud83d\\ude00\"]}, \"\": \"x\", \"c\\td\": 5}",
};

START_TEST (as_jansson_reads)
{
  bool out_of_memory = true;
  json_t *ours = json_read (&out_of_memory, slice_of (good[_i]));
  json_t *theirs = json_loads (good[_i], JSON_DECODE_ANY, NULL);

  ck_assert_ptr_nonnull (theirs);
  ck_assert (! out_of_memory);
  ck_assert (json_equal (ours, theirs));
  json_decref (ours);
  json_decref (theirs);
}
END_TEST

static const char *const bad[] = {
  "",
  " ",
  "{",
  "[1",
  "[1,]",
  "{\"a\": 1,}",
  "{\"a\"}",
  "{\"a\": 1, \"a\": 2}",
  "{} x",
  "\"\\u0000\"",
  "{\"\\u0000\": 1}",
  "\"\xff\"",
  "\"\\ud800\"",
  "[1e999]",
  "[9223372036854775808]",
  "[01]",
  "nul",
};

START_TEST (refuses)
{
  bool out_of_memory = true;

  ck_assert_ptr_null (json_read (&out_of_memory, slice_of (bad[_i])));
  ck_assert (! out_of_memory);
}
END_TEST

START_TEST (depth_and_long_names)
{
  char text[2 * JSON_READ_MAX_DEPTH + 3];
  char object[1100];
  bool out_of_memory;
  json_t *tree;

  memset (text, '[', JSON_READ_MAX_DEPTH + 1);
  memset (text + JSON_READ_MAX_DEPTH + 1, ']', JSON_READ_MAX_DEPTH + 1);
  ck_assert_ptr_null (json_read (&out_of_memory, (struct slice){ text, 2 * JSON_READ_MAX_DEPTH + 2 }));
  ck_assert (! out_of_memory);
  tree = json_read (&out_of_memory, (struct slice){ text + 1, 2 * JSON_READ_MAX_DEPTH });
  ck_assert_ptr_nonnull (tree);
  json_decref (tree);
  memset (object, 'n', sizeof (object));
  memcpy (object, "{\"", 2);
  memcpy (object + 1002, "\": 7}", 6);
  tree = json_read (&out_of_memory, slice_of (object));
  ck_assert_uint_eq (json_object_size (tree), 1);
  ck_assert_uint_eq (strlen (json_object_iter_key (json_object_iter (tree))), 1000);
  json_decref (tree);
  ck_assert_ptr_null (json_read (&out_of_memory, (struct slice){ NULL, 0 }));
}
END_TEST

Suite *json_read_suite (void);

Suite *
json_read_suite (void)
{
  Suite *suite = suite_create ("json_read");
  TCase *tests = tcase_create ("json_read");

  tcase_add_loop_test (tests, as_jansson_reads, 0, sizeof (good) / sizeof (good[0]));
  tcase_add_loop_test (tests, refuses, 0, sizeof (bad) / sizeof (bad[0]));
  tcase_add_test (tests, depth_and_long_names);
  suite_add_tcase (suite, tests);
  return suite;
}
