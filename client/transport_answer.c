/* What answers say: headers that matter, and the error that a status and its JSON mean. */
#include "transport_answer.h"

#include "json_read.h"

#include "base/arena.h"
#include "base/base64url.h"
#include "base/hex.h"
#include "base/number.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Bytes and hexadecimal digits of a SHA-256. */
#define SHA256_BYTES 32
#define SHA256_DIGITS 64

void
transport_answer_init (struct transport_answer *answer)
{
  memset (answer, 0, sizeof (*answer));
  buffer_init (&answer->body, TRANSPORT_ANSWER_MAX_BYTES);
  answer->retry_after_ms = -1;
  answer->content_length = -1;
}

void
transport_answer_free (struct transport_answer *answer)
{
  buffer_free (&answer->body);
}

/* Seconds or a date (RFC 9110, 10.2.3). */
static void
take_retry_after (struct transport_answer *answer, const char *value)
{
  int64_t number;

  if (number_parse_int64 (slice_of (value), &number))
    number = number > TRANSPORT_RETRY_AFTER_MAX_MS / 1000 ? TRANSPORT_RETRY_AFTER_MAX_MS : number * 1000;
  else
  {
    time_t at = curl_getdate (value, NULL);

    if (at < 0)
      return;
    number = ((int64_t)at - (int64_t)time (NULL)) * 1000;
  }
  if (number > TRANSPORT_RETRY_AFTER_MAX_MS)
    number = TRANSPORT_RETRY_AFTER_MAX_MS;
  answer->retry_after_ms = number < 0 ? 0 : number;
}

static void
take_content_type (struct transport_answer *answer, const char *value)
{
  snprintf (answer->content_type, sizeof (answer->content_type), "%s", value);
}

static void
take_content_length (struct transport_answer *answer, const char *value)
{
  int64_t number;

  if (number_parse_int64 (slice_of (value), &number) && number >= 0)
    answer->content_length = number;
}

/* An ETag is a digest when it has the form of one: Tally's are the SHA-256 of the file. */
static void
take_etag (struct transport_answer *answer, const char *value)
{
  size_t len = strlen (value);

  if (len < sizeof (answer->etag))
    memcpy (answer->etag, value, len + 1);
  if (SHA256_DIGITS + 2 != len || '"' != value[0] || '"' != value[len - 1] || '\0' != answer->digest[0])
    return;
  for (size_t i = 1; i <= SHA256_DIGITS; i++)
    if (hex_value (value[i]) < 0)
      return;
  memcpy (answer->digest, value + 1, SHA256_DIGITS);
  answer->digest[SHA256_DIGITS] = '\0';
}

/* "sha-256=:<base 64>:" among others (RFC 9530). */
static void
take_repr_digest (struct transport_answer *answer, const char *value)
{
  const char *begin = strstr (value, "sha-256=:");
  char text[SHA256_BYTES * 2];
  size_t len = 0;
  struct slice bytes;
  struct arena *arena;

  if (NULL == begin)
    return;
  for (begin += strlen ("sha-256=:"); '\0' != *begin && ':' != *begin && '=' != *begin && len < sizeof (text); begin++)
    text[len++] = (char)('+' == *begin ? '-' : '/' == *begin ? '_' : *begin);
  arena = arena_new (sizeof (text) * 4);
  if (NULL != arena && base64url_decode (&bytes, (struct slice){ text, len }, arena) && SHA256_BYTES == bytes.len)
    for (size_t i = 0; i < SHA256_BYTES; i++)
      snprintf (answer->digest + 2 * i, 3, "%02x", (unsigned char)bytes.data[i]);
  arena_free (arena);
}

static const struct header
{
  const char *name;
  void (*take) (struct transport_answer *answer, const char *value);
} headers[] = {
  { "Retry-After", take_retry_after },       { "Content-Type", take_content_type },
  { "Content-Length", take_content_length }, { "ETag", take_etag },
  { "Repr-Digest", take_repr_digest },
};

/* Longest value that is looked at: dates, types and digests are far shorter. */
#define HEADER_VALUE_MAX_BYTES 512

