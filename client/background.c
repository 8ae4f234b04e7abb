/* The background of a client: started by its first run, waited for, counted, and stopped in order. */
#include "background.h"

#include "outbox.h"
#include "sender.h"
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
client_started (const struct tally_client *client)
{
  return atomic_load_explicit (&client->started, memory_order_acquire);
}

static bool
is_offline (const struct tally_client *client)
{
  return 1 == options_number (client->options, OPTION_MODE);
}

/* --- starting --- */

/* Let go of what was begun; the lock is not held, because threads may wait for it. */
static void
undo_start (struct tally_client *client)
{
  sender_stop (client->sender);
  sender_free (client->sender, false);
  writer_stop (client->writer, false);
  outbox_stop (client->outbox, false);
  ring_free (client->ring);
  client->sender = NULL;
  client->outbox = NULL;
  client->writer = NULL;
  client->ring = NULL;
}

static enum tally_code
start (struct tally_client *client, struct tally_error *err)
{
  bool offline = is_offline (client);
  enum tally_code code = TALLY_OK;

  if (NULL == client->spool_folder)
    code = options_spool_folder (&client->spool_folder, client->options, err);
  /* Without a folder memory has to do, which is of no use to somebody who wants to send later. */
  if (TALLY_ERROR_CONFIGURATION == code && ! offline)
    code = TALLY_OK;
  if (TALLY_OK == code)
    code = ring_new (&client->ring, (size_t)options_number (client->options, OPTION_MEMORY_BYTES), err);
  if (TALLY_OK == code)
    code = outbox_new (&client->outbox, client, err);
  if (TALLY_OK == code)
    code = writer_start (&client->writer, client, err);
  if (TALLY_OK == code && ! offline)
    code = sender_start (&client->sender, client, err);
  return code;
}

enum tally_code
client_start (struct tally_client *client, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;

  if (client_started (client))
    return TALLY_OK;
  pthread_mutex_lock (&client->starting);
  if (! client_started (client))
  {
    code = start (client, err);
    if (TALLY_OK == code)
      atomic_store_explicit (&client->started, true, memory_order_release);
    else
      undo_start (client);
  }
  pthread_mutex_unlock (&client->starting);
  return code;
}

/* --- the stream --- */

struct spool *
client_stream (struct tally_client *client)
{
  struct spool *spool;

  pthread_mutex_lock (&client->lock);
  spool = client->spool;
  pthread_mutex_unlock (&client->lock);
  return spool;
}

static enum tally_code
create_on_disk (struct spool **spool, const struct tally_client *client, const struct spool_settings *settings,
                struct tally_error *err)
{
  if (NULL == client->spool_folder)
    return error_set (err, TALLY_ERROR_FILE,
                      "There is no folder for the spool: set TALLY_SPOOL, XDG_STATE_HOME or "
                      "HOME.");
  return spool_create (spool, settings, err);
}

enum tally_code
client_spool (struct spool **spool, struct tally_client *client, struct tally_error *err)
{
  struct spool_settings settings = {
    .folder = client->spool_folder,
    .server = transport_server (client->transport),
    .workspace = options_text (client->options, OPTION_WORKSPACE),
    .fsync = (enum fsync_policy)options_number (client->options, OPTION_FSYNC),
    .max_bytes = (uint64_t)options_number (client->options, OPTION_SPOOL_BYTES),
    .memory_bytes = (uint64_t)options_number (client->options, OPTION_MEMORY_BYTES),
  };
  struct tally_error why;
  enum tally_code failed = TALLY_OK;
  enum tally_code code = TALLY_OK;

  pthread_mutex_lock (&client->lock);
  if (NULL == client->spool)
  {
    failed = create_on_disk (&client->spool, client, &settings, &why);
    if (TALLY_OK != failed)
      code = spool_create_in_memory (&client->spool, &settings, err);
  }
  *spool = client->spool;
  pthread_mutex_unlock (&client->lock);
  if (TALLY_OK != failed)
    client_tell (client, TALLY_EVENT_SPOOL_FAILED, &why);
  return code;
}

/* --- waiting --- */

/* Until everything logged so far is acknowledged. */
static enum tally_code
wait_sent (struct tally_client *client, int64_t deadline_ms, struct tally_error *err)
{
  struct timespec deadline = client_deadline (deadline_ms);
  enum tally_code code = sender_wait (client->sender, ring_last (client->ring), deadline_ms, err);

  if (TALLY_OK == code)
    code = outbox_wait (client->outbox, client_left_ms (&deadline), err);
  return code;
}

