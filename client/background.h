/* The background of a client: ring, writer, stream, sender and outbox as one. Started by client_start (handle.h). */
#ifndef CLIENT_BACKGROUND_H
#define CLIENT_BACKGROUND_H

#include "handle.h"

/* Wait at most that long until all is sent, then stop the threads and let go of the stream. Errors: PENDING when
   something was left. */
enum tally_code background_stop (struct tally_client *client, int64_t deadline_ms, struct tally_error *err);

/* In a child: free the memory, and touch nothing that the parent has. */
void background_forget (struct tally_client *client);

#endif
