/* The scanner against jansson: the same verdict on every input, and the same values. */
#include "fuzz.h"

#include "base/json_scan.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* Never reached by inputs of a fuzzer. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static json_t *tree_of (struct json_scan *scan);

/* What the scanner reads as a jansson value (new reference), NULL when the scan failed. Recursion ends at the scanner's
   depth limit. */
static json_t *
tree_of_array (struct json_scan *scan)
{
  json_t *array = json_array ();

  REQUIRE (NULL != array);
  while (json_scan_element (scan))
  {
    json_t *element = tree_of (scan);

    if (NULL != element)
      REQUIRE (0 == json_array_append_new (array, element));
  }
  return array;
}

static json_t *
tree_of_object (struct json_scan *scan)
{
  json_t *object = json_object ();
  struct slice name;

  REQUIRE (NULL != object);
  while (json_scan_member (scan, &name))
  {
    json_t *member;
    char *copy;

    REQUIRE (utf8_valid (name));
    REQUIRE (0 == name.len || NULL == memchr (name.data, '\0', name.len));
    copy = strndup (name.data, name.len);
    REQUIRE (NULL != copy);
    member = tree_of (scan);
    if (NULL != member)
      REQUIRE (0 == json_object_set_new_nocheck (object, copy, member));
    free (copy);
  }
  return object;
}

static json_t *
tree_of (struct json_scan *scan)
{
  struct json_scan_value value;
  int64_t integer;
  double real;
  json_t *tree = NULL;

  if (! json_scan_value (scan, &value))
  {
    REQUIRE (json_scan_failed (scan));
    return NULL;
  }
  switch (value.kind)
  {
  case JSON_SCAN_NULL:
    tree = json_null ();
    break;
  case JSON_SCAN_FALSE:
    tree = json_false ();
    break;
  case JSON_SCAN_TRUE:
    tree = json_true ();
    break;
  case JSON_SCAN_INTEGER:
    REQUIRE (json_scan_int64 (&value, &integer));
    REQUIRE (json_scan_double (&value, &real) && (double)integer == real);
    tree = json_integer (integer);
    break;
  case JSON_SCAN_REAL:
    REQUIRE (json_scan_double (&value, &real));
    if (json_scan_int64 (&value, &integer))
      REQUIRE ((double)integer == real);
    tree = json_real (real);
    break;
  case JSON_SCAN_STRING:
    REQUIRE (utf8_valid (value.text));
    tree = json_stringn_nocheck (value.text.data, value.text.len);
    break;
  case JSON_SCAN_ARRAY:
    return tree_of_array (scan);
  case JSON_SCAN_OBJECT:
    return tree_of_object (scan);
  }
  if (JSON_SCAN_INTEGER != value.kind && JSON_SCAN_REAL != value.kind && JSON_SCAN_STRING != value.kind)
    REQUIRE (! json_scan_int64 (&value, &integer) && ! json_scan_double (&value, &real));
  REQUIRE (NULL != tree);
  return tree;
}

/* json_equal, but doubles must have the same bits. */
static bool
same (const json_t *a, const json_t *b)
{
  if (json_typeof (a) != json_typeof (b))
    return false;
  if (json_is_real (a))
  {
    double x = json_real_value (a);
    double y = json_real_value (b);

    return 0 == memcmp (&x, &y, sizeof (x));
  }
  if (json_is_array (a))
  {
    if (json_array_size (a) != json_array_size (b))
      return false;
    for (size_t i = 0; i < json_array_size (a); i++)
      if (! same (json_array_get (a, i), json_array_get (b, i)))
        return false;
    return true;
  }
  if (json_is_object (a))
  {
    const char *name;
    json_t *member;

    if (json_object_size (a) != json_object_size (b))
      return false;
    json_object_foreach ((json_t *)(uintptr_t)a, name, member)
    {
      const json_t *other = json_object_get (b, name);

      if (NULL == other || ! same (member, other))
        return false;
    }
    return true;
  }
  return json_equal (a, b);
}

/* Walk without reading: the verdict must be the same. */
static bool
skips (struct slice text, struct arena *arena, unsigned max_depth)
{
  struct json_scan scan;
  struct slice raw;
  size_t used = arena_used_bytes (arena);

  json_scan_init (&scan, text, arena, max_depth);
  if (! json_scan_raw (&scan, &raw))
    REQUIRE (json_scan_failed (&scan));
  else
    REQUIRE (raw.len > 0 && raw.data >= text.data && raw.data + raw.len <= text.data + text.len);
  REQUIRE (arena_used_bytes (arena) == used);
  return json_scan_end (&scan);
}

/* Walk with a tight depth limit and hardly any memory: fewer inputs pass, and none of them crashes. */
static void
check_limits (struct slice text, bool valid)
{
  static const unsigned depths[] = { 0, 1, 2, 3, 63, 64, 65, 66 };
  bool before = false;
  struct arena *arena = arena_new (16);

  REQUIRE (NULL != arena);
  for (size_t i = 0; i < sizeof (depths) / sizeof (depths[0]); i++)
  {
    struct json_scan scan;
    bool passes = skips (text, arena, depths[i]);
    bool reads;
    json_t *tree;

    /* A higher limit never refuses what a lower one let pass. */
    REQUIRE (passes || ! before);
    REQUIRE (valid || ! passes);
    before = passes;
    json_scan_init (&scan, text, arena, depths[i]);
    tree = tree_of (&scan);
    reads = json_scan_end (&scan);
    REQUIRE (reads == passes || (passes && arena_overflowed (arena)));
    json_decref (tree);
    arena_reset (arena);
  }
  arena_free (arena);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };
  struct arena *arena = arena_new (ARENA_BYTES);
  struct json_scan scan;
  size_t offset = SIZE_MAX;
  json_t *expected;
  json_t *got;
  bool valid;

  REQUIRE (NULL != arena);
  json_scan_init (&scan, text, arena, JSON_SCAN_MAX_DEPTH);
  got = tree_of (&scan);
  valid = json_scan_end (&scan);
  REQUIRE (valid != json_scan_failed (&scan));
  REQUIRE (valid == (NULL == json_scan_error (&scan, &offset)));
  REQUIRE (valid || offset <= size);
  REQUIRE (! arena_overflowed (arena));
  REQUIRE (skips (text, arena, JSON_SCAN_MAX_DEPTH) == valid);
  check_limits (text, valid);
  /* jansson drops a NUL that it reads ahead behind a number or a literal; no valid text has one. */
  if (size > 0 && NULL != memchr (data, '\0', size))
    REQUIRE (! valid);
  else
  {
    expected = json_loadb (text.data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    REQUIRE (valid == (NULL != expected));
    if (valid)
      REQUIRE (same (expected, got));
    json_decref (expected);
  }
  json_decref (got);
  arena_free (arena);
  return 0;
}
