/* Logins of browsers.

   DESIGN
   A session is a row with the SHA-256 of a random cookie, so any daemon knows it, and a copy of the table opens
   nothing. A login always makes a new one. Pages prove with a token that is made from the cookie that they may read
   what the server answers, which pages of other sites may not (api/gate.c asks for it). */
#include "api/session.h"

#include "access/password.h"
#include "api/gate.h"
#include "api/json.h"
#include "base/clock.h"
#include "store/account.h"
#include "store/session.h"

#include <inttypes.h>

static enum err_code
out_of_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

static enum err_code
need_authentication (const struct api_call *call, struct err *err)
{
  if (access_is_on (call->service->access))
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Authentication is off here (setting auth): nobody logs in.");
}

/* The digest of the session cookie that came along. False when none did. */
static bool
digest_cookie (struct digest *digest, const struct api_call *call)
{
  struct slice cookie = credential_cookie (call->credentials->cookie, CREDENTIAL_COOKIE);

  return slice_filled (cookie) && digest_of (digest, cookie);
}

/* Browsers keep a cookie with Secure from plain connections, but for loopback names not all of them take it there. */
static enum err_code
set_cookie (struct api_call *call, struct slice value, int64_t ttl_s, struct err *err)
{
  const struct config *config = call->service->config;
  bool is_plain = ! call->credentials->is_secure && call->credentials->is_local;
  size_t length = strlen (config->static_prefix);
  const char *text;

  while (length > 0 && '/' == config->static_prefix[length - 1])
    length--;
  text = arena_printf (call->arena, "%s=%.*s; Path=%.*s/; Max-Age=%" PRId64 "; HttpOnly; SameSite=Lax%s",
                       CREDENTIAL_COOKIE, SLICE_ARG (value), (int)length, config->static_prefix, ttl_s,
                       is_plain ? "" : "; Secure");
  if (NULL == text)
    return out_of_memory (err);
  api_header (call, "Set-Cookie", slice_of (text));
  return ERR_OK;
}

enum err_code
api_session_begin (struct slice *cookie, struct api_call *call, const struct access_identity *identity, struct err *err)
{
  int64_t now_ms = clock_wall_ms ();
  int64_t ttl_s = call->service->config->session_ttl_s;
  struct store_new_session fresh = { .account_id = identity->account_id,
                                     .expires_at_ms = now_ms + ttl_s * 1000,
                                     .address = call->credentials->address };
  struct store_audit entry = gate_audit_entry (call, "login", gate_user_object (call, identity->username));
  struct digest replaced;
  struct slice value;
  enum err_code code;

  entry.actor = identity->username;
  entry.account_id = identity->account_id;
  entry.token_id = 0;
  entry.method = (int16_t)identity->method;
  if (digest_cookie (&replaced, call))
    fresh.replaced = &replaced;
  if (! credential_new (&value, &fresh.sha256, "", call->arena) || NULL == entry.object.data)
    return out_of_memory (err);
  code = store_session_create (call->connection, &fresh, now_ms, &entry, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, ERR_UNAUTHENTICATED, "The account has just been disabled or removed.");
  if (ERR_OK != code)
    return code;
  if (NULL != fresh.replaced)
    access_changed (call->service->access);
  if (NULL != cookie)
    *cookie = value;
  return set_cookie (call, value, ttl_s, err);
}

/* --- who is logged in --------------------------------------------------------------------------------------------- */

static enum err_code
write_user (struct json_write *w, const struct api_call *call, const struct access_identity *who, struct err *err)
{
  struct store_account account;
  struct result result = { NULL };
  enum err_code code = store_account_get (&account, &result, call->connection, who->username, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set (err, ERR_UNAUTHENTICATED, "The account has just been removed.");
  if (ERR_OK == code)
  {
    json_write_key (w, "user");
    json_write_object (w);
    json_write_member_string (w, "username", who->username);
    json_write_member_bool (w, "is_admin", who->is_admin);
    json_write_member_bool (w, "is_service", who->is_service);
    json_write_member_text (w, "method", access_method_name (who->method));
    json_write_member_string (w, "login", account.login);
    if (! slice_is (account.groups, "[]"))
    {
      json_write_key (w, "groups");
      json_write_compact (w, account.groups);
    }
    if (ACCESS_BY_TOKEN == who->method)
      json_write_member_text (w, "permission_limit", access_level_name (who->most.level));
    json_write_object_end (w);
  }
  result_free (&result);
  return code;
}

/* The session document; `cookie` is that of a session, absent for other ways to be recognised. */
static enum err_code
write_session (struct api_call *call, const struct access_identity *who, struct slice cookie, struct err *err)
{
  const struct config *config = call->service->config;
  bool is_on = access_is_on (call->service->access);
  struct json_write w;
  enum err_code code = ERR_OK;

  api_reply_start (&w, call);
  json_write_member_bool (&w, "authentication", is_on);
  json_write_member_bool (&w, "workspaces", access_has_workspaces (call->service->access));
  json_write_key (&w, "login");
  json_write_object (&w);
  json_write_member_bool (&w, "password", is_on);
  if (is_on && '\0' != config->oidc_issuer[0])
  {
    json_write_key (&w, "oidc");
    json_write_object (&w);
    json_write_member_text (&w, "issuer", config->oidc_issuer);
    json_write_object_end (&w);
  }
  json_write_object_end (&w);
  if (0 != who->account_id)
    code = write_user (&w, call, who, err);
  if (ERR_OK == code && slice_filled (cookie))
    json_write_member_string (&w, "csrf_token", credential_csrf_token (cookie, call->arena));
  if (ERR_OK != code)
    return code;
  json_write_member_string (&w, "workspace", call->pass->workspace);
  return api_reply_end (&w, call, err);
}

enum err_code
api_session_get (struct api_call *call, struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  struct slice cookie = { NULL, 0 };

  if (ACCESS_BY_SESSION == who->method)
    cookie = credential_cookie (call->credentials->cookie, CREDENTIAL_COOKIE);
  return write_session (call, who, cookie, err);
}

/* --- login and logout --------------------------------------------------------------------------------------------- */

struct login_request
{
  struct slice username;
  struct slice password;
};

static const struct field login_fields[] = {
  { .name = "username",
    .type = FIELD_STRING,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct login_request, username) },
  { .name = "password",
    .type = FIELD_STRING,
    .flags = FIELD_SECRET | FIELD_REQUIRED,
    .offset = offsetof (struct login_request, password) },
};

