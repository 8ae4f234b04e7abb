/* Tests of credentials: every form of Authorization and Cookie, and secrets of our own. */
#include "access/credential.h"

#include "access/identity.h"

#include <check.h>
#include <stdlib.h>

/* The longest header decoded, and room. */
#define ARENA_BYTES ((size_t)256 * 1024)
#define TOKEN "tly_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno-_"
#define COOKIE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_"

static struct arena *arena;
static struct err err;

static const struct slice absent = { NULL, 0 };

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

/* Read an Authorization header from memory of just its size, which lasts as long as the test. */
static enum err_code
read_header (struct credential *credential, struct slice header)
{
  char *copy = arena_alloc (arena, header.len);

  ck_assert_ptr_nonnull (copy);
  if (header.len > 0)
    memcpy (copy, header.data, header.len);
  err_clear (&err);
  return credential_read (credential, (struct slice){ copy, header.len }, absent, absent, absent, arena, &err);
}

START_TEST (reads_every_kind)
{
  static const struct
  {
    const char *header;
    enum credential_kind kind;
    const char *username;
    const char *secret;
  } cases[] = {
    /* printf 'anna:secret words' | base64, and so on */
    { "Basic YW5uYTpzZWNyZXQgd29yZHM=", CREDENTIAL_PASSWORD, "anna", "secret words" },
    { "basic YW5uYTpzZWNyZXQgd29yZHM=", CREDENTIAL_PASSWORD, "anna", "secret words" },
    { "  BASIC \t YW5uYTpzZWNyZXQgd29yZHM=  ", CREDENTIAL_PASSWORD, "anna", "secret words" },
    { "Basic YTpiOmM6", CREDENTIAL_PASSWORD, "a", "b:c:" },
    { "Basic YTo=", CREDENTIAL_PASSWORD, "a", "" },
    { "Basic OmI=", CREDENTIAL_PASSWORD, "", "b" },
    { "Basic Og==", CREDENTIAL_PASSWORD, "", "" },
    { "Basic asO2cmc6csO2dA==", CREDENTIAL_PASSWORD, "j\xC3\xB6rg", "r\xC3\xB6t" },
    /* a password may be any bytes, here ISO 8859-1 */
    { "Basic YTpy9nQ=", CREDENTIAL_PASSWORD, "a", "r\xF6t" },
    { "Bearer " TOKEN, CREDENTIAL_TOKEN, NULL, TOKEN },
    { "bearer   " TOKEN " ", CREDENTIAL_TOKEN, NULL, TOKEN },
    /* x: and token: with the token as the password, and the token as the name */
    { "Basic eDp0bHlfQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm8tXw==", CREDENTIAL_TOKEN, NULL, TOKEN },
    { "Basic OnRseV9BQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWmFiY2RlZmdoaWprbG1uby1f", CREDENTIAL_TOKEN, NULL, TOKEN },
    { "Basic dGx5X0FCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaYWJjZGVmZ2hpamtsbW5vLV86", CREDENTIAL_TOKEN, NULL, TOKEN },
    { "Bearer e30.e30.c2ln", CREDENTIAL_JWT, NULL, "e30.e30.c2ln" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct credential credential;

    ck_assert_msg (ERR_OK == read_header (&credential, slice_of (cases[i].header)), "%s: %s", cases[i].header,
                   err.message);
    ck_assert_msg (cases[i].kind == credential.kind, "%s", cases[i].header);
    ck_assert_msg (slice_equal (credential.username, slice_of (cases[i].username)), "%s", cases[i].header);
    ck_assert_msg (slice_is (credential.secret, cases[i].secret), "%s", cases[i].header);
  }
}
END_TEST

START_TEST (refuses_what_cannot_be_read)
{
  static const struct slice cases[] = {
    SLICE (""),
    SLICE (" "),
    SLICE ("Basic"),
    SLICE ("Basic "),
    SLICE ("Bearer"),
    SLICE ("Bearer "),
    SLICE ("Negotiate YWJj"),
    SLICE ("Digest username=\"a\""),
    SLICE ("BasicYTpi"),
    SLICE ("Basic YW5uYQ=="), /* no colon */
    SLICE ("Basic YTpi\nYTpi"),
    SLICE ("Basic YTpi YTpi"),
    SLICE ("Basic YTo"),
    SLICE ("Basic YTo=="),
    SLICE ("Basic ===="),
    SLICE ("Basic Y==="),
    SLICE ("Basic YT=pi"),
    SLICE ("Basic YTp-"), /* base64url */
    SLICE ("Basic YTp\0"),
    SLICE ("Basic YTp\xFF"),
    SLICE ("Basic YQA6Yg=="), /* NUL in the name */
    SLICE ("Basic YQo6Yg=="), /* a line in the name */
    SLICE ("Basic avZyZzpi"), /* a name in ISO 8859-1 */
    SLICE ("Bearer tly_"),
    SLICE ("Bearer " TOKEN "x"),
    SLICE ("Bearer tly_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno-"),
    SLICE ("Bearer tly_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno-+"),
    SLICE ("Bearer TLY_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno-_"),
    SLICE ("Bearer something"),
    SLICE ("Bearer a.b"),
    SLICE ("Bearer a.b.c.d"),
    SLICE ("Bearer .."),
    SLICE ("Bearer a.b."),
    SLICE ("Bearer a..c"),
    SLICE ("Bearer .b.c"),
    SLICE ("Bearer a.b.c="),
    SLICE ("Bearer a.b.c d"),
    SLICE ("Basic eDp0bHlfc2hvcnQ="), /* x:tly_short */
    SLICE ("Basic dGx5X3Nob3J0Og=="), /* tly_short: */
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct credential credential;

    ck_assert_msg (ERR_UNAUTHENTICATED == read_header (&credential, cases[i]), "%.*s", SLICE_ARG (cases[i]));
    ck_assert_msg ('\0' != err.message[0], "%.*s", SLICE_ARG (cases[i]));
    ck_assert_ptr_null (strstr (err.message, "ABCDEFGHIJ"));
    ck_assert_int_eq (CREDENTIAL_NONE, credential.kind);
  }
}
END_TEST

START_TEST (refuses_headers_without_end)
{
  size_t len = 16 * 1024 + 1;
  char *text = malloc (len);
  struct credential credential;
  struct slice longest = { text, len - 1 };
  struct slice longer = { text, len };

  ck_assert_ptr_nonnull (text);
  memset (text, 'A', len);
  memcpy (text, "Bearer A.A.", 11);
  ck_assert_int_eq (ERR_OK, read_header (&credential, longest));
  ck_assert_int_eq (CREDENTIAL_JWT, credential.kind);
  ck_assert_int_eq (ERR_UNAUTHENTICATED, read_header (&credential, longer));
  err_clear (&err);
  ck_assert_int_eq (ERR_UNAUTHENTICATED, credential_read (&credential, absent, longer, absent, absent, arena, &err));
  err_clear (&err);
  ck_assert_int_eq (ERR_UNAUTHENTICATED, credential_read (&credential, absent, absent, longer, absent, arena, &err));
  free (text);
}
END_TEST

START_TEST (knows_tokens_and_cookies_by_their_sha256)
{
  struct credential credential;
  struct digest expected;

  ck_assert (digest_of (&expected, SLICE (TOKEN)));
  ck_assert_int_eq (ERR_OK, read_header (&credential, SLICE ("Bearer " TOKEN)));
  ck_assert (digest_equal (&credential.digest, &expected));
  ck_assert_int_eq (ERR_OK,
                    read_header (&credential, SLICE ("Basic OnRseV9BQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWmFiY2RlZmdo"
                                                     "aWprbG1uby1f")));
  ck_assert (digest_equal (&credential.digest, &expected));
  ck_assert (digest_of (&expected, SLICE (COOKIE)));
  ck_assert_int_eq (
      ERR_OK, credential_read (&credential, absent, SLICE ("a=b; tally_session=" COOKIE), absent, absent, arena, &err));
  ck_assert_int_eq (CREDENTIAL_SESSION, credential.kind);
  ck_assert (digest_equal (&credential.digest, &expected));
}
END_TEST

START_TEST (keys_the_digest_of_passwords)
{
  static const char *const headers[] = {
    "Basic YTpi", /* a:b */
    "Basic YTpjCg==", /* another password */
    "Basic Yzpi", /* another name */
    "Basic YWI6", /* the same characters, parted elsewhere */
    "Basic OmFi",
  };
  struct digest digests[sizeof (headers) / sizeof (headers[0])];
  struct digest plain;

  for (size_t i = 0; i < sizeof (headers) / sizeof (headers[0]); i++)
  {
    struct credential credential;

    ck_assert_int_eq (ERR_OK, read_header (&credential, slice_of (headers[i])));
    digests[i] = credential.digest;
    ck_assert_int_eq (ERR_OK, read_header (&credential, slice_of (headers[i])));
    ck_assert (digest_equal (&digests[i], &credential.digest));
    for (size_t k = 0; k < i; k++)
      ck_assert (! digest_equal (&digests[i], &digests[k]));
  }
  ck_assert (digest_of (&plain, SLICE ("a:b")));
  ck_assert (! digest_equal (&plain, &digests[0]));
}
END_TEST

START_TEST (prefers_proxy_then_authorization_then_cookie)
{
  struct credential credential;
  struct digest digest;
  const struct slice header = SLICE ("Basic YTpi");
  const struct slice cookie = SLICE ("tally_session=" COOKIE);

  ck_assert_int_eq (ERR_OK,
                    credential_read (&credential, header, cookie, SLICE ("anna"), SLICE ("ml,ops"), arena, &err));
  ck_assert_int_eq (CREDENTIAL_PROXY, credential.kind);
  ck_assert (slice_is (credential.username, "anna"));
  ck_assert (slice_is (credential.groups, "ml,ops"));
  digest = credential.digest;
  ck_assert_int_eq (ERR_OK, credential_read (&credential, absent, absent, SLICE ("anna"), SLICE ("ml"), arena, &err));
  ck_assert (! digest_equal (&digest, &credential.digest));
  ck_assert_int_eq (ERR_OK, credential_read (&credential, absent, absent, SLICE ("anna"), SLICE (""), arena, &err));
  digest = credential.digest;
  ck_assert_int_eq (ERR_OK, credential_read (&credential, absent, absent, SLICE ("anna"), absent, arena, &err));
  ck_assert_ptr_null (credential.groups.data);
  ck_assert (! digest_equal (&digest, &credential.digest));

  ck_assert_int_eq (ERR_OK, credential_read (&credential, header, cookie, SLICE (""), absent, arena, &err));
  ck_assert_int_eq (CREDENTIAL_PASSWORD, credential.kind);
  /* A wrong header is not made good by a cookie. */
  ck_assert_int_eq (ERR_UNAUTHENTICATED,
                    credential_read (&credential, SLICE ("Basic"), cookie, absent, absent, arena, &err));
  ck_assert_int_eq (ERR_OK, credential_read (&credential, absent, cookie, absent, absent, arena, &err));
  ck_assert_int_eq (CREDENTIAL_SESSION, credential.kind);
  ck_assert_int_eq (ERR_OK, credential_read (&credential, absent, absent, absent, absent, arena, &err));
  ck_assert_int_eq (CREDENTIAL_NONE, credential.kind);
  ck_assert_int_eq (ERR_UNAUTHENTICATED,
                    credential_read (&credential, absent, absent, SLICE ("an\nna"), absent, arena, &err));
}
END_TEST

START_TEST (takes_only_its_own_cookies)
{
  static const char *const headers[] = {
    "",
    "tally_session",
    "tally_session=",
    "tally_session=short",
    "tally_session=" COOKIE "x",
    "tally_session=" TOKEN,
    "tally_session=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-+",
    "tally_session=" COOKIE "; tally_session=Abcdefghijklmnopqrstuvwxyzabcdefghijklmno-_",
    "xtally_session=" COOKIE,
    "Tally_Session=" COOKIE,
  };

  for (size_t i = 0; i < sizeof (headers) / sizeof (headers[0]); i++)
  {
    struct credential credential;

    ck_assert_int_eq (ERR_OK,
                      credential_read (&credential, absent, slice_of (headers[i]), absent, absent, arena, &err));
    ck_assert_msg (CREDENTIAL_NONE == credential.kind, "%s", headers[i]);
  }
}
END_TEST

START_TEST (finds_cookies)
{
  static const struct
  {
    const char *header;
    const char *value; /* NULL: absent */
  } cases[] = {
    { "a=1", "1" },
    { "a=", "" },
    { "b=2; a=1; c=3", "1" },
    { "b=2;a=1;c=3", "1" },
    { "  a = 1", NULL },
    { "\ta=1 ;", "1" },
    { "a=\"1\"", "1" },
    { "a=\"", "\"" },
    { "a=1=2", "1=2" },
    { "a=1; a=1", "1" },
    { "a=1; a=2", NULL },
    { "a=1; a=2; a=1", NULL },
    { "a=1; b; a=2", NULL },
    { "A=1", NULL },
    { "a", NULL },
    { "aa=1; ba=2", NULL },
    { "b=a=1", NULL },
    { ";;;", NULL },
    { "", NULL },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice value = credential_cookie (slice_of (cases[i].header), "a");

    ck_assert_msg ((NULL == value.data) == (NULL == cases[i].value), "%s", cases[i].header);
    ck_assert_msg (slice_is (value, cases[i].value), "%s: %.*s", cases[i].header, SLICE_ARG (value));
  }
  ck_assert_ptr_null (credential_cookie (absent, "a").data);
}
END_TEST

START_TEST (makes_secrets)
{
  struct slice first;
  struct slice second;
  struct digest digest;
  struct digest expected;
  struct credential credential;
  struct arena *small = arena_new (8);

  ck_assert (credential_new (&first, &digest, CREDENTIAL_TOKEN_PREFIX, arena));
  ck_assert (credential_new (&second, &digest, CREDENTIAL_TOKEN_PREFIX, arena));
  ck_assert_uint_eq (47, first.len);
  ck_assert (! slice_equal (first, second));
  ck_assert (digest_of (&expected, second) && digest_equal (&digest, &expected));
  ck_assert_int_eq (ERR_OK,
                    read_header (&credential, slice_of (arena_printf (arena, "Bearer %.*s", SLICE_ARG (second)))));
  ck_assert_int_eq (CREDENTIAL_TOKEN, credential.kind);
  ck_assert (digest_equal (&digest, &credential.digest));

  ck_assert (credential_new (&first, &digest, "", arena));
  ck_assert_uint_eq (43, first.len);
  ck_assert_int_eq (ERR_OK, credential_read (&credential, absent,
                                             slice_of (arena_printf (arena, "tally_session=%.*s", SLICE_ARG (first))),
                                             absent, absent, arena, &err));
  ck_assert_int_eq (CREDENTIAL_SESSION, credential.kind);
  ck_assert (digest_equal (&digest, &credential.digest));

  ck_assert_ptr_nonnull (small);
  ck_assert (! credential_new (&first, &digest, "", small));
  arena_free (small);
}
END_TEST

START_TEST (makes_the_token_of_pages)
{
  struct slice token = credential_csrf_token (SLICE (COOKIE), arena);

  ck_assert_uint_eq (43, token.len);
  /* printf 'tally csrf token' | openssl dgst -sha256 -hmac COOKIE -binary | basenc --base64url */
  ck_assert_msg (slice_is (token, "VMnMKcYA2zn_JZ_K6D_VgXY1q7LiwK1YTS7lelYzmGM"), "%.*s", SLICE_ARG (token));
  ck_assert (slice_equal (token, credential_csrf_token (SLICE (COOKIE), arena)));
  ck_assert (! slice_equal (token, credential_csrf_token (SLICE ("x" COOKIE), arena)));
}
END_TEST

START_TEST (compares)
{
  ck_assert (credential_equal (SLICE ("abc"), SLICE ("abc")));
  ck_assert (! credential_equal (SLICE ("abc"), SLICE ("abd")));
  ck_assert (! credential_equal (SLICE ("abc"), SLICE ("abcd")));
  ck_assert (! credential_equal (SLICE ("abc"), SLICE ("")));
  ck_assert (credential_equal (SLICE (""), absent));
}
END_TEST

Suite *credential_suite (void);
Suite *
credential_suite (void)
{
  Suite *suite = suite_create ("credential");
  TCase *test_case = tcase_create ("credential");

  tcase_add_checked_fixture (test_case, set_up, tear_down);
  tcase_add_test (test_case, reads_every_kind);
  tcase_add_test (test_case, refuses_what_cannot_be_read);
  tcase_add_test (test_case, refuses_headers_without_end);
  tcase_add_test (test_case, knows_tokens_and_cookies_by_their_sha256);
  tcase_add_test (test_case, keys_the_digest_of_passwords);
  tcase_add_test (test_case, prefers_proxy_then_authorization_then_cookie);
  tcase_add_test (test_case, takes_only_its_own_cookies);
  tcase_add_test (test_case, finds_cookies);
  tcase_add_test (test_case, makes_secrets);
  tcase_add_test (test_case, makes_the_token_of_pages);
  tcase_add_test (test_case, compares);
  suite_add_tcase (suite, test_case);
  return suite;
}
