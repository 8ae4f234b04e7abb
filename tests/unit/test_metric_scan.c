/* Tests of the fast reading of metric bodies: what it takes, with which values, and what it leaves to the thorough way,
   which must give the same. */
#include "api/json.h"
#include "api/metric_request.h"
#include "api/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Far above what one body needs. */
#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define ID "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

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

static bool
same_value (double a, double b)
{
  return 0 == memcmp (&a, &b, sizeof (a)) || (isnan (a) && isnan (b));
}

/* The members of one metric as the thorough way reads them; false when it refuses. */
static bool
read_thoroughly (struct metric_entry *entry, const char *body)
{
  static const struct config config = { .max_json_depth = 64, .max_json_values = 1000 };
  static const struct api_service service = { .config = &config };
  struct api_call call = { .service = &service, .arena = arena, .body = slice_of (body) };
  struct metric_request request;
  struct err err = { 0 };
  bool read = ERR_OK == api_decode (&request, &call, &metric_request_schema, &err)
              && ERR_OK == metric_request_entry (entry, &request, "name", "timestamp", arena, &err);

  /* Texts of the entry live in the tree. */
  if (read)
    entry->key = slice_of (arena_string (arena, entry->key));
  if (read && NULL != entry->context)
  {
    struct metric_context *copy = arena_alloc (arena, sizeof (*copy));

    *copy = (struct metric_context){ slice_of (arena_string (arena, entry->context->model_id)),
                                     slice_of (arena_string (arena, entry->context->dataset_name)),
                                     slice_of (arena_string (arena, entry->context->dataset_digest)) };
    entry->context = copy;
  }
  json_decref (call.arguments);
  return read;
}

static bool
same_context (const struct metric_context *a, const struct metric_context *b)
{
  if (NULL == a || NULL == b)
    return a == b;
  return slice_equal (a->model_id, b->model_id) && slice_equal (a->dataset_name, b->dataset_name)
         && slice_equal (a->dataset_digest, b->dataset_digest);
}

static const struct
{
  const char *body;
  const char *key;
  int64_t timestamp_ms;
  int64_t step;
  double value;
} taken[] = {
  { "{\"run_id\":\"" ID "\",\"key\":\"loss\",\"value\":0.25,\"timestamp\":1753900000000,\"step\":7}", "loss",
    1753900000000, 7, 0.25 },
  { " { \"step\" : -7 , \"timestamp\" : 0 , \"value\" : 1 , \"key\" : \"a b/c\" , \"run_id\" : \"" ID "\" } ", "a b/c",
    0, -7, 1 },
  { "{\"run_id\":\"" ID "\",\"key\":\"\\u0061\\/b\",\"value\":-1e-3,\"timestamp\":1}", "a/b", 1, 0, -1e-3 },
  { "{\"run_id\":\"" ID "\",\"run_uuid\":\"" OTHER "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}", "a", 1, 0, 1 },
  { "{\"run_uuid\":\"" OTHER "\",\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}", "a", 1, 0, 1 },
  { "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":\"NaN\",\"timestamp\":\"12\",\"step\":\"-3\"}", "a", 12, -3, NAN },
  { "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":\"Infinity\",\"timestamp\":1}", "a", 1, 0, INFINITY },
  { "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":\"-Infinity\",\"timestamp\":1}", "a", 1, 0, -INFINITY },
  { "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":\"1.5\",\"timestamp\":1}", "a", 1, 0, 1.5 },
  { "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":-0.0,\"timestamp\":1}", "a", 1, 0, -0.0 },
  { "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":5e-324,\"timestamp\":1}", "a", 1, 0, 5e-324 },
  { "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":9007199254740993,\"timestamp\":9223372036854775807,"
    "\"step\":-9223372036854775808}",
    "a", INT64_MAX, INT64_MIN, 9007199254740992.0 },
  { "{\"run_id\":\"" ID "\",\"key\":\"\xC3\xA9\",\"value\":1,\"timestamp\":1}", "\xC3\xA9", 1, 0, 1 },
};

