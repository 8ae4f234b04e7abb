/* OpenID Connect: people who log in at a provider, and programs that bring its JWTs; and users that a trusted proxy
   names. */
#ifndef ACCESS_OIDC_H
#define ACCESS_OIDC_H

#include "access/access.h"
#include "access/credential.h"

/* Who a bearer JWT stands for: signed by a key of the issuer's key set, with its issuer, audience and time. Its account
   is made at first use and its groups follow the claim. Errors: UNAUTHENTICATED saying what is wrong, those of the
   database, TEMPORARILY_UNAVAILABLE when the provider's keys cannot be had. In the login lane. */
enum err_code oidc_identify (struct access_identity *identity, struct access *access,
                             struct store_connection *connection, const struct credential *credential,
                             struct arena *arena, struct err *err);

/* The address at the provider to send a browser to, and the value of the cookie that binds it to this login. `next` is
   where it goes afterwards: a path of this server. `redirect_uri` is this server's callback as the browser knows it. */
enum err_code oidc_begin (struct slice *url, struct slice *browser_secret, struct access *access,
                          struct store_connection *connection, struct slice next, struct slice redirect_uri,
                          struct arena *arena, struct err *err);

/* The browser is back: exchange the code, check the identity token, find or make the account. */
enum err_code oidc_finish (struct access_identity *identity, struct slice *next, struct access *access,
                           struct store_connection *connection, struct slice code, struct slice state,
                           struct slice browser_secret, struct slice redirect_uri, struct arena *arena,
                           struct err *err);

/* Who a trusted proxy names; its account is made at first use. On a worker. */
enum err_code proxy_identify (struct access_identity *identity, struct access *access,
                              struct store_connection *connection, const struct credential *credential,
                              struct arena *arena, struct err *err);

#endif
