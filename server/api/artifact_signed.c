/* URLs that carry their own permission.

   DESIGN
   What a URL permits is all in it: its path and query, and a signature over both in one fixed order, separated by line
   ends, which no path that we sign holds. So the server keeps nothing about URLs that it gave away, any daemon of the
   database can check those of another, and nobody can widen one. A URL for reading names the content too: parts of a
   file that are fetched one by one belong together, whatever becomes of the name meanwhile. */
#include "api/artifact_signed.h"

#include "api/artifact.h"
#include "api/artifact_path.h"
#include "api/artifact_root.h"
#include "api/artifact_send.h"
#include "api/decode.h"
#include "api/json.h"
#include "api/public_url.h"
#include "api/route.h"
#include "artifact/sign.h"
#include "base/clock.h"
#include "base/url.h"

#include <inttypes.h>
#include <strings.h>

/* The longest that S3 takes, and MLflow's limit: a week. */
#define EXPIRATION_MAX_S 604800

/* What MLflow takes when a request for an upload URL names none. */
#define UPLOAD_EXPIRATION_S 900

/* A URL: three bytes for each of a path, and all else. */
#define URL_MAX_BYTES ((size_t)16 * 1024)

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

/* --- signing ------------------------------------------------------------------------------------------------------ */

/* Everything that the permission is bound to. */
static enum err_code
sign (char signature[ARTIFACT_SIGNATURE_BYTES], struct api_call *call, const struct artifact_permission *permission,
      struct err *err)
{
  char digest[DIGEST_TEXT_BYTES];
  char upload[UUID_TEXT_BYTES];
  const char *text = NULL;

  digest_format (digest, &permission->digest);
  uuid_format (upload, &permission->upload_id);
  switch (permission->kind)
  {
  case ARTIFACT_MAY_GET:
    text = arena_printf (call->arena, "GET\n%.*s\n%" PRId64 "\n%" PRId64 "\n%s", SLICE_ARG (permission->path),
                         permission->expires_s, permission->size_bytes, digest);
    break;
  case ARTIFACT_MAY_PUT:
    text = arena_printf (call->arena, "PUT\n%.*s\n%" PRId64 "\n%" PRId64, SLICE_ARG (permission->path),
                         permission->expires_s, permission->size_bytes);
    break;
  case ARTIFACT_MAY_PUT_PART:
    text = arena_printf (call->arena, "PART\n%s\n%d\n%" PRId64 "\n%" PRId64, upload, permission->number,
                         permission->expires_s, permission->size_bytes);
    break;
  }
  if (NULL == text)
    return out_of_memory (err);
  return artifact_sign_url (signature, call->service->signing_keys, call->connection, slice_of (text), err);
}

/* How clients reach the server, up to the prefix of the API. */
static enum err_code
append_base (struct buffer *url, const struct api_call *call, struct err *err)
{
  enum err_code code = api_public_url (url, call, "A signed URL", err);

  if (ERR_OK == code)
    buffer_text (url, route_prefix_paths (PREFIX_TALLY)[0]);
  return code;
}

static void
append_path (struct buffer *url, struct slice path)
{
  struct slice rest = path;
  struct slice segment;

  buffer_text (url, "/signed");
  /* The first segment too stands behind a slash here. */
  while (rest.len > 0)
  {
    const char *slash = memchr (rest.data, '/', rest.len);

    segment = (struct slice){ rest.data, NULL == slash ? rest.len : (size_t)(slash - rest.data) };
    buffer_byte (url, '/');
    url_encode (url, segment);
    rest = (struct slice){ rest.data + segment.len, rest.len - segment.len };
    if (rest.len > 0)
      rest = (struct slice){ rest.data + 1, rest.len - 1 };
  }
}

enum err_code
artifact_permission_url (struct slice *url, struct api_call *call, const struct artifact_permission *permission,
                         struct err *err)
{
  char signature[ARTIFACT_SIGNATURE_BYTES];
  char text[DIGEST_TEXT_BYTES > UUID_TEXT_BYTES ? DIGEST_TEXT_BYTES : UUID_TEXT_BYTES];
  struct buffer out;
  enum err_code code = sign (signature, call, permission, err);

