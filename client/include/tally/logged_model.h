/* Logged models: what a run made, before anybody gives it a name in the registry; these calls wait for the server. */
#ifndef TALLY_LOGGED_MODEL_H
#define TALLY_LOGGED_MODEL_H

#include "tally/search.h"

TALLY_BEGIN

/* "m-" and 32 hexadecimal digits and NUL. */
#define TALLY_MODEL_ID_BYTES 40

enum tally_model_status
{
  TALLY_MODEL_PENDING = 1,
  TALLY_MODEL_READY = 2,
  TALLY_MODEL_FAILED = 3
};

struct tally_logged_model
{
  const char *model_id;
  const char *name;
  const char *experiment_id;
  const char *run_id; /* "" when none */
  const char *type; /* "" when none */
  const char *artifact_uri;
  enum tally_model_status status;
  int64_t created_ms;
  int64_t updated_ms;
  const struct tally_pair *params;
  size_t param_count;
  const struct tally_pair *tags;
  size_t tag_count;
};

/* Make a logged model of a run (which is waited for: `deadline_ms` as for tally_run_server_id). `name`, `type` may be
   NULL; `params` NULL with 0. Its files go to "models:/<model id>" (tally_artifact_upload); then finalize it. */
TALLY_API enum tally_code tally_logged_model_create (char model_id[TALLY_MODEL_ID_BYTES], struct tally_run *run,
                                                     const char *name, const char *type,
                                                     const struct tally_pair *params, size_t param_count,
                                                     int64_t deadline_ms, struct tally_error *err);

TALLY_API enum tally_code tally_logged_model_finalize (struct tally_client *client, const char *model_id,
                                                       enum tally_model_status status, struct tally_error *err);
TALLY_API enum tally_code tally_logged_model_set_tag (struct tally_client *client, const char *model_id,
                                                      const char *key, const char *value, struct tally_error *err);
TALLY_API enum tally_code tally_logged_model_delete (struct tally_client *client, const char *model_id,
                                                     struct tally_error *err);

/* One by its id. Free with tally_logged_model_free. */
TALLY_API enum tally_code tally_logged_model_get (struct tally_logged_model **model, struct tally_client *client,
                                                  const char *model_id, struct tally_error *err);
TALLY_API void tally_logged_model_free (struct tally_logged_model *model);

/* A metric of a logged model, optionally on a data set (NULL, NULL); queued like tally_log_metric. */
TALLY_API enum tally_code tally_log_model_metric (struct tally_run *run, const char *model_id, const char *key,
                                                  double value, int64_t step, const char *dataset_name,
                                                  const char *dataset_digest, struct tally_error *err);

/* Logged models of experiments; as tally_search_runs. */
TALLY_API enum tally_code tally_search_logged_models (struct tally_search **search, struct tally_client *client,
                                                      const char *const *experiment_ids, size_t experiment_count,
                                                      const char *filter, size_t max_results, struct tally_error *err);
TALLY_API enum tally_code tally_search_next_logged_model (const struct tally_logged_model **model,
                                                          struct tally_search *search, struct tally_error *err);

TALLY_END

#endif
