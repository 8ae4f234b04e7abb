/* Tests of chunks: every kind of series there and back bit for bit, few bytes for what is usual, damage of every kind.
 */
#include "ingest/chunk.h"

#include "base/crc32c.h"
#include "points.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Above the longest chunk: three columns of 8 bytes a number, all values exceptions. */
#define PACKED_MAX_BYTES ((size_t)256 * 1024)
#define KEY 77

static struct metric_point points[CHUNK_MAX_POINTS];
/* One more than may be written. */
static struct metric_point back[CHUNK_MAX_POINTS + 1];
static struct buffer packed;

static void
set_up (void)
{
  buffer_init (&packed, PACKED_MAX_BYTES);
}

static void
tear_down (void)
{
  buffer_free (&packed);
}

/* Decode a copy in memory of just that size, so that an address sanitizer sees the first byte too many. */
static bool
decode (size_t *count, const char *bytes, size_t len)
{
  char *copy = malloc (len > 0 ? len : 1);
  bool good;

  if (NULL == copy)
    ck_abort_msg ("out of memory");
  if (len > 0)
    memcpy (copy, bytes, len);
  back[CHUNK_MAX_POINTS].key_id = 1;
  good = chunk_decode (back, count, KEY, (struct slice){ copy, len });
  free (copy);
  if (1 != back[CHUNK_MAX_POINTS].key_id)
    ck_abort_msg ("written outside");
  return good;
}

/* Returns the bytes that the first `count` points take. */
static size_t
check_round_trip (size_t count, const char *values, const char *times)
{
  size_t got = 0;
  size_t same = 0;

  buffer_clear (&packed);
  ck_assert_msg (chunk_encode (&packed, points, count), "%s, %s, %zu points", values, times, count);
  ck_assert_msg (decode (&got, packed.data, packed.len), "%s, %s, %zu points", values, times, count);
  ck_assert_msg (got == count, "%s, %s, %zu points: %zu", values, times, count, got);
  /* Asserts take time, so there is none for every point. */
  while (same < count && points_same (&back[same], &points[same]) && KEY == back[same].key_id)
    same++;
  ck_assert_msg (same == count, "%s, %s, %zu points: point %zu", values, times, count, same);
  return packed.len;
}

START_TEST (gives_back_every_kind_of_series)
{
  static const size_t lengths[] = { 1, 2, 3, 10, 127, 128, 129, 255, 256, 257, 1000, 4095, 4096 };

  for (size_t values = 0; values < points_value_kinds; values++)
    for (size_t times = 0; times < points_time_kinds; times++)
      for (size_t l = 0; l < sizeof (lengths) / sizeof (lengths[0]); l++)
        check_round_trip (points_make (points, lengths[l], values, times), points_value_name (values),
                          points_time_name (times));
}
END_TEST

START_TEST (gives_back_every_length)
{
  for (size_t count = 1; count <= CHUNK_MAX_POINTS; count += count < 300 ? 1 : 61)
    check_round_trip (points_make (points, count, count % points_value_kinds, 0), "values in turn", "regular");
}
END_TEST

START_TEST (keeps_every_bit_of_a_single_value)
{
  for (unsigned bit = 0; bit < 64; bit++)
    for (unsigned other = 0; other < 64; other++)
    {
      uint64_t bits = UINT64_C (1) << bit | UINT64_C (1) << other;

      points[0] = (struct metric_point){ 1, 1, 0, 1 };
      memcpy (&points[0].value, &bits, sizeof (bits));
      check_round_trip (1, "two bits", "one");
      points[0].value = -points[0].value;
      check_round_trip (1, "two bits and the sign", "one");
    }
}
END_TEST

