/* What the server tells of itself. Source: docs/api/system.md. */
#ifndef API_SYSTEM_H
#define API_SYSTEM_H

#include "api/call.h"

api_admit api_health;
api_handle api_ready;
api_admit api_version;
api_admit api_metrics;
api_admit api_server_info;

#endif