  if (ERR_OK != code)
    return code;
  buffer_init (&out, URL_MAX_BYTES);
  code = append_base (&out, call, err);
  uuid_format (text, &permission->upload_id);
  if (ARTIFACT_MAY_PUT_PART == permission->kind)
    buffer_printf (&out, "/uploads/%s/parts/%d", text, permission->number);
  else
    append_path (&out, permission->path);
  buffer_printf (&out, "?expires=%" PRId64 "&size=%" PRId64, permission->expires_s, permission->size_bytes);
  digest_format (text, &permission->digest);
  if (ARTIFACT_MAY_GET == permission->kind)
    buffer_printf (&out, "&sha256=%s", text);
  buffer_printf (&out, "&signature=%s", signature);
  *url = (struct slice){ out.failed ? NULL : arena_copy (call->arena, out.data, out.len), out.len };
  buffer_free (&out);
  return ERR_OK == code && NULL == url->data ? out_of_memory (err) : code;
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

struct signed_query
{
  struct optional_int64 expires;
  struct optional_int64 size;
  struct slice sha256;
  struct slice signature;
};

static const struct field signed_fields[] = {
  { .name = "expires", .type = FIELD_INT64, .offset = offsetof (struct signed_query, expires) },
  { .name = "size", .type = FIELD_INT64, .offset = offsetof (struct signed_query, size) },
  { .name = "sha256", .type = FIELD_STRING, .offset = offsetof (struct signed_query, sha256) },
  { .name = "signature", .type = FIELD_STRING, .offset = offsetof (struct signed_query, signature) },
};
static const struct schema signed_schema = SCHEMA (signed_fields, struct signed_query);

enum err_code
artifact_permission_check (struct artifact_permission *permission, struct api_call *call, struct err *err)
{
  char signature[ARTIFACT_SIGNATURE_BYTES];
  struct signed_query query;
  enum err_code code;

  /* The body, if any, is the file. */
  call->arguments_in_query = true;
  code = api_decode (&query, call, &signed_schema, err);
  if (ERR_OK != code)
    return code;
  if (! query.expires.present || ! query.size.present || 0 == query.signature.len
      || (ARTIFACT_MAY_GET == permission->kind && ! digest_parse (&permission->digest, query.sha256)))
    return err_set (err, ERR_PERMISSION_DENIED, "This URL needs a signature; ask for a signed one.");
  permission->expires_s = query.expires.value;
  permission->size_bytes = query.size.value;
  code = sign (signature, call, permission, err);
  if (ERR_OK != code)
    return code;
  if (! artifact_signature_equal (signature, query.signature))
    return err_set (err, ERR_PERMISSION_DENIED, "The signature does not belong to this URL.");
  if (clock_wall_ms () / 1000 >= permission->expires_s)
    return err_set (err, ERR_PERMISSION_DENIED, "The signed URL has expired; ask for another one.");
  return ERR_OK;
}

/* --- the URLs themselves ------------------------------------------------------------------------------------------ */

enum err_code
api_artifact_signed_get (struct api_call *call, struct err *err)
{
  struct artifact_permission permission = { .kind = ARTIFACT_MAY_GET, .path = call->path_values[0] };
  struct store_artifact artifact;
  enum err_code code = artifact_permission_check (&permission, call, err);

  if (ERR_OK == code)
    code = store_artifact_get (&artifact, call->connection, permission.path, call->arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code || (ERR_OK == code && ! digest_equal (&artifact.digest, &permission.digest)))
    return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                    "The file was removed or replaced after the URL had been signed; ask for another one.");
  return ERR_OK == code ? artifact_send (call, &artifact, ARTIFACT_TYPE_GUESSED, err) : code;
}

static enum err_code
begin_signed (struct artifact_receiving *receiving, struct api_call *call, struct err *err)
{
  struct artifact_permission permission = { .kind = ARTIFACT_MAY_PUT, .path = call->path_values[0] };
  enum err_code code = artifact_permission_check (&permission, call, err);

  receiving->path = permission.path;
  if (receiving->limit_bytes > permission.size_bytes)
    receiving->limit_bytes = permission.size_bytes;
  return ERR_OK == code ? blob_write_start (&receiving->writer, call->service->blobs, err) : code;
}

enum err_code
api_artifact_signed_take (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;

  return artifact_receive (&receiving, call, begin_signed, err);
}

enum err_code
api_artifact_signed_put (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;
  enum err_code code = artifact_receive (&receiving, call, begin_signed, err);

  return ERR_OK == code ? api_artifact_store (receiving, call, err) : code;
}

/* --- giving URLs away --------------------------------------------------------------------------------------------- */

enum err_code
artifact_expiration (int64_t *seconds, bool given, int64_t asked, int64_t fallback_s, struct err *err)
{
  *seconds = given ? asked : fallback_s;
  if (*seconds < 1 || *seconds > EXPIRATION_MAX_S)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "expiration must be between 1 and %d seconds (got %" PRId64 ").",
                    EXPIRATION_MAX_S, *seconds);
  return ERR_OK;
}

/* A URL to read a file: the store's own, when it has such. */
static enum err_code
url_of_file (struct slice *url, struct api_call *call, const struct store_artifact *artifact, int64_t expires_s,
             struct err *err)
{
  struct artifact_permission permission = { .kind = ARTIFACT_MAY_GET,
                                            .expires_s = clock_wall_ms () / 1000 + expires_s,
                                            .size_bytes = artifact->size_bytes,
                                            .path = artifact->path,
                                            .digest = artifact->digest };
  struct slice disposition;
  struct buffer direct;
  enum err_code code = artifact_disposition (&disposition, artifact->path, call->arena, err);

