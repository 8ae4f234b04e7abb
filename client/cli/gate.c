/* Gates: ls, show, set, delete. A gate binds models by name or pattern, and one alias or stage of them. */
#include "cli/gate_rules.h"
#include "cli/model.h"

#include <string.h>

#define WORKSPACE_GATES "/api/tally/v1/gates"

static const struct column gate_columns[] = {
  { "MODELS", "model_pattern", CELL_TEXT },
  { "GUARDS", "guards", CELL_TEXT },
  { "RULES", "rule_list", CELL_LIST },
  { "UPDATED", "updated_at", CELL_AGE },
};

/* What people read: "@production" or "stage Production", and the rules as sentences. */
static void
complete_gate (json_t *gate)
{
  const json_t *alias = json_object_get (gate, "alias");

  json_object_set_new (gate, "guards",
                       json_text (NULL != alias
                                      ? cli_printf ("@%s", value_text (alias))
                                      : cli_printf ("stage %s", value_text (json_object_get (gate, "stage")))));
  json_object_set_new (gate, "rule_list", gate_rules_tell (json_object_get (gate, "rules")));
}

static const char *
model_path (const char *name)
{
  return cli_printf ("/api/tally/v1/registered-models/%s/gates", cli_encode (name));
}

int
run_gate_ls (struct cli *cli)
{
  const char *path = 0 == cli->argument_count ? WORKSPACE_GATES : model_path (model_name (cli, cli->arguments[0]));
  json_t *gates = fetch_pages (cli, path, "gates", limit_of (cli), complete_gate);

  print_list (cli, gates, "gates", gate_columns, sizeof (gate_columns) / sizeof (gate_columns[0]));
  return CLI_DONE;
}

/* What the command names. */
struct guarded
{
  const char *pattern;
  const char *alias; /* NULL: the stage is meant */
  const char *stage;
};

static struct guarded
guarded_of (struct cli *cli)
{
  const char *alias = cli->argument_count > 1 ? cli->arguments[1] : NULL;
  struct guarded guarded = { model_name (cli, cli->arguments[0]), alias, cli_option (cli, "stage") };

  if ((NULL == guarded.alias) == (NULL == guarded.stage))
    cli_refuse (cli, "Name what is guarded: an alias or a --stage.");
  return guarded;
}

static const char *
guarded_text (const struct guarded *guarded)
{
  return cli_printf ("%s%s%s", plain (guarded->pattern), NULL == guarded->alias ? ", stage " : "@",
                     plain (NULL == guarded->alias ? guarded->stage : guarded->alias));
}

/* Whoever manages a model sets its gate; those of patterns, and of names that no model has yet, are of the workspace.
 */
static json_t *
change_gate (struct cli *cli, const char *method, const struct guarded *guarded, json_t *body)
{
  enum tally_code code = TALLY_ERROR_NOT_FOUND;
  struct tally_error first = { .code = TALLY_OK };
  struct tally_error err;
  json_t *answer = NULL;

  json_object_set_new (body, NULL == guarded->alias ? "stage" : "alias",
                       json_text (NULL == guarded->alias ? guarded->stage : guarded->alias));
  if (NULL == strchr (guarded->pattern, '*'))
  {
    code = cli_try_request (&answer, cli, method, model_path (guarded->pattern), body, &err);
    first = err;
  }
  if (TALLY_ERROR_NOT_FOUND == code)
  {
    json_decref (answer);
    json_object_set_new (body, "model_pattern", json_text (guarded->pattern));
    code = cli_try_request (&answer, cli, method, WORKSPACE_GATES, body, &err);
    /* Who may not see the workspace asked for a model that is not there. */
    if (TALLY_OK != first.code
        && (TALLY_ERROR_FORBIDDEN == code || (TALLY_ERROR_NOT_FOUND == code && 0 == strcmp (method, "PUT"))))
    {
      err = first;
      code = first.code;
    }
  }
  json_decref (body);
  cli_must (cli, code, &err);
  return answer;
}

static void
print_gate (struct cli *cli, const struct guarded *guarded, const json_t *gate)
{
  size_t index;
  json_t *text;

  printf ("%s%s%s\n", style_begin (&cli->out, STYLE_NAME), guarded_text (guarded), style_end (&cli->out));
  json_array_foreach (json_object_get (gate, "rule_list"), index, text)
  {
    printf ("  %s\n", plain (json_string_value (text)));
  }
}

/* Print a gate. Takes the reference. */
static void
tell_gate (struct cli *cli, const struct guarded *guarded, json_t *gate)
{
  complete_gate (gate);
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:O}", "gate", gate));
  else if (! cli->quiet)
    print_gate (cli, guarded, gate);
  json_decref (gate);
}

int
run_gate_set (struct cli *cli)
{
  json_t *rules = gate_rules_read (cli);
  struct guarded guarded = guarded_of (cli);
  json_t *answer = change_gate (cli, "PUT", &guarded, json_pack ("{s:o}", "rules", rules));

  tell_gate (cli, &guarded, json_incref (json_object_get (answer, "gate")));
  json_decref (answer);
  return CLI_DONE;
}

int
run_gate_delete (struct cli *cli)
{
  struct guarded guarded = guarded_of (cli);

  json_decref (change_gate (cli, "DELETE", &guarded, json_object ()));
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:o, s:o}", "model_pattern", json_text (guarded.pattern),
                           NULL == guarded.alias ? "stage" : "alias",
                           json_text (NULL == guarded.alias ? guarded.stage : guarded.alias)));
  else
    cli_note (cli, "%s has no gate any more", guarded_text (&guarded));
  return CLI_DONE;
}

static bool
is_same (const json_t *gate, const struct guarded *guarded)
{
  return 0 == strcmp (value_text (json_object_get (gate, "model_pattern")), guarded->pattern)
         && 0
                == strcmp (value_text (json_object_get (gate, NULL == guarded->alias ? "stage" : "alias")),
                           NULL == guarded->alias ? guarded->stage : guarded->alias);
}

/* Gates among which one of this name is: who may read a model sees those that bind it. */
static json_t *
gates_around (struct cli *cli, const char *pattern)
{
  struct tally_error err;
  json_t *answer = NULL;
  json_t *gates = NULL;

  if (NULL == strchr (pattern, '*')
      && TALLY_OK == cli_try_request (&answer, cli, "GET", model_path (pattern), NULL, &err))
  {
    gates = json_incref (json_object_get (answer, "gates"));
    gates = NULL == gates ? json_array () : gates;
  }
  json_decref (answer);
  return NULL == gates ? fetch_pages (cli, WORKSPACE_GATES, "gates", 0, complete_gate) : gates;
}

int
run_gate_show (struct cli *cli)
{
  struct guarded guarded = guarded_of (cli);
  json_t *gates = gates_around (cli, guarded.pattern);
  struct tally_error err = { .code = TALLY_ERROR_NOT_FOUND };
  size_t index;
  json_t *gate;

  json_array_foreach (gates, index, gate)
  {
    if (! is_same (gate, &guarded))
      continue;
    tell_gate (cli, &guarded, json_incref (gate));
    json_decref (gates);
    return CLI_DONE;
  }
  json_decref (gates);
  snprintf (err.message, sizeof (err.message), "There is no gate of %s.", guarded_text (&guarded));
  return cli_fail (cli, &err);
}
