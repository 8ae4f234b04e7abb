/* Experiments: create, read, search, change, delete, restore, tags. */
#include "api/experiment.h"

#include "access/access.h"
#include "api/gate.h"
#include "api/json.h"
#include "api/location.h"
#include "api/names.h"
#include "base/clock.h"
#include "base/number.h"
#include "search/experiment_search.h"
#include "store/experiment.h"

#include <inttypes.h>

/* MLflow's cap and our default where it requires the argument (mlflow/store/tracking/__init__.py has 1,000 for runs).
 */
#define SEARCH_MAX_RESULTS 50000
#define SEARCH_DEFAULT_RESULTS 1000

static enum err_code
no_such_experiment (struct err *err, int64_t experiment_id)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%" PRId64 " exists", experiment_id);
}

enum err_code
api_experiment_refused (struct err *err, int64_t experiment_id, bool exists)
{
  if (! exists)
    return no_such_experiment (err, experiment_id);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "The experiment %" PRId64 " must be in the 'active' state. Current state is deleted.", experiment_id);
}

enum err_code
api_experiment_not_active (struct api_call *call, int64_t experiment_id, struct err *err)
{
  struct store_experiment experiment;
  struct result result = { NULL };
  enum err_code code = store_experiment_get (&experiment, &result, call->connection, experiment_id, err);

  result_free (&result);
  if (ERR_OK == code || ERR_RESOURCE_DOES_NOT_EXIST == code)
    return api_experiment_refused (err, experiment_id, ERR_OK == code);
  return code;
}

static enum err_code
name_taken (struct err *err, struct slice name)
{
  return err_set (err, ERR_RESOURCE_ALREADY_EXISTS, "Experiment(name=%.*s) already exists.", SLICE_ARG (name));
}

static void
write_experiment (struct json_write *w, const struct store_experiment *experiment, const struct api_call *call)
{
  char id[NUMBER_INT64_BYTES];

  number_format_int64 (id, experiment->experiment_id);
  json_write_object (w);
  json_write_member_text (w, "experiment_id", id);
  if (access_has_workspaces (call->service->access))
    json_write_member_string (w, "workspace", call->pass->workspace);
  json_write_member_string (w, "name", experiment->name);
  json_write_member_string (w, "artifact_location", experiment->artifact_location);
  json_write_member_text (w, "lifecycle_stage", experiment->deleted_at_ms.present ? "deleted" : "active");
  json_write_member_int64 (w, "last_update_time", experiment->updated_at_ms);
  json_write_member_int64 (w, "creation_time", experiment->created_at_ms);
  api_write_pairs (w, "tags", experiment->tags, call->arena);
  json_write_object_end (w);
}

struct create_request
{
  struct slice name;
  struct slice artifact_location;
  struct objects tags;
};

static const struct field create_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct create_request, name) },
  { .name = "artifact_location", .type = FIELD_STRING, .offset = offsetof (struct create_request, artifact_location) },
  { .name = "tags",
    .type = FIELD_OBJECTS,
    .offset = offsetof (struct create_request, tags),
    .schema = &key_value_schema },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

static enum err_code
check_tag (struct slice key, struct slice value, struct arena *arena, struct err *err)
{
  enum err_code code = names_check_key (key, "key", arena, err);

  if (ERR_OK == code)
    code = names_check_length (key, "key", KEY_MAX, err);
  if (ERR_OK == code)
    code = names_check_length (value, "value", EXPERIMENT_TAG_VALUE_MAX, err);
  return code;
}

/* "<root>/" in front of the identifier of a new experiment. */
static struct slice
location_root (const struct api_call *call)
{
  const char *root = call->service->config->default_artifact_root;
  size_t length = strlen (root);
  const char *text = length > 0 && '/' == root[length - 1] ? root : arena_printf (call->arena, "%s/", root);

  return slice_of (text);
}

enum err_code
api_experiment_create (struct api_call *call, struct err *err)
{
  struct create_request request;
  struct store_new_experiment fresh;
  const struct key_value *tags;
  struct json_write w;
  char id[NUMBER_INT64_BYTES];
  int64_t experiment_id = 0;
  enum err_code code = api_decode (&request, call, &create_schema, err);

  if (ERR_OK == code)
    code = names_check_length (request.name, "name", EXPERIMENT_NAME_MAX, err);
  if (ERR_OK == code)
    code = location_check (&request.artifact_location, call->arena, err);
  tags = request.tags.items;
  for (size_t i = 0; ERR_OK == code && i < request.tags.count; i++)
    code = check_tag (tags[i].key, tags[i].value, call->arena, err);
  if (ERR_OK == code)
    code = location_require (call, request.artifact_location, call->pass->workspace, err);
  if (ERR_OK != code)
    return code;
  fresh = (struct store_new_experiment){ .workspace_id = call->pass->workspace_id,
                                         .account_id = call->pass->who.account_id,
                                         .name = request.name,
                                         .location = request.artifact_location,
                                         .root = location_root (call),
                                         .tags = api_pairs_object (tags, request.tags.count, 0, call->arena) };
  if (NULL == fresh.tags.data || NULL == fresh.root.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = store_experiment_create (&experiment_id, call->connection, &fresh, clock_wall_ms (), err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
    return name_taken (err, request.name);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, code, "Workspace '%.*s' not found", SLICE_ARG (call->pass->workspace));
  if (ERR_OK != code)
    return code;
  number_format_int64 (id, experiment_id);
  api_reply_start (&w, call);
  json_write_member_text (&w, "experiment_id", id);
  return api_reply_end (&w, call, err);
}

struct id_request
{
  struct slice experiment_id;
};

static const struct field id_fields[] = {
  { .name = "experiment_id",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct id_request, experiment_id) },
};

