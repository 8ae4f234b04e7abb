/* What the files of the S3 back end share; private to them and to their tests.

   Keys, below the prefix:
     sha256/ab/<62 hex>   a content, by its digest
     tmp/<uuid>           a content that has no name yet, or an upload in parts; one that is too long for 10,000 parts
   is in several objects (segments), the others with ".1", ".2" ... behind the name */
#ifndef BLOB_S3_PRIVATE_H
#define BLOB_S3_PRIVATE_H

#include "blob/blob_private.h"
#include "blob/s3_client.h"

/* Sizes of what is sent. They follow from S3's limits; tests make them small. */
struct s3_sizes
{
  size_t part_bytes; /* of a part that a writer sends; what is not longer is sent in one piece */
  int parts_max; /* of a segment */
  int64_t copy_max_bytes; /* that the service copies in one piece */
  int64_t copy_part_bytes; /* about, of a part that it copies */
};

struct s3_store
{
  struct blob_store base;
  struct s3_settings settings;
  struct s3_client *client;
  struct s3_sizes sizes;
  int64_t upload_ttl_s;
};

/* The store's own struct. */
static inline struct s3_store *
s3_store_of (struct blob_store *store)
{
  return (struct s3_store *)store;
}

/* --- keys ----------------------------------------------------------------------------------------------------------
 */

void s3_content_key (char key[S3_KEY_BYTES], const struct s3_store *store, const struct digest *digest);
void s3_tmp_key (char key[S3_KEY_BYTES], const struct s3_store *store, const struct uuid *id, int segment);

/* --- whole objects; errors as of s3_client_send ---------------------------------------------------------------------
 */

/* The size of an object; -1: there is none. */
enum err_code s3_object_size (int64_t *size_bytes, struct s3_store *store, const char *key, struct err *err);

/* Hand `bytes` (more than 0) from `offset` on to `sink`. `*whole_bytes` is the size of the object; -1: there is none,
   or it ends before. */
enum err_code s3_object_get (int64_t *whole_bytes, struct s3_store *store, const char *key, int64_t offset,
                             int64_t bytes, s3_sink sink, void *context, struct err *err);

/* The digest of an object of known size, read as a stream. `*there` is false when it is gone or has another size. */
enum err_code s3_object_hash (bool *there, struct digest *digest, struct s3_store *store, const char *key,
                              int64_t size_bytes, struct err *err);

enum err_code s3_object_put (struct s3_store *store, const char *key, struct slice body, const struct digest *digest,
                             struct err *err);

/* Have the service copy an object of at most copy_max_bytes. */
enum err_code s3_object_copy (struct s3_store *store, const char *key, const char *source, struct err *err);

/* No error when it is not there. */
enum err_code s3_object_delete (struct s3_store *store, const char *key, struct err *err);

/* --- objects in parts ------------------------------------------------------------------------------------------------
 */

/* Begin; `upload` receives the service's name of it. */
enum err_code s3_parts_start (char upload[BLOB_UPLOAD_NAME_BYTES], struct s3_store *store, const char *key,
                              struct err *err);

/* Send part `part->number`; sets its etag and size. */
enum err_code s3_parts_send (struct blob_part *part, struct s3_store *store, const char *key, const char *upload,
                             struct slice body, struct err *err);

/* Have the service make part `part->number` of a range of another object; sets its etag and size. */
enum err_code s3_parts_copy (struct blob_part *part, struct s3_store *store, const char *key, const char *upload,
                             const char *source, int64_t offset, int64_t bytes, struct err *err);

/* The parts that are there, by number, and when the newest came (seconds since 1970; 0: none). The caller frees.
   Errors, besides those of s3_client_send: RESOURCE_DOES_NOT_EXIST. */
enum err_code s3_parts_list (struct blob_part **parts, size_t *count, int64_t *newest_s, struct s3_store *store,
                             const char *key, const char *upload, struct err *err);

/* Make the object of its parts. That it was made before, by an attempt whose answer was lost, is not an error. Errors,
   besides those of s3_client_send: INVALID_PARAMETER_VALUE naming a part, RESOURCE_DOES_NOT_EXIST. */
enum err_code s3_parts_complete (struct s3_store *store, const char *key, const char *upload,
                                 const struct blob_part *parts, size_t count, struct err *err);

/* Remove the parts. No error when there are none. */
enum err_code s3_parts_abort (struct s3_store *store, const char *key, const char *upload, struct err *err);

/* --- members of the back end, as blob_private.h says -----------------------------------------------------------------
 */

enum err_code s3_write_start (struct blob_writer **writer, struct blob_store *store, struct err *err);
enum err_code s3_write (struct blob_writer *writer, struct slice bytes, struct err *err);
enum err_code s3_write_end (struct blob_writer *writer, struct err *err);
enum err_code s3_publish (struct blob_writer *writer, struct err *err);
void s3_writer_free (struct blob_writer *writer);
/* A writer that has ended, of the object that upload `id` became. */
enum err_code s3_writer_of_upload (struct blob_writer **writer, struct s3_store *store, const struct uuid *id,
                                   const struct digest *digest, int64_t size_bytes, struct err *err);

enum err_code s3_sweep (struct blob_store *store, int64_t older_than_s, bool dry_run, blob_found found, void *context,
                        struct err *err);
enum err_code s3_list (struct blob_store *store, const struct digest *after, blob_listed listed, void *context,
                       struct err *err);

#endif
