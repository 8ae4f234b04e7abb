/* Tests of folding: random histories through two daemons, folded at random moments, against a list of what was logged.
 */
#include "engine.h"

#include "base/clock.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static void
set_up (void)
{
  engine_open ();
}

static void
tear_down (void)
{
  engine_close ();
}

static struct engine_daemon *
some_daemon (void)
{
  return &engine.daemons[database_random () % ENGINE_DAEMONS];
}

/* Mostly few points, seldom many. */
static size_t
some_count (void)
{
  static const size_t most[] = { 1, 1, 5, 30, 150, 700, ENGINE_BATCH };

  return 1 + database_random () % most[database_random () % 7];
}

/* Random points in random ways: the first key gets mostly points in order, the others anything. */
static void
log_something (void)
{
  static const enum engine_shape usual[] = { ENGINE_ASCENDING, ENGINE_ASCENDING, ENGINE_ASCENDING,
                                             ENGINE_REVERSED,  ENGINE_LATE,      ENGINE_REPEATED };
  size_t run = database_random () % ENGINE_RUNS;
  size_t key = database_random () % ENGINE_KEYS;
  size_t context = 0 == database_random () % 3 ? database_random () % ENGINE_CONTEXTS : 0;
  enum engine_shape shape = usual[database_random () % 6];

  if (key > 0 && 0 == database_random () % 2)
    shape = (enum engine_shape) (database_random () % ENGINE_SHAPES);
  engine_log (run, key, context, shape, some_count ());
}

/* Loops differ in where their random numbers begin. */
static void
seed (int loop)
{
  for (int i = 0; i < loop * 9973; i++)
    (void)database_random ();
}

START_TEST (keeps_every_point_of_random_histories)
{
  seed (_i);
  for (unsigned round = 0; round < 150; round++)
  {
    log_something ();
    if (0 == database_random () % 2)
      (void)engine_fold (some_daemon ());
    if (0 == database_random () % 12)
      engine_check_all ();
    if (0 == database_random () % 6)
      engine_check_stored ();
  }
  engine_check_all ();
  engine_fold_all ();
  engine_check_all ();
  engine_check_stored ();
}
END_TEST

/* A long series with late points in between. */
START_TEST (merges_stray_chunks)
{
  int64_t most_strays = 0;
  int64_t before = 0;
  bool merged = false;

  for (unsigned i = 0; i < 20; i++)
    engine_log (0, 0, 0, ENGINE_ASCENDING, ENGINE_BATCH);
  engine_fold_all ();
  for (unsigned round = 0; round < 250; round++)
  {
    int64_t strays;

    engine_log (0, 0, 0, ENGINE_LATE, 1 + database_random () % 80);
    if (0 == round % 3)
      engine_log (0, 0, 0, ENGINE_ASCENDING, 1 + database_random () % 50);
    (void)engine_fold (some_daemon ());
    strays = database_number ("SELECT coalesce(max(stray_points), 0)::int8 FROM metric_series");
    most_strays = strays > most_strays ? strays : most_strays;
    merged = merged || strays < before;
    before = strays;
    if (0 == round % 25)
    {
      engine_check_stored ();
      engine_check_all ();
    }
  }
  engine_check_stored ();
  engine_check_all ();
  /* The test is one of strays only when there were any, and when they went. */
  ck_assert_int_gt (most_strays, 1000);
  ck_assert (merged);
  ck_assert_int_gt (database_number ("SELECT count(*) FROM metric_chunk"), 14);
}
END_TEST

START_TEST (grows_by_batches)
{
  static const enum engine_shape shapes[] = { ENGINE_ASCENDING, ENGINE_REVERSED, ENGINE_STEPLESS, ENGINE_TIMELESS,
                                              ENGINE_EXTREME };

  for (unsigned i = 0; i < 6; i++)
  {
    engine_log (1, 1, i % 2, shapes[_i], ENGINE_BATCH);
    if (0 != database_random () % 3)
      (void)engine_fold (some_daemon ());
    engine_check_all ();
    engine_check_stored ();
  }
  engine_fold_all ();
  engine_check_stored ();
}
END_TEST

