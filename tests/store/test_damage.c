/* Tests of damage: what cannot be read is told, kept as it is, and hides nothing else. */
#include "engine.h"

#include "base/log.h"
#include "base/stats.h"
#include "ingest/chart.h"
#include "ingest/series.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Far above what one test writes. */
#define LOG_BYTES ((size_t)1024 * 1024)
#define CHUNKED 10000

static FILE *log_file;
static int saved_stderr = -1;

/* Run 0, key 0: chunks and recent points. Other series: a few points each. */
static void
set_up (void)
{
  log_file = tmpfile ();
  ck_assert_ptr_nonnull (log_file);
  saved_stderr = dup (STDERR_FILENO);
  ck_assert_int_ge (dup2 (fileno (log_file), STDERR_FILENO), 0);
  engine_open ();
  for (unsigned i = 0; i < 4; i++)
    engine_log (0, 0, 0, ENGINE_ASCENDING, CHUNKED / 4);
  for (size_t key = 1; key < ENGINE_KEYS; key++)
    engine_log (0, key, 0, ENGINE_ASCENDING, 50);
  engine_log (1, 0, 0, ENGINE_ASCENDING, ENGINE_BATCH);
  engine_log (1, 0, 0, ENGINE_ASCENDING, ENGINE_BATCH);
  engine_fold_all ();
  engine_log (0, 0, 0, ENGINE_ASCENDING, 60);
  engine_fold_all ();
}

static void
tear_down (void)
{
  (void)dup2 (saved_stderr, STDERR_FILENO);
  close (saved_stderr);
  fclose (log_file);
  engine_close ();
}

