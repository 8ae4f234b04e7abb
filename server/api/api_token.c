/* API tokens: secrets for programs. Source: docs/api/token.md.

   DESIGN
   A token can do what its account can, up to the limits it was made with. Whoever asks with a token makes only such
   that can do no more and last no longer than that one, and revokes only such: so a token that got lost does what it
   was made for, and no more. */
#include "api/api_token.h"

#include "access/credential.h"
#include "api/principal.h"
#include "base/clock.h"
#include "base/number.h"
#include "store/access_words.h"
#include "store/account.h"
#include "store/api_token.h"

#include <inttypes.h>

/* First characters that lists show: the prefix, and too few of the others to make a guess easier. */
#define HINT_CHARACTERS 8
/* A century; what shall last longer ends never. */
#define EXPIRES_IN_MAX_S (INT64_C (36500) * 24 * 3600)

static void
write_token (struct json_write *w, const struct store_api_token *token)
{
  char id[NUMBER_INT64_BYTES];

  number_format_int64 (id, token->token_id);
  json_write_object (w);
  json_write_member_text (w, "token_id", id);
  json_write_member_string (w, "username", token->username);
  json_write_member_string (w, "name", token->name);
  json_write_member_string (w, "hint", token->hint);
  store_write_rights (w, token->level, token->actions);
  json_write_member_bool (w, "is_admin", token->is_admin);
  json_write_member_int64 (w, "created_at_ms", token->created_at_ms);
  principal_write_optional (w, "expires_at_ms", &token->expires_at_ms);
  principal_write_optional (w, "last_used_at_ms", &token->last_used_at_ms);
  json_write_object_end (w);
}

/* Whose tokens are meant: the caller's own, or those of somebody else, which only administrators may ask for. */
static enum err_code
whose (struct slice *username, struct api_call *call, struct slice given, struct err *err)
{
  const struct access_identity *who = &call->pass->who;

  *username = NULL == given.data ? who->username : given;
  if (0 == username->len)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Authentication is off here (setting auth), so nobody has tokens of his own: name a user "
                    "(username).");
  if (who->is_admin || slice_equal (*username, who->username))
    return ERR_OK;
  return principal_refuse (call, (struct slice){ NULL, 0 }, err, "tokens of others are for administrators.");
}

struct list_request
{
  struct slice username;
};

static const struct field list_fields[] = {
  { .name = "username", .type = FIELD_STRING, .offset = offsetof (struct list_request, username) },
};

static const struct schema list_schema = SCHEMA (list_fields, struct list_request);

static enum err_code
check_account (struct api_call *call, struct slice username, struct err *err)
{
  struct store_account account;
  struct result result = { NULL };
  enum err_code code = store_account_get (&account, &result, call->connection, username, err);

  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? principal_no_user (err, username) : code;
}

enum err_code
api_token_list (struct api_call *call, struct err *err)
{
  struct list_request request;
  struct store_api_token token;
  struct result result = { NULL };
  struct slice username;
  struct json_write w;
  size_t count;
  enum err_code code = api_decode (&request, call, &list_schema, err);

  if (ERR_OK == code)
    code = whose (&username, call, request.username, err);
  if (ERR_OK == code)
    code = store_api_token_list (&result, call->connection, username, err);
  count = ERR_OK == code ? result_count (&result) : 0;
  if (ERR_OK == code && 0 == count)
    code = check_account (call, username, err);
  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "tokens");
    json_write_array (&w);
  }
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = result_row (&token, &result, i, store_api_token_columns, STORE_API_TOKEN_COLUMNS, err);
    if (ERR_OK == code)
      write_token (&w, &token);
  }
  if (count > 0)
    json_write_array_end (&w);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}

/* --- making ------------------------------------------------------------------------------------------------------ */

struct create_request
{
  struct slice name;
  struct slice permission;
  struct slices actions;
  struct optional_int64 is_admin;
  struct optional_int64 expires_in_s;
  struct slice username;
};

static const struct field create_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct create_request, name) },
  { .name = "permission", .type = FIELD_STRING, .offset = offsetof (struct create_request, permission) },
  { .name = "actions", .type = FIELD_STRINGS, .offset = offsetof (struct create_request, actions) },
  { .name = "is_admin", .type = FIELD_BOOL, .offset = offsetof (struct create_request, is_admin) },
  { .name = "expires_in_s", .type = FIELD_INT64, .offset = offsetof (struct create_request, expires_in_s) },
  { .name = "username", .type = FIELD_STRING, .offset = offsetof (struct create_request, username) },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

