/* Tests of arrays of points: sorting, merging, subtracting and finding places, against the naive way. */
#include "ingest/points.h"

#include "ingest/selection.h"
#include "points.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Most points of one array here. */
#define MOST 400
#define ROUNDS 3000

static const metric_order orders[] = { metric_point_compare_step, metric_point_compare_time };

/* Few different members, so that points meet. */
static struct metric_point
any_point (void)
{
  static const int64_t numbers[] = { INT64_MIN, -1, 0, 1, 2, 3, 4, INT64_MAX };
  static const double values[] = { -INFINITY, -1.5, -0.0, 0.0, 5e-324, 1.5, INFINITY, NAN };
  uint64_t random = points_random ();

  return (struct metric_point){ .step = numbers[random & 7],
                                .timestamp_ms = numbers[random >> 8 & 7],
                                .value = values[random >> 16 & 7],
                                .key_id = (uint32_t)(random >> 40) };
}

static size_t
fill (struct metric_point *points)
{
  size_t count = points_random () % (0 == points_random () % 3 ? 4 : MOST);

  for (size_t i = 0; i < count; i++)
    points[i] = any_point ();
  return count;
}

/* Whether one of some points is equal to another by the order; tried one by one. */
static bool
holds (const struct metric_point *points, size_t count, const struct metric_point *point)
{
  for (size_t i = 0; i < count; i++)
    if (0 == metric_point_compare_step (&points[i], point))
      return true;
  return false;
}

static void
check_distinct (const struct metric_point *points, size_t count, metric_order order)
{
  for (size_t i = 1; i < count; i++)
    ck_assert_int_lt (order (&points[i - 1], &points[i]), 0);
}

START_TEST (settle)
{
  for (unsigned round = 0; round < ROUNDS; round++)
  {
    struct metric_point before[MOST];
    struct metric_point points[MOST];
    size_t before_count = fill (before);
    size_t count;

    memcpy (points, before, sizeof (points));
    count = points_settle (points, before_count, orders[_i]);
    ck_assert_uint_le (count, before_count);
    check_distinct (points, count, orders[_i]);
    for (size_t i = 0; i < before_count; i++)
      ck_assert (holds (points, count, &before[i]));
    for (size_t i = 0; i < count; i++)
      ck_assert (holds (before, before_count, &points[i]));
    /* Nothing is left to do. */
    memcpy (before, points, sizeof (points));
    ck_assert_uint_eq (points_settle (points, count, orders[_i]), count);
    ck_assert_int_eq (memcmp (before, points, count * sizeof (points[0])), 0);
  }
}
END_TEST

START_TEST (merge_and_subtract)
{
  size_t met = 0;

  for (unsigned round = 0; round < ROUNDS; round++)
  {
    struct metric_point a[MOST];
    struct metric_point b[MOST];
    struct metric_point merged[2 * MOST];
    struct metric_point left[MOST];
    size_t a_count = points_settle (a, fill (a), metric_point_compare_step);
    size_t b_count = points_settle (b, fill (b), metric_point_compare_step);
    size_t merged_count;
    size_t left_count;

    /* One behind the other now and then, as points mostly come. */
    if (0 == round % 4 && a_count > 0)
    {
      size_t cut = points_random () % a_count;

      b_count = a_count - cut;
      memcpy (b, a + cut, b_count * sizeof (b[0]));
      a_count = cut;
    }
    merged_count = points_merge (merged, a, a_count, b, b_count);
    check_distinct (merged, merged_count, metric_point_compare_step);
    for (size_t i = 0; i < a_count; i++)
      ck_assert (holds (merged, merged_count, &a[i]));
    for (size_t i = 0; i < b_count; i++)
      ck_assert (holds (merged, merged_count, &b[i]));
    memcpy (left, a, sizeof (left));
    left_count = points_subtract (left, a_count, b, b_count);
    check_distinct (left, left_count, metric_point_compare_step);
    for (size_t i = 0; i < a_count; i++)
      ck_assert_int_eq (holds (left, left_count, &a[i]), ! holds (b, b_count, &a[i]));
    ck_assert_uint_eq (merged_count, left_count + b_count);
    met += left_count < a_count;
  }
  ck_assert_uint_gt (met, ROUNDS / 4);
}
END_TEST

