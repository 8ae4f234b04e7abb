/* Pages of docs/reference, made from the tables of the program. */
#ifndef API_REFERENCE_H
#define API_REFERENCE_H

#include "base/buffer.h"

/* Write the page `name` (routes, errors, config, stats or events); `json` gives the routes as JSON. False when there is
   no such page. */
bool reference_write (struct buffer *out, const char *name, bool json);

#endif
