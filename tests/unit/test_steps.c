/* Tests of the distinct steps of several series, as far as they follow from summaries and young points, against all of
   the steps written out. */
#include "ingest/steps.h"

#include "points.h"

#include <check.h>
#include <stdlib.h>

/* Series of one question, chunks of each, and young points of each. */
#define SERIES 3
#define CHUNKS 4
#define YOUNG 20
/* Steps of everything together. */
#define STEPS_MAX (SERIES * (CHUNKS * CHUNK_MAX_POINTS + YOUNG))

static struct metric_point points[CHUNK_MAX_POINTS];
static int64_t all[STEPS_MAX];
static size_t all_count;

static struct arena *arena;
static struct view view_list[SERIES];
static struct views views;

static void
set_up (void)
{
  arena = arena_new ((size_t)64 * 1024 * 1024);
  memset (view_list, 0, sizeof (view_list));
  views = (struct views){ .arena = arena, .run_count = SERIES, .key_count = 1, .views = view_list };
  for (size_t i = 0; i < SERIES; i++)
  {
    view_list[i].chunks = arena_array (arena, CHUNKS, sizeof (struct view_chunk));
    view_list[i].young = arena_array (arena, YOUNG, sizeof (struct metric_point));
  }
  all_count = 0;
}

static void
tear_down (void)
{
  arena_free (arena);
}

/* A chunk of `count` points from `start` on, `stride` apart; with stride 0 all are at one step. */
static void
add_chunk (size_t series, int64_t start, int64_t stride, size_t count)
{
  struct view *view = &view_list[series];
  struct view_chunk *chunk = &view->chunks[view->chunk_count++];
  struct buffer summary;

  ck_assert (view->chunk_count <= CHUNKS && count <= CHUNK_MAX_POINTS);
  buffer_init (&summary, 100000);
  for (size_t i = 0; i < count; i++)
  {
    points[i] =
        (struct metric_point){ .step = (int64_t)((uint64_t)start + i * (uint64_t)stride), .timestamp_ms = (int64_t)i };
    all[all_count++] = points[i].step;
  }
  ck_assert (chunk_summary_encode (&summary, points, count));
  chunk->view = series;
  chunk->row.point_count = (int64_t)count;
  chunk->row.summary = (struct slice){ arena_copy (arena, summary.data, summary.len), summary.len };
  buffer_free (&summary);
}

static void
add_young (size_t series, int64_t step)
{
  struct view *view = &view_list[series];

  view->young[view->young_count++] = (struct metric_point){ .step = step };
  view->young_count = points_settle (view->young, view->young_count, metric_point_compare_step);
  all[all_count++] = step;
}

static int
compare (const void *a, const void *b)
{
  const int64_t *left = a;
  const int64_t *right = b;

  return (*left > *right) - (*left < *right);
}

static void
check (int64_t start, int64_t end)
{
  struct steps *steps;
  struct err err = { 0 };
  uint64_t found = 0;

  qsort (all, all_count, sizeof (all[0]), compare);
  ck_assert_msg (ERR_OK == steps_collect (&steps, &views, start, end, &err), "%s", err.message);
  for (size_t i = 0; i < all_count; i++)
  {
    if (all[i] < start || all[i] > end || (i > 0 && all[i - 1] == all[i]))
      continue;
    ck_assert_uint_lt (found, steps_count (steps));
    ck_assert_int_eq (steps_at (steps, found), all[i]);
    found++;
  }
  ck_assert_uint_eq (steps_count (steps), found);
}

static void
check_ranges (void)
{
  check (INT64_MIN, INT64_MAX);
  for (unsigned i = 0; i < 20; i++)
  {
    int64_t a = all[points_random () % all_count];
    int64_t b = all[points_random () % all_count];

    if (0 == points_random () % 2 && a < INT64_MAX)
      a++;
    if (a <= b)
      check (a, b);
    check (a, INT64_MAX);
    check (INT64_MIN, a);
    check (a, a);
  }
}

START_TEST (none)
{
  all[0] = 0;
  check (INT64_MIN, INT64_MAX);
  check (5, 4);
}
END_TEST

/* Chunk after chunk of one series. */
START_TEST (in_a_row)
{
  static const int64_t strides[] = { 1, 10, 7, 2500 };

  for (int64_t i = 0; i < CHUNKS; i++)
    add_chunk (0, -100 + i * 4096 * strides[_i], strides[_i], 4096);
  check_ranges ();
}
END_TEST

