/* Tests of migrations: an empty database, one that is current, newer, altered or behind, several programs at once, and
   what the schema must have. */
#include "database.h"

#include "store/migrate.h"

#include <check.h>
#include <pthread.h>

#define ROOT "mlflow-artifacts:/"

static enum err_code
run_migrate (unsigned *applied, enum migrate_mode mode, struct err *err)
{
  *err = (struct err){ 0 };
  store_start_request (database.connection, 0);
  return migrate (applied, database.connection, mode, ROOT, err);
}

START_TEST (sets_up_an_empty_database)
{
  static const enum migrate_mode modes[] = { MIGRATE_EMPTY_ONLY, MIGRATE_ALL };
  struct err err;
  unsigned applied;

  ck_assert_msg (ERR_OK == run_migrate (&applied, modes[_i], &err), "%s: %s", err.message, err.cause);
  ck_assert_uint_eq (applied, embedded_migrations_count);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM schema_migration"), (int64_t)embedded_migrations_count);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment WHERE experiment_id = 0 AND name = 'Default'"
                                     " AND artifact_location = 'mlflow-artifacts:/0' AND deleted_at_ms IS NULL"),
                    1);
  /* Numbers are recorded with the SHA-256 of their text and the time. */
  for (size_t i = 0; i < embedded_migrations_count; i++)
    ck_assert_int_eq (database_number ("SELECT count(*) FROM schema_migration WHERE number = %u AND name = '%s'"
                                       " AND checksum ~ '^[0-9a-f]{64}$'"
                                       " AND abs(applied_at_ms - extract(epoch FROM now()) * 1000) < 600000",
                                       embedded_migrations[i].number, embedded_migrations[i].name),
                      1);
  /* And nothing the second time. */
  ck_assert_int_eq (run_migrate (&applied, modes[_i], &err), ERR_OK);
  ck_assert_uint_eq (applied, 0);
}
END_TEST

START_TEST (numbers_migrations_in_order)
{
  for (size_t i = 0; i < embedded_migrations_count; i++)
    ck_assert_uint_eq (embedded_migrations[i].number, i + 1);
}
END_TEST

