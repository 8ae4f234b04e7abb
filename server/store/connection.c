/* One PostgreSQL connection: opening with back-off, statements under a deadline, transactions with retry. */
#include "store/connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Oldest server whose SQL we use: xid8 came with PostgreSQL 13. */
#define SERVER_VERSION_MIN 130000
/* Opening must not eat the whole budget of a request: a local server answers in milliseconds, a distant one within
   a few round trips. */
#define CONNECT_BUDGET_US ((uint64_t)5 * 1000000)
/* After a failed attempt nobody tries again for this long, doubling up to the maximum: a server that starts is found
   quickly and one that is away is not flooded. */
#define BACK_OFF_FIRST_US ((uint64_t)50 * 1000)
#define BACK_OFF_MAX_US ((uint64_t)1000 * 1000)
/* What a client is told to wait: about one longest back-off. */
#define RETRY_AFTER_S 1
/* Tries of a transaction that loses against another; each loss means that somebody else made progress. */
#define TRANSACTION_TRIES 5
/* Open-addressing set of prepared statements: at least twice the number of statements in the program. */
#define PREPARED_SLOTS 256

struct store
{
  const struct config *config;
  _Atomic uint64_t next_attempt_us; /* no connection attempt before this time */
  _Atomic uint64_t back_off_us;
  _Atomic int health; /* 0 unknown, 1 up, -1 down */
};

struct store_connection
{
  struct store *store;
  PGconn *pg;
  uint64_t deadline_us;
  uint64_t spent_us;
  bool checked; /* this request has seen that the socket is alive */
  bool conflict; /* the last failure was a serialization failure or a deadlock */
  const struct statement *prepared[PREPARED_SLOTS];
  size_t prepared_count;
};

struct store *
store_new (const struct config *config)
{
  struct store *store = calloc (1, sizeof (struct store));

  if (NULL != store)
    store->config = config;
  return store;
}

void
store_free (struct store *store)
{
  free (store);
}

bool
store_is_up (struct store *store)
{
  return 1 == atomic_load (&store->health);
}

static void
note_health (struct store *store, int health, const char *cause)
{
  int before = atomic_exchange (&store->health, health);

  stats_set (&stats.database_up, health > 0);
  if (health < 0)
    stats_add (&stats.database_failures, 1);
  if (before == health)
    return;
  if (health > 0)
    log_line (EVENT_database_connected, LOG_TEXT ("version", cause));
  else
    log_line (EVENT_database_lost, LOG_TEXT ("cause", cause));
}

struct store_connection *
store_connection_new (struct store *store)
{
  struct store_connection *connection = calloc (1, sizeof (struct store_connection));

  if (NULL != connection)
    connection->store = store;
  return connection;
}

static void
disconnect (struct store_connection *connection)
{
  if (NULL == connection->pg)
    return;
  PQfinish (connection->pg);
  connection->pg = NULL;
  memset (connection->prepared, 0, sizeof (connection->prepared));
  connection->prepared_count = 0;
  stats_add (&stats.database_connections, -1);
}

void
store_connection_free (struct store_connection *connection)
{
  if (NULL == connection)
    return;
  disconnect (connection);
  free (connection);
}

/* Measures one statement. Statements may be sent inside of it (to open the connection): they are part of its time. */
struct stopwatch
{
  uint64_t start_us;
  uint64_t spent_us; /* before it */
};

static struct stopwatch
stopwatch_start (const struct store_connection *connection)
{
  return (struct stopwatch){ clock_monotonic_us (), connection->spent_us };
}

static void
stopwatch_stop (struct store_connection *connection, struct stopwatch watch)
{
  stats_add (&stats.database_statements, 1);
  connection->spent_us = watch.spent_us + (clock_monotonic_us () - watch.start_us);
}

static enum err_code
unavailable (struct err *err, const char *cause, const char *message)
{
  enum err_code code = err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, cause, "%s", message);

  if (NULL != err)
    err->retry_after_s = RETRY_AFTER_S;
  return code;
}

/* One line of libpq's text without its line breaks. */
static const char *
one_line (char *out, size_t capacity, const char *text)
{
  size_t length = 0;

  for (; '\0' != *text && length + 1 < capacity; text++)
    out[length++] = '\n' == *text || '\t' == *text ? ' ' : *text;
  while (length > 0 && ' ' == out[length - 1])
    length--;
  out[length] = '\0';
  return out;
}

