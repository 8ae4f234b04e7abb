/* The general checks of every answer. */
#include "checks.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

long
checks_status_of (const char *error_code)
{
  for (int code = ERR_OK + 1; NULL != error_code && code < ERR_COUNT; code++)
    if (0 == strcmp (error_code, err_name ((enum err_code)code)))
      return (long)err_http_status ((enum err_code)code);
  return 0;
}

static bool
is_api (const char *path)
{
  return NULL != strstr (path, "/api/") || NULL != strstr (path, "/ajax-api/");
}

/* Members whose values are int64 wherever they stand. */
static bool
is_int64_name (const char *name)
{
  static const char *const names[] = { "timestamp", "step",          "start_time",
                                       "end_time",  "creation_time", "last_update_time" };

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    if (0 == strcmp (name, names[i]))
      return true;
  return false;
}

static bool
tree_is_clean (const json_t *value, struct buffer *why)
{
  const char *name;
  json_t *member;
  size_t i;

  json_array_foreach (value, i, member) if (! tree_is_clean (member, why)) return false;
  json_object_foreach ((json_t *)value, name, member)
  {
    if (json_is_array (member) && 0 == json_array_size (member))
      return buffer_printf (why, "empty array \"%s\" in the answer", name), false;
    if (is_int64_name (name) && ! json_is_integer (member))
      return buffer_printf (why, "\"%s\" is no integer", name), false;
    if (json_is_null (member))
      return buffer_printf (why, "null \"%s\" in the answer", name), false;
    if (! tree_is_clean (member, why))
      return false;
  }
  return true;
}

/* Words that would show SQL, the driver or the file system of the server. */
static bool
message_is_clean (const char *message, struct buffer *why)
{
  static const char *const words[] = { "SELECT ", "INSERT ", "UPDATE ",     "SQLSTATE", "libpq",
                                       "psql",    "sqlite",  "relation \"", "violates", "syntax error at or near",
                                       ".c:" };

  for (size_t i = 0; i < sizeof (words) / sizeof (words[0]); i++)
    if (NULL != strstr (message, words[i]))
      return buffer_printf (why, "the message shows the inside of the server: %s", message), false;
  return true;
}

static bool
error_is_well_formed (const struct reply *reply, const json_t *body, struct buffer *why)
{
  const char *code = json_string_value (json_object_get (body, "error_code"));
  const char *message = json_string_value (json_object_get (body, "message"));

  if (NULL == code || NULL == message || '\0' == *message)
    return buffer_printf (why, "no error_code and message: %.200s", reply->body.len > 0 ? reply->body.data : ""), false;
  if (NULL == json_string_value (json_object_get (body, "request_id")))
    return buffer_text (why, "no request_id in the error"), false;
  if (checks_status_of (code) != reply->status)
    return buffer_printf (why, "status %ld does not belong to error_code %s", reply->status, code), false;
  if (503 == reply->status && '\0' == *reply_header_text (reply, "retry-after"))
    return buffer_text (why, "503 without Retry-After"), false;
  if (401 == reply->status && '\0' == *reply_header_text (reply, "www-authenticate"))
    return buffer_text (why, "401 without WWW-Authenticate"), false;
  if (405 == reply->status && '\0' == *reply_header_text (reply, "allow"))
    return buffer_text (why, "405 without Allow"), false;
  return message_is_clean (message, why);
}

/* The end of the body is known by its length or by chunks, and not by both. */
static bool
length_is_right (const struct reply *reply, struct buffer *why)
{
  const char *length = reply_header_text (reply, "content-length");
  const char *coding = reply_header_text (reply, "transfer-encoding");

  if ('\0' != *coding && ('\0' != *length || 0 != strcmp (coding, "chunked")))
    return buffer_printf (why, "Transfer-Encoding \"%s\" and Content-Length \"%s\"", coding, length), false;
  if ('\0' == *coding && '\0' == *length && 204 != reply->status)
    return buffer_text (why, "neither Content-Length nor chunks"), false;
  if ('\0' != *length && strtoul (length, NULL, 10) != reply->body.len)
    return buffer_printf (why, "Content-Length %s, but %zu bytes", length, reply->body.len), false;
  return true;
}

/* What every answer says to browsers. */
static bool
headers_are_there (const struct reply *reply, struct buffer *why)
{
  static const struct
  {
    const char *name;
    const char *value; /* NULL: any */
  } wanted[] = {
    { "x-content-type-options", "nosniff" }, { "x-frame-options", NULL },
    { "referrer-policy", "no-referrer" },    { "cross-origin-resource-policy", "same-origin" },
    { "content-security-policy", NULL },
  };

  for (size_t i = 0; i < sizeof (wanted) / sizeof (wanted[0]); i++)
  {
    const char *value = reply_header_text (reply, wanted[i].name);

    if ('\0' == *value || (NULL != wanted[i].value && 0 != strcmp (value, wanted[i].value)))
      return buffer_printf (why, "the header %s is \"%s\"", wanted[i].name, value), false;
  }
  return true;
}

bool
checks_pass (const struct reply *reply, const char *method, const char *path, const json_t *body, struct buffer *why)
{
  const char *type = reply_header_text (reply, "content-type");

  if (! headers_are_there (reply, why))
    return false;
  if (0 == strcmp (method, "HEAD"))
    return 0 == reply->body.len || (buffer_text (why, "HEAD got a body"), false);
  if (! length_is_right (reply, why))
    return false;
  if (204 == reply->status || ! is_api (path))
    return true;
  if (0 != strncmp (type, "application/json", strlen ("application/json")))
    return buffer_printf (why, "Content-Type is \"%s\"", type), false;
  if (! json_is_object (body))
    return buffer_printf (why, "the body is no JSON object: %.200s", reply->body.len > 0 ? reply->body.data : ""),
           false;
  if (reply->status >= 400)
    return error_is_well_formed (reply, body, why);
  return tree_is_clean (body, why);
}
