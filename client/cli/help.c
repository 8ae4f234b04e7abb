/* --help: of the program, of a group of commands, of a command, and of libtally's options. */
#include "cli/output.h"
#include "cli/parse.h"

#include <string.h>

/* Widest text of a help page: longer lines are hard to read. */
#define HELP_COLUMNS 100
/* Where the second column of lists begins. */
#define HELP_INDENT 26

static unsigned
help_columns (const struct cli *cli)
{
  return 0 == cli->out.columns || cli->out.columns > HELP_COLUMNS ? HELP_COLUMNS : cli->out.columns;
}

/* Break `text` at blanks; empty lines stay. The cursor stands at column `indent` already. */
static void
print_wrapped (const struct cli *cli, const char *text, unsigned indent)
{
  unsigned column = indent;

  while ('\0' != *text)
  {
    size_t len = strcspn (text, " \n");

    if (column > indent && column + 1 + len > help_columns (cli))
    {
      printf ("\n%*s", (int)indent, "");
      column = indent;
    }
    else if (column > indent)
    {
      putchar (' ');
      column++;
    }
    printf ("%.*s", (int)len, text);
    column += (unsigned)len;
    text += len;
    for (; ' ' == *text; text++)
      ;
    for (; '\n' == *text; text++, column = indent)
      printf ("\n%*s", '\n' == text[1] ? 0 : (int)indent, "");
  }
  putchar ('\n');
}

static void
print_head (const struct cli *cli, const char *text)
{
  printf ("%s%s%s\n", style_begin (&cli->out, STYLE_HEAD), text, style_end (&cli->out));
}

static void
print_entry (const struct cli *cli, const char *name, const char *text)
{
  printf ("  %s%s%s", style_begin (&cli->out, STYLE_NAME), name, style_end (&cli->out));
  if (strlen (name) + 4 > HELP_INDENT)
    printf ("\n%*s", HELP_INDENT, "");
  else
    printf ("%*s", (int)(HELP_INDENT - 2 - strlen (name)), "");
  print_wrapped (cli, text, HELP_INDENT);
}

static void
print_option (void *payload, const struct option *option)
{
  struct cli *cli = payload;
  const char *words = NULL == option->words ? NULL : option->words;
  const char *value = NULL == option->value ? "" : cli_printf (" %s", option->value);
  const char *letter = 0 == option->letter ? "    " : cli_printf ("-%c, ", option->letter);
  const char *text = option->help;

  if (NULL != words)
    text = cli_printf ("%s (%s)", text, words);
  if (option->many)
    text = cli_printf ("%s; may be repeated", text);
  print_entry (cli, cli_printf ("%s--%s%s", letter, option->name, value), text);
}

static void
print_indented (const char *text)
{
  for (; '\0' != *text; text += '\n' == *text)
  {
    size_t len = strcspn (text, "\n");

    printf ("  %.*s\n", (int)len, text);
    text += len;
  }
}

void
help_command (struct cli *cli, const struct command *command)
{
  if (FORMAT_JSON == cli->format)
  {
    print_json (describe_command (command));
    return;
  }
  printf ("%stally %s%s [OPTION...]%s%s\n\n", style_begin (&cli->out, STYLE_HEAD), command->name, style_end (&cli->out),
          '\0' == command->arguments[0] ? "" : " ", command->arguments);
  print_wrapped (cli, cli_printf ("%s.", command->summary), 0);
  if (NULL != command->text)
  {
    const char *text = command->text;
    size_t len = strlen (text);

    for (; len > 0 && '\n' == text[len - 1]; len--)
      ;
    putchar ('\n');
    print_wrapped (cli, cli_copy (text, len), 0);
  }
  putchar ('\n');
  print_head (cli, "Options");
  command_each_option (command, print_option, cli);
  if (NULL == command->example)
    return;
  putchar ('\n');
  print_head (cli, "Example");
  print_indented (command->example);
}

