/* Results of checks on versions of registered models. Source: docs/api/check.md. */
#include "api/check_result.h"

#include "api/names.h"
#include "api/principal.h"
#include "api/registry.h"
#include "registry/evidence.h"
#include "store/model_version.h"

#include <strings.h>

/* Longest texts in characters. */
#define NAME_MAX_CHARACTERS 250
#define URL_MAX 2000
#define TEXT_MAX 5000
/* Newest results that a document of a version holds. */
#define DOCUMENT_CHECKS_MAX 1000

struct post_request
{
  struct slice name;
  struct optional_int64 status;
  struct optional_double value;
  struct slice url;
  struct slice text;
};

static const struct field post_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct post_request, name) },
  { .name = "status",
    .type = FIELD_ENUM,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct post_request, status),
    .names = check_status_names,
    .name_count = CHECK_STATUS_COUNT },
  { .name = "value", .type = FIELD_DOUBLE, .offset = offsetof (struct post_request, value) },
  { .name = "url", .type = FIELD_STRING, .flags = FIELD_EMPTY, .offset = offsetof (struct post_request, url) },
  { .name = "text", .type = FIELD_STRING, .flags = FIELD_EMPTY, .offset = offsetof (struct post_request, text) },
};

static const struct schema post_schema = SCHEMA (post_fields, struct post_request);

struct list_request
{
  struct optional_int64 all;
  struct optional_int64 max_results;
  struct slice page_token;
};

static const struct field list_fields[] = {
  { .name = "all", .type = FIELD_BOOL, .offset = offsetof (struct list_request, all) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct list_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct list_request, page_token) },
};

static const struct schema list_schema = SCHEMA (list_fields, struct list_request);

enum err_code
api_check_url (struct slice url, const char *what, struct err *err)
{
  if (0 == url.len || (url.len > 7 && 0 == strncasecmp (url.data, "http://", 7))
      || (url.len > 8 && 0 == strncasecmp (url.data, "https://", 8)))
    return names_check_length (url, what, URL_MAX, err);
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "'%s' must begin with http:// or https://.", what);
}

enum err_code
api_version_of_path (struct store_model_version *version, struct result *result, struct api_call *call, struct err *err)
{
  struct slice name = call->path_values[0];
  int64_t number;
  enum err_code code = api_registry_version (&number, name, call->path_values[1], err);

  if (ERR_OK != code)
    return code;
  code = store_model_version_get (version, result, call->connection, call->pass->workspace_id, name, number, err);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? api_registry_no_version (err, name, number) : code;
}

/* --- documents --------------------------------------------------------------------------------------------------- */

void
check_result_write (struct json_write *w, const struct store_check_result *check)
{
  json_write_object (w);
  json_write_member_int64 (w, "check_id", check->check_id);
  json_write_member_string (w, "name", check->name);
  json_write_member_text (w, "status", check_status_names[check->status]);
  if (check->has_value)
    json_write_member_double (w, "value", check->value);
  json_write_member_string (w, "url", check->url);
  json_write_member_string (w, "text", check->message);
  json_write_member_string (w, "actor", check->actor);
  json_write_member_bool (w, "claimed", 0 == check->account_id);
  json_write_member_int64 (w, "created_at", check->created_at_ms);
  json_write_object_end (w);
}

/* Write "checks" from rows, at most `most` of them; `last` is the last one written. */
static enum err_code
write_rows (struct json_write *w, struct store_check_result *last, const struct result *result, size_t most,
            struct err *err)
{
  enum err_code code = ERR_OK;

  if (0 == result_count (result))
    return ERR_OK;
  json_write_key (w, "checks");
  json_write_array (w);
  for (size_t i = 0; ERR_OK == code && i < result_count (result) && i < most; i++)
  {
    code = result_row (last, result, i, store_check_result_columns, STORE_CHECK_RESULT_COLUMNS, err);
    if (ERR_OK == code)
      check_result_write (w, last);
  }
  json_write_array_end (w);
  return code;
}

enum err_code
check_result_write_newest (struct json_write *w, struct api_call *call, int64_t registered_model_id, int64_t version,
                           struct err *err)
{
  struct store_check_result last;
  struct result result = { NULL };
  enum err_code code = store_check_newest (&result, call->connection, registered_model_id, version,
                                           (struct slice){ NULL, 0 }, DOCUMENT_CHECKS_MAX, err);

  if (ERR_OK == code)
    code = write_rows (w, &last, &result, DOCUMENT_CHECKS_MAX, err);
  result_free (&result);
  return code;
}

/* --- routes ------------------------------------------------------------------------------------------------------ */

static enum err_code
read_post (struct registry_evidence *evidence, struct api_call *call, struct err *err)
{
  struct post_request request;
  enum err_code code = api_decode (&request, call, &post_schema, err);

  if (ERR_OK == code)
    code = names_check_length (request.name, "name", NAME_MAX_CHARACTERS, err);
  if (ERR_OK == code)
    code = api_check_url (request.url, "url", err);
  if (ERR_OK == code)
    code = names_check_length (request.text, "text", TEXT_MAX, err);
  if (ERR_OK == code)
    evidence->check = (struct store_check_result){ .name = request.name,
                                                   .status = (int16_t)request.status.value,
                                                   .has_value = request.value.present,
                                                   .value = request.value.value,
                                                   .url = NULL == request.url.data ? SLICE ("") : request.url,
                                                   .message = NULL == request.text.data ? SLICE ("") : request.text };
  return code;
}

enum err_code
api_check_post (struct api_call *call, struct err *err)
{
  struct registry_evidence evidence = { .model = call->path_values[0] };
  struct registry_actor actor;
  struct registry_change change;
  struct json_write w;
  enum err_code code = api_registry_version (&evidence.version, evidence.model, call->path_values[1], err);

  if (ERR_OK == code)
    code = read_post (&evidence, call, err);
  if (ERR_OK != code)
    return code;
  api_registry_begin (&change, &actor, call);
  code = api_registry_run (&change, call, registry_check_post, &evidence, err);
  if (ERR_OK != code)
    return code;
  api_reply_start (&w, call);
  json_write_key (&w, "check");
  check_result_write (&w, &evidence.check);
  return api_reply_end (&w, call, err);
}

enum err_code
api_check_list (struct api_call *call, struct err *err)
{
  struct list_request request;
  struct principal_page page;
  struct store_model_version version;
  struct store_check_result last;
  struct result result = { NULL };
  struct result checks = { NULL };
  struct json_write w;
  bool all;
  enum err_code code = api_decode (&request, call, &list_schema, err);

  all = ERR_OK == code && 1 == request.all.value;
  if (ERR_OK == code)
    code = principal_page_read (&page, &request.max_results, request.page_token, all, call->arena, err);
  if (ERR_OK == code)
    code = api_version_of_path (&version, &result, call, err);
  if (ERR_OK == code)
    code = all ? store_check_all (&checks, call->connection, version.registered_model_id, version.version,
                                  0 == page.after_number ? INT64_MAX : page.after_number, page.most + 1, err)
               : store_check_newest (&checks, call->connection, version.registered_model_id, version.version,
                                     page.after, page.most + 1, err);
  api_reply_start (&w, call);
  if (ERR_OK == code)
    code = write_rows (&w, &last, &checks, (size_t)page.most, err);
  if (ERR_OK == code && result_count (&checks) > (size_t)page.most && all)
    principal_page_write_number (&w, last.check_id, call->arena);
  else if (ERR_OK == code && result_count (&checks) > (size_t)page.most)
    principal_page_write (&w, last.name, call->arena);
  result_free (&checks);
  result_free (&result);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}
