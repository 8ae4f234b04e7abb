/* Takes the command line apart: options may stand anywhere before "--", bundled letters and "--name=value" included. */
#include "cli/parse.h"

#include "base/number.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct parser
{
  struct cli *cli;
  const char *const *words;
  size_t count;
  size_t at;
  const char **arguments;
  struct given *given;
};

/* The word of "a|b|c" that a value is, in any case; NULL: none. */
static const char *
word_meant (const char *words, const char *value)
{
  size_t len = strlen (value);

  for (; '\0' != *words; words += strcspn (words, "|"), words += '|' == *words)
    if (len > 0 && strcspn (words, "|") == len && 0 == strncasecmp (words, value, len))
      return cli_copy (words, len);
  return NULL;
}

static void
take_option (struct parser *parser, const struct option *option, const char *value)
{
  struct cli *cli = parser->cli;

  if (NULL != option->value && NULL == value)
  {
    if (parser->at >= parser->count)
      cli_refuse (cli, "--%s needs a value: %s.", option->name, option->value);
    value = parser->words[parser->at++];
  }
  if (NULL == option->value && NULL != value)
    cli_refuse (cli, "--%s takes no value.", option->name);
  if (NULL != option->words)
  {
    const char *word = word_meant (option->words, value);

    if (NULL == word)
      cli_refuse (cli, "--%s: '%s' is none of %s.", option->name, value, option->words);
    value = word;
  }
  parser->given[cli->given_count++] = (struct given){ option, value };
}

static void
collect_name (void *payload, const struct option *option)
{
  const char ***next = payload;

  *(*next)++ = option->name;
}

/* More options than a command has. */
#define NAMES_MAX 64

static void
unknown_option (struct cli *cli, const char *word, size_t len)
{
  const char *names[NAMES_MAX] = { NULL };
  const char **next = names;
  const char *meant;

  command_each_option (cli->command, collect_name, &next);
  meant = cli_meant (cli_copy (word + 2, len - 2), names);
  if (NULL != meant)
    cli_refuse (cli, "There is no option '%.*s'. Did you mean '--%s'?", (int)len, word, meant);
  cli_refuse (cli, "There is no option '%.*s'.", (int)len, word);
}

static void
long_option (struct parser *parser, const char *word)
{
  size_t len = strcspn (word, "=");
  const struct option *option = command_option (parser->cli->command, word + 2, len - 2);

  if (NULL == option)
    unknown_option (parser->cli, word, len);
  else
    take_option (parser, option, '=' == word[len] ? word + len + 1 : NULL);
}

static void
letters (struct parser *parser, const char *word)
{
  for (const char *letter = word + 1; '\0' != *letter; letter++)
  {
    const struct option *option = command_letter (parser->cli->command, *letter);

    if (NULL == option)
      cli_refuse (parser->cli, "There is no option '-%c'.", *letter);
    if (NULL != option->value && '\0' != letter[1])
    {
      take_option (parser, option, letter + 1);
      return;
    }
    take_option (parser, option, NULL);
  }
}

/* A negative number is an argument: values may be one. */
static bool
is_option (const char *word)
{
  double number;

  return '-' == word[0] && '\0' != word[1] && ! number_parse_double (slice_of (word), &number);
}

/* Options that stand before the command, as `tally --json runs`: they are common ones. */
static bool
take_word (struct parser *parser)
{
  const char *word = parser->words[parser->at];
  struct cli *cli = parser->cli;

  if (0 == strcmp (word, "--"))
  {
    cli->rest = parser->words + parser->at + 1;
    return false;
  }
  if (! is_option (word))
  {
    if (NULL != cli->command && command_takes_rest (cli->command))
    {
      cli->rest = parser->words + parser->at;
      return false;
    }
    parser->arguments[cli->argument_count++] = word;
    parser->at++;
    return true;
  }
  parser->at++;
  if ('-' == word[1])
    long_option (parser, word);
  else
    letters (parser, word);
  return true;
}

