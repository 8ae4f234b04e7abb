/* Credentials of requests: what the headers say, and secrets of ours.

   DESIGN
   API tokens and session cookies have 256 random bits, so their SHA-256 tells nothing and is what the database and the
   memory of identities know them by. A password has few: its digest is keyed with bytes that only this process has, and
   is of no use to whoever reads the memory table of another time. Whatever begins like an API token is one: passwords
   must not (password_check_strength), so that no credential has two readings. */
#include "access/credential.h"

#include "base/id.h"
#include "base/utf8.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <strings.h>

/* Longest header that is read; the JWTs of large providers have some KiB. */
#define HEADER_MAX_BYTES ((size_t)16 * 1024)
/* Characters behind the prefix of a secret of ours. */
#define SECRET_LEN ((size_t)DIGEST_BASE64URL_BYTES - 1)
/* What the token of pages is made for; nothing else is derived from a cookie with these words. */
#define CSRF_PURPOSE "tally csrf token"

/* Random bytes of this process. */
static struct
{
  pthread_once_t once;
  bool made;
  unsigned char bytes[32];
} process_key = { .once = PTHREAD_ONCE_INIT };

static void
make_process_key (void)
{
  process_key.made = random_bytes (process_key.bytes, sizeof (process_key.bytes));
}

static enum err_code
no_memory (struct err *err)
{
  return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
}

static bool
is_base64url (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
  {
    char c = text.data[i];

    if (! ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || '-' == c || '_' == c))
      return false;
  }
  return true;
}

static bool
starts_with (struct slice text, struct slice prefix)
{
  return text.len >= prefix.len && 0 == memcmp (text.data, prefix.data, prefix.len);
}

static struct slice
skip (struct slice text, size_t bytes)
{
  return (struct slice){ text.data + bytes, text.len - bytes };
}

static bool
is_blank (char c)
{
  return ' ' == c || '\t' == c;
}

static struct slice
trim (struct slice text)
{
  while (text.len > 0 && is_blank (text.data[0]))
    text = skip (text, 1);
  while (text.len > 0 && is_blank (text.data[text.len - 1]))
    text.len--;
  return text;
}

/* The digest of a kind that is keyed: parts are told apart by NUL, which user names and headers do not hold. */
static enum err_code
digest_parts (struct credential *credential, struct slice first, struct slice second, struct arena *arena,
              struct err *err)
{
  size_t length = 1 + first.len + 1 + second.len;
  char *text = arena_alloc (arena, length);
  enum err_code code = ERR_OK;

  if (NULL == text)
    return no_memory (err);
  (void)pthread_once (&process_key.once, make_process_key);
  text[0] = (char)credential->kind;
  if (first.len > 0)
    memcpy (text + 1, first.data, first.len);
  if (second.len > 0)
    memcpy (text + 1 + first.len + 1, second.data, second.len);
  if (! process_key.made)
    code = err_set (err, ERR_INTERNAL_ERROR, "the system gives no randomness");
  else if (! digest_keyed (&credential->digest,
                           (struct slice){ (const char *)process_key.bytes, sizeof (process_key.bytes) },
                           (struct slice){ text, length }))
    code = no_memory (err);
  OPENSSL_cleanse (text, length);
  return code;
}

static bool
is_username (struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
    if ((unsigned char)text.data[i] < ' ' || '\x7F' == text.data[i])
      return false;
  return utf8_valid (text);
}

static enum err_code
read_token (struct credential *credential, struct slice token, struct err *err)
{
  struct slice prefix = SLICE (CREDENTIAL_TOKEN_PREFIX);

  if (prefix.len + SECRET_LEN != token.len || ! is_base64url (skip (token, prefix.len)))
    return err_set (err, ERR_UNAUTHENTICATED, "The API token is not whole: it is '%s' and %zu characters.",
                    CREDENTIAL_TOKEN_PREFIX, SECRET_LEN);
  credential->kind = CREDENTIAL_TOKEN;
  credential->secret = token;
  return digest_of (&credential->digest, token) ? ERR_OK : no_memory (err);
}

/* Three parts of base64url between two dots (RFC 7515, 3.1). */
static bool
is_jwt (struct slice text)
{
  unsigned dots = 0;
  size_t begin = 0;

  for (size_t i = 0; i <= text.len; i++)
    if (i == text.len || '.' == text.data[i])
    {
      if (i == begin || ! is_base64url ((struct slice){ text.data + begin, i - begin }))
        return false;
      dots += i < text.len;
      begin = i + 1;
    }
  return 2 == dots;
}

