/* One request on one curl handle: how it is set up, what comes in, and what became of it. */
#include "transport_exchange.h"

#include "error.h"
#include "transport_answer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* All header lines of an answer together: servers allow 8 to 64 KiB for requests. */
#define HEADERS_MAX_BYTES 65536

/* Of an answer that is an error: more than any message. */
#define ERROR_BODY_MAX_BYTES 1048576

/* A file moves on when one byte a second does; see `timeout_ms` in transport.h. */
#define STALL_SECONDS 60L

/* How often the progress callback is asked. */
#define PROGRESS_MS 100

/* --- callbacks of curl: 0 for a number of bytes stops the transfer --- */

static size_t
stop (struct exchange *exchange, enum stop why)
{
  exchange->stop = why;
  return 0;
}

static size_t
on_header (char *data, size_t size, size_t count, void *payload)
{
  struct exchange *exchange = payload;

  exchange->header_bytes += size * count;
  if (exchange->header_bytes > HEADERS_MAX_BYTES)
    return stop (exchange, STOP_TOO_LARGE);
  transport_answer_header (exchange->answer, (struct slice){ data, size * count });
  return size * count;
}

static size_t
on_body (char *data, size_t size, size_t count, void *payload)
{
  struct exchange *exchange = payload;
  struct buffer *body = &exchange->answer->body;
  size_t bytes = size * count;
  long status = 0;

  curl_easy_getinfo (exchange->easy, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300 && NULL != exchange->request->sink)
    return exchange->request->sink (exchange->request->payload, data, bytes) ? bytes : stop (exchange, STOP_SINK);
  if ((status < 200 || status >= 300) && body->len + bytes > ERROR_BODY_MAX_BYTES)
    return stop (exchange, STOP_TOO_LARGE);
  if (! buffer_append (body, data, bytes))
    return stop (exchange, body->out_of_memory ? STOP_MEMORY : STOP_TOO_LARGE);
  return bytes;
}

static size_t
on_file (char *data, size_t size, size_t count, void *payload)
{
  struct exchange *exchange = payload;
  const struct transport_request *request = exchange->request;
  uint64_t left = request->file_bytes - exchange->file_done_bytes;
  size_t want = size * count < left ? size * count : (size_t)left;
  ssize_t got = 0;

  if (0 == want)
    return 0;
  do
    got = pread (request->file, data, want, (off_t)(request->file_offset + exchange->file_done_bytes));
  while (got < 0 && EINTR == errno);
  if (got <= 0)
  {
    stop (exchange, STOP_FILE);
    return CURL_READFUNC_ABORT;
  }
  exchange->file_done_bytes += (uint64_t)got;
  return (size_t)got;
}

/* To the beginning: a kept connection that turned out to be closed is replaced by curl itself. */
static int
on_seek (void *payload, curl_off_t offset, int origin)
{
  struct exchange *exchange = payload;

  if (SEEK_SET != origin || offset < 0 || (uint64_t)offset > exchange->request->file_bytes)
    return CURL_SEEKFUNC_FAIL;
  exchange->file_done_bytes = (uint64_t)offset;
  return CURL_SEEKFUNC_OK;
}

static int
on_progress (void *payload, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
  struct exchange *exchange = payload;
  const struct transport_request *request = exchange->request;

  (void)down_total;
  (void)up_total;
  if (atomic_load (exchange->cancelled)
      || (NULL != request->progress && ! request->progress (request->payload, (uint64_t)up, (uint64_t)down)))
  {
    stop (exchange, STOP_CANCELLED);
    return 1;
  }
  return 0;
}

/* --- preparing --- */

static bool
add_header (struct curl_slist **list, const char *header)
{
  struct curl_slist *longer = NULL == header ? *list : curl_slist_append (*list, header);

  if (NULL == longer && NULL != header)
    return false;
  *list = longer;
  return true;
}

static bool
add_headers (struct exchange *exchange)
{
  const struct transport_request *request = exchange->request;
  const struct transport_settings *settings = exchange->settings;
  bool has_body = NULL != request->body.data || request->is_file || request->file_bytes > 0;
  struct curl_slist **list = &exchange->headers;
  char type[256];
  bool ok;

  /* A server that does not know "Expect: 100-continue" would cost a second of each upload. */
  ok = add_header (list, "Expect:");
  if (has_body)
  {
    snprintf (type, sizeof (type), "Content-Type: %s",
              NULL == request->content_type ? "application/json" : request->content_type);
    ok = ok && add_header (list, type);
  }
  if (NULL == request->url)
    ok = ok && add_header (list, settings->authorization) && add_header (list, settings->workspace)
         && add_header (list, settings->actor);
  for (const char *const *header = request->headers; NULL != header && NULL != *header; header++)
    ok = ok && add_header (list, *header);
  return ok;
}

