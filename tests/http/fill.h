/* Fills the placeholders of a scenario: ${name}, and the objects that stand for long texts and lists. */
#ifndef HTTP_TESTS_FILL_H
#define HTTP_TESTS_FILL_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>

/* Make a copy of `value` with every placeholder filled.

   "${name}"                  the variable with its type; inside a longer text, its text
   {"$repeat": ["x", 6001]}   a text of so many copies
   {"$concat": ["a", ...]}    a text put together
   {"$times": [3, item]}      an array of so many copies of `item`, in which ${i} counts from 0

   value      borrowed
   variables  borrowed; an object
   why        gets the reason of a failure

   Returns a new reference, or NULL. Not thread-safe for one `variables`. */
json_t *fill (const json_t *value, json_t *variables, struct buffer *why);

/* As fill, for one text; the caller frees the result with free (). NULL on failure. */
char *fill_text (const char *text, json_t *variables, struct buffer *why);

#endif
