/* Tests of one connection: errors in our own terms, deadlines, loss and healing, transactions and their retries. */
#include "database.h"

#include "base/clock.h"
#include "base/stats.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* The time budget of a request whose statement takes much longer, */
#define BUDGET_US 1000000
/* and how long that would take. */
#define SLEEP_US 10000000

static const struct statement answer = { "test_answer", "SELECT 42::int8", 0 };
static const struct statement sleeping = { "test_sleep", "SELECT 1::int8 FROM pg_sleep(20)", 0 };
static const struct statement slow_series = { "test_slow_series",
                                              "SELECT i::int8, repeat('x', 8000) FROM generate_series(1, 1000) AS s "
                                              "(i), LATERAL (SELECT pg_sleep(0.01 + 0 * i)) AS n",
                                              0 };

/* A request that asks for 42. */
static enum err_code
ask (struct store_connection *connection, struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  int64_t number = 0;
  enum err_code code;

  *err = (struct err){ 0 };
  store_start_request (connection, clock_monotonic_us () + 30000000);
  code = store_query (&result, connection, &answer, NULL, err);
  if (ERR_OK == code)
    code = result_row (&number, &result, 0, columns, 1, err);
  result_free (&result);
  (void)store_end_request (connection);
  ck_assert_int_eq (number, ERR_OK == code ? 42 : 0);
  return code;
}

/* --- errors ------------------------------------------------------------------------------------------------------ */

static const struct
{
  const char *state;
  enum err_code code;
} states[] = {
  { "40001", ERR_RESOURCE_CONFLICT },       { "40P01", ERR_RESOURCE_CONFLICT },
  { "55P03", ERR_TEMPORARILY_UNAVAILABLE }, { "57014", ERR_TEMPORARILY_UNAVAILABLE },
  { "57P01", ERR_TEMPORARILY_UNAVAILABLE }, { "57P03", ERR_TEMPORARILY_UNAVAILABLE },
  { "53100", ERR_TEMPORARILY_UNAVAILABLE }, { "53200", ERR_TEMPORARILY_UNAVAILABLE },
  { "53300", ERR_TEMPORARILY_UNAVAILABLE }, { "08006", ERR_TEMPORARILY_UNAVAILABLE },
  { "25006", ERR_TEMPORARILY_UNAVAILABLE }, { "23505", ERR_RESOURCE_ALREADY_EXISTS },
  { "22021", ERR_INVALID_PARAMETER_VALUE }, { "22P05", ERR_INVALID_PARAMETER_VALUE },
  { "54000", ERR_INVALID_PARAMETER_VALUE }, { "23502", ERR_INTERNAL_ERROR },
  { "42601", ERR_INTERNAL_ERROR },          { "XX000", ERR_INTERNAL_ERROR },
  { "P0001", ERR_INTERNAL_ERROR },          { "22003", ERR_INTERNAL_ERROR },
};

START_TEST (translates_errors)
{
  for (size_t i = 0; i < sizeof (states) / sizeof (states[0]); i++)
  {
    struct err err = { 0 };
    const char *sql =
        arena_printf (database.arena, "DO $$ BEGIN RAISE 'table secret' USING ERRCODE = '%s'; END $$", states[i].state);

    store_start_request (database.connection, 0);
    ck_assert_msg (store_script (database.connection, sql, &err) == states[i].code, "%s: %s", states[i].state,
                   err_name (err.code));
    ck_assert_int_eq (err.code, states[i].code);
    /* What the database says is for the log, never for the client. */
    ck_assert_ptr_null (strstr (err.message, "secret"));
    ck_assert_uint_gt (strlen (err.message), 0);
    ck_assert_ptr_nonnull (strstr (err.cause, states[i].state));
    ck_assert_ptr_nonnull (strstr (err.cause, "table secret"));
    ck_assert_int_eq (err.retry_after_s > 0, ERR_TEMPORARILY_UNAVAILABLE == states[i].code);
    ck_assert_int_eq (ask (database.connection, &err), ERR_OK);
  }
}
END_TEST

