/* A job that is to be killed, or to log through faults: what it logs follows from a seed, and a journal tells how much
   of it was promised.
   Usage: fault-job --journal FILE [--name N] [--runs N] [--threads N] [--points N] [--pause-us N] [--persist-every N]
                    [--resume ID] [--files] [--large-bytes N] [--no-end] [--flush-ms N]
          fault-job --sync [--all-servers]

   The client is configured by the environment. Thread t of run r logs point i of the metric "<name>t" with step i and
   value i * 8 + t, and each 50th time also the param "<name>t.i" = i and the tag "<name>t" = i. Lines of the journal,
   each written whole before the job goes on:
     run R ID             a run was started
     persisted R T COUNT  tally_persist returned OK behind the points 0 to COUNT - 1
     file R T             tally_log_artifact_bytes returned OK for "<name>t.txt"
     large R              tally_log_artifact_bytes returned OK for "large.bin", whose byte i is i modulo 251
     end R                tally_run_end returned OK, and tally_persist behind it
     done R T COUNT       the thread came to its end
     calls COUNT SLOW MAX_NS
                          log calls, how many of them took longer than SLOW_NS, and the longest of them
     error TEXT           a call failed
     close CODE           tally_close returned this
   With --sync it sends what the spool holds and prints the result as JSON. */
#include "tally.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16
#define RUNS_MAX 16
/* A log call that waited for an answer, or for somebody who does, takes this long: the proxy's delays do. */
#define SLOW_NS 250000000
/* Every so many points comes a param and a tag. */
#define PAIR_EVERY 50
/* Longest wait for the disk; a test that needs it hangs. */
#define PERSIST_MS 60000

struct job
{
  const char *name;
  long runs;
  long threads;
  long points;
  long pause_us;
  long persist_every;
  long flush_ms;
  long large_bytes;
  const char *resume;
  bool files;
  bool no_end;
  int journal;
  struct tally_client *client;
  struct tally_run *run[RUNS_MAX];
};

struct logger
{
  struct job *job;
  long index;
  pthread_t thread;
  long calls;
  long slow;
  int64_t max_ns;
};

static void __attribute__ ((format (printf, 2, 3))) note (const struct job *job, const char *format, ...)
{
  char line[TALLY_MESSAGE_BYTES + 128];
  va_list list;
  int length;

  va_start (list, format);
  length = vsnprintf (line, sizeof (line), format, list);
  va_end (list);
  if (length > 0 && write (job->journal, line, (size_t)length) != length)
    _exit (3);
}

static int64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A log call came back: its time, and whether it did what it was asked for. */
static void
count_call (struct logger *logger, int64_t began_ns, enum tally_code code, const struct tally_error *err)
{
  int64_t took_ns = now_ns () - began_ns;

  logger->calls++;
  logger->slow += took_ns > SLOW_NS;
  if (took_ns > logger->max_ns)
    logger->max_ns = took_ns;
  if (TALLY_OK != code)
    note (logger->job, "error %s: %s\n", tally_code_name (code), err->message);
}

static void
log_pair (struct logger *logger, struct tally_run *run, const char *key, long i)
{
  struct tally_error err;
  char param[64];
  char value[32];
  int64_t began_ns;

  snprintf (param, sizeof (param), "%s.%ld", key, i);
  snprintf (value, sizeof (value), "%ld", i);
  began_ns = now_ns ();
  count_call (logger, began_ns, tally_log_param (run, param, value, &err), &err);
  began_ns = now_ns ();
  count_call (logger, began_ns, tally_set_tag (run, key, value, &err), &err);
}

static void
persist (struct logger *logger, long r, long count)
{
  struct tally_error err;

  if (TALLY_OK == tally_persist (logger->job->client, PERSIST_MS, &err))
    note (logger->job, "persisted %ld %ld %ld\n", r, logger->index, count);
  else
    note (logger->job, "error %s: %s\n", tally_code_name (err.code), err.message);
}

