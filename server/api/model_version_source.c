/* Where the files of a new version are, as a client names it.

   DESIGN
   A version hands its files to everybody who may read its registered model. So a source in this server's store counts
   only inside of a run or logged model that the client names and may read, and models:/ sources are resolved when the
   version is made: what moves later does not move under it. Nothing is ever fetched from a source. */
#include "api/model_version_source.h"

#include "api/gate.h"
#include "api/model_version_uri.h"
#include "api/registry.h"
#include "api/source_rule.h"
#include "base/id.h"
#include "ingest/contexts.h"
#include "store/artifact_uri.h"
#include "store/logged_model.h"
#include "store/model_version.h"
#include "store/registered_model.h"
#include "store/run.h"

static enum err_code
refuse (const struct model_version_source *source, struct err *err, const char *why)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid model version source: '%.*s'. %s",
                  SLICE_ARG (source->source), why);
}

/* Which of the two parameters a source has to be inside of. */
enum anchor
{
  ANCHOR_RUN,
  ANCHOR_MODEL
};

static enum err_code
refuse_anchor (const struct model_version_source *source, enum anchor anchor, struct err *err)
{
  return refuse (source, err,
                 ANCHOR_RUN == anchor
                     ? "The run_id request parameter must identify the resource that contains the source."
                     : "The model_id request parameter must identify the resource that contains the source.");
}

static enum err_code
refuse_local (const struct model_version_source *source, enum anchor anchor, struct err *err)
{
  return refuse (source, err,
                 ANCHOR_RUN == anchor
                     ? "To use a local path as a model version source, the run_id request parameter has to be "
                       "specified and the local path has to be contained within the artifact directory of the run "
                       "specified by the run_id."
                     : "To use a local path as a model version source, the model_id request parameter has to be "
                       "specified and the local path has to be contained within the artifact directory of the run "
                       "specified by the model_id.");
}

/* A run or logged model that is named: where its artifacts are. What the caller may not read is not there. */
struct anchored
{
  bool found;
  bool is_hidden; /* it exists, but not for the caller */
  struct slice artifact_uri;
  struct slice source_run_id; /* of a logged model */
};

static enum err_code
take_verdict (struct anchored *anchored, enum err_code code, struct err *err)
{
  anchored->found = ERR_OK == code;
  anchored->is_hidden = ERR_RESOURCE_DOES_NOT_EXIST == code;
  if (! anchored->is_hidden)
    return code;
  err_clear (err);
  return ERR_OK;
}

static struct slice
keep (struct slice text, struct api_call *call)
{
  return (struct slice){ arena_string (call->arena, text), text.len };
}

static enum err_code
find_run (struct anchored *run, struct api_call *call, struct slice run_id, struct err *err)
{
  struct store_run row;
  struct result result = { NULL };
  struct uuid uuid;
  enum err_code code;

  *run = (struct anchored){ .found = false };
  if (! uuid_parse (&uuid, run_id))
    return ERR_OK;
  code = store_run_get (&row, &result, call->connection, &uuid, err);
  if (ERR_OK == code)
    run->artifact_uri = keep (row.artifact_uri, call);
  result_free (&result);
  if (ERR_OK != code)
    return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
  return take_verdict (run, gate_require_runs (call, &uuid, 1, PERMISSION_READ, err), err);
}

static enum err_code
find_model (struct anchored *model, struct api_call *call, struct slice model_id, struct err *err)
{
  struct store_logged_model row;
  struct result result = { NULL };
  enum err_code code = store_logged_model_get (&row, &result, call->connection, model_id, err);
  bool is_there = ERR_OK == code && ! row.deleted_at_ms.present;

  *model = (struct anchored){ .found = false };
  if (is_there)
  {
    model->artifact_uri = keep (row.artifact_uri, call);
    model->source_run_id = keep (row.source_run_id, call);
  }
  result_free (&result);
  if (! is_there)
    return ERR_OK == code || ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
  return take_verdict (model, gate_require_models (call, &model_id, 1, PERMISSION_READ, err), err);
}

/* Whether one directory of the artifact store is another or inside of it. */
static bool
is_inside (struct slice directory, struct slice root)
{
  return root.len > 0 && directory.len >= root.len && 0 == memcmp (directory.data, root.data, root.len)
         && (directory.len == root.len || '/' == directory.data[root.len]);
}

