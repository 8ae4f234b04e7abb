/* Rights in PostgreSQL. */
#include "store/access.h"

#include <stddef.h>

enum
{
  BY_TOKEN,
  BY_SESSION,
  BY_NAME,
  HAS_ADMIN,
  VERSION,
  USED,
  OF_EXPERIMENTS,
  OF_EXPERIMENT_NAME,
  OF_WORKSPACE,
  OF_MODEL_NAME,
  EXPERIMENTS_OF_RUNS,
  EXPERIMENTS_OF_MODELS,
  WORKSPACE
};

#define OWN(condition) "(SELECT g.level FROM access_grant AS g WHERE g.account_id = $1::int8 AND " condition ")"
#define OF_GROUPS(column, condition)                                                                                   \
  "(SELECT " column " FROM account_group_member AS m JOIN access_grant AS g ON g.group_id = m.group_id AND " condition \
  " WHERE m.account_id = $1::int8)"
#define OWN_ACTIONS(condition)                                                                                         \
  "coalesce((SELECT g.actions FROM access_grant AS g WHERE g.account_id = $1::int8 AND " condition "), 0::int2)"
#define ACTIONS(condition)                                                                                             \
  OWN_ACTIONS (condition) " | coalesce(" OF_GROUPS ("bit_or(g.actions)", condition) ", 0::int2)"
#define ON_WORKSPACE(workspace) "g.workspace_id = " workspace " AND g.experiment_id IS NULL AND g.model_name IS NULL"

/* The rules in their order, as columns of the lateral table r; $1 is the account, $2 the default permission. `object`
   is the condition of a grant g of the object. */
#define RULES(object, workspace)                                                                                       \
  " LATERAL (SELECT " OWN (object) " AS own, " OF_GROUPS (                                                             \
      "max(g.level)",                                                                                                  \
      object) " AS of_groups,"                                                                                         \
              " " OWN (ON_WORKSPACE (                                                                                  \
                  workspace)) " AS own_workspace,"                                                                     \
                              " " OF_GROUPS (                                                                          \
                                  "max(g.level)",                                                                      \
                                  ON_WORKSPACE (workspace)) " AS of_groups_workspace,"                                 \
                                                            " " ACTIONS (object) " | " ACTIONS (ON_WORKSPACE (         \
                                                                workspace)) " AS actions,"                             \
                                                                            " CASE WHEN " workspace                    \
                                                                            " = 1 THEN $2::int4::int2 ELSE 0::int2 "   \
                                                                            "END AS fallback OFFSET 0) AS r "
#define DECIDED                                                                                                        \
  "coalesce(r.own, r.of_groups, r.own_workspace, r.of_groups_workspace, r.fallback),"                                  \
  " r.actions::int2,"                                                                                                  \
  " (CASE WHEN r.own IS NOT NULL THEN 0 WHEN r.of_groups IS NOT NULL THEN 1 WHEN r.own_workspace IS NOT NULL THEN 2"   \
  "   WHEN r.of_groups_workspace IS NOT NULL THEN 3 ELSE 4 END)::int2"

