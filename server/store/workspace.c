/* Workspaces in PostgreSQL, and what accounts may do in all of one.

   DESIGN
   A workspace that is deleted with its experiments loses its name and stays as a row for them: no request can name it,
   and every object is looked for in the workspace that a request names.
   Whoever makes an experiment or registers a model holds the row of its workspace with FOR KEY SHARE, and whoever
   deletes a workspace with FOR UPDATE before he looks what is in it. */
#include "store/workspace.h"

#include "base/utf8.h"
#include "store/audit_detail.h"

#include <inttypes.h>
#include <stddef.h>

/* Characters of a description that the audit trail keeps. */
#define DETAIL_DESCRIPTION_MAX 200

enum
{
  LIST,
  GET,
  HAS_FILES,
  CREATE,
  LOCK,
  UPDATE,
  COUNT,
  NAMES,
  MARK_EXPERIMENTS,
  MARK_RUNS,
  MARK_MODELS,
  REMOVE_FILES,
  MOVE_EXPERIMENTS,
  MOVE_GRANTS,
  DROP_GRANTS,
  REMOVE,
  FORGET,
  GRANTS_OF_WORKSPACE,
  GRANTS_OF_ACCOUNT
};

#define SELECT_WORKSPACE "SELECT w.workspace_id, w.name, w.description, w.default_artifact_root FROM workspace AS w"

#define GROUPS_OF(account) "SELECT m.group_id FROM account_group_member AS m WHERE m.account_id = " account

/* Grants of objects that give account $1 at least READ, an own one before those of groups. */
#define OBJECTS_OF_ACCOUNT(object)                                                                                     \
  "SELECT g.workspace_id FROM access_grant AS g WHERE g.account_id = $1::int8 AND g.level >= 1"                        \
  "  AND g." object " IS NOT NULL"                                                                                     \
  " UNION ALL SELECT g.workspace_id FROM access_grant AS g WHERE g.group_id IN (" GROUPS_OF (                          \
      "$1::int8") ")"                                                                                                  \
                  "  AND g.level >= 1 AND g." object " IS NOT NULL AND NOT EXISTS (SELECT FROM access_grant AS o"      \
                  "   WHERE o.account_id = $1::int8 AND o." object " = g." object                                      \
                  " AND o.workspace_id = g.workspace_id)"

/* A right of the workspace itself by the rules of access (store/access.h), or one of an object in it. */
#define IS_VISIBLE                                                                                                     \
  " ($1::int8 = 0 OR w.workspace_id IN (" OBJECTS_OF_ACCOUNT ("experiment_id") " UNION ALL " OBJECTS_OF_ACCOUNT (      \
      "model_name") ")"                                                                                                \
                    " OR coalesce((SELECT g.level FROM access_grant AS g WHERE g.account_id = $1::int8"                \
                    "    AND g.workspace_id = w.workspace_id AND g.experiment_id IS NULL AND g.model_name IS NULL),"   \
                    "  (SELECT max(g.level) FROM access_grant AS g WHERE g.group_id IN (" GROUPS_OF (                  \
                        "$1::int8") ")"                                                                                \
                                    "    AND g.workspace_id = w.workspace_id AND g.experiment_id IS NULL AND "         \
                                    "g.model_name IS NULL),"                                                           \
                                    "  CASE WHEN w.workspace_id = 1 THEN $2::int8 ELSE 0 END) >= 1)"

#define NAMED "(SELECT workspace_id FROM workspace WHERE name = $1::text)"
#define EXPERIMENTS_OF "(SELECT experiment_id FROM experiment WHERE workspace_id = $1::int8)"

/* Artifacts below workspaces/<name $1> whose first segment is no number of an experiment: who may read those follows
   from the name alone (api/object.h). */
#define FILES_OF(name)                                                                                                 \
  " FROM artifact WHERE workspace_id = 1 AND path > 'workspaces/' || " name " || '/'"                                  \
  "  AND path < 'workspaces/' || " name " || '0'"                                                                      \
  "  AND split_part(substr(path, length('workspaces/' || " name ") + 2), '/', 1) !~ '^(0|[1-9][0-9]{0,17})$' "

