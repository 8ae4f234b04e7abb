/* Grants: what accounts and groups may do with experiments, registered models and workspaces. */
#ifndef API_GRANT_H
#define API_GRANT_H

#include "access/identity.h"
#include "api/call.h"
#include "store/access_grant.h"

/* Handle functions of the routes below /grants. */
enum err_code api_grant_list (struct api_call *call, struct err *err);
enum err_code api_grant_set (struct api_call *call, struct err *err);
enum err_code api_grant_delete (struct api_call *call, struct err *err);

/* Nobody gives away more than he has: whether the caller, with the rights of the route's object, may grant these.
   `actions` beside those that the level brings along. `object` is for the audit trail. Errors: PERMISSION_DENIED. */
enum err_code grant_check_given (struct api_call *call, enum access_level level, unsigned actions, struct slice object,
                                 struct err *err);

/* "experiment:12", "registered-model:NAME" or "workspace:NAME", in the arena. */
struct slice grant_object_name (const struct store_grant_object *object, struct arena *arena);

#endif
