/* Logged models in PostgreSQL. */
#ifndef STORE_LOGGED_MODEL_H
#define STORE_LOGGED_MODEL_H

#include "store/connection.h"

extern const struct statement_table store_logged_model_statements;

/* Numbers of logged_model.status. */
enum logged_model_status
{
  LOGGED_MODEL_UNSPECIFIED,
  LOGGED_MODEL_PENDING,
  LOGGED_MODEL_READY,
  LOGGED_MODEL_UPLOAD_FAILED,
  LOGGED_MODEL_STATUS_COUNT
};

/* Their names on the wire, by number. */
extern const char *const logged_model_status_names[LOGGED_MODEL_STATUS_COUNT];

/* One row; texts live in the result it was read from. */
struct store_logged_model
{
  struct slice model_id;
  int64_t experiment_id;
  struct slice name;
  struct slice model_type;
  struct slice source_run_id;
  int16_t status;
  struct slice status_message; /* absent: none */
  struct slice artifact_uri;
  int64_t created_at_ms;
  int64_t updated_at_ms;
  struct optional_int64 deleted_at_ms;
  struct slice params; /* JSON object of strings */
  struct slice tags; /* JSON object of strings */
};

/* The columns of a select list that store_logged_model_columns decode. */
#define STORE_LOGGED_MODEL_SELECT                                                                                      \
  "model_id, experiment_id, name, model_type, source_run_id, status, status_message, artifact_uri, created_at_ms,"     \
  " updated_at_ms, deleted_at_ms, params, tags"
#define STORE_LOGGED_MODEL_COLUMNS 13
extern const struct column store_logged_model_columns[STORE_LOGGED_MODEL_COLUMNS];

/* A model to be made; params and tags are texts of JSON objects of strings. */
struct store_new_logged_model
{
  struct slice model_id;
  int64_t experiment_id;
  struct slice name;
  struct slice model_type;
  struct slice source_run_id;
  struct slice params;
  struct slice tags;
};

/* Make a pending model in an active experiment; `made` is false when there is no such experiment. `result` holds the
   texts of the row; the caller frees it. */
enum err_code store_logged_model_create (bool *made, struct store_logged_model *model, struct result *result,
                                         struct store_connection *connection,
                                         const struct store_new_logged_model *fresh, int64_t now_ms, struct err *err);

/* Read one, deleted or not. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_logged_model_get (struct store_logged_model *model, struct result *result,
                                      struct store_connection *connection, struct slice model_id, struct err *err);

/* The functions below change a model, deleted or not. `found` is false when there is none. */
enum err_code store_logged_model_set_status (bool *found, struct store_logged_model *model, struct result *result,
                                             struct store_connection *connection, struct slice model_id,
                                             enum logged_model_status status, int64_t now_ms, struct err *err);
enum err_code store_logged_model_delete (bool *found, struct store_connection *connection, struct slice model_id,
                                         int64_t now_ms, struct err *err);
enum err_code store_logged_model_set_tags (bool *found, struct store_connection *connection, struct slice model_id,
                                           struct slice tags, struct err *err);

/* Also false when there is no such tag. */
enum err_code store_logged_model_delete_tag (bool *found, struct store_connection *connection, struct slice model_id,
                                             struct slice key, struct err *err);

/* Add params; also false, and nothing is added, when one of them has another value already. */
enum err_code store_logged_model_add_params (bool *found, struct store_connection *connection, struct slice model_id,
                                             struct slice params, struct err *err);

/* Tell a logged model that a version of a registered model publishes it, in the tag where MLflow's clients look for
   that: mlflow.modelVersions. Nothing happens when it is told already, is not there, or has no room for more in that
   tag. */
enum err_code store_logged_model_add_version (struct store_connection *connection, struct slice model_id,
                                              struct slice name, int64_t number, struct err *err);

#endif
