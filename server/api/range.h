/* The header fields of a request that decide which part of a file is sent (RFC 9110, sections 13 and 14). */
#ifndef API_RANGE_H
#define API_RANGE_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum range_kind
{
  RANGE_ALL, /* no range, one that is not understood, or several: the whole file is a right answer to each */
  RANGE_PART,
  RANGE_OUTSIDE /* none of it is within the file */
};

/* What a Range field asks for of a file of `size_bytes`; `first` and `bytes` are set for RANGE_PART, and lie within. */
enum range_kind range_parse (int64_t *first, int64_t *bytes, struct slice field, int64_t size_bytes);

/* Whether the list of entity tags of an If-None-Match field holds `etag` (with its quotes), or is "*". Weak and strong
   tags are alike here. */
bool range_etag_listed (struct slice field, struct slice etag);

/* Whether an If-Range field lets the range stand: it is absent, or exactly the strong `etag` or the date of the last
   change as it is sent. */
bool range_still_valid (struct slice field, struct slice etag, struct slice last_modified);

#endif
