/* Tests of what a provider says of itself, of addresses that may be asked, of base64 for URLs, and of where a browser
   may go after a login. */
#include "access/discovery.h"
#include "api/login_oidc.h"
#include "base/base64url.h"

#include <check.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)1024 * 1024)

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

/* --- addresses ---------------------------------------------------------------------------------------------------- */

START_TEST (judges_addresses)
{
  static const struct
  {
    const char *url;
    bool valid; /* of an issuer elsewhere */
    bool plain; /* of one on loopback */
    bool loopback;
  } cases[] = {
    { "https://login.example.com", true, true, false },
    { "https://login.example.com/realms/a?x=y", true, true, false },
    { "HTTPS://login.example.com:8443/", true, true, false },
    { "https://127.0.0.1:8443/", true, true, true },
    { "http://127.0.0.1:8080/a", false, true, true },
    { "http://127.255.1.2", false, true, true },
    { "http://localhost", false, true, true },
    { "http://LocalHost:80/", false, true, true },
    { "http://[::1]:80/", false, true, true },
    { "http://login.example.com", false, false, false },
    { "http://localhost.example.com/", false, false, false },
    { "http://127.0.0.1.example.com/", false, false, false },
    { "http://127.example.com/", false, false, false },
    { "http://[::2]/", false, false, false },
    { "http://127.0.0.1@example.com/", false, false, false },
    { "https://user:secret@login.example.com/", false, false, false },
    { "https://", false, false, false },
    { "https:///path", false, false, false },
    { "https://:80/", false, false, false },
    { "https://[::1", false, false, false },
    { "https://a#b", false, false, false },
    { "https://a\\b", false, false, false },
    { "https://a b", false, false, false },
    { "https://a\n", false, false, false },
    { "https://\xC3\xA9.example.com", false, false, false },
    { "ftp://login.example.com", false, false, false },
    { "file:///etc/passwd", false, false, false },
    { "//login.example.com", false, false, false },
    { "login.example.com", false, false, false },
    { "", false, false, false },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    bool loopback = false;

    ck_assert_msg (discovery_url_valid (NULL, slice_of (cases[i].url), false) == cases[i].valid, "%s", cases[i].url);
    ck_assert_msg (discovery_url_valid (&loopback, slice_of (cases[i].url), true) == cases[i].plain, "%s",
                   cases[i].url);
    if (cases[i].plain)
      ck_assert_msg (loopback == cases[i].loopback, "%s", cases[i].url);
  }
}
END_TEST

START_TEST (finds_the_document)
{
  ck_assert_str_eq (discovery_url (SLICE ("https://a"), arena), "https://a/.well-known/openid-configuration");
  ck_assert_str_eq (discovery_url (SLICE ("https://a/b/"), arena), "https://a/b/.well-known/openid-configuration");
}
END_TEST

/* --- documents ---------------------------------------------------------------------------------------------------- */

#define DOCUMENT(issuer, token, more)                                                                                  \
  "{\"issuer\":\"" issuer "\",\"authorization_endpoint\":\"https://a/auth\",\"token_endpoint\":\"" token               \
  "\",\"jwks_uri\":\"https://a/keys\"" more "}"

static enum err_code
read_document (struct discovery *discovery, struct err *err, const char *json, bool may_be_plain)
{
  return discovery_read (discovery, slice_of (json), SLICE ("https://a"), may_be_plain, arena, err);
}

START_TEST (reads_documents)
{
  struct discovery discovery;
  struct err err = { 0 };

  ck_assert_int_eq (read_document (&discovery, &err, DOCUMENT ("https://a", "https://a/token", ""), false), ERR_OK);
  ck_assert_str_eq (discovery.authorization, "https://a/auth");
  ck_assert_str_eq (discovery.token, "https://a/token");
  ck_assert_str_eq (discovery.keys, "https://a/keys");
  ck_assert_ptr_null (discovery.user_info);
  ck_assert (discovery.takes_basic && ! discovery.names_issuer);
  ck_assert_int_eq (
      read_document (&discovery, &err,
                     DOCUMENT ("https://a", "https://b/token",
                               ",\"userinfo_endpoint\":\"https://a/me\",\"token_endpoint_auth_methods_supported\":[1,"
                               "\"client_secret_post\"],\"authorization_response_iss_parameter_supported\":true"),
                     false),
      ERR_OK);
  ck_assert_str_eq (discovery.token, "https://b/token");
  ck_assert_str_eq (discovery.user_info, "https://a/me");
  ck_assert (! discovery.takes_basic && discovery.names_issuer);
  ck_assert_int_eq (read_document (&discovery, &err,
                                   DOCUMENT ("https://a", "https://b/token",
                                             ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\","
                                             "\"client_secret_basic\"]"),
                                   false),
                    ERR_OK);
  ck_assert (discovery.takes_basic);
  ck_assert_int_eq (read_document (&discovery, &err, DOCUMENT ("https://a", "http://127.0.0.1/token", ""), true),
                    ERR_OK);
}
END_TEST

