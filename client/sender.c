/* The sender: the thread that keeps a delivery going, pauses after failures, and tells what happened. */
#include "sender.h"

#include "delivery.h"
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

/* Longest pause while somebody waits, unless the server asked for more. */
#define HURRY_MS 1000

/* Pause while a run is not there yet that another process creates. */
#define UNKNOWN_RUN_PAUSE_MS 1000

struct sender
{
  struct tally_client *client;
  struct run_table *runs;
  struct delivery *delivery; /* the thread's; NULL until there is a stream */
  pthread_t thread;
  unsigned attempt; /* the thread's: failures since the last success */

  /* Guarded by the client's lock. */
  bool stopping;
  bool hurry; /* somebody began to wait */
  unsigned waiting;
  uint64_t acked; /* entries that are done, and of which all is counted and told */
  bool failing; /* UNREACHABLE was told, RECOVERED not yet */
  struct tally_error last; /* of the last failure; code OK: none */
};

/* --- what the delivery tells --- */

static void
on_rejected (void *payload, const struct record *record, const struct tally_error *why)
{
  struct sender *sender = payload;

  (void)record;
  atomic_fetch_add (&sender->client->rejected, 1);
  client_tell (sender->client, TALLY_EVENT_REJECTED, why);
}

static bool
on_end (void *payload, const struct run_key *run, enum tally_status status, int64_t end_ms)
{
  const struct sender *sender = payload;

  return outbox_take_end (sender->client->outbox, run, status, end_ms);
}

static enum tally_code
make_delivery (struct sender *sender, struct spool *spool, struct tally_error *err)
{
  struct tally_client *client = sender->client;
  struct delivery_settings settings = {
    .spool = spool,
    .transport = client->transport,
    .runs = sender->runs,
    .batch_points = (size_t)options_number (client->options, OPTION_BATCH_POINTS),
    .request_timeout_ms = options_number (client->options, OPTION_REQUEST_TIMEOUT_MS),
    .unknown_run_ms = DELIVERY_UNKNOWN_RUN_MS,
    .blame_after_ms = DELIVERY_BLAME_AFTER_MS,
    .requests = &client->requests,
    .rejected = on_rejected,
    .take_end = on_end,
    .payload = sender,
  };

  return delivery_new (&sender->delivery, &settings, err);
}

/* --- the thread --- */

/* Wait until the stream has more than `seen` entries. False: stop. */
static bool
wait_for_entries (struct sender *sender, uint64_t seen)
{
  struct tally_client *client = sender->client;
  bool stopping;

  pthread_mutex_lock (&client->lock);
  while (! sender->stopping && (NULL == client->spool || spool_last (client->spool) <= seen))
    pthread_cond_wait (&client->changed, &client->lock);
  stopping = sender->stopping;
  pthread_mutex_unlock (&client->lock);
  return ! stopping;
}

/* A request got through. */
static void
note_success (struct sender *sender)
{
  struct tally_client *client = sender->client;
  bool recovered;

  sender->attempt = 0;
  atomic_store (&client->sent, delivery_sent (sender->delivery));
  pthread_mutex_lock (&client->lock);
  recovered = sender->failing;
  sender->failing = false;
  sender->last.code = TALLY_OK;
  pthread_mutex_unlock (&client->lock);
  if (recovered)
  {
    struct tally_error why;

    error_set (&why, TALLY_OK, "%s answers again.", transport_server (client->transport));
    client_tell (client, TALLY_EVENT_RECOVERED, &why);
  }
}

static void
note_failure (struct sender *sender, const struct tally_error *why)
{
  struct tally_client *client = sender->client;
  bool first;

  atomic_fetch_add (&client->retries, 1);
  pthread_mutex_lock (&client->lock);
  first = ! sender->failing && TALLY_ERROR_NOT_FOUND != why->code;
  sender->failing = sender->failing || first;
  sender->last = *why;
  pthread_cond_broadcast (&client->changed);
  pthread_mutex_unlock (&client->lock);
  if (first)
    client_tell (client, TALLY_EVENT_UNREACHABLE, why);
}

/* Who waits for what was done goes on only now: counters and events are as they should be. */
static void
note_acked (struct sender *sender, const struct spool *spool)
{
  struct tally_client *client = sender->client;

  pthread_mutex_lock (&client->lock);
  sender->acked = spool_acked (spool);
  pthread_cond_broadcast (&client->changed);
  pthread_mutex_unlock (&client->lock);
}

/* How long to wait before the next try. */
static int64_t
pause_of (struct sender *sender, const struct tally_error *why)
{
  int64_t max_ms = options_number (sender->client->options, OPTION_RETRY_MAX_MS);

  /* A token is not renewed within seconds. */
  if (TALLY_ERROR_UNAUTHENTICATED == why->code || TALLY_ERROR_FORBIDDEN == why->code)
    return max_ms;
  if (TALLY_ERROR_NOT_FOUND == why->code && max_ms > UNKNOWN_RUN_PAUSE_MS)
    max_ms = UNKNOWN_RUN_PAUSE_MS;
  return transport_pause_ms (++sender->attempt, max_ms, -1);
}

/* Pause; what the server asked for is kept, the rest ends early when somebody waits. */
static void
pause_sending (struct sender *sender, const struct tally_error *why)
{
  struct tally_client *client = sender->client;
  struct timespec earliest = client_deadline (delivery_retry_after_ms (sender->delivery));
  struct timespec hurried = client_deadline (HURRY_MS);
  struct timespec latest = client_deadline (pause_of (sender, why));

  pthread_mutex_lock (&client->lock);
  sender->hurry = false;
  while (! sender->stopping)
  {
    const struct timespec *until = &latest;

    if (sender->waiting > 0 && client_left_ms (&hurried) < client_left_ms (&latest))
      until = &hurried;
    if (client_left_ms (&earliest) > (sender->hurry ? 0 : client_left_ms (until)))
      until = &earliest;
    else if (sender->hurry)
      break;
    if (0 == client_left_ms (until))
      break;
    pthread_cond_timedwait (&client->changed, &client->lock, until);
  }
  pthread_mutex_unlock (&client->lock);
}

