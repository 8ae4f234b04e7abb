/* Garbage collection of the artifact store: what broken-off uploads left, and contents that have no name any more. Safe
   beside daemons and other collections; it can be ended at any moment, and the next one goes on from there. */
#ifndef ARTIFACT_GC_H
#define ARTIFACT_GC_H

#include "blob/blob.h"
#include "store/connection.h"

struct gc_options
{
  struct blob_store *blobs;
  int64_t grace_s; /* how long nobody must have used what goes */
  bool dry_run; /* count only */
  bool all_strays; /* also when most contents have no row */
};

/* How far a collection has come, and what it removed (would remove, in a dry run). */
struct gc_progress
{
  uint64_t uploads; /* in parts, that have expired before they were completed */
  uint64_t leftovers; /* of writers and uploads that broke off */
  int64_t leftover_bytes;
  uint64_t looked; /* rows of contents, then contents in the store */
  uint64_t contents; /* without a name */
  int64_t content_bytes;
  uint64_t strays; /* contents without even a row: their writer died just before the commit */
  int64_t stray_bytes;
};

/* Called after each step. False ends the collection after it. */
typedef bool (*gc_report) (void *context, const struct gc_progress *progress);

/* Drop uploads in parts whose time is over, and remove what writers have left that are not alive and have written
   nothing for `grace_s`. `progress` counts on from what it holds. Errors: those of the database and of the store. */
enum err_code artifact_gc_sweep (struct gc_progress *progress, struct store_connection *connection,
                                 const struct gc_options *options, gc_report report, void *context, struct err *err);

/* Remove contents that no artifact names and that were not used for `grace_s`, and those that have been in the store
   for that long without a row. As above otherwise. Errors, besides: RESOURCE_CONFLICT when so many contents have no row
   that the store is likely to belong to another database, unless `all_strays`. */
enum err_code artifact_gc_collect (struct gc_progress *progress, struct store_connection *connection,
                                   const struct gc_options *options, gc_report report, void *context, struct err *err);

#endif
