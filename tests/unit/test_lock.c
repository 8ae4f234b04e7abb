/* Tests of the lock: its owner is known, what must not happen ends the program at once, waits end in time. */
#include "base/lock.h"

#include "base/clock.h"

#include <check.h>
#include <signal.h>

static struct lock lock;
static struct condition condition;
static unsigned counter;

static void
set_up (void)
{
  lock_init (&lock);
  condition_init (&condition);
  counter = 0;
}

static void
tear_down (void)
{
  condition_destroy (&condition);
  lock_destroy (&lock);
}

START_TEST (knows_that_it_is_held)
{
  for (unsigned i = 0; i < 2; i++)
  {
    lock_acquire (&lock);
    lock_assert_held (&lock);
    lock_release (&lock);
  }
}
END_TEST

START_TEST (aborts_when_it_was_never_taken)
{
  lock_assert_held (&lock);
}
END_TEST

START_TEST (aborts_when_it_was_given_back)
{
  lock_acquire (&lock);
  lock_release (&lock);
  lock_assert_held (&lock);
}
END_TEST

START_TEST (aborts_when_released_without_being_held)
{
  lock_release (&lock);
}
END_TEST

START_TEST (aborts_when_a_wait_starts_without_it)
{
  condition_wait (&condition, &lock);
}
END_TEST

static void *
release (void *context)
{
  lock_release (context);
  return NULL;
}

START_TEST (aborts_when_another_thread_releases)
{
  pthread_t thread;

  lock_acquire (&lock);
  ck_assert_int_eq (pthread_create (&thread, NULL, release, &lock), 0);
  (void)pthread_join (thread, NULL);
}
END_TEST

/* Enough for two threads to meet. */
#define ROUNDS 20000

static void *
count_up (void *context)
{
  unsigned *number = context;

  for (unsigned i = 0; i < ROUNDS; i++)
  {
    lock_acquire (&lock);
    (*number)++;
    lock_release (&lock);
  }
  return NULL;
}

START_TEST (lets_one_in_at_a_time)
{
  pthread_t threads[4];

  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, count_up, &counter), 0);
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  ck_assert_uint_eq (counter, 4 * ROUNDS);
}
END_TEST

START_TEST (ends_a_wait_at_its_deadline)
{
  uint64_t start_us = clock_monotonic_us ();
  bool woken = true;

  lock_acquire (&lock);
  /* A wake without reason is allowed, a return before the deadline without one is not. */
  while (woken && clock_monotonic_us () < start_us + 20000)
    woken = condition_wait_until (&condition, &lock, start_us + 20000);
  lock_assert_held (&lock);
  lock_release (&lock);
  ck_assert_uint_ge (clock_monotonic_us (), start_us + 20000);
}
END_TEST

START_TEST (ends_a_wait_at_once_when_the_deadline_is_past)
{
  lock_acquire (&lock);
  ck_assert (! condition_wait_until (&condition, &lock, 1));
  lock_assert_held (&lock);
  lock_release (&lock);
}
END_TEST

static void *
wait_for_turn (void *context)
{
  unsigned turn = *(unsigned *)context;

  lock_acquire (&lock);
  while (counter != turn)
    condition_wait (&condition, &lock);
  lock_assert_held (&lock);
  counter++;
  condition_broadcast (&condition);
  lock_release (&lock);
  return NULL;
}

START_TEST (wakes_those_who_wait)
{
  static unsigned turns[] = { 3, 2, 1 };
  pthread_t threads[3];

  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, wait_for_turn, &turns[i]), 0);
  lock_acquire (&lock);
  counter = 1;
  condition_broadcast (&condition);
  lock_release (&lock);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  ck_assert_uint_eq (counter, 4);
}
END_TEST

Suite *lock_suite (void);

Suite *
lock_suite (void)
{
  Suite *suite = suite_create ("lock");
  TCase *owner = tcase_create ("owner");
  TCase *waiting = tcase_create ("waiting");

  tcase_add_checked_fixture (owner, set_up, tear_down);
  tcase_add_test (owner, knows_that_it_is_held);
  tcase_add_test_raise_signal (owner, aborts_when_it_was_never_taken, SIGABRT);
  tcase_add_test_raise_signal (owner, aborts_when_it_was_given_back, SIGABRT);
  tcase_add_test_raise_signal (owner, aborts_when_released_without_being_held, SIGABRT);
  tcase_add_test_raise_signal (owner, aborts_when_a_wait_starts_without_it, SIGABRT);
  tcase_add_test_raise_signal (owner, aborts_when_another_thread_releases, SIGABRT);
  tcase_add_test (owner, lets_one_in_at_a_time);
  suite_add_tcase (suite, owner);
  tcase_add_checked_fixture (waiting, set_up, tear_down);
  tcase_add_test (waiting, ends_a_wait_at_its_deadline);
  tcase_add_test (waiting, ends_a_wait_at_once_when_the_deadline_is_past);
  tcase_add_test (waiting, wakes_those_who_wait);
  suite_add_tcase (suite, waiting);
  return suite;
}
