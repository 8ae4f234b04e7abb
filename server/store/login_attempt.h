/* Logins that were sent to the OpenID Connect provider and have not come back, in PostgreSQL: any daemon may be the one
   that they come back to. */
#ifndef STORE_LOGIN_ATTEMPT_H
#define STORE_LOGIN_ATTEMPT_H

#include "base/digest.h"
#include "store/connection.h"

extern const struct statement_table store_login_attempt_statements;

struct store_login_attempt
{
  struct digest state; /* SHA-256 of the parameter */
  struct digest browser; /* SHA-256 of the cookie */
  struct slice nonce;
  struct slice verifier; /* of PKCE */
  struct slice next_path;
  int64_t expires_at_ms;
};

/* Keep one, and remove some that have expired. Errors: those of store_query. */
enum err_code store_login_attempt_add (struct store_connection *connection, const struct store_login_attempt *attempt,
                                       int64_t now_ms, struct err *err);

/* Take out the one of this state and browser; texts come into the arena. It can be taken once. Errors, besides those of
   store_query: RESOURCE_DOES_NOT_EXIST, without a message, when there is none or it has expired. */
enum err_code store_login_attempt_take (struct store_login_attempt *attempt, struct store_connection *connection,
                                        const struct digest *state, const struct digest *browser, int64_t now_ms,
                                        struct arena *arena, struct err *err);

#endif
