/* Artifacts: uploads in parts, which may be sent in any order, at the same time, and again.

   DESIGN
   A row says what is being uploaded; which parts are there only the store knows, so nothing can disagree. The URLs of
   parts are the store's own, where it gives such (S3), else signed here. Whoever lost an upload's URLs asks for the
   upload: the answer has the parts that are there and URLs for the others.
   Completing hashes all parts and may take longer than a client waits: it may be repeated, and is then answered from
   the row. */
#include "api/artifact.h"

#include "api/artifact_path.h"
#include "api/artifact_signed.h"
#include "api/decode.h"
#include "api/json.h"
#include "artifact/link.h"
#include "base/clock.h"
#include "store/upload.h"

#include <inttypes.h>
#include <stdlib.h>

/* The size of a URL of S3 with its signature is about 600 bytes. */
#define URL_MAX_BYTES ((size_t)16 * 1024)

struct part_request
{
  struct optional_int64 part_number;
  struct slice etag;
};

static const struct field part_fields[] = {
  { .name = "part_number",
    .type = FIELD_INT64,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct part_request, part_number) },
  { .name = "etag", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct part_request, etag) },
};
static const struct schema part_schema = SCHEMA (part_fields, struct part_request);

struct upload_request
{
  struct slice path;
  struct optional_int64 num_parts;
  struct slice upload_id;
  struct objects parts;
};

#define PATH_FIELD                                                                                                     \
  {                                                                                                                    \
    .name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct upload_request, path)    \
  }
#define UPLOAD_ID_FIELD                                                                                                \
  {                                                                                                                    \
    .name = "upload_id", .type = FIELD_STRING, .flags = FIELD_REQUIRED,                                                \
    .offset = offsetof (struct upload_request, upload_id)                                                              \
  }

static const struct field create_fields[] = {
  PATH_FIELD,
  { .name = "num_parts",
    .type = FIELD_INT64,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct upload_request, num_parts) },
};
static const struct schema create_schema = SCHEMA (create_fields, struct upload_request);

static const struct field complete_fields[] = {
  PATH_FIELD,
  UPLOAD_ID_FIELD,
  { .name = "parts",
    .type = FIELD_OBJECTS,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct upload_request, parts),
    .schema = &part_schema },
};
static const struct schema complete_schema = SCHEMA (complete_fields, struct upload_request);

static const struct field abort_fields[] = { PATH_FIELD, UPLOAD_ID_FIELD };
static const struct schema abort_schema = SCHEMA (abort_fields, struct upload_request);

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

static enum err_code
no_upload (struct slice upload_id, struct err *err)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Upload '%.*s' does not exist: it was aborted, or has expired.",
                  SLICE_ARG (upload_id));
}

/* Where the file will be: the directory in the URL and the name in the body. MLflow's clients send the whole path of
   the file on their own disk, with the separators of their system. */
enum err_code
api_upload_path (struct slice *path, struct api_call *call, struct slice given, struct err *err)
{
  struct slice name = given;
  struct slice directory;
  enum err_code code;

  for (size_t i = 0; i < given.len; i++)
    if ('/' == given.data[i] || '\\' == given.data[i])
      name = (struct slice){ given.data + i + 1, given.len - i - 1 };
  code = artifact_path_check (&directory, call->path_values[0], "directory", true, call->arena, err);
  if (ERR_OK == code)
    code = artifact_path_check (&name, name, "path", false, call->arena, err);
  return ERR_OK == code ? artifact_path_join (path, directory, name, call->arena, err) : code;
}

static enum err_code
find_upload (struct store_upload *upload, struct api_call *call, struct slice text, struct err *err)
{
  struct uuid upload_id;
  enum err_code code = ERR_RESOURCE_DOES_NOT_EXIST;

  if (uuid_parse (&upload_id, text))
    code = store_upload_get (upload, call->connection, &upload_id, call->arena, err);
  if (ERR_OK == code && ! upload->completed && upload->expires_at_ms <= clock_wall_ms ())
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? no_upload (text, err) : code;
}

enum err_code
api_upload_target (struct slice *path, struct api_call *call, struct slice upload_id, struct err *err)
{
  struct store_upload upload = { .path = { NULL, 0 } };
  enum err_code code = find_upload (&upload, call, upload_id, err);

  *path = upload.path;
  return code;
}

/* --- credentials -------------------------------------------------------------------------------------------------- */

