/* Charts of many runs and metrics in one answer, as JSON or as arrays of numbers. Source: docs/api/chart.md. */
#include "api/metric.h"

#include "api/json.h"
#include "api/run.h"
#include "base/hash.h"
#include "base/token.h"
#include "ingest/chart.h"
#include "ingest/metric_flush.h"
#include "store/run.h"

#include <inttypes.h>
#include <stdlib.h>

/* Runs and metrics of one chart, and both together: far above what a person can tell apart. */
#define RUNS_MAX 200
#define KEYS_MAX 100
#define SERIES_MAX 2000
/* Wide enough for any screen that does not say how wide it is. */
#define DEFAULT_WIDTH 1000
/* Integers up to this are exact as doubles: 2^53. */
#define EXACT_MAX ((int64_t)1 << 53)
#define BINARY_TYPE "application/vnd.tally.chart"
#define BINARY_MAGIC "TLYC"
/* The arrays begin at a multiple of this, so that clients can use them where they are. */
#define BINARY_ALIGN 8
/* Behind the mark, the length of the head in four bytes. */
#define BINARY_PREFIX_BYTES 8

enum chart_format
{
  FORMAT_JSON,
  FORMAT_BINARY
};

static const char *const x_names[] = { [CHART_STEP] = "step", [CHART_TIME] = "time", [CHART_RELATIVE] = "relative" };
static const char *const format_names[] = { [FORMAT_JSON] = "json", [FORMAT_BINARY] = "binary" };

struct chart_request
{
  struct slices run_ids;
  struct slices metric_keys;
  struct slice x;
  struct optional_int64 width;
  struct optional_int64 start;
  struct optional_int64 end;
  struct slice since;
  struct slice format;
};

static const struct field chart_fields[] = {
  { .name = "run_ids",
    .type = FIELD_STRINGS,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct chart_request, run_ids) },
  { .name = "metric_keys",
    .type = FIELD_STRINGS,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct chart_request, metric_keys) },
  { .name = "x", .type = FIELD_STRING, .offset = offsetof (struct chart_request, x) },
  { .name = "width", .type = FIELD_INT64, .offset = offsetof (struct chart_request, width) },
  { .name = "start", .type = FIELD_INT64, .offset = offsetof (struct chart_request, start) },
  { .name = "end", .type = FIELD_INT64, .offset = offsetof (struct chart_request, end) },
  { .name = "since", .type = FIELD_STRING, .offset = offsetof (struct chart_request, since) },
  { .name = "format", .type = FIELD_STRING, .offset = offsetof (struct chart_request, format) },
};

static const struct schema chart_schema = SCHEMA (chart_fields, struct chart_request);

/* One chart on its way. */
struct chart_call
{
  struct api_call *call;
  const struct chart_request *request;
  struct uuid *run_ids;
  uint32_t *key_ids;
  size_t run_count;
  size_t key_count;
  struct chart_question question;
  enum chart_format format;
  struct chart_cursor *since; /* NULL: none */
  uint64_t question_hash;
  struct chart chart;
};

/* --- the question ------------------------------------------------------------------------------------------------ */

/* The number of a word; `count` when it is none of them. */
static size_t
find_word (struct slice word, const char *const *words, size_t count)
{
  size_t i = 0;

  while (i < count && ! slice_is (word, words[i]))
    i++;
  return i;
}

static enum err_code
read_word (size_t *number, struct slice word, const char *name, const char *const *words, size_t count,
           struct arena *arena, struct err *err)
{
  const char *list = words[0];

  *number = 0;
  if (NULL == word.data)
    return ERR_OK;
  *number = find_word (word, words, count);
  if (*number < count)
    return ERR_OK;
  for (size_t i = 1; i < count; i++)
    list = arena_printf (arena, "%s, %s", list, words[i]);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid value %s for parameter '%s' supplied: it must be one of %s.",
                  api_python_string (word, arena), name, list);
}

static enum err_code
check_count (size_t count, size_t most, const char *name, struct err *err)
{
  if (count <= most)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter '%s' has %zu values; a chart takes at most %zu.", name,
                  count, most);
}

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

static enum err_code
read_runs (struct chart_call *chart, struct err *err)
{
  const struct slices *texts = &chart->request->run_ids;
  struct arena *arena = chart->call->arena;
  struct uuid *sorted = arena_array (arena, texts->count, sizeof (struct uuid));
  enum err_code code = check_count (texts->count, RUNS_MAX, "run_ids", err);

  chart->run_ids = arena_array (arena, texts->count, sizeof (struct uuid));
  chart->run_count = texts->count;
  if (ERR_OK == code && (NULL == sorted || NULL == chart->run_ids))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < texts->count; i++)
    code = api_run_id (&chart->run_ids[i], texts->items[i], err);
  if (ERR_OK != code)
    return code;
  memcpy (sorted, chart->run_ids, texts->count * sizeof (struct uuid));
  qsort (sorted, texts->count, sizeof (sorted[0]), compare_ids);
  for (size_t i = 1; i < texts->count; i++)
    if (0 == compare_ids (&sorted[i - 1], &sorted[i]))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter 'run_ids' names a run twice.");
  return ERR_OK;
}

