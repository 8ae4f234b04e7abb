/* Tests of packed metric points: extremes there and back, contexts, differences that wrap around, damage of every kind.
 */
#include "ingest/pack.h"

#include "base/crc32c.h"
#include "ingest/varint.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Far above what any case here packs. */
#define PACKED_MAX_BYTES ((size_t)1024 * 1024)

struct logged
{
  struct metric_point point;
  bool has_context;
  struct metric_context context;
};

static const struct logged extremes[] = {
  { .point = { 0, 0, 0.0, 1 } },
  { .point = { INT64_MAX, INT64_MIN, -0.0, UINT32_MAX } },
  { .point = { INT64_MIN, INT64_MAX, NAN, 0 } },
  { .point = { INT64_MAX, INT64_MAX, -NAN, UINT32_MAX } },
  { .point = { INT64_MIN, INT64_MIN, INFINITY, 1 } },
  { .point = { -1, 1, -INFINITY, INT32_MAX } },
  { .point = { 1, -1, DBL_MIN, (uint32_t)INT32_MAX + 1 } },
  { .point = { 1753900000000, 12345, DBL_TRUE_MIN, 7 } },
  { .point = { 1753900000001, 12346, -DBL_TRUE_MIN, 7 } },
  { .point = { 1753900000001, 12346, DBL_MAX, 7 }, .has_context = true },
  { .point = { 1753900000002, 12347, -DBL_MAX, 8 },
    .has_context = true,
    .context = { { "m-1", 3 }, { "train", 5 }, { "abc123", 6 } } },
  { .point = { 0, 0, 0.1, 8 }, .has_context = true, .context = { { NULL, 0 }, { "d", 1 }, { "e", 1 } } },
  { .point = { 5, 5, 1e-300, 8 }, .has_context = true, .context = { { "m\0n", 3 }, { NULL, 0 }, { NULL, 0 } } },
  { .point = { 5, 5, 1.0 / 3, 1 } },
};

#define EXTREMES (sizeof (extremes) / sizeof (extremes[0]))

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

static bool
same_bits (double a, double b)
{
  return 0 == memcmp (&a, &b, sizeof (a));
}

static bool
same_point (const struct metric_point *a, const struct metric_point *b)
{
  return a->timestamp_ms == b->timestamp_ms && a->step == b->step && a->key_id == b->key_id
         && same_bits (a->value, b->value);
}

static bool
same_context (const struct metric_context *a, const struct metric_context *b)
{
  return slice_equal (a->model_id, b->model_id) && slice_equal (a->dataset_name, b->dataset_name)
         && slice_equal (a->dataset_digest, b->dataset_digest);
}

static void
pack_all (const struct logged *points, size_t count)
{
  struct pack_writer writer;

  pack_start (&writer, &packed);
  for (size_t i = 0; i < count; i++)
    pack_point (&writer, &points[i].point, points[i].has_context ? &points[i].context : NULL);
  pack_finish (&writer);
  ck_assert (! packed.failed);
}

static void
append_varint (uint64_t value)
{
  unsigned char bytes[VARINT_MAX_BYTES];

  buffer_append (&packed, bytes, varint_put (bytes, value));
}

/* What a daemon wrote that knew version 1 only. `ends`, when not NULL, takes how the bytes end after each number of
   points. */
static void
pack_all_as_version_1 (const struct logged *points, size_t count, size_t *ends)
{
  struct metric_point previous = { 0, 0, 0, 0 };

  buffer_byte (&packed, 1);
  for (size_t i = 0; i <= count; i++)
  {
    const struct metric_point *point = &points[i].point;
    const struct slice texts[] = { points[i % count].context.model_id, points[i % count].context.dataset_name,
                                   points[i % count].context.dataset_digest };

    if (NULL != ends)
      ends[i] = packed.len;
    if (i == count)
      break;
    append_varint (zigzag ((int64_t)point->key_id - (int64_t)previous.key_id) << 1 | points[i].has_context);
    append_varint (zigzag (difference (point->step, previous.step)));
    append_varint (zigzag (difference (point->timestamp_ms, previous.timestamp_ms)));
    buffer_append (&packed, &point->value, sizeof (point->value));
    for (size_t t = 0; t < 3 && points[i].has_context; t++)
    {
      append_varint (texts[t].len);
      buffer_append (&packed, texts[t].data, texts[t].len);
    }
    previous = *point;
  }
  ck_assert (! packed.failed);
}

