/* Delivery: sends the records of one stream; the sender thread and tally_sync both use it. */
#ifndef CLIENT_DELIVERY_H
#define CLIENT_DELIVERY_H

#include "error.h"
#include "record.h"
#include "run_table.h"
#include "spool.h"
#include "transport.h"

#include "base/buffer.h"

#include <stdatomic.h>

struct delivery;

/* Longest wait for a run that somebody else is about to create: another process of the same job. */
#define DELIVERY_UNKNOWN_RUN_MS 60000

/* A server that fails at a batch, and takes another one, would do so for ever: MLflow's database may refuse a value
   that its server does not check. Long enough for an outage to be over, and its rest. */
#define DELIVERY_BLAME_AFTER_MS 60000

struct delivery_settings
{
  struct spool *spool;
  struct transport *transport;
  struct run_table *runs; /* what becomes known of runs; other threads may look */
  size_t batch_points; /* 1 to 1000 */
  int64_t request_timeout_ms;
  int64_t unknown_run_ms; /* runs that nobody knows are refused after that time; negative: never */
  int64_t blame_after_ms; /* a batch that a server fails at (500) for that long, while it takes others, is refused */
  atomic_uint_fast64_t *requests; /* counted up */

  /* A record was refused for good. */
  void (*rejected) (void *payload, const struct record *record, const struct tally_error *why);
  /* True when the end of a run was taken to be sent later, behind its files; NULL: never. */
  bool (*take_end) (void *payload, const struct run_key *run, enum tally_status status, int64_t end_ms);
  void *payload;
};

/* Settings are copied, what they point to is borrowed. Errors: MEMORY. */
enum tally_code delivery_new (struct delivery **delivery, const struct delivery_settings *settings,
                              struct tally_error *err);

/* Send the next request, and acknowledge what is complete. `*more`: there was something to send. After an error the
   next call tries the same again: nothing is lost and nothing is skipped. NOT_FOUND: a run is not there yet. */
enum tally_code delivery_step (bool *more, struct delivery *delivery, struct tally_error *err);

/* How long the server asked to wait after the last error; -1: it did not. */
int64_t delivery_retry_after_ms (const struct delivery *delivery);

/* Entries sent so far, without those refused. */
uint64_t delivery_sent (const struct delivery *delivery);

/* The id that the server uses for a run; looked for when it is not known yet. Errors: of any request; NOT_FOUND; why
   the run was refused. */
enum tally_code delivery_run_id (char id[TALLY_RUN_ID_BYTES], struct delivery *delivery, const struct run_key *run,
                                 struct tally_error *err);

/* The body of the request at DELIVERY_UPDATE_PATH that ends a run. Errors: REFUSED for what is no status; MEMORY. */
#define DELIVERY_UPDATE_PATH "/api/2.0/mlflow/runs/update"
#define DELIVERY_CREATE_PATH "/api/2.0/mlflow/runs/create"
enum tally_code delivery_write_end (struct buffer *body, const char *id, enum tally_status status, int64_t end_ms,
                                    struct tally_error *err);

/* True when a server has understood the request and refuses it: sending it again would not help. */
bool delivery_refused (const struct tally_error *why);

/* Whether an error tells that a run is not there yet. */
bool delivery_not_there (enum tally_code code, const struct tally_error *why);

void delivery_free (struct delivery *delivery);

#endif
