/* Searches of one daemon follow what others write through another: what was acknowledged is found at once. */
#include "api.h"
#include "commands.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writers at one time: some transactions are always under way while a search takes its snapshot. */
#define WRITERS 6

/* One writer with a run of its own. */
struct writer
{
  int number;
  long rounds;
  const char *experiment_id;
  struct api write;
  struct api search;
  char run_id[64];
};

static atomic_ulong failures;

static void
must (const struct writer *writer, bool ok, const char *what, long round)
{
  if (ok)
    return;
  if (atomic_fetch_add (&failures, 1) < 20)
    printf ("  FAIL writer %d, round %ld: %s (last refusals: '%s', '%s')\n", writer->number, round, what,
            writer->write.said, writer->search.said);
}

/* How many runs match a filter and are this writer's, as the searching daemon says; -1 when it does not answer. */
static json_int_t
count_mine (struct writer *writer, const char *condition, const char *view)
{
  json_t *filter = json_sprintf ("run_id = '%s' AND %s", writer->run_id, condition);
  json_t *body = json_pack ("{s:[s],s:o,s:b,s:i,s:s}", "experiment_ids", writer->experiment_id, "filter", filter,
                            "count", 1, "max_results", 1, "run_view_type", view);
  json_t *answer = NULL;
  json_int_t count = -1;

  if (200 == api_post (&writer->search, "runs/search", body, &answer))
    count = json_integer_value (json_object_get (answer, "total_count"));
  if (count >= 0 && (size_t)count != json_array_size (json_object_get (answer, "runs")))
    count = -1;
  json_decref (answer);
  return count;
}

static void
finds (struct writer *writer, json_t *condition, json_int_t expected, const char *what, long round)
{
  must (writer, expected == count_mine (writer, json_string_value (condition), "ACTIVE_ONLY"), what, round);
  json_decref (condition);
}

static bool
post (struct writer *writer, const char *path, json_t *body)
{
  return 200 == api_post (&writer->write, path, body, NULL);
}

static void
write_and_find (struct writer *writer, long round)
{
  const char *run_id = writer->run_id;

  must (writer,
        post (writer, "runs/log-metric",
              json_pack ("{s:s,s:s,s:I,s:I,s:I}", "run_id", run_id, "key", "m", "value", (json_int_t)round, "timestamp",
                         (json_int_t)round, "step", (json_int_t)round)),
        "log-metric", round);
  finds (writer, json_sprintf ("metrics.m = %ld AND metrics.m.count = %ld", round, round + 1), 1,
         "the latest value and the count of points", round);
  if (0 == round % 3)
  {
    must (writer,
          post (writer, "runs/set-tag",
                json_pack ("{s:s,s:s,s:o}", "run_id", run_id, "key", "t", "value", json_sprintf ("%ld", round))),
          "set-tag", round);
    finds (writer, json_sprintf ("tags.t = '%ld' AND metrics.m.max >= %ld", round, round), 1, "a tag that was set",
           round);
  }
  if (0 == round % 7)
  {
    must (writer, post (writer, "runs/delete", json_pack ("{s:s}", "run_id", run_id)), "delete", round);
    finds (writer, json_string ("metrics.m >= 0"), 0, "a deleted run is gone", round);
    must (writer, 1 == count_mine (writer, "metrics.m >= 0", "DELETED_ONLY"), "a deleted run is among the deleted",
          round);
    must (writer, post (writer, "runs/restore", json_pack ("{s:s}", "run_id", run_id)), "restore", round);
    finds (writer, json_string ("metrics.m >= 0"), 1, "a restored run is back", round);
  }
}

static bool
make_run (struct writer *writer)
{
  json_t *answer = NULL;
  const char *run_id;
  long status = api_post (&writer->write, "runs/create",
                          json_pack ("{s:s,s:i}", "experiment_id", writer->experiment_id, "start_time", 1), &answer);

  run_id = json_string_value (json_object_get (json_object_get (json_object_get (answer, "run"), "info"), "run_id"));
  if (NULL != run_id)
    snprintf (writer->run_id, sizeof (writer->run_id), "%s", run_id);
  json_decref (answer);
  return 200 == status && NULL != run_id;
}

static void *
keep_writing (void *user)
{
  struct writer *writer = user;

  for (long round = 0; round < writer->rounds; round++)
  {
    /* A new run now and then. */
    if (0 == round % 50)
    {
      must (writer, make_run (writer), "create", round);
      finds (writer, json_string ("status = 'RUNNING'"), 1, "a run that was just made", round);
      finds (writer, json_string ("metrics.m IS NULL"), 1, "it has no metric yet", round);
    }
    write_and_find (writer, round % 50);
  }
  return NULL;
}

int
command_follow (int argc, char **argv)
{
  struct writer writers[WRITERS];
  pthread_t threads[WRITERS];
  char experiment_id[32] = "";
  json_t *answer = NULL;
  struct api api;

  if (argc < 4)
    return 2;
  api_open (&api, argv[1]);
  api_post (&api, "experiments/create", json_pack ("{s:s}", "name", "followed"), &answer);
  snprintf (experiment_id, sizeof (experiment_id), "%s",
            NULL == answer ? "" : json_string_value (json_object_get (answer, "experiment_id")));
  json_decref (answer);
  api_close (&api);
  for (int i = 0; i < WRITERS; i++)
  {
    writers[i] = (struct writer){ .number = i, .rounds = strtol (argv[3], NULL, 10), .experiment_id = experiment_id };
    api_open (&writers[i].write, argv[1 + i % 2]);
    api_open (&writers[i].search, argv[2 - i % 2]);
    pthread_create (&threads[i], NULL, keep_writing, &writers[i]);
  }
  for (int i = 0; i < WRITERS; i++)
  {
    pthread_join (threads[i], NULL);
    api_close (&writers[i].write);
    api_close (&writers[i].search);
  }
  printf ("%d writers, %lu failures\n", WRITERS, atomic_load (&failures));
  return 0 == atomic_load (&failures) ? 0 : 1;
}
