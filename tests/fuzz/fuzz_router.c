/* Routing against a search through the whole table: the same route, the same methods, for any path.
   The input is a byte that picks method and static prefix, then the path. */
#include "fuzz.h"

#include "base/url.h"
#include "http/router.h"

#include <string.h>

/* Decoding makes no text longer. */
#define ARENA_BYTES ((size_t)1024 * 1024)

/* Whether a path is that of a template, segment by segment; both without prefix. */
static bool
is_template_of (struct slice template, struct slice raw)
{
  struct slice name;
  struct slice segment;

  while (template.len > 0)
  {
    struct slice all = raw;

    REQUIRE (url_segment_next (&template, &name));
    if (! url_segment_next (&raw, &segment))
      return false;
    if (name.len > 4 && '{' == name.data[0] && 0 == memcmp (name.data + name.len - 4, "...}", 4))
      return all.len > 0 && '/' == all.data[0];
    if ('{' == name.data[0] ? 0 == segment.len : ! slice_equal (name, segment))
      return false;
  }
  return 0 == raw.len;
}

static bool
has_path (const struct route *route, struct slice path, struct slice raw)
{
  bool is_template = NULL != strchr (route->path, '{');

  for (const char *const *prefix = route_prefix_paths (route->prefix); NULL != *prefix; prefix++)
  {
    size_t length = strlen (*prefix);
    struct slice given = is_template ? raw : path;

    if (given.len < length || 0 != memcmp (given.data, *prefix, length))
      continue;
    given = (struct slice){ given.data + length, given.len - length };
    if (is_template ? is_template_of (slice_of (route->path), given) : slice_is (given, route->path))
      return true;
  }
  return false;
}

static struct slice
without_prefix (struct slice path, const char *prefix)
{
  size_t length = strlen (prefix);

  if (0 == length || path.len < length || 0 != memcmp (path.data, prefix, length))
    return path;
  if (path.len == length)
    return SLICE ("/");
  return '/' == path.data[length] ? (struct slice){ path.data + length, path.len - length } : path;
}

static void
check (struct slice method, struct slice path, const char *static_prefix, struct arena *arena)
{
  struct router_match match;
  const struct route *expected = NULL;
  struct slice raw = without_prefix (path, static_prefix);
  bool known = false;
  bool malformed;

  router_find (&match, method, path, slice_of (static_prefix), arena);
  malformed = ! url_decode (&path, path, false, arena) && NULL != memchr (path.data, '%', path.len);
  REQUIRE (match.malformed == malformed);
  if (malformed)
  {
    REQUIRE (NULL == match.route && ! match.path_known && '\0' == match.allow[0]);
    return;
  }
  path = without_prefix (path, static_prefix);
  for (size_t i = 0; i < routes_count; i++)
  {
    const char *name = route_method_name (routes[i].method);

    bool is_template = NULL != strchr (routes[i].path, '{');

    if (! has_path (&routes[i], path, raw))
      continue;
    known = true;
    REQUIRE (NULL != strstr (match.allow, name));
    /* One that is spelled out goes first, then the first template. */
    if ((slice_is (method, name) || (METHOD_GET == routes[i].method && slice_is (method, "HEAD")))
        && (NULL == expected || (! is_template && NULL != strchr (expected->path, '{'))))
      expected = &routes[i];
  }
  REQUIRE (match.path_known == known);
  REQUIRE (match.route == expected);
  REQUIRE ((NULL != strstr (match.allow, "OPTIONS")) == known);
  REQUIRE (strlen (match.allow) < sizeof (match.allow));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get" };
  static const char *const prefixes[] = { "", "/mlflow", "/a/b", "/api" };
  static bool ready;
  struct arena *arena;

  if (! ready)
    REQUIRE (router_init ());
  ready = true;
  if (0 == size)
    return 0;
  arena = arena_new (ARENA_BYTES);
  REQUIRE (NULL != arena);
  check (slice_of (methods[data[0] % 8]), (struct slice){ (const char *)data + 1, size - 1 }, prefixes[data[0] / 8 % 4],
         arena);
  arena_free (arena);
  return 0;
}
