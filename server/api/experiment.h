/* Experiments: the handlers of /experiments. Source: docs/api/experiment.md. */
#ifndef API_EXPERIMENT_H
#define API_EXPERIMENT_H

#include "api/call.h"

api_handle api_experiment_create;
api_handle api_experiment_search;
api_handle api_experiment_get;
api_handle api_experiment_get_by_name;
api_handle api_experiment_delete;
api_handle api_experiment_restore;
api_handle api_experiment_update;
api_handle api_experiment_set_tag;
api_handle api_experiment_delete_tag;

/* The failure of something that needs an active experiment: unknown, or deleted. Reads which of the two it is. */
enum err_code api_experiment_not_active (struct api_call *call, int64_t experiment_id, struct err *err);

/* The same when it is known. */
enum err_code api_experiment_refused (struct err *err, int64_t experiment_id, bool exists);

#endif
