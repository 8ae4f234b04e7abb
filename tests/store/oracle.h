/* The oracle of run searches: random runs, random filters as texts, and what plain SQL says of them.

   DESIGN
   Random changes go through the program's own statements where there are any; points of metrics are also put into a
   plain table, one row for each. Before searches are compared, all that can be asked of a run is put into one flat
   table, oracle_run, by SQL that knows neither the tail nor series nor columns in memory. A filter is made as text and,
   at the same time, as SQL by PostgreSQL's own three-valued logic; the tree that the server's parser makes of the text
   is turned into SQL too. The two must agree for every run, and the searches must give what the SQL gives. */
#ifndef STORE_ORACLE_H
#define STORE_ORACLE_H

#include "database.h"

#include "base/buffer.h"
#include "ingest/keys.h"
#include "search/filter.h"
#include "search/run_search.h"

#define ORACLE_EXPERIMENTS 3
#define ORACLE_RUNS_MAX 4000
/* Where random changes make no more. */
#define ORACLE_RUNS_USUAL 400
/* Names of metrics, params and tags; the last of each is never used by a run. */
#define ORACLE_METRICS 9
#define ORACLE_PARAMS 6
#define ORACLE_TAGS 5
/* Most items of an order. */
#define ORACLE_ORDER_MAX 4
/* Longest SQL of one field. */
#define ORACLE_FIELD_BYTES 400
/* Longest text or SQL of one filter, and of one statement. */
#define ORACLE_FILTER_BYTES ((size_t)1024 * 1024)
#define ORACLE_SQL_BYTES ((size_t)64 * 1024 * 1024)

extern const char *const oracle_metrics[ORACLE_METRICS];
extern const char *const oracle_params[ORACLE_PARAMS];
extern const char *const oracle_tags[ORACLE_TAGS];

struct oracle_run
{
  struct uuid id;
  size_t experiment; /* which of the experiments */
  bool deleted;
  bool locked; /* a transaction that is still open has changed it */
};

/* The runs that exist, as of oracle_read_runs. */
struct oracle
{
  int64_t experiments[ORACLE_EXPERIMENTS];
  bool experiment_deleted[ORACLE_EXPERIMENTS];
  struct oracle_run runs[ORACLE_RUNS_MAX];
  size_t run_count;
  int64_t now_ms; /* what now() stands for */
  struct metric_keys *keys; /* of who writes */
};

extern struct oracle oracle;

/* --- random numbers (oracle_random.c) --- */

/* Start anew: what follows depends on the seed only. */
void oracle_seed (uint64_t seed);
uint64_t oracle_random (void);
/* A number below `count`. */
size_t oracle_below (size_t count);
/* True once in `times`. */
bool oracle_once_in (size_t times);
/* Texts as names, params and tags have them; what stands in `oracle_text` has no line break. */
struct slice oracle_text (void);
struct slice oracle_stored_text (void);
/* Times of runs, with ties and the ends of what a time can be. */
int64_t oracle_time_ms (void);

/* --- runs (oracle_data.c) --- */

/* Set up on database_open_migrated, and take down before database_close. */
void oracle_open (uint64_t seed);
void oracle_close (void);

/* Some runs to begin with; some of their points are folded, or none. */
void oracle_fill (size_t runs, bool folds);

/* Copy runs, whose points must all be in the tail, to have many more. */
void oracle_multiply (size_t runs);

/* Change something at random. */
void oracle_change (void);

/* More rows of the tail than are handed over at once (oracle_open.c). */
void oracle_burst (void);

/* Open a transaction that changes something and stays open, or end one (oracle_open.c); and end them all. */
void oracle_turn_transaction (void);
void oracle_end_transactions (void);
/* Whether one of them changes a run, or removes one for good. */
bool oracle_is_locked (const struct uuid *run_id);
bool oracle_is_purging (void);

/* SQL that must succeed, on a connection. */
void oracle_run_sql (struct store_connection *connection, const char *sql);

/* Append a literal of SQL. */
void oracle_put_text (struct buffer *sql, struct slice text);
/* The same of a regular expression: "." is to be no line break, as PCRE2 has it. It stands in no brackets here. */
void oracle_put_regex (struct buffer *sql, struct slice pattern);
void oracle_put_uuid (struct buffer *sql, const struct uuid *id);
void oracle_put_double (struct buffer *sql, double value);

/* Random points of a metric. */
struct oracle_point
{
  size_t metric;
  struct metric_point point;
};
void oracle_make_points (struct oracle_point *points, size_t count);

