/* From the path of a request to its route: binary search over the full paths. */
#include "http/router.h"

#include "base/url.h"

#include <stdio.h>
#include <stdlib.h>

struct entry
{
  const char *prefix;
  const struct route *route;
};

static struct entry *entries;
static size_t entry_count;

/* Compare a path with prefix + path of an entry without putting them together. */
static int
compare_path (struct slice path, const struct entry *entry)
{
  const char *parts[] = { entry->prefix, entry->route->path };

  for (size_t i = 0; i < 2; i++)
  {
    size_t length = strlen (parts[i]);
    size_t shorter = path.len < length ? path.len : length;
    int order = 0 == shorter ? 0 : memcmp (path.data, parts[i], shorter);

    if (0 != order)
      return order;
    if (path.len < length)
      return -1;
    path = (struct slice){ path.data + length, path.len - length };
  }
  return path.len > 0;
}

static int
compare_entries (const void *a, const void *b)
{
  const struct entry *left = a;
  const struct entry *right = b;
  char text[256];
  int order;

  snprintf (text, sizeof (text), "%s%s", left->prefix, left->route->path);
  order = compare_path (slice_of (text), right);
  return 0 != order ? order : (int)left->route->method - (int)right->route->method;
}

bool
router_init (void)
{
  /* At most two spellings of a prefix. */
  entries = calloc (routes_count * 2, sizeof (entries[0]));
  if (NULL == entries)
    return false;
  entry_count = 0;
  for (size_t i = 0; i < routes_count; i++)
    for (const char *const *prefix = route_prefix_paths (routes[i].prefix); NULL != *prefix; prefix++)
      entries[entry_count++] = (struct entry){ *prefix, &routes[i] };
  qsort (entries, entry_count, sizeof (entries[0]), compare_entries);
  return true;
}

void
router_free (void)
{
  free (entries);
  entries = NULL;
  entry_count = 0;
}

struct slice
router_strip_prefix (struct slice path, struct slice static_prefix)
{
  if (0 == static_prefix.len || path.len < static_prefix.len
      || 0 != memcmp (path.data, static_prefix.data, static_prefix.len))
    return path;
  if (path.len == static_prefix.len)
    return SLICE ("/");
  if ('/' != path.data[static_prefix.len])
    return path;
  return (struct slice){ path.data + static_prefix.len, path.len - static_prefix.len };
}

/* The first entry of a path. */
static size_t
lower_bound (struct slice path)
{
  size_t low = 0;
  size_t high = entry_count;

  while (low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (compare_path (path, &entries[middle]) > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void
add_method (struct router_match *match, const char *name)
{
  size_t length = strlen (match->allow);

  snprintf (match->allow + length, sizeof (match->allow) - length, "%s%s", 0 == length ? "" : ", ", name);
}

void
router_find (struct router_match *match, struct slice method, struct slice path, struct slice static_prefix,
             struct arena *arena)
{
  *match = (struct router_match){ .route = NULL };
  match->malformed = NULL != memchr (path.data, '%', path.len) && ! url_decode (&path, path, false, arena);
  if (match->malformed)
    return;
  path = router_strip_prefix (path, static_prefix);
  for (size_t i = lower_bound (path); i < entry_count && 0 == compare_path (path, &entries[i]); i++)
  {
    const struct route *route = entries[i].route;

    match->path_known = true;
    add_method (match, route_method_name (route->method));
    if (METHOD_GET == route->method)
      add_method (match, "HEAD");
    if (slice_is (method, route_method_name (route->method))
        || (METHOD_GET == route->method && slice_is (method, "HEAD")))
      match->route = route;
  }
  if (match->path_known)
    add_method (match, "OPTIONS");
}
