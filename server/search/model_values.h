/* Metrics of logged models as searches ask for them: which models pass a test, and how they sort. */
#ifndef SEARCH_MODEL_VALUES_H
#define SEARCH_MODEL_VALUES_H

#include "ingest/keys.h"
#include "ingest/model_points.h"
#include "search/filter.h"
#include "search/logged_model_search.h"

/* The metrics of the models of some experiments. Lives in the arena. */
struct model_values
{
  struct model_points points;
  struct metric_keys *keys;
  const struct model_dataset *datasets; /* what tests are restricted to; none: everything counts */
  size_t dataset_count;
  bool *wanted; /* series that must be whole */
  struct store_connection *connection;
  struct arena *arena;
};

/* Read the metrics that the tests of a filter (NULL root: none) and some keys of an order name. A test of a metric
   without a key asks for any metric. Inside of a snapshot. Errors: those of the database; INVALID_PARAMETER_VALUE when
   they do not fit. */
enum err_code model_values_load (struct model_values *values, struct store_connection *connection,
                                 const struct logged_model_search *search, const struct filter *filter,
                                 const struct search_order *order, struct metric_keys *keys, struct arena *arena,
                                 struct err *err);

/* A filter_find_rows; the context is the struct model_values. */
enum err_code model_values_find (struct slice *ids, const struct filter_node *node, const struct search_field *field,
                                 void *context, struct err *err);

/* What models sort by: the latest point by timestamp and step, or a part of the series. A JSON object of integers by
   model id, which sort as the values do in the given direction, NaN behind all numbers. */
enum err_code model_values_rank (struct slice *ranks, struct model_values *values, const struct search_field *field,
                                 const struct model_dataset *dataset, bool descending, struct err *err);

#endif
