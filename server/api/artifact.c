/* Artifacts: files are read, written and removed. */
#include "api/artifact.h"

#include "api/artifact_owner.h"
#include "api/artifact_path.h"
#include "api/artifact_root.h"
#include "api/artifact_send.h"
#include "api/decode.h"
#include "api/gate.h"
#include "artifact/link.h"
#include "base/clock.h"

/* What upload-artifact takes; MLflow's limit. */
#define UPLOAD_MAX_BYTES ((int64_t)10 * 1024 * 1024)

/* --- reading ------------------------------------------------------------------------------------------------------ */

static enum err_code
note_one (void *context, const struct store_artifact *artifact, struct err *err)
{
  bool *any = context;

  (void)artifact;
  (void)err;
  *any = true;
  return ERR_OK;
}

enum err_code
api_artifact_find (struct store_artifact *artifact, struct api_call *call, struct slice path, struct err *err)
{
  bool is_directory = false;
  enum err_code code = store_artifact_get (artifact, call->connection, path, call->arena, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST != code)
    return code;
  code = store_artifact_tree (call->connection, path, (struct slice){ NULL, 0 }, 1, note_one, &is_directory,
                              call->arena, err);
  if (ERR_OK != code)
    return code;
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                  is_directory ? "No such artifact: '%.*s' is a directory, not a file." : "No such artifact: '%.*s'",
                  SLICE_ARG (path));
}

enum err_code
api_artifact_answer (struct api_call *call, struct slice path, struct err *err)
{
  struct store_artifact artifact;
  enum err_code code = api_artifact_find (&artifact, call, path, err);

  return ERR_OK == code ? artifact_send (call, &artifact, ARTIFACT_TYPE_GUESSED, err) : code;
}

enum err_code
api_artifact_get (struct api_call *call, struct err *err)
{
  struct slice path;
  enum err_code code = artifact_path_check (&path, call->path_values[0], "path", false, call->arena, err);

  return ERR_OK == code ? api_artifact_answer (call, path, err) : code;
}

struct get_request
{
  struct slice run_id;
  struct slice path;
};

enum err_code
api_artifact_get_of_run (struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "run_id",
      .type = FIELD_STRING,
      .flags = FIELD_REQUIRED,
      .offset = offsetof (struct get_request, run_id),
      .deprecated_name = "run_uuid" },
    { .name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct get_request, path) },
  };
  static const struct schema schema = SCHEMA (fields, struct get_request);
  struct get_request request;
  struct artifact_root root;
  struct slice relative;
  struct slice path;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code)
    code = artifact_root_of_run (&root, call, request.run_id, err);
  if (ERR_OK == code)
    code = artifact_root_path (&path, &relative, &root, request.path, "path", false, call->arena, err);
  return ERR_OK == code ? api_artifact_answer (call, path, err) : code;
}

enum err_code
api_artifact_get_of_model (struct api_call *call, struct err *err)
{
  static const struct field fields[] = { { .name = "artifact_file_path", .type = FIELD_STRING, .offset = 0 } };
  static const struct schema schema = SCHEMA (fields, struct slice);
  struct artifact_root root;
  struct slice relative;
  struct slice given;
  struct slice path;
  enum err_code code = api_decode (&given, call, &schema, err);

  if (ERR_OK == code && 0 == given.len)
    code = err_set (err, ERR_BAD_REQUEST, "Request must include the \"artifact_file_path\" query parameter.");
  if (ERR_OK == code)
    code = artifact_root_of_model (&root, call, call->path_values[0], err);
  if (ERR_OK == code)
    code = artifact_root_path (&path, &relative, &root, given, "artifact_file_path", false, call->arena, err);
  return ERR_OK == code ? api_artifact_answer (call, path, err) : code;
}

enum err_code
api_artifact_get_of_version (struct api_call *call, struct err *err)
{
  struct version_file
  {
    struct slice name;
    struct slice version;
    struct slice path;
  };
  static const struct field fields[] = {
    { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct version_file, name) },
    { .name = "version",
      .type = FIELD_STRING,
      .flags = FIELD_REQUIRED,
      .offset = offsetof (struct version_file, version) },
    { .name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct version_file, path) },
  };
  static const struct schema schema = SCHEMA (fields, struct version_file);
  struct version_file request;
  struct artifact_owner owner;
  struct artifact_root root;
  struct slice relative;
  struct slice path;
  enum err_code code = api_decode (&request, call, &schema, err);

  if (ERR_OK == code)
    code = artifact_owner_version (&owner, call, request.name, request.version, err);
  if (ERR_OK != code)
    return code;
  root = (struct artifact_root){ owner.is.artifact_uri, owner.root };
  code = artifact_root_path (&path, &relative, &root, request.path, "path", false, call->arena, err);
  return ERR_OK == code ? api_artifact_answer (call, path, err) : code;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

