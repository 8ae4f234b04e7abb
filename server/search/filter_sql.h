/* Filters as conditions of SQL, for the resources that are small enough to be searched by PostgreSQL itself. */
#ifndef SEARCH_FILTER_SQL_H
#define SEARCH_FILTER_SQL_H

#include "base/buffer.h"
#include "search/filter.h"
#include "store/connection.h"

/* A condition and what its two parameters hold. Texts and numbers of all tests go into one array each, so that no
   filter needs more parameters than another. */
struct filter_sql
{
  const char *condition; /* NULL: everything passes */
  unsigned first_parameter; /* the texts' number in the statement; the integers' is the next */
  const struct slice *texts;
  size_t text_count;
  const int64_t *ints;
  size_t int_count;
};

/* Finds the rows that pass a test of a metric, which SQL cannot: `ids` becomes the text of a JSON object that has the
   identifier of each as a key; with a negated FILTER_EXISTS, of those that do not pass. In the arena. */
typedef enum err_code (*filter_find_rows) (struct slice *ids, const struct filter_node *node,
                                           const struct search_field *field, void *context, struct err *err);

/* Where the rows of a resource are. All pieces are this program's own. */
struct filter_table
{
  const char *name;
  const char *condition; /* which rows may be looked at: a whole condition, which may name parameters */
  const int64_t *owners; /* what $1 is, an int8[]; NULL: no array is named */
  size_t owner_count;
  const int64_t *numbers; /* what $1, $2 and so on are where there are no owners */
  size_t number_count;
  const char *id; /* column that identifies a row, for tests of metrics */
  filter_find_rows find_rows; /* NULL: there are no metrics */
  void *context;
};

/* Write a filter on attributes, params, tags and metrics as SQL. PostgreSQL compares texts by bytes and knows LIKE, but
   its regular expressions are others and its ILIKE depends on the database; so the values that such a pattern passes,
   and those that number() reads as the right numbers, are found first: among the distinct values of the field, here.
   Everything lives in the arena or in the filter. Errors: those of the database and of patterns;
   INVALID_PARAMETER_VALUE when too many values pass. */
enum err_code filter_sql_make (struct filter_sql *out, const struct filter *filter, const struct filter_table *table,
                               unsigned first_parameter, struct store_connection *connection, struct arena *arena,
                               struct err *err);

/* Append the two parameters, in whose place the next ones must be. */
void filter_sql_parameters (struct parameters *parameters, const struct filter_sql *filter);

#endif
