/* Uploads in parts: begun, each part sent to the URL that the server gave for it, completed or aborted.

   DESIGN: what a note tells of goes on with the parts that are missing, as far as the server can be asked for them
   (tallyd can, MLflow's cannot). Whatever does not fit, or goes wrong with what was taken up, begins anew, once. That
   the server has the right bytes in the end its digest tells. */
#include "artifact_transfer.h"

#include "answer.h"
#include "decode.h"
#include "error.h"
#include "upload_note.h"

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

struct part
{
  json_t *place; /* {url, part_number, headers}: where it goes, as the server tells; NULL: not told */
  json_t *sent; /* {part_number, etag, url}: as completing tells of it; NULL: it is missing */
};

struct upload
{
  const struct transfer *transfer;
  const struct transfer_source *source;
  struct arena *arena;
  const char *place;
  const char *name;
  const char *directory; /* place and folder, encoded */
  const char *base; /* name of the file */
  uint64_t part_bytes;
  size_t part_count;
  struct part *parts;
  const char *id; /* NULL: not begun */
  bool taken_up; /* of a note */
  bool completed; /* before it was taken up */
  uint64_t done_bytes; /* of the parts that are there */
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

  upload->place = place;
  upload->name = name;
  upload->base = NULL == slash ? name : slash + 1;
  upload->directory = transfer_path (upload->arena, "", place,
                                     NULL == slash ? NULL : arena_copy (upload->arena, name, (size_t)(slash - name)));
  if (NULL != upload->directory)
    upload->directory++; /* the slash that transfer_path begins with */
  return decode_end (upload->arena, err);
}

static void
drop_parts (struct upload *upload)
{
  for (size_t i = 0; NULL != upload->parts && i < upload->part_count; i++)
  {
    json_decref (upload->parts[i].place);
    json_decref (upload->parts[i].sent);
  }
  upload->parts = NULL;
  upload->done_bytes = 0;
}

/* Into parts of that size, of which nothing is known yet. */
static enum tally_code
divide (struct upload *upload, uint64_t part_bytes, struct tally_error *err)
{
  upload->part_bytes = part_bytes;
  upload->part_count = (size_t)((upload->source->bytes + part_bytes - 1) / part_bytes);
  upload->parts = arena_array (upload->arena, upload->part_count, sizeof (*upload->parts));
  return NULL == upload->parts ? error_memory (err) : TALLY_OK;
}

/* How long part `number` is. */
static uint64_t
bytes_of_part (const struct upload *upload, size_t number)
{
  uint64_t offset = ((uint64_t)number - 1) * upload->part_bytes;

  return upload->source->bytes - offset < upload->part_bytes ? upload->source->bytes - offset : upload->part_bytes;
}

/* The part that a server speaks of; NULL: there is none of that number. */
static struct part *
part_of (const struct upload *upload, const json_t *object)
{
  int64_t number = answer_int64 (object, "part_number");

  return number < 1 || (uint64_t)number > upload->part_count ? NULL : &upload->parts[number - 1];
}

static void
take_places (struct upload *upload, const json_t *answer)
{
  const json_t *list = json_object_get (answer, "credentials");
  json_t *place;
  size_t i;

  json_array_foreach (list, i, place)
  {
    struct part *part = part_of (upload, place);

    if (NULL == part || ! json_is_string (json_object_get (place, "url")))
      continue;
    json_decref (part->place);
    part->place = json_incref (place);
  }
}

