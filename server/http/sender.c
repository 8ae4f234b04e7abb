/* What the headers of a request say of its sender, for the gate. */
#include "http/guard.h"
#include "http/peer.h"
#include "http/request.h"

#include <stdlib.h>

static struct slice
header (const struct request *request, const char *name)
{
  return slice_of (MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, name));
}

void
sender_note (struct request *request)
{
  struct gate_headers *headers = &request->credentials;
  const char *length =
      MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

  *headers = (struct gate_headers){
    .authorization = header (request, MHD_HTTP_HEADER_AUTHORIZATION),
    .cookie = header (request, MHD_HTTP_HEADER_COOKIE),
    .csrf_token = header (request, "X-Tally-CSRF-Token"),
    .workspace = header (request, "X-MLFLOW-WORKSPACE"),
    .is_local = guard_host_is_loopback (header (request, MHD_HTTP_HEADER_HOST)),
    .changes_state = request_changes_state (request),
    .is_page = NULL != MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, "Sec-Fetch-Mode"),
    .body_bytes = NULL == length ? -1 : (int64_t)strtoll (length, NULL, 10),
  };
  peer_read (headers, request);
  headers->is_own_origin =
      guard_is_own_origin (header (request, MHD_HTTP_HEADER_ORIGIN), header (request, MHD_HTTP_HEADER_HOST),
                           headers->is_secure, request->server->config->allowed_origins);
  request->call.credentials = headers;
}
