/* Deleting a workspace with its registered models. */
#include "registry/workspace.h"

#include "registry/model.h"
#include "store/registered_model.h"

#include <inttypes.h>

/* Whether the registry lets the workspace go. */
static enum err_code
judge (const struct registry_workspace *wanted, const struct store_workspace_registry *survey, struct err *err)
{
  if (survey->gates > 0)
    return err_set (err, ERR_RESOURCE_CONFLICT,
                    "Cannot delete workspace '%.*s': it still has %" PRId64
                    " gates of registered models. Delete them first.",
                    SLICE_ARG (wanted->name), survey->gates);
  if (STORE_WORKSPACE_RESTRICT == wanted->mode && survey->models > 0)
    return err_set (err, ERR_RESOURCE_CONFLICT,
                    "Cannot delete workspace '%.*s': it still holds %" PRId64
                    " registered models. Use mode CASCADE to delete them, or SET_DEFAULT to move them to the workspace "
                    "default.",
                    SLICE_ARG (wanted->name), survey->models);
  if (STORE_WORKSPACE_SET_DEFAULT == wanted->mode && survey->names.len > 0)
    return err_set (err, ERR_RESOURCE_CONFLICT,
                    "Cannot move the registered models of workspace '%.*s' to the workspace default, which has others "
                    "of these names: %.*s. Rename them first.",
                    SLICE_ARG (wanted->name), SLICE_ARG (survey->names));
  return ERR_OK;
}

static enum err_code
look (const struct registry_workspace *wanted, struct registry_change *change, int64_t workspace_id, struct err *err)
{
  struct store_workspace_registry survey;
  struct result result = { NULL };
  enum err_code code = store_registered_model_survey (&survey, &result, change->connection, workspace_id, err);

  if (ERR_OK == code)
    code = judge (wanted, &survey, err);
  result_free (&result);
  return code;
}

static void
note_move (struct registry_change *change, const struct store_registered_model *model, struct slice from)
{
  const struct registry_note note = { .action = "model.move",
                                      .registered_model_id = model->registered_model_id,
                                      .model = { arena_string (change->arena, model->name), model->name.len },
                                      .before = registry_text_member (change, "workspace", from),
                                      .after = registry_text_member (change, "workspace",
                                                                     SLICE (STORE_WORKSPACE_DEFAULT_NAME)) };

  registry_note (change, &note);
}

/* Delete every registered model, or note that it moves. */
static enum err_code
take_models (const struct registry_workspace *wanted, struct registry_change *change, int64_t workspace_id,
             struct err *err)
{
  bool moves = STORE_WORKSPACE_SET_DEFAULT == wanted->mode;
  struct result result = { NULL };
  enum err_code code = store_registered_model_all (&result, change->connection, workspace_id, err);

  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct store_registered_model model;

    code = result_row (&model, &result, i, store_registered_model_columns, STORE_REGISTERED_MODEL_COLUMNS, err);
    if (ERR_OK == code && moves)
      note_move (change, &model, wanted->name);
    else if (ERR_OK == code)
      code = registry_model_delete (change, &model.name, err);
  }
  result_free (&result);
  return code;
}

enum err_code
registry_workspace_delete (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_workspace *wanted = context;
  bool moves = STORE_WORKSPACE_SET_DEFAULT == wanted->mode;
  int64_t workspace_id = 0;
  enum err_code code = store_workspace_hold (&workspace_id, change->connection, wanted->name, wanted->mode, err);

  if (ERR_OK == code)
    code = look (wanted, change, workspace_id, err);
  if (ERR_OK != code)
    return code;
  /* The entries are about the workspace that the models are in afterwards, or were in last. */
  change->workspace_id = moves ? STORE_WORKSPACE_DEFAULT : workspace_id;
  code = take_models (wanted, change, workspace_id, err);
  if (ERR_OK == code && moves)
    code = store_registered_model_move_all (change->connection, workspace_id, err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
  {
    err_clear (err);
    return err_set (err, ERR_RESOURCE_CONFLICT,
                    "A registered model of the same name was just made in the workspace default; try again.");
  }
  return ERR_OK == code ? store_workspace_remove (change->connection, workspace_id, wanted->name, wanted->mode,
                                                  change->now_ms, wanted->who, change->arena, err)
                        : code;
}
