/* The writer: moves entries from the ring into the spool, forces them to the disk, and tells what goes wrong. */
#include "writer.h"

#include "base/clock.h"

#include <stdlib.h>

/* After an entry the ring is polled this long, so that a busy program never pays for waking the writer. */
#define ACTIVE_MS 1000
/* Pause when neither disk nor memory takes more. */
#define FULL_PAUSE_NS 20000000L
/* Pause before what is in memory is tried on the disk again. */
#define RETRY_MS 1000

struct writer
{
  struct tally_client *client;
  struct ring *ring; /* the client's */
  pthread_t thread;
  enum fsync_policy fsync;
  int64_t interval_ms;
  atomic_bool stop;
  atomic_bool force_wanted; /* by writer_wait */

  /* Of the thread only. */
  struct spool *spool; /* the client's; NULL: none yet */
  int64_t active_ms; /* when an entry came last */
  int64_t forced_ms; /* when the disk was forced last */
  uint64_t taken; /* entries */
  uint64_t dropped; /* seen last */
  bool full; /* neither disk nor memory takes more */
  bool dropping; /* DROPPED was told */

  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t moved;
  uint64_t appended; /* last entry taken by the spool */
  uint64_t safe; /* last entry that is where the option fsync wants it */
  bool failing; /* the disk refuses; told */
  struct tally_error failure;
};

/* --- the state of the disk --- */

/* Note what became of an attempt to write, and tell when that changed. */
static void
note_disk (struct writer *writer, enum tally_code code, const struct tally_error *why)
{
  static const struct tally_error recovered = { .message = "The spool can be written again." };
  bool fails = TALLY_OK != code;
  bool changed;

  pthread_mutex_lock (&writer->lock);
  changed = fails != writer->failing;
  writer->failing = fails;
  if (fails)
    writer->failure = *why;
  pthread_mutex_unlock (&writer->lock);
  if (changed)
    client_tell (writer->client, fails ? TALLY_EVENT_SPOOL_FAILED : TALLY_EVENT_SPOOL_RECOVERED,
                 fails ? why : &recovered);
}

/* Note how far the entries are, and wake who waits for them. */
static void
note_entries (struct writer *writer, bool safe)
{
  pthread_mutex_lock (&writer->lock);
  writer->appended = spool_last (writer->spool);
  if (safe)
    writer->safe = writer->appended;
  pthread_cond_broadcast (&writer->moved);
  pthread_mutex_unlock (&writer->lock);
}

static bool
take_spool (struct writer *writer)
{
  if (NULL != writer->spool)
    return true;
  if (TALLY_OK != client_spool (&writer->spool, writer->client, NULL))
    return false;
  if (NULL == spool_folder (writer->spool))
  {
    /* That was told by client_spool. */
    pthread_mutex_lock (&writer->lock);
    writer->failing = true;
    error_set (&writer->failure, TALLY_ERROR_FILE, "There is no spool on disk.");
    pthread_mutex_unlock (&writer->lock);
  }
  return true;
}

static void
force (struct writer *writer)
{
  struct tally_error err;
  enum tally_code code = spool_force (writer->spool, &err);

  writer->forced_ms = clock_monotonic_ms ();
  atomic_store (&writer->force_wanted, false);
  note_disk (writer, code, &err);
  note_entries (writer, TALLY_OK == code);
}

/* --- moving --- */

/* ring_each: all of it goes into the spool, or stays in the ring. */
static bool
append (void *payload, const struct record *records, size_t count)
{
  struct writer *writer = payload;
  struct tally_error err;
  enum tally_code code;

  writer->full = true;
  if (! take_spool (writer))
    return false;
  code = spool_append (writer->spool, records, count, &err);
  if (TALLY_ERROR_FULL == code || TALLY_ERROR_MEMORY == code)
    return false;
  writer->full = false;
  note_disk (writer, code, &err);
  atomic_store (&writer->client->spooled, spool_last (writer->spool));
  note_entries (writer, TALLY_OK == code && FSYNC_NONE == writer->fsync);
  return true;
}

static bool
is_unforced (struct writer *writer)
{
  bool unforced;

  pthread_mutex_lock (&writer->lock);
  unforced = FSYNC_NONE != writer->fsync && writer->safe < writer->appended;
  pthread_mutex_unlock (&writer->lock);
  return unforced;
}

static bool
is_failing (struct writer *writer)
{
  bool failing;

  pthread_mutex_lock (&writer->lock);
  failing = writer->failing && NULL != writer->spool && NULL != spool_folder (writer->spool);
  pthread_mutex_unlock (&writer->lock);
  return failing;
}

