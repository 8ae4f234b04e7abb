/* Searches of registered models and of their versions. */
#include "search/registered_model_search.h"
#include "api/gate.h"
#include "api/model_version_document.h"
#include "api/registered_model.h"
#include "api/registered_model_document.h"
#include "base/clock.h"
#include "search/model_version_search.h"

#include <inttypes.h>

/* MLflow's caps and defaults (mlflow/store/model_registry/__init__.py, and the message of its protocol for versions).
 */
#define MODELS_MAX 1000
#define MODELS_DEFAULT 100
#define VERSIONS_MAX 200000
#define VERSIONS_DEFAULT VERSIONS_MAX

struct search_request
{
  struct slice filter;
  struct optional_int64 max_results;
  struct slices order_by;
  struct slice page_token;
};

static const struct field search_fields[] = {
  { .name = "filter", .type = FIELD_STRING, .offset = offsetof (struct search_request, filter) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct search_request, max_results) },
  { .name = "order_by", .type = FIELD_STRINGS, .offset = offsetof (struct search_request, order_by) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct search_request, page_token) },
};

static const struct schema search_schema = SCHEMA (search_fields, struct search_request);

static enum err_code
decode_search (struct search_request *request, struct api_call *call, int64_t fallback, int64_t most, struct err *err)
{
  enum err_code code = api_decode (request, call, &search_schema, err);

  if (ERR_OK != code)
    return code;
  if (! request->max_results.present)
    request->max_results.value = fallback;
  if (request->max_results.value <= 0)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be a positive integer",
                    request->max_results.value);
  if (request->max_results.value > most)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be at most %" PRId64,
                    request->max_results.value, most);
  return ERR_OK;
}

static struct registry_scope
scope_of (struct api_call *call)
{
  struct registry_scope scope = { .workspace_id = call->pass->workspace_id };

  scope.account_id = gate_visible_account (call, &scope.fallback);
  return scope;
}

/* What a search reads comes from one snapshot. */
struct hunt
{
  struct api_call *call;
  const struct search_request *request;
  struct registry_scope scope;
};

static enum err_code
write_models (struct api_call *call, const struct registered_model_page *page, struct err *err)
{
  struct registered_model_whole *wholes = arena_array (call->arena, page->count, sizeof (*wholes));
  struct json_write w;
  enum err_code code = ERR_OK;

  if (NULL == wholes)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < page->count; i++)
    wholes[i] = (struct registered_model_whole){ page->models[i].model, page->models[i].aliases };
  api_reply_start (&w, call);
  if (page->count > 0)
  {
    json_write_key (&w, "registered_models");
    json_write_array (&w);
    code = registered_model_write (&w, wholes, page->count, call, err);
    json_write_array_end (&w);
  }
  if (slice_filled (page->next_token))
    json_write_member_string (&w, "next_page_token", page->next_token);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

static enum err_code
models_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct hunt *hunt = context;
  const struct search_request *request = hunt->request;
  const struct registered_model_search search = { .scope = hunt->scope,
                                                  .filter = request->filter,
                                                  .now_ms = clock_wall_ms (),
                                                  .order_by = request->order_by.items,
                                                  .order_by_count = request->order_by.count,
                                                  .max_results = request->max_results.value,
                                                  .page_token = request->page_token };
  struct registered_model_page page;
  enum err_code code = registered_model_search (&page, connection, &search, hunt->call->arena, err);

  buffer_clear (&hunt->call->reply);
  if (ERR_OK == code)
    code = write_models (hunt->call, &page, err);
  result_free (&page.result);
  return code;
}

enum err_code
api_registered_model_search (struct api_call *call, struct err *err)
{
  struct search_request request;
  struct hunt hunt = { .call = call, .request = &request };
  enum err_code code = decode_search (&request, call, MODELS_DEFAULT, MODELS_MAX, err);

  hunt.scope = scope_of (call);
  return ERR_OK == code ? store_transaction (call->connection, STORE_SNAPSHOT, models_work, &hunt, err) : code;
}

/* Write the page; it also ends where half of what an answer may have is used: one more version always fits then. */
static enum err_code
write_versions (struct api_call *call, const struct model_version_page *page, struct err *err)
{
  size_t enough = (size_t)call->service->config->max_response_bytes / 2;
  size_t written = 0;
  struct json_write w;
  struct slice token;

  api_reply_start (&w, call);
  if (page->count > 0)
  {
    json_write_key (&w, "model_versions");
    json_write_array (&w);
    while (written < page->count
           && (0 == written || (call->reply.len < enough && arena_used_bytes (call->arena) < enough)))
      model_version_write (&w, &page->versions[written++].version, call->arena);
    json_write_array_end (&w);
  }
  token = model_version_page_token (page, written, call->arena);
  if (slice_filled (token))
    json_write_member_string (&w, "next_page_token", token);
  return api_reply_end (&w, call, err);
}

static enum err_code
versions_work (struct store_connection *connection, void *context, struct err *err)
{
  const struct hunt *hunt = context;
  const struct search_request *request = hunt->request;
  const struct model_version_search search = { .scope = hunt->scope,
                                               .filter = request->filter,
                                               .now_ms = clock_wall_ms (),
                                               .order_by = request->order_by.items,
                                               .order_by_count = request->order_by.count,
                                               .max_results = request->max_results.value,
                                               .page_token = request->page_token };
  struct model_version_page page;
  enum err_code code = model_version_search (&page, connection, &search, hunt->call->arena, err);

  buffer_clear (&hunt->call->reply);
  if (ERR_OK == code)
    code = write_versions (hunt->call, &page, err);
  result_free (&page.result);
  return code;
}

enum err_code
api_model_version_search (struct api_call *call, struct err *err)
{
  struct search_request request;
  struct hunt hunt = { .call = call, .request = &request };
  enum err_code code = decode_search (&request, call, VERSIONS_DEFAULT, VERSIONS_MAX, err);

  hunt.scope = scope_of (call);
  return ERR_OK == code ? store_transaction (call->connection, STORE_SNAPSHOT, versions_work, &hunt, err) : code;
}
