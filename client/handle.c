/* Clients: opened, asked how far they are, and closed with a deadline. */
#include "handle.h"

#include "background.h"
#include "ping.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum tally_code
client_check (const struct tally_client *client, struct tally_error *err)
{
  if (NULL == client)
    return error_set (err, TALLY_ERROR_ARGUMENT, "client must not be NULL.");
  if (LIFE_FORKED == lifeline_state (client->lifeline))
    return error_set (err, TALLY_ERROR_FORKED,
                      "The client belongs to the parent process: open another one behind fork().");
  return TALLY_OK;
}

/* --- time and threads --- */

struct timespec
client_deadline (int64_t ms)
{
  struct timespec at;

  if (ms < 0)
    ms = 0;
  clock_gettime (CLOCK_MONOTONIC, &at);
  at.tv_sec += (time_t)(ms / 1000);
  at.tv_nsec += (long)(ms % 1000) * 1000000;
  if (at.tv_nsec >= 1000000000)
  {
    at.tv_sec++;
    at.tv_nsec -= 1000000000;
  }
  return at;
}

int64_t
client_left_ms (const struct timespec *deadline)
{
  struct timespec now;
  int64_t left_ms;

  clock_gettime (CLOCK_MONOTONIC, &now);
  left_ms = ((int64_t)deadline->tv_sec - now.tv_sec) * 1000 + (deadline->tv_nsec - now.tv_nsec) / 1000000;
  return left_ms < 0 ? 0 : left_ms;
}

void
client_cond_init (pthread_cond_t *condition)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (condition, &attributes);
  pthread_condattr_destroy (&attributes);
}

bool
client_thread (pthread_t *thread, const char *name, void *(*main) (void *payload), void *payload)
{
  sigset_t all;
  sigset_t before;
  bool ok;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  ok = 0 == pthread_create (thread, NULL, main, payload);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (ok)
    pthread_setname_np (*thread, name);
  return ok;
}

void
client_wake (struct tally_client *client)
{
  pthread_mutex_lock (&client->lock);
  pthread_cond_broadcast (&client->changed);
  pthread_mutex_unlock (&client->lock);
}

/* --- events --- */

void
client_tell (struct tally_client *client, enum tally_event event, const struct tally_error *why)
{
  tally_event_callback *callback;
  void *payload;

  pthread_mutex_lock (&client->lock);
  callback = client->callback;
  payload = client->payload;
  pthread_mutex_unlock (&client->lock);
  if (NULL != callback)
    callback (payload, event, why);
}

void
tally_on_event (struct tally_client *client, tally_event_callback *callback, void *payload)
{
  if (TALLY_OK != client_check (client, NULL))
    return;
  pthread_mutex_lock (&client->lock);
  client->callback = callback;
  client->payload = payload;
  pthread_mutex_unlock (&client->lock);
}

/* --- open and close --- */

static void
client_free (struct tally_client *client, bool forked)
{
  transport_free (client->transport, forked);
  tally_options_free (client->options);
  ping_free (client->ping);
  free (client->spool_folder);
  if (! forked)
  {
    pthread_cond_destroy (&client->changed);
    pthread_mutex_destroy (&client->lock);
    pthread_mutex_destroy (&client->starting);
  }
  lifeline_unref (client->lifeline);
  free (client);
}

static enum tally_code
set_options (struct tally_client *client, const struct tally_options *options, struct tally_error *err)
{
  enum tally_code code;

  if (NULL != options)
  {
    client->options = options_copy (options);
    return NULL == client->options ? error_memory (err) : TALLY_OK;
  }
  code = tally_options_new (&client->options, err);
  return TALLY_OK == code ? tally_options_load (client->options, err) : code;
}

enum tally_code
tally_open (struct tally_client **client, const struct tally_options *options, struct tally_error *err)
{
  struct tally_client *made;
  enum tally_code code;

  if (NULL == client)
    return error_set (err, TALLY_ERROR_ARGUMENT, "client must not be NULL.");
  *client = NULL;
  made = calloc (1, sizeof (*made));
  if (NULL == made)
    return error_memory (err);
  pthread_mutex_init (&made->lock, NULL);
  pthread_mutex_init (&made->starting, NULL);
  client_cond_init (&made->changed);
  made->lifeline = lifeline_new ();
  code = NULL == made->lifeline ? error_memory (err) : set_options (made, options, err);
  if (TALLY_OK == code)
    code = transport_new (&made->transport, made->options, NULL, NULL, err);
  if (TALLY_OK == code)
    *client = made;
  else
    client_free (made, false);
  return code;
}

enum tally_code
tally_close (struct tally_client *client, int64_t deadline_ms, struct tally_error *err)
{
  enum tally_code code;
  bool forked;

  if (NULL == client)
    return TALLY_OK;
  code = client_check (client, err);
  forked = TALLY_OK != code;
  if (deadline_ms < 0)
    deadline_ms = options_number (client->options, OPTION_CLOSE_DEADLINE_MS);
  if (! forked)
  {
    lifeline_close (client->lifeline);
    code = background_stop (client, deadline_ms, err);
  }
  else
    background_forget (client);
  client_free (client, forked);
  return code;
}
