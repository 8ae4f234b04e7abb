/* Host and Origin checks. */
#include "http/guard.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <strings.h>

/* Longest host name in the DNS, with a port and brackets. */
#define HOST_MAX_BYTES 272

/* Whether what follows the name is nothing, or a colon and digits (RFC 9110, section 7.2). */
static bool
is_port (struct slice rest)
{
  if (0 == rest.len)
    return true;
  for (size_t i = 1; i < rest.len; i++)
    if (rest.data[i] < '0' || rest.data[i] > '9')
      return false;
  return ':' == rest.data[0];
}

/* "name:port", "1.2.3.4", "[::1]:port": the name without port and brackets; absent when it is none. */
static struct slice
host_name (struct slice host)
{
  const char *end;
  const char *tail;

  if (0 == host.len || host.len > HOST_MAX_BYTES)
    return (struct slice){ NULL, 0 };
  end = memchr (host.data, '[' == host.data[0] ? ']' : ':', host.len);
  if (NULL == end && '[' == host.data[0])
    return (struct slice){ NULL, 0 };
  if (NULL == end)
    return host;
  tail = '[' == host.data[0] ? end + 1 : end;
  if (! is_port ((struct slice){ tail, host.len - (size_t)(tail - host.data) }))
    return (struct slice){ NULL, 0 };
  if ('[' == host.data[0])
    return (struct slice){ host.data + 1, (size_t)(end - host.data) - 1 };
  return (struct slice){ host.data, (size_t)(end - host.data) };
}

static bool
same_name (struct slice a, struct slice b)
{
  return a.len == b.len && 0 == strncasecmp (a.data, b.data, a.len);
}

static bool
parse_address (int family, void *address, struct slice name)
{
  char text[INET6_ADDRSTRLEN];

  if (name.len >= sizeof (text))
    return false;
  memcpy (text, name.data, name.len);
  text[name.len] = '\0';
  return 1 == inet_pton (family, text, address);
}

bool
guard_is_loopback (struct slice host)
{
  struct in_addr four;
  struct in6_addr six;

  if (same_name (host, SLICE ("localhost")))
    return true;
  if (parse_address (AF_INET, &four, host))
    return 127 == ntohl (four.s_addr) >> 24;
  return parse_address (AF_INET6, &six, host) && 0 != IN6_IS_ADDR_LOOPBACK (&six);
}

bool
guard_host_is_loopback (struct slice host)
{
  struct slice name = host_name (host);

  return NULL != name.data && guard_is_loopback (name);
}

/* Private ranges: RFC 1918 and RFC 4193. */
static bool
is_private (struct slice host)
{
  struct in_addr four;
  struct in6_addr six;

  if (parse_address (AF_INET, &four, host))
  {
    uint32_t number = ntohl (four.s_addr);

    return 10 == number >> 24 || 0xAC1 == number >> 20 || 0xC0A8 == number >> 16;
  }
  return parse_address (AF_INET6, &six, host) && 0xFC == (six.s6_addr[0] & 0xFE);
}

/* Whether one item of a comma-separated list allows a name. */
static bool
list_allows (const char *list, struct slice name)
{
  while ('\0' != *list)
  {
    size_t length = strcspn (list, ",");
    struct slice item = { list, length };

    while (item.len > 0 && ' ' == item.data[0])
      item = (struct slice){ item.data + 1, item.len - 1 };
    while (item.len > 0 && ' ' == item.data[item.len - 1])
      item.len--;
    if (slice_is (item, "*") || same_name (item, name))
      return true;
    /* "*.example.org" allows "a.example.org". */
    if (item.len > 2 && '*' == item.data[0] && '.' == item.data[1] && name.len > item.len - 1
        && 0 == strncasecmp (name.data + name.len - (item.len - 1), item.data + 1, item.len - 1))
      return true;
    list += length;
    list += ',' == *list;
  }
  return false;
}

enum err_code
guard_check_host (struct slice host, const char *allowed, struct err *err)
{
  struct slice name = host_name (host);

  if (NULL != name.data && name.len > 0
      && (guard_is_loopback (name) || is_private (name) || list_allows (allowed, name) || list_allows (allowed, host)))
    return ERR_OK;
  return err_set (
      err, ERR_PERMISSION_DENIED,
      "Invalid Host header - possible DNS rebinding attack detected. If the name is this server's, add it to "
      "the setting allowed-hosts.");
}

enum err_code
guard_check_origin (struct slice origin, struct slice host, const char *allowed, struct err *err)
{
  static const char *const schemes[] = { "http://", "https://" };

  if (0 == origin.len)
    return ERR_OK;
  for (size_t i = 0; i < sizeof (schemes) / sizeof (schemes[0]); i++)
  {
    size_t length = strlen (schemes[i]);
    struct slice authority;
    struct slice name;

    if (origin.len <= length || 0 != strncasecmp (origin.data, schemes[i], length))
      continue;
    authority = (struct slice){ origin.data + length, origin.len - length };
    name = host_name (authority);
    if (NULL != name.data && (guard_is_loopback (name) || same_name (authority, host)))
      return ERR_OK;
  }
  if (list_allows (allowed, origin))
    return ERR_OK;
  return err_set (err, ERR_PERMISSION_DENIED,
                  "Cross-origin request blocked. If pages of that origin may change state here, add it to the setting "
                  "allowed-origins.");
}

bool
guard_is_own_origin (struct slice origin, struct slice host, bool is_secure, const char *allowed)
{
  static const char *const schemes[] = { "https://", "http://" };

  if (0 == origin.len)
    return true;
  for (size_t i = 0; i < (is_secure ? 1 : sizeof (schemes) / sizeof (schemes[0])); i++)
  {
    size_t length = strlen (schemes[i]);

    if (origin.len > length && 0 == strncasecmp (origin.data, schemes[i], length)
        && same_name ((struct slice){ origin.data + length, origin.len - length }, host))
      return true;
  }
  while ('\0' != *allowed)
  {
    size_t length = strcspn (allowed, ",");
    struct slice item = { allowed, length };

    while (item.len > 0 && ' ' == item.data[0])
      item = (struct slice){ item.data + 1, item.len - 1 };
    while (item.len > 0 && ' ' == item.data[item.len - 1])
      item.len--;
    if (item.len > 0 && ! slice_is (item, "*") && same_name (item, origin))
      return true;
    allowed += length;
    allowed += ',' == *allowed;
  }
  return false;
}
