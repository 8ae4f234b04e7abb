/* Figures of each route: requests by status class, bytes, and a histogram of durations. */
#ifndef API_ROUTE_STATS_H
#define API_ROUTE_STATS_H

#include "api/route.h"

/* Requests that no route took, and files of the dashboard, are counted under names of their own. */
enum route_stats_other
{
  ROUTE_STATS_UNMATCHED,
  ROUTE_STATS_STATIC,
  ROUTE_STATS_OTHER_COUNT
};

/* Set up the counters; once, before other threads start. False when memory is out. */
bool route_stats_init (void);

/* Count a finished request; `route` NULL: `other` tells what it was. Thread-safe. */
void route_stats_add (const struct route *route, enum route_stats_other other, unsigned status, size_t request_bytes,
                      size_t response_bytes, uint64_t duration_us);

/* Write all figures in the text format of Prometheus. Thread-safe. */
void route_stats_write (struct buffer *out);

#endif
