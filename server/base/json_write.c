/* Writes JSON text: one flag knows whether a comma is due, strings go out in runs of plain text between escapes. */
#include "base/json_write.h"

#include "base/json_plain.h"
#include "base/number.h"
#include "base/utf8.h"

#include <math.h>

void
json_write_init (struct json_write *w, struct buffer *out)
{
  *w = (struct json_write){ .out = out, .comma = false };
}

/* The comma before a value or a member name, if one is due. */
static void
separate (struct json_write *w)
{
  if (w->comma)
    buffer_byte (w->out, ',');
}

static void
open_bracket (struct json_write *w, char bracket)
{
  separate (w);
  buffer_byte (w->out, bracket);
  w->comma = false;
}

static void
close_bracket (struct json_write *w, char bracket)
{
  buffer_byte (w->out, bracket);
  w->comma = true;
}

/* A scalar whose text is known. */
static void
scalar (struct json_write *w, const char *text, size_t len)
{
  separate (w);
  buffer_append (w->out, text, len);
  w->comma = true;
}

void
json_write_object (struct json_write *w)
{
  open_bracket (w, '{');
}

void
json_write_object_end (struct json_write *w)
{
  close_bracket (w, '}');
}

void
json_write_array (struct json_write *w)
{
  open_bracket (w, '[');
}

void
json_write_array_end (struct json_write *w)
{
  close_bracket (w, ']');
}

/* One control character, quote or backslash. */
static void
escape_byte (struct buffer *out, unsigned char byte)
{
  static const char digits[] = "0123456789abcdef";
  static const char letters[0x20] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
  char letter = byte < sizeof (letters) ? letters[byte] : (char)byte;

  if ('\0' != letter)
    buffer_append (out, (const char[]){ '\\', letter }, 2);
  else
    buffer_append (out, (const char[]){ '\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15] }, 6);
}

static void
quote (struct buffer *out, struct slice text)
{
  const char *next = NULL == text.data ? "" : text.data;
  const char *end = next + text.len;

  /* Escapes are rare: most strings need this room and no more. */
  buffer_reserve (out, text.len + 2);
  buffer_byte (out, '"');
  while (next < end)
  {
    const char *begin = next;
    size_t len = 0;

    /* Take plain text and valid sequences as one run. */
    for (;;)
    {
      next = json_plain_end (next, end);
      if (next == end || (unsigned char)*next < 0x80)
        break;
      len = utf8_sequence ((struct slice){ next, (size_t)(end - next) });
      if (0 == len || (3 == len && (0 == memcmp (next, "\u2028", 3) || 0 == memcmp (next, "\u2029", 3))))
        break;
      next += len;
    }
    buffer_append (out, begin, (size_t)(next - begin));
    if (next == end)
      break;
    if ((unsigned char)*next < 0x80)
      escape_byte (out, (unsigned char)*next++);
    else if (0 == len)
    {
      buffer_append (out, "\uFFFD", 3);
      next++;
    }
    else
    {
      buffer_append (out, 0 == memcmp (next, "\u2028", 3) ? "\\u2028" : "\\u2029", 6);
      next += 3;
    }
  }
  buffer_byte (out, '"');
}

void
json_write_key (struct json_write *w, const char *name)
{
  separate (w);
  buffer_byte (w->out, '"');
  buffer_text (w->out, name);
  buffer_append (w->out, "\":", 2);
  w->comma = false;
}

void
json_write_key_slice (struct json_write *w, struct slice name)
{
  separate (w);
  quote (w->out, name);
  buffer_byte (w->out, ':');
  w->comma = false;
}

void
json_write_string (struct json_write *w, struct slice text)
{
  separate (w);
  quote (w->out, text);
  w->comma = true;
}

void
json_write_text (struct json_write *w, const char *text)
{
  json_write_string (w, slice_of (text));
}

void
json_write_int64 (struct json_write *w, int64_t value)
{
  char text[NUMBER_INT64_BYTES];

  scalar (w, text, number_format_int64 (text, value));
}

void
json_write_uint64 (struct json_write *w, uint64_t value)
{
  char text[NUMBER_INT64_BYTES];

  scalar (w, text, number_format_uint64 (text, value));
}

void
json_write_double (struct json_write *w, double value)
{
  char text[NUMBER_DOUBLE_BYTES + 2];
  size_t len = number_format_double (text + 1, value);

  if (isfinite (value))
  {
    scalar (w, text + 1, len);
    return;
  }
  text[0] = '"';
  text[len + 1] = '"';
  scalar (w, text, len + 2);
}

void
json_write_bool (struct json_write *w, bool value)
{
  scalar (w, value ? "true" : "false", value ? 4 : 5);
}

void
json_write_null (struct json_write *w)
{
  scalar (w, "null", 4);
}

void
json_write_raw (struct json_write *w, struct slice json)
{
  scalar (w, json.data, json.len);
}

static bool
is_space (char c)
{
  return ' ' == c || '\t' == c || '\n' == c || '\r' == c;
}

/* The end of a string that begins at `from`. */
static size_t
string_end (struct slice json, size_t from)
{
  size_t at = from + 1;

  while (at < json.len && '"' != json.data[at])
    at += '\\' == json.data[at] ? 2 : 1;
  return at < json.len ? at + 1 : json.len;
}

void
json_write_compact (struct json_write *w, struct slice json)
{
  size_t from = 0;
  size_t at = 0;

  scalar (w, json.data, 0);
  while (at < json.len)
    if ('"' == json.data[at])
      at = string_end (json, at);
    else if (is_space (json.data[at]))
    {
      buffer_append (w->out, json.data + from, at - from);
      from = ++at;
    }
    else
      at++;
  buffer_append (w->out, json.data + from, at - from);
}

void
json_write_member_string (struct json_write *w, const char *name, struct slice text)
{
  json_write_key (w, name);
  json_write_string (w, text);
}

void
json_write_member_text (struct json_write *w, const char *name, const char *text)
{
  json_write_key (w, name);
  json_write_text (w, text);
}

void
json_write_member_int64 (struct json_write *w, const char *name, int64_t value)
{
  json_write_key (w, name);
  json_write_int64 (w, value);
}

void
json_write_member_uint64 (struct json_write *w, const char *name, uint64_t value)
{
  json_write_key (w, name);
  json_write_uint64 (w, value);
}

void
json_write_member_double (struct json_write *w, const char *name, double value)
{
  json_write_key (w, name);
  json_write_double (w, value);
}

void
json_write_member_bool (struct json_write *w, const char *name, bool value)
{
  json_write_key (w, name);
  json_write_bool (w, value);
}

void
json_write_member_raw (struct json_write *w, const char *name, struct slice json)
{
  json_write_key (w, name);
  json_write_raw (w, json);
}