/* The points in the first `len` bytes, which are moved to memory of just that size; -1 when they are damaged. */
static int
count_points (const char *bytes, size_t len)
{
  char *copy = malloc (len > 0 ? len : 1);
  struct pack_reader reader;
  struct metric_point point;
  struct metric_context context;
  int count = 0;

  ck_assert_ptr_nonnull (copy);
  if (len > 0)
    memcpy (copy, bytes, len);
  pack_open (&reader, (struct slice){ copy, len });
  while (pack_next (&reader, &point, &context))
    count++;
  if (reader.failed)
    count = -1;
  /* The end stays the end. */
  ck_assert (! pack_next (&reader, &point, &context));
  free (copy);
  return count;
}

static void
check_extremes (void)
{
  struct pack_reader reader;
  struct metric_point point;
  struct metric_context context;

  pack_open (&reader, buffer_slice (&packed));
  for (size_t i = 0; i < EXTREMES; i++)
  {
    ck_assert_msg (pack_next (&reader, &point, &context), "point %zu", i);
    ck_assert_msg (same_point (&point, &extremes[i].point), "point %zu", i);
    ck_assert_msg (same_context (&context, &extremes[i].context), "point %zu", i);
    /* Absent, not empty: what was not given must not come back as given. */
    ck_assert_msg ((0 == context.model_id.len) == (NULL == context.model_id.data), "point %zu", i);
  }
  ck_assert (! pack_next (&reader, &point, &context));
  ck_assert (! reader.failed);
}

START_TEST (gives_back_what_was_packed)
{
  pack_all (extremes, EXTREMES);
  check_extremes ();
}
END_TEST

START_TEST (gives_back_what_version_1_packed)
{
  pack_all_as_version_1 (extremes, EXTREMES, NULL);
  check_extremes ();
}
END_TEST

START_TEST (closes_each_of_several_in_one_buffer)
{
  struct slice first;
  struct slice second;

  pack_all (extremes, 1);
  first.len = packed.len;
  pack_all (extremes, EXTREMES);
  first.data = packed.data;
  second = (struct slice){ packed.data + first.len, packed.len - first.len };
  ck_assert_int_eq (count_points (first.data, first.len), 1);
  ck_assert_int_eq (count_points (second.data, second.len), EXTREMES);
  ck_assert_int_eq (count_points (packed.data, packed.len), -1);
}
END_TEST

START_TEST (wraps_around_between_any_two_points)
{
  for (size_t first = 0; first < EXTREMES; first++)
    for (size_t second = 0; second < EXTREMES; second++)
    {
      const struct logged pair[] = { extremes[first], extremes[second] };
      struct pack_reader reader;
      struct metric_point point;
      struct metric_context context;

      buffer_clear (&packed);
      pack_all (pair, 2);
      pack_open (&reader, buffer_slice (&packed));
      for (size_t i = 0; i < 2; i++)
      {
        ck_assert (pack_next (&reader, &point, &context));
        ck_assert_msg (same_point (&point, &pair[i].point), "points %zu and %zu", first, second);
      }
      ck_assert (! pack_next (&reader, &point, &context) && ! reader.failed);
    }
}
END_TEST