static const struct statement statements[] = {
  [BY_TOKEN] = { "access_by_token",
                 "SELECT " STORE_ACCOUNT_FOUND_SELECT ", t.token_id, t.level, t.actions, t.is_admin, t.expires_at_ms"
                 " FROM api_token AS t JOIN account AS a USING (account_id) WHERE t.sha256 = $1::bytea",
                 1 },
  [BY_SESSION] = { "access_by_session",
                   "SELECT " STORE_ACCOUNT_FOUND_SELECT ", 0::int8, 4::int2, 15::int2, true, s.expires_at_ms"
                   " FROM login_session AS s JOIN account AS a USING (account_id) WHERE s.sha256 = $1::bytea",
                   1 },
  [BY_NAME] = { "access_by_name",
                "SELECT " STORE_ACCOUNT_FOUND_SELECT ", 0::int8, 4::int2, 15::int2, true, NULL::int8"
                " FROM account AS a WHERE a.username = $1::text",
                1 },
  [HAS_ADMIN] = { "access_has_admin", "SELECT EXISTS (SELECT FROM account WHERE is_admin AND disabled_at_ms IS NULL)",
                  0 },
  [VERSION] = { "access_version", "SELECT version FROM access_version", 0 },
  [USED] = { "access_used",
             "UPDATE api_token AS t SET last_used_at_ms = u.at_ms FROM unnest($1::int8[], $2::int8[]) AS u (id, at_ms)"
             " WHERE t.token_id = u.id AND (t.last_used_at_ms IS NULL OR t.last_used_at_ms < u.at_ms)",
             2 },
  [OF_EXPERIMENTS] = { "access_of_experiments",
                       "SELECT true, e.experiment_id, e.workspace_id, " DECIDED ", w.place"
                       " FROM unnest((SELECT $3::int8[])) WITH ORDINALITY AS w (wanted, place),"
                       "  LATERAL (SELECT experiment_id, workspace_id FROM experiment"
                       "   WHERE experiment_id = w.wanted OFFSET 0) AS e," RULES ("g.experiment_id = e.experiment_id",
                                                                                  "e.workspace_id"),
                       3 },
  [OF_EXPERIMENT_NAME] = { "access_of_experiment_name",
                           "SELECT true, e.experiment_id, e.workspace_id, " DECIDED ", 1::int8"
                           " FROM (SELECT experiment_id, workspace_id FROM experiment"
                           "  WHERE workspace_id = $3::int8 AND name = $4::text OFFSET 0) AS e," RULES (
                               "g.experiment_id = e.experiment_id", "e.workspace_id"),
                           4 },
  [OF_WORKSPACE] = { "access_of_workspace",
                     "SELECT true, -1::int8, e.workspace_id, " DECIDED ", 1::int8"
                     " FROM (SELECT workspace_id FROM workspace WHERE workspace_id = $3::int8 OFFSET 0) AS e," RULES (
                         "false", "e.workspace_id"),
                     3 },
  [OF_MODEL_NAME] = { "access_of_model_name",
                      "SELECT true, -1::int8, e.workspace_id, " DECIDED ", 1::int8"
                      " FROM (SELECT workspace_id FROM workspace WHERE workspace_id = $3::int8 OFFSET 0) AS e," RULES (
                          "g.workspace_id = e.workspace_id AND g.model_name = $4::text", "e.workspace_id"),
                      4 },
  [EXPERIMENTS_OF_RUNS] = { "access_experiments_of_runs",
                            "SELECT r.experiment_id, w.place"
                            " FROM unnest((SELECT $1::uuid[])) WITH ORDINALITY AS w (wanted, place),"
                            "  LATERAL (SELECT experiment_id FROM run WHERE run_id = w.wanted OFFSET 0) AS r",
                            1 },
  [EXPERIMENTS_OF_MODELS] = { "access_experiments_of_models",
                              "SELECT r.experiment_id, w.place"
                              " FROM unnest((SELECT $1::text[])) WITH ORDINALITY AS w (wanted, place),"
                              "  LATERAL (SELECT experiment_id FROM logged_model"
                              "   WHERE model_id = w.wanted COLLATE \"C\" OFFSET 0) AS r",
                              1 },
  [WORKSPACE] = { "access_workspace", "SELECT workspace_id FROM workspace WHERE name = $1::text", 1 },
};

const struct statement_table store_access_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

static const struct column found_columns[] = {
  { COLUMN_INT64, offsetof (struct store_account_found, account_id) },
  { COLUMN_TEXT, offsetof (struct store_account_found, username) },
  { COLUMN_BOOL, offsetof (struct store_account_found, is_admin) },
  { COLUMN_BOOL, offsetof (struct store_account_found, is_service) },
  { COLUMN_BOOL, offsetof (struct store_account_found, disabled) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_account_found, requests_per_s) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_account_found, bytes_per_day) },
  { COLUMN_TEXT, offsetof (struct store_account_found, password) },
  { COLUMN_INT64, offsetof (struct store_account_found, token_id) },
  { COLUMN_INT16, offsetof (struct store_account_found, token_level) },
  { COLUMN_INT16, offsetof (struct store_account_found, token_actions) },
  { COLUMN_BOOL, offsetof (struct store_account_found, token_is_admin) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_account_found, expires_at_ms) },
};

