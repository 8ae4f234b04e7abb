/* The threads that fold, and what they know of pending points. */
#include "ingest/folder.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/stats.h"
#include "ingest/fold.h"
#include "store/series.h"

#include <stdlib.h>
#include <string.h>

/* The table of runs starts this large and doubles when half full. */
#define FIRST_SLOTS 256
/* A run with many keys waits for so many points of each: then a series' row is written once for that many. */
#define POINTS_PER_KEY 8
/* Old points wait on while there are fewer rows than this, or fewer points than keys, ... */
#define AGED_ROWS 16
/* ... until they are so many times as old as old points need to be. */
#define PATIENCE 15
/* Time that a run that ended gets for its last points to come. */
#define END_GRACE_US 1000000
/* A run without pending points is forgotten after this time; it is kept for the number of its keys. */
#define FORGET_US ((uint64_t)10 * 60 * 1000000)
/* How often the table is looked through for points that have become old. */
#define LOOK_US 1000000
/* Points of one fold; it takes no more of them anyway. */
#define BATCH_POINTS 262144
/* With more points than this pending the thread does not rest. */
#define BEHIND_POINTS 8388608
/* A fold whose database is away is tried again after this time, doubling up to the longest. */
#define FIRST_BACK_OFF_US 100000
#define LONGEST_BACK_OFF_US 10000000
/* How long a run that fails by itself is left alone; doubles up to about a quarter of an hour. */
#define FIRST_PENALTY_US ((uint64_t)1000000)
#define MOST_DOUBLINGS 10
/* Time for one fold in PostgreSQL; the largest take a second. */
#define BUDGET_US 60000000

struct entry
{
  struct entry *next; /* in the list of runs that are ready */
  struct uuid run_id;
  uint64_t rows;
  uint64_t points;
  uint64_t first_us; /* when the oldest pending points came */
  uint64_t end_us; /* when the run ended; 0: it has not */
  uint64_t used_us;
  uint32_t keys; /* touched by the last fold */
  unsigned failures; /* of its own, one after the other */
  uint64_t not_before_us; /* after those */
  bool ready;
};

struct folder
{
  struct lock lock; /* guards everything down to the threads; a leaf */
  struct condition changed;
  struct entry **slots;
  size_t slot_count;
  size_t count;
  struct entry *first; /* ready, oldest first */
  struct entry *last;
  uint64_t pending_points;
  uint64_t next_look_us;
  uint64_t next_sweep_us;
  bool stopping;

  struct store *store;
  uint64_t fold_points;
  uint64_t fold_rows;
  uint64_t age_us;
  uint64_t sweep_us;
  unsigned started;
  pthread_t *threads;
};

/* --- the table of runs ------------------------------------------------------------------------------------------- */

static size_t
slot_of (const struct folder *folder, const struct uuid *run_id)
{
  uint64_t hash;
  size_t slot;

  /* Run ids are random; the second half has no fixed bits at its end. */
  memcpy (&hash, run_id->bytes + 8, sizeof (hash));
  hash = hash >> 8 ^ hash << 17;
  for (slot = hash & (folder->slot_count - 1); NULL != folder->slots[slot];
       slot = (slot + 1) & (folder->slot_count - 1))
    if (0 == memcmp (&folder->slots[slot]->run_id, run_id, sizeof (*run_id)))
      break;
  return slot;
}

/* Put the entries into a table of another size. False when memory is out. */
static bool
rebuild_locked (struct folder *folder, size_t slot_count)
{
  struct entry **old = folder->slots;
  size_t old_count = folder->slot_count;
  struct entry **slots = calloc (slot_count, sizeof (struct entry *));

  if (NULL == slots)
    return false;
  folder->slots = slots;
  folder->slot_count = slot_count;
  for (size_t i = 0; i < old_count; i++)
    if (NULL != old[i])
      slots[slot_of (folder, &old[i]->run_id)] = old[i];
  free (old);
  return true;
}

