/* Points in time and durations as filters write them. */
#ifndef SEARCH_TIME_H
#define SEARCH_TIME_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Read "2026-01-31", "2026-01-31 12:30", "2026-01-31T12:30:15.250Z" or with a zone such as +02:00; UTC without one.
   Digits behind the milliseconds are cut off. False for anything else and for dates that do not exist. */
bool search_time_parse (int64_t *ms, struct slice text);

/* Read a duration: whole numbers with the units ms s m h d w, such as "7d" or "1d12h". False for anything else and
   beyond what a date can hold. */
bool search_duration_parse (int64_t *ms, struct slice text);

#endif
