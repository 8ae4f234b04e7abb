/* Batches: points, params and tags of one run in one request, halved when the server refuses it. */
#include "delivery_parts.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* MLflow: at most 100 params and 100 tags in a batch. */
#define BATCH_MAX_PARAMS 100
#define BATCH_MAX_TAGS 100

/* Longest body begun: what MLflow documents for a batch. A single entry is shorter by far. */
#define BATCH_MAX_BYTES 1000000

/* Longest form of a point besides its texts: names of members, and 20 to 24 characters for each of three numbers. */
#define POINT_BYTES 160

/* A byte becomes at most six ("\u001f"). */
#define ESCAPED 6

enum tally_code
batch_new (struct batch **batch, struct tally_error *err)
{
  *batch = calloc (1, sizeof (**batch));
  if (NULL == *batch)
    return error_memory (err);
  buffer_init (&(*batch)->body, (size_t)4 * BATCH_MAX_BYTES);
  return TALLY_OK;
}

void
batch_free (struct batch *batch)
{
  if (NULL == batch)
    return;
  buffer_free (&batch->body);
  free (batch);
}

bool
batch_takes (enum record_kind kind)
{
  return RECORD_POINTS == kind || RECORD_PARAM == kind || RECORD_TAG == kind;
}

/* --- gathering --- */

struct gathering
{
  struct batch *batch;
  size_t max_points;
  size_t points;
  size_t params;
  size_t tags;
  size_t bytes; /* at most */
};

/* A param twice in one batch is an error on all servers. */
static bool
has_param (const struct batch *batch, struct slice key)
{
  for (size_t i = 0; i < batch->piece_count; i++)
  {
    const struct record *record = &batch->pieces[i].item->record;

    if (RECORD_PARAM == record->kind && slice_equal (record->pair.key, key))
      return true;
  }
  return false;
}

/* How many points of the item still fit. */
static size_t
points_that_fit (struct gathering *gathering, const struct item *item)
{
  size_t limit = gathering->max_points - gathering->points;
  size_t left = record_entries (&item->record) - item->taken;
  size_t count = 0;

  if (BATCH_MAX_ENTRIES - gathering->batch->entries < limit)
    limit = BATCH_MAX_ENTRIES - gathering->batch->entries;
  while (count < left && count < limit)
  {
    const struct record_point *point = &item->record.points.items[item->taken + count];
    size_t bytes =
        POINT_BYTES
        + ESCAPED * (point->key.len + point->model_id.len + point->dataset_name.len + point->dataset_digest.len);

    if (gathering->bytes + bytes > BATCH_MAX_BYTES && gathering->batch->entries + count > 0)
      break;
    gathering->bytes += bytes;
    count++;
  }
  gathering->points += count;
  return count;
}

/* 1 when the param or tag fits, else 0. */
static size_t
pair_that_fits (struct gathering *gathering, const struct record *record)
{
  size_t bytes = POINT_BYTES + ESCAPED * (record->pair.key.len + record->pair.value.len);
  size_t *counter = RECORD_PARAM == record->kind ? &gathering->params : &gathering->tags;
  size_t limit = RECORD_PARAM == record->kind ? BATCH_MAX_PARAMS : BATCH_MAX_TAGS;

  if (*counter >= limit || gathering->batch->entries >= BATCH_MAX_ENTRIES
      || (gathering->batch->entries > 0 && gathering->bytes + bytes > BATCH_MAX_BYTES)
      || (RECORD_PARAM == record->kind && has_param (gathering->batch, record->pair.key)))
    return 0;
  gathering->bytes += bytes;
  ++*counter;
  return 1;
}

/* Add what fits of an item; false when not all of it did. */
static bool
add_item (struct gathering *gathering, struct item *item)
{
  struct batch *batch = gathering->batch;
  size_t count = RECORD_POINTS == item->record.kind ? points_that_fit (gathering, item)
                                                    : pair_that_fits (gathering, &item->record);

  if (0 == count)
    return false;
  batch->pieces[batch->piece_count++] = (struct piece){ item, item->taken, count };
  batch->entries += count;
  item->taken += count;
  return item->taken == record_entries (&item->record);
}

void
batch_gather (struct batch *batch, struct delivery *delivery, size_t first)
{
  struct gathering gathering = { .batch = batch, .max_points = delivery->settings.batch_points };
  const struct run_key *run = &delivery->items[first].record.run;

  batch->run = *run;
  batch->piece_count = 0;
  batch->entries = 0;
  batch->run_checked = false;
  batch->failing_since_ms = 0;
  for (size_t i = first; i < delivery->count; i++)
  {
    struct item *item = &delivery->items[i];

    if (! run_key_equal (&item->record.run, run) || item->taken == record_entries (&item->record))
      continue;
    if (! batch_takes (item->record.kind) || ! add_item (&gathering, item))
      break;
  }
  batch->ranges[0] = (struct range){ 0, batch->entries };
  batch->range_count = 1;
  batch->encoded = false;
}

