/* Tests of the orders of metric points: the laws of a total order over telling values, and the precedence of members.
 */
#include "ingest/point.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef int (*order) (const struct metric_point *a, const struct metric_point *b);

static const struct
{
  const char *label;
  order compare;
} orders[] = { { "time", metric_point_compare_time }, { "step", metric_point_compare_step } };

#define ORDERS (sizeof (orders) / sizeof (orders[0]))

/* In ascending order; each differs from the next. */
static const double ascending[] = { NAN, -INFINITY,    -DBL_MAX, -1, -DBL_MIN,        -DBL_TRUE_MIN, -0.0,
                                    0.0, DBL_TRUE_MIN, DBL_MIN,  1,  1 + DBL_EPSILON, DBL_MAX,       INFINITY };

#define VALUES (sizeof (ascending) / sizeof (ascending[0]))

static int
sign (int order_of)
{
  return (order_of > 0) - (order_of < 0);
}

START_TEST (orders_values)
{
  for (size_t i = 0; i < VALUES; i++)
    for (size_t j = 0; j < VALUES; j++)
      ck_assert_msg (sign (metric_value_compare (ascending[i], ascending[j])) == (i > j) - (i < j), "%g and %g",
                     ascending[i], ascending[j]);
}
END_TEST

START_TEST (takes_every_nan_for_the_same)
{
  ck_assert_int_eq (metric_value_compare (NAN, -NAN), 0);
  ck_assert_int_eq (metric_value_compare (-NAN, NAN), 0);
  ck_assert_int_gt (metric_value_compare (-INFINITY, -NAN), 0);
}
END_TEST

/* A table of all combinations of telling times, steps and values. */
static struct metric_point *
make_points (size_t *count)
{
  static const int64_t numbers[] = { INT64_MIN, -1, 0, 1, INT64_MAX };
  static const double values[] = { NAN, -INFINITY, -0.0, 0.0, 1 };
  const size_t n = sizeof (numbers) / sizeof (numbers[0]);
  const size_t v = sizeof (values) / sizeof (values[0]);
  struct metric_point *points = calloc (n * n * v, sizeof (*points));

  ck_assert_ptr_nonnull (points);
  *count = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      for (size_t k = 0; k < v; k++)
        points[(*count)++] =
            (struct metric_point){ .timestamp_ms = numbers[i], .step = numbers[j], .value = values[k], .key_id = 1 };
  return points;
}

START_TEST (is_antisymmetric)
{
  order compare = orders[_i].compare;
  size_t count;
  struct metric_point *points = make_points (&count);

  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++)
    {
      ck_assert_int_eq (sign (compare (&points[i], &points[j])), -sign (compare (&points[j], &points[i])));
      /* All points of the table differ. */
      ck_assert_int_eq (i == j, 0 == compare (&points[i], &points[j]));
    }
  free (points);
}
END_TEST

START_TEST (is_transitive)
{
  order compare = orders[_i].compare;
  size_t count;
  struct metric_point *points = make_points (&count);

  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++)
    {
      if (compare (&points[i], &points[j]) > 0)
        continue;
      for (size_t k = 0; k < count; k++)
        if (compare (&points[j], &points[k]) <= 0)
          ck_assert_msg (compare (&points[i], &points[k]) <= 0, "%s: %zu %zu %zu", orders[_i].label, i, j, k);
    }
  free (points);
}
END_TEST

START_TEST (weighs_members_in_their_order)
{
  static const struct
  {
    struct metric_point less;
    struct metric_point more;
    size_t by; /* index into orders */
  } cases[] = {
    { { 1, 9, 9, 1 }, { 2, 0, 0, 1 }, 0 },         { { 1, 1, 9, 1 }, { 1, 2, 0, 1 }, 0 },
    { { 1, 1, 1, 1 }, { 1, 1, 2, 1 }, 0 },         { { 9, 1, 9, 1 }, { 0, 2, 0, 1 }, 1 },
    { { 1, 1, 9, 1 }, { 2, 1, 0, 1 }, 1 },         { { 1, 1, 1, 1 }, { 1, 1, 2, 1 }, 1 },
    { { 1, 1, NAN, 1 }, { 1, 1, -1, 1 }, 1 },      { { 1, 1, -0.0, 1 }, { 1, 1, 0.0, 1 }, 0 },
    { { -5, -1, 0, 1 }, { 5, -1, 0, 1 }, 1 },      { { INT64_MIN, 0, 0, 1 }, { INT64_MAX, 0, 0, 1 }, 0 },
    { { 0, INT64_MIN, 0, 1 }, { 0, 1, 0, 1 }, 1 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    ck_assert_msg (orders[cases[i].by].compare (&cases[i].less, &cases[i].more) < 0, "case %zu", i);
    ck_assert_msg (orders[cases[i].by].compare (&cases[i].more, &cases[i].less) > 0, "case %zu", i);
  }
}
END_TEST

START_TEST (leaves_the_key_aside)
{
  const struct metric_point a = { 1, 2, 3, 4 };
  const struct metric_point b = { 1, 2, 3, 5 };

  ck_assert_int_eq (orders[_i].compare (&a, &b), 0);
}
END_TEST

Suite *point_suite (void);

Suite *
point_suite (void)
{
  Suite *suite = suite_create ("point");
  TCase *values = tcase_create ("values");
  TCase *points = tcase_create ("points");

  tcase_add_test (values, orders_values);
  tcase_add_test (values, takes_every_nan_for_the_same);
  suite_add_tcase (suite, values);
  tcase_add_loop_test (points, is_antisymmetric, 0, ORDERS);
  tcase_add_loop_test (points, is_transitive, 0, ORDERS);
  tcase_add_test (points, weighs_members_in_their_order);
  tcase_add_loop_test (points, leaves_the_key_aside, 0, ORDERS);
  suite_add_tcase (suite, points);
  return suite;
}