enum err_code
api_artifact_store (struct artifact_receiving *receiving, struct api_call *call, struct err *err)
{
  struct digest digest;
  int64_t size_bytes;
  enum err_code code = artifact_receive_end (&digest, &size_bytes, receiving, err);

  if (ERR_OK != code)
    return code;
  /* A slow disk has used up some of the time by now. */
  api_renew_budget (call);
  code = artifact_link (call->connection, receiving->writer, receiving->path, &digest, size_bytes, err);
  if (ERR_OK == code)
    artifact_etag_header (call, &digest);
  return code;
}

static enum err_code
begin_put (struct artifact_receiving *receiving, struct api_call *call, struct err *err)
{
  enum err_code code = artifact_path_check (&receiving->path, call->path_values[0], "path", false, call->arena, err);

  return ERR_OK == code ? blob_write_start (&receiving->writer, call->service->blobs, err) : code;
}

enum err_code
api_artifact_put_take (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;

  return artifact_receive (&receiving, call, begin_put, err);
}

enum err_code
api_artifact_put (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;
  enum err_code code = artifact_receive (&receiving, call, begin_put, err);

  return ERR_OK == code ? api_artifact_store (receiving, call, err) : code;
}

static enum err_code
begin_upload (struct artifact_receiving *receiving, struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "run_uuid",
      .type = FIELD_STRING,
      .offset = offsetof (struct get_request, run_id),
      .deprecated_name = "run_id" },
    { .name = "path", .type = FIELD_STRING, .offset = offsetof (struct get_request, path) },
  };
  static const struct schema schema = SCHEMA (fields, struct get_request);
  struct get_request request;
  struct artifact_root root;
  struct slice relative;
  enum err_code code;

  /* The body is the file, so the arguments of this POST stand in its query. */
  call->arguments_in_query = true;
  code = api_decode (&request, call, &schema, err);
  if (ERR_OK == code && 0 == request.run_id.len)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Request must specify run_uuid.");
  if (ERR_OK == code && 0 == request.path.len)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Request must specify path.");
  if (ERR_OK == code)
    code = artifact_root_of_run (&root, call, request.run_id, err);
  if (ERR_OK == code)
    code = artifact_root_path (&receiving->path, &relative, &root, request.path, "path", false, call->arena, err);
  if (ERR_OK == code)
    code = blob_write_start (&receiving->writer, call->service->blobs, err);
  if (receiving->limit_bytes > UPLOAD_MAX_BYTES)
    receiving->limit_bytes = UPLOAD_MAX_BYTES;
  return code;
}

enum err_code
api_artifact_upload_take (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;

  return artifact_receive (&receiving, call, begin_upload, err);
}

enum err_code
api_artifact_upload (struct api_call *call, struct err *err)
{
  struct artifact_receiving *receiving;
  enum err_code code = artifact_receive (&receiving, call, begin_upload, err);

  if (ERR_OK == code && 0 == receiving->received_bytes)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Request must specify data.");
  return ERR_OK == code ? api_artifact_store (receiving, call, err) : code;
}

/* Below a directory that belongs to no experiment may be those of many, whose rights nobody has looked at. */
static enum err_code
check_tree (struct api_call *call, struct slice path, struct err *err)
{
  bool is_directory = false;
  enum err_code code;

  if (call->pass->who.has_all_objects || call->pass->experiment_id >= 0)
    return ERR_OK;
  code = store_artifact_tree (call->connection, path, (struct slice){ NULL, 0 }, 1, note_one, &is_directory,
                              call->arena, err);
  if (ERR_OK == code && is_directory)
    code =
        err_set (err, ERR_PERMISSION_DENIED,
                 "Permission denied: '%.*s' is a directory that belongs to no experiment; only administrators remove "
                 "such as a whole.",
                 SLICE_ARG (path));
  return code;
}

enum err_code
api_artifact_delete (struct api_call *call, struct err *err)
{
  struct slice path;
  int64_t count;
  enum err_code code = artifact_path_check (&path, call->path_values[0], "path", false, call->arena, err);

  if (ERR_OK == code)
    code = check_tree (call, path, err);
  return ERR_OK == code ? store_artifact_delete (&count, call->connection, path, clock_wall_ms (), err) : code;
}
