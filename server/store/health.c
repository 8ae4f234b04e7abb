/* Whether the database answers. */
#include "store/health.h"

enum
{
  PING
};

static const struct statement statements[] = {
  [PING] = { "health_ping", "SELECT 1::int8", 0 },
};

const struct statement_table store_health_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

enum err_code
store_ping (struct store_connection *connection, struct err *err)
{
  return store_execute (NULL, connection, &statements[PING], NULL, err);
}
