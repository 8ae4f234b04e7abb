/* Tokens and sessions are looked up here; other credentials have files of their own. */
#include "access/identify.h"

#include "access/access_private.h"
#include "access/oidc.h"
#include "access/password.h"
#include "base/clock.h"

struct access_identity
access_identity_of (const struct access *access, const struct store_account_found *found, enum access_method method)
{
  struct access_rights everything = { ACCESS_MANAGE, ACCESS_ALL_ACTIONS };

  return (struct access_identity){
    .account_id = found->account_id,
    .username = found->username,
    .is_admin = found->is_admin,
    .has_all_objects = found->is_admin,
    .is_service = found->is_service,
    .method = method,
    .most = everything,
    .requests_per_s =
        found->requests_per_s.present ? found->requests_per_s.value : access->config->quota_requests_per_s,
    .bytes_per_day = found->bytes_per_day.present ? found->bytes_per_day.value : access->config->quota_bytes_per_day,
  };
}

static enum err_code
dead (struct err *err, const char *what)
{
  return err_set (err, ERR_UNAUTHENTICATED, "%s", what);
}

static enum err_code
by_token (struct access_identity *identity, struct access *access, struct store_connection *connection,
          const struct credential *credential, struct arena *arena, struct err *err)
{
  struct store_account_found found;
  enum err_code code = store_access_by_token (&found, connection, &credential->digest, arena, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    return dead (err, "The token is not known here, or was revoked.");
  if (ERR_OK != code)
    return code;
  if (found.disabled)
    return dead (err, "The account of the token is disabled.");
  if (found.expires_at_ms.present && found.expires_at_ms.value <= clock_wall_ms ())
    return dead (err, "The token has expired.");
  *identity = access_identity_of (access, &found, ACCESS_BY_TOKEN);
  identity->token_id = found.token_id;
  identity->is_admin = found.is_admin && found.token_is_admin;
  identity->most = (struct access_rights){ (enum access_level)found.token_level, (unsigned)found.token_actions };
  identity->expires_at_ms = found.expires_at_ms.present ? found.expires_at_ms.value : 0;
  return ERR_OK;
}

static enum err_code
by_session (struct access_identity *identity, struct access *access, struct store_connection *connection,
            const struct credential *credential, struct arena *arena, struct err *err)
{
  struct store_account_found found;
  enum err_code code = store_access_by_session (&found, connection, &credential->digest, arena, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code || (ERR_OK == code && found.disabled)
      || (ERR_OK == code && found.expires_at_ms.value <= clock_wall_ms ()))
    return dead (err, "The login has ended; log in again.");
  if (ERR_OK != code)
    return code;
  *identity = access_identity_of (access, &found, ACCESS_BY_SESSION);
  identity->expires_at_ms = found.expires_at_ms.value;
  return ERR_OK;
}

bool
access_is_slow (struct access *access, const struct credential *credential)
{
  return CREDENTIAL_JWT == credential->kind
         || (CREDENTIAL_PASSWORD == credential->kind && ! access_has_verified (access, &credential->digest));
}

enum err_code
access_identify (struct access_identity *identity, struct access *access, struct store_connection *connection,
                 const struct credential *credential, struct slice address, struct arena *arena, struct err *err)
{
  uint64_t version = access_version (access);
  enum err_code code;

  switch (credential->kind)
  {
  case CREDENTIAL_TOKEN:
    code = by_token (identity, access, connection, credential, arena, err);
    break;
  case CREDENTIAL_SESSION:
    code = by_session (identity, access, connection, credential, arena, err);
    break;
  case CREDENTIAL_PASSWORD:
    code = password_identify (identity, access, connection, credential, address, arena, err);
    break;
  case CREDENTIAL_JWT:
    code = oidc_identify (identity, access, connection, credential, address, arena, err);
    break;
  case CREDENTIAL_PROXY:
    code = proxy_identify (identity, access, connection, credential, address, arena, err);
    break;
  case CREDENTIAL_NONE:
  case CREDENTIAL_KIND_COUNT:
  default:
    return dead (err, "Send credentials: a user name and password, or a token.");
  }
  if (ERR_OK == code)
    access_remember (access, &credential->digest, identity, version);
  return code;
}
