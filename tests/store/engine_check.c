/* What the readers of the metric engine say, compared with what was logged. */
#include "engine.h"

#include "ingest/selection.h"
#include "ingest/series.h"
#include "ingest/steps.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Memory of one reading. */
#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
/* Pages of one series that are compared point by point before the rest is skipped. */
#define PAGES 12

static int
by_step (const void *a, const void *b)
{
  return metric_point_compare_step (a, b);
}

/* --- readers ------------------------------------------------------------------------------------------------------ */

/* Points of a view, collected. */
struct collected
{
  struct metric_point *points;
  size_t count;
  size_t capacity;
};

static void
collect (struct collected *collected, const struct metric_point *points, size_t count)
{
  if (collected->count + count > collected->capacity)
  {
    collected->capacity = collected->capacity * 2 + count;
    collected->points = reallocarray (collected->points, collected->capacity, sizeof (*points));
    ck_assert_ptr_nonnull (collected->points);
  }
  if (count > 0)
    memcpy (collected->points + collected->count, points, count * sizeof (*points));
  collected->count += count;
}

static enum err_code
collect_chunk (void *context, struct view_chunk *chunk, const struct metric_point *points, size_t count,
               struct err *err)
{
  (void)chunk;
  (void)err;
  collect (context, points, count);
  return ERR_OK;
}

static bool
in_range (const struct metric_point *point, const struct store_chunk_range *range)
{
  return point->step >= range->min_step && point->step <= range->max_step
         && point->timestamp_ms >= range->min_timestamp_ms && point->timestamp_ms <= range->max_timestamp_ms;
}

/* One view holds what was logged within a range, each point once. */
static void
check_view (struct views *views, size_t run, size_t key, const struct store_chunk_range *range, bool all)
{
  struct view *view = &views->views[run * ENGINE_KEYS + key];
  struct view_chunk **chunks = arena_array (views->arena, view->chunk_count, sizeof (*chunks));
  struct collected collected = { NULL, 0, 0 };
  struct collected wanted = { NULL, 0, 0 };
  struct err err = { 0 };
  const struct metric_point *expected;
  size_t expected_count;
  size_t kept = 0;

  for (size_t i = 0; i < view->chunk_count; i++)
    chunks[i] = &view->chunks[i];
  collect (&collected, view->young, view->young_count);
  ck_assert_int_eq (views_fetch (views, chunks, view->chunk_count, collect_chunk, &collected, &err), ERR_OK);
  for (size_t i = 0; i < collected.count; i++)
    if (in_range (&collected.points[i], range))
      collected.points[kept++] = collected.points[i];
  if (kept > 0)
    qsort (collected.points, kept, sizeof (collected.points[0]), by_step);
  expected = engine_points (&expected_count, run, key, 0);
  for (size_t i = 0; i < expected_count; i++)
    if (in_range (&expected[i], range))
      collect (&wanted, &expected[i], 1);
  engine_assert_same (collected.points, kept, wanted.points, wanted.count, all ? "a view" : "a view of a range");
  if (all)
    ck_assert_uint_eq (view->points, expected_count);
  if (expected_count > 0)
  {
    ck_assert_uint_gt (view->points, 0);
    ck_assert_int_eq (view->first_step, expected[0].step);
    ck_assert_int_eq (view->last_step, expected[expected_count - 1].step);
    for (size_t i = 0; i < expected_count; i++)
      ck_assert (expected[i].timestamp_ms >= view->min_timestamp_ms
                 && expected[i].timestamp_ms <= view->max_timestamp_ms);
  }
  free (collected.points);
  free (wanted.points);
}

/* A random pair, in order, out of points that were logged, or all. */
static void
random_bounds (int64_t *low, int64_t *high, bool steps, size_t run, size_t key)
{
  size_t count;
  const struct metric_point *points = engine_points (&count, run, key, 0);
  int64_t a;
  int64_t b;

  if (0 == count || 0 == database_random () % 4)
    return;
  a = steps ? points[database_random () % count].step : points[database_random () % count].timestamp_ms;
  b = steps ? points[database_random () % count].step : points[database_random () % count].timestamp_ms;
  *low = a < b ? a : b;
  *high = a < b ? b : a;
}

