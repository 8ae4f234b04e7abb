/* Tests of ids of runs and of what keys and values are taken. */
#include "name.h"
#include "record.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

START_TEST (reads_ids)
{
  struct run_key key;
  char text[TALLY_RUN_ID_BYTES];

  ck_assert (run_key_parse (&key, "0123456789abcdefFEDCBA9876543210"));
  run_key_format (text, &key);
  ck_assert_str_eq (text, "0123456789abcdeffedcba9876543210");
  ck_assert (run_key_parse (&key, "01234567-89ab-cdef-fedc-ba9876543211"));
  run_key_format (text, &key);
  ck_assert_str_eq (text, "0123456789abcdeffedcba9876543211");
}
END_TEST

START_TEST (refuses_what_is_no_id)
{
  static const char *const wrong[] = { "",
                                       "0",
                                       "0123456789abcdeffedcba987654321",
                                       "0123456789abcdeffedcba98765432100",
                                       "0123456789abcdeffedcba987654321g",
                                       "0123456-789ab-cdef-fedc-ba9876543211",
                                       "01234567--9ab-cdef-fedc-ba9876543211",
                                       "-1234567-89ab-cdef-fedc-ba9876543211",
                                       "01234567-89ab-cdef-fedc-ba987654321-",
                                       "0123456789abcdeffedcba98765432100000" };
  struct run_key key = { { 7 } };

  for (size_t i = 0; i < sizeof (wrong) / sizeof (wrong[0]); i++)
    ck_assert_msg (! run_key_parse (&key, wrong[i]), "%s", wrong[i]);
  ck_assert_uint_eq (key.bytes[0], 7);
}
END_TEST

START_TEST (makes_new_ids)
{
  struct run_key a;
  struct run_key b;

  ck_assert (run_key_new (&a) && run_key_new (&b));
  ck_assert_mem_ne (&a, &b, sizeof (a));
}
END_TEST

static void
fill (char *text, size_t count, const char *unit)
{
  text[0] = '\0';
  for (size_t i = 0; i < count; i++)
    strcat (text, unit);
}

START_TEST (takes_keys_of_servers)
{
  static const char *const fine[] = { "loss", "train/loss", "a b",   "a:b",     "a.b",       ".a",
                                      "a..b", "a/.b",       "x-1_2", "größe/κ", "训练/损失", "a/b./c" };
  char longest[1200];
  struct slice key;
  struct tally_error err;

  for (size_t i = 0; i < sizeof (fine) / sizeof (fine[0]); i++)
  {
    ck_assert_msg (TALLY_OK == name_check (&key, fine[i], "metric", &err), "%s", fine[i]);
    ck_assert (slice_is (key, fine[i]));
  }
  fill (longest, 250, "k");
  ck_assert_int_eq (name_check (&key, longest, "metric", &err), TALLY_OK);
  fill (longest, 250, "损");
  ck_assert_int_eq (name_check (&key, longest, "metric", &err), TALLY_OK);
}
END_TEST

static const struct
{
  const char *key;
  const char *says;
} bad_keys[] = {
  { "", "must not be empty" },
  { "a\n", "not allowed" },
  { "a\x01", "not allowed" },
  { "a,b", "not allowed" },
  { "a\"b", "not allowed" },
  { "a\\b", "not allowed" },
  { "a\xe2\x80\xa8z", "not allowed" }, /* U+2028 */
  { "a\xff", "not UTF-8" },
  { "/a", "paths" },
  { "a/", "paths" },
  { "a//b", "paths" },
  { ".", "paths" },
  { "..", "paths" },
  { "..a", "paths" },
  { "./a", "paths" },
  { "a/./b", "paths" },
  { "a/../b", "paths" },
};

START_TEST (refuses_keys_that_no_server_takes)
{
  struct slice key;
  struct tally_error err;

  ck_assert_int_eq (name_check (&key, bad_keys[_i].key, "metric", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_msg (NULL != strstr (err.message, bad_keys[_i].says), "%s", err.message);
}
END_TEST

START_TEST (tells_limits)
{
  char text[8100 * 3];
  struct slice slice;
  struct tally_error err;

  fill (text, 251, "k");
  ck_assert_int_eq (name_check (&slice, text, "metric", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_ptr_nonnull (strstr (err.message, "has 251 characters; at most 250"));
  ck_assert_ptr_nonnull (strstr (err.message, "'kkk"));
  fill (text, 251, "损");
  ck_assert_int_eq (name_check (&slice, text, "metric", &err), TALLY_ERROR_ARGUMENT);
  ck_assert_ptr_nonnull (strstr (err.message, "has 251 characters; at most 250"));
  ck_assert_int_eq (name_check (&slice, NULL, "metric", &err), TALLY_ERROR_ARGUMENT);

  fill (text, 6000, "损");
  ck_assert_int_eq (name_check_value (&slice, text, 6000, "value of param", SLICE ("p"), &err), TALLY_OK);
  ck_assert_uint_eq (slice.len, 18000);
  fill (text, 6001, "损");
  ck_assert_int_eq (name_check_value (&slice, text, 6000, "value of param", SLICE ("p"), &err), TALLY_ERROR_ARGUMENT);
  ck_assert_str_eq (err.message, "The value of param of p has 6001 characters; at most 6000 are allowed.");
  ck_assert_int_eq (name_check_value (&slice, "\x80", 6000, "value of param", SLICE ("p"), &err), TALLY_ERROR_ARGUMENT);
  ck_assert_int_eq (name_check_value (&slice, NULL, 6000, "name", (struct slice){ NULL, 0 }, &err),
                    TALLY_ERROR_ARGUMENT);
  ck_assert_str_eq (err.message, "The name must not be NULL.");
}
END_TEST

Suite *record_suite (void);

Suite *
record_suite (void)
{
  Suite *suite = suite_create ("record");
  TCase *tcase = tcase_create ("record");

  tcase_add_test (tcase, reads_ids);
  tcase_add_test (tcase, refuses_what_is_no_id);
  tcase_add_test (tcase, makes_new_ids);
  tcase_add_test (tcase, takes_keys_of_servers);
  tcase_add_loop_test (tcase, refuses_keys_that_no_server_takes, 0, sizeof (bad_keys) / sizeof (bad_keys[0]));
  tcase_add_test (tcase, tells_limits);
  suite_add_tcase (suite, tcase);
  return suite;
}
