/* Sends signed requests to an S3-compatible service by libcurl.

   DESIGN. A request borrows an easy handle from a stack, whose connection stays open afterwards; threads never share
   one at a time. Bodies that are sent lie in memory, so every attempt signs and sends the same bytes; bytes of objects
   are handed on as they come, and an attempt that breaks off is continued behind them, because contents never change.
   What is neither an answer nor hopeless is tried again after a growing pause. Redirects are not followed: a signature
   holds for one host. */
#include "blob/s3_client.h"

#include "base/curl_library.h"
#include "base/id.h"
#include "base/lock.h"
#include "base/number.h"
#include "blob/s3_xml.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

/* Connections that are kept when nobody uses them; beyond the usual number of artifact threads they only cost the
   service memory. */
#define IDLE_MAX 16
/* Attempts without any progress before a request has failed, and the pause before the second, which doubles: 0.7 s in
   all, so that somebody who waits learns soon that a service is down. */
#define ATTEMPTS_MAX 4
#define PAUSE_FIRST_US 100000
/* Longer than a service in reach takes for a connection with TLS. */
#define CONNECT_TIMEOUT_MS 5000L
/* A transfer is given up when it moves slower than this for that long; one whose answer takes work has longer: S3 says
   that it joins 10,000 parts in minutes. */
#define LOW_SPEED_BYTES 1024L
#define LOW_SPEED_S 30L
#define SLOW_LOW_SPEED_BYTES 1L
#define SLOW_LOW_SPEED_S 300L
/* Pieces in which curl reads and sends: large enough that system calls do not count, small enough for every idle
   connection to keep. */
#define TRANSFER_BYTES (128L * 1024)
/* A page of 1,000 entries of a listing has at most 1,000 keys of 1 KiB and as much around them. */
#define BODY_MAX_BYTES ((size_t)4 * 1024 * 1024)
/* Headers and URLs: session tokens have some KiB. */
#define TEXT_MAX_BYTES ((size_t)64 * 1024)

#define USER_AGENT "tallyd/" TALLY_VERSION

struct s3_client
{
  const struct curl_library *curl;
  const struct s3_settings *settings;
  struct s3_credentials credentials;
  struct lock lock; /* over `idle` and `idle_count` */
  CURL *idle[IDLE_MAX];
  size_t idle_count;
};

/* A request under way. */
struct transfer
{
  const struct s3_call *call;
  struct s3_answer *answer;
  int64_t delivered; /* bytes of the object that the sink has, over all attempts */
  int64_t range_begin; /* of the answer under way, as Content-Range says; -1: it has none */
  bool refused; /* the sink did not take them */
  bool wrong_range; /* the service sends other bytes than were asked for */
};

/* --- the client ----------------------------------------------------------------------------------------------------
 */

enum err_code
s3_client_new (struct s3_client **client, const struct s3_settings *settings, struct err *err)
{
  struct s3_client *made = calloc (1, sizeof (*made));
  enum err_code code;

  *client = NULL;
  if (NULL == made)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = curl_library_load (&made->curl, "an artifact-store in S3", err);
  if (ERR_OK != code)
  {
    free (made);
    return code;
  }
  made->settings = settings;
  made->credentials = (struct s3_credentials){ settings->access_key_id, settings->secret_access_key,
                                               settings->session_token, settings->region };
  lock_init (&made->lock);
  *client = made;
  return ERR_OK;
}

void
s3_client_free (struct s3_client *client)
{
  if (NULL == client)
    return;
  for (size_t i = 0; i < client->idle_count; i++)
    client->curl->easy_cleanup (client->idle[i]);
  lock_destroy (&client->lock);
  free (client);
}

/* The handle that was used last, whose connection is most likely still open. */
static CURL *
borrow_handle (struct s3_client *client)
{
  CURL *handle = NULL;

  lock_acquire (&client->lock);
  if (client->idle_count > 0)
    handle = client->idle[--client->idle_count];
  lock_release (&client->lock);
  return NULL == handle ? client->curl->easy_init () : handle;
}

