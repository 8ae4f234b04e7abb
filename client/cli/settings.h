/* The file of settings: read by libtally, written by login and logout. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "cli/cli.h"

/* $TALLY_CONFIG, else tally/config below $XDG_CONFIG_HOME or ~/.config. Ends the process without a home. */
const char *settings_path (struct cli *cli);
/* The folder of the spool, as libtally finds it. */
const char *settings_spool (struct cli *cli);

/* A line of the file; value NULL: the line goes. */
struct setting
{
  const char *name;
  const char *value;
};

/* Write the lines, with those of the file that are about other names kept as they are: a new file with mode 0600 takes
   the place of the old one. Ends the process on errors. */
void settings_write (struct cli *cli, const struct setting *settings, size_t count);

#endif
