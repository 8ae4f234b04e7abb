/* tally_sync: sends what earlier clients left in the spool folder.

   DESIGN: two passes over the streams, because a run may be started by one process and logged to by another: in the
   first pass a stream whose run nobody knows is left; in the second, when all others had their chance to create it,
   its records are refused and kept. */
#include "delivery.h"
#include "handle.h"
#include "outbox_send.h"
#include "outbox_store.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest pause between two tries: somebody waits for the end. */
#define PAUSE_MAX_MS 5000

struct sync
{
  struct tally_client *client;
  struct tally_sync_result *result;
  bool all_servers;
  tally_sync_callback *callback;
  void *payload;
  const char *folder;
  bool last_pass;
  bool cancelled;
  char *away; /* owned; a server that did not answer: its other streams are left; NULL: none */
  struct tally_error why; /* of the last thing that was not sent; code OK: all was */

  /* Of the stream that is being sent. */
  const char *stream; /* its name */
  struct spool *spool;
  struct transport *transport;
  struct delivery *delivery;
  uint64_t next_number; /* of its outbox */
  bool left; /* for the second pass */
};

/* --- progress --- */

/* False when the callback says stop. */
static bool
report (struct sync *sync)
{
  if (! sync->cancelled && NULL != sync->callback)
    sync->cancelled = ! sync->callback (sync->payload, sync->result, sync->stream);
  return ! sync->cancelled;
}

static void
on_rejected (void *payload, const struct record *record, const struct tally_error *why)
{
  struct sync *sync = payload;

  (void)record;
  sync->result->rejected++;
  client_tell (sync->client, TALLY_EVENT_REJECTED, why);
}

/* The end of a run waits for its files, which are sent behind the records. */
static bool
on_end (void *payload, const struct run_key *run, enum tally_status status, int64_t end_ms)
{
  struct sync *sync = payload;
  const char *folder = spool_folder (sync->spool);
  struct outbox_entry *entries = NULL;
  struct outbox_entry *end = NULL;
  struct tally_error ignored;
  bool taken = false;

  outbox_store_list (&entries, &sync->next_number, folder, &ignored);
  while (NULL != entries)
  {
    struct outbox_entry *next = entries->next;

    if (NULL == end && run_key_equal (&entries->run, run))
      end = outbox_entry_new ("");
    free (entries);
    entries = next;
  }
  if (NULL != end)
  {
    end->number = sync->next_number++;
    end->run = *run;
    end->is_end = true;
    end->status = status;
    end->end_ms = end_ms;
    taken = TALLY_OK == outbox_store_entry (folder, end, true, &ignored);
  }
  free (end);
  return taken;
}

/* --- one stream --- */

/* Whether to try again after an error; pauses. The last try comes when patience ends, however long the pause would be:
   what is only known after a while (see blame_after_ms) is known then. */
static bool
try_again (struct sync *sync, unsigned *attempt, uint64_t last_success_us, int64_t retry_after_ms,
           const struct tally_error *why)
{
  int64_t limit_ms = options_number (sync->client->options, OPTION_REQUEST_TIMEOUT_MS);
  int64_t left_ms = limit_ms - (int64_t)((clock_monotonic_us () - last_success_us) / 1000);
  int64_t pause_ms = transport_pause_ms (++*attempt, PAUSE_MAX_MS, retry_after_ms);

  if (! why->retryable || TALLY_ERROR_NOT_FOUND == why->code || left_ms <= 0 || left_ms <= retry_after_ms)
    return false;
  if (pause_ms > left_ms)
    pause_ms = left_ms;
  return report (sync) && transport_sleep (sync->client->transport, pause_ms);
}

/* Send the records. */
static enum tally_code
send_records (struct sync *sync, struct tally_error *err)
{
  uint64_t sent_before = sync->result->points;
  uint64_t last_success_us = clock_monotonic_us ();
  unsigned attempt = 0;
  bool more = true;

  while (more && report (sync))
  {
    enum tally_code code = delivery_step (&more, sync->delivery, err);

    sync->result->points = sent_before + delivery_sent (sync->delivery);
    if (TALLY_OK == code)
    {
      attempt = 0;
      last_success_us = clock_monotonic_us ();
    }
    else if (! try_again (sync, &attempt, last_success_us, delivery_retry_after_ms (sync->delivery), err))
      return code;
  }
  return sync->cancelled ? error_set (err, TALLY_ERROR_CANCELLED, "Syncing was stopped.") : TALLY_OK;
}

