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
struct ping;

/* Tells whether a client may still be used; outlives it, because runs may be freed later. */
struct lifeline;

struct tally_client
{
  struct tally_options *options; /* owned, never changed */
  struct transport *transport; /* for calls that wait and for the sender */
  struct lifeline *lifeline; /* a reference */

  /* The background: made by client_start, which the first run calls; never changed afterwards. A run proves that they
     are there; others ask client_started first. */
  struct ring *ring;
  struct writer *writer;
  struct sender *sender; /* NULL: offline */
  struct outbox *outbox;
  char *spool_folder; /* of all streams; NULL: none is known */
  atomic_bool started;
  pthread_mutex_t starting; /* held while they are made */

  pthread_mutex_t lock; /* guards what follows; never held during I/O, except while the stream is created */
  pthread_cond_t changed; /* signalled (broadcast) when records were appended, sent, or the outbox moved; by
                             CLOCK_MONOTONIC */
  struct spool *spool; /* NULL until the first entry */
  tally_event_callback *callback;
  void *payload;
  bool resumed; /* the run of option run-id was given to somebody */
  struct ping *ping; /* last answer to tally_ping; NULL: none */

  atomic_uint_fast64_t spooled; /* entries */
  atomic_uint_fast64_t sent; /* entries acknowledged */
  atomic_uint_fast64_t rejected;
  atomic_uint_fast64_t requests;
  atomic_uint_fast64_t retries;
};

/* FORKED in a child of the process that opened the client; ARGUMENT for NULL; else OK. The first thing each public
   function does. */
enum tally_code client_check (const struct tally_client *client, struct tally_error *err);

/* Make the ring, the outbox and the threads, unless they are there. Errors: MEMORY; CONFIGURATION when the client is
   offline and there is no folder for the spool. Any thread. */
enum tally_code client_start (struct tally_client *client, struct tally_error *err);
bool client_started (const struct tally_client *client);

/* The stream, made when there is none yet; in memory when the disk refuses (the event SPOOL_FAILED tells). Errors:
   MEMORY. Any thread, not under the lock. */
enum tally_code client_spool (struct spool **spool, struct tally_client *client, struct tally_error *err);

/* The stream, or NULL. */
struct spool *client_stream (struct tally_client *client);

/* Call the callback, if any; not under a lock. `why` is never NULL. */
void client_tell (struct tally_client *client, enum tally_event event, const struct tally_error *why);

/* Wake everybody who waits for `changed`. */
void client_wake (struct tally_client *client);

/* The absolute CLOCK_MONOTONIC time `ms` from now, for pthread_cond_timedwait. */
struct timespec client_deadline (int64_t ms);
/* Milliseconds until then, 0 when it has passed. */
int64_t client_left_ms (const struct timespec *deadline);

/* A condition variable that waits by CLOCK_MONOTONIC. */
void client_cond_init (pthread_cond_t *condition);

/* A thread of the library: all signals are left to the program's own. False when there can be none. */
bool client_thread (pthread_t *thread, const char *name, void *(*main) (void *payload), void *payload);

/* A run as its handle. */
struct tally_run
{
  struct tally_client *client; /* borrowed; gone after tally_close */
  struct lifeline *lifeline; /* a reference */
  struct run_key key;
  char id[TALLY_RUN_ID_BYTES];
  char *experiment_id; /* as given; NULL: by name. For nested runs */
  char *experiment; /* as given; NULL */
};

/* As client_check; ARGUMENT also after tally_close. */
enum tally_code run_check (const struct tally_run *run, struct tally_error *err);

/* --- lifelines: any thread --- */

enum life
{
  LIFE_FORKED, /* this is a child of the process that made it */
  LIFE_OPEN,
  LIFE_CLOSED
};

/* NULL: no memory. */
struct lifeline *lifeline_new (void);
struct lifeline *lifeline_ref (struct lifeline *lifeline);
void lifeline_unref (struct lifeline *lifeline);
enum life lifeline_state (const struct lifeline *lifeline);
void lifeline_close (struct lifeline *lifeline);

#endif