/* Whether a source that is a local path lies within the artifacts of what is named. */
static bool
local_is_inside (struct slice source, const struct anchored *anchored, struct arena *arena)
{
  struct slice path;
  struct slice root;

  return anchored->found && model_version_uri_is_local (anchored->artifact_uri)
         && model_version_uri_local_path (&path, source, arena)
         && model_version_uri_local_path (&root, anchored->artifact_uri, arena) && is_inside (path, root);
}

/* The same for a source in this server's store. */
static enum err_code
check_stored (const struct model_version_source *source, struct api_call *call, const struct anchored *anchored,
              enum anchor anchor, struct err *err)
{
  struct slice directory;
  struct slice root = { NULL, 0 };
  enum err_code code = store_artifact_directory (&directory, source->source, call->arena, err);

  if (ERR_OK == code && anchored->found)
    code = store_artifact_directory (&root, anchored->artifact_uri, call->arena, err);
  if (ERR_OK != code || NULL == directory.data)
    return code;
  return is_inside (directory, root) ? ERR_OK : refuse_anchor (source, anchor, err);
}

/* runs:/<run_id>/…: of exactly the run that is named. */
static enum err_code
check_runs_uri (const struct model_version_source *source, const struct model_version_uri *uri, enum anchor anchor,
                struct err *err)
{
  struct slice rest = { uri->path.data + 1, uri->path.len - 1 };
  const char *end = memchr (rest.data, '/', rest.len);
  const struct slice run_id = { rest.data, NULL == end ? rest.len : (size_t)(end - rest.data) };

  return ANCHOR_RUN == anchor && 0 == uri->authority.len && run_id.len > 0 && slice_equal (run_id, source->run_id)
             ? ERR_OK
             : refuse_anchor (source, anchor, err);
}

/* A source that does not name another version. */
static enum err_code
check_place (struct model_version_source *source, struct api_call *call, const struct anchored *anchored,
             enum anchor anchor, struct err *err)
{
  const bool is_named = slice_filled (ANCHOR_RUN == anchor ? source->run_id : source->model_id);
  struct model_version_uri uri;

  model_version_uri_split (&uri, source->source);
  if (model_version_uri_is_local (source->source) && is_named && ! anchored->found)
    return refuse_anchor (source, anchor, err);
  if (model_version_uri_is_local (source->source))
    return local_is_inside (source->source, anchored, call->arena) ? ERR_OK : refuse_local (source, anchor, err);
  if (! model_version_uri_is_canonical (source->source, call->arena))
    return refuse (source, err,
                   "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts "
                   "uri, an absolute path must be provided without relative path references present. Please provide an "
                   "absolute path.");
  if (model_version_uri_has_scheme (&uri, "runs"))
    return check_runs_uri (source, &uri, anchor, err);
  if (! model_version_uri_has_scheme (&uri, "models"))
    return check_stored (source, call, anchored, anchor, err);
  if (ANCHOR_MODEL != anchor || ! slice_equal ((struct slice){ uri.path.data + 1, uri.path.len - 1 }, source->model_id))
    return refuse_anchor (source, ANCHOR_MODEL, err);
  source->storage_location = anchored->artifact_uri;
  return ERR_OK;
}

/* What is named must be there where the source needs it; a run may also be one that this server does not know. */
static enum err_code
check_named (struct model_version_source *source, struct api_call *call, struct err *err)
{
  const enum anchor anchor = slice_filled (source->model_id) ? ANCHOR_MODEL : ANCHOR_RUN;
  struct anchored run = { .found = false };
  struct anchored model = { .found = false };
  enum err_code code = ERR_OK;

  if (slice_filled (source->run_id))
    code = find_run (&run, call, source->run_id, err);
  if (ERR_OK == code && ANCHOR_MODEL == anchor)
    code = find_model (&model, call, source->model_id, err);
  if (ERR_OK == code)
    code = check_place (source, call, ANCHOR_MODEL == anchor ? &model : &run, anchor, err);
  if (ERR_OK == code && run.is_hidden)
    return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Run with id=%.*s not found", SLICE_ARG (source->run_id));
  if (ERR_OK != code || ANCHOR_MODEL != anchor)
    return code;
  if (! model.found)
    return metric_model_unknown (err, source->model_id);
  source->links_model = true;
  if (! slice_filled (source->run_id))
    source->run_id = model.source_run_id;
  return ERR_OK;
}

