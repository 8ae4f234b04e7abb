/* Tests of JSON Web Tokens: those that are right, and every way to forge one that has worked somewhere. */
#include "tokens.h"

#include "access/signature.h"
#include "access/web_token.h"

#include <check.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
/* The time of the tests, in s. */
#define NOW 1700000000

static struct arena *arena;

static const struct web_token_wish bearer = {
  .issuer = { "https://login.example.com", 25 }, .audience = { "tally", 5 }, .now_s = NOW, .nonce = { NULL, 0 }
};
static const struct web_token_wish login = {
  .issuer = { "https://login.example.com", 25 }, .audience = { "tally", 5 }, .now_s = NOW, .nonce = { "n-0S6", 5 }
};

/* Claims that are fine, with something before the end. */
#define CLAIMS(more)                                                                                                   \
  "{\"iss\":\"https://login.example.com\",\"aud\":\"tally\",\"sub\":\"anna\",\"exp\":1700000100,"                      \
  "\"iat\":1699999990" more "}"

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

/* What becomes of a token when the provider's key is this; the message in `err`. */
static enum err_code
judge (struct err *err, struct slice text, const struct web_token_wish *wish, const char *pem)
{
  struct web_token token;
  int64_t expires_at_s = 0;
  enum err_code code = web_token_read (&token, text, arena, err);

  if (ERR_OK == code)
    code = web_token_check (&expires_at_s, &token, wish, err);
  if (ERR_OK == code)
    code = web_token_verify (&token, pem, arena, err);
  web_token_free (&token);
  return code;
}

static void
accept (const char *label, struct slice text, const struct web_token_wish *wish, const char *pem)
{
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == judge (&err, text, wish, pem), "%s: %s", label, err.message);
}

static void
refuse (const char *label, struct slice text, const struct web_token_wish *wish, const char *pem, const char *why)
{
  struct err err = { 0 };
  enum err_code code = judge (&err, text, wish, pem);

  ck_assert_msg (ERR_UNAUTHENTICATED == code, "%s: %s", label, err_name (code));
  ck_assert_msg (NULL != strstr (err.message, why), "%s: %s", label, err.message);
}

/* --- right ones --------------------------------------------------------------------------------------------------- */

START_TEST (takes_each_algorithm)
{
  const struct
  {
    const char *name;
    EVP_PKEY *key;
  } cases[] = { { "RS256", token_rsa },  { "RS384", token_rsa },  { "RS512", token_rsa },
                { "PS256", token_rsa },  { "PS384", token_rsa },  { "PS512", token_rsa },
                { "ES256", token_p256 }, { "ES384", token_p384 }, { "ES512", token_p521 } };
  static const char *const types[] = { "", ",\"typ\":\"JWT\"", ",\"typ\":\"jwt\"", ",\"typ\":\"at+jwt\"",
                                       ",\"typ\":\"application/at+JWT\"" };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    for (size_t k = 0; k < sizeof (types) / sizeof (types[0]); k++)
    {
      const char *header = arena_printf (arena, "{\"alg\":\"%s\",\"kid\":\"a\"%s}", cases[i].name, types[k]);
      struct slice text = token_sign (header, SLICE (CLAIMS ("")), cases[i].name, cases[i].key, arena);

      accept (header, text, &bearer, token_pem (cases[i].key, arena));
      /* Another key of the same type. */
      if (EVP_PKEY_is_a (cases[i].key, "RSA"))
        refuse (header, text, &bearer, token_pem (token_other_rsa, arena), "signature is wrong");
    }
}
END_TEST

