/* The route table: what table/routes.def says, as data. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/gate.h"

enum route_method
{
  METHOD_GET,
  METHOD_POST,
  METHOD_PUT,
  METHOD_PATCH,
  METHOD_DELETE,
  METHOD_COUNT
};

enum route_prefix
{
  PREFIX_ROOT,
  PREFIX_API2,
  PREFIX_API3,
  PREFIX_ARTIFACTS,
  PREFIX_TALLY,
  PREFIX_COUNT
};

/* Body limit as a multiple of max-body-bytes; a STREAM is taken piece by piece, up to max-artifact-bytes. */
enum route_body
{
  BODY_NONE = 0,
  BODY_ONE = 1,
  BODY_FOUR = 4,
  BODY_STREAM = -1
};

/* Which threads run `handle`. */
enum route_lane
{
  LANE_WORK, /* workers: SQL, in milliseconds */
  LANE_BYTES, /* the artifact lane: also disk and network */
  LANE_LOGIN, /* the login lane: hashes passwords and asks the OpenID Connect provider */
  LANE_COUNT
};

struct route
{
  enum route_method method;
  enum route_prefix prefix;
  const char *path;
  enum route_permission permission;
  enum route_object object;
  enum route_body body;
  api_admit *admit;
  api_handle *handle;
  api_handle *take; /* consumes a piece of a STREAM; else NULL */
  enum route_lane lane;
  const char *doc;
};

extern const struct route routes[];
extern const size_t routes_count;

/* Texts of the enums, for pages and labels. */
const char *route_method_name (enum route_method method);
const char *route_permission_name (enum route_permission permission);
const char *route_object_name (enum route_object object);
const char *route_object_doc (enum route_object object);

/* The path prefixes that lead to `prefix`, NULL-terminated; the first is the one to show. */
const char *const *route_prefix_paths (enum route_prefix prefix);

/* The whole path, with the prefix to show, such as "/api/2.0/mlflow/runs/get". Borrowed; needs
   route_names_init. */
const char *route_name (const struct route *route);

/* Make the names; once, before other threads start. False when memory is out. */
bool route_names_init (void);

/* Position of a route in the table. */
size_t route_index (const struct route *route);

#endif
