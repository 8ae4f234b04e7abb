/* MLflow's routes for permissions of users on experiments and registered models. */
#ifndef API_PERMISSION_H
#define API_PERMISSION_H

#include "api/call.h"

/* Handle functions of the routes below /experiments/permissions and /registered-models/permissions; which of the two,
 * the route's object says. */
enum err_code api_permission_create (struct api_call *call, struct err *err);
enum err_code api_permission_get (struct api_call *call, struct err *err);
enum err_code api_permission_update (struct api_call *call, struct err *err);
enum err_code api_permission_delete (struct api_call *call, struct err *err);

#endif
