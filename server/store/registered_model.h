/* Registered models in PostgreSQL. */
#ifndef STORE_REGISTERED_MODEL_H
#define STORE_REGISTERED_MODEL_H

#include "store/connection.h"

extern const struct statement_table store_registered_model_statements;

/* One row; texts live in the result it was read from. */
struct store_registered_model
{
  int64_t registered_model_id;
  int64_t workspace_id;
  struct slice name;
  struct slice description; /* absent: none */
  int64_t created_at_ms;
  int64_t updated_at_ms;
  int64_t last_version;
  struct slice tags; /* JSON object of strings */
  bool is_prompt;
};

/* The columns of a select list that store_registered_model_columns decode. */
#define STORE_REGISTERED_MODEL_SELECT                                                                                  \
  "registered_model_id, workspace_id, name, description, created_at_ms, updated_at_ms, last_version, tags, is_prompt"
#define STORE_REGISTERED_MODEL_COLUMNS 9
extern const struct column store_registered_model_columns[STORE_REGISTERED_MODEL_COLUMNS];

/* Read one by its name. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_registered_model_get (struct store_registered_model *model, struct result *result,
                                          struct store_connection *connection, int64_t workspace_id, struct slice name,
                                          struct err *err);

/* The same, and hold it until the transaction ends: every change of a model, its versions, aliases, checks and
   approvals does this first. */
enum err_code store_registered_model_hold (struct store_registered_model *model, struct result *result,
                                           struct store_connection *connection, int64_t workspace_id, struct slice name,
                                           struct err *err);

#endif
