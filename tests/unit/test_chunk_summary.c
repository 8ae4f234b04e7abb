/* Tests of the summaries of chunks: they tell what a look at every point tells, in few bytes, and refuse damage. */
#include "base/crc32c.h"
#include "ingest/chunk.h"
#include "points.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SUMMARY_MAX_BYTES ((size_t)8 * 1024)

static struct metric_point points[CHUNK_MAX_POINTS];
static struct chunk_block blocks[CHUNK_BLOCKS_MAX + 1];
static struct buffer packed;

static void
set_up (void)
{
  buffer_init (&packed, SUMMARY_MAX_BYTES);
}

static void
tear_down (void)
{
  buffer_free (&packed);
}

/* Decode a copy in memory of just that size. */
static bool
decode (size_t *count, const char *bytes, size_t len)
{
  char *copy = malloc (len > 0 ? len : 1);
  bool good;

  if (NULL == copy)
    ck_abort_msg ("out of memory");
  if (len > 0)
    memcpy (copy, bytes, len);
  blocks[CHUNK_BLOCKS_MAX].count = 99;
  good = chunk_summary_decode (blocks, count, (struct slice){ copy, len });
  free (copy);
  if (99 != blocks[CHUNK_BLOCKS_MAX].count)
    ck_abort_msg ("written outside");
  return good;
}

static bool
decode_sealed (size_t *count, char *bytes, size_t len)
{
  uint32_t crc = crc32c (bytes, len - 4);

  for (unsigned i = 0; i < 4; i++)
    bytes[len - 4 + i] = (char)(crc >> 8 * i);
  return decode (count, bytes, len);
}

/* Every member by its definition, the slow way: sorts instead of one pass. */
static void
check_block (const struct chunk_block *block, const struct metric_point *from, size_t n, const char *label)
{
  const struct metric_point *least = NULL;
  const struct metric_point *greatest = NULL;
  size_t nan_count = 0;
  size_t falls = 0;
  size_t strides = 0;
  int64_t min = from[0].timestamp_ms;
  int64_t max = min;

  ck_assert_msg (block->count == n, "%s", label);
  ck_assert_msg (points_same (&block->first, &from[0]) && points_same (&block->last, &from[n - 1]), "%s", label);
  for (size_t i = n; i-- > 0;)
  {
    nan_count += 0 != isnan (from[i].value);
    /* From the end, so that of equal ones the first stays. */
    if (! isnan (from[i].value))
    {
      least = NULL == least || metric_value_compare (from[i].value, least->value) <= 0 ? &from[i] : least;
      greatest = NULL == greatest || metric_value_compare (from[i].value, greatest->value) >= 0 ? &from[i] : greatest;
    }
    min = from[i].timestamp_ms < min ? from[i].timestamp_ms : min;
    max = from[i].timestamp_ms > max ? from[i].timestamp_ms : max;
    falls += i > 0 && from[i].timestamp_ms < from[i - 1].timestamp_ms;
    strides += i > 0 && (__int128)from[i].step - from[i - 1].step == (__int128)from[1].step - from[0].step;
  }
  ck_assert_msg (block->nan_count == nan_count, "%s", label);
  if (NULL != least)
    ck_assert_msg (points_same (&block->least, least) && points_same (&block->greatest, greatest), "%s", label);
  ck_assert_msg (block->min_timestamp_ms == min && block->max_timestamp_ms == max, "%s", label);
  ck_assert_msg (block->times_ascend == (0 == falls), "%s", label);
  if (n > 1 && strides == n - 1 && (__int128)from[1].step - from[0].step <= INT64_MAX && from[1].step > from[0].step)
    ck_assert_msg (block->stride == from[1].step - from[0].step, "%s", label);
  else
    ck_assert_msg (0 == block->stride, "%s", label);
}

static void
check_summary (size_t count, const char *label)
{
  size_t got;

  buffer_clear (&packed);
  ck_assert_msg (chunk_summary_encode (&packed, points, count), "%s", label);
  ck_assert_msg (decode (&got, packed.data, packed.len), "%s", label);
  ck_assert_msg (got == (count + CHUNK_BLOCK_POINTS - 1) / CHUNK_BLOCK_POINTS, "%s", label);
  for (size_t b = 0; b < got; b++)
  {
    size_t start = b * CHUNK_BLOCK_POINTS;

    check_block (&blocks[b], points + start, count - start < CHUNK_BLOCK_POINTS ? count - start : CHUNK_BLOCK_POINTS,
                 label);
  }
}

START_TEST (tells_what_the_points_tell)
{
  static const size_t lengths[] = { 1, 2, 3, 10, 255, 256, 257, 1000, 4095, 4096 };

  for (size_t values = 0; values < points_value_kinds; values++)
    for (size_t times = 0; times < points_time_kinds; times++)
      for (size_t l = 0; l < sizeof (lengths) / sizeof (lengths[0]); l++)
      {
        char label[128];

        snprintf (label, sizeof (label), "%s, %s, %zu points", points_value_name (values), points_time_name (times),
                  lengths[l]);
        check_summary (points_make (points, lengths[l], values, times), label);
      }
}
END_TEST