START_TEST (refuses_text_that_cannot_be_stored)
{
  static const struct statement echo = { "test_echo", "SELECT $1::text", 1 };
  static const struct statement json = { "test_json", "SELECT $1::text::jsonb", 1 };
  struct result result = { NULL };
  struct parameters parameters;
  struct err err = { 0 };

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, (struct slice){ "a\xFF", 2 });
  ck_assert_int_eq (store_query (&result, database.connection, &echo, &parameters, &err), ERR_INVALID_PARAMETER_VALUE);
  err = (struct err){ 0 };
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, (struct slice){ "a\0b", 3 });
  ck_assert_int_eq (store_query (&result, database.connection, &echo, &parameters, &err), ERR_INVALID_PARAMETER_VALUE);
  err = (struct err){ 0 };
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, SLICE ("\"\\u0000\""));
  ck_assert_int_eq (store_query (&result, database.connection, &json, &parameters, &err), ERR_INVALID_PARAMETER_VALUE);
  result_free (&result);
}
END_TEST

START_TEST (refuses_a_wrong_number_of_parameters)
{
  static const struct statement two = { "test_two", "SELECT $1::int8 + $2::int8", 2 };
  struct result result = { NULL };
  struct parameters parameters;
  struct err err = { 0 };

  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, 1);
  ck_assert_int_eq (store_query (&result, database.connection, &two, &parameters, &err), ERR_INTERNAL_ERROR);
  ck_assert_int_eq (store_query (&result, database.connection, &two, NULL, &err), ERR_INTERNAL_ERROR);
  ck_assert_int_eq (ask (database.connection, &err), ERR_OK);
}
END_TEST

/* --- time -------------------------------------------------------------------------------------------------------- */

START_TEST (ends_at_the_deadline)
{
  static const struct statement *const statements[] = { &sleeping, &slow_series };
  uint64_t start_us = clock_monotonic_us ();
  struct result result = { NULL };
  struct err err = { 0 };

  store_start_request (database.connection, start_us + BUDGET_US);
  ck_assert_int_eq (store_query (&result, database.connection, statements[_i], NULL, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_ge (clock_monotonic_us () - start_us, BUDGET_US);
  ck_assert_uint_lt (clock_monotonic_us () - start_us, SLEEP_US);
  ck_assert_str_eq (err.message, "The request took longer than its time budget.");
  ck_assert_uint_gt (err.retry_after_s, 0);
  /* The rest is this process, which others may keep from the processor. */
  ck_assert_uint_ge (store_end_request (database.connection), BUDGET_US / 2);
  ck_assert_uint_eq (result_count (&result), 0);
  ck_assert_int_eq (ask (database.connection, &err), ERR_OK);
}
END_TEST

START_TEST (gives_nothing_when_the_deadline_is_past)
{
  struct result result = { NULL };
  struct err err = { 0 };

  store_start_request (database.connection, 1);
  ck_assert_int_eq (store_query (&result, database.connection, &sleeping, NULL, &err), ERR_TEMPORARILY_UNAVAILABLE);
  (void)store_end_request (database.connection);
  ck_assert_int_eq (ask (database.connection, &err), ERR_OK);
}
END_TEST

START_TEST (leaves_no_statement_running_for_ever)
{
  static const struct statement abandoned = { "test_abandoned", "SELECT 1::int8 FROM pg_sleep(21)", 0 };
  struct store_connection *connection;
  struct result result = { NULL };
  struct err err = { 0 };
  uint64_t give_up_us;

  database.config.work_timeout_ms = 1000;
  connection = database_connect ();
  store_start_request (connection, clock_monotonic_us () + 100000);
  ck_assert_int_eq (store_query (&result, connection, &abandoned, NULL, &err), ERR_TEMPORARILY_UNAVAILABLE);
  (void)store_end_request (connection);
  /* By itself it would end after this time. */
  give_up_us = clock_monotonic_us () + 21000000;
  while (0 < database_number ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                              " AND state = 'active' AND query LIKE '%%pg_sleep(21)' AND pid <> pg_backend_pid()"))
  {
    ck_assert_uint_lt (clock_monotonic_us (), give_up_us);
    usleep (50000);
  }
  store_connection_free (connection);
}
END_TEST

/* --- loss -------------------------------------------------------------------------------------------------------- */

START_TEST (heals_between_requests)
{
  struct store_connection *connection = database_connect ();
  struct err err = { 0 };

  for (unsigned i = 0; i < 3; i++)
  {
    ck_assert_msg (ERR_OK == ask (connection, &err), "%s", err.cause);
    database_terminate_others ();
    /* Not even one request fails, although its statement was prepared on the lost connection. */
    ck_assert_msg (ERR_OK == ask (connection, &err), "%s", err.cause);
  }
  store_connection_free (connection);
}
END_TEST

/* Once the statement is under way: one that comes later would only make a connection of its own. */
static void *
terminate_soon (void *context)
{
  unsigned waited = 0;

  (void)context;
  while (0
         == database_number ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                             " AND state = 'active' AND query LIKE '%%pg_sleep(20)' AND pid <> pg_backend_pid()"))
  {
    ck_assert_uint_lt (waited++, 3000);
    usleep (10000);
  }
  database_terminate_others ();
  return NULL;
}