static enum err_code
find (struct store_account_found *found, struct store_connection *connection, int which, struct slice key,
      struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, arena);
  parameter_text (&parameters, key);
  code = store_query_one (found, &result, connection, &statements[which], &parameters, found_columns,
                          COLUMN_COUNT (found_columns), err);
  if (ERR_OK == code)
  {
    found->username.data = arena_string (arena, found->username);
    found->password.data = arena_string (arena, found->password);
    if (arena_overflowed (arena))
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}

enum err_code
store_access_by_token (struct store_account_found *found, struct store_connection *connection,
                       const struct digest *sha256, struct arena *arena, struct err *err)
{
  return find (found, connection, BY_TOKEN, digest_slice (sha256), arena, err);
}

enum err_code
store_access_by_session (struct store_account_found *found, struct store_connection *connection,
                         const struct digest *sha256, struct arena *arena, struct err *err)
{
  return find (found, connection, BY_SESSION, digest_slice (sha256), arena, err);
}

enum err_code
store_access_by_name (struct store_account_found *found, struct store_connection *connection, struct slice username,
                      struct arena *arena, struct err *err)
{
  return find (found, connection, BY_NAME, username, arena, err);
}

struct number_row
{
  int64_t number;
  int64_t place;
};

static const struct column number_columns[] = {
  { COLUMN_INT64, offsetof (struct number_row, number) },
  { COLUMN_INT64, offsetof (struct number_row, place) },
};

