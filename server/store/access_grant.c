/* Grants in PostgreSQL.

   DESIGN
   Who sets a grant locks the row of its holder first, so that two who set the same one come one after the other and
   none meets a unique index. A change is two round trips: what is there, and then everything that is written. */
#include "store/access_grant.h"

#include "base/number.h"
#include "store/access.h"
#include "store/access_words.h"
#include "store/audit_detail.h"
#include "store/pipeline.h"

enum
{
  LOCK_ACCOUNT,
  LOCK_GROUP,
  LOCK_EXPERIMENT,
  FIND,
  INSERT,
  UPDATE,
  DELETE,
  HOLDER,
  MEMBER,
  GET,
  OF_OBJECT,
  OF_HOLDER
};

/* Grant `g` is about the object of the parameters $1 to $3: experiment, name of a model, workspace. Each arm has a
   partial index. */
#define ABOUT                                                                                                          \
  "(g.experiment_id = $1::int8"                                                                                        \
  " OR ($1::int8 IS NULL AND g.model_name = $2::text AND g.workspace_id = $3::int8)"                                   \
  " OR ($1::int8 IS NULL AND $2::text IS NULL AND g.experiment_id IS NULL AND g.model_name IS NULL"                    \
  "  AND g.workspace_id = $3::int8))"

#define SELECT                                                                                                         \
  "SELECT g.grant_id, g.workspace_id, w.name, g.experiment_id, e.name, g.model_name, g.account_id, a.username, "       \
  "o.name,"                                                                                                            \
  " g.level, g.actions FROM access_grant AS g JOIN workspace AS w ON w.workspace_id = g.workspace_id"                  \
  " LEFT JOIN experiment AS e ON e.experiment_id = g.experiment_id"                                                    \
  " LEFT JOIN account AS a ON a.account_id = g.account_id"                                                             \
  " LEFT JOIN account_group AS o ON o.group_id = g.group_id"

static const struct statement statements[] = {
  [LOCK_ACCOUNT] = { "access_grant_lock_account",
                     "SELECT account_id FROM account WHERE username = $1::text FOR NO KEY UPDATE", 1 },
  [LOCK_GROUP] = { "access_grant_lock_group",
                   "SELECT group_id FROM account_group WHERE name = $1::text FOR NO KEY UPDATE", 1 },
  /* Without an experiment one row too. */
  [LOCK_EXPERIMENT] = { "access_grant_lock_experiment",
                        "SELECT coalesce((SELECT workspace_id FROM experiment WHERE experiment_id = $1::int8"
                        "  FOR KEY SHARE), CASE WHEN $1::int8 IS NULL THEN $2::int8 ELSE -1 END)",
                        2 },
  [FIND] = { "access_grant_find",
             "SELECT g.grant_id, g.level, g.actions FROM access_grant AS g WHERE " ABOUT
             " AND (g.account_id = (SELECT account_id FROM account WHERE username = $4::text)"
             "  OR g.group_id = (SELECT group_id FROM account_group WHERE name = $5::text)) FOR UPDATE OF g",
             5 },
  [INSERT] = { "access_grant_insert",
               "INSERT INTO access_grant (experiment_id, model_name, workspace_id, account_id, group_id, level, "
               "actions)"
               " VALUES ($1::int8, $2::text, $3::int8, $4::int8, $5::int8, $6::int8::int2, $7::int8::int2)",
               7 },
  [UPDATE] = { "access_grant_update",
               "UPDATE access_grant SET level = $2::int8::int2, actions = $3::int8::int2 WHERE grant_id = $1::int8",
               3 },
  [DELETE] = { "access_grant_delete", "DELETE FROM access_grant WHERE grant_id = $1::int8", 1 },
  [HOLDER] = { "access_grant_holder",
               "SELECT coalesce((SELECT account_id FROM account WHERE username = $1::text),"
               " (SELECT group_id FROM account_group WHERE name = $2::text), -1)",
               2 },
  [MEMBER] = { "access_grant_member",
               "SELECT EXISTS (SELECT FROM account WHERE username = $1::text AND account_id = $3::int8)"
               " OR EXISTS (SELECT FROM account_group AS o JOIN account_group_member AS m ON m.group_id = o.group_id"
               "  WHERE o.name = $2::text AND m.account_id = $3::int8)",
               3 },
  [GET] = { "access_grant_get", SELECT " WHERE " ABOUT " AND (a.username = $4::text OR o.name = $5::text)", 5 },
  [OF_OBJECT] = { "access_grant_of_object",
                  SELECT " WHERE " ABOUT " AND g.grant_id > $4::int8 ORDER BY g.grant_id LIMIT $5::int8", 5 },
  [OF_HOLDER] = { "access_grant_of_holder",
                  SELECT " WHERE (g.account_id = (SELECT account_id FROM account WHERE username = $1::text)"
                         "  OR g.group_id = (SELECT group_id FROM account_group WHERE name = $2::text))"
                         /* A grant to a group does not show what the asker's own grant takes away. */
                         " AND CASE WHEN g.experiment_id IS NULL THEN $3::int8 = 0 OR (g.level >= 1 AND NOT EXISTS"
                         "   (SELECT FROM access_grant AS x WHERE x.account_id = $3::int8"
                         "     AND x.workspace_id = g.workspace_id AND x.experiment_id IS NULL"
                         "     AND x.model_name IS NOT DISTINCT FROM g.model_name AND x.level = 0))"
                         "  ELSE " STORE_ACCESS_MAY_READ_EXPERIMENT (
                             "$3", "$4::int8") " END"
                                               " AND g.grant_id > $5::int8 ORDER BY g.grant_id LIMIT $6::int8",
                  6 },
};

