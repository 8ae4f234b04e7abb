/* Who sends the request of a case. */
#ifndef HTTP_TESTS_SENDER_H
#define HTTP_TESTS_SENDER_H

#include "base/buffer.h"

#include <jansson.h>

/* The headers of a case, filled, with the credentials of its member "as", else of the file's: "name:password", or an
   API token; null or empty for nobody. A new reference, or NULL with the reason in `why` when one cannot be filled. A
   case without headers and credentials gets an empty object. */
json_t *sender_headers (const json_t *step, const json_t *file, json_t *variables, struct buffer *why);

#endif
