/* The database of one store test: TALLY_TEST_DATABASE_URL names it, and nobody else uses it. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/arena.h"
#include "store/connection.h"

#include <stdint.h>

struct database
{
  struct config config; /* may be changed before a connection is opened */
  struct store *store;
  struct store_connection *connection;
  struct arena *arena;
};

/* The one that the fixtures below set up. */
extern struct database database;

/* Fixtures: an empty database; one with the schema and the experiment Default; both with a first connection. */
void database_open_empty (void);
void database_open_migrated (void);
void database_close (void);

/* Another connection; free it with store_connection_free. */
struct store_connection *database_connect (void);

/* Run SQL that must succeed; `format` as in printf. */
void database_run (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* The one number that a query gives: SELECT ...::int8. */
int64_t database_number (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* End every connection but the first, and wait until its backend is gone. */
void database_terminate_others (void);

/* A new logged model of that identifier. */
void database_make_model (int64_t experiment_id, const char *model_id);

/* A new experiment, and a new run in it. */
int64_t database_experiment (const char *name);
struct uuid database_make_run (int64_t experiment_id);

/* Numbers that are the same in each run of the test. */
uint64_t database_random (void);

#endif
