/* The distinct steps of some series, kept as progressions, so that ten million steps in a row cost no memory. */
#ifndef INGEST_STEPS_H
#define INGEST_STEPS_H

#include "ingest/view.h"

struct steps;

/* The distinct steps, from `start` to `end`, of all of some views, which were loaded with summaries of that range. The
   result lives in the arena. Errors: those of the database; INVALID_PARAMETER_VALUE when there are too many. */
enum err_code steps_collect (struct steps **steps, struct views *views, int64_t start, int64_t end, struct err *err);

/* How many there are. */
uint64_t steps_count (const struct steps *steps);

/* The one at a position, in order. */
int64_t steps_at (const struct steps *steps, uint64_t position);

#endif
