/* Tests of the way from a path to its route: every route under each of its prefixes, and paths that are nearly one. */
#include "http/router.h"

#include <check.h>
#include <stdio.h>

/* Far above what decoding a path needs. */
#define ARENA_BYTES ((size_t)1024 * 1024)

static struct arena *arena;

static void
set_up (void)
{
  arena = arena_new (ARENA_BYTES);
  ck_assert_ptr_nonnull (arena);
  ck_assert (router_init ());
}

static void
tear_down (void)
{
  router_free ();
  arena_free (arena);
}

static struct router_match
find (const char *method, const char *path, const char *static_prefix)
{
  struct router_match match;

  router_find (&match, slice_of (method), slice_of (path), slice_of (static_prefix), arena);
  return match;
}

/* Whether a path of the table goes where `path`, another one, goes too: equal, or with a {name} for a segment of it. */
static bool
covers (const char *wide, const char *path)
{
  while ('\0' != *wide && '\0' != *path)
  {
    size_t wide_length = strcspn (wide + 1, "/") + 1;
    size_t length = strcspn (path + 1, "/") + 1;

    if (0 == strncmp (wide, "/{", 2) && '.' == wide[wide_length - 2])
      return true;
    if (0 != strncmp (wide, "/{", 2) && (wide_length != length || 0 != strncmp (wide, path, length)))
      return false;
    wide += wide_length;
    path += length;
  }
  return '\0' == *wide && '\0' == *path;
}

/* Methods of a path as the table has them; `exact` leaves out those that only another route of it has. */
static bool
table_has (enum route_method method, enum route_prefix prefix, const char *path, bool exact)
{
  for (size_t i = 0; i < routes_count; i++)
    if (routes[i].method == method && routes[i].prefix == prefix
        && (exact ? 0 == strcmp (routes[i].path, path) : covers (routes[i].path, path)))
      return true;
  return false;
}

/* A path of a route: "v1", "v2" for its first, second {name}, "v3/more" for {name...}. */
static void
path_of (char *path, size_t size, const struct route *route, const char *prefix, const char *static_prefix)
{
  size_t length = (size_t)snprintf (path, size, "%s%s", static_prefix, prefix);
  unsigned values = 0;

  for (const char *at = route->path; '\0' != *at; at++)
  {
    const char *end = strchr (at, '}');

    if ('{' != *at)
    {
      path[length++] = *at;
      continue;
    }
    length += (size_t)snprintf (path + length, size - length, "v%u%s", ++values, '.' == end[-1] ? "/more" : "");
    at = end;
  }
  path[length] = '\0';
}

static void
check_route (const struct route *route, const char *prefix, const char *static_prefix)
{
  char path[256];
  struct router_match match;

  path_of (path, sizeof (path), route, prefix, static_prefix);
  match = find (route_method_name (route->method), path, static_prefix);
  ck_assert_msg (match.route == route, "%s", path);
  for (size_t i = 0; i < CALL_PATH_VALUES_MAX && NULL != match.values[i].data; i++)
    ck_assert_msg ('v' == match.values[i].data[0] && (char)('1' + i) == match.values[i].data[1], "%s", path);
  ck_assert (match.path_known && ! match.malformed);
  for (enum route_method method = 0; method < METHOD_COUNT; method++)
  {
    const char *name = route_method_name (method);
    bool own = table_has (method, route->prefix, route->path, true);
    bool known = table_has (method, route->prefix, route->path, false);

    match = find (name, path, static_prefix);
    ck_assert_msg (match.path_known, "%s", path);
    ck_assert_msg ((NULL != match.route) == known, "%s %s", name, path);
    ck_assert_msg ((NULL != strstr (match.allow, name)) == known, "%s: %s", path, match.allow);
    if (own)
      ck_assert (match.route->method == method && 0 == strcmp (match.route->path, route->path));
  }
  match = find ("HEAD", path, static_prefix);
  ck_assert_msg ((NULL != match.route) == table_has (METHOD_GET, route->prefix, route->path, false), "HEAD %s", path);
  ck_assert_msg ((NULL != strstr (match.allow, "HEAD")) == (NULL != match.route), "%s", match.allow);
  ck_assert_ptr_nonnull (strstr (match.allow, "OPTIONS"));
}

