/* The directory in the store of a run or logged model. */
#include "api/artifact_root.h"

#include "api/artifact_path.h"
#include "api/run.h"
#include "store/artifact_root.h"

enum err_code
artifact_root_of_run (struct artifact_root *root, struct api_call *call, struct slice run_id, struct err *err)
{
  struct uuid id;
  enum err_code code = api_run_id (&id, run_id, err);

  if (ERR_OK != code)
    return code;
  code = store_artifact_root_of_run (&root->uri, call->connection, &id, call->arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "Run with id=%.*s not found", SLICE_ARG (run_id));
  return ERR_OK == code ? artifact_path_of_uri (&root->directory, root->uri, call->arena, err) : code;
}

enum err_code
artifact_root_of_model (struct artifact_root *root, struct api_call *call, struct slice model_id, struct err *err)
{
  enum err_code code = store_artifact_root_of_model (&root->uri, call->connection, model_id, call->arena, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "Logged model with ID '%.*s' not found.", SLICE_ARG (model_id));
  return ERR_OK == code ? artifact_path_of_uri (&root->directory, root->uri, call->arena, err) : code;
}

enum err_code
artifact_root_path (struct slice *path, struct slice *relative, const struct artifact_root *root, struct slice given,
                    const char *field, bool may_be_empty, struct arena *arena, struct err *err)
{
  enum err_code code = artifact_path_check (relative, given, field, may_be_empty, arena, err);

  return ERR_OK == code ? artifact_path_join (path, root->directory, *relative, arena, err) : code;
}
