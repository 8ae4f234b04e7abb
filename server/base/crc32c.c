/* CRC-32C by the instruction of SSE 4.2, or by a table.

   DESIGN: the instruction takes eight bytes, but its result takes three cycles to come. Long data is therefore cut in
   three parts whose sums are computed side by side and then joined: a sum is moved over the bytes behind it by tables
   that hold what so many zero bytes do to each of its four bytes. */
#include "base/crc32c.h"

#include <stdbool.h>
#include <string.h>

/* The polynomial 0x1EDC6F41 with its bits in reverse, lowest power first. */
#define POLYNOMIAL UINT32_C (0x82F63B78)

static uint32_t byte_table[256];

static void __attribute__ ((constructor (101))) fill_byte_table (void)
{
  for (uint32_t byte = 0; byte < 256; byte++)
  {
    uint32_t crc = byte;

    for (unsigned bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
    byte_table[byte] = crc;
  }
}

static uint32_t
update_portable (uint32_t crc, const unsigned char *data, size_t len)
{
  for (size_t i = 0; i < len; i++)
    crc = byte_table[(crc ^ data[i]) & 0xFF] ^ crc >> 8;
  return crc;
}

uint32_t
crc32c_portable (const void *data, size_t len)
{
  return ~update_portable (UINT32_MAX, data, len);
}

#ifdef __x86_64__

/* Bytes of each of the three parts: joining them costs about as much as 64 bytes. */
#define PART_BYTES ((size_t)512)

static bool has_instruction;
/* What PART_BYTES zero bytes make of a sum that has one byte set; the sums of several bytes add up. */
static uint32_t shift_table[4][256];

static void __attribute__ ((constructor (102))) choose (void)
{
  static const unsigned char zeros[PART_BYTES];

  __builtin_cpu_init ();
  has_instruction = 0 != __builtin_cpu_supports ("sse4.2");
  for (unsigned place = 0; place < 4; place++)
    for (uint32_t byte = 0; byte < 256; byte++)
      shift_table[place][byte] = update_portable (byte << 8 * place, zeros, sizeof (zeros));
}

static uint32_t
shift_over_part (uint32_t crc)
{
  return shift_table[0][crc & 0xFF] ^ shift_table[1][crc >> 8 & 0xFF] ^ shift_table[2][crc >> 16 & 0xFF]
         ^ shift_table[3][crc >> 24];
}

static uint64_t
load (const unsigned char *data)
{
  uint64_t word;

  memcpy (&word, data, sizeof (word));
  return word;
}

static uint32_t __attribute__ ((target ("sse4.2")))
update_instruction (uint32_t start, const unsigned char *data, size_t len)
{
  uint64_t crc = start;

  for (; len >= 3 * PART_BYTES; len -= 3 * PART_BYTES, data += 3 * PART_BYTES)
  {
    uint64_t second = 0;
    uint64_t third = 0;

    for (size_t i = 0; i < PART_BYTES; i += 8)
    {
      crc = __builtin_ia32_crc32di (crc, load (data + i));
      second = __builtin_ia32_crc32di (second, load (data + PART_BYTES + i));
      third = __builtin_ia32_crc32di (third, load (data + 2 * PART_BYTES + i));
    }
    crc = shift_over_part ((uint32_t)crc) ^ second;
    crc = shift_over_part ((uint32_t)crc) ^ third;
  }
  for (; len >= 8; len -= 8, data += 8)
    crc = __builtin_ia32_crc32di (crc, load (data));
  for (; len > 0; len--, data++)
    crc = __builtin_ia32_crc32qi ((uint32_t)crc, *data);
  return (uint32_t)crc;
}

uint32_t
crc32c (const void *data, size_t len)
{
  return has_instruction ? ~update_instruction (UINT32_MAX, data, len) : crc32c_portable (data, len);
}

#else

uint32_t
crc32c (const void *data, size_t len)
{
  return crc32c_portable (data, len);
}

#endif