START_TEST (finds_every_route_under_each_prefix)
{
  static const char *const static_prefixes[] = { "", "/mlflow", "/a/b" };

  ck_assert_uint_gt (routes_count, 30);
  for (size_t i = 0; i < routes_count; i++)
  {
    ck_assert_uint_eq (route_index (&routes[i]), i);
    ck_assert (NULL != routes[i].admit || NULL != routes[i].handle);
    ck_assert_int_eq (routes[i].path[0], '/');
    for (const char *const *prefix = route_prefix_paths (routes[i].prefix); NULL != *prefix; prefix++)
      for (size_t k = 0; k < 3; k++)
        check_route (&routes[i], *prefix, static_prefixes[k]);
  }
}
END_TEST

START_TEST (has_each_route_once)
{
  for (size_t i = 0; i < routes_count; i++)
    for (size_t k = 0; k < i; k++)
      ck_assert_msg (routes[i].method != routes[k].method || routes[i].prefix != routes[k].prefix
                         || 0 != strcmp (routes[i].path, routes[k].path),
                     "%s", routes[i].path);
}
END_TEST

static const struct
{
  const char *method;
  const char *path;
  const char *static_prefix;
  const char *route; /* its path; NULL for none */
  const char *allow;
} cases[] = {
  { "GET", "/health", "", "/health", "GET, HEAD, OPTIONS" },
  { "HEAD", "/health", "", "/health", "GET, HEAD, OPTIONS" },
  { "POST", "/health", "", NULL, "GET, HEAD, OPTIONS" },
  { "OPTIONS", "/health", "", NULL, "GET, HEAD, OPTIONS" },
  { "get", "/health", "", NULL, "GET, HEAD, OPTIONS" },
  { "", "/health", "", NULL, "GET, HEAD, OPTIONS" },
  { "GETX", "/health", "", NULL, "GET, HEAD, OPTIONS" },
  { "BREW", "/health", "", NULL, "GET, HEAD, OPTIONS" },
  { "POST", "/api/2.0/mlflow/runs/create", "", "/runs/create", "POST, OPTIONS" },
  { "POST", "/ajax-api/2.0/mlflow/runs/create", "", "/runs/create", "POST, OPTIONS" },
  { "HEAD", "/api/2.0/mlflow/runs/create", "", NULL, "POST, OPTIONS" },
  { "GET", "/api/2.0/mlflow/experiments/search", "", "/experiments/search", "GET, HEAD, POST, OPTIONS" },
  { "POST", "/api/2.0/mlflow/experiments/search", "", "/experiments/search", "GET, HEAD, POST, OPTIONS" },
  { "DELETE", "/api/2.0/mlflow/experiments/search", "", NULL, "GET, HEAD, POST, OPTIONS" },
  { "GET", "/api/3.0/mlflow/server-info", "", "/server-info", "GET, HEAD, OPTIONS" },
  { "GET", "/ajax-api/3.0/mlflow/server-info", "", "/server-info", "GET, HEAD, OPTIONS" },
  /* Another version, another place. */
  { "GET", "/api/2.0/mlflow/server-info", "", NULL, "" },
  { "POST", "/api/3.0/mlflow/runs/create", "", NULL, "" },
  { "GET", "/api/2.0/mlflow/health", "", NULL, "" },
  { "POST", "/runs/create", "", NULL, "" },
  { "POST", "/api/2.0/mlflow", "", NULL, "" },
  { "POST", "/api/2.0/preview/mlflow/runs/create", "", NULL, "" },
  /* Nearly. */
  { "GET", "", "", NULL, "" },
  { "GET", "/", "", NULL, "" },
  { "GET", "/healt", "", NULL, "" },
  { "GET", "/healthx", "", NULL, "" },
  { "GET", "/health/", "", NULL, "" },
  { "GET", "//health", "", NULL, "" },
  { "GET", "/./health", "", NULL, "" },
  { "GET", "/x/../health", "", NULL, "" },
  { "GET", "/HEALTH", "", NULL, "" },
  { "GET", "health", "", NULL, "" },
  { "GET", "/health;x=1", "", NULL, "" },
  { "POST", "/api/2.0/mlflow//runs/create", "", NULL, "" },
  { "POST", "/api/2.0/mlflow/runs/create/", "", NULL, "" },
  { "POST", "/api//2.0/mlflow/runs/create", "", NULL, "" },
  { "POST", "/api/2.0/mlflow/runs", "", NULL, "" },
  /* Percent signs are taken off before. */
  { "GET", "/%68ealth", "", "/health", "GET, HEAD, OPTIONS" },
  { "GET", "/%68%65%61%6C%74%68", "", "/health", "GET, HEAD, OPTIONS" },
  { "GET", "%2Fhealth", "", "/health", "GET, HEAD, OPTIONS" },
  { "POST", "/api/2.0/mlflow/runs%2Fcreate", "", "/runs/create", "POST, OPTIONS" },
  { "GET", "/%2568ealth", "", NULL, "" },
  { "GET", "/he+alth", "", NULL, "" },
  { "GET", "/health%20", "", NULL, "" },
  { "GET", "/health%C3%A9", "", NULL, "" },
  /* The prefix of a proxy. */
  { "GET", "/mlflow/health", "/mlflow", "/health", "GET, HEAD, OPTIONS" },
  { "GET", "/health", "/mlflow", "/health", "GET, HEAD, OPTIONS" },
  { "POST", "/mlflow/api/2.0/mlflow/runs/create", "/mlflow", "/runs/create", "POST, OPTIONS" },
  { "GET", "/mlflowhealth", "/mlflow", NULL, "" },
  { "GET", "/mlflow", "/mlflow", NULL, "" },
  { "GET", "/mlflow//health", "/mlflow", NULL, "" },
  { "GET", "/mlflow/mlflow/health", "/mlflow", NULL, "" },
  { "GET", "/%6dlflow/health", "/mlflow", "/health", "GET, HEAD, OPTIONS" },
  { "GET", "/mlflow/health", "", NULL, "" },
};

