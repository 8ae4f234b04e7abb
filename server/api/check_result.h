/* Results of checks on versions of registered models. */
#ifndef API_CHECK_RESULT_H
#define API_CHECK_RESULT_H

#include "api/json.h"
#include "store/check_result.h"

/* Routes; table/routes.def says which is which, docs/api/check.md what they take and answer. */
enum err_code api_check_post (struct api_call *call, struct err *err);
enum err_code api_check_list (struct api_call *call, struct err *err);

/* Write one result as a JSON document. */
void check_result_write (struct json_write *w, const struct store_check_result *check);

/* Write the member "checks" with the newest result of each name of a version. Errors: those of the database. */
enum err_code check_result_write_newest (struct json_write *w, struct api_call *call, int64_t registered_model_id,
                                         int64_t version, struct err *err);

/* The version that a path names: values 0 and 1. `result` holds its texts; the caller frees it. Errors:
   RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE. */
struct store_model_version;
enum err_code api_version_of_path (struct store_model_version *version, struct result *result, struct api_call *call,
                                   struct err *err);

/* An address that a browser may follow: empty, or http or https. Errors: INVALID_PARAMETER_VALUE. */
enum err_code api_check_url (struct slice url, const char *what, struct err *err);

#endif
