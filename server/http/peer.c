/* Where a request comes from. */
#include "http/peer.h"

#include "http/request.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

/* Addresses and their bits. */
#define FOUR_BYTES 4
#define SIX_BYTES 16
/* ::ffff:0:0/96 holds IPv4 (RFC 4291, section 2.5.5.2). */
#define MAPPED_BITS 96

struct network
{
  struct peer_address address;
  unsigned bits; /* of the prefix */
};

struct peer_proxies
{
  size_t count;
  struct network networks[];
};

static struct slice
trim (struct slice text)
{
  while (text.len > 0 && (' ' == text.data[0] || '\t' == text.data[0]))
    text = (struct slice){ text.data + 1, text.len - 1 };
  while (text.len > 0 && (' ' == text.data[text.len - 1] || '\t' == text.data[text.len - 1]))
    text.len--;
  return text;
}

/* Take the last item off a list; false when nothing is left of it. An empty item is one. */
static bool
take_last (struct slice *item, struct slice *list)
{
  size_t start = list->len;

  if (NULL == list->data)
    return false;
  while (start > 0 && ',' != list->data[start - 1])
    start--;
  *item = trim ((struct slice){ list->data + start, list->len - start });
  *list = 0 == start ? (struct slice){ NULL, 0 } : (struct slice){ list->data, start - 1 };
  return true;
}

static unsigned
bytes_of (int family)
{
  return AF_INET == family ? FOUR_BYTES : SIX_BYTES;
}

static void
from_six (struct peer_address *address, const void *six)
{
  memset (address, 0, sizeof (*address));
  if (IN6_IS_ADDR_V4MAPPED ((const struct in6_addr *)six))
  {
    address->family = AF_INET;
    memcpy (address->bytes, (const unsigned char *)six + SIX_BYTES - FOUR_BYTES, FOUR_BYTES);
    return;
  }
  address->family = AF_INET6;
  memcpy (address->bytes, six, SIX_BYTES);
}

/* An address alone, without port and brackets. */
static bool
parse_bare (struct peer_address *address, struct slice text)
{
  char copy[INET6_ADDRSTRLEN];
  struct in6_addr six;

  memset (address, 0, sizeof (*address));
  if (text.len >= sizeof (copy) || NULL != memchr (text.data, '\0', text.len))
    return false;
  memcpy (copy, text.data, text.len);
  copy[text.len] = '\0';
  if (1 == inet_pton (AF_INET, copy, address->bytes))
  {
    address->family = AF_INET;
    return true;
  }
  memset (address, 0, sizeof (*address));
  if (1 != inet_pton (AF_INET6, copy, &six))
    return false;
  from_six (address, &six);
  return true;
}

/* Whether it is nothing, or a colon and a port. */
static bool
is_port (struct slice text)
{
  if (0 == text.len)
    return true;
  /* 65535 has five digits. */
  if (text.len < 2 || text.len > 6 || ':' != text.data[0])
    return false;
  for (size_t i = 1; i < text.len; i++)
    if (text.data[i] < '0' || text.data[i] > '9')
      return false;
  return true;
}

bool
peer_address_parse (struct peer_address *address, struct slice text)
{
  const char *end;
  const char *colon;

  memset (address, 0, sizeof (*address));
  if (0 == text.len)
    return false;
  if ('[' == text.data[0])
  {
    end = memchr (text.data, ']', text.len);
    if (NULL == end || ! is_port ((struct slice){ end + 1, text.len - (size_t)(end + 1 - text.data) }))
      return false;
    /* Brackets stand around IPv6 only, but around IPv4 written as such too. */
    return NULL != memchr (text.data, ':', (size_t)(end - text.data))
           && parse_bare (address, (struct slice){ text.data + 1, (size_t)(end - text.data) - 1 });
  }
  if (parse_bare (address, text))
    return true;
  colon = memchr (text.data, ':', text.len);
  if (NULL == colon || ! is_port ((struct slice){ colon, text.len - (size_t)(colon - text.data) }))
    return false;
  return parse_bare (address, (struct slice){ text.data, (size_t)(colon - text.data) }) && AF_INET == address->family;
}

