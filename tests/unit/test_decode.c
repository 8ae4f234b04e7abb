/* Tests of arguments into structs: every type from body and query, presence, spellings, nested paths, exact messages;
   and of values as Python prints them. */
#include "api/decode.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Far above what one request needs. */
#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

#define SEE_API " See the API docs for more information about request parameters."
#define MISSING(name) "Missing value for required parameter '" name "'." SEE_API
#define WRONG(value, name, type)                                                                                       \
  "Invalid value " value " for parameter '" name "' supplied:  Hint: Value was of type '" type "'." SEE_API

struct inner
{
  struct slice key;
  struct optional_int64 count;
};

struct request
{
  struct slice run_id;
  struct slice text;
  struct slice raw;
  struct optional_int64 number;
  struct optional_double value;
  struct optional_int64 flag;
  struct optional_int64 spelled;
  struct optional_int64 view_type;
  struct slices texts;
  void *one_object;
  struct objects some_objects;
};

static const char *const views[] = { NULL, "ACTIVE_ONLY", "DELETED_ONLY", "ALL" };

static const struct field inner_fields[] = {
  { .name = "key", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct inner, key) },
  { .name = "count", .type = FIELD_INT64, .flags = FIELD_REQUIRED, .offset = offsetof (struct inner, count) },
};

static const struct schema inner_schema = SCHEMA (inner_fields, struct inner);

#define FIELD(member, ...)                                                                                             \
  {                                                                                                                    \
    .name = #member, .offset = offsetof (struct request, member), __VA_ARGS__                                          \
  }

static const struct field fields[] = {
  FIELD (run_id, .type = FIELD_STRING, .deprecated_name = "run_uuid"),
  FIELD (text, .type = FIELD_STRING),
  FIELD (raw, .type = FIELD_STRING, .flags = FIELD_NUL),
  FIELD (number, .type = FIELD_INT64),
  FIELD (value, .type = FIELD_DOUBLE),
  FIELD (flag, .type = FIELD_BOOL),
  FIELD (spelled, .type = FIELD_BOOL, .flags = FIELD_SPELLED),
  FIELD (view_type, .type = FIELD_ENUM, .names = views, .name_count = 4),
  FIELD (texts, .type = FIELD_STRINGS),
  FIELD (one_object, .type = FIELD_OBJECT, .schema = &inner_schema),
  FIELD (some_objects, .type = FIELD_OBJECTS, .schema = &inner_schema),
};

static const struct schema schema = SCHEMA (fields, struct request);

static const struct field required_fields[] = {
  FIELD (run_id, .type = FIELD_STRING, .flags = FIELD_REQUIRED, .deprecated_name = "run_uuid"),
  FIELD (text, .type = FIELD_STRING, .flags = FIELD_REQUIRED | FIELD_EMPTY),
  FIELD (number, .type = FIELD_INT64, .flags = FIELD_REQUIRED),
  FIELD (value, .type = FIELD_DOUBLE, .flags = FIELD_REQUIRED),
  FIELD (texts, .type = FIELD_STRINGS, .flags = FIELD_REQUIRED),
};

static const struct schema required_schema = SCHEMA (required_fields, struct request);

static const struct config config = { .max_json_depth = 16, .max_json_values = 100000 };
static const struct api_service service = { .config = &config };
static struct api_call call;

static void
set_up (void)
{
  call = (struct api_call){ .service = &service, .arena = arena_new (ARENA_BYTES) };
  ck_assert_ptr_nonnull (call.arena);
}

static void
tear_down (void)
{
  json_decref (call.arguments);
  arena_free (call.arena);
}

/* A new request whose earlier texts go. */
static enum err_code
decode (struct request *out, const char *text, bool query, const struct schema *wanted, struct err *err)
{
  json_decref (call.arguments);
  call.arguments = NULL;
  call.arguments_in_query = query;
  call.body = slice_of (query ? NULL : text);
  call.query = slice_of (query ? text : NULL);
  *err = (struct err){ 0 };
  memset (out, 0xAA, sizeof (*out));
  return api_decode (out, &call, wanted, err);
}

