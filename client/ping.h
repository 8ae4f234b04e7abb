/* What tally_ping keeps in the client. */
#ifndef CLIENT_PING_H
#define CLIENT_PING_H

struct ping;

void ping_free (struct ping *ping);

#endif
