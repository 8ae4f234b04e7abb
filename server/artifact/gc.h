/* Garbage collection of contents: removes what nothing names any more, beside daemons that serve. */
#ifndef ARTIFACT_GC_H
#define ARTIFACT_GC_H

#include "blob/blob.h"
#include "store/connection.h"

/* What was found, and removed unless it was a dry run. */
struct artifact_gc_report
{
  uint64_t uploads; /* in parts, whose time was over */
  uint64_t leftovers; /* half-written files and parts of writers that are gone */
  uint64_t leftover_bytes;
  uint64_t contents; /* that no artifact names */
  uint64_t content_bytes;
  uint64_t strays; /* contents in the store that the database does not know: a crash just before the name */
  uint64_t stray_bytes;
  uint64_t looked_at; /* contents looked at so far, for progress */
};

struct artifact_gc_options
{
  int64_t grace_s; /* what was used or written since is kept */
  bool dry_run;
  /* Called now and then; false ends the collection after this step. */
  bool (*progress) (void *context, const struct artifact_gc_report *report);
  void *context;
};

/* Sweep what broken-off writers and expired uploads have left. Cheap: what a daemon does every hour. */
enum err_code artifact_gc_sweep (struct artifact_gc_report *report, struct blob_store *blobs,
                                 struct store_connection *connection, const struct artifact_gc_options *options,
                                 struct err *err);

/* The whole collection: artifact_gc_sweep, then contents without names, then contents without rows. Each step is a
   short transaction of its own; ended at any moment, the next collection goes on with what is left. Not inside a
   transaction. Errors: those of the database and of the store. */
enum err_code artifact_gc (struct artifact_gc_report *report, struct blob_store *blobs,
                           struct store_connection *connection, const struct artifact_gc_options *options,
                           struct err *err);

#endif
