/* The table of commands as JSON: --json of help, manual and completion. */
#include "cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
add_option (void *payload, const struct option *option)
{
  json_t *options = payload;
  json_t *item = json_pack ("{s:s, s:s?, s:s?, s:b, s:s}", "name", option->name, "letter",
                            0 == option->letter ? NULL : cli_printf ("%c", option->letter), "value", option->value,
                            "repeatable", option->many, "help", option->help);

  if (NULL != option->words)
    json_object_set_new (item, "words", json_text (option->words));
  json_array_append_new (options, item);
}

json_t *
describe_command (const struct command *command)
{
  json_t *options = json_array ();

  for (const struct option *option = command->options; NULL != option && NULL != option->name; option++)
    add_option (options, option);
  for (const struct option *option = list_options; LISTS_ITEMS == command->lists && NULL != option->name; option++)
    add_option (options, option);
  return json_pack ("{s:s, s:s, s:s, s:s?, s:s?, s:o}", "name", command->name, "arguments", command->arguments,
                    "summary", command->summary, "text", command->text, "example", command->example, "options",
                    options);
}

json_t *
describe_commands (const char *group)
{
  json_t *found = json_array ();
  json_t *options = json_array ();
  json_t *exit_codes = json_array ();
  size_t len = NULL == group ? 0 : strlen (group);
  const char *meaning;
  int status;

  for (const struct command *command = commands; NULL != command->name; command++)
    if (NULL == group || (0 == strncmp (command->name, group, len) && ' ' == command->name[len]))
      json_array_append_new (found, describe_command (command));
  for (const struct option *option = common_options; NULL != option->name; option++)
    add_option (options, option);
  for (size_t i = 0; NULL != (meaning = cli_exit_meaning (i, &status)); i++)
    json_array_append_new (exit_codes, json_pack ("{s:i, s:s}", "code", status, "meaning", meaning));
  return json_pack ("{s:o, s:o, s:o}", "commands", found, "options", options, "exit_codes", exit_codes);
}

json_t *
describe_settings (void)
{
  const struct tally_option_info *info;
  json_t *options = json_array ();

  for (size_t i = 0; NULL != (info = tally_option_at (i)); i++)
    json_array_append_new (options, json_pack ("{s:s, s:s, s:s?, s:s?, s:s}", "name", info->name, "variable",
                                               info->variable, "mlflow_variable", info->mlflow_variable, "default",
                                               info->default_value, "help", info->help));
  return json_pack ("{s:o}", "options", options);
}

int
print_as_json (struct cli *cli, const char *member, void (*print) (struct cli *cli))
{
  FILE *before = stdout;
  char *text = NULL;
  size_t len = 0;

  if (FORMAT_JSON != cli->format)
  {
    print (cli);
    return CLI_DONE;
  }
  stdout = open_memstream (&text, &len);
  if (NULL != stdout)
  {
    print (cli);
    fclose (stdout);
  }
  stdout = before;
  if (NULL == text)
    cli_broken (cli, ENOMEM, "%s", member);
  print_json (json_pack ("{s:s}", member, text));
  free (text);
  return CLI_DONE;
}
