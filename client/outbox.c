/* The outbox: files and ends of runs that are sent one after the other by a thread of its own. */
#include "outbox.h"

#include "delivery.h"
#include "outbox_send.h"
#include "outbox_store.h"
#include "sender.h"
#include "writer.h"

#include <stdlib.h>
#include <string.h>

/* How long a run is waited for before looking whether to stop. */
#define RUN_WAIT_MS 1000

/* Longest pause while somebody waits. */
#define HURRY_MS 1000

/* How long the first file waits for the stream to be made: a disk that takes longer is ill. */
#define STREAM_WAIT_MS 5000

struct outbox
{
  struct tally_client *client;
  pthread_mutex_t lock; /* guards what follows; taken before the client's, never during I/O of a large file */
  pthread_cond_t changed; /* CLOCK_MONOTONIC */
  struct outbox_entry *first; /* being sent */
  struct outbox_entry **last; /* where the next one goes */
  size_t count;
  uint64_t next_number;
  uint64_t bytes; /* of all entries */
  pthread_t thread;
  bool has_thread;
  bool stopping;
  unsigned waiting; /* threads in outbox_wait */
  bool failing; /* UNREACHABLE was told */
  struct tally_error why; /* of the last failure; code OK: none */
};

enum tally_code
outbox_new (struct outbox **outbox, struct tally_client *client, struct tally_error *err)
{
  struct outbox *made = calloc (1, sizeof (*made));

  *outbox = NULL;
  if (NULL == made)
    return error_memory (err);
  made->client = client;
  made->last = &made->first;
  made->next_number = 1;
  pthread_mutex_init (&made->lock, NULL);
  client_cond_init (&made->changed);
  *outbox = made;
  return TALLY_OK;
}

static const char *
folder_of (const struct outbox *outbox)
{
  const struct spool *spool = client_stream (outbox->client);

  return NULL == spool ? NULL : spool_folder (spool);
}

/* --- the thread --- */

/* The server's id of the run, once the sender knows it. */
static enum tally_code
run_id_of (char id[TALLY_RUN_ID_BYTES], struct outbox *outbox, const struct outbox_entry *entry,
           struct tally_error *err)
{
  return sender_run_id (id, outbox->client->sender, &entry->run, RUN_WAIT_MS, err);
}

/* Take the first entry off. */
static void
finish (struct outbox *outbox, struct outbox_entry *entry)
{
  pthread_mutex_lock (&outbox->lock);
  outbox->first = entry->next;
  if (NULL == outbox->first)
    outbox->last = &outbox->first;
  outbox->count--;
  outbox->bytes -= entry->bytes;
  pthread_cond_broadcast (&outbox->changed);
  pthread_mutex_unlock (&outbox->lock);
  free (entry);
}

static void
tell_success (struct outbox *outbox)
{
  struct tally_error why;
  bool recovered;

  pthread_mutex_lock (&outbox->lock);
  recovered = outbox->failing;
  outbox->failing = false;
  outbox->why.code = TALLY_OK;
  pthread_mutex_unlock (&outbox->lock);
  error_set (&why, TALLY_OK, "Files are sent again.");
  if (recovered)
    client_tell (outbox->client, TALLY_EVENT_RECOVERED, &why);
}

static void
tell_failure (struct outbox *outbox, const struct tally_error *why)
{
  bool first;

  atomic_fetch_add (&outbox->client->retries, 1);
  pthread_mutex_lock (&outbox->lock);
  first = ! outbox->failing;
  outbox->failing = true;
  outbox->why = *why;
  pthread_mutex_unlock (&outbox->lock);
  if (first)
    client_tell (outbox->client, TALLY_EVENT_UNREACHABLE, why);
}

static void
reject (struct outbox *outbox, struct outbox_entry *entry, const struct tally_error *why)
{
  if (entry->stored)
    outbox_store_reject (folder_of (outbox), entry, why);
  atomic_fetch_add (&outbox->client->rejected, 1);
  client_tell (outbox->client, TALLY_EVENT_REJECTED, why);
  finish (outbox, entry);
}

