/* Rights in PostgreSQL: who a token or session stands for, and what an account may do. */
#ifndef STORE_ACCESS_H
#define STORE_ACCESS_H

#include "base/digest.h"
#include "store/audit.h"
#include "store/connection.h"

extern const struct statement_table store_access_statements;

/* An account, as credentials lead to it; texts are in the arena of the call that read it. */
struct store_account_found
{
  int64_t account_id;
  struct slice username;
  bool is_admin;
  bool is_service;
  bool disabled;
  struct optional_int64 requests_per_s;
  struct optional_int64 bytes_per_day;
  struct slice password; /* "scrypt$…"; absent: none */
  /* of the token or session it was found by, else zero */
  int64_t token_id;
  int16_t token_level;
  int16_t token_actions;
  bool token_is_admin;
  struct optional_int64 expires_at_ms;
};

/* Columns of account `a` that read into the first eight members, and the shared decoder, for other files that find
   accounts in their own ways. */
#define STORE_ACCOUNT_FOUND_SELECT                                                                                     \
  "a.account_id, a.username, a.is_admin, a.is_service, a.disabled_at_ms IS NOT NULL, a.requests_per_s,"                \
  " a.bytes_per_day, a.password"

/* Find by the SHA-256 of a token or of a session's cookie, or by name. ERR_RESOURCE_DOES_NOT_EXIST, without a message,
   when there is none. Expired ones are found too. */
enum err_code store_access_by_token (struct store_account_found *found, struct store_connection *connection,
                                     const struct digest *sha256, struct arena *arena, struct err *err);
enum err_code store_access_by_session (struct store_account_found *found, struct store_connection *connection,
                                       const struct digest *sha256, struct arena *arena, struct err *err);
enum err_code store_access_by_name (struct store_account_found *found, struct store_connection *connection,
                                    struct slice username, struct arena *arena, struct err *err);

/* Whether there is an administrator who is not disabled. */
enum err_code store_access_has_admin (bool *has_admin, struct store_connection *connection, struct err *err);

/* access_version. */
enum err_code store_access_version (uint64_t *version, struct store_connection *connection, struct err *err);

/* Note when some tokens were last used. */
enum err_code store_access_used (struct store_connection *connection, const int64_t *token_ids,
                                 const int64_t *used_at_ms, size_t count, struct arena *arena, struct err *err);

/* Which rule decides what an account may do with an object; the first that says anything counts. */
enum store_access_rule
{
  STORE_RULE_ACCOUNT, /* a grant to the account, of the object */
  STORE_RULE_GROUPS, /* the highest grant to its groups, of the object */
  STORE_RULE_WORKSPACE_ACCOUNT, /* a grant to the account, of the workspace */
  STORE_RULE_WORKSPACE_GROUPS, /* the highest grant to its groups, of the workspace */
  STORE_RULE_DEFAULT /* the setting default-permission, which holds in the workspace default only */
};

/* What an account may do with an object. */
struct store_access_rights
{
  bool exists; /* the object does */
  int64_t experiment_id; /* of an experiment, run or logged model */
  int64_t workspace_id;
  int16_t level;
  int16_t actions; /* of all grants that concern it */
  int16_t rule; /* enum store_access_rule */
};

/* The level of an account at an object as an SQL expression, for lists that are filtered in their query: true when the
   account may read experiment `e` of the statement. $account is the parameter with the account's number and $default
   that of the default permission (an int2); both are given as the text of the parameter, such as "$3". An
   administrator is not asked about: such statements take account 0 to mean everybody. */
#define STORE_ACCESS_LEVEL_OF_EXPERIMENT(account, fallback)                                                            \
  " coalesce((SELECT g.level FROM access_grant AS g WHERE g.account_id = " account                                     \
  "    AND g.experiment_id = e.experiment_id),"                                                                        \
  "  (SELECT max(g.level) FROM account_group_member AS m JOIN access_grant AS g ON g.group_id = m.group_id"            \
  "    AND g.experiment_id = e.experiment_id WHERE m.account_id = " account "),"                                       \
  "  (SELECT g.level FROM access_grant AS g WHERE g.account_id = " account                                             \
  "    AND g.workspace_id = e.workspace_id AND g.experiment_id IS NULL AND g.model_name IS NULL),"                     \
  "  (SELECT max(g.level) FROM account_group_member AS m JOIN access_grant AS g ON g.group_id = m.group_id"            \
  "    AND g.workspace_id = e.workspace_id AND g.experiment_id IS NULL AND g.model_name IS NULL"                       \
  "    WHERE m.account_id = " account "),"                                                                             \
  "  CASE WHEN e.workspace_id = 1 THEN " fallback "::int2 ELSE 0::int2 END)"