static enum err_code
read_bearer (struct credential *credential, struct slice text, struct arena *arena, struct err *err)
{
  if (starts_with (text, SLICE (CREDENTIAL_TOKEN_PREFIX)))
    return read_token (credential, text, err);
  if (! is_jwt (text))
    return err_set (err, ERR_UNAUTHENTICATED, "The bearer token is neither an API token nor a JWT.");
  credential->kind = CREDENTIAL_JWT;
  credential->secret = text;
  return digest_parts (credential, text, (struct slice){ NULL, 0 }, arena, err);
}

/* Decode base64 (RFC 4648, 4) with its padding. False when it is none. */
static bool
decode_base64 (struct slice *out, struct slice text, struct arena *arena)
{
  size_t padding = 0;
  char *bytes;

  while (padding < 2 && padding < text.len && '=' == text.data[text.len - 1 - padding])
    padding++;
  if (0 == text.len || 0 != text.len % 4)
    return false;
  /* The library is lenient about white space. */
  for (size_t i = 0; i < text.len - padding; i++)
  {
    char c = text.data[i];

    if (! ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || '+' == c || '/' == c))
      return false;
  }
  bytes = arena_alloc (arena, text.len / 4 * 3);
  if (NULL == bytes
      || EVP_DecodeBlock ((unsigned char *)bytes, (const unsigned char *)text.data, (int)text.len) < (int)padding)
    return false;
  *out = (struct slice){ bytes, text.len / 4 * 3 - padding };
  return true;
}

enum err_code
credential_of_password (struct credential *credential, struct slice username, struct slice password,
                        struct arena *arena, struct err *err)
{
  *credential = (struct credential){ .kind = CREDENTIAL_PASSWORD, .username = username, .secret = password };
  return digest_parts (credential, username, password, arena, err);
}

static enum err_code
read_basic (struct credential *credential, struct slice text, struct arena *arena, struct err *err)
{
  struct slice pair = { NULL, 0 };
  struct slice username;
  struct slice password;
  const char *colon = NULL;

  if (decode_base64 (&pair, text, arena))
    colon = memchr (pair.data, ':', pair.len);
  if (arena_overflowed (arena))
    return no_memory (err);
  if (NULL == colon)
    return err_set (err, ERR_UNAUTHENTICATED,
                    "The Basic credentials are not the base64 of a user name, a colon and a password.");
  username = (struct slice){ pair.data, (size_t)(colon - pair.data) };
  password = skip (pair, username.len + 1);
  if (starts_with (password, SLICE (CREDENTIAL_TOKEN_PREFIX)))
    return read_token (credential, password, err);
  if (0 == password.len && starts_with (username, SLICE (CREDENTIAL_TOKEN_PREFIX)))
    return read_token (credential, username, err);
  if (! is_username (username))
    return err_set (err, ERR_UNAUTHENTICATED,
                    "The user name of the Basic credentials is no UTF-8, or holds control characters.");
  return credential_of_password (credential, username, password, arena, err);
}

static enum err_code
read_authorization (struct credential *credential, struct slice header, struct arena *arena, struct err *err)
{
  static const struct
  {
    const char *name;
    bool basic;
  } schemes[] = { { "Bearer", false }, { "Basic", true } };
  struct slice text = trim (header);
  size_t scheme_len = 0;

  while (scheme_len < text.len && ! is_blank (text.data[scheme_len]))
    scheme_len++;
  for (size_t i = 0; i < sizeof (schemes) / sizeof (schemes[0]); i++)
    if (strlen (schemes[i].name) == scheme_len && 0 == strncasecmp (text.data, schemes[i].name, scheme_len))
    {
      text = trim (skip (text, scheme_len));
      return schemes[i].basic ? read_basic (credential, text, arena, err) : read_bearer (credential, text, arena, err);
    }
  return err_set (err, ERR_UNAUTHENTICATED, "The Authorization header begins with neither Basic nor Bearer.");
}