/* --- encoding --- */

/* The lists of a body while they are written. */
struct lists
{
  struct json_write metrics; /* into the body itself */
  struct json_write params;
  struct json_write tags;
  struct buffer *prefix; /* how points of `key` begin: `{"key":"loss","value":` */
  struct slice key;
};

/* Any point. */
static void
write_rare_point (struct json_write *w, const struct record_point *point)
{
  json_write_object (w);
  json_write_member_string (w, "key", point->key);
  json_write_member_double (w, "value", point->value);
  json_write_member_int64 (w, "timestamp", point->timestamp_ms);
  json_write_member_int64 (w, "step", point->step);
  if (slice_filled (point->model_id))
    json_write_member_string (w, "model_id", point->model_id);
  if (slice_filled (point->dataset_name))
  {
    json_write_member_string (w, "dataset_name", point->dataset_name);
    json_write_member_string (w, "dataset_digest", point->dataset_digest);
  }
  json_write_object_end (w);
}

/* Points of one key come in rows: its name is escaped once. False when memory is out. */
static bool
set_prefix (struct lists *lists, struct slice key)
{
  struct json_write w;

  if (lists->prefix->len > 0 && slice_equal (lists->key, key))
    return true;
  buffer_clear (lists->prefix);
  json_write_init (&w, lists->prefix);
  json_write_object (&w);
  json_write_member_string (&w, "key", key);
  json_write_key (&w, "value");
  lists->key = key;
  return ! lists->prefix->failed;
}

static char *
put_text (char *at, struct slice text)
{
  memcpy (at, text.data, text.len);
  return at + text.len;
}

/* A plain point: what nearly all are, so that it is written without a look at each member. */
static void
write_point (struct lists *lists, const struct record_point *point)
{
  struct buffer *out = lists->metrics.out;
  char *at;

  if (slice_filled (point->model_id) || slice_filled (point->dataset_name) || ! isfinite (point->value)
      || ! set_prefix (lists, point->key) || ! buffer_reserve (out, lists->prefix->len + POINT_BYTES))
  {
    write_rare_point (&lists->metrics, point);
    return;
  }
  at = out->data + out->len;
  if (lists->metrics.comma)
    *at++ = ',';
  at = put_text (at, buffer_slice (lists->prefix));
  at += number_format_double (at, point->value);
  at = put_text (at, SLICE (",\"timestamp\":"));
  at += number_format_int64 (at, point->timestamp_ms);
  at = put_text (at, SLICE (",\"step\":"));
  at += number_format_int64 (at, point->step);
  *at++ = '}';
  *at = '\0';
  out->len = (size_t)(at - out->data);
  lists->metrics.comma = true;
}

static void
write_pair (struct json_write *w, const struct record *record)
{
  json_write_object (w);
  json_write_member_string (w, "key", record->pair.key);
  json_write_member_string (w, "value", record->pair.value);
  json_write_object_end (w);
}

/* The part of a piece that lies in the range; `at` is the ordinal of its first entry. */
static void
write_piece (struct lists *lists, const struct piece *piece, size_t at, const struct range *range)
{
  const struct record *record = &piece->item->record;
  size_t begin = range->begin > at ? range->begin - at : 0;
  size_t end = range->end - at < piece->count ? range->end - at : piece->count;

  if (RECORD_POINTS == record->kind)
    for (size_t i = begin; i < end; i++)
      write_point (lists, &record->points.items[piece->first + i]);
  else if (begin < end)
    write_pair (RECORD_PARAM == record->kind ? &lists->params : &lists->tags, record);
}

static void
write_pieces (struct lists *lists, const struct batch *batch, const struct range *range)
{
  size_t at = 0;

  for (size_t i = 0; i < batch->piece_count && at < range->end; i++)
  {
    if (at + batch->pieces[i].count > range->begin)
      write_piece (lists, &batch->pieces[i], at, range);
    at += batch->pieces[i].count;
  }
}

static void
write_list (struct json_write *w, const char *name, const struct buffer *items)
{
  if (0 == items->len)
    return;
  json_write_key (w, name);
  json_write_array (w);
  json_write_raw (w, buffer_slice (items));
  json_write_array_end (w);
}

