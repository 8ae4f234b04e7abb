/* OpenID Connect: people who log in at a provider, and programs that bring its JWTs; and users that a trusted proxy
   names. */
#ifndef ACCESS_OIDC_H
#define ACCESS_OIDC_H

#include "access/access.h"
#include "access/credential.h"

/* The provider's issuer, from the setting oidc-issuer; absent when there is none, or when authentication is off.
   Constant, thread-safe. */
struct slice oidc_issuer (const struct access *access);

/* Who a bearer JWT stands for: signed by a key of the issuer's key set, with its issuer, audience and time. Its account
   is made at first use and its groups follow the claim; without the claim they stay. `address` is the client's. Errors:
   UNAUTHENTICATED saying what is wrong, those of the database, TEMPORARILY_UNAVAILABLE when the provider's keys cannot
   be had. In the login lane. */
enum err_code oidc_identify (struct access_identity *identity, struct access *access,
                             struct store_connection *connection, const struct credential *credential,
                             struct slice address, struct arena *arena, struct err *err);

/* How long somebody may take to log in at the provider. */
#define OIDC_ATTEMPT_S 600

/* A browser that is about to be sent to the provider; texts are in the arena. */
struct oidc_departure
{
  struct slice url; /* at the provider */
  struct slice state; /* as in the URL; one login of many in the same browser */
  struct slice browser_secret; /* of the cookie that binds the browser to this login */
};

/* Begin a login. `next` is where the browser goes afterwards: a path of this server. `redirect_uri` is this server's
   callback as the browser knows it. Errors: RESOURCE_DOES_NOT_EXIST when there is no provider, TEMPORARILY_UNAVAILABLE,
   those of the database. In the login lane. */
enum err_code oidc_begin (struct oidc_departure *departure, struct access *access, struct store_connection *connection,
                          struct slice next, struct slice redirect_uri, struct arena *arena, struct err *err);

/* A browser that is back: what its URL and cookie say. */
struct oidc_return
{
  struct slice code;
  struct slice state;
  struct slice issuer; /* RFC 9207; absent: not said */
  struct slice browser_secret;
  struct slice redirect_uri; /* as when it began */
  struct slice address; /* of the client */
};

/* Exchange the code, check the identity token, find or make the account. A login can be finished once. Errors:
   INVALID_PARAMETER_VALUE when no login of this browser was begun, or too long ago; UNAUTHENTICATED when the provider
   or its token is refused or the account is disabled; RESOURCE_DOES_NOT_EXIST when there is no provider;
   TEMPORARILY_UNAVAILABLE, those of the database. In the login lane. */
enum err_code oidc_finish (struct access_identity *identity, struct slice *next, struct access *access,
                           struct store_connection *connection, const struct oidc_return *back, struct arena *arena,
                           struct err *err);

/* Who a trusted proxy names; its account is made at first use. `address` is the client's. On a worker. */
enum err_code proxy_identify (struct access_identity *identity, struct access *access,
                              struct store_connection *connection, const struct credential *credential,
                              struct slice address, struct arena *arena, struct err *err);

#endif
