/* The hot path: metric-only bodies are read by the scanner straight into points, without a tree.

   DESIGN
   Whatever is not plainly right is left to the thorough way: a member that is missing, unknown, twice, null, spelled in
   camelCase or of an odd type, a key that breaks a rule, a model or a data set that is empty, half of a data set. So
   messages are made in one place only, and this file can accept less than the protocol does but never more.
   Points that stand beside each other mostly belong to the same model and data set: they share one context. */
#include "api/metric_request.h"
#include "api/names.h"
#include "base/json_scan.h"

/* Members of a log-metric request, as bits of what was seen. */
enum
{
  SEEN_RUN_ID = 1,
  SEEN_KEY = 2,
  SEEN_VALUE = 4,
  SEEN_TIMESTAMP = 8,
  SEEN_STEP = 16,
  SEEN_METRICS = 32,
  SEEN_RUN_UUID = 64,
  SEEN_MODEL = 128,
  SEEN_DATASET_NAME = 256,
  SEEN_DATASET_DIGEST = 512
};

#define SEEN_METRIC (SEEN_KEY | SEEN_VALUE | SEEN_TIMESTAMP)
#define SEEN_DATASET (SEEN_DATASET_NAME | SEEN_DATASET_DIGEST)
#define SEEN_CONTEXT (SEEN_MODEL | SEEN_DATASET)

/* A body on its way through the scanner. */
struct reader
{
  struct json_scan scan;
  struct arena *arena;
  struct metric_context found; /* of the metric under way; only the members that were seen */
  const struct metric_context *shared; /* of the last point that had one */
};

static unsigned
name_bit (struct slice name)
{
  static const struct
  {
    const char *name;
    size_t length;
    unsigned bit;
  } names[] = {
    { "key", 3, SEEN_KEY },
    { "value", 5, SEEN_VALUE },
    { "timestamp", 9, SEEN_TIMESTAMP },
    { "step", 4, SEEN_STEP },
    { "run_id", 6, SEEN_RUN_ID },
    { "metrics", 7, SEEN_METRICS },
    { "run_uuid", 8, SEEN_RUN_UUID },
    { "model_id", 8, SEEN_MODEL },
    { "dataset_name", 12, SEEN_DATASET_NAME },
    { "dataset_digest", 14, SEEN_DATASET_DIGEST },
  };

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    if (names[i].length == name.len && 0 == memcmp (names[i].name, name.data, name.len))
      return names[i].bit;
  return 0;
}

/* A number that both ways of reading give alike: reals that stand for an integer go through a double on the thorough
   way, and so would -0. */
static bool
scan_int64 (const struct json_scan_value *value, int64_t *number)
{
  return JSON_SCAN_REAL != value->kind && json_scan_int64 (value, number);
}

static bool
scan_double (const struct json_scan_value *value, double *number)
{
  if (JSON_SCAN_STRING == value->kind && 0 == value->text.len)
    return false;
  if (JSON_SCAN_INTEGER == value->kind && slice_is (value->text, "-0"))
    return false;
  return json_scan_double (value, number);
}

/* A name or digest of a model or a data set: the thorough way refuses U+0000 there, takes an empty text for none, and
   limits characters, of which there are not more than bytes. */
static bool
scan_text (const struct json_scan_value *value, struct slice *text, size_t max)
{
  *text = value->text;
  return JSON_SCAN_STRING == value->kind && slice_filled (*text) && text->len <= max
         && NULL == memchr (text->data, '\0', text->len);
}

/* One member of a metric. */
static bool
scan_member (struct reader *reader, struct metric_entry *entry, unsigned bit)
{
  struct json_scan_value value;

  if (! json_scan_value (&reader->scan, &value))
    return false;
  switch (bit)
  {
  case SEEN_KEY:
    entry->key = value.text;
    return JSON_SCAN_STRING == value.kind && names_key_is_fine (value.text);
  case SEEN_VALUE:
    return scan_double (&value, &entry->point.value);
  case SEEN_TIMESTAMP:
    return scan_int64 (&value, &entry->point.timestamp_ms) && entry->point.timestamp_ms >= 0;
  case SEEN_STEP:
    return scan_int64 (&value, &entry->point.step);
  case SEEN_MODEL:
    return scan_text (&value, &reader->found.model_id, MODEL_ID_MAX);
  case SEEN_DATASET_NAME:
    return scan_text (&value, &reader->found.dataset_name, DATASET_NAME_MAX);
  case SEEN_DATASET_DIGEST:
    return scan_text (&value, &reader->found.dataset_digest, DATASET_DIGEST_MAX);
  default:
    return false;
  }
}

static bool
same_context (const struct metric_context *a, const struct metric_context *b)
{
  return slice_equal (a->model_id, b->model_id) && slice_equal (a->dataset_name, b->dataset_name)
         && slice_equal (a->dataset_digest, b->dataset_digest);
}

/* The metric was read to its end: judge what was seen of it, and give it its context. */
static bool
finish_metric (struct reader *reader, struct metric_entry *entry, unsigned seen)
{
  static const struct slice absent = { NULL, 0 };
  struct metric_context *context;

  if (SEEN_METRIC != (seen & SEEN_METRIC))
    return false;
  if (0 == (seen & SEEN_CONTEXT))
    return true;
  if (0 != (seen & SEEN_DATASET) && SEEN_DATASET != (seen & SEEN_DATASET))
    return false;
  if (0 == (seen & SEEN_MODEL))
    reader->found.model_id = absent;
  if (0 == (seen & SEEN_DATASET))
    reader->found.dataset_name = reader->found.dataset_digest = absent;
  if (NULL == reader->shared || ! same_context (reader->shared, &reader->found))
  {
    context = arena_alloc (reader->arena, sizeof (*context));
    if (NULL == context)
      return false;
    *context = reader->found;
    reader->shared = context;
  }
  entry->context = reader->shared;
  return true;
}

