/* Tests of charts: what is shown of random histories, and what a client has that asks only for what is new. */
#include "engine.h"

#include "ingest/chart.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Memory of one chart. */
#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define SERIES_MAX (ENGINE_RUNS * ENGINE_KEYS)
/* Charts of the same series with different columns. */
#define GRIDS 30

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

/* What a client holds of one series. */
struct held
{
  int64_t *x;
  double *y;
  size_t count;
  uint64_t points;
  int64_t origin;
};

/* One question, asked again and again, and the client that asks. */
struct asking
{
  struct chart_question question;
  int64_t starts_ms[ENGINE_RUNS];
  size_t runs[ENGINE_RUNS];
  size_t keys[ENGINE_KEYS];
  size_t run_count;
  size_t key_count;
  struct held held[SERIES_MAX];
  struct chart_cursor cursor;
  struct chart_mark marks[SERIES_MAX];
  bool asked;
  /* What came: */
  size_t appended;
  size_t replaced;
  size_t left_out;
  struct arena *arena;
};

/* The points of one series as a chart sees them: in its order, within its range. */
struct wanted
{
  struct metric_point *points;
  size_t count;
  size_t nan_count;
  int64_t origin;
};

static int64_t
x_of (const struct asking *asking, const struct wanted *wanted, const struct metric_point *point)
{
  return CHART_STEP == asking->question.x ? point->step : point->timestamp_ms - wanted->origin;
}

static int64_t
origin_of (const struct asking *asking, size_t run)
{
  int64_t origin = asking->starts_ms[run] > 0 ? asking->starts_ms[run] : INT64_MAX;

  if (CHART_RELATIVE != asking->question.x)
    return 0;
  for (size_t key = 0; key < asking->key_count; key++)
  {
    size_t count;
    const struct metric_point *points = engine_points (&count, asking->runs[run], asking->keys[key], 0);

    for (size_t i = 0; i < count; i++)
      origin = points[i].timestamp_ms < origin ? points[i].timestamp_ms : origin;
  }
  return origin;
}