START_TEST (reads_the_header)
{
  struct web_token token;
  struct err err = { 0 };

  ck_assert_int_eq (web_token_read (&token,
                                    token_sign ("{\"alg\":\"ES256\",\"kid\":\"k 1\",\"typ\":\"at+jwt\"}",
                                                SLICE (CLAIMS ("")), "ES256", token_p256, arena),
                                    arena, &err),
                    ERR_OK);
  ck_assert_str_eq (web_token_algorithm_name (token.algorithm), "ES256");
  ck_assert_int_eq (web_token_algorithm_key (token.algorithm), WEB_TOKEN_P256);
  ck_assert (slice_is (token.key_id, "k 1") && token.is_access);
  web_token_free (&token);
  ck_assert_int_eq (web_token_read (&token,
                                    token_sign ("{\"alg\":\"RS512\"}", SLICE (CLAIMS ("")), "RS512", token_rsa, arena),
                                    arena, &err),
                    ERR_OK);
  ck_assert (NULL == token.key_id.data && ! token.is_access);
  web_token_free (&token);
}
END_TEST

/* --- forged headers ----------------------------------------------------------------------------------------------- */

START_TEST (refuses_other_algorithms)
{
  static const char *const headers[] = {
    "{\"alg\":\"none\"}",      "{\"alg\":\"None\"}",  "{\"alg\":\"NONE\"}",   "{\"alg\":\"\"}",
    "{\"typ\":\"JWT\"}",       "{\"alg\":null}",      "{\"alg\":0}",          "{\"alg\":[\"RS256\"]}",
    "{\"alg\":{\"RS256\":1}}", "{\"alg\":\"rs256\"}", "{\"alg\":\"RS256 \"}", "{\"alg\":\"RS257\"}",
    "{\"alg\":\"ps256\"}",     "{\"alg\":\"EdDSA\"}", "{\"alg\":\"ES256K\"}", "{\"alg\":\"HS256\"}",
    "{\"alg\":\"HS384\"}",     "{\"alg\":\"HS512\"}",
  };
  const char *pem = token_pem (token_rsa, arena);

  for (size_t i = 0; i < sizeof (headers) / sizeof (headers[0]); i++)
  {
    /* The signature would be right for RS256; and there may be none at all. */
    refuse (headers[i], token_sign (headers[i], SLICE (CLAIMS ("")), "RS256", token_rsa, arena), &bearer, pem,
            "its algorithm is not one of");
    refuse (headers[i], token_join (slice_of (headers[i]), SLICE (CLAIMS ("")), SLICE (""), arena), &bearer, pem,
            "no signature");
  }
}
END_TEST

