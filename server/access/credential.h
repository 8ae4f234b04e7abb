/* What a request says of its sender: the headers Authorization and Cookie, and those of a trusted proxy. */
#ifndef ACCESS_CREDENTIAL_H
#define ACCESS_CREDENTIAL_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"

/* Name of the session cookie. */
#define CREDENTIAL_COOKIE "tally_session"
/* How API tokens begin; what follows are 43 characters of base64url: 256 random bits. */
#define CREDENTIAL_TOKEN_PREFIX "tly_"

enum credential_kind
{
  CREDENTIAL_NONE,
  CREDENTIAL_TOKEN, /* Bearer tly_…, or Basic with it as the password, whatever the user name (or as the user name with
                       an empty password) */
  CREDENTIAL_PASSWORD, /* Basic */
  CREDENTIAL_JWT, /* Bearer with two dots */
  CREDENTIAL_SESSION, /* the cookie; only when there is no Authorization */
  CREDENTIAL_PROXY, /* named by a trusted proxy; goes before the others */
  CREDENTIAL_KIND_COUNT
};

struct credential
{
  enum credential_kind kind;
  struct slice username; /* of PASSWORD and PROXY */
  struct slice secret; /* the token, password, JWT or cookie */
  struct slice groups; /* of PROXY: separated by commas; absent: not said */
  struct digest digest; /* the key under which an identity is remembered. Of TOKEN and SESSION the SHA-256 of the
                           secret, as in the database; of the others, told apart by kind, that of all of it, keyed with
                           random bytes of this process */
};

/* Read them. Slices may point into what was given, or into the arena. A user name is UTF-8 without control characters.
   A cookie that is none of ours is as good as none. Errors: UNAUTHENTICATED for what cannot be read: an unknown scheme,
   base64 that is none, a token of a wrong form, more than 16 KiB; INTERNAL_ERROR without memory or randomness.
   Thread-safe. */
enum err_code credential_read (struct credential *credential, struct slice authorization, struct slice cookie,
                               struct slice proxy_user, struct slice proxy_groups, struct arena *arena,
                               struct err *err);

/* A user name and password that came in another way. Errors: INTERNAL_ERROR. Thread-safe. */
enum err_code credential_of_password (struct credential *credential, struct slice username, struct slice password,
                                      struct arena *arena, struct err *err);

/* The value of a cookie in a Cookie header (RFC 6265, 4.2); absent when it is not there, and when it is there twice
   with different values. */
struct slice credential_cookie (struct slice header, const char *name);

/* A new secret: `prefix` (of a session: "") and 43 characters of base64url, in the arena; and its SHA-256. False
   without randomness or memory. Thread-safe. */
bool credential_new (struct slice *secret, struct digest *digest, const char *prefix, struct arena *arena);

/* The token that pages of a session send back with what changes state: made from the cookie by a one-way function, in
   the arena. Absent without memory. */
struct slice credential_csrf_token (struct slice cookie, struct arena *arena);

/* Compare two texts in a time that depends on their lengths only. */
bool credential_equal (struct slice a, struct slice b);

#endif
