/* chart: metrics of runs in the terminal, once or as they grow. */
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/plot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Size when there is no terminal. */
#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 20
/* Higher charts hide what was printed before. */
#define HEIGHT_MOST 32

struct line
{
  const char *run_id;
  const char *run_name;
  const char *metric;
  int64_t start_ms;
  double *x;
  double *y;
  size_t count;
};

struct chart
{
  struct cli *cli;
  const char *axis; /* "step", "time", "relative" */
  bool is_tally;
  bool running; /* some run is not ended */
  const char **runs;
  size_t run_count;
  const char **metrics;
  size_t metric_count;
  struct line *lines;
  size_t line_count;
};

static double
number_of (const json_t *value)
{
  double number = 0;

  if (json_is_number (value))
    return json_number_value (value);
  return json_is_string (value) && cli_parse_double (json_string_value (value), &number) ? number : 0;
}

/* Columns that are asked for: as many as the dots of a wide terminal, so that resizing needs no new question. */
#define CHART_WIDTH 1000

static struct line *
find_line (struct chart *chart, const char *run_id, const char *metric)
{
  for (size_t i = 0; i < chart->line_count; i++)
    if (0 == strcmp (chart->lines[i].run_id, run_id) && 0 == strcmp (chart->lines[i].metric, metric))
      return &chart->lines[i];
  return NULL;
}

static void
take_series (struct chart *chart, const json_t *series)
{
  const json_t *x = json_object_get (series, "x");
  const json_t *y = json_object_get (series, "y");
  const char *run_id = json_string_value (json_object_get (series, "run_id"));
  const char *metric = json_string_value (json_object_get (series, "metric_key"));
  struct line *line = NULL == run_id || NULL == metric ? NULL : find_line (chart, run_id, metric);

  if (NULL == line || json_array_size (x) != json_array_size (y))
    return;
  line->count = json_array_size (x);
  line->x = cli_grow (line->x, line->count, sizeof (line->x[0]));
  line->y = cli_grow (line->y, line->count, sizeof (line->y[0]));
  for (size_t i = 0; i < line->count; i++)
  {
    line->x[i] = number_of (json_array_get (x, i));
    line->y[i] = number_of (json_array_get (y, i));
  }
}

static json_t *
texts (const char *const *values, size_t count)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < count; i++)
    json_array_append_new (list, json_text (values[i]));
  return list;
}

static enum tally_code
fetch_chart (struct chart *chart, struct tally_error *err)
{
  json_t *body = json_pack ("{s:o, s:o, s:s, s:i}", "run_ids", texts (chart->runs, chart->run_count), "metric_keys",
                            texts (chart->metrics, chart->metric_count), "x", chart->axis, "width", CHART_WIDTH);
  json_t *answer;
  enum tally_code code = cli_try_request (&answer, chart->cli, "POST", "/api/tally/v1/metrics/chart", body, err);
  size_t index;
  json_t *series;

  json_array_foreach (TALLY_OK == code ? json_object_get (answer, "series") : NULL, index, series)
  {
    take_series (chart, series);
  }
  json_decref (answer);
  json_decref (body);
  return code;
}

static int
compare_points (const void *a, const void *b)
{
  const double *left = a;
  const double *right = b;

  return (left[0] > right[0]) - (left[0] < right[0]);
}

static double
place_of (const struct chart *chart, const struct line *line, const struct tally_point *point)
{
  if (0 == strcmp (chart->axis, "step"))
    return (double)point->step;
  return (double)point->timestamp_ms - (0 == strcmp (chart->axis, "relative") ? (double)line->start_ms : 0);
}

struct points
{
  double (*at)[2]; /* x, y */
  size_t count;
};

static enum tally_code
read_points (struct points *points, const struct chart *chart, const struct line *line, struct tally_error *err)
{
  const struct tally_point *point = NULL;
  struct tally_search *search = NULL;
  size_t capacity = 0;
  enum tally_code code = tally_metric_history (&search, cli_client (chart->cli), line->run_id, line->metric, err);

  while (TALLY_OK == code && TALLY_OK == (code = tally_search_next_point (&point, search, err)) && NULL != point)
  {
    if (points->count == capacity)
    {
      capacity = 2 * capacity + 1000;
      points->at = cli_grow (points->at, capacity, sizeof (points->at[0]));
    }
    points->at[points->count][0] = place_of (chart, line, point);
    points->at[points->count++][1] = point->value;
  }
  tally_search_free (search);
  return code;
}

/* Servers without charts give all points. What was there stays when they cannot be had. */
static enum tally_code
fetch_history (const struct chart *chart, struct line *line, struct tally_error *err)
{
  struct points points = { NULL, 0 };
  enum tally_code code = read_points (&points, chart, line, err);

  if (TALLY_OK != code)
    goto out;
  if (points.count > 0)
    qsort (points.at, points.count, sizeof (points.at[0]), compare_points);
  line->count = points.count;
  line->x = cli_grow (line->x, line->count, sizeof (line->x[0]));
  line->y = cli_grow (line->y, line->count, sizeof (line->y[0]));
  for (size_t i = 0; i < line->count; i++)
  {
    line->x[i] = points.at[i][0];
    line->y[i] = points.at[i][1];
  }
out:
  free (points.at);
  return code;
}

