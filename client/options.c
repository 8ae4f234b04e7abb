/* Options: the table, values set by name, and what the environment and the file of settings say. */
#include "options.h"

#include "error.h"

#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_type
{
  TEXT,
  NUMBER,
  WORD,
  BOOLEAN
};

struct option
{
  struct tally_option_info info;
  enum option_type type;
  int64_t minimum;
  int64_t maximum;
};

/* The variable of an option is its id behind TALLY_, so an id is its name in capitals with "_" for "-". */
static const struct option table[] = {
#define OPTION(id, name, type, minimum, maximum, value, variable, secret, help)                                        \
  [OPTION_##id] = { { name, "TALLY_" #id, variable, value, help, secret }, type, minimum, maximum },
#include "options.def"
#undef OPTION
};

/* Longest value in bytes: a signed token of a provider is at most a few thousand. */
#define VALUE_MAX_BYTES 16384

enum source
{
  SOURCE_DEFAULT,
  SOURCE_FILE,
  SOURCE_ENVIRONMENT,
  SOURCE_SET
};

struct tally_options
{
  char *values[OPTION_COUNT]; /* owned; NULL: none */
  enum source sources[OPTION_COUNT];
};

const struct tally_option_info *
tally_option_at (size_t index)
{
  return index < OPTION_COUNT ? &table[index].info : NULL;
}

static int
option_find (const char *name)
{
  for (int i = 0; i < OPTION_COUNT; i++)
    if (0 == strcmp (table[i].info.name, name))
      return i;
  return -1;
}

enum tally_code
tally_options_new (struct tally_options **options, struct tally_error *err)
{
  *options = calloc (1, sizeof (**options));
  return NULL == *options ? error_memory (err) : TALLY_OK;
}

void
tally_options_free (struct tally_options *options)
{
  if (NULL == options)
    return;
  for (int i = 0; i < OPTION_COUNT; i++)
  {
    if (NULL != options->values[i] && table[i].info.secret)
      explicit_bzero (options->values[i], strlen (options->values[i]));
    free (options->values[i]);
  }
  free (options);
}

struct tally_options *
options_copy (const struct tally_options *options)
{
  struct tally_options *copy = calloc (1, sizeof (*copy));

  for (int i = 0; i < OPTION_COUNT && NULL != copy; i++)
  {
    copy->sources[i] = options->sources[i];
    if (NULL == options->values[i])
      continue;
    copy->values[i] = strdup (options->values[i]);
    if (NULL == copy->values[i])
    {
      tally_options_free (copy);
      copy = NULL;
    }
  }
  return copy;
}

/* The index of a word in the list "(a|b|c)" at the end of the help text, or -1. */
static int
word_index (const struct option *option, const char *value)
{
  const char *list = strrchr (option->info.help, '(');
  size_t len = strlen (value);

  for (int i = 0; NULL != list && '\0' != *list; i++)
  {
    size_t word = strcspn (list + 1, "|)");

    if (word == len && 0 == strncmp (list + 1, value, len))
      return i;
    list += 1 + word;
    if ('|' != *list)
      break;
  }
  return -1;
}

static const char *const booleans[] = { "false", "true", "0", "1", "no", "yes", "off", "on" };

/* 0 or 1; -1 for a text that is neither. */
static int
boolean_of (const char *value)
{
  for (size_t i = 0; i < sizeof (booleans) / sizeof (booleans[0]); i++)
    if (0 == strcasecmp (booleans[i], value))
      return (int)(i % 2);
  return -1;
}

/* Check a value; `where` names it in the message: the option, the variable, or the line of the file. */
static enum tally_code
check_value (const struct option *option, const char *value, enum tally_code code, const char *where,
             struct tally_error *err)
{
  size_t len = strlen (value);
  int64_t number;

  if (len > VALUE_MAX_BYTES)
    return error_set (err, code, "%s: the value has %zu bytes; at most %d are allowed.", where, len, VALUE_MAX_BYTES);
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)value[i] < 0x20 || 0x7f == value[i])
      return error_set (err, code, "%s: control characters are not allowed.", where);
  if (NUMBER == option->type
      && (! number_parse_int64 ((struct slice){ value, len }, &number) || number < option->minimum
          || number > option->maximum))
    return error_set (err, code, "%s: '%.64s' is no whole number from %lld to %lld.", where, value,
                      (long long)option->minimum, (long long)option->maximum);
  if (BOOLEAN == option->type && boolean_of (value) < 0)
    return error_set (err, code, "%s: '%.64s' is neither true nor false.", where, value);
  if (WORD == option->type && word_index (option, value) < 0)
    return error_set (err, code, "%s: '%.64s' is none of %s", where, value, strrchr (option->info.help, '('));
  return TALLY_OK;
}

