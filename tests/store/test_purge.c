/* Tests of removing deleted runs for good: what goes, what stays, and what an interrupted removal leaves. */
#include "engine.h"

#include "base/clock.h"
#include "ingest/purge.h"
#include "store/run.h"

#include <check.h>
#include <stdio.h>

/* Points of a run: several chunks, and some left in the tail. */
#define POINTS 9000
#define LATE_POINTS 40

/* Log to every run; what is logged first is folded, the rest stays in the tail. */
static void
set_up (void)
{
  static struct metric_point points[ENGINE_BATCH];
  struct fold_result result;
  struct err err = { 0 };

  engine_open ();
  for (size_t run = 0; run < ENGINE_RUNS; run++)
  {
    for (size_t written = 0; written < POINTS; written += ENGINE_BATCH)
    {
      engine_make (points, ENGINE_BATCH, ENGINE_ASCENDING, run, 0);
      ck_assert_int_eq (engine_write (&engine.daemons[0], run, 0, run % ENGINE_CONTEXTS, points, ENGINE_BATCH, &err),
                        ERR_OK);
    }
    ck_assert_int_eq (fold_runs (&result, engine.daemons[0].connection, &engine.runs[run], 1, &err), ERR_OK);
    engine_make (points, LATE_POINTS, ENGINE_ASCENDING, run, 1);
    ck_assert_int_eq (engine_write (&engine.daemons[0], run, 1, 0, points, LATE_POINTS, &err), ERR_OK);
  }
}

static void
mark_deleted (size_t run, bool deleted)
{
  struct err err = { 0 };
  bool found;

  ck_assert_int_eq (
      store_run_set_deleted (&found, database.connection, &engine.runs[run], deleted, clock_wall_ms () - 10000, &err),
      ERR_OK);
  ck_assert (found);
}

static int64_t
rows_of (const char *table, size_t run)
{
  char text[UUID_TEXT_BYTES];

  uuid_format (text, &engine.runs[run]);
  return database_number ("SELECT count(*) FROM %s WHERE run_id = '%s'", table, text);
}

static int64_t
metric_rows (size_t run)
{
  return rows_of ("metric_tail", run) + rows_of ("metric_series", run) + rows_of ("metric_chunk", run);
}

/* A report that ends the purge after so many steps. */
struct patience
{
  size_t steps;
  size_t most;
};

static bool
count_step (void *context, const struct purge_progress *progress)
{
  struct patience *patience = context;

  (void)progress;
  return ++patience->steps < patience->most;
}

static struct purge_progress
purge (size_t most_steps)
{
  struct patience patience = { 0, most_steps };
  struct purge_progress progress;
  struct err err = { 0 };

  ck_assert_int_eq (purge_runs (&progress, database.connection, clock_wall_ms (), count_step, &patience, &err), ERR_OK);
  return progress;
}

START_TEST (removes_deleted_runs_only)
{
  int64_t stays = metric_rows (0);
  int64_t goes = metric_rows (1);
  struct purge_progress progress;

  ck_assert_int_gt (rows_of ("metric_chunk", 1), 1);
  ck_assert_int_gt (rows_of ("metric_tail", 1), 0);
  mark_deleted (1, true);
  progress = purge (SIZE_MAX);
  ck_assert_uint_eq (progress.runs, 1);
  ck_assert_uint_eq (progress.rows, (uint64_t)goes);
  ck_assert_int_eq (rows_of ("run", 1), 0);
  ck_assert_int_eq (metric_rows (1), 0);
  ck_assert_int_eq (rows_of ("run", 0), 1);
  ck_assert_int_eq (metric_rows (0), stays);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run_purge"), 0);
}
END_TEST

START_TEST (leaves_runs_that_were_deleted_lately)
{
  struct patience patience = { 0, SIZE_MAX };
  struct purge_progress progress;
  struct err err = { 0 };

  mark_deleted (1, true);
  ck_assert_int_eq (
      purge_runs (&progress, database.connection, clock_wall_ms () - 3600000, count_step, &patience, &err), ERR_OK);
  ck_assert_uint_eq (progress.runs, 0);
  ck_assert_int_eq (rows_of ("run", 1), 1);
  ck_assert_int_gt (metric_rows (1), 0);
}
END_TEST

