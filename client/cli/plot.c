/* Draws series of points as text.

   DESIGN: a canvas of cells holds dots (2 by 4 in braille, 1 by 1 in ASCII) and which series drew last into each cell,
   which gives its colour or its mark. Lines are drawn from point to point in dots, so any number of points is shown
   without choosing among them. */
#include "cli/plot.h"

#include "cli/plot_axis.h"

#include "cli/output.h"

#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct canvas
{
  const struct plot *plot;
  unsigned columns; /* cells */
  unsigned rows;
  unsigned dots_x; /* of a cell */
  unsigned dots_y;
  unsigned char *dots;
  unsigned char *owner; /* series + 1; 0: none */
  struct plot_range x;
  struct plot_range y;
};

/* Colours that differ on dark and light grounds, in the order of the dashboard's lines as near as 16 colours come. */
static const char *const colours[] = { "\033[34m", "\033[33m", "\033[32m", "\033[31m", "\033[35m", "\033[36m" };
#define COLOURS (sizeof (colours) / sizeof (colours[0]))

static const char marks[] = "*+xo#@%&";
#define MARKS (sizeof (marks) - 1)

/* Bits of a braille cell, row by row (Unicode, block 2800: dots are numbered down the columns). */
static const unsigned char braille[4][2] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

/* Dots of braille tell series apart by colour only. */
static bool
is_braille (const struct plot *plot)
{
  return plot->utf8 && (plot->colour || plot->count < 2);
}

static bool
place_y (const struct plot *plot, double y, double *place)
{
  if (! isfinite (y) || (plot->logarithmic && y <= 0))
    return false;
  *place = plot->logarithmic ? log10 (y) : y;
  return true;
}

static void
widen (struct plot_range *range, double value)
{
  if (value < range->least)
    range->least = value;
  if (value > range->most)
    range->most = value;
}

static void
find_ranges (struct canvas *canvas)
{
  const struct plot *plot = canvas->plot;
  double y;

  canvas->x = canvas->y = (struct plot_range){ INFINITY, -INFINITY };
  for (size_t i = 0; i < plot->count; i++)
    for (size_t k = 0; k < plot->series[i].count; k++)
      if (place_y (plot, plot->series[i].y[k], &y))
      {
        widen (&canvas->x, plot->series[i].x[k]);
        widen (&canvas->y, y);
      }
  plot_range_open (&canvas->x);
  plot_range_open (&canvas->y);
}

static void
set_dot (struct canvas *canvas, long x, long y, size_t series)
{
  unsigned column = (unsigned)x / canvas->dots_x;
  unsigned row = (unsigned)y / canvas->dots_y;
  size_t cell;

  if (x < 0 || y < 0 || column >= canvas->columns || row >= canvas->rows)
    return;
  cell = (size_t)row * canvas->columns + column;
  canvas->dots[cell] |= braille[(unsigned)y % canvas->dots_y][(unsigned)x % canvas->dots_x];
  canvas->owner[cell] = (unsigned char)(series % 255 + 1);
}

/* Bresenham's line. */
static void
draw_line (struct canvas *canvas, long x0, long y0, long x1, long y1, size_t series)
{
  long dx = labs (x1 - x0);
  long dy = -labs (y1 - y0);
  long step_x = x0 < x1 ? 1 : -1;
  long step_y = y0 < y1 ? 1 : -1;
  long error = dx + dy;

  for (;;)
  {
    long twice = 2 * error;

    set_dot (canvas, x0, y0, series);
    if (x0 == x1 && y0 == y1)
      return;
    if (twice >= dy)
    {
      error += dy;
      x0 += step_x;
    }
    if (twice <= dx)
    {
      error += dx;
      y0 += step_y;
    }
  }
}

static long
dot_of (double value, const struct plot_range *range, unsigned dots)
{
  return lround ((value - range->least) / (range->most - range->least) * (double)(dots - 1));
}

