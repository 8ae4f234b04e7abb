/* Tests of trying again: what may be, how long the pauses are, and when it ends. */
#include "asked.h"

#include <stdio.h>

static bool
reply_busy_twice (void *payload, const struct http_request *request)
{
  (void)payload;
  if (request->number > 2)
    http_reply_json (request, 200, "{}");
  else
    http_reply (request, 503, "text/plain", "Retry-After: 1\r\n", "busy");
  return true;
}

START_TEST (waits_as_long_as_the_server_asks)
{
  int64_t begin_ms = now_ms ();

  behaviour = reply_busy_twice;
  ck_assert_int_eq (TALLY_OK, call ("POST", true, 60000));
  ck_assert_int_ge (now_ms () - begin_ms, 2000);
  ck_assert_uint_eq (3, requests);
}
END_TEST

static bool
reply_busy (void *payload, const struct http_request *request)
{
  (void)payload;
  http_reply (request, 503, "text/plain", "Retry-After: 300\r\n", "busy");
  return true;
}

/* As soon as it is known that the deadline comes first: waiting for it would take too long for this test. */
START_TEST (gives_up_in_time)
{
  behaviour = reply_busy;
  ck_assert_int_eq (TALLY_ERROR_OVERLOADED, call ("GET", false, 299000));
  ck_assert_str_eq ("The server answered 503: busy", failure.message);
  ck_assert_int_eq (300000, answer.retry_after_ms);
  ck_assert_uint_eq (1, requests);
}
END_TEST

static bool
close_first (void *payload, const struct http_request *request)
{
  (void)payload;
  if (request->number > 1)
    http_reply_json (request, 200, "{}");
  return request->number > 1;
}

START_TEST (does_not_repeat_what_may_be_done)
{
  behaviour = close_first;
  ck_assert_int_eq (TALLY_ERROR_UNREACHABLE, call ("POST", true, 60000));
  ck_assert (answer.sent);
  ck_assert_uint_eq (1, requests);
}
END_TEST

START_TEST (repeats_the_rest)
{
  behaviour = close_first;
  ck_assert_int_eq (TALLY_OK, call ("POST", false, 60000));
  ck_assert_uint_eq (2, requests);
}
END_TEST

static const struct
{
  const char *value;
  int64_t least_ms;
  int64_t most_ms;
} retry_afters[] = {
  { "7", 7000, 7000 }, { "99999999999", 300000, 300000 },         { "soon", -1, -1 },
  { "-5", 0, 0 },      { "Fri, 31 Dec 1999 23:59:59 GMT", 0, 0 }, { "Sun, 06 Nov 2094 08:49:37 GMT", 300000, 300000 }
};

static bool
reply_retry_after (void *payload, const struct http_request *request)
{
  char header[128];

  (void)payload;
  snprintf (header, sizeof (header), "Retry-After: %s\r\n", text);
  http_reply (request, 429, "text/plain", header, "");
  return true;
}

START_TEST (reads_retry_after)
{
  behaviour = reply_retry_after;
  text = retry_afters[_i].value;
  ck_assert_int_eq (TALLY_ERROR_OVERLOADED, get ("/x"));
  ck_assert_int_ge (answer.retry_after_ms, retry_afters[_i].least_ms);
  ck_assert_int_le (answer.retry_after_ms, retry_afters[_i].most_ms);
}
END_TEST

START_TEST (pauses_grow_and_differ)
{
  int64_t largest[8] = { 0 };
  bool differ = false;

  for (unsigned attempt = 1; attempt < 8; attempt++)
    for (unsigned i = 0; i < 1000; i++)
    {
      int64_t pause = transport_pause_ms (attempt, 2000, -1);

      ck_assert_int_ge (pause, 0);
      ck_assert_int_le (pause, attempt > 5 ? 2000 : 100 << (attempt - 1));
      differ = differ || (i > 0 && pause != largest[attempt]);
      if (pause > largest[attempt])
        largest[attempt] = pause;
    }
  ck_assert (differ);
  ck_assert_int_gt (largest[7], 1000);
  ck_assert_int_eq (5000, transport_pause_ms (1, 2000, 5000));
}
END_TEST

Suite *transport_retry_suite (void);

Suite *
transport_retry_suite (void)
{
  Suite *suite = suite_create ("transport_retry");
  TCase *tests = tcase_create ("transport_retry");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, waits_as_long_as_the_server_asks);
  tcase_add_test (tests, gives_up_in_time);
  tcase_add_test (tests, does_not_repeat_what_may_be_done);
  tcase_add_test (tests, repeats_the_rest);
  tcase_add_loop_test (tests, reads_retry_after, 0, COUNT (retry_afters));
  tcase_add_test (tests, pauses_grow_and_differ);
  suite_add_tcase (suite, tests);
  return suite;
}
