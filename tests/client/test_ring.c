/* Tests of the ring: order, all or nothing, wrapping around, growth, many threads and sleep. */
#include "ring.h"

#include "base/clock.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct run_key run = { { 1, 2, 3 } };

static struct ring *
new_ring (size_t bytes)
{
  struct ring *ring;

  ck_assert_int_eq (ring_new (&ring, bytes, NULL), TALLY_OK);
  return ring;
}

/* What a test takes: the next values expected. */
struct expect
{
  double next; /* value of the next point */
  size_t points;
  size_t others;
  uint64_t entry;
  bool refuse;
};

static bool
take_counting (void *payload, const struct record *records, size_t count)
{
  struct expect *expect = payload;

  if (expect->refuse)
    return false;
  for (size_t i = 0; i < count; i++)
  {
    const struct record *record = &records[i];

    expect->entry += record_entries (record);
    ck_assert_uint_eq (record->entry, expect->entry);
    if (RECORD_POINTS != record->kind)
    {
      expect->others++;
      continue;
    }
    ck_assert_uint_le (record->points.count, RECORD_MAX_POINTS);
    expect->points += record->points.count;
    for (size_t point = 0; point < record->points.count; point++)
    {
      ck_assert_double_eq (record->points.items[point].value, expect->next);
      ck_assert_int_eq (record->points.items[point].step, (int64_t)expect->next);
      expect->next++;
    }
  }
  return true;
}

static void
drain (struct ring *ring, struct expect *expect)
{
  while (ring_take (ring, 0, take_counting, expect) > 0)
    ;
}

START_TEST (keeps_order_around_its_end)
{
  struct ring *ring = new_ring (1);
  struct expect expect = { 0 };
  double value = 0;
  char key[251];

  memset (key, 'k', sizeof (key));
  for (unsigned round = 0; round < 3000; round++)
  {
    /* Lengths and numbers that fall on every place of the ring. */
    for (unsigned i = 0; i < round % 37; i++, value++)
      ck_assert (
          ring_put_point (ring, &run, (struct slice){ key, 1 + (round * 7 + i) % 250 }, value, (int64_t)value, 5));
    if (0 != round % 3)
      ck_assert_uint_le (ring_take (ring, 0, take_counting, &expect), 4096);
  }
  drain (ring, &expect);
  ck_assert_double_eq (expect.next, value);
  ck_assert_uint_eq (ring_last (ring), (uint64_t)value);
  ck_assert_uint_eq (ring_bytes (ring), 0);
  ring_free (ring);
}
END_TEST

START_TEST (refuses_when_full_and_goes_on)
{
  struct ring *ring = new_ring (65536);
  struct expect expect = { .refuse = true };
  double value = 0;

  for (unsigned round = 0; round < 5; round++)
  {
    double before = value;

    while (ring_put_point (ring, &run, SLICE ("key"), value, (int64_t)value, 5))
      value++;
    ck_assert_double_gt (value - before, 65536 / 64 - 2);
    ck_assert_uint_eq (ring_dropped (ring), round + 1);
    ck_assert_uint_eq (ring_last (ring), (uint64_t)value);
    ck_assert_uint_gt (ring_bytes (ring), 65000);
    expect.refuse = true;
    ck_assert_uint_eq (ring_take (ring, 0, take_counting, &expect), 0);
    expect.refuse = false;
    drain (ring, &expect);
    ck_assert_double_eq (expect.next, value);
  }
  ring_free (ring);
}
END_TEST

/* A ring whose memory is given back behind the taker, which is never done: round after round, and all of it is there
   when it is needed, wherever that begins. */
