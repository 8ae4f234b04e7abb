/* Requests over connections that are kept: a pool of curl handles for one server.

   DESIGN: a channel is a curl multi handle with one easy handle; the connection stays in the multi handle. A request
   takes a channel out of the pool and puts it back. The multi interface is used for one thing that the easy one lacks:
   another thread can wake a wait, so that closing a client never waits for a server.

   Bodies are sent as they are: compressing them would need zlib, which libcurl uses for answers only. */
#include "transport.h"

#include "error.h"
#include "transport_answer.h"
#include "transport_exchange.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* Channels kept: as many as tally_transfer allows files at a time. */
#define IDLE_MAX 16

/* Longest pause of a call that somebody waits for. */
#define CALL_PAUSE_MAX_MS 5000

struct channel
{
  struct channel *next; /* in the list of idle ones or of busy ones; guarded by the transport's lock */
  CURLM *multi;
  CURL *easy;
};

struct transport
{
  struct transport_settings settings; /* never changed */

  pthread_mutex_t lock; /* guards the lists */
  pthread_cond_t cancelling; /* CLOCK_MONOTONIC */
  struct channel *idle;
  struct channel *busy;
  unsigned idle_count;
  atomic_bool cancelled; /* set under the lock, once */
};

/* --- making one --- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

/* Never undone: the program may use curl too. */
static void
start_curl (void)
{
  curl_ready = curl_global_init (CURL_GLOBAL_DEFAULT);
}

enum tally_code
transport_new (struct transport **transport, const struct tally_options *options, const char *server,
               const char *workspace, struct tally_error *err)
{
  struct transport *made;
  pthread_condattr_t attributes;
  enum tally_code code;

  *transport = NULL;
  pthread_once (&curl_once, start_curl);
  made = CURLE_OK == curl_ready ? calloc (1, sizeof (*made)) : NULL;
  if (NULL == made)
    return error_memory (err);
  pthread_mutex_init (&made->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&made->cancelling, &attributes);
  pthread_condattr_destroy (&attributes);
  code = transport_settings_load (&made->settings, options, server, workspace, err);
  if (TALLY_OK == code)
    *transport = made;
  else
    transport_free (made, false);
  return code;
}

static void
channel_free (struct channel *channel)
{
  if (NULL == channel)
    return;
  curl_easy_cleanup (channel->easy);
  curl_multi_cleanup (channel->multi);
  free (channel);
}

void
transport_free (struct transport *transport, bool forked)
{
  if (NULL == transport)
    return;
  while (! forked && NULL != transport->idle)
  {
    struct channel *channel = transport->idle;

    transport->idle = channel->next;
    channel_free (channel);
  }
  transport_settings_free (&transport->settings);
  if (! forked)
  {
    pthread_cond_destroy (&transport->cancelling);
    pthread_mutex_destroy (&transport->lock);
  }
  free (transport);
}

const char *
transport_server (const struct transport *transport)
{
  return transport->settings.server;
}

void
transport_cancel (struct transport *transport)
{
  pthread_mutex_lock (&transport->lock);
  atomic_store (&transport->cancelled, true);
  for (struct channel *channel = transport->busy; NULL != channel; channel = channel->next)
    curl_multi_wakeup (channel->multi);
  pthread_cond_broadcast (&transport->cancelling);
  pthread_mutex_unlock (&transport->lock);
}

/* --- the pool --- */

/* A channel for one request, in the list of busy ones; NULL when memory is out. */
static struct channel *
channel_take (struct transport *transport)
{
  struct channel *channel;

  pthread_mutex_lock (&transport->lock);
  channel = transport->idle;
  if (NULL != channel)
  {
    transport->idle = channel->next;
    transport->idle_count--;
  }
  pthread_mutex_unlock (&transport->lock);
  if (NULL == channel)
  {
    channel = calloc (1, sizeof (*channel));
    if (NULL == channel)
      return NULL;
    channel->multi = curl_multi_init ();
    channel->easy = curl_easy_init ();
    if (NULL == channel->multi || NULL == channel->easy)
    {
      channel_free (channel);
      return NULL;
    }
  }
  pthread_mutex_lock (&transport->lock);
  channel->next = transport->busy;
  transport->busy = channel;
  pthread_mutex_unlock (&transport->lock);
  return channel;
}