static struct wanted
want (const struct asking *asking, size_t number)
{
  size_t run = number / asking->key_count;
  size_t key = number % asking->key_count;
  struct wanted wanted = { .origin = origin_of (asking, run) };
  size_t count;

  if (CHART_STEP == asking->question.x)
  {
    const struct metric_point *points = engine_points (&count, asking->runs[run], asking->keys[key], 0);

    wanted.points = calloc (count + 1, sizeof (*points));
    if (count > 0)
      memcpy (wanted.points, points, count * sizeof (*points));
  }
  else
    wanted.points = engine_points_by_time (&count, asking->runs[run], asking->keys[key]);
  for (size_t i = 0; i < count; i++)
  {
    int64_t x = x_of (asking, &wanted, &wanted.points[i]);

    if (x < asking->question.start || x > asking->question.end)
      continue;
    wanted.nan_count += isnan (wanted.points[i].value) != 0;
    wanted.points[wanted.count++] = wanted.points[i];
  }
  return wanted;
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

static bool
same_value (double a, double b)
{
  return (isnan (a) && isnan (b)) || 0 == memcmp (&a, &b, sizeof (a));
}

/* Every shown point is one that was logged; they ascend, and the first and the last one are among them. */
static void
check_real (const struct asking *asking, const struct held *held, const struct wanted *wanted)
{
  size_t at = 0;

  ck_assert_uint_gt (held->count, 0);
  ck_assert_int_eq (held->x[0], x_of (asking, wanted, &wanted->points[0]));
  ck_assert (same_value (held->y[0], wanted->points[0].value));
  ck_assert_int_eq (held->x[held->count - 1], x_of (asking, wanted, &wanted->points[wanted->count - 1]));
  ck_assert (same_value (held->y[held->count - 1], wanted->points[wanted->count - 1].value));
  for (size_t i = 0; i < held->count; i++)
  {
    size_t from;

    ck_assert_msg (0 == i || held->x[i - 1] <= held->x[i], "x does not ascend at %zu of %zu: %lld, %lld", i,
                   held->count, (long long)held->x[i - 1], (long long)held->x[i]);
    while (at < wanted->count && x_of (asking, wanted, &wanted->points[at]) < held->x[i])
      at++;
    for (from = at; from < wanted->count && x_of (asking, wanted, &wanted->points[from]) == held->x[i]; from++)
      if (same_value (wanted->points[from].value, held->y[i]))
        break;
    ck_assert_msg (from < wanted->count && x_of (asking, wanted, &wanted->points[from]) == held->x[i],
                   "(%lld, %a) was never logged", (long long)held->x[i], held->y[i]);
  }
}

/* Least and greatest of the shown points in half a column. */
struct half
{
  double least;
  double greatest;
};

static size_t
half_of (const struct chart_cursor *grid, int64_t x)
{
  uint64_t distance = (uint64_t)x - (uint64_t)grid->low;

  return (size_t)(distance / grid->column * 2 + (distance % grid->column >= grid->column / 2));
}

/* No minimum or maximum is lost: a block of points that sticks out of its column counts for that one, and it sticks out
   by less than half a column. So a point in the second half of a column counts for that one, which may reach to the
   first half of the next; a point in the first half counts for it, or for the one before. */
static void
check_extremes (const struct asking *asking, const struct held *held, const struct wanted *wanted)
{
  const struct chart_cursor *grid = &asking->cursor;
  size_t most = 2 * asking->question.width * 2 + 8;
  struct half *halves = malloc (most * sizeof (*halves));
  struct half all = { INFINITY, -INFINITY };
  struct half shown = all;

  for (size_t i = 0; i < most; i++)
    halves[i] = (struct half){ INFINITY, -INFINITY };
  for (size_t i = 0; i < held->count; i++)
  {
    size_t number = half_of (grid, held->x[i]) + 2;

    ck_assert_uint_lt (number, most);
    halves[number].least = fmin (halves[number].least, held->y[i]);
    halves[number].greatest = fmax (halves[number].greatest, held->y[i]);
    shown.least = fmin (shown.least, held->y[i]);
    shown.greatest = fmax (shown.greatest, held->y[i]);
  }
  for (size_t i = 0; i < wanted->count; i++)
  {
    double value = wanted->points[i].value;
    size_t number = half_of (grid, x_of (asking, wanted, &wanted->points[i])) + 2;
    size_t first = 0 == number % 2 ? number - 2 : number - 1;
    size_t last = 0 == number % 2 ? number + 2 : number + 1;
    double least = INFINITY;
    double greatest = -INFINITY;

    if (isnan (value))
      continue;
    all.least = fmin (all.least, value);
    all.greatest = fmax (all.greatest, value);
    ck_assert_uint_lt (last, most);
    for (size_t j = first; j <= last; j++)
    {
      least = fmin (least, halves[j].least);
      greatest = fmax (greatest, halves[j].greatest);
    }
    ck_assert_msg (least <= value && value <= greatest, "%a at %lld is not within %a and %a", value,
                   (long long)x_of (asking, wanted, &wanted->points[i]), least, greatest);
  }
  ck_assert (all.least >= shown.least && all.least <= shown.least);
  ck_assert (all.greatest >= shown.greatest && all.greatest <= shown.greatest);
  free (halves);
}

static void
check_held (const struct asking *asking, size_t number)
{
  const struct held *held = &asking->held[number];
  struct wanted wanted = want (asking, number);

  ck_assert_msg (held->points == wanted.count, "%llu points, not %zu", (unsigned long long)held->points, wanted.count);
  if (wanted.count > 0)
  {
    ck_assert_int_eq (held->origin, wanted.origin);
    /* Four of each column; twice the columns before there are new ones. */
    ck_assert_uint_le (held->count, 4 * 2 * asking->question.width + 4);
    check_real (asking, held, &wanted);
    check_extremes (asking, held, &wanted);
  }
  else
    ck_assert_uint_eq (held->count, 0);
  free (wanted.points);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* Take what came of one series, as a client does. */
static void
take (struct asking *asking, size_t number, const struct chart_series *series, bool same_grid)
{
  struct held *held = &asking->held[number];
  struct wanted wanted = want (asking, number);

  if (! series->shown)
  {
    asking->left_out++;
    free (wanted.points);
    return;
  }
  /* It is left out when nothing has changed. */
  ck_assert (! asking->asked || ! same_grid || held->points != wanted.count || held->origin != wanted.origin);
  while (series->append && held->count > 0 && held->x[held->count - 1] >= series->append_from)
    held->count--;
  if (series->append)
    asking->appended++;
  else
  {
    asking->replaced++;
    held->count = 0;
    ck_assert_uint_eq (series->nan_points, wanted.nan_count);
  }
  held->x = reallocarray (held->x, held->count + series->count + 1, sizeof (held->x[0]));
  held->y = reallocarray (held->y, held->count + series->count + 1, sizeof (held->y[0]));
  ck_assert (NULL != held->x && NULL != held->y);
  for (size_t i = 0; i < series->count; i++)
  {
    ck_assert (! series->append || series->x[i] >= series->append_from);
    held->x[held->count] = series->x[i];
    held->y[held->count++] = series->y[i];
  }
  held->points = series->points;
  held->origin = series->origin;
  free (wanted.points);
}

static enum err_code
work_chart (struct store_connection *connection, void *context, struct err *err)
{
  struct asking *asking = context;
  struct uuid run_ids[ENGINE_RUNS];
  uint32_t key_ids[ENGINE_KEYS];
  struct chart chart = { .damaged = 0 };
  enum err_code code;
  bool same_grid;

  for (size_t i = 0; i < asking->run_count; i++)
    run_ids[i] = engine.runs[asking->runs[i]];
  for (size_t i = 0; i < asking->key_count; i++)
    key_ids[i] = engine.key_ids[asking->keys[i]];
  code = chart_make (&chart, connection, run_ids, asking->run_count, key_ids, asking->key_count, &asking->question,
                     asking->asked ? &asking->cursor : NULL, asking->arena, err);
  if (ERR_OK != code)
    return code;
  ck_assert_uint_eq (chart.damaged, 0);
  same_grid = asking->cursor.low == chart.cursor.low && asking->cursor.column == chart.cursor.column;
  for (size_t i = 0; i < asking->run_count * asking->key_count; i++)
  {
    take (asking, i, &chart.series[i], same_grid);
    asking->marks[i] = chart.cursor.marks[i];
  }
  asking->cursor = chart.cursor;
  asking->cursor.marks = asking->marks;
  asking->asked = true;
  return ERR_OK;
}

static void
ask (struct asking *asking)
{
  asking->question.starts_ms = asking->starts_ms;
  asking->arena = arena_new (ARENA_BYTES);
  engine_read (work_chart, asking);
  arena_free (asking->arena);
  for (size_t i = 0; i < asking->run_count * asking->key_count; i++)
    check_held (asking, i);
}

static void
forget (struct asking *asking)
{
  for (size_t i = 0; i < SERIES_MAX; i++)
  {
    free (asking->held[i].x);
    free (asking->held[i].y);
  }
}

/* Some of the first `count` numbers, in any order. */
static size_t
choose (size_t *chosen, size_t count)
{
  size_t length = 1 + database_random () % count;
  size_t start = database_random () % count;

  for (size_t i = 0; i < length; i++)
    chosen[i] = (start + i) % count;
  return length;
}

static void
choose_question (struct asking *asking, size_t keys)
{
  static const size_t widths[] = { 1, 2, 7, 100, 1000, CHART_WIDTH_MAX };

  *asking = (struct asking){ .question = { .start = INT64_MIN, .end = INT64_MAX } };
  asking->question.x = (enum chart_x) (database_random () % 3);
  asking->question.width = widths[database_random () % 6];
  asking->run_count = choose (asking->runs, ENGINE_RUNS);
  asking->key_count = choose (asking->keys, keys);
  for (size_t i = 0; i < asking->run_count; i++)
    asking->starts_ms[i] = 0 == database_random () % 2 ? 0 : INT64_C (1699999990000);
}

/* A range between two points of the first series. */
static void
choose_range (struct asking *asking)
{
  struct wanted wanted = want (asking, 0);

  if (wanted.count > 0)
  {
    int64_t a = x_of (asking, &wanted, &wanted.points[database_random () % wanted.count]);
    int64_t b = x_of (asking, &wanted, &wanted.points[database_random () % wanted.count]);

    asking->question.ranged = true;
    if (0 != database_random () % 3)
      asking->question.start = a < b ? a : b;
    if (0 != database_random () % 3)
      asking->question.end = a < b ? b : a;
  }
  free (wanted.points);
}

static void
seed (int loop)
{
  for (int i = 0; i < loop * 7919; i++)
    (void)database_random ();
}

/* A key of each nature: in order with late points; few values that meet; whatever int64 holds. */
static void
log_something (size_t keys)
{
  static const enum engine_shape shapes[ENGINE_KEYS][4] = {
    { ENGINE_ASCENDING, ENGINE_ASCENDING, ENGINE_REVERSED, ENGINE_LATE },
    { ENGINE_ASCENDING, ENGINE_STEPLESS, ENGINE_TIED, ENGINE_REPEATED },
    { ENGINE_EXTREME, ENGINE_TIMELESS, ENGINE_LATE, ENGINE_ASCENDING },
  };
  static const size_t most[] = { 3, 40, 400, ENGINE_BATCH };
  size_t key = database_random () % keys;

  engine_log (database_random () % ENGINE_RUNS, key, 0, shapes[key][database_random () % 4],
              1 + database_random () % most[database_random () % 4]);
}

START_TEST (show_what_was_logged)
{
  seed (_i);
  for (unsigned round = 0; round < 60; round++)
  {
    log_something (ENGINE_KEYS);
    if (0 != database_random () % 3)
      (void)engine_fold (&engine.daemons[round % ENGINE_DAEMONS]);
    if (0 != round % 3)
      continue;
    for (unsigned i = 0; i < 4; i++)
    {
      struct asking asking;

      choose_question (&asking, ENGINE_KEYS);
      /* Clients log no negative timestamps; a time since the first point may not fit into int64 with them. */
      if (CHART_RELATIVE == asking.question.x)
        asking.key_count = choose (asking.keys, ENGINE_KEYS - 1);
      if (i % 2 > 0)
        choose_range (&asking);
      ask (&asking);
      forget (&asking);
    }
  }
}
END_TEST

/* Long series, so that blocks are taken from summaries; stray chunks lie among the others. */
START_TEST (show_long_series)
{
  seed (_i);
  for (unsigned i = 0; i < 12; i++)
    engine_log (0, 0, 0, ENGINE_ASCENDING, ENGINE_BATCH);
  engine_fold_all ();
  for (unsigned i = 0; i < 12; i++)
  {
    engine_log (0, 0, 0, ENGINE_LATE, 150);
    (void)engine_fold (&engine.daemons[0]);
  }
  ck_assert_int_gt (database_number ("SELECT stray_points FROM metric_series"), 0);
  engine_log (0, 0, 0, ENGINE_LATE, 50);
  for (unsigned i = 0; i < 40; i++)
  {
    struct asking asking;

    choose_question (&asking, 1);
    asking.runs[0] = 0;
    asking.run_count = 1;
    asking.question.width = 1 + database_random () % (i % 2 > 0 ? 40 : 4000);
    if (i % 4 > 1)
      choose_range (&asking);
    ask (&asking);
    forget (&asking);
  }
}
END_TEST

/* Rounds of points, and after each the client asks for what is new. */
START_TEST (tell_what_is_new)
{
  struct asking asking[4];
  size_t appended = 0;
  size_t replaced = 0;
  size_t left_out = 0;

  seed (_i);
  for (size_t i = 0; i < 4; i++)
    choose_question (&asking[i], 2);
  asking[3].question.ranged = true;
  asking[3].question.start = 100;
  for (unsigned round = 0; round < 80; round++)
  {
    size_t run = database_random () % ENGINE_RUNS;

    if (0 != database_random () % 5)
      engine_log (run, database_random () % 2, 0, ENGINE_ASCENDING,
                  1 + database_random () % (0 == round % 9 ? ENGINE_BATCH : 60));
    else
      log_something (2);
    if (0 != database_random () % 3)
      (void)engine_fold (&engine.daemons[round % ENGINE_DAEMONS]);
    for (size_t i = 0; i < 4; i++)
      if (0 != database_random () % 3)
        ask (&asking[i]);
  }
  for (size_t i = 0; i < 4; i++)
  {
    ask (&asking[i]);
    appended += asking[i].appended;
    replaced += asking[i].replaced;
    left_out += asking[i].left_out;
    ck_assert (! asking[i].question.ranged || 0 == asking[i].appended);
    forget (&asking[i]);
  }
  ck_assert_uint_gt (appended, 5);
  ck_assert_uint_gt (replaced, 5);
  ck_assert_uint_gt (left_out, 5);
}
END_TEST

/* A chart that only grows at its end is appended to until it has twice its columns. */
START_TEST (append_to_a_run_under_way)
{
  struct asking asking = { .question = { .x = (enum chart_x)_i, .width = 200, .start = INT64_MIN, .end = INT64_MAX },
                           .run_count = 1,
                           .key_count = 1 };
  struct metric_point point = { 0 };
  struct err err = { 0 };

  for (unsigned round = 0; round < 120; round++)
  {
    for (unsigned i = 0; i < 20; i++, point.step++)
    {
      point.timestamp_ms = 1000 + 10 * point.step;
      point.value = (double)(database_random () % 1000);
      ck_assert_int_eq (engine_write (&engine.daemons[0], 0, 0, 0, &point, 1, &err), ERR_OK);
      engine_note (0, 0, 0, &point, 1);
    }
    if (0 == round % 5)
      (void)engine_fold (&engine.daemons[0]);
    ask (&asking);
  }
  /* 20 points, doubled until they are 2400: new columns seven times, else what is appended. */
  ck_assert_uint_le (asking.replaced, 8);
  ck_assert_uint_eq (asking.appended + asking.replaced, 120);
  forget (&asking);
}
END_TEST

/* One series stands still while another gets new columns, and goes on later: what is appended then begins at one of the
   new columns, so the client must have those. */
START_TEST (give_new_columns_to_all)
{
  struct asking *asking = calloc (GRIDS, sizeof (*asking));
  struct metric_point point = { 0 };
  struct err err = { 0 };
  size_t appended = 0;

  for (size_t i = 0; i < GRIDS; i++)
    asking[i] = (struct asking){ .question = { .width = 2 + i, .start = INT64_MIN, .end = INT64_MAX },
                                 .run_count = 1,
                                 .keys = { 0, 1 },
                                 .key_count = 2 };
  for (unsigned round = 0; round < 60; round++)
  {
    /* The first key goes on all the time, the other one sometimes. */
    for (size_t key = 0; key < (0 == round % 4 ? 2 : 1); key++)
      for (unsigned i = 0; i < 12; i++)
      {
        point.step = engine.next_step[0][key]++;
        point.value = (double)(database_random () % 100000);
        ck_assert_int_eq (engine_write (&engine.daemons[0], 0, key, 0, &point, 1, &err), ERR_OK);
        engine_note (0, key, 0, &point, 1);
      }
    for (size_t i = 0; i < GRIDS; i++)
      ask (&asking[i]);
  }
  for (size_t i = 0; i < GRIDS; i++)
  {
    appended += asking[i].appended;
    forget (&asking[i]);
  }
  ck_assert_uint_gt (appended, GRIDS * 10);
  free (asking);
}
END_TEST

Suite *chart_suite (void);

Suite *
chart_suite (void)
{
  Suite *suite = suite_create ("chart");
  TCase *charts = tcase_create ("charts");

  tcase_add_checked_fixture (charts, set_up, tear_down);
  tcase_set_timeout (charts, 300);
  tcase_add_loop_test (charts, show_what_was_logged, 0, 4);
  tcase_add_loop_test (charts, show_long_series, 0, 3);
  tcase_add_loop_test (charts, tell_what_is_new, 0, 6);
  tcase_add_loop_test (charts, append_to_a_run_under_way, 0, 3);
  tcase_add_test (charts, give_new_columns_to_all);
  suite_add_tcase (suite, charts);
  return suite;
}
