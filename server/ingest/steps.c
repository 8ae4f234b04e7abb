/* Collecting distinct steps. */
#include "ingest/steps.h"

#include "base/number.h"

#include <stdlib.h>

/* Steps that may have to be written out one by one, when series with different strides overlap: 80 MB. */
#define EXPLICIT_MAX ((uint64_t)10 * 1000 * 1000)

/* `count` steps from `start` on, `stride` apart; or `values`. */
struct progression
{
  int64_t start;
  uint64_t stride;
  uint64_t count;
  const int64_t *values; /* NULL: an even one */
  uint64_t before; /* steps of the progressions before it; set at the end */
};

struct steps
{
  struct arena *arena;
  int64_t start;
  int64_t end;
  struct progression *list;
  size_t count;
  size_t capacity;
  struct progression open; /* the one that is growing; count 0: none */
  bool failed;
};

static int64_t
step_of (const struct progression *progression, uint64_t index)
{
  if (NULL != progression->values)
    return progression->values[index];
  return (int64_t)((uint64_t)progression->start + index * progression->stride);
}

static int64_t
last_of (const struct progression *progression)
{
  return step_of (progression, progression->count - 1);
}

static void
append (struct steps *steps, const struct progression *progression)
{
  if (steps->count == steps->capacity)
  {
    size_t capacity = steps->capacity * 2 + 16;
    struct progression *grown = arena_array (steps->arena, capacity, sizeof (*grown));

    if (NULL == grown)
    {
      steps->failed = true;
      return;
    }
    if (steps->count > 0)
      memcpy (grown, steps->list, steps->count * sizeof (*grown));
    steps->list = grown;
    steps->capacity = capacity;
  }
  steps->list[steps->count++] = *progression;
}

static void
close_open (struct steps *steps)
{
  if (steps->open.count > 0)
    append (steps, &steps->open);
  steps->open.count = 0;
}

/* Add an even progression, cut to the range; it continues the open one where it can. */
static void
add (struct steps *steps, int64_t start, uint64_t stride, uint64_t count)
{
  struct progression *open = &steps->open;
  int64_t last = (int64_t)((uint64_t)start + (count - 1) * stride);

  if (last < steps->start || start > steps->end)
    return;
  if (start < steps->start)
  {
    uint64_t distance = (uint64_t)steps->start - (uint64_t)start;
    uint64_t skipped = distance / stride + (0 != distance % stride);

    start = (int64_t)((uint64_t)start + skipped * stride);
    count -= skipped;
    if (0 == count || start > steps->end)
      return;
  }
  if (last > steps->end)
    count = 1 == count ? 1 : ((uint64_t)steps->end - (uint64_t)start) / stride + 1;
  if (open->count > 0 && start >= open->start)
  {
    uint64_t gap = (uint64_t)start - (uint64_t)last_of (open);

    if (1 == count && start == last_of (open))
      return;
    if (1 == open->count && gap > 0 && start > last_of (open) && (1 == count || stride == gap))
      open->stride = gap;
    if (open->count + count > 1 && gap == open->stride && start > last_of (open) && (1 == count || stride == gap))
    {
      open->count += count;
      return;
    }
  }
  close_open (steps);
  *open = (struct progression){ .start = start, .stride = stride, .count = count };
}

static enum err_code
take_chunk (void *context, struct view_chunk *chunk, const struct metric_point *points, size_t count, struct err *err)
{
  struct steps *steps = context;

  (void)chunk;
  (void)err;
  for (size_t i = 0; i < count; i++)
    if (0 == i || points[i - 1].step != points[i].step)
      add (steps, points[i].step, 1, 1);
  close_open (steps);
  return ERR_OK;
}

/* Add the steps of a chunk from its summary. False when they are too irregular to be known from there. */
static bool
add_summary (struct steps *steps, const struct views *views, const struct view_chunk *chunk)
{
  struct chunk_block blocks[CHUNK_BLOCKS_MAX];
  size_t count;

  if (! views_summary (blocks, &count, views, chunk))
    return false;
  for (size_t i = 0; i < count; i++)
    if (0 == blocks[i].stride && blocks[i].first.step != blocks[i].last.step)
      return false;
  for (size_t i = 0; i < count; i++)
  {
    if (blocks[i].stride > 0)
      add (steps, blocks[i].first.step, (uint64_t)blocks[i].stride, blocks[i].count);
    else
      add (steps, blocks[i].first.step, 1, 1);
  }
  return true;
}