/* A run that is restored after it was listed keeps all its rows. */
START_TEST (leaves_a_restored_run_alone)
{
  int64_t before = metric_rows (1);
  struct err err = { 0 };
  struct store_purge_rows removed;
  bool finished;
  bool begun;

  mark_deleted (1, true);
  mark_deleted (1, false);
  ck_assert_int_eq (
      store_purge_begin (&begun, database.connection, &engine.runs[1], clock_wall_ms (), clock_wall_ms (), &err),
      ERR_OK);
  ck_assert (! begun);
  ck_assert_int_eq (store_purge_step (&removed, &finished, database.connection, &engine.runs[1], 1000, &err), ERR_OK);
  ck_assert_uint_eq (removed.metrics + removed.artifacts, 0);
  ck_assert (! finished);
  ck_assert_int_eq (metric_rows (1), before);
}
END_TEST

START_TEST (goes_on_where_it_was_ended)
{
  int64_t rows = metric_rows (1);
  struct err err = { 0 };
  struct store_purge_rows removed;
  bool finished;
  bool begun;

  mark_deleted (1, true);
  ck_assert_int_eq (
      store_purge_begin (&begun, database.connection, &engine.runs[1], clock_wall_ms (), clock_wall_ms (), &err),
      ERR_OK);
  ck_assert (begun);
  /* Each step is bounded. */
  ck_assert_int_eq (store_purge_step (&removed, &finished, database.connection, &engine.runs[1], 2, &err), ERR_OK);
  ck_assert_uint_eq (removed.metrics, 2);
  ck_assert (! finished);
  ck_assert_int_eq (metric_rows (1), rows - 2);
  ck_assert_int_eq (rows_of ("run_purge", 1), 1);
  /* Nobody can log to it, or see it, any more. */
  ck_assert_int_eq (rows_of ("run", 1), 0);
  ck_assert_uint_eq (purge (SIZE_MAX).runs, 1);
  ck_assert_int_eq (metric_rows (1), 0);
  ck_assert_int_eq (rows_of ("run_purge", 1), 0);
}
END_TEST

START_TEST (ends_when_the_report_wants_it)
{
  for (size_t run = 0; run < ENGINE_RUNS; run++)
    mark_deleted (run, true);
  (void)purge (1);
  ck_assert_int_gt (metric_rows (0) + metric_rows (1) + metric_rows (2), 0);
  (void)purge (SIZE_MAX);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run"), 0);
  ck_assert_int_eq (metric_rows (0) + metric_rows (1) + metric_rows (2), 0);
}
END_TEST

/* Points that were on their way when their run went are dropped by the next fold. */
START_TEST (folds_nothing_of_a_run_that_is_gone)
{
  struct fold_result result;
  struct err err = { 0 };
  bool begun;

  mark_deleted (1, true);
  ck_assert_int_eq (
      store_purge_begin (&begun, database.connection, &engine.runs[1], clock_wall_ms (), clock_wall_ms (), &err),
      ERR_OK);
  ck_assert_int_gt (rows_of ("metric_tail", 1), 0);
  ck_assert_int_eq (fold_runs (&result, engine.daemons[1].connection, engine.runs, ENGINE_RUNS, &err), ERR_OK);
  ck_assert_int_eq (rows_of ("metric_tail", 1), 0);
  ck_assert_int_eq (rows_of ("metric_series", 1), 1 + (1 % ENGINE_CONTEXTS != 0));
  ck_assert_int_gt (rows_of ("metric_series", 0), 1);
}
END_TEST

START_TEST (measures_what_would_go)
{
  struct store_purge_size size;
  struct err err = { 0 };

  ck_assert_int_eq (store_purge_measure (&size, database.connection, clock_wall_ms (), &err), ERR_OK);
  ck_assert_int_eq (size.runs + size.unfinished + size.series + size.chunks + size.points + size.tail_rows, 0);
  mark_deleted (2, true);
  ck_assert_int_eq (store_purge_measure (&size, database.connection, clock_wall_ms (), &err), ERR_OK);
  ck_assert_int_eq (size.runs, 1);
  ck_assert_int_eq (size.unfinished, 0);
  ck_assert_int_eq (size.series, rows_of ("metric_series", 2));
  ck_assert_int_eq (size.chunks, rows_of ("metric_chunk", 2));
  ck_assert_int_eq (size.tail_rows, rows_of ("metric_tail", 2));
  ck_assert_int_eq (size.points, POINTS);
}
END_TEST

