/* Settings: one table, four sources, every mistake named with the place it stands at. */
#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Longest line of a configuration file; a connection URL with every option fits several times. */
#define LINE_MAX_BYTES 8192

enum setting_type
{
  SETTING_TEXT,
  SETTING_FLAG,
  SETTING_NUMBER
};

struct setting
{
  const char *key;
  enum setting_type type;
  size_t offset;
  const char *initial_text;
  int64_t initial_number;
  int64_t min;
  int64_t max;
  const char *unit;
  bool secret;
  const char *doc;
};

static const struct setting settings[] = {
#define CONFIG_TEXT(field, key, initial, secret, doc)                                                                  \
  { key, SETTING_TEXT, offsetof (struct config, field), initial, 0, 0, 0, "", secret, doc },
#define CONFIG_FLAG(field, key, initial, doc)                                                                          \
  { key, SETTING_FLAG, offsetof (struct config, field), NULL, initial, 0, 1, "", false, doc },
#define CONFIG_NUMBER(field, key, initial, min, max, unit, doc)                                                        \
  { key, SETTING_NUMBER, offsetof (struct config, field), NULL, initial, min, max, unit, false, doc },
#include "table/config.def"
#undef CONFIG_TEXT
#undef CONFIG_FLAG
#undef CONFIG_NUMBER
};

#define SETTING_COUNT (sizeof (settings) / sizeof (settings[0]))

static void *
field_of (struct config *config, const struct setting *setting)
{
  return (char *)config + setting->offset;
}

static enum err_code
set_text (struct config *config, const struct setting *setting, const char *value, struct err *err)
{
  char **field = field_of (config, setting);
  char *copy = strdup (value);

  if (NULL == copy)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  free (*field);
  *field = copy;
  return ERR_OK;
}

static enum err_code
set_flag (struct config *config, const struct setting *setting, const char *value, const char *where, struct err *err)
{
  static const struct
  {
    const char *word;
    bool value;
  } words[] = { { "true", true },   { "1", true },  { "yes", true }, { "on", true },
                { "false", false }, { "0", false }, { "no", false }, { "off", false } };
  bool *field = field_of (config, setting);

  for (size_t i = 0; i < sizeof (words) / sizeof (words[0]); i++)
    if (0 == strcasecmp (value, words[i].word))
    {
      *field = words[i].value;
      return ERR_OK;
    }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s: '%s' is not true or false", where, value);
}

static enum err_code
set_number (struct config *config, const struct setting *setting, const char *value, const char *where, struct err *err)
{
  int64_t *field = field_of (config, setting);
  char *end;
  long long number;

  errno = 0;
  number = strtoll (value, &end, 10);
  if (end == value || '\0' != *end || 0 != errno || number < setting->min || number > setting->max)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "%s: '%s' is not a whole number from %" PRId64 " to %" PRId64 " (%s)", where, value, setting->min,
                    setting->max, setting->unit);
  *field = number;
  return ERR_OK;
}

static enum err_code
set_value (struct config *config, const struct setting *setting, const char *value, const char *where, struct err *err)
{
  switch (setting->type)
  {
  case SETTING_TEXT:
    return set_text (config, setting, value, err);
  case SETTING_FLAG:
    return set_flag (config, setting, value, where, err);
  case SETTING_NUMBER:
  default:
    return set_number (config, setting, value, where, err);
  }
}

static const struct setting *
find (struct slice key)
{
  for (size_t i = 0; i < SETTING_COUNT; i++)
    if (slice_is (key, settings[i].key))
      return &settings[i];
  return NULL;
}

static enum err_code
load_defaults (struct config *config, struct err *err)
{
  enum err_code code = ERR_OK;

  memset (config, 0, sizeof (*config));
  for (size_t i = 0; i < SETTING_COUNT && ERR_OK == code; i++)
    switch (settings[i].type)
    {
    case SETTING_TEXT:
      code = set_text (config, &settings[i], settings[i].initial_text, err);
      break;
    case SETTING_FLAG:
      *(bool *)field_of (config, &settings[i]) = 0 != settings[i].initial_number;
      break;
    case SETTING_NUMBER:
      *(int64_t *)field_of (config, &settings[i]) = settings[i].initial_number;
      break;
    }
  return code;
}

static char *
trim (char *text)
{
  char *end;

  while (isspace ((unsigned char)*text))
    text++;
  end = text + strlen (text);
  while (end > text && isspace ((unsigned char)end[-1]))
    end--;
  *end = '\0';
  return text;
}

static enum err_code
load_line (struct config *config, char *line, const char *where, struct err *err)
{
  char *text = trim (line);
  char *equals;
  char *key;
  const struct setting *setting;

  if ('\0' == *text || '#' == *text)
    return ERR_OK;
  equals = strchr (text, '=');
  if (NULL == equals)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s: expected 'key = value'", where);
  *equals = '\0';
  key = trim (text);
  setting = find (slice_of (key));
  if (NULL == setting)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s: there is no setting '%s'", where, key);
  return set_value (config, setting, trim (equals + 1), where, err);
}