/* Names that were never logged keep the number 0, which no metric has. */
static enum err_code
read_keys (struct chart_call *chart, struct err *err)
{
  const struct slices *names = &chart->request->metric_keys;
  enum err_code code = check_count (names->count, KEYS_MAX, "metric_keys", err);

  chart->key_ids = arena_array (chart->call->arena, names->count, sizeof (uint32_t));
  chart->key_count = names->count;
  if (ERR_OK == code && NULL == chart->key_ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < names->count; i++)
  {
    bool found;

    for (size_t j = 0; j < i; j++)
      if (slice_equal (names->items[i], names->items[j]))
        return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter 'metric_keys' names a metric twice.");
    code = metric_keys_find (&found, &chart->key_ids[i], chart->call->service->metrics->keys, chart->call->connection,
                             names->items[i], err);
  }
  return code;
}

static enum err_code
read_question (struct chart_call *chart, struct err *err)
{
  const struct chart_request *request = chart->request;
  struct chart_question *question = &chart->question;
  struct arena *arena = chart->call->arena;
  size_t x;
  size_t format;
  enum err_code code = read_word (&x, request->x, "x", x_names, sizeof (x_names) / sizeof (x_names[0]), arena, err);

  if (ERR_OK == code)
    code = read_word (&format, request->format, "format", format_names,
                      sizeof (format_names) / sizeof (format_names[0]), arena, err);
  if (ERR_OK != code)
    return code;
  question->key_names = request->metric_keys.items;
  question->x = (enum chart_x)x;
  chart->format = (enum chart_format)format;
  question->ranged = request->start.present || request->end.present;
  question->start = request->start.present ? request->start.value : INT64_MIN;
  question->end = request->end.present ? request->end.value : INT64_MAX;
  if (question->start > question->end)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "end must not be less than start. Found start=%" PRId64 " and end=%" PRId64 ".", question->start,
                    question->end);
  if (request->width.present && (request->width.value < 1 || request->width.value > CHART_WIDTH_MAX))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'width' supplied: it must be from 1 to %d.",
                    request->width.value, CHART_WIDTH_MAX);
  question->width = request->width.present ? (size_t)request->width.value : DEFAULT_WIDTH;
  if (request->run_ids.count * request->metric_keys.count > SERIES_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "%zu run_ids with %zu metric_keys are %zu series; a chart takes at most %d.",
                    request->run_ids.count, request->metric_keys.count,
                    request->run_ids.count * request->metric_keys.count, SERIES_MAX);
  return ERR_OK;
}

static uint64_t
hash_texts (uint64_t hash, const struct slices *texts)
{
  for (size_t i = 0; i < texts->count; i++)
  {
    hash = hash_bytes (hash, texts->items[i].data, texts->items[i].len);
    hash = hash_bytes (hash, "", 1);
  }
  return hash;
}

/* A cursor goes with one question. */
static uint64_t
hash_question (const struct chart_call *chart)
{
  const struct chart_question *question = &chart->question;
  const int64_t numbers[] = { (int64_t)question->x, (int64_t)question->width, question->start, question->end,
                              (int64_t)chart->run_count };
  uint64_t hash = hash_bytes (HASH_START, numbers, sizeof (numbers));

  hash = hash_texts (hash, &chart->request->run_ids);
  return hash_texts (hash, &chart->request->metric_keys);
}

/* --- the cursor -------------------------------------------------------------------------------------------------- */

static enum err_code
bad_cursor (struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Parameter 'since' is not a cursor of this question; ask again without it.");
}

static bool
read_numbers (int64_t *numbers, size_t count, const json_t *list)
{
  if (json_array_size (list) != count)
    return false;
  for (size_t i = 0; i < count; i++)
  {
    if (! json_is_integer (json_array_get (list, i)))
      return false;
    numbers[i] = json_integer_value (json_array_get (list, i));
  }
  return true;
}

