/* Tests of requests to S3 against a server that answers, breaks off and refuses as told. */
#include "blob/s3_client.h"

#include "base/number.h"
#include "blob/s3_xml.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWERS_MAX 8
#define HEAD_BYTES 4096

/* Each request gets the next answer, word for word, and then its connection is closed. */
static struct
{
  const char *answers[ANSWERS_MAX];
  char requests[ANSWERS_MAX][HEAD_BYTES];
  _Atomic size_t count;
  int listener;
  pthread_t thread;
} server;

static struct s3_settings settings;
static struct s3_client *client;

/* Read a request: its head, and as many bytes behind it as it says. */
static void
take_request (int connection, char head[HEAD_BYTES])
{
  size_t len = 0;
  char *end = NULL;
  long left;
  const char *length;

  while (NULL == end && len < HEAD_BYTES - 1 && 1 == read (connection, head + len, 1))
  {
    head[++len] = '\0';
    end = strstr (head, "\r\n\r\n");
  }
  length = strstr (head, "Content-Length: ");
  left = NULL == length ? 0 : atol (length + strlen ("Content-Length: "));
  while (left > 0)
  {
    char body[1024];
    ssize_t got = read (connection, body, left < (long)sizeof (body) ? (size_t)left : sizeof (body));

    if (got <= 0)
      return;
    left -= got;
  }
}

static void *
serve (void *context)
{
  (void)context;
  for (;;)
  {
    int connection = accept (server.listener, NULL, NULL);
    size_t number = server.count;

    if (connection < 0 || ANSWERS_MAX == number)
      return NULL;
    take_request (connection, server.requests[number]);
    /* Before the answer: whoever has that may look. */
    server.count = number + 1;
    if (NULL != server.answers[number])
    {
      size_t left = strlen (server.answers[number]);

      ck_assert_int_eq (write (connection, server.answers[number], left), (ssize_t)left);
    }
    shutdown (connection, SHUT_RDWR);
    close (connection);
  }
}

static void
start (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t len = sizeof (address);
  static char origin[64];
  struct err err = { 0 };

  memset (server.answers, 0, sizeof (server.answers));
  server.count = 0;
  server.listener = socket (AF_INET, SOCK_STREAM, 0);
  ck_assert_int_eq (bind (server.listener, (struct sockaddr *)&address, sizeof (address)), 0);
  ck_assert_int_eq (listen (server.listener, 8), 0);
  ck_assert_int_eq (getsockname (server.listener, (struct sockaddr *)&address, &len), 0);
  snprintf (origin, sizeof (origin), "http://127.0.0.1:%d", ntohs (address.sin_port));
  settings = (struct s3_settings){ .origin = origin,
                                   .host = origin + strlen ("http://"),
                                   .root = "/bucket",
                                   .bucket = "bucket",
                                   .prefix = "",
                                   .region = "us-east-1",
                                   .access_key_id = "id",
                                   .secret_access_key = "very-secret",
                                   .session_token = "token" };
  ck_assert_int_eq (s3_client_new (&client, &settings, &err), ERR_OK);
  ck_assert_int_eq (pthread_create (&server.thread, NULL, serve, NULL), 0);
}

static void
stop (void)
{
  s3_client_free (client);
  shutdown (server.listener, SHUT_RDWR);
  pthread_join (server.thread, NULL);
  close (server.listener);
}

#define HEAD "HTTP/1.1 "
#define ANSWER(status, headers, length, body)                                                                          \
  HEAD status "\r\nConnection: close\r\nContent-Length: " length "\r\n" headers "\r\n" body
#define FINE ANSWER ("200 OK", "ETag: \"tag\"\r\n", "0", "")

static enum err_code
send_plain (struct s3_answer *answer, struct err *err)
{
  const struct s3_call call = { .method = "PUT", .key = SLICE ("k y"), .body = SLICE ("body") };

  *err = (struct err){ 0 };
  s3_answer_init (answer);
  return s3_client_send (answer, client, &call, err);
}

