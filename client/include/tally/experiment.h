/* Experiments: found, made, changed, deleted; these calls wait for the server. */
#ifndef TALLY_EXPERIMENT_H
#define TALLY_EXPERIMENT_H

#include "tally/client.h"
#include "tally/log.h"

TALLY_BEGIN

/* Digits of an int64 and NUL. */
#define TALLY_EXPERIMENT_ID_BYTES 24

struct tally_experiment
{
  const char *id; /* "0" */
  const char *name;
  const char *artifact_location;
  bool deleted;
  int64_t created_ms; /* 0 when the server does not tell */
  int64_t updated_ms;
  const struct tally_pair *tags;
  size_t tag_count;
};

/* The id of the experiment of this name; made when there is none and `create`. Errors: NOT_FOUND, REFUSED when it is
   deleted, of any request. */
TALLY_API enum tally_code tally_experiment_id (char id[TALLY_EXPERIMENT_ID_BYTES], struct tally_client *client,
                                               const char *name, bool create, struct tally_error *err);

/* One experiment by its id. Free with tally_experiment_free. */
TALLY_API enum tally_code tally_experiment_get (struct tally_experiment **experiment, struct tally_client *client,
                                                const char *id, struct tally_error *err);
TALLY_API void tally_experiment_free (struct tally_experiment *experiment);

TALLY_API enum tally_code tally_experiment_rename (struct tally_client *client, const char *id, const char *name,
                                                   struct tally_error *err);
TALLY_API enum tally_code tally_experiment_set_tag (struct tally_client *client, const char *id, const char *key,
                                                    const char *value, struct tally_error *err);
TALLY_API enum tally_code tally_experiment_delete (struct tally_client *client, const char *id,
                                                   struct tally_error *err);
TALLY_API enum tally_code tally_experiment_restore (struct tally_client *client, const char *id,
                                                    struct tally_error *err);

TALLY_END

#endif
