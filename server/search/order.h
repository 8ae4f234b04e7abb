/* The order of a search: its keys, the SQL that sorts by them, and page tokens that name a place in it. */
#ifndef SEARCH_ORDER_H
#define SEARCH_ORDER_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "search/field.h"
#include "search/filter_sql.h"
#include "search/view.h"
#include "store/connection.h"

#include <stdint.h>

/* Order keys of one search, with the tie-breakers that are always added. */
#define SEARCH_ORDER_MAX 12

struct search_key
{
  struct search_field field;
  bool descending;
  /* A metric where SQL has none: the text of a JSON object of integers that sort as the metric does, by identifier. The
     type of the field is SEARCH_INT64 then. Absent: there is none. */
  struct slice ranks;
  const char *id; /* of the ranks: the column that identifies a row */
  unsigned parameter; /* of the ranks, while a page is asked for */
};

struct search_order
{
  struct search_key keys[SEARCH_ORDER_MAX];
  size_t count;
};

/* Parse order_by items such as "attributes.start_time DESC", "name", "params.`batch size` ASC", "metrics.loss.min" or
   "number(params.lr)". Texts live in `items` or the arena. Missing values come last in both directions, NaN in front of
   them. Errors: INVALID_PARAMETER_VALUE with MLflow's texts. */
enum err_code search_order_parse (struct search_order *order, const struct slice *items, size_t count,
                                  const struct search_resource *resource, struct arena *arena, struct err *err);

/* Append a key unless the attribute is a key already: the defaults and tie-breakers. `attribute` must outlive the
   order. */
void search_order_add (struct search_order *order, const struct search_attribute *attribute, bool descending);

/* True when SQL can sort by all keys: attributes, params and tags as texts, metrics by ranks. */
bool search_order_in_sql (const struct search_order *order);

/* Where the next page begins. */
struct search_position
{
  bool present;
  int64_t offset; /* rows to skip: from a token of the old form, otherwise 0 */
  bool has_values; /* whether `values` name the last row of the page before */
  struct slice values[SEARCH_ORDER_MAX]; /* absent means NULL */
};

/* A hash of what a search asks for, from HASH_START (base/hash.h) on, so that a token of one search is not used with
 * another. */
uint64_t search_hash (uint64_t hash, struct slice text);

/* Read a page token; the empty one is the first page. Errors: INVALID_PARAMETER_VALUE. */
enum err_code search_token_parse (struct search_position *position, struct slice token,
                                  const struct search_order *order, uint64_t hash, struct arena *arena,
                                  struct err *err);

/* The token of the page behind a row, whose column search_sql_position gave `values`. In the arena. */
struct slice search_token_make (struct slice values, uint64_t hash, struct arena *arena);

/* What a page is taken from. */
struct search_source
{
  const char *columns; /* the select list */
  const char *table;
  const char *condition; /* with an owner: "owner_column = ", otherwise a whole condition */
  const int64_t *owners; /* NULL: the condition is whole */
  size_t owner_count; /* at least one when there are owners */
  const int64_t *numbers; /* what $1, $2 and so on of a whole condition are */
  size_t number_count; /* 0 when there are owners */
  const struct filter_sql *filter; /* NULL: none; its first parameter is 2 when there are owners, otherwise the one
                                      behind the numbers */
};

/* Run the query of one page. SQL is put together from this program's own pieces; what clients say goes into parameters.
   `result` receives at most max_results + 1 rows, because one more than asked for tells that there is another page; the
   row's place in the order follows the columns as one of type text.
   The order must be one that SQL can sort by. Errors: those of the database; INVALID_PARAMETER_VALUE when the order is
   too long. */
enum err_code search_page (struct result *result, struct store_connection *connection,
                           const struct search_source *source, enum search_view view, const struct search_order *order,
                           const struct search_position *position, int64_t max_results, struct arena *arena,
                           struct err *err);

#endif
