/* The database of one store test. */
#include "database.h"

#include "store/experiment.h"
#include "store/migrate.h"
#include "store/run.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Far above what any test here needs. */
#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
/* Longest SQL of a test. */
#define SQL_BYTES 4096

struct database database;

static void
open_connection (void)
{
  char *url = getenv ("TALLY_TEST_DATABASE_URL");
  struct err err = { 0 };

  ck_assert_msg (NULL != url && '\0' != *url, "TALLY_TEST_DATABASE_URL names no database");
  database.config = (struct config){ .database_url = url, .work_timeout_ms = 30000 };
  database.store = store_new (&database.config);
  database.arena = arena_new (ARENA_BYTES);
  ck_assert (NULL != database.store && NULL != database.arena);
  database.connection = database_connect ();
  ck_assert_msg (ERR_OK == store_connect (database.connection, &err), "%s: %s", err.message, err.cause);
}

void
database_open_empty (void)
{
  open_connection ();
  database_run ("SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

void
database_open_migrated (void)
{
  struct err err = { 0 };
  unsigned applied;

  database_open_empty ();
  ck_assert_msg (ERR_OK == migrate (&applied, database.connection, MIGRATE_EMPTY_ONLY, "mlflow-artifacts:/", &err),
                 "%s: %s", err.message, err.cause);
}

void
database_close (void)
{
  store_connection_free (database.connection);
  store_free (database.store);
  arena_free (database.arena);
}

struct store_connection *
database_connect (void)
{
  struct store_connection *connection = store_connection_new (database.store);

  ck_assert_ptr_nonnull (connection);
  return connection;
}

static void
format_sql (char sql[SQL_BYTES], const char *format, va_list arguments)
{
  int length = vsnprintf (sql, SQL_BYTES, format, arguments);

  ck_assert (length > 0 && length < SQL_BYTES);
}

void
database_run (const char *format, ...)
{
  char sql[SQL_BYTES];
  struct err err = { 0 };
  va_list arguments;

  va_start (arguments, format);
  format_sql (sql, format, arguments);
  va_end (arguments);
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_script (database.connection, sql, &err), "%s: %s", sql, err.cause);
}

int64_t
database_number (const char *format, ...)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  char sql[SQL_BYTES];
  struct statement statement = { NULL, sql, 0 };
  struct result result = { NULL };
  struct err err = { 0 };
  int64_t number = 0;
  va_list arguments;

  va_start (arguments, format);
  format_sql (sql, format, arguments);
  va_end (arguments);
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_query (&result, database.connection, &statement, NULL, &err), "%s: %s", sql,
                 err.cause);
  ck_assert_uint_eq (result_count (&result), 1);
  ck_assert_msg (ERR_OK == result_row (&number, &result, 0, columns, 1, &err), "%s: %s", sql, err.cause);
  result_free (&result);
  return number;
}

void
database_terminate_others (void)
{
  database_run ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()");
  /* The signal works a moment later, which may be long on a machine that has much else to do. */
  for (unsigned i = 0; i < 3000; i++)
  {
    if (0
        == database_number ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"))
      return;
    usleep (20000);
  }
  ck_abort_msg ("a backend does not end");
}

int64_t
database_experiment (const char *name)
{
  const struct store_new_experiment fresh = {
    .workspace_id = 1, .name = slice_of (name), .root = SLICE ("root:/"), .tags = SLICE ("{}")
  };
  int64_t experiment_id = -1;
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_experiment_create (&experiment_id, database.connection, &fresh, 1, &err), "%s: %s",
                 err.message, err.cause);
  return experiment_id;
}

void
database_make_model (int64_t experiment_id, const char *model_id)
{
  database_run ("INSERT INTO logged_model (model_id, experiment_id, name, status, artifact_uri, created_at_ms,"
                " updated_at_ms) VALUES ('%s', %lld, 'a model', 1, 'root:/', 1, 1)",
                model_id, (long long)experiment_id);
}

struct uuid
database_make_run (int64_t experiment_id)
{
  struct store_new_run run = { .experiment_id = experiment_id,
                               .name = SLICE ("a run"),
                               .user_id = SLICE ("somebody"),
                               .started_at_ms = 1,
                               .tags = SLICE ("{\"mlflow.runName\": \"a run\"}"),
                               .arena = database.arena };
  struct store_new_run *runs[] = { &run };
  struct err err = { 0 };

  ck_assert (uuid_random (&run.run_id));
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_run_create (database.connection, runs, 1, database.arena, &err), "%s: %s", err.message,
                 err.cause);
  ck_assert (run.made);
  return run.run_id;
}

/* xorshift64*. */
uint64_t
database_random (void)
{
  static uint64_t state = UINT64_C (0x9E3779B97F4A7C15);

  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * UINT64_C (0x2545F4914F6CDD1D);
}
