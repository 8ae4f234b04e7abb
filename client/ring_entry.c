/* Entries of the ring: written by the threads that log, read by the one that takes. */
#include "ring_entry.h"

_Static_assert(0 == sizeof (struct ring_entry) % RING_UNIT_BYTES, "entries stay aligned");

/* Lengths before the bytes of texts; a key has at most 1,000 bytes (250 characters). */
struct value_head
{
  double value;
  uint16_t key_len;
} __attribute__ ((packed));

struct pair_head
{
  uint32_t key_len;
  uint32_t value_len;
};

struct point_head
{
  double value;
  int64_t step;
  int64_t timestamp_ms;
  uint32_t lengths[4]; /* key, model, name and digest of the data set */
};

static size_t
texts_bytes (const struct record *record)
{
  struct record copy = *record;
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count = record_texts (texts, &copy);
  size_t bytes = sizeof (int64_t);

  for (size_t i = 0; i < count; i++)
    bytes += sizeof (uint32_t) + texts[i]->len;
  return bytes;
}

static size_t
points_bytes (const struct record *record)
{
  size_t bytes = 0;

  for (size_t i = 0; i < record->points.count; i++)
  {
    const struct record_point *point = &record->points.items[i];

    bytes += sizeof (struct point_head) + point->key.len + point->model_id.len + point->dataset_name.len
             + point->dataset_digest.len;
  }
  return bytes;
}

static size_t
values_bytes (const struct ring_source *source)
{
  size_t bytes = 2 * sizeof (int64_t);

  if (NULL == source->values.items)
    return bytes + sizeof (struct value_head) + source->values.key.len;
  for (size_t i = 0; i < source->count; i++)
    bytes += sizeof (struct value_head) + strlen (source->values.items[i].key);
  return bytes;
}

static size_t
series_bytes (const struct ring_series *series)
{
  size_t arrays = 1 + (size_t)(NULL != series->steps) + (size_t)(NULL != series->timestamps_ms);
  size_t head = sizeof (int64_t) + sizeof (uint32_t) + series->key.len;

  return series->count > (SIZE_MAX / 2 - head) / (3 * sizeof (int64_t))
             ? SIZE_MAX / 2
             : head + series->count * arrays * sizeof (int64_t);
}

static size_t
pairs_bytes (const struct ring_source *source)
{
  size_t bytes = sizeof (int64_t);

  for (size_t i = 0; i < source->count; i++)
    bytes += sizeof (struct pair_head) + strlen (source->pairs[i].key) + strlen (source->pairs[i].value);
  return bytes;
}

size_t
ring_entry_bytes (const struct ring_source *source)
{
  switch (source->layout)
  {
  case RING_VALUES:
    return sizeof (struct ring_entry) + values_bytes (source);
  case RING_SERIES:
    return sizeof (struct ring_entry) + series_bytes (source->series);
  case RING_PAIRS:
    return sizeof (struct ring_entry) + pairs_bytes (source);
  case RING_POINTS:
    return sizeof (struct ring_entry) + points_bytes (source->record);
  case RING_OTHER:
    return sizeof (struct ring_entry) + texts_bytes (source->record);
  }
  return SIZE_MAX / 2;
}

/* --- writing --- */

static inline char *
put (char *at, const void *data, size_t bytes)
{
  if (bytes > 0)
    memcpy (at, data, bytes);
  return at + bytes;
}

static char *
put_value (char *at, double value, struct slice key)
{
  struct value_head head = { value, (uint16_t)key.len };

  return put (put (at, &head, sizeof (head)), key.data, key.len);
}

static void
write_values (char *at, const struct ring_source *source)
{
  at = put (at, &source->time_ms, sizeof (source->time_ms));
  at = put (at, &source->step, sizeof (source->step));
  if (NULL == source->values.items)
    put_value (at, source->values.value, source->values.key);
  else
    for (size_t i = 0; i < source->count; i++)
      at = put_value (at, source->values.items[i].value, slice_of (source->values.items[i].key));
}

