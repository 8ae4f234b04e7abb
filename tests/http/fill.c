/* Fills the placeholders of a scenario by walking the JSON tree once. */
#include "fill.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Longest text that a placeholder makes: above the largest body that any scenario sends. */
#define TEXT_MAX_BYTES (128u << 20)

static bool
append_variable (struct buffer *out, const json_t *value)
{
  char *dump;
  bool ok;

  if (json_is_string (value))
    return buffer_append (out, json_string_value (value), json_string_length (value));
  dump = json_dumps (value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
  if (NULL == dump)
    return false;
  ok = buffer_text (out, dump);
  free (dump);
  return ok;
}

/* Append the value of the placeholder that `open` begins with; returns what follows it, or NULL. */
static const char *
append_placeholder (struct buffer *out, const char *open, json_t *variables, struct buffer *why)
{
  char name[64];
  const char *close = strchr (open, '}');
  const json_t *value;
  size_t length;

  if (NULL == close || (length = (size_t)(close - open) - 2) >= sizeof (name))
  {
    buffer_printf (why, "placeholder without an end: %s", open);
    return NULL;
  }
  memcpy (name, open + 2, length);
  name[length] = '\0';
  value = json_object_get (variables, name);
  if (NULL == value)
  {
    buffer_printf (why, "the variable %s is not set (the case that saves it failed?)", name);
    return NULL;
  }
  return append_variable (out, value) ? close + 1 : NULL;
}

/* Fill `text` of `length` bytes, which may hold NUL bytes, into `out`. */
static bool
fill_into (struct buffer *out, const char *text, size_t length, json_t *variables, struct buffer *why)
{
  const char *end = text + length;

  while (text < end)
  {
    if ('$' == text[0] && text + 1 < end && '{' == text[1])
    {
      text = append_placeholder (out, text, variables, why);
      if (NULL == text)
        return false;
    }
    else if (! buffer_byte (out, *text++))
      return false;
  }
  return true;
}

char *
fill_text (const char *text, json_t *variables, struct buffer *why)
{
  struct buffer out;

  buffer_init (&out, TEXT_MAX_BYTES);
  if (! fill_into (&out, text, strlen (text), variables, why))
  {
    buffer_free (&out);
    return NULL;
  }
  return out.len > 0 ? buffer_steal (&out) : strdup ("");
}

static json_t *
fill_string (const json_t *value, json_t *variables, struct buffer *why)
{
  const char *text = json_string_value (value);
  size_t length = json_string_length (value);
  struct buffer out;
  json_t *result = NULL;

  if (length > 3 && 0 == strncmp (text, "${", 2) && text + length - 1 == strchr (text, '}'))
  {
    char name[64] = "";

    if (length - 3 < sizeof (name))
      memcpy (name, text + 2, length - 3);
    if (NULL != json_object_get (variables, name))
      return json_deep_copy (json_object_get (variables, name));
  }
  buffer_init (&out, TEXT_MAX_BYTES);
  if (fill_into (&out, text, length, variables, why))
    result = json_stringn_nocheck (out.len > 0 ? out.data : "", out.len);
  buffer_free (&out);
  return result;
}

static json_t *
fill_repeat (const json_t *arguments, json_t *variables, struct buffer *why)
{
  json_t *piece = fill (json_array_get (arguments, 0), variables, why);
  json_int_t times = json_integer_value (json_array_get (arguments, 1));
  struct buffer out;
  json_t *result;

  if (! json_is_string (piece))
  {
    json_decref (piece);
    buffer_text (why, "$repeat needs a text and a number");
    return NULL;
  }
  buffer_init (&out, TEXT_MAX_BYTES);
  for (json_int_t i = 0; i < times; i++)
    buffer_append (&out, json_string_value (piece), json_string_length (piece));
  result = out.failed ? NULL : json_stringn_nocheck (out.len > 0 ? out.data : "", out.len);
  buffer_free (&out);
  json_decref (piece);
  return result;
}

static json_t *
fill_concat (const json_t *arguments, json_t *variables, struct buffer *why)
{
  struct buffer out;
  json_t *result = NULL;
  const json_t *item;
  size_t i;
  bool ok = true;

  buffer_init (&out, TEXT_MAX_BYTES);
  json_array_foreach (arguments, i, item)
  {
    json_t *piece = fill (item, variables, why);

    ok = ok && NULL != piece && append_variable (&out, piece);
    json_decref (piece);
  }
  if (ok)
    result = json_stringn_nocheck (out.len > 0 ? out.data : "", out.len);
  buffer_free (&out);
  return result;
}

static json_t *
fill_times (const json_t *arguments, json_t *variables, struct buffer *why)
{
  json_int_t times = json_integer_value (json_array_get (arguments, 0));
  json_t *outer = json_incref (json_object_get (variables, "i"));
  json_t *result = json_array ();

  for (json_int_t i = 0; NULL != result && i < times; i++)
  {
    json_t *item;

    json_object_set_new (variables, "i", json_integer (i));
    item = fill (json_array_get (arguments, 1), variables, why);
    if (NULL == item || 0 != json_array_append_new (result, item))
    {
      json_decref (result);
      result = NULL;
    }
  }
  if (NULL != outer)
    json_object_set_new (variables, "i", outer);
  else
    json_object_del (variables, "i");
  return result;
}

static json_t *
fill_object (const json_t *value, json_t *variables, struct buffer *why)
{
  json_t *result;
  const char *key;
  json_t *member;

  if (1 == json_object_size (value))
  {
    if (NULL != (member = json_object_get (value, "$repeat")))
      return fill_repeat (member, variables, why);
    if (NULL != (member = json_object_get (value, "$concat")))
      return fill_concat (member, variables, why);
    if (NULL != (member = json_object_get (value, "$times")))
      return fill_times (member, variables, why);
  }
  result = json_object ();
  json_object_foreach ((json_t *)value, key, member)
  {
    char *name = fill_text (key, variables, why);
    json_t *filled = NULL == name ? NULL : fill (member, variables, why);

    if (NULL == filled || 0 != json_object_set_new_nocheck (result, name, filled))
    {
      free (name);
      json_decref (result);
      return NULL;
    }
    free (name);
  }
  return result;
}

json_t *
fill (const json_t *value, json_t *variables, struct buffer *why)
{
  json_t *result;
  const json_t *item;
  size_t i;

  if (json_is_string (value))
    return fill_string (value, variables, why);
  if (json_is_object (value))
    return fill_object (value, variables, why);
  if (! json_is_array (value))
    return json_deep_copy (value);
  result = json_array ();
  json_array_foreach (value, i, item)
  {
    json_t *filled = fill (item, variables, why);

    if (NULL == filled || 0 != json_array_append_new (result, filled))
    {
      json_decref (result);
      return NULL;
    }
  }
  return result;
}
