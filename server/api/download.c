/* Downloads: directories as archives and single files, for programs that fetch models. Source: docs/api/download.md. */
#include "api/download.h"

#include "api/artifact_owner.h"
#include "api/artifact_path.h"
#include "api/artifact_send.h"
#include "api/decode.h"
#include "artifact/archive_stream.h"

#define MODEL_PREFIX "m-"
#define RUNS "runs"
#define MODELS "models"

/* --- archives ---------------------------------------------------------------------------------------------------- */

static void
drop_archive (struct api_call *call)
{
  archive_stream_free (call->stream);
  call->stream = NULL;
}

static enum err_code
more_archive (struct api_call *call, struct err *err)
{
  bool ended;
  enum err_code code = archive_stream_next (&ended, &call->reply, call->stream, call->connection, err);

  if (ERR_OK == code && ended)
    call->more = NULL;
  return code;
}

/* What the archive of all artifacts of an owner is called: the id, that of a version with a dash. */
static struct slice
archive_name (const struct artifact_owner *owner, struct api_call *call)
{
  char *name = arena_string (call->arena, owner->is.id);
  char *slash = NULL == name ? NULL : strchr (name, '/');

  if (NULL != slash)
    *slash = '-';
  return slice_of (name);
}

/* Answer with the directory `path` of an owner. */
static enum err_code
send_archive (struct api_call *call, const struct artifact_owner *owner, struct slice path, enum archive_format format,
              struct err *err)
{
  struct archive_stream *stream;
  struct slice name = 0 == path.len ? archive_name (owner, call) : path;
  struct slice disposition;
  struct slice directory;
  enum err_code code = artifact_path_join (&directory, owner->root, path, call->arena, err);

  if (ERR_OK == code)
    code = artifact_disposition (
        &disposition, slice_of (arena_printf (call->arena, "%.*s.%s", SLICE_ARG (name), archive_extension (format))),
        call->arena, err);
  if (ERR_OK != code)
    return code;
  code = archive_stream_open (&stream, &call->stream_bytes, call->connection, call->service->blobs, format, directory,
                              err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "There is no directory '%.*s' with files among the artifacts of %s %.*s.",
                    SLICE_ARG (path), artifact_owner_word (owner->is.kind), SLICE_ARG (owner->is.id));
  if (ERR_OK != code)
    return code;
  call->stream = stream;
  call->drop = drop_archive;
  call->more = more_archive;
  call->type = archive_media_type (format);
  api_header (call, "Content-Disposition", disposition);
  return more_archive (call, err);
}

/* --- /download/... ----------------------------------------------------------------------------------------------- */

/* What a path below /download means. */
struct target
{
  enum store_owner_kind kind;
  struct slice id; /* of a version the name of its registered model */
  struct slice version; /* its number, or an alias */
  struct slice path; /* below the artifacts of the run, model or version */
  bool is_whole; /* all of them: the format stood behind the id */
  enum archive_format format;
};

static struct slice
take_segment (struct slice *rest)
{
  const char *slash = 0 == rest->len ? NULL : memchr (rest->data, '/', rest->len);
  struct slice segment = { rest->data, NULL == slash ? rest->len : (size_t)(slash - rest->data) };

  *rest = NULL == slash ? (struct slice){ "", 0 } : (struct slice){ slash + 1, rest->len - segment.len - 1 };
  return segment;
}

static enum err_code
unknown_target (struct slice text, struct err *err)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                  "There is nothing to download as '%.*s': behind /download/ comes the id of a logged model, runs/ and "
                  "the id of a run, or models/, the name of a registered model, / and a version or an alias.",
                  SLICE_ARG (text));
}

static bool
is_model_id (struct slice id)
{
  return id.len >= sizeof (MODEL_PREFIX) && 0 == memcmp (id.data, MODEL_PREFIX, sizeof (MODEL_PREFIX) - 1);
}

/* Take a path apart. */
static enum err_code
read_target (struct target *target, struct slice text, struct err *err)
{
  struct slice rest = text;
  struct slice *last = &target->id;

  *target = (struct target){ .kind = STORE_OWNER_MODEL, .id = take_segment (&rest) };
  if (slice_is (target->id, RUNS))
    target->kind = STORE_OWNER_RUN;
  else if (slice_is (target->id, MODELS))
    target->kind = STORE_OWNER_VERSION;
  if (STORE_OWNER_MODEL != target->kind)
    target->id = take_segment (&rest);
  if (STORE_OWNER_VERSION == target->kind)
  {
    target->version = take_segment (&rest);
    last = &target->version;
  }
  target->path = rest;
  if (0 == target->id.len || 0 == last->len || (STORE_OWNER_MODEL == target->kind && ! is_model_id (target->id)))
    return unknown_target (text, err);
  if (rest.len > 0)
    return ERR_OK;
  target->is_whole = archive_format_of (&target->format, last, *last);
  if (target->is_whole)
    return ERR_OK;
  return err_set (
      err, ERR_RESOURCE_DOES_NOT_EXIST,
      "'%.*s' is a directory: put .tar, .tar.gz or .zip behind it to download it as an archive, or the path "
      "of a file.",
      SLICE_ARG (text));
}

/* A type that programs believe which look at the name: KServe's storage initialiser unpacks what its name says to be an
   archive, and takes it under such a type only; everything else it takes under application/octet-stream only. */
