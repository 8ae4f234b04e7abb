/* Writers that never give up, and the proof afterwards that every acknowledged point is there once. */
#include "api.h"
#include "commands.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITERS_MAX 256
/* Points of one log-batch request. */
#define BATCH_POINTS 10
/* Pause after a refusal; a real client waits as long as Retry-After says, a test wants to see the recovery soon. */
#define RETRY_PAUSE_US 20000
/* Pause after an answer. Of sixteen writers some are always waiting for theirs, which is what a kill or a refusal wants
   to meet; without a pause they would only take the processors from the server and from the tests beside this one. */
#define PACE_US 10000
/* The server has this long to come back before the points are counted; and so much longer than it was told a writer
   goes on that has nothing acknowledged yet, because the machine is busy. */
#define RECOVERY_MS 60000
/* Page of the check, small enough that it has to follow tokens. */
#define HISTORY_PAGE 1000

struct writer
{
  const char *base_url;
  long deadline_ms;
  char run_id[64];
  long acknowledged; /* points 0 .. acknowledged-1 were answered 200 */
  long params; /* params p0 .. were answered 200 */
  long requests;
  long refused;
  long impolite; /* 503 without Retry-After */
  long broken; /* no answer came */
  long unexpected; /* any other status */
  long missing;
  long doubled;
  long wrong;
};

static json_t *
point (long step)
{
  return json_pack ("{s:s,s:f,s:I,s:I}", "key", "load", "value", (double)step, "timestamp",
                    (json_int_t)(1700000000000 + step), "step", (json_int_t)step);
}

/* The request that comes after `acknowledged` points: now a single one, now a batch, now one with a param. */
static json_t *
make_request (const struct writer *writer, const char **path, long *points, bool *param)
{
  json_t *body;
  json_t *metrics;

  *param = 4 == writer->requests % 5;
  *points = 0 == writer->requests % 3 && ! *param ? 1 : BATCH_POINTS;
  if (1 == *points)
  {
    *path = "runs/log-metric";
    body = point (writer->acknowledged);
    json_object_set_new (body, "run_id", json_string (writer->run_id));
    return body;
  }
  *path = "runs/log-batch";
  metrics = json_array ();
  for (long i = 0; i < *points; i++)
    json_array_append_new (metrics, point (writer->acknowledged + i));
  body = json_pack ("{s:s,s:o}", "run_id", writer->run_id, "metrics", metrics);
  /* Params are one of a hundred a batch; the key repeats with its value, which is allowed. */
  if (*param)
    json_object_set_new (body, "params",
                         json_pack ("[{s:o,s:o}]", "key", json_sprintf ("p%ld", writer->params), "value",
                                    json_sprintf ("%ld", writer->params)));
  return body;
}

static void
count_refusal (struct writer *writer, const struct api *api, long status)
{
  if (0 == status)
    writer->broken++;
  else if (503 == status)
    writer->refused++;
  else
  {
    /* The first ones tell enough. */
    if (0 == writer->unexpected++)
      printf ("  FAIL a writer was answered %s\n", api->said);
  }
  writer->impolite += ! api->polite;
  usleep (RETRY_PAUSE_US);
}

static bool
goes_on (const struct writer *writer)
{
  return reply_now_ms () < writer->deadline_ms + (0 == writer->acknowledged ? RECOVERY_MS : 0);
}

static void *
write_until (void *user)
{
  struct writer *writer = user;
  struct api api;
  const char *path;
  long points;
  bool param;

  api_open (&api, writer->base_url);
  while (! api_make_run (&api, writer->run_id) && goes_on (writer))
    usleep (RETRY_PAUSE_US);
  while ('\0' != writer->run_id[0] && goes_on (writer))
  {
    json_t *body = make_request (writer, &path, &points, &param);
    long status = api_post (&api, path, body, NULL);

    if (200 == status)
    {
      writer->acknowledged += points;
      writer->params += param;
      writer->requests++;
      usleep (PACE_US);
    }
    else
      count_refusal (writer, &api, status);
  }
  api_close (&api);
  return NULL;
}

