/* The connection: options, client, requests, and finding runs by what a person calls them. */
#include "cli/cli.h"

#include "base/buffer.h"
#include "base/hex.h"
#include "base/url.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Digits of the shortest beginning of an id that is taken for one. */
#define PREFIX_LEAST 6
#define ID_LENGTH 32

static void
set_option (struct cli *cli, const char *name, const char *value)
{
  struct tally_error err;

  cli_must (cli, tally_options_set (cli->options, name, value, &err), &err);
}

/* Who asks, for servers without logins. */
static void
name_user (struct cli *cli)
{
  const char *name = getenv ("LOGNAME");
  const struct passwd *entry = NULL == name || '\0' == name[0] ? getpwuid (geteuid ()) : NULL;

  if (NULL != entry)
    name = entry->pw_name;
  if (NULL == tally_options_get (cli->options, "user") && NULL != name && '\0' != name[0])
    tally_options_set (cli->options, "user", name, NULL);
}

/* A person waits, so a server that does not answer is told sooner than a program would be; transfers and sync have the
   patience of the library. */
#define PATIENCE_MS "10000"

static void
limit_patience (struct cli *cli)
{
  static const char *const patient[] = { "artifact ", "model download", "model verify", "sync" };
  const struct tally_option_info *info = NULL;
  const char *now = tally_options_get (cli->options, "request-timeout-ms");

  for (size_t i = 0; i < sizeof (patient) / sizeof (patient[0]); i++)
    if (0 == strncmp (cli->command->name, patient[i], strlen (patient[i])))
      return;
  for (size_t i = 0; NULL != (info = tally_option_at (i)) && 0 != strcmp (info->name, "request-timeout-ms"); i++)
    ;
  if (NULL != info && NULL != now && 0 == strcmp (now, info->default_value))
    tally_options_set (cli->options, "request-timeout-ms", PATIENCE_MS, NULL);
}

struct tally_options *
cli_options (struct cli *cli)
{
  struct tally_error err;

  if (NULL != cli->options)
    return cli->options;
  cli_must (cli, tally_options_new (&cli->options, &err), &err);
  for (size_t i = 0; i < cli->given_count; i++)
    if (0 == strcmp (cli->given[i].option->name, "set"))
    {
      struct tally_pair pair = cli_pair (cli, cli->given[i].value);

      set_option (cli, pair.key, pair.value);
    }
  if (cli_has (cli, "server"))
    set_option (cli, "server", cli_option (cli, "server"));
  if (cli_has (cli, "workspace"))
    set_option (cli, "workspace", cli_option (cli, "workspace"));
  if (cli_has (cli, "offline"))
    set_option (cli, "mode", "offline");
  cli_must (cli, tally_options_load (cli->options, &err), &err);
  name_user (cli);
  limit_patience (cli);
  return cli->options;
}

const char *
cli_setting (struct cli *cli, const char *name)
{
  return tally_options_get (cli_options (cli), name);
}

struct tally_client *
cli_client (struct cli *cli)
{
  struct tally_error err;

  if (NULL == cli->client)
    cli_must (cli, tally_open (&cli->client, cli_options (cli), &err), &err);
  return cli->client;
}

enum tally_code
cli_close (struct cli *cli, int64_t deadline_ms, struct tally_error *err)
{
  struct tally_client *client = cli->client;

  cli->client = NULL;
  return NULL == client ? TALLY_OK : tally_close (client, deadline_ms, err);
}

/* A server without the routes of Tally says something about its own, which would not help. */
static enum tally_code
explain_mlflow (enum tally_code code, struct cli *cli, const char *path, struct tally_error *err)
{
  const struct tally_server *server;

  if (0 != strncmp (path, "/api/tally/", 11)
      || (TALLY_ERROR_UNSUPPORTED != code && TALLY_ERROR_NOT_FOUND != code && TALLY_ERROR_PROTOCOL != code)
      || TALLY_OK != tally_ping (&server, cli_client (cli), NULL) || server->is_tally)
    return code;
  memset (err, 0, sizeof (*err));
  err->code = TALLY_ERROR_UNSUPPORTED;
  snprintf (err->message, sizeof (err->message), "'tally %s' needs a Tally server; %.1000s is MLflow %s.",
            cli->command->name, server->url, server->version);
  return err->code;
}

