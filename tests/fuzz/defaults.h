/* The settings as they are unless somebody changes them, as a constant. */
#ifndef FUZZ_DEFAULTS_H
#define FUZZ_DEFAULTS_H

#include "base/config.h"

static const struct config default_config = {
#define CONFIG_TEXT(field, key, initial, secret, doc) .field = (char *)initial,
#define CONFIG_FLAG(field, key, initial, doc) .field = initial,
#define CONFIG_NUMBER(field, key, initial, min, max, unit, doc) .field = initial,
#include "table/config.def"
#undef CONFIG_TEXT
#undef CONFIG_FLAG
#undef CONFIG_NUMBER
};

#endif
