/* JSON Web Tokens (RFC 7519) that a provider has signed: what they claim, and whether the signature holds.

   DESIGN
   A token names the algorithm that it wants to be verified by, and most forgeries are about that: "none", HMAC with the
   public key as its secret, a key or its address in the header. So the header is read here, before the library sees the
   token: only signatures by a private key that nobody but the provider has, one key type for each algorithm, and the
   key is looked up in the provider's own set. The signature is the library's business (libjwt), with two exceptions,
   which are verified by access/signature.h: version 1.10 knows no access tokens (typ "at+jwt", RFC 9068) and would
   refuse every one, and it knows no RSASSA-PSS (PS256 and its kin). A fuzzer holds both ways to the same verdict. What
   is believed are the claims that were read here,
   from the same bytes. */
#ifndef ACCESS_WEB_TOKEN_H
#define ACCESS_WEB_TOKEN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <jansson.h>

/* Longest token: Microsoft's, which hold up to 200 groups, have some 16 KiB; a bearer token is bounded by its header
   anyway (access/credential.h). */
#define WEB_TOKEN_MAX_BYTES ((size_t)64 * 1024)
/* How far clocks may differ. */
#define WEB_TOKEN_LEEWAY_S 60

/* What a key must be to verify an algorithm. */
enum web_token_key
{
  WEB_TOKEN_RSA,
  WEB_TOKEN_P256,
  WEB_TOKEN_P384,
  WEB_TOKEN_P521
};

struct web_token_algorithm;

/* A token taken apart. Nothing of it is to be believed before both web_token_check and web_token_verify. */
struct web_token
{
  const char *text; /* as it came, NUL-terminated, in the arena */
  const struct web_token_algorithm *algorithm;
  size_t signed_bytes; /* of `text` from its start: what the signature is about; behind it a point and the signature */
  struct slice key_id; /* borrowed from `header`; absent: it names none */
  bool is_access; /* its type is that of access tokens (RFC 9068): no proof of a login */
  json_t *header; /* owned */
  json_t *claims; /* owned */
};

/* What a token must claim. */
struct web_token_wish
{
  struct slice issuer;
  struct slice audience; /* its `aud` is this, or an array that holds it */
  int64_t now_s; /* since 1970 */
  struct slice nonce; /* of a login: then it is an identity token for this client (OpenID Connect Core, 3.1.3.7);
                         absent: a bearer token */
};

/* Take a token apart. The caller frees it with web_token_free, also after a failure. Errors: UNAUTHENTICATED saying
   what is wrong, INTERNAL_ERROR when memory is out. Thread-safe, as all here. */
enum err_code web_token_read (struct web_token *token, struct slice text, struct arena *arena, struct err *err);

/* Free what a token owns; a zeroed one is fine. */
void web_token_free (struct web_token *token);

/* Issuer, audience, subject, times and nonce. `expires_at_s` receives when it ends, the leeway included. Errors:
   UNAUTHENTICATED saying what is wrong. */
enum err_code web_token_check (int64_t *expires_at_s, const struct web_token *token, const struct web_token_wish *wish,
                               struct err *err);

/* The signature, by a public key in PEM that is of the type which the algorithm needs. Errors: UNAUTHENTICATED,
   INTERNAL_ERROR when memory is out. */
enum err_code web_token_verify (const struct web_token *token, const char *pem, struct arena *arena, struct err *err);

/* By its name in a token or key, such as "RS256"; NULL when it is none that is taken. */
const struct web_token_algorithm *web_token_algorithm (struct slice name);
const char *web_token_algorithm_name (const struct web_token_algorithm *algorithm);
enum web_token_key web_token_algorithm_key (const struct web_token_algorithm *algorithm);
/* OpenSSL's name of its digest, such as "SHA256". */
const char *web_token_algorithm_digest (const struct web_token_algorithm *algorithm);
/* Whether its padding is RSASSA-PSS. */
bool web_token_algorithm_is_pss (const struct web_token_algorithm *algorithm);

#endif
