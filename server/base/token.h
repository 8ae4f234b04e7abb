/* Opaque page tokens: a small JSON object in base 64, as MLflow's own server makes them. */
#ifndef BASE_TOKEN_H
#define BASE_TOKEN_H

#include "base/arena.h"
#include "base/slice.h"

#include <jansson.h>

/* The token for a JSON text, in the arena; `json` NULL or no memory gives the absent slice. */
struct slice token_make (const char *json, struct arena *arena);

/* The JSON object inside a token, a new reference; NULL when it is none, or longer than a megabyte. */
json_t *token_open (struct slice token, struct arena *arena);

#endif
