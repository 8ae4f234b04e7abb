/* Rules of gates from a file or from options. */
#include "cli/gate_rules.h"

#include "base/number.h"

#include <errno.h>
#include <string.h>

/* Largest file of rules in bytes: what the server takes. */
#define RULES_MAX_BYTES ((size_t)512 * 1024)

static json_t *
texts_of (struct cli *cli, const char *option)
{
  json_t *texts = NULL;
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, option, i)); i++)
  {
    texts = NULL == texts ? json_array () : texts;
    json_array_append_new (texts, json_text (text));
  }
  return texts;
}

/* Set a member unless there is nothing. Takes the reference. */
static void
set_some (json_t *object, const char *member, json_t *value)
{
  if (NULL != value)
    json_object_set_new (object, member, value);
}

/* The part of a text without the blanks around it. */
static const char *
trimmed (const char *text, size_t len)
{
  while (len > 0 && ' ' == text[0])
  {
    text++;
    len--;
  }
  while (len > 0 && ' ' == text[len - 1])
    len--;
  return cli_copy (text, len);
}

/* "auc>=0.9", "loss<=0.3"; "auc>=@production": no worse than the version that has the alias. */
static json_t *
metric_of (struct cli *cli, const char *text)
{
  const char *sign = strpbrk (text, "<>");
  const char *bound = NULL == sign || '=' != sign[1] ? "" : trimmed (sign + 2, strlen (sign + 2));
  const char *key = NULL == sign ? "" : trimmed (text, (size_t)(sign - text));
  bool least = NULL != sign && '>' == sign[0];
  double number;

  if ('\0' != key[0] && '@' == bound[0] && '\0' != bound[1])
    return json_pack ("{s:o, s:o, s:b}", "key", json_text (key), "no_worse_than", json_text (bound + 1),
                      "higher_is_better", least);
  if ('\0' == key[0] || ! number_parse_double (slice_of (bound), &number))
    cli_refuse (cli, "--metric: '%s' is none of KEY>=NUMBER, KEY<=NUMBER, KEY>=@ALIAS, KEY<=@ALIAS.", text);
  return json_pack ("{s:o, s:f}", "key", json_text (key), least ? "at_least" : "at_most", number);
}

static json_t *
metrics_of (struct cli *cli)
{
  json_t *metrics = NULL;
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, "metric", i)); i++)
  {
    metrics = NULL == metrics ? json_array () : metrics;
    json_array_append_new (metrics, metric_of (cli, text));
  }
  return metrics;
}

static json_t *
tags_of (struct cli *cli)
{
  json_t *tags = NULL;
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, "tag", i)); i++)
  {
    const char *equals = strchr (text, '=');
    json_t *tag = json_object ();

    json_object_set_new (tag, "key", json_text (cli_copy (text, strcspn (text, "="))));
    if (NULL != equals)
      json_object_set_new (tag, "value", json_text (equals + 1));
    tags = NULL == tags ? json_array () : tags;
    json_array_append_new (tags, tag);
  }
  return tags;
}

/* {"users", "groups"} of two options; NULL: neither was given. */
static json_t *
people_of (struct cli *cli, const char *users, const char *groups)
{
  json_t *people;

  if (! cli_has (cli, users) && ! cli_has (cli, groups))
    return NULL;
  people = json_object ();
  set_some (people, "users", texts_of (cli, users));
  set_some (people, "groups", texts_of (cli, groups));
  return people;
}

/* Most approvals that a gate can ask for: docs/gates.md. */
#define APPROVALS_MAX 20

static json_t *
approvals_of (struct cli *cli)
{
  json_t *approvals = people_of (cli, "approver", "approver-group");

  if (NULL == approvals && ! cli_has (cli, "approvals"))
    return NULL;
  approvals = NULL == approvals ? json_object () : approvals;
  json_object_set_new (approvals, "count", json_integer (cli_number (cli, "approvals", 1, APPROVALS_MAX, 1)));
  return approvals;
}

static json_t *
soak_of (struct cli *cli)
{
  static const struct
  {
    char letter;
    int64_t seconds;
  } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
  const char *text = cli_option (cli, "soak");
  struct tally_pair pair;
  int64_t unit_s = 1;
  int64_t time;
  size_t len;

  if (NULL == text)
    return NULL;
  pair = cli_pair (cli, text);
  len = strlen (pair.value);
  for (size_t i = 0; len > 0 && i < sizeof (units) / sizeof (units[0]); i++)
    if (units[i].letter == pair.value[len - 1])
    {
      unit_s = units[i].seconds;
      len--;
      break;
    }
  if (! number_parse_int64 ((struct slice){ pair.value, len }, &time) || time < 0 || time > INT64_MAX / unit_s)
    cli_refuse (cli, "--soak: '%s' is no time, as 3600, 90m, 24h or 7d.", pair.value);
  return json_pack ("{s:o, s:I}", "alias", json_text (pair.key), "min_s", (json_int_t)(time * unit_s));
}

/* The whole of a file, "-": stdin. */
static void
read_file (struct buffer *out, struct cli *cli, const char *path)
{
  FILE *file = 0 == strcmp (path, "-") ? stdin : fopen (path, "re");
  char block[4096];
  size_t bytes;

  if (NULL == file)
    cli_broken (cli, errno, "%s", path);
  while ((bytes = fread (block, 1, sizeof (block), file)) > 0)
    buffer_append (out, block, bytes);
  if (ferror (file))
    cli_broken (cli, errno, "%s", path);
  if (stdin != file)
    fclose (file);
  if (out->failed)
    cli_broken (cli, EFBIG, "%s", path);
}

/* Rules, or what `gate show --json` prints, which holds them. */
static json_t *
rules_of_file (struct cli *cli, const char *path)
{
  struct buffer content;
  json_error_t wrong;
  json_t *value;

  buffer_init (&content, RULES_MAX_BYTES);
  read_file (&content, cli, path);
  value = json_loadb (NULL == content.data ? "" : content.data, content.len, JSON_REJECT_DUPLICATES, &wrong);
  buffer_free (&content);
  if (NULL == value)
    cli_refuse (cli, "%s:%d: %s", path, wrong.line, wrong.text);
  for (const char *const *around = (const char *const[]){ "gate", "rules", NULL }; NULL != *around; around++)
    if (json_is_object (json_object_get (value, *around)))
    {
      json_t *inner = json_incref (json_object_get (value, *around));

      json_decref (value);
      value = inner;
    }
  if (! json_is_object (value))
    cli_refuse (cli, "%s holds no object of rules, as {\"checks\": [\"tests\"]}.", path);
  return value;
}

json_t *
gate_rules_read (struct cli *cli)
{
  json_t *rules = json_object ();
  size_t count;

  set_some (rules, "checks", texts_of (cli, "check"));
  set_some (rules, "metrics", metrics_of (cli));
  set_some (rules, "tags", tags_of (cli));
  set_some (rules, "approvals", approvals_of (cli));
  set_some (rules, "soak", soak_of (cli));
  set_some (rules, "movers", people_of (cli, "mover", "mover-group"));
  count = json_object_size (rules) > 0 ? 1 : 0;
  if (count + cli_has (cli, "rules") + cli_has (cli, "protect") > 1)
    cli_refuse (cli, "Rules come from options, or from --rules, or are none with --protect.");
  if (count + cli_has (cli, "rules") + cli_has (cli, "protect") < 1)
    cli_refuse (cli, "Which rules? Without any, --protect leaves moves to those with the action 'promote'.");
  if (! cli_has (cli, "rules"))
    return rules;
  json_decref (rules);
  return rules_of_file (cli, cli_option (cli, "rules"));
}
