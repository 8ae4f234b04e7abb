/* Tests of the Host and Origin checks: what passes by itself, what the settings let pass, and tricks. */
#include "http/guard.h"

#include <check.h>

#define HOST_MESSAGE                                                                                                   \
  "Invalid Host header - possible DNS rebinding attack detected. If the name is this server's, add it to the setting " \
  "allowed-hosts."
#define ORIGIN_MESSAGE                                                                                                 \
  "Cross-origin request blocked. If pages of that origin may change state here, add it to the setting "                \
  "allowed-origins."

static const struct
{
  const char *host;
  const char *allowed;
  bool passes;
} hosts[] = {
  /* Loopback. */
  { "localhost", "", true },
  { "LocalHost", "", true },
  { "localhost:5000", "", true },
  { "127.0.0.1", "", true },
  { "127.0.0.1:5000", "", true },
  { "127.255.255.255", "", true },
  { "[::1]", "", true },
  { "[::1]:5000", "", true },
  { "[0:0:0:0:0:0:0:1]:1", "", true },
  /* Private addresses. */
  { "10.0.0.0", "", true },
  { "10.255.255.255:80", "", true },
  { "172.16.0.1", "", true },
  { "172.31.255.255", "", true },
  { "192.168.0.1", "", true },
  { "[fc00::1]", "", true },
  { "[fdff::1]:5000", "", true },
  /* Just outside of them. */
  { "126.255.255.255", "", false },
  { "128.0.0.1", "", false },
  { "9.255.255.255", "", false },
  { "11.0.0.0", "", false },
  { "172.15.255.255", "", false },
  { "172.32.0.0", "", false },
  { "192.167.255.255", "", false },
  { "192.169.0.0", "", false },
  { "169.254.169.254", "", false },
  { "0.0.0.0", "", false },
  { "[::]", "", false },
  { "[::2]", "", false },
  { "[fbff::1]", "", false },
  { "[fe00::1]", "", false },
  { "[2001:db8::1]", "", false },
  { "8.8.8.8", "", false },
  /* Names. */
  { "", "", false },
  { "example.org", "", false },
  { "evil.example", "tally.example", false },
  { "tally.example", "tally.example", true },
  { "TALLY.Example:5000", "tally.example", true },
  { "tally.example", "other.example, tally.example ,third", true },
  { "tally.example:81", "tally.example:81", true },
  { "tally.example:82", "tally.example:81", false },
  { "[2001:db8::1]:80", "2001:db8::1", true },
  { "[2001:db8::1]:80", "[2001:db8::1]:80", true },
  { "a.example", "*", true },
  { "", "*", false },
  { "a.tally.example", "*.tally.example", true },
  { "a.b.tally.example:5000", "*.tally.example", true },
  { "A.TALLY.EXAMPLE", "*.tally.example", true },
  { "tally.example", "*.tally.example", false },
  { ".tally.example", "*.tally.example", false },
  { "eviltally.example", "*.tally.example", false },
  { "a.tally.example.evil", "*.tally.example", false },
  { "tally.example", "tally.exampl", false },
  { "tally.exampl", "tally.example", false },
  { "tally.example.", "tally.example", false },
  { "x", ",, ,", false },
  { "x", "*.", false },
  { "x", "*x", false },
  /* What only looks like a name that passes. */
  { "localhost.evil.example", "", false },
  { "localhost.", "", false },
  { "evil.localhost", "", false },
  { "localhostx", "", false },
  { "127.0.0.1.evil.example", "", false },
  { "127.1", "", false },
  { "2130706433", "", false },
  { "0x7f000001", "", false },
  { "0177.0.0.1", "", false },
  { "127.0.0.1@evil.example", "", false },
  { "localhost@evil.example", "", false },
  { "localhost evil.example", "", false },
  { "localhost,evil.example", "", false },
  { " localhost", "", false },
  { "10.evil.example", "", false },
  { "192.168.0.1.evil.example", "", false },
  { "::1", "", false },
  { "[::1", "", false },
  { "[::1]evil.example", "", false },
  { "[::1].evil.example", "", false },
  { "[]", "", false },
  { "[", "", false },
  { ":", "", false },
  { ":5000", "", false },
  { "[::ffff:8.8.8.8]", "", false },
  { "http://localhost", "", false },
};

START_TEST (judges_hosts)
{
  for (size_t i = 0; i < sizeof (hosts) / sizeof (hosts[0]); i++)
  {
    struct err err = { 0 };
    enum err_code code = guard_check_host (slice_of (hosts[i].host), hosts[i].allowed, &err);

    ck_assert_msg (code == (hosts[i].passes ? ERR_OK : ERR_PERMISSION_DENIED), "'%s' with '%s'", hosts[i].host,
                   hosts[i].allowed);
    ck_assert_str_eq (err.message, hosts[i].passes ? "" : HOST_MESSAGE);
  }
}
END_TEST

