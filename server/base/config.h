/* Settings from flags, environment and file, described by table/config.def. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/buffer.h"
#include "base/err.h"

#include <stdint.h>

/* One field per setting; texts are owned by the struct. Read-only once threads run. */
struct config
{
#define CONFIG_TEXT(field, key, initial, secret, doc) char *field;
#define CONFIG_FLAG(field, key, initial, doc) bool field;
#define CONFIG_NUMBER(field, key, initial, min, max, unit, doc) int64_t field;
#include "table/config.def"
#undef CONFIG_TEXT
#undef CONFIG_FLAG
#undef CONFIG_NUMBER
};

/* Fill `config` from defaults, then the file named by --config or TALLY_CONFIG, then TALLY_* variables, then the
   flags in `arguments` (argc/argv without program name and subcommand). The caller frees with config_free, also on
   failure. Errors: INVALID_PARAMETER_VALUE naming the setting, where it stands and what is allowed. */
enum err_code config_load (struct config *config, int argc, char *const *argv, struct err *err);

/* Overwrite the values of secret settings in arguments that config_load has read, because everybody on a machine can
   see those of a process. */
void config_hide_secrets (int argc, char *const *argv);

/* Free the texts. */
void config_free (struct config *config);

/* The help of all flags; a sample file; a page for docs/reference. */
void config_write_help (struct buffer *out);
void config_write_sample (struct buffer *out);
void config_write_reference (struct buffer *out);

/* The values in force, with secrets masked, one "key = value" per line. */
void config_write_values (struct buffer *out, const struct config *config);

#endif
