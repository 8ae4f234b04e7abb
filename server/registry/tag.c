/* Tags of registered models and versions, as the ledger tells of them. */
#include "registry/tag.h"

#include "base/json_scan.h"
#include "base/json_write.h"

/* Most bytes of one tag as JSON: 250 and 100,000 characters of four bytes, each of which may become six. */
#define TAG_MAX_BYTES ((size_t)4 * 1024 * 1024)

struct slice
registry_tag_value (const struct registry_change *change, struct slice tags, struct slice key)
{
  struct slice found = { NULL, 0 };
  struct json_scan scan;
  struct json_scan_value value;
  struct slice name;

  json_scan_init (&scan, tags, change->arena, 2);
  if (! json_scan_value (&scan, &value) || JSON_SCAN_OBJECT != value.kind)
    return found;
  while (json_scan_member (&scan, &name))
    if (! slice_equal (name, key))
      json_scan_skip (&scan);
    else if (json_scan_value (&scan, &value))
      found = value.text;
  return found;
}

struct slice
registry_tag_member (const struct registry_change *change, struct slice key, struct slice value)
{
  struct buffer buffer;
  struct json_write w;
  struct slice out = { NULL, 0 };

  if (NULL == value.data)
    return out;
  buffer_init (&buffer, TAG_MAX_BYTES);
  json_write_init (&w, &buffer);
  json_write_object (&w);
  json_write_member_string (&w, "key", key);
  json_write_member_string (&w, "value", value);
  json_write_object_end (&w);
  if (! buffer.failed)
    out = (struct slice){ arena_copy (change->arena, buffer.data, buffer.len), buffer.len };
  else
    arena_fail (change->arena);
  buffer_free (&buffer);
  return out;
}
