/* The HTTP tests: scenario tables, and programs that put a server under stress. */
#include "commands.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name;
  int (*run) (int argc, char **argv);
  const char *usage;
} commands[] = {
  { "scenarios", command_scenarios, "[--oracle] [--jobs N] [--rounds N] [--only TEXT] [--seen FILE] URL FILE..." },
  { "arguments", command_arguments, "FILE: the daemon's arguments that a configured scenario wants, one a line" },
  { "coverage", command_coverage, "ROUTES.json SEEN.json...: has every route a success and a failure?" },
  { "load", command_load, "URL SECONDS WRITERS: write, then check that every acknowledged point is there" },
  { "two-daemons", command_two_daemons, "URL URL ROUNDS: what one acknowledged the other shows at once" },
  { "follow", command_follow, "URL URL ROUNDS: searches of one daemon follow what is written through another" },
  { "race", command_race, "URL URL ROUNDS: many want the same at once; one wins, nobody gets a 5xx" },
  { "burst", command_burst, "URL CONNECTIONS MIN-REFUSED: one request on each at once; refusals are quick and polite" },
  { "flood", command_flood,
    "URL CLIENTS SECONDS: more than is taken, for a while; nobody waits long, nothing is lost" },
  { "drain", command_drain, "URL CONNECTIONS PROCESS: requests under way are answered after SIGTERM" },
  { "slow", command_slow, "URL CONNECTIONS TIMEOUT-MS: clients that never finish a request are closed" },
  { "connections", command_connections, "URL LIMIT: more connections than the limit wait and are served later" },
  { "charts", command_charts, "URL POINTS: charts say the same as JSON and as arrays" },
  { "stream-fill", command_stream_fill, "URL KEY-LENGTH POINTS: make a run with a long history" },
  { "stream", command_stream, "URL RUN KEY-LENGTH POINTS TIMES: read it in many ways, go away in the middle so often" },
  { "stream-around", command_stream_around,
    "URL RUN KEY-LENGTH POINTS whole|broken COMMAND: read some, run the command, read on" },
  { "stream-stall", command_stream_stall, "URL RUN KEY-LENGTH POINTS TIMEOUT-MS: who stops reading is closed" },
  { "stream-crowd", command_stream_crowd,
    "URL RUN KEY-LENGTH POINTS READERS: a queue that is full refuses whole answers only" },
  { "refused", command_refused, "URL TIMES BYTES OTHERS: refusals are heard behind a body, beside others that hang" },
  { "records", command_records, "URL TIMES: requests in records of TLS that are cut in unusual ways" },
  { "half-open", command_half_open,
    "URL COUNT none|half|all MS: begin handshakes, and stop in the middle until they are closed, or so long" },
};

int
main (int argc, char **argv)
{
  size_t count = sizeof (commands) / sizeof (commands[0]);
  int status = 2;

  signal (SIGPIPE, SIG_IGN);
  setvbuf (stdout, NULL, _IOLBF, 0);
  curl_global_init (CURL_GLOBAL_DEFAULT);
  for (size_t i = 0; argc > 1 && i < count; i++)
    if (0 == strcmp (argv[1], commands[i].name))
    {
      status = commands[i].run (argc - 1, argv + 1);
      goto out;
    }
  for (size_t i = 0; i < count; i++)
    fprintf (stderr, "usage: http-runner %s %s\n", commands[i].name, commands[i].usage);
out:
  curl_global_cleanup ();
  return status;
}
