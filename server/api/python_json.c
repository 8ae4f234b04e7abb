/* JSON text as Python's json.dumps prints it, because messages quote values that way. */
#include "api/decode.h"
#include "base/number.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

/* Longest quoted value in a message: a key of 250 characters, all escaped, and some room. */
#define QUOTED_MAX_BYTES 1600
/* Nested values in a message: one more level than any valid request has. */
#define DEPTH_MAX 8

static void
put_string (struct buffer *out, struct slice text)
{
  uint32_t point;

  buffer_byte (out, '"');
  while (text.len > 0 && out->len < QUOTED_MAX_BYTES && utf8_next (&text, &point))
  {
    static const char plain[] = "\"\\\n\r\t\f\b";
    static const char letters[] = "\"\\nrtfb";
    const char *special = 0 == point || point > 0x7F ? NULL : strchr (plain, (int)point);

    if (NULL != special)
      buffer_printf (out, "\\%c", letters[special - plain]);
    else if (point >= 0x20 && point < 0x7F)
      buffer_byte (out, (char)point);
    else if (0x7F == point)
      buffer_byte (out, '\x7F');
    else if (point <= 0xFFFF)
      buffer_printf (out, "\\u%04x", point);
    else
      buffer_printf (out, "\\u%04x\\u%04x", 0xD800 + ((point - 0x10000) >> 10), 0xDC00 + ((point - 0x10000) & 0x3FF));
  }
  buffer_byte (out, '"');
}

static void put_value (struct buffer *out, const json_t *value, unsigned depth);

static void
put_object (struct buffer *out, const json_t *value, unsigned depth)
{
  /* Objects keep their order of insertion; sorting a handful of names by repeated search is enough here. */
  const char *last = NULL;

  buffer_byte (out, '{');
  for (size_t printed = 0; printed < json_object_size (value) && out->len < QUOTED_MAX_BYTES; printed++)
  {
    const char *next = NULL;
    const char *name;
    json_t *member;

    json_object_foreach ((json_t *)(uintptr_t)value, name, member) if ((NULL == last || strcmp (name, last) > 0)
                                                                       && (NULL == next || strcmp (name, next) < 0))
        next = name;
    if (NULL == next)
      break;
    if (printed > 0)
      buffer_byte (out, ',');
    put_string (out, slice_of (next));
    buffer_byte (out, ':');
    put_value (out, json_object_get (value, next), depth + 1);
    last = next;
  }
  buffer_byte (out, '}');
}

static void
put_value (struct buffer *out, const json_t *value, unsigned depth)
{
  char number[NUMBER_DOUBLE_BYTES];

  if (depth > DEPTH_MAX || out->len > QUOTED_MAX_BYTES)
    return;
  switch (json_typeof (value))
  {
  case JSON_OBJECT:
    put_object (out, value, depth);
    break;
  case JSON_ARRAY:
    buffer_byte (out, '[');
    for (size_t i = 0; i < json_array_size (value) && out->len < QUOTED_MAX_BYTES; i++)
    {
      if (i > 0)
        buffer_byte (out, ',');
      put_value (out, json_array_get (value, i), depth + 1);
    }
    buffer_byte (out, ']');
    break;
  case JSON_STRING:
    put_string (out, (struct slice){ json_string_value (value), json_string_length (value) });
    break;
  case JSON_INTEGER:
    buffer_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
    break;
  case JSON_REAL:
    buffer_append (out, number, number_format_double (number, json_real_value (value)));
    break;
  case JSON_TRUE:
    buffer_text (out, "true");
    break;
  case JSON_FALSE:
    buffer_text (out, "false");
    break;
  case JSON_NULL:
    buffer_text (out, "null");
    break;
  }
}

static const char *
finish (struct buffer *out, struct arena *arena)
{
  struct slice text = buffer_slice (out);
  const char *copy;

  if (text.len > QUOTED_MAX_BYTES)
    text.len = QUOTED_MAX_BYTES;
  copy = arena_string (arena, text);
  buffer_free (out);
  return NULL == copy ? "" : copy;
}

const char *
api_python_json (const json_t *value, struct arena *arena)
{
  struct buffer out;

  buffer_init (&out, 8 * QUOTED_MAX_BYTES);
  put_value (&out, value, 0);
  return finish (&out, arena);
}

const char *
api_python_string (struct slice text, struct arena *arena)
{
  struct buffer out;

  buffer_init (&out, 8 * QUOTED_MAX_BYTES);
  put_string (&out, text);
  return finish (&out, arena);
}

const char *
api_python_repr (struct slice text, struct arena *arena)
{
  bool has_single = NULL != memchr (text.data, '\'', text.len);
  char quote = has_single && NULL == memchr (text.data, '"', text.len) ? '"' : '\'';
  struct buffer out;

  buffer_init (&out, 8 * QUOTED_MAX_BYTES);
  buffer_byte (&out, quote);
  for (size_t i = 0; i < text.len && out.len < QUOTED_MAX_BYTES; i++)
  {
    unsigned char byte = (unsigned char)text.data[i];

    if (quote == text.data[i] || '\\' == byte)
      buffer_printf (&out, "\\%c", byte);
    else if ('\n' == byte || '\r' == byte || '\t' == byte)
      buffer_printf (&out, "\\%c", '\n' == byte ? 'n' : '\r' == byte ? 'r' : 't');
    else if (byte < 0x20 || 0x7F == byte)
      buffer_printf (&out, "\\x%02x", byte);
    else
      buffer_byte (&out, (char)byte);
  }
  buffer_byte (&out, quote);
  return finish (&out, arena);
}
