/* Charts as text: golden pictures of fixed data. */
#include "cli/plot.h"

#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POINTS 5

static const double xs[POINTS] = { 0, 10, 20, 30, 40 };
static const double falling[POINTS] = { 1.0, 0.6, 0.35, 0.2, 0.1 };
static const double rising[POINTS] = { 0.1, 0.2, 0.35, 0.6, 1.0 };
static const double holes[POINTS] = { 1, NAN, INFINITY, 3, 2 };
static const double decades[POINTS] = { 1000, 100, 10, -1, 1 };

static void
expect (struct plot plot, const char *picture)
{
  struct buffer out;

  plot.width = 0 == plot.width ? 40 : plot.width;
  plot.height = 0 == plot.height ? 10 : plot.height;
  buffer_init (&out, 1 << 20);
  plot_draw (&out, &plot);
  ck_assert (! out.failed);
  ck_assert_msg (0 == strcmp (out.data, picture), "drawn:\n%s\nexpected:\n%s", out.data, picture);
  buffer_free (&out);
}

#define SERIES(values, places, number)                                                                                 \
  {                                                                                                                    \
    .label = "run-" #values, .x = places, .y = values, .count = number                                                 \
  }
#define S1C(values, number)                                                                                            \
  (const struct plot_series[])                                                                                         \
  {                                                                                                                    \
    SERIES (values, xs, number)                                                                                        \
  }
#define S1(values) S1C (values, POINTS)
#define S2(a, b)                                                                                                       \
  (const struct plot_series[])                                                                                         \
  {                                                                                                                    \
    SERIES (a, xs, POINTS), SERIES (b, xs, POINTS)                                                                     \
  }
#define ST(values)                                                                                                     \
  (const struct plot_series[])                                                                                         \
  {                                                                                                                    \
    SERIES (values, times, POINTS)                                                                                     \
  }
#define SD(values)                                                                                                     \
  (const struct plot_series[])                                                                                         \
  {                                                                                                                    \
    SERIES (values, spans, POINTS)                                                                                     \
  }

/* From 2023-11-14 22:13:20 UTC on, and from 0 on, in ms. */
static const double times[POINTS] = { 1.7e12, 1.7e12 + 60e3, 1.7e12 + 120e3, 1.7e12 + 180e3, 1.7e12 + 240e3 };
static const double spans[POINTS] = { 0, 15e3, 30e3, 60e3, 90e3 };

/* A falling line in braille, with round ticks. */
START_TEST (one_line_in_braille)
{
  expect ((struct plot){ .title = "loss", .series = S1 (falling), .count = 1, .utf8 = true },
          "     loss\n"
          "1.0 ┤⠑⠢⡀\n"
          "    │  ⠈⠑⠤⡀\n"
          "    │     ⠈⠑⢄⡀\n"
          "0.5 ┤        ⠈⠑⠢⢄⡀\n"
          "    │            ⠈⠑⠢⢄⡀\n"
          "    │                ⠈⠉⠒⠒⠤⠤⣀⣀\n"
          "    │                        ⠉⠉⠑⠒⠒⠢⠤⠤⢄⣀\n"
          "    └┬────────────────┬───────────────┬\n"
          "     0               20              40\n"
          "  ⠒⠒ run-falling  last 0.1\n");
}
END_TEST

/* Two runs in braille, each in its colour. */
START_TEST (two_lines_in_colour)
{
  expect ((struct plot){ .title = "loss", .series = S2 (falling, rising), .count = 2, .utf8 = true, .colour = true },
          "     \033[1mloss\033[0m\n"
          "1.0 ┤\033[34m⠑⠢⡀\033[0m                            \033[33m⢀⠔⠊\033[0m\n"
          "    │  \033[34m⠈⠑⠤⡀\033[0m                      \033[33m⢀⠤⠊⠁\033[0m\n"
          "    │     \033[34m⠈⠑⢄⡀\033[0m                \033[33m⢀⡠⠊⠁\033[0m\n"
          "0.5 ┤        \033[34m⠈⠑⠢⢄⡀\033[0m        \033[33m⢀⡠⠔⠊⠁\033[0m\n"
          "    │            \033[34m⠈⠑⠢⢄⡀\033[0m\033[33m⢀⡠⠔⠊⠁\033[0m\n"
          "    │          \033[33m⣀⣀⠤⠤⠒⠒⠉⠉\033[0m\033[34m⠒⠒⠤⠤⣀⣀\033[0m\n"
          "    │\033[33m⣀⡠⠤⠤⠔⠒⠒⠊⠉⠉\033[0m              \033[34m⠉⠉⠑⠒⠒⠢⠤⠤⢄⣀\033[0m\n"
          "    └┬────────────────┬───────────────┬\n"
          "     0               20              40\n"
          "  \033[34m⠒⠒\033[0m run-falling  last 0.1\n"
          "  \033[33m⠒⠒\033[0m run-rising  last 1\n");
}
END_TEST

