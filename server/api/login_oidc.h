/* Logins of browsers at the OpenID Connect provider. */
#ifndef API_LOGIN_OIDC_H
#define API_LOGIN_OIDC_H

#include "api/call.h"

/* GET /api/tally/v1/login/oidc: to the provider. In the login lane. */
enum err_code api_login_oidc (struct api_call *call, struct err *err);
/* GET /api/tally/v1/login/oidc/callback: back from there. In the login lane. */
enum err_code api_login_oidc_callback (struct api_call *call, struct err *err);

/* Whether a browser may be sent there after a login: a path of this server, of which no browser makes another host. */
bool login_oidc_is_local (struct slice path);

#endif
