/* Tests of appending packed points: active runs get theirs in whatever company they come, the others are told of. */
#include "database.h"

#include "base/clock.h"
#include "store/metric.h"
#include "store/run.h"

#include <check.h>
#include <stdlib.h>

/* More runs than one group of a busy daemon has. */
#define RUNS_MAX 300

enum kind
{
  ACTIVE,
  DELETED,
  UNKNOWN
};

struct refusals
{
  const struct uuid *run_ids;
  const enum kind *kinds;
  size_t count;
  unsigned told[RUNS_MAX];
};

static void
note_refused (void *context, const struct uuid *run_id, bool deleted)
{
  struct refusals *refusals = context;

  for (size_t i = 0; i < refusals->count; i++)
    if (0 == memcmp (&refusals->run_ids[i], run_id, sizeof (*run_id)))
    {
      refusals->told[i]++;
      ck_assert_int_eq (deleted, DELETED == refusals->kinds[i]);
      return;
    }
  ck_abort_msg ("a run that nobody asked for");
}

static int
compare_ids (const void *a, const void *b)
{
  return memcmp (a, b, sizeof (struct uuid));
}

static void
make_runs (struct uuid *run_ids, enum kind *kinds, size_t count, unsigned one_in)
{
  int64_t experiment_id = database_experiment ("of the test");
  bool found;

  /* Which is which is decided first and sorted into the ids after, so that kinds are spread over the order of ids. */
  for (size_t i = 0; i < count; i++)
    ck_assert (uuid_random (&run_ids[i]));
  qsort (run_ids, count, sizeof (run_ids[0]), compare_ids);
  for (size_t i = 0; i < count; i++)
  {
    char id[UUID_TEXT_BYTES];

    kinds[i] = 0 == one_in || 0 != database_random () % one_in ? ACTIVE : 0 == i % 2 ? DELETED : UNKNOWN;
    uuid_format (id, &run_ids[i]);
    if (UNKNOWN == kinds[i])
      continue;
    database_run ("INSERT INTO run (run_id, experiment_id, name, user_id, status, started_at_ms, artifact_uri, tags)"
                  " VALUES ('%s', %lld, 'a', 'b', 1, 1, 'c', '{}')",
                  id, (long long)experiment_id);
    if (DELETED == kinds[i])
      ck_assert_int_eq (store_run_set_deleted (&found, database.connection, &run_ids[i], true, 1, NULL), ERR_OK);
  }
}

START_TEST (refuses_only_who_is_to_be_refused)
{
  static const struct
  {
    size_t count;
    unsigned one_in; /* one in so many is deleted or unknown; 0: none, 1: all */
  } cases[] = { { 1, 0 }, { 1, 1 }, { 2, 2 }, { 40, 0 }, { 40, 1 }, { 300, 3 }, { 300, 40 } };
  struct uuid run_ids[RUNS_MAX];
  enum kind kinds[RUNS_MAX];
  struct slice packed[RUNS_MAX];
  struct refusals refusals = { .run_ids = run_ids, .kinds = kinds, .count = cases[_i].count };
  struct err err = { 0 };

  make_runs (run_ids, kinds, cases[_i].count, cases[_i].one_in);
  for (size_t i = 0; i < cases[_i].count; i++)
    packed[i] = slice_of (arena_printf (database.arena, "points %zu", i));
  store_start_request (database.connection, clock_monotonic_us () + 15000000);
  ck_assert_msg (ERR_OK
                     == store_metric_append (database.connection, run_ids, packed, cases[_i].count, NULL, note_refused,
                                             &refusals, database.arena, &err),
                 "%s", err.cause);
  for (size_t i = 0; i < cases[_i].count; i++)
  {
    char id[UUID_TEXT_BYTES];

    uuid_format (id, &run_ids[i]);
    ck_assert_uint_eq (refusals.told[i], ACTIVE == kinds[i] ? 0 : 1);
    ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_tail WHERE run_id = '%s'"
                                       " AND points = convert_to('points %zu', 'UTF8')",
                                       id, i),
                      ACTIVE == kinds[i]);
  }
}
END_TEST

START_TEST (appends_in_a_pipeline)
{
  struct uuid run_ids[3];
  enum kind kinds[3];
  struct slice packed[3] = { SLICE ("a"), SLICE ("b"), SLICE ("c") };
  struct result result = { NULL };
  struct pipeline pipeline;
  struct err err = { 0 };
  bool found;

  make_runs (run_ids, kinds, 3, 0);
  ck_assert_int_eq (store_run_set_deleted (&found, database.connection, &run_ids[1], true, 1, NULL), ERR_OK);
  store_start_request (database.connection, clock_monotonic_us () + 15000000);
  pipeline_init (&pipeline, database.connection, database.arena);
  store_metric_queue_append (&result, &pipeline, run_ids, packed, 3, NULL);
  ck_assert_msg (ERR_OK == pipeline_run (&pipeline, &err), "%s", err.cause);
  ck_assert_uint_eq (result_count (&result), 2);
  result_free (&result);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_tail"), 2);
}
END_TEST

Suite *metric_suite (void);

Suite *
metric_suite (void)
{
  Suite *suite = suite_create ("metric");
  TCase *append = tcase_create ("append");

  tcase_add_checked_fixture (append, database_open_migrated, database_close);
  tcase_set_timeout (append, 60);
  tcase_add_loop_test (append, refuses_only_who_is_to_be_refused, 0, 7);
  tcase_add_test (append, appends_in_a_pipeline);
  suite_add_tcase (suite, append);
  return suite;
}
