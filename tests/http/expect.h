/* Compares a JSON value with what a scenario expects: a subset, with matchers where a value is not fixed. */
#ifndef HTTP_TESTS_EXPECT_H
#define HTTP_TESTS_EXPECT_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>

/* True when `got` is as expected; otherwise `why` gets one line that names the place, what was expected and what came.

   Objects match as a subset; arrays by position and length, their elements as subsets; an expected integer wants an
   integer; an expected real wants a number that is equal as a double. An object with one "$..." member is a matcher:

   $type name            integer real number string boolean object array
   $matches regex        a text, POSIX extended
   $starts text          a text that begins so
   $has text | [texts]   a text that holds it, or all of them
   $absent true          the member is not there
   $near [value, delta]  $between [low, high]
   $length matcher       of a text in code points, of an array, of an object
   $contains [items]     each is matched by some element
   $unordered [items]    the same, and there are no others
   $each matcher         every element
   $exactly value        equal, no subset
   $any [matchers]  $all [matchers]  $not matcher

   Both are borrowed; `got` may be NULL for a member that is not there. */
bool expect_match (const json_t *expected, const json_t *got, struct buffer *why);

/* The value at a path such as "$.runs[0].info.run_id", borrowed, or NULL. */
json_t *expect_path (const json_t *from, const char *path);

#endif