/* The status in "HTTP/1.1 206 Partial Content"; 0 when there is none. */
static int
status_of (struct slice line)
{
  const char *blank = memchr (line.data, ' ', line.len);
  size_t at = NULL == blank ? line.len : (size_t)(blank - line.data) + 1;
  int64_t status = 0;

  if (at + 3 > line.len || ! number_parse_int64 ((struct slice){ line.data + at, 3 }, &status))
    return 0;
  return (int)status;
}

void
transport_answer_header (struct transport_answer *answer, struct slice line)
{
  const char *colon = memchr (line.data, ':', line.len);
  char value[HEADER_VALUE_MAX_BYTES];
  size_t name_len;
  struct slice rest;

  if (line.len >= 5 && 0 == memcmp (line.data, "HTTP/", 5))
  {
    struct buffer body = answer->body;

    transport_answer_init (answer);
    answer->body = body;
    answer->status = status_of (line);
    return;
  }
  if (NULL == colon)
    return;
  name_len = (size_t)(colon - line.data);
  rest = (struct slice){ colon + 1, line.len - name_len - 1 };
  while (rest.len > 0 && (' ' == rest.data[0] || '\t' == rest.data[0]))
    rest = (struct slice){ rest.data + 1, rest.len - 1 };
  while (rest.len > 0 && NULL != memchr (" \t\r\n", rest.data[rest.len - 1], 4))
    rest.len--;
  if (rest.len >= sizeof (value))
    return;
  memcpy (value, rest.data, rest.len);
  value[rest.len] = '\0';
  for (size_t i = 0; i < sizeof (headers) / sizeof (headers[0]); i++)
    if (strlen (headers[i].name) == name_len && 0 == strncasecmp (headers[i].name, line.data, name_len))
      headers[i].take (answer, value);
}

/* --- errors --- */

struct meaning
{
  int status;
  enum tally_code code;
  bool retryable;
};

/* Statuses that mean the same with and without JSON. What is not listed: other 4xx are REFUSED, other 5xx SERVER. */
static const struct meaning meanings[] = {
  { 401, TALLY_ERROR_UNAUTHENTICATED, false }, { 403, TALLY_ERROR_FORBIDDEN, false },
  { 404, TALLY_ERROR_NOT_FOUND, false },       { 408, TALLY_ERROR_TIMEOUT, true },
  { 409, TALLY_ERROR_CONFLICT, false },        { 413, TALLY_ERROR_REFUSED, false },
  { 425, TALLY_ERROR_OVERLOADED, true },       { 429, TALLY_ERROR_OVERLOADED, true },
  { 501, TALLY_ERROR_UNSUPPORTED, false },     { 503, TALLY_ERROR_OVERLOADED, true },
};

/* Of the listed ones, those that a proxy gives in its own words, and which mean the same then. */
static bool
means_without_json (int status)
{
  return status >= 500 || 401 == status || 403 == status || 408 == status || 413 == status || 425 == status
         || 429 == status;
}

static struct meaning
meaning_of (int status)
{
  for (size_t i = 0; i < sizeof (meanings) / sizeof (meanings[0]); i++)
    if (meanings[i].status == status)
      return meanings[i];
  return status >= 500 ? (struct meaning){ status, TALLY_ERROR_SERVER, true }
                       : (struct meaning){ status, TALLY_ERROR_REFUSED, false };
}

/* One line: control characters become spaces. */
static void
one_line (char *text)
{
  for (; '\0' != *text; text++)
    if ((unsigned char)*text < 0x20 || 0x7f == *text)
      *text = ' ';
}

