/* What was written: runs, their numbered points, and what the server said of each.

   DESIGN: a point is known by its run, its key and its number; step, timestamp and value follow from these three, so
   the ledger keeps three small fields for a point, and whoever reads a point back can tell which one it is. All points
   of a series are distinct. Numbers are given out before a request is sent, so that a reader who looks into the ledger
   afterwards knows every point that it can have seen. */
#ifndef CRASH_TESTS_WORLD_H
#define CRASH_TESTS_WORLD_H

#include "random.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The keys of a run; each has its own way of going on. */
enum shape
{
  SHAPE_UP, /* steps and times grow; some points belong to a logged model too */
  SHAPE_LATE, /* as above, but one point in eight comes late: by its step, its time or both */
  SHAPE_DOWN, /* steps fall from 500 to far below 0, values are any finite doubles */
  SHAPE_STILL, /* every step is 0; NaN and infinities among the values */
  SHAPES
};

extern const char *const shape_keys[SHAPES];

struct point
{
  int64_t timestamp;
  int64_t step;
  double value;
};

enum point_state
{
  POINT_SENT, /* sent, never answered with 200: may be there or not */
  POINT_ACKNOWLEDGED,
  POINT_REFUSED /* part of a request that is wrong on purpose: must not be there */
};

/* What the server said of one point, and between which kills it was sent and acknowledged. */
struct entry
{
  unsigned char state;
  uint16_t sent_after; /* number of the kill before */
  uint16_t told_after;
};

struct series
{
  struct entry *entries; /* by number */
  long count;
  long capacity;
};

/* Points `first` to `first + count - 1` of one key. */
struct range
{
  enum shape shape;
  long first;
  long count;
};

/* Everything that one request writes. A request is stored whole or not at all. */
struct batch
{
  struct range ranges[SHAPES];
  int range_count;
  long param; /* number of the param in it, or -1 */
};

struct run
{
  char id[64];
  uint64_t seed;
  pthread_mutex_t lock; /* guards what is below; nothing is sent under it */
  struct series series[SHAPES];
  long points; /* numbers given out, of all keys */
  struct entry *params; /* by number */
  long param_count;
  struct batch *open; /* batches that nobody acknowledged and nobody sends any more */
  long open_count;
};

/* Runs at most; the limit of a test of a day, not of the server. */
#define RUNS_MAX 8192
/* Daemons that serve the database, at most. */
#define DAEMONS_MAX 2
/* Runs that are written to at the same moment. */
#define RUNS_ACTIVE 6

struct world
{
  uint64_t seed;
  atomic_bool stopping; /* writers and readers come to an end */
  atomic_uint kill; /* number of the last kill */
  atomic_long acknowledged; /* requests */
  atomic_long acknowledged_points;
  atomic_long repeated; /* requests that were sent again after they had been acknowledged */
  atomic_long refused; /* answers 503 */
  atomic_long broken; /* requests without an answer */
  atomic_long read; /* points, by readers while the kills go on */
  atomic_long problems;
  pthread_mutex_t lock; /* guards what is below */
  char daemons[DAEMONS_MAX][128]; /* addresses; "" when it does not run */
  struct run *runs[RUNS_MAX];
  long run_count;
  struct run *active[RUNS_ACTIVE];
};

void world_init (struct world *world, uint64_t seed);

/* Free all runs; no other thread may use the world any more. */
void world_free (struct world *world);

/* Count a problem and tell it on stderr; after the first 200 only count. Thread-safe. */
void world_problem (struct world *world, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* The address of one of the daemons that run, at random. False when there is none. */
bool world_daemon (struct world *world, char address[128], struct random *random);

/* Take a run that was acknowledged into the world, in place of `old` (may be NULL) in slot `slot` of the active ones.
 */
struct run *world_add_run (struct world *world, const char *id, int slot, const struct run *old);

/* A run at random among all, or NULL. */
struct run *world_any_run (struct world *world, struct random *random);

/* Point `number` of a series: always the same. */
void point_make (struct point *point, const struct run *run, enum shape shape, long number);

/* The orders of points: of get-history (timestamp, step, value), and of which is the latest (step, timestamp, value).
   NaN counts below every number. */
int point_order_history (const struct point *a, const struct point *b);
int point_order_latest (const struct point *a, const struct point *b);

/* A point as a request has it. */
json_t *point_json (const struct run *run, enum shape shape, long number);

/* Give out `range->count` new numbers of `range->shape` in `state`; sets `range->first`. */
void run_take (struct world *world, struct run *run, struct range *range, enum point_state state);

/* Give out the number of a new param. */
long run_take_param (struct world *world, struct run *run);

/* Up to `most` neighbouring points at random that were acknowledged already. False when there are none. */
bool run_repeat (struct run *run, struct range *range, long most, struct random *random);

/* The server acknowledged a batch. Returns its points. */
long run_acknowledge (struct world *world, struct run *run, const struct batch *batch);

/* Nobody sends this batch any more and it was never acknowledged. */
void run_leave_open (struct run *run, const struct batch *batch);

#endif
