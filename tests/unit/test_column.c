/* Tests of integer columns: every width, every mode, exceptions above and below, extremes, and damage. */
#include "ingest/column.h"

#include <check.h>
#include <stdlib.h>

/* The longest column: all blocks raw. */
#define COLUMN_MAX_BYTES ((size_t)64 * 1024)

static uint64_t numbers[COLUMN_MAX];
static uint64_t back[COLUMN_MAX];
static struct buffer out;
static uint64_t random_state;

static void
set_up (void)
{
  buffer_init (&out, COLUMN_MAX_BYTES);
  random_state = 1;
}

static void
tear_down (void)
{
  buffer_free (&out);
}

static uint64_t
next_random (void)
{
  uint64_t bits = random_state += UINT64_C (0x9E3779B97F4A7C15);

  bits = (bits ^ bits >> 30) * UINT64_C (0xBF58476D1CE4E5B9);
  bits = (bits ^ bits >> 27) * UINT64_C (0x94D049BB133111EB);
  return bits ^ bits >> 31;
}

static uint64_t
random_bits (unsigned width)
{
  return 0 == width ? 0 : next_random () >> (64 - width);
}

/* Write the first `count` numbers and read them back from memory of just that size; returns the bytes. */
static size_t
check_round_trip (size_t count, const char *label, unsigned variant)
{
  struct column_plan plan;
  const unsigned char *next;
  unsigned char *copy;
  size_t same = 0;

  buffer_clear (&out);
  column_plan (&plan, numbers, count);
  ck_assert_msg (column_write (&out, &plan, numbers, count), "%s %u", label, variant);
  ck_assert_msg (out.len == plan.bytes, "%s %u: %zu bytes, planned %zu", label, variant, out.len, plan.bytes);
  copy = malloc (out.len);
  ck_assert_ptr_nonnull (copy);
  memcpy (copy, out.data, out.len);
  next = copy;
  memset (back, 0xA5, sizeof (back));
  ck_assert_msg (column_read (back, count, &next, copy + out.len), "%s %u, %zu numbers", label, variant, count);
  ck_assert_msg (next == copy + out.len, "%s %u, %zu numbers", label, variant, count);
  /* Asserts take time, so there is none for every number. */
  while (same < count && back[same] == numbers[same])
    same++;
  ck_assert_msg (same == count, "%s %u, %zu numbers: %zu", label, variant, count, same);
  /* Nothing behind them was written. */
  ck_assert_msg (count == COLUMN_MAX || UINT64_C (0xA5A5A5A5A5A5A5A5) == back[count], "%s %u", label, variant);
  free (copy);
  return out.len;
}

static const size_t lengths[] = { 1, 2, 3, 7, 8, 127, 128, 129, 130, 255, 256, 257, 1000, 4095, 4096 };

#define LENGTHS (sizeof (lengths) / sizeof (lengths[0]))

START_TEST (keeps_numbers_of_every_width)
{
  for (unsigned width = 0; width <= 64; width++)
    for (size_t l = 0; l < LENGTHS; l++)
    {
      for (size_t i = 0; i < lengths[l]; i++)
        numbers[i] = random_bits (width);
      check_round_trip (lengths[l], "width", width);
    }
}
END_TEST

START_TEST (keeps_differences_of_every_width)
{
  for (unsigned width = 0; width <= 64; width++)
    for (size_t l = 0; l < LENGTHS; l++)
    {
      uint64_t sum = next_random ();

      for (size_t i = 0; i < lengths[l]; i++)
        numbers[i] = sum += random_bits (width);
      check_round_trip (lengths[l], "differences of width", width);
    }
}
END_TEST

/* All pairs of a common and a rare width, the rare ones above, below, or on both sides. */
START_TEST (keeps_exceptions_of_every_width)
{
  for (unsigned common = 0; common < 64; common++)
    for (unsigned rare = common + 1; rare <= 64; rare++)
      for (unsigned side = 0; side < 3; side++)
      {
        for (size_t i = 0; i < 300; i++)
        {
          bool is_rare = 0 == next_random () % 40;
          uint64_t number = random_bits (is_rare ? rare : common);

          numbers[i] = 1 == side || (2 == side && next_random () % 2) ? 0 - number : number;
        }
        check_round_trip (300, "exceptions", common * 65 + rare);
      }
}
END_TEST