/* What stands behind "--" is arguments, unless the command runs it. */
static void
take_rest (struct parser *parser)
{
  struct cli *cli = parser->cli;

  if (NULL == cli->rest || command_takes_rest (cli->command))
    return;
  for (; NULL != cli->rest[0]; cli->rest++)
    parser->arguments[cli->argument_count++] = cli->rest[0];
  cli->rest = NULL;
}

static bool
is_group (const char *word)
{
  size_t len = strlen (word);

  for (const struct command *command = commands; NULL != command->name; command++)
    if (0 == strncmp (command->name, word, len) && ' ' == command->name[len])
      return true;
  return false;
}

/* The first words of all commands that begin with `group` (NULL: all commands), for a guess. */
static const char *
guess (const char *group, const char *word)
{
  const char *names[NAMES_MAX * 2] = { NULL };
  size_t count = 0;
  size_t len = NULL == group ? 0 : strlen (group) + 1;

  for (const struct command *command = commands; NULL != command->name && count + 1 < NAMES_MAX * 2; command++)
    if (NULL == group)
      names[count++] = cli_copy (command->name, strcspn (command->name, " "));
    else if (0 == strncmp (command->name, group, len - 1) && ' ' == command->name[len - 1])
      names[count++] = command->name + len;
  return cli_meant (word, names);
}

void
parse_unknown_command (struct cli *cli, const char *first, const char *second)
{
  const char *meant;
  const char *before;

  if (! is_group (first))
    second = NULL;
  meant = NULL == second ? guess (NULL, first) : guess (first, second);
  before = NULL == second ? "" : cli_printf ("%s ", first);

  if (NULL != meant)
    cli_refuse (cli, "There is no command '%s%s'. Did you mean 'tally %s%s'?", before, NULL == second ? first : second,
                before, meant);
  cli_refuse (cli, "There is no command '%s%s'; 'tally help' shows all.", before, NULL == second ? first : second);
}

/* Find the command behind the common options that stand first. Returns the group when only that is named. */
static const char *
find_command (struct parser *parser)
{
  struct cli *cli = parser->cli;
  const char *const *rest;
  size_t left;
  size_t used;

  while (parser->at < parser->count && is_option (parser->words[parser->at]) && take_word (parser))
    ;
  rest = parser->words + parser->at;
  left = parser->count - parser->at;
  cli->command = command_find (rest, left, &used);
  parser->at += used;
  if (NULL != cli->command || 0 == left || 0 == strcmp (rest[0], "--"))
    return NULL;
  if (! is_group (rest[0]) || (left > 1 && ! is_option (rest[1])))
    parse_unknown_command (cli, rest[0], left > 1 ? rest[1] : NULL);
  parser->at++;
  while (parser->at < parser->count && take_word (parser))
    ;
  return rest[0];
}

static void
check_count (struct cli *cli)
{
  size_t least;
  size_t most;

  command_bounds (cli->command, &least, &most);
  if (cli->argument_count < least)
    cli_refuse (cli, 0 == cli->argument_count ? "Arguments are missing." : "An argument is missing.");
  if (cli->argument_count > most)
    cli_refuse (cli, "'%s' is one argument too many.", cli->arguments[most]);
  if (command_takes_rest (cli->command) && (NULL == cli->rest || NULL == cli->rest[0]))
    cli_refuse (cli, "The command to run is missing.");
}

static void
take_common (struct cli *cli)
{
  if (cli_has (cli, "json"))
    cli->format = FORMAT_JSON;
  else if (cli_has (cli, "jsonl"))
    cli->format = FORMAT_LINES;
  else if (cli_has (cli, "csv"))
    cli->format = FORMAT_CSV;
  cli->quiet = cli_has (cli, "quiet");
  if (cli_has (cli, "json") + cli_has (cli, "jsonl") + cli_has (cli, "csv") > 1)
    cli_refuse (cli, "Only one of --json, --jsonl and --csv can be printed.");
}

