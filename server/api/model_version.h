/* Versions of registered models: the handlers of /model-versions. Source: docs/api/model-version.md. */
#ifndef API_MODEL_VERSION_H
#define API_MODEL_VERSION_H

#include "api/call.h"

/* api/model_version.c */
api_handle api_model_version_get;
api_handle api_model_version_download_uri;
api_handle api_model_version_update;
api_handle api_model_version_delete;
api_handle api_model_version_transition_stage;
api_handle api_model_version_set_tag;
api_handle api_model_version_delete_tag;

/* api/model_version_create.c */
api_handle api_model_version_create;

#endif
