/* Logged models in PostgreSQL. */
#include "store/logged_model.h"

#include "base/json_tree.h"

#include <stdlib.h>

/* The tag in which clients find the registered versions of a logged model: [{"name": …, "version": …}, …]. */
#define VERSIONS_TAG "mlflow.modelVersions"
/* Longest text of that tag: what clients may write as a tag. */
#define VERSIONS_MAX_BYTES 100000

enum
{
  CREATE,
  GET,
  SET_STATUS,
  MARK_DELETED,
  SET_TAGS,
  DELETE_TAG,
  ADD_PARAMS,
  HOLD_VERSIONS
};

static const struct statement statements[] = {
  /* The share lock keeps the experiment from being deleted between the check and the commit. */
  [CREATE] = { "logged_model_create",
               "WITH active AS MATERIALIZED (SELECT experiment_id, artifact_location FROM experiment"
               "  WHERE experiment_id = $2::int8 AND deleted_at_ms IS NULL FOR SHARE)"
               " INSERT INTO logged_model (model_id, experiment_id, name, model_type, source_run_id, status,"
               "  artifact_uri, created_at_ms, updated_at_ms, params, tags)"
               " SELECT $1::text, a.experiment_id, $3::text, $4::text, $5::text, 1,"
               "  rtrim(split_part(a.artifact_location, '?', 1), '/') || '/models/' || $1::text || '/artifacts'"
               "   || coalesce(substring(a.artifact_location from '[?].*'), ''),"
               "  $6::int8, $6::int8, $7::text::jsonb, $8::text::jsonb FROM active a"
               " RETURNING " STORE_LOGGED_MODEL_SELECT,
               8 },
  [GET] = { "logged_model_get", "SELECT " STORE_LOGGED_MODEL_SELECT " FROM logged_model WHERE model_id = $1::text", 1 },
  [SET_STATUS] = { "logged_model_set_status",
                   "UPDATE logged_model SET status = $2::int8::int2, updated_at_ms = $3::int8"
                   " WHERE model_id = $1::text RETURNING " STORE_LOGGED_MODEL_SELECT,
                   3 },
  /* The first deletion counts for what waits from there. */
  [MARK_DELETED] = { "logged_model_delete",
                     "UPDATE logged_model SET deleted_at_ms = coalesce(deleted_at_ms, $2::int8),"
                     " updated_at_ms = $2::int8 WHERE model_id = $1::text",
                     2 },
  [SET_TAGS] = { "logged_model_set_tags",
                 "UPDATE logged_model SET tags = tags || $2::text::jsonb WHERE model_id = $1::text", 2 },
  [DELETE_TAG] = { "logged_model_delete_tag",
                   "UPDATE logged_model SET tags = tags - $2::text WHERE model_id = $1::text AND tags ? $2::text", 2 },
  /* What both have is equal when the new values win nothing over the old ones. */
  [ADD_PARAMS] = { "logged_model_add_params",
                   "UPDATE logged_model SET params = params || $2::text::jsonb WHERE model_id = $1::text"
                   " AND params || $2::text::jsonb = $2::text::jsonb || params",
                   2 },
  [HOLD_VERSIONS] = { "logged_model_hold_versions",
                      "SELECT tags ->> '" VERSIONS_TAG "' FROM logged_model WHERE model_id = $1::text FOR UPDATE", 1 },
};

const struct statement_table store_logged_model_statements = { statements,
                                                               sizeof (statements) / sizeof (statements[0]) };

const char *const logged_model_status_names[LOGGED_MODEL_STATUS_COUNT] = {
  [LOGGED_MODEL_UNSPECIFIED] = "LOGGED_MODEL_STATUS_UNSPECIFIED",
  [LOGGED_MODEL_PENDING] = "LOGGED_MODEL_PENDING",
  [LOGGED_MODEL_READY] = "LOGGED_MODEL_READY",
  [LOGGED_MODEL_UPLOAD_FAILED] = "LOGGED_MODEL_UPLOAD_FAILED",
};

const struct column store_logged_model_columns[STORE_LOGGED_MODEL_COLUMNS] = {
  { COLUMN_TEXT, offsetof (struct store_logged_model, model_id) },
  { COLUMN_INT64, offsetof (struct store_logged_model, experiment_id) },
  { COLUMN_TEXT, offsetof (struct store_logged_model, name) },
  { COLUMN_TEXT, offsetof (struct store_logged_model, model_type) },
  { COLUMN_TEXT, offsetof (struct store_logged_model, source_run_id) },
  { COLUMN_INT16, offsetof (struct store_logged_model, status) },
  { COLUMN_TEXT, offsetof (struct store_logged_model, status_message) },
  { COLUMN_TEXT, offsetof (struct store_logged_model, artifact_uri) },
  { COLUMN_INT64, offsetof (struct store_logged_model, created_at_ms) },
  { COLUMN_INT64, offsetof (struct store_logged_model, updated_at_ms) },
  { COLUMN_INT64_OPTIONAL, offsetof (struct store_logged_model, deleted_at_ms) },
  { COLUMN_JSON, offsetof (struct store_logged_model, params) },
  { COLUMN_JSON, offsetof (struct store_logged_model, tags) },
};