static enum tally_code
begin (struct upload *upload, struct tally_error *err)
{
  uint64_t bytes = upload->source->bytes;
  uint64_t part_bytes = upload->transfer->part_bytes;
  const char *path = upload_path (upload, "create");
  json_t *body = NULL;
  json_t *begun = NULL;
  enum tally_code code;

  if (bytes / part_bytes >= PARTS_MAX)
    part_bytes = bytes / PARTS_MAX + 1;
  code = divide (upload, part_bytes, err);
  if (TALLY_OK != code)
    return code;
  body = json_pack ("{s:s, s:I}", "path", upload->base, "num_parts", (json_int_t)upload->part_count);
  code = NULL == body || NULL == path ? error_memory (err)
                                      : transfer_call (&begun, upload->transfer, "POST", path, body, err);
  json_decref (body);
  if (TALLY_OK == code)
  {
    upload->id = answer_text (upload->arena, begun, "upload_id");
    take_places (upload, begun);
    code = decode_end (upload->arena, err);
  }
  if (TALLY_OK == code && '\0' == upload->id[0])
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The server began an upload in parts without telling its id.");
  json_decref (begun);
  if (TALLY_OK != code)
    upload->id = NULL;
  else if (NULL != upload->transfer->note)
    upload_note_write (upload->transfer->note, upload->id, part_bytes, upload->place, upload->name, upload->source);
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
  struct part *part = &upload->parts[number - 1];

  if (! utf8_valid (slice_of (etag)))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server acknowledged a part of an upload with an unusable ETag.");
  part->sent = json_pack ("{s:I, s:s, s:s}", "part_number", (json_int_t)number, "etag", etag, "url", url);
  if (NULL == part->sent)
    return error_memory (err);
  upload->done_bytes += bytes_of_part (upload, number);
  return TALLY_OK;
}

static enum tally_code
send_part (struct upload *upload, size_t number, struct tally_error *err)
{
  const json_t *place = upload->parts[number - 1].place;
  const char *lines[PART_HEADERS_MAX + 1];
  struct transport_request request = { .method = "PUT",
                                       .url = json_string_value (json_object_get (place, "url")),
                                       .headers = lines,
                                       .content_type = "application/octet-stream" };
  struct transport_answer answer;
  uint64_t offset = ((uint64_t)number - 1) * upload->part_bytes;
  uint64_t bytes = bytes_of_part (upload, number);
  enum tally_code code;

  if (! url_allowed (upload, request.url) || ! take_headers (lines, upload->arena, json_object_get (place, "headers")))
    return error_set (err, TALLY_ERROR_PROTOCOL, "The server told no usable place for a part of an upload.");
  if (arena_overflowed (upload->arena))
    return decode_end (upload->arena, err);
  if (NULL != upload->source->data)
    request.body = (struct slice){ (const char *)upload->source->data + offset, (size_t)bytes };
  else
  {
    request.is_file = true;
    request.file = upload->source->file;
    request.file_offset = offset;
    request.file_bytes = bytes;
  }
  code = transfer_repeat (&answer, upload->transfer, &request, upload->done_bytes, err);
  if (TALLY_OK == code)
    code = note_part (upload, number, answer.etag, request.url, err);
  transport_answer_free (&answer);
  return code;
}

/* How far the server is with it, as a new reference. Only tallyd can tell. */
static enum tally_code
ask (json_t **state, const struct upload *upload, struct tally_error *err)
{
  const char *path =
      arena_printf (upload->arena, "/api/tally/v1/uploads/%s", answer_encode (upload->arena, upload->id));

  *state = NULL;
  return arena_overflowed (upload->arena) ? decode_end (upload->arena, err)
                                          : transfer_call (state, upload->transfer, "GET", path, NULL, err);
}

/* A slow upload may outlive its URLs: ask for new ones. */
static enum tally_code
send_numbered (struct upload *upload, size_t number, struct tally_error *err)
{
  const json_t *first = upload->parts[number - 1].place;
  enum tally_code code = send_part (upload, number, err);
  struct tally_error why;
  json_t *state;
  enum tally_code asked;

  if (TALLY_ERROR_FORBIDDEN != code)
    return code;
  asked = ask (&state, upload, &why);
  /* Kept: `first` is compared, and its memory may be used again. */
  json_incref ((json_t *)(uintptr_t)first);
  take_places (upload, state);
  json_decref (state);
  if (first != upload->parts[number - 1].place)
    code = send_part (upload, number, err);
  else if (TALLY_ERROR_NOT_FOUND == asked)
  {
    *err = why;
    code = asked;
  }
  json_decref ((json_t *)(uintptr_t)first);
  return code;
}

/* The server tells which bytes it has now: hash ours only when it does. */
static enum tally_code
compare (const struct upload *upload, const char *theirs, struct tally_error *err)
{
  char digest[SHA256_TEXT_BYTES];
  enum tally_code code;

  if ('\0' == theirs[0])
    return TALLY_OK;
  code = transfer_hash (digest, upload->source, err);
  if (TALLY_OK == code && 0 != strcmp (digest, theirs))
    code = error_set (err, TALLY_ERROR_DIGEST, "%s: the server has other bytes (%s) than were sent (%s).", upload->base,
                      theirs, digest);
  return code;
}

