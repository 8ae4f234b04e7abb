/* Whose artifacts are meant.

   DESIGN
   The artifact URI of a run ends in <run id>/artifacts, that of a logged model in models/<model id>/artifacts, whatever
   the location of their experiment is. So the ids that a path names are all that can own it; whether one does is said
   by its artifact URI, which must mean a directory above the path. */
#include "api/artifact_owner.h"

#include "api/artifact_path.h"
#include "api/gate.h"
#include "api/registry.h"
#include "api/run.h"
#include "base/number.h"
#include "store/model_version.h"

#include <inttypes.h>
#include <stdlib.h>

/* Ids of logged models begin so. */
#define MODEL_PREFIX "m-"

static enum err_code
find_one (struct artifact_owner *owner, bool *found, struct api_call *call, const struct uuid *run_id,
          const struct slice *model_id, struct err *err)
{
  struct store_owner *owners = NULL;
  size_t count;
  enum err_code code = store_owners_read (&owners, &count, call->connection, run_id, NULL == run_id ? 0 : 1, model_id,
                                          NULL == model_id ? 0 : 1, call->arena, err);

  *found = ERR_OK == code && count > 0 && ! (STORE_OWNER_MODEL == owners[0].kind && owners[0].deleted);
  if (! *found)
    return code;
  owner->is = owners[0];
  return artifact_path_of_uri (&owner->root, owner->is.artifact_uri, call->arena, err);
}

enum err_code
artifact_owner_run (struct artifact_owner *owner, struct api_call *call, struct slice run_id, struct err *err)
{
  struct uuid id;
  bool found;
  enum err_code code = api_run_id (&id, run_id, err);

  if (ERR_OK == code)
    code = find_one (owner, &found, call, &id, NULL, err);
  if (ERR_OK == code && ! found)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Run with id=%.*s not found", SLICE_ARG (run_id));
  return code;
}

enum err_code
artifact_owner_model (struct artifact_owner *owner, struct api_call *call, struct slice model_id, struct err *err)
{
  bool found;
  enum err_code code = find_one (owner, &found, call, NULL, &model_id, err);

  if (ERR_OK == code && ! found)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Logged model with ID '%.*s' not found.", SLICE_ARG (model_id));
  return code;
}

/* A version that was read, with what is in the arena. */
static enum err_code
take_version (struct artifact_owner *owner, const struct store_model_version *version, struct api_call *call,
              struct err *err)
{
  struct slice location = NULL == version->storage_location.data ? version->source : version->storage_location;
  char *id = arena_printf (call->arena, "%.*s/%" PRId64, SLICE_ARG (version->name), version->version);
  char *uri = arena_string (call->arena, location);
  enum err_code code;

  if (NULL == id || NULL == uri)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  owner->is = (struct store_owner){
    .kind = STORE_OWNER_VERSION, .id = slice_of (id), .experiment_id = -1, .artifact_uri = { uri, location.len }
  };
  code = artifact_path_of_uri (&owner->root, owner->is.artifact_uri, call->arena, err);
  /* The root of the store is nobody's. */
  return ERR_OK == code && 0 == owner->root.len
             ? err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "The model version %s has no directory of its own.", id)
             : code;
}