static void
write_series (struct ring_entry *entry, const struct ring_series *series)
{
  uint32_t len = (uint32_t)series->key.len;
  char *at = put (entry->data, &series->timestamp_ms, sizeof (series->timestamp_ms));

  entry->has_steps = NULL != series->steps;
  entry->has_timestamps = NULL != series->timestamps_ms;
  at = put (at, &len, sizeof (len));
  at = put (at, series->key.data, series->key.len);
  at = put (at, series->values, series->count * sizeof (*series->values));
  if (NULL != series->steps)
    at = put (at, series->steps, series->count * sizeof (*series->steps));
  if (NULL != series->timestamps_ms)
    put (at, series->timestamps_ms, series->count * sizeof (*series->timestamps_ms));
}

static void
write_pairs (char *at, const struct ring_source *source)
{
  at = put (at, &source->time_ms, sizeof (source->time_ms));
  for (size_t i = 0; i < source->count; i++)
  {
    const struct tally_pair *pair = &source->pairs[i];
    struct pair_head head = { (uint32_t)strlen (pair->key), (uint32_t)strlen (pair->value) };

    at = put (at, &head, sizeof (head));
    at = put (at, pair->key, head.key_len);
    at = put (at, pair->value, head.value_len);
  }
}

static void
write_points (char *at, const struct record *record)
{
  for (size_t i = 0; i < record->points.count; i++)
  {
    const struct record_point *point = &record->points.items[i];
    const struct slice texts[] = { point->key, point->model_id, point->dataset_name, point->dataset_digest };
    struct point_head head = { point->value, point->step, point->timestamp_ms, { 0 } };

    for (size_t text = 0; text < 4; text++)
      head.lengths[text] = (uint32_t)texts[text].len;
    at = put (at, &head, sizeof (head));
    for (size_t text = 0; text < 4; text++)
      at = put (at, texts[text].data, texts[text].len);
  }
}

static void
write_other (struct ring_entry *entry, const struct record *record)
{
  struct record copy = *record;
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count = record_texts (texts, &copy);
  char *at = put (entry->data, &record->time_ms, sizeof (record->time_ms));

  entry->number = record_number (record);
  for (size_t i = 0; i < count; i++)
  {
    uint32_t len = (uint32_t)texts[i]->len;

    at = put (put (at, &len, sizeof (len)), texts[i]->data, len);
  }
}

void
ring_entry_write (struct ring_entry *entry, const struct ring_source *source)
{
  entry->layout = (uint8_t)source->layout;
  entry->kind = (uint8_t)source->kind;
  entry->count = (uint32_t)source->count;
  entry->run = *source->run;
  switch (source->layout)
  {
  case RING_VALUES:
    write_values (entry->data, source);
    return;
  case RING_SERIES:
    write_series (entry, source->series);
    return;
  case RING_PAIRS:
    write_pairs (entry->data, source);
    return;
  case RING_POINTS:
    write_points (entry->data, source->record);
    return;
  case RING_OTHER:
    write_other (entry, source->record);
    return;
  }
}

/* --- reading --- */

static inline const char *
get (void *value, const char *at, size_t bytes)
{
  memcpy (value, at, bytes);
  return at + bytes;
}

static inline struct slice
get_text (const char **at, size_t len)
{
  struct slice text = { *at, len };

  *at += len;
  return text;
}

static struct record *
next_record (struct ring_batch *batch, enum record_kind kind, const struct run_key *run)
{
  struct record *record;

  if (batch->record_count >= RING_BATCH_RECORDS)
    return NULL;
  record = &batch->records[batch->record_count++];
  *record = (struct record){ .kind = kind, .run = *run };
  return record;
}

/* Append a point: to the record before when it may go there. */
static bool
add_point (struct ring_batch *batch, const struct run_key *run, const struct record_point *point)
{
  struct record *last = batch->record_count > 0 ? &batch->records[batch->record_count - 1] : NULL;

  if (batch->point_count >= RING_BATCH_POINTS)
    return false;
  if (NULL == last || RECORD_POINTS != last->kind || last->points.count >= RECORD_MAX_POINTS
      || ! run_key_equal (&last->run, run))
  {
    last = next_record (batch, RECORD_POINTS, run);
    if (NULL == last)
      return false;
    last->points.items = &batch->points[batch->point_count];
  }
  batch->points[batch->point_count++] = *point;
  last->points.count++;
  last->time_ms = point->timestamp_ms;
  last->entry = ++batch->entry;
  return true;
}

