/* Runs: the handlers of /runs. Source: docs/api/run.md. */
#ifndef API_RUN_H
#define API_RUN_H

#include "api/call.h"

/* api/run_create.c */
api_admit api_run_create;
api_handle api_run_create_slow;
/* The commit_flush of new runs; payloads are struct store_new_run. */
enum err_code api_run_flush (struct store_connection *connection, struct commit_item *const *items, size_t count,
                             void *context, struct err *err);

/* api/run.c */
api_handle api_run_update;
api_handle api_run_delete;
api_handle api_run_restore;
api_handle api_run_get;
api_handle api_run_search;

/* api/run_tag.c */
api_handle api_param_log;
api_handle api_run_set_tag;
api_handle api_run_delete_tag;
api_handle api_run_log_model;

/* The identifier in a text; what is no identifier of ours cannot be found.
   Errors: RESOURCE_DOES_NOT_EXIST. */
enum err_code api_run_id (struct uuid *run_id, struct slice text, struct err *err);

/* MLflow's rule for run ids of log-batch and log-inputs: a letter or digit, then up to 255 of those, _ and -.
   Errors: INVALID_PARAMETER_VALUE. */
enum err_code api_run_check_shape (struct slice text, struct arena *arena, struct err *err);

/* Answer with a run as it is. Errors: RESOURCE_DOES_NOT_EXIST; those of the database. */
enum err_code api_run_reply (struct api_call *call, const struct uuid *run_id, struct err *err);

/* The failure of something that needs an active run, when there is none: reads whether it is unknown or deleted. */
enum err_code api_run_not_active (struct api_call *call, const struct uuid *run_id, struct err *err);

/* Cut a param or run tag value at its limit, or refuse it, as truncate-long-values says; absent becomes empty. */
enum err_code api_run_limit_value (struct slice *value, const struct api_call *call, const char *what, size_t max,
                                   struct err *err);

/* Tag that carries the name of a run. */
#define RUN_NAME_TAG "mlflow.runName"

/* The field run_id with its deprecated twin run_uuid, for request structs that have a `struct slice run_id`. */
#define RUN_ID_FIELD(request)                                                                                          \
  {                                                                                                                    \
    .name = "run_id", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (request, run_id),             \
    .deprecated_name = "run_uuid"                                                                                      \
  }

#endif
