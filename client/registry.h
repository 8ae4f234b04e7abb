/* The registry inside of the library: paths, and errors that need more than the status. */
#ifndef CLIENT_REGISTRY_H
#define CLIENT_REGISTRY_H

#include "answer.h"
#include "root.h"

/* ARGUMENT for a name of a registered model that no server takes. */
enum tally_code registry_check_name (const char *name, struct tally_error *err);

/* ARGUMENT for a number that no version has. */
enum tally_code registry_check_version (int64_t version, struct tally_error *err);

/* Send a body, whose reference is stolen, to a path of MLflow's registry. */
enum tally_code registry_call (json_t **answer, struct tally_client *client, const char *method, const char *path,
                               json_t *body, struct tally_error *err);

/* Send a body, whose reference is stolen (NULL with GET), to Tally's extension below
   /api/tally/v1/registered-models/<name>. `what` that is for people: "A promotion". `*answer` also holds what a refusal
   tells. Errors: UNSUPPORTED, saying what is needed, on another server. */
enum tally_code registry_tally_call (json_t **answer, struct tally_client *client, const char *method, const char *what,
                                     const char *name, const char *behind, json_t *body, struct tally_error *err);

/* When `code` means that the server does not know Tally's extension, say so in words: "<what> needs a Tally server".
   Returns the code of the error that is in `err` then. */
enum tally_code registry_explain (enum tally_code code, struct tally_client *client, const char *what,
                                  struct tally_error *err);

/* A version by what a URI means; only VERSION, ALIAS and LATEST. */
enum tally_code registry_find_version (struct tally_model_version **version, struct tally_client *client,
                                       const struct root *root, struct tally_error *err);

#endif