/* Failures of the command line itself are JSON too, so this is known before the rest is read. */
static void
see_json (struct cli *cli, const char *const *words, size_t count)
{
  for (size_t i = 0; i < count && 0 != strcmp (words[i], "--"); i++)
    if (0 == strcmp (words[i], "--json"))
      cli->format = FORMAT_JSON;
}

/* The command "version" in place of the option. */
static const char *const *
version_words (const char *const *words, size_t count)
{
  const char **copy = cli_array (count + 1, sizeof (copy[0]));

  copy[0] = "version";
  for (size_t i = 1; i < count; i++)
    copy[i] = words[i];
  return copy;
}

const char *
parse_arguments (struct cli *cli, const char *const *words, size_t count)
{
  struct parser parser = { cli, words, count, 0, NULL, NULL };
  const char *group;

  parser.arguments = cli_array (count + 1, sizeof (parser.arguments[0]));
  /* A word can hold many letters. */
  for (size_t i = 0; i < count; i++)
    cli->given_count += strlen (words[i]) + 1;
  parser.given = cli_array (cli->given_count + 1, sizeof (parser.given[0]));
  cli->given_count = 0;
  cli->arguments = parser.arguments;
  cli->given = parser.given;
  see_json (cli, words, count);
  /* What people try first at any program. */
  if (count > 0 && 0 == strcmp (words[0], "--version"))
    words = version_words (words, count);
  parser.words = words;
  group = find_command (&parser);
  while (NULL == group && parser.at < parser.count && take_word (&parser))
    ;
  if (NULL != cli->command)
    take_rest (&parser);
  take_common (cli);
  if (NULL != cli->command && ! cli_has (cli, "help"))
    check_count (cli);
  return group;
}

const char *
cli_option_at (const struct cli *cli, const char *name, size_t index)
{
  for (size_t i = 0; i < cli->given_count; i++)
    if (0 == strcmp (cli->given[i].option->name, name) && 0 == index--)
      return cli->given[i].value;
  return NULL;
}

const char *
cli_option (const struct cli *cli, const char *name)
{
  const char *value = NULL;

  for (size_t i = 0; i < cli->given_count; i++)
    if (0 == strcmp (cli->given[i].option->name, name))
      value = cli->given[i].value;
  return value;
}

bool
cli_has (const struct cli *cli, const char *name)
{
  for (size_t i = 0; i < cli->given_count; i++)
    if (0 == strcmp (cli->given[i].option->name, name))
      return true;
  return false;
}

/* Bounds that are only those of the type mean nothing to a person. */
static void
refuse_number (struct cli *cli, const char *name, const char *value, int64_t minimum, int64_t maximum)
{
  const char *least = INT64_MIN == minimum ? "" : cli_printf (" from %lld", (long long)minimum);
  const char *most = INT64_MAX == maximum || INT32_MAX == maximum ? "" : cli_printf (" to %lld", (long long)maximum);

  cli_refuse (cli, "--%s: '%s' is no whole number%s%s.", name, value, least, most);
}

int64_t
cli_number (struct cli *cli, const char *name, int64_t minimum, int64_t maximum, int64_t otherwise)
{
  const char *value = cli_option (cli, name);
  int64_t number = otherwise;

  if (NULL != value && (! number_parse_int64 (slice_of (value), &number) || number < minimum || number > maximum))
    refuse_number (cli, name, value, minimum, maximum);
  return number;
}

/* The value of an option is told with what the option takes. */
static void
refuse_pair (struct cli *cli, const char *text)
{
  for (size_t i = 0; i < cli->given_count; i++)
    if (text == cli->given[i].value)
      cli_refuse (cli, "--%s: '%s' is not of the form %s.", cli->given[i].option->name, text,
                  cli->given[i].option->value);
  cli_refuse (cli, "'%s' is not of the form KEY=NUMBER.", text);
}

struct tally_pair
cli_pair (struct cli *cli, const char *text)
{
  const char *equals = strchr (text, '=');

  if (NULL == equals || equals == text)
    refuse_pair (cli, text);
  return (struct tally_pair){ cli_copy (text, (size_t)(equals - text)), equals + 1 };
}
