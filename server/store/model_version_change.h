/* Changes of versions of registered models in PostgreSQL. For models that are held (store_registered_model_hold). */
#ifndef STORE_MODEL_VERSION_CHANGE_H
#define STORE_MODEL_VERSION_CHANGE_H

#include "store/model_version.h"

extern const struct statement_table store_model_version_change_statements;

/* What a new version says; the texts that are not said to be absent may be empty. */
struct store_new_model_version
{
  struct slice user_id;
  struct slice description; /* absent: none */
  struct slice source;
  struct slice storage_location; /* absent: source */
  struct slice run_id;
  struct slice model_id;
  struct slice run_link;
  struct slice tags; /* text of a JSON object of strings */
};

/* Make a version with the next number of its model. `version` lives in `result`, which the caller frees, as below. */
enum err_code store_model_version_create (struct store_model_version *version, struct result *result,
                                          struct store_connection *connection, int64_t registered_model_id,
                                          const struct store_new_model_version *fresh, int64_t now_ms, struct err *err);

/* Change what is there; `version` is how it is then. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when it is not. */
enum err_code store_model_version_describe (struct store_model_version *version, struct result *result,
                                            struct store_connection *connection, int64_t registered_model_id,
                                            int64_t number, struct slice description, int64_t now_ms, struct err *err);
enum err_code store_model_version_set_stage (struct store_model_version *version, struct result *result,
                                             struct store_connection *connection, int64_t registered_model_id,
                                             int64_t number, int16_t stage, int64_t now_ms, struct err *err);

/* The numbers of the versions in a stage, in order, without one of them: one row each, in
 * store_model_version_number_column. */
enum err_code store_model_versions_in_stage (struct result *result, struct store_connection *connection,
                                             int64_t registered_model_id, int16_t stage, int64_t without,
                                             struct err *err);
extern const struct column store_model_version_number_column;

/* Move all of those to another stage; counts as a change of the model. */
enum err_code store_model_versions_move (struct store_connection *connection, int64_t registered_model_id, int16_t from,
                                         int16_t to, int64_t without, int64_t now_ms, struct err *err);

/* Tags. As in MLflow they do not count as an update. */
enum err_code store_model_version_set_tag (struct store_connection *connection, int64_t registered_model_id,
                                           int64_t number, struct slice key, struct slice value, struct err *err);
enum err_code store_model_version_delete_tag (struct store_connection *connection, int64_t registered_model_id,
                                              int64_t number, struct slice key, struct err *err);

/* Take away everything that a version said, with its aliases, checks and approvals; its number stays taken. */
enum err_code store_model_version_delete (struct store_connection *connection, int64_t registered_model_id,
                                          int64_t number, int64_t now_ms, struct err *err);

#endif
