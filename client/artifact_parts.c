/* Uploads in parts: begun, each part sent to the URL that the server gave for it, completed or aborted. */
#include "artifact_transfer.h"

#include "answer.h"
#include "decode.h"
#include "error.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* As S3, MLflow and tallyd have it. */
#define PARTS_MAX 10000

/* Headers that a server may ask for with a part: signed URLs need two or three. */
#define PART_HEADERS_MAX 32

/* Completing reads all parts again: the slowest disk that the wait allows for, in bytes a second. */
#define COMPLETE_BYTES_PER_S (50u << 20)

#define MPU_PATH "/api/2.0/mlflow-artifacts/mpu/"

struct upload
{
  const struct transfer *transfer;
  const struct transfer_source *source;
  struct arena *arena;
  const char *directory; /* place and folder, encoded */
  const char *base; /* name of the file */
  uint64_t part_bytes;
  size_t part_count;
  json_t *begun; /* the answer to create */
  const char *id; /* borrowed from it */
  json_t *parts; /* for complete */
};

static const char *
upload_path (const struct upload *upload, const char *verb)
{
  return arena_printf (upload->arena, MPU_PATH "%s/%s", verb, upload->directory);
}

/* Where it goes: the folder of the name belongs to the path, the rest is the name. */
static enum tally_code
prepare (struct upload *upload, const char *place, const char *name, struct tally_error *err)
{
  const char *slash = strrchr (name, '/');
  uint64_t bytes = upload->source->bytes;
  uint64_t part = upload->transfer->part_bytes;

  if (bytes / part >= PARTS_MAX)
    part = bytes / PARTS_MAX + 1;
  upload->part_bytes = part;
  upload->part_count = (size_t)((bytes + part - 1) / part);
  upload->base = NULL == slash ? name : slash + 1;
  upload->directory = transfer_path (upload->arena, "", place,
                                     NULL == slash ? NULL : arena_copy (upload->arena, name, (size_t)(slash - name)));
  upload->parts = json_array ();
  if (NULL == upload->parts)
    return error_memory (err);
  if (NULL != upload->directory)
    upload->directory++; /* the slash that transfer_path begins with */
  return decode_end (upload->arena, err);
}

static enum tally_code
begin (struct upload *upload, struct tally_error *err)
{
  json_t *body = json_pack ("{s:s, s:I}", "path", upload->base, "num_parts", (json_int_t)upload->part_count);
  const char *path = upload_path (upload, "create");
  enum tally_code code = NULL == body || NULL == path
                             ? error_memory (err)
                             : transfer_call (&upload->begun, upload->transfer, "POST", path, body, err);

  json_decref (body);
  upload->id = json_string_value (json_object_get (upload->begun, "upload_id"));
  if (TALLY_OK == code
      && (NULL == upload->id || json_array_size (json_object_get (upload->begun, "credentials")) != upload->part_count))
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The server began an upload in parts without telling where they go.");
  return code;
}

static bool
clean (const char *text)
{
  for (; NULL != text && '\0' != *text; text++)
    if ((unsigned char)*text < 0x20 || 0x7f == *text)
      return false;
  return NULL != text;
}

/* Headers that the server wants with a part, as lines. */
static bool
take_headers (const char *lines[PART_HEADERS_MAX + 1], struct arena *arena, const json_t *headers)
{
  size_t count = 0;
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)(uintptr_t)headers, name, value)
  {
    if (count >= PART_HEADERS_MAX || ! clean (name) || ! clean (json_string_value (value)))
      return false;
    lines[count++] = arena_printf (arena, "%s: %s", name, json_string_value (value));
  }
  lines[count] = NULL;
  return true;
}

/* A URL that the server gave: bytes of a connection that nobody can read must not go over one that everybody can. */
static bool
url_allowed (const struct upload *upload, const char *url)
{
  bool secure = 0 == strncmp (transport_server (upload->transfer->transport), "https://", 8);

  return clean (url) && (0 == strncmp (url, "https://", 8) || (! secure && 0 == strncmp (url, "http://", 7)));
}

/* What completing says of a part: as MLflow's clients do, with its URL. */
static enum tally_code
note_part (struct upload *upload, size_t number, const char *etag, const char *url, struct tally_error *err)
{
  if (! utf8_valid (slice_of (etag)))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server acknowledged a part of an upload with an unusable ETag.");
  if (0
      != json_array_append_new (
          upload->parts, json_pack ("{s:I, s:s, s:s}", "part_number", (json_int_t)number, "etag", etag, "url", url)))
    return error_memory (err);
  return TALLY_OK;
}

static enum tally_code
send_part (struct upload *upload, size_t number, const json_t *credential, struct tally_error *err)
{
  const char *lines[PART_HEADERS_MAX + 1];
  struct transport_request request = { .method = "PUT",
                                       .url = json_string_value (json_object_get (credential, "url")),
                                       .headers = lines,
                                       .content_type = "application/octet-stream" };
  struct transport_answer answer;
  uint64_t offset = ((uint64_t)number - 1) * upload->part_bytes;
  uint64_t bytes;
  enum tally_code code;

  if (answer_int64 (credential, "part_number") != (int64_t)number || ! url_allowed (upload, request.url)
      || ! take_headers (lines, upload->arena, json_object_get (credential, "headers")))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server told no usable place for a part of an upload.");
  if (arena_overflowed (upload->arena))
    return decode_end (upload->arena, err);
  bytes = upload->source->bytes - offset < upload->part_bytes ? upload->source->bytes - offset : upload->part_bytes;
  if (NULL != upload->source->data)
    request.body = (struct slice){ (const char *)upload->source->data + offset, (size_t)bytes };
  else
  {
    request.is_file = true;
    request.file = upload->source->file;
    request.file_offset = offset;
    request.file_bytes = bytes;
  }
  code = transfer_repeat (&answer, upload->transfer, &request, offset, err);
  if (TALLY_OK == code)
    code = note_part (upload, number, answer.etag, request.url, err);
  transport_answer_free (&answer);
  return code;
}

