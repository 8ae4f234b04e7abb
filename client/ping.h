/* What tally_ping keeps in the client. */
#ifndef CLIENT_PING_H
#define CLIENT_PING_H

#include "tally/client.h"

struct ping;

void ping_free (struct ping *ping);

/* What the server is, as it told before, else asked now. Valid until the client is closed. */
enum tally_code ping_known (const struct tally_server **server, struct tally_client *client, struct tally_error *err);

#endif