const struct statement_table store_access_grant_statements = { statements,
                                                               sizeof (statements) / sizeof (statements[0]) };

const struct column store_grant_columns[STORE_GRANT_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_grant, grant_id) },
  { COLUMN_INT64, offsetof (struct store_grant, workspace_id) },
  { COLUMN_TEXT, offsetof (struct store_grant, workspace) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_grant, experiment_id) },
  { COLUMN_TEXT, offsetof (struct store_grant, experiment) },
  { COLUMN_TEXT, offsetof (struct store_grant, model_name) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_grant, account_id) },
  { COLUMN_TEXT, offsetof (struct store_grant, username) },
  { COLUMN_TEXT, offsetof (struct store_grant, group) },
  { COLUMN_INT16, offsetof (struct store_grant, level) },
  { COLUMN_INT16, offsetof (struct store_grant, actions) },
};

/* A grant that is there, as far as a change wants to know. */
struct found
{
  int64_t grant_id; /* 0: there is none */
  int16_t level;
  int16_t actions;
};

struct change
{
  const struct store_grant_object *object;
  const struct store_grant_holder *holder;
  int16_t level;
  int16_t actions;
  enum store_grant_mode mode;
  bool removes;
  const struct store_audit *who;
  struct arena *arena;
  enum store_grant_found found;
  int64_t holder_id;
};

static bool
is_group (const struct store_grant_holder *holder)
{
  return NULL != holder->group.data;
}

void
store_grant_object_bind (struct parameters *parameters, const struct store_grant_object *object)
{
  if (object->experiment_id >= 0)
    parameter_int64 (parameters, object->experiment_id);
  else
    parameter_null (parameters);
  parameter_text (parameters, object->experiment_id >= 0 ? (struct slice){ NULL, 0 } : object->model_name);
  parameter_int64 (parameters, object->workspace_id);
}

static void
held_by (struct parameters *parameters, const struct store_grant_holder *holder)
{
  parameter_text (parameters, holder->username);
  parameter_text (parameters, holder->group);
}

/* One number of the first row; -1 without a row. */
static enum err_code
read_number (int64_t *number, const struct result *result, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };

  *number = -1;
  return result_count (result) > 0 ? result_row (number, result, 0, columns, COLUMN_COUNT (columns), err) : ERR_OK;
}

/* Lock holder and experiment, and find the grant. */
static enum err_code
look (struct found *before, int64_t *workspace_id, struct store_connection *connection, struct change *call,
      struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct found, grant_id) },
                                           { COLUMN_INT16, offsetof (struct found, level) },
                                           { COLUMN_INT16, offsetof (struct found, actions) } };
  const struct store_grant_holder *holder = call->holder;
  struct result holders = { NULL };
  struct result objects = { NULL };
  struct result grants = { NULL };
  struct parameters *parameters;
  struct pipeline pipeline;
  enum err_code code;

  *before = (struct found){ 0, 0, 0 };
  pipeline_init (&pipeline, connection, NULL);
  parameters = pipeline_add (&holders, &pipeline, &statements[is_group (holder) ? LOCK_GROUP : LOCK_ACCOUNT]);
  parameter_text (parameters, is_group (holder) ? holder->group : holder->username);
  parameters = pipeline_add (&objects, &pipeline, &statements[LOCK_EXPERIMENT]);
  if (call->object->experiment_id >= 0)
    parameter_int64 (parameters, call->object->experiment_id);
  else
    parameter_null (parameters);
  parameter_int64 (parameters, call->object->workspace_id);
  parameters = pipeline_add (&grants, &pipeline, &statements[FIND]);
  store_grant_object_bind (parameters, call->object);
  held_by (parameters, holder);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code)
    code = read_number (&call->holder_id, &holders, err);
  if (ERR_OK == code)
    code = read_number (workspace_id, &objects, err);
  if (ERR_OK == code && result_count (&grants) > 0)
    code = result_row (before, &grants, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&holders);
  result_free (&objects);
  result_free (&grants);
  return code;
}

