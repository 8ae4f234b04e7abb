/* Reading a spool: record by record, kept until acknowledged, or passed over. */
#include "spool_inside.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Most memory for one record: a frame has at most 32 MiB; its points and copies of their keys are less than this. */
#define RECORD_ARENA_BYTES ((size_t)256 << 20)

/* What is known of the reader's segment at one moment. */
struct view
{
  struct segment *segment;
  struct segment *next;
  uint64_t end;
  uint64_t last_entry;
  bool closed;
  bool damaged;
};

/* frame_source: from memory or from the file. */
static ssize_t
read_segment (void *payload, void *into, size_t bytes, uint64_t offset)
{
  struct spool *spool = payload;
  struct spool_reader *reader = &spool->reader;
  char name[SEGMENT_NAME_BYTES];
  bool in_memory;

  pthread_mutex_lock (&spool->lock);
  in_memory = NULL != reader->segment->memory;
  if (in_memory)
  {
    uint64_t left = reader->segment->bytes - offset;

    bytes = left < bytes ? (size_t)left : bytes;
    memcpy (into, reader->segment->memory + offset, bytes);
  }
  pthread_mutex_unlock (&spool->lock);
  if (in_memory)
    return (ssize_t)bytes;
  if (reader->file < 0)
  {
    segment_name (name, reader->segment->number);
    reader->file = openat (spool->folder_file, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reader->file < 0)
      return -1;
  }
  return frame_from_file (&reader->file, into, bytes, offset);
}

void
reader_init (struct spool *spool)
{
  spool->reader.file = -1;
  frame_reader_init (&spool->reader.frames, read_segment, spool);
}

/* Go to the start of a segment, or to none. */
static void
enter (struct spool_reader *reader, struct segment *segment)
{
  if (reader->file >= 0)
    close (reader->file);
  reader->file = -1;
  reader->segment = segment;
  reader->opened = false;
  record_context_clear (&reader->context);
  frame_reader_seek (&reader->frames, 0);
}

void
reader_leave (struct spool *spool)
{
  enter (&spool->reader, NULL);
}

/* Take the first record behind `before` (NULL: of all) out of the queue. The struct itself is in the arena. */
static void
drop_behind (struct spool_reader *reader, struct stored *before)
{
  struct stored *done = NULL == before ? reader->first : before->next;

  if (reader->served == done)
    reader->served = before;
  if (reader->last == done)
    reader->last = before;
  if (NULL == before)
    reader->first = done->next;
  else
    before->next = done->next;
  arena_free (done->arena);
}

void
reader_drop_acked (struct spool *spool)
{
  struct spool_reader *reader = &spool->reader;
  uint64_t acked = spool_acked (spool);

  while (NULL != reader->first && reader->first->record->entry <= acked)
    drop_behind (reader, NULL);
}

static bool
is_among (const struct run_key *run, const struct run_key *runs, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (run_key_equal (&runs[i], run))
      return true;
  return false;
}

uint64_t
reader_drop_passed (uint64_t *done, struct spool *spool, uint64_t entry, const struct run_key *left, size_t count)
{
  uint64_t entries = 0;
  struct spool_reader *reader = &spool->reader;
  struct stored *before = NULL;
  struct stored *at;

  while (NULL != (at = NULL == before ? reader->first : before->next) && at->record->entry <= entry)
    if (is_among (&at->record->run, left, count))
    {
      entries += record_entries (at->record);
      before = at;
    }
    else
      drop_behind (reader, before);
  *done = entry;
  if (NULL != reader->first && reader->first->record->entry <= entry)
    *done = reader->first->record->entry - record_entries (reader->first->record);
  return entries;
}

/* Done by an earlier sender, though not acknowledged: see spool_pass. */
static bool
is_passed (const struct spool_notes *notes, const struct record *record)
{
  return record->entry <= notes->passed && ! is_among (&record->run, notes->left, notes->left_count);
}

void
reader_free (struct spool *spool)
{
  struct spool_reader *reader = &spool->reader;

  enter (reader, NULL);
  while (NULL != reader->first)
    drop_behind (reader, NULL);
  frame_reader_free (&reader->frames);
}

static struct view
look (struct spool *spool)
{
  struct spool_reader *reader = &spool->reader;
  struct view view = { .segment = reader->segment };

  pthread_mutex_lock (&spool->lock);
  if (NULL == view.segment && NULL != spool->first)
  {
    view.segment = spool->first;
    enter (reader, view.segment);
  }
  if (NULL != view.segment)
  {
    view.next = view.segment->next;
    view.end = view.segment->bytes;
    view.last_entry = view.segment->last_entry;
    view.closed = view.segment->closed;
    view.damaged = view.segment->damaged;
  }
  pthread_mutex_unlock (&spool->lock);
  return view;
}

/* Pass over what is left of a segment: the writer begins another when it sees the mark. */
static void
skip (struct spool *spool, const struct view *view)
{
  struct spool_reader *reader = &spool->reader;

  pthread_mutex_lock (&spool->lock);
  view->segment->damaged = true;
  pthread_mutex_unlock (&spool->lock);
  atomic_fetch_add (&spool->damaged_bytes, view->end - reader->frames.offset);
  frame_reader_seek (&reader->frames, view->end);
  reader->entry = view->last_entry;
  reader->opened = true;
  reader->lost = true;
}

