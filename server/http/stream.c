/* Streamed answers: pieces that are made while the client takes them.

   DESIGN
   The library asks for the body with next_bytes, on the connection's thread, whenever the socket takes more. What there
   is of the piece is copied out; behind its end the connection is suspended and the call queued for a worker, who makes
   the next piece in the same buffer and resumes. So a slow client holds a piece and its connection, never a worker, and
   the library's own time-out (idle-timeout-ms) closes it: that one runs while the connection is not suspended, which is
   just when the client's turn is.

   Suspending within the content reader is one of the two places that the library's manual allows, and in 0.9.75 it is
   safe: nothing is returned, so the state of the connection stays "body not ready"; the loops over states, time-outs
   and events all look at the suspension before they go on, and the connection is out of epoll. A resume that comes
   before the reader has returned only sets a flag, which the same thread reads at the start of its next run. Returning
   nothing without suspending would make the library ask again and again without waiting.

   Reporting an error or, to a client of HTTP/1.0, the end from the reader is not as safe: where the reader was called
   because the connection was resumed, 0.9.75 marks the connection closed but forgets it until its time-out, with its
   socket. Hence break_off for errors, and the rule that no piece is empty: then the end is only found where the library
   was writing, and goes on. */
#include "http/request.h"

#include <sys/socket.h>

/* What a client of HTTP/1.0 is sent at a time; for others the library makes chunks from the memory of the connection.
   A socket's buffer takes several of them. */
#define BLOCK_BYTES ((size_t)32 * 1024)

/* End the transfer so that the client sees that it is broken: its stream ends without the last chunk. The library finds
   out when it tries to send the byte, and closes the connection as one that the client has left. */
static ssize_t
break_off (struct request *request, char *out)
{
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info (request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

  if (NULL == info)
    return MHD_CONTENT_READER_END_WITH_ERROR;
  (void)shutdown (info->connect_fd, SHUT_RDWR);
  *out = '\n';
  return 1;
}

static ssize_t
next_bytes (void *context, uint64_t position, char *out, size_t room)
{
  struct request *request = context;
  struct api_call *call = &request->call;
  size_t bytes = call->reply.len - request->piece_taken;

  (void)position;
  if (ERR_OK != call->err.code)
    return break_off (request, out);
  if (bytes > 0)
  {
    if (bytes > room)
      bytes = room;
    memcpy (out, call->reply.data + request->piece_taken, bytes);
    request->piece_taken += bytes;
    request->response_bytes += bytes;
    /* When the size was told, the library does not ask for the end. */
    request->stream_ended = call->stream_bytes > 0 && request->response_bytes == (size_t)call->stream_bytes;
    return (ssize_t)bytes;
  }
  if (NULL == call->more)
  {
    request->stream_ended = true;
    return MHD_CONTENT_READER_END_OF_STREAM;
  }
  /* From here on the call is a worker's, until the connection is resumed. */
  request_next_piece (request);
  return 0;
}

struct MHD_Response *
stream_response (struct request *request)
{
  uint64_t size = request->call.stream_bytes > 0 ? (uint64_t)request->call.stream_bytes : MHD_SIZE_UNKNOWN;
  struct MHD_Response *response = MHD_create_response_from_callback (size, BLOCK_BYTES, next_bytes, request, NULL);

  request->kept = arena_mark (request->call.arena);
  request->streamed = ! request->is_head;
  /* 0.9.75 sends the last chunk behind the headers of an answer to HEAD too, where the client looks for its next
     answer. Without chunks it closes the connection instead. */
  if (NULL != response && request->is_head && MHD_SIZE_UNKNOWN == size)
    (void)MHD_set_response_options (response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
  return response;
}
