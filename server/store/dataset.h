/* Data sets and models that runs used or made. */
#ifndef STORE_DATASET_H
#define STORE_DATASET_H

#include "store/connection.h"

extern const struct statement_table store_dataset_statements;

struct store_dataset
{
  struct slice name;
  struct slice digest;
  struct slice source_type;
  struct slice source;
  struct slice schema; /* absent: none */
  struct slice profile; /* absent: none */
  struct slice tags; /* text of a JSON object of strings */
};

struct store_model_link
{
  struct slice model_id;
  int64_t step;
};

/* Link data sets and models to an active run, all or none. A data set that the experiment knows by name and digest
   keeps its first description; one that the run has already keeps its first tags. A model that is linked again gets the
   new step. `changed` is false when there is no such active run. Model ids are distinct. */
enum err_code store_run_link (bool *changed, struct store_connection *connection, const struct uuid *run_id,
                              const struct store_dataset *datasets, size_t dataset_count,
                              const struct store_model_link *models, size_t model_count, bool models_are_outputs,
                              struct arena *arena, struct err *err);

/* Called for each link, in order of run (and, of models, inputs before outputs) and then of linking; texts live until
   the call returns. */
typedef enum err_code (*store_dataset_row) (void *context, const struct uuid *run_id,
                                            const struct store_dataset *dataset, struct err *err);
typedef enum err_code (*store_model_row) (void *context, const struct uuid *run_id, bool is_output,
                                          const struct store_model_link *model, struct err *err);

enum err_code store_run_datasets (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                                  store_dataset_row row, void *context, struct arena *arena, struct err *err);
enum err_code store_run_models (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                                store_model_row row, void *context, struct arena *arena, struct err *err);

/* Distinct data sets of some experiments with the context tag of their use. */
struct store_dataset_summary
{
  int64_t experiment_id;
  struct slice name;
  struct slice digest;
  struct slice context; /* absent: none */
};

typedef enum err_code (*store_summary_row) (void *context, const struct store_dataset_summary *summary,
                                            struct err *err);

enum err_code store_dataset_search (struct store_connection *connection, const int64_t *experiment_ids, size_t count,
                                    int64_t max_results, store_summary_row row, void *context, struct arena *arena,
                                    struct err *err);

#endif
