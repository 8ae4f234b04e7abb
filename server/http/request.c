/* The life of a request: first line, headers, body, hand-over, answer, log line.

   DESIGN
   request_step is the only place where a request changes state on its connection's thread. What another thread does
   between REQUEST_TAKING or REQUEST_WAITING and the resume is confined to the call (see api/call.h). */
#include "http/request.h"

#include "api/arguments.h"
#include "api/route_stats.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/url.h"
#include "http/body.h"
#include "http/guard.h"
#include "http/peer.h"
#include "http/poller.h"
#include "http/router.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
make_id (struct request *request)
{
  struct http_server *server = request->server;
  uint64_t number = atomic_fetch_add (&server->next_id, 1);
  static const char digits[] = "0123456789abcdef";

  memcpy (request->id, server->id_prefix, sizeof (server->id_prefix));
  for (int i = 15; i >= 8; i--, number >>= 4)
    request->id[i] = digits[number & 15];
}

void
client_set_phase (struct client *client, enum client_phase phase)
{
  atomic_store_explicit (&client->since_us, clock_monotonic_us (), memory_order_relaxed);
  atomic_store_explicit (&client->phase, phase, memory_order_relaxed);
}

static void
set_phase (struct request *request, enum client_phase phase)
{
  if (NULL != request->client)
    client_set_phase (request->client, phase);
}

/* Give a waiting call back to its connection. */
static void
resume (struct api_call *call)
{
  struct request *request = (struct request *)call;

  poller_resume (request->poller, request->connection);
}

struct request *
request_new (struct http_server *server, struct poller *poller, struct MHD_Connection *connection, const char *target)
{
  struct request *request = calloc (1, sizeof (*request));
  const struct config *config = server->config;
  const union MHD_ConnectionInfo *info;

  if (NULL == request)
    return NULL;
  request->server = server;
  request->poller = poller;
  request->connection = connection;
  request->call.service = server->service;
  request->call.resume = resume;
  request->call.arena = arena_new ((size_t)config->max_response_bytes);
  if (NULL == request->call.arena)
  {
    free (request);
    return NULL;
  }
  request->started_us = clock_monotonic_us ();
  request->target_bytes = strlen (target);
  if (request->target_bytes <= (size_t)config->max_url_bytes)
    request->target = arena_copy (request->call.arena, target, request->target_bytes);
  buffer_init (&request->call.reply, (size_t)config->max_response_bytes);
  make_id (request);
  info = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  request->client = NULL == info ? NULL : info->socket_context;
  atomic_fetch_add (&server->in_flight, 1);
  stats_add (&stats.requests_in_flight, 1);
  set_phase (request, CLIENT_READING);
  return request;
}

static void
log_request (const struct request *request, uint64_t duration_us)
{
  const struct api_call *call = &request->call;
  const char *route = NULL != call->route ? route_name (call->route) : NULL != request->file ? "static" : "unmatched";
  struct log_field fields[11];
  size_t count = 0;

  fields[count++] = LOG_TEXT ("id", request->id);
  fields[count++] = LOG_SLICE ("method", request->method);
  fields[count++] = LOG_TEXT ("route", route);
  fields[count++] = LOG_NUMBER ("status", call->status);
  fields[count++] = LOG_NUMBER ("in_bytes", request->body_total);
  fields[count++] = LOG_NUMBER ("out_bytes", request->response_bytes);
  fields[count++] = LOG_NUMBER ("us", duration_us);
  fields[count++] = LOG_NUMBER ("database_us", call->database_us);
  if (NULL != call->credentials && call->credentials->address.len > 0)
    fields[count++] = LOG_SLICE ("client", call->credentials->address);
  if (ERR_OK != call->err.code)
    fields[count++] = LOG_TEXT ("error", err_name (call->err.code));
  if ('\0' != call->err.cause[0])
    fields[count++] = LOG_TEXT ("cause", call->err.cause);
  else if (request->streamed && ! request->stream_ended && ERR_OK == call->err.code)
    fields[count++] = LOG_TEXT ("cause", "the client did not take the whole answer");
  log_fields (EVENT_request, fields, count);
  if (err_is_ours (call->err.code))
    log_line (EVENT_request_failed, LOG_TEXT ("id", request->id), LOG_TEXT ("route", route),
              LOG_TEXT ("error", err_name (call->err.code)), LOG_TEXT ("message", call->err.message),
              LOG_TEXT ("cause", call->err.cause));
}