START_TEST (takes_few_bytes)
{
  for (size_t values = 0; values < points_value_kinds; values++)
  {
    size_t count = points_make (points, CHUNK_MAX_POINTS, values, 0);

    check_summary (count, points_value_name (values));
    /* Four values of 8 bytes, and some 20 bytes of places, steps and times. */
    ck_assert_msg (packed.len <= 55 * CHUNK_BLOCKS_MAX, "%s: %zu bytes", points_value_name (values), packed.len);
  }
  /* Four values of 4 bytes. */
  check_summary (points_make (points, CHUNK_MAX_POINTS, 0, 0), "single");
  ck_assert_uint_le (packed.len, 39 * CHUNK_BLOCKS_MAX);
}
END_TEST

START_TEST (writes_the_documented_bytes)
{
  /* Stride, ascending, 4-byte floats; the least is elsewhere (time 10 after the first, place 1), the greatest last. */
  static const unsigned char expected[] = { 1, 3,    0x8B, 2, 20,   1,    60, 20, 1,    0,   0,
                                            0, 0x3F, 0,    0, 0x40, 0x3F, 0,  0,  0x80, 0x3E };

  points[0] = (struct metric_point){ 10, 1, 0.5, 1 };
  points[1] = (struct metric_point){ 20, 2, 0.25, 1 };
  points[2] = (struct metric_point){ 40, 3, 0.75, 1 };
  check_summary (3, "documented");
  ck_assert_uint_eq (packed.len, sizeof (expected) + 4);
  ck_assert_mem_eq (packed.data, expected, sizeof (expected));
}
END_TEST

/* Pairs of kinds whose summaries have every sort of part. */
static const struct
{
  size_t count;
  size_t values;
  size_t times;
} damaged[] = { { 1, 0, 0 }, { 12, 3, 0 }, { 400, 13, 2 }, { 600, 8, 3 }, { 300, 10, 0 } };

#define DAMAGED (sizeof (damaged) / sizeof (damaged[0]))

static void
pack_for_damage (size_t which)
{
  size_t count = points_make (points, damaged[which].count, damaged[which].values, damaged[which].times);

  ck_assert (chunk_summary_encode (&packed, points, count));
}

START_TEST (refuses_every_changed_bit_and_cut)
{
  size_t count;

  pack_for_damage ((size_t)_i);
  for (size_t bit = 0; bit < packed.len * 8; bit++)
  {
    packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (char)(1U << bit % 8));
    ck_assert_msg (! decode (&count, packed.data, packed.len), "bit %zu", bit);
    packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (char)(1U << bit % 8));
  }
  for (size_t len = 0; len < packed.len; len++)
    ck_assert_msg (! decode (&count, packed.data, len), "cut to %zu bytes", len);
  ck_assert (decode (&count, packed.data, packed.len));
  buffer_byte (&packed, 0);
  ck_assert (! decode (&count, packed.data, packed.len));
}
END_TEST

static bool
is_sound (const struct chunk_block *block)
{
  bool sound = block->count > 0 && block->count <= CHUNK_BLOCK_POINTS && block->nan_count <= block->count
               && block->stride >= 0 && block->min_timestamp_ms <= block->max_timestamp_ms;

  if (block->stride > 0)
    sound = sound
            && (__int128)block->first.step + (__int128)block->stride * (block->count - 1) == (__int128)block->last.step;
  if (block->nan_count < block->count)
    sound = sound && block->least.value <= block->greatest.value && block->least.step >= block->first.step
            && block->greatest.step <= block->last.step;
  return sound && block->first.step <= block->last.step;
}

START_TEST (gives_only_sound_blocks_when_the_sum_is_right)
{
  char changed[SUMMARY_MAX_BYTES];
  size_t count;

  pack_for_damage ((size_t)_i);
  for (size_t at = 0; at + 4 < packed.len; at++)
    for (unsigned to = 0; to < 256; to++)
    {
      bool sound = true;

      memcpy (changed, packed.data, packed.len);
      changed[at] = (char)to;
      if (! decode_sealed (&count, changed, packed.len))
        continue;
      for (size_t b = 0; b < count; b++)
        sound = sound && is_sound (&blocks[b]);
      ck_assert_msg (sound && count > 0 && count <= CHUNK_BLOCKS_MAX, "byte %zu to %u", at, to);
    }
  for (size_t len = 4; len < packed.len; len++)
  {
    memcpy (changed, packed.data, len);
    ck_assert_msg (! decode_sealed (&count, changed, len), "cut to %zu bytes", len);
  }
}
END_TEST

