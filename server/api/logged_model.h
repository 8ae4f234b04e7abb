/* Logged models: the handlers of /logged-models. Source: docs/api/logged-model.md. */
#ifndef API_LOGGED_MODEL_H
#define API_LOGGED_MODEL_H

#include "api/call.h"

/* api/logged_model.c */
api_handle api_logged_model_create;
api_handle api_logged_model_get;
api_handle api_logged_model_finalize;
api_handle api_logged_model_delete;
api_handle api_logged_model_set_tags;
api_handle api_logged_model_delete_tag;
api_handle api_logged_model_log_params;

/* api/logged_model_search.c */
api_handle api_logged_model_search;

#endif
