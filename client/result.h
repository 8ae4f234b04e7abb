/* Results: structs for the caller whose texts and lists live in one arena with them. */
#ifndef CLIENT_RESULT_H
#define CLIENT_RESULT_H

#include "base/arena.h"

/* A zeroed result of `bytes`, in an arena of its own; NULL when memory is out. Free with result_free. */
void *result_new (size_t bytes);

/* The arena of a result: for what belongs to it. */
struct arena *result_arena (const void *result);

/* Free a result and what belongs to it; NULL is allowed. */
void result_free (void *result);

#endif
