/* Finds how far text can stand in a JSON string as it is: the inner loop that scanner and writer share. */
#ifndef BASE_JSON_PLAIN_H
#define BASE_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* True for the bytes that need a look: the quote, the backslash, control characters and all beyond ASCII. */
static inline bool
json_plain_stops_at (unsigned char byte)
{
  return byte < 0x20 || byte >= 0x80 || '"' == byte || '\\' == byte;
}

/* Non-zero when one of eight bytes needs a look. The usual word-at-a-time test: subtracting from every byte borrows
   into its high bit where the byte is smaller; a byte that equals a wanted one is zero after the exclusive or. A borrow
   can only reach a neighbour from a byte that stops the run by itself. */
static inline uint64_t
json_plain_word_stops (uint64_t word)
{
  const uint64_t ones = UINT64_C (0x0101010101010101);
  const uint64_t highs = UINT64_C (0x8080808080808080);
  uint64_t quote = word ^ (ones * '"');
  uint64_t backslash = word ^ (ones * '\\');

  return ((word - ones * 0x20) | (quote - ones) | (backslash - ones) | word) & highs;
}

/* The first byte from `next` on that needs a look, or `end`. */
static inline const char *
json_plain_end (const char *next, const char *end)
{
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8 ('"');
  const __m128i backslash = _mm_set1_epi8 ('\\');
  const __m128i space = _mm_set1_epi8 (' ');

  while (end - next >= 16)
  {
    __m128i bytes = _mm_loadu_si128 ((const __m128i *)(const void *)next);
    /* The comparison is signed, so it finds control characters and bytes beyond ASCII at once. */
    __m128i stops = _mm_or_si128 (_mm_cmplt_epi8 (bytes, space),
                                  _mm_or_si128 (_mm_cmpeq_epi8 (bytes, quote), _mm_cmpeq_epi8 (bytes, backslash)));
    unsigned mask = (unsigned)_mm_movemask_epi8 (stops);

    if (0 != mask)
      return next + __builtin_ctz (mask);
    next += 16;
  }
#endif
  while (end - next >= 8)
  {
    uint64_t word;

    memcpy (&word, next, sizeof (word));
    if (0 != json_plain_word_stops (word))
      break;
    next += 8;
  }
  while (next < end && ! json_plain_stops_at ((unsigned char)*next))
    next++;
  return next;
}

#endif
