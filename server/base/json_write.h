/* Writes JSON text into a growable buffer, with commas and escapes done for the caller. */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Stack allocatable; init it. Failure is sticky in the buffer: write freely, check `out->failed` once.
   Not thread-safe: one owner at a time. Nesting is the caller's: the writer checks no brackets. */
struct json_write
{
  struct buffer *out; /* borrowed */
  bool comma; /* a value stands before the place where the next one goes */
};

/* Begin one JSON text behind what `out` holds already. */
void json_write_init (struct json_write *w, struct buffer *out);

/* Open and close an object or an array. */
void json_write_object (struct json_write *w);
void json_write_object_end (struct json_write *w);
void json_write_array (struct json_write *w);
void json_write_array_end (struct json_write *w);

/* The name of the member whose value comes next; a literal that needs no escaping. */
void json_write_key (struct json_write *w, const char *name);

/* As json_write_key, for any text; escaped as json_write_string does. */
void json_write_key_slice (struct json_write *w, struct slice name);

/* A string. Escapes the quote, the backslash, control characters and U+2028 and U+2029 (line ends in JavaScript);
   each byte that is not part of valid UTF-8 becomes U+FFFD. The absent slice gives the empty string. */
void json_write_string (struct json_write *w, struct slice text);

/* A NUL-terminated string; NULL gives the empty string. */
void json_write_text (struct json_write *w, const char *text);

/* Scalars. A double is written in its shortest form (number_format_double); NaN and the infinities become the strings
   "NaN", "Infinity" and "-Infinity", as the JSON mapping of protobuf has it. */
void json_write_int64 (struct json_write *w, int64_t value);
void json_write_uint64 (struct json_write *w, uint64_t value);
void json_write_double (struct json_write *w, double value);
void json_write_bool (struct json_write *w, bool value);
void json_write_null (struct json_write *w);

/* A value that is JSON already; taken as it is, unchecked. */
void json_write_raw (struct json_write *w, struct slice json);

/* The same without the white space between its tokens, as PostgreSQL puts it into jsonb. */
void json_write_compact (struct json_write *w, struct slice json);

/* A whole member: json_write_key and the value. */
void json_write_member_string (struct json_write *w, const char *name, struct slice text);
void json_write_member_text (struct json_write *w, const char *name, const char *text);
void json_write_member_int64 (struct json_write *w, const char *name, int64_t value);
void json_write_member_uint64 (struct json_write *w, const char *name, uint64_t value);
void json_write_member_double (struct json_write *w, const char *name, double value);
void json_write_member_bool (struct json_write *w, const char *name, bool value);
void json_write_member_raw (struct json_write *w, const char *name, struct slice json);

#endif
