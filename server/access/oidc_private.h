/* What bearer tokens and logins share; private to the files oidc*.c. */
#ifndef ACCESS_OIDC_PRIVATE_H
#define ACCESS_OIDC_PRIVATE_H

#include "access/access.h"
#include "access/federation.h"
#include "access/provider.h"

/* Take a token apart and believe it, or not: issuer, audience, times, key, signature. With a nonce it is the identity
   token of a login. The caller frees the token with web_token_free, also after a failure. */
enum err_code oidc_token (struct web_token *token, int64_t *expires_at_ms, struct access *access, struct slice text,
                          struct slice nonce, struct arena *arena, struct err *err);

/* What the claims of a token say; `more`, if not NULL, are claims from elsewhere, which count where the token says
   nothing. Borrowed from both. False with the error set. */
bool oidc_said (struct federation *said, const struct access *access, const json_t *claims, const json_t *more,
                struct arena *arena, struct err *err);

#endif
