/* One PostgreSQL connection with a time budget, lazily prepared statements and errors in our own terms. */
#ifndef STORE_CONNECTION_H
#define STORE_CONNECTION_H

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "store/parameters.h"
#include "store/result.h"

#include <stdint.h>

/* A statement: SQL text with $n parameters only, and how many. Statements live in const tables, one per file. */
struct statement
{
  const char *name; /* unique in the program; also the name it is prepared under */
  const char *sql;
  unsigned parameters;
};

/* All statements of one file, for the test that prepares every one. */
struct statement_table
{
  const struct statement *statements;
  size_t count;
};

struct store;
struct store_connection;

/* Settings and the health that all connections share. The caller frees with store_free after all connections.
   Thread-safe. */
struct store *store_new (const struct config *config);
void store_free (struct store *store);

/* A connection that is opened at first use and again after a loss. Not thread-safe: one thread at a time. */
struct store_connection *store_connection_new (struct store *store);
void store_connection_free (struct store_connection *connection);

/* Open the connection now. Errors: TEMPORARILY_UNAVAILABLE with libpq's text as cause. */
enum err_code store_connect (struct store_connection *connection, struct err *err);

/* A number for this run of the server: another one after the server has crashed, even when only its backends started
   anew, and on a standby that took over. Then numbers of transactions may be given out a second time, because what was
   not yet on disk is forgotten. Errors: those of store_query. */
enum err_code store_server (uint64_t *server, struct store_connection *connection, struct err *err);

/* Start the budget of a request: statements must end before `deadline_us` of clock_monotonic_us. */
void store_start_request (struct store_connection *connection, uint64_t deadline_us);

/* Give the request under way another deadline. */
void store_renew_deadline (struct store_connection *connection, uint64_t deadline_us);

/* Roll back what a failed request left open; gives the time spent waiting for PostgreSQL since store_start_request. */
uint64_t store_end_request (struct store_connection *connection);

/* Run a statement; `result` receives all rows and is freed by the caller with result_free also after a failure.
   Errors: TEMPORARILY_UNAVAILABLE (no connection, time over, shutting down), RESOURCE_CONFLICT (serialization,
   deadlock; store_transaction retries those), RESOURCE_ALREADY_EXISTS (unique violation), INVALID_PARAMETER_VALUE
   (text that PostgreSQL refuses), INTERNAL_ERROR. */
enum err_code store_query (struct result *result, struct store_connection *connection,
                           const struct statement *statement, const struct parameters *parameters, struct err *err);

/* As store_query, and decode the first row into `out`. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is
   none. */
enum err_code store_query_one (void *out, struct result *result, struct store_connection *connection,
                               const struct statement *statement, const struct parameters *parameters,
                               const struct column *columns, size_t column_count, struct err *err);

/* As store_query for a statement without rows of interest; `affected`, if not NULL, receives the number of rows
   changed. */
enum err_code store_execute (uint64_t *affected, struct store_connection *connection, const struct statement *statement,
                             const struct parameters *parameters, struct err *err);

/* As store_execute; `changed` receives whether any row was changed. */
enum err_code store_change (bool *changed, struct store_connection *connection, const struct statement *statement,
                            const struct parameters *parameters, struct err *err);

/* Called with one row at a time: row 0 of `result`. Anything but ERR_OK ends the reading with that error. */
typedef enum err_code (*store_row) (const struct result *result, void *context, struct err *err);

/* As store_query, but hand over the rows one by one as they arrive, so that memory does not grow with their number. */
enum err_code store_stream (struct store_connection *connection, const struct statement *statement,
                            const struct parameters *parameters, store_row row, void *context, struct err *err);

/* Run SQL text without parameters, possibly several statements; for migrations and transaction control. */
enum err_code store_script (struct store_connection *connection, const char *sql, struct err *err);

/* What runs inside a transaction. It may run again after a conflict: it resets its output first. */
typedef enum err_code (*store_work) (struct store_connection *connection, void *context, struct err *err);

enum store_isolation
{
  STORE_WRITE, /* READ COMMITTED */
  STORE_SNAPSHOT /* REPEATABLE READ READ ONLY: several reads that agree */
};

/* Run `work` in a transaction and commit; rolls back on any error, tries again after conflicts (at most five times).
   Never nested. */
enum err_code store_transaction (struct store_connection *connection, enum store_isolation isolation, store_work work,
                                 void *context, struct err *err);

#endif
