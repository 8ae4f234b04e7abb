/* Process-wide counters and gauges of table/stats.def; relaxed atomics, read by /metrics. */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

struct stats
{
#define STAT(field, name, type, doc) _Atomic int64_t field;
#include "table/stats.def"
#undef STAT
};

/* The one instance; any thread may add to it. */
extern struct stats stats;

/* Add to a figure: `stats_add (&stats.metric_points, 1)`. Thread-safe. */
static inline void
stats_add (_Atomic int64_t *figure, int64_t amount)
{
  atomic_fetch_add_explicit (figure, amount, memory_order_relaxed);
}

/* Set a gauge. Thread-safe. */
static inline void
stats_set (_Atomic int64_t *figure, int64_t value)
{
  atomic_store_explicit (figure, value, memory_order_relaxed);
}

/* The value now. Thread-safe. */
static inline int64_t
stats_get (_Atomic int64_t *figure)
{
  return atomic_load_explicit (figure, memory_order_relaxed);
}

#endif