static enum tally_code
store_value (struct tally_options *options, int id, const char *value, enum source source, struct tally_error *err)
{
  char *copy = NULL;

  if (NULL != value)
  {
    copy = strdup (value);
    if (NULL == copy)
      return error_memory (err);
  }
  if (NULL != options->values[id] && table[id].info.secret)
    explicit_bzero (options->values[id], strlen (options->values[id]));
  free (options->values[id]);
  options->values[id] = copy;
  options->sources[id] = source;
  return TALLY_OK;
}

enum tally_code
tally_options_set (struct tally_options *options, const char *name, const char *value, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;
  int id;

  if (NULL == options || NULL == name)
    return error_set (err, TALLY_ERROR_ARGUMENT, "options and name must not be NULL.");
  id = option_find (name);
  if (id < 0)
    return error_set (err, TALLY_ERROR_ARGUMENT, "There is no option '%.64s'.", name);
  if (NULL != value)
    code = check_value (&table[id], value, TALLY_ERROR_ARGUMENT, name, err);
  if (TALLY_OK != code)
    return code;
  return store_value (options, id, value, NULL == value ? SOURCE_DEFAULT : SOURCE_SET, err);
}

const char *
options_text (const struct tally_options *options, enum option_id id)
{
  return NULL == options->values[id] ? table[id].info.default_value : options->values[id];
}

const char *
tally_options_get (const struct tally_options *options, const char *name)
{
  int id = NULL == options || NULL == name ? -1 : option_find (name);

  return id < 0 ? NULL : options_text (options, (enum option_id)id);
}

int64_t
options_number (const struct tally_options *options, enum option_id id)
{
  const char *value = options_text (options, id);
  int64_t number = 0;

  if (NULL == value)
    return 0;
  if (BOOLEAN == table[id].type)
    return boolean_of (value);
  if (WORD == table[id].type)
    return word_index (&table[id], value);
  number_parse_int64 ((struct slice){ value, strlen (value) }, &number);
  return number;
}

/* MLflow says the timeout in seconds elsewhere; every variable taken here has the meaning and unit of the option. */
static enum tally_code
load_environment (struct tally_options *options, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;

  for (int i = 0; i < OPTION_COUNT && TALLY_OK == code; i++)
  {
    const char *variable = table[i].info.variable;
    const char *value = getenv (variable);

    if (options->sources[i] > SOURCE_ENVIRONMENT)
      continue;
    if ((NULL == value || '\0' == value[0]) && NULL != table[i].info.mlflow_variable)
    {
      variable = table[i].info.mlflow_variable;
      value = getenv (variable);
    }
    if (NULL == value || '\0' == value[0])
      continue;
    code = check_value (&table[i], value, TALLY_ERROR_CONFIGURATION, variable, err);
    if (TALLY_OK == code)
      code = store_value (options, i, value, SOURCE_ENVIRONMENT, err);
  }
  return code;
}

static char *
trim (char *text)
{
  size_t len;

  while (isspace ((unsigned char)*text))
    text++;
  len = strlen (text);
  while (len > 0 && isspace ((unsigned char)text[len - 1]))
    text[--len] = '\0';
  return text;
}