/* Without colours braille could not tell two runs apart: marks do. */
START_TEST (two_lines_without_colour)
{
  expect ((struct plot){ .title = "loss", .series = S2 (falling, rising), .count = 2, .utf8 = true },
          "     loss\n"
          "1.0 ┤**                              ++\n"
          "    │  **                         +++\n"
          "    │    ***                    ++\n"
          "0.5 ┤       ******        ++++++\n"
          "    │             ++++++++\n"
          "    │    +++++++++        ********\n"
          "    │++++                         *****\n"
          "    └┬────────────────┬───────────────┬\n"
          "     0               20              40\n"
          "  * run-falling  last 0.1\n"
          "  + run-rising  last 1\n");
}
END_TEST

/* Where the locale has no UTF-8. */
START_TEST (ascii)
{
  expect ((struct plot){ .title = "loss", .series = S1 (falling), .count = 1 },
          "     loss\n"
          "1.0 +**\n"
          "    |  **\n"
          "    |    ***\n"
          "0.5 +       ******\n"
          "    |             ********\n"
          "    |                     ********\n"
          "    |                             *****\n"
          "    ++----------------+---------------+\n"
          "     0               20              40\n"
          "  * run-falling  last 0.1\n");
}
END_TEST

/* NaN and infinities are gaps; what stands between them is shown. */
START_TEST (gaps)
{
  expect ((struct plot){ .title = "acc", .series = S1 (holes), .count = 1 },
          "   acc\n"
          "3 +                          **\n"
          "  |                            ***\n"
          "  |                               ***\n"
          "2 +                                  **\n"
          "  |\n"
          "  |\n"
          "1 +*\n"
          "  ++-----------------+----------------+\n"
          "   0                20               40\n"
          "  * run-holes  last 2, some not finite\n");
}
END_TEST

/* Decades on a logarithmic axis; what is not positive is a gap. */
START_TEST (logarithmic)
{
  expect ((struct plot){ .title = "loss", .series = S1 (decades), .count = 1, .logarithmic = true },
          "      loss (log)\n"
          "1000 +**\n"
          "     |  ****\n"
          " 100 +      ****\n"
          "     |          ****\n"
          "  10 +              ***\n"
          "     |\n"
          "   1 +                                *\n"
          "     ++---------------+---------------+\n"
          "      0              20              40\n"
          "  * run-decades  last 1, some <= 0\n");
}
END_TEST

/* One value has an axis too. */
START_TEST (one_value)
{
  expect ((struct plot){ .title = "loss", .series = S1C (falling, 1), .count = 1 },
          "     loss\n"
          "1.1 +\n"
          "    |\n"
          "    |\n"
          "1.0 +                 *\n"
          "    |\n"
          "    |\n"
          "0.9 +\n"
          "    ++----------------+---------------+\n"
          "     -1               0               1\n"
          "  * run-falling  last 1\n");
}
END_TEST

/* No points at all. */
START_TEST (nothing)
{
  expect ((struct plot){ .title = "loss", .series = S1C (falling, 0), .count = 1 },
          "     loss\n"
          "1.0 +\n"
          "    |\n"
          "    |\n"
          "0.5 +\n"
          "    |\n"
          "    |\n"
          "  0 +\n"
          "    ++----------------+---------------+\n"
          "     0               0.5            1.0\n"
          "  * run-falling  no points\n");
}
END_TEST

/* Times of day, in the zone of the machine. */
START_TEST (times_of_day)
{
  expect ((struct plot){ .title = "loss", .series = ST (falling), .count = 1, .axis = PLOT_TIMES, .width = 60 },
          "     loss\n"
          "1.0 +***\n"
          "    |   ****\n"
          "    |       ****\n"
          "0.5 +           *********\n"
          "    |                    **************\n"
          "    |                                  *************\n"
          "    |                                               *******\n"
          "    +---------+-------------------------+------------------\n"
          "         11-14 22:14               11-14 22:16\n"
          "  * run-falling  last 0.1\n");
}
END_TEST

/* Seconds since the start of a run. */
START_TEST (durations_of_runs)
{
  expect ((struct plot){ .title = "loss", .series = SD (falling), .count = 1, .axis = PLOT_DURATIONS, .width = 60 },
          "     loss\n"
          "1.0 +**\n"
          "    |  ***\n"
          "    |     ***\n"
          "0.5 +        ******\n"
          "    |              *************\n"
          "    |                           *****************\n"
          "    |                                            **********\n"
          "    ++-----------------+----------------+-----------------+\n"
          "     0                30s             1m00s           1m30s\n"
          "  * run-falling  last 0.1\n");
}
END_TEST

Suite *cli_plot_suite (void);

Suite *
cli_plot_suite (void)
{
  Suite *suite = suite_create ("cli_plot");
  TCase *cases = tcase_create ("pictures");

  setlocale (LC_CTYPE, "C.UTF-8");
  setenv ("TZ", "UTC", 1);
  tzset ();
  tcase_add_test (cases, one_line_in_braille);
  tcase_add_test (cases, two_lines_in_colour);
  tcase_add_test (cases, two_lines_without_colour);
  tcase_add_test (cases, ascii);
  tcase_add_test (cases, gaps);
  tcase_add_test (cases, logarithmic);
  tcase_add_test (cases, one_value);
  tcase_add_test (cases, nothing);
  tcase_add_test (cases, times_of_day);
  tcase_add_test (cases, durations_of_runs);
  suite_add_tcase (suite, cases);
  return suite;
}
