/* Gates of registered models in PostgreSQL, and what their rules ask of the registry. */
#include "store/promotion_gate.h"

#include "store/people.h"
#include "store/pipeline.h"

enum
{
  EXCLUDE,
  HOLD_OFF,
  BINDING,
  LIST,
  GET,
  SET_ALIAS,
  SET_STAGE,
  DELETE,
  DIFFERING,
  VERSION,
  SINCE,
  IS_AMONG
};

#define COLUMNS "gate_id, model_pattern, alias, coalesce(stage, 0::int2), rules::text, created_at_ms, updated_at_ms"

#define MATCHES(name) STORE_GATE_BINDS ("g", name)

#define OF_MOVE                                                                                                        \
  " g.workspace_id = $1::int8 AND CASE WHEN $3::text IS NULL THEN g.stage = $4::int8 ELSE g.alias = $3::text END"
#define OF_KEY "g.model_pattern = $2::text AND" OF_MOVE

#define LOCK_NUMBER "hashtextextended('promotion gates', 0)"

#define INSERT                                                                                                         \
  "INSERT INTO promotion_gate (workspace_id, model_pattern, alias, stage, rules, created_at_ms, updated_at_ms)"        \
  " VALUES ($1::int8, $2::text, $3::text, nullif($4::int8, 0)::int2, $5::text::json, $6::int8, $6::int8)"
#define OR_UPDATE " DO UPDATE SET rules = excluded.rules, updated_at_ms = excluded.updated_at_ms RETURNING " COLUMNS

static const struct statement statements[] = {
  [EXCLUDE] = { "promotion_gate_exclude", "SELECT pg_advisory_xact_lock(" LOCK_NUMBER ")", 0 },
  [HOLD_OFF] = { "promotion_gate_hold_off", "SELECT pg_advisory_xact_lock_shared(" LOCK_NUMBER ")", 0 },
  [BINDING] = { "promotion_gate_binding",
                "SELECT " COLUMNS " FROM promotion_gate AS g WHERE" OF_MOVE
                " AND " MATCHES ("$2::text") " ORDER BY gate_id",
                4 },
  [LIST] = { "promotion_gate_list",
             "SELECT " COLUMNS " FROM promotion_gate AS g WHERE g.workspace_id = $1::int8 AND g.gate_id > $3::int8"
             " AND ($2::text IS NULL OR " MATCHES ("$2::text") ") ORDER BY g.gate_id LIMIT $4::int8",
             4 },
  [GET] = { "promotion_gate_get", "SELECT " COLUMNS " FROM promotion_gate AS g WHERE " OF_KEY, 4 },
  [SET_ALIAS] = { "promotion_gate_set_alias",
                  INSERT " ON CONFLICT (workspace_id, model_pattern, alias) WHERE alias IS NOT NULL" OR_UPDATE, 6 },
  [SET_STAGE] = { "promotion_gate_set_stage",
                  INSERT " ON CONFLICT (workspace_id, model_pattern, stage) WHERE stage IS NOT NULL" OR_UPDATE, 6 },
  [DELETE] = { "promotion_gate_delete", "DELETE FROM promotion_gate AS g WHERE " OF_KEY, 4 },
  [DIFFERING] = { "promotion_gate_differing",
                  "SELECT DISTINCT ON (h.alias, h.stage, h.version) h.alias, h.stage, h.version, g.model_pattern"
                  " FROM promotion_gate AS g JOIN LATERAL ("
                  "  SELECT a.alias, 0::int2 AS stage, a.version FROM model_alias AS a"
                  "   WHERE a.registered_model_id = $2::int8 AND a.alias = g.alias"
                  "  UNION ALL SELECT NULL, v.stage, v.version FROM model_version AS v"
                  "   WHERE v.registered_model_id = $2::int8 AND v.stage = g.stage AND v.deleted_at_ms IS NULL) AS h"
                  "  ON true"
                  " WHERE g.workspace_id = $1::int8 AND " MATCHES (
                      "$3::text") " AND (NOT $5::bool OR g.model_pattern LIKE '%*%')"
                                  " AND NOT EXISTS (SELECT FROM promotion_gate AS o WHERE o.workspace_id = "
                                  "g.workspace_id"
                                  "  AND o.alias IS NOT DISTINCT FROM g.alias AND o.stage IS NOT DISTINCT FROM g.stage"
                                  "  AND o.rules::jsonb = g.rules::jsonb AND " STORE_GATE_BINDS (
                                      "o",
                                      "$4::text") ") ORDER BY h.alias, h.stage, h.version, g.gate_id LIMIT $6::int8",
                  6 },
  [VERSION] = { "promotion_gate_version",
                "SELECT user_id, run_id, model_id, tags FROM model_version"
                " WHERE registered_model_id = $1::int8 AND version = $2::int8 AND deleted_at_ms IS NULL",
                2 },
  [SINCE] = { "promotion_gate_since",
              "SELECT moved_at_ms FROM model_alias"
              " WHERE registered_model_id = $1::int8 AND alias = $2::text AND version = $3::int8",
              3 },
  [IS_AMONG] = { "promotion_gate_is_among", "SELECT " STORE_IS_AMONG ("$1::text", "$2", "$3"), 3 },
};

const struct statement_table store_promotion_gate_statements = { statements,
                                                                 sizeof (statements) / sizeof (statements[0]) };

