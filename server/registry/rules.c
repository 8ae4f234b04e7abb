/* Reading the rules of a gate. A const table says what members each object has, so that one that is not known is
   refused with its name instead of being a rule that nobody follows. */
#include "registry/rules.h"

#include "base/instant.h"
#include "base/json_tree.h"
#include "base/utf8.h"

#include <math.h>

/* Longest texts in characters: those of the tables that they are looked up in. */
#define NAME_MAX_CHARACTERS 255
#define TAG_KEY_MAX 250
#define TAG_VALUE_MAX 5000
#define DATASET_NAME_MAX 500
/* Ten years. */
#define SOAK_MAX_S INT64_C (315360000)
/* What a message repeats of a member that there is not. */
#define MEMBER_MAX 60

#define MINUTES_OF_DAY 1440
#define MS_OF_MINUTE 60000
#define MS_OF_DAY ((int64_t)MINUTES_OF_DAY * MS_OF_MINUTE)

struct reading
{
  struct arena *arena;
  struct err *err;
};

/* Read a value into `out`; `place` is what messages call it. */
typedef enum err_code read_value (void *out, const json_t *value, const char *place, const struct reading *reading);

struct member
{
  const char *name;
  read_value *read;
  size_t offset;
  bool is_required;
};

static enum err_code
refuse (const struct reading *reading, const char *place, const char *what)
{
  return err_set (reading->err, ERR_INVALID_PARAMETER_VALUE, "%s: %s", place, what);
}

static enum err_code
no_memory (const struct reading *reading)
{
  return err_set (reading->err, ERR_INTERNAL_ERROR, "out of memory");
}

/* --- objects and lists ------------------------------------------------------------------------------------------- */

static const struct member *
find_member (const struct member *members, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (0 == strcmp (members[i].name, name))
      return &members[i];
  return NULL;
}

/* The place of a member; a name that a client made up is cut, and not repeated when it would break the line. */
static const char *
member_place (const struct reading *reading, const char *place, const char *name)
{
  struct slice shown = utf8_cut (slice_of (name), MEMBER_MAX);

  for (size_t i = 0; i < shown.len; i++)
    if ((unsigned char)shown.data[i] < ' ')
      shown = SLICE ("?");
  return arena_printf (reading->arena, "%s.%.*s", place, SLICE_ARG (shown));
}

static enum err_code
read_object (void *out, const json_t *value, const char *place, const struct member *members, size_t count,
             const struct reading *reading)
{
  enum err_code code = ERR_OK;
  const char *name;
  json_t *item;

  if (! json_is_object (value))
    return refuse (reading, place, "an object is needed.");
  json_object_foreach ((json_t *)(uintptr_t)value, name, item)
  {
    const struct member *member = find_member (members, count, name);
    const char *where = member_place (reading, place, name);

    if (NULL == where)
      return no_memory (reading);
    if (NULL == member)
      return refuse (reading, where, "there is no such member.");
    code = member->read ((char *)out + member->offset, item, where, reading);
    if (ERR_OK != code)
      return code;
  }
  for (size_t i = 0; i < count; i++)
    if (members[i].is_required && NULL == json_object_get (value, members[i].name))
    {
      const char *where = member_place (reading, place, members[i].name);

      return NULL == where ? no_memory (reading) : refuse (reading, where, "it is missing.");
    }
  return ERR_OK;
}

static enum err_code
read_list (void **items, size_t *count, const json_t *value, const char *place, size_t most, size_t size,
           read_value *read, const struct reading *reading)
{
  enum err_code code = ERR_OK;

  if (! json_is_array (value))
    return refuse (reading, place, "a list is needed.");
  *count = json_array_size (value);
  if (*count > most)
    return err_set (reading->err, ERR_INVALID_PARAMETER_VALUE, "%s: there may be at most %zu items.", place, most);
  *items = arena_array (reading->arena, *count, size);
  if (NULL == *items)
    return no_memory (reading);
  for (size_t i = 0; ERR_OK == code && i < *count; i++)
  {
    const char *where = arena_printf (reading->arena, "%s[%zu]", place, i);

    if (NULL == where)
      return no_memory (reading);
    code = read ((char *)*items + i * size, json_array_get (value, i), where, reading);
  }
  return code;
}