static void
name_type (struct api_call *call, struct slice path)
{
  static const char *const tars[] = { ".tar.bz2", ".tbz2", ".tar.xz", ".txz" };
  enum archive_format format;
  struct slice stem;

  if (NULL == call->type)
    return;
  if (archive_format_of (&format, &stem, path))
    call->type = archive_media_type (format);
  for (size_t i = 0; i < sizeof (tars) / sizeof (tars[0]); i++)
  {
    struct slice suffix = slice_of (tars[i]);

    if (path.len > suffix.len && 0 == memcmp (path.data + path.len - suffix.len, suffix.data, suffix.len))
      call->type = archive_media_type (ARCHIVE_TAR);
  }
}

/* A file of that name comes before a directory whose archive would have it. */
static enum err_code
send_path (struct api_call *call, const struct artifact_owner *owner, struct slice path, struct err *err)
{
  struct store_artifact artifact;
  enum archive_format format;
  struct slice directory;
  struct slice full;
  enum err_code code = artifact_path_join (&full, owner->root, path, call->arena, err);

  if (ERR_OK == code)
    code = store_artifact_get (&artifact, call->connection, full, call->arena, err);
  if (ERR_OK == code)
  {
    code = artifact_send (call, &artifact, ARTIFACT_TYPE_BINARY, err);
    name_type (call, path);
    return code;
  }
  if (ERR_RESOURCE_DOES_NOT_EXIST != code)
    return code;
  if (archive_format_of (&format, &directory, path))
    return send_archive (call, owner, directory, format, err);
  return err_set (
      err, code,
      "There is no file '%.*s' among the artifacts of %s %.*s; a directory is downloaded with .tar, .tar.gz "
      "or .zip behind its name.",
      SLICE_ARG (path), artifact_owner_word (owner->is.kind), SLICE_ARG (owner->is.id));
}

enum err_code
api_download_target (struct slice *id, enum store_owner_kind *kind, struct api_call *call, struct err *err)
{
  struct target target = { .kind = STORE_OWNER_RUN };
  struct slice text;
  enum err_code code = artifact_path_check (&text, call->path_values[0], "target", false, call->arena, err);

  if (ERR_OK == code)
    code = read_target (&target, text, err);
  *id = target.id;
  *kind = target.kind;
  return code;
}

static enum err_code
find_owner (struct artifact_owner *owner, const struct target *target, struct api_call *call, struct err *err)
{
  if (STORE_OWNER_VERSION == target->kind)
    return artifact_owner_version (owner, call, target->id, target->version, err);
  return STORE_OWNER_RUN == target->kind ? artifact_owner_run (owner, call, target->id, err)
                                         : artifact_owner_model (owner, call, target->id, err);
}

enum err_code
api_download (struct api_call *call, struct err *err)
{
  struct artifact_owner owner;
  struct target target;
  struct slice text;
  enum err_code code = artifact_path_check (&text, call->path_values[0], "target", false, call->arena, err);

  if (ERR_OK == code)
    code = read_target (&target, text, err);
  if (ERR_OK == code)
    code = find_owner (&owner, &target, call, err);
  if (ERR_OK != code)
    return code;
  if (target.is_whole)
    return send_archive (call, &owner, (struct slice){ "", 0 }, target.format, err);
  return send_path (call, &owner, target.path, err);
}

/* --- /artifacts/archive ------------------------------------------------------------------------------------------ */

struct archive_request
{
  struct slice run_id;
  struct slice model_id;
  struct slice path;
  struct slice format;
};

static const struct field archive_fields[] = {
  { .name = "run_id",
    .type = FIELD_STRING,
    .offset = offsetof (struct archive_request, run_id),
    .deprecated_name = "run_uuid" },
  { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct archive_request, model_id) },
  { .name = "path", .type = FIELD_STRING, .offset = offsetof (struct archive_request, path) },
  { .name = "format", .type = FIELD_STRING, .offset = offsetof (struct archive_request, format) },
};

static const struct schema archive_schema = SCHEMA (archive_fields, struct archive_request);

static enum err_code
read_format (enum archive_format *format, struct slice text, struct arena *arena, struct err *err)
{
  *format = ARCHIVE_ZIP;
  if (! slice_filled (text))
    return ERR_OK;
  for (int i = 0; i < ARCHIVE_FORMAT_COUNT; i++)
    if (slice_is (text, archive_extension ((enum archive_format)i)))
    {
      *format = (enum archive_format)i;
      return ERR_OK;
    }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid value %s for parameter 'format' supplied: it must be one of tar, tar.gz, zip.",
                  api_python_string (text, arena));
}

enum err_code
api_artifact_archive (struct api_call *call, struct err *err)
{
  struct archive_request request;
  enum archive_format format;
  struct artifact_owner owner;
  struct slice path;
  enum err_code code = api_decode (&request, call, &archive_schema, err);

  if (ERR_OK == code)
    code = read_format (&format, request.format, call->arena, err);
  if (ERR_OK == code)
    code = artifact_path_check (&path, request.path, "path", true, call->arena, err);
  if (ERR_OK == code && slice_filled (request.run_id) == slice_filled (request.model_id))
    code =
        err_set (err, ERR_INVALID_PARAMETER_VALUE, "Give either 'run_id' or 'model_id', whose artifacts to archive.");
  if (ERR_OK == code)
    code = slice_filled (request.run_id) ? artifact_owner_run (&owner, call, request.run_id, err)
                                         : artifact_owner_model (&owner, call, request.model_id, err);
  return ERR_OK == code ? send_archive (call, &owner, path, format, err) : code;
}
