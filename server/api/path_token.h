/* Page tokens of lists that are in the order of paths: they name the last path of a page. */
#ifndef API_PATH_TOKEN_H
#define API_PATH_TOKEN_H

#include "base/arena.h"
#include "base/err.h"

/* The token for continuing behind a path; absent when memory is out. In the arena. */
struct slice path_token_make (struct slice path, struct arena *arena);

/* The path in a token, in the arena; absent for none. Errors: INVALID_PARAMETER_VALUE. */
enum err_code path_token_read (struct slice *path, struct slice token, struct arena *arena, struct err *err);

#endif