/* {path, upload_id, parts} as text, to be freed; NULL: no memory. */
static char *
completion (const struct upload *upload)
{
  json_t *parts = json_array ();
  json_t *body = json_pack ("{s:s, s:s, s:O}", "path", upload->base, "upload_id", upload->id, "parts", parts);
  char *text = NULL;
  bool ok = NULL != body;

  for (size_t i = 0; ok && i < upload->part_count; i++)
    ok = 0 == json_array_append (parts, upload->parts[i].sent);
  if (ok)
    text = json_dumps (body, JSON_COMPACT);
  json_decref (body);
  json_decref (parts);
  return text;
}

static enum tally_code
complete (struct upload *upload, struct tally_error *err)
{
  char *text = completion (upload);
  struct transport_request request = { .method = "POST", .path = upload_path (upload, "complete") };
  struct transport_answer answer;
  int64_t wait_ms = upload->transfer->patience_ms + (int64_t)(upload->source->bytes * 1000 / COMPLETE_BYTES_PER_S);
  enum tally_code code;

  if (NULL == text || NULL == request.path)
  {
    free (text);
    return error_memory (err);
  }
  request.body = slice_of (text);
  code = transport_call (&answer, upload->transfer->transport, &request, wait_ms, err);
  if (TALLY_OK == code)
    code = compare (upload, answer.digest, err);
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

/* It goes on no further; a note of it is overwritten by the next one. */
static void
forget (struct upload *upload, bool must_abort)
{
  if (must_abort)
    abort_upload (upload);
  drop_parts (upload);
  upload->id = NULL;
  upload->taken_up = false;
  upload->completed = false;
}

/* --- taking up ---------------------------------------------------------------------------------------------------- */

static enum tally_code
does_not_fit (struct tally_error *err)
{
  return error_set (err, TALLY_ERROR_CONFLICT, "The server has an upload of other parts.");
}

/* What the server has of it. CONFLICT: not what would go on to the file as it is. */
static enum tally_code
take_state (struct upload *upload, const json_t *state, struct tally_error *err)
{
  const char *digest = json_string_value (json_object_get (state, "sha256"));
  const json_t *item;
  size_t i;

  upload->completed = json_is_true (json_object_get (state, "completed"));
  if (upload->completed)
    return NULL == digest ? does_not_fit (err) : compare (upload, digest, err);
  if (answer_int64 (state, "num_parts") != (int64_t)upload->part_count)
    return does_not_fit (err);
  json_array_foreach (json_object_get (state, "parts"), i, item)
  {
    const char *etag = json_string_value (json_object_get (item, "etag"));
    struct part *part = part_of (upload, item);
    size_t number = NULL == part ? 0 : (size_t)(part - upload->parts) + 1;

    if (NULL == part || NULL != part->sent || NULL == etag
        || answer_int64 (item, "size_bytes") != (int64_t)bytes_of_part (upload, number))
      return does_not_fit (err);
    part->sent = json_pack ("{s:I, s:s}", "part_number", (json_int_t)number, "etag", etag);
    if (NULL == part->sent)
      return error_memory (err);
    upload->done_bytes += bytes_of_part (upload, number);
  }
  take_places (upload, state);
  for (i = 0; i < upload->part_count; i++)
    if (NULL == upload->parts[i].sent && NULL == upload->parts[i].place)
      return does_not_fit (err);
  return TALLY_OK;
}

/* Why asking failed says nothing of the upload: it is asked again. All else is a server that has no such upload or, as
   MLflow's and what may stand before it, no such question. */
static bool
says_nothing (enum tally_code code, const struct tally_error *why)
{
  return TALLY_OK != code
         && (why->retryable || TALLY_ERROR_UNAUTHENTICATED == code || TALLY_ERROR_CANCELLED == code
             || TALLY_ERROR_MEMORY == code);
}

/* Go on with what the note tells of: then there is an id. Errors: that nobody knows yet whether that is possible. */
static enum tally_code
take_up (struct upload *upload, struct tally_error *err)
{
  bool fits;
  uint64_t part_bytes;
  const char *id;
  json_t *note =
      upload_note_read (&id, &part_bytes, &fits, upload->transfer->note, upload->place, upload->name, upload->source);
  json_t *state = NULL;
  enum tally_code code = TALLY_OK;

  if (NULL == note)
    return TALLY_OK;
  upload->id = arena_printf (upload->arena, "%s", id);
  json_decref (note);
  if (NULL == upload->id)
    return error_memory (err);
  upload->taken_up = true;
  if (! fits || (upload->source->bytes - 1) / part_bytes >= PARTS_MAX)
  {
    forget (upload, true);
    return TALLY_OK;
  }
  code = divide (upload, part_bytes, err);
  if (TALLY_OK == code)
    code = ask (&state, upload, err);
  if (says_nothing (code, err))
    return code;
  if (TALLY_OK == code)
    code = take_state (upload, state, err);
  json_decref (state);
  if (TALLY_OK == code || TALLY_ERROR_FILE == code || TALLY_ERROR_MEMORY == code)
    return code;
  forget (upload, TALLY_ERROR_NOT_FOUND != code);
  return TALLY_OK;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* Take it up or begin it, and bring it to its end. */
static enum tally_code
send_all (struct upload *upload, struct tally_error *err)
{
  enum tally_code code = NULL == upload->transfer->note ? TALLY_OK : take_up (upload, err);

  if (TALLY_OK == code && NULL == upload->id)
    code = begin (upload, err);
  if (TALLY_OK != code || upload->completed)
    return code;
  for (size_t number = 1; TALLY_OK == code && number <= upload->part_count; number++)
    if (NULL == upload->parts[number - 1].sent)
      code = send_numbered (upload, number, err);
  return TALLY_OK == code ? complete (upload, err) : code;
}

/* The upload is gone, or what was taken up is not what it seemed to be. */
static bool
is_lost (const struct upload *upload, enum tally_code code)
{
  return NULL != upload->id
         && (TALLY_ERROR_NOT_FOUND == code
             || (upload->taken_up && (TALLY_ERROR_REFUSED == code || TALLY_ERROR_DIGEST == code)));
}

enum tally_code
transfer_send_parts (const struct transfer *transfer, const char *place, const char *name,
                     const struct transfer_source *source, struct tally_error *err)
{
  struct upload upload = { .transfer = transfer, .source = source, .arena = arena_new (ANSWER_ARENA_BYTES) };
  enum tally_code code = NULL == upload.arena ? error_memory (err) : prepare (&upload, place, name, err);

  if (TALLY_OK != code)
    goto out;
  code = send_all (&upload, err);
  if (is_lost (&upload, code))
  {
    forget (&upload, TALLY_ERROR_NOT_FOUND != code);
    code = send_all (&upload, err);
  }
  if (NULL == upload.id)
    goto out;
  /* With a note it may go on; completed it is over, well or not. */
  if (NULL == transfer->note && TALLY_OK != code && TALLY_ERROR_DIGEST != code)
    abort_upload (&upload);
  else if (NULL != transfer->note && (TALLY_OK == code || TALLY_ERROR_DIGEST == code))
    upload_note_remove (transfer->note);
  /* Only not having begun means that the server has no such uploads. */
  if (TALLY_ERROR_UNSUPPORTED == code)
    code = error_set (err, TALLY_ERROR_PROTOCOL, "The server began an upload in parts, but does not take it.");
out:
  drop_parts (&upload);
  arena_free (upload.arena);
  return code;
}

void
transfer_give_up (const struct transfer *transfer, const char *place, const char *name,
                  const struct transfer_source *source)
{
  struct upload upload = { .transfer = transfer, .source = source, .arena = arena_new (ANSWER_ARENA_BYTES) };
  uint64_t part_bytes;
  bool fits;
  json_t *note = upload_note_read (&upload.id, &part_bytes, &fits, transfer->note, place, name, source);

  if (NULL != note && NULL != upload.arena && TALLY_OK == prepare (&upload, place, name, NULL))
    abort_upload (&upload);
  upload_note_remove (transfer->note);
  json_decref (note);
  arena_free (upload.arena);
}
