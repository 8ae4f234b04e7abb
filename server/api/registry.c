/* What the routes of the model registry share. */
#include "api/registry.h"

#include "access/access.h"
#include "access/credential.h"
#include "api/check_result.h"
#include "api/gate_judge.h"
#include "api/names.h"
#include "api/route.h"
#include "base/log.h"
#include "base/number.h"
#include "base/stats.h"
#include "base/utf8.h"
#include "ingest/metric_flush.h"
#include "store/model_version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

/* Longest name and alias in characters: the columns of MLflow's database. */
#define MODEL_NAME_MAX 256
#define ALIAS_MAX 255
#define DESCRIPTION_MAX 5000
/* Longest reason of a change in characters: as long as a description. */
#define REASON_MAX 5000
/* What is kept of headers: a name of an account, an address as long as a run_link, and what clients call themselves. */
#define ACTOR_MAX_BYTES 255
#define RUN_URL_MAX_BYTES 500
#define CLIENT_MAX_BYTES 200
/* Longest request, and list of what was missing, that the audit trail keeps of a refusal: a promotion of
   REGISTRY_MOVES_MAX aliases with a reason fits. The trail takes some hundred at a time (ACCESS_REFUSALS_MAX). */
#define REFUSAL_MAX_BYTES ((size_t)8 * 1024)

/* A header as text for the ledger: cut between characters, without control characters, and of what is no UTF-8 only the
   ASCII. In the arena. */
static struct slice
printable (struct slice text, size_t most, struct arena *arena)
{
  size_t length = text.len < most ? text.len : most;
  bool is_utf8 = NULL != text.data && utf8_valid (text);
  char *copy;

  while (is_utf8 && length < text.len && length > 0 && 0x80 == ((unsigned char)text.data[length] & 0xC0))
    length--;
  copy = arena_copy (arena, NULL == text.data ? "" : text.data, length);
  for (size_t i = 0; NULL != copy && i < length; i++)
  {
    unsigned char byte = (unsigned char)copy[i];

    if (byte < ' ' || 0x7F == byte || (byte > 0x7F && ! is_utf8))
      copy[i] = '?';
  }
  return (struct slice){ copy, NULL == copy ? 0 : length };
}

/* Who the client says that he is, where nobody is asked. */
static struct slice
claimed_name (struct api_call *call)
{
  const struct gate_headers *headers = call->credentials;
  struct credential credential;

  if (headers->actor.len > 0)
    return printable (headers->actor, ACTOR_MAX_BYTES, call->arena);
  if (ERR_OK
          == credential_read (&credential, headers->authorization, (struct slice){ NULL, 0 }, (struct slice){ NULL, 0 },
                              (struct slice){ NULL, 0 }, call->arena, NULL)
      && CREDENTIAL_PASSWORD == credential.kind)
    return printable (credential.username, ACTOR_MAX_BYTES, call->arena);
  return SLICE ("");
}

