/* Groups of runs with aggregates. */
#include "search/run_group.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "search/field_private.h"

#include <math.h>
#include <stdlib.h>

/* Most groups that are held: about as many as an answer of usual size could show. */
#define GROUPS_MAX 100000
/* Longest key of a group: values of params and tags have at most some thousand characters. */
#define KEY_MAX_BYTES ((size_t)1024 * 1024)
#define FIRST_SLOTS 256

const char *const run_aggregate_names[RUN_AGGREGATE_FUNCTIONS] = { "count", "min", "max", "sum", "mean", "stddev" };

/* --- the request ------------------------------------------------------------------------------------------------- */

static enum err_code
parse_field (size_t *field, struct slice text, const char *parameter, bool allows_datasets, struct run_fields *fields,
             struct arena *arena, struct err *err)
{
  struct search_field parsed;
  /* Data sets cannot be sorted by, which search_field_parse asks for. */
  bool is_dataset = ERR_OK == search_field_resolve (&parsed, text, &search_runs, SEARCH_CAN_FILTER, arena, NULL)
                    && SEARCH_DATASET == parsed.entity;
  enum err_code code = is_dataset ? ERR_OK : search_field_parse (&parsed, text, &search_runs, arena, err);

  if (ERR_OK != code)
    return code;
  if (SEARCH_UUID == parsed.type)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter '%s' names '%.*s', which differs in every run.",
                    parameter, SLICE_ARG (text));
  if (SEARCH_DATASET == parsed.entity && ! allows_datasets)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Parameter '%s' names '%.*s', of which a run may have several; runs cannot be grouped by it.",
                    parameter, SLICE_ARG (text));
  return run_fields_add (field, fields, &parsed, err);
}

/* "mean(metrics.loss)" */
static enum err_code
parse_aggregate (struct run_aggregate *aggregate, struct slice text, struct run_fields *fields, struct arena *arena,
                 struct err *err)
{
  const char *open = 0 == text.len ? NULL : memchr (text.data, '(', text.len);
  struct slice name = { text.data, NULL == open ? 0 : (size_t)(open - text.data) };
  enum err_code code;

  if (NULL == open || ')' != text.data[text.len - 1])
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Parameter 'aggregates' has '%.*s'; expected a function of a field, such as 'mean(metrics.loss)'.",
                    SLICE_ARG (text));
  for (int i = 0; i < RUN_AGGREGATE_FUNCTIONS; i++)
  {
    if (! slice_is (name, run_aggregate_names[i]))
      continue;
    aggregate->function = (enum run_aggregate_function)i;
    code = parse_field (&aggregate->field, (struct slice){ open + 1, text.len - name.len - 2 }, "aggregates", true,
                        fields, arena, err);
    if (ERR_OK == code && RUN_AGGREGATE_COUNT != i && SEARCH_TEXT == fields->items[aggregate->field].field.type)
      return err_set (
          err, ERR_INVALID_PARAMETER_VALUE,
          "Parameter 'aggregates' has '%.*s', but %s needs numbers; number(...) reads a param or tag as one.",
          SLICE_ARG (text), run_aggregate_names[i]);
    return code;
  }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Parameter 'aggregates' has the unknown function '%.*s'; there are count, min, max, sum, mean and "
                  "stddev.",
                  SLICE_ARG (name));
}

static enum err_code
check_count (size_t count, size_t most, const char *parameter, struct err *err)
{
  if (count <= most)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter '%s' has %zu items; at most %zu are allowed.", parameter,
                  count, most);
}

enum err_code
run_group_parse (struct run_group_query *query, const struct run_group_request *request, struct run_fields *fields,
                 struct arena *arena, struct err *err)
{
  enum err_code code = check_count (request->group_by_count, RUN_GROUP_FIELDS_MAX, "group_by", err);