/* Series on the same beat, on another one, and between. */
START_TEST (of_several_series)
{
  static const int64_t cases[][2 * SERIES] = {
    /* start and stride of each */
    { 0, 1, 0, 1, 0, 1 }, { 0, 10, 500, 10, 100, 10 },         { 0, 10, 5, 10, 3, 10 },   { 0, 1, 0, 10, 5, 100 },
    { 3, 7, 0, 5, 1, 3 }, { -1000, 1, 100000, 10, 100000, 1 }, { 0, 100, 4096, 1, 0, 1 },
  };

  for (size_t i = 0; i < SERIES; i++)
  {
    add_chunk (i, cases[_i][2 * i], cases[_i][2 * i + 1], 1 + points_random () % 4096);
    add_young (i, cases[_i][2 * i]);
    add_young (i, cases[_i][2 * i] + 1);
    add_young (i, cases[_i][2 * i] + 17 * cases[_i][2 * i + 1]);
  }
  check_ranges ();
}
END_TEST

START_TEST (at_the_ends_of_int64)
{
  add_chunk (0, INT64_MIN, INT64_MAX, 3);
  add_chunk (1, INT64_MIN, INT64_MAX / 100, 200);
  add_chunk (2, INT64_MAX - 99, 1, 100);
  add_young (0, INT64_MAX);
  add_young (0, INT64_MIN);
  check_ranges ();
  check (INT64_MAX, INT64_MAX);
  check (INT64_MIN, INT64_MIN);
  check (INT64_MAX - 1, INT64_MAX);
}
END_TEST

/* A single step at the beginning of a long series is no reason to write all of that out. */
START_TEST (without_writing_them_out)
{
  const size_t chunks = 3000;
  struct view *view = &view_list[0];
  struct steps *steps;
  struct err err = { 0 };

  view->chunks = arena_array (arena, chunks, sizeof (struct view_chunk));
  add_chunk (0, 0, 10, 4096);
  for (size_t i = 1; i < chunks; i++)
  {
    all_count = 0;
    view->chunk_count = 0;
    add_chunk (0, (int64_t)i * 40960, 10, 4096);
    view->chunks[i] = view->chunks[0];
  }
  view->chunk_count = 0;
  add_chunk (0, 0, 10, 4096);
  view->chunk_count = chunks;
  add_young (1, 0);
  add_young (2, 12345670);
  ck_assert_msg (ERR_OK == steps_collect (&steps, &views, 0, INT64_MAX, &err), "%s", err.message);
  ck_assert_uint_eq (steps_count (steps), chunks * 4096);
  ck_assert_int_eq (steps_at (steps, 0), 0);
  ck_assert_int_eq (steps_at (steps, 1234567), 12345670);
  ck_assert_int_eq (steps_at (steps, chunks * 4096 - 1), ((int64_t)chunks * 4096 - 1) * 10);
}
END_TEST

START_TEST (at_random)
{
  for (unsigned round = 0; round < 100; round++)
  {
    tear_down ();
    set_up ();
    for (size_t series = 0; series < SERIES; series++)
    {
      size_t chunks = points_random () % (CHUNKS + 1);
      size_t young = points_random () % (YOUNG + 1);

      for (size_t i = 0; i < chunks; i++)
        add_chunk (series, (int64_t)(points_random () % 3000), (int64_t)(points_random () % 4),
                   1 + points_random () % (0 == points_random () % 2 ? 5 : 700));
      for (size_t i = 0; i < young; i++)
        add_young (series, (int64_t)(points_random () % 4000));
    }
    if (all_count > 0)
      check_ranges ();
  }
}
END_TEST

Suite *steps_suite (void);

Suite *
steps_suite (void)
{
  Suite *suite = suite_create ("steps");
  TCase *distinct = tcase_create ("distinct steps");

  tcase_add_checked_fixture (distinct, set_up, tear_down);
  tcase_set_timeout (distinct, 60);
  tcase_add_test (distinct, none);
  tcase_add_loop_test (distinct, in_a_row, 0, 4);
  tcase_add_loop_test (distinct, of_several_series, 0, 7);
  tcase_add_test (distinct, at_the_ends_of_int64);
  tcase_add_test (distinct, without_writing_them_out);
  tcase_add_test (distinct, at_random);
  suite_add_tcase (suite, distinct);
  return suite;
}
