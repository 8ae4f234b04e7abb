/* The transport, the server and what it was asked. */
#include "asked.h"

#include "base/clock.h"

#include <stdio.h>

struct tally_options *options;
struct http_server *server;
struct transport *transport;
struct transport_answer answer;
struct tally_error failure;

/* What the server saw last, and what it shall do. */
http_handler *_Atomic behaviour;
struct http_request seen;
static char seen_headers[4096];
char seen_body[4096];
atomic_uint requests;
const char *_Atomic text;
atomic_int status;

static bool
handle (void *payload, const struct http_request *request)
{
  (void)payload;
  seen = *request;
  requests = request->number;
  snprintf (seen_headers, sizeof (seen_headers), "%s", request->headers);
  snprintf (seen_body, sizeof (seen_body), "%s", request->body);
  seen.headers = seen_headers;
  seen.body = seen_body;
  return behaviour (payload, request);
}

static bool
reply_text (void *payload, const struct http_request *request)
{
  (void)payload;
  http_reply_json (request, status, text);
  return true;
}

void
connect_to (const char *url)
{
  ck_assert_int_eq (TALLY_OK, tally_options_set (options, "server", url, NULL));
  ck_assert_int_eq (TALLY_OK, transport_new (&transport, options, NULL, NULL, &failure));
}

void
set_up (void)
{
  status = 200;
  text = "{}";
  behaviour = reply_text;
  ck_assert_int_eq (TALLY_OK, tally_options_new (&options, NULL));
  server = http_server_start (handle, NULL);
}

void
tear_down (void)
{
  transport_answer_free (&answer);
  transport_free (transport, false);
  transport = NULL;
  http_server_stop (server);
  tally_options_free (options);
}

enum tally_code
get (const char *path)
{
  struct transport_request request = { .method = "GET", .path = path, .timeout_ms = 30000 };

  if (NULL == transport)
    connect_to (http_server_url (server));
  transport_answer_free (&answer);
  return transport_send (&answer, transport, &request, &failure);
}

enum tally_code
call (const char *method, bool once, int64_t deadline_ms)
{
  struct transport_request request = { .method = method, .path = "/x", .once = once };

  if (NULL == transport)
    connect_to (http_server_url (server));
  transport_answer_free (&answer);
  return transport_call (&answer, transport, &request, deadline_ms, &failure);
}

int64_t
now_ms (void)
{
  return (int64_t)(clock_monotonic_us () / 1000);
}
