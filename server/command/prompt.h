/* Asking for a password on the terminal. */
#ifndef COMMAND_PROMPT_H
#define COMMAND_PROMPT_H

#include "base/arena.h"
#include "base/err.h"

/* Ask twice on the terminal, without showing what is typed; or, when the input is no terminal, take its first line. In
   the arena. Errors: INVALID_PARAMETER_VALUE. */
enum err_code prompt_password (struct slice *password, struct arena *arena, struct err *err);

#endif
