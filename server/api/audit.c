/* The audit trail. Source: docs/api/audit.md. */
#include "api/audit.h"

#include "api/principal.h"
#include "base/number.h"
#include "store/audit_list.h"

struct audit_request
{
  struct slice actor;
  struct slice action;
  struct slice object;
  struct optional_int64 refused;
  struct optional_int64 from_ms;
  struct optional_int64 to_ms;
  struct optional_int64 max_results;
  struct slice page_token;
};

static const struct field audit_fields[] = {
  { .name = "actor", .type = FIELD_STRING, .offset = offsetof (struct audit_request, actor) },
  { .name = "action", .type = FIELD_STRING, .offset = offsetof (struct audit_request, action) },
  { .name = "object", .type = FIELD_STRING, .offset = offsetof (struct audit_request, object) },
  { .name = "refused", .type = FIELD_BOOL, .offset = offsetof (struct audit_request, refused) },
  { .name = "from_ms", .type = FIELD_INT64, .offset = offsetof (struct audit_request, from_ms) },
  { .name = "to_ms", .type = FIELD_INT64, .offset = offsetof (struct audit_request, to_ms) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct audit_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct audit_request, page_token) },
};

static const struct schema audit_schema = SCHEMA (audit_fields, struct audit_request);

static void
write_entry (struct json_write *w, const struct store_audit *entry)
{
  char id[NUMBER_INT64_BYTES];

  number_format_int64 (id, entry->audit_id);
  json_write_object (w);
  json_write_member_text (w, "audit_id", id);
  json_write_member_int64 (w, "at_ms", entry->at_ms);
  json_write_member_string (w, "actor", entry->actor);
  if (entry->method >= 0 && entry->method < ACCESS_METHOD_COUNT)
    json_write_member_text (w, "method", access_method_name ((enum access_method)entry->method));
  if (0 != entry->token_id)
  {
    number_format_int64 (id, entry->token_id);
    json_write_member_text (w, "token_id", id);
  }
  json_write_member_string (w, "address", entry->address);
  json_write_member_string (w, "action", entry->action);
  json_write_member_string (w, "object", entry->object);
  json_write_member_bool (w, "refused", entry->refused);
  json_write_key (w, "detail");
  json_write_compact (w, entry->detail);
  json_write_member_int64 (w, "times", entry->times);
  json_write_object_end (w);
}

enum err_code
api_audit_list (struct api_call *call, struct err *err)
{
  struct audit_request request;
  struct store_audit_filter filter;
  struct principal_page page;
  struct store_audit entry;
  struct result result = { NULL };
  struct json_write w;
  size_t count = 0;
  enum err_code code = api_decode (&request, call, &audit_schema, err);

  if (ERR_OK == code)
    code = principal_page_read (&page, &request.max_results, request.page_token, true, call->arena, err);
  if (ERR_OK != code)
    return code;
  filter = (struct store_audit_filter){ .actor = request.actor,
                                        .action = request.action,
                                        .object = request.object,
                                        .refused = request.refused,
                                        .from_ms = request.from_ms,
                                        .to_ms = request.to_ms };
  code = store_audit_list (&result, call->connection, &filter, 0 == page.after_number ? INT64_MAX : page.after_number,
                           page.most + 1, err);
  if (ERR_OK == code)
    count = result_count (&result);
  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "entries");
    json_write_array (&w);
  }
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)page.most; i++)
  {
    code = result_row (&entry, &result, i, store_audit_columns, STORE_AUDIT_COLUMNS, err);
    if (ERR_OK == code)
      write_entry (&w, &entry);
  }
  if (count > 0)
    json_write_array_end (&w);
  if (ERR_OK == code && count > (size_t)page.most)
    principal_page_write_number (&w, entry.audit_id, call->arena);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}
