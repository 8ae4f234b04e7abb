/* Which runs are known to have points of which contexts of logged models: what a committer need not write again.

   Rows of metric_context_run are removed with their run only, for good, so what is remembered here cannot be wrong;
   what is not is asked of the database, once for each pair of run and context. */
#ifndef INGEST_CONTEXTS_H
#define INGEST_CONTEXTS_H

#include "ingest/point.h"
#include "store/context.h"

struct metric_contexts;

/* An empty memory that keeps at most `max_bytes`, then starts anew. The caller frees. Thread-safe. */
struct metric_contexts *metric_contexts_new (size_t max_bytes);
void metric_contexts_free (struct metric_contexts *contexts);

/* A run and a context with a model id that points of it are about to be written for. */
struct metric_link
{
  struct uuid run_id;
  const struct metric_context *context;
  int32_t context_id; /* 0 when it is known or refused; else what is to be written */
  bool refused; /* there is no such model */
};

/* Find out what is to be written for some links. `contexts` NULL: nothing is known. Not inside a transaction.
   Errors: those of the database. */
enum err_code metric_contexts_resolve (struct metric_contexts *contexts, struct store_connection *connection,
                                       struct metric_link *links, size_t count, struct arena *arena, struct err *err);

/* What is to be written of some links. The arrays live in the arena; NULL inside when memory is out. */
struct store_context_links metric_links_new (const struct metric_link *links, size_t count, struct arena *arena);

/* Remember a link that was written and committed. NULL is allowed. */
void metric_contexts_remember (struct metric_contexts *contexts, const struct metric_link *link);

/* The failure of a point whose model does not exist. */
enum err_code metric_model_unknown (struct err *err, struct slice model_id);

#endif
