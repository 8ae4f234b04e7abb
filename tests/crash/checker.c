/* Everything that was written against everything that is shown. */
#include "checker.h"

#include "shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Threads of the final check: about as many as a small machine has use for. */
#define CHECK_THREADS 3
/* The server has this long to answer a question before it counts as unread. */
#define ANSWER_MS 60000
#define RETRY_PAUSE_US 50000

long
verdict_faults (const struct verdict *verdict)
{
  return verdict->missing + verdict->doubled + verdict->foreign + verdict->disorder + verdict->torn + verdict->latest
         + verdict->params + verdict->chart + verdict->unread;
}

static void
verdict_add (struct verdict *sum, const struct verdict *verdict)
{
  sum->series += verdict->series;
  sum->points += verdict->points;
  sum->unsure += verdict->unsure;
  sum->charted += verdict->charted;
  sum->missing += verdict->missing;
  sum->doubled += verdict->doubled;
  sum->foreign += verdict->foreign;
  sum->disorder += verdict->disorder;
  sum->torn += verdict->torn;
  sum->latest += verdict->latest;
  sum->params += verdict->params;
  sum->chart += verdict->chart;
  sum->unread += verdict->unread;
}

/* --- the parts of the check ----------------------------------------------------------------------------------------
 */

static void
check_latest (struct verdict *verdict, struct world *world, const struct run *run, const struct shown *shown,
              enum shape shape, bool quiet)
{
  const struct reading *reading = &shown->readings[shape];
  struct point latest;
  bool found = shown_find_latest (&latest, shown->run, shape);
  bool right = found == (reading->count > 0);

  if (found && right)
  {
    const struct point *largest = &reading->points[0];

    for (long i = 1; i < reading->count; i++)
      if (point_order_latest (&reading->points[i], largest) > 0)
        largest = &reading->points[i];
    right = 0 == point_order_latest (largest, &latest);
  }
  if (right)
    return;
  verdict->latest++;
  if (! quiet)
    world_problem (world, "run %s key %s: the latest point is not the largest of its history", run->id,
                   shape_keys[shape]);
}

/* Which params there are: 1 for each number in `there`. */
static void
find_params (unsigned char *there, struct verdict *verdict, struct world *world, const struct run *run,
             const json_t *answer)
{
  const json_t *params = json_object_get (json_object_get (json_object_get (answer, "run"), "data"), "params");
  const json_t *item;
  size_t i;

  json_array_foreach (params, i, item)
  {
    const char *key = json_string_value (json_object_get (item, "key"));
    const char *value = json_string_value (json_object_get (item, "value"));
    long number = NULL == value ? -1 : strtol (value, NULL, 10);

    if (NULL != key && NULL != value && 'p' == key[0] && 0 == strcmp (key + 1, value) && number >= 0
        && number < run->param_count)
      there[number] = 1;
    else
    {
      verdict->params++;
      world_problem (world, "run %s: param %s was never sent", run->id, NULL == key ? "" : key);
    }
  }
  for (long number = 0; number < run->param_count; number++)
    if (! there[number] && POINT_ACKNOWLEDGED == run->params[number].state)
    {
      verdict->params++;
      world_problem (world, "run %s: param p%ld is missing (acknowledged after kill %u)", run->id, number,
                     run->params[number].told_after);
    }
}

/* A batch that nobody acknowledged is there whole or not at all. */
static void
check_batch (struct verdict *verdict, struct world *world, const struct run *run, const struct batch *batch,
             unsigned char *const *seen, const unsigned char *params, bool quiet)
{
  long sent = 0;
  long found = 0;

  for (int i = 0; i < batch->range_count; i++)
    for (long j = 0; j < batch->ranges[i].count; j++)
    {
      sent++;
      found += seen[batch->ranges[i].shape][batch->ranges[i].first + j];
    }
  if (batch->param >= 0)
  {
    sent++;
    found += params[batch->param];
  }
  if (0 == found || sent == found)
    return;
  verdict->torn++;
  if (! quiet)
    world_problem (world, "run %s: of a batch from key %s number %ld on, %ld of %ld pieces are there", run->id,
                   shape_keys[batch->ranges[0].shape], batch->ranges[0].first, found, sent);
}

/* The chart of all keys must know as many points as the history shows. An absent endpoint is fine. */
static void
check_chart (struct verdict *verdict, struct world *world, struct api *api, const struct run *run,
             const struct shown *shown)
{
  long deadline_ms = reply_now_ms () + ANSWER_MS;
  json_t *answer = NULL;
  json_t *keys = json_array ();
  json_t *body;
  const json_t *item;
  size_t i;
  long status;

  for (int shape = 0; shape < SHAPES; shape++)
    json_array_append_new (keys, json_string (shape_keys[shape]));
  body = json_pack ("{s:[s],s:o,s:i}", "run_ids", run->id, "metric_keys", keys, "width", 100);
  while (200 != (status = api_post (api, "/api/tally/v1/metrics/chart", json_incref (body), &answer)) && 404 != status
         && reply_now_ms () < deadline_ms)
  {
    json_decref (answer);
    answer = NULL;
    usleep (RETRY_PAUSE_US);
  }
  for (int shape = 0; shape < SHAPES && 404 != status; shape++)
  {
    long points = 0;

    json_array_foreach (json_object_get (answer, "series"), i, item)
    {
      const char *key = json_string_value (json_object_get (item, "metric_key"));

      if (NULL != key && 0 == strcmp (key, shape_keys[shape]))
        points += (long)json_integer_value (json_object_get (item, "points"));
    }
    verdict->charted++;
    if (points == shown->readings[shape].count)
      continue;
    verdict->chart++;
    world_problem (world, "run %s key %s: the chart (status %ld) has %ld points, the history %ld", run->id,
                   shape_keys[shape], status, points, shown->readings[shape].count);
  }
  json_decref (answer);
  json_decref (body);
}

