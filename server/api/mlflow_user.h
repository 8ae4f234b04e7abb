/* MLflow's routes for users. */
#ifndef API_MLFLOW_USER_H
#define API_MLFLOW_USER_H

#include "api/call.h"

/* Handle functions of the routes below /users of MLflow's API. */
enum err_code api_mlflow_user_create (struct api_call *call, struct err *err);
enum err_code api_mlflow_user_get (struct api_call *call, struct err *err);
enum err_code api_mlflow_user_list (struct api_call *call, struct err *err);
enum err_code api_mlflow_user_update_password (struct api_call *call, struct err *err);
enum err_code api_mlflow_user_update_admin (struct api_call *call, struct err *err);
enum err_code api_mlflow_user_delete (struct api_call *call, struct err *err);
enum err_code api_mlflow_signup (struct api_call *call, struct err *err);

#endif
