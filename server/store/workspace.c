/* Workspaces in PostgreSQL, and what accounts may do in all of one.

   DESIGN
   A workspace that is deleted loses its name and stays as a row, for the deleted experiments that are left in it: no
   request can name it, and every object is looked for in the workspace that a request names.
   Whoever makes an experiment holds the row of its workspace with FOR KEY SHARE, and whoever deletes a workspace with
   FOR UPDATE before he looks what is in it. */
#include "store/workspace.h"

#include "store/audit.h"

#include <stddef.h>

enum
{
  LIST,
  GET,
  CREATE,
  UPDATE,
  DELETE_LOCK,
  DELETE_COUNT,
  DELETE_NAMES,
  MARK_EXPERIMENTS,
  MARK_RUNS,
  MARK_MODELS,
  MOVE_EXPERIMENTS,
  MOVE_GRANTS,
  DROP_GRANTS,
  FORGET,
  GRANTS_OF_WORKSPACE,
  GRANTS_OF_ACCOUNT,
  GRANT_LOCK,
  GRANT_SET,
  GRANT_REMOVE
};

#define SELECT_WORKSPACE "SELECT w.workspace_id, w.name, w.description, w.default_artifact_root FROM workspace AS w"

#define GROUPS_OF(account) "SELECT m.group_id FROM account_group_member AS m WHERE m.account_id = " account

/* Grants of objects that give account $1 at least READ, an own one before those of groups. */
#define OBJECTS_OF_ACCOUNT(object)                                                                                     \
  "SELECT g.workspace_id FROM access_grant AS g WHERE g.account_id = $1::int8 AND g.level >= 1"                        \
  "  AND g." object " IS NOT NULL"                                                                                     \
  " UNION ALL SELECT g.workspace_id FROM access_grant AS g WHERE g.group_id IN (" GROUPS_OF ("$1::int8") ")"          \
  "  AND g.level >= 1 AND g." object " IS NOT NULL AND NOT EXISTS (SELECT FROM access_grant AS o"                      \
  "   WHERE o.account_id = $1::int8 AND o." object " = g." object " AND o.workspace_id = g.workspace_id)"

/* A right of the workspace itself by the rules of access (store/access.h), or one of an object in it. */
#define IS_VISIBLE                                                                                                     \
  " ($1::int8 = 0 OR w.workspace_id IN (" OBJECTS_OF_ACCOUNT ("experiment_id") " UNION ALL "                           \
  OBJECTS_OF_ACCOUNT ("model_name") ")"                                                                                \
  " OR coalesce((SELECT g.level FROM access_grant AS g WHERE g.account_id = $1::int8"                                  \
  "    AND g.workspace_id = w.workspace_id AND g.experiment_id IS NULL AND g.model_name IS NULL),"                     \
  "  (SELECT max(g.level) FROM access_grant AS g WHERE g.group_id IN (" GROUPS_OF ("$1::int8") ")"                    \
  "    AND g.workspace_id = w.workspace_id AND g.experiment_id IS NULL AND g.model_name IS NULL),"                     \
  "  CASE WHEN w.workspace_id = 1 THEN $2::int8 ELSE 0 END) >= 1)"

#define NAMED "(SELECT workspace_id FROM workspace WHERE name = $1::text)"
#define EXPERIMENTS_OF "(SELECT experiment_id FROM experiment WHERE workspace_id = $1::int8)"
#define OF_ALL_IN_IT "experiment_id IS NULL AND model_name IS NULL AND account_id IS NOT NULL"

