/* What the caller may do with objects: by what is remembered, else by asking the database for all of them at once. */
#include "api/gate_judge.h"

#include "api/artifact_owner.h"
#include "api/route.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/stats.h"

/* What a permission comes down to. */
struct need
{
  enum access_level level;
  unsigned action; /* 0: none */
  const char *name;
};

static const struct need needs[PERMISSION_COUNT] = {
  [PERMISSION_PUBLIC] = { ACCESS_NO_PERMISSIONS, 0, "nothing" },
  [PERMISSION_GUEST] = { ACCESS_NO_PERMISSIONS, 0, "nothing" },
  [PERMISSION_SELF] = { ACCESS_NO_PERMISSIONS, 0, "an account" },
  [PERMISSION_READ] = { ACCESS_READ, 0, "READ" },
  [PERMISSION_USE] = { ACCESS_USE, 0, "USE" },
  [PERMISSION_EDIT] = { ACCESS_EDIT, 0, "EDIT" },
  [PERMISSION_MANAGE] = { ACCESS_MANAGE, 0, "MANAGE" },
  [PERMISSION_PROMOTE] = { ACCESS_EDIT, ACCESS_PROMOTE, "the action promote" },
  [PERMISSION_FORCE] = { ACCESS_EDIT, ACCESS_FORCE, "the action force" },
  [PERMISSION_DELETE] = { ACCESS_EDIT, ACCESS_DELETE, "MANAGE or the action delete" },
  [PERMISSION_WEBHOOKS] = { ACCESS_EDIT, ACCESS_WEBHOOKS, "MANAGE or the action webhooks" },
  [PERMISSION_ADMIN] = { ACCESS_MANAGE, 0, "an administrator" },
};

const char *
gate_permission_name (enum route_permission permission)
{
  return needs[permission].name;
}

bool
gate_suffices (struct access_rights rights, enum route_permission permission)
{
  const struct need *need = &needs[permission];

  return rights.level >= need->level && need->action == (rights.actions & need->action);
}

/* What a grant comes to with a credential that allows everything. */
static struct access_rights
unlimited (struct access_rights granted, const struct access_identity *who)
{
  if (who->has_all_objects)
    return (struct access_rights){ ACCESS_MANAGE, ACCESS_ALL_ACTIONS };
  if (ACCESS_MANAGE == granted.level)
    granted.actions |= ACCESS_ALL_ACTIONS & ~(unsigned)ACCESS_FORCE;
  return granted;
}

struct access_rights
gate_effective (struct access_rights granted, const struct access_identity *who)
{
  return access_rights_limit (unlimited (granted, who), who);
}

/* --- finding out ---------------------------------------------------------------------------------------------------
 */

struct search
{
  struct api_call *call;
  struct access *access;
  int64_t account_id;
  struct target *targets;
  size_t count;
};

/* "12/<run id>/…" of a run that is remembered. */
static bool
recall_path (struct target *target, const struct search *search)
{
  struct slice workspace;
  int64_t experiment_id = object_experiment_of_path (&workspace, target->text);
  const char *slash = 0 == target->text.len ? NULL : memchr (target->text.data, '/', target->text.len);
  const char *end = target->text.data + target->text.len;
  struct uuid run_id;
  int64_t owner;

  /* 32 digits of the id, and something below it. */
  if (experiment_id < 0 || NULL != workspace.data || NULL == slash || end - slash < 34 || '/' != slash[33]
      || ! uuid_parse (&run_id, (struct slice){ slash + 1, 32 })
      || ! access_recall_run (&owner, search->access, &run_id) || owner != experiment_id)
    return false;
  target->experiment_id = experiment_id;
  target->exists = true;
  return true;
}