void
request_free (struct request *request)
{
  uint64_t duration_us = clock_monotonic_us () - request->started_us;
  struct http_server *server = request->server;

  /* A connection that broke before an answer was queued has no status. */
  if (REQUEST_ANSWERED == request->state)
  {
    if (log_wanted (EVENT_request) || err_is_ours (request->call.err.code))
      log_request (request, duration_us);
    /* An answer that broke off counts as its error does, though its status was sent before. */
    route_stats_add (request->call.route, NULL != request->file ? ROUTE_STATS_STATIC : ROUTE_STATS_UNMATCHED,
                     ERR_OK == request->call.err.code ? request->call.status : err_http_status (request->call.err.code),
                     request->body_total, request->response_bytes, duration_us);
  }
  body_count (request);
  set_phase (request, CLIENT_IDLE);
  atomic_fetch_sub (&server->body_bytes, request->body_reserved);
  if (NULL != request->call.drop)
    request->call.drop (&request->call);
  if (request->call.has_file)
    (void)close (request->call.file_fd);
  json_decref (request->call.arguments);
  buffer_free (&request->call.reply);
  buffer_free (&request->body);
  arena_free (request->call.arena);
  free (request);
  stats_add (&stats.requests_in_flight, -1);
  /* Last, because whoever stops the server waits for it. */
  atomic_fetch_sub (&server->in_flight, 1);
}

const char *
request_header (const struct request *request, const char *name)
{
  const char *value = MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, name);

  return NULL == value ? "" : value;
}

bool
request_changes_state (const struct request *request)
{
  return slice_is (request->method, "POST") || slice_is (request->method, "PUT") || slice_is (request->method, "PATCH")
         || slice_is (request->method, "DELETE");
}

/* Host and Origin. Health and version are for probes that know no name. */
static enum err_code
check_guards (const struct request *request, struct err *err)
{
  const struct config *config = request->server->config;
  struct slice host = slice_of (request_header (request, MHD_HTTP_HEADER_HOST));
  enum err_code code = ERR_OK;

  if (! slice_is (request->path, "/health") && ! slice_is (request->path, "/version"))
    code = guard_check_host (host, config->allowed_hosts, err);
  if (ERR_OK == code && request_changes_state (request))
    code = guard_check_origin (slice_of (request_header (request, MHD_HTTP_HEADER_ORIGIN)), host,
                               config->allowed_origins, err);
  return code;
}

static enum err_code
check_content_type (const struct request *request, struct err *err)
{
  static const char json[] = "application/json";
  const char *type = MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
  size_t length;

  if (BODY_NONE == request->call.route->body || body_is_stream (request)
      || (METHOD_POST != request->call.route->method && METHOD_PUT != request->call.route->method))
    return ERR_OK;
  if (NULL == type)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Bad Request. Content-Type header is missing.");
  length = strcspn (type, "; \t");
  if (sizeof (json) - 1 == length && 0 == strncasecmp (type, json, length))
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Bad Request. Content-Type must be one of ['application/json'].");
}

static enum err_code
not_found (const struct request *request, struct err *err)
{
  if (slice_is (request->path, "/") && ! web_exists (request->server->web))
    return err_set (err, ERR_ENDPOINT_NOT_FOUND,
                    "The dashboard is not installed (see the setting web-root); the API is at /api/2.0/mlflow.");
  return err_set (err, ERR_ENDPOINT_NOT_FOUND, "There is no endpoint %.*s.", SLICE_ARG (request->path));
}

static enum err_code
not_allowed (const struct request *request, struct err *err)
{
  return err_set (err, ERR_METHOD_NOT_ALLOWED, "Method %.*s is not allowed here; allowed are %s.",
                  SLICE_ARG (request->method), request->allow);
}