/* A struct in the arena for an object that may be absent. */
static enum err_code
read_pointer (void **out, const json_t *value, const char *place, size_t size, const struct member *members,
              size_t count, const struct reading *reading)
{
  *out = arena_alloc (reading->arena, size);
  return NULL == *out ? no_memory (reading) : read_object (*out, value, place, members, count, reading);
}

#define COUNT(table) (sizeof (table) / sizeof ((table)[0]))

/* --- plain values ------------------------------------------------------------------------------------------------ */

static enum err_code
take_text (struct slice *text, const json_t *value, const char *place, size_t most, bool may_be_empty,
           const struct reading *reading)
{
  struct slice given = { json_string_value (value), json_string_length (value) };

  if (! json_is_string (value))
    return refuse (reading, place, "a text is needed.");
  if (0 == given.len && ! may_be_empty)
    return refuse (reading, place, "it is empty.");
  if (utf8_length (given) > most)
    return err_set (reading->err, ERR_INVALID_PARAMETER_VALUE, "%s: it is longer than %zu characters.", place, most);
  for (size_t i = 0; i < given.len; i++)
    if ((unsigned char)given.data[i] < ' ')
      return refuse (reading, place, "it holds a control character.");
  *text = (struct slice){ arena_copy (reading->arena, given.data, given.len), given.len };
  return NULL == text->data ? no_memory (reading) : ERR_OK;
}

static enum err_code
read_name (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  return take_text (out, value, place, NAME_MAX_CHARACTERS, false, reading);
}

static enum err_code
read_key (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  return take_text (out, value, place, TAG_KEY_MAX, false, reading);
}

static enum err_code
read_tag_value (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  return take_text (out, value, place, TAG_VALUE_MAX, true, reading);
}

static enum err_code
read_dataset (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  return take_text (out, value, place, DATASET_NAME_MAX, false, reading);
}

static enum err_code
read_number (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  double number = json_number_value (value);

  if (! json_is_number (value) || ! isfinite (number))
    return refuse (reading, place, "a number is needed.");
  *(double *)out = number;
  return ERR_OK;
}

static enum err_code
take_integer (int64_t *out, const json_t *value, const char *place, int64_t least, int64_t most,
              const struct reading *reading)
{
  double number = json_number_value (value);

  if (! json_is_number (value) || number != trunc (number) || number < (double)least || number > (double)most)
    return err_set (reading->err, ERR_INVALID_PARAMETER_VALUE, "%s: an integer from %lld to %lld is needed.", place,
                    (long long)least, (long long)most);
  *out = (int64_t)number;
  return ERR_OK;
}

/* --- people ------------------------------------------------------------------------------------------------------ */

static enum err_code
read_names (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  struct rule_texts *texts = out;
  void *items = NULL;
  enum err_code code =
      read_list (&items, &texts->count, value, place, RULES_PEOPLE_MAX, sizeof (struct slice), read_name, reading);

  texts->items = items;
  return code;
}

static const struct member people_members[] = {
  { "users", read_names, offsetof (struct rule_people, users), false },
  { "groups", read_names, offsetof (struct rule_people, groups), false },
};