static void
draw_series (struct canvas *canvas, size_t index)
{
  const struct plot_series *series = &canvas->plot->series[index];
  bool joined = false;
  long last_x = 0;
  long last_y = 0;

  for (size_t i = 0; i < series->count; i++)
  {
    unsigned height = canvas->rows * canvas->dots_y;
    double place;
    long x;
    long y;

    if (! place_y (canvas->plot, series->y[i], &place))
    {
      joined = false;
      continue;
    }
    x = dot_of (series->x[i], &canvas->x, canvas->columns * canvas->dots_x);
    y = (long)height - 1 - dot_of (place, &canvas->y, height);
    draw_line (canvas, joined ? last_x : x, joined ? last_y : y, x, y, index);
    last_x = x;
    last_y = y;
    joined = true;
  }
}

/* `*colour` is the owner whose colour holds, so that a colour is said once for neighbours. */
static void
append_cell (struct buffer *out, const struct canvas *canvas, size_t cell, unsigned char *colour)
{
  const struct plot *plot = canvas->plot;
  unsigned char owner = canvas->owner[cell];
  char text[4];

  if (plot->colour && owner != *colour)
  {
    if (0 != *colour)
      buffer_text (out, "\033[0m");
    if (0 != owner)
      buffer_text (out, colours[(owner - 1u) % COLOURS]);
    *colour = owner;
  }
  if (0 == owner)
    buffer_byte (out, ' ');
  else if (is_braille (plot))
    buffer_append (out, text, utf8_encode (text, 0x2800u + canvas->dots[cell]));
  else
    buffer_byte (out, marks[(owner - 1u) % MARKS]);
}

static void
append_spaces (struct buffer *out, size_t count)
{
  while (count-- > 0)
    buffer_byte (out, ' ');
}

static void
append_padded (struct buffer *out, const char *text, size_t columns)
{
  size_t own = text_columns (text);

  append_spaces (out, columns > own ? columns - own : 0);
  buffer_text (out, text);
}

/* The rows with the labels of y at their left. */
static void
append_rows (struct buffer *out, const struct canvas *canvas, const struct plot_ticks *ticks, size_t label_columns)
{
  bool utf8 = canvas->plot->utf8;

  for (unsigned row = 0; row < canvas->rows; row++)
  {
    const char *label = "";
    size_t last = canvas->columns;
    unsigned char colour = 0;

    for (size_t i = 0; i < ticks->count; i++)
      if ((long)canvas->rows - 1 - dot_of (ticks->at[i], &canvas->y, canvas->rows) == (long)row)
        label = ticks->labels[i];
    append_padded (out, label, label_columns);
    if ('\0' == label[0])
      buffer_text (out, utf8 ? " \xe2\x94\x82" : " |");
    else
      buffer_text (out, utf8 ? " \xe2\x94\xa4" : " +");
    while (last > 0 && 0 == canvas->owner[(size_t)row * canvas->columns + last - 1])
      last--;
    for (size_t column = 0; column < last; column++)
      append_cell (out, canvas, (size_t)row * canvas->columns + column, &colour);
    buffer_text (out, 0 == colour ? "\n" : "\033[0m\n");
  }
}

/* The line of x, and the labels below it where there is room. */
static void
append_x_axis (struct buffer *out, const struct canvas *canvas, const struct plot_ticks *ticks, size_t label_columns)
{
  bool utf8 = canvas->plot->utf8;
  size_t at = 0;

  append_spaces (out, label_columns + 1);
  buffer_text (out, utf8 ? "\xe2\x94\x94" : "+");
  for (unsigned column = 0; column < canvas->columns; column++)
  {
    bool tick = false;

    for (size_t i = 0; i < ticks->count; i++)
      tick = tick || dot_of (ticks->at[i], &canvas->x, canvas->columns) == (long)column;
    if (utf8)
      buffer_text (out, tick ? "\xe2\x94\xac" : "\xe2\x94\x80");
    else
      buffer_byte (out, tick ? '+' : '-');
  }
  buffer_byte (out, '\n');
  append_spaces (out, label_columns + 2);
  for (size_t i = 0; i < ticks->count; i++)
  {
    size_t columns = text_columns (ticks->labels[i]);
    long place = dot_of (ticks->at[i], &canvas->x, canvas->columns) - (long)columns / 2;
    size_t begin = place < 0 ? 0 : (size_t)place;

    if (begin + columns > canvas->columns)
      begin = canvas->columns > columns ? canvas->columns - columns : 0;
    if (i > 0 && begin < at + 1)
      continue;
    append_spaces (out, begin - at);
    buffer_text (out, ticks->labels[i]);
    at = begin + columns;
  }
  buffer_byte (out, '\n');
}

