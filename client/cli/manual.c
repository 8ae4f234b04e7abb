/* Man pages (roff, man(7)) and the reference of the docs (Markdown), made from the table of commands. */
#include "cli/output.h"
#include "cli/parse.h"

#include <stdio.h>
#include <string.h>

/* Characters that roff would turn into others, which cannot be copied into a shell. */
static const char *
special (char c)
{
  static const struct
  {
    char c;
    const char *name;
  } names[] = {
    { '\\', "\\e" }, { '-', "\\-" }, { '\'', "\\(aq" }, { '~', "\\(ti" }, { '`', "\\(ga" }, { '^', "\\(ha" }
  };

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    if (c == names[i].c)
      return names[i].name;
  return NULL;
}

/* Text of a page: a backslash, a dot or quote at the beginning of a line, and "-" must not be read as roff. */
static void
roff_text (const char *text)
{
  bool begin = true;
  const char *escaped;

  for (; '\0' != *text; text++)
  {
    if (begin && ('.' == *text || '\'' == *text))
      fputs ("\\&", stdout);
    begin = '\n' == *text;
    if (begin && '\n' == text[1])
    {
      fputs ("\n.PP\n", stdout);
      text++;
      continue;
    }
    escaped = special (*text);
    if (NULL != escaped)
      fputs (escaped, stdout);
    else
      putchar (*text);
  }
}

/* The text without the empty lines at its end. */
static const char *
trimmed (const char *text)
{
  size_t len = strlen (text);

  for (; len > 0 && '\n' == text[len - 1]; len--)
    ;
  return cli_copy (text, len);
}

static const char *
dashed (const char *name)
{
  char *text = cli_copy (name, strlen (name));

  for (char *at = text; '\0' != *at; at++)
    if (' ' == *at)
      *at = '-';
  return text;
}

static void
roff_begin (const char *title, const char *name, const char *summary)
{
  char *upper = cli_copy (title, strlen (title));

  for (char *at = upper; '\0' != *at; at++)
    if (*at >= 'a' && *at <= 'z')
      *at = (char)(*at - 'a' + 'A');
  printf (".TH \"%s\" 1 \"\" \"Tally %s\" \"Tally\"\n.SH NAME\n", upper, tally_version ());
  roff_text (cli_printf ("%s - %s", name, summary));
  printf ("\n.SH SYNOPSIS\n");
}

static void
roff_option (void *payload, const struct option *option)
{
  (void)payload;
  printf (".TP\n");
  if (0 != option->letter)
    printf ("\\fB\\-%c\\fR, ", option->letter);
  printf ("\\fB");
  roff_text (cli_printf ("--%s", option->name));
  printf ("\\fR");
  if (NULL != option->value)
    printf (" \\fI%s\\fR", option->value);
  putchar ('\n');
  roff_text (option->help);
  if (NULL != option->words)
    roff_text (cli_printf (" (%s)", option->words));
  printf ("%s.\n", option->many ? "; may be repeated" : "");
}

static void
roff_exit_codes (void)
{
  const char *text;
  int status;

  printf (".SH EXIT STATUS\n");
  for (size_t i = 0; NULL != (text = cli_exit_meaning (i, &status)); i++)
  {
    printf (".TP\n\\fB%d\\fR\n", status);
    roff_text (text);
    putchar ('\n');
  }
}

static void
roff_see_also (const struct command *without)
{
  bool first = true;

  printf (".SH SEE ALSO\n");
  if (NULL != without)
    printf ("\\fBtally\\fR(1)");
  for (const struct command *command = commands; NULL == without && NULL != command->name; command++)
  {
    printf ("%s\\fB", first ? "" : ",\n");
    roff_text (cli_printf ("tally-%s", dashed (command->name)));
    printf ("\\fR(1)");
    first = false;
  }
  putchar ('\n');
}

static void
roff_example (const char *example)
{
  printf (".SH EXAMPLES\n.nf\n");
  roff_text (example);
  printf ("\n.fi\n");
}

void
manual_command (const struct command *command)
{
  const char *title = cli_printf ("tally-%s", dashed (command->name));

  roff_begin (title, title, command->summary);
  printf ("\\fBtally %s\\fR [\\fIOPTION\\fR...]%s", command->name, '\0' == command->arguments[0] ? "" : " ");
  roff_text (command->arguments);
  printf ("\n.SH DESCRIPTION\n");
  roff_text (command->summary);
  printf (".\n");
  if (NULL != command->text)
  {
    printf (".PP\n");
    roff_text (trimmed (command->text));
    putchar ('\n');
  }
  printf (".SH OPTIONS\n");
  command_each_option (command, roff_option, NULL);
  roff_exit_codes ();
  if (NULL != command->example)
    roff_example (command->example);
  roff_see_also (command);
}

static void
roff_settings (void)
{
  const struct tally_option_info *info;

  printf (".SH SETTINGS\nEach can be set by \\-o, by a variable, or by a line NAME = VALUE of the file of settings "
          "(\\fB$TALLY_CONFIG\\fR, else \\(ti/.config/tally/config). The first of these counts.\n");
  for (size_t i = 0; NULL != (info = tally_option_at (i)); i++)
  {
    printf (".TP\n\\fB");
    roff_text (info->name);
    printf ("\\fR, \\fB%s\\fR%s%s\n", info->variable, NULL == info->mlflow_variable ? "" : ", ",
            NULL == info->mlflow_variable ? "" : info->mlflow_variable);
    roff_text (info->help);
    if (NULL != info->default_value)
      roff_text (cli_printf (" Default: %s.", info->default_value));
    putchar ('\n');
  }
}

