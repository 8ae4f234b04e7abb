/* Whether what the server shows is what was written. */
#ifndef CRASH_TESTS_CHECKER_H
#define CRASH_TESTS_CHECKER_H

#include "world.h"

/* A fault put into what was read, to see that it is noticed. */
enum spoil
{
  SPOIL_NOTHING,
  SPOIL_DROP, /* an acknowledged point is left out */
  SPOIL_DOUBLE, /* a point is there twice */
  SPOIL_CHANGE, /* a point has another value */
  SPOIL_SWAP, /* two neighbours have changed places */
  SPOIL_REFUSED, /* a point of a refused request is there */
  SPOIL_TEAR, /* one point of a batch that nobody acknowledged is there, and the others are not */
  SPOIL_LATEST, /* another latest point */
  SPOILS
};

extern const char *const spoil_names[SPOILS];

/* What was counted; all but the first four should be 0. */
struct verdict
{
  long series;
  long points; /* read */
  long unsure; /* points that were sent, never acknowledged, and are there */
  long charted; /* series that the chart endpoint was asked for; 0: there is none */
  long missing; /* acknowledged and not there */
  long doubled;
  long foreign; /* never sent, or only in requests that were refused */
  long disorder;
  long torn; /* batches of which a part is there */
  long latest; /* wrong latest points */
  long params; /* wrong or missing params */
  long chart; /* wrong numbers of points */
  long unread; /* nothing could be read */
};

/* Check all runs with some threads and add up. Nobody may write meanwhile. `spoil` is put into one run that is fit for
   it; when there is none, `unread` counts it, so that a check that proves nothing does not pass. */
void check_world (struct verdict *verdict, struct world *world, enum spoil spoil);

/* The faults in a verdict. */
long verdict_faults (const struct verdict *verdict);

/* Check one run, quietly, once for each kind of spoil. Returns how many went unnoticed or could not be tried, and names
   those in `names`. */
long check_spoils (struct world *world, char names[256]);

#endif