static void
check_points (struct writer *writer, const json_t *history)
{
  size_t capacity = (size_t)writer->acknowledged + BATCH_POINTS;
  unsigned char *seen = calloc (capacity, 1);
  const json_t *item;
  size_t i;

  json_array_foreach (history, i, item)
  {
    json_int_t step = json_integer_value (json_object_get (item, "step"));
    double value = json_number_value (json_object_get (item, "value"));

    /* Points of the request that was under way at the end may be there or not; nothing else may. */
    if (step < 0 || (size_t)step >= capacity || (double)step != value)
      writer->wrong++;
    else if (seen[step]++ > 0)
      writer->doubled++;
  }
  for (long step = 0; step < writer->acknowledged; step++)
    writer->missing += 0 == seen[step];
  free (seen);
}

static void
check_params (struct writer *writer, const json_t *run)
{
  const json_t *params = json_object_get (json_object_get (json_object_get (run, "run"), "data"), "params");
  long found = 0;
  const json_t *item;
  size_t i;

  json_array_foreach (params, i, item)
  {
    const char *key = json_string_value (json_object_get (item, "key"));
    const char *value = json_string_value (json_object_get (item, "value"));

    if (NULL != key && NULL != value && 'p' == key[0] && 0 == strcmp (key + 1, value)
        && strtol (value, NULL, 10) < writer->params)
      found++;
  }
  writer->missing += writer->params - found;
}

static void
check_writer (struct writer *writer)
{
  long deadline_ms = reply_now_ms () + RECOVERY_MS;
  json_t *history = NULL;
  json_t *run = NULL;
  struct api api;
  char path[128];

  api_open (&api, writer->base_url);
  snprintf (path, sizeof (path), "runs/get?run_id=%s", writer->run_id);
  /* A refusal to read says nothing about what is there. */
  while (NULL == (history = api_history (&api, writer->run_id, "load", HISTORY_PAGE)) && reply_now_ms () < deadline_ms)
    usleep (RETRY_PAUSE_US);
  while (200 != api_get (&api, path, &run) && reply_now_ms () < deadline_ms)
  {
    json_decref (run);
    run = NULL;
    usleep (RETRY_PAUSE_US);
  }
  if (NULL == history || NULL == run)
  {
    printf ("  FAIL run '%s' cannot be read: %s\n", writer->run_id, api.said);
    writer->missing += writer->acknowledged;
  }
  else
  {
    check_points (writer, history);
    check_params (writer, run);
  }
  json_decref (run);
  json_decref (history);
  api_close (&api);
}

int
command_load (int argc, char **argv)
{
  static struct writer writers[WRITERS_MAX];
  pthread_t threads[WRITERS_MAX];
  struct writer sum = { .acknowledged = 0 };
  unsigned count = argc > 3 ? (unsigned)strtoul (argv[3], NULL, 10) : 0;

  if (0 == count || count > WRITERS_MAX)
    return 2;
  for (unsigned i = 0; i < count; i++)
  {
    writers[i] =
        (struct writer){ .base_url = argv[1], .deadline_ms = reply_now_ms () + strtol (argv[2], NULL, 10) * 1000 };
    pthread_create (&threads[i], NULL, write_until, &writers[i]);
  }
  for (unsigned i = 0; i < count; i++)
    pthread_join (threads[i], NULL);
  for (unsigned i = 0; i < count; i++)
  {
    check_writer (&writers[i]);
    sum.acknowledged += writers[i].acknowledged;
    sum.requests += writers[i].requests;
    sum.params += writers[i].params;
    sum.refused += writers[i].refused;
    sum.impolite += writers[i].impolite;
    sum.broken += writers[i].broken;
    sum.unexpected += writers[i].unexpected;
    sum.missing += writers[i].missing + ('\0' == writers[i].run_id[0]);
    sum.doubled += writers[i].doubled;
    sum.wrong += writers[i].wrong;
  }
  printf ("acknowledged=%ld requests=%ld params=%ld refused=%ld impolite=%ld broken=%ld unexpected=%ld missing=%ld "
          "doubled=%ld wrong=%ld\n",
          sum.acknowledged, sum.requests, sum.params, sum.refused, sum.impolite, sum.broken, sum.unexpected,
          sum.missing, sum.doubled, sum.wrong);
  return 0 == sum.acknowledged || 0 != sum.impolite + sum.unexpected + sum.missing + sum.doubled + sum.wrong;
}
