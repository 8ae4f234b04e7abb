/* Tests of runs whose id the client chose: made once, found by repetitions, never brought back. */
#include "database.h"

#include "store/experiment.h"
#include "store/purge.h"
#include "store/run.h"

#include <check.h>
#include <pthread.h>

static pthread_barrier_t barrier;

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

static struct store_new_run
given_run (int64_t experiment_id, const struct uuid *run_id)
{
  struct store_new_run run = new_run (experiment_id);

  run.given = true;
  if (NULL != run_id)
    run.run_id = *run_id;
  return run;
}

/* One group with new runs, repetitions within it, of what was there, of deleted and removed runs, in other experiments,
   and in experiments that take none. */
START_TEST (makes_a_given_id_once)
{
  int64_t here = database_experiment ("here");
  int64_t other = database_experiment ("other");
  int64_t closed = database_experiment ("closed");
  struct store_new_run known[3] = { given_run (here, NULL), given_run (here, NULL), given_run (closed, NULL) };
  struct uuid gone;
  char text[UUID_TEXT_BYTES];
  struct store_new_run runs[14];
  bool changed;

  create (known, 3);
  ck_assert (uuid_random (&gone));
  uuid_format (text, &gone);
  database_run ("INSERT INTO run_gone (run_id, experiment_id) VALUES ('%s', %lld)", text, (long long)here);
  ck_assert_int_eq (store_run_set_deleted (&changed, database.connection, &known[1].run_id, true, 5, NULL), ERR_OK);
  ck_assert_int_eq (store_experiment_set_deleted (database.connection, closed, true, 7, NULL), ERR_OK);
  runs[0] = given_run (here, NULL);
  runs[1] = given_run (here, &runs[0].run_id);
  runs[2] = given_run (here, &runs[0].run_id);
  runs[3] = given_run (here, &known[0].run_id);
  runs[4] = given_run (other, &known[0].run_id);
  runs[5] = given_run (here, &known[1].run_id);
  runs[6] = given_run (other, &known[1].run_id);
  runs[7] = given_run (here, &gone);
  runs[8] = given_run (other, &gone);
  runs[9] = given_run (closed, NULL);
  runs[10] = given_run (other, &runs[9].run_id);
  runs[11] = new_run (here);
  runs[12] = given_run (-1, NULL);
  runs[13] = given_run (closed, &known[2].run_id);
  create (runs, 14);
  ck_assert_int_eq (runs[0].made + runs[1].made + runs[2].made, 1);
  for (size_t i = 0; i < 3; i++)
    ck_assert (runs[i].made || RUN_FOUND_ACTIVE == runs[i].found);
  ck_assert (! runs[3].made && RUN_FOUND_ACTIVE == runs[3].found);
  ck_assert (! runs[4].made && RUN_FOUND_ELSEWHERE == runs[4].found);
  ck_assert (! runs[5].made && RUN_FOUND_DELETED == runs[5].found);
  ck_assert (! runs[6].made && RUN_FOUND_ELSEWHERE == runs[6].found);
  ck_assert (! runs[7].made && RUN_FOUND_DELETED == runs[7].found);
  ck_assert (! runs[8].made && RUN_FOUND_ELSEWHERE == runs[8].found);
  ck_assert (runs[10].made && ! runs[9].made && RUN_FOUND_ELSEWHERE == runs[9].found);
  ck_assert (runs[11].made);
  ck_assert (! runs[12].made && RUN_FOUND_NONE == runs[12].found && ! runs[12].experiment_exists);
  ck_assert (! runs[13].made && RUN_FOUND_DELETED == runs[13].found);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run"), 3 + 3);
  ck_assert (slice_is (runs[11].artifact_uri, arena_printf (database.arena, "root:/%lld/%s/artifacts", (long long)here,
                                                            (uuid_format (text, &runs[11].run_id), text))));
}
END_TEST

#define GIVEN_ROUNDS 100
#define GIVEN_GROUP 8
#define GIVEN_THREADS 4

struct given_race
{
  struct store_connection *connection;
  const struct uuid *ids; /* GIVEN_GROUP of each round */
  int64_t experiments[2];
  bool turned; /* in the other order */
  size_t made;
  size_t found;
  size_t elsewhere;
  size_t other;
  enum err_code code;
};