/* Every number of decimals that a double can have, and the neighbours of such numbers, which are none. */
START_TEST (keeps_decimals_and_their_neighbours)
{
  for (int digits = -22; digits <= 22; digits++)
    for (unsigned neighbours = 0; neighbours < 3; neighbours++)
    {
      size_t count = 200;

      for (size_t i = 0; i < count; i++)
      {
        double value = (double)(points_random () >> 30) * pow (10, digits);

        if (neighbours > 0 && 0 == i % 9)
          value = nextafter (value, 1 == neighbours ? (double)INFINITY : -(double)INFINITY);
        points[i] = (struct metric_point){ (int64_t)i, (int64_t)i, value, 1 };
      }
      check_round_trip (count, "decimals", "one");
    }
}
END_TEST

START_TEST (takes_few_bytes_for_what_is_usual)
{
  static const struct
  {
    const char *values;
    size_t count;
    double bytes; /* a point, at most; timestamps with 4 bits of jitter are about 0.65 of them */
  } cases[] = { { "single", 4096, 3.9 },       { "single", 128, 4.1 },        { "single", 10, 7 },
                { "two decimals", 4096, 1.6 }, { "six decimals", 4096, 3.2 }, { "integer", 4096, 1.6 },
                { "loss", 4096, 7.6 },         { "any bits", 4096, 8.9 },     { "constant", 4096, 0.8 },
                { "all NaN", 4096, 0.8 },      { "NaN later", 4096, 1.2 },    { "single", 1, 24 },
                { "constant", 1, 19 } };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    size_t kind = 0;
    double bytes;

    while (strcmp (points_value_name (kind), cases[i].values) != 0)
      kind++;
    bytes = (double)check_round_trip (points_make (points, cases[i].count, kind, 0), cases[i].values, "regular");
    ck_assert_msg (bytes / (double)cases[i].count <= cases[i].bytes, "%s: %.2f bytes a point", cases[i].values,
                   bytes / (double)cases[i].count);
  }
}
END_TEST

START_TEST (writes_the_documented_bytes)
{
  /* Steps 1, 2, 3; times 10, 20, 40; values 0.25, 0.5, 0.75 of which 51 bits are 0, or hundredths. */
  static const struct
  {
    double values[3];
    unsigned char bytes[18];
    size_t len;
  } cases[] = {
    { { 0.5, 0.25, 0.75 }, { 1, 3, 0, 2, 2, 1, 5, 20, 0x40, 0x79, 51, 1, 2, 0xF4, 0x1F, 0x32 }, 16 },
    { { 0.5, 0.25, 0.7 }, { 1, 3, 0, 2, 2, 1, 5, 20, 0x40, 0x79, 0x42, 1, 6, 50, 0x19, 0xD0, 2 }, 17 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    points[0] = (struct metric_point){ 10, 1, cases[i].values[0], 1 };
    points[1] = (struct metric_point){ 20, 2, cases[i].values[1], 1 };
    points[2] = (struct metric_point){ 40, 3, cases[i].values[2], 1 };
    check_round_trip (3, "documented", "documented");
    ck_assert_uint_eq (packed.len, cases[i].len + 4);
    ck_assert_mem_eq (packed.data, cases[i].bytes, cases[i].len);
  }
}
END_TEST

/* --- damage ----------------------------------------------------------------------------------------------------- */

/* Pairs of kinds whose chunks have every sort of part. */
static const struct
{
  size_t count;
  size_t values;
  size_t times;
} damaged[] = { { 1, 0, 0 }, { 12, 3, 0 }, { 40, 17, 1 }, { 150, 13, 2 }, { 60, 14, 6 }, { 300, 11, 0 } };

#define DAMAGED (sizeof (damaged) / sizeof (damaged[0]))

static void
pack_for_damage (size_t which)
{
  size_t count = points_make (points, damaged[which].count, damaged[which].values, damaged[which].times);

  ck_assert (chunk_encode (&packed, points, count));
}

START_TEST (refuses_every_changed_bit)
{
  size_t count;

  pack_for_damage ((size_t)_i);
  for (size_t bit = 0; bit < packed.len * 8; bit++)
  {
    packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (char)(1U << bit % 8));
    ck_assert_msg (! decode (&count, packed.data, packed.len), "bit %zu", bit);
    packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (char)(1U << bit % 8));
  }
  ck_assert (decode (&count, packed.data, packed.len));
}
END_TEST

