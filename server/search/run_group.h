/* What can be said of all runs that match a search: groups of runs with aggregates, and the values of fields. */
#ifndef SEARCH_RUN_GROUP_H
#define SEARCH_RUN_GROUP_H

#include "search/evaluate.h"
#include "search/rank.h"

/* Limits of one request: more than a table on a screen has columns. */
#define RUN_GROUP_FIELDS_MAX 4
#define RUN_GROUP_AGGREGATES_MAX 32
#define RUN_DISTINCT_FIELDS_MAX 20
/* Most values that are listed of one field, the most frequent first. */
#define RUN_DISTINCT_VALUES_MAX 1000

enum run_aggregate_function
{
  RUN_AGGREGATE_COUNT,
  RUN_AGGREGATE_MIN,
  RUN_AGGREGATE_MAX,
  RUN_AGGREGATE_SUM,
  RUN_AGGREGATE_MEAN,
  RUN_AGGREGATE_STDDEV,
  RUN_AGGREGATE_FUNCTIONS
};

/* Names as in a request. */
extern const char *const run_aggregate_names[RUN_AGGREGATE_FUNCTIONS];

/* What a request says. */
struct run_group_request
{
  const struct slice *group_by; /* identifiers */
  size_t group_by_count;
  const struct slice *aggregates; /* such as "mean(metrics.loss)" */
  size_t aggregate_count;
  const struct slice *distinct; /* identifiers */
  size_t distinct_count;
};

struct run_aggregate
{
  enum run_aggregate_function function;
  size_t field; /* among the fields of the search */
};

/* The same, parsed. */
struct run_group_query
{
  size_t group_by[RUN_GROUP_FIELDS_MAX]; /* places among the fields of the search */
  size_t group_by_count;
  struct run_aggregate aggregates[RUN_GROUP_AGGREGATES_MAX];
  size_t aggregate_count;
  size_t distinct[RUN_DISTINCT_FIELDS_MAX];
  size_t distinct_count;
};

struct run_group
{
  struct run_value values[RUN_GROUP_FIELDS_MAX]; /* texts in the arena */
  int64_t count;
  double *aggregates; /* NaN where there is nothing to aggregate */
  struct run_hit best;
};

struct run_distinct_value
{
  struct slice text;
  int64_t count;
};

/* Of a field with texts: its values. Of one with numbers: their range. */
struct run_distinct
{
  bool is_number;
  struct run_distinct_value *values; /* the most frequent first */
  size_t value_count;
  int64_t total_values;
  double min;
  double max;
  int64_t nan;
  int64_t count; /* runs that have a value */
  int64_t missing; /* runs that have none */
};

struct run_group_result
{
  struct run_group *groups; /* in the order of their best runs */
  size_t group_count;
  int64_t total_groups;
  enum run_aggregate_function functions[RUN_GROUP_AGGREGATES_MAX]; /* of the aggregates */
  struct run_distinct *distinct; /* one for each that was asked for */
};

/* The runs that match, by table. */
struct run_matches
{
  struct run_table *const *tables;
  struct run_cells *const *cells; /* of each table, of each field */
  const struct row_set *rows;
  size_t count;
};

/* Parse a request; fields are added to `fields`. Errors: INVALID_PARAMETER_VALUE that names the item. */
enum err_code run_group_parse (struct run_group_query *query, const struct run_group_request *request,
                               struct run_fields *fields, struct arena *arena, struct err *err);

/* Describe the values of fields among the runs that match. Errors: INVALID_PARAMETER_VALUE when they are too many. */
enum err_code run_distinct (struct run_group_result *result, const struct run_group_query *query,
                            const struct run_matches *matches, const struct run_fields *fields, struct arena *arena,
                            struct err *err);

/* Group the runs that match; at most `most` groups, whose best runs by `rank` decide their order.
   Errors: INVALID_PARAMETER_VALUE when there are too many groups for one answer. */
enum err_code run_group (struct run_group_result *result, const struct run_group_query *query,
                         const struct run_matches *matches, const struct rank *rank, size_t most, struct arena *arena,
                         struct err *err);

#endif
