/* Experiments in PostgreSQL. */
#ifndef STORE_EXPERIMENT_H
#define STORE_EXPERIMENT_H

#include "store/connection.h"

extern const struct statement_table store_experiment_statements;

/* One row; texts live in the result it was read from. */
struct store_experiment
{
  int64_t experiment_id;
  struct slice name;
  struct slice artifact_location;
  int64_t created_at_ms;
  int64_t updated_at_ms;
  struct optional_int64 deleted_at_ms;
  struct slice tags; /* JSON object of strings */
};

/* The columns of a select list that store_experiment_columns decode. */
#define STORE_EXPERIMENT_SELECT                                                                                        \
  "experiment_id, name, artifact_location, created_at_ms, updated_at_ms, deleted_at_ms, tags"
#define STORE_EXPERIMENT_COLUMNS 7
extern const struct column store_experiment_columns[STORE_EXPERIMENT_COLUMNS];

/* An experiment to be made. */
struct store_new_experiment
{
  int64_t workspace_id;
  int64_t account_id; /* who gets MANAGE; 0: nobody */
  struct slice name;
  struct slice location; /* absent: the root of the workspace, else `root`, and the new id */
  struct slice root; /* the server's, with a slash at its end */
  struct slice tags; /* text of a JSON object of strings */
};

/* Make an experiment. Errors without a message: RESOURCE_ALREADY_EXISTS when the name is taken in the workspace,
   RESOURCE_DOES_NOT_EXIST when that was deleted meanwhile. */
enum err_code store_experiment_create (int64_t *experiment_id, struct store_connection *connection,
                                       const struct store_new_experiment *fresh, int64_t now_ms, struct err *err);

/* Read one, deleted or not. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none.
   `result` holds its texts; the caller frees it. */
enum err_code store_experiment_get (struct store_experiment *experiment, struct result *result,
                                    struct store_connection *connection, int64_t experiment_id, struct err *err);
enum err_code store_experiment_get_by_name (struct store_experiment *experiment, struct result *result,
                                            struct store_connection *connection, int64_t workspace_id,
                                            struct slice name, struct err *err);

/* Mark it and all its runs deleted, or all active. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none
   in the other state. */
enum err_code store_experiment_set_deleted (struct store_connection *connection, int64_t experiment_id, bool deleted,
                                            int64_t now_ms, struct err *err);

/* The three below change an active experiment only; `changed` is false when there is none, or no such tag. */
enum err_code store_experiment_rename (bool *changed, struct store_connection *connection, int64_t experiment_id,
                                       struct slice name, int64_t now_ms, struct err *err);
enum err_code store_experiment_set_tag (bool *changed, struct store_connection *connection, int64_t experiment_id,
                                        struct slice key, struct slice value, struct err *err);
enum err_code store_experiment_delete_tag (bool *changed, struct store_connection *connection, int64_t experiment_id,
                                           struct slice key, struct err *err);

#endif
