/* One PostgreSQL connection: opening with back-off, health, loss. */
#include "store/connection_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Oldest server whose SQL we use: xid8 came with PostgreSQL 13. */
#define SERVER_VERSION_MIN 130000
/* PostgreSQL 14 knows the setting. */
#define MEMOIZE_VERSION 140000
/* Opening must not eat the whole budget of a request: a local server answers in milliseconds, a distant one within
   a few round trips. */
#define CONNECT_BUDGET_US ((uint64_t)5 * 1000000)
/* After a failed attempt nobody tries again for this long, doubling up to the maximum: a server that starts is found
   quickly and one that is away is not flooded. */
#define BACK_OFF_FIRST_US ((uint64_t)50 * 1000)
#define BACK_OFF_MAX_US ((uint64_t)1000 * 1000)
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

void
connection_note_health (struct store *store, int health, const char *cause)
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

void
connection_drop (struct store_connection *connection)
{
  if (NULL == connection->pg)
    return;
  PQfinish (connection->pg);
  connection->pg = NULL;
  memset (connection->prepared, 0, sizeof (connection->prepared));
  connection->prepared_count = 0;
  connection->server = 0;
  stats_add (&stats.database_connections, -1);
}

void
store_connection_free (struct store_connection *connection)
{
  if (NULL == connection)
    return;
  connection_drop (connection);
  free (connection);
}

enum err_code
connection_unavailable (struct err *err, const char *cause, const char *message)
{
  return err_set_cause (err, ERR_TEMPORARILY_UNAVAILABLE, cause, "%s", message);
}

/* One line of libpq's text without its line breaks. */
const char *
connection_one_line (char *out, size_t capacity, const char *text)
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
enum err_code
connection_lose (struct store_connection *connection, const char *cause, struct err *err)
{
  char line[200];

  connection_one_line (line, sizeof (line), cause);
  connection_note_health (connection->store, -1, line);
  connection_drop (connection);
  return connection_unavailable (err, line, "The database cannot be reached; try again shortly.");
}

uint64_t
connection_deadline (const struct store_connection *connection)
{
  if (0 != connection->deadline_us)
    return connection->deadline_us;
  return clock_monotonic_us () + (uint64_t)connection->store->config->work_timeout_ms * 1000;
}

/* "already exists, skipping" and its like: libpq would write them to stderr, between the lines of the log. */
static void
ignore_notice (void *context, const char *message)
{
  (void)context;
  (void)message;
}

static enum err_code
open_until (struct store_connection *connection, uint64_t deadline_us, struct err *err)
{
  const char *const keywords[] = { "dbname", "fallback_application_name", "client_encoding", NULL };
  const char *const values[] = { connection->store->config->database_url, "tallyd", "UTF8", NULL };
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;

  connection->pg = PQconnectStartParams (keywords, values, 1);
  if (NULL == connection->pg)
    return connection_unavailable (err, "out of memory", "The database cannot be reached; try again shortly.");
  stats_add (&stats.database_connections, 1);
  (void)PQsetNoticeProcessor (connection->pg, ignore_notice, NULL);
  if (CONNECTION_BAD == PQstatus (connection->pg))
    return connection_lose (connection, PQerrorMessage (connection->pg), err);
  while (PGRES_POLLING_OK != state)
  {
    struct pollfd poller;
    uint64_t now_us = clock_monotonic_us ();

    if (now_us >= deadline_us)
      return connection_lose (connection, "opening a connection took too long", err);
    poller =
        (struct pollfd){ .fd = PQsocket (connection->pg), .events = PGRES_POLLING_READING == state ? POLLIN : POLLOUT };
    (void)poll (&poller, 1, (int)((deadline_us - now_us) / 1000 + 1));
    state = PQconnectPoll (connection->pg);
    if (PGRES_POLLING_FAILED == state)
      return connection_lose (connection, PQerrorMessage (connection->pg), err);
  }
  if (0 != PQsetnonblocking (connection->pg, 1))
    return connection_lose (connection, PQerrorMessage (connection->pg), err);
  if (PQserverVersion (connection->pg) < SERVER_VERSION_MIN)
    return connection_lose (connection, "PostgreSQL 13 or newer is needed", err);
  return ERR_OK;
}

enum err_code
store_connect (struct store_connection *connection, struct err *err)
{
  struct store *store = connection->store;
  uint64_t now_us = clock_monotonic_us ();
  uint64_t deadline_us = connection_deadline (connection);
  enum err_code code;

  if (NULL != connection->pg)
    return ERR_OK;
  if (now_us < atomic_load (&store->next_attempt_us))
    return connection_unavailable (err, "waiting before the next attempt",
                                   "The database cannot be reached; try again shortly.");
  if (deadline_us > now_us + CONNECT_BUDGET_US)
    deadline_us = now_us + CONNECT_BUDGET_US;
  code = open_until (connection, deadline_us, err);
  if (ERR_OK == code && ! store->config->database_pgbouncer)
  {
    char sql[256];

    /* Every statement here is written for its index; a plan made while a table was empty must not stay a table scan
       when it has grown. Compiling plans costs more than any of these statements, and keeping what was found for one
       run in case that the same is asked for again is in vain, because the lists of runs are distinct. */
    snprintf (sql, sizeof (sql), "SET enable_seqscan = off; SET jit = off; %sSET statement_timeout = %lld",
              PQserverVersion (connection->pg) >= MEMOIZE_VERSION ? "SET enable_memoize = off; " : "",
              (long long)store->config->work_timeout_ms);
    code = statement_script (connection, sql, err);
  }
  if (ERR_OK == code)
  {
    atomic_store (&store->back_off_us, 0);
    atomic_store (&store->next_attempt_us, 0);
    connection_note_health (store, 1, PQparameterStatus (connection->pg, "server_version"));
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

void
store_renew_deadline (struct store_connection *connection, uint64_t deadline_us)
{
  connection->deadline_us = deadline_us;
}

uint64_t
store_end_request (struct store_connection *connection)
{
  if (NULL != connection->pg && PQTRANS_IDLE != PQtransactionStatus (connection->pg))
  {
    /* Only a failure in the middle of a transaction leads here. */
    connection->deadline_us = 0;
    (void)statement_script (connection, "ROLLBACK", NULL);
    if (NULL != connection->pg && PQTRANS_IDLE != PQtransactionStatus (connection->pg))
      connection_drop (connection);
  }
  connection->deadline_us = 0;
  return connection->spent_us;
}

/* A connection for the next statement. A server that was restarted since the last request has closed the socket: that
   is seen here, before anything is sent, so that such a request opens a new connection instead of failing. */
enum err_code
connection_ready (struct store_connection *connection, struct err *err)
{
  if (NULL != connection->pg && ! connection->checked && PQTRANS_IDLE == PQtransactionStatus (connection->pg))
  {
    struct pollfd poller = { .fd = PQsocket (connection->pg), .events = POLLIN };

    /* Nobody listens for notifications here: what a server says unasked is its good-bye, or that a setting was changed,
       for which a new connection is as good. Its end may follow only later. */
    if (0 != poll (&poller, 1, 0))
      connection_drop (connection);
  }
  connection->checked = true;
  return store_connect (connection, err);
}
