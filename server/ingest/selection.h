/* The first points of a series in some order, without holding all of it. */
#ifndef INGEST_SELECTION_H
#define INGEST_SELECTION_H

#include "ingest/view.h"

/* Which points of one series, and what was found. Zeroed but for the members above the line. */
struct selection
{
  metric_order order;
  const struct metric_point *after; /* only points behind this one; NULL: all */
  const int64_t *steps; /* only points at these steps, sorted; NULL: at all */
  size_t step_count;
  size_t limit; /* at most so many points, the first ones; more than 0 */
  /* --- */
  struct metric_point *points; /* owned */
  size_t count;
  size_t capacity;
  bool more; /* there are more than `limit` */
  bool bounded; /* points from `bound` on are not among the first */
  struct metric_point bound;
};

/* Select from one of some views; `chunks` are read only as far as they are needed, and memory follows `limit`, not what
   the series holds. Free with selection_free, also after a failure. Inside the snapshot of the views.
   Errors: those of the database; INTERNAL_ERROR when memory is out. */
enum err_code selection_run (struct selection *selection, struct views *views, size_t view, struct err *err);

void selection_free (struct selection *selection);

#endif
