/* Values of metrics as training jobs log them. */
#include "value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Steps in which a loss falls to a third and a score comes close to its end: a fraction of the series that are
   measured, so that they hold both the fall and the long flat end. */
#define DECAY_STEPS 500.0

static const char *const kind_names[] = { "plain", "loss", "quantised", "counter", "random", "digits" };

bool
value_kind_named (enum value_kind *kind, const char *name)
{
  for (unsigned one = 0; one < sizeof kind_names / sizeof kind_names[0]; one++)
    if (0 == strcmp (kind_names[one], name))
    {
      *kind = (enum value_kind)one;
      return true;
    }
  return false;
}

/* xorshift64, Marsaglia 2003: cheap, and good enough for what nobody looks at. */
static uint64_t
next_random (uint64_t *random)
{
  uint64_t x = *random;

  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  *random = x;
  return x;
}

/* 0 to 1, 1 excluded, with all the 53 bits that a double has. */
static double
next_unit (uint64_t *random)
{
  return (double)(next_random (random) >> 11) * 0x1p-53;
}

/* A bell around 0 with a variance of about 1: the sum of twelve, less six. */
static double
next_noise (uint64_t *random)
{
  double sum = -6;

  for (unsigned one = 0; one < 12; one++)
    sum += next_unit (random);
  return sum;
}

/* The finaliser of splitmix64, Steele 2014. */
uint64_t
value_mix (uint64_t x)
{
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

static void
add_digits (struct bytes *out, uint64_t *random)
{
  char text[6];
  uint64_t x = next_random (random) >> 20;

  for (unsigned digit = 0; digit < sizeof text; digit++)
  {
    text[digit] = (char)('0' + x % 10);
    x /= 10;
  }
  bytes_add (out, text, sizeof text);
}

/* Append a double with all its digits, or rounded to four decimals. */
static void
add_double (struct bytes *out, double value, bool rounded)
{
  char text[40]; /* %.17g has at most 24 characters */
  int length = snprintf (text, sizeof text, rounded ? "%.4f" : "%.17g", value);

  if (0 < length && sizeof text > (size_t)length)
    bytes_add (out, text, (size_t)length);
}

void
value_add (struct bytes *out, enum value_kind kind, uint64_t step, uint64_t *random)
{
  double decay;

  switch (kind)
  {
  case VALUE_PLAIN:
    bytes_add (out, "0.", 2);
    add_digits (out, random);
    break;
  case VALUE_LOSS:
    decay = exp (-(double)step / DECAY_STEPS);
    add_double (out, (double)(float)(2.3 * decay + 0.2 + 0.02 * next_noise (random)), false);
    break;
  case VALUE_QUANTISED:
    decay = exp (-(double)step / DECAY_STEPS);
    add_double (out, 0.92 - 0.8 * decay + 0.01 * next_noise (random), true);
    break;
  case VALUE_COUNTER:
    /* The last batch of each step is short by a few. */
    bytes_add_number (out, (step + 1) * 512 + (next_random (random) >> 58));
    break;
  case VALUE_RANDOM:
    add_double (out, next_unit (random), false);
    break;
  case VALUE_DIGITS:
    add_digits (out, random);
    break;
  }
}
