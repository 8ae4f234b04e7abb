/* Where a request comes from: the other end of its connection, or what a trusted proxy there says; private to the room
   http.

   DESIGN
   Anybody can write X-Forwarded-For. Each proxy adds on the right whom it was called by, so the list is read from the
   right, for as long as the one who added the next item is trusted: what stands further left, nobody vouches for. The
   address that this ends at is the client's. X-Forwarded-Proto and the headers that name a user count only when the
   connection itself is a trusted proxy's. */
#ifndef HTTP_PEER_H
#define HTTP_PEER_H

#include "api/gate.h"

#include <netinet/in.h>

struct request;

/* An address without a port. One of IPv4 that is written as IPv6 (RFC 4291, section 2.5.5.2) is kept as IPv4. */
struct peer_address
{
  int family; /* AF_INET, AF_INET6, or AF_UNSPEC: none is known */
  unsigned char bytes[16]; /* the first 4 with AF_INET */
};

/* The setting trusted-proxies. Read-only once it is made. */
struct peer_proxies;

/* Parse a list of addresses and networks, separated by commas; "" is the empty list. The caller frees, also after a
   failure. Errors: INVALID_PARAMETER_VALUE, naming the item. */
enum err_code peer_proxies_parse (struct peer_proxies **proxies, const char *list, struct err *err);
void peer_proxies_free (struct peer_proxies *proxies);

/* Whether the list is empty, and whether an address is in it. */
bool peer_proxies_none (const struct peer_proxies *proxies);
bool peer_proxies_hold (const struct peer_proxies *proxies, const struct peer_address *address);

/* The address of a socket; none for other families than IPv4 and IPv6, and for NULL. */
void peer_address_of (struct peer_address *address, const struct sockaddr *socket_address);

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80"; false when it is none of these. */
bool peer_address_parse (struct peer_address *address, struct slice text);

/* As text; "" when none is known. */
void peer_address_format (char text[INET6_ADDRSTRLEN], const struct peer_address *address);

/* Who the client is, with all X-Forwarded-For headers as one list: the first address from the right that is not a
   trusted proxy, or else the last one that could be read. */
void peer_client (struct peer_address *client, const struct peer_proxies *proxies,
                  const struct peer_address *connection, struct slice forwarded_for);

/* Whether the last item of X-Forwarded-Proto, that of the nearest proxy, is "https". */
bool peer_says_https (struct slice forwarded_proto);

/* Fill address, is_secure, proxy_user and proxy_groups. A header that names a user or groups and is there more than
   once counts as absent, because only one of them can be the proxy's. On the connection's thread, once the headers are
   there. */
void peer_read (struct gate_headers *credentials, struct request *request);

/* What to take for X-Forwarded-Proto in the URLs of answers, and for nothing else: "https" over TLS and when a trusted
   proxy says so; without the setting trusted-proxies whatever the header holds. */
struct slice peer_forwarded_proto (struct request *request);

#endif
