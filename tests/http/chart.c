/* Charts in both of their forms: the arrays of the binary one hold what the JSON one says, bit for bit. */
#include "api.h"
#include "commands.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one log-batch takes by default. */
#define BATCH_POINTS 1000
/* Far above an answer here. */
#define BODY_BYTES ((size_t)64 * 1024 * 1024)
#define MAGIC "TLYC"
#define PREFIX_BYTES 8
#define TYPE "application/vnd.tally.chart"
/* Integers up to this are exact as doubles. */
#define EXACT_MAX (INT64_C (1) << 53)

/* Say what is wrong; for `return`. */
static bool
wrong (const char *what, const char *question)
{
  printf ("%s: %s\n", question, what);
  return false;
}

static bool
log_points (struct api *api, const char *run_id, const char *key, long points, json_int_t first_step)
{
  for (long start = 0; start < points; start += BATCH_POINTS)
  {
    json_t *metrics = json_array ();

    for (long i = start; i < points && i < start + BATCH_POINTS; i++)
    {
      json_t *point = json_pack ("{s:s,s:f,s:I,s:I}", "key", key, "value", sin ((double)i / 50) * (double)i / 7,
                                 "timestamp", (json_int_t)(1700000000000 + i * 100), "step", first_step + i);

      if (0 == i % 97)
        json_object_set_new (point, "value", json_string (0 == i % 2 ? "NaN" : "-Infinity"));
      json_array_append_new (metrics, point);
    }
    if (200 != api_post (api, "runs/log-batch", json_pack ("{s:s,s:o}", "run_id", run_id, "metrics", metrics), NULL))
      return false;
  }
  return true;
}

static uint64_t
word_at (const char *bytes)
{
  uint64_t word = 0;

  for (size_t i = 8; i-- > 0;)
    word = word << 8 | (unsigned char)bytes[i];
  return word;
}

static double
double_at (const char *bytes)
{
  uint64_t word = word_at (bytes);
  double value;

  memcpy (&value, &word, sizeof (value));
  return value;
}

static bool
same_value (const json_t *expected, double value)
{
  const char *text = json_string_value (expected);

  if (NULL == text)
    return json_is_real (expected) && value <= json_real_value (expected) && value >= json_real_value (expected);
  if (0 == strcmp (text, "NaN"))
    return isnan (value);
  return isinf (value) && (value > 0) == (0 == strcmp (text, "Infinity"));
}

/* Where an array is; NULL when it does not lie within the body. */
static const char *
array_at (const json_t *place, const char *body, size_t body_length, size_t count)
{
  json_int_t offset = json_integer_value (json_object_get (place, "offset"));

  if (! json_is_integer (json_object_get (place, "offset")) || offset < 0 || 0 != offset % 8
      || (size_t)offset > body_length || body_length - (size_t)offset < count * 8)
    return NULL;
  return body + offset;
}

/* One series: its members are those of the JSON form, its arrays hold the same numbers. */
static bool
same_series (const json_t *json, const json_t *head, const char *body, size_t body_length, const char *question)
{
  const json_t *xs = json_object_get (json, "x");
  const json_t *ys = json_object_get (json, "y");
  const json_t *x_place = json_object_get (head, "x");
  const char *type = json_string_value (json_object_get (x_place, "type"));
  const char *y_type = json_string_value (json_object_get (json_object_get (head, "y"), "type"));
  size_t count = json_array_size (xs);
  const char *x = array_at (x_place, body, body_length, count);
  const char *y = array_at (json_object_get (head, "y"), body, body_length, count);
  json_t *a = json_copy ((json_t *)json);
  json_t *b = json_copy ((json_t *)head);
  bool exact = true;
  bool same;

  json_object_del (a, "x");
  json_object_del (a, "y");
  json_object_del (b, "x");
  json_object_del (b, "y");
  same = 1 == json_equal (a, b);
  json_decref (a);
  json_decref (b);
  if (! same)
    return wrong ("the head of a series differs", question);
  if (count != json_array_size (ys) || (json_int_t)count != json_integer_value (json_object_get (json, "shown")))
    return wrong ("shown is not the length of the arrays", question);
  if (NULL == x || NULL == y || NULL == type || NULL == y_type || 0 != strcmp (y_type, "f64"))
    return wrong ("an array is not where it should be", question);
  for (size_t i = 0; i < count; i++)
  {
    json_int_t number = json_integer_value (json_array_get (xs, i));

    exact = exact && number <= EXACT_MAX && number >= -EXACT_MAX;
  }
  if (0 != strcmp (type, exact ? "f64" : "i64"))
    return wrong ("x has the wrong type", question);
  for (size_t i = 0; i < count; i++)
  {
    json_int_t number = json_integer_value (json_array_get (xs, i));

    if (exact ? (json_int_t)double_at (x + 8 * i) != number : (json_int_t)word_at (x + 8 * i) != number)
      return wrong ("an x differs", question);
    if (! same_value (json_array_get (ys, i), double_at (y + 8 * i)))
      return wrong ("a y differs", question);
  }
  return true;
}

