/* Removes runs and logged models that were deleted long ago for good, while daemons serve. */
#ifndef INGEST_PURGE_H
#define INGEST_PURGE_H

#include "store/purge.h"

/* How far a purge has come. */
struct purge_progress
{
  uint64_t runs; /* gone, with all that belonged to them */
  uint64_t models;
  uint64_t rows; /* of metrics removed */
  uint64_t artifacts; /* names removed; their contents are left to garbage collection */
};

/* Called after each step. False ends the purge after it; the next one goes on from there. */
typedef bool (*purge_report) (void *context, const struct purge_progress *progress);

/* Remove runs that were deleted before `before_ms`, and what an interrupted purge has left. Each step is a short
   transaction; it can be ended at any moment. Not inside a transaction. Errors: those of the database. */
enum err_code purge_runs (struct purge_progress *progress, struct store_connection *connection, int64_t before_ms,
                          purge_report report, void *context, struct err *err);

/* The same for logged models; `progress` counts on from what it holds. */
enum err_code purge_models (struct purge_progress *progress, struct store_connection *connection, int64_t before_ms,
                            purge_report report, void *context, struct err *err);

#endif