static enum err_code
collect_view (struct steps *steps, struct views *views, const struct view *view, struct err *err)
{
  struct view_chunk **wanted = arena_array (steps->arena, view->chunk_count, sizeof (wanted[0]));
  size_t count = 0;

  if (NULL == wanted)
    return views_too_much (err);
  for (size_t i = 0; i < view->chunk_count; i++)
    if (! add_summary (steps, views, &view->chunks[i]))
      wanted[count++] = &view->chunks[i];
  for (size_t i = 0; i < view->young_count; i++)
    add (steps, view->young[i].step, 1, 1);
  close_open (steps);
  return views_fetch (views, wanted, count, take_chunk, steps, err);
}

static int
compare_starts (const void *a, const void *b)
{
  const struct progression *left = a;
  const struct progression *right = b;

  if (left->start != right->start)
    return left->start < right->start ? -1 : 1;
  /* The longer one first: a single step within it then needs no list of all. */
  return (left->count < right->count) - (left->count > right->count);
}

/* Whether two progressions that begin in order share their stride and fall onto the same steps. */
static bool
same_beat (const struct progression *a, const struct progression *b)
{
  uint64_t distance = (uint64_t)b->start - (uint64_t)a->start;

  if (1 == b->count)
    return 0 == distance % a->stride && distance / a->stride < a->count;
  return a->stride == b->stride && 0 == distance % a->stride;
}

/* Make one progression of some that overlap. */
static enum err_code
unite (struct progression *united, struct steps *steps, const struct progression *cluster, size_t count,
       struct err *err)
{
  bool even = true;
  uint64_t total = 0;
  uint64_t kept = 0;
  int64_t *values;

  *united = cluster[0];
  for (size_t i = 1; i < count && even; i++)
  {
    uint64_t distance = (uint64_t)cluster[i].start - (uint64_t)united->start;

    even = same_beat (united, &cluster[i]);
    if (even && 1 < cluster[i].count && distance / united->stride + cluster[i].count > united->count)
      united->count = distance / united->stride + cluster[i].count;
  }
  if (even)
    return ERR_OK;
  for (size_t i = 0; i < count; i++)
    total += cluster[i].count;
  values = total > EXPLICIT_MAX ? NULL : arena_array (steps->arena, (size_t)total, sizeof (int64_t));
  if (NULL == values)
    return views_too_much (err);
  total = 0;
  for (size_t i = 0; i < count; i++)
    for (uint64_t j = 0; j < cluster[i].count; j++)
      values[total++] = step_of (&cluster[i], j);
  qsort (values, (size_t)total, sizeof (values[0]), number_compare_int64_items);
  for (uint64_t i = 0; i < total; i++)
    if (0 == kept || values[kept - 1] != values[i])
      values[kept++] = values[i];
  *united = (struct progression){ .start = values[0], .stride = 1, .count = kept, .values = values };
  return ERR_OK;
}

/* Sort, and unite what overlaps, so that the list has each step once. */
static enum err_code
settle (struct steps *steps, struct err *err)
{
  size_t kept = 0;
  uint64_t before = 0;

  if (steps->count > 1)
    qsort (steps->list, steps->count, sizeof (steps->list[0]), compare_starts);
  for (size_t i = 0; i < steps->count;)
  {
    int64_t end = last_of (&steps->list[i]);
    size_t next = i + 1;
    struct progression united;
    enum err_code code;

    for (; next < steps->count && steps->list[next].start <= end; next++)
      if (last_of (&steps->list[next]) > end)
        end = last_of (&steps->list[next]);
    code = unite (&united, steps, &steps->list[i], next - i, err);
    if (ERR_OK != code)
      return code;
    united.before = before;
    before += united.count;
    steps->list[kept++] = united;
    i = next;
  }
  steps->count = kept;
  return ERR_OK;
}

enum err_code
steps_collect (struct steps **result, struct views *views, int64_t start, int64_t end, struct err *err)
{
  struct steps *steps = arena_alloc (views->arena, sizeof (*steps));
  enum err_code code = ERR_OK;

  *result = steps;
  if (NULL == steps)
    return views_too_much (err);
  steps->arena = views->arena;
  steps->start = start;
  steps->end = end;
  for (size_t i = 0; ERR_OK == code && i < views->run_count * views->key_count; i++)
    code = collect_view (steps, views, &views->views[i], err);
  if (ERR_OK == code && steps->failed)
    code = views_too_much (err);
  return ERR_OK == code ? settle (steps, err) : code;
}

uint64_t
steps_count (const struct steps *steps)
{
  if (0 == steps->count)
    return 0;
  return steps->list[steps->count - 1].before + steps->list[steps->count - 1].count;
}

int64_t
steps_at (const struct steps *steps, uint64_t position)
{
  size_t low = 0;
  size_t high = steps->count;

  while (high - low > 1)
  {
    size_t middle = low + (high - low) / 2;

    if (steps->list[middle].before <= position)
      low = middle;
    else
      high = middle;
  }
  return step_of (&steps->list[low], position - steps->list[low].before);
}
