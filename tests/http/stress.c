/* Many connections at once: full queues, a drain, clients that are slow on purpose, the connection limit. */
#include "api.h"
#include "commands.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
/* Longest that anything may take, on a machine that has much else to do. */
#define PATIENCE_MS 60000
/* Longest that a request may take: held up, it has an answer after work-timeout-ms, 30 s. */
#define ANSWER_MS PATIENCE_MS
/* A full queue says so at once, and not when the time of the work is over. */
#define REFUSAL_MS 20000
/* A connection past its limit is closed soon after it, and not after idle-timeout-ms, which is 60 s. */
#define CLOSE_SLACK_MS 30000
/* Newcomers who wait in vain, one after the other, before a daemon that stops counts as closed to them; and how long
   each waits. Much longer than a daemon needs to answer /health, and together much shorter than drain-timeout-ms, 30 s.
 */
#define NEWCOMERS 3
#define NEWCOMER_MS 1000
/* Between two looks. */
#define LOOK_US 20000

static const char *const health = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct server
{
  char host[256];
  char port[16];
  const char *base_url;
};

/* One connection with one log-metric request of its own. */
struct shot
{
  const struct server *server;
  char run_id[64];
  int fd;
  long step;
  long status; /* 0: no whole answer */
  long took_ms;
  bool polite;
  _Atomic bool refused;
};

static bool
reach (struct server *server, const char *url)
{
  server->base_url = url;
  return split_base_url (url, server->host, sizeof (server->host), server->port, sizeof (server->port));
}

/* The commands behind "--": one that returns when the database is held up, and one that lets it go. */
struct holding
{
  const char *begin; /* NULL: neither */
  const char *end; /* NULL: somebody else does */
};

static struct holding
find_holding (int argc, char **argv)
{
  struct holding holding = { NULL, NULL };

  for (int i = 1; i + 1 < argc; i++)
    if (0 == strcmp (argv[i], "--"))
    {
      holding.begin = argv[i + 1];
      holding.end = i + 2 < argc ? argv[i + 2] : NULL;
      break;
    }
  return holding;
}

static bool
command_works (const char *command)
{
  if (NULL == command || 0 == system (command))
    return true;
  fprintf (stderr, "http-runner: cannot run %s\n", command);
  return false;
}