/* The entry of a run, made when it is new; NULL when memory is out, then the sweep will find its points. */
static struct entry *
entry_locked (struct folder *folder, const struct uuid *run_id, uint64_t now_us)
{
  struct entry *entry;
  size_t slot;

  if (folder->count * 2 >= folder->slot_count
      && ! rebuild_locked (folder, 0 == folder->slot_count ? FIRST_SLOTS : folder->slot_count * 2))
    return NULL;
  slot = slot_of (folder, run_id);
  if (NULL != folder->slots[slot])
    return folder->slots[slot];
  entry = calloc (1, sizeof (*entry));
  if (NULL == entry)
    return NULL;
  entry->run_id = *run_id;
  entry->first_us = now_us;
  entry->used_us = now_us;
  folder->slots[slot] = entry;
  folder->count++;
  stats_set (&stats.fold_waiting, (int64_t)folder->count);
  return entry;
}

static bool
is_ready (const struct folder *folder, const struct entry *entry, uint64_t now_us)
{
  uint64_t age_us = now_us - entry->first_us;

  if (0 == entry->rows || now_us < entry->not_before_us)
    return false;
  if (0 != entry->end_us && now_us - entry->end_us >= END_GRACE_US)
    return true;
  if (entry->points >= folder->fold_points || entry->rows >= folder->fold_rows)
    if (entry->points >= (uint64_t)entry->keys * POINTS_PER_KEY)
      return true;
  if (age_us >= folder->age_us * PATIENCE)
    return true;
  return age_us >= folder->age_us && entry->rows >= AGED_ROWS && entry->points >= entry->keys;
}

static void
queue_locked (struct folder *folder, struct entry *entry, uint64_t now_us)
{
  if (entry->ready || ! is_ready (folder, entry, now_us))
    return;
  entry->ready = true;
  entry->next = NULL;
  if (NULL == folder->first)
    folder->first = entry;
  else
    folder->last->next = entry;
  folder->last = entry;
  condition_signal (&folder->changed);
}

static void
add_locked (struct folder *folder, struct entry *entry, uint64_t rows, uint64_t points, uint64_t now_us)
{
  if (0 == entry->rows)
    entry->first_us = now_us;
  entry->rows += rows;
  entry->points += points;
  entry->used_us = now_us;
  folder->pending_points += points;
  queue_locked (folder, entry, now_us);
}

void
folder_note (struct folder *folder, const struct uuid *run_id, uint64_t rows, uint64_t points)
{
  uint64_t now_us = clock_monotonic_us ();
  struct entry *entry;

  if (NULL == folder || 0 == folder->started)
    return;
  lock_acquire (&folder->lock);
  entry = entry_locked (folder, run_id, now_us);
  if (NULL != entry)
    add_locked (folder, entry, rows, points, now_us);
  lock_release (&folder->lock);
}

void
folder_note_end (struct folder *folder, const struct uuid *run_id)
{
  uint64_t now_us = clock_monotonic_us ();
  struct entry *entry;

  if (NULL == folder || 0 == folder->started)
    return;
  lock_acquire (&folder->lock);
  entry = entry_locked (folder, run_id, now_us);
  /* Another daemon may have written the points: one look costs little. */
  if (NULL != entry && 0 == entry->rows)
    add_locked (folder, entry, 1, 0, now_us);
  if (NULL != entry)
    entry->end_us = now_us;
  lock_release (&folder->lock);
}

static bool
is_forgotten (const struct entry *entry, uint64_t now_us)
{
  return ! entry->ready && 0 == entry->rows && now_us - entry->used_us > FORGET_US;
}