/* The run of the first entry is not there yet: what it has goes behind the entries of others, in its order. */
static void
postpone (struct outbox *outbox)
{
  const struct outbox_entry *entry;
  struct outbox_entry *postponed = NULL;
  struct outbox_entry **end = &postponed;
  struct outbox_entry **link = &outbox->first;

  pthread_mutex_lock (&outbox->lock);
  entry = outbox->first;
  while (NULL != *link)
    if (run_key_equal (&(*link)->run, &entry->run))
    {
      *end = *link;
      *link = (*link)->next;
      end = &(*end)->next;
      *end = NULL;
    }
    else
      link = &(*link)->next;
  *link = postponed;
  outbox->last = end;
  pthread_mutex_unlock (&outbox->lock);
}

/* One try. The pause until the next one, 0: none. */
static int64_t
try_entry (struct outbox *outbox, struct outbox_entry *entry, unsigned *attempt)
{
  struct tally_client *client = outbox->client;
  char id[TALLY_RUN_ID_BYTES];
  struct tally_error why;
  enum tally_code code = run_id_of (id, outbox, entry, &why);

  if (TALLY_ERROR_TIMEOUT == code)
    postpone (outbox);
  if (TALLY_ERROR_TIMEOUT == code || TALLY_ERROR_CANCELLED == code)
    return 0;
  if (TALLY_OK == code)
  {
    atomic_fetch_add (&client->requests, 1);
    code = outbox_send_entry (client->transport, client->options, folder_of (outbox), entry, id, &why);
  }
  if (TALLY_OK == code)
  {
    if (entry->stored)
      outbox_store_remove (folder_of (outbox), entry);
    *attempt = 0;
    tell_success (outbox);
    finish (outbox, entry);
    return 0;
  }
  if (TALLY_ERROR_CANCELLED == code)
    return 0;
  if (outbox_refused (&why))
  {
    reject (outbox, entry, &why);
    return 0;
  }
  tell_failure (outbox, &why);
  return transport_pause_ms (++*attempt, options_number (client->options, OPTION_RETRY_MAX_MS), -1);
}

/* The first entry; waits for one. NULL: stop. */
static struct outbox_entry *
wait_for_entry (struct outbox *outbox)
{
  struct outbox_entry *entry;

  pthread_mutex_lock (&outbox->lock);
  while (! outbox->stopping && NULL == outbox->first)
    pthread_cond_wait (&outbox->changed, &outbox->lock);
  entry = outbox->stopping ? NULL : outbox->first;
  pthread_mutex_unlock (&outbox->lock);
  return entry;
}

/* Shorter as soon as somebody waits. */
static void
pause_sending (struct outbox *outbox, int64_t pause_ms)
{
  struct timespec hurried = client_deadline (pause_ms < HURRY_MS ? pause_ms : HURRY_MS);
  struct timespec latest = client_deadline (pause_ms);

  pthread_mutex_lock (&outbox->lock);
  while (! outbox->stopping && client_left_ms (outbox->waiting > 0 ? &hurried : &latest) > 0)
    pthread_cond_timedwait (&outbox->changed, &outbox->lock, outbox->waiting > 0 ? &hurried : &latest);
  pthread_mutex_unlock (&outbox->lock);
}

static void *
outbox_main (void *payload)
{
  struct outbox *outbox = payload;
  struct outbox_entry *entry;
  unsigned attempt = 0;

  while (NULL != (entry = wait_for_entry (outbox)))
  {
    int64_t pause_ms = try_entry (outbox, entry, &attempt);

    if (pause_ms > 0)
      pause_sending (outbox, pause_ms);
  }
  return NULL;
}

/* --- adding --- */

/* Append; starts the thread with the first one. Under the lock. */
static enum tally_code
append (struct outbox *outbox, struct outbox_entry *entry, struct tally_error *err)
{
  if (! outbox->has_thread && NULL != outbox->client->sender && ! outbox->stopping)
  {
    if (! client_thread (&outbox->thread, "tally-outbox", outbox_main, outbox))
      return error_memory (err);
    outbox->has_thread = true;
  }
  *outbox->last = entry;
  outbox->last = &entry->next;
  outbox->count++;
  outbox->bytes += entry->bytes;
  pthread_cond_broadcast (&outbox->changed);
  return TALLY_OK;
}

