/* Why an account may do what it may, and who may, in PostgreSQL. */
#include "store/access_explain.h"

#include "store/access.h"

enum
{
  CONCERNING,
  HOLDERS,
  ADMINISTRATORS,
  WORKSPACE_NAME
};

/* Grant `g` is about the object of the parameters $1 to $3 (experiment, name of a model, workspace), or about the
   workspace. */
#define ABOUT                                                                                                          \
  "(g.experiment_id = $1::int8 OR (g.model_name = $2::text AND g.workspace_id = $3::int8)"                             \
  " OR (g.experiment_id IS NULL AND g.model_name IS NULL AND g.workspace_id = $3::int8))"

/* The number of its rule. */
#define RULE                                                                                                           \
  "(CASE WHEN g.experiment_id IS NULL AND g.model_name IS NULL THEN 2 ELSE 0 END"                                      \
  " + CASE WHEN g.group_id IS NULL THEN 0 ELSE 1 END)::int2"
_Static_assert(0 == STORE_RULE_ACCOUNT && 1 == STORE_RULE_GROUPS && 2 == STORE_RULE_WORKSPACE_ACCOUNT
                   && 3 == STORE_RULE_WORKSPACE_GROUPS,
               "the numbers of RULE");

static const struct statement statements[] = {
  [CONCERNING] = { "access_concerning",
                   "SELECT " RULE " AS rule, g.level, g.actions, o.name FROM access_grant AS g"
                   " LEFT JOIN account_group AS o ON o.group_id = g.group_id"
                   " WHERE " ABOUT " AND (g.account_id = $4::int8 OR g.group_id IN (SELECT m.group_id"
                   "  FROM account_group_member AS m WHERE m.account_id = $4::int8))"
                   " ORDER BY 1, g.level DESC, o.name",
                   4 },
  [HOLDERS] = { "access_holders",
                "WITH said AS (SELECT coalesce(g.account_id, m.account_id) AS account_id, " RULE " AS rule,"
                "  max(g.level) AS level FROM access_grant AS g"
                "  LEFT JOIN account_group_member AS m ON m.group_id = g.group_id WHERE " ABOUT " GROUP BY 1, 2),"
                " decided AS (SELECT DISTINCT ON (account_id) account_id, rule, level FROM said"
                "  ORDER BY account_id, rule)"
                " SELECT a.username, a.is_service, d.level, d.rule FROM decided AS d"
                " JOIN account AS a ON a.account_id = d.account_id"
                " WHERE d.level >= $4::int8 AND NOT a.is_admin AND a.disabled_at_ms IS NULL"
                " AND a.username > coalesce($5::text, '') ORDER BY a.username LIMIT $6::int8",
                6 },
  [ADMINISTRATORS] = { "access_administrators",
                       "SELECT username FROM account WHERE is_admin AND disabled_at_ms IS NULL ORDER BY username", 0 },
  [WORKSPACE_NAME] = { "access_workspace_name", "SELECT name FROM workspace WHERE workspace_id = $1::int8", 1 },
};

const struct statement_table store_access_explain_statements = { statements,
                                                                 sizeof (statements) / sizeof (statements[0]) };

const struct column store_concerning_columns[STORE_CONCERNING_COLUMNS] = {
  { COLUMN_INT16, offsetof (struct store_concerning_grant, rule) },
  { COLUMN_INT16, offsetof (struct store_concerning_grant, level) },
  { COLUMN_INT16, offsetof (struct store_concerning_grant, actions) },
  { COLUMN_TEXT, offsetof (struct store_concerning_grant, group) },
};

const struct column store_holder_columns[STORE_HOLDER_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_access_holder, username) },
  { COLUMN_BOOL, offsetof (struct store_access_holder, is_service) },
  { COLUMN_INT16, offsetof (struct store_access_holder, level) },
  { COLUMN_INT16, offsetof (struct store_access_holder, rule) },
};

enum err_code
store_access_concerning (struct result *result, struct store_connection *connection, int64_t account_id,
                         const struct store_grant_object *object, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  store_grant_object_bind (&parameters, object);
  parameter_int64 (&parameters, account_id);
  return store_query (result, connection, &statements[CONCERNING], &parameters, err);
}

enum err_code
store_access_holders (struct result *result, struct store_connection *connection,
                      const struct store_grant_object *object, int16_t least, struct slice after, int64_t limit,
                      struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  store_grant_object_bind (&parameters, object);
  parameter_int64 (&parameters, least);
  parameter_text (&parameters, after);
  parameter_int64 (&parameters, limit);
  return store_query (result, connection, &statements[HOLDERS], &parameters, err);
}

enum err_code
store_access_administrators (struct result *result, struct store_connection *connection, struct err *err)
{
  return store_query (result, connection, &statements[ADMINISTRATORS], NULL, err);
}

enum err_code
store_access_workspace_name (struct slice *name, struct store_connection *connection, int64_t workspace_id,
                             struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  code = store_query_one (name, &result, connection, &statements[WORKSPACE_NAME], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  if (ERR_OK == code)
  {
    name->data = arena_string (arena, *name);
    if (NULL == name->data)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}