/* After a crash the server starts its statistics anew, and says when; a reset by hand looks the same. */
START_TEST (knows_another_run_of_the_server)
{
  struct store_connection *second = database_connect ();
  struct store_connection *third = database_connect ();
  uint64_t before = 0;
  uint64_t same = 0;
  uint64_t after = 0;

  ck_assert_int_eq (store_server (&before, database.connection, NULL), ERR_OK);
  ck_assert_int_eq (store_server (&same, second, NULL), ERR_OK);
  ck_assert_uint_ne (before, 0);
  ck_assert_uint_eq (before, same);
  database_run ("SELECT pg_stat_reset_shared('bgwriter')");
  ck_assert_int_eq (store_server (&after, third, NULL), ERR_OK);
  ck_assert_uint_ne (before, after);
  /* A connection lives within one run: it need not ask again. */
  ck_assert_int_eq (store_server (&same, second, NULL), ERR_OK);
  ck_assert_uint_eq (before, same);
  store_connection_free (second);
  store_connection_free (third);
}
END_TEST

START_TEST (fails_what_was_under_way)
{
  struct store_connection *connection = database_connect ();
  struct result result = { NULL };
  struct err err = { 0 };
  pthread_t thread;

  ck_assert_int_eq (ask (connection, &err), ERR_OK);
  ck_assert_int_eq (pthread_create (&thread, NULL, terminate_soon, NULL), 0);
  store_start_request (connection, clock_monotonic_us () + 15000000);
  ck_assert_int_eq (store_query (&result, connection, &sleeping, NULL, &err), ERR_TEMPORARILY_UNAVAILABLE);
  (void)store_end_request (connection);
  ck_assert_int_eq (pthread_join (thread, NULL), 0);
  ck_assert_msg (ERR_OK == ask (connection, &err), "%s", err.cause);
  store_connection_free (connection);
}
END_TEST

struct lossy
{
  unsigned runs;
  enum err_code second;
};

/* Writes, loses its connection, writes again. */
static enum err_code
lose_in_the_middle (struct store_connection *connection, void *context, struct err *err)
{
  struct lossy *lossy = context;
  enum err_code code = store_script (connection, "INSERT INTO mark VALUES (1)", err);

  lossy->runs++;
  if (ERR_OK != code)
    return code;
  database_terminate_others ();
  lossy->second = store_script (connection, "INSERT INTO mark VALUES (2)", err);
  return lossy->second;
}

START_TEST (does_not_go_on_outside_of_a_lost_transaction)
{
  struct store_connection *connection = database_connect ();
  struct lossy lossy = { 0 };
  struct err err = { 0 };

  database_run ("CREATE TABLE mark (x int)");
  store_start_request (connection, clock_monotonic_us () + 15000000);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, lose_in_the_middle, &lossy, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  (void)store_end_request (connection);
  ck_assert_uint_eq (lossy.runs, 1);
  ck_assert_int_eq (lossy.second, ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), 0);
  ck_assert_int_eq (ask (connection, &err), ERR_OK);
  store_connection_free (connection);
}
END_TEST

/* As above, but what is lost shows only at the commit. */
static enum err_code
lose_before_the_commit (struct store_connection *connection, void *context, struct err *err)
{
  struct lossy *lossy = context;
  enum err_code code = store_script (connection, "INSERT INTO mark VALUES (1)", err);

  lossy->runs++;
  if (ERR_OK == code)
    database_terminate_others ();
  return code;
}

