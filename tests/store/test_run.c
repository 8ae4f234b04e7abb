/* Tests of runs over the database: made in groups, never active in a deleted experiment, changed while active only. */
#include "database.h"

#include "store/experiment.h"
#include "store/run.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

static struct store_new_run
new_run (int64_t experiment_id)
{
  struct store_new_run run = { .experiment_id = experiment_id,
                               .name = SLICE ("calm-otter-1"),
                               .user_id = SLICE (""),
                               .started_at_ms = 5,
                               .tags = SLICE ("{\"mlflow.runName\": \"calm-otter-1\"}"),
                               .arena = database.arena };

  ck_assert (uuid_random (&run.run_id));
  return run;
}

static void
create (struct store_new_run *runs, size_t count)
{
  struct store_new_run *pointers[64];
  struct err err = { 0 };

  for (size_t i = 0; i < count; i++)
    pointers[i] = &runs[i];
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_run_create (database.connection, pointers, count, database.arena, &err), "%s: %s",
                 err.message, err.cause);
}

START_TEST (makes_each_run_whose_experiment_is_active)
{
  int64_t active = database_experiment ("active");
  int64_t deleted = database_experiment ("deleted");
  int64_t other = database_experiment ("other");
  const struct
  {
    int64_t experiment;
    bool made;
    bool exists;
  } cases[] = { { active, true, true },   { deleted, false, true },    { 999999, false, false },
                { active, true, true },   { other, true, true },       { -1, false, false },
                { deleted, false, true }, { INT64_MAX, false, false }, { 0, true, true } };
  const size_t count = sizeof (cases) / sizeof (cases[0]);
  struct store_new_run runs[sizeof (cases) / sizeof (cases[0])];

  ck_assert_int_eq (store_experiment_set_deleted (database.connection, deleted, true, 7, NULL), ERR_OK);
  for (size_t i = 0; i < count; i++)
    runs[i] = new_run (cases[i].experiment);
  create (runs, count);
  for (size_t i = 0; i < count; i++)
  {
    char text[UUID_TEXT_BYTES];
    const char *uri;

    uuid_format (text, &runs[i].run_id);
    ck_assert_msg (runs[i].made == cases[i].made, "run %zu", i);
    ck_assert_int_eq (database_number ("SELECT count(*) FROM run WHERE run_id = '%s'", text), cases[i].made);
    if (! cases[i].made)
    {
      ck_assert_msg (runs[i].experiment_exists == cases[i].exists, "run %zu", i);
      continue;
    }
    uri = arena_printf (database.arena, "root:/%lld/%s/artifacts", (long long)cases[i].experiment, text);
    if (0 == cases[i].experiment)
      uri = arena_printf (database.arena, "mlflow-artifacts:/0/%s/artifacts", text);
    ck_assert (slice_is (runs[i].artifact_uri, uri));
  }
}
END_TEST

