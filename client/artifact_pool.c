/* The pool of threads behind uploads and downloads.

   DESIGN: `lock` guards the counts and the first error; `telling` is held while the callback runs, so that it is called
   by one thread at a time and nobody waits for it: who does not get it tells nothing. */
#include "artifact_pool.h"

#include "error.h"

#include "base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

/* As tally/artifact.h promises. */
#define THREADS_DEFAULT 4
#define THREADS_MAX 16
#define TELL_US 100000

struct pool
{
  const struct tally_transfer *settings; /* NULL: none */
  pool_each *each;
  void *payload;
  size_t count;
  uint64_t total_bytes;

  pthread_mutex_t lock;
  size_t next; /* index that nobody has taken */
  uint64_t done_bytes;
  uint64_t told_us; /* when the callback was called last */
  bool stopped;
  enum tally_code code;
  struct tally_error error;

  pthread_mutex_t telling;
};

static bool
call (struct pool *pool, const char *name, uint64_t done_bytes)
{
  const struct tally_transfer *settings = pool->settings;

  return settings->progress (settings->payload, NULL == name ? "" : name, done_bytes, pool->total_bytes);
}

/* Note the first thing that went wrong; the others stop. */
static void
stop (struct pool *pool, enum tally_code code, const struct tally_error *why)
{
  pthread_mutex_lock (&pool->lock);
  if (! pool->stopped)
  {
    pool->code = code;
    pool->error = *why;
  }
  pool->stopped = true;
  pthread_mutex_unlock (&pool->lock);
}

static void
cancel (struct pool *pool)
{
  struct tally_error why;

  error_set (&why, TALLY_ERROR_CANCELLED, "The transfer was stopped by its callback.");
  stop (pool, TALLY_ERROR_CANCELLED, &why);
}

bool
pool_moved (void *payload, uint64_t bytes)
{
  struct pool_file *file = payload;
  struct pool *pool = file->pool;
  uint64_t now_us = clock_monotonic_us ();
  uint64_t done_bytes;
  bool tell;
  bool stopped;

  pthread_mutex_lock (&pool->lock);
  pool->done_bytes += bytes - file->bytes; /* may go back: unsigned, so that it wraps there and back */
  file->bytes = bytes;
  done_bytes = pool->done_bytes;
  stopped = pool->stopped;
  tell = ! stopped && NULL != pool->settings && NULL != pool->settings->progress && now_us - pool->told_us >= TELL_US
         && 0 == pthread_mutex_trylock (&pool->telling);
  if (tell)
    pool->told_us = now_us;
  pthread_mutex_unlock (&pool->lock);
  if (! tell)
    return ! stopped;
  stopped = ! call (pool, file->name, done_bytes);
  pthread_mutex_unlock (&pool->telling);
  if (stopped)
    cancel (pool);
  return ! stopped;
}

static bool
take (size_t *index, struct pool *pool)
{
  bool taken;

  pthread_mutex_lock (&pool->lock);
  taken = ! pool->stopped && pool->next < pool->count;
  if (taken)
    *index = pool->next++;
  pthread_mutex_unlock (&pool->lock);
  return taken;
}

static void *
work (void *payload)
{
  struct pool *pool = payload;
  struct tally_error why;
  size_t index;

  while (take (&index, pool))
  {
    struct pool_file file = { .pool = pool };
    enum tally_code code = pool->each (pool->payload, index, &file, &why);

    if (TALLY_OK != code)
      stop (pool, code, &why);
  }
  return NULL;
}

/* The caller is one of the threads. Those that cannot be made are done without. */
static void
run_threads (struct pool *pool, unsigned threads)
{
  pthread_t others[THREADS_MAX];
  unsigned started = 0;
  sigset_t all;
  sigset_t before;

  /* Signals are the program's business: its own threads take them. */
  sigfillset (&all);
  pthread_sigmask (SIG_BLOCK, &all, &before);
  while (started + 1 < threads && started + 1 < pool->count && 0 == pthread_create (&others[started], NULL, work, pool))
    started++;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  work (pool);
  for (unsigned i = 0; i < started; i++)
    pthread_join (others[i], NULL);
}

enum tally_code
pool_run (const struct tally_transfer *settings, size_t count, uint64_t total_bytes, pool_each *each, void *payload,
          struct tally_error *err)
{
  struct pool pool = {
    .settings = settings, .each = each, .payload = payload, .count = count, .total_bytes = total_bytes
  };
  unsigned threads = NULL == settings || 0 == settings->parallel ? THREADS_DEFAULT : settings->parallel;

  if (threads > THREADS_MAX)
    return error_set (err, TALLY_ERROR_ARGUMENT, "At most %d files can be transferred at a time.", THREADS_MAX);
  pthread_mutex_init (&pool.lock, NULL);
  pthread_mutex_init (&pool.telling, NULL);
  run_threads (&pool, threads);
  if (! pool.stopped && NULL != settings && NULL != settings->progress && ! call (&pool, NULL, pool.done_bytes))
    cancel (&pool);
  pthread_mutex_destroy (&pool.telling);
  pthread_mutex_destroy (&pool.lock);
  if (TALLY_OK != pool.code && NULL != err)
    *err = pool.error;
  return pool.code;
}
