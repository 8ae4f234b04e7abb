/* Entries of the ring: how what is logged lies in its memory. */
#ifndef CLIENT_RING_ENTRY_H
#define CLIENT_RING_ENTRY_H

#include "ring.h"

#include <stdatomic.h>

/* Entries begin at multiples of this. */
#define RING_UNIT_BYTES ((size_t)16)

enum ring_layout
{
  RING_VALUES, /* points of one run, step and time */
  RING_SERIES, /* points of one run and key */
  RING_PAIRS, /* params or tags of a run */
  RING_POINTS, /* points with all that they can have */
  RING_OTHER /* one record of another kind */
};

/* The head of an entry. Memory that is free is zero, so that `units` tells when the entry is there. */
struct ring_entry
{
  atomic_uint_least32_t units; /* of the whole entry; 0: not written yet */
  uint8_t layout;
  uint8_t kind;
  uint8_t has_steps;
  uint8_t has_timestamps;
  uint32_t count; /* of its items */
  uint32_t number;
  struct run_key run;
  char data[];
};

/* What one entry is made of, before it lies in the ring. */
struct ring_source
{
  enum ring_layout layout;
  enum record_kind kind;
  const struct run_key *run;
  size_t count;
  int64_t time_ms;
  int64_t step;
  union
  {
    struct
    {
      const struct tally_value *items; /* NULL: the one point that follows */
      struct slice key;
      double value;
    } values;
    const struct ring_series *series;
    const struct tally_pair *pairs;
    const struct record *record;
  };
};

/* Bytes of the entry with its head, not rounded. */
size_t ring_entry_bytes (const struct ring_source *source);
/* Write all but `units`. */
void ring_entry_write (struct ring_entry *entry, const struct ring_source *source);

/* Most points and records that are taken together: some hundred kilobytes of them. */
#define RING_BATCH_POINTS 4096
#define RING_BATCH_RECORDS 256

struct ring_batch
{
  uint64_t entry; /* ordinal of the last one in it */
  size_t record_count;
  size_t point_count;
  struct record records[RING_BATCH_RECORDS];
  struct record_point points[RING_BATCH_POINTS];
};

/* Where reading an entry stands. */
struct ring_cursor
{
  uint32_t index; /* of the next item */
  size_t bytes; /* of `data` before it, for items of different lengths */
};

/* Append what the entry has from the cursor on. False when the batch was full before its end. */
bool ring_entry_read (struct ring_batch *batch, struct ring_cursor *cursor, const struct ring_entry *entry);

#endif