/* What routes of the artifact and login lanes may read; the texts are the library's and last as long as the request. */
static void
note_headers (struct request *request)
{
  static const char *const names[CALL_HEADER_COUNT] = {
    [CALL_RANGE] = MHD_HTTP_HEADER_RANGE,
    [CALL_IF_RANGE] = MHD_HTTP_HEADER_IF_RANGE,
    [CALL_IF_NONE_MATCH] = MHD_HTTP_HEADER_IF_NONE_MATCH,
    [CALL_CONTENT_TYPE] = MHD_HTTP_HEADER_CONTENT_TYPE,
    [CALL_CONTENT_DIGEST] = "Content-Digest",
    [CALL_REPR_DIGEST] = "Repr-Digest",
    [CALL_CONTENT_LENGTH] = MHD_HTTP_HEADER_CONTENT_LENGTH,
    [CALL_HOST] = MHD_HTTP_HEADER_HOST,
    [CALL_ACCEPT] = MHD_HTTP_HEADER_ACCEPT,
  };

  for (size_t i = 0; i < CALL_HEADER_COUNT; i++)
    if (NULL != names[i])
      request->call.headers[i] =
          slice_of (MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, names[i]));
  request->call.headers[CALL_FORWARDED_PROTO] = peer_forwarded_proto (request);
}

/* Which route or file is meant. */
static enum err_code
find_route (struct request *request, struct err *err)
{
  struct http_server *server = request->server;
  struct api_call *call = &request->call;
  struct router_match match;
  struct slice full = request->path;

  router_find (&match, request->method, full, server->static_prefix, call->arena);
  if (match.malformed)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The path of the URL is not valid: every %% is followed by two hexadecimal digits, and the text is "
                    "UTF-8 without U+0000.");
  request->path = router_strip_prefix (full, server->static_prefix);
  request->is_head = slice_is (request->method, "HEAD");
  request->is_options = slice_is (request->method, "OPTIONS");
  if (! match.path_known)
  {
    request->file = web_find (server->web, request->path);
    if (NULL == request->file)
      return not_found (request, err);
    request->allow = "GET, HEAD, OPTIONS";
    request->lacks_slash = server->static_prefix.len > 0 && slice_equal (full, server->static_prefix);
    if (request->is_options || request->is_head || slice_is (request->method, "GET"))
      return ERR_OK;
    request->file = NULL;
    return not_allowed (request, err);
  }
  request->allow = arena_printf (call->arena, "%s", match.allow);
  if (NULL == request->allow)
    request->allow = "OPTIONS";
  if (request->is_options)
    return ERR_OK;
  if (NULL == match.route)
    return not_allowed (request, err);
  call->route = match.route;
  call->target = full;
  call->is_head = request->is_head;
  memcpy (call->path_values, match.values, sizeof (call->path_values));
  if (LANE_WORK != match.route->lane)
    note_headers (request);
  call->arguments_in_query = METHOD_GET == match.route->method;
  return ERR_OK;
}

/* Everything that can be judged before the body: ERR_OK means that the body may come. */
static enum err_code
accept_headers (struct request *request, const char *method, struct err *err)
{
  struct slice path = { NULL, 0 };
  enum err_code code = ERR_OK;

  request->method = slice_of (arena_printf (request->call.arena, "%.32s", method));
  if (NULL == request->target)
    code = err_set (err, ERR_URI_TOO_LONG, "The URL has %zu bytes; the limit is %lld bytes.", request->target_bytes,
                    (long long)request->server->config->max_url_bytes);
  else if (! url_split ((struct slice){ request->target, request->target_bytes }, &path, &request->call.query))
    code = err_set (err, ERR_BAD_REQUEST, "The URL is not valid.");
  request->path = path;
  if (ERR_OK == code)
  {
    struct slice full = path;

    request->path = router_strip_prefix (full, request->server->static_prefix);
    code = check_guards (request, err);
    request->path = full;
  }
  if (ERR_OK == code)
    code = find_route (request, err);
  if (ERR_OK == code && NULL != request->call.route)
    code = body_check_size (request, err);
  if (ERR_OK == code && NULL != request->call.route)
    code = check_content_type (request, err);
  return code;
}

/* The figure of requests that wait in a lane. */
static _Atomic int64_t *
waiting_in (enum route_lane lane)
{
  static _Atomic int64_t *const figures[LANE_COUNT] = { &stats.work_queue, &stats.artifact_queue, &stats.login_queue };

  return figures[lane];
}

static struct queue *
queue_of (struct http_server *server, enum route_lane lane)
{
  struct queue *const queues[LANE_COUNT] = { &server->work, &server->bytes, &server->login };

  return queues[lane];
}

