/* Tests of who a client is: addresses, the setting trusted-proxies, and X-Forwarded-For with what people put in it. */
#include "http/peer.h"

#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/un.h>

#define COUNT(array) (sizeof (array) / sizeof ((array)[0]))

/* What a text is as an address; NULL: none. */
static const struct
{
  const char *text;
  const char *address;
} addresses[] = {
  { "192.0.2.1", "192.0.2.1" },
  { "192.0.2.1:80", "192.0.2.1" },
  { "192.0.2.1:65535", "192.0.2.1" },
  { "0.0.0.0", "0.0.0.0" },
  { "2001:db8::1", "2001:db8::1" },
  { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
  { "[2001:db8::1]", "2001:db8::1" },
  { "[2001:db8::1]:443", "2001:db8::1" },
  { "::1", "::1" },
  { "::", "::" },
  /* IPv4 in IPv6, both spellings. */
  { "::ffff:192.0.2.1", "192.0.2.1" },
  { "::ffff:c000:201", "192.0.2.1" },
  { "[::ffff:192.0.2.1]:80", "192.0.2.1" },
  /* What only looks like it: the old compatible form and NAT64 stay IPv6. */
  { "::192.0.2.1", "::192.0.2.1" },
  { "64:ff9b::192.0.2.1", "64:ff9b::c000:201" },
  /* None. */
  { "", NULL },
  { "unknown", NULL },
  { "_hidden", NULL },
  { "localhost", NULL },
  { "unix:", NULL },
  { "/run/proxy.sock", NULL },
  { "192.0.2", NULL },
  { "192.0.2.256", NULL },
  { "192.0.2.1.1", NULL },
  { "0xc0000201", NULL },
  { "3221225985", NULL },
  { "192.0.2.1:", NULL },
  { "192.0.2.1:x", NULL },
  { "192.0.2.1:123456", NULL },
  { "192.0.2.1:80:80", NULL },
  { "192.0.2.1/32", NULL },
  { "[192.0.2.1]", NULL },
  { "[192.0.2.1]:80", NULL },
  { "[2001:db8::1", NULL },
  { "2001:db8::1]", NULL },
  { "[2001:db8::1]x", NULL },
  { "[2001:db8::1]:", NULL },
  { "[]", NULL },
  { "[", NULL },
  { ":", NULL },
  { ":80", NULL },
  { ":::", NULL },
  { "fe80::1%eth0", NULL },
  { "2001:db8::1::2", NULL },
  { "\"[2001:db8::1]\"", NULL },
  { "192.0.2.1 192.0.2.2", NULL },
  { "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444", NULL },
};

START_TEST (parses_addresses)
{
  for (size_t i = 0; i < COUNT (addresses); i++)
  {
    struct peer_address address;
    char text[INET6_ADDRSTRLEN];
    bool found = peer_address_parse (&address, slice_of (addresses[i].text));

    ck_assert_msg (found == (NULL != addresses[i].address), "'%s'", addresses[i].text);
    if (! found)
      continue;
    peer_address_format (text, &address);
    ck_assert_str_eq (text, addresses[i].address);
  }
}
END_TEST

START_TEST (stops_at_nul)
{
  struct peer_address address;

  ck_assert (! peer_address_parse (&address, SLICE ("192.0.2.1\0")));
  ck_assert (! peer_address_parse (&address, SLICE ("192.0.2.1\0:80")));
  ck_assert (! peer_address_parse (&address, (struct slice){ NULL, 0 }));
}
END_TEST

/* Addresses of connections, also of kinds that the server does not listen on. */
START_TEST (reads_sockets)
{
  struct sockaddr_in four = { .sin_family = AF_INET };
  struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_scope_id = 7 };
  struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/run/10.0.0.1" };
  struct peer_address address;
  char text[INET6_ADDRSTRLEN];

  four.sin_addr.s_addr = htonl (0xC0000201);
  peer_address_of (&address, (const struct sockaddr *)&four);
  peer_address_format (text, &address);
  ck_assert_str_eq (text, "192.0.2.1");
  peer_address_of (&address, (const struct sockaddr *)&six);
  peer_address_format (text, &address);
  ck_assert_str_eq (text, "::1");
  six.sin6_addr =
      (struct in6_addr){ .s6_addr = { [10] = 0xFF, [11] = 0xFF, [12] = 192, [13] = 0, [14] = 2, [15] = 1 } };
  peer_address_of (&address, (const struct sockaddr *)&six);
  peer_address_format (text, &address);
  ck_assert_str_eq (text, "192.0.2.1");
  peer_address_of (&address, (const struct sockaddr *)&local);
  ck_assert_int_eq (address.family, AF_UNSPEC);
  peer_address_format (text, &address);
  ck_assert_str_eq (text, "");
  peer_address_of (&address, NULL);
  ck_assert_int_eq (address.family, AF_UNSPEC);
}
END_TEST

