/* The arguments of a call as one JSON object, from the query of a GET, or of a DELETE without a body, or from the body.
 */
#ifndef API_ARGUMENTS_H
#define API_ARGUMENTS_H

#include "api/call.h"

/* Make call->arguments unless it is there. Values of a query are arrays of strings, one item per occurrence.
   Errors: INVALID_PARAMETER_VALUE when body or query cannot be read. */
enum err_code api_arguments (struct api_call *call, struct err *err);

#endif
