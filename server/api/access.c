/* What the caller may do with an object, and who may at all. Source: docs/api/grant.md. */
#include "api/access.h"

#include "api/gate_judge.h"
#include "api/names.h"
#include "api/principal.h"
#include "api/run.h"
#include "store/access_explain.h"
#include "store/access_words.h"
#include "store/workspace.h"

/* Longest name of a registered model and of a workspace, in characters: those of MLflow. */
#define NAME_MAX_CHARACTERS 256

const char *
access_rule_name (enum store_access_rule rule)
{
  static const char *const names[] = { [STORE_RULE_ACCOUNT] = "account",
                                       [STORE_RULE_GROUPS] = "groups",
                                       [STORE_RULE_WORKSPACE_ACCOUNT] = "workspace-account",
                                       [STORE_RULE_WORKSPACE_GROUPS] = "workspace-groups",
                                       [STORE_RULE_DEFAULT] = "default" };

  return names[rule];
}

/* --- the object -------------------------------------------------------------------------------------------------- */

struct kind
{
  enum target_kind kind;
  const char *prefix; /* in the text of an object */
  const char *argument; /* of GET /access */
};

static const struct kind kinds[] = {
  { TARGET_EXPERIMENT, "experiment:", "experiment_id" },
  { TARGET_RUN, "run:", "run_id" },
  { TARGET_LOGGED_MODEL, "logged-model:", "model_id" },
  { TARGET_REGISTERED_MODEL, "registered-model:", "registered_model" },
  { TARGET_WORKSPACE_NAME, "workspace:", "workspace" },
};
#define KINDS (sizeof (kinds) / sizeof (kinds[0]))

static enum err_code
set_subject (struct access_subject *subject, const struct kind *kind, struct slice text, struct arena *arena,
             struct err *err)
{
  struct target *target = &subject->target;
  enum err_code code = ERR_OK;

  *subject = (struct access_subject){ .target = { .kind = kind->kind, .text = text, .experiment_id = -1 },
                                      .object = { .experiment_id = -1 } };
  if (0 == text.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The name or id of the object is missing behind '%s'.",
                    kind->prefix);
  if (TARGET_EXPERIMENT == kind->kind)
    code = names_experiment_id (&target->experiment_id, text, err);
  else if (TARGET_RUN == kind->kind)
    code = api_run_id (&target->run_id, text, err);
  else if (TARGET_LOGGED_MODEL != kind->kind)
    code = names_check_length (text, "object", NAME_MAX_CHARACTERS, err);
  subject->name = object_name (target, arena);
  return ERR_OK == code && NULL == subject->name.data ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : code;
}

enum err_code
access_subject_parse (struct access_subject *subject, struct slice text, struct arena *arena, struct err *err)
{
  for (size_t i = 0; i < KINDS; i++)
  {
    size_t length = strlen (kinds[i].prefix);

    if (text.len >= length && 0 == memcmp (text.data, kinds[i].prefix, length))
      return set_subject (subject, &kinds[i], (struct slice){ text.data + length, text.len - length }, arena, err);
  }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid object '%.*s': it must be experiment:ID, run:ID, logged-model:ID, registered-model:NAME or "
                  "workspace:NAME.",
                  SLICE_ARG (text));
}

enum err_code
access_subject_find (struct access_subject *subject, struct api_call *call, struct err *err)
{
  struct target *target = &subject->target;
  struct store_access_rights rights;
  enum err_code code = ERR_OK;

  switch (target->kind)
  {
  case TARGET_RUN:
    code = store_access_experiments_of_runs (&target->experiment_id, call->connection, &target->run_id, 1, call->arena,
                                             err);
    break;
  case TARGET_LOGGED_MODEL:
    code = store_access_experiments_of_models (&target->experiment_id, call->connection, &target->text, 1, call->arena,
                                               err);
    break;
  case TARGET_REGISTERED_MODEL:
    target->workspace_id = call->pass->workspace_id;
    subject->object.model_name = target->text;
    target->exists = true;
    break;
  case TARGET_WORKSPACE_NAME:
    code = store_access_workspace (&target->workspace_id, call->connection, target->text, err);
    subject->object.workspace = target->text;
    target->exists = ERR_OK == code;
    break;
  case TARGET_EXPERIMENT:
  case TARGET_EXPERIMENT_NAME:
  case TARGET_PATH:
  case TARGET_WORKSPACE:
  default:
    break;
  }
  /* Anybody's rights tell whether an experiment is there, and where. */
  if (ERR_OK == code && target->experiment_id >= 0)
  {
    code = store_access_of_experiments (&rights, call->connection, 0, 0, &target->experiment_id, 1, call->arena, err);
    target->workspace_id = rights.workspace_id;
    target->exists = ERR_OK == code && rights.exists;
  }
  if ((ERR_OK == code && ! target->exists) || ERR_RESOURCE_DOES_NOT_EXIST == code
      || (ERR_OK == code && access_has_workspaces (call->service->access)
          && target->workspace_id != call->pass->workspace_id && TARGET_WORKSPACE_NAME != target->kind))
    return object_not_found (target, err);
  subject->object.experiment_id = target->experiment_id;
  subject->object.workspace_id = target->workspace_id;
  return code;
}

enum err_code
access_subject_rights (struct store_access_rights *rights, const struct access_subject *subject,
                       struct store_connection *connection, int64_t account_id, int16_t fallback, struct arena *arena,
                       struct err *err)
{
  const struct store_grant_object *object = &subject->object;