/* What stands behind the colon must be a port: otherwise the name in front of it is not the host. */
START_TEST (judges_ports)
{
  static const char *const cases[] = { "localhost:80@evil.example",
                                       "127.0.0.1:@evil.example",
                                       "localhost:evil.example",
                                       "localhost:80:80",
                                       "[::1]:80@evil.example",
                                       "[::1]:x",
                                       "localhost:-1" };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_msg (ERR_PERMISSION_DENIED == guard_check_host (slice_of (cases[i]), "", NULL), "%s", cases[i]);
}
END_TEST

START_TEST (refuses_absent_and_endless_hosts)
{
  static char text[70000];

  ck_assert_int_eq (guard_check_host ((struct slice){ NULL, 0 }, "", NULL), ERR_PERMISSION_DENIED);
  memset (text, 'a', sizeof (text));
  ck_assert_int_eq (guard_check_host ((struct slice){ text, sizeof (text) }, "", NULL), ERR_PERMISSION_DENIED);
  memcpy (text, "localhost:", 10);
  ck_assert_int_eq (guard_check_host ((struct slice){ text, sizeof (text) }, "", NULL), ERR_PERMISSION_DENIED);
  memset (text, '[', sizeof (text));
  ck_assert_int_eq (guard_check_host ((struct slice){ text, sizeof (text) }, "", NULL), ERR_PERMISSION_DENIED);
}
END_TEST

static const struct
{
  const char *origin;
  const char *host;
  const char *allowed;
  bool passes;
} origins[] = {
  /* None. */
  { "", "tally.example", "", true },
  { NULL, "tally.example", "", true },
  /* Loopback, any port and scheme. */
  { "http://localhost", "tally.example", "", true },
  { "http://localhost:3000", "tally.example", "", true },
  { "https://127.0.0.1:3000", "tally.example", "", true },
  { "HTTP://LOCALHOST:3000", "tally.example", "", true },
  { "http://[::1]:3000", "tally.example", "", true },
  /* The server's own. */
  { "http://tally.example", "tally.example", "", true },
  { "https://tally.example", "tally.example", "", true },
  { "http://tally.example:5000", "tally.example:5000", "", true },
  { "http://Tally.Example:5000", "tally.example:5000", "", true },
  { "http://tally.example:5001", "tally.example:5000", "", false },
  { "http://tally.example", "tally.example:5000", "", false },
  { "http://10.0.0.5:5000", "10.0.0.5:5000", "", true },
  /* Others: a private address is no friend by itself. */
  { "http://10.0.0.5:5000", "10.0.0.6:5000", "", false },
  { "http://192.168.0.1", "tally.example", "", false },
  { "http://evil.example", "tally.example", "", false },
  { "http://evil.example", "", "", false },
  { "http://", "", "", false },
  { "null", "tally.example", "", false },
  { "null", "null", "", false },
  { "file://", "tally.example", "", false },
  { "ftp://localhost", "tally.example", "", false },
  { "localhost", "tally.example", "", false },
  { "tally.example", "tally.example", "", false },
  { "https:/localhost", "tally.example", "", false },
  /* Settings. */
  { "https://app.example", "tally.example", "https://app.example", true },
  { "https://APP.example", "tally.example", "https://app.example", true },
  { "http://app.example", "tally.example", "https://app.example", false },
  { "https://app.example:444", "tally.example", "https://app.example", false },
  { "https://app.example", "tally.example", "https://x.example , https://app.example", true },
  { "https://evil.example", "tally.example", "https://app.example", false },
  { "https://evil.example", "tally.example", "*", true },
  { "null", "tally.example", "*", true },
  { "https://app.example.evil", "tally.example", "https://app.example", false },
  { "https://evil/https://app.example", "tally.example", "https://app.example", false },
  /* Tricks. */
  { "http://localhost@evil.example", "tally.example", "", false },
  { "http://localhost.evil.example", "tally.example", "", false },
  { "http://evil.example/localhost", "tally.example", "", false },
  { "http://evil.example#localhost", "tally.example", "", false },
  { "http://evil.example?http://localhost", "tally.example", "", false },
  { "http://tally.example@evil.example", "tally.example", "", false },
  { "http://tally.example.evil.example", "tally.example", "", false },
  { "http://127.0.0.1.evil.example", "tally.example", "", false },
  { "http://[::1].evil.example", "tally.example", "", false },
  { "http:// localhost", "tally.example", "", false },
  { "http://http://localhost", "tally.example", "", false },
  { "http://localhost:80@evil.example", "tally.example", "", false },
  { "http://localhost:x", "tally.example", "", false },
};

