/* SHA-256: of bytes at once or as they come, as hexadecimal digits and base64. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/slice.h"

#include <stdbool.h>

/* A SHA-256 in its stored form (FIPS 180-4). */
struct digest
{
  unsigned char bytes[32];
};

/* 64 lower-case hexadecimal digits and NUL. */
#define DIGEST_TEXT_BYTES 65
/* 44 characters of base64 (RFC 4648, with padding) and NUL. */
#define DIGEST_BASE64_BYTES 45
/* 43 characters of base64url (RFC 4648, 5, without padding) and NUL. */
#define DIGEST_BASE64URL_BYTES 44

/* Of bytes that are all there. False when the crypto library fails, which only lack of memory makes it. */
bool digest_of (struct digest *digest, struct slice bytes);

/* HMAC-SHA256 (RFC 2104). False as above. */
bool digest_keyed (struct digest *digest, struct slice key, struct slice bytes);

/* Of bytes that come piece by piece. */
struct digest_stream;
struct digest_stream *digest_start (void); /* NULL when memory is out */
bool digest_add (struct digest_stream *stream, struct slice bytes);
bool digest_end (struct digest *digest, struct digest_stream *stream); /* once; nothing can be added afterwards */
void digest_free (struct digest_stream *stream);

bool digest_equal (const struct digest *a, const struct digest *b);

/* Its 32 bytes, borrowed. */
static inline struct slice
digest_slice (const struct digest *digest)
{
  return (struct slice){ (const char *)digest->bytes, sizeof (digest->bytes) };
}

void digest_format (char text[DIGEST_TEXT_BYTES], const struct digest *digest);
/* Exactly 64 lower-case hexadecimal digits. */
bool digest_parse (struct digest *digest, struct slice text);
void digest_base64 (char text[DIGEST_BASE64_BYTES], const struct digest *digest);
/* For URLs, headers and cookies; also of 32 bytes that are a secret or a MAC. */
void digest_base64url (char text[DIGEST_BASE64URL_BYTES], const struct digest *digest);
/* Exactly the 44 characters that digest_base64 writes. */
bool digest_parse_base64 (struct digest *digest, struct slice text);

#endif