static const struct schema login_schema = SCHEMA (login_fields, struct login_request);

/* Check a name and password, and note it when that fails. */
static enum err_code
check_password (struct access_identity *identity, struct api_call *call, struct slice username, struct slice password,
                struct err *err)
{
  struct credential credential;
  enum err_code code = credential_of_password (&credential, username, password, call->arena, err);

  if (ERR_OK == code)
    code = password_identify (identity, call->service->access, call->connection, &credential,
                              call->credentials->address, call->arena, err);
  if (ERR_UNAUTHENTICATED == code || ERR_REQUEST_LIMIT_EXCEEDED == code)
    gate_note_refused (call, "login.refused", gate_user_object (call, username), err);
  return code;
}

enum err_code
api_session_login (struct api_call *call, struct err *err)
{
  struct login_request request;
  struct access_identity identity;
  struct slice cookie;
  enum err_code code = need_authentication (call, err);

  if (ERR_OK == code)
    code = api_decode (&request, call, &login_schema, err);
  if (ERR_OK == code)
    code = check_password (&identity, call, request.username, request.password, err);
  if (ERR_OK == code)
    code = api_session_begin (&cookie, call, &identity, err);
  if (ERR_OK == code)
  {
    identity.method = ACCESS_BY_SESSION;
    code = write_session (call, &identity, cookie, err);
  }
  /* RFC 9110, 15.5.2 wants a challenge; Basic would open the browser's own window over the page's form. */
  if (ERR_UNAUTHENTICATED == code)
    api_header (call, "WWW-Authenticate", SLICE ("Bearer realm=\"mlflow\""));
  return code;
}

enum err_code
api_session_logout (struct api_call *call, struct err *err)
{
  struct store_audit entry = gate_audit_entry (call, "logout", gate_user_object (call, call->pass->who.username));
  struct digest digest;
  enum err_code code;

  /* Who came with something else has no session; a cookie beside it was not looked at. */
  if (ACCESS_BY_SESSION != call->pass->who.method)
    return ERR_OK;
  if (! digest_cookie (&digest, call) || NULL == entry.object.data)
    return out_of_memory (err);
  code = store_session_delete (call->connection, &digest, &entry, err);
  if (ERR_OK != code && ERR_RESOURCE_DOES_NOT_EXIST != code)
    return code;
  access_changed (call->service->access);
  return set_cookie (call, SLICE (""), 0, err);
}

/* --- one's own password ------------------------------------------------------------------------------------------- */

struct password_request
{
  struct slice current_password;
  struct slice password;
};

static const struct field password_fields[] = {
  { .name = "current_password",
    .type = FIELD_STRING,
    .flags = FIELD_SECRET | FIELD_REQUIRED,
    .offset = offsetof (struct password_request, current_password) },
  { .name = "password",
    .type = FIELD_STRING,
    .flags = FIELD_SECRET | FIELD_REQUIRED,
    .offset = offsetof (struct password_request, password) },
};

static const struct schema password_schema = SCHEMA (password_fields, struct password_request);

/* The caller knows the password that is in force. */
static enum err_code
check_current (struct api_call *call, struct slice password, struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  struct access_identity found;
  struct err wrong = { 0 };
  enum err_code code = check_password (&found, call, who->username, password, &wrong);

  /* Not 401: he is known, and pages would take it for the end of the login. */
  if (ERR_UNAUTHENTICATED == code || (ERR_OK == code && found.account_id != who->account_id))
    return err_set (err, ERR_PERMISSION_DENIED, "The current password is wrong.");
  if (ERR_OK != code)
    *err = wrong;
  return code;
}

enum err_code
api_session_password (struct api_call *call, struct err *err)
{
  const struct access_identity *who = &call->pass->who;
  struct store_audit entry = gate_audit_entry (call, NULL, (struct slice){ NULL, 0 });
  struct store_account_change change = { .kept_session = NULL };
  struct password_request request;
  struct digest session;
  enum err_code code = need_authentication (call, err);

  if (ERR_OK == code)
    code = api_decode (&request, call, &password_schema, err);
  if (ERR_OK == code)
    code = password_check_strength (request.password, who->username, err);
  if (ERR_OK == code)
    code = check_current (call, request.current_password, err);
  if (ERR_OK == code)
    code = password_hash (&change.password, request.password, call->arena, err);
  if (ERR_OK != code)
    return code;
  if (ACCESS_BY_SESSION == who->method && digest_cookie (&session, call))
    change.kept_session = &session;
  code = store_account_update (call->connection, who->username, &change, clock_wall_ms (), &entry, call->arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return err_set (err, ERR_PERMISSION_DENIED, "The account has just been removed.");
  if (ERR_OK == code)
    access_changed (call->service->access);
  return code;
}
