/* Failing: messages, JSON of errors, exit codes, and ending the process. */
#include "cli/output.h"

#include "base/json_write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longest JSON of an error in bytes: its texts are bounded by struct tally_error. */
#define ERROR_MAX_BYTES (1u << 16)

struct meaning
{
  int status;
  const char *text;
};

static const struct meaning exit_codes[] = {
  { CLI_DONE, "done" },
  { CLI_REFUSED, "wrong use, or the server refused the request" },
  { CLI_GATE, "a gate of the registry is not met; what is missing is told" },
  { CLI_UNREACHABLE, "the server is not reachable, or fails" },
  { CLI_DENIED, "not logged in, or not allowed" },
  { CLI_NOT_FOUND, "no such thing" },
  { CLI_CONFLICT, "there is one already, or somebody else changed it meanwhile" },
  { CLI_PENDING, "something is not sent yet; 'tally sync' sends it" },
  { CLI_DIGEST, "bytes are not those that were promised" },
  { CLI_LOCAL, "a local file, folder or memory" },
  { CLI_INTERRUPTED, "interrupted" },
};

static const int code_exits[] = {
  [TALLY_OK] = CLI_DONE,
  [TALLY_ERROR_ARGUMENT] = CLI_REFUSED,
  [TALLY_ERROR_MEMORY] = CLI_LOCAL,
  [TALLY_ERROR_CONFIGURATION] = CLI_REFUSED,
  [TALLY_ERROR_UNREACHABLE] = CLI_UNREACHABLE,
  [TALLY_ERROR_TIMEOUT] = CLI_UNREACHABLE,
  [TALLY_ERROR_UNAUTHENTICATED] = CLI_DENIED,
  [TALLY_ERROR_FORBIDDEN] = CLI_DENIED,
  [TALLY_ERROR_NOT_FOUND] = CLI_NOT_FOUND,
  [TALLY_ERROR_EXISTS] = CLI_CONFLICT,
  [TALLY_ERROR_CONFLICT] = CLI_CONFLICT,
  [TALLY_ERROR_GATE] = CLI_GATE,
  [TALLY_ERROR_REFUSED] = CLI_REFUSED,
  [TALLY_ERROR_OVERLOADED] = CLI_UNREACHABLE,
  [TALLY_ERROR_SERVER] = CLI_UNREACHABLE,
  [TALLY_ERROR_PROTOCOL] = CLI_UNREACHABLE,
  [TALLY_ERROR_UNSUPPORTED] = CLI_REFUSED,
  [TALLY_ERROR_FILE] = CLI_LOCAL,
  [TALLY_ERROR_DIGEST] = CLI_DIGEST,
  [TALLY_ERROR_FULL] = CLI_PENDING,
  [TALLY_ERROR_PENDING] = CLI_PENDING,
  [TALLY_ERROR_FORKED] = CLI_LOCAL,
  [TALLY_ERROR_CANCELLED] = CLI_INTERRUPTED,
  [TALLY_ERROR_BUSY] = CLI_CONFLICT,
};

const char *
cli_exit_meaning (size_t index, int *status)
{
  if (index >= sizeof (exit_codes) / sizeof (exit_codes[0]))
    return NULL;
  *status = exit_codes[index].status;
  return exit_codes[index].text;
}

int
cli_exit_code (enum tally_code code)
{
  return (size_t)code < sizeof (code_exits) / sizeof (code_exits[0]) ? code_exits[code] : CLI_REFUSED;
}

/* Nobody said which server: the default one is on this machine. */
static bool
asked_default (struct cli *cli)
{
  const struct tally_option_info *info;

  for (size_t i = 0; NULL != (info = tally_option_at (i)); i++)
    if (0 == strcmp (info->name, "server"))
      return NULL != info->default_value && 0 == strcmp (cli_setting (cli, "server"), info->default_value);
  return false;
}

/* What a person can do about it; NULL: the message says all. */
static const char *
advice (struct cli *cli, enum tally_code code)
{
  switch (code)
  {
  case TALLY_ERROR_UNREACHABLE:
    if (asked_default (cli))
      return "that is the default: 'tally login', --server or TALLY_SERVER name another";
    return "'tally doctor' looks into it";
  case TALLY_ERROR_UNAUTHENTICATED:
    return "'tally login' logs in";
  default:
    return NULL;
  }
}

/* Where JSON about ourselves goes: stdout is the answer, except when it belongs to the command that we run. */
static FILE *
report_file (const struct cli *cli)
{
  return NULL != cli->command && command_takes_rest (cli->command) ? stderr : stdout;
}

/* Errors are the answer of a command that prints JSON. */
static void
print_error_json (const struct cli *cli, const struct tally_error *err, int status)
{
  struct buffer out;
  struct json_write w;

  buffer_init (&out, ERROR_MAX_BYTES);
  json_write_init (&w, &out);
  json_write_object (&w);
  json_write_key (&w, "error");
  json_write_object (&w);
  json_write_member_text (&w, "code", tally_code_name (err->code));
  json_write_member_text (&w, "message", err->message);
  json_write_member_int64 (&w, "http_status", err->http_status);
  json_write_member_text (&w, "server_code", err->server_code);
  json_write_member_bool (&w, "retryable", err->retryable);
  json_write_member_int64 (&w, "exit_code", status);
  json_write_object_end (&w);
  json_write_object_end (&w);
  fprintf (report_file (cli), "%s\n", out.failed ? "{\"error\": {}}" : out.data);
  buffer_free (&out);
}

