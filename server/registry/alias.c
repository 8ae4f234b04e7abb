/* Changes of the aliases of registered models. */
#include "registry/alias.h"

#include "registry/gate.h"
#include "store/model_alias.h"

#include <inttypes.h>

/* Note that an alias went from one version to another; 0: none. */
static void
note (struct registry_change *change, const char *action, const struct store_registered_model *model,
      struct slice alias, int64_t before, int64_t after)
{
  struct registry_note entry = { .action = action,
                                 .registered_model_id = model->registered_model_id,
                                 .model = model->name,
                                 .version = 0 != after ? after : before,
                                 .alias = alias };

  if (0 != before)
    entry.before = registry_number_member (change, "version", before);
  if (0 != after)
    entry.after = registry_number_member (change, "version", after);
  registry_note (change, &entry);
}

/* Hold the model and see which version has the alias. */
static enum err_code
begin (struct store_registered_model *model, int64_t *holder, struct registry_change *change,
       const struct registry_alias_change *wanted, struct err *err)
{
  enum err_code code = registry_hold_model (model, change, wanted->name, err);

  return ERR_OK == code
             ? store_model_alias_holder (holder, change->connection, model->registered_model_id, wanted->alias, err)
             : code;
}

static enum err_code
no_version (const struct registry_alias_change *wanted, struct err *err)
{
  err_clear (err);
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Model Version (name=%.*s, version=%" PRId64 ") not found",
                  SLICE_ARG (wanted->name), wanted->version);
}

enum err_code
registry_alias_set (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_alias_change *wanted = context;
  struct store_model_version version;
  struct store_registered_model model;
  struct result result = { NULL };
  struct registry_move move;
  int64_t holder = 0;
  int64_t previous = 0;
  enum err_code code = begin (&model, &holder, change, wanted, err);

  /* MLflow misses the version also where there is no model. */
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return no_version (wanted, err);
  if (ERR_OK != code || wanted->version == holder)
    return code;
  code = store_model_version_get (&version, &result, change->connection, change->workspace_id, model.name,
                                  wanted->version, err);
  result_free (&result);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return no_version (wanted, err);
  move =
      (struct registry_move){ .model = &model, .alias = wanted->alias, .version = wanted->version, .holder = holder };
  if (ERR_OK == code)
    code = registry_gate_ask (change, &move, err);
  if (ERR_OK == code)
    code = store_model_alias_set (&previous, change->connection, model.registered_model_id, wanted->alias,
                                  wanted->version, change->now_ms, err);
  if (ERR_OK == code)
    note (change, "alias.set", &model, wanted->alias, previous, wanted->version);
  return code;
}

enum err_code
registry_alias_delete (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_alias_change *wanted = context;
  struct store_registered_model model;
  struct registry_move move;
  int64_t holder = 0;
  int64_t previous = 0;
  enum err_code code = begin (&model, &holder, change, wanted, err);

  if (ERR_OK != code || 0 == holder)
    return code;
  move = (struct registry_move){ .model = &model, .alias = wanted->alias, .holder = holder };
  code = registry_gate_ask (change, &move, err);
  if (ERR_OK == code)
    code = store_model_alias_delete (&previous, change->connection, model.registered_model_id, wanted->alias, err);
  if (ERR_OK == code)
    note (change, "alias.delete", &model, wanted->alias, previous, 0);
  return code;
}
