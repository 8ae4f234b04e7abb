/* Host and Origin checks: a page of another site must not reach this server through a browser. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "base/err.h"
#include "base/slice.h"

/* Check the Host header: loopback and private addresses pass, and the names in `allowed` (the setting allowed-hosts).
   Errors: PERMISSION_DENIED. */
enum err_code guard_check_host (struct slice host, const char *allowed, struct err *err);

/* Check the Origin header of a request that changes state; the absent and the empty one pass, as do loopback origins,
   the server's own (same host and port as `host`) and those in `allowed` (the setting allowed-origins). Errors:
   PERMISSION_DENIED. */
enum err_code guard_check_origin (struct slice origin, struct slice host, const char *allowed, struct err *err);

/* Whether an Origin is absent, exactly this server's (same host and port as `host`, and https when the request is known
   to have come that way), or spelled out in `allowed`: loopback and * are not enough for requests that come with a
   browser's login. */
bool guard_is_own_origin (struct slice origin, struct slice host, bool is_secure, const char *allowed);

/* True when an address to listen on is loopback. */
bool guard_is_loopback (struct slice host);

/* The same of a Host header. */
bool guard_host_is_loopback (struct slice host);

#endif
