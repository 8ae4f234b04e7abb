/* Accounts that somebody else vouches for, an OpenID Connect provider or a trusted proxy, in PostgreSQL. */
#ifndef STORE_FEDERATED_H
#define STORE_FEDERATED_H

#include "store/access.h"

extern const struct statement_table store_federated_statements;

/* What is said of somebody. Borrowed. */
struct store_federated
{
  struct slice issuer; /* who says it */
  struct slice subject; /* and of whom: an account belongs to one subject of one issuer for good */
  struct slice username; /* what a new account is to be called: 1 to 255 characters */
  struct slice suffix; /* 64 characters of a digest of issuer and subject: some of them are appended when an account of
                          somebody else has the name */
  bool has_groups; /* whether groups are said; else they stay as they are */
  const struct slice *groups; /* sorted, none twice, 1 to 255 characters each */
  size_t group_count;
  bool has_admin; /* whether it is said who is an administrator */
  bool is_admin;
  int64_t now_ms;
  int16_t method; /* of the entries in the audit trail (enum access_method), and the client's address */
  struct slice address;
};

/* The account of a subject, and whether all is as it is said. Texts come into the arena. Errors, besides those of
   store_query: RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_federated_find (struct store_account_found *found, bool *is_same,
                                    struct store_connection *connection, const struct store_federated *said,
                                    struct arena *arena, struct err *err);

/* Make the account if there is none, and make it as it is said, in one transaction with the entries of the audit trail.
   A disabled account is found and not changed. `changed` tells whether somebody's rights may be others now: then
   access_version was raised. */
enum err_code store_federated_write (struct store_account_found *found, bool *changed,
                                     struct store_connection *connection, const struct store_federated *said,
                                     struct arena *arena, struct err *err);

#endif
