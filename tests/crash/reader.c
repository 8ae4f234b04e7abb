/* Readers that look on while the servers are killed. */
#include "reader.h"

#include "shown.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct entry *
copy_entries (struct run *run, enum shape shape, long *count)
{
  const struct series *series = &run->series[shape];
  struct entry *copy;

  pthread_mutex_lock (&run->lock);
  *count = series->count;
  copy = malloc ((size_t)(*count + 1) * sizeof (*copy));
  if (NULL == copy)
    abort ();
  if (*count > 0)
    memcpy (copy, series->entries, (size_t)*count * sizeof (*copy));
  pthread_mutex_unlock (&run->lock);
  return copy;
}

/* The latest point shown is none that was never sent, and not less than one acknowledged before. */
static void
check_latest_meanwhile (struct world *world, const struct run *run, enum shape shape, const json_t *answer,
                        const struct entry *before, long before_count, const struct entry *after, long after_count)
{
  struct point latest;
  bool found = shown_find_latest (&latest, answer, shape);
  bool known = false;
  bool wanted = false;

  for (long number = 0; number < after_count; number++)
  {
    struct point point;

    point_make (&point, run, shape, number);
    if (number < before_count && POINT_ACKNOWLEDGED == before[number].state)
      wanted = wanted || ! found || point_order_latest (&point, &latest) > 0;
    known = known || (found && POINT_REFUSED != after[number].state && 0 == point_order_latest (&point, &latest));
  }
  if (wanted || (found && ! known))
    world_problem (world, "run %s key %s: meanwhile the latest point is %s", run->id, shape_keys[shape],
                   wanted ? "less than one acknowledged before" : "none that was sent");
}

static void
read_once (struct reader *reader, struct api *api, struct run *run)
{
  enum shape shape = (enum shape)random_below (&reader->random, SHAPES);
  struct verdict verdict = { .series = 0 };
  long before_count;
  long after_count;
  struct entry *before = copy_entries (run, shape, &before_count);
  struct entry *after;
  bool latest = 0 == random_below (&reader->random, 2);
  json_t *answer =
      latest ? shown_get_run (api, run)
             : api_history (api, run->id, shape_keys[shape], (int)(1000 + random_below (&reader->random, 9000)));

  after = copy_entries (run, shape, &after_count);
  if (NULL != answer && latest)
    check_latest_meanwhile (reader->world, run, shape, answer, before, before_count, after, after_count);
  else if (NULL != answer)
  {
    struct reading reading;

    reading_take (&reading, &verdict, reader->world, run, shape, answer);
    match_series (&verdict, reader->world, run, shape, &reading, before, before_count, after, after_count, NULL, false);
    atomic_fetch_add (&reader->world->read, reading.count);
    reading_free (&reading);
  }
  json_decref (answer);
  free (before);
  free (after);
}

void *
reader_run (void *user)
{
  struct reader *reader = user;
  struct api api;
  char address[128] = "";

  api_open (&api, address);
  while (! atomic_load (&reader->world->stopping))
  {
    struct run *run = world_any_run (reader->world, &reader->random);

    if (NULL != run && world_daemon (reader->world, address, &reader->random))
      read_once (reader, &api, run);
    usleep ((useconds_t)(1000 + random_below (&reader->random, 2 * reader->pause_us)));
  }
  api_close (&api);
  return NULL;
}