static bool
send_point (struct shot *shot)
{
  char body[512];
  char request[1024];
  int length =
      snprintf (body, sizeof (body), "{\"run_id\":\"%s\",\"key\":\"s\",\"value\":%ld,\"timestamp\":1,\"step\":%ld}",
                shot->run_id, shot->step, shot->step);

  length = snprintf (request, sizeof (request),
                     "POST /api/2.0/mlflow/runs/log-metric HTTP/1.1\r\nHost: %s:%s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                     shot->server->host, shot->server->port, length, body);
  return reply_write (shot->fd, request, (size_t)length);
}

static void
take_answer (struct shot *shot)
{
  struct reply reply;
  struct buffer pending;

  reply_init (&reply);
  buffer_init (&pending, 1u << 20);
  if (reply_read (&reply, shot->fd, &pending, false, ANSWER_MS))
    shot->status = reply.status;
  shot->polite = 503 != shot->status || '\0' != *reply_header_text (&reply, "retry-after");
  atomic_store (&shot->refused, 503 == shot->status);
  buffer_free (&pending);
  reply_clear (&reply);
}

static void *
fire (void *user)
{
  struct shot *shot = user;
  long began_ms = reply_now_ms ();

  if (send_point (shot))
    take_answer (shot);
  shot->took_ms = reply_now_ms () - began_ms;
  return NULL;
}

/* Open a connection for each shot and make the run that all write to. */
static bool
load_shots (struct shot *shots, unsigned count, const struct server *server)
{
  struct api api;
  char run_id[64];
  bool ok;

  api_open (&api, server->base_url);
  ok = api_make_run (&api, run_id);
  api_close (&api);
  for (unsigned i = 0; i < count; i++)
  {
    shots[i] = (struct shot){ .server = server, .step = i, .fd = reply_connect (server->host, server->port) };
    snprintf (shots[i].run_id, sizeof (shots[i].run_id), "%s", run_id);
    ok = ok && shots[i].fd >= 0;
  }
  return ok;
}

static void
fire_all (struct shot *shots, unsigned count, void (*meanwhile) (void *), void *user)
{
  pthread_t threads[CONNECTIONS_MAX];

  for (unsigned i = 0; i < count; i++)
    pthread_create (&threads[i], NULL, fire, &shots[i]);
  if (NULL != meanwhile)
    meanwhile (user);
  for (unsigned i = 0; i < count; i++)
  {
    pthread_join (threads[i], NULL);
    close (shots[i].fd);
  }
}

/* How many of the points that were answered 200 are not in the history. */
static unsigned
count_lost (const struct shot *shots, unsigned count, const struct server *server)
{
  struct api api;
  json_t *history;
  unsigned lost = 0;

  api_open (&api, server->base_url);
  history = api_history (&api, shots[0].run_id, "s", 25000);
  for (unsigned i = 0; i < count; i++)
  {
    bool found = false;
    const json_t *item;
    size_t j;

    json_array_foreach (history, j, item) found =
        found || shots[i].step == json_integer_value (json_object_get (item, "step"));
    lost += 200 == shots[i].status && ! found;
  }
  json_decref (history);
  api_close (&api);
  return lost;
}

/* What happens while the shots are under way. */
struct burst
{
  const struct shot *shots;
  unsigned count;
  unsigned least; /* refusals */
  const char *end; /* lets the database go */
};

static void
await_refusals (void *user)
{
  const struct burst *burst = user;
  long began_ms = reply_now_ms ();
  unsigned refused = 0;

  while (NULL != burst->end && refused < burst->least && reply_now_ms () - began_ms < REFUSAL_MS)
  {
    usleep (LOOK_US);
    refused = 0;
    for (unsigned i = 0; i < burst->count; i++)
      refused += atomic_load (&burst->shots[i].refused);
  }
  (void)command_works (burst->end);
}

int
command_burst (int argc, char **argv)
{
  static struct shot shots[CONNECTIONS_MAX];
  struct server server;
  struct holding holding = find_holding (argc, argv);
  unsigned count = argc > 3 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  unsigned least = argc > 3 ? (unsigned)strtoul (argv[3], NULL, 10) : 0;
  struct burst burst = { shots, count, least, holding.end };
  unsigned good = 0;
  unsigned refused = 0;
  unsigned slow = 0;
  unsigned other = 0;
  unsigned impolite = 0;
  unsigned lost;

  if (0 == count || count > CONNECTIONS_MAX || ! reach (&server, argv[1]))
    return 2;
  if (! load_shots (shots, count, &server))
    return 1;
  if (! command_works (holding.begin))
    return 1;
  fire_all (shots, count, await_refusals, &burst);
  for (unsigned i = 0; i < count; i++)
  {
    good += 200 == shots[i].status;
    refused += 503 == shots[i].status;
    slow += 503 == shots[i].status && shots[i].took_ms > REFUSAL_MS;
    other += 200 != shots[i].status && 503 != shots[i].status;
    impolite += ! shots[i].polite;
  }
  lost = count_lost (shots, count, &server);
  printf ("answered=%u refused=%u slow=%u impolite=%u other=%u lost=%u\n", good, refused, slow, impolite, other, lost);
  return 0 == good || refused < least || 0 != slow + impolite + other + lost;
}

struct stop
{
  const struct server *server;
  pid_t process;
  unsigned count; /* requests that are held up */
  const char *end; /* lets the database go */
  bool refuses; /* nobody new is served some time after the signal was sent */
};

/* Wait until all requests are under way. */
static void
await_requests (const struct stop *stop)
{
  long began_ms = reply_now_ms ();
  struct api api;

  api_open (&api, stop->server->base_url);
  /* The one for the figures, too. */
  while (api_figure (&api, "tally_requests_in_flight") <= (long)stop->count
         && reply_now_ms () - began_ms < PATIENCE_MS / 2)
    usleep (LOOK_US);
  api_close (&api);
}

/* Whether somebody who waits has an answer by now, or hears that there will be none. */
static bool
hears (int fd, int wait_ms)
{
  struct pollfd waits = { .fd = fd, .events = POLLIN };

  return 0 != poll (&waits, 1, wait_ms);
}

/* Nobody new is served any more: of newcomers in a row none has an answer, nor has it when the last has waited. One
   that was let in just before is answered after a while, and then others are tried. */
static bool
refuses_newcomers (const struct server *server, long deadline_ms)
{
  int fds[NEWCOMERS];
  unsigned silent = 0;
  bool refuses = false;

  while (silent < NEWCOMERS && ! refuses && reply_now_ms () < deadline_ms)
  {
    bool heard;

    fds[silent] = reply_connect (server->host, server->port);
    refuses = fds[silent] < 0;
    if (refuses)
      break;
    silent++;
    heard = ! reply_write (fds[silent - 1], health, strlen (health)) || hears (fds[silent - 1], NEWCOMER_MS);
    for (unsigned i = 0; i + 1 < silent; i++)
      heard = heard || hears (fds[i], 0);
    refuses = ! heard && NEWCOMERS == silent;
    while (heard && silent > 0)
      close (fds[--silent]);
  }
  while (silent > 0)
    close (fds[--silent]);
  return refuses;
}

static void
send_stop (void *user)
{
  struct stop *stop = user;

  await_requests (stop);
  kill (stop->process, SIGTERM);
  stop->refuses = refuses_newcomers (stop->server, reply_now_ms () + REFUSAL_MS);
  (void)command_works (stop->end);
}

int
command_drain (int argc, char **argv)
{
  static struct shot shots[CONNECTIONS_MAX];
  struct server server;
  struct holding holding = find_holding (argc, argv);
  unsigned count = argc > 3 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  struct stop stop = { .server = &server, .count = count, .end = holding.end };
  unsigned good = 0;

  stop.process = argc > 3 ? (pid_t)strtol (argv[3], NULL, 10) : 0;
  if (0 == count || count > CONNECTIONS_MAX || stop.process < 2 || ! reach (&server, argv[1]))
    return 2;
  if (! load_shots (shots, count, &server))
    return 1;
  if (! command_works (holding.begin))
    return 1;
  fire_all (shots, count, send_stop, &stop);
  for (unsigned i = 0; i < count; i++)
    good += 200 == shots[i].status;
  printf ("answered=%u of %u, newcomers %s\nrun_id=%s\n", good, count, stop.refuses ? "refused" : "served",
          shots[0].run_id);
  return good != count || ! stop.refuses;
}

/* Send a byte now and then on every connection, and note which ones the server has closed. Returns how many are open.
 */
static unsigned
dribble (int *fds, unsigned count, char byte)
{
  unsigned open = 0;
  char block[4096];

  for (unsigned i = 0; i < count; i++)
  {
    ssize_t got;

    if (fds[i] < 0)
      continue;
    got = recv (fds[i], block, sizeof (block), MSG_DONTWAIT);
    if (0 == got || ! reply_write (fds[i], &byte, 1))
    {
      close (fds[i]);
      fds[i] = -1;
      continue;
    }
    open++;
  }
  return open;
}

int
command_slow (int argc, char **argv)
{
  static int fds[CONNECTIONS_MAX];
  struct server server;
  unsigned count = argc > 3 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  long timeout_ms = argc > 3 ? strtol (argv[3], NULL, 10) : 0;
  long began_ms = reply_now_ms ();
  unsigned open = count;
  unsigned served = 0;
  unsigned asked = 0;
  struct api api;

  if (0 == count || count > CONNECTIONS_MAX || timeout_ms < 1 || ! reach (&server, argv[1]))
    return 2;
  for (unsigned i = 0; i < count; i++)
  {
    /* One half never ends its headers, the other half never ends its body. */
    const char *begin = i % 2 ? "GET /health HTTP/1.1\r\nX-Slow: "
                              : "POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                "application/json\r\nContent-Length: 1000000\r\n\r\n{";

    fds[i] = reply_connect (server.host, server.port);
    if (fds[i] >= 0)
      reply_write (fds[i], begin, strlen (begin));
  }
  api_open (&api, server.base_url);
  while (open > 0 && reply_now_ms () - began_ms < timeout_ms + CLOSE_SLACK_MS)
  {
    open = dribble (fds, count, ' ');
    asked++;
    served += 200 == api_get (&api, "experiments/get?experiment_id=0", NULL);
    usleep (50000);
  }
  api_close (&api);
  printf ("open=%u after %ld ms, others served %u of %u\n", open, reply_now_ms () - began_ms, served, asked);
  return open > 0 || served < asked || reply_now_ms () - began_ms < timeout_ms / 2;
}

static bool
answered (int fd, long timeout_ms)
{
  struct reply reply;
  struct buffer pending;
  bool ok;

  reply_init (&reply);
  buffer_init (&pending, 4096);
  ok = reply_read (&reply, fd, &pending, false, timeout_ms) && 200 == reply.status;
  buffer_free (&pending);
  reply_clear (&reply);
  return ok;
}

int
command_connections (int argc, char **argv)
{
  static int fds[CONNECTIONS_MAX];
  struct server server;
  unsigned limit = argc > 2 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  /* More than the limit by half of it. */
  unsigned count = limit + limit / 2;
  unsigned early = 0;
  unsigned late = 0;

  if (limit < 2 || count > CONNECTIONS_MAX || ! reach (&server, argv[1]))
    return 2;
  for (unsigned i = 0; i < count; i++)
  {
    fds[i] = reply_connect (server.host, server.port);
    if (fds[i] >= 0)
      reply_write (fds[i], health, strlen (health));
    early += fds[i] >= 0 && answered (fds[i], i < limit ? PATIENCE_MS : 200);
  }
  /* As the first ones go, those that wait are served. */
  for (unsigned i = 0; i < limit; i++)
    close (fds[i]);
  for (unsigned i = limit; i < count; i++)
  {
    late += fds[i] >= 0 && answered (fds[i], PATIENCE_MS);
    close (fds[i]);
  }
  printf ("limit=%u at once=%u later=%u of %u\n", limit, early, late, count - limit);
  return early > limit || early < limit - limit / 4 || early + late < count;
}
