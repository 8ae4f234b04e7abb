/* Mutex and condition variable with an owner. */
#include "base/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* Every failure here is a mistake in this program, never of a client: stop at once and leave a core. */
static void
must (int result)
{
  if (0 != result)
    abort ();
}

void
lock_init (struct lock *lock)
{
  must (pthread_mutex_init (&lock->mutex, NULL));
  lock->held = false;
}

void
lock_destroy (struct lock *lock)
{
  must (pthread_mutex_destroy (&lock->mutex));
}

static void
mark_owned (struct lock *lock)
{
  lock->owner = pthread_self ();
  lock->held = true;
}

void
lock_acquire (struct lock *lock)
{
  must (pthread_mutex_lock (&lock->mutex));
  mark_owned (lock);
}

bool
lock_try (struct lock *lock)
{
  if (0 != pthread_mutex_trylock (&lock->mutex))
    return false;
  mark_owned (lock);
  return true;
}

void
lock_release (struct lock *lock)
{
  lock_assert_held (lock);
  lock->held = false;
  must (pthread_mutex_unlock (&lock->mutex));
}

void
lock_assert_held (struct lock *lock)
{
  if (! lock->held || 0 == pthread_equal (lock->owner, pthread_self ()))
    abort ();
}

void
condition_init (struct condition *condition)
{
  pthread_condattr_t attributes;

  must (pthread_condattr_init (&attributes));
  must (pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC));
  must (pthread_cond_init (&condition->condition, &attributes));
  must (pthread_condattr_destroy (&attributes));
}

void
condition_destroy (struct condition *condition)
{
  must (pthread_cond_destroy (&condition->condition));
}

void
condition_signal (struct condition *condition)
{
  must (pthread_cond_signal (&condition->condition));
}

void
condition_broadcast (struct condition *condition)
{
  must (pthread_cond_broadcast (&condition->condition));
}

void
condition_wait (struct condition *condition, struct lock *lock)
{
  lock_assert_held (lock);
  lock->held = false;
  must (pthread_cond_wait (&condition->condition, &lock->mutex));
  mark_owned (lock);
}

bool
condition_wait_until (struct condition *condition, struct lock *lock, uint64_t deadline_us)
{
  struct timespec until = { .tv_sec = (time_t)(deadline_us / 1000000u),
                            .tv_nsec = (long)(deadline_us % 1000000u) * 1000 };
  int result;

  lock_assert_held (lock);
  lock->held = false;
  result = pthread_cond_timedwait (&condition->condition, &lock->mutex, &until);
  mark_owned (lock);
  if (ETIMEDOUT == result)
    return false;
  must (result);
  return true;
}
