/* Groups of accounts. */
#ifndef API_ACCOUNT_GROUP_H
#define API_ACCOUNT_GROUP_H

#include "api/call.h"

/* Handle functions of the routes below /groups. */
enum err_code api_account_group_list (struct api_call *call, struct err *err);
enum err_code api_account_group_create (struct api_call *call, struct err *err);
enum err_code api_account_group_get (struct api_call *call, struct err *err);
enum err_code api_account_group_delete (struct api_call *call, struct err *err);
enum err_code api_account_group_add (struct api_call *call, struct err *err);
enum err_code api_account_group_remove (struct api_call *call, struct err *err);

#endif
