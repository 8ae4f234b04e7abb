/* Points in time as text: milliseconds, or RFC 3339. */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Read the whole of `text` as an RFC 3339 time with its offset from UTC, such as "2026-12-20T08:00:00Z" or
   "2026-12-20 09:00:00.250+01:00", years 1970 to 9999; what is finer than a millisecond is cut off. A leap second
   counts as the second after it. False, with `ms` untouched, for anything else. Thread-safe. */
bool instant_parse_rfc3339 (struct slice text, int64_t *ms);

/* The same, or an integer, which is the milliseconds themselves; not negative. */
bool instant_parse (struct slice text, int64_t *ms);

#endif
