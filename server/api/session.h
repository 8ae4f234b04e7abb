/* Logins of browsers: begin and end one, show who is logged in, change one's own password. */
#ifndef API_SESSION_H
#define API_SESSION_H

#include "access/identity.h"
#include "api/call.h"

/* POST /api/tally/v1/login. In the login lane. */
enum err_code api_session_login (struct api_call *call, struct err *err);
/* POST /api/tally/v1/logout */
enum err_code api_session_logout (struct api_call *call, struct err *err);
/* GET /api/tally/v1/session */
enum err_code api_session_get (struct api_call *call, struct err *err);
/* POST /api/tally/v1/password. In the login lane. */
enum err_code api_session_password (struct api_call *call, struct err *err);

/* Log a browser in as somebody whom a provider or password has just vouched for: makes a session, notes it in the audit
   trail, and sets the cookie on the answer. The session that the browser had before ends, so that nobody can give it
   one of his. `cookie`, if not NULL, receives the new cookie, in the call's arena. For routes of the login lane.
   Errors: UNAUTHENTICATED when the account is gone or disabled by now; those of the database. */
enum err_code api_session_begin (struct slice *cookie, struct api_call *call, const struct access_identity *identity,
                                 struct err *err);

#endif