START_TEST (keeps_contexts_apart)
{
  for (unsigned i = 0; i < 60; i++)
    engine_log (database_random () % ENGINE_RUNS, 0, i % ENGINE_CONTEXTS, i % 4 > 0 ? ENGINE_ASCENDING : ENGINE_LATE,
                some_count ());
  engine_fold_all ();
  engine_check_stored ();
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_context"), ENGINE_CONTEXTS - 1);
  ck_assert_int_eq (database_number ("SELECT count(DISTINCT context_id) FROM metric_series"), ENGINE_CONTEXTS);
}
END_TEST

START_TEST (changes_nothing_when_all_is_there)
{
  struct fold_result result;
  int64_t changed;

  engine_log (0, 0, 0, ENGINE_ASCENDING, ENGINE_BATCH);
  engine_log (0, 0, 0, ENGINE_LATE, 60);
  engine_fold_all ();
  changed = database_number ("SELECT count(*) FROM metric_series WHERE changed::text::int8 > 0");
  ck_assert_int_eq (changed, 1);
  changed = database_number ("SELECT max(changed::text::int8) FROM metric_series");
  engine_log (0, 0, 0, ENGINE_REPEATED, 500);
  result = engine_fold (some_daemon ());
  ck_assert_uint_eq (result.rows, 1);
  ck_assert_uint_gt (result.points, 0);
  ck_assert_uint_eq (result.added, 0);
  ck_assert_uint_eq (result.chunks, 0);
  ck_assert_int_eq (database_number ("SELECT max(changed::text::int8) FROM metric_series"), changed);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_tail"), 0);
  engine_check_stored ();
  result = engine_fold (some_daemon ());
  ck_assert_uint_eq (result.rows, 0);
  ck_assert (! result.more && ! result.busy);
}
END_TEST

START_TEST (leaves_runs_that_another_folds)
{
  struct fold_result result;

  engine_log (0, 0, 0, ENGINE_ASCENDING, 10);
  engine_log (1, 0, 0, ENGINE_ASCENDING, 10);
  /* The lock of a fold, held by a session of another. */
  database_run ("SELECT pg_advisory_lock(%lld)", ({
                  long long number;

                  memcpy (&number, engine.runs[0].bytes, sizeof (number));
                  number;
                }));
  result = engine_fold (some_daemon ());
  ck_assert (result.busy);
  ck_assert_uint_eq (result.rows, 1);
  ck_assert_uint_eq (result.keys[0], 0);
  ck_assert_uint_eq (result.keys[1], 1);
  engine_check_all ();
  database_run ("SELECT pg_advisory_unlock_all()");
  result = engine_fold (some_daemon ());
  ck_assert (! result.busy);
  ck_assert_uint_eq (result.rows, 1);
  engine_check_all ();
  engine_check_stored ();
}
END_TEST

/* --- at once ------------------------------------------------------------------------------------------------------ */

#define WRITERS 3
#define FOLDERS 2
/* Points of each writer; their steps are all numbers below, each once. */
#define WRITTEN 20000

struct writer
{
  struct engine_daemon daemon;
  size_t number;
  struct metric_point points[WRITTEN];
  size_t ends[WRITTEN]; /* of its batches */
  size_t batch_count;
  atomic_size_t acknowledged; /* points */
  atomic_size_t started;
  bool failed;
};

struct fold_thread
{
  struct engine_daemon daemon;
  atomic_bool *over;
  size_t folds;
  bool failed;
};

