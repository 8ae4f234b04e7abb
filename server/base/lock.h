/* One wrapper around mutex and condition variable that knows its owner, so that "held" can be asserted.
   Lock order is in docs/threading.md. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lock
{
  pthread_mutex_t mutex;
  pthread_t owner; /* valid while `held` */
  bool held; /* written under the mutex only */
};

struct condition
{
  pthread_cond_t condition;
};

/* Set up; aborts when the system refuses, which only happens at start-up. */
void lock_init (struct lock *lock);
void lock_destroy (struct lock *lock);
void lock_acquire (struct lock *lock);
void lock_release (struct lock *lock);

/* Acquire without waiting; false when another thread holds it. */
bool lock_try (struct lock *lock);

/* Abort unless the calling thread holds the lock. */
void lock_assert_held (struct lock *lock);

/* Condition on the monotonic clock. */
void condition_init (struct condition *condition);
void condition_destroy (struct condition *condition);
void condition_signal (struct condition *condition);
void condition_broadcast (struct condition *condition);

/* Wait with `lock` held; it is held again on return. Wakes may be spurious: check in a loop. */
void condition_wait (struct condition *condition, struct lock *lock);

/* As condition_wait, until `deadline_us` of clock_monotonic_us. False when the deadline passed. */
bool condition_wait_until (struct condition *condition, struct lock *lock, uint64_t deadline_us);

#endif
