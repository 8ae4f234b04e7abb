/* Tests of the bounded queue: order, limits by count and by bytes, taking groups, closing, several threads. */
#include "base/queue.h"

#include "base/clock.h"

#include <check.h>
#include <stdlib.h>

static struct queue_entry entries[16];

static struct queue_entry *
entry_of (size_t index, size_t bytes)
{
  entries[index] = (struct queue_entry){ .bytes = bytes };
  return &entries[index];
}

START_TEST (gives_in_the_order_of_arrival)
{
  struct queue queue;
  uint64_t start_us = clock_monotonic_us ();

  queue_init (&queue, 8, 1000);
  for (size_t i = 0; i < 8; i++)
    ck_assert (queue_push (&queue, entry_of (i, 1)));
  ck_assert_uint_eq (queue_count (&queue), 8);
  for (size_t i = 0; i < 8; i++)
  {
    struct queue_entry *entry = queue_pop (&queue);

    ck_assert_ptr_eq (entry, &entries[i]);
    ck_assert_ptr_null (entry->next);
    ck_assert_uint_ge (entry->queued_us, start_us);
    ck_assert_uint_le (entry->queued_us, clock_monotonic_us ());
  }
  ck_assert_uint_eq (queue_count (&queue), 0);
  queue_destroy (&queue);
}
END_TEST

START_TEST (lets_in_again_above_its_limits)
{
  struct queue queue;

  queue_init (&queue, 2, 10);
  ck_assert (queue_push (&queue, entry_of (0, 6)));
  ck_assert (queue_push (&queue, entry_of (1, 4)));
  ck_assert (! queue_push (&queue, entry_of (2, 0)));
  for (size_t i = 2; i < 6; i++)
    ck_assert (queue_push_again (&queue, entry_of (i, 100)));
  ck_assert_uint_eq (queue_count (&queue), 6);
  /* They count as entries, and in their turn, but no bytes. */
  for (size_t i = 0; i < 4; i++)
    ck_assert_ptr_eq (queue_pop (&queue), &entries[i]);
  ck_assert (! queue_push (&queue, entry_of (6, 0)));
  ck_assert_ptr_eq (queue_pop (&queue), &entries[4]);
  ck_assert (! queue_push (&queue, entry_of (6, 11)));
  ck_assert (queue_push (&queue, entry_of (6, 10)));
  queue_close (&queue);
  ck_assert (! queue_push_again (&queue, entry_of (7, 0)));
  ck_assert_ptr_eq (queue_pop (&queue), &entries[5]);
  ck_assert_ptr_eq (queue_pop (&queue), &entries[6]);
  ck_assert_ptr_null (queue_pop (&queue));
  queue_destroy (&queue);
}
END_TEST

START_TEST (refuses_above_its_limits)
{
  static const struct
  {
    const char *label;
    size_t max_count;
    size_t max_bytes;
    size_t bytes[6];
    bool accepted[6];
  } cases[] = {
    { "by count", 2, 100, { 1, 1, 1 }, { true, true, false } },
    { "by bytes", 9, 10, { 4, 4, 4 }, { true, true, false } },
    { "just full", 9, 10, { 5, 5, 1 }, { true, true, false } },
    { "nothing weighs nothing", 9, 10, { 10, 0, 0, 1 }, { true, true, true, false } },
    { "a smaller one passes", 9, 10, { 4, 7, 6, 1 }, { true, false, true, false } },
    { "one alone may be larger", 9, 10, { 11, 1 }, { true, false } },
    { "the largest of all", 9, 10, { SIZE_MAX, 1, SIZE_MAX }, { true, false, false } },
    { "larger, but not alone", 9, 10, { 1, 11, SIZE_MAX }, { true, false, false } },
    { "room for one", 1, 0, { 0, 1 }, { true, false } },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct queue queue;
    size_t waiting = 0;

    queue_init (&queue, cases[i].max_count, cases[i].max_bytes);
    for (size_t k = 0; k == 0 || cases[i].accepted[k] || cases[i].bytes[k] > 0; k++)
    {
      ck_assert_msg (queue_push (&queue, entry_of (k, cases[i].bytes[k])) == cases[i].accepted[k], "%s, entry %zu",
                     cases[i].label, k);
      waiting += cases[i].accepted[k];
      ck_assert_uint_eq (queue_count (&queue), waiting);
    }
    /* Once it is empty the whole room is there again. */
    while (queue_count (&queue) > 0)
      (void)queue_pop (&queue);
    ck_assert_msg (queue_push (&queue, entry_of (0, cases[i].max_bytes)), "%s", cases[i].label);
    ck_assert_msg (cases[i].max_bytes == 0 || ! queue_push (&queue, entry_of (1, 1)), "%s", cases[i].label);
    queue_destroy (&queue);
  }
}
END_TEST