START_TEST (keeps_a_default_experiment_as_it_is)
{
  struct err err;
  unsigned applied;

  ck_assert_int_eq (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  database_run ("UPDATE experiment SET name = 'renamed', deleted_at_ms = 5 WHERE experiment_id = 0");
  ck_assert_int_eq (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment WHERE name = 'renamed' AND deleted_at_ms = 5"),
                    1);
}
END_TEST

START_TEST (joins_the_artifact_root)
{
  static const struct
  {
    const char *root;
    const char *location;
  } cases[] = { { "mlflow-artifacts:/", "mlflow-artifacts:/0" },
                { "s3://bucket/prefix", "s3://bucket/prefix/0" },
                { "s3://bucket/prefix/", "s3://bucket/prefix/0" } };
  struct err err = { 0 };
  unsigned applied;

  ck_assert_int_eq (migrate (&applied, database.connection, MIGRATE_ALL, cases[_i].root, &err), ERR_OK);
  ck_assert_int_eq (
      database_number ("SELECT count(*) FROM experiment WHERE artifact_location = '%s'", cases[_i].location), 1);
}
END_TEST

START_TEST (refuses_what_is_not_its_own)
{
  static const struct
  {
    const char *label;
    const char *change;
    const char *message; /* part of it: what is wrong and what to do */
  } cases[] = {
    { "newer",
      "INSERT INTO schema_migration (number, name, checksum, applied_at_ms) SELECT max(number) + 1, 'later', 'x', 1"
      " FROM schema_migration",
      "the database is newer than this program" },
    { "newer, what to do",
      "INSERT INTO schema_migration (number, name, checksum, applied_at_ms) SELECT max(number) + 1, 'later', 'x', 1"
      " FROM schema_migration",
      "install a newer tallyd" },
    { "altered", "UPDATE schema_migration SET checksum = repeat('0', 64) WHERE number = 1",
      "migration 1 of the database is not the one of this program" },
    { "altered, what to do", "UPDATE schema_migration SET checksum = repeat('0', 64) WHERE number = 1",
      "restore a backup or install the tallyd that made it" },
    { "of another number", "UPDATE schema_migration SET number = 1000000 WHERE number = 1",
      "is not the one of this program" },
  };
  static const enum migrate_mode modes[] = { MIGRATE_EMPTY_ONLY, MIGRATE_ALL };
  struct err err;
  unsigned applied;

  ck_assert_int_eq (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  database_run ("%s", cases[_i].change);
  for (size_t i = 0; i < 2; i++)
  {
    ck_assert_msg (ERR_INTERNAL_ERROR == run_migrate (&applied, modes[i], &err), "%s", cases[_i].label);
    ck_assert_uint_eq (applied, 0);
    ck_assert_msg (NULL != strstr (err.message, cases[_i].message), "%s: %s", cases[_i].label, err.message);
  }
}
END_TEST

/* With a single migration no database can be behind: then the first runs on a table that is there but empty. */
START_TEST (treats_a_database_that_is_behind)
{
  struct err err;
  unsigned applied;

  if (embedded_migrations_count < 2)
    return;
  ck_assert_int_eq (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  database_run ("DELETE FROM schema_migration WHERE number > 1");
  ck_assert_int_eq (run_migrate (&applied, MIGRATE_EMPTY_ONLY, &err), ERR_INTERNAL_ERROR);
  ck_assert_ptr_nonnull (strstr (err.message, "the database is behind this program"));
  ck_assert_ptr_nonnull (strstr (err.message, "tallyd migrate"));
  /* What follows meets tables that are there: it fails, and leaves everything as it was. */
  ck_assert_int_ne (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM schema_migration"), 1);
}
END_TEST

START_TEST (leaves_nothing_behind_when_it_fails)
{
  struct err err;
  unsigned applied;

  /* Somebody else's table in the way. */
  database_run ("CREATE TABLE run (x int)");
  ck_assert_int_ne (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  ck_assert_uint_eq (applied, 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 1);
  database_run ("DROP TABLE run");
  ck_assert_int_eq (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
}
END_TEST

/* Programs that start together. */
#define PROGRAMS 4

struct program
{
  struct store_connection *connection;
  enum err_code code;
  unsigned applied;
  struct err err;
};

static pthread_barrier_t barrier;

static void *
run_program (void *context)
{
  struct program *program = context;

  (void)pthread_barrier_wait (&barrier);
  program->code = migrate (&program->applied, program->connection, MIGRATE_EMPTY_ONLY, ROOT, &program->err);
  return NULL;
}

START_TEST (lets_one_of_several_programs_do_it)
{
  struct program programs[PROGRAMS];
  pthread_t threads[PROGRAMS];
  unsigned applied = 0;

  memset (programs, 0, sizeof (programs));
  ck_assert_int_eq (pthread_barrier_init (&barrier, NULL, PROGRAMS), 0);
  for (size_t i = 0; i < PROGRAMS; i++)
  {
    programs[i].connection = database_connect ();
    ck_assert_int_eq (store_connect (programs[i].connection, NULL), ERR_OK);
    ck_assert_int_eq (pthread_create (&threads[i], NULL, run_program, &programs[i]), 0);
  }
  for (size_t i = 0; i < PROGRAMS; i++)
  {
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
    ck_assert_msg (ERR_OK == programs[i].code, "%s: %s", programs[i].err.message, programs[i].err.cause);
    applied += programs[i].applied;
    store_connection_free (programs[i].connection);
  }
  ck_assert_uint_eq (applied, embedded_migrations_count);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment"), 1);
}
END_TEST

START_TEST (comments_every_table_and_column)
{
  struct column_row
  {
    struct slice name;
  } row;
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  static const struct statement bare = {
    NULL,
    "SELECT c.relname::text || coalesce('.' || a.attname::text, '') FROM pg_class c LEFT JOIN pg_attribute a"
    " ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
    " AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL) ORDER BY 1",
    0
  };
  struct result result = { NULL };
  struct err err;
  unsigned applied;

  ck_assert_int_eq (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  ck_assert_int_gt (database_number ("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 5);
  ck_assert_int_eq (store_query (&result, database.connection, &bare, NULL, &err), ERR_OK);
  if (result_count (&result) > 0)
  {
    ck_assert_int_eq (result_row (&row, &result, 0, columns, 1, &err), ERR_OK);
    ck_abort_msg ("%zu without a comment, such as %.*s", result_count (&result), SLICE_ARG (row.name));
  }
  result_free (&result);
}
END_TEST

START_TEST (compares_text_by_bytes)
{
  struct err err;
  unsigned applied;

  ck_assert_int_eq (run_migrate (&applied, MIGRATE_ALL, &err), ERR_OK);
  /* What is looked up or sorted must not depend on the system's locale; long free texts are neither. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                                     " JOIN pg_collation l ON l.oid = a.attcollation"
                                     " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'i'"
                                     " AND l.collname <> 'C' AND c.relname NOT LIKE 'schema_migration%%'"),
                    0);
}
END_TEST

Suite *migrate_suite (void);

Suite *
migrate_suite (void)
{
  Suite *suite = suite_create ("migrate");
  TCase *running = tcase_create ("running");
  TCase *schema = tcase_create ("schema");

  tcase_add_checked_fixture (running, database_open_empty, database_close);
  tcase_set_timeout (running, 60);
  tcase_add_loop_test (running, sets_up_an_empty_database, 0, 2);
  tcase_add_test (running, numbers_migrations_in_order);
  tcase_add_test (running, keeps_a_default_experiment_as_it_is);
  tcase_add_loop_test (running, joins_the_artifact_root, 0, 3);
  tcase_add_loop_test (running, refuses_what_is_not_its_own, 0, 5);
  tcase_add_test (running, treats_a_database_that_is_behind);
  tcase_add_test (running, leaves_nothing_behind_when_it_fails);
  tcase_add_test (running, lets_one_of_several_programs_do_it);
  suite_add_tcase (suite, running);
  tcase_add_checked_fixture (schema, database_open_empty, database_close);
  tcase_set_timeout (schema, 60);
  tcase_add_test (schema, comments_every_table_and_column);
  tcase_add_test (schema, compares_text_by_bytes);
  suite_add_tcase (suite, schema);
  return suite;
}