static struct request
read_body (const char *text)
{
  struct request out;
  struct err err;

  ck_assert_msg (ERR_OK == decode (&out, text, false, &schema, &err), "%s: %s", text, err.message);
  return out;
}

static struct request
read_query (const char *text)
{
  struct request out;
  struct err err;

  ck_assert_msg (ERR_OK == decode (&out, text, true, &schema, &err), "%s: %s", text, err.message);
  return out;
}

START_TEST (leaves_absent_what_is_absent)
{
  static const char *const bodies[] = { "",
                                        "{}",
                                        "null",
                                        " {} ",
                                        "{\"unknown\": [1]}",
                                        "\"{}\"",
                                        "{\"run_id\": null, \"number\": null, \"texts\": null, \"one_object\": null}" };

  for (size_t i = 0; i < sizeof (bodies) / sizeof (bodies[0]); i++)
  {
    struct request out = read_body (bodies[i]);

    ck_assert (NULL == out.run_id.data && NULL == out.text.data && ! out.number.present && ! out.value.present
               && ! out.flag.present && ! out.view_type.present && 0 == out.texts.count && NULL == out.one_object
               && 0 == out.some_objects.count);
  }
}
END_TEST

START_TEST (reads_strings)
{
  ck_assert (slice_is (read_body ("{\"text\": \"d\\u00e9j\xC3\xA0 \\\"vu\\\"\"}").text, "d\xC3\xA9j\xC3\xA0 \"vu\""));
  ck_assert (NULL != read_body ("{\"text\": \"\"}").text.data);
  ck_assert (slice_equal (read_body ("{\"raw\": \"a\\u0000b\"}").raw, (struct slice){ "a\0b", 3 }));
  ck_assert (slice_is (read_query ("text=d%C3%A9j%c3%a0+vu").text, "d\xC3\xA9j\xC3\xA0 vu"));
  /* What stands first counts. */
  ck_assert (slice_is (read_query ("text=a&text=b").text, "a"));
  ck_assert (slice_is (read_query ("&&text&x=y").text, ""));
}
END_TEST

START_TEST (takes_both_spellings_and_old_names)
{
  static const char *const names[] = { "run_id", "runId", "run_uuid", "runUuid" };

  for (size_t i = 0; i < 4; i++)
  {
    ck_assert (slice_is (read_body (arena_printf (call.arena, "{\"%s\": \"x\"}", names[i])).run_id, "x"));
    ck_assert (slice_is (read_query (arena_printf (call.arena, "%s=x", names[i])).run_id, "x"));
  }
  ck_assert (slice_is (read_body ("{\"run_uuid\": \"old\", \"run_id\": \"new\"}").run_id, "new"));
  ck_assert (slice_is (read_body ("{\"run_uuid\": \"old\", \"run_id\": null}").run_id, "old"));
  ck_assert_int_eq (read_body ("{\"viewType\": \"ALL\"}").view_type.value, 3);
}
END_TEST

START_TEST (reads_numbers)
{
  static const struct
  {
    const char *json;
    int64_t value;
  } integers[] = {
    { "0", 0 },
    { "-5", -5 },
    { "9223372036854775807", INT64_MAX },
    { "-9223372036854775808", INT64_MIN },
    { "\"9223372036854775807\"", INT64_MAX },
    { "\"-1\"", -1 },
    { "5.0", 5 },
    { "1e3", 1000 },
    { "\"1e3\"", 1000 },
    { "\"5.0\"", 5 },
    { "\"1e+06\"", 1000000 },
    { "\"+7\"", 7 },
    { "-0.0", 0 },
  };
  static const struct
  {
    const char *json;
    double value;
  } reals[] = {
    { "0.1", 0.1 },
    { "-0.0", -0.0 },
    { "5", 5 },
    { "1e308", 1e308 },
    { "\"0.1\"", 0.1 },
    { "\"NaN\"", NAN },
    { "\"Infinity\"", INFINITY },
    { "\"-Infinity\"", -INFINITY },
    { "9223372036854775807", 9223372036854775808.0 },
  };

  for (size_t i = 0; i < sizeof (integers) / sizeof (integers[0]); i++)
  {
    struct request out = read_body (arena_printf (call.arena, "{\"number\": %s}", integers[i].json));

    ck_assert_msg (out.number.present && out.number.value == integers[i].value, "%s", integers[i].json);
  }
  for (size_t i = 0; i < sizeof (reals) / sizeof (reals[0]); i++)
  {
    struct request out = read_body (arena_printf (call.arena, "{\"value\": %s}", reals[i].json));

    ck_assert_msg (out.value.present, "%s", reals[i].json);
    ck_assert_msg (isnan (reals[i].value) ? isnan (out.value.value)
                                          : 0 == memcmp (&out.value.value, &reals[i].value, sizeof (double)),
                   "%s", reals[i].json);
  }
  ck_assert_int_eq (read_query ("number=-12&number=x").number.value, -12);
  ck_assert (0.5 == read_query ("value=0.5").value.value);
}
END_TEST

