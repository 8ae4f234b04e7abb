/* The gate: who sends a request, and whether the route's functions may run. */
#include "api/gate.h"

#include "access/credential.h"
#include "access/identify.h"
#include "access/password.h"
#include "api/gate_judge.h"
#include "api/object.h"
#include "api/route.h"
#include "base/utf8.h"
#include "store/workspace.h"

#include <inttypes.h>

/* Longest user name there can be, so also the longest that the audit trail keeps of a wrong one. */
#define USERNAME_MAX 255
#define WORKSPACE_DEFAULT STORE_WORKSPACE_DEFAULT
#define WORKSPACE_DEFAULT_NAME SLICE (STORE_WORKSPACE_DEFAULT_NAME)

/* --- who asks ------------------------------------------------------------------------------------------------------
 */

/* Everybody, where authentication is off. */
static const struct access_identity everybody = {
  .username = { "", 0 },
  .is_admin = true,
  .has_all_objects = true,
  .most = { ACCESS_MANAGE, ACCESS_ALL_ACTIONS },
};

static const struct access_identity nobody = { .username = { "", 0 } };

/* Whose password was wrong is told; of those who have to wait for it nothing is, because no work bounds their number.
 */
static enum err_code
unauthenticated (struct api_call *call, const struct credential *credential, struct err *err)
{
  struct slice object = { NULL, 0 };

  if (CREDENTIAL_PASSWORD == credential->kind)
    object = gate_user_object (call, credential->username);
  /* A browser would ask for a password in a window of its own, before the page could. */
  api_header (call, "WWW-Authenticate",
              call->credentials->is_page ? SLICE ("Bearer realm=\"mlflow\"") : SLICE ("Basic realm=\"mlflow\""));
  gate_note_refusal (call, err, object);
  return err->code;
}

/* GATE_OPEN when it is known who asks, or that nobody may be told. */
static enum gate_next
recognise (struct api_call *call, struct err *err)
{
  const struct gate_headers *headers = call->credentials;
  struct access *access = call->service->access;
  struct gate_pass *pass = call->pass;
  bool is_guest = PERMISSION_GUEST == call->route->permission;
  struct credential credential;
  enum err_code code;

  pass->who = nobody;
  code = credential_read (&credential, headers->authorization, headers->cookie, headers->proxy_user,
                          headers->proxy_groups, call->arena, err);
  if (ERR_OK == code && CREDENTIAL_NONE == credential.kind)
  {
    if (is_guest)
      return GATE_OPEN;
    code = err_set (err, ERR_UNAUTHENTICATED, "Send credentials: a user name and password, or a token.");
  }
  if (ERR_OK == code && CREDENTIAL_PASSWORD == credential.kind)
    code = password_check_wait (access, &credential, headers->address, err);
  if (ERR_OK == code && ! access_recall (&pass->who, access, &credential.digest, call->arena))
  {
    if (NULL == call->connection)
      return access_is_slow (access, &credential) ? GATE_LOGIN : GATE_ASK;
    code = access_identify (&pass->who, access, call->connection, &credential, headers->address, call->arena, err);
    if (ERR_OK != code)
      pass->who = nobody;
  }
  if (ERR_OK == code)
    return GATE_OPEN;
  if (ERR_UNAUTHENTICATED == code && is_guest)
  {
    *err = (struct err){ .code = ERR_OK };
    return GATE_OPEN;
  }
  if (ERR_UNAUTHENTICATED == code)
    (void)unauthenticated (call, &credential, err);
  else if (ERR_REQUEST_LIMIT_EXCEEDED == code)
    gate_note_refusal (call, err, (struct slice){ NULL, 0 });
  return GATE_REFUSED;
}

/* A browser sends its cookie along with whatever a page of any site makes it send, and so it does with a password that
   it was told, and with what a proxy knows it by. A bearer token is only sent by whoever has it. */
static enum err_code
check_page (struct api_call *call, struct err *err)
{
  const struct gate_headers *headers = call->credentials;
  enum access_method method = call->pass->who.method;
  struct slice expected;

  if (! headers->changes_state
      || (ACCESS_BY_SESSION != method && ACCESS_BY_PASSWORD != method && ACCESS_BY_PROXY != method))
    return ERR_OK;
  if (ACCESS_BY_SESSION == method)
  {
    expected = credential_csrf_token (credential_cookie (headers->cookie, CREDENTIAL_COOKIE), call->arena);
    if (NULL == expected.data)
      return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    if (! credential_equal (expected, headers->csrf_token))
      (void)err_set (err, ERR_PERMISSION_DENIED,
                     "A login by cookie needs the header X-Tally-CSRF-Token, with the csrf_token of GET "
                     "/api/tally/v1/session.");
  }
  if (ERR_OK == err->code && ! headers->is_own_origin)
    (void)err_set (err, ERR_PERMISSION_DENIED,
                   "Cross-origin request blocked. If pages of that origin may use logins here, add it to the setting "
                   "allowed-origins.");
  if (ERR_OK != err->code)
    gate_note_refusal (call, err, (struct slice){ NULL, 0 });
  return err->code;
}

