/* Takes HTTP request targets apart: path, segments, query, percent-encoding. */
#include "base/url.h"

#include "base/hex.h"
#include "base/utf8.h"

/* Pass over `scheme`, which is in lower case, in any case (RFC 3986, 3.1). */
static bool
take_scheme (struct slice *target, struct slice scheme)
{
  if (target->len < scheme.len)
    return false;
  for (size_t i = 0; i < scheme.len; i++)
  {
    char c = target->data[i];

    if (c != scheme.data[i] && ! (c >= 'A' && c <= 'Z' && (c | 0x20) == scheme.data[i]))
      return false;
  }
  target->data += scheme.len;
  target->len -= scheme.len;
  return true;
}

bool
url_split (struct slice target, struct slice *path, struct slice *query)
{
  const char *mark;

  for (size_t i = 0; i < target.len; i++)
  {
    unsigned char byte = (unsigned char)target.data[i];

    if (byte <= ' ' || 0x7F == byte || '#' == byte)
      return false;
  }
  if (take_scheme (&target, SLICE ("http://")) || take_scheme (&target, SLICE ("https://")))
  {
    size_t host = 0;

    while (host < target.len && '/' != target.data[host] && '?' != target.data[host])
      host++;
    if (0 == host)
      return false;
    target.data += host;
    target.len -= host;
    if (0 == target.len || '?' == target.data[0])
    {
      *path = SLICE ("/");
      *query = 0 == target.len ? (struct slice){ NULL, 0 } : (struct slice){ target.data + 1, target.len - 1 };
      return true;
    }
  }
  if (0 == target.len || '/' != target.data[0])
    return false;
  mark = memchr (target.data, '?', target.len);
  *path = target;
  *query = (struct slice){ NULL, 0 };
  if (NULL != mark)
  {
    path->len = (size_t)(mark - target.data);
    *query = (struct slice){ mark + 1, target.len - path->len - 1 };
  }
  return true;
}

bool
url_segment_next (struct slice *rest, struct slice *raw_segment)
{
  const char *slash;

  if (0 == rest->len)
    return false;
  if ('/' == rest->data[0])
  {
    rest->data++;
    rest->len--;
  }
  slash = 0 == rest->len ? NULL : memchr (rest->data, '/', rest->len);
  *raw_segment = (struct slice){ rest->data, NULL == slash ? rest->len : (size_t)(slash - rest->data) };
  rest->data += raw_segment->len;
  rest->len -= raw_segment->len;
  return true;
}

bool
url_query_next (struct slice *rest, struct slice *raw_name, struct slice *raw_value)
{
  while (rest->len > 0)
  {
    const char *begin = rest->data;
    const char *mark = memchr (begin, '&', rest->len);
    size_t len = NULL == mark ? rest->len : (size_t)(mark - begin);
    size_t taken = NULL == mark ? len : len + 1;
    const char *equals = memchr (begin, '=', len);

    rest->data += taken;
    rest->len -= taken;
    if (0 == len)
      continue;
    *raw_name = (struct slice){ begin, len };
    *raw_value = (struct slice){ NULL, 0 };
    if (NULL != equals)
    {
      raw_name->len = (size_t)(equals - begin);
      *raw_value = (struct slice){ equals + 1, len - raw_name->len - 1 };
    }
    return true;
  }
  return false;
}

bool
url_decode (struct slice *out, struct slice text, bool plus_is_space, struct arena *arena)
{
  size_t encoded = 0;
  size_t pluses = 0;
  char *copy = NULL;
  size_t len = 0;
  struct slice decoded = text;

  for (size_t i = 0; i < text.len; i++)
  {
    encoded += '%' == text.data[i];
    pluses += '+' == text.data[i];
  }
  if (encoded > 0 || (plus_is_space && pluses > 0))
  {
    copy = arena_alloc (arena, text.len);
    if (NULL == copy)
      return false;
    for (size_t i = 0; i < text.len; i++)
    {
      char c = text.data[i];

      if ('%' == c)
      {
        int high = text.len - i > 2 ? hex_value (text.data[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_value (text.data[i + 2]);

        if (low < 0)
          return false;
        c = (char)(unsigned char)(high << 4 | low);
        i += 2;
      }
      else if (plus_is_space && '+' == c)
        c = ' ';
      copy[len++] = c;
    }
    decoded = (struct slice){ copy, len };
  }
  if (0 != decoded.len && NULL != memchr (decoded.data, '\0', decoded.len))
    return false;
  if (! utf8_valid (decoded))
    return false;
  *out = decoded;
  return true;
}

/* RFC 3986, 2.3. */
static bool
is_unreserved (char c)
{
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || '-' == c || '.' == c || '_' == c
         || '~' == c;
}

bool
url_encode (struct buffer *out, struct slice text)
{
  static const char digits[] = "0123456789ABCDEF";

  for (size_t i = 0; i < text.len; i++)
  {
    unsigned char byte = (unsigned char)text.data[i];

    if (is_unreserved (text.data[i]))
      buffer_byte (out, text.data[i]);
    else
      buffer_append (out, (const char[]){ '%', digits[byte >> 4], digits[byte & 15] }, 3);
  }
  return ! out->failed;
}
