/* Two daemons on one database: after one has answered, the other must show it at once. */
#include "api.h"
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair
{
  struct api one;
  struct api other;
  unsigned long failures;
};

static void
must (struct pair *pair, bool ok, const char *what, long round)
{
  if (ok)
    return;
  pair->failures++;
  /* The first ones tell enough. */
  if (pair->failures <= 20)
    printf ("  FAIL round %ld: %s (last refusals: '%s', '%s')\n", round, what, pair->one.said, pair->other.said);
}

static json_t *
get_run (struct api *api, const char *run_id)
{
  json_t *answer = NULL;
  json_t *run;
  char path[128];

  snprintf (path, sizeof (path), "runs/get?run_id=%s", run_id);
  api_get (api, path, &answer);
  run = json_incref (json_object_get (answer, "run"));
  json_decref (answer);
  return run;
}

/* The member of an array of {key, ...} with this key, borrowed. */
static const json_t *
by_key (const json_t *run, const char *list, const char *key)
{
  const json_t *item;
  size_t i;

  json_array_foreach (json_object_get (json_object_get (run, "data"), list), i,
                      item) if (0 == strcmp (key, json_string_value (json_object_get (item, "key")))) return item;
  return NULL;
}

static bool
value_is (const json_t *run, const char *list, const char *key, const char *value)
{
  const char *got = json_string_value (json_object_get (by_key (run, list, key), "value"));

  return NULL != got && 0 == strcmp (got, value);
}

static bool
metric_is (const json_t *run, const char *key, double value)
{
  const json_t *item = by_key (run, "metrics", key);

  return NULL != item && value == json_number_value (json_object_get (item, "value"));
}

static bool
info_is (const json_t *run, const char *name, const char *value)
{
  const char *got = json_string_value (json_object_get (json_object_get (run, "info"), name));

  return NULL != got && 0 == strcmp (got, value);
}

static bool
found_in_search (struct api *api, const char *run_id)
{
  json_t *answer = NULL;
  json_t *body = json_pack ("{s:[s],s:i,s:[s]}", "experiment_ids", "0", "max_results", 5, "order_by",
                            "attributes.start_time DESC");
  const json_t *run;
  bool found = false;
  size_t i;

  api_post (api, "runs/search", body, &answer);
  json_array_foreach (json_object_get (answer, "runs"), i, run) found = found || info_is (run, "run_id", run_id);
  json_decref (answer);
  return found;
}

/* Points, one by one: what `from` acknowledged is the latest value and the whole history at `to`. */
static void
points_are_shown (struct pair *pair, struct api *from, struct api *to, const char *run_id, long round)
{
  json_t *body = json_pack ("{s:s,s:s,s:f,s:I,s:I}", "run_id", run_id, "key", "m", "value", (double)round, "timestamp",
                            (json_int_t)round, "step", (json_int_t)round);
  json_t *run;
  json_t *history;

  must (pair, 200 == api_post (from, "runs/log-metric", body, NULL), "log-metric", round);
  run = get_run (to, run_id);
  must (pair, metric_is (run, "m", (double)round), "the other daemon shows an older latest value", round);
  json_decref (run);
  history = api_history (to, run_id, "m", 25000);
  must (pair, json_array_size (history) == (size_t)round + 1, "the other daemon shows another history", round);
  json_decref (history);
}

/* Everything that a run page shows, and what a deleted run refuses. */
static void
run_is_shown (struct pair *pair, struct api *from, struct api *to, long round)
{
  char run_id[64];
  char value[32];
  json_t *run;

  snprintf (value, sizeof (value), "v%ld", round);
  must (pair, api_make_run (from, run_id), "create", round);
  must (pair,
        200
            == api_post (from, "runs/log-batch",
                         json_pack ("{s:s,s:[{s:s,s:s}],s:[{s:s,s:s}],s:[{s:s,s:f,s:i}]}", "run_id", run_id, "params",
                                    "key", "p", "value", value, "tags", "key", "t", "value", value, "metrics", "key",
                                    "b", "value", (double)round, "timestamp", 1),
                         NULL),
        "log-batch", round);
  run = get_run (to, run_id);
  must (pair, value_is (run, "params", "p", value), "param is not shown", round);
  must (pair, value_is (run, "tags", "t", value), "tag is not shown", round);
  must (pair, metric_is (run, "b", (double)round), "metric of a batch is not shown", round);
  json_decref (run);
  must (pair,
        400
            == api_post (to, "runs/log-parameter",
                         json_pack ("{s:s,s:s,s:s}", "run_id", run_id, "key", "p", "value", "other"), NULL),
        "the other daemon lets a param change", round);
  must (pair,
        200
            == api_post (to, "runs/set-tag",
                         json_pack ("{s:s,s:s,s:s}", "run_id", run_id, "key", "mlflow.runName", "value", value), NULL),
        "rename", round);
  run = get_run (from, run_id);
  must (pair, info_is (run, "run_name", value), "rename is not shown", round);
  json_decref (run);
  must (pair, 200 == api_post (from, "runs/delete", json_pack ("{s:s}", "run_id", run_id), NULL), "delete", round);
  must (pair,
        400
            == api_post (to, "runs/log-metric",
                         json_pack ("{s:s,s:s,s:f,s:i}", "run_id", run_id, "key", "b", "value", 1.0, "timestamp", 2),
                         NULL),
        "the other daemon logs to a deleted run", round);
  must (pair, ! found_in_search (to, run_id), "the other daemon's search shows a deleted run", round);
  must (pair, 200 == api_post (to, "runs/restore", json_pack ("{s:s}", "run_id", run_id), NULL), "restore", round);
  must (pair,
        200
            == api_post (from, "runs/log-metric",
                         json_pack ("{s:s,s:s,s:f,s:i}", "run_id", run_id, "key", "b", "value", 1.0, "timestamp", 2),
                         NULL),
        "a restored run is refused", round);
}

/* Created here, listed there. */
static void
search_is_fresh (struct pair *pair, struct api *from, struct api *to, long round)
{
  char run_id[64];

  must (pair, api_make_run (from, run_id), "create", round);
  must (pair, found_in_search (to, run_id), "the other daemon's search misses a new run", round);
}

int
command_two_daemons (int argc, char **argv)
{
  struct pair pair = { .failures = 0 };
  char run_id[64];
  long rounds;

  if (argc < 4)
    return 2;
  rounds = strtol (argv[3], NULL, 10);
  api_open (&pair.one, argv[1]);
  api_open (&pair.other, argv[2]);
  must (&pair, api_make_run (&pair.one, run_id), "create", -1);
  for (long round = 0; round < rounds; round++)
  {
    struct api *from = 0 == round % 2 ? &pair.one : &pair.other;
    struct api *to = 0 == round % 2 ? &pair.other : &pair.one;

    points_are_shown (&pair, from, to, run_id, round);
    if (0 == round % 5)
      run_is_shown (&pair, from, to, round);
    if (0 == round % 3)
      search_is_fresh (&pair, from, to, round);
  }
  api_close (&pair.one);
  api_close (&pair.other);
  printf ("%ld rounds, %lu failures\n", rounds, pair.failures);
  return pair.failures > 0 || rounds < 1;
}
