/* Ticks at round values. */
#include "cli/plot_axis.h"

#include "cli/output.h"

#include <math.h>
#include <time.h>

void
plot_range_open (struct plot_range *range)
{
  double pad;

  if (range->least > range->most)
    *range = (struct plot_range){ 0, 1 };
  if (range->least < range->most)
    return;
  pad = 0 == range->least ? 1 : fabs (range->least) / 10;
  range->least -= pad;
  range->most += pad;
}

/* 1, 2 or 5 times a power of ten, so that at most `most` of them fit into the range. */
static double
round_step (double width, unsigned most)
{
  double rough = width / (most < 1 ? 1 : most);
  double power = pow (10, floor (log10 (rough)));
  double factor = rough / power;

  if (factor <= 1)
    return power;
  if (factor <= 2)
    return 2 * power;
  return (factor <= 5 ? 5 : 10) * power;
}

/* Digits behind the point that tell the ticks apart. */
static int
decimals_of (double step)
{
  int decimals = (int)ceil (-log10 (step) - 1e-9);

  return decimals < 0 ? 0 : decimals;
}

/* Large and small numbers as 1e6; others with as many digits as the step has. */
static const char *
number_label (double value, double step, const struct plot_range *range)
{
  double most = fmax (fabs (range->least), fabs (range->most));

  if (fabs (value) < step / 1e6)
    return "0";
  if (most >= 1e7 || most < 1e-4)
    return cli_printf ("%.*g", (int)ceil (log10 (most / step)) + 1, value);
  return cli_printf ("%.*f", decimals_of (step), value);
}

static void
add_tick (struct plot_ticks *ticks, double at, const char *label)
{
  if (ticks->count == PLOT_TICKS_MAX)
    return;
  ticks->at[ticks->count] = at;
  ticks->labels[ticks->count++] = label;
}

static void
linear_ticks (struct plot_ticks *ticks, const struct plot_range *range, unsigned most)
{
  double step = round_step (range->most - range->least, most);

  /* Where the step is lost in the digits of a double the loop would not end. */
  for (double at = ceil (range->least / step) * step; at <= range->most + step * 1e-9 && ticks->count < PLOT_TICKS_MAX;
       at += step)
    add_tick (ticks, at, number_label (at, step, range));
}

/* Powers of ten, also 2 and 5 of them when they are few. */
static void
logarithmic_ticks (struct plot_ticks *ticks, const struct plot_range *range, unsigned most)
{
  static const double factors[] = { 1, 2, 5 };
  double decades = range->most - range->least;
  int every = (int)ceil (decades / (most < 1 ? 1 : most));
  size_t count = decades * 3 <= most ? 3 : 1;

  for (int power = (int)floor (range->least); power <= (int)ceil (range->most); power++)
    for (size_t i = 0; i < count; i++)
    {
      double at = power + log10 (factors[i]);

      if (at >= range->least - 1e-9 && at <= range->most + 1e-9 && (every <= 1 || 0 == power % every))
        add_tick (ticks, at, cli_printf ("%g", factors[i] * pow (10, power)));
    }
}

void
plot_ticks_y (struct plot_ticks *ticks, const struct plot_range *range, unsigned rows, bool logarithmic)
{
  unsigned most = rows / 2 < 2 ? 2 : rows / 2;
  struct plot_range values;

  ticks->count = 0;
  if (logarithmic)
    logarithmic_ticks (ticks, range, most);
  else
    linear_ticks (ticks, range, most);
  if (! logarithmic || ticks->count > 1)
    return;
  /* Less than from one round value to the next: the ends are told. */
  values = (struct plot_range){ pow (10, range->least), pow (10, range->most) };
  ticks->count = 0;
  add_tick (ticks, range->least, cli_printf ("%.4g", values.least));
  add_tick (ticks, range->most, cli_printf ("%.4g", values.most));
}

/* Steps of clocks and calendars, in ms. */
static const double time_steps_ms[] = { 1,        2,         5,       10,      20,      50,      100,
                                        200,      500,       1000,    2000,    5000,    10000,   15000,
                                        30000,    60e3,      120e3,   300e3,   600e3,   900e3,   1800e3,
                                        3600e3,   7200e3,    10800e3, 21600e3, 43200e3, 86400e3, 172800e3,
                                        604800e3, 1209600e3, 2592e6,  7776e6,  31536e6 };

static const char *
clock_label (double ms, double step_ms)
{
  time_t seconds = (time_t)floor (ms / 1000);
  const char *format = step_ms >= 86400e3 ? "%Y-%m-%d" : step_ms >= 60e3 ? "%m-%d %H:%M" : "%H:%M:%S";
  char text[32];
  struct tm tm;

  if (NULL == localtime_r (&seconds, &tm))
    return "";
  text[strftime (text, sizeof (text), format, &tm)] = '\0';
  return step_ms < 1000 ? cli_printf ("%s.%03d", text, (int)(ms - floor (ms / 1000) * 1000)) : cli_printf ("%s", text);
}

static const char *
span_label (double ms, double step_ms)
{
  double seconds = ms / 1000;

  if (0 == ms)
    return "0";
  if (step_ms < 1000)
    return cli_printf ("%.3gs", seconds);
  if (step_ms < 60e3)
    return seconds < 60 ? cli_printf ("%.0fs", seconds)
                        : cli_printf ("%.0fm%02.0fs", floor (seconds / 60), fmod (seconds, 60));
  if (step_ms < 3600e3)
    return seconds < 3600 ? cli_printf ("%.0fm", seconds / 60)
                          : cli_printf ("%.0fh%02.0fm", floor (seconds / 3600), fmod (seconds, 3600) / 60);
  return cli_printf ("%.0fh", seconds / 3600);
}

/* Ticks of clocks stand at local hours and days. */
static double
zone_offset_ms (double ms)
{
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm;

  return NULL == localtime_r (&seconds, &tm) ? 0 : (double)tm.tm_gmtoff * 1000;
}

static void
time_ticks (struct plot_ticks *ticks, const struct plot_range *range, unsigned most, bool clock)
{
  size_t count = sizeof (time_steps_ms) / sizeof (time_steps_ms[0]);
  double width = range->most - range->least;
  double offset = clock ? zone_offset_ms (range->most) : 0;
  double step = time_steps_ms[count - 1];

  for (size_t i = count; i-- > 0 && width / time_steps_ms[i] <= most;)
    step = time_steps_ms[i];
  for (double at = ceil ((range->least + offset) / step) * step - offset;
       at <= range->most && ticks->count < PLOT_TICKS_MAX; at += step)
    add_tick (ticks, at, clock ? clock_label (at, step) : span_label (at, step));
}

void
plot_ticks_x (struct plot_ticks *ticks, const struct plot_range *range, unsigned columns, enum plot_axis axis)
{
  /* A label with its gap takes so many columns. */
  unsigned room = PLOT_TIMES == axis ? 16 : 12;
  unsigned most = columns / room < 1 ? 1 : columns / room;

  ticks->count = 0;
  if (PLOT_NUMBERS == axis)
    linear_ticks (ticks, range, most);
  else
    time_ticks (ticks, range, most, PLOT_TIMES == axis);
}
