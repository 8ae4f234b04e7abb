/* The ring: entries of memory between the threads that log and the one that writes the spool. */
#ifndef CLIENT_RING_H
#define CLIENT_RING_H

#include "record.h"

struct ring;

/* A ring of at most `max_bytes` of entries, whose memory is touched beforehand as it grows, so that no log call pays
   for page faults. Errors: MEMORY. */
enum tally_code ring_new (struct ring **ring, size_t max_bytes, struct tally_error *err);
/* Also in a child of the process that made it, where nothing else may be called but what only counts. */
void ring_free (struct ring *ring);

/* The ring_put functions append one thing, all or nothing (points and pairs: all of them), and give it its entry
   ordinals. False: full, nothing was taken, and it counts as dropped. Any thread; none waits for another. The taker is
   woken when it sleeps. */
bool ring_put (struct ring *ring, const struct record *record); /* also false for more than RECORD_MAX_BYTES */

/* One plain point: the fast way. */
bool ring_put_point (struct ring *ring, const struct run_key *run, struct slice key, double value, int64_t step,
                     int64_t timestamp_ms);

/* Points of several keys at one step. */
bool ring_put_values (struct ring *ring, const struct run_key *run, const struct tally_value *values, size_t count,
                      int64_t step, int64_t timestamp_ms);

/* Points of one key. */
struct ring_series
{
  struct slice key;
  const double *values;
  const int64_t *steps; /* NULL: 0, 1, 2, … */
  const int64_t *timestamps_ms; /* NULL: all at `timestamp_ms` */
  int64_t timestamp_ms;
  size_t count;
};
bool ring_put_series (struct ring *ring, const struct run_key *run, const struct ring_series *series);

/* Params or tags, as `kind` says. */
bool ring_put_pairs (struct ring *ring, enum record_kind kind, const struct run_key *run,
                     const struct tally_pair *pairs, size_t count, int64_t time_ms);

/* FULL, in words: of something of about `bytes`, which may be more than the ring can ever hold. */
enum tally_code ring_refuse (const struct ring *ring, size_t bytes, struct tally_error *err);

/* Ordinal of the last entry put: not less than that of any entry whose put has returned. */
uint64_t ring_last (const struct ring *ring);
uint64_t ring_dropped (const struct ring *ring);
size_t ring_bytes (const struct ring *ring);

/* A wait of the taker up to this is not ended by a put (a wake costs the caller microseconds), unless the ring is half
   full; longer ones are. */
#define RING_POLL_MS 10

/* The taker's side: one thread. Wait up to `wait_ms` (negative: until woken) for entries, then hand a batch of them to
   `each` as records in order, with borrowed slices; consecutive points of one run come as one record of at most
   RECORD_MAX_POINTS points. When `each` returns false all of them stay and are taken again later. Returns how many
   entries were taken; 0 does not say that there are none. */
typedef bool ring_each (void *payload, const struct record *records, size_t count);
size_t ring_take (struct ring *ring, int wait_ms, ring_each *each, void *payload);
/* Make ring_take return at once. */
void ring_wake (struct ring *ring);

#endif
