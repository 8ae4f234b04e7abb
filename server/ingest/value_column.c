/* Values of points to integers and back. */
#include "ingest/value_column.h"

#include "ingest/column.h"
#include "ingest/varint.h"

#include <math.h>

#define HEAD_PARAMETER 0x3F
#define HEAD_DECIMAL 0x40
#define HEAD_EXCEPTIONS 0x80
#define SIGN UINT64_C (0x8000000000000000)
/* Bits of the fraction of a double: what may be left out. */
#define FRACTION_BITS 52
/* The greatest power of ten that a double holds exactly, so that one division rounds once. */
#define POWER_MAX 22
/* Up to here every integer is a double. */
#define DECIMAL_MAX 9007199254740992.0
/* About what an exception costs beside its integer: eight bytes and its place. */
#define EXCEPTION_BITS 80
/* Values looked at to find the number of decimals; what the others have is found when they are converted. */
#define SAMPLE_MAX 32

static const double powers[POWER_MAX + 1] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* One way to store the values of a chunk. */
struct form
{
  unsigned char head;
  size_t exceptions;
  size_t bytes;
  struct column_plan integers;
  struct column_plan places;
  struct column_plan raw;
};

static unsigned
parameter_of (const struct form *form)
{
  return form->head & HEAD_PARAMETER;
}

/* --- one value --------------------------------------------------------------------------------------------------- */

static uint64_t
float_encode (uint64_t bits, unsigned shift)
{
  uint64_t magnitude = (bits & ~SIGN) >> shift;

  return (bits & SIGN) != 0 ? ~magnitude : magnitude;
}

static double
float_decode (uint64_t number, unsigned shift)
{
  uint64_t flip = (uint64_t)((int64_t)number >> 63);

  return double_of_bits ((number ^ flip) << shift | (flip & SIGN));
}

