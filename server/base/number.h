/* Numbers to decimal text and back: exact, shortest, fast, and the same under every locale. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for every double and its NUL: the longest is "-1.2345678901234567e-308" with 24 bytes. */
#define NUMBER_DOUBLE_BYTES 32

/* Room for every int64 or uint64 and its NUL: "-9223372036854775808" and "18446744073709551615" have 20 bytes. */
#define NUMBER_INT64_BYTES 24

/* Write the shortest decimal that reads back as the same double, and of those the closest; laid out as Python's repr
   does: "1.0", "-0.0", "0.0001", "1e-05", "1e+16". That is a JSON number, except for "NaN", "Infinity" and "-Infinity".
   NUL-terminated; returns the length without the NUL. Thread-safe, cannot fail. */
size_t number_format_double (char out[NUMBER_DOUBLE_BYTES], double value);

/* Write a decimal integer, NUL-terminated; returns the length without the NUL. */
size_t number_format_int64 (char out[NUMBER_INT64_BYTES], int64_t value);
size_t number_format_uint64 (char out[NUMBER_INT64_BYTES], uint64_t value);

/* Read the whole of `text` as a decimal number: optional sign, digits with an optional point among, before or behind
   them, optional exponent. Exactly rounded however many digits there are (nearest, ties to even; too small gives 0).
   False, with `out` untouched, for anything else: an empty text, white space, hexadecimal, names such as "inf", and
   numbers so large that they would round to infinity. Thread-safe. */
bool number_parse_double (struct slice text, double *out);

/* Read the whole of `text` as an integer: optional sign and digits. False, with `out` untouched, for anything else and
   outside int64. */
bool number_parse_int64 (struct slice text, int64_t *out);

/* As number_parse_int64, but also takes any text of number_parse_double whose value is integral, such as "1e3", "5.0"
   or "0.5e1"; exact, never by way of a double. */
bool number_parse_integral (struct slice text, int64_t *out);

/* Order of int64_t and of double (none of them NaN) for qsort and bsearch over arrays of them. */
static inline int
number_compare_int64_items (const void *a, const void *b)
{
  const int64_t *left = a;
  const int64_t *right = b;

  return (*left > *right) - (*left < *right);
}

static inline int
number_compare_double_items (const void *a, const void *b)
{
  const double *left = a;
  const double *right = b;

  return (*left > *right) - (*left < *right);
}

#endif