void
peer_address_of (struct peer_address *address, const struct sockaddr *socket_address)
{
  memset (address, 0, sizeof (*address));
  if (NULL == socket_address)
    return;
  if (AF_INET == socket_address->sa_family)
  {
    struct sockaddr_in four;

    memcpy (&four, socket_address, sizeof (four));
    address->family = AF_INET;
    memcpy (address->bytes, &four.sin_addr, FOUR_BYTES);
  }
  else if (AF_INET6 == socket_address->sa_family)
  {
    struct sockaddr_in6 six;

    memcpy (&six, socket_address, sizeof (six));
    from_six (address, &six.sin6_addr);
  }
}

void
peer_address_format (char text[INET6_ADDRSTRLEN], const struct peer_address *address)
{
  if (AF_UNSPEC == address->family || NULL == inet_ntop (address->family, address->bytes, text, INET6_ADDRSTRLEN))
    text[0] = '\0';
}

/* --- trusted-proxies -----------------------------------------------------------------------------------------------
 */

/* Whether the first `bits` are the same. */
static bool
same_bits (const unsigned char *a, const unsigned char *b, unsigned bits)
{
  unsigned whole = bits / 8;
  unsigned char mask = (unsigned char)(0xFF00 >> (bits % 8));

  return 0 == memcmp (a, b, whole) && (0 == bits % 8 || 0 == ((a[whole] ^ b[whole]) & mask));
}

/* Whether all bits behind the prefix are zero. */
static bool
ends_in_zeros (const struct network *network)
{
  unsigned all = 8 * bytes_of (network->address.family);

  for (unsigned bit = network->bits; bit < all; bit++)
    if (0 != (network->address.bytes[bit / 8] & (0x80 >> (bit % 8))))
      return false;
  return true;
}

/* A prefix length up to `most`; false when it is none. */
static bool
parse_bits (unsigned *bits, struct slice text, unsigned most)
{
  *bits = 0;
  if (0 == text.len || text.len > 3)
    return false;
  for (size_t i = 0; i < text.len; i++)
  {
    if (text.data[i] < '0' || text.data[i] > '9')
      return false;
    *bits = *bits * 10 + (unsigned)(text.data[i] - '0');
  }
  return *bits <= most;
}

static enum err_code
parse_network (struct network *network, struct slice item, struct err *err)
{
  const char *slash = memchr (item.data, '/', item.len);
  struct slice address = { item.data, NULL == slash ? item.len : (size_t)(slash - item.data) };
  bool six = NULL != memchr (address.data, ':', address.len);
  unsigned most = 8 * (six ? SIX_BYTES : FOUR_BYTES);

  network->bits = most;
  if (! parse_bare (&network->address, address)
      || (NULL != slash
          && ! parse_bits (&network->bits, (struct slice){ slash + 1, item.len - address.len - 1 }, most)))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "trusted-proxies: '%.*s' is neither an address nor a network, such as 10.0.0.7, 10.0.0.0/8 or "
                    "fd00::/8.",
                    SLICE_ARG (item));
  if (six && AF_INET == network->address.family)
  {
    /* IPv4 written as IPv6: what is wider than that holds other addresses too. */
    if (network->bits < MAPPED_BITS)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "trusted-proxies: write '%.*s' as a network of IPv4, such as 10.0.0.0/8.", SLICE_ARG (item));
    network->bits -= MAPPED_BITS;
  }
  /* Most likely a slip, and one that trusts more than was meant. */
  if (! ends_in_zeros (network))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "trusted-proxies: '%.*s' has bits behind its prefix; a network's other bits are zero, and one "
                    "address has no prefix.",
                    SLICE_ARG (item));
  return ERR_OK;
}

enum err_code
peer_proxies_parse (struct peer_proxies **out, const char *list, struct err *err)
{
  struct slice rest = slice_of (list);
  struct slice item;
  size_t most = 1;
  enum err_code code = ERR_OK;

  for (const char *at = list; '\0' != *at; at++)
    most += ',' == *at;
  *out = calloc (1, sizeof (**out) + most * sizeof ((*out)->networks[0]));
  if (NULL == *out)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  while (ERR_OK == code && take_last (&item, &rest))
    if (item.len > 0)
    {
      code = parse_network (&(*out)->networks[(*out)->count], item, err);
      (*out)->count++;
    }
  return code;
}

void
peer_proxies_free (struct peer_proxies *proxies)
{
  free (proxies);
}

bool
peer_proxies_none (const struct peer_proxies *proxies)
{
  return 0 == proxies->count;
}

