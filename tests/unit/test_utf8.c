/* Tests of UTF-8: every short byte string, every code point, and words as Python sees them. */
#include "base/utf8.h"

#include <check.h>

/* Sequences of one, two and three bytes that are valid. */
#define ONE_BYTE 128U
#define TWO_BYTES (0x800U - 0x80U)
#define THREE_BYTES (0x10000U - 0x800U - 0x800U)

START_TEST (counts_of_valid_strings)
{
  unsigned long valid2 = 0;
  unsigned long valid3 = 0;

  for (unsigned a = 0; a < 256; a++)
    for (unsigned b = 0; b < 256; b++)
    {
      char text[3] = { (char)a, (char)b, 0 };

      valid2 += utf8_valid ((struct slice){ text, 2 });
      for (unsigned c = 0; c < 256; c++)
      {
        text[2] = (char)c;
        valid3 += utf8_valid ((struct slice){ text, 3 });
      }
    }
  ck_assert_uint_eq (valid2, ONE_BYTE * ONE_BYTE + TWO_BYTES);
  ck_assert_uint_eq (valid3, ONE_BYTE * ONE_BYTE * ONE_BYTE + 2 * ONE_BYTE * TWO_BYTES + THREE_BYTES);
}
END_TEST

START_TEST (every_code_point_goes_round)
{
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; code_point++)
  {
    char text[4];
    size_t len;
    struct slice rest;
    uint32_t back = UINT32_MAX;
    bool fine;

    if (code_point >= 0xD800 && code_point <= 0xDFFF)
      continue;
    len = utf8_encode (text, code_point);
    rest = (struct slice){ text, len };
    fine = len >= 1 && len <= 4 && utf8_valid (rest) && utf8_sequence (rest) == len;
    fine = fine && utf8_next (&rest, &back) && back == code_point && 0 == rest.len;
    /* Cut anywhere, it is invalid. */
    for (size_t i = 1; i < len; i++)
      fine = fine && ! utf8_valid ((struct slice){ text, i });
    /* Check writes a record for each assertion, so only a failure makes one. */
    if (! fine)
      ck_abort_msg ("U+%04X", code_point);
  }
}
END_TEST

START_TEST (refuses_what_is_no_utf8)
{
  static const char *const texts[] = { "\x80",
                                       "\xBF",
                                       "\xC0\x80",
                                       "\xC1\xBF",
                                       "\xC2",
                                       "\xC2\x41",
                                       "\xE0\x9F\xBF",
                                       "\xE2\x82",
                                       "\xED\xA0\x80",
                                       "\xED\xBF\xBF",
                                       "\xEF\xBF\x41",
                                       "\xF0\x8F\xBF\xBF",
                                       "\xF0\x9D\x84",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xF8\x88\x80\x80\x80",
                                       "\xFE",
                                       "\xFF" };

  for (size_t i = 0; i < sizeof (texts) / sizeof (texts[0]); i++)
  {
    struct slice rest = slice_of (texts[i]);
    uint32_t code_point;
    char padded[40] = "0123456789abcdef";

    ck_assert (! utf8_valid (rest));
    ck_assert_uint_eq (utf8_sequence (rest), 0);
    ck_assert (! utf8_next (&rest, &code_point));
    ck_assert_ptr_eq (rest.data, texts[i]);
    /* At every place of a word, so that the fast way over ASCII does not step over it. */
    for (size_t at = 0; at <= 16; at++)
    {
      memcpy (padded, "0123456789abcdef", 17);
      memcpy (padded + at, texts[i], strlen (texts[i]) + 1);
      ck_assert (! utf8_valid (slice_of (padded)));
    }
  }
}
END_TEST

START_TEST (length_and_cut_count_code_points)
{
  struct slice text = SLICE ("aé€𝄞z");
  static const size_t ends[] = { 0, 1, 3, 6, 10, 11, 11 };

  ck_assert_uint_eq (utf8_length (text), 5);
  ck_assert_uint_eq (utf8_length ((struct slice){ NULL, 0 }), 0);
  ck_assert (utf8_valid ((struct slice){ NULL, 0 }));
  for (size_t i = 0; i < sizeof (ends) / sizeof (ends[0]); i++)
  {
    struct slice cut = utf8_cut (text, i);

    ck_assert_ptr_eq (cut.data, text.data);
    ck_assert_uint_eq (cut.len, ends[i]);
  }
  ck_assert_uint_eq (utf8_cut (text, SIZE_MAX).len, text.len);
  ck_assert_uint_eq (utf8_cut (SLICE (""), 0).len, 0);
}
END_TEST

START_TEST (words_are_those_of_python)
{
  /* len (w), sum (w) and the sum of (i + 1) * w[i] modulo 2^64 of
     w = [c for c in range (0x110000) if chr (c).isalnum () or chr (c) == "_"] in Python 3.11. */
  uint64_t count = 0;
  uint64_t sum = 0;
  uint64_t weighted = 0;

  for (uint32_t code_point = 0; code_point <= 0x10FFFF; code_point++)
    if (utf8_is_word (code_point))
    {
      count++;
      sum += code_point;
      weighted += count * code_point;
    }
  ck_assert_uint_eq (count, 133548);
  ck_assert_uint_eq (sum, UINT64_C (14002814312));
  ck_assert_uint_eq (weighted, UINT64_C (1260764183762614));
  ck_assert (utf8_is_word ('_') && utf8_is_word (0xE9) && utf8_is_word (0xB2) && utf8_is_word (0x4E2D));
  ck_assert (! utf8_is_word ('-') && ! utf8_is_word (0xD7) && ! utf8_is_word (0x301) && ! utf8_is_word (0x24B6));
  ck_assert (! utf8_is_word (0xD800) && ! utf8_is_word (0x110000) && ! utf8_is_word (UINT32_MAX));
}
END_TEST

Suite *utf8_suite (void);

Suite *
utf8_suite (void)
{
  Suite *suite = suite_create ("utf8");
  TCase *tests = tcase_create ("utf8");

  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, counts_of_valid_strings);
  tcase_add_test (tests, every_code_point_goes_round);
  tcase_add_test (tests, refuses_what_is_no_utf8);
  tcase_add_test (tests, length_and_cut_count_code_points);
  tcase_add_test (tests, words_are_those_of_python);
  suite_add_tcase (suite, tests);
  return suite;
}