enum tally_code
batch_encode (struct batch *batch, struct delivery *delivery, struct tally_error *err)
{
  struct lists lists = { .prefix = &delivery->prefix };
  struct json_write *w = &lists.metrics;

  if (batch->encoded)
    return TALLY_OK;
  buffer_clear (&batch->body);
  buffer_clear (&delivery->params);
  buffer_clear (&delivery->tags);
  buffer_clear (&delivery->prefix);
  json_write_init (&lists.metrics, &batch->body);
  json_write_init (&lists.params, &delivery->params);
  json_write_init (&lists.tags, &delivery->tags);
  json_write_object (w);
  json_write_member_text (w, "run_id", batch->id);
  json_write_key (w, "metrics");
  json_write_array (w);
  write_pieces (&lists, batch, &batch->ranges[batch->range_count - 1]);
  json_write_array_end (w);
  write_list (w, "params", &delivery->params);
  write_list (w, "tags", &delivery->tags);
  json_write_object_end (w);
  if (batch->body.failed || delivery->params.failed || delivery->tags.failed)
    return error_memory (err);
  batch->encoded = true;
  return TALLY_OK;
}

/* --- sending --- */

/* One entry of a batch as a record. */
static struct record
entry_record (const struct batch *batch, size_t entry)
{
  size_t i = 0;
  struct record record;

  while (entry >= batch->pieces[i].count)
    entry -= batch->pieces[i++].count;
  record = batch->pieces[i].item->record;
  if (RECORD_POINTS != record.kind)
    return record;
  entry += batch->pieces[i].first;
  record.entry -= record.points.count - 1 - entry;
  record.points.items += entry;
  record.points.count = 1;
  return record;
}

static void
reject_range (struct batch *batch, struct delivery *delivery, const struct tally_error *why)
{
  const struct range *range = &batch->ranges[--batch->range_count];

  for (size_t i = range->begin; i < range->end; i++)
  {
    struct record record = entry_record (batch, i);

    delivery_reject (delivery, &record, why);
  }
  batch->encoded = false;
}

static void
halve (struct batch *batch)
{
  struct range *range = &batch->ranges[batch->range_count - 1];
  size_t middle = range->begin + (range->end - range->begin) / 2;

  batch->ranges[batch->range_count++] = (struct range){ range->begin, middle };
  range->begin = middle;
  batch->encoded = false;
}

/* The server refuses the range for good: because of the run, or of some entries. */
static enum tally_code
sort_out (struct batch *batch, struct delivery *delivery, const struct tally_error *why, struct tally_error *err)
{
  const struct range *range = &batch->ranges[batch->range_count - 1];
  bool too_large = 413 == why->http_status;

  if (range->end - range->begin > 1 && ! too_large && ! batch->run_checked)
  {
    struct tally_error gone;
    enum tally_code code = delivery_check_run (delivery, batch->id, &gone);

    if (TALLY_OK != code && ! delivery_refused (&gone))
    {
      *err = gone;
      return code;
    }
    batch->run_checked = TALLY_OK == code;
    while (TALLY_OK != code && batch->range_count > 0)
      reject_range (batch, delivery, &gone);
    if (TALLY_OK != code)
      return TALLY_OK;
  }
  if (range->end - range->begin > 1)
    halve (batch);
  else
    reject_range (batch, delivery, why);
  return TALLY_OK;
}

/* Whether the batch itself is why the server fails, again and again. */
static bool
is_to_blame (struct batch *batch, struct delivery *delivery, const struct tally_error *why)
{
  int64_t now_ms = clock_monotonic_ms ();

  if (500 != why->http_status)
    return false;
  if (0 == batch->failing_since_ms)
    batch->failing_since_ms = now_ms;
  return now_ms - batch->failing_since_ms >= delivery->settings.blame_after_ms
         && delivery_takes_tag (delivery, &batch->run, batch->id);
}

enum tally_code
batch_send (struct batch *batch, struct delivery *delivery, struct tally_error *err)
{
  const struct range *range = &batch->ranges[batch->range_count - 1];
  struct transport_request request = { .method = "POST",
                                       .path = DELIVERY_BATCH_PATH,
                                       .meanwhile = delivery_meanwhile,
                                       .payload = delivery,
                                       .timeout_ms = delivery->settings.request_timeout_ms };
  struct tally_error why;
  enum tally_code code = batch_encode (batch, delivery, err);

  if (TALLY_OK != code)
    return code;
  request.body = buffer_slice (&batch->body);
  code = delivery_ask (NULL, delivery, &request, &why);
  if (TALLY_OK == code)
  {
    delivery->sent += range->end - range->begin;
    batch->range_count--;
    batch->encoded = false;
    return TALLY_OK;
  }
  if (delivery_refused (&why) || is_to_blame (batch, delivery, &why))
    return sort_out (batch, delivery, &why, err);
  *err = why;
  return code;
}
