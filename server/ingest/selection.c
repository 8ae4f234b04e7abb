/* Selecting the first points of a series: chunk by chunk, in the order of what they may begin with.

   DESIGN
   Chunks overlap seldom in the order that is wanted, so the first few of them hold the first points; reading stops when
   everything found comes before all that the next chunk could begin with. Where chunks do overlap, all are read, but
   never more than a few times `limit` points are kept: when the list is full, it is cut to the first `limit`, and what
   lies behind is not taken any more. */
#include "ingest/selection.h"

#include <math.h>
#include <stdlib.h>

/* The list is cut when it holds so many times the limit, and a chunk. */
#define LIST_FACTOR 2
/* Chunks that are read before looking again whether they were enough; of those, when only some steps are wanted, each
   gives few points. */
#define STRIDE_MAX 32
#define STRIDE_STEPS_MAX 256

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

/* Sort, drop repeated points, cut to the limit. */
static void
settle (struct selection *selection)
{
  selection->count = points_settle (selection->points, selection->count, selection->order);
  if (selection->count <= selection->limit)
    return;
  selection->bound = selection->points[selection->limit];
  selection->bounded = true;
  selection->more = true;
  selection->count = selection->limit;
}

/* The first of the steps that is not less than `step`. */
static size_t
find_step (const struct selection *selection, int64_t step)
{
  size_t low = 0;
  size_t high = selection->step_count;

  while (low < high)
  {
    size_t middle = low + (high - low) / 2;

    if (selection->steps[middle] < step)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* `next` is the place of the last step among those wanted: points come in the order of their steps. */
static bool
is_wanted (const struct selection *selection, const struct metric_point *point, size_t *next)
{
  if (NULL != selection->steps)
  {
    while (*next < selection->step_count && selection->steps[*next] < point->step)
      (*next)++;
    if (*next == selection->step_count || selection->steps[*next] != point->step)
      return false;
  }
  if (NULL != selection->after && selection->order (point, selection->after) <= 0)
    return false;
  return ! selection->bounded || selection->order (point, &selection->bound) < 0;
}

static enum err_code
add (struct selection *selection, const struct metric_point *points, size_t count, struct err *err)
{
  /* A limit may come from a client, and be as large as it likes. */
  size_t most = selection->limit < SIZE_MAX / LIST_FACTOR - CHUNK_MAX_POINTS
                    ? selection->limit * LIST_FACTOR + CHUNK_MAX_POINTS
                    : SIZE_MAX;
  size_t next = count > 0 && NULL != selection->steps ? find_step (selection, points[0].step) : 0;

  for (size_t i = 0; i < count; i++)
  {
    if (! is_wanted (selection, &points[i], &next))
      continue;
    if (selection->count == most)
      settle (selection);
    if (selection->count == selection->capacity)
    {
      size_t capacity = 0 == selection->capacity ? 1024 : selection->capacity * 2;
      struct metric_point *grown;

      if (capacity > most)
        capacity = most;
      grown = reallocarray (selection->points, capacity, sizeof (*grown));
      if (NULL == grown)
        return out_of_memory (err);
      selection->points = grown;
      selection->capacity = capacity;
    }
    selection->points[selection->count++] = points[i];
  }
  return ERR_OK;
}

static enum err_code
take_chunk (void *context, struct view_chunk *chunk, const struct metric_point *points, size_t count, struct err *err)
{
  (void)chunk;
  return add (context, points, count, err);
}

/* No point of the chunk comes before this one. */
static struct metric_point
least_of (const struct store_chunk *row, metric_order order)
{
  /* Two bounds of different points: as good as a bound of both. NaN comes before all other values. */
  if (metric_point_compare_time == order)
    return (struct metric_point){ .timestamp_ms = row->min_timestamp_ms, .step = row->first_step, .value = NAN };
  return (struct metric_point){ .timestamp_ms = row->first_timestamp_ms, .step = row->first_step, .value = NAN };
}

/* The order of what they may begin with, as in least_of. */
static int
compare_by_time (const void *a, const void *b)
{
  const struct store_chunk *left = &(*(const struct view_chunk *const *)a)->row;
  const struct store_chunk *right = &(*(const struct view_chunk *const *)b)->row;

  return place_compare (left->min_timestamp_ms, left->first_step, right->min_timestamp_ms, right->first_step);
}

/* Whether a chunk can hold a point at one of the steps. */
static bool
has_step (const struct selection *selection, const struct store_chunk *row)
{
  size_t first;

  if (NULL == selection->steps)
    return true;
  first = find_step (selection, row->first_step);
  return first < selection->step_count && selection->steps[first] <= row->last_step;
}

/* The chunks to read, in order. */
static size_t
list_chunks (struct view_chunk **list, const struct selection *selection, const struct view *view)
{
  size_t count = 0;

  for (size_t i = 0; i < view->chunk_count; i++)
    if (has_step (selection, &view->chunks[i].row))
      list[count++] = &view->chunks[i];
  if (metric_point_compare_time == selection->order && count > 1)
    qsort (list, count, sizeof (list[0]), compare_by_time);
  return count;
}

/* How many of the next chunks will do if none is in vain, at least one. */
static size_t
stride (const struct selection *selection, struct view_chunk *const *chunks, size_t count)
{
  size_t points = selection->count;
  size_t length = 0;

  if (NULL != selection->steps)
    return count < STRIDE_STEPS_MAX ? count : STRIDE_STEPS_MAX;
  while (length < count && length < STRIDE_MAX && (0 == length || points <= selection->limit))
    points += (size_t)chunks[length++]->row.point_count;
  return length;
}

/* No young point comes before this one. */
static struct metric_point
least_young (const struct view *view, metric_order order)
{
  struct metric_point least = view->young[0];

  /* They are in the order of steps. */
  for (size_t i = 1; metric_point_compare_step != order && i < view->young_count; i++)
    if (order (&view->young[i], &least) < 0)
      least = view->young[i];
  return least;
}

enum err_code
selection_run (struct selection *selection, struct views *views, size_t number, struct err *err)
{
  const struct view *view = &views->views[number];
  struct view_chunk **chunks = arena_array (views->arena, view->chunk_count, sizeof (chunks[0]));
  bool young_left = view->young_count > 0;
  struct metric_point young_least = { .step = 0 };
  size_t next = 0;
  size_t count;
  enum err_code code = ERR_OK;

  if (NULL == chunks)
    return views_too_much (err);
  count = list_chunks (chunks, selection, view);
  if (young_left)
    young_least = least_young (view, selection->order);
  /* What begins first is added first, so that points mostly come in order and need no sorting. */
  while (ERR_OK == code && (young_left || next < count))
  {
    struct metric_point least = next < count ? least_of (&chunks[next]->row, selection->order) : young_least;
    bool is_young = young_left && (next == count || selection->order (&young_least, &least) <= 0);

    if (is_young)
      least = young_least;
    settle (selection);
    if (selection->bounded && selection->order (&least, &selection->bound) >= 0)
      break;
    if (is_young)
    {
      code = add (selection, view->young, view->young_count, err);
      young_left = false;
    }
    else
    {
      size_t length = stride (selection, chunks + next, count - next);

      code = views_fetch (views, chunks + next, length, take_chunk, selection, err);
      next += length;
    }
  }
  settle (selection);
  return code;
}

void
selection_free (struct selection *selection)
{
  free (selection->points);
  selection->points = NULL;
  selection->count = 0;
}
