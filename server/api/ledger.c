/* The ledger of the model registry: its entries, newest first, and its signed end. Source: docs/api/ledger.md. */
#include "api/ledger.h"

#include "api/principal.h"
#include "api/registry.h"
#include "artifact/sign.h"
#include "base/clock.h"
#include "base/instant.h"
#include "base/number.h"
#include "registry/checkpoint.h"

#include <openssl/evp.h>

#define SIGNATURE_BYTES 64
#define SIGNATURE_TEXT_BYTES 89
#define CHECKPOINT_MAX_BYTES 4096

struct ledger_request
{
  struct slice model;
  struct optional_int64 version;
  struct slice alias;
  struct slice action;
  struct slice actor;
  struct slice from;
  struct slice to;
  struct optional_int64 max_results;
  struct slice page_token;
};

static const struct field ledger_fields[] = {
  { .name = "model", .type = FIELD_STRING, .offset = offsetof (struct ledger_request, model) },
  { .name = "version", .type = FIELD_INT64, .offset = offsetof (struct ledger_request, version) },
  { .name = "alias", .type = FIELD_STRING, .offset = offsetof (struct ledger_request, alias) },
  { .name = "action", .type = FIELD_STRING, .offset = offsetof (struct ledger_request, action) },
  { .name = "actor", .type = FIELD_STRING, .offset = offsetof (struct ledger_request, actor) },
  { .name = "from", .type = FIELD_STRING, .offset = offsetof (struct ledger_request, from) },
  { .name = "to", .type = FIELD_STRING, .offset = offsetof (struct ledger_request, to) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct ledger_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct ledger_request, page_token) },
};

static const struct schema ledger_schema = SCHEMA (ledger_fields, struct ledger_request);

static enum err_code
read_time (struct optional_int64 *time, const char *name, struct slice text, struct err *err)
{
  time->present = NULL != text.data;
  if (! time->present || instant_parse (text, &time->value))
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid value for parameter '%s' supplied: '%.*s' is neither a number of milliseconds nor a time "
                  "such as 2026-01-31T12:30:00Z.",
                  name, SLICE_ARG (text));
}

static enum err_code
read_request (struct store_ledger_filter *filter, struct principal_page *page, struct api_call *call, struct err *err)
{
  struct ledger_request request;
  enum err_code code = api_decode (&request, call, &ledger_schema, err);

  if (ERR_OK != code)
    return code;
  *filter = (struct store_ledger_filter){ .workspace_id = call->pass->workspace_id,
                                          .model = request.model,
                                          .version = request.version,
                                          .alias = request.alias,
                                          .action = request.action,
                                          .actor = request.actor };
  code = read_time (&filter->from_ms, "from", request.from, err);
  if (ERR_OK == code)
    code = read_time (&filter->to_ms, "to", request.to, err);
  return ERR_OK == code ? principal_page_read (page, &request.max_results, request.page_token, true, call->arena, err)
                        : code;
}

/* An entry: what its content says, between its number and its hashes. The content is an object with members. */
static void
write_entry (struct json_write *w, const struct store_ledger_entry *entry)
{
  char text[DIGEST_TEXT_BYTES];

  json_write_object (w);
  json_write_member_int64 (w, "entry", entry->entry);
  json_write_member_int64 (w, "at", entry->at_ms);
  buffer_byte (w->out, ',');
  buffer_append (w->out, entry->content.data + 1, entry->content.len - 2);
  digest_format (text, &entry->sha256);
  json_write_member_text (w, "sha256", text);
  digest_format (text, &entry->previous);
  json_write_member_text (w, "previous_sha256", text);
  json_write_object_end (w);
}

static enum err_code
reply_page (struct api_call *call, const struct store_ledger_filter *filter, const struct principal_page *page,
            struct err *err)
{
  struct store_ledger_entry entry;
  struct result result = { NULL };
  struct json_write w;
  size_t count = 0;
  enum err_code code = store_ledger_list (
      &result, call->connection, filter, 0 == page->after_number ? INT64_MAX : page->after_number, page->most + 1, err);

  if (ERR_OK == code)
    count = result_count (&result);
  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "entries");
    json_write_array (&w);
  }
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)page->most; i++)
  {
    code = result_row (&entry, &result, i, store_ledger_columns, STORE_LEDGER_COLUMNS, err);
    if (ERR_OK == code)
      write_entry (&w, &entry);
    if (ERR_OK == code)
      code = api_reply_check (call, err);
  }
  if (count > 0)
    json_write_array_end (&w);
  if (ERR_OK == code && count > (size_t)page->most)
    principal_page_write_number (&w, entry.entry, call->arena);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}

enum err_code
api_ledger_list (struct api_call *call, struct err *err)
{
  struct store_ledger_filter filter;
  struct principal_page page;
  enum err_code code = read_request (&filter, &page, call, err);

  if (ERR_OK != code)
    return code;
  filter.account_id = gate_visible_account (call, &filter.fallback);
  return reply_page (call, &filter, &page, err);
}

enum err_code
api_ledger_identify (struct store_ledger_identity *identity, struct api_call *call, struct slice name, int64_t entry,
                     struct err *err)
{
  struct err refusal = { 0 };
  enum err_code code = store_ledger_identify (identity, call->connection, call->pass->workspace_id, name, entry, err);

  if (ERR_OK == code && ! identity->is_there)
  {
    code = gate_require_workspace (call, call->pass->workspace, PERMISSION_MANAGE, &refusal);
    if (ERR_OK != code && ERR_PERMISSION_DENIED != code && ERR_RESOURCE_DOES_NOT_EXIST != code)
      *err = refusal;
    else if (ERR_OK != code)
      code = ERR_RESOURCE_DOES_NOT_EXIST;
  }
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? api_registry_no_model (err, name) : code;
}

enum err_code
api_ledger_of_model (struct api_call *call, struct err *err)
{
  struct store_ledger_filter filter;
  struct store_ledger_identity identity;
  struct principal_page page;
  enum err_code code = read_request (&filter, &page, call, err);

  if (ERR_OK == code)
    code = api_ledger_identify (&identity, call, call->path_values[0], INT64_MAX, err);
  if (ERR_OK != code)
    return code;
  filter.registered_model_id = identity.registered_model_id;
  return reply_page (call, &filter, &page, err);
}

enum err_code
api_ledger_checkpoint (struct api_call *call, struct err *err)
{
  unsigned char signature[SIGNATURE_BYTES];
  char text[SIGNATURE_TEXT_BYTES];
  char key[NUMBER_INT64_BYTES];
  struct store_ledger_head head;
  struct buffer document;
  struct json_write w;
  int64_t key_id = 0;
  enum err_code code = store_ledger_head (&head, call->connection, err);

  if (ERR_OK != code)
    return code;
  buffer_init (&document, CHECKPOINT_MAX_BYTES);
  registry_checkpoint_write (&document, &head, clock_wall_ms ());
  code = document.failed ? err_set (err, ERR_INTERNAL_ERROR, "out of memory")
                         : artifact_sign_document (signature, &key_id, call->service->signing_keys, call->connection,
                                                   buffer_slice (&document), err);
  if (ERR_OK == code)
  {
    (void)EVP_EncodeBlock ((unsigned char *)text, signature, sizeof (signature));
    number_format_int64 (key, key_id);
    api_reply_start (&w, call);
    json_write_member_string (&w, "document", buffer_slice (&document));
    json_write_member_text (&w, "signature", text);
    json_write_member_text (&w, "algorithm", "Ed25519");
    json_write_member_text (&w, "key_id", key);
    code = api_reply_end (&w, call, err);
  }
  buffer_free (&document);
  return code;
}
