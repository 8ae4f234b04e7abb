/* From a credential to the account that it stands for. */
#ifndef ACCESS_IDENTIFY_H
#define ACCESS_IDENTIFY_H

#include "access/access.h"
#include "access/credential.h"

/* Whether a credential takes hashing or other servers: access_identify then runs in the login lane. */
bool access_is_slow (struct access *access, const struct credential *credential);

/* Who a credential stands for, by asking the database; what is found is remembered. `address` is the client's. Not for
   CREDENTIAL_NONE. Errors: UNAUTHENTICATED, REQUEST_LIMIT_EXCEEDED, those of the database. */
enum err_code access_identify (struct access_identity *identity, struct access *access,
                               struct store_connection *connection, const struct credential *credential,
                               struct slice address, struct arena *arena, struct err *err);

/* The identity of an account with a credential that allows everything: for those who find accounts in their own way. */
struct access_identity access_identity_of (const struct access *access, const struct store_account_found *found,
                                           enum access_method method);

#endif