/* Whether the log and the figure tell of `what` since `before`. */
static void
check_told (int64_t before, const char *what)
{
  char *text = calloc (1, LOG_BYTES);
  const char *line;
  char run[UUID_TEXT_BYTES];

  log_flush ();
  ck_assert_int_ge (pread (fileno (log_file), text, LOG_BYTES - 1, 0), 0);
  uuid_format (run, &engine.runs[0]);
  line = strstr (text, "event=metric_damaged");
  ck_assert_msg (NULL != line && NULL != strstr (line, run) && NULL != strstr (line, what), "%s is not told of: %s",
                 what, text);
  ck_assert_int_gt (stats_get (&stats.metric_damaged), before);
  free (text);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reading
{
  size_t run;
  size_t key;
  size_t only; /* of its chunks; SIZE_MAX: all, and the young ones */
  struct arena *arena;
  struct metric_point *points;
  size_t count;
  size_t damaged;
};

static enum err_code
add_points (void *context, struct view_chunk *chunk, const struct metric_point *points, size_t count, struct err *err)
{
  struct reading *reading = context;

  (void)chunk;
  (void)err;
  if (count > 0)
    memcpy (reading->points + reading->count, points, count * sizeof (*points));
  reading->count += count;
  return ERR_OK;
}

static int
by_step (const void *a, const void *b)
{
  return metric_point_compare_step (a, b);
}

static enum err_code
work_read (struct store_connection *connection, void *context, struct err *err)
{
  const struct views_options options = { .range = STORE_CHUNK_RANGE_ALL, .with_summary = true };
  struct reading *reading = context;
  struct views views;
  struct view *view;
  enum err_code code = views_load (&views, connection, &engine.runs[reading->run], 1, &engine.key_ids[reading->key], 1,
                                   &options, reading->arena, err);

  if (ERR_OK != code)
    return code;
  view = views.views;
  reading->points = calloc (CHUNKED * 4, sizeof (*reading->points));
  for (size_t i = 0; ERR_OK == code && i < view->chunk_count; i++)
  {
    struct view_chunk *chunk = &view->chunks[i];

    if (SIZE_MAX == reading->only || i == reading->only)
      code = views_fetch (&views, &chunk, 1, add_points, reading, err);
  }
  if (SIZE_MAX == reading->only)
    (void)add_points (reading, NULL, view->young, view->young_count, err);
  qsort (reading->points, reading->count, sizeof (*reading->points), by_step);
  reading->damaged = views.damaged;
  return code;
}

static struct reading
read_series (size_t run, size_t key, size_t only)
{
  struct reading reading = { .run = run, .key = key, .only = only, .arena = arena_new ((size_t)64 * 1024 * 1024) };

  engine_read (work_read, &reading);
  arena_free (reading.arena);
  return reading;
}

/* A series holds what was logged but for `lost`. */
static void
check_without (size_t run, size_t key, const struct metric_point *lost, size_t lost_count, size_t damaged)
{
  struct reading reading = read_series (run, key, SIZE_MAX);
  size_t count;
  const struct metric_point *all = engine_points (&count, run, key, 0);
  struct metric_point *expected = calloc (count + 1, sizeof (*expected));
  size_t kept = 0;

  for (size_t i = 0; i < count; i++)
    if (0 == lost_count || NULL == bsearch (&all[i], lost, lost_count, sizeof (*lost), by_step))
      expected[kept++] = all[i];
  engine_assert_same (reading.points, reading.count, expected, kept, "what is left");
  ck_assert_uint_eq (reading.damaged, damaged);
  free (expected);
  free (reading.points);
}

static enum err_code
work_chart (struct store_connection *connection, void *context, struct err *err)
{
  static const int64_t starts_ms[ENGINE_RUNS] = { 0 };
  struct chart_question question = { .width = 50, .start = INT64_MIN, .end = INT64_MAX, .starts_ms = starts_ms };
  enum err_code code = ERR_OK;

  for (int x = 0; ERR_OK == code && x < 3; x++)
  {
    struct chart chart = { .damaged = 0 };

    question.x = (enum chart_x)x;
    code = chart_make (&chart, connection, engine.runs, ENGINE_RUNS, engine.key_ids, ENGINE_KEYS, &question, NULL,
                       context, err);
    for (size_t i = 0; ERR_OK == code && i < ENGINE_RUNS * ENGINE_KEYS; i++)
    {
      size_t count;

      (void)engine_points (&count, i / ENGINE_KEYS, i % ENGINE_KEYS, 0);
      ck_assert_int_eq (chart.series[i].shown, count > 0);
      if (i > 0)
        ck_assert_uint_eq (chart.series[i].points, count);
      ck_assert_uint_ge (chart.series[i].count, count > 0);
    }
  }
  return code;
}

/* Everything but the points of run 0, key 0. */
static void
check_others (void)
{
  struct arena *arena = arena_new ((size_t)64 * 1024 * 1024);

  for (size_t i = 1; i < ENGINE_RUNS * ENGINE_KEYS; i++)
    check_without (i / ENGINE_KEYS, i % ENGINE_KEYS, NULL, 0, 0);
  engine_check_latest ();
  engine_read (work_chart, arena);
  arena_free (arena);
}

/* --- chunks ------------------------------------------------------------------------------------------------------- */

/* Flip a bit in a chunk of run 0, key 0: `number` counts from 0. */
static void
flip_chunk (const char *column, size_t number, int byte)
{
  char run[UUID_TEXT_BYTES];

  uuid_format (run, &engine.runs[0]);
  database_run ("UPDATE metric_chunk SET %s = set_byte(%s, b, get_byte(%s, b) # 4) FROM"
                " (SELECT chunk_id AS id, (octet_length(%s) * %d / 1000)::int4 AS b FROM metric_chunk"
                "  WHERE run_id = '%s' AND key_id = %u ORDER BY first_step LIMIT 1 OFFSET %zu) AS c"
                " WHERE chunk_id = c.id",
                column, column, column, column, byte, run, engine.key_ids[0], number);
}

static int64_t
fingerprint (int64_t chunk_id)
{
  return database_number ("SELECT coalesce(max(('x' || substr(md5(points::text || summary::text || point_count || stray"
                          " || first_step || last_step), 1, 15))::bit(60)::int8), 0)"
                          " FROM metric_chunk WHERE chunk_id = %lld",
                          (long long)chunk_id);
}

static const struct
{
  size_t chunk;
  int byte; /* thousandths of the length */
} flips[] = { { 0, 0 }, { 0, 500 }, { 1, 999 }, { 2, 3 }, { 2, 700 } };

START_TEST (of_a_chunk_hides_nothing_else)
{
  struct reading lost = read_series (0, 0, flips[_i].chunk);
  int64_t before = stats_get (&stats.metric_damaged);
  int64_t chunk_id;
  int64_t print;

  ck_assert_uint_gt (lost.count, 1000);
  chunk_id = database_number ("SELECT chunk_id FROM metric_chunk WHERE run_id = (SELECT run_id FROM metric_chunk"
                              " WHERE key_id = %u GROUP BY run_id ORDER BY count(*) DESC LIMIT 1)"
                              " ORDER BY first_step LIMIT 1 OFFSET %zu",
                              engine.key_ids[0], flips[_i].chunk);
  flip_chunk ("points", flips[_i].chunk, flips[_i].byte);
  check_without (0, 0, lost.points, lost.count, 1);
  check_told (before, "a chunk");
  check_others ();
  print = fingerprint (chunk_id);
  ck_assert_int_ne (print, 0);
  /* Late points, for one chunk and for all, and points behind the last one: folds write everything else anew. */
  for (unsigned round = 0; round < 6; round++)
  {
    engine_log (0, 0, 0, ENGINE_LATE, round < 3 ? 200 : 2000);
    engine_log (0, 0, 0, ENGINE_ASCENDING, round < 3 ? 130 : 2000);
    engine_fold_all ();
    ck_assert_int_eq (fingerprint (chunk_id), print);
    check_others ();
    check_without (0, 0, lost.points, lost.count, 1);
  }
  free (lost.points);
}
END_TEST

START_TEST (of_a_summary_hides_nothing)
{
  int64_t before = stats_get (&stats.metric_damaged);

  flip_chunk ("summary", flips[_i].chunk, flips[_i].byte);
  check_without (0, 0, NULL, 0, 0);
  check_others ();
  check_told (before, "summary");
  engine_check_all ();
  engine_log (0, 0, 0, ENGINE_LATE, 300);
  engine_log (0, 0, 0, ENGINE_ASCENDING, 300);
  engine_fold_all ();
  engine_check_all ();
}
END_TEST

/* --- recent points ------------------------------------------------------------------------------------------------ */

static void
flip_recent (size_t key, int byte)
{
  char run[UUID_TEXT_BYTES];

  uuid_format (run, &engine.runs[0]);
  database_run ("UPDATE metric_series SET recent = set_byte(recent, b, get_byte(recent, b) # 16) FROM"
                " (SELECT (octet_length(recent) * %d / 1000)::int4 AS b FROM metric_series"
                "  WHERE run_id = '%s' AND key_id = %u) AS c WHERE run_id = '%s' AND key_id = %u",
                byte, run, engine.key_ids[key], run, engine.key_ids[key]);
  database_run ("CREATE TABLE IF NOT EXISTS kept AS SELECT recent AS bytes FROM metric_series WHERE run_id = '%s'"
                " AND key_id = %u",
                run, engine.key_ids[key]);
}

/* Exactly the row that the test keeps beside is in quarantine, once. */
static void
check_quarantine (void)
{
  char run[UUID_TEXT_BYTES];

  uuid_format (run, &engine.runs[0]);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_damaged"), 1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM metric_damaged JOIN kept ON points = bytes"
                                     " WHERE run_id = '%s' AND found_at_ms > 1600000000000",
                                     run),
                    1);
}

