/* Searching registered models: one page of rows in a stable order. */
#ifndef SEARCH_REGISTERED_MODEL_SEARCH_H
#define SEARCH_REGISTERED_MODEL_SEARCH_H

#include "search/order.h"
#include "search/registry_scope.h"
#include "store/registered_model.h"

struct registered_model_search
{
  struct registry_scope scope;
  struct slice filter;
  int64_t now_ms; /* what the filter's now() is */
  const struct slice *order_by;
  size_t order_by_count;
  int64_t max_results; /* positive */
  struct slice page_token;
};

struct registered_model_found
{
  struct store_registered_model model;
  struct slice aliases; /* as STORE_REGISTERED_MODEL_ALIASES gives them */
  struct slice position; /* its place in the order */
};

struct registered_model_page
{
  struct registered_model_found *models; /* in the arena, texts in `result` */
  size_t count;
  struct slice next_token; /* absent on the last page; in the arena */
  struct result result; /* the caller frees it, also after a failure */
};

/* Find one page. Without an order, and among equals, by name. Errors: INVALID_PARAMETER_VALUE (filter, order, token),
   those of the database. */
enum err_code registered_model_search (struct registered_model_page *page, struct store_connection *connection,
                                       const struct registered_model_search *search, struct arena *arena,
                                       struct err *err);

#endif
