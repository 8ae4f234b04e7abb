/* The smallest pieces of the packed formats: varints, zigzag, and numbers of fixed width, little-endian.

   A varint is base 128, least significant group first, as in protocol buffers. All functions are thread-safe. */
#ifndef INGEST_VARINT_H
#define INGEST_VARINT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Ten groups of seven bits hold 64 bits. */
#define VARINT_MAX_BYTES 10

/* Signed as unsigned, so that what is near 0 stays small. */
static inline uint64_t
zigzag (int64_t value)
{
  return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t
unzigzag (uint64_t value)
{
  return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

/* a - b with wrap-around at 64 bits, which add_wrapping undoes. */
static inline int64_t
difference (int64_t a, int64_t b)
{
  return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t
add_wrapping (int64_t a, int64_t b)
{
  return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Write `value`; returns the number of bytes, at most VARINT_MAX_BYTES. */
static inline size_t
varint_put (unsigned char *out, uint64_t value)
{
  size_t length = 0;

  while (value >= 0x80)
  {
    out[length++] = (unsigned char)(value | 0x80);
    value >>= 7;
  }
  out[length++] = (unsigned char)value;
  return length;
}

/* How many bytes varint_put writes. */
static inline size_t
varint_size (uint64_t value)
{
  size_t length = 1;

  for (; value >= 0x80; value >>= 7)
    length++;
  return length;
}

/* Read a varint at `*next`, which is moved behind it. False when the bytes end before it does or it passes 64 bits. */
static inline bool
varint_get (uint64_t *value, const unsigned char **next, const unsigned char *end)
{
  const unsigned char *at = *next;
  uint64_t sum = 0;

  for (unsigned shift = 0; shift < 64 && at < end; shift += 7)
  {
    unsigned char byte = *at++;

    /* The tenth group has room for one bit only. */
    if (63 == shift && byte > 1)
      return false;
    sum |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80)
    {
      *value = sum;
      *next = at;
      return true;
    }
  }
  return false;
}

/* The same for a number written with zigzag. */
static inline bool
varint_get_signed (int64_t *value, const unsigned char **next, const unsigned char *end)
{
  uint64_t bits;

  if (! varint_get (&bits, next, end))
    return false;
  *value = unzigzag (bits);
  return true;
}

static inline void
put_fixed32 (unsigned char *out, uint32_t value)
{
  value = htole32 (value);
  memcpy (out, &value, sizeof (value));
}

static inline void
put_fixed64 (unsigned char *out, uint64_t value)
{
  value = htole64 (value);
  memcpy (out, &value, sizeof (value));
}

static inline uint32_t
get_fixed32 (const unsigned char *in)
{
  uint32_t value;

  memcpy (&value, in, sizeof (value));
  return le32toh (value);
}

static inline uint64_t
get_fixed64 (const unsigned char *in)
{
  uint64_t value;

  memcpy (&value, in, sizeof (value));
  return le64toh (value);
}

static inline uint64_t
double_bits (double value)
{
  uint64_t bits;

  memcpy (&bits, &value, sizeof (bits));
  return bits;
}

static inline double
double_of_bits (uint64_t bits)
{
  double value;

  memcpy (&value, &bits, sizeof (value));
  return value;
}

/* The double that a 4-byte float stands for. */
static inline double
double_of_single (uint32_t bits)
{
  float single;

  memcpy (&single, &bits, sizeof (single));
  return (double)single;
}

/* True when a 4-byte float holds `value` with every bit of it; `*single` are that float's bits. */
static inline bool
double_as_single (uint32_t *single, double value)
{
  float rounded = (float)value;

  memcpy (single, &rounded, sizeof (rounded));
  return double_bits ((double)rounded) == double_bits (value);
}

#endif