static enum store_grant_found
judge (const struct change *call, const struct found *before, int64_t workspace_id)
{
  if (workspace_id < 0)
    return STORE_GRANT_NO_OBJECT;
  if (call->holder_id < 0)
    return STORE_GRANT_NO_HOLDER;
  if (0 != before->grant_id && STORE_GRANT_CREATE == call->mode && ! call->removes)
    return STORE_GRANT_EXISTS;
  if (0 == before->grant_id && (STORE_GRANT_UPDATE == call->mode || call->removes))
    return STORE_GRANT_MISSING;
  return STORE_GRANT_DONE;
}

static struct slice
describe (const struct change *call, const struct found *before, int16_t actions)
{
  struct audit_detail detail;

  audit_detail_begin (&detail);
  json_write_member_string (&detail.w, is_group (call->holder) ? "group" : "user",
                            is_group (call->holder) ? call->holder->group : call->holder->username);
  if (0 != before->grant_id)
  {
    json_write_key (&detail.w, "before");
    json_write_object (&detail.w);
    store_write_rights (&detail.w, before->level, before->actions);
    json_write_object_end (&detail.w);
  }
  if (! call->removes)
  {
    json_write_key (&detail.w, "after");
    json_write_object (&detail.w);
    store_write_rights (&detail.w, call->level, actions);
    json_write_object_end (&detail.w);
  }
  return audit_detail_end (&detail, call->arena);
}

static enum err_code
make_entry (struct store_audit *entry, const struct change *call, const struct found *before, int16_t actions,
            struct err *err)
{
  const struct store_grant_object *object = call->object;
  const char *action = call->removes ? "grant.delete" : "grant.set";
  struct slice detail = describe (call, before, actions);
  char id[NUMBER_INT64_BYTES];

  if (object->experiment_id >= 0)
  {
    struct slice name = { id, number_format_int64 (id, object->experiment_id) };

    return audit_entry (entry, call->who, action, "experiment", name, detail, call->arena, err);
  }
  if (NULL != object->model_name.data)
    return audit_entry (entry, call->who, action, "registered-model", object->model_name, detail, call->arena, err);
  return audit_entry (entry, call->who, action, "workspace", object->workspace, detail, call->arena, err);
}

static void
queue_insert (struct pipeline *pipeline, const struct change *call, int64_t workspace_id, int16_t actions)
{
  struct store_grant_object object = *call->object;
  struct parameters *parameters = pipeline_add (NULL, pipeline, &statements[INSERT]);

  object.workspace_id = workspace_id;
  store_grant_object_bind (parameters, &object);
  if (is_group (call->holder))
    parameter_null (parameters);
  parameter_int64 (parameters, call->holder_id);
  if (! is_group (call->holder))
    parameter_null (parameters);
  parameter_int64 (parameters, call->level);
  parameter_int64 (parameters, actions);
}