START_TEST (keeps_extremes)
{
  static const uint64_t extremes[] = { 0,
                                       1,
                                       UINT64_MAX,
                                       (uint64_t)INT64_MAX,
                                       (uint64_t)INT64_MIN,
                                       (uint64_t)INT64_MIN + 1,
                                       (uint64_t)INT64_MAX - 1,
                                       UINT64_C (0x5555555555555555) };
  const size_t n = sizeof (extremes) / sizeof (extremes[0]);

  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      for (size_t k = 0; k < n; k++)
      {
        numbers[0] = extremes[i];
        numbers[1] = extremes[j];
        numbers[2] = extremes[k];
        check_round_trip (3, "extremes", (unsigned)(i * 64 + j * 8 + k));
      }
  for (size_t i = 0; i < COLUMN_MAX; i++)
    numbers[i] = extremes[next_random () % n];
  check_round_trip (COLUMN_MAX, "extremes", 1000);
}
END_TEST

START_TEST (takes_few_bytes_where_it_can)
{
  /* A stride: mode, start, stride. */
  for (size_t i = 0; i < COLUMN_MAX; i++)
    numbers[i] = i * 10;
  ck_assert_uint_eq (check_round_trip (COLUMN_MAX, "stride", 0), 3);
  numbers[0] = 5;
  ck_assert_uint_eq (check_round_trip (1, "one", 0), 2);
  /* Blocks of a stride each: mode, start, and a head and a base for each block. */
  for (size_t i = 0; i < COLUMN_MAX; i++)
    numbers[i] = i < 2000 ? i : i * 3;
  ck_assert_uint_le (check_round_trip (COLUMN_MAX, "two strides", 0), 2 + 32 * 2 + 40);
  /* One far out in each direction must not make the others of its block longer. */
  for (size_t i = 0; i < COLUMN_BLOCK; i++)
    numbers[i] = 1000 + random_bits (4);
  numbers[17] = UINT64_C (1) << 60;
  ck_assert_uint_le (check_round_trip (COLUMN_BLOCK, "one above", 0), COLUMN_BLOCK / 2 + 20);
  numbers[17] = 0 - (UINT64_C (1) << 60);
  ck_assert_uint_le (check_round_trip (COLUMN_BLOCK, "one below", 0), COLUMN_BLOCK / 2 + 20);
  /* Nor must one in ten. */
  for (size_t i = 0; i < COLUMN_BLOCK; i++)
    numbers[i] = random_bits (0 == i % 10 ? 30 : 4);
  ck_assert_uint_le (check_round_trip (COLUMN_BLOCK, "some above", 0), COLUMN_BLOCK / 2 + 13 * 5 + 5);
  /* Noise costs its own width, not that of its differences. */
  for (size_t i = 0; i < COLUMN_MAX; i++)
    numbers[i] = random_bits (20);
  ck_assert_uint_le (check_round_trip (COLUMN_MAX, "noise", 0), COLUMN_MAX * 20 / 8 + 32 * 5);
  /* Nothing takes more than itself and a little. */
  for (size_t i = 0; i < COLUMN_MAX; i++)
    numbers[i] = next_random ();
  ck_assert_uint_le (check_round_trip (COLUMN_MAX, "random", 0), 1 + COLUMN_MAX * 8 + 32);
}
END_TEST

static void
fill_for_damage (void)
{
  for (size_t i = 0; i < 300; i++)
    numbers[i] = 0 == i % 50 ? next_random () : 77 + random_bits (5);
}

START_TEST (refuses_every_cut)
{
  struct column_plan plan;

  fill_for_damage ();
  column_plan (&plan, numbers, 300);
  ck_assert (column_write (&out, &plan, numbers, 300));
  for (size_t len = 0; len < out.len; len++)
  {
    unsigned char *copy = malloc (len > 0 ? len : 1);
    const unsigned char *next = copy;

    ck_assert_ptr_nonnull (copy);
    memcpy (copy, out.data, len);
    ck_assert_msg (! column_read (back, 300, &next, copy + len), "cut to %zu bytes", len);
    free (copy);
  }
}
END_TEST

