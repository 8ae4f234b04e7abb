/* Passwords: hashed by scrypt, and who they stand for.

   DESIGN
   The parameters are in the stored text, so that they can be raised: a text with others still opens its account, and is
   replaced when it has. One hash takes 32 MiB while it runs and the time of a few hundred requests, so it runs in the
   login lane, on login-threads threads, and only for what is not remembered. What is answered depends on whether it was
   right, and on nothing else: an account that is not there costs the same hash. */
#include "access/password.h"

#include "access/backoff.h"
#include "access/identify.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/number.h"
#include "base/utf8.h"
#include "store/account.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>
#include <strings.h>

/* Today's parameters: one of the equivalent settings of OWASP's Password Storage Cheat Sheet for scrypt. The one with
   32 MiB, because a tracker with 12 MB in use shall not take 128 MiB to let somebody in; 0.21 s on a 2020s server core.
 */
#define SCRYPT_LOG_N 15
#define SCRYPT_R 8
#define SCRYPT_P 3
/* Limits of what is taken from a stored text, so that a row cannot ask for any memory or time: those of the strongest
   setting of that sheet, and a few times as many rounds. */
#define SCRYPT_MAX_LOG_N 17
#define SCRYPT_MAX_R 16
#define SCRYPT_MAX_P 16
#define SCRYPT_MAX_BYTES ((uint64_t)128 * 1024 * 1024)
#define SCHEME "scrypt"
/* Parts of the text between its dollar signs. */
#define TEXT_PARTS 6

#define WRONG "The user name or the password is wrong."

struct hashed
{
  int64_t log_n;
  int64_t r;
  int64_t p;
  struct digest salt;
  struct digest hash;
};

enum err_code
password_check_strength (struct slice password, struct slice username, struct err *err)
{
  const struct slice prefix = SLICE (CREDENTIAL_TOKEN_PREFIX);

  if (! utf8_valid (password))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The password must be UTF-8.");
  if (utf8_length (password) < PASSWORD_MIN)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The password must have at least %d characters.", PASSWORD_MIN);
  if (password.len > PASSWORD_MAX_BYTES)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The password must have at most %d bytes.", PASSWORD_MAX_BYTES);
  if (password.len == username.len && 0 == strncasecmp (password.data, username.data, password.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The password must not be the user name.");
  if (0 == strncmp (password.data, prefix.data, prefix.len))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The password must not begin with '%s' as API tokens do.",
                    CREDENTIAL_TOKEN_PREFIX);
  return ERR_OK;
}

enum err_code
password_read_line (struct slice *password, FILE *file, const char *name, struct arena *arena, struct err *err)
{
  /* The longest, a carriage return, and one more, which is too many. */
  char line[PASSWORD_MAX_BYTES + 2];
  size_t length = 0;
  enum err_code code = ERR_OK;

  for (int c = getc (file); EOF != c && '\n' != c && length < sizeof (line); c = getc (file))
    line[length++] = (char)c;
  if (length > 0 && '\r' == line[length - 1])
    length--;
  if (0 != ferror (file))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s: %s", name, strerror (errno));
  else if (0 == length || length > PASSWORD_MAX_BYTES || NULL != memchr (line, '\0', length))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s: the first line must hold the password, of at most %d bytes",
                    name, PASSWORD_MAX_BYTES);
  else
    *password = (struct slice){ arena_copy (arena, line, length), length };
  OPENSSL_cleanse (line, sizeof (line));
  return ERR_OK == code && NULL == password->data ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : code;
}

enum err_code
password_read_file (struct slice *password, const char *path, struct arena *arena, struct err *err)
{
  FILE *file = fopen (path, "re");
  enum err_code code;

  if (NULL == file)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "%s: %s", path, strerror (errno));
  /* What is read ahead would stay in memory. */
  (void)setvbuf (file, NULL, _IONBF, 0);
  code = password_read_line (password, file, path, arena, err);
  fclose (file);
  return code;
}

/* --- the hash ----------------------------------------------------------------------------------------------------- */

