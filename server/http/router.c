/* From the path of a request to its route: binary search over the full paths, then the paths with {name} in turn. */
#include "http/router.h"

#include "base/url.h"

#include <stdio.h>
#include <stdlib.h>

struct entry
{
  const char *prefix;
  const struct route *route;
};

static struct entry *entries; /* first those without {name}, sorted */
static size_t entry_count; /* of those */
static size_t template_count; /* of those behind them */

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

static bool
is_template (const struct route *route)
{
  return NULL != strchr (route->path, '{');
}

/* Append the routes that are templates, or those that are not; gives how many entries they make. */
static size_t
add_entries (size_t first, bool templates)
{
  size_t count = 0;

  for (size_t i = 0; i < routes_count; i++)
    for (const char *const *prefix = route_prefix_paths (routes[i].prefix);
         NULL != *prefix && templates == is_template (&routes[i]); prefix++)
      entries[first + count++] = (struct entry){ *prefix, &routes[i] };
  return count;
}

bool
router_init (void)
{
  /* At most two spellings of a prefix. */
  entries = calloc (routes_count * 2, sizeof (entries[0]));
  if (NULL == entries)
    return false;
  entry_count = add_entries (0, false);
  template_count = add_entries (entry_count, true);
  qsort (entries, entry_count, sizeof (entries[0]), compare_entries);
  return true;
}

void
router_free (void)
{
  free (entries);
  entries = NULL;
  entry_count = 0;
  template_count = 0;
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
add_method (struct router_match *match, enum route_method method)
{
  const char *name = route_method_name (method);
  size_t length = strlen (match->allow);

  /* Two templates may fit one path. */
  if (NULL == strstr (match->allow, name))
    snprintf (match->allow + length, sizeof (match->allow) - length, "%s%s%s", 0 == length ? "" : ", ", name,
              METHOD_GET == method ? ", HEAD" : "");
}

/* An entry has the path of the request: note its method, and tell whether it is the one asked for. */
static bool
note_entry (struct router_match *match, const struct route *route, struct slice method)
{
  match->path_known = true;
  add_method (match, route->method);
  return slice_is (method, route_method_name (route->method))
         || (METHOD_GET == route->method && slice_is (method, "HEAD"));
}

/* Take `text` off the beginning of a raw path. */
static bool
take_text (struct slice *path, const char *text, size_t length)
{
  if (path->len < length || 0 != memcmp (path->data, text, length))
    return false;
  *path = (struct slice){ path->data + length, path->len - length };
  return true;
}

/* Walk a template and a raw path together. Segments are separated before they are decoded, so that an encoded slash is
   part of a name; {name} stands for a segment that is not empty, {name...} for all that is left. */
static bool
template_fits (struct slice *values, const struct entry *entry, struct slice path, struct arena *arena)
{
  const char *template = entry->route->path;
  size_t count = 0;

  if (! take_text (&path, entry->prefix, strlen (entry->prefix)))
    return false;
  while ('\0' != *template)
  {
    size_t length = strcspn (template, "{");
    struct slice raw = path;
    bool is_rest;

    if (! take_text (&path, template, length))
      return false;
    template += length;
    if ('\0' == *template)
      break;
    length = strcspn (template, "}");
    is_rest = '.' == template[length - 1];
    raw = path;
    if (! is_rest)
    {
      const char *slash = memchr (path.data, '/', path.len);

      raw.len = NULL == slash ? path.len : (size_t)(slash - path.data);
      if (0 == raw.len)
        return false;
    }
    path = (struct slice){ raw.data + raw.len, path.len - raw.len };
    if (count >= CALL_PATH_VALUES_MAX || ! url_decode (&values[count++], raw, false, arena))
      return false;
    template += length + 1;
  }
  return 0 == path.len;
}

void
router_find (struct router_match *match, struct slice method, struct slice path, struct slice static_prefix,
             struct arena *arena)
{
  struct slice raw = router_strip_prefix (path, static_prefix);

  *match = (struct router_match){ .route = NULL };
  match->malformed = NULL != memchr (path.data, '%', path.len) && ! url_decode (&path, path, false, arena);
  if (match->malformed)
    return;
  path = router_strip_prefix (path, static_prefix);
  for (size_t i = lower_bound (path); i < entry_count && 0 == compare_path (path, &entries[i]); i++)
    if (note_entry (match, entries[i].route, method))
      match->route = entries[i].route;
  for (size_t i = entry_count; i < entry_count + template_count; i++)
  {
    struct slice values[CALL_PATH_VALUES_MAX] = { { NULL, 0 } };

    if (! template_fits (values, &entries[i], raw, arena) || ! note_entry (match, entries[i].route, method)
        || NULL != match->route)
      continue;
    match->route = entries[i].route;
    memcpy (match->values, values, sizeof (values));
  }
  if (match->path_known)
  {
    size_t length = strlen (match->allow);

    snprintf (match->allow + length, sizeof (match->allow) - length, ", OPTIONS");
  }
}
