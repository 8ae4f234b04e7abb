/* More requests than a server takes, for a while: the excess is refused at once, what is accepted does not wait long.
 */
#include "api.h"
#include "commands.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 256
/* Longest that anything may take: what is accepted is not answered only when the time of its work is over, 30 s. */
#define ANSWER_MS 20000
/* So much longer it goes on while nothing was refused. */
#define MORE_MS 30000
/* Page of the check. */
#define HISTORY_PAGE 25000

struct client
{
  const char *base_url;
  const char *run_id;
  long deadline_ms;
  long first_step; /* steps first_step, first_step + stride, ... are its own */
  long stride;
  long *stored; /* steps that were answered 200 */
  size_t good;
  size_t refused;
  size_t impolite; /* 503 without Retry-After */
  size_t other; /* any other status, or none */
  long slowest_ms;
};

/* Of any of them. */
static _Atomic bool any_refused;

static bool
goes_on (const struct client *client)
{
  long now_ms = reply_now_ms ();

  return now_ms < client->deadline_ms || (! any_refused && now_ms < client->deadline_ms + MORE_MS);
}

/* Send again at once, whatever the answer is: such clients are what a limit is for. */
static void *
run_client (void *context)
{
  struct client *client = context;
  size_t room = 0;
  struct api api;

  api_open (&api, client->base_url);
  for (long step = client->first_step; goes_on (client); step += client->stride)
  {
    long began_ms = reply_now_ms ();
    long status = api_post (&api, "runs/log-metric",
                            json_pack ("{s:s,s:s,s:i,s:i,s:I}", "run_id", client->run_id, "key", "f", "value", 1,
                                       "timestamp", 1, "step", (json_int_t)step),
                            NULL);
    long took_ms = reply_now_ms () - began_ms;

    if (took_ms > client->slowest_ms)
      client->slowest_ms = took_ms;
    client->refused += 503 == status;
    any_refused = any_refused || 503 == status;
    client->impolite += ! api.polite;
    /* The first ones tell enough. */
    if (200 != status && 503 != status && 0 == client->other++)
      printf ("  FAIL a client was answered %s\n", api.said);
    if (200 != status)
      continue;
    if (client->good == room)
    {
      room = 2 * room + 64;
      client->stored = realloc (client->stored, room * sizeof (client->stored[0]));
      if (NULL == client->stored)
        abort ();
    }
    client->stored[client->good++] = step;
  }
  api_close (&api);
  return NULL;
}

/* How many of the points that were answered 200 are not in the history. */
static size_t
count_lost (const struct client *clients, unsigned count)
{
  size_t found = 0;
  size_t good = 0;
  json_t *history;
  const json_t *item;
  size_t at;
  struct api api;

  api_open (&api, clients[0].base_url);
  history = api_history (&api, clients[0].run_id, "f", HISTORY_PAGE);
  api_close (&api);
  for (unsigned i = 0; i < count; i++)
    good += clients[i].good;
  json_array_foreach (history, at, item)
  {
    long step = (long)json_integer_value (json_object_get (item, "step"));
    const struct client *client = &clients[step % count];
    size_t low = 0;
    size_t high = client->good;

    /* A client's steps ascend. */
    while (low < high)
    {
      size_t middle = (low + high) / 2;

      if (client->stored[middle] < step)
        low = middle + 1;
      else
        high = middle;
    }
    found += low < client->good && client->stored[low] == step;
  }
  json_decref (history);
  return good - found;
}

int
command_flood (int argc, char **argv)
{
  static struct client clients[CLIENTS_MAX];
  pthread_t threads[CLIENTS_MAX];
  unsigned count = argc > 3 ? (unsigned)strtoul (argv[2], NULL, 10) : 0;
  struct client sum = { .good = 0 };
  char run_id[64];
  struct api api;
  size_t lost;
  bool ok;

  if (0 == count || count > CLIENTS_MAX)
    return 2;
  api_open (&api, argv[1]);
  ok = api_make_run (&api, run_id);
  api_close (&api);
  if (! ok)
    return 1;
  for (unsigned i = 0; i < count; i++)
  {
    clients[i] = (struct client){ .base_url = argv[1], .run_id = run_id, .first_step = i, .stride = count };
    clients[i].deadline_ms = reply_now_ms () + 1000 * strtol (argv[3], NULL, 10);
    pthread_create (&threads[i], NULL, run_client, &clients[i]);
  }
  for (unsigned i = 0; i < count; i++)
  {
    pthread_join (threads[i], NULL);
    sum.good += clients[i].good;
    sum.refused += clients[i].refused;
    sum.impolite += clients[i].impolite;
    sum.other += clients[i].other;
    if (clients[i].slowest_ms > sum.slowest_ms)
      sum.slowest_ms = clients[i].slowest_ms;
  }
  lost = count_lost (clients, count);
  for (unsigned i = 0; i < count; i++)
    free (clients[i].stored);
  printf ("answered=%zu refused=%zu slowest_ms=%ld impolite=%zu other=%zu lost=%zu\n", sum.good, sum.refused,
          sum.slowest_ms, sum.impolite, sum.other, lost);
  return 0 == sum.good || 0 == sum.refused || sum.slowest_ms > ANSWER_MS || 0 != sum.impolite + sum.other + lost;
}
