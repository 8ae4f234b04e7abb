/* The metric points of logged models, from series, chunks and the tail. */
#ifndef INGEST_MODEL_POINTS_H
#define INGEST_MODEL_POINTS_H

#include "ingest/point.h"
#include "store/series.h"

/* Which models, and which of their metrics. */
struct model_selection
{
  const struct slice *model_ids; /* distinct; NULL: all active models of the experiments */
  size_t model_count;
  const int64_t *experiment_ids;
  size_t experiment_count;
  const int64_t *key_ids; /* sorted, distinct; NULL: all */
  size_t key_count;
};

/* A run that has points of a model on one data set, or on none. */
struct model_context
{
  size_t model; /* index into the models found */
  int32_t context_id;
  struct slice dataset_name; /* empty: none */
  struct slice dataset_digest;
  struct uuid run_id;
};

/* Points of one metric of a context. */
struct model_series
{
  size_t context; /* index into the contexts */
  uint32_t key_id;
  bool is_folded; /* the row is set */
  struct store_series row; /* what the fold knows; without recent */
  struct metric_point
      *points; /* by metric_point_compare_step, distinct: all when whole, else those beside the chunks */
  size_t count;
  bool whole;
};

/* Lives in the arena. */
struct model_points
{
  struct store_connection *connection;
  struct arena *arena;
  struct slice *model_ids; /* those that have points, in order of the ids */
  size_t model_count;
  struct model_context *contexts; /* in order of model and context */
  size_t context_count;
  struct model_series *series; /* in order of model and key */
  size_t series_count;
};

/* Read the series of some models, the points of their chunks not yet. Inside of a snapshot. What is damaged is left
   out, logged and counted. Errors: those of the database; INVALID_PARAMETER_VALUE when the arena is full. */
enum err_code model_points_load (struct model_points *points, struct store_connection *connection,
                                 const struct model_selection *selection, struct arena *arena, struct err *err);

/* Make some series whole, those whose `wanted` is set; NULL: all. In the same snapshot. */
enum err_code model_points_complete (struct model_points *points, const bool *wanted, struct err *err);

#endif
