/* The crash runner: writes and reads while somebody else kills the servers, and checks afterwards what is there.

   DESIGN: it does as lines on standard input tell it, and answers with one line on standard output for those marked so.
   Its ledger is in its memory, so it must not be killed itself. Problems go to standard error. When its input ends, it
   ends.

     daemon SLOT ADDRESS   a daemon serves there from now on; "-": it does no more
     kill NUMBER           the next kill comes now; problems name the kill before
     await MS              answers "ok" as soon as a few more requests were acknowledged, "late" after MS
     figures               answers with what was counted so far
     stop                  no more writing; answers "stopped"
     spoil KIND            the next check meets a fault on purpose
     check                 reads everything; answers with what was found
     selftest              is each kind of fault noticed? answers with the number of those that are not, and their names
 */
#include "checker.h"
#include "reader.h"
#include "writer.h"

#include "../http/reply.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITERS_MAX 64
/* Enough that reads overlap with every fold, few enough that they do not take the machine from the writers. */
#define READERS 2
#define READER_PAUSE_US 30000
/* Acknowledged requests that prove that the servers are back. */
#define AWAIT_REQUESTS 3

struct runner
{
  struct world world;
  struct writer writers[WRITERS_MAX];
  struct reader readers[READERS];
  pthread_t writer_threads[WRITERS_MAX];
  pthread_t reader_threads[READERS];
  unsigned writer_count;
  bool running;
  enum spoil spoil;
};

static void
start (struct runner *runner, long pause_us)
{
  struct random random = { runner->world.seed };

  for (unsigned i = 0; i < runner->writer_count; i++)
  {
    runner->writers[i] =
        (struct writer){ .world = &runner->world, .random = { random_next (&random) }, .pause_us = pause_us };
    if (0 != pthread_create (&runner->writer_threads[i], NULL, writer_run, &runner->writers[i]))
      abort ();
  }
  for (int i = 0; i < READERS; i++)
  {
    runner->readers[i] =
        (struct reader){ .world = &runner->world, .random = { random_next (&random) }, .pause_us = READER_PAUSE_US };
    if (0 != pthread_create (&runner->reader_threads[i], NULL, reader_run, &runner->readers[i]))
      abort ();
  }
  runner->running = true;
}

static void
stop (struct runner *runner)
{
  if (! runner->running)
    return;
  runner->running = false;
  atomic_store (&runner->world.stopping, true);
  for (unsigned i = 0; i < runner->writer_count; i++)
    pthread_join (runner->writer_threads[i], NULL);
  for (int i = 0; i < READERS; i++)
    pthread_join (runner->reader_threads[i], NULL);
}

static void
set_daemon (struct world *world, const char *text)
{
  char address[128];
  int slot;

  if (2 != sscanf (text, "%d %127s", &slot, address) || slot < 0 || slot >= DAEMONS_MAX)
    return;
  pthread_mutex_lock (&world->lock);
  snprintf (world->daemons[slot], sizeof (world->daemons[slot]), "%s", 0 == strcmp (address, "-") ? "" : address);
  pthread_mutex_unlock (&world->lock);
}

static void
await (struct world *world, long timeout_ms)
{
  long deadline_ms = reply_now_ms () + timeout_ms;
  long wanted = atomic_load (&world->acknowledged) + AWAIT_REQUESTS;

  while (atomic_load (&world->acknowledged) < wanted && reply_now_ms () < deadline_ms)
    usleep (2000);
  puts (atomic_load (&world->acknowledged) < wanted ? "late" : "ok");
}

static void
print_figures (struct world *world)
{
  long runs;

  pthread_mutex_lock (&world->lock);
  runs = world->run_count;
  pthread_mutex_unlock (&world->lock);
  printf ("runs=%ld points=%ld requests=%ld repeated=%ld refused=%ld broken=%ld read=%ld problems=%ld\n", runs,
          atomic_load (&world->acknowledged_points), atomic_load (&world->acknowledged), atomic_load (&world->repeated),
          atomic_load (&world->refused), atomic_load (&world->broken), atomic_load (&world->read),
          atomic_load (&world->problems));
}

static void
check (struct runner *runner)
{
  struct verdict verdict;

  check_world (&verdict, &runner->world, runner->spoil);
  runner->spoil = SPOIL_NOTHING;
  printf ("series=%ld points=%ld unsure=%ld charted=%ld missing=%ld doubled=%ld foreign=%ld disorder=%ld torn=%ld "
          "latest=%ld params=%ld chart=%ld unread=%ld\n",
          verdict.series, verdict.points, verdict.unsure, verdict.charted, verdict.missing, verdict.doubled,
          verdict.foreign, verdict.disorder, verdict.torn, verdict.latest, verdict.params, verdict.chart,
          verdict.unread);
}

static void
set_spoil (struct runner *runner, const char *name)
{
  for (int spoil = 0; spoil < SPOILS; spoil++)
    if (0 == strcmp (name, spoil_names[spoil]))
      runner->spoil = (enum spoil)spoil;
}

static void
obey (struct runner *runner, const char *line)
{
  char names[256];

  if (0 == strncmp (line, "daemon ", 7))
    set_daemon (&runner->world, line + 7);
  else if (0 == strncmp (line, "kill ", 5))
    atomic_store (&runner->world.kill, (unsigned)strtoul (line + 5, NULL, 10));
  else if (0 == strncmp (line, "await ", 6))
    await (&runner->world, strtol (line + 6, NULL, 10));
  else if (0 == strcmp (line, "figures"))
    print_figures (&runner->world);
  else if (0 == strcmp (line, "stop"))
  {
    stop (runner);
    puts ("stopped");
  }
  else if (0 == strncmp (line, "spoil ", 6))
    set_spoil (runner, line + 6);
  else if (0 == strcmp (line, "check"))
    check (runner);
  else if (0 == strcmp (line, "selftest"))
  {
    long wrong = check_spoils (&runner->world, names);

    printf ("%ld%s\n", wrong, names);
  }
  else
    fprintf (stderr, "crash-runner: what is '%s'?\n", line);
}

int
main (int argc, char **argv)
{
  static struct runner runner;
  char line[512];

  if (4 != argc || (runner.writer_count = (unsigned)strtoul (argv[2], NULL, 10)) < 1
      || runner.writer_count > WRITERS_MAX)
  {
    fprintf (stderr, "usage: crash-runner SEED WRITERS PAUSE-US   (tests/crash/run starts it)\n");
    return 2;
  }
  signal (SIGPIPE, SIG_IGN);
  setvbuf (stdout, NULL, _IOLBF, 0);
  curl_global_init (CURL_GLOBAL_DEFAULT);
  world_init (&runner.world, strtoull (argv[1], NULL, 10));
  start (&runner, strtol (argv[3], NULL, 10));
  while (NULL != fgets (line, sizeof (line), stdin))
  {
    line[strcspn (line, "\n")] = '\0';
    obey (&runner, line);
  }
  stop (&runner);
  world_free (&runner.world);
  curl_global_cleanup ();
  return 0;
}
