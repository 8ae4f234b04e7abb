/* Tests of CRC-32C: the known sums, and that the instruction and the table agree at every length. */
#include "base/crc32c.h"

#include <check.h>
#include <string.h>

/* More than two rounds of the three parts that the instruction works on side by side, and a rest. */
#define LONG_BYTES ((size_t)4000)

static unsigned char bytes[LONG_BYTES];

static void
fill (void)
{
  uint32_t state = 1;

  for (size_t i = 0; i < LONG_BYTES; i++)
  {
    state = state * 1664525 + 1013904223;
    bytes[i] = (unsigned char)(state >> 24);
  }
}

/* The definition, bit by bit. */
static uint32_t
by_definition (const unsigned char *data, size_t len)
{
  uint32_t crc = UINT32_MAX;

  for (size_t i = 0; i < len; i++)
  {
    crc ^= data[i];
    for (unsigned bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ ((crc & 1) * UINT32_C (0x82F63B78));
  }
  return ~crc;
}

START_TEST (gives_the_known_sums)
{
  unsigned char block[32];

  ck_assert_uint_eq (crc32c ("", 0), 0);
  ck_assert_uint_eq (crc32c ("123456789", 9), 0xE3069283);
  ck_assert_uint_eq (crc32c_portable ("123456789", 9), 0xE3069283);
  /* RFC 3720, B.4 */
  memset (block, 0, sizeof (block));
  ck_assert_uint_eq (crc32c (block, sizeof (block)), 0x8A9136AA);
  memset (block, 0xFF, sizeof (block));
  ck_assert_uint_eq (crc32c (block, sizeof (block)), 0x62A8AB43);
  for (unsigned i = 0; i < sizeof (block); i++)
    block[i] = (unsigned char)i;
  ck_assert_uint_eq (crc32c (block, sizeof (block)), 0x46DD794E);
  for (unsigned i = 0; i < sizeof (block); i++)
    block[i] = (unsigned char)(31 - i);
  ck_assert_uint_eq (crc32c (block, sizeof (block)), 0x113FDB5C);
}
END_TEST

START_TEST (is_the_same_both_ways)
{
  fill ();
  for (size_t len = 0; len <= LONG_BYTES; len += len < 64 || len > LONG_BYTES - 64 ? 1 : 13)
  {
    uint32_t expected = by_definition (bytes, len);

    ck_assert_msg (crc32c (bytes, len) == expected, "%zu bytes", len);
    ck_assert_msg (crc32c_portable (bytes, len) == expected, "%zu bytes by the table", len);
  }
}
END_TEST

START_TEST (takes_any_place_in_memory)
{
  fill ();
  for (size_t start = 0; start < 16; start++)
    ck_assert_uint_eq (crc32c (bytes + start, 3000), by_definition (bytes + start, 3000));
}
END_TEST

START_TEST (sees_every_changed_bit)
{
  uint32_t whole;

  fill ();
  whole = crc32c (bytes, LONG_BYTES);
  for (size_t bit = 0; bit < LONG_BYTES * 8; bit++)
  {
    bytes[bit / 8] = (unsigned char)(bytes[bit / 8] ^ 1U << bit % 8);
    ck_assert_msg (crc32c (bytes, LONG_BYTES) != whole, "bit %zu", bit);
    bytes[bit / 8] = (unsigned char)(bytes[bit / 8] ^ 1U << bit % 8);
  }
}
END_TEST

Suite *crc32c_suite (void);

Suite *
crc32c_suite (void)
{
  Suite *suite = suite_create ("crc32c");
  TCase *sums = tcase_create ("sums");

  tcase_add_test (sums, gives_the_known_sums);
  tcase_add_test (sums, is_the_same_both_ways);
  tcase_add_test (sums, takes_any_place_in_memory);
  tcase_add_test (sums, sees_every_changed_bit);
  suite_add_tcase (suite, sums);
  return suite;
}
