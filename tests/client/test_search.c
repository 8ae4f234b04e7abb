/* Tests of searches: page by page, limits, servers that never end, and going on after an error. */
#include "http_server.h"
#include "opened.h"
#include "tally.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What the server does with the n-th request, from 1. */
struct script
{
  int status;
  const char *json;
  const char *expect; /* in the body of the request; NULL: anything */
};

struct server
{
  const struct script *script;
  size_t count;
  size_t used;
  struct http_server *http;
  struct tally_client *client;
};

static bool
answer (void *payload, const struct http_request *request)
{
  struct server *server = payload;
  const struct script *step = &server->script[server->used < server->count ? server->used : server->count - 1];

  server->used++;
  if (NULL != step->expect && NULL == strstr (request->body, step->expect)
      && NULL == strstr (request->path, step->expect))
  {
    http_reply_json (request, 400, "{\"error_code\": \"TEST\", \"message\": \"another request was expected\"}");
    return true;
  }
  http_reply_json (request, step->status, step->json);
  return true;
}

static void
begin (struct server *server, const struct script *script, size_t count)
{
  *server = (struct server){ .script = script, .count = count };
  server->http = http_server_start (answer, server);
  server->client = opened ("server", http_server_url (server->http), NULL);
}

static void
end (struct server *server)
{
  tally_close (server->client, 0, NULL);
  http_server_stop (server->http);
}

#define STEPS(script) (script), sizeof (script) / sizeof ((script)[0])
#define RUN(id) "{\"info\": {\"run_id\": \"" id "\"}}"

static const char *const ids[] = { "7" };

static void
next_is (struct tally_search *search, const char *id)
{
  const struct tally_run_data *run;
  struct tally_error err = { 0 };

  ck_assert_msg (TALLY_OK == tally_search_next_run (&run, search, &err), "%s", err.message);
  ck_assert_int_eq (NULL == run, NULL == id);
  if (NULL != id)
    ck_assert_str_eq (run->run_id, id);
}

START_TEST (page_by_page)
{
  static const struct script script[] = {
    { 200, "{\"runs\": [" RUN ("a") ", " RUN ("b") "], \"next_page_token\": \"t1\"}", "\"max_results\":200" },
    { 200, "{\"next_page_token\": \"t2\"}", "\"page_token\":\"t1\"" },
    { 200, "{\"runs\": [" RUN ("c") "]}", "\"page_token\":\"t2\"" },
  };
  struct server server;
  struct tally_search *search;
  struct tally_error err;

  begin (&server, STEPS (script));
  ck_assert_int_eq (
      tally_search_runs (&search, server.client, ids, 1, "a = 1", "x DESC, `b,c`", TALLY_VIEW_ALL, 0, &err), TALLY_OK);
  ck_assert_uint_eq (server.used, 0);
  next_is (search, "a");
  next_is (search, "b");
  ck_assert_uint_eq (server.used, 1);
  next_is (search, "c");
  next_is (search, NULL);
  next_is (search, NULL);
  ck_assert_uint_eq (server.used, 3);
  tally_search_free (search);
  end (&server);
}
END_TEST

START_TEST (request_says_what_is_asked)
{
  static const struct script script[] = { { 200, "{}",
                                            "{\"run_view_type\":\"DELETED_ONLY\",\"order_by\":[\"x DESC\",\"`b,c`\"],"
                                            "\"experiment_ids\":[\"7\"],\"filter\":\"a = 'ü'\",\"max_results\":3}" } };
  struct server server;
  struct tally_search *search;
  struct tally_error err;

  begin (&server, STEPS (script));
  ck_assert_int_eq (
      tally_search_runs (&search, server.client, ids, 1, "a = 'ü'", " x DESC ,, `b,c`", TALLY_VIEW_DELETED, 3, &err),
      TALLY_OK);
  next_is (search, NULL);
  tally_search_free (search);
  end (&server);
}
END_TEST

START_TEST (no_more_than_asked_for)
{
  static const struct script script[] = {
    { 200, "{\"runs\": [" RUN ("a") ", " RUN ("b") ", " RUN ("c") "], \"next_page_token\": \"t1\"}",
      "\"max_results\":2" },
  };
  struct server server;
  struct tally_search *search;
  struct tally_error err;

  begin (&server, STEPS (script));
  ck_assert_int_eq (tally_search_runs (&search, server.client, ids, 1, NULL, NULL, TALLY_VIEW_ACTIVE, 2, &err),
                    TALLY_OK);
  next_is (search, "a");
  next_is (search, "b");
  next_is (search, NULL);
  ck_assert_uint_eq (server.used, 1);
  tally_search_free (search);
  end (&server);
}
END_TEST

