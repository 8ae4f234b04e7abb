/* Decimal text to numbers: exact or exactly rounded, whatever the locale. */
#include "base/number.h"

#include "base/power_of_ten.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* DESIGN
   The first 19 digits are taken as an integer times a power of ten. When both are exact doubles, one multiplication or
   division is exactly rounded (W. Clinger, "How to read floating point numbers accurately", 1990). Otherwise the
   product with the table of powers gives a lower and an upper bound of the value; when both round to the same double,
   that is the answer. What remains goes to strtod: subnormal numbers, and the rare values so close to the middle
   between two doubles that 128 bits do not tell. */

/* Layout of a double (IEEE 754 binary64). */
#define DOUBLE_FRACTION_BITS 52
#define DOUBLE_HIDDEN_BIT (UINT64_C (1) << DOUBLE_FRACTION_BITS)
#define DOUBLE_EXPONENT_BIAS 1023

/* 10^308 is the largest power of ten that is a double. */
#define POWER_MAX_INPUT 308

static double
bits_double (uint64_t bits)
{
  double value;

  memcpy (&value, &bits, sizeof (value));
  return value;
}

/* Digits that always fit uint64. */
#define KEPT_DIGITS 19

/* What a decimal text says: (-1)^negative * digits * 10^exponent; `more` when non-zero digits were cut off. */
struct parsed
{
  uint64_t digits;
  int64_t exponent;
  bool negative;
  bool more;
};

/* Exponents beyond this are all alike: no text is long enough to bring the value back into range. One digit more still
   fits int64. */
#define EXPONENT_CEILING INT64_C (100000000000000000)

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static bool
parse (struct slice text, struct parsed *parsed)
{
  const char *next = NULL == text.data ? "" : text.data;
  const char *end = next + text.len;
  const char *begin;
  uint64_t digits = 0;
  int64_t exponent = 0;
  size_t seen = 0;
  int kept = 0;

  *parsed = (struct parsed){ 0 };
  if (next < end && ('-' == *next || '+' == *next))
    parsed->negative = '-' == *next++;
  for (begin = next; next < end && is_digit (*next); next++)
    if (kept < KEPT_DIGITS)
    {
      digits = digits * 10 + (uint64_t)(*next - '0');
      kept += 0 != digits;
    }
    else
    {
      exponent++;
      parsed->more |= '0' != *next;
    }
  seen = (size_t)(next - begin);
  if (next < end && '.' == *next)
  {
    for (begin = ++next; next < end && is_digit (*next); next++)
      if (kept < KEPT_DIGITS)
      {
        digits = digits * 10 + (uint64_t)(*next - '0');
        kept += 0 != digits;
        exponent--;
      }
      else
        parsed->more |= '0' != *next;
    seen += (size_t)(next - begin);
  }
  if (0 == seen)
    return false;
  if (next < end && ('e' == *next || 'E' == *next))
  {
    bool negative = false;
    int64_t written = 0;

    next++;
    if (next < end && ('-' == *next || '+' == *next))
      negative = '-' == *next++;
    for (begin = next; next < end && is_digit (*next); next++)
      if (written < EXPONENT_CEILING)
        written = written * 10 + (*next - '0');
    if (next == begin)
      return false;
    exponent += negative ? -written : written;
  }
  parsed->digits = digits;
  parsed->exponent = exponent;
  return next == end;
}

/* The 53 bits and the binary exponent of a 192-bit number, rounded to nearest, ties to even. */
struct rounded
{
  uint64_t mantissa;
  int exponent; /* of the mantissa's first bit, when the number's last bit has exponent 0 */
};

static struct rounded
round_to_double (wide high, uint64_t low)
{
  /* The number is at least 2^190, so the shift is 0 or 1. */
  int shift = __builtin_clzll ((uint64_t)(high >> 64));
  struct rounded rounded;
  uint64_t top;
  uint64_t cut;
  bool sticky;

  if (0 != shift)
  {
    high = high << 1 | low >> 63;
    low <<= 1;
  }
  top = (uint64_t)(high >> 64);
  sticky = 0 != (uint64_t)high || 0 != low;
  rounded.mantissa = top >> 11;
  rounded.exponent = 191 - shift;
  cut = top & 0x7FF;
  if (cut > 0x400 || (0x400 == cut && (sticky || 0 != (rounded.mantissa & 1))))
    rounded.mantissa++;
  if (DOUBLE_HIDDEN_BIT << 1 == rounded.mantissa)
  {
    rounded.mantissa >>= 1;
    rounded.exponent++;
  }
  return rounded;
}

/* Round between a lower and an upper bound of the value. Returns false when they disagree, and for subnormal results.
   An overflow gives infinity. `digits` is not 0. */
