/* Tests of telling servers apart. */
#include "tally.h"

#include "http_server.h"
#include "opened.h"

#include <check.h>
#include <string.h>

static struct http_server *server;
static struct tally_client *client;
static const struct tally_server *told;
static struct tally_error failure;

/* What it answers where; NULL: MLflow's page for what is not there. */
static const char *session;
static const char *info;
static const char *version;
static int search_status;

static bool
answer (void *payload, const struct http_request *request)
{
  (void)payload;
  if (0 == strcmp ("/api/tally/v1/session", request->path) && NULL != session)
    http_reply_json (request, 200, session);
  else if (0 == strcmp ("/api/3.0/mlflow/server-info", request->path) && NULL != info)
    http_reply_json (request, 200, info);
  else if (0 == strcmp ("/version", request->path) && NULL != version)
    http_reply (request, 200, "text/html; charset=utf-8", "", version);
  else if (0 == strncmp ("/api/2.0/mlflow/experiments/search", request->path, 34))
    http_reply_json (request, search_status, "{}");
  else
    http_reply (request, 404, "text/html", "", "<!doctype html><title>404 Not Found</title>");
  return true;
}

static void
set_up (void)
{
  session = NULL;
  info = NULL;
  version = NULL;
  search_status = 200;
  server = http_server_start (answer, NULL);
  client = opened ("server", http_server_url (server), NULL);
}

static void
tear_down (void)
{
  tally_close (client, 0, NULL);
  http_server_stop (server);
}

START_TEST (tally_with_logins)
{
  const struct tally_server *first;

  session = "{\"authentication\":true,\"user\":{\"username\":\"anna\"}}";
  info = "{\"store_type\":\"SqlStore\",\"tally_version\":\"1.2.3\"}";
  ck_assert_int_eq (TALLY_OK, tally_ping (&first, client, &failure));
  ck_assert (first->is_tally && first->authenticated);
  ck_assert_str_eq ("1.2.3", first->version);
  ck_assert_str_eq ("anna", first->user);
  ck_assert_str_eq (http_server_url (server), first->url);
  session = "{\"authentication\":true}";
  ck_assert_int_eq (TALLY_OK, tally_ping (&told, client, &failure));
  ck_assert (told->is_tally && ! told->authenticated);
  ck_assert_str_eq ("", told->user);
  /* What was told before stays. */
  ck_assert_str_eq ("anna", first->user);
}
END_TEST

START_TEST (tally_without_logins)
{
  session = "{\"authentication\":false}";
  info = "{\"tally_version\":\"1.2.3\"}";
  ck_assert_int_eq (TALLY_OK, tally_ping (&told, client, &failure));
  ck_assert (told->is_tally && told->authenticated);
}
END_TEST

START_TEST (mlflow)
{
  version = "3.17.2";
  ck_assert_int_eq (TALLY_OK, tally_ping (&told, client, &failure));
  ck_assert (! told->is_tally && told->authenticated);
  ck_assert_str_eq ("3.17.2", told->version);
  search_status = 401;
  ck_assert_int_eq (TALLY_OK, tally_ping (&told, client, &failure));
  ck_assert (! told->authenticated);
}
END_TEST

static const char *const pages[] = { NULL, "<html>Welcome</html>", "", "not 1.0", "1.0 <script>" };

START_TEST (neither)
{
  version = pages[_i];
  ck_assert_int_eq (TALLY_ERROR_PROTOCOL, tally_ping (&told, client, &failure));
  ck_assert_ptr_null (told);
  ck_assert_ptr_null (strchr (failure.message, '<'));
}
END_TEST

Suite *ping_suite (void);

Suite *
ping_suite (void)
{
  Suite *suite = suite_create ("ping");
  TCase *tests = tcase_create ("ping");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, tally_with_logins);
  tcase_add_test (tests, tally_without_logins);
  tcase_add_test (tests, mlflow);
  tcase_add_loop_test (tests, neither, 0, (int)(sizeof (pages) / sizeof (pages[0])));
  suite_add_tcase (suite, tests);
  return suite;
}