static const struct statement statements[] = {
  [LIST] = { "workspace_list", SELECT_WORKSPACE " WHERE w.name IS NOT NULL AND" IS_VISIBLE " ORDER BY w.name", 2 },
  [GET] = { "workspace_get", SELECT_WORKSPACE " WHERE w.name = $3::text AND" IS_VISIBLE, 3 },
  [CREATE] = { "workspace_create",
               "INSERT INTO workspace (name, description, default_artifact_root, created_at_ms)"
               " VALUES ($1::text, $2::text, $3::text, $4::int8) ON CONFLICT (name) DO NOTHING RETURNING workspace_id",
               4 },
  [UPDATE] = { "workspace_update",
               "UPDATE workspace AS w SET description = coalesce($2::text, w.description), default_artifact_root ="
               "  CASE WHEN $3::text IS NULL THEN w.default_artifact_root ELSE nullif($3::text, '') END"
               " WHERE w.name = $1::text RETURNING w.workspace_id, w.name, w.description, w.default_artifact_root",
               3 },
  [DELETE_LOCK] = { "workspace_delete_lock",
                    "SELECT workspace_id FROM workspace WHERE name = $1::text AND workspace_id <> 1 FOR UPDATE", 1 },
  [DELETE_COUNT] = { "workspace_delete_count", "SELECT count(*) FROM experiment WHERE workspace_id = " NAMED, 1 },
  [DELETE_NAMES] = { "workspace_delete_names",
                     "SELECT count(*), coalesce(jsonb_agg(name), '[]') FROM (SELECT name FROM experiment AS e"
                     "  WHERE workspace_id = " NAMED " AND EXISTS (SELECT FROM experiment AS d"
                     "   WHERE d.workspace_id = 1 AND d.name = e.name) ORDER BY name LIMIT 10) AS both_have",
                     1 },
  /* In this order, as in experiment.c: the first waits for runs that are just being made. */
  [MARK_EXPERIMENTS] = { "workspace_mark_experiments",
                         "UPDATE experiment SET deleted_at_ms = $2::int8, updated_at_ms = $2::int8"
                         " WHERE workspace_id = $1::int8 AND deleted_at_ms IS NULL",
                         2 },
  [MARK_RUNS] = { "workspace_mark_runs",
                  "UPDATE run SET deleted_at_ms = $2::int8, changed = pg_current_xact_id()"
                  " WHERE experiment_id IN " EXPERIMENTS_OF " AND deleted_at_ms IS NULL",
                  2 },
  [MARK_MODELS] = { "workspace_mark_models",
                    "UPDATE logged_model SET deleted_at_ms = $2::int8, updated_at_ms = $2::int8"
                    " WHERE experiment_id IN " EXPERIMENTS_OF " AND deleted_at_ms IS NULL",
                    2 },
  [MOVE_EXPERIMENTS] = { "workspace_move_experiments",
                         "UPDATE experiment SET workspace_id = 1 WHERE workspace_id = $1::int8", 1 },
  [MOVE_GRANTS] = { "workspace_move_grants",
                    "UPDATE access_grant SET workspace_id = 1 WHERE workspace_id = $1::int8"
                    " AND experiment_id IS NOT NULL",
                    1 },
  [DROP_GRANTS] = { "workspace_drop_grants", "DELETE FROM access_grant WHERE workspace_id = $1::int8", 1 },
  [FORGET] = { "workspace_forget",
               "UPDATE workspace SET name = NULL, description = NULL, default_artifact_root = NULL"
               " WHERE workspace_id = $1::int8",
               1 },
  [GRANTS_OF_WORKSPACE] = { "workspace_grants",
                            "SELECT w.name, g.account_id, g.level::int8 FROM workspace AS w LEFT JOIN (access_grant AS g"
                            "  JOIN account AS a ON a.account_id = g.account_id) ON g.workspace_id = w.workspace_id"
                            "  AND g.experiment_id IS NULL AND g.model_name IS NULL"
                            " WHERE w.name = $1::text ORDER BY a.username",
                            1 },
  [GRANTS_OF_ACCOUNT] = { "workspace_grants_of_account",
                          "SELECT w.name, g.account_id, g.level::int8 FROM account AS a LEFT JOIN (access_grant AS g"
                          "  JOIN workspace AS w ON w.workspace_id = g.workspace_id AND w.name IS NOT NULL)"
                          "  ON g.account_id = a.account_id AND g.experiment_id IS NULL AND g.model_name IS NULL"
                          " WHERE a.username = $1::text ORDER BY w.name",
                          1 },
  [GRANT_LOCK] = { "workspace_grant_lock",
                   "WITH w AS MATERIALIZED (SELECT workspace_id FROM workspace WHERE name = $1::text FOR KEY SHARE),"
                   " a AS MATERIALIZED (SELECT account_id FROM account WHERE username = $2::text FOR NO KEY UPDATE)"
                   " SELECT coalesce(w.workspace_id, 0), coalesce(a.account_id, 0),"
                   "  coalesce((SELECT g.level FROM access_grant AS g WHERE g.account_id = a.account_id"
                   "   AND g.workspace_id = w.workspace_id AND g.experiment_id IS NULL AND g.model_name IS NULL),"
                   "   -1::int2)"
                   " FROM (SELECT) AS one LEFT JOIN w ON true LEFT JOIN a ON true",
                   2 },
  [GRANT_SET] = { "workspace_grant_set",
                  "INSERT INTO access_grant AS g (workspace_id, account_id, level) VALUES ($1::int8, $2::int8,"
                  "  $3::int8::int2) ON CONFLICT (account_id, workspace_id) WHERE " OF_ALL_IN_IT
                  " DO UPDATE SET level = excluded.level,"
                  "  actions = CASE WHEN excluded.level = 0 THEN 0 ELSE g.actions END",
                  3 },
  [GRANT_REMOVE] = { "workspace_grant_remove",
                     "DELETE FROM access_grant WHERE workspace_id = $1::int8 AND account_id = $2::int8"
                     " AND " OF_ALL_IN_IT,
                     2 },
};

