/* The ledger of what was written, and the points themselves. */
#include "world.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any moment will do; this is in November 2023. */
#define FIRST_TIMESTAMP 1700000000000
/* Between the times of two numbers; what is in between is for points that come late. */
#define TIMESTAMP_STRIDE 8
/* Problems told in words; the rest is only counted. */
#define PROBLEMS_TOLD 200

const char *const shape_keys[SHAPES] = { "up", "late", "down", "still" };

static void *
grow (void *block, long count, long *capacity, size_t size)
{
  if (count <= *capacity)
    return block;
  *capacity = count * 2;
  block = realloc (block, (size_t)*capacity * size);
  if (NULL == block)
    abort ();
  return block;
}

void
world_init (struct world *world, uint64_t seed)
{
  memset (world, 0, sizeof (*world));
  world->seed = seed;
  pthread_mutex_init (&world->lock, NULL);
}

void
world_free (struct world *world)
{
  for (long i = 0; i < world->run_count; i++)
  {
    struct run *run = world->runs[i];

    for (int shape = 0; shape < SHAPES; shape++)
      free (run->series[shape].entries);
    free (run->params);
    free (run->open);
    pthread_mutex_destroy (&run->lock);
    free (run);
  }
  pthread_mutex_destroy (&world->lock);
}

void
world_problem (struct world *world, const char *format, ...)
{
  char text[1024];
  va_list list;

  va_start (list, format);
  vsnprintf (text, sizeof (text), format, list);
  va_end (list);
  if (atomic_fetch_add (&world->problems, 1) < PROBLEMS_TOLD)
    fprintf (stderr, "after kill %u: %s\n", atomic_load (&world->kill), text);
}

bool
world_daemon (struct world *world, char address[128], struct random *random)
{
  long begin = random_below (random, DAEMONS_MAX);
  bool found = false;

  pthread_mutex_lock (&world->lock);
  for (long i = 0; i < DAEMONS_MAX && ! found; i++)
  {
    const char *candidate = world->daemons[(begin + i) % DAEMONS_MAX];

    found = '\0' != *candidate;
    if (found)
      snprintf (address, 128, "%s", candidate);
  }
  pthread_mutex_unlock (&world->lock);
  return found;
}

struct run *
world_add_run (struct world *world, const char *id, int slot, const struct run *old)
{
  struct run *run = calloc (1, sizeof (*run));

  if (NULL == run)
    abort ();
  snprintf (run->id, sizeof (run->id), "%s", id);
  pthread_mutex_init (&run->lock, NULL);
  pthread_mutex_lock (&world->lock);
  if (RUNS_MAX == world->run_count)
    abort ();
  run->seed = random_mix (world->seed + (uint64_t)world->run_count);
  world->runs[world->run_count++] = run;
  if (world->active[slot] == old)
    world->active[slot] = run;
  pthread_mutex_unlock (&world->lock);
  return run;
}

struct run *
world_any_run (struct world *world, struct random *random)
{
  struct run *run = NULL;

  pthread_mutex_lock (&world->lock);
  if (world->run_count > 0)
    run = world->runs[random_below (random, world->run_count)];
  pthread_mutex_unlock (&world->lock);
  return run;
}

/* A point that comes late keeps its number in its value, and its time is none of those that points in time have. */
static void
make_late (struct point *point, uint64_t mix, long number)
{
  /* Now a little, so that it falls into the newest points, now far back into chunks of long ago. */
  long back = 1 + (long)(mix >> 8) % (mix & 64 ? 20 : 6000);
  int64_t late = FIRST_TIMESTAMP + TIMESTAMP_STRIDE * (number - back) + 1 + number % (TIMESTAMP_STRIDE - 1);

  switch ((mix >> 40) % 3)
  {
  case 0:
    point->step = number - back;
    break;
  case 1:
    point->timestamp = late;
    break;
  default:
    point->step = number - back;
    point->timestamp = late;
    break;
  }
  point->value = (double)number + 0.5;
}

void
point_make (struct point *point, const struct run *run, enum shape shape, long number)
{
  uint64_t mix = random_mix (run->seed ^ ((uint64_t)shape << 56) ^ (uint64_t)number);

  point->timestamp = FIRST_TIMESTAMP + TIMESTAMP_STRIDE * number;
  point->step = number;
  switch (shape)
  {
  case SHAPE_UP:
    point->value = 1.0 / (1.0 + (double)number * 0.001) + (double)(mix >> 40) * 1e-9;
    break;
  case SHAPE_LATE:
    point->value = (double)(number * 37 % 1000);
    if (0 == mix % 8)
      make_late (point, mix, number);
    break;
  case SHAPE_DOWN:
    point->step = 500 - number;
    point->value = ldexp ((double)(mix >> 10) - 4e15, (int)(mix % 1800) - 950);
    break;
  case SHAPE_STILL:
  case SHAPES:
    point->step = 0;
    point->value = 0 == mix % 16 ? NAN : 1 == mix % 16 ? INFINITY : 2 == mix % 16 ? -INFINITY : 0.25;
    break;
  }
}