START_TEST (takes_clean_metrics)
{
  for (size_t i = 0; i < sizeof (taken) / sizeof (taken[0]); i++)
  {
    struct metric_write write;
    struct metric_entry thorough;
    char id[UUID_TEXT_BYTES];

    memset (&write, 0xAA, sizeof (write));
    ck_assert_msg (metric_scan_single (&write, slice_of (taken[i].body), arena), "%s", taken[i].body);
    ck_assert_uint_eq (write.count, 1);
    uuid_format (id, &write.run_id);
    ck_assert_str_eq (id, ID);
    ck_assert_msg (slice_is (write.entries[0].key, taken[i].key), "%s", taken[i].body);
    ck_assert_int_eq (write.entries[0].point.timestamp_ms, taken[i].timestamp_ms);
    ck_assert_int_eq (write.entries[0].point.step, taken[i].step);
    ck_assert_msg (same_value (write.entries[0].point.value, taken[i].value), "%s", taken[i].body);
    ck_assert_uint_eq (write.entries[0].point.key_id, 0);
    ck_assert_ptr_null (write.entries[0].context);
    ck_assert_msg (read_thoroughly (&thorough, taken[i].body), "%s", taken[i].body);
    ck_assert (slice_is (thorough.key, taken[i].key));
    ck_assert_int_eq (thorough.point.timestamp_ms, taken[i].timestamp_ms);
    ck_assert_int_eq (thorough.point.step, taken[i].step);
    ck_assert_msg (same_value (thorough.point.value, taken[i].value), "%s", taken[i].body);
  }
}
END_TEST

START_TEST (takes_models_and_data_sets)
{
  static const struct
  {
    const char *members;
    struct metric_context context;
  } cases[] = {
    { "\"model_id\":\"m-1\"", { SLICE ("m-1"), { NULL, 0 }, { NULL, 0 } } },
    { "\"dataset_digest\":\"d\",\"dataset_name\":\"n\"", { { NULL, 0 }, SLICE ("n"), SLICE ("d") } },
    { "\"model_id\":\"m\\u0061\",\"dataset_name\":\"\xC3\xA9\",\"dataset_digest\":\"\\/\"",
      { SLICE ("ma"), SLICE ("\xC3\xA9"), SLICE ("/") } },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    /* Before, between and behind the other members. */
    static const char *const forms[] = { "{%s,\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
                                         "{\"run_id\":\"" ID "\",\"key\":\"a\",%s,\"value\":1,\"timestamp\":1}",
                                         "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1,%s}" };

    for (size_t k = 0; k < sizeof (forms) / sizeof (forms[0]); k++)
    {
      struct buffer body;
      struct metric_write write;
      struct metric_entry thorough;
      const char *hole = strstr (forms[k], "%s");

      buffer_init (&body, ARENA_BYTES);
      buffer_append (&body, forms[k], (size_t)(hole - forms[k]));
      buffer_text (&body, cases[i].members);
      buffer_append (&body, hole + 2, strlen (hole + 2) + 1);
      ck_assert_msg (metric_scan_single (&write, slice_of (body.data), arena), "%s", body.data);
      ck_assert_msg (same_context (write.entries[0].context, &cases[i].context), "%s", body.data);
      ck_assert_msg (read_thoroughly (&thorough, body.data), "%s", body.data);
      ck_assert_msg (same_context (write.entries[0].context, thorough.context), "%s", body.data);
      buffer_free (&body);
    }
  }
}
END_TEST

