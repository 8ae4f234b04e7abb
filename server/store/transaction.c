/* Transactions with retry.

   DESIGN
   BEGIN costs no round trip of its own: it waits in connection->begin and goes with the first statement, in one
   pipeline. The last statements may take the COMMIT along in the same way (pipeline_commit). */
#include "store/connection_private.h"

/* Tries of a transaction that loses against another; each loss means that somebody else made progress. */
#define TRANSACTION_TRIES 5

static const struct statement begin_statements[] = {
  [STORE_WRITE] = { "transaction_begin", "BEGIN", 0 },
  [STORE_SNAPSHOT] = { "transaction_begin_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0 },
};

enum err_code
transaction_begin (struct store_connection *connection, struct err *err)
{
  const struct statement *begin = connection->begin;

  if (NULL == begin)
    return ERR_OK;
  connection->begin = NULL;
  return statement_script (connection, begin->sql, err);
}

static enum err_code
transaction_once (struct store_connection *connection, const struct statement *begin, store_work work, void *context,
                  struct err *err)
{
  enum err_code code = connection_ready (connection, err);

  connection->conflict = false;
  connection->committed = false;
  if (ERR_OK != code)
    return code;
  connection->begin = begin;
  code = work (connection, context, err);
  /* Nothing was sent, so nothing has begun. */
  if (NULL != connection->begin)
  {
    connection->begin = NULL;
    return code;
  }
  if (connection->committed)
    return code;
  /* After a failure that `work` kept to itself a COMMIT would roll back, and say that all is well. */
  if (ERR_OK == code && (NULL == connection->pg || PQTRANS_INTRANS != PQtransactionStatus (connection->pg)))
    code = err_set_cause (err, ERR_INTERNAL_ERROR, "a transaction went on after a failure", "internal error");
  if (ERR_OK == code)
    return statement_script (connection, "COMMIT", err);
  if (NULL != connection->pg && PQTRANS_IDLE != PQtransactionStatus (connection->pg))
  {
    bool conflict = connection->conflict;

    (void)statement_script (connection, "ROLLBACK", NULL);
    connection->conflict = conflict;
  }
  return code;
}

enum err_code
store_transaction (struct store_connection *connection, enum store_isolation isolation, store_work work, void *context,
                   struct err *err)
{
  struct err ignored = { 0 };
  enum err_code code = ERR_OK;

  if (NULL == err)
    err = &ignored;
  for (unsigned attempt = 0; attempt < TRANSACTION_TRIES; attempt++)
  {
    code = transaction_once (connection, &begin_statements[isolation], work, context, err);
    if (ERR_OK == code || ! connection->conflict)
      break;
    if (attempt + 1 < TRANSACTION_TRIES)
      err_clear (err);
  }
  return code;
}
