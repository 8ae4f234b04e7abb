/* Changes of versions of registered models: create, describe, tags. */
#include "registry/version.h"

#include "registry/tag.h"
#include "store/logged_model.h"

#include <inttypes.h>

struct registry_note
registry_version_note (const char *action, const struct store_registered_model *model, int64_t number)
{
  return (struct registry_note){
    .action = action, .registered_model_id = model->registered_model_id, .model = model->name, .version = number
  };
}

enum err_code
registry_version_hold (struct store_registered_model *model, struct registry_version *version,
                       struct registry_change *change, struct err *err)
{
  enum err_code code = registry_hold_model (model, change, version->name, err);

  result_free (&version->result);
  if (ERR_OK == code)
    code = store_model_version_get (&version->row, &version->result, change->connection, change->workspace_id,
                                    version->name, version->number, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set (err, code, "Model Version (name=%.*s, version=%" PRId64 ") not found", SLICE_ARG (version->name),
                    version->number);
  return code;
}

/* What a new version says, for the ledger. */
static struct slice
created (const struct registry_change *change, const struct store_model_version *version)
{
  struct registry_object object;
  struct json_write *w = &object.w;

  registry_object_begin (&object);
  json_write_member_string (w, "source", version->source);
  json_write_member_string (w, "run_id", version->run_id);
  json_write_member_string (w, "model_id", version->model_id);
  json_write_member_string (w, "run_link", version->run_link);
  registry_write_text (w, "description", version->description);
  json_write_key (w, "tags");
  json_write_compact (w, version->tags);
  json_write_member_string (w, "user_id", version->user_id);
  registry_write_text (w, "storage_location", version->storage_location);
  json_write_member_text (w, "status", model_version_status_names[version->status]);
  return registry_object_end (&object, change);
}

enum err_code
registry_version_create (struct registry_change *change, void *context, struct err *err)
{
  struct registry_version *version = context;
  struct store_registered_model model;
  struct registry_note note;
  enum err_code code = registry_hold_model (&model, change, version->name, err);

  result_free (&version->result);
  if (ERR_OK == code)
    code = store_model_version_create (&version->row, &version->result, change->connection, model.registered_model_id,
                                       &version->fresh, change->now_ms, err);
  if (ERR_OK == code && version->links_model)
    code = store_logged_model_add_version (change->connection, version->fresh.model_id, model.name,
                                           version->row.version, err);
  if (ERR_OK != code)
    return code;
  note = registry_version_note ("version.create", &model, version->row.version);
  note.after = created (change, &version->row);
  registry_note (change, &note);
  return ERR_OK;
}

enum err_code
registry_version_describe (struct registry_change *change, void *context, struct err *err)
{
  struct registry_version *version = context;
  struct store_registered_model model;
  struct registry_note note;
  enum err_code code = registry_version_hold (&model, version, change, err);

  if (ERR_OK != code)
    return code;
  if (registry_same_text (version->row.description, version->description))
    return ERR_OK;
  note = registry_version_note ("version.describe", &model, version->number);
  note.before = registry_text_member (change, "description", version->row.description);
  note.after = registry_text_member (change, "description", version->description);
  result_free (&version->result);
  code = store_model_version_describe (&version->row, &version->result, change->connection, model.registered_model_id,
                                       version->number, version->description, change->now_ms, err);
  if (ERR_OK == code)
    registry_note (change, &note);
  return code;
}

enum err_code
registry_version_tag (struct registry_change *change, void *context, struct err *err)
{
  struct registry_version *version = context;
  struct store_registered_model model;
  struct registry_note note;
  struct slice before;
  enum err_code code = registry_version_hold (&model, version, change, err);

  if (ERR_OK != code)
    return code;
  before = registry_tag_value (change, version->row.tags, version->key);
  if (registry_same_text (before, version->value))
    return ERR_OK;
  code = NULL == version->value.data ? store_model_version_delete_tag (change->connection, model.registered_model_id,
                                                                       version->number, version->key, err)
                                     : store_model_version_set_tag (change->connection, model.registered_model_id,
                                                                    version->number, version->key, version->value, err);
  note = registry_version_note ("version.tag", &model, version->number);
  note.before = registry_tag_member (change, version->key, before);
  note.after = registry_tag_member (change, version->key, version->value);
  if (ERR_OK == code)
    registry_note (change, &note);
  return code;
}