static enum err_code
read_cursor (struct chart_call *chart, struct err *err)
{
  struct arena *arena = chart->call->arena;
  size_t count = chart->run_count * chart->key_count;
  struct chart_cursor *cursor;
  int64_t head[3];
  json_t *tree;
  const json_t *marks;
  bool fine;

  if (! slice_filled (chart->request->since))
    return ERR_OK;
  cursor = arena_alloc (arena, sizeof (*cursor));
  if (NULL == cursor || NULL == (cursor->marks = arena_array (arena, count, sizeof (struct chart_mark))))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  tree = token_open (chart->request->since, arena);
  marks = json_object_get (tree, "marks");
  fine = read_numbers (head, 3, json_object_get (tree, "chart")) && (uint64_t)head[0] == chart->question_hash
         && json_array_size (marks) == count;
  for (size_t i = 0; fine && i < count; i++)
  {
    int64_t mark[4];

    fine = read_numbers (mark, 4, json_array_get (marks, i)) && mark[0] >= 0 && mark[1] >= 0 && mark[1] <= mark[0];
    if (fine)
      cursor->marks[i] = (struct chart_mark){ (uint64_t)mark[0], (uint64_t)mark[1], mark[2], mark[3] };
  }
  json_decref (tree);
  if (! fine)
    return bad_cursor (err);
  cursor->low = head[1];
  cursor->column = (uint64_t)head[2];
  chart->since = cursor;
  return ERR_OK;
}

static struct slice
make_cursor (const struct chart_call *chart)
{
  const struct chart_cursor *cursor = &chart->chart.cursor;
  struct arena *arena = chart->call->arena;
  struct slice token = { NULL, 0 };
  struct buffer text;

  buffer_init (&text, SIZE_MAX / 2);
  buffer_printf (&text, "{\"chart\":[%" PRId64 ",%" PRId64 ",%" PRId64 "],\"marks\":[", (int64_t)chart->question_hash,
                 cursor->low, (int64_t)cursor->column);
  for (size_t i = 0; i < chart->run_count * chart->key_count; i++)
    buffer_printf (&text, "%s[%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 "]", 0 == i ? "" : ",",
                   cursor->marks[i].points, cursor->marks[i].before, cursor->marks[i].append_from,
                   cursor->marks[i].origin);
  buffer_text (&text, "]}");
  if (! text.failed)
    token = token_make (arena_string (arena, buffer_slice (&text)), arena);
  buffer_free (&text);
  return token;
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

static void
write_series_head (struct json_write *w, const struct chart_call *chart, size_t number)
{
  const struct chart_series *series = &chart->chart.series[number];

  json_write_member_string (w, "run_id", chart->request->run_ids.items[number / chart->key_count]);
  json_write_member_string (w, "metric_key", chart->request->metric_keys.items[number % chart->key_count]);
  json_write_member_uint64 (w, "points", series->points);
  json_write_member_uint64 (w, "shown", series->count);
  if (series->nan_points > 0)
    json_write_member_uint64 (w, "nan", series->nan_points);
  if (CHART_RELATIVE == chart->question.x)
    json_write_member_int64 (w, "origin", series->origin);
  if (series->append)
    json_write_member_int64 (w, "append_from", series->append_from);
}

static void
write_end (struct json_write *w, const struct chart_call *chart)
{
  if (chart->chart.damaged > 0)
    json_write_member_uint64 (w, "damaged", chart->chart.damaged);
  json_write_member_string (w, "cursor", make_cursor (chart));
}

/* Open the list of series before its first one; an empty list is left out. */
static void
open_list (struct json_write *w, bool *opened)
{
  if (! *opened)
  {
    json_write_key (w, "series");
    json_write_array (w);
  }
  *opened = true;
}

static enum err_code
reply_json (struct chart_call *chart, struct err *err)
{
  struct json_write w;
  bool opened = false;

  api_reply_start (&w, chart->call);
  for (size_t i = 0; i < chart->run_count * chart->key_count; i++)
  {
    const struct chart_series *series = &chart->chart.series[i];

    if (! series->shown)
      continue;
    open_list (&w, &opened);
    json_write_object (&w);
    write_series_head (&w, chart, i);
    json_write_key (&w, "x");
    json_write_array (&w);
    for (size_t j = 0; j < series->count; j++)
      json_write_int64 (&w, series->x[j]);
    json_write_array_end (&w);
    json_write_key (&w, "y");
    json_write_array (&w);
    for (size_t j = 0; j < series->count; j++)
      json_write_double (&w, series->y[j]);
    json_write_array_end (&w);
    json_write_object_end (&w);
  }
  if (opened)
    json_write_array_end (&w);
  write_end (&w, chart);
  return api_reply_end (&w, chart->call, err);
}

static void
append_words (struct buffer *out, const void *words, size_t count)
{
  for (size_t i = 0; i < count; i++)
  {
    unsigned char bytes[8];
    uint64_t word;

    memcpy (&word, (const char *)words + i * sizeof (word), sizeof (word));
    for (size_t j = 0; j < sizeof (bytes); j++)
      bytes[j] = (unsigned char)(word >> (8 * j));
    buffer_append (out, bytes, sizeof (bytes));
  }
}

