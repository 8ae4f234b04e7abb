/* Decoding: JSON of answers into the structs of the public headers. */
#ifndef CLIENT_DECODE_H
#define CLIENT_DECODE_H

#include "answer.h"

#include "tally.h"

/* All of these fill `out`, whose texts and lists go into the arena. Members that are absent or of another type are "",
   0 or empty. Errors: PROTOCOL when that without which the thing is none is absent (its id, its name), or when it does
   not fit into the arena; MEMORY. */
typedef enum tally_code decode_function (void *out, struct arena *arena, const json_t *object, struct tally_error *err);

decode_function decode_experiment; /* struct tally_experiment */
decode_function decode_run; /* struct tally_run_data */
decode_function decode_point; /* struct tally_point */
decode_function decode_logged_model; /* struct tally_logged_model */
decode_function decode_model_version; /* struct tally_model_version */

/* struct tally_gate_result of the answers of promote, rollback and the dry run, also of their refusals. */
decode_function decode_gate_result;

/* OK, or why the arena took no more: PROTOCOL for its ceiling, MEMORY. */
enum tally_code decode_end (const struct arena *arena, struct tally_error *err);

/* A new result (result.h) of `bytes`, decoded from the member of this name. `*result` is NULL on errors. */
enum tally_code decode_result (void **result, size_t bytes, decode_function *decode, const json_t *answer,
                               const char *member, struct tally_error *err);

#endif
