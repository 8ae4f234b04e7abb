/* Tests of the growable buffer: growth, the exact maximum, sticky failure, handing the bytes over. */
#include "base/buffer.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

START_TEST (grows_and_stays_terminated)
{
  struct buffer buffer;

  buffer_init (&buffer, 1 << 20);
  ck_assert_ptr_null (buffer.data);
  for (size_t i = 0; i < 5000; i++)
  {
    ck_assert (buffer_byte (&buffer, (char)('a' + i % 26)));
    ck_assert_uint_eq (buffer.len, i + 1);
    ck_assert_int_eq (buffer.data[buffer.len], '\0');
  }
  for (size_t i = 0; i < 5000; i++)
    ck_assert_int_eq (buffer.data[i], (char)('a' + i % 26));
  buffer_clear (&buffer);
  ck_assert (buffer_text (&buffer, "one") && buffer_append (&buffer, " two", 4) && buffer_printf (&buffer, " %d", 3));
  ck_assert_str_eq (buffer.data, "one two 3");
  ck_assert (slice_is (buffer_slice (&buffer), "one two 3"));
  buffer_free (&buffer);
  ck_assert_ptr_null (buffer.data);
  ck_assert (buffer_text (&buffer, "again"));
  buffer_free (&buffer);
}
END_TEST

START_TEST (printf_longer_than_the_room)
{
  struct buffer buffer;
  char text[3000];

  memset (text, 'x', sizeof (text));
  text[sizeof (text) - 1] = '\0';
  buffer_init (&buffer, 1 << 20);
  ck_assert (buffer_printf (&buffer, "%s|%s", text, text));
  ck_assert_uint_eq (buffer.len, 2 * (sizeof (text) - 1) + 1);
  ck_assert_int_eq (buffer.data[sizeof (text) - 1], '|');
  ck_assert_int_eq (buffer.data[buffer.len], '\0');
  buffer_free (&buffer);
}
END_TEST

/* Fill up to the maximum by one way of appending, then once more. */
static void
fill (size_t max_bytes, bool (*append_one) (struct buffer *buffer))
{
  struct buffer buffer;

  buffer_init (&buffer, max_bytes);
  for (size_t i = 0; i < max_bytes; i++)
    ck_assert (append_one (&buffer));
  ck_assert_uint_eq (buffer.len, max_bytes);
  ck_assert (! append_one (&buffer));
  ck_assert (buffer.failed);
  ck_assert_uint_eq (buffer.len, max_bytes);
  /* Sticky, even for what would fit. */
  ck_assert (! buffer_append (&buffer, "", 0));
  buffer_clear (&buffer);
  ck_assert (! buffer.failed);
  ck_assert (0 == max_bytes || append_one (&buffer));
  buffer_free (&buffer);
}

static bool
by_byte (struct buffer *buffer)
{
  return buffer_byte (buffer, 'x');
}

static bool
by_append (struct buffer *buffer)
{
  return buffer_append (buffer, "x", 1);
}

static bool
by_text (struct buffer *buffer)
{
  return buffer_text (buffer, "x");
}

static bool
by_printf (struct buffer *buffer)
{
  return buffer_printf (buffer, "%c", 'x');
}

START_TEST (stops_at_the_maximum)
{
  static const size_t sizes[] = { 0, 1, 2, 255, 256, 257, 300, 1023, 1024, 1025 };

  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
  {
    fill (sizes[i], by_byte);
    fill (sizes[i], by_append);
    fill (sizes[i], by_text);
    fill (sizes[i], by_printf);
  }
}
END_TEST

START_TEST (refuses_a_whole_piece_that_does_not_fit)
{
  struct buffer buffer;

  buffer_init (&buffer, 10);
  ck_assert (buffer_text (&buffer, "12345678"));
  ck_assert (! buffer_text (&buffer, "9ab"));
  ck_assert_uint_eq (buffer.len, 8);
  ck_assert (! buffer_reserve (&buffer, 1));
  buffer_clear (&buffer);
  ck_assert (! buffer_reserve (&buffer, SIZE_MAX));
  buffer_free (&buffer);
}
END_TEST

START_TEST (gives_its_bytes_away)
{
  struct buffer buffer;
  char *bytes;

  buffer_init (&buffer, 100);
  ck_assert_ptr_null (buffer_steal (&buffer));
  buffer_text (&buffer, "answer");
  bytes = buffer_steal (&buffer);
  ck_assert_str_eq (bytes, "answer");
  ck_assert_uint_eq (buffer.len, 0);
  ck_assert_ptr_null (buffer.data);
  ck_assert (buffer_text (&buffer, "next"));
  ck_assert_str_eq (bytes, "answer");
  free (bytes);
  buffer_free (&buffer);
}
END_TEST

Suite *buffer_suite (void);

Suite *
buffer_suite (void)
{
  Suite *suite = suite_create ("buffer");
  TCase *tests = tcase_create ("buffer");

  tcase_add_test (tests, grows_and_stays_terminated);
  tcase_add_test (tests, printf_longer_than_the_room);
  tcase_add_test (tests, stops_at_the_maximum);
  tcase_add_test (tests, refuses_a_whole_piece_that_does_not_fit);
  tcase_add_test (tests, gives_its_bytes_away);
  suite_add_tcase (suite, tests);
  return suite;
}