/* The connection is broken or useless: drop it and say so. */
static enum err_code
lose (struct store_connection *connection, const char *cause, struct err *err)
{
  char line[200];

  one_line (line, sizeof (line), cause);
  note_health (connection->store, -1, line);
  disconnect (connection);
  return unavailable (err, line, "The database cannot be reached; try again shortly.");
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

static uint64_t
deadline_of (const struct store_connection *connection)
{
  if (0 != connection->deadline_us)
    return connection->deadline_us;
  return clock_monotonic_us () + (uint64_t)connection->store->config->work_timeout_ms * 1000;
}

static enum err_code
open_until (struct store_connection *connection, uint64_t deadline_us, struct err *err)
{
  const char *const keywords[] = { "dbname", "fallback_application_name", "client_encoding", NULL };
  const char *const values[] = { connection->store->config->database_url, "tallyd", "UTF8", NULL };
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;

  connection->pg = PQconnectStartParams (keywords, values, 1);
  if (NULL == connection->pg)
    return unavailable (err, "out of memory", "The database cannot be reached; try again shortly.");
  stats_add (&stats.database_connections, 1);
  if (CONNECTION_BAD == PQstatus (connection->pg))
    return lose (connection, PQerrorMessage (connection->pg), err);
  while (PGRES_POLLING_OK != state)
  {
    struct pollfd poller;
    uint64_t now_us = clock_monotonic_us ();

    if (now_us >= deadline_us)
      return lose (connection, "opening a connection took too long", err);
    poller =
        (struct pollfd){ .fd = PQsocket (connection->pg), .events = PGRES_POLLING_READING == state ? POLLIN : POLLOUT };
    (void)poll (&poller, 1, (int)((deadline_us - now_us) / 1000 + 1));
    state = PQconnectPoll (connection->pg);
    if (PGRES_POLLING_FAILED == state)
      return lose (connection, PQerrorMessage (connection->pg), err);
  }
  if (0 != PQsetnonblocking (connection->pg, 1))
    return lose (connection, PQerrorMessage (connection->pg), err);
  if (PQserverVersion (connection->pg) < SERVER_VERSION_MIN)
    return lose (connection, "PostgreSQL 13 or newer is needed", err);
  return ERR_OK;
}

enum err_code
store_connect (struct store_connection *connection, struct err *err)
{
  struct store *store = connection->store;
  uint64_t now_us = clock_monotonic_us ();
  uint64_t deadline_us = deadline_of (connection);
  enum err_code code;

  if (NULL != connection->pg)
    return ERR_OK;
  if (now_us < atomic_load (&store->next_attempt_us))
    return unavailable (err, "waiting before the next attempt", "The database cannot be reached; try again shortly.");
  if (deadline_us > now_us + CONNECT_BUDGET_US)
    deadline_us = now_us + CONNECT_BUDGET_US;
  code = open_until (connection, deadline_us, err);
  if (ERR_OK == code && ! store->config->database_pgbouncer)
  {
    char sql[256];

    /* Every statement here is written for its index; a plan made while a table was empty must not stay a table scan
       when it has grown. Compiling plans costs more than any of these statements. */
    snprintf (sql, sizeof (sql), "SET enable_seqscan = off; SET jit = off; SET statement_timeout = %lld",
              (long long)store->config->work_timeout_ms);
    code = store_script (connection, sql, err);
  }
  if (ERR_OK == code)
  {
    atomic_store (&store->back_off_us, 0);
    atomic_store (&store->next_attempt_us, 0);
    note_health (store, 1, PQparameterStatus (connection->pg, "server_version"));
  }
  else
  {
    uint64_t back_off_us = atomic_load (&store->back_off_us) * 2;

    if (back_off_us < BACK_OFF_FIRST_US)
      back_off_us = BACK_OFF_FIRST_US;
    if (back_off_us > BACK_OFF_MAX_US)
      back_off_us = BACK_OFF_MAX_US;
    atomic_store (&store->back_off_us, back_off_us);
    atomic_store (&store->next_attempt_us, clock_monotonic_us () + back_off_us);
  }
  return code;
}

void
store_start_request (struct store_connection *connection, uint64_t deadline_us)
{
  connection->deadline_us = deadline_us;
  connection->spent_us = 0;
  connection->checked = false;
}

uint64_t
store_end_request (struct store_connection *connection)
{
  if (NULL != connection->pg && PQTRANS_IDLE != PQtransactionStatus (connection->pg))
  {
    /* Only a failure in the middle of a transaction leads here. */
    connection->deadline_us = 0;
    (void)store_script (connection, "ROLLBACK", NULL);
    if (NULL != connection->pg && PQTRANS_IDLE != PQtransactionStatus (connection->pg))
      disconnect (connection);
  }
  connection->deadline_us = 0;
  return connection->spent_us;
}

/* A connection for the next statement. A server that was restarted since the last request has closed the socket: that
   is seen here, before anything is sent, so that such a request opens a new connection instead of failing. */
static enum err_code
ready (struct store_connection *connection, struct err *err)
{
  if (NULL != connection->pg && ! connection->checked && PQTRANS_IDLE == PQtransactionStatus (connection->pg))
  {
    struct pollfd poller = { .fd = PQsocket (connection->pg), .events = POLLIN };

    if (0 != poll (&poller, 1, 0)
        && (0 == PQconsumeInput (connection->pg) || CONNECTION_OK != PQstatus (connection->pg)))
      disconnect (connection);
  }
  connection->checked = true;
  return store_connect (connection, err);
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
explain (struct store_connection *connection, const PGresult *rows, const char *statement, struct err *err)
{
  const char *state = PQresultErrorField (rows, PG_DIAG_SQLSTATE);
  const char *text = PQresultErrorField (rows, PG_DIAG_MESSAGE_PRIMARY);
  char cause[250];

  snprintf (cause, sizeof (cause), "%s: %s %s", statement, NULL == state ? "-----" : state,
            NULL == text ? PQresultErrorMessage (rows) : text);
  connection->conflict = NULL != state && (0 == strcmp (state, "40001") || 0 == strcmp (state, "40P01"));
  for (size_t i = 0; NULL != state && i < sizeof (sql_states) / sizeof (sql_states[0]); i++)
    if (0 == strncmp (state, sql_states[i].state, strlen (sql_states[i].state)))
    {
      enum err_code code = err_set_cause (err, sql_states[i].code, cause, "%s", sql_states[i].message);

      if (NULL != err && ERR_TEMPORARILY_UNAVAILABLE == code)
        err->retry_after_s = RETRY_AFTER_S;
      return code;
    }
  return err_set_cause (err, ERR_INTERNAL_ERROR, cause, "internal error");
}

/* Who gets the rows of a streamed statement. */
struct stream
{
  store_row row;
  void *context;
};

/* Take over one result: hand a streamed row on, keep any other as the last one. */
static enum err_code
take (PGresult **rows, struct store_connection *connection, PGresult *next, const struct stream *stream,
      const char *statement, struct err *err)
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
    code = explain (connection, next, statement, err);
    PQclear (next);
    return code;
  }
}

