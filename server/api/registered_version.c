/* Versions of a registered model with what speaks for them. Source: docs/api/promotion.md. */
#include "api/registered_version.h"

#include "api/approval.h"
#include "api/check_result.h"
#include "api/model_version_document.h"
#include "api/principal.h"
#include "api/promotion_gate.h"
#include "api/registry.h"

/* Checks and approvals of each version of a page are asked for one by one, so that a page is short. */
#define LIST_RESULTS 25
#define LIST_RESULTS_MAX 100

static enum err_code
write_evidence (struct json_write *w, struct api_call *call, const struct store_model_version *version, struct err *err)
{
  enum err_code code;

  json_write_key (w, "model_version");
  model_version_write (w, version, call->arena);
  code = check_result_write_newest (w, call, version->registered_model_id, version->version, err);
  return ERR_OK == code ? approval_write_all (w, call, version->registered_model_id, version->version, err) : code;
}

static enum err_code
get_work (struct store_connection *connection, void *context, struct err *err)
{
  struct api_call *call = context;
  struct store_model_version version;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = api_version_of_path (&version, &result, call, err);

  (void)connection;
  api_reply_start (&w, call);
  if (ERR_OK == code)
    code = write_evidence (&w, call, &version, err);
  if (ERR_OK == code)
    code = promotion_gate_write_state (&w, call, &version, err);
  result_free (&result);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

enum err_code
api_registered_version_get (struct api_call *call, struct err *err)
{
  return store_transaction (call->connection, STORE_SNAPSHOT, get_work, call, err);
}

struct list_request
{
  struct optional_int64 max_results;
  struct slice page_token;
};

static const struct field list_fields[] = {
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct list_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct list_request, page_token) },
};

static const struct schema list_schema = SCHEMA (list_fields, struct list_request);

struct listing
{
  struct api_call *call;
  struct principal_page page;
};

static enum err_code
write_versions (struct json_write *w, struct listing *listing, const struct result *result, struct err *err)
{
  struct api_call *call = listing->call;
  struct store_model_version version = { .version = 0 };
  size_t count = result_count (result);
  enum err_code code = ERR_OK;

  if (0 == count)
    return ERR_OK;
  json_write_key (w, "versions");
  json_write_array (w);
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)listing->page.most; i++)
  {
    code = result_row (&version, result, i, store_model_version_columns, STORE_MODEL_VERSION_COLUMNS, err);
    if (ERR_OK != code)
      break;
    json_write_object (w);
    code = write_evidence (w, call, &version, err);
    json_write_object_end (w);
  }
  json_write_array_end (w);
  if (ERR_OK == code && count > (size_t)listing->page.most)
    principal_page_write_number (w, version.version, call->arena);
  return code;
}

static enum err_code
list_work (struct store_connection *connection, void *context, struct err *err)
{
  struct listing *listing = context;
  struct api_call *call = listing->call;
  struct slice name = call->path_values[0];
  struct store_registered_model model;
  struct result model_result = { NULL };
  struct result result = { NULL };
  struct json_write w;
  enum err_code code =
      store_registered_model_get (&model, &model_result, connection, call->pass->workspace_id, name, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = api_registry_no_model (err, name);
  if (ERR_OK == code)
    code = store_model_version_page (&result, connection, model.registered_model_id,
                                     0 == listing->page.after_number ? INT64_MAX : listing->page.after_number,
                                     listing->page.most + 1, err);
  api_reply_start (&w, call);
  if (ERR_OK == code)
    code = write_versions (&w, listing, &result, err);
  result_free (&model_result);
  result_free (&result);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

enum err_code
api_registered_version_list (struct api_call *call, struct err *err)
{
  struct optional_int64 most = { true, LIST_RESULTS };
  struct listing listing = { .call = call };
  struct list_request request;
  enum err_code code = api_decode (&request, call, &list_schema, err);

  if (ERR_OK == code)
    code = principal_page_read (&listing.page, request.max_results.present ? &request.max_results : &most,
                                request.page_token, true, call->arena, err);
  if (ERR_OK == code && listing.page.most > LIST_RESULTS_MAX)
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value for parameter 'max_results' supplied: it must be from 1 to %d.", LIST_RESULTS_MAX);
  return ERR_OK == code ? store_transaction (call->connection, STORE_SNAPSHOT, list_work, &listing, err) : code;
}
