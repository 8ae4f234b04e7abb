/* Tests of key sets: which keys are taken, and which of them a token gets. */
#include "tokens.h"

#include "access/key_set.h"

#include <check.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

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

static const struct web_token_algorithm *
named (const char *name)
{
  return web_token_algorithm (slice_of (name));
}

static struct key_set *
read_set (const char *keys)
{
  struct key_set *set = NULL;
  struct err err = { 0 };
  const char *json = arena_printf (arena, "{\"keys\":[%s]}", keys);
  enum err_code code = key_set_read (&set, slice_of (json), arena, &err);

  ck_assert_msg (ERR_OK == code, "%s: %s", err.message, err.cause);
  return set;
}

START_TEST (makes_pem_of_keys)
{
  EVP_PKEY *keys[] = { token_rsa, token_p256, token_p384, token_p521 };
  static const char *const names[] = { "RS256", "ES256", "ES384", "ES512" };

  for (size_t i = 0; i < 4; i++)
  {
    struct key_set *set = read_set (token_jwk (keys[i], ",\"kid\":\"a\",\"use\":\"sig\"", arena));

    ck_assert_uint_eq (key_set_count (set), 1);
    ck_assert_str_eq (key_set_find (set, named (names[i]), SLICE ("a")), token_pem (keys[i], arena));
    key_set_free (set);
  }
}
END_TEST

START_TEST (finds_keys)
{
  struct key_set *set =
      read_set (arena_printf (arena, "%s,%s,%s,%s,%s", token_jwk (token_rsa, ",\"kid\":\"one\"", arena),
                              token_jwk (token_other_rsa, ",\"kid\":\"two\",\"alg\":\"RS512\"", arena),
                              token_jwk (token_p256, ",\"kid\":\"one\"", arena), token_jwk (token_p384, "", arena),
                              token_jwk (token_p521, ",\"kid\":\"\"", arena)));
  const struct slice none = { NULL, 0 };
  const char *rsa = token_pem (token_rsa, arena);

  ck_assert_uint_eq (key_set_count (set), 5);
  ck_assert_str_eq (key_set_find (set, named ("RS256"), SLICE ("one")), rsa);
  ck_assert_str_eq (key_set_find (set, named ("RS512"), SLICE ("one")), rsa);
  /* One name, two types. */
  ck_assert_str_eq (key_set_find (set, named ("ES256"), SLICE ("one")), token_pem (token_p256, arena));
  ck_assert_ptr_null (key_set_find (set, named ("ES384"), SLICE ("one")));
  /* A key that is for one algorithm only. */
  ck_assert_str_eq (key_set_find (set, named ("RS512"), SLICE ("two")), token_pem (token_other_rsa, arena));
  ck_assert_ptr_null (key_set_find (set, named ("RS256"), SLICE ("two")));
  ck_assert_ptr_null (key_set_find (set, named ("PS512"), SLICE ("two")));
  /* A key that says nothing verifies both paddings. */
  ck_assert_str_eq (key_set_find (set, named ("PS256"), SLICE ("one")), rsa);
  /* Unknown names, and names that only begin alike. */
  ck_assert_ptr_null (key_set_find (set, named ("RS256"), SLICE ("three")));
  ck_assert_ptr_null (key_set_find (set, named ("RS256"), SLICE ("on")));
  ck_assert_ptr_null (key_set_find (set, named ("RS256"), SLICE ("one ")));
  ck_assert_ptr_null (key_set_find (set, named ("RS256"), SLICE ("")));
  ck_assert_str_eq (key_set_find (set, named ("ES512"), SLICE ("")), token_pem (token_p521, arena));
  /* Without a name when there is no doubt: one key fits RS256, two fit RS512. */
  ck_assert_str_eq (key_set_find (set, named ("RS256"), none), rsa);
  ck_assert_ptr_null (key_set_find (set, named ("RS512"), none));
  ck_assert_str_eq (key_set_find (set, named ("ES384"), none), token_pem (token_p384, arena));
  key_set_free (set);
}
END_TEST

