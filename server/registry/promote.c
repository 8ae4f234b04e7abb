/* Promotion and rollback: aliases that move together. */
#include "registry/promote.h"

#include "base/json_write.h"
#include "registry/gate.h"
#include "store/alias_history.h"
#include "store/model_alias.h"

#include <inttypes.h>

/* Steps of an alias that are read at a time on the way back, and how many of them at most. */
#define STEPS_READ 100
#define STEPS_MAX 100000

static enum err_code
no_version (struct err *err, const struct registry_promotion *promotion, int64_t version)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Model Version (name=%.*s, version=%" PRId64 ") not found",
                  SLICE_ARG (promotion->model), version);
}

/* Who has the aliases now, and whether that is what the caller expects. */
static enum err_code
read_holders (struct registry_promotion *promotion, struct registry_change *change,
              const struct store_registered_model *model, struct err *err)
{
  const struct registry_promotion_move *wrong = NULL;
  struct buffer buffer;
  struct json_write w;
  enum err_code code = ERR_OK;

  buffer_init (&buffer, SIZE_MAX);
  json_write_init (&w, &buffer);
  json_write_array (&w);
  for (size_t i = 0; ERR_OK == code && i < promotion->count; i++)
  {
    struct registry_promotion_move *move = &promotion->moves[i];

    code = store_model_alias_holder (&move->previous, change->connection, model->registered_model_id, move->alias, err);
    json_write_object (&w);
    json_write_member_string (&w, "alias", move->alias);
    json_write_member_int64 (&w, "version", move->previous);
    json_write_object_end (&w);
    if (NULL == wrong && move->expect_version.present && move->expect_version.value != move->previous)
      wrong = move;
  }
  json_write_array_end (&w);
  if (ERR_OK == code && NULL != wrong)
  {
    change->current = (struct slice){ arena_copy (change->arena, buffer.data, buffer.len), buffer.len };
    code =
        0 == wrong->previous
            ? err_set (err, ERR_RESOURCE_CONFLICT,
                       "No version of registered model '%.*s' has alias '%.*s'; version %" PRId64 " was expected.",
                       SLICE_ARG (model->name), SLICE_ARG (wrong->alias), wrong->expect_version.value)
            : err_set (err, ERR_RESOURCE_CONFLICT,
                       "Version %" PRId64 " of registered model '%.*s' has alias '%.*s'; %s%.0" PRId64 " was expected.",
                       wrong->previous, SLICE_ARG (model->name), SLICE_ARG (wrong->alias),
                       0 == wrong->expect_version.value ? "none" : "version ", wrong->expect_version.value);
  }
  buffer_free (&buffer);
  return code;
}

static bool
moves_on (const struct registry_promotion_move *move)
{
  return move->previous != move->version;
}

/* Give an alias to its version, and note it. */
static enum err_code
move_alias (struct registry_change *change, const struct store_registered_model *model,
            const struct registry_promotion *promotion, const struct registry_promotion_move *move, const char *action,
            struct err *err)
{
  struct registry_note note = { .action = action,
                                .registered_model_id = model->registered_model_id,
                                .model = model->name,
                                .version = move->version,
                                .alias = move->alias };
  int64_t previous;
  enum err_code code = store_model_alias_set (&previous, change->connection, model->registered_model_id, move->alias,
                                              move->version, change->now_ms, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return no_version (err, promotion, move->version);
  if (ERR_OK != code)
    return code;
  if (0 != move->previous)
    note.before = registry_number_member (change, "version", move->previous);
  note.after = registry_number_member (change, "version", move->version);
  registry_note (change, &note);
  return ERR_OK;
}

/* Ask the gates about those that move, then move them. `passed`: which of them had their alias before. */
static enum err_code
move_all (struct registry_change *change, const struct store_registered_model *model,
          const struct registry_promotion *promotion, const bool *passed, const char *action, struct err *err)
{
  struct registry_move *asked = arena_array (change->arena, promotion->count, sizeof (*asked));
  size_t count = 0;
  enum err_code code;

  if (NULL == asked)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < promotion->count; i++)
    if (moves_on (&promotion->moves[i]))
      asked[count++] = (struct registry_move){ .model = model,
                                               .alias = promotion->moves[i].alias,
                                               .version = promotion->moves[i].version,
                                               .holder = promotion->moves[i].previous,
                                               .is_rollback = NULL != passed && passed[i] };
  code = registry_gate_ask_all (change, asked, count, err);
  for (size_t i = 0; ERR_OK == code && i < promotion->count; i++)
    if (moves_on (&promotion->moves[i]))
      code = move_alias (change, model, promotion, &promotion->moves[i], action, err);
  return code;
}

