/* How clients reach this server. */
#ifndef API_PUBLIC_URL_H
#define API_PUBLIC_URL_H

#include "api/call.h"

/* Append where the server begins, without a slash at the end: the setting public-url, else scheme and Host of the
   request with the setting static-prefix. `what` needs it, as a message says: "A signed URL". For routes of the
   artifact and login lanes. Errors: INVALID_PARAMETER_VALUE when neither is known. */
enum err_code api_public_url (struct buffer *url, const struct api_call *call, const char *what, struct err *err);

/* The setting static-prefix without slashes at its end. */
struct slice api_static_prefix (const struct config *config);

#endif
