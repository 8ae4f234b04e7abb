/* Models: gate, promote, rollback: what gates say, with exit code 2 for no. */
#include "cli/model.h"

#include "base/number.h"

#include <inttypes.h>
#include <string.h>

/* What moves: an alias, or else a version to a stage. */
struct target
{
  const char *alias; /* NULL: the stage is meant */
  const char *stage;
};

static struct target
target_of (struct cli *cli)
{
  struct target target = { cli->argument_count > 1 ? cli->arguments[1] : NULL, cli_option (cli, "stage") };

  if ((NULL == target.alias) == (NULL == target.stage))
    cli_refuse (cli, "Name what moves: an alias or a --stage.");
  return target;
}

/* Who held an alias before and holds it now is told of aliases: a stage may have several versions. */
static json_t *
result_json (const struct tally_gate_result *result, const struct target *target)
{
  json_t *answer = json_object ();
  json_t *missing = json_array ();

  for (size_t i = 0; i < result->missing_count; i++)
    json_array_append_new (missing, json_pack ("{s:o, s:o}", "rule", json_text (result->missing[i].rule), "message",
                                               json_text (result->missing[i].message)));
  json_object_set_new (answer, "met", json_boolean (result->met));
  json_object_set_new (answer, "moved", json_boolean (result->moved));
  json_object_set_new (answer, "forced", json_boolean (result->forced));
  json_object_set_new (answer, "version", json_integer (result->version));
  if (NULL != target->alias)
  {
    json_object_set_new (answer, "previous", json_integer (result->previous));
    json_object_set_new (answer, "current", json_integer (result->current));
  }
  json_object_set_new (answer, NULL == target->alias ? "stage" : "alias",
                       json_text (NULL == target->alias ? target->stage : target->alias));
  json_object_set_new (answer, "missing", missing);
  return answer;
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
refused (struct cli *cli, const struct tally_gate_result *result, const struct target *target,
         const struct tally_error *err)
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
                         "retryable", err->retryable, "exit_code", status, "gate", result_json (result, target)));
  return status;
}

/* The answer of one that was done; `previous_stage` is of stages only. */
static void
print_moved_json (const struct tally_gate_result *result, const struct target *target, const char *name,
                  const char *previous_stage)
{
  json_t *answer = result_json (result, target);

  json_object_set_new (answer, "name", json_text (name));
  if (NULL == target->alias)
    json_object_set_new (answer, "previous_stage", json_text (previous_stage));
  print_json (answer);
}

static int
moved_alias (struct cli *cli, const char *name, const char *alias, const struct tally_gate_result *result)
{
  const char *from = result->previous > 0 ? cli_printf (", before: %" PRId64, result->previous) : "";

  if (FORMAT_JSON == cli->format)
    print_moved_json (result, &(struct target){ .alias = alias }, name, NULL);
  else
    printf ("%s%s@%s%s is version %" PRId64 "%s%s\n", style_begin (&cli->out, STYLE_GOOD), plain (name), plain (alias),
            style_end (&cli->out), result->current, from, result->forced ? ", forced" : "");
  return CLI_DONE;
}

static int
moved_stage (struct cli *cli, const struct tally_model_version *version, const char *stage,
             const struct tally_gate_result *result)
{
  if (FORMAT_JSON == cli->format)
    print_moved_json (result, &(struct target){ .stage = stage }, version->name, version->stage);
  else
    printf ("%s%s/%" PRId64 "%s is in the stage %s, before: %s%s\n", style_begin (&cli->out, STYLE_GOOD),
            plain (version->name), version->version, style_end (&cli->out), stage, plain (version->stage),
            result->forced ? ", forced" : "");
  return CLI_DONE;
}

int
run_model_gate (struct cli *cli)
{
  struct target target = target_of (cli);
  struct tally_model_version *version = model_version (cli, cli->arguments[0]);
  struct tally_gate_result *result = NULL;
  struct tally_error err;
  bool met;

  cli_must (
      cli,
      NULL == target.alias
          ? tally_model_stage_gate (&result, cli_client (cli), version->name, version->version, target.stage, &err)
          : tally_model_gate (&result, cli_client (cli), version->name, version->version, target.alias, &err),
      &err);
  met = result->met;
  if (FORMAT_JSON == cli->format)
    print_json (result_json (result, &target));
  else
  {
    printf ("%s%s%s: %s/%" PRId64 " %s %s %s\n", style_begin (&cli->out, met ? STYLE_GOOD : STYLE_BAD),
            met ? "open" : "closed", style_end (&cli->out), plain (version->name), version->version,
            met ? "may" : "may not", NULL == target.alias ? "go to the stage" : "have the alias",
            plain (NULL == target.alias ? target.stage : target.alias));
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

/* Options that only one of the two has. */
static void
check_promotion (struct cli *cli, const struct target *target)
{
  if (NULL == target->alias && cli_has (cli, "expect"))
    cli_refuse (cli, "--expect is of aliases: a stage may have several versions.");
  if (NULL != target->alias && cli_has (cli, "archive"))
    cli_refuse (cli, "--archive is of stages: only one version has an alias.");
  if (cli_has (cli, "force") && NULL == cli_option (cli, "reason"))
    cli_refuse (cli, "--force needs a --reason.");
}

static int
promote_stage (struct cli *cli, const struct target *target)
{
  struct tally_transition transition = { .stage = target->stage };
  struct tally_model_version *version = model_version (cli, cli->arguments[0]);
  struct tally_gate_result *result = NULL;
  struct tally_error err;
  enum tally_code code;

  transition.version = version->version;
  transition.archive_existing = cli_has (cli, "archive");
  transition.reason = cli_option (cli, "reason");
  transition.run_url = cli_option (cli, "run-url");
  transition.force = cli_has (cli, "force");
  code = tally_model_transition (&result, cli_client (cli), version->name, &transition, &err);
  if (TALLY_OK != code)
    return refused (cli, result, target, &err);
  return moved_stage (cli, version, target->stage, result);
}

static int
promote_alias (struct cli *cli, const struct target *target)
{
  struct tally_promotion promotion = { .alias = target->alias, .expect_version = expected (cli) };
  struct tally_model_version *version = model_version (cli, cli->arguments[0]);
  struct tally_gate_result *result = NULL;
  struct tally_error err;
  enum tally_code code;

  promotion.version = version->version;
  promotion.reason = cli_option (cli, "reason");
  promotion.run_url = cli_option (cli, "run-url");
  promotion.force = cli_has (cli, "force");
  code = tally_model_promote (&result, cli_client (cli), version->name, &promotion, &err);
  if (TALLY_OK != code)
    return refused (cli, result, target, &err);
  return moved_alias (cli, version->name, target->alias, result);
}

int
run_model_promote (struct cli *cli)
{
  struct target target = target_of (cli);

  check_promotion (cli, &target);
  return NULL == target.alias ? promote_stage (cli, &target) : promote_alias (cli, &target);
}

int
run_model_rollback (struct cli *cli)
{
  struct target target = { .alias = cli->arguments[1] };
  struct tally_rollback rollback = { .alias = target.alias,
                                     .at = cli_option (cli, "at"),
                                     .expect_version = expected (cli),
                                     .reason = cli_option (cli, "reason"),
                                     .run_url = cli_option (cli, "run-url") };
  struct tally_gate_result *result = NULL;
  struct tally_error err;
  enum tally_code code = tally_model_rollback (&result, cli_client (cli), cli->arguments[0], &rollback, &err);

  if (TALLY_OK != code)
    return refused (cli, result, &target, &err);
  return moved_alias (cli, cli->arguments[0], target.alias, result);
}