  if (ERR_OK != code)
    return code;
  buffer_init (&direct, URL_MAX_BYTES);
  code = blob_url (&direct, call->service->blobs, &artifact->digest, (int)expires_s, disposition,
                   slice_of (artifact_media_type (artifact->path)), err);
  if (ERR_OK == code && direct.len > 0)
  {
    *url = slice_of (arena_copy (call->arena, direct.data, direct.len));
    code = NULL == url->data ? out_of_memory (err) : ERR_OK;
  }
  else if (ERR_OK == code)
    code = artifact_permission_url (url, call, &permission, err);
  buffer_free (&direct);
  return code;
}

static enum err_code
write_url (struct api_call *call, const char *name, struct slice url, const struct store_artifact *artifact,
           struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  json_write_member_string (&w, name, url);
  json_write_key (&w, "headers");
  json_write_object (&w);
  json_write_object_end (&w);
  if (NULL != artifact)
    json_write_member_int64 (&w, "file_size", artifact->size_bytes);
  return api_reply_end (&w, call, err);
}

enum err_code
api_artifact_presigned (struct api_call *call, struct err *err)
{
  struct store_artifact artifact;
  struct slice path;
  struct slice url;
  enum err_code code = artifact_path_check (&path, call->path_values[0], "path", false, call->arena, err);

  if (ERR_OK == code)
    code = api_artifact_find (&artifact, call, path, err);
  if (ERR_OK == code)
    code = url_of_file (&url, call, &artifact, call->service->config->signed_url_ttl_s, err);
  return ERR_OK == code ? write_url (call, "url", url, &artifact, err) : code;
}

struct presigned_request
{
  struct slice run_id;
  struct slice model_id;
  struct slice path;
  struct optional_int64 expiration;
};

enum err_code
api_artifact_presigned_download_url (struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "run_id",
      .type = FIELD_STRING,
      .flags = FIELD_REQUIRED,
      .offset = offsetof (struct presigned_request, run_id) },
    { .name = "path",
      .type = FIELD_STRING,
      .flags = FIELD_REQUIRED,
      .offset = offsetof (struct presigned_request, path) },
    { .name = "expiration", .type = FIELD_INT64, .offset = offsetof (struct presigned_request, expiration) },
  };
  static const struct schema schema = SCHEMA (fields, struct presigned_request);
  struct presigned_request request;
  struct store_artifact artifact;
  struct artifact_root root;
  struct slice relative;
  struct slice path;
  struct slice url;
  int64_t seconds = 0;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code)
    code = artifact_expiration (&seconds, request.expiration.present, request.expiration.value,
                                call->service->config->signed_url_ttl_s, err);
  if (ERR_OK == code)
    code = artifact_root_of_run (&root, call, request.run_id, err);
  if (ERR_OK == code)
    code = artifact_root_path (&path, &relative, &root, request.path, "path", false, call->arena, err);
  if (ERR_OK == code)
    code = api_artifact_find (&artifact, call, path, err);
  if (ERR_OK == code)
    code = url_of_file (&url, call, &artifact, seconds, err);
  return ERR_OK == code ? write_url (call, "presigned_url", url, &artifact, err) : code;
}

enum err_code
api_artifact_presigned_upload_url (struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "run_id", .type = FIELD_STRING, .offset = offsetof (struct presigned_request, run_id) },
    { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct presigned_request, model_id) },
    { .name = "path",
      .type = FIELD_STRING,
      .flags = FIELD_REQUIRED,
      .offset = offsetof (struct presigned_request, path) },
    { .name = "expiration", .type = FIELD_INT64, .offset = offsetof (struct presigned_request, expiration) },
  };
  static const struct schema schema = SCHEMA (fields, struct presigned_request);
  struct artifact_permission permission = { .kind = ARTIFACT_MAY_PUT,
                                            .size_bytes = call->service->config->max_artifact_bytes };
  struct presigned_request request;
  struct artifact_root root;
  struct slice relative;
  struct slice url;
  int64_t seconds = 0;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code && (request.run_id.len > 0) == (request.model_id.len > 0))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Exactly one of run_id and model_id must be provided.");
  if (ERR_OK == code)
    code =
        artifact_expiration (&seconds, request.expiration.present, request.expiration.value, UPLOAD_EXPIRATION_S, err);
  if (ERR_OK == code)
    code = request.run_id.len > 0 ? artifact_root_of_run (&root, call, request.run_id, err)
                                  : artifact_root_of_model (&root, call, request.model_id, err);
  if (ERR_OK == code)
    code = artifact_root_path (&permission.path, &relative, &root, request.path, "path", false, call->arena, err);
  permission.expires_s = clock_wall_ms () / 1000 + seconds;
  if (ERR_OK == code)
    code = artifact_permission_url (&url, call, &permission, err);
  return ERR_OK == code ? write_url (call, "presigned_url", url, NULL, err) : code;
}