  *query = (struct run_group_query){ .group_by_count = 0 };
  if (ERR_OK == code)
    code = check_count (request->aggregate_count, RUN_GROUP_AGGREGATES_MAX, "aggregates", err);
  if (ERR_OK == code)
    code = check_count (request->distinct_count, RUN_DISTINCT_FIELDS_MAX, "distinct", err);
  if (ERR_OK == code && request->aggregate_count > 0 && 0 == request->group_by_count)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter 'aggregates' needs 'group_by'.");
  for (size_t i = 0; ERR_OK == code && i < request->group_by_count; i++)
    code = parse_field (&query->group_by[query->group_by_count++], request->group_by[i], "group_by", false, fields,
                        arena, err);
  for (size_t i = 0; ERR_OK == code && i < request->aggregate_count; i++)
    code = parse_aggregate (&query->aggregates[query->aggregate_count++], request->aggregates[i], fields, arena, err);
  for (size_t i = 0; ERR_OK == code && i < request->distinct_count; i++)
    code = parse_field (&query->distinct[query->distinct_count++], request->distinct[i], "distinct", true, fields,
                        arena, err);
  return code;
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

/* What is known of an aggregate so far; mean and deviations by Welford's method, which loses no digits. Sums and
   squares of doubles may be too large for a double where the result is not: long doubles have 15 bits of exponent. */
struct tally
{
  int64_t count; /* of values that are there */
  int64_t numbers; /* of those that are no NaN, which the others are about */
  double min;
  double max;
  long double sum;
  long double mean;
  long double squares; /* of the deviations from the mean */
};

struct group
{
  struct run_group shown;
  struct tally *tallies;
  struct slice key;
};

struct grouping
{
  const struct run_group_query *query;
  const struct run_matches *matches;
  const struct rank *rank;
  struct arena *arena;
  struct group *groups;
  size_t count;
  size_t *slots; /* hash table of 1 + index; 0 is free */
  size_t slot_count;
  struct buffer key;
};

static enum err_code
too_many_groups (struct err *err)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Parameter 'group_by' gives more than %d groups; group by something with fewer values, or narrow the "
                  "search by a filter.",
                  GROUPS_MAX);
}

static size_t
slot_of (const struct grouping *grouping, struct slice key)
{
  uint64_t hash = hash_bytes (HASH_START, key.data, key.len);
  size_t slot = (size_t)(hash ^ (hash >> 32)) & (grouping->slot_count - 1);

  while (0 != grouping->slots[slot] && ! slice_equal (grouping->groups[grouping->slots[slot] - 1].key, key))
    slot = (slot + 1) & (grouping->slot_count - 1);
  return slot;
}

static bool
grow (struct grouping *grouping)
{
  size_t slot_count = 0 == grouping->slot_count ? FIRST_SLOTS : grouping->slot_count * 2;
  struct group *groups = arena_array (grouping->arena, slot_count / 2, sizeof (groups[0]));
  size_t *slots = arena_array (grouping->arena, slot_count, sizeof (slots[0]));

  if (NULL == groups || NULL == slots)
    return false;
  if (grouping->count > 0)
    memcpy (groups, grouping->groups, grouping->count * sizeof (groups[0]));
  grouping->groups = groups;
  grouping->slots = slots;
  grouping->slot_count = slot_count;
  for (size_t i = 0; i < grouping->count; i++)
    slots[slot_of (grouping, groups[i].key)] = i + 1;
  return true;
}

/* Bytes that are equal for equal values only. */
static void
put_key (struct buffer *key, const struct run_value *value)
{
  double number = value->number + 0.0; /* -0 is 0 */
  uint64_t len = value->text.len;

  buffer_byte (key, (char)value->rank);
  if (RUN_VALUE_PRESENT != value->rank)
    return;
  if (SEARCH_INT64 == value->type)
    buffer_append (key, &value->integer, sizeof (value->integer));
  else if (SEARCH_DOUBLE == value->type)
    buffer_append (key, &number, sizeof (number));
  else
  {
    buffer_append (key, &len, sizeof (len));
    buffer_append (key, value->text.data, value->text.len);
  }
}

/* The group of a row, made when it is the first of it; SIZE_MAX without room. */
static size_t
group_of (struct grouping *grouping, size_t table, size_t row)
{
  const struct run_cells *cells = grouping->matches->cells[table];
  const struct run_group_query *query = grouping->query;
  struct run_value values[RUN_GROUP_FIELDS_MAX];
  struct group *group;
  size_t slot;

  buffer_clear (&grouping->key);
  for (size_t i = 0; i < query->group_by_count; i++)
  {
    run_cells_get (&values[i], &cells[query->group_by[i]], row);
    put_key (&grouping->key, &values[i]);
  }
  if (grouping->key.failed || (grouping->count * 2 >= grouping->slot_count && ! grow (grouping)))
    return SIZE_MAX;
  slot = slot_of (grouping, buffer_slice (&grouping->key));
  if (0 != grouping->slots[slot])
    return grouping->slots[slot] - 1;
  if (grouping->count == GROUPS_MAX)
    return SIZE_MAX;
  group = &grouping->groups[grouping->count];
  group->key = (struct slice){ arena_copy (grouping->arena, grouping->key.data, grouping->key.len), grouping->key.len };
  group->tallies = arena_array (grouping->arena, query->aggregate_count, sizeof (struct tally));
  memcpy (group->shown.values, values, query->group_by_count * sizeof (values[0]));
  for (size_t i = 0; i < query->group_by_count; i++)
    if (RUN_VALUE_PRESENT == values[i].rank && SEARCH_TEXT == values[i].type)
      group->shown.values[i].text.data = arena_string (grouping->arena, values[i].text);
  if (arena_overflowed (grouping->arena))
    return SIZE_MAX;
  grouping->slots[slot] = ++grouping->count;
  return grouping->count - 1;
}