START_TEST (judges_origins)
{
  for (size_t i = 0; i < sizeof (origins) / sizeof (origins[0]); i++)
  {
    struct err err = { 0 };
    enum err_code code =
        guard_check_origin (slice_of (origins[i].origin), slice_of (origins[i].host), origins[i].allowed, &err);

    ck_assert_msg (code == (origins[i].passes ? ERR_OK : ERR_PERMISSION_DENIED), "'%s' to '%s' with '%s'",
                   origins[i].origin, origins[i].host, origins[i].allowed);
    ck_assert_str_eq (err.message, origins[i].passes ? "" : ORIGIN_MESSAGE);
  }
}
END_TEST

static const struct
{
  const char *origin;
  const char *host;
  bool is_secure;
  const char *allowed;
  bool own;
} own_origins[] = {
  { "", "tally.example", false, "", true },
  { NULL, "tally.example", true, "", true },
  { "http://tally.example", "tally.example", false, "", true },
  { "HTTP://Tally.Example", "tally.example", false, "", true },
  { "http://tally.example:5000", "tally.example:5000", false, "", true },
  { "http://127.0.0.1:5000", "127.0.0.1:5000", false, "", true },
  /* TLS may end at a proxy that nobody told us of. */
  { "https://tally.example", "tally.example", false, "", true },
  { "https://tally.example", "tally.example", true, "", true },
  /* Who is between can write pages of plain HTTP. */
  { "http://tally.example", "tally.example", true, "", false },
  { "http://tally.example", "tally.example", true, "http://tally.example", true },
  /* Loopback alone is no reason, nor is *. */
  { "http://localhost:3000", "tally.example", false, "", false },
  { "http://localhost:3000", "localhost:5000", false, "", false },
  { "http://127.0.0.1:5000", "localhost:5000", false, "", false },
  { "http://localhost:3000", "tally.example", false, "*", false },
  { "https://evil.example", "tally.example", false, "*", false },
  { "https://a.tally.example", "tally.example", false, "*.tally.example", false },
  { "null", "tally.example", false, "*", false },
  { "null", "null", false, "", false },
  { "https://app.example", "tally.example", true, "https://x.example, https://app.example", true },
  { "https://app.example:444", "tally.example", true, "https://app.example", false },
  { "http://app.example", "tally.example", true, "https://app.example", false },
  { "http://tally.example.evil", "tally.example", false, "", false },
  { "http://tally.example", "tally.example:5000", false, "", false },
  { "http://tally.example@evil.example", "tally.example", false, "", false },
  { "http://", "", false, "", false },
};

START_TEST (knows_its_own_origin)
{
  for (size_t i = 0; i < sizeof (own_origins) / sizeof (own_origins[0]); i++)
    ck_assert_msg (own_origins[i].own
                       == guard_is_own_origin (slice_of (own_origins[i].origin), slice_of (own_origins[i].host),
                                               own_origins[i].is_secure, own_origins[i].allowed),
                   "'%s' to '%s' with '%s'", NULL == own_origins[i].origin ? "" : own_origins[i].origin,
                   own_origins[i].host, own_origins[i].allowed);
}
END_TEST

START_TEST (knows_loopback_addresses)
{
  static const struct
  {
    const char *address;
    bool loopback;
  } cases[] = { { "127.0.0.1", true },  { "127.8.9.10", true }, { "localhost", true }, { "::1", true },
                { "0.0.0.0", false },   { "::", false },        { "10.0.0.1", false }, { "[::1]", false },
                { "", false },          { "127.0.0", false },   { "tally", false },    { "127.0.0.1 ", false },
                { "1270.0.0.1", false } };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    ck_assert_msg (guard_is_loopback (slice_of (cases[i].address)) == cases[i].loopback, "'%s'", cases[i].address);
}
END_TEST

Suite *guard_suite (void);

Suite *
guard_suite (void)
{
  Suite *suite = suite_create ("guard");
  TCase *checks = tcase_create ("checks");

  tcase_add_test (checks, judges_hosts);
  tcase_add_test (checks, judges_ports);
  tcase_add_test (checks, refuses_absent_and_endless_hosts);
  tcase_add_test (checks, judges_origins);
  tcase_add_test (checks, knows_its_own_origin);
  tcase_add_test (checks, knows_loopback_addresses);
  suite_add_tcase (suite, checks);
  return suite;
}