static enum err_code
change_work (struct store_connection *connection, void *context, struct err *err)
{
  struct change *call = context;
  struct parameters *parameters;
  struct store_audit entry;
  struct pipeline pipeline;
  struct found before;
  int64_t workspace_id;
  int16_t actions;
  enum err_code code = look (&before, &workspace_id, connection, call, err);

  if (ERR_OK != code)
    return code;
  call->found = judge (call, &before, workspace_id);
  if (STORE_GRANT_DONE != call->found)
    return ERR_OK;
  actions = call->actions < 0 ? before.actions : call->actions;
  code = make_entry (&entry, call, &before, actions, err);
  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, call->arena);
  if (call->removes)
    parameter_int64 (pipeline_add (NULL, &pipeline, &statements[DELETE]), before.grant_id);
  else if (0 != before.grant_id)
  {
    parameters = pipeline_add (NULL, &pipeline, &statements[UPDATE]);
    parameter_int64 (parameters, before.grant_id);
    parameter_int64 (parameters, call->level);
    parameter_int64 (parameters, actions);
  }
  else
    queue_insert (&pipeline, call, workspace_id, actions);
  store_audit_queue (&pipeline, &entry);
  store_access_queue_changed (&pipeline);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_access_grant_set (enum store_grant_found *found, int64_t *account_id, struct store_connection *connection,
                        const struct store_grant_object *object, const struct store_grant_holder *holder, int16_t level,
                        int16_t actions, enum store_grant_mode mode, const struct store_audit *who, struct arena *arena,
                        struct err *err)
{
  struct change call = {
    .object = object, .holder = holder, .level = level, .actions = actions, .mode = mode, .who = who, .arena = arena
  };
  enum err_code code = store_transaction (connection, STORE_WRITE, change_work, &call, err);

  *found = call.found;
  *account_id = is_group (holder) ? 0 : call.holder_id;
  return code;
}

enum err_code
store_access_grant_delete (enum store_grant_found *found, struct store_connection *connection,
                           const struct store_grant_object *object, const struct store_grant_holder *holder,
                           const struct store_audit *who, struct arena *arena, struct err *err)
{
  struct change call = { .object = object, .holder = holder, .removes = true, .who = who, .arena = arena };
  enum err_code code = store_transaction (connection, STORE_WRITE, change_work, &call, err);

  *found = call.found;
  return code;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

enum err_code
store_access_grant_get (enum store_grant_found *found, struct store_grant *grant, struct result *result,
                        struct store_connection *connection, const struct store_grant_object *object,
                        const struct store_grant_holder *holder, struct err *err)
{
  struct result holders = { NULL };
  struct parameters *parameters;
  struct pipeline pipeline;
  int64_t holder_id = -1;
  enum err_code code;

  pipeline_init (&pipeline, connection, NULL);
  held_by (pipeline_add (&holders, &pipeline, &statements[HOLDER]), holder);
  parameters = pipeline_add (result, &pipeline, &statements[GET]);
  store_grant_object_bind (parameters, object);
  held_by (parameters, holder);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code)
    code = read_number (&holder_id, &holders, err);
  *found = STORE_GRANT_DONE;
  if (ERR_OK == code && holder_id < 0)
    *found = STORE_GRANT_NO_HOLDER;
  else if (ERR_OK == code && 0 == result_count (result))
    *found = STORE_GRANT_MISSING;
  else if (ERR_OK == code)
    code = result_row (grant, result, 0, store_grant_columns, STORE_GRANT_COLUMNS, err);
  result_free (&holders);
  return code;
}

enum err_code
store_access_grant_holder (bool *exists, bool *is_member, struct store_connection *connection,
                           const struct store_grant_holder *holder, int64_t account_id, struct err *err)
{
  static const struct column columns[] = { { COLUMN_BOOL, 0 } };
  struct result holders = { NULL };
  struct result members = { NULL };
  struct parameters *parameters;
  struct pipeline pipeline;
  int64_t holder_id = -1;
  enum err_code code;

  pipeline_init (&pipeline, connection, NULL);
  held_by (pipeline_add (&holders, &pipeline, &statements[HOLDER]), holder);
  parameters = pipeline_add (&members, &pipeline, &statements[MEMBER]);
  held_by (parameters, holder);
  parameter_int64 (parameters, account_id);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code)
    code = read_number (&holder_id, &holders, err);
  if (ERR_OK == code)
    code = result_row (is_member, &members, 0, columns, COLUMN_COUNT (columns), err);
  *exists = holder_id >= 0;
  result_free (&holders);
  result_free (&members);
  return code;
}

enum err_code
store_access_grant_of_object (struct result *result, struct store_connection *connection,
                              const struct store_grant_object *object, int64_t after, int64_t limit, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  store_grant_object_bind (&parameters, object);
  parameter_int64 (&parameters, after);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[OF_OBJECT], &parameters, err);
}

enum err_code
store_access_grant_of_holder (struct result *result, struct store_connection *connection,
                              const struct store_grant_holder *holder, int64_t reader_id, int16_t fallback,
                              int64_t after, int64_t limit, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  held_by (&parameters, holder);
  parameter_int64 (&parameters, reader_id);
  parameter_int64 (&parameters, fallback);
  parameter_int64 (&parameters, after);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[OF_HOLDER], &parameters, err);
}
