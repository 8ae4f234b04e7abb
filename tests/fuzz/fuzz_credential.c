/* Authorization headers: what is read as a credential says the same when it is written anew, and no secret gets into a
   message. The input is the header; as text of a stored password it is read too. */
#include "fuzz.h"

#include "access/credential.h"
#include "access/identity.h"
#include "access/password.h"
#include "base/utf8.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

/* Twice the longest header in base64, and room. */
#define ARENA_BYTES ((size_t)1024 * 1024)

static const struct slice absent = { NULL, 0 };

static enum err_code
read_header (struct credential *credential, struct slice header, struct arena *arena, struct err *err)
{
  return credential_read (credential, header, absent, absent, absent, arena, err);
}

static bool
has_secret_form (struct slice secret)
{
  for (size_t i = 0; i < secret.len; i++)
    if ('\0' == secret.data[i]
        || NULL == strchr ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", secret.data[i]))
      return false;
  return true;
}

/* The header of a credential, written anew. */
static struct slice
write_header (const struct credential *credential, struct arena *arena)
{
  size_t len = credential->username.len + 1 + credential->secret.len;
  char *pair = arena_alloc (arena, len);
  char *base64 = arena_alloc (arena, (len + 2) / 3 * 4 + 1);

  if (CREDENTIAL_PASSWORD != credential->kind)
    return slice_of (arena_printf (arena, "Bearer %.*s", SLICE_ARG (credential->secret)));
  REQUIRE (NULL != pair && NULL != base64);
  memcpy (pair, credential->username.data, credential->username.len);
  pair[credential->username.len] = ':';
  memcpy (pair + credential->username.len + 1, credential->secret.data, credential->secret.len);
  EVP_EncodeBlock ((unsigned char *)base64, (const unsigned char *)pair, (int)len);
  return slice_of (arena_printf (arena, "Basic %s", base64));
}

static void
check_read (const struct credential *credential, struct arena *arena)
{
  struct credential again;
  struct digest digest;

  switch (credential->kind)
  {
  case CREDENTIAL_PASSWORD:
    REQUIRE (utf8_valid (credential->username));
    REQUIRE (0 == credential->username.len
             || NULL == memchr (credential->username.data, '\0', credential->username.len));
    REQUIRE (0 == credential->username.len
             || NULL == memchr (credential->username.data, ':', credential->username.len));
    break;
  case CREDENTIAL_TOKEN:
    REQUIRE (47 == credential->secret.len && 0 == memcmp (credential->secret.data, "tly_", 4));
    REQUIRE (has_secret_form (credential->secret));
    REQUIRE (digest_of (&digest, credential->secret) && digest_equal (&digest, &credential->digest));
    break;
  default:
    REQUIRE (CREDENTIAL_JWT == credential->kind && has_secret_form (credential->secret));
    break;
  }
  REQUIRE (NULL == credential->groups.data);
  REQUIRE (ERR_OK == read_header (&again, write_header (credential, arena), arena, NULL));
  REQUIRE (again.kind == credential->kind && slice_equal (again.username, credential->username)
           && slice_equal (again.secret, credential->secret) && digest_equal (&again.digest, &credential->digest));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice header = { (const char *)data, size };
  struct arena *arena = arena_new (ARENA_BYTES);
  struct credential credential;
  struct err err = { 0 };
  enum err_code code;

  REQUIRE (NULL != arena);
  code = read_header (&credential, header, arena, &err);
  if (ERR_OK == code)
    check_read (&credential, arena);
  else
  {
    REQUIRE (ERR_UNAUTHENTICATED == code && CREDENTIAL_NONE == credential.kind && '\0' != err.message[0]);
    /* Long enough that it is no word of the message by chance. */
    REQUIRE (size < 24 || NULL != memchr (data, '\0', size)
             || NULL == strstr (err.message, arena_copy (arena, header.data + size - 12, 12)));
  }
  (void)password_is_old (header);
  arena_free (arena);
  return 0;
}
