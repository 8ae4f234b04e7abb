/* Tags of registered models and versions, as the ledger tells of them. */
#include "registry/tag.h"

#include "base/json_scan.h"

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
  struct registry_object object;

  if (NULL == value.data)
    return (struct slice){ NULL, 0 };
  registry_object_begin (&object);
  json_write_member_string (&object.w, "key", key);
  json_write_member_string (&object.w, "value", value);
  return registry_object_end (&object, change);
}

bool
registry_same_text (struct slice a, struct slice b)
{
  return (NULL == a.data) == (NULL == b.data) && slice_equal (a, b);
}
