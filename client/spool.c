/* Spools: made and let go of, and what any thread may ask. */
#include "spool_inside.h"

#include "error.h"

#include <stdlib.h>
#include <unistd.h>

/* How large segments may grow under a limit of all of them. */
static uint64_t
part_of (uint64_t limit, uint64_t most)
{
  return limit / SEGMENTS_OF_LIMIT < most ? limit / SEGMENTS_OF_LIMIT : most;
}

static char *
copy_of (const char *text, bool *ok)
{
  char *copy = NULL == text ? NULL : strdup (text);

  *ok = *ok && (NULL == text || NULL != copy);
  return copy;
}

struct spool *
spool_new (const struct spool_settings *settings)
{
  struct spool *spool = calloc (1, sizeof (*spool));
  bool ok = true;

  if (NULL == spool)
    return NULL;
  spool->server = copy_of (settings->server, &ok);
  spool->workspace = copy_of (settings->workspace, &ok);
  spool->folder_file = -1;
  spool->lock_file = -1;
  spool->fsync = settings->fsync;
  spool->max_bytes = 0 == settings->max_bytes ? UINT64_MAX : settings->max_bytes;
  spool->max_memory_bytes = settings->memory_bytes;
  spool->segment_bytes = part_of (spool->max_bytes, SEGMENT_BYTES);
  spool->segment_memory_bytes = part_of (spool->max_memory_bytes, SEGMENT_MEMORY_BYTES);
  spool->next_number = 1;
  pthread_mutex_init (&spool->lock, NULL);
  pthread_mutex_init (&spool->notes.lock, NULL);
  spool->notes.file = -1;
  spool->writer.file = -1;
  buffer_init (&spool->writer.out, SIZE_MAX / 4);
  reader_init (spool);
  if (! ok)
  {
    spool_free (spool);
    spool = NULL;
  }
  return spool;
}

static void
close_file (int *file)
{
  if (*file >= 0)
    close (*file);
  *file = -1;
}

/* No lock is taken: in a child of the process its state may be any. */
void
spool_free (struct spool *spool)
{
  if (NULL == spool)
    return;
  reader_free (spool);
  notes_free (spool);
  for (struct segment *segment = spool->first; NULL != segment;)
  {
    struct segment *next = segment->next;

    free (segment->memory);
    free (segment);
    segment = next;
  }
  record_context_clear (&spool->writer.context);
  buffer_free (&spool->writer.out);
  close_file (&spool->writer.file);
  close_file (&spool->folder_file);
  close_file (&spool->lock_file);
  free (spool->folder);
  free (spool->server);
  free (spool->workspace);
  free (spool);
}

enum tally_code
spool_create_in_memory (struct spool **spool, const struct spool_settings *settings, struct tally_error *err)
{
  *spool = spool_new (settings);
  return NULL == *spool ? error_memory (err) : TALLY_OK;
}

void
spool_close (struct spool *spool, bool forked)
{
  if (NULL == spool)
    return;
  if (! forked && NULL != spool->folder)
  {
    segments_save (spool);
    if (FSYNC_NONE != spool->fsync)
      spool_force (spool, NULL);
    if (spool_is_finished (spool))
      folder_remove (spool);
    else
      folder_leave (spool);
  }
  spool_free (spool);
}

const char *
spool_server (const struct spool *spool)
{
  return spool->server;
}

const char *
spool_workspace (const struct spool *spool)
{
  return spool->workspace;
}

const char *
spool_folder (const struct spool *spool)
{
  return spool->folder;
}

uint64_t
spool_last (const struct spool *spool)
{
  return atomic_load (&spool->last);
}

uint64_t
spool_acked (const struct spool *spool)
{
  return atomic_load (&spool->acked);
}

uint64_t
spool_waiting (const struct spool *spool)
{
  /* The lock is all that is changed. */
  struct spool_notes *notes = &((struct spool *)(uintptr_t)spool)->notes;
  uint64_t last = spool_last (spool);
  uint64_t acked = spool_acked (spool);
  uint64_t waiting = last - acked;

  pthread_mutex_lock (&notes->lock);
  if (notes->passed > acked && notes->passed <= last)
    waiting = last - notes->passed + notes->left_entries;
  pthread_mutex_unlock (&notes->lock);
  return waiting < last - acked ? waiting : last - acked;
}

uint64_t
spool_disk_bytes (const struct spool *spool)
{
  return atomic_load (&spool->disk_bytes);
}

uint64_t
spool_memory_bytes (const struct spool *spool)
{
  return atomic_load (&spool->memory_bytes);
}

uint64_t
spool_damaged_bytes (const struct spool *spool)
{
  return atomic_load (&spool->damaged_bytes);
}

bool
spool_is_finished (const struct spool *spool)
{
  return spool_acked (spool) == spool_last (spool) && folder_is_ours (spool);
}

bool
spool_has_rejected (const struct spool *spool)
{
  return atomic_load (&spool->rejected);
}

enum tally_code
spool_ack (struct spool *spool, uint64_t entry, struct tally_error *err)
{
  if (entry > spool_last (spool))
    return error_set (err, TALLY_ERROR_ARGUMENT, "Entry %llu was never logged.", (unsigned long long)entry);
  if (entry <= spool_acked (spool))
    return TALLY_OK;
  atomic_store (&spool->acked, entry);
  reader_drop_acked (spool);
  notes_ack (spool);
  segments_sweep (spool);
  return TALLY_OK;
}

enum tally_code
spool_pass (struct spool *spool, uint64_t entry, const struct run_key *left, size_t count, struct tally_error *err)
{
  uint64_t left_entries;
  uint64_t done;

  if (count > SPOOL_MAX_LEFT)
    return error_set (err, TALLY_ERROR_ARGUMENT, "%zu runs are too many to leave behind.", count);
  if (0 == count || entry > spool_last (spool))
    return spool_ack (spool, entry, err);
  left_entries = reader_drop_passed (&done, spool, entry, left, count);
  notes_pass (spool, entry, left_entries, left, count);
  return spool_ack (spool, done, err);
}
