/* Contexts of metric points in PostgreSQL: the numbers of model and data set, and which runs have points of them. */
#ifndef STORE_CONTEXT_H
#define STORE_CONTEXT_H

#include "store/connection.h"

extern const struct statement_table store_context_statements;

/* The number of a context, made when it is missing. */
enum err_code store_context_resolve (int32_t *context_id, struct store_connection *connection, struct slice model_id,
                                     struct slice dataset_name, struct slice dataset_digest, struct err *err);

/* A context of a logged model. */
struct store_context
{
  struct slice model_id;
  struct slice dataset_name; /* absent or empty: none */
  struct slice dataset_digest;
  bool model_exists; /* set by store_contexts_resolve; deleted models exist */
  int32_t context_id; /* 0: another transaction is just making it, ask again */
};

/* The numbers of some contexts, made where they are missing and the model exists. Outside of transactions, because the
   numbers are remembered at once. */
enum err_code store_contexts_resolve (struct store_connection *connection, struct store_context *contexts, size_t count,
                                      struct arena *arena, struct err *err);

/* Pairs of a run and a context of a logged model that it has points of. */
struct store_context_links
{
  const struct uuid *run_ids;
  const int64_t *context_ids;
  size_t count;
};

/* Note pairs; what is noted already is left as it is. */
enum err_code store_context_link (struct store_connection *connection, const struct store_context_links *links,
                                  struct arena *arena, struct err *err);

/* A run that has points of a context. */
struct store_context_run
{
  struct slice model_id;
  int32_t context_id;
  struct slice dataset_name; /* empty: none */
  struct slice dataset_digest;
  struct uuid run_id;
};

/* Called for each row, in order of model and context; texts live until it returns. */
typedef enum err_code (*store_context_run_row) (void *context, const struct store_context_run *row, struct err *err);

/* The pairs of some models, or of all active models of some experiments; runs that were removed for good are left
   out. */
enum err_code store_context_runs_of_models (struct store_connection *connection, const struct slice *model_ids,
                                            size_t count, store_context_run_row row, void *context, struct arena *arena,
                                            struct err *err);
enum err_code store_context_runs_of_experiments (struct store_connection *connection, const int64_t *experiment_ids,
                                                 size_t count, store_context_run_row row, void *context,
                                                 struct arena *arena, struct err *err);

#endif
