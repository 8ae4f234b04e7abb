/* run exec: a command as a run. Whatever the server does, the command runs as it would without us. */
#include "cli/child.h"
#include "cli/logging.h"
#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long the start of the command waits for the server's id of the run. */
#define SERVER_ID_MS 2000

/* Longest tag of a command in bytes: what every server takes. */
#define TAG_MAX_BYTES 5000

/* What shells say of a command that cannot be run. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_EXECUTABLE 126

static void
tag (struct logging *logging, const char *key, const char *value)
{
  struct tally_error err;

  if (NULL != value && TALLY_OK != tally_set_tag (logging->run, key, value, &err))
    cli_warn (logging->cli, "%s", plain (err.message));
}

static void
metric (struct logging *logging, const char *key, double value)
{
  struct tally_error err;

  if (TALLY_OK != tally_log_metric (logging->run, key, value, 0, &err))
    cli_warn (logging->cli, "%s", plain (err.message));
}

/* As a shell would take it: words with anything special in single quotes. */
static const char *
command_line (const char *const *arguments)
{
  struct buffer out;
  const char *text;
  size_t len;

  buffer_init (&out, SIZE_MAX / 2);
  for (size_t i = 0; NULL != arguments[i]; i++)
  {
    bool simple = '\0' != arguments[i][0]
                  && '\0'
                         == arguments[i][strspn (arguments[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                               "0123456789-_=+./:,@%")];

    buffer_text (&out, 0 == i ? "" : " ");
    buffer_text (&out, simple ? "" : "'");
    for (const char *at = arguments[i]; '\0' != *at; at++)
      if ('\'' == *at)
        buffer_text (&out, "'\\''");
      else
        buffer_byte (&out, *at);
    buffer_text (&out, simple ? "" : "'");
  }
  text = out.failed ? "" : valid_text (out.data);
  len = strnlen (text, TAG_MAX_BYTES);
  /* Not in the middle of a character. */
  while (len > 0 && 0x80 == ((unsigned char)text[len] & 0xc0))
    len--;
  text = cli_copy (text, len);
  buffer_free (&out);
  return text;
}

static const char *
base_name (const char *path)
{
  const char *slash = strrchr (path, '/');

  return NULL == slash || '\0' == slash[1] ? path : slash + 1;
}

/* The run of the `tally run exec` around this one. */
static const char *
outer_run (struct cli *cli)
{
  const char *server_id = getenv ("MLFLOW_RUN_ID");

  return NULL != server_id && '\0' != server_id[0] ? server_id : cli_setting (cli, "run-id");
}

static void
describe (struct logging *logging)
{
  struct cli *cli = logging->cli;
  struct tally_error err;

  tag (logging, "exec.command", command_line (cli->rest));
  tag (logging, "mlflow.source.name", base_name (cli->rest[0]));
  tag (logging, "mlflow.source.type", "LOCAL");
  tally_capture_environment (logging->run, &err);
  tally_capture_git (logging->run, NULL, &err);
}

static void
set_variable (struct child *child, const char *name, const char *value)
{
  if (NULL != value && '\0' != value[0])
    child_set_variable (child, name, value);
}

/* What the command finds: its run, and the server when the command line named it. Returns the server's id of the run;
   NULL: it is not known. */
static const char *
set_environment (struct logging *logging, struct child *child)
{
  struct cli *cli = logging->cli;
  char server_id[TALLY_RUN_ID_BYTES] = "";
  struct tally_error err;
  bool offline = 0 == strcmp (cli_setting (cli, "mode"), "offline");

  child_set_variable (child, "MLFLOW_RUN_ID", NULL);
  if (offline || TALLY_OK != tally_run_server_id (server_id, logging->run, SERVER_ID_MS, &err))
    server_id[0] = '\0';
  else
  {
    set_variable (child, "MLFLOW_RUN_ID", server_id);
    set_variable (child, "MLFLOW_TRACKING_URI", cli_setting (cli, "server"));
  }
  set_variable (child, "TALLY_RUN_ID", tally_run_id (logging->run));
  set_variable (child, "TALLY_SERVER", cli_has (cli, "server") ? cli_setting (cli, "server") : NULL);
  set_variable (child, "TALLY_WORKSPACE", cli_has (cli, "workspace") ? cli_setting (cli, "workspace") : NULL);
  set_variable (child, "TALLY_MODE", offline ? "offline" : NULL);
  return '\0' == server_id[0] ? NULL : cli_copy (server_id, sizeof (server_id));
}

static void
store_output (struct logging *logging, const char *name, const struct capture *capture)
{
  struct tally_error err;
  size_t bytes;
  char *content = capture_content (capture, &bytes);

  if (NULL != content && TALLY_OK != tally_log_artifact_bytes (logging->run, name, content, bytes, &err))
    cli_warn (logging->cli, "%s", plain (err.message));
  free (content);
}

static enum tally_status
status_of (const struct child *child)
{
  if (0 != child->signal)
    return TALLY_STATUS_KILLED;
  return 0 == child->exit_code ? TALLY_STATUS_FINISHED : TALLY_STATUS_FAILED;
}

static const char *
signal_of (const struct child *child)
{
  const char *name = 0 == child->signal ? NULL : sigabbrev_np (child->signal);

  if (0 == child->signal || NULL == name)
    return 0 == child->signal ? NULL : cli_printf ("SIG%d", child->signal);
  return cli_printf ("SIG%s", name);
}

static void
log_end (struct logging *logging, const struct child *child)
{
  struct tally_error err;

  metric (logging, "exec.exit_code", child->exit_code);
  metric (logging, "exec.duration_s", child->duration_s);
  metric (logging, "exec.cpu_s", child->cpu_s);
  metric (logging, "exec.memory_mib", child->memory_mib);
  tag (logging, "exec.exit_code", cli_printf ("%d", child->exit_code));
  tag (logging, "exec.signal", signal_of (child));
  store_output (logging, "output/stdout.txt", &child->out);
  store_output (logging, "output/stderr.txt", &child->err);
  if (TALLY_OK != tally_run_end (logging->run, status_of (child), &err))
    cli_warn (logging->cli, "%s", plain (err.message));
}

/* A command that cannot be started is a run that failed. */
static void
tell_start (struct logging *logging, struct child *child, int number)
{
  const char *command = logging->cli->rest[0];

  child->exit_code = ENOENT == number ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
  cli_warn (logging->cli, "%s: %s", plain (command), strerror (number));
  tag (logging, "exec.error", strerror (number));
}

static void
run_child (struct logging *logging, struct child *child)
{
  struct cli *cli = logging->cli;
  unsigned interval_s = (unsigned)cli_number (cli, "interval", 0, 3600, 10);
  struct tally_system *system = NULL;
  struct tally_error err;

  fflush (stdout);
  if (! child_start (child, cli->rest, ! cli_has (cli, "no-output")))
  {
    tell_start (logging, child, errno);
    return;
  }
  if (interval_s > 0)
    tally_system_start (&system, logging->run, interval_s * 1000, child->process, &err);
  child_wait (child);
  tally_system_stop (system);
}

/* Where --summary goes. A file that cannot be written is told before the command runs, not hours later. */
static FILE *
open_summary (struct cli *cli)
{
  const char *path = cli_option (cli, "summary");
  FILE *file = NULL == path ? NULL : fopen (path, "we");

  if (NULL != path && NULL == file)
    cli_broken (cli, errno, "%s", path);
  return file;
}

/* What became of it: one line. stdout is the command's, so --json prints it behind what the command said on stderr. */
static void
tell_summary (struct cli *cli, FILE *file, const char *id, const char *server_id, const struct child *child,
              const struct logging_result *result)
{
  json_t *summary =
      json_pack ("{s:s, s:s?, s:s, s:i, s:s?, s:f, s:f, s:f, s:b, s:I, s:I}", "run_id", id, "server_run_id", server_id,
                 "status", status_name (status_of (child)), "exit_code", child->exit_code, "signal", signal_of (child),
                 "duration_s", child->duration_s, "cpu_s", child->cpu_s, "memory_mib", child->memory_mib, "sent",
                 result->sent, "waiting", (json_int_t)result->waiting, "rejected", (json_int_t)result->rejected);
  struct buffer line;

  buffer_init (&line, SIZE_MAX / 2);
  json_append (&line, summary, 0);
  buffer_byte (&line, '\n');
  json_decref (summary);
  if (FORMAT_JSON == cli->format && ! line.failed)
    fprintf (stderr, "%s%s", '\n' == child->err.last ? "" : "\n", line.data);
  if (NULL != file && ! line.failed)
    fputs (line.data, file);
  if (NULL != file && (line.failed || 0 != ferror (file) || 0 != fclose (file)))
    cli_warn (cli, "%s: %s", cli_option (cli, "summary"), strerror (errno));
  buffer_free (&line);
}

int
run_run_exec (struct cli *cli)
{
  const char *name = cli_option (cli, "name");
  const char *outer;
  struct logging logging;
  struct child child;
  struct tally_error err;
  struct logging_result result;
  const char *server_id;
  const char *id;
  FILE *summary;

  child_block_signals (&child);
  outer = outer_run (cli);
  outer = NULL == outer ? NULL : cli_copy (outer, strlen (outer));
  cli_number (cli, "interval", 0, 3600, 10);
  cli_must (cli, tally_options_set (cli_options (cli), "run-id", NULL, &err), &err);
  summary = open_summary (cli);
  logging_init (&logging, cli, true);
  logging_start (&logging, NULL == name ? valid_text (base_name (cli->rest[0])) : name);
  tag (&logging, "mlflow.parentRunId", outer);
  describe (&logging);
  id = cli_copy (tally_run_id (logging.run), TALLY_RUN_ID_BYTES);
  cli_note (cli, "run %s", id);
  server_id = set_environment (&logging, &child);
  run_child (&logging, &child);
  log_end (&logging, &child);
  /* From here on Ctrl-C ends us: what was logged is in the spool. */
  child_unblock_signals (&child);
  child_free (&child);
  result = logging_finish (&logging, -1, false);
  tell_summary (cli, summary, id, server_id, &child, &result);
  return child.exit_code;
}