START_TEST (goes_round_and_holds_what_it_may)
{
  enum
  {
    MAX_BYTES = 8 << 20,
    ENTRY_BYTES = 64, /* of a point with a short key */
    STEP_BYTES = 512 << 10 /* that may be behind the taker and not free yet */
  };
  struct ring *ring = new_ring (MAX_BYTES);
  struct expect expect = { 0 };
  double value = 0;

  for (unsigned round = 0; round < 12; round++)
  {
    double before;

    for (unsigned i = 0; i < 30 + round; i++)
    {
      for (unsigned point = 0; point < 5000; point++, value++)
        ck_assert (ring_put_point (ring, &run, SLICE ("key"), value, (int64_t)value, 5));
      ck_assert_uint_gt (ring_take (ring, 0, take_counting, &expect), 0);
    }
    before = expect.next;
    while (ring_put_point (ring, &run, SLICE ("key"), value, (int64_t)value, 5))
      value++;
    ck_assert_double_ge ((value - before) * ENTRY_BYTES, MAX_BYTES - STEP_BYTES - 2 * ENTRY_BYTES);
    ck_assert_uint_ge (ring_bytes (ring) + STEP_BYTES + 2 * ENTRY_BYTES, MAX_BYTES);
    /* Leave something, but when the ring is to begin at its start again. */
    while (expect.next + 5000 < value || (0 == round % 4 && expect.next < value))
      ck_assert_uint_gt (ring_take (ring, 0, take_counting, &expect), 0);
  }
  drain (ring, &expect);
  ck_assert_double_eq (expect.next, value);
  ck_assert_uint_eq (ring_bytes (ring), 0);
  ring_free (ring);
}
END_TEST

START_TEST (takes_all_or_nothing)
{
  static double values[20000];
  static int64_t steps[20000];
  struct ring *ring = new_ring (65536);
  struct ring_series series = { .key = SLICE ("k"), .values = values, .steps = steps, .count = 3000 };
  struct expect expect = { 0 };
  struct tally_error err;

  for (size_t i = 0; i < 20000; i++)
  {
    values[i] = (double)i;
    steps[i] = (int64_t)i;
  }
  ck_assert (ring_put_series (ring, &run, &series));
  ck_assert (! ring_put_series (ring, &run, &series));
  ck_assert_uint_eq (ring_dropped (ring), 3000);
  ck_assert_uint_eq (ring_last (ring), 3000);
  drain (ring, &expect);
  ck_assert_uint_eq (expect.points, 3000);
  series.count = 20000;
  ck_assert (! ring_put_series (ring, &run, &series));
  ck_assert_int_eq (ring_refuse (ring, 160000, &err), TALLY_ERROR_FULL);
  ck_assert_ptr_nonnull (strstr (err.message, "never"));
  series.count = SIZE_MAX / 8;
  ck_assert (! ring_put_series (ring, &run, &series));
  /* Nearly all of the ring fits when it is empty, wherever it was left. */
  series = (struct ring_series){ .key = SLICE ("k"), .values = values, .count = 8180 };
  for (unsigned i = 0; i < 3; i++)
  {
    expect.next = 0;
    ck_assert (ring_put_point (ring, &run, SLICE ("x"), 0, 0, 1));
    drain (ring, &expect);
    expect.next = 0;
    ck_assert (ring_put_series (ring, &run, &series));
    drain (ring, &expect);
    ck_assert_double_eq (expect.next, 8180);
  }
  ring_free (ring);
}
END_TEST

static bool
take_kinds (void *payload, const struct record *records, size_t count)
{
  unsigned *seen = payload;

  ck_assert_uint_eq (count, 8);
  ck_assert_int_eq (records[0].kind, RECORD_RUN);
  ck_assert (slice_is (records[0].start.experiment, "exp") && slice_is (records[0].start.name, "name"));
  ck_assert (! slice_filled (records[0].start.parent) && slice_is (records[0].start.user, "u"));
  ck_assert_int_eq (records[0].time_ms, 77);
  ck_assert_int_eq (records[1].kind, RECORD_PARAM);
  ck_assert (slice_is (records[1].pair.key, "a") && slice_is (records[1].pair.value, "1"));
  ck_assert (slice_is (records[2].pair.key, "b") && slice_is (records[2].pair.value, ""));
  ck_assert_int_eq (records[3].kind, RECORD_POINTS);
  ck_assert_uint_eq (records[3].points.count, 5);
  ck_assert (slice_is (records[3].points.items[1].key, "two"));
  ck_assert_int_eq (records[3].points.items[1].step, 9);
  ck_assert (slice_is (records[3].points.items[2].model_id, "m-1"));
  ck_assert (slice_is (records[3].points.items[2].dataset_digest, "d"));
  ck_assert_int_eq (records[3].points.items[3].step, -5);
  ck_assert_int_eq (records[3].points.items[3].timestamp_ms, 11);
  ck_assert_int_eq (records[3].points.items[4].timestamp_ms, 12);
  ck_assert_uint_eq (records[3].entry, 8);
  ck_assert_int_eq (records[4].kind, RECORD_TAG);
  ck_assert_int_eq (records[5].kind, RECORD_RESUME);
  ck_assert (records[5].resume.reopen);
  ck_assert_int_eq (records[6].kind, RECORD_DATASET);
  ck_assert (slice_is (records[6].dataset.json, "{}"));
  ck_assert_int_eq (records[7].end.status, TALLY_STATUS_FAILED);
  ck_assert_uint_eq (records[7].entry, 12);
  (*seen)++;
  return true;
}