/* Entries that were logged and are not sent. */
static uint64_t
waiting (const struct tally_client *client, const struct spool *spool)
{
  return ring_last (client->ring) - (NULL == spool ? 0 : spool_last (spool) - spool_waiting (spool));
}

/* What waits, as a sentence. */
static enum tally_code
pending (struct tally_client *client, struct tally_error *err)
{
  struct spool *spool = client_stream (client);
  const char *folder = NULL == spool ? NULL : spool_folder (spool);
  uint64_t entries = waiting (client, spool);
  size_t files = outbox_count (client->outbox);
  char what[96];

  if (0 == entries && 0 == files)
    return TALLY_OK;
  if (0 == files)
    snprintf (what, sizeof (what), "%llu points", (unsigned long long)entries);
  else
    snprintf (what, sizeof (what), "%llu points and %zu file%s", (unsigned long long)entries, files,
              1 == files ? "" : "s");
  if (NULL == folder)
    return error_set (err, TALLY_ERROR_PENDING, "%s were not sent, and the spool could not be written.", what);
  return error_set (err, TALLY_ERROR_PENDING, "%s wait in %s: `tally sync` sends them.", what, folder);
}

/* The same when nothing is moved any more: what is in memory now is lost. */
static enum tally_code
left_behind (struct tally_client *client, struct tally_error *err)
{
  const struct spool *spool = client_stream (client);
  enum tally_code code = pending (client, err);
  uint64_t last = ring_last (client->ring);

  if (TALLY_ERROR_PENDING != code || NULL == spool || NULL == spool_folder (spool)
      || (0 == spool_memory_bytes (spool) && last == spool_last (spool)))
    return code;
  return error_set (err, TALLY_ERROR_PENDING,
                    "%llu points were not sent, of which not all could be written into %s: `tally sync` sends what is "
                    "there, the rest is lost.",
                    (unsigned long long)waiting (client, spool), spool_folder (spool));
}

enum tally_code
tally_flush (struct tally_client *client, int64_t deadline_ms, struct tally_error *err)
{
  enum tally_code code = client_check (client, err);

  if (TALLY_OK != code || ! client_started (client))
    return code;
  if (NULL == client->sender)
    return pending (client, err);
  return wait_sent (client, deadline_ms, err);
}

enum tally_code
tally_persist (struct tally_client *client, int64_t deadline_ms, struct tally_error *err)
{
  enum tally_code code = client_check (client, err);

  if (TALLY_OK != code || ! client_started (client))
    return code;
  return writer_wait (client->writer, ring_last (client->ring), deadline_ms, err);
}

void
tally_counters (const struct tally_client *client, struct tally_counters *counters)
{
  struct spool *spool;

  memset (counters, 0, sizeof (*counters));
  if (TALLY_OK != client_check (client, NULL) || ! client_started (client))
    return;
  /* The lock is all that is changed. */
  spool = client_stream ((struct tally_client *)(uintptr_t)client);
  counters->logged = ring_last (client->ring);
  counters->dropped = ring_dropped (client->ring);
  counters->spooled = atomic_load (&client->spooled);
  counters->sent = atomic_load (&client->sent);
  counters->rejected = atomic_load (&client->rejected);
  counters->requests = atomic_load (&client->requests);
  counters->retries = atomic_load (&client->retries);
  counters->memory_bytes = ring_bytes (client->ring) + (NULL == spool ? 0 : spool_memory_bytes (spool));
  counters->spool_bytes = NULL == spool ? 0 : spool_disk_bytes (spool);
  counters->damaged_bytes = NULL == spool ? 0 : spool_damaged_bytes (spool);
}

/* --- stopping --- */

enum tally_code
background_stop (struct tally_client *client, int64_t deadline_ms, struct tally_error *err)
{
  enum tally_code code;

  if (! client_started (client))
    return TALLY_OK;
  if (NULL != client->sender)
    wait_sent (client, deadline_ms, NULL);
  transport_cancel (client->transport);
  sender_stop (client->sender);
  outbox_stop_thread (client->outbox);
  writer_stop (client->writer, false);
  code = left_behind (client, err);
  outbox_stop (client->outbox, false);
  sender_free (client->sender, false);
  if (NULL != client->spool)
    spool_close (client->spool, false);
  ring_free (client->ring);
  return code;
}

void
background_forget (struct tally_client *client)
{
  if (! client_started (client))
    return;
  sender_free (client->sender, true);
  outbox_stop (client->outbox, true);
  writer_stop (client->writer, true);
  if (NULL != client->spool)
    spool_close (client->spool, true);
  ring_free (client->ring);
}