START_TEST (matches_whole_paths_only)
{
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct router_match match = find (cases[i].method, cases[i].path, cases[i].static_prefix);

    ck_assert_msg ((NULL != match.route) == (NULL != cases[i].route), "%s %s", cases[i].method, cases[i].path);
    if (NULL != match.route)
      ck_assert_str_eq (match.route->path, cases[i].route);
    ck_assert_msg (0 == strcmp (match.allow, cases[i].allow), "%s: '%s'", cases[i].path, match.allow);
    ck_assert_msg (match.path_known == ('\0' != cases[i].allow[0]), "%s", cases[i].path);
    ck_assert_msg (! match.malformed, "%s", cases[i].path);
  }
}
END_TEST

START_TEST (refuses_malformed_percent_signs)
{
  static const char *const paths[] = { "/%", "/health%", "/%6", "/%6g", "/%zzhealth", "/health%00", "/%FF", "/%C3" };

  for (size_t i = 0; i < sizeof (paths) / sizeof (paths[0]); i++)
  {
    struct router_match match = find ("GET", paths[i], "");

    ck_assert_msg (match.malformed && NULL == match.route && ! match.path_known, "%s", paths[i]);
    ck_assert_str_eq (match.allow, "");
  }
}
END_TEST

START_TEST (takes_prefixes_off)
{
  static const struct
  {
    const char *path;
    const char *prefix;
    const char *rest;
  } strips[] = {
    { "/a", "", "/a" },
    { "", "", "" },
    { "/mlflow", "/mlflow", "/" },
    { "/mlflow/", "/mlflow", "/" },
    { "/mlflow/x", "/mlflow", "/x" },
    { "/mlflowx", "/mlflow", "/mlflowx" },
    { "/x", "/mlflow", "/x" },
    { "/mlf", "/mlflow", "/mlf" },
    { "", "/mlflow", "" },
    { "/MLFLOW/x", "/mlflow", "/MLFLOW/x" },
    { "/a/b/c", "/a/b", "/c" },
  };

  for (size_t i = 0; i < sizeof (strips) / sizeof (strips[0]); i++)
  {
    struct slice rest = router_strip_prefix (slice_of (strips[i].path), slice_of (strips[i].prefix));

    ck_assert_msg (slice_is (rest, strips[i].rest), "%s without %s", strips[i].path, strips[i].prefix);
  }
}
END_TEST

Suite *router_suite (void);

Suite *
router_suite (void)
{
  Suite *suite = suite_create ("router");
  TCase *routing = tcase_create ("routing");

  tcase_add_checked_fixture (routing, set_up, tear_down);
  tcase_add_test (routing, finds_every_route_under_each_prefix);
  tcase_add_test (routing, has_each_route_once);
  tcase_add_test (routing, matches_whole_paths_only);
  tcase_add_test (routing, refuses_malformed_percent_signs);
  tcase_add_test (routing, takes_prefixes_off);
  suite_add_tcase (suite, routing);
  return suite;
}
