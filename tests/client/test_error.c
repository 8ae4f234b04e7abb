/* Tests of filling in errors: one line of UTF-8, whatever goes into it. */
#include "error.h"

#include "base/utf8.h"

#include <check.h>
#include <errno.h>
#include <string.h>

Suite *error_suite (void);

START_TEST (test_set)
{
  struct tally_error err;

  ck_assert_int_eq (TALLY_ERROR_GATE, error_set (&err, TALLY_ERROR_GATE, "%s %d", "is", 3));
  ck_assert_int_eq (TALLY_ERROR_GATE, err.code);
  ck_assert_str_eq ("is 3", err.message);
  ck_assert (! err.retryable && 0 == err.http_status && '\0' == err.server_code[0]);
  error_set (&err, TALLY_ERROR_OVERLOADED, "later");
  ck_assert (err.retryable);
  ck_assert_int_eq (TALLY_ERROR_FULL, error_set (NULL, TALLY_ERROR_FULL, "nobody asks"));
}
END_TEST

START_TEST (test_clean)
{
  struct tally_error err;

  error_set (&err, TALLY_ERROR_PROTOCOL, "a%sb", "\x1b[2J\r\n\t\x7f");
  ck_assert_str_eq ("a?[2J????b", err.message);
  error_set (&err, TALLY_ERROR_PROTOCOL, "%s",
             "ä\xc2\x9b"
             "1m\xff€");
  ck_assert_str_eq ("ä??1m?€", err.message);
  /* A precision counts bytes. */
  error_set (&err, TALLY_ERROR_PROTOCOL, "'%.2s'", "a€");
  ck_assert_str_eq ("'a?'", err.message);
}
END_TEST

START_TEST (test_long)
{
  struct tally_error err;
  char text[2 * TALLY_MESSAGE_BYTES];

  for (size_t offset = 0; offset < 4; offset++)
  {
    memset (text, 'x', offset);
    for (size_t i = offset; i + 3 < sizeof (text); i += 3)
      memcpy (text + i, "€", 4);
    error_set (&err, TALLY_ERROR_PROTOCOL, "%s", text);
    ck_assert_uint_lt (strlen (err.message), TALLY_MESSAGE_BYTES);
    ck_assert_str_eq ("...", err.message + strlen (err.message) - 3);
    ck_assert (utf8_valid (slice_of (err.message)));
    ck_assert_ptr_null (strchr (err.message, '?'));
  }
}
END_TEST

START_TEST (test_file)
{
  struct tally_error err;

  ck_assert_int_eq (TALLY_ERROR_FILE, error_file (&err, ENOENT, "/nowhere/%d", 1));
  ck_assert_str_eq ("/nowhere/1: No such file or directory", err.message);
  ck_assert_int_eq (TALLY_ERROR_MEMORY, error_file (&err, ENOMEM, "/nowhere"));
  ck_assert_int_eq (TALLY_ERROR_FILE, error_file (NULL, ENOENT, "/nowhere"));
}
END_TEST

START_TEST (test_names)
{
  ck_assert_str_eq ("TALLY_OK", tally_code_name (TALLY_OK));
  ck_assert_str_eq ("TALLY_ERROR_BUSY", tally_code_name (TALLY_ERROR_BUSY));
  ck_assert_str_eq ("TALLY_ERROR_UNKNOWN", tally_code_name ((enum tally_code)24));
  ck_assert_str_eq ("TALLY_ERROR_UNKNOWN", tally_code_name ((enum tally_code) - 1));
}
END_TEST

Suite *
error_suite (void)
{
  Suite *suite = suite_create ("error");
  TCase *tests = tcase_create ("error");

  tcase_add_test (tests, test_set);
  tcase_add_test (tests, test_clean);
  tcase_add_test (tests, test_long);
  tcase_add_test (tests, test_file);
  tcase_add_test (tests, test_names);
  suite_add_tcase (suite, tests);
  return suite;
}