START_TEST (reads_flags_and_enums)
{
  static const struct
  {
    const char *text;
    int64_t value;
  } flags[] = { { "flag=true", 1 },  { "flag=TRUE", 1 },  { "flag=True", 1 },
                { "flag=false", 0 }, { "flag=False", 0 }, { "flag=fAlSe", 0 } };
  static const struct
  {
    const char *json;
    int64_t value;
  } enums[] = { { "\"ACTIVE_ONLY\"", 1 }, { "\"ALL\"", 3 }, { "2", 2 }, { "\"3\"", 3 } };

  for (size_t i = 0; i < sizeof (flags) / sizeof (flags[0]); i++)
  {
    struct request out = read_query (flags[i].text);

    ck_assert_msg (out.flag.present && out.flag.value == flags[i].value, "%s", flags[i].text);
  }
  ck_assert_int_eq (read_body ("{\"flag\": true}").flag.value, 1);
  ck_assert (read_body ("{\"flag\": false}").flag.present);
  ck_assert_int_eq (read_body ("{\"spelled\": \"TRUE\"}").spelled.value, 1);
  ck_assert_int_eq (read_body ("{\"spelled\": \"false\"}").spelled.value, 0);
  ck_assert_int_eq (read_body ("{\"spelled\": true}").spelled.value, 1);
  for (size_t i = 0; i < sizeof (enums) / sizeof (enums[0]); i++)
    ck_assert_int_eq (read_body (arena_printf (call.arena, "{\"view_type\": %s}", enums[i].json)).view_type.value,
                      enums[i].value);
  ck_assert_int_eq (read_query ("view_type=DELETED_ONLY").view_type.value, 2);
}
END_TEST

START_TEST (reads_lists_and_objects)
{
  struct request out = read_body ("{\"texts\": [\"a\", \"\", \"c\"], \"one_object\": {\"key\": \"k\", \"count\": 5},"
                                  " \"someObjects\": [{\"key\": \"x\", \"count\": \"1\"}, {\"count\": 2, \"key\": "
                                  "\"y\"}]}");
  const struct inner *one = out.one_object;
  const struct inner *some = out.some_objects.items;

  ck_assert_uint_eq (out.texts.count, 3);
  ck_assert (slice_is (out.texts.items[0], "a") && NULL != out.texts.items[1].data && 0 == out.texts.items[1].len
             && slice_is (out.texts.items[2], "c"));
  ck_assert (NULL != one && slice_is (one->key, "k") && 5 == one->count.value);
  ck_assert_uint_eq (out.some_objects.count, 2);
  ck_assert (slice_is (some[0].key, "x") && 1 == some[0].count.value && slice_is (some[1].key, "y"));
  out = read_query ("texts=a&x=y&texts=b&texts=");
  ck_assert_uint_eq (out.texts.count, 3);
  ck_assert (slice_is (out.texts.items[0], "a") && slice_is (out.texts.items[1], "b"));
  ck_assert_uint_eq (read_body ("{\"texts\": []}").texts.count, 0);
  ck_assert_uint_eq (read_body ("{\"some_objects\": []}").some_objects.count, 0);
}
END_TEST

