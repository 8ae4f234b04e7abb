/* Tests of the JSON scanner: verdicts with their place, a real request body, limits, misuse, what values mean. */
#include "base/json_scan.h"

#include "base/buffer.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Enough for every text here. */
#define ARENA_BYTES 65536

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

/* Read every value of what comes next; the scan tells whether all went well. */
static void
walk (struct json_scan *scan)
{
  struct json_scan_value value;
  struct slice name;

  if (! json_scan_value (scan, &value))
    return;
  if (JSON_SCAN_ARRAY == value.kind)
    while (json_scan_element (scan))
      walk (scan);
  else if (JSON_SCAN_OBJECT == value.kind)
    while (json_scan_member (scan, &name))
      walk (scan);
}

/* Read it, and skip it: the verdicts must agree. */
static bool
accepts (struct slice text, unsigned max_depth)
{
  struct json_scan scan;
  bool read;

  json_scan_init (&scan, text, arena, max_depth);
  walk (&scan);
  read = json_scan_end (&scan);
  ck_assert (read != json_scan_failed (&scan));
  json_scan_init (&scan, text, arena, max_depth);
  json_scan_skip (&scan);
  ck_assert (json_scan_end (&scan) == read);
  return read;
}

START_TEST (accepts_what_is_json)
{
  static const char *const texts[] = { "null",
                                       " true ",
                                       "false",
                                       "0",
                                       "-0",
                                       "[]",
                                       "{}",
                                       "[[],{}]",
                                       "\t[ 1 ,\r\n2 ] ",
                                       "{\"a\":{\"b\":[null]}}",
                                       "[1.5e+3,1E5,0.0,-1e-5,1e-400]",
                                       "[9223372036854775807,-9223372036854775808]",
                                       "\"\\u0000\\uD834\\uDD1E\\\"\\/\"",
                                       "\"\x7fé€𝄞\"",
                                       "{\"a\":1,\"a\":2}",
                                       "{\"\":\"\"}" };

  for (size_t i = 0; i < sizeof (texts) / sizeof (texts[0]); i++)
    ck_assert_msg (accepts (slice_of (texts[i]), 8), "%s", texts[i]);
}
END_TEST

