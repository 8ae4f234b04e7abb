/* Why somebody may do what he may: each rule with what it says, and the one that decides. Source: docs/api/grant.md.

   DESIGN
   Which rule decides, and what that comes to, is asked of the statement that the gate asks. The grants behind it are
   read beside, in the same snapshot, so that what is explained is what happens. */
#include "api/access.h"

#include "api/gate_judge.h"
#include "api/principal.h"
#include "base/number.h"
#include "store/access_explain.h"
#include "store/access_words.h"
#include "store/account.h"
#include "store/workspace.h"

/* The rules that grants make, in their order. */
#define GRANT_RULES STORE_RULE_DEFAULT

/* What one of them says. */
struct said
{
  bool says; /* there is a grant */
  int16_t level;
  struct slice groups; /* those with that level, joined by commas; absent: the account itself */
  size_t group_count;
};

struct explanation
{
  const struct access_subject *subject;
  struct slice username;
  int16_t fallback; /* of the setting */
  struct arena *arena;

  int64_t account_id; /* 0: there is no such account */
  bool is_admin;
  bool disabled;
  struct slice workspace; /* its name */
  struct store_access_rights rights;
  struct said said[GRANT_RULES];
};

/* --- finding out ------------------------------------------------------------------------------------------------- */

static enum err_code
read_account (struct explanation *explanation, struct store_connection *connection, struct err *err)
{
  struct store_account account;
  struct result result = { NULL };
  enum err_code code = store_account_get (&account, &result, connection, explanation->username, err);

  if (ERR_OK == code)
  {
    explanation->account_id = account.account_id;
    explanation->is_admin = account.is_admin;
    explanation->disabled = account.disabled_at_ms.present;
  }
  result_free (&result);
  return code;
}

/* Rows come by rule and from the highest level down: the first of a rule decides it, others of its level are named. */
static enum err_code
read_grants (struct explanation *explanation, struct store_connection *connection, struct err *err)
{
  struct store_concerning_grant grant;
  struct result result = { NULL };
  enum err_code code =
      store_access_concerning (&result, connection, explanation->account_id, &explanation->subject->object, err);

  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct said *said;

    code = result_row (&grant, &result, i, store_concerning_columns, STORE_CONCERNING_COLUMNS, err);
    if (ERR_OK != code || grant.rule < 0 || grant.rule >= GRANT_RULES)
      break;
    said = &explanation->said[grant.rule];
    if (said->says && grant.level < said->level)
      continue;
    if (NULL != grant.group.data)
    {
      const char *groups = arena_printf (explanation->arena, "%.*s%s%.*s", SLICE_ARG (said->groups),
                                         said->says ? ", " : "", SLICE_ARG (grant.group));

      said->groups = slice_of (groups);
      said->group_count++;
    }
    said->says = true;
    said->level = grant.level;
  }
  result_free (&result);
  if (ERR_OK == code && arena_overflowed (explanation->arena))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return code;
}

static enum err_code
explain_work (struct store_connection *connection, void *context, struct err *err)
{
  struct explanation *explanation = context;
  int64_t workspace_id = explanation->subject->object.workspace_id;
  enum err_code code = read_account (explanation, connection, err);

  memset (explanation->said, 0, sizeof (explanation->said));
  if (ERR_OK == code)
    code = access_subject_rights (&explanation->rights, explanation->subject, connection, explanation->account_id,
                                  explanation->fallback, explanation->arena, err);
  if (ERR_OK == code)
    code = read_grants (explanation, connection, err);
  if (ERR_OK == code)
    code = store_access_workspace_name (&explanation->workspace, connection, workspace_id, explanation->arena, err);
  return code;
}

/* --- words ------------------------------------------------------------------------------------------------------- */

/* "group ml" or "groups ml, ops", in the arena. */
static const char *
groups_text (const struct said *said, struct arena *arena)
{
  const char *text =
      arena_printf (arena, "%s %.*s", said->group_count > 1 ? "groups" : "group", SLICE_ARG (said->groups));

  return NULL == text ? "" : text;
}

