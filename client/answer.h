/* Answers: calls that send JSON and decode JSON. */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include "handle.h"

#include "base/arena.h"

#include <jansson.h>

/* The most that one decoded answer may take, in bytes of arena: four times the longest text. */
#define ANSWER_ARENA_BYTES (256u << 20)

/* Send `body` (may be NULL; borrowed) and get the answer's object, within option request-timeout-ms. `*object` is a new
   reference, NULL on errors. Errors: those of transport_call; PROTOCOL when the answer is no JSON object. */
enum tally_code answer_call (json_t **object, struct tally_client *client, const char *method, const char *path,
                             const json_t *body, struct tally_error *err);

/* The same for an answer that nobody reads. */
enum tally_code answer_ignore (struct tally_client *client, const char *method, const char *path, const json_t *body,
                               struct tally_error *err);

/* The same for what must not be done twice: it is tried again only when the server cannot have done it. A retryable
   error then means that nobody knows. */
enum tally_code answer_call_once (json_t **object, struct tally_client *client, const char *method, const char *path,
                                  const json_t *body, struct tally_error *err);

/* The same; when the server refuses (4xx), its JSON is returned too. */
enum tally_code answer_call_details (json_t **object, struct tally_client *client, const char *method, const char *path,
                                     const json_t *body, struct tally_error *err);

/* The object that an answer holds, a new reference; an empty answer (204) is an empty object. NULL for anything else,
   and when memory is out, which `*out_of_memory` tells. */
json_t *answer_parse (bool *out_of_memory, const struct transport_answer *answer);

/* Members of an object, copied into the arena; absent or of another type: "", 0, false, NULL. MLflow sends numbers of
   64 bits as numbers or as strings, and metrics also as "NaN", "Infinity", "-Infinity": all are understood. */
const char *answer_text (struct arena *arena, const json_t *object, const char *member);
int64_t answer_int64 (const json_t *object, const char *member);
double answer_double (const json_t *object, const char *member);
/* A list of {key, value} as an array. */
const struct tally_pair *answer_pairs (size_t *count, struct arena *arena, const json_t *list);

/* `text` as part of a path or a query: percent-encoded, in the arena. */
const char *answer_encode (struct arena *arena, const char *text);

#endif
