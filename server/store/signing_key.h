/* Secrets that all daemons of a database share, in PostgreSQL. */
#ifndef STORE_SIGNING_KEY_H
#define STORE_SIGNING_KEY_H

#include "store/connection.h"

extern const struct statement_table store_signing_key_statements;

#define STORE_SECRET_BYTES 32

struct store_signing_key
{
  int64_t key_id;
  unsigned char secret[STORE_SECRET_BYTES];
};

/* Read the key of a purpose, making it when there is none: whoever comes second gets what the first has made. The
   caller wipes the secret. Errors, besides those of store_query: INTERNAL_ERROR when the system gives no randomness. */
enum err_code store_signing_key (struct store_signing_key *key, struct store_connection *connection,
                                 struct slice purpose, int64_t now_ms, struct err *err);

#endif
