/* A strict pull scanner for JSON (RFC 8259): walks a byte range value by value, builds no tree. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DESIGN
   The caller says what it expects and the scanner answers; the first failure sticks, so a walk needs one check at its
   end:

     struct json_scan scan;
     struct json_scan_value value;
     struct slice name;

     json_scan_init (&scan, body, arena, 8);
     if (json_scan_value (&scan, &value) && JSON_SCAN_OBJECT == value.kind)
       while (json_scan_member (&scan, &name))
         if (slice_is (name, "step"))
           ok = json_scan_value (&scan, &value) && json_scan_int64 (&value, &step);
         else
           json_scan_skip (&scan);
     if (! json_scan_end (&scan))
       message = json_scan_error (&scan, &offset);

   Every member and element has to be read or skipped, and every array and object that was stepped into has to be walked
   to its end: until json_scan_member or json_scan_element gives false.

   Verdict and values are those of jansson 2.14 with JSON_DECODE_ANY and JSON_ALLOW_NUL: invalid UTF-8, lone surrogate
   escapes, integers outside int64, reals that overflow and a NUL escape in a member name are refused. One difference: a
   raw NUL byte behind a number or a literal is refused here, as RFC 8259 wants, while jansson overlooks it.
   Of members with equal names, all are given in their order; what that means is the caller's to say. */

/* Deepest nesting that json_scan_init takes; the limit of jansson, so that both can be put side by side. */
#define JSON_SCAN_MAX_DEPTH 2048

enum json_scan_kind
{
  JSON_SCAN_NULL,
  JSON_SCAN_FALSE,
  JSON_SCAN_TRUE,
  JSON_SCAN_INTEGER, /* a number without fraction and exponent; it fits int64 */
  JSON_SCAN_REAL, /* a number with a fraction or an exponent; it fits a double */
  JSON_SCAN_STRING,
  JSON_SCAN_ARRAY,
  JSON_SCAN_OBJECT
};

struct json_scan_value
{
  enum json_scan_kind kind;
  /* Number or literal: its raw text. String: unescaped and valid UTF-8, may hold NUL; borrowed from the input when it
     had no escapes, else from the arena. Array or object: the opening bracket. */
  struct slice text;
};

/* Private; declared here so that it can live on the stack. */
struct json_scan
{
  const char *start;
  const char *next; /* first byte not read yet; the place of the failure once failed */
  const char *end;
  struct arena *arena;
  const char *error; /* NULL while nothing failed */
  unsigned depth; /* arrays and objects that are open */
  unsigned max_depth;
  bool due; /* a value is next: at the start, after a member name, after a comma of an array */
  bool fresh; /* the innermost open array or object has given nothing yet */
  bool in_object; /* the innermost open one is an object */
  uint64_t objects[JSON_SCAN_MAX_DEPTH / 64]; /* one bit a level, set for objects; only the open levels are valid */
};

/* Begin to scan `text`, which has to outlive the scan and every borrowed string.

   arena      where strings with escapes go; its refusal fails the scan, and arena_overflowed tells that from bad input
   max_depth  levels a value may lie deep, itself counted: 1 allows a scalar or an empty array, 2 an array of scalars;
              more than JSON_SCAN_MAX_DEPTH is taken as that

   Not thread-safe: one owner at a time. Nothing to free. */
void json_scan_init (struct json_scan *scan, struct slice text, struct arena *arena, unsigned max_depth);

/* Read a scalar whole, or step into an array or object. False when the scan failed. */
bool json_scan_value (struct json_scan *scan, struct json_scan_value *value);

/* Inside an object: true = a member follows, its value is next; false = the '}' was read, or the scan failed.
   `name` is unescaped, borrowed as a string value is. */
bool json_scan_member (struct json_scan *scan, struct slice *name);

/* Inside an array: true = an element is next; false = the ']' was read, or the scan failed. */
bool json_scan_element (struct json_scan *scan);

/* Skip one whole value, checked as strictly as a read one; uses neither recursion nor the arena.
   False when the scan failed. */
bool json_scan_skip (struct json_scan *scan);

/* As json_scan_skip, and give the value's own bytes, borrowed from the input. */
bool json_scan_raw (struct json_scan *scan, struct slice *raw);

/* True when one whole value was read, only white space remains, and nothing failed; otherwise the scan has failed. */
bool json_scan_end (struct json_scan *scan);

/* True when something failed since json_scan_init. */
bool json_scan_failed (const struct json_scan *scan);

/* The failure as a static text for a person, such as "invalid UTF-8" or "expected a value", and in `offset` (may be
   NULL) the byte where it was found. NULL when nothing failed. */
const char *json_scan_error (const struct json_scan *scan, size_t *offset);

/* The value as int64, exact: a number that is integral (also 1e3 and 5.0), or a string that holds one ("12", "-7",
   "1e3", "5.0"), as the JSON mapping of protobuf has it. False for a fraction, an overflow and every other kind. */
bool json_scan_int64 (const struct json_scan_value *value, int64_t *out);

/* The value as double, exactly rounded: a number, a string that number_parse_double takes, or a string that names NaN
   or an infinity ("NaN", "nan", "Infinity", "-Infinity", "inf", "Inf", "-Inf", "+inf" in any case, as the clients in
   Python, Java and R write them). False for every other kind. */
bool json_scan_double (const struct json_scan_value *value, double *out);

#endif
