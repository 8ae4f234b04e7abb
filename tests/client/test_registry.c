/* Tests of the registry against a server that loses answers, refuses, and is none of Tally's. */
#include "http_server.h"
#include "opened.h"
#include "tally.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct http_server *http;
static struct tally_client *client;
static struct tally_error err;

static unsigned lost; /* creations whose answers are lost */
static bool done_before_lost;
static atomic_uint created;
static char tag[128]; /* of the creation */
static char body[2048]; /* last one */
static char path[2048]; /* last one */
static const char *refusal; /* JSON of Tally's calls; NULL: there are none */
static int refusal_status;
static bool is_tally; /* how the server tells what it is */

static void
note_tag (const char *text)
{
  const char *value = strstr (text, "\"tally.registration_id\",\"value\":\"");

  ck_assert_ptr_nonnull (value);
  snprintf (tag, sizeof (tag), "%.32s", value + strlen ("\"tally.registration_id\",\"value\":\""));
}

static bool
create_version (const struct http_request *request)
{
  note_tag (request->body);
  if (lost > 0)
  {
    lost--;
    created += done_before_lost;
    return false;
  }
  created++;
  http_reply_json (request, 200, "{\"model_version\": {\"name\": \"m\", \"version\": \"8\"}}");
  return true;
}

static bool
answer (void *payload, const struct http_request *request)
{
  (void)payload;
  snprintf (body, sizeof (body), "%s", request->body);
  snprintf (path, sizeof (path), "%s", request->path);
  if (NULL != strstr (request->path, "/registered-models/create"))
    http_reply_json (request, 400, "{\"error_code\": \"RESOURCE_ALREADY_EXISTS\", \"message\": \"there\"}");
  else if (NULL != strstr (request->path, "/model-versions/create"))
    return create_version (request);
  else if (NULL != strstr (request->path, "/model-versions/search"))
  {
    ck_assert_ptr_nonnull (strstr (request->path, tag));
    http_reply_json (request, 200,
                     created > 0 ? "{\"model_versions\": [{\"name\": \"m\", \"version\": \"7\"}]}" : "{}");
  }
  else if (0 == strcmp (request->path, "/api/tally/v1/session") && is_tally)
    http_reply_json (request, 200, "{\"authentication\": false, \"user\": null}");
  else if ((NULL != strstr (request->path, "/api/tally/") || NULL != strstr (request->path, "/transition-stage"))
           && NULL != refusal)
    http_reply_json (request, refusal_status, refusal);
  else if (0 == strcmp (request->path, "/version"))
    http_reply (request, 200, "text/plain", "", "3.17.2");
  else if (NULL != strstr (request->path, "experiments/search"))
    http_reply_json (request, 200, "{}");
  else
    http_reply (request, 404, "text/html", "", "<html>Not Found</html>");
  return true;
}

static void
setup (void)
{
  http = http_server_start (answer, NULL);
  client = opened ("server", http_server_url (http), NULL);
}

static void
teardown (void)
{
  tally_close (client, 0, NULL);
  http_server_stop (http);
}

static int64_t
register_one (void)
{
  int64_t version = 0;

  ck_assert_msg (TALLY_OK == tally_model_register (&version, client, "m", "s3://bucket/x", NULL, NULL, NULL, &err),
                 "%s", err.message);
  return version;
}

START_TEST (registered_once_although_the_answer_is_lost)
{
  lost = 1;
  done_before_lost = true;
  ck_assert_int_eq (register_one (), 7);
  ck_assert_uint_eq (created, 1);
}
END_TEST

START_TEST (registered_although_the_request_is_lost)
{
  lost = 1;
  ck_assert_int_eq (register_one (), 8);
  ck_assert_uint_eq (created, 1);
}
END_TEST

START_TEST (needs_a_tally_server)
{
  struct tally_promotion promotion = { .alias = "prod", .version = 1 };
  struct tally_gate_result *result = NULL;

  ck_assert_int_eq (tally_model_promote (&result, client, "m", &promotion, &err), TALLY_ERROR_UNSUPPORTED);
  ck_assert_ptr_null (result);
  ck_assert_ptr_nonnull (strstr (err.message, "A promotion needs a Tally server"));
  ck_assert_ptr_nonnull (strstr (err.message, "MLflow 3.17.2"));
}
END_TEST