/* k with value = k / power to the last bit; false when there is none, as for -0, NaN and infinities. */
static bool
decimal_encode (int64_t *k, double value, double power)
{
  double scaled = value * power;

  /* Not true for NaN. */
  if (! (fabs (scaled) <= DECIMAL_MAX))
    return false;
  /* The product may be off by less than a half; whether k is right shows in what it gives. */
  *k = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  return double_bits ((double)*k / power) == double_bits (value);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* The number of bits to leave out, by what that spares and what the exceptions cost. */
static unsigned
choose_shift (const struct metric_point *points, size_t count)
{
  uint16_t histogram[FRACTION_BITS + 1] = { 0 };
  size_t below = 0;
  int64_t best = 0;
  unsigned chosen = 0;

  for (size_t i = 0; i < count; i++)
  {
    uint64_t bits = double_bits (points[i].value);
    /* The bit above the fraction ends the count at FRACTION_BITS. */
    unsigned zeros = (unsigned)__builtin_ctzll (bits | UINT64_C (1) << FRACTION_BITS);

    histogram[zeros]++;
  }
  for (unsigned shift = 1; shift <= FRACTION_BITS; shift++)
  {
    int64_t gain;

    below += histogram[shift - 1];
    gain = (int64_t)(count * shift) - (int64_t)(below * (EXCEPTION_BITS + shift));
    if (gain > best)
    {
      best = gain;
      chosen = shift;
    }
  }
  return chosen;
}

/* The fewest decimals of a value; POWER_MAX + 1 when it has too many. */
static unsigned
count_decimals (double value)
{
  unsigned power = 0;
  int64_t k;

  while (power <= POWER_MAX && ! decimal_encode (&k, value, powers[power]))
  {
    if (! (fabs (value * powers[power]) <= DECIMAL_MAX))
      return POWER_MAX + 1;
    power++;
  }
  return power;
}

/* The power of ten to try, from a sample of the values; POWER_MAX + 1 for none. */
static unsigned
choose_power (const struct metric_point *points, size_t count)
{
  unsigned histogram[POWER_MAX + 2] = { 0 };
  size_t sample = count < SAMPLE_MAX ? count : SAMPLE_MAX;
  unsigned above = (unsigned)sample;
  /* What a bit of an integer weighs against an exception: log2 (10) is about 10 / 3. */
  unsigned best = UINT32_MAX;
  unsigned chosen = POWER_MAX + 1;

  for (size_t i = 0; i < sample; i++)
    histogram[count_decimals (points[i * count / sample].value)]++;
  /* Mostly not decimals: not worth the conversion, unless the others are one and the same NaN. */
  if (histogram[POWER_MAX + 1] > sample - sample / 4 - 1)
    return POWER_MAX + 1;
  for (unsigned power = 0; power <= POWER_MAX; power++)
  {
    unsigned cost;

    above -= histogram[power];
    cost = (unsigned)sample * power * 10 / 3 + above * EXCEPTION_BITS;
    if (cost < best)
    {
      best = cost;
      chosen = power;
    }
  }
  return chosen;
}

/* The integers of a form; an exception repeats the integer before it. Returns the number of exceptions. */
static size_t
convert (uint64_t *numbers, const struct form *form, const struct metric_point *points, size_t count)
{
  unsigned parameter = parameter_of (form);
  size_t exceptions = 0;
  uint64_t last = 0;

  if (0 == (form->head & HEAD_DECIMAL))
  {
    uint64_t left_out = (UINT64_C (1) << parameter) - 1;

    for (size_t i = 0; i < count; i++)
    {
      uint64_t bits = double_bits (points[i].value);

      if (0 == (bits & left_out))
        last = float_encode (bits, parameter);
      else
        exceptions++;
      numbers[i] = last;
    }
    return exceptions;
  }
  for (size_t i = 0; i < count; i++)
  {
    int64_t k;

    if (decimal_encode (&k, points[i].value, powers[parameter]))
      last = (uint64_t)k;
    else
      exceptions++;
    numbers[i] = last;
  }
  return exceptions;
}

static bool
fits (const struct form *form, double value)
{
  int64_t k;

  if ((form->head & HEAD_DECIMAL) != 0)
    return decimal_encode (&k, value, powers[parameter_of (form)]);
  return 0 == (double_bits (value) & ((UINT64_C (1) << parameter_of (form)) - 1));
}

/* The places of the exceptions, or their bits. */
static void
gather (uint64_t *numbers, const struct form *form, const struct metric_point *points, size_t count, bool places)
{
  for (size_t i = 0; i < count; i++)
    if (! fits (form, points[i].value))
      *numbers++ = places ? i : double_bits (points[i].value);
}

static void
plan (struct form *form, unsigned char head, const struct metric_point *points, size_t count, uint64_t *scratch)
{
  form->head = head;
  form->exceptions = convert (scratch, form, points, count);
  column_plan (&form->integers, scratch, count);
  form->bytes = 1 + form->integers.bytes;
  if (0 == form->exceptions)
    return;
  form->head |= HEAD_EXCEPTIONS;
  gather (scratch, form, points, count, true);
  column_plan (&form->places, scratch, form->exceptions);
  gather (scratch, form, points, count, false);
  column_plan (&form->raw, scratch, form->exceptions);
  form->bytes += varint_size (form->exceptions) + form->places.bytes + form->raw.bytes;
}

static bool
write_exceptions (struct buffer *out, const struct form *form, const struct metric_point *points, size_t count,
                  uint64_t *scratch)
{
  unsigned char number[VARINT_MAX_BYTES];

  buffer_append (out, number, varint_put (number, form->exceptions));
  gather (scratch, form, points, count, true);
  column_write (out, &form->places, scratch, form->exceptions);
  gather (scratch, form, points, count, false);
  return column_write (out, &form->raw, scratch, form->exceptions);
}

bool
value_column_write (struct buffer *out, const struct metric_point *points, size_t count, uint64_t *scratch)
{
  struct form floats;
  struct form decimals;
  const struct form *best = &floats;
  unsigned power = choose_power (points, count);

  plan (&floats, (unsigned char)choose_shift (points, count), points, count, scratch);
  if (power <= POWER_MAX)
  {
    plan (&decimals, (unsigned char)(HEAD_DECIMAL | power), points, count, scratch);
    if (decimals.bytes < floats.bytes)
      best = &decimals;
  }
  buffer_byte (out, (char)best->head);
  convert (scratch, best, points, count);
  if (! column_write (out, &best->integers, scratch, count))
    return false;
  return 0 == best->exceptions || write_exceptions (out, best, points, count, scratch);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static bool
read_exceptions (struct metric_point *points, size_t count, const unsigned char **next, const unsigned char *end,
                 uint64_t *scratch)
{
  uint16_t places[COLUMN_MAX];
  uint64_t exceptions;

  if (! varint_get (&exceptions, next, end) || 0 == exceptions || exceptions > count
      || ! column_read (scratch, (size_t)exceptions, next, end))
    return false;
  for (size_t i = 0; i < exceptions; i++)
  {
    if (scratch[i] >= count || (i > 0 && scratch[i] <= scratch[i - 1]))
      return false;
    places[i] = (uint16_t)scratch[i];
  }
  if (! column_read (scratch, (size_t)exceptions, next, end))
    return false;
  for (size_t i = 0; i < exceptions; i++)
    points[places[i]].value = double_of_bits (scratch[i]);
  return true;
}

bool
value_column_read (struct metric_point *points, size_t count, const unsigned char **next, const unsigned char *end,
                   uint64_t *scratch)
{
  unsigned head;
  unsigned parameter;

  if (*next == end)
    return false;
  head = *(*next)++;
  parameter = head & HEAD_PARAMETER;
  if (! column_read (scratch, count, next, end))
    return false;
  if ((head & HEAD_DECIMAL) != 0)
  {
    double power;

    if (parameter > POWER_MAX)
      return false;
    power = powers[parameter];
    for (size_t i = 0; i < count; i++)
      points[i].value = (double)(int64_t)scratch[i] / power;
  }
  else
  {
    if (parameter > FRACTION_BITS)
      return false;
    for (size_t i = 0; i < count; i++)
      points[i].value = float_decode (scratch[i], parameter);
  }
  return 0 == (head & HEAD_EXCEPTIONS) || read_exceptions (points, count, next, end, scratch);
}
