/* run start, log, end, delete, restore. */
#include "cli/logging.h"
#include "cli/output.h"

#include "base/clock.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The run of this process's environment is another one: a new one is asked for. */
static void
forget_run (struct cli *cli)
{
  struct tally_error err;

  cli_must (cli, tally_options_set (cli_options (cli), "run-id", NULL, &err), &err);
}

int
run_run_start (struct cli *cli)
{
  struct logging logging;
  struct logging_result result;
  struct tally_error err;
  const char *id;

  forget_run (cli);
  logging_init (&logging, cli, false);
  logging_start (&logging, cli_option (cli, "name"));
  tally_capture_git (logging.run, NULL, &err);
  id = cli_copy (tally_run_id (logging.run), TALLY_RUN_ID_BYTES);
  if (FORMAT_JSON != cli->format)
  {
    printf ("%s\n", id);
    fflush (stdout);
  }
  result = logging_finish_as_told (&logging);
  if (FORMAT_JSON == cli->format && 0 == result.rejected)
    print_json (json_pack ("{s:s, s:b}", "run_id", id, "sent", result.sent));
  return result.status;
}

/* All of them are read before the first is logged. */
static struct tally_value *
read_values (struct cli *cli)
{
  struct tally_value *values = cli_array (cli->argument_count, sizeof (values[0]));

  for (size_t i = 1; i < cli->argument_count; i++)
  {
    struct tally_pair pair = cli_pair (cli, cli->arguments[i]);

    values[i - 1].key = pair.key;
    if (! cli_parse_double (pair.value, &values[i - 1].value))
      cli_refuse (cli, "%s: '%s' is no number. Texts are logged by --param or --tag.", pair.key, pair.value);
  }
  return values;
}

int
run_run_log (struct cli *cli)
{
  struct logging logging;
  struct logging_result result;
  struct tally_error err;
  int64_t step = cli_number (cli, "step", INT64_MIN, INT64_MAX, 0);
  int64_t timestamp_ms = cli_number (cli, "timestamp", 0, INT64_MAX, clock_wall_ms ());
  const struct tally_value *values = read_values (cli);
  size_t count = cli->argument_count - 1;

  if (0 == count && ! cli_has (cli, "tag") && ! cli_has (cli, "param"))
    cli_refuse (cli, "There is nothing to log.");
  logging_init (&logging, cli, false);
  logging_resume (&logging, cli->arguments[0]);
  for (size_t i = 0; i < count; i++)
    cli_must (cli, tally_log_metric_at (logging.run, values[i].key, values[i].value, step, timestamp_ms, &err), &err);
  logging_pairs (&logging);
  result = logging_finish_as_told (&logging);
  if (FORMAT_JSON == cli->format && 0 == result.rejected)
    print_json (json_pack ("{s:i, s:b}", "logged", (int)count, "sent", result.sent));
  return result.status;
}

int
run_run_end (struct cli *cli)
{
  const char *word = cli_option (cli, "status");
  enum tally_status status = TALLY_STATUS_FINISHED;
  struct logging logging;
  struct logging_result result;
  struct tally_error err;

  if (NULL != word && 0 == strcmp (word, "failed"))
    status = TALLY_STATUS_FAILED;
  else if (NULL != word && 0 == strcmp (word, "killed"))
    status = TALLY_STATUS_KILLED;
  logging_init (&logging, cli, false);
  logging_resume (&logging, cli->arguments[0]);
  cli_must (cli, tally_run_end (logging.run, status, &err), &err);
  result = logging_finish_as_told (&logging);
  if (FORMAT_JSON == cli->format && 0 == result.rejected)
    print_json (json_pack ("{s:s, s:b}", "status", status_name (status), "sent", result.sent));
  return result.status;
}

static int
told_run (struct cli *cli, const char *id, const char *what)
{
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:s}", "run_id", id));
  else
    cli_note (cli, "run %s is %s", id, what);
  return CLI_DONE;
}

int
run_run_delete (struct cli *cli)
{
  struct tally_run_data *run = cli_run (cli, cli->arguments[0], cli_option (cli, "experiment"));
  struct tally_error err;

  cli_must (cli, tally_run_delete (cli_client (cli), run->run_id, &err), &err);
  return told_run (cli, run->run_id, "deleted");
}

int
run_run_restore (struct cli *cli)
{
  const char *id = cli_deleted_run_id (cli, cli->arguments[0], cli_option (cli, "experiment"));
  struct tally_error err;

  cli_must (cli, tally_run_restore (cli_client (cli), id, &err), &err);
  return told_run (cli, id, "back");
}
