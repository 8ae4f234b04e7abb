/* Statements under a deadline. */
#include "store/connection_private.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/stats.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stopwatch
stopwatch_start (const struct store_connection *connection)
{
  return (struct stopwatch){ clock_monotonic_us (), connection->spent_us };
}

void
stopwatch_stop (struct store_connection *connection, struct stopwatch watch, size_t statements)
{
  stats_add (&stats.database_statements, (int64_t)statements);
  connection->spent_us = watch.spent_us + (clock_monotonic_us () - watch.start_us);
}

/* Wait until the socket can be read (and written, if asked) or the deadline passes. */
static bool
wait_socket (PGconn *pg, bool writing, uint64_t deadline_us)
{
  struct pollfd poller = { .fd = PQsocket (pg), .events = (short)(writing ? POLLIN | POLLOUT : POLLIN) };
  uint64_t now_us = clock_monotonic_us ();
  int timeout_ms;

  if (now_us >= deadline_us)
    return false;
  timeout_ms = (int)((deadline_us - now_us) / 1000 + 1);
  /* An interrupted or failed poll is found out by the caller's next libpq call. */
  return 0 != poll (&poller, 1, timeout_ms);
}

struct sql_state
{
  const char *state; /* SQLSTATE or its class */
  enum err_code code;
  const char *message;
};

/* What PostgreSQL's errors mean to a client; the first that matches counts. Source: its appendix of error codes. */
static const struct sql_state sql_states[] = {
  { "40001", ERR_RESOURCE_CONFLICT, "Another request changed the same thing; try again." },
  { "40P01", ERR_RESOURCE_CONFLICT, "Another request changed the same thing; try again." },
  { "55P03", ERR_TEMPORARILY_UNAVAILABLE, "The database is busy; try again shortly." },
  { "57014", ERR_TEMPORARILY_UNAVAILABLE, "The request took longer than its time budget." },
  { "57P", ERR_TEMPORARILY_UNAVAILABLE, "The database is shutting down or starting; try again shortly." },
  { "53", ERR_TEMPORARILY_UNAVAILABLE, "The database is out of resources; try again shortly." },
  { "08", ERR_TEMPORARILY_UNAVAILABLE, "The database cannot be reached; try again shortly." },
  { "25006", ERR_TEMPORARILY_UNAVAILABLE, "The database is read-only at the moment; try again shortly." },
  { "23505", ERR_RESOURCE_ALREADY_EXISTS, "It exists already." },
  { "22021", ERR_INVALID_PARAMETER_VALUE, "Text holds a character that cannot be stored." },
  { "22P05", ERR_INVALID_PARAMETER_VALUE, "Text holds a character that cannot be stored." },
  { "54000", ERR_INVALID_PARAMETER_VALUE, "The value is too large to be stored." },
};

static enum err_code
explain (struct store_connection *connection, const PGresult *rows, const char *label, struct err *err)
{
  const char *state = PQresultErrorField (rows, PG_DIAG_SQLSTATE);
  const char *text = PQresultErrorField (rows, PG_DIAG_MESSAGE_PRIMARY);
  char cause[250];

  snprintf (cause, sizeof (cause), "%s: %s %s", label, NULL == state ? "-----" : state,
            NULL == text ? PQresultErrorMessage (rows) : text);
  connection->conflict = NULL != state && (0 == strcmp (state, "40001") || 0 == strcmp (state, "40P01"));
  for (size_t i = 0; NULL != state && i < sizeof (sql_states) / sizeof (sql_states[0]); i++)
    if (0 == strncmp (state, sql_states[i].state, strlen (sql_states[i].state)))
      return err_set_cause (err, sql_states[i].code, cause, "%s", sql_states[i].message);
  return err_set_cause (err, ERR_INTERNAL_ERROR, cause, "internal error");
}

enum err_code
statement_take (PGresult **rows, struct store_connection *connection, PGresult *next, const struct stream *stream,
                const char *label, struct err *err)
{
  struct result row = { next };
  enum err_code code;

  switch (PQresultStatus (next))
  {
  case PGRES_SINGLE_TUPLE:
    code = stream->row (&row, stream->context, err);
    PQclear (next);
    return code;
  case PGRES_TUPLES_OK:
  case PGRES_COMMAND_OK:
  case PGRES_EMPTY_QUERY:
    PQclear (*rows);
    *rows = next;
    return ERR_OK;
  default:
    code = explain (connection, next, label, err);
    PQclear (next);
    return code;
  }
}

/* The deadline has passed. The answer may still come: this connection cannot be used again. */
static enum err_code
late (struct store_connection *connection, const char *label, struct err *err)
{
  connection_drop (connection);
  return connection_unavailable (err, label, "The request took longer than its time budget.");
}

