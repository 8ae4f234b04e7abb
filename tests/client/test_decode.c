/* Tests of decoding answers: what servers send, and what a hostile one could. */
#include "decode.h"
#include "result.h"

#include <check.h>
#include <math.h>
#include <string.h>

/* The decoded item; NULL with `code` when it is none. */
static void *
decode (size_t bytes, decode_function *function, const char *text, enum tally_code code)
{
  json_t *json = json_loads (text, 0, NULL);
  struct tally_error err = { 0 };
  void *result;

  ck_assert_ptr_nonnull (json);
  ck_assert_int_eq (decode_result (&result, bytes, function, json, NULL, &err), code);
  ck_assert_int_eq (err.code, code);
  ck_assert_int_eq (NULL == result, TALLY_OK != code);
  json_decref (json);
  return result;
}

START_TEST (run_as_servers_send_it)
{
  static const char text[] =
      "{\"info\": {\"run_id\": \"r1\", \"run_uuid\": \"r1\", \"run_name\": \"n\", \"experiment_id\": \"7\", "
      "\"user_id\": \"u\", \"status\": \"KILLED\", \"start_time\": 1700000000000, \"end_time\": \"1700000000001\", "
      "\"artifact_uri\": \"mlflow-artifacts:/7/r1/artifacts\", \"lifecycle_stage\": \"deleted\"}, "
      "\"data\": {\"metrics\": [{\"key\": \"a\", \"value\": \"NaN\", \"timestamp\": 5, \"step\": -3}, "
      "{\"key\": \"b\", \"value\": \"-Infinity\", \"timestamp\": \"6\", \"step\": \"9\"}], "
      "\"params\": [{\"key\": \"p\", \"value\": \"1\"}], \"tags\": [{\"key\": \"t\", \"value\": \"\"}]}, "
      "\"inputs\": {}}";
  struct tally_run_data *run = decode (sizeof (*run), decode_run, text, TALLY_OK);

  ck_assert_str_eq (run->run_id, "r1");
  ck_assert_str_eq (run->name, "n");
  ck_assert_str_eq (run->experiment_id, "7");
  ck_assert_str_eq (run->user, "u");
  ck_assert_str_eq (run->artifact_uri, "mlflow-artifacts:/7/r1/artifacts");
  ck_assert_int_eq (run->status, TALLY_STATUS_KILLED);
  ck_assert (run->deleted);
  ck_assert_int_eq (run->start_ms, 1700000000000);
  ck_assert_int_eq (run->end_ms, 1700000000001);
  ck_assert_uint_eq (run->metric_count, 2);
  ck_assert (isnan (run->metrics[0].value));
  ck_assert_int_eq (run->metrics[0].step, -3);
  ck_assert (isinf (run->metrics[1].value) && run->metrics[1].value < 0);
  ck_assert_int_eq (run->metrics[1].step, 9);
  ck_assert_int_eq (run->metrics[1].timestamp_ms, 6);
  ck_assert_uint_eq (run->param_count, 1);
  ck_assert_str_eq (run->params[0].value, "1");
  ck_assert_uint_eq (run->tag_count, 1);
  ck_assert_str_eq (run->tags[0].value, "");
  tally_run_data_free (run);
  tally_run_data_free (NULL);
}
END_TEST

START_TEST (run_with_wrong_types_everywhere)
{
  static const char text[] =
      "{\"info\": {\"run_id\": \"r1\", \"run_name\": 5, \"experiment_id\": [], \"user_id\": null, \"status\": 3, "
      "\"start_time\": {}, \"end_time\": 1e300, \"artifact_uri\": true, \"lifecycle_stage\": [\"deleted\"]}, "
      "\"data\": {\"metrics\": [1, null, {}, {\"key\": 7}, {\"key\": \"a\", \"value\": [], \"timestamp\": \"x\", "
      "\"step\": \"99999999999999999999\"}], \"params\": {\"key\": \"p\"}, \"tags\": [null, {\"key\": {}}]}}";
  struct tally_run_data *run = decode (sizeof (*run), decode_run, text, TALLY_OK);

  ck_assert_str_eq (run->name, "");
  ck_assert_str_eq (run->experiment_id, "");
  ck_assert_int_eq (run->status, TALLY_STATUS_RUNNING);
  ck_assert_int_eq (run->start_ms, 0);
  ck_assert_int_eq (run->end_ms, 0);
  ck_assert (! run->deleted);
  ck_assert_uint_eq (run->metric_count, 1);
  ck_assert_str_eq (run->metrics[0].key, "a");
  ck_assert_double_eq (run->metrics[0].value, 0);
  ck_assert_int_eq (run->metrics[0].step, 0);
  ck_assert_uint_eq (run->param_count, 0);
  ck_assert_uint_eq (run->tag_count, 2);
  ck_assert_str_eq (run->tags[1].key, "");
  tally_run_data_free (run);
}
END_TEST

