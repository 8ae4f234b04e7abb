/* The ring: producers reserve room with one compare-and-swap and never wait for each other; one thread takes.

   DESIGN: `head` packs where the next entry goes (in units, upper half) and how many entries were put (lower half,
   modulo 2^32), so that both change together; its topmost bit says that all is free from the start on, whatever `tail`
   is. A producer reserves by moving it, writes its entry and then stores the
   entry's length, which tells the taker that it is complete. The taker zeroes what it has taken before it moves `tail`.
   An entry never wraps around: one that does not fit before the end goes to the start, and a mark tells the taker.
   The taker touches the memory ahead of the producers and gives back what lies behind, so that a ring that may have
   much has little as long as the taker keeps up; a burst beyond what is touched costs page faults, and works.
   Since a producer that was interrupted between reserving and completing delays the taker only, no log call ever waits
   for another thread. */
#include "ring.h"

#include "error.h"
#include "ring_entry.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Bounds of the memory: 64 KiB is the least that the option allows; 32 bits of units would allow 64 GiB, but entries
   must be fewer than 2^32, and have 8 bytes at least each. */
#define LEAST_BYTES ((size_t)64 << 10)
#define MOST_BYTES ((size_t)8 << 30)
/* Touched ahead of the producers; they wake the taker when half of it is used. Ten milliseconds (RING_POLL_MS) of 1.5
   million points a second are half of it. */
#define AHEAD_BYTES ((size_t)2 << 20)
/* Touched and given back in such steps. */
#define STEP_BYTES ((size_t)512 << 10)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* linux/mman.h since 5.14 */
#endif

/* Pause when a producer was interrupted in the middle of its entry. */
#define INCOMPLETE_PAUSE_NS 100000L

/* Bit of `head`: the taker has just set it back to the start of the empty ring, and `tail` does not count yet. */
#define FRESH (UINT64_C (1) << 63)

/* In place of an entry's length: go on at the start. */
#define TO_START UINT32_MAX

enum sleep
{
  AWAKE,
  POLLS, /* to be woken when half full */
  SLEEPS /* to be woken by each entry */
};

struct ring
{
  char *memory;
  size_t max_units;
  pid_t owner; /* the process that has the memory */
  /* Changed by producers. */
  _Alignas(64) atomic_uint_fast64_t head;
  atomic_uint_fast64_t wrapped_at; /* unit of the mark */
  atomic_uint_fast64_t dropped;
  atomic_bool woken; /* by ring_wake */
  /* Changed by the taker. */
  _Alignas(64) atomic_uint_fast64_t tail;
  atomic_uint_fast64_t taken; /* entries */
  _Alignas(64) atomic_uint sleep; /* enum sleep, the futex */
  atomic_size_t at; /* unit of the next entry; `tail` may lie behind, at the start of its step; set by the taker */
  /* Of the taker only. */
  struct ring_cursor cursor; /* in that entry */
  size_t kept; /* units up to here are never given back */
  size_t touched; /* units up to here were touched on this round */
  size_t head_seen; /* unit of the head when that was done */
  uint64_t dropped_seen;
  struct ring_batch batch;
};

static inline struct ring_entry *
entry_at (const struct ring *ring, size_t unit)
{
  return (struct ring_entry *)(void *)(ring->memory + unit * RING_UNIT_BYTES);
}

/* Touch [from, to), without a change for producers that may use it already. */
static void
touch (const struct ring *ring, size_t from_unit, size_t to_unit)
{
  size_t page = (size_t)sysconf (_SC_PAGESIZE);
  size_t from = from_unit * RING_UNIT_BYTES / page * page;

  /* Failing costs page faults later, nothing else: kernels before 5.14 do not know it. */
  madvise (ring->memory + from, to_unit * RING_UNIT_BYTES - from, MADV_POPULATE_WRITE);
}

/* Give [from, to) back; it is zero afterwards, as it was before. Steps are whole pages. */
static void
give_back (const struct ring *ring, size_t from_unit, size_t to_unit)
{
  if (from_unit < to_unit)
    madvise (ring->memory + from_unit * RING_UNIT_BYTES, (to_unit - from_unit) * RING_UNIT_BYTES, MADV_DONTNEED);
}

