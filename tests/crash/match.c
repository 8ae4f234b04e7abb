/* Points as they were read against the ledger of one series: both are sorted, then walked side by side. */
#include "match.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct expected
{
  struct point point;
  long number;
};

bool
point_take (struct point *point, const json_t *json)
{
  const json_t *value = json_object_get (json, "value");
  const json_t *timestamp = json_object_get (json, "timestamp");
  const json_t *step = json_object_get (json, "step");
  const char *text = json_string_value (value);

  if (! json_is_integer (timestamp) || ! json_is_integer (step))
    return false;
  point->timestamp = json_integer_value (timestamp);
  point->step = json_integer_value (step);
  if (json_is_number (value))
    point->value = json_number_value (value);
  else if (NULL != text && 0 == strcmp (text, "NaN"))
    point->value = NAN;
  else if (NULL != text && 0 == strcmp (text, "Infinity"))
    point->value = INFINITY;
  else if (NULL != text && 0 == strcmp (text, "-Infinity"))
    point->value = -INFINITY;
  else
    return false;
  return true;
}

void
reading_take (struct reading *reading, struct verdict *verdict, struct world *world, const struct run *run,
              enum shape shape, const json_t *history)
{
  const json_t *item;
  size_t i;

  reading->count = 0;
  /* One more than needed, for a point that a spoil adds; never 0 bytes. */
  reading->points = malloc ((json_array_size (history) + 1) * sizeof (*reading->points));
  if (NULL == reading->points)
    abort ();
  json_array_foreach (history, i, item)
  {
    const char *key = json_string_value (json_object_get (item, "key"));

    if (NULL != key && 0 == strcmp (key, shape_keys[shape]) && point_take (&reading->points[reading->count], item))
      reading->count++;
    else
    {
      verdict->foreign++;
      world_problem (world, "run %s key %s: item %zu of the history is no point of it", run->id, shape_keys[shape], i);
    }
  }
}

void
reading_free (struct reading *reading)
{
  free (reading->points);
  reading->points = NULL;
}

static int
order_expected (const void *a, const void *b)
{
  return point_order_history (&((const struct expected *)a)->point, &((const struct expected *)b)->point);
}

static int
order_points (const void *a, const void *b)
{
  return point_order_history (a, b);
}

static void
tell (struct world *world, bool quiet, const struct run *run, enum shape shape, const char *what,
      const struct point *point, long number, const struct entry *entry)
{
  char ledger[128] = "not in the ledger";

  if (quiet)
    return;
  if (NULL != entry && POINT_ACKNOWLEDGED == entry->state)
    snprintf (ledger, sizeof (ledger), "number %ld, sent after kill %u, acknowledged after kill %u", number,
              entry->sent_after, entry->told_after);
  else if (NULL != entry)
    snprintf (ledger, sizeof (ledger), "number %ld, sent after kill %u, %s", number, entry->sent_after,
              POINT_REFUSED == entry->state ? "refused" : "never acknowledged");
  world_problem (world, "run %s key %s: %s: timestamp %" PRId64 " step %" PRId64 " value %.17g (%s)", run->id,
                 shape_keys[shape], what, point->timestamp, point->step, point->value, ledger);
}

/* The order of what was read, and points that are there twice in a row. */
static void
check_order (struct verdict *verdict, struct world *world, const struct run *run, enum shape shape,
             struct reading *reading, bool quiet)
{
  bool sorted = true;

  for (long i = 1; i < reading->count && sorted; i++)
    if (point_order_history (&reading->points[i - 1], &reading->points[i]) > 0)
    {
      verdict->disorder++;
      tell (world, quiet, run, shape, "out of order", &reading->points[i], -1, NULL);
      sorted = false;
    }
  if (! sorted)
    qsort (reading->points, (size_t)reading->count, sizeof (*reading->points), order_points);
  for (long i = 1; i < reading->count; i++)
    if (0 == point_order_history (&reading->points[i - 1], &reading->points[i]))
    {
      verdict->doubled++;
      tell (world, quiet, run, shape, "there twice", &reading->points[i], -1, NULL);
    }
}

void
match_series (struct verdict *verdict, struct world *world, const struct run *run, enum shape shape,
              struct reading *reading, const struct entry *before, long before_count, const struct entry *after,
              long after_count, unsigned char *seen, bool quiet)
{
  struct expected *expected = malloc ((size_t)(after_count + 1) * sizeof (*expected));
  long next = 0;

  if (NULL == expected)
    abort ();
  check_order (verdict, world, run, shape, reading, quiet);
  for (long number = 0; number < after_count; number++)
  {
    expected[number].number = number;
    point_make (&expected[number].point, run, shape, number);
  }
  qsort (expected, (size_t)after_count, sizeof (*expected), order_expected);
  verdict->series++;
  verdict->points += reading->count;
  for (long i = 0; i < after_count; i++)
  {
    long number = expected[i].number;
    const struct point *point = &expected[i].point;
    bool there;

    for (; next < reading->count && point_order_history (&reading->points[next], point) < 0; next++)
    {
      verdict->foreign++;
      tell (world, quiet, run, shape, "was never sent", &reading->points[next], -1, NULL);
    }
    there = next < reading->count && 0 == point_order_history (&reading->points[next], point);
    /* Doubles were counted already. */
    while (next < reading->count && 0 == point_order_history (&reading->points[next], point))
      next++;
    if (NULL != seen)
      seen[number] = there;
    if (there && POINT_REFUSED == after[number].state)
    {
      verdict->foreign++;
      tell (world, quiet, run, shape, "was refused and is there", point, number, &after[number]);
    }
    verdict->unsure += there && POINT_SENT == after[number].state;
    if (! there && number < before_count && POINT_ACKNOWLEDGED == before[number].state)
    {
      verdict->missing++;
      tell (world, quiet, run, shape, "is missing", point, number, &before[number]);
    }
  }
  for (; next < reading->count; next++)
  {
    verdict->foreign++;
    tell (world, quiet, run, shape, "was never sent", &reading->points[next], -1, NULL);
  }
  free (expected);
}