const struct column store_promotion_gate_columns[STORE_PROMOTION_GATE_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_promotion_gate, gate_id) },
  { COLUMN_TEXT, offsetof (struct store_promotion_gate, model_pattern) },
  { COLUMN_TEXT, offsetof (struct store_promotion_gate, alias) },
  { COLUMN_INT16, offsetof (struct store_promotion_gate, stage) },
  { COLUMN_TEXT, offsetof (struct store_promotion_gate, rules) },
  { COLUMN_INT64, offsetof (struct store_promotion_gate, created_at_ms) },
  { COLUMN_INT64, offsetof (struct store_promotion_gate, updated_at_ms) },
};

const struct column store_gate_held_columns[STORE_GATE_HELD_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_gate_held, alias) },
  { COLUMN_INT16, offsetof (struct store_gate_held, stage) },
  { COLUMN_INT64, offsetof (struct store_gate_held, version) },
  { COLUMN_TEXT, offsetof (struct store_gate_held, model_pattern) },
};

enum err_code
store_gate_exclude_moves (struct store_connection *connection, struct err *err)
{
  return store_execute (NULL, connection, &statements[EXCLUDE], NULL, err);
}

static void
key_parameters (struct parameters *parameters, const struct store_gate_key *key)
{
  parameter_int64 (parameters, key->workspace_id);
  parameter_text (parameters, key->model_pattern);
  parameter_text (parameters, key->alias);
  parameter_int64 (parameters, key->stage);
}

enum err_code
store_gate_binding (struct result *result, struct store_connection *connection, const struct store_gate_key *key,
                    bool holds_off, struct err *err)
{
  struct pipeline pipeline;

  pipeline_init (&pipeline, connection, NULL);
  /* A statement of its own, so that the next one sees what it waited for. */
  if (holds_off)
    (void)pipeline_add (NULL, &pipeline, &statements[HOLD_OFF]);
  key_parameters (pipeline_add (result, &pipeline, &statements[BINDING]), key);
  return pipeline_run (&pipeline, err);
}

enum err_code
store_gate_list (struct result *result, struct store_connection *connection, int64_t workspace_id, struct slice model,
                 int64_t after, int64_t most, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_text (&parameters, model);
  parameter_int64 (&parameters, after);
  parameter_int64 (&parameters, most);
  return store_query (result, connection, &statements[LIST], &parameters, err);
}

enum err_code
store_gate_get (struct store_promotion_gate *gate, struct result *result, struct store_connection *connection,
                const struct store_gate_key *key, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  key_parameters (&parameters, key);
  return store_query_one (gate, result, connection, &statements[GET], &parameters, store_promotion_gate_columns,
                          STORE_PROMOTION_GATE_COLUMNS, err);
}

enum err_code
store_gate_set (struct store_promotion_gate *gate, struct result *result, struct store_connection *connection,
                const struct store_gate_key *key, struct slice rules, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  key_parameters (&parameters, key);
  parameter_text (&parameters, rules);
  parameter_int64 (&parameters, now_ms);
  return store_query_one (gate, result, connection, &statements[NULL == key->alias.data ? SET_STAGE : SET_ALIAS],
                          &parameters, store_promotion_gate_columns, STORE_PROMOTION_GATE_COLUMNS, err);
}

enum err_code
store_gate_delete (struct store_connection *connection, const struct store_gate_key *key, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  key_parameters (&parameters, key);
  return store_execute (NULL, connection, &statements[DELETE], &parameters, err);
}

enum err_code
store_gate_differing (struct result *result, struct store_connection *connection, int64_t workspace_id,
                      int64_t registered_model_id, struct slice bound, struct slice unbound, bool patterns_only,
                      int64_t most, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, workspace_id);
  parameter_int64 (&parameters, registered_model_id);
  parameter_text (&parameters, bound);
  parameter_text (&parameters, unbound);
  parameter_bool (&parameters, patterns_only);
  parameter_int64 (&parameters, most);
  return store_query (result, connection, &statements[DIFFERING], &parameters, err);
}

enum err_code
store_gate_version (struct store_gate_version *version, struct result *result, struct store_connection *connection,
                    int64_t registered_model_id, int64_t number, struct err *err)
{
  static const struct column columns[] = {
    { COLUMN_TEXT, offsetof (struct store_gate_version, user_id) },
    { COLUMN_TEXT, offsetof (struct store_gate_version, run_id) },
    { COLUMN_TEXT, offsetof (struct store_gate_version, model_id) },
    { COLUMN_JSON, offsetof (struct store_gate_version, tags) },
  };
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_int64 (&parameters, number);
  return store_query_one (version, result, connection, &statements[VERSION], &parameters, columns,
                          COLUMN_COUNT (columns), err);
}

enum err_code
store_gate_since (int64_t *moved_at_ms, struct store_connection *connection, int64_t registered_model_id,
                  struct slice alias, int64_t version, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct parameters parameters;
  struct result result = { NULL };
  enum err_code code;

  *moved_at_ms = 0;
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, registered_model_id);
  parameter_text (&parameters, alias);
  parameter_int64 (&parameters, version);
  code = store_query_one (moved_at_ms, &result, connection, &statements[SINCE], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}

enum err_code
store_gate_is_among (bool *is_among, struct store_connection *connection, struct slice name,
                     const struct store_people *people, struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_BOOL, 0 } };
  struct parameters parameters;
  struct result result = { NULL };
  enum err_code code;

  parameters_init (&parameters, arena);
  parameter_text (&parameters, name);
  parameter_text_array (&parameters, people->users, people->user_count);
  parameter_text_array (&parameters, people->groups, people->group_count);
  code = store_query_one (is_among, &result, connection, &statements[IS_AMONG], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}
