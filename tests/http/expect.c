/* Matchers of the scenario tables. */
#include "expect.h"

#include "base/utf8.h"

#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* Longest piece of a value that a failure shows: enough for a message with a key of 250 characters. */
#define SHOWN_BYTES 700

static bool match (const char *place, const json_t *expected, const json_t *got, struct buffer *why);

static void
show (struct buffer *why, const json_t *value)
{
  char *dump = NULL == value ? NULL : json_dumps (value, JSON_ENCODE_ANY | JSON_COMPACT);

  if (NULL == dump)
    buffer_text (why, "nothing");
  else if (strlen (dump) > SHOWN_BYTES)
    buffer_printf (why, "%.*s... (%zu bytes)", SHOWN_BYTES, dump, strlen (dump));
  else
    buffer_text (why, dump);
  free (dump);
}

static bool
differs (const char *place, const json_t *expected, const json_t *got, struct buffer *why)
{
  if (NULL == why)
    return false;
  buffer_printf (why, "%s: expected ", place);
  show (why, expected);
  buffer_text (why, ", got ");
  show (why, got);
  return false;
}

static bool
type_is (const char *name, const json_t *got)
{
  static const struct
  {
    const char *name;
    json_type type;
  } types[] = { { "integer", JSON_INTEGER }, { "real", JSON_REAL },   { "string", JSON_STRING },
                { "object", JSON_OBJECT },   { "array", JSON_ARRAY }, { "boolean", JSON_TRUE } };

  if (NULL == got)
    return false;
  if (0 == strcmp (name, "number"))
    return json_is_number (got);
  if (0 == strcmp (name, "boolean"))
    return json_is_boolean (got);
  for (size_t i = 0; i < sizeof (types) / sizeof (types[0]); i++)
    if (0 == strcmp (name, types[i].name))
      return json_typeof (got) == types[i].type;
  return false;
}

static bool
regex_matches (const char *pattern, const json_t *got)
{
  regex_t compiled;
  bool found;

  if (! json_is_string (got) || 0 != regcomp (&compiled, pattern, REG_EXTENDED | REG_NOSUB))
    return false;
  found = 0 == regexec (&compiled, json_string_value (got), 0, NULL, 0);
  regfree (&compiled);
  return found;
}

static bool
holds (const json_t *texts, const json_t *got)
{
  const json_t *text;
  size_t i;

  if (! json_is_string (got))
    return false;
  if (json_is_string (texts))
    return NULL != strstr (json_string_value (got), json_string_value (texts));
  json_array_foreach (texts, i, text) if (! holds (text, got)) return false;
  return true;
}

static json_int_t
length_of (const json_t *got)
{
  if (json_is_string (got))
    return (json_int_t)utf8_length ((struct slice){ json_string_value (got), json_string_length (got) });
  return (json_int_t)(json_is_array (got) ? json_array_size (got) : json_object_size (got));
}

/* Each of `items` is matched by an element of its own; with `all`, no element is left over. */
static bool
match_any_order (const json_t *items, const json_t *got, bool all)
{
  size_t count = json_array_size (got);
  bool *taken;
  bool ok = json_is_array (got);
  const json_t *item;
  size_t i;

  if (! ok || (all && count != json_array_size (items)))
    return false;
  taken = calloc (count + 1, sizeof (bool));
  json_array_foreach (items, i, item)
  {
    size_t j = 0;

    while (j < count && (taken[j] || ! match ("", item, json_array_get (got, j), NULL)))
      j++;
    ok = ok && j < count;
    if (j < count)
      taken[j] = true;
  }
  free (taken);
  return ok;
}

static bool
match_each (const json_t *expected, const json_t *got)
{
  const json_t *item;
  size_t i;

  if (! json_is_array (got))
    return false;
  json_array_foreach (got, i, item) if (! match ("", expected, item, NULL)) return false;
  return true;
}

static bool
match_alternatives (const json_t *expected, const json_t *got, bool all)
{
  const json_t *item;
  size_t i;

  json_array_foreach (expected, i, item) if (all != match ("", item, got, NULL)) return ! all;
  return all;
}

