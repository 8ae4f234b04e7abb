/* Models: gate, promote, rollback: what gates say, with exit code 2 for no. */
#include "cli/model.h"

#include "base/number.h"

#include <inttypes.h>
#include <string.h>

static json_t *
result_json (const struct tally_gate_result *result)
{
  json_t *missing = json_array ();

  for (size_t i = 0; i < result->missing_count; i++)
    json_array_append_new (missing, json_pack ("{s:o, s:o}", "rule", json_text (result->missing[i].rule), "message",
                                               json_text (result->missing[i].message)));
  return json_pack ("{s:b, s:b, s:b, s:I, s:I, s:I, s:o}", "met", result->met, "moved", result->moved, "forced",
                    result->forced, "version", (json_int_t)result->version, "previous", (json_int_t)result->previous,
                    "current", (json_int_t)result->current, "missing", missing);
}

/* What is missing goes to stdout: it is the answer. */
static void
print_missing (struct cli *cli, const struct tally_gate_result *result)
{
  for (size_t i = 0; i < result->missing_count; i++)
    printf ("  %s%-12s%s %s\n", style_begin (&cli->out, STYLE_BAD), plain (result->missing[i].rule),
            style_end (&cli->out), plain (result->missing[i].message));
}

/* The answer of a promotion that was refused: the error, with what the gate said. */
static int
refused (struct cli *cli, const struct tally_gate_result *result, const struct tally_error *err)
{
  int status = cli_exit_code (err->code);

  if (FORMAT_JSON != cli->format || NULL == result)
  {
    status = cli_fail (cli, err);
    if (NULL != result && FORMAT_JSON != cli->format)
      print_missing (cli, result);
    return status;
  }
  print_json (json_pack ("{s:{s:s, s:s, s:i, s:s, s:b, s:i}, s:o}", "error", "code", tally_code_name (err->code),
                         "message", err->message, "http_status", err->http_status, "server_code", err->server_code,
                         "retryable", err->retryable, "exit_code", status, "gate", result_json (result)));
  return status;
}

static int
moved (struct cli *cli, const char *name, const char *alias, const struct tally_gate_result *result)
{
  const char *from = result->previous > 0 ? cli_printf (", before: %" PRId64, result->previous) : "";

  if (FORMAT_JSON == cli->format)
  {
    json_t *answer = result_json (result);

    json_object_set_new (answer, "name", json_text (name));
    json_object_set_new (answer, "alias", json_text (alias));
    print_json (answer);
  }
  else
    printf ("%s%s@%s%s is version %" PRId64 "%s%s\n", style_begin (&cli->out, STYLE_GOOD), plain (name), plain (alias),
            style_end (&cli->out), result->current, from, result->forced ? ", forced" : "");
  return CLI_DONE;
}

int
run_model_gate (struct cli *cli)
{
  struct tally_model_version *version = model_version (cli, cli->arguments[0]);
  const char *alias = cli->arguments[1];
  struct tally_gate_result *result = NULL;
  struct tally_error err;
  bool met;

  cli_must (cli, tally_model_gate (&result, cli_client (cli), version->name, version->version, alias, &err), &err);
  met = result->met;
  if (FORMAT_JSON == cli->format)
    print_json (result_json (result));
  else
  {
    printf ("%s%s%s: %s/%" PRId64 " %s have the alias %s\n", style_begin (&cli->out, met ? STYLE_GOOD : STYLE_BAD),
            met ? "open" : "closed", style_end (&cli->out), plain (version->name), version->version,
            met ? "may" : "may not", plain (alias));
    print_missing (cli, result);
  }
  tally_gate_result_free (result);
  return met ? CLI_DONE : CLI_GATE;
}

/* The number of --expect, or -1 for "none"; 0: not given. */
static int64_t
expected (struct cli *cli)
{
  const char *text = cli_option (cli, "expect");
  int64_t version = 0;

  if (NULL == text)
    return 0;
  if (0 == strcmp (text, "none"))
    return -1;
  if (! number_parse_int64 (slice_of (text), &version) || version < 1)
    cli_refuse (cli, "--expect: '%s' is neither a version nor 'none'.", text);
  return version;
}

int
run_model_promote (struct cli *cli)
{
  struct tally_promotion promotion = { .alias = cli->arguments[1], .expect_version = expected (cli) };
  struct tally_model_version *version;
  struct tally_gate_result *result = NULL;
  struct tally_error err;
  enum tally_code code;

  promotion.reason = cli_option (cli, "reason");
  promotion.run_url = cli_option (cli, "run-url");
  promotion.force = cli_has (cli, "force");
  if (promotion.force && NULL == promotion.reason)
    cli_refuse (cli, "--force needs a --reason.");
  version = model_version (cli, cli->arguments[0]);
  promotion.version = version->version;
  code = tally_model_promote (&result, cli_client (cli), version->name, &promotion, &err);
  if (TALLY_OK != code)
    return refused (cli, result, &err);
  return moved (cli, version->name, promotion.alias, result);
}

int
run_model_rollback (struct cli *cli)
{
  struct tally_gate_result *result = NULL;
  struct tally_error err;
  enum tally_code code = tally_model_rollback (&result, cli_client (cli), cli->arguments[0], cli->arguments[1],
                                               cli_option (cli, "reason"), &err);

  if (TALLY_OK != code)
    return refused (cli, result, &err);
  return moved (cli, cli->arguments[0], cli->arguments[1], result);
}