/* Whether some run goes on. */
static enum tally_code
fetch_running (struct chart *chart, struct tally_error *err)
{
  bool running = false;

  for (size_t i = 0; i < chart->run_count; i++)
  {
    struct tally_run_data *run = NULL;
    enum tally_code code = tally_run_get (&run, cli_client (chart->cli), chart->runs[i], err);

    if (TALLY_OK != code)
      return code;
    running = running || TALLY_STATUS_RUNNING == run->status || TALLY_STATUS_SCHEDULED == run->status;
    tally_run_data_free (run);
  }
  chart->running = running;
  return TALLY_OK;
}

/* Whether runs go on is asked before their points, so that the last chart has the last of them. */
static enum tally_code
fetch (struct chart *chart, struct tally_error *err)
{
  bool was_running = chart->running;
  enum tally_code code = cli_has (chart->cli, "follow") ? fetch_running (chart, err) : TALLY_OK;

  if (TALLY_OK == code && chart->is_tally)
    code = fetch_chart (chart, err);
  for (size_t i = 0; TALLY_OK == code && ! chart->is_tally && i < chart->line_count; i++)
    code = fetch_history (chart, &chart->lines[i], err);
  if (TALLY_OK != code)
    chart->running = was_running;
  return code;
}

static const char *
line_label (const struct chart *chart, const struct line *line)
{
  const char *run = cli_printf ("%s %.8s", plain (line->run_name), line->run_id);

  if (chart->metric_count < 2)
    return run;
  return 1 == chart->run_count ? plain (line->metric) : cli_printf ("%s: %s", run, plain (line->metric));
}

static unsigned
height_of (const struct chart *chart)
{
  const struct terminal *terminal = &chart->cli->out;
  size_t rows = terminal->rows;
  size_t taken = chart->line_count + 1;

  if (0 == rows)
    return HEIGHT_DEFAULT;
  rows = rows > taken ? rows - taken : 0;
  return rows < PLOT_HEIGHT_LEAST ? PLOT_HEIGHT_LEAST : rows > HEIGHT_MOST ? HEIGHT_MOST : (unsigned)rows;
}

static void
draw (const struct chart *chart, struct buffer *out)
{
  struct cli *cli = chart->cli;
  struct plot_series *series = cli_array (chart->line_count, sizeof (series[0]));
  struct plot plot = { .series = series, .count = chart->line_count };
  unsigned width = 0 == cli->out.columns ? WIDTH_DEFAULT : cli->out.columns;

  for (size_t i = 0; i < chart->line_count; i++)
    series[i] = (struct plot_series){ line_label (chart, &chart->lines[i]), chart->lines[i].x, chart->lines[i].y,
                                      chart->lines[i].count };
  plot.title = plain (chart->metrics[0]);
  for (size_t i = 1; i < chart->metric_count; i++)
    plot.title = cli_printf ("%s, %s", plot.title, plain (chart->metrics[i]));
  plot.axis = 's' == chart->axis[0] ? PLOT_NUMBERS : 't' == chart->axis[0] ? PLOT_TIMES : PLOT_DURATIONS;
  plot.logarithmic = cli_has (cli, "log");
  plot.utf8 = cli->out.utf8 && ! cli_has (cli, "ascii");
  plot.colour = cli->out.colour;
  plot.width = (unsigned)cli_number (cli, "width", PLOT_WIDTH_LEAST, 1000, width);
  plot.height = (unsigned)cli_number (cli, "height", PLOT_HEIGHT_LEAST, 1000, height_of (chart));
  plot_draw (out, &plot);
  free (series);
}

static void
print_series (const struct chart *chart)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < chart->line_count; i++)
  {
    const struct line *line = &chart->lines[i];
    json_t *x = json_array ();
    json_t *y = json_array ();

    for (size_t k = 0; k < line->count; k++)
    {
      json_array_append_new (x, json_integer ((json_int_t)line->x[k]));
      json_array_append_new (y, json_number (line->y[k]));
    }
    json_array_append_new (list, json_pack ("{s:s, s:s, s:s, s:o, s:o}", "run_id", line->run_id, "name", line->run_name,
                                            "metric", line->metric, "x", x, "y", y));
  }
  print_json (json_pack ("{s:s, s:o}", "axis", chart->axis, "series", list));
}

static unsigned
lines_in (const struct buffer *text)
{
  unsigned lines = 0;

  for (size_t i = 0; i < text->len; i++)
    lines += '\n' == text->data[i];
  return lines;
}

/* The next points; an outage of the server ends nothing: "" or what is wrong. */
static const char *
fetch_again (struct chart *chart)
{
  struct tally_error err;
  enum tally_code code = fetch (chart, &err);

  if (TALLY_OK == code)
    return "";
  if (CLI_UNREACHABLE != cli_exit_code (code))
    cli_must (chart->cli, code, &err);
  return plain (err.message);
}