/* The public key is known to everybody: as the secret of an HMAC it proves nothing. */
START_TEST (refuses_the_public_key_as_a_secret)
{
  const char *pem = token_pem (token_rsa, arena);
  const char *jwk = token_jwk (token_rsa, "", arena);
  const char *secrets[] = { pem, jwk, arena_copy (arena, pem, strlen (pem) - 1) };
  static const char *const names[] = { "HS256", "HS384", "HS512" };

  for (size_t i = 0; i < 3; i++)
    for (size_t k = 0; k < 3; k++)
    {
      const char *header = arena_printf (arena, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", names[k]);
      struct slice first = token_encode (slice_of (header), arena);
      struct slice second = token_encode (SLICE (CLAIMS ("")), arena);
      struct slice text = slice_of (arena_printf (arena, "%.*s.%.*s", SLICE_ARG (first), SLICE_ARG (second)));
      struct slice mac = token_signature (names[k], NULL, slice_of (secrets[i]), text, arena);

      refuse (header, token_join (slice_of (header), SLICE (CLAIMS ("")), mac, arena), &bearer, pem,
              "its algorithm is not one of");
      /* And with names that are taken. */
      header = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
      refuse (header, token_join (slice_of (header), SLICE (CLAIMS ("")), mac, arena), &bearer, pem,
              "signature is wrong");
      header = "{\"alg\":\"PS256\",\"typ\":\"JWT\"}";
      refuse (header, token_join (slice_of (header), SLICE (CLAIMS ("")), mac, arena), &bearer, pem,
              "signature is wrong");
    }
}
END_TEST

/* Somebody else's key, or where to find it, comes along. */
START_TEST (refuses_keys_of_the_header)
{
  const char *jwk = token_jwk (token_other_rsa, "", arena);
  const char *headers[] = {
    arena_printf (arena, "{\"alg\":\"RS256\",\"jwk\":%s}", jwk),
    "{\"alg\":\"RS256\",\"jku\":\"https://evil.example.com/keys\"}",
    "{\"alg\":\"RS256\",\"x5u\":\"https://evil.example.com/cert\"}",
    "{\"alg\":\"RS256\",\"x5c\":[\"MIIB\"]}",
    "{\"alg\":\"RS256\",\"kid\":\"../../../../dev/null\"}",
    "{\"alg\":\"RS256\",\"kid\":\"' OR 1=1 --\"}",
  };

  for (size_t i = 0; i < sizeof (headers) / sizeof (headers[0]); i++)
    refuse (headers[i], token_sign (headers[i], SLICE (CLAIMS ("")), "RS256", token_other_rsa, arena), &bearer,
            token_pem (token_rsa, arena), "signature is wrong");
}
END_TEST

START_TEST (refuses_strange_headers)
{
  static const struct
  {
    const char *header;
    const char *why;
  } cases[] = {
    { "{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", "extensions" },
    { "{\"alg\":\"RS256\",\"crit\":[]}", "extensions" },
    { "{\"alg\":\"RS256\",\"b64\":false}", "extensions" },
    { "{\"alg\":\"RS256\",\"b64\":false,\"crit\":[\"b64\"]}", "extensions" },
    { "{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}", "type" },
    { "{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}", "type" },
    { "{\"alg\":\"RS256\",\"typ\":1}", "type" },
    { "{\"alg\":\"RS256\",\"typ\":\"\"}", "type" },
    { "{\"alg\":\"RS256\",\"kid\":7}", "name of its key" },
    { "{\"alg\":\"RS256\",\"alg\":\"none\"}", "header is not readable" },
    { "{\"alg\":\"none\",\"alg\":\"RS256\"}", "header is not readable" },
    { "{\"alg\":\"RS256\",\"kid\":\"a\\u0000b\"}", "header is not readable" },
    { "{\"alg\":\"RS256\",\"kid\":\"\xff\"}", "header is not readable" },
    { "[\"RS256\"]", "header is not readable" },
    { "\"RS256\"", "header is not readable" },
    { "", "header is not readable" },
    { "{\"alg\":\"RS256\"}x", "header is not readable" },
    { "{\"alg\":\"RS256\"", "header is not readable" },
    { "{\"alg\":\"RS256\",}", "header is not readable" },
    { "{\"alg\":\"RS256\",\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", "header is not readable" },
  };
  const char *pem = token_pem (token_rsa, arena);

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    refuse (cases[i].header, token_sign (cases[i].header, SLICE (CLAIMS ("")), "RS256", token_rsa, arena), &bearer, pem,
            cases[i].why);
}
END_TEST

/* --- forged signatures -------------------------------------------------------------------------------------------- */

START_TEST (refuses_other_signatures)
{
  static const struct slice zeros = { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                      64 };
  const char *rsa = token_pem (token_rsa, arena);
  const char *ec = token_pem (token_p256, arena);
  static const char *const types[] = { "", ",\"typ\":\"at+jwt\"" };

  for (size_t i = 0; i < 2; i++)
  {
    const char *es = arena_printf (arena, "{\"alg\":\"ES256\"%s}", types[i]);
    const char *rs = arena_printf (arena, "{\"alg\":\"RS256\"%s}", types[i]);
    const char *ps = arena_printf (arena, "{\"alg\":\"PS256\"%s}", types[i]);
    struct slice good = token_sign (es, SLICE (CLAIMS ("")), "ES256", token_p256, arena);

    accept (es, good, &bearer, ec);
    /* r = s = 0 is a solution of the equation for every key, when nobody looks. */
    refuse (es, token_join (slice_of (es), SLICE (CLAIMS ("")), zeros, arena), &bearer, ec, "signature is wrong");
    /* Half of it, and more than it. */
    refuse (es, token_join (slice_of (es), SLICE (CLAIMS ("")), (struct slice){ zeros.data, 32 }, arena), &bearer, ec,
            "signature is wrong");
    /* The longer form of another curve; another type of key; other digests; another padding. */
    refuse (es, token_sign (es, SLICE (CLAIMS ("")), "ES384", token_p384, arena), &bearer, ec, "signature is wrong");
    refuse (es, token_sign (es, SLICE (CLAIMS ("")), "RS256", token_rsa, arena), &bearer, rsa, "signature is wrong");
    refuse (es, token_sign (es, SLICE (CLAIMS ("")), "RS256", token_rsa, arena), &bearer, ec, "signature is wrong");
    refuse (rs, token_sign (rs, SLICE (CLAIMS ("")), "ES256", token_p256, arena), &bearer, ec, "signature is wrong");
    refuse (rs, token_sign (rs, SLICE (CLAIMS ("")), "RS384", token_rsa, arena), &bearer, rsa, "signature is wrong");
    refuse (rs, token_sign (rs, SLICE (CLAIMS ("")), "PS256", token_rsa, arena), &bearer, rsa, "signature is wrong");
    refuse (ps, token_sign (ps, SLICE (CLAIMS ("")), "RS256", token_rsa, arena), &bearer, rsa, "signature is wrong");
    refuse (ps, token_sign (ps, SLICE (CLAIMS ("")), "PS384", token_rsa, arena), &bearer, rsa, "signature is wrong");
    refuse (ps, token_sign (ps, SLICE (CLAIMS ("")), "ES256", token_p256, arena), &bearer, ec, "signature is wrong");
    refuse (ps, token_join (slice_of (ps), SLICE (CLAIMS ("")), zeros, arena), &bearer, rsa, "signature is wrong");
    /* What is no key. */
    refuse (ps, token_sign (ps, SLICE (CLAIMS ("")), "PS256", token_rsa, arena), &bearer, "", "signature is wrong");
    refuse (rs, token_sign (rs, SLICE (CLAIMS ("")), "RS256", token_rsa, arena), &bearer, "", "signature is wrong");
  }
}
END_TEST

/* Each character of a good token, changed: none may be without meaning. */
START_TEST (refuses_any_change)
{
  static const char *const headers[] = { "{\"alg\":\"ES256\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}" };
  const char *pem = token_pem (token_p256, arena);

  for (size_t k = 0; k < 2; k++)
  {
    struct slice good = token_sign (headers[k], SLICE (CLAIMS ("")), "ES256", token_p256, arena);
    char *text = arena_string (arena, good);
    struct slice changed = { text, good.len };

    accept ("unchanged", good, &bearer, pem);
    for (size_t i = 0; i < good.len; i++)
    {
      struct arena_mark mark = arena_mark (arena);
      struct err err = { 0 };

      text[i] = 'A' == text[i] ? 'B' : 'A';
      ck_assert_msg (ERR_UNAUTHENTICATED == judge (&err, changed, &bearer, pem), "character %zu: %s", i, err.message);
      text[i] = good.data[i];
      arena_rewind (arena, &mark);
    }
    for (size_t i = 0; i < good.len; i++)
      ck_assert_int_eq (judge (NULL, (struct slice){ good.data, i }, &bearer, pem), ERR_UNAUTHENTICATED);
  }
}
END_TEST

START_TEST (refuses_other_forms)
{
  const char *pem = token_pem (token_rsa, arena);
  struct slice good = token_sign ("{\"alg\":\"RS256\"}", SLICE (CLAIMS ("")), "RS256", token_rsa, arena);
  char *huge = arena_alloc (arena, WEB_TOKEN_MAX_BYTES + 1);
  const struct
  {
    const char *text;
    const char *why;
  } cases[] = {
    { "", "three parts" },
    { ".", "three parts" },
    { "..", "no signature" },
    { "...", "three parts" },
    { "a.b", "three parts" },
    { "a.b.c.d.e", "three parts" },
    { arena_printf (arena, "%s.x", good.data), "three parts" },
    { arena_printf (arena, "%s=", good.data), "no signature" },
    { arena_printf (arena, "%s ", good.data), "no signature" },
    { arena_printf (arena, "%s\n", good.data), "no signature" },
    { arena_printf (arena, " %s", good.data), "header is not readable" },
    { arena_printf (arena, "\xEF\xBB\xBF%s", good.data), "header is not readable" },
    { "eyJhbGciOiJSUzI1NiJ9.e30+.AAAA", "claims are not readable" },
    { "eyJhbGciOiJSUzI1NiJ9.e30=.AAAA", "claims are not readable" },
    { "eyJhbGciOiJSUzI1NiJ9..AAAA", "claims are not readable" },
    { "eyJhbGciOiJSUzI1NiJ9.bnVsbA.AAAA", "claims are not readable" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    refuse (cases[i].text, slice_of (cases[i].text), &bearer, pem, cases[i].why);
  refuse ("absent", (struct slice){ NULL, 0 }, &bearer, pem, "three parts");
  memset (huge, 'A', WEB_TOKEN_MAX_BYTES + 1);
  refuse ("huge", (struct slice){ huge, WEB_TOKEN_MAX_BYTES + 1 }, &bearer, pem, "too long");
}
END_TEST

/* --- claims ------------------------------------------------------------------------------------------------------- */

static void
refuse_claims (const char *claims, const struct web_token_wish *wish, const char *why)
{
  refuse (claims, token_sign ("{\"alg\":\"ES256\"}", slice_of (claims), "ES256", token_p256, arena), wish,
          token_pem (token_p256, arena), why);
}

static void
accept_claims (const char *claims, const struct web_token_wish *wish)
{
  accept (claims, token_sign ("{\"alg\":\"ES256\"}", slice_of (claims), "ES256", token_p256, arena), wish,
          token_pem (token_p256, arena));
}

#define ISSUER "\"iss\":\"https://login.example.com\""
#define REST "\"sub\":\"anna\",\"exp\":1700000100"

START_TEST (checks_issuer_and_audience)
{
  accept_claims ("{" ISSUER ",\"aud\":[\"tally\"]," REST "}", &bearer);
  accept_claims ("{" ISSUER ",\"aud\":[\"other\",\"tally\"]," REST "}", &bearer);
  refuse_claims ("{\"iss\":\"https://login.example.com/\",\"aud\":\"tally\"," REST "}", &bearer, "another issuer");
  refuse_claims ("{\"iss\":\"https://LOGIN.example.com\",\"aud\":\"tally\"," REST "}", &bearer, "another issuer");
  refuse_claims ("{\"iss\":[\"https://login.example.com\"],\"aud\":\"tally\"," REST "}", &bearer, "another issuer");
  refuse_claims ("{\"iss\":\"\",\"aud\":\"tally\"," REST "}", &bearer, "another issuer");
  refuse_claims ("{\"aud\":\"tally\"," REST "}", &bearer, "another issuer");
  refuse_claims ("{" ISSUER "," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":\"other\"," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":\"tall\"," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":\"tally2\"," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":[]," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":[\"other\"]," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":[[\"tally\"]]," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":[\"tally\",1]," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":{\"tally\":true}," REST "}", &bearer, "another audience");
  refuse_claims ("{" ISSUER ",\"aud\":null," REST "}", &bearer, "another audience");
}
END_TEST

START_TEST (checks_the_subject)
{
  char long_subject[300];

  refuse_claims ("{" ISSUER ",\"aud\":\"tally\",\"exp\":1700000100}", &bearer, "no subject");
  refuse_claims ("{" ISSUER ",\"aud\":\"tally\",\"exp\":1700000100,\"sub\":\"\"}", &bearer, "no subject");
  refuse_claims ("{" ISSUER ",\"aud\":\"tally\",\"exp\":1700000100,\"sub\":7}", &bearer, "no subject");
  refuse_claims ("{" ISSUER ",\"aud\":\"tally\",\"exp\":1700000100,\"sub\":\"a\\u0000\"}", &bearer, "not readable");
  memset (long_subject, 'x', 256);
  long_subject[256] = '\0';
  refuse_claims (arena_printf (arena, "{" ISSUER ",\"aud\":\"tally\",\"exp\":1700000100,\"sub\":\"%s\"}", long_subject),
                 &bearer, "no subject");
  refuse_claims (CLAIMS (",\"events\":{}"), &bearer, "reports an event");
  refuse_claims (CLAIMS (",\"sub\":\"root\""), &bearer, "not readable");
}
END_TEST

#define WHO ISSUER ",\"aud\":\"tally\",\"sub\":\"anna\""

START_TEST (checks_times)
{
  static const struct
  {
    const char *claims;
    const char *why; /* NULL: fine */
  } cases[] = {
    { "{" WHO ",\"exp\":1700000000}", NULL },
    { "{" WHO ",\"exp\":1700000100.75}", NULL },
    { "{" WHO ",\"exp\":1699999941}", NULL }, /* 59 s ago */
    { "{" WHO ",\"exp\":1699999940}", "expired" },
    { "{" WHO ",\"exp\":1699999939.999}", "expired" },
    { "{" WHO ",\"exp\":0}", "expired" },
    { "{" WHO ",\"exp\":-1}", "expired" },
    { "{" WHO "}", "no exp" },
    { "{" WHO ",\"exp\":\"1700000100\"}", "exp is not a time" },
    { "{" WHO ",\"exp\":null}", "exp is not a time" },
    { "{" WHO ",\"exp\":true}", "exp is not a time" },
    { "{" WHO ",\"exp\":[1700000100]}", "exp is not a time" },
    { "{" WHO ",\"exp\":1e300}", "exp is not a time" },
    { "{" WHO ",\"exp\":9223372036854775807}", "exp is not a time" },
    { "{" WHO ",\"exp\":9223372036854775808}", "not readable" },
    { "{" WHO ",\"exp\":1e400}", "not readable" },
    { "{" WHO ",\"exp\":1700000100,\"nbf\":1700000060}", NULL },
    { "{" WHO ",\"exp\":1700000100,\"nbf\":1700000061}", "not valid yet" },
    { "{" WHO ",\"exp\":1700000100,\"nbf\":\"0\"}", "nbf is not a time" },
    { "{" WHO ",\"exp\":1700000100,\"iat\":1700000060}", NULL },
    { "{" WHO ",\"exp\":1700000100,\"iat\":1700000061}", "in the future" },
    { "{" WHO ",\"exp\":1700000100,\"iat\":{}}", "iat is not a time" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    if (NULL == cases[i].why)
      accept_claims (cases[i].claims, &bearer);
    else
      refuse_claims (cases[i].claims, &bearer, cases[i].why);
}
END_TEST

START_TEST (tells_when_it_ends)
{
  struct web_token token;
  int64_t expires_at_s = 0;

  ck_assert_int_eq (web_token_read (&token,
                                    token_sign ("{\"alg\":\"ES256\"}", SLICE ("{" WHO ",\"exp\":1700000100}"), "ES256",
                                                token_p256, arena),
                                    arena, NULL),
                    ERR_OK);
  ck_assert_int_eq (web_token_check (&expires_at_s, &token, &bearer, NULL), ERR_OK);
  ck_assert_int_eq (expires_at_s, 1700000160);
  web_token_free (&token);
}
END_TEST

START_TEST (checks_identity_tokens)
{
  accept_claims (CLAIMS (",\"nonce\":\"n-0S6\""), &login);
  accept_claims (CLAIMS (",\"nonce\":\"n-0S6\",\"azp\":\"tally\""), &login);
  refuse_claims (CLAIMS (""), &login, "another login");
  refuse_claims (CLAIMS (",\"nonce\":\"n-0S7\""), &login, "another login");
  refuse_claims (CLAIMS (",\"nonce\":[\"n-0S6\"]"), &login, "another login");
  refuse_claims (CLAIMS (",\"nonce\":\"n-0S6\",\"azp\":\"other\""), &login, "another client");
  refuse_claims ("{" ISSUER ",\"aud\":[\"tally\",\"x\"],\"iat\":1700000000,\"nonce\":\"n-0S6\"," REST "}", &login,
                 "another client");
  accept_claims ("{" ISSUER ",\"aud\":[\"tally\",\"x\"],\"azp\":\"tally\",\"iat\":1700000000,\"nonce\":\"n-0S6\"," REST
                 "}",
                 &login);
  refuse_claims ("{" WHO ",\"exp\":1700000100,\"nonce\":\"n-0S6\"}", &login, "no iat");
  refuse ("access token",
          token_sign ("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", SLICE (CLAIMS (",\"nonce\":\"n-0S6\"")), "ES256",
                      token_p256, arena),
          &login, token_pem (token_p256, arena), "access token");
}
END_TEST

/* Nested junk must neither pass nor take the stack. */
START_TEST (refuses_deep_claims)
{
  char *claims = arena_alloc (arena, 40000);

  memset (claims, '[', 20000);
  memset (claims + 20000, ']', 20000);
  refuse ("arrays", token_sign ("{\"alg\":\"ES256\"}", (struct slice){ claims, 40000 }, "ES256", token_p256, arena),
          &bearer, token_pem (token_p256, arena), "not readable");
  refuse ("arrays without end",
          token_sign ("{\"alg\":\"ES256\"}", (struct slice){ claims, 20000 }, "ES256", token_p256, arena), &bearer,
          token_pem (token_p256, arena), "not readable");
  accept_claims (CLAIMS (",\"x\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]]"), &bearer);
  refuse_claims (CLAIMS (",\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]"), &bearer, "not readable");
}
END_TEST

/* Both ways to verify say the same of the same token. */
START_TEST (agrees_with_libjwt)
{
  const struct
  {
    const char *name;
    EVP_PKEY *key;
  } cases[] = { { "RS256", token_rsa },  { "RS384", token_rsa },  { "RS512", token_rsa },
                { "PS256", token_rsa },  { "PS384", token_rsa },  { "PS512", token_rsa },
                { "ES256", token_p256 }, { "ES384", token_p384 }, { "ES512", token_p521 } };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    for (size_t k = 0; k < sizeof (cases) / sizeof (cases[0]); k++)
    {
      const char *header = arena_printf (arena, "{\"alg\":\"%s\"}", cases[i].name);
      const char *pem = token_pem (cases[i].key, arena);
      struct slice text = token_sign (header, SLICE (CLAIMS ("")), cases[k].name, cases[k].key, arena);
      struct web_token token;
      enum err_code usual;

      ck_assert_int_eq (web_token_read (&token, text, arena, NULL), ERR_OK);
      usual = web_token_verify (&token, pem, arena, NULL);
      ck_assert_int_eq (usual, i == k ? ERR_OK : ERR_UNAUTHENTICATED);
      token.is_access = true;
      ck_assert_int_eq (web_token_verify (&token, pem, arena, NULL), usual);
      web_token_free (&token);
    }
}
END_TEST

Suite *web_token_suite (void);

Suite *
web_token_suite (void)
{
  Suite *suite = suite_create ("web_token");
  TCase *tokens = tcase_create ("tokens");

  tcase_add_unchecked_fixture (tokens, tokens_set_up, tokens_tear_down);
  tcase_add_checked_fixture (tokens, set_up, tear_down);
  tcase_set_timeout (tokens, 60);
  tcase_add_test (tokens, takes_each_algorithm);
  tcase_add_test (tokens, reads_the_header);
  tcase_add_test (tokens, refuses_other_algorithms);
  tcase_add_test (tokens, refuses_the_public_key_as_a_secret);
  tcase_add_test (tokens, refuses_keys_of_the_header);
  tcase_add_test (tokens, refuses_strange_headers);
  tcase_add_test (tokens, refuses_other_signatures);
  tcase_add_test (tokens, refuses_any_change);
  tcase_add_test (tokens, refuses_other_forms);
  tcase_add_test (tokens, checks_issuer_and_audience);
  tcase_add_test (tokens, checks_the_subject);
  tcase_add_test (tokens, checks_times);
  tcase_add_test (tokens, tells_when_it_ends);
  tcase_add_test (tokens, checks_identity_tokens);
  tcase_add_test (tokens, refuses_deep_claims);
  tcase_add_test (tokens, agrees_with_libjwt);
  suite_add_tcase (suite, tokens);
  return suite;
}