START_TEST (does_not_take_a_lost_commit_for_done)
{
  struct store_connection *connection = database_connect ();
  struct lossy lossy = { 0 };
  struct err err = { 0 };

  database_run ("CREATE TABLE mark (x int)");
  store_start_request (connection, clock_monotonic_us () + 15000000);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, lose_before_the_commit, &lossy, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  (void)store_end_request (connection);
  ck_assert_uint_eq (lossy.runs, 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), 0);
  ck_assert_int_eq (ask (connection, &err), ERR_OK);
  store_connection_free (connection);
}
END_TEST

START_TEST (backs_off_when_nobody_answers)
{
  struct config config = { .database_url = (char *)"postgresql:///x?host=/nonexistent&connect_timeout=2",
                           .work_timeout_ms = 5000 };
  struct store *store = store_new (&config);
  struct store_connection *connection = store_connection_new (store);
  int64_t before = stats_get (&stats.database_connections);
  struct err err = { 0 };

  ck_assert_int_eq (store_connect (connection, &err), ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_gt (err.retry_after_s, 0);
  ck_assert_ptr_null (strstr (err.message, "nonexistent"));
  ck_assert_ptr_nonnull (strstr (err.cause, "nonexistent"));
  /* Many requests at once must not each try. */
  for (unsigned i = 0; i < 1000; i++)
    ck_assert_int_eq (ask (connection, &err), ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_int_lt (stats_get (&stats.database_connections) - before, 100);
  store_connection_free (connection);
  store_free (store);
}
END_TEST

/* --- transactions ------------------------------------------------------------------------------------------------ */

struct attempts
{
  unsigned runs;
  unsigned fail_until; /* runs before this one fail */
  const char *state;
};

static enum err_code
fail_at_first (struct store_connection *connection, void *context, struct err *err)
{
  struct attempts *attempts = context;
  enum err_code code = store_script (connection, "INSERT INTO mark VALUES (1)", err);

  if (ERR_OK == code && attempts->runs++ < attempts->fail_until)
    code = store_script (
        connection,
        arena_printf (database.arena, "DO $$ BEGIN RAISE 'x' USING ERRCODE = '%s'; END $$", attempts->state), err);
  return code;
}

START_TEST (tries_again_after_conflicts)
{
  static const struct
  {
    const char *label;
    unsigned fail_until;
    const char *state;
    unsigned runs;
    enum err_code code;
  } cases[] = {
    { "no conflict", 0, "40001", 1, ERR_OK },
    { "one", 1, "40001", 2, ERR_OK },
    { "a deadlock", 1, "40P01", 2, ERR_OK },
    { "four", 4, "40001", 5, ERR_OK },
    { "always", 1000, "40001", 5, ERR_RESOURCE_CONFLICT },
    { "another error", 1, "23505", 1, ERR_RESOURCE_ALREADY_EXISTS },
    { "our own error", 1, "XX000", 1, ERR_INTERNAL_ERROR },
    { "no time", 1, "57014", 1, ERR_TEMPORARILY_UNAVAILABLE },
  };
  struct attempts attempts = { 0, cases[_i].fail_until, cases[_i].state };
  struct err err = { 0 };

  database_run ("CREATE TABLE mark (x int)");
  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_transaction (database.connection, STORE_WRITE, fail_at_first, &attempts, &err),
                    cases[_i].code);
  ck_assert_int_eq (err.code, cases[_i].code);
  ck_assert_uint_eq (attempts.runs, cases[_i].runs);
  /* Once or not at all, and nothing is left open. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), ERR_OK == cases[_i].code);
  ck_assert_int_eq (database_number ("SELECT count(pg_current_xact_id_if_assigned())"), 0);
  err = (struct err){ 0 };
  attempts = (struct attempts){ 0, 0, "" };
  ck_assert_int_eq (store_transaction (database.connection, STORE_WRITE, fail_at_first, &attempts, NULL), ERR_OK);
}
END_TEST

struct crossing
{
  struct store_connection *connection;
  int first;
  int second;
  unsigned runs;
  enum err_code code;
};

static pthread_barrier_t barrier;

static enum err_code
cross (struct store_connection *connection, void *context, struct err *err)
{
  struct crossing *crossing = context;
  char sql[128];
  enum err_code code;

  snprintf (sql, sizeof (sql), "UPDATE mark SET y = y + 1 WHERE x = %d", crossing->first);
  code = store_script (connection, sql, err);
  if (0 == crossing->runs++)
    (void)pthread_barrier_wait (&barrier);
  snprintf (sql, sizeof (sql), "UPDATE mark SET y = y + 1 WHERE x = %d", crossing->second);
  return ERR_OK == code ? store_script (connection, sql, err) : code;
}

static void *
run_crossing (void *context)
{
  struct crossing *crossing = context;

  store_start_request (crossing->connection, clock_monotonic_us () + 20000000);
  crossing->code = store_transaction (crossing->connection, STORE_WRITE, cross, crossing, NULL);
  (void)store_end_request (crossing->connection);
  return NULL;
}

START_TEST (gets_over_a_deadlock)
{
  struct crossing crossings[] = { { .first = 1, .second = 2 }, { .first = 2, .second = 1 } };
  pthread_t threads[2];

  database_run ("CREATE TABLE mark (x int, y int); INSERT INTO mark VALUES (1, 0), (2, 0)");
  ck_assert_int_eq (pthread_barrier_init (&barrier, NULL, 2), 0);
  for (size_t i = 0; i < 2; i++)
  {
    crossings[i].connection = database_connect ();
    ck_assert_int_eq (pthread_create (&threads[i], NULL, run_crossing, &crossings[i]), 0);
  }
  for (size_t i = 0; i < 2; i++)
  {
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
    ck_assert_int_eq (crossings[i].code, ERR_OK);
    store_connection_free (crossings[i].connection);
  }
  /* At least one of them lost and tried again. */
  ck_assert_uint_ge (crossings[0].runs + crossings[1].runs, 3);
  ck_assert_int_eq (database_number ("SELECT sum(y)::int8 FROM mark"), 4);
}
END_TEST

START_TEST (rolls_back_what_a_request_left_open)
{
  struct store_connection *connection = database_connect ();
  struct err err = { 0 };

  database_run ("CREATE TABLE mark (x int)");
  store_start_request (connection, 0);
  ck_assert_int_eq (store_script (connection, "BEGIN; INSERT INTO mark VALUES (1)", &err), ERR_OK);
  (void)store_end_request (connection);
  ck_assert_int_eq (ask (connection, &err), ERR_OK);
  store_connection_free (connection);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), 0);
}
END_TEST

