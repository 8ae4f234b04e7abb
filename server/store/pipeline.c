/* Several statements in one round trip, with the BEGIN and the COMMIT of their transaction.

   DESIGN
   libpq's pipeline mode: all statements are sent with one synchronisation point at the end, and their results are read
   in order. After an error PostgreSQL skips what follows up to that point, a COMMIT too, so a transaction is never
   committed in part; what was begun is rolled back by whoever runs the transaction.
   Statements that this connection has not prepared yet are prepared before, each in a round trip of its own: that
   happens once, and a preparation that was skipped behind an error would be hard to keep apart from one that was not.
   The connection leaves pipeline mode at the end in every case, or is dropped. */
#include "store/pipeline.h"

#include "store/connection_private.h"

#include <stdlib.h>

static const struct statement commit_statement = { "transaction_commit", "COMMIT", 0 };

void
pipeline_init (struct pipeline *pipeline, struct store_connection *connection, struct arena *arena)
{
  pipeline->connection = connection;
  pipeline->arena = arena;
  pipeline->count = 0;
}

struct parameters *
pipeline_add (struct result *result, struct pipeline *pipeline, const struct statement *statement)
{
  struct parameters *parameters = &pipeline->parameters[pipeline->count];

  if (pipeline->count >= PIPELINE_MAX)
    abort (); /* the program adds more than there is room for */
  parameters_init (parameters, pipeline->arena);
  pipeline->steps[pipeline->count++] = (struct pipeline_step){ statement, parameters, result };
  return parameters;
}

/* What is being sent: the caller's steps between a BEGIN and a COMMIT that may both be missing. */
struct sending
{
  const struct statement *begin; /* NULL for none */
  const struct pipeline_step *steps;
  size_t count;
  bool commit;
};

static enum err_code
prepare_all (struct store_connection *connection, const struct sending *sending, struct err *err)
{
  enum err_code code = NULL == sending->begin ? ERR_OK : statement_prepare (connection, sending->begin, err);

  for (size_t i = 0; ERR_OK == code && i < sending->count; i++)
  {
    code = statement_check (sending->steps[i].statement, sending->steps[i].parameters, err);
    if (ERR_OK == code)
      code = statement_prepare (connection, sending->steps[i].statement, err);
  }
  if (ERR_OK == code && sending->commit)
    code = statement_prepare (connection, &commit_statement, err);
  return code;
}

static enum err_code
send_all (struct store_connection *connection, const struct sending *sending, struct err *err)
{
  enum err_code code = ERR_OK;

  if (1 != PQenterPipelineMode (connection->pg))
    return connection_lose (connection, PQerrorMessage (connection->pg), err);
  if (NULL != sending->begin)
    code = statement_send (connection, sending->begin, NULL, err);
  for (size_t i = 0; ERR_OK == code && i < sending->count; i++)
    code = statement_send (connection, sending->steps[i].statement, sending->steps[i].parameters, err);
  if (ERR_OK == code && sending->commit)
    code = statement_send (connection, &commit_statement, NULL, err);
  if (ERR_OK == code && 1 != PQpipelineSync (connection->pg))
    code = connection_lose (connection, PQerrorMessage (connection->pg), err);
  return code;
}

/* Read what one statement answered. `code` is what went wrong before it; what goes wrong here is returned when that was
   nothing. The connection may be lost behind any call. */
static enum err_code
read_one (struct store_connection *connection, const struct statement *statement, struct result *result,
          uint64_t deadline_us, enum err_code code, struct err *err)
{
  PGresult *rows = NULL;
  PGresult *next;
  bool any = false;

  for (;;)
  {
    enum err_code got = statement_next (&next, connection, deadline_us, statement_label (statement), err);

    if (ERR_OK != got)
    {
      PQclear (rows);
      return ERR_OK == code ? got : code;
    }
    if (NULL == next)
      break;
    any = true;
    if (ERR_OK == code)
      code = statement_take (&rows, connection, next, NULL, statement_label (statement), err);
    else
      PQclear (next); /* an answer of a statement that was skipped */
  }
  /* libpq gives nothing at all for a connection that is gone. */
  if (! any)
  {
    enum err_code lost = connection_lose (connection, PQerrorMessage (connection->pg), err);

    code = ERR_OK == code ? lost : code;
  }
  if (NULL != result)
  {
    result_free (result);
    result->rows = rows;
  }
  else
    PQclear (rows);
  return code;
}

/* The answer to the synchronisation point, which comes whatever happened before. */
static enum err_code
read_end (struct store_connection *connection, uint64_t deadline_us, enum err_code code, struct err *err)
{
  PGresult *next;
  enum err_code got = statement_next (&next, connection, deadline_us, "the end of a pipeline", err);
  bool synchronised = ERR_OK == got && PGRES_PIPELINE_SYNC == PQresultStatus (next);

  if (ERR_OK == got)
    PQclear (next);
  if (ERR_OK == got && (! synchronised || 1 != PQexitPipelineMode (connection->pg)))
    got = connection_lose (connection, PQerrorMessage (connection->pg), err);
  return ERR_OK == code ? got : code;
}

static enum err_code
receive_all (struct store_connection *connection, const struct sending *sending, uint64_t deadline_us, struct err *err)
{
  enum err_code code = ERR_OK;

  if (NULL != sending->begin)
    code = read_one (connection, sending->begin, NULL, deadline_us, code, err);
  for (size_t i = 0; NULL != connection->pg && i < sending->count; i++)
    code = read_one (connection, sending->steps[i].statement, sending->steps[i].result, deadline_us, code, err);
  if (NULL != connection->pg && sending->commit)
    code = read_one (connection, &commit_statement, NULL, deadline_us, code, err);
  if (NULL != connection->pg)
    code = read_end (connection, deadline_us, code, err);
  return code;
}

enum err_code
pipeline_send (struct store_connection *connection, const struct pipeline_step *steps, size_t count, bool commit,
               struct err *err)
{
  struct stopwatch watch = stopwatch_start (connection);
  struct sending sending = { connection->begin, steps, count, commit };
  uint64_t deadline_us;
  enum err_code code;

  connection->conflict = false;
  code = connection_ready (connection, err);
  if (ERR_OK == code)
    code = prepare_all (connection, &sending, err);
  if (ERR_OK != code)
    goto out;
  connection->begin = NULL;
  code = send_all (connection, &sending, err);
  deadline_us = connection_deadline (connection);
  if (ERR_OK == code)
    code = statement_flush (connection, deadline_us, "a pipeline", err);
  if (ERR_OK == code)
    code = receive_all (connection, &sending, deadline_us, err);
  connection->committed = commit && ERR_OK == code;
out:
  stopwatch_stop (connection, watch, count + (NULL == sending.begin ? 0 : 1) + (commit ? 1 : 0));
  return code;
}

enum err_code
pipeline_run (struct pipeline *pipeline, struct err *err)
{
  return 0 == pipeline->count ? ERR_OK
                              : pipeline_send (pipeline->connection, pipeline->steps, pipeline->count, false, err);
}

enum err_code
pipeline_commit (struct pipeline *pipeline, struct err *err)
{
  /* Nothing was written and nothing is to be: there is no transaction to commit. */
  if (0 == pipeline->count && NULL != pipeline->connection->begin)
    return ERR_OK;
  return pipeline_send (pipeline->connection, pipeline->steps, pipeline->count, true, err);
}
