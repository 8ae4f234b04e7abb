/* Searching logged models: one page of rows in a stable order. */
#ifndef SEARCH_LOGGED_MODEL_SEARCH_H
#define SEARCH_LOGGED_MODEL_SEARCH_H

#include "ingest/keys.h"
#include "search/order.h"
#include "store/logged_model.h"

/* A data set that metrics must have been measured on. */
struct model_dataset
{
  struct slice name; /* absent or empty: any */
  struct slice digest; /* absent or empty: any */
};

struct model_order
{
  struct slice field; /* an attribute, or metrics.<key> */
  bool descending;
  struct model_dataset dataset; /* of a metric */
};

struct logged_model_search
{
  const int64_t *experiment_ids; /* at least one */
  size_t experiment_count;
  const int64_t *asked_ids; /* what page tokens belong to: the same, and those that may not be read */
  size_t asked_count;
  struct slice filter;
  int64_t now_ms; /* what the filter's now() is */
  const struct model_dataset *datasets;
  size_t dataset_count;
  const struct model_order *order_by;
  size_t order_by_count;
  int64_t max_results; /* positive */
  struct slice page_token;
};

struct logged_model_page
{
  struct store_logged_model *models; /* in the arena, texts in `result` */
  size_t count;
  struct slice next_token; /* absent on the last page; in the arena */
  struct result result; /* the caller frees it, also after a failure */
};

/* Find one page. Inside of a snapshot. Errors: INVALID_PARAMETER_VALUE (filter, order, token), those of the
   database. */
enum err_code logged_model_search (struct logged_model_page *page, struct store_connection *connection,
                                   const struct logged_model_search *search, struct metric_keys *keys,
                                   struct arena *arena, struct err *err);

#endif
