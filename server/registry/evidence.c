/* What speaks for a version: results of checks, and approvals. */
#include "registry/evidence.h"

#include "store/model_version.h"

#include <inttypes.h>

/* Hold the model, and see that the version is there. */
static enum err_code
begin (struct store_registered_model *model, struct registry_change *change, const struct registry_evidence *evidence,
       struct err *err)
{
  struct store_gate_version version;
  struct result result = { NULL };
  enum err_code code = registry_hold_model (model, change, evidence->model, err);

  if (ERR_OK != code)
    return code;
  code = store_gate_version (&version, &result, change->connection, model->registered_model_id, evidence->version, err);
  result_free (&result);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set (err, code, "Model Version (name=%.*s, version=%" PRId64 ") not found", SLICE_ARG (model->name),
                    evidence->version);
  return code;
}

static void
note (struct registry_change *change, const char *action, const struct store_registered_model *model, int64_t version,
      struct slice before, struct slice after)
{
  const struct registry_note entry = { .action = action,
                                       .registered_model_id = model->registered_model_id,
                                       .model = model->name,
                                       .version = version,
                                       .before = before,
                                       .after = after };

  registry_note (change, &entry);
}

static struct slice
describe_check (const struct registry_change *change, const struct store_check_result *check)
{
  struct registry_object object;
  struct json_write *w = &object.w;

  registry_object_begin (&object);
  json_write_member_string (w, "name", check->name);
  json_write_member_text (w, "status", check_status_names[check->status]);
  json_write_key (w, "value");
  if (check->has_value)
    json_write_double (w, check->value);
  else
    json_write_null (w);
  json_write_member_string (w, "url", check->url);
  json_write_member_string (w, "message", check->message);
  return registry_object_end (&object, change);
}

enum err_code
registry_check_post (struct registry_change *change, void *context, struct err *err)
{
  struct registry_evidence *evidence = context;
  struct store_check_result *check = &evidence->check;
  struct store_registered_model model;
  enum err_code code = begin (&model, change, evidence, err);

  check->actor = change->actor->name;
  check->account_id = change->actor->account_id;
  check->created_at_ms = change->now_ms;
  if (ERR_OK == code)
    code = store_check_add (check, change->connection, model.registered_model_id, evidence->version, err);
  if (ERR_OK == code)
    note (change, "check.post", &model, evidence->version, (struct slice){ NULL, 0 }, describe_check (change, check));
  return code;
}

/* The approval of who asks; gives ERR_OK and `found` false when there is none. */
static enum err_code
own_approval (struct store_approval *approval, bool *found, struct registry_change *change,
              const struct store_registered_model *model, int64_t version, struct err *err)
{
  struct result result = { NULL };
  enum err_code code = store_approval_get (approval, &result, change->connection, model->registered_model_id, version,
                                           change->actor->name, err);

  *found = ERR_OK == code;
  if (*found)
    approval->comment = (struct slice){ arena_string (change->arena, approval->comment), approval->comment.len };
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

enum err_code
registry_approval_give (struct registry_change *change, void *context, struct err *err)
{
  struct registry_evidence *evidence = context;
  struct store_approval *approval = &evidence->approval;
  struct store_approval present;
  struct store_registered_model model;
  struct slice before = { NULL, 0 };
  bool found = false;
  enum err_code code;

  if (! slice_filled (change->actor->name))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Authentication is off here: say who approves in the header X-Tally-Actor.");
  code = begin (&model, change, evidence, err);
  if (ERR_OK == code)
    code = own_approval (&present, &found, change, &model, evidence->version, err);
  approval->actor = change->actor->name;
  approval->account_id = change->actor->account_id;
  approval->created_at_ms = change->now_ms;
  if (ERR_OK != code)
    return code;
  if (found && present.account_id == approval->account_id && slice_equal (present.comment, approval->comment))
  {
    approval->created_at_ms = present.created_at_ms;
    return ERR_OK;
  }
  if (found)
    before = registry_text_member (change, "comment", present.comment);
  code = store_approval_set (approval, change->connection, model.registered_model_id, evidence->version, err);
  if (ERR_OK == code)
    note (change, "approval.give", &model, evidence->version, before,
          registry_text_member (change, "comment", approval->comment));
  return code;
}

enum err_code
registry_approval_withdraw (struct registry_change *change, void *context, struct err *err)
{
  const struct registry_evidence *evidence = context;
  struct store_approval present;
  struct store_registered_model model;
  bool found = false;
  enum err_code code = begin (&model, change, evidence, err);

  if (ERR_OK == code)
    code = own_approval (&present, &found, change, &model, evidence->version, err);
  if (ERR_OK == code && ! found)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Version %" PRId64 " of '%.*s' is not approved by '%.*s'.",
                    evidence->version, SLICE_ARG (model.name), SLICE_ARG (change->actor->name));
  if (ERR_OK == code)
    code = store_approval_delete (change->connection, model.registered_model_id, evidence->version, change->actor->name,
                                  err);
  if (ERR_OK == code)
    note (change, "approval.withdraw", &model, evidence->version,
          registry_text_member (change, "comment", present.comment), (struct slice){ NULL, 0 });
  return code;
}
