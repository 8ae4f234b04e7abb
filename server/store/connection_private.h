/* What connections, statements, pipelines and transactions share; private to the room store. */
#ifndef STORE_CONNECTION_PRIVATE_H
#define STORE_CONNECTION_PRIVATE_H

#include "store/connection.h"
#include "store/pipeline.h"

#include <libpq-fe.h>
#include <stdatomic.h>

/* Open-addressing set of prepared statements: at least twice the number of statements in the program. */
#define PREPARED_SLOTS 1024

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
  uint64_t server; /* what store_server says; 0: not asked since the connection was opened */
  bool checked; /* this request has seen that the socket is alive */
  bool conflict; /* the last failure was a serialization failure or a deadlock */
  bool committed; /* the transaction under way was committed by its own last pipeline */
  const struct statement *begin; /* goes with the next statement; NULL: none, or sent already */
  const struct statement *prepared[PREPARED_SLOTS];
  size_t prepared_count;
};

/* Record that the database was used with success (health 1, `cause` its version) or failed (-1); a change is logged. */
void connection_note_health (struct store *store, int health, const char *cause);

/* Close the connection; the next statement opens a new one. */
void connection_drop (struct store_connection *connection);

/* One line of libpq's text without its line breaks; gives `out`. */
const char *connection_one_line (char *out, size_t capacity, const char *text);

/* "Try again": TEMPORARILY_UNAVAILABLE with Retry-After. */
enum err_code connection_unavailable (struct err *err, const char *cause, const char *message);

/* The connection is broken or useless: drop it and say so. */
enum err_code connection_lose (struct store_connection *connection, const char *cause, struct err *err);

/* When the statement under way must have ended, of clock_monotonic_us. */
uint64_t connection_deadline (const struct store_connection *connection);

/* A connection for the next statement, opened anew if the server has closed it meanwhile. */
enum err_code connection_ready (struct store_connection *connection, struct err *err);

/* Measures statements. Others may be sent inside of it (to open the connection): they are part of its time. */
struct stopwatch
{
  uint64_t start_us;
  uint64_t spent_us; /* before it */
};

struct stopwatch stopwatch_start (const struct store_connection *connection);
void stopwatch_stop (struct store_connection *connection, struct stopwatch watch, size_t statements);

/* What a statement is called in the log. */
const char *statement_label (const struct statement *statement);

/* Refuse a statement whose parameters are not complete. Errors: INTERNAL_ERROR. */
enum err_code statement_check (const struct statement *statement, const struct parameters *parameters, struct err *err);

/* Prepare a statement that this connection has not prepared yet, waiting for the answer. Nothing may be under way. */
enum err_code statement_prepare (struct store_connection *connection, const struct statement *statement,
                                 struct err *err);

/* Send a statement that was checked and prepared, without waiting. */
enum err_code statement_send (struct store_connection *connection, const struct statement *statement,
                              const struct parameters *parameters, struct err *err);

/* Wait until everything has left. Errors here and in statement_next: TEMPORARILY_UNAVAILABLE, with the connection
   dropped, because it is broken or the deadline has passed. */
enum err_code statement_flush (struct store_connection *connection, uint64_t deadline_us, const char *label,
                               struct err *err);

/* Wait for the next result, which the caller clears; NULL behind the last. */
enum err_code statement_next (PGresult **next, struct store_connection *connection, uint64_t deadline_us,
                              const char *label, struct err *err);

/* Who gets the rows of a streamed statement. */
struct stream
{
  store_row row;
  void *context;
};

/* Take over one result: hand a streamed row on, keep any other as the last one in `rows`, explain an error.
   `stream` may be NULL outside of single-row mode. */
enum err_code statement_take (PGresult **rows, struct store_connection *connection, PGresult *next,
                              const struct stream *stream, const char *label, struct err *err);

/* As store_script, but leave a BEGIN waiting that waits: for what belongs to the connection and not to a transaction.
 */
enum err_code statement_script (struct store_connection *connection, const char *sql, struct err *err);

/* Send a BEGIN that still waits for its first statement, for statements that cannot take it along. */
enum err_code transaction_begin (struct store_connection *connection, struct err *err);

/* Run statements in one round trip, with a BEGIN that waits in front and a COMMIT behind when asked for. */
enum err_code pipeline_send (struct store_connection *connection, const struct pipeline_step *steps, size_t count,
                             bool commit, struct err *err);

#endif