enum tally_code
cli_try_request (json_t **answer, struct cli *cli, const char *method, const char *path, const json_t *body,
                 struct tally_error *err)
{
  struct tally_reply *reply = NULL;
  char *text = NULL == body ? NULL : json_dumps (body, JSON_COMPACT);
  enum tally_code code;
  size_t len;

  *answer = NULL;
  code = tally_request (&reply, cli_client (cli), method, path, text, err);
  free (text);
  if (NULL != reply)
  {
    const char *content = tally_reply_body (reply, &len);

    *answer = json_loadb (content, len, 0, NULL);
  }
  tally_reply_free (reply);
  if (TALLY_OK != code)
    return explain_mlflow (code, cli, path, err);
  if (json_is_object (*answer))
    return code;
  json_decref (*answer);
  *answer = NULL;
  memset (err, 0, sizeof (*err));
  err->code = TALLY_ERROR_PROTOCOL;
  snprintf (err->message, sizeof (err->message), "The answer to %s is no JSON object.", path);
  return err->code;
}

json_t *
cli_request (struct cli *cli, const char *method, const char *path, const json_t *body)
{
  struct tally_error err;
  json_t *answer;

  cli_must (cli, cli_try_request (&answer, cli, method, path, body, &err), &err);
  return answer;
}

const char *
cli_encode (const char *text)
{
  struct buffer out;

  buffer_init (&out, SIZE_MAX / 2);
  url_encode (&out, slice_of (text));
  return 0 == out.len ? "" : buffer_steal (&out);
}

/* A failure of a look-up here, with the code that a server's answer would have. */
static void
not_found (struct cli *cli, enum tally_code code, const char *message)
{
  struct tally_error err = { .code = code };

  snprintf (err.message, sizeof (err.message), "%s", message);
  cli_must (cli, code, &err);
}

const char *
cli_experiment_id (struct cli *cli, const char *text)
{
  static char id[TALLY_EXPERIMENT_ID_BYTES];
  struct tally_error err;
  enum tally_code code = tally_experiment_id (id, cli_client (cli), text, false, &err);
  struct tally_experiment *experiment = NULL;
  struct tally_error second;

  /* A number that is no name is an id. */
  if (TALLY_ERROR_NOT_FOUND == code && strlen (text) == strspn (text, "0123456789")
      && TALLY_OK == tally_experiment_get (&experiment, cli_client (cli), text, &second))
  {
    tally_experiment_free (experiment);
    return text;
  }
  cli_must (cli, code, &err);
  return cli_copy (id, strlen (id));
}

/* In a filter, a quote inside of a text is doubled. */
static const char *
filter_text (const char *text)
{
  struct buffer out;

  buffer_init (&out, SIZE_MAX / 2);
  buffer_byte (&out, '\'');
  for (; '\0' != *text; text++)
  {
    if ('\'' == *text)
      buffer_byte (&out, '\'');
    buffer_byte (&out, *text);
  }
  buffer_byte (&out, '\'');
  return buffer_steal (&out);
}

/* The one run that meets a filter, newest first; NULL: none. `many` names the others when there are several and
   `one_only`. */
static const char *
find_one (struct cli *cli, enum tally_view view, const char *filter, const char *experiment, const char *text,
          bool one_only)
{
  const char *ids[] = { NULL == experiment ? NULL : cli_experiment_id (cli, experiment) };
  const struct tally_run_data *run = NULL;
  struct tally_search *search = NULL;
  struct tally_error err;
  const char *found = NULL;
  const char *others = NULL;

  cli_must (cli,
            tally_search_runs (&search, cli_client (cli), NULL == ids[0] ? NULL : ids, NULL == ids[0] ? 0 : 1, filter,
                               "start_time DESC", view, one_only ? 6 : 1, &err),
            &err);
  for (;;)
  {
    cli_must (cli, tally_search_next_run (&run, search, &err), &err);
    if (NULL == run)
      break;
    if (NULL == found)
      found = cli_copy (run->run_id, strlen (run->run_id));
    else
      others = cli_printf ("%s%s%s", NULL == others ? "" : others, NULL == others ? "" : ", ", run->run_id);
  }
  tally_search_free (search);
  if (NULL != others)
    not_found (cli, TALLY_ERROR_CONFLICT,
               cli_printf ("'%s' is more than one run: %s, %s. Use the id, or --experiment.", text, found, others));
  return found;
}