static const struct schema id_schema = SCHEMA (id_fields, struct id_request);

static enum err_code
decode_id (int64_t *experiment_id, struct api_call *call, struct err *err)
{
  struct id_request request;
  enum err_code code = api_decode (&request, call, &id_schema, err);

  return ERR_OK == code ? names_experiment_id (experiment_id, request.experiment_id, err) : code;
}

static enum err_code
reply_experiment (struct api_call *call, const struct store_experiment *experiment, struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  json_write_key (&w, "experiment");
  write_experiment (&w, experiment, call);
  return api_reply_end (&w, call, err);
}

enum err_code
api_experiment_get (struct api_call *call, struct err *err)
{
  struct store_experiment experiment;
  struct result result = { NULL };
  int64_t experiment_id;
  enum err_code code = decode_id (&experiment_id, call, err);

  if (ERR_OK == code)
    code = store_experiment_get (&experiment, &result, call->connection, experiment_id, err);
  if (ERR_OK == code)
    code = reply_experiment (call, &experiment, err);
  else if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = no_such_experiment (err, experiment_id);
  result_free (&result);
  return code;
}

struct name_request
{
  struct slice experiment_name;
};

static const struct field name_fields[] = {
  { .name = "experiment_name",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct name_request, experiment_name) },
};

static const struct schema name_schema = SCHEMA (name_fields, struct name_request);

enum err_code
api_experiment_get_by_name (struct api_call *call, struct err *err)
{
  struct name_request request;
  struct store_experiment experiment;
  struct result result = { NULL };
  enum err_code code = api_decode (&request, call, &name_schema, err);

  if (ERR_OK != code)
    return code;
  code = store_experiment_get_by_name (&experiment, &result, call->connection, call->pass->workspace_id,
                                       request.experiment_name, err);
  if (ERR_OK == code)
    code = reply_experiment (call, &experiment, err);
  else if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set (err, code, "Could not find experiment with name '%.*s'", SLICE_ARG (request.experiment_name));
  result_free (&result);
  return code;
}

static enum err_code
set_deleted (struct api_call *call, bool deleted, struct err *err)
{
  int64_t experiment_id;
  enum err_code code = decode_id (&experiment_id, call, err);

  if (ERR_OK != code)
    return code;
  code = store_experiment_set_deleted (call->connection, experiment_id, deleted, clock_wall_ms (), err);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? no_such_experiment (err, experiment_id) : code;
}

enum err_code
api_experiment_delete (struct api_call *call, struct err *err)
{
  return set_deleted (call, true, err);
}

enum err_code
api_experiment_restore (struct api_call *call, struct err *err)
{
  return set_deleted (call, false, err);
}

struct update_request
{
  struct slice experiment_id;
  struct slice new_name;
};

static const struct field update_fields[] = {
  { .name = "experiment_id",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct update_request, experiment_id) },
  { .name = "new_name",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct update_request, new_name) },
};

static const struct schema update_schema = SCHEMA (update_fields, struct update_request);

enum err_code
api_experiment_update (struct api_call *call, struct err *err)
{
  struct update_request request;
  struct store_experiment experiment;
  struct result result = { NULL };
  int64_t experiment_id;
  bool changed;
  enum err_code code = api_decode (&request, call, &update_schema, err);

  if (ERR_OK == code)
    code = names_experiment_id (&experiment_id, request.experiment_id, err);
  if (ERR_OK == code)
    code = names_check_length (request.new_name, "name", EXPERIMENT_NAME_MAX, err);
  if (ERR_OK != code)
    return code;
  code = store_experiment_rename (&changed, call->connection, experiment_id, request.new_name, clock_wall_ms (), err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
  {
    err_clear (err);
    return name_taken (err, request.new_name);
  }
  if (ERR_OK != code || changed)
    return code;
  code = store_experiment_get (&experiment, &result, call->connection, experiment_id, err);
  result_free (&result);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return no_such_experiment (err, experiment_id);
  return ERR_OK != code ? code : err_set (err, ERR_INVALID_PARAMETER_VALUE, "Cannot rename a non-active experiment.");
}

struct tag_request
{
  struct slice experiment_id;
  struct slice key;
  struct slice value;
};

static const struct field tag_fields[] = {
  { .name = "experiment_id",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct tag_request, experiment_id) },
  { .name = "key",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED | FIELD_NUL,
    .offset = offsetof (struct tag_request, key) },
  { .name = "value", .type = FIELD_STRING, .offset = offsetof (struct tag_request, value) },
};

