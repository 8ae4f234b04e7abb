/* What the headers of a request say of its sender, for the gate.

   DESIGN
   Most requests carry none of these headers, and the library keeps them in a list: so they are read in one walk over
   it, and a length that none of the names has needs no comparison. */
#include "http/guard.h"
#include "http/peer.h"
#include "http/request.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

/* X-MLFLOW-WORKSPACE in the query, for requests that change nothing. */
#define WORKSPACE_ARGUMENT "x-mlflow-workspace"

struct found
{
  struct gate_headers *headers;
  struct slice origin;
  struct slice host;
  struct slice fetch_mode;
  struct slice length;
  struct slice transfer; /* a body without a length follows */
};

struct wanted
{
  struct slice name;
  bool in_headers; /* the offset is one of struct gate_headers, else of struct found */
  size_t offset;
};

static const struct wanted wanted[] = {
  { { MHD_HTTP_HEADER_AUTHORIZATION, sizeof (MHD_HTTP_HEADER_AUTHORIZATION) - 1 },
    true,
    offsetof (struct gate_headers, authorization) },
  { { MHD_HTTP_HEADER_COOKIE, sizeof (MHD_HTTP_HEADER_COOKIE) - 1 }, true, offsetof (struct gate_headers, cookie) },
  { { "X-Tally-CSRF-Token", sizeof ("X-Tally-CSRF-Token") - 1 }, true, offsetof (struct gate_headers, csrf_token) },
  { { "X-Tally-Actor", sizeof ("X-Tally-Actor") - 1 }, true, offsetof (struct gate_headers, actor) },
  { { "X-Tally-Run-URL", sizeof ("X-Tally-Run-URL") - 1 }, true, offsetof (struct gate_headers, run_url) },
  { { MHD_HTTP_HEADER_USER_AGENT, sizeof (MHD_HTTP_HEADER_USER_AGENT) - 1 },
    true,
    offsetof (struct gate_headers, client) },
  { { "X-MLFLOW-WORKSPACE", sizeof ("X-MLFLOW-WORKSPACE") - 1 }, true, offsetof (struct gate_headers, workspace) },
  { { MHD_HTTP_HEADER_ORIGIN, sizeof (MHD_HTTP_HEADER_ORIGIN) - 1 }, false, offsetof (struct found, origin) },
  { { MHD_HTTP_HEADER_HOST, sizeof (MHD_HTTP_HEADER_HOST) - 1 }, false, offsetof (struct found, host) },
  { { "Sec-Fetch-Mode", sizeof ("Sec-Fetch-Mode") - 1 }, false, offsetof (struct found, fetch_mode) },
  { { MHD_HTTP_HEADER_CONTENT_LENGTH, sizeof (MHD_HTTP_HEADER_CONTENT_LENGTH) - 1 },
    false,
    offsetof (struct found, length) },
  { { MHD_HTTP_HEADER_TRANSFER_ENCODING, sizeof (MHD_HTTP_HEADER_TRANSFER_ENCODING) - 1 },
    false,
    offsetof (struct found, transfer) },
};

static enum MHD_Result
note (void *context, enum MHD_ValueKind kind, const char *name, size_t name_bytes, const char *value,
      size_t value_bytes)
{
  struct found *found = context;

  (void)kind;
  for (size_t i = 0; i < sizeof (wanted) / sizeof (wanted[0]); i++)
  {
    struct slice text = { NULL == value ? "" : value, NULL == value ? 0 : value_bytes };
    char *base = wanted[i].in_headers ? (char *)found->headers : (char *)found;
    struct slice *place;

    if (wanted[i].name.len != name_bytes || 0 != strncasecmp (wanted[i].name.data, name, name_bytes))
      continue;
    place = (struct slice *)(void *)(base + wanted[i].offset);
    /* Who sends a header twice would be one caller to a proxy, and another one here. */
    if (NULL != place->data && ! slice_equal (*place, text))
      found->headers->differs = true;
    *place = text;
    break;
  }
  return MHD_YES;
}

void
sender_note (struct request *request)
{
  struct gate_headers *headers = &request->credentials;
  struct found found = { .headers = headers };

  *headers = (struct gate_headers){ .changes_state = request_changes_state (request), .is_own_origin = true };
  (void)MHD_get_connection_values_n (request->connection, MHD_HEADER_KIND, note, &found);
  headers->is_local = guard_host_is_loopback (found.host);
  headers->is_page = NULL != found.fetch_mode.data;
  /* Links and pictures of a page carry no headers of its own. */
  if (NULL == headers->workspace.data && request->server->config->workspaces && ! headers->changes_state)
    headers->workspace =
        slice_of (MHD_lookup_connection_value (request->connection, MHD_GET_ARGUMENT_KIND, WORKSPACE_ARGUMENT));
  if (NULL != found.transfer.data)
    headers->body_bytes = -1;
  else if (NULL != found.length.data)
    headers->body_bytes = (int64_t)strtoll (found.length.data, NULL, 10);
  peer_read (headers, request);
  if (found.origin.len > 0)
    headers->is_own_origin =
        guard_is_own_origin (found.origin, found.host, headers->is_secure, request->server->config->allowed_origins);
  request->call.credentials = headers;
}