/* What a new entry is made of: a file, or bytes. */
struct content
{
  const char *path; /* NULL: data */
  const void *data;
  size_t bytes;
};

static bool
must_force (const struct outbox *outbox)
{
  return FSYNC_NONE != (enum fsync_policy)options_number (outbox->client->options, OPTION_FSYNC);
}

/* Room in the spool, as the option spool-bytes says. */
static enum tally_code
check_room (struct outbox *outbox, const struct spool *spool, uint64_t bytes, struct tally_error *err)
{
  uint64_t max_bytes = (uint64_t)options_number (outbox->client->options, OPTION_SPOOL_BYTES);
  uint64_t used_bytes;

  if (0 == max_bytes)
    return TALLY_OK;
  pthread_mutex_lock (&outbox->lock);
  used_bytes = outbox->bytes + spool_disk_bytes (spool);
  pthread_mutex_unlock (&outbox->lock);
  return used_bytes + bytes > max_bytes
             ? error_set (err, TALLY_ERROR_FULL, "The spool is full: option spool-bytes allows %llu bytes.",
                          (unsigned long long)max_bytes)
             : TALLY_OK;
}

static enum tally_code
store_content (struct outbox_entry *entry, const char *folder, const struct content *content, bool force,
               struct tally_error *err)
{
  if (NULL != content->path)
    return outbox_store_file (&entry->bytes, folder, entry->number, content->path, force, err);
  entry->bytes = content->bytes;
  return outbox_store_bytes (folder, entry->number, content->data, content->bytes, force, err);
}

static enum tally_code
add (struct outbox *outbox, struct outbox_entry *entry, const struct content *content, struct tally_error *err)
{
  bool force = must_force (outbox);
  struct spool *spool = NULL;
  const char *folder = NULL;
  enum tally_code code;

  /* The start of the run makes the stream; the writer, not this caller, tells when the disk refuses that. */
  if (NULL == client_stream (outbox->client))
    writer_wait (outbox->client->writer, ring_last (outbox->client->ring), STREAM_WAIT_MS, NULL);
  code = client_spool (&spool, outbox->client, err);

  if (TALLY_OK == code)
    folder = spool_folder (spool);
  if (TALLY_OK == code && NULL == folder)
    code = error_set (err, TALLY_ERROR_FILE, "There is no folder for the spool to keep the file in.");
  if (TALLY_OK != code)
    return code;
  pthread_mutex_lock (&outbox->lock);
  entry->number = outbox->next_number++;
  pthread_mutex_unlock (&outbox->lock);
  entry->stored = true;
  code = store_content (entry, folder, content, force, err);
  if (TALLY_OK == code)
    code = check_room (outbox, spool, entry->bytes, err);
  if (TALLY_OK == code)
    code = outbox_store_entry (folder, entry, force, err);
  if (TALLY_OK == code)
  {
    pthread_mutex_lock (&outbox->lock);
    code = append (outbox, entry, err);
    pthread_mutex_unlock (&outbox->lock);
  }
  if (TALLY_OK != code)
    outbox_store_remove (folder, entry);
  return code;
}

static enum tally_code
add_named (struct outbox *outbox, const struct run_key *run, const char *name, const struct content *content,
           struct tally_error *err)
{
  struct outbox_entry *entry = outbox_entry_new (name);
  enum tally_code code;

  if (NULL == entry)
    return error_memory (err);
  entry->run = *run;
  code = add (outbox, entry, content, err);
  if (TALLY_OK != code)
    free (entry);
  return code;
}

enum tally_code
outbox_add_file (struct outbox *outbox, const struct run_key *run, const char *path, const char *name,
                 struct tally_error *err)
{
  struct content content = { .path = path };