/* --- artifacts ---------------------------------------------------------------------------------------------------- */

/* A name of artifact, with a content that was used long ago. */
static void
name_artifact (const char *path)
{
  database_run ("INSERT INTO blob VALUES (sha256('%s'), 3, 1);"
                " INSERT INTO artifact (path, sha256, size_bytes, created_at_ms) VALUES ('%s', sha256('%s'), 3, 1)",
                path, path, path);
}

static const char *
directory_of_run (size_t run)
{
  static char directory[128];
  char text[UUID_TEXT_BYTES];

  uuid_format (text, &engine.runs[run]);
  snprintf (directory, sizeof (directory), "dir/%s/artifacts", text);
  database_run ("UPDATE run SET artifact_uri = 'mlflow-artifacts:/dir//%s/artifacts' WHERE run_id = '%s'", text, text);
  return directory;
}

static void
name_in_run (size_t run, const char *format)
{
  char path[256];

  snprintf (path, sizeof (path), format, directory_of_run (run));
  name_artifact (path);
}

static int64_t
names (void)
{
  return database_number ("SELECT count(*) FROM artifact");
}

START_TEST (removes_the_artifacts_of_a_run)
{
  struct store_purge_size size;
  struct purge_progress progress;
  struct err err = { 0 };

  name_in_run (1, "%s/model/MLmodel");
  name_in_run (1, "%s/a");
  name_in_run (2, "%s/stays");
  /* Neighbours in the order of paths. */
  name_in_run (1, "%s.txt");
  name_in_run (1, "%s0");
  mark_deleted (1, true);
  ck_assert_int_eq (store_purge_measure (&size, database.connection, clock_wall_ms (), &err), ERR_OK);
  ck_assert_int_eq (size.artifacts, 2);
  ck_assert_int_eq (size.artifact_bytes, 6);
  progress = purge (SIZE_MAX);
  ck_assert_uint_eq (progress.runs, 1);
  ck_assert_uint_eq (progress.artifacts, 2);
  ck_assert_int_eq (names (), 3);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run_purge"), 0);
  /* Contents are left to their own collection, and as old as they were. */
  ck_assert_int_eq (database_number ("SELECT count(*) FROM blob WHERE used_at_ms = 1"), 5);
}
END_TEST

START_TEST (removes_artifacts_in_steps)
{
  char text[UUID_TEXT_BYTES];
  struct store_purge_rows removed;
  struct err err = { 0 };
  bool finished = false;
  bool begun;
  size_t artifacts = 0;

  for (unsigned i = 0; i < 10; i++)
  {
    char format[32];

    snprintf (format, sizeof (format), "%%s/%u", i);
    name_in_run (1, format);
  }
  mark_deleted (1, true);
  ck_assert_int_eq (
      store_purge_begin (&begun, database.connection, &engine.runs[1], clock_wall_ms (), clock_wall_ms (), &err),
      ERR_OK);
  uuid_format (text, &engine.runs[1]);
  database_run ("DELETE FROM metric_tail WHERE run_id = '%s'; DELETE FROM metric_chunk WHERE run_id = '%s';"
                " DELETE FROM metric_series WHERE run_id = '%s'",
                text, text, text);
  for (unsigned i = 0; ! finished && i < 20; i++)
  {
    ck_assert_int_eq (store_purge_step (&removed, &finished, database.connection, &engine.runs[1], 3, &err), ERR_OK);
    ck_assert_uint_le (removed.artifacts, 3);
    artifacts += removed.artifacts;
  }
  ck_assert (finished);
  ck_assert_uint_eq (artifacts, 10);
  ck_assert_int_eq (names (), 0);
}
END_TEST

/* Roots that are elsewhere, or that are not the run's own, cost nobody a name. */
START_TEST (leaves_artifacts_that_are_not_the_runs)
{
  static const char *const uris[] = { "s3://bucket/dir", "mlflow-artifacts:/", "mlflow-artifacts:/dir" };
  char text[UUID_TEXT_BYTES];

  uuid_format (text, &engine.runs[1]);
  name_artifact ("dir/a");
  name_artifact ("b");
  for (size_t i = 0; i < sizeof (uris) / sizeof (uris[0]); i++)
  {
    uuid_format (text, &engine.runs[i]);
    database_run ("UPDATE run SET artifact_uri = '%s' WHERE run_id = '%s'", uris[i], text);
    mark_deleted (i, true);
  }
  (void)purge (SIZE_MAX);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM run"), 0);
  ck_assert_int_eq (names (), 2);
}
END_TEST