static void
log_file (struct logger *logger, struct tally_run *run, long r)
{
  struct tally_error err;
  char name[64];
  char text[256];
  int length;

  snprintf (name, sizeof (name), "%s%ld.txt", logger->job->name, logger->index);
  length = snprintf (text, sizeof (text), "file of thread %ld in run %ld\n", logger->index, r);
  if (TALLY_OK == tally_log_artifact_bytes (run, name, text, (size_t)length, &err))
    note (logger->job, "file %ld %ld\n", r, logger->index);
  else
    note (logger->job, "error %s: %s\n", tally_code_name (err.code), err.message);
}

/* A file that takes a while. */
static void
log_large (const struct job *job, long r)
{
  struct tally_error err = { 0 };
  unsigned char *data = malloc ((size_t)job->large_bytes);

  for (long i = 0; NULL != data && i < job->large_bytes; i++)
    data[i] = (unsigned char)(i % 251);
  if (NULL != data
      && TALLY_OK == tally_log_artifact_bytes (job->run[r], "large.bin", data, (size_t)job->large_bytes, &err))
    note (job, "large %ld\n", r);
  else
    note (job, "error %s: %s\n", tally_code_name (err.code), err.message);
  free (data);
}

static void *
log_all (void *payload)
{
  struct logger *logger = payload;
  struct job *job = logger->job;
  char key[40];

  snprintf (key, sizeof (key), "%s%ld", job->name, logger->index);
  for (long i = 0; i < job->points; i++)
    for (long r = 0; r < job->runs; r++)
    {
      struct tally_error err;
      int64_t began_ns = now_ns ();

      count_call (logger, began_ns, tally_log_metric (job->run[r], key, (double)(i * 8 + logger->index), i, &err),
                  &err);
      if (0 == i % PAIR_EVERY)
        log_pair (logger, job->run[r], key, i);
      if (job->files && i == job->points / 2)
        log_file (logger, job->run[r], r);
      if (job->persist_every > 0 && job->persist_every - 1 == i % job->persist_every)
        persist (logger, r, i + 1);
      if (job->pause_us > 0)
        usleep ((useconds_t)job->pause_us);
    }
  for (long r = 0; r < job->runs; r++)
    note (job, "done %ld %ld %ld\n", r, logger->index, job->points);
  return NULL;
}

static bool
start_runs (struct job *job)
{
  struct tally_error err;

  for (long r = 0; r < job->runs; r++)
  {
    char name[64];
    enum tally_code code;

    snprintf (name, sizeof (name), "%s-%ld", job->name, r);
    code = NULL != job->resume ? tally_run_resume (&job->run[r], job->client, job->resume, false, &err)
                               : tally_run_start (&job->run[r], job->client, NULL, name, &err);
    if (TALLY_OK != code)
    {
      note (job, "error %s: %s\n", tally_code_name (code), err.message);
      return false;
    }
    note (job, "run %ld %s\n", r, tally_run_id (job->run[r]));
  }
  return true;
}

static void
end_runs (struct job *job)
{
  struct tally_error err;

  for (long r = 0; r < job->runs && ! job->no_end; r++)
    if (TALLY_OK == tally_run_end (job->run[r], r % 2 > 0 ? TALLY_STATUS_FAILED : TALLY_STATUS_FINISHED, &err)
        && TALLY_OK == tally_persist (job->client, PERSIST_MS, &err))
      note (job, "end %ld\n", r);
}