static const struct schema tag_schema = SCHEMA (tag_fields, struct tag_request);
/* delete-tag takes the first two only. */
static const struct schema delete_tag_schema = { tag_fields, 2, sizeof (struct tag_request) };

enum err_code
api_experiment_set_tag (struct api_call *call, struct err *err)
{
  struct tag_request request;
  int64_t experiment_id;
  bool changed;
  enum err_code code = api_decode (&request, call, &tag_schema, err);

  if (ERR_OK == code)
    code = names_experiment_id (&experiment_id, request.experiment_id, err);
  if (ERR_OK == code)
    code = check_tag (request.key, request.value, call->arena, err);
  if (ERR_OK != code)
    return code;
  if (NULL == request.value.data)
    request.value = SLICE ("");
  code = store_experiment_set_tag (&changed, call->connection, experiment_id, request.key, request.value, err);
  return ERR_OK != code || changed ? code : api_experiment_not_active (call, experiment_id, err);
}

enum err_code
api_experiment_delete_tag (struct api_call *call, struct err *err)
{
  struct tag_request request;
  struct store_experiment experiment;
  struct result result = { NULL };
  int64_t experiment_id;
  bool changed;
  enum err_code code = api_decode (&request, call, &delete_tag_schema, err);

  if (ERR_OK == code)
    code = names_experiment_id (&experiment_id, request.experiment_id, err);
  if (ERR_OK != code)
    return code;
  code = store_experiment_delete_tag (&changed, call->connection, experiment_id, request.key, err);
  if (ERR_OK != code || changed)
    return code;
  code = store_experiment_get (&experiment, &result, call->connection, experiment_id, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code || (ERR_OK == code && experiment.deleted_at_ms.present))
    code = api_experiment_refused (err, experiment_id, ERR_OK == code);
  else if (ERR_OK == code)
    code = err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "No tag with name: %.*s in experiment with id %" PRId64,
                    SLICE_ARG (request.key), experiment_id);
  result_free (&result);
  return code;
}

struct search_request
{
  struct optional_int64 view_type;
  struct optional_int64 max_results;
  struct slices order_by;
  struct slice filter;
  struct slice page_token;
};

static const struct field search_fields[] = {
  { .name = "view_type",
    .type = FIELD_ENUM,
    .offset = offsetof (struct search_request, view_type),
    .names = search_view_names,
    .name_count = VIEW_COUNT },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct search_request, max_results) },
  { .name = "order_by", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, order_by) },
  { .name = "filter", .type = FIELD_STRING, .offset = offsetof (struct search_request, filter) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct search_request, page_token) },
};

static const struct schema search_schema = SCHEMA (search_fields, struct search_request);

static enum err_code
check_max_results (int64_t max_results, struct err *err)
{
  if (max_results <= 0)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be a positive integer",
                    max_results);
  if (max_results > SEARCH_MAX_RESULTS)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be at most %d",
                    max_results, SEARCH_MAX_RESULTS);
  return ERR_OK;
}

enum err_code
api_experiment_search (struct api_call *call, struct err *err)
{
  struct search_request request;
  struct experiment_page page = { .count = 0 };
  struct experiment_search search;
  int64_t account_id;
  int16_t fallback = 0;
  struct json_write w;
  enum err_code code = api_decode (&request, call, &search_schema, err);

  if (ERR_OK != code)
    return code;
  account_id = gate_visible_account (call, &fallback);
  search = (struct experiment_search){
    .workspace_id = call->pass->workspace_id,
    .account_id = account_id,
    .fallback = fallback,
    .view = request.view_type.present ? (enum search_view)request.view_type.value : VIEW_ACTIVE_ONLY,
    .filter = request.filter,
    .now_ms = clock_wall_ms (),
    .order_by = request.order_by.items,
    .order_by_count = request.order_by.count,
    .max_results = request.max_results.present ? request.max_results.value : SEARCH_DEFAULT_RESULTS,
    .page_token = request.page_token,
  };
  code = check_max_results (search.max_results, err);
  if (ERR_OK == code)
    code = experiment_search (&page, call->connection, &search, call->arena, err);
  if (ERR_OK != code)
    goto out;
  api_reply_start (&w, call);
  if (page.count > 0)
  {
    json_write_key (&w, "experiments");
    json_write_array (&w);
    for (size_t i = 0; i < page.count; i++)
      write_experiment (&w, &page.experiments[i], call);
    json_write_array_end (&w);
  }
  if (slice_filled (page.next_token))
    json_write_member_string (&w, "next_page_token", page.next_token);
  code = api_reply_end (&w, call, err);
out:
  result_free (&page.result);
  return code;
}
