/* Which runs and logged models contain a content: its names, with whose they are. Source: docs/api/blob.md. */
#include "api/blob_users.h"

#include "api/artifact_owner.h"
#include "api/json.h"
#include "api/path_token.h"
#include "store/artifact.h"

#include <inttypes.h>
#include <stdio.h>

#define RESULTS_DEFAULT 100
#define RESULTS_MAX 1000

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

/* A page of names. */
struct users
{
  struct arena *arena;
  struct slice *paths;
  int64_t *created_at_ms;
  size_t count;
  int64_t size_bytes;
};

static enum err_code
add_user (void *context, const struct store_artifact *artifact, struct err *err)
{
  struct users *users = context;
  char *path = arena_string (users->arena, artifact->path);

  if (NULL == path)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  users->size_bytes = artifact->size_bytes;
  users->created_at_ms[users->count] = artifact->created_at_ms;
  users->paths[users->count++] = (struct slice){ path, artifact->path.len };
  return ERR_OK;
}

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
  json_write_object_end (w);
}

static enum err_code
reply (struct api_call *call, struct users *users, size_t most, struct err *err)
{
  const struct artifact_owner **owners;
  bool is_more = users->count > most;
  struct json_write w;
  enum err_code code;

  users->count = is_more ? most : users->count;
  code = artifact_owners_of_paths (&owners, users->paths, users->count, call, err);
  if (ERR_OK != code)
    return code;
  api_reply_start (&w, call);
  if (users->count > 0)
  {
    json_write_key (&w, "users");
    json_write_array (&w);
    for (size_t i = 0; i < users->count; i++)
      write_user (&w, users, i, owners[i]);
    json_write_array_end (&w);
  }
  if (is_more)
    json_write_member_string (&w, "next_page_token", path_token_make (users->paths[users->count - 1], call->arena));
  return api_reply_end (&w, call, err);
}

enum err_code
api_blob_users (struct api_call *call, struct err *err)
{
  struct users users = { .arena = call->arena };
  struct users_request request;
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
  if (ERR_OK != code)
    return code;
  users.paths = arena_array (call->arena, (size_t)most + 1, sizeof (struct slice));
  users.created_at_ms = arena_array (call->arena, (size_t)most + 1, sizeof (int64_t));
  if (arena_overflowed (call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_artifact_users (call->connection, &digest, after, most + 1, add_user, &users, call->arena, err);
  return ERR_OK == code ? reply (call, &users, (size_t)most, err) : code;
}
