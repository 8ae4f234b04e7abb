/* Searching versions of registered models: one page of rows in a stable order. */
#ifndef SEARCH_MODEL_VERSION_SEARCH_H
#define SEARCH_MODEL_VERSION_SEARCH_H

#include "search/order.h"
#include "search/registry_scope.h"
#include "store/model_version.h"

/* Most rows that one page gets, however many are asked for: a client that asks for 200,000 follows tokens. */
#define MODEL_VERSION_PAGE_MAX 20000

struct model_version_search
{
  struct registry_scope scope;
  struct slice filter;
  int64_t now_ms; /* what the filter's now() is */
  const struct slice *order_by;
  size_t order_by_count;
  int64_t max_results; /* positive */
  struct slice page_token;
};

struct model_version_found
{
  struct store_model_version version;
  struct slice position; /* its place in the order */
};

struct model_version_page
{
  struct model_version_found *versions; /* in the arena, texts in `result` */
  size_t count;
  bool more; /* there are others behind the last */
  uint64_t hash;
  struct result result; /* the caller frees it, also after a failure */
};

/* Find one page. Deleted ones are never found. Without an order the last changed come first, then the name, then the
   highest number. Errors: INVALID_PARAMETER_VALUE (filter, order, token), those of the database. */
enum err_code model_version_search (struct model_version_page *page, struct store_connection *connection,
                                    const struct model_version_search *search, struct arena *arena, struct err *err);

/* The token for continuing behind the first `count` of a page; absent when there is nothing there. In the arena. */
struct slice model_version_page_token (const struct model_version_page *page, size_t count, struct arena *arena);

#endif
