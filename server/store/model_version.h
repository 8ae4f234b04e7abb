/* Versions of registered models and their aliases in PostgreSQL. */
#ifndef STORE_MODEL_VERSION_H
#define STORE_MODEL_VERSION_H

#include "store/connection.h"

extern const struct statement_table store_model_version_statements;

/* Numbers of model_version.stage. */
enum model_stage
{
  MODEL_STAGE_NONE,
  MODEL_STAGE_STAGING,
  MODEL_STAGE_PRODUCTION,
  MODEL_STAGE_ARCHIVED,
  MODEL_STAGE_COUNT
};

/* Their names on the wire, by number: "None", "Staging", "Production", "Archived". */
extern const char *const model_stage_names[MODEL_STAGE_COUNT];

/* Numbers of model_version.status. */
enum model_version_status
{
  MODEL_VERSION_PENDING = 1,
  MODEL_VERSION_FAILED,
  MODEL_VERSION_READY,
  MODEL_VERSION_STATUS_COUNT
};

/* Their names on the wire, by number; number 0 has none. */
extern const char *const model_version_status_names[MODEL_VERSION_STATUS_COUNT];

/* One row; texts live in the result it was read from. */
struct store_model_version
{
  int64_t registered_model_id;
  struct slice name; /* of its registered model */
  int64_t version;
  int64_t created_at_ms;
  int64_t updated_at_ms;
  int16_t stage;
  struct slice user_id; /* empty: not known */
  struct slice description; /* absent: none */
  struct slice source;
  struct slice storage_location; /* absent: source */
  struct slice run_id; /* empty: none */
  struct slice model_id; /* empty: none */
  struct slice run_link; /* empty: none */
  int16_t status;
  struct slice status_message; /* absent: none */
  struct slice tags; /* JSON object of strings */
  struct slice aliases; /* JSON array of strings, sorted */
};

/* The columns of a select list, over model_version AS v JOIN registered_model AS m, that store_model_version_columns
   decode. */
#define STORE_MODEL_VERSION_SELECT                                                                                     \
  "v.registered_model_id, m.name, v.version, v.created_at_ms, v.updated_at_ms, v.stage, v.user_id, v.description,"     \
  " v.source, v.storage_location, v.run_id, v.model_id, v.run_link, v.status, v.status_message, v.tags,"               \
  " (SELECT coalesce(jsonb_agg(a.alias ORDER BY a.alias), '[]') FROM model_alias AS a"                                 \
  "  WHERE a.registered_model_id = v.registered_model_id AND a.version = v.version)"
#define STORE_MODEL_VERSION_COLUMNS 17
extern const struct column store_model_version_columns[STORE_MODEL_VERSION_COLUMNS];

/* Read one that is not deleted. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_model_version_get (struct store_model_version *version, struct result *result,
                                       struct store_connection *connection, int64_t workspace_id, struct slice name,
                                       int64_t number, struct err *err);

/* The version that an alias points at. ERR_RESOURCE_DOES_NOT_EXIST, without a message, when there is none. */
enum err_code store_model_version_of_alias (struct store_model_version *version, struct result *result,
                                            struct store_connection *connection, int64_t workspace_id,
                                            struct slice name, struct slice alias, struct err *err);

/* The version with the highest number, of all or (not NULL) of a stage. ERR_RESOURCE_DOES_NOT_EXIST, without a message,
   when there is none. */
enum err_code store_model_version_latest (struct store_model_version *version, struct result *result,
                                          struct store_connection *connection, int64_t workspace_id, struct slice name,
                                          const int16_t *stage, struct err *err);

/* Up to `most` versions of a model before a number (INT64_MAX: from the last on), newest first, decoded with
   store_model_version_columns. The caller frees. */
enum err_code store_model_version_page (struct result *result, struct store_connection *connection,
                                        int64_t registered_model_id, int64_t before, int64_t most, struct err *err);

#endif
