/* Many clients that want the same thing at the same time, on two daemons: one wins, nobody gets a 5xx. */
#include "api.h"
#include "commands.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Contenders of one round: more than one daemon has workers for an experiment, fewer than its queues hold. */
#define CONTENDERS 24

struct contender
{
  struct api api;
  pthread_barrier_t *start; /* shared by all of a round */
  const char *path;
  json_t *body; /* owned; handed over when sent */
  long status;
};

struct round
{
  struct contender contenders[CONTENDERS];
  char run_id[64];
  unsigned good;
  unsigned refused; /* 400 */
  unsigned other;
  const char *said; /* what one of the others was answered, or "" */
  long winner; /* number of the last contender that was answered 200, -1 for none */
};

static unsigned long failures;

static void
must (bool ok, const char *what, const struct round *round)
{
  if (ok)
    return;
  failures++;
  printf ("  FAIL %s: %u answered 200, %u answered 400, %u something else%s%s\n", what, round->good, round->refused,
          round->other, '\0' == *round->said ? "" : ": ", round->said);
}

static void *
contend (void *user)
{
  struct contender *contender = user;

  pthread_barrier_wait (contender->start);
  contender->status = api_post (&contender->api, contender->path, contender->body, NULL);
  contender->body = NULL;
  return NULL;
}

/* Send all bodies at once and count the answers. */
static void
run_round (struct round *round, const char *path)
{
  pthread_t threads[CONTENDERS];
  pthread_barrier_t start;

  round->good = round->refused = round->other = 0;
  round->said = "";
  round->winner = -1;
  pthread_barrier_init (&start, NULL, CONTENDERS);
  for (long i = 0; i < CONTENDERS; i++)
  {
    round->contenders[i].start = &start;
    round->contenders[i].path = path;
    pthread_create (&threads[i], NULL, contend, &round->contenders[i]);
  }
  for (long i = 0; i < CONTENDERS; i++)
  {
    long status;

    pthread_join (threads[i], NULL);
    status = round->contenders[i].status;
    round->good += 200 == status;
    round->refused += 400 == status;
    round->other += 200 != status && 400 != status;
    if (200 == status)
      round->winner = i;
    else if (400 != status)
      round->said = round->contenders[i].api.said;
  }
  pthread_barrier_destroy (&start);
}

static json_t *
get_run (struct round *round)
{
  json_t *answer = NULL;
  json_t *run;
  char path[128];

  snprintf (path, sizeof (path), "runs/get?run_id=%s", round->run_id);
  api_get (&round->contenders[0].api, path, &answer);
  run = json_incref (json_object_get (answer, "run"));
  json_decref (answer);
  return run;
}

/* The value of the only member of run.data.`list` whose key is `key`; -1 when there is none or more than one. */
static long
only_value (const json_t *run, const char *list, const char *key)
{
  const json_t *item;
  long value = -1;
  unsigned found = 0;
  size_t i;

  json_array_foreach (json_object_get (json_object_get (run, "data"), list), i,
                      item) if (0 == strcmp (key, json_string_value (json_object_get (item, "key"))))
  {
    value = strtol (json_string_value (json_object_get (item, "value")), NULL, 10);
    found++;
  }
  return 1 == found ? value : -1;
}

static void
race_for_a_name (struct round *round)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  for (int i = 0; i < CONTENDERS; i++)
    round->contenders[i].body =
        json_pack ("{s:o}", "name", json_sprintf ("race %ld.%09ld", (long)now.tv_sec, now.tv_nsec));
  run_round (round, "experiments/create");
  must (1 == round->good && CONTENDERS - 1 == round->refused, "the same experiment name", round);
}

/* The same run by the id that its client made: one is made, and all are answered with it. */
static void
race_for_a_run (struct round *round)
{
  struct timespec now;
  char id[33];
  json_t *run;

  clock_gettime (CLOCK_REALTIME, &now);
  snprintf (id, sizeof (id), "%016llx%016lx", (unsigned long long)now.tv_sec, now.tv_nsec);
  for (int i = 0; i < CONTENDERS; i++)
    round->contenders[i].body =
        json_pack ("{s:s,s:s,s:o}", "experiment_id", "0", "run_id", id, "run_name", json_sprintf ("%d", i));
  run_round (round, "runs/create");
  must (CONTENDERS == round->good, "the same run", round);
  snprintf (round->run_id, sizeof (round->run_id), "%s", id);
  run = get_run (round);
  must (NULL != run, "the run is there", round);
  json_decref (run);
}

static void
race_for_a_param (struct round *round)
{
  json_t *run;

  for (int i = 0; i < CONTENDERS; i++)
    round->contenders[i].body =
        json_pack ("{s:s,s:s,s:o}", "run_id", round->run_id, "key", "one", "value", json_sprintf ("%d", i));
  run_round (round, "runs/log-parameter");
  must (1 == round->good && CONTENDERS - 1 == round->refused, "the same param, other values", round);
  run = get_run (round);
  must (round->winner == only_value (run, "params", "one"), "the param has the value of the one that won", round);
  json_decref (run);
}