/* What makes up the sentence. */
static const char *
because (const struct explanation *explanation)
{
  struct arena *arena = explanation->arena;
  struct slice user = explanation->username;
  struct slice object = explanation->subject->name;
  enum store_access_rule rule = (enum store_access_rule)explanation->rights.rule;
  const char *level = store_level_names[explanation->rights.level];
  const struct said *said = rule < GRANT_RULES ? &explanation->said[rule] : NULL;
  bool of_workspace = TARGET_WORKSPACE_NAME == explanation->subject->target.kind;
  const char *nothing =
      of_workspace ? ""
                   : arena_printf (arena, "No grant on %.*s concerns %.*s; ", SLICE_ARG (object), SLICE_ARG (user));

  if (explanation->is_admin)
    return arena_printf (arena, "%.*s is an administrator, who may do everything.", SLICE_ARG (user));
  switch (rule)
  {
  case STORE_RULE_ACCOUNT:
    return arena_printf (arena, "A grant on %.*s to %.*s says %s.", SLICE_ARG (object), SLICE_ARG (user), level);
  case STORE_RULE_GROUPS:
    return arena_printf (arena,
                         "No grant on %.*s names %.*s; the highest one to a group of theirs, to the %s, says %s.",
                         SLICE_ARG (object), SLICE_ARG (user), groups_text (said, arena), level);
  case STORE_RULE_WORKSPACE_ACCOUNT:
    return arena_printf (arena, "%s%s grant on workspace:%.*s to %.*s says %s.", nothing, of_workspace ? "A" : "a",
                         SLICE_ARG (explanation->workspace), SLICE_ARG (user), level);
  case STORE_RULE_WORKSPACE_GROUPS:
    return arena_printf (arena, "%s%s highest grant on workspace:%.*s to a group of theirs, to the %s, says %s.",
                         nothing, of_workspace ? "The" : "the", SLICE_ARG (explanation->workspace),
                         groups_text (said, arena), level);
  case STORE_RULE_DEFAULT:
  default:
    break;
  }
  if (STORE_WORKSPACE_DEFAULT != explanation->subject->object.workspace_id)
    return arena_printf (arena,
                         "No grant on %.*s or its workspace concerns %.*s, and default-permission holds in the "
                         "workspace default only.",
                         SLICE_ARG (object), SLICE_ARG (user));
  return arena_printf (arena,
                       "No grant on %.*s or its workspace concerns %.*s; the setting default-permission says %s.",
                       SLICE_ARG (object), SLICE_ARG (user), level);
}

static void
write_rule (struct json_write *w, const char *rule, const char *permission, const char *by, bool decides)
{
  json_write_object (w);
  json_write_member_text (w, "rule", rule);
  if (NULL != permission)
    json_write_member_text (w, "permission", permission);
  if (NULL != by)
    json_write_member_text (w, "by", by);
  json_write_member_bool (w, "decides", decides);
  json_write_object_end (w);
}

static void
write_rules (struct json_write *w, const struct explanation *explanation)
{
  struct arena *arena = explanation->arena;
  bool in_default = STORE_WORKSPACE_DEFAULT == explanation->subject->object.workspace_id;

  json_write_key (w, "rules");
  json_write_array (w);
  write_rule (w, "administrator", explanation->is_admin ? "MANAGE" : NULL, NULL, explanation->is_admin);
  for (int rule = 0; rule < GRANT_RULES; rule++)
  {
    const struct said *said = &explanation->said[rule];
    const char *by = NULL;

    if (said->says)
      by = 0 == said->group_count ? arena_printf (arena, "user %.*s", SLICE_ARG (explanation->username))
                                  : groups_text (said, arena);
    write_rule (w, access_rule_name ((enum store_access_rule)rule), said->says ? store_level_names[said->level] : NULL,
                by, ! explanation->is_admin && rule == explanation->rights.rule);
  }
  write_rule (w, access_rule_name (STORE_RULE_DEFAULT),
              store_level_names[in_default ? explanation->fallback : ACCESS_NO_PERMISSIONS],
              in_default ? "default-permission" : NULL,
              ! explanation->is_admin && STORE_RULE_DEFAULT == explanation->rights.rule);
  json_write_array_end (w);
}

