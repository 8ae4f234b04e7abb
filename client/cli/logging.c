/* What all commands that log have in common. */
#include "cli/logging.h"

#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a command waits for the server when nobody said: a script that logs must not be held up by an outage. */
#define WAIT_MS 5000

/* How long for the disk: it is there or it is broken. */
#define PERSIST_MS 10000

/* A message without its full stop, for going on behind it. */
static const char *
clause (const char *message)
{
  const char *text = plain (message);
  size_t len = strlen (text);

  return cli_copy (text, len > 0 && '.' == text[len - 1] ? len - 1 : len);
}

static void
heard (void *payload, enum tally_event event, const struct tally_error *why)
{
  struct logging *logging = payload;
  bool tell = false;

  pthread_mutex_lock (&logging->lock);
  if (TALLY_EVENT_UNREACHABLE == event)
    logging->trouble = *why;
  else if (TALLY_EVENT_RECOVERED == event)
    logging->trouble.code = TALLY_OK;
  else if (TALLY_EVENT_REJECTED == event && TALLY_OK == logging->rejected.code)
    logging->rejected = *why;
  tell = logging->told;
  pthread_mutex_unlock (&logging->lock);
  if (! tell)
    return;
  if (TALLY_EVENT_UNREACHABLE == event)
    cli_note (logging->cli, "%s; the command goes on, and what is logged is kept", clause (why->message));
  else if (TALLY_EVENT_RECOVERED == event)
    cli_note (logging->cli, "the server is back");
  else if (TALLY_EVENT_SPOOL_FAILED == event || TALLY_EVENT_DROPPED == event)
    cli_warn (logging->cli, "%s", plain (why->message));
}

void
logging_init (struct logging *logging, struct cli *cli, bool tell)
{
  memset (logging, 0, sizeof (*logging));
  logging->cli = cli;
  logging->told = tell;
  pthread_mutex_init (&logging->lock, NULL);
  tally_on_event (cli_client (cli), heard, logging);
}

void
logging_pairs (struct logging *logging)
{
  struct cli *cli = logging->cli;
  struct tally_error err;
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, "param", i)); i++)
  {
    struct tally_pair pair = cli_pair (cli, text);

    cli_must (cli, tally_log_param (logging->run, pair.key, pair.value, &err), &err);
  }
  for (size_t i = 0; NULL != (text = cli_option_at (cli, "tag", i)); i++)
  {
    struct tally_pair pair = cli_pair (cli, text);

    cli_must (cli, tally_set_tag (logging->run, pair.key, pair.value, &err), &err);
  }
}

void
logging_start (struct logging *logging, const char *name)
{
  struct cli *cli = logging->cli;
  const char *parent = cli_option (cli, "parent");
  struct tally_error err;

  for (const char *const *kind = (const char *const[]){ "param", "tag", NULL }; NULL != *kind; kind++)
    for (size_t i = 0; NULL != cli_option_at (cli, *kind, i); i++)
      cli_pair (cli, cli_option_at (cli, *kind, i));
  cli_must (cli, tally_run_start (&logging->run, cli->client, cli_option (cli, "experiment"), name, &err), &err);
  if (NULL != parent)
    cli_must (cli, tally_set_tag (logging->run, "mlflow.parentRunId", cli_run_id (cli, parent, NULL), &err), &err);
  logging_pairs (logging);
}

void
logging_resume (struct logging *logging, const char *text)
{
  struct cli *cli = logging->cli;
  const char *id = cli_run_id (cli, text, cli_option (cli, "experiment"));
  struct tally_error err;

  cli_must (cli, tally_run_resume (&logging->run, cli->client, id, false, &err), &err);
}

/* How many records wait, as a sentence; and where they are. */
static void
tell_pending (struct logging *logging, uint64_t waiting, const struct tally_error *closing)
{
  struct cli *cli = logging->cli;
  const struct tally_error *why = TALLY_OK == logging->trouble.code ? closing : &logging->trouble;

  cli_note (cli, "%s; %" PRIu64 " %s in the spool, 'tally sync' sends %s", clause (why->message), waiting,
            1 == waiting ? "record waits" : "records wait", 1 == waiting ? "it" : "them");
}

/* The exit code: what was refused goes before what is not sent. */
static int
judge (struct logging *logging, const struct logging_result *result, bool must_arrive,
       const struct tally_error *closing)
{
  if (result->rejected > 0 && logging->told)
    cli_warn (logging->cli, "%s", plain (logging->rejected.message));
  else if (result->rejected > 0)
    return cli_fail (logging->cli, &logging->rejected);
  if (result->sent)
    return CLI_DONE;
  tell_pending (logging, result->waiting, closing);
  if (CLI_DENIED == cli_exit_code (logging->trouble.code))
    return CLI_DENIED;
  return must_arrive ? CLI_PENDING : CLI_DONE;
}

struct logging_result
logging_finish (struct logging *logging, int64_t deadline_ms, bool must_arrive)
{
  struct cli *cli = logging->cli;
  struct logging_result result = { 0 };
  struct tally_counters counters = { 0 };
  struct tally_error closing = { 0 };
  bool offline = 0 == strcmp (cli_setting (cli, "mode"), "offline");
  enum tally_code code;

  if (deadline_ms < 0)
    deadline_ms = strtoll (cli_setting (cli, "close-deadline-ms"), NULL, 10);
  code = tally_persist (cli->client, PERSIST_MS, &closing);
  if (TALLY_OK != code)
    cli_warn (cli, "%s", plain (closing.message));
  if (! offline)
    tally_flush (cli->client, deadline_ms, &closing);
  tally_counters (cli->client, &counters);
  tally_run_free (logging->run);
  code = cli_close (cli, 0, &closing);
  pthread_mutex_lock (&logging->lock);
  result.sent = TALLY_OK == code;
  result.rejected = counters.rejected;
  result.waiting = result.sent ? 0 : counters.logged - counters.sent - counters.rejected;
  if (result.rejected > 0 && TALLY_OK == logging->rejected.code)
    result.rejected = 0;
  if (offline)
    result.status = CLI_DONE;
  else
    result.status = judge (logging, &result, must_arrive, &closing);
  pthread_mutex_unlock (&logging->lock);
  return result;
}

struct logging_result
logging_finish_as_told (struct logging *logging)
{
  struct cli *cli = logging->cli;
  bool told = cli_has (cli, "wait");
  /* A day: longer than anybody waits at a prompt. */
  int64_t seconds = cli_number (cli, "wait", 0, 86400, 0);

  return logging_finish (logging, told ? seconds * 1000 : WAIT_MS, told);
}