const struct statement_table store_workspace_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

/* --- workspaces --------------------------------------------------------------------------------------------------- */

static const struct column workspace_columns[] = {
  { COLUMN_INT64, offsetof (struct store_workspace, workspace_id) },
  { COLUMN_TEXT, offsetof (struct store_workspace, name) },
  { COLUMN_TEXT, offsetof (struct store_workspace, description) },
  { COLUMN_TEXT, offsetof (struct store_workspace, default_artifact_root) },
};

enum err_code
store_workspace_list (struct store_workspace **workspaces, size_t *count, struct result *result,
                      struct store_connection *connection, int64_t account_id, int16_t fallback, struct arena *arena,
                      struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  *count = 0;
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, account_id);
  parameter_int64 (&parameters, fallback);
  code = store_query (result, connection, &statements[LIST], &parameters, err);
  if (ERR_OK != code)
    return code;
  *workspaces = arena_array (arena, result_count (result), sizeof (struct store_workspace));
  if (NULL == *workspaces)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (; ERR_OK == code && *count < result_count (result); ++*count)
    code = result_row (&(*workspaces)[*count], result, *count, workspace_columns, COLUMN_COUNT (workspace_columns), err);
  return code;
}

/* The one row of a statement. */
static enum err_code
read_one (struct store_workspace *workspace, const struct result *result, struct err *err)
{
  if (0 == result_count (result))
    return ERR_RESOURCE_DOES_NOT_EXIST;
  return result_row (workspace, result, 0, workspace_columns, COLUMN_COUNT (workspace_columns), err);
}

enum err_code
store_workspace_get (struct store_workspace *workspace, struct result *result, struct store_connection *connection,
                     struct slice name, int64_t account_id, int16_t fallback, struct err *err)
{
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, account_id);
  parameter_int64 (&parameters, fallback);
  parameter_text (&parameters, name);
  code = store_query (result, connection, &statements[GET], &parameters, err);
  return ERR_OK == code ? read_one (workspace, result, err) : code;
}

struct creation
{
  const struct store_workspace *workspace;
  int64_t now_ms;
  const struct store_audit *entry;
};

static enum err_code
create_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct creation *creation = context;
  struct result made = { NULL };
  struct parameters parameters;
  struct pipeline pipeline;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, creation->workspace->name);
  parameter_text (&parameters, creation->workspace->description);
  parameter_text (&parameters, creation->workspace->default_artifact_root);
  parameter_int64 (&parameters, creation->now_ms);
  code = store_query (&made, connection, &statements[CREATE], &parameters, err);
  if (ERR_OK == code && 0 == result_count (&made))
    code = ERR_RESOURCE_ALREADY_EXISTS;
  result_free (&made);
  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, NULL);
  store_audit_queue (&pipeline, creation->entry);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_workspace_create (struct store_connection *connection, const struct store_workspace *workspace, int64_t now_ms,
                        const struct store_audit *entry, struct err *err)
{
  struct creation creation = { workspace, now_ms, entry };

  return store_transaction (connection, STORE_WRITE, create_work, &creation, err);
}