static enum err_code
reply_explanation (struct api_call *call, const struct explanation *explanation, struct err *err)
{
  const struct access_subject *subject = explanation->subject;
  const struct access_identity whole = { .has_all_objects = explanation->is_admin,
                                         .most = { ACCESS_MANAGE, ACCESS_ALL_ACTIONS } };
  struct access_rights granted = { (enum access_level)explanation->rights.level,
                                   (unsigned)explanation->rights.actions };
  struct access_rights rights = gate_effective (granted, &whole);
  const char *sentence = because (explanation);
  char id[NUMBER_INT64_BYTES];
  struct json_write w;

  if (NULL != sentence && explanation->disabled)
    sentence = arena_printf (call->arena, "%s The account is disabled, so nothing of it counts now.", sentence);
  api_reply_start (&w, call);
  json_write_member_string (&w, "user", explanation->username);
  json_write_member_string (&w, "object", subject->name);
  if (subject->object.experiment_id >= 0)
  {
    number_format_int64 (id, subject->object.experiment_id);
    json_write_member_text (&w, "experiment_id", id);
  }
  json_write_member_string (&w, "workspace", explanation->workspace);
  store_write_rights (&w, (int16_t)rights.level, (int16_t)rights.actions);
  if (explanation->disabled)
    json_write_member_bool (&w, "disabled", true);
  json_write_member_text (&w, "rule",
                          explanation->is_admin ? "administrator"
                                                : access_rule_name ((enum store_access_rule)explanation->rights.rule));
  json_write_member_text (&w, "because", sentence);
  write_rules (&w, explanation);
  return api_reply_end (&w, call, err);
}

/* --- the route --------------------------------------------------------------------------------------------------- */

struct explain_request
{
  struct slice user;
  struct slice object;
};

static const struct field explain_fields[] = {
  { .name = "user", .type = FIELD_STRING, .offset = offsetof (struct explain_request, user) },
  { .name = "object",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct explain_request, object) },
};

static const struct schema explain_schema = SCHEMA (explain_fields, struct explain_request);

/* Of oneself one learns about all that one may read, and about the workspace that one is in; of others about what one
   manages. */
static enum err_code
check_asker (struct api_call *call, struct access_subject *subject, struct slice username, struct err *err)
{
  const struct gate_pass *pass = call->pass;
  bool of_oneself = slice_equal (username, pass->who.username);

  if (pass->who.is_admin
      || (of_oneself && TARGET_WORKSPACE_NAME == subject->target.kind
          && subject->object.workspace_id == pass->workspace_id))
    return ERR_OK;
  if (GATE_OPEN != gate_judge (call, &subject->target, 1, of_oneself ? PERMISSION_READ : PERMISSION_MANAGE, err))
    return err->code;
  return ERR_OK;
}

enum err_code
api_access_explain (struct api_call *call, struct err *err)
{
  struct access_subject subject;
  struct explain_request request;
  struct explanation explanation = { .subject = &subject,
                                     .fallback = access_fallback (call->service->access),
                                     .arena = call->arena };
  enum err_code code = api_decode (&request, call, &explain_schema, err);

  if (ERR_OK != code)
    return code;
  explanation.username = NULL == request.user.data ? call->pass->who.username : request.user;
  if (0 == explanation.username.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Authentication is off here (setting auth), so nobody is known: name a user (user).");
  code = access_subject_parse (&subject, request.object, call->arena, err);
  if (ERR_OK == code)
    code = access_subject_find (&subject, call, err);
  if (ERR_OK == code)
    code = check_asker (call, &subject, explanation.username, err);
  if (ERR_OK == code)
    code = store_transaction (call->connection, STORE_SNAPSHOT, explain_work, &explanation, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code && 0 == explanation.account_id)
    return principal_no_user (err, explanation.username);
  return ERR_OK == code ? reply_explanation (call, &explanation, err) : code;
}