/* Send one entry of the outbox, or give it up. */
static enum tally_code
send_entry (struct sync *sync, const struct outbox_entry *entry, struct tally_error *err)
{
  const char *folder = spool_folder (sync->spool);
  uint64_t begin_us = clock_monotonic_us ();
  char id[TALLY_RUN_ID_BYTES];
  unsigned attempt = 0;

  while (report (sync))
  {
    enum tally_code code = delivery_run_id (id, sync->delivery, &entry->run, err);

    if (TALLY_OK == code)
      code = outbox_send_entry (sync->transport, sync->client->options, folder, entry, id, err);
    if (TALLY_OK == code)
    {
      outbox_store_remove (folder, entry);
      sync->result->points++;
      return code;
    }
    if (outbox_refused (err) && ! err->retryable)
    {
      outbox_store_reject (folder, entry, err);
      on_rejected (sync, NULL, err);
      return TALLY_OK;
    }
    if (! try_again (sync, &attempt, begin_us, -1, err))
      return code;
  }
  return error_set (err, TALLY_ERROR_CANCELLED, "Syncing was stopped.");
}

static enum tally_code
send_outbox (struct sync *sync, struct tally_error *err)
{
  struct outbox_entry *entries;
  enum tally_code code = outbox_store_list (&entries, &sync->next_number, spool_folder (sync->spool), err);

  while (NULL != entries)
  {
    struct outbox_entry *next = entries->next;

    if (TALLY_OK == code)
      code = send_entry (sync, entries, err);
    free (entries);
    entries = next;
  }
  return code;
}

static enum tally_code
send_stream (struct sync *sync, struct tally_error *err)
{
  struct tally_client *client = sync->client;
  struct run_table *runs = NULL;
  struct delivery_settings settings = {
    .spool = sync->spool,
    .batch_points = (size_t)options_number (client->options, OPTION_BATCH_POINTS),
    .request_timeout_ms = options_number (client->options, OPTION_REQUEST_TIMEOUT_MS),
    .unknown_run_ms = sync->last_pass ? 0 : -1,
    /* Before patience is over: see try_again. */
    .blame_after_ms = options_number (client->options, OPTION_REQUEST_TIMEOUT_MS) / 4,
    .requests = &client->requests,
    .rejected = on_rejected,
    .take_end = on_end,
    .payload = sync,
  };
  enum tally_code code =
      transport_new (&sync->transport, client->options, spool_server (sync->spool), spool_workspace (sync->spool), err);

  if (TALLY_OK == code)
    code = run_table_new (&runs, err);
  settings.transport = sync->transport;
  settings.runs = runs;
  if (TALLY_OK == code)
    code = delivery_new (&sync->delivery, &settings, err);
  if (TALLY_OK == code)
    code = send_records (sync, err);
  if (TALLY_OK == code)
    code = send_outbox (sync, err);
  delivery_free (sync->delivery);
  run_table_free (runs, false);
  transport_free (sync->transport, false);
  sync->delivery = NULL;
  sync->transport = NULL;
  return code;
}

/* Whether the stream's server did not answer for another stream. */
static bool
is_away (const struct sync *sync)
{
  return NULL != sync->away && 0 == strcmp (sync->away, spool_server (sync->spool));
}

/* Nobody answers, or nobody who knows who asks: waiting for that once is enough. */
static void
note_away (struct sync *sync, const struct tally_error *why)
{
  if (TALLY_ERROR_UNREACHABLE != why->code && TALLY_ERROR_TIMEOUT != why->code && TALLY_ERROR_PROTOCOL != why->code
      && TALLY_ERROR_OVERLOADED != why->code && TALLY_ERROR_UNAUTHENTICATED != why->code)
    return;
  free (sync->away);
  sync->away = strdup (spool_server (sync->spool));
}

static bool
is_wanted (const struct sync *sync)
{
  return sync->all_servers || 0 == strcmp (spool_server (sync->spool), transport_server (sync->client->transport));
}

/* What became of the stream. */
static void
conclude (struct sync *sync, enum tally_code code, const struct tally_error *why)
{
  struct tally_sync_result *result = sync->result;

  if (TALLY_OK == code)
  {
    if (spool_is_finished (sync->spool))
      result->finished++;
    else
      result->kept++;
    return;
  }
  sync->left = delivery_not_there (code, why) && ! sync->last_pass;
  if (sync->left)
    return;
  result->waiting += spool_waiting (sync->spool);
  note_away (sync, why);
  sync->why = *why;
}

