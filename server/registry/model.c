/* Changes of registered models themselves. */
#include "registry/model.h"

#include "registry/gate.h"
#include "registry/tag.h"
#include "store/model_alias.h"

#include <inttypes.h>

/* What ledger entries of a model have in common. */
static struct registry_note
note_of (const char *action, const struct store_registered_model *model)
{
  return (struct registry_note){ .action = action,
                                 .registered_model_id = model->registered_model_id,
                                 .model = model->name };
}

/* --- create ------------------------------------------------------------------------------------------------------ */

/* {"name", "description", "tags"}, in the arena. */
static struct slice
state_of (const struct registry_change *change, const struct registry_new_model *fresh)
{
  struct registry_object object;
  struct json_write *w = &object.w;

  registry_object_begin (&object);
  json_write_member_string (w, "name", fresh->name);
  registry_write_text (w, "description", fresh->description);
  json_write_key (w, "tags");
  json_write_compact (w, fresh->tags);
  return registry_object_end (&object, change);
}

/* MLflow's three texts: whose the name is, and for what. */
static enum err_code
name_taken (const struct registry_change *change, const struct registry_new_model *fresh, struct err *err)
{
  static const char *const kinds[] = { "Registered Model", "Prompt" };
  static const char *const lower_kinds[] = { "registered model", "prompt" };
  struct store_registered_model model = { .is_prompt = fresh->is_prompt };
  struct result result = { NULL };
  enum err_code code =
      store_registered_model_get (&model, &result, change->connection, change->workspace_id, fresh->name, err);

  result_free (&result);
  if (ERR_OK != code && ERR_RESOURCE_DOES_NOT_EXIST != code)
    return code;
  if (model.is_prompt == fresh->is_prompt)
    return err_set (err, ERR_RESOURCE_ALREADY_EXISTS, "%s (name=%.*s) already exists.", kinds[fresh->is_prompt],
                    SLICE_ARG (fresh->name));
  return err_set (err, ERR_RESOURCE_ALREADY_EXISTS,
                  "Tried to create a %s with name '%.*s', but the name is already taken by a %s. MLflow does not allow "
                  "creating a model and a prompt with the same name.",
                  lower_kinds[fresh->is_prompt], SLICE_ARG (fresh->name), lower_kinds[model.is_prompt]);
}

enum err_code
registry_model_create (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_new_model *fresh = context;
  const struct store_new_registered_model row = { .workspace_id = change->workspace_id,
                                                  .account_id = change->actor->account_id,
                                                  .name = fresh->name,
                                                  .description = fresh->description,
                                                  .tags = fresh->tags };
  struct store_registered_model model = { .name = fresh->name };
  struct registry_note note;
  enum err_code code =
      store_registered_model_create (&model.registered_model_id, change->connection, &row, change->now_ms, err);

  if (ERR_RESOURCE_ALREADY_EXISTS == code)
    return name_taken (change, fresh, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "The workspace was deleted meanwhile.");
  if (ERR_OK != code)
    return code;
  note = note_of ("model.create", &model);
  note.after = state_of (change, fresh);
  registry_note (change, &note);
  return ERR_OK;
}

/* --- rename, describe, tag --------------------------------------------------------------------------------------- */