static bool
scan_run_id (struct reader *reader, struct uuid *run_id)
{
  struct json_scan_value value;

  return json_scan_value (&reader->scan, &value) && JSON_SCAN_STRING == value.kind && uuid_parse (run_id, value.text);
}

static void
start (struct reader *reader, struct slice body, struct arena *arena, unsigned max_depth)
{
  json_scan_init (&reader->scan, body, arena, max_depth);
  reader->arena = arena;
  reader->shared = NULL;
}

bool
metric_scan_single (struct metric_write *write, struct slice body, struct arena *arena)
{
  struct reader reader;
  struct json_scan_value value;
  struct slice name;
  struct uuid twin;
  unsigned seen = 0;

  write->entries = arena_alloc (arena, sizeof (struct metric_entry));
  write->count = 1;
  if (NULL == write->entries)
    return false;
  /* The object and the scalars in it. */
  start (&reader, body, arena, 2);
  if (! json_scan_value (&reader.scan, &value) || JSON_SCAN_OBJECT != value.kind)
    return false;
  while (json_scan_member (&reader.scan, &name))
  {
    unsigned bit = name_bit (name);
    bool fine;

    if (0 == bit || 0 != (seen & bit))
      return false;
    seen |= bit;
    if (SEEN_RUN_ID == bit)
      fine = scan_run_id (&reader, &write->run_id);
    else if (SEEN_RUN_UUID == bit)
      fine = scan_run_id (&reader, &twin); /* run_id wins; alone it is left to the thorough way */
    else
      fine = scan_member (&reader, &write->entries[0], bit);
    if (! fine)
      return false;
  }
  return json_scan_end (&reader.scan) && 0 != (seen & SEEN_RUN_ID) && finish_metric (&reader, &write->entries[0], seen);
}

static bool
scan_metric (struct reader *reader, struct metric_entry *entry)
{
  struct json_scan_value value;
  struct slice name;
  unsigned seen = 0;

  if (! json_scan_value (&reader->scan, &value) || JSON_SCAN_OBJECT != value.kind)
    return false;
  while (json_scan_member (&reader->scan, &name))
  {
    unsigned bit = name_bit (name);

    if (0 == bit || 0 != (seen & bit) || ! scan_member (reader, entry, bit))
      return false;
    seen |= bit;
  }
  return finish_metric (reader, entry, seen);
}

static bool
scan_metrics (struct reader *reader, struct metric_write *write, size_t max_metrics)
{
  struct json_scan_value value;
  /* A guess that fits small batches; it doubles when it does not fit. */
  size_t capacity = 16;

  if (! json_scan_value (&reader->scan, &value) || JSON_SCAN_ARRAY != value.kind)
    return false;
  write->entries = arena_array (reader->arena, capacity, sizeof (struct metric_entry));
  while (NULL != write->entries && json_scan_element (&reader->scan))
  {
    if (write->count == max_metrics)
      return false;
    if (write->count == capacity)
    {
      struct metric_entry *grown = arena_array (reader->arena, capacity * 2, sizeof (struct metric_entry));

      if (NULL == grown)
        return false;
      memcpy (grown, write->entries, write->count * sizeof (struct metric_entry));
      write->entries = grown;
      capacity *= 2;
    }
    if (! scan_metric (reader, &write->entries[write->count++]))
      return false;
  }
  return NULL != write->entries && ! json_scan_failed (&reader->scan);
}

/* An empty list of params or tags, as clients send it beside metrics. */
static bool
scan_empty_list (struct json_scan *scan)
{
  struct json_scan_value value;

  return json_scan_value (scan, &value) && JSON_SCAN_ARRAY == value.kind && ! json_scan_element (scan)
         && ! json_scan_failed (scan);
}

bool
metric_scan_batch (struct metric_write *write, struct slice body, size_t max_metrics, unsigned max_depth,
                   struct arena *arena)
{
  struct reader reader;
  struct json_scan_value value;
  struct slice name;
  unsigned seen = 0;

  write->entries = NULL;
  write->count = 0;
  start (&reader, body, arena, max_depth);
  if (! json_scan_value (&reader.scan, &value) || JSON_SCAN_OBJECT != value.kind)
    return false;
  while (json_scan_member (&reader.scan, &name))
  {
    unsigned bit = name_bit (name);
    bool fine = false;

    if (SEEN_RUN_ID == bit && 0 == (seen & bit))
      fine = scan_run_id (&reader, &write->run_id);
    else if (SEEN_METRICS == bit && 0 == (seen & bit))
      fine = scan_metrics (&reader, write, max_metrics);
    else if (slice_is (name, "params") || slice_is (name, "tags"))
      fine = scan_empty_list (&reader.scan);
    if (! fine)
      return false;
    seen |= bit;
  }
  return json_scan_end (&reader.scan) && (SEEN_RUN_ID | SEEN_METRICS) == seen && write->count > 0;
}