static bool
in_group (const char *name, const char *group)
{
  size_t len = strlen (group);

  return 0 == strncmp (name, group, len) && ' ' == name[len];
}

void
help_group (struct cli *cli, const char *group)
{
  if (FORMAT_JSON == cli->format)
  {
    print_json (describe_commands (group));
    return;
  }
  printf ("%stally %s%s COMMAND\n\n", style_begin (&cli->out, STYLE_HEAD), group, style_end (&cli->out));
  for (const struct command *command = commands; NULL != command->name; command++)
    if (in_group (command->name, group))
      print_entry (cli, command->name, command->summary);
  printf ("\n'tally help %s COMMAND' says more.\n", group);
}

void
help_program (struct cli *cli)
{
  const struct command_group *group = command_groups;

  if (FORMAT_JSON == cli->format)
  {
    print_json (describe_commands (NULL));
    return;
  }
  printf ("%stally%s COMMAND [OPTION...] [ARGUMENT...]\n\n", style_begin (&cli->out, STYLE_HEAD),
          style_end (&cli->out));
  print_wrapped (cli, "Experiments and models from the command line, on a Tally or MLflow server.", 0);
  for (const struct command *command = commands; NULL != command->name; command++)
  {
    size_t len = NULL == group->name ? 0 : strlen (group->name);

    if (NULL != group->name && 0 == strncmp (command->name, group->name, len)
        && ('\0' == command->name[len] || ' ' == command->name[len]))
    {
      putchar ('\n');
      print_head (cli, group->summary);
      group++;
    }
    print_entry (cli, command->name, command->summary);
  }
  putchar ('\n');
  print_head (cli, "Options of every command");
  for (const struct option *option = common_options; NULL != option->name; option++)
    print_option (cli, option);
  printf ("\n'tally help COMMAND' says more.\n");
}

static void
help_options (struct cli *cli)
{
  const struct tally_option_info *info;

  if (FORMAT_JSON == cli->format)
  {
    print_json (describe_settings ());
    return;
  }
  print_wrapped (cli,
                 "Options of libtally, set by -o NAME=VALUE, by a variable, or by a line NAME = VALUE of the file of "
                 "settings; the first of these counts.",
                 0);
  for (size_t i = 0; NULL != (info = tally_option_at (i)); i++)
  {
    printf ("\n  %s%s%s", style_begin (&cli->out, STYLE_NAME), info->name, style_end (&cli->out));
    printf ("  %s%s%s", info->variable, NULL == info->mlflow_variable ? "" : ", ",
            NULL == info->mlflow_variable ? "" : info->mlflow_variable);
    printf ("%s%s\n      ", NULL == info->default_value ? "" : "  = ",
            NULL == info->default_value ? "" : info->default_value);
    print_wrapped (cli, info->help, 6);
  }
}

int
run_help (struct cli *cli)
{
  const struct command *command;
  size_t used;

  if (0 == cli->argument_count)
  {
    help_program (cli);
    return CLI_DONE;
  }
  if (1 == cli->argument_count && 0 == strcmp (cli->arguments[0], "options"))
  {
    help_options (cli);
    return CLI_DONE;
  }
  command = command_find (cli->arguments, cli->argument_count, &used);
  if (NULL != command && used == cli->argument_count)
  {
    help_command (cli, command);
    return CLI_DONE;
  }
  for (command = commands; NULL != command->name; command++)
    if (1 == cli->argument_count && in_group (command->name, cli->arguments[0]))
    {
      help_group (cli, cli->arguments[0]);
      return CLI_DONE;
    }
  parse_unknown_command (cli, cli->arguments[0], cli->argument_count > 1 ? cli->arguments[1] : NULL);
}

int
run_version (struct cli *cli)
{
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:s}", "version", tally_version ()));
  else
    printf ("tally %s\n", tally_version ());
  return CLI_DONE;
}