bool
peer_proxies_hold (const struct peer_proxies *proxies, const struct peer_address *address)
{
  for (size_t i = 0; i < proxies->count; i++)
    if (proxies->networks[i].address.family == address->family
        && same_bits (proxies->networks[i].address.bytes, address->bytes, proxies->networks[i].bits))
      return true;
  return false;
}

/* --- a request -----------------------------------------------------------------------------------------------------
 */

void
peer_client (struct peer_address *client, const struct peer_proxies *proxies, const struct peer_address *connection,
             struct slice forwarded_for)
{
  struct peer_address next;
  struct slice item;

  *client = *connection;
  while (peer_proxies_hold (proxies, client) && take_last (&item, &forwarded_for) && peer_address_parse (&next, item))
    *client = next;
}

bool
peer_says_https (struct slice forwarded_proto)
{
  struct slice item;

  return take_last (&item, &forwarded_proto) && sizeof ("https") - 1 == item.len
         && 0 == strncasecmp (item.data, "https", item.len);
}

/* What a proxy says, while the headers are looked through. */
struct said
{
  const struct config *config;
  struct arena *arena;
  struct slice forwarded_for; /* all of them, as one list */
  struct slice forwarded_proto; /* the last */
  struct slice user;
  struct slice groups;
  unsigned users; /* how many headers */
  unsigned groups_count;
};

static bool
is_header (const char *name, const char *wanted)
{
  return '\0' != *wanted && 0 == strcasecmp (name, wanted);
}

static enum MHD_Result
note_said (void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
  struct said *said = context;
  struct slice text = slice_of (NULL == value ? "" : value);

  (void)kind;
  if (is_header (name, "X-Forwarded-For"))
  {
    /* Without memory the proxies alone are known. */
    if (NULL == said->forwarded_for.data)
      said->forwarded_for = text;
    else
      said->forwarded_for =
          slice_of (arena_printf (said->arena, "%.*s,%.*s", SLICE_ARG (said->forwarded_for), SLICE_ARG (text)));
  }
  else if (is_header (name, "X-Forwarded-Proto"))
    said->forwarded_proto = text;
  if (is_header (name, said->config->proxy_user_header))
  {
    said->user = trim (text);
    said->users++;
  }
  if (is_header (name, said->config->proxy_groups_header))
  {
    said->groups = trim (text);
    said->groups_count++;
  }
  return MHD_YES;
}

/* Look through the headers when the connection is a trusted proxy's; false when it is not. */
static bool
ask_proxy (struct said *said, struct peer_address *connection, struct request *request)
{
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info (request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

  *said = (struct said){ .config = request->server->config, .arena = request->call.arena };
  peer_address_of (connection, NULL == info ? NULL : info->client_addr);
  if (! peer_proxies_hold (request->server->proxies, connection))
    return false;
  (void)MHD_get_connection_values (request->connection, MHD_HEADER_KIND, note_said, said);
  return true;
}

void
peer_read (struct gate_headers *credentials, struct request *request)
{
  struct said said;
  struct peer_address connection;
  struct peer_address client;
  char text[INET6_ADDRSTRLEN];

  credentials->is_secure = NULL != request->server->tls;
  credentials->proxy_user = (struct slice){ NULL, 0 };
  credentials->proxy_groups = (struct slice){ NULL, 0 };
  if (ask_proxy (&said, &connection, request))
  {
    peer_client (&client, request->server->proxies, &connection, said.forwarded_for);
    credentials->is_secure = credentials->is_secure || peer_says_https (said.forwarded_proto);
    if (1 == said.users && said.user.len > 0)
      credentials->proxy_user = said.user;
    if (1 == said.groups_count && NULL != credentials->proxy_user.data)
      credentials->proxy_groups = said.groups;
  }
  else
    client = connection;
  peer_address_format (text, &client);
  credentials->address = slice_of (arena_copy (request->call.arena, text, strlen (text)));
}

struct slice
peer_forwarded_proto (struct request *request)
{
  static const char name[] = "X-Forwarded-Proto";
  struct said said;
  struct peer_address connection;

  if (NULL != request->server->tls)
    return SLICE ("https");
  if (peer_proxies_none (request->server->proxies))
    return slice_of (MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, name));
  if (ask_proxy (&said, &connection, request) && peer_says_https (said.forwarded_proto))
    return SLICE ("https");
  return (struct slice){ NULL, 0 };
}