static enum err_code
check_quota (struct api_call *call, struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  unsigned retry_after_s;

  if (access_take_quota (&retry_after_s, call->service->access, who, call->credentials->body_bytes))
    return ERR_OK;
  (void)err_set (err, ERR_REQUEST_LIMIT_EXCEEDED,
                 "The quota of %.*s is used up: %" PRId64 " requests a second (quota-requests-per-s) and %" PRId64
                 " bytes a day (quota-bytes-per-day); 0 is no limit.",
                 SLICE_ARG (who->username), who->requests_per_s, who->bytes_per_day);
  err->retry_after_s = retry_after_s;
  gate_note_refusal (call, err, (struct slice){ NULL, 0 });
  return err->code;
}

/* --- which workspace -----------------------------------------------------------------------------------------------
 */

/* The name that a header holds, without blanks around it, as MLflow reads it. */
static struct slice
workspace_name (struct slice header)
{
  while (header.len > 0 && (' ' == header.data[0] || '\t' == header.data[0]))
    header = (struct slice){ header.data + 1, header.len - 1 };
  while (header.len > 0 && (' ' == header.data[header.len - 1] || '\t' == header.data[header.len - 1]))
    header.len--;
  return header;
}

/* Where a sight of a workspace is remembered: beside rights with experiments, under a number that none has. */
static int64_t
number_of_sight (int64_t workspace_id)
{
  return -1 - workspace_id;
}

/* Whoever has no right at all in a workspace is told that there is none. GATE_OPEN also with an error in `code`. */
static enum gate_next
see_workspace (enum err_code *code, struct api_call *call, struct err *err)
{
  struct access *access = call->service->access;
  struct gate_pass *pass = call->pass;
  int64_t number = number_of_sight (pass->workspace_id);
  uint64_t version = access_version (access);
  struct access_rights rights = { ACCESS_READ, 0 };
  struct store_workspace workspace;
  struct result result = { NULL };
  int64_t remembered;

  if (pass->who.has_all_objects || PERMISSION_GUEST >= call->route->permission
      || access_recall_rights (&rights, &remembered, access, pass->who.account_id, number))
    return GATE_OPEN;
  if (NULL == call->connection)
    return GATE_ASK;
  *code = store_workspace_get (&workspace, &result, call->connection, pass->workspace, pass->who.account_id,
                               access_fallback (access), err);
  result_free (&result);
  if (ERR_OK == *code)
    access_remember_rights (access, pass->who.account_id, number, rights, pass->workspace_id, version);
  return GATE_OPEN;
}

static enum gate_next
enter_workspace (struct api_call *call, struct err *err)
{
  struct access *access = call->service->access;
  struct gate_pass *pass = call->pass;
  struct slice name = workspace_name (call->credentials->workspace);
  enum err_code code = ERR_OK;

  if (0 == name.len || slice_equal (name, WORKSPACE_DEFAULT_NAME))
    return GATE_OPEN;
  if (! access_has_workspaces (access))
  {
    (void)err_set (
        err, ERR_INVALID_PARAMETER_VALUE,
        "Workspaces are off here, but the request names the workspace '%.*s' (X-MLFLOW-WORKSPACE). Leave the "
        "header out, or turn on the setting workspaces.",
        SLICE_ARG (name));
    return GATE_REFUSED;
  }
  pass->workspace = name;
  if (! access_recall_workspace (&pass->workspace_id, access, name))
  {
    uint64_t version = access_version (access);

    if (NULL == call->connection)
      return GATE_ASK;
    code = store_access_workspace (&pass->workspace_id, call->connection, name, err);
    if (ERR_OK == code)
      access_remember_workspace (access, name, pass->workspace_id, version);
  }
  if (ERR_OK == code && GATE_ASK == see_workspace (&code, call, err))
    return GATE_ASK;
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    (void)err_set (err, code, "Workspace '%.*s' not found", SLICE_ARG (name));
  return ERR_OK == code ? GATE_OPEN : GATE_REFUSED;
}

/* --- entering ------------------------------------------------------------------------------------------------------
 */

static enum gate_next
judge_objects (struct api_call *call, struct err *err)
{
  struct target *targets;
  size_t count;

  if (NULL == call->connection && object_needs_database (call->route->object))
    return GATE_ASK;
  if (ERR_OK != object_targets (&targets, &count, call, err))
    return GATE_REFUSED;
  return gate_judge (call, targets, count, call->route->permission, err);
}