/* Who floods the logins slows the logins: others are not told that the server is busy. */
static void
refuse_login (struct err *err)
{
  (void)err_set (err, ERR_REQUEST_LIMIT_EXCEEDED, "Too many logins at once; try again shortly.");
  err->retry_after_s = 1;
}

/* Give the suspended request to a thread of a lane; the first time, or for the next piece of its body or answer. */
static void
push_work (struct request *request, enum route_lane lane, bool (*push) (struct queue *queue, struct queue_entry *entry))
{
  request->lane = lane;
  request->entry.bytes = request->body.len + sizeof (*request);
  stats_add (waiting_in (lane), 1);
  if (push (queue_of (request->server, lane), &request->entry))
    return;
  stats_add (waiting_in (lane), -1);
  if (LANE_LOGIN == lane)
    refuse_login (&request->call.err);
  else
    (void)api_busy (&request->call.err);
  poller_resume (request->poller, request->connection);
}

static void
start_budget (struct request *request)
{
  request->call.deadline_us = clock_monotonic_us () + (uint64_t)request->server->config->work_timeout_ms * 1000;
}

/* The lane of the request's route; without authentication there are no threads for logins. */
static enum route_lane
lane_of (const struct request *request)
{
  enum route_lane lane = request->call.route->lane;

  return LANE_LOGIN == lane && ! request->server->config->auth ? LANE_WORK : lane;
}

void
request_next_piece (struct request *request)
{
  start_budget (request);
  /* Suspended before it is given away, as in dispatch. */
  MHD_suspend_connection (request->connection);
  /* Past the limits of the queue: the answer was admitted when it began, breaking it off now would throw away what was
     done for it and make the client ask for all of it again, and waiting for room would need a clock here. There is at
     most one entry for each connection, and while they make the queue long, new requests are refused. */
  push_work (request, lane_of (request), queue_push_again);
}

/* A piece of a streamed body is full. */
static void
hand_piece (struct request *request)
{
  request->call.body = buffer_slice (&request->body);
  start_budget (request);
  set_phase (request, CLIENT_WORKING);
  request->state = REQUEST_TAKING;
  /* Suspended before it is given away, as in dispatch. */
  MHD_suspend_connection (request->connection);
  /* The upload was let in when it began: it goes on past the limits of the queue, like the pieces of an answer. */
  push_work (request, lane_of (request), queue_push_again);
}

/* The whole request is here. */
static enum MHD_Result
dispatch (struct request *request)
{
  struct api_call *call = &request->call;
  const struct route *route = call->route;
  enum api_next next;

  set_phase (request, CLIENT_WORKING);
  if (request->refused || request->is_options || NULL != request->file)
    return reply_send (request);
  if (request->body_too_large || request->body_refused)
  {
    (void)(request->body_too_large ? body_too_large (request, &call->err) : body_no_room (&call->err));
    return reply_send (request);
  }
  /* A piece of the body failed. */
  if (ERR_OK != call->err.code)
    return reply_send (request);
  call->body = NULL == request->body.data ? SLICE ("") : buffer_slice (&request->body);
  start_budget (request);
  if (NULL == route->handle)
  {
    /* Never leaves this thread. */
    (void)route->admit (call);
    return reply_send (request);
  }
  /* Suspended before it is given away, because the other thread may be done with it at once. */
  request->state = REQUEST_WAITING;
  MHD_suspend_connection (request->connection);
  next = NULL == route->admit ? API_WORK : route->admit (call);
  if (API_WORK == next)
    push_work (request, lane_of (request), queue_push);
  else if (API_DONE == next)
    poller_resume (request->poller, request->connection);
  return MHD_YES;
}

static enum MHD_Result
finish (struct request *request)
{
  struct api_call *call = &request->call;

  if (ERR_OK == call->err.code && NULL != call->finish)
    (void)call->finish (call, &call->err);
  if (! call->handle_next)
    return reply_send (request);
  call->handle_next = false;
  call->finish = NULL;
  /* Suspended before it is given away, as in dispatch. */
  request->state = REQUEST_WAITING;
  MHD_suspend_connection (request->connection);
  push_work (request, lane_of (request), queue_push);
  return MHD_YES;
}

/* The headers are refused. When the answer goes out before the body, the connection ends with it. */
static enum MHD_Result
refuse (struct request *request)
{
  request->refused = true;
  if (! body_must_answer_now (request))
    return MHD_YES;
  if (NULL != request->client)
    request->client->lingers = true;
  return reply_send (request);
}

