/* Reducing series to columns. */
#include "ingest/chart.h"

#include <math.h>
#include <stdlib.h>

/* Columns that are filled at once, over all series: 10 MB. */
#define COLUMNS_MAX ((size_t)65536)
/* When a chart has grown to so many times the columns that were asked for, it gets new ones. */
#define GROWTH 2
/* A block may stick out of its column by one in so many parts of a column. */
#define OVERHANG 2

struct chart_column
{
  bool any;
  bool any_value; /* not only NaN */
  struct metric_point first;
  struct metric_point last;
  struct metric_point least;
  struct metric_point greatest;
};

/* One series while it is reduced. */
struct reduction
{
  const struct view *view;
  struct chart_series *series;
  struct chart_column *columns; /* from first_column on */
  uint64_t first_column;
  size_t column_count;
  int64_t from; /* of x: what comes before is not shown */
  int64_t last_column_start;
  uint64_t seen; /* points within the range and not before `from` */
  uint64_t in_last; /* of those, not before last_column_start */
};

struct charting
{
  struct views views;
  const struct chart_question *question;
  struct chart *chart;
  struct arena *arena;
  struct reduction *reductions; /* of each view */
  metric_order order;
};

static int64_t
x_of (const struct charting *charting, const struct reduction *reduction, const struct metric_point *point)
{
  if (CHART_STEP == charting->question->x)
    return point->step;
  return (int64_t)((uint64_t)point->timestamp_ms - (uint64_t)reduction->series->origin);
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

static void
add_point (struct chart_column *column, const struct metric_point *point, metric_order order)
{
  if (! column->any || order (point, &column->first) < 0)
    column->first = *point;
  if (! column->any || order (point, &column->last) > 0)
    column->last = *point;
  column->any = true;
  if (isnan (point->value))
    return;
  if (! column->any_value || point->value < column->least.value
      || (point->value <= column->least.value && order (point, &column->least) < 0))
    column->least = *point;
  if (! column->any_value || point->value > column->greatest.value
      || (point->value >= column->greatest.value && order (point, &column->greatest) < 0))
    column->greatest = *point;
  column->any_value = true;
}

/* The column of a place; NULL when the bounds of the series are wrong about it, as after damage. */
static struct chart_column *
column_at (const struct charting *charting, const struct reduction *reduction, int64_t x)
{
  const struct chart_cursor *grid = &charting->chart->cursor;
  uint64_t number = ((uint64_t)x - (uint64_t)grid->low) / grid->column - reduction->first_column;

  return number < reduction->column_count ? &reduction->columns[number] : NULL;
}

static bool
is_shown (const struct charting *charting, const struct reduction *reduction, int64_t x)
{
  return x >= charting->question->start && x <= charting->question->end && x >= reduction->from;
}

static void
add_points (struct charting *charting, struct reduction *reduction, const struct metric_point *points, size_t count)
{
  for (size_t i = 0; i < count; i++)
  {
    int64_t x = x_of (charting, reduction, &points[i]);
    struct chart_column *column = is_shown (charting, reduction, x) ? column_at (charting, reduction, x) : NULL;

    if (NULL == column)
      continue;
    add_point (column, &points[i], charting->order);
    reduction->seen++;
    reduction->in_last += x >= reduction->last_column_start;
    reduction->series->nan_points += isnan (points[i].value) != 0;
  }
}

/* Whether a block can be taken as a whole. */
static bool
fits (const struct charting *charting, const struct reduction *reduction, const struct chunk_block *block)
{
  const struct chart_cursor *grid = &charting->chart->cursor;
  int64_t first = x_of (charting, reduction, &block->first);
  int64_t last = x_of (charting, reduction, &block->last);

  if (CHART_STEP != charting->question->x && ! block->times_ascend)
    return false;
  if (NULL == column_at (charting, reduction, first) || ! is_shown (charting, reduction, first)
      || ! is_shown (charting, reduction, last))
    return false;
  /* The last column is asked for again by itself: nothing may lie over its edge. */
  if (first < reduction->last_column_start && last >= reduction->last_column_start)
    return false;
  return ((uint64_t)first - (uint64_t)grid->low) / grid->column == ((uint64_t)last - (uint64_t)grid->low) / grid->column
         || (uint64_t)last - (uint64_t)first <= grid->column / OVERHANG;
}

/* Take a chunk from its summary. False when it must be read. */
static bool
add_summary (struct charting *charting, struct reduction *reduction, const struct view_chunk *chunk)
{
  struct chunk_block blocks[CHUNK_BLOCKS_MAX];
  size_t count;

  if (! views_summary (blocks, &count, &charting->views, chunk))
    return false;
  for (size_t i = 0; i < count; i++)
    if (! fits (charting, reduction, &blocks[i]))
      return false;
  for (size_t i = 0; i < count; i++)
  {
    int64_t x = x_of (charting, reduction, &blocks[i].first);
    struct chart_column *column = column_at (charting, reduction, x);

    add_point (column, &blocks[i].first, charting->order);
    add_point (column, &blocks[i].last, charting->order);
    if (blocks[i].count > blocks[i].nan_count)
    {
      add_point (column, &blocks[i].least, charting->order);
      add_point (column, &blocks[i].greatest, charting->order);
    }
    reduction->seen += blocks[i].count;
    reduction->in_last += x >= reduction->last_column_start ? blocks[i].count : 0;
    reduction->series->nan_points += blocks[i].nan_count;
  }
  return true;
}

static enum err_code
take_chunk (void *context, struct view_chunk *chunk, const struct metric_point *points, size_t count, struct err *err)
{
  struct charting *charting = context;

  (void)err;
  add_points (charting, &charting->reductions[chunk->view], points, count);
  return ERR_OK;
}

/* The points of the columns in order, each once. */
static bool
write_series (struct charting *charting, struct reduction *reduction)
{
  struct chart_series *series = reduction->series;
  struct metric_point *points = malloc ((reduction->column_count * 4 + 1) * sizeof (struct metric_point));
  size_t count = 0;
  bool fine;

  for (size_t i = 0; NULL != points && i < reduction->column_count; i++)
  {
    const struct chart_column *column = &reduction->columns[i];
    const struct metric_point four[4] = { column->first, column->last, column->least, column->greatest };
    size_t length = ! column->any ? 0 : column->any_value ? 4 : 2;

    memcpy (points + count, four, length * sizeof (four[0]));
    count += points_settle (points + count, length, charting->order);
  }
  /* Again all together: where series overlap themselves, a block that sticks out of its column ends behind the first
     point of the next one. */
  count = NULL == points ? 0 : points_settle (points, count, charting->order);
  series->x = arena_array (charting->arena, count, sizeof (int64_t));
  series->y = arena_array (charting->arena, count, sizeof (double));
  fine = NULL != points && NULL != series->x && NULL != series->y;
  series->count = fine ? count : 0;
  for (size_t i = 0; i < series->count; i++)
  {
    series->x[i] = x_of (charting, reduction, &points[i]);
    series->y[i] = points[i].value;
  }
  free (points);
  return fine;
}

/* --- the grid ---------------------------------------------------------------------------------------------------- */

/* Least and greatest x of a series within the range; false when there is none. */
static bool
bounds (int64_t *low, int64_t *high, const struct charting *charting, const struct reduction *reduction)
{
  const struct view *view = reduction->view;
  const struct chart_question *question = charting->question;

  if (0 == view->points)
    return false;
  if (CHART_STEP == question->x)
  {
    *low = view->first_step;
    *high = view->last_step;
  }
  else
  {
    *low = (int64_t)((uint64_t)view->min_timestamp_ms - (uint64_t)reduction->series->origin);
    *high = (int64_t)((uint64_t)view->max_timestamp_ms - (uint64_t)reduction->series->origin);
  }
  if (*low < question->start)
    *low = question->start;
  if (*high > question->end)
    *high = question->end;
  return *low <= *high;
}

/* The columns over all series: those of the cursor while they do, else new ones. */
static void
choose_grid (struct charting *charting, const struct chart_cursor *since)
{
  struct chart_cursor *grid = &charting->chart->cursor;
  const size_t count = charting->views.run_count * charting->views.key_count;
  uint64_t range;
  int64_t low = INT64_MAX;
  int64_t high = INT64_MIN;

  for (size_t i = 0; i < count; i++)
  {
    int64_t one_low;
    int64_t one_high;

    if (! bounds (&one_low, &one_high, charting, &charting->reductions[i]))
      continue;
    low = one_low < low ? one_low : low;
    high = one_high > high ? one_high : high;
  }
  grid->low = low;
  grid->column = 0;
  if (low > high)
    return;
  if (NULL != since && 0 != since->column && low >= since->low
      && ((uint64_t)high - (uint64_t)since->low) / since->column < charting->question->width * GROWTH)
  {
    grid->low = since->low;
    grid->column = since->column;
    return;
  }
  range = (uint64_t)high - (uint64_t)low;
  grid->column = range / charting->question->width;
  grid->column += UINT64_MAX != grid->column;
}

/* Where x counts from: the start of the run, or its first point if that is earlier. */
static void
choose_origins (struct charting *charting)
{
  const struct views *views = &charting->views;

  if (CHART_RELATIVE != charting->question->x)
    return;
  for (size_t run = 0; run < views->run_count; run++)
  {
    int64_t origin = charting->question->starts_ms[run] > 0 ? charting->question->starts_ms[run] : INT64_MAX;

    for (size_t key = 0; key < views->key_count; key++)
    {
      const struct view *view = &views->views[run * views->key_count + key];

      if (view->points > 0 && view->min_timestamp_ms < origin)
        origin = view->min_timestamp_ms;
    }
    for (size_t key = 0; key < views->key_count; key++)
      charting->chart->series[run * views->key_count + key].origin = origin;
  }
}

/* Room for the columns of a series. False when memory is out. */
static bool
prepare (struct charting *charting, size_t number)
{
  const struct chart_cursor *grid = &charting->chart->cursor;
  struct reduction *reduction = &charting->reductions[number];
  uint64_t last_column;
  int64_t low;
  int64_t high;

  reduction->column_count = 0;
  if (! reduction->series->shown || ! bounds (&low, &high, charting, reduction))
    return true;
  if (reduction->from > low)
    low = reduction->from;
  if (low > high)
    return true;
  last_column = ((uint64_t)high - (uint64_t)grid->low) / grid->column;
  reduction->first_column = ((uint64_t)low - (uint64_t)grid->low) / grid->column;
  reduction->column_count = (size_t)(last_column - reduction->first_column + 1);
  reduction->last_column_start = (int64_t)((uint64_t)grid->low + last_column * grid->column);
  reduction->columns = calloc (reduction->column_count, sizeof (struct chart_column));
  return NULL != reduction->columns;
}

/* Fill and write the columns of some series. */
static enum err_code
reduce_some (struct charting *charting, size_t start, size_t end, struct err *err)
{
  size_t most = 0;
  size_t count = 0;
  struct view_chunk **wanted;
  enum err_code code;

  for (size_t i = start; i < end; i++)
    most += charting->views.views[i].chunk_count;
  wanted = arena_array (charting->arena, most, sizeof (wanted[0]));
  if (NULL == wanted)
    return views_too_much (err);
  for (size_t i = start; i < end; i++)
  {
    struct reduction *reduction = &charting->reductions[i];
    const struct view *view = reduction->view;

    if (0 == reduction->column_count)
      continue;
    add_points (charting, reduction, view->young, view->young_count);
    for (size_t j = 0; j < view->chunk_count; j++)
      if (! add_summary (charting, reduction, &view->chunks[j]))
        wanted[count++] = &view->chunks[j];
  }
  code = views_fetch (&charting->views, wanted, count, take_chunk, charting, err);
  for (size_t i = start; ERR_OK == code && i < end; i++)
    if (! write_series (charting, &charting->reductions[i]))
      code = views_too_much (err);
  return code;
}

static enum err_code
reduce_all (struct charting *charting, struct err *err)
{
  const size_t count = charting->views.run_count * charting->views.key_count;
  enum err_code code = ERR_OK;

  for (size_t start = 0, end = 0; ERR_OK == code && start < count; start = end)
  {
    size_t columns = 0;

    for (; end < count && (end == start || columns < COLUMNS_MAX); end++)
    {
      if (! prepare (charting, end))
        code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
      columns += charting->reductions[end].column_count;
    }
    if (ERR_OK == code)
      code = reduce_some (charting, start, end, err);
    for (size_t i = start; i < end; i++)
    {
      free (charting->reductions[i].columns);
      charting->reductions[i].columns = NULL;
    }
  }
  return code;
}

/* --- since ------------------------------------------------------------------------------------------------------- */

static enum err_code
load (struct charting *charting, struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
      const uint32_t *key_ids, size_t key_count, const struct chart_cursor *since, struct err *err)
{
  const struct chart_question *question = charting->question;
  struct views_options options = { .key_names = question->key_names,
                                   .range = STORE_CHUNK_RANGE_ALL,
                                   .with_summary = true };
  int64_t from = NULL == since ? question->start : INT64_MAX;
  size_t count = run_count * key_count;
  enum err_code code;

  for (size_t i = 0; NULL != since && i < count; i++)
    if (since->marks[i].points > 0 && since->marks[i].append_from < from)
      from = since->marks[i].append_from;
  if (CHART_STEP == question->x)
  {
    options.range.min_step = from;
    options.range.max_step = question->end;
  }
  else if (CHART_TIME == question->x)
  {
    options.range.min_timestamp_ms = from;
    options.range.max_timestamp_ms = question->end;
  }
  code =
      views_load (&charting->views, connection, run_ids, run_count, key_ids, key_count, &options, charting->arena, err);
  if (ERR_OK != code)
    return code;
  for (size_t i = 0; i < count; i++)
  {
    charting->chart->series[i] = (struct chart_series){ .shown = charting->views.views[i].points > 0 };
    charting->reductions[i] = (struct reduction){ .view = &charting->views.views[i],
                                                  .series = &charting->chart->series[i],
                                                  .from = INT64_MIN,
                                                  .last_column_start = INT64_MIN };
  }
  choose_origins (charting);
  return ERR_OK;
}

/* Show of each series only what is new since a cursor. False when that cannot be done for all of them. */
static bool
restrict_to_new (struct charting *charting, const struct chart_cursor *since)
{
  const struct chart_cursor *grid = &charting->chart->cursor;

  if (grid->low != since->low || grid->column != since->column)
    return false;
  for (size_t i = 0; i < charting->views.run_count * charting->views.key_count; i++)
  {
    const struct chart_mark *mark = &since->marks[i];
    struct chart_series *series = &charting->chart->series[i];

    if (! series->shown && 0 == mark->points)
      continue;
    if (0 == mark->points || mark->origin != series->origin)
      return false;
    series->append = true;
    series->append_from = mark->append_from;
    charting->reductions[i].from = mark->append_from;
  }
  return true;
}

/* Whether no series has got points before what was read of it. */
static bool
only_grew (const struct charting *charting, const struct chart_cursor *since)
{
  for (size_t i = 0; i < charting->views.run_count * charting->views.key_count; i++)
    if (charting->chart->series[i].append
        && charting->views.views[i].points - charting->reductions[i].seen != since->marks[i].before)
      return false;
  return true;
}

/* Set the marks, and leave out what has not changed. With new columns everything is shown anew: what is appended later
   begins where one of the new columns does, and must find that one whole. */
static void
finish (struct charting *charting, const struct chart_cursor *since)
{
  const struct chart_cursor *grid = &charting->chart->cursor;
  bool same_grid = NULL != since && grid->low == since->low && grid->column == since->column;

  for (size_t i = 0; i < charting->views.run_count * charting->views.key_count; i++)
  {
    const struct reduction *reduction = &charting->reductions[i];
    struct chart_series *series = &charting->chart->series[i];
    struct chart_mark *mark = &charting->chart->cursor.marks[i];

    series->points = charting->question->ranged ? reduction->seen : reduction->view->points;
    series->shown = series->shown && series->points > 0;
    *mark = (struct chart_mark){ .points = series->points,
                                 .before = series->points - reduction->in_last,
                                 .append_from = reduction->last_column_start,
                                 .origin = series->origin };
    if (same_grid && since->marks[i].points == mark->points && since->marks[i].origin == mark->origin)
      series->shown = false;
  }
  charting->chart->damaged = charting->views.damaged;
}

enum err_code
chart_make (struct chart *chart, struct store_connection *connection, const struct uuid *run_ids, size_t run_count,
            const uint32_t *key_ids, size_t key_count, const struct chart_question *question,
            const struct chart_cursor *since, struct arena *arena, struct err *err)
{
  struct charting charting = { .question = question,
                               .chart = chart,
                               .arena = arena,
                               .order =
                                   CHART_STEP == question->x ? metric_point_compare_step : metric_point_compare_time };
  bool only_new = NULL != since && 0 != since->column && ! question->ranged;
  size_t count = run_count * key_count;
  enum err_code code = ERR_OK;

  chart->series = arena_array (arena, count, sizeof (struct chart_series));
  chart->cursor.marks = arena_array (arena, count, sizeof (struct chart_mark));
  charting.reductions = arena_array (arena, count, sizeof (struct reduction));
  if (NULL == chart->series || NULL == chart->cursor.marks || NULL == charting.reductions)
    return views_too_much (err);
  if (only_new)
  {
    code = load (&charting, connection, run_ids, run_count, key_ids, key_count, since, err);
    if (ERR_OK == code)
    {
      choose_grid (&charting, since);
      only_new = restrict_to_new (&charting, since);
    }
    if (ERR_OK == code && only_new)
    {
      code = reduce_all (&charting, err);
      only_new = only_grew (&charting, since);
    }
  }
  if (ERR_OK == code && ! only_new)
  {
    code = load (&charting, connection, run_ids, run_count, key_ids, key_count, NULL, err);
    if (ERR_OK == code)
    {
      choose_grid (&charting, since);
      code = reduce_all (&charting, err);
    }
  }
  if (ERR_OK == code)
    finish (&charting, since);
  return code;
}