#define STORE_ACCESS_MAY_READ_EXPERIMENT(account, fallback)                                                            \
  "(" account "::int8 = 0 OR" STORE_ACCESS_LEVEL_OF_EXPERIMENT (account "::int8", fallback) " >= 1)"

/* The same for registered models, by name and number of the workspace. */
#define STORE_ACCESS_LEVEL_OF_MODEL(account, fallback, name, workspace)                                                \
  " coalesce((SELECT g.level FROM access_grant AS g WHERE g.account_id = " account                                     \
  "    AND g.workspace_id = " workspace " AND g.model_name = " name "),"                                               \
  "  (SELECT max(g.level) FROM account_group_member AS u JOIN access_grant AS g ON g.group_id = u.group_id"            \
  "    AND g.workspace_id = " workspace " AND g.model_name = " name " WHERE u.account_id = " account "),"              \
  "  (SELECT g.level FROM access_grant AS g WHERE g.account_id = " account "    AND g.workspace_id = " workspace       \
  " AND g.experiment_id IS NULL AND g.model_name IS NULL),"                                                            \
  "  (SELECT max(g.level) FROM account_group_member AS u JOIN access_grant AS g ON g.group_id = u.group_id"            \
  "    AND g.workspace_id = " workspace " AND g.experiment_id IS NULL AND g.model_name IS NULL"                        \
  "    WHERE u.account_id = " account "),"                                                                             \
  "  CASE WHEN " workspace " = 1 THEN " fallback "::int2 ELSE 0::int2 END)"
#define STORE_ACCESS_MAY_READ_MODEL(account, fallback, name, workspace)                                                \
  "(" account "::int8 = 0 OR" STORE_ACCESS_LEVEL_OF_MODEL (account "::int8", fallback, name, workspace) " >= 1)"

/* Rights of an account with each of some experiments, in the order of the ids; those that do not exist say so.
   `rights` has room for `count`. */
enum err_code store_access_of_experiments (struct store_access_rights *rights, struct store_connection *connection,
                                           int64_t account_id, int16_t fallback, const int64_t *experiment_ids,
                                           size_t count, struct arena *arena, struct err *err);
/* Of an experiment by its name in a workspace. */
enum err_code store_access_of_experiment_name (struct store_access_rights *rights, struct store_connection *connection,
                                               int64_t account_id, int16_t fallback, int64_t workspace_id,
                                               struct slice name, struct err *err);
/* Of a workspace itself. */
enum err_code store_access_of_workspace (struct store_access_rights *rights, struct store_connection *connection,
                                         int64_t account_id, int16_t fallback, int64_t workspace_id, struct err *err);
/* Of a registered model of a workspace, whether it exists or not (`exists` is always true). */
enum err_code store_access_of_model_name (struct store_access_rights *rights, struct store_connection *connection,
                                          int64_t account_id, int16_t fallback, int64_t workspace_id, struct slice name,
                                          struct err *err);

/* The experiments of some runs and logged models; -1 where there is none. */
enum err_code store_access_experiments_of_runs (int64_t *experiment_ids, struct store_connection *connection,
                                                const struct uuid *run_ids, size_t count, struct arena *arena,
                                                struct err *err);
enum err_code store_access_experiments_of_models (int64_t *experiment_ids, struct store_connection *connection,
                                                  const struct slice *model_ids, size_t count, struct arena *arena,
                                                  struct err *err);

/* The number of a workspace. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_access_workspace (int64_t *workspace_id, struct store_connection *connection, struct slice name,
                                      struct err *err);

#endif
