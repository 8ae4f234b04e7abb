/* Lines of points: CSV with a head, or JSON lines. */
#include "cli/log_input.h"

#include "cli/cli.h"

#include "base/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* U+FEFF in UTF-8. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct log_input
{
  bool begun; /* a line was read */
  enum input_format format;
  int64_t next_step; /* of a line that has none */

  const char **names; /* of CSV's columns */
  size_t name_count; /* 0: the head was not read yet */

  struct input_point *points;
  size_t count;
  size_t capacity;
  json_t *object; /* that the keys are borrowed from */
};

struct log_input *
log_input_new (enum input_format format)
{
  struct log_input *input = cli_array (1, sizeof (*input));

  input->format = format;
  return input;
}

void
log_input_free (struct log_input *input)
{
  if (NULL == input)
    return;
  free (input->names);
  free (input->points);
  json_decref (input->object);
  free (input);
}

static void
add_point (struct log_input *input, const char *key, double value)
{
  if (input->count == input->capacity)
  {
    input->capacity = 2 * input->capacity + 8;
    input->points = cli_grow (input->points, input->capacity, sizeof (input->points[0]));
  }
  input->points[input->count++] = (struct input_point){ key, value, 0, -1 };
}

static bool
wrong (char mistake[INPUT_MISTAKE_BYTES], const char *format, const char *a, const char *b)
{
  snprintf (mistake, INPUT_MISTAKE_BYTES, format, a, b);
  return false;
}

/* The values of programs that print for people: blanks around, and what C and Python call the special ones. */
bool
cli_parse_double (const char *text, double *value)
{
  static const struct
  {
    const char *name;
    double value;
  } names[] = { { "nan", __builtin_nan ("") }, { "inf", __builtin_inf () },   { "infinity", __builtin_inf () },
                { "+inf", __builtin_inf () },  { "-inf", -__builtin_inf () }, { "-infinity", -__builtin_inf () },
                { "-nan", __builtin_nan ("") } };

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    if (0 == strcasecmp (names[i].name, text))
    {
      *value = names[i].value;
      return true;
    }
  return number_parse_double (slice_of (text), value);
}

static bool
parse_whole (const char *text, int64_t *value)
{
  return number_parse_integral (slice_of (text), value);
}

/* --- CSV (RFC 4180, without line ends inside of fields, since lines are logged as they come) --- */

/* Take a field off and unquote it in place. False when a quote is not closed. */
static bool
csv_field (char **rest, char **field)
{
  char *from = *rest;
  char *to;

  while (' ' == *from || '\t' == *from)
    from++;
  *field = from;
  if ('"' != *from)
  {
    char *end = from + strcspn (from, ",");

    *rest = '\0' == *end ? NULL : end + 1;
    *end = '\0';
    while (end > from && isspace ((unsigned char)end[-1]))
      *--end = '\0';
    return true;
  }
  to = ++from;
  *field = to;
  while ('\0' != *from && ('"' != *from || '"' == from[1]))
  {
    from += '"' == *from;
    *to++ = *from++;
  }
  if ('"' != *from)
    return false;
  from++;
  while (' ' == *from || '\t' == *from)
    from++;
  *rest = ',' == *from ? from + 1 : NULL;
  *to = '\0';
  return ',' == *from || '\0' == *from;
}

static bool
csv_head (struct log_input *input, char *line, char mistake[INPUT_MISTAKE_BYTES])
{
  size_t capacity = 0;
  char *field;

  for (char *rest = line; NULL != rest;)
  {
    if (! csv_field (&rest, &field))
      return wrong (mistake, "a quote is not closed%s%s", "", "");
    if ('\0' == field[0])
      return wrong (mistake, "a column of the head has no name%s%s", "", "");
    if (input->name_count == capacity)
    {
      capacity = 2 * capacity + 8;
      input->names = cli_grow (input->names, capacity, sizeof (input->names[0]));
    }
    input->names[input->name_count++] = cli_copy (field, strlen (field));
  }
  return true;
}

/* One field of a row: the step, the time, or a point. */
static bool
csv_value (struct log_input *input, const char *name, const char *field, int64_t *step, int64_t *timestamp_ms,
           char mistake[INPUT_MISTAKE_BYTES])
{
  double value;

  if ('\0' == field[0])
    return true;
  if (0 == strcmp (name, "step"))
    return parse_whole (field, step) || wrong (mistake, "step '%.100s' is no whole number%s", field, "");
  if (0 == strcmp (name, "timestamp"))
    return (parse_whole (field, timestamp_ms) && *timestamp_ms >= 0)
           || wrong (mistake, "timestamp '%.100s' is no time in ms since 1970%s", field, "");
  if (! cli_parse_double (field, &value))
    return wrong (mistake, "'%.100s' in column '%.100s' is no number", field, name);
  add_point (input, name, value);
  return true;
}

static void
set_place (struct log_input *input, int64_t step, int64_t timestamp_ms)
{
  for (size_t i = 0; i < input->count; i++)
  {
    input->points[i].step = step;
    input->points[i].timestamp_ms = timestamp_ms;
  }
}

