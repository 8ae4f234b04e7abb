/* Whole requests over libcurl. */
#include "reply.h"
#include "tls.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The largest answer that a scenario asks for is a page of 25,000 points, about 3 MB. */
#define BODY_MAX_BYTES (256u << 20)
/* A request that takes longer has failed; the slowest scenario sends 16 MB. */
#define REQUEST_TIMEOUT_MS 60000L

void
reply_init (struct reply *reply)
{
  reply->status = 0;
  reply->headers = json_object ();
  buffer_init (&reply->body, BODY_MAX_BYTES);
}

void
reply_clear (struct reply *reply)
{
  json_decref (reply->headers);
  reply->headers = NULL;
  buffer_free (&reply->body);
  reply->status = 0;
}

void
reply_header (struct reply *reply, const char *line, size_t length)
{
  const char *colon = memchr (line, ':', length);
  char name[256];
  size_t name_length;
  const char *old;
  json_t *value;

  if (NULL == colon || (name_length = (size_t)(colon - line)) >= sizeof (name))
    return;
  for (size_t i = 0; i < name_length; i++)
    name[i] = (char)(line[i] >= 'A' && line[i] <= 'Z' ? line[i] + 32 : line[i]);
  name[name_length] = '\0';
  length -= name_length + 1;
  colon++;
  while (length > 0 && (' ' == *colon || '\t' == *colon))
    colon++, length--;
  while (length > 0 && ('\r' == colon[length - 1] || '\n' == colon[length - 1] || ' ' == colon[length - 1]))
    length--;
  old = json_string_value (json_object_get (reply->headers, name));
  value = NULL == old ? json_stringn_nocheck (colon, length) : json_sprintf ("%s, %.*s", old, (int)length, colon);
  json_object_set_new_nocheck (reply->headers, name, value);
}

const char *
reply_header_text (const struct reply *reply, const char *name)
{
  const char *text = json_string_value (json_object_get (reply->headers, name));

  return NULL == text ? "" : text;
}

static size_t
take_header (char *data, size_t size, size_t count, void *user)
{
  reply_header (user, data, size * count);
  return size * count;
}

static size_t
take_body (char *data, size_t size, size_t count, void *user)
{
  struct reply *reply = user;

  return buffer_append (&reply->body, data, size * count) ? size * count : 0;
}

static struct curl_slist *
header_list (const struct request *request)
{
  struct curl_slist *list = curl_slist_append (NULL, "Expect:");
  bool typed = false;
  const char *name;
  json_t *value;
  char line[16384];

  json_object_foreach ((json_t *)request->headers, name, value)
  {
    /* "Name:" takes curl's own header away, "Name;" sends an empty one. */
    if (json_is_null (value))
      snprintf (line, sizeof (line), "%s:", name);
    else if (0 == json_string_length (value))
      snprintf (line, sizeof (line), "%s;", name);
    else
      snprintf (line, sizeof (line), "%s: %s", name, json_string_value (value));
    list = curl_slist_append (list, line);
    typed = typed || 0 == strcasecmp (name, "Content-Type");
  }
  if (! typed && NULL != request->body)
    list = curl_slist_append (list, "Content-Type: application/json");
  if (NULL == request->body)
    list = curl_slist_append (list, "Content-Type:");
  return list;
}

bool
reply_fetch (struct reply *reply, CURL *curl, const struct request *request, struct buffer *why)
{
  struct curl_slist *headers = header_list (request);
  CURLcode code;

  curl_easy_reset (curl);
  curl_easy_setopt (curl, CURLOPT_URL, request->url);
  curl_easy_setopt (curl, CURLOPT_PATH_AS_IS, 1L);
  if (NULL != tls_ca_file ())
    curl_easy_setopt (curl, CURLOPT_CAINFO, tls_ca_file ());
  curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt (curl, CURLOPT_TIMEOUT_MS, REQUEST_TIMEOUT_MS);
  curl_easy_setopt (curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt (curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt (curl, CURLOPT_HEADERDATA, reply);
  curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt (curl, CURLOPT_WRITEDATA, reply);
  if (NULL != request->body)
  {
    curl_easy_setopt (curl, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt (curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
  }
  if (0 == strcmp (request->method, "HEAD"))
    curl_easy_setopt (curl, CURLOPT_NOBODY, 1L);
  else if (0 == strcmp (request->method, "POST") && NULL == request->body)
  {
    curl_easy_setopt (curl, CURLOPT_POST, 1L);
    curl_easy_setopt (curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt (curl, CURLOPT_POSTFIELDSIZE, 0L);
  }
  else
    curl_easy_setopt (curl, CURLOPT_CUSTOMREQUEST, request->method);
  code = curl_easy_perform (curl);
  curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, &reply->status);
  curl_slist_free_all (headers);
  /* A server that refuses a body answers before it has read it; the answer counts. */
  if (CURLE_OK == code || (CURLE_SEND_ERROR == code && reply->status >= 400))
    return true;
  buffer_printf (why, "no answer: %s", curl_easy_strerror (code));
  return false;
}
