/* Accounts: users of /api/tally/v1. */
#ifndef API_ACCOUNT_H
#define API_ACCOUNT_H

#include "api/call.h"

struct store_account_change;

/* Handle functions of the routes below /users. */
enum err_code api_account_list (struct api_call *call, struct err *err);
enum err_code api_account_create (struct api_call *call, struct err *err);
enum err_code api_account_get (struct api_call *call, struct err *err);
enum err_code api_account_update (struct api_call *call, struct err *err);
enum err_code api_account_delete (struct api_call *call, struct err *err);

/* The deeds behind them, which MLflow's routes share; `password` is plain, absent for none. The credential must be one
   that nothing limits. Errors: RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, RESOURCE_CONFLICT,
   INVALID_PARAMETER_VALUE, PERMISSION_DENIED, those of the database. */
enum err_code account_create (int64_t *account_id, struct api_call *call, struct slice username, struct slice password,
                              bool is_admin, bool is_service, struct err *err);
enum err_code account_update (struct api_call *call, struct slice username, struct store_account_change *change,
                              struct slice password, struct err *err);
enum err_code account_delete (struct api_call *call, struct slice username, struct err *err);

#endif