/* Beside a key that is fine, each of these is passed over. */
START_TEST (passes_over_other_keys)
{
  const char *good = token_jwk (token_p384, ",\"kid\":\"good\"", arena);
  const char *p256 = token_jwk (token_p256, "", arena);
  char *off_curve = arena_copy (arena, p256, strlen (p256));
  const char *cases[] = {
    token_jwk (token_rsa, ",\"kid\":\"x\",\"use\":\"enc\"", arena),
    token_jwk (token_rsa, ",\"kid\":\"x\",\"use\":1", arena),
    token_jwk (token_rsa, ",\"kid\":\"x\",\"key_ops\":[\"sign\"]", arena),
    token_jwk (token_rsa, ",\"kid\":\"x\",\"key_ops\":\"verify\"", arena),
    token_jwk (token_rsa, ",\"kid\":\"x\",\"alg\":\"HS256\"", arena),
    token_jwk (token_rsa, ",\"kid\":\"x\",\"alg\":\"RSA-OAEP\"", arena),
    token_jwk (token_rsa, ",\"kid\":\"x\",\"alg\":\"ES256\"", arena),
    token_jwk (token_rsa, ",\"kid\":\"x\",\"alg\":7", arena),
    token_jwk (token_rsa, ",\"kid\":1", arena),
    token_jwk (token_small_rsa, ",\"kid\":\"x\"", arena),
    "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"kid\":\"x\"}",
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"kid\":\"x\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256K\",\"x\":\"AA\",\"y\":\"AA\",\"kid\":\"x\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"x\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"kid\":\"x\"}",
    "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"kid\":\"x\"}",
    "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\",\"kid\":\"x\"}",
    "{\"kty\":\"RSA\",\"kid\":\"x\"}",
    "{\"kty\":7}",
    "{}",
    "7",
    "null",
    "[]",
    off_curve,
  };

  /* A point beside the curve. */
  strstr (off_curve, "\"x\":\"")[8] = 'A' == strstr (off_curve, "\"x\":\"")[8] ? 'B' : 'A';
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct key_set *set = read_set (arena_printf (arena, "%s,%s", cases[i], good));

    ck_assert_msg (1 == key_set_count (set), "%s", cases[i]);
    ck_assert_ptr_nonnull (key_set_find (set, named ("ES384"), SLICE ("good")));
    key_set_free (set);
  }
}
END_TEST

START_TEST (bounds_their_number)
{
  const char *key = token_jwk (token_p256, ",\"kid\":\"k\"", arena);
  const char *keys = key;
  struct key_set *set;

  for (int i = 0; i < 99; i++)
    keys = arena_printf (arena, "%s,%s", keys, key);
  set = read_set (keys);
  ck_assert_uint_eq (key_set_count (set), 64);
  key_set_free (set);
}
END_TEST

START_TEST (refuses_what_is_no_set)
{
  static const char *const cases[] = {
    "",
    "null",
    "[]",
    "{}",
    "{\"keys\":{}}",
    "{\"keys\":null}",
    "{\"keys\":[]}",
    "{\"keys\":[{}]}",
    "{\"keys\":[],\"keys\":[]}",
    "{\"keys\":[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]}",
    "<html>",
    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct key_set *set = NULL;
    struct err err = { 0 };

    ck_assert_msg (ERR_TEMPORARILY_UNAVAILABLE == key_set_read (&set, slice_of (cases[i]), arena, &err), "%s",
                   cases[i]);
    ck_assert_ptr_null (set);
    ck_assert_str_ne (err.cause, "");
    ck_assert_uint_gt (err.retry_after_s, 0);
  }
  key_set_free (NULL);
}
END_TEST

Suite *key_set_suite (void);

Suite *
key_set_suite (void)
{
  Suite *suite = suite_create ("key_set");
  TCase *sets = tcase_create ("sets");

  tcase_add_unchecked_fixture (sets, tokens_set_up, tokens_tear_down);
  tcase_add_checked_fixture (sets, set_up, tear_down);
  tcase_set_timeout (sets, 60);
  tcase_add_test (sets, makes_pem_of_keys);
  tcase_add_test (sets, finds_keys);
  tcase_add_test (sets, passes_over_other_keys);
  tcase_add_test (sets, bounds_their_number);
  tcase_add_test (sets, refuses_what_is_no_set);
  suite_add_tcase (suite, sets);
  return suite;
}
