/* Completion for bash and zsh, made from the table of commands. */
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

/* In single quotes. */
static void
quoted (const char *text)
{
  putchar ('\'');
  for (; '\0' != *text; text++)
    if ('\'' == *text)
      fputs ("'\\''", stdout);
    else
      putchar (*text);
  putchar ('\'');
}

static void
bash_option (void *payload, const struct option *option)
{
  bool *first = payload;

  printf ("%s--%s", *first ? "" : " ", option->name);
  *first = false;
}

/* "name" and, with a letter, "-n": patterns of a case. */
static void
option_pattern (const struct option *option)
{
  printf ("--%s", option->name);
  if (0 != option->letter)
    printf ("|-%c", option->letter);
}

/* Files stand where a path is meant. */
static bool
is_path (const char *value)
{
  return 0 == strcmp (value, "FOLDER") || 0 == strcmp (value, "PATH") || 0 == strcmp (value, "FILE");
}

static void
bash_value (void *payload, const struct option *option)
{
  (void)payload;
  if (NULL == option->value)
    return;
  printf ("      ");
  option_pattern (option);
  printf (") ");
  if (NULL != option->words)
  {
    printf ("choices='");
    for (const char *word = option->words; '\0' != *word; word++)
      putchar ('|' == *word ? ' ' : *word);
    printf ("'; return ;;\n");
  }
  else
    printf ("%s return ;;\n", is_path (option->value) ? "files=yes;" : "choices='';");
}

/* Letters and names of options that take a value, for passing over it. */
static void
valued_option (void *payload, const struct option *option)
{
  bool *first = payload;

  if (NULL == option->value)
    return;
  printf ("%s", *first ? "" : "|");
  option_pattern (option);
  *first = false;
}

/* What the arguments of a command can be, besides options. */
static const char *
argument_words (const struct command *command)
{
  if (0 == strcmp (command->name, "completion"))
    return "bash zsh";
  if (0 == strcmp (command->name, "model check"))
    return "success failure pending";
  if (0 == strncmp (command->arguments, "RUN", 3) || 0 == strncmp (command->arguments, "ROOT", 4)
      || 0 == strncmp (command->arguments, "WHAT", 4))
    return "latest current";
  return "";
}

static bool
argument_files (const struct command *command)
{
  return NULL != strstr (command->arguments, "PATH") || NULL != strstr (command->arguments, "FOLDER")
         || command_takes_rest (command);
}

/* The next words of commands behind `prefix`. */
static void
print_next_words (const char *prefix)
{
  const char *last = "";
  size_t len = strlen (prefix);
  bool first = true;

  for (const struct command *command = commands; NULL != command->name; command++)
  {
    const char *word = command->name + len;
    size_t end;

    if (0 != strncmp (command->name, prefix, len))
      continue;
    end = strcspn (word, " ");
    if (strlen (last) == end && 0 == strncmp (last, word, end))
      continue;
    last = cli_copy (word, end);
    printf ("%s%s", first ? "" : " ", last);
    first = false;
  }
}

/* The shell function that sets `choices` and `files` for a command, for both shells. */
static void
print_cases (void)
{
  printf ("_tally_values() {\n  # $1: the command, $2: the word before\n  choices='' files=\n  case \"$1\" in\n");
  for (const struct command *command = commands; NULL != command->name; command++)
  {
    bool first = true;

    printf ("    ");
    quoted (command->name);
    printf (")\n      case \"$2\" in\n");
    command_each_option (command, bash_value, NULL);
    printf ("      esac\n      options='");
    command_each_option (command, bash_option, &first);
    printf ("'\n      choices='%s", argument_words (command));
    if (0 == strcmp (command->name, "help") || 0 == strcmp (command->name, "manual"))
      print_next_words ("");
    printf ("'\n");
    printf ("      files=%s\n      ;;\n", argument_files (command) ? "yes" : "");
  }
  printf ("  esac\n}\n\n");
}

/* The groups, each with the words behind it. */
static void
print_groups (void)
{
  const char *last = "";

  for (const struct command *command = commands; NULL != command->name; command++)
  {
    size_t len = strcspn (command->name, " ");

    if ('\0' == command->name[len] || (strlen (last) == len && 0 == strncmp (last, command->name, len)))
      continue;
    last = cli_copy (command->name, len);
    printf ("    %s | 'help %s' | 'manual %s') choices='", last, last, last);
    print_next_words (cli_printf ("%s ", last));
    printf ("' ;;\n");
  }
}

/* Sets `command`, `choices`, `files` and `options` from the words before the cursor: $1 is the word before it, the rest
   are all words behind "tally" up to there. */
