/* From the path of a request to its route. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "api/route.h"

/* Longest Allow header: every method and HEAD and OPTIONS. */
#define ROUTER_ALLOW_BYTES 64

struct router_match
{
  const struct route *route; /* NULL when the method does not fit */
  bool malformed; /* the path cannot be decoded */
  bool path_known; /* whether any route has the path */
  struct slice values[CALL_PATH_VALUES_MAX]; /* what {name} in the path of `route` stood for, decoded, in the arena */
  char allow[ROUTER_ALLOW_BYTES]; /* methods of the path, as in an Allow header; "" when it is not known */
};

/* Sort the table for look-ups; once, before other threads start. False when memory is out. */
bool router_init (void);
void router_free (void);

/* Find the route of a method and a raw path (as in the request line, without query). `static_prefix` (such as
   "/mlflow", or "") is taken off when the path begins with it. HEAD counts as GET. Paths with percent signs are decoded
   first, in the arena. A path that is spelled out in the table goes before one with {name}. Thread-safe. */
void router_find (struct router_match *match, struct slice method, struct slice path, struct slice static_prefix,
                  struct arena *arena);

/* The path without the prefix; as it is when it does not begin with it. "/prefix" alone gives "/". */
struct slice router_strip_prefix (struct slice path, struct slice static_prefix);

#endif
