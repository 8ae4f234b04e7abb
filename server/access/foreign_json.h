/* JSON that comes from outside of the house: what it may look like, and its members. */
#ifndef ACCESS_FOREIGN_JSON_H
#define ACCESS_FOREIGN_JSON_H

#include "base/arena.h"
#include "base/slice.h"

#include <jansson.h>

/* Deepest nesting of tokens, key sets and documents of a provider: those that exist have four levels, and jansson needs
   stack for each. */
#define FOREIGN_JSON_MAX_DEPTH 16

/* The object that a text holds: nested at most so deep, no member twice in one object, no U+0000. NULL for any other
   text, and when memory is out, which `out_of_memory` (may be NULL) tells. The caller owns it. Thread-safe. */
json_t *foreign_json_object (bool *out_of_memory, struct slice text, struct arena *arena);

/* A member that is a string, borrowed from the object; absent when it is none. */
struct slice foreign_json_text (const json_t *object, const char *name);

/* A member that is a number of seconds since 1970, with or without a fraction, which is dropped (RFC 7519, 2). False
   when it is none, or none that a time can be. `present` tells whether there is a member of that name at all. */
bool foreign_json_time (int64_t *seconds, bool *present, const json_t *object, const char *name);

#endif
