/* Searching experiments: one page of rows in a stable order. */
#ifndef SEARCH_EXPERIMENT_SEARCH_H
#define SEARCH_EXPERIMENT_SEARCH_H

#include "search/order.h"
#include "search/view.h"
#include "store/experiment.h"

struct experiment_search
{
  int64_t workspace_id;
  int64_t account_id; /* who must be able to read what is found; 0: nobody in particular */
  int16_t fallback; /* the default permission */
  enum search_view view;
  struct slice filter;
  int64_t now_ms; /* what the filter's now() is */
  const struct slice *order_by;
  size_t order_by_count;
  int64_t max_results; /* positive */
  struct slice page_token;
};

struct experiment_page
{
  struct store_experiment *experiments; /* in the arena, texts in `result` */
  size_t count;
  struct slice next_token; /* absent on the last page; in the arena */
  struct result result; /* the caller frees it, also after a failure */
};

/* Find one page. Errors: INVALID_PARAMETER_VALUE (filter, order, token), those of the database. */
enum err_code experiment_search (struct experiment_page *page, struct store_connection *connection,
                                 const struct experiment_search *search, struct arena *arena, struct err *err);

#endif
