/* The thread that logs the machine's load. */
#include "tally/system.h"

#include "error.h"
#include "handle.h"
#include "system_sample.h"

#include "base/clock.h"

#include <stdlib.h>

/* Limits of the header. */
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000
#define INTERVAL_DEFAULT_MS 10000
/* When it is stopped it takes a last sample, unless the one before is as new as this. */
#define LAST_MIN_US ((uint64_t)INTERVAL_MIN_MS * 1000)

struct tally_system
{
  struct tally_run *run; /* borrowed */
  unsigned interval_ms;
  int64_t process;
  pthread_t thread;
  pthread_mutex_t lock; /* guards `stopping` */
  pthread_cond_t changed; /* by CLOCK_MONOTONIC */
  bool stopping;
};

/* Wait for the next sample; false when it is time to stop. */
static bool
wait_for_next (struct tally_system *system, const struct timespec *next)
{
  bool goes_on;

  pthread_mutex_lock (&system->lock);
  while (! system->stopping && 0 == pthread_cond_timedwait (&system->changed, &system->lock, next))
    ;
  goes_on = ! system->stopping;
  pthread_mutex_unlock (&system->lock);
  return goes_on;
}

static void *
sample_on (void *payload)
{
  struct tally_system *system = payload;
  struct sampler *sampler = malloc (sizeof (*sampler));
  struct tally_value values[SAMPLE_MAX_VALUES];
  uint64_t last_us = clock_monotonic_us ();
  bool goes_on = NULL != sampler;

  if (NULL != sampler)
    sampler_init (sampler, &sample_machine, system->process);
  for (int64_t step = 0; goes_on; step++)
  {
    const struct timespec next = client_deadline (system->interval_ms);

    goes_on = wait_for_next (system, &next);
    if (! goes_on && clock_monotonic_us () - last_us < LAST_MIN_US)
      break;
    last_us = clock_monotonic_us ();
    /* A full memory is told by the client's counters and event. */
    (void)tally_log_metrics (system->run, values, sampler_take (values, sampler), step, NULL);
  }
  if (NULL != sampler)
    sampler_free (sampler);
  free (sampler);
  return NULL;
}

enum tally_code
tally_system_start (struct tally_system **system, struct tally_run *run, unsigned interval_ms, int64_t process,
                    struct tally_error *err)
{
  struct tally_system *made;
  enum tally_code code = run_check (run, err);

  if (NULL == system)
    return error_set (err, TALLY_ERROR_ARGUMENT, "system must not be NULL.");
  *system = NULL;
  if (TALLY_OK != code)
    return code;
  if (0 == interval_ms)
    interval_ms = INTERVAL_DEFAULT_MS;
  if (interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS)
    return error_set (err, TALLY_ERROR_ARGUMENT, "interval_ms must be from %d to %d, or 0.", INTERVAL_MIN_MS,
                      INTERVAL_MAX_MS);
  if (process < 0)
    return error_set (err, TALLY_ERROR_ARGUMENT, "process must be a process id, or 0.");
  made = calloc (1, sizeof (*made));
  if (NULL == made)
    return error_memory (err);
  made->run = run;
  made->interval_ms = interval_ms;
  made->process = process;
  pthread_mutex_init (&made->lock, NULL);
  client_cond_init (&made->changed);
  if (! client_thread (&made->thread, "tally-system", sample_on, made))
  {
    pthread_cond_destroy (&made->changed);
    pthread_mutex_destroy (&made->lock);
    free (made);
    return error_memory (err);
  }
  *system = made;
  return TALLY_OK;
}

void
tally_system_stop (struct tally_system *system)
{
  if (NULL == system)
    return;
  /* In a child there is no thread, and the lock may be held for ever. */
  if (LIFE_FORKED != lifeline_state (system->run->lifeline))
  {
    pthread_mutex_lock (&system->lock);
    system->stopping = true;
    pthread_cond_signal (&system->changed);
    pthread_mutex_unlock (&system->lock);
    pthread_join (system->thread, NULL);
    pthread_cond_destroy (&system->changed);
    pthread_mutex_destroy (&system->lock);
  }
  free (system);
}
