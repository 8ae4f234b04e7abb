/* Values as people and programs read them: numbers, times, sizes, and JSON. */
#include "cli/output.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/number.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

const char *
number_text (double value)
{
  char text[NUMBER_DOUBLE_BYTES];

  return cli_copy (text, number_format_double (text, value));
}

/* Six digits are what a person compares; whole numbers are shown whole. */
const char *
number_short (double value)
{
  if (isfinite (value) && value == floor (value) && fabs (value) < 1e15)
    return cli_printf ("%.0f", value);
  return isnan (value) ? "NaN" : cli_printf ("%.6g", value);
}

const char *
time_text (int64_t ms)
{
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm;
  char text[64];

  if (ms <= 0 || NULL == localtime_r (&seconds, &tm))
    return "";
  return cli_copy (text, strftime (text, sizeof (text), "%Y-%m-%d %H:%M:%S", &tm));
}

const char *
duration_text (int64_t ms)
{
  int64_t seconds = ms / 1000;

  if (ms < 0)
    return "";
  if (seconds < 10)
    return cli_printf ("%.1fs", (double)ms / 1000);
  if (seconds < 60)
    return cli_printf ("%" PRId64 "s", seconds);
  if (seconds < 3600)
    return cli_printf ("%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
  if (seconds < 48 * 3600)
    return cli_printf ("%" PRId64 "h%02" PRId64 "m", seconds / 3600, seconds / 60 % 60);
  return cli_printf ("%" PRId64 "d%02" PRId64 "h", seconds / 86400, seconds / 3600 % 24);
}

static const char *
age_text (int64_t ms)
{
  int64_t seconds = (clock_wall_ms () - ms) / 1000;

  if (ms <= 0)
    return "";
  if (seconds < 60)
    return "just now";
  if (seconds < 3600)
    return cli_printf ("%" PRId64 " min ago", seconds / 60);
  if (seconds < 48 * 3600)
    return cli_printf ("%" PRId64 " h ago", seconds / 3600);
  return cli_printf ("%" PRId64 " days ago", seconds / 86400);
}

const char *
bytes_text (uint64_t bytes)
{
  static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
  double value = (double)bytes;
  size_t unit = 0;

  for (; value >= 1024 && unit + 1 < sizeof (units) / sizeof (units[0]); unit++)
    value /= 1024;
  return cli_printf (0 == unit || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

const char *
count_text (uint64_t count, const char *what)
{
  return cli_printf ("%" PRIu64 " %s%s", count, what, 1 == count ? "" : "s");
}

const char *
status_name (enum tally_status status)
{
  static const char *const names[] = {
    [TALLY_STATUS_RUNNING] = "RUNNING", [TALLY_STATUS_SCHEDULED] = "SCHEDULED", [TALLY_STATUS_FINISHED] = "FINISHED",
    [TALLY_STATUS_FAILED] = "FAILED",   [TALLY_STATUS_KILLED] = "KILLED",
  };

  return (size_t)status < sizeof (names) / sizeof (names[0]) && NULL != names[status] ? names[status] : "UNKNOWN";
}

json_t *
json_number (double value)
{
  return isfinite (value) ? json_real (value) : json_text (number_text (value));
}

const char *
valid_text (const char *text)
{
  struct slice rest = slice_of (text);
  struct buffer out;

  if (utf8_valid (rest))
    return text;
  buffer_init (&out, SIZE_MAX / 2);
  while (rest.len > 0)
  {
    size_t len = utf8_sequence (rest);

    buffer_append (&out, 0 == len ? "\xef\xbf\xbd" : rest.data, 0 == len ? 3 : len);
    len = 0 == len ? 1 : len;
    rest = (struct slice){ rest.data + len, rest.len - len };
  }
  text = cli_copy (out.failed ? "" : out.data, out.failed ? 0 : out.len);
  buffer_free (&out);
  return text;
}

json_t *
json_text (const char *text)
{
  return NULL == text ? json_null () : json_string (valid_text (text));
}

json_t *
json_pairs (const struct tally_pair *pairs, size_t count)
{
  json_t *object = json_object ();

  for (size_t i = 0; i < count; i++)
    json_object_set_new (object, pairs[i].key, json_text (pairs[i].value));
  return object;
}

json_t *
json_run (const struct tally_run_data *run, bool whole)
{
  json_t *metrics = json_object ();
  json_t *points = json_array ();
  json_t *item = json_pack ("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "run_id", run->run_id, "name", run->name,
                            "experiment_id", run->experiment_id, "status", status_name (run->status), "user", run->user,
                            "start_time", (json_int_t)run->start_ms, "end_time", (json_int_t)run->end_ms,
                            "lifecycle_stage", run->deleted ? "deleted" : "active", "artifact_uri", run->artifact_uri);

  for (size_t i = 0; i < run->metric_count; i++)
  {
    const struct tally_point *point = &run->metrics[i];

    json_object_set_new (metrics, point->key, json_number (point->value));
    json_array_append_new (points,
                           json_pack ("{s:s, s:o, s:I, s:I}", "key", point->key, "value", json_number (point->value),
                                      "step", (json_int_t)point->step, "timestamp", (json_int_t)point->timestamp_ms));
  }
  json_object_set_new (item, "metrics", metrics);
  json_object_set_new (item, "params", json_pairs (run->params, run->param_count));
  json_object_set_new (item, "tags", json_pairs (run->tags, run->tag_count));
  if (whole)
    json_object_set_new (item, "points", points);
  else
    json_decref (points);
  return item;
}

/* The member "a", or "a.b.c": the whole rest of the path is one key of the object "a". */
const json_t *
value_member (const json_t *item, const char *path)
{
  const char *point = strchr (path, '.');
  const json_t *member = json_object_get (item, path);

  if (NULL != member || NULL == point)
    return member;
  return json_object_get (json_object_get (item, cli_copy (path, (size_t)(point - path))), point + 1);
}

/* An array of texts as one. */
static const char *
list_text (const json_t *list)
{
  struct buffer out;
  size_t index;
  json_t *item;

  buffer_init (&out, SIZE_MAX / 2);
  json_array_foreach (list, index, item)
  {
    if (index > 0)
      buffer_text (&out, ", ");
    buffer_text (&out, value_text (item));
  }
  return 0 == out.len ? "" : buffer_steal (&out);
}

const char *
value_text (const json_t *value)
{
  switch (NULL == value ? JSON_NULL : json_typeof (value))
  {
  case JSON_STRING:
    return json_string_value (value);
  case JSON_INTEGER:
    return cli_printf ("%" JSON_INTEGER_FORMAT, json_integer_value (value));
  case JSON_REAL:
    return number_text (json_real_value (value));
  case JSON_TRUE:
    return "true";
  case JSON_FALSE:
    return "false";
  case JSON_ARRAY:
    return list_text (value);
  default:
    return "";
  }
}

/* Digits of an id that are shown in tables: commands take the beginning of one from six on. */
#define ID_DIGITS 12

const char *
cell_text (const json_t *value, enum cell cell)
{
  if (NULL == value || json_is_null (value))
    return "";
  switch (cell)
  {
  case CELL_NUMBER:
    return json_is_real (value) ? number_short (json_real_value (value)) : value_text (value);
  case CELL_TIME:
    return time_text (json_integer_value (value));
  case CELL_AGE:
    return age_text (json_integer_value (value));
  case CELL_DURATION:
    return json_integer_value (value) < 0 ? "" : duration_text (json_integer_value (value));
  case CELL_BYTES:
    return bytes_text ((uint64_t)json_integer_value (value));
  case CELL_ID:
    return 32 == json_string_length (value) ? cli_copy (json_string_value (value), ID_DIGITS) : value_text (value);
  default:
    return plain (value_text (value));
  }
}

static void append_value (struct buffer *out, struct json_write *w, const json_t *value, int indent, int depth);

static void
append_break (struct buffer *out, int indent, int depth)
{
  if (indent > 0)
    buffer_byte (out, '\n');
  for (int i = 0; i < indent * depth; i++)
    buffer_byte (out, ' ');
}

static void
append_object (struct buffer *out, struct json_write *w, const json_t *value, int indent, int depth)
{
  const char *key;
  json_t *member;
  bool first = true;

  buffer_byte (out, '{');
  json_object_foreach ((json_t *)value, key, member)
  {
    if (! first)
      buffer_text (out, indent > 0 ? "," : ", ");
    first = false;
    append_break (out, indent, depth + 1);
    w->comma = false;
    json_write_string (w, slice_of (key));
    buffer_text (out, ": ");
    append_value (out, w, member, indent, depth + 1);
  }
  if (! first)
    append_break (out, indent, depth);
  buffer_byte (out, '}');
}

/* Numbers stand side by side: a chart has thousands of them. */
static bool
holds_numbers (const json_t *array)
{
  size_t index;
  json_t *item;

  json_array_foreach (array, index, item)
  {
    if (! json_is_number (item) && ! json_is_string (item))
      return false;
  }
  return json_is_number (json_array_get (array, 0));
}

static void
append_array (struct buffer *out, struct json_write *w, const json_t *value, int indent, int depth)
{
  size_t index;
  json_t *item;

  if (holds_numbers (value))
    indent = 0;
  buffer_byte (out, '[');
  json_array_foreach (value, index, item)
  {
    if (index > 0)
      buffer_text (out, indent > 0 ? "," : ", ");
    append_break (out, indent, depth + 1);
    append_value (out, w, item, indent, depth + 1);
  }
  if (json_array_size (value) > 0)
    append_break (out, indent, depth);
  buffer_byte (out, ']');
}

static void
append_value (struct buffer *out, struct json_write *w, const json_t *value, int indent, int depth)
{
  switch (NULL == value ? JSON_NULL : json_typeof (value))
  {
  case JSON_OBJECT:
    append_object (out, w, value, indent, depth);
    break;
  case JSON_ARRAY:
    append_array (out, w, value, indent, depth);
    break;
  case JSON_STRING:
    w->comma = false;
    json_write_string (w, (struct slice){ json_string_value (value), json_string_length (value) });
    break;
  case JSON_NULL:
    buffer_text (out, "null");
    break;
  default:
    buffer_text (out, value_text (value));
  }
}

void
json_append (struct buffer *out, const json_t *value, int indent)
{
  struct json_write w;

  json_write_init (&w, out);
  append_value (out, &w, value, indent, 0);
}

void
print_json (json_t *value)
{
  struct buffer out;

  buffer_init (&out, SIZE_MAX / 2);
  json_append (&out, value, 2);
  if (! out.failed)
    printf ("%s\n", out.data);
  buffer_free (&out);
  json_decref (value);
}
