/* Options of a client: by name, from the environment, from the file that `tally login` writes. */
#ifndef TALLY_OPTIONS_H
#define TALLY_OPTIONS_H

#include "tally/error.h"

#include <stddef.h>

TALLY_BEGIN

struct tally_options;

/* Options with their defaults. Free with tally_options_free. Errors: MEMORY. */
TALLY_API enum tally_code tally_options_new (struct tally_options **options, struct tally_error *err);

TALLY_API void tally_options_free (struct tally_options *options);

/* Set one option, as text, by its name: "server", "token", "fsync", … (docs/client/options.md has all). A NULL value
   sets it back to its default. Errors: ARGUMENT for an unknown name or a value outside its range, which the message
   tells; MEMORY. */
TALLY_API enum tally_code tally_options_set (struct tally_options *options, const char *name, const char *value,
                                             struct tally_error *err);

/* Take what the environment and the file of settings say, for every option that was not set by tally_options_set:
   TALLY_<NAME>, else the MLFLOW_ variable of the same meaning, else the file named by TALLY_CONFIG
   (~/.config/tally/config), else the default. Errors: CONFIGURATION naming the variable or the line; MEMORY. */
TALLY_API enum tally_code tally_options_load (struct tally_options *options, struct tally_error *err);

/* The value of an option as text, borrowed until it is set again; NULL for an unknown name or one without a value. */
TALLY_API const char *tally_options_get (const struct tally_options *options, const char *name);

/* One option as the table has it: for help texts and completions. */
struct tally_option_info
{
  const char *name; /* "fsync-interval-ms" */
  const char *variable; /* "TALLY_FSYNC_INTERVAL_MS" */
  const char *mlflow_variable; /* NULL when MLflow has none */
  const char *default_value; /* NULL: none, or computed */
  const char *help; /* one sentence */
  bool secret; /* never to be shown */
};

/* The option of this index, from 0; NULL behind the last. Static. */
TALLY_API const struct tally_option_info *tally_option_at (size_t index);

TALLY_END

#endif