/* All threads make the same runs, in groups of turned order: whoever locked them as they come would dead-lock. */
static void *
create_given (void *context)
{
  struct given_race *race = context;
  struct arena *arena = arena_new ((size_t)4 * 1024 * 1024);

  for (size_t round = 0; round < GIVEN_ROUNDS; round++)
  {
    struct store_new_run runs[GIVEN_GROUP];
    struct store_new_run *pointers[GIVEN_GROUP];
    enum err_code code;

    arena_reset (arena);
    for (size_t i = 0; i < GIVEN_GROUP; i++)
    {
      size_t place = race->turned ? GIVEN_GROUP - 1 - i : i;

      runs[i] = (struct store_new_run){ .run_id = race->ids[round * GIVEN_GROUP + place],
                                        .given = true,
                                        .experiment_id = race->experiments[place % 2],
                                        .name = SLICE ("r"),
                                        .user_id = SLICE (""),
                                        .tags = SLICE ("{}"),
                                        .arena = arena };
      pointers[i] = &runs[i];
    }
    (void)pthread_barrier_wait (&barrier);
    store_start_request (race->connection, 0);
    code = store_run_create (race->connection, pointers, GIVEN_GROUP, arena, NULL);
    (void)store_end_request (race->connection);
    race->code = ERR_OK == race->code ? code : race->code;
    for (size_t i = 0; i < GIVEN_GROUP; i++)
    {
      race->made += runs[i].made;
      race->found += ! runs[i].made && RUN_FOUND_ACTIVE == runs[i].found;
      race->elsewhere += ! runs[i].made && RUN_FOUND_ELSEWHERE == runs[i].found;
      race->other += ! runs[i].made && (RUN_FOUND_NONE == runs[i].found || RUN_FOUND_DELETED == runs[i].found);
    }
  }
  arena_free (arena);
  return NULL;
}

/* Half of the ids are asked for in one experiment by all threads; half in another one by every second thread. */
START_TEST (makes_a_given_id_once_for_all_who_ask)
{
  static struct uuid ids[GIVEN_ROUNDS * GIVEN_GROUP];
  struct given_race races[GIVEN_THREADS] = { 0 };
  int64_t one = database_experiment ("one");
  int64_t two = database_experiment ("two");
  pthread_t threads[GIVEN_THREADS];
  size_t made = 0;
  size_t found = 0;
  size_t elsewhere = 0;

  for (size_t i = 0; i < GIVEN_ROUNDS * GIVEN_GROUP; i++)
    ck_assert (uuid_random (&ids[i]));
  ck_assert_int_eq (pthread_barrier_init (&barrier, NULL, GIVEN_THREADS), 0);
  for (size_t i = 0; i < GIVEN_THREADS; i++)
  {
    races[i] = (struct given_race){
      .connection = database_connect (), .ids = ids, .experiments = { one, i % 2 ? two : one }, .turned = i / 2
    };
    ck_assert_int_eq (store_connect (races[i].connection, NULL), ERR_OK);
    ck_assert_int_eq (pthread_create (&threads[i], NULL, create_given, &races[i]), 0);
  }
  for (size_t i = 0; i < GIVEN_THREADS; i++)
  {
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
    ck_assert_int_eq (races[i].code, ERR_OK);
    ck_assert_uint_eq (races[i].other, 0);
    made += races[i].made;
    found += races[i].found;
    elsewhere += races[i].elsewhere;
    store_connection_free (races[i].connection);
  }
  ck_assert_uint_eq (made, GIVEN_ROUNDS * GIVEN_GROUP);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run"), (int64_t)made);
  /* Of the half that two experiments want, two threads come too late for theirs, and one repeats. */
  ck_assert_uint_eq (elsewhere, 2 * made / 2);
  ck_assert_uint_eq (found, 3 * made / 2 + made / 2);
}
END_TEST

/* A run that is being removed for good is never made anew, whenever the creation comes. */
START_TEST (does_not_bring_back_what_is_removed)
{
  int64_t experiment = database_experiment ("e");
  struct store_connection *other = database_connect ();
  struct store_purge_rows removed;
  bool finished = false;
  bool begun;
  bool changed;

  ck_assert_int_eq (store_connect (other, NULL), ERR_OK);
  store_start_request (other, 0);
  for (unsigned round = 0; round < 2; round++)
  {
    struct store_new_run first = given_run (experiment, NULL);
    struct store_new_run again = given_run (experiment, &first.run_id);

    create (&first, 1);
    ck_assert (first.made);
    ck_assert_int_eq (store_run_set_deleted (&changed, database.connection, &first.run_id, true, 5, NULL), ERR_OK);
    ck_assert_int_eq (store_purge_begin (&begun, other, &first.run_id, 10, 11, NULL), ERR_OK);
    ck_assert (begun);
    /* Right after it was taken away, and when all of it is gone. */
    if (1 == round)
      ck_assert_int_eq (store_purge_step (&removed, &finished, other, &first.run_id, 1000, NULL), ERR_OK);
    ck_assert (finished == (1 == round));
    create (&again, 1);
    ck_assert (! again.made);
    ck_assert_int_eq (again.found, RUN_FOUND_DELETED);
  }
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run"), 0);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run_gone"), 2);
  store_connection_free (other);
}
END_TEST

Suite *run_given_suite (void);

Suite *
run_given_suite (void)
{
  Suite *suite = suite_create ("run_given");
  TCase *making = tcase_create ("making");

  tcase_add_checked_fixture (making, database_open_migrated, database_close);
  tcase_set_timeout (making, 60);
  tcase_add_test (making, makes_a_given_id_once);
  tcase_add_test (making, makes_a_given_id_once_for_all_who_ask);
  tcase_add_test (making, does_not_bring_back_what_is_removed);
  suite_add_tcase (suite, making);
  return suite;
}