START_TEST (names_what_is_wrong)
{
  static const struct
  {
    const char *text;
    bool query;
    const char *message;
  } cases[] = {
    { "{\"text\": 5}", false, WRONG ("5", "text", "int") },
    { "{\"text\": 5.5}", false, WRONG ("5.5", "text", "float") },
    { "{\"text\": true}", false, WRONG ("true", "text", "bool") },
    { "{\"text\": [\"a\"]}", false, WRONG ("[\"a\"]", "text", "list") },
    { "{\"text\": {\"b\": 1, \"a\": null}}", false, WRONG ("{\"a\":null,\"b\":1}", "text", "dict") },
    { "{\"number\": \"x\"}", false, WRONG ("\"x\"", "number", "str") },
    { "{\"number\": \"\"}", false, WRONG ("\"\"", "number", "str") },
    { "{\"number\": \" 5\"}", false, WRONG ("\" 5\"", "number", "str") },
    { "{\"number\": 1.5}", false, WRONG ("1.5", "number", "float") },
    { "{\"number\": false}", false, WRONG ("false", "number", "bool") },
    { "{\"number\": 1e30}", false, WRONG ("1e+30", "number", "float") },
    { "{\"number\": \"9223372036854775808\"}", false, WRONG ("\"9223372036854775808\"", "number", "str") },
    { "{\"value\": \"x\"}", false, WRONG ("\"x\"", "value", "str") },
    { "{\"value\": []}", false, WRONG ("[]", "value", "list") },
    { "{\"flag\": 1}", false, WRONG ("1", "flag", "int") },
    { "{\"flag\": \"true\"}", false, WRONG ("\"true\"", "flag", "str") },
    { "{\"spelled\": \"yes\"}", false, WRONG ("\"yes\"", "spelled", "str") },
    { "{\"spelled\": 1}", false, WRONG ("1", "spelled", "int") },
    { "flag=1", true, "Invalid boolean value: 1, must be 'true' or 'false'." },
    { "flag=", true, "Invalid boolean value: , must be 'true' or 'false'." },
    { "{\"view_type\": \"NONE\"}", false, WRONG ("\"NONE\"", "view_type", "str") },
    { "{\"view_type\": 0}", false, WRONG ("0", "view_type", "int") },
    { "{\"view_type\": 4}", false, WRONG ("4", "view_type", "int") },
    { "{\"view_type\": -1}", false, WRONG ("-1", "view_type", "int") },
    { "{\"view_type\": 1.0}", false, WRONG ("1.0", "view_type", "float") },
    { "{\"texts\": \"a\"}", false, WRONG ("\"a\"", "texts", "str") },
    { "{\"texts\": [\"a\", 5]}", false, WRONG ("[\"a\",5]", "texts", "list") },
    { "{\"texts\": [null]}", false, WRONG ("[null]", "texts", "list") },
    { "{\"one_object\": []}", false, WRONG ("[]", "one_object", "list") },
    { "{\"one_object\": {}}", false, MISSING ("one_object.key") },
    { "{\"one_object\": {\"key\": \"\"}}", false, MISSING ("one_object.key") },
    { "{\"one_object\": {\"key\": \"a\", \"count\": \"\"}}", false, MISSING ("one_object.count") },
    { "{\"one_object\": {\"key\": \"a\", \"count\": \"x\"}}", false, WRONG ("\"x\"", "one_object.count", "str") },
    { "{\"some_objects\": {}}", false, WRONG ("{}", "some_objects", "dict") },
    { "{\"some_objects\": [5]}", false, WRONG ("5", "some_objects[0]", "int") },
    { "{\"some_objects\": [{\"key\": \"a\", \"count\": 1}, {\"key\": \"b\"}]}", false,
      MISSING ("some_objects[1].count") },
    { "{\"some_objects\": [{\"key\": 7, \"count\": 1}]}", false, WRONG ("7", "some_objects[0].key", "int") },
    { "{\"some_objects\": [{\"key\": null, \"count\": 1}]}", false, MISSING ("some_objects[0].key") },
    { "{\"run_id\": \"a\", \"runId\": \"a\"}", false,
      "Request specifies both 'run_id' and 'runId'; provide only one of them." },
    { "run_id=a&runId=a", true, "Request specifies both 'run_id' and 'runId'; provide only one of them." },
    { "{\"text\": \"a\\u0000\"}", false,
      "Invalid value \"a\\u0000\" for parameter 'text' supplied: text cannot hold the character U+0000." },
    { "[]", false, "The request body must be a JSON object." },
    { "5", false, "The request body must be a JSON object." },
    { "\"[]\"", false, "The request body must be a JSON object." },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct request out;
    struct err err;

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == decode (&out, cases[i].text, cases[i].query, &schema, &err), "%s",
                   cases[i].text);
    ck_assert_msg (0 == strcmp (err.message, cases[i].message), "%s: %s", cases[i].text, err.message);
  }
}
END_TEST