static bool
same_answer (const json_t *json, const struct buffer *binary, const char *question)
{
  const char *bytes = binary->data;
  size_t head_length = 0;
  size_t body_length;
  size_t numbers = 0;
  const json_t *all = json_object_get (json, "series");
  const json_t *series;
  json_t *head;
  bool same = true;
  size_t i;

  if (binary->len < PREFIX_BYTES || 0 != memcmp (bytes, MAGIC, 4))
    return wrong ("the mark is missing", question);
  for (i = 4; i-- > 0;)
    head_length = head_length << 8 | (unsigned char)bytes[4 + i];
  if (head_length > binary->len - PREFIX_BYTES || 0 != (PREFIX_BYTES + head_length) % 8)
    return wrong ("the length of the head is wrong", question);
  body_length = binary->len - PREFIX_BYTES - head_length;
  head = json_loadb (bytes + PREFIX_BYTES, head_length, JSON_REJECT_DUPLICATES, NULL);
  if (json_array_size (all) != json_array_size (json_object_get (head, "series"))
      || 1 != json_equal (json_object_get (json, "cursor"), json_object_get (head, "cursor")))
    same = wrong ("the head differs", question);
  json_array_foreach (all, i, series)
  {
    same = same
           && same_series (series, json_array_get (json_object_get (head, "series"), i),
                           bytes + PREFIX_BYTES + head_length, body_length, question);
    numbers += 2 * json_array_size (json_object_get (series, "x"));
  }
  if (same && body_length != numbers * 8)
    same = wrong ("the body has another length", question);
  json_decref (head);
  return same;
}

/* Ask one question in both forms. */
static bool
ask_both (struct api *api, const char *question, size_t wanted)
{
  struct reply reply = { .status = 0 };
  struct buffer why;
  json_t *json = NULL;
  char path[4096];
  char url[4400];
  bool same = false;

  buffer_init (&why, 4096);
  reply_init (&reply);
  snprintf (path, sizeof (path), "/api/tally/v1/metrics/chart?%s", question);
  snprintf (url, sizeof (url), "%s%s&format=binary", api->base_url, path);
  if (200 != api_get (api, path, &json)
      || ! reply_fetch (&reply, api->curl, &(struct request){ .method = "GET", .url = url }, &why)
      || 200 != reply.status)
    wrong ("not answered", question);
  else if (0 != strcmp (reply_header_text (&reply, "content-type"), TYPE))
    wrong ("the type is another", question);
  else if (json_array_size (json_object_get (json, "series")) != wanted)
    wrong ("another number of series", question);
  else
    same = same_answer (json, &reply.body, question);
  reply_clear (&reply);
  buffer_free (&why);
  json_decref (json);
  return same;
}

int
command_charts (int argc, char **argv)
{
  static const struct
  {
    const char *more;
    size_t series;
  } questions[] = {
    { "&metric_keys=plain", 1 },
    { "&metric_keys=plain&metric_keys=huge&metric_keys=never", 2 },
    { "&metric_keys=plain&width=10", 1 },
    { "&metric_keys=huge&width=10000", 1 },
    { "&metric_keys=plain&metric_keys=huge&x=time", 2 },
    { "&metric_keys=plain&metric_keys=huge&x=relative&width=77", 2 },
    { "&metric_keys=plain&start=100&end=200", 1 },
    { "&metric_keys=never", 0 },
    { "&metric_keys=plain&start=-5&end=-1", 0 },
  };
  char run_id[64] = "";
  char question[1024];
  struct api api;
  long points;
  bool ok;

  if (argc < 3 || (points = strtol (argv[2], NULL, 10)) < 1000)
    return 2;
  api_open (&api, argv[1]);
  ok = api_make_run (&api, run_id) && log_points (&api, run_id, "plain", points, 0)
       && log_points (&api, run_id, "huge", points, EXACT_MAX - points / 2);
  for (size_t i = 0; ok && i < sizeof (questions) / sizeof (questions[0]); i++)
  {
    snprintf (question, sizeof (question), "run_ids=%s%s", run_id, questions[i].more);
    ok = ask_both (&api, question, questions[i].series);
  }
  api_close (&api);
  return ! ok;
}