/* The owner of a path decides: a run or logged model, else the experiment or workspace that its first segments name. */
static enum err_code
find_paths (const struct search *search, struct err *err)
{
  struct arena *arena = search->call->arena;
  const struct artifact_owner **owners;
  struct slice *paths = arena_array (arena, search->count, sizeof (*paths));
  size_t count = 0;
  enum err_code code;

  if (NULL == paths)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  /* Something below it: a directory that is the root of a run belongs to the run. */
  for (size_t i = 0; i < search->count; i++)
    if (TARGET_PATH == search->targets[i].kind)
      paths[count++] = slice_of (arena_printf (arena, "%.*s/-", SLICE_ARG (search->targets[i].text)));
  if (0 == count)
    return ERR_OK;
  if (arena_overflowed (arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = artifact_owners_of_paths (&owners, paths, count, search->call, err);
  count = 0;
  for (size_t i = 0; ERR_OK == code && i < search->count; i++)
  {
    struct target *target = &search->targets[i];
    struct slice workspace;

    if (TARGET_PATH != target->kind)
      continue;
    target->experiment_id = object_experiment_of_path (&workspace, target->text);
    if (NULL != owners[count])
      target->experiment_id = owners[count]->is.experiment_id;
    count++;
    /* What holds the directories of all workspaces is in none of them. */
    target->exists = ! access_has_workspaces (search->access) || ! object_holds_workspaces (target->text);
    if (target->experiment_id >= 0)
      continue;
    target->workspace_id = 1;
    if (NULL != workspace.data)
    {
      code = store_access_workspace (&target->workspace_id, search->call->connection, workspace, err);
      target->exists = ERR_OK == code;
      if (ERR_RESOURCE_DOES_NOT_EXIST == code)
        code = ERR_OK;
    }
  }
  return code;
}

/* The experiments of runs. */
static enum err_code
find_runs (const struct search *search, struct err *err)
{
  struct arena *arena = search->call->arena;
  struct uuid *run_ids = arena_array (arena, search->count, sizeof (*run_ids));
  int64_t *experiment_ids = arena_array (arena, search->count, sizeof (*experiment_ids));
  size_t count = 0;
  enum err_code code;

  if (NULL == run_ids || NULL == experiment_ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < search->count; i++)
    if (TARGET_RUN == search->targets[i].kind && ! search->targets[i].exists)
      run_ids[count++] = search->targets[i].run_id;
  if (0 == count)
    return ERR_OK;
  code = store_access_experiments_of_runs (experiment_ids, search->call->connection, run_ids, count, arena, err);
  count = 0;
  for (size_t i = 0; ERR_OK == code && i < search->count; i++)
  {
    struct target *target = &search->targets[i];

    if (TARGET_RUN != target->kind || target->exists)
      continue;
    target->experiment_id = experiment_ids[count++];
    target->exists = target->experiment_id >= 0;
    if (target->exists)
      access_remember_run (search->access, &target->run_id, target->experiment_id);
  }
  return code;
}

static enum err_code
find_models (const struct search *search, struct err *err)
{
  struct arena *arena = search->call->arena;
  struct slice *model_ids = arena_array (arena, search->count, sizeof (*model_ids));
  int64_t *experiment_ids = arena_array (arena, search->count, sizeof (*experiment_ids));
  size_t count = 0;
  enum err_code code;

  if (NULL == model_ids || NULL == experiment_ids)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < search->count; i++)
    if (TARGET_LOGGED_MODEL == search->targets[i].kind)
      model_ids[count++] = search->targets[i].text;
  if (0 == count)
    return ERR_OK;
  code = store_access_experiments_of_models (experiment_ids, search->call->connection, model_ids, count, arena, err);
  count = 0;
  for (size_t i = 0; ERR_OK == code && i < search->count; i++)
    if (TARGET_LOGGED_MODEL == search->targets[i].kind)
    {
      search->targets[i].experiment_id = experiment_ids[count++];
      search->targets[i].exists = search->targets[i].experiment_id >= 0;
    }
  return code;
}

static void
take_rights (struct target *target, const struct store_access_rights *found)
{
  target->exists = found->exists;
  target->workspace_id = found->workspace_id;
  if (found->experiment_id >= 0)
    target->experiment_id = found->experiment_id;
  target->rights = (struct access_rights){ (enum access_level)found->level, (unsigned)found->actions };
}

/* Rights with everything that belongs to an experiment. */
static enum err_code
find_rights (const struct search *search, struct err *err)
{
  struct arena *arena = search->call->arena;
  int64_t *experiment_ids = arena_array (arena, search->count, sizeof (*experiment_ids));
  struct store_access_rights *found = arena_array (arena, search->count, sizeof (*found));
  uint64_t version = access_version (search->access);
  size_t count = 0;
  enum err_code code;

  if (NULL == experiment_ids || NULL == found)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < search->count; i++)
    if (search->targets[i].experiment_id >= 0)
      experiment_ids[count++] = search->targets[i].experiment_id;
  if (0 == count)
    return ERR_OK;
  code = store_access_of_experiments (found, search->call->connection, search->account_id,
                                      access_fallback (search->access), experiment_ids, count, arena, err);
  count = 0;
  for (size_t i = 0; ERR_OK == code && i < search->count; i++)
  {
    struct target *target = &search->targets[i];

    if (target->experiment_id < 0)
      continue;
    take_rights (target, &found[count++]);
    if (target->exists)
      access_remember_rights (search->access, search->account_id, target->experiment_id, target->rights,
                              target->workspace_id, version);
  }
  return code;
}

