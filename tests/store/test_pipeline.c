/* Tests of pipelines and of the transactions that they begin and commit: order, errors in the middle, loss, deadlines,
   conflicts. Each runs with prepared statements and without. */
#include "database.h"

#include "base/clock.h"
#include "store/pipeline.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* The time budget of a request whose statement takes much longer, */
#define BUDGET_US 1000000
/* and how long that would take. */
#define SLEEP_US 10000000

static const struct statement insert = { "test_insert", "INSERT INTO mark VALUES ($1::int8)", 1 };
static const struct statement insert_twice = { "test_insert_twice",
                                               "INSERT INTO mark VALUES ($1::int8), ($1::int8 + 1) RETURNING x", 1 };
static const struct statement count = { "test_count", "SELECT count(*) FROM mark", 0 };
static const struct statement fail = { "test_fail", "SELECT fail($1::text)", 1 };
static const struct statement sleeping = { "test_sleep", "SELECT 1::int8 FROM pg_sleep(20)", 0 };
static const struct statement suicide = { "test_suicide", "SELECT pg_terminate_backend(pg_backend_pid())", 0 };
static const struct statement inside = { "test_inside", "SELECT count(pg_current_xact_id_if_assigned())", 0 };

static struct store_connection *connection;

static void
open_mode (bool unprepared)
{
  database_run ("CREATE TABLE mark (x bigint);"
                "CREATE FUNCTION fail(state text) RETURNS bigint LANGUAGE plpgsql AS"
                " $$ BEGIN IF state <> '' THEN RAISE 'x' USING ERRCODE = state; END IF; RETURN 0; END $$");
  database.config.database_pgbouncer = unprepared;
  connection = database_connect ();
  store_start_request (connection, clock_monotonic_us () + 15000000);
}

/* Every test ends with this: the connection serves, is in no transaction, and the table has so many rows. */
static void
close_mode (int64_t rows)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  struct err err = { 0 };
  int64_t found = -1;

  (void)store_end_request (connection);
  store_start_request (connection, clock_monotonic_us () + 15000000);
  /* In an open transaction the second statement would see the number that the first one got. */
  parameters_init (&parameters, NULL);
  parameter_int64 (&parameters, 99);
  ck_assert_msg (ERR_OK == store_execute (NULL, connection, &insert, &parameters, &err), "%s", err.cause);
  ck_assert_msg (ERR_OK == store_query (&result, connection, &inside, NULL, &err), "%s", err.cause);
  ck_assert_int_eq (result_row (&found, &result, 0, columns, 1, &err), ERR_OK);
  ck_assert_int_eq (found, 0);
  result_free (&result);
  (void)store_end_request (connection);
  store_connection_free (connection);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM mark WHERE x <> 99"), rows);
}

static int64_t
number_of (const struct result *result, size_t row)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  int64_t number = -1;

  ck_assert_int_eq (result_row (&number, result, row, columns, 1, NULL), ERR_OK);
  return number;
}

static void
add_insert (struct pipeline *pipeline, int64_t number)
{
  parameter_int64 (pipeline_add (NULL, pipeline, &insert), number);
}

