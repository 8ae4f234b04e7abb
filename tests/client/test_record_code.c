/* Tests of the encoding of records: what is written reads the same, is short, and nothing else is taken. */
#include "record_code.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static uint64_t state;

static uint64_t
next_random (void)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static double
random_double (void)
{
  static const double telling[] = {
    0,      -0.0, 1,      -1,     0.5,      1e15,      -1e15, 1e15 + 2, 9007199254740993.0,
    3.4e38, 1e39, -1e300, 5e-324, INFINITY, -INFINITY, NAN
  };
  uint64_t bits = next_random ();
  double value;

  if (0 == next_random () % 3)
    return telling[bits % (sizeof (telling) / sizeof (telling[0]))];
  if (0 == bits % 3)
    return (double)(float)((double)bits / 3e18);
  memcpy (&value, &bits, sizeof (value));
  return value;
}

static int64_t
random_integer (void)
{
  static const int64_t telling[] = { 0, 1, -1, INT64_MIN, INT64_MAX };

  if (0 == next_random () % 2)
    return telling[next_random () % 5];
  return (int64_t)(next_random () >> next_random () % 64);
}

static struct slice
random_text (void)
{
  static const char letters[] = "loss/accuracy of what is logged by many runs";
  size_t len = next_random () % (sizeof (letters) - 1);

  return (struct slice){ letters + next_random () % (sizeof (letters) - len), len };
}

/* Few runs and keys, so that they come again. */
static struct run_key
random_run (void)
{
  return (struct run_key){ { (unsigned char)(next_random () % 3) } };
}

static struct slice
random_key (void)
{
  static const char names[] = "abcdefghijklmnopqrst";

  return (struct slice){ names, 1 + next_random () % 20 };
}

static void
fill_random (struct record *record, struct record_point *points)
{
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count;

  *record = (struct record){ .kind = (enum record_kind) (1 + next_random () % 7),
                             .run = random_run (),
                             .time_ms = random_integer () };
  if (RECORD_POINTS == record->kind)
  {
    record->points.items = points;
    record->points.count = 1 + next_random () % 30;
    for (size_t i = 0; i < record->points.count; i++)
    {
      points[i] = (struct record_point){
        .key = random_key (), .value = random_double (), .step = random_integer (), .timestamp_ms = random_integer ()
      };
      if (0 == next_random () % 5)
        points[i].model_id = random_text ();
    }
    record->time_ms = points[record->points.count - 1].timestamp_ms;
  }
  else if (RECORD_END == record->kind)
    record->end.status = (enum tally_status) (1 + next_random () % 5);
  else if (RECORD_RESUME == record->kind)
    record->resume.reopen = next_random () % 2;
  count = record_texts (texts, record);
  for (size_t i = 0; i < count; i++)
    *texts[i] = 0 == next_random () % 4 ? (struct slice){ NULL, 0 } : random_text ();
}

static void
check_same (struct record *a, struct record *b)
{
  struct slice *left[RECORD_MAX_TEXTS];
  struct slice *right[RECORD_MAX_TEXTS];
  size_t count = record_texts (left, a);

  ck_assert_int_eq (a->kind, b->kind);
  ck_assert_mem_eq (&a->run, &b->run, sizeof (a->run));
  ck_assert_int_eq (a->time_ms, b->time_ms);
  ck_assert_uint_eq (record_number (a), record_number (b));
  ck_assert_uint_eq (record_entries (a), record_entries (b));
  record_texts (right, b);
  for (size_t i = 0; i < count; i++)
    ck_assert (slice_equal (*left[i], *right[i]) && (NULL == left[i]->data) == (NULL == right[i]->data));
  for (size_t i = 0; RECORD_POINTS == a->kind && i < a->points.count; i++)
  {
    const struct record_point *one = &a->points.items[i];
    const struct record_point *other = &b->points.items[i];

    ck_assert_mem_eq (&one->value, &other->value, sizeof (double));
    ck_assert_int_eq (one->step, other->step);
    ck_assert_int_eq (one->timestamp_ms, other->timestamp_ms);
    ck_assert (slice_equal (one->key, other->key) && slice_equal (one->model_id, other->model_id));
    ck_assert (slice_equal (one->dataset_name, other->dataset_name));
    ck_assert (slice_equal (one->dataset_digest, other->dataset_digest));
  }
}

