/* Metric names and packed points in PostgreSQL. */
#ifndef STORE_METRIC_H
#define STORE_METRIC_H

#include "store/context.h"
#include "store/pipeline.h"

extern const struct statement_table store_metric_statements;

/* Called for each row, in order. Returning anything but ERR_OK ends the reading with that error. */
typedef enum err_code (*store_metric_key_row) (void *context, int32_t key_id, struct slice name, struct err *err);
typedef enum err_code (*store_metric_tail_row) (void *context, const struct uuid *run_id, struct slice points,
                                                struct err *err);

/* Numbers of names, made where they are missing. A name that another transaction is just making may be left out: ask
   again. `names` are distinct and sorted, so that two of these cannot block each other for ever. Outside of
   transactions, because the numbers are remembered at once. */
enum err_code store_metric_key_resolve (struct store_connection *connection, const struct slice *names, size_t count,
                                        store_metric_key_row row, void *context, struct arena *arena, struct err *err);

/* The number of one name; ERR_RESOURCE_DOES_NOT_EXIST without a message when there is none. */
enum err_code store_metric_key_find (int32_t *key_id, struct store_connection *connection, struct slice name,
                                     struct err *err);

/* Names of numbers. */
enum err_code store_metric_key_names (struct store_connection *connection, const int64_t *key_ids, size_t count,
                                      store_metric_key_row row, void *context, struct arena *arena, struct err *err);

/* Called for each run that got nothing: `deleted` tells a deleted run from one that does not exist. */
typedef void (*store_metric_refused) (void *context, const struct uuid *run_id, bool deleted);

/* Append one packed value to each run that is active, in one statement; tell of the others, for which another statement
   is run. When that one fails the points of the active runs are stored nevertheless. Run ids are distinct. `links`
   (NULL or empty: none) are noted with the values, those of runs that got none are not. */
enum err_code store_metric_append (struct store_connection *connection, const struct uuid *run_ids,
                                   const struct slice *packed, size_t count, const struct store_context_links *links,
                                   store_metric_refused refused, void *context, struct arena *arena, struct err *err);

/* The same in a pipeline; `result` has a row for each run that got its value. */
void store_metric_queue_append (struct result *result, struct pipeline *pipeline, const struct uuid *run_ids,
                                const struct slice *packed, size_t count, const struct store_context_links *links);

/* All packed values of some runs (distinct), streamed run by run in order of arrival. */
enum err_code store_metric_tail (struct store_connection *connection, const struct uuid *run_ids, size_t count,
                                 store_metric_tail_row row, void *context, struct arena *arena, struct err *err);

#endif