/* What a series has that cannot be drawn; "" for nothing. */
static const char *
gaps_of (const struct plot *plot, const struct plot_series *series)
{
  bool infinite = false;
  bool negative = false;

  for (size_t i = 0; i < series->count; i++)
    if (! isfinite (series->y[i]))
      infinite = true;
    else if (plot->logarithmic && series->y[i] <= 0)
      negative = true;
  return infinite && negative ? ", some not finite, some <= 0"
         : infinite           ? ", some not finite"
         : negative           ? ", some <= 0"
                              : "";
}

/* A line for each series: its mark, its name as far as there is room, its last value. */
static void
append_legend (struct buffer *out, const struct canvas *canvas, unsigned width)
{
  const struct plot *plot = canvas->plot;

  for (size_t i = 0; i < plot->count; i++)
  {
    const struct plot_series *series = &plot->series[i];
    const char *value = 0 == series->count ? "  no points"
                                           : cli_printf ("  last %s%s", number_short (series->y[series->count - 1]),
                                                         gaps_of (plot, series));
    size_t taken = 5 + text_columns (value);

    buffer_text (out, "  ");
    if (plot->colour)
      buffer_text (out, colours[i % COLOURS]);
    if (is_braille (plot))
      buffer_text (out, "\xe2\xa0\x92\xe2\xa0\x92");
    else
      buffer_byte (out, marks[i % MARKS]);
    if (plot->colour)
      buffer_text (out, "\033[0m");
    buffer_printf (out, " %.*s%s\n", (int)text_cut (series->label, width > taken ? width - taken : 0), series->label,
                   value);
  }
}

static size_t
widest_label (const struct plot_ticks *ticks)
{
  size_t widest = 0;

  for (size_t i = 0; i < ticks->count; i++)
    if (text_columns (ticks->labels[i]) > widest)
      widest = text_columns (ticks->labels[i]);
  return widest;
}

void
plot_draw (struct buffer *out, const struct plot *plot)
{
  unsigned width = plot->width < PLOT_WIDTH_LEAST ? PLOT_WIDTH_LEAST : plot->width;
  unsigned height = plot->height < PLOT_HEIGHT_LEAST ? PLOT_HEIGHT_LEAST : plot->height;
  struct canvas canvas = { .plot = plot };
  struct plot_ticks ticks_x;
  struct plot_ticks ticks_y;
  size_t label_columns;

  find_ranges (&canvas);
  canvas.dots_x = is_braille (plot) ? 2 : 1;
  canvas.dots_y = is_braille (plot) ? 4 : 1;
  /* The title above, the axis and its labels below. */
  canvas.rows = height - 3;
  plot_ticks_y (&ticks_y, &canvas.y, canvas.rows, plot->logarithmic);
  label_columns = widest_label (&ticks_y);
  canvas.columns = width > label_columns + 4 ? (unsigned)(width - label_columns - 3) : 1;
  plot_ticks_x (&ticks_x, &canvas.x, canvas.columns, plot->axis);
  canvas.dots = cli_array ((size_t)canvas.columns * canvas.rows, 1);
  canvas.owner = cli_array ((size_t)canvas.columns * canvas.rows, 1);
  for (size_t i = 0; i < plot->count; i++)
    draw_series (&canvas, i);
  append_spaces (out, label_columns + 2);
  buffer_printf (out, "%s%s%s%s\n", plot->colour ? "\033[1m" : "", plot->title, plot->logarithmic ? " (log)" : "",
                 plot->colour ? "\033[0m" : "");
  append_rows (out, &canvas, &ticks_y, label_columns);
  append_x_axis (out, &canvas, &ticks_x, label_columns);
  append_legend (out, &canvas, width);
  free (canvas.dots);
  free (canvas.owner);
}
