/* Numbers of fixed width in files: little-endian on every machine. */
#ifndef CLIENT_FIXED_H
#define CLIENT_FIXED_H

#include <stdint.h>

static inline void
fixed32_put (void *out, uint32_t value)
{
  for (unsigned i = 0; i < 4; i++)
    ((unsigned char *)out)[i] = (unsigned char)(value >> 8 * i);
}

static inline uint32_t
fixed32_get (const void *in)
{
  uint32_t value = 0;

  for (unsigned i = 0; i < 4; i++)
    value |= (uint32_t)((const unsigned char *)in)[i] << 8 * i;
  return value;
}

static inline void
fixed64_put (void *out, uint64_t value)
{
  fixed32_put (out, (uint32_t)value);
  fixed32_put ((unsigned char *)out + 4, (uint32_t)(value >> 32));
}

static inline uint64_t
fixed64_get (const void *in)
{
  return fixed32_get (in) | (uint64_t)fixed32_get ((const unsigned char *)in + 4) << 32;
}

#endif
