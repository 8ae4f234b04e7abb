/* JSON pieces that several resources share. */
#include "api/json.h"

#include "base/json_scan.h"
#include "base/utf8.h"

#include <stdlib.h>

static const struct field key_value_fields[] = {
  { .name = "key", .type = FIELD_STRING, .flags = FIELD_NUL | FIELD_EMPTY, .offset = offsetof (struct key_value, key) },
  { .name = "value", .type = FIELD_STRING, .offset = offsetof (struct key_value, value) },
};

const struct schema key_value_schema = SCHEMA (key_value_fields, struct key_value);

static const struct field key_value_required_fields[] = {
  { .name = "key",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED | FIELD_NUL,
    .offset = offsetof (struct key_value, key) },
  { .name = "value", .type = FIELD_STRING, .offset = offsetof (struct key_value, value) },
};

const struct schema key_value_required_schema = SCHEMA (key_value_required_fields, struct key_value);

static int
compare_keys (const void *a, const void *b)
{
  return slice_compare (((const struct key_value *)a)->key, ((const struct key_value *)b)->key);
}

/* Pairs of a JSON object of strings; the count is found first, so that one array holds them. */
static struct key_value *
read_pairs (size_t *count, struct slice object, struct arena *arena)
{
  struct key_value *pairs = NULL;

  *count = 0;
  for (unsigned pass = 0; pass < 2; pass++)
  {
    struct json_scan scan;
    struct json_scan_value value;
    struct slice key;
    size_t found = 0;

    json_scan_init (&scan, object, arena, 2);
    if (! json_scan_value (&scan, &value) || JSON_SCAN_OBJECT != value.kind)
      return NULL;
    while (json_scan_member (&scan, &key) && json_scan_value (&scan, &value))
    {
      if (NULL != pairs)
        pairs[found] = (struct key_value){ key, value.text };
      found++;
    }
    if (0 == found || NULL != pairs)
      return pairs;
    pairs = arena_array (arena, found, sizeof (struct key_value));
    if (NULL == pairs)
      return NULL;
    *count = found;
  }
  return pairs;
}

static void
write_pairs (struct json_write *w, const char *name, const struct key_value *pairs, size_t count)
{
  if (0 == count)
    return;
  json_write_key (w, name);
  json_write_array (w);
  for (size_t i = 0; i < count; i++)
  {
    json_write_object (w);
    json_write_member_string (w, "key", pairs[i].key);
    json_write_member_string (w, "value", pairs[i].value);
    json_write_object_end (w);
  }
  json_write_array_end (w);
}

/* The pairs of an object, sorted. What the database holds is a JSON object: only memory can be missing here. */
static struct key_value *
sorted_pairs (size_t *count, struct json_write *w, struct slice object, struct arena *arena)
{
  struct key_value *pairs = NULL;

  *count = 0;
  if (object.len <= 2)
    return NULL;
  pairs = read_pairs (count, object, arena);
  if (NULL == pairs)
    w->out->failed = w->out->failed || arena_overflowed (arena);
  else
    qsort (pairs, *count, sizeof (pairs[0]), compare_keys);
  return pairs;
}

void
api_write_pairs (struct json_write *w, const char *name, struct slice object, struct arena *arena)
{
  size_t count;
  const struct key_value *pairs = sorted_pairs (&count, w, object, arena);

  write_pairs (w, name, pairs, NULL == pairs ? 0 : count);
}

void
api_write_some_pairs (struct json_write *w, const char *name, struct slice object, const struct slice *keys,
                      size_t key_count, struct arena *arena)
{
  size_t count;
  struct key_value *pairs = sorted_pairs (&count, w, object, arena);
  size_t kept = 0;

  for (size_t i = 0; NULL != pairs && key_count > 0 && i < count; i++)
    if (NULL != bsearch (&pairs[i].key, keys, key_count, sizeof (keys[0]), slice_compare_items))
      pairs[kept++] = pairs[i];
  write_pairs (w, name, pairs, kept);
}

/* By key, and equal keys in the order they were given, which is that of their addresses. */
static int
compare_given (const void *a, const void *b)
{
  const struct key_value *const *left = a;
  const struct key_value *const *right = b;
  int order = slice_compare ((*left)->key, (*right)->key);

  return 0 != order ? order : (*left > *right) - (*left < *right);
}

struct slice
api_pairs_object (const struct key_value *pairs, size_t count, size_t max_characters, struct arena *arena)
{
  const struct key_value **sorted = arena_array (arena, count, sizeof (sorted[0]));
  struct buffer out;
  struct json_write w;
  struct slice text = { NULL, 0 };

  if (NULL == sorted)
    return text;
  for (size_t i = 0; i < count; i++)
    sorted[i] = &pairs[i];
  qsort (sorted, count, sizeof (sorted[0]), compare_given);
  /* Escapes make a byte six at most; the arena's ceiling is the real limit. */
  buffer_init (&out, SIZE_MAX / 2);
  json_write_init (&w, &out);
  json_write_object (&w);
  for (size_t i = 0; i < count; i++)
  {
    struct slice value = NULL == sorted[i]->value.data ? SLICE ("") : sorted[i]->value;

    if (i + 1 < count && slice_equal (sorted[i]->key, sorted[i + 1]->key))
      continue;
    json_write_key_slice (&w, sorted[i]->key);
    json_write_string (&w, 0 == max_characters ? value : utf8_cut (value, max_characters));
  }
  json_write_object_end (&w);
  if (! out.failed)
    text = (struct slice){ arena_string (arena, buffer_slice (&out)), out.len };
  else
    arena_fail (arena);
  buffer_free (&out);
  return text;
}

void
api_reply_start (struct json_write *w, struct api_call *call)
{
  json_write_init (w, &call->reply);
  json_write_object (w);
}

enum err_code
api_reply_end (struct json_write *w, struct api_call *call, struct err *err)
{
  json_write_object_end (w);
  return api_reply_check (call, err);
}

enum err_code
api_reply_check (const struct api_call *call, struct err *err)
{
  if (call->reply.out_of_memory || arena_out_of_memory (call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (call->reply.failed || arena_overflowed (call->arena))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The answer would be larger than %lld bytes (max-response-bytes); ask for less at a time.",
                    (long long)call->service->config->max_response_bytes);
  return ERR_OK;
}
