/* Searching runs: which match, in which order, and what can be said of all of them together. */
#ifndef SEARCH_RUN_SEARCH_H
#define SEARCH_RUN_SEARCH_H

#include "search/filter.h"
#include "search/order.h"
#include "search/run_group.h"
#include "search/run_memory.h"
#include "search/run_searcher.h"
#include "search/view.h"

/* A run of a page. */
struct run_item
{
  struct uuid run_id;
  int64_t experiment_id;
  bool is_known; /* it has a row in memory, whose version was: */
  uint32_t version;
  struct run_document *document; /* NULL: to be read; else a reference to be released */
};

struct run_search
{
  const int64_t *experiment_ids; /* sorted, distinct */
  size_t experiment_count;
  enum search_view view;
  struct slice filter;
  int64_t now_ms; /* what now() stands for in the filter */
  const struct slice *order_by;
  size_t order_by_count;
  int64_t max_results; /* runs of the page, or groups; 0: none */
  struct slice page_token;
  bool counts; /* wants to know how many match */
  struct run_group_request groups;
  uint64_t deadline_us;
};

struct run_page
{
  struct run_item *items; /* in the arena */
  size_t count;
  struct slice next_token; /* absent on the last page; in the arena */
  int64_t total; /* runs that match, when that was asked */
  struct run_group_result groups; /* the best run of group i is items[i] */
};

/* A search that was parsed; in the arena. */
struct run_query;

/* Check what a search asks for, without the database. Errors: INVALID_PARAMETER_VALUE with MLflow's texts. */
enum err_code run_query_parse (struct run_query **query, const struct run_search *search, struct arena *arena,
                               struct err *err);

/* Find one page, inside of a STORE_SNAPSHOT transaction as its first statement. Documents that are in memory come with
   it, at most `document_count`; the caller releases them with run_items_release, also after a failure.
   Errors: INVALID_PARAMETER_VALUE, TEMPORARILY_UNAVAILABLE, those of the database. */
enum err_code run_query_run (struct run_page *page, const struct run_query *query, const struct run_searcher *searcher,
                             size_t document_count, struct store_connection *connection, struct arena *arena,
                             struct err *err);

/* Get the documents of runs of a page that are in memory. */
void run_items_fetch (struct run_item *items, size_t count, struct run_memory *memory, uint64_t deadline_us,
                      struct arena *arena);

/* Keep documents that were read for runs of a page; `documents[i]` is that of items[i], or absent. */
void run_items_keep (const struct run_item *items, const struct slice *documents, size_t count,
                     struct run_memory *memory, uint64_t deadline_us, struct arena *arena);

void run_items_release (struct run_item *items, size_t count);

#endif