static void *
write_batches (void *context)
{
  struct writer *writer = context;
  size_t start = 0;

  for (size_t i = 0; i < writer->batch_count && ! writer->failed; i++)
  {
    size_t end = writer->ends[i];
    struct err err = { 0 };

    atomic_store (&writer->started, end);
    /* Now and then a batch is sent twice, as after a lost answer. */
    for (unsigned times = 0; times < (0 == i % 9 ? 2 : 1); times++)
      if (ERR_OK
          != engine_write (&writer->daemon, writer->number % ENGINE_RUNS, writer->number % ENGINE_KEYS, i % 2,
                           writer->points + start, end - start, &err))
        writer->failed = true;
    start = end;
    atomic_store (&writer->acknowledged, end);
  }
  return NULL;
}

static void *
fold_on (void *context)
{
  struct fold_thread *thread = context;

  while (! atomic_load (thread->over) && ! thread->failed)
  {
    struct fold_result result;
    struct err err = { 0 };

    store_start_request (thread->daemon.connection, 0);
    thread->failed = ERR_OK != fold_runs (&result, thread->daemon.connection, engine.runs, ENGINE_RUNS, &err);
    (void)store_end_request (thread->daemon.connection);
    thread->folds += result.rows > 0;
  }
  return NULL;
}

static void
prepare_writer (struct writer *writer, size_t number)
{
  engine_daemon_open (&writer->daemon);
  writer->number = number;
  for (size_t i = 0; i < WRITTEN; i++)
    writer->points[i] =
        (struct metric_point){ .step = (int64_t)i, .timestamp_ms = (int64_t)i * 10, .value = (double)i };
  /* Mostly in order; one point in eight comes elsewhere. */
  for (size_t i = 0; i < WRITTEN / 8; i++)
  {
    size_t a = database_random () % WRITTEN;
    size_t b = database_random () % WRITTEN;
    struct metric_point point = writer->points[a];

    writer->points[a] = writer->points[b];
    writer->points[b] = point;
  }
  for (size_t end = 0; end < WRITTEN;)
  {
    end += 1 + database_random () % 200;
    writer->ends[writer->batch_count++] = end < WRITTEN ? end : WRITTEN;
  }
  for (size_t i = 0, start = 0; i < writer->batch_count; start = writer->ends[i++])
    engine_note (number % ENGINE_RUNS, number % ENGINE_KEYS, i % 2, writer->points + start, writer->ends[i] - start);
}

struct glance
{
  struct arena *arena;
  const struct writer *writer;
  unsigned char seen[WRITTEN];
  size_t count;
};

static enum err_code
see_points (void *context, struct view_chunk *chunk, const struct metric_point *points, size_t count, struct err *err)
{
  struct glance *glance = context;

  (void)chunk;
  (void)err;
  for (size_t i = 0; i < count; i++)
  {
    ck_assert (points[i].step >= 0 && points[i].step < WRITTEN);
    ck_assert_msg (0 == glance->seen[points[i].step]++, "step %lld twice", (long long)points[i].step);
  }
  glance->count += count;
  return ERR_OK;
}

static enum err_code
work_glance (struct store_connection *connection, void *context, struct err *err)
{
  const struct views_options options = { .range = STORE_CHUNK_RANGE_ALL };
  struct glance *glance = context;
  size_t number = glance->writer->number;
  struct view_chunk **chunks;
  struct views views;

  ck_assert_int_eq (views_load (&views, connection, &engine.runs[number % ENGINE_RUNS], 1,
                                &engine.key_ids[number % ENGINE_KEYS], 1, &options, glance->arena, err),
                    ERR_OK);
  chunks = arena_array (glance->arena, views.views[0].chunk_count, sizeof (*chunks));
  for (size_t i = 0; i < views.views[0].chunk_count; i++)
    chunks[i] = &views.views[0].chunks[i];
  ck_assert_int_eq (views_fetch (&views, chunks, views.views[0].chunk_count, see_points, glance, err), ERR_OK);
  (void)see_points (glance, NULL, views.views[0].young, views.views[0].young_count, err);
  ck_assert_uint_eq (views.views[0].points, glance->count);
  return ERR_OK;
}

