/* Numbers of metrics of runs. */
#include "search/metric_column.h"

#include <math.h>
#include <stdlib.h>

void
metric_column_free (struct metric_column *column)
{
  free (column->values);
  free (column->steps);
  free (column->timestamps_ms);
}

static bool
has_place (const struct metric_column *column)
{
  return SEARCH_LATEST == column->part || SEARCH_FIRST == column->part;
}

static bool
enlarge (int64_t **items, size_t capacity)
{
  int64_t *larger = realloc (*items, capacity * sizeof (larger[0]));

  if (NULL != larger)
    *items = larger;
  return NULL != larger;
}

bool
metric_column_reserve (struct metric_column *column, size_t capacity)
{
  double *values;

  if (capacity <= column->capacity)
    return true;
  values = realloc (column->values, capacity * sizeof (values[0]));
  if (NULL == values)
    return false;
  column->values = values;
  if (has_place (column) && (! enlarge (&column->steps, capacity) || ! enlarge (&column->timestamps_ms, capacity)))
    return false;
  for (size_t row = column->capacity; row < capacity; row++)
    values[row] = metric_missing ();
  column->capacity = capacity;
  return true;
}

void
metric_column_set (struct metric_column *column, size_t row, double value)
{
  /* Of all NaN only one may look like a missing value. */
  column->values[row] = isnan (value) ? (double)NAN : value;
}

void
metric_column_add (struct metric_column *column, size_t row, const struct metric_point *point)
{
  double known = column->values[row];
  int order;

  if (! has_place (column))
  {
    /* Of NaN only there is no least and no greatest, but there is a series. */
    if (metric_is_missing (known) || isnan (known)
        || (SEARCH_MIN == column->part ? point->value < known : point->value > known))
      metric_column_set (column, row, point->value);
    return;
  }
  if (! metric_is_missing (known))
  {
    const struct metric_point before = { .timestamp_ms = column->timestamps_ms[row],
                                         .step = column->steps[row],
                                         .value = known };

    order = metric_point_compare_step (point, &before);
    if (SEARCH_LATEST == column->part ? order <= 0 : order >= 0)
      return;
  }
  metric_column_set (column, row, point->value);
  column->steps[row] = point->step;
  column->timestamps_ms[row] = point->timestamp_ms;
}

size_t
metric_column_bytes (const struct metric_column *column)
{
  return column->capacity
         * (sizeof (column->values[0])
            + (has_place (column) ? sizeof (column->steps[0]) + sizeof (column->timestamps_ms[0]) : 0));
}
