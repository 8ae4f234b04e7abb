/* From what a provider or a trusted proxy says of somebody to an account of this server. */
#ifndef ACCESS_FEDERATION_H
#define ACCESS_FEDERATION_H

#include "access/access.h"

#include <jansson.h>

/* Names that may be a new account's, the best first. */
#define FEDERATION_NAMES 3

/* What is said. Borrowed. */
struct federation
{
  struct slice issuer;
  struct slice subject;
  struct slice names[FEDERATION_NAMES]; /* absent ones are passed over, as are those that no account can have */
  bool has_groups; /* whether groups are said; else those that the account is in by claim stay */
  struct slice *groups; /* in any order; those that no group can be called are passed over; sorted by the call */
  size_t group_count;
};

/* Groups as a claim has them: an array of names, or one name. False when memory is out or there are too many: then the
   error is set. A claim of another form says nothing. */
bool federation_groups (struct federation *said, const json_t *claim, struct arena *arena, struct err *err);

/* The account of the subject, made or changed when it is not as it is said. Errors: UNAUTHENTICATED when it is
   disabled, those of the database. On a thread with a connection. */
enum err_code federation_account (struct access_identity *identity, struct access *access,
                                  struct store_connection *connection, struct federation *said,
                                  enum access_method method, struct slice address, struct arena *arena,
                                  struct err *err);

#endif
