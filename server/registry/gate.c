/* Gates: whether an alias or a stage of a registered model may move. */
#include "registry/gate.h"

#include "registry/gate_change.h"
#include "registry/judgement.h"

#include <inttypes.h>

/* Aliases and stages of one model that a rename may bring under other gates. */
#define RENAME_MAX 1000

static struct store_gate_key
key_of (const struct registry_change *change, struct slice model, struct slice alias, int16_t stage)
{
  return (struct store_gate_key){ change->workspace_id, model, alias, stage };
}

/* Judge a move by all gates that bind it, and tell how many they are. */
static enum err_code
judge_move (struct judgement *judgement, size_t *gate_count, const struct registry_move *move, bool holds_off,
            struct err *err)
{
  struct registry_change *change = judgement->change;
  struct store_gate_key key = key_of (change, move->model->name, move->alias, move->stage);
  struct result result = { NULL };
  enum err_code code = ERR_OK;

  *gate_count = 0;
  /* None is no stage that anything guards. */
  if (NULL == move->alias.data && MODEL_STAGE_NONE == move->stage)
    return ERR_OK;
  code = store_gate_binding (&result, change->connection, &key, holds_off, err);
  if (ERR_OK == code)
    *gate_count = result_count (&result);
  for (size_t i = 0; ERR_OK == code && i < *gate_count; i++)
  {
    struct store_promotion_gate gate;

    code = result_row (&gate, &result, i, store_promotion_gate_columns, STORE_PROMOTION_GATE_COLUMNS, err);
    if (ERR_OK == code)
      code = judgement_add (judgement, move, &gate, err);
  }
  result_free (&result);
  return code;
}

/* --- refusing ---------------------------------------------------------------------------------------------------- */

/* "alias 'production' of registered model 'fraud'" */
static const char *
name_of (const struct registry_change *change, const struct registry_move *move)
{
  struct slice model = move->model->name;

  return NULL != move->alias.data ? arena_printf (change->arena, "alias '%.*s' of registered model '%.*s'",
                                                  SLICE_ARG (move->alias), SLICE_ARG (model))
                                  : arena_printf (change->arena, "stage '%s' of registered model '%.*s'",
                                                  model_stage_names[move->stage], SLICE_ARG (model));
}

static enum err_code
refuse (struct judgement *judgement, struct err *err)
{
  struct registry_change *change = judgement->change;
  const struct registry_move *move = judgement->refused;
  const char *what = name_of (change, move);
  const char *why = judgement_sentence (judgement);

  change->missing = judgement_missing (judgement);
  if (NULL == change->missing.data || NULL == what || NULL == why)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (0 == move->version && NULL == move->alias.data)
    return err_set (err, ERR_RESOURCE_CONFLICT, "A gate does not let version %" PRId64 " leave %s: %s.", move->holder,
                    what, why);
  if (0 == move->version)
    return err_set (err, ERR_RESOURCE_CONFLICT, "A gate does not let %s go: %s.", what, why);
  return err_set (err, ERR_RESOURCE_CONFLICT, "A gate does not let version %" PRId64 " have %s: %s.", move->version,
                  what, why);
}

/* Something is missing: whether the caller may go on all the same. */
static enum err_code
override (struct judgement *judgement, struct err *err)
{
  struct registry_change *change = judgement->change;

  if (! change->forces)
    return refuse (judgement, err);
  if (! change->may_force)
    return err_set (err, ERR_PERMISSION_DENIED, "To move %s in spite of a gate needs the action force.",
                    name_of (change, judgement->refused));
  if (! slice_filled (change->reason))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "A move that is forced needs a reason.");
  change->forced = true;
  return ERR_OK;
}

/* Judge moves that happen together. Stops, with it in `denied`, at one that the caller has not the right to make; and
   behind the first version that may not be archived along, since they may be as many as the model has. */
static enum err_code
judge_moves (struct judgement *judgement, const struct registry_move **denied, const struct registry_move *moves,
             size_t count, bool holds_off, struct err *err)
{
  const struct registry_move *stuck = NULL;
  enum err_code code = ERR_OK;

  *denied = NULL;
  for (size_t i = 0; ERR_OK == code && NULL == *denied && i < count; i++)
  {
    size_t before = judgement->missing_count;
    size_t gate_count;

    if (NULL != stuck && judgement_version (stuck) != judgement_version (&moves[i]))
      break;
    code = judge_move (judgement, &gate_count, &moves[i], holds_off, err);
    if (ERR_OK == code && gate_count > 0 && ! judgement->change->may_promote)
      *denied = &moves[i];
    if (moves[i].is_along && judgement->missing_count > before)
      stuck = &moves[i];
  }
  return code;
}

enum err_code
registry_gate_ask_all (struct registry_change *change, const struct registry_move *moves, size_t count, struct err *err)
{
  const struct registry_move *denied;
  struct judgement judgement;
  enum err_code code;

  judgement_init (&judgement, change);
  code = judge_moves (&judgement, &denied, moves, count, true, err);
  if (ERR_OK == code && NULL != denied)
    code = err_set (err, ERR_PERMISSION_DENIED, "A gate protects %s: moving it needs the action promote.",
                    name_of (change, denied));
  if (ERR_OK == code && NULL != judgement.refused)
    code = override (&judgement, err);
  judgement_free (&judgement);
  return code;
}

