/* SHA-256 (FIPS 180-4): in C, and with the instructions that x86 processors have for it.

   DESIGN: each hash asks the processor when it begins, so that there is no global state. */
#include "sha256.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes: FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] __attribute__ ((
    aligned (16))) = { 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
                       0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
                       0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
                       0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
                       0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
                       0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
                       0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
                       0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2 };

/* The same of the square roots of the first 8: 5.3.3. */
static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

static uint32_t
rotate (uint32_t word, unsigned bits)
{
  return word >> bits | word << (32 - bits);
}

static uint32_t
load (const unsigned char *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void
expand (uint32_t words[64], const unsigned char *block)
{
  for (size_t i = 0; i < 16; i++)
    words[i] = load (block + 4 * i);
  for (size_t i = 16; i < 64; i++)
  {
    uint32_t before = words[i - 15];
    uint32_t near = words[i - 2];

    words[i] = words[i - 16] + (rotate (before, 7) ^ rotate (before, 18) ^ before >> 3) + words[i - 7]
               + (rotate (near, 17) ^ rotate (near, 19) ^ near >> 10);
  }
}

/* Sigma and the choice and majority of 4.1.2, for the words of the state that they are about. */
static uint32_t
first_sum (uint32_t e, uint32_t f, uint32_t g)
{
  return (rotate (e, 6) ^ rotate (e, 11) ^ rotate (e, 25)) + ((e & f) ^ (~e & g));
}

static uint32_t
second_sum (uint32_t a, uint32_t b, uint32_t c)
{
  return (rotate (a, 2) ^ rotate (a, 13) ^ rotate (a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
}

static void
one_block (uint32_t state[8], const unsigned char *block)
{
  uint32_t words[64];
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

  expand (words, block);
  for (size_t i = 0; i < 64; i++)
  {
    uint32_t first = h + first_sum (e, f, g) + constants[i] + words[i];
    uint32_t second = second_sum (a, b, c);

    h = g, g = f, f = e, e = d + first;
    d = c, c = b, b = a, a = first + second;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void
sha256_blocks_portable (uint32_t state[8], const unsigned char *data, size_t count)
{
  for (; count > 0; count--, data += 64)
    one_block (state, data);
}

#if defined(__x86_64__)
/* Four rounds with the words `m`; the state is kept as ABEF and CDGH, as the instructions want it. */
__attribute__ ((target ("sha,sse4.1"))) static inline void
four_rounds (__m128i *abef, __m128i *cdgh, __m128i m, size_t round)
{
  __m128i sum = _mm_add_epi32 (m, _mm_load_si128 ((const __m128i *)(constants + round)));

  *cdgh = _mm_sha256rnds2_epu32 (*cdgh, *abef, sum);
  *abef = _mm_sha256rnds2_epu32 (*abef, *cdgh, _mm_shuffle_epi32 (sum, 0x0e));
}

/* The next four words of the schedule from the sixteen before, oldest first. */
__attribute__ ((target ("sha,sse4.1"))) static inline __m128i
next_words (const __m128i m[4])
{
  __m128i sum = _mm_add_epi32 (_mm_sha256msg1_epu32 (m[0], m[1]), _mm_alignr_epi8 (m[3], m[2], 4));

  return _mm_sha256msg2_epu32 (sum, m[3]);
}

__attribute__ ((target ("sha,sse4.1"))) static void
blocks_with_instructions (uint32_t state[8], const unsigned char *data, size_t count)
{
  const __m128i big_endian = _mm_set_epi64x (0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i low = _mm_shuffle_epi32 (_mm_loadu_si128 ((const __m128i *)state), 0xb1);
  __m128i high = _mm_shuffle_epi32 (_mm_loadu_si128 ((const __m128i *)(state + 4)), 0x1b);
  __m128i abef = _mm_alignr_epi8 (low, high, 8);
  __m128i cdgh = _mm_blend_epi16 (high, low, 0xf0);

  for (; count > 0; count--, data += 64)
  {
    __m128i abef_before = abef;
    __m128i cdgh_before = cdgh;
    __m128i m[4];

    for (size_t i = 0; i < 4; i++)
    {
      m[i] = _mm_shuffle_epi8 (_mm_loadu_si128 ((const __m128i *)(data + 16 * i)), big_endian);
      four_rounds (&abef, &cdgh, m[i], 4 * i);
    }
#pragma GCC unroll 12
    for (size_t round = 16; round < 64; round += 4)
    {
      __m128i next = next_words (m);

      m[0] = m[1];
      m[1] = m[2];
      m[2] = m[3];
      m[3] = next;
      four_rounds (&abef, &cdgh, next, round);
    }
    abef = _mm_add_epi32 (abef, abef_before);
    cdgh = _mm_add_epi32 (cdgh, cdgh_before);
  }
  low = _mm_shuffle_epi32 (abef, 0x1b);
  high = _mm_shuffle_epi32 (cdgh, 0xb1);
  _mm_storeu_si128 ((__m128i *)state, _mm_blend_epi16 (low, high, 0xf0));
  _mm_storeu_si128 ((__m128i *)(state + 4), _mm_alignr_epi8 (high, low, 8));
}
#endif

sha256_blocks *
sha256_fastest (void)
{
#if defined(__x86_64__)
  unsigned a, b, c, d;

  /* Leaf 7, EBX bit 29: the SHA instructions (Intel SDM, volume 2A); what has them has SSE 4.1. By hand, because older
     compilers do not know the name for __builtin_cpu_supports. */
  if (__get_cpuid_count (7, 0, &a, &b, &c, &d) && 0 != (b & 1u << 29))
    return blocks_with_instructions;
#endif
  return sha256_blocks_portable;
}

void
sha256_begin (struct sha256 *hash)
{
  memcpy (hash->state, start, sizeof (start));
  hash->length_bytes = 0;
  hash->blocks = sha256_fastest ();
}

void
sha256_add (struct sha256 *hash, const void *data, size_t bytes)
{
  const unsigned char *next = data;
  size_t held = hash->length_bytes % sizeof (hash->block);

  if (0 == bytes)
    return;
  hash->length_bytes += bytes;
  if (held + bytes >= sizeof (hash->block) && held > 0)
  {
    size_t taken = sizeof (hash->block) - held;

    memcpy (hash->block + held, next, taken);
    hash->blocks (hash->state, hash->block, 1);
    next += taken;
    bytes -= taken;
    held = 0;
  }
  hash->blocks (hash->state, next, held > 0 ? 0 : bytes / sizeof (hash->block));
  if (0 == held)
  {
    next += bytes - bytes % sizeof (hash->block);
    bytes %= sizeof (hash->block);
  }
  memcpy (hash->block + held, next, bytes);
}

static void
store (unsigned char *bytes, uint64_t value, size_t count)
{
  for (size_t i = 0; i < count; i++)
    bytes[i] = (unsigned char)(value >> 8 * (count - 1 - i));
}

void
sha256_end (unsigned char digest[SHA256_BYTES], struct sha256 *hash)
{
  static const unsigned char padding[64] = { 0x80 };
  uint64_t bits = hash->length_bytes * 8;
  size_t held = hash->length_bytes % sizeof (hash->block);
  unsigned char length[8];

  sha256_add (hash, padding, held < 56 ? 56 - held : 120 - held);
  store (length, bits, sizeof (length));
  sha256_add (hash, length, sizeof (length));
  for (size_t i = 0; i < 8; i++)
    store (digest + 4 * i, hash->state[i], 4);
}

void
sha256_text (char text[SHA256_TEXT_BYTES], const unsigned char digest[SHA256_BYTES])
{
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < SHA256_BYTES; i++)
  {
    text[2 * i] = digits[digest[i] >> 4];
    text[2 * i + 1] = digits[digest[i] & 15];
  }
  text[2 * SHA256_BYTES] = '\0';
}
