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

/* What stands behind "<key>=" in the values of an option; NULL: nothing. */
static json_t *
texts_of_key (struct cli *cli, const char *option, const char *key)
{
  json_t *texts = NULL;
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, option, i)); i++)
  {
    struct tally_pair pair = cli_pair (cli, text);

    if (0 != strcmp (pair.key, key))
      continue;
    texts = NULL == texts ? json_array () : texts;
    json_array_append_new (texts, json_text (pair.value));
  }
  return texts;
}

/* An option that says more of a check is of one that is there: a name that is mistyped must not be lost. */
static void
check_named (struct cli *cli, const char *option)
{
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, option, i)); i++)
  {
    struct tally_pair pair = cli_pair (cli, text);
    const char *name;
    size_t at = 0;

    while (NULL != (name = cli_option_at (cli, "check", at)) && 0 != strcmp (name, pair.key))
      at++;
    if (NULL == name)
      cli_refuse (cli, "--%s %s: there is no --check '%s'.", option, text, pair.key);
  }
}

/* A name, or with those whose results count an object. */
static json_t *
check_of (struct cli *cli, const char *name)
{
  json_t *users = texts_of_key (cli, "check-by", name);
  json_t *groups = texts_of_key (cli, "check-by-group", name);
  json_t *people;

  if (NULL == users && NULL == groups)
    return json_text (name);
  people = json_object ();
  set_some (people, "users", users);
  set_some (people, "groups", groups);
  return json_pack ("{s:o, s:o}", "name", json_text (name), "by", people);
}

static json_t *
checks_of (struct cli *cli)
{
  json_t *checks = NULL;
  const char *name;

  check_named (cli, "check-by");
  check_named (cli, "check-by-group");
  for (size_t i = 0; NULL != (name = cli_option_at (cli, "check", i)); i++)
  {
    checks = NULL == checks ? json_array () : checks;
    json_array_append_new (checks, check_of (cli, name));
  }
  return checks;
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

/* Set a member of all rules about a metric, of those that have `needs` (NULL: any). False: there is none. */
static bool
amend_metrics (json_t *metrics, const char *key, const char *needs, const char *member, json_t *value)
{
  bool found = false;
  size_t index;
  json_t *metric;

  json_array_foreach (metrics, index, metric)
  {
    if (0 != strcmp (value_text (json_object_get (metric, "key")), key)
        || (NULL != needs && NULL == json_object_get (metric, needs)))
      continue;
    json_object_set (metric, member, value);
    found = true;
  }
  json_decref (value);
  return found;
}

static void
add_epsilons (struct cli *cli, json_t *metrics)
{
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, "epsilon", i)); i++)
  {
    struct tally_pair pair = cli_pair (cli, text);
    double number;

    if (! number_parse_double (slice_of (pair.value), &number) || number < 0)
      cli_refuse (cli, "--epsilon: '%s' is no number from 0.", pair.value);
    if (! amend_metrics (metrics, pair.key, "no_worse_than", "epsilon", json_real (number)))
      cli_refuse (cli, "--epsilon %s: there is no --metric '%s>=@ALIAS' or '%s<=@ALIAS'.", text, pair.key, pair.key);
  }
}

static void
add_datasets (struct cli *cli, json_t *metrics)
{
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, "dataset", i)); i++)
  {
    struct tally_pair pair = cli_pair (cli, text);

    if (! amend_metrics (metrics, pair.key, NULL, "dataset_name", json_text (pair.value)))
      cli_refuse (cli, "--dataset %s: there is no --metric about '%s'.", text, pair.key);
  }
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
  add_epsilons (cli, metrics);
  add_datasets (cli, metrics);
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

/* Days as the server calls them, of "sat,sun"; NULL: they are none. */
static json_t *
days_of (const char *text, size_t len)
{
  static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
  json_t *days = json_array ();

  for (size_t at = 0; at <= len; at += 4)
  {
    bool known = len - at >= 3 && (at + 3 == len || ',' == text[at + 3]);

    for (size_t i = 0; known && i < sizeof (names) / sizeof (names[0]); i++)
      if (0 == strncmp (text + at, names[i], 3))
        json_array_append_new (days, json_string (names[i]));
    if (! known || json_array_size (days) != at / 4 + 1)
    {
      json_decref (days);
      return NULL;
    }
    if (at + 3 == len)
      break;
  }
  return days;
}

/* A day alone begins at midnight, in UTC as all times of gates. */
static json_t *
instant_of (const char *text, size_t len)
{
  static const char day[] = "2026-12-20";

  return json_text (cli_printf ("%.*s%s", (int)len, text, sizeof (day) - 1 == len ? "T00:00:00Z" : ""));
}

/* "2026-12-20/2027-01-02", "sat,sun", "fri=16:00-24:00". What is no time there the server refuses. */
static json_t *
freeze_of (struct cli *cli, const char *text)
{
  const char *slash = strchr (text, '/');
  size_t len = strcspn (text, "=");
  const char *hours = '=' == text[len] ? text + len + 1 : NULL;
  const char *dash = NULL == hours ? NULL : strchr (hours, '-');
  json_t *days;

  if (NULL != slash)
    return json_pack ("{s:o, s:o}", "from", instant_of (text, (size_t)(slash - text)), "to",
                      instant_of (slash + 1, strlen (slash + 1)));
  days = days_of (text, len);
  if (NULL == days || (NULL != hours && NULL == dash))
    cli_refuse (cli, "--freeze: '%s' is no window, as 2026-12-20/2027-01-02, sat,sun or fri=16:00-24:00.", text);
  if (NULL == hours)
    return json_pack ("{s:o}", "days", days);
  return json_pack ("{s:o, s:o, s:o}", "days", days, "from", json_text (cli_copy (hours, (size_t)(dash - hours))), "to",
                    json_text (dash + 1));
}

static json_t *
freezes_of (struct cli *cli)
{
  json_t *freezes = NULL;
  const char *text;

  for (size_t i = 0; NULL != (text = cli_option_at (cli, "freeze", i)); i++)
  {
    freezes = NULL == freezes ? json_array () : freezes;
    json_array_append_new (freezes, freeze_of (cli, text));
  }
  return freezes;
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

  set_some (rules, "checks", checks_of (cli));
  set_some (rules, "metrics", metrics_of (cli));
  set_some (rules, "tags", tags_of (cli));
  set_some (rules, "approvals", approvals_of (cli));
  set_some (rules, "soak", soak_of (cli));
  set_some (rules, "freeze", freezes_of (cli));
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
