/* Log points with libtally as fast as it takes them and tell what that cost, as one line of JSON.
   Usage: client-log THREADS POINTS [METRICS]      points of each thread, over so many names (10)

   The client is configured by the environment. Each call is timed; one that finds memory full is counted, waited for
   and tried again. */
#include "tally.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64
#define METRICS_MAX 64
/* Everything arrives within that or something is wrong. */
#define FLUSH_MS 600000

struct logger
{
  pthread_t thread;
  pthread_barrier_t *barrier;
  struct tally_run *run;
  long points;
  long metrics;
  long index;
  long full;
  uint32_t *took_ns;
};

static int64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *
log_points (void *payload)
{
  struct logger *logger = payload;
  char keys[METRICS_MAX][32];

  for (long i = 0; i < logger->metrics; i++)
    snprintf (keys[i], sizeof (keys[i]), "t%ld/m%ld", logger->index, i);
  /* Values that no coding makes short: a loss has noise, too. */
  pthread_barrier_wait (logger->barrier);
  for (long i = 0; i < logger->points;)
  {
    int64_t began_ns = now_ns ();
    enum tally_code code = tally_log_metric (logger->run, keys[i % logger->metrics],
                                             (double)(i * 2654435761 % 1000003) / 997, i / logger->metrics, NULL);
    int64_t took_ns = now_ns () - began_ns;

    if (TALLY_OK != code)
    {
      logger->full++;
      nanosleep (&(struct timespec){ .tv_nsec = 1000000 }, NULL);
      continue;
    }
    logger->took_ns[i++] = took_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)took_ns;
  }
  return NULL;
}

static int
compare (const void *a, const void *b)
{
  uint32_t one = *(const uint32_t *)a;
  uint32_t other = *(const uint32_t *)b;

  return (one > other) - (one < other);
}

/* A number of /proc/self/status, in KB. */
static long
status_kb (const char *name)
{
  char line[256];
  long value = 0;
  FILE *file = fopen ("/proc/self/status", "r");

  while (NULL != file && NULL != fgets (line, sizeof (line), file))
    if (0 == strncmp (line, name, strlen (name)))
      value = atol (line + strlen (name) + 1);
  if (NULL != file)
    fclose (file);
  return value;
}

/* What two looks at the clock cost, to be taken off in one's mind. */
static int64_t
clock_ns (void)
{
  int64_t began_ns = now_ns ();

  for (int i = 0; i < 100000; i++)
    now_ns ();
  return (now_ns () - began_ns) / 100000;
}

static void
report (const uint32_t *took_ns, size_t count, long full, double logged_s, double flushed_s, const char *run,
        const struct tally_counters *counters, long idle_kb)
{
  printf ("{\"points\": %zu, \"p50_ns\": %u, \"p99_ns\": %u, \"p999_ns\": %u, \"max_ns\": %u, \"clock_ns\": %lld, "
          "\"full\": %ld, \"logged_s\": %.6f, \"flushed_s\": %.6f, \"run_id\": \"%s\", \"sent\": %llu, "
          "\"spool_bytes\": %llu, \"requests\": %llu, \"idle_kb\": %ld, \"peak_kb\": %ld, \"own_kb\": %zu}\n",
          count, took_ns[count / 2], took_ns[count / 100 * 99], took_ns[(size_t)((double)count * 0.999)],
          took_ns[count - 1], (long long)clock_ns (), full, logged_s, flushed_s, run,
          (unsigned long long)counters->sent, (unsigned long long)counters->spool_bytes,
          (unsigned long long)counters->requests, idle_kb, status_kb ("VmHWM:"), count * sizeof (*took_ns) / 1024);
}

int
main (int argc, char **argv)
{
  long threads = argc > 2 ? atol (argv[1]) : 0;
  long points = argc > 2 ? atol (argv[2]) : 0;
  long metrics = argc > 3 ? atol (argv[3]) : 10;
  struct logger loggers[THREADS_MAX] = { 0 };
  struct tally_client *client = NULL;
  struct tally_run *run = NULL;
  struct tally_error err;
  struct tally_counters counters;
  char server_id[TALLY_RUN_ID_BYTES] = "";
  pthread_barrier_t barrier;
  uint32_t *took_ns;
  int64_t began_ns;
  double logged_s;
  double flushed_s;
  long idle_kb;
  long full = 0;
  enum tally_code code;

  if (threads < 1 || threads > THREADS_MAX || points < 1000 || metrics < 1 || metrics > METRICS_MAX)
    return 2;
  took_ns = malloc ((size_t)(threads * points) * sizeof (*took_ns));
  if (NULL == took_ns || TALLY_OK != tally_open (&client, NULL, &err)
      || TALLY_OK != tally_run_start (&run, client, "client-bench", NULL, &err))
    return 1;
  tally_flush (client, FLUSH_MS, NULL);
  idle_kb = status_kb ("VmRSS:");
  /* Pages of the measurement itself must not be paid for by the calls. */
  memset (took_ns, 1, (size_t)(threads * points) * sizeof (*took_ns));
  pthread_barrier_init (&barrier, NULL, (unsigned)threads + 1);
  for (long i = 0; i < threads; i++)
  {
    loggers[i] = (struct logger){
      .barrier = &barrier, .run = run, .points = points, .metrics = metrics, .index = i, .took_ns = took_ns + i * points
    };
    if (0 != pthread_create (&loggers[i].thread, NULL, log_points, &loggers[i]))
      return 1;
  }
  pthread_barrier_wait (&barrier);
  began_ns = now_ns ();
  for (long i = 0; i < threads; i++)
  {
    pthread_join (loggers[i].thread, NULL);
    full += loggers[i].full;
  }
  logged_s = (double)(now_ns () - began_ns) / 1e9;
  code = tally_flush (client, FLUSH_MS, &err);
  if (TALLY_ERROR_PENDING == code)
    code = tally_persist (client, FLUSH_MS, &err);
  flushed_s = (double)(now_ns () - began_ns) / 1e9;
  tally_counters (client, &counters);
  tally_run_server_id (server_id, run, 0, NULL);
  qsort (took_ns, (size_t)(threads * points), sizeof (*took_ns), compare);
  report (took_ns, (size_t)(threads * points), full, logged_s, flushed_s, server_id, &counters, idle_kb);
  if (TALLY_OK != code)
    fprintf (stderr, "client-log: %s\n", err.message);
  tally_run_free (run);
  tally_close (client, 1000, NULL);
  pthread_barrier_destroy (&barrier);
  free (took_ns);
  return TALLY_OK == code ? 0 : 1;
}