/* --- the flat table (oracle_flat.c) --- */

void oracle_make_flat (void);
void oracle_fill_flat (void);
/* Read which runs exist. */
void oracle_read_runs (void);

/* --- fields (oracle_field.c) --- */

enum oracle_type
{
  ORACLE_INT,
  ORACLE_NUMBER,
  ORACLE_TEXT,
  ORACLE_STATUS,
  ORACLE_ID,
  ORACLE_DATASETS
};

struct oracle_field
{
  enum oracle_type type;
  char text[100];
  char sql[ORACLE_FIELD_BYTES];
};

/* What restricts the runs of a search, in SQL: needed by names such as metrics.x.min, which mean the metric x.min where
   a run has that. Lives as long as fields are made. */
extern char oracle_scope[100];

/* A random field. Not for filters: the quotes of order_by and no data sets. */
void oracle_make_field (struct oracle_field *field, bool for_filter);
void oracle_make_dataset (struct oracle_field *field);

/* The SQL of a field that the server has parsed. */
void oracle_field_sql (struct buffer *sql, const struct search_field *field);

/* Order of a search: what client and PostgreSQL are to say. */
struct oracle_order
{
  char items[ORACLE_ORDER_MAX][120];
  size_t count;
  struct buffer sql; /* without ORDER BY */
};
void oracle_make_order (struct oracle_order *order);

/* --- filters (oracle_filter.c, oracle_comparison.c, oracle_tree.c) --- */

/* Append a random filter as text and as SQL. */
void oracle_make_filter (struct buffer *text, struct buffer *sql);

/* The same of one comparison; `negated`: an odd number of NOT stands around it. */
void oracle_make_test (struct buffer *text, struct buffer *sql, bool negated);

/* The SQL of a filter that the server has parsed. */
void oracle_tree_sql (struct buffer *sql, const struct filter *filter);

/* --- searches (oracle_case.c, oracle_search.c, oracle_group.c) --- */

/* Most fields that are grouped by, aggregates, and fields whose values are listed, of one search. */
#define ORACLE_GROUPS_MAX 2
#define ORACLE_AGGREGATES_MAX 3
#define ORACLE_DISTINCT_MAX 2

/* One search, and what PostgreSQL says of it. */
struct oracle_case
{
  size_t number; /* counted from the beginning */
  struct buffer text; /* of the filter */
  struct buffer made_sql; /* what it means */
  struct buffer tree_sql; /* what the server makes of it */
  struct oracle_order order;
  enum search_view view;
  int64_t experiment_ids[ORACLE_EXPERIMENTS];
  size_t experiment_count;
  char scope[sizeof (oracle_scope)];
  const struct uuid *expected; /* in the arena of the database */
  size_t expected_count;
};

void oracle_case_init (struct oracle_case *one);
void oracle_case_free (struct oracle_case *one);

/* Make a search at random, and ask PostgreSQL about many of them at once. */
void oracle_case_make (struct oracle_case *one, size_t number);
void oracle_cases_ask (struct oracle_case *cases, size_t count);

/* Append "SELECT columns FROM the runs that match", each with their place in the order as `place`. */
void oracle_case_source (struct buffer *sql, const struct oracle_case *one, const char *columns);

/* End the test with all that is needed to see why. */
void oracle_case_fail (const struct oracle_case *one, const char *sql, const char *format, ...)
    __attribute__ ((format (printf, 3, 4), noreturn));

/* A searcher of its own, as in another daemon; free it with oracle_searcher_close. */
struct oracle_searcher
{
  struct run_searcher searcher;
  struct store_connection *connection;
};
void oracle_searcher_open (struct oracle_searcher *searcher, size_t max_bytes);
void oracle_searcher_close (struct oracle_searcher *searcher);

/* Search with so little memory that it may fail at any point; nothing is compared. */
void oracle_case_disturb (const struct oracle_case *one, struct oracle_searcher *searcher);

/* Search, page after page by one searcher and the other, and compare. */
void oracle_case_compare (const struct oracle_case *one, struct oracle_searcher *searchers, size_t count);

/* The same of groups, and of the values of fields. */
void oracle_case_compare_groups (const struct oracle_case *one, struct oracle_searcher *searcher);
void oracle_case_compare_distinct (const struct oracle_case *one, struct oracle_searcher *searcher);

/* Run a search that was put together; ends the test when it fails. The page lives in the arena of the database. */
struct run_page oracle_case_search (const struct oracle_case *one, struct oracle_searcher *searcher,
                                    struct run_search *search);

#endif