/* Queue what has become old, and forget runs that have been quiet for long. */
static void
look_locked (struct folder *folder, uint64_t now_us)
{
  struct entry **old = folder->slots;
  size_t quiet = 0;

  for (size_t i = 0; i < folder->slot_count; i++)
    if (NULL != old[i])
    {
      queue_locked (folder, old[i], now_us);
      quiet += is_forgotten (old[i], now_us);
    }
  /* The table is made anew because entries behind a hole would not be found. */
  if (0 == quiet || NULL == (folder->slots = calloc (folder->slot_count, sizeof (struct entry *))))
  {
    folder->slots = old;
    return;
  }
  for (size_t i = 0; i < folder->slot_count; i++)
  {
    if (NULL != old[i] && is_forgotten (old[i], now_us))
      free (old[i]);
    else if (NULL != old[i])
      folder->slots[slot_of (folder, &old[i]->run_id)] = old[i];
  }
  free (old);
  folder->count -= quiet;
  stats_set (&stats.fold_waiting, (int64_t)folder->count);
}

/* --- folding ----------------------------------------------------------------------------------------------------- */

/* The runs of one fold. */
struct batch
{
  struct uuid run_ids[FOLD_RUNS_MAX];
  uint64_t rows[FOLD_RUNS_MAX];
  uint64_t points[FOLD_RUNS_MAX];
  uint64_t first_us[FOLD_RUNS_MAX];
  size_t count;
};

static void
take_locked (struct batch *batch, struct folder *folder)
{
  uint64_t points = 0;

  batch->count = 0;
  while (NULL != folder->first && batch->count < FOLD_RUNS_MAX
         && (0 == batch->count || points + folder->first->points <= BATCH_POINTS))
  {
    struct entry *entry = folder->first;

    folder->first = entry->next;
    entry->ready = false;
    batch->run_ids[batch->count] = entry->run_id;
    batch->rows[batch->count] = entry->rows;
    batch->first_us[batch->count] = entry->first_us;
    batch->points[batch->count++] = entry->points;
    points += entry->points;
    folder->pending_points -= entry->points;
    entry->rows = 0;
    entry->points = 0;
  }
}

/* Points that make a run ready, with enough rows, however many keys it has. */
static uint64_t
enough (const struct folder *folder, const struct entry *entry)
{
  uint64_t points = (uint64_t)entry->keys * POINTS_PER_KEY;

  return points > folder->fold_points ? points : folder->fold_points;
}

/* A run that fails by itself is left alone for longer each time, so that it does not keep the others waiting. */
static void
punish (struct entry *entry, uint64_t now_us)
{
  unsigned doublings = entry->failures < MOST_DOUBLINGS ? entry->failures : MOST_DOUBLINGS;

  entry->failures++;
  entry->not_before_us = now_us + (FIRST_PENALTY_US << doublings);
}

/* Note what a fold has left: all of it when it failed, at least a look when there was more. */
static void
give_back (struct folder *folder, const struct batch *batch, const struct fold_result *result, enum err_code code)
{
  bool failed = ERR_OK != code;
  uint64_t now_us = clock_monotonic_us ();

  lock_acquire (&folder->lock);
  for (size_t i = 0; i < batch->count; i++)
  {
    struct entry *entry = entry_locked (folder, &batch->run_ids[i], now_us);

    if (NULL == entry)
      continue;
    if (! failed && result->keys[i] > 0)
      entry->keys = result->keys[i];
    if (! failed)
      entry->failures = 0;
    else if (ERR_TEMPORARILY_UNAVAILABLE != code)
      punish (entry, now_us);
    if (failed)
    {
      /* Points that were old already need not grow old once more. */
      add_locked (folder, entry, batch->rows[i], batch->points[i], now_us);
      entry->first_us = batch->first_us[i];
      queue_locked (folder, entry, now_us);
    }
    else if (result->more)
      add_locked (folder, entry, folder->fold_rows, enough (folder, entry), now_us);
    else if (result->busy)
      add_locked (folder, entry, 1, 0, now_us);
    else if (0 == entry->rows)
      entry->end_us = 0;
  }
  lock_release (&folder->lock);
}

