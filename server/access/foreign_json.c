/* JSON from outside, within bounds. */
#include "access/foreign_json.h"

#include "base/json_scan.h"
#include "base/json_tree.h"

#include <math.h>

/* Beyond, a double has no whole seconds any more (2^53); that is 285 million years. */
#define TIME_MAX_S 9007199254740992

json_t *
foreign_json_object (bool *out_of_memory, struct slice text, struct arena *arena)
{
  struct json_scan scan;
  json_t *tree = NULL;

  if (NULL != out_of_memory)
    *out_of_memory = false;
  json_scan_init (&scan, text, arena, FOREIGN_JSON_MAX_DEPTH);
  if (! json_scan_skip (&scan) || ! json_scan_end (&scan))
    return NULL;
  tree = json_tree_load (out_of_memory, text, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object (tree))
    return tree;
  json_decref (tree);
  return NULL;
}

struct slice
foreign_json_text (const json_t *object, const char *name)
{
  const json_t *value = json_object_get (object, name);

  return (struct slice){ json_string_value (value), json_string_length (value) };
}

bool
foreign_json_time (int64_t *seconds, bool *present, const json_t *object, const char *name)
{
  const json_t *value = json_object_get (object, name);
  double real = json_number_value (value);

  *present = NULL != value;
  if (! json_is_number (value) || ! isfinite (real) || fabs (real) > (double)TIME_MAX_S)
    return false;
  *seconds = json_is_integer (value) ? json_integer_value (value) : (int64_t)floor (real);
  return true;
}