static void
channel_put (struct transport *transport, struct channel *channel)
{
  struct channel **place = &transport->busy;

  pthread_mutex_lock (&transport->lock);
  while (*place != channel)
    place = &(*place)->next;
  *place = channel->next;
  if (transport->idle_count < IDLE_MAX && ! atomic_load (&transport->cancelled))
  {
    channel->next = transport->idle;
    transport->idle = channel;
    transport->idle_count++;
    channel = NULL;
  }
  pthread_mutex_unlock (&transport->lock);
  channel_free (channel);
}

/* --- sending --- */

enum tally_code
transport_send (struct transport_answer *answer, struct transport *transport, const struct transport_request *request,
                struct tally_error *err)
{
  struct exchange exchange = {
    .settings = &transport->settings, .cancelled = &transport->cancelled, .request = request, .answer = answer
  };
  struct channel *channel;
  enum tally_code code;

  transport_answer_init (answer);
  /* So that what a sink stored can be told from what was there before. */
  if (NULL != request->sink && NULL != err)
    err->code = TALLY_OK;
  if (atomic_load (&transport->cancelled))
    return error_set (err, TALLY_ERROR_CANCELLED, "The client is being closed.");
  channel = channel_take (transport);
  if (NULL == channel)
    return error_memory (err);
  exchange.multi = channel->multi;
  exchange.easy = channel->easy;
  code = exchange_run (&exchange, err);
  channel_put (transport, channel);
  return code;
}

/* --- trying again --- */

/* Pause before the second try, doubled with each. */
#define PAUSE_FIRST_MS 100

int64_t
transport_pause_ms (unsigned attempt, int64_t max_ms, int64_t retry_after_ms)
{
  int64_t range = PAUSE_FIRST_MS;
  uint64_t random = 0;
  int64_t pause;

  while (attempt-- > 1 && range < max_ms)
    range *= 2;
  if (range > max_ms)
    range = max_ms;
  if (getrandom (&random, sizeof (random), GRND_NONBLOCK) != (ssize_t)sizeof (random))
    random = clock_monotonic_us () * 0x9e3779b97f4a7c15u >> 20;
  pause = (int64_t)(random % (uint64_t)(range + 1));
  return pause < retry_after_ms ? retry_after_ms : pause;
}

bool
transport_sleep (struct transport *transport, int64_t ms)
{
  struct timespec until;
  bool cancelled;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000)
  {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock (&transport->lock);
  while (! (cancelled = atomic_load (&transport->cancelled))
         && ETIMEDOUT != pthread_cond_timedwait (&transport->cancelling, &transport->lock, &until))
    ;
  pthread_mutex_unlock (&transport->lock);
  return ! cancelled;
}

/* Whether the server may have done what a request asks that must not be done twice. */
static bool
may_be_done (const struct transport_answer *answer)
{
  return answer->sent && 429 != answer->status && 503 != answer->status;
}

enum tally_code
transport_call (struct transport_answer *answer, struct transport *transport, const struct transport_request *request,
                int64_t deadline_ms, struct tally_error *err)
{
  int64_t end_ms = clock_monotonic_ms () + deadline_ms;
  struct transport_request copy = *request;
  struct tally_error error;
  enum tally_code code;

  for (unsigned attempt = 1;; attempt++)
  {
    int64_t left_ms = end_ms - clock_monotonic_ms ();
    int64_t pause_ms;

    if (left_ms < 1)
      left_ms = 1;
    copy.timeout_ms = request->timeout_ms > 0 && request->timeout_ms < left_ms ? request->timeout_ms : left_ms;
    code = transport_send (answer, transport, &copy, &error);
    if (TALLY_OK == code)
      return code;
    pause_ms = transport_pause_ms (attempt, CALL_PAUSE_MAX_MS, answer->retry_after_ms);
    if (! error.retryable || (request->once && may_be_done (answer)) || clock_monotonic_ms () + pause_ms >= end_ms)
      break;
    transport_answer_free (answer);
    if (! transport_sleep (transport, pause_ms))
    {
      transport_answer_init (answer);
      return error_set (err, TALLY_ERROR_CANCELLED, "The client is being closed.");
    }
  }
  if (NULL != err)
    *err = error;
  return code;
}
