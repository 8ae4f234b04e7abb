/* login, logout, whoami. */
#include "cli/output.h"
#include "cli/settings.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A line of stdin without its end; NULL at the end. */
static char *
read_line (void)
{
  char *line = NULL;
  size_t capacity = 0;
  ssize_t len = getline (&line, &capacity, stdin);

  if (len < 0)
  {
    free (line);
    return NULL;
  }
  line[strcspn (line, "\r\n")] = '\0';
  return line;
}

static struct termios shown_settings;

/* Ctrl-C must not leave a terminal that shows nothing. */
static void
show_again (int number)
{
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &shown_settings);
  (void)! write (STDERR_FILENO, "\n", 1);
  signal (number, SIG_DFL);
  raise (number);
}

/* Ask for what must not be seen. */
static char *
ask_secret (struct cli *cli, const char *question)
{
  static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
  struct termios hidden;
  char *line;

  if (0 != tcgetattr (STDIN_FILENO, &shown_settings))
    cli_refuse (cli, "stdin is no terminal: use --token-stdin, or --username with the password on stdin.");
  hidden = shown_settings;
  hidden.c_lflag &= ~(tcflag_t)ECHO;
  for (size_t i = 0; i < sizeof (signals) / sizeof (signals[0]); i++)
    signal (signals[i], show_again);
  /* Hidden before the question stands there: an answer may come at once. */
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &hidden);
  fputs (question, stderr);
  line = read_line ();
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &shown_settings);
  for (size_t i = 0; i < sizeof (signals) / sizeof (signals[0]); i++)
    signal (signals[i], SIG_DFL);
  fputc ('\n', stderr);
  if (NULL == line)
    cli_refuse (cli, "Nothing was typed.");
  return line;
}

static const char *
ask_server (struct cli *cli)
{
  const char *current = cli_setting (cli, "server");
  char *line;

  /* The setting itself is replaced while the server is asked. */
  current = cli_copy (current, strlen (current));
  if (cli_has (cli, "server") || ! isatty (STDIN_FILENO) || cli_has (cli, "token-stdin"))
    return current;
  fprintf (stderr, "Server [%s]: ", plain (current));
  line = read_line ();
  return NULL == line || '\0' == line[0] ? current : line;
}

/* From stdin, without a question when it is no terminal. */
static char *
take_secret (struct cli *cli, const char *what, const char *question)
{
  char *line;

  if (isatty (STDIN_FILENO) && ! cli_has (cli, "token-stdin"))
    return ask_secret (cli, question);
  if (! cli_has (cli, "token-stdin") && ! cli_has (cli, "username"))
    cli_refuse (cli, "stdin is no terminal: use --token-stdin, or --username with the password on stdin.");
  line = read_line ();
  if (NULL == line || '\0' == line[0])
    cli_refuse (cli, "There is no %s on stdin.", what);
  return line;
}

static void
set (struct cli *cli, const char *name, const char *value)
{
  struct tally_error err;

  cli_must (cli, tally_options_set (cli_options (cli), name, value, &err), &err);
}

/* Ask the server with what was given; what it does not accept is not kept. */
static const struct tally_server *
check (struct cli *cli, const char *server, const char *token, const char *username, const char *password)
{
  const struct tally_server *found;
  struct tally_error err;

  set (cli, "server", server);
  set (cli, "token", token);
  set (cli, "username", username);
  set (cli, "password", password);
  cli_must (cli, tally_ping (&found, cli_client (cli), &err), &err);
  if (found->authenticated)
    return found;
  err = (struct tally_error){ .code = TALLY_ERROR_UNAUTHENTICATED, .http_status = 401 };
  snprintf (err.message, sizeof (err.message),
            NULL == token && NULL == username ? "%.1000s wants a token or a name and password."
                                              : "%.1000s does not accept this login.",
            found->url);
  cli_end (cli, cli_fail (cli, &err));
}

static json_t *
server_json (const struct tally_server *server)
{
  return json_pack ("{s:s, s:o, s:b, s:b, s:s}", "server", server->url, "version", json_text (server->version),
                    "is_tally", server->is_tally, "authenticated", server->authenticated, "user", server->user);
}

static const char *
server_line (const struct tally_server *server)
{
  return cli_printf ("%s %s at %s", server->is_tally ? "Tally" : "MLflow", plain (server->version),
                     plain (server->url));
}

/* A variable goes before the file, which would surprise the next command. */
static void
tell_variables (struct cli *cli)
{
  static const char *const names[] = { "TALLY_SERVER",          "MLFLOW_TRACKING_URI", "TALLY_TOKEN",
                                       "MLFLOW_TRACKING_TOKEN", "TALLY_USERNAME",      "MLFLOW_TRACKING_USERNAME" };

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    if (NULL != getenv (names[i]) && '\0' != getenv (names[i])[0])
      cli_note (cli, "%s is set, and goes before the file", names[i]);
}

int
run_login (struct cli *cli)
{
  const char *username = cli_option (cli, "username");
  const char *server = ask_server (cli);
  char *secret = NULL == username ? take_secret (cli, "token", "Token (empty: none): ")
                                  : take_secret (cli, "password", "Password: ");
  const char *token = NULL == username && '\0' != secret[0] ? secret : NULL;
  const char *password = NULL == username ? NULL : secret;
  const struct tally_server *found = check (cli, server, token, username, password);
  const struct setting settings[] = {
    { "server", server }, { "token", token }, { "username", username }, { "password", password }
  };

  settings_write (cli, settings, sizeof (settings) / sizeof (settings[0]));
  if (FORMAT_JSON == cli->format)
    print_json (server_json (found));
  else
    cli_note (cli, "logged in to %s%s%s; kept in %s", server_line (found), '\0' == found->user[0] ? "" : " as ",
              plain (found->user), plain (settings_path (cli)));
  tell_variables (cli);
  explicit_bzero (secret, strlen (secret));
  return CLI_DONE;
}

int
run_logout (struct cli *cli)
{
  static const struct setting settings[] = { { "token", NULL }, { "username", NULL }, { "password", NULL } };

  if (0 == access (settings_path (cli), F_OK))
    settings_write (cli, settings, sizeof (settings) / sizeof (settings[0]));
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:b}", "logged_out", true));
  else
    cli_note (cli, "token and password are forgotten");
  return CLI_DONE;
}

int
run_whoami (struct cli *cli)
{
  const struct tally_server *server;
  struct tally_error err;

  cli_must (cli, tally_ping (&server, cli_client (cli), &err), &err);
  if (FORMAT_JSON == cli->format)
    print_json (server_json (server));
  else if (! server->authenticated)
    printf ("not logged in to %s\n", server_line (server));
  else
    printf ("%s on %s\n", '\0' == server->user[0] ? "anybody" : plain (server->user), server_line (server));
  return server->authenticated ? CLI_DONE : CLI_DENIED;
}