/* Anybody may make experiments and register models, unless a grant of the workspace says less or workspaces are
 * tenants.
 */
static void
allow_making (const struct search *search, struct target *target, int16_t rule)
{
  enum route_object object = search->call->route->object;

  if ((OBJECT_NEW_EXPERIMENT == object || OBJECT_NEW_REGISTERED_MODEL == object) && STORE_RULE_DEFAULT == rule
      && ! access_has_workspaces (search->access) && target->rights.level < ACCESS_EDIT)
    target->rights.level = ACCESS_EDIT;
}

/* Objects that have a statement of their own. */
static enum err_code
find_other (const struct search *search, struct target *target, struct err *err)
{
  struct store_connection *connection = search->call->connection;
  int16_t fallback = access_fallback (search->access);
  struct store_access_rights found = { .exists = false, .experiment_id = -1 };
  enum err_code code = ERR_OK;

  switch (target->kind)
  {
  case TARGET_EXPERIMENT_NAME:
    code = store_access_of_experiment_name (&found, connection, search->account_id, fallback,
                                            search->call->pass->workspace_id, target->text, err);
    break;
  case TARGET_REGISTERED_MODEL:
    code = store_access_of_model_name (&found, connection, search->account_id, fallback,
                                       search->call->pass->workspace_id, target->text, err);
    break;
  case TARGET_WORKSPACE_NAME:
    code = store_access_workspace (&target->workspace_id, connection, target->text, err);
    if (ERR_RESOURCE_DOES_NOT_EXIST == code)
      return ERR_OK;
    if (ERR_OK == code)
      code = store_access_of_workspace (&found, connection, search->account_id, fallback, target->workspace_id, err);
    break;
  case TARGET_PATH:
    if (target->experiment_id >= 0 || ! target->exists)
      return ERR_OK;
    /* fall through */
  case TARGET_WORKSPACE:
    code = store_access_of_workspace (&found, connection, search->account_id, fallback, target->workspace_id, err);
    break;
  case TARGET_EXPERIMENT:
  case TARGET_RUN:
  case TARGET_LOGGED_MODEL:
  default:
    return ERR_OK;
  }
  take_rights (target, &found);
  allow_making (search, target, found.rule);
  return code;
}

/* By what is remembered; false when that is not all. */
static bool
recall (const struct search *search)
{
  bool complete = true;

  for (size_t i = 0; i < search->count; i++)
  {
    struct target *target = &search->targets[i];

    if (TARGET_RUN == target->kind)
      target->exists = access_recall_run (&target->experiment_id, search->access, &target->run_id);
    else if (TARGET_PATH == target->kind)
      target->exists = recall_path (target, search);
    else
      target->exists = TARGET_EXPERIMENT == target->kind;
    complete = complete && target->exists
               && access_recall_rights (&target->rights, &target->workspace_id, search->access, search->account_id,
                                        target->experiment_id);
  }
  return complete;
}

static enum err_code
ask (const struct search *search, struct err *err)
{
  enum err_code code = find_paths (search, err);

  if (ERR_OK == code)
    code = find_runs (search, err);
  if (ERR_OK == code)
    code = find_models (search, err);
  if (ERR_OK == code)
    code = find_rights (search, err);
  for (size_t i = 0; ERR_OK == code && i < search->count; i++)
    code = find_other (search, &search->targets[i], err);
  return code;
}

/* --- judging -------------------------------------------------------------------------------------------------------
 */

