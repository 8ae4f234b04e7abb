/* Results of checks on versions of registered models, in PostgreSQL. */
#include "store/check_result.h"

#include "base/number.h"
#include "store/people.h"

enum
{
  ADD,
  NEWEST,
  ALL,
  COUNTING
};

#define COLUMNS                                                                                                        \
  "c.check_id, c.name, c.status, c.value IS NOT NULL, c.value, c.url, c.message, c.actor, coalesce(c.account_id, 0),"  \
  " c.created_at_ms"
#define OF_VERSION " FROM check_result AS c WHERE c.registered_model_id = $1::int8 AND c.version = $2::int8"

static const struct statement statements[] = {
  [ADD] = { "check_result_add",
            "INSERT INTO check_result (registered_model_id, version, name, status, value, url, message, actor,"
            "  account_id, created_at_ms)"
            " VALUES ($1::int8, $2::int8, $3::text, $4::int8::int2, $5::text::float8, $6::text, $7::text, $8::text,"
            "  nullif($9::int8, 0), $10::int8) RETURNING check_id",
            10 },
  [NEWEST] = { "check_result_newest",
               "SELECT DISTINCT ON (c.name) " COLUMNS OF_VERSION " AND ($3::text IS NULL OR c.name > $3::text)"
               " ORDER BY c.name, c.check_id DESC LIMIT $4::int8",
               4 },
  [ALL] = { "check_result_all",
            "SELECT " COLUMNS OF_VERSION " AND c.check_id < $3::int8 ORDER BY c.check_id DESC LIMIT $4::int8", 4 },
  [COUNTING] = { "check_result_counting",
                 "SELECT c.status" OF_VERSION " AND c.name = $3::text AND (NOT $4::bool OR (" STORE_ACTOR_COUNTS (
                     "c", "$7") " AND " STORE_IS_AMONG ("c.actor", "$5", "$6") ")) ORDER BY c.check_id DESC LIMIT 1",
                 7 },
};

const struct statement_table store_check_result_statements = { statements,
                                                               sizeof (statements) / sizeof (statements[0]) };

const char *const check_status_names[CHECK_STATUS_COUNT] = { "pending", "success", "failure" };

const struct column store_check_result_columns[STORE_CHECK_RESULT_COLUMNS] = {
  { COLUMN_INT64, offsetof (struct store_check_result, check_id) },
  { COLUMN_TEXT, offsetof (struct store_check_result, name) },
  { COLUMN_INT16, offsetof (struct store_check_result, status) },
  { COLUMN_BOOL, offsetof (struct store_check_result, has_value) },
  { COLUMN_DOUBLE, offsetof (struct store_check_result, value) },
  { COLUMN_TEXT, offsetof (struct store_check_result, url) },
  { COLUMN_TEXT, offsetof (struct store_check_result, message) },
  { COLUMN_TEXT, offsetof (struct store_check_result, actor) },
  { COLUMN_INT64, offsetof (struct store_check_result, account_id) },
  { COLUMN_INT64, offsetof (struct store_check_result, created_at_ms) },
};

static void
version_parameters (struct parameters *parameters, struct arena *arena, int64_t registered_model_id, int64_t version)
{
  parameters_init (parameters, arena);
  parameter_int64 (parameters, registered_model_id);
  parameter_int64 (parameters, version);
}

enum err_code
store_check_add (struct store_check_result *check, struct store_connection *connection, int64_t registered_model_id,
                 int64_t version, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  char value[NUMBER_DOUBLE_BYTES];
  struct parameters parameters;
  struct result result = { NULL };
  enum err_code code;

  version_parameters (&parameters, NULL, registered_model_id, version);
  parameter_text (&parameters, check->name);
  parameter_int64 (&parameters, check->status);
  parameter_text (&parameters, check->has_value ? (struct slice){ value, number_format_double (value, check->value) }
                                                : (struct slice){ NULL, 0 });
  parameter_text (&parameters, check->url);
  parameter_text (&parameters, check->message);
  parameter_text (&parameters, check->actor);
  parameter_int64 (&parameters, check->account_id);
  parameter_int64 (&parameters, check->created_at_ms);
  code = store_query_one (&check->check_id, &result, connection, &statements[ADD], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

enum err_code
store_check_newest (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                    int64_t version, struct slice after, int64_t most, struct err *err)
{
  struct parameters parameters;

  version_parameters (&parameters, NULL, registered_model_id, version);
  parameter_text (&parameters, after);
  parameter_int64 (&parameters, most);
  return store_query (result, connection, &statements[NEWEST], &parameters, err);
}

enum err_code
store_check_all (struct result *result, struct store_connection *connection, int64_t registered_model_id,
                 int64_t version, int64_t before, int64_t most, struct err *err)
{
  struct parameters parameters;

  version_parameters (&parameters, NULL, registered_model_id, version);
  parameter_int64 (&parameters, before);
  parameter_int64 (&parameters, most);
  return store_query (result, connection, &statements[ALL], &parameters, err);
}

enum err_code
store_check_counting (int16_t *status, struct store_connection *connection, int64_t registered_model_id,
                      int64_t version, struct slice name, const struct store_people *people, bool claims,
                      struct arena *arena, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT16, 0 } };
  struct parameters parameters;
  struct result result = { NULL };
  enum err_code code;

  *status = -1;
  version_parameters (&parameters, arena, registered_model_id, version);
  parameter_text (&parameters, name);
  parameter_bool (&parameters, NULL != people);
  parameter_text_array (&parameters, NULL == people ? NULL : people->users, NULL == people ? 0 : people->user_count);
  parameter_text_array (&parameters, NULL == people ? NULL : people->groups, NULL == people ? 0 : people->group_count);
  parameter_bool (&parameters, claims);
  code = store_query_one (status, &result, connection, &statements[COUNTING], &parameters, columns,
                          COLUMN_COUNT (columns), err);
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}