enum err_code
registry_model_rename (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_model_rename *wanted = context;
  struct store_registered_model model;
  struct registry_note note;
  enum err_code code = registry_hold_model (&model, change, wanted->name, err);

  if (ERR_OK != code || slice_equal (model.name, wanted->new_name))
    return code;
  code = registry_gate_rename (change, &model, wanted->new_name, err);
  if (ERR_OK == code)
    code = store_registered_model_rename (change->connection, &model, wanted->new_name, change->now_ms, err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
  {
    err_clear (err);
    return err_set (err, code, "Registered Model (name=%.*s) already exists.", SLICE_ARG (wanted->new_name));
  }
  if (ERR_OK != code)
    return code;
  note = note_of ("model.rename", &model);
  note.before = registry_text_member (change, "name", model.name);
  note.after = registry_text_member (change, "name", wanted->new_name);
  registry_note (change, &note);
  return ERR_OK;
}

enum err_code
registry_model_describe (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_model_describe *wanted = context;
  struct store_registered_model model;
  struct registry_note note;
  enum err_code code = registry_hold_model (&model, change, wanted->name, err);

  if (ERR_OK != code || registry_same_text (model.description, wanted->description))
    return code;
  code = store_registered_model_describe (change->connection, model.registered_model_id, wanted->description,
                                          change->now_ms, err);
  if (ERR_OK != code)
    return code;
  note = note_of ("model.describe", &model);
  note.before = registry_text_member (change, "description", model.description);
  note.after = registry_text_member (change, "description", wanted->description);
  registry_note (change, &note);
  return ERR_OK;
}

enum err_code
registry_model_tag (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_model_tag *wanted = context;
  struct store_registered_model model;
  struct registry_note note;
  struct slice previous;
  enum err_code code = registry_hold_model (&model, change, wanted->name, err);

  if (ERR_OK != code)
    return code;
  previous = registry_tag_value (change, model.tags, wanted->key);
  if (registry_same_text (previous, wanted->value))
    return ERR_OK;
  code = store_registered_model_tag (change->connection, model.registered_model_id, wanted->key, wanted->value, err);
  if (ERR_OK != code)
    return code;
  note = note_of ("model.tag", &model);
  note.before = registry_tag_member (change, wanted->key, previous);
  note.after = registry_tag_member (change, wanted->key, wanted->value);
  registry_note (change, &note);
  return ERR_OK;
}

/* --- delete ------------------------------------------------------------------------------------------------------ */

/* Refuse while a gate binds what a version has, and note that all aliases go. */
static enum err_code
release_aliases (struct registry_change *change, const struct store_registered_model *model, struct err *err)
{
  struct result result = { NULL };
  struct store_model_alias alias;
  bool binds = false;
  enum err_code code = store_model_alias_list (&result, change->connection, model->registered_model_id, 0, err);

  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct registry_note note = note_of ("alias.delete", model);

    code = result_row (&alias, &result, i, store_model_alias_columns, STORE_MODEL_ALIAS_COLUMNS, err);
    if (ERR_OK == code)
      code = registry_gate_binds (&binds, change, model->name, alias.alias, MODEL_STAGE_NONE, true, err);
    if (ERR_OK == code && binds)
      code = err_set (err, ERR_RESOURCE_CONFLICT,
                      "A gate protects alias '%.*s' of registered model '%.*s', which version %" PRId64
                      " has. Move it away before the model is deleted.",
                      SLICE_ARG (alias.alias), SLICE_ARG (model->name), alias.version);
    note.version = alias.version;
    note.alias = (struct slice){ arena_string (change->arena, alias.alias), alias.alias.len };
    note.before = registry_number_member (change, "version", alias.version);
    registry_note (change, &note);
  }
  result_free (&result);
  return code;
}

static enum err_code
check_stages (struct registry_change *change, const struct store_registered_model *model, struct err *err)
{
  struct result result = { NULL };
  struct store_model_version version;
  bool binds = false;
  enum err_code code =
      store_registered_model_latest (&result, change->connection, &model->registered_model_id, 1, change->arena, err);

  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    code = result_row (&version, &result, i, store_model_version_columns, STORE_MODEL_VERSION_COLUMNS, err);
    if (ERR_OK == code && MODEL_STAGE_NONE != version.stage)
      code = registry_gate_binds (&binds, change, model->name, (struct slice){ NULL, 0 }, version.stage, true, err);
    if (ERR_OK == code && binds)
      code = err_set (err, ERR_RESOURCE_CONFLICT,
                      "A gate protects stage '%s' of registered model '%.*s', which version %" PRId64
                      " is in. Move it away before the model is deleted.",
                      model_stage_names[version.stage], SLICE_ARG (model->name), version.version);
  }
  result_free (&result);
  return code;
}

enum err_code
registry_model_delete (struct registry_change *change, void *context, struct err *err)
{
  const struct slice *name = context;
  struct store_registered_model model;
  struct registry_note note;
  int64_t versions = 0;
  enum err_code code = registry_hold_model (&model, change, *name, err);

  if (ERR_OK == code)
    code = release_aliases (change, &model, err);
  if (ERR_OK == code)
    code = check_stages (change, &model, err);
  if (ERR_OK == code)
    code = store_registered_model_delete (&versions, change->connection, &model, err);
  if (ERR_OK != code)
    return code;
  note = note_of ("model.delete", &model);
  /* ... with the number of versions in place of the closing brace. */
  note.before = registry_text_member (change, "name", model.name);
  if (note.before.len > 0)
    note.before = slice_of (arena_printf (change->arena, "%.*s,\"versions\":%" PRId64 "}", (int)note.before.len - 1,
                                          note.before.data, versions));
  registry_note (change, &note);
  return ERR_OK;
}
