/* The OpenID Connect provider of the setting oidc-issuer: what it says of itself, and its keys, kept in memory.

   DESIGN
   Both are fetched at first use, again when they are an hour old, and when a token names a key that is not among them,
   which after a change of keys the first token does; tokens that name made-up keys cause one request a minute. One
   thread fetches, outside of the lock; others go on with what there is, or wait when there is nothing. When the
   provider cannot be reached, what is known stays in use for a day: who has a token can go on. */
#ifndef ACCESS_PROVIDER_H
#define ACCESS_PROVIDER_H

#include "access/discovery.h"
#include "access/web_token.h"
#include "base/config.h"

struct provider;

/* Of the settings oidc-*, which are checked; no network. NULL in `provider` when oidc-issuer is empty. `config`
   outlives it. The caller frees. Errors: INVALID_PARAMETER_VALUE, INTERNAL_ERROR. */
enum err_code provider_new (struct provider **provider, const struct config *config, struct err *err);
void provider_free (struct provider *provider);

/* Its issuer. Thread-safe, as all here. */
struct slice provider_issuer (const struct provider *provider);

/* Whether it is on this machine, so that http:// is allowed. */
bool provider_may_be_plain (const struct provider *provider);

/* What it says of itself, copied into the arena. In the login lane. Errors: TEMPORARILY_UNAVAILABLE, INTERNAL_ERROR. */
enum err_code provider_discovery (struct discovery *discovery, struct provider *provider, struct arena *arena,
                                  struct err *err);

/* The key for a token of this algorithm and key name, in PEM, copied into the arena. In the login lane. Errors:
   UNAUTHENTICATED when the provider has no such key, TEMPORARILY_UNAVAILABLE when nobody knows its keys. */
enum err_code provider_key (const char **pem, struct provider *provider, const struct web_token_algorithm *algorithm,
                            struct slice key_id, struct arena *arena, struct err *err);

#endif