static bool
is_off (const struct access *access)
{
  return ! access_is_on (access) && ! access_has_workspaces (access);
}

static enum gate_next
enter (struct api_call *call, struct err *err)
{
  struct access *access = call->service->access;
  struct gate_pass *pass = call->pass;
  enum route_permission permission = call->route->permission;
  enum gate_next next = GATE_OPEN;

  if (! pass->known)
  {
    if (access_is_on (access) && PERMISSION_PUBLIC != permission)
      next = recognise (call, err);
    if (GATE_OPEN != next)
      return next;
    pass->known = true;
    if (ERR_OK != check_page (call, err) || ERR_OK != check_quota (call, err))
      return GATE_REFUSED;
  }
  if (PERMISSION_PUBLIC != permission)
    next = enter_workspace (call, err);
  if (GATE_OPEN != next || is_off (access))
    pass->open = GATE_OPEN == next;
  else if (PERMISSION_ADMIN == permission && ! pass->who.is_admin)
  {
    (void)err_set (err, ERR_PERMISSION_DENIED, "Permission denied: this needs an administrator%s.",
                   pass->who.has_all_objects ? ", and the token may not act as one" : "");
    gate_note_refusal (call, err, (struct slice){ NULL, 0 });
    next = GATE_REFUSED;
  }
  else if (object_is_early (call->route))
  {
    next = judge_objects (call, err);
    pass->open = GATE_OPEN == next;
  }
  return next;
}

enum gate_next
gate_enter (struct api_call *call)
{
  struct gate_pass *pass = arena_alloc (call->arena, sizeof (*pass));

  if (NULL == pass)
  {
    (void)err_set (&call->err, ERR_INTERNAL_ERROR, "out of memory");
    return GATE_REFUSED;
  }
  *pass = (struct gate_pass){ .who = access_is_on (call->service->access) ? nobody : everybody,
                              .workspace_id = WORKSPACE_DEFAULT,
                              .workspace = WORKSPACE_DEFAULT_NAME,
                              .rights = { ACCESS_MANAGE, ACCESS_ALL_ACTIONS },
                              .experiment_id = -1 };
  call->pass = pass;
  if (call->credentials->differs)
  {
    (void)err_set (&call->err, ERR_INVALID_PARAMETER_VALUE,
                   "A header that says who sends the request (Authorization, Cookie, Host, Origin, X-MLFLOW-WORKSPACE, "
                   "X-Tally-CSRF-Token) is there twice and differently.");
    return GATE_REFUSED;
  }
  return enter (call, &call->err);
}

enum err_code
gate_enter_slowly (struct api_call *call, struct err *err)
{
  /* With a connection nothing is left to ask. */
  (void)enter (call, err);
  return err->code;
}

enum err_code
gate_body (struct api_call *call, struct err *err)
{
  if (call->pass->open)
    return ERR_OK;
  call->pass->open = GATE_OPEN == judge_objects (call, err);
  return err->code;
}

/* --- admit functions -----------------------------------------------------------------------------------------------
 */

/* What it would be refused for, the worker's way finds again, and answers. */
static bool
admit (struct api_call *call, struct target *target)
{
  call->pass->open = call->pass->open || gate_may (call, target);
  return call->pass->open;
}

bool
gate_admit_run (struct api_call *call, const struct uuid *run_id)
{
  struct target target = { .kind = TARGET_RUN, .text = SLICE (""), .run_id = *run_id, .experiment_id = -1 };

  return admit (call, &target);
}

bool
gate_admit_experiment (struct api_call *call, int64_t experiment_id)
{
  struct target target = { .kind = TARGET_EXPERIMENT, .text = SLICE (""), .experiment_id = experiment_id };

  return admit (call, &target);
}

/* --- for handle functions ------------------------------------------------------------------------------------------
 */

static bool
may_all (const struct api_call *call)
{
  return is_off (call->service->access);
}

bool
gate_owns_all (const struct api_call *call)
{
  return call->pass->who.has_all_objects && ! access_has_workspaces (call->service->access);
}

static enum err_code
require (struct api_call *call, struct target *targets, size_t count, enum route_permission permission, struct err *err)
{
  struct gate_pass *pass = call->pass;
  struct access_rights rights = pass->rights;
  int64_t experiment_id = pass->experiment_id;

  if (NULL == targets)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  (void)gate_judge (call, targets, count, permission, err);
  pass->rights = rights;
  pass->experiment_id = experiment_id;
  return err->code;
}

enum err_code
gate_require_runs (struct api_call *call, const struct uuid *run_ids, size_t count, enum route_permission permission,
                   struct err *err)
{
  struct target *targets;