enum err_code
registry_gate_ask (struct registry_change *change, const struct registry_move *move, struct err *err)
{
  return registry_gate_ask_all (change, move, 1, err);
}

enum err_code
registry_gate_try (struct registry_gate_answer *answer, struct registry_change *change,
                   const struct registry_move *moves, size_t count, struct err *err)
{
  const struct registry_move *denied;
  struct judgement judgement;
  enum err_code code;

  judgement_init (&judgement, change);
  code = judge_moves (&judgement, &denied, moves, count, false, err);
  judgement.move = denied;
  if (ERR_OK == code && NULL != denied)
    judgement_miss (&judgement, "permission", "moving it needs the action promote");
  answer->missing = judgement_missing (&judgement);
  answer->met = judgement_met (&judgement);
  answer->missing_count = judgement.missing_count;
  answer->met_count = judgement.met_count;
  if (ERR_OK == code && (NULL == answer->missing.data || NULL == answer->met.data))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  judgement_free (&judgement);
  return code;
}

enum err_code
registry_gate_binds (bool *binds, struct registry_change *change, struct slice model, struct slice alias, int16_t stage,
                     bool holds_off, struct err *err)
{
  struct store_gate_key key = key_of (change, model, alias, stage);
  struct result result = { NULL };
  enum err_code code = ERR_OK;

  *binds = false;
  if (NULL == alias.data && MODEL_STAGE_NONE == stage)
    return ERR_OK;
  code = store_gate_binding (&result, change->connection, &key, holds_off, err);
  *binds = ERR_OK == code && result_count (&result) > 0;
  result_free (&result);
  return code;
}

/* --- renaming ---------------------------------------------------------------------------------------------------- */

/* What a model now has may not leave a pattern that guards it. */
static enum err_code
check_left (struct registry_change *change, const struct store_registered_model *model, struct slice new_name,
            struct err *err)
{
  struct store_gate_held held;
  struct result result = { NULL };
  struct registry_move move;
  enum err_code code = store_gate_differing (&result, change->connection, change->workspace_id,
                                             model->registered_model_id, model->name, new_name, true, 1, err);

  if (ERR_OK == code && result_count (&result) > 0)
    code = result_row (&held, &result, 0, store_gate_held_columns, STORE_GATE_HELD_COLUMNS, err);
  if (ERR_OK == code && result_count (&result) > 0)
  {
    move = (struct registry_move){ .model = model, .alias = held.alias, .stage = held.stage };
    code =
        err_set (err, ERR_RESOURCE_CONFLICT,
                 "The gate of '%.*s' protects %s, which version %" PRId64 " has; it would not under the name '%.*s'.",
                 SLICE_ARG (held.model_pattern), name_of (change, &move), held.version, SLICE_ARG (new_name));
  }
  result_free (&result);
  return code;
}

/* What it has must pass the gates that it comes under. */
static enum err_code
check_entered (struct registry_change *change, const struct store_registered_model *model, struct slice new_name,
               struct err *err)
{
  struct store_registered_model renamed = *model;
  struct registry_move *moves = NULL;
  struct store_gate_held held;
  struct result result = { NULL };
  size_t count;
  enum err_code code =
      store_gate_differing (&result, change->connection, change->workspace_id, model->registered_model_id, new_name,
                            model->name, false, RENAME_MAX + 1, err);

  renamed.name = new_name;
  count = ERR_OK == code ? result_count (&result) : 0;
  if (count > RENAME_MAX)
    code = err_set (err, ERR_RESOURCE_CONFLICT, "More than %d versions would come under gates of '%.*s'.", RENAME_MAX,
                    SLICE_ARG (new_name));
  if (ERR_OK == code && NULL == (moves = arena_array (change->arena, count, sizeof (*moves))))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = result_row (&held, &result, i, store_gate_held_columns, STORE_GATE_HELD_COLUMNS, err);
    moves[i] =
        (struct registry_move){ .model = &renamed, .alias = held.alias, .stage = held.stage, .version = held.version };
  }
  if (ERR_OK == code)
    code = registry_gate_ask_all (change, moves, count, err);
  result_free (&result);
  return code;
}

/* Gates of exactly the old name bind the new one too. They stay with the old one as well: else the name could be taken
   by another model that nothing guards. */
static enum err_code
copy_gates (struct registry_change *change, struct slice old_name, struct slice new_name, struct err *err)
{
  struct result result = { NULL };
  enum err_code code = store_gate_list (&result, change->connection, change->workspace_id, old_name, 0, INT64_MAX, err);

  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct store_promotion_gate gate;

    code = result_row (&gate, &result, i, store_promotion_gate_columns, STORE_PROMOTION_GATE_COLUMNS, err);
    if (ERR_OK == code && slice_equal (gate.model_pattern, old_name))
    {
      struct store_gate_key key = key_of (change, new_name, gate.alias, gate.stage);

      code = registry_gate_put (change, &key, gate.rules, false, err);
    }
  }
  result_free (&result);
  return code;
}

enum err_code
registry_gate_rename (struct registry_change *change, const struct store_registered_model *model, struct slice new_name,
                      struct err *err)
{
  enum err_code code = store_gate_exclude_moves (change->connection, err);

  if (ERR_OK == code)
    code = check_left (change, model, new_name, err);
  if (ERR_OK == code)
    code = check_entered (change, model, new_name, err);
  return ERR_OK == code ? copy_gates (change, model->name, new_name, err) : code;
}
