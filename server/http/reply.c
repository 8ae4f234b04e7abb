/* Answers: JSON, errors, files of the dashboard, and the headers that all of them carry. */
#include "base/json_write.h"
#include "http/body.h"
#include "http/headers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* An error's JSON: its message escaped at the worst, and the other members. */
#define ERROR_MAX_BYTES ((size_t)6 * ERR_MESSAGE_BYTES + 512)

static void
add_header (struct MHD_Response *response, const char *name, const char *value)
{
  /* Fails only without memory; the answer is still right without the header. */
  (void)MHD_add_response_header (response, name, value);
}

/* Whether the call itself says what this header is. */
static bool
has_out_header (const struct request *request, const char *name)
{
  for (const struct call_out_header *header = request->call.out_headers; NULL != header; header = header->next)
    if (0 == strcasecmp (header->name, name))
      return true;
  return false;
}

static enum MHD_Result
queue (struct request *request, unsigned status, struct MHD_Response *response, enum headers_kind kind)
{
  enum MHD_Result result;

  headers_add (response, request->server, kind, has_out_header (request, "Content-Security-Policy"));
  headers_add_origin (response, request);
  for (const struct call_out_header *header = request->call.out_headers; NULL != header; header = header->next)
    add_header (response, header->name, header->value);
  request->state = REQUEST_ANSWERED;
  request->call.status = status;
  if (atomic_load (&request->server->draining))
    add_header (response, "Connection", "close");
  result = MHD_queue_response (request->connection, status, response);
  MHD_destroy_response (response);
  return result;
}

/* A response that takes over malloc'ed bytes; on failure they are freed. */
static struct MHD_Response *
response_of (char *bytes, size_t size)
{
  struct MHD_Response *response = MHD_create_response_from_buffer (
      size, NULL == bytes ? "" : bytes, NULL == bytes ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);

  if (NULL == response)
    free (bytes);
  return response;
}

static enum MHD_Result
send_error (struct request *request)
{
  const struct err *err = &request->call.err;
  const struct slice members = request->call.err_members;
  struct MHD_Response *response;
  struct buffer body;
  struct json_write w;
  char retry_after[16];

  buffer_init (&body, ERROR_MAX_BYTES + members.len);
  json_write_init (&w, &body);
  json_write_object (&w);
  json_write_member_text (&w, "error_code", err_name (err->code));
  json_write_member_text (&w, "message", err->message);
  json_write_member_text (&w, "request_id", request->id);
  if (members.len > 0)
  {
    (void)buffer_text (&body, ",");
    (void)buffer_append (&body, members.data, members.len);
  }
  json_write_object_end (&w);
  request->response_bytes = body.len;
  response = response_of (body.data, body.len);
  if (NULL == response)
    return MHD_NO;
  add_header (response, "Content-Type", "application/json");
  add_header (response, "Cache-Control", "no-store");
  if (err->retry_after_s > 0)
  {
    snprintf (retry_after, sizeof (retry_after), "%u", err->retry_after_s);
    add_header (response, "Retry-After", retry_after);
  }
  /* What is left of the body is not worth reading. */
  if (ERR_REQUEST_TOO_LARGE == err->code)
    add_header (response, "Connection", "close");
  if (ERR_METHOD_NOT_ALLOWED == err->code)
    add_header (response, "Allow", request->allow);
  return queue (request, err_http_status (err->code), response, HEADERS_DATA);
}

static enum MHD_Result
send_options (struct request *request)
{
  struct MHD_Response *response = response_of (NULL, 0);

  if (NULL == response)
    return MHD_NO;
  add_header (response, "Allow", request->allow);
  return queue (request, MHD_HTTP_NO_CONTENT, response, HEADERS_DATA);
}

/* "/mlflow" to "/mlflow/". */
static enum MHD_Result
send_slash (struct request *request)
{
  struct MHD_Response *response = response_of (NULL, 0);
  const char *location = arena_printf (request->call.arena, "%.*s/", SLICE_ARG (request->server->static_prefix));

  if (NULL == response || NULL == location)
    return MHD_NO;
  add_header (response, "Location", location);
  return queue (request, MHD_HTTP_PERMANENT_REDIRECT, response, HEADERS_DATA);
}