START_TEST (stays_inside_whatever_is_changed)
{
  struct column_plan plan;
  unsigned char *copy;

  fill_for_damage ();
  column_plan (&plan, numbers, 300);
  ck_assert (column_write (&out, &plan, numbers, 300));
  copy = malloc (out.len);
  ck_assert_ptr_nonnull (copy);
  for (size_t at = 0; at < out.len; at++)
    for (unsigned to = 0; to < 256; to++)
    {
      const unsigned char *next = copy;

      memcpy (copy, out.data, out.len);
      copy[at] = (unsigned char)to;
      back[300] = 42;
      if (column_read (back, 300, &next, copy + out.len))
        ck_assert (next > copy && next <= copy + out.len);
      ck_assert_uint_eq (back[300], 42);
    }
  free (copy);
}
END_TEST

START_TEST (refuses_contradictions)
{
  static const struct
  {
    const char *label;
    unsigned char bytes[24];
    size_t len;
    bool good;
  } cases[] = {
    { "nothing", { 0 }, 0, false },
    { "an unknown mode", { 3, 0, 0 }, 3, false },
    { "a stride", { 0, 2, 2 }, 3, true },
    { "numbers of width 0", { 1, 0, 6 }, 3, true },
    { "exceptions", { 1, 0x41, 0, 1, 1, 3, 1, 1 }, 8, true },
    { "no exceptions where some are announced", { 1, 0x41, 0, 0, 1, 3, 1, 1 }, 8, false },
    { "more exceptions than numbers", { 1, 0x41, 0, 4, 1, 3, 0, 1, 2, 0, 1 }, 11, false },
    { "an exception outside", { 1, 0x41, 0, 1, 1, 3, 3, 1 }, 8, false },
    { "exceptions without bits", { 1, 0x41, 0, 1, 0, 3, 1 }, 7, false },
    { "exceptions of more than 64 bits", { 1, 0x41, 0, 1, 64, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 15, false },
    { "differences without their start", { 2 }, 1, false },
    { "differences", { 2, 2, 0, 2 }, 4, true },
    { "a short raw block", { 1, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4 }, 22, false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    const unsigned char *next = cases[i].bytes;
    bool good = column_read (back, 3, &next, cases[i].bytes + cases[i].len);

    ck_assert_msg (good == cases[i].good, "%s", cases[i].label);
    ck_assert_msg (! good || next == cases[i].bytes + cases[i].len, "%s", cases[i].label);
  }
}
END_TEST

START_TEST (fails_in_the_buffer_when_that_is_full)
{
  struct column_plan plan;
  struct buffer small;

  fill_for_damage ();
  column_plan (&plan, numbers, 300);
  buffer_init (&small, plan.bytes - 1);
  ck_assert (! column_write (&small, &plan, numbers, 300) && small.failed);
  buffer_free (&small);
  buffer_init (&small, plan.bytes);
  ck_assert (column_write (&small, &plan, numbers, 300));
  buffer_free (&small);
}
END_TEST

Suite *column_suite (void);

Suite *
column_suite (void)
{
  Suite *suite = suite_create ("column");
  TCase *round_trips = tcase_create ("round trips");
  TCase *damage = tcase_create ("damage");

  tcase_add_checked_fixture (round_trips, set_up, tear_down);
  tcase_add_test (round_trips, keeps_numbers_of_every_width);
  tcase_add_test (round_trips, keeps_differences_of_every_width);
  tcase_add_test (round_trips, keeps_exceptions_of_every_width);
  tcase_add_test (round_trips, keeps_extremes);
  tcase_add_test (round_trips, takes_few_bytes_where_it_can);
  suite_add_tcase (suite, round_trips);
  tcase_add_checked_fixture (damage, set_up, tear_down);
  tcase_add_test (damage, refuses_every_cut);
  tcase_add_test (damage, stays_inside_whatever_is_changed);
  tcase_add_test (damage, refuses_contradictions);
  tcase_add_test (damage, fails_in_the_buffer_when_that_is_full);
  suite_add_tcase (suite, damage);
  return suite;
}