static bool
match_special (const char *name, const json_t *argument, const json_t *got)
{
  double number = json_number_value (got);
  double first = json_number_value (json_array_get (argument, 0));
  double second = json_number_value (json_array_get (argument, 1));
  json_t *length;
  bool ok;

  if (0 == strcmp (name, "$absent"))
    return NULL == got;
  if (0 == strcmp (name, "$any"))
    return match_alternatives (argument, got, false);
  if (0 == strcmp (name, "$not"))
    return ! match ("", argument, got, NULL);
  if (NULL == got)
    return false;
  if (0 == strcmp (name, "$type"))
    return type_is (json_string_value (argument), got);
  if (0 == strcmp (name, "$matches"))
    return regex_matches (json_string_value (argument), got);
  if (0 == strcmp (name, "$starts"))
    return json_is_string (got)
           && 0 == strncmp (json_string_value (got), json_string_value (argument), json_string_length (argument));
  if (0 == strcmp (name, "$has"))
    return holds (argument, got);
  if (0 == strcmp (name, "$near"))
    return json_is_number (got) && fabs (number - first) <= second;
  if (0 == strcmp (name, "$between"))
    return json_is_number (got) && first <= number && number <= second;
  if (0 == strcmp (name, "$length"))
  {
    length = json_integer (length_of (got));
    ok = match ("", argument, length, NULL);
    json_decref (length);
    return ok;
  }
  if (0 == strcmp (name, "$contains"))
    return match_any_order (argument, got, false);
  if (0 == strcmp (name, "$unordered"))
    return match_any_order (argument, got, true);
  if (0 == strcmp (name, "$each"))
    return match_each (argument, got);
  if (0 == strcmp (name, "$all"))
    return match_alternatives (argument, got, true);
  return 0 == strcmp (name, "$exactly") && 1 == json_equal (argument, got);
}

/* The name of the matcher that `expected` is, with its argument, or NULL. */
static const char *
special (const json_t *expected, json_t **argument)
{
  void *only = json_object_iter ((json_t *)expected);

  if (1 != json_object_size (expected) || '$' != json_object_iter_key (only)[0])
    return NULL;
  *argument = json_object_iter_value (only);
  return json_object_iter_key (only);
}

static bool
match_members (const char *place, const json_t *expected, const json_t *got, struct buffer *why)
{
  const char *key;
  json_t *member;

  json_object_foreach ((json_t *)expected, key, member)
  {
    char inner[512];

    snprintf (inner, sizeof (inner), "%s.%s", place, key);
    if (! match (inner, member, json_object_get (got, key), why))
      return false;
  }
  return true;
}

static bool
match_elements (const char *place, const json_t *expected, const json_t *got, struct buffer *why)
{
  const json_t *item;
  size_t i;

  if (json_array_size (expected) != json_array_size (got))
    return differs (place, expected, got, why);
  json_array_foreach (expected, i, item)
  {
    char inner[512];

    snprintf (inner, sizeof (inner), "%s[%zu]", place, i);
    if (! match (inner, item, json_array_get (got, i), why))
      return false;
  }
  return true;
}

static bool
match (const char *place, const json_t *expected, const json_t *got, struct buffer *why)
{
  json_t *argument = NULL;
  const char *name = special (expected, &argument);

  if (NULL != name)
    return match_special (name, argument, got) || differs (place, expected, got, why);
  if (json_is_object (expected) && json_is_object (got))
    return match_members (place, expected, got, why);
  if (json_is_array (expected) && json_is_array (got))
    return match_elements (place, expected, got, why);
  if (json_is_real (expected) && json_is_number (got))
    return json_real_value (expected) == json_number_value (got) || differs (place, expected, got, why);
  return (NULL != got && 1 == json_equal (expected, got)) || differs (place, expected, got, why);
}

bool
expect_match (const json_t *expected, const json_t *got, struct buffer *why)
{
  return match ("$", expected, got, why);
}

json_t *
expect_path (const json_t *from, const char *path)
{
  char name[128];
  size_t length;
  json_t *at = (json_t *)from;

  if ('$' == *path)
    path++;
  while (NULL != at && '\0' != *path)
  {
    if ('[' == *path)
    {
      char *end;
      size_t index = strtoul (path + 1, &end, 10);

      at = json_array_get (at, index);
      path = ']' == *end ? end + 1 : "";
      continue;
    }
    path += '.' == *path;
    length = strcspn (path, ".[");
    if (length >= sizeof (name))
      return NULL;
    memcpy (name, path, length);
    name[length] = '\0';
    at = json_object_get (at, name);
    path += length;
  }
  return at;
}