START_TEST (refuses_every_cut_and_more)
{
  size_t count;

  pack_for_damage ((size_t)_i);
  for (size_t len = 0; len < packed.len; len++)
    ck_assert_msg (! decode (&count, packed.data, len), "cut to %zu bytes", len);
  buffer_byte (&packed, 0);
  ck_assert (! decode (&count, packed.data, packed.len));
}
END_TEST

/* The check sum set right, so that what is behind it is tried. */
static bool
decode_sealed (size_t *count, char *bytes, size_t len)
{
  uint32_t crc = crc32c (bytes, len - 4);

  for (unsigned i = 0; i < 4; i++)
    bytes[len - 4 + i] = (char)(crc >> 8 * i);
  return decode (count, bytes, len);
}

START_TEST (gives_only_sound_points_when_the_sum_is_right)
{
  char *changed;
  size_t count;

  pack_for_damage ((size_t)_i);
  changed = malloc (packed.len);
  ck_assert_ptr_nonnull (changed);
  for (size_t at = 0; at + 4 < packed.len; at++)
    for (unsigned to = 0; to < 256; to++)
    {
      bool sound = true;

      memcpy (changed, packed.data, packed.len);
      changed[at] = (char)to;
      if (! decode_sealed (&count, changed, packed.len))
        continue;
      for (size_t i = 1; i < count && sound; i++)
        sound = metric_point_compare_step (&back[i - 1], &back[i]) < 0;
      ck_assert (sound && count > 0 && count <= CHUNK_MAX_POINTS);
    }
  for (size_t len = 4; len < packed.len; len++)
  {
    memcpy (changed, packed.data, len);
    ck_assert_msg (! decode_sealed (&count, changed, len), "cut to %zu bytes", len);
  }
  free (changed);
}
END_TEST

