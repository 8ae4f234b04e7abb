/* SHA-256 through OpenSSL. */
#include "base/digest.h"

#include "base/hex.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <string.h>

static EVP_MD *fetched;

static void
fetch_sha256 (void)
{
  fetched = EVP_MD_fetch (NULL, "SHA256", NULL);
}

/* The method, looked up once: OpenSSL looks for EVP_sha256 () at each use, which takes longer than to hash a token. It
   stays until the program ends. */
static const EVP_MD *
sha256 (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  (void)pthread_once (&once, fetch_sha256);
  return NULL == fetched ? EVP_sha256 () : fetched;
}

static EVP_MD_CTX *
context_of (struct digest_stream *stream)
{
  return (EVP_MD_CTX *)stream;
}

bool
digest_of (struct digest *digest, struct slice bytes)
{
  return 1 == EVP_Digest (0 == bytes.len ? "" : bytes.data, bytes.len, digest->bytes, NULL, sha256 (), NULL);
}

bool
digest_keyed (struct digest *digest, struct slice key, struct slice bytes)
{
  return NULL
         != HMAC (sha256 (), 0 == key.len ? "" : key.data, (int)key.len,
                  (const unsigned char *)(0 == bytes.len ? "" : bytes.data), bytes.len, digest->bytes, NULL);
}

struct digest_stream *
digest_start (void)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();

  if (NULL != context && 1 != EVP_DigestInit_ex (context, sha256 (), NULL))
  {
    EVP_MD_CTX_free (context);
    context = NULL;
  }
  return (struct digest_stream *)context;
}

bool
digest_add (struct digest_stream *stream, struct slice bytes)
{
  return 0 == bytes.len || 1 == EVP_DigestUpdate (context_of (stream), bytes.data, bytes.len);
}

bool
digest_end (struct digest *digest, struct digest_stream *stream)
{
  return 1 == EVP_DigestFinal_ex (context_of (stream), digest->bytes, NULL);
}

void
digest_free (struct digest_stream *stream)
{
  EVP_MD_CTX_free (context_of (stream));
}

bool
digest_equal (const struct digest *a, const struct digest *b)
{
  return 0 == memcmp (a->bytes, b->bytes, sizeof (a->bytes));
}

void
digest_format (char text[DIGEST_TEXT_BYTES], const struct digest *digest)
{
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < sizeof (digest->bytes); i++)
  {
    text[2 * i] = digits[digest->bytes[i] >> 4];
    text[2 * i + 1] = digits[digest->bytes[i] & 15];
  }
  text[DIGEST_TEXT_BYTES - 1] = '\0';
}

bool
digest_parse (struct digest *digest, struct slice text)
{
  if (DIGEST_TEXT_BYTES - 1 != text.len)
    return false;
  for (size_t i = 0; i < sizeof (digest->bytes); i++)
  {
    int high = hex_value (text.data[2 * i]);
    int low = hex_value (text.data[2 * i + 1]);

    /* One spelling only: a digest is a name. */
    if (high < 0 || low < 0 || (text.data[2 * i] >= 'A' && text.data[2 * i] <= 'F')
        || (text.data[2 * i + 1] >= 'A' && text.data[2 * i + 1] <= 'F'))
      return false;
    digest->bytes[i] = (unsigned char)(high << 4 | low);
  }
  return true;
}

void
digest_base64 (char text[DIGEST_BASE64_BYTES], const struct digest *digest)
{
  (void)EVP_EncodeBlock ((unsigned char *)text, digest->bytes, sizeof (digest->bytes));
}

void
digest_base64url (char text[DIGEST_BASE64URL_BYTES], const struct digest *digest)
{
  char padded[DIGEST_BASE64_BYTES];

  digest_base64 (padded, digest);
  for (size_t i = 0; i < DIGEST_BASE64URL_BYTES - 1; i++)
    text[i] = (char)('+' == padded[i] ? '-' : '/' == padded[i] ? '_' : padded[i]);
  text[DIGEST_BASE64URL_BYTES - 1] = '\0';
}

bool
digest_parse_base64 (struct digest *digest, struct slice text)
{
  /* 44 characters are 33 bytes, the last of them padding. */
  unsigned char bytes[33];
  char written[DIGEST_BASE64_BYTES];

  if (DIGEST_BASE64_BYTES - 1 != text.len
      || (int)sizeof (bytes) != EVP_DecodeBlock (bytes, (const unsigned char *)text.data, (int)text.len))
    return false;
  memcpy (digest->bytes, bytes, sizeof (digest->bytes));
  /* The library also reads '=' as a digit, and bits behind the last byte. */
  digest_base64 (written, digest);
  return slice_is (text, written);
}