static const struct statement statements[] = {
  [LIST] = { "workspace_list", SELECT_WORKSPACE " WHERE w.name IS NOT NULL AND" IS_VISIBLE " ORDER BY w.name", 2 },
  [GET] = { "workspace_get", SELECT_WORKSPACE " WHERE w.name = $3::text AND" IS_VISIBLE, 3 },
  [HAS_FILES] = { "workspace_has_files", "SELECT EXISTS (SELECT" FILES_OF ("$1::text") ")", 1 },
  [CREATE] = { "workspace_create",
               "INSERT INTO workspace (name, description, default_artifact_root, created_at_ms)"
               " VALUES ($1::text, $2::text, $3::text, $4::int8) ON CONFLICT (name) DO NOTHING RETURNING workspace_id",
               4 },
  [LOCK] = { "workspace_lock", SELECT_WORKSPACE " WHERE w.name = $1::text FOR UPDATE", 1 },
  [UPDATE] = { "workspace_update",
               "UPDATE workspace AS w SET description = coalesce($2::text, w.description), default_artifact_root ="
               "  CASE WHEN $3::text IS NULL THEN w.default_artifact_root ELSE nullif($3::text, '') END"
               " WHERE w.name = $1::text RETURNING w.workspace_id, w.name, w.description, w.default_artifact_root",
               3 },
  [COUNT] = { "workspace_count", "SELECT count(*) FROM experiment WHERE workspace_id = " NAMED, 1 },
  [NAMES] = { "workspace_names",
              "SELECT coalesce(string_agg('''' || name || '''', ', ' ORDER BY name), '')"
              " FROM (SELECT name FROM experiment AS e"
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
  [REMOVE_FILES] = { "workspace_remove_files",
                     "WITH gone AS (DELETE" FILES_OF (
                         "(SELECT name FROM workspace WHERE workspace_id = $1::int8)") " RETURNING sha256) UPDATE blob "
                                                                                       "SET used_at_ms = "
                                                                                       "greatest(used_at_ms, $2::int8)"
                                                                                       " WHERE ctid = ANY (ARRAY "
                                                                                       "(SELECT b.ctid FROM blob AS b"
                                                                                       "  WHERE b.sha256 IN (SELECT "
                                                                                       "sha256 FROM gone) FOR NO KEY "
                                                                                       "UPDATE SKIP LOCKED))",
                     2 },
  [MOVE_EXPERIMENTS] = { "workspace_move_experiments",
                         "UPDATE experiment SET workspace_id = 1 WHERE workspace_id = $1::int8", 1 },
  [MOVE_GRANTS] = { "workspace_move_grants",
                    "UPDATE access_grant SET workspace_id = 1 WHERE workspace_id = $1::int8"
                    " AND experiment_id IS NOT NULL",
                    1 },
  [DROP_GRANTS] = { "workspace_drop_grants", "DELETE FROM access_grant WHERE workspace_id = $1::int8", 1 },
  [REMOVE] = { "workspace_remove", "DELETE FROM workspace WHERE workspace_id = $1::int8", 1 },
  [FORGET] = { "workspace_forget",
               "UPDATE workspace SET name = NULL, description = NULL, default_artifact_root = NULL"
               " WHERE workspace_id = $1::int8",
               1 },
  [GRANTS_OF_WORKSPACE] = { "workspace_grants",
                            "SELECT w.name, g.account_id, g.level::int8 FROM workspace AS w LEFT JOIN (access_grant AS "
                            "g"
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
    code =
        result_row (&(*workspaces)[*count], result, *count, workspace_columns, COLUMN_COUNT (workspace_columns), err);
  return code;
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
  return ERR_OK == code ? result_one (workspace, result, workspace_columns, COLUMN_COUNT (workspace_columns), err)
                        : code;
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

const char *const store_workspace_mode_names[STORE_WORKSPACE_MODE_COUNT] = { "SET_DEFAULT", "CASCADE", "RESTRICT" };

/* A change of one workspace under way. */
struct change
{
  struct slice name;
  const struct store_workspace *fresh; /* to be made */
  const struct store_workspace_change *wanted; /* to be changed */
  enum store_workspace_mode mode; /* to be deleted */
  int64_t now_ms;
  const struct store_audit *who;
  struct arena *arena;
  struct store_workspace *workspace; /* what it is then */
  struct result *result;
};

static void
name_parameter (struct parameters *parameters, struct slice name)
{
  parameters_init (parameters, NULL);
  parameter_text (parameters, name);
}

/* What the audit trail keeps of a workspace. */
static void
write_state (struct json_write *w, const char *key, struct slice description, struct slice root)
{
  json_write_key (w, key);
  json_write_object (w);
  if (NULL != description.data)
    json_write_member_string (w, "description", utf8_cut (description, DETAIL_DESCRIPTION_MAX));
  if (NULL != root.data)
    json_write_member_string (w, "default_artifact_root", root);
  json_write_object_end (w);
}

/* Queue the entry of the audit trail, whose texts are in the arena. */
static enum err_code
queue_entry (struct pipeline *pipeline, const struct change *change, const char *action, struct audit_detail *detail,
             struct err *err)
{
  struct store_audit entry;
  enum err_code code = audit_entry (&entry, change->who, action, "workspace", change->name,
                                    audit_detail_end (detail, change->arena), change->arena, err);

  if (ERR_OK == code)
    store_audit_queue (pipeline, &entry);
  return code;
}

/* Write the entry and commit behind what the pipeline holds. */
static enum err_code
commit (struct pipeline *pipeline, const struct change *change, const char *action, struct audit_detail *detail,
        struct err *err)
{
  enum err_code code = queue_entry (pipeline, change, action, detail, err);

  return ERR_OK == code ? pipeline_commit (pipeline, err) : code;
}

static enum err_code
refuse_files (struct store_connection *connection, struct slice name, const char *message, struct err *err)
{
  static const struct column columns[] = { { COLUMN_BOOL, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  bool found = false;
  enum err_code code;

  name_parameter (&parameters, name);
  code = store_query (&result, connection, &statements[HAS_FILES], &parameters, err);
  if (ERR_OK == code)
    code = result_row (&found, &result, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  if (ERR_OK == code && found)
    code =
        err_set (err, ERR_RESOURCE_CONFLICT, "There are files below 'workspaces/%.*s' that belong to no experiment%s",
                 SLICE_ARG (name), message);
  return code;
}

static enum err_code
create_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct change *change = context;
  const struct store_workspace *fresh = change->fresh;
  struct audit_detail detail;
  struct result made = { NULL };
  struct parameters parameters;
  struct pipeline pipeline;
  enum err_code code = refuse_files (connection, change->name,
                                     ", left by a workspace of that name; remove them (DELETE "
                                     "mlflow-artifacts/artifacts/...) or take another name.",
                                     err);

  if (ERR_OK != code)
    return code;
  name_parameter (&parameters, change->name);
  parameter_text (&parameters, fresh->description);
  parameter_text (&parameters, fresh->default_artifact_root);
  parameter_int64 (&parameters, change->now_ms);
  code = store_query (&made, connection, &statements[CREATE], &parameters, err);
  if (ERR_OK == code && 0 == result_count (&made))
    code = ERR_RESOURCE_ALREADY_EXISTS;
  result_free (&made);
  if (ERR_OK != code)
    return code;
  audit_detail_begin (&detail);
  write_state (&detail.w, "after", fresh->description, fresh->default_artifact_root);
  pipeline_init (&pipeline, connection, NULL);
  return commit (&pipeline, change, "workspace.create", &detail, err);
}

enum err_code
store_workspace_create (struct store_connection *connection, const struct store_workspace *workspace, int64_t now_ms,
                        const struct store_audit *who, struct arena *arena, struct err *err)
{
  struct change change = { .name = workspace->name, .fresh = workspace, .now_ms = now_ms, .who = who, .arena = arena };

  return store_transaction (connection, STORE_WRITE, create_work, &change, err);
}

static enum err_code
update_work (struct store_connection *connection, void *context, struct err *err)
{
  struct change *change = context;
  struct audit_detail detail;
  struct store_workspace before;
  struct result old = { NULL };
  struct parameters parameters;
  struct pipeline pipeline;
  enum err_code code;

  result_free (change->result);
  name_parameter (&parameters, change->name);
  code = store_query (&old, connection, &statements[LOCK], &parameters, err);
  if (ERR_OK == code)
    code = result_one (&before, &old, workspace_columns, COLUMN_COUNT (workspace_columns), err);
  if (ERR_OK != code)
    goto out;
  parameter_text (&parameters, change->wanted->description);
  parameter_text (&parameters, change->wanted->default_artifact_root);
  code = store_query (change->result, connection, &statements[UPDATE], &parameters, err);
  if (ERR_OK == code)
    code = result_one (change->workspace, change->result, workspace_columns, COLUMN_COUNT (workspace_columns), err);
  if (ERR_OK != code)
    goto out;
  audit_detail_begin (&detail);
  write_state (&detail.w, "before", before.description, before.default_artifact_root);
  write_state (&detail.w, "after", change->workspace->description, change->workspace->default_artifact_root);
  pipeline_init (&pipeline, connection, NULL);
  code = commit (&pipeline, change, "workspace.update", &detail, err);
out:
  result_free (&old);
  return code;
}

enum err_code
store_workspace_update (struct store_workspace *workspace, struct result *result, struct store_connection *connection,
                        const struct store_workspace_change *wanted, const struct store_audit *who, struct arena *arena,
                        struct err *err)
{
  struct change change = {
    .name = wanted->name, .wanted = wanted, .who = who, .arena = arena, .workspace = workspace, .result = result
  };

  return store_transaction (connection, STORE_WRITE, update_work, &change, err);
}

/* --- deletion ----------------------------------------------------------------------------------------------------- */

/* Refuse when experiments are in it, or would meet others of their names in the workspace default. */
static enum err_code
refuse_experiments (struct store_connection *connection, const struct change *change, struct err *err)
{
  static const struct column number[] = { { COLUMN_INT64, 0 } };
  static const struct column text[] = { { COLUMN_TEXT, 0 } };
  bool restricts = STORE_WORKSPACE_RESTRICT == change->mode;
  struct result result = { NULL };
  struct parameters parameters;
  struct slice names = { NULL, 0 };
  int64_t count = 0;
  enum err_code code;

  name_parameter (&parameters, change->name);
  code = store_query (&result, connection, &statements[restricts ? COUNT : NAMES], &parameters, err);
  if (ERR_OK == code)
    code = restricts ? result_row (&count, &result, 0, number, COLUMN_COUNT (number), err)
                     : result_row (&names, &result, 0, text, COLUMN_COUNT (text), err);
  if (ERR_OK == code && count > 0)
    code = err_set (err, ERR_RESOURCE_CONFLICT,
                    "Cannot delete workspace '%.*s': it still holds %" PRId64
                    " experiments, deleted ones counted. Use mode CASCADE to delete them, or SET_DEFAULT to move them "
                    "to the workspace default.",
                    SLICE_ARG (change->name), count);
  if (ERR_OK == code && names.len > 0)
    code = err_set (err, ERR_RESOURCE_CONFLICT,
                    "Cannot move the experiments of workspace '%.*s' to the workspace default, which has others of "
                    "these names: %.*s. Rename them first.",
                    SLICE_ARG (change->name), SLICE_ARG (names));
  result_free (&result);
  return code;
}

enum err_code
store_workspace_hold (int64_t *workspace_id, struct store_connection *connection, struct slice name,
                      enum store_workspace_mode mode, struct err *err)
{
  const struct change change = { .name = name, .mode = mode };
  struct store_workspace workspace;
  struct result locked = { NULL };
  struct parameters parameters;
  enum err_code code;

  name_parameter (&parameters, name);
  code = store_query (&locked, connection, &statements[LOCK], &parameters, err);
  if (ERR_OK == code)
    code = result_one (&workspace, &locked, workspace_columns, COLUMN_COUNT (workspace_columns), err);
  if (ERR_OK == code && STORE_WORKSPACE_DEFAULT == workspace.workspace_id)
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK == code)
    *workspace_id = workspace.workspace_id;
  result_free (&locked);
  if (ERR_OK != code || STORE_WORKSPACE_CASCADE == mode)
    return code;
  code = refuse_experiments (connection, &change, err);
  return ERR_OK == code
             ? refuse_files (connection, name, ", such as those of DVC. Use mode CASCADE to remove them.", err)
             : code;
}

enum err_code
store_workspace_remove (struct store_connection *connection, int64_t workspace_id, struct slice name,
                        enum store_workspace_mode mode, int64_t now_ms, const struct store_audit *who,
                        struct arena *arena, struct err *err)
{
  static const int marks[] = { MARK_EXPERIMENTS, MARK_RUNS, MARK_MODELS, REMOVE_FILES };
  const struct change change = { .name = name, .who = who, .arena = arena };
  bool cascades = STORE_WORKSPACE_CASCADE == mode;
  struct audit_detail detail;
  struct pipeline pipeline;
  enum err_code code;

  pipeline_init (&pipeline, connection, NULL);
  for (size_t i = 0; cascades && i < sizeof (marks) / sizeof (marks[0]); i++)
  {
    struct parameters *parameters = pipeline_add (NULL, &pipeline, &statements[marks[i]]);

    parameter_int64 (parameters, workspace_id);
    parameter_int64 (parameters, now_ms);
  }
  if (STORE_WORKSPACE_SET_DEFAULT == mode)
  {
    parameter_int64 (pipeline_add (NULL, &pipeline, &statements[MOVE_EXPERIMENTS]), workspace_id);
    parameter_int64 (pipeline_add (NULL, &pipeline, &statements[MOVE_GRANTS]), workspace_id);
  }
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[DROP_GRANTS]), workspace_id);
  parameter_int64 (pipeline_add (NULL, &pipeline, &statements[cascades ? FORGET : REMOVE]), workspace_id);
  store_access_queue_changed (&pipeline);
  audit_detail_begin (&detail);
  json_write_member_text (&detail.w, "mode", store_workspace_mode_names[mode]);
  code = queue_entry (&pipeline, &change, "workspace.delete", &detail, err);
  if (ERR_OK == code)
    code = pipeline_run (&pipeline, err);
  /* A name was taken in the workspace default after it had been looked at. */
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
  {
    err_clear (err);
    code = err_set (err, ERR_RESOURCE_CONFLICT,
                    "An experiment of the same name was just made in the workspace default; try again.");
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
