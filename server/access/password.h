/* Passwords: how they are kept, checked, and how guessing is slowed down. */
#ifndef ACCESS_PASSWORD_H
#define ACCESS_PASSWORD_H

#include "access/access.h"
#include "access/credential.h"

#include <stdio.h>

/* Fewest characters and most bytes of a password; the least is MLflow's. */
#define PASSWORD_MIN 12
#define PASSWORD_MAX_BYTES 1024

/* What a password must be: long enough, UTF-8, neither the user name nor something that begins like an API token.
   Errors: INVALID_PARAMETER_VALUE. */
enum err_code password_check_strength (struct slice password, struct slice username, struct err *err);

/* "scrypt$<log2 N>$<r>$<p>$<salt>$<hash>" of a password, with a random salt; in the arena. Takes a quarter of a second
   and 32 MiB. Errors: INTERNAL_ERROR. */
enum err_code password_hash (struct slice *text, struct slice password, struct arena *arena, struct err *err);

/* Whether a password belongs to such a text, in constant time; an absent text, and one that is none, takes as long and
   never matches. Errors: INTERNAL_ERROR. */
enum err_code password_matches (bool *matches, struct slice text, struct slice password, struct err *err);

/* Whether the text was made with other parameters than today's. */
bool password_is_old (struct slice text);

/* Whether this name may be tried from this address now: before anything is remembered or asked, so that the answer does
   not depend on the password. Thread-safe; never waits. Errors: REQUEST_LIMIT_EXCEEDED with retry_after_s. */
enum err_code password_check_wait (struct access *access, const struct credential *credential, struct slice address,
                                   struct err *err);

/* Who a name and password stand for. Unknown, disabled, without password and wrong password are answered in the same
   words and time. After several failures for the same name from the same address, and after more from one address,
   further tries are refused at once for a time that doubles (access/backoff.h). A text with old parameters is replaced.
   Errors: UNAUTHENTICATED, REQUEST_LIMIT_EXCEEDED with retry_after_s, those of the database. In the login lane. */
enum err_code password_identify (struct access_identity *identity, struct access *access,
                                 struct store_connection *connection, const struct credential *credential,
                                 struct slice address, struct arena *arena, struct err *err);

/* At start, with authentication on: there is an administrator who is not disabled, or the setting bootstrap-password
   (or its file) makes one. Errors: INVALID_PARAMETER_VALUE, which tells how to make one; those of the database. */
enum err_code password_bootstrap (struct store_connection *connection, const struct config *config, struct err *err);

/* The first line of an open file, without its end: a password, in the arena; `name` for messages. Or of the file of a
   path. Errors: INVALID_PARAMETER_VALUE when there is none, or not such a line. */
enum err_code password_read_line (struct slice *password, FILE *file, const char *name, struct arena *arena,
                                  struct err *err);
enum err_code password_read_file (struct slice *password, const char *path, struct arena *arena, struct err *err);

#endif