/* What the request names must not be more than the caller has; what it leaves out is as much as he has. */
static enum err_code
read_rights (struct store_new_api_token *fresh, struct api_call *call, const struct create_request *request,
             struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  enum access_level level = who->most.level;
  unsigned actions = who->most.actions;
  enum err_code code = ERR_OK;

  if (NULL != request->permission.data)
    code = principal_level (&level, request->permission, err);
  if (ERR_OK == code && ACCESS_NO_PERMISSIONS == level)
    code =
        err_set (err, ERR_INVALID_PARAMETER_VALUE, "A token with NO_PERMISSIONS could do nothing: use READ or more.");
  if (ERR_OK == code && json_is_array (json_object_get (call->arguments, "actions")))
    code = principal_actions (&actions, &request->actions, err);
  if (ERR_OK != code)
    return code;
  if (level > who->most.level || 0 != (actions & ~who->most.actions)
      || (0 != request->is_admin.value && ! who->is_admin))
    return principal_refuse (call, (struct slice){ NULL, 0 }, err, "no token can do more than the one who makes it.");
  fresh->level = (int16_t)level;
  fresh->actions = (int16_t)actions;
  fresh->is_admin = 0 != request->is_admin.value;
  return ERR_OK;
}

/* A token that is made with a token does not outlive it. */
static enum err_code
read_expiry (struct store_new_api_token *fresh, struct api_call *call, const struct optional_int64 *expires_in_s,
             int64_t now_ms, struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  bool ends = ACCESS_BY_TOKEN == who->method && 0 != who->expires_at_ms;

  if (expires_in_s->present && (expires_in_s->value < 1 || expires_in_s->value > EXPIRES_IN_MAX_S))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'expires_in_s' supplied: it must be from 1 to %" PRId64
                    ".",
                    expires_in_s->value, EXPIRES_IN_MAX_S);
  if (expires_in_s->present)
    fresh->expires_at_ms = (struct optional_int64){ true, now_ms + expires_in_s->value * 1000 };
  else if (ends)
    fresh->expires_at_ms = (struct optional_int64){ true, who->expires_at_ms };
  if (ends && fresh->expires_at_ms.value > who->expires_at_ms)
    return principal_refuse (call, (struct slice){ NULL, 0 }, err, "no token outlives the one that it is made with.");
  return ERR_OK;
}

static enum err_code
reply_secret (struct api_call *call, const struct store_api_token *token, struct slice secret, struct err *err)
{
  struct json_write w;

  api_header (call, "Cache-Control", SLICE ("no-store"));
  api_reply_start (&w, call);
  json_write_key (&w, "token");
  write_token (&w, token);
  json_write_member_string (&w, "secret", secret);
  return api_reply_end (&w, call, err);
}

enum err_code
api_token_create (struct api_call *call, struct err *err)
{
  struct store_new_api_token fresh = { .expires_at_ms = { false, 0 } };
  struct store_audit who;
  int64_t now_ms = clock_wall_ms ();
  struct create_request request;
  struct store_api_token token;
  struct digest digest;
  struct slice secret;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = api_decode (&request, call, &create_schema, err);
  if (ERR_OK == code)
    code = principal_check_name (request.name, "a token", err);
  if (ERR_OK == code)
    code = whose (&fresh.username, call, request.username, err);
  if (ERR_OK == code)
    code = read_rights (&fresh, call, &request, err);
  if (ERR_OK == code)
    code = read_expiry (&fresh, call, &request.expires_in_s, now_ms, err);
  if (ERR_OK != code)
    return code;
  if (! credential_new (&secret, &digest, CREDENTIAL_TOKEN_PREFIX, call->arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  fresh.name = request.name;
  fresh.sha256 = &digest;
  fresh.hint = (struct slice){ secret.data, HINT_CHARACTERS };
  code = store_api_token_create (&token, call->connection, &fresh, now_ms, &who, call->arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return principal_no_user (err, fresh.username);
  return ERR_OK == code ? reply_secret (call, &token, secret, err) : code;
}

/* --- revoking ---------------------------------------------------------------------------------------------------- */

static enum err_code
no_such_token (struct err *err, struct slice text)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Token with token_id=%.*s not found", SLICE_ARG (text));
}

/* Whether a token can do nothing that the caller's credential cannot. */
static bool
is_within (const struct store_api_token *token, const struct access_identity *who)
{
  return token->token_id == who->token_id
         || (token->level <= (int16_t)who->most.level && 0 == ((unsigned)token->actions & ~who->most.actions)
             && (! token->is_admin || who->is_admin || ! who->has_all_objects));
}

enum err_code
api_token_delete (struct api_call *call, struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  struct store_audit entry;
  struct slice text = call->path_values[0];
  int64_t account_id = who->is_admin ? 0 : who->account_id;
  struct store_api_token token;
  struct result result = { NULL };
  int64_t token_id;
  enum err_code code = principal_who (&entry, call, err);

  if (ERR_OK != code)
    return code;
  if (! number_parse_int64 (text, &token_id))
    return no_such_token (err, text);
  code = store_api_token_get (&token, &result, call->connection, token_id, account_id, err);
  if (ERR_OK == code && ! is_within (&token, who))
    code = principal_refuse (call, slice_of (arena_printf (call->arena, "token:%" PRId64, token_id)), err,
                             "a token does not revoke one that can do more.");
  result_free (&result);
  if (ERR_OK == code)
    code = store_api_token_delete (call->connection, token_id, account_id, &entry, call->arena, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? no_such_token (err, text) : code;
}
