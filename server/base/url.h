/* Takes HTTP request targets apart: path, segments, query, percent-encoding (RFC 3986, RFC 9112). */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>

/* Every function is thread-safe; slices that come out are borrowed from what went in unless said otherwise. */

/* Split a request target: origin form ("/path?query") or absolute form ("http://host/path?query", https too).

   path   raw, begins with "/"; "/" for an absolute form without a path (that one is static)
   query  raw, behind the first "?"; absent when there is none

   False for any other form, an empty host, a fragment, and for white space or control characters anywhere. */
bool url_split (struct slice target, struct slice *path, struct slice *query);

/* The next raw segment of a path: one leading "/" is passed over, then all up to the next "/" or the end.
   "/a//b/" gives "a", "", "b", ""; "/" gives one empty segment; an empty rest gives false. */
bool url_segment_next (struct slice *rest, struct slice *raw_segment);

/* The next raw pair of a query "a=b&c=d"; empty pieces ("a=b&&c=d") are passed over. A piece without "=" has the absent
   value. False when nothing is left. */
bool url_query_next (struct slice *rest, struct slice *raw_name, struct slice *raw_value);

/* Decode percent-encoding, and "+" as a space if `plus_is_space` (query strings and forms).
   `out` is `text` itself when nothing had to be decoded, else from the arena; the absent slice stays absent.
   False for a malformed "%", a NUL and invalid UTF-8, and when the arena refuses (arena_overflowed tells). */
bool url_decode (struct slice *out, struct slice text, bool plus_is_space, struct arena *arena);

/* Append `text` with every byte percent-encoded that is not unreserved (A-Z a-z 0-9 - . _ ~).
   False once the buffer has failed. */
bool url_encode (struct buffer *out, struct slice text);

#endif
