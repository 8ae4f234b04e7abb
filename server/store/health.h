/* Whether the database answers. */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "store/connection.h"

extern const struct statement_table store_health_statements;

/* Ask the database the smallest question. Errors: those of the database. */
enum err_code store_ping (struct store_connection *connection, struct err *err);

#endif
