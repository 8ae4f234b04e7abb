/* Tests of errors as values: the first one stays, messages are cut at characters, the table of codes is complete. */
#include "base/err.h"

#include "base/utf8.h"

#include <check.h>
#include <string.h>

START_TEST (keeps_the_first_error)
{
  struct err err = { 0 };

  ck_assert_int_eq (err_set (&err, ERR_INVALID_PARAMETER_VALUE, "key '%s' has %d bytes", "loss", 4),
                    ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "key 'loss' has 4 bytes");
  ck_assert_str_eq (err.cause, "");
  /* The code of the second is returned, because its caller acts on it; what is told stays. */
  ck_assert_int_eq (err_set_cause (&err, ERR_INTERNAL_ERROR, "40001", "later"), ERR_INTERNAL_ERROR);
  ck_assert_int_eq (err.code, ERR_INVALID_PARAMETER_VALUE);
  ck_assert_str_eq (err.message, "key 'loss' has 4 bytes");
  ck_assert_str_eq (err.cause, "");
  err.retry_after_s = 5;
  err_clear (&err);
  ck_assert_int_eq (err.code, ERR_OK);
  ck_assert_str_eq (err.message, "");
  ck_assert_uint_eq (err.retry_after_s, 0);
  err_set_cause (&err, ERR_INTERNAL_ERROR, "40001", "again");
  ck_assert_str_eq (err.message, "again");
  ck_assert_str_eq (err.cause, "40001");
}
END_TEST

START_TEST (works_without_a_place_for_the_message)
{
  struct err err = { 0 };

  ck_assert_int_eq (err_set (NULL, ERR_BAD_REQUEST, "%d", 1), ERR_BAD_REQUEST);
  ck_assert_int_eq (err_set_cause (NULL, ERR_BAD_REQUEST, "cause", "%d", 1), ERR_BAD_REQUEST);
  ck_assert_int_eq (err_set_cause (&err, ERR_BAD_REQUEST, NULL, "text"), ERR_BAD_REQUEST);
  ck_assert_str_eq (err.cause, "");
}
END_TEST

START_TEST (cuts_long_messages_at_a_character)
{
  /* Every offset at which a character of four bytes can meet the end. */
  for (int shift = 0; shift < 4; shift++)
  {
    struct err err = { 0 };
    char text[ERR_MESSAGE_BYTES * 2] = "";
    size_t len;

    memset (text, 'x', (size_t)shift);
    while (strlen (text) < ERR_MESSAGE_BYTES + 100)
      strcat (text, "𝄞");
    err_set (&err, ERR_BAD_REQUEST, "%s", text);
    len = strlen (err.message);
    ck_assert_uint_lt (len, ERR_MESSAGE_BYTES);
    ck_assert_uint_ge (len, ERR_MESSAGE_BYTES - 8);
    ck_assert_str_eq (err.message + len - 3, "...");
    ck_assert_int_eq (memcmp (err.message, text, len - 3), 0);
    ck_assert (utf8_valid (slice_of (err.message)));
  }
}
END_TEST

START_TEST (takes_messages_of_exactly_the_room)
{
  struct err err = { 0 };
  char text[ERR_MESSAGE_BYTES + 1];

  memset (text, 'x', sizeof (text));
  text[ERR_MESSAGE_BYTES - 1] = '\0';
  err_set (&err, ERR_BAD_REQUEST, "%s", text);
  ck_assert_str_eq (err.message, text);
  err_clear (&err);
  text[ERR_MESSAGE_BYTES - 1] = 'x';
  text[ERR_MESSAGE_BYTES] = '\0';
  err_set (&err, ERR_BAD_REQUEST, "%s", text);
  ck_assert_uint_eq (strlen (err.message), ERR_MESSAGE_BYTES - 1);
  ck_assert_str_eq (err.message + ERR_MESSAGE_BYTES - 4, "...");
}
END_TEST

START_TEST (every_code_is_described)
{
  ck_assert_str_eq (err_name (ERR_OK), "OK");
  ck_assert_uint_eq (err_http_status (ERR_OK), 200);
  ck_assert_str_eq (err_hint (ERR_OK), "");
  ck_assert_str_eq (err_name (ERR_INVALID_PARAMETER_VALUE), "INVALID_PARAMETER_VALUE");
  ck_assert_uint_eq (err_http_status (ERR_RESOURCE_DOES_NOT_EXIST), 404);
  for (int code = ERR_OK + 1; code < ERR_COUNT; code++)
  {
    unsigned status = err_http_status ((enum err_code)code);

    ck_assert_uint_ge (status, 400);
    ck_assert_uint_le (status, 599);
    ck_assert_uint_gt (strlen (err_hint ((enum err_code)code)), 0);
    /* What the client did wrong never alerts. */
    ck_assert (status >= 500 || ! err_is_ours ((enum err_code)code));
    for (int other = ERR_OK; other < code; other++)
      ck_assert_str_ne (err_name ((enum err_code)code), err_name ((enum err_code)other));
  }
  ck_assert (err_is_ours (ERR_INTERNAL_ERROR));
}
END_TEST

Suite *err_suite (void);

Suite *
err_suite (void)
{
  Suite *suite = suite_create ("err");
  TCase *tests = tcase_create ("err");

  tcase_add_test (tests, keeps_the_first_error);
  tcase_add_test (tests, works_without_a_place_for_the_message);
  tcase_add_test (tests, cuts_long_messages_at_a_character);
  tcase_add_test (tests, takes_messages_of_exactly_the_room);
  tcase_add_test (tests, every_code_is_described);
  suite_add_tcase (suite, tests);
  return suite;
}
