/* The key set of a provider (JSON Web Key Set, RFC 7517): the public keys that its tokens may be signed with. */
#ifndef ACCESS_KEY_SET_H
#define ACCESS_KEY_SET_H

#include "access/web_token.h"

/* Never changes once it is read. */
struct key_set;

/* Read a key set. Keys that are of no use here (for encryption, of other types, too short, not on their curve) are left
   out, as the RFC asks; a set without any usable one is an error. Errors: TEMPORARILY_UNAVAILABLE with the reason as
   cause, INTERNAL_ERROR. The caller frees with key_set_free. */
enum err_code key_set_read (struct key_set **set, struct slice json, struct arena *arena, struct err *err);
void key_set_free (struct key_set *set);

/* The key that a token of this algorithm and key name is to be verified with, in PEM and borrowed; NULL when there is
   none. A token that names no key fits when there is one key only that its algorithm can use. Thread-safe. */
const char *key_set_find (const struct key_set *set, const struct web_token_algorithm *algorithm, struct slice key_id);

/* How many there are. */
size_t key_set_count (const struct key_set *set);

#endif