/* Fold some runs, once. */
static enum err_code
fold_once (struct folder *folder, struct store_connection *connection, const struct batch *batch)
{
  uint64_t start_us = clock_monotonic_us ();
  struct fold_result result = { .rows = 0 };
  struct err err = { 0 };
  enum err_code code;

  store_start_request (connection, start_us + BUDGET_US);
  code = fold_runs (&result, connection, batch->run_ids, batch->count, &err);
  (void)store_end_request (connection);
  stats_add (&stats.fold_us, (int64_t)(clock_monotonic_us () - start_us));
  /* Others are tried again at once, each for itself. */
  if (ERR_OK == code || ERR_TEMPORARILY_UNAVAILABLE == code || 1 == batch->count)
    give_back (folder, batch, &result, code);
  if (ERR_OK != code)
  {
    stats_add (&stats.fold_failures, 1);
    /* That the database is away is said where connections are made. */
    if (ERR_TEMPORARILY_UNAVAILABLE != code)
      log_line (EVENT_fold_failed, LOG_TEXT ("message", err.message), LOG_TEXT ("cause", err.cause));
    return code;
  }
  stats_add (&stats.fold_runs, (int64_t)batch->count);
  stats_add (&stats.fold_points, (int64_t)result.points);
  stats_add (&stats.fold_chunks, (int64_t)result.chunks);
  stats_add (&stats.fold_chunk_points, (int64_t)result.chunk_points);
  return ERR_OK;
}

/* Fold some runs; when one of them is at fault, each for itself, so that it does not keep the others waiting. */
static enum err_code
fold_batch (struct folder *folder, struct store_connection *connection, const struct batch *batch)
{
  enum err_code code = fold_once (folder, connection, batch);
  enum err_code last = ERR_OK;

  if (ERR_OK == code || ERR_TEMPORARILY_UNAVAILABLE == code || 1 == batch->count)
    return code;
  for (size_t i = 0; i < batch->count; i++)
  {
    struct batch one = { .count = 1 };

    one.run_ids[0] = batch->run_ids[i];
    one.rows[0] = batch->rows[i];
    one.points[0] = batch->points[i];
    one.first_us[0] = batch->first_us[i];
    code = fold_once (folder, connection, &one);
    last = ERR_TEMPORARILY_UNAVAILABLE == code ? code : last;
  }
  return last;
}

static enum err_code
sweep_row (void *context, const struct store_tail_backlog *backlog, struct err *err)
{
  struct folder *folder = context;
  uint64_t now_us = clock_monotonic_us ();
  struct entry *entry;

  (void)err;
  lock_acquire (&folder->lock);
  entry = entry_locked (folder, &backlog->run_id, now_us);
  /* Eight bytes: about what a packed point takes. What is known is left: it is counted already. */
  if (NULL != entry && 0 == entry->rows)
    add_locked (folder, entry, (uint64_t)backlog->rows, (uint64_t)backlog->packed_bytes / 8, now_us);
  lock_release (&folder->lock);
  return ERR_OK;
}

static void
sweep (struct folder *folder, struct store_connection *connection)
{
  struct err err = { 0 };

  store_start_request (connection, clock_monotonic_us () + BUDGET_US);
  if (ERR_OK != store_tail_backlog (connection, sweep_row, folder, &err) && ERR_TEMPORARILY_UNAVAILABLE != err.code)
    log_line (EVENT_fold_failed, LOG_TEXT ("message", err.message), LOG_TEXT ("cause", err.cause));
  (void)store_end_request (connection);
}

/* What a thread is to do next. */
struct task
{
  bool stop;
  bool sweep;
  struct batch batch;
};

/* When a thread may go on. */
struct rest
{
  uint64_t until_us;
  bool failed; /* and not before, however much is pending */
};