static void
add_fail (struct pipeline *pipeline, const char *state)
{
  parameter_text (pipeline_add (NULL, pipeline, &fail), slice_of (state));
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

START_TEST (answers_in_order)
{
  struct result results[4] = { { NULL } };
  struct pipeline pipeline;
  struct err err = { 0 };

  open_mode (_i);
  /* The second time everything is prepared already. */
  for (int64_t round = 0; round < 2; round++)
  {
    pipeline_init (&pipeline, connection, NULL);
    (void)pipeline_add (&results[0], &pipeline, &count);
    add_insert (&pipeline, 1);
    (void)pipeline_add (&results[1], &pipeline, &count);
    parameter_int64 (pipeline_add (&results[2], &pipeline, &insert_twice), 7);
    (void)pipeline_add (&results[3], &pipeline, &count);
    ck_assert_msg (ERR_OK == pipeline_run (&pipeline, &err), "%s", err.cause);
    ck_assert_int_eq (number_of (&results[0], 0), 3 * round);
    ck_assert_int_eq (number_of (&results[1], 0), 3 * round + 1);
    ck_assert_uint_eq (result_count (&results[2]), 2);
    ck_assert_int_eq (number_of (&results[2], 1), 8);
    ck_assert_int_eq (number_of (&results[3], 0), 3 * round + 3);
  }
  for (size_t i = 0; i < 4; i++)
    result_free (&results[i]);
  pipeline_init (&pipeline, connection, NULL);
  ck_assert_int_eq (pipeline_run (&pipeline, &err), ERR_OK);
  close_mode (6);
}
END_TEST

START_TEST (sends_and_receives_at_once)
{
  /* More in both directions than sockets hold: whoever only sends never ends. */
  static const struct statement long_answer = { "test_long_answer", "SELECT repeat('x', 4000000)", 0 };
  static const struct statement measure = { "test_measure", "SELECT length($1::text)::int8", 1 };
  const size_t bytes = 4000000;
  struct result results[4] = { { NULL } };
  char *text = malloc (bytes);
  struct pipeline pipeline;
  struct err err = { 0 };

  ck_assert_ptr_nonnull (text);
  memset (text, 'y', bytes);
  open_mode (_i);
  pipeline_init (&pipeline, connection, NULL);
  for (size_t i = 0; i < 4; i += 2)
  {
    (void)pipeline_add (&results[i], &pipeline, &long_answer);
    parameter_text (pipeline_add (&results[i + 1], &pipeline, &measure), (struct slice){ text, bytes });
  }
  ck_assert_msg (ERR_OK == pipeline_run (&pipeline, &err), "%s", err.cause);
  ck_assert_uint_eq (result_count (&results[2]), 1);
  ck_assert_int_eq (number_of (&results[3], 0), (int64_t)bytes);
  for (size_t i = 0; i < 4; i++)
    result_free (&results[i]);
  free (text);
  close_mode (0);
}
END_TEST

/* --- errors ------------------------------------------------------------------------------------------------------ */

START_TEST (undoes_all_after_an_error)
{
  static const struct
  {
    const char *state;
    enum err_code code;
  } cases[] = {
    { "40001", ERR_RESOURCE_CONFLICT },
    { "57014", ERR_TEMPORARILY_UNAVAILABLE },
    { "23505", ERR_RESOURCE_ALREADY_EXISTS },
    { "XX000", ERR_INTERNAL_ERROR },
  };

  open_mode (_i);
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct result result = { NULL };
    struct pipeline pipeline;
    struct err err = { 0 };

    pipeline_init (&pipeline, connection, NULL);
    add_insert (&pipeline, 1);
    add_fail (&pipeline, cases[i].state);
    add_insert (&pipeline, 2);
    (void)pipeline_add (&result, &pipeline, &count);
    ck_assert_int_eq (pipeline_run (&pipeline, &err), cases[i].code);
    ck_assert_int_eq (err.code, cases[i].code);
    ck_assert_ptr_nonnull (strstr (err.cause, cases[i].state));
    ck_assert_ptr_nonnull (strstr (err.cause, "test_fail"));
    ck_assert_uint_eq (result_count (&result), 0);
    result_free (&result);
  }
  close_mode (0);
}
END_TEST

START_TEST (refuses_incomplete_parameters_and_goes_on)
{
  struct pipeline pipeline;
  struct err err = { 0 };

  open_mode (_i);
  pipeline_init (&pipeline, connection, NULL);
  add_insert (&pipeline, 1);
  (void)pipeline_add (NULL, &pipeline, &insert);
  ck_assert_int_eq (pipeline_run (&pipeline, &err), ERR_INTERNAL_ERROR);
  /* An array without an arena. */
  err = (struct err){ 0 };
  pipeline_init (&pipeline, connection, NULL);
  add_insert (&pipeline, 1);
  parameter_int64_array (pipeline_add (NULL, &pipeline, &insert), (int64_t[]){ 1 }, 1);
  ck_assert_int_eq (pipeline_run (&pipeline, &err), ERR_INTERNAL_ERROR);
  close_mode (0);
}
END_TEST

/* --- transactions ------------------------------------------------------------------------------------------------ */

enum form
{
  ONE_PIPELINE, /* everything and the commit at once */
  TWO_PIPELINES, /* the second commits */
  PIPELINE_AND_COMMIT, /* the transaction commits */
  QUERY_AND_PIPELINE, /* the first statement goes alone */
  FORMS
};