/* Run a statement that gives the row, if there is one. */
static enum err_code
read_one (bool *found, struct store_logged_model *model, struct result *result, struct store_connection *connection,
          const struct statement *statement, const struct parameters *parameters, struct err *err)
{
  enum err_code code = store_query (result, connection, statement, parameters, err);

  *found = ERR_OK == code && result_count (result) > 0;
  return *found ? result_row (model, result, 0, store_logged_model_columns, STORE_LOGGED_MODEL_COLUMNS, err) : code;
}

enum err_code
store_logged_model_create (bool *made, struct store_logged_model *model, struct result *result,
                           struct store_connection *connection, const struct store_new_logged_model *fresh,
                           int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, fresh->model_id);
  parameter_int64 (&parameters, fresh->experiment_id);
  parameter_text (&parameters, fresh->name);
  parameter_text (&parameters, fresh->model_type);
  parameter_text (&parameters, fresh->source_run_id);
  parameter_int64 (&parameters, now_ms);
  parameter_text (&parameters, fresh->params);
  parameter_text (&parameters, fresh->tags);
  return read_one (made, model, result, connection, &statements[CREATE], &parameters, err);
}

enum err_code
store_logged_model_get (struct store_logged_model *model, struct result *result, struct store_connection *connection,
                        struct slice model_id, struct err *err)
{
  struct parameters parameters;
  bool found;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, model_id);
  code = read_one (&found, model, result, connection, &statements[GET], &parameters, err);
  return ERR_OK == code && ! found ? ERR_RESOURCE_DOES_NOT_EXIST : code;
}

enum err_code
store_logged_model_set_status (bool *found, struct store_logged_model *model, struct result *result,
                               struct store_connection *connection, struct slice model_id,
                               enum logged_model_status status, int64_t now_ms, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, model_id);
  parameter_int64 (&parameters, status);
  parameter_int64 (&parameters, now_ms);
  return read_one (found, model, result, connection, &statements[SET_STATUS], &parameters, err);
}

enum err_code
store_logged_model_delete (bool *found, struct store_connection *connection, struct slice model_id, int64_t now_ms,
                           struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, model_id);
  parameter_int64 (&parameters, now_ms);
  return store_change (found, connection, &statements[MARK_DELETED], &parameters, err);
}

/* The three below differ in their text. */
static enum err_code
change (bool *found, struct store_connection *connection, const struct statement *statement, struct slice model_id,
        struct slice text, struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, model_id);
  parameter_text (&parameters, text);
  return store_change (found, connection, statement, &parameters, err);
}

enum err_code
store_logged_model_set_tags (bool *found, struct store_connection *connection, struct slice model_id, struct slice tags,
                             struct err *err)
{
  return change (found, connection, &statements[SET_TAGS], model_id, tags, err);
}

enum err_code
store_logged_model_delete_tag (bool *found, struct store_connection *connection, struct slice model_id,
                               struct slice key, struct err *err)
{
  return change (found, connection, &statements[DELETE_TAG], model_id, key, err);
}

enum err_code
store_logged_model_add_params (bool *found, struct store_connection *connection, struct slice model_id,
                               struct slice params, struct err *err)
{
  return change (found, connection, &statements[ADD_PARAMS], model_id, params, err);
}

/* The list with one version more, as text for a tag; absent when it is in the list, or the list is full. A text that is
   no list begins anew, as nothing can be added to it. The caller frees the data. */
static char *
longer_list (struct slice list, struct slice name, int64_t number)
{
  json_t *versions = NULL == list.data ? NULL : json_tree_load (NULL, list, 0, NULL);
  json_t *version = json_pack ("{s:s%, s:I}", "name", name.data, name.len, "version", (json_int_t)number);
  char *text = NULL;
  const json_t *item;
  size_t i;

  if (! json_is_array (versions))
  {
    json_decref (versions);
    versions = json_array ();
  }
  json_array_foreach (versions, i, item) if (json_equal (item, version)) goto out;
  if (0 == json_array_append (versions, version))
    text = json_dumps (versions, JSON_ENSURE_ASCII);
  if (NULL != text && strlen (text) > VERSIONS_MAX_BYTES)
  {
    free (text);
    text = NULL;
  }
out:
  json_decref (version);
  json_decref (versions);
  return text;
}

enum err_code
store_logged_model_add_version (struct store_connection *connection, struct slice model_id, struct slice name,
                                int64_t number, struct err *err)
{
  static const struct column list_column = { COLUMN_TEXT, 0 };
  struct parameters parameters;
  struct result result = { NULL };
  struct slice list;
  char *text = NULL;
  json_t *tags = NULL;
  char *tags_text = NULL;
  bool found;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, model_id);
  code = store_query_one (&list, &result, connection, &statements[HOLD_VERSIONS], &parameters, &list_column, 1, err);
  if (ERR_OK == code)
    text = longer_list (list, name, number);
  result_free (&result);
  if (NULL != text)
    tags = json_pack ("{s:s}", VERSIONS_TAG, text);
  if (NULL != tags)
    tags_text = json_dumps (tags, 0);
  if (NULL != tags_text)
    code = store_logged_model_set_tags (&found, connection, model_id, slice_of (tags_text), err);
  free (tags_text);
  json_decref (tags);
  free (text);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? ERR_OK : code;
}
