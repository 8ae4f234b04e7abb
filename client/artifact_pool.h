/* The pool: many files transferred by several threads, with one progress for all. */
#ifndef CLIENT_ARTIFACT_POOL_H
#define CLIENT_ARTIFACT_POOL_H

#include "artifact_transfer.h"

#include "tally/artifact.h"

struct pool;

/* What one file of the pool is told with: `moved` of struct transfer, with the file as its payload. */
struct pool_file
{
  struct pool *pool;
  const char *name;
  uint64_t bytes; /* told so far */
};
bool pool_moved (void *payload, uint64_t bytes);

/* Transfer file `index`; set `file->name` first. */
typedef enum tally_code pool_each (void *payload, size_t index, struct pool_file *file, struct tally_error *err);

/* Call `each` for each index below `count`, by up to settings->parallel threads (settings may be NULL); the first error
   stops the others. `total_bytes` 0: not known. Errors: those of `each`; CANCELLED; MEMORY; ARGUMENT for a wrong number
   of threads. */
enum tally_code pool_run (const struct tally_transfer *settings, size_t count, uint64_t total_bytes, pool_each *each,
                          void *payload, struct tally_error *err);

#endif