START_TEST (asks_for_what_is_required)
{
  static const struct
  {
    const char *text;
    bool query;
    const char *message; /* NULL: accepted */
  } cases[] = {
    { "{\"run_id\":\"a\",\"text\":\"\",\"number\":0,\"value\":0,\"texts\":[\"\"]}", false, NULL },
    { "run_id=a&text=&number=0&value=0&texts=", true, NULL },
    { "", false, MISSING ("run_id") },
    { "", true, MISSING ("run_id") },
    { "{\"run_id\":\"\"}", false, MISSING ("run_id") },
    { "run_id=", true, MISSING ("run_id") },
    { "{\"run_id\":null}", false, MISSING ("run_id") },
    { "{\"run_id\":\"a\"}", false, MISSING ("text") },
    { "{\"run_id\":\"a\",\"text\":\"\"}", false, MISSING ("number") },
    { "{\"run_id\":\"a\",\"text\":\"\",\"number\":1}", false, MISSING ("value") },
    { "{\"run_id\":\"a\",\"text\":\"\",\"number\":1,\"value\":\"\"}", false, MISSING ("value") },
    { "{\"run_id\":\"a\",\"text\":\"\",\"number\":1,\"value\":1}", false, MISSING ("texts") },
    { "{\"run_id\":\"a\",\"text\":\"\",\"number\":1,\"value\":1,\"texts\":[]}", false, MISSING ("texts") },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct request out;
    struct err err;

    ck_assert_msg ((ERR_OK == decode (&out, cases[i].text, cases[i].query, &required_schema, &err))
                       == (NULL == cases[i].message),
                   "%s: %s", cases[i].text, err.message);
    ck_assert_str_eq (err.message, NULL == cases[i].message ? "" : cases[i].message);
  }
}
END_TEST

START_TEST (refuses_what_cannot_be_parsed)
{
  static const struct
  {
    const char *text;
    bool query;
  } cases[] = {
    { "{", false },
    { "{\"text\": \"a\"", false },
    { "{'text': 'a'}", false },
    { "{\"text\": \"\xFF\"}", false },
    { "{\"text\": \"\\ud800\"}", false },
    { "{} {}", false },
    { "{\"value\": NaN}", false },
    { "{\"number\": 9223372036854775808}", false },
    { "{\"value\": 1e400}", false },
    { "\"{\"", false },
    { "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", false },
    { "\"[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\"", false },
    { "text=%", true },
    { "text=%zz", true },
    { "%ff=a", true },
    { "text=%00", true },
    { "text=a&%", true },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct request out;
    struct err err;

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == decode (&out, cases[i].text, cases[i].query, &schema, &err), "%s",
                   cases[i].text);
    ck_assert_msg (NULL
                       != strstr (err.message, cases[i].query ? "The query of the URL is not valid"
                                                              : "The request body is not valid JSON: "),
                   "%s: %s", cases[i].text, err.message);
  }
}
END_TEST

/* --- as Python prints -----------------------------------------------------------------------------------------------
 */

