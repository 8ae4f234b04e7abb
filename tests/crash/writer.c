/* Writers: single points, batches over several keys, params beside them, what was acknowledged long ago once more, and
   requests that are wrong. */
#include "writer.h"

#include "../http/api.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A run gets this many points, of all keys, before another one takes its place: some chunks of 4096 for each key. */
#define RUN_POINTS 40000
/* Pause after a refusal; a real client waits as long as Retry-After says, a test wants to see the recovery soon. */
#define RETRY_PAUSE_US 20000
/* Points of a request, all keys together, below the server's limit of 1000 with a wrong one beside them. */
#define BATCH_POINTS 900

struct attempt
{
  struct run *run;
  struct batch batch;
  uint64_t order; /* of the points in the request */
  bool single; /* by log-metric */
  bool wrong; /* must be refused, with all that is in it */
  bool repeated; /* all of it was acknowledged before */
  bool patient; /* sent again until it is acknowledged */
};

static json_t *
wrong_point (struct random *random)
{
  switch (random_below (random, 3))
  {
  case 0:
    return json_pack ("{s:s,s:f,s:i,s:i}", "key", "up", "value", 1.0, "timestamp", -1, "step", 0);
  case 1:
    return json_pack ("{s:s,s:s,s:i,s:i}", "key", "up", "value", "many", "timestamp", 1, "step", 0);
  default:
    return json_pack ("{s:f,s:i,s:i}", "value", 1.0, "timestamp", 1, "step", 0);
  }
}

/* The body of an attempt, the same each time. */
static json_t *
make_body (const struct attempt *attempt)
{
  const struct batch *batch = &attempt->batch;
  struct random random = { attempt->order };
  json_t *metrics = json_array ();
  json_t *body;

  for (int i = 0; i < batch->range_count; i++)
    for (long j = 0; j < batch->ranges[i].count; j++)
    {
      json_t *point = point_json (attempt->run, batch->ranges[i].shape, batch->ranges[i].first + j);

      if (attempt->single)
      {
        json_object_set_new (point, "run_id", json_string (attempt->run->id));
        json_decref (metrics);
        return point;
      }
      /* Mostly in order, as clients send them; sometimes not. */
      if (0 == attempt->order % 3)
        json_array_insert_new (metrics, (size_t)random_below (&random, (long)json_array_size (metrics) + 1), point);
      else
        json_array_append_new (metrics, point);
    }
  if (attempt->wrong)
    json_array_insert_new (metrics, (size_t)random_below (&random, (long)json_array_size (metrics) + 1),
                           wrong_point (&random));
  body = json_pack ("{s:s,s:o}", "run_id", attempt->run->id, "metrics", metrics);
  if (batch->param >= 0)
    json_object_set_new (body, "params",
                         json_pack ("[{s:o,s:o}]", "key", json_sprintf ("p%ld", batch->param), "value",
                                    json_sprintf ("%ld", batch->param)));
  return body;
}

/* To any of the daemons that run; curl keeps a connection to each of them open. */
static long
post (struct writer *writer, struct api *api, const char *path, json_t *body, json_t **answer)
{
  char address[128];
  long status;

  *answer = NULL;
  if (! world_daemon (writer->world, address, &writer->random))
  {
    json_decref (body);
    return 0;
  }
  api->base_url = address;
  status = api_post (api, path, body, answer);
  api->base_url = NULL;
  if (! api->polite)
    world_problem (writer->world, "a 503 without Retry-After on %s", path);
  return status;
}

static struct run *
make_run (struct writer *writer, struct api *api, int slot, const struct run *old)
{
  char address[128];
  char id[64];

  while (! atomic_load (&writer->world->stopping))
  {
    if (world_daemon (writer->world, address, &writer->random))
    {
      api->base_url = address;
      if (api_make_run (api, id))
        return world_add_run (writer->world, id, slot, old);
    }
    usleep (RETRY_PAUSE_US);
  }
  return NULL;
}

/* Mostly one of the active runs, else any. NULL when it is time to stop. */
static struct run *
choose_run (struct writer *writer, struct api *api)
{
  int slot = (int)random_below (&writer->random, RUNS_ACTIVE);
  struct run *run = NULL;
  bool full = false;

  if (0 == random_below (&writer->random, 20))
    run = world_any_run (writer->world, &writer->random);
  if (NULL != run)
    return run;
  pthread_mutex_lock (&writer->world->lock);
  run = writer->world->active[slot];
  pthread_mutex_unlock (&writer->world->lock);
  if (NULL != run)
  {
    pthread_mutex_lock (&run->lock);
    full = run->points >= RUN_POINTS;
    pthread_mutex_unlock (&run->lock);
  }
  return NULL == run || full ? make_run (writer, api, slot, run) : run;
}