static bool
read_values (struct ring_batch *batch, struct ring_cursor *cursor, const struct ring_entry *entry)
{
  struct record_point point = { .value = 0 };
  const char *at = get (&point.timestamp_ms, entry->data, sizeof (point.timestamp_ms));

  at = get (&point.step, at, sizeof (point.step));
  for (at += cursor->bytes; cursor->index < entry->count; cursor->index++)
  {
    struct value_head head;
    const char *text = get (&head, at, sizeof (head));

    point.value = head.value;
    point.key = get_text (&text, head.key_len);
    if (! add_point (batch, &entry->run, &point))
      return false;
    cursor->bytes += (size_t)(text - at);
    at = text;
  }
  return true;
}

static bool
read_series (struct ring_batch *batch, struct ring_cursor *cursor, const struct ring_entry *entry)
{
  struct record_point point = { .value = 0 };
  size_t bytes = entry->count * sizeof (int64_t);
  const char *steps;
  uint32_t len;
  const char *at = get (&point.timestamp_ms, entry->data, sizeof (point.timestamp_ms));

  at = get (&len, at, sizeof (len));
  point.key = get_text (&at, len);
  steps = at + bytes;
  for (; cursor->index < entry->count; cursor->index++)
  {
    size_t offset = cursor->index * sizeof (int64_t);

    get (&point.value, at + offset, sizeof (point.value));
    point.step = cursor->index;
    if (entry->has_steps)
      get (&point.step, steps + offset, sizeof (point.step));
    if (entry->has_timestamps)
      get (&point.timestamp_ms, steps + (entry->has_steps ? bytes : 0) + offset, sizeof (point.timestamp_ms));
    if (! add_point (batch, &entry->run, &point))
      return false;
  }
  return true;
}

static bool
read_pairs (struct ring_batch *batch, struct ring_cursor *cursor, const struct ring_entry *entry)
{
  int64_t time_ms;
  const char *at = get (&time_ms, entry->data, sizeof (time_ms)) + cursor->bytes;

  for (; cursor->index < entry->count; cursor->index++)
  {
    struct record *record = next_record (batch, (enum record_kind)entry->kind, &entry->run);
    struct pair_head head;
    const char *text = get (&head, at, sizeof (head));

    if (NULL == record)
      return false;
    record->pair.key = get_text (&text, head.key_len);
    record->pair.value = get_text (&text, head.value_len);
    record->time_ms = time_ms;
    record->entry = ++batch->entry;
    cursor->bytes += (size_t)(text - at);
    at = text;
  }
  return true;
}

static bool
read_points (struct ring_batch *batch, struct ring_cursor *cursor, const struct ring_entry *entry)
{
  const char *at = entry->data + cursor->bytes;

  for (; cursor->index < entry->count; cursor->index++)
  {
    struct point_head head;
    const char *text = get (&head, at, sizeof (head));
    struct record_point point = { .value = head.value, .step = head.step, .timestamp_ms = head.timestamp_ms };

    point.key = get_text (&text, head.lengths[0]);
    point.model_id = get_text (&text, head.lengths[1]);
    point.dataset_name = get_text (&text, head.lengths[2]);
    point.dataset_digest = get_text (&text, head.lengths[3]);
    if (! add_point (batch, &entry->run, &point))
      return false;
    cursor->bytes += (size_t)(text - at);
    at = text;
  }
  return true;
}

static bool
read_other (struct ring_batch *batch, const struct ring_entry *entry)
{
  struct record *record = next_record (batch, (enum record_kind)entry->kind, &entry->run);
  struct slice *texts[RECORD_MAX_TEXTS];
  const char *at;
  size_t count;

  if (NULL == record)
    return false;
  at = get (&record->time_ms, entry->data, sizeof (record->time_ms));
  count = record_texts (texts, record);
  record_set_number (record, entry->number);
  for (size_t i = 0; i < count; i++)
  {
    uint32_t len;

    at = get (&len, at, sizeof (len));
    *texts[i] = get_text (&at, len);
  }
  record->entry = ++batch->entry;
  return true;
}

bool
ring_entry_read (struct ring_batch *batch, struct ring_cursor *cursor, const struct ring_entry *entry)
{
  switch ((enum ring_layout)entry->layout)
  {
  case RING_VALUES:
    return read_values (batch, cursor, entry);
  case RING_SERIES:
    return read_series (batch, cursor, entry);
  case RING_PAIRS:
    return read_pairs (batch, cursor, entry);
  case RING_POINTS:
    return read_points (batch, cursor, entry);
  case RING_OTHER:
    return read_other (batch, entry);
  }
  return true;
}