static enum err_code
work_views (struct store_connection *connection, void *context, struct err *err)
{
  struct views_options options = { .range = STORE_CHUNK_RANGE_ALL, .with_summary = database_random () % 2 };
  const bool all = 0 != database_random () % 3;
  struct views views;
  enum err_code code;

  if (! all)
  {
    random_bounds (&options.range.min_step, &options.range.max_step, true, 0, 0);
    random_bounds (&options.range.min_timestamp_ms, &options.range.max_timestamp_ms, false, 1, 0);
  }
  code = views_load (&views, connection, engine.runs, ENGINE_RUNS, engine.key_ids, ENGINE_KEYS, &options, context, err);
  if (ERR_OK != code)
    return code;
  for (size_t run = 0; run < ENGINE_RUNS; run++)
    for (size_t key = 0; key < ENGINE_KEYS; key++)
      check_view (&views, run, key, &options.range, all);
  ck_assert_uint_eq (views.damaged, 0);
  return ERR_OK;
}

void
engine_check_views (void)
{
  struct arena *arena = arena_new (ARENA_BYTES);

  engine_read (work_views, arena);
  arena_free (arena);
}

/* A page of one series. */
struct page
{
  struct arena *arena;
  size_t run;
  size_t key;
  struct selection selection;
};

static enum err_code
work_page (struct store_connection *connection, void *context, struct err *err)
{
  struct page *page = context;
  struct views_options options = { .range = STORE_CHUNK_RANGE_ALL };
  struct views views;
  enum err_code code;

  if (NULL != page->selection.after)
    options.range.min_timestamp_ms = page->selection.after->timestamp_ms;
  code = views_load (&views, connection, &engine.runs[page->run], 1, &engine.key_ids[page->key], 1, &options,
                     page->arena, err);
  return ERR_OK == code ? selection_run (&page->selection, &views, 0, err) : code;
}

/* Pages by time: from the start, or from somewhere, to the end. */
static void
check_pages (size_t run, size_t key, struct arena *arena)
{
  size_t count;
  struct metric_point *points = engine_points_by_time (&count, run, key);
  size_t at = 0 == count || 0 == database_random () % 2 ? 0 : database_random () % count;

  for (unsigned number = 0; number == 0 || at < count; number++)
  {
    struct metric_point after = at > 0 ? points[at - 1] : (struct metric_point){ 0 };
    struct page page = { arena, run, key, { .order = metric_point_compare_time, .limit = count + 10 } };

    page.selection.after = at > 0 ? &after : NULL;
    if (number < PAGES)
      page.selection.limit = 1 + database_random () % (0 == database_random () % 2 ? 40 : count / 4 + 1);
    engine_read (work_page, &page);
    ck_assert_int_eq (page.selection.more, count - at > page.selection.limit);
    engine_assert_same (page.selection.points, page.selection.count, points + at,
                        page.selection.more ? page.selection.limit : count - at, "a page");
    at += page.selection.count;
    selection_free (&page.selection);
    arena_reset (arena);
    if (0 == page.selection.limit || count == at)
      break;
  }
  ck_assert_uint_eq (at, count);
  free (points);
}

static int
compare_int64 (const void *a, const void *b)
{
  const int64_t *left = a;
  const int64_t *right = b;

  return (*left > *right) - (*left < *right);
}

/* The first points at some steps. */
static void
check_filter (size_t run, size_t key, struct arena *arena)
{
  size_t count;
  const struct metric_point *points = engine_points (&count, run, key, 0);
  size_t step_count = 1 + database_random () % 300;
  int64_t *steps = arena_array (arena, step_count, sizeof (*steps));
  struct page page = {
    arena, run, key, { .order = metric_point_compare_step, .limit = 1 + database_random () % 1000 }
  };
  struct collected wanted = { NULL, 0, 0 };
  size_t found = 0;

  for (size_t i = 0; i < step_count; i++)
  {
    steps[i] = 0 == count ? 0 : points[database_random () % count].step;
    if (0 == database_random () % 5)
      steps[i] = (int64_t)((uint64_t)steps[i] + 1);
  }
  qsort (steps, step_count, sizeof (*steps), compare_int64);
  for (size_t i = 0; i < count; i++)
    if (NULL != bsearch (&points[i].step, steps, step_count, sizeof (*steps), compare_int64))
    {
      if (found < page.selection.limit)
        collect (&wanted, &points[i], 1);
      found++;
    }
  page.selection.steps = steps;
  page.selection.step_count = step_count;
  engine_read (work_page, &page);
  engine_assert_same (page.selection.points, page.selection.count, wanted.points, wanted.count, "points at some steps");
  ck_assert_int_eq (page.selection.more, found > page.selection.limit);
  selection_free (&page.selection);
  free (wanted.points);
}