START_TEST (of_recent_points_hides_nothing_else)
{
  struct reading before = read_series (0, 0, SIZE_MAX);
  int64_t told = stats_get (&stats.metric_damaged);
  struct metric_point lost[FOLD_RECENT_MAX];
  size_t lost_count = 60;

  /* The last 60 points are the recent ones. */
  ck_assert_int_eq (database_number ("SELECT point_count - chunk_points FROM metric_series WHERE key_id = %u"
                                     " AND chunk_points > 6000",
                                     engine.key_ids[0]),
                    60);
  memcpy (lost, before.points + before.count - 60, 60 * sizeof (lost[0]));
  flip_recent (0, _i * 333);
  check_without (0, 0, lost, lost_count, 1);
  check_told (told, "recent points");
  check_others ();
  /* Points that are in chunks already: nothing is new, and the damage is put aside once. */
  for (unsigned i = 0; i < 2; i++)
  {
    struct metric_point known = before.points[100 + i];
    struct err err = { 0 };

    ck_assert_int_eq (engine_write (&engine.daemons[0], 0, 0, 0, &known, 1, &err), ERR_OK);
    engine_fold_all ();
    check_quarantine ();
    check_without (0, 0, lost, lost_count, 0);
  }
  for (unsigned i = 0; i < 3; i++)
  {
    engine_log (0, 0, 0, 1 == i ? ENGINE_LATE : ENGINE_ASCENDING, 100);
    engine_fold_all ();
    check_quarantine ();
    check_without (0, 0, lost, lost_count, 0);
    check_others ();
  }
  free (before.points);
}
END_TEST