static void
print_shared (void)
{
  bool first = true;

  print_cases ();
  printf ("_tally_look() {\n  local before=$1 word skip=\n  shift\n  command= options= choices= files= rest=\n"
          "  for word in \"$@\"; do\n"
          "    if [ -n \"$skip\" ]; then skip=; continue; fi\n    case $word in\n"
          "      --) rest=yes; break ;;\n      ");
  for (const struct command *command = commands; NULL != command->name; command++)
    for (const struct option *option = command->options; NULL != option && NULL != option->name; option++)
      valued_option (&first, option);
  for (const struct option *option = common_options; NULL != option->name; option++)
    valued_option (&first, option);
  printf (
      ") skip=yes ;;\n      -*) ;;\n      *)\n        case $command in\n          '') command=$word ;;\n          ");
  first = true;
  for (const struct command *command = commands; NULL != command->name; command++)
  {
    size_t len = strcspn (command->name, " ");

    if ('\0' == command->name[len] || (command > commands && 0 == strncmp (command[-1].name, command->name, len + 1)))
      continue;
    printf ("%.*s|", (int)len, command->name);
  }
  printf ("help|manual|help\\ *|manual\\ *) command=\"$command $word\" ;;\n        esac\n        ;;\n    esac\n  done\n"
          "  _tally_values \"$command\" \"$before\"\n  [ -z \"$options\" ] || return 0\n"
          "  [ -z \"$choices$files\" ] || return 0\n  case $command in\n    '') choices='");
  print_next_words ("");
  printf ("' ;;\n");
  print_groups ();
  printf ("  esac\n  options='");
  first = true;
  for (const struct option *option = common_options; NULL != option->name; option++)
    bash_option (&first, option);
  printf ("'\n}\n\n");
}

void
completion_bash (void)
{
  printf ("# bash completion of tally; made by 'tally completion bash'.\n\n");
  print_shared ();
  printf ("_tally() {\n  local command options choices files rest current=${COMP_WORDS[COMP_CWORD]}\n"
          "  local before=\n  COMPREPLY=()\n  [ \"$COMP_CWORD\" -lt 1 ] || before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "  _tally_look \"$before\" \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"\n"
          "  if [ -n \"$rest\" ]; then\n    mapfile -t COMPREPLY < <(compgen -c -f -- \"$current\")\n    return\n  fi\n"
          "  case $current in\n"
          "    -*) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\") ;;\n"
          "    *)\n      mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$current\")\n"
          "      if [ -n \"$files\" ]; then\n        compopt -o filenames 2>/dev/null\n"
          "        mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$current\")\n      fi\n      ;;\n"
          "  esac\n}\n\ncomplete -F _tally tally\n");
}

static void
zsh_describe (void *payload, const struct option *option)
{
  (void)payload;
  printf ("    ");
  quoted (cli_printf ("--%s:%s", option->name, option->help));
  putchar ('\n');
}

/* The summaries that zsh shows beside names. */
static void
print_descriptions (void)
{
  printf ("_tally_describe() {\n  described=()\n  case \"$1\" in\n");
  for (const struct command *command = commands; NULL != command->name; command++)
  {
    printf ("    ");
    quoted (command->name);
    printf (") described=(\n");
    command_each_option (command, zsh_describe, NULL);
    printf ("    ) ;;\n");
  }
  printf ("  esac\n}\n\n_tally_summaries=(\n");
  for (const struct command *command = commands; NULL != command->name; command++)
  {
    printf ("  ");
    quoted (cli_printf ("%s:%s", command->name, command->summary));
    putchar ('\n');
  }
  printf (")\n\n");
}

void
completion_zsh (void)
{
  printf ("#compdef tally\n# zsh completion of tally; made by 'tally completion zsh'.\n\n");
  print_shared ();
  print_descriptions ();
  printf ("_tally() {\n  local command options choices files rest before=${words[CURRENT-1]}\n"
          "  local -a described list before_words\n  before_words=(\"${(@)words[2,CURRENT-1]}\")\n"
          "  local current=${words[CURRENT]}\n  local word summary prefix\n"
          "  _tally_look \"$before\" \"${before_words[@]}\"\n"
          "  if [[ -n $rest ]]; then _normal -p tally; return; fi\n"
          "  if [[ $current == -* ]]; then\n    _tally_describe \"$command\"\n"
          "    if (( ${#described} )); then _describe -o option described; else compadd -- ${=options}; fi\n"
          "    return\n  fi\n"
          "  prefix=${command:+$command }\n"
          "  for word in ${=choices}; do\n"
          "    summary=${${(M)_tally_summaries:#$prefix$word:*}[1]#*:}\n"
          "    list+=(\"$word${summary:+:$summary}\")\n  done\n"
          "  (( ${#list} )) && _describe -V command list\n  [[ -n $files ]] && _files\n}\n\n"
          "if [[ $funcstack[1] == _tally ]]; then _tally \"$@\"; else compdef _tally tally; fi\n");
}

static void
print_script (struct cli *cli)
{
  if (0 == strcmp (cli->arguments[0], "bash"))
    completion_bash ();
  else
    completion_zsh ();
}

int
run_completion (struct cli *cli)
{
  if (0 != strcmp (cli->arguments[0], "bash") && 0 != strcmp (cli->arguments[0], "zsh"))
    cli_refuse (cli, "There is completion for bash and zsh, not for '%s'.", cli->arguments[0]);
  return print_as_json (cli, "script", print_script);
}
