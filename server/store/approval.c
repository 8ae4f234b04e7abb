/* Approvals of versions of registered models, in PostgreSQL. */
#include "store/approval.h"

#include "store/people.h"

enum
{
  LIST,
  GET,
  SET,
  DELETE,
  COUNTING
};

#define COLUMNS "p.actor, coalesce(p.account_id, 0), p.comment, p.created_at_ms"
#define OF_VERSION " FROM approval AS p WHERE p.registered_model_id = $1::int8 AND p.version = $2::int8"

static const struct statement statements[] = {
  [LIST] = { "approval_list", "SELECT " COLUMNS OF_VERSION " ORDER BY p.created_at_ms, p.actor", 2 },
  [GET] = { "approval_get", "SELECT " COLUMNS OF_VERSION " AND p.actor = $3::text", 3 },
  [SET] = { "approval_set",
            "INSERT INTO approval (registered_model_id, version, actor, account_id, comment, created_at_ms)"
            " VALUES ($1::int8, $2::int8, $3::text, nullif($4::int8, 0), $5::text, $6::int8)"
            " ON CONFLICT (registered_model_id, version, actor) DO UPDATE SET account_id = excluded.account_id,"
            "  comment = excluded.comment, created_at_ms = excluded.created_at_ms",
            6 },
  [DELETE] = { "approval_delete", "DELETE" OF_VERSION " AND p.actor = $3::text", 3 },
  [COUNTING] = { "approval_counting",
                 "SELECT p.actor" OF_VERSION " AND p.actor <> $3::text AND " STORE_ACTOR_COUNTS (
                     "p", "$7") " AND (NOT $4::bool OR " STORE_IS_AMONG ("p.actor", "$5", "$6") ") ORDER BY p.actor",
                 7 },
};

const struct statement_table store_approval_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

const struct column store_approval_columns[STORE_APPROVAL_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_approval, actor) },
  { COLUMN_INT64, offsetof (struct store_approval, account_id) },
  { COLUMN_TEXT, offsetof (struct store_approval, comment) },
  { COLUMN_INT64, offsetof (struct store_approval, created_at_ms) },
};

static void
version_parameters (struct parameters *parameters, struct arena *arena, int64_t registered_model_id, int64_t version)
{
  parameters_init (parameters, arena);
  parameter_int64 (parameters, registered_model_id);
  parameter_int64 (parameters, version);
}

enum err_code
store_approval_list (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                     int64_t version, struct err *err)
{
  struct parameters parameters;

  version_parameters (&parameters, NULL, registered_model_id, version);
  return store_query (result, connection, &statements[LIST], &parameters, err);
}

enum err_code
store_approval_get (struct store_approval *approval, struct result *result, struct store_connection *connection,
                    int64_t registered_model_id, int64_t version, struct slice actor, struct err *err)
{
  struct parameters parameters;

  version_parameters (&parameters, NULL, registered_model_id, version);
  parameter_text (&parameters, actor);
  return store_query_one (approval, result, connection, &statements[GET], &parameters, store_approval_columns,
                          STORE_APPROVAL_COLUMNS, err);
}

enum err_code
store_approval_set (const struct store_approval *approval, struct store_connection *connection,
                    int64_t registered_model_id, int64_t version, struct err *err)
{
  struct parameters parameters;

  version_parameters (&parameters, NULL, registered_model_id, version);
  parameter_text (&parameters, approval->actor);
  parameter_int64 (&parameters, approval->account_id);
  parameter_text (&parameters, approval->comment);
  parameter_int64 (&parameters, approval->created_at_ms);
  return store_execute (NULL, connection, &statements[SET], &parameters, err);
}

enum err_code
store_approval_delete (struct store_connection *connection, int64_t registered_model_id, int64_t version,
                       struct slice actor, struct err *err)
{
  struct parameters parameters;

  version_parameters (&parameters, NULL, registered_model_id, version);
  parameter_text (&parameters, actor);
  return store_execute (NULL, connection, &statements[DELETE], &parameters, err);
}

enum err_code
store_approval_counting (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                         int64_t version, struct slice registrant, const struct store_people *people, bool claims,
                         struct arena *arena, struct err *err)
{
  struct parameters parameters;

  version_parameters (&parameters, arena, registered_model_id, version);
  parameter_text (&parameters, registrant);
  parameter_bool (&parameters, people->user_count + people->group_count > 0);
  parameter_text_array (&parameters, people->users, people->user_count);
  parameter_text_array (&parameters, people->groups, people->group_count);
  parameter_bool (&parameters, claims);
  return store_query (result, connection, &statements[COUNTING], &parameters, err);
}