enum err_code
artifact_owner_version (struct artifact_owner *owner, struct api_call *call, struct slice name, struct slice version,
                        struct err *err)
{
  struct store_model_version found;
  struct result result = { NULL };
  int64_t workspace_id = call->pass->workspace_id;
  int64_t number;
  bool is_number = number_parse_int64 (version, &number);
  enum err_code code =
      is_number ? store_model_version_get (&found, &result, call->connection, workspace_id, name, number, err)
                : store_model_version_of_alias (&found, &result, call->connection, workspace_id, name, version, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = is_number ? api_registry_no_version (err, name, number)
                     : err_set (err, code, "Registered model alias %.*s not found.", SLICE_ARG (version));
  if (ERR_OK == code)
    code = take_version (owner, &found, call, err);
  result_free (&result);
  return code;
}

const char *
artifact_owner_word (enum store_owner_kind kind)
{
  static const char *const words[STORE_OWNER_COUNT] = { "run", "logged model", "model version" };

  return words[kind];
}

/* --- owners of paths --------------------------------------------------------------------------------------------- */

static bool
is_model_id (struct slice segment)
{
  struct uuid digits;

  return segment.len > sizeof (MODEL_PREFIX) - 1 && 0 == memcmp (segment.data, MODEL_PREFIX, sizeof (MODEL_PREFIX) - 1)
         && uuid_parse (&digits, (struct slice){ segment.data + 2, segment.len - 2 });
}

/* Ids that some paths name. */
struct named
{
  struct uuid *run_ids;
  struct slice *model_ids;
  size_t run_count;
  size_t model_count;
};

/* Count them, or collect them where there are arrays. */
static void
name_ids (struct named *named, const struct slice *paths, size_t count)
{
  struct uuid run_id;

  for (size_t i = 0; i < count; i++)
  {
    struct slice rest = paths[i];

    while (rest.len > 0)
    {
      const char *slash = memchr (rest.data, '/', rest.len);
      struct slice segment = { rest.data, NULL == slash ? rest.len : (size_t)(slash - rest.data) };

      rest = NULL == slash ? (struct slice){ NULL, 0 } : (struct slice){ slash + 1, rest.len - segment.len - 1 };
      if (uuid_parse (&run_id, segment))
      {
        if (NULL != named->run_ids)
          named->run_ids[named->run_count] = run_id;
        named->run_count++;
      }
      else if (is_model_id (segment))
      {
        if (NULL != named->model_ids)
          named->model_ids[named->model_count] = segment;
        named->model_count++;
      }
    }
  }
}

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

static void
make_distinct (struct named *named)
{
  size_t kept = 0;

  qsort (named->run_ids, named->run_count, sizeof (struct uuid), compare_ids);
  for (size_t i = 0; i < named->run_count; i++)
    if (0 == kept || 0 != compare_ids (&named->run_ids[kept - 1], &named->run_ids[i]))
      named->run_ids[kept++] = named->run_ids[i];
  named->run_count = kept;
  kept = 0;
  qsort (named->model_ids, named->model_count, sizeof (struct slice), slice_compare_items);
  for (size_t i = 0; i < named->model_count; i++)
    if (0 == kept || ! slice_equal (named->model_ids[kept - 1], named->model_ids[i]))
      named->model_ids[kept++] = named->model_ids[i];
  named->model_count = kept;
}

static bool
lies_below (struct slice path, struct slice directory)
{
  return path.len > directory.len + 1 && '/' == path.data[directory.len]
         && 0 == memcmp (path.data, directory.data, directory.len);
}

/* Roots in their order, so that those of a path can be looked up. */
static int
compare_roots (const void *a, const void *b)
{
  return slice_compare (((const struct artifact_owner *)a)->root, ((const struct artifact_owner *)b)->root);
}

/* The owner with the deepest root above a path. */
static const struct artifact_owner *
owner_of (const struct artifact_owner *owners, size_t count, struct slice path)
{
  for (size_t length = path.len; length-- > 1;)
    if ('/' == path.data[length])
    {
      struct artifact_owner key = { .root = { path.data, length } };
      const struct artifact_owner *found = bsearch (&key, owners, count, sizeof (*owners), compare_roots);

      if (NULL != found && lies_below (path, found->root))
        return found;
    }
  return NULL;
}

enum err_code
artifact_owners_of_paths (const struct artifact_owner ***owners, const struct slice *paths, size_t count,
                          struct api_call *call, struct err *err)
{
  struct named named = { NULL, NULL, 0, 0 };
  struct store_owner *rows;
  struct artifact_owner *rooted;
  size_t row_count;
  size_t rooted_count = 0;
  enum err_code code;

  name_ids (&named, paths, count);
  *owners = arena_array (call->arena, count, sizeof (**owners));
  named.run_ids = arena_array (call->arena, named.run_count, sizeof (struct uuid));
  named.model_ids = arena_array (call->arena, named.model_count, sizeof (struct slice));
  if (arena_overflowed (call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  named.run_count = 0;
  named.model_count = 0;
  name_ids (&named, paths, count);
  make_distinct (&named);
  code = store_owners_read (&rows, &row_count, call->connection, named.run_ids, named.run_count, named.model_ids,
                            named.model_count, call->arena, err);
  if (ERR_OK != code)
    return code;
  rooted = arena_array (call->arena, row_count, sizeof (*rooted));
  if (NULL == rooted)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < row_count; i++)
  {
    struct artifact_owner *owner = &rooted[rooted_count];

    /* One that keeps its artifacts elsewhere owns nothing here. */
    owner->is = rows[i];
    if (ERR_OK == artifact_path_of_uri (&owner->root, owner->is.artifact_uri, call->arena, NULL) && owner->root.len > 0)
      rooted_count++;
  }
  qsort (rooted, rooted_count, sizeof (*rooted), compare_roots);
  for (size_t i = 0; i < count; i++)
    (*owners)[i] = owner_of (rooted, rooted_count, paths[i]);
  return ERR_OK;
}