static enum err_code
write_in_snapshot (struct store_connection *connection, void *context, struct err *err)
{
  (void)context;
  return store_script (connection, "INSERT INTO mark VALUES (1)", err);
}

START_TEST (writes_nothing_in_a_snapshot)
{
  database_run ("CREATE TABLE mark (x int)");
  store_start_request (database.connection, 0);
  ck_assert_int_ne (store_transaction (database.connection, STORE_SNAPSHOT, write_in_snapshot, NULL, NULL), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), 0);
}
END_TEST

Suite *connection_suite (void);

Suite *
connection_suite (void)
{
  Suite *suite = suite_create ("connection");
  TCase *all[] = { tcase_create ("errors"), tcase_create ("time"), tcase_create ("loss"),
                   tcase_create ("transactions") };

  for (size_t i = 0; i < 4; i++)
  {
    tcase_add_checked_fixture (all[i], database_open_empty, database_close);
    tcase_set_timeout (all[i], 60);
    suite_add_tcase (suite, all[i]);
  }
  tcase_add_test (all[0], translates_errors);
  tcase_add_test (all[0], refuses_text_that_cannot_be_stored);
  tcase_add_test (all[0], refuses_a_wrong_number_of_parameters);
  tcase_add_loop_test (all[1], ends_at_the_deadline, 0, 2);
  tcase_add_test (all[1], gives_nothing_when_the_deadline_is_past);
  tcase_add_test (all[1], leaves_no_statement_running_for_ever);
  tcase_add_test (all[2], heals_between_requests);
  tcase_add_test (all[2], knows_another_run_of_the_server);
  tcase_add_test (all[2], fails_what_was_under_way);
  tcase_add_test (all[2], does_not_go_on_outside_of_a_lost_transaction);
  tcase_add_test (all[2], does_not_take_a_lost_commit_for_done);
  tcase_add_test (all[2], backs_off_when_nobody_answers);
  tcase_add_loop_test (all[3], tries_again_after_conflicts, 0, 8);
  tcase_add_test (all[3], gets_over_a_deadlock);
  tcase_add_test (all[3], rolls_back_what_a_request_left_open);
  tcase_add_test (all[3], writes_nothing_in_a_snapshot);
  return suite;
}
