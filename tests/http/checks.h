/* What holds for every answer of the server, whatever the scenario asks. */
#ifndef HTTP_TESTS_CHECKS_H
#define HTTP_TESTS_CHECKS_H

#include "reply.h"

#include <jansson.h>
#include <stdbool.h>

/* Check one answer of an API route: JSON, the error shape with the status of its code in errors.def, the security
   headers, int64 as numbers, no empty arrays, nothing of the server's inside in a message.

   path    of the request
   body    the parsed body, or NULL when it is no JSON; borrowed

   False with the reason in `why`. */
bool checks_pass (const struct reply *reply, const char *method, const char *path, const json_t *body,
                  struct buffer *why);

/* The HTTP status of an error code by its name, 0 when there is no such code. */
long checks_status_of (const char *error_code);

#endif