static int
order_values (double a, double b)
{
  if (isnan (a) || isnan (b))
    return (! isnan (a)) - (! isnan (b));
  return (a > b) - (a < b);
}

int
point_order_history (const struct point *a, const struct point *b)
{
  int order = (a->timestamp > b->timestamp) - (a->timestamp < b->timestamp);

  if (0 == order)
    order = (a->step > b->step) - (a->step < b->step);
  return 0 == order ? order_values (a->value, b->value) : order;
}

int
point_order_latest (const struct point *a, const struct point *b)
{
  int order = (a->step > b->step) - (a->step < b->step);

  if (0 == order)
    order = (a->timestamp > b->timestamp) - (a->timestamp < b->timestamp);
  return 0 == order ? order_values (a->value, b->value) : order;
}

json_t *
point_json (const struct run *run, enum shape shape, long number)
{
  struct point point;
  json_t *value;
  json_t *json;

  point_make (&point, run, shape, number);
  if (isnan (point.value))
    value = json_string ("NaN");
  else if (isinf (point.value))
    value = json_string (point.value > 0 ? "Infinity" : "-Infinity");
  else
    value = json_real (point.value);
  json = json_pack ("{s:s,s:o,s:I,s:I}", "key", shape_keys[shape], "value", value, "timestamp",
                    (json_int_t)point.timestamp, "step", (json_int_t)point.step);
  if (SHAPE_UP == shape && 7 == number % 50)
    json_object_set_new (json, "model_id", json_string ("m-crash"));
  return json;
}

void
run_take (struct world *world, struct run *run, struct range *range, enum point_state state)
{
  struct series *series = &run->series[range->shape];

  pthread_mutex_lock (&run->lock);
  series->entries = grow (series->entries, series->count + range->count, &series->capacity, sizeof (*series->entries));
  range->first = series->count;
  for (long i = 0; i < range->count; i++)
    series->entries[series->count++] =
        (struct entry){ .state = (unsigned char)state, .sent_after = (uint16_t)atomic_load (&world->kill) };
  run->points += range->count;
  pthread_mutex_unlock (&run->lock);
}

long
run_take_param (struct world *world, struct run *run)
{
  long number;
  struct entry *params;

  pthread_mutex_lock (&run->lock);
  number = run->param_count++;
  params = realloc (run->params, (size_t)run->param_count * sizeof (*params));
  if (NULL == params)
    abort ();
  params[number] = (struct entry){ .state = POINT_SENT, .sent_after = (uint16_t)atomic_load (&world->kill) };
  run->params = params;
  pthread_mutex_unlock (&run->lock);
  return number;
}

bool
run_repeat (struct run *run, struct range *range, long most, struct random *random)
{
  const struct series *series;

  range->shape = (enum shape)random_below (random, SHAPES);
  range->count = 0;
  series = &run->series[range->shape];
  pthread_mutex_lock (&run->lock);
  range->first = series->count > 0 ? random_below (random, series->count) : 0;
  while (range->count < most && range->first + range->count < series->count
         && POINT_ACKNOWLEDGED == series->entries[range->first + range->count].state)
    range->count++;
  pthread_mutex_unlock (&run->lock);
  return range->count > 0;
}

static void
acknowledge (struct world *world, struct entry *entry)
{
  entry->state = POINT_ACKNOWLEDGED;
  entry->told_after = (uint16_t)atomic_load (&world->kill);
}

long
run_acknowledge (struct world *world, struct run *run, const struct batch *batch)
{
  long points = 0;

  pthread_mutex_lock (&run->lock);
  for (int i = 0; i < batch->range_count; i++)
  {
    const struct range *range = &batch->ranges[i];

    for (long number = range->first; number < range->first + range->count; number++)
      acknowledge (world, &run->series[range->shape].entries[number]);
    points += range->count;
  }
  if (batch->param >= 0)
    acknowledge (world, &run->params[batch->param]);
  pthread_mutex_unlock (&run->lock);
  return points;
}

void
run_leave_open (struct run *run, const struct batch *batch)
{
  struct batch *open;

  pthread_mutex_lock (&run->lock);
  open = realloc (run->open, (size_t)(run->open_count + 1) * sizeof (*open));
  if (NULL == open)
    abort ();
  open[run->open_count++] = *batch;
  run->open = open;
  pthread_mutex_unlock (&run->lock);
}
