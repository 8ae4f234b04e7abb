/* Ranges and ticks of a chart's axes. */
#ifndef CLI_PLOT_AXIS_H
#define CLI_PLOT_AXIS_H

#include "cli/plot.h"

struct plot_range
{
  double least;
  double most;
};

/* Make a range that has a width: also of one value, and of none. */
void plot_range_open (struct plot_range *range);

#define PLOT_TICKS_MAX 32

struct plot_ticks
{
  double at[PLOT_TICKS_MAX]; /* as the range has it: the logarithm on a logarithmic axis */
  const char *labels[PLOT_TICKS_MAX];
  size_t count;
};

void plot_ticks_y (struct plot_ticks *ticks, const struct plot_range *range, unsigned rows, bool logarithmic);
void plot_ticks_x (struct plot_ticks *ticks, const struct plot_range *range, unsigned columns, enum plot_axis axis);

#endif
