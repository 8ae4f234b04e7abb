/* Tests of the JSON writer: commas, escapes, numbers, and every size of a buffer that is too small. */
#include "base/json_tree.h"
#include "base/json_write.h"

#include <check.h>
#include <math.h>

static void
write_document (struct json_write *w)
{
  json_write_object (w);
  json_write_key (w, "run");
  json_write_object (w);
  json_write_member_text (w, "id", "0123");
  json_write_member_string (w, "name", SLICE ("a\"b"));
  json_write_member_int64 (w, "start", INT64_MIN);
  json_write_member_uint64 (w, "size", UINT64_MAX);
  json_write_member_double (w, "loss", 1);
  json_write_member_double (w, "bad", NAN);
  json_write_member_bool (w, "done", false);
  json_write_key_slice (w, SLICE ("k\n"));
  json_write_null (w);
  json_write_object_end (w);
  json_write_key (w, "list");
  json_write_array (w);
  json_write_array (w);
  json_write_array_end (w);
  json_write_object (w);
  json_write_object_end (w);
  json_write_bool (w, true);
  json_write_raw (w, SLICE ("{\"x\":1}"));
  json_write_int64 (w, -5);
  json_write_array_end (w);
  json_write_key (w, "after");
  json_write_text (w, NULL);
  json_write_object_end (w);
}

static const char document[] = "{\"run\":{\"id\":\"0123\",\"name\":\"a\\\"b\",\"start\":-9223372036854775808,"
                               "\"size\":18446744073709551615,\"loss\":1.0,\"bad\":\"NaN\",\"done\":false,"
                               "\"k\\n\":null},\"list\":[[],{},true,{\"x\":1},-5],\"after\":\"\"}";

START_TEST (writes_a_document)
{
  struct buffer out;
  struct json_write w;

  buffer_init (&out, 4096);
  json_write_init (&w, &out);
  write_document (&w);
  ck_assert (! out.failed);
  ck_assert_str_eq (out.data, document);
  ck_assert_uint_eq (out.len, sizeof (document) - 1);
  buffer_free (&out);
}
END_TEST