START_TEST (find_places)
{
  for (unsigned round = 0; round < ROUNDS; round++)
  {
    struct metric_point points[MOST];
    size_t count = points_settle (points, fill (points), metric_point_compare_step);
    struct metric_point place = any_point ();
    size_t before = 0;
    size_t not_after = 0;

    for (size_t i = 0; i < count; i++)
    {
      bool same_step = points[i].step == place.step;

      before += points[i].step < place.step || (same_step && points[i].timestamp_ms < place.timestamp_ms);
      not_after += points[i].step < place.step || (same_step && points[i].timestamp_ms <= place.timestamp_ms);
    }
    ck_assert_uint_eq (points_from (points, count, place.step, place.timestamp_ms), before);
    ck_assert_uint_eq (points_after (points, count, place.step, place.timestamp_ms), not_after);
  }
}
END_TEST

/* A view that has no chunks needs no database. */
START_TEST (select_the_first)
{
  static const size_t limits[] = { 1, 2, 7, 100, MOST, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX };

  for (unsigned round = 0; round < ROUNDS; round++)
  {
    struct arena *arena = arena_new (1000000);
    struct metric_point points[MOST];
    struct metric_point after = any_point ();
    struct view view = { .young = points };
    struct views views = { .arena = arena, .run_count = 1, .key_count = 1, .views = &view };
    struct selection selection = { .order = orders[_i], .limit = limits[points_random () % 8] };
    struct err err = { 0 };
    size_t first = 0;

    view.young_count = points_settle (points, fill (points), metric_point_compare_step);
    if (0 == round % 2)
      selection.after = &after;
    ck_assert_int_eq (selection_run (&selection, &views, 0, &err), ERR_OK);
    view.young_count = points_settle (points, view.young_count, orders[_i]);
    while (0 == round % 2 && first < view.young_count && orders[_i](&points[first], &after) <= 0)
      first++;
    ck_assert_int_eq (selection.more, view.young_count - first > selection.limit);
    ck_assert_uint_eq (selection.count, selection.more ? selection.limit : view.young_count - first);
    for (size_t i = 0; i < selection.count; i++)
      ck_assert_int_eq (orders[_i](&selection.points[i], &points[first + i]), 0);
    selection_free (&selection);
    arena_free (arena);
  }
}
END_TEST

/* More points than the list has room for beside its limit, whatever the limit is. */
START_TEST (select_of_many)
{
  static const size_t limits[] = { 1, 5000, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 100, SIZE_MAX };
  const size_t count = 3 * CHUNK_MAX_POINTS;
  struct arena *arena = arena_new (1000000);
  struct metric_point *points = calloc (count, sizeof (*points));
  struct view view = { .young = points, .young_count = count };
  struct views views = { .arena = arena, .run_count = 1, .key_count = 1, .views = &view };
  struct selection selection = { .order = metric_point_compare_time, .limit = limits[_i] };
  struct err err = { 0 };

  for (size_t i = 0; i < count; i++)
    points[i] = (struct metric_point){ .step = (int64_t)i, .timestamp_ms = -(int64_t)i };
  ck_assert_int_eq (selection_run (&selection, &views, 0, &err), ERR_OK);
  ck_assert_uint_eq (selection.count, limits[_i] < count ? limits[_i] : count);
  ck_assert_int_eq (selection.more, limits[_i] < count);
  for (size_t i = 0; i < selection.count; i++)
    ck_assert_int_eq (selection.points[i].step, (int64_t)(count - 1 - i));
  selection_free (&selection);
  free (points);
  arena_free (arena);
}
END_TEST

Suite *points_suite (void);

Suite *
points_suite (void)
{
  Suite *suite = suite_create ("points");
  TCase *arrays = tcase_create ("arrays");

  tcase_set_timeout (arrays, 60);
  tcase_add_loop_test (arrays, settle, 0, 2);
  tcase_add_test (arrays, merge_and_subtract);
  tcase_add_test (arrays, find_places);
  tcase_add_loop_test (arrays, select_the_first, 0, 2);
  tcase_add_loop_test (arrays, select_of_many, 0, 6);
  suite_add_tcase (suite, arrays);
  return suite;
}
