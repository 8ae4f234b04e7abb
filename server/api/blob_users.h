/* Which runs and logged models contain a content. Source: docs/api/blob.md. */
#ifndef API_BLOB_USERS_H
#define API_BLOB_USERS_H

#include "api/call.h"

api_handle api_blob_users;

#endif