/* The headers are accepted: find out who sends the request, and whether he may, before any byte of the body is taken.
 */
static enum MHD_Result
enter (struct request *request)
{
  enum gate_next next;

  if (NULL == request->call.route)
    return MHD_YES;
  sender_note (request);
  next = gate_enter (&request->call);
  if (GATE_ASK == next || GATE_LOGIN == next)
  {
    start_budget (request);
    set_phase (request, CLIENT_WORKING);
    request->state = REQUEST_ENTERING;
    /* Suspended before it is given away, as in dispatch. */
    MHD_suspend_connection (request->connection);
    push_work (request, GATE_LOGIN == next ? LANE_LOGIN : LANE_WORK, queue_push);
    return MHD_YES;
  }
  return GATE_REFUSED == next ? refuse (request) : MHD_YES;
}

enum MHD_Result
request_step (struct request *request, const char *method, const char *body, size_t *body_bytes)
{
  switch (request->state)
  {
  case REQUEST_NEW:
    request->state = REQUEST_READING;
    if (ERR_OK == accept_headers (request, method, &request->call.err))
      return enter (request);
    return refuse (request);
  case REQUEST_ENTERING:
    /* The library offers the headers once more, when it was told to wait there. */
    set_phase (request, CLIENT_READING);
    request->state = REQUEST_READING;
    return ERR_OK != request->call.err.code ? refuse (request) : MHD_YES;
  case REQUEST_TAKING:
    request->state = REQUEST_READING;
    buffer_clear (&request->body);
    /* fall through */
  case REQUEST_READING:
    if (0 == *body_bytes)
      return dispatch (request);
    *body_bytes -= body_take (request, body, *body_bytes);
    /* Only with bytes left over, which make the library stop. When all that it offers is taken and that is the end of a
       chunk, 0.9.75 goes on to the next chunk at once, although the connection is suspended: then the full piece waits
       for the next bytes, or goes to handle. */
    if (body_piece_is_full (request) && *body_bytes > 0)
      hand_piece (request);
    else if (body_is_stream (request))
      /* As long as it comes, it has time. */
      set_phase (request, CLIENT_READING);
    /* A client that does not stop is cut off; the library has no answer in the middle of a body. */
    return body_must_stop (request) ? MHD_NO : MHD_YES;
  case REQUEST_WAITING:
    request->state = REQUEST_FINISHED;
    return finish (request);
  case REQUEST_FINISHED:
  case REQUEST_ANSWERED:
  default:
    return MHD_NO;
  }
}

/* Run the route's handle function, or have a piece of the body taken or the next one of the answer made. */
static void
handle (struct request *request)
{
  struct api_call *call = &request->call;

  if (REQUEST_ENTERING == request->state)
  {
    (void)gate_enter_slowly (call, &call->err);
    return;
  }
  if (REQUEST_TAKING == request->state)
  {
    (void)call->route->take (call, &call->err);
    return;
  }
  if (NULL == call->more)
  {
    if (ERR_OK == gate_body (call, &call->err) && ERR_OK == call->route->handle (call, &call->err))
      (void)gate_check_narrowed (call, &call->err);
    return;
  }
  buffer_clear (&call->reply);
  arena_rewind (call->arena, &request->kept);
  request->piece_taken = 0;
  if (ERR_OK == call->more (call, &call->err) && (call->reply.failed || 0 == call->reply.len))
    (void)err_set_cause (&call->err, ERR_INTERNAL_ERROR,
                         call->reply.out_of_memory ? "out of memory" : "a piece of the answer is empty or too large",
                         "internal error");
}

void
request_work (struct request *request, struct store_connection *connection)
{
  struct api_call *call = &request->call;

  stats_add (waiting_in (request->lane), -1);
  if (clock_monotonic_us () >= call->deadline_us)
    (void)api_busy (&call->err);
  else
  {
    uint64_t database_us;

    call->connection = connection;
    store_start_request (connection, call->deadline_us);
    handle (request);
    database_us = store_end_request (connection);
    call->database_us += database_us;
    stats_add (&stats.database_us, (int64_t)database_us);
    call->connection = NULL;
  }
  if (ERR_OK != call->err.code)
    buffer_clear (&call->reply);
  resume (call);
}