static int
run_job (struct job *job)
{
  struct logger loggers[THREADS_MAX] = { 0 };
  struct tally_error err;
  enum tally_code code;
  long calls = 0;
  long slow = 0;
  int64_t max_ns = 0;

  code = tally_open (&job->client, NULL, &err);
  if (TALLY_OK != code || ! start_runs (job))
  {
    note (job, "error %s: %s\n", tally_code_name (code), err.message);
    return 1;
  }
  for (long r = 0; r < job->runs && job->large_bytes > 0; r++)
    log_large (job, r);
  for (long t = 0; t < job->threads; t++)
  {
    loggers[t] = (struct logger){ .job = job, .index = t };
    if (0 != pthread_create (&loggers[t].thread, NULL, log_all, &loggers[t]))
      return 1;
  }
  for (long t = 0; t < job->threads; t++)
  {
    pthread_join (loggers[t].thread, NULL);
    calls += loggers[t].calls;
    slow += loggers[t].slow;
    max_ns = loggers[t].max_ns > max_ns ? loggers[t].max_ns : max_ns;
  }
  note (job, "calls %ld %ld %lld\n", calls, slow, (long long)max_ns);
  end_runs (job);
  if (job->flush_ms > 0 && TALLY_OK != tally_flush (job->client, job->flush_ms, &err))
    note (job, "flush %s: %s\n", tally_code_name (err.code), err.message);
  for (long r = 0; r < job->runs; r++)
    tally_run_free (job->run[r]);
  note (job, "close %s\n", tally_code_name (tally_close (job->client, -1, &err)));
  return 0;
}

static int
run_sync (bool all_servers)
{
  struct tally_sync_result result = { 0 };
  struct tally_client *client;
  struct tally_error err = { 0 };
  enum tally_code code = tally_open (&client, NULL, &err);

  if (TALLY_OK == code)
  {
    code = tally_sync (&result, client, all_servers, NULL, NULL, &err);
    tally_close (client, 0, NULL);
  }
  printf ("{\"code\": \"%s\", \"streams\": %llu, \"busy\": %llu, \"finished\": %llu, \"points\": %llu, "
          "\"rejected\": %llu, \"waiting\": %llu, \"torn_bytes\": %llu}\n",
          tally_code_name (code), (unsigned long long)result.streams, (unsigned long long)result.busy,
          (unsigned long long)result.finished, (unsigned long long)result.points, (unsigned long long)result.rejected,
          (unsigned long long)result.waiting, (unsigned long long)result.torn_bytes);
  if (TALLY_OK != code)
    fprintf (stderr, "%s\n", err.message);
  return TALLY_OK == code ? 0 : 1;
}

/* Options with a number. */
static long *
number_of (struct job *job, const char *option)
{
  const struct
  {
    const char *option;
    long *value;
  } numbers[] = {
    { "--runs", &job->runs },
    { "--threads", &job->threads },
    { "--points", &job->points },
    { "--pause-us", &job->pause_us },
    { "--flush-ms", &job->flush_ms },
    { "--persist-every", &job->persist_every },
    { "--large-bytes", &job->large_bytes },
  };

  for (size_t i = 0; i < sizeof (numbers) / sizeof (numbers[0]); i++)
    if (0 == strcmp (option, numbers[i].option))
      return numbers[i].value;
  return NULL;
}

static bool
read_arguments (struct job *job, int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
  {
    long *number = number_of (job, argv[i]);

    if (0 == strcmp (argv[i], "--files"))
      job->files = true;
    else if (0 == strcmp (argv[i], "--no-end"))
      job->no_end = true;
    else if (i + 1 == argc)
      return false;
    else if (NULL != number)
      *number = atol (argv[++i]);
    else if (0 == strcmp (argv[i], "--name"))
      job->name = argv[++i];
    else if (0 == strcmp (argv[i], "--resume"))
      job->resume = argv[++i];
    else if (0 == strcmp (argv[i], "--journal"))
      job->journal = open (argv[++i], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    else
      return false;
  }
  return job->journal >= 0 && job->runs <= RUNS_MAX && job->threads <= THREADS_MAX;
}

int
main (int argc, char **argv)
{
  struct job job = { .name = "m", .runs = 1, .threads = 1, .points = 100, .journal = -1 };

  if (argc > 1 && 0 == strcmp (argv[1], "--sync"))
    return run_sync (argc > 2);
  if (! read_arguments (&job, argc, argv))
  {
    fputs ("usage: fault-job --journal FILE [--name N] [--runs N] [--threads N] [--points N] [--pause-us N]\n"
           "  [--persist-every N] [--resume ID] [--files] [--large-bytes N] [--no-end] [--flush-ms N]\n"
           "  | --sync [--all-servers]\n",
           stderr);
    return 2;
  }
  return run_job (&job);
}
