/* Tests of requests: what is sent, what answers mean, and servers that answer wrongly. */
#include "asked.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

START_TEST (sends_what_it_should)
{
  struct transport_request request = { .method = "POST",
                                       .path = "/api/2.0/x?a=%20",
                                       .body = SLICE ("{\"a\":1}"),
                                       .headers = (const char *const[]){ "X-One: 1", NULL } };

  tally_options_set (options, "token", "secret", NULL);
  tally_options_set (options, "workspace", "team", NULL);
  connect_to (http_server_url (server));
  ck_assert_int_eq (TALLY_OK, transport_send (&answer, transport, &request, &failure));
  ck_assert_str_eq ("POST", seen.method);
  ck_assert_str_eq ("/api/2.0/x?a=%20", seen.path);
  ck_assert_str_eq ("{\"a\":1}", seen_body);
  ck_assert (http_has_header (&seen, "Authorization: Bearer secret\r\n"));
  ck_assert (http_has_header (&seen, "X-MLFLOW-WORKSPACE: team\r\n"));
  ck_assert (http_has_header (&seen, "Content-Type: application/json\r\n"));
  ck_assert (http_has_header (&seen, "User-Agent: tally/"));
  ck_assert (http_has_header (&seen, "X-One: 1\r\n"));
  ck_assert (http_has_header (&seen, "Accept-Encoding: "));
  ck_assert (! http_has_header (&seen, "Expect"));
  ck_assert_str_eq ("{}", answer.body.data);
  ck_assert_int_eq (200, answer.status);
}
END_TEST

START_TEST (prefixes_and_basic)
{
  char url[128];

  snprintf (url, sizeof (url), "http://bob:p%%40ss@127.0.0.1:%u/base/", http_server_port (server));
  connect_to (url);
  ck_assert_ptr_null (strchr (transport_server (transport), '@'));
  ck_assert_int_eq (TALLY_OK, get ("/api"));
  ck_assert_str_eq ("/base/api", seen.path);
  /* bob:p@ss */
  ck_assert (http_has_header (&seen, "Authorization: Basic Ym9iOnBAc3M=\r\n"));
}
END_TEST

START_TEST (other_hosts_get_no_credentials)
{
  struct transport *other = NULL;
  struct transport_request request = { .method = "GET", .path = "/x" };
  struct transport_request signed_one = { .method = "GET" };
  char url[128];

  tally_options_set (options, "token", "secret", NULL);
  tally_options_set (options, "workspace", "team", NULL);
  connect_to ("http://127.0.0.2:1");
  ck_assert_int_eq (TALLY_OK, transport_new (&other, options, http_server_url (server), "theirs", &failure));
  ck_assert_int_eq (TALLY_OK, transport_send (&answer, other, &request, &failure));
  ck_assert (! http_has_header (&seen, "Authorization"));
  ck_assert (http_has_header (&seen, "X-MLFLOW-WORKSPACE: theirs"));
  transport_free (other, false);
  transport_free (transport, false);
  connect_to (http_server_url (server));
  snprintf (url, sizeof (url), "%s/part?signature=1", http_server_url (server));
  signed_one.url = url;
  transport_answer_free (&answer);
  ck_assert_int_eq (TALLY_OK, transport_send (&answer, transport, &signed_one, &failure));
  ck_assert_str_eq ("/part?signature=1", seen.path);
  ck_assert (! http_has_header (&seen, "Authorization"));
  ck_assert (! http_has_header (&seen, "X-MLFLOW-WORKSPACE"));
}
END_TEST

START_TEST (keeps_connections)
{
  for (unsigned i = 0; i < 20; i++)
    ck_assert_int_eq (TALLY_OK, get ("/x"));
  ck_assert_uint_eq (1, http_server_connections (server));
}
END_TEST

static const char *const wrong_addresses[] = { "/tmp/mlruns",   "databricks",  "ftp://host/",
                                               "file:///tmp/x", "http://",     "localhost:5000",
                                               "http://h/?a=b", "http://h/#x", "http://a b/" };

START_TEST (refuses_what_is_no_address)
{
  tally_options_set (options, "server", wrong_addresses[_i], NULL);
  ck_assert_int_eq (TALLY_ERROR_CONFIGURATION, transport_new (&transport, options, NULL, NULL, &failure));
  ck_assert_ptr_null (transport);
}
END_TEST

