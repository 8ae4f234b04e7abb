/* URIs of sources of versions, taken apart. */
#include "api/model_version_uri.h"

#include "base/hex.h"
#include "base/number.h"
#include "base/url.h"

#include <ctype.h>
#include <strings.h>

static struct slice
from (struct slice text, size_t at)
{
  return (struct slice){ text.data + at, text.len - at };
}

/* The length of the scheme in front of a colon; 0: there is none. */
static size_t
scheme_length (struct slice text)
{
  size_t length = 0;

  if (0 == text.len || ! isalpha ((unsigned char)text.data[0]))
    return 0;
  while (length < text.len
         && (isalnum ((unsigned char)text.data[length]) || NULL != memchr ("+-.", text.data[length], 3)))
    length++;
  return length < text.len && ':' == text.data[length] ? length : 0;
}

/* How much of a text stands in front of the first of some characters. */
static size_t
length_before (struct slice text, const char *characters)
{
  size_t length = 0;

  while (length < text.len && NULL == memchr (characters, text.data[length], strlen (characters)))
    length++;
  return length;
}

void
model_version_uri_split (struct model_version_uri *uri, struct slice text)
{
  size_t scheme = scheme_length (text);

  *uri = (struct model_version_uri){ .scheme = { text.data, scheme } };
  if (scheme > 0)
    text = from (text, scheme + 1);
  if (text.len >= 2 && 0 == memcmp (text.data, "//", 2))
  {
    text = from (text, 2);
    uri->authority = (struct slice){ text.data, length_before (text, "/?#") };
    text = from (text, uri->authority.len);
  }
  uri->path = (struct slice){ text.data, length_before (text, "?#") };
}

bool
model_version_uri_has_scheme (const struct model_version_uri *uri, const char *scheme)
{
  return strlen (scheme) == uri->scheme.len && 0 == strncasecmp (uri->scheme.data, scheme, uri->scheme.len);
}

bool
model_version_uri_is_local (struct slice text)
{
  struct model_version_uri uri;

  model_version_uri_split (&uri, text);
  return 0 == uri.scheme.len || model_version_uri_has_scheme (&uri, "file");
}

/* Put a path together again without empty and "." segments. False when it leads upwards. */
static bool
normalize (char *out, size_t *length, struct slice path)
{
  struct slice segment;

  *length = 0;
  while (url_segment_next (&path, &segment))
  {
    if (slice_is (segment, ".."))
      return false;
    if (0 == segment.len || slice_is (segment, "."))
      continue;
    out[(*length)++] = '/';
    memcpy (out + *length, segment.data, segment.len);
    *length += segment.len;
  }
  return true;
}

bool
model_version_uri_local_path (struct slice *path, struct slice text, struct arena *arena)
{
  struct model_version_uri uri;
  struct slice decoded;
  char *out;
  size_t length;

  model_version_uri_split (&uri, text);
  if (uri.authority.len > 0 && ! slice_is (uri.authority, "localhost"))
    return false;
  /* Of a plain path, ? and # are characters as others are. */
  if (0 == uri.scheme.len)
    uri.path = text;
  if (! url_decode (&decoded, uri.path, false, arena))
    decoded = uri.path;
  out = arena_alloc (arena, decoded.len + 1);
  if (NULL == out || 0 == decoded.len || '/' != decoded.data[0] || ! normalize (out, &length, decoded))
    return false;
  *path = (struct slice){ out, length };
  return true;
}

static bool
is_number (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
    if (! isdigit ((unsigned char)text.data[i]))
      return false;
  return text.len > 0;
}

static bool
is_blank (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
    if (! isspace ((unsigned char)text.data[i]))
      return false;
  return true;
}

/* The part behind <name>/. */
static bool
read_suffix (struct model_version_target *target, struct slice suffix)
{
  target->suffix = suffix;
  if (is_blank (suffix) || NULL != memchr (suffix.data, '/', suffix.len))
    return false;
  if (is_number (suffix))
  {
    target->kind = TARGET_VERSION;
    /* A number that no version can have is one that none has. */
    if (! number_parse_int64 (suffix, &target->version))
      target->version = INT64_MAX;
  }
  else
    target->kind = 6 == suffix.len && 0 == strncasecmp (suffix.data, "latest", 6) ? TARGET_LATEST : TARGET_STAGE;
  return true;
}

bool
model_version_target_read (struct model_version_target *target, const struct model_version_uri *uri)
{
  struct slice rest = uri->path;
  const char *at;

  *target = (struct model_version_target){ .kind = TARGET_LOGGED_MODEL };
  if (0 == rest.len || '/' != rest.data[0])
    return false;
  while (rest.len > 0 && '/' == rest.data[0])
    rest = from (rest, 1);
  target->name = (struct slice){ rest.data, length_before (rest, "/") };
  if (is_blank (target->name))
    return false;
  if (target->name.len < rest.len)
    return read_suffix (target, from (rest, target->name.len + 1));
  at = memrchr (rest.data, '@', rest.len);
  if (NULL == at)
    return true;
  target->kind = TARGET_ALIAS;
  target->name.len = (size_t)(at - rest.data);
  target->suffix = from (rest, target->name.len + 1);
  return ! is_blank (target->suffix);
}

/* Decode once, in place: %xx and + as in a form; what is no code stays. Gives whether anything changed. */
static bool
unquote (char *text, size_t *length)
{
  size_t out = 0;
  bool changed = false;

  for (size_t i = 0; i < *length; i++)
  {
    int high = '%' == text[i] && i + 2 < *length ? hex_value (text[i + 1]) : -1;
    int low = high >= 0 ? hex_value (text[i + 2]) : -1;

    if (low >= 0)
    {
      text[out++] = (char)(high * 16 + low);
      i += 2;
      changed = true;
    }
    else
    {
      changed = changed || '+' == text[i];
      text[out++] = '+' == text[i] ? ' ' : text[i];
    }
  }
  *length = out;
  return changed;
}

bool
model_version_uri_is_canonical (struct slice source, struct arena *arena)
{
  char *text = arena_copy (arena, source.data, source.len);
  struct model_version_uri uri;
  struct slice rest;
  struct slice segment;

  if (NULL == text)
    return false;
  while (unquote (text, &source.len))
    continue;
  source.data = text;
  rest = source;
  while (url_segment_next (&rest, &segment))
    if (slice_is (segment, ".."))
      return false;
  model_version_uri_split (&uri, source);
  while (uri.path.len > 0 && '/' == uri.path.data[uri.path.len - 1])
    uri.path.len--;
  if (0 == uri.path.len || '/' != uri.path.data[0] || NULL != memchr (uri.path.data, '\0', uri.path.len))
    return false;
  while (url_segment_next (&uri.path, &segment))
    if (slice_is (segment, "."))
      return false;
  return true;
}