START_TEST (carries_every_kind)
{
  struct ring *ring = new_ring (65536);
  struct record_point point = { .key = SLICE ("m"),
                                .value = 1,
                                .model_id = SLICE ("m-1"),
                                .dataset_name = SLICE ("n"),
                                .dataset_digest = SLICE ("d") };
  struct record start = { .kind = RECORD_RUN,
                          .run = run,
                          .time_ms = 77,
                          .start = { .experiment = SLICE ("exp"), .name = SLICE ("name"), .user = SLICE ("u") } };
  struct record points = { .kind = RECORD_POINTS, .run = run, .points = { &point, 1 } };
  struct record resume = { .kind = RECORD_RESUME, .run = run, .resume = { true } };
  struct record dataset = { .kind = RECORD_DATASET, .run = run, .dataset = { SLICE ("{}") } };
  struct record end = { .kind = RECORD_END, .run = run, .end = { TALLY_STATUS_FAILED } };
  double values[] = { 1, 2 };
  int64_t steps[] = { -5, 6 };
  int64_t times[] = { 11, 12 };
  struct ring_series series = { SLICE ("s"), values, steps, times, 0, 2 };
  unsigned seen = 0;

  ck_assert (ring_put (ring, &start));
  ck_assert (ring_put_pairs (ring, RECORD_PARAM, &run, (struct tally_pair[]){ { "a", "1" }, { "b", "" } }, 2, 5));
  ck_assert (ring_put_values (ring, &run, (struct tally_value[]){ { "one", 1 }, { "two", 2 } }, 2, 9, 5));
  ck_assert (ring_put (ring, &points));
  ck_assert (ring_put_series (ring, &run, &series));
  ck_assert (ring_put_pairs (ring, RECORD_TAG, &run, (struct tally_pair[]){ { "t", "v" } }, 1, 5));
  ck_assert (ring_put (ring, &resume));
  ck_assert (ring_put (ring, &dataset));
  ck_assert (ring_put (ring, &end));
  ck_assert (ring_put_values (ring, &run, NULL, 0, 9, 5));
  ck_assert_uint_eq (ring_take (ring, 0, take_kinds, &seen), 12);
  ck_assert_uint_eq (seen, 1);
  ring_free (ring);
}
END_TEST

START_TEST (takes_large_arrays_in_pieces)
{
  enum
  {
    COUNT = 100000
  };
  struct ring *ring = new_ring ((size_t)64 << 20);
  double *values = calloc (COUNT, sizeof (*values));
  struct tally_value *pairs = calloc (COUNT, sizeof (*pairs));
  struct ring_series series = { .key = SLICE ("k"), .values = values, .count = COUNT };
  struct tally_pair *tags = calloc (COUNT, sizeof (*tags));
  struct expect expect = { 0 };

  for (size_t i = 0; i < COUNT; i++)
  {
    values[i] = (double)i;
    tags[i] = (struct tally_pair){ "key", "value" };
  }
  ck_assert (ring_put_series (ring, &run, &series));
  ck_assert (ring_put_pairs (ring, RECORD_TAG, &run, tags, COUNT, 1));
  drain (ring, &expect);
  ck_assert_uint_eq (expect.points, COUNT);
  ck_assert_uint_eq (expect.others, COUNT);
  ck_assert_uint_eq (ring_last (ring), 2 * COUNT);
  free (values);
  free (pairs);
  free (tags);
  ring_free (ring);
}
END_TEST

/* --- threads --- */

enum
{
  PRODUCERS = 8,
  PUTS = 20000
};

struct producer
{
  struct ring *ring;
  unsigned number;
  uint64_t dropped;
};

static void *
produce (void *payload)
{
  struct producer *producer = payload;
  struct run_key own = { { (unsigned char)producer->number } };
  char key[64] = "keykeykeykeykeykeykeykeykeykeykeykeykeykeykeykeykeykeykeykey";

  for (int64_t i = 0; i < PUTS; i++)
    while (! ring_put_point (producer->ring, &own, (struct slice){ key, 1 + (size_t)i % 60 }, (double)i, i, 1))
    {
      producer->dropped++;
      usleep (100);
    }
  return NULL;
}