static const struct
{
  int status;
  const char *body;
  enum tally_code code;
  bool retryable;
} refusals[] = {
  { 400, "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"the text\"}", TALLY_ERROR_REFUSED, false },
  { 400, "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",\"message\":\"the text\"}", TALLY_ERROR_EXISTS, false },
  { 401, "{\"error_code\":\"UNAUTHENTICATED\",\"message\":\"the text\"}", TALLY_ERROR_UNAUTHENTICATED, false },
  { 403, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"the text\"}", TALLY_ERROR_FORBIDDEN, false },
  { 404, "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"the text\"}", TALLY_ERROR_NOT_FOUND, false },
  { 404, "{\"error_code\":\"ENDPOINT_NOT_FOUND\",\"message\":\"the text\"}", TALLY_ERROR_UNSUPPORTED, false },
  { 409, "{\"error_code\":\"RESOURCE_CONFLICT\",\"message\":\"the text\"}", TALLY_ERROR_CONFLICT, false },
  { 409, "{\"error_code\":\"RESOURCE_CONFLICT\",\"message\":\"the text\",\"missing\":[]}", TALLY_ERROR_GATE, false },
  { 429, "{\"error_code\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"the text\"}", TALLY_ERROR_OVERLOADED, true },
  { 500, "{\"error_code\":\"INTERNAL_ERROR\",\"message\":\"the text\"}", TALLY_ERROR_SERVER, true },
  { 501, "{\"error_code\":\"NOT_IMPLEMENTED\",\"message\":\"the text\"}", TALLY_ERROR_UNSUPPORTED, false },
  { 503, "{\"error_code\":\"TEMPORARILY_UNAVAILABLE\",\"message\":\"the text\"}", TALLY_ERROR_OVERLOADED, true },
};

START_TEST (tells_refusals_apart)
{
  status = refusals[_i].status;
  text = refusals[_i].body;
  ck_assert_int_eq (refusals[_i].code, get ("/x"));
  ck_assert_int_eq (refusals[_i].code, failure.code);
  ck_assert_int_eq (refusals[_i].retryable, failure.retryable);
  ck_assert_int_eq (status, failure.http_status);
  ck_assert_str_eq ("the text", failure.message);
  ck_assert_ptr_nonnull (strstr (text, failure.server_code));
  ck_assert_int_ne ('\0', failure.server_code[0]);
}
END_TEST

static bool
reply_html (void *payload, const struct http_request *request)
{
  (void)payload;
  http_reply (request, status, "text/html", "", "<html><body>Log in to the network</body></html>");
  return true;
}

static const struct
{
  int status;
  enum tally_code code;
  bool retryable;
} pages[] = { { 200, TALLY_ERROR_PROTOCOL, true },  { 400, TALLY_ERROR_PROTOCOL, false },
              { 404, TALLY_ERROR_PROTOCOL, false }, { 401, TALLY_ERROR_UNAUTHENTICATED, false },
              { 413, TALLY_ERROR_REFUSED, false },  { 502, TALLY_ERROR_SERVER, true },
              { 503, TALLY_ERROR_OVERLOADED, true } };

START_TEST (shows_no_html)
{
  behaviour = reply_html;
  status = pages[_i].status;
  ck_assert_int_eq (pages[_i].code, get ("/api/2.0/x"));
  ck_assert_int_eq (pages[_i].retryable, failure.retryable);
  ck_assert_ptr_null (strchr (failure.message, '<'));
  ck_assert_ptr_null (strstr (failure.message, "Log in"));
}
END_TEST

START_TEST (pages_outside_of_the_api_are_text)
{
  /* MLflow's server calls its version text/html. */
  behaviour = reply_html;
  ck_assert_int_eq (TALLY_OK, get ("/version"));
}
END_TEST

static bool
reply_redirect (void *payload, const struct http_request *request)
{
  (void)payload;
  http_reply (request, 302, "text/plain", "Location: http://u:secret@elsewhere.example/in?token=secret#x\r\n", "");
  return true;
}

