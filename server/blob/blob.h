/* Contents in the artifact store, named by their SHA-256: a directory, or a bucket of an S3-compatible service.

   A content is written by a writer, which hashes it on the way, made durable (blob_write_end) and only then given its
   name (blob_publish). Until then nobody can see it, and what a crash leaves behind is swept (blob_sweep). A content
   never changes; writing one that exists again changes nothing.

   Functions wait for disk or network: they are for the threads of the artifact lane and for commands, never for a
   connection's thread. Errors of all of them: TEMPORARILY_UNAVAILABLE (the service does not answer),
   INSUFFICIENT_STORAGE (no space is left, or a quota is reached), INTERNAL_ERROR with the system's text as cause. */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "base/buffer.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"

#include <stdint.h>

struct blob_store;
struct blob_writer;

/* Open the store of the setting artifact-store: a directory, or s3://bucket/prefix.
   Empty: the directory "tally-artifacts" in the current
   one. A directory is made at the first write, not here. The caller closes. Errors: INVALID_PARAMETER_VALUE naming the
   setting. The store itself may be used by many threads at once. */
enum err_code blob_store_open (struct blob_store **store, const struct config *config, struct err *err);
void blob_store_close (struct blob_store *store);

/* --- writing; a writer belongs to one thread at a time --- */

/* Begin a content. The caller frees the writer with blob_writer_free, whatever happens. */
enum err_code blob_write_start (struct blob_writer **writer, struct blob_store *store, struct err *err);

enum err_code blob_write (struct blob_writer *writer, struct slice bytes, struct err *err);

/* All bytes are there: make them durable, still without a name. */
enum err_code blob_write_end (struct digest *digest, int64_t *size_bytes, struct blob_writer *writer, struct err *err);

/* Give what blob_write_end (or blob_upload_complete) made durable its name, durably. The caller holds the row of the
   content in the table blob, so that garbage collection cannot take it away at the same moment. May be called again
   when the transaction around it is tried again. Errors, besides the common ones: TEMPORARILY_UNAVAILABLE when the
   content was removed between two such calls: it has to be sent again; of a part, RESOURCE_DOES_NOT_EXIST when its
   upload was dropped meanwhile. */
enum err_code blob_publish (struct blob_writer *writer, struct err *err);

/* Free; what was not published is removed where that takes no network, else it is left for blob_sweep. Never waits
   long, so any thread may call it. NULL is allowed. */
void blob_writer_free (struct blob_writer *writer);

/* --- reading --- */

/* An open file of the content for the kernel to send, which the caller closes; -1 when this kind of store has no files:
   then blob_read. Errors, besides the common ones: INTERNAL_ERROR when the content is gone or has another size. */
enum err_code blob_open_file (int *fd, struct blob_store *store, const struct digest *digest, int64_t size_bytes,
                              struct err *err);

/* Append `bytes` bytes from `offset` on to `out`; the range lies within the content. */
enum err_code blob_read (struct buffer *out, struct blob_store *store, const struct digest *digest, int64_t offset,
                         size_t bytes, struct err *err);

/* Hash the stored content again: `*intact` tells whether it still is what its name says; gone is not intact. Memory
   stays constant. */
enum err_code blob_verify (bool *intact, struct blob_store *store, const struct digest *digest, int64_t size_bytes,
                           struct err *err);

/* A URL from which anybody may GET the content until `expires_s` seconds have passed, written NUL-terminated; empty
   when this kind of store has none, and the daemon signs one of its own. `disposition` is the Content-Disposition the
   download shall have, `type` its media type. */
enum err_code blob_url (struct buffer *url, struct blob_store *store, const struct digest *digest, int expires_s,
                        struct slice disposition, struct slice type, struct err *err);

/* --- uploads in parts --- */

/* Most parts of an upload; S3's, which MLflow's client knows. */
#define BLOB_PARTS_MAX 10000

/* Longest name that a store gives an upload. */
#define BLOB_UPLOAD_NAME_BYTES 1024

/* A part that is there. */
struct blob_part
{
  int number; /* from 1 */
  int64_t size_bytes;
  char etag[80]; /* as the store gave it to whoever sent the part, without quotes; for a directory the SHA-256 */
};

/* Begin: `name` receives how the store calls the upload (BLOB_UPLOAD_NAME_BYTES; empty for a directory). */
enum err_code blob_upload_start (char *name, struct blob_store *store, const struct uuid *upload_id, struct err *err);

/* A URL to PUT a part to, for `expires_s` seconds; empty: this kind of store takes parts from the daemon, by
   blob_part_start. */
enum err_code blob_part_url (struct buffer *url, struct blob_store *store, const struct uuid *upload_id,
                             const char *name, int number, int expires_s, struct err *err);

/* A writer for a part: blob_write, blob_write_end (whose digest is the etag), blob_publish, blob_writer_free. A part
   sent again replaces the first. Errors, besides the common ones: NOT_IMPLEMENTED when the store signs URLs,
   RESOURCE_DOES_NOT_EXIST when there is no such upload. */
enum err_code blob_part_start (struct blob_writer **writer, struct blob_store *store, const struct uuid *upload_id,
                               int number, struct err *err);

/* The parts that are there, by number; at most BLOB_PARTS_MAX. The caller frees `parts` with free(). Errors, besides
   the common ones: RESOURCE_DOES_NOT_EXIST when there is no such upload. */
enum err_code blob_part_list (struct blob_part **parts, size_t *count, struct blob_store *store,
                              const struct uuid *upload_id, const char *name, struct err *err);

/* Make one content of the parts, in the order given, hashed and durable: the writer is as after blob_write_end. The
   parts stay until blob_upload_drop, which the caller calls once the content has its name: until then a complete may be
   tried again. Errors, besides the common ones: INVALID_PARAMETER_VALUE naming a part that is not there or has another
   etag, RESOURCE_DOES_NOT_EXIST when there is no such upload. */
enum err_code blob_upload_complete (struct blob_writer **writer, struct digest *digest, int64_t *size_bytes,
                                    struct blob_store *store, const struct uuid *upload_id, const char *name,
                                    const struct blob_part *parts, size_t count, struct err *err);

/* Remove all that was sent. No error when there is nothing. */
enum err_code blob_upload_drop (struct blob_store *store, const struct uuid *upload_id, const char *name,
                                struct err *err);

/* --- care --- */

/* Called for what blob_sweep finds; false ends it. */
typedef bool (*blob_found) (void *context, int64_t size_bytes);

/* Remove what crashed or broken-off writers have left and nobody has touched for `older_than_s` seconds, and parts of
   uploads that nobody has touched for as long, but never before upload-ttl-s; with `dry_run` only report. Safe beside
   daemons. */
enum err_code blob_sweep (struct blob_store *store, int64_t older_than_s, bool dry_run, blob_found found, void *context,
                          struct err *err);

/* Called for each content in the store, by digest; false ends the listing. `age_s` counts from its publishing. */
typedef bool (*blob_listed) (void *context, const struct digest *digest, int64_t size_bytes, int64_t age_s);

/* List contents in the order of their digests, those behind `after` (NULL: from the first). */
enum err_code blob_list (struct blob_store *store, const struct digest *after, blob_listed listed, void *context,
                         struct err *err);

/* Remove a content; the caller holds its row. No error when it is not there. */
enum err_code blob_remove (struct blob_store *store, const struct digest *digest, struct err *err);

#endif