static enum frame_verdict
open_segment (struct spool_reader *reader, const struct view *view)
{
  struct slice head;
  uint64_t number;
  uint64_t first_entry;
  uint32_t format;
  enum frame_verdict verdict = frame_raw (&head, &reader->frames, SEGMENT_HEAD_BYTES, view->end);

  if (FRAME_GOOD != verdict)
    return verdict;
  if (! segment_head_read (&number, &first_entry, &format, head.data) || number != view->segment->number
      || first_entry != view->segment->first_entry)
  {
    frame_reader_seek (&reader->frames, 0);
    return FRAME_DAMAGED;
  }
  reader->entry = first_entry - 1;
  reader->opened = true;
  return FRAME_GOOD;
}

static void
store (struct spool_reader *reader, struct stored *stored)
{
  if (NULL == reader->last)
    reader->first = stored;
  else
    reader->last->next = stored;
  reader->last = stored;
}

/* Decode one frame into the queue, unless it is known already. */
static enum frame_verdict
decode (struct spool *spool, struct slice payload, uint64_t frame_at)
{
  struct spool_reader *reader = &spool->reader;
  struct arena *arena = arena_new (RECORD_ARENA_BYTES);
  struct stored *stored = NULL == arena ? NULL : arena_alloc (arena, sizeof (*stored));
  enum record_verdict verdict = RECORD_NO_MEMORY;

  if (NULL != stored)
    verdict = record_decode (&stored->record, &reader->context, payload, reader->entry, arena);
  if (RECORD_GOOD == verdict)
  {
    reader->entry = stored->record->entry;
    if (reader->entry > reader->known && reader->entry > spool_acked (spool)
        && ! is_passed (&spool->notes, stored->record))
    {
      stored->arena = arena;
      reader->known = reader->entry;
      store (reader, stored);
      return FRAME_GOOD;
    }
  }
  else if (RECORD_BROKEN == verdict)
    frame_reader_seek (&reader->frames, frame_at);
  else
    /* The context is spoilt: read the segment again, later. */
    enter (reader, reader->segment);
  arena_free (arena);
  if (RECORD_GOOD == verdict)
    return FRAME_GOOD;
  return RECORD_BROKEN == verdict ? FRAME_DAMAGED : FRAME_NO_MEMORY;
}

static enum frame_verdict
read_frame (struct spool *spool, const struct view *view)
{
  struct spool_reader *reader = &spool->reader;
  enum frame_verdict verdict = FRAME_GOOD;
  struct slice payload;
  uint64_t frame_at;

  if (view->damaged)
    return reader->frames.offset < view->end ? FRAME_DAMAGED : FRAME_NONE;
  if (! reader->opened)
    verdict = open_segment (reader, view);
  if (FRAME_GOOD != verdict)
    return verdict;
  frame_at = reader->frames.offset;
  verdict = frame_next (&payload, &reader->frames, view->end);
  return FRAME_GOOD == verdict ? decode (spool, payload, frame_at) : verdict;
}

/* Read on until a record is in the queue behind the one served last. False: nothing more, or an error. */
static bool
read_on (enum tally_code *code, struct spool *spool, struct tally_error *err)
{
  struct spool_reader *reader = &spool->reader;
  const struct stored *before = reader->last;

  *code = TALLY_OK;
  while (before == reader->last)
  {
    struct view view = look (spool);
    enum frame_verdict verdict = NULL == view.segment ? FRAME_NONE : read_frame (spool, &view);

    if (FRAME_NO_MEMORY == verdict)
      *code = error_memory (err);
    else if (FRAME_FAILED == verdict && ENOENT != errno && ESTALE != errno)
      *code = error_file (err, errno, "%s: cannot read segment %llu", spool->folder,
                          (unsigned long long)view.segment->number);
    else if (FRAME_NONE == verdict && NULL == view.next)
      return false;
    else if (FRAME_NONE == verdict)
      enter (reader, view.next);
    else if (FRAME_GOOD != verdict)
      skip (spool, &view);
    if (TALLY_OK != *code)
      return false;
  }
  return true;
}

/* Leave out the points that are acknowledged already. */
static void
trim (struct record *record, uint64_t acked)
{
  uint64_t first = record->entry - record_entries (record) + 1;

  if (RECORD_POINTS != record->kind || first > acked)
    return;
  record->points.items += acked + 1 - first;
  record->points.count -= acked + 1 - first;
}

enum tally_code
spool_next (const struct record **record, struct spool *spool, struct tally_error *err)
{
  struct spool_reader *reader = &spool->reader;
  enum tally_code code = TALLY_OK;

  *record = NULL;
  if (reader->served == reader->last && ! read_on (&code, spool, err))
  {
    /* What was lost by damage is nobody's to send any more. */
    if (TALLY_OK == code && reader->lost && NULL == reader->first && reader->entry > spool_acked (spool))
      code = spool_ack (spool, reader->entry, err);
    return code;
  }
  reader->served = NULL == reader->served ? reader->first : reader->served->next;
  trim (reader->served->record, spool_acked (spool));
  *record = reader->served->record;
  return TALLY_OK;
}