/* What was acknowledged before is there, and nothing that was not begun. */
static void
look (const struct writer *writer)
{
  struct glance *glance = calloc (1, sizeof (*glance));
  size_t acknowledged = atomic_load (&writer->acknowledged);
  struct err err = { 0 };

  glance->arena = arena_new ((size_t)64 * 1024 * 1024);
  glance->writer = writer;
  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_transaction (database.connection, STORE_SNAPSHOT, work_glance, glance, &err), "%s: %s",
                 err.message, err.cause);
  for (size_t i = 0; i < acknowledged; i++)
    ck_assert_msg (1 == glance->seen[writer->points[i].step], "step %lld is gone", (long long)writer->points[i].step);
  ck_assert_uint_le (glance->count, atomic_load (&writer->started));
  arena_free (glance->arena);
  free (glance);
}

START_TEST (folds_while_others_write_and_fold)
{
  struct writer *writers = calloc (WRITERS, sizeof (*writers));
  struct fold_thread folders[FOLDERS] = { 0 };
  pthread_t threads[WRITERS + FOLDERS];
  atomic_bool over = false;
  bool writing = true;
  size_t folds = 0;

  for (size_t i = 0; i < WRITERS; i++)
    prepare_writer (&writers[i], i);
  for (size_t i = 0; i < FOLDERS; i++)
  {
    engine_daemon_open (&folders[i].daemon);
    folders[i].over = &over;
    ck_assert_int_eq (pthread_create (&threads[WRITERS + i], NULL, fold_on, &folders[i]), 0);
  }
  for (size_t i = 0; i < WRITERS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, write_batches, &writers[i]), 0);
  while (writing)
  {
    writing = false;
    for (size_t i = 0; i < WRITERS; i++)
    {
      look (&writers[i]);
      writing = writing || atomic_load (&writers[i].acknowledged) < WRITTEN;
    }
  }
  for (size_t i = 0; i < WRITERS; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  atomic_store (&over, true);
  for (size_t i = 0; i < FOLDERS; i++)
    ck_assert_int_eq (pthread_join (threads[WRITERS + i], NULL), 0);
  for (size_t i = 0; i < WRITERS; i++)
  {
    ck_assert (! writers[i].failed);
    look (&writers[i]);
    engine_daemon_close (&writers[i].daemon);
  }
  for (size_t i = 0; i < FOLDERS; i++)
  {
    ck_assert (! folders[i].failed);
    folds += folders[i].folds;
    engine_daemon_close (&folders[i].daemon);
  }
  /* Either of the two may always have come too late. */
  ck_assert_uint_gt (folds, 0);
  free (writers);
  engine_check_all ();
  engine_fold_all ();
  engine_check_all ();
  engine_check_stored ();
}
END_TEST

Suite *fold_suite (void);

Suite *
fold_suite (void)
{
  Suite *suite = suite_create ("fold");
  TCase *histories = tcase_create ("histories");
  TCase *at_once = tcase_create ("at once");

  tcase_add_checked_fixture (histories, set_up, tear_down);
  tcase_set_timeout (histories, 300);
  tcase_add_loop_test (histories, keeps_every_point_of_random_histories, 0, 4);
  tcase_add_test (histories, merges_stray_chunks);
  tcase_add_loop_test (histories, grows_by_batches, 0, 5);
  tcase_add_test (histories, keeps_contexts_apart);
  tcase_add_test (histories, changes_nothing_when_all_is_there);
  tcase_add_test (histories, leaves_runs_that_another_folds);
  suite_add_tcase (suite, histories);
  tcase_add_checked_fixture (at_once, set_up, tear_down);
  tcase_set_timeout (at_once, 300);
  tcase_add_test (at_once, folds_while_others_write_and_fold);
  suite_add_tcase (suite, at_once);
  return suite;
}
