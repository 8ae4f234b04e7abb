/* Rules of gates as sentences. Members that a newer server has are told as they are. */
#include "cli/gate_rules.h"

#include "base/buffer.h"

#include <string.h>

static const char *
text_of (const json_t *object, const char *member)
{
  return value_text (json_object_get (object, member));
}

/* "users a, b, groups c"; "" for nobody. */
static const char *
people (const json_t *object)
{
  const char *users = text_of (object, "users");
  const char *groups = text_of (object, "groups");

  return cli_printf ("%s%s%s%s", users, '\0' == users[0] || '\0' == groups[0] ? "" : ", ",
                     '\0' == groups[0] ? "" : "group ", groups);
}

static const char *
check_text (const json_t *check)
{
  const json_t *by = json_object_get (check, "by");

  if (json_is_string (check))
    return cli_printf ("check %s", json_string_value (check));
  return cli_printf ("check %s%s%s", text_of (check, "name"), NULL == by ? "" : " by ", NULL == by ? "" : people (by));
}

static const char *
number_of (const json_t *object, const char *member)
{
  return cell_text (json_object_get (object, member), CELL_NUMBER);
}

static const char *
metric_text (const json_t *metric)
{
  const char *key = text_of (metric, "key");
  const char *data = text_of (metric, "dataset_name");
  const char *where = '\0' == data[0] ? "" : cli_printf (" on %s", data);
  const json_t *epsilon = json_object_get (metric, "epsilon");

  if (NULL != json_object_get (metric, "at_least"))
    return cli_printf ("%s >= %s%s", key, number_of (metric, "at_least"), where);
  if (NULL != json_object_get (metric, "at_most"))
    return cli_printf ("%s <= %s%s", key, number_of (metric, "at_most"), where);
  return cli_printf ("%s %s @%s%s%s%s", key, json_is_false (json_object_get (metric, "higher_is_better")) ? "<=" : ">=",
                     text_of (metric, "no_worse_than"), NULL == epsilon ? "" : " give or take ",
                     NULL == epsilon ? "" : number_of (metric, "epsilon"), where);
}

static const char *
tag_text (const json_t *tag)
{
  const json_t *value = json_object_get (tag, "value");

  return cli_printf ("tag %s%s%s", text_of (tag, "key"), NULL == value ? "" : "=", value_text (value));
}

static const char *
approvals_text (const json_t *approvals)
{
  json_int_t count = json_integer_value (json_object_get (approvals, "count"));
  const char *who = people (approvals);

  return cli_printf ("%s approval%s%s%s", text_of (approvals, "count"), 1 == count ? "" : "s",
                     '\0' == who[0] ? "" : " of ", who);
}

static const char *
soak_text (const json_t *soak)
{
  return cli_printf ("%s as @%s", duration_text (json_integer_value (json_object_get (soak, "min_s")) * 1000),
                     text_of (soak, "alias"));
}

static const char *
freeze_text (const json_t *window)
{
  const char *days = text_of (window, "days");
  const char *from = text_of (window, "from");
  const char *to = text_of (window, "to");

  return cli_printf ("frozen%s%s%s%s%s%s", '\0' == days[0] ? "" : " ", days, '\0' == from[0] ? "" : " from ", from,
                     '\0' == to[0] ? "" : " to ", to);
}

static const char *
movers_text (const json_t *movers)
{
  return cli_printf ("moved by %s", people (movers));
}

struct teller
{
  const char *member;
  const char *(*tell) (const json_t *value);
};

static const struct teller tellers[] = {
  { "checks", check_text }, { "metrics", metric_text }, { "tags", tag_text },      { "approvals", approvals_text },
  { "soak", soak_text },    { "freeze", freeze_text },  { "movers", movers_text },
};

static const char *
tell_unknown (const char *member, const json_t *value)
{
  struct buffer out;
  const char *text;

  buffer_init (&out, SIZE_MAX / 2);
  json_append (&out, value, 0);
  text = cli_printf ("%s %s", member, NULL == out.data ? "" : out.data);
  buffer_free (&out);
  return text;
}

/* One text, or one for each item of a list. */
static void
tell (json_t *texts, const char *member, const json_t *value)
{
  size_t index;
  json_t *item;

  for (size_t i = 0; i < sizeof (tellers) / sizeof (tellers[0]); i++)
    if (0 == strcmp (tellers[i].member, member) && json_is_object (value))
    {
      json_array_append_new (texts, json_text (tellers[i].tell (value)));
      return;
    }
    else if (0 == strcmp (tellers[i].member, member) && json_is_array (value))
    {
      json_array_foreach (value, index, item)
      {
        json_array_append_new (texts, json_text (tellers[i].tell (item)));
      }
      return;
    }
  json_array_append_new (texts, json_text (tell_unknown (member, value)));
}

json_t *
gate_rules_tell (const json_t *rules)
{
  json_t *texts = json_array ();
  const char *member;
  json_t *value;

  json_object_foreach ((json_t *)rules, member, value)
  {
    tell (texts, member, value);
  }
  if (0 == json_array_size (texts))
    json_array_append_new (texts, json_string ("only protected"));
  return texts;
}
