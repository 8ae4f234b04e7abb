/* A small deterministic generator (splitmix64), so that a seed gives the same points and the same choices. */
#ifndef CRASH_TESTS_RANDOM_H
#define CRASH_TESTS_RANDOM_H

#include <stdint.h>

struct random
{
  uint64_t state;
};

/* The constants are those of the published generator. */
static inline uint64_t
random_mix (uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static inline uint64_t
random_next (struct random *random)
{
  random->state += 0x9e3779b97f4a7c15u;
  return random_mix (random->state);
}

/* 0 to limit - 1. */
static inline long
random_below (struct random *random, long limit)
{
  return (long)(random_next (random) % (uint64_t)limit);
}

#endif
