/* Keys and tokens for tests. */
#include "tokens.h"

#include <check.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

EVP_PKEY *token_rsa;
EVP_PKEY *token_other_rsa;
EVP_PKEY *token_small_rsa;
EVP_PKEY *token_p256;
EVP_PKEY *token_p384;
EVP_PKEY *token_p521;

void
tokens_set_up (void)
{
  token_rsa = EVP_RSA_gen (2048);
  token_other_rsa = EVP_RSA_gen (2048);
  token_small_rsa = EVP_RSA_gen (1024);
  token_p256 = EVP_EC_gen ("P-256");
  token_p384 = EVP_EC_gen ("P-384");
  token_p521 = EVP_EC_gen ("P-521");
  ck_assert (NULL != token_rsa && NULL != token_other_rsa && NULL != token_small_rsa && NULL != token_p256
             && NULL != token_p384 && NULL != token_p521);
}

void
tokens_tear_down (void)
{
  EVP_PKEY_free (token_rsa);
  EVP_PKEY_free (token_other_rsa);
  EVP_PKEY_free (token_small_rsa);
  EVP_PKEY_free (token_p256);
  EVP_PKEY_free (token_p384);
  EVP_PKEY_free (token_p521);
}

struct slice
token_encode (struct slice bytes, struct arena *arena)
{
  char *text = arena_alloc (arena, (bytes.len + 2) / 3 * 4 + 1);
  size_t len;

  ck_assert_ptr_nonnull (text);
  len = (size_t)EVP_EncodeBlock ((unsigned char *)text, (const unsigned char *)bytes.data, (int)bytes.len);
  while (len > 0 && '=' == text[len - 1])
    len--;
  for (size_t i = 0; i < len; i++)
    text[i] = (char)('+' == text[i] ? '-' : '/' == text[i] ? '_' : text[i]);
  return (struct slice){ text, len };
}

const char *
token_pem (EVP_PKEY *key, struct arena *arena)
{
  BIO *memory = BIO_new (BIO_s_mem ());
  char *text = NULL;
  long length;
  const char *pem;

  ck_assert_int_eq (PEM_write_bio_PUBKEY (memory, key), 1);
  length = BIO_get_mem_data (memory, &text);
  pem = arena_copy (arena, text, (size_t)length);
  BIO_free (memory);
  return pem;
}

/* A number of the key, big-endian in `bytes` bytes (0: as many as it has). */
static struct slice
number_of (EVP_PKEY *key, const char *name, int bytes, struct arena *arena)
{
  BIGNUM *number = NULL;
  unsigned char *out;

  ck_assert_int_eq (EVP_PKEY_get_bn_param (key, name, &number), 1);
  if (0 == bytes)
    bytes = BN_num_bytes (number);
  out = arena_alloc (arena, (size_t)bytes);
  ck_assert_int_eq (BN_bn2binpad (number, out, bytes), bytes);
  BN_free (number);
  return token_encode ((struct slice){ (const char *)out, (size_t)bytes }, arena);
}

const char *
token_jwk (EVP_PKEY *key, const char *more, struct arena *arena)
{
  int bits = EVP_PKEY_get_bits (key);
  int bytes = (bits + 7) / 8;
  struct slice x;
  struct slice y;

  if (EVP_PKEY_is_a (key, "RSA"))
  {
    x = number_of (key, OSSL_PKEY_PARAM_RSA_N, 0, arena);
    y = number_of (key, OSSL_PKEY_PARAM_RSA_E, 0, arena);
    return arena_printf (arena, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%.*s\"%s}", SLICE_ARG (x), SLICE_ARG (y),
                         more);
  }
  x = number_of (key, OSSL_PKEY_PARAM_EC_PUB_X, bytes, arena);
  y = number_of (key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes, arena);
  return arena_printf (arena, "{\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%.*s\",\"y\":\"%.*s\"%s}", bits, SLICE_ARG (x),
                       SLICE_ARG (y), more);
}

/* r and s one behind the other instead of DER. */
static struct slice
flat_signature (const unsigned char *der, size_t length, int coordinate_bytes, struct arena *arena)
{
  ECDSA_SIG *pair = d2i_ECDSA_SIG (NULL, &der, (long)length);
  unsigned char *out = arena_alloc (arena, (size_t)coordinate_bytes * 2);

  ck_assert_ptr_nonnull (pair);
  ck_assert_int_eq (BN_bn2binpad (ECDSA_SIG_get0_r (pair), out, coordinate_bytes), coordinate_bytes);
  ck_assert_int_eq (BN_bn2binpad (ECDSA_SIG_get0_s (pair), out + coordinate_bytes, coordinate_bytes), coordinate_bytes);
  ECDSA_SIG_free (pair);
  return (struct slice){ (const char *)out, (size_t)coordinate_bytes * 2 };
}

struct slice
token_signature (const char *algorithm, EVP_PKEY *key, struct slice secret, struct slice text, struct arena *arena)
{
  const char *name = arena_printf (arena, "SHA%s", algorithm + 2);
  const EVP_MD *digest = EVP_get_digestbyname (name);
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  EVP_PKEY_CTX *options = NULL;
  size_t length = 1024;
  unsigned char *out = arena_alloc (arena, length);
  struct slice signature;

  if ('H' == algorithm[0])
  {
    unsigned mac_length = 0;

    ck_assert_ptr_nonnull (
        HMAC (digest, secret.data, (int)secret.len, (const unsigned char *)text.data, text.len, out, &mac_length));
    EVP_MD_CTX_free (context);
    return (struct slice){ (const char *)out, mac_length };
  }
  ck_assert_int_eq (EVP_DigestSignInit (context, &options, digest, NULL, key), 1);
  if ('P' == algorithm[0])
  {
    ck_assert_int_eq (EVP_PKEY_CTX_set_rsa_padding (options, RSA_PKCS1_PSS_PADDING), 1);
    ck_assert_int_eq (EVP_PKEY_CTX_set_rsa_pss_saltlen (options, RSA_PSS_SALTLEN_DIGEST), 1);
  }
  ck_assert_int_eq (EVP_DigestSign (context, out, &length, (const unsigned char *)text.data, text.len), 1);
  EVP_MD_CTX_free (context);
  signature = (struct slice){ (const char *)out, length };
  if (EVP_PKEY_is_a (key, "EC"))
    signature = flat_signature (out, length, (EVP_PKEY_get_bits (key) + 7) / 8, arena);
  return signature;
}

struct slice
token_join (struct slice header, struct slice claims, struct slice signature, struct arena *arena)
{
  struct slice first = token_encode (header, arena);
  struct slice second = token_encode (claims, arena);
  struct slice third = token_encode (signature, arena);
  char *text = arena_printf (arena, "%.*s.%.*s.%.*s", SLICE_ARG (first), SLICE_ARG (second), SLICE_ARG (third));

  ck_assert_ptr_nonnull (text);
  return slice_of (text);
}

struct slice
token_sign (const char *header, struct slice claims, const char *algorithm, EVP_PKEY *key, struct arena *arena)
{
  struct slice first = token_encode (slice_of (header), arena);
  struct slice second = token_encode (claims, arena);
  struct slice text = slice_of (arena_printf (arena, "%.*s.%.*s", SLICE_ARG (first), SLICE_ARG (second)));

  return token_join (slice_of (header), claims,
                     token_signature (algorithm, key, (struct slice){ NULL, 0 }, text, arena), arena);
}