static size_t
hex_digits (const char *text)
{
  size_t len = 0;

  while (hex_value (text[len]) >= 0 && (text[len] < 'A' || text[len] > 'F'))
    len++;
  return '\0' == text[len] ? len : 0;
}

/* By the beginning of an id, or by name; NULL: there is none. */
static const char *
find_named (struct cli *cli, enum tally_view view, const char *text, const char *experiment)
{
  bool is_prefix = hex_digits (text) >= PREFIX_LEAST;
  const char *found = NULL;

  if (is_prefix)
    found = find_one (cli, view, cli_printf ("attributes.run_id LIKE '%s%%'", text), NULL, text, true);
  /* MLflow gives runs other ids than libtally, which are in a tag then. */
  if (NULL == found && is_prefix)
    found = find_one (cli, view, cli_printf ("tags.`tally.run_id` LIKE '%s%%'", text), NULL, text, true);
  if (NULL == found)
    found = find_one (cli, view, cli_printf ("attributes.run_name = %s", filter_text (text)), experiment, text, true);
  return found;
}

static const char *
find_run (struct cli *cli, enum tally_view view, const char *text, const char *experiment)
{
  const char *kind = TALLY_VIEW_DELETED == view ? "deleted " : "";
  bool is_latest = 0 == strcmp (text, "latest");
  const char *found;

  if (ID_LENGTH == hex_digits (text))
    return text;
  if (NULL == experiment && is_latest)
    experiment = cli_setting (cli, "experiment");
  found = is_latest ? find_one (cli, view, NULL, experiment, text, false) : find_named (cli, view, text, experiment);
  if (NULL == found)
    not_found (cli, TALLY_ERROR_NOT_FOUND,
               is_latest ? cli_printf ("There is no %srun yet.", kind)
                         : cli_printf ("There is no %srun '%s': neither an id, the beginning of one (%d digits or "
                                       "more), nor a name.",
                                       kind, text, PREFIX_LEAST));
  return found;
}

const char *
cli_run_id (struct cli *cli, const char *text, const char *experiment)
{
  const char *current;

  if (0 != strcmp (text, "current"))
    return find_run (cli, TALLY_VIEW_ACTIVE, text, experiment);
  current = cli_setting (cli, "run-id");
  if (NULL == current)
    not_found (cli, TALLY_ERROR_NOT_FOUND, "There is no current run: TALLY_RUN_ID is not set.");
  return current;
}

const char *
cli_deleted_run_id (struct cli *cli, const char *text, const char *experiment)
{
  return find_run (cli, TALLY_VIEW_DELETED, text, experiment);
}

struct tally_run_data *
cli_run (struct cli *cli, const char *text, const char *experiment)
{
  const char *id = cli_run_id (cli, text, experiment);
  struct tally_run_data *run = NULL;
  struct tally_error err;
  enum tally_code code = tally_run_get (&run, cli_client (cli), id, &err);

  if (TALLY_ERROR_NOT_FOUND == code)
  {
    const char *other =
        find_one (cli, TALLY_VIEW_ACTIVE, cli_printf ("tags.`tally.run_id` = '%s'", id), NULL, text, false);

    if (NULL != other)
      code = tally_run_get (&run, cli_client (cli), other, &err);
  }
  cli_must (cli, code, &err);
  return run;
}

const char *
cli_root (struct cli *cli, const char *text)
{
  struct tally_run_data *run;
  const char *root;

  if (NULL != strstr (text, ":/"))
    return text;
  run = cli_run (cli, text, cli_option (cli, "experiment"));
  root = cli_printf ("runs:/%s", run->run_id);
  tally_run_data_free (run);
  return root;
}