/* --- all runs ---------------------------------------------------------------------------------------------------- */

/* Check what is shown of a run against the ledger. Nobody writes. */
static void
check_shown (struct verdict *verdict, struct world *world, const struct run *run, struct shown *shown, bool quiet)
{
  unsigned char *seen[SHAPES];
  unsigned char *params = calloc ((size_t)run->param_count + 1, 1);

  for (int shape = 0; shape < SHAPES; shape++)
  {
    const struct series *series = &run->series[shape];

    seen[shape] = calloc ((size_t)series->count + 1, 1);
    if (NULL == seen[shape] || NULL == params)
      abort ();
    /* First, because it takes the order as it came. */
    check_latest (verdict, world, run, shown, (enum shape)shape, quiet);
    match_series (verdict, world, run, (enum shape)shape, &shown->readings[shape], series->entries, series->count,
                  series->entries, series->count, seen[shape], quiet);
  }
  find_params (params, verdict, world, run, shown->run);
  for (long i = 0; i < run->open_count; i++)
    check_batch (verdict, world, run, &run->open[i], seen, params, quiet);
  for (int shape = 0; shape < SHAPES; shape++)
    free (seen[shape]);
  free (params);
}

struct checking
{
  struct world *world;
  atomic_long next;
  enum spoil spoil; /* still to be put into a run */
  pthread_mutex_t lock; /* guards spoil and sum */
  struct verdict sum;
};

static void *
check_some (void *user)
{
  struct checking *checking = user;
  struct world *world = checking->world;
  struct verdict verdict = { .series = 0 };
  struct random random = { world->seed };
  struct api api;
  char address[128] = "";
  long i;

  api_open (&api, address);
  while ((i = atomic_fetch_add (&checking->next, 1)) < world->run_count)
  {
    const struct run *run = world->runs[i];
    struct shown shown;

    if (world_daemon (world, address, &random) && shown_load (&shown, &verdict, world, &api, run, &random))
    {
      pthread_mutex_lock (&checking->lock);
      if (SPOIL_NOTHING != checking->spoil && shown_spoil (&shown, run, checking->spoil))
        checking->spoil = SPOIL_NOTHING;
      pthread_mutex_unlock (&checking->lock);
      check_shown (&verdict, world, run, &shown, false);
      check_chart (&verdict, world, &api, run, &shown);
    }
    else
    {
      verdict.unread++;
      world_problem (world, "run %s cannot be read", run->id);
    }
    shown_free (&shown);
  }
  api_close (&api);
  pthread_mutex_lock (&checking->lock);
  verdict_add (&checking->sum, &verdict);
  pthread_mutex_unlock (&checking->lock);
  return NULL;
}

void
check_world (struct verdict *verdict, struct world *world, enum spoil spoil)
{
  struct checking checking = { .world = world, .spoil = spoil };
  pthread_t threads[CHECK_THREADS];

  pthread_mutex_init (&checking.lock, NULL);
  for (int i = 0; i < CHECK_THREADS; i++)
    if (0 != pthread_create (&threads[i], NULL, check_some, &checking))
      abort ();
  for (int i = 0; i < CHECK_THREADS; i++)
    pthread_join (threads[i], NULL);
  pthread_mutex_destroy (&checking.lock);
  *verdict = checking.sum;
  if (SPOIL_NOTHING != checking.spoil)
  {
    verdict->unread++;
    world_problem (world, "no run is fit for the spoil %s", spoil_names[checking.spoil]);
  }
}

long
check_spoils (struct world *world, char names[256])
{
  struct random random = { world->seed };
  struct api api;
  char address[128] = "";
  long wrong = 0;
  size_t length = 0;

  names[0] = '\0';
  api_open (&api, address);
  for (int spoil = SPOIL_NOTHING + 1; spoil < SPOILS; spoil++)
  {
    bool noticed = false;

    for (long i = 0; i < world->run_count && ! noticed; i++)
    {
      struct verdict clean = { .series = 0 };
      struct verdict spoiled = { .series = 0 };
      struct shown shown;

      if (world_daemon (world, address, &random) && shown_load (&shown, &clean, world, &api, world->runs[i], &random))
      {
        check_shown (&clean, world, world->runs[i], &shown, true);
        if (shown_spoil (&shown, world->runs[i], (enum spoil)spoil))
        {
          check_shown (&spoiled, world, world->runs[i], &shown, true);
          noticed = verdict_faults (&spoiled) > verdict_faults (&clean);
          /* It was tried; a second run is no excuse. */
          i = world->run_count;
        }
      }
      shown_free (&shown);
    }
    if (noticed)
      continue;
    wrong++;
    length += (size_t)snprintf (names + length, 256 - length, " %s", spoil_names[spoil]);
  }
  api_close (&api);
  return wrong;
}
