/* Numbers to decimal text: integers two digits at a time, doubles in the shortest form that reads back the same. */
#include "base/number.h"

#include "base/power_of_ten.h"

#include <math.h>
#include <stdlib.h>

/* DESIGN
   R. Giulietti, "The Schubfach way to render doubles" (2021): the interval of decimals that round to the value is
   scaled by one power of ten so that it holds at most a few integers; the shortest decimal is one of four candidates.
 */

/* Layout of a double (IEEE 754 binary64). */
#define DOUBLE_FRACTION_BITS 52
#define DOUBLE_HIDDEN_BIT (UINT64_C (1) << DOUBLE_FRACTION_BITS)
#define DOUBLE_EXPONENT_MASK 0x7FFU
#define DOUBLE_EXPONENT_BIAS 1023

static uint64_t
double_bits (double value)
{
  uint64_t bits;

  memcpy (&bits, &value, sizeof (bits));
  return bits;
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                  "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

/* Write the digits of `value` so that they end before `end`; returns where they begin. */
static char *
digits_before (char *end, uint64_t value)
{
  while (value >= 100)
  {
    end -= 2;
    memcpy (end, digit_pairs + value % 100 * 2, 2);
    value /= 100;
  }
  if (value < 10)
  {
    *--end = (char)('0' + value);
    return end;
  }
  end -= 2;
  memcpy (end, digit_pairs + value * 2, 2);
  return end;
}

static size_t
write_uint64 (char *out, uint64_t value)
{
  char digits[NUMBER_INT64_BYTES];
  char *end = digits + sizeof (digits);
  char *begin = digits_before (end, value);
  size_t len = (size_t)(end - begin);

  memcpy (out, begin, len);
  out[len] = '\0';
  return len;
}

size_t
number_format_uint64 (char out[NUMBER_INT64_BYTES], uint64_t value)
{
  return write_uint64 (out, value);
}

size_t
number_format_int64 (char out[NUMBER_INT64_BYTES], int64_t value)
{
  if (value >= 0)
    return write_uint64 (out, (uint64_t)value);
  out[0] = '-';
  return 1 + write_uint64 (out + 1, 0 - (uint64_t)value);
}

/* A decimal: digits * 10^exponent. */
struct decimal
{
  uint64_t digits;
  int exponent;
};

/* floor (scale * factor / 2^128), with the last bit set when something was cut off that the table's error cannot
   explain: so a comparison with an integer comes out as for the exact product. */
static uint64_t
scaled (wide scale, uint64_t factor)
{
  uint64_t low_high = (uint64_t)((wide)(uint64_t)scale * factor >> 64);
  wide sum = (wide)(uint64_t)(scale >> 64) * factor + low_high;

  return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1);
}

/* The shortest decimal that rounds to the finite, non-zero double with this fraction and biased exponent. */
static struct decimal
shortest (uint64_t fraction, unsigned biased)
{
  uint64_t c = 0 == biased ? fraction : DOUBLE_HIDDEN_BIT | fraction;
  int q = (int)(0 == biased ? 1 : biased) - DOUBLE_EXPONENT_BIAS - DOUBLE_FRACTION_BITS;
  /* Below a power of two, doubles lie half as far apart. */
  bool close_below = 0 == fraction && biased > 1;
  /* Ends of the interval round to this double only when its fraction is even. */
  uint64_t odd = c & 1;
  /* floor (log10 (2^q)), or of 3/4 of it: 1262611 / 2^22 is log10 (2), 524031 / 2^22 is -log10 (3/4). */
  int k = (q * 1262611 - (close_below ? 524031 : 0)) >> 22;
  int shift = q + power_of_ten_log2 (-k) + 1;
  wide scale = power_of_ten (-k) + 1;
  uint64_t low = scaled (scale, (4 * c - 2 + close_below) << shift) + odd;
  uint64_t middle = scaled (scale, 4 * c << shift);
  uint64_t high = scaled (scale, (4 * c + 2) << shift) - odd;
  uint64_t whole = middle / 4;
  bool below_fits;
  bool above_fits;

  if (whole >= 10)
  {
    uint64_t tens = whole / 10;

    below_fits = low <= 40 * tens;
    above_fits = 40 * tens + 40 <= high;
    if (below_fits != above_fits)
      return (struct decimal){ tens + above_fits, k + 1 };
  }
  below_fits = low <= 4 * whole;
  above_fits = 4 * whole + 4 <= high;
  if (below_fits != above_fits)
    return (struct decimal){ whole + above_fits, k };
  /* Both or none: the closer one, the even one of two that are equally close. */
  return (struct decimal){ whole + (middle > 4 * whole + 2 || (middle == 4 * whole + 2 && 0 != (whole & 1))), k };
}

