/* The first 128 bits of powers of ten: what fast conversion between decimal and binary numbers rests on. */
#ifndef BASE_POWER_OF_TEN_H
#define BASE_POWER_OF_TEN_H

#include <stdint.h>

/* Smallest: a decimal of 19 digits times 10^-343 is less than half the smallest double.
   Largest: output scales the smallest doubles by 10^324. */
#define POWER_OF_TEN_MIN (-342)
#define POWER_OF_TEN_MAX 324

/* From 0 to this the value is exact: 5^55 has 128 bits. */
#define POWER_OF_TEN_MAX_EXACT 55

__extension__ typedef unsigned __int128 wide;

/* 10^k scaled by a power of two into [2^127, 2^128) and rounded down, for k from POWER_OF_TEN_MIN to POWER_OF_TEN_MAX.
   10^k itself is that times 2^(power_of_ten_log2 (k) - 127). Thread-safe; the table is computed at the first call. */
wide power_of_ten (int k);

/* floor (log2 (10^k)): 1741647 / 2^19 is log2 (10) to 7 digits; exact for |k| <= 1233. */
static inline int
power_of_ten_log2 (int k)
{
  return (k * 1741647) >> 19;
}

#endif