static enum MHD_Result
send_file (struct request *request)
{
  const char *encoding;
  const struct web_body *body =
      web_choose (&encoding, request->file, request_header (request, MHD_HTTP_HEADER_ACCEPT_ENCODING));
  bool unchanged = NULL != strstr (request_header (request, MHD_HTTP_HEADER_IF_NONE_MATCH), body->etag);
  /* With 304 the length is told that 200 would have (RFC 9110, 8.6), and no body is sent. */
  struct MHD_Response *response =
      MHD_create_response_from_buffer (body->size, (void *)(uintptr_t)body->data, MHD_RESPMEM_PERSISTENT);

  if (NULL == response)
    return MHD_NO;
  add_header (response, "ETag", body->etag);
  add_header (response, "Vary", "Accept-Encoding");
  add_header (response, "Cache-Control", request->file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (! unchanged)
  {
    add_header (response, "Content-Type", request->file->type);
    if (NULL != encoding)
      add_header (response, "Content-Encoding", encoding);
    request->response_bytes = body->size;
  }
  return queue (request, unchanged ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response, HEADERS_PAGE);
}

/* What a call wrote. */
static enum MHD_Result
queue_dynamic (struct request *request, unsigned status, struct MHD_Response *response)
{
  const char *type = request->call.type;

  if (MHD_HTTP_NOT_MODIFIED != status && MHD_HTTP_NO_CONTENT != status)
    add_header (response, "Content-Type", NULL == type ? "application/json" : type);
  if (! has_out_header (request, "Cache-Control"))
    add_header (response, "Cache-Control", "no-store");
  return queue (request, status, response, HEADERS_DATA);
}

/* The library does not ask for the body of such an answer. */
static ssize_t
no_bytes (void *context, uint64_t position, char *out, size_t room)
{
  (void)context;
  (void)position;
  (void)out;
  (void)room;
  return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Nothing has changed: the headers of the file, with the length that it has (RFC 9110, 8.6). */
static enum MHD_Result
send_unchanged (struct request *request)
{
  struct MHD_Response *response =
      MHD_create_response_from_callback ((uint64_t)request->call.stream_bytes, 1, no_bytes, NULL, NULL);

  if (NULL == response)
    return MHD_NO;
  return queue_dynamic (request, MHD_HTTP_NOT_MODIFIED, response);
}

/* An open file, which the kernel copies to the socket. */
static enum MHD_Result
send_open_file (struct request *request, unsigned status)
{
  struct api_call *call = &request->call;
  struct MHD_Response *response =
      MHD_create_response_from_fd_at_offset64 ((uint64_t)call->file_bytes, call->file_fd, (uint64_t)call->file_offset);

  if (NULL == response)
    return MHD_NO;
  /* The library closes it with the response. */
  call->has_file = false;
  request->response_bytes = request->is_head ? 0 : (size_t)call->file_bytes;
  return queue_dynamic (request, status, response);
}

static enum MHD_Result
send_stream (struct request *request, unsigned status)
{
  struct MHD_Response *response = stream_response (request);

  if (NULL == response)
    return MHD_NO;
  return queue_dynamic (request, status, response);
}

enum MHD_Result
reply_send (struct request *request)
{
  struct api_call *call = &request->call;
  struct MHD_Response *response;
  unsigned status = 0 == call->status ? MHD_HTTP_OK : call->status;

  body_count (request);
  if (ERR_OK == call->err.code && call->reply.failed)
    (void)err_set (&call->err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK != call->err.code)
    return send_error (request);
  if (request->is_options)
    return send_options (request);
  if (NULL != request->file)
    return request->lacks_slash ? send_slash (request) : send_file (request);
  if (NULL != call->more)
    return send_stream (request, status);
  if (call->has_file)
    return send_open_file (request, status);
  if (MHD_HTTP_NOT_MODIFIED == status)
    return send_unchanged (request);
  if (0 == call->reply.len && MHD_HTTP_OK == status && NULL == call->type && NULL == call->out_headers
      && ! headers_depend_on_origin (request) && ! atomic_load (&request->server->draining))
  {
    request->state = REQUEST_ANSWERED;
    request->response_bytes = 2;
    call->status = MHD_HTTP_OK;
    return MHD_queue_response (request->connection, MHD_HTTP_OK, request->server->empty_object);
  }
  if (0 == call->reply.len && NULL == call->type && MHD_HTTP_NO_CONTENT != status)
    buffer_text (&call->reply, "{}");
  request->response_bytes = call->reply.len;
  response = response_of (call->reply.data, call->reply.len);
  /* Either way the bytes are not ours any more. */
  (void)buffer_steal (&call->reply);
  if (NULL == response)
    return MHD_NO;
  return queue_dynamic (request, status, response);
}
