/* Passwords: how they are kept, checked, and how guessing is slowed down. */
#ifndef ACCESS_PASSWORD_H
#define ACCESS_PASSWORD_H

#include "access/access.h"
#include "access/credential.h"

/* Fewest and most characters of a password; the least is MLflow's. */
#define PASSWORD_MIN 12
#define PASSWORD_MAX_BYTES 1024

/* What a password must be. Errors: INVALID_PARAMETER_VALUE. */
enum err_code password_check_strength (struct slice password, struct slice username, struct err *err);

/* "scrypt$<log2 N>$<r>$<p>$<salt>$<hash>" of a password, with a random salt; in the arena. Takes a quarter of a second.
   Errors: INTERNAL_ERROR. */
enum err_code password_hash (struct slice *text, struct slice password, struct arena *arena, struct err *err);

/* Whether a password belongs to such a text, in constant time; an absent text takes as long and never matches. */
bool password_matches (struct slice text, struct slice password, struct arena *arena);

/* Whether the text was made with other parameters than today's. */
bool password_is_old (struct slice text);

/* Who a name and password stand for. Unknown, disabled, without password and wrong password are answered in the same
   words and time. After several failures for the same name from the same address, and after more from one address,
   further tries are refused at once for a time that doubles. Errors: UNAUTHENTICATED, REQUEST_LIMIT_EXCEEDED with
   retry_after_s, those of the database. In the login lane. */
enum err_code password_identify (struct access_identity *identity, struct access *access,
                                 struct store_connection *connection, const struct credential *credential,
                                 struct slice address, struct arena *arena, struct err *err);

#endif
