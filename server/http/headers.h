/* Headers for browsers: what a page may do, and which pages of other sites may read an answer (CORS); private to the
   room http.

   DESIGN
   Without the setting allowed-origins no page of another origin can read anything: no answer has a header of CORS. An
   origin that is named there exactly may read answers, with cookies and credentials too. `*` and `*.name` only stop the
   check of Origin (http/guard.h); they never let anybody read, because a page of any site could then use the cookie of
   whoever looks at it. */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "http/request.h"

enum headers_kind
{
  HEADERS_DATA, /* an answer of the API, or an error: nothing in it is ever run or framed */
  HEADERS_PAGE /* a file of the dashboard */
};

/* Add to a response what does not depend on its request. With `has_policy` it has a Content-Security-Policy already. */
void headers_add (struct MHD_Response *response, const struct http_server *server, enum headers_kind kind,
                  bool has_policy);

/* Whether allowed-origins names any origin exactly, and whether it names this one so. */
bool headers_share (const char *allowed);
bool headers_share_with (struct slice origin, const char *allowed);

/* Whether the answer to a request differs by its Origin header. */
bool headers_depend_on_origin (const struct request *request);

/* Add what the origin of the request may read; with a preflight also what it may send to the path. */
void headers_add_origin (struct MHD_Response *response, const struct request *request);

#endif
