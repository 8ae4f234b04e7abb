/* API tokens: secrets for programs. */
#ifndef API_API_TOKEN_H
#define API_API_TOKEN_H

#include "api/call.h"

/* Handle functions of the routes below /tokens. */
enum err_code api_token_list (struct api_call *call, struct err *err);
enum err_code api_token_create (struct api_call *call, struct err *err);
enum err_code api_token_delete (struct api_call *call, struct err *err);

#endif