/* Whether all x are exact as doubles. */
static bool
x_is_exact (const struct chart_series *series)
{
  /* They ascend. */
  return 0 == series->count || (series->x[0] >= -EXACT_MAX && series->x[series->count - 1] <= EXACT_MAX);
}

static void
append_x (struct buffer *out, const struct chart_series *series)
{
  if (! x_is_exact (series))
  {
    append_words (out, series->x, series->count);
    return;
  }
  for (size_t i = 0; i < series->count; i++)
  {
    double x = (double)series->x[i];

    append_words (out, &x, 1);
  }
}

static void
write_array_place (struct json_write *w, const char *name, const char *type, size_t *offset, size_t count)
{
  json_write_key (w, name);
  json_write_object (w);
  json_write_member_text (w, "type", type);
  json_write_member_uint64 (w, "offset", *offset);
  json_write_object_end (w);
  *offset += count * sizeof (double);
}

static void
write_binary_head (struct buffer *head, const struct chart_call *chart)
{
  struct json_write w;
  size_t offset = 0;
  bool opened = false;

  json_write_init (&w, head);
  json_write_object (&w);
  for (size_t i = 0; i < chart->run_count * chart->key_count; i++)
  {
    const struct chart_series *series = &chart->chart.series[i];

    if (! series->shown)
      continue;
    open_list (&w, &opened);
    json_write_object (&w);
    write_series_head (&w, chart, i);
    write_array_place (&w, "x", x_is_exact (series) ? "f64" : "i64", &offset, series->count);
    write_array_place (&w, "y", "f64", &offset, series->count);
    json_write_object_end (&w);
  }
  if (opened)
    json_write_array_end (&w);
  write_end (&w, chart);
  json_write_object_end (&w);
}

static enum err_code
reply_binary (struct chart_call *chart, struct err *err)
{
  struct buffer *out = &chart->call->reply;
  struct buffer head;
  enum err_code code = ERR_OK;

  buffer_init (&head, (size_t)chart->call->service->config->max_response_bytes);
  write_binary_head (&head, chart);
  while (0 != (BINARY_PREFIX_BYTES + head.len) % BINARY_ALIGN && ! head.failed)
    buffer_byte (&head, ' ');
  buffer_text (out, BINARY_MAGIC);
  for (size_t i = 0; i < 4; i++)
    buffer_byte (out, (char)(head.len >> (8 * i)));
  buffer_append (out, head.data, head.len);
  for (size_t i = 0; i < chart->run_count * chart->key_count; i++)
  {
    const struct chart_series *series = &chart->chart.series[i];

    if (! series->shown)
      continue;
    append_x (out, series);
    append_words (out, series->y, series->count);
  }
  if (head.failed || out->failed)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The answer would be larger than %lld bytes (max-response-bytes); ask for less at a time.",
                    (long long)chart->call->service->config->max_response_bytes);
  buffer_free (&head);
  chart->call->type = BINARY_TYPE;
  return code;
}

static enum err_code
chart_work (struct store_connection *connection, void *context, struct err *err)
{
  struct chart_call *chart = context;
  struct arena *arena = chart->call->arena;
  enum err_code code = ERR_OK;

  chart->chart = (struct chart){ .damaged = 0 };
  if (CHART_RELATIVE == chart->question.x)
  {
    int64_t *starts_ms = arena_array (arena, chart->run_count, sizeof (int64_t));

    if (NULL == starts_ms)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    code = store_run_starts (starts_ms, connection, chart->run_ids, chart->run_count, arena, err);
    chart->question.starts_ms = starts_ms;
  }
  if (ERR_OK != code)
    return code;
  return chart_make (&chart->chart, connection, chart->run_ids, chart->run_count, chart->key_ids, chart->key_count,
                     &chart->question, chart->since, arena, err);
}

enum err_code
api_metric_chart (struct api_call *call, struct err *err)
{
  struct chart_request request;
  struct chart_call chart = { .call = call, .request = &request };
  enum err_code code = api_decode (&request, call, &chart_schema, err);

  if (ERR_OK == code)
    code = read_question (&chart, err);
  if (ERR_OK == code)
    code = read_runs (&chart, err);
  if (ERR_OK == code)
    code = read_keys (&chart, err);
  if (ERR_OK == code)
  {
    chart.question_hash = hash_question (&chart);
    code = read_cursor (&chart, err);
  }
  if (ERR_OK == code)
    code = store_transaction (call->connection, STORE_SNAPSHOT, chart_work, &chart, err);
  if (ERR_OK != code)
    return code;
  return FORMAT_BINARY == chart.format ? reply_binary (&chart, err) : reply_json (&chart, err);
}
