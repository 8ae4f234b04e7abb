/* The spool: a folder for each client (a stream) whose segments hold what is not acknowledged yet.

   DESIGN: a stream is a folder `<host>-<pid>-<random>` below the spool's, holding
     lock         locked (fcntl) by the process that owns it: closed with the process, not inherited by fork
     left         there when that process has let go of the stream
     stream.json  format version, server, workspace, time, host, process: no secrets
     N.segment    append-only: a header, then records of length, CRC-32C, payload; each segment can be read by itself,
                  because it defines the runs and keys that it uses
     notes        append-only in the same framing: how far the server acknowledged, also beyond runs that are left
                  behind, and which id the server gave a run
     rejected     what the server refused for good, as JSON lines with the reason
     outbox-N.*   files to send (outbox.h)
   A torn tail (a crash in the middle of a write) is cut off when a stream is adopted: what was acknowledged to
   nobody. Segments whose records are all acknowledged are removed. When a segment cannot be written (disk full) records
   are kept in memory up to a limit and sent from there, until the disk takes them again. */
#ifndef CLIENT_SPOOL_H
#define CLIENT_SPOOL_H

#include "options.h"
#include "record.h"

struct spool;

struct spool_settings
{
  const char *folder; /* of all streams; made when it is not there, with its parents, mode 0700 */
  const char *server; /* URL without credentials */
  const char *workspace; /* NULL: none */
  enum fsync_policy fsync;
  uint64_t max_bytes; /* on disk; 0: no limit */
  uint64_t memory_bytes; /* when the disk fails */
};

/* A new stream, locked. Errors: FILE, MEMORY. */
enum tally_code spool_create (struct spool **spool, const struct spool_settings *settings, struct tally_error *err);

/* A new stream without a disk, in memory only: when spool_create failed. Errors: MEMORY. */
enum tally_code spool_create_in_memory (struct spool **spool, const struct spool_settings *settings,
                                        struct tally_error *err);

/* Take over a stream that its process left: lock it, recover it. Errors: BUSY while a process has it (also this one);
   FILE; PROTOCOL for a folder that is no stream or of a newer format; MEMORY. */
enum tally_code spool_adopt (struct spool **spool, const char *stream_folder, const struct spool_settings *settings,
                             uint64_t *torn_bytes, struct tally_error *err);

/* What stream.json says; borrowed from the spool. */
const char *spool_server (const struct spool *spool);
const char *spool_workspace (const struct spool *spool); /* NULL: none */
const char *spool_folder (const struct spool *spool); /* of this stream; NULL in memory */

/* --- the writer's side: one thread --- */

/* Append records (one write for all). Errors: FULL when neither disk nor memory takes them: nothing was taken, try
   again later. FILE and OK both mean taken: FILE tells that it is in memory because the disk failed. */
enum tally_code spool_append (struct spool *spool, const struct record *records, size_t count, struct tally_error *err);

/* Bring what is in memory to the disk, when that takes it again (asked at most once a second). Errors: FILE while
   something is in memory. */
enum tally_code spool_settle (struct spool *spool, struct tally_error *err);

/* The same, however short ago that was. */
enum tally_code spool_save (struct spool *spool, struct tally_error *err);

/* Force what was appended to the disk. Errors: FILE. */
enum tally_code spool_force (struct spool *spool, struct tally_error *err);

/* --- the sender's side: one thread, beside the writer --- */

/* The next record behind the cursor, NULL when there is none yet; the record, its items and its slices stay valid, also
   beside those of later calls, until spool_ack, spool_pass or spool_close. A record of POINTS has at most
   RECORD_MAX_POINTS points. Errors: FILE, MEMORY; a damaged record in the middle is skipped with the rest of its
   segment, counted by spool_damaged_bytes. */
enum tally_code spool_next (const struct record **record, struct spool *spool, struct tally_error *err);

/* Everything up to `entry` (which may be a point in the middle of a record) is done: persisted in `notes` (not forced,
   and a disk that refuses is no error: replay is idempotent), its records are freed, segments removed. Errors: ARGUMENT
   for an entry that was never appended. */
enum tally_code spool_ack (struct spool *spool, uint64_t entry, struct tally_error *err);

/* Most runs that are left behind. */
#define SPOOL_MAX_LEFT 128

/* Everything up to `entry`, which was handed out, is done except what is of these runs: remembered as spool_ack does,
   so that only theirs comes again; the other records are freed. Errors: as spool_ack. */
enum tally_code spool_pass (struct spool *spool, uint64_t entry, const struct run_key *left, size_t count,
                            struct tally_error *err);

/* Keep a record that the server refused, with the reason. */
enum tally_code spool_reject (struct spool *spool, const struct record *record, const struct tally_error *why,
                              struct tally_error *err);

/* Take what was refused back into the stream as new records at its end, so that it is sent once more; `*entries` counts
   them. Errors: FILE, MEMORY; PROTOCOL for a file that is damaged, which stays. */
enum tally_code spool_retry_rejected (struct spool *spool, uint64_t *entries, struct tally_error *err);

/* Remember a value under a key (in `notes`, forced when `durable`), for this stream's later senders. Any thread. When
   the disk refuses (FILE) it is remembered in memory all the same. */
enum tally_code spool_note (struct spool *spool, const char *key, const char *value, bool durable,
                            struct tally_error *err);
/* NULL: none. Borrowed until spool_close. Any thread. */
const char *spool_noted (const struct spool *spool, const char *key);

/* --- any thread --- */
uint64_t spool_last (const struct spool *spool); /* entry appended last */
uint64_t spool_acked (const struct spool *spool); /* entry acknowledged last */
uint64_t spool_waiting (const struct spool *spool); /* entries that are still to be sent, about */
uint64_t spool_disk_bytes (const struct spool *spool);
uint64_t spool_memory_bytes (const struct spool *spool);
uint64_t spool_damaged_bytes (const struct spool *spool);
/* All was acknowledged and nothing is there that somebody may want: spool_close removes the folder. */
bool spool_is_finished (const struct spool *spool);
bool spool_has_rejected (const struct spool *spool);

/* Let go of the stream. Its folder is removed when it is finished: nothing was rejected or damaged, and the outbox is
   empty. `forked`: only free memory and close files. */
void spool_close (struct spool *spool, bool forked);

#endif
