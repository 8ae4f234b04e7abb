/* The client inside of the library: what its threads share. */
#ifndef CLIENT_HANDLE_H
#define CLIENT_HANDLE_H

#include "error.h"
#include "options.h"
#include "record.h"
#include "ring.h"
#include "spool.h"
#include "transport.h"

#include "tally.h"

#include <pthread.h>
#include <stdatomic.h>

struct writer;
struct sender;
struct outbox;

struct tally_client
{
  struct tally_options *options; /* owned, never changed */
  struct transport *transport; /* for calls that wait and for the sender */
  struct ring *ring;
  struct writer *writer;
  struct sender *sender; /* NULL: offline */
  struct outbox *outbox;
  const atomic_uint *alive; /* a page that fork() wipes: 0 in a child (MADV_WIPEONFORK) */

  pthread_mutex_t lock; /* guards what follows; never held during I/O, except while the stream is created */
  pthread_cond_t
      changed; /* signalled (broadcast) when spool_last, sent, run ids or the outbox moved; CLOCK_MONOTONIC */
  struct spool *spool; /* NULL until the first entry */
  tally_event_callback *callback;
  void *payload;
  bool closing;

  atomic_uint_fast64_t spooled; /* entries */
  atomic_uint_fast64_t sent; /* entries acknowledged */
  atomic_uint_fast64_t rejected;
  atomic_uint_fast64_t requests;
  atomic_uint_fast64_t retries;
};

/* FORKED in a child of the process that opened the client; ARGUMENT for NULL; else OK. The first thing each public
   function does. */
enum tally_code client_check (const struct tally_client *client, struct tally_error *err);

/* The stream, made when there is none yet; in memory when the disk refuses (the event SPOOL_FAILED tells). Errors:
   MEMORY. Any thread. */
enum tally_code client_spool (struct spool **spool, struct tally_client *client, struct tally_error *err);

/* Call the callback, if any; not under a lock. */
void client_tell (struct tally_client *client, enum tally_event event, const struct tally_error *why);

/* Wake everybody who waits for `changed`. */
void client_wake (struct tally_client *client);

/* The absolute CLOCK_MONOTONIC time `ms` from now, for pthread_cond_timedwait. */
struct timespec client_deadline (int64_t ms);

/* A run as its handle. */
struct tally_run
{
  struct tally_client *client; /* borrowed */
  const atomic_uint *alive; /* the client's */
  struct run_key key;
  char id[TALLY_RUN_ID_BYTES];
  char *experiment_id; /* as given; NULL: by name. For nested runs */
  char *experiment; /* as given; NULL */
};

enum tally_code run_check (const struct tally_run *run, struct tally_error *err);

#endif
