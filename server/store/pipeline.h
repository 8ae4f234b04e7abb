/* Several statements that go to PostgreSQL together and cost one round trip. */
#ifndef STORE_PIPELINE_H
#define STORE_PIPELINE_H

#include "store/connection.h"

/* Most statements of one pipeline: the three or four that a write of a run consists of, and room for as many more. */
#define PIPELINE_MAX 8

struct pipeline_step
{
  const struct statement *statement;
  const struct parameters *parameters; /* NULL for none */
  struct result *result; /* NULL: what it answers is of no interest */
};

/* Stack allocatable; set up with pipeline_init. */
struct pipeline
{
  struct store_connection *connection;
  struct arena *arena;
  size_t count;
  struct pipeline_step steps[PIPELINE_MAX];
  struct parameters parameters[PIPELINE_MAX];
};

/* Begin to collect. `arena` keeps arrays among the parameters; NULL when there are none. Nothing to free. */
void pipeline_init (struct pipeline *pipeline, struct store_connection *connection, struct arena *arena);

/* Append a statement; gives its parameters, which the caller binds before the pipeline runs. Bound values are borrowed
   until then. `result`, zeroed and freed by the caller also after a failure, receives its rows; it may be NULL.
   More than PIPELINE_MAX end the program. */
struct parameters *pipeline_add (struct result *result, struct pipeline *pipeline, const struct statement *statement);

/* Run the statements in their order. After the first that fails the others are not run, and outside of
   store_transaction nothing of any of them stays. Results are complete only when ERR_OK is returned. Errors: as those
   of store_query. */
enum err_code pipeline_run (struct pipeline *pipeline, struct err *err);

/* As pipeline_run inside of store_transaction, and commit behind the last statement when all went well: no statement
   may follow. An error that the caller finds later undoes nothing any more. */
enum err_code pipeline_commit (struct pipeline *pipeline, struct err *err);

#endif
