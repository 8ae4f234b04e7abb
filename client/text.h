/* Texts of the caller: what becomes JSON must be UTF-8. */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include "tally/error.h"

#include <stddef.h>

/* ARGUMENT unless each of the texts is valid UTF-8; NULL ones are. */
enum tally_code text_check (const char *const *texts, size_t count, struct tally_error *err);

/* The same of texts that are named one by one. */
#define TEXT_CHECK(err, ...)                                                                                           \
  text_check ((const char *const[]){ __VA_ARGS__ },                                                                    \
              sizeof ((const char *const[]){ __VA_ARGS__ }) / sizeof (const char *), (err))

#endif