START_TEST (leaves_odd_models_and_data_sets)
{
  static const char *const members[] = {
    "\"model_id\":\"\"",
    "\"model_id\":null",
    "\"model_id\":1",
    "\"model_id\":[]",
    "\"model_id\":\"a\\u0000\"",
    "\"model_id\":\"a\",\"model_id\":\"a\"",
    "\"modelId\":\"a\"",
    "\"model_id\":\"a\",\"modelId\":\"a\"",
    "\"dataset_name\":\"a\"",
    "\"dataset_digest\":\"a\"",
    "\"model_id\":\"a\",\"dataset_name\":\"a\"",
    "\"model_id\":\"a\",\"dataset_digest\":\"a\"",
    "\"dataset_name\":\"\",\"dataset_digest\":\"\"",
    "\"dataset_name\":\"a\",\"dataset_digest\":\"\"",
    "\"dataset_name\":\"\",\"dataset_digest\":\"a\"",
    "\"dataset_name\":\"a\",\"dataset_digest\":null",
    "\"dataset_name\":\"a\\u0000\",\"dataset_digest\":\"a\"",
    "\"dataset_name\":\"a\",\"dataset_digest\":\"\\u0000\"",
    "\"dataset_name\":\"a\",\"dataset_digest\":true",
    "\"dataset_name\":\"a\",\"dataset_digest\":\"\xFF\"",
    "\"dataset_name\":\"a\",\"datasetDigest\":\"a\"",
  };

  for (size_t i = 0; i < sizeof (members) / sizeof (members[0]); i++)
  {
    const char *metric = arena_printf (arena, "\"key\":\"a\",\"value\":1,\"timestamp\":1,%s", members[i]);
    const char *single = arena_printf (arena, "{\"run_id\":\"" ID "\",%s}", metric);
    const char *batch = arena_printf (arena, "{\"run_id\":\"" ID "\",\"metrics\":[{%s}]}", metric);
    struct metric_write write;

    ck_assert_msg (! metric_scan_single (&write, slice_of (single), arena), "%s", single);
    ck_assert_msg (! metric_scan_batch (&write, slice_of (batch), 3, 64, arena), "%s", batch);
  }
}
END_TEST

START_TEST (gives_what_the_thorough_way_gives)
{
  static const char *const members[] = {
    "\"value\":-0,\"timestamp\":1",
    "\"value\":1,\"timestamp\":1,\"step\":9007199254740993.0",
    "\"value\":1,\"timestamp\":9007199254740993.0",
    "\"value\":1,\"timestamp\":1,\"step\":9007199254740993e0",
    "\"value\":1,\"timestamp\":1,\"step\":\"9007199254740993.0\"",
    "\"value\":1,\"timestamp\":1.0,\"step\":1e3",
    "\"value\":\"-0\",\"timestamp\":-0,\"step\":-0.0",
    "\"value\":\"1e400\",\"timestamp\":1",
    "\"value\":\"nan\",\"timestamp\":1",
    "\"value\":\"-NaN\",\"timestamp\":1",
    "\"value\":\"inf\",\"timestamp\":1",
    "\"value\":123456789012345678,\"timestamp\":1",
    "\"value\":100000000000000000000,\"timestamp\":1",
  };

  for (size_t i = 0; i < sizeof (members) / sizeof (members[0]); i++)
  {
    const char *body = arena_printf (arena, "{\"run_id\":\"" ID "\",\"key\":\"a\",%s}", members[i]);
    struct metric_write write;
    struct metric_entry thorough;

    if (! metric_scan_single (&write, slice_of (body), arena))
      continue; /* left to the thorough way */
    ck_assert_msg (read_thoroughly (&thorough, body), "%s", body);
    ck_assert_msg (write.entries[0].point.step == thorough.point.step, "%s", body);
    ck_assert_msg (write.entries[0].point.timestamp_ms == thorough.point.timestamp_ms, "%s", body);
    ck_assert_msg (same_value (write.entries[0].point.value, thorough.point.value), "%s", body);
  }
}
END_TEST

START_TEST (leaves_the_rest_to_the_thorough_way)
{
  static const char *const bodies[] = {
    "",
    "null",
    "[]",
    "{}",
    "\"{}\"",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"value\":1,\"timestamp\":1}",
    "{\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"run_uuid\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"runId\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"runId\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1,\"other\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1,\"metrics\":[]}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"key\":\"b\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":null,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":true,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":\"\",\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":\"x\",\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":[1],\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1e400,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":-1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1.5}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":null}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1,\"step\":null}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1,\"step\":9223372036854775808}",
    "{\"run_id\":\"" ID "\",\"key\":5,\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a*b\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"../a\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\\u0000\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"abc\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"0123456789ABCDEF0123456789ABCDEF\",\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":5,\"key\":\"a\",\"value\":1,\"timestamp\":1}",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1}x",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1",
    "{\"run_id\":\"" ID "\",\"key\":\"a\",\"value\":1,\"timestamp\":1,}",
    "{\"run_id\":\"" ID "\",\"key\":\"\xFF\",\"value\":1,\"timestamp\":1}",
    "{'run_id':'" ID "','key':'a','value':1,'timestamp':1}",
  };

  for (size_t i = 0; i < sizeof (bodies) / sizeof (bodies[0]); i++)
  {
    struct metric_write write;

    ck_assert_msg (! metric_scan_single (&write, slice_of (bodies[i]), arena), "%s", bodies[i]);
  }
}
END_TEST