/* People of whom there must be one: a list that lets nobody through is a mistake. */
static enum err_code
read_people (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  void *made = NULL;
  enum err_code code =
      read_pointer (&made, value, place, sizeof (struct rule_people), people_members, COUNT (people_members), reading);
  const struct rule_people *people = made;

  *(struct rule_people **)out = made;
  if (ERR_OK == code && 0 == people->users.count && 0 == people->groups.count)
    code = refuse (reading, place, "name at least one of users or groups.");
  return code;
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

static const struct member check_members[] = {
  { "name", read_key, offsetof (struct rule_check, name), true },
  { "by", read_people, offsetof (struct rule_check, by), false },
};

/* A name, or an object. */
static enum err_code
read_check (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  struct rule_check *check = out;

  if (json_is_string (value))
    return read_key (&check->name, value, place, reading);
  return read_object (check, value, place, check_members, COUNT (check_members), reading);
}

/* A metric as it stands there, before it is known which comparison it is. */
struct raw_metric
{
  struct rule_metric metric;
  double at_least;
  double at_most;
  bool higher_is_better;
};

static enum err_code
read_bool (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  if (! json_is_boolean (value))
    return refuse (reading, place, "true or false is needed.");
  *(bool *)out = json_is_true (value);
  return ERR_OK;
}

static const struct member metric_members[] = {
  { "key", read_key, offsetof (struct raw_metric, metric.key), true },
  { "at_least", read_number, offsetof (struct raw_metric, at_least), false },
  { "at_most", read_number, offsetof (struct raw_metric, at_most), false },
  { "no_worse_than", read_name, offsetof (struct raw_metric, metric.alias), false },
  { "epsilon", read_number, offsetof (struct raw_metric, metric.epsilon), false },
  { "higher_is_better", read_bool, offsetof (struct raw_metric, higher_is_better), false },
  { "dataset_name", read_dataset, offsetof (struct raw_metric, metric.dataset_name), false },
  { "dataset_digest", read_dataset, offsetof (struct raw_metric, metric.dataset_digest), false },
};

static enum err_code
read_metric (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  struct raw_metric raw = { .at_least = NAN, .at_most = NAN, .metric = { .epsilon = NAN }, .higher_is_better = true };
  enum err_code code = read_object (&raw, value, place, metric_members, COUNT (metric_members), reading);
  struct rule_metric *metric = out;

  if (ERR_OK != code)
    return code;
  if (1 != ! isnan (raw.at_least) + ! isnan (raw.at_most) + (NULL != raw.metric.alias.data))
    return refuse (reading, place, "exactly one of at_least, at_most and no_worse_than is needed.");
  *metric = raw.metric;
  metric->comparison = ! isnan (raw.at_least)  ? RULE_AT_LEAST
                       : ! isnan (raw.at_most) ? RULE_AT_MOST
                                               : RULE_NO_WORSE_THAN;
  metric->bound = ! isnan (raw.at_least) ? raw.at_least : raw.at_most;
  metric->lower_is_better = ! raw.higher_is_better;
  if (RULE_NO_WORSE_THAN != metric->comparison
      && (! isnan (metric->epsilon) || NULL != json_object_get (value, "higher_is_better")))
    return refuse (reading, place, "epsilon and higher_is_better belong to no_worse_than.");
  if (isnan (metric->epsilon))
    metric->epsilon = 0;
  return metric->epsilon < 0 ? refuse (reading, place, "epsilon is negative.") : ERR_OK;
}

static const struct member tag_members[] = {
  { "key", read_key, offsetof (struct rule_tag, key), true },
  { "value", read_tag_value, offsetof (struct rule_tag, value), false },
};

static enum err_code
read_tag (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  return read_object (out, value, place, tag_members, COUNT (tag_members), reading);
}

static enum err_code
read_approval_count (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  return take_integer (out, value, place, 1, RULES_APPROVALS_MAX, reading);
}

static const struct member approval_members[] = {
  { "count", read_approval_count, offsetof (struct rule_approvals, count), true },
  { "users", read_names, offsetof (struct rule_approvals, people.users), false },
  { "groups", read_names, offsetof (struct rule_approvals, people.groups), false },
};

static enum err_code
read_approvals (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  void *made = NULL;
  enum err_code code = read_pointer (&made, value, place, sizeof (struct rule_approvals), approval_members,
                                     COUNT (approval_members), reading);

  *(struct rule_approvals **)out = made;
  return code;
}

static enum err_code
read_soak_time (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  return take_integer (out, value, place, 1, SOAK_MAX_S, reading);
}

static const struct member soak_members[] = {
  { "alias", read_name, offsetof (struct rule_soak, alias), true },
  { "min_s", read_soak_time, offsetof (struct rule_soak, min_s), true },
};

static enum err_code
read_soak (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  void *made = NULL;
  enum err_code code =
      read_pointer (&made, value, place, sizeof (struct rule_soak), soak_members, COUNT (soak_members), reading);

  *(struct rule_soak **)out = made;
  return code;
}

/* --- freezes ----------------------------------------------------------------------------------------------------- */

struct raw_freeze
{
  struct slice from;
  struct slice to;
  unsigned days;
};

static enum err_code
read_day (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

  for (unsigned i = 0; json_is_string (value) && i < COUNT (names); i++)
    if (0 == strcmp (json_string_value (value), names[i]))
    {
      *(unsigned *)out = 1u << i;
      return ERR_OK;
    }
  return refuse (reading, place, "one of mon, tue, wed, thu, fri, sat and sun is needed.");
}

static enum err_code
read_days (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  void *items = NULL;
  size_t count = 0;
  enum err_code code = read_list (&items, &count, value, place, 7, sizeof (unsigned), read_day, reading);

  for (size_t i = 0; ERR_OK == code && i < count; i++)
    *(unsigned *)out |= ((unsigned *)items)[i];
  return ERR_OK == code && 0 == count ? refuse (reading, place, "name at least one day.") : code;
}

static const struct member freeze_members[] = {
  { "from", read_name, offsetof (struct raw_freeze, from), false },
  { "to", read_name, offsetof (struct raw_freeze, to), false },
  { "days", read_days, offsetof (struct raw_freeze, days), false },
};

/* "HH:MM", up to 24:00. */
static bool
parse_minute (struct slice text, int64_t *minute)
{
  static const size_t digits[] = { 0, 1, 3, 4 };

  if (5 != text.len || ':' != text.data[2])
    return false;
  for (size_t i = 0; i < COUNT (digits); i++)
    if (text.data[digits[i]] < '0' || text.data[digits[i]] > '9')
      return false;
  *minute = ((text.data[0] - '0') * 10 + (text.data[1] - '0')) * 60 + (text.data[3] - '0') * 10 + (text.data[4] - '0');
  return text.data[3] < '6' && *minute <= MINUTES_OF_DAY;
}

/* Some minutes of some days; all of them when nothing else is said. */
static enum err_code
make_weekly (struct rule_freeze *freeze, const struct raw_freeze *raw, const char *place, const struct reading *reading)
{
  freeze->days = raw->days;
  freeze->to_minute = MINUTES_OF_DAY;
  if ((NULL != raw->from.data && ! parse_minute (raw->from, &freeze->from_minute))
      || (NULL != raw->to.data && ! parse_minute (raw->to, &freeze->to_minute)))
    return refuse (reading, place, "with days, from and to are times of day such as 16:00, up to 24:00.");
  return freeze->from_minute < freeze->to_minute ? ERR_OK : refuse (reading, place, "from is not before to.");
}

static enum err_code
read_freeze (void *out, const json_t *value, const char *place, const struct reading *reading)
{
  struct rule_freeze *freeze = out;
  struct raw_freeze raw = { .days = 0 };
  enum err_code code = read_object (&raw, value, place, freeze_members, COUNT (freeze_members), reading);

  if (ERR_OK != code)
    return code;
  if (0 != raw.days)
    return make_weekly (freeze, &raw, place, reading);
  if (NULL == raw.from.data || NULL == raw.to.data)
    return refuse (reading, place, "from and to, or days, are needed.");
  if (! instant_parse_rfc3339 (raw.from, &freeze->from_ms) || ! instant_parse_rfc3339 (raw.to, &freeze->to_ms))
    return refuse (reading, place, "without days, from and to are times such as 2026-12-20T00:00:00Z.");
  return freeze->from_ms < freeze->to_ms ? ERR_OK : refuse (reading, place, "from is not before to.");
}

/* When a freeze that covers a time ends; 0: it does not cover it. */
static int64_t
covered_until (const struct rule_freeze *freeze, int64_t now_ms)
{
  int64_t day = now_ms / MS_OF_DAY;
  int64_t minute = now_ms % MS_OF_DAY / MS_OF_MINUTE;

  if (0 == freeze->days)
    return now_ms >= freeze->from_ms && now_ms < freeze->to_ms ? freeze->to_ms : 0;
  /* 1970-01-01 was a Thursday. */
  if (0 == (freeze->days & 1u << ((day + 3) % 7)) || minute < freeze->from_minute || minute >= freeze->to_minute)
    return 0;
  return day * MS_OF_DAY + freeze->to_minute * MS_OF_MINUTE;
}

int64_t
rules_frozen_until (const struct rules *rules, int64_t now_ms)
{
  int64_t until = 0;

  for (size_t i = 0; i < rules->freeze_count; i++)
  {
    int64_t end = covered_until (&rules->freezes[i], now_ms);

    if (end > until)
      until = end;
  }
  return until;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

struct list
{
  void *items;
  size_t count;
};

#define LIST_READER(name, type, item)                                                                                  \
  static enum err_code name (void *out, const json_t *value, const char *place, const struct reading *reading)         \
  {                                                                                                                    \
    struct list *list = out;                                                                                           \
                                                                                                                       \
    return read_list (&list->items, &list->count, value, place, RULES_MAX, sizeof (type), item, reading);              \
  }

LIST_READER (read_checks, struct rule_check, read_check)
LIST_READER (read_metrics, struct rule_metric, read_metric)
LIST_READER (read_tags, struct rule_tag, read_tag)
LIST_READER (read_freezes, struct rule_freeze, read_freeze)

struct raw_rules
{
  struct list checks;
  struct list metrics;
  struct list tags;
  struct rule_approvals *approvals;
  struct rule_soak *soak;
  struct list freezes;
  struct rule_people *movers;
};

static const struct member rules_members[] = {
  { "checks", read_checks, offsetof (struct raw_rules, checks), false },
  { "metrics", read_metrics, offsetof (struct raw_rules, metrics), false },
  { "tags", read_tags, offsetof (struct raw_rules, tags), false },
  { "approvals", read_approvals, offsetof (struct raw_rules, approvals), false },
  { "soak", read_soak, offsetof (struct raw_rules, soak), false },
  { "freeze", read_freezes, offsetof (struct raw_rules, freezes), false },
  { "movers", read_people, offsetof (struct raw_rules, movers), false },
};

enum err_code
rules_read (struct rules *rules, const json_t *value, struct arena *arena, struct err *err)
{
  const struct reading reading = { arena, err };
  struct raw_rules raw = { .approvals = NULL };
  enum err_code code = read_object (&raw, value, "rules", rules_members, COUNT (rules_members), &reading);

  *rules = (struct rules){ .checks = raw.checks.items,
                           .check_count = raw.checks.count,
                           .metrics = raw.metrics.items,
                           .metric_count = raw.metrics.count,
                           .tags = raw.tags.items,
                           .tag_count = raw.tags.count,
                           .approvals = raw.approvals,
                           .soak = raw.soak,
                           .freezes = raw.freezes.items,
                           .freeze_count = raw.freezes.count,
                           .movers = raw.movers };
  return code;
}

enum err_code
rules_parse (struct rules *rules, struct slice text, struct arena *arena, struct err *err)
{
  json_error_t problem;
  bool out_of_memory = false;
  json_t *tree = json_tree_load (&out_of_memory, text, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &problem);
  enum err_code code;

  if (NULL == tree)
    return out_of_memory ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                         : err_set (err, ERR_INVALID_PARAMETER_VALUE, "rules: it is no JSON.");
  code = rules_read (rules, tree, arena, err);
  json_decref (tree);
  return code;
}
