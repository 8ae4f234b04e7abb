/* Sending entries of the outbox. */
#ifndef CLIENT_OUTBOX_SEND_H
#define CLIENT_OUTBOX_SEND_H

#include "outbox_store.h"
#include "transport.h"

/* Send one entry of a folder, with the parts and the patience that the options say; `id` is the server's of its run.
   Errors: of any request; UNSUPPORTED when the run's artifacts are not kept by the server itself; FILE. */
enum tally_code outbox_send_entry (struct transport *transport, const struct tally_options *options, const char *folder,
                                   const struct outbox_entry *entry, const char *id, struct tally_error *err);

/* Whether an entry that failed so will never get through. */
bool outbox_refused (const struct tally_error *why);

#endif