enum err_code
statement_flush (struct store_connection *connection, uint64_t deadline_us, const char *label, struct err *err)
{
  int flushed;

  while (0 != (flushed = PQflush (connection->pg)))
  {
    if (flushed < 0)
      return connection_lose (connection, PQerrorMessage (connection->pg), err);
    if (! wait_socket (connection->pg, true, deadline_us))
      return late (connection, label, err);
    if (0 == PQconsumeInput (connection->pg))
      return connection_lose (connection, PQerrorMessage (connection->pg), err);
  }
  return ERR_OK;
}

enum err_code
statement_next (PGresult **next, struct store_connection *connection, uint64_t deadline_us, const char *label,
                struct err *err)
{
  *next = NULL;
  while (PQisBusy (connection->pg))
  {
    if (! wait_socket (connection->pg, false, deadline_us))
      return late (connection, label, err);
    if (0 == PQconsumeInput (connection->pg))
      return connection_lose (connection, PQerrorMessage (connection->pg), err);
  }
  *next = PQgetResult (connection->pg);
  return ERR_OK;
}

/* Wait for the answer to what was sent; `rows` receives the last result. `stream` is NULL unless the statement was put
   into single-row mode. */
static enum err_code
finish (PGresult **rows, struct store_connection *connection, const struct stream *stream, const char *label,
        struct err *err)
{
  uint64_t deadline_us = connection_deadline (connection);
  enum err_code code = ERR_OK;
  PGresult *next;

  *rows = NULL;
  code = statement_flush (connection, deadline_us, label, err);
  if (ERR_OK != code)
    return code;
  for (;;)
  {
    enum err_code got = statement_next (&next, connection, deadline_us, label, err);

    if (ERR_OK != got)
    {
      PQclear (*rows);
      *rows = NULL;
      return got;
    }
    if (NULL == next)
      break;
    if (ERR_OK == code)
      code = statement_take (rows, connection, next, stream, label, err);
    else
      PQclear (next);
  }
  if (CONNECTION_OK != PQstatus (connection->pg))
  {
    char line[200];

    connection_one_line (line, sizeof (line), PQerrorMessage (connection->pg));
    PQclear (*rows);
    *rows = NULL;
    connection_note_health (connection->store, -1, line);
    connection_drop (connection);
    return ERR_OK == code ? connection_unavailable (err, line, "The database cannot be reached; try again shortly.")
                          : code;
  }
  return code;
}

static bool
is_prepared (const struct store_connection *connection, const struct statement *statement, size_t *slot)
{
  *slot = ((uintptr_t)statement / sizeof (struct statement)) % PREPARED_SLOTS;
  while (NULL != connection->prepared[*slot])
  {
    if (connection->prepared[*slot] == statement)
      return true;
    *slot = (*slot + 1) % PREPARED_SLOTS;
  }
  return false;
}

static bool
runs_unprepared (const struct store_connection *connection, const struct statement *statement)
{
  return NULL == statement->name || connection->store->config->database_pgbouncer;
}

const char *
statement_label (const struct statement *statement)
{
  return NULL == statement->name ? "search" : statement->name;
}

enum err_code
statement_check (const struct statement *statement, const struct parameters *parameters, struct err *err)
{
  unsigned count = NULL == parameters ? 0 : parameters->count;

  if ((NULL != parameters && parameters->failed) || count != statement->parameters)
    return err_set_cause (err, ERR_INTERNAL_ERROR, statement_label (statement), "out of memory");
  return ERR_OK;
}

enum err_code
statement_prepare (struct store_connection *connection, const struct statement *statement, struct err *err)
{
  enum err_code code;
  PGresult *rows = NULL;
  size_t slot;

  if (runs_unprepared (connection, statement) || is_prepared (connection, statement, &slot))
    return ERR_OK;
  if (connection->prepared_count >= PREPARED_SLOTS / 2)
    abort (); /* the table above is too small for the program */
  if (1 != PQsendPrepare (connection->pg, statement->name, statement->sql, 0, NULL))
    return connection_lose (connection, PQerrorMessage (connection->pg), err);
  code = finish (&rows, connection, NULL, statement->name, err);
  PQclear (rows);
  if (ERR_OK != code)
    return code;
  connection->prepared[slot] = statement;
  connection->prepared_count++;
  return ERR_OK;
}

enum err_code
statement_send (struct store_connection *connection, const struct statement *statement,
                const struct parameters *parameters, struct err *err)
{
  static const int binary[PARAMETERS_MAX] = { [0 ... PARAMETERS_MAX - 1] = 1 };
  int count = NULL == parameters ? 0 : (int)parameters->count;
  const char *const *values = NULL == parameters ? NULL : parameters->values;
  const int *lengths = NULL == parameters ? NULL : parameters->lengths;
  int sent;

  if (runs_unprepared (connection, statement))
    sent = PQsendQueryParams (connection->pg, statement->sql, count, NULL, values, lengths, binary, 1);
  else
    sent = PQsendQueryPrepared (connection->pg, statement->name, count, values, lengths, binary, 1);
  if (1 != sent)
    return connection_lose (connection, PQerrorMessage (connection->pg), err);
  return ERR_OK;
}