/* Wait for the answer to what was sent; `rows` receives the last result. `stream` is NULL unless the statement was put
   into single-row mode. */
static enum err_code
finish (PGresult **rows, struct store_connection *connection, const struct stream *stream, const char *statement,
        struct err *err)
{
  uint64_t deadline_us = deadline_of (connection);
  enum err_code code = ERR_OK;
  PGresult *next;
  int flushed;

  *rows = NULL;
  while (0 != (flushed = PQflush (connection->pg)))
  {
    if (flushed < 0)
      return lose (connection, PQerrorMessage (connection->pg), err);
    if (! wait_socket (connection->pg, true, deadline_us))
      goto late;
    if (0 == PQconsumeInput (connection->pg))
      return lose (connection, PQerrorMessage (connection->pg), err);
  }
  for (;;)
  {
    while (PQisBusy (connection->pg))
    {
      if (! wait_socket (connection->pg, false, deadline_us))
        goto late;
      if (0 == PQconsumeInput (connection->pg))
      {
        PQclear (*rows);
        *rows = NULL;
        return lose (connection, PQerrorMessage (connection->pg), err);
      }
    }
    next = PQgetResult (connection->pg);
    if (NULL == next)
      break;
    if (ERR_OK == code)
      code = take (rows, connection, next, stream, statement, err);
    else
      PQclear (next);
  }
  if (CONNECTION_OK != PQstatus (connection->pg))
  {
    char line[200];

    one_line (line, sizeof (line), PQerrorMessage (connection->pg));
    PQclear (*rows);
    *rows = NULL;
    note_health (connection->store, -1, line);
    disconnect (connection);
    return ERR_OK == code ? unavailable (err, line, "The database cannot be reached; try again shortly.") : code;
  }
  return code;

late:
  PQclear (*rows);
  *rows = NULL;
  /* The answer may still come: this connection cannot be used again. */
  disconnect (connection);
  return unavailable (err, statement, "The request took longer than its time budget.");
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

static enum err_code
prepare (struct store_connection *connection, const struct statement *statement, struct err *err)
{
  enum err_code code;
  PGresult *rows = NULL;
  size_t slot;

  if (is_prepared (connection, statement, &slot))
    return ERR_OK;
  if (connection->prepared_count >= PREPARED_SLOTS / 2)
    abort (); /* the table above is too small for the program */
  if (1 != PQsendPrepare (connection->pg, statement->name, statement->sql, 0, NULL))
    return lose (connection, PQerrorMessage (connection->pg), err);
  code = finish (&rows, connection, NULL, statement->name, err);
  PQclear (rows);
  if (ERR_OK != code)
    return code;
  connection->prepared[slot] = statement;
  connection->prepared_count++;
  return ERR_OK;
}

static enum err_code
send (struct store_connection *connection, const struct statement *statement, const struct parameters *parameters,
      struct err *err)
{
  static const int binary[PARAMETERS_MAX] = { [0 ... PARAMETERS_MAX - 1] = 1 };
  int count = NULL == parameters ? 0 : (int)parameters->count;
  const char *const *values = NULL == parameters ? NULL : parameters->values;
  const int *lengths = NULL == parameters ? NULL : parameters->lengths;
  bool unprepared = NULL == statement->name || connection->store->config->database_pgbouncer;
  enum err_code code;
  int sent;

