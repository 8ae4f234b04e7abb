/* The fold: moves the points of runs from the tail into series and chunks.

   DESIGN
   One transaction for some runs: lock them, take the oldest rows of their tail, merge the points into what is there,
   write. Whoever reads overlays the tail in one snapshot, so an answer never depends on whether a fold has happened. A
   crash at any point leaves either all of it or nothing; the commit is not waited for, because a fold that is lost is
   merely done again.

   A point goes first into the row of its series (`recent`), and from there, with others, into a chunk of up to 4096.
   What is written anew stays in proportion to what is new:
   - points behind the last chunk (the usual case) merge with the last chunks only while those are at most twice as
     large as what comes, as in a binary counter;
   - late points go into the chunks between whose points they belong where there are many for one chunk; a few wait in
     `recent`, and more become stray chunks, which may overlap others. When strays are an eighth of all, they are
   merged. Points that are there already are dropped by looking into the chunks they would be in. */
#ifndef INGEST_FOLD_H
#define INGEST_FOLD_H

#include "store/connection.h"

/* Most runs of one fold. */
#define FOLD_RUNS_MAX 64
/* Most points in `recent`. So many keep the row of a series small enough to be written with each fold, and let a run
   with a hundred epochs do without chunks. */
#define FOLD_RECENT_MAX 128

/* What a fold did. */
struct fold_result
{
  size_t rows; /* of the tail, taken */
  size_t points; /* in them */
  size_t added; /* of those, not there before, in context 0 */
  size_t chunks; /* written */
  size_t chunk_points; /* in those */
  uint32_t keys[FOLD_RUNS_MAX]; /* series of each run that were touched */
  bool more; /* the tail of these runs holds more */
  bool busy; /* somebody else folds some of them */
};

/* Fold what some runs (distinct, at most FOLD_RUNS_MAX) have in the tail, up to some MiB of it. Not inside a
   transaction. A row of the tail that cannot be read goes to metric_damaged; a damaged chunk stays as it is; both are
   logged. Errors: those of the database; INTERNAL_ERROR when memory is out. Nothing is changed then. */
enum err_code fold_runs (struct fold_result *result, struct store_connection *connection, const struct uuid *run_ids,
                         size_t count, struct err *err);

#endif