/* Wait for something to do. */
static void
next_task (struct task *task, struct folder *folder, const struct rest *rest)
{
  uint64_t now_us = clock_monotonic_us ();

  *task = (struct task){ .stop = false };
  lock_acquire (&folder->lock);
  for (; ! folder->stopping; now_us = clock_monotonic_us ())
  {
    uint64_t wake_us = folder->next_look_us;

    if (now_us < rest->until_us && (rest->failed || folder->pending_points < BEHIND_POINTS))
    {
      (void)condition_wait_until (&folder->changed, &folder->lock, rest->until_us);
      continue;
    }
    if (now_us >= folder->next_sweep_us)
    {
      folder->next_sweep_us = now_us + folder->sweep_us;
      task->sweep = true;
      break;
    }
    if (now_us >= folder->next_look_us)
    {
      folder->next_look_us = now_us + (folder->age_us < LOOK_US ? folder->age_us : LOOK_US);
      look_locked (folder, now_us);
      continue;
    }
    if (NULL != folder->first)
    {
      take_locked (&task->batch, folder);
      break;
    }
    if (folder->next_sweep_us < wake_us)
      wake_us = folder->next_sweep_us;
    (void)condition_wait_until (&folder->changed, &folder->lock, wake_us);
  }
  task->stop = folder->stopping;
  lock_release (&folder->lock);
}

static void *
run (void *context)
{
  struct folder *folder = context;
  struct store_connection *connection = store_connection_new (folder->store);
  uint64_t back_off_us = 0;
  struct rest rest = { .until_us = 0 };
  struct task task;

  if (NULL == connection)
    abort (); /* only at start-up */
  for (next_task (&task, folder, &rest); ! task.stop; next_task (&task, folder, &rest))
  {
    uint64_t start_us = clock_monotonic_us ();
    enum err_code code = ERR_OK;

    if (task.sweep)
      sweep (folder, connection);
    else
      code = fold_batch (folder, connection, &task.batch);
    rest.failed = ERR_TEMPORARILY_UNAVAILABLE == code;
    if (! rest.failed)
      back_off_us = 0;
    else if (0 == back_off_us)
      back_off_us = FIRST_BACK_OFF_US;
    else if (back_off_us < LONGEST_BACK_OFF_US)
      back_off_us *= 2;
    rest.until_us = clock_monotonic_us ();
    rest.until_us += rest.failed ? back_off_us : rest.until_us - start_us;
  }
  store_connection_free (connection);
  return NULL;
}

struct folder *
folder_start (struct store *store, const struct config *config)
{
  struct folder *folder = calloc (1, sizeof (*folder));
  unsigned threads = (unsigned)config->fold_threads;

  if (NULL == folder)
    return NULL;
  lock_init (&folder->lock);
  condition_init (&folder->changed);
  folder->store = store;
  folder->fold_points = (uint64_t)config->fold_points;
  folder->fold_rows = (uint64_t)config->fold_rows;
  folder->age_us = (uint64_t)config->fold_age_ms * 1000;
  folder->sweep_us = (uint64_t)config->fold_sweep_ms * 1000;
  folder->threads = calloc (threads + 1, sizeof (pthread_t));
  if (NULL == folder->threads)
    goto fail;
  for (; folder->started < threads; folder->started++)
    if (0 != pthread_create (&folder->threads[folder->started], NULL, run, folder))
      goto fail;
  return folder;

fail:
  folder_stop (folder);
  folder_free (folder);
  return NULL;
}

void
folder_stop (struct folder *folder)
{
  if (NULL == folder)
    return;
  lock_acquire (&folder->lock);
  folder->stopping = true;
  condition_broadcast (&folder->changed);
  lock_release (&folder->lock);
  for (unsigned i = 0; i < folder->started; i++)
    (void)pthread_join (folder->threads[i], NULL);
}

void
folder_free (struct folder *folder)
{
  if (NULL == folder)
    return;
  for (size_t i = 0; i < folder->slot_count; i++)
    free (folder->slots[i]);
  free (folder->slots);
  free (folder->threads);
  condition_destroy (&folder->changed);
  lock_destroy (&folder->lock);
  free (folder);
}
