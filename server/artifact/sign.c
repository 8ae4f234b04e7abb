/* Signatures by keys that all daemons of a database share.

   DESIGN
   A key is read when it is first needed and kept in memory: it never changes, so two threads that read it at the same
   moment write the same. The lock guards the copy only; the database is asked outside of it. */
#include "artifact/sign.h"

#include "base/clock.h"
#include "base/lock.h"
#include "store/signing_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of an Ed25519 signature (RFC 8032, 5.1.6). */
#define DOCUMENT_SIGNATURE_BYTES 64

enum purpose
{
  PURPOSE_URL,
  PURPOSE_MANIFEST,
  PURPOSE_COUNT
};

struct artifact_keys
{
  struct lock lock;
  bool loaded[PURPOSE_COUNT];
  struct store_signing_key keys[PURPOSE_COUNT];
};

struct artifact_keys *
artifact_keys_new (void)
{
  struct artifact_keys *keys = calloc (1, sizeof (*keys));

  if (NULL != keys)
    lock_init (&keys->lock);
  return keys;
}

void
artifact_keys_free (struct artifact_keys *keys)
{
  if (NULL == keys)
    return;
  lock_destroy (&keys->lock);
  OPENSSL_cleanse (keys->keys, sizeof (keys->keys));
  free (keys);
}

/* A copy of the key, which the caller wipes. */
static enum err_code
take_key (struct store_signing_key *key, struct artifact_keys *keys, enum purpose purpose,
          struct store_connection *connection, struct err *err)
{
  static const char *const names[PURPOSE_COUNT] = { [PURPOSE_URL] = "url", [PURPOSE_MANIFEST] = "manifest" };
  enum err_code code;
  bool loaded;

  lock_acquire (&keys->lock);
  loaded = keys->loaded[purpose];
  if (loaded)
    *key = keys->keys[purpose];
  lock_release (&keys->lock);
  if (loaded)
    return ERR_OK;
  code = store_signing_key (key, connection, slice_of (names[purpose]), clock_wall_ms (), err);
  if (ERR_OK != code)
    return code;
  lock_acquire (&keys->lock);
  keys->keys[purpose] = *key;
  keys->loaded[purpose] = true;
  lock_release (&keys->lock);
  return ERR_OK;
}

static enum err_code
crypto_failed (struct err *err)
{
  return err_set_cause (err, ERR_INTERNAL_ERROR, "the crypto library failed", "internal error");
}

enum err_code
artifact_sign_url (char signature[ARTIFACT_SIGNATURE_BYTES], struct artifact_keys *keys,
                   struct store_connection *connection, struct slice text, struct err *err)
{
  struct store_signing_key key;
  struct digest mac = { { 0 } };
  enum err_code code = take_key (&key, keys, PURPOSE_URL, connection, err);

  if (ERR_OK != code)
    return code;
  if (! digest_keyed (&mac, (struct slice){ (const char *)key.secret, sizeof (key.secret) }, text))
    code = crypto_failed (err);
  OPENSSL_cleanse (&key, sizeof (key));
  digest_base64url (signature, &mac);
  return code;
}

bool
artifact_signature_equal (const char signature[ARTIFACT_SIGNATURE_BYTES], struct slice given)
{
  return ARTIFACT_SIGNATURE_BYTES - 1 == given.len && 0 == CRYPTO_memcmp (signature, given.data, given.len);
}

/* The private key of manifests; the caller frees `private` with EVP_PKEY_free. */
static enum err_code
take_private (EVP_PKEY **private, int64_t *key_id, struct artifact_keys *keys, struct store_connection *connection,
              struct err *err)
{
  struct store_signing_key key;
  enum err_code code = take_key (&key, keys, PURPOSE_MANIFEST, connection, err);

  if (ERR_OK != code)
    return code;
  *key_id = key.key_id;
  *private = EVP_PKEY_new_raw_private_key (EVP_PKEY_ED25519, NULL, key.secret, sizeof (key.secret));
  OPENSSL_cleanse (&key, sizeof (key));
  return NULL == *private ? crypto_failed (err) : ERR_OK;
}

static const unsigned char *
bytes_of (struct slice document)
{
  return (const unsigned char *)(0 == document.len ? "" : document.data);
}

enum err_code
artifact_sign_document (unsigned char signature[DOCUMENT_SIGNATURE_BYTES], int64_t *key_id, struct artifact_keys *keys,
                        struct store_connection *connection, struct slice document, struct err *err)
{
  EVP_MD_CTX *context = NULL;
  EVP_PKEY *private = NULL;
  size_t length = DOCUMENT_SIGNATURE_BYTES;
  enum err_code code = take_private (&private, key_id, keys, connection, err);

  if (ERR_OK != code)
    return code;
  context = EVP_MD_CTX_new ();
  if (NULL == context || 1 != EVP_DigestSignInit (context, NULL, NULL, NULL, private)
      || 1 != EVP_DigestSign (context, signature, &length, bytes_of (document), document.len)
      || DOCUMENT_SIGNATURE_BYTES != length)
    code = crypto_failed (err);
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (private);
  return code;
}

enum err_code
artifact_verify_document (bool *valid, struct artifact_keys *keys, struct store_connection *connection,
                          struct slice document, const unsigned char signature[DOCUMENT_SIGNATURE_BYTES],
                          struct err *err)
{
  EVP_MD_CTX *context = NULL;
  EVP_PKEY *private = NULL;
  int64_t key_id;
  enum err_code code = take_private (&private, &key_id, keys, connection, err);

  *valid = false;
  if (ERR_OK != code)
    return code;
  context = EVP_MD_CTX_new ();
  if (NULL == context || 1 != EVP_DigestVerifyInit (context, NULL, NULL, NULL, private))
    code = crypto_failed (err);
  else
    *valid = 1 == EVP_DigestVerify (context, signature, DOCUMENT_SIGNATURE_BYTES, bytes_of (document), document.len);
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (private);
  return code;
}

enum err_code
artifact_public_key (struct buffer *pem, int64_t *key_id, struct artifact_keys *keys,
                     struct store_connection *connection, struct err *err)
{
  EVP_PKEY *private = NULL;
  BIO *memory = NULL;
  char *text = NULL;
  long length = 0;
  enum err_code code = take_private (&private, key_id, keys, connection, err);

  if (ERR_OK != code)
    return code;
  memory = BIO_new (BIO_s_mem ());
  if (NULL == memory || 1 != PEM_write_bio_PUBKEY (memory, private))
    code = crypto_failed (err);
  else
    length = BIO_get_mem_data (memory, &text);
  if (ERR_OK == code && ! buffer_append (pem, text, (size_t)length))
    code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  BIO_free (memory);
  EVP_PKEY_free (private);
  return code;
}