void
gate_note_refused (const struct api_call *call, const char *action, struct slice object, const struct err *err)
{
  struct store_audit entry = gate_audit_entry (call, action, object);
  struct buffer detail;
  struct json_write w;

  stats_add (&stats.access_refused, 1);
  log_line (EVENT_access_refused, LOG_SLICE ("actor", entry.actor), LOG_SLICE ("address", entry.address),
            LOG_TEXT ("action", action), LOG_SLICE ("object", NULL == object.data ? SLICE ("") : object),
            LOG_TEXT ("why", err->message));
  buffer_init (&detail, (size_t)8 * ERR_MESSAGE_BYTES);
  json_write_init (&w, &detail);
  json_write_object (&w);
  json_write_member_text (&w, "why", err->message);
  json_write_object_end (&w);
  entry.detail = buffer_slice (&detail);
  if (! detail.failed)
    access_note_refusal (call->service->access, &entry);
  buffer_free (&detail);
}

void
gate_note_refusal (const struct api_call *call, const struct err *err, struct slice object)
{
  const char *action =
      arena_printf (call->arena, "%s %s", route_method_name (call->route->method), route_name (call->route));

  if (NULL != action)
    gate_note_refused (call, action, object, err);
}

static enum gate_next
refuse (struct api_call *call, const struct target *target, enum route_permission permission, struct err *err)
{
  struct slice object = object_name (target, call->arena);
  struct access_rights granted = unlimited (target->rights, &call->pass->who);
  struct access_rights rights = access_rights_limit (granted, &call->pass->who);

  if (rights.level < ACCESS_READ)
    (void)object_not_found (target, err);
  else
    (void)err_set (err, ERR_PERMISSION_DENIED, "Permission denied: this needs %s on %.*s, you have %s%s.",
                   gate_permission_name (permission), SLICE_ARG (object), access_level_name (rights.level),
                   gate_suffices (granted, permission) ? ", because the token allows no more" : "");
  gate_note_refusal (call, err, object);
  return GATE_REFUSED;
}

bool
gate_may (struct api_call *call, struct target *target)
{
  struct gate_pass *pass = call->pass;
  struct search search = {
    .call = call, .access = call->service->access, .account_id = pass->who.account_id, .targets = target, .count = 1
  };
  struct access_rights rights;

  if (pass->who.has_all_objects && ! access_has_workspaces (search.access))
    target->rights = (struct access_rights){ ACCESS_MANAGE, ACCESS_ALL_ACTIONS };
  else if (! recall (&search) || (access_has_workspaces (search.access) && target->workspace_id != pass->workspace_id))
    return false;
  rights = gate_effective (target->rights, &pass->who);
  if (! gate_suffices (rights, call->route->permission))
    return false;
  pass->rights = rights;
  pass->experiment_id = target->experiment_id;
  return true;
}

enum gate_next
gate_judge (struct api_call *call, struct target *targets, size_t count, enum route_permission permission,
            struct err *err)
{
  struct gate_pass *pass = call->pass;
  struct search search = { .call = call,
                           .access = call->service->access,
                           .account_id = pass->who.account_id,
                           .targets = targets,
                           .count = count };
  bool in_workspaces = access_has_workspaces (search.access);

  /* An administrator's rights need no look-up, and what does not exist the route itself finds out. */
  if (pass->who.has_all_objects && ! in_workspaces)
    for (size_t i = 0; i < count; i++)
      targets[i].exists = true;
  else if (! recall (&search))
  {
    if (NULL == call->connection)
      return GATE_ASK;
    if (ERR_OK != ask (&search, err))
      return GATE_REFUSED;
  }
  for (size_t i = 0; i < count; i++)
  {
    struct target *target = &targets[i];
    struct access_rights rights = gate_effective (target->rights, &pass->who);

    /* Without being noted as a refusal, because nothing was. */
    if (! target->exists
        || (in_workspaces && target->workspace_id != pass->workspace_id && TARGET_WORKSPACE_NAME != target->kind))
    {
      (void)object_not_found (target, err);
      return GATE_REFUSED;
    }
    if (! gate_suffices (rights, permission))
      return refuse (call, target, permission, err);
    if (0 == i)
    {
      pass->rights = rights;
      pass->experiment_id = target->experiment_id;
    }
  }
  return GATE_OPEN;
}
