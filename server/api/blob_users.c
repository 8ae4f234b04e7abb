/* Which runs, logged models and versions of registered models contain a content: its names, with whose they are.
 * Source: docs/api/blob.md. */
#include "api/blob_users.h"

#include "access/access.h"
#include "api/artifact_owner.h"
#include "api/json.h"
#include "api/lineage.h"
#include "api/object.h"
#include "api/path_token.h"
#include "base/number.h"
#include "store/artifact.h"
#include "store/workspace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RESULTS_DEFAULT 100
#define RESULTS_MAX 1000
/* Versions that are looked at for a page of names. */
#define VERSIONS_MAX 10000

struct users_request
{
  struct optional_int64 max_results;
  struct slice page_token;
};

static const struct field users_fields[] = {
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct users_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct users_request, page_token) },
};

static const struct schema users_schema = SCHEMA (users_fields, struct users_request);

struct version_item
{
  struct version_item *next;
  struct slice document; /* JSON object */
};

/* Names of the content, as many as are looked at together. */
struct users
{
  struct api_call *call;
  struct slice *paths;
  int64_t *created_at_ms;
  const struct artifact_owner **owners;
  struct version_item **versions; /* of each name: those that may be read and have it among their files */
  int64_t *readable; /* experiments among theirs that the caller may read; sorted */
  size_t readable_count;
  size_t count;
  int64_t size_bytes;
};

static enum err_code
add_user (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct users *users = context;
  char *path = arena_string (users->call->arena, artifact->path);

  if (NULL == path)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  users->size_bytes = artifact->size_bytes;
  users->created_at_ms[users->count] = artifact->created_at_ms;
  users->paths[users->count++] = (struct slice){ path, artifact->path.len };
  return ERR_OK;
}

/* --- what may be seen --------------------------------------------------------------------------------------------- */

/* The experiment whose rights count, as the gate finds it too; -1: none. */
static int64_t
experiment_of (struct slice *workspace, const struct users *users, size_t number)
{
  int64_t named = object_experiment_of_path (workspace, users->paths[number]);

  return NULL == users->owners[number] ? named : users->owners[number]->is.experiment_id;
}

/* Find the owners of the names, and those of their experiments that the caller may read. */
static enum err_code
find_owners (struct users *users, struct err *err)
{
  struct api_call *call = users->call;
  struct slice workspace;
  size_t distinct = 0;
  enum err_code code = artifact_owners_of_paths (&users->owners, users->paths, users->count, call, err);

  if (ERR_OK != code)
    return code;
  users->readable = arena_array (call->arena, users->count, sizeof (int64_t));
  users->readable_count = 0;
  if (NULL == users->readable)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < users->count; i++)
    users->readable[i] = experiment_of (&workspace, users, i);
  qsort (users->readable, users->count, sizeof (int64_t), number_compare_int64_items);
  for (size_t i = 0; i < users->count; i++)
    if (users->readable[i] >= 0 && (0 == distinct || users->readable[i] != users->readable[distinct - 1]))
      users->readable[distinct++] = users->readable[i];
  users->readable_count = distinct;
  return gate_keep_readable (users->readable, &users->readable_count, call, err);
}

static enum err_code
add_version (void *context, size_t path, const struct store_lineage_version *version, struct err *err)
{
  struct users *users = context;
  struct arena *arena = users->call->arena;
  struct version_item *item = arena_alloc (arena, sizeof (*item));
  char *document = arena_copy (arena, version->document.data, version->document.len);

  if (NULL == item || NULL == document)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  *item = (struct version_item){ users->versions[path], { document, version->document.len } };
  users->versions[path] = item;
  return ERR_OK;
}

static enum err_code
find_versions (struct users *users, struct err *err)
{
  const struct lineage_versions asked = { users->paths, users->owners, users->count, VERSIONS_MAX };

  users->versions = arena_array (users->call->arena, users->count, sizeof (struct version_item *));
  if (NULL == users->versions)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return api_lineage_versions_of_paths (users->call, &asked, add_version, users, err);
}

