/* Approvals of versions of registered models. Source: docs/api/check.md. */
#include "api/approval.h"

#include "api/check_result.h"
#include "api/names.h"
#include "api/registry.h"
#include "registry/evidence.h"
#include "store/model_version.h"

/* Longest comment in characters. */
#define COMMENT_MAX 5000

struct approval_request
{
  struct slice comment;
};

static const struct field approval_fields[] = {
  { .name = "comment",
    .type = FIELD_STRING,
    .flags = FIELD_EMPTY,
    .offset = offsetof (struct approval_request, comment) },
};

static const struct schema approval_schema = SCHEMA (approval_fields, struct approval_request);

static void
write_approval (struct json_write *w, const struct store_approval *approval)
{
  json_write_object (w);
  json_write_member_string (w, "actor", approval->actor);
  json_write_member_bool (w, "claimed", 0 == approval->account_id);
  json_write_member_string (w, "comment", approval->comment);
  json_write_member_int64 (w, "created_at", approval->created_at_ms);
  json_write_object_end (w);
}

enum err_code
approval_write_all (struct json_write *w, struct api_call *call, int64_t registered_model_id, int64_t version,
                    struct err *err)
{
  struct store_approval approval;
  struct result result = { NULL };
  enum err_code code = store_approval_list (&result, call->connection, registered_model_id, version, err);
  size_t count = ERR_OK == code ? result_count (&result) : 0;

  if (count > 0)
  {
    json_write_key (w, "approvals");
    json_write_array (w);
  }
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = result_row (&approval, &result, i, store_approval_columns, STORE_APPROVAL_COLUMNS, err);
    if (ERR_OK == code)
      write_approval (w, &approval);
  }
  if (count > 0)
    json_write_array_end (w);
  result_free (&result);
  return code;
}

enum err_code
api_approval_give (struct api_call *call, struct err *err)
{
  struct registry_evidence evidence = { .model = call->path_values[0] };
  struct approval_request request;
  struct registry_actor actor;
  struct registry_change change;
  struct json_write w;
  enum err_code code = api_registry_version (&evidence.version, evidence.model, call->path_values[1], err);

  if (ERR_OK == code)
    code = api_decode (&request, call, &approval_schema, err);
  if (ERR_OK == code)
    code = names_check_length (request.comment, "comment", COMMENT_MAX, err);
  if (ERR_OK != code)
    return code;
  evidence.approval.comment = NULL == request.comment.data ? SLICE ("") : request.comment;
  api_registry_begin (&change, &actor, call);
  code = api_registry_run (&change, call, registry_approval_give, &evidence, err);
  if (ERR_OK != code)
    return code;
  api_reply_start (&w, call);
  json_write_key (&w, "approval");
  write_approval (&w, &evidence.approval);
  return api_reply_end (&w, call, err);
}

enum err_code
api_approval_list (struct api_call *call, struct err *err)
{
  struct store_model_version version;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = api_version_of_path (&version, &result, call, err);

  api_reply_start (&w, call);
  if (ERR_OK == code)
    code = approval_write_all (&w, call, version.registered_model_id, version.version, err);
  result_free (&result);
  return ERR_OK == code ? api_reply_end (&w, call, err) : code;
}

enum err_code
api_approval_withdraw (struct api_call *call, struct err *err)
{
  struct registry_evidence evidence = { .model = call->path_values[0] };
  struct registry_actor actor;
  struct registry_change change;
  enum err_code code = api_registry_version (&evidence.version, evidence.model, call->path_values[1], err);

  if (ERR_OK != code)
    return code;
  api_registry_begin (&change, &actor, call);
  return api_registry_run (&change, call, registry_approval_withdraw, &evidence, err);
}
