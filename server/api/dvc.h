/* A remote for DVC. Source: docs/api/dvc.md. */
#ifndef API_DVC_H
#define API_DVC_H

#include "api/call.h"

api_handle api_dvc_get;
/* Takes a piece of an upload; api_dvc_put takes the last one. */
api_handle api_dvc_take;
api_handle api_dvc_put;

#endif
