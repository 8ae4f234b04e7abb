/* What subcommands of tallyd share. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "base/config.h"

/* Load the settings from flags, environment and file, set up the log and run a command with them; `status` of the
   process. What is wrong is said on stderr. */
int command_with_config (int argc, char **argv, int (*command) (struct config *config));

/* The value of a flag in its two forms, --name=value and --name value, which moves `*at` on; NULL when argv[*at] is
   another. */
const char *command_flag_value (int *at, int argc, char *const *argv, const char *name);

#endif