/* Whether a list holds an address. */
static const struct
{
  const char *list;
  const char *address;
  bool holds;
} lists[] = {
  { "", "127.0.0.1", false },
  { " , ,", "127.0.0.1", false },
  { "127.0.0.1", "127.0.0.1", true },
  { "127.0.0.1", "127.0.0.2", false },
  { "10.0.0.0/8", "10.0.0.0", true },
  { "10.0.0.0/8", "10.255.255.255", true },
  { "10.0.0.0/8", "11.0.0.0", false },
  { "10.0.0.0/8", "9.255.255.255", false },
  { "192.0.2.128/25", "192.0.2.128", true },
  { "192.0.2.128/25", "192.0.2.127", false },
  { "192.0.2.4/30", "192.0.2.7", true },
  { "192.0.2.4/30", "192.0.2.8", false },
  { "192.0.2.4/31", "192.0.2.5", true },
  { "192.0.2.4/31", "192.0.2.6", false },
  { "192.0.2.4/32", "192.0.2.4", true },
  { "192.0.2.4/32", "192.0.2.5", false },
  { "0.0.0.0/0", "203.0.113.9", true },
  /* One family is not the other. */
  { "0.0.0.0/0", "2001:db8::1", false },
  { "::/0", "203.0.113.9", false },
  { "::/0", "2001:db8::1", true },
  { "::1", "::1", true },
  { "::1", "::2", false },
  { "fd00::/8", "fdff:ffff::1", true },
  { "fd00::/8", "fe00::1", false },
  { "2001:db8::/33", "2001:db8:7fff::1", true },
  { "2001:db8::/33", "2001:db8:8000::1", false },
  { "2001:db8::/127", "2001:db8::1", true },
  { "2001:db8::/127", "2001:db8::2", false },
  /* IPv4 that came in over a socket of IPv6, or was written so. */
  { "10.0.0.0/8", "::ffff:10.1.2.3", true },
  { "::ffff:10.0.0.0/104", "10.1.2.3", true },
  { "::ffff:10.0.0.0/104", "11.1.2.3", false },
  { "::ffff:10.0.0.1", "10.0.0.1", true },
  { "::ffff:0.0.0.0/96", "203.0.113.9", true },
  /* Several, with spaces and a comma too many. */
  { "10.0.0.1, ::1 ,\t192.168.0.0/16,", "::1", true },
  { "10.0.0.1, ::1 ,\t192.168.0.0/16,", "192.168.3.4", true },
  { "10.0.0.1, ::1 ,\t192.168.0.0/16,", "10.0.0.1", true },
  { "10.0.0.1, ::1 ,\t192.168.0.0/16,", "10.0.0.2", false },
};

static struct peer_proxies *
parse (const char *list)
{
  struct peer_proxies *proxies;
  struct err err = { 0 };

  ck_assert_msg (ERR_OK == peer_proxies_parse (&proxies, list, &err), "'%s': %s", list, err.message);
  return proxies;
}

START_TEST (holds_addresses)
{
  for (size_t i = 0; i < COUNT (lists); i++)
  {
    struct peer_proxies *proxies = parse (lists[i].list);
    struct peer_address address;

    ck_assert (peer_address_parse (&address, slice_of (lists[i].address)));
    ck_assert_msg (lists[i].holds == peer_proxies_hold (proxies, &address), "'%s' and %s", lists[i].list,
                   lists[i].address);
    ck_assert (peer_proxies_none (proxies) == (NULL == strpbrk (lists[i].list, "0123456789:")));
    peer_proxies_free (proxies);
  }
}
END_TEST

