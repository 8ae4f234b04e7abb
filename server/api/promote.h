/* Promotion and rollback of aliases of a registered model. */
#ifndef API_PROMOTE_H
#define API_PROMOTE_H

#include "api/call.h"

/* Routes; table/routes.def says which is which, docs/api/promotion.md what they take and answer. */
enum err_code api_promote (struct api_call *call, struct err *err);
enum err_code api_rollback (struct api_call *call, struct err *err);

#endif