static void
tally_add (struct tally *tally, const struct run_value *value)
{
  long double deviation;
  double number;

  tally->count += RUN_VALUE_MISSING != value->rank;
  if (RUN_VALUE_PRESENT != value->rank || SEARCH_TEXT == value->type)
    return;
  number = SEARCH_INT64 == value->type ? (double)value->integer : value->number;
  deviation = number - tally->mean;
  tally->min = 0 == tally->numbers || number < tally->min ? number : tally->min;
  tally->max = 0 == tally->numbers || number > tally->max ? number : tally->max;
  tally->numbers++;
  tally->sum += number;
  tally->mean += deviation / (long double)tally->numbers;
  tally->squares += deviation * (number - tally->mean);
}

static double
tally_result (const struct tally *tally, enum run_aggregate_function function)
{
  if (RUN_AGGREGATE_COUNT == function)
    return (double)tally->count;
  if (0 == tally->numbers)
    return NAN;
  switch (function)
  {
  case RUN_AGGREGATE_MIN:
    return tally->min;
  case RUN_AGGREGATE_MAX:
    return tally->max;
  case RUN_AGGREGATE_SUM:
    return (double)tally->sum;
  case RUN_AGGREGATE_MEAN:
    /* With an infinite value the running mean would be NaN. */
    return (double)(isfinite (tally->sum) ? tally->mean : tally->sum);
  case RUN_AGGREGATE_STDDEV:
  default:
    /* Of a sample, as PostgreSQL's stddev and pandas' std. */
    return tally->numbers > 1 ? (double)sqrtl (tally->squares / (long double)(tally->numbers - 1)) : NAN;
  }
}

static enum err_code
add_row (struct grouping *grouping, size_t table, size_t row, struct err *err)
{
  const struct run_group_query *query = grouping->query;
  size_t index = group_of (grouping, table, row);
  struct run_hit hit = rank_hit (grouping->rank, table, row);
  struct group *group;

  if (SIZE_MAX == index)
    return too_many_groups (err);
  group = &grouping->groups[index];
  if (0 == group->shown.count++ || rank_compare (grouping->rank, &hit, &group->shown.best) < 0)
    group->shown.best = hit;
  for (size_t i = 0; i < query->aggregate_count; i++)
  {
    struct run_value value;

    run_cells_get (&value, &grouping->matches->cells[table][query->aggregates[i].field], row);
    tally_add (&group->tallies[i], &value);
  }
  return ERR_OK;
}

static int
compare_groups (const void *a, const void *b, void *context)
{
  const struct group *left = a;
  const struct group *right = b;

  return rank_compare (context, &left->shown.best, &right->shown.best);
}

static enum err_code
find_groups (struct run_group_result *result, struct grouping *grouping, size_t most, struct err *err)
{
  const struct run_matches *matches = grouping->matches;
  enum err_code code = ERR_OK;

  for (size_t table = 0; table < matches->count; table++)
    ROW_SET_EACH (&matches->rows[table], row)
    {
      code = add_row (grouping, table, row, err);
      if (ERR_OK != code)
        return code;
    }
  if (grouping->count > 1)
    qsort_r (grouping->groups, grouping->count, sizeof (grouping->groups[0]), compare_groups,
             (void *)(uintptr_t)grouping->rank);
  for (size_t i = 0; i < grouping->query->aggregate_count; i++)
    result->functions[i] = grouping->query->aggregates[i].function;
  result->total_groups = (int64_t)grouping->count;
  result->group_count = grouping->count < most ? grouping->count : most;
  result->groups = arena_array (grouping->arena, result->group_count, sizeof (result->groups[0]));
  if (NULL == result->groups)
    return too_many_groups (err);
  for (size_t i = 0; i < result->group_count; i++)
  {
    struct run_group *shown = &result->groups[i];

    *shown = grouping->groups[i].shown;
    shown->aggregates = arena_array (grouping->arena, grouping->query->aggregate_count, sizeof (double));
    if (NULL == shown->aggregates)
      return too_many_groups (err);
    for (size_t j = 0; j < grouping->query->aggregate_count; j++)
      shown->aggregates[j] = tally_result (&grouping->groups[i].tallies[j], grouping->query->aggregates[j].function);
  }
  return ERR_OK;
}

enum err_code
run_group (struct run_group_result *result, const struct run_group_query *query, const struct run_matches *matches,
           const struct rank *rank, size_t most, struct arena *arena, struct err *err)
{
  struct grouping grouping = { .query = query, .matches = matches, .rank = rank, .arena = arena };
  enum err_code code;

  buffer_init (&grouping.key, KEY_MAX_BYTES);
  code = find_groups (result, &grouping, most, err);
  buffer_free (&grouping.key);
  return code;
}