int
cli_fail (struct cli *cli, const struct tally_error *err)
{
  int status = cli_exit_code (err->code);
  const char *more = advice (cli, err->code);
  struct tally_error stopped = *err;

  /* Only Ctrl-C and signals like it stop what a command does. */
  if (TALLY_ERROR_CANCELLED == err->code)
  {
    snprintf (stopped.message, sizeof (stopped.message), "Interrupted.");
    err = &stopped;
  }
  if (FORMAT_JSON == cli->format || FORMAT_LINES == cli->format)
  {
    print_error_json (cli, err, status);
    return status;
  }
  fflush (stdout);
  fprintf (stderr, "%stally:%s %s%s%s%s\n", style_begin (&cli->err, STYLE_BAD), style_end (&cli->err),
           plain (err->message), NULL == more ? "" : " (", NULL == more ? "" : more, NULL == more ? "" : ")");
  return status;
}

void
cli_must (struct cli *cli, enum tally_code code, const struct tally_error *err)
{
  if (TALLY_OK != code)
    cli_end (cli, cli_fail (cli, err));
}

/* The commands are named as they are typed. */
static void
print_usage (struct cli *cli)
{
  const struct command *command = cli->command;

  if (NULL == command)
    return;
  fprintf (stderr, "usage: tally %s%s%s%s\n       'tally help %s' says more\n", command->name,
           NULL == command->options ? "" : " [OPTION...]", '\0' == command->arguments[0] ? "" : " ", command->arguments,
           command->name);
}

static enum tally_code
message_set (struct tally_error *err, enum tally_code code, const char *format, va_list arguments)
{
  memset (err, 0, sizeof (*err));
  err->code = code;
  vsnprintf (err->message, sizeof (err->message), format, arguments);
  return code;
}

void
cli_refuse (struct cli *cli, const char *format, ...)
{
  struct tally_error err;
  va_list arguments;
  int status;

  va_start (arguments, format);
  message_set (&err, TALLY_ERROR_ARGUMENT, format, arguments);
  va_end (arguments);
  status = cli_fail (cli, &err);
  if (FORMAT_TEXT == cli->format || FORMAT_CSV == cli->format)
    print_usage (cli);
  cli_end (cli, status);
}

void
cli_broken (struct cli *cli, int number, const char *format, ...)
{
  struct tally_error err;
  va_list arguments;
  size_t len;

  va_start (arguments, format);
  message_set (&err, TALLY_ERROR_FILE, format, arguments);
  va_end (arguments);
  len = strlen (err.message);
  snprintf (err.message + len, sizeof (err.message) - len, ": %s", strerror (number));
  cli_end (cli, cli_fail (cli, &err));
}

/* Why stdout could not be written, or 0. A failure of before has no errno any more, so it is made again. */
static int
output_failure (void)
{
  bool broken = 0 != ferror (stdout);

  errno = 0;
  if (broken)
  {
    clearerr (stdout);
    putchar ('\n');
  }
  return 0 == fflush (stdout) ? 0 : errno;
}

/* What could not be printed is a failure, except when nobody reads any more: `tally runs | head`. */
void
cli_end (struct cli *cli, int status)
{
  int number = output_failure ();

  if (EPIPE == number)
    _exit (CLI_PIPE);
  if (0 != number)
  {
    fprintf (stderr, "tally: stdout: %s\n", strerror (number));
    status = CLI_LOCAL;
  }
  if (NULL != cli->client)
    tally_close (cli->client, 0, NULL);
  exit (status);
}

static void
note (struct cli *cli, enum style style, const char *format, va_list arguments)
{
  fflush (stdout);
  fprintf (stderr, "%stally:%s ", style_begin (&cli->err, style), style_end (&cli->err));
  vfprintf (stderr, format, arguments);
  fputc ('\n', stderr);
}

void
cli_note (struct cli *cli, const char *format, ...)
{
  va_list arguments;

  if (cli->quiet)
    return;
  va_start (arguments, format);
  note (cli, STYLE_DIM, format, arguments);
  va_end (arguments);
}

void
cli_warn (struct cli *cli, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  note (cli, STYLE_WARN, format, arguments);
  va_end (arguments);
}

/* Longest word that is guessed at: names of commands and options are shorter. */
#define GUESS_MAX 32

/* Edit distance with transpositions (optimal string alignment). */
static size_t
distance (const char *a, const char *b)
{
  size_t la = strlen (a);
  size_t lb = strlen (b);
  size_t rows[GUESS_MAX + 1][GUESS_MAX + 1];

  if (la > GUESS_MAX || lb > GUESS_MAX)
    return GUESS_MAX;
  for (size_t i = 0; i <= la; i++)
    for (size_t j = 0; j <= lb; j++)
    {
      size_t best;

      if (0 == i || 0 == j)
      {
        rows[i][j] = i + j;
        continue;
      }
      best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (rows[i - 1][j] + 1 < best)
        best = rows[i - 1][j] + 1;
      if (rows[i][j - 1] + 1 < best)
        best = rows[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && rows[i - 2][j - 2] + 1 < best)
        best = rows[i - 2][j - 2] + 1;
      rows[i][j] = best;
    }
  return rows[la][lb];
}

const char *
cli_meant (const char *text, const char *const *words)
{
  const char *found = NULL;
  size_t best = strlen (text) < 4 ? 2 : 3;

  for (; NULL != *words; words++)
  {
    size_t far = distance (text, *words);

    if (0 == strncmp (text, *words, strlen (text)) && strlen (text) >= 2)
      far = 1;
    if (far < best)
    {
      best = far;
      found = *words;
    }
  }
  return found;
}
