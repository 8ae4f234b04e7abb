/* Tests of page tokens: JSON there and back, and everything a client might send instead. */
#include "base/token.h"

#include <check.h>
#include <stdlib.h>

/* Twice the longest token, and room. */
#define ARENA_BYTES ((size_t)8 * 1024 * 1024)

static struct arena *arena;

static void
set_up (void)
{
  arena = arena_new (ARENA_BYTES);
  ck_assert_ptr_nonnull (arena);
}

static void
tear_down (void)
{
  arena_free (arena);
}

START_TEST (encodes_as_base64)
{
  static const struct
  {
    const char *json;
    const char *token;
  } cases[] = {
    { "{}", "e30=" },
    { "{\"offset\": 5}", "eyJvZmZzZXQiOiA1fQ==" },
    { "{\"a\":1}", "eyJhIjoxfQ==" },
    { "{\"a\":12}", "eyJhIjoxMn0=" },
    { "{\"a\":123}", "eyJhIjoxMjN9" },
    { "{\"\xC3\xBF\":\">>>???\"}", "eyLDvyI6Ij4+Pj8/PyJ9" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice token = token_make (cases[i].json, arena);
    json_t *expected = json_loads (cases[i].json, 0, NULL);
    json_t *json = token_open (token, arena);

    ck_assert_msg (slice_is (token, cases[i].token), "%.*s", SLICE_ARG (token));
    ck_assert_ptr_nonnull (json);
    ck_assert (json_equal (json, expected));
    json_decref (json);
    json_decref (expected);
  }
}
END_TEST

START_TEST (makes_nothing_of_nothing)
{
  struct arena *small = arena_new (16);

  ck_assert_ptr_nonnull (small);
  ck_assert_ptr_null (token_make (NULL, arena).data);
  ck_assert_ptr_null (token_make ("", arena).data);
  ck_assert_ptr_null (token_make ("{\"long\": \"long\", \"longer\": \"longer\"}", small).data);
  arena_free (small);
}
END_TEST

START_TEST (refuses_what_is_no_token)
{
  static const struct
  {
    const char *label;
    struct slice token;
  } cases[] = {
    { "nothing", { "", 0 } },
    { "absent", { NULL, 0 } },
    { "one character", { "e", 1 } },
    { "no padding", { "e30", 3 } },
    { "padding only", { "====", 4 } },
    { "too much padding", { "e===", 4 } },
    { "padding in the middle", { "e3=0", 4 } },
    { "padding, then more", { "e30=e30=", 8 } },
    { "another alphabet", { "eyLDvyI6Ij4-Pj8_PyJ9", 20 } },
    { "an unknown character", { "e3*=", 4 } },
    { "a NUL", { "e\0000=", 4 } },
    { "an upper byte", { "e3\xFF=", 4 } },
    { "a list", { "W10=", 4 } },
    { "a string", { "IngK", 4 } },
    { "a number", { "MTIz", 4 } },
    { "null", { "bnVsbA==", 8 } },
    { "text behind the object", { "e30xMjM0", 8 } },
    { "half an object", { "eyJhIjox", 8 } },
    { "no UTF-8", { "eyL/Ijox", 8 } },
    { "no UTF-8, else an object", { "eyL/IjoxfQ==", 12 } },
    { "as it was before encoding", { "{\"offset\":5}", 12 } },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_msg (NULL == token_open (cases[i].token, arena), "%s", cases[i].label);
}
END_TEST

START_TEST (refuses_every_cut)
{
  struct slice whole = token_make ("{\"after\":[\"1\",\"2\"],\"search\":\"0123456789abcdef\"}", arena);

  for (size_t len = 0; len < whole.len; len++)
  {
    /* Memory of just that size, so that a sanitizer sees the first byte too many. */
    char *copy = malloc (len + (0 == len));

    ck_assert_ptr_nonnull (copy);
    memcpy (copy, whole.data, len);
    ck_assert_msg (NULL == token_open ((struct slice){ copy, len }, arena), "%zu bytes", len);
    free (copy);
  }
}
END_TEST

START_TEST (survives_every_changed_byte)
{
  struct slice whole = token_make ("{\"after\":[\"1\",null],\"search\":\"0123456789abcdef\"}", arena);
  char *copy = malloc (whole.len);

  ck_assert_ptr_nonnull (copy);
  for (size_t at = 0; at < whole.len; at++)
    for (unsigned byte = 0; byte < 256; byte += 3)
    {
      memcpy (copy, whole.data, whole.len);
      copy[at] = (char)byte;
      json_decref (token_open ((struct slice){ copy, whole.len }, arena));
    }
  free (copy);
}
END_TEST

/* A token of `len` characters that holds {"a":"xx...x"}. */
static struct slice
token_of_length (size_t len)
{
  size_t json_len = len / 4 * 3;
  char *json = malloc (json_len + 1);
  struct slice token;

  ck_assert_ptr_nonnull (json);
  memset (json, 'x', json_len);
  memcpy (json, "{\"a\":\"", 6);
  memcpy (json + json_len - 2, "\"}", 3);
  token = token_make (json, arena);
  free (json);
  ck_assert_uint_eq (token.len, len);
  return token;
}

START_TEST (opens_up_to_a_megabyte)
{
  json_t *json = token_open (token_of_length ((size_t)1024 * 1024), arena);

  ck_assert_ptr_nonnull (json);
  json_decref (json);
  ck_assert_ptr_null (token_open (token_of_length ((size_t)1024 * 1024 + 4), arena));
}
END_TEST

START_TEST (survives_deep_nesting)
{
  static char json[30001];

  memset (json, '[', sizeof (json) - 1);
  memcpy (json, "{\"a\":", 5);
  ck_assert_ptr_null (token_open (token_make (json, arena), arena));
}
END_TEST

Suite *token_suite (void);

Suite *
token_suite (void)
{
  Suite *suite = suite_create ("token");
  TCase *tokens = tcase_create ("tokens");

  tcase_add_checked_fixture (tokens, set_up, tear_down);
  tcase_add_test (tokens, encodes_as_base64);
  tcase_add_test (tokens, makes_nothing_of_nothing);
  tcase_add_test (tokens, refuses_what_is_no_token);
  tcase_add_test (tokens, refuses_every_cut);
  tcase_add_test (tokens, survives_every_changed_byte);
  tcase_add_test (tokens, opens_up_to_a_megabyte);
  tcase_add_test (tokens, survives_deep_nesting);
  suite_add_tcase (suite, tokens);
  return suite;
}
