/* Bodies of requests: how large they may be, where they wait, and bodies that are taken in pieces while they arrive.

   DESIGN
   Sizes are judged before bytes are read; a body that turns out too large while it arrives is read to its end without
   being kept, because only then can the library answer. A STREAM is kept up to BODY_PIECE_BYTES; a full piece goes to a
   thread of the artifact lane with the connection suspended, so a client that is faster than the disk waits in its own
   socket, and one that is slower holds the piece and no thread. When taking a piece fails, what is left of the body is
   read and dropped: only then does every client see the answer. */
#include "http/body.h"

#include "base/stats.h"

#include <stdlib.h>

/* A refused request whose body is no larger is read to its end, so that its connection can go on. */
#define REFUSED_BODY_MAX_BYTES ((size_t)64 * 1024)

/* Large enough that handing a piece over costs little beside hashing and writing it (about 0.2 ms), small enough that
   a hundred uploads fit into memory. */
#define BODY_PIECE_BYTES ((size_t)256 * 1024)

/* Take room for `bytes` more among all bodies. */
static bool
reserve_body (struct request *request, size_t bytes)
{
  struct http_server *server = request->server;
  size_t before = atomic_fetch_add (&server->body_bytes, bytes);

  if (before + bytes <= (size_t)server->config->queue_bytes || 0 == before)
  {
    request->body_reserved += bytes;
    return true;
  }
  atomic_fetch_sub (&server->body_bytes, bytes);
  return false;
}

enum err_code
body_too_large (const struct request *request, struct err *err)
{
  return err_set (err, ERR_REQUEST_TOO_LARGE, "The request body is larger than the limit of %zu bytes.",
                  request->body_limit);
}

enum err_code
body_no_room (struct err *err)
{
  stats_add (&stats.requests_refused, 1);
  return err_set (err, ERR_TEMPORARILY_UNAVAILABLE, "The server is busy reading other requests; try again shortly.");
}

bool
body_is_stream (const struct request *request)
{
  return NULL != request->call.route && BODY_STREAM == request->call.route->body;
}

enum err_code
body_check_size (struct request *request, struct err *err)
{
  const char *declared = request_header (request, MHD_HTTP_HEADER_CONTENT_LENGTH);
  const struct config *config = request->server->config;
  enum route_body kind = request->call.route->body;
  unsigned long long bytes = strtoull (declared, NULL, 10);
  size_t room;

  /* A GET may carry a body that nobody reads; it gets the same limit. */
  request->body_limit = BODY_STREAM == kind ? (size_t)config->max_artifact_bytes
                                            : (size_t)config->max_body_bytes * (BODY_NONE == kind ? 1 : (size_t)kind);
  if (bytes > request->body_limit)
    return body_too_large (request, err);
  room = BODY_STREAM == kind && bytes > BODY_PIECE_BYTES ? BODY_PIECE_BYTES : (size_t)bytes;
  buffer_init (&request->body, BODY_STREAM == kind ? BODY_PIECE_BYTES : request->body_limit);
  if (room > 0 && ! reserve_body (request, room))
    return body_no_room (err);
  return ERR_OK;
}

/* Make room for `bytes` more in the buffer, among all bodies too. */
static bool
grow (struct request *request, size_t bytes)
{
  size_t needed = request->body.len + bytes;

  return needed <= request->body_reserved || reserve_body (request, needed - request->body_reserved);
}

size_t
body_take (struct request *request, const char *body, size_t bytes)
{
  size_t taken = bytes;

  if (request->refused || request->body_too_large || request->body_refused || ERR_OK != request->call.err.code)
  {
    request->body_dropped += bytes;
    return bytes;
  }
  if (body_is_stream (request) && taken > BODY_PIECE_BYTES - request->body.len)
    taken = BODY_PIECE_BYTES - request->body.len;
  if (request->body_total + taken > request->body_limit)
    request->body_too_large = true;
  else if (! grow (request, taken) || ! buffer_append (&request->body, body, taken))
    request->body_refused = true;
  if (request->body_too_large || request->body_refused)
    buffer_free (&request->body);
  request->body_total += taken;
  return taken;
}

void
body_count (struct request *request)
{
  if (NULL == request->call.pass || ! request->call.pass->known || request->credentials.body_bytes >= 0
      || request->body_total == request->body_counted)
    return;
  access_count_bytes (request->server->service->access, &request->call.pass->who,
                      (int64_t)(request->body_total - request->body_counted));
  request->body_counted = request->body_total;
}

bool
body_piece_is_full (const struct request *request)
{
  return body_is_stream (request) && ERR_OK == request->call.err.code && BODY_PIECE_BYTES == request->body.len;
}

bool
body_must_stop (const struct request *request)
{
  /* What is left of a stream is read whatever its size, up to its own limit, which holds for those without a declared
     length too. */
  return request->body_dropped > request->body_limit + REFUSED_BODY_MAX_BYTES;
}

/* Refused: whether to answer before the body, which ends the connection, or after reading it to its end. The first when
   the body may be large, or when the client waits to be told to send it. */
bool
body_must_answer_now (const struct request *request)
{
  const char *declared = request_header (request, MHD_HTTP_HEADER_CONTENT_LENGTH);

  return strtoull (declared, NULL, 10) > REFUSED_BODY_MAX_BYTES
         || '\0' != *request_header (request, MHD_HTTP_HEADER_TRANSFER_ENCODING)
         || '\0' != *request_header (request, MHD_HTTP_HEADER_EXPECT);
}