struct update
{
  const struct store_workspace_change *change;
  const struct store_audit *entry;
  struct result *result;
  struct store_workspace *workspace;
};

static enum err_code
update_work (struct store_connection *connection, void *context, struct err *err)
{
  struct update *update = context;
  struct parameters parameters;
  struct pipeline pipeline;
  enum err_code code;

  result_free (update->result);
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, update->change->name);
  parameter_text (&parameters, update->change->description);
  parameter_text (&parameters, update->change->default_artifact_root);
  code = store_query (update->result, connection, &statements[UPDATE], &parameters, err);
  if (ERR_OK == code)
    code = read_one (update->workspace, update->result, err);
  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, NULL);
  store_audit_queue (&pipeline, update->entry);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_workspace_update (struct store_workspace *workspace, struct result *result, struct store_connection *connection,
                        const struct store_workspace_change *change, const struct store_audit *entry, struct err *err)
{
  struct update update = { change, entry, result, workspace };

  return store_transaction (connection, STORE_WRITE, update_work, &update, err);
}

/* --- deletion ----------------------------------------------------------------------------------------------------- */

struct deletion
{
  struct store_workspace_refusal *refusal;
  struct slice name;
  enum store_workspace_mode mode;
  int64_t now_ms;
  const struct store_audit *entry;
  struct arena *arena;
};

/* Lock the workspace, and look whether it may go. */
static enum err_code
judge (int64_t *workspace_id, const struct deletion *deletion, struct store_connection *connection, struct err *err)
{
  static const struct column number[] = { { COLUMN_INT64, 0 } };
  static const struct column count_and_names[] = { { COLUMN_INT64, offsetof (struct store_workspace_refusal, experiments) },
                                                   { COLUMN_JSON, offsetof (struct store_workspace_refusal, names) } };
  struct store_workspace_refusal *refusal = deletion->refusal;
  bool restricts = STORE_WORKSPACE_RESTRICT == deletion->mode;
  struct result locked = { NULL };
  struct result held = { NULL };
  struct pipeline pipeline;
  enum err_code code;

  *refusal = (struct store_workspace_refusal){ 0 };
  pipeline_init (&pipeline, connection, NULL);
  parameter_text (pipeline_add (&locked, &pipeline, &statements[DELETE_LOCK]), deletion->name);
  if (STORE_WORKSPACE_CASCADE != deletion->mode)
    parameter_text (pipeline_add (&held, &pipeline, &statements[restricts ? DELETE_COUNT : DELETE_NAMES]),
                    deletion->name);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code && 0 == result_count (&locked))
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK == code)
    code = result_row (workspace_id, &locked, 0, number, COLUMN_COUNT (number), err);
  if (ERR_OK == code && result_count (&held) > 0)
    code = result_row (refusal, &held, 0, count_and_names, restricts ? 1 : COLUMN_COUNT (count_and_names), err);
  if (ERR_OK == code && refusal->experiments > 0)
  {
    if (NULL != refusal->names.data)
      refusal->names.data = arena_copy (deletion->arena, refusal->names.data, refusal->names.len);
    code = restricts || NULL != refusal->names.data ? ERR_RESOURCE_CONFLICT
                                                    : err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&locked);
  result_free (&held);
  return code;
}

static enum err_code
delete_work (struct store_connection *connection, void *context, struct err *err)
{
  static const int marks[] = { MARK_EXPERIMENTS, MARK_RUNS, MARK_MODELS };
  const struct deletion *deletion = context;
  struct pipeline pipeline;
  int64_t workspace_id = 0;
  enum err_code code = judge (&workspace_id, deletion, connection, err);

  if (ERR_OK != code)
    return code;
  pipeline_init (&pipeline, connection, NULL);
  for (size_t i = 0; STORE_WORKSPACE_CASCADE == deletion->mode && i < sizeof (marks) / sizeof (marks[0]); i++)
  {
    struct parameters *parameters = pipeline_add (NULL, &pipeline, &statements[marks[i]]);

    parameter_int64 (parameters, workspace_id);
    parameter_int64 (parameters, deletion->now_ms);
  }
  if (STORE_WORKSPACE_SET_DEFAULT == deletion->mode)
  {
    parameter_int64 (pipeline_add (NULL, &pipeline, &statements[MOVE_EXPERIMENTS]), workspace_id);
    parameter_int64 (pipeline_add (NULL, &pipeline, &statements[MOVE_GRANTS]), workspace_id);
  }
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[DROP_GRANTS]), workspace_id);
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[FORGET]), workspace_id);
  store_audit_queue (&pipeline, deletion->entry);
  store_access_queue_changed (&pipeline);
  return pipeline_commit (&pipeline, err);
}

