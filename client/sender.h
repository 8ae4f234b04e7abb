/* The sender: the thread that sends the spool's records, in their order, until the server has acknowledged them. */
#ifndef CLIENT_SENDER_H
#define CLIENT_SENDER_H

#include "handle.h"

struct sender;

/* Start the thread. */
enum tally_code sender_start (struct sender **sender, struct tally_client *client, struct tally_error *err);

/* Wait until all entries up to `entry` are acknowledged or rejected. Errors: TIMEOUT with the last error as reason. */
enum tally_code sender_wait (struct sender *sender, uint64_t entry, int64_t deadline_ms, struct tally_error *err);

/* End the thread (what is under way is aborted) and free. NULL is allowed. */
void sender_stop (struct sender *sender, bool forked);

/* What sends one stream; the sender thread and tally_sync both use it. */
struct delivery;
struct delivery_settings
{
  struct spool *spool;
  struct transport *transport;
  size_t batch_points;
  int64_t request_timeout_ms;
  atomic_uint_fast64_t *requests;
  void (*rejected) (void *payload, const struct record *record, const struct tally_error *why);
  void *payload;
};
enum tally_code delivery_new (struct delivery **delivery, const struct delivery_settings *settings,
                              struct tally_error *err);
/* Send the next request's worth of records and acknowledge them. `*more`: there was something to send. On a retryable
   error nothing was acknowledged and the next call tries the same again. */
enum tally_code delivery_step (bool *more, struct delivery *delivery, struct tally_error *err);
/* The id that the server uses for a run; made (when a RECORD_RUN of it was seen) or looked for. */
enum tally_code delivery_run_id (char id[TALLY_RUN_ID_BYTES], struct delivery *delivery, const struct run_key *run,
                                 struct tally_error *err);
void delivery_free (struct delivery *delivery);

#endif
