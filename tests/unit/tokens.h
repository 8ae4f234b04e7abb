/* Keys of a provider that exists in a test only, and tokens that they sign. */
#ifndef UNIT_TOKENS_H
#define UNIT_TOKENS_H

#include "base/arena.h"
#include "base/slice.h"

#include <openssl/evp.h>

/* Made once for a suite, because RSA keys take their time. */
extern EVP_PKEY *token_rsa; /* 2048 bits */
extern EVP_PKEY *token_other_rsa;
extern EVP_PKEY *token_small_rsa; /* 1024 bits */
extern EVP_PKEY *token_p256;
extern EVP_PKEY *token_p384;
extern EVP_PKEY *token_p521;

/* Unchecked fixtures. */
void tokens_set_up (void);
void tokens_tear_down (void);

/* Base64url of bytes, in the arena. */
struct slice token_encode (struct slice bytes, struct arena *arena);

/* The public half in PEM, in the arena. */
const char *token_pem (EVP_PKEY *key, struct arena *arena);

/* As a JSON Web Key with `more` members, which begin with a comma, in the arena. */
const char *token_jwk (EVP_PKEY *key, const char *more, struct arena *arena);

/* The bytes of a signature as tokens have them, in the arena; `algorithm` such as "RS256", or "PS256" or "HS256", whose
   key is then `secret`. */
struct slice token_signature (const char *algorithm, EVP_PKEY *key, struct slice secret, struct slice text,
                              struct arena *arena);

/* A token of these texts, signed; `claims` need be no JSON. */
struct slice token_sign (const char *header, struct slice claims, const char *algorithm, EVP_PKEY *key,
                         struct arena *arena);

/* "header.claims.signature", each encoded here. */
struct slice token_join (struct slice header, struct slice claims, struct slice signature, struct arena *arena);

#endif