static void
set_body (struct exchange *exchange)
{
  const struct transport_request *request = exchange->request;
  CURL *easy = exchange->easy;

  if (request->is_file || request->file_bytes > 0)
  {
    curl_easy_setopt (easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt (easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->file_bytes);
    curl_easy_setopt (easy, CURLOPT_READFUNCTION, on_file);
    curl_easy_setopt (easy, CURLOPT_READDATA, exchange);
    curl_easy_setopt (easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt (easy, CURLOPT_SEEKDATA, exchange);
  }
  else if (NULL != request->body.data || 0 == strcmp (request->method, "POST"))
  {
    curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt (easy, CURLOPT_POSTFIELDS, NULL == request->body.data ? "" : request->body.data);
  }
  else if (0 == strcmp (request->method, "HEAD"))
    curl_easy_setopt (easy, CURLOPT_NOBODY, 1L);
  curl_easy_setopt (easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
set_callbacks (struct exchange *exchange)
{
  CURL *easy = exchange->easy;

  curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt (easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt (easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt (easy, CURLOPT_XFERINFODATA, exchange);
  curl_easy_setopt (easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, exchange->why);
  curl_easy_setopt (easy, CURLOPT_HTTPHEADER, exchange->headers);
}

static void
set_connection (struct exchange *exchange)
{
  const struct transport_settings *settings = exchange->settings;
  CURL *easy = exchange->easy;

#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85 */
  curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt (easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87: else stopping waits for the resolver */
  curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  curl_easy_setopt (easy, CURLOPT_USERAGENT, "tally/" TALLY_VERSION);
  curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt (easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, settings->connect_timeout_ms);
  if (exchange->request->timeout_ms > 0)
    curl_easy_setopt (easy, CURLOPT_TIMEOUT_MS, (long)exchange->request->timeout_ms);
  else
  {
    curl_easy_setopt (easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt (easy, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
  }
  /* On a kept connection that closes without an answer curl sends again by itself: nobody would know of the first. */
  if (exchange->request->once)
    curl_easy_setopt (easy, CURLOPT_FRESH_CONNECT, 1L);
  /* Files come as they are: their digest and their ranges are of the bytes themselves. */
  if (NULL == exchange->request->sink)
    curl_easy_setopt (easy, CURLOPT_ACCEPT_ENCODING, "");
  if (NULL != settings->trusted)
    curl_easy_setopt (easy, settings->trusted_is_folder ? CURLOPT_CAPATH : CURLOPT_CAINFO, settings->trusted);
  if (NULL != settings->client_certificate)
    curl_easy_setopt (easy, CURLOPT_SSLCERT, settings->client_certificate);
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYPEER, settings->insecure_tls ? 0L : 1L);
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYHOST, settings->insecure_tls ? 0L : 2L);
}

/* Longest address: paths of artifacts have at most a few KiB, signed queries as much again. */
#define URL_MAX_BYTES 65536

static bool
set_url (struct exchange *exchange)
{
  const struct transport_request *request = exchange->request;
  struct buffer url;
  bool ok;

  buffer_init (&url, URL_MAX_BYTES);
  if (NULL != request->url)
    buffer_text (&url, request->url);
  else
  {
    buffer_text (&url, exchange->settings->server);
    buffer_text (&url, request->path);
  }
  ok = ! url.failed && CURLE_OK == curl_easy_setopt (exchange->easy, CURLOPT_URL, url.data);
  buffer_free (&url);
  return ok;
}

/* Time for something else, once, while the server works. */
static void
use_time (struct exchange *exchange)
{
  const struct transport_request *request = exchange->request;
  curl_off_t sent_bytes = 0;

  if (NULL == request->meanwhile || exchange->time_used)
    return;
  curl_easy_getinfo (exchange->easy, CURLINFO_SIZE_UPLOAD_T, &sent_bytes);
  if ((size_t)sent_bytes < request->body.len)
    return;
  exchange->time_used = true;
  request->meanwhile (request->payload);
}

/* Run the transfer until it ends or is stopped. */
static CURLcode
transfer (struct exchange *exchange)
{
  int wait_ms = NULL == exchange->request->progress ? 1000 : PROGRESS_MS;
  CURLMcode failed = curl_multi_add_handle (exchange->multi, exchange->easy);
  CURLcode result = CURLE_OUT_OF_MEMORY;
  int running = 1;
  CURLMsg *message;
  int left;

  while (CURLM_OK == failed && running > 0)
  {
    failed = curl_multi_perform (exchange->multi, &running);
    if (CURLM_OK == failed && running > 0)
      use_time (exchange);
    if (CURLM_OK == failed && running > 0)
      failed = curl_multi_poll (exchange->multi, NULL, 0, wait_ms, NULL);
    /* Before a connection is there curl does not ask on_progress. */
    if (STOP_NONE == exchange->stop && atomic_load (exchange->cancelled) && running > 0)
      stop (exchange, STOP_CANCELLED);
    if (STOP_NONE != exchange->stop)
      break;
  }
  while (NULL != (message = curl_multi_info_read (exchange->multi, &left)))
    if (CURLMSG_DONE == message->msg)
      result = message->data.result;
  curl_multi_remove_handle (exchange->multi, exchange->easy);
  return result;
}

/* A connection that is closed by the other end must not end the program: SIGPIPE is held back in this thread. */
static CURLcode
transfer_without_signal (struct exchange *exchange)
{
  static const struct timespec at_once;
  sigset_t pipe;
  sigset_t before;
  sigset_t pending;
  CURLcode result;

  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe, &before);
  sigpending (&pending);
  result = transfer (exchange);
  if (! sigismember (&pending, SIGPIPE))
    while (sigtimedwait (&pipe, NULL, &at_once) < 0 && EINTR == errno)
      ;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return result;
}

struct failure
{
  CURLcode result;
  enum tally_code code;
  bool retryable;
};

/* What is not listed is UNREACHABLE and may pass. */
static const struct failure failures[] = {
  { CURLE_OUT_OF_MEMORY, TALLY_ERROR_MEMORY, true },
  { CURLE_OPERATION_TIMEDOUT, TALLY_ERROR_TIMEOUT, true },
  { CURLE_PARTIAL_FILE, TALLY_ERROR_PROTOCOL, true },
  { CURLE_WEIRD_SERVER_REPLY, TALLY_ERROR_PROTOCOL, true },
  { CURLE_UNSUPPORTED_PROTOCOL, TALLY_ERROR_PROTOCOL, true },
  { CURLE_BAD_CONTENT_ENCODING, TALLY_ERROR_PROTOCOL, true },
  { CURLE_PEER_FAILED_VERIFICATION, TALLY_ERROR_UNREACHABLE, false },
  { CURLE_SSL_CERTPROBLEM, TALLY_ERROR_CONFIGURATION, false },
  { CURLE_SSL_CACERT_BADFILE, TALLY_ERROR_CONFIGURATION, false },
};

/* --- the wrong scheme: each library has its own words for it, of which none tells a person what to do --- */

static bool
is_tls (const struct exchange *exchange)
{
  return 0 == strncmp (exchange->settings->server, "https:", strlen ("https:"));
}

static bool
has_one_of (const char *text, const char *const *words)
{
  for (; NULL != *words; words++)
    if (NULL != strcasestr (text, *words))
      return true;
  return false;
}

/* An address of https, of a port where something else than TLS answers: OpenSSL's and GnuTLS's words for that. */
static bool
speaks_no_tls (const struct exchange *exchange, CURLcode result)
{
  static const char *const words[] = { "wrong version number",  "packet length too long",        "record layer failure",
                                       "unexpected TLS packet", "packet with unexpected length", NULL };

  return CURLE_SSL_CONNECT_ERROR == result && NULL == exchange->request->url && has_one_of (exchange->why, words);
}

/* An address of http, of a web server that says what it is: Tally's, nginx, Go's and Apache's in their own words. */
static bool
says_https (const struct exchange *exchange)
{
  static const char *const words[] = { "This port speaks TLS", "to HTTPS port", "to an HTTPS server",
                                       "SSL-enabled server port", NULL };
  const struct buffer *body = &exchange->answer->body;

  return 400 == exchange->answer->status && ! is_tls (exchange) && NULL == exchange->request->url && body->len > 0
         && has_one_of (body->data, words);
}

/* What else may be wrong when the connection ended before any answer; "" for nothing. Servers of TLS that get plain
   HTTP, and servers of plain HTTP that get TLS, may just close it. */
static const char *
other_scheme (const struct exchange *exchange, CURLcode result)
{
  if (NULL != exchange->request->url || exchange->header_bytes > 0)
    return "";
  if (is_tls (exchange))
    return CURLE_SSL_CONNECT_ERROR == result && NULL == strcasestr (exchange->why, "alert")
               ? ". If it speaks no TLS there, the address begins with http://."
               : "";
  return CURLE_GOT_NOTHING == result || CURLE_RECV_ERROR == result || CURLE_UNSUPPORTED_PROTOCOL == result
                 || CURLE_WEIRD_SERVER_REPLY == result
             ? ". If it speaks TLS there, the address begins with https://."
             : "";
}

/* Trying again is of no use. */
static enum tally_code
error_of_scheme (const struct exchange *exchange, struct tally_error *err)
{
  const char *server = exchange->settings->server;

  if (is_tls (exchange))
    error_set (err, TALLY_ERROR_UNREACHABLE, "%s: the server speaks no TLS there. Is http%s meant?", server,
               server + strlen ("https"));
  else
    error_set (err, TALLY_ERROR_UNREACHABLE, "%s: the server speaks TLS there. Is https%s meant?", server,
               server + strlen ("http"));
  if (NULL != err)
    err->retryable = false;
  return TALLY_ERROR_UNREACHABLE;
}

static enum tally_code
error_of_curl (const struct exchange *exchange, CURLcode result, struct tally_error *err)
{
  struct failure failure = { result, TALLY_ERROR_UNREACHABLE, true };

  if (speaks_no_tls (exchange, result))
    return error_of_scheme (exchange, err);

  for (size_t i = 0; i < sizeof (failures) / sizeof (failures[0]); i++)
    if (failures[i].result == result)
      failure = failures[i];
  if (TALLY_ERROR_MEMORY == failure.code)
    return error_memory (err);
  error_set (err, failure.code, "%s: %s%s",
             NULL == exchange->request->url ? exchange->settings->server : "The store of artifacts",
             '\0' == exchange->why[0] ? curl_easy_strerror (result) : exchange->why, other_scheme (exchange, result));
  if (NULL != err)
    err->retryable = failure.retryable;
  return failure.code;
}

static enum tally_code
error_of_stop (const struct exchange *exchange, struct tally_error *err)
{
  switch (exchange->stop)
  {
  case STOP_SINK:
    if (NULL != err && TALLY_OK != err->code)
      return err->code;
    break;
  case STOP_TOO_LARGE:
    return error_set (err, TALLY_ERROR_PROTOCOL, "The answer of %s is longer than any of a Tally or MLflow server.",
                      exchange->settings->server);
  case STOP_MEMORY:
    return error_memory (err);
  case STOP_FILE:
    return error_set (err, TALLY_ERROR_FILE, "The file became shorter, or cannot be read, while it was sent.");
  case STOP_NONE:
  case STOP_CANCELLED:
    break;
  }
  return error_set (err, TALLY_ERROR_CANCELLED, "The request was stopped.");
}

/* A web page instead of an answer: of a login in between, which takes what was sent as little as it knows of it. A
   download may be one, and outside of the API MLflow calls all text so, its version too. */
static bool
is_page (const struct exchange *exchange)
{
  const struct transport_request *request = exchange->request;

  if (NULL != request->sink || 0 != strncasecmp (exchange->answer->content_type, "text/html", strlen ("text/html")))
    return false;
  return NULL != request->url ? 0 == strcmp (request->method, "PUT")
                              : 0 == strncmp (request->path, "/api/", strlen ("/api/"));
}

static enum tally_code
error_of_page (const struct exchange *exchange, struct tally_error *err)
{
  error_set (err, TALLY_ERROR_PROTOCOL, "The server answered %d with a web page: is its address complete?",
             exchange->answer->status);
  if (NULL != err)
    err->http_status = exchange->answer->status;
  return TALLY_ERROR_PROTOCOL;
}

/* What became of it. */
static enum tally_code
conclude (struct exchange *exchange, CURLcode result, struct tally_error *err)
{
  struct transport_answer *answer = exchange->answer;
  const char *location = NULL;
  long status = 0;
  long request_bytes = 0;

  curl_easy_getinfo (exchange->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo (exchange->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
  curl_easy_getinfo (exchange->easy, CURLINFO_REDIRECT_URL, &location);
  answer->sent = request_bytes > 0;
  answer->status = (int)status;
  if (says_https (exchange))
    return error_of_scheme (exchange, err);
  /* A refusal counts although its text was cut off, or the rest of an upload could not be sent. */
  if (status >= 300 && STOP_CANCELLED != exchange->stop && (CURLE_OK == result || status >= 400))
    return transport_answer_error (answer, exchange->request, location, err);
  if (STOP_NONE != exchange->stop)
    return error_of_stop (exchange, err);
  if (CURLE_OK == result && status < 200)
    result = CURLE_WEIRD_SERVER_REPLY;
  if (CURLE_OK != result)
    return error_of_curl (exchange, result, err);
  return is_page (exchange) ? error_of_page (exchange, err) : TALLY_OK;
}

enum tally_code
exchange_run (struct exchange *exchange, struct tally_error *err)
{
  enum tally_code code;

  curl_easy_reset (exchange->easy);
  if (! add_headers (exchange) || ! set_url (exchange))
    code = error_memory (err);
  else
  {
    set_body (exchange);
    set_callbacks (exchange);
    set_connection (exchange);
    code = conclude (exchange, transfer_without_signal (exchange), err);
  }
  curl_slist_free_all (exchange->headers);
  exchange->headers = NULL;
  return code;
}
