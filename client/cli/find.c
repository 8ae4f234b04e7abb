/* Looks things up in the table of commands. */
#include "cli/command.h"

#include <stdint.h>
#include <string.h>

/* True when the words begin with those of the command's name; `*used` is their number then. */
static bool
name_matches (const char *name, const char *const *words, size_t count, size_t *used)
{
  for (*used = 0; *used < count; (*used)++)
  {
    size_t len = strlen (words[*used]);

    if (0 == len || 0 != strncmp (name, words[*used], len))
      return false;
    name += len;
    if ('\0' == *name)
    {
      (*used)++;
      return true;
    }
    if (' ' != *name)
      return false;
    name++;
  }
  return false;
}

const struct command *
command_find (const char *const *words, size_t count, size_t *used)
{
  const struct command *found = NULL;
  size_t longest = 0;

  for (const struct command *command = commands; NULL != command->name; command++)
  {
    size_t len;

    if (name_matches (command->name, words, count, &len) && len > longest)
    {
      found = command;
      longest = len;
    }
  }
  *used = longest;
  return found;
}

bool
command_takes_rest (const struct command *command)
{
  return 0 == strncmp (command->arguments, "-- ", 3);
}

void
command_bounds (const struct command *command, size_t *least, size_t *most)
{
  const char *word = command_takes_rest (command) ? "" : command->arguments;

  *least = 0;
  *most = 0;
  while ('\0' != *word)
  {
    size_t len = strcspn (word, " ");

    *least += '[' != word[0];
    if (NULL != memmem (word, len, "...", 3))
      *most = SIZE_MAX;
    else if (SIZE_MAX != *most)
      (*most)++;
    word += len;
    word += strspn (word, " ");
  }
}

static void
each_of (const struct option *options, void (*each) (void *payload, const struct option *option), void *payload)
{
  for (; NULL != options && NULL != options->name; options++)
    each (payload, options);
}

void
command_each_option (const struct command *command, void (*each) (void *payload, const struct option *option),
                     void *payload)
{
  if (NULL != command)
    each_of (command->options, each, payload);
  if (NULL != command && LISTS_ITEMS == command->lists)
    each_of (list_options, each, payload);
  each_of (common_options, each, payload);
}

struct wanted
{
  const char *name; /* NULL: by letter */
  size_t len;
  char letter;
  const struct option *found;
};

static void
match_option (void *payload, const struct option *option)
{
  struct wanted *wanted = payload;
  bool same = NULL == wanted->name
                  ? wanted->letter == option->letter
                  : strlen (option->name) == wanted->len && 0 == memcmp (option->name, wanted->name, wanted->len);

  if (same && NULL == wanted->found)
    wanted->found = option;
}

const struct option *
command_option (const struct command *command, const char *name, size_t len)
{
  struct wanted wanted = { name, len, 0, NULL };

  command_each_option (command, match_option, &wanted);
  return wanted.found;
}

const struct option *
command_letter (const struct command *command, char letter)
{
  struct wanted wanted = { NULL, 0, letter, NULL };

  command_each_option (command, match_option, &wanted);
  return wanted.found;
}