START_TEST (white_space_between_tokens_is_dropped)
{
  static const struct
  {
    const char *given;
    const char *expected;
  } cases[] = {
    { "{\"a\": [1, 2],\t\"b c\": \"d  e\"}", "[0,{\"a\":[1,2],\"b c\":\"d  e\"},1]" },
    { "\"a\\\" , b\" ", "[0,\"a\\\" , b\",1]" },
    { "\"\\\\\" ", "[0,\"\\\\\",1]" },
    { " { } ", "[0,{},1]" },
    { "null", "[0,null,1]" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct buffer out;
    struct json_write w;

    buffer_init (&out, 4096);
    json_write_init (&w, &out);
    json_write_array (&w);
    json_write_int64 (&w, 0);
    json_write_compact (&w, slice_of (cases[i].given));
    json_write_int64 (&w, 1);
    json_write_array_end (&w);
    ck_assert_str_eq (out.data, cases[i].expected);
    buffer_free (&out);
  }
}
END_TEST

START_TEST (a_tree_is_written_as_it_was_read)
{
  static const char text[] = "{\"rate\":0.9,\"list\":[1,-2.5,true,false,null,\"a\\nb\",{},[]],\"tiny\":1e-300}";
  json_t *tree = json_tree_load (NULL, slice_of (text), 0, NULL);
  struct buffer out;
  struct json_write w;

  ck_assert_ptr_nonnull (tree);
  buffer_init (&out, 4096);
  json_write_init (&w, &out);
  json_tree_write (&w, tree);
  ck_assert_str_eq (out.data, text);
  buffer_free (&out);
  json_decref (tree);
}
END_TEST

START_TEST (fails_cleanly_at_every_size)
{
  for (size_t max_bytes = 0; max_bytes < sizeof (document) - 1; max_bytes++)
  {
    struct buffer out;
    struct json_write w;

    buffer_init (&out, max_bytes);
    json_write_init (&w, &out);
    write_document (&w);
    ck_assert_msg (out.failed, "%zu", max_bytes);
    ck_assert_uint_le (out.len, max_bytes);
    buffer_free (&out);
  }
}
END_TEST

START_TEST (escapes_strings)
{
  static const struct
  {
    struct slice text;
    const char *json;
  } cases[] = {
    { { "", 0 }, "\"\"" },
    { { NULL, 0 }, "\"\"" },
    { { "plain /text'", 12 }, "\"plain /text'\"" },
    { { "\"\\", 2 }, "\"\\\"\\\\\"" },
    { { "\b\t\n\f\r", 5 }, "\"\\b\\t\\n\\f\\r\"" },
    { { "\0\x01\x1f\x7f", 4 }, "\"\\u0000\\u0001\\u001f\x7f\"" },
    { { "é€𝄞", 9 }, "\"é€𝄞\"" },
    { { "a\u2028b\u2029\u2027\u202A", 14 }, "\"a\\u2028b\\u2029\u2027\u202A\"" },
    { { "\xFFx", 2 }, "\"\uFFFDx\"" },
    { { "a\xE2\x80", 3 }, "\"a\uFFFD\uFFFD\"" },
    { { "\xED\xA0\x80", 3 }, "\"\uFFFD\uFFFD\uFFFD\"" },
    { { "\xC0\x80", 2 }, "\"\uFFFD\uFFFD\"" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    /* At every place of a vector register. */
    for (size_t pad = 0; pad < 34; pad++)
    {
      struct buffer text;
      struct buffer expected;
      struct buffer out;
      struct json_write w;
      static const char filler[] = "................................................";

      if (NULL == cases[i].text.data && pad > 0)
        break;
      buffer_init (&text, 200);
      buffer_init (&expected, 400);
      buffer_init (&out, 400);
      buffer_append (&text, filler, pad);
      buffer_append (&text, cases[i].text.data, cases[i].text.len);
      buffer_append (&text, filler, 33 - (pad < 33 ? pad : 33));
      buffer_byte (&expected, '"');
      buffer_append (&expected, filler, pad);
      buffer_append (&expected, cases[i].json + 1, strlen (cases[i].json) - 2);
      buffer_append (&expected, filler, 33 - (pad < 33 ? pad : 33));
      buffer_byte (&expected, '"');
      json_write_init (&w, &out);
      json_write_string (&w, NULL == cases[i].text.data ? cases[i].text : buffer_slice (&text));
      if (NULL == cases[i].text.data)
        ck_assert_str_eq (out.data, "\"\"");
      else
        ck_assert_str_eq (out.data, expected.data);
      buffer_free (&text);
      buffer_free (&expected);
      buffer_free (&out);
    }
}
END_TEST

START_TEST (writes_doubles)
{
  static const struct
  {
    double value;
    const char *json;
  } cases[] = { { 0.0, "0.0" },
                { -0.0, "-0.0" },
                { 1.0, "1.0" },
                { 0.1, "0.1" },
                { 1e22, "1e+22" },
                { 5e-324, "5e-324" },
                { NAN, "\"NaN\"" },
                { -NAN, "\"NaN\"" },
                { INFINITY, "\"Infinity\"" },
                { -INFINITY, "\"-Infinity\"" } };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct buffer out;
    struct json_write w;

    buffer_init (&out, 100);
    json_write_init (&w, &out);
    json_write_double (&w, cases[i].value);
    ck_assert_str_eq (out.data, cases[i].json);
    buffer_free (&out);
  }
}
END_TEST

Suite *json_write_suite (void);

Suite *
json_write_suite (void)
{
  Suite *suite = suite_create ("json_write");
  TCase *tests = tcase_create ("json_write");

  tcase_add_test (tests, writes_a_document);
  tcase_add_test (tests, white_space_between_tokens_is_dropped);
  tcase_add_test (tests, a_tree_is_written_as_it_was_read);
  tcase_add_test (tests, fails_cleanly_at_every_size);
  tcase_add_test (tests, escapes_strings);
  tcase_add_test (tests, writes_doubles);
  suite_add_tcase (suite, tests);
  return suite;
}