enum tally_code
ring_new (struct ring **ring, size_t max_bytes, struct tally_error *err)
{
  size_t page = (size_t)sysconf (_SC_PAGESIZE);
  struct ring *made = NULL;
  void *memory;

  *ring = NULL;
  max_bytes = max_bytes < LEAST_BYTES ? LEAST_BYTES : max_bytes;
  max_bytes = max_bytes > MOST_BYTES ? MOST_BYTES : max_bytes;
  max_bytes = (max_bytes + page - 1) / page * page;
  if (0 != posix_memalign ((void **)&made, _Alignof(struct ring), sizeof (*made)))
    return error_memory (err);
  memset (made, 0, sizeof (*made));
  memory = mmap (NULL, max_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (MAP_FAILED == memory)
  {
    free (made);
    return error_memory (err);
  }
  /* A child of the process has no use for it, and must not make the parent's log calls copy pages. */
  madvise (memory, max_bytes, MADV_DONTFORK);
  made->memory = memory;
  made->owner = getpid ();
  made->max_units = max_bytes / RING_UNIT_BYTES;
  /* Little more than that is not worth giving back. */
  made->kept = (max_bytes < 2 * AHEAD_BYTES ? max_bytes : AHEAD_BYTES) / RING_UNIT_BYTES;
  made->touched = made->kept;
  touch (made, 0, made->kept);
  *ring = made;
  return TALLY_OK;
}

void
ring_free (struct ring *ring)
{
  if (NULL == ring)
    return;
  /* In a child something else may be there. */
  if (getpid () == ring->owner)
    munmap (ring->memory, ring->max_units * RING_UNIT_BYTES);
  free (ring);
}

/* --- producers --- */

static inline size_t
unit_of (uint64_t head)
{
  return (head & ~FRESH) >> 32;
}

static size_t
used_units (const struct ring *ring, uint64_t head)
{
  size_t at = unit_of (head);
  size_t tail = 0 != (head & FRESH) ? 0 : atomic_load_explicit (&ring->tail, memory_order_relaxed);

  return at >= tail ? at - tail : at + ring->max_units - tail;
}

/* Room for an entry: the unit where it goes, or `max_units` when there is none. One unit stays free: at the end for the
   mark, before the tail to tell full from empty. */
static size_t
place (const struct ring *ring, size_t at, size_t tail, size_t units)
{
  if (at < tail)
    return units < tail - at ? at : ring->max_units;
  if (units < ring->max_units - at)
    return at;
  return units < tail ? 0 : ring->max_units;
}

static struct ring_entry *
reserve (struct ring *ring, uint64_t *after, size_t units, uint32_t entries)
{
  /* Who sees it without the bit sees the tail that was set before that was cleared. */
  uint64_t head = atomic_load_explicit (&ring->head, memory_order_acquire);
  size_t tail;
  size_t at;
  size_t unit;

  do
  {
    at = unit_of (head);
    tail = atomic_load_explicit (&ring->tail, memory_order_acquire);
    unit = place (ring, at, 0 != (head & FRESH) ? 0 : tail, units);
    if (unit == ring->max_units)
      return NULL;
    *after = (head & FRESH) | (uint64_t)(unit + units) << 32 | (uint32_t)(head + entries);
  } while (! atomic_compare_exchange_weak (&ring->head, &head, *after));
  if (unit != at)
  {
    atomic_store_explicit (&ring->wrapped_at, at, memory_order_relaxed);
    atomic_store_explicit (&entry_at (ring, at)->units, TO_START, memory_order_release);
  }
  return entry_at (ring, unit);
}

static void
wake (struct ring *ring)
{
  if (AWAKE != atomic_exchange (&ring->sleep, AWAKE))
    syscall (SYS_futex, &ring->sleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void
ring_wake (struct ring *ring)
{
  atomic_store (&ring->woken, true);
  wake (ring);
}

static bool
put (struct ring *ring, const struct ring_source *source)
{
  size_t bytes = ring_entry_bytes (source);
  size_t units = (bytes + RING_UNIT_BYTES - 1) / RING_UNIT_BYTES;
  struct ring_entry *entry = NULL;
  uint64_t head;
  unsigned sleep;

  if (0 == source->count)
    return true;
  if (units < ring->max_units)
    entry = reserve (ring, &head, units, (uint32_t)source->count);
  if (NULL == entry)
  {
    atomic_fetch_add (&ring->dropped, source->count);
    wake (ring);
    return false;
  }
  ring_entry_write (entry, source);
  atomic_store_explicit (&entry->units, (uint32_t)units, memory_order_release);
  /* The taker stores `sleep` before it looks at `head`; here `head` was changed before: one of the two sees the
     other. */
  sleep = atomic_load (&ring->sleep);
  if (SLEEPS == sleep || (POLLS == sleep && used_units (ring, head) > ring->kept / 2))
    wake (ring);
  return true;
}

bool
ring_put_point (struct ring *ring, const struct run_key *run, struct slice key, double value, int64_t step,
                int64_t timestamp_ms)
{
  struct ring_source source = { .layout = RING_VALUES,
                                .kind = RECORD_POINTS,
                                .run = run,
                                .count = 1,
                                .time_ms = timestamp_ms,
                                .step = step,
                                .values = { NULL, key, value } };

  return put (ring, &source);
}

bool
ring_put_values (struct ring *ring, const struct run_key *run, const struct tally_value *values, size_t count,
                 int64_t step, int64_t timestamp_ms)
{
  struct ring_source source = { .layout = RING_VALUES,
                                .kind = RECORD_POINTS,
                                .run = run,
                                .count = count,
                                .time_ms = timestamp_ms,
                                .step = step,
                                .values = { .items = values } };

  return put (ring, &source);
}

bool
ring_put_series (struct ring *ring, const struct run_key *run, const struct ring_series *series)
{
  struct ring_source source = {
    .layout = RING_SERIES, .kind = RECORD_POINTS, .run = run, .count = series->count, .series = series
  };

  return put (ring, &source);
}

bool
ring_put_pairs (struct ring *ring, enum record_kind kind, const struct run_key *run, const struct tally_pair *pairs,
                size_t count, int64_t time_ms)
{
  struct ring_source source = {
    .layout = RING_PAIRS, .kind = kind, .run = run, .count = count, .time_ms = time_ms, .pairs = pairs
  };

  return put (ring, &source);
}

/* What the spool cannot hold must not come into the ring, where it would be in the way of all that follows. */
static bool
is_too_long (const struct ring_source *source)
{
  const struct record *record = source->record;

  if (RECORD_POINTS != record->kind)
    return ring_entry_bytes (source) > RECORD_MAX_BYTES;
  for (size_t i = 0; i < record->points.count; i++)
  {
    const struct record_point *point = &record->points.items[i];

    if (point->key.len > RECORD_MAX_KEY_BYTES || point->model_id.len > RECORD_MAX_KEY_BYTES
        || point->dataset_name.len > RECORD_MAX_KEY_BYTES || point->dataset_digest.len > RECORD_MAX_KEY_BYTES)
      return true;
  }
  return false;
}

bool
ring_put (struct ring *ring, const struct record *record)
{
  struct ring_source source = { .layout = RECORD_POINTS == record->kind ? RING_POINTS : RING_OTHER,
                                .kind = record->kind,
                                .run = &record->run,
                                .count = record_entries (record),
                                .record = record };

  if (! is_too_long (&source))
    return put (ring, &source);
  atomic_fetch_add (&ring->dropped, source.count);
  return false;
}

enum tally_code
ring_refuse (const struct ring *ring, size_t bytes, struct tally_error *err)
{
  size_t max = ring->max_units * RING_UNIT_BYTES;

  if (bytes >= max)
    return error_set (err, TALLY_ERROR_FULL,
                      "More than %zu bytes in one call never fit into the memory of %zu bytes: log fewer at a time or "
                      "raise the option memory-bytes.",
                      max, max);
  return error_set (err, TALLY_ERROR_FULL,
                    "The memory of %zu bytes is full of what waits to be written into the spool.", max);
}

/* --- counters --- */

uint64_t
ring_last (const struct ring *ring)
{
  uint64_t taken = atomic_load_explicit (&ring->taken, memory_order_acquire);
  uint64_t head = atomic_load_explicit (&ring->head, memory_order_acquire);

  return taken + (uint32_t)((uint32_t)head - (uint32_t)taken);
}

uint64_t
ring_dropped (const struct ring *ring)
{
  return atomic_load_explicit (&ring->dropped, memory_order_relaxed);
}

size_t
ring_bytes (const struct ring *ring)
{
  uint64_t head = atomic_load_explicit (&ring->head, memory_order_relaxed);
  size_t at = 0 != (head & FRESH) ? 0 : atomic_load_explicit (&ring->at, memory_order_relaxed);
  size_t unit = unit_of (head);

  return (unit >= at ? unit - at : unit + ring->max_units - at) * RING_UNIT_BYTES;
}

/* --- the taker --- */

static bool
is_empty (const struct ring *ring)
{
  return unit_of (atomic_load (&ring->head)) == ring->at;
}

static void
wait_for_entries (struct ring *ring, int wait_ms)
{
  unsigned how = wait_ms >= 0 && wait_ms <= RING_POLL_MS ? POLLS : SLEEPS;
  struct timespec wait = { wait_ms / 1000, wait_ms % 1000 * 1000000L };

  /* In this order: see put and ring_wake. */
  atomic_store (&ring->sleep, how);
  if (! atomic_exchange (&ring->woken, false) && (POLLS == how || is_empty (ring)))
    syscall (SYS_futex, &ring->sleep, FUTEX_WAIT_PRIVATE, how, wait_ms < 0 ? NULL : &wait, NULL, 0);
  atomic_store (&ring->sleep, AWAKE);
}

/* Touch memory before the producers need it. */
static void
touch_ahead (struct ring *ring)
{
  size_t step = STEP_BYTES / RING_UNIT_BYTES;
  size_t head = unit_of (atomic_load (&ring->head));
  size_t wanted = (head / step + 1) * step + AHEAD_BYTES / RING_UNIT_BYTES;

  if (head < ring->head_seen)
    ring->touched = ring->kept;
  ring->head_seen = head;
  wanted = wanted < ring->max_units ? wanted : ring->max_units;
  if (head <= ring->kept / 2 || wanted <= ring->touched)
    return;
  touch (ring, ring->touched, wanted);
  ring->touched = wanted;
}

/* Gather a batch from the tail on. Returns the unit behind it; `*cursor` is where its last entry was left. */
static size_t
gather (struct ring *ring, struct ring_cursor *cursor)
{
  size_t unit = ring->at;

  ring->batch.record_count = 0;
  ring->batch.point_count = 0;
  ring->batch.entry = atomic_load_explicit (&ring->taken, memory_order_relaxed);
  *cursor = ring->cursor;
  for (;;)
  {
    struct ring_entry *entry = entry_at (ring, unit);
    uint32_t units = atomic_load_explicit (&entry->units, memory_order_acquire);

    if (TO_START == units)
      unit = 0;
    else if (0 == units || ! ring_entry_read (&ring->batch, cursor, entry))
      return unit;
    else
    {
      unit += units;
      *cursor = (struct ring_cursor){ 0, 0 };
    }
  }
}

/* Move the tail, as far as whole steps can be given back before the producers get them. */
static void
move_tail (struct ring *ring, size_t unit)
{
  size_t step = STEP_BYTES / RING_UNIT_BYTES;
  size_t tail = atomic_load_explicit (&ring->tail, memory_order_relaxed);

  if (unit > ring->kept)
  {
    unit = unit / step * step;
    give_back (ring, tail < ring->kept ? ring->kept : tail, unit);
  }
  atomic_store_explicit (&ring->tail, unit, memory_order_release);
}

/* The taker goes on at the start, behind the mark: nobody else has units from the tail on. */
static void
go_to_start (struct ring *ring)
{
  size_t tail = atomic_load_explicit (&ring->tail, memory_order_relaxed);

  give_back (ring, tail < ring->kept ? ring->kept : tail, ring->max_units);
  ring->at = 0;
  atomic_store_explicit (&ring->tail, 0, memory_order_release);
}

/* Let an empty ring begin at its start again: the same few lines of the cache; from farther away, where memory would
   have to be given back, only when something did not fit. */
static void
begin_again (struct ring *ring)
{
  uint64_t dropped = atomic_load (&ring->dropped);
  uint64_t head = atomic_load (&ring->head);

  if (unit_of (head) != ring->at || 0 == ring->at || (ring->at > ring->kept && dropped == ring->dropped_seen))
    return;
  if (! atomic_compare_exchange_strong (&ring->head, &head, FRESH | (head & UINT32_MAX)))
    return;
  ring->dropped_seen = dropped;
  ring->at = 0;
  atomic_store_explicit (&ring->tail, 0, memory_order_release);
  atomic_fetch_and (&ring->head, ~FRESH);
}

static void
zero (const struct ring *ring, size_t from, size_t to)
{
  memset (entry_at (ring, from), 0, (to - from) * RING_UNIT_BYTES);
}

/* Give the room up to `unit` to the producers. */
static void
release (struct ring *ring, size_t unit)
{
  if (unit < ring->at)
  {
    zero (ring, ring->at, atomic_load_explicit (&ring->wrapped_at, memory_order_relaxed) + 1);
    go_to_start (ring);
  }
  zero (ring, ring->at, unit);
  ring->at = unit;
  move_tail (ring, unit);
  begin_again (ring);
}

size_t
ring_take (struct ring *ring, int wait_ms, ring_each *each, void *payload)
{
  struct ring_cursor cursor;
  size_t count;
  size_t unit;

  if (0 != wait_ms && is_empty (ring))
    wait_for_entries (ring, wait_ms);
  touch_ahead (ring);
  unit = gather (ring, &cursor);
  if (0 == ring->batch.record_count && ! is_empty (ring))
    nanosleep (&(struct timespec){ 0, INCOMPLETE_PAUSE_NS }, NULL);
  if (0 == ring->batch.record_count || ! each (payload, ring->batch.records, ring->batch.record_count))
    return 0;
  count = ring->batch.entry - atomic_load_explicit (&ring->taken, memory_order_relaxed);
  ring->cursor = cursor;
  release (ring, unit);
  atomic_store_explicit (&ring->taken, ring->batch.entry, memory_order_release);
  return count;
}