static enum err_code
load_file (struct config *config, const char *path, struct err *err)
{
  enum err_code code = ERR_OK;
  FILE *file = fopen (path, "re");
  char line[LINE_MAX_BYTES];

  if (NULL == file)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "configuration file %s: %s", path, strerror (errno));
  for (unsigned number = 1; ERR_OK == code && NULL != fgets (line, sizeof (line), file); number++)
  {
    char where[512];

    snprintf (where, sizeof (where), "%s line %u", path, number);
    if (NULL == strchr (line, '\n') && ! feof (file))
      code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s: longer than %d bytes", where, LINE_MAX_BYTES - 2);
    else
      code = load_line (config, line, where, err);
  }
  if (ERR_OK == code && ferror (file))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "configuration file %s: %s", path, strerror (errno));
  fclose (file);
  return code;
}

/* TALLY_DATABASE_URL for database-url. */
static void
variable_name (char *name, size_t capacity, const char *key)
{
  snprintf (name, capacity, "TALLY_%s", key);
  for (char *at = name; '\0' != *at; at++)
    *at = '-' == *at ? '_' : (char)toupper ((unsigned char)*at);
}

static enum err_code
load_environment (struct config *config, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; i < SETTING_COUNT && ERR_OK == code; i++)
  {
    char name[128];
    const char *value;

    variable_name (name, sizeof (name), settings[i].key);
    value = getenv (name);
    if (NULL != value && '\0' != *value)
      code = set_value (config, &settings[i], value, name, err);
  }
  return code;
}

/* Split "--key=value" or "--key value"; a flag may stand alone or as --no-key. Advances *at past what it used. */
static enum err_code
load_argument (struct config *config, int argc, char *const *argv, int *at, struct err *err)
{
  const char *argument = argv[*at];
  const char *equals = strchr (argument, '=');
  struct slice key;
  const struct setting *setting;
  const char *value;
  char where[128];
  bool negated = false;

  if (0 != strncmp (argument, "--", 2))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "unexpected argument '%s'", argument);
  key.data = argument + 2;
  key.len = NULL == equals ? strlen (key.data) : (size_t)(equals - key.data);
  setting = find (key);
  if (NULL == setting && key.len > 3 && 0 == memcmp (key.data, "no-", 3))
  {
    setting = find ((struct slice){ key.data + 3, key.len - 3 });
    negated = NULL != setting && SETTING_FLAG == setting->type && NULL == equals;
    if (! negated)
      setting = NULL;
  }
  if (NULL == setting)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "there is no flag '--%.*s'; tallyd config --help lists all",
                    SLICE_ARG (key));
  snprintf (where, sizeof (where), "--%s", setting->key);
  (*at)++;
  if (negated)
    return set_value (config, setting, "false", where, err);
  if (NULL != equals)
    value = equals + 1;
  else if (SETTING_FLAG == setting->type)
    value = "true";
  else if (*at < argc)
    value = argv[(*at)++];
  else
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s needs a value", where);
  return set_value (config, setting, value, where, err);
}

/* The file named by "--config FILE" or "--config=FILE", else by TALLY_CONFIG; NULL for none. */
static const char *
config_file (int argc, char *const *argv)
{
  for (int i = 0; i < argc; i++)
  {
    if (0 == strcmp (argv[i], "--config") && i + 1 < argc)
      return argv[i + 1];
    if (0 == strncmp (argv[i], "--config=", 9))
      return argv[i] + 9;
  }
  return getenv ("TALLY_CONFIG");
}

enum err_code
config_load (struct config *config, int argc, char *const *argv, struct err *err)
{
  enum err_code code = load_defaults (config, err);
  const char *path = config_file (argc, argv);

  if (ERR_OK == code && NULL != path && '\0' != *path)
    code = load_file (config, path, err);
  if (ERR_OK == code)
    code = load_environment (config, err);
  for (int at = 0; at < argc && ERR_OK == code;)
  {
    if (0 == strcmp (argv[at], "--config") && at + 1 == argc)
      code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "--config needs a value");
    else if (0 == strcmp (argv[at], "--config"))
      at += 2;
    else if (0 == strncmp (argv[at], "--config=", 9))
      at += 1;
    else
      code = load_argument (config, argc, argv, &at, err);
  }
  return code;
}

/* Where the value of a flag that is a secret begins, in the arguments from `at` on; NULL: it is none. */
static char *
secret_value (int argc, char *const *argv, int at)
{
  const char *equals = strchr (argv[at], '=');
  struct slice key = slice_of (argv[at]);
  const struct setting *setting;

  if (0 != strncmp (argv[at], "--", 2))
    return NULL;
  key = (struct slice){ key.data + 2, NULL == equals ? key.len - 2 : (size_t)(equals - key.data) - 2 };
  setting = find (key);
  if (NULL == setting || ! setting->secret)
    return NULL;
  if (NULL != equals)
    return argv[at] + (equals - argv[at]) + 1;
  return at + 1 < argc ? argv[at + 1] : NULL;
}