START_TEST (refused_by_a_gate)
{
  struct tally_promotion promotion = { .alias = "prod", .version = 3, .expect_version = -1 };
  struct tally_gate_result *result = NULL;

  refusal_status = 409;
  refusal = "{\"error_code\": \"RESOURCE_CONFLICT\", \"message\": \"no\", \"missing\": [{\"rule\": \"check\", "
            "\"text\": \"check 'tests' was not posted\"}]}";
  ck_assert_int_eq (tally_model_promote (&result, client, "m", &promotion, &err), TALLY_ERROR_GATE);
  ck_assert_ptr_nonnull (strstr (body, "\"expect_version\":0"));
  ck_assert_ptr_null (strstr (body, "force"));
  ck_assert_ptr_nonnull (result);
  ck_assert_uint_eq (result->missing_count, 1);
  ck_assert_str_eq (result->missing[0].rule, "check");
  ck_assert_str_eq (result->missing[0].message, "check 'tests' was not posted");
  ck_assert (! result->met && ! result->moved);
  ck_assert_int_eq (result->version, 3);
  tally_gate_result_free (result);
  refusal = "{\"error_code\": \"RESOURCE_CONFLICT\", \"message\": \"no\", \"current\": [{\"version\": 2}]}";
  promotion.expect_version = 0;
  ck_assert_int_eq (tally_model_promote (&result, client, "m", &promotion, &err), TALLY_ERROR_CONFLICT);
  ck_assert_ptr_null (strstr (body, "expect_version"));
  ck_assert_int_eq (result->current, 2);
  tally_gate_result_free (result);
  ck_assert_int_eq (tally_model_promote (NULL, client, "m", &promotion, &err), TALLY_ERROR_CONFLICT);
}
END_TEST

START_TEST (moves_to_a_stage)
{
  struct tally_transition transition = { .stage = "Production", .version = 3 };
  struct tally_gate_result *result = NULL;

  refusal_status = 200;
  refusal = "{\"model_version\": {\"name\": \"m\", \"version\": \"3\"}}";
  ck_assert_int_eq (tally_model_transition (&result, client, "m", &transition, &err), TALLY_OK);
  ck_assert_str_eq (body, "{\"name\":\"m\",\"version\":\"3\",\"stage\":\"Production\","
                          "\"archive_existing_versions\":false}");
  ck_assert (result->met && result->moved && ! result->forced);
  ck_assert_int_eq (result->version, 3);
  ck_assert_int_eq (result->current, 0);
  tally_gate_result_free (result);
  is_tally = true;
  transition = (struct tally_transition){ .stage = "Production",
                                          .version = 3,
                                          .archive_existing = true,
                                          .force = true,
                                          .reason = "outage",
                                          .run_url = "https://ci.example/1" };
  refusal = "{\"model_version\": {\"name\": \"m\", \"version\": \"3\"}, \"forced\": true}";
  ck_assert_int_eq (tally_model_transition (&result, client, "m", &transition, &err), TALLY_OK);
  ck_assert_str_eq (body, "{\"name\":\"m\",\"version\":\"3\",\"stage\":\"Production\","
                          "\"archive_existing_versions\":true,\"reason\":\"outage\","
                          "\"run_url\":\"https://ci.example/1\",\"force\":true}");
  ck_assert (result->moved && result->forced);
  tally_gate_result_free (result);
}
END_TEST