START_TEST (refuses_contradictions)
{
  static const struct
  {
    const char *label;
    unsigned char bytes[32]; /* four of them for the check sum */
    size_t len;
    bool good;
  } cases[] = {
    { "two points", { 1, 2, 0, 2, 2, 0, 2, 2, 0x40, 0, 2, 2 }, 16, true },
    { "version 2", { 2, 2, 0, 2, 2, 0, 2, 2, 0x40, 0, 2, 2 }, 16, false },
    { "no points", { 1, 0 }, 6, false },
    { "one too many", { 1, 0x81, 0x20, 0, 2, 2, 0, 2, 2, 0x40, 0, 2, 2 }, 17, false },
    { "as many as there may be", { 1, 0x80, 0x20, 0, 2, 2, 0, 2, 2, 0x40, 0, 2, 2 }, 17, true },
    { "equal points", { 1, 2, 0, 2, 0, 0, 2, 0, 0x40, 0, 2, 0 }, 16, false },
    { "points that differ in value only", { 1, 2, 0, 2, 0, 0, 2, 0, 0x40, 0, 2, 2 }, 16, true },
    { "values that go down", { 1, 2, 0, 2, 0, 0, 2, 0, 0x40, 0, 2, 1 }, 16, false },
    { "times that go back", { 1, 2, 0, 2, 0, 0, 2, 1, 0x40, 0, 2, 2 }, 16, false },
    { "steps that go back", { 1, 2, 0, 2, 1, 0, 2, 2, 0x40, 0, 2, 2 }, 16, false },
    { "23 decimals", { 1, 2, 0, 2, 2, 0, 2, 2, 0x57, 0, 2, 2 }, 16, false },
    { "22 decimals", { 1, 2, 0, 2, 2, 0, 2, 2, 0x56, 0, 2, 2 }, 16, true },
    { "53 bits left out", { 1, 2, 0, 2, 2, 0, 2, 2, 53, 0, 2, 2 }, 16, false },
    { "52 bits left out", { 1, 2, 0, 2, 2, 0, 2, 2, 52, 0, 2, 2 }, 16, true },
    { "an exception", { 1, 2, 0, 2, 2, 0, 2, 2, 0xC0, 0, 2, 2, 1, 0, 2, 0, 2 }, 21, true },
    { "no exceptions", { 1, 2, 0, 2, 2, 0, 2, 2, 0xC0, 0, 2, 2, 0 }, 17, false },
    { "an exception outside", { 1, 2, 0, 2, 2, 0, 2, 2, 0xC0, 0, 2, 2, 1, 0, 4, 0, 2 }, 21, false },
    { "exceptions at one place", { 1, 2, 0, 2, 2, 0, 2, 2, 0xC0, 0, 2, 2, 2, 0, 0, 0, 0, 2, 0 }, 23, false },
    { "more exceptions than values", { 1, 2, 0, 2, 2, 0, 2, 2, 0xC0, 0, 2, 2, 3, 0, 0, 2, 0, 2, 0 }, 23, false },
    { "a byte too many", { 1, 2, 0, 2, 2, 0, 2, 2, 0x40, 0, 2, 2, 0 }, 17, false },
    { "a sum of nothing", { 0 }, 4, false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    char bytes[32];
    size_t count;

    memcpy (bytes, cases[i].bytes, cases[i].len);
    ck_assert_msg (decode_sealed (&count, bytes, cases[i].len) == cases[i].good, "%s", cases[i].label);
  }
  {
    size_t count;

    ck_assert (! chunk_decode (back, &count, KEY, (struct slice){ NULL, 0 }));
  }
}
END_TEST

START_TEST (fails_in_the_buffer_when_that_is_full)
{
  size_t count = points_make (points, 100, 17, 1);
  struct buffer small;
  size_t len = check_round_trip (count, "outliers", "irregular");

  for (size_t room = 0; room < len; room++)
  {
    buffer_init (&small, room);
    ck_assert_msg (! chunk_encode (&small, points, count) && small.failed, "%zu bytes", room);
    buffer_free (&small);
  }
  buffer_init (&small, len);
  ck_assert (chunk_encode (&small, points, count));
  buffer_free (&small);
}
END_TEST

START_TEST (appends_to_what_is_there)
{
  size_t count = points_make (points, 100, 0, 0);
  size_t got;

  buffer_text (&packed, "before");
  ck_assert (chunk_encode (&packed, points, count));
  ck_assert_mem_eq (packed.data, "before", 6);
  ck_assert (decode (&got, packed.data + 6, packed.len - 6));
  ck_assert_uint_eq (got, count);
}
END_TEST

Suite *chunk_suite (void);

Suite *
chunk_suite (void)
{
  Suite *suite = suite_create ("chunk");
  TCase *round_trips = tcase_create ("round trips");
  TCase *damage = tcase_create ("damage");

  tcase_add_checked_fixture (round_trips, set_up, tear_down);
  tcase_set_timeout (round_trips, 60);
  tcase_add_test (round_trips, gives_back_every_kind_of_series);
  tcase_add_test (round_trips, gives_back_every_length);
  tcase_add_test (round_trips, keeps_every_bit_of_a_single_value);
  tcase_add_test (round_trips, keeps_decimals_and_their_neighbours);
  tcase_add_test (round_trips, takes_few_bytes_for_what_is_usual);
  tcase_add_test (round_trips, writes_the_documented_bytes);
  tcase_add_test (round_trips, appends_to_what_is_there);
  suite_add_tcase (suite, round_trips);
  tcase_add_checked_fixture (damage, set_up, tear_down);
  tcase_set_timeout (damage, 60);
  tcase_add_loop_test (damage, refuses_every_changed_bit, 0, DAMAGED);
  tcase_add_loop_test (damage, refuses_every_cut_and_more, 0, DAMAGED);
  tcase_add_loop_test (damage, gives_only_sound_points_when_the_sum_is_right, 0, DAMAGED);
  tcase_add_test (damage, refuses_contradictions);
  tcase_add_test (damage, fails_in_the_buffer_when_that_is_full);
  suite_add_tcase (suite, damage);
  return suite;
}
