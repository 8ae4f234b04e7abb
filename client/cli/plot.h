/* Draws series of points as text: braille dots or ASCII, with axes and a legend. Knows no server and no terminal. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct plot_series
{
  const char *label; /* plain text */
  const double *x; /* ascending */
  const double *y; /* NaN and infinities are gaps */
  size_t count;
};

enum plot_axis
{
  PLOT_NUMBERS,
  PLOT_TIMES, /* ms since 1970 */
  PLOT_DURATIONS /* ms */
};

struct plot
{
  const char *title;
  const struct plot_series *series;
  size_t count;
  enum plot_axis axis;
  bool logarithmic; /* y; what is not positive is a gap */
  bool utf8;
  bool colour;
  unsigned width; /* columns of the whole */
  unsigned height; /* lines of the whole, without the legend */
};

/* Smallest that can be read. */
#define PLOT_WIDTH_LEAST 30
#define PLOT_HEIGHT_LEAST 6

/* Append the chart; each line ends with a line end. */
void plot_draw (struct buffer *out, const struct plot *plot);

#endif
