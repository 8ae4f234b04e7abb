/* What must not be shown: credentials in addresses and in arguments of programs. */
#ifndef CLIENT_SECRET_H
#define CLIENT_SECRET_H

#include "base/buffer.h"

/* Append an address without its credentials: of http and https all that stands before the @, and the query; of others
   the password. "git@host:path" stays, the name is no secret there. */
void secret_put_url (struct buffer *out, struct slice url);

/* Append the arguments of a program, as /proc/<pid>/cmdline has them (each ends with NUL), separated by spaces: of
   those whose name speaks of a password, token, secret or key the value is "***". Credentials in addresses are left
   out. */
void secret_put_arguments (struct buffer *out, struct slice arguments);

#endif
