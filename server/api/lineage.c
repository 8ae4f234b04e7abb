/* Where a version of a registered model comes from, and what came out of something. Source: docs/api/lineage.md. */
#include "api/lineage.h"

#include "api/artifact_path.h"
#include "api/json.h"
#include "api/model_version_document.h"
#include "api/registry.h"
#include "api/run.h"
#include "store/artifact.h"
#include "store/artifact_uri.h"

#include <inttypes.h>

/* Files of a version that are listed; its manifest has all. */
#define FILES_MAX 1000
/* Names of a content that are looked at; its users have all. */
#define PATHS_MAX 1000
#define RESULTS_DEFAULT 100
#define RESULTS_MAX 1000

struct store_lineage_reader
api_lineage_reader (struct api_call *call)
{
  struct store_lineage_reader reader = { .workspace_id = call->pass->workspace_id };

  reader.account_id = gate_visible_account (call, &reader.fallback);
  return reader;
}

static void
write_unless_empty (struct json_write *w, const char *name, struct slice json)
{
  if (slice_is (json, "null") || slice_is (json, "[]"))
    return;
  json_write_key (w, name);
  json_write_compact (w, json);
}

/* --- where it comes from ------------------------------------------------------------------------------------------ */

/* Files of a version on their way into an answer. */
struct listing
{
  struct json_write *w;
  struct slice directory;
  size_t count;
};

static enum err_code
write_file (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct listing *listing = context;
  size_t skip = listing->directory.len + 1;
  char sha256[DIGEST_TEXT_BYTES];

  (void)err;
  if (0 == listing->count)
  {
    json_write_key (listing->w, "files");
    json_write_array (listing->w);
  }
  if (listing->count++ == FILES_MAX)
    return ERR_OK;
  digest_format (sha256, &artifact->digest);
  json_write_object (listing->w);
  json_write_member_string (listing->w, "path",
                            (struct slice){ artifact->path.data + skip, artifact->path.len - skip });
  json_write_member_int64 (listing->w, "size", artifact->size_bytes);
  json_write_member_text (listing->w, "sha256", sha256);
  json_write_object_end (listing->w);
  return ERR_OK;
}

static enum err_code
write_artifacts (struct json_write *w, struct api_call *call, struct slice location, struct err *err)
{
  struct listing listing = { .w = w };
  enum err_code code = store_artifact_directory (&listing.directory, location, call->arena, err);

  json_write_key (w, "artifacts");
  json_write_object (w);
  json_write_member_string (w, "location", location);
  if (ERR_OK == code && listing.directory.len > 0)
    code = store_artifact_tree (call->connection, listing.directory, (struct slice){ NULL, 0 }, FILES_MAX + 1,
                                write_file, &listing, call->arena, err);
  if (listing.count > 0)
    json_write_array_end (w);
  if (listing.count > FILES_MAX)
    json_write_member_bool (w, "truncated", true);
  json_write_object_end (w);
  return code;
}

static enum err_code
write_origin (struct json_write *w, struct api_call *call, const struct store_model_version *version, struct err *err)
{
  struct store_lineage_reader reader = api_lineage_reader (call);
  struct store_lineage_origin origin;
  struct result result = { NULL };
  enum err_code code =
      store_lineage_origin (&origin, &result, call->connection, &reader, version->run_id, version->model_id, err);

  if (ERR_OK == code)
  {
    write_unless_empty (w, "run", origin.run);
    write_unless_empty (w, "logged_model", origin.logged_model);
  }
  result_free (&result);
  return code;
}

enum err_code
api_lineage_of_version (struct api_call *call, struct err *err)
{
  struct store_model_version version;
  struct result result = { NULL };
  struct json_write w;
  int64_t number = 0;
  enum err_code code = api_registry_version (&number, call->path_values[0], call->path_values[1], err);

  if (ERR_OK == code)
    code = store_model_version_get (&version, &result, call->connection, call->pass->workspace_id, call->path_values[0],
                                    number, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code && ERR_OK == err->code)
    code = api_registry_no_version (err, call->path_values[0], number);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "model_version");
    model_version_write (&w, &version, call->arena);
    code = write_origin (&w, call, &version, err);
  }
  if (ERR_OK == code)
    code = write_artifacts (&w, call, NULL == version.storage_location.data ? version.source : version.storage_location,
                            err);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}

/* --- versions of files -------------------------------------------------------------------------------------------- */

static bool
lies_below (struct slice path, struct slice directory)
{
  return directory.len > 0 && path.len > directory.len + 1 && '/' == path.data[directory.len]
         && 0 == memcmp (path.data, directory.data, directory.len);
}