START_TEST (refuses_what_is_not_and_says_where)
{
  static const struct
  {
    const char *text;
    const char *error;
    size_t offset;
  } cases[] = {
    { "", "expected a value", 0 },
    { "  ", "expected a value", 2 },
    { "tru", "expected a value", 0 },
    { "True", "expected a value", 0 },
    { "NaN", "expected a value", 0 },
    { "-Infinity", "malformed number", 1 },
    { "'a'", "expected a value", 0 },
    { "+1", "expected a value", 0 },
    { ".5", "expected a value", 0 },
    { "\xEF\xBB\xBF[]", "expected a value", 0 },
    { "é", "expected a value", 0 },
    { "01", "malformed number", 0 },
    { "-01", "malformed number", 1 },
    { "-", "malformed number", 1 },
    { "1.", "malformed number", 2 },
    { "1e", "malformed number", 2 },
    { "1e+", "malformed number", 3 },
    { "[9223372036854775808]", "integer outside int64", 1 },
    { "[-9223372036854775809]", "integer outside int64", 1 },
    { "[1e400]", "number outside double", 1 },
    { "0x10", "text behind the value", 1 },
    { "{} x", "text behind the value", 3 },
    { "[]]", "text behind the value", 2 },
    { "1 2", "text behind the value", 2 },
    { "[1,]", "expected a value", 3 },
    { "[,1]", "expected a value", 1 },
    { "[1 2]", "expected ',' or ']'", 3 },
    { "[1}", "expected ',' or ']'", 2 },
    { "[1", "expected ',' or ']'", 2 },
    { "[", "expected a value", 1 },
    { "{", "expected a member name or '}'", 1 },
    { "{,}", "expected a member name or '}'", 1 },
    { "{a:1}", "expected a member name or '}'", 1 },
    { "{1:1}", "expected a member name or '}'", 1 },
    { "{\"a\":1,}", "expected a member name", 7 },
    { "{\"a\" 1}", "expected ':'", 5 },
    { "{\"a\":}", "expected a value", 5 },
    { "{\"a\":1", "expected ',' or '}'", 6 },
    { "{\"a\":1]", "expected ',' or '}'", 6 },
    { "\"abc", "string without an end", 4 },
    { "\"a\nb\"", "control character in string", 2 },
    { "\"0123456789abcdef\x1f\"", "control character in string", 17 },
    { "\"a\\x\"", "invalid escape in string", 2 },
    { "\"\\u12\"", "invalid escape in string", 1 },
    { "\"\\uD834\"", "invalid escape in string", 1 },
    { "\"\\uD834\\uD834\"", "invalid escape in string", 1 },
    { "\"\\uDD1E\"", "invalid escape in string", 1 },
    { "\"\\uDC00\"", "invalid escape in string", 1 },
    { "\"\\uDFFF\"", "invalid escape in string", 1 },
    { "\"\\uDBFF\\uE000\"", "invalid escape in string", 1 },
    { "\"\\", "invalid escape in string", 1 },
    { "\"\\u123", "invalid escape in string", 1 },
    { "{\"a\\u0000\":1}", "NUL in a member name", 2 },
    { "\"a\xFF\"", "invalid UTF-8", 2 },
    { "\"\xC0\x80\"", "invalid UTF-8", 1 },
    { "\"\xED\xA0\x80\"", "invalid UTF-8", 1 },
    { "\"\xF4\x90\x80\x80\"", "invalid UTF-8", 1 },
    { "\"\xE2\x82\"", "invalid UTF-8", 1 },
    { "{\"\xE2\x82", "invalid UTF-8", 2 },
    { "[[[[[[[[1]]]]]]]]", "nesting deeper than the limit", 8 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct json_scan scan;
    size_t offset = 0;

    ck_assert_msg (! accepts (slice_of (cases[i].text), 8), "%s", cases[i].text);
    json_scan_init (&scan, slice_of (cases[i].text), arena, 8);
    ck_assert_ptr_null (json_scan_error (&scan, &offset));
    walk (&scan);
    json_scan_end (&scan);
    ck_assert_str_eq (json_scan_error (&scan, &offset), cases[i].error);
    ck_assert_msg (offset == cases[i].offset, "%s: %zu", cases[i].text, offset);
    ck_assert_str_eq (json_scan_error (&scan, NULL), cases[i].error);
  }
  ck_assert (! accepts ((struct slice){ NULL, 0 }, 8));
  ck_assert (! accepts ((struct slice){ "1\0", 2 }, 8));
  ck_assert (! accepts ((struct slice){ "\"\0\"", 3 }, 8));
  ck_assert (! accepts ((struct slice){ "[1\0]", 4 }, 8));
}
END_TEST

START_TEST (refuses_every_beginning_of_a_text)
{
  static const char text[] = "{\"k\\n\": [1, -2.5e3, \"é\\u00e9\", {\"x\": null, \"y\": [true, false]}], \"z\": {}}";
  size_t len = sizeof (text) - 1;

  ck_assert (accepts ((struct slice){ text, len }, 8));
  for (size_t i = 0; i < len; i++)
  {
    /* A copy of exactly this size: reading beyond it shows under an address sanitizer. */
    char *copy = malloc (i > 0 ? i : 1);

    memcpy (copy, text, i);
    ck_assert_msg (! accepts ((struct slice){ copy, i }, 8), "%zu", i);
    free (copy);
  }
}
END_TEST

START_TEST (reads_a_batch)
{
  static const char text[] = "{\"run_id\": \"0123\", \"metrics\": [{\"key\": \"loss\", \"value\": 0.25, \"timestamp\": "
                             "1700000000000, \"step\": 3},\n"
                             "{\"step\": \"4\", \"value\": \"NaN\", \"key\": \"l\\u006fss\"}], \"unknown\": {\"a\": "
                             "[[1], {}]}, \"params\": []}";
  struct json_scan scan;
  struct json_scan_value value;
  struct slice name;
  double values[2] = { 0, 0 };
  int64_t steps[2] = { 0, 0 };
  struct slice keys[2];
  size_t count = 0;
  size_t members = 0;

  json_scan_init (&scan, SLICE (text), arena, 8);
  ck_assert (json_scan_value (&scan, &value) && JSON_SCAN_OBJECT == value.kind);
  while (json_scan_member (&scan, &name))
  {
    members++;
    if (slice_is (name, "run_id"))
    {
      ck_assert (json_scan_value (&scan, &value) && JSON_SCAN_STRING == value.kind && slice_is (value.text, "0123"));
      /* Borrowed, as it has no escapes. */
      ck_assert (value.text.data > text && value.text.data < text + sizeof (text));
    }
    else if (slice_is (name, "metrics"))
    {
      ck_assert (json_scan_value (&scan, &value) && JSON_SCAN_ARRAY == value.kind);
      while (json_scan_element (&scan))
      {
        ck_assert (count < 2);
        ck_assert (json_scan_value (&scan, &value) && JSON_SCAN_OBJECT == value.kind);
        while (json_scan_member (&scan, &name))
        {
          ck_assert (json_scan_value (&scan, &value));
          if (slice_is (name, "key"))
            keys[count] = value.text;
          else if (slice_is (name, "value"))
            ck_assert (json_scan_double (&value, &values[count]));
          else if (slice_is (name, "step"))
            ck_assert (json_scan_int64 (&value, &steps[count]));
        }
        count++;
      }
    }
    else if (slice_is (name, "params"))
    {
      ck_assert (json_scan_value (&scan, &value));
      ck_assert (! json_scan_element (&scan));
    }
    else
    {
      struct slice raw;

      ck_assert (json_scan_raw (&scan, &raw));
      ck_assert (slice_is (raw, "{\"a\": [[1], {}]}"));
    }
  }
  ck_assert (json_scan_end (&scan));
  ck_assert_uint_eq (members, 4);
  ck_assert_uint_eq (count, 2);
  ck_assert (0.25 == values[0] && isnan (values[1]));
  ck_assert (3 == steps[0] && 4 == steps[1]);
  ck_assert (slice_is (keys[0], "loss") && slice_is (keys[1], "loss"));
}
END_TEST

START_TEST (unescapes)
{
  struct json_scan scan;
  struct json_scan_value value;
  struct slice text =
      SLICE ("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20AC\\uD834\\udd1e\",\"a\\u0000b\",\"é\\n𝄞\"]");
  static const struct slice expected[] = { { "\"\\/\b\f\n\r\t", 8 }, { "Aé€𝄞", 10 }, { "a\0b", 3 }, { "é\n𝄞", 7 } };

  json_scan_init (&scan, text, arena, 2);
  ck_assert (json_scan_value (&scan, &value));
  for (size_t i = 0; i < 4; i++)
  {
    ck_assert (json_scan_element (&scan) && json_scan_value (&scan, &value));
    ck_assert_int_eq (value.kind, JSON_SCAN_STRING);
    ck_assert (slice_equal (value.text, expected[i]));
  }
  ck_assert (! json_scan_element (&scan) && json_scan_end (&scan));
}
END_TEST

START_TEST (gives_equal_names_in_order)
{
  struct json_scan scan;
  struct json_scan_value value;
  struct slice name;
  int64_t number;

  json_scan_init (&scan, SLICE ("{\"a\":1,\"\\u0061\":2}"), arena, 2);
  ck_assert (json_scan_value (&scan, &value));
  for (int64_t i = 1; i <= 2; i++)
  {
    ck_assert (json_scan_member (&scan, &name) && slice_is (name, "a"));
    ck_assert (json_scan_value (&scan, &value) && json_scan_int64 (&value, &number) && i == number);
  }
  ck_assert (! json_scan_member (&scan, &name) && json_scan_end (&scan));
}
END_TEST

/* `levels` times `open`, the middle, `levels` times `close`. */
static void
nest (struct buffer *out, unsigned levels, const char *open, const char *middle, const char *close)
{
  buffer_clear (out);
  for (unsigned i = 0; i < levels; i++)
    buffer_text (out, open);
  buffer_text (out, middle);
  for (unsigned i = 0; i < levels; i++)
    buffer_text (out, close);
}

START_TEST (limits_nesting)
{
  static const unsigned limits[] = { 1, 2, 63, 64, 65, 127, 128, 129, JSON_SCAN_MAX_DEPTH };
  struct buffer text;

  buffer_init (&text, 1 << 20);
  for (size_t i = 0; i < sizeof (limits) / sizeof (limits[0]); i++)
  {
    unsigned limit = limits[i];

    nest (&text, limit, "[", "", "]");
    ck_assert (accepts (buffer_slice (&text), limit));
    ck_assert (! accepts (buffer_slice (&text), limit - 1));
    nest (&text, limit, "[", "1", "]");
    ck_assert (! accepts (buffer_slice (&text), limit));
    ck_assert (accepts (buffer_slice (&text), limit + 1) == (limit < JSON_SCAN_MAX_DEPTH));
    nest (&text, limit / 2, "[{\"a\":", "[],\"b\":{}", "}]");
    nest (&text, limit / 2, "[[],{\"a\":{},\"b\":", "0", "},[]]");
    ck_assert (accepts (buffer_slice (&text), limit / 2 * 2 + 1) == (limit / 2 * 2 + 1 <= JSON_SCAN_MAX_DEPTH));
  }
  /* Far deeper than the stack would bear a recursion. */
  nest (&text, 200000, "[", "", "]");
  ck_assert (! accepts (buffer_slice (&text), UINT32_MAX));
  ck_assert (! accepts (SLICE ("1"), 0));
  buffer_free (&text);
}
END_TEST

START_TEST (out_of_order_fails)
{
  struct json_scan scan;
  struct json_scan_value value;
  struct slice name;

  json_scan_init (&scan, SLICE ("[1]"), arena, 8);
  ck_assert (! json_scan_element (&scan) && json_scan_failed (&scan));
  json_scan_init (&scan, SLICE ("[1]"), arena, 8);
  ck_assert (json_scan_value (&scan, &value) && ! json_scan_member (&scan, &name) && json_scan_failed (&scan));
  json_scan_init (&scan, SLICE ("{\"a\":1}"), arena, 8);
  ck_assert (json_scan_value (&scan, &value) && ! json_scan_element (&scan) && json_scan_failed (&scan));
  json_scan_init (&scan, SLICE ("{\"a\":1,\"b\":2}"), arena, 8);
  ck_assert (json_scan_value (&scan, &value) && json_scan_member (&scan, &name));
  ck_assert (! json_scan_member (&scan, &name) && json_scan_failed (&scan));
  json_scan_init (&scan, SLICE ("[1]"), arena, 8);
  ck_assert (json_scan_value (&scan, &value) && ! json_scan_end (&scan) && json_scan_failed (&scan));
  json_scan_init (&scan, SLICE ("1"), arena, 8);
  ck_assert (! json_scan_end (&scan) && json_scan_failed (&scan));
  json_scan_init (&scan, SLICE ("1"), arena, 8);
  ck_assert (json_scan_value (&scan, &value) && ! json_scan_value (&scan, &value) && json_scan_failed (&scan));
  json_scan_init (&scan, SLICE ("1"), arena, 8);
  ck_assert (json_scan_skip (&scan) && ! json_scan_skip (&scan) && ! json_scan_end (&scan));
}
END_TEST

START_TEST (a_full_arena_fails_the_scan)
{
  struct arena *small = arena_new (64);
  struct slice text = SLICE ("[\"0123456789\\n0123456789\",\"0123456789\\n0123456789\",\"0123456789\\n0123456789\"]");
  struct json_scan scan;

  json_scan_init (&scan, text, small, 8);
  walk (&scan);
  ck_assert (! json_scan_end (&scan));
  ck_assert_str_eq (json_scan_error (&scan, NULL), "out of memory for a string");
  ck_assert (arena_overflowed (small));
  /* Skipping and borrowing need no memory. */
  json_scan_init (&scan, text, small, 8);
  ck_assert (json_scan_skip (&scan) && json_scan_end (&scan));
  json_scan_init (&scan, SLICE ("{\"name\":\"value\"}"), small, 8);
  walk (&scan);
  ck_assert (json_scan_end (&scan));
  arena_free (small);
}
END_TEST

/* The one value of `text`. */
static struct json_scan_value
value_of (const char *text)
{
  struct json_scan scan;
  struct json_scan_value value;

  json_scan_init (&scan, slice_of (text), arena, 1);
  ck_assert_msg (json_scan_value (&scan, &value), "%s", text);
  return value;
}

START_TEST (values_as_int64)
{
  static const struct
  {
    const char *text;
    int64_t value;
  } cases[] = { { "7", 7 },
                { "-0", 0 },
                { "1e3", 1000 },
                { "5.0", 5 },
                { "\"12\"", 12 },
                { "\"1e3\"", 1000 },
                { "\"5.0\"", 5 },
                { "\"+007\"", 7 },
                { "\"-9223372036854775808\"", INT64_MIN },
                { "9223372036854775807", INT64_MAX },
                { "9007199254740993.0", 9007199254740993 } };
  static const char *const refused[] = {
    "1.5",   "1e19", "\"1.5\"", "\"1e19\"", "\"1e\"", "\"5 \"", "\"\"", "\" 5\"", "\"9223372036854775808\"",
    "\"x\"", "null", "true",    "[",        "{"
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct json_scan_value value = value_of (cases[i].text);
    int64_t got;

    ck_assert_msg (json_scan_int64 (&value, &got), "%s", cases[i].text);
    ck_assert_int_eq (got, cases[i].value);
  }
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
  {
    struct json_scan_value value = value_of (refused[i]);
    int64_t got = 42;

    ck_assert_msg (! json_scan_int64 (&value, &got), "%s", refused[i]);
    ck_assert_int_eq (got, 42);
  }
}
END_TEST

START_TEST (values_as_double)
{
  static const struct
  {
    const char *text;
    double value;
  } cases[] = { { "7", 7 },
                { "0.1", 0.1 },
                { "1e3", 1000 },
                { "\"0.5\"", 0.5 },
                { "\"1e3\"", 1000 },
                { "\"Infinity\"", (double)INFINITY },
                { "\"-Infinity\"", -(double)INFINITY },
                { "\"Inf\"", (double)INFINITY },
                { "\"-Inf\"", -(double)INFINITY },
                { "\"inf\"", (double)INFINITY },
                { "\"+inf\"", (double)INFINITY },
                { "\"-inf\"", -(double)INFINITY } };
  static const char *const names[] = { "\"NaN\"", "\"nan\"", "\"NAN\"", "\"-nan\"" };
  static const char *const refused[] = { "\"\"",      "\"-\"",  "\"NA\"",   "\"infinite\"", "\"1e400\"",
                                         "\"0x1p3\"", "\" 1\"", "\"nan \"", "null",         "true",
                                         "false",     "[",      "{" };
  double got;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct json_scan_value value = value_of (cases[i].text);

    ck_assert_msg (json_scan_double (&value, &got), "%s", cases[i].text);
    ck_assert_msg (got == cases[i].value, "%s", cases[i].text);
  }
  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
  {
    struct json_scan_value value = value_of (names[i]);

    ck_assert_msg (json_scan_double (&value, &got) && isnan (got), "%s", names[i]);
  }
  for (size_t i = 0; i < sizeof (refused) / sizeof (refused[0]); i++)
  {
    struct json_scan_value value = value_of (refused[i]);

    ck_assert_msg (! json_scan_double (&value, &got), "%s", refused[i]);
  }
}
END_TEST

Suite *json_scan_suite (void);

Suite *
json_scan_suite (void)
{
  Suite *suite = suite_create ("json_scan");
  TCase *tests = tcase_create ("json_scan");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, accepts_what_is_json);
  tcase_add_test (tests, refuses_what_is_not_and_says_where);
  tcase_add_test (tests, refuses_every_beginning_of_a_text);
  tcase_add_test (tests, reads_a_batch);
  tcase_add_test (tests, unescapes);
  tcase_add_test (tests, gives_equal_names_in_order);
  tcase_add_test (tests, limits_nesting);
  tcase_add_test (tests, out_of_order_fails);
  tcase_add_test (tests, a_full_arena_fails_the_scan);
  tcase_add_test (tests, values_as_int64);
  tcase_add_test (tests, values_as_double);
  suite_add_tcase (suite, tests);
  return suite;
}