#define METRIC "{\"key\":\"a\",\"value\":1,\"timestamp\":2,\"step\":3}"

START_TEST (reads_batches)
{
  static const struct
  {
    const char *body;
    size_t count; /* 0: left to the thorough way */
  } cases[] = {
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "]}", 1 },
    { "{\"metrics\":[" METRIC "," METRIC "],\"run_id\":\"" ID "\"}", 2 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "," METRIC "," METRIC "]}", 3 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"params\":[],\"tags\":[]}", 1 },
    { "{\"params\":[],\"tags\":[ ],\"run_id\":\"" ID "\",\"metrics\":[ " METRIC " ]}", 1 },
    /* One more than the limit that this test gives. */
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "," METRIC "," METRIC "," METRIC "]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[]}", 0 },
    { "{\"run_id\":\"" ID "\"}", 0 },
    { "{\"metrics\":[" METRIC "]}", 0 },
    { "{\"run_uuid\":\"" ID "\",\"metrics\":[" METRIC "]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"params\":[{\"key\":\"p\",\"value\":\"v\"}]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"tags\":[1]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"tags\":null}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"tags\":{}}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"metrics\":[" METRIC "]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"run_id\":\"" ID "\"}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "],\"step\":1}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC ",null]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC ",[]]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC ",{}]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":{\"key\":\"a\"}}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[{\"key\":\"a\",\"value\":1,\"timestamp\":2,\"run_id\":\"" ID "\"}]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[{\"key\":\"a\",\"value\":1,\"timestamp\":2,\"model_id\":\"\"}]}", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "]", 0 },
    { "{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "]}}", 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct metric_write write;

    memset (&write, 0xAA, sizeof (write));
    ck_assert_msg (metric_scan_batch (&write, slice_of (cases[i].body), 3, 64, arena) == (cases[i].count > 0), "%s",
                   cases[i].body);
    if (0 == cases[i].count)
      continue;
    ck_assert_uint_eq (write.count, cases[i].count);
    for (size_t k = 0; k < write.count; k++)
    {
      ck_assert (slice_is (write.entries[k].key, "a"));
      ck_assert (1 == write.entries[k].point.value && 2 == write.entries[k].point.timestamp_ms
                 && 3 == write.entries[k].point.step && NULL == write.entries[k].context);
    }
  }
}
END_TEST

START_TEST (reads_long_batches_in_order)
{
  struct buffer body;
  struct metric_write write;

  buffer_init (&body, ARENA_BYTES);
  buffer_text (&body, "{\"run_id\":\"" ID "\",\"metrics\":[");
  for (unsigned i = 0; i < 1000; i++)
    buffer_printf (&body, "%s{\"key\":\"k%u\",\"value\":%u,\"timestamp\":1,\"step\":%u}", 0 == i ? "" : ",", i, i, i);
  buffer_text (&body, "]}");
  ck_assert (! metric_scan_batch (&write, buffer_slice (&body), 999, 64, arena));
  ck_assert (metric_scan_batch (&write, buffer_slice (&body), 1000, 64, arena));
  ck_assert_uint_eq (write.count, 1000);
  for (unsigned i = 0; i < 1000; i++)
  {
    ck_assert (slice_is (write.entries[i].key, arena_printf (arena, "k%u", i)));
    ck_assert_int_eq (write.entries[i].point.step, i);
  }
  buffer_free (&body);
}
END_TEST

#define POINT "{\"key\":\"a\",\"value\":1,\"timestamp\":2"