/* Nobody is trusted for want of an address. */
START_TEST (holds_no_unknown)
{
  struct peer_proxies *proxies = parse ("0.0.0.0/0,::/0");
  struct peer_address unknown = { .family = AF_UNSPEC };

  ck_assert (! peer_proxies_hold (proxies, &unknown));
  peer_proxies_free (proxies);
  peer_proxies_free (NULL);
}
END_TEST

/* A list that is wrong, and the item that the message must name. */
static const struct
{
  const char *list;
  const char *item;
} wrong[] = {
  { "proxy.example", "'proxy.example'" },
  { "*", "'*'" },
  { "10.0.0.1 10.0.0.2", "'10.0.0.1 10.0.0.2'" },
  { "10.0.0.1;10.0.0.2", "'10.0.0.1;10.0.0.2'" },
  { "10.0.0.1:80", "'10.0.0.1:80'" },
  { "[::1]", "'[::1]'" },
  { "10.0.0.0/33", "'10.0.0.0/33'" },
  { "10.0.0.0/", "'10.0.0.0/'" },
  { "10.0.0.0/-1", "'10.0.0.0/-1'" },
  { "10.0.0.0/8x", "'10.0.0.0/8x'" },
  { "10.0.0.0/+8", "'10.0.0.0/+8'" },
  { "10.0.0.0/0008", "'10.0.0.0/0008'" },
  { "10.0.0.0/255.0.0.0", "'10.0.0.0/255.0.0.0'" },
  { "10.0.0.0/4294967304", "'10.0.0.0/4294967304'" },
  { "10/8", "'10/8'" },
  { "::/129", "'::/129'" },
  { "/8", "'/8'" },
  { "/", "'/'" },
  { "10.1.2.3/8", "'10.1.2.3/8' has bits behind its prefix" },
  { "0.0.0.1/0", "'0.0.0.1/0' has bits behind its prefix" },
  { "192.0.2.129/25", "'192.0.2.129/25' has bits behind its prefix" },
  { "fd00::1/8", "'fd00::1/8' has bits behind its prefix" },
  { "::ffff:10.0.0.1/104", "'::ffff:10.0.0.1/104' has bits behind its prefix" },
  { "::ffff:0.0.0.0/80", "'::ffff:0.0.0.0/80' as a network of IPv4" },
  { "10.0.0.1,nonsense,::1", "'nonsense'" },
};

START_TEST (refuses_wrong_lists)
{
  for (size_t i = 0; i < COUNT (wrong); i++)
  {
    struct peer_proxies *proxies;
    struct err err = { 0 };

    ck_assert_msg (ERR_INVALID_PARAMETER_VALUE == peer_proxies_parse (&proxies, wrong[i].list, &err), "'%s'",
                   wrong[i].list);
    ck_assert_msg (NULL != strstr (err.message, "trusted-proxies"), "%s", err.message);
    ck_assert_msg (NULL != strstr (err.message, wrong[i].item), "%s", err.message);
    peer_proxies_free (proxies);
  }
}
END_TEST

#define TRUSTED "10.0.0.0/8,fd00::/8"

