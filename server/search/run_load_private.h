/* What the files that load tables of runs share; private to them. */
#ifndef SEARCH_RUN_LOAD_PRIVATE_H
#define SEARCH_RUN_LOAD_PRIVATE_H

#include "search/run_load.h"

/* Run ids that were heard of. */
struct ids
{
  struct uuid *items;
  size_t count;
  size_t capacity;
};

/* One table while it is brought up to date. */
struct following
{
  struct run_table *table;
  struct ids changed; /* rows of run to read */
  struct ids folded; /* series to read */
  struct ids counted; /* points to count */
  size_t tail_rows;
  bool purged;
};

struct loading
{
  struct following *followed;
  size_t count;
  size_t max_bytes;
  struct store_connection *connection;
  struct arena *arena;
  struct slice newest;
  struct slice open;
};

enum err_code run_load_no_memory (struct err *err);

/* Add a run id. False without memory. */
bool ids_add (struct ids *ids, const struct uuid *run_id);

/* Sort, and drop what was heard twice. */
void ids_settle (struct ids *ids);

/* Whether a table has a column of counts: then it must be known whose points may have changed. */
bool run_load_counts (const struct run_table *table);

/* Rows of the tail, those that are new and those that were there before a column was. Callbacks of store_changed_row
   whose context is a struct following. */
enum err_code run_load_new_tail (void *context, const struct store_changed *changed, struct err *err);
enum err_code run_load_whole_tail (void *context, const struct store_changed *changed, struct err *err);

/* Read the series of some runs into the columns that are complete, or into those that are not. */
enum err_code run_load_series (struct loading *loading, struct run_table *table, struct ids *runs, bool complete,
                               struct err *err);

/* How many points the series of some runs have, in every column that counts. */
enum err_code run_load_counted (struct loading *loading, struct run_table *table, struct ids *runs, struct err *err);

#endif