  if ((NULL != parameters && parameters->failed) || (unsigned)count != statement->parameters)
    return err_set_cause (err, ERR_INTERNAL_ERROR, statement->name, "out of memory");
  if (! unprepared)
  {
    code = prepare (connection, statement, err);
    if (ERR_OK != code)
      return code;
    sent = PQsendQueryPrepared (connection->pg, statement->name, count, values, lengths, binary, 1);
  }
  else
    sent = PQsendQueryParams (connection->pg, statement->sql, count, NULL, values, lengths, binary, 1);
  if (1 != sent)
    return lose (connection, PQerrorMessage (connection->pg), err);
  return ERR_OK;
}

enum err_code
store_query (struct result *result, struct store_connection *connection, const struct statement *statement,
             const struct parameters *parameters, struct err *err)
{
  struct stopwatch watch = stopwatch_start (connection);
  PGresult *rows = NULL;
  enum err_code code;

  result_free (result);
  connection->conflict = false;
  code = ready (connection, err);
  if (ERR_OK == code)
    code = send (connection, statement, parameters, err);
  if (ERR_OK == code)
    code = finish (&rows, connection, NULL, NULL == statement->name ? "search" : statement->name, err);
  result->rows = rows;
  stopwatch_stop (connection, watch);
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
  code = ready (connection, err);
  if (ERR_OK == code)
    code = send (connection, statement, parameters, err);
  if (ERR_OK == code && 1 != PQsetSingleRowMode (connection->pg))
    code = lose (connection, "single-row mode was refused", err);
  if (ERR_OK == code)
    code = finish (&rows, connection, &stream, NULL == statement->name ? "search" : statement->name, err);
  PQclear (rows);
  stopwatch_stop (connection, watch);
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
store_change (bool *changed, struct store_connection *connection, const struct statement *statement,
              const struct parameters *parameters, struct err *err)
{
  uint64_t affected = 0;
  enum err_code code = store_execute (&affected, connection, statement, parameters, err);

  *changed = affected > 0;
  return code;
}

enum err_code
store_script (struct store_connection *connection, const char *sql, struct err *err)
{
  struct stopwatch watch = stopwatch_start (connection);
  PGresult *rows = NULL;
  enum err_code code = NULL == connection->pg ? ready (connection, err) : ERR_OK;

  if (ERR_OK == code && 1 != PQsendQuery (connection->pg, sql))
    code = lose (connection, PQerrorMessage (connection->pg), err);
  if (ERR_OK == code)
    code = finish (&rows, connection, NULL, "script", err);
  PQclear (rows);
  stopwatch_stop (connection, watch);
  return code;
}

static enum err_code
transaction_once (struct store_connection *connection, const char *begin, store_work work, void *context,
                  struct err *err)
{
  enum err_code code = ready (connection, err);

  connection->conflict = false;
  if (ERR_OK == code)
    code = store_script (connection, begin, err);
  if (ERR_OK != code)
    return code;
  code = work (connection, context, err);
  if (ERR_OK == code)
    return store_script (connection, "COMMIT", err);
  if (NULL != connection->pg)
  {
    bool conflict = connection->conflict;

    (void)store_script (connection, "ROLLBACK", NULL);
    connection->conflict = conflict;
  }
  return code;
}

enum err_code
store_transaction (struct store_connection *connection, enum store_isolation isolation, store_work work, void *context,
                   struct err *err)
{
  const char *begin = STORE_SNAPSHOT == isolation ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN";
  struct err ignored = { 0 };
  enum err_code code = ERR_OK;

  if (NULL == err)
    err = &ignored;
  for (unsigned attempt = 0; attempt < TRANSACTION_TRIES; attempt++)
  {
    code = transaction_once (connection, begin, work, context, err);
    if (ERR_OK == code || ! connection->conflict)
      break;
    if (attempt + 1 < TRANSACTION_TRIES)
      err_clear (err);
  }
  return code;
}