/* A statement that goes alone: opens the connection, prepares what is not yet prepared, sends. */
static enum err_code
send (struct store_connection *connection, const struct statement *statement, const struct parameters *parameters,
      struct err *err)
{
  enum err_code code = connection_ready (connection, err);

  if (ERR_OK == code)
    code = statement_check (statement, parameters, err);
  if (ERR_OK == code)
    code = statement_prepare (connection, statement, err);
  if (ERR_OK == code)
    code = statement_send (connection, statement, parameters, err);
  return code;
}

enum err_code
store_query (struct result *result, struct store_connection *connection, const struct statement *statement,
             const struct parameters *parameters, struct err *err)
{
  struct stopwatch watch;
  PGresult *rows = NULL;
  enum err_code code;

  result_free (result);
  if (NULL != connection->begin)
  {
    const struct pipeline_step step = { statement, parameters, result };

    return pipeline_send (connection, &step, 1, false, err);
  }
  watch = stopwatch_start (connection);
  connection->conflict = false;
  code = send (connection, statement, parameters, err);
  if (ERR_OK == code)
    code = finish (&rows, connection, NULL, statement_label (statement), err);
  result->rows = rows;
  stopwatch_stop (connection, watch, 1);
  return code;
}

enum err_code
store_stream (struct store_connection *connection, const struct statement *statement,
              const struct parameters *parameters, store_row row, void *context, struct err *err)
{
  struct stopwatch watch = stopwatch_start (connection);
  struct stream stream = { row, context };
  PGresult *rows = NULL;
  enum err_code code;

  connection->conflict = false;
  code = transaction_begin (connection, err);
  if (ERR_OK == code)
    code = send (connection, statement, parameters, err);
  if (ERR_OK == code && 1 != PQsetSingleRowMode (connection->pg))
    code = connection_lose (connection, "single-row mode was refused", err);
  if (ERR_OK == code)
    code = finish (&rows, connection, &stream, statement_label (statement), err);
  PQclear (rows);
  stopwatch_stop (connection, watch, 1);
  return code;
}

enum err_code
store_execute (uint64_t *affected, struct store_connection *connection, const struct statement *statement,
               const struct parameters *parameters, struct err *err)
{
  struct result result = { NULL };
  enum err_code code = store_query (&result, connection, statement, parameters, err);

  if (NULL != affected)
    *affected = ERR_OK == code ? strtoull (PQcmdTuples (result.rows), NULL, 10) : 0;
  result_free (&result);
  return code;
}

enum err_code
store_query_one (void *out, struct result *result, struct store_connection *connection,
                 const struct statement *statement, const struct parameters *parameters, const struct column *columns,
                 size_t column_count, struct err *err)
{
  enum err_code code = store_query (result, connection, statement, parameters, err);

  return ERR_OK == code ? result_one (out, result, columns, column_count, err) : code;
}

enum err_code
store_change (bool *changed, struct store_connection *connection, const struct statement *statement,
              const struct parameters *parameters, struct err *err)
{
  uint64_t affected = 0;
  enum err_code code = store_execute (&affected, connection, statement, parameters, err);

  *changed = affected > 0;
  return code;
}

enum err_code
statement_script (struct store_connection *connection, const char *sql, struct err *err)
{
  struct stopwatch watch = stopwatch_start (connection);
  PGresult *rows = NULL;
  enum err_code code = NULL == connection->pg ? connection_ready (connection, err) : ERR_OK;

  if (ERR_OK == code && 1 != PQsendQuery (connection->pg, sql))
    code = connection_lose (connection, PQerrorMessage (connection->pg), err);
  if (ERR_OK == code)
    code = finish (&rows, connection, NULL, "script", err);
  PQclear (rows);
  stopwatch_stop (connection, watch, 1);
  return code;
}

enum err_code
store_script (struct store_connection *connection, const char *sql, struct err *err)
{
  enum err_code code = transaction_begin (connection, err);

  return ERR_OK == code ? statement_script (connection, sql, err) : code;
}

enum err_code
store_server (uint64_t *server, struct store_connection *connection, struct err *err)
{
  /* Statistics start anew after a crash, because they may be wrong then; the time of that is kept. */
  static const struct statement statement = { "server_identity",
                                              "SELECT concat(pg_postmaster_start_time(), ' ',"
                                              " pg_stat_get_bgwriter_stat_reset_time())",
                                              0 };
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct result result = { NULL };
  struct slice identity;
  enum err_code code = ERR_OK;

  /* Behind PgBouncer the server may be another one in each transaction. */
  if (0 == connection->server || connection->store->config->database_pgbouncer)
  {
    code = store_query (&result, connection, &statement, NULL, err);
    if (ERR_OK == code)
      code = result_row (&identity, &result, 0, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code)
      connection->server = hash_bytes (HASH_START, identity.data, identity.len) | 1;
    result_free (&result);
  }
  *server = connection->server;
  return code;
}
