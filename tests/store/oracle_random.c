/* Random numbers, texts and times of the oracle. */
#include "oracle.h"

static uint64_t state;

void
oracle_seed (uint64_t seed)
{
  /* Not zero, and seeds that follow each other far apart. */
  state = (seed + 1) * UINT64_C (0x9E3779B97F4A7C15) | 1;
}

/* xorshift64*. */
uint64_t
oracle_random (void)
{
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * UINT64_C (0x2545F4914F6CDD1D);
}

size_t
oracle_below (size_t count)
{
  return (size_t)((oracle_random () >> 32) % count);
}

bool
oracle_once_in (size_t times)
{
  return 0 == oracle_below (times);
}

struct slice
oracle_text (void)
{
  static const struct slice texts[] = {
    SLICE (""),
    SLICE ("a"),
    SLICE ("A"),
    SLICE ("b"),
    SLICE ("ab"),
    SLICE ("aB"),
    SLICE ("abc"),
    SLICE ("abcabc"),
    SLICE ("adam"),
    SLICE ("Adam"),
    SLICE ("a%b"),
    SLICE ("a_b"),
    SLICE ("a\\b"),
    SLICE ("\\"),
    SLICE ("it's"),
    SLICE ("say \"ab\""),
    SLICE ("'\""),
    SLICE ("\xC3\xA9"),
    SLICE ("\xC3\x89"),
    SLICE ("\xC3\xA9"
           "a"),
    SLICE ("\xD0\xB6\xD0\x96"),
    SLICE ("\xE6\x97\xA5\xE6\x9C\xAC"),
    SLICE ("\xF0\x9F\x98\x80"),
    SLICE ("train"),
    SLICE ("eval"),
    SLICE ("abcdefgh1"),
    SLICE ("abcdefgh2"),
    SLICE ("1"),
    SLICE ("10"),
    SLICE ("9"),
    SLICE ("0.1"),
    SLICE ("0.10"),
    SLICE ("1e-1"),
    SLICE (" 5 "),
    SLICE ("\t5"),
    SLICE ("+3"),
    SLICE ("-3"),
    SLICE ("-0"),
    SLICE ("NaN"),
    SLICE ("-nan"),
    SLICE ("inf"),
    SLICE ("-Infinity"),
    SLICE ("1e999"),
    SLICE ("-1e400"),
    SLICE ("1e-999"),
    SLICE ("5e-324"),
    SLICE ("1.7976931348623157e308"),
    SLICE ("1.7976931348623159e308"),
    SLICE ("0x10"),
    SLICE ("1_0"),
    SLICE ("1,5"),
    SLICE ("--5"),
    SLICE ("."),
    SLICE ("e5"),
    SLICE (".5"),
    SLICE ("5."),
    SLICE ("1e5"),
    SLICE ("1E+5"),
    SLICE ("1e"),
    SLICE ("9007199254740993"),
    SLICE ("0.1000000000000000055511151231257827"),
  };

  return texts[oracle_below (sizeof (texts) / sizeof (texts[0]))];
}

struct slice
oracle_stored_text (void)
{
  static const struct slice others[] = { SLICE ("a\nb"), SLICE ("a\r\nb"), SLICE ("\x01") };

  /* Patterns cannot be compared where a text ends with a line break: $ means different places. */
  return oracle_once_in (20) ? others[oracle_below (3)] : oracle_text ();
}

int64_t
oracle_time_ms (void)
{
  static const int64_t offsets[] = { 0, 0, 0, 1, 999, 1000, 3600000, 86400000, 86400001, 604800000, -1, -86400000 };
  static const int64_t extremes[] = {
    0, -1, 1, INT64_MAX, INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_C (9007199254740993)
  };

  if (oracle_once_in (8))
    return extremes[oracle_below (sizeof (extremes) / sizeof (extremes[0]))];
  /* 2026-01-01 00:00 UTC. */
  return INT64_C (1767225600000) + offsets[oracle_below (sizeof (offsets) / sizeof (offsets[0]))];
}