START_TEST (prints_json_as_python)
{
  /* What Python 3.11's json.dumps (value, sort_keys=True, separators=(",", ":")) gives for the same text. */
  static const struct
  {
    const char *json;
    const char *printed;
  } cases[] = {
    { "null", "null" },
    { "true", "true" },
    { "-5", "-5" },
    { "1.0", "1.0" },
    { "1e16", "1e+16" },
    { "1e-7", "1e-07" },
    { "0.1", "0.1" },
    { "123456789012345.6", "123456789012345.6" },
    { "\"d\xC3\xA9j\xC3\xA0\"", "\"d\\u00e9j\\u00e0\"" },
    { "\"\xF0\x9F\x98\x80\"", "\"\\ud83d\\ude00\"" },
    { "\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0001 \\u007f\"", "\"\\\" \\\\ / \\b \\f \\n \\r \\t \\u0001 \x7F\"" },
    { "[1, [2, []], {}]", "[1,[2,[]],{}]" },
    { "{\"b\": 1, \"a\": {\"d\": 2, \"c\": 3}, \"A\": 4}", "{\"A\":4,\"a\":{\"c\":3,\"d\":2},\"b\":1}" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    json_t *json = json_loads (cases[i].json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    ck_assert_ptr_nonnull (json);
    ck_assert_str_eq (api_python_json (json, call.arena), cases[i].printed);
    json_decref (json);
  }
  ck_assert_str_eq (api_python_string ((struct slice){ "a\0b", 3 }, call.arena), "\"a\\u0000b\"");
}
END_TEST

START_TEST (prints_text_as_python)
{
  /* What Python 3.11's repr gives. */
  static const struct
  {
    const char *text;
    const char *printed;
  } cases[] = {
    { "", "''" },
    { "a", "'a'" },
    { "it's", "\"it's\"" },
    { "say \"x\"", "'say \"x\"'" },
    { "it's \"x\"", "'it\\'s \"x\"'" },
    { "a\\b\n\r\t", "'a\\\\b\\n\\r\\t'" },
    { "\x01\x7F", "'\\x01\\x7f'" },
    { "d\xC3\xA9j\xC3\xA0", "'d\xC3\xA9j\xC3\xA0'" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_str_eq (api_python_repr (slice_of (cases[i].text), call.arena), cases[i].printed);
}
END_TEST

START_TEST (cuts_what_is_long)
{
  struct buffer body;
  struct request out;
  struct err err;

  buffer_init (&body, ARENA_BYTES);
  buffer_text (&body, "{\"number\": {");
  for (unsigned i = 0; i < 2000; i++)
    buffer_printf (&body, "%s\"key %u\": [[[[[[[\"\xE2\x82\xAC\"]]]]]]]", 0 == i ? "" : ",", i);
  buffer_text (&body, "}}");
  ck_assert_int_eq (decode (&out, body.data, false, &schema, &err), ERR_INVALID_PARAMETER_VALUE);
  ck_assert_uint_lt (strlen (err.message), ERR_MESSAGE_BYTES);
  ck_assert_ptr_nonnull (strstr (err.message, "Invalid value {\"key 0\":"));
  ck_assert_ptr_nonnull (strstr (err.message, "for parameter 'number' supplied"));
  buffer_free (&body);
}
END_TEST

Suite *decode_suite (void);

Suite *
decode_suite (void)
{
  Suite *suite = suite_create ("decode");
  TCase *values = tcase_create ("values");
  TCase *mistakes = tcase_create ("mistakes");
  TCase *python = tcase_create ("python");

  tcase_add_checked_fixture (values, set_up, tear_down);
  tcase_add_test (values, leaves_absent_what_is_absent);
  tcase_add_test (values, reads_strings);
  tcase_add_test (values, takes_both_spellings_and_old_names);
  tcase_add_test (values, reads_numbers);
  tcase_add_test (values, reads_flags_and_enums);
  tcase_add_test (values, reads_lists_and_objects);
  suite_add_tcase (suite, values);
  tcase_add_checked_fixture (mistakes, set_up, tear_down);
  tcase_add_test (mistakes, names_what_is_wrong);
  tcase_add_test (mistakes, asks_for_what_is_required);
  tcase_add_test (mistakes, refuses_what_cannot_be_parsed);
  suite_add_tcase (suite, mistakes);
  tcase_add_checked_fixture (python, set_up, tear_down);
  tcase_add_test (python, prints_json_as_python);
  tcase_add_test (python, prints_text_as_python);
  tcase_add_test (python, cuts_what_is_long);
  suite_add_tcase (suite, python);
  return suite;
}
