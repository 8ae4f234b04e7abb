/* Passwords of accounts in PostgreSQL, as texts that access/password.h makes. */
#ifndef STORE_PASSWORD_H
#define STORE_PASSWORD_H

#include "store/connection.h"

extern const struct statement_table store_password_statements;

/* Replace the text of the same password by another one; nothing happens when it is `old` no more. */
enum err_code store_password_renew (struct store_connection *connection, int64_t account_id, struct slice old,
                                    struct slice fresh, struct err *err);

#endif