/* Batches that name the same params in turned order: whoever locks them one by one would dead-lock. */
static void
race_for_params (struct round *round)
{
  json_t *run;

  for (int i = 0; i < CONTENDERS; i++)
  {
    json_t *params = json_array ();

    for (int k = 0; k < 20; k++)
      json_array_append_new (params, json_pack ("{s:o,s:o}", "key", json_sprintf ("b%d", i % 2 ? k : 19 - k), "value",
                                                json_sprintf ("%d", i)));
    round->contenders[i].body = json_pack ("{s:s,s:o,s:[{s:s,s:i,s:i,s:i}]}", "run_id", round->run_id, "params", params,
                                           "metrics", "key", "batched", "value", i, "timestamp", 1, "step", i);
  }
  run_round (round, "runs/log-batch");
  must (1 == round->good && CONTENDERS - 1 == round->refused, "batches with the same params", round);
  run = get_run (round);
  for (int k = 0; k < 20; k++)
  {
    char key[16];

    snprintf (key, sizeof (key), "b%d", k);
    must (round->winner == only_value (run, "params", key), "all params of a batch are of the one that won", round);
  }
  must (1 == json_array_size (json_object_get (json_object_get (run, "data"), "metrics")),
        "the metric of the batch that won", round);
  json_decref (run);
}

static void
race_with_points (struct round *round)
{
  json_t *history;

  for (int i = 0; i < CONTENDERS; i++)
  {
    json_t *metrics = json_array ();

    for (int k = 0; k < 50; k++)
      json_array_append_new (metrics, json_pack ("{s:s,s:i,s:i,s:i}", "key", "same", "value", k, "timestamp", 1, "step",
                                                 i % 2 ? k : 49 - k));
    /* Value k at step k or at step 49 - k, which are never the same: 100 points in all. */
    round->contenders[i].body = json_pack ("{s:s,s:o}", "run_id", round->run_id, "metrics", metrics);
  }
  run_round (round, "runs/log-batch");
  must (CONTENDERS == round->good, "identical points", round);
  history = api_history (&round->contenders[0].api, round->run_id, "same", 30);
  must (100 == json_array_size (history), "identical points are one each", round);
  json_decref (history);
}

static void
race_with_tags (struct round *round)
{
  json_t *run;
  long value;

  for (int i = 0; i < CONTENDERS; i++)
    round->contenders[i].body = json_pack ("{s:s,s:s,s:o}", "run_id", round->run_id, "key",
                                           i % 2 ? "mlflow.runName" : "tag", "value", json_sprintf ("%d", i));
  run_round (round, "runs/set-tag");
  must (CONTENDERS == round->good, "tags", round);
  run = get_run (round);
  value = only_value (run, "tags", "tag");
  must (value >= 0 && 0 == value % 2, "one of the tags is there", round);
  value = only_value (run, "tags", "mlflow.runName");
  must (
      1 == value % 2
          && value
                 == strtol (json_string_value (json_object_get (json_object_get (run, "info"), "run_name")), NULL, 10),
      "the name and its tag are the same", round);
  json_decref (run);
}

static void
race_with_data_sets (struct round *round)
{
  json_t *run;

  for (int i = 0; i < CONTENDERS; i++)
    round->contenders[i].body =
        json_pack ("{s:s,s:[{s:{s:s,s:s,s:s,s:s}},{s:{s:s,s:s,s:s,s:s}}]}", "run_id", round->run_id, "datasets",
                   "dataset", "name", i % 2 ? round->run_id : "x", "digest", "1", "source_type", "t", "source", "s",
                   "dataset", "name", i % 2 ? "x" : round->run_id, "digest", "1", "source_type", "t", "source", "s");
  run_round (round, "runs/log-inputs");
  must (CONTENDERS == round->good, "data sets", round);
  run = get_run (round);
  must (2 == json_array_size (json_object_get (json_object_get (run, "inputs"), "dataset_inputs")),
        "each data set is linked once", round);
  json_decref (run);
}

int
command_race (int argc, char **argv)
{
  static struct round round = { .said = "" };
  long rounds = argc > 3 ? strtol (argv[3], NULL, 10) : 0;

  if (rounds < 1)
    return 2;
  for (int i = 0; i < CONTENDERS; i++)
    api_open (&round.contenders[i].api, argv[1 + i % 2]);
  for (long n = 0; n < rounds; n++)
  {
    must (api_make_run (&round.contenders[0].api, round.run_id), "make a run", &round);
    race_for_a_run (&round);
    race_for_a_name (&round);
    race_for_a_param (&round);
    race_for_params (&round);
    race_with_points (&round);
    race_with_tags (&round);
    race_with_data_sets (&round);
  }
  for (int i = 0; i < CONTENDERS; i++)
    api_close (&round.contenders[i].api);
  printf ("%ld rounds of %d contenders, %lu failures\n", rounds, CONTENDERS, failures);
  return failures > 0;
}