void
api_registry_begin (struct registry_change *change, struct registry_actor *actor, struct api_call *call)
{
  const struct gate_pass *pass = call->pass;
  const struct gate_headers *headers = call->credentials;

  *actor =
      (struct registry_actor){ .name = access_is_on (call->service->access) ? pass->who.username : claimed_name (call),
                               .account_id = pass->who.account_id,
                               .method = slice_of (access_method_name (pass->who.method)),
                               .address = headers->address,
                               .client = printable (headers->client, CLIENT_MAX_BYTES, call->arena) };
  *change = (struct registry_change){ .connection = call->connection,
                                      .arena = call->arena,
                                      .metric_keys = call->service->metrics->keys,
                                      .actor = actor,
                                      .workspace_id = pass->workspace_id,
                                      .may_promote = gate_suffices (pass->rights, PERMISSION_PROMOTE),
                                      .may_force = gate_suffices (pass->rights, PERMISSION_FORCE) };
  if (headers->run_url.len > 0)
    change->run_url = printable (headers->run_url, RUN_URL_MAX_BYTES, call->arena);
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

/* What was asked, as JSON text that the caller frees; NULL: it is too long, or holds U+0000 in what nobody reads, which
   jsonb cannot store. */
static char *
request_text (const struct api_call *call)
{
  char *text = call->body.len + call->query.len > REFUSAL_MAX_BYTES ? NULL : json_dumps (call->arguments, JSON_COMPACT);

  if (NULL != text && NULL != strstr (text, "\\u0000"))
  {
    free (text);
    text = NULL;
  }
  return text;
}

/* What was asked, why not, and from where: for whoever audits. In the arena; absent when memory is out. */
static struct slice
refusal_detail (const struct registry_change *change, const struct api_call *call, const struct err *err)
{
  const struct slice lists[] = { change->missing, change->current };
  static const char *const names[] = { "missing", "current" };
  char *request = request_text (call);
  struct registry_object object;
  struct json_write *w = &object.w;

  registry_object_begin (&object);
  json_write_member_text (w, "why", err->message);
  for (size_t i = 0; i < sizeof (lists) / sizeof (lists[0]); i++)
    if (NULL != lists[i].data && lists[i].len <= REFUSAL_MAX_BYTES)
      json_write_member_raw (w, names[i], lists[i]);
  if (NULL != request)
    json_write_member_raw (w, "request", slice_of (request));
  if (NULL != change->run_url.data)
    json_write_member_string (w, "run_url", change->run_url);
  json_write_member_string (w, "client", change->actor->client);
  json_write_member_bool (w, "claimed", 0 == change->actor->account_id);
  free (request);
  return registry_object_end (&object, change);
}

/* Count, log and note in the audit trail that rules of the registry refused a change. None of it waits, and nothing of
   it can fail in a way that the answer would know: a refusal stays one. */
static void
note_refusal (const struct registry_change *change, const struct api_call *call, struct slice object,
              const struct err *err)
{
  const char *action =
      arena_printf (call->arena, "%s %s", route_method_name (call->route->method), route_name (call->route));
  struct store_audit entry = gate_audit_entry (call, action, object);

  stats_add (&stats.registry_refused, 1);
  entry.actor = change->actor->name;
  entry.detail = refusal_detail (change, call, err);
  log_line (EVENT_registry_refused, LOG_SLICE ("actor", entry.actor), LOG_SLICE ("address", entry.address),
            LOG_TEXT ("action", action), LOG_SLICE ("object", object), LOG_TEXT ("why", err->message));
  if (arena_overflowed (call->arena))
    stats_add (&stats.audit_dropped, 1);
  else
    access_note_refusal (call->service->access, &entry);
}

enum err_code
api_registry_explain (struct registry_change *change, struct slice reason, struct slice run_url,
                      struct optional_int64 force, struct err *err)
{
  enum err_code code = names_check_length (reason, "reason", REASON_MAX, err);

  if (ERR_OK == code)
    code = api_check_url (run_url, "run_url", err);
  if (slice_filled (reason))
    change->reason = reason;
  if (slice_filled (run_url))
    change->run_url = run_url;
  change->forces = force.present && 1 == force.value;
  return code;
}

enum err_code
api_registry_run (struct registry_change *change, struct api_call *call, registry_work *work, void *context,
                  struct err *err)
{
  enum err_code code = registry_change_run (change, work, context, err);
  struct slice object = change->object;

  if (ERR_OK != code && NULL != change->missing.data)
    call->err_members = slice_of (arena_printf (call->arena, "\"missing\":%.*s", SLICE_ARG (change->missing)));
  else if (ERR_OK != code && NULL != change->current.data)
    call->err_members = slice_of (arena_printf (call->arena, "\"current\":%.*s", SLICE_ARG (change->current)));
  if (ERR_OK != code && NULL == object.data && NULL != change->model.data)
    object = slice_of (arena_printf (call->arena, "registered-model:%.*s", SLICE_ARG (change->model)));
  /* A gate wants more than the route does. */
  if (ERR_PERMISSION_DENIED == code)
    gate_note_refusal (call, err, object);
  /* One with a cause is none of the registry's: two transactions were in each other's way. */
  if (ERR_RESOURCE_CONFLICT == code && '\0' == err->cause[0])
    note_refusal (change, call, object, err);
  return code;
}

static bool
is_blank (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
    if (NULL == memchr (" \t\r\n\v\f", text.data[i], 6))
      return false;
  return true;
}

enum err_code
api_registry_check_name (struct slice name, const char *parameter, struct arena *arena, struct err *err)
{
  enum err_code code;

  if (is_blank (name))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Missing value for required parameter '%s'.", parameter);
  if (NULL != memchr (name.data, '/', name.len) || NULL != memchr (name.data, ':', name.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid model name '%.*s'. Names cannot contain '/' or ':'.",
                    SLICE_ARG (name));
  code = names_check_path (name, "name", arena, err);
  return ERR_OK == code ? names_check_length (name, parameter, MODEL_NAME_MAX, err) : code;
}

enum err_code
api_registry_check_tag (struct slice key, struct slice value, struct arena *arena, struct err *err)
{
  enum err_code code = names_check_key (key, "key", arena, err);

  if (ERR_OK == code)
    code = names_check_length (key, "key", KEY_MAX, err);
  return ERR_OK == code ? names_check_length (value, "value", REGISTRY_TAG_VALUE_MAX, err) : code;
}

enum err_code
api_registry_check_tags (const struct key_value *tags, size_t count, struct arena *arena, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < count; i++)
    code = api_registry_check_tag (tags[i].key, tags[i].value, arena, err);
  return code;
}

enum err_code
api_registry_check_description (struct slice description, struct err *err)
{
  return names_check_length (description, "description", DESCRIPTION_MAX, err);
}

enum err_code
api_registry_stage (int16_t *stage, struct slice name, struct err *err)
{
  for (int16_t i = 0; i < MODEL_STAGE_COUNT; i++)
    if (strlen (model_stage_names[i]) == name.len && 0 == strncasecmp (name.data, model_stage_names[i], name.len))
    {
      *stage = i;
      return ERR_OK;
    }
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid Model Version stage: %.*s. Value must be one of None, Staging, Production, Archived.",
                  SLICE_ARG (name));
}

