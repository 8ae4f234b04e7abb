/* Data sets and models of runs. Source: docs/api/dataset.md. */
#ifndef API_DATASET_H
#define API_DATASET_H

#include "api/call.h"

api_handle api_run_log_inputs;
api_handle api_run_outputs;
api_handle api_dataset_search;

#endif
