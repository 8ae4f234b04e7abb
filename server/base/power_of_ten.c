/* The table of powers of ten, computed once from exact integers: it takes some 40 µs and cannot be mistyped. */
#include "base/power_of_ten.h"

#include <pthread.h>

/* Bits of the exact integers: 5^342 has 795 bits, and a quotient needs 128 more. */
#define EXACT_WORDS 15

__extension__ typedef unsigned __int128 wide;

static wide powers[POWER_OF_TEN_MAX - POWER_OF_TEN_MIN + 1];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

/* The 128 bits from the highest set bit down, zeros behind the last. */
static wide
top_bits (const uint64_t words[EXACT_WORDS])
{
  int top = EXACT_WORDS - 1;
  uint64_t parts[3] = { 0, 0, 0 };
  int shift;

  while (0 == words[top])
    top--;
  for (int i = 0; i < 3 && i <= top; i++)
    parts[i] = words[top - i];
  shift = __builtin_clzll (parts[0]);
  if (0 == shift)
    return (wide)parts[0] << 64 | parts[1];
  return (wide)(parts[0] << shift | parts[1] >> (64 - shift)) << 64
         | (uint64_t)(parts[1] << shift | parts[2] >> (64 - shift));
}

/* The first bits of 10^k are those of 5^k: multiply 1 by five for k > 0; divide a high power of two by five for k < 0,
   where rounding down at each step gives the same as rounding down once. */
static void
make_powers (void)
{
  uint64_t words[EXACT_WORDS] = { 1 };

  for (int k = 0; k <= POWER_OF_TEN_MAX; k++)
  {
    uint64_t carry = 0;

    powers[k - POWER_OF_TEN_MIN] = top_bits (words);
    for (int i = 0; i < EXACT_WORDS; i++)
    {
      wide product = (wide)words[i] * 5 + carry;

      words[i] = (uint64_t)product;
      carry = (uint64_t)(product >> 64);
    }
  }
  for (int i = 0; i < EXACT_WORDS; i++)
    words[i] = 0;
  words[EXACT_WORDS - 1] = UINT64_C (1) << 63;
  for (int k = -1; k >= POWER_OF_TEN_MIN; k--)
  {
    uint64_t rest = 0;

    for (int i = EXACT_WORDS - 1; i >= 0; i--)
    {
      wide dividend = (wide)rest << 64 | words[i];

      words[i] = (uint64_t)(dividend / 5);
      rest = (uint64_t)(dividend % 5);
    }
    powers[k - POWER_OF_TEN_MIN] = top_bits (words);
  }
}

wide
power_of_ten (int k)
{
  pthread_once (&powers_once, make_powers);
  return powers[k - POWER_OF_TEN_MIN];
}