enum err_code
store_access_has_admin (bool *has_admin, struct store_connection *connection, struct err *err)
{
  static const struct column columns[] = { { COLUMN_BOOL, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  code = store_query (&result, connection, &statements[HAS_ADMIN], &parameters, err);
  if (ERR_OK == code)
    code = result_row (has_admin, &result, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

enum err_code
store_access_version (uint64_t *version, struct store_connection *connection, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  struct number_row row = { 0, 0 };
  enum err_code code;

  parameters_init (&parameters, NULL);
  code = store_query (&result, connection, &statements[VERSION], &parameters, err);
  if (ERR_OK == code)
    code = result_row (&row, &result, 0, number_columns, 1, err);
  *version = (uint64_t)row.number;
  result_free (&result);
  return code;
}

enum err_code
store_access_used (struct store_connection *connection, const int64_t *token_ids, const int64_t *used_at_ms,
                   size_t count, struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, token_ids, count);
  parameter_int64_array (&parameters, used_at_ms, count);
  return store_execute (NULL, connection, &statements[USED], &parameters, err);
}

struct rights_row
{
  struct store_access_rights rights;
  int64_t place;
};

static const struct column rights_columns[] = {
  { COLUMN_BOOL, offsetof (struct rights_row, rights.exists) },
  { COLUMN_INT64, offsetof (struct rights_row, rights.experiment_id) },
  { COLUMN_INT64, offsetof (struct rights_row, rights.workspace_id) },
  { COLUMN_INT16, offsetof (struct rights_row, rights.level) },
  { COLUMN_INT16, offsetof (struct rights_row, rights.actions) },
  { COLUMN_INT16, offsetof (struct rights_row, rights.rule) },
  { COLUMN_INT64, offsetof (struct rights_row, place) },
};

/* Run the statement; each row goes to its place, counted from 1. */
static enum err_code
read_rights (struct store_access_rights *rights, size_t count, struct store_connection *connection, int which,
             const struct parameters *parameters, struct err *err)
{
  struct result result = { NULL };
  enum err_code code;

  for (size_t i = 0; i < count; i++)
    rights[i] = (struct store_access_rights){ .experiment_id = -1, .rule = STORE_RULE_DEFAULT };
  code = store_query (&result, connection, &statements[which], parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct rights_row row;

    code = result_row (&row, &result, i, rights_columns, COLUMN_COUNT (rights_columns), err);
    if (ERR_OK == code && row.place >= 1 && (size_t)row.place <= count)
      rights[row.place - 1] = row.rights;
  }
  result_free (&result);
  return code;
}

static void
bind_account (struct parameters *parameters, int64_t account_id, int16_t fallback, struct arena *arena)
{
  parameters_init (parameters, arena);
  parameter_int64 (parameters, account_id);
  parameter_int32 (parameters, fallback);
}

enum err_code
store_access_of_experiments (struct store_access_rights *rights, struct store_connection *connection,
                             int64_t account_id, int16_t fallback, const int64_t *experiment_ids, size_t count,
                             struct arena *arena, struct err *err)
{
  struct parameters parameters;

  bind_account (&parameters, account_id, fallback, arena);
  parameter_int64_array (&parameters, experiment_ids, count);
  return read_rights (rights, count, connection, OF_EXPERIMENTS, &parameters, err);
}

enum err_code
store_access_of_experiment_name (struct store_access_rights *rights, struct store_connection *connection,
                                 int64_t account_id, int16_t fallback, int64_t workspace_id, struct slice name,
                                 struct err *err)
{
  struct parameters parameters;

  bind_account (&parameters, account_id, fallback, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  return read_rights (rights, 1, connection, OF_EXPERIMENT_NAME, &parameters, err);
}

enum err_code
store_access_of_workspace (struct store_access_rights *rights, struct store_connection *connection, int64_t account_id,
                           int16_t fallback, int64_t workspace_id, struct err *err)
{
  struct parameters parameters;

  bind_account (&parameters, account_id, fallback, NULL);
  parameter_int64 (&parameters, workspace_id);
  return read_rights (rights, 1, connection, OF_WORKSPACE, &parameters, err);
}

enum err_code
store_access_of_model_name (struct store_access_rights *rights, struct store_connection *connection, int64_t account_id,
                            int16_t fallback, int64_t workspace_id, struct slice name, struct err *err)
{
  struct parameters parameters;

  bind_account (&parameters, account_id, fallback, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, name);
  return read_rights (rights, 1, connection, OF_MODEL_NAME, &parameters, err);
}

/* Rows of (number, place). */
static enum err_code
read_numbers (int64_t *numbers, size_t count, struct store_connection *connection, int which,
              const struct parameters *parameters, struct err *err)
{
  struct result result = { NULL };
  enum err_code code;

  for (size_t i = 0; i < count; i++)
    numbers[i] = -1;
  code = store_query (&result, connection, &statements[which], parameters, err);
  for (size_t i = 0; ERR_OK == code && i < result_count (&result); i++)
  {
    struct number_row row;

    code = result_row (&row, &result, i, number_columns, COLUMN_COUNT (number_columns), err);
    if (ERR_OK == code && row.place >= 1 && (size_t)row.place <= count)
      numbers[row.place - 1] = row.number;
  }
  result_free (&result);
  return code;
}

enum err_code
store_access_experiments_of_runs (int64_t *experiment_ids, struct store_connection *connection,
                                  const struct uuid *run_ids, size_t count, struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_uuid_array (&parameters, run_ids, count);
  return read_numbers (experiment_ids, count, connection, EXPERIMENTS_OF_RUNS, &parameters, err);
}

enum err_code
store_access_experiments_of_models (int64_t *experiment_ids, struct store_connection *connection,
                                    const struct slice *model_ids, size_t count, struct arena *arena, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, arena);
  parameter_text_array (&parameters, model_ids, count);
  return read_numbers (experiment_ids, count, connection, EXPERIMENTS_OF_MODELS, &parameters, err);
}

enum err_code
store_access_workspace (int64_t *workspace_id, struct store_connection *connection, struct slice name, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  struct number_row row = { 0, 0 };
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, name);
  code = store_query_one (&row, &result, connection, &statements[WORKSPACE], &parameters, number_columns, 1, err);
  *workspace_id = row.number;
  result_free (&result);
  return code;
}
