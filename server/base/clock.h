/* Time: one monotonic clock for durations and deadlines, one wall clock for what is stored. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds since an arbitrary start; never goes back. Thread-safe. */
static inline uint64_t
clock_monotonic_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* The same in milliseconds. */
static inline int64_t
clock_monotonic_ms (void)
{
  return (int64_t)(clock_monotonic_us () / 1000);
}

/* Microseconds since 1970-01-01 UTC. Thread-safe. */
static inline int64_t
clock_wall_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Milliseconds since 1970-01-01 UTC, the unit of every stored time. Thread-safe. */
static inline int64_t
clock_wall_ms (void)
{
  return clock_wall_us () / 1000;
}

#endif
