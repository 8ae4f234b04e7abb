/* Groups and the values of fields beside what PostgreSQL says of them. */
#include "oracle.h"

#include "base/number.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

/* Aggregates may differ by so much, compared with the greatest of the values. */
#define TOLERANCE 1e-9
/* The least doubles have few digits. */
#define LEAST 1e-320

static bool
is_number (const struct oracle_field *field)
{
  return ORACLE_INT == field->type || ORACLE_NUMBER == field->type;
}

/* A field that can be grouped by: every run has another identifier. With `datasets`, one of which a run may have
   several values too. */
static void
make_field (struct oracle_field *field, bool datasets)
{
  do
    oracle_make_field (field, false);
  while (ORACLE_ID == field->type);
  if (datasets && oracle_once_in (8))
    oracle_make_dataset (field);
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

struct grouping
{
  struct oracle_field fields[ORACLE_GROUPS_MAX];
  size_t field_count;
  struct oracle_field aggregated[ORACLE_AGGREGATES_MAX];
  enum run_aggregate_function functions[ORACLE_AGGREGATES_MAX];
  char texts[ORACLE_AGGREGATES_MAX][130];
  size_t aggregate_count;
};

/* As many columns for each, used or not. */
struct group_row
{
  struct uuid best;
  int64_t count;
  struct slice texts[ORACLE_GROUPS_MAX];
  double numbers[ORACLE_GROUPS_MAX];
  double aggregates[ORACLE_AGGREGATES_MAX];
  double greatest[ORACLE_AGGREGATES_MAX]; /* of the values without their sign */
};

static void
make_grouping (struct grouping *grouping)
{
  grouping->field_count = 1 + oracle_below (ORACLE_GROUPS_MAX);
  for (size_t i = 0; i < grouping->field_count; i++)
    make_field (&grouping->fields[i], false);
  grouping->aggregate_count = oracle_below (ORACLE_AGGREGATES_MAX + 1);
  for (size_t i = 0; i < grouping->aggregate_count; i++)
  {
    grouping->functions[i] = (enum run_aggregate_function)oracle_below (RUN_AGGREGATE_FUNCTIONS);
    do
      make_field (&grouping->aggregated[i], RUN_AGGREGATE_COUNT == grouping->functions[i]);
    while (RUN_AGGREGATE_COUNT != grouping->functions[i] && ! is_number (&grouping->aggregated[i]));
    snprintf (grouping->texts[i], sizeof (grouping->texts[i]), "%s(%s)", run_aggregate_names[grouping->functions[i]],
              grouping->aggregated[i].text);
  }
}

/* By numbers of any size, which lose no digit: sums of doubles may be too large for one on the way. */
static void
put_aggregate (struct buffer *sql, const struct grouping *grouping, size_t i)
{
  static const char *const names[] = {
    [RUN_AGGREGATE_SUM] = "sum", [RUN_AGGREGATE_MEAN] = "avg", [RUN_AGGREGATE_STDDEV] = "stddev"
  };

  switch (grouping->functions[i])
  {
  case RUN_AGGREGATE_COUNT:
    buffer_printf (sql, ", count(f%zu)::float8", i);
    break;
  case RUN_AGGREGATE_MIN:
  case RUN_AGGREGATE_MAX:
    buffer_printf (sql, ", %s(f%zu::float8) FILTER (WHERE f%zu::float8 <> 'NaN')",
                   run_aggregate_names[grouping->functions[i]], i, i);
    break;
  default:
    buffer_printf (sql, ", oracle_double(%s(f%zu::text::numeric) FILTER (WHERE f%zu::float8 <> 'NaN'))",
                   names[grouping->functions[i]], i, i);
    break;
  }
  if (is_number (&grouping->aggregated[i]))
    buffer_printf (sql, ", max(abs(f%zu::float8)) FILTER (WHERE f%zu::float8 <> 'NaN')", i, i);
  else
    buffer_text (sql, ", NULL::float8");
}

static void
put_groups (struct buffer *sql, const struct oracle_case *one, const struct grouping *grouping)
{
  struct buffer columns;

  buffer_init (&columns, ORACLE_FILTER_BYTES);
  for (size_t i = 0; i < grouping->field_count; i++)
    buffer_printf (&columns, ", %s AS g%zu", grouping->fields[i].sql, i);
  for (size_t i = 0; i < grouping->aggregate_count; i++)
    buffer_printf (&columns,
                   ORACLE_DATASETS == grouping->aggregated[i].type
                       ? ", (SELECT min(v) FROM unnest(%s) AS d (v)) AS f%zu"
                       : ", %s AS f%zu",
                   grouping->aggregated[i].sql, i);
  buffer_text (sql, "SELECT (array_agg(run_id ORDER BY place))[1], count(*)");
  for (size_t i = 0; i < ORACLE_GROUPS_MAX; i++)
    if (i >= grouping->field_count)
      buffer_text (sql, ", NULL::text, NULL::float8");
    else
      buffer_printf (
          sql, ORACLE_NUMBER == grouping->fields[i].type ? ", g%zu::text, g%zu" : ", g%zu::text, NULL::float8", i, i);
  for (size_t i = 0; i < ORACLE_AGGREGATES_MAX; i++)
    if (i >= grouping->aggregate_count)
      buffer_text (sql, ", NULL::float8, NULL::float8");
    else
      put_aggregate (sql, grouping, i);
  buffer_text (sql, " FROM ");
  oracle_case_source (sql, one, columns.data);
  buffer_text (sql, " AS s GROUP BY g0");
  buffer_text (sql, grouping->field_count > 1 ? ", g1" : "");
  buffer_text (sql, " ORDER BY min(place)");
  buffer_free (&columns);
}

static bool
same_double (double a, double b, double tolerance)
{
  return (isnan (a) && isnan (b)) || a == b || fabs (a - b) <= tolerance;
}

/* Whether a value of a group is what PostgreSQL says; a missing one has no text, and NaN has. */
static bool
same_value (const struct run_value *value, struct slice text, double number)
{
  char digits[NUMBER_INT64_BYTES];

  if (NULL == text.data)
    return RUN_VALUE_MISSING == value->rank;
  if (slice_is (text, "NaN") && SEARCH_DOUBLE == value->type)
    return RUN_VALUE_NAN == value->rank;
  if (RUN_VALUE_PRESENT != value->rank)
    return false;
  switch (value->type)
  {
  case SEARCH_INT64:
    number_format_int64 (digits, value->integer);
    return slice_is (text, digits);
  case SEARCH_DOUBLE:
    return value->number == number;
  default:
    return slice_equal (value->text, text);
  }
}

static void
compare_group (const struct oracle_case *one, const struct grouping *grouping, const struct run_page *page, size_t i,
               const struct group_row *row, const char *sql)
{
  const struct run_group *group = &page->groups.groups[i];

  if (0 != memcmp (&page->items[i].run_id, &row->best, sizeof (row->best)))
    oracle_case_fail (one, sql, "group %zu has another best run", i);
  if (group->count != row->count)
    oracle_case_fail (one, sql, "group %zu has %lld runs, not %lld", i, (long long)group->count, (long long)row->count);
  for (size_t j = 0; j < grouping->field_count; j++)
    if (! same_value (&group->values[j], row->texts[j], row->numbers[j]))
      oracle_case_fail (one, sql, "group %zu has another %s", i, grouping->fields[j].text);
  for (size_t j = 0; j < grouping->aggregate_count; j++)
  {
    bool rounded = grouping->functions[j] >= RUN_AGGREGATE_SUM;
    double tolerance = rounded && isfinite (row->greatest[j]) ? TOLERANCE * row->greatest[j] + LEAST : 0;

    if (! same_double (group->aggregates[j], row->aggregates[j], tolerance))
      oracle_case_fail (one, sql, "group %zu has %s %.17g, not %.17g", i, grouping->texts[j], group->aggregates[j],
                        row->aggregates[j]);
  }
}

static void
query (struct result *result, const struct oracle_case *one, const struct buffer *sql)
{
  const struct statement statement = { NULL, sql->data, 0 };
  struct err err = { 0 };

  ck_assert (! sql->failed);
  store_start_request (database.connection, 0);
  if (ERR_OK != store_query (result, database.connection, &statement, NULL, &err))
    oracle_case_fail (one, sql->data, "%s: %s", err.message, err.cause);
}

void
oracle_case_compare_groups (const struct oracle_case *one, struct oracle_searcher *searcher)
{
  struct column columns[2 + 2 * ORACLE_GROUPS_MAX + 2 * ORACLE_AGGREGATES_MAX] = {
    { COLUMN_UUID, offsetof (struct group_row, best) }, { COLUMN_INT64, offsetof (struct group_row, count) }
  };
  struct column *column = columns + 2;
  struct slice group_by[ORACLE_GROUPS_MAX];
  struct slice aggregates[ORACLE_AGGREGATES_MAX];
  struct run_search search = { .max_results = 1 + (int64_t)oracle_below (200) };
  struct result result = { NULL };
  struct grouping grouping;
  struct run_page page;
  struct buffer sql;
  size_t shown;

  memcpy (oracle_scope, one->scope, sizeof (oracle_scope));
  make_grouping (&grouping);
  for (size_t i = 0; i < ORACLE_GROUPS_MAX; i++)
  {
    group_by[i] = i < grouping.field_count ? slice_of (grouping.fields[i].text) : SLICE ("");
    *column++ = (struct column){ COLUMN_TEXT, offsetof (struct group_row, texts) + i * sizeof (struct slice) };
    *column++ = (struct column){ COLUMN_DOUBLE, offsetof (struct group_row, numbers) + i * sizeof (double) };
  }
  for (size_t i = 0; i < ORACLE_AGGREGATES_MAX; i++)
  {
    aggregates[i] = i < grouping.aggregate_count ? slice_of (grouping.texts[i]) : SLICE ("");
    *column++ = (struct column){ COLUMN_DOUBLE, offsetof (struct group_row, aggregates) + i * sizeof (double) };
    *column++ = (struct column){ COLUMN_DOUBLE, offsetof (struct group_row, greatest) + i * sizeof (double) };
  }
  search.groups = (struct run_group_request){ .group_by = group_by,
                                              .group_by_count = grouping.field_count,
                                              .aggregates = aggregates,
                                              .aggregate_count = grouping.aggregate_count };
  buffer_init (&sql, ORACLE_SQL_BYTES);
  put_groups (&sql, one, &grouping);
  query (&result, one, &sql);
  page = oracle_case_search (one, searcher, &search);
  shown = result_count (&result) < (size_t)search.max_results ? result_count (&result) : (size_t)search.max_results;
  if ((size_t)page.groups.total_groups != result_count (&result) || page.groups.group_count != shown
      || page.count != shown || NULL != page.next_token.data)
    oracle_case_fail (one, sql.data, "%zu groups of %lld, not %zu of %zu", page.groups.group_count,
                      (long long)page.groups.total_groups, shown, result_count (&result));
  for (size_t i = 0; i < shown; i++)
  {
    struct group_row row;

    ck_assert_int_eq (result_row (&row, &result, i, columns, COLUMN_COUNT (columns), NULL), ERR_OK);
    compare_group (one, &grouping, &page, i, &row, sql.data);
  }
  result_free (&result);
  buffer_free (&sql);
}

/* --- values ------------------------------------------------------------------------------------------------------ */

struct value_row
{
  struct slice text;
  int64_t count;
};

static void
compare_texts (const struct oracle_case *one, const struct oracle_field *field, const struct run_distinct *distinct)
{
  static const struct column columns[] = { { COLUMN_TEXT, offsetof (struct value_row, text) },
                                           { COLUMN_INT64, offsetof (struct value_row, count) } };
  struct result result = { NULL };
  struct buffer sql;
  size_t seen = 0;
  int64_t count;
  int64_t missing = 0;

  buffer_init (&sql, ORACLE_SQL_BYTES);
  /* Each value of a run counts once. */
  buffer_text (&sql, "SELECT v, count(*) FROM (SELECT DISTINCT run_id, v FROM ");
  oracle_case_source (&sql, one, "");
  buffer_printf (&sql,
                 ORACLE_DATASETS == field->type
                     ? " AS s LEFT JOIN LATERAL (SELECT v FROM unnest(%s) AS d (v) WHERE v IS NOT NULL) AS d ON true"
                     : " AS s, LATERAL (SELECT %s AS v) AS d",
                 field->sql);
  buffer_text (&sql, ") AS x GROUP BY v ORDER BY 2 DESC, v");
  query (&result, one, &sql);
  for (size_t i = 0; i < result_count (&result); i++)
  {
    struct value_row row;

    ck_assert_int_eq (result_row (&row, &result, i, columns, COLUMN_COUNT (columns), NULL), ERR_OK);
    if (NULL == row.text.data)
    {
      missing = row.count;
      continue;
    }
    if (seen >= distinct->value_count || distinct->values[seen].count != row.count
        || ! slice_equal (distinct->values[seen].text, row.text))
      oracle_case_fail (one, sql.data, "value %zu of %s is not '%.*s', %lld times", seen, field->text,
                        SLICE_ARG (row.text), (long long)row.count);
    seen++;
  }
  count = (int64_t)one->expected_count - missing;
  if (distinct->is_number || seen != distinct->value_count || (int64_t)seen != distinct->total_values
      || count != distinct->count || missing != distinct->missing)
    oracle_case_fail (one, sql.data, "%s has %zu values in %lld runs and not in %lld, not %zu, %lld and %lld",
                      field->text, distinct->value_count, (long long)distinct->count, (long long)distinct->missing,
                      seen, (long long)count, (long long)missing);
  result_free (&result);
  buffer_free (&sql);
}

struct range_row
{
  double min;
  double max;
  int64_t nan;
  int64_t count;
  int64_t missing;
};

static void
compare_range (const struct oracle_case *one, const struct oracle_field *field, const struct run_distinct *distinct)
{
  static const struct column columns[] = { { COLUMN_DOUBLE, offsetof (struct range_row, min) },
                                           { COLUMN_DOUBLE, offsetof (struct range_row, max) },
                                           { COLUMN_INT64, offsetof (struct range_row, nan) },
                                           { COLUMN_INT64, offsetof (struct range_row, count) },
                                           { COLUMN_INT64, offsetof (struct range_row, missing) } };
  struct result result = { NULL };
  struct range_row row;
  struct buffer columns_sql;
  struct buffer sql;

  buffer_init (&columns_sql, ORACLE_FILTER_BYTES);
  buffer_printf (&columns_sql, ", (%s)::float8 AS v", field->sql);
  buffer_init (&sql, ORACLE_SQL_BYTES);
  buffer_text (&sql, "SELECT min(v) FILTER (WHERE v <> 'NaN'), max(v) FILTER (WHERE v <> 'NaN'),"
                     " count(*) FILTER (WHERE v = 'NaN'), count(v), count(*) - count(v) FROM ");
  oracle_case_source (&sql, one, columns_sql.data);
  buffer_text (&sql, " AS s");
  query (&result, one, &sql);
  ck_assert_int_eq (result_row (&row, &result, 0, columns, COLUMN_COUNT (columns), NULL), ERR_OK);
  if (! distinct->is_number || ! same_double (row.min, distinct->min, 0) || ! same_double (row.max, distinct->max, 0)
      || row.nan != distinct->nan || row.count != distinct->count || row.missing != distinct->missing)
    oracle_case_fail (one, sql.data,
                      "%s is from %.17g to %.17g, %lld times NaN, there %lld times and missing %lld times; not %.17g, "
                      "%.17g, %lld, %lld, %lld",
                      field->text, distinct->min, distinct->max, (long long)distinct->nan, (long long)distinct->count,
                      (long long)distinct->missing, row.min, row.max, (long long)row.nan, (long long)row.count,
                      (long long)row.missing);
  result_free (&result);
  buffer_free (&columns_sql);
  buffer_free (&sql);
}

void
oracle_case_compare_distinct (const struct oracle_case *one, struct oracle_searcher *searcher)
{
  struct oracle_field fields[ORACLE_DISTINCT_MAX];
  struct slice texts[ORACLE_DISTINCT_MAX];
  struct run_search search = { .max_results = (int64_t)oracle_below (2) };
  struct run_page page;

  memcpy (oracle_scope, one->scope, sizeof (oracle_scope));
  search.groups = (struct run_group_request){ .distinct = texts, .distinct_count = 1 + oracle_below (2) };
  for (size_t i = 0; i < search.groups.distinct_count; i++)
  {
    make_field (&fields[i], true);
    texts[i] = slice_of (fields[i].text);
  }
  page = oracle_case_search (one, searcher, &search);
  for (size_t i = 0; i < search.groups.distinct_count; i++)
    if (is_number (&fields[i]))
      compare_range (one, &fields[i], &page.groups.distinct[i]);
    else
      compare_texts (one, &fields[i], &page.groups.distinct[i]);
}
