/* What the two halves of a connection share; private to the room store. */
#ifndef STORE_CONNECTION_PRIVATE_H
#define STORE_CONNECTION_PRIVATE_H

#include "store/connection.h"

#include <libpq-fe.h>
#include <stdatomic.h>

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

#endif