/* How long the ring may be waited for; negative: until something comes. */
static int
wait_ms (struct writer *writer)
{
  int64_t now = clock_monotonic_ms ();
  int64_t wait = now - writer->active_ms < ACTIVE_MS ? RING_POLL_MS : -1;

  if (FSYNC_INTERVAL == writer->fsync && is_unforced (writer))
  {
    int64_t left = writer->forced_ms + writer->interval_ms - now;

    left = left < 0 ? 0 : left;
    wait = wait < 0 || left < wait ? left : wait;
  }
  if (wait < 0 && is_failing (writer))
    wait = RETRY_MS;
  return (int)wait;
}

/* Tell once that entries were dropped, until there is room again. */
static void
watch_drops (struct writer *writer)
{
  uint64_t dropped = ring_dropped (writer->ring);
  struct tally_error why;

  if (dropped == writer->dropped)
  {
    writer->dropping = writer->dropping && writer->full;
    return;
  }
  writer->dropped = dropped;
  if (writer->dropping)
    return;
  writer->dropping = true;
  ring_refuse (writer->ring, 0, &why);
  client_tell (writer->client, TALLY_EVENT_DROPPED, &why);
}

/* What is due beside entries. */
static void
care (struct writer *writer)
{
  struct tally_error err;
  enum tally_code code;

  if (is_failing (writer))
  {
    code = spool_settle (writer->spool, &err);
    if (TALLY_OK == code)
    {
      note_disk (writer, code, &err);
      note_entries (writer, FSYNC_NONE == writer->fsync);
    }
  }
  if (NULL != writer->spool && is_unforced (writer)
      && (FSYNC_EACH == writer->fsync || atomic_load (&writer->force_wanted)
          || clock_monotonic_ms () - writer->forced_ms >= writer->interval_ms))
    force (writer);
  watch_drops (writer);
}

static void *
run (void *payload)
{
  struct writer *writer = payload;
  bool last;
  size_t moved;

  do
  {
    last = atomic_load (&writer->stop);
    moved = ring_take (writer->ring, last ? 0 : wait_ms (writer), append, writer);
    writer->taken += moved;
    if (moved > 0)
      writer->active_ms = clock_monotonic_ms ();
    care (writer);
    if (moved > 0)
      client_wake (writer->client);
    else if (writer->full && ! last)
      nanosleep (&(struct timespec){ 0, FULL_PAUSE_NS }, NULL);
  } while (! last || moved > 0 || (! writer->full && ring_last (writer->ring) > writer->taken));
  /* The last occasion. */
  if (is_failing (writer))
    spool_save (writer->spool, NULL);
  return NULL;
}

/* --- from outside --- */

enum tally_code
writer_start (struct writer **writer, struct tally_client *client, struct tally_error *err)
{
  struct writer *made = calloc (1, sizeof (*made));

  *writer = NULL;
  if (NULL == made)
    return error_memory (err);
  made->client = client;
  made->ring = client->ring;
  made->fsync = (enum fsync_policy)options_number (client->options, OPTION_FSYNC);
  made->interval_ms = options_number (client->options, OPTION_FSYNC_INTERVAL_MS);
  made->active_ms = clock_monotonic_ms () - ACTIVE_MS;
  pthread_mutex_init (&made->lock, NULL);
  client_cond_init (&made->moved);
  if (! client_thread (&made->thread, "tally-writer", run, made))
  {
    writer_stop (made, true);
    return error_set (err, TALLY_ERROR_MEMORY, "No thread can be made.");
  }
  *writer = made;
  return TALLY_OK;
}

enum tally_code
writer_wait (struct writer *writer, uint64_t entry, int64_t deadline_ms, struct tally_error *err)
{
  struct timespec deadline = client_deadline (deadline_ms);
  enum tally_code code = TALLY_OK;
  int waited = 0;

  pthread_mutex_lock (&writer->lock);
  while (writer->safe < entry && 0 == waited && ! (writer->failing && writer->appended >= entry))
  {
    atomic_store (&writer->force_wanted, true);
    ring_wake (writer->ring);
    waited = pthread_cond_timedwait (&writer->moved, &writer->lock, &deadline);
  }
  if (writer->safe >= entry)
    code = TALLY_OK;
  else if (writer->failing)
  {
    code = writer->failure.code;
    if (NULL != err)
      *err = writer->failure;
  }
  else
    code = error_set (err, TALLY_ERROR_TIMEOUT, "%llu entries were not written into the spool within %lld ms.",
                      (unsigned long long)(entry - writer->safe), (long long)deadline_ms);
  pthread_mutex_unlock (&writer->lock);
  return code;
}

void
writer_stop (struct writer *writer, bool forked)
{
  if (NULL == writer)
    return;
  if (! forked)
  {
    atomic_store (&writer->stop, true);
    ring_wake (writer->ring);
    pthread_join (writer->thread, NULL);
    pthread_cond_destroy (&writer->moved);
    pthread_mutex_destroy (&writer->lock);
  }
  free (writer);
}