START_TEST (keeps_the_bits_of_every_kind_of_value)
{
  static const uint64_t bits[] = { 0,
                                   UINT64_C (0x8000000000000000),
                                   1,
                                   UINT64_C (0x000FFFFFFFFFFFFF),
                                   UINT64_C (0x0010000000000000),
                                   UINT64_C (0x7FEFFFFFFFFFFFFF),
                                   UINT64_C (0x7FF0000000000000),
                                   UINT64_C (0xFFF0000000000000),
                                   UINT64_C (0x7FF8000000000000),
                                   UINT64_C (0x7FF0000000000001), /* signalling */
                                   UINT64_C (0x7FF4000020000000),
                                   UINT64_C (0x3FB99999A0000000), /* (float)0.1 */
                                   UINT64_C (0x36A0000000000000), /* the least float */
                                   UINT64_C (0x3690000000000000), /* half of it */
                                   UINT64_C (0x47EFFFFFE0000000), /* the greatest */
                                   UINT64_C (0x47F0000000000000), /* above it */
                                   UINT64_C (0xFFFFFFFFFFFFFFFF),
                                   UINT64_C (0x0123456789ABCDEF) };

  for (size_t i = 0; i < sizeof (bits) / sizeof (bits[0]); i++)
  {
    struct logged logged = { .point = { .key_id = 1 } };
    struct pack_reader reader;
    struct metric_point point;
    struct metric_context context;

    memcpy (&logged.point.value, &bits[i], sizeof (bits[i]));
    buffer_clear (&packed);
    pack_all (&logged, 1);
    pack_open (&reader, buffer_slice (&packed));
    ck_assert (pack_next (&reader, &point, &context));
    ck_assert_msg (same_bits (point.value, logged.point.value), "bits %zu", i);
  }
}
END_TEST

START_TEST (writes_the_documented_bytes)
{
  /* Key 1, step 1, time 1, value 1.0; then the next key, a step back, a value that needs all its bytes, a context. */
  static const struct logged points[] = {
    { .point = { 1, 1, 1.0, 1 } },
    { .point = { 1, 0, -2.0 / 3, 2 }, .has_context = true, .context = { { "m", 1 }, { NULL, 0 }, { "dd", 2 } } },
  };
  static const unsigned char expected[] = { 2,    10,   2,    2,    0,    0,    0x80, 0x3F, 9, 1, 0,   0x55, 0x55,
                                            0x55, 0x55, 0x55, 0x55, 0xE5, 0xBF, 1,    'm',  0, 2, 'd', 'd' };
  uint32_t crc = crc32c (expected, sizeof (expected));

  pack_all (points, 2);
  ck_assert_uint_eq (packed.len, sizeof (expected) + sizeof (crc));
  ck_assert_mem_eq (packed.data, expected, sizeof (expected));
  for (unsigned i = 0; i < sizeof (crc); i++)
    ck_assert_uint_eq ((unsigned char)packed.data[sizeof (expected) + i], (unsigned char)(crc >> 8 * i));
}
END_TEST

START_TEST (refuses_every_cut)
{
  pack_all (extremes, EXTREMES);
  for (size_t len = 0; len < packed.len; len++)
    ck_assert_msg (-1 == count_points (packed.data, len), "cut to %zu bytes", len);
  ck_assert_int_eq (count_points (packed.data, packed.len), EXTREMES);
}
END_TEST

START_TEST (refuses_every_changed_bit)
{
  pack_all (extremes, EXTREMES);
  for (size_t bit = 0; bit < packed.len * 8; bit++)
  {
    packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (char)(1U << bit % 8));
    /* Version 2 differs from 1 by two bits, so that no single one leads round the check sum. */
    ck_assert_msg (-1 == count_points (packed.data, packed.len), "bit %zu", bit);
    packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ (char)(1U << bit % 8));
  }
}
END_TEST

START_TEST (survives_every_changed_byte_under_a_right_sum)
{
  char *changed;

  pack_all (extremes, EXTREMES);
  changed = malloc (packed.len);
  ck_assert_ptr_nonnull (changed);
  for (size_t at = 1; at + 4 < packed.len; at++)
    for (unsigned bit = 0; bit < 8; bit++)
    {
      memcpy (changed, packed.data, packed.len);
      changed[at] = (char)(changed[at] ^ (char)(1U << bit));
      put_fixed32 ((unsigned char *)changed + packed.len - 4, crc32c (changed, packed.len - 4));
      (void)count_points (changed, packed.len); /* may hold other points; must not read outside */
    }
  free (changed);
}
END_TEST

START_TEST (refuses_every_cut_of_version_1_but_those_between_points)
{
  size_t ends[EXTREMES + 1];
  size_t whole = 0;

  pack_all_as_version_1 (extremes, EXTREMES, ends);
  ck_assert_int_eq (count_points (packed.data, 0), -1);
  for (size_t len = 1; len <= packed.len; len++)
  {
    while (whole < EXTREMES && ends[whole + 1] <= len)
      whole++;
    ck_assert_msg (count_points (packed.data, len) == (ends[whole] == len ? (int)whole : -1), "cut to %zu bytes", len);
  }
}
END_TEST