static enum err_code
crypto_failed (struct err *err)
{
  return err_set_cause (err, ERR_INTERNAL_ERROR, "scrypt failed, most likely for lack of memory", "internal error");
}

/* scrypt (RFC 7914) with the parameters and salt of `hashed`. */
static enum err_code
derive (struct digest *hash, const struct hashed *hashed, struct slice password, struct err *err)
{
  uint64_t n = UINT64_C (1) << hashed->log_n;
  uint32_t r = (uint32_t)hashed->r;
  uint32_t p = (uint32_t)hashed->p;
  /* The large table, the blocks beside it, and room for the library's own counting. */
  uint64_t memory_bytes = 128 * (uint64_t)r * (n + p + 4);
  char *secret = (char *)(uintptr_t)(0 == password.len ? "" : password.data);
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_PASSWORD, secret, password.len),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)hashed->salt.bytes,
                                       sizeof (hashed->salt.bytes)),
    OSSL_PARAM_construct_uint64 (OSSL_KDF_PARAM_SCRYPT_N, &n),
    OSSL_PARAM_construct_uint32 (OSSL_KDF_PARAM_SCRYPT_R, &r),
    OSSL_PARAM_construct_uint32 (OSSL_KDF_PARAM_SCRYPT_P, &p),
    OSSL_PARAM_construct_uint64 (OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory_bytes),
    OSSL_PARAM_construct_end (),
  };
  EVP_KDF *function = EVP_KDF_fetch (NULL, "SCRYPT", NULL);
  EVP_KDF_CTX *context = NULL == function ? NULL : EVP_KDF_CTX_new (function);
  bool done = NULL != context && EVP_KDF_derive (context, hash->bytes, sizeof (hash->bytes), parameters) > 0;

  EVP_KDF_CTX_free (context);
  EVP_KDF_free (function);
  return done ? ERR_OK : crypto_failed (err);
}

/* Read a stored text. False when it is none, or asks for more than there is. */
static bool
parse (struct hashed *hashed, struct slice text)
{
  struct slice parts[TEXT_PARTS];
  size_t count = 0;
  size_t begin = 0;

  for (size_t i = 0; i <= text.len; i++)
    if (i == text.len || '$' == text.data[i])
    {
      if (TEXT_PARTS == count)
        return false;
      parts[count++] = (struct slice){ 0 == text.len ? "" : text.data + begin, i - begin };
      begin = i + 1;
    }
  return TEXT_PARTS == count && slice_is (parts[0], SCHEME) && number_parse_int64 (parts[1], &hashed->log_n)
         && number_parse_int64 (parts[2], &hashed->r) && number_parse_int64 (parts[3], &hashed->p) && hashed->log_n >= 1
         && hashed->log_n <= SCRYPT_MAX_LOG_N && hashed->r >= 1 && hashed->r <= SCRYPT_MAX_R && hashed->p >= 1
         && hashed->p <= SCRYPT_MAX_P && 128 * (uint64_t)hashed->r * (UINT64_C (1) << hashed->log_n) <= SCRYPT_MAX_BYTES
         && digest_parse (&hashed->salt, parts[4]) && digest_parse (&hashed->hash, parts[5]);
}

