/* What a registered model and its aliases were at a time. Source: docs/api/ledger.md. */
#include "api/ledger.h"

#include "api/principal.h"
#include "api/registry.h"
#include "base/clock.h"
#include "base/instant.h"
#include "base/json_tree.h"
#include "registry/state.h"

#include <inttypes.h>

struct state_request
{
  struct slice at;
  struct optional_int64 entry;
  struct optional_int64 max_results;
  struct slice page_token;
};

static const struct field state_fields[] = {
  { .name = "at", .type = FIELD_STRING, .offset = offsetof (struct state_request, at) },
  { .name = "entry", .type = FIELD_INT64, .offset = offsetof (struct state_request, entry) },
  { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct state_request, max_results) },
  { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct state_request, page_token) },
};

static const struct schema state_schema = SCHEMA (state_fields, struct state_request);

/* The place in the ledger that a request means: a time, an entry, or now. */
static enum err_code
read_place (struct store_ledger_place *place, struct api_call *call, const struct state_request *request,
            struct err *err)
{
  int64_t at_ms = INT64_MAX;
  enum err_code code;

  if (NULL != request->at.data && request->entry.present)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Give one of 'at' and 'entry', not both.");
  if (request->entry.present)
  {
    code = store_ledger_place_of (place, call->connection, request->entry.value, err);
    return ERR_RESOURCE_DOES_NOT_EXIST == code
               ? err_set (err, code, "The ledger has no entry %" PRId64, request->entry.value)
               : code;
  }
  if (NULL != request->at.data && ! instant_parse (request->at, &at_ms))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value for parameter 'at' supplied: '%.*s' is neither a number of milliseconds nor a time "
                    "such as 2026-01-31T12:30:00Z.",
                    SLICE_ARG (request->at));
  return store_ledger_place_at (place, call->connection, at_ms, err);
}

static void
write_tree (struct json_write *w, const char *name, const json_t *tree)
{
  json_write_key (w, name);
  json_tree_write (w, tree);
}

static void
write_place (struct json_write *w, const struct store_ledger_place *place)
{
  json_write_key (w, "as_of");
  json_write_object (w);
  json_write_member_int64 (w, "entry", place->entry);
  json_write_member_int64 (w, "at", place->at_ms);
  json_write_object_end (w);
}

static enum err_code
reply_state (struct api_call *call, const struct registry_state *state, const struct store_ledger_place *place,
             bool is_there, struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  write_place (&w, place);
  if (! is_there)
    json_write_member_bool (&w, "deleted_since", true);
  write_tree (&w, "registered_model", state->model);
  if (json_array_size (state->versions) > 0)
    write_tree (&w, "versions", state->versions);
  if (json_array_size (state->gates) > 0)
    write_tree (&w, "gates", state->gates);
  if (0 != state->next_before)
    principal_page_write_number (&w, state->next_before, call->arena);
  return api_reply_end (&w, call, err);
}

static enum err_code
not_there (struct err *err, struct slice name, const struct store_ledger_place *place)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST,
                  "Registered Model with name=%.*s not found as of entry %" PRId64 " of the ledger", SLICE_ARG (name),
                  place->entry);
}

enum err_code
api_ledger_state (struct api_call *call, struct err *err)
{
  struct slice name = call->path_values[0];
  struct state_request request;
  struct principal_page page;
  struct store_ledger_place place;
  struct store_ledger_identity identity;
  struct registry_state state;
  enum err_code code = api_decode (&request, call, &state_schema, err);

  if (ERR_OK == code)
    code = principal_page_read (&page, &request.max_results, request.page_token, true, call->arena, err);
  if (ERR_OK == code)
    code = read_place (&place, call, &request, err);
  if (ERR_OK == code)
    code = api_ledger_identify (&identity, call, name, place.entry, err);
  if (ERR_OK != code)
    return code;
  code = registry_state_read (
      &state, call->connection,
      &(const struct registry_state_query){ .workspace_id = call->pass->workspace_id,
                                            .registered_model_id = identity.registered_model_id,
                                            .entry = place.entry,
                                            .before = 0 == page.after_number ? INT64_MAX : page.after_number,
                                            .most = page.most },
      err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = not_there (err, name, &place);
  if (ERR_OK == code)
    code = reply_state (call, &state, &place, identity.is_there, err);
  registry_state_free (&state);
  return code;
}

/* --- one alias ---------------------------------------------------------------------------------------------------- */

/* Members of the entry that tell who moved it and why. */
static void
write_origin (struct json_write *w, const struct store_ledger_alias *alias, struct api_call *call)
{
  static const char *const members[] = { "action", "actor", "claimed", "reason", "run_url", "forced" };
  json_t *content = json_tree_load (NULL, alias->content, 0, NULL);

  if (NULL == content)
    arena_fail (call->arena);
  for (size_t i = 0; i < sizeof (members) / sizeof (members[0]); i++)
  {
    const json_t *value = json_object_get (content, members[i]);

    if (NULL == value)
      continue;
    json_write_key (w, members[i]);
    json_tree_write (w, value);
  }
  json_decref (content);
}

static enum err_code
reply_alias (struct api_call *call, const struct store_ledger_alias *alias, const struct store_ledger_place *place,
             struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  write_place (&w, place);
  json_write_member_string (&w, "alias", alias->alias);
  json_write_member_int64 (&w, "version", alias->version);
  json_write_member_int64 (&w, "entry", alias->entry);
  json_write_member_int64 (&w, "since", alias->at_ms);
  write_origin (&w, alias, call);
  return api_reply_end (&w, call, err);
}

enum err_code
api_ledger_alias (struct api_call *call, struct err *err)
{
  struct slice name = call->path_values[0];
  struct slice wanted = call->path_values[1];
  struct state_request request;
  struct store_ledger_place place;
  struct store_ledger_identity identity;
  struct store_ledger_alias alias;
  struct result result = { NULL };
  enum err_code code = api_decode (&request, call, &state_schema, err);

  if (ERR_OK == code)
    code = read_place (&place, call, &request, err);
  if (ERR_OK == code)
    code = api_ledger_identify (&identity, call, name, place.entry, err);
  if (ERR_OK == code)
    code =
        store_ledger_alias (&alias, &result, call->connection, identity.registered_model_id, wanted, place.entry, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code && ERR_OK == err->code)
    code = err_set (err, code, "Registered model alias %.*s not found as of entry %" PRId64 " of the ledger.",
                    SLICE_ARG (wanted), place.entry);
  if (ERR_OK == code)
    code = reply_alias (call, &alias, &place, err);
  result_free (&result);
  return code;
}