/* One request, or none when all is sent. False: there was nothing. */
static bool
step (struct sender *sender, struct spool *spool)
{
  struct tally_error why;
  bool more = true;
  enum tally_code code = TALLY_OK;

  if (NULL == sender->delivery)
    code = make_delivery (sender, spool, &why);
  if (TALLY_OK == code)
    code = delivery_step (&more, sender->delivery, &why);
  if (TALLY_OK == code && more)
    note_success (sender);
  else if (TALLY_OK != code && TALLY_ERROR_CANCELLED != code)
    note_failure (sender, &why);
  note_acked (sender, spool);
  if (TALLY_OK == code)
    return more;
  if (TALLY_ERROR_CANCELLED == code)
    return true;
  if (NULL != sender->delivery)
    pause_sending (sender, &why);
  else
    transport_sleep (sender->client->transport, HURRY_MS);
  return true;
}

static bool
is_stopping (struct sender *sender)
{
  bool stopping;

  pthread_mutex_lock (&sender->client->lock);
  stopping = sender->stopping;
  pthread_mutex_unlock (&sender->client->lock);
  return stopping;
}

static void *
sender_main (void *payload)
{
  struct sender *sender = payload;
  uint64_t seen = 0;

  while (wait_for_entries (sender, seen))
  {
    struct spool *spool = client_stream (sender->client);

    seen = spool_last (spool);
    while (! is_stopping (sender) && step (sender, spool))
      ;
  }
  return NULL;
}

/* --- from outside --- */

enum tally_code
sender_start (struct sender **sender, struct tally_client *client, struct tally_error *err)
{
  struct sender *made = calloc (1, sizeof (*made));
  enum tally_code code;

  *sender = NULL;
  if (NULL == made)
    return error_memory (err);
  made->client = client;
  code = run_table_new (&made->runs, err);
  if (TALLY_OK == code && ! client_thread (&made->thread, "tally-sender", sender_main, made))
    code = error_memory (err);
  if (TALLY_OK == code)
    *sender = made;
  else
    sender_free (made, false);
  return code;
}

void
sender_stop (struct sender *sender)
{
  if (NULL == sender)
    return;
  pthread_mutex_lock (&sender->client->lock);
  sender->stopping = true;
  pthread_cond_broadcast (&sender->client->changed);
  pthread_mutex_unlock (&sender->client->lock);
  pthread_join (sender->thread, NULL);
}

void
sender_free (struct sender *sender, bool forked)
{
  if (NULL == sender)
    return;
  delivery_free (sender->delivery);
  run_table_free (sender->runs, forked);
  free (sender);
}

/* TIMEOUT, with the reason why it takes so long. Under the lock. */
static enum tally_code
timed_out (const struct sender *sender, const char *what, struct tally_error *err)
{
  if (TALLY_OK == sender->last.code)
    return error_set (err, TALLY_ERROR_TIMEOUT, "The deadline passed before %s.", what);
  error_set (err, TALLY_ERROR_TIMEOUT, "The deadline passed before %s: %.1000s", what, sender->last.message);
  if (NULL != err)
    err->http_status = sender->last.http_status;
  return TALLY_ERROR_TIMEOUT;
}

/* Whether a wait is over; called under the lock. */
typedef bool is_over (struct sender *sender, const void *what);

/* Wait until it is over, the sender stops, or the deadline. True: it is over. The lock is held again. */
static bool
wait_until (struct sender *sender, is_over *over, const void *what, int64_t deadline_ms)
{
  struct tally_client *client = sender->client;
  struct timespec deadline = client_deadline (deadline_ms);
  bool done;

  pthread_mutex_lock (&client->lock);
  sender->waiting++;
  sender->hurry = true;
  pthread_cond_broadcast (&client->changed);
  while (! (done = over (sender, what)) && ! sender->stopping && client_left_ms (&deadline) > 0)
    pthread_cond_timedwait (&client->changed, &client->lock, &deadline);
  sender->waiting--;
  return done;
}

static bool
is_acknowledged (struct sender *sender, const void *entry)
{
  return sender->acked >= *(const uint64_t *)entry;
}

enum tally_code
sender_wait (struct sender *sender, uint64_t entry, int64_t deadline_ms, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;

  if (! wait_until (sender, is_acknowledged, &entry, deadline_ms))
    code = timed_out (sender, "everything was sent", err);
  pthread_mutex_unlock (&sender->client->lock);
  return code;
}

static bool
is_decided (struct sender *sender, const void *run)
{
  return RUN_UNKNOWN != run_table_get (NULL, sender->runs, run, NULL);
}

enum tally_code
sender_run_id (char id[TALLY_RUN_ID_BYTES], struct sender *sender, const struct run_key *run, int64_t deadline_ms,
               struct tally_error *err)
{
  struct tally_error why;
  enum tally_code code = TALLY_OK;

  if (! wait_until (sender, is_decided, run, deadline_ms))
    code = sender->stopping ? error_set (err, TALLY_ERROR_CANCELLED, "The client is being closed.")
                            : timed_out (sender, "the server had the run", err);
  else if (RUN_REFUSED == run_table_get (id, sender->runs, run, &why))
  {
    code = why.code;
    if (NULL != err)
      *err = why;
  }
  pthread_mutex_unlock (&sender->client->lock);
  return code;
}
