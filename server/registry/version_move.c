/* Versions of registered models that change their stage or go: what gates are asked about. */
#include "registry/transition.h"
#include "store/model_alias.h"

#include <inttypes.h>

static void
note_stage (struct registry_change *change, const struct store_registered_model *model, int64_t number, int16_t from,
            int16_t to)
{
  struct registry_note note = registry_version_note ("version.stage", model, number);

  note.before = registry_text_member (change, "stage", slice_of (model_stage_names[from]));
  note.after = registry_text_member (change, "stage", slice_of (model_stage_names[to]));
  registry_note (change, &note);
}

/* The numbers of what else is in the stage, which goes to Archived. */
static enum err_code
read_others (struct registry_transition *transition, struct registry_change *change,
             const struct store_registered_model *model, const struct registry_version *version, struct err *err)
{
  struct result others = { NULL };
  enum err_code code = store_model_versions_in_stage (&others, change->connection, model->registered_model_id,
                                                      version->stage, version->number, err);
  size_t count = ERR_OK == code ? result_count (&others) : 0;

  transition->others = arena_array (change->arena, count, sizeof (*transition->others));
  if (ERR_OK == code && NULL == transition->others)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < count; i++)
    code = result_row (&transition->others[i], &others, i, &store_model_version_number_column, 1, err);
  transition->other_count = count;
  result_free (&others);
  return code;
}

/* Whether one of the two stages that an archived version leaves and enters is guarded: a stage may hold as many
   versions as the model has, and where nothing is guarded none of them needs a question. */
static enum err_code
archiving_is_guarded (bool *guarded, struct registry_change *change, const struct store_registered_model *model,
                      int16_t stage, bool holds_off, struct err *err)
{
  const struct slice no_alias = { NULL, 0 };
  enum err_code code = registry_gate_binds (guarded, change, model->name, no_alias, stage, holds_off, err);

  return ERR_OK == code && ! *guarded
             ? registry_gate_binds (guarded, change, model->name, no_alias, MODEL_STAGE_ARCHIVED, holds_off, err)
             : code;
}

/* Ask about a version that leaves a stage and enters another. */
static void
add_moves (struct registry_transition *transition, const struct store_registered_model *model, int64_t number,
           int16_t from, int16_t to, bool is_along)
{
  struct registry_move *moves = transition->moves + transition->move_count;

  moves[0] = (struct registry_move){ .model = model, .stage = from, .holder = number, .is_along = is_along };
  moves[1] = (struct registry_move){ .model = model, .stage = to, .version = number, .is_along = is_along };
  transition->move_count += 2;
}

enum err_code
registry_transition_read (struct registry_transition *transition, struct registry_change *change,
                          const struct store_registered_model *model, const struct registry_version *version,
                          bool holds_off, struct err *err)
{
  bool guarded = false;
  enum err_code code = ERR_OK;

  *transition = (struct registry_transition){ .others = NULL };
  if (version->archives)
    code = read_others (transition, change, model, version, err);
  if (ERR_OK == code && transition->other_count > 0)
    code = archiving_is_guarded (&guarded, change, model, version->stage, holds_off, err);
  if (ERR_OK != code)
    return code;
  /* Two for each version: it leaves, and it enters. */
  transition->moves =
      arena_array (change->arena, 2 * (1 + (guarded ? transition->other_count : 0)), sizeof (*transition->moves));
  if (NULL == transition->moves)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (version->row.stage != version->stage)
    add_moves (transition, model, version->number, version->row.stage, version->stage, false);
  for (size_t i = 0; guarded && i < transition->other_count; i++)
    add_moves (transition, model, transition->others[i], version->stage, MODEL_STAGE_ARCHIVED, true);
  return ERR_OK;
}

/* Move what else is in the stage to Archived. */
static enum err_code
archive_others (struct registry_change *change, const struct store_registered_model *model,
                const struct registry_version *version, const struct registry_transition *transition, struct err *err)
{
  if (0 == transition->other_count)
    return ERR_OK;
  for (size_t i = 0; i < transition->other_count; i++)
    note_stage (change, model, transition->others[i], version->stage, MODEL_STAGE_ARCHIVED);
  return store_model_versions_move (change->connection, model->registered_model_id, version->stage,
                                    MODEL_STAGE_ARCHIVED, version->number, change->now_ms, err);
}

enum err_code
registry_version_move (struct registry_change *change, void *context, struct err *err)
{
  struct registry_version *version = context;
  struct store_registered_model model;
  struct registry_transition transition;
  int16_t from;
  enum err_code code = registry_version_hold (&model, version, change, err);

  if (ERR_OK == code)
    code = registry_transition_read (&transition, change, &model, version, true, err);
  if (ERR_OK == code)
    code = registry_gate_ask_all (change, transition.moves, transition.move_count, err);
  if (ERR_OK == code)
    code = archive_others (change, &model, version, &transition, err);
  if (ERR_OK != code)
    return code;
  from = version->row.stage;
  if (from == version->stage)
    return ERR_OK;
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
    code = registry_gate_binds (&binds, change, model->name, (struct slice){ NULL, 0 }, version->row.stage, true, err);
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
  enum err_code code = registry_gate_binds (&binds, change, model->name, alias, MODEL_STAGE_NONE, true, err);

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
