/* Points as they were read against the ledger of one series. */
#ifndef CRASH_TESTS_MATCH_H
#define CRASH_TESTS_MATCH_H

#include "checker.h"

/* Points read back. */
struct reading
{
  struct point *points; /* owned */
  long count;
};

/* The points of an answer of get-history of `key`. A point that is not whole, or of another key, counts as foreign and
   is left out. */
void reading_take (struct reading *reading, struct verdict *verdict, struct world *world, const struct run *run,
                   enum shape shape, const json_t *history);

void reading_free (struct reading *reading);

/* Compare.

   reading  as it came; is sorted when its order was wrong
   before   the ledger before the question was asked, `before_count` entries: acknowledged ones must be there
   after    the ledger after the answer came, `after_count` entries: nothing else may be there
   seen     gets 1 for each of the `after_count` numbers that is there; may be NULL
   quiet    faults are counted only */
void match_series (struct verdict *verdict, struct world *world, const struct run *run, enum shape shape,
                   struct reading *reading, const struct entry *before, long before_count, const struct entry *after,
                   long after_count, unsigned char *seen, bool quiet);

/* A latest point as runs/get shows it. False when it is not whole. */
bool point_take (struct point *point, const json_t *json);

#endif
