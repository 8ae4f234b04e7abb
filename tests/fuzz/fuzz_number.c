/* Numbers against the C library: the same verdict and the same bits when read, round trip and shortness when written.
 */
#include "fuzz.h"

#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static bool
same_bits (double a, double b)
{
  return 0 == memcmp (&a, &b, sizeof (a));
}

/* Digits of the mantissa without zeros around. */
static int
significant_digits (const char *text)
{
  int count = 0;
  int zeros = 0;

  for (; '\0' != *text && 'e' != *text; text++)
  {
    if (*text < '0' || *text > '9')
      continue;
    zeros = '0' == *text ? zeros + 1 : 0;
    if (count > 0 || '0' != *text)
      count++;
  }
  return count > zeros ? count - zeros : 1;
}

static void
check_format (double value)
{
  char text[NUMBER_DOUBLE_BYTES];
  char shorter[64];
  size_t len = number_format_double (text, value);
  int digits;
  int exponent;
  double back;

  REQUIRE (len == strlen (text) && len < sizeof (text));
  if (! isfinite (value))
  {
    REQUIRE (isnan (value) ? 0 == strcmp (text, "NaN") : 0 == strcmp (text, value > 0 ? "Infinity" : "-Infinity"));
    REQUIRE (! number_parse_double ((struct slice){ text, len }, &back));
    return;
  }
  REQUIRE (same_bits (strtod (text, NULL), value));
  REQUIRE (number_parse_double ((struct slice){ text, len }, &back) && same_bits (back, value));
  digits = significant_digits (text);
  REQUIRE (digits <= 17);
  /* The closest decimal of one digit less must be another double. At a power of two the next double below is nearer
     than the one above, so there the closest decimal proves nothing. */
  if (digits > 1 && 0.5 != fabs (frexp (value, &exponent)))
  {
    snprintf (shorter, sizeof (shorter), "%.*e", digits - 2, value);
    REQUIRE (! same_bits (strtod (shorter, NULL), value));
  }
}

static void
check_int64 (int64_t value)
{
  char text[NUMBER_INT64_BYTES];
  char expected[NUMBER_INT64_BYTES];
  size_t len = number_format_int64 (text, value);
  int64_t back;

  snprintf (expected, sizeof (expected), "%lld", (long long)value);
  REQUIRE (0 == strcmp (text, expected) && strlen (expected) == len);
  REQUIRE (number_parse_int64 ((struct slice){ text, len }, &back) && back == value);
  REQUIRE (number_parse_integral ((struct slice){ text, len }, &back) && back == value);
  number_format_uint64 (text, (uint64_t)value);
  snprintf (expected, sizeof (expected), "%llu", (unsigned long long)(uint64_t)value);
  REQUIRE (0 == strcmp (text, expected));
}

static void
check_parse (struct slice text, const char *terminated)
{
  /* Without other characters, strtod knows neither white space, nor hexadecimal, nor names. */
  bool plain = text.len > 0 && strspn (terminated, "0123456789+-.eE") == text.len;
  char *end;
  double expected = strtod (terminated, &end);
  double real = 0;
  int64_t integer = 0;
  bool whole = plain && end == terminated + text.len;

  REQUIRE (number_parse_double (text, &real) == (whole && isfinite (expected)));
  if (whole && isfinite (expected))
  {
    REQUIRE (same_bits (real, expected));
    check_format (real);
  }
  /* Every int64 is a long double of 64 bits, and rounding keeps the order. */
  if (number_parse_integral (text, &integer))
    REQUIRE (whole && (long double)integer == strtold (terminated, NULL));
  plain = plain && strcspn (terminated, ".eE") == text.len;
  errno = 0;
  integer = strtoll (terminated, &end, 10);
  whole = plain && end == terminated + text.len;
  {
    int64_t got;
    bool fits = whole && 0 == errno;

    REQUIRE (number_parse_int64 (text, &got) == fits);
    REQUIRE (! whole || number_parse_integral (text, &got) == fits);
    REQUIRE (! fits || got == integer);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char *terminated = malloc (size + 1);

  REQUIRE (NULL != terminated);
  if (size > 0)
    memcpy (terminated, data, size);
  terminated[size] = '\0';
  check_parse ((struct slice){ (const char *)data, size }, terminated);
  free (terminated);
  if (size >= sizeof (double))
  {
    double value;
    int64_t integer;

    memcpy (&value, data, sizeof (value));
    memcpy (&integer, data, sizeof (integer));
    check_format (value);
    check_int64 (integer);
  }
  return 0;
}
