/* The thread of a daemon that sweeps the artifact store now and then: uploads that have expired, files of writers that
   died. Contents without a name are left to `tallyd gc`. */
#ifndef ARTIFACT_SWEEPER_H
#define ARTIFACT_SWEEPER_H

#include "blob/blob.h"
#include "store/connection.h"

struct sweeper;

struct sweeper_options
{
  struct store *store;
  struct blob_store *blobs;
  int64_t older_than_s; /* how long nobody must have touched what goes */
  uint64_t first_us; /* from the start to the first sweep */
  uint64_t interval_us; /* from the end of one to the next */
};

/* NULL when threads or memory are not to be had. */
struct sweeper *sweeper_start (const struct sweeper_options *options);

/* End the thread, after the file or upload under way, and free. NULL is allowed. */
void sweeper_stop (struct sweeper *sweeper);

#endif
