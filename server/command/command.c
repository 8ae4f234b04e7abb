/* What subcommands of tallyd share: settings, log, flags of their own. */
#include "command/command.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

int
command_with_config (int argc, char **argv, int (*command) (struct config *config))
{
  struct config config;
  struct err err = { 0 };
  int status = EXIT_FAILURE;

  enum err_code code = config_load (&config, argc, argv, &err);

  config_hide_secrets (argc, argv);
  if (ERR_OK != code)
    fprintf (stderr, "tallyd: %s\n", err.message);
  else if (! log_configure (config.log_format, config.log_level))
    fprintf (stderr, "tallyd: log-format is logfmt or json, log-level is debug, info, warning or error\n");
  else
    status = command (&config);
  config_free (&config);
  return status;
}

const char *
command_flag_value (int *at, int argc, char *const *argv, const char *name)
{
  size_t length = strlen (name);

  if (0 != strncmp (argv[*at], name, length))
    return NULL;
  if ('=' == argv[*at][length])
    return argv[*at] + length + 1;
  if ('\0' != argv[*at][length])
    return NULL;
  return ++*at < argc ? argv[*at] : "";
}
