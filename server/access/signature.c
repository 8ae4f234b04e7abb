/* Signatures of JSON Web Signatures. */
#include "access/signature.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* An ECDSA signature as OpenSSL takes it, allocated by it, of r and s one behind the other, each as long as a
   coordinate (RFC 7518, 3.4). NULL when the length is another, and when memory is out. */
static unsigned char *
ecdsa_der (size_t *length, struct slice signature, size_t coordinate_bytes)
{
  const unsigned char *bytes = (const unsigned char *)signature.data;
  ECDSA_SIG *pair = NULL;
  BIGNUM *r = NULL;
  BIGNUM *s = NULL;
  unsigned char *der = NULL;
  int size = 0;

  if (2 * coordinate_bytes != signature.len)
    return NULL;
  pair = ECDSA_SIG_new ();
  r = BN_bin2bn (bytes, (int)coordinate_bytes, NULL);
  s = BN_bin2bn (bytes + coordinate_bytes, (int)coordinate_bytes, NULL);
  if (NULL != pair && NULL != r && NULL != s && 1 == ECDSA_SIG_set0 (pair, r, s))
  {
    /* They are the pair's now. */
    r = NULL;
    s = NULL;
    size = i2d_ECDSA_SIG (pair, &der);
  }
  BN_free (r);
  BN_free (s);
  ECDSA_SIG_free (pair);
  *length = size > 0 ? (size_t)size : 0;
  return der;
}

/* The type that the algorithm needs: the key set has seen to it, and this is where it would matter. */
static bool
fits (EVP_PKEY *key, const struct web_token_algorithm *algorithm)
{
  static const int bits[] = { [WEB_TOKEN_P256] = 256, [WEB_TOKEN_P384] = 384, [WEB_TOKEN_P521] = 521 };
  enum web_token_key type = web_token_algorithm_key (algorithm);

  if (WEB_TOKEN_RSA == type)
    return 1 == EVP_PKEY_is_a (key, "RSA");
  return 1 == EVP_PKEY_is_a (key, "EC") && bits[type] == EVP_PKEY_get_bits (key);
}

/* The padding of RSA is PKCS #1 v1.5 unless something else is asked for. PSS comes with the digest for its mask too,
   and a salt as long as the digest (RFC 7518, 3.5). */
static bool
set_padding (EVP_PKEY_CTX *options, const struct web_token_algorithm *algorithm)
{
  return ! web_token_algorithm_is_pss (algorithm)
         || (1 == EVP_PKEY_CTX_set_rsa_padding (options, RSA_PKCS1_PSS_PADDING)
             && 1 == EVP_PKEY_CTX_set_rsa_pss_saltlen (options, RSA_PSS_SALTLEN_DIGEST));
}

bool
signature_valid (const struct web_token_algorithm *algorithm, const char *pem, struct slice text,
                 struct slice signature)
{
  static const size_t coordinate_bytes[] = { [WEB_TOKEN_P256] = 32, [WEB_TOKEN_P384] = 48, [WEB_TOKEN_P521] = 66 };
  enum web_token_key type = web_token_algorithm_key (algorithm);
  BIO *memory = BIO_new_mem_buf (pem, -1);
  EVP_PKEY *key = NULL == memory ? NULL : PEM_read_bio_PUBKEY (memory, NULL, NULL, NULL);
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  EVP_PKEY_CTX *options = NULL; /* the context's */
  const unsigned char *bytes = (const unsigned char *)signature.data;
  size_t length = signature.len;
  unsigned char *der = NULL;
  bool valid = false;

  if (WEB_TOKEN_RSA != type)
  {
    der = ecdsa_der (&length, signature, coordinate_bytes[type]);
    bytes = der;
  }
  if (NULL != key && fits (key, algorithm) && NULL != context && NULL != bytes && length > 0
      && 1 == EVP_DigestVerifyInit_ex (context, &options, web_token_algorithm_digest (algorithm), NULL, NULL, key, NULL)
      && set_padding (options, algorithm))
    valid = 1 == EVP_DigestVerify (context, bytes, length, (const unsigned char *)text.data, text.len);
  OPENSSL_free (der);
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (key);
  BIO_free (memory);
  ERR_clear_error ();
  return valid;
}