START_TEST (neighbours_share_their_context)
{
  static const char body[] = "{\"run_id\":\"" ID "\",\"metrics\":["
      /* 0 to 2: the same */
      POINT ",\"model_id\":\"m\",\"dataset_name\":\"n\",\"dataset_digest\":\"d\"}," POINT
                             ",\"dataset_digest\":\"d\",\"model_id\":\"m\",\"dataset_name\":\"n\"}," POINT
                             ",\"model_id\":\"\\u006d\",\"dataset_name\":\"n\",\"dataset_digest\":\"d\"},"
      /* 3: none; 4: as 0; 5 to 8: each differs in one text or lacks some */
      POINT "}," POINT ",\"model_id\":\"m\",\"dataset_name\":\"n\",\"dataset_digest\":\"d\"}," POINT
                             ",\"model_id\":\"M\",\"dataset_name\":\"n\",\"dataset_digest\":\"d\"}," POINT
                             ",\"model_id\":\"M\",\"dataset_name\":\"N\",\"dataset_digest\":\"d\"}," POINT
                             ",\"dataset_name\":\"N\",\"dataset_digest\":\"d\"}," POINT ",\"model_id\":\"M\"}]}";
  static const struct metric_context expected[] = {
    { SLICE ("m"), SLICE ("n"), SLICE ("d") }, { SLICE ("m"), SLICE ("n"), SLICE ("d") },
    { SLICE ("m"), SLICE ("n"), SLICE ("d") }, { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
    { SLICE ("m"), SLICE ("n"), SLICE ("d") }, { SLICE ("M"), SLICE ("n"), SLICE ("d") },
    { SLICE ("M"), SLICE ("N"), SLICE ("d") }, { { NULL, 0 }, SLICE ("N"), SLICE ("d") },
    { SLICE ("M"), { NULL, 0 }, { NULL, 0 } },
  };
  const size_t count = sizeof (expected) / sizeof (expected[0]);
  struct metric_write write;

  ck_assert (metric_scan_batch (&write, slice_of (body), count, 64, arena));
  ck_assert_uint_eq (write.count, count);
  for (size_t i = 0; i < count; i++)
    ck_assert_msg (same_context (write.entries[i].context, 3 == i ? NULL : &expected[i]), "%zu", i);
  ck_assert_ptr_eq (write.entries[0].context, write.entries[1].context);
  ck_assert_ptr_eq (write.entries[0].context, write.entries[2].context);
  ck_assert_ptr_eq (write.entries[0].context, write.entries[4].context);
}
END_TEST

START_TEST (keeps_to_the_depth)
{
  struct metric_write write;
  const struct slice body = SLICE ("{\"run_id\":\"" ID "\",\"metrics\":[" METRIC "]}");

  ck_assert (! metric_scan_batch (&write, body, 3, 3, arena));
  ck_assert (metric_scan_batch (&write, body, 3, 4, arena));
}
END_TEST

START_TEST (survives_a_full_arena)
{
  const struct slice body = SLICE ("{\"run_id\":\"" ID "\",\"key\":\"\\u0061bcdefghijklmnopq\",\"value\":1,"
                                   "\"timestamp\":1,\"model_id\":\"m\"}");

  for (size_t bytes = 0; bytes < 300; bytes += 8)
  {
    struct arena *small = arena_new (bytes);
    struct metric_write write;

    ck_assert_ptr_nonnull (small);
    if (metric_scan_single (&write, body, small))
      ck_assert (slice_is (write.entries[0].key, "abcdefghijklmnopq")
                 && slice_is (write.entries[0].context->model_id, "m"));
    else
      ck_assert (arena_overflowed (small));
    arena_free (small);
  }
}
END_TEST

Suite *metric_scan_suite (void);

Suite *
metric_scan_suite (void)
{
  Suite *suite = suite_create ("metric_scan");
  TCase *single = tcase_create ("single");
  TCase *batch = tcase_create ("batch");

  tcase_add_checked_fixture (single, set_up, tear_down);
  tcase_add_test (single, takes_clean_metrics);
  tcase_add_test (single, takes_models_and_data_sets);
  tcase_add_test (single, leaves_odd_models_and_data_sets);
  tcase_add_test (single, gives_what_the_thorough_way_gives);
  tcase_add_test (single, leaves_the_rest_to_the_thorough_way);
  tcase_add_test (single, survives_a_full_arena);
  suite_add_tcase (suite, single);
  tcase_add_checked_fixture (batch, set_up, tear_down);
  tcase_add_test (batch, reads_batches);
  tcase_add_test (batch, reads_long_batches_in_order);
  tcase_add_test (batch, neighbours_share_their_context);
  tcase_add_test (batch, keeps_to_the_depth);
  suite_add_tcase (suite, batch);
  return suite;
}