void
manual_program (void)
{
  roff_begin ("tally", "tally", "experiments and models from the command line");
  printf ("\\fBtally\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.SH DESCRIPTION\n"
          "Logs runs to a Tally or MLflow server, looks at them, and moves models through the registry.\n"
          ".SH COMMANDS\n");
  for (const struct command *command = commands; NULL != command->name; command++)
  {
    printf (".TP\n\\fB%s\\fR%s", command->name, '\0' == command->arguments[0] ? "" : " ");
    roff_text (command->arguments);
    putchar ('\n');
    roff_text (command->summary);
    printf (".\n");
  }
  printf (".SH OPTIONS\nEvery command takes these.\n");
  command_each_option (NULL, roff_option, NULL);
  roff_settings ();
  roff_exit_codes ();
  printf (".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nNo colours.\n.TP\n\\fBTALLY_CONFIG\\fR\nThe file of settings.\n"
          ".TP\n\\fBTALLY_SPOOL\\fR\nFolder for what is not sent yet; else \\(ti/.local/state/tally/spool.\n");
  roff_see_also (NULL);
}

/* --- Markdown --- */

/* In a cell of a table a bar ends the cell. */
static void
markdown_cell (const char *text)
{
  for (; '\0' != *text; text++)
  {
    if ('|' == *text)
      putchar ('\\');
    putchar (*text);
  }
}

static void
markdown_option (void *payload, const struct option *option)
{
  (void)payload;
  if (0 != option->letter)
    printf ("| `-%c`, `--%s%s%s` | ", option->letter, option->name, NULL == option->value ? "" : " ",
            NULL == option->value ? "" : option->value);
  else
    printf ("| `--%s%s%s` | ", option->name, NULL == option->value ? "" : " ",
            NULL == option->value ? "" : option->value);
  markdown_cell (option->help);
  if (NULL != option->words)
    markdown_cell (cli_printf (" (%s)", option->words));
  printf ("%s |\n", option->many ? "; may be repeated" : "");
}

static void
markdown_command (const struct command *command)
{
  printf ("\n### tally %s\n\n", command->name);
  printf ("`tally %s%s%s%s`\n\n%s.\n", command->name, NULL == command->options ? "" : " [OPTION...]",
          '\0' == command->arguments[0] ? "" : " ", command->arguments, command->summary);
  if (NULL != command->text)
    printf ("\n%s\n", trimmed (command->text));
  if (NULL != command->options)
  {
    printf ("\n| option | |\n|---|---|\n");
    for (const struct option *option = command->options; NULL != option->name; option++)
      markdown_option (NULL, option);
  }
  if (NULL != command->example)
  {
    printf ("\n```sh\n%s\n```\n", command->example);
  }
}

void
reference_print (void)
{
  const struct command_group *group = command_groups;
  const char *text;
  int status;

  printf ("## Options of every command\n\n| option | |\n|---|---|\n");
  command_each_option (NULL, markdown_option, NULL);
  printf ("\nCommands that list also take\n\n| option | |\n|---|---|\n");
  for (const struct option *option = list_options; NULL != option->name; option++)
    markdown_option (NULL, option);
  printf ("\n## Exit codes\n\n| code | |\n|---|---|\n");
  for (size_t i = 0; NULL != (text = cli_exit_meaning (i, &status)); i++)
    printf ("| %d | %s |\n", status, text);
  for (const struct command *command = commands; NULL != command->name; command++)
  {
    size_t len = NULL == group->name ? 0 : strlen (group->name);

    if (NULL != group->name && 0 == strncmp (command->name, group->name, len)
        && ('\0' == command->name[len] || ' ' == command->name[len]))
      printf ("\n## %s\n", group++->summary);
    markdown_command (command);
  }
}

/* The command whose page was asked for; NULL: the program's. */
static const struct command *
page_command (struct cli *cli)
{
  size_t used;
  const struct command *command = command_find (cli->arguments, cli->argument_count, &used);

  if (cli->argument_count > 0 && (NULL == command || used != cli->argument_count))
    parse_unknown_command (cli, cli->arguments[0], cli->argument_count > 1 ? cli->arguments[1] : NULL);
  return command;
}

static void
print_page (struct cli *cli)
{
  const struct command *command = page_command (cli);

  if (NULL == command)
    manual_program ();
  else
    manual_command (command);
}

static void
print_reference (struct cli *cli)
{
  (void)cli;
  reference_print ();
}

static int
print_pages (struct cli *cli)
{
  json_t *names = json_array ();

  for (const struct command *command = commands; NULL != command->name; command++)
    if (FORMAT_JSON == cli->format)
      json_array_append_new (names, json_text (command->name));
    else
      printf ("%s\n", command->name);
  if (FORMAT_JSON == cli->format)
    print_json (json_pack ("{s:O}", "pages", names));
  json_decref (names);
  return CLI_DONE;
}

int
run_manual (struct cli *cli)
{
  const char *only = 1 == cli->argument_count ? cli->arguments[0] : "";

  if (0 == strcmp (only, "reference"))
    return print_as_json (cli, "reference", print_reference);
  if (0 == strcmp (only, "pages"))
    return print_pages (cli);
  page_command (cli);
  return print_as_json (cli, "page", print_page);
}