struct script
{
  enum form form;
  const char *state; /* what fails in the middle; "" for nothing */
  unsigned fail_until; /* runs before this one fail */
  unsigned runs;
};

/* Two rows with a possible failure between them. */
static enum err_code
write_twice (struct store_connection *its, void *context, struct err *err)
{
  struct script *script = context;
  const char *state = script->runs++ < script->fail_until ? script->state : "";
  struct pipeline pipeline;
  enum err_code code = ERR_OK;

  pipeline_init (&pipeline, its, NULL);
  if (QUERY_AND_PIPELINE == script->form)
  {
    struct parameters parameters;

    parameters_init (&parameters, NULL);
    parameter_int64 (&parameters, 1);
    code = store_execute (NULL, its, &insert, &parameters, err);
  }
  else
    add_insert (&pipeline, 1);
  if (TWO_PIPELINES == script->form)
  {
    code = pipeline_run (&pipeline, err);
    pipeline_init (&pipeline, its, NULL);
  }
  if (ERR_OK != code)
    return code;
  add_fail (&pipeline, state);
  add_insert (&pipeline, 2);
  return PIPELINE_AND_COMMIT == script->form ? pipeline_run (&pipeline, err) : pipeline_commit (&pipeline, err);
}

START_TEST (tries_again_after_conflicts)
{
  static const struct
  {
    unsigned fail_until;
    const char *state;
    unsigned runs;
    enum err_code code;
  } cases[] = {
    { 0, "40001", 1, ERR_OK },
    { 1, "40001", 2, ERR_OK },
    { 4, "40P01", 5, ERR_OK },
    { 1000, "40001", 5, ERR_RESOURCE_CONFLICT },
    { 1, "23505", 1, ERR_RESOURCE_ALREADY_EXISTS },
    { 1, "XX000", 1, ERR_INTERNAL_ERROR },
    { 1, "57014", 1, ERR_TEMPORARILY_UNAVAILABLE },
  };
  int64_t rows = 0;

  open_mode (_i >= FORMS);
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct script script = { .form = (enum form) (_i % FORMS),
                             .state = cases[i].state,
                             .fail_until = cases[i].fail_until };
    struct err err = { 0 };

    ck_assert_int_eq (store_transaction (connection, STORE_WRITE, write_twice, &script, &err), cases[i].code);
    ck_assert_int_eq (err.code, cases[i].code);
    ck_assert_uint_eq (script.runs, cases[i].runs);
    rows += ERR_OK == cases[i].code ? 2 : 0;
    ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), rows);
  }
  close_mode (rows);
}
END_TEST

static enum err_code
commit_and_complain (struct store_connection *its, void *context, struct err *err)
{
  struct script script = { .form = ONE_PIPELINE, .state = "" };
  enum err_code code = write_twice (its, &script, err);

  (void)context;
  return ERR_OK == code ? err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "found out too late") : code;
}

static enum err_code
complain_and_commit (struct store_connection *its, void *context, struct err *err)
{
  struct pipeline pipeline;

  (void)context;
  pipeline_init (&pipeline, its, NULL);
  add_fail (&pipeline, "XX000");
  (void)pipeline_run (&pipeline, NULL);
  (void)err;
  return ERR_OK;
}

static enum err_code
do_nothing (struct store_connection *its, void *context, struct err *err)
{
  struct pipeline pipeline;

  (void)context;
  pipeline_init (&pipeline, its, NULL);
  return pipeline_commit (&pipeline, err);
}

START_TEST (a_commit_is_final)
{
  struct err err = { 0 };

  open_mode (_i);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, commit_and_complain, NULL, &err),
                    ERR_RESOURCE_DOES_NOT_EXIST);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), 2);
  err = (struct err){ 0 };
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, do_nothing, NULL, &err), ERR_OK);
  /* A failure that is kept secret is no success. */
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, complain_and_commit, NULL, &err), ERR_INTERNAL_ERROR);
  close_mode (2);
}
END_TEST

START_TEST (a_commit_can_fail)
{
  struct script script = { .form = ONE_PIPELINE, .state = "" };
  struct err err = { 0 };

  open_mode (_i);
  database_run ("ALTER TABLE mark ADD UNIQUE (x) DEFERRABLE INITIALLY DEFERRED");
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, write_twice, &script, &err), ERR_OK);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, write_twice, &script, &err),
                    ERR_RESOURCE_ALREADY_EXISTS);
  ck_assert_ptr_nonnull (strstr (err.cause, "transaction_commit"));
  close_mode (2);
}
END_TEST

