/* SHA-256 (FIPS 180-4), piece by piece. */
#ifndef CLIENT_SHA256_H
#define CLIENT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
/* The digest as lower-case hexadecimal digits and NUL. */
#define SHA256_TEXT_BYTES 65

/* Hashes `count` blocks of 64 bytes into the state. */
typedef void sha256_blocks (uint32_t state[8], const unsigned char *data, size_t count);

/* On the stack; one owner at a time. */
struct sha256
{
  sha256_blocks *blocks;
  uint32_t state[8];
  uint64_t length_bytes;
  unsigned char block[64]; /* the last `length_bytes % 64` bytes are not hashed yet */
};

void sha256_begin (struct sha256 *hash);
void sha256_add (struct sha256 *hash, const void *data, size_t bytes);
/* Afterwards the hash must be begun anew. */
void sha256_end (unsigned char digest[SHA256_BYTES], struct sha256 *hash);

void sha256_text (char text[SHA256_TEXT_BYTES], const unsigned char digest[SHA256_BYTES]);

/* What any processor can, and what is fastest on this one. */
sha256_blocks sha256_blocks_portable;
sha256_blocks *sha256_fastest (void);

#endif