/* 0.25, 0.5 and 0.75 as 4-byte floats, and a NaN. */
#define A 0, 0, 0x80, 0x3E
#define B 0, 0, 0, 0x3F
#define C 0, 0, 0x40, 0x3F
#define N 0, 0, 0xC0, 0x7F

START_TEST (refuses_contradictions)
{
  static const struct
  {
    const char *label;
    unsigned char bytes[48]; /* four of them for the check sum */
    size_t len;
    bool good;
  } cases[] = {
    { "a least elsewhere", { 1, 3, 0x8B, 2, 20, 2, 60, 20, 1, B, C, A }, 25, true },
    { "version 2", { 2, 3, 0x8B, 2, 20, 2, 60, 20, 1, B, C, A }, 25, false },
    { "no points", { 1, 0 }, 6, false },
    { "a byte too many", { 1, 3, 0x8B, 2, 20, 2, 60, 20, 1, B, C, A, 0 }, 26, false },
    { "it is behind the last", { 1, 3, 0x8B, 2, 20, 2, 60, 20, 3, B, C, A }, 25, false },
    { "it is at a place that wraps around to one inside",
      { 1, 3, 0x8B, 2, 20, 2, 60, 20, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, B, C, A },
      34,
      false },
    { "it is later than all", { 1, 3, 0x8B, 2, 20, 2, 60, 62, 1, B, C, A }, 25, false },
    { "it is more than the greatest", { 1, 3, 0x8B, 2, 20, 2, 60, 20, 1, B, A, C }, 25, false },
    { "it is no number", { 1, 3, 0x8B, 2, 20, 2, 60, 20, 1, B, C, N }, 25, false },
    { "two extremes", { 1, 5, 0x9B, 2, 20, 2, 60, A, C }, 19, true },
    { "no stride", { 1, 5, 0x9B, 2, 20, 0, 60, A, C }, 19, false },
    { "strides that wrap around to the start",
      { 1, 5, 0x9B, 2, 20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 60, A, C },
      27,
      false },
    { "without stride", { 1, 5, 0x9A, 2, 20, 4, 60, A, C }, 19, true },
    { "steps that go back", { 1, 5, 0x9A, 2, 20, 1, 60, A, C }, 19, false },
    { "times that go back", { 1, 5, 0x98, 2, 20, 4, 1, 1, 0, A, C }, 21, true },
    { "times that go back and ascend", { 1, 5, 0x9A, 2, 20, 4, 1, A, C }, 19, false },
    { "a last outside the bounds", { 1, 5, 0x98, 2, 20, 4, 1, 0, 0, A, C }, 21, false },
    { "some NaN", { 1, 5, 0x9F, 4, 2, 20, 2, 60, A, C }, 20, true },
    { "more NaN than points", { 1, 5, 0x9F, 6, 2, 20, 2, 60, A, C }, 20, false },
    { "all NaN, and extremes", { 1, 5, 0x9F, 5, 2, 20, 2, 60, A, C }, 20, false },
    { "all NaN", { 1, 5, 0xFF, 5, 2, 20, 2, 60, N, N }, 20, true },
    { "no NaN, nor extremes", { 1, 5, 0xFB, 2, 20, 2, 60, A, C }, 19, false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    char bytes[48];
    size_t count;

    memcpy (bytes, cases[i].bytes, cases[i].len);
    ck_assert_msg (decode_sealed (&count, bytes, cases[i].len) == cases[i].good, "%s", cases[i].label);
  }
}
END_TEST

START_TEST (fails_in_the_buffer_when_that_is_full)
{
  size_t count = points_make (points, 300, 8, 3);
  struct buffer small;

  check_summary (count, "whole");
  for (size_t room = 0; room < packed.len; room++)
  {
    buffer_init (&small, room);
    ck_assert_msg (! chunk_summary_encode (&small, points, count) && small.failed, "%zu bytes", room);
    buffer_free (&small);
  }
}
END_TEST

Suite *chunk_summary_suite (void);

Suite *
chunk_summary_suite (void)
{
  Suite *suite = suite_create ("chunk_summary");
  TCase *whole = tcase_create ("whole");
  TCase *damage = tcase_create ("damage");

  tcase_add_checked_fixture (whole, set_up, tear_down);
  tcase_set_timeout (whole, 60);
  tcase_add_test (whole, tells_what_the_points_tell);
  tcase_add_test (whole, takes_few_bytes);
  tcase_add_test (whole, writes_the_documented_bytes);
  suite_add_tcase (suite, whole);
  tcase_add_checked_fixture (damage, set_up, tear_down);
  tcase_set_timeout (damage, 60);
  tcase_add_loop_test (damage, refuses_every_changed_bit_and_cut, 0, DAMAGED);
  tcase_add_loop_test (damage, gives_only_sound_blocks_when_the_sum_is_right, 0, DAMAGED);
  tcase_add_test (damage, refuses_contradictions);
  tcase_add_test (damage, fails_in_the_buffer_when_that_is_full);
  suite_add_tcase (suite, damage);
  return suite;
}