START_TEST (refused_by_the_gate_of_a_stage)
{
  struct tally_transition transition = { .stage = "Production", .version = 3 };
  struct tally_gate_result *result = NULL;

  refusal_status = 409;
  refusal = "{\"error_code\": \"RESOURCE_CONFLICT\", \"message\": \"no\", \"missing\": [{\"rule\": \"check\", "
            "\"text\": \"check 'tests' was not posted\"}]}";
  ck_assert_int_eq (tally_model_transition (&result, client, "m", &transition, &err), TALLY_ERROR_GATE);
  ck_assert (! result->met && ! result->moved);
  ck_assert_uint_eq (result->missing_count, 1);
  ck_assert_str_eq (result->missing[0].message, "check 'tests' was not posted");
  ck_assert_int_eq (result->version, 3);
  tally_gate_result_free (result);
}
END_TEST

/* MLflow would move it, and forget the reason. */
START_TEST (a_reason_of_a_transition_needs_a_tally_server)
{
  struct tally_transition transition = { .stage = "Production", .version = 3, .reason = "why" };
  struct tally_gate_result *result = NULL;

  refusal_status = 200;
  refusal = "{}";
  ck_assert_int_eq (tally_model_transition (&result, client, "m", &transition, &err), TALLY_ERROR_UNSUPPORTED);
  ck_assert_ptr_null (result);
  ck_assert_ptr_nonnull (strstr (err.message, "needs a Tally server"));
  ck_assert_str_eq (body, "");
}
END_TEST

START_TEST (asks_the_gate_of_a_stage)
{
  struct tally_gate_result *result = NULL;

  refusal_status = 200;
  refusal = "{\"allowed\": true}";
  ck_assert_int_eq (tally_model_stage_gate (&result, client, "m", 2, "Production", &err), TALLY_OK);
  ck_assert (result->met && ! result->moved);
  ck_assert_str_eq (path, "/api/tally/v1/registered-models/m/versions/2/gate?stage=Production");
  tally_gate_result_free (result);
  ck_assert_int_eq (tally_model_stage_gate (&result, client, "m", 2, "", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_str_eq (err.message, "The stage is missing.");
}
END_TEST

START_TEST (wrong_arguments)
{
  struct tally_transition transition = { .stage = "Production", .version = 1, .force = true };
  struct tally_promotion promotion = { .alias = "prod", .version = 1, .force = true };
  struct tally_check check = { .name = "c", .status = "success", .has_value = true, .value = 1.0 / 0.0 };
  struct tally_model_version *version;
  int64_t number;

  ck_assert_int_eq (tally_model_promote (NULL, client, "m", &promotion, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_promote (NULL, client, "m", NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_transition (NULL, client, "m", &transition, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_transition (NULL, client, "m", NULL, &err), TALLY_ERROR_ARGUMENT);
  transition = (struct tally_transition){ .stage = "", .version = 1 };
  ck_assert_int_eq (tally_model_transition (NULL, client, "m", &transition, &err), TALLY_ERROR_ARGUMENT);
  transition = (struct tally_transition){ .stage = "Production", .version = 0 };
  ck_assert_int_eq (tally_model_transition (NULL, client, "m", &transition, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_check (client, "m", 1, &check, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_create (client, "a/b", NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_create (client, "", NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_create (client, "m", "\xff", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_set_alias (client, "m", "", 1, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_set_alias (client, "m", "a", 0, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_version_get (&version, client, "runs:/abc", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_model_register (&number, client, "m", "", NULL, NULL, NULL, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_str_eq (body, "");
}
END_TEST

Suite *registry_suite (void);

Suite *
registry_suite (void)
{
  Suite *suite = suite_create ("registry");
  TCase *tests = tcase_create ("registry");

  tcase_add_checked_fixture (tests, setup, teardown);
  tcase_add_test (tests, registered_once_although_the_answer_is_lost);
  tcase_add_test (tests, registered_although_the_request_is_lost);
  tcase_add_test (tests, needs_a_tally_server);
  tcase_add_test (tests, refused_by_a_gate);
  tcase_add_test (tests, moves_to_a_stage);
  tcase_add_test (tests, refused_by_the_gate_of_a_stage);
  tcase_add_test (tests, a_reason_of_a_transition_needs_a_tally_server);
  tcase_add_test (tests, asks_the_gate_of_a_stage);
  tcase_add_test (tests, wrong_arguments);
  suite_add_tcase (suite, tests);
  return suite;
}