static bool
round_by_bounds (const struct parsed *parsed, double *out)
{
  int k = (int)parsed->exponent;
  wide scale = power_of_ten (k);
  int shift = __builtin_clzll (parsed->digits);
  uint64_t factor = parsed->digits << shift;
  wide low_product = (wide)(uint64_t)scale * factor;
  wide high_product = (wide)(uint64_t)(scale >> 64) * factor + (uint64_t)(low_product >> 64);
  uint64_t last = (uint64_t)low_product;
  struct rounded rounded = round_to_double (high_product, last);
  int exponent;

  /* Where the table is exact, a value without a cut is exact as well. */
  if (k < 0 || k > POWER_OF_TEN_MAX_EXACT || parsed->more)
  {
    /* (factor + step) * (scale + 1) bounds it from above, where step is one unit of the last kept digit. */
    uint64_t step = parsed->more ? UINT64_C (1) << shift : 0;
    wide step_low = (wide)(uint64_t)scale * step;
    wide step_high = (wide)(uint64_t)(scale >> 64) * step + (uint64_t)(step_low >> 64);
    wide added = (wide)factor + step;
    wide bottom = (wide)last + (uint64_t)step_low + (uint64_t)added;
    wide above = high_product + step_high + (uint64_t)(bottom >> 64) + (uint64_t)(added >> 64);
    struct rounded other;

    if (above < high_product)
      return false;
    other = round_to_double (above, (uint64_t)bottom);
    if (other.mantissa != rounded.mantissa || other.exponent != rounded.exponent)
      return false;
  }
  exponent = rounded.exponent + power_of_ten_log2 (k) - 127 - shift;
  if (exponent < 1 - DOUBLE_EXPONENT_BIAS)
    return false;
  if (exponent > DOUBLE_EXPONENT_BIAS)
    *out = HUGE_VAL;
  else
    *out = bits_double ((uint64_t)(exponent + DOUBLE_EXPONENT_BIAS) << DOUBLE_FRACTION_BITS
                        | (rounded.mantissa & (DOUBLE_HIDDEN_BIT - 1)));
  return true;
}

/* A point halfway between two doubles has at most 767 significant digits; behind them it only matters whether anything
   follows. */
#define DECIDING_DIGITS 768

/* The exact but slow way, for a valid text whose digits are not all 0: strtod on the digits that decide. */
static double
round_by_library (struct slice text, const struct parsed *parsed)
{
  char copy[DECIDING_DIGITS + 32];
  char *to = copy;
  const char *next = text.data;
  const char *end = text.data + text.len;
  size_t count = 0;
  bool more = false;
  int64_t exponent;

  for (; next < end && 'e' != *next && 'E' != *next; next++)
  {
    if (! is_digit (*next) || (0 == count && '0' == *next))
      continue;
    if (count < DECIDING_DIGITS)
      *to++ = *next;
    else
      more |= '0' != *next;
    count++;
  }
  /* `parsed` kept 19 digits; here are more of them, each a power of ten further down. */
  exponent = parsed->exponent;
  if (count > KEPT_DIGITS)
    exponent -= (int64_t)(count < DECIDING_DIGITS ? count : DECIDING_DIGITS) - KEPT_DIGITS;
  if (more)
  {
    *to++ = '1';
    exponent--;
  }
  *to++ = 'e';
  number_format_int64 (to, exponent);
  /* Digits and an exponent: no decimal point, which alone depends on the locale. */
  return strtod (copy, NULL);
}

bool
number_parse_double (struct slice text, double *out)
{
  /* Powers of ten that are exact doubles. */
  static const double exact_powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
  struct parsed parsed;
  double value;

  if (! parse (text, &parsed))
    return false;
  if (0 == parsed.digits || parsed.exponent < POWER_OF_TEN_MIN)
    value = 0;
  else if (parsed.exponent > POWER_MAX_INPUT)
    return false;
  else if (0 == FLT_EVAL_METHOD && ! parsed.more && parsed.digits <= DOUBLE_HIDDEN_BIT << 1 && parsed.exponent >= -22
           && parsed.exponent <= 22)
    value = parsed.exponent < 0 ? (double)parsed.digits / exact_powers[-parsed.exponent]
                                : (double)parsed.digits * exact_powers[parsed.exponent];
  else if (! round_by_bounds (&parsed, &value))
    value = round_by_library (text, &parsed);
  if (isinf (value))
    return false;
  *out = parsed.negative ? -value : value;
  return true;
}

/* Give the number its sign; false outside int64. */
static bool
with_sign (uint64_t digits, bool negative, int64_t *out)
{
  if (digits > (uint64_t)INT64_MAX + negative)
    return false;
  *out = negative ? (int64_t)(0 - digits) : (int64_t)digits;
  return true;
}

bool
number_parse_int64 (struct slice text, int64_t *out)
{
  const char *next = NULL == text.data ? "" : text.data;
  const char *end = next + text.len;
  bool negative = false;
  uint64_t digits = 0;

  if (next < end && ('-' == *next || '+' == *next))
    negative = '-' == *next++;
  if (next == end)
    return false;
  for (; next < end; next++)
    if (! is_digit (*next) || __builtin_mul_overflow (digits, 10U, &digits)
        || __builtin_add_overflow (digits, (uint64_t)(*next - '0'), &digits))
      return false;
  return with_sign (digits, negative, out);
}

bool
number_parse_integral (struct slice text, int64_t *out)
{
  struct parsed parsed;

  /* Cut digits mean a fraction, or more than 19 digits before the point: too large. */
  if (! parse (text, &parsed) || parsed.more)
    return false;
  while (0 != parsed.digits && parsed.exponent < 0)
  {
    if (0 != parsed.digits % 10)
      return false;
    parsed.digits /= 10;
    parsed.exponent++;
  }
  while (0 != parsed.digits && parsed.exponent > 0)
  {
    if (__builtin_mul_overflow (parsed.digits, 10U, &parsed.digits))
      return false;
    parsed.exponent--;
  }
  return with_sign (parsed.digits, parsed.negative, out);
}
