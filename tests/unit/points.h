/* Series of points of many kinds, for the tests of what packs them. */
#ifndef UNIT_POINTS_H
#define UNIT_POINTS_H

#include "ingest/point.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many kinds of values, and how many of steps and timestamps, there are. */
extern const size_t points_value_kinds;
extern const size_t points_time_kinds;

/* What a kind is called, for messages. */
const char *points_value_name (size_t kind);
const char *points_time_name (size_t kind);

/* Fill `points` (room for `count`, at least 1) with values and times of the given kinds, sorted by step, time and
   value, without equal ones; the same for the same arguments. Returns how many there are, at least 1. */
size_t points_make (struct metric_point *points, size_t count, size_t value_kind, size_t time_kind);

/* The same in every bit but those of the key. */
bool points_same (const struct metric_point *a, const struct metric_point *b);

/* The next of a row of random bits; the row starts anew in points_make. */
uint64_t points_random (void);

#endif