static void
make_model (const char *model_id, const char *deleted_at)
{
  database_run ("INSERT INTO logged_model (model_id, experiment_id, name, status, artifact_uri, created_at_ms,"
                " updated_at_ms, deleted_at_ms) VALUES ('%s', 0, 'a model', 2,"
                " 'mlflow-artifacts:/0/models/%s/artifacts', 1, 1, %s)",
                model_id, model_id, deleted_at);
}

START_TEST (removes_deleted_models)
{
  struct patience patience = { 0, SIZE_MAX };
  struct purge_progress progress = { .runs = 0 };
  struct store_purge_size size;
  struct err err = { 0 };

  make_model ("m-1", "1");
  make_model ("m-2", "NULL");
  make_model ("m-3", "5000");
  name_artifact ("0/models/m-1/artifacts/MLmodel");
  name_artifact ("0/models/m-1/artifacts/data/weights");
  name_artifact ("0/models/m-2/artifacts/MLmodel");
  ck_assert_int_eq (store_purge_measure (&size, database.connection, 5000, &err), ERR_OK);
  ck_assert_int_eq (size.models, 1);
  ck_assert_int_eq (size.artifacts, 2);
  ck_assert_int_eq (purge_models (&progress, database.connection, 5000, count_step, &patience, &err), ERR_OK);
  ck_assert_uint_eq (progress.models, 1);
  ck_assert_uint_eq (progress.artifacts, 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM logged_model"), 2);
  ck_assert_int_eq (names (), 1);
  ck_assert_int_eq (purge_models (&progress, database.connection, 5001, count_step, &patience, &err), ERR_OK);
  ck_assert_uint_eq (progress.models, 2);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM logged_model WHERE model_id = 'm-2'"), 1);
}
END_TEST

/* Many runs are counted in pages. */
START_TEST (measures_many_runs)
{
  struct store_purge_size size;
  struct err err = { 0 };

  database_run ("INSERT INTO run (run_id, experiment_id, name, user_id, status, started_at_ms, artifact_uri,"
                " deleted_at_ms) SELECT i, 0, '', '', 1, 1, 'mlflow-artifacts:/0/' || replace(i::text, '-', '') ||"
                " '/artifacts', 1 FROM (SELECT md5(n::text)::uuid AS i FROM generate_series(1, 1200) AS n) AS s");
  database_run ("INSERT INTO blob VALUES (sha256('x'), 3, 1); INSERT INTO artifact (path, sha256, size_bytes,"
                " created_at_ms) SELECT '0/' || md5(n::text) || '/artifacts/x', sha256('x'), 3, 1"
                " FROM generate_series(1, 1200) AS n");
  ck_assert_int_eq (store_purge_measure (&size, database.connection, 100, &err), ERR_OK);
  ck_assert_int_eq (size.runs, 1200);
  ck_assert_int_eq (size.artifacts, 1200);
  ck_assert_int_eq (size.artifact_bytes, 3600);
}
END_TEST

Suite *purge_suite (void);

Suite *
purge_suite (void)
{
  Suite *suite = suite_create ("purge");
  TCase *purge_case = tcase_create ("purge");

  tcase_add_checked_fixture (purge_case, set_up, engine_close);
  tcase_set_timeout (purge_case, 60);
  tcase_add_test (purge_case, removes_deleted_runs_only);
  tcase_add_test (purge_case, leaves_runs_that_were_deleted_lately);
  tcase_add_test (purge_case, leaves_a_restored_run_alone);
  tcase_add_test (purge_case, goes_on_where_it_was_ended);
  tcase_add_test (purge_case, ends_when_the_report_wants_it);
  tcase_add_test (purge_case, folds_nothing_of_a_run_that_is_gone);
  tcase_add_test (purge_case, measures_what_would_go);
  tcase_add_test (purge_case, removes_the_artifacts_of_a_run);
  tcase_add_test (purge_case, removes_artifacts_in_steps);
  tcase_add_test (purge_case, leaves_artifacts_that_are_not_the_runs);
  tcase_add_test (purge_case, removes_deleted_models);
  tcase_add_test (purge_case, measures_many_runs);
  suite_add_tcase (suite, purge_case);
  return suite;
}
