/* Reads a run back: the history of each key page by page, its latest points and its params. */
#include "shown.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The server has this long to answer a question before it counts as unread. */
#define ANSWER_MS 60000
#define RETRY_PAUSE_US 50000

json_t *
shown_get_run (struct api *api, const struct run *run)
{
  json_t *answer = NULL;
  char path[128];

  snprintf (path, sizeof (path), "runs/get?run_id=%s", run->id);
  if (200 == api_get (api, path, &answer))
    return answer;
  json_decref (answer);
  return NULL;
}

void
shown_free (struct shown *shown)
{
  for (int shape = 0; shape < SHAPES; shape++)
    reading_free (&shown->readings[shape]);
  json_decref (shown->run);
}

bool
shown_load (struct shown *shown, struct verdict *verdict, struct world *world, struct api *api, const struct run *run,
            struct random *random)
{
  long deadline_ms = reply_now_ms () + ANSWER_MS;
  json_t *history;

  memset (shown, 0, sizeof (*shown));
  for (int shape = 0; shape < SHAPES; shape++)
  {
    int page = (int)(500 + random_below (random, 4000));

    while (NULL == (history = api_history (api, run->id, shape_keys[shape], page)) && reply_now_ms () < deadline_ms)
      usleep (RETRY_PAUSE_US);
    if (NULL == history)
      break;
    reading_take (&shown->readings[shape], verdict, world, run, (enum shape)shape, history);
    json_decref (history);
  }
  while (NULL == (shown->run = shown_get_run (api, run)) && reply_now_ms () < deadline_ms)
    usleep (RETRY_PAUSE_US);
  return NULL != shown->run && NULL != shown->readings[SHAPES - 1].points;
}

bool
shown_find_latest (struct point *point, const json_t *answer, enum shape shape)
{
  const json_t *metrics = json_object_get (json_object_get (json_object_get (answer, "run"), "data"), "metrics");
  const json_t *item;
  size_t i;

  json_array_foreach (metrics, i, item)
  {
    const char *name = json_string_value (json_object_get (item, "key"));

    if (NULL != name && 0 == strcmp (name, shape_keys[shape]))
      return point_take (point, item);
  }
  return false;
}