static void
return_handle (struct s3_client *client, CURL *handle)
{
  client->curl->easy_reset (handle);
  lock_acquire (&client->lock);
  if (client->idle_count < IDLE_MAX)
  {
    client->idle[client->idle_count++] = handle;
    handle = NULL;
  }
  lock_release (&client->lock);
  if (NULL != handle)
    client->curl->easy_cleanup (handle);
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

void
s3_answer_init (struct s3_answer *answer)
{
  *answer = (struct s3_answer){ .size_bytes = -1 };
  buffer_init (&answer->body, BODY_MAX_BYTES);
}

void
s3_answer_free (struct s3_answer *answer)
{
  buffer_free (&answer->body);
}

static void
answer_clear (struct s3_answer *answer)
{
  struct buffer body = answer->body;

  buffer_clear (&body);
  *answer = (struct s3_answer){ .size_bytes = -1, .body = body };
}

/* Copy what fits, with NUL; what is not printable becomes "?", because it may come into a log. */
static void
copy_text (char *out, size_t capacity, struct slice text)
{
  size_t len = text.len < capacity - 1 ? text.len : capacity - 1;

  for (size_t i = 0; i < len; i++)
    out[i] = (char)(text.data[i] < ' ' || text.data[i] > '~' ? '?' : text.data[i]);
  out[len] = '\0';
}

/* Whether `line` is header `name` (with its colon), and then its value. */
static bool
header_is (struct slice *value, struct slice line, struct slice name)
{
  if (line.len < name.len || 0 != strncasecmp (line.data, name.data, name.len))
    return false;
  *value = (struct slice){ line.data + name.len, line.len - name.len };
  while (value->len > 0 && (' ' == value->data[0] || '\t' == value->data[0]))
  {
    value->data++;
    value->len--;
  }
  while (value->len > 0 && (unsigned char)value->data[value->len - 1] <= ' ')
    value->len--;
  return true;
}

/* "bytes 0-9/100" */
static void
read_content_range (struct transfer *transfer, struct slice value)
{
  const char *dash = memchr (value.data, '-', value.len);
  const char *slash = memchr (value.data, '/', value.len);
  const struct slice unit = SLICE ("bytes ");

  if (NULL == slash)
    return;
  (void)number_parse_int64 ((struct slice){ slash + 1, (size_t)(value.data + value.len - slash - 1) },
                            &transfer->answer->size_bytes);
  if (NULL != dash && dash < slash && value.len > unit.len && 0 == strncasecmp (value.data, unit.data, unit.len))
    (void)number_parse_int64 ((struct slice){ value.data + unit.len, (size_t)(dash - value.data) - unit.len },
                              &transfer->range_begin);
}

static size_t
on_header (char *data, size_t size, size_t count, void *context)
{
  struct transfer *transfer = context;
  struct s3_answer *answer = transfer->answer;
  struct slice line = { data, size * count };
  struct slice value;

  if (line.len > 5 && 0 == memcmp (data, "HTTP/", 5))
  {
    const char *space = memchr (data, ' ', line.len);
    int64_t status = 0;

    /* A status line begins an answer: what came before was 100 Continue. */
    answer_clear (answer);
    transfer->range_begin = -1;
    if (NULL != space && line.len - (size_t)(space - data) > 3)
      (void)number_parse_int64 ((struct slice){ space + 1, 3 }, &status);
    answer->status = (int)status;
  }
  else if (header_is (&value, line, SLICE ("etag:")))
  {
    if (value.len > 1 && '"' == value.data[0] && '"' == value.data[value.len - 1])
      value = (struct slice){ value.data + 1, value.len - 2 };
    if (value.len < sizeof (answer->etag))
      copy_text (answer->etag, sizeof (answer->etag), value);
  }
  else if (header_is (&value, line, SLICE ("content-range:")))
    read_content_range (transfer, value);
  else if (header_is (&value, line, SLICE ("content-length:")) && 206 != answer->status && 416 != answer->status)
    (void)number_parse_int64 (value, &answer->size_bytes);
  else if (header_is (&value, line, SLICE ("x-amz-bucket-region:")))
    copy_text (answer->region, sizeof (answer->region), value);
  return line.len;
}

static size_t
on_body (char *data, size_t size, size_t count, void *context)
{
  struct transfer *transfer = context;
  const struct s3_call *call = transfer->call;
  struct slice bytes = { data, size * count };
  int status = transfer->answer->status;

  if (NULL == call->sink || (200 != status && 206 != status))
    return buffer_append (&transfer->answer->body, data, bytes.len) ? bytes.len : 0;
  if (transfer->range_begin != call->offset + transfer->delivered
      && ! (200 == status && 0 == call->offset && 0 == transfer->delivered))
    transfer->wrong_range = true;
  if ((int64_t)bytes.len > call->bytes - transfer->delivered)
    transfer->wrong_range = true;
  if (transfer->wrong_range)
    return 0;
  if (! call->sink (call->sink_context, bytes))
  {
    transfer->refused = true;
    return 0;
  }
  transfer->delivered += (int64_t)bytes.len;
  if (transfer->range_begin >= 0)
    transfer->range_begin += (int64_t)bytes.len;
  else
    /* The whole object: from here on it is as if its range had been named. */
    transfer->range_begin = (int64_t)bytes.len;
  return bytes.len;
}

static bool
read_error (void *context, struct slice parent, struct slice name, struct slice text)
{
  struct s3_answer *answer = context;

  if (! slice_is (parent, "Error"))
    return true;
  if (slice_is (name, "Code"))
    copy_text (answer->code, sizeof (answer->code), text);
  else if (slice_is (name, "Message"))
    copy_text (answer->message, sizeof (answer->message), text);
  return true;
}

/* --- one attempt ---------------------------------------------------------------------------------------------------
 */

/* Path of the call's key, as it is sent. */
static bool
add_path (struct buffer *out, const struct s3_client *client, const struct s3_call *call)
{
  buffer_text (out, client->settings->root);
  if (NULL != call->key.data || 0 == out->len)
    buffer_byte (out, '/');
  return s3_encode_path (out, call->key);
}

static bool add_header (struct curl_slist **list, const struct curl_library *curl, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
static bool
add_header (struct curl_slist **list, const struct curl_library *curl, const char *format, ...)
{
  va_list arguments;
  char *line = NULL;
  struct curl_slist *longer = NULL;

  va_start (arguments, format);
  if (vasprintf (&line, format, arguments) < 0)
    line = NULL;
  va_end (arguments);
  if (NULL != line)
    longer = curl->slist_append (*list, line);
  free (line);
  if (NULL != longer)
    *list = longer;
  return NULL != longer;
}

/* Sign the request as of now and set what is particular to it. False when memory is out. */
static bool
prepare (CURL *handle, struct curl_slist **headers, struct s3_client *client, const struct transfer *transfer)
{
  const struct curl_library *curl = client->curl;
  const struct s3_call *call = transfer->call;
  bool sends = 0 == strcmp (call->method, "PUT") || 0 == strcmp (call->method, "POST");
  struct s3_request request = { call->method,      slice_of (client->settings->host),
                                { NULL, 0 },       call->query,
                                call->query_count, call->headers,
                                call->header_count };
  struct digest digest;
  char hash[DIGEST_TEXT_BYTES];
  char now[S3_TIME_BYTES];
  struct buffer path;
  struct buffer query;
  struct buffer url;
  struct buffer authorization;
  bool fine;

  buffer_init (&path, TEXT_MAX_BYTES);
  buffer_init (&query, TEXT_MAX_BYTES);
  buffer_init (&url, TEXT_MAX_BYTES);
  buffer_init (&authorization, TEXT_MAX_BYTES);
  s3_time_format (now, time (NULL));
  fine = NULL == call->body_digest ? digest_of (&digest, call->body) : true;
  if (fine)
    digest_format (hash, NULL == call->body_digest ? &digest : call->body_digest);
  fine = fine && add_path (&path, client, call) && s3_encode_query (&query, call->query, call->query_count);
  request.path = buffer_slice (&path);
  fine = fine && s3_sign_headers (&authorization, &request, hash, now, &client->credentials);
  buffer_printf (&url, "%s%.*s%s%.*s", client->settings->origin, SLICE_ARG (request.path), query.len > 0 ? "?" : "",
                 SLICE_ARG (buffer_slice (&query)));
  fine = fine && ! url.failed && add_header (headers, curl, "Authorization: %s", authorization.data)
         && add_header (headers, curl, "x-amz-date: %s", now)
         && add_header (headers, curl, "x-amz-content-sha256: %s", hash);
  if (fine && '\0' != client->settings->session_token[0])
    fine = add_header (headers, curl, "x-amz-security-token: %s", client->settings->session_token);
  for (size_t i = 0; i < call->header_count && fine; i++)
    fine =
        add_header (headers, curl, "%.*s: %.*s", SLICE_ARG (call->headers[i].name), SLICE_ARG (call->headers[i].value));
  if (fine && NULL != call->sink)
    fine = add_header (headers, curl, "Range: bytes=%lld-%lld", (long long)(call->offset + transfer->delivered),
                       (long long)(call->offset + call->bytes - 1));
  /* curl would wait for 100 Continue, and say that the body is a form. */
  if (fine && sends)
    fine =
        add_header (headers, curl, "Expect:") && add_header (headers, curl, "Content-Type: application/octet-stream");

  if (sends)
  {
    curl->easy_setopt (handle, CURLOPT_POSTFIELDS, NULL == call->body.data ? "" : call->body.data);
    curl->easy_setopt (handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
  }
  else if (0 == strcmp (call->method, "HEAD"))
    curl->easy_setopt (handle, CURLOPT_NOBODY, 1L);
  curl->easy_setopt (handle, CURLOPT_CUSTOMREQUEST, call->method);
  fine = fine && CURLE_OK == curl->easy_setopt (handle, CURLOPT_URL, url.data)
         && CURLE_OK == curl->easy_setopt (handle, CURLOPT_HTTPHEADER, *headers);
  buffer_free (&path);
  buffer_free (&query);
  buffer_free (&url);
  buffer_free (&authorization);
  return fine;
}

/* What all requests have. */
static void
set_options (CURL *handle, const struct curl_library *curl, struct transfer *transfer, char *text)
{
  bool slow = transfer->call->slow;

  curl->easy_setopt (handle, CURLOPT_ERRORBUFFER, text);
  curl->easy_setopt (handle, CURLOPT_NOSIGNAL, 1L);
  curl->easy_setopt (handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl->easy_setopt (handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl->easy_setopt (handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl->easy_setopt (handle, CURLOPT_PATH_AS_IS, 1L);
  curl->easy_setopt (handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl->easy_setopt (handle, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
  curl->easy_setopt (handle, CURLOPT_LOW_SPEED_LIMIT, slow ? SLOW_LOW_SPEED_BYTES : LOW_SPEED_BYTES);
  curl->easy_setopt (handle, CURLOPT_LOW_SPEED_TIME, slow ? SLOW_LOW_SPEED_S : LOW_SPEED_S);
  curl->easy_setopt (handle, CURLOPT_BUFFERSIZE, TRANSFER_BYTES);
  curl->easy_setopt (handle, CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BYTES);
  curl->easy_setopt (handle, CURLOPT_USERAGENT, USER_AGENT);
  curl->easy_setopt (handle, CURLOPT_HEADERFUNCTION, on_header);
  curl->easy_setopt (handle, CURLOPT_HEADERDATA, transfer);
  curl->easy_setopt (handle, CURLOPT_WRITEFUNCTION, on_body);
  curl->easy_setopt (handle, CURLOPT_WRITEDATA, transfer);
}

/* Send it once. `text` (CURL_ERROR_SIZE) receives what curl says when that fails. */
static CURLcode
attempt (char *text, struct s3_client *client, struct transfer *transfer)
{
  struct curl_slist *headers = NULL;
  CURL *handle = borrow_handle (client);
  CURLcode result = CURLE_OUT_OF_MEMORY;

  text[0] = '\0';
  answer_clear (transfer->answer);
  transfer->range_begin = -1;
  if (NULL == handle)
    return result;
  set_options (handle, client->curl, transfer, text);
  if (prepare (handle, &headers, client, transfer))
    result = client->curl->easy_perform (handle);
  /* The handle forgets it before the list goes. */
  return_handle (client, handle);
  client->curl->slist_free_all (headers);
  if ('\0' == text[0])
    snprintf (text, CURL_ERROR_SIZE, "%s", client->curl->easy_strerror (result));
  return result;
}

/* --- judging -------------------------------------------------------------------------------------------------------
 */

static bool
curl_may_succeed_later (CURLcode result)
{
  switch (result)
  {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
    return true;
  default:
    /* Also when it timed out: the next attempt would keep whoever waits as long again. */
    return false;
  }
}

static bool
is_overload (const struct s3_answer *answer)
{
  return 429 == answer->status || 500 == answer->status || 502 == answer->status || 503 == answer->status
         || 504 == answer->status || 0 == strcmp (answer->code, "RequestTimeout")
         || 0 == strcmp (answer->code, "OperationAborted") || 0 == strcmp (answer->code, "InternalError")
         || 0 == strcmp (answer->code, "SlowDown");
}

static bool
is_full (const struct s3_answer *answer)
{
  /* Services say it in their own ways: QuotaExceeded, XMinioStorageFull, XMinioAdminBucketQuotaExceeded. */
  return 507 == answer->status || NULL != strstr (answer->code, "QuotaExceeded")
         || NULL != strstr (answer->code, "StorageFull");
}

enum err_code
s3_refused (const struct s3_call *call, const struct s3_answer *answer, struct err *err)
{
  char cause[320];
  bool moved = 3 == answer->status / 100 || 400 == answer->status;

  snprintf (cause, sizeof (cause), "S3 %s: %d %s%s%s%s%s", call->method, answer->status, answer->code,
            '\0' == answer->message[0] ? "" : ": ", answer->message,
            moved && '\0' != answer->region[0] ? "; the bucket is in region " : "", moved ? answer->region : "");
  if (is_full (answer))
    return err_set_cause (err, ERR_INSUFFICIENT_STORAGE, cause, "The artifact store is full.");
  if (is_overload (answer))
    return err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, cause,
                          "The artifact store is busy or out of order; try again shortly.");
  return err_set_cause (err, ERR_INTERNAL_ERROR, cause, "The artifact store refused a request.");
}

static enum err_code
curl_failed (const struct s3_call *call, CURLcode result, const char *text, struct err *err)
{
  char cause[CURL_ERROR_SIZE + 32];

  snprintf (cause, sizeof (cause), "S3 %s: %s", call->method, text);
  if (CURLE_OUT_OF_MEMORY == result)
    return err_set_cause (err, ERR_INTERNAL_ERROR, cause, "out of memory");
  return err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, cause,
                        "The artifact store cannot be reached; try again shortly.");
}

static bool
is_for_caller (const struct s3_call *call, const struct s3_answer *answer)
{
  /* Only these say that an object is not there, and an answer to HEAD, which has no code: a bucket or a user that is
     not known says nothing about it. */
  bool absent = 404 == answer->status
                && ('\0' == answer->code[0] || 0 == strcmp (answer->code, "NoSuchKey")
                    || 0 == strcmp (answer->code, "NoSuchUpload"));

  return call->judge && ! is_full (answer)
         && (absent || 400 == answer->status || 409 == answer->status || 416 == answer->status);
}

/* Wait before attempt `number` (from 1), with a random part so that many who failed together do not come together. */
static void
pause_before (int number)
{
  long pause_us = (long)PAUSE_FIRST_US << (number - 1);
  unsigned char chance = 0;
  struct timespec rest;

  (void)random_bytes (&chance, sizeof (chance));
  pause_us += pause_us / 2 * chance / 255;
  rest = (struct timespec){ pause_us / 1000000, pause_us % 1000000 * 1000 };
  nanosleep (&rest, NULL);
}

enum err_code
s3_client_send (struct s3_answer *answer, struct s3_client *client, const struct s3_call *call, struct err *err)
{
  struct transfer transfer = { .call = call, .answer = answer };
  char text[CURL_ERROR_SIZE];
  int number = 0;

  assert (NULL == call->sink || call->bytes > 0);
  for (;;)
  {
    int64_t before = transfer.delivered;
    CURLcode result = attempt (text, client, &transfer);
    bool fine;

    if (transfer.refused)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    if (transfer.wrong_range)
      return err_set_cause (err, ERR_INTERNAL_ERROR, "S3 GET: the service sent other bytes than asked for",
                            "The artifact store answered wrongly.");
    if (CURLE_OK == result && (answer->status >= 300 || call->slow))
      /* Work that takes long is answered with 200 first, and with the error behind it when there is one. An error
         without a document has its status. */
      (void)s3_xml_read (buffer_slice (&answer->body), read_error, answer);
    if (2 == answer->status / 100 && '\0' != answer->code[0])
      answer->status = 400;
    fine = CURLE_OK == result && 2 == answer->status / 100;
    if (fine && (NULL == call->sink || transfer.delivered == call->bytes))
      return ERR_OK;
    if (transfer.delivered > before)
      number = 0;
    number++;
    /* Fewer bytes than asked for, without an error: asking for the others tells what is wrong. */
    if (ATTEMPTS_MAX == number
        || ! (fine || (CURLE_OK == result ? is_overload (answer) : curl_may_succeed_later (result))))
    {
      if (CURLE_OK != result)
        return curl_failed (call, result, text, err);
      return is_for_caller (call, answer) ? ERR_OK : s3_refused (call, answer, err);
    }
    pause_before (number);
  }
}

enum err_code
s3_client_url (struct buffer *url, struct s3_client *client, const struct s3_call *call, int expires_s, struct err *err)
{
  struct s3_request request = { .method = call->method,
                                .host = slice_of (client->settings->host),
                                .query = call->query,
                                .query_count = call->query_count };
  /* The protocol's limit: a week. */
  int longest_s = 604800;
  char now[S3_TIME_BYTES];
  struct buffer path;

  s3_time_format (now, time (NULL));
  buffer_init (&path, TEXT_MAX_BYTES);
  if (! add_path (&path, client, call))
    url->failed = true;
  request.path = buffer_slice (&path);
  buffer_printf (url, "%s%.*s?", client->settings->origin, SLICE_ARG (request.path));
  s3_sign_query (url, &request, expires_s < longest_s ? expires_s : longest_s, now, &client->credentials);
  buffer_free (&path);
  return url->failed
             ? err_set (err, ERR_INTERNAL_ERROR, "a URL has more than %zu bytes, or memory is out", url->max_bytes)
             : ERR_OK;
}