void
engine_check_selections (void)
{
  struct arena *arena = arena_new (ARENA_BYTES);

  for (size_t run = 0; run < ENGINE_RUNS; run++)
    for (size_t key = 0; key < ENGINE_KEYS; key++)
    {
      check_pages (run, key, arena);
      check_filter (run, key, arena);
      arena_reset (arena);
    }
  arena_free (arena);
}

void
engine_check_latest (void)
{
  struct engine_daemon *daemon = &engine.daemons[database_random () % ENGINE_DAEMONS];
  struct arena *arena = arena_new (ARENA_BYTES);
  struct latest_point *latest;
  struct err err = { 0 };
  size_t count;
  size_t at = 0;

  store_start_request (daemon->connection, 0);
  ck_assert_msg (ERR_OK
                     == series_latest (&latest, &count, daemon->keys, daemon->connection, engine.runs, ENGINE_RUNS,
                                       NULL, 0, arena, &err),
                 "%s: %s", err.message, err.cause);
  for (size_t run = 0; run < ENGINE_RUNS; run++)
    for (size_t key = 0; key < ENGINE_KEYS; key++) /* their names are in order */
    {
      size_t points_count;
      const struct metric_point *points = engine_points (&points_count, run, key, 0);

      if (0 == points_count)
        continue;
      ck_assert_uint_lt (at, count);
      ck_assert_uint_eq (latest[at].run, run);
      ck_assert (slice_is (latest[at].key, engine_key (key)));
      ck_assert (engine_same (&latest[at].point, &points[points_count - 1]));
      at++;
    }
  ck_assert_uint_eq (at, count);
  arena_free (arena);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

struct step_check
{
  struct arena *arena;
  size_t key;
  int64_t start;
  int64_t end;
};

static enum err_code
work_steps (struct store_connection *connection, void *context, struct err *err)
{
  const struct step_check *check = context;
  struct views_options options = { .range = STORE_CHUNK_RANGE_ALL, .with_summary = true };
  int64_t *expected = NULL;
  struct steps *steps;
  struct views views;
  size_t count = 0;
  size_t kept = 0;
  enum err_code code;

  options.range.min_step = check->start;
  options.range.max_step = check->end;
  code = views_load (&views, connection, engine.runs, ENGINE_RUNS, &engine.key_ids[check->key], 1, &options,
                     check->arena, err);
  if (ERR_OK == code)
    code = steps_collect (&steps, &views, check->start, check->end, err);
  if (ERR_OK != code)
    return code;
  for (size_t run = 0; run < ENGINE_RUNS; run++)
  {
    size_t points_count;
    const struct metric_point *points = engine_points (&points_count, run, check->key, 0);

    expected = reallocarray (expected, count + points_count + 1, sizeof (*expected));
    ck_assert_ptr_nonnull (expected);
    for (size_t i = 0; i < points_count; i++)
      if (points[i].step >= check->start && points[i].step <= check->end)
        expected[count++] = points[i].step;
  }
  qsort (expected, count, sizeof (*expected), compare_int64);
  for (size_t i = 0; i < count; i++)
    if (0 == kept || expected[kept - 1] != expected[i])
      expected[kept++] = expected[i];
  ck_assert_uint_eq (steps_count (steps), kept);
  for (size_t i = 0; i < kept; i++)
    ck_assert_int_eq (steps_at (steps, i), expected[i]);
  free (expected);
  return ERR_OK;
}

void
engine_check_steps (void)
{
  for (size_t key = 0; key < ENGINE_KEYS; key++)
  {
    struct step_check check = { arena_new (ARENA_BYTES), key, INT64_MIN, INT64_MAX };

    random_bounds (&check.start, &check.end, true, database_random () % ENGINE_RUNS, key);
    engine_read (work_steps, &check);
    arena_free (check.arena);
  }
}

void
engine_check_all (void)
{
  engine_check_views ();
  engine_check_selections ();
  engine_check_latest ();
  engine_check_steps ();
}