struct refused
{
  decode_function *function;
  size_t bytes;
  const char *text;
};

#define RUN decode_run, sizeof (struct tally_run_data)
#define EXPERIMENT decode_experiment, sizeof (struct tally_experiment)
#define POINT decode_point, sizeof (struct tally_point)
#define MODEL decode_logged_model, sizeof (struct tally_logged_model)
#define VERSION decode_model_version, sizeof (struct tally_model_version)

static const struct refused refused[] = {
  { RUN, "{}" },
  { RUN, "[]" },
  { RUN, "[{\"info\": {\"run_id\": \"r\"}}]" },
  { RUN, "{\"info\": []}" },
  { RUN, "{\"info\": {\"run_id\": \"\"}}" },
  { RUN, "{\"info\": {\"run_id\": 5}}" },
  { EXPERIMENT, "{\"name\": \"x\"}" },
  { EXPERIMENT, "{\"experiment_id\": 5}" },
  { POINT, "{\"value\": 1}" },
  { MODEL, "{\"info\": {\"name\": \"m\"}}" },
  { MODEL, "{\"data\": {}}" },
  { VERSION, "{\"name\": \"m\"}" },
  { VERSION, "{\"version\": \"1\"}" },
  { VERSION, "{\"name\": \"m\", \"version\": \"-1\"}" },
  { VERSION, "{\"name\": \"m\", \"version\": \"x\"}" },
  { VERSION, "{\"name\": \"m\", \"version\": 1e99}" },
};

START_TEST (without_what_makes_it_one)
{
  decode (refused[_i].bytes, refused[_i].function, refused[_i].text, TALLY_ERROR_PROTOCOL);
}
END_TEST

START_TEST (experiment)
{
  struct tally_experiment *e = decode (
      sizeof (*e), decode_experiment,
      "{\"experiment_id\": \"3\", \"name\": \"e\", \"artifact_location\": \"l\", \"lifecycle_stage\": \"active\", "
      "\"creation_time\": 1, \"last_update_time\": 2, \"tags\": [{\"key\": \"k\", \"value\": \"v\"}]}",
      TALLY_OK);

  ck_assert_str_eq (e->id, "3");
  ck_assert_str_eq (e->name, "e");
  ck_assert_str_eq (e->artifact_location, "l");
  ck_assert (! e->deleted);
  ck_assert_int_eq (e->created_ms, 1);
  ck_assert_int_eq (e->updated_ms, 2);
  ck_assert_uint_eq (e->tag_count, 1);
  tally_experiment_free (e);
}
END_TEST

START_TEST (logged_model)
{
  struct tally_logged_model *m =
      decode (sizeof (*m), decode_logged_model,
              "{\"info\": {\"model_id\": \"m-1\", \"name\": \"n\", \"experiment_id\": \"2\", \"source_run_id\": \"r\", "
              "\"model_type\": \"t\", \"artifact_uri\": \"u\", \"status\": \"LOGGED_MODEL_UPLOAD_FAILED\", "
              "\"creation_timestamp_ms\": 4, \"last_updated_timestamp_ms\": 5, \"tags\": [{\"key\": \"a\", \"value\": "
              "\"b\"}]}, "
              "\"data\": {\"params\": [{\"key\": \"c\", \"value\": \"d\"}, {\"key\": \"e\", \"value\": \"f\"}]}}",
              TALLY_OK);

  ck_assert_str_eq (m->model_id, "m-1");
  ck_assert_str_eq (m->run_id, "r");
  ck_assert_str_eq (m->type, "t");
  ck_assert_int_eq (m->status, TALLY_MODEL_FAILED);
  ck_assert_int_eq (m->created_ms, 4);
  ck_assert_int_eq (m->updated_ms, 5);
  ck_assert_uint_eq (m->tag_count, 1);
  ck_assert_uint_eq (m->param_count, 2);
  ck_assert_str_eq (m->params[1].key, "e");
  tally_logged_model_free (m);
}
END_TEST