/* What the first statements of a transaction see: its isolation, and that they are inside of it. */
static enum err_code
look_around (struct store_connection *its, void *context, struct err *err)
{
  static const struct statement isolation = {
    "test_isolation", "SELECT (current_setting('transaction_isolation') = 'repeatable read')::int::int8", 0
  };
  static const struct statement began = { "test_began", "SELECT extract(epoch FROM now())::numeric(30, 6)::text", 0 };
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct result results[3] = { { NULL } };
  struct slice times[2];
  enum err_code code = store_query (&results[0], its, &isolation, NULL, err);

  if (ERR_OK == code)
    *(int64_t *)context = number_of (&results[0], 0);
  /* now() stands still in a transaction. */
  for (size_t i = 0; i < 2; i++)
  {
    usleep (1000);
    if (ERR_OK == code)
      code = store_query (&results[i + 1], its, &began, NULL, err);
    if (ERR_OK == code)
      code = result_row (&times[i], &results[i + 1], 0, columns, 1, err);
  }
  if (ERR_OK == code)
    ck_assert (slice_equal (times[0], times[1]));
  for (size_t i = 0; i < 3; i++)
    result_free (&results[i]);
  return code;
}

START_TEST (a_transaction_begins_with_its_first_statement)
{
  int64_t repeatable = -1;
  struct err err = { 0 };

  open_mode (_i);
  ck_assert_msg (ERR_OK == store_transaction (connection, STORE_WRITE, look_around, &repeatable, &err), "%s",
                 err.cause);
  ck_assert_int_eq (repeatable, 0);
  ck_assert_msg (ERR_OK == store_transaction (connection, STORE_SNAPSHOT, look_around, &repeatable, &err), "%s",
                 err.cause);
  ck_assert_int_eq (repeatable, 1);
  close_mode (0);
}
END_TEST

/* --- time and loss ----------------------------------------------------------------------------------------------- */

/* A statement that does not come back between two rows. */
static enum err_code
hang (struct store_connection *its, void *context, struct err *err)
{
  struct pipeline pipeline;

  pipeline_init (&pipeline, its, NULL);
  add_insert (&pipeline, 1);
  (void)pipeline_add (NULL, &pipeline, context);
  add_insert (&pipeline, 2);
  return pipeline_commit (&pipeline, err);
}

START_TEST (ends_at_the_deadline)
{
  uint64_t start_us;
  struct err err = { 0 };

  open_mode (_i);
  start_us = clock_monotonic_us ();
  store_start_request (connection, start_us + BUDGET_US);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, hang, (void *)(uintptr_t)&sleeping, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_ge (clock_monotonic_us () - start_us, BUDGET_US);
  ck_assert_uint_lt (clock_monotonic_us () - start_us, SLEEP_US);
  ck_assert_str_eq (err.message, "The request took longer than its time budget.");
  ck_assert_uint_gt (err.retry_after_s, 0);
  /* The rest is this process, which others may keep from the processor. */
  ck_assert_uint_ge (store_end_request (connection), BUDGET_US / 2);
  database_terminate_others ();
  close_mode (0);
}
END_TEST

START_TEST (gives_nothing_when_the_deadline_is_past)
{
  struct err err = { 0 };

  open_mode (_i);
  ck_assert_int_eq (store_connect (connection, &err), ERR_OK);
  store_start_request (connection, 1);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, hang, (void *)(uintptr_t)&sleeping, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  database_terminate_others ();
  close_mode (0);
}
END_TEST

