/* Series of points of many kinds. */
#include "points.h"

#include "ingest/points.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static uint64_t random_state;

uint64_t
points_random (void)
{
  uint64_t bits = random_state += UINT64_C (0x9E3779B97F4A7C15);

  bits = (bits ^ bits >> 30) * UINT64_C (0xBF58476D1CE4E5B9);
  bits = (bits ^ bits >> 27) * UINT64_C (0x94D049BB133111EB);
  return bits ^ bits >> 31;
}

static double
of_bits (uint64_t bits)
{
  double value;

  memcpy (&value, &bits, sizeof (value));
  return value;
}

static double
uniform (void)
{
  return (double)(points_random () >> 11) * 0x1p-53;
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static double
loss (size_t i)
{
  return 2.5 * exp (-(double)i / 700) + 0.3 + 0.1 * uniform ();
}

static double
single (size_t i)
{
  return (double)(float)loss (i);
}

static double
signed_single (size_t i)
{
  (void)i;
  return (double)(float)(uniform () - 0.5);
}

static double
two_decimals (size_t i)
{
  return round (loss (i) * 1e2) / 1e2;
}

static double
six_decimals (size_t i)
{
  return round ((loss (i) - 1) * 1e6) / 1e6;
}

static double
many_decimals (size_t i)
{
  return round (loss (i) * 1e4) / 1e16;
}

static double
integer (size_t i)
{
  return (double)(int64_t)(i * 100 + points_random () % 17) - 1000;
}

static double
large_integer (size_t i)
{
  return (double)((int64_t)(points_random () >> 10) - (INT64_C (1) << 53)) + (double)(i % 2);
}

static double
any_bits (size_t i)
{
  (void)i;
  return of_bits (points_random ());
}

static double
constant (size_t i)
{
  (void)i;
  return 0.1;
}

static double
all_nan (size_t i)
{
  (void)i;
  return (double)NAN;
}

static double
nan_later (size_t i)
{
  return i % 4096 < 300 ? six_decimals (i) : (double)NAN;
}

/* Each with a payload of its own, quiet and signalling, of either sign. */
static double
nan_payloads (size_t i)
{
  return of_bits (UINT64_C (0x7FF0000000000000) | (points_random () & UINT64_C (0x800FFFFFFFFFFFFF)) | (1 + i));
}

static double
some_nan (size_t i)
{
  return 0 == points_random () % 5 ? nan_payloads (i) : two_decimals (i);
}

static double
special (size_t i)
{
  static const double values[] = { -INFINITY, INFINITY, DBL_TRUE_MIN, -DBL_TRUE_MIN, DBL_MIN,
                                   DBL_MAX,   -DBL_MAX, -0.0,         0.0,           NAN,
                                   1,         1e-300,   1e22,         1e23 };

  (void)i;
  return values[points_random () % (sizeof (values) / sizeof (values[0]))];
}

static double
zeros (size_t i)
{
  (void)i;
  return points_random () % 2 ? 0.0 : -0.0;
}

static double
denormal (size_t i)
{
  (void)i;
  return of_bits (points_random () & UINT64_C (0x800FFFFFFFFFFFFF));
}

/* Decimals but for a few. */
static double
outliers (size_t i)
{
  return 0 == points_random () % 60 ? special (i) : two_decimals (i);
}

/* 4-byte floats but for a few. */
static double
single_outliers (size_t i)
{
  return 0 == points_random () % 60 ? any_bits (i) : single (i);
}

static const struct
{
  const char *name;
  double (*make) (size_t i);
} values[] = { { "single", single },
               { "signed single", signed_single },
               { "loss", loss },
               { "two decimals", two_decimals },
               { "six decimals", six_decimals },
               { "many decimals", many_decimals },
               { "integer", integer },
               { "large integer", large_integer },
               { "any bits", any_bits },
               { "constant", constant },
               { "all NaN", all_nan },
               { "NaN later", nan_later },
               { "NaN payloads", nan_payloads },
               { "some NaN", some_nan },
               { "special", special },
               { "zeros", zeros },
               { "denormal", denormal },
               { "outliers", outliers },
               { "single with outliers", single_outliers } };

const size_t points_value_kinds = sizeof (values) / sizeof (values[0]);

const char *
points_value_name (size_t kind)
{
  return values[kind].name;
}

/* --- steps and timestamps --------------------------------------------------------------------------------------- */

static void
regular (struct metric_point *point, size_t i)
{
  point->step = (int64_t)i * 10;
  point->timestamp_ms = 1753900000000 + (int64_t)i * 250 + (int64_t)(points_random () % 16);
}

static void
irregular (struct metric_point *point, size_t i)
{
  point->step = (int64_t)(i * 7 + points_random () % 7) - 500;
  /* Waits of hours now and then. */
  point->timestamp_ms = 1753900000000 + (int64_t)i * 250 + (int64_t)(i / 400) * 9000000;
}

static void
backwards (struct metric_point *point, size_t i)
{
  point->step = (int64_t)i;
  point->timestamp_ms = 1753900000000 - (int64_t)i * 100 + (int64_t)(points_random () % 5000);
}

/* A run that was taken up again at an earlier step: some steps twice, with other times. */
static void
resumed (struct metric_point *point, size_t i)
{
  bool again = i % 3 == 2;

  point->step = (int64_t)(again ? i - 2 : i);
  point->timestamp_ms = 1753900000000 + (int64_t)i * 250 + (again ? 80000000 : 0);
}

static void
one_step (struct metric_point *point, size_t i)
{
  point->step = 0;
  point->timestamp_ms = 1753900000000 + (int64_t)i;
}

/* Everything at once: only the values differ. */
static void
one_moment (struct metric_point *point, size_t i)
{
  (void)i;
  point->step = 5;
  point->timestamp_ms = 5;
}

static void
extreme (struct metric_point *point, size_t i)
{
  static const int64_t numbers[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
  const size_t count = sizeof (numbers) / sizeof (numbers[0]);

  (void)i;
  point->step = numbers[points_random () % count];
  point->timestamp_ms = numbers[points_random () % count];
}

static void
any_time (struct metric_point *point, size_t i)
{
  (void)i;
  point->step = (int64_t)points_random ();
  point->timestamp_ms = (int64_t)points_random ();
}

/* Strides that come near to passing an int64. */
static void
giant_stride (struct metric_point *point, size_t i)
{
  point->step = (int64_t)((uint64_t)INT64_MIN + i * (UINT64_MAX / 4096));
  point->timestamp_ms = -(int64_t)i;
}

static const struct
{
  const char *name;
  void (*make) (struct metric_point *point, size_t i);
} times[] = { { "regular", regular }, { "irregular", irregular }, { "backwards", backwards },
              { "resumed", resumed }, { "one step", one_step },   { "one moment", one_moment },
              { "extreme", extreme }, { "any time", any_time },   { "giant stride", giant_stride } };

const size_t points_time_kinds = sizeof (times) / sizeof (times[0]);

const char *
points_time_name (size_t kind)
{
  return times[kind].name;
}

/* --- together --------------------------------------------------------------------------------------------------- */

size_t
points_make (struct metric_point *points, size_t count, size_t value_kind, size_t time_kind)
{
  random_state = value_kind * 1000 + time_kind;
  for (size_t i = 0; i < count; i++)
  {
    points[i] = (struct metric_point){ .value = values[value_kind].make (i), .key_id = (uint32_t)i };
    times[time_kind].make (&points[i], i);
  }
  return points_settle (points, count, metric_point_compare_step);
}

bool
points_same (const struct metric_point *a, const struct metric_point *b)
{
  return a->step == b->step && a->timestamp_ms == b->timestamp_ms
         && 0 == memcmp (&a->value, &b->value, sizeof (a->value));
}