START_TEST (reads_what_was_written)
{
  struct record_context writer = { 0 };
  struct record_context reader = { 0 };
  struct buffer out;
  struct arena *arena = arena_new ((size_t)1 << 24);

  state = 88172645463325252u + (uint64_t)_i;
  buffer_init (&out, (size_t)1 << 20);
  for (unsigned round = 0; round < 3000; round++)
  {
    struct record_point points[30];
    struct record record;
    struct record *read;

    fill_random (&record, points);
    buffer_clear (&out);
    arena_reset (arena);
    ck_assert (record_encode (&out, &writer, &record));
    ck_assert_uint_eq (record_count_encoded (buffer_slice (&out)), record_entries (&record));
    ck_assert_int_eq (record_decode (&read, &reader, buffer_slice (&out), 100, arena), RECORD_GOOD);
    ck_assert_uint_eq (read->entry, 100 + record_entries (&record));
    check_same (&record, read);
  }
  record_context_clear (&writer);
  record_context_clear (&reader);
  buffer_free (&out);
  arena_free (arena);
}
END_TEST

/* Every beginning of an encoded record, and every one with something behind it, is broken. */
START_TEST (takes_whole_records_only)
{
  struct arena *arena = arena_new ((size_t)1 << 24);
  struct buffer out;

  state = 4711;
  buffer_init (&out, (size_t)1 << 20);
  for (unsigned round = 0; round < 50; round++)
  {
    struct record_context writer = { 0 };
    struct record_point points[30];
    struct record record;

    fill_random (&record, points);
    buffer_clear (&out);
    ck_assert (record_encode (&out, &writer, &record));
    buffer_byte (&out, 0);
    for (size_t len = 0; len <= out.len; len++)
    {
      struct record_context reader = { 0 };
      struct record *read;

      arena_reset (arena);
      ck_assert_int_eq (record_decode (&read, &reader, (struct slice){ out.data, len }, 0, arena),
                        len + 1 == out.len ? RECORD_GOOD : RECORD_BROKEN);
      record_context_clear (&reader);
    }
    record_context_clear (&writer);
  }
  buffer_free (&out);
  arena_free (arena);
}
END_TEST

/* Bytes of `count` points of `keys` keys, each logged by itself at one millisecond after the other. */
static double
bytes_per_point (size_t count, size_t keys)
{
  static const char names[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  struct record_context context = { 0 };
  struct buffer out;
  double bytes;

  state = 12345;
  buffer_init (&out, (size_t)1 << 26);
  for (size_t i = 0; i < count; i += 1000)
  {
    struct record_point points[1000];
    struct record record = { .kind = RECORD_POINTS, .points = { points, 1000 } };

    for (size_t k = 0; k < 1000; k++)
      points[k] = (struct record_point){ .key = { names, 1 + k % keys },
                                         .value = (double)next_random () / 1e19,
                                         .step = (int64_t)((i + k) / keys),
                                         .timestamp_ms = 1700000000000 + (int64_t)(i + k) };
    ck_assert (record_encode (&out, &context, &record));
  }
  bytes = (double)out.len / (double)count;
  buffer_free (&out);
  record_context_clear (&context);
  return bytes;
}

START_TEST (is_short)
{
  /* 1 of flags, 1 of time, 8 of a double whose digits are all needed. */
  ck_assert_double_lt (bytes_per_point (100000, 1), 10.1);
  /* As many when several keys take turns. */
  ck_assert_double_lt (bytes_per_point (100000, 10), 10.1);
}
END_TEST

Suite *record_code_suite (void);

Suite *
record_code_suite (void)
{
  Suite *suite = suite_create ("record_code");
  TCase *tcase = tcase_create ("record_code");

  tcase_add_loop_test (tcase, reads_what_was_written, 0, 10);
  tcase_add_test (tcase, takes_whole_records_only);
  tcase_add_test (tcase, is_short);
  suite_add_tcase (suite, tcase);
  return suite;
}