START_TEST (survives_its_backend)
{
  struct err err = { 0 };

  open_mode (_i);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, hang, (void *)(uintptr_t)&suicide, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_uint_gt (err.retry_after_s, 0);
  /* In a row, and outside of a transaction too. */
  for (unsigned i = 0; i < 3; i++)
  {
    struct pipeline pipeline;

    (void)store_end_request (connection);
    store_start_request (connection, clock_monotonic_us () + 15000000);
    err = (struct err){ 0 };
    pipeline_init (&pipeline, connection, NULL);
    add_insert (&pipeline, 1);
    (void)pipeline_add (NULL, &pipeline, &suicide);
    add_insert (&pipeline, 2);
    ck_assert_int_eq (pipeline_run (&pipeline, &err), ERR_TEMPORARILY_UNAVAILABLE);
  }
  close_mode (0);
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

START_TEST (fails_what_was_under_way)
{
  struct err err = { 0 };
  pthread_t thread;

  open_mode (_i);
  ck_assert_int_eq (pthread_create (&thread, NULL, terminate_soon, NULL), 0);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, hang, (void *)(uintptr_t)&sleeping, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  ck_assert_int_eq (pthread_join (thread, NULL), 0);
  close_mode (0);
}
END_TEST

/* The connection goes between the two round trips of one transaction: the second must not run outside of it. */
static enum err_code
lose_in_between (struct store_connection *its, void *context, struct err *err)
{
  struct script script = { .form = ONE_PIPELINE, .state = "" };
  struct pipeline pipeline;
  enum err_code code;

  (void)context;
  pipeline_init (&pipeline, its, NULL);
  add_insert (&pipeline, 1);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK != code)
    return code;
  database_terminate_others ();
  return write_twice (its, &script, err);
}

START_TEST (does_not_go_on_outside_of_a_lost_transaction)
{
  struct err err = { 0 };

  open_mode (_i);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, lose_in_between, NULL, &err),
                    ERR_TEMPORARILY_UNAVAILABLE);
  close_mode (0);
}
END_TEST

START_TEST (opens_a_lost_connection_before_it_begins)
{
  struct script script = { .form = QUERY_AND_PIPELINE, .state = "" };
  struct err err = { 0 };

  open_mode (_i);
  ck_assert_int_eq (store_transaction (connection, STORE_WRITE, write_twice, &script, &err), ERR_OK);
  for (int64_t round = 2; round < 4; round++)
  {
    database_terminate_others ();
    (void)store_end_request (connection);
    store_start_request (connection, clock_monotonic_us () + 15000000);
    script.form = 2 == round ? ONE_PIPELINE : TWO_PIPELINES;
    ck_assert_msg (ERR_OK == store_transaction (connection, STORE_WRITE, write_twice, &script, &err), "%s", err.cause);
    ck_assert_int_eq (database_number ("SELECT count(*) FROM mark"), 2 * round);
  }
  close_mode (6);
}
END_TEST

Suite *pipeline_suite (void);

Suite *
pipeline_suite (void)
{
  Suite *suite = suite_create ("pipeline");
  TCase *all[] = { tcase_create ("answers"), tcase_create ("errors"), tcase_create ("transactions"),
                   tcase_create ("time and loss") };

  for (size_t i = 0; i < sizeof (all) / sizeof (all[0]); i++)
  {
    tcase_add_checked_fixture (all[i], database_open_empty, database_close);
    tcase_set_timeout (all[i], 60);
    suite_add_tcase (suite, all[i]);
  }
  /* 0: prepared, 1: not. */
  tcase_add_loop_test (all[0], answers_in_order, 0, 2);
  tcase_add_loop_test (all[0], sends_and_receives_at_once, 0, 2);
  tcase_add_loop_test (all[1], undoes_all_after_an_error, 0, 2);
  tcase_add_loop_test (all[1], refuses_incomplete_parameters_and_goes_on, 0, 2);
  tcase_add_loop_test (all[2], tries_again_after_conflicts, 0, 2 * FORMS);
  tcase_add_loop_test (all[2], a_commit_is_final, 0, 2);
  tcase_add_loop_test (all[2], a_commit_can_fail, 0, 2);
  tcase_add_loop_test (all[2], a_transaction_begins_with_its_first_statement, 0, 2);
  tcase_add_loop_test (all[3], ends_at_the_deadline, 0, 2);
  tcase_add_loop_test (all[3], gives_nothing_when_the_deadline_is_past, 0, 2);
  tcase_add_loop_test (all[3], survives_its_backend, 0, 2);
  tcase_add_loop_test (all[3], fails_what_was_under_way, 0, 2);
  tcase_add_loop_test (all[3], does_not_go_on_outside_of_a_lost_transaction, 0, 2);
  tcase_add_loop_test (all[3], opens_a_lost_connection_before_it_begins, 0, 2);
  return suite;
}
