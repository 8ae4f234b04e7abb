/* What the server shows of one run, read whole, so that it can be checked, or spoiled and checked. */
#ifndef CRASH_TESTS_SHOWN_H
#define CRASH_TESTS_SHOWN_H

#include "../http/api.h"
#include "match.h"

struct shown
{
  struct reading readings[SHAPES];
  json_t *run; /* the answer of runs/get; owned */
};

/* Ask until an answer comes, with a page of another size for each question, so that pages end at all sorts of places.
   False when there is something that could not be read. The caller frees with shown_free in either case. */
bool shown_load (struct shown *shown, struct verdict *verdict, struct world *world, struct api *api,
                 const struct run *run, struct random *random);

void shown_free (struct shown *shown);

/* The answer of runs/get, a new reference; NULL when it was no 200. */
json_t *shown_get_run (struct api *api, const struct run *run);

/* The latest point of a key in such an answer. False when there is none. */
bool shown_find_latest (struct point *point, const json_t *answer, enum shape shape);

/* Put a fault into what was read. False when this run is not fit for it. */
bool shown_spoil (struct shown *shown, const struct run *run, enum spoil spoil);

#endif
