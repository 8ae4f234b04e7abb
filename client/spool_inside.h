/* The spool inside: what its files share. Segments in memory and on disk, the reader, the notes. */
#ifndef CLIENT_SPOOL_INSIDE_H
#define CLIENT_SPOOL_INSIDE_H

#include "dictionary.h"
#include "record_code.h"
#include "spool.h"
#include "spool_frame.h"

#include <pthread.h>
#include <stdatomic.h>

/* Version of the format of a stream: in stream.json and in each segment. */
#define SPOOL_FORMAT 1

/* A segment begins with: magic (8), format (4), zero (4), number (8), first entry (8), CRC-32C of all that (4). */
#define SEGMENT_MAGIC "TALLYSPL"
#define SEGMENT_HEAD_BYTES ((size_t)36)

/* A segment is closed by the write that passes this; in memory, where it is to be written out in one go, earlier. With
   a limit that is small both are an eighth of it: only whole segments make room. */
#define SEGMENT_BYTES ((uint64_t)8 << 20)
#define SEGMENT_MEMORY_BYTES ((uint64_t)1 << 20)
#define SEGMENTS_OF_LIMIT 8

/* "N.segment.damaged" with a number of 20 digits. */
#define SEGMENT_NAME_BYTES 48

struct segment
{
  struct segment *next; /* newer */
  uint64_t number;
  uint64_t first_entry;
  uint64_t last_entry; /* first_entry - 1: none yet */
  uint64_t bytes; /* valid ones, with the head */
  char *memory; /* NULL: on disk */
  bool closed; /* nothing is appended any more */
  bool writing; /* is being written out of memory: stays in the list */
  bool damaged; /* the reader passes over what is left of it, the writer begins another */
  bool kept; /* under another name, instead of removed */
};

/* A record that was read and is not acknowledged yet. */
struct stored
{
  struct stored *next;
  struct arena *arena; /* of all of it, this struct too */
  struct record *record;
};

/* The sender's side. */
struct spool_reader
{
  struct segment *segment; /* NULL: none yet */
  int file; /* of it; -1: not open */
  uint64_t entry; /* last one read */
  uint64_t known; /* last one that was put into the queue */
  bool opened; /* its head was read */
  bool lost; /* something was damaged */
  struct record_context context;
  struct frame_reader frames;
  struct stored *first; /* read, not acknowledged */
  struct stored *last;
  struct stored *served; /* handed out last; NULL: none */
};

/* The writer's side. */
struct spool_writer
{
  int file; /* of the last segment; -1: none is open */
  struct record_context context;
  struct buffer out;
  int64_t retry_at_ms; /* when the disk is tried again, CLOCK_MONOTONIC */
  bool folder_unforced; /* a segment was made since the folder was forced */
  bool force_failed; /* a segment that was closed could not be forced */
  struct tally_error failure; /* why the disk does not take more */
};

struct spool_notes
{
  pthread_mutex_t lock; /* held during I/O: notes are few */
  int file; /* -1: none */
  uint64_t bytes; /* of the file */
  uint64_t live_bytes; /* of what is valid of it */
  bool rewrite; /* the file is not what is in memory */
  struct dictionary keys;
  char **values; /* by index of the key; owned */
  char **old_values; /* replaced: somebody may still look at them */
  uint32_t room;
  uint32_t old_count;
  uint64_t passed; /* all up to this entry is done, except what is of these runs; changed by the sender's thread */
  uint64_t left_entries; /* what that is, when it was passed */
  struct run_key left[SPOOL_MAX_LEFT];
  size_t left_count;
};

struct spool
{
  char *folder; /* of the stream; NULL: in memory */
  char *server;
  char *workspace; /* NULL: none */
  int folder_file; /* -1: in memory */
  int lock_file;
  enum fsync_policy fsync;
  uint64_t max_bytes; /* UINT64_MAX: no limit */
  uint64_t max_memory_bytes;
  uint64_t segment_bytes; /* a segment is closed when it has as many */
  uint64_t segment_memory_bytes; /* the same of one in memory */

  pthread_mutex_t lock; /* guards the list of segments and what is in it; not held during I/O */
  struct segment *first;
  struct segment *last_segment;
  uint64_t next_number;

  atomic_uint_fast64_t last;
  atomic_uint_fast64_t acked;
  atomic_uint_fast64_t disk_bytes;
  atomic_uint_fast64_t memory_bytes;
  atomic_uint_fast64_t damaged_bytes;
  atomic_bool rejected;

  struct spool_writer writer;
  struct spool_reader reader;
  struct spool_notes notes;
};

/* --- spool.c --- */

/* A spool without folder and segments. NULL: no memory. */
struct spool *spool_new (const struct spool_settings *settings);
void spool_free (struct spool *spool);

/* --- spool_segment.c --- */

void segment_name (char name[SEGMENT_NAME_BYTES], uint64_t number);
/* Append to the list. NULL: no memory. */
struct segment *segment_add (struct spool *spool, uint64_t number, uint64_t first_entry);
void segment_head_write (unsigned char head[SEGMENT_HEAD_BYTES], const struct segment *segment);
/* False when it is none; `*format` is set when only that is of another version. */
bool segment_head_read (uint64_t *number, uint64_t *first_entry, uint32_t *format, const void *head);
/* Remove the closed segments at the start of the list whose entries are all acknowledged. The sender's thread. */
void segments_sweep (struct spool *spool);
/* Try to write what is in memory to the disk, whatever the time. The writer's thread. */
bool segments_save (struct spool *spool);

/* --- spool_read.c --- */

void reader_init (struct spool *spool);
void reader_free (struct spool *spool);
/* Leave a segment that is to be removed. */
void reader_leave (struct spool *spool);
/* Free the records that are acknowledged. */
void reader_drop_acked (struct spool *spool);
/* Free the records up to `entry` that are of none of these runs. Returns how many entries stay; `*done` is up to where
   none does. */
uint64_t reader_drop_passed (uint64_t *done, struct spool *spool, uint64_t entry, const struct run_key *left,
                             size_t count);

/* --- spool_notes.c --- */

/* Read `notes` of the folder; what is torn or damaged at its end is left out, counted. */
enum tally_code notes_open (struct spool *spool, uint64_t *torn_bytes, struct tally_error *err);
void notes_free (struct spool *spool);
/* Note what is acknowledged. Failing is left for later: what is sent again changes nothing on the server. */
void notes_ack (struct spool *spool);
/* The same, for what is done beyond that. */
void notes_pass (struct spool *spool, uint64_t entry, uint64_t left_entries, const struct run_key *left, size_t count);

/* --- spool_folder.c --- */

#define STREAM_NAME "stream.json"
#define LOCK_NAME "lock"
/* There when the process that made the stream has let go of it, and may take it over itself. */
#define LEFT_NAME "left"

/* True when the folder holds nothing but what the spool itself puts there, and nothing that somebody may want. */
bool folder_is_ours (const struct spool *spool);
void folder_remove (struct spool *spool);
/* The process lets go of the stream and leaves it. */
void folder_leave (const struct spool *spool);

/* --- spool_rejected.c --- */

/* See whether something that was rejected is kept. */
void rejected_look (struct spool *spool);

/* --- spool_recover.c --- */

/* Find the segments of the folder and how far they are whole; cut torn ends off. */
enum tally_code segments_recover (struct spool *spool, uint64_t *torn_bytes, struct tally_error *err);

#endif
