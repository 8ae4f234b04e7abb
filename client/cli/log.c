/* log: stdin to a run, line by line. */
#include "cli/interrupt.h"
#include "cli/log_input.h"
#include "cli/logging.h"
#include "cli/output.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Wrong lines that are named; the others are counted. */
#define MISTAKES_SHOWN 20

struct counts
{
  uint64_t lines;
  uint64_t points;
  uint64_t wrong;
};

static void
tell_mistake (struct cli *cli, struct counts *counts, const char *mistake)
{
  counts->wrong++;
  if (counts->wrong <= MISTAKES_SHOWN)
    cli_warn (cli, "line %" PRIu64 ": %s", counts->lines, plain (mistake));
  else if (counts->wrong == MISTAKES_SHOWN + 1)
    cli_warn (cli, "more lines are wrong");
}

static bool
log_points (struct logging *logging, const struct input_point *points, size_t count, struct counts *counts)
{
  int64_t now_ms = clock_wall_ms ();
  struct tally_error err;

  for (size_t i = 0; i < count; i++)
  {
    enum tally_code code = tally_log_metric_at (logging->run, points[i].key, points[i].value, points[i].step,
                                                points[i].timestamp_ms < 0 ? now_ms : points[i].timestamp_ms, &err);

    if (TALLY_OK != code && TALLY_ERROR_ARGUMENT != code)
      cli_must (logging->cli, code, &err);
    if (TALLY_OK != code)
    {
      tell_mistake (logging->cli, counts, err.message);
      return false;
    }
    counts->points++;
  }
  return true;
}

static void
log_lines (struct logging *logging, struct log_input *input, struct counts *counts)
{
  struct cli *cli = logging->cli;
  bool strict = cli_has (cli, "strict");
  char mistake[INPUT_MISTAKE_BYTES];
  char *line = NULL;
  size_t capacity = 0;
  ssize_t len;

  while (! interrupted () && (len = getline (&line, &capacity, stdin)) >= 0)
  {
    const struct input_point *points;
    size_t count;
    bool good;

    counts->lines++;
    good = log_input_line (&points, &count, input, line, (size_t)len, mistake);
    if (! good)
      tell_mistake (cli, counts, mistake);
    else
      good = log_points (logging, points, count, counts);
    if (! good && strict)
      break;
  }
  if (ferror (stdin) && ! interrupted ())
    cli_broken (cli, errno, "stdin");
  free (line);
}

static enum input_format
format_of (const char *word)
{
  if (NULL == word || 0 == strcmp (word, "auto"))
    return INPUT_AUTO;
  return 0 == strcmp (word, "csv") ? INPUT_CSV : INPUT_JSON;
}

int
run_log (struct cli *cli)
{
  struct log_input *input = log_input_new (format_of (cli_option (cli, "format")));
  struct logging logging;
  struct logging_result result;
  struct counts counts = { 0 };

  logging_init (&logging, cli, false);
  logging_resume (&logging, cli->arguments[0]);
  interrupt_catch ();
  log_lines (&logging, input, &counts);
  log_input_free (input);
  result = logging_finish_as_told (&logging);
  if (FORMAT_JSON == cli->format && 0 == result.rejected)
    print_json (json_pack ("{s:I, s:I, s:I, s:b}", "lines", (json_int_t)counts.lines, "points",
                           (json_int_t)counts.points, "wrong_lines", (json_int_t)counts.wrong, "sent", result.sent));
  else if (0 == result.rejected)
    cli_note (cli, "%s of %s logged%s", count_text (counts.points, "point"), count_text (counts.lines, "line"),
              0 == counts.wrong
                  ? ""
                  : cli_printf (", %s %s wrong", count_text (counts.wrong, "line"), 1 == counts.wrong ? "is" : "are"));
  if (interrupted ())
    return CLI_INTERRUPTED;
  return CLI_DONE == result.status && counts.wrong > 0 ? CLI_REFUSED : result.status;
}
