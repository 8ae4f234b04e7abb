/* JSON pieces that several resources share. */
#ifndef API_JSON_H
#define API_JSON_H

#include "api/call.h"
#include "api/decode.h"
#include "base/json_write.h"

/* A key and its text, as in tags and params. */
struct key_value
{
  struct slice key;
  struct slice value; /* absent: the client gave none */
};

/* Fields key! and value of tags and params; `key` may be empty, because what an empty key means is said by the key
   rules. */
extern const struct schema key_value_schema;
/* The same with a key that must be there and not empty. */
extern const struct schema key_value_required_schema;

/* Write "name": [{"key", "value"}, ...] from the text of a JSON object of strings, ordered by key; nothing for an empty
   object. */
void api_write_pairs (struct json_write *w, const char *name, struct slice object, struct arena *arena);

/* The same, only of some keys (sorted). */
void api_write_some_pairs (struct json_write *w, const char *name, struct slice object, const struct slice *keys,
                           size_t key_count, struct arena *arena);

/* The text of a JSON object from pairs, in the arena; of equal keys the last counts; values may be cut at
   `max_characters` (0: not). Absent on lack of memory. */
struct slice api_pairs_object (const struct key_value *pairs, size_t count, size_t max_characters, struct arena *arena);

/* Start the JSON answer of a call, and check it at the end. Errors: INVALID_PARAMETER_VALUE when it is too large. */
void api_reply_start (struct json_write *w, struct api_call *call);
enum err_code api_reply_end (struct json_write *w, struct api_call *call, struct err *err);

/* The check alone, for a piece that does not end the answer. */
enum err_code api_reply_check (const struct api_call *call, struct err *err);

#endif
