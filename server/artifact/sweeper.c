/* The thread that sweeps the artifact store. Any number of daemons may sweep the same one. */
#include "artifact/sweeper.h"

#include "artifact/gc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"

#include <stdlib.h>

struct sweeper
{
  struct sweeper_options options;
  struct lock lock; /* guards `stopping`; a leaf */
  struct condition changed;
  bool stopping;
  pthread_t thread;
};

static bool
goes_on (void *context, const struct gc_progress *progress)
{
  struct sweeper *sweeper = context;
  bool stopping;

  (void)progress;
  lock_acquire (&sweeper->lock);
  stopping = sweeper->stopping;
  lock_release (&sweeper->lock);
  return ! stopping;
}

static void
sweep (struct sweeper *sweeper)
{
  const struct gc_options options = { .blobs = sweeper->options.blobs, .grace_s = sweeper->options.older_than_s };
  struct store_connection *connection = store_connection_new (sweeper->options.store);
  struct gc_progress progress = { .uploads = 0 };
  struct err err = { 0 };
  enum err_code code;

  if (NULL == connection)
    code = err_set (&err, ERR_INTERNAL_ERROR, "out of memory");
  else
    code = artifact_gc_sweep (&progress, connection, &options, goes_on, sweeper, &err);
  /* An hour is long for a connection that does nothing. */
  store_connection_free (connection);
  if (progress.uploads > 0 || progress.leftovers > 0)
    log_line (EVENT_artifacts_swept, LOG_NUMBER ("uploads", progress.uploads),
              LOG_NUMBER ("leftovers", progress.leftovers), LOG_NUMBER ("bytes", progress.leftover_bytes));
  if (ERR_OK != code)
    log_line (EVENT_artifact_sweep_failed, LOG_TEXT ("message", err.message), LOG_TEXT ("cause", err.cause));
}

static void *
run (void *context)
{
  struct sweeper *sweeper = context;
  uint64_t next_us = clock_monotonic_us () + sweeper->options.first_us;

  lock_acquire (&sweeper->lock);
  while (! sweeper->stopping)
  {
    if (condition_wait_until (&sweeper->changed, &sweeper->lock, next_us) || sweeper->stopping)
      continue;
    lock_release (&sweeper->lock);
    sweep (sweeper);
    next_us = clock_monotonic_us () + sweeper->options.interval_us;
    lock_acquire (&sweeper->lock);
  }
  lock_release (&sweeper->lock);
  return NULL;
}

struct sweeper *
sweeper_start (const struct sweeper_options *options)
{
  struct sweeper *sweeper = calloc (1, sizeof (*sweeper));

  if (NULL == sweeper)
    return NULL;
  sweeper->options = *options;
  lock_init (&sweeper->lock);
  condition_init (&sweeper->changed);
  if (0 == pthread_create (&sweeper->thread, NULL, run, sweeper))
    return sweeper;
  condition_destroy (&sweeper->changed);
  lock_destroy (&sweeper->lock);
  free (sweeper);
  return NULL;
}

void
sweeper_stop (struct sweeper *sweeper)
{
  if (NULL == sweeper)
    return;
  lock_acquire (&sweeper->lock);
  sweeper->stopping = true;
  condition_signal (&sweeper->changed);
  lock_release (&sweeper->lock);
  (void)pthread_join (sweeper->thread, NULL);
  condition_destroy (&sweeper->changed);
  lock_destroy (&sweeper->lock);
  free (sweeper);
}