enum err_code
store_workspace_delete (struct store_workspace_refusal *refusal, struct store_connection *connection,
                        struct slice name, enum store_workspace_mode mode, int64_t now_ms,
                        const struct store_audit *entry, struct arena *arena, struct err *err)
{
  struct deletion deletion = { refusal, name, mode, now_ms, entry, arena };
  enum err_code code = store_transaction (connection, STORE_WRITE, delete_work, &deletion, err);

  /* A name was taken in the workspace default after it had been looked at. */
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
  {
    err_clear (err);
    return ERR_RESOURCE_CONFLICT;
  }
  return code;
}

/* --- grants ------------------------------------------------------------------------------------------------------- */

struct grant_row
{
  struct slice workspace;
  struct optional_int64 account_id;
  struct optional_int64 level;
};

enum err_code
store_workspace_grants (struct store_workspace_grant **grants, size_t *count, struct result *result,
                        struct store_connection *connection, struct slice workspace, struct slice username,
                        struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, offsetof (struct grant_row, workspace) },
                                           { COLUMN_INT64_OPTIONAL, offsetof (struct grant_row, account_id) },
                                           { COLUMN_INT64_OPTIONAL, offsetof (struct grant_row, level) } };
  bool of_workspace = NULL != workspace.data;
  struct parameters parameters;
  size_t rows;
  enum err_code code;

  *count = 0;
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, of_workspace ? workspace : username);
  code = store_query (result, connection, &statements[of_workspace ? GRANTS_OF_WORKSPACE : GRANTS_OF_ACCOUNT],
                      &parameters, err);
  rows = result_count (result);
  if (ERR_OK == code && 0 == rows)
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK != code)
    return code;
  *grants = arena_array (arena, rows, sizeof (struct store_workspace_grant));
  if (NULL == *grants)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; ERR_OK == code && i < rows; i++)
  {
    struct grant_row row = { .level = { false, 0 } };

    code = result_row (&row, result, i, columns, COLUMN_COUNT (columns), err);
    /* One row without a grant tells that there are none. */
    if (ERR_OK == code && row.level.present)
      (*grants)[(*count)++] =
          (struct store_workspace_grant){ row.workspace, row.account_id.value, (int16_t)row.level.value };
  }
  return code;
}

enum err_code
store_workspace_grant_lock (struct store_workspace_subject *subject, struct store_connection *connection,
                            struct slice workspace, struct slice username, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, offsetof (struct store_workspace_subject, workspace_id) },
                                           { COLUMN_INT64, offsetof (struct store_workspace_subject, account_id) },
                                           { COLUMN_INT16, offsetof (struct store_workspace_subject, level) } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, workspace);
  parameter_text (&parameters, username);
  code = store_query (&result, connection, &statements[GRANT_LOCK], &parameters, err);
  if (ERR_OK == code)
    code = result_row (subject, &result, 0, columns, COLUMN_COUNT (columns), err);
  subject->granted = ERR_OK == code && subject->level >= 0;
  result_free (&result);
  return code;
}

void
store_workspace_queue_grant (struct pipeline *pipeline, const struct store_workspace_subject *subject, int16_t level)
{
  struct parameters *parameters = pipeline_add (NULL, pipeline, &statements[GRANT_SET]);

  parameter_int64 (parameters, subject->workspace_id);
  parameter_int64 (parameters, subject->account_id);
  parameter_int64 (parameters, level);
}

void
store_workspace_queue_revoke (struct pipeline *pipeline, const struct store_workspace_subject *subject)
{
  struct parameters *parameters = pipeline_add (NULL, pipeline, &statements[GRANT_REMOVE]);

  parameter_int64 (parameters, subject->workspace_id);
  parameter_int64 (parameters, subject->account_id);
}
