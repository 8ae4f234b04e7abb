/* Where the artifacts of runs and logged models are, in PostgreSQL. */
#ifndef STORE_ARTIFACT_ROOT_H
#define STORE_ARTIFACT_ROOT_H

#include "base/id.h"
#include "store/connection.h"

extern const struct statement_table store_artifact_root_statements;

/* The artifact URI of a run, deleted or not, in the arena. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there
   is no such run. */
enum err_code store_artifact_root_of_run (struct slice *uri, struct store_connection *connection,
                                          const struct uuid *run_id, struct arena *arena, struct err *err);

/* The same of a logged model that is not deleted. */
enum err_code store_artifact_root_of_model (struct slice *uri, struct store_connection *connection,
                                            struct slice model_id, struct arena *arena, struct err *err);

#endif