static void
take_ranges (struct writer *writer, struct attempt *attempt, long most)
{
  struct batch *batch = &attempt->batch;
  long keys = 1 + random_below (&writer->random, SHAPES);
  long begin = random_below (&writer->random, SHAPES);

  for (long i = 0; i < keys; i++)
  {
    struct range *range = &batch->ranges[batch->range_count++];

    range->shape = (enum shape) ((begin + i) % SHAPES);
    range->count = 1 + random_below (&writer->random, most / keys);
    run_take (writer->world, attempt->run, range, attempt->wrong ? POINT_REFUSED : POINT_SENT);
  }
}

/* False when it is time to stop. */
static bool
choose (struct writer *writer, struct api *api, struct attempt *attempt)
{
  long dice = random_below (&writer->random, 100);

  *attempt =
      (struct attempt){ .run = choose_run (writer, api),
                        .batch = { .param = -1 },
                        .order = random_next (&writer->random),
                        /* Every other one gives up at once, so that the checks meet points that may be missing. */
                        .patient = 0 != random_below (&writer->random, 2) };
  if (NULL == attempt->run)
    return false;
  if (dice < 8 && run_repeat (attempt->run, &attempt->batch.ranges[0], 50, &writer->random))
  {
    attempt->batch.range_count = 1;
    attempt->repeated = true;
  }
  else if (dice < 40)
  {
    attempt->single = true;
    attempt->batch.range_count = 1;
    attempt->batch.ranges[0] =
        (struct range){ .shape = (enum shape)random_below (&writer->random, SHAPES), .count = 1 };
    run_take (writer->world, attempt->run, &attempt->batch.ranges[0], POINT_SENT);
  }
  else
  {
    attempt->wrong = dice >= 95;
    if (! attempt->wrong && dice >= 89)
      attempt->batch.param = run_take_param (writer->world, attempt->run);
    take_ranges (writer, attempt, dice >= 87 && dice < 89 ? BATCH_POINTS : 30);
  }
  return true;
}

static void
acknowledged (struct writer *writer, const struct attempt *attempt)
{
  long points = run_acknowledge (writer->world, attempt->run, &attempt->batch);

  if (attempt->repeated)
    atomic_fetch_add (&writer->world->repeated, 1);
  else
    atomic_fetch_add (&writer->world->acknowledged_points, points);
  atomic_fetch_add (&writer->world->acknowledged, 1);
}

/* Send an attempt until it is acknowledged, refused for good, or given up. */
static void
deliver (struct writer *writer, struct api *api, const struct attempt *attempt)
{
  struct world *world = writer->world;
  json_t *answer;
  long status;

  for (;;)
  {
    status = post (writer, api, attempt->single ? "runs/log-metric" : "runs/log-batch", make_body (attempt), &answer);
    if (200 == status && ! attempt->wrong)
      acknowledged (writer, attempt);
    if (200 == status && attempt->wrong)
      world_problem (world, "run %s: a batch with a wrong point was acknowledged", attempt->run->id);
    else if (0 == status)
      atomic_fetch_add (&world->broken, 1);
    else if (503 == status)
      atomic_fetch_add (&world->refused, 1);
    else if (200 != status && ! (400 == status && attempt->wrong))
    {
      const char *message = json_string_value (json_object_get (answer, "message"));

      world_problem (world, "run %s: status %ld: %s", attempt->run->id, status, NULL == message ? "" : message);
    }
    json_decref (answer);
    if (0 != status && 503 != status)
    {
      /* After an answer that should not be, nothing is known. */
      if (200 != status && ! attempt->wrong && ! attempt->repeated)
        run_leave_open (attempt->run, &attempt->batch);
      return;
    }
    if (! attempt->patient || atomic_load (&world->stopping))
      break;
    usleep (RETRY_PAUSE_US);
  }
  if (! attempt->wrong && ! attempt->repeated)
    run_leave_open (attempt->run, &attempt->batch);
}

void *
writer_run (void *user)
{
  struct writer *writer = user;
  struct attempt attempt;
  struct api api;

  api_open (&api, NULL);
  while (! atomic_load (&writer->world->stopping) && choose (writer, &api, &attempt))
  {
    deliver (writer, &api, &attempt);
    if (writer->pause_us > 0)
      usleep ((useconds_t)random_below (&writer->random, 2 * writer->pause_us));
  }
  api_close (&api);
  return NULL;
}