START_TEST (takes_groups_within_limits)
{
  static const struct
  {
    const char *label;
    size_t bytes[6]; /* ends with 0 */
    size_t max_count;
    size_t max_bytes;
    size_t taken;
  } cases[] = {
    { "all", { 1, 2, 3 }, 9, 9, 3 },
    { "by count", { 1, 2, 3 }, 2, 9, 2 },
    { "by bytes", { 1, 2, 3 }, 9, 5, 2 },
    { "just full", { 1, 2, 3 }, 9, 6, 3 },
    { "the first is too large", { 7, 1 }, 9, 5, 1 },
    { "the second is too large", { 1, SIZE_MAX, 1 }, 9, 5, 1 },
    { "the first is the largest of all", { SIZE_MAX, 1 }, 9, SIZE_MAX - 1, 1 },
    { "no room at all", { 1, 1 }, 9, 0, 1 },
    { "of nothing", { 0 }, 9, 9, 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct queue queue;
    struct queue_entry *chain;
    size_t count = 99;
    size_t pushed = 0;

    queue_init (&queue, 9, SIZE_MAX);
    for (; cases[i].bytes[pushed] > 0; pushed++)
    {
      entry_of (pushed, SIZE_MAX == cases[i].bytes[pushed] ? 0 : cases[i].bytes[pushed]);
      ck_assert (queue_push (&queue, &entries[pushed]));
      entries[pushed].bytes = cases[i].bytes[pushed];
    }
    lock_acquire (&queue.lock);
    chain = queue_take_locked (&queue, cases[i].max_count, cases[i].max_bytes, &count);
    lock_release (&queue.lock);
    ck_assert_msg (count == cases[i].taken, "%s: %zu", cases[i].label, count);
    for (size_t k = 0; k < count; k++, chain = chain->next)
      ck_assert_msg (chain == &entries[k], "%s", cases[i].label);
    ck_assert_msg (NULL == chain, "%s", cases[i].label);
    ck_assert_uint_eq (queue_count (&queue), pushed - count);
    for (size_t k = count; k < pushed; k++)
      ck_assert_ptr_eq (queue_pop (&queue), &entries[k]);
    queue_destroy (&queue);
  }
}
END_TEST

START_TEST (drains_when_closed)
{
  struct queue queue;

  queue_init (&queue, 8, 100);
  ck_assert (queue_push (&queue, entry_of (0, 1)));
  ck_assert (queue_push (&queue, entry_of (1, 1)));
  queue_close (&queue);
  ck_assert (! queue_push (&queue, entry_of (2, 1)));
  ck_assert_ptr_eq (queue_pop (&queue), &entries[0]);
  ck_assert_ptr_eq (queue_pop (&queue), &entries[1]);
  ck_assert_ptr_null (queue_pop (&queue));
  ck_assert_ptr_null (queue_pop (&queue));
  queue_destroy (&queue);
}
END_TEST

static void *
pop_one (void *context)
{
  return queue_pop (context);
}

START_TEST (wakes_those_who_wait_when_closed)
{
  struct queue queue;
  pthread_t threads[3];

  queue_init (&queue, 8, 100);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, pop_one, &queue), 0);
  queue_close (&queue);
  for (size_t i = 0; i < 3; i++)
  {
    void *entry;

    ck_assert_int_eq (pthread_join (threads[i], &entry), 0);
    ck_assert_ptr_null (entry);
  }
  queue_destroy (&queue);
}
END_TEST

#define PRODUCERS 4
#define CONSUMERS 3
#define PRODUCED 5000

struct numbered
{
  struct queue_entry entry; /* first */
  unsigned producer;
  unsigned number;
  unsigned seen;
};

static struct numbered items[PRODUCERS][PRODUCED];
static struct queue shared;

static void *
produce (void *context)
{
  struct numbered *own = context;

  for (unsigned i = 0; i < PRODUCED; i++)
  {
    own[i].entry.bytes = 1;
    own[i].number = i;
    /* Full is an answer, not a wait: whoever wants to wait tries again. */
    while (! queue_push (&shared, &own[i].entry))
      sched_yield ();
  }
  return NULL;
}

static void *
consume (void *context)
{
  unsigned last[PRODUCERS] = { 0 };
  struct queue_entry *entry;

  while (NULL != (entry = queue_pop (&shared)))
  {
    struct numbered *item = (struct numbered *)entry;

    item->seen++;
    /* What one thread pushed arrives in its order at each consumer. */
    if (item->number < last[item->producer])
      return item;
    last[item->producer] = item->number;
  }
  return context;
}

START_TEST (loses_nothing_between_threads)
{
  pthread_t producers[PRODUCERS];
  pthread_t consumers[CONSUMERS];

  queue_init (&shared, 64, 50);
  for (unsigned i = 0; i < PRODUCERS; i++)
    for (unsigned k = 0; k < PRODUCED; k++)
      items[i][k].producer = i;
  for (size_t i = 0; i < CONSUMERS; i++)
    ck_assert_int_eq (pthread_create (&consumers[i], NULL, consume, NULL), 0);
  for (size_t i = 0; i < PRODUCERS; i++)
    ck_assert_int_eq (pthread_create (&producers[i], NULL, produce, items[i]), 0);
  for (size_t i = 0; i < PRODUCERS; i++)
    ck_assert_int_eq (pthread_join (producers[i], NULL), 0);
  queue_close (&shared);
  for (size_t i = 0; i < CONSUMERS; i++)
  {
    void *wrong;

    ck_assert_int_eq (pthread_join (consumers[i], &wrong), 0);
    ck_assert_ptr_null (wrong);
  }
  for (unsigned i = 0; i < PRODUCERS; i++)
    for (unsigned k = 0; k < PRODUCED; k++)
      ck_assert_uint_eq (items[i][k].seen, 1);
  queue_destroy (&shared);
}
END_TEST

Suite *queue_suite (void);

Suite *
queue_suite (void)
{
  Suite *suite = suite_create ("queue");
  TCase *one = tcase_create ("one thread");
  TCase *several = tcase_create ("several threads");

  tcase_add_test (one, gives_in_the_order_of_arrival);
  tcase_add_test (one, lets_in_again_above_its_limits);
  tcase_add_test (one, refuses_above_its_limits);
  tcase_add_test (one, takes_groups_within_limits);
  tcase_add_test (one, drains_when_closed);
  suite_add_tcase (suite, one);
  tcase_set_timeout (several, 60);
  tcase_add_test (several, wakes_those_who_wait_when_closed);
  tcase_add_test (several, loses_nothing_between_threads);
  suite_add_tcase (suite, several);
  return suite;
}