START_TEST (tries_again_what_may_succeed)
{
  struct s3_answer answer;
  struct err err;

  server.answers[0] = ANSWER ("503 Slow Down", "", "36", "<Error><Code>SlowDown</Code></Error>");
  server.answers[1] = NULL;
  server.answers[2] = FINE;
  ck_assert_int_eq (send_plain (&answer, &err), ERR_OK);
  ck_assert_int_eq (answer.status, 200);
  ck_assert_str_eq (answer.etag, "tag");
  ck_assert_uint_eq (server.count, 3);
  s3_answer_free (&answer);
  ck_assert_ptr_nonnull (strstr (server.requests[2], "PUT /bucket/k%20y HTTP/1.1\r\n"));
  ck_assert_ptr_nonnull (strstr (server.requests[2], "x-amz-security-token: token\r\n"));
  ck_assert_ptr_nonnull (strstr (server.requests[2], "Content-Length: 4\r\n"));
  for (size_t i = 0; i < 3; i++)
    ck_assert_ptr_null (strstr (server.requests[i], "very-secret"));
}
END_TEST

START_TEST (gives_up)
{
  struct s3_answer answer;
  struct err err;

  for (size_t i = 0; i < ANSWERS_MAX; i++)
    server.answers[i] = ANSWER ("500 Internal Server Error", "", "62",
                                "<Error><Code>InternalError</Code><Message>Oh</Message></Error>");
  ck_assert_int_eq (send_plain (&answer, &err), ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_eq (server.count, 4);
  ck_assert_str_eq (err.cause, "S3 PUT: 500 InternalError: Oh");
  ck_assert_uint_gt (err.retry_after_s, 0);
  s3_answer_free (&answer);
}
END_TEST

START_TEST (tells_refusals_at_once)
{
  static const struct
  {
    const char *answer;
    enum err_code code;
    const char *cause;
  } cases[] = {
    { ANSWER ("403 Forbidden", "", "41", "<Error><Code>AccessDenied</Code></Error>\n"), ERR_INTERNAL_ERROR,
      "S3 PUT: 403 AccessDenied" },
    { ANSWER ("403 Forbidden", "", "42", "<Error><Code>QuotaExceeded</Code></Error>\n"), ERR_INSUFFICIENT_STORAGE,
      "S3 PUT: 403 QuotaExceeded" },
    { ANSWER ("507 Insufficient Storage", "", "0", ""), ERR_INSUFFICIENT_STORAGE, "S3 PUT: 507 " },
    { ANSWER ("404 Not Found", "", "0", ""), ERR_INTERNAL_ERROR, "S3 PUT: 404 " },
    { ANSWER ("301 Moved", "Location: http://127.0.0.1:1/\r\nx-amz-bucket-region: eu-west-9\r\n", "0", ""),
      ERR_INTERNAL_ERROR, "S3 PUT: 301 ; the bucket is in region eu-west-9" },
    { ANSWER ("400 Bad Request", "", "4", "<!--"), ERR_INTERNAL_ERROR, "S3 PUT: 400 " },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct s3_answer answer;
    struct err err;

    server.answers[server.count] = cases[i].answer;
    ck_assert_int_eq (send_plain (&answer, &err), cases[i].code);
    ck_assert_str_eq (err.cause, cases[i].cause);
    ck_assert_uint_eq (server.count, i + 1);
    s3_answer_free (&answer);
  }
}
END_TEST

/* Joining and copying are answered 200 before they are done: an error comes behind it. */
START_TEST (sees_errors_behind_200)
{
  const struct s3_call call = { .method = "POST", .key = SLICE ("k"), .slow = true, .judge = true };
  struct s3_answer answer;
  struct err err = { 0 };

  server.answers[0] = ANSWER ("200 OK", "", "41", "<Error><Code>InternalError</Code></Error>");
  server.answers[1] = ANSWER ("200 OK", "", "39", "<Error><Code>InvalidPart</Code></Error>");
  server.answers[2] = FINE;
  s3_answer_init (&answer);
  ck_assert_int_eq (s3_client_send (&answer, client, &call, &err), ERR_OK);
  ck_assert_int_eq (answer.status, 400);
  ck_assert_str_eq (answer.code, "InvalidPart");
  ck_assert_uint_eq (server.count, 2);
  s3_answer_free (&answer);
}
END_TEST

/* --- ranges ----------------------------------------------------------------------------------------------------------
 */

static bool
collect (void *context, struct slice bytes)
{
  return buffer_append (context, bytes.data, bytes.len);
}

/* GET ten bytes from offset 100 (or 0) on. */
static enum err_code
get (struct s3_answer *answer, struct buffer *out, int64_t offset, struct err *err)
{
  const struct s3_call call = { .method = "GET",
                                .key = SLICE ("k"),
                                .sink = collect,
                                .sink_context = out,
                                .offset = offset,
                                .bytes = 10,
                                .judge = true };

  *err = (struct err){ 0 };
  s3_answer_init (answer);
  buffer_init (out, 100);
  return s3_client_send (answer, client, &call, err);
}

START_TEST (continues_where_it_broke_off)
{
  struct s3_answer answer;
  struct buffer out;
  struct err err;

  server.answers[0] = ANSWER ("206 Partial Content", "Content-Range: bytes 100-109/500\r\n", "10", "0123");
  server.answers[1] = ANSWER ("503 Slow Down", "", "5", "later");
  server.answers[2] = ANSWER ("206 Partial Content", "Content-Range: bytes 104-109/500\r\n", "6", "45");
  server.answers[3] = ANSWER ("206 Partial Content", "Content-Range: bytes 106-109/500\r\n", "4", "6789");
  ck_assert_msg (ERR_OK == get (&answer, &out, 100, &err), "%s", err.cause);
  ck_assert (slice_is (buffer_slice (&out), "0123456789"));
  ck_assert_int_eq (answer.size_bytes, 500);
  ck_assert_ptr_nonnull (strstr (server.requests[0], "Range: bytes=100-109\r\n"));
  ck_assert_ptr_nonnull (strstr (server.requests[2], "Range: bytes=104-109\r\n"));
  ck_assert_ptr_nonnull (strstr (server.requests[3], "Range: bytes=106-109\r\n"));
  ck_assert_uint_eq (server.count, 4);
  buffer_free (&out);
  s3_answer_free (&answer);
}
END_TEST

START_TEST (takes_no_other_bytes)
{
  static const char *const answers[] = {
    /* The whole object, as if no range had been asked for; another range; more than asked for; none named. */
    ANSWER ("200 OK", "", "10", "0123456789"),
    ANSWER ("206 Partial Content", "Content-Range: bytes 0-9/500\r\n", "10", "0123456789"),
    ANSWER ("206 Partial Content", "Content-Range: bytes 100-110/500\r\n", "11", "01234567890"),
    ANSWER ("206 Partial Content", "", "10", "0123456789"),
  };
  struct s3_answer answer;
  struct buffer out;
  struct err err;

  for (size_t i = 0; i < sizeof (answers) / sizeof (answers[0]); i++)
  {
    server.answers[i] = answers[i];
    ck_assert_int_eq (get (&answer, &out, 100, &err), ERR_INTERNAL_ERROR);
    ck_assert_uint_eq (out.len, 0);
    ck_assert_uint_eq (server.count, i + 1);
    buffer_free (&out);
    s3_answer_free (&answer);
  }
  /* From the first byte on the whole is what was asked for. */
  server.answers[4] = answers[0];
  ck_assert_int_eq (get (&answer, &out, 0, &err), ERR_OK);
  ck_assert (slice_is (buffer_slice (&out), "0123456789"));
  buffer_free (&out);
  s3_answer_free (&answer);
}
END_TEST

START_TEST (tells_what_is_missing)
{
  struct s3_answer answer;
  struct buffer out;
  struct err err;

  server.answers[0] = ANSWER ("404 Not Found", "", "37", "<Error><Code>NoSuchKey</Code></Error>");
  ck_assert_int_eq (get (&answer, &out, 100, &err), ERR_OK);
  ck_assert_int_eq (answer.status, 404);
  s3_answer_free (&answer);
  /* Of a bucket or a user that is not known one cannot say that a content is missing. */
  server.answers[1] = ANSWER ("404 Not Found", "", "40", "<Error><Code>NoSuchBucket</Code></Error>");
  ck_assert_int_eq (get (&answer, &out, 100, &err), ERR_INTERNAL_ERROR);
  s3_answer_free (&answer);
  /* An object that ends before the range does. */
  server.answers[2] = ANSWER ("206 Partial Content", "Content-Range: bytes 100-103/104\r\n", "4", "0123");
  server.answers[3] = ANSWER ("416 Range Not Satisfiable", "", "40", "<Error><Code>InvalidRange</Code></Error>");
  ck_assert_int_eq (get (&answer, &out, 100, &err), ERR_OK);
  ck_assert_int_eq (answer.status, 416);
  ck_assert_ptr_nonnull (strstr (server.requests[3], "Range: bytes=104-109\r\n"));
  buffer_free (&out);
  s3_answer_free (&answer);
}
END_TEST

/* --- XML -------------------------------------------------------------------------------------------------------------
 */

static bool
print_element (void *context, struct slice parent, struct slice name, struct slice text)
{
  return buffer_printf (context, "%.*s/%.*s=%.*s;", SLICE_ARG (parent), SLICE_ARG (name), SLICE_ARG (text));
}

START_TEST (reads_documents)
{
  static const char *const wrong[] = {
    "",
    "text",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<!DOCTYPE a><a/>",
    "<!DOCTYPE a [<!ENTITY e 'eeeeeeeeee'>]><a>&e;</a>",
    "<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>",
    "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/>",
    "<a>\xFF</a>",
  };
  struct buffer out;
  int64_t seconds = 0;

  buffer_init (&out, 1000);
  ck_assert (
      s3_xml_read (SLICE ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"u:x\"><A>1</A><B><A>&quot;2&amp;"
                          "</A></B><C/></R>"),
                   print_element, &out));
  ck_assert_str_eq (out.data, "R/A=1;B/A=\"2&;R/B=;R/C=;/R=;");
  for (size_t i = 0; i < sizeof (wrong) / sizeof (wrong[0]); i++)
    ck_assert_msg (! s3_xml_read (slice_of (wrong[i]), print_element, &out), "%s", wrong[i]);
  buffer_clear (&out);
  ck_assert (s3_xml_escape (&out, SLICE ("a<b>&\"c")));
  ck_assert_str_eq (out.data, "a&lt;b&gt;&amp;&quot;c");
  buffer_free (&out);
  ck_assert (s3_xml_time (&seconds, SLICE ("2026-11-25T22:40:12.000Z")));
  ck_assert_int_eq (seconds, 1795646412);
  ck_assert (s3_xml_time (&seconds, SLICE ("1970-01-01T00:00:01Z")));
  ck_assert_int_eq (seconds, 1);
  ck_assert (! s3_xml_time (&seconds, SLICE ("2026-11-25T22:40:12+01:00")));
  ck_assert (! s3_xml_time (&seconds, SLICE ("2026-11-25")));
  ck_assert (! s3_xml_time (&seconds, SLICE ("")));
}
END_TEST

Suite *s3_client_suite (void);

Suite *
s3_client_suite (void)
{
  Suite *suite = suite_create ("s3_client");
  TCase *requests = tcase_create ("requests");
  TCase *documents = tcase_create ("documents");

  tcase_add_checked_fixture (requests, start, stop);
  tcase_add_test (requests, tries_again_what_may_succeed);
  tcase_add_test (requests, gives_up);
  tcase_add_test (requests, tells_refusals_at_once);
  tcase_add_test (requests, sees_errors_behind_200);
  tcase_add_test (requests, continues_where_it_broke_off);
  tcase_add_test (requests, takes_no_other_bytes);
  tcase_add_test (requests, tells_what_is_missing);
  suite_add_tcase (suite, requests);
  tcase_add_test (documents, reads_documents);
  suite_add_tcase (suite, documents);
  return suite;
}