/* A series that has lost all of its points and gets one that is not the latest of all times. */
START_TEST (of_all_points_keeps_the_next_one)
{
  struct reading before = read_series (0, 1, SIZE_MAX);
  struct reading after;
  struct metric_point next = { .timestamp_ms = 1, .step = -5, .value = 0.5 };
  struct err err = { 0 };

  flip_recent (1, 400);
  for (int i = 0; i < 3; i++, next.step++)
  {
    ck_assert_int_eq (engine_write (&engine.daemons[0], 0, 1, 0, &next, 1, &err), ERR_OK);
    engine_fold_all ();
    check_quarantine ();
    after = read_series (0, 1, SIZE_MAX);
    ck_assert_uint_eq (after.count, (size_t)i + 1);
    for (int j = 0; j <= i; j++)
      ck_assert_int_eq (after.points[j].step, -5 + j);
    free (after.points);
  }
  free (before.points);
}
END_TEST

/* --- the tail ----------------------------------------------------------------------------------------------------- */

/* Rows that no writer makes: empty, of no version, cut off, and of version 1 with wrong bytes behind right ones. */
static const char *const rows[] = { "\\x", "\\x02", "\\x07aabbccdd", "\\x0104", "\\x0100000000000000000000000000" };

START_TEST (of_the_tail_hides_nothing_else)
{
  int64_t before = stats_get (&stats.metric_damaged);
  char run[UUID_TEXT_BYTES];

  uuid_format (run, &engine.runs[0]);
  if (_i < 5)
    database_run ("INSERT INTO metric_tail (run_id, points, experiment_id) VALUES ('%s', '%s', 0)", run, rows[_i]);
  else
  {
    struct metric_point points[40];
    struct err err = { 0 };

    /* Written, and not counted as logged. */
    engine_make (points, 40, ENGINE_LATE, 0, 0);
    ck_assert_int_eq (engine_write (&engine.daemons[0], 0, 0, 2, points, 40, &err), ERR_OK);
    database_run ("UPDATE metric_tail SET points = set_byte(points, b, get_byte(points, b) # 32) FROM"
                  " (SELECT (octet_length(points) * %d / 100)::int4 AS b FROM metric_tail) AS c",
                  (_i - 5) * 11);
  }
  database_run ("CREATE TABLE kept AS SELECT points AS bytes FROM metric_tail");
  engine_log (0, 0, 0, ENGINE_ASCENDING, 30);
  engine_log (0, 1, 1, ENGINE_ASCENDING, 200);
  engine_log (1, 2, 0, ENGINE_ASCENDING, 10);
  check_without (0, 0, NULL, 0, 1);
  check_without (1, 2, NULL, 0, 0);
  engine_check_latest ();
  check_told (before, "tail");
  engine_fold_all ();
  check_quarantine ();
  check_without (0, 0, NULL, 0, 0);
  check_others ();
  engine_check_all ();
  engine_check_stored ();
}
END_TEST

Suite *damage_suite (void);

Suite *
damage_suite (void)
{
  Suite *suite = suite_create ("damage");
  TCase *damage = tcase_create ("damage");

  tcase_add_checked_fixture (damage, set_up, tear_down);
  tcase_set_timeout (damage, 120);
  tcase_add_loop_test (damage, of_a_chunk_hides_nothing_else, 0, sizeof (flips) / sizeof (flips[0]));
  tcase_add_loop_test (damage, of_a_summary_hides_nothing, 0, sizeof (flips) / sizeof (flips[0]));
  tcase_add_loop_test (damage, of_recent_points_hides_nothing_else, 0, 4);
  tcase_add_test (damage, of_all_points_keeps_the_next_one);
  tcase_add_loop_test (damage, of_the_tail_hides_nothing_else, 0, 15);
  suite_add_tcase (suite, damage);
  return suite;
}