START_TEST (model_version)
{
  struct tally_model_version *v =
      decode (sizeof (*v), decode_model_version,
              "{\"name\": \"n\", \"version\": \"12\", \"source\": \"s\", \"run_id\": \"r\", \"model_id\": \"m\", "
              "\"status\": \"READY\", \"current_stage\": \"None\", \"description\": \"d\", \"user_id\": \"u\", "
              "\"creation_timestamp\": 1, \"last_updated_timestamp\": \"2\", \"aliases\": [\"a\", 7, \"b\"], "
              "\"tags\": [{\"key\": \"k\", \"value\": \"v\"}]}",
              TALLY_OK);

  ck_assert_int_eq (v->version, 12);
  ck_assert_str_eq (v->stage, "None");
  ck_assert_int_eq (v->updated_ms, 2);
  ck_assert_uint_eq (v->alias_count, 2);
  ck_assert_str_eq (v->aliases[1], "b");
  ck_assert_uint_eq (v->tag_count, 1);
  tally_model_version_free (v);
}
END_TEST

struct gate
{
  const char *text;
  bool met;
  bool moved;
  bool forced;
  int64_t version;
  int64_t previous;
  int64_t current;
  size_t missing;
};

static const struct gate gates[] = {
  { "{\"moved\": [{\"alias\": \"p\", \"version\": 2, \"previous\": 1}], \"forced\": true}", true, true, true, 2, 1, 2,
    0 },
  { "{\"moved\": [{\"alias\": \"p\", \"version\": \"2\", \"previous\": 0}], \"forced\": false}", true, true, false, 2,
    0, 2, 0 },
  { "{\"allowed\": true, \"holder\": 4}", true, false, false, 0, 0, 4, 0 },
  { "{\"allowed\": false, \"missing\": [{\"rule\": \"check\", \"text\": \"x\"}, 5, {\"text\": 1}], \"holder\": 0}",
    false, false, false, 0, 0, 0, 2 },
  { "{\"error_code\": \"RESOURCE_CONFLICT\", \"current\": [{\"alias\": \"p\", \"version\": 9}]}", false, false, false,
    0, 0, 9, 0 },
  { "{\"moved\": 5, \"missing\": {}, \"current\": \"x\", \"allowed\": \"true\", \"forced\": 1}", false, false, false, 0,
    0, 0, 0 },
};

START_TEST (gate_result)
{
  const struct gate *gate = &gates[_i];
  struct tally_gate_result *g = decode (sizeof (*g), decode_gate_result, gate->text, TALLY_OK);

  ck_assert_int_eq (g->met, gate->met);
  ck_assert_int_eq (g->moved, gate->moved);
  ck_assert_int_eq (g->forced, gate->forced);
  ck_assert_int_eq (g->version, gate->version);
  ck_assert_int_eq (g->previous, gate->previous);
  ck_assert_int_eq (g->current, gate->current);
  ck_assert_uint_eq (g->missing_count, gate->missing);
  for (size_t i = 0; i < g->missing_count; i++)
    ck_assert (NULL != g->missing[i].rule && NULL != g->missing[i].message);
  tally_gate_result_free (g);
}
END_TEST

/* A short answer that decodes into more than the ceiling of an arena. */
START_TEST (more_than_the_arena_takes)
{
  json_t *list = json_array ();
  json_t *pair = json_pack ("{s:s, s:s}", "key", "k", "value", "v");
  json_t *run = json_pack ("{s:{s:s}, s:{s:O}}", "info", "run_id", "r", "data", "tags", list);
  struct arena *arena = arena_new (100000);
  struct tally_run_data out = { 0 };
  struct tally_error err;

  for (size_t i = 0; i < 10000; i++)
    json_array_append (list, pair);
  ck_assert_int_eq (decode_run (&out, arena, run, &err), TALLY_ERROR_PROTOCOL);
  ck_assert_ptr_nonnull (strstr (err.message, "larger than"));
  json_decref (run);
  json_decref (list);
  json_decref (pair);
  arena_free (arena);
}
END_TEST

Suite *decode_suite (void);

Suite *
decode_suite (void)
{
  Suite *suite = suite_create ("decode");
  TCase *tests = tcase_create ("decode");

  tcase_add_test (tests, run_as_servers_send_it);
  tcase_add_test (tests, run_with_wrong_types_everywhere);
  tcase_add_loop_test (tests, without_what_makes_it_one, 0, sizeof (refused) / sizeof (refused[0]));
  tcase_add_test (tests, experiment);
  tcase_add_test (tests, logged_model);
  tcase_add_test (tests, model_version);
  tcase_add_loop_test (tests, gate_result, 0, sizeof (gates) / sizeof (gates[0]));
  tcase_add_test (tests, more_than_the_arena_takes);
  suite_add_tcase (suite, tests);
  return suite;
}
