/* Signatures: of URLs that carry their own permission, and of manifests. */
#ifndef ARTIFACT_SIGN_H
#define ARTIFACT_SIGN_H

#include "base/buffer.h"
#include "base/digest.h"
#include "store/connection.h"

/* Secrets of a database, read once and kept; they never change. */
struct artifact_keys;
struct artifact_keys *artifact_keys_new (void); /* NULL when memory is out */
void artifact_keys_free (struct artifact_keys *keys);

/* HMAC-SHA256 (RFC 2104) over a text that names everything the permission is bound to, as URL-safe base64 without
   padding: 43 characters and NUL. Thread-safe. Errors: those of store_query at the first use. */
#define ARTIFACT_SIGNATURE_BYTES DIGEST_BASE64URL_BYTES
enum err_code artifact_sign_url (char signature[ARTIFACT_SIGNATURE_BYTES], struct artifact_keys *keys,
                                 struct store_connection *connection, struct slice text, struct err *err);

/* Compare in constant time. */
bool artifact_signature_equal (const char signature[ARTIFACT_SIGNATURE_BYTES], struct slice given);

/* Ed25519 (RFC 8032) over a document: 64 bytes, and the number of the key. Thread-safe. */
enum err_code artifact_sign_document (unsigned char signature[64], int64_t *key_id, struct artifact_keys *keys,
                                      struct store_connection *connection, struct slice document, struct err *err);
enum err_code artifact_verify_document (bool *valid, struct artifact_keys *keys, struct store_connection *connection,
                                        struct slice document, const unsigned char signature[64], struct err *err);
/* The public key as PEM (SubjectPublicKeyInfo, RFC 8410), for whoever verifies with other programs. */
enum err_code artifact_public_key (struct buffer *pem, int64_t *key_id, struct artifact_keys *keys,
                                   struct store_connection *connection, struct err *err);

#endif
