/* The route table, expanded. */
#include "api/route.h"

#include "api/artifact.h"
#include "api/artifact_signed.h"
#include "api/blob_users.h"
#include "api/dataset.h"
#include "api/download.h"
#include "api/dvc.h"
#include "api/experiment.h"
#include "api/logged_model.h"
#include "api/manifest.h"
#include "api/metric.h"
#include "api/run.h"
#include "api/system.h"

#include <stdio.h>
#include <stdlib.h>

/* Longest full path of a route, with room. */
#define ROUTE_NAME_BYTES 96

#define ROUTE(method, prefix, path, permission, body, admit, handle, doc)                                              \
  { METHOD_##method, PREFIX_##prefix, path, PERMISSION_##permission, BODY_##body, admit, handle, NULL, LANE_WORK, doc },
#define BYTES_ROUTE(method, prefix, path, permission, body, take, handle, doc)                                         \
  { METHOD_##method, PREFIX_##prefix, path, PERMISSION_##permission, BODY_##body, NULL, handle, take, LANE_BYTES, doc },
const struct route routes[] = {
#include "table/routes.def"
};
#undef ROUTE
#undef BYTES_ROUTE

const size_t routes_count = sizeof (routes) / sizeof (routes[0]);

const char *
route_method_name (enum route_method method)
{
  static const char *const names[METHOD_COUNT] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

  return names[method];
}

const char *
route_permission_name (enum route_permission permission)
{
  static const char *const names[] = { "public", "read", "edit", "manage" };

  return names[permission];
}

const char *const *
route_prefix_paths (enum route_prefix prefix)
{
  static const char *const root[] = { "", NULL };
  static const char *const api2[] = { "/api/2.0/mlflow", "/ajax-api/2.0/mlflow", NULL };
  static const char *const api3[] = { "/api/3.0/mlflow", "/ajax-api/3.0/mlflow", NULL };
  static const char *const artifacts[] = { "/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts", NULL };
  static const char *const tally[] = { "/api/tally/v1", NULL };
  static const char *const *const paths[PREFIX_COUNT] = { root, api2, api3, artifacts, tally };

  return paths[prefix];
}

static char (*names)[ROUTE_NAME_BYTES];

bool
route_names_init (void)
{
  names = calloc (routes_count, sizeof (names[0]));
  for (size_t i = 0; i < routes_count && NULL != names; i++)
    snprintf (names[i], sizeof (names[i]), "%s%s", route_prefix_paths (routes[i].prefix)[0], routes[i].path);
  return NULL != names;
}

const char *
route_name (const struct route *route)
{
  return names[route_index (route)];
}

size_t
route_index (const struct route *route)
{
  return (size_t)(route - routes);
}