void
config_hide_secrets (int argc, char *const *argv)
{
  for (int at = 0; at < argc; at++)
  {
    char *value = secret_value (argc, argv, at);

    if (NULL != value)
      memset (value, '*', strlen (value));
  }
}

void
config_free (struct config *config)
{
  for (size_t i = 0; i < SETTING_COUNT; i++)
    if (SETTING_TEXT == settings[i].type)
    {
      char **field = field_of (config, &settings[i]);

      free (*field);
      *field = NULL;
    }
}

static void
write_default (struct buffer *out, const struct setting *setting)
{
  switch (setting->type)
  {
  case SETTING_TEXT:
    buffer_text (out, setting->initial_text);
    break;
  case SETTING_FLAG:
    buffer_text (out, setting->initial_number ? "true" : "false");
    break;
  case SETTING_NUMBER:
    buffer_printf (out, "%" PRId64, setting->initial_number);
    break;
  }
}

/* Fold `text` into lines of `width` characters, each after the first behind `indent`. */
static void
write_folded (struct buffer *out, const char *text, const char *indent, size_t width)
{
  size_t column = 0;

  while ('\0' != *text)
  {
    size_t word = strcspn (text, " ");

    if (column > 0 && column + 1 + word > width)
    {
      buffer_printf (out, "\n%s", indent);
      column = 0;
    }
    else if (column > 0)
    {
      buffer_byte (out, ' ');
      column++;
    }
    buffer_append (out, text, word);
    column += word;
    text += word;
    text += strspn (text, " ");
  }
  buffer_byte (out, '\n');
}

void
config_write_help (struct buffer *out)
{
  buffer_text (out, "Settings: each is a flag, an environment variable and a line of the file named by --config,\n"
                    "in that order of precedence.\n\n");
  for (size_t i = 0; i < SETTING_COUNT; i++)
  {
    const struct setting *setting = &settings[i];
    char name[128];

    variable_name (name, sizeof (name), setting->key);
    if (SETTING_FLAG == setting->type)
      buffer_printf (out, "  --%s, --no-%s   (%s)\n      ", setting->key, setting->key, name);
    else
      buffer_printf (out, "  --%s %s   (%s)\n      ", setting->key,
                     SETTING_NUMBER == setting->type ? setting->unit : "TEXT", name);
    write_folded (out, setting->doc, "      ", 90);
    buffer_text (out, "      default: ");
    write_default (out, setting);
    if (SETTING_NUMBER == setting->type)
      buffer_printf (out, "; %" PRId64 " to %" PRId64, setting->min, setting->max);
    buffer_byte (out, '\n');
  }
}

void
config_write_sample (struct buffer *out)
{
  buffer_text (out, "# Settings of tallyd with their defaults; made by `tallyd config --sample`.\n"
                    "# Flags and TALLY_* variables win over this file.\n");
  for (size_t i = 0; i < SETTING_COUNT; i++)
  {
    const struct setting *setting = &settings[i];

    buffer_text (out, "\n# ");
    write_folded (out, setting->doc, "# ", 98);
    if (SETTING_NUMBER == setting->type)
      buffer_printf (out, "# %" PRId64 " to %" PRId64 " %s.\n", setting->min, setting->max, setting->unit);
    if (setting->secret)
      buffer_text (out, "# Secret: keep this file readable by the daemon only.\n");
    buffer_printf (out, "#%s = ", setting->key);
    write_default (out, setting);
    buffer_byte (out, '\n');
  }
}

void
config_write_reference (struct buffer *out)
{
  buffer_text (out, "# Settings\n\nEach setting is a flag (`--key`), an environment variable (`TALLY_KEY`) and a line "
                    "of the file named by `--config` (`key = value`), in that order of precedence. Made by `tallyd "
                    "reference config`.\n\n| key | default | range | meaning |\n| --- | --- | --- | --- |\n");
  for (size_t i = 0; i < SETTING_COUNT; i++)
  {
    const struct setting *setting = &settings[i];

    buffer_printf (out, "| `%s` | `", setting->key);
    write_default (out, setting);
    buffer_text (out, "` | ");
    if (SETTING_NUMBER == setting->type)
      buffer_printf (out, "%" PRId64 " to %" PRId64 " %s", setting->min, setting->max, setting->unit);
    else
      buffer_text (out, SETTING_FLAG == setting->type ? "true, false" : "text");
    buffer_printf (out, " | %s%s |\n", setting->doc, setting->secret ? " Secret." : "");
  }
}

void
config_write_values (struct buffer *out, const struct config *config)
{
  for (size_t i = 0; i < SETTING_COUNT; i++)
  {
    const struct setting *setting = &settings[i];
    const void *field = (const char *)config + setting->offset;

    buffer_printf (out, "%s = ", setting->key);
    if (SETTING_NUMBER == setting->type)
      buffer_printf (out, "%" PRId64 "\n", *(const int64_t *)field);
    else if (SETTING_FLAG == setting->type)
      buffer_printf (out, "%s\n", *(const bool *)field ? "true" : "false");
    else
      buffer_printf (out, "%s\n", setting->secret && '\0' != **(char *const *)field ? "(set)" : *(char *const *)field);
  }
}