START_TEST (refuses_documents)
{
  static const struct
  {
    const char *json;
    const char *why;
  } cases[] = {
    { "", "not a JSON object" },
    { "[]", "not a JSON object" },
    { "{\"issuer\":\"https://a\",\"issuer\":\"https://a\"}", "not a JSON object" },
    { DOCUMENT ("https://a/", "https://a/token", ""), "issuer" },
    { DOCUMENT ("https://A", "https://a/token", ""), "issuer" },
    { DOCUMENT ("", "https://a/token", ""), "issuer" },
    { "{\"authorization_endpoint\":\"https://a/auth\"}", "issuer" },
    { "{\"issuer\":\"https://a\",\"token_endpoint\":\"https://a/token\",\"jwks_uri\":\"https://a/keys\"}",
      "authorization_endpoint" },
    { DOCUMENT ("https://a", "http://a/token", ""), "token_endpoint" },
    { DOCUMENT ("https://a", "http://127.0.0.1/token", ""), "token_endpoint" },
    { DOCUMENT ("https://a", "file:///etc/passwd", ""), "token_endpoint" },
    { DOCUMENT ("https://a", "https://a/token", ",\"userinfo_endpoint\":7"), "userinfo_endpoint" },
    { "{\"issuer\":\"https://a\",\"authorization_endpoint\":\"https://a/auth\",\"token_endpoint\":\"https://a/token\","
      "\"jwks_uri\":[]}",
      "jwks_uri" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct discovery discovery;
    struct err err = { 0 };

    ck_assert_msg (ERR_TEMPORARILY_UNAVAILABLE == read_document (&discovery, &err, cases[i].json, false), "%s",
                   cases[i].json);
    ck_assert_msg (NULL != strstr (err.cause, cases[i].why), "%s: %s", cases[i].json, err.cause);
  }
}
END_TEST

/* --- base64 for URLs ---------------------------------------------------------------------------------------------- */

START_TEST (decodes_base64url)
{
  static const struct
  {
    const char *text;
    struct slice bytes; /* absent: it is none */
  } cases[] = {
    { "", { "", 0 } },        { "AA", { "\0", 1 } },       { "_w", { "\xff", 1 } },     { "-_8", { "\xfb\xff", 2 } },
    { "Zm9v", { "foo", 3 } }, { "Zm9vYg", { "foob", 4 } }, { "A", { NULL, 0 } },        { "AAAAA", { NULL, 0 } },
    { "AB", { NULL, 0 } },    { "AAB", { NULL, 0 } },      { "AA==", { NULL, 0 } },     { "+w", { NULL, 0 } },
    { "/w", { NULL, 0 } },    { "A A", { NULL, 0 } },      { "\xff\xff", { NULL, 0 } }, { "Zm9\n", { NULL, 0 } },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct slice bytes = { NULL, 0 };
    struct slice text = slice_of (cases[i].text);

    ck_assert_msg (base64url_valid (text) == (NULL != cases[i].bytes.data), "%s", cases[i].text);
    ck_assert_msg (base64url_decode (&bytes, text, arena) == (NULL != cases[i].bytes.data), "%s", cases[i].text);
    ck_assert_msg (slice_equal (bytes, cases[i].bytes), "%s", cases[i].text);
  }
  ck_assert (! base64url_valid ((struct slice){ "A\0", 2 }));
}
END_TEST

/* --- after a login ------------------------------------------------------------------------------------------------ */

START_TEST (stays_here)
{
  static const char *const here[] = { "/",     "/#/runs/1",          "/mlflow/", "/a?b=c#d",
                                      "/a//b", "/%2F%2Fexample.com", "/@a",      "/:80" };
  static const char *const elsewhere[] = {
    "",
    "//example.com",
    "///example.com",
    "/\\example.com",
    "\\\\example.com",
    "/a\\b",
    "/\t/example.com",
    "/\n/example.com",
    "/\r\nSet-Cookie: a=b",
    " /",
    "/ ",
    "\t//example.com",
    "https://example.com",
    "https:/example.com",
    "javascript:alert(1)",
    "data:text/html,x",
    "example.com",
    "#/runs",
    "?a",
    ".",
    "../a",
    "/\xE2\x80\xAE",
    "/\x7F",
  };
  char *long_path = arena_alloc (arena, 8194);

  for (size_t i = 0; i < sizeof (here) / sizeof (here[0]); i++)
    ck_assert_msg (login_oidc_is_local (slice_of (here[i])), "%s", here[i]);
  for (size_t i = 0; i < sizeof (elsewhere) / sizeof (elsewhere[0]); i++)
    ck_assert_msg (! login_oidc_is_local (slice_of (elsewhere[i])), "%s", elsewhere[i]);
  ck_assert (! login_oidc_is_local ((struct slice){ NULL, 0 }));
  memset (long_path, '/', 1);
  memset (long_path + 1, 'a', 8192);
  ck_assert (login_oidc_is_local ((struct slice){ long_path, 8192 }));
  ck_assert (! login_oidc_is_local ((struct slice){ long_path, 8193 }));
}
END_TEST

Suite *discovery_suite (void);

Suite *
discovery_suite (void)
{
  Suite *suite = suite_create ("discovery");
  TCase *texts = tcase_create ("texts");

  tcase_add_checked_fixture (texts, set_up, tear_down);
  tcase_add_test (texts, judges_addresses);
  tcase_add_test (texts, finds_the_document);
  tcase_add_test (texts, reads_documents);
  tcase_add_test (texts, refuses_documents);
  tcase_add_test (texts, decodes_base64url);
  tcase_add_test (texts, stays_here);
  suite_add_tcase (suite, texts);
  return suite;
}
