/* Passwords of accounts in PostgreSQL. */
#include "store/password.h"

enum
{
  RENEW
};

static const struct statement statements[] = {
  [RENEW] = { "password_renew",
              "UPDATE account SET password = $3::text WHERE account_id = $1::int8 AND password = $2::text", 3 },
};

const struct statement_table store_password_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

enum err_code
store_password_renew (struct store_connection *connection, int64_t account_id, struct slice old, struct slice fresh,
                      struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, account_id);
  parameter_text (&parameters, old);
  parameter_text (&parameters, fresh);
  return store_execute (NULL, connection, &statements[RENEW], &parameters, err);
}
