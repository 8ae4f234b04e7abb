/* Options inside of the library: decoded once, when a client is opened. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "tally/options.h"

#include <stdint.h>

enum option_id
{
#define OPTION(id, name, type, minimum, maximum, value, variable, secret, help) OPTION_##id,
#include "options.def"
#undef OPTION
  OPTION_COUNT
};

/* What option fsync says. */
enum fsync_policy
{
  FSYNC_NONE,
  FSYNC_INTERVAL,
  FSYNC_EACH
};

/* Text of an option; NULL when it has no value. Borrowed. */
const char *options_text (const struct tally_options *options, enum option_id id);

/* Number of an option of type NUMBER; BOOLEAN gives 0 or 1; WORD the index of the word. */
int64_t options_number (const struct tally_options *options, enum option_id id);

/* A copy; NULL when memory is out. */
struct tally_options *options_copy (const struct tally_options *options);

/* The folder of the spool: the option, or what the environment says. Free with free(). Errors: CONFIGURATION when
   neither is there, MEMORY. */
enum tally_code options_spool_folder (char **folder, const struct tally_options *options, struct tally_error *err);

/* The file of settings: $TALLY_CONFIG, $XDG_CONFIG_HOME/tally/config or ~/.config/tally/config. Free with free().
   NULL (and OK) when the environment names no home. */
enum tally_code options_config_path (char **path, struct tally_error *err);

#endif
