/* Registered models: the handlers of /registered-models. Source: docs/api/registered-model.md. */
#ifndef API_REGISTERED_MODEL_H
#define API_REGISTERED_MODEL_H

#include "api/call.h"

/* api/registered_model.c */
api_handle api_registered_model_create;
api_handle api_registered_model_get;
api_handle api_registered_model_rename;
api_handle api_registered_model_update;
api_handle api_registered_model_delete;
api_handle api_registered_model_set_tag;
api_handle api_registered_model_delete_tag;

/* api/registered_model_version.c */
api_handle api_registered_model_latest_versions;
api_handle api_registered_model_set_alias;
api_handle api_registered_model_delete_alias;
api_handle api_registered_model_get_by_alias;

/* api/registered_model_search.c */
api_handle api_registered_model_search;
api_handle api_model_version_search;

#endif