  if (0 == count || may_all (call))
    return ERR_OK;
  targets = arena_array (call->arena, count, sizeof (*targets));
  for (size_t i = 0; NULL != targets && i < count; i++)
  {
    char text[UUID_TEXT_BYTES];

    uuid_format (text, &run_ids[i]);
    targets[i] = (struct target){ .kind = TARGET_RUN,
                                  .text = slice_of (arena_printf (call->arena, "%s", text)),
                                  .run_id = run_ids[i],
                                  .experiment_id = -1 };
  }
  return require (call, targets, count, permission, err);
}

enum err_code
gate_require_models (struct api_call *call, const struct slice *model_ids, size_t count,
                     enum route_permission permission, struct err *err)
{
  struct target *targets;

  if (0 == count || may_all (call))
    return ERR_OK;
  targets = arena_array (call->arena, count, sizeof (*targets));
  for (size_t i = 0; NULL != targets && i < count; i++)
    targets[i] = (struct target){ .kind = TARGET_LOGGED_MODEL, .text = model_ids[i], .experiment_id = -1 };
  return require (call, targets, count, permission, err);
}

enum err_code
gate_require_experiments (struct api_call *call, const int64_t *experiment_ids, size_t count,
                          enum route_permission permission, struct err *err)
{
  struct target *targets;

  if (0 == count || may_all (call))
    return ERR_OK;
  targets = arena_array (call->arena, count, sizeof (*targets));
  for (size_t i = 0; NULL != targets && i < count; i++)
    targets[i] = (struct target){ .kind = TARGET_EXPERIMENT,
                                  .text = slice_of (arena_printf (call->arena, "%" PRId64, experiment_ids[i])),
                                  .experiment_id = experiment_ids[i] };
  return require (call, targets, count, permission, err);
}

enum err_code
gate_require_model_name (struct api_call *call, struct slice name, enum route_permission permission, struct err *err)
{
  struct target target = { .kind = TARGET_REGISTERED_MODEL, .text = name, .experiment_id = -1 };

  return may_all (call) ? ERR_OK : require (call, &target, 1, permission, err);
}

enum err_code
gate_require_workspace (struct api_call *call, struct slice name, enum route_permission permission, struct err *err)
{
  struct target target = { .kind = TARGET_WORKSPACE_NAME, .text = name, .experiment_id = -1 };

  return may_all (call) ? ERR_OK : require (call, &target, 1, permission, err);
}

enum err_code
gate_keep_readable (int64_t *experiment_ids, size_t *count, struct api_call *call, struct err *err)
{
  struct access *access = call->service->access;
  const struct gate_pass *pass = call->pass;
  struct store_access_rights *found;
  size_t kept = 0;
  enum err_code code;

  call->pass->narrowed = true;
  if (0 == *count || is_off (access) || (pass->who.has_all_objects && ! access_has_workspaces (access)))
    return ERR_OK;
  found = arena_array (call->arena, *count, sizeof (*found));
  if (NULL == found)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_access_of_experiments (found, call->connection, pass->who.account_id, access_fallback (access),
                                      experiment_ids, *count, call->arena, err);
  for (size_t i = 0; ERR_OK == code && i < *count; i++)
  {
    struct access_rights granted = { (enum access_level)found[i].level, (unsigned)found[i].actions };

    if (found[i].exists && (! access_has_workspaces (access) || found[i].workspace_id == pass->workspace_id)
        && gate_suffices (gate_effective (granted, &pass->who), PERMISSION_READ))
      experiment_ids[kept++] = experiment_ids[i];
  }
  if (ERR_OK == code)
    *count = kept;
  return code;
}

int64_t
gate_visible_account (struct api_call *call, int16_t *fallback)
{
  *fallback = access_fallback (call->service->access);
  call->pass->narrowed = true;
  return call->pass->who.has_all_objects ? 0 : call->pass->who.account_id;
}

enum err_code
gate_check_narrowed (const struct api_call *call, struct err *err)
{
  if (OBJECT_VISIBLE != call->route->object || call->pass->narrowed || is_off (call->service->access))
    return ERR_OK;
  return err_set_cause (err, ERR_INTERNAL_ERROR, "the route shows several objects and has not asked which may be seen",
                        "internal error");
}

struct slice
gate_user_object (const struct api_call *call, struct slice username)
{
  return slice_of (arena_printf (call->arena, "user:%.*s", SLICE_ARG (utf8_cut (username, USERNAME_MAX))));
}

struct store_audit
gate_audit_entry (const struct api_call *call, const char *action, struct slice object)
{
  const struct access_identity *who = &call->pass->who;

  return (struct store_audit){ .actor = who->username,
                               .account_id = who->account_id,
                               .token_id = who->token_id,
                               .method = (int16_t)who->method,
                               .address = call->credentials->address,
                               .action = slice_of (action),
                               .object = object };
}
