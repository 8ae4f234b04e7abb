/* Names and values that servers take: MLflow's rules, checked where something is logged. */
#ifndef CLIENT_NAME_H
#define CLIENT_NAME_H

#include "tally/error.h"

#include "base/limits.h"
#include "base/slice.h"

/* Check the key of a metric, param or tag: letters, digits and _ - . space : /, in its own normal form as a POSIX path,
   not too long. Sets its length. `what` is "metric", "param" or "tag", for the message. Costs a few nanoseconds for
   ASCII. Errors: ARGUMENT. */
enum tally_code name_check (struct slice *key, const char *text, const char *what, struct tally_error *err);

/* Check a text: not NULL, UTF-8, at most `max` characters. `what` and `key` name it in the message; `key` empty: only
   `what`. Errors: ARGUMENT. */
enum tally_code name_check_value (struct slice *value, const char *text, size_t max, const char *what, struct slice key,
                                  struct tally_error *err);

#endif
