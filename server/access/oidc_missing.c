/* Stands in until OpenID Connect is merged. */
#include "access/oidc.h"

enum err_code
oidc_identify (struct access_identity *identity, struct access *access, struct store_connection *connection,
               const struct credential *credential, struct arena *arena, struct err *err)
{
  (void)identity;
  (void)access;
  (void)connection;
  (void)credential;
  (void)arena;
  return err_set (err, ERR_UNAUTHENTICATED, "No OpenID Connect provider is set (oidc-issuer).");
}

enum err_code
proxy_identify (struct access_identity *identity, struct access *access, struct store_connection *connection,
                const struct credential *credential, struct arena *arena, struct err *err)
{
  (void)identity;
  (void)access;
  (void)connection;
  (void)credential;
  (void)arena;
  return err_set (err, ERR_UNAUTHENTICATED, "No trusted proxy is set (proxy-user-header).");
}

#include "access/password.h"

enum err_code
password_bootstrap (struct store_connection *connection, const struct config *config, struct err *err)
{
  (void)connection;
  (void)config;
  (void)err;
  return ERR_OK;
}
