/* The ring: entries of memory between the threads that log and the one that writes the spool. */
#ifndef CLIENT_RING_H
#define CLIENT_RING_H

#include "record.h"

struct ring;

/* A ring of at most `max_bytes` of entries, whose memory is touched beforehand as it grows, so that no log call pays
   for page faults. Errors: MEMORY. */
enum tally_code ring_new (struct ring **ring, size_t max_bytes, struct tally_error *err);
void ring_free (struct ring *ring);

/* Append one record, all or nothing (points: all of them). Its entry ordinals are given here. False: full, nothing was
   taken, and it counts as dropped. Any thread; waits for other threads' memcpy only. Wakes the taker when it sleeps. */
bool ring_put (struct ring *ring, const struct record *record);

/* The fast way for one plain point. */
bool ring_put_point (struct ring *ring, const struct run_key *run, struct slice key, double value, int64_t step,
                     int64_t timestamp_ms);

/* Ordinal of the last entry put. */
uint64_t ring_last (const struct ring *ring);
uint64_t ring_dropped (const struct ring *ring);
size_t ring_bytes (const struct ring *ring);

/* The taker's side: one thread. Wait up to `wait_ms` (negative: until woken) for entries, then call `each` for each
   record taken, in order, with borrowed slices; consecutive points of one run may come as one record of POINTS. False
   from `each` stops: that record and those behind it are taken again later. Returns how many entries were taken. */
typedef bool ring_each (void *payload, const struct record *record);
size_t ring_take (struct ring *ring, int wait_ms, ring_each *each, void *payload);
/* Make ring_take return at once. */
void ring_wake (struct ring *ring);

#endif
