/* Changes of gates. */
#include "registry/gate_change.h"

#include "base/json_tree.h"
#include "store/model_version.h"

/* {"alias" or "stage", "rules"} for the ledger, in the arena. */
static struct slice
describe (const struct registry_change *change, const struct store_promotion_gate *gate)
{
  struct registry_object object;
  struct json_write *w = &object.w;

  registry_object_begin (&object);
  if (NULL != gate->alias.data)
    json_write_member_string (w, "alias", gate->alias);
  else
    json_write_member_text (w, "stage", model_stage_names[gate->stage]);
  json_write_key (w, "rules");
  json_write_compact (w, gate->rules);
  return registry_object_end (&object, change);
}

static void
note (struct registry_change *change, const char *action, const struct store_gate_key *key, struct slice before,
      struct slice after)
{
  const struct registry_note entry = {
    .action = action, .model = key->model_pattern, .alias = key->alias, .before = before, .after = after
  };

  registry_note (change, &entry);
}

/* What there is now; absent texts in `gate` when there is none. */
static enum err_code
read_present (struct store_promotion_gate *gate, struct result *result, struct registry_change *change,
              const struct store_gate_key *key, struct err *err)
{
  enum err_code code = store_gate_get (gate, result, change->connection, key, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST != code)
    return code;
  *gate = (struct store_promotion_gate){ .gate_id = 0 };
  return ERR_OK;
}

/* Whether two rules say the same, in whatever order. */
static bool
are_same (struct slice one, struct slice other)
{
  json_t *left = NULL == one.data ? NULL : json_tree_load (NULL, one, JSON_DECODE_INT_AS_REAL, NULL);
  json_t *right = NULL == other.data ? NULL : json_tree_load (NULL, other, JSON_DECODE_INT_AS_REAL, NULL);
  bool same = NULL != left && NULL != right && json_equal (left, right);

  json_decref (left);
  json_decref (right);
  return same;
}

/* Set one; `gate` is what there is then, and lives in `result`, which the caller frees. */
static enum err_code
put (struct store_promotion_gate *gate, struct result *result, struct registry_change *change,
     const struct store_gate_key *key, struct slice rules, bool may_replace, struct err *err)
{
  struct store_promotion_gate present;
  struct result present_result = { NULL };
  enum err_code code = read_present (&present, &present_result, change, key, err);

  if (ERR_OK == code && are_same (present.rules, rules))
  {
    *gate = present;
    *result = present_result;
    return ERR_OK;
  }
  if (ERR_OK == code && 0 != present.gate_id && ! may_replace)
    code = err_set (err, ERR_RESOURCE_CONFLICT,
                    "There is a gate of '%.*s' with other rules than that of the present name; remove it first.",
                    SLICE_ARG (key->model_pattern));
  if (ERR_OK == code)
    code = store_gate_set (gate, result, change->connection, key, rules, change->now_ms, err);
  if (ERR_OK == code)
    note (change, "gate.set", key, 0 == present.gate_id ? (struct slice){ NULL, 0 } : describe (change, &present),
          describe (change, gate));
  result_free (&present_result);
  return code;
}

enum err_code
registry_gate_put (struct registry_change *change, const struct store_gate_key *key, struct slice rules,
                   bool may_replace, struct err *err)
{
  struct store_promotion_gate gate;
  struct result result = { NULL };
  enum err_code code = put (&gate, &result, change, key, rules, may_replace, err);

  result_free (&result);
  return code;
}

enum err_code
registry_gate_set (struct registry_change *change, void *context, struct err *err)
{
  struct registry_gate_change *wanted = context;
  enum err_code code = store_gate_exclude_moves (change->connection, err);

  result_free (&wanted->result);
  return ERR_OK == code ? put (&wanted->gate, &wanted->result, change, &wanted->key, wanted->rules, true, err) : code;
}

enum err_code
registry_gate_remove (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_gate_change *wanted = context;
  const struct store_gate_key *key = &wanted->key;
  struct store_promotion_gate present;
  struct result result = { NULL };
  enum err_code code = store_gate_exclude_moves (change->connection, err);

  if (ERR_OK == code)
    code = read_present (&present, &result, change, key, err);
  if (ERR_OK == code && 0 == present.gate_id)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "There is no gate of '%.*s' that guards %s '%.*s'.",
                    SLICE_ARG (key->model_pattern), NULL == key->alias.data ? "stage" : "alias",
                    SLICE_ARG (NULL == key->alias.data ? slice_of (model_stage_names[key->stage]) : key->alias));
  if (ERR_OK == code)
    code = store_gate_delete (change->connection, key, err);
  if (ERR_OK == code)
    note (change, "gate.delete", key, describe (change, &present), (struct slice){ NULL, 0 });
  result_free (&result);
  return code;
}
