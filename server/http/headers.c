/* Headers for browsers. */
#include "http/headers.h"

#include <strings.h>

/* Scripts, styles and data from this server only; nothing inline, no plug-ins, no foreign frames. */
#define PAGE_POLICY                                                                                                    \
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri "        \
  "'none'; "                                                                                                           \
  "form-action 'self'; frame-ancestors 'self'"

/* Somebody who opens an answer of the API as a page gets a page that may do nothing. */
#define DATA_POLICY "default-src 'none'; frame-ancestors 'none'"

/* What the dashboard never asks a browser for. */
#define PAGE_PERMISSIONS                                                                                               \
  "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "    \
  "midi=(), payment=(), usb=()"

/* A year, as is common; without includeSubDomains, because other names are not ours. */
#define STRICT_TRANSPORT "max-age=31536000"

/* What clients of the API send beside the headers that browsers allow anyway. */
#define SENT_HEADERS                                                                                                   \
  "Authorization, Content-Digest, Content-Type, If-Match, If-None-Match, If-Range, Range, Repr-Digest, "               \
  "X-MLFLOW-WORKSPACE, X-Requested-With, X-Tally-Actor, X-Tally-CSRF-Token, X-Tally-Run-URL"

/* What answers say in headers that browsers keep from scripts otherwise. */
#define SHOWN_HEADERS                                                                                                  \
  "Accept-Ranges, Allow, Content-Digest, Content-Disposition, Content-Range, ETag, Location, Repr-Digest, "            \
  "Retry-After, Tally-Key-Id, WWW-Authenticate"

/* Seconds for which a browser need not ask again whether it may send; some keep it for no longer anyway. */
#define PREFLIGHT_S "600"

static void
add (struct MHD_Response *response, const char *name, const char *value)
{
  /* Fails only without memory; the answer is still right without the header. */
  (void)MHD_add_response_header (response, name, value);
}

void
headers_add (struct MHD_Response *response, const struct http_server *server, enum headers_kind kind, bool has_policy)
{
  add (response, "X-Content-Type-Options", "nosniff");
  add (response, "X-Frame-Options", "SAMEORIGIN");
  add (response, "Referrer-Policy", "no-referrer");
  add (response, "Cross-Origin-Resource-Policy", "same-origin");
  if (! has_policy)
    add (response, "Content-Security-Policy", HEADERS_PAGE == kind ? PAGE_POLICY : DATA_POLICY);
  if (HEADERS_PAGE == kind)
  {
    add (response, "Cross-Origin-Opener-Policy", "same-origin");
    add (response, "Permissions-Policy", PAGE_PERMISSIONS);
  }
  if (NULL != server->tls)
    add (response, "Strict-Transport-Security", STRICT_TRANSPORT);
  if (server->shares)
    add (response, "Vary", "Origin");
}

/* The next item of a comma-separated list, without spaces; `*list` moves behind it. */
static struct slice
next_item (const char **list)
{
  size_t length = strcspn (*list, ",");
  struct slice item = { *list, length };

  *list += length;
  *list += ',' == **list;
  while (item.len > 0 && ' ' == item.data[0])
    item = (struct slice){ item.data + 1, item.len - 1 };
  while (item.len > 0 && ' ' == item.data[item.len - 1])
    item.len--;
  return item;
}

/* "scheme://host", and not "*", "*.host" or "null", which many pages are. */
static bool
is_exact (struct slice item)
{
  return NULL != memmem (item.data, item.len, "://", 3) && NULL == memchr (item.data, '*', item.len);
}

bool
headers_share (const char *allowed)
{
  while ('\0' != *allowed)
    if (is_exact (next_item (&allowed)))
      return true;
  return false;
}

bool
headers_share_with (struct slice origin, const char *allowed)
{
  while (origin.len > 0 && '\0' != *allowed)
  {
    struct slice item = next_item (&allowed);

    if (is_exact (item) && item.len == origin.len && 0 == strncasecmp (item.data, origin.data, item.len))
      return true;
  }
  return false;
}

/* The origin that may read the answer; NULL: none. */
static const char *
reader (const struct request *request)
{
  const char *origin;

  if (! request->server->shares)
    return NULL;
  origin = request_header (request, MHD_HTTP_HEADER_ORIGIN);
  return headers_share_with (slice_of (origin), request->server->config->allowed_origins) ? origin : NULL;
}

bool
headers_depend_on_origin (const struct request *request)
{
  return NULL != reader (request);
}

void
headers_add_origin (struct MHD_Response *response, const struct request *request)
{
  const char *origin = reader (request);

  if (NULL == origin)
    return;
  add (response, "Access-Control-Allow-Origin", origin);
  add (response, "Access-Control-Allow-Credentials", "true");
  add (response, "Access-Control-Expose-Headers", SHOWN_HEADERS);
  if (! request->is_options || '\0' == *request_header (request, "Access-Control-Request-Method"))
    return;
  add (response, "Access-Control-Allow-Methods", request->allow);
  add (response, "Access-Control-Allow-Headers", SENT_HEADERS);
  add (response, "Access-Control-Max-Age", PREFLIGHT_S);
}
