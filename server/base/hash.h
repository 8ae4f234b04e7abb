/* FNV-1a, 64 bits: for tables in memory and for telling whether two questions are the same, never for secrets. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 14695981039346656037u

/* The hash of what was hashed before and some more bytes. */
static inline uint64_t
hash_bytes (uint64_t hash, const void *data, size_t len)
{
  const unsigned char *bytes = data;

  for (size_t i = 0; i < len; i++)
    hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

#endif