/* The place of a part anew, as a new reference: a slow upload may outlive its URLs. Only tallyd can tell. */
static enum tally_code
renew (json_t **credential, struct upload *upload, size_t number)
{
  const char *path =
      arena_printf (upload->arena, "/api/tally/v1/uploads/%s", answer_encode (upload->arena, upload->id));
  const json_t *list;
  json_t *answer = NULL;
  enum tally_code code =
      NULL == path ? TALLY_ERROR_MEMORY : transfer_call (&answer, upload->transfer, "GET", path, NULL, NULL);

  *credential = NULL;
  list = json_object_get (answer, "credentials");
  for (size_t i = 0; i < json_array_size (list) && NULL == *credential; i++)
    if (answer_int64 (json_array_get (list, i), "part_number") == (int64_t)number)
      *credential = json_incref (json_array_get (list, i));
  json_decref (answer);
  return NULL == *credential && TALLY_OK == code ? TALLY_ERROR_NOT_FOUND : code;
}

static enum tally_code
send_numbered (struct upload *upload, size_t number, struct tally_error *err)
{
  const json_t *first = json_array_get (json_object_get (upload->begun, "credentials"), number - 1);
  json_t *renewed;
  enum tally_code code = send_part (upload, number, first, err);

  if (TALLY_ERROR_FORBIDDEN != code || TALLY_OK != renew (&renewed, upload, number))
    return code;
  code = send_part (upload, number, renewed, err);
  json_decref (renewed);
  return code;
}

/* The server tells which bytes it has now: hash ours only when it does. */
static enum tally_code
compare (const struct upload *upload, const struct transport_answer *answer, struct tally_error *err)
{
  char digest[SHA256_TEXT_BYTES];
  enum tally_code code;

  if ('\0' == answer->digest[0])
    return TALLY_OK;
  code = transfer_hash (digest, upload->source, err);
  if (TALLY_OK == code && 0 != strcmp (digest, answer->digest))
    code = error_set (err, TALLY_ERROR_DIGEST, "%s: the server has other bytes (%s) than were sent (%s).", upload->base,
                      answer->digest, digest);
  return code;
}

static enum tally_code
complete (struct upload *upload, struct tally_error *err)
{
  json_t *body = json_pack ("{s:s, s:s, s:O}", "path", upload->base, "upload_id", upload->id, "parts", upload->parts);
  char *text = NULL == body ? NULL : json_dumps (body, JSON_COMPACT);
  struct transport_request request = { .method = "POST", .path = upload_path (upload, "complete") };
  struct transport_answer answer;
  int64_t wait_ms = upload->transfer->patience_ms + (int64_t)(upload->source->bytes * 1000 / COMPLETE_BYTES_PER_S);
  enum tally_code code;

  json_decref (body);
  if (NULL == text || NULL == request.path)
  {
    free (text);
    return error_memory (err);
  }
  request.body = slice_of (text);
  code = transport_call (&answer, upload->transfer->transport, &request, wait_ms, err);
  if (TALLY_OK == code)
    code = compare (upload, &answer, err);
  transport_answer_free (&answer);
  free (text);
  return code;
}

/* Best effort: what is not aborted the server sweeps some day. */
static void
abort_upload (struct upload *upload)
{
  struct transfer hasty = *upload->transfer;
  json_t *body = json_pack ("{s:s, s:s}", "path", upload->base, "upload_id", upload->id);
  const char *path = upload_path (upload, "abort");
  json_t *answer = NULL;

  hasty.patience_ms = 1000;
  if (NULL != body && NULL != path)
    transfer_call (&answer, &hasty, "POST", path, body, NULL);
  json_decref (answer);
  json_decref (body);
}

enum tally_code
transfer_send_parts (const struct transfer *transfer, const char *place, const char *name,
                     const struct transfer_source *source, struct tally_error *err)
{
  struct upload upload = { .transfer = transfer, .source = source, .arena = arena_new (ANSWER_ARENA_BYTES) };
  enum tally_code code = NULL == upload.arena ? error_memory (err) : prepare (&upload, place, name, err);

  if (TALLY_OK == code)
    code = begin (&upload, err);
  if (NULL == upload.id || TALLY_OK != code)
    goto out;
  for (size_t number = 1; TALLY_OK == code && number <= upload.part_count; number++)
    code = send_numbered (&upload, number, err);
  if (TALLY_OK == code)
    code = complete (&upload, err);
  if (TALLY_OK != code && TALLY_ERROR_DIGEST != code)
    abort_upload (&upload);
  /* Only not having begun means that the server has no such uploads. */
  if (TALLY_ERROR_UNSUPPORTED == code)
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The server began an upload in parts, but does not take it.");
out:
  json_decref (upload.begun);
  json_decref (upload.parts);
  arena_free (upload.arena);
  return code;
}