/* One line of the file: "name = value", empty, or a comment behind '#'. */
static enum tally_code
load_line (struct tally_options *options, char *line, const char *where, struct tally_error *err)
{
  char *name = trim (line);
  char *equals = strchr (name, '=');
  const char *value;
  enum tally_code code;
  int id;

  if ('\0' == name[0] || '#' == name[0])
    return TALLY_OK;
  if (NULL == equals)
    return error_set (err, TALLY_ERROR_CONFIGURATION, "%s: '=' is missing.", where);
  *equals = '\0';
  value = trim (equals + 1);
  name = trim (name);
  id = option_find (name);
  if (id < 0)
    return error_set (err, TALLY_ERROR_CONFIGURATION, "%s: there is no option '%.64s'.", where, name);
  if (options->sources[id] > SOURCE_FILE)
    return TALLY_OK;
  code = check_value (&table[id], value, TALLY_ERROR_CONFIGURATION, where, err);
  return TALLY_OK == code ? store_value (options, id, value, SOURCE_FILE, err) : code;
}

static enum tally_code
load_file (struct tally_options *options, const char *path, struct tally_error *err)
{
  FILE *file = fopen (path, "re");
  char *line = NULL;
  size_t capacity = 0;
  enum tally_code code = TALLY_OK;

  if (NULL == file && (ENOENT == errno || ENOTDIR == errno))
    return TALLY_OK;
  if (NULL == file && ENOMEM == errno)
    return error_memory (err);
  if (NULL == file)
    return error_set (err, TALLY_ERROR_CONFIGURATION, "%s cannot be read: %s", path, strerror (errno));
  for (unsigned number = 1; TALLY_OK == code && getline (&line, &capacity, file) >= 0; number++)
  {
    char where[512];

    snprintf (where, sizeof (where), "%.480s, line %u", path, number);
    code = load_line (options, line, where, err);
  }
  if (NULL != line)
    explicit_bzero (line, capacity);
  free (line);
  fclose (file);
  return code;
}

enum tally_code
tally_options_load (struct tally_options *options, struct tally_error *err)
{
  char *path = NULL;
  enum tally_code code;

  if (NULL == options)
    return error_set (err, TALLY_ERROR_ARGUMENT, "options must not be NULL.");
  code = options_config_path (&path, err);
  if (TALLY_OK == code && NULL != path)
    code = load_file (options, path, err);
  free (path);
  return TALLY_OK == code ? load_environment (options, err) : code;
}

/* $VARIABLE/rest when the variable is set, else $HOME/otherwise/rest; NULL (and OK) without both. */
static enum tally_code
home_path (char **path, const char *variable, const char *otherwise, const char *rest, struct tally_error *err)
{
  const char *base = getenv (variable);
  const char *home = getenv ("HOME");
  int len;

  *path = NULL;
  if (NULL != base && '\0' != base[0])
    len = asprintf (path, "%s/%s", base, rest);
  else if (NULL != home && '\0' != home[0])
    len = asprintf (path, "%s/%s/%s", home, otherwise, rest);
  else
    return TALLY_OK;
  if (len >= 0)
    return TALLY_OK;
  *path = NULL;
  return error_memory (err);
}

enum tally_code
options_config_path (char **path, struct tally_error *err)
{
  const char *named = getenv ("TALLY_CONFIG");

  if (NULL == named || '\0' == named[0])
    return home_path (path, "XDG_CONFIG_HOME", ".config", "tally/config", err);
  *path = strdup (named);
  return NULL == *path ? error_memory (err) : TALLY_OK;
}

enum tally_code
options_spool_folder (char **folder, const struct tally_options *options, struct tally_error *err)
{
  const char *named = options_text (options, OPTION_SPOOL);
  enum tally_code code;

  if (NULL != named && '\0' != named[0])
  {
    *folder = strdup (named);
    return NULL == *folder ? error_memory (err) : TALLY_OK;
  }
  code = home_path (folder, "XDG_STATE_HOME", ".local/state", "tally/spool", err);
  if (TALLY_OK == code && NULL == *folder)
    code = error_set (err, TALLY_ERROR_CONFIGURATION,
                      "There is no folder for the spool: set TALLY_SPOOL, XDG_STATE_HOME or HOME.");
  return code;
}