/* Who connects, what X-Forwarded-For says, and who the client is then. */
static const struct
{
  const char *connection;
  const char *forwarded_for;
  const char *client;
} clients[] = {
  /* Not a proxy: whatever it says. */
  { "192.0.2.1", NULL, "192.0.2.1" },
  { "192.0.2.1", "198.51.100.7", "192.0.2.1" },
  { "192.0.2.1", "10.0.0.1", "192.0.2.1" },
  { "2001:db8::1", "198.51.100.7", "2001:db8::1" },
  /* A proxy. */
  { "10.0.0.1", NULL, "10.0.0.1" },
  { "10.0.0.1", "", "10.0.0.1" },
  { "10.0.0.1", "198.51.100.7", "198.51.100.7" },
  { "10.0.0.1", "198.51.100.7:4711", "198.51.100.7" },
  { "10.0.0.1", " 198.51.100.7\t", "198.51.100.7" },
  { "10.0.0.1", "2001:db8::7", "2001:db8::7" },
  { "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7" },
  { "10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7" },
  { "::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7" },
  { "fd00::1", "198.51.100.7", "198.51.100.7" },
  /* What the client wrote itself stands on the left of what the proxy added. */
  { "10.0.0.1", "127.0.0.1, 198.51.100.7", "198.51.100.7" },
  { "10.0.0.1", "10.9.9.9, 198.51.100.7", "198.51.100.7" },
  { "10.0.0.1", "1.1.1.1,2.2.2.2,3.3.3.3,198.51.100.7", "198.51.100.7" },
  { "10.0.0.1", "garbage, 198.51.100.7", "198.51.100.7" },
  { "10.0.0.1", ",,,198.51.100.7", "198.51.100.7" },
  /* Several proxies. */
  { "10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7" },
  { "10.0.0.1", "198.51.100.7, fd00::9, 10.0.0.2:80", "198.51.100.7" },
  { "10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.3, 10.0.0.2", "198.51.100.7" },
  { "10.0.0.1", "10.0.0.4, 10.0.0.3, 10.0.0.2", "10.0.0.4" },
  /* Behind what cannot be read nobody is believed. */
  { "10.0.0.1", "unknown", "10.0.0.1" },
  { "10.0.0.1", "198.51.100.7, unknown", "10.0.0.1" },
  { "10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2" },
  { "10.0.0.1", "198.51.100.7,", "10.0.0.1" },
  { "10.0.0.1", "198.51.100.7,,10.0.0.2", "10.0.0.2" },
  { "10.0.0.1", "198.51.100.7 10.0.0.2", "10.0.0.1" },
  { "10.0.0.1", "unix:/run/proxy.sock", "10.0.0.1" },
  { "10.0.0.1", "\"198.51.100.7\"", "10.0.0.1" },
};

START_TEST (finds_clients)
{
  struct peer_proxies *proxies = parse (TRUSTED);

  for (size_t i = 0; i < COUNT (clients); i++)
  {
    struct peer_address connection;
    struct peer_address client;
    char text[INET6_ADDRSTRLEN];

    ck_assert (peer_address_parse (&connection, slice_of (clients[i].connection)));
    peer_client (&client, proxies, &connection, slice_of (clients[i].forwarded_for));
    peer_address_format (text, &client);
    ck_assert_msg (0 == strcmp (text, clients[i].client), "%s with '%s': %s", clients[i].connection,
                   NULL == clients[i].forwarded_for ? "" : clients[i].forwarded_for, text);
  }
  peer_proxies_free (proxies);
}
END_TEST

START_TEST (finds_clients_without_proxies)
{
  struct peer_proxies *proxies = parse ("");
  struct peer_address connection;
  struct peer_address client;
  char text[INET6_ADDRSTRLEN];

  ck_assert (peer_address_parse (&connection, SLICE ("127.0.0.1")));
  peer_client (&client, proxies, &connection, SLICE ("198.51.100.7"));
  peer_address_format (text, &client);
  ck_assert_str_eq (text, "127.0.0.1");
  peer_proxies_free (proxies);
}
END_TEST

START_TEST (reads_the_scheme)
{
  static const struct
  {
    const char *proto;
    bool https;
  } cases[] = {
    { NULL, false },        { "", false },
    { "http", false },      { "https", true },
    { "HTTPS", true },      { " https ", true },
    { "http,https", true }, { "https, http", false },
    { "https,", false },    { "httpsx", false },
    { "xhttps", false },    { "https http", false },
    { "https://", false },  { "http, https, http , https", true },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    ck_assert_msg (cases[i].https == peer_says_https (slice_of (cases[i].proto)), "case %zu", i);
}
END_TEST

Suite *peer_suite (void);

Suite *
peer_suite (void)
{
  Suite *suite = suite_create ("peer");
  TCase *tcase = tcase_create ("peer");

  tcase_add_test (tcase, parses_addresses);
  tcase_add_test (tcase, stops_at_nul);
  tcase_add_test (tcase, reads_sockets);
  tcase_add_test (tcase, holds_addresses);
  tcase_add_test (tcase, holds_no_unknown);
  tcase_add_test (tcase, refuses_wrong_lists);
  tcase_add_test (tcase, finds_clients);
  tcase_add_test (tcase, finds_clients_without_proxies);
  tcase_add_test (tcase, reads_the_scheme);
  suite_add_tcase (suite, tcase);
  return suite;
}