static struct decimal
without_trailing_zeros (struct decimal decimal)
{
  static const struct
  {
    uint64_t divisor;
    int zeros;
  } steps[] = { { 100000000, 8 }, { 10000, 4 }, { 100, 2 }, { 10, 1 } };

  for (size_t i = 0; i < sizeof (steps) / sizeof (steps[0]); i++)
    if (0 == decimal.digits % steps[i].divisor)
    {
      decimal.digits /= steps[i].divisor;
      decimal.exponent += steps[i].zeros;
    }
  return decimal;
}

/* Lay the digits out as Python does: an exponent from 1e16 on and below 1e-4. Returns the end. */
static char *
lay_out (char *out, struct decimal decimal)
{
  char text[24]; /* 17 digits at most */
  char *end = text + sizeof (text);
  char *digits = digits_before (end, decimal.digits);
  int count = (int)(end - digits);
  int point = count + decimal.exponent; /* digits before the decimal point */

  if (point > 16 || point < -3)
  {
    int exponent = point - 1;

    *out++ = *digits;
    if (count > 1)
    {
      *out++ = '.';
      memcpy (out, digits + 1, (size_t)count - 1);
      out += count - 1;
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    exponent = abs (exponent);
    if (exponent < 10)
      *out++ = '0';
    digits = digits_before (end, (uint64_t)exponent);
    memcpy (out, digits, (size_t)(end - digits));
    return out + (end - digits);
  }
  if (point <= 0)
  {
    memcpy (out, "0.000", 5);
    out += 2 - point;
    memcpy (out, digits, (size_t)count);
    return out + count;
  }
  if (point < count)
  {
    memcpy (out, digits, (size_t)point);
    out[point] = '.';
    memcpy (out + point + 1, digits + point, (size_t)(count - point));
    return out + count + 1;
  }
  memcpy (out, digits, (size_t)count);
  memset (out + count, '0', (size_t)(point - count));
  memcpy (out + point, ".0", 2);
  return out + point + 2;
}

size_t
number_format_double (char out[NUMBER_DOUBLE_BYTES], double value)
{
  uint64_t bits = double_bits (value);
  uint64_t fraction = bits & (DOUBLE_HIDDEN_BIT - 1);
  unsigned biased = (unsigned)(bits >> DOUBLE_FRACTION_BITS) & DOUBLE_EXPONENT_MASK;
  char *end = out;

  if (DOUBLE_EXPONENT_MASK == biased && 0 != fraction)
  {
    memcpy (out, "NaN", sizeof ("NaN"));
    return sizeof ("NaN") - 1;
  }
  if (0 != bits >> 63)
    *end++ = '-';
  if (DOUBLE_EXPONENT_MASK == biased)
  {
    memcpy (end, "Infinity", 8);
    end += 8;
  }
  /* Integers that a double holds exactly, and zero: their own digits are the shortest. */
  else if (fabs (value) < (double)(DOUBLE_HIDDEN_BIT << 1) && (double)(int64_t)value == value)
  {
    end += write_uint64 (end, (uint64_t)fabs (value));
    memcpy (end, ".0", 2);
    end += 2;
  }
  else
    end = lay_out (end, without_trailing_zeros (shortest (fraction, biased)));
  *end = '\0';
  return (size_t)(end - out);
}