enum err_code
password_hash (struct slice *text, struct slice password, struct arena *arena, struct err *err)
{
  struct hashed hashed = { .log_n = SCRYPT_LOG_N, .r = SCRYPT_R, .p = SCRYPT_P };
  char salt[DIGEST_TEXT_BYTES];
  char hash[DIGEST_TEXT_BYTES];
  enum err_code code;

  if (! random_bytes (hashed.salt.bytes, sizeof (hashed.salt.bytes)))
    return err_set (err, ERR_INTERNAL_ERROR, "the system gives no randomness");
  code = derive (&hashed.hash, &hashed, password, err);
  if (ERR_OK != code)
    return code;
  digest_format (salt, &hashed.salt);
  digest_format (hash, &hashed.hash);
  *text = slice_of (arena_printf (arena, SCHEME "$%d$%d$%d$%s$%s", SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P, salt, hash));
  return NULL == text->data ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

enum err_code
password_matches (bool *matches, struct slice text, struct slice password, struct err *err)
{
  struct hashed hashed = { .log_n = 0 };
  struct digest hash;
  bool readable = parse (&hashed, text);
  enum err_code code;

  *matches = false;
  if (! readable)
    hashed = (struct hashed){ .log_n = SCRYPT_LOG_N, .r = SCRYPT_R, .p = SCRYPT_P };
  code = derive (&hash, &hashed, password, err);
  if (ERR_OK == code)
    *matches = 0 == CRYPTO_memcmp (hash.bytes, hashed.hash.bytes, sizeof (hash.bytes)) && readable;
  OPENSSL_cleanse (&hash, sizeof (hash));
  return code;
}

bool
password_is_old (struct slice text)
{
  struct hashed hashed;

  return ! parse (&hashed, text) || SCRYPT_LOG_N != hashed.log_n || SCRYPT_R != hashed.r || SCRYPT_P != hashed.p;
}

/* --- who it is ---------------------------------------------------------------------------------------------------- */

/* Replace a text whose parameters are not today's. That it fails does not concern who has just logged in. */
static void
renew (const struct store_account_found *found, struct slice password, struct store_connection *connection,
       struct arena *arena)
{
  struct err ignored = { 0 };
  struct slice fresh;
  bool changed;

  if (ERR_OK == password_hash (&fresh, password, arena, &ignored))
    (void)store_account_rehash (&changed, connection, found->account_id, found->password, fresh, &ignored);
}

enum err_code
password_check_wait (struct access *access, const struct credential *credential, struct slice address, struct err *err)
{
  unsigned wait_s = backoff_wait_s (access_backoff (access), credential->username, address, clock_monotonic_us ());

  if (0 == wait_s)
    return ERR_OK;
  (void)err_set (err, ERR_REQUEST_LIMIT_EXCEEDED,
                 "Too many wrong passwords from this address; try again in %u second%s.", wait_s,
                 1 == wait_s ? "" : "s");
  if (NULL != err)
    err->retry_after_s = wait_s;
  return ERR_REQUEST_LIMIT_EXCEEDED;
}

/* Check the password against the stored text, which is absent where none can match; remember how it came out. */
static enum err_code
check (bool *matches, struct access *access, const struct credential *credential, struct slice stored,
       struct slice address, struct err *err)
{
  struct backoff *backoff = access_backoff (access);
  enum err_code code = ERR_OK;

  *matches = access_is_verified (access, &credential->digest, stored);
  if (! *matches)
  {
    if (backoff_is_known_wrong (backoff, credential->username, address, &credential->digest, stored))
      return ERR_OK;
    code = password_matches (matches, stored, credential->secret, err);
  }
  if (ERR_OK != code)
    return code;
  if (*matches)
  {
    backoff_succeeded (backoff, credential->username, address);
    access_note_verified (access, &credential->digest, stored);
  }
  else
    backoff_failed (backoff, credential->username, address, &credential->digest, stored, clock_monotonic_us ());
  return ERR_OK;
}

enum err_code
password_identify (struct access_identity *identity, struct access *access, struct store_connection *connection,
                   const struct credential *credential, struct slice address, struct arena *arena, struct err *err)
{
  struct store_account_found found = { .account_id = 0 };
  struct slice stored = { NULL, 0 };
  bool matches = false;
  /* Again, because it may have waited for its turn. */
  enum err_code code = password_check_wait (access, credential, address, err);

  if (ERR_OK != code)
    return code;
  code = store_access_by_name (&found, connection, credential->username, arena, err);
  if (ERR_OK == code && ! found.disabled)
    stored = found.password;
  else if (ERR_OK != code && ERR_RESOURCE_DOES_NOT_EXIST != code)
    return code;
  code = check (&matches, access, credential, stored, address, err);
  if (ERR_OK != code)
    return code;
  if (! matches)
    return err_set (err, ERR_UNAUTHENTICATED, WRONG);
  if (password_is_old (stored))
    renew (&found, credential->secret, connection, arena);
  *identity = access_identity_of (access, &found, ACCESS_BY_PASSWORD);
  return ERR_OK;
}
