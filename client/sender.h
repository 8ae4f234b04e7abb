/* The sender: the thread that sends the spool's records, in their order, until the server has acknowledged them. */
#ifndef CLIENT_SENDER_H
#define CLIENT_SENDER_H

#include "handle.h"

struct sender;

/* Start the thread. Errors: MEMORY. */
enum tally_code sender_start (struct sender **sender, struct tally_client *client, struct tally_error *err);

/* Wait until all entries up to `entry` are acknowledged or rejected. A pause between two tries ends when somebody
   begins to wait. Errors: TIMEOUT with the last error as reason. Any thread. */
enum tally_code sender_wait (struct sender *sender, uint64_t entry, int64_t deadline_ms, struct tally_error *err);

/* The id that the server uses for a run of this client; waits until it is known. Errors: TIMEOUT with the last error
   as reason; why the server refused the run; CANCELLED when the sender is stopped. Any thread. */
enum tally_code sender_run_id (char id[TALLY_RUN_ID_BYTES], struct sender *sender, const struct run_key *run,
                               int64_t deadline_ms, struct tally_error *err);

/* End the thread; what is under way must have been aborted (transport_cancel). Afterwards only sender_free. */
void sender_stop (struct sender *sender);

/* NULL is allowed. `forked`: only free memory. */
void sender_free (struct sender *sender, bool forked);

#endif
