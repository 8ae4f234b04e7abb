/* Searching runs: one page of rows in a stable order. */
#ifndef SEARCH_RUN_SEARCH_H
#define SEARCH_RUN_SEARCH_H

#include "search/order.h"
#include "search/view.h"
#include "store/run.h"

struct run_search
{
  const int64_t *experiment_ids;
  size_t experiment_count;
  enum search_view view;
  const struct slice *order_by;
  size_t order_by_count;
  int64_t max_results; /* positive */
  struct slice page_token;
};

struct run_page
{
  struct store_run *runs; /* in the arena, texts in `result` */
  size_t count;
  struct slice next_token; /* absent on the last page; in the arena */
  struct result result; /* the caller frees it, also after a failure */
};

/* Find one page. Errors: INVALID_PARAMETER_VALUE (order, token), NOT_IMPLEMENTED, those of the database. */
enum err_code run_search (struct run_page *page, struct store_connection *connection, const struct run_search *search,
                          struct arena *arena, struct err *err);

#endif
