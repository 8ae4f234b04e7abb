/* What surrounds this process, as tags. */
#ifndef CLIENT_ENVIRONMENT_H
#define CLIENT_ENVIRONMENT_H

#include "tally/log.h"

#include "base/arena.h"

/* More than there are. */
#define ENVIRONMENT_MAX_TAGS 64

/* Fill in the tags, whose texts live in the arena; returns their number. What cannot be found out is left out, also
   when memory is out, which arena_overflowed tells. */
size_t environment_tags (struct tally_pair tags[ENVIRONMENT_MAX_TAGS], struct arena *arena);

/* A text as the value of a tag: control characters become spaces, bytes that are no UTF-8 "?"; cut at the longest
   value. NULL without memory. */
const char *environment_clean (struct slice text, struct arena *arena);

#endif
