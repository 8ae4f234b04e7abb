/* Logins of browsers in PostgreSQL. */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include "base/digest.h"
#include "store/audit.h"
#include "store/connection.h"

extern const struct statement_table store_session_statements;

struct store_new_session
{
  struct digest sha256; /* of the cookie */
  int64_t account_id;
  int64_t expires_at_ms;
  struct slice address;
  const struct digest *replaced; /* the session that the browser had before, which ends; NULL: none */
};

/* Both changes write `entry` to the audit trail in their transaction. A session that ends raises access_version: the
   caller tells access_changed. */

/* Make a session, and note the login at its account. Some sessions that have expired are removed on the way.
   ERR_RESOURCE_DOES_NOT_EXIST, without a message, when the account is gone or disabled by now. */
enum err_code store_session_create (struct store_connection *connection, const struct store_new_session *fresh,
                                    int64_t now_ms, const struct store_audit *entry, struct err *err);

/* End a session. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_session_delete (struct store_connection *connection, const struct digest *sha256,
                                    const struct store_audit *entry, struct err *err);

#endif