static enum err_code
write_credential (struct json_write *w, struct api_call *call, const struct store_upload *upload, int number,
                  struct err *err)
{
  struct artifact_permission permission = { .kind = ARTIFACT_MAY_PUT_PART,
                                            .expires_s = upload->expires_at_ms / 1000,
                                            .size_bytes = call->service->config->max_artifact_bytes,
                                            .upload_id = upload->upload_id,
                                            .number = number };
  int64_t left_s = permission.expires_s - clock_wall_ms () / 1000;
  struct arena_mark mark = arena_mark (call->arena);
  struct slice url = { NULL, 0 };
  struct buffer direct;
  enum err_code code;

  buffer_init (&direct, URL_MAX_BYTES);
  /* A week is the longest that S3 takes. */
  code = blob_part_url (&direct, call->service->blobs, &upload->upload_id, upload->store_upload.data, number,
                        (int)(left_s > 604800 ? 604800 : left_s), err);
  if (ERR_OK == code && 0 == direct.len)
    code = artifact_permission_url (&url, call, &permission, err);
  if (ERR_OK == code)
  {
    json_write_object (w);
    json_write_member_string (w, "url", direct.len > 0 ? buffer_slice (&direct) : url);
    json_write_member_int64 (w, "part_number", number);
    json_write_key (w, "headers");
    json_write_object (w);
    json_write_object_end (w);
    json_write_object_end (w);
  }
  buffer_free (&direct);
  arena_rewind (call->arena, &mark);
  return code;
}

/* --- begin, look, end --------------------------------------------------------------------------------------------- */

enum err_code
api_upload_create (struct api_call *call, struct err *err)
{
  char name[BLOB_UPLOAD_NAME_BYTES] = "";
  char text[UUID_TEXT_BYTES];
  struct upload_request request;
  struct store_upload upload = { .created_at_ms = clock_wall_ms () };
  struct json_write w;
  enum err_code code = api_decode (&request, call, &create_schema, err);

  if (ERR_OK == code && (request.num_parts.value < 1 || request.num_parts.value > BLOB_PARTS_MAX))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'num_parts' supplied: it must be from 1 to %d.",
                    request.num_parts.value, BLOB_PARTS_MAX);
  if (ERR_OK == code)
    code = api_upload_path (&upload.path, call, request.path, err);
  if (ERR_OK == code && ! uuid_random (&upload.upload_id))
    code = err_set (err, ERR_INTERNAL_ERROR, "the system gives no randomness");
  if (ERR_OK == code)
    code = blob_upload_start (name, call->service->blobs, &upload.upload_id, err);
  if (ERR_OK != code)
    return code;
  upload.part_count = (int32_t)request.num_parts.value;
  upload.store_upload = slice_of (name);
  upload.expires_at_ms = upload.created_at_ms + call->service->config->upload_ttl_s * 1000;
  code = store_upload_add (call->connection, &upload, err);
  if (ERR_OK != code)
  {
    /* Best effort: what stays is swept. */
    (void)blob_upload_drop (call->service->blobs, &upload.upload_id, name, NULL);
    return code;
  }
  uuid_format (text, &upload.upload_id);
  api_reply_start (&w, call);
  json_write_member_text (&w, "upload_id", text);
  json_write_key (&w, "credentials");
  json_write_array (&w);
  for (int number = 1; ERR_OK == code && number <= upload.part_count; number++)
    code = write_credential (&w, call, &upload, number, err);
  json_write_array_end (&w);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

static bool
has_part (const struct blob_part *parts, size_t count, int number)
{
  for (size_t i = 0; i < count; i++)
    if (parts[i].number == number)
      return true;
  return false;
}

static enum err_code
write_parts (struct json_write *w, struct api_call *call, const struct store_upload *upload, struct err *err)
{
  struct blob_part *parts = NULL;
  size_t count = 0;
  bool any = false;
  enum err_code code =
      blob_part_list (&parts, &count, call->service->blobs, &upload->upload_id, upload->store_upload.data, err);

  if (ERR_OK != code)
    return code;
  if (count > 0)
  {
    json_write_key (w, "parts");
    json_write_array (w);
    for (size_t i = 0; i < count; i++)
    {
      json_write_object (w);
      json_write_member_int64 (w, "part_number", parts[i].number);
      json_write_member_int64 (w, "size_bytes", parts[i].size_bytes);
      json_write_member_text (w, "etag", parts[i].etag);
      json_write_object_end (w);
    }
    json_write_array_end (w);
  }
  for (int number = 1; ERR_OK == code && number <= upload->part_count; number++)
  {
    /* Parts are sorted, and mostly the first ones are there. */
    if ((size_t)number <= count && parts[number - 1].number == number)
      continue;
    if (has_part (parts, count, number))
      continue;
    if (! any)
    {
      json_write_key (w, "credentials");
      json_write_array (w);
    }
    any = true;
    code = write_credential (w, call, upload, number, err);
  }
  if (any)
    json_write_array_end (w);
  free (parts);
  return code;
}

