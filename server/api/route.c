/* The route table, expanded. */
#include "api/route.h"

#include "api/access.h"
#include "api/account.h"
#include "api/account_group.h"
#include "api/api_token.h"
#include "api/approval.h"
#include "api/artifact.h"
#include "api/artifact_signed.h"
#include "api/audit.h"
#include "api/blob_users.h"
#include "api/check_result.h"
#include "api/dataset.h"
#include "api/download.h"
#include "api/dvc.h"
#include "api/experiment.h"
#include "api/grant.h"
#include "api/ledger.h"
#include "api/lineage.h"
#include "api/logged_model.h"
#include "api/login_oidc.h"
#include "api/manifest.h"
#include "api/metric.h"
#include "api/mlflow_user.h"
#include "api/model_version.h"
#include "api/permission.h"
#include "api/promote.h"
#include "api/promotion_gate.h"
#include "api/registered_model.h"
#include "api/registered_version.h"
#include "api/run.h"
#include "api/session.h"
#include "api/system.h"
#include "api/workspace.h"

#include <stdio.h>
#include <stdlib.h>

/* Longest full path of a route, with room. */
#define ROUTE_NAME_BYTES 96

/* An object is named unless the permission needs none, and only then. */
#define CHECKED_OBJECT(permission, object)                                                                             \
  OBJECT_##object                                                                                                      \
      + 0                                                                                                              \
            * sizeof (char[(OBJECT_NONE == OBJECT_##object)                                                            \
                                   == (PERMISSION_##permission <= PERMISSION_SELF                                      \
                                       || PERMISSION_##permission == PERMISSION_ADMIN)                                 \
                               ? 1                                                                                     \
                               : -1])
#define ENTRY(method, prefix, path, permission, object, body, admit, handle, take, lane, doc)                          \
  { METHOD_##method,                                                                                                   \
    PREFIX_##prefix,                                                                                                   \
    path,                                                                                                              \
    PERMISSION_##permission,                                                                                           \
    CHECKED_OBJECT (permission, object),                                                                               \
    BODY_##body,                                                                                                       \
    admit,                                                                                                             \
    handle,                                                                                                            \
    take,                                                                                                              \
    lane,                                                                                                              \
    doc },
#define ROUTE(method, prefix, path, permission, object, body, admit, handle, doc)                                      \
  ENTRY (method, prefix, path, permission, object, body, admit, handle, NULL, LANE_WORK, doc)
#define BYTES_ROUTE(method, prefix, path, permission, object, body, take, handle, doc)                                 \
  ENTRY (method, prefix, path, permission, object, body, NULL, handle, take, LANE_BYTES, doc)
#define LOGIN_ROUTE(method, prefix, path, permission, object, body, handle, doc)                                       \
  ENTRY (method, prefix, path, permission, object, body, NULL, handle, NULL, LANE_LOGIN, doc)
const struct route routes[] = {
#include "table/routes.def"
};
#undef ROUTE
#undef BYTES_ROUTE
#undef LOGIN_ROUTE

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
  static const char *const names[PERMISSION_COUNT] = { "public", "guest",   "self",  "read",   "use",      "edit",
                                                       "manage", "promote", "force", "delete", "webhooks", "admin" };

  return names[permission];
}

/* How objects are called, for programs and for people. */
static const struct
{
  const char *name;
  const char *doc;
} objects[OBJECT_COUNT] = {
  [OBJECT_NONE] = { "none", "" },
  [OBJECT_WORKSPACE] = { "workspace", "workspace" },
  [OBJECT_NEW_EXPERIMENT] = { "new-experiment", "workspace, to make experiments" },
  [OBJECT_EXPERIMENT] = { "experiment", "`experiment_id`" },
  [OBJECT_EXPERIMENT_NAME] = { "experiment-name", "`experiment_name`" },
  [OBJECT_RUN] = { "run", "`run_id`" },
  [OBJECT_QUERY_RUN] = { "query-run", "`run_uuid` of the query" },
  [OBJECT_RUNS] = { "runs", "each run" },
  [OBJECT_RUN_OR_MODEL] = { "run-or-model", "`run_id` or `model_id`" },
  [OBJECT_PATH_RUN] = { "path-run", "run of the path" },
  [OBJECT_PATH_MODEL] = { "path-model", "model of the path" },
  [OBJECT_PATH_WORKSPACE] = { "path-workspace", "workspace of the path" },
  [OBJECT_ARTIFACT] = { "artifact", "owner of the path" },
  [OBJECT_DIRECTORY] = { "directory", "owner of `path`" },
  [OBJECT_BROWSE] = { "browse", "`run_id`, `model_id` or owner of `path`" },
  [OBJECT_UPLOAD_PATH] = { "upload-path", "owner of the directory" },
  [OBJECT_UPLOAD] = { "upload", "owner of the upload's path" },
  [OBJECT_PATH_UPLOAD] = { "path-upload", "owner of the upload's path" },
  [OBJECT_DOWNLOAD] = { "download", "owner of the path" },
  [OBJECT_REGISTERED_MODEL] = { "registered-model", "`name`" },
  [OBJECT_NEW_REGISTERED_MODEL] = { "new-registered-model", "workspace, to register models" },
  [OBJECT_PATH_REGISTERED_MODEL] = { "path-registered-model", "registered model of the path" },
  [OBJECT_GRANTED] = { "granted", "what the grant is about" },
  [OBJECT_VISIBLE] = { "visible", "all that is shown" },
};

const char *
route_object_name (enum route_object object)
{
  return objects[object].name;
}

const char *
route_object_doc (enum route_object object)
{
  return objects[object].doc;
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
