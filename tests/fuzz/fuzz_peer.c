/* Who a client is: the input is a list of trusted proxies, a connection's address and X-Forwarded-For, one a line. The
   client is the connection, or an item of the list; whoever is not trusted ends the search; and what was added on the
   left changes nothing that was decided on the right. */
#include "fuzz.h"

#include "base/buffer.h"
#include "http/peer.h"

#include <string.h>

static struct slice
take_line (struct slice *rest)
{
  const char *end = rest->len > 0 ? memchr (rest->data, '\n', rest->len) : NULL;
  struct slice line = { rest->data, NULL == end ? rest->len : (size_t)(end - rest->data) };

  *rest = NULL == end ? (struct slice){ "", 0 } : (struct slice){ end + 1, rest->len - line.len - 1 };
  return line;
}

static bool
same (const struct peer_address *a, const struct peer_address *b)
{
  return a->family == b->family && 0 == memcmp (a->bytes, b->bytes, sizeof (a->bytes));
}

/* An address that was read reads the same from how it is shown. */
static void
check_address (const struct peer_address *address)
{
  struct peer_address again;
  char text[INET6_ADDRSTRLEN];

  REQUIRE (AF_INET == address->family || AF_INET6 == address->family);
  peer_address_format (text, address);
  REQUIRE (peer_address_parse (&again, slice_of (text)) && same (&again, address));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice rest = { (const char *)data, size };
  struct slice list = take_line (&rest);
  struct slice address = take_line (&rest);
  struct peer_proxies *proxies = NULL;
  struct peer_address connection;
  struct peer_address client;
  struct peer_address again;
  struct buffer text;

  buffer_init (&text, 2 * size + 64);
  REQUIRE (buffer_append (&text, list.data, list.len));
  if (ERR_OK != peer_proxies_parse (&proxies, NULL == text.data ? "" : text.data, NULL))
    goto out;
  if (! peer_address_parse (&connection, address))
    connection = (struct peer_address){ .family = AF_UNSPEC };
  else
    check_address (&connection);
  peer_client (&client, proxies, &connection, rest);
  if (! same (&client, &connection))
  {
    check_address (&client);
    REQUIRE (peer_proxies_hold (proxies, &connection));
  }
  /* Something more on the left. */
  buffer_clear (&text);
  REQUIRE (buffer_text (&text, "203.0.113.99,") && buffer_append (&text, rest.data, rest.len));
  peer_client (&again, proxies, &connection, (struct slice){ text.data, text.len });
  REQUIRE (same (&again, &client) || peer_proxies_hold (proxies, &client));
  (void)peer_says_https (rest);
out:
  peer_proxies_free (proxies);
  buffer_free (&text);
  return 0;
}