/* The version that models:/<name>/<version>, /latest, /<stage> or @<alias> means now. */
static enum err_code
read_version (struct store_model_version *version, struct result *result, struct api_call *call,
              const struct model_version_target *target, struct err *err)
{
  const int64_t workspace_id = call->pass->workspace_id;
  int16_t stage = MODEL_STAGE_NONE;
  enum err_code code;

  switch (target->kind)
  {
  case TARGET_VERSION:
    code =
        store_model_version_get (version, result, call->connection, workspace_id, target->name, target->version, err);
    return ERR_RESOURCE_DOES_NOT_EXIST == code ? api_registry_no_version (err, target->name, target->version) : code;
  case TARGET_ALIAS:
    code = store_model_version_of_alias (version, result, call->connection, workspace_id, target->name, target->suffix,
                                         err);
    return ERR_RESOURCE_DOES_NOT_EXIST == code ? err_set (
               err, ERR_INVALID_PARAMETER_VALUE, "Registered model alias %.*s not found.", SLICE_ARG (target->suffix))
                                               : code;
  case TARGET_STAGE:
    code = api_registry_stage (&stage, target->suffix, err);
    if (ERR_OK != code)
      return code;
    code = store_model_version_latest (version, result, call->connection, workspace_id, target->name, &stage, err);
    return ERR_RESOURCE_DOES_NOT_EXIST == code
               ? err_set (err, code, "No versions of model with name '%.*s' and stage '%.*s' found",
                          SLICE_ARG (target->name), SLICE_ARG (target->suffix))
               : code;
  default:
    code = store_model_version_latest (version, result, call->connection, workspace_id, target->name, NULL, err);
    return ERR_RESOURCE_DOES_NOT_EXIST == code
               ? err_set (err, code, "No versions of model with name '%.*s' found", SLICE_ARG (target->name))
               : code;
  }
}

/* The source becomes the number that is meant now, and takes the lineage along. */
static enum err_code
take_version (struct model_version_source *source, struct api_call *call, const struct store_model_version *version,
              struct err *err)
{
  if ((NULL != source->run_id.data && ! slice_equal (source->run_id, version->run_id))
      || (NULL != source->model_id.data && ! slice_equal (source->model_id, version->model_id)))
    return refuse (source, err, "The run_id and model_id request parameters must match the referenced model version.");
  source->source = slice_of (
      arena_printf (call->arena, "models:/%.*s/%lld", SLICE_ARG (version->name), (long long)version->version));
  source->run_id = keep (version->run_id, call);
  source->model_id = keep (version->model_id, call);
  source->storage_location =
      keep (NULL == version->storage_location.data ? version->source : version->storage_location, call);
  return ERR_OK;
}

static enum err_code
check_copy (struct model_version_source *source, struct api_call *call, const struct model_version_target *target,
            struct err *err)
{
  struct store_registered_model model;
  struct store_model_version version;
  struct result result = { NULL };
  enum err_code code = gate_require_model_name (call, target->name, PERMISSION_READ, err);

  if (ERR_OK == code)
    code = store_registered_model_get (&model, &result, call->connection, call->pass->workspace_id, target->name, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = api_registry_no_model (err, target->name);
  else if (ERR_OK == code && model.is_prompt)
    code = refuse (source, err, "Prompt versions cannot be used as model version sources.");
  result_free (&result);
  if (ERR_OK == code)
    code = read_version (&version, &result, call, target, err);
  if (ERR_OK == code)
    code = take_version (source, call, &version, err);
  result_free (&result);
  return code;
}

enum err_code
model_version_source_check (struct model_version_source *source, struct api_call *call, bool is_prompt, struct err *err)
{
  struct model_version_target target;
  struct model_version_uri uri;
  enum err_code code;

  if (is_prompt)
  {
    if (! slice_is (source->source, "dummy-source") && ! slice_is (source->source, "prompt-template"))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Invalid prompt source: '%.*s'. Prompt sources must use an MLflow placeholder.",
                      SLICE_ARG (source->source));
    return ERR_OK;
  }
  code = source_rule_check (call->service->source_rule, source->source, err);
  if (ERR_OK != code)
    return code;
  model_version_uri_split (&uri, source->source);
  if (! model_version_uri_has_scheme (&uri, "models"))
    return check_named (source, call, err);
  if (uri.authority.len > 0)
    return refuse (source, err, "Registered model sources must use the active model registry.");
  if (! model_version_target_read (&target, &uri))
    return refuse_anchor (source, ANCHOR_MODEL, err);
  return TARGET_LOGGED_MODEL == target.kind ? check_named (source, call, err) : check_copy (source, call, &target, err);
}