  if (object->experiment_id >= 0)
    return store_access_of_experiments (rights, connection, account_id, fallback, &object->experiment_id, 1, arena,
                                        err);
  if (NULL != object->model_name.data)
    return store_access_of_model_name (rights, connection, account_id, fallback, object->workspace_id,
                                       object->model_name, err);
  return store_access_of_workspace (rights, connection, account_id, fallback, object->workspace_id, err);
}

/* --- the caller's own rights ------------------------------------------------------------------------------------- */

struct get_request
{
  struct slice texts[KINDS];
};

#define TEXT(number, argument)                                                                                         \
  {                                                                                                                    \
    .name = argument, .type = FIELD_STRING, .offset = offsetof (struct get_request, texts[number])                     \
  }

/* In the order of `kinds`. */
static const struct field get_fields[] = {
  TEXT (0, "experiment_id"),    TEXT (1, "run_id"),    TEXT (2, "model_id"),
  TEXT (3, "registered_model"), TEXT (4, "workspace"),
};

static const struct schema get_schema = SCHEMA (get_fields, struct get_request);

enum err_code
api_access_get (struct api_call *call, struct err *err)
{
  struct access_subject subject;
  struct get_request request;
  struct access_rights *rights = &call->pass->rights;
  size_t given = KINDS;
  struct json_write w;
  enum err_code code = api_decode (&request, call, &get_schema, err);

  for (size_t i = 0; ERR_OK == code && i < KINDS; i++)
    if (NULL != request.texts[i].data)
    {
      code = KINDS == given ? ERR_OK : ERR_INVALID_PARAMETER_VALUE;
      given = i;
    }
  if (ERR_INVALID_PARAMETER_VALUE == code || (ERR_OK == code && KINDS == given))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Exactly one of experiment_id, run_id, model_id, registered_model and workspace must be given.");
  if (ERR_OK == code)
    code = set_subject (&subject, &kinds[given], request.texts[given], call->arena, err);
  if (ERR_OK == code)
    code = access_subject_find (&subject, call, err);
  if (ERR_OK == code && GATE_OPEN != gate_judge (call, &subject.target, 1, PERMISSION_READ, err))
    code = err->code;
  if (ERR_OK != code)
    return code;
  api_reply_start (&w, call);
  json_write_member_string (&w, "object", subject.name);
  store_write_rights (&w, (int16_t)rights->level, (int16_t)rights->actions);
  return api_reply_end (&w, call, err);
}

/* --- everybody's ------------------------------------------------------------------------------------------------- */

struct who_request
{
  struct slice object;
  struct optional_int64 max_results;
  struct slice page_token;
};

static const struct field who_fields[] = {
  { .name = "object", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct who_request, object) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct who_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct who_request, page_token) },
};

static const struct schema who_schema = SCHEMA (who_fields, struct who_request);

static enum err_code
write_holders (struct json_write *w, const struct result *result, const struct principal_page *page,
               struct arena *arena, struct err *err)
{
  struct store_access_holder holder;
  size_t count = result_count (result);
  enum err_code code = ERR_OK;

  if (0 == count)
    return ERR_OK;
  json_write_key (w, "users");
  json_write_array (w);
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)page->most; i++)
  {
    code = result_row (&holder, result, i, store_holder_columns, STORE_HOLDER_COLUMNS, err);
    if (ERR_OK != code)
      break;
    json_write_object (w);
    json_write_member_string (w, "username", holder.username);
    json_write_member_text (w, "permission", store_level_names[holder.level]);
    json_write_member_text (w, "rule", access_rule_name ((enum store_access_rule)holder.rule));
    json_write_object_end (w);
  }
  json_write_array_end (w);
  if (ERR_OK == code && count > (size_t)page->most)
    principal_page_write (w, holder.username, arena);
  return code;
}

static enum err_code
write_administrators (struct json_write *w, struct store_connection *connection, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct result result = { NULL };
  struct slice username;
  enum err_code code = store_access_administrators (&result, connection, err);
  size_t count = ERR_OK == code ? result_count (&result) : 0;

  if (count > 0)
  {
    json_write_key (w, "administrators");
    json_write_array (w);
  }
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = result_row (&username, &result, i, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      json_write_string (w, username);
  }
  if (count > 0)
    json_write_array_end (w);
  result_free (&result);
  return code;
}

enum err_code
api_access_who (struct api_call *call, struct err *err)
{
  int16_t fallback = access_fallback (call->service->access);
  struct access_subject subject;
  struct who_request request;
  struct principal_page page;
  struct result result = { NULL };
  struct json_write w;
  bool is_open;
  enum err_code code = api_decode (&request, call, &who_schema, err);

  if (ERR_OK == code)
    code = principal_page_read (&page, &request.max_results, request.page_token, false, call->arena, err);
  if (ERR_OK == code)
    code = access_subject_parse (&subject, request.object, call->arena, err);
  if (ERR_OK == code)
    code = access_subject_find (&subject, call, err);
  if (ERR_OK == code && GATE_OPEN != gate_judge (call, &subject.target, 1, PERMISSION_MANAGE, err))
    code = err->code;
  if (ERR_OK != code)
    return code;
  /* Where everybody may read, those who may not are worth knowing. */
  is_open = fallback >= ACCESS_READ && STORE_WORKSPACE_DEFAULT == subject.object.workspace_id;
  code = store_access_holders (&result, call->connection, &subject.object,
                               is_open ? ACCESS_NO_PERMISSIONS : ACCESS_READ, page.after, page.most + 1, err);
  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    code = write_holders (&w, &result, &page, call->arena, err);
  }
  if (ERR_OK == code && is_open)
    json_write_member_text (&w, "default", store_level_names[fallback]);
  if (ERR_OK == code)
    code = write_administrators (&w, call->connection, err);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}