/* The error that MLflow's and Tally's JSON tells. */
static enum tally_code
error_of_json (const struct transport_answer *answer, const json_t *object, struct tally_error *err)
{
  struct meaning meaning = meaning_of (answer->status);
  const char *name = json_string_value (json_object_get (object, "error_code"));
  const char *message = json_string_value (json_object_get (object, "message"));
  struct tally_error error;

  if (NULL == name)
    name = "";
  if (409 == answer->status && json_is_array (json_object_get (object, "missing")))
    meaning.code = TALLY_ERROR_GATE;
  else if (0 == strcmp (name, "RESOURCE_ALREADY_EXISTS") || 0 == strcmp (name, "ALREADY_EXISTS"))
    meaning.code = TALLY_ERROR_EXISTS;
  else if (0 == strcmp (name, "ENDPOINT_NOT_FOUND"))
    meaning.code = TALLY_ERROR_UNSUPPORTED;
  error_set (&error, meaning.code, "%s", NULL == message || '\0' == message[0] ? name : message);
  one_line (error.message);
  error.retryable = meaning.retryable;
  error.http_status = answer->status;
  snprintf (error.server_code, sizeof (error.server_code), "%s", name);
  one_line (error.server_code);
  if (NULL != err)
    *err = error;
  return meaning.code;
}

/* The first line of a plain text, such as MLflow's "Invalid Host header …": never HTML. */
static struct slice
plain_text (const struct transport_answer *answer)
{
  struct slice text = buffer_slice (&answer->body);
  size_t len = 0;

  if (0 != strncasecmp (answer->content_type, "text/plain", strlen ("text/plain")))
    return (struct slice){ NULL, 0 };
  while (len < text.len && len < 200 && (unsigned char)text.data[len] >= 0x20 && (unsigned char)text.data[len] < 0x7f)
    len++;
  return (struct slice){ text.data, len };
}

static enum tally_code
error_of_status (const struct transport_answer *answer, const struct transport_request *request,
                 struct tally_error *err)
{
  struct meaning meaning = meaning_of (answer->status);
  struct slice text = plain_text (answer);
  enum tally_code code;

  /* An answer to HEAD has no body, and a store that a signed URL leads to has other ones. */
  if (! means_without_json (answer->status) && 0 != strcmp (request->method, "HEAD") && NULL == request->url)
    meaning.code = TALLY_ERROR_PROTOCOL;
  code =
      error_set (err, meaning.code, "The server answered %d%s%.*s%s", answer->status, slice_filled (text) ? ": " : "",
                 SLICE_ARG (text),
                 TALLY_ERROR_PROTOCOL == meaning.code ? " without the JSON of a Tally or MLflow server: is its address "
                                                        "complete?"
                                                      : "");
  if (NULL == err)
    return code;
  err->retryable = meaning.retryable;
  err->http_status = answer->status;
  return code;
}

/* Where a redirect points, without user, query and fragment, which may hold secrets. */
static enum tally_code
error_of_redirect (const struct transport_answer *answer, const char *location, struct tally_error *err)
{
  CURLU *url = curl_url ();
  char *text = NULL;
  enum tally_code code;

  if (NULL != url && NULL != location && CURLUE_OK == curl_url_set (url, CURLUPART_URL, location, 0)
      && CURLUE_OK == curl_url_set (url, CURLUPART_USER, NULL, 0)
      && CURLUE_OK == curl_url_set (url, CURLUPART_PASSWORD, NULL, 0)
      && CURLUE_OK == curl_url_set (url, CURLUPART_QUERY, NULL, 0)
      && CURLUE_OK == curl_url_set (url, CURLUPART_FRAGMENT, NULL, 0))
    curl_url_get (url, CURLUPART_URL, &text, 0);
  code = error_set (err, TALLY_ERROR_PROTOCOL, "The server points elsewhere (%d): %.500s. Redirects are not followed.",
                    answer->status, NULL == text ? "to no address" : text);
  curl_free (text);
  curl_url_cleanup (url);
  if (NULL == err)
    return code;
  one_line (err->message);
  err->retryable = false;
  err->http_status = answer->status;
  return code;
}

enum tally_code
transport_answer_error (const struct transport_answer *answer, const struct transport_request *request,
                        const char *location, struct tally_error *err)
{
  json_t *object;
  bool out_of_memory;
  enum tally_code code;

  if (answer->status < 400)
    return error_of_redirect (answer, location, err);
  object = json_read (&out_of_memory, buffer_slice (&answer->body));
  /* What a refusal means is not guessed. */
  if (out_of_memory)
    return error_memory (err);
  if (json_is_string (json_object_get (object, "error_code")))
    code = error_of_json (answer, object, err);
  else
    code = error_of_status (answer, request, err);
  json_decref (object);
  return code;
}
