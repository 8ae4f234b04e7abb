/* Versions of a registered model with what speaks for them: pages for people, and for scripts that decide. */
#ifndef API_REGISTERED_VERSION_H
#define API_REGISTERED_VERSION_H

#include "api/call.h"

/* Routes; table/routes.def says which is which, docs/api/promotion.md what they take and answer. */
enum err_code api_registered_version_get (struct api_call *call, struct err *err);
enum err_code api_registered_version_list (struct api_call *call, struct err *err);

#endif