START_TEST (derives_artifact_roots)
{
  static const struct
  {
    const char *location;
    const char *before; /* of the run's number */
    const char *behind;
  } cases[] = {
    { "s3://bucket/a", "s3://bucket/a/", "/artifacts" },
    { "s3://bucket/a/", "s3://bucket/a/", "/artifacts" },
    { "/data/a", "/data/a/", "/artifacts" },
    { "hdfs://host/a?user=b", "hdfs://host/a/", "/artifacts?user=b" },
    { "hdfs://host/a/?user=b?c", "hdfs://host/a/", "/artifacts?user=b?c" },
    { "x:/%25_\\1$&", "x:/%25_\\1$&/", "/artifacts" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    const struct store_new_experiment fresh = { .workspace_id = 1,
                                                .name = slice_of (arena_printf (database.arena, "e%zu", i)),
                                                .location = slice_of (cases[i].location),
                                                .root = SLICE ("unused:/"),
                                                .tags = SLICE ("{}") };
    struct store_new_run run;
    char text[UUID_TEXT_BYTES];
    int64_t experiment;

    ck_assert_int_eq (store_experiment_create (&experiment, database.connection, &fresh, 1, NULL), ERR_OK);
    run = new_run (experiment);
    create (&run, 1);
    uuid_format (text, &run.run_id);
    ck_assert_msg (
        slice_is (run.artifact_uri, arena_printf (database.arena, "%s%s%s", cases[i].before, text, cases[i].behind)),
        "%.*s", SLICE_ARG (run.artifact_uri));
  }
}
END_TEST

START_TEST (reads_what_was_made)
{
  struct store_new_run made = new_run (database_experiment ("e"));
  struct result result = { NULL };
  struct store_run run;
  struct uuid unknown;

  made.name = SLICE ("\xC3\xA9 \"quoted\"");
  made.user_id = SLICE ("somebody");
  made.started_at_ms = INT64_MIN;
  made.tags = SLICE ("{\"b\": \"2\", \"a\": \"\"}");
  create (&made, 1);
  ck_assert_int_eq (store_run_get (&run, &result, database.connection, &made.run_id, NULL), ERR_OK);
  ck_assert_mem_eq (run.run_id.bytes, made.run_id.bytes, 16);
  ck_assert_int_eq (run.experiment_id, made.experiment_id);
  ck_assert (slice_equal (run.name, made.name) && slice_equal (run.user_id, made.user_id));
  ck_assert_int_eq (run.status, RUN_RUNNING);
  ck_assert_int_eq (run.started_at_ms, INT64_MIN);
  ck_assert (! run.ended_at_ms.present && ! run.deleted_at_ms.present);
  ck_assert (slice_is (run.params, "{}"));
  ck_assert (slice_is (run.tags, "{\"a\": \"\", \"b\": \"2\"}"));
  ck_assert (uuid_random (&unknown));
  ck_assert_int_eq (store_run_get (&run, &result, database.connection, &unknown, NULL), ERR_RESOURCE_DOES_NOT_EXIST);
  result_free (&result);
}
END_TEST

/* --- changes ----------------------------------------------------------------------------------------------------- */

static struct store_run
read_run (struct result *result, const struct uuid *run_id)
{
  struct store_run run;

  ck_assert_int_eq (store_run_get (&run, result, database.connection, run_id, NULL), ERR_OK);
  return run;
}

START_TEST (changes_active_runs_only)
{
  struct uuid ids[2] = { database_make_run (0), database_make_run (0) };
  struct uuid unknown = { { 9 } };
  const struct uuid *targets[] = { &ids[0], &ids[1], &unknown };
  const struct store_run_change change = { .name = SLICE ("renamed"), .status = { true, RUN_FINISHED } };
  struct result result = { NULL };
  struct store_run run;
  bool changed;

  ck_assert_int_eq (store_run_set_deleted (&changed, database.connection, &ids[1], true, 77, NULL), ERR_OK);
  ck_assert (changed);
  /* Idempotent, and the first time of deletion stays. */
  ck_assert_int_eq (store_run_set_deleted (&changed, database.connection, &ids[1], true, 88, NULL), ERR_OK);
  ck_assert (changed && 77 == read_run (&result, &ids[1]).deleted_at_ms.value);
  for (size_t i = 0; i < 3; i++)
  {
    bool active = 0 == i;
    bool exists;
    bool deleted;

    ck_assert_int_eq (store_run_state (&exists, &deleted, database.connection, targets[i], NULL), ERR_OK);
    ck_assert (exists == (i < 2) && deleted == (1 == i));
    ck_assert_int_eq (store_run_update (&changed, &run, &result, database.connection, targets[i], &change, NULL),
                      ERR_OK);
    ck_assert (changed == active);
    ck_assert_int_eq (store_run_merge (&changed, database.connection, targets[i], SLICE ("{\"p\": \"1\"}"),
                                       SLICE ("{\"t\": \"2\"}"), (struct slice){ NULL, 0 }, NULL),
                      ERR_OK);
    ck_assert (changed == active);
    ck_assert_int_eq (store_run_add_param (&changed, database.connection, targets[i], SLICE ("q"), SLICE ("3"), NULL),
                      ERR_OK);
    ck_assert (changed == active);
    /* Written once. */
    ck_assert_int_eq (store_run_add_param (&changed, database.connection, targets[i], SLICE ("q"), SLICE ("4"), NULL),
                      ERR_OK);
    ck_assert (! changed);
    ck_assert_int_eq (store_run_delete_tag (&changed, database.connection, targets[i], SLICE ("t"), NULL), ERR_OK);
    ck_assert (changed == active);
    ck_assert_int_eq (store_run_delete_tag (&changed, database.connection, targets[i], SLICE ("t"), NULL), ERR_OK);
    ck_assert (! changed);
  }
  run = read_run (&result, &ids[0]);
  ck_assert (slice_is (run.name, "renamed") && RUN_FINISHED == run.status);
  ck_assert (slice_is (run.params, "{\"p\": \"1\", \"q\": \"3\"}"));
  ck_assert (slice_is (run.tags, "{\"mlflow.runName\": \"renamed\"}"));
  run = read_run (&result, &ids[1]);
  ck_assert (slice_is (run.name, "a run") && RUN_RUNNING == run.status && slice_is (run.params, "{}"));
  ck_assert_int_eq (store_run_set_deleted (&changed, database.connection, &ids[1], false, 0, NULL), ERR_OK);
  ck_assert (changed && ! read_run (&result, &ids[1]).deleted_at_ms.present);
  ck_assert_int_eq (store_run_set_deleted (&changed, database.connection, &unknown, true, 1, NULL), ERR_OK);
  ck_assert (! changed);
  result_free (&result);
}
END_TEST

START_TEST (marks_every_change_for_caches)
{
  struct uuid id = database_make_run (0);
  char text[UUID_TEXT_BYTES];
  bool changed;

  uuid_format (text, &id);
  database_run ("CREATE TABLE before AS SELECT changed FROM run WHERE run_id = '%s'", text);
  for (unsigned i = 0; i < 5; i++)
  {
    struct result result = { NULL };
    struct store_run run;
    const struct store_run_change change = { .status = { true, RUN_KILLED } };

    if (0 == i)
      ck_assert_int_eq (store_run_add_param (&changed, database.connection, &id, SLICE ("a"), SLICE ("b"), NULL), 0);
    else if (1 == i)
      ck_assert_int_eq (store_run_update (&changed, &run, &result, database.connection, &id, &change, NULL), 0);
    else if (2 == i)
      ck_assert_int_eq (store_run_delete_tag (&changed, database.connection, &id, SLICE ("mlflow.runName"), NULL), 0);
    else
      ck_assert_int_eq (store_run_set_deleted (&changed, database.connection, &id, 3 == i, 1, NULL), 0);
    ck_assert (changed);
    result_free (&result);
    ck_assert_int_eq (database_number ("SELECT count(*) FROM run, before WHERE run_id = '%s'"
                                       " AND run.changed > before.changed",
                                       text),
                      1);
    database_run ("UPDATE before SET changed = run.changed FROM run WHERE run_id = '%s'", text);
  }
}
END_TEST

/* --- deleting experiments ---------------------------------------------------------------------------------------- */

START_TEST (deletes_and_restores_with_the_runs)
{
  int64_t experiment = database_experiment ("e");
  int64_t other = database_experiment ("other");

  (void)database_make_run (experiment);
  (void)database_make_run (experiment);
  (void)database_make_run (other);
  for (unsigned i = 0; i < 2; i++)
  {
    bool deleted = 0 == i;

    ck_assert_int_eq (store_experiment_set_deleted (database.connection, experiment, deleted, 50 + i, NULL), ERR_OK);
    ck_assert_int_eq (database_number ("SELECT count(*) FROM run WHERE deleted_at_ms IS NOT NULL"), deleted ? 2 : 0);
    /* Only from the other state. */
    ck_assert_int_eq (store_experiment_set_deleted (database.connection, experiment, deleted, 60 + i, NULL),
                      ERR_RESOURCE_DOES_NOT_EXIST);
    ck_assert_int_eq (database_number ("SELECT updated_at_ms FROM experiment WHERE name = 'e'"), 50 + i);
  }
  ck_assert_int_eq (store_experiment_set_deleted (database.connection, 12345, true, 1, NULL),
                    ERR_RESOURCE_DOES_NOT_EXIST);
}
END_TEST

#define ROUNDS 150
#define GROUPS 3
#define GROUP 4

struct race
{
  struct store_connection *connection;
  int64_t experiment;
  size_t made;
  size_t refused;
  enum err_code code;
};

static pthread_barrier_t barrier;

/* In the first round the runs come first, in the last one the deletion; between them who is faster. */
static void
let_pass (unsigned round, unsigned waiting)
{
  if (round == waiting)
    (void)pthread_barrier_wait (&barrier);
}

static void *
delete_experiments (void *context)
{
  struct race *race = context;

  for (unsigned round = 0; round < ROUNDS; round++)
  {
    enum err_code code;

    (void)pthread_barrier_wait (&barrier);
    let_pass (round, 0);
    store_start_request (race->connection, 0);
    code = store_experiment_set_deleted (race->connection, race->experiment + round, true, 9, NULL);
    (void)store_end_request (race->connection);
    let_pass (round, ROUNDS - 1);
    race->code = ERR_OK == race->code ? code : race->code;
  }
  return NULL;
}

static void *
create_runs (void *context)
{
  struct race *race = context;
  struct arena *arena = arena_new ((size_t)4 * 1024 * 1024);

  for (unsigned round = 0; round < ROUNDS; round++)
  {
    (void)pthread_barrier_wait (&barrier);
    let_pass (round, ROUNDS - 1);
    for (unsigned group = 0; group < GROUPS; group++)
    {
      struct store_new_run runs[GROUP];
      struct store_new_run *pointers[GROUP];
      enum err_code code;

      arena_reset (arena);
      for (size_t i = 0; i < GROUP; i++)
      {
        runs[i] = (struct store_new_run){ .experiment_id = race->experiment + round,
                                          .name = SLICE ("r"),
                                          .user_id = SLICE (""),
                                          .tags = SLICE ("{}"),
                                          .arena = arena };
        (void)uuid_random (&runs[i].run_id);
        pointers[i] = &runs[i];
      }
      store_start_request (race->connection, 0);
      code = store_run_create (race->connection, pointers, GROUP, arena, NULL);
      (void)store_end_request (race->connection);
      race->code = ERR_OK == race->code ? code : race->code;
      for (size_t i = 0; i < GROUP; i++)
      {
        race->made += runs[i].made;
        race->refused += ! runs[i].made && runs[i].experiment_exists;
      }
    }
    let_pass (round, 0);
  }
  arena_free (arena);
  return NULL;
}

START_TEST (leaves_no_active_run_in_a_deleted_experiment)
{
  struct race races[2] = { 0 };
  void *(*const starts[]) (void *) = { delete_experiments, create_runs };
  pthread_t threads[2];
  int64_t first = database_experiment ("race 0");

  for (int i = 1; i < ROUNDS; i++)
    ck_assert_int_eq (database_experiment (arena_printf (database.arena, "race %d", i)), first + i);
  ck_assert_int_eq (pthread_barrier_init (&barrier, NULL, 2), 0);
  for (size_t i = 0; i < 2; i++)
  {
    races[i].connection = database_connect ();
    races[i].experiment = first;
    ck_assert_int_eq (store_connect (races[i].connection, NULL), ERR_OK);
    ck_assert_int_eq (pthread_create (&threads[i], NULL, starts[i], &races[i]), 0);
  }
  for (size_t i = 0; i < 2; i++)
  {
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
    ck_assert_int_eq (races[i].code, ERR_OK);
    store_connection_free (races[i].connection);
  }
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run r JOIN experiment e USING (experiment_id)"
                                     " WHERE e.deleted_at_ms IS NOT NULL AND r.deleted_at_ms IS NULL"),
                    0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM experiment WHERE deleted_at_ms IS NOT NULL"), ROUNDS);
  /* Each was either made or refused, and the race went both ways. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run"), (int64_t)races[1].made);
  ck_assert_uint_eq (races[1].made + races[1].refused, ROUNDS * GROUPS * GROUP);
  ck_assert_uint_gt (races[1].refused, 0);
  ck_assert_uint_gt (races[1].made, 0);
}
END_TEST

Suite *run_suite (void);

Suite *
run_suite (void)
{
  Suite *suite = suite_create ("run");
  TCase *making = tcase_create ("making");
  TCase *changing = tcase_create ("changing");
  TCase *deleting = tcase_create ("deleting");

  tcase_add_checked_fixture (making, database_open_migrated, database_close);
  tcase_set_timeout (making, 60);
  tcase_add_test (making, makes_each_run_whose_experiment_is_active);
  tcase_add_test (making, derives_artifact_roots);
  tcase_add_test (making, reads_what_was_made);
  suite_add_tcase (suite, making);
  tcase_add_checked_fixture (changing, database_open_migrated, database_close);
  tcase_set_timeout (changing, 60);
  tcase_add_test (changing, changes_active_runs_only);
  tcase_add_test (changing, marks_every_change_for_caches);
  suite_add_tcase (suite, changing);
  tcase_add_checked_fixture (deleting, database_open_migrated, database_close);
  tcase_set_timeout (deleting, 120);
  tcase_add_test (deleting, deletes_and_restores_with_the_runs);
  tcase_add_test (deleting, leaves_no_active_run_in_a_deleted_experiment);
  suite_add_tcase (suite, deleting);
  return suite;
}
