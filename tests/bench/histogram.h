/* A histogram of durations with a bounded relative error, for percentiles of any number of requests. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

/* 128 parts to each power of two keep the relative error below 1 %. */
#define HISTOGRAM_PART_BITS 7
#define HISTOGRAM_PARTS (1U << HISTOGRAM_PART_BITS)
/* Powers of two that a 64-bit number of nanoseconds can have beyond the first, exact part. */
#define HISTOGRAM_POWERS (64U - HISTOGRAM_PART_BITS + 1U)

struct histogram
{
  uint64_t counts[HISTOGRAM_POWERS * HISTOGRAM_PARTS];
  uint64_t total;
  uint64_t sum_ns;
  uint64_t min_ns; /* meaningless while total is 0 */
  uint64_t max_ns;
};

/* Add one duration. The struct must have been zeroed once. One thread at a time. */
void histogram_add (struct histogram *histogram, uint64_t duration_ns);

/* The duration that `part` (0 to 1) of all durations do not exceed, in nanoseconds; 0 when there are none. */
uint64_t histogram_percentile_ns (const struct histogram *histogram, double part);

#endif
