/* Approvals of versions of registered models. */
#ifndef API_APPROVAL_H
#define API_APPROVAL_H

#include "api/json.h"

/* Routes; table/routes.def says which is which, docs/api/check.md what they take and answer. */
enum err_code api_approval_give (struct api_call *call, struct err *err);
enum err_code api_approval_list (struct api_call *call, struct err *err);
enum err_code api_approval_withdraw (struct api_call *call, struct err *err);

/* Write the member "approvals" of a version. Errors: those of the database. */
enum err_code approval_write_all (struct json_write *w, struct api_call *call, int64_t registered_model_id,
                                  int64_t version, struct err *err);

#endif