/* What was refused before is tried again: the token, the experiment or the run may be there now. */
static void
take_back (struct sync *sync)
{
  uint64_t entries = 0;
  struct tally_error why;

  if (TALLY_OK != spool_retry_rejected (sync->spool, &entries, &why))
    sync->why = why;
  outbox_store_retry (spool_folder (sync->spool));
}

/* Take over one stream and send it. */
static void
sync_stream (struct sync *sync)
{
  struct spool_settings settings = {
    .folder = sync->folder,
    .fsync = FSYNC_NONE,
    .memory_bytes = (uint64_t)options_number (sync->client->options, OPTION_MEMORY_BYTES),
  };
  uint64_t torn_bytes = 0;
  struct tally_error why;
  char *path;
  enum tally_code code;

  if (asprintf (&path, "%s/%s", sync->folder, sync->stream) < 0)
  {
    error_memory (&sync->why);
    return;
  }
  code = spool_adopt (&sync->spool, path, &settings, &torn_bytes, &why);
  free (path);
  if (TALLY_ERROR_BUSY == code)
  {
    sync->result->streams += sync->last_pass ? 0 : 1;
    sync->result->busy += sync->last_pass ? 0 : 1;
  }
  else if (TALLY_OK != code)
    sync->why = why;
  if (TALLY_OK != code)
    return;
  if (is_wanted (sync))
  {
    sync->result->streams += sync->last_pass ? 0 : 1;
    sync->result->torn_bytes += torn_bytes;
    if (! sync->last_pass)
      take_back (sync);
    why = sync->why;
    conclude (sync, is_away (sync) ? why.code : send_stream (sync, &why), &why);
    if (! sync->left)
      sync->result->damaged_bytes += spool_damaged_bytes (sync->spool);
  }
  spool_close (sync->spool, false);
  sync->spool = NULL;
}

/* --- all of them --- */

/* The names of the streams, sorted, so that each process's come in their order. */
static int
no_dots (const struct dirent *entry)
{
  return '.' != entry->d_name[0];
}

struct names
{
  struct dirent **list;
  int count;
};

static enum tally_code
list_streams (struct names *names, const char *folder, struct tally_error *err)
{
  names->count = scandir (folder, &names->list, no_dots, alphasort);
  if (names->count >= 0)
    return TALLY_OK;
  names->count = 0;
  return ENOENT == errno ? TALLY_OK : error_file (err, errno, "%s", folder);
}

static void
names_free (struct names *names)
{
  for (int i = 0; i < names->count; i++)
    free (names->list[i]);
  free (names->list);
}

/* One pass; streams that are done or hopeless leave the list. */
static void
pass (struct sync *sync, struct names *names)
{
  int kept = 0;

  for (int i = 0; i < names->count; i++)
  {
    sync->stream = names->list[i]->d_name;
    sync->left = false;
    if (report (sync))
      sync_stream (sync);
    if (sync->left)
      names->list[kept++] = names->list[i];
    else
      free (names->list[i]);
  }
  names->count = kept;
}

/* What came of it all. */
static enum tally_code
outcome (const struct sync *sync, struct tally_error *err)
{
  if (sync->cancelled)
    return error_set (err, TALLY_ERROR_CANCELLED, "Syncing was stopped.");
  if (TALLY_OK == sync->why.code)
    return TALLY_OK;
  error_set (err, TALLY_ERROR_PENDING, "%llu points could not be sent: %.1200s",
             (unsigned long long)sync->result->waiting, sync->why.message);
  if (NULL != err)
    err->http_status = sync->why.http_status;
  return TALLY_ERROR_PENDING;
}

enum tally_code
tally_sync (struct tally_sync_result *result, struct tally_client *client, bool all_servers,
            tally_sync_callback *callback, void *payload, struct tally_error *err)
{
  struct tally_sync_result own;
  struct names names = { 0 };
  char *folder = NULL;
  struct sync sync = { .client = client, .all_servers = all_servers, .callback = callback, .payload = payload };
  enum tally_code code = client_check (client, err);

  if (TALLY_OK != code)
    return code;
  sync.result = NULL == result ? &own : result;
  memset (sync.result, 0, sizeof (*sync.result));
  code = options_spool_folder (&folder, client->options, err);
  if (TALLY_OK == code)
    code = list_streams (&names, folder, err);
  if (TALLY_OK == code)
  {
    sync.folder = folder;
    pass (&sync, &names);
    sync.last_pass = true;
    pass (&sync, &names);
    code = outcome (&sync, err);
  }
  names_free (&names);
  free (sync.away);
  free (folder);
  return code;
}