static enum err_code
read_session (struct credential *credential, struct slice header, struct err *err)
{
  struct slice cookie = credential_cookie (header, CREDENTIAL_COOKIE);

  if (SECRET_LEN != cookie.len || ! is_base64url (cookie))
    return ERR_OK;
  credential->kind = CREDENTIAL_SESSION;
  credential->secret = cookie;
  return digest_of (&credential->digest, cookie) ? ERR_OK : no_memory (err);
}

static enum err_code
read_proxy (struct credential *credential, struct slice user, struct slice groups, struct arena *arena, struct err *err)
{
  /* Groups that are not said and no groups differ. */
  char *parts = arena_printf (arena, "%c%.*s", NULL == groups.data ? '-' : '+', SLICE_ARG (groups));

  if (! is_username (user))
    return err_set (err, ERR_UNAUTHENTICATED,
                    "The user name that the proxy sends is no UTF-8, or holds control characters.");
  credential->kind = CREDENTIAL_PROXY;
  credential->username = user;
  credential->groups = groups;
  return digest_parts (credential, user, slice_of (parts), arena, err);
}

enum err_code
credential_read (struct credential *credential, struct slice authorization, struct slice cookie,
                 struct slice proxy_user, struct slice proxy_groups, struct arena *arena, struct err *err)
{
  const struct
  {
    const char *name;
    struct slice value;
  } headers[] = { { "Authorization", authorization },
                  { "Cookie", cookie },
                  { "proxy-user-header", proxy_user },
                  { "proxy-groups-header", proxy_groups } };

  *credential = (struct credential){ .kind = CREDENTIAL_NONE };
  for (size_t i = 0; i < sizeof (headers) / sizeof (headers[0]); i++)
    if (headers[i].value.len > HEADER_MAX_BYTES)
      return err_set (err, ERR_UNAUTHENTICATED, "The header %s is longer than %zu bytes.", headers[i].name,
                      HEADER_MAX_BYTES);
  if (slice_filled (proxy_user))
    return read_proxy (credential, proxy_user, proxy_groups, arena, err);
  if (NULL != authorization.data)
    return read_authorization (credential, authorization, arena, err);
  return read_session (credential, cookie, err);
}

struct slice
credential_cookie (struct slice header, const char *name)
{
  const struct slice absent = { NULL, 0 };
  struct slice found = absent;

  for (size_t begin = 0; begin < header.len;)
  {
    const char *semicolon = memchr (header.data + begin, ';', header.len - begin);
    size_t end = NULL == semicolon ? header.len : (size_t)(semicolon - header.data);
    struct slice pair = trim ((struct slice){ header.data + begin, end - begin });
    const char *sign = 0 == pair.len ? NULL : memchr (pair.data, '=', pair.len);

    begin = end + 1;
    if (NULL == sign || ! slice_is ((struct slice){ pair.data, (size_t)(sign - pair.data) }, name))
      continue;
    pair = skip (pair, (size_t)(sign - pair.data) + 1);
    if (pair.len >= 2 && '"' == pair.data[0] && '"' == pair.data[pair.len - 1])
      pair = (struct slice){ pair.data + 1, pair.len - 2 };
    if (NULL != found.data && ! slice_equal (found, pair))
      return absent;
    found = pair;
  }
  return found;
}

bool
credential_new (struct slice *secret, struct digest *digest, const char *prefix, struct arena *arena)
{
  struct digest random;
  char text[DIGEST_BASE64URL_BYTES];
  char *whole;

  if (! random_bytes (random.bytes, sizeof (random.bytes)))
    return false;
  digest_base64url (text, &random);
  whole = arena_printf (arena, "%s%s", prefix, text);
  OPENSSL_cleanse (&random, sizeof (random));
  OPENSSL_cleanse (text, sizeof (text));
  *secret = slice_of (whole);
  return NULL != whole && digest_of (digest, *secret);
}

struct slice
credential_csrf_token (struct slice cookie, struct arena *arena)
{
  char text[DIGEST_BASE64URL_BYTES];
  struct digest digest;

  if (! digest_keyed (&digest, cookie, SLICE (CSRF_PURPOSE)))
    return (struct slice){ NULL, 0 };
  digest_base64url (text, &digest);
  return slice_of (arena_copy (arena, text, sizeof (text) - 1));
}

bool
credential_equal (struct slice a, struct slice b)
{
  return a.len == b.len && (0 == a.len || 0 == CRYPTO_memcmp (a.data, b.data, a.len));
}
