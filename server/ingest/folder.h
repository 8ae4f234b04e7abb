/* Decides when the points of which run are folded, and folds them in the background.

   DESIGN
   Who writes points tells how much is pending for which run; nothing is written for that. A run is folded when enough
   is pending: many points or rows, but for a run with very many keys not before there are several points for each, so
   that the rows of its series are not written for nearly every point; when its oldest points have waited long; and soon
   after it has ended. What nobody in this process knows of, because another daemon died, is found by a walk over the
   tail from time to time. Between folds the thread rests as long as it worked, unless it falls behind, so that
   writing comes first. Any number of daemons may fold: each run has a lock. */
#ifndef INGEST_FOLDER_H
#define INGEST_FOLDER_H

#include "base/config.h"
#include "base/id.h"
#include "store/connection.h"

struct folder;

/* Start `fold-threads` threads, none when that is 0. The caller stops with folder_stop and frees with folder_free. NULL
   when threads or memory are not to be had. */
struct folder *folder_start (struct store *store, const struct config *config);

/* So many rows and points were committed for a run. `folder` may be NULL. Thread-safe; never waits for the database. */
void folder_note (struct folder *folder, const struct uuid *run_id, uint64_t rows, uint64_t points);

/* A run has ended: its points are folded soon. `folder` may be NULL. Thread-safe. */
void folder_note_end (struct folder *folder, const struct uuid *run_id);

/* End the threads after the fold under way. NULL is allowed. */
void folder_stop (struct folder *folder);

/* Free a stopped folder, once nobody notes any more. NULL is allowed. */
void folder_free (struct folder *folder);

#endif