START_TEST (survives_every_changed_byte_of_version_1)
{
  char *changed;

  pack_all_as_version_1 (extremes, EXTREMES, NULL);
  changed = malloc (packed.len);
  ck_assert_ptr_nonnull (changed);
  for (size_t at = 0; at < packed.len; at++)
    for (unsigned bit = 0; bit < 8; bit++)
    {
      memcpy (changed, packed.data, packed.len);
      changed[at] = (char)(changed[at] ^ (char)(1U << bit));
      if (0 == at)
        ck_assert_int_eq (count_points (changed, packed.len), -1);
      else
        (void)count_points (changed, packed.len); /* may hold other points; must not read outside */
    }
  free (changed);
}
END_TEST

START_TEST (refuses_damage)
{
  static const struct
  {
    const char *label;
    unsigned char bytes[32];
    size_t len;
    int points; /* -1: refused */
  } cases[] = {
    { "nothing", { 0 }, 0, -1 },
    { "version 0", { 0 }, 1, -1 },
    { "version 3", { 3, 0, 0, 0, 0 }, 5, -1 },
    { "version 2 without a sum", { 2 }, 1, -1 },
    { "version 2 with half a sum", { 2, 0, 0 }, 3, -1 },
    { "version 2, no point", { 2, 0xA6, 0x23, 0x46, 0xB3 }, 5, 0 },
    { "no point", { 1 }, 1, 0 },
    { "a point", { 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 12, 1 },
    { "a byte too many", { 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 13, -1 },
    { "a value of seven bytes", { 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 11, -1 },
    { "a varint of ten groups",
      { 1, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
      21,
      1 },
    { "a varint above 64 bits",
      { 1, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
      21,
      -1 },
    { "a varint of eleven groups",
      { 1, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
      22,
      -1 },
    { "a context without strings", { 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 12, -1 },
    { "an empty context", { 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 15, 1 },
    { "two strings", { 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 14, -1 },
    { "a string longer than the rest", { 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 'a', 'b' }, 15, -1 },
    { "a string as long as the rest", { 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 'a', 'b' }, 17, 1 },
    { "a string of nearly 2^64 bytes",
      { 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 'a' },
      23,
      -1 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    int points = count_points ((const char *)cases[i].bytes, cases[i].len);

    ck_assert_msg (points == cases[i].points, "%s: %d", cases[i].label, points);
  }
}
END_TEST

START_TEST (fails_in_the_buffer_when_that_is_full)
{
  struct pack_writer writer;
  struct buffer small;

  buffer_init (&small, 64);
  pack_start (&writer, &small);
  for (unsigned i = 0; i < 10; i++)
    pack_point (&writer, &extremes[1].point, &extremes[10].context);
  pack_finish (&writer);
  ck_assert (small.failed);
  ck_assert_uint_le (small.len, 64);
  buffer_free (&small);
}
END_TEST

Suite *pack_suite (void);

Suite *
pack_suite (void)
{
  Suite *suite = suite_create ("pack");
  TCase *points = tcase_create ("points");

  tcase_add_checked_fixture (points, set_up, tear_down);
  tcase_add_test (points, gives_back_what_was_packed);
  tcase_add_test (points, gives_back_what_version_1_packed);
  tcase_add_test (points, closes_each_of_several_in_one_buffer);
  tcase_add_test (points, wraps_around_between_any_two_points);
  tcase_add_test (points, keeps_the_bits_of_every_kind_of_value);
  tcase_add_test (points, writes_the_documented_bytes);
  tcase_add_test (points, refuses_every_cut);
  tcase_add_test (points, refuses_every_changed_bit);
  tcase_add_test (points, survives_every_changed_byte_under_a_right_sum);
  tcase_add_test (points, refuses_every_cut_of_version_1_but_those_between_points);
  tcase_add_test (points, survives_every_changed_byte_of_version_1);
  tcase_add_test (points, refuses_damage);
  tcase_add_test (points, fails_in_the_buffer_when_that_is_full);
  suite_add_tcase (suite, points);
  return suite;
}