/* One line below the chart, cut off: the number of lines is known. */
static void
append_trouble (struct buffer *out, const struct cli *cli, const char *trouble)
{
  size_t columns = 0 == cli->out.columns ? WIDTH_DEFAULT : cli->out.columns;

  if ('\0' != trouble[0])
    buffer_printf (out, "%s%.*s%s\n", style_begin (&cli->out, STYLE_WARN), (int)text_cut (trouble, columns - 1),
                   trouble, style_end (&cli->out));
}

/* Draw over what was drawn before, until nothing comes any more. The cursor is hidden meanwhile. */
static void
follow (struct chart *chart, unsigned interval_ms)
{
  const char *trouble = "";
  struct arena_mark mark;
  struct buffer out;
  unsigned drawn = 0;

  buffer_init (&out, SIZE_MAX / 2);
  mark = cli_mark ();
  interrupt_last_words ("\033[?25h");
  interrupt_end ();
  fputs ("\033[?25l", stdout);
  for (;;)
  {
    terminal_size (&chart->cli->out, STDOUT_FILENO);
    buffer_clear (&out);
    draw (chart, &out);
    append_trouble (&out, chart->cli, trouble);
    if (drawn > 0)
      printf ("\033[%uA\r", drawn);
    fputs ("\033[J", stdout);
    fwrite (out.data, 1, out.len, stdout);
    fflush (stdout);
    drawn = lines_in (&out);
    if (! chart->running || ferror (stdout))
      break;
    cli_rewind (&mark);
    interrupt_sleep (interval_ms);
    trouble = fetch_again (chart);
  }
  buffer_free (&out);
}

static void
find_runs (struct chart *chart)
{
  struct cli *cli = chart->cli;

  chart->runs = cli_array (chart->run_count, sizeof (chart->runs[0]));
  chart->lines = cli_array (chart->run_count * chart->metric_count, sizeof (chart->lines[0]));
  for (size_t i = 0; i < chart->run_count; i++)
  {
    struct tally_run_data *run = cli_run (cli, cli->arguments[i], cli_option (cli, "experiment"));

    chart->runs[i] = run->run_id;
    for (size_t k = 0; k < chart->metric_count; k++)
      chart->lines[chart->line_count++] = (struct line){
        .run_id = run->run_id, .run_name = run->name, .metric = chart->metrics[k], .start_ms = run->start_ms
      };
  }
}

static void
find_metrics (struct chart *chart)
{
  struct cli *cli = chart->cli;
  const char *metric;

  chart->metrics = cli_array (cli->given_count + 1, sizeof (chart->metrics[0]));
  for (; NULL != (metric = cli_option_at (cli, "metric", chart->metric_count)); chart->metric_count++)
    chart->metrics[chart->metric_count] = metric;
  chart->run_count = cli->argument_count;
  if (chart->metric_count > 0)
    return;
  if (chart->run_count < 2)
    cli_refuse (cli, "The metric is missing: 'tally show %s' lists those of the run.", cli->arguments[0]);
  chart->metrics[chart->metric_count++] = cli->arguments[--chart->run_count];
}

/* A name that no run has is a mistake, unless points may still come. */
static void
check_points (struct chart *chart)
{
  struct tally_error err = { .code = TALLY_ERROR_NOT_FOUND };

  for (size_t i = 0; i < chart->line_count; i++)
    if (chart->lines[i].count > 0)
      return;
  if (chart->running)
    return;
  snprintf (err.message, sizeof (err.message), "There are no points of '%s'; 'tally show %s' lists the metrics.",
            chart->metrics[0], chart->cli->arguments[0]);
  cli_must (chart->cli, err.code, &err);
}

int
run_chart (struct cli *cli)
{
  const char *axis = cli_option (cli, "x");
  struct chart chart = { .cli = cli, .axis = NULL == axis ? "step" : axis };
  unsigned interval_ms = (unsigned)cli_number (cli, "interval", 1, 3600, 2) * 1000;
  const struct tally_server *server;
  struct tally_error err;
  struct buffer out;

  if (cli_has (cli, "follow") && (! cli->out.is_terminal || FORMAT_TEXT != cli->format))
    cli_refuse (cli, "--follow needs a terminal.");
  find_metrics (&chart);
  cli_must (cli, tally_ping (&server, cli_client (cli), &err), &err);
  chart.is_tally = server->is_tally;
  find_runs (&chart);
  cli_must (cli, fetch (&chart, &err), &err);
  check_points (&chart);
  if (FORMAT_JSON == cli->format)
    print_series (&chart);
  else if (cli_has (cli, "follow"))
    follow (&chart, interval_ms);
  else
  {
    buffer_init (&out, SIZE_MAX / 2);
    draw (&chart, &out);
    fwrite (out.data, 1, out.len, stdout);
    buffer_free (&out);
  }
  return CLI_DONE;
}