START_TEST (goes_on_after_an_error)
{
  static const struct script script[] = {
    { 200, "{\"runs\": [" RUN ("a") "], \"next_page_token\": \"t1\"}", NULL },
    { 403, "{\"error_code\": \"PERMISSION_DENIED\", \"message\": \"no\"}", "\"page_token\":\"t1\"" },
    { 200, "{\"runs\": 5}", "\"page_token\":\"t1\"" },
    { 200, "{\"runs\": [{}, " RUN ("b") "]}", "\"page_token\":\"t1\"" },
  };
  struct server server;
  struct tally_search *search;
  const struct tally_run_data *run;
  struct tally_error err;

  begin (&server, STEPS (script));
  ck_assert_int_eq (tally_search_runs (&search, server.client, ids, 1, NULL, NULL, TALLY_VIEW_ACTIVE, 0, &err),
                    TALLY_OK);
  next_is (search, "a");
  ck_assert_int_eq (tally_search_next_run (&run, search, &err), TALLY_ERROR_FORBIDDEN);
  ck_assert_int_eq (tally_search_next_run (&run, search, &err), TALLY_ERROR_PROTOCOL);
  ck_assert_int_eq (tally_search_next_run (&run, search, &err), TALLY_ERROR_PROTOCOL);
  ck_assert_ptr_null (run);
  next_is (search, "b");
  next_is (search, NULL);
  tally_search_free (search);
  end (&server);
}
END_TEST

START_TEST (servers_without_end)
{
  static const struct script same[] = { { 200, "{\"next_page_token\": \"t\"}", NULL } };
  struct server server;
  struct tally_search *search;
  const struct tally_run_data *run;
  struct tally_error err;

  begin (&server, STEPS (same));
  ck_assert_int_eq (tally_search_runs (&search, server.client, ids, 1, NULL, NULL, TALLY_VIEW_ACTIVE, 0, &err),
                    TALLY_OK);
  ck_assert_int_eq (tally_search_next_run (&run, search, &err), TALLY_ERROR_PROTOCOL);
  ck_assert_uint_le (server.used, 3);
  tally_search_free (search);
  end (&server);
}
END_TEST

START_TEST (all_experiments_are_named)
{
  static const struct script script[] = {
    { 200, "{\"experiments\": [{\"experiment_id\": \"0\"}, {\"experiment_id\": \"5\"}]}", NULL },
    { 200, "{\"runs\": [" RUN ("a") "]}", "\"experiment_ids\":[\"0\",\"5\"]" },
  };
  struct server server;
  struct tally_search *search;
  struct tally_error err;

  begin (&server, STEPS (script));
  ck_assert_int_eq (tally_search_runs (&search, server.client, NULL, 0, NULL, NULL, TALLY_VIEW_ACTIVE, 0, &err),
                    TALLY_OK);
  next_is (search, "a");
  next_is (search, NULL);
  tally_search_free (search);
  end (&server);
}
END_TEST

START_TEST (history_is_a_query)
{
  static const struct script script[] = {
    { 200,
      "{\"metrics\": [{\"key\": \"a b&c\", \"value\": 1.5, \"timestamp\": 2, \"step\": 3}], \"next_page_token\": "
      "\"x=\"}",
      "?run_id=abc&metric_key=a%20b%26c&max_results=25000" },
    { 200, "{}", "&page_token=x%3D" },
  };
  struct server server;
  struct tally_search *search;
  const struct tally_point *point;
  const struct tally_run_data *run;
  struct tally_error err;

  begin (&server, STEPS (script));
  ck_assert_int_eq (tally_metric_history (&search, server.client, "abc", "a b&c", &err), TALLY_OK);
  ck_assert_int_eq (tally_search_next_run (&run, search, &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_search_next_point (&point, search, &err), TALLY_OK);
  ck_assert_double_eq (point->value, 1.5);
  ck_assert_int_eq (point->step, 3);
  ck_assert_int_eq (tally_search_next_point (&point, search, &err), TALLY_OK);
  ck_assert_ptr_null (point);
  tally_search_free (search);
  end (&server);
}
END_TEST

START_TEST (wrong_arguments)
{
  static const struct script script[] = { { 200, "{}", NULL } };
  struct server server;
  struct tally_search *search = (struct tally_search *)&server;
  struct tally_error err;

  begin (&server, STEPS (script));
  ck_assert_int_eq (tally_search_runs (&search, server.client, ids, 1, "\xff", NULL, TALLY_VIEW_ACTIVE, 0, &err),
                    TALLY_ERROR_ARGUMENT);
  ck_assert_ptr_null (search);
  ck_assert_int_eq (tally_metric_history (&search, server.client, "a/b", "k", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_metric_history (&search, server.client, "abc", "", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (tally_search_runs (&search, NULL, ids, 1, NULL, NULL, TALLY_VIEW_ACTIVE, 0, &err),
                    TALLY_ERROR_ARGUMENT);
  tally_search_free (NULL);
  ck_assert_uint_eq (server.used, 0);
  end (&server);
}
END_TEST

Suite *search_suite (void);

Suite *
search_suite (void)
{
  Suite *suite = suite_create ("search");
  TCase *tests = tcase_create ("search");

  tcase_add_test (tests, page_by_page);
  tcase_add_test (tests, request_says_what_is_asked);
  tcase_add_test (tests, no_more_than_asked_for);
  tcase_add_test (tests, goes_on_after_an_error);
  tcase_add_test (tests, servers_without_end);
  tcase_add_test (tests, all_experiments_are_named);
  tcase_add_test (tests, history_is_a_query);
  tcase_add_test (tests, wrong_arguments);
  suite_add_tcase (suite, tests);
  return suite;
}
