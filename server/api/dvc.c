/* A remote for DVC: what its HTTP client asks for (GET, HEAD, POST, PUT), as artifacts below dvc/<name>/, or in another
   workspace than default below workspaces/<workspace>/dvc/<name>/.
   Source: docs/api/dvc.md. */
#include "api/dvc.h"

#include "api/artifact_path.h"
#include "api/artifact_send.h"
#include "api/gate.h"
#include "artifact/dvc.h"
#include "artifact/link.h"
#include "store/workspace.h"

#include <stdlib.h>

#define DIRECTORY "dvc"

/* An upload on its way. */
struct dvc_upload
{
  struct blob_writer *writer;
  struct dvc_hash *hash;
  struct dvc_name name;
};

static void
drop_upload (struct api_call *call)
{
  struct dvc_upload *upload = call->stream;

  if (NULL == upload)
    return;
  blob_writer_free (upload->writer);
  dvc_hash_free (upload->hash);
  free (upload);
  call->stream = NULL;
}

/* The path from the root of the store, and what the name says. */
static enum err_code
read_name (struct slice *path, struct dvc_name *name, struct api_call *call, struct err *err)
{
  struct slice remote = call->path_values[0];
  struct slice directory = SLICE (DIRECTORY);
  struct slice below;
  enum err_code code = artifact_path_check (&below, call->path_values[1], "path", false, call->arena, err);

  if (ERR_OK == code)
    code = artifact_path_check (&remote, remote, "name", false, call->arena, err);
  if (ERR_OK == code && NULL != memchr (remote.data, '/', remote.len))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "The name of a remote of DVC holds no slash.");
  if (ERR_OK == code && ! dvc_name_parse (name, below))
    code =
        err_set (err, ERR_INVALID_PARAMETER_VALUE,
                 "'%.*s' is no name of DVC: files/md5/ or nothing, two digits of the MD5, a slash, the other thirty, "
                 "and .dir for a directory.",
                 SLICE_ARG (below));
  if (STORE_WORKSPACE_DEFAULT != call->pass->workspace_id)
    directory = slice_of (arena_printf (call->arena, "workspaces/%.*s/" DIRECTORY, SLICE_ARG (call->pass->workspace)));
  if (ERR_OK == code && NULL == directory.data)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = artifact_path_join (path, directory, remote, call->arena, err);
  return ERR_OK == code ? artifact_path_join (path, *path, below, call->arena, err) : code;
}

enum err_code
api_dvc_get (struct api_call *call, struct err *err)
{
  struct store_artifact artifact;
  struct dvc_name name;
  struct slice path;
  enum err_code code = read_name (&path, &name, call, err);

  if (ERR_OK != code)
    return code;
  code = store_artifact_get (&artifact, call->connection, path, call->arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "The remote has no '%.*s'.", SLICE_ARG (call->path_values[1]));
  return ERR_OK == code ? artifact_send (call, &artifact, ARTIFACT_TYPE_BINARY, err) : code;
}

static enum err_code
start_upload (struct api_call *call, struct err *err)
{
  struct dvc_upload *upload;
  struct dvc_name name;
  struct slice path;
  enum err_code code = read_name (&path, &name, call, err);

  if (ERR_OK != code)
    return code;
  upload = calloc (1, sizeof (*upload));
  if (NULL == upload)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  call->stream = upload;
  call->drop = drop_upload;
  upload->name = name;
  upload->hash = dvc_hash_start ();
  if (NULL == upload->hash)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return blob_write_start (&upload->writer, call->service->blobs, err);
}

enum err_code
api_dvc_take (struct api_call *call, struct err *err)
{
  struct dvc_upload *upload;
  enum err_code code = NULL == call->stream ? start_upload (call, err) : ERR_OK;

  if (ERR_OK != code)
    return code;
  upload = call->stream;
  if (! dvc_hash_add (upload->hash, call->body))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return blob_write (upload->writer, call->body, err);
}

enum err_code
api_dvc_put (struct api_call *call, struct err *err)
{
  struct dvc_upload *upload;
  struct dvc_name name;
  struct digest digest;
  int64_t size_bytes;
  struct slice path;
  enum err_code code = api_dvc_take (call, err);

  if (ERR_OK == code)
    code = read_name (&path, &name, call, err);
  if (ERR_OK != code)
    return code;
  upload = call->stream;
  if (! dvc_hash_end (upload->hash, &upload->name))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "The bytes sent do not have the MD5 that '%.*s' names; nothing was stored.",
                    SLICE_ARG (call->path_values[1]));
  code = blob_write_end (&digest, &size_bytes, upload->writer, err);
  if (ERR_OK != code)
    return code;
  /* The bytes took what time they took. */
  api_renew_budget (call);
  return artifact_link (call->connection, upload->writer, path, &digest, size_bytes, err);
}