/* What belongs to no experiment only those see who may see everything, in its workspace. */
static bool
may_be_seen (const struct users *users, size_t number)
{
  const struct api_call *call = users->call;
  const struct access *access = call->service->access;
  struct slice workspace;
  int64_t experiment_id = experiment_of (&workspace, users, number);

  if (! access_is_on (access) && ! access_has_workspaces (access))
    return true;
  if (experiment_id >= 0)
    return NULL
           != bsearch (&experiment_id, users->readable, users->readable_count, sizeof (int64_t),
                       number_compare_int64_items);
  return call->pass->who.has_all_objects
         && (! access_has_workspaces (access)
             || slice_equal (NULL == workspace.data ? SLICE (STORE_WORKSPACE_DEFAULT_NAME) : workspace,
                             call->pass->workspace));
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void
write_user (struct json_write *w, const struct users *users, size_t number, const struct artifact_owner *owner)
{
  struct slice path = users->paths[number];
  char experiment[24];

  json_write_object (w);
  json_write_member_string (w, "artifact_path", path);
  json_write_member_int64 (w, "size", users->size_bytes);
  json_write_member_int64 (w, "created_at", users->created_at_ms[number]);
  if (NULL != owner)
  {
    snprintf (experiment, sizeof (experiment), "%" PRId64, owner->is.experiment_id);
    json_write_member_string (w, STORE_OWNER_RUN == owner->is.kind ? "run_id" : "model_id", owner->is.id);
    json_write_member_text (w, "experiment_id", experiment);
    json_write_member_string (w, "path",
                              (struct slice){ path.data + owner->root.len + 1, path.len - owner->root.len - 1 });
    if (owner->is.deleted)
      json_write_member_text (w, "lifecycle_stage", "deleted");
  }
  if (NULL != users->versions[number])
  {
    json_write_key (w, "model_versions");
    json_write_array (w);
    for (const struct version_item *item = users->versions[number]; NULL != item; item = item->next)
      json_write_compact (w, item->document);
    json_write_array_end (w);
  }
  json_write_object_end (w);
}

/* A page on its way. */
struct page
{
  struct json_write w;
  size_t left; /* names that it still has room for */
  bool any;
  bool is_more; /* one more may be seen */
  size_t last_bytes;
  char last[STORE_ARTIFACT_PATH_MAX_BYTES]; /* the name written last */
  size_t after_bytes;
  char after[STORE_ARTIFACT_PATH_MAX_BYTES]; /* the name looked at last */
};

static void
write_seen (struct page *page, const struct users *users)
{
  for (size_t i = 0; i < users->count && ! page->is_more; i++)
  {
    if (! may_be_seen (users, i))
      continue;
    if (0 == page->left)
    {
      page->is_more = true;
      return;
    }
    if (! page->any)
    {
      json_write_key (&page->w, "users");
      json_write_array (&page->w);
    }
    page->any = true;
    page->left--;
    write_user (&page->w, users, i, users->owners[i]);
    page->last_bytes = users->paths[i].len;
    memcpy (page->last, users->paths[i].data, page->last_bytes);
  }
}

/* Look at names, page after page, until those that may be seen fill one. The arena holds one page at a time. */
static enum err_code
write_users (struct page *page, struct api_call *call, const struct digest *digest, struct err *err)
{
  size_t looked_at = page->left + 1;
  struct users users = { .call = call, .count = looked_at };
  enum err_code code = ERR_OK;

  while (ERR_OK == code && users.count == looked_at && ! page->is_more)
  {
    struct arena_mark mark = arena_mark (call->arena);

    users.count = 0;
    users.paths = arena_array (call->arena, looked_at, sizeof (struct slice));
    users.created_at_ms = arena_array (call->arena, looked_at, sizeof (int64_t));
    if (arena_overflowed (call->arena))
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    code = store_artifact_users (call->connection, digest, (struct slice){ page->after, page->after_bytes },
                                 (int64_t)looked_at, add_user, &users, call->arena, err);
    if (ERR_OK == code)
      code = find_owners (&users, err);
    if (ERR_OK == code)
      code = find_versions (&users, err);
    if (ERR_OK == code)
      write_seen (page, &users);
    if (ERR_OK == code && users.count > 0)
    {
      page->after_bytes = users.paths[users.count - 1].len;
      memcpy (page->after, users.paths[users.count - 1].data, page->after_bytes);
    }
    arena_rewind (call->arena, &mark);
  }
  return code;
}

enum err_code
api_blob_users (struct api_call *call, struct err *err)
{
  struct users_request request;
  struct page *page;
  struct digest digest;
  struct slice after;
  int64_t most;
  enum err_code code = api_decode (&request, call, &users_schema, err);

  if (ERR_OK != code)
    return code;
  if (! digest_parse (&digest, call->path_values[0]))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "'%.*s' is no SHA-256: 64 lower-case hexadecimal digits are expected.",
                    SLICE_ARG (call->path_values[0]));
  most = request.max_results.present ? request.max_results.value : RESULTS_DEFAULT;
  if (most < 1 || most > RESULTS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied: it must be from 1 to %d.", most,
                    RESULTS_MAX);
  code = path_token_read (&after, request.page_token, call->arena, err);
  page = arena_alloc (call->arena, sizeof (*page));
  if (ERR_OK == code && NULL == page)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK != code)
    return code;
  page->left = (size_t)most;
  page->after_bytes = after.len;
  if (after.len > 0)
    memcpy (page->after, after.data, after.len);
  api_reply_start (&page->w, call);
  code = write_users (page, call, &digest, err);
  if (ERR_OK != code)
    return code;
  if (page->any)
    json_write_array_end (&page->w);
  if (page->is_more)
    json_write_member_string (&page->w, "next_page_token",
                              path_token_make ((struct slice){ page->last, page->last_bytes }, call->arena));
  return api_reply_end (&page->w, call, err);
}
