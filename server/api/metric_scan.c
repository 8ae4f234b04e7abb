/* The hot path: metric-only bodies are read by the scanner straight into points, without a tree.

   DESIGN
   Whatever is not plainly right is left to the thorough way: a member that is missing, unknown, twice, null, spelled in
   camelCase or of an odd type, a key that breaks a rule. So messages are made in one place only, and this file can
   accept less than the protocol does but never more. */
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
  SEEN_RUN_UUID = 64
};

#define SEEN_METRIC (SEEN_KEY | SEEN_VALUE | SEEN_TIMESTAMP)

static unsigned
name_bit (struct slice name)
{
  static const struct
  {
    const char *name;
    size_t length;
    unsigned bit;
  } names[] = { { "key", 3, SEEN_KEY },          { "value", 5, SEEN_VALUE },   { "timestamp", 9, SEEN_TIMESTAMP },
                { "step", 4, SEEN_STEP },        { "run_id", 6, SEEN_RUN_ID }, { "metrics", 7, SEEN_METRICS },
                { "run_uuid", 8, SEEN_RUN_UUID } };

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

/* One member of a metric. */
static bool
scan_member (struct json_scan *scan, struct metric_entry *entry, unsigned bit)
{
  struct json_scan_value value;

  if (! json_scan_value (scan, &value))
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
  default:
    return false;
  }
}

static bool
scan_run_id (struct json_scan *scan, struct uuid *run_id)
{
  struct json_scan_value value;

  return json_scan_value (scan, &value) && JSON_SCAN_STRING == value.kind && uuid_parse (run_id, value.text);
}

bool
metric_scan_single (struct metric_write *write, struct slice body, struct arena *arena)
{
  struct json_scan scan;
  struct json_scan_value value;
  struct slice name;
  struct uuid twin;
  unsigned seen = 0;

  write->entries = arena_alloc (arena, sizeof (struct metric_entry));
  write->count = 1;
  if (NULL == write->entries)
    return false;
  /* The object and the scalars in it. */
  json_scan_init (&scan, body, arena, 2);
  if (! json_scan_value (&scan, &value) || JSON_SCAN_OBJECT != value.kind)
    return false;
  while (json_scan_member (&scan, &name))
  {
    unsigned bit = name_bit (name);
    bool fine;

    if (0 == bit || 0 != (seen & bit))
      return false;
    seen |= bit;
    if (SEEN_RUN_ID == bit)
      fine = scan_run_id (&scan, &write->run_id);
    else if (SEEN_RUN_UUID == bit)
      fine = scan_run_id (&scan, &twin); /* run_id wins; alone it is left to the thorough way */
    else
      fine = scan_member (&scan, &write->entries[0], bit);
    if (! fine)
      return false;
  }
  return json_scan_end (&scan) && (SEEN_METRIC | SEEN_RUN_ID) == (seen & (SEEN_METRIC | SEEN_RUN_ID));
}

static bool
scan_metric (struct json_scan *scan, struct metric_entry *entry)
{
  struct json_scan_value value;
  struct slice name;
  unsigned seen = 0;

  if (! json_scan_value (scan, &value) || JSON_SCAN_OBJECT != value.kind)
    return false;
  while (json_scan_member (scan, &name))
  {
    unsigned bit = name_bit (name);

    if (0 == bit || 0 != (seen & bit) || ! scan_member (scan, entry, bit))
      return false;
    seen |= bit;
  }
  return SEEN_METRIC == (seen & SEEN_METRIC);
}

static bool
scan_metrics (struct json_scan *scan, struct metric_write *write, size_t max_metrics, struct arena *arena)
{
  struct json_scan_value value;
  /* A guess that fits small batches; it doubles when it does not fit. */
  size_t capacity = 16;

  if (! json_scan_value (scan, &value) || JSON_SCAN_ARRAY != value.kind)
    return false;
  write->entries = arena_array (arena, capacity, sizeof (struct metric_entry));
  while (NULL != write->entries && json_scan_element (scan))
  {
    if (write->count == max_metrics)
      return false;
    if (write->count == capacity)
    {
      struct metric_entry *grown = arena_array (arena, capacity * 2, sizeof (struct metric_entry));

      if (NULL == grown)
        return false;
      memcpy (grown, write->entries, write->count * sizeof (struct metric_entry));
      write->entries = grown;
      capacity *= 2;
    }
    if (! scan_metric (scan, &write->entries[write->count++]))
      return false;
  }
  return NULL != write->entries && ! json_scan_failed (scan);
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
  struct json_scan scan;
  struct json_scan_value value;
  struct slice name;
  unsigned seen = 0;

  write->entries = NULL;
  write->count = 0;
  json_scan_init (&scan, body, arena, max_depth);
  if (! json_scan_value (&scan, &value) || JSON_SCAN_OBJECT != value.kind)
    return false;
  while (json_scan_member (&scan, &name))
  {
    unsigned bit = name_bit (name);
    bool fine = false;

    if (SEEN_RUN_ID == bit && 0 == (seen & bit))
      fine = scan_run_id (&scan, &write->run_id);
    else if (SEEN_METRICS == bit && 0 == (seen & bit))
      fine = scan_metrics (&scan, write, max_metrics, arena);
    else if (slice_is (name, "params") || slice_is (name, "tags"))
      fine = scan_empty_list (&scan);
    if (! fine)
      return false;
    seen |= bit;
  }
  return json_scan_end (&scan) && (SEEN_RUN_ID | SEEN_METRICS) == seen && write->count > 0;
}