/* The runs and logged models among owners. False without memory. */
static bool
collect_ids (struct uuid **run_ids, size_t *run_count, struct slice **model_ids, size_t *model_count,
             const struct lineage_versions *asked, struct arena *arena)
{
  *run_count = *model_count = 0;
  *run_ids = arena_array (arena, asked->count, sizeof (**run_ids));
  *model_ids = arena_array (arena, asked->count, sizeof (**model_ids));
  for (size_t i = 0; ! arena_overflowed (arena) && i < asked->count; i++)
  {
    const struct artifact_owner *owner = asked->owners[i];

    if (NULL == owner)
      continue;
    if (STORE_OWNER_MODEL == owner->is.kind)
      (*model_ids)[(*model_count)++] = owner->is.id;
    else if (uuid_parse (&(*run_ids)[*run_count], owner->is.id))
      (*run_count)++;
  }
  return ! arena_overflowed (arena);
}

enum err_code
api_lineage_versions_of_paths (struct api_call *call, const struct lineage_versions *asked, lineage_version *found,
                               void *context, struct err *err)
{
  struct store_lineage_reader reader = api_lineage_reader (call);
  struct store_lineage_version version;
  struct result result = { NULL };
  struct slice *model_ids;
  struct uuid *run_ids;
  size_t model_count;
  size_t run_count;
  enum err_code code;

  if (! collect_ids (&run_ids, &run_count, &model_ids, &model_count, asked, call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (0 == run_count + model_count)
    return ERR_OK;
  code = store_lineage_versions (&result, call->connection, &reader, run_ids, run_count, model_ids, model_count,
                                 asked->most, call->arena, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct slice directory = { NULL, 0 };

    code = result_row (&version, &result, i, store_lineage_version_columns, STORE_LINEAGE_VERSION_COLUMNS, err);
    if (ERR_OK == code)
      code = store_artifact_directory (&directory, version.location, call->arena, err);
    for (size_t k = 0; ERR_OK == code && k < asked->count; k++)
      if (lies_below (asked->paths[k], directory))
        code = found (context, k, &version, err);
  }
  result_free (&result);
  return code;
}

/* --- what came out of it ------------------------------------------------------------------------------------------ */

struct lineage_request
{
  struct slice dataset_digest;
  struct slice dataset_name;
  struct slice sha256;
  struct slice run_id;
  struct slice model_id;
  struct optional_int64 max_results;
};

static const struct field lineage_fields[] = {
  { .name = "dataset_digest", .type = FIELD_STRING, .offset = offsetof (struct lineage_request, dataset_digest) },
  { .name = "dataset_name", .type = FIELD_STRING, .offset = offsetof (struct lineage_request, dataset_name) },
  { .name = "sha256", .type = FIELD_STRING, .offset = offsetof (struct lineage_request, sha256) },
  { .name = "run_id", .type = FIELD_STRING, .offset = offsetof (struct lineage_request, run_id) },
  { .name = "model_id", .type = FIELD_STRING, .offset = offsetof (struct lineage_request, model_id) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct lineage_request, max_results) },
};

static const struct schema lineage_schema = SCHEMA (lineage_fields, struct lineage_request);

static enum err_code
check_request (struct lineage_request *request, struct err *err)
{
  int given = slice_filled (request->sha256) + slice_filled (request->run_id) + slice_filled (request->model_id)
              + (slice_filled (request->dataset_digest) || slice_filled (request->dataset_name));

  if (1 != given)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Give one of 'dataset_digest' and 'dataset_name' (or both), 'sha256', 'run_id', 'model_id'.");
  if (! request->max_results.present)
    request->max_results.value = RESULTS_DEFAULT;
  if (request->max_results.value < 1 || request->max_results.value > RESULTS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied: it must be from 1 to %d.",
                    request->max_results.value, RESULTS_MAX);
  return ERR_OK;
}

/* The names of a content, and versions that have one among their files. */
struct content
{
  struct api_call *call;
  struct slice *paths;
  size_t count;
  struct buffer *versions; /* a JSON array without its end */
  struct slice last; /* the document written last; a version with several names comes several times in a row */
  size_t version_count;
};

static enum err_code
add_path (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct content *content = context;
  char *path = arena_string (content->call->arena, artifact->path);

  if (NULL == path)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  content->paths[content->count++] = (struct slice){ path, artifact->path.len };
  return ERR_OK;
}

static enum err_code
add_version (void *context, size_t path, const struct store_lineage_version *version, struct err *err)
{
  struct content *content = context;

  (void)path;
  (void)err;
  if (slice_equal (content->last, version->document))
    return ERR_OK;
  content->last = (struct slice){ arena_copy (content->call->arena, version->document.data, version->document.len),
                                  version->document.len };
  buffer_byte (content->versions, 0 == content->version_count++ ? '[' : ',');
  buffer_append (content->versions, version->document.data, version->document.len);
  return ERR_OK;
}

static enum err_code
write_outcome (struct json_write *w, struct api_call *call, const struct store_lineage_seed *seed, int64_t limit,
               const struct content *content, struct err *err)
{
  struct store_lineage_reader reader = api_lineage_reader (call);
  struct store_lineage_outcome outcome;
  struct result result = { NULL };
  enum err_code code =
      store_lineage_outcome (&outcome, &result, call->connection, &reader, seed, limit, call->arena, err);

  if (ERR_OK == code)
  {
    write_unless_empty (w, "runs", outcome.runs);
    write_unless_empty (w, "logged_models", outcome.logged_models);
    if (NULL == content)
      write_unless_empty (w, "model_versions", outcome.model_versions);
    else if (content->version_count > 0)
    {
      buffer_byte (content->versions, ']');
      json_write_key (w, "model_versions");
      json_write_compact (w, buffer_slice (content->versions));
    }
    if (outcome.truncated || (NULL != content && (PATHS_MAX == content->count)))
      json_write_member_bool (w, "truncated", true);
  }
  result_free (&result);
  return code;
}

static enum err_code
write_of_content (struct json_write *w, struct api_call *call, const struct lineage_request *request, struct err *err)
{
  struct buffer versions;
  struct content content = { .call = call, .versions = &versions };
  struct lineage_versions asked = { .most = RESULTS_MAX };
  struct store_lineage_seed seed = { .only_these = true };
  const struct artifact_owner **owners = NULL;
  struct slice *model_ids = NULL;
  struct uuid *run_ids = NULL;
  struct digest digest;
  enum err_code code;

  if (! digest_parse (&digest, request->sha256))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "'%.*s' is no SHA-256: 64 lower-case hexadecimal digits are expected.",
                    SLICE_ARG (request->sha256));
  content.paths = arena_array (call->arena, PATHS_MAX, sizeof (*content.paths));
  if (NULL == content.paths)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  buffer_init (&versions, (size_t)call->service->config->max_response_bytes);
  code = store_artifact_users (call->connection, &digest, (struct slice){ NULL, 0 }, PATHS_MAX, add_path, &content,
                               call->arena, err);
  if (ERR_OK == code && content.count > 0)
    code = artifact_owners_of_paths (&owners, content.paths, content.count, call, err);
  asked = (struct lineage_versions){ content.paths, owners, content.count, RESULTS_MAX };
  if (ERR_OK == code)
    code = api_lineage_versions_of_paths (call, &asked, add_version, &content, err);
  if (ERR_OK == code && ! collect_ids (&run_ids, &seed.run_count, &model_ids, &seed.model_count, &asked, call->arena))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  seed.run_ids = run_ids;
  seed.model_ids = model_ids;
  if (ERR_OK == code)
    code = write_outcome (w, call, &seed, request->max_results.value, &content, err);
  if (versions.failed)
    call->reply.failed = true;
  buffer_free (&versions);
  return code;
}

static enum err_code
write_of_others (struct json_write *w, struct api_call *call, const struct lineage_request *request, struct err *err)
{
  struct store_lineage_seed seed = { .model_ids = &request->model_id, .model_count = slice_filled (request->model_id) };
  struct uuid run_id;
  enum err_code code = ERR_OK;

  if (slice_filled (request->dataset_name))
    seed.dataset_name = request->dataset_name;
  if (slice_filled (request->dataset_digest))
    seed.dataset_digest = request->dataset_digest;
  if (slice_filled (request->run_id))
  {
    code = api_run_id (&run_id, request->run_id, err);
    seed.run_ids = &run_id;
    seed.run_count = 1;
  }
  return ERR_OK == code ? write_outcome (w, call, &seed, request->max_results.value, NULL, err) : code;
}

enum err_code
api_lineage (struct api_call *call, struct err *err)
{
  struct lineage_request request;
  struct json_write w;
  enum err_code code = api_decode (&request, call, &lineage_schema, err);

  if (ERR_OK == code)
    code = check_request (&request, err);
  if (ERR_OK != code)
    return code;
  api_reply_start (&w, call);
  code = slice_filled (request.sha256) ? write_of_content (&w, call, &request, err)
                                       : write_of_others (&w, call, &request, err);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}