enum err_code
api_registry_check_archives (int16_t stage, struct slice name, struct err *err)
{
  if (MODEL_STAGE_STAGING == stage || MODEL_STAGE_PRODUCTION == stage)
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Model version transition cannot archive existing model versions because '%.*s' is not an Active "
                  "stage. Valid stages are ['Staging', 'Production']",
                  SLICE_ARG (name));
}

static bool
is_alias_character (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || '_' == c || '-' == c
         || (unsigned char)c >= 0x80;
}

/* "v12" would be read as a version. */
static bool
is_version_word (struct slice alias)
{
  size_t digits = 1;

  while (digits < alias.len && alias.data[digits] >= '0' && alias.data[digits] <= '9')
    digits++;
  return alias.len > 1 && ('v' == alias.data[0] || 'V' == alias.data[0]) && digits == alias.len;
}

bool
api_registry_is_latest (struct slice alias)
{
  return 6 == alias.len && 0 == strncasecmp (alias.data, "latest", 6);
}

enum err_code
api_registry_check_alias_text (struct slice alias, struct err *err)
{
  if (0 == alias.len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Registered model alias name cannot be empty.");
  for (size_t i = 0; i < alias.len; i++)
    if (! is_alias_character (alias.data[i]))
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Invalid alias name: '%.*s'. Names may only contain alphanumerics, underscores (_), and dashes "
                      "(-).",
                      SLICE_ARG (alias));
  return names_check_length (alias, "Registered model alias name", ALIAS_MAX, err);
}

enum err_code
api_registry_check_alias (struct slice alias, struct err *err)
{
  enum err_code code = api_registry_check_alias_text (alias, err);

  if (ERR_OK != code)
    return code;
  if (api_registry_is_latest (alias))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "'latest' alias name (case insensitive) is reserved.");
  if (is_version_word (alias))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Version alias name '%.*s' is reserved.", SLICE_ARG (alias));
  return ERR_OK;
}

enum err_code
api_registry_no_model (struct err *err, struct slice name)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Registered Model with name=%.*s not found", SLICE_ARG (name));
}

enum err_code
api_registry_no_version (struct err *err, struct slice name, int64_t version)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Model Version (name=%.*s, version=%" PRId64 ") not found",
                  SLICE_ARG (name), version);
}

enum err_code
api_registry_version (int64_t *version, struct slice model, struct slice text, struct err *err)
{
  if (! number_parse_int64 (text, version))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Parameter 'version' must be an integer, got '%.*s'.",
                    SLICE_ARG (text));
  return *version < 1 ? api_registry_no_version (err, model, *version) : ERR_OK;
}