enum err_code
api_upload_get (struct api_call *call, struct err *err)
{
  char text[DIGEST_TEXT_BYTES];
  struct store_upload upload;
  struct json_write w;
  enum err_code code = find_upload (&upload, call, call->path_values[0], err);

  if (ERR_OK != code)
    return code;
  uuid_format (text, &upload.upload_id);
  api_reply_start (&w, call);
  json_write_member_text (&w, "upload_id", text);
  json_write_member_string (&w, "path", upload.path);
  json_write_member_int64 (&w, "num_parts", upload.part_count);
  json_write_member_int64 (&w, "created_at", upload.created_at_ms);
  json_write_member_int64 (&w, "expires_at", upload.expires_at_ms);
  json_write_member_bool (&w, "completed", upload.completed);
  digest_format (text, &upload.digest);
  if (upload.completed)
    json_write_member_text (&w, "sha256", text);
  else
    code = write_parts (&w, call, &upload, err);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

/* --- completing --------------------------------------------------------------------------------------------------- */

static int
compare_parts (const void *a, const void *b)
{
  const struct blob_part *left = a;
  const struct blob_part *right = b;

  return (left->number > right->number) - (left->number < right->number);
}

/* The parts that the client names, by number. */
static enum err_code
read_parts (struct blob_part **parts, struct api_call *call, const struct upload_request *request,
            const struct store_upload *upload, struct err *err)
{
  const struct part_request *given = request->parts.items;
  size_t count = request->parts.count;

  *parts = arena_array (call->arena, count, sizeof (struct blob_part));
  if (NULL == *parts)
    return out_of_memory (err);
  for (size_t i = 0; i < count; i++)
  {
    struct slice etag = given[i].etag;
    int64_t number = given[i].part_number.value;

    if (number < 1 || number > upload->part_count)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Invalid value %" PRId64 " for parameter 'parts[%zu].part_number' supplied: the upload has the "
                      "parts 1 to %" PRId32 ".",
                      number, i, upload->part_count);
    if (etag.len > 1 && '"' == etag.data[0] && '"' == etag.data[etag.len - 1])
      etag = (struct slice){ etag.data + 1, etag.len - 2 };
    if (etag.len >= sizeof ((*parts)[i].etag))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Part %" PRId64 " has another etag than '%.*s'.", number,
                      (int)sizeof ((*parts)[i].etag), etag.data);
    (*parts)[i].number = (int)number;
    memcpy ((*parts)[i].etag, etag.data, etag.len);
  }
  qsort (*parts, count, sizeof (struct blob_part), compare_parts);
  for (size_t i = 1; i < count; i++)
    if ((*parts)[i - 1].number == (*parts)[i].number)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Part %d is named twice.", (*parts)[i].number);
  return ERR_OK;
}

/* Together no more than one artifact may have. */
static enum err_code
check_size (struct api_call *call, const struct store_upload *upload, struct err *err)
{
  struct blob_part *parts = NULL;
  size_t count = 0;
  int64_t limit = call->service->config->max_artifact_bytes;
  int64_t left = limit;
  enum err_code code =
      blob_part_list (&parts, &count, call->service->blobs, &upload->upload_id, upload->store_upload.data, err);

  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    if (parts[i].size_bytes > left)
      code = err_set (err, ERR_REQUEST_TOO_LARGE, "The parts are together larger than the limit of %" PRId64 " bytes.",
                      limit);
    left -= parts[i].size_bytes;
  }
  free (parts);
  return code;
}

static enum err_code
complete (struct api_call *call, const struct store_upload *upload, const struct blob_part *parts, size_t count,
          struct err *err)
{
  struct blob_writer *writer = NULL;
  struct digest digest;
  int64_t size_bytes;
  enum err_code code = check_size (call, upload, err);

