/* Logged models as JSON documents: info, and data with params and all metric points. */
#ifndef API_LOGGED_MODEL_DOCUMENT_H
#define API_LOGGED_MODEL_DOCUMENT_H

#include "api/json.h"
#include "ingest/model_points.h"
#include "store/logged_model.h"

/* One point of a model. */
struct model_metric
{
  size_t model; /* index into the models of the points */
  struct slice key;
  const struct metric_point *point;
  const struct model_context *context;
};

/* The points of a page of models. */
struct model_metrics
{
  struct model_points points;
  struct model_metric *metrics; /* by model, key, timestamp, step, run and data set */
  size_t count;
};

/* Read all points of some models. Inside of a snapshot. Errors: those of the database; INVALID_PARAMETER_VALUE when
   they do not fit into one answer. */
enum err_code model_metrics_load (struct model_metrics *metrics, struct api_call *call,
                                  const struct store_logged_model *models, size_t count, struct err *err);

/* Write one model. `metrics` NULL: one that is just made. */
void logged_model_write (struct json_write *w, const struct store_logged_model *model,
                         const struct model_metrics *metrics, struct arena *arena);

#endif