static enum err_code
check_versions (const struct registry_promotion *promotion, struct registry_change *change, struct err *err)
{
  struct store_model_version version;
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < promotion->count; i++)
  {
    struct result result = { NULL };

    code = store_model_version_get (&version, &result, change->connection, change->workspace_id, promotion->model,
                                    promotion->moves[i].version, err);
    result_free (&result);
    if (ERR_RESOURCE_DOES_NOT_EXIST == code)
      code = no_version (err, promotion, promotion->moves[i].version);
  }
  return code;
}

enum err_code
registry_promote (struct registry_change *change, void *context, struct err *err)
{
  struct registry_promotion *promotion = context;
  struct store_registered_model model;
  enum err_code code = registry_hold_model (&model, change, promotion->model, err);

  if (ERR_OK == code)
    code = check_versions (promotion, change, err);
  if (ERR_OK == code)
    code = read_holders (promotion, change, &model, err);
  return ERR_OK == code ? move_all (change, &model, promotion, NULL, "alias.promote", err) : code;
}

/* --- the way back ------------------------------------------------------------------------------------------------ */

/* On the way back through the steps of an alias. */
struct way_back
{
  int64_t holder; /* the present one; 0: none */
  int64_t from; /* the version whose predecessor is looked for; 0: whatever the next step came from */
  int64_t found; /* 0: not yet */
};

/* Take one step, newer ones first. What a rollback left lies beside the way: only the step that brought its version
   there for the first time says what came before that. An alias that was taken away from its present holder for a time
   has not been elsewhere. */
static void
step_back (struct way_back *way, const struct store_alias_step *step)
{
  if (0 != way->found || (0 != way->from && (step->is_rollback || step->after != way->from)))
    return;
  if (0 != step->before && step->before != way->holder && step->before_exists)
    way->found = step->before;
  else
    way->from = step->before;
}

/* The holder before the present one (0: there is none now). */
static enum err_code
holder_before (int64_t *version, struct registry_change *change, const struct store_registered_model *model,
               const struct registry_promotion_move *move, struct err *err)
{
  struct way_back way = { .holder = move->previous, .from = move->previous };
  struct store_alias_step step = { .entry = INT64_MAX };
  size_t count = STEPS_READ;
  size_t seen = 0;
  enum err_code code = ERR_OK;

  while (ERR_OK == code && 0 == way.found && STEPS_READ == count && seen < STEPS_MAX)
  {
    struct result result = { NULL };

    code = store_alias_steps (&result, change->connection, model->registered_model_id, move->alias, step.entry,
                              STEPS_READ, err);
    count = ERR_OK == code ? result_count (&result) : 0;
    for (size_t i = 0; ERR_OK == code && i < count; i++, seen++)
    {
      code = result_row (&step, &result, i, store_alias_step_columns, STORE_ALIAS_STEP_COLUMNS, err);
      if (ERR_OK == code)
        step_back (&way, &step);
    }
    result_free (&result);
  }
  *version = way.found;
  if (ERR_OK == code && 0 == way.found)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                    "No version of registered model '%.*s' that is still there had alias '%.*s' before.",
                    SLICE_ARG (model->name), SLICE_ARG (move->alias));
  return code;
}

/* The holder at the time that the caller names. */
static enum err_code
holder_at (int64_t *version, struct registry_change *change, const struct store_registered_model *model,
           const struct registry_promotion_move *move, int64_t at_ms, struct err *err)
{
  enum err_code code =
      store_alias_at (version, change->connection, model->registered_model_id, move->alias, at_ms, err);

  if (ERR_OK == code && 0 == *version)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No version of registered model '%.*s' had alias '%.*s' then.",
                    SLICE_ARG (model->name), SLICE_ARG (move->alias));
  return code;
}

enum err_code
registry_rollback (struct registry_change *change, void *context, struct err *err)
{
  struct registry_promotion *promotion = context;
  struct store_registered_model model;
  bool *passed = arena_array (change->arena, promotion->count, sizeof (*passed));
  enum err_code code = registry_hold_model (&model, change, promotion->model, err);

  if (ERR_OK == code && NULL == passed)
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  if (ERR_OK == code)
    code = read_holders (promotion, change, &model, err);
  for (size_t i = 0; ERR_OK == code && i < promotion->count; i++)
  {
    struct registry_promotion_move *move = &promotion->moves[i];

    code = promotion->at_ms.present ? holder_at (&move->version, change, &model, move, promotion->at_ms.value, err)
                                    : holder_before (&move->version, change, &model, move, err);
    if (ERR_OK == code)
      code = store_alias_passed (&passed[i], change->connection, model.registered_model_id, move->alias, move->version,
                                 model.name, err);
  }
  if (ERR_OK == code)
    code = check_versions (promotion, change, err);
  return ERR_OK == code ? move_all (change, &model, promotion, passed, "alias.rollback", err) : code;
}