static bool
csv_row (struct log_input *input, char *line, char mistake[INPUT_MISTAKE_BYTES])
{
  int64_t step = input->next_step;
  int64_t timestamp_ms = -1;
  size_t column = 0;
  char *field;

  for (char *rest = line; NULL != rest; column++)
  {
    if (! csv_field (&rest, &field))
      return wrong (mistake, "a quote is not closed%s%s", "", "");
    if (column >= input->name_count)
      return wrong (mistake, "there are more fields than columns in the head%s%s", "", "");
    if (! csv_value (input, input->names[column], field, &step, &timestamp_ms, mistake))
      return false;
  }
  if (column < input->name_count)
    return wrong (mistake, "there are fewer fields than columns in the head%s%s", "", "");
  set_place (input, step, timestamp_ms);
  return true;
}

/* --- JSON lines --- */

/* A number, or the name of a special one as text. */
static bool
json_double (const json_t *value, double *number)
{
  if (json_is_number (value))
    *number = json_number_value (value);
  return json_is_number (value) || (json_is_string (value) && cli_parse_double (json_string_value (value), number));
}

/* An integer, or a number that is one; 2^53 is where doubles stop telling neighbours apart. */
static bool
json_whole (const json_t *value, int64_t *number)
{
  double real = json_number_value (value);

  if (json_is_integer (value))
    *number = json_integer_value (value);
  else if (json_is_real (value) && fabs (real) <= 9007199254740992.0 && real == floor (real))
    *number = (int64_t)real;
  else
    return false;
  return true;
}

/* {"key": …, "value": …}: one point. */
static bool
json_one_point (struct log_input *input, char mistake[INPUT_MISTAKE_BYTES])
{
  const json_t *key = json_object_get (input->object, "key");
  double value;

  if (! json_double (json_object_get (input->object, "value"), &value))
    return wrong (mistake, "'value' is no number%s%s", "", "");
  add_point (input, json_string_value (key), value);
  return true;
}

static bool
json_members (struct log_input *input, char mistake[INPUT_MISTAKE_BYTES])
{
  const char *key;
  json_t *member;
  double value;

  json_object_foreach (input->object, key, member)
  {
    if (0 == strcmp (key, "step") || 0 == strcmp (key, "timestamp") || json_is_null (member))
      continue;
    if (! json_double (member, &value))
      return wrong (mistake, "'%.100s' is no number%s", key, "");
    add_point (input, key, value);
  }
  return true;
}

static bool
json_line (struct log_input *input, const char *line, size_t len, char mistake[INPUT_MISTAKE_BYTES])
{
  int64_t step = input->next_step;
  int64_t timestamp_ms = -1;
  json_error_t why;
  const json_t *member;

  json_decref (input->object);
  input->object = json_loadb (line, len, JSON_REJECT_DUPLICATES, &why);
  if (NULL == input->object)
    return wrong (mistake, "no JSON: %.150s%s", why.text, "");
  if (! json_is_object (input->object))
    return wrong (mistake, "no JSON object%s%s", "", "");
  member = json_object_get (input->object, "step");
  if (NULL != member && ! json_is_null (member) && ! json_whole (member, &step))
    return wrong (mistake, "'step' is no whole number%s%s", "", "");
  member = json_object_get (input->object, "timestamp");
  if (NULL != member && ! json_is_null (member) && (! json_whole (member, &timestamp_ms) || timestamp_ms < 0))
    return wrong (mistake, "'timestamp' is no time in ms since 1970%s%s", "", "");
  if (! (json_is_string (json_object_get (input->object, "key")) ? json_one_point (input, mistake)
                                                                 : json_members (input, mistake)))
    return false;
  set_place (input, step, timestamp_ms);
  return true;
}

bool
log_input_line (const struct input_point **points, size_t *count, struct log_input *input, char *line, size_t len,
                char mistake[INPUT_MISTAKE_BYTES])
{
  bool good;

  *points = NULL;
  *count = 0;
  input->count = 0;
  /* Spreadsheets begin files with it. */
  if (! input->begun && 0 == strncmp (line, BYTE_ORDER_MARK, strlen (BYTE_ORDER_MARK)))
  {
    line += strlen (BYTE_ORDER_MARK);
    len -= strlen (BYTE_ORDER_MARK);
  }
  input->begun = true;
  while (len > 0 && isspace ((unsigned char)line[len - 1]))
    line[--len] = '\0';
  if (len != strlen (line))
    return wrong (mistake, "there is a NUL%s%s", "", "");
  if ('\0' == line[strspn (line, " \t")])
    return true;
  if (INPUT_AUTO == input->format)
    input->format = '{' == line[strspn (line, " \t")] ? INPUT_JSON : INPUT_CSV;
  if (INPUT_CSV == input->format && 0 == input->name_count)
    return csv_head (input, line, mistake);
  good = INPUT_CSV == input->format ? csv_row (input, line, mistake) : json_line (input, line, len, mistake);
  if (good)
  {
    *points = input->points;
    *count = input->count;
    if (input->count > 0)
      input->next_step = input->points[0].step + (input->points[0].step < INT64_MAX);
  }
  return good;
}
