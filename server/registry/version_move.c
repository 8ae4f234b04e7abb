/* Versions of registered models that change their stage or go: what gates are asked about. */
#include "registry/gate.h"
#include "registry/version.h"
#include "store/model_alias.h"

#include <inttypes.h>

/* Ask about a version that leaves a stage, or enters one. None is no stage: nothing guards it. */
static enum err_code
ask (struct registry_change *change, const struct store_registered_model *model, int16_t stage, int64_t version,
     int64_t holder, struct err *err)
{
  const struct registry_move move = { .model = model, .stage = stage, .version = version, .holder = holder };

  return MODEL_STAGE_NONE == stage ? ERR_OK : registry_gate_ask (change, &move, err);
}

static void
note_stage (struct registry_change *change, const struct store_registered_model *model, int64_t number, int16_t from,
            int16_t to)
{
  struct registry_note note = registry_version_note ("version.stage", model, number);

  note.before = registry_text_member (change, "stage", slice_of (model_stage_names[from]));
  note.after = registry_text_member (change, "stage", slice_of (model_stage_names[to]));
  registry_note (change, &note);
}

/* Whether one of the two stages that an archived version leaves and enters is guarded: a stage may hold as many
   versions as the model has, and where nothing is guarded none of them needs a question. */
static enum err_code
archiving_is_guarded (bool *guarded, struct registry_change *change, const struct store_registered_model *model,
                      int16_t stage, struct err *err)
{
  const struct slice no_alias = { NULL, 0 };
  enum err_code code = registry_gate_binds (guarded, change, model->name, no_alias, stage, err);

  return ERR_OK == code && ! *guarded
             ? registry_gate_binds (guarded, change, model->name, no_alias, MODEL_STAGE_ARCHIVED, err)
             : code;
}

/* Move what else is in a stage to Archived. */
static enum err_code
archive_others (struct registry_change *change, const struct store_registered_model *model, int16_t stage,
                int64_t number, struct err *err)
{
  struct result others = { NULL };
  bool guarded = false;
  enum err_code code =
      store_model_versions_in_stage (&others, change->connection, model->registered_model_id, stage, number, err);
  size_t count = ERR_OK == code ? result_count (&others) : 0;

  if (count > 0)
    code = archiving_is_guarded (&guarded, change, model, stage, err);
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    int64_t other;

    code = result_row (&other, &others, i, &store_model_version_number_column, 1, err);
    if (ERR_OK == code && guarded)
      code = ask (change, model, stage, 0, other, err);
    if (ERR_OK == code && guarded)
      code = ask (change, model, MODEL_STAGE_ARCHIVED, other, 0, err);
    if (ERR_OK == code)
      note_stage (change, model, other, stage, MODEL_STAGE_ARCHIVED);
  }
  result_free (&others);
  if (ERR_OK == code && count > 0)
    code = store_model_versions_move (change->connection, model->registered_model_id, stage, MODEL_STAGE_ARCHIVED,
                                      number, change->now_ms, err);
  return code;
}

enum err_code
registry_version_move (struct registry_change *change, void *context, struct err *err)
{
  struct registry_version *version = context;
  struct store_registered_model model;
  int16_t from;
  enum err_code code = registry_version_hold (&model, version, change, err);

  if (ERR_OK == code && version->archives)
    code = archive_others (change, &model, version->stage, version->number, err);
  if (ERR_OK != code)
    return code;
  from = version->row.stage;
  if (from == version->stage)
    return ERR_OK;
  code = ask (change, &model, from, 0, version->number, err);
  if (ERR_OK == code)
    code = ask (change, &model, version->stage, version->number, 0, err);
  if (ERR_OK != code)
    return code;
  result_free (&version->result);
  code = store_model_version_set_stage (&version->row, &version->result, change->connection, model.registered_model_id,
                                        version->number, version->stage, change->now_ms, err);
  if (ERR_OK == code)
    note_stage (change, &model, version->number, from, version->stage);
  return code;
}

/* Whether nothing guards the stage that a version has. */
static enum err_code
check_stage (struct registry_change *change, const struct store_registered_model *model,
             const struct registry_version *version, struct err *err)
{
  bool binds = false;
  enum err_code code = ERR_OK;

  if (MODEL_STAGE_NONE != version->row.stage)
    code = registry_gate_binds (&binds, change, model->name, (struct slice){ NULL, 0 }, version->row.stage, err);
  return ! binds ? code
                 : err_set (err, ERR_RESOURCE_CONFLICT,
                            "Version %" PRId64 " of '%.*s' is in the stage %s, which a gate guards: it cannot be "
                            "deleted until it has left that stage.",
                            version->number, SLICE_ARG (model->name), model_stage_names[version->row.stage]);
}

/* Whether nothing guards an alias of it, and that the alias goes. */
static enum err_code
check_alias (struct registry_change *change, const struct store_registered_model *model, int64_t number,
             struct slice alias, struct err *err)
{
  struct registry_note note = registry_version_note ("alias.delete", model, number);
  bool binds = false;
  enum err_code code = registry_gate_binds (&binds, change, model->name, alias, MODEL_STAGE_NONE, err);

  if (binds)
    return err_set (err, ERR_RESOURCE_CONFLICT,
                    "Version %" PRId64
                    " of '%.*s' has the alias '%.*s', which a gate guards: it cannot be deleted until "
                    "the alias has moved.",
                    number, SLICE_ARG (model->name), SLICE_ARG (alias));
  note.alias = (struct slice){ arena_string (change->arena, alias), alias.len };
  note.before = registry_number_member (change, "version", number);
  if (ERR_OK == code)
    registry_note (change, &note);
  return code;
}

static enum err_code
check_aliases (struct registry_change *change, const struct store_registered_model *model, int64_t number,
               struct err *err)
{
  struct result result = { NULL };
  enum err_code code = store_model_alias_list (&result, change->connection, model->registered_model_id, number, err);
  size_t count = ERR_OK == code ? result_count (&result) : 0;

  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    struct store_model_alias row;

    code = result_row (&row, &result, i, store_model_alias_columns, STORE_MODEL_ALIAS_COLUMNS, err);
    if (ERR_OK == code)
      code = check_alias (change, model, number, row.alias, err);
  }
  result_free (&result);
  return code;
}

enum err_code
registry_version_delete (struct registry_change *change, void *context, struct err *err)
{
  struct registry_version *version = context;
  struct store_registered_model model;
  struct registry_note note;
  enum err_code code = registry_version_hold (&model, version, change, err);

  if (ERR_OK == code)
    code = check_stage (change, &model, version, err);
  if (ERR_OK == code)
    code = check_aliases (change, &model, version->number, err);
  if (ERR_OK == code)
    code = store_model_version_delete (change->connection, model.registered_model_id, version->number, change->now_ms,
                                       err);
  if (ERR_OK != code)
    return code;
  note = registry_version_note ("version.delete", &model, version->number);
  note.before = registry_text_member (change, "stage", slice_of (model_stage_names[version->row.stage]));
  registry_note (change, &note);
  return ERR_OK;
}
