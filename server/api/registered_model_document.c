/* Registered models as JSON documents. */
#include "api/registered_model_document.h"

#include "api/model_version_document.h"
#include "api/registry.h"

#include <stdlib.h>

/* The newest version of each stage of some models. */
struct newest
{
  struct store_model_version *versions; /* by registered_model_id, then the highest number first */
  size_t count;
  struct result result;
};

static enum err_code
read_newest (struct newest *newest, const struct registered_model_whole *models, size_t count, struct api_call *call,
             struct err *err)
{
  int64_t *ids = arena_array (call->arena, count, sizeof (*ids));
  enum err_code code;

  if (NULL == ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
    ids[i] = models[i].model.registered_model_id;
  code = store_registered_model_latest (&newest->result, call->connection, ids, count, call->arena, err);
  if (ERR_OK != code)
    return code;
  newest->versions = arena_array (call->arena, result_count (&newest->result), sizeof (*newest->versions));
  if (NULL == newest->versions)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (; ERR_OK == code && newest->count < result_count (&newest->result); newest->count++)
    code = result_row (&newest->versions[newest->count], &newest->result, newest->count, store_model_version_columns,
                       STORE_MODEL_VERSION_COLUMNS, err);
  return code;
}

static int
compare_model (const void *key, const void *item)
{
  int64_t id = *(const int64_t *)key;
  const struct store_model_version *version = item;

  return (id > version->registered_model_id) - (id < version->registered_model_id);
}

static void
write_newest (struct json_write *w, int64_t registered_model_id, const struct newest *newest, struct arena *arena)
{
  const struct store_model_version *found =
      0 == newest->count
          ? NULL
          : bsearch (&registered_model_id, newest->versions, newest->count, sizeof (*newest->versions), compare_model);
  const struct store_model_version *end = newest->versions + newest->count;

  if (NULL == found)
    return;
  while (found > newest->versions && found[-1].registered_model_id == registered_model_id)
    found--;
  json_write_key (w, "latest_versions");
  json_write_array (w);
  for (; found < end && found->registered_model_id == registered_model_id; found++)
    model_version_write (w, found, arena);
  json_write_array_end (w);
}

static void
write_one (struct json_write *w, const struct registered_model_whole *whole, const struct newest *newest,
           struct arena *arena)
{
  const struct store_registered_model *model = &whole->model;

  json_write_object (w);
  json_write_member_string (w, "name", model->name);
  json_write_member_int64 (w, "creation_timestamp", model->created_at_ms);
  json_write_member_int64 (w, "last_updated_timestamp", model->updated_at_ms);
  if (slice_filled (model->description))
    json_write_member_string (w, "description", model->description);
  write_newest (w, model->registered_model_id, newest, arena);
  api_write_pairs (w, "tags", model->tags, arena);
  if (whole->aliases.len > strlen ("[]"))
  {
    json_write_key (w, "aliases");
    json_write_compact (w, whole->aliases);
  }
  json_write_object_end (w);
}

enum err_code
registered_model_write (struct json_write *w, const struct registered_model_whole *models, size_t count,
                        struct api_call *call, struct err *err)
{
  struct newest newest = { .count = 0 };
  enum err_code code = read_newest (&newest, models, count, call, err);

  for (size_t i = 0; ERR_OK == code && i < count; i++)
    write_one (w, &models[i], &newest, call->arena);
  result_free (&newest.result);
  return code;
}

enum err_code
registered_model_reply (struct api_call *call, struct slice name, struct err *err)
{
  struct registered_model_whole whole;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = store_registered_model_get_whole (&whole.model, &whole.aliases, &result, call->connection,
                                                         call->pass->workspace_id, name, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = api_registry_no_model (err, name);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "registered_model");
    code = registered_model_write (&w, &whole, 1, call, err);
  }
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}
