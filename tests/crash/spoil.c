/* Faults on purpose: a checker that cannot complain proves nothing. */
#include "shown.h"

#include <string.h>

const char *const spoil_names[SPOILS] = { "nothing", "drop", "double", "change", "swap", "refused", "tear", "latest" };

/* Where a point is in what was read, or -1. */
static long
find_point (const struct reading *reading, const struct point *point)
{
  for (long i = 0; i < reading->count; i++)
    if (0 == point_order_history (&reading->points[i], point))
      return i;
  return -1;
}

static void
remove_point (struct reading *reading, long at)
{
  reading->count--;
  memmove (&reading->points[at], &reading->points[at + 1], (size_t)(reading->count - at) * sizeof (*reading->points));
}

static void
insert_point (struct reading *reading, long at, struct point point)
{
  memmove (&reading->points[at + 1], &reading->points[at], (size_t)(reading->count - at) * sizeof (*reading->points));
  reading->points[at] = point;
  reading->count++;
}

/* The middlemost number of a series in a state, or -1. */
static long
find_state (const struct series *series, enum point_state state)
{
  for (long i = 0; i < series->count; i++)
  {
    long number = (series->count / 2 + i) % series->count;

    if (state == series->entries[number].state)
      return number;
  }
  return -1;
}

/* Leave one point of a batch that is there, or add one of a batch that is not. */
static bool
tear (struct shown *shown, const struct run *run)
{
  for (long i = 0; i < run->open_count; i++)
  {
    const struct range *range = &run->open[i].ranges[0];
    struct reading *reading = &shown->readings[range->shape];
    struct point point;
    long at;

    if (run->open[i].range_count < 2 && range->count < 2)
      continue;
    point_make (&point, run, range->shape, range->first);
    at = find_point (reading, &point);
    if (at >= 0)
      remove_point (reading, at);
    else
    {
      for (at = 0; at < reading->count && point_order_history (&reading->points[at], &point) < 0;)
        at++;
      insert_point (reading, at, point);
    }
    return true;
  }
  return false;
}

bool
shown_spoil (struct shown *shown, const struct run *run, enum spoil spoil)
{
  enum shape shape = SHAPE_LATE;
  struct reading *reading = &shown->readings[shape];
  long number = find_state (&run->series[shape], SPOIL_REFUSED == spoil ? POINT_REFUSED : POINT_ACKNOWLEDGED);
  struct point point;
  long at;
  json_t *metrics = json_object_get (json_object_get (json_object_get (shown->run, "run"), "data"), "metrics");
  json_t *latest = json_array_get (metrics, 0);

  if (SPOIL_TEAR == spoil)
    return tear (shown, run);
  if (number < 0 || reading->count < 3 || NULL == latest)
    return false;
  point_make (&point, run, shape, number);
  for (at = 0; at < reading->count && point_order_history (&reading->points[at], &point) < 0;)
    at++;
  if (SPOIL_REFUSED != spoil && (at == reading->count || 0 != point_order_history (&reading->points[at], &point)))
    return false;
  switch (spoil)
  {
  case SPOIL_DROP:
    remove_point (reading, at);
    break;
  case SPOIL_DOUBLE:
  case SPOIL_REFUSED:
    insert_point (reading, at, point);
    break;
  case SPOIL_CHANGE:
    reading->points[at].value += 0.25;
    break;
  case SPOIL_SWAP:
    at = 0 == at ? 1 : at;
    point = reading->points[at];
    reading->points[at] = reading->points[at - 1];
    reading->points[at - 1] = point;
    break;
  case SPOIL_LATEST:
    json_object_set_new (latest, "step", json_integer (json_integer_value (json_object_get (latest, "step")) - 1));
    break;
  case SPOIL_TEAR:
  case SPOIL_NOTHING:
  case SPOILS:
    break;
  }
  return true;
}