  if (ERR_OK == code)
    code = blob_upload_complete (&writer, &digest, &size_bytes, call->service->blobs, &upload->upload_id,
                                 upload->store_upload.data, parts, count, err);
  /* Hashing took as long as it took; what follows is quick again. */
  api_renew_budget (call);
  if (ERR_OK == code)
    code = artifact_link (call->connection, writer, upload->path, &digest, size_bytes, err);
  if (ERR_OK == code)
    code = store_upload_complete (call->connection, &upload->upload_id, &digest, err);
  blob_writer_free (writer);
  if (ERR_OK != code)
    return code;
  /* The file has its name. What stays of the parts is swept when the upload expires. */
  (void)blob_upload_drop (call->service->blobs, &upload->upload_id, upload->store_upload.data, NULL);
  artifact_etag_header (call, &digest);
  return ERR_OK;
}

enum err_code
api_upload_complete (struct api_call *call, struct err *err)
{
  struct upload_request request;
  struct store_upload upload;
  struct blob_part *parts;
  struct slice path;
  enum err_code code = api_decode (&request, call, &complete_schema, err);

  if (ERR_OK == code && (0 == request.parts.count || request.parts.count > BLOB_PARTS_MAX))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "parts has %zu items; it must have from 1 to %d.",
                    request.parts.count, BLOB_PARTS_MAX);
  if (ERR_OK == code)
    code = api_upload_path (&path, call, request.path, err);
  if (ERR_OK == code)
    code = find_upload (&upload, call, request.upload_id, err);
  if (ERR_OK == code && ! slice_equal (path, upload.path))
    code = no_upload (request.upload_id, err);
  if (ERR_OK == code)
    code = read_parts (&parts, call, &request, &upload, err);
  if (ERR_OK == code && upload.completed)
    artifact_etag_header (call, &upload.digest);
  else if (ERR_OK == code)
    code = complete (call, &upload, parts, request.parts.count, err);
  return code;
}

enum err_code
api_upload_abort (struct api_call *call, struct err *err)
{
  struct upload_request request;
  struct store_upload upload;
  struct slice path;
  bool removed;
  enum err_code code = api_decode (&request, call, &abort_schema, err);

  if (ERR_OK == code)
    code = api_upload_path (&path, call, request.path, err);
  if (ERR_OK == code)
    code = find_upload (&upload, call, request.upload_id, err);
  if (ERR_OK == code && ! slice_equal (path, upload.path))
    code = no_upload (request.upload_id, err);
  if (ERR_OK == code && ! upload.completed)
    code = blob_upload_drop (call->service->blobs, &upload.upload_id, upload.store_upload.data, err);
  return ERR_OK == code ? store_upload_remove (&removed, call->connection, &upload.upload_id, err) : code;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static enum err_code
begin_part (struct artifact_receiving *receiving, struct api_call *call, struct err *err)
{
  struct artifact_permission permission = { .kind = ARTIFACT_MAY_PUT_PART };
  struct slice number = call->path_values[1];
  enum err_code code;

  for (size_t i = 0; i < number.len && permission.number <= BLOB_PARTS_MAX; i++)
    permission.number = number.data[i] >= '0' && number.data[i] <= '9' ? permission.number * 10 + (number.data[i] - '0')
                                                                       : BLOB_PARTS_MAX + 1;
  if (! uuid_parse (&permission.upload_id, call->path_values[0]))
    return no_upload (call->path_values[0], err);
  if (permission.number < 1 || permission.number > BLOB_PARTS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The number of a part must be from 1 to %d.", BLOB_PARTS_MAX);
  code = artifact_permission_check (&permission, call, err);
  if (receiving->limit_bytes > permission.size_bytes)
    receiving->limit_bytes = permission.size_bytes;
  return ERR_OK == code
             ? blob_part_start (&receiving->writer, call->service->blobs, &permission.upload_id, permission.number, err)
             : code;
}

enum err_code
api_upload_part_take (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;

  return artifact_receive (&receiving, call, begin_part, err);
}

enum err_code
api_upload_part (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;
  struct digest digest;
  int64_t size_bytes;
  enum err_code code = artifact_receive (&receiving, call, begin_part, err);

  if (ERR_OK == code)
    code = artifact_receive_end (&digest, &size_bytes, receiving, err);
  if (ERR_OK == code)
    code = blob_publish (receiving->writer, err);
  if (ERR_OK == code)
    artifact_etag_header (call, &digest);
  return code;
}
