/* JSON text into a jansson tree, safe when memory runs out.

   jansson's own lexer is not: it goes on when its buffer cannot grow, and then asserts or writes behind it. */
#ifndef CLIENT_JSON_READ_H
#define CLIENT_JSON_READ_H

#include "base/slice.h"

#include <jansson.h>
#include <stdbool.h>

/* Deepest nesting taken: answers of servers have less than ten. */
#define JSON_READ_MAX_DEPTH 64

/* The tree of a text, a new reference. NULL for what is no JSON, is nested deeper, names a member twice or holds a NUL,
   and when memory is out, which `*out_of_memory` tells. Thread-safe. */
json_t *json_read (bool *out_of_memory, struct slice text);

#endif