START_TEST (follows_no_redirect)
{
  behaviour = reply_redirect;
  ck_assert_int_eq (TALLY_ERROR_PROTOCOL, get ("/x"));
  ck_assert_ptr_nonnull (strstr (failure.message, "http://elsewhere.example/in"));
  ck_assert_ptr_null (strstr (failure.message, "secret"));
  ck_assert (! failure.retryable);
  ck_assert_uint_eq (1, requests);
}
END_TEST

static bool
reply_raw (void *payload, const struct http_request *request)
{
  (void)payload;
  http_write (request, text, strlen (text));
  return false;
}

/* Answers that are none, and what they mean. */
static const struct
{
  const char *bytes;
  enum tally_code code;
} broken[] = {
  { "", TALLY_ERROR_UNREACHABLE },
  { "SSH-2.0-OpenSSH_9.2\r\n", TALLY_ERROR_PROTOCOL },
  { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", TALLY_ERROR_PROTOCOL },
  { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", TALLY_ERROR_PROTOCOL },
  { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", TALLY_ERROR_UNREACHABLE },
  { "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", TALLY_ERROR_PROTOCOL },
  { "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", TALLY_ERROR_PROTOCOL },
  { "HTTP/1.1 200", TALLY_ERROR_UNREACHABLE },
};

START_TEST (broken_answers_may_be_tried_again)
{
  behaviour = reply_raw;
  text = broken[_i].bytes;
  ck_assert_int_ne (TALLY_OK, get ("/x"));
  ck_assert_msg (broken[_i].code == failure.code, "%s for '%s': %s", tally_code_name (failure.code), text,
                 failure.message);
  ck_assert (failure.retryable);
}
END_TEST

/* What web servers answer to plain HTTP on a port of TLS. */
static const char *const tls_answers[] = {
  "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 76\r\n\r\n"
  "{\"error_code\": \"BAD_REQUEST\", \"message\": \"This port speaks TLS: use https.\"}",
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
  "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
  "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html; charset=iso-8859-1\r\nConnection: close\r\n\r\n"
  "<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />Instead use the HTTPS scheme</p>",
};

START_TEST (tells_of_a_server_that_wants_tls)
{
  char wanted[256];

  behaviour = reply_raw;
  text = tls_answers[_i];
  ck_assert_int_eq (TALLY_ERROR_UNREACHABLE, get ("/api/2.0/x"));
  snprintf (wanted, sizeof (wanted), "http://127.0.0.1:%u: the server speaks TLS there. Is https://127.0.0.1:%u meant?",
            http_server_port (server), http_server_port (server));
  ck_assert_str_eq (wanted, failure.message);
  ck_assert (! failure.retryable);
}
END_TEST

/* Others close the connection: that may be anything, and pass. */
START_TEST (a_closed_connection_may_want_tls)
{
  behaviour = reply_raw;
  text = "";
  ck_assert_int_eq (TALLY_ERROR_UNREACHABLE, get ("/x"));
  ck_assert_ptr_nonnull (strstr (failure.message, "If it speaks TLS there, the address begins with https://."));
  ck_assert (failure.retryable);
  text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}";
  ck_assert_int_eq (TALLY_ERROR_PROTOCOL, get ("/x"));
  ck_assert_ptr_null (strstr (failure.message, "TLS"));
}
END_TEST

static bool
reply_endless_body (void *payload, const struct http_request *request)
{
  static char block[65536];

  (void)payload;
  http_write (request, "HTTP/1.1 200 OK\r\n\r\n", 19);
  while (http_write (request, block, sizeof (block)))
    ;
  return false;
}

static bool
reply_endless_headers (void *payload, const struct http_request *request)
{
  (void)payload;
  http_write (request, "HTTP/1.1 200 OK\r\n", 17);
  while (http_write (request, "X-More: and more and more\r\n", 27))
    ;
  return false;
}

static bool
reply_endless_error (void *payload, const struct http_request *request)
{
  static char block[65536];

  (void)payload;
  http_write (request, "HTTP/1.1 503 No\r\n\r\n", 19);
  while (http_write (request, block, sizeof (block)))
    ;
  return false;
}

START_TEST (endless_answers_end)
{
  behaviour = reply_endless_body;
  ck_assert_int_eq (TALLY_ERROR_PROTOCOL, get ("/x"));
  behaviour = reply_endless_headers;
  ck_assert_int_eq (TALLY_ERROR_PROTOCOL, get ("/x"));
  behaviour = reply_endless_error;
  ck_assert_int_eq (TALLY_ERROR_OVERLOADED, get ("/x"));
}
END_TEST

static bool
reply_never (void *payload, const struct http_request *request)
{
  char byte;

  (void)payload;
  return read (request->connection, &byte, 1) > 0;
}

/* Else it would not end at all. */
START_TEST (ends_in_time)
{
  struct transport_request request = { .method = "GET", .path = "/x", .timeout_ms = 200 };

  behaviour = reply_never;
  connect_to (http_server_url (server));
  ck_assert_int_eq (TALLY_ERROR_TIMEOUT, transport_send (&answer, transport, &request, &failure));
  ck_assert (failure.retryable);
}
END_TEST

static void *
cancel_soon (void *payload)
{
  (void)payload;
  while (0 == atomic_load (&requests))
    usleep (10000);
  transport_cancel (transport);
  return NULL;
}

START_TEST (is_cancelled_at_once)
{
  struct transport_request request = { .method = "GET", .path = "/x", .timeout_ms = 600000 };
  pthread_t thread;

  behaviour = reply_never;
  connect_to (http_server_url (server));
  ck_assert_int_eq (0, pthread_create (&thread, NULL, cancel_soon, NULL));
  ck_assert_int_eq (TALLY_ERROR_CANCELLED, transport_send (&answer, transport, &request, &failure));
  pthread_join (thread, NULL);
  ck_assert_int_eq (TALLY_ERROR_CANCELLED, get ("/x"));
  ck_assert (! transport_sleep (transport, 600000));
}
END_TEST

#define DIGEST "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"

static bool
reply_etag (void *payload, const struct http_request *request)
{
  (void)payload;
  http_reply (request, 200, "text/plain", text, "");
  return true;
}

START_TEST (finds_digests)
{
  behaviour = reply_etag;
  text = "ETag: \"" DIGEST "\"\r\n";
  ck_assert_int_eq (TALLY_OK, get ("/x"));
  ck_assert_str_eq (DIGEST, answer.digest);
  text = "Repr-Digest: sha-512=:AAAA:, sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:\r\nETag: \"abc\"\r\n";
  ck_assert_int_eq (TALLY_OK, get ("/x"));
  ck_assert_str_eq (DIGEST, answer.digest);
  text = "ETag: W/\"" DIGEST "\"\r\n";
  ck_assert_int_eq (TALLY_OK, get ("/x"));
  ck_assert_str_eq ("", answer.digest);
}
END_TEST

static bool
sink (void *payload, const void *data, size_t bytes)
{
  struct buffer *out = payload;

  return buffer_append (out, data, bytes);
}

static bool
sink_full (void *payload, const void *data, size_t bytes)
{
  (void)payload;
  (void)data;
  (void)bytes;
  error_set (&failure, TALLY_ERROR_FILE, "The disk is full.");
  return false;
}

START_TEST (bodies_go_to_the_sink)
{
  struct buffer out;
  struct transport_request request = { .method = "GET", .path = "/x", .sink = sink, .payload = &out };

  buffer_init (&out, 1024);
  connect_to (http_server_url (server));
  text = "the file";
  ck_assert_int_eq (TALLY_OK, transport_send (&answer, transport, &request, &failure));
  ck_assert_str_eq ("the file", out.data);
  ck_assert (! http_has_header (&seen, "Accept-Encoding"));
  ck_assert_int_eq (8, answer.content_length);
  transport_answer_free (&answer);
  /* An error's body does not. */
  status = 404;
  text = "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"no\"}";
  ck_assert_int_eq (TALLY_ERROR_NOT_FOUND, transport_send (&answer, transport, &request, &failure));
  ck_assert_uint_eq (8, out.len);
  transport_answer_free (&answer);
  status = 200;
  request.sink = sink_full;
  failure.code = TALLY_ERROR_BUSY;
  ck_assert_int_eq (TALLY_ERROR_FILE, transport_send (&answer, transport, &request, &failure));
  ck_assert_str_eq ("The disk is full.", failure.message);
  buffer_free (&out);
}
END_TEST

START_TEST (sends_parts_of_files)
{
  char path[] = "/tmp/tally-test.XXXXXX";
  struct transport_request request = {
    .method = "PUT", .path = "/x", .is_file = true, .file_offset = 2, .file_bytes = 3
  };

  request.file = mkstemp (path);
  ck_assert_int_ge (request.file, 0);
  unlink (path);
  ck_assert_int_eq (7, write (request.file, "0123456", 7));
  connect_to (http_server_url (server));
  ck_assert_int_eq (TALLY_OK, transport_send (&answer, transport, &request, &failure));
  ck_assert_str_eq ("PUT", seen.method);
  ck_assert_str_eq ("234", seen_body);
  transport_answer_free (&answer);
  request.file_offset = 0;
  request.file_bytes = 0;
  ck_assert_int_eq (TALLY_OK, transport_send (&answer, transport, &request, &failure));
  ck_assert_uint_eq (0, seen.body_bytes);
  transport_answer_free (&answer);
  /* A file that became shorter. */
  request.file_bytes = 100;
  ck_assert_int_eq (TALLY_ERROR_FILE, transport_send (&answer, transport, &request, &failure));
  close (request.file);
}
END_TEST

static bool
count_and_stop (void *payload, uint64_t sent_bytes, uint64_t received_bytes)
{
  unsigned *calls = payload;

  (void)sent_bytes;
  (void)received_bytes;
  return ++*calls < 3;
}

START_TEST (progress_can_stop_it)
{
  unsigned calls = 0;
  struct transport_request request = {
    .method = "GET", .path = "/x", .progress = count_and_stop, .payload = &calls, .timeout_ms = 600000
  };

  behaviour = reply_never;
  connect_to (http_server_url (server));
  ck_assert_int_eq (TALLY_ERROR_CANCELLED, transport_send (&answer, transport, &request, &failure));
  ck_assert_uint_eq (3, calls);
}
END_TEST

START_TEST (nobody_there)
{
  connect_to ("http://127.0.0.1:1");
  ck_assert_int_eq (TALLY_ERROR_UNREACHABLE, get ("/x"));
  ck_assert (failure.retryable);
  ck_assert (! answer.sent);
  ck_assert_int_eq (0, answer.status);
  transport_free (transport, false);
  /* A part of a name is at most 63 characters long: no name server is asked, nor waited for. */
  connect_to ("http://aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd.invalid");
  ck_assert_int_eq (TALLY_ERROR_UNREACHABLE, get ("/x"));
}
END_TEST

Suite *transport_suite (void);

Suite *
transport_suite (void)
{
  Suite *suite = suite_create ("transport");
  TCase *tests = tcase_create ("transport");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, sends_what_it_should);
  tcase_add_test (tests, prefixes_and_basic);
  tcase_add_test (tests, other_hosts_get_no_credentials);
  tcase_add_test (tests, keeps_connections);
  tcase_add_loop_test (tests, refuses_what_is_no_address, 0, COUNT (wrong_addresses));
  tcase_add_loop_test (tests, tells_refusals_apart, 0, COUNT (refusals));
  tcase_add_loop_test (tests, shows_no_html, 0, COUNT (pages));
  tcase_add_test (tests, pages_outside_of_the_api_are_text);
  tcase_add_test (tests, follows_no_redirect);
  tcase_add_loop_test (tests, broken_answers_may_be_tried_again, 0, COUNT (broken));
  tcase_add_loop_test (tests, tells_of_a_server_that_wants_tls, 0, COUNT (tls_answers));
  tcase_add_test (tests, a_closed_connection_may_want_tls);
  tcase_add_test (tests, endless_answers_end);
  tcase_add_test (tests, ends_in_time);
  tcase_add_test (tests, is_cancelled_at_once);
  tcase_add_test (tests, finds_digests);
  tcase_add_test (tests, bodies_go_to_the_sink);
  tcase_add_test (tests, sends_parts_of_files);
  tcase_add_test (tests, progress_can_stop_it);
  tcase_add_test (tests, nobody_there);
  suite_add_tcase (suite, tests);
  return suite;
}