struct per_thread
{
  int64_t next[PRODUCERS];
  uint64_t entry;
};

static bool
take_per_thread (void *payload, const struct record *records, size_t count)
{
  struct per_thread *seen = payload;

  for (size_t i = 0; i < count; i++)
  {
    unsigned thread = records[i].run.bytes[0];

    for (size_t point = 0; point < records[i].points.count; point++)
    {
      ck_assert_int_eq (records[i].points.items[point].step, seen->next[thread]);
      seen->next[thread]++;
    }
    seen->entry += records[i].points.count;
    ck_assert_uint_eq (records[i].entry, seen->entry);
  }
  return true;
}

START_TEST (loses_nothing_of_many_threads)
{
  static const size_t sizes[] = { (size_t)64 << 10, (size_t)4 << 20, (size_t)64 << 20 };
  struct ring *ring = new_ring (sizes[_i]);
  struct per_thread seen = { .entry = 0 };
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  uint64_t dropped = 0;

  for (unsigned i = 0; i < PRODUCERS; i++)
  {
    producers[i] = (struct producer){ ring, i, 0 };
    ck_assert_int_eq (pthread_create (&threads[i], NULL, produce, &producers[i]), 0);
  }
  while (seen.entry < (uint64_t)PRODUCERS * PUTS)
  {
    ring_take (ring, 5, take_per_thread, &seen);
    ck_assert_uint_le (seen.entry, ring_last (ring));
  }
  for (unsigned i = 0; i < PRODUCERS; i++)
  {
    pthread_join (threads[i], NULL);
    ck_assert_int_eq (seen.next[i], PUTS);
    dropped += producers[i].dropped;
  }
  ck_assert_uint_eq (ring_dropped (ring), dropped);
  ck_assert_uint_eq (ring_last (ring), (uint64_t)PRODUCERS * PUTS);
  ring_free (ring);
}
END_TEST

static void *
put_later (void *payload)
{
  usleep (50000);
  ck_assert (ring_put_point (payload, &run, SLICE ("k"), 0, 0, 1));
  return NULL;
}

START_TEST (wakes_the_sleeping_taker)
{
  struct ring *ring = new_ring (65536);
  struct expect expect = { 0 };
  pthread_t thread;
  uint64_t start = clock_monotonic_us ();

  ck_assert_int_eq (pthread_create (&thread, NULL, put_later, ring), 0);
  ck_assert_uint_eq (ring_take (ring, -1, take_counting, &expect), 1);
  ck_assert_uint_ge (clock_monotonic_us () - start, 45000);
  pthread_join (thread, NULL);
  /* A wake counts also when nobody sleeps yet. */
  ring_wake (ring);
  ck_assert_uint_eq (ring_take (ring, -1, take_counting, &expect), 0);
  start = clock_monotonic_us ();
  ck_assert_uint_eq (ring_take (ring, 10, take_counting, &expect), 0);
  ck_assert_uint_ge (clock_monotonic_us () - start, 9000);
  ring_free (ring);
}
END_TEST

START_TEST (can_be_freed_in_a_child)
{
  struct ring *ring = new_ring (65536);
  int status;
  pid_t child;

  ck_assert (ring_put_point (ring, &run, SLICE ("k"), 0, 0, 1));
  child = fork ();
  if (0 == child)
  {
    bool counts = 1 == ring_last (ring);

    ring_free (ring);
    _exit (counts ? 0 : 1);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (status, 0);
  ring_free (ring);
}
END_TEST

Suite *ring_suite (void);

Suite *
ring_suite (void)
{
  Suite *suite = suite_create ("ring");
  TCase *tcase = tcase_create ("ring");

  tcase_add_test (tcase, keeps_order_around_its_end);
  tcase_add_test (tcase, refuses_when_full_and_goes_on);
  tcase_add_test (tcase, goes_round_and_holds_what_it_may);
  tcase_add_test (tcase, takes_all_or_nothing);
  tcase_add_test (tcase, carries_every_kind);
  tcase_add_test (tcase, takes_large_arrays_in_pieces);
  tcase_add_loop_test (tcase, loses_nothing_of_many_threads, 0, 3);
  tcase_add_test (tcase, wakes_the_sleeping_taker);
  tcase_add_test (tcase, can_be_freed_in_a_child);
  suite_add_tcase (suite, tcase);
  return suite;
}