  return add_named (outbox, run, name, &content, err);
}

enum tally_code
outbox_add_bytes (struct outbox *outbox, const struct run_key *run, const void *data, size_t bytes, const char *name,
                  struct tally_error *err)
{
  struct content content = { .data = data, .bytes = bytes };

  return add_named (outbox, run, name, &content, err);
}

static bool
has_run (const struct outbox_entry *entry, const struct run_key *run)
{
  for (; NULL != entry; entry = entry->next)
    if (run_key_equal (&entry->run, run))
      return true;
  return false;
}

bool
outbox_take_end (struct outbox *outbox, const struct run_key *run, enum tally_status status, int64_t end_ms)
{
  const char *folder = folder_of (outbox);
  struct outbox_entry *entry = NULL;
  struct tally_error ignored;
  bool taken = false;

  pthread_mutex_lock (&outbox->lock);
  if (has_run (outbox->first, run))
    entry = outbox_entry_new ("");
  if (NULL != entry)
  {
    entry->run = *run;
    entry->number = outbox->next_number++;
    entry->is_end = true;
    entry->status = status;
    entry->end_ms = end_ms;
    entry->stored = NULL != folder && TALLY_OK == outbox_store_entry (folder, entry, must_force (outbox), &ignored);
    taken = TALLY_OK == append (outbox, entry, &ignored);
  }
  pthread_mutex_unlock (&outbox->lock);
  if (! taken && NULL != entry && entry->stored)
    outbox_store_remove (folder, entry);
  if (! taken)
    free (entry);
  return taken;
}

/* --- waiting and stopping --- */

/* An entry added before that number waits. Under the lock. */
static bool
waits_before (const struct outbox *outbox, uint64_t number)
{
  for (const struct outbox_entry *entry = outbox->first; NULL != entry; entry = entry->next)
    if (entry->number < number)
      return true;
  return false;
}

enum tally_code
outbox_wait (struct outbox *outbox, int64_t deadline_ms, struct tally_error *err)
{
  struct timespec deadline = client_deadline (deadline_ms);
  enum tally_code code = TALLY_OK;
  uint64_t until;
  bool waits;

  pthread_mutex_lock (&outbox->lock);
  until = outbox->next_number;
  outbox->waiting++;
  pthread_cond_broadcast (&outbox->changed);
  while ((waits = waits_before (outbox, until)) && ! outbox->stopping && client_left_ms (&deadline) > 0)
    pthread_cond_timedwait (&outbox->changed, &outbox->lock, &deadline);
  outbox->waiting--;
  if (waits)
    code =
        error_set (err, TALLY_ERROR_TIMEOUT, "The deadline passed before all files were sent%s%.1000s",
                   TALLY_OK == outbox->why.code ? "." : ": ", TALLY_OK == outbox->why.code ? "" : outbox->why.message);
  pthread_mutex_unlock (&outbox->lock);
  return code;
}

size_t
outbox_count (struct outbox *outbox)
{
  size_t count;

  pthread_mutex_lock (&outbox->lock);
  count = outbox->count;
  pthread_mutex_unlock (&outbox->lock);
  return count;
}

void
outbox_stop_thread (struct outbox *outbox)
{
  bool has_thread;

  pthread_mutex_lock (&outbox->lock);
  outbox->stopping = true;
  has_thread = outbox->has_thread;
  outbox->has_thread = false;
  pthread_cond_broadcast (&outbox->changed);
  pthread_mutex_unlock (&outbox->lock);
  if (has_thread)
    pthread_join (outbox->thread, NULL);
}

void
outbox_stop (struct outbox *outbox, bool forked)
{
  if (NULL == outbox)
    return;
  if (! forked)
    outbox_stop_thread (outbox);
  while (NULL != outbox->first)
  {
    struct outbox_entry *next = outbox->first->next;

    free (outbox->first);
    outbox->first = next;
  }
  if (! forked)
  {
    pthread_cond_destroy (&outbox->changed);
    pthread_mutex_destroy (&outbox->lock);
  }
  free (outbox);
}
